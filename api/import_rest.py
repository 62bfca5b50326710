"""For programs: a sheet of cards sent in, its columns said, its faults read, recorded, reversed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api import (
    card_template,
    cards_out,
    changing,
    import_telling,
    importing_cards,
    lists_out,
    pages_export,
    problems,
    rest_openapi,
)
from api.card_columns import BY_NAME
from api.filing_rest import raw
from api.import_sessions import NotNow, Session
from api.importing_cards import HEAD_ROWS, Plan
from api.lists_out import CHANGES, DISPOSALS, STOCKTAKE
from api.office import Actor, Office
from api.pages_export import XLSX
from api.pages_import import allowed
from api.parameters import Parameter, choice, day, text
from api.reading_problems import Unreadable
from api.rest_answers import names_in, reply
from api.rest_caller import Callers, body_of, check_id, how, key_of, lang_of
from api.rest_questions import Questions
from api.rest_reading import endpoint_of
from api.security import SHEET_BYTES_MAX
from domain.values import ID
from domain.words import Words, in_words
from projections import units

TAG: Final = Words("导入导出", "Sheets in and out")
WAIT_SECONDS: Final = 20.0  # then the answer says how far it is; ask again
FORMAT: Final = choice("format", "文件格式 · kind of file", ("csv", "xlsx"), "csv")
FROM: Final = day("from", "期初日 · from this day on")
TO: Final = day("to", "期末日 · up to this day")
NAME: Final = text("name", "文件名 · Name of the file.")
SHEET: Final = text("sheet", "工作表，不填为第一张有内容的 · Sheet; the first that holds anything.")
NOT_READ: Final = Words("无法读取这份文件", "The file cannot be read")
NOT_NOW: Final = Words("现在不能这样办理", "This cannot be done now")
BAD_COLUMN: Final = Words("没有这样的列含义。", "There is no such meaning of a column.")
PLACE: Final = {
    "name": "id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": ID},
    "description": "导入编号 · Import.",
}
T = TypeVar("T")


class Columns(msgspec.Struct, forbid_unknown_fields=True):
    """How the columns are read: the row of headings from 1, and what each column means."""

    columns: list[str] | None = None
    head: int | None = None
    values: dict[str, dict[str, str]] = {}
    sheet: str = ""


class Consent(msgspec.Struct, forbid_unknown_fields=True):
    """Which rows are recorded: all, right, or row numbers such as 2-50,77.

    `leave`: what a sheet does not record of them is left out, and the import says what it was.
    """

    rows: str
    corrections: bool = False
    reason: str = ""
    leave: bool = False


class Reversal(msgspec.Struct, forbid_unknown_fields=True):
    """Why an import is reversed."""

    reason: str


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """A request that says nothing more."""


def schema(type_: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the schema of a body, in one piece."""
    _, parts = msgspec.json.schema_components([type_], ref_template="#/{name}")
    return parts[type_.__name__]


