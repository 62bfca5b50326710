"""The book: append-only, every act in one transaction, every stream readable as of any day."""

from __future__ import annotations

import json
import os
import threading
import time
import unicodedata
from collections import ChainMap, deque
from collections.abc import (
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    MutableMapping,
    Sequence,
)
from contextlib import contextmanager
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Self, TypeAlias, cast, overload
from zoneinfo import ZoneInfo

import msgspec
from eventsourcing.application import Application
from eventsourcing.persistence import Mapper, StoredEvent

import domain.lives  # noqa: F401 - every fact must be known before the log is read
from domain import numbering
from domain import person as people
from domain.approval import Resubmitted, UnitsVerified
from domain.bank import AccountReconciled
from domain.decider import (
    LIFECYCLES,
    NOT_YOUR_ROLE,
    Ask,
    EntryReversed,
    Event,
    Occasion,
    Refused,
    Rule,
)
from domain.duties import INCOMPATIBLE, Did, excluding, matter_of
from domain.filing import BYTES_COME_ALONG, FileAttached
from domain.holding import LIST_MAX
from domain.period import PeriodClosed
from domain.recovery import RecoveryConfirmed
from domain.statement import StatementReconciled
from domain.unit import entitled, receivers, requests
from domain.words import Role, Words
from ledger import tree
from ledger.act import (
    ACT_ENTRIES_MAX,
    Act,
    Conflict,
    Evidence,
    Receipt,
    Replayed,
    Row,
    Taken,
    Unavailable,
)
from ledger.entry import (
    Corrects,
    Draft,
    Entry,
    Sealed,
    Via,
    claim_time,
    decode,
    encode,
    moment,
    salts,
    stamp,
    standing,
)
from ledger.sqlite import LedgerSQLiteRecorder
from ledger.sqlite import told as told_sqlite

if TYPE_CHECKING:
    from ledger.postgres import LedgerPostgresRecorder

RECENT_MAX = 256  # acts whose entries need not be read back to answer whoever asked
FRESH_MAX = 256  # acts whose rows need not be read back to follow the log
_written = json.JSONEncoder(sort_keys=True, ensure_ascii=False).encode
FRESH_ENTRIES = 20  # larger acts are read back: it matters little
KNOWN_MAX = 20_000  # streams whose last state is kept in memory
TRIES = 20  # an act that lost a race decides again on the newer state
Clock: TypeAlias = Callable[[], datetime]

# Auditors and administrators record nothing about property, so they take nothing back.
NEVER_REVERSE = frozenset({Role.AUDITOR, Role.ADMIN, Role.SECURITY, Role.AUDIT_ADMIN})

GRANTERS = frozenset(people.GRANTERS)
# Who is who and who may do what is the administrators' to say, and theirs to take back.
OF_ADMINISTRATORS = frozenset({"person", "unit", "recovery"})
OWN_POWERS_STAND = Rule(
    slug="own-powers-reversed",
    zh="不能红冲关于自己岗位的记录；请由另一名系统管理员办理。",
    en="Nobody reverses what is recorded of their own roles; another administrator does.",
    law="《行政事业性国有资产管理条例》第51条",
)
TOO_MANY = Rule(
    slug="act-too-large",
    zh="一次办理最多 {most} 条记录，本次需要 {count} 条；请分批办理。",
    en="One act records at most {most} entries; this one needs {count}. Split it.",
)
IN_THE_FUTURE = Rule(
    slug="date-in-the-future",
    zh="业务日期 {on} 晚于今天 {today}；请按实际发生日期填写。",
    en="The business date {on} is after today, {today}; give the day on which it happened.",
)
NOT_THERE = Rule(
    slug="no-such-entry",
    zh="{stream} 没有第 {seq} 条记录。",
    en="{stream} has no entry {seq}.",
)
REVERSED_ALREADY = Rule(
    slug="already-reversed",
    zh="第 {seq} 条已被红冲，不能重复红冲；如红冲有误，可以红冲那条红冲记录。",
    en="Entry {seq} is reversed already; if that was the mistake, reverse the reversal.",
)
CONTRADICTED = Rule(
    slug="contradicts-later-entries",
    zh="{stream} 在 {on} 之后已有记录，补记后前后矛盾（补记后应为 {then}，账上为 {now}）；"
    "请先红冲后面的记录，再按先后补记。",
    en="{stream} has entries after {on} that this would contradict (it would come to {then}, the"
    " books say {now}). Reverse the later ones first, then record in order.",
)
CLOSED_STAYS = Rule(
    slug="closed-period-stays",
    zh="已结账的期间不能红冲；以后记入的更正保留真实日期，计入下一期间。",
    en="A closed period is never opened again; what is corrected later keeps its true date and"
    " counts in the next period.",
)
LOSS_STAYS = Rule(
    slug="confirmed-loss-stays",
    zh="已确认的丢失不能红冲：新的账本名已据此启用。",
    en="A confirmed loss is not taken back: the ledger was signed under another name for it.",
)
LAST_FIRST = Rule(
    slug="later-entries-stand",
    zh="第 {seq} 条之后还有有效记录（{stream} 第 {later} 条）；请先红冲后面的记录。",
    en="Entry {later} of {stream} stands after entry {seq}; reverse the later one first.",
)
NUMBER_TAKEN = Rule(
    slug="number-taken",
    zh="{kind} {value} 已被使用，不能重复；用过的编号不再发放。",
    en="{kind} {value} is used already; a number is never given twice.",
)


