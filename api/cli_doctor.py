"""Say whether this installation is in order, and what to do where it is not."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer
from rich.text import Text

from api.cli_read import settings_of
from api.cli_terminal import REFUSED, Json, at
from api.doctoring import Level, admitted, examined
from domain.words import Words

MARKS: Final = {
    Level.OK: (Words("正常", "OK"), "green"),
    Level.WARN: (Words("注意", "WARN"), "yellow"),
    Level.FAIL: (Words("有误", "FAIL"), "red"),
}


def doctor(
    ctx: typer.Context,
    certificate: Annotated[
        list[Path] | None,
        typer.Option(help="代理的证书文件，可多个 · Certificates of the proxy; repeatable."),
    ] = None,
    clock: Annotated[
        list[str] | None,
        typer.Option(help="与哪个网址的时间比较，可多个 · Compare the time with this address's."),
    ] = None,
    notary: Annotated[
        Path, typer.Option(envvar="GONGWU_NOTARY", help="公证文件夹 · Folder of the notary.")
    ] = Path("gongwu-notary"),
    json: Json = False,
) -> None:
    """检查数据库、时钟、密钥、字体、证书、磁盘、备份 · Check this installation; exit 1 when something fails."""
    terminal = at(ctx, json)
    also = {
        "certificates": tuple(certificate or ()),
        "clocks": tuple(clock or ()),
        "notary": notary,
    }
    with admitted(settings_of(terminal), **also) as case:
        found = examined(case)
    worst = max((list(Level).index(one.level) for one in found), default=0)
    if terminal.json:
        terminal.answer(
            {
                "level": list(Level)[worst],
                "checks": [
                    {
                        "check": one.check,
                        "level": one.level,
                        "detail": terminal.told(one.words),
                        "todo": terminal.told(one.todo),
                    }
                    for one in found
                ],
            }
        )
    else:
        for one in found:
            words, style = MARKS[one.level]
            terminal.out.print(
                Text.assemble(
                    (f"{terminal.told(words):<6}", style),
                    f"{one.check:<14}",
                    terminal.told(one.words),
                )
            )
            if terminal.told(one.todo):
                terminal.out.print(Text(f"{'':<20}→ {terminal.told(one.todo)}"))
    if list(Level)[worst] is Level.FAIL:
        terminal.end(REFUSED)
