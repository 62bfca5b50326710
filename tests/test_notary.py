"""The notary signs what is there, never a past that became another, and never two for one size."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import sys
import threading
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from books import ADMIN, going_back, opened, unguarded, unit
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sizes import SEED, sized

from ledger import keys, tree
from ledger.book import Book
from ledger.entry import Corrupt
from ledger.mirror import Mirror
from ledger.notary import Last, Notary, Refusal
from ledger.notes import LOG, WITNESS, Checkpoint, Note, Signer, Unproven
from ledger.tiles import Tree
from ledger.trust import Trust
from ledger.verifying import verify
from ledger.witnessing import REQUESTS_MAX, Request, Witness

ORIGIN = "ledger.example.gov.cn/warehouse-1"


def signer(name: str = ORIGIN, kind: int = LOG, seed: int = 1) -> Signer:
    return Signer.of(name, kind, Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


TRUST = Trust.two_of_three(signer().verifier, [])


def more(book: Book, count: int = 5) -> None:
    size = book.head()[0]
    book.act([unit(f"u{size}.{n}") for n in range(count)], ADMIN)


def size_of(note: Note) -> int:
    return TRUST.judge(note).checkpoint.size


def refusal(notary: Notary, book: Book) -> str:
    with pytest.raises(Refusal) as refused:
        notary.sign(book)
    return refused.value.slug


# Signing ------------------------------------------------------------------------------


def test_it_signs_the_head_and_publishes_it(database: str, tmp_path: Path):
    notary = Notary(tmp_path / "n.db", signer())
    with opened(database) as book:
        assert size_of(notary.sign(book)) == 0
        for _ in range(3):
            more(book, 300)
            note = notary.sign(book)
            checkpoint = TRUST.judge(note).checkpoint
            assert (checkpoint.size, checkpoint.root) == book.head()[:2]
            assert book.log.checkpoints(0, 10**9, 1) == [(checkpoint.size, note.raw)]
            assert notary.sign(book) == note  # nothing new: the same note
        assert [size for size, _ in book.log.checkpoints(0, 10**9, 9)] == [900, 600, 300, 0]
        assert verify(book).intact


@pytest.mark.either_backend("an older backup takes the same away from either")
@pytest.mark.reliability("R12")
def test_a_database_that_went_back_is_refused(database: str, tmp_path: Path):
    """R12, Venafi's fault: a backup is restored, and the log goes on differently."""
    notary = Notary(tmp_path / "n.db", signer())
    with opened(database) as book:
        more(book)
    with going_back(database), opened(database) as book:
        more(book)
        notary.sign(book)
    with opened(database) as book:
        assert refusal(notary, book) == "backwards"
        more(book, 6)  # longer than before, and another past
        assert refusal(notary, book) in {"forked", "contradicted"}
    assert notary.last().size == 10


@pytest.mark.reliability("R12")
@pytest.mark.parametrize("column", ["state", "leaf", "frontier", "node"])
def test_a_bit_that_flips_between_append_and_signature_is_never_signed(
    database: str, tmp_path: Path, column: str
):
    """R12, Yeti's fault: entry, leaf, frontier or kept hash, at any place."""
    seeded = random.Random(SEED)
    with opened(database) as book:
        more(book, 300)
        Notary(tmp_path / "n.db", signer()).sign(book)
        more(book, 300)
        Tree(book.log).reach(600)
    refused = 0
    for _ in range(sized("R12")):
        shutil.copy(tmp_path / "n.db", tmp_path / "again.db")
        where = {
            "state": ("ledger_entry", f"notification_id={seeded.randrange(301, 601)}"),
            "leaf": ("ledger_entry", f"notification_id={seeded.randrange(301, 601)}"),
            "frontier": ("ledger_head", "one=1"),
            "node": ("ledger_node", f"number={seeded.randrange(2)}"),
        }[column]
        name = "hash" if column == "node" else column
        with unguarded(database) as execute:
            (good,) = execute(f"SELECT {name} FROM {where[0]} WHERE {where[1]}").fetchone()
            at = seeded.randrange(len(good))
            bent = good[:at] + bytes([good[at] ^ (1 << seeded.randrange(8))]) + good[at + 1 :]
            execute(f"UPDATE {where[0]} SET {name}=? WHERE {where[1]}", bent)
        with opened(database) as book:
            refused += refusal(Notary(tmp_path / "again.db", signer()), book) in {
                *("contradicted", "forked"),
            }
        with unguarded(database) as execute:
            execute(f"UPDATE {where[0]} SET {name}=? WHERE {where[1]}", good)
    assert refused == sized("R12"), (SEED, refused)
    with opened(database) as book:
        assert size_of(Notary(tmp_path / "n.db", signer()).sign(book)) == 600