class EntryMapper(Mapper[str]):
    """Turns drafts into stored bytes and back, by stable names only."""

    def __init__(self) -> None:
        self._salts: list[str] = []

    def to_stored_event(self, domain_event: Any) -> StoredEvent:
        draft = cast(Draft, domain_event)
        try:
            salt = self._salts.pop()
        except IndexError:
            self._salts = salts(256)
            salt = self._salts.pop()
        sealed = Sealed(draft.stream, draft.seq, draft.event.type_name, encode(draft, salt))
        return cast(StoredEvent, sealed)

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        s = stored_event
        return decode(0, str(s.originator_id), s.originator_version, s.topic, s.state)


class Sealing(Sequence[StoredEvent]):
    """Drafts that are sealed when they are first looked at, and then stay as they are.

    A recorder that writes slice by slice lets the database work on one while the next is sealed.
    """

    def __init__(self, mapper: Mapper[str], drafts: Sequence[Draft]) -> None:
        self._seal = mapper.to_stored_event
        self._drafts = drafts
        self._sealed: list[StoredEvent] = []

    def __len__(self) -> int:
        return len(self._drafts)

    def __iter__(self) -> Iterator[StoredEvent]:
        return iter(self[:])

    @overload
    def __getitem__(self, index: int) -> StoredEvent: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[StoredEvent]: ...
    def __getitem__(self, index: int | slice) -> StoredEvent | Sequence[StoredEvent]:
        last = index.indices(len(self))[1] if isinstance(index, slice) else range(len(self))[index]
        if last >= len(self._sealed):
            more = self._drafts[len(self._sealed) : last + 1]
            self._sealed += map(self._seal, cast(Any, more))
        return self._sealed[index]


class Stream(msgspec.Struct, frozen=True):
    """One stream as known now: its entries, its state today, and its version."""

    name: str
    entries: tuple[Entry, ...]
    standing: tuple[Entry, ...]
    state: Any
    version: int


class Known(msgspec.Struct, frozen=True, gc=False):
    """What was true of a stream when we last wrote it; perhaps no longer, so it is never trusted
    to refuse and always checked by the database when it is written."""

    version: int
    state: Any
    last_on: str
    did: frozenset[Did]


class Gathering(threading.local):
    """What acts of one thread came to that are not committed: nobody else may know of it."""

    known: dict[str, Known] | None = None  # None unless acts are done together
    since = 0  # position of the first entry that waits to be committed; 0 when none does
    published: list[Callable[[], None]]  # what others may know once it is
    lost: Unavailable | None = None  # why entries from `since` on could not be committed

    def was_lost(self, position: int) -> bool:
        """Tell whether an entry that was recorded together with others is not there."""
        return self.lost is not None and 0 < self.since <= position


