"""What auditors read is written down: which addresses count, and a writer that holds nobody up.

The answer goes out whatever happens: a read that cannot be written down yet (a full disk, a file
that may only be read, another program that writes) waits in memory and is tried again; whoever
looks at the next page is told, and a program hears it in a header.
"""

from __future__ import annotations

import logging
import re
import threading
import unicodedata
from collections import OrderedDict, deque
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.audit_reads import Question, lifecycle
from domain.decider import LIFECYCLES, Event, Lang
from domain.values import ID
from domain.words import Role
from ledger.act import Unavailable
from ledger.book import new_id
from ledger.entry import Draft, Via
from projections import cases

if TYPE_CHECKING:
    from api.office import Actor, Office

logger = logging.getLogger(__name__)
READERS: Final = (Role.AUDITOR, Role.ADMIN)
PATIENCE_SECONDS: Final = 0.25  # so long an answer waits for its read to be written down
RETRY_SECONDS: Final = 5.0
WAITING_MAX: Final = 10_000
KNOWN_MAX: Final = 20_000
PURPOSE_CHARS_MAX: Final = 200
EXTENT_CHARS_MAX: Final = 80
COOKIE: Final = "purpose"
HEADER: Final = "gongwu-purpose"
ANSWER: Final = "Gongwu-Read"  # `recorded`, or `waiting` with how many and why
_UNSAID = re.compile(r"[^0-9A-Za-z_.:+~/,-]")


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of address that counts as a read.

    `about` is the thing, as a pattern of the names in the path or the query. `everyone`: also
    when an administrator asks; else only auditors. `each`: other days are another read.
    """

    method: str
    path: re.Pattern[str]
    question: Question
    about: str = ""
    everyone: bool = False
    each: bool = False


def _counted(
    where: str, question: Question, about: str = "", *, everyone: bool = False, each: bool = False
) -> Counted:
    method, _, path = where.partition(" ")
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)
    return Counted(
        method=method, path=re.compile(pattern), question=question, about=about,
        everyone=everyone, each=each,
    )  # fmt: skip


_files = r"(?:\.csv|\.xlsx)?"
_kinds = "|".join(sorted(LIFECYCLES))
_cases = "|".join(cases.KINDS)
# What only auditors and administrators may ask for is written down whoever asks.
COUNTED: Final = (
    _counted("GET /audit/bundle", Question.BUNDLE, "{of}", everyone=True, each=True),
    _counted("POST /audit/v1/bundles", Question.BUNDLE, "{of}", everyone=True, each=True),
    _counted("POST /audit/v1/replays", Question.REPLAY, everyone=True),
    _counted("POST /audit/verify", Question.VERIFICATION, everyone=True),
    _counted("GET /api/v1/verification", Question.VERIFICATION, everyone=True),
    _counted("GET /audit(?:/v1)?/findings" + _files, Question.FINDINGS, everyone=True),
    _counted("GET /audit/v1/five-questions", Question.FIVE_QUESTIONS, everyone=True),
    _counted("GET /audit/v1/entries", Question.ENTRIES, everyone=True),
    _counted("GET /log/tile/entries/.+", Question.ENTRIES, everyone=True),
    _counted("GET /audit(?:/v1)?/reads" + _files, Question.READS, everyone=True),
    # What others see too counts when an auditor looks.
    _counted("GET /entries/{extent}", Question.ENTRIES, each=True),
    _counted("GET /api/v1/(?:entries|feed)", Question.ENTRIES),
    _counted("GET /audit(?:/v1)?/changes(?:/events)?" + _files, Question.CHANGES, "unit/{unit}"),
    _counted("GET /audit/v1/periods/{unit}", Question.PERIODS, "unit/{unit}"),
    _counted("GET /periods/{unit}", Question.PERIODS, "unit/{unit}"),
    _counted("GET /assets" + _files, Question.INVENTORY, "unit/{unit}"),
    _counted("GET /cards" + _files, Question.INVENTORY, "unit/{unit}"),
    _counted("GET /api/v1/cards/export", Question.INVENTORY),
    _counted("GET (?:/api/v1)?/cards/changes" + _files, Question.CHANGES),
    _counted("GET (?:/api/v1)?/cards/disposals" + _files, Question.REGISTERS),
    _counted("GET /cards/stocktakes/{id}/results" + _files, Question.HISTORY, "stocktake/{id}"),
    _counted("GET /api/v1/cards/stocktakes/{id}", Question.HISTORY, "stocktake/{id}"),
    _counted("GET /api/v1/inventory(?:/totals)?", Question.INVENTORY, "unit/{unit}"),
    _counted("GET (?:/api/v1)?/cases" + _files, Question.CASES),
    _counted("GET (?:/api/v1)?/open-steps" + _files, Question.OPEN_STEPS),
    _counted("GET (?:/api/v1)?/stocktakes", Question.CASES),
    _counted("GET /people", Question.PEOPLE),
    _counted("GET (?:/api/v1)?/units", Question.UNITS),
    _counted("GET /api/v1/places", Question.UNITS),
    _counted(
        "GET (?:/api/v1)?/(?:numbers|series|quotas|confiscated|packages|dues)" + _files,
        Question.REGISTERS,
    ),
    _counted("GET /api/v1/series/{id}/numbers", Question.HISTORY, "series/{id}"),
    _counted("GET /numbers/{id}", Question.HISTORY, "series/{id}"),
    _counted("GET /quotas/{id}", Question.HISTORY, "quota/{id}"),
    _counted("GET /confiscated/{id}", Question.HISTORY, "confiscated/{id}"),
    _counted("GET /packages/{id}", Question.HISTORY, "package/{id}"),
    _counted("GET /dues/{id}", Question.HISTORY, "due/{id}"),
    _counted("GET /assets/{id}", Question.HISTORY, "asset/{id}"),
    _counted("GET /units/{id}", Question.HISTORY, "unit/{id}"),
    _counted("GET /people/{id}", Question.HISTORY, "person/{id}"),
    _counted("GET /stocktakes/{id}", Question.HISTORY, "stocktake/{id}"),
    _counted(f"GET /cases/(?P<kind>{_cases})/{{id}}", Question.HISTORY, "{kind}/{id}"),
    _counted(
        f"GET /api/v1/(?P<kind>{_kinds})/{{id}}(?:/history)?", Question.HISTORY, "{kind}/{id}"
    ),
    _counted("GET /api/v1/stocktakes/{id}/scope", Question.HISTORY, "stocktake/{id}"),
    _counted("GET /api/v1/asset/{id}/(?:waterfall|particulars)", Question.HISTORY, "asset/{id}"),
)


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """One read, before it is written down."""

    actor: Any
    question: Question
    about: str
    extent: str
    known: str
    purpose: str
    at: datetime
    channel: str
    request: str
    each: bool

    @property
    def mark(self) -> str:
        """Return what is the same for reads that are written down once."""
        a = self.actor
        said = (
            a.person, a.unit, a.role, self.question, self.about, self.purpose, self.channel,
            self.extent if self.each else "", self.at.strftime("%Y-%m-%dT%H"),
        )  # fmt: skip
        return "read-" + sha256("\0".join(map(str, said)).encode()).hexdigest()[:40]


def read_of(
    method: str,
    path: str,
    asked: Mapping[str, str],
    actor: Actor,
    *,
    at: datetime,
    purpose: str = "",
    channel: str = "web",
    request: str = "",
) -> Read | None:
    """Return what is to be written down of an answered request; None when it does not count."""
    for counted in COUNTED if actor.role in READERS else ():
        if counted.method != method or (actor.role != Role.AUDITOR and not counted.everyone):
            continue
        match = counted.path.fullmatch(path)
        if match is None:
            continue
        said = dict(asked) | {name: unquote(value) for name, value in match.groupdict().items()}
        about, extent = _about(counted.about, said), _extent(said)
        if counted.question is Question.BUNDLE and not about:
            extent = _plain(f"{said.get('of') or 'recorded'} {extent}".strip().replace(" ", ","))
        return Read(
            actor=actor,
            question=counted.question,
            about=about,
            extent=extent,
            known=_span(said, ("known", "known_at"), ("known_from", "known_to")),
            purpose=purpose[:PURPOSE_CHARS_MAX],
            at=at,
            channel=channel,
            request=request,
            each=counted.each,
        )
    return None


def _about(pattern: str, said: Mapping[str, str]) -> str:
    """Return the stream that was read; empty where none is named, or what cannot be one."""
    found = re.sub(r"\{(\w+)\}", lambda m: said.get(m[1], ""), pattern)
    kind, _, id_ = found.partition("/")
    return found if kind in LIFECYCLES and re.fullmatch(ID.rstrip("$"), id_) else ""


def _extent(said: Mapping[str, str]) -> str:
    if "extent" in said:
        return _plain(said["extent"])
    if said.get("start"):
        return _plain(said["start"])
    return _span(said, ("on", "as_of"), ("from", "to"))


def _span(said: Mapping[str, str], one: tuple[str, ...], two: tuple[str, str]) -> str:
    first, last = (said.get(name, "").strip() for name in two)
    if first or last:
        return _plain(f"{first}..{last}")
    return _plain(next((said[name] for name in one if said.get(name)), ""))


def _plain(text: str) -> str:
    return _UNSAID.sub("", text.strip())[:EXTENT_CHARS_MAX]


# Writing down ---------------------------------------------------------------------


class Reads:
    """Writes reads down, one after another, on a thread of its own."""

    def __init__(self, office: Office, patience: float = PATIENCE_SECONDS) -> None:
        self.office, self.patience = office, patience
        self.trouble: Unavailable | Exception | None = None  # why reads wait
        self.lost = 0  # how many could not even wait
        self._known: OrderedDict[str, None] = OrderedDict()
        self._waiting: deque[tuple[Read, threading.Event]] = deque()
        self._there = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closing = False

    @property
    def waiting(self) -> int:
        """Return how many reads are not written down yet."""
        return len(self._waiting)

    def note(self, read: Read) -> bool:
        """Have a read written down; tell whether it is, within the time an answer may wait."""
        with self._there:
            if read.mark in self._known:
                return True
            if self._closing or len(self._waiting) >= WAITING_MAX:
                self.lost += 1
                logger.error("a read was not written down: %s", _log(read))
                return False
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="reads", daemon=True)
                self.office.closing.append(self.close)
                self._thread.start()
            self._remember(read.mark)
            done = threading.Event()
            self._waiting.append((read, done))
            self._there.notify()
        return done.wait(self.patience)

    def knows(self, read: Read) -> bool:
        """Tell whether it takes no time: the same was written down this hour, or waits already."""
        return read.mark in self._known

    def settle(self, seconds: float = 30.0) -> bool:
        """Wait until nothing waits any more; tell whether that came about."""
        with self._there:
            return self._there.wait_for(lambda: not self._waiting, seconds)

    def hurry(self) -> None:
        """Try again now: there is reason to believe that it works."""
        with self._there:
            self._there.notify_all()

    def close(self) -> None:
        """Write down what waits, if that can be done now, and go."""
        with self._there:
            self._closing = True
            self._there.notify()
        if self._thread is not None:
            self._thread.join(RETRY_SECONDS * 3)
        for read, _ in self._waiting:
            logger.error("a read was not written down: %s", _log(read))

    def _remember(self, mark: str) -> None:
        self._known[mark] = None
        while len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)

    def _work(self) -> None:
        while True:
            with self._there:
                while not self._waiting and not self._closing:
                    self._there.wait()
                if not self._waiting:
                    return
                read, done = self._waiting[0]
            try:
                position = self._written(read)
            except Exception as trouble:  # noqa: BLE001 - whatever it is, the read must not be lost
                if self.trouble is None:
                    logger.warning("reads wait to be written down: %s", trouble)
                with self._there:
                    self.trouble = trouble
                    self._there.notify_all()
                    if self._closing:
                        return
                    self._there.wait(RETRY_SECONDS)
                continue
            self.trouble = None
            done.set()
            with self._there:
                self._waiting.popleft()
                self._there.notify_all()
            with suppress(Unavailable):
                self.office.show(position)

    def _written(self, read: Read) -> int:
        """Record one read as a fact; return where it is. Raise Unavailable."""
        office, actor = self.office, read.actor
        on = read.at.astimezone(_zone(office, actor))
        form: dict[str, Any] = {
            "question": read.question, "about": read.about or None, "extent": read.extent,
            "known": read.known, "purpose": read.purpose,
        }  # fmt: skip
        occasion = office.occasion(actor, on.date())
        (fact,) = lifecycle.decide(lifecycle.state(), "write_down", occasion, form, asked=True)
        assert isinstance(fact, Event)
        cause = new_id("cmd")
        draft = Draft(
            stream=f"audit/{new_id()}",
            seq=1,
            event=fact,
            actor=actor.person,
            cause=cause,
            effective_at=on.isoformat(timespec="seconds"),
            via=Via(unit=actor.unit, role=actor.role, channel=read.channel, request=read.request),
            behalf=actor.behalf,
        )
        with office.writing():
            receipt = office.book.append(
                [draft], actor=actor.person, cause=cause, key=read.mark, fingerprint=read.mark
            )
        if not receipt.replayed:
            office.keep_findings(receipt.first)
        return receipt.last


def _zone(office: Office, actor: Actor) -> Any:
    return office.now(actor.zone).tzinfo


def _log(read: Read) -> str:
    return f"{read.actor.person} {read.question} {read.about} {read.extent} {read.at.isoformat()}"


# At the door ----------------------------------------------------------------------


def purpose_of(request: Request) -> str:
    """Return what the reader says it is for: the header of a program, or the cookie of a page."""
    said = request.headers.get(HEADER, "") or request.cookies.get(COOKIE, "")
    text = "".join(c for c in unicodedata.normalize("NFC", unquote(said)) if c.isprintable())
    return text.strip()[:PURPOSE_CHARS_MAX]


class Noting:
    """Sees which answers go out to auditors, and has them written down before they do."""

    def __init__(self, app: ASGIApp, *, office: Office) -> None:
        self.app, self.office = app, office

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        state = scope.setdefault("state", {})

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in (200, 202):
                actor = state.get("actor")
                if actor is not None and actor.role in READERS:
                    await self._note(scope, actor, message)
            await send(message)

        await self.app(scope, receive, sent)

    async def _note(self, scope: Scope, actor: Actor, message: Message) -> None:
        request = Request(scope)
        path = scope["path"]
        read = read_of(
            scope["method"],
            path,
            dict(request.query_params) | dict(scope["state"].get("asked", {})),
            actor,
            at=self.office.book.clock(),
            purpose=purpose_of(request),
            channel="api" if path.startswith(("/api/", "/audit/v1/", "/log/")) else "web",
            request=scope["state"].get("request_id", ""),
        )
        if read is None:
            return
        reads = self.office.reads
        done = reads.knows(read) or await run_in_threadpool(reads.note, read)
        waits = f"waiting; count={reads.waiting}; reason={_kind(reads.trouble)}"
        MutableHeaders(scope=message)[ANSWER] = "recorded" if done else waits


def waits(reads: Reads, lang: Lang) -> str:
    """Say how many reads are not written down yet, why, and what becomes of them."""
    trouble = reads.trouble
    why = trouble.sentence(lang) if isinstance(trouble, Unavailable) else ""
    if lang == "zh":
        return (
            f"有{reads.waiting + reads.lost}次查阅还没有记入账本，恢复后自动补记；"
            f"在此之前关闭系统，只留在运行日志里。{why}"
        )
    return (
        f"{reads.waiting + reads.lost} reads are not on the record yet; they follow as soon as it"
        f" can be written. Should the system stop before, only its own log tells of them. {why}"
    ).strip()


def _kind(trouble: Exception | None) -> str:
    if trouble is None:
        return "busy"
    return trouble.kind if isinstance(trouble, Unavailable) else "trouble"