@pytest.mark.one_backend("a ledger becomes two by copying its file")
@pytest.mark.reliability("R12")
def test_of_two_notaries_with_one_store_exactly_one_proceeds(tmp_path: Path):
    """R12, TrustAsia's fault: two copies of the database, grown apart, signed at one moment."""
    first, second = (f"sqlite:///{tmp_path / name}.db" for name in ("a", "b"))
    with opened(first) as book:
        more(book)
        Notary(tmp_path / "n.db", signer()).sign(book)
    shutil.copy(tmp_path / "a.db", tmp_path / "b.db")
    for url in (first, second):
        with opened(url) as book:
            more(book)
    signed: list[Note] = []
    refused: list[str] = []
    together = threading.Barrier(2)

    def sign(url: str) -> None:
        with opened(url) as book:
            notary = Notary(tmp_path / "n.db", signer())
            together.wait()
            try:
                signed.append(notary.sign(book))
            except Refusal as why:
                refused.append(why.slug)

    threads = [threading.Thread(target=sign, args=(url,)) for url in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(signed) == len(refused) == 1, refused
    assert refused[0] in {"raced", "contradicted", "forked"}


@pytest.mark.either_backend(
    "what notaries and witnesses keep of their own, whatever they read it from"
)
@pytest.mark.reliability("R12")
def test_who_signs_between_a_look_and_a_signature_is_not_signed_past(
    new_database: Callable[[], str], tmp_path: Path
):
    """The same race, made certain: a twin signs another log while this one computes."""
    first, second = new_database(), new_database()
    for url in (first, second):
        with opened(url) as book:
            more(book)
    twin = Notary(tmp_path / "n.db", signer())

    class Slow(Notary):
        def _told(self, book: Book, last: Last) -> Last:
            found = super()._told(book, last)
            with opened(second) as other:
                twin.sign(other)
            return found

    with opened(first) as book:
        assert refusal(Slow(tmp_path / "n.db", signer()), book) == "raced"
        assert refusal(twin, book) == "contradicted"
    with opened(second) as book:
        assert twin.last().note == twin.sign(book).raw


@pytest.mark.parametrize("entries", [300, 600, 1_030])
def test_a_kept_hash_of_a_level_that_is_not_complete_is_never_signed(
    database: str, tmp_path: Path, entries: int
):
    """Put there beforehand, it would be taken for the hash of what is still to come."""
    with opened(database) as book:
        more(book, entries)
        Tree(book.log).reach(entries)
        with unguarded(database) as execute:
            execute("INSERT INTO ledger_node VALUES (2, 0, ?)", bytes(32))
        assert refusal(Notary(tmp_path / "n.db", signer()), book) == "contradicted"
        assert verify(book).first is not None


def test_a_past_that_fits_the_root_and_not_the_last_signature_is_a_fork(
    database: str, tmp_path: Path
):
    """A leaf that lies under a kept hash is not asked for the root, but for the proof it is."""
    notary = Notary(tmp_path / "n.db", signer())
    with opened(database) as book:
        more(book, 300)
        notary.sign(book)
        more(book, 300)
        Tree(book.log).reach(600)
        with unguarded(database) as execute:
            execute("UPDATE ledger_entry SET leaf=? WHERE notification_id=280", bytes(32))
        assert refusal(notary, book) == "forked"
    assert notary.last().size == 300


@pytest.mark.reliability("R11")
def test_a_note_that_was_lost_after_it_was_written_down_is_signed_again_the_same(
    database: str, tmp_path: Path
):
    """R11: failed but persisted, at each call after the store was swapped."""
    broken = [True]

    def sign_bytes(message: bytes) -> bytes:
        if broken[0]:
            raise Unproven("卡不在。", "The card is away.")
        return Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32).sign(message)

    card = Signer(ORIGIN, LOG, signer().verifier.public, sign_bytes)
    notary = Notary(tmp_path / "n.db", card)
    with opened(database) as book:
        more(book)
        with pytest.raises(Unproven):
            notary.sign(book)
        assert notary.last().note is None
        assert not book.log.checkpoints(0, 9, 9)
        broken[0] = False
        note = notary.sign(book)
        assert size_of(note) == 5
        with unguarded(database) as execute:  # signed, and not published
            execute("DELETE FROM ledger_checkpoint")
        assert notary.sign(book) == note
        assert len(book.log.checkpoints(0, 9, 9)) == 1