class Book(Application[str]):
    """The ledger of one place. Open it with `Book.open(url)`."""

    name = "ledger"
    clock: Clock
    url: str

    @classmethod
    def open(cls, url: str, *, clock: Clock | None = None) -> Self:
        """Open `sqlite:///file.db` or `postgresql://…`, creating the tables when missing.

        `clock` replaces the server's time in tests. Raise Unsafe when the database would not
        keep what it acknowledges, Unavailable when it cannot be used now.
        """
        told = told_sqlite
        if not url.startswith("sqlite:"):
            from ledger.postgres import told  # its library is loaded for a server alone

        with told():
            book = cls(environment(url))
        book.clock = clock or (lambda: datetime.now(UTC))
        book.url = url
        book._timed = clock is not None
        book._known, book._recent, book._fresh = {}, {}, {}
        book._losers = threading.Lock()
        book._gathering = Gathering()
        return book

    _timed = False
    _known: dict[str, Known]
    _losers: threading.Lock
    _gathering: Gathering
    _recent: dict[int, Sequence[Draft]]
    _fresh: dict[int, Sequence[Row]]

    def construct_mapper(self) -> Mapper[str]:
        return EntryMapper()

    @property
    def log(self) -> LedgerSQLiteRecorder | LedgerPostgresRecorder:  # type: ignore[override] # the library's own `log` is deprecated
        """Return the recorder: raw rows, positions and proofs of who wrote what."""
        return cast("LedgerSQLiteRecorder | LedgerPostgresRecorder", self.recorder)

    # Reading -----------------------------------------------------------------

    def stream(self, name: str) -> Stream:
        """Read one stream; an empty one has version 0 and the empty state."""
        entries = tuple(decode(*row) for row in self.log.stream_rows(name))
        kept = tuple(standing(entries))
        state = lifecycle_of(name).fold(e.event for e in kept)
        return Stream(name, entries, kept, state, entries[-1].seq if entries else 0)

    def first(self, name: str) -> Entry | None:
        """Read the first entry of a stream; None when it has none."""
        row = self.log.first_row(name)
        return None if row is None else decode(*row)

    def entries(self, start: int = 1, stop: int | None = None) -> Iterator[Entry]:
        """Yield entries by position, both ends included."""
        for page in self.log.rows(start, stop):
            for row in page:
                yield decode(*row)

    def state_at(self, name: str, on: str, known: int | None = None) -> Any:
        """Return the state of a stream: true on a business date, known at a position.

        An independent fold of the log; what projections answer must equal it (T02, T04).
        """
        entries = [
            decode(*row) for row in self.log.stream_rows(name) if known is None or row[0] <= known
        ]
        return lifecycle_of(name).fold(e.event for e in standing(entries) if e.effective_on <= on)

    def head(self) -> tuple[int, bytes, str]:
        """Return size, root and the time of the last entry."""
        size, recorded_at, packed = self.log.head()
        return size, tree.root(tree.unpack(packed)), recorded_at

    def position_known(self, when: str) -> int:
        """Return the size of the log at a time (`YYYY-MM-DD` means the end of that UTC day)."""
        return self.log.position_at(f"{when}T23:59:59.999999Z" if len(when) == 10 else when)

    # Writing -----------------------------------------------------------------

    def act(
        self,
        asks: Sequence[Ask],
        occasion: Occasion,
        *,
        key: str | None = None,
        expected: Mapping[str, int] | None = None,
        via: Via | None = None,
        context: Mapping[str, str] | None = None,
        zone: str = "Asia/Shanghai",
        evidence: Sequence[Evidence] = (),
        today_meant: bool = False,
    ) -> Receipt:
        """Grant every ask and whatever it asks of other streams, or nothing.

        `key` makes a repetition answer with the first receipt. `expected` maps streams to the
        version the asker saw; a newer one raises Conflict. `today_meant` says that the asker
        named no business date: the same request repeated tomorrow is still the same. Raise
        Refused when a rule says no, KeyReused, or msgspec.ValidationError for a mistyped form.
        """
        asks = [Ask(a.stream, a.verb, normalised(a.form)) for a in asks]
        print_ = fingerprint(asks, occasion, None if today_meant else occasion.on)

        def grant() -> Receipt:
            return self._granted(
                asks, occasion, expected or {}, via, zone, key, print_, context, evidence
            )

        return self._once(occasion.by, key, print_, grant)

    def preview(
        self, asks: Sequence[Ask], occasion: Occasion, *, zone: str = "Asia/Shanghai"
    ) -> tuple[Draft, ...]:
        """Return what an act would record now, and record nothing.

        Raise what `act` raises. Another may be first, and an identifier that may be used once is
        only looked at when the act is recorded: a preview promises nothing.
        """
        asks = [Ask(a.stream, a.verb, normalised(a.form)) for a in asks]
        self._refuse_future(occasion, zone)
        desk = Desk(self, occasion, claim_time(occasion.on, zone, self.clock()), None, "", {})
        for ask in asks:
            desk.grant(ask, desk.cause)
        desk.refuse_contradictions()
        return tuple(desk.drafts)

    def judge(
        self,
        groups: Iterable[Sequence[Ask]],
        occasion: Occasion,
        known: MutableMapping[str, Known],
        *,
        zone: str = "Asia/Shanghai",
    ) -> Iterator[Refused | None]:
        """Tell of each group of asks why it would be refused, were those before it recorded.

        Nothing is recorded. `known` keeps what the groups before came to, but for what is asked of
        directly: whoever judges a hundred thousand names each of those once.
        """
        self._refuse_future(occasion, zone)
        claimed = claim_time(occasion.on, zone, self.clock())
        for group in groups:
            desk = Desk(self, occasion, claimed, None, "", known)
            try:
                for ask in group:
                    desk.grant(Ask(ask.stream, ask.verb, normalised(ask.form)), desk.cause)
                desk.refuse_contradictions()
            except Refused as refused:
                yield refused
            else:
                desk.keep(known, {ask.stream for ask in group})
                yield None

    def _refuse_future(self, occasion: Occasion, zone: str) -> None:
        today = self.clock().astimezone(ZoneInfo(zone)).date()
        if occasion.on > today:
            raise IN_THE_FUTURE.broken(on=occasion.on, today=today)

    def _once(
        self, actor: str, key: str | None, print_: str, record: Callable[[], Receipt]
    ) -> Receipt:
        """Answer a repetition with its first receipt.

        The recorder knows a repeated key in its own transaction. What it never sees is a
        repetition that is refused because the same request was granted before.
        """
        try:
            return record()
        except (Refused, Conflict):
            known = None if key is None else self.log.receipt(actor, key, print_)
            if known is None:
                raise
            return known

    def _granted(
        self,
        asks: Sequence[Ask],
        occasion: Occasion,
        expected: Mapping[str, int],
        via: Via | None,
        zone: str,
        key: str | None,
        print_: str,
        context: Mapping[str, str] | None,
        evidence: Sequence[Evidence],
    ) -> Receipt:
        self._refuse_future(occasion, zone)
        claimed = claim_time(occasion.on, zone, self.clock())
        known = self._memory()
        for attempt in range(TRIES):
            desk = Desk(self, occasion, claimed, via, new_id("cmd"), known)
            # Who lost a race waits for the others of this process that did: a stream that a
            # hundred ask at once (a series of numbers) is then fought for with other processes only.
            if attempt:
                self._losers.acquire()
            try:
                for stream, version in expected.items():
                    if desk.at(stream) != version:
                        raise Conflict(stream, version, desk.at(stream))
                for number, ask in enumerate(asks):
                    desk.grant(ask, f"{desk.cause}/{number}" if len(asks) > 1 else desk.cause)
                desk.refuse_contradictions()
                self._refuse_without_bytes(desk.drafts, evidence)
                receipt = self.append(
                    desk.drafts,
                    actor=occasion.by,
                    cause=desk.cause,
                    key=key,
                    fingerprint=print_,
                    context=context,
                    evidence=evidence,
                )
                if not receipt.replayed:
                    desk.remember()
                return receipt
            except (Refused, Conflict) as no:
                pause = 0.0
                if desk.recalled:  # perhaps only our memory was old: read, and decide again
                    known = {}
                    continue
                if isinstance(no, Refused) or no.stream in expected:
                    raise
                if attempt == TRIES - 1:
                    raise
                pause = 0.001 * (1 + attempt) * (os.urandom(1)[0] / 128)
            finally:
                if attempt:
                    self._losers.release()
            time.sleep(pause)
        raise AssertionError("unreachable")

    def _refuse_without_bytes(self, drafts: Sequence[Draft], sent: Sequence[Evidence]) -> None:
        """Refuse an attachment whose bytes neither came along nor are kept already."""
        for draft in drafts:
            if isinstance(draft.event, FileAttached):
                name = draft.event.sha256
                if not any(e.sha256 == name for e in sent) and self.log.file(name) is None:
                    raise BYTES_COME_ALONG.broken()

    def reverse(
        self,
        stream: str,
        seq: int,
        occasion: Occasion,
        *,
        reason: str,
        key: str | None = None,
        via: Via | None = None,
        context: Mapping[str, str] | None = None,
    ) -> Receipt:
        """Take back a mistaken entry together with all that the same request wrote (T10).

        The reversal takes the business date of the original, so that the pair nets to zero in
        every view known from now on; both stay visible. Raise Refused.
        """
        refuse_reverser(stream, occasion)
        if stream == f"person/{occasion.by}":
            raise OWN_POWERS_STAND.broken()
        reason = normalised(reason)
        print_ = fingerprint([Ask(stream, "reverse", {"seq": seq, "reason": reason})], occasion)

        def take_back() -> Receipt:
            return self._reversed(stream, seq, occasion, reason, via, key, print_, context)

        return self._once(occasion.by, key, print_, take_back)

    def _reversed(
        self,
        stream: str,
        seq: int,
        occasion: Occasion,
        reason: str,
        via: Via | None,
        key: str | None,
        print_: str,
        context: Mapping[str, str] | None,
    ) -> Receipt:
        original = next((e for e in self.stream(stream).entries if e.seq == seq), None)
        if original is None:
            raise NOT_THERE.broken(stream=stream, seq=seq)
        if isinstance(original.event, (PeriodClosed, AccountReconciled, StatementReconciled)):
            raise CLOSED_STAYS.broken()
        if isinstance(original.event, RecoveryConfirmed):
            raise LOSS_STAYS.broken()
        command = self.log.command(original.position)
        assert command is not None
        first, count = command[0], command[1]
        group = [e for e in self.entries(first, first + count - 1) if e.cause == original.cause]
        people.refuse_taking_back(occasion, (e.event for e in group))
        drafts: list[Draft] = []
        cause = new_id("cmd")
        for name in dict.fromkeys(e.stream for e in group):
            if lifecycle_of(name).register and name != stream:
                continue  # a number that was given out stays so; its document says why it is free
            current = self.stream(name)
            mine = [e for e in group if e.stream == name]
            refuse_reversal(current, mine)
            for number, entry in enumerate(reversed(mine), start=1):
                drafts.append(
                    Draft(
                        stream=name,
                        seq=current.version + number,
                        event=EntryReversed(seq=entry.seq, reason=reason),
                        actor=occasion.by,
                        cause=cause,
                        effective_at=entry.effective_at,
                        corrects=Corrects(seq=entry.seq, stream=name),
                        docs=occasion.docs,
                        via=via,
                    )
                )
        return self.append(
            drafts, actor=occasion.by, cause=cause, key=key, fingerprint=print_, context=context
        )

    def reverse_act(
        self,
        first: int,
        occasion: Occasion,
        *,
        reason: str,
        key: str | None = None,
        via: Via | None = None,
        context: Mapping[str, str] | None = None,
    ) -> tuple[Receipt | None, frozenset[int]]:
        """Take back all requests of the act at a position, as far as nothing later stands on them.

        Return the receipt, None when there was nothing to take back, and which requests of the act
        (from 0) stay because later entries stand on them.
        """
        command = self.log.command(first)
        assert command is not None
        entries = list(self.entries(command[0], command[0] + command[1] - 1))
        refuse_reverser(entries[0].stream, occasion)
        reason = normalised(reason)
        groups: dict[str, list[Entry]] = {}
        for entry in entries:
            groups.setdefault(entry.cause, []).append(entry)
        streams: dict[str, Stream] = {}
        gone: dict[str, set[int]] = {}
        taken: list[Entry] = []
        left: set[int] = set()
        for number, group in reversed(list(enumerate(groups.values()))):
            names = dict.fromkeys(e.stream for e in group)
            free = []
            try:
                for name in names:
                    if lifecycle_of(name).register and len(names) > 1:
                        continue  # as when one request is taken back: a number stays given out
                    if name not in streams:
                        streams[name] = self.stream(name)
                    mine = [e for e in group if e.stream == name]
                    stream, also = streams[name], gone.setdefault(name, set())
                    standing = tuple(e for e in stream.standing if e.seq not in also)
                    refuse_reversal(msgspec.structs.replace(stream, standing=standing), mine)
                    free += mine
            except Refused as refused:
                if refused.rule is not REVERSED_ALREADY:
                    left.add(number)
                continue
            for entry in free:
                gone[entry.stream].add(entry.seq)
            taken += reversed(free)
        if not taken:
            return None, frozenset(left)
        cause, added, drafts = new_id("cmd"), dict.fromkeys(streams, 0), list[Draft]()
        for entry in taken:
            added[entry.stream] += 1
            drafts.append(
                Draft(
                    stream=entry.stream,
                    seq=streams[entry.stream].version + added[entry.stream],
                    event=EntryReversed(seq=entry.seq, reason=reason),
                    actor=occasion.by,
                    cause=cause,
                    effective_at=entry.effective_at,
                    corrects=Corrects(seq=entry.seq, stream=entry.stream),
                    docs=occasion.docs,
                    via=via,
                )
            )
        receipt = self.append(drafts, actor=occasion.by, cause=cause, key=key, context=context)
        return receipt, frozenset(left)

    def append(
        self,
        drafts: Sequence[Draft],
        *,
        actor: str,
        cause: str,
        key: str | None = None,
        fingerprint: str = "",
        context: Mapping[str, str] | None = None,
        claims: Iterable[tuple[str, str, str]] = (),
        evidence: Sequence[Evidence] = (),
    ) -> Receipt:
        """Record drafts in one transaction: what already happened, as an import knows it.

        Raise Conflict, Refused (number taken), KeyReused.
        """
        if not drafts:
            raise ValueError("an act without entries")
        act = Act(
            cause=cause,
            actor=actor,
            key=key,
            fingerprint=fingerprint,
            context=_written(dict(context or {})),
            claims=[*claims, *claimed_by(drafts)],
            evidence=list(evidence),
            now=moment(self.clock()) if self._timed else None,
        )
        mine = self._gathering
        if mine.known is not None and mine.lost is not None:
            raise mine.lost
        try:
            # Not `save`: it asks each object what it is, slowly, before it comes to this.
            stored = Sealing(self.mapper, drafts)
            self.log.insert_events(stored, act=act)
        except Replayed as replayed:
            return replayed.receipt
        except Taken as taken:
            raise NUMBER_TAKEN.broken(kind=Words.of(taken.kind), value=taken.value) from taken
        receipt = act.receipt
        assert receipt is not None
        for draft in drafts:
            self._known.pop(draft.stream, None)
            if mine.known is not None:
                mine.known.pop(draft.stream, None)
        if mine.known is None:
            self._publish(stored, drafts, key, receipt)
        else:
            mine.since = mine.since or receipt.first
            mine.published.append(lambda: self._publish(stored, drafts, key, receipt))
        return receipt

    def _publish(
        self, stored: Sequence[Any], drafts: Sequence[Draft], key: str | None, receipt: Receipt
    ) -> None:
        """Keep what was just committed for whoever follows the log, and for the answer."""
        if len(drafts) <= FRESH_ENTRIES:
            self._keep(stored, receipt)
        if key is not None and len(drafts) < RECENT_MAX:  # an import asks for no answer
            if len(self._recent) >= RECENT_MAX:
                self._recent.clear()
            self._recent[receipt.first] = drafts

    @contextmanager
    def together(self) -> Iterator[Gathering]:
        """Let acts of this thread wait for one commit of them all, which `settle` makes.

        A file on disk is then waited for once. Nobody is to hear of an act before it is settled.
        What is not settled when the block ends was never recorded.
        """
        mine = self._gathering
        mine.known, mine.since, mine.published, mine.lost = {}, 0, [], None
        try:
            with self.log.together():
                yield mine
        finally:
            mine.known, mine.published = None, []

    def settle(self) -> None:
        """Commit what this thread gathered, if anything; raise Unavailable when that failed.

        After that nothing more is recorded together: what failed is not to be mistaken for what
        came later.
        """
        mine = self._gathering
        if mine.known is None or mine.lost is not None:
            return
        known, published = mine.known, mine.published
        mine.known, mine.published = {}, []
        try:
            self.log.settle()
        except Unavailable as trouble:
            mine.lost = trouble
            raise
        mine.since = 0
        self._known.update(known)
        for publish in published:
            publish()

    def _memory(self) -> MutableMapping[str, Known]:
        """Return what is remembered of streams: for others, and first for this thread alone."""
        mine = self._gathering.known
        return self._known if mine is None else ChainMap(mine, self._known)

    def _keep(self, stored: Sequence[Any], receipt: Receipt) -> None:
        if len(self._fresh) >= FRESH_MAX:  # nobody follows
            self._fresh.clear()
        at = receipt.recorded_at
        self._fresh[receipt.first] = [
            (position, s.originator_id, s.originator_version, s.topic, stamp(s.state, at))
            for position, s in enumerate(stored, start=receipt.first)
        ]

    def written(self, receipt: Receipt) -> Sequence[Draft | Entry]:
        """Return what an act wrote, in order: from memory when it was just now."""
        recent = self._recent.pop(receipt.first, None)
        return recent or list(self.entries(receipt.first, receipt.last))

    def just_written(self, after: int) -> list[Row]:
        """Return, once, the rows after a position that were written here a moment ago.

        They are in the log, and they follow one another; what others wrote ends them.
        """
        found: list[Row] = []
        while rows := self._fresh.pop(after + len(found) + 1, None):
            found += rows
        return found


