"""Which settings hold, and where each comes from."""

from __future__ import annotations

import typer

from api.cli_read import settings_of
from api.cli_terminal import Json, at
from api.settings_shown import shown
from domain.words import Words


def settings(ctx: typer.Context, json: Json = False) -> None:
    """列出生效的设置及其来源（不显示密钥）· List the settings that hold, and where each comes from."""
    terminal = at(ctx, json)
    found = shown(settings_of(terminal))
    if terminal.json:
        terminal.answer(
            [
                {
                    "variable": one.variable,
                    "value": terminal.told(one.value),
                    "source": terminal.told(one.source),
                    "meaning": terminal.told(one.meaning),
                    "takes_effect": terminal.told(one.when),
                }
                for one in found
            ]
        )
        return
    terminal.table(
        [
            Words("设置", "setting"),
            Words("值", "value"),
            Words("来源", "from"),
            Words("含义", "meaning"),
        ],
        [
            [one.variable, *(terminal.told(w) for w in (one.value, one.source, one.meaning))]
            for one in found
        ],
    )
