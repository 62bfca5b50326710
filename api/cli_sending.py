"""Lists of offers and of wants on the command line: checked, recorded as one says, taken home."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated, Final

import typer

from api.cli_do import sign_in
from api.cli_read import names, opened
from api.cli_registers import wants
from api.cli_terminal import REFUSED, USAGE, Json, Stop, Terminal, at
from domain.words import Words

offers_app = typer.Typer(help="可调剂资产清单的导入导出 · Lists of what is on offer, in and out.")
wants_app = typer.Typer(
    invoke_without_command=True,
    help="需求：列出、导入、导出 · Wants: list them, send lists in, take them home.",
)
LINES_AT_ONCE: Final = 2_000
SAID: Final = {
    "judged": Words(
        "{right} 行无误，{wrong} 行有误，{already} 行已在系统中。",
        "{right} lines are right, {wrong} are wrong, {already} are here already.",
    ),
    "recorded": Words("已记入 {n} 行。", "{n} lines recorded."),
    "dry": Words("只是核对，什么都没有记入。", "Only checked; nothing was recorded."),
}
HEADS: Final = (
    Words("行", "line"),
    Words("名称", "name"),
    Words("列", "column"),
    Words("问题", "what is wrong"),
)

File = Annotated[Path, typer.Argument(help="CSV 或 XLSX · CSV or XLSX.")]
Login = Annotated[str, typer.Option("--as", help="账号 · Log-in.")]
AsRole = Annotated[str, typer.Option("--role", help="以哪个岗位 · Acting in which role.")]
Dry = Annotated[bool, typer.Option("--dry-run", help="只核对，不记入 · Only check.")]
Right = Annotated[
    bool, typer.Option("--right", help="只记入无误的行 · Record the right lines, leave the rest.")
]
Key = Annotated[str, typer.Option("--key", help="幂等键 · Idempotency key.")]


@offers_app.command("import")
def offers_in(
    ctx: typer.Context,
    file: File,
    login: Login = "",
    role: AsRole = "",
    dry_run: Dry = False,
    right: Right = False,
    key: Key = "",
    json: Json = False,
) -> None:
    """导入可调剂资产清单并上架 · Put a list of things on offer."""
    _in(at(ctx, json), "offers", file, login, role, key, "" if dry_run else _record(right))


@wants_app.command("import")
def wants_in(
    ctx: typer.Context,
    file: File,
    login: Login = "",
    role: AsRole = "",
    dry_run: Dry = False,
    right: Right = False,
    key: Key = "",
    json: Json = False,
) -> None:
    """导入需求清单并发布 · Publish a list of wants."""
    _in(at(ctx, json), "wants", file, login, role, key, "" if dry_run else _record(right))


@offers_app.command("export")
def offers_out(
    ctx: typer.Context, file: File, login: Login = "", role: AsRole = "", json: Json = False
) -> None:
    """导出可调剂资产清单（CSV、XLSX）· Take home what is on offer."""
    _out(at(ctx, json), "offers", file, login, role)


@wants_app.command("export")
def wants_out(
    ctx: typer.Context, file: File, login: Login = "", role: AsRole = "", json: Json = False
) -> None:
    """导出需求清单（CSV、XLSX）· Take the wants home."""
    _out(at(ctx, json), "wants", file, login, role)


def _record(right: bool) -> str:
    return "right" if right else "all"


def _in(
    terminal: Terminal, what: str, file: Path, login: str, role: str, key: str, record: str
) -> None:
    """Judge a file and record what is meant; every fault is told with its line and column."""
    from api import sending_in

    if not file.is_file():
        raise Stop(Words(f"没有这个文件：{file}", f"No such file: {file}"), USAGE)
    content, lang = file.read_bytes(), terminal.lang
    with opened(terminal) as office:
        actor = sign_in(terminal, office, login, role)
        try:
            if record:
                key = key or secrets.token_hex(16)
                taken = sending_in.take(office, actor, what, content, record, key, channel="cli")
            else:
                taken = sending_in.Taken(lines=sending_in.read(office, actor, what, content))
        except sending_in.Unreadable as no:
            raise Stop(no.words, REFUSED) from None
        except sending_in.Faulty as no:
            _tell(terminal, sending_in.plain(sending_in.Taken(lines=no.lines), lang))
            raise Stop(sending_in.NOT_ALL, REFUSED) from None
        said = sending_in.plain(taken, lang)
    _tell(terminal, said)
    if not terminal.json:
        words = SAID["recorded"] if record else SAID["dry"]
        terminal.say(words.zh.format(n=said["recorded"]), words.en.format(n=said["recorded"]))


def _tell(terminal: Terminal, said: dict[str, object]) -> None:
    if terminal.json:
        terminal.answer(said)
        return
    rows: list[list[str]] = []
    lines = said["lines"]
    assert isinstance(lines, list)
    for line in lines:
        faults = [(one["cell"], one["said"]) for one in line["faults"]]
        faults += [("", line["refused"]["said"])] if line["refused"] else []
        rows += [[str(line["line"]), line["name"], cell, words] for cell, words in faults]
    if rows:
        terminal.table(HEADS, rows[:LINES_AT_ONCE])
    judged = SAID["judged"]
    terminal.say(judged.zh.format(**said), judged.en.format(**said))


def _out(terminal: Terminal, what: str, file: Path, login: str, role: str) -> None:
    """Write a list into a file that is not there yet."""
    from api import sending_in

    ending = file.suffix.lower().removeprefix(".")
    if ending not in ("csv", "xlsx"):
        raise Stop(Words("文件名须以 .csv 或 .xlsx 结尾。", "Name it .csv or .xlsx."), USAGE)
    if file.exists():
        raise Stop(Words(f"{file} 已经存在。", f"{file} is there already."), USAGE)
    with opened(terminal) as office:
        actor = sign_in(terminal, office, login, role)
        content = sending_in.file_of(
            office, actor, what, terminal.lang, names(office, terminal), ending
        )
    file.write_bytes(content)
    if terminal.json:
        terminal.answer({"file": str(file), "bytes": len(content)})
        return
    terminal.say(f"已写入 {file}。", f"Written: {file}.")


wants_app.callback()(wants)