class Desk:
    """Where one act is prepared: the streams it read, the drafts it will write."""

    def __init__(
        self,
        book: Book,
        occasion: Occasion,
        claimed: str,
        via: Via | None,
        cause: str,
        known: Mapping[str, Known],
    ) -> None:
        self.book, self.occasion, self.claimed = book, occasion, claimed
        self.via, self.cause = via, cause
        self.drafts: list[Draft] = []
        self._streams: dict[str, Stream] = {}
        self._now: dict[str, Any] = {}  # state including our own drafts
        self._then: dict[str, Any] = {}  # the same as of the business date
        self._added: dict[str, int] = {}
        self._late: set[str] = set()
        self._did: dict[str, set[Did]] = {}
        self._version: dict[str, int] = {}
        self._memory = known
        self.recalled = False  # whether anything was taken from memory

    def at(self, name: str) -> int:
        """Read a stream once per act; return its version."""
        if name in self._version:
            return self._version[name]
        on = self.claimed[:10]
        known = self._memory.get(name)
        register = lifecycle_of(name).register
        if known is not None and (register or known.last_on <= on):
            self.recalled = True
            version, now, then = known.version, known.state, known.state
            self._did[name] = set(known.did)
        else:
            stream = self._streams[name] = self.book.stream(name)
            self._did[name] = set(did_in(stream.standing))
            version, now, then = stream.version, stream.state, stream.state
            if not register and stream.standing and stream.standing[-1].effective_on > on:
                self._late.add(name)
                before = (e.event for e in stream.standing if e.effective_on <= on)
                then = lifecycle_of(name).fold(before)
        self._version[name], self._now[name], self._then[name] = version, now, then
        self._added[name] = 0
        return version

    def remember(self) -> None:
        """Keep what the streams came to, for whoever asks next."""
        if len(self.book._known) > KNOWN_MAX:
            self.book._known.clear()
        self.keep(self.book._memory(), frozenset())

    def keep(self, memory: MutableMapping[str, Known], but: Collection[str]) -> None:
        """Put into a memory what the streams came to, but for some."""
        for name, version in self._version.items():
            if name not in self._late and self._added[name] and name not in but:
                state, on = self._now[name], self.claimed[:10]
                did = frozenset(self._did.get(name, ()))
                memory[name] = Known(version + self._added[name], state, on, did)

    def grant(self, ask: Ask, cause: str, *, asked: bool = False) -> None:
        """Decide one ask and everything it asks in turn.

        A request for a past day must be right on that day and right today.
        """
        lifecycle = lifecycle_of(ask.stream)
        version = self.at(ask.stream)
        occasion = msgspec.structs.replace(
            self.occasion, stream=ask.stream, listed=self._listed(ask.form.get("assets"))
        )
        then, now = self._then[ask.stream], self._now[ask.stream]
        try:
            answers = lifecycle.decide(then, ask.verb, occasion, ask.form, asked=asked)
            if then is not now:
                lifecycle.decide(now, ask.verb, occasion, ask.form, asked=asked)
        except Refused as refused:
            refused.stream = refused.stream or ask.stream
            raise
        rest = deque(answers)
        while rest:
            answer = rest.popleft()
            if isinstance(answer, Ask):
                self.grant(answer, cause, asked=True)
                continue
            if answer.duty:
                self._refuse_incompatible(ask.stream, answer, occasion)
            if requests(answer):
                rest.extendleft(self._verified(ask.stream, answer, occasion))
            self._added[ask.stream] += 1
            self.drafts.append(
                Draft(
                    stream=ask.stream,
                    seq=version + self._added[ask.stream],
                    event=answer,
                    actor=occasion.by,
                    cause=cause,
                    effective_at=self.claimed,
                    docs=occasion.docs,
                    via=self.via,
                    behalf=occasion.behalf,
                )
            )
            if len(self.drafts) > ACT_ENTRIES_MAX:
                raise TOO_MANY.broken(most=ACT_ENTRIES_MAX, count=f">{ACT_ENTRIES_MAX}")
            moved = lifecycle.evolve(self._now[ask.stream], answer)
            same = self._then[ask.stream] is self._now[ask.stream]
            self._then[ask.stream] = (
                moved if same else lifecycle.evolve(self._then[ask.stream], answer)
            )
            self._now[ask.stream] = moved
            if answer.numbered:
                self._number(ask.stream, occasion, cause)
            for more in lifecycle.follow(moved, answer, occasion):
                self.grant(more, cause, asked=True)

    def _number(self, stream: str, occasion: Occasion, cause: str) -> None:
        """Draw a document number for what is put forward, once, where its unit named a series."""
        if not occasion.unit or self._now[stream].number:
            return
        series = self._as_recorded(numbering.series_of(occasion, stream))
        ask = numbering.due_ask(series, occasion, stream)
        if ask is not None:
            self.grant(ask, cause, asked=True)

    def _listed(self, assets: Any) -> tuple[Any, ...]:
        """Return the states of the assets a form lists: whose kinds and values choose the route."""
        if not isinstance(assets, (list, tuple)) or len(assets) > LIST_MAX:
            return ()
        streams = [f"asset/{id_}" for id_ in assets if isinstance(id_, str)]
        for stream in streams:
            self.at(stream)
        return tuple(self._then[stream] for stream in streams)

    def _as_recorded(self, name: str) -> Any:
        """Return a stream's state on the business date as the log has it, not as remembered."""
        if name not in self._version:
            memory, self._memory = self._memory, {}
            self.at(name)
            self._memory = memory
        return self._then[name]

    def _verified(self, stream: str, fact: Event, occasion: Occasion) -> tuple[UnitsVerified, ...]:
        """Refuse a request of, or for, a unit that is unknown, dissolved or expired (T51).

        Units are as the log has them on the business date, whatever memory or lists say. Who acts
        for no unit is not at a door: an import, or a rule tried out. Return what was checked as a
        fact of a case that is put forward; its withdrawal leaves none.
        """
        if not occasion.unit:
            return ()
        units = tuple(dict.fromkeys((occasion.unit, *receivers(fact))))
        for unit in units:
            try:
                entitled(self._as_recorded(f"unit/{unit}"), unit, occasion.on)
            except Refused as refused:
                refused.stream, refused.state = stream, self._now[stream]
                raise
        forward = hasattr(fact, "applicant") or isinstance(fact, Resubmitted)
        if not forward or UnitsVerified not in lifecycle_of(stream).meanings:
            return ()
        names = [f"unit/{unit}" for unit in units]
        entries = tuple(self._version[name] + self._added[name] for name in names)
        return (UnitsVerified(units=units, entries=entries, checked_on=occasion.on),)

    def _refuse_incompatible(self, stream: str, fact: Event, occasion: Occasion) -> None:
        """Refuse a duty to who has another that excludes it in the same matter (T30).

        Judged on the person and on whoever delegated to them, in any role.
        """
        duty, matter = fact.duty, matter_of(fact)
        persons = {occasion.by, occasion.behalf} - {""}
        did = self._did.setdefault(stream, set())
        before = excluding(occasion.policy, did, duty, persons, matter)
        if before is not None:
            refused = INCOMPATIBLE.broken(
                duty=Words.of(duty), other=Words.of(before[0]), person=before[1]
            )
            refused.stream, refused.state = stream, self._now[stream]
            raise refused
        did |= {(duty, person, matter) for person in persons}

    def refuse_contradictions(self) -> None:
        """Refuse a late act after which what was recorded since would make no sense.

        Told in the order of business dates, the stream must come to where it would stand had
        the act happened today.
        """
        on = self.claimed[:10]
        for name in self._late:
            if not self._added[name]:
                continue
            told = self._then[name]
            for entry in self._streams[name].standing:
                if entry.effective_on > on:
                    told = lifecycle_of(name).evolve(told, entry.event)
            then, now = stands(told), stands(self._now[name])
            if then != now:
                raise CONTRADICTED.broken(stream=name, on=on, then=then, now=now)


