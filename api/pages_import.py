"""Send in a sheet of asset cards: how its columns are read, what was found, consent, the receipt."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from fastapi import APIRouter
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api import (
    import_telling,
    importing_cards,
    pages_export,
    problems,
)
from api.card_columns import BY_NAME, Column
from api.import_sessions import Found, Imports, NotNow, Session
from api.importing_cards import CHANGED, NEW, Change, Line, Plan
from api.office import Actor, Office
from api.pages_filing import Sent
from api.pages_sign import Member, Typed, text
from api.pages_trouble import PageRoute
from api.pages_view import Page
from api.reading_problems import Unreadable
from api.security import SHEET_BYTES_MAX
from api.wanting import plain
from domain.decider import LIFECYCLES
from domain.words import Words
from ledger.book import new_id

WAIT_SECONDS: Final = 1.5  # for work that is soon done; longer work shows how far it is
SHOWN: Final = 200
SAMPLES: Final = 3
OPTIONS_MAX: Final = 300  # longer lists are not repeated for every word of a sheet
ROLES: Final = importing_cards.REGISTER.roles | importing_cards.REVALUE.roles
NOT_YOURS: Final = Words(
    "导入资产卡片由本单位的资产管理员办理，价值更正由会计、财务办理。",
    "Sheets of cards are sent in by a unit's clerk; values are corrected by accounting and finance.",
)
SAID: Final = {
    "title": Words("导入资产卡片", "Import asset cards"),
    "hint": Words(
        "CSV、XLSX 或 XLS，至多 64 MiB；文字编码自动识别（UTF-8、GBK、GB18030）。先核对，逐格列出问题；"
        "经您同意才记入账本。同一文件导入两次不会重复；空白单元格不改动任何内容，要清空请填“清空”。",
        "CSV, XLSX or XLS, 64 MiB at most; UTF-8, GBK and GB18030 are told apart. It is checked first, cell"
        " by cell, and nothing is recorded before you agree. Sending a file twice doubles nothing; an"
        " empty cell changes nothing, and (clear) takes something out.",
    ),
    "file": Words("选择文件", "Choose a file"),
    "send": Words("读取", "Read it"),
    "template": Words("下载模板", "Take a template"),
    "cards": Words("导出现有卡片", "Take the cards home"),
    "earlier": Words("以往的导入", "Earlier imports"),
    "none": Words(
        "还没有导入过。可先下载模板，或直接使用本单位现有的卡片表。",
        "Nothing was imported yet. Take a template, or use the sheet of cards your unit has.",
    ),
    "no-file": Words("请选择一个文件。", "Choose a file."),
    "too-large": Words("文件超过 64 MiB，请拆分。", "The file is over 64 MiB; split it."),
    "when": Words("时间", "When"),
    "name": Words("文件", "File"),
    "status": Words("进展", "Progress"),
    "counts": Words("结果", "Result"),
    "columns": Words("1. 列的含义", "1. What the columns mean"),
    "columns-hint": Words(
        "按表头提出，请核对；改动后会为本单位记住。未选含义的列不导入。",
        "Proposed by the headings; check it. What you change is remembered for your unit. A column"
        " without a meaning is not taken.",
    ),
    "sheet": Words("工作表", "Sheet"),
    "head": Words("表头所在行", "Row of the headings"),
    "choose-sheet": Words("换表", "Change"),
    "heading": Words("表头", "Heading"),
    "samples": Words("前几行", "First rows"),
    "meaning": Words("含义", "Meaning"),
    "untaken": Words("（不导入）", "(not taken)"),
    "check": Words("核对", "Check"),
    "again": Words("重新核对", "Check again"),
    "found": Words("2. 核对结果", "2. What was found"),
    "rows": Words("{n} 行", "{n} rows"),
    "faults": Words("问题（{n}）", "Faults ({n})"),
    "first": Words("只列前 {n} 项，全部见下载的文件。", "The first {n}; the file has all."),
    "faults-file": Words("下载带核对结果的表格", "Take the sheet with the findings"),
    "row": Words("行", "Row"),
    "cell": Words("单元格", "Cell"),
    "value": Words("内容", "Content"),
    "wrong": Words("问题与办法", "What is wrong, and what to do"),
    "words": Words("本表的叫法", "What the sheet calls them"),
    "words-hint": Words(
        "这些内容系统不认识。在此指定一次，本单位的同类表格以后都认得。",
        "The system does not know these. Say once what they are; such sheets of your unit are then read.",
    ),
    "differences": Words("与账上不同（{n}）", "What differs from the books ({n})"),
    "used": Words("新卡片登记的使用情况（{n}）", "How new cards begin to be used ({n})"),
    "asset": Words("资产编号", "Asset no."),
    "field": Words("项目", "Field"),
    "old": Words("账上", "In the books"),
    "new": Words("表中", "In the sheet"),
    "omitted": Words("导入不登记的内容（{n} 行）", "What a sheet does not record ({n} rows)"),
    "omitted-hint": Words(
        "只有经您同意才不登记这些内容；不登记了什么、为什么，记在本次导入中。不同意时，这些行不记入。",
        "It is left out only if you agree; what was left out, and why, stays with this import. Without your"
        " consent these rows are not recorded.",
    ),
    "consent-leave": Words(
        "同意不登记上面列明的内容（{n} 行），其余照常记入",
        "leave out what is listed above ({n} rows) and record the rest of them",
    ),
    "why": Words("原因与办法", "Why, and what to do"),
    "was-left": Words("经同意没有登记的内容（{n} 项）", "Left out with consent ({n})"),
    "preview": Words("将记入的内容", "What will be recorded"),
    "preview-rest": Words("……以及其余 {n} 行。", "… and {n} rows more."),
    "consent": Words("3. 同意记入", "3. Consent"),
    "consent-new": Words("新建卡片 {n} 张", "open {n} new cards"),
    "consent-some": Words(
        "新建卡片 {n} 张，其中 {m} 张须经您同意",
        "open {n} new cards, {m} of them only if you agree",
    ),
    "preview-consent": Words("（须经下面同意）", "(only if you agree below)"),
    "consent-corrections": Words(
        "同时更正与账上不同的 {n} 张卡片", "also correct the {n} cards that differ"
    ),
    "reason": Words("更正原因", "Why they are corrected"),
    "all": Words("全部（有一行有误就都不记入）", "everything (nothing if any row is wrong)"),
    "right": Words("无误的行", "the rows that are right"),
    "chosen": Words("所选的行，如 2-50,77", "chosen rows, such as 2-50,77"),
    "which": Words("记入哪些行", "Which rows"),
    "record": Words("同意，记入账本", "Agree and record"),
    "nothing": Words(
        "没有需要记入的内容：表中各行都已在账上，或者有误。",
        "There is nothing to record: every row is on the books already, or wrong.",
    ),
    "receipt": Words("回执", "Receipt"),
    "recorded": Words(
        "已记入 {n} 行，账本第 {first}–{last} 条。",
        "{n} rows recorded, entries {first}–{last} of the ledger.",
    ),
    "reversed-act": Words(
        "已红冲 {n} 行，账本第 {first}–{last} 条。",
        "{n} rows reversed, entries {first}–{last} of the ledger.",
    ),
    "reverse": Words("红冲整次导入", "Reverse the whole import"),
    "reverse-hint": Words(
        "逐张红冲本次导入记入的内容；之后又有记录的卡片不动，并列明数量。",
        "Takes back what this import recorded, card by card. Cards with later entries stay, and their"
        " number is told.",
    ),
    "reverse-reason": Words("红冲原因", "Why it is reversed"),
    "forget": Words("删除文件内容", "Remove the content of the file"),
    "forget-hint": Words(
        "表格可能含姓名；用完即可删除。账本中的记录和回执不受影响。",
        "The sheet may hold names; remove it when done. The ledger and the receipt stay.",
    ),
    "working": Words("{done} / {total} 行", "{done} of {total} rows"),
    "leave": Words("可以离开本页，稍后回来查看。", "You may leave this page and come back later."),
    "stopped": Words("处理中断。", "It stopped."),
    "go-on": Words("继续", "Go on"),
    "bad-rows": import_telling.BAD_CHOICE,
    "paper": Words("文件指纹 SHA-256", "SHA-256 of the file"),
}


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/imports")
    def listing(page: Member) -> Response:
        return listed(page)

    @pages.post("/imports")
    def begin(page: Member, form: Sent) -> Response:
        allowed(page.actor)
        file = form.get("file")
        if not isinstance(file, UploadFile) or not file.filename:
            return listed(page, wrong=[page.words(SAID["no-file"])], status=422)
        content = file.file.read(SHEET_BYTES_MAX + 1)
        if len(content) > SHEET_BYTES_MAX:
            return listed(page, wrong=[page.words(SAID["too-large"])], status=413)
        try:
            session = office.imports.begin(page.actor, file.filename, content)
        except Unreadable as no:
            wrong = [page.words(Words(p.zh, p.en)) for p in no.problems[:SHOWN]]
            return listed(page, wrong=wrong, status=422)
        return page.go(f"/imports/{session.id}")

    @pages.get("/imports/{id_}")
    def look(id_: str, page: Member) -> Response:
        return drawn(page, there(page, id_))

    @pages.post("/imports/{id_}/sheet")
    def choose(id_: str, page: Member, form: Typed) -> Response:
        def act(session: Session) -> None:
            head = text(form, "head", 6)
            sheet = text(form, "sheet", 200)
            if sheet and sheet != session.sheet:
                office.imports.choose(session, sheet)
            elif head.isdecimal() and 0 < int(head) <= importing_cards.HEAD_ROWS:
                rows = office.imports.sheet(session).rows
                office.imports.read_as(session, importing_cards.headed(rows, int(head) - 1))

        return done(page, id_, act)

    @pages.post("/imports/{id_}/check")
    def check(id_: str, page: Member, form: Typed) -> Response:
        def act(session: Session) -> None:
            plan = plan_of(session, form)
            office.imports.judge(session, page.actor, plan, WAIT_SECONDS)

        return done(page, id_, act)

    @pages.post("/imports/{id_}/record")
    def record(id_: str, page: Member, form: Typed) -> Response:
        def act(session: Session) -> None:
            which = text(form, "which") or import_telling.RIGHT
            rows = text(form, "rows", import_telling.ROWS_CHARS_MAX)
            try:
                choice = import_telling.choice_of(
                    rows if which == "rows" else which,
                    corrections=bool(text(form, "corrections")),
                    reason=text(form, "reason", 2_000),
                    leave=bool(text(form, "leave")),
                )
            except ValueError:
                raise NotNow(SAID["bad-rows"]) from None
            office.imports.record(session, page.actor, choice, page.how, WAIT_SECONDS)

        return done(page, id_, act)

    @pages.post("/imports/{id_}/reverse")
    def reverse(id_: str, page: Member, form: Typed) -> Response:
        def act(session: Session) -> None:
            reason = text(form, "reason", 2_000)
            office.imports.take_back(session, page.actor, reason, page.how, WAIT_SECONDS)

        return done(page, id_, act)

    @pages.post("/imports/{id_}/forget")
    def forget(id_: str, page: Member, form: Typed) -> Response:
        session = there(page, id_)
        try:
            office.imports.forget(session)
        except NotNow as no:
            return drawn(page, session, wrong=page.words(no.words), status=409)
        return page.go(f"/imports/{id_}" if session.receipts else "/imports")

    @pages.get("/imports/{id_}/faults.{ending}")
    def faults(id_: str, ending: str, page: Member) -> Response:
        if ending not in ("csv", "xlsx"):
            raise HTTPException(404)
        session = there(page, id_)
        try:
            content = import_telling.pieces_of(
                office.imports, session, page.lang, page.name_of, ending
            )
        except NotNow as no:
            return drawn(page, session, wrong=page.words(no.words), status=409)
        return pages_export.kept(content, f"import-{id_}", ending)

    return pages


def allowed(actor: Actor) -> None:
    """Refuse who has nothing to do with sheets of cards; raise Problem 403."""
    if actor.role not in ROLES:
        raise problems.plain(403, NOT_YOURS, "not-your-role")


def there(page: Page, id_: str) -> Session:
    """Return a session of the reader's unit; raise 404."""
    allowed(page.actor)
    session = page.office.imports.find(id_, page.actor.unit)
    if session is None:
        raise HTTPException(404)
    return session


