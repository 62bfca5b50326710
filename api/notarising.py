"""A notary at work: its folder (key, store, policy), when it signs, and how it asks witnesses."""

from __future__ import annotations

import json
import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import (
    BaseHandler,
    HTTPRedirectHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    build_opener,
)

from domain.decider import FACTS
from domain.words import Words
from ledger import keys, national
from ledger.act import Unavailable
from ledger.book import Book
from ledger.entry import Corrupt
from ledger.mirror import Mirror
from ledger.national import Parallel, SM2Signer, SM2Verifier
from ledger.notary import Asked, Notary
from ledger.notes import LOG, Checkpoint, Note, Signer, Unproven, Verifier
from ledger.trust import Judged, Trust, Witness

logger = logging.getLogger(__name__)
EVERY_SECONDS, EVERY_ENTRIES = 60, 1_000  # the exposed window, at most
LOOK_SECONDS = 1.0
WITNESS_SECONDS = 10.0
ANSWER_BYTES_MAX = 64 * 1024
ONE_MACHINE = Words(
    "签署密钥与数据库同在这台机器上：能防事后私改数据库，防不住掌控这台机器的人。正式使用时，请在另一台"
    "机器上运行 gongwu notary，并请审计、财政等单位作见证。",
    "Key and database are on this one machine: that convicts who alters the database later, not who"
    " owns the machine. In real use run gongwu notary elsewhere and have other organs witness.",
)