def did_in(entries: Iterable[Entry]) -> Iterator[Did]:
    """Yield the duties that people did by entries, in their own name or another's."""
    for entry in entries:
        duty = entry.event.duty
        if duty:
            matter = matter_of(entry.event)
            yield duty, entry.actor, matter
            if entry.beside.behalf:
                yield duty, entry.beside.behalf, matter


def stands(state: Any) -> tuple[Any, ...]:
    """Return where a state stands: what later entries may not contradict."""
    return tuple(
        getattr(state, field)
        for field in ("book", "custody", "lock", "status", "shares")
        if hasattr(state, field)
    )


def lifecycle_of(stream: str) -> Any:
    """Return the lifecycle of a stream by its kind; raise KeyError for an unknown kind."""
    return LIFECYCLES[stream.split("/", 1)[0]]


def reversers(stream: str) -> frozenset[Role]:
    """Return the roles that may take back entries of a stream."""
    if stream.split("/", 1)[0] in OF_ADMINISTRATORS:
        return GRANTERS if stream.startswith("person/") else frozenset({Role.ADMIN})
    return frozenset(Role) - NEVER_REVERSE


def refuse_reverser(stream: str, occasion: Occasion) -> None:
    """Refuse who may not take back entries of a stream."""
    may = reversers(stream)
    if occasion.role and occasion.role not in may:
        raise NOT_YOUR_ROLE.broken(
            role=Words.of(occasion.role),
            verb=Words("红冲", "Reverse"),
            roles=tuple(r.words for r in Role if r in may),
        )


