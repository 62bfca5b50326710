"""What shows as idle, on the command line."""

from __future__ import annotations

from datetime import date

from api import idling
from api.cli_read import day, names, opened
from api.cli_terminal import USAGE, Stop, Terminal
from domain.asset import Kind
from domain.idling import GROUNDS
from domain.words import Words, in_words
from projections.idling import Asked
from projections.scope import EVERYTHING

COLUMNS = (
    Words("资产", "asset"),
    Words("名称", "name"),
    Words("单位", "unit"),
    Words("事由", "ground"),
    Words("理由", "reason"),
    Words("依据条目", "entries"),
    Words("怎么办", "what to do"),
)


def idle(
    terminal: Terminal, unit: str, ground: str, kind: str, on: str, known: int, limit: int
) -> None:
    """List what shows as idle on a day, as known at a position (0: now)."""
    grounds = [one.value for one in GROUNDS]
    for option, said, among in (("--ground", ground, grounds), ("--kind", kind, list(Kind))):
        if said and said not in among:
            every = "、".join(among)
            raise Stop(Words(f"{option} 须为：{every}", f"{option} must be one of: {every}"), USAGE)
    asked_day = day(on, "--on")
    with opened(terminal) as office:
        today = office.today()
        asked = Asked(
            on=date.fromisoformat(asked_day) if asked_day else today,
            known=min(known, office.book.log.head()[0]) if known else None,
            past=bool(known) or bool(asked_day and asked_day < today.isoformat()),
            unit=unit,
            ground=ground,
            kind=kind,
        )
        told = office.idling.told(EVERYTHING, asked)
        name_of, lang = names(office, terminal), terminal.lang
        if terminal.json:
            items = [idling.plain(one, lang, name_of) for one in told.found[:limit]]
            said = {"on": asked.on.isoformat(), "position": told.position}
            terminal.answer({**said, "count": len(told.found), "items": items})
            return
        rows = [
            [
                f.asset,
                f"{f.asset_no} {f.name}",
                name_of("unit", f.unit),
                in_words(f.ground.words, lang),
                idling.reason(f, lang, name_of),
                " ".join(map(str, f.rests_on)),
                in_words(idling.what_to_do(f), lang),
            ]
            for f in told.found[:limit]
        ]
        terminal.table(COLUMNS, rows)
        n = len(told.found)
        terminal.say(f"共 {n} 件。", f"{n} in all.")
        for policy in told.policies:
            missing = ", ".join(idling.not_looked(policy, lang))
            if missing:
                terminal.say(
                    f"{policy.reference} 没有规定标准，不查：{missing}",
                    f"{policy.reference} sets no number; not looked for: {missing}",
                )
