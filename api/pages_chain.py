"""The chain of a disposal's money on the page of the case, and of a due on its own."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, Final

from api import chaining
from api.chaining import Chain, Gap, Link, Step
from api.pages_telling import money, tell
from api.pages_view import Page
from domain.due import Due
from domain.words import Words

AMOUNTS: Final = ("amount", "approved", "executed", "sold", "due", "received")
SAID: Final = {
    "title": Words("收入链条", "Chain of the money"),
    "about": Words(
        "每一环的日期、金额和记录，缺少的环节写在相应的位置。",
        "Each link with its day, amount and entry; what is missing is named where it belongs.",
    ),
    "link": Words("环节", "link"),
    "on": Words("日期", "day"),
    "amount": Words("金额", "amount"),
    "what": Words("内容", "what was recorded"),
    "entry": Words("记录", "entry"),
    "missing": Words("缺", "missing"),
    "whole": Words("链条完整，没有缺少的环节。", "The chain is whole; nothing is missing."),
    "many": Words("（同日共{n}条）", "({n} entries of that day)"),
    "gross": Words("总额", "gross"),
    "net": Words("应缴净额", "net"),
    "less": Words("扣除：{type}", "less {type}"),
    "due-of": Words("{unit}应缴", "Due from {unit}"),
}


def of_case(page: Page, stream: str, on: str, position: int | None) -> dict[str, Any] | None:
    """Return the chain of a disposal as its page draws it; None for other cases."""
    if not stream.startswith("disposal/"):
        return None
    day = day_of(page, on)
    return drawn(page, chaining.chains(page.office, stream, day, position), day)


def of_due(page: Page, stream: str) -> dict[str, Any] | None:
    """Return the chain of one due as its page draws it."""
    day = day_of(page, "")
    return drawn(page, [chaining.chain_of_due(page.office, stream, day)], day)


def day_of(page: Page, on: str) -> date:
    return date.fromisoformat(on) if on else page.office.today(page.actor.zone)


def drawn(page: Page, chains: list[Chain], on: date) -> dict[str, Any] | None:
    """Return chains in words; None before anything was approved."""
    if not any(chain.steps for chain in chains):
        return None
    return {
        "said": {name: page.words(words) for name, words in SAID.items()},
        "on": on.isoformat(),
        "chains": [one(page, chain) for chain in chains],
        "whole": not any(chain.gaps for chain in chains),
    }


def one(page: Page, chain: Chain) -> dict[str, Any]:
    """Return one chain in words: its links in order, each followed by what is missing there."""
    title = url = ""
    if isinstance(chain.state, Due):
        unit = page.name_of("unit", chain.state.unit)
        title = page.words(SAID["due-of"]).format(unit=unit)
        url = f"/dues/{chain.stream.removeprefix('due/')}"
    order = {link: at for at, link in enumerate(Link)}
    lines = [(step.on, line(page, step)) for step in chain.steps]
    missing = [gap_line(page, gap) for gap in sorted(chain.gaps, key=lambda g: order[g.link])]
    return {"title": title, "url": url, "lines": [said for _, said in lines], "gaps": missing}


def line(page: Page, step: Step) -> dict[str, Any]:
    """Return one link in words."""
    names = page.namer_then(step.on)
    said = tell(step.entry.event, page.lang, names, step.currency)
    if step.count > 1:
        said += page.words(SAID["many"]).format(n=step.count)
    return {
        "link": page.words(step.link.words),
        "on": step.on,
        "amount": "" if step.amount is None else money(step.amount, step.currency, page.lang),
        "said": said,
        "parts": list(parts(page, step)) if step.link is Link.ASSESSED else [],
        "position": step.entry.position,
    }


def parts(page: Page, step: Step) -> Iterable[tuple[str, str]]:
    """Yield gross, each deduction and net of an assessment."""
    fact: Any = step.entry.event
    yield page.words(SAID["gross"]), money(fact.gross, step.currency, page.lang)
    for less in fact.deductions:
        said = page.words(SAID["less"]).format(type=less.type)
        yield said, money(-less.amount, step.currency, page.lang)
    yield page.words(SAID["net"]), money(fact.net, step.currency, page.lang)


def gap_line(page: Page, gap: Gap) -> dict[str, str]:
    """Return what is missing in words."""
    said = {
        name: money(value, gap.currency, page.lang)
        if name in AMOUNTS and isinstance(value, int)
        else value
        for name, value in gap.said.items()
    }
    return {
        "link": page.words(gap.link.words),
        "said": page.words(chaining.GAPS[gap.slug]).format(**said),
    }
