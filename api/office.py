"""The ledger, its lists and its people together: what every door asks, in one place."""

from __future__ import annotations

import logging
import threading
from collections.abc import (
    Callable,
    Hashable,
    Iterable,
    Iterator,
    Mapping,
    MutableMapping,
    Sequence,
)
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from datetime import UTC, date, datetime
from functools import cached_property, lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from zoneinfo import ZoneInfo

import msgspec

from api import radio_counting, reporting, seeing
from api.accounts import Account, Accounts, Post
from api.allocating import Proposals
from api.authority import ABOUT, Authority
from api.banking import Banking
from api.booking import Booking
from api.captures import Captures
from api.counting import Counting
from api.depreciating import Depreciating
from api.idling import Idling
from api.journal import Journals
from api.kept_lists import KeptLists
from api.limiting import Limits
from api.noting import Reads
from api.policies import Rules
from api.proving import Proving
from api.readings import Readings
from api.remembering import Remembered
from api.rooming import Rooms
from api.scanned import Scanned
from api.searching import Search
from api.settings import Settings
from api.sight import Sight, named_in
from api.signing_in import SigningIn
from api.turns import Turns
from api.webhooks import Deliverer, Webhooks
from domain.decider import Ask, Document, Lang, Occasion, Refused
from domain.person import Named
from domain.policy import Policy
from domain.words import Words
from ledger import attachments
from ledger.act import Evidence, Receipt, Unavailable
from ledger.book import Book, Gathering
from ledger.entry import Draft, Via
from ledger.findings import Findings
from ledger.postgres import alone
from ledger.tail import Tail
from projections import rulings, units
from projections.matching import Classes, Code, Terms
from projections.past import Pasts
from projections.rows_in_sight import OF_THE_LEDGER, see_as, viewing
from projections.scope import NOTHING, Rows, Scope
from projections.store import Progress, ReadModels, Stuck

if TYPE_CHECKING:
    from api.import_sessions import Imports

logger = logging.getLogger(__name__)
HEARD_MAX = 5_000  # entries of which it is asked what they are about; more may be about anything
BEHIND_MAX = 200  # entries of others that a reader brings to the lists; more are an import
NAME_SECONDS = 10  # how long a name given in another process may stay unseen
NAMED = ("unit/", "place/")  # streams whose names and zones are remembered for a moment


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """A signed-in person in the unit and role in which they act now."""

    person: str
    unit: str
    role: str
    behalf: str = ""  # who delegated the role, when it is not the person's own
    name: str = ""
    zone: str = "Asia/Shanghai"
    scope: Scope = NOTHING  # what they may see; who was not asked of the ledger sees nothing


class _Turn(threading.local):
    """The turn to write of a thread whose acts are committed together."""

    mine: ExitStack | None = None
    taken = False
    held = False

    def passed(self) -> None:
        self.taken = False