def test_a_store_that_is_away_signs_nothing(database: str, tmp_path: Path):
    notary = Notary(tmp_path / "n.db", signer())
    with opened(database) as book:
        more(book)
        (tmp_path / "n.db").unlink()
        (tmp_path / "n.db").mkdir()
        with pytest.raises(sqlite3.Error):
            notary.sign(book)
        assert not book.log.checkpoints(0, 9, 9)


def test_entries_that_are_gone_from_a_log_that_counts_them_are_never_signed(
    database: str, tmp_path: Path
):
    with opened(database) as book:
        more(book, 9)
        with unguarded(database) as execute:
            execute("DELETE FROM ledger_entry WHERE notification_id=4")
        assert refusal(Notary(tmp_path / "a.db", signer()), book) == "contradicted"
        with unguarded(database) as execute:
            execute("DELETE FROM ledger_entry")
        assert refusal(Notary(tmp_path / "b.db", signer()), book) == "contradicted"


# Keys ---------------------------------------------------------------------------------


def test_a_key_file_is_its_owners_alone(tmp_path: Path):
    file = tmp_path / "log.key"
    made = keys.make(file, ORIGIN, LOG)
    assert file.stat().st_mode & 0o777 == 0o600
    assert keys.load(file).verifier == made.verifier
    file.chmod(0o640)
    with pytest.raises(Unproven, match="chmod 600"):
        keys.load(file)
    with pytest.raises(Unproven, match="exists"):
        keys.make(file, ORIGIN, LOG)
    with pytest.raises(Unproven):
        keys.make(tmp_path / "no.key", "a b", LOG)


def test_a_passphrase_guards_the_key(tmp_path: Path):
    file = tmp_path / "w.key"
    made = keys.make(file, "w.example", WITNESS, "口令 42")
    assert keys.load(file, "口令 42").verifier == made.verifier
    assert b"ENCRYPTED" in file.read_bytes()
    for wrong in ("", "other"):
        with pytest.raises(Unproven):
            keys.load(file, wrong)


def test_a_key_of_another_kind_is_refused(tmp_path: Path):
    file = tmp_path / "x.key"
    pem = Ed448PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    file.write_bytes(b"gongwu-key log a\n" + pem)
    file.chmod(0o600)
    with pytest.raises(Unproven, match="Ed25519"):
        keys.load(file)


@pytest.mark.parametrize(
    "content", [b"", b"gongwu-key log a\nnothing", b"other log a\n", b"gongwu-key shop a\n"]
)
def test_what_is_no_key_file(tmp_path: Path, content: bytes):
    file = tmp_path / "x.key"
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(Unproven):
        keys.load(file)
    with pytest.raises(Unproven):
        keys.load(tmp_path / "none.key")


def test_a_key_behind_a_command():
    """What a card or a signature server is: bytes in, signature out."""
    script = (
        "import sys; from cryptography.hazmat.primitives.asymmetric.ed25519 import *;"
        "k = Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32);"
        "sys.stdout.buffer.write(k.sign(sys.stdin.buffer.read()))"
    )
    asked = keys.asked([sys.executable, "-c", script], signer().verifier.vkey)
    assert asked.sign("text\n") == signer().sign("text\n")
    for command in (["false"], ["/no/such/program"], [sys.executable, "-c", "print('no')"]):
        with pytest.raises(Unproven):
            keys.asked(command, signer().verifier.vkey).sign("text\n")


# Witnesses ----------------------------------------------------------------------------


def witness(
    folder: Path,
    name: str = "w1",
    seed: int = 9,
    clock: Callable[[], float] = lambda: 1_700_000_000.0,
) -> Witness:
    key = signer(f"{name}.example", WITNESS, seed)
    return Witness(folder / f"{name}.db", key, [signer().verifier], clock)


def asking(of: Witness) -> Callable[[bytes], tuple[int, bytes]]:
    def ask(raw: bytes) -> tuple[int, bytes]:
        answer = of.add(raw)
        return answer.status, answer.body

    return ask