class Place:
    """The folder of a notary. The policy in it is what readers are given to judge by."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key, self.policy = folder / "log.key", folder / "policy.txt"
        self.next_key = folder / "log.next"  # while a closed log is followed by another
        self.sm2_key, self.sm2_command = folder / "sm2.vkey", folder / "sm2.command"

    def make(self, origin: str, passphrase: str = "") -> Signer:
        """Draw the key of a new log and write the policy that believes it, without witnesses."""
        if origin.endswith(national.SUFFIX):
            raise Unproven(
                f"名称不得以 {national.SUFFIX} 结尾：那是国密并行账本的名称。",
                f"A name does not end in {national.SUFFIX}: that is how parallel logs are called.",
            )
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        signer = keys.make(self.key, origin, LOG, passphrase)
        self._write(Trust.two_of_three(signer.verifier, []))
        return signer

    def reopened(self, closed: Signer, origin: str, passphrase: str = "") -> Signer:
        """Draw the key of the log that follows a closed one; a crash in between is gone on with.

        The old key is set aside and never used; its public half stays in the policy, so that what
        it signed is still believed.
        """
        if (known := self._key_there(passphrase)).name == origin:
            return known
        fresh = self.next_key
        signer = (
            keys.load(fresh, passphrase)
            if fresh.exists()
            else keys.make(fresh, origin, LOG, passphrase)
        )
        trust = self.trust
        if signer.verifier not in trust.logs:
            logs = (signer.verifier, *trust.logs)
            self._write(Trust(logs, trust.witnesses, trust.groups, trust.quorum))
        self.key.replace(self.folder / f"closed-{closed.verifier.id.hex()}.key")
        fresh.replace(self.key)
        return signer

    def _key_there(self, passphrase: str) -> Signer:
        """Return the key in use; when a crash left only the next one, that."""
        if not self.key.exists() and self.next_key.exists():
            self.next_key.replace(self.key)
        return keys.load(self.key, passphrase)

    @property
    def trust(self) -> Trust:
        return Trust.parse(self.policy.read_bytes())

    def add_witness(self, name: str, vkey: str, url: str) -> Trust:
        """Believe one more witness: two of them must sign, or the only one there is."""
        known = self.trust
        added = (*known.witnesses, Witness(name, Verifier.parse(vkey), url))
        by_name = Trust.two_of_three(known.logs[0], [(w.name, w.verifier) for w in added])
        trust = Trust(known.logs, added, by_name.groups, by_name.quorum)
        Trust.parse(trust.text.encode())  # refuses a name or key given twice
        self._write(trust)
        return trust

    def _write(self, trust: Trust) -> None:
        _write(self.policy, trust.text)

    def notary(self, passphrase: str = "") -> Notary:
        """Return the notary of this folder."""
        return Notary(self.folder / "signed.db", self._key_there(passphrase))

    def beside(self, public: bytes, command: Sequence[str]) -> SM2Signer:
        """Keep a parallel log from now on, signed by a command with the key of a PEM file.

        Raise Unproven when the command does not sign with that very key.
        """
        name = self.trust.logs[0].name + national.SUFFIX
        verifier = SM2Verifier.of(name, national.point_of(public))
        signer = national.commanded(verifier, command)
        signer.sign("trial\n")
        _write(self.sm2_command, json.dumps(list(command), ensure_ascii=False) + "\n")
        _write(self.sm2_key, verifier.vkey + "\n")
        return signer

    def parallel(self) -> Parallel | None:
        """Return who signs the parallel log; None where there is none."""
        if not self.sm2_key.is_file():
            return None
        verifier, name = national.believed(self.sm2_key), self.trust.logs[0].name + national.SUFFIX
        if verifier.name != name:  # a closed log is followed by another: so is the parallel one
            verifier = SM2Verifier.of(name, verifier.point)
            _write(self.sm2_key, verifier.vkey + "\n")
        command = json.loads(self.sm2_command.read_text("utf-8"))
        return Parallel(self.folder / "signed.db", national.commanded(verifier, command))

    def witnesses(self) -> list[tuple[Verifier, Asked]]:
        """Return the witnesses that can be asked over the network."""
        return [(w.verifier, over_http(w.url)) for w in self.trust.witnesses if w.url]


def _write(file: Path, text: str) -> None:
    beside = file.with_suffix(".new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(file)


def signed(place: Place, notary: Notary, book: Book) -> tuple[Note, Judged]:
    """Sign the log as it is, ask the witnesses, and say what the policy makes of it."""
    note = notary.cosigned(book, notary.sign(book), place.witnesses())
    return note, place.trust.judge(note)


class _Stay(HTTPRedirectHandler):
    """A witness is where its address says: nobody sends us elsewhere."""

    def redirect_request(self, *_: object) -> None:
        return None


def opener(*also: BaseHandler) -> OpenerDirector:
    """Return what fetches from the very address it is given: no redirect, no proxy."""
    return build_opener(_Stay(), ProxyHandler({}), *also)


def over_http(url: str) -> Asked:
    """Return how a witness at an address is asked; whatever goes wrong is status 0."""
    address = f"{url.rstrip('/')}/add-checkpoint"
    if urlsplit(address).scheme not in ("http", "https"):
        raise Unproven(f"见证方地址无效：{url}", f"This is no address of a witness: {url}")
    open_ = opener().open

    def ask(body: bytes) -> tuple[int, bytes]:
        request = Request(address, body, {"Content-Type": "text/plain"})
        try:
            with open_(request, timeout=WITNESS_SECONDS) as answer:
                return answer.status, answer.read(ANSWER_BYTES_MAX)
        except HTTPError as answer:
            return answer.code, answer.read(ANSWER_BYTES_MAX)
        except (OSError, HTTPException) as trouble:
            logger.warning("witness %s: %s", address, trouble)
            return 0, b""

    return ask


class Watch:
    """Signs whenever the log has waited long enough, until it is told to stop."""

    def __init__(
        self,
        place: Place,
        notary: Notary,
        book: Book,
        *,
        seconds: float = EVERY_SECONDS,
        entries: int = EVERY_ENTRIES,
        mirror: Mirror | None = None,
        stamp: Callable[[], None] | None = None,
        told: Callable[[Judged], None] | None = None,
        trouble: Callable[[Unproven | Corrupt | Unavailable], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.place, self.notary, self.book = place, notary, book
        self._seconds, self._entries, self._mirror = seconds, entries, mirror
        self._stamp, self._told, self._trouble = stamp, told, trouble
        self._parallel, self._follow_from = place.parallel(), -math.inf
        self._clock, self._stop = clock, threading.Event()
        # What waited while nobody looked has waited long enough.
        self._waiting_since: float | None = -math.inf
        self._looked, self._boundary = 0, 0

    def run(self) -> None:
        """Look once a second; what goes wrong is told, and tried again."""
        while not self._stop.wait(LOOK_SECONDS):
            try:
                self.look()
            except (Unproven, Corrupt, Unavailable) as trouble:
                logger.warning("the notary did not sign: %s", trouble)
                if self._trouble is not None:
                    self._trouble(trouble)
                if self._stop.wait(self._seconds):
                    return

    def look(self) -> Judged | None:
        """Sign when the first unsigned entry has waited long enough, there are many, or one of
        them is a boundary."""
        size, last = self.book.log.head()[0], self.notary.last()
        if size == last.size and last.note is not None:
            self._waiting_since = None
            self._follow(Note.parse(last.note))
            return None
        now = self._clock()
        since = self._waiting_since = self._waiting_since or now
        # It may have been there since the last look, and waits until the next one.
        early = size > last.size and now - since < self._seconds - 2 * LOOK_SECONDS
        few = size - last.size < self._entries
        if early and few and last.note is not None and not self._crossed(last.size, size):
            return None
        note, judged = signed(self.place, self.notary, self.book)
        self._waiting_since = None
        if self._mirror is not None:
            self._mirror.bring(self.book.log, note)
        if self._told is not None:
            self._told(judged)
        if self._stamp is not None:
            self._stamp()
        self._follow(note)
        return judged

    def _crossed(self, signed: int, size: int) -> bool:
        """Tell whether there is a boundary among the entries that are not signed."""
        first, self._looked = max(signed, self._looked) + 1, size
        for page in self.book.log.rows(first, size) if first <= size else ():
            for position, _, _, type_name, _ in page:
                fact = FACTS.get(type_name)
                if fact is not None and fact.boundary:
                    self._boundary = position
        return self._boundary > signed

    def _follow(self, note: Note) -> None:
        """Bring the parallel log up to what is signed; a device that fails stops nobody else."""
        if self._parallel is None or self._clock() < self._follow_from:
            return
        try:
            if self._parallel.last().note is None or self._parallel.last().size != size_of(note):
                self._parallel.follow(self.book, note)
        except (Unproven, Unavailable) as trouble:
            logger.warning("the parallel log was not signed: %s", trouble)
            self._follow_from = self._clock() + self._seconds
            if self._trouble is not None:
                self._trouble(trouble)

    def start(self) -> None:
        """Work beside whoever serves; `stop` ends it."""
        self._thread = threading.Thread(target=self.run, name="notary", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End, after what is being signed."""
        self._stop.set()
        self._thread.join(timeout=WITNESS_SECONDS)


def kept(notary: Notary, book: Book, note: Note, brought: bytes) -> Note:
    """Join signatures that were carried here by hand to a note, and publish it."""
    more = Note.parse(note.text.encode() + b"\n" + brought).signatures
    joined = note.joined(more)
    notary.publish(book, joined)
    return joined


def size_of(note: Note) -> int:
    """Return how many entries a checkpoint covers."""
    return Checkpoint.parse(note.text).size