class Office:
    """One installation at work. Close it when done."""

    def __init__(
        self, settings: Settings, book: Book, models: ReadModels, accounts: Accounts
    ) -> None:
        self.settings, self.book, self.accounts = settings, book, accounts
        self.signing = SigningIn(accounts, settings, self.posts)
        self._lists = models
        self.stuck: Stuck | Unavailable | None = None  # why the lists are behind the log
        self.closing: list[Callable[[], None]] = []  # what must end before the database is let go
        self.measured: list[
            tuple[str, str, Callable[[], float]]
        ] = []  # figures of whoever adds one
        self._names: Remembered[str, tuple[str, str] | None] = Remembered(seconds=NAME_SECONDS)
        self._zones: Remembered[str, str] = Remembered()
        self.kept = KeptLists(accounts.engine, book.clock)
        self.authority = Authority(book, self.whole)
        self.sight = Sight(book, self.whole, self.today)
        self.rules = Rules(self._rulings, book)
        self.idling = Idling(self)
        self.classes = class_tables(settings.classes)
        self.search = Search(
            book, self.whole, self._region_of, self.terms, self.rooms, settings.zone
        )
        self.proposals = Proposals(book, self.whole, self.search.receipt, self.terms, self.rooms)
        self.depreciating = Depreciating(book, self.whole)
        self.booking = Booking(book, self.whole, self.depreciating)
        self.journals = Journals(self)
        self.banking = Banking(book, self.whole)
        self.findings: dict[Hashable, Findings] = {}  # by size, day, lateness and what is witnessed
        self.proving = Proving(book, settings.trust)
        self.scanned = Scanned.open(settings.database)
        self.counting = Counting(
            book,
            self.scanned,
            lambda s, state, number: reporting.made(self, s, state, number),
            lambda: self.readings,
            lambda s, state, look: radio_counting.gathered(self, s, state, look),
        )
        self.reads = Reads(self)
        self.pasts = Pasts(book)
        self.tail = Tail(book)
        self.closing.append(self.tail.close)
        self.webhooks = Webhooks(self)
        self.limits = Limits(
            settings.calls_per_minute, settings.strangers_per_minute, settings.exports_per_minute
        )
        self._shown = 0  # the lists show everything up to this position
        self._own = 0  # the last position recorded here
        self._noticed = 0  # up to where what others recorded was heard
        self._tried = 0  # and could not be brought further when the log was this long
        self._showing = threading.Lock()
        self._turn = _Turn()
        self._turns = Turns() if settings.database.startswith("sqlite:") else None

    @classmethod
    def open(cls, settings: Settings, progress: Progress | None = None) -> Self:
        """Open the database and bring the lists up to date."""
        with made_alone(settings.database):
            book = Book.open(settings.database)
            models = ReadModels.open(settings.database)
            shown = models.catch_up(book, progress)
            accounts = Accounts.open(settings.database, vault=settings.vault)
            office = cls(settings, book, models, accounts)
            office._shown = shown
        return office

    def close(self) -> None:
        """Let those who work for us go, and give every connection back."""
        for dismiss in self.closing:
            dismiss()
        self.accounts.close()
        self.scanned.close()
        self._lists.close()
        self.book.close()

    @cached_property
    def readings(self) -> Readings:
        """Return the store of what readers saw, beside the log."""
        with made_alone(self.settings.database):
            store = Readings.open(self.settings.database, clock=self.book.clock)
        self.closing.append(store.close)
        return store

    @cached_property
    def imports(self) -> Imports:
        """Return the sheets that people send in, beside the log."""
        from api.import_sessions import Imports  # it asks an office itself

        found = Imports.open(self.settings.database, self)
        self.closing.append(found.close)
        return found

    @cached_property
    def captures(self) -> Captures:
        """Return the store of EPCIS events that others sent, beside the log."""
        with made_alone(self.settings.database):
            store = Captures.open(self.settings.database, clock=self.book.clock)
        self.closing.append(store.close)
        return store

    def keep_findings(self, position: int) -> None:
        """Know what there is to ask about further on: a read that was written down adds nothing."""
        for key, known in list(self.findings.items()):
            if isinstance(key, tuple) and key[0] == position - 1:
                self.findings[(position, *key[1:])] = known

    @property
    def models(self) -> ReadModels:
        """Return the lists, showing everything that is recorded: whoever looks finds it.

        What an import has just recorded is left to the import: it says how far it is, and holds
        the lock for which we would wait.
        """
        size = self.book.log.head()[0]
        if size > self._shown + BEHIND_MAX:  # others wrote much, and may have shown it too
            self._shown = max(self._shown, self._lists.position())
        few = size <= self._shown + BEHIND_MAX or self._own > self._shown
        if few and size > max(self._shown, self._tried):
            self.show(size)
        return self._lists

    def whole(self, query: Rows) -> Sequence[Any]:
        """Return what the lists answer to a question of the ledger's own, or with its own scope."""
        with viewing(OF_THE_LEDGER):
            return self.models.rows(query)

    def rows(self, query: Rows) -> Sequence[Any]:
        """Return what the lists answer, showing everything that is recorded."""
        return self.models.rows(query)

    def behind(self) -> int:
        """Return how many entries the lists do not show, and leave them so."""
        return max(0, self.book.log.head()[0] - self._lists.position())

    def today(self, zone: str = "") -> date:
        """Return the date where the unit is."""
        now = self.book.clock().astimezone(UTC)
        return _day(zone or self.settings.zone, now.date(), now.hour, now.minute // 15)

    def now(self, zone: str = "") -> datetime:
        """Return the time where the unit is."""
        return self.book.clock().astimezone(ZoneInfo(zone or self.settings.zone))

    def called(self, id_: str, lang: Lang) -> str:
        """Return the name of a unit or place as it is known now; the id when nobody said."""
        found = self._names.get(id_, self._name_of)
        return ((found[1] if lang == "en" else "") or found[0]) if found else id_

    def zone_of(self, unit: str) -> str:
        """Return the time zone a unit lives in."""
        return self._zones.get(unit, self._zone_of)

    # A unit or place recorded here was brought to the lists at once, so that a name which is looked
    # up for an answer need not wait for everything else that was recorded.
    def _name_of(self, id_: str) -> tuple[str, str] | None:
        row = self._lists.one(units.names_now().where(units.name.c.id == id_))
        return (str(row["name"]), str(row["name_en"])) if row else None

    def _zone_of(self, unit: str) -> str:
        row = self._lists.one(units.all_units().where(units.unit.c.id == unit))
        return str(row["zone"]) if row and row["zone"] else self.settings.zone

    def rules_for(self, unit: str, on: date) -> Policy:
        """Return the rules a unit is under on a business date: of its region, level and kind."""
        of = self.authority.competence(unit, on, self.today())
        return self.rules.in_force(on, region=of.region, level=of.level, unit_kind=of.unit_kind)

    def terms(self, on: date) -> Terms:
        """Return on which terms things and wants are compared on a day."""
        return Terms(on=on, classes=self.classes)

    def rooms(self, on: date) -> Rooms:
        """Return whoever says how much more units may have on a day (T49)."""
        return Rooms(self.book, self.whole, self._region_of, self.rules_for, on)

    def _region_of(self, unit: str, on: date) -> str:
        return self.authority.competence(unit, on, self.today()).region

    def _rulings(self) -> list[tuple[str, int]]:
        rows = self.models.rows(rulings.all_rulings())
        return [(f"policy/{row['id']}", int(row["version"])) for row in rows]

    def occasion(
        self, actor: Actor, on: date | None = None, docs: Sequence[Document] = ()
    ) -> Occasion:
        """Return who asks, on which business date (today when not said)."""
        day = on or self.today(actor.zone)
        of = self.authority.competence(actor.unit, day, self.today())
        return Occasion(
            by=actor.person,
            on=day,
            behalf=actor.behalf,
            bodies=of.bodies,
            level=of.level,
            unit_kind=of.unit_kind,
            unit=actor.unit,
            role=actor.role,
            policy=self.rules_for(actor.unit, day),
            docs=tuple(docs),
            succeeds=of.succeeds,
            scope=actor.scope.units or None,
        )

    def posts(self, account: Account) -> tuple[Post, ...]:
        """Return what the person behind a log-in may act as today; usually it is one thing."""
        return self.authority.posts(account, self.today(self.zone_of(account.unit)))

    def acting(self, account: Account, post: Post, lang: Lang = "zh") -> Actor | None:
        """Return a person at work as what they chose; None when they may not, or not any more."""
        chosen = post.chosen(self.posts(account))
        if chosen is None:
            return None
        return Actor(
            person=account.person,
            unit=chosen.unit,
            role=chosen.role,
            behalf=chosen.behalf,
            name=self.accounts.name_of(account.person, lang),
            zone=self.zone_of(chosen.unit),
            scope=self.sight.scope(chosen.unit, chosen.role),
        )

    def hidden_from(self, actor: Actor, path: str, *, writes: bool) -> str:
        """Return the stream of an address that somebody may not see; nothing when they may."""
        hidden = self.sight.hidden(actor, path, lambda: self.occasion(actor), writes=writes)
        if not hidden:
            see_as(actor.scope, [name for name, _ in named_in(path)])
        return hidden

    def ask(
        self, stream: str, verb: str, form: Mapping[str, Any], actor: Actor, **how: Any
    ) -> Receipt:
        """Ask one stream; see `ask_many`."""
        return self.ask_many([(stream, verb, form)], actor, **how)

    def ask_many(
        self,
        requests: Sequence[tuple[str, str, Mapping[str, Any]]],
        actor: Actor,
        *,
        on: date | None = None,
        docs: Sequence[Document] = (),
        key: str | None = None,
        expected: Mapping[str, int] | None = None,
        channel: str = "web",
        request: str = "",
        address: str = "",
        device: str = "",
        evidence: Sequence[Evidence] = (),
        seen: Sequence[Any] = (),
        shown: bool = True,
    ) -> Receipt:
        """Ask several streams, all or nothing; the lists show the answer when this returns.

        `seen` is what the door itself read, of a file that comes along as evidence.
        Whoever says `shown=False` calls `show` soon: until then, every reader would have to.
        Raise what `Book.act` raises.
        """
        with viewing(OF_THE_LEDGER):  # what is decided rests on all there is
            occasion, asks, proposed = self._asked(requests, actor, on, docs)
        occasion = msgspec.structs.replace(occasion, seen=(*occasion.seen, *seen))

        def act() -> Receipt:
            with self.counting.turn(asks), self.counting.alone(asks):
                informed, found = self._told_all(occasion, asks)
                return self.book.act(
                    asks,
                    informed,
                    key=key,
                    expected=expected,
                    via=self._via(occasion, channel, request),
                    context=_context(channel, request, address, device),
                    zone=actor.zone,
                    evidence=(*evidence, *proposed, *found),
                    today_meant=on is None,
                )

        return self._recorded(act, (ask.stream for ask in asks), shown)

    def preview(
        self,
        requests: Sequence[tuple[str, str, Mapping[str, Any]]],
        actor: Actor,
        *,
        on: date | None = None,
        docs: Sequence[Document] = (),
    ) -> tuple[Draft, ...]:
        """Return what asking would record, and record nothing; raise what `ask_many` raises."""
        with viewing(OF_THE_LEDGER):
            occasion, asks, _ = self._asked(requests, actor, on, docs)
        if seeing.asks_for_all(asks) or self.counting.asks(asks):
            with self.writing():
                occasion, _ = self._told_all(occasion, asks)
        return self.book.preview(asks, occasion, zone=actor.zone)

    def judge(
        self,
        groups: Sequence[Sequence[tuple[str, str, Mapping[str, Any]]]],
        actor: Actor,
        known: MutableMapping[str, Any],
    ) -> Iterator[Words | None]:
        """Tell of each group of requests why it would be refused, were those before it recorded.

        `known` goes from portion to portion of what is judged together; nothing is recorded.
        """
        try:
            occasion, asks, _ = self._asked([one for g in groups for one in g], actor, None, ())
        except Refused as refused:
            if len(groups) > 1:  # perhaps it is one of them
                for group in groups:
                    yield from self.judge([group], actor, known)
            else:
                yield Words(refused.sentence("zh"), refused.sentence("en"))
            return
        left = iter(asks)
        grouped = [list(islice(left, len(group))) for group in groups]
        for why in self.book.judge(grouped, occasion, known, zone=actor.zone):
            yield why and Words(why.sentence("zh"), why.sentence("en"))

    def _asked(
        self,
        requests: Sequence[tuple[str, str, Mapping[str, Any]]],
        actor: Actor,
        on: date | None,
        docs: Sequence[Document],
    ) -> tuple[Occasion, list[Ask], list[Evidence]]:
        """Return who asks what, with what the lists answer to it and what that rests on."""
        occasion = self._in_post(self.occasion(actor, on, docs))
        asks = [Ask(stream, verb, dict(form)) for stream, verb, form in requests]
        if self.counting.asks(asks) and "readings" not in self.__dict__:
            self.settle()  # making its tables waits for whoever writes to the same file
            assert self.readings
        today, there = self.today(), self.today(actor.zone)
        self.authority.refuse_ended(occasion, asks, today)
        self.authority.refuse_beyond_agreement(occasion, asks, today)
        occasion = self.search.informed(occasion, asks, there)
        occasion = self.idling.informed(occasion, asks, there)
        named = tuple(
            Named(person, commitment)
            for person in dict.fromkeys(a.stream[7:] for a in asks if asks_for_name(a))
            if (commitment := self._bound_name(person))
        )
        occasion, proposed = self.proposals.informed(occasion, asks, there)
        occasion, posted = self.depreciating.informed(occasion, asks)
        occasion = self.banking.informed(occasion, asks)
        seen = (*occasion.seen, *named)
        return msgspec.structs.replace(occasion, seen=seen), asks, [*proposed, *posted]

    def _bound_name(self, person: str) -> str:
        """Bind what a person is called; the vault writes to the same file as the log."""
        self.settle()
        return self.accounts.bound_name(person)

    def reverse(
        self,
        stream: str,
        seq: int,
        actor: Actor,
        *,
        reason: str,
        key: str | None = None,
        docs: Sequence[Document] = (),
        channel: str = "web",
        request: str = "",
        address: str = "",
        device: str = "",
    ) -> Receipt:
        """Take back a mistaken entry with all that the same request wrote."""
        occasion = self._in_post(self.occasion(actor, None, docs))

        def act() -> Receipt:
            return self.book.reverse(
                stream,
                seq,
                occasion,
                reason=reason,
                key=key,
                via=self._via(occasion, channel, request),
                context=_context(channel, request, address, device),
            )

        return self._recorded(act, [stream])

    def reverse_act(
        self,
        first: int,
        actor: Actor,
        *,
        reason: str,
        docs: Sequence[Document] = (),
        channel: str = "web",
        request: str = "",
        address: str = "",
        device: str = "",
    ) -> tuple[Receipt | None, frozenset[int]]:
        """Take back all requests of an act, as far as nothing later stands on them.

        Return the receipt, None when nothing was taken back, and which requests (from 0) stay.
        """
        occasion = self._in_post(self.occasion(actor, None, docs))
        with self.writing():
            receipt, left = self.book.reverse_act(
                first,
                occasion,
                reason=reason,
                via=self._via(occasion, channel, request),
                context=_context(channel, request, address, device),
            )
        if receipt is not None:
            self._own = max(self._own, receipt.last)
            self.show(receipt.last)
        return receipt, left

    def _recorded(
        self, act: Callable[[], Receipt], asked: Iterable[str], shown: bool = True
    ) -> Receipt:
        """Record when it is our turn, and bring the lists up to date."""
        with self.writing():
            receipt = act()
        self._own = max(self._own, receipt.last)
        streams = tuple(asked)
        named = any(stream.startswith(NAMED) for stream in streams)
        if shown or named:
            self.show(receipt.last)
        self._forget(streams)
        if any(stream.startswith("folder/") for stream in streams):
            self.settle()
            attachments.sweep(self.book, receipt)
        return receipt

    def _told_all(
        self, occasion: Occasion, asks: Sequence[Ask]
    ) -> tuple[Occasion, Sequence[Evidence]]:
        """Answer what units have, and what stocktakes found, where all of it is asked for.

        It is our turn to write, and the lists show all that is recorded.
        """
        with viewing(OF_THE_LEDGER):
            return self._seen_whole(occasion, asks)

    def _seen_whole(
        self, occasion: Occasion, asks: Sequence[Ask]
    ) -> tuple[Occasion, Sequence[Evidence]]:
        all_of_units, counted = seeing.asks_for_all(asks), self.counting.asks(asks)
        if not (all_of_units or counted):
            return occasion, ()
        self.book.settle()
        self._lists.catch_up(self.book)
        seen, evidence = [*occasion.seen], list[Evidence]()
        if all_of_units:
            seen += seeing.holdings(asks, self._lists.rows, occasion.on)
        if counted:
            told, evidence = self.counting.informed(asks, self._lists.rows)
            seen += told
        return msgspec.structs.replace(occasion, seen=tuple(seen)), evidence

    def _in_post(self, occasion: Occasion) -> Occasion:
        """Refuse who did not have the role on the business date."""
        self.authority.refuse_out_of_post(occasion, lambda unit: self.called(unit, "zh"))
        return occasion

    @contextmanager
    def together(self) -> Iterator[Gathering]:
        """Let what this thread records be committed together, at `settle` or at the end.

        Nobody is to hear of it before; whoever's act was lost is to hear why.
        """
        with ExitStack() as turn:
            self._turn.mine = turn
            try:
                with self.book.together() as gathering:
                    yield gathering
                    with suppress(Unavailable):  # `gathering` tells whose acts were lost
                        self.book.settle()
            finally:
                self._turn.mine = None

    def settle(self) -> None:
        """Commit what this thread recorded together, before it waits for anybody else."""
        turn = self._turn.mine
        if turn is not None:
            try:
                self.book.settle()
            finally:
                turn.close()

    def writing(self) -> AbstractContextManager[None]:
        """Wait for our turn where a database has one writer; a server sees to that itself."""
        if self._turns is None:
            return nullcontext()
        mine = self._turn.mine
        if mine is None:
            return self._held(self._turns)
        if not self._turn.taken:
            mine.callback(self._turn.passed)
            mine.enter_context(self._turns.turn())
            self._turn.taken = True
        return nullcontext()

    @contextmanager
    def _held(self, turns: Turns) -> Iterator[None]:
        with turns.turn():
            self._turn.held = True
            try:
                yield
            finally:
                self._turn.held = False

    def show(self, last: int) -> None:
        """Bring the lists up to a position; what is recorded stays recorded when they are stuck.

        One request does it for all that were recorded meanwhile and wait here.
        """
        self.settle()  # the lists wait for whoever writes to the same file
        # Who has the turn does not wait for somebody who shows and waits for the turn.
        with nullcontext() if self._turn.held else self._showing:
            if self._shown >= last:
                return
            try:
                waits = self._turns is not None and not self._turn.held
                with self._turns.turn() if self._turns and waits else nullcontext():
                    self._shown = self._lists.catch_up(self.book, upto=last)
                self.stuck = None
                self.tail.nudge()
            except (Stuck, Unavailable) as trouble:
                logger.exception("the lists are behind the log")
                self.stuck, self._tried = trouble, last

    def watch(self) -> None:
        """Hear what other processes record, and send webhooks when it is this one's turn.

        Names, roles and rules remembered here are forgotten. For whoever serves for long; on a file, others are rare, and what is remembered is soon
        looked up anew.
        """
        if self._turns is None:
            self.tail.follow(self._heard)
        if self.webhooks.hosts:
            Deliverer(self.webhooks, self).start()

    def _heard(self, size: int) -> None:
        start, self._noticed = self._noticed + 1, size
        if start == 1 or size - start >= HEARD_MAX:
            self._forget((*NAMED, *ABOUT, "entrustment/", "policy/"))
        else:
            self._forget(f"{kind}/" for kind in self.book.log.kinds(start, size))

    def _forget(self, streams: Iterable[str]) -> None:
        """Look up anew what may have been said in these streams."""
        streams = tuple(streams)
        if any(stream.startswith(NAMED) for stream in streams):
            self._names.forget()
            self._zones.forget()
        if any(stream.startswith((*NAMED, "entrustment/")) for stream in streams):
            self.sight.forget()
        if any(stream.startswith(ABOUT) for stream in streams):
            self.authority.forget()
        if any(stream.startswith("policy/") for stream in streams):
            self.rules.forget()

    def _via(self, occasion: Occasion, channel: str, request: str) -> Via:
        return Via(
            unit=occasion.unit,
            role=occasion.role,
            channel=channel,
            request=request,
            policy=occasion.policy.reference,
        )


def made_alone(url: str) -> AbstractContextManager[None]:
    """Let nobody else make tables meanwhile; a file sees to that itself."""
    return alone(url) if url.startswith("postgres") else nullcontext()


def class_tables(files: Sequence[Path]) -> Classes:
    """Read the tables by which codes of several versions meet; raise Unreadable, or OSError."""
    if not files:
        return Classes()
    from api.importing_classes import read_table  # it asks an office itself

    targets: dict[Code, tuple[Code, ...]] = {}
    for file in files:
        targets |= read_table(file).classes().targets
    return Classes(targets)


@lru_cache(100)
def _day(zone: str, on: date, hour: int, quarter: int) -> date:
    """Return the date in a zone at a time in UTC: within a quarter of an hour it does not change."""
    time = datetime(on.year, on.month, on.day, hour, 15 * quarter, tzinfo=UTC)
    return time.astimezone(ZoneInfo(zone)).date()


def asks_for_name(ask: Ask) -> bool:
    """Tell whether a request binds what a person is called."""
    return ask.stream.startswith("person/") and ask.verb == "record_name"


def _context(channel: str, request: str, address: str, device: str) -> dict[str, str]:
    return {"channel": channel, "request": request, "address": address, "device": device}