def add(routes: APIRouter, office: Office, callers: Callers) -> None:
    """Add the routes of this module."""

    def caller(request: Request) -> Actor:
        actor = callers.actor(request)
        allowed(actor)
        return actor

    def there(request: Request, actor: Actor) -> Session:
        session = office.imports.find(check_id(request.path_params["id"]), actor.unit)
        if session is None:
            raise problems.plain(404)
        return session

    def told(request: Request, session: Session) -> Response:
        lang = lang_of(request)
        said = import_telling.plain(session, lang)
        said |= {"faults": [], "differences": [], "more": False}
        said["left_out"] = import_telling.left_plain(office.imports, session, lang)
        if session.counts and not session.working:
            try:
                sheet = office.imports.sheet(session)
            except NotNow:
                return reply(request, said)
            found = office.imports.found(session)
            name_of = names_in(office, lang)
            said |= import_telling.lines_plain(sheet, session, found, lang, name_of)
        return reply(request, said)

    def begin(request: Request, content: bytes) -> Response:
        actor = caller(request)
        asked = Questions(request, [NAME, SHEET])
        name, sheet = asked.text("name"), asked.text("sheet")
        asked.check()
        key = key_of(request)
        try:
            session = office.imports.begin(actor, name, content, sheet, key)
        except Unreadable as no:
            raise unreadable(request, no) from None
        if not session.counts and not session.working:
            session = office.imports.judge(session, actor, session.plan, WAIT_SECONDS)
        return told(request, session)

    async def send_in(request: Request) -> Response:
        return await run_in_threadpool(begin, request, await raw(request, SHEET_BYTES_MAX))

    def posted(
        type_: type[T], act: Callable[[Request, Actor, Session, T], Session | None]
    ) -> Callable[[Request], Any]:
        def work(request: Request, body: bytes) -> Response:
            actor = caller(request)
            key_of(request)
            session = there(request, actor)
            asked = decoded(body, type_)
            try:
                after = act(request, actor, session, asked)
            except NotNow as no:
                raise problems.Problem(409, "import-not-now", NOT_NOW, no.words) from None
            except Unreadable as no:
                raise unreadable(request, no) from None
            return told(request, after) if after is not None else reply(request, {})

        async def endpoint(request: Request) -> Response:
            return await run_in_threadpool(work, request, await body_of(request))

        return endpoint

    def read_as(_: Request, actor: Actor, session: Session, asked: Columns) -> Session:
        if asked.sheet and asked.sheet != session.sheet:
            session = office.imports.choose(session, asked.sheet)
        plan = session.plan
        if asked.head is not None:
            rows = office.imports.sheet(session).rows
            if not 0 < asked.head <= min(HEAD_ROWS, len(rows)):
                raise invalid("head")
            plan = importing_cards.headed(rows, asked.head - 1)
        columns = plan.columns if asked.columns is None else tuple(asked.columns)
        if not all(not name or name in BY_NAME for name in (*columns, *asked.values)):
            raise problems.Problem(422, "bad-column", problems.INVALID, BAD_COLUMN)
        values = {**plan.values, **asked.values}
        plan = Plan(head=plan.head, columns=columns, values=values)
        return office.imports.judge(session, actor, plan, WAIT_SECONDS)

    def record(request: Request, actor: Actor, session: Session, asked: Consent) -> Session:
        try:
            choice = import_telling.choice_of(
                asked.rows,
                corrections=asked.corrections,
                reason=asked.reason[:2_000],
                leave=asked.leave,
            )
        except ValueError:
            raise problems.Problem(
                422, "bad-rows", problems.INVALID, import_telling.BAD_CHOICE
            ) from None
        choice = msgspec.structs.replace(choice, key=key_of(request))
        return office.imports.record(session, actor, choice, how(request), WAIT_SECONDS)

    def reverse(request: Request, actor: Actor, session: Session, asked: Reversal) -> Session:
        reason = asked.reason.strip()[:2_000]
        return office.imports.take_back(session, actor, reason, how(request), WAIT_SECONDS)

    def forget(_: Request, __: Actor, session: Session, ___: Nothing) -> Session | None:
        office.imports.forget(session)
        return office.imports.find(session.id, session.unit)

    def listing(request: Request, actor: Actor) -> Response:
        allowed(actor)
        Questions(request, ()).check()
        lang = lang_of(request)
        found = [import_telling.plain(one, lang) for one in office.imports.all(actor.unit)]
        return reply(request, {"imports": found})

    def look(request: Request, actor: Actor) -> Response:
        allowed(actor)
        Questions(request, ()).check()
        return told(request, there(request, actor))

    def faults(request: Request, actor: Actor) -> Response:
        allowed(actor)
        asked, lang = Questions(request, [FORMAT]), lang_of(request)
        ending = asked.choice("format")
        asked.check()
        session = there(request, actor)
        try:
            content = import_telling.pieces_of(
                office.imports, session, lang, names_in(office, lang), ending
            )
        except NotNow as no:
            raise problems.Problem(409, "import-not-now", NOT_NOW, no.words) from None
        return pages_export.kept(content, f"import-{session.id}", ending)

    def template(request: Request, _: Actor) -> Response:
        Questions(request, ()).check()
        lang = lang_of(request)
        named = [
            [(row["id"], office.called(row["id"], lang)) for row in office.rows(query)]
            for query in (units.all_units(), units.all_places())
        ]
        return pages_export.kept([card_template.workbook(lang, *named)], "cards-template", "xlsx")

    def cards(request: Request, actor: Actor) -> Response:
        asked, lang = Questions(request, [FORMAT]), lang_of(request)
        ending = asked.choice("format")
        asked.check()
        content = cards_out.pieces_of(office, actor.scope, lang, ending)
        return pages_export.kept(content, "cards", ending)

    def asked_for(request: Request, *more: Parameter) -> tuple[Questions, str]:
        asked = Questions(request, [FORMAT, *more])
        ending = asked.choice("format")
        return asked, ending

    def disposals(request: Request, actor: Actor) -> Response:
        (asked, ending), lang = asked_for(request), lang_of(request)
        asked.check()
        rows = lists_out.disposals(office, actor.scope, lang, names_in(office, lang))
        return pages_export.kept(
            lists_out.pieces_of(rows, DISPOSALS, lang, ending), DISPOSALS, ending
        )

    def stocktake(request: Request, actor: Actor) -> Response:
        (asked, ending), lang = asked_for(request), lang_of(request)
        asked.check()
        id_ = check_id(request.path_params["id"])
        if not office.book.stream(f"stocktake/{id_}").state.differences:
            raise problems.plain(404)
        rows = lists_out.stocktake(office, actor.scope, id_, lang, names_in(office, lang))
        return pages_export.kept(
            lists_out.pieces_of(rows, STOCKTAKE, lang, ending), STOCKTAKE, ending
        )

    def changes(request: Request, actor: Actor) -> Response:
        (asked, ending), lang = asked_for(request, FROM, TO), lang_of(request)
        first, last = changing.year_so_far(office.today(actor.zone))
        start, end = asked.day("from") or first, asked.day("to") or last
        if no := changing.wrong(start, end, "", ""):
            asked.fault("from", no[1].zh, no[1].en)
        asked.check()
        rows = lists_out.changes(office, actor.scope, start, end, lang)
        return pages_export.kept(lists_out.pieces_of(rows, CHANGES, lang, ending), CHANGES, ending)

    def get(path: str, answer: Any, operation: str, zh: str, en: str, *asked: Any) -> None:
        place = [PLACE] if "{id}" in path else []
        media = {"imports_list": "application/json", "imports_look": "application/json"}
        described = rest_openapi.read(
            operation,
            zh,
            en,
            [*place, *rest_openapi.asked(*asked)],
            media=media.get(operation, "text/csv" if asked else XLSX),
            tag=TAG,
        )
        endpoint = endpoint_of(callers, answer)
        routes.add_api_route(path, endpoint, methods=["GET"], response_model=None, **described)

    def post(path: str, type_: Any, act: Any, operation: str, zh: str, en: str) -> None:
        described = rest_openapi.request(operation, zh, en, [PLACE], schema(type_), TAG)
        endpoint = posted(type_, act)
        routes.add_api_route(path, endpoint, methods=["POST"], response_model=None, **described)

    taken: dict[str, Any] = rest_openapi.upload(
        "imports_begin",
        "送入一份资产卡片表并核对",
        "Send in a sheet of cards and have it checked",
        rest_openapi.asked(SHEET),
        NAME,
        TAG,
    )
    routes.add_api_route("/imports", send_in, methods=["POST"], response_model=None, **taken)
    get("/imports", listing, "imports_list", "本单位的导入", "Imports of the unit")
    get("/imports/{id}", look, "imports_look", "一次导入", "One import")
    post(
        "/imports/{id}/columns",
        Columns,
        read_as,
        "imports_columns",
        "指定列的含义并重新核对",
        "Say what the columns mean and check again",
    )
    post(
        "/imports/{id}/record", Consent, record, "imports_record", "同意记入", "Consent and record"
    )
    post(
        "/imports/{id}/reverse", Reversal, reverse, "imports_reverse", "红冲整次导入", "Reverse it"
    )
    post(
        "/imports/{id}/forget", Nothing, forget, "imports_forget", "删除文件内容", "Remove the file"
    )
    get("/imports/{id}/faults", faults, "imports_faults", "带核对结果的表", "With findings", FORMAT)
    get("/cards/template", template, "cards_template", "资产卡片模板", "Template of cards")
    get("/cards/export", cards, "cards_export", "导出资产卡片", "Asset cards as a file", FORMAT)
    get("/cards/disposals", disposals, "cards_disposals", "处置清单", "Disposal list", FORMAT)
    get(
        "/cards/stocktakes/{id}",
        stocktake,
        "cards_stocktake",
        "盘点结果",
        "Stocktake results",
        FORMAT,
    )
    get("/cards/changes", changes, "cards_changes", "资产变动清单", "Changes", FORMAT, FROM, TO)


def decoded(body: bytes, type_: type[T]) -> T:
    """Read a body; raise Problem 400 or 422."""
    try:
        return msgspec.json.decode(body, type=type_)
    except msgspec.ValidationError as error:
        said = Words(f"填写有误：{error}。", f"There is a fault in it: {error}.")
        raise problems.Problem(422, "bad-body", problems.INVALID, said) from None
    except msgspec.DecodeError:
        raise problems.plain(400) from None


def invalid(name: str) -> problems.Problem:
    """Return the answer to a value that does not fit."""
    said = Words(f"{name} 填写有误。", f"{name} is not right.")
    return problems.Problem(422, "bad-body", problems.INVALID, said)


def unreadable(request: Request, no: Unreadable) -> problems.Problem:
    """Return the answer to a file that cannot be read."""
    first, lang = no.problems[0], lang_of(request)
    found = [
        {"line": p.line, "column": p.column, "said": in_words(Words(p.zh, p.en), lang)}
        for p in no.problems[: import_telling.TOLD_MAX]
    ]
    words = Words(first.zh, first.en)
    return problems.Problem(422, "file-not-read", NOT_READ, words, lines=found)