def done(page: Page, id_: str, act: Any) -> Response:
    """Do something with a session and show it again; say why when it cannot be."""
    session = there(page, id_)
    try:
        act(session)
    except NotNow as no:
        return drawn(page, there(page, id_), wrong=page.words(no.words), status=409)
    except Unreadable as no:
        wrong = " ".join(page.words(Words(p.zh, p.en)) for p in no.problems[:3])
        return drawn(page, session, wrong=wrong, status=422)
    return page.go(f"/imports/{id_}")


def plan_of(session: Session, form: FormData) -> Plan:
    """Return how the columns are to be read, as it was chosen."""
    columns = tuple(
        name if (name := text(form, f"column-{at}")) in BY_NAME else ""
        for at in range(len(session.plan.columns))
    )
    values = {name: dict(words) for name, words in session.plan.values.items()}
    for key in form:
        match = re.fullmatch(r"means-([0-9]{1,4})", key)
        if match:
            name = text(form, f"of-{match[1]}")
            said = plain(text(form, f"said-{match[1]}"))
            meant = text(form, key)
            if name in BY_NAME and said:
                values.setdefault(name, {}).pop(said, None)
                if meant:
                    values[name][said] = meant
    return Plan(head=session.plan.head, columns=columns, values=values)


def listed(page: Page, *, wrong: list[str] | None = None, status: int = 200) -> Response:
    """Draw the page on which a sheet is sent in, with those sent before."""
    allowed(page.actor)
    return page.render(
        "imports.html",
        status,
        s={name: page.words(words) for name, words in SAID.items()},
        sessions=page.office.imports.all(page.actor.unit),
        verdicts=verdicts(page),
        wrong=wrong or [],
    )


