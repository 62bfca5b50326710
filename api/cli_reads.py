"""Who looked, on the command line: what auditors read, the latest first."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli_read import names, opened
from api.cli_terminal import Json, at
from api.rest_answers import plain
from domain.audit_reads import Question
from domain.words import Words
from projections import reads as list_

ROWS_MAX = 1_000


def reads(
    ctx: typer.Context,
    about: Annotated[str, typer.Option(help="对象，如 asset/编号 · Of what, kind/id.")] = "",
    reader: Annotated[str, typer.Option(help="查阅人标识 · Reader's id.")] = "",
    limit: Annotated[int, typer.Option(help="最多几条 · At most.", min=1, max=ROWS_MAX)] = 50,
    json: Json = False,
) -> None:
    """列出查阅记录：谁看过什么、为什么 · List who looked at what, and why."""
    terminal = at(ctx, json)
    with opened(terminal) as office:
        asked = {"about": about, "reader": reader}
        rows = list(office.models.rows(list_.listing(asked, limit=limit)))
        name_of = names(office, terminal)
        shown = [
            [
                row["read_on"],
                name_of("person", row["reader"]),
                terminal.told(Question(row["question"]).words),
                row["about"],
                row["extent"],
                row["purpose"],
            ]
            for row in rows
        ]
    if terminal.json:
        terminal.answer({"items": [plain(row) for row in rows]})
        return
    heads = (
        Words("日期", "day"), Words("查阅人", "reader"), Words("查阅内容", "what"),
        Words("对象", "of what"), Words("范围", "extent"), Words("事由", "purpose"),
    )  # fmt: skip
    terminal.table(heads, shown)
