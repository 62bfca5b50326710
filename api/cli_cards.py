"""Sheets of asset cards on the command line: checked, recorded with consent, reversed, taken home."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from api.cli_do import sign_in
from api.cli_read import names, opened
from api.cli_terminal import REFUSED, USAGE, Json, Stop, Terminal, at
from domain.words import Words

cards_app = typer.Typer(
    help="资产卡片表的导入、红冲、导出和模板 · Sheets of asset cards, in and out."
)
LINES_AT_ONCE: Final = 2_000
SAID: Final = {
    "counts": Words(
        "新建 {new} 张，一致 {same} 张，有差异 {changed} 张，不建卡 {left} 行，有误 {wrong} 行；"
        "{omitting} 行有不登记的内容。",
        "{new} new cards, {same} the same, {changed} differ, {left} rows get no card, {wrong} are wrong;"
        " {omitting} rows say what a sheet does not record.",
    ),
    "recorded": Words("已记入 {n} 行，导入编号 {id}。", "{n} rows recorded, import {id}."),
    "dry": Words(
        "只是核对，什么都没有记入；导入编号 {id}。",
        "Only checked; nothing was recorded. Import {id}.",
    ),
    "reversed": Words("尚有 {n} 行有效。", "{n} rows of it stand."),
}
HEADS: Final = (
    Words("行", "row"),
    Words("单元格", "cell"),
    Words("内容", "content"),
    Words("问题与办法", "what is wrong, and what to do"),
)
DIFFER: Final = (
    Words("行", "row"),
    Words("资产编号", "asset no."),
    Words("项目", "field"),
    Words("账上", "in the books"),
    Words("表中", "in the sheet"),
)
LISTED: Final = (
    Words("导入编号", "import"),
    Words("文件", "file"),
    Words("进展", "progress"),
    Words("有效行数", "rows standing"),
)

File = Annotated[Path, typer.Argument(help="CSV、XLSX 或 XLS · CSV, XLSX or XLS.")]
Login = Annotated[str, typer.Option("--as", help="账号 · Log-in.")]
AsRole = Annotated[str, typer.Option("--role", help="以哪个岗位 · Acting in which role.")]
Import = Annotated[str, typer.Argument(help="导入编号 · Import.")]


@cards_app.command("import")
def import_(
    ctx: typer.Context,
    file: File,
    login: Login = "",
    role: AsRole = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只核对 · Only check.")] = False,
    right: Annotated[
        bool, typer.Option("--right", help="只记入无误的行 · Record the right rows.")
    ] = False,
    rows: Annotated[
        str, typer.Option("--rows", help="只记入这些行，如 2-50,77 · Only these rows.")
    ] = "",
    corrections: Annotated[
        bool, typer.Option("--corrections", help="更正有差异的卡片 · Correct cards that differ.")
    ] = False,
    reason: Annotated[str, typer.Option("--reason", help="更正原因 · Why.")] = "",
    leave: Annotated[
        bool,
        typer.Option(
            "--leave", help="同意不登记导入不能登记的内容 · Leave out what is not recorded."
        ),
    ] = False,
    sheet: Annotated[str, typer.Option("--sheet", help="工作表 · Sheet.")] = "",
    columns: Annotated[
        list[str] | None,
        typer.Option("--map", help="列=含义，如 C=name，可多次 · Column=meaning, repeated."),
    ] = None,
    faults: Annotated[
        str, typer.Option("--faults", help="带核对结果的表写入 · Write the findings to.")
    ] = "",
    json: Json = False,
) -> None:
    """导入资产卡片：先核对，无误才记入；两次不重复 · Import cards; checked first, twice adds nothing."""
    from api import import_telling
    from api.import_sessions import Choice, NotNow
    from api.reading_problems import Unreadable

    terminal = at(ctx, json)
    if not file.is_file():
        raise Stop(Words(f"没有这个文件：{file}", f"No such file: {file}"), USAGE)
    into = fresh(Path(faults)) if faults else None
    record = rows or (import_telling.RIGHT if right else import_telling.ALL)
    try:
        choice: Choice = import_telling.choice_of(
            record, corrections=corrections, reason=reason, leave=leave
        )
    except ValueError:
        raise Stop(import_telling.BAD_CHOICE, USAGE) from None
    with opened(terminal) as office:
        actor = sign_in(terminal, office, login, role)
        allowed(actor)
        imports, lang = office.imports, terminal.lang
        try:
            session = imports.begin(actor, file.name, file.read_bytes(), sheet)
            plan = mapped(session.plan, columns or ())
            with terminal.progress(Words("核对", "Checking")) as tick:
                session = imports.judge(session, actor, plan, 0)
                session = followed(imports, session, tick)
            name_of = names(office, terminal)
            if into is not None:
                ending = into.suffix.lower().removeprefix(".")
                with into.open("wb") as kept:
                    kept.writelines(
                        import_telling.pieces_of(imports, session, lang, name_of, ending)
                    )
            told = import_telling.plain(session, lang) | import_telling.lines_plain(
                imports.sheet(session), session, imports.found(session), lang, name_of
            )
            tell(terminal, told)
            if dry_run:
                outcome(terminal, told, SAID["dry"])
                return
            with terminal.progress(Words("记入", "Recording")) as tick:
                how = {"channel": "cli"}
                session = imports.record(session, actor, choice, how, 0)
                session = followed(imports, session, tick)
        except Unreadable as no:
            raise Stop(Words(no.in_chinese(), no.in_english()), REFUSED) from None
        except NotNow as no:
            raise Stop(no.words, REFUSED) from None
        told |= import_telling.plain(session, lang)
        outcome(terminal, told, SAID["recorded"])


@cards_app.command("imports")
def listing(ctx: typer.Context, login: Login = "", role: AsRole = "", json: Json = False) -> None:
    """列出本单位的导入 · List the imports of the unit."""
    from api import import_telling

    terminal = at(ctx, json)
    with opened(terminal) as office:
        actor = sign_in(terminal, office, login, role)
        allowed(actor)
        found = office.imports.all(actor.unit)
        if terminal.json:
            told = [import_telling.plain(one, terminal.lang) for one in found]
            terminal.answer({"imports": told})
            return
        rows = [[o.id, o.file, terminal.told(o.status.words), str(o.recorded)] for o in found]
    terminal.table(LISTED, rows)


@cards_app.command("reverse")
def reverse(
    ctx: typer.Context,
    import_id: Import,
    reason: Annotated[str, typer.Option("--reason", help="红冲原因 · Why.")],
    login: Login = "",
    role: AsRole = "",
    json: Json = False,
) -> None:
    """红冲整次导入 · Reverse all that an import recorded."""
    from api import import_telling
    from api.import_sessions import NotNow

    terminal = at(ctx, json)
    with opened(terminal) as office:
        actor = sign_in(terminal, office, login, role)
        allowed(actor)
        session = office.imports.find(import_id, actor.unit)
        if session is None:
            raise Stop(Words(f"没有这次导入：{import_id}", f"No such import: {import_id}"), USAGE)
        try:
            with terminal.progress(Words("红冲", "Reversing")) as tick:
                how = {"channel": "cli"}
                session = office.imports.take_back(session, actor, reason, how, 0)
                session = followed(office.imports, session, tick)
        except NotNow as no:
            raise Stop(no.words, REFUSED) from None
        told = import_telling.plain(session, terminal.lang)
    outcome(terminal, told, SAID["reversed"])


@cards_app.command("export")
def export(
    ctx: typer.Context,
    file: File,
    login: Login = "",
    role: AsRole = "",
    disposals: Annotated[
        bool, typer.Option("--disposals", help="改为处置清单 · The disposals instead.")
    ] = False,
    stocktake: Annotated[
        str, typer.Option("--stocktake", help="改为这次盘点的结果 · A stocktake's results instead.")
    ] = "",
    changes: Annotated[
        str,
        typer.Option("--changes", help="改为变动清单，起止日期如 2026-01-01,2026-06-30 · Changes."),
    ] = "",
    json: Json = False,
) -> None:
    """导出资产卡片（可原样再导入）或同列的清单 · Take cards home, or lists in the same columns."""
    from api import cards_out, lists_out

    terminal = at(ctx, json)
    into = fresh(file)
    ending = into.suffix.lower().removeprefix(".")
    start, _, end = changes.partition(",")
    if changes and not all(re.fullmatch(r"\d{4}-\d{2}-\d{2}", day) for day in (start, end)):
        raise Stop(
            Words(
                "--changes 须写作 起,止，如 2026-01-01,2026-06-30。", "Write two days, FIRST,LAST."
            ),
            USAGE,
        )
    with opened(terminal) as office:
        actor = sign_in(terminal, office, login, role)
        scope, lang, name_of = actor.scope, terminal.lang, names(office, terminal)
        if stocktake and not office.book.stream(f"stocktake/{stocktake}").state.differences:
            raise Stop(
                Words(
                    f"没有这次盘点，或尚未结束清点：{stocktake}",
                    f"There is no such stocktake, or it is being counted: {stocktake}",
                ),
                USAGE,
            )
        if disposals:
            rows, what = lists_out.disposals(office, scope, lang, name_of), lists_out.DISPOSALS
        elif stocktake:
            rows = lists_out.stocktake(office, scope, stocktake, lang, name_of)
            what = lists_out.STOCKTAKE
        elif changes:
            rows, what = lists_out.changes(office, scope, start, end, lang), lists_out.CHANGES
        else:
            rows, what = cards_out.rows(office, scope, lang), lists_out.CARDS
        content = b"".join(lists_out.pieces_of(rows, what, lang, ending))
    wrote(terminal, into, content)


@cards_app.command("template")
def template(ctx: typer.Context, file: File, json: Json = False) -> None:
    """写出资产卡片模板（XLSX）· Write a template of asset cards."""
    from api import card_template
    from projections import units

    terminal = at(ctx, json)
    into = fresh(file, ("xlsx",))
    with opened(terminal) as office:
        named = [
            [(row["id"], office.called(row["id"], terminal.lang)) for row in office.rows(query)]
            for query in (units.all_units(), units.all_places())
        ]
        content = card_template.workbook(terminal.lang, *named)
    wrote(terminal, into, content)


def allowed(actor: Any) -> None:
    """Stop who has nothing to do with sheets of cards."""
    from api.pages_import import NOT_YOURS, ROLES

    if actor.role not in ROLES:
        raise Stop(NOT_YOURS, REFUSED)


def fresh(file: Path, endings: tuple[str, ...] = ("csv", "xlsx")) -> Path:
    """Return a file that is to be written; stop when it is there already."""
    if file.suffix.lower().removeprefix(".") not in endings:
        said = "、".join(f".{one}" for one in endings)
        raise Stop(Words(f"文件名须以 {said} 结尾。", f"Name it {said}."), USAGE)
    if file.exists():
        raise Stop(Words(f"{file} 已经存在。", f"{file} is there already."), USAGE)
    return file


def wrote(terminal: Terminal, file: Path, content: bytes) -> None:
    """Write a file and say so."""
    file.write_bytes(content)
    if terminal.json:
        terminal.answer({"file": str(file), "bytes": len(content)})
        return
    terminal.say(f"已写入 {file}。", f"Written: {file}.")


def mapped(plan: Any, pairs: Any) -> Any:
    """Return how a sheet is read with some columns said: `C=name`."""
    from api.card_columns import BY_NAME

    columns = list(plan.columns)
    for pair in pairs:
        letter, _, name = pair.partition("=")
        number = 0
        for one in letter.strip().upper():
            number = number * 26 + ord(one) - 64
        good = re.fullmatch(r"\s*[A-Za-z]{1,2}\s*", letter) and (not name or name in BY_NAME)
        if not good or number > len(columns):
            said = "、".join(BY_NAME)
            raise Stop(
                Words(
                    f"--map 须写作 列=含义，如 C=name；含义有：{said}。",
                    f"Write --map as COLUMN=MEANING, such as C=name; meanings are: {said}.",
                ),
                USAGE,
            )
        columns[number - 1] = name
    return msgspec.structs.replace(plan, columns=tuple(columns))


def followed(imports: Any, session: Any, tick: Any) -> Any:
    """Wait until the work on a session is done, and say how far it is."""
    while session.working:
        tick(session.done, session.total)
        session = imports.wait(session, 0.2)
    return session


def tell(terminal: Terminal, told: dict[str, Any]) -> None:
    """Show what was found."""
    if terminal.json:
        return
    faults = [
        [str(f["row"]), f["cell"], f["value"], f["said"]] for f in told["faults"][:LINES_AT_ONCE]
    ]
    if faults:
        terminal.table(HEADS, faults)
    rows = [
        [str(d["row"]), d["asset_no"], c["field"], str(c["old"]), str(c["new"])]
        for d in told["differences"]
        for c in d["changes"]
    ]
    if rows:
        terminal.table(DIFFER, rows[:LINES_AT_ONCE])
    counts = SAID["counts"]
    terminal.say(counts.zh.format(**told["counts"]), counts.en.format(**told["counts"]))


def outcome(terminal: Terminal, told: dict[str, Any], words: Words) -> None:
    """Show what came of it."""
    if terminal.json:
        terminal.answer(told)
        return
    n, id_ = told["recorded"], told["id"]
    terminal.say(words.zh.format(n=n, id=id_), words.en.format(n=n, id=id_))
    if told["trouble"]:
        terminal.say(told["trouble"], told["trouble"])
