"""Get ready for this version while the last one still serves: its lists are made beside the old."""

from __future__ import annotations

import time
from pathlib import Path

import typer

from api.cli_read import settings_of
from api.cli_terminal import USAGE, Json, Stop, at
from domain.words import Words
from ledger.book import Book
from projections import preparing
from projections.store import VERSION


def upgrade(ctx: typer.Context, json: Json = False) -> None:
    """旧服务运行时备好新版列表 · Prepare this version's lists while the old service runs."""
    terminal = at(ctx, json)
    url = settings_of(terminal).database
    file = Path(url.removeprefix("sqlite:///"))
    if url.startswith("sqlite:") and not file.exists():
        raise Stop(Words(f"没有账本文件 {file}。", f"There is no ledger file {file}."), USAGE)
    began, book = time.monotonic(), Book.open(url)
    try:
        before = preparing.standing(book, VERSION)
        size = book.head()[0]
        if before.due:
            with terminal.progress(Words("准备列表", "Preparing the lists")) as tick:
                reached = preparing.prepare(book, tick)
        else:
            reached = before.reached
    finally:
        book.close()
    seconds = time.monotonic() - began
    if terminal.json:
        terminal.answer(
            {
                "from": before.version,
                "to": VERSION,
                "prepared": before.due,
                "reached": reached,
                "size": size,
                "seconds": round(seconds, 1),
            }
        )
    if before.due:
        terminal.say(
            f"第 {before.version} 版列表仍在服务；第 {VERSION} 版已备好 {reached:,} 条，用时 {seconds:.0f} 秒。"
            "现在停下旧服务，启动新服务：它会直接接过去。",
            f"Lists of version {before.version} go on serving; version {VERSION} is prepared up to"
            f" entry {reached:,}, in {seconds:.0f} s. Stop the old service and start the new one:"
            " it takes them over.",
        )
    else:
        terminal.say(
            f"列表已是第 {VERSION} 版，无需准备。",
            f"The lists are of version {VERSION} already; there is nothing to prepare.",
        )