def verdicts(page: Page) -> dict[str, str]:
    """Return what a row may become, in words."""
    return {name: page.words(words) for name, words in import_telling.VERDICTS.items()}


def drawn(page: Page, session: Session, *, wrong: str = "", status: int = 200) -> Response:
    """Draw a session: whatever comes next is open."""
    imports = page.office.imports
    values: dict[str, Any] = {"gone": False, "columns": [], "head_rows": [], "new": 0}
    tables = ("faults", "differences", "used", "omitted", "unknown", "preview")
    values |= {name: [] for name in tables}
    values["correctable"] = 0
    found = Found()
    try:
        sheet = imports.sheet(session)
    except NotNow:
        values["gone"] = True
    else:
        values["columns"] = columns_of(page, session, sheet.rows)
        values["head_rows"] = range(1, min(len(sheet.rows), importing_cards.HEAD_ROWS) + 1)
        if session.counts and not session.working:
            found = imports.found(session)
            values |= told(page, imports, session, found)
    return page.render(
        "import_session.html",
        status,
        s={name: page.words(words) for name, words in SAID.items()},
        one=session,
        silent=session.working and imports.silent(session),
        verdicts=verdicts(page),
        meanings=import_telling.meanings(page.lang),
        trouble=import_telling.in_trouble(session, page.lang),
        wrong=wrong,
        left=[
            (one.row, one.number, called, shown, page.words(Words(one.zh, one.en)))
            for one in imports.left(session)
            for called in (page.words(BY_NAME[one.field].words),)
            for shown in (import_telling.left_shown(one, page.lang),)
        ],
        key=new_id("web"),
        shown=SHOWN,
        **values,
    )