def refuse_reversal(stream: Stream, group: Sequence[Entry]) -> None:
    """Refuse to reverse what is reversed already or what later entries stand on."""
    cancelled = set()
    for entry in reversed(stream.entries):
        if entry.corrects is not None and entry.seq not in cancelled:
            cancelled.add(entry.corrects.seq)
    for entry in group:
        if entry.seq in cancelled:
            raise REVERSED_ALREADY.broken(seq=entry.seq)
    last = group[-1].seq
    for entry in stream.standing:
        if entry.seq > last:
            raise LAST_FIRST.broken(seq=last, later=entry.seq, stream=stream.name)


def claimed_by(drafts: Iterable[Draft]) -> Iterator[tuple[str, str, str]]:
    """Yield the identifiers that drafts use once and for all."""
    for draft in drafts:
        for field in draft.event.claims:
            value = getattr(draft.event, field)
            if value:
                yield field, value, draft.stream


def fingerprint(asks: Sequence[Ask], occasion: Occasion, on: date | None = None) -> str:
    """Return a hash of what is asked and in whose name: the same request has the same one."""
    content = msgspec.json.encode(
        [
            [[a.stream, a.verb, a.form] for a in asks],
            on,
            occasion.unit,
            occasion.role,
            occasion.docs,
        ],
        order="sorted",
    )
    return sha256(content).hexdigest()