def test_the_answers_of_the_protocol(database: str, tmp_path: Path):
    """Nine requests, in the order and with the answers of C2SP tlog-witness."""
    notary, one = Notary(tmp_path / "n.db", signer()), witness(tmp_path)
    stranger = Notary(tmp_path / "s.db", signer("stranger.example/log"))
    impostor = Notary(tmp_path / "i.db", signer(seed=7))
    with opened(database) as book:
        more(book)
        old = notary.sign(book)
        of = Tree(book.log)

        def add(note: Note, size: int, of_: Tree = of) -> tuple[int, bytes]:
            return asking(one)(notary.request(of_, note, size))

        assert add(stranger.sign(book), 0)[0] == 404
        assert add(impostor.sign(book), 0)[0] == 403
        assert add(old, 6)[0] == 400
        assert add(old, 3) == (409, b"0\n")
        assert add(old, 0)[0] == 200
        assert add(old, 5)[0] == 200  # again: the same is signed again
        more(book)
        new = notary.sign(book)
        assert add(new, 4) == (409, b"5\n")
        good = notary.request(of, new, 5)
        bad = good.replace(b"\n\n", b"\n" + b"A" * 43 + b"=\n\n", 1)
        assert asking(one)(bad)[0] == 422
        forged = Checkpoint(ORIGIN, 5, bytes(32)).text
        assert add(Note(forged, (signer().sign(forged),)), 5)[0] == 422
        short = Checkpoint(ORIGIN, 9, bytes(31)).text
        assert asking(one)(b"old 5\n\n" + Note(short, (signer().sign(short),)).raw)[0] == 422
        assert asking(one)(good)[0] == 200
        for raw in (b"", b"10 stuff\n\n", b"old x\n\n" + new.raw, b"old 5\nAAAA\n\n" + new.raw):
            assert asking(one)(raw)[0] == 400
        name = sha256(ORIGIN.encode()).hexdigest()
        kept = one.latest(name)
        assert kept is not None
        assert Note.parse(kept).text == new.text
        assert one.latest("0" * 64) is None
        assert one.seen() == [(ORIGIN, 10, 1_700_000_000)]


def test_foreign_requests_to_a_witness(shared_file: Callable[[str], Path]):
    for case in json.loads(shared_file("merkle/witness-parse.json").read_text()):
        try:
            Request.parse(case["body"].encode())
        except Unproven:
            # Upstream takes hashes of any length until they are used.
            assert not case["want_ok_syntax"] or "abc=" in case["body"], case["name"]
        else:
            assert case["want_ok_syntax"], case["name"]


def test_who_asks_too_often_waits(database: str, tmp_path: Path):
    now = [0.0]
    one = witness(tmp_path, clock=lambda: now[0])
    notary = Notary(tmp_path / "n.db", signer())
    with opened(database) as book:
        more(book)
        raw = notary.request(Tree(book.log), notary.sign(book), 0)
    statuses = [one.add(raw).status for _ in range(REQUESTS_MAX + 1)]
    assert statuses[0] == 200
    assert statuses[-2:] == [409, 429]
    now[0] = 61.0
    assert one.add(raw).status == 409


