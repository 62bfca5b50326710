"""A month of a whole service under one seed: everything goes wrong, and at the end all of it holds.

People ask for whatever the forms allow while the clock goes on and is put back, disks are full,
answers are lost and asked for again, devices come back with what they queued, the service starts
again and backups are put in its place. A seed that ever fails becomes a test of its own.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sizes import SEED, sized
from test_projections import dump
from test_random_lives import CARD, PAPERS, PEOPLE, START, UNITS, World, cards, forbidden

from domain.decider import Ask, Occasion, Refused
from domain.policy import GENERIC
from domain.words import Role
from ledger.act import Conflict, Receipt, Unavailable
from ledger.auditing import violations
from ledger.book import Book
from ledger.mirror import Mirror
from ledger.notary import Notary, Refusal
from ledger.notes import LOG, Checkpoint, Signer
from ledger.replaying import replay
from ledger.sqlite import LedgerSQLiteRecorder
from ledger.verifying import verify
from projections.store import ReadModels

DAYS, STEPS_A_DAY = 30, 4
PAGES_MAX = 2**30
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))


class Service(World):
    """A city on a service that fails: every request has a key, and may have to be sent again."""

    def __init__(self, folder: Path, chance: Random) -> None:
        self.folder, self.file = folder, folder / "ledger.db"
        self.now = datetime.combine(START, time(1), UTC)
        self.queues: list[list[tuple[str, Ask, Occasion]]] = [[], [], []]
        self.answers: dict[str, Receipt] = {}
        self.held: list[Checkpoint] = []
        self.calm, self.sent = True, 0
        self.running = ExitStack()
        self.started()
        super().__init__(self.book, chance)
        self.calm = False

    # The service ----------------------------------------------------------------------

    def started(self) -> None:
        """Open everything, as after any stop."""
        url = f"sqlite:///{self.file}"
        self.book = self.running.enter_context(closing(Book.open(url, clock=lambda: self.now)))
        self.lists = self.running.enter_context(closing(ReadModels.open(url)))
        self.notary = Notary(self.folder / "notary.db", Signer.of("log.example", LOG, KEY))
        self.mirror = Mirror(self.folder / "mirror")

    def stopped(self) -> None:
        self.running.close()

    @contextmanager
    def full(self) -> Iterator[None]:
        """Let the file not grow by a page."""
        self._grows_to(1)
        try:
            yield
        finally:
            self._grows_to(PAGES_MAX)

    def _grows_to(self, pages: int) -> None:
        log = self.book.log
        assert isinstance(log, LedgerSQLiteRecorder)
        with log.datastore.get_connection(commit=False) as connection:
            connection.cursor().execute(f"PRAGMA max_page_count={pages}")

    # Asking ---------------------------------------------------------------------------

    def ask(self, ask: Ask, by: str, role: str, on: date, unit: str = "") -> None:
        self.sent += 1
        key = f"k{self.sent}"
        occasion = Occasion(by=by, on=on, unit=unit, role=role, docs=PAPERS)
        luck = 1.0 if self.calm else self.chance.random()
        if luck < 0.1:  # a device without a network: later, and more than once
            self.chance.choice(self.queues).append((key, ask, occasion))
            return
        if luck < 0.3:
            with self.full():
                size, trouble = self.book.head()[0], ""
                try:
                    self.told(key, ask, occasion)
                except Unavailable as full:
                    trouble = full.kind
                assert trouble in {"", "disk-full"}
                assert not trouble or self.book.head()[0] == size
        self.told(key, ask, occasion)
        if luck > 0.9:
            self.told(key, ask, occasion)  # the answer was lost on the way

    def told(self, key: str, ask: Ask, occasion: Occasion) -> None:
        """Send a request; whatever was answered once is answered the same for ever."""
        receipt = self.book.act([ask], occasion, key=key)
        known = self.answers.setdefault(key, msgspec.structs.replace(receipt, replayed=False))
        assert msgspec.structs.replace(receipt, replayed=False) == known

    def come_back(self) -> None:
        """Let a device send what it queued, in any order, some of it twice."""
        queue = self.chance.choice(self.queues)
        for key, ask, occasion in self.chance.sample(queue, len(queue)) + queue[:2]:
            try:
                self.told(key, ask, occasion)
            except (Refused, Conflict):
                assert key not in self.answers
        queue.clear()

    # What happens to a service --------------------------------------------------------

    def sign(self) -> None:
        note = self.notary.sign(self.book)
        self.held.append(Checkpoint.parse(note.text))
        self.mirror.bring(self.book.log, note)

    def start_again(self) -> None:
        self.stopped()
        self.started()

    def clock_goes_back(self) -> None:
        self.now -= timedelta(hours=self.chance.randrange(1, 40))

    def catch_up(self) -> None:
        self.lists.catch_up(self.book)

    def keep_a_copy(self) -> None:
        self.stopped()
        shutil.copy(self.file, self.folder / "backup.db")
        self.started()

    def old_copy_is_put_in_place(self) -> None:
        """It is refused where more was signed, and found by what was held; the right one returns."""
        if not (self.folder / "backup.db").exists():
            return
        self.stopped()
        self.file.rename(self.folder / "right.db")
        shutil.copy(self.folder / "backup.db", self.file)
        self.started()
        size, signed = self.book.head()[0], self.notary.last().size
        if size < signed:
            with pytest.raises(Refusal) as refused:
                self.notary.sign(self.book)
            assert refused.value.slug == "backwards"
            assert not verify(self.book, held=self.held).intact
        else:
            assert verify(self.book, held=self.held).intact
        self.stopped()
        (self.folder / "right.db").rename(self.file)
        self.started()

    def work(self, on: date) -> None:
        """Let a clerk do what clerks do: it is granted, if the disk is not full."""
        number = self.chance.randrange(10**6)
        if self.chance.random() < 0.3:
            self.assets.append(f"S{self.sent}")
            form = {**CARD, "asset_no": self.assets[-1], "unit": self.chance.choice(UNITS)}
            ask = Ask(f"asset/{self.assets[-1]}", "register_existing", form)
        else:
            form = {"reason": "核对", "model": f"示{number}"}
            ask = Ask(f"asset/{self.chance.choice(self.assets)}", "correct_card", form)
        with suppress(Refused):  # a device may hold the card back, or a case the asset
            self.ask(ask, self.chance.choice(PEOPLE), Role.CLERK, on)

    def day(self, on: date) -> None:
        """Let a day go by."""
        for number in range(STEPS_A_DAY):
            self.now += timedelta(minutes=self.chance.randrange(1, 200))
            # Nothing happens on a day that the server's clock has not reached.
            (self.step, self.work)[number % 2](min(on, self.now.date()))
        happens = (
            *(self.sign, self.sign, self.catch_up, self.come_back, self.come_back),
            *(self.start_again, self.clock_goes_back, self.keep_a_copy),
            *(self.old_copy_is_put_in_place,),
        )
        self.now = max(self.now, datetime.combine(on + timedelta(days=1), time(1), UTC))
        self.chance.choice(happens)()


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """Lend a folder that waits for no disk, where there is one: no power is cut here."""
    shared = Path("/dev/shm")
    if not os.access(shared, os.W_OK):
        yield tmp_path
        return
    with TemporaryDirectory(dir=shared) as folder:
        yield Path(folder)


@pytest.mark.one_backend("every fault of a file and its disk")
@pytest.mark.reliability("R16")
@pytest.mark.target("T125")
def test_a_month_in_which_everything_goes_wrong_ends_whole(memory: Path) -> None:
    for number in range(sized("R16")):
        seed = f"{SEED}.{number}"
        print(f"seed {seed}")
        folder = memory / str(number)
        folder.mkdir()
        service = Service(folder, Random(seed))
        with closing(service.running):
            for day in range(DAYS):
                service.day(START + timedelta(days=day))
            for _ in range(9):
                service.come_back()
            service.sign()
            ends_whole(service)
        shutil.rmtree(folder)


def ends_whole(service: Service) -> None:
    """Check bytes, signatures, copies, lists, answers, duties and states at the end."""
    book, lists = service.book, service.lists
    verdict = verify(book, held=service.held, mirror=service.mirror)
    assert verdict.intact, verdict.sentence("en")
    assert len(book.log.checkpoints(0, 10**9, 99)) == len({c.size for c in service.held})
    for key, receipt in service.answers.items():
        command = book.log.command(receipt.first)
        assert command is not None
        assert (command[0], command[1], command[4]) == (receipt.first, receipt.count, key)
    assert book.head()[0] == sum(receipt.count for receipt in service.answers.values())
    told = replay(book, hashed=True)
    assert told.root == book.head()[1]
    assert told.states == {name: book.stream(name).state for name in told.states}
    service.catch_up()
    live = dump(lists)
    lists.rebuild(book)
    assert dump(lists) == live
    assert [w for name, card in cards(book).items() for w in forbidden(name, card)] == []
    assert list(violations(book, lambda _: GENERIC)) == []
