"""Cases on the command line: those where a step is open, the longest waiting first."""

from __future__ import annotations

from datetime import date

from api import open_cases
from api.cli_read import day, names, opened
from api.cli_terminal import USAGE, Stop, Terminal
from api.looking import lists
from domain.words import Words, in_words
from projections import cases
from projections.scope import EVERYTHING


def stuck(terminal: Terminal, kind: str, on: str, days: int, limit: int, *, overdue: bool) -> None:
    """List what waits: the step, whose it is, since when, and whether its day is past.

    `on` stands for today, so that one can ask what will be overdue.
    """
    if kind and kind not in cases.KINDS:
        known = "、".join(cases.KINDS)
        raise Stop(Words(f"--kind 须为：{known}", f"--kind must be one of: {known}"), USAGE)
    asked = day(on, "--on")
    with opened(terminal) as office:
        today = date.fromisoformat(asked) if asked else office.today()
        query = cases.open_steps(
            EVERYTHING, today, kind=kind, days=days, overdue=overdue, limit=limit
        )
        there = lists(office, cases.KINDS, today.isoformat(), None, past=bool(asked))
        steps = [open_cases.opened(row, today) for row in there.rows(query)]
        if terminal.json:
            items = [open_cases.plain(step) for step in steps]
            terminal.answer({"on": today.isoformat(), "items": items})
            return
        name_of = names(office, terminal)
        none = in_words(Words("未规定", "not set"), terminal.lang)
        late = in_words(Words("超期", "overdue"), terminal.lang)
        shown = [
            [
                step.case,
                step.number,
                in_words(step.words, terminal.lang),
                in_words(step.owners(), terminal.lang),
                name_of("unit", step.unit) if step.unit else "",
                step.since,
                str(step.age_days),
                f"{step.due} {late}" if step.overdue else step.due or none,
            ]
            for step in steps
        ]
        columns = (
            Words("事项", "case"),
            Words("文号", "number"),
            Words("下一步", "next step"),
            Words("由谁办理", "whose"),
            Words("单位", "unit"),
            Words("自", "since"),
            Words("已等（天）", "days"),
            Words("限期", "due"),
        )
        terminal.table(columns, shown)
        if not shown:
            terminal.say("没有待办的步骤。", "No step is open.")