@pytest.mark.reliability("R13")
def test_requests_that_pass_each_other_never_roll_a_witness_back(database: str, tmp_path: Path):
    """R13: sizes N and N+K interleaved by eight threads; what is signed only grows."""
    notary, now = Notary(tmp_path / "n.db", signer()), [0.0]
    one = witness(tmp_path, clock=lambda: now[0])
    requests: list[bytes] = []
    with opened(database) as book:
        of = Tree(book.log)
        notes = []
        for _ in range(12):
            more(book, 3)
            notes.append(notary.sign(book))
        assert one.add(notary.request(of, notes[0], 0)).status == 200
        for note in notes[1:]:
            requests += [notary.request(of, note, size) for size in range(3, size_of(note), 3)]
    sizes: list[int] = []

    def ask(part: list[bytes]) -> None:
        for raw in part:
            now[0] += 2
            one.add(raw)
            sizes.append(one.seen()[0][1])

    seeded = random.Random(SEED)
    requests = seeded.choices(requests, k=sized("R13"))
    threads = [threading.Thread(target=ask, args=(requests[n::8],)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sizes) == len(requests)
    last = one.latest(sha256(ORIGIN.encode()).hexdigest())
    assert last is not None
    assert size_of(Note.parse(last)) == max(sizes), SEED


def test_two_of_three_witnesses_make_a_quorum(database: str, tmp_path: Path):
    """One is away, one answers nonsense first: the note goes out, and its policy says so."""
    notary = Notary(tmp_path / "n.db", signer())
    all_ = [witness(tmp_path, f"w{n}", 10 + n) for n in range(3)]
    trust = Trust.two_of_three(
        signer().verifier, [(f"w{n}", w.signer.verifier) for n, w in enumerate(all_)]
    )
    away: list[Callable[[bytes], tuple[int, bytes]]] = [
        lambda _: (0, b""),
        lambda _: (200, b"nonsense"),
        lambda _: (409, b"nonsense"),
        lambda _: (200, asking(all_[0])(b"")[1]),
        lambda _: (409, b"3\n"),  # whatever it is asked
    ]
    with opened(database) as book:
        more(book)
        note = notary.sign(book)
        assert not trust.judge(note).met
        for broken in away:
            witnesses = [(all_[0].signer.verifier, broken)]
            assert notary.cosigned(book, note, witnesses) == note
        note = notary.cosigned(book, note, [(all_[1].signer.verifier, asking(all_[1]))])
        assert not trust.judge(note).met
        note = notary.cosigned(book, note, [(w.signer.verifier, asking(w)) for w in all_[1:]])
        judged = trust.judge(note)
        assert judged.met
        assert set(judged.witnesses) == {"w1", "w2"}
        assert book.log.checkpoints(5, 5, 1) == [(5, note.raw)]
        more(book)
        note = notary.cosigned(
            book, notary.sign(book), [(w.signer.verifier, asking(w)) for w in all_]
        )
        assert len(trust.judge(note).witnesses) == 3


@pytest.mark.either_backend("an older backup takes the same away from either")
def test_a_witness_that_knows_more_than_the_database_raises_the_alarm(
    database: str, tmp_path: Path
):
    """T3: the whole machine went back, notary and all; the witness did not."""
    one = witness(tmp_path)
    with opened(database) as book:
        more(book)
    with going_back(database), opened(database) as book:
        more(book)
        notary = Notary(tmp_path / "n.db", signer())
        notary.cosigned(book, notary.sign(book), [(one.signer.verifier, asking(one))])
    with opened(database) as book:
        restored = Notary(tmp_path / "new.db", signer())
        with pytest.raises(Refusal) as refused:
            restored.cosigned(book, restored.sign(book), [(one.signer.verifier, asking(one))])
    assert refused.value.slug == "witness-ahead"


@pytest.mark.one_backend("a ledger becomes two by copying its file")
def test_a_split_view_gets_no_quorum(tmp_path: Path):
    """T4: two futures of one past, each shown to other readers: one of them finds no witness."""
    one = witness(tmp_path)
    first, second = (f"sqlite:///{tmp_path / name}.db" for name in ("a", "b"))
    with opened(first) as book:
        more(book)
        notary = Notary(tmp_path / "n.db", signer())
        assert one.add(notary.request(Tree(book.log), notary.sign(book), 0)).status == 200
    shutil.copy(tmp_path / "a.db", tmp_path / "b.db")
    shutil.copy(tmp_path / "n.db", tmp_path / "m.db")
    statuses: list[int] = []
    for url, store in ((first, "n.db"), (second, "m.db")):
        with opened(url) as book:
            more(book)
            notary = Notary(tmp_path / store, signer())
            note = notary.sign(book)
            statuses.append(one.add(notary.request(Tree(book.log), note, 5)).status)
            if statuses == [200, 409]:
                statuses.append(one.add(notary.request(Tree(book.log), note, 10)).status)
    assert statuses == [200, 409, 422]


# Mirrors ------------------------------------------------------------------------------


def test_a_mirror_follows_and_gives_everything_back(database: str, tmp_path: Path):
    notary, mirror = Notary(tmp_path / "n.db", signer()), Mirror(tmp_path / "mirror")
    with opened(database) as book:
        for count in (3, 300, 256, 1):
            more(book, count)
            mirror.bring(book.log, notary.sign(book))
        size = book.head()[0]
        states = [bytes(row[4]) for page in book.log.rows(1) for row in page]
        assert list(mirror.entries()) == states
        assert list(mirror.entries(500)) == states[499:]
        assert mirror.leaves() == [tree.leaf(state) for state in states]
        assert mirror.checkpoint() == TRUST.judge(notary.sign(book)).checkpoint
        short = {str(f.relative_to(mirror.folder)) for f in mirror.folder.rglob("*.p/*")}
        rest = size % 256
        assert short == {f"tile/0/002.p/{rest}", f"tile/entries/002.p/{rest}", "tile/1/000.p/2"}
        mirror.bring(book.log, notary.sign(book))
    bundle = mirror.folder / "tile/entries/001"
    raw = bundle.read_bytes()
    bundle.write_bytes(raw[:50] + bytes([raw[50] ^ 1]) + raw[51:])
    with pytest.raises(Unproven):
        list(mirror.entries())


def test_a_mirror_is_never_brought_to_another_past(new_database: Callable[[], str], tmp_path: Path):
    notary, mirror = Notary(tmp_path / "n.db", signer()), Mirror(tmp_path / "mirror")
    with opened(new_database()) as book:
        more(book)
        mirror.bring(book.log, notary.sign(book), entries=False)
        assert not list(mirror.folder.glob("tile/entries/*"))
    with opened(new_database()) as book:
        more(book, 8)
        with pytest.raises(Corrupt):
            mirror.bring(book.log, Notary(tmp_path / "o.db", signer()).sign(book))


# Failed, and persisted all the same ---------------------------------------------------


class Lost(Exception):
    """A call whose answer never came back."""


CALLS = ("swap", "keep", "publish", "ask", "bring")


class Shaky(Notary):
    """A notary whose calls to stores and network fail once each, before or after they are done."""

    def __init__(self, store: Path, fault: str, *, persisted: bool) -> None:
        super().__init__(store, signer())
        self.fault, self.persisted = fault, persisted

    def shaking(self, name: str, call: Callable[..., Any], *given: Any) -> Any:
        strikes = name == self.fault
        if strikes:
            self.fault = ""
            if self.persisted:
                call(*given)
            raise Lost(name)
        return call(*given)

    def _swap(self, *given: Any) -> None:
        self.shaking("swap", super()._swap, *given)

    def _keep(self, *given: Any) -> None:
        self.shaking("keep", super()._keep, *given)

    def publish(self, *given: Any) -> None:
        self.shaking("publish", super().publish, *given)


@pytest.mark.reliability("R11")
@pytest.mark.parametrize("persisted", [False, True], ids=["not-done", "done"])
@pytest.mark.parametrize("call", CALLS)
def test_a_call_that_failed_and_may_have_been_done_leads_to_no_fork_and_no_standstill(
    database: str, tmp_path: Path, call: str, persisted: bool
):
    """Each store and network call of two rounds, in its place; then the next round is whole."""
    one, mirror = witness(tmp_path), Mirror(tmp_path / "mirror")
    trust = Trust.two_of_three(signer().verifier, [("w", one.signer.verifier)])
    with opened(database) as book:
        for _ in range(2):
            notary = Shaky(tmp_path / "n.db", call, persisted=persisted)

            def ask(request: bytes, notary: Shaky = notary) -> tuple[int, bytes]:
                answer: tuple[int, bytes] = notary.shaking("ask", asking(one), request)
                return answer

            def bring(note: Note, notary: Shaky = notary) -> None:
                notary.shaking("bring", mirror.bring, book.log, note)

            def round_(notary: Notary = notary, ask: Any = ask, bring: Any = bring) -> Note:
                note = notary.cosigned(book, notary.sign(book), [(one.signer.verifier, ask)])
                bring(note)
                return note

            more(book)
            with pytest.raises(Lost):
                round_()
            more(book, 3)
            note = round_()
            judged = trust.judge(note)
            assert judged.checkpoint.size == book.head()[0]
            assert judged.checkpoint.root == book.head()[1]
            assert judged.witnesses
            assert mirror.checkpoint() == judged.checkpoint
            assert len(mirror.leaves()) == judged.checkpoint.size
        for size, raw in book.log.checkpoints(0, 10**9, 99):
            told = TRUST.judge(Note.parse(raw)).checkpoint
            assert (told.size, told.root) == (size, Tree(book.log).root(size))
        assert verify(book, mirror=mirror).intact