def columns_of(page: Page, session: Session, rows: Any) -> list[dict[str, Any]]:
    """Return the columns of a sheet with a few of their cells, and why one is not taken."""
    plan = session.plan
    below = rows[plan.head + 1 : plan.head + 40]
    heads = rows[plan.head] if plan.head < len(rows) else ()
    found = []
    for at, name in enumerate(plan.columns):
        cells = [row[at].strip() for row in below if at < len(row) and row[at].strip()]
        samples = list(dict.fromkeys(cells))[:SAMPLES]
        if name or samples or (at < len(heads) and heads[at].strip()):
            head = heads[at].strip() if at < len(heads) else ""
            letter = import_telling.column_name(at)
            why = BY_NAME[name].left if name else None
            found.append(
                {"at": at, "letter": letter, "head": head, "samples": samples, "name": name}
                | {"left": page.words(why) if why is not None else ""}
            )
    return found


def told(page: Page, imports: Imports, session: Session, found: Found) -> dict[str, Any]:
    """Return what was found as the page shows it."""
    sheet = imports.sheet(session)
    changed = [line for line in found.lines if line.verdict == CHANGED]
    faults = [
        (
            fault.row,
            import_telling.where(fault, sheet, session.plan, page.lang),
            fault.value,
            page.words(Words(fault.zh, fault.en)),
        )
        for fault in found.faults[:SHOWN]
    ]
    new = [line for line in found.lines if line.verdict == NEW]

    def rows(picked: list[tuple[Line, Sequence[Change]]]) -> list[tuple[Any, ...]]:
        return [
            (line.row, line.number, line.stream.partition("/")[2], *said)
            for line, changes in [one for one in picked if one[1]][:SHOWN]
            for said in (import_telling.said(one, page.lang, page.name_of) for one in changes)
        ]

    return {
        "faults": faults,
        "differences": rows([(line, line.changes) for line in changed]),
        "used": rows([(line, [one for one in line.changes if one.verb]) for line in new]),
        "omitted": rows([(line, line.omits) for line in found.lines]),
        "unknown": unknown(page, session, found),
        "preview": preview(page, imports, session, new[:5]),
        "new": len(new),
        "asking": sum(bool(line.omits) for line in new),
        "correctable": sum(line.asks for line in changed),
    }


