"""Sheets that somebody sent in, beside the log: read, judged, recorded with consent, found again.

A session holds the file, how its columns are read, what was found and what was recorded. It is an
ordinary row that can be forgotten, because a sheet may hold names; the ledger keeps the hash of the
file, its entries the number of the session. How the headings of a unit's sheets are read is
remembered. Long work is done by one thread of its own and says how far it is; whoever comes back
sees it, and what stopped goes on where it stopped.
"""

from __future__ import annotations

import logging
import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, Self

import msgspec
from sqlalchemy import (
    Column,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    delete,
    insert,
    select,
    update,
)

from api import importing_cards, reading_cells
from api.accounts import engine_of
from api.importing_cards import (
    AT_ONCE,
    CHANGED,
    EMPTY,
    LEFT,
    NEW,
    SAME,
    WRONG,
    Fault,
    Judge,
    Line,
    Plan,
    Reading,
)
from api.rest_caller import id_from
from domain.decider import Document, Refused
from domain.words import Term, Words
from ledger.act import Conflict, KeyReused, Receipt
from ledger.book import new_id

if TYPE_CHECKING:
    from api.office import Actor, Office
    from api.reading_sheets import Sheet

logger = logging.getLogger(__name__)
LISTED_MAX: Final = 100
SILENT_SECONDS: Final = 60  # after which whoever was at it is taken to have died
KEPT_SHEETS: Final = 2  # in memory; a hundred thousand rows are a tenth of a gigabyte
DOCUMENT: Final = "import_sheet"  # the type of the paper every entry of an import rests on
metadata = MetaData()
session_ = Table(
    "import_session",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("unit", String(80), nullable=False, index=True),
    Column("person", String(80), nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("touched_at", String(32), nullable=False),
    Column("file", String(200), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("status", String(16), nullable=False),
    Column("names", Text, nullable=False),  # of the sheets of the workbook
    Column("sheet", Text, nullable=False),
    Column("plan", Text, nullable=False),
    Column("done", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("counts", Text, nullable=False),
    Column("choice", Text, nullable=False),
    Column("receipts", Text, nullable=False),
    Column("trouble", Text, nullable=False),
)
content_ = Table(
    "import_content",
    metadata,
    Column("session", String(40), primary_key=True),
    Column("what", String(8), primary_key=True),  # file, rows, found, left
    Column("content", LargeBinary, nullable=False),
)
reading_ = Table(
    "import_reading",
    metadata,
    Column("unit", String(80), primary_key=True),
    Column("fingerprint", String(64), primary_key=True),
    Column("plan", Text, nullable=False),
    Column("used_at", String(32), nullable=False),
)


class Status(Term):
    """How far a session is."""

    READ = "read", "待核对", "to be checked"
    JUDGING = "judging", "核对中", "being checked"
    JUDGED = "judged", "已核对，待同意", "checked, waiting for consent"
    RECORDING = "recording", "记入中", "being recorded"
    RECORDED = "recorded", "已记入", "recorded"
    REVERSING = "reversing", "红冲中", "being reversed"
    REVERSED = "reversed", "已红冲", "reversed"


SETTLED: Final = (Status.READ, Status.JUDGED, Status.RECORDED, Status.REVERSED)
BACK: Final = {
    Status.JUDGING: Status.READ,
    Status.RECORDING: Status.JUDGED,
    Status.REVERSING: Status.RECORDED,
}
WORKING: Final = (Status.JUDGING, Status.RECORDING, Status.REVERSING)


class Done(msgspec.Struct, frozen=True):
    """What one act of an import recorded: its rows, and where in the log it is."""

    rows: tuple[int, ...]
    first: int
    last: int
    recorded_at: str
    of: int = 0  # of a reversal: the first entry of the act it takes back

    @property
    def reversal(self) -> bool:
        return bool(self.of)


class Left(msgspec.Struct, frozen=True, array_like=True):
    """A cell that was left out with consent, and why; whom it named is not kept."""

    row: int
    number: str
    field: str
    value: str
    zh: str
    en: str


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody consented to: which rows, whether cards are corrected, and why.

    `leave`: what the books cannot say of a row (a loan that runs, a disposal) is left out.
    """

    rows: tuple[int, ...] | None = None  # None: all that are right
    whole: bool = False  # only if no row is wrong
    corrections: bool = False
    reason: str = ""
    leave: bool = False
    key: str = ""  # of the request that said so: repeated, it gets the same answer


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One sheet on its way into the books."""

    id: str
    unit: str
    person: str
    created_at: str
    touched_at: str
    file: str
    sha256: str
    status: Status
    names: tuple[str, ...]
    sheet: str
    plan: Plan
    done: int
    total: int
    counts: dict[str, int]
    choice: Choice
    receipts: tuple[Done, ...]
    trouble: dict[str, str]  # in both languages; empty when all is well

    @property
    def working(self) -> bool:
        """Tell whether something is being done with it."""
        return self.status in WORKING

    @property
    def recorded(self) -> int:
        """Return how many rows were recorded and stand."""
        return sum(len(d.rows) * (-1 if d.reversal else 1) for d in self.receipts)

    @property
    def may_record(self) -> bool:
        return self.status is Status.JUDGED


class Found(msgspec.Struct):
    """What was found in the rows of a sheet."""

    lines: list[Line] = []
    faults: list[Fault] = []


class NotNow(Exception):
    """What was asked does not fit how far the session is; `words` say so."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words


BUSY: Final = Words(
    "这次导入正在处理中，请等它完成。", "This import is being worked on; wait until it is done."
)
NOT_JUDGED: Final = Words(
    "请先核对，再记入。", "Have the sheet checked first; then it can be recorded."
)
NOTHING: Final = Words("没有可以记入的行。", "There is no row that could be recorded.")
FAULTY: Final = Words(
    "所选的行中有的有误，一行也没有记入；请改正后重新导入，或只记入无误的行。",
    "Some of the chosen rows are wrong, so none was recorded; mend the sheet and send it again, or"
    " have only the right rows recorded.",
)
LEAVES: Final = Words(
    "所选的行中有的内容导入不登记（如出借、出租、待处置），一行也没有记入；请同意不登记这些内容，"
    "或只记入其余的行。",
    "Some of the chosen rows say what a sheet does not record (a loan, a lease, a disposal), so none was"
    " recorded; agree that it is left out, or have only the other rows recorded.",
)
NO_REASON: Final = Words("更正卡片须写明原因。", "Correcting cards needs a reason.")
NOT_RECORDED: Final = Words(
    "这次导入没有记入任何内容，无可红冲。", "Nothing of this import was recorded to be reversed."
)
GONE: Final = Words(
    "文件内容已删除；请重新导入文件。", "The content of the file was removed; send it in again."
)


class Imports:
    """The import sessions of one installation."""

    def __init__(self, engine: Engine, office: Office) -> None:
        self.engine, self.office = engine, office
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="import")
        self._jobs: dict[str, Future[None]] = {}
        self._guard = threading.Lock()
        self._sheets: OrderedDict[str, Sheet] = OrderedDict()
        self._ending = threading.Event()

    @classmethod
    def open(cls, url: str, office: Office) -> Self:
        """Open the tables, creating them when absent."""
        engine = engine_of(url)
        with office.writing():
            metadata.create_all(engine)
        return cls(engine, office)

    def close(self) -> None:
        """Let the work stop between two portions, and let go of the database."""
        self._ending.set()
        self._worker.shutdown(wait=True, cancel_futures=True)
        self.engine.dispose()

    # What there is ---------------------------------------------------------------------

    def find(self, id_: str, unit: str) -> Session | None:
        """Return a session of a unit; None when it has none with this id."""
        query = select(session_).where(session_.c.id == id_, session_.c.unit == unit)
        with self.engine.connect() as c:
            row = c.execute(query).mappings().first()
        return _session(row) if row else None

    def all(self, unit: str) -> list[Session]:
        """Return the latest sessions of a unit, the newest first."""
        query = select(session_).where(session_.c.unit == unit)
        query = query.order_by(session_.c.id.desc()).limit(LISTED_MAX)
        with self.engine.connect() as c:
            return [_session(row) for row in c.execute(query).mappings().all()]

    def sheet(self, session: Session) -> Sheet:
        """Return the rows of the sheet; raise NotNow when they were removed."""
        from api.reading_sheets import Sheet

        key = f"{session.id} {session.sheet}"
        sheet = self._sheets.get(key)
        if sheet is None:
            packed = self._content(session.id, "rows")
            if packed is None:
                raise NotNow(GONE)
            sheet = msgspec.msgpack.decode(zlib.decompress(packed), type=Sheet)
            with self._guard:
                self._sheets[key] = sheet
                while len(self._sheets) > KEPT_SHEETS:
                    self._sheets.popitem(last=False)
        return sheet

    def found(self, session: Session) -> Found:
        """Return what was found in the rows."""
        packed = self._content(session.id, "found")
        return msgspec.msgpack.decode(zlib.decompress(packed), type=Found) if packed else Found()

    def left(self, session: Session) -> list[Left]:
        """Return what was left out with consent; it stays when the content of the file is removed."""
        packed = self._content(session.id, "left")
        return msgspec.msgpack.decode(zlib.decompress(packed), type=list[Left]) if packed else []

    # What is done with one ----------------------------------------------------------------

    def begin(
        self, actor: Actor, file: str, content: bytes, sheet: str = "", key: str = ""
    ) -> Session:
        """Take a sheet in and read it; raise `Unreadable`. With a key, the same one is taken once."""
        id_ = id_from(f"import {actor.person} {key}") if key else new_id()
        known = self.find(id_, actor.unit) if key else None
        if known is not None:
            if known.sha256 != sha256(content).hexdigest():
                raise KeyReused
            return known
        name = file.replace("\\", "/").rpartition("/")[2][:200] or "upload"
        read = reading_cells.read(content, name, sheet)
        now = self._now()
        row = {
            "id": id_,
            "unit": actor.unit,
            "person": actor.person,
            "created_at": now,
            "touched_at": now,
            "file": name,
            "sha256": sha256(content).hexdigest(),
            "status": Status.READ.value,
            "names": _text(read.names),
            "sheet": read.name,
            "plan": _text(self._remembered(actor.unit, read.rows)),
            "done": 0,
            "total": 0,
            "counts": "{}",
            "choice": _text(Choice()),
            "receipts": "[]",
            "trouble": "{}",
        }
        with self.office.writing(), self.engine.begin() as c:
            c.execute(insert(session_).values(**row))
            for what, bytes_ in (("file", content), ("rows", _packed(read))):
                c.execute(insert(content_).values(session=id_, what=what, content=bytes_))
        found = self.find(id_, actor.unit)
        assert found is not None
        return found

    def choose(self, session: Session, sheet: str) -> Session:
        """Read another sheet of the same workbook."""
        content = self._content(session.id, "file")
        if content is None:
            raise NotNow(GONE)
        read = reading_cells.read(content, session.file, sheet)
        plan = self._remembered(session.unit, read.rows)
        self._keep(session.id, "rows", _packed(read))
        self._sheets.pop(f"{session.id} {read.name}", None)
        told = {"sheet": read.name, "plan": _text(plan), "counts": "{}"}
        return self._set(session, SETTLED, Status.READ, **told)

    def read_as(self, session: Session, plan: Plan) -> Session:
        """Have the columns read in another way; what was found before counts no more."""
        return self._set(session, SETTLED, Status.READ, plan=_text(plan), counts="{}")

    def judge(
        self, session: Session, actor: Actor, plan: Plan, wait: float | None = None
    ) -> Session:
        """Have the rows checked as the columns are read now; remember how they are."""
        sheet = self.sheet(session)
        self._remember(session.unit, sheet.rows, plan)
        session = self._set(
            session,
            (*SETTLED, Status.JUDGING),
            Status.JUDGING,
            plan=_text(plan),
            done=0,
            total=len(importing_cards.body(sheet.rows, plan)),
            trouble="{}",
        )
        return self._run(session, wait, lambda: self._judge(session, actor, plan))

    def record(
        self,
        session: Session,
        actor: Actor,
        choice: Choice,
        how: dict[str, Any],
        wait: float | None = None,
    ) -> Session:
        """Record what was consented to; raise NotNow when it cannot be."""
        if choice.key and choice.key == session.choice.key and session.receipts:
            return self.wait(session, wait)
        if session.working:
            if not self.silent(session):
                raise NotNow(BUSY)
            choice = session.choice
        elif not session.may_record:
            raise NotNow(NOT_JUDGED)
        found = self.found(session)
        meant = chosen(found, choice)
        omitted = left_out(found, choice)
        session = self._set(
            session,
            (Status.JUDGED, Status.RECORDING),
            Status.RECORDING,
            choice=_text(choice),
            done=0,
            total=len(meant),
            trouble="{}",
        )
        if omitted:
            rows = {one.row for one in omitted}
            kept = [one for one in self.left(session) if one.row not in rows]
            self._keep(session.id, "left", _packed([*kept, *omitted]))
        return self._run(session, wait, lambda: self._record(session, actor, choice, meant, how))

    def take_back(
        self,
        session: Session,
        actor: Actor,
        reason: str,
        how: dict[str, Any],
        wait: float | None = None,
    ) -> Session:
        """Reverse everything the import recorded, as far as nothing later stands on it."""
        if not session.receipts:
            raise NotNow(NOT_RECORDED)
        if session.working and not self.silent(session):
            raise NotNow(BUSY)
        if not reason:
            raise NotNow(NO_REASON)
        session = self._set(
            session,
            (*SETTLED, Status.REVERSING, Status.RECORDING),
            Status.REVERSING,
            done=0,
            total=sum(len(d.rows) for d in session.receipts if not d.reversal),
            trouble="{}",
        )
        return self._run(session, wait, lambda: self._take_back(session, actor, reason, how))

    def forget(self, session: Session) -> None:
        """Remove what the file held, and the session where nothing was recorded."""
        if session.working and not self.silent(session):
            raise NotNow(BUSY)
        self._sheets.clear()
        with self.office.writing(), self.engine.begin() as c:
            of = content_.c.session == session.id
            if session.receipts:
                c.execute(delete(content_).where(of, content_.c.what != "left"))
            else:
                c.execute(delete(content_).where(of))
                c.execute(delete(session_).where(session_.c.id == session.id))

    def silent(self, session: Session) -> bool:
        """Tell whether whoever was at work on a session seems to have died."""
        with self._guard:
            if session.id in self._jobs:
                return False
        if session.trouble:
            return True
        quiet = datetime.fromisoformat(self._now()) - datetime.fromisoformat(session.touched_at)
        return quiet > timedelta(seconds=SILENT_SECONDS)

    def wait(self, session: Session, seconds: float | None = None) -> Session:
        """Return a session as it is when its work is done, or after some seconds."""
        job = self._jobs.get(session.id)
        if job is not None:
            with suppress(TimeoutError):
                job.result(seconds)
        return self.find(session.id, session.unit) or session

    # The work -----------------------------------------------------------------------------

    def _run(self, session: Session, wait: float | None, work: Callable[[], None]) -> Session:
        def job() -> None:
            try:
                work()
            except Refused as no:
                why = Words(no.sentence("zh"), no.sentence("en"))
                before = BACK[session.status].value
                self._update(session.id, status=before, trouble=_text(why))
            except Exception:
                logger.exception("an import stopped")
                self._update(session.id, trouble=_text(STOPPED))
            finally:
                with self._guard:
                    self._jobs.pop(session.id, None)

        with self._guard:
            self._jobs[session.id] = self._worker.submit(job)
        return self.wait(session, wait)

    def _judge(self, session: Session, actor: Actor, plan: Plan) -> None:
        judge = self._judging(session, actor, plan)
        found = Found([], [])
        for lines, faults in importing_cards.judged(
            judge, lambda done, _: self._tell(session, done)
        ):
            found.lines += lines
            found.faults += faults
            if self._ending.is_set():
                return
        self._keep(session.id, "found", _packed(found))
        self._update(session.id, status=Status.JUDGED.value, counts=_text(counted(found)))

    def _judging(self, session: Session, actor: Actor, plan: Plan) -> Judge:
        sheet = self.sheet(session)
        known = importing_cards.names(self.office)
        reading = Reading(plan, sheet.rows, sheet.lost, known, session.unit)
        return Judge(self.office, actor, reading, session.id)

    def _record(
        self,
        session: Session,
        actor: Actor,
        choice: Choice,
        meant: Sequence[int],
        how: dict[str, Any],
    ) -> None:
        doc = Document(type=DOCUMENT, number=session.id, sha256=session.sha256)
        work = Recording(self, session, actor, choice, how | {"docs": (doc,)})
        judge = self._judging(session, actor, session.plan)
        for start in range(0, len(meant), AT_ONCE):
            if self._ending.is_set():
                return
            portion = [number - 1 for number in meant[start : start + AT_ONCE]]
            judge.known.clear()  # others may have recorded meanwhile
            lines, faults = judge.portion(portion)
            work.wrong += faults
            work.found(lines, judge)
            work.portion([line for line in lines if line.asks], judge.reading)
            self._tell(session, start + len(portion))
        if work.wrong:
            found = self.found(session)
            at = {line.row: line for line in found.lines}
            for fault in work.wrong:
                at[fault.row].verdict = WRONG
            found.faults += work.wrong
            self._keep(session.id, "found", _packed(found))
        told = _text(work.receipts)
        self._update(session.id, status=Status.RECORDED.value, receipts=told)

    def _take_back(self, session: Session, actor: Actor, reason: str, how: dict[str, Any]) -> None:
        receipts, done, kept = list(session.receipts), 0, 0
        for act in reversed([d for d in session.receipts if not d.reversal]):
            done += len(act.rows)
            taken = {row for d in receipts if d.of == act.first for row in d.rows}
            if set(act.rows) <= taken:
                continue
            if self._ending.is_set():
                return
            receipt, left = self.office.reverse_act(act.first, actor, reason=reason, **how)
            kept += len(left)
            if receipt is not None:
                kept_rows = {act.rows[at] for at in left}
                rows = tuple(row for row in act.rows if row not in taken | kept_rows)
                receipts.append(_done(rows, receipt, of=act.first))
                self._update(session.id, receipts=_text(receipts))
            self._tell(session, done)
        status = Status.RECORDED if kept else Status.REVERSED
        trouble = _text(STANDS_ON.said(n=kept)) if kept else "{}"
        self._update(session.id, status=status.value, trouble=trouble)

    # The tables ---------------------------------------------------------------------------

    def _now(self) -> str:
        return self.office.book.clock().astimezone(UTC).isoformat(timespec="milliseconds")

    def _content(self, id_: str, what: str) -> bytes | None:
        query = select(content_.c.content)
        query = query.where(content_.c.session == id_, content_.c.what == what)
        with self.engine.connect() as c:
            found = c.execute(query).scalar()
        return bytes(found) if found is not None else None

    def _keep(self, id_: str, what: str, content: bytes) -> None:
        of = (content_.c.session == id_, content_.c.what == what)
        with self.office.writing(), self.engine.begin() as c:
            c.execute(delete(content_).where(*of))
            c.execute(insert(content_).values(session=id_, what=what, content=content))

    def _set(
        self, session: Session, before: Sequence[Status], after: Status, **more: Any
    ) -> Session:
        """Bring a session on, if nobody else did; raise NotNow."""
        # What is under way is taken over only from somebody who is silent.
        known = [s for s in before if s not in WORKING or self.silent(session)]
        query = update(session_).where(
            session_.c.id == session.id,
            session_.c.status.in_([s.value for s in known]),
            session_.c.touched_at == session.touched_at,
        )
        told = more | {"status": after.value, "touched_at": self._now()}
        with self.office.writing(), self.engine.begin() as c:
            if c.execute(query.values(**told)).rowcount != 1:
                raise NotNow(BUSY)
        found = self.find(session.id, session.unit)
        assert found is not None
        return found

    def _update(self, id_: str, **more: Any) -> None:
        told = more | {"touched_at": self._now()}
        with self.office.writing(), self.engine.begin() as c:
            c.execute(update(session_).where(session_.c.id == id_).values(**told))

    def _tell(self, session: Session, done: int) -> None:
        self._update(session.id, done=done)

    def _remembered(self, unit: str, rows: Sequence[Sequence[str]]) -> Plan:
        """Return how a unit read such headings last, else what they probably mean."""
        plan = importing_cards.proposed(rows)
        mark = importing_cards.fingerprint(rows, plan.head)
        query = select(reading_.c.plan)
        query = query.where(reading_.c.unit == unit, reading_.c.fingerprint == mark)
        with self.engine.connect() as c:
            known = c.execute(query).scalar()
        if known is None:
            return plan
        return msgspec.structs.replace(msgspec.json.decode(known, type=Plan), head=plan.head)

    def _remember(self, unit: str, rows: Sequence[Sequence[str]], plan: Plan) -> None:
        mark = importing_cards.fingerprint(rows, plan.head)
        of = (reading_.c.unit == unit, reading_.c.fingerprint == mark)
        with self.office.writing(), self.engine.begin() as c:
            c.execute(delete(reading_).where(*of))
            told = {"unit": unit, "fingerprint": mark, "plan": _text(plan), "used_at": self._now()}
            c.execute(insert(reading_).values(**told))


class Sentence(msgspec.Struct, frozen=True):
    """A sentence with a number in it."""

    zh: str
    en: str

    def said(self, **values: object) -> Words:
        return Words(self.zh.format(**values), self.en.format(**values))


STOPPED: Final = Words(
    "处理中断：系统出错，详情见日志。已记入的内容完好；可以继续。",
    "It stopped on an error; the log says more. What was recorded is safe, and it can go on.",
)
STANDS_ON: Final = Sentence(
    "有 {n} 行之后又有别的记录，没有红冲；须先红冲那些记录。",
    "{n} rows were not reversed, because later entries stand on them; reverse those first.",
)


class Recording:
    """Records portions of an import, each in one act; a row that is refused after all is left out."""

    def __init__(
        self, imports: Imports, session: Session, actor: Actor, choice: Choice, how: dict[str, Any]
    ) -> None:
        self.imports, self.session, self.actor = imports, session, actor
        self.choice, self.how = choice, how
        self.receipts = list(session.receipts)
        self.wrong: list[Fault] = []

    def found(self, lines: Sequence[Line], judge: Judge) -> None:
        """Note what this import recorded before it was cut off and could not note itself."""
        book, acts = self.imports.office.book, dict[int, list[int]]()
        noted = {row for done in self.receipts for row in done.rows}
        for line in lines:
            # What was left out with consent differs still.
            told = line.verdict in (SAME, CHANGED) and not line.asks
            mine = told and line.stream == judge.stream_of(line.number)
            if mine and line.row not in noted:
                entry = book.stream(line.stream).entries[-1]
                command = book.log.command(entry.position)
                assert command is not None
                acts.setdefault(command[0], []).append(line.row)
        for first, rows in acts.items():
            command = book.log.command(first)
            assert command is not None
            last = first + command[1] - 1
            (entry,) = book.entries(last, last)
            self.receipts.append(Done(tuple(rows), first, last, entry.recorded_at))

    def portion(self, lines: Sequence[Line], reading: Reading) -> None:
        """Record some lines; when they are refused together, in halves."""
        lines = [one for one in lines if one.verdict == NEW or self.choice.corrections]
        if not lines:
            return
        asks = [
            ask
            for line in lines
            for ask in importing_cards.asked(
                reading.row(line.row - 1, []), line, self.actor, self.choice.reason
            )
        ]
        # The same rows may come again after a reversal: a request of its own.
        rows = f"{lines[0].row}-{lines[-1].row}"
        key = f"import {self.session.id} {len(self.receipts)} {rows} {len(lines)}"
        try:
            receipt = self.imports.office.ask_many(asks, self.actor, key=key, **self.how)
        except (Refused, Conflict, KeyReused) as no:
            if len(lines) > 1:
                half = len(lines) // 2
                self.portion(lines[:half], reading)
                self.portion(lines[half:], reading)
                return
            said = [no.sentence(lang) for lang in LANGS] if isinstance(no, Refused) else AGAIN
            self.wrong.append(Fault(lines[0].row, -1, "", *said))
        else:
            self.receipts.append(_done(tuple(line.row for line in lines), receipt))
            self.imports._update(self.session.id, receipts=_text(self.receipts))


LANGS: Final = ("zh", "en")
AGAIN: Final = (
    "这张卡片刚被别人改动；请重新核对。",
    "Somebody has just changed this card; have the sheet checked again.",
)


def chosen(found: Found, choice: Choice) -> list[int]:
    """Return the rows that are meant (as a spreadsheet numbers them); raise NotNow."""
    able = (
        {line.row for line in found.lines if line.asks}
        if choice.corrections
        else {line.row for line in found.lines if line.verdict == NEW}
    )
    if choice.rows is not None:
        known = {line.row: line for line in found.lines}
        if any(row not in known or known[row].verdict == WRONG for row in choice.rows):
            raise NotNow(FAULTY)
        able &= set(choice.rows)
    if choice.whole and able and any(line.verdict == WRONG for line in found.lines):
        raise NotNow(FAULTY)
    omitting = set() if choice.leave else {line.row for line in found.lines if line.omits}
    named = omitting if choice.rows is None else omitting & set(choice.rows)
    able -= omitting
    if named and (choice.whole or choice.rows is not None or not able):
        raise NotNow(LEAVES)
    if not able:
        raise NotNow(NOTHING)
    if choice.corrections and not choice.reason:
        corrected = any(line.verdict == CHANGED and line.row in able for line in found.lines)
        if corrected:
            raise NotNow(NO_REASON)
    return sorted(able)


def left_out(found: Found, choice: Choice) -> list[Left]:
    """Return what is left out of the rows that are meant, with the consent that says so."""
    if not choice.leave:
        return []
    rows = None if choice.rows is None else set(choice.rows)
    return [
        Left(line.row, line.number, change.field, value, *msgspec.structs.astuple(why))
        for line in found.lines
        if rows is None or line.row in rows
        for change in line.omits
        for value in (str(change.new) if change.field == "custody" else "",)
        for why in (importing_cards.why(change),)
    ]


def counted(found: Found) -> dict[str, int]:
    """Return how many rows became what."""
    counts: dict[str, int] = dict.fromkeys((NEW, SAME, CHANGED, LEFT, WRONG, EMPTY), 0)
    for line in found.lines:
        counts[line.verdict] += 1
    counts["faults"] = len(found.faults)
    counts["omitting"] = sum(bool(line.omits) for line in found.lines)
    counts["corrections"] = sum(line.verdict == CHANGED and line.asks for line in found.lines)
    return counts


def _done(rows: tuple[int, ...], receipt: Receipt, of: int = 0) -> Done:
    return Done(rows, receipt.first, receipt.last, receipt.recorded_at, of)


def _packed(value: Any) -> bytes:
    return zlib.compress(msgspec.msgpack.encode(value), 1)


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _session(row: Any) -> Session:
    told: dict[str, Any] = dict(row)
    for name, type_ in (
        ("names", tuple[str, ...]),
        ("plan", Plan),
        ("counts", dict[str, int]),
        ("choice", Choice),
        ("receipts", tuple[Done, ...]),
        ("trouble", dict[str, str]),
    ):
        told[name] = msgspec.json.decode(told[name], type=type_)
    told["status"] = Status(told["status"])
    return Session(**told)