def normalised(value: Any) -> Any:
    """Return the value with every text in Unicode form NFC, as the log stores it."""
    match value:
        case str():
            return unicodedata.normalize("NFC", value)
        case dict():
            return {k: normalised(v) for k, v in value.items()}
        case list() | tuple():
            return [normalised(v) for v in value]
        case _:
            return value


def new_id(prefix: str = "") -> str:
    """Return a fresh opaque id whose order is roughly its time (UUIDv7 bits, base 32)."""
    digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    number = (time.time_ns() // 1_000_000 << 80) | int.from_bytes(os.urandom(10))
    text = ""
    for _ in range(26):
        number, digit = divmod(number, 32)
        text = digits[digit] + text
    return f"{prefix}_{text}" if prefix else text


def environment(url: str) -> dict[str, str]:
    """Return the library's settings for a database address; raise ValueError for another."""
    if url.startswith("sqlite:///"):
        return {
            "PERSISTENCE_MODULE": "ledger.sqlite",
            "SQLITE_DBNAME": url.removeprefix("sqlite:///"),
            "ORIGINATOR_ID_TYPE": "text",
        }
    if url.startswith(("postgresql://", "postgres://")):
        from psycopg.conninfo import conninfo_to_dict

        parts = {k: str(v) for k, v in conninfo_to_dict(url).items()}
        return {
            "PERSISTENCE_MODULE": "ledger.postgres",
            "POSTGRES_DBNAME": parts.get("dbname", "gongwu"),
            "POSTGRES_HOST": parts.get("host", "127.0.0.1"),
            "POSTGRES_PORT": parts.get("port", "5432"),
            "POSTGRES_USER": parts.get("user", "gongwu"),
            "POSTGRES_PASSWORD": parts.get("password", ""),
            "POSTGRES_CONNECT_TIMEOUT": "5",
            "POSTGRES_POOL_SIZE": "2",
            "POSTGRES_MAX_OVERFLOW": "14",
            "ORIGINATOR_ID_TYPE": "text",
        }
    raise ValueError(f"{url}: use sqlite:///FILE or postgresql://USER@HOST/NAME")