def preview(
    page: Page, imports: Imports, session: Session, lines: Sequence[Line]
) -> list[tuple[int, str, bool]]:
    """Return the first entries as they will read, and which of them wait for consent."""
    sheet = imports.sheet(session)
    known = importing_cards.names(page.office)
    reading = importing_cards.Reading(session.plan, sheet.rows, sheet.lost, known, session.unit)
    event = next(e for e in LIFECYCLES["asset"].meanings if e.type_name == "asset.registered")
    said = page.words(Words(event.zh, event.en))
    return [
        (line.row, said.format(**reading.row(line.row - 1, []).form), bool(line.omits))
        for line in lines
    ]


def unknown(page: Page, session: Session, found: Found) -> list[dict[str, Any]]:
    """Return what the sheet calls units, places and choices that nobody knows, with the choices."""
    counts: Counter[tuple[str, str]] = Counter()
    columns = session.plan.columns
    for fault in found.faults:
        name = columns[fault.column] if 0 <= fault.column < len(columns) else ""
        if name and BY_NAME[name].holds in ("term", "unit", "place") and fault.value:
            counts[name, plain(fault.value)] += 1
    for name, words in session.plan.values.items():
        for said in words:
            counts.setdefault((name, said), 0)
    return [
        {
            "column": BY_NAME[name],
            "said": said,
            "n": n,
            "options": options(page, BY_NAME[name]),
            "meant": session.plan.values.get(name, {}).get(said, ""),
        }
        for (name, said), n in counts.most_common(50)
        if len(options(page, BY_NAME[name])) <= OPTIONS_MAX
    ]


def options(page: Page, column: Column) -> list[tuple[str, str]]:
    """Return what such a column may hold."""
    if column.choices:
        return [(one.value, page.words(one.words)) for one in column.choices]
    return page.unit_choices() if column.holds == "unit" else page.place_choices()
