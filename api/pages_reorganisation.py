"""On the page of a reorganisation: what of each old unit passes, and what must be finished first."""

from __future__ import annotations

from typing import Any

from api import seeing
from api.pages_view import Page
from domain.decider import LIFECYCLES
from domain.reorganisation import Held, OpenCase, Reorganisation, ReorganisationStatus, passes
from domain.words import Words

TITLE = Words("待移交的内容", "What is to be handed over")
CARDS = Words("资产{count}项", "{count} cards")
PASS = Words("随同移交", "passes with it")
STAY = Words("须先办结", "to be finished first")
STUCK = Words("由未办结事项占用或在途的资产", "cards that a process holds or that are on their way")
NOTHING = Words("没有未办结事项。", "No case is open.")
HEADS = (Words("事项", "case"), Words("当前步骤", "open step"), Words("移交时", "at the hand-over"))
SHOWN_MAX = 50
OPEN = (ReorganisationStatus.PROPOSED, ReorganisationStatus.APPROVED)


def panel(page: Page, state: Any) -> dict[str, Any] | None:
    """Return what the template draws; None for other cases, and when everything is handed over."""
    if not isinstance(state, Reorganisation) or state.status not in OPEN or not state.to_empty:
        return None
    return {
        "title": page.words(TITLE),
        "heads": [page.words(head) for head in HEADS],
        "stuck": page.words(STUCK),
        "nothing": page.words(NOTHING),
        "units": [unit(page, id_) for id_ in sorted(state.to_empty)],
    }


def unit(page: Page, id_: str) -> dict[str, Any]:
    """Return what one old unit has, in words; what cannot pass comes first."""
    today = page.office.today(page.actor.zone)
    held = seeing.held(id_, page.office.models.rows, today)
    cases = sorted(held.cases, key=lambda one: (one.passes, one.stream))
    return {
        "name": page.name_of("unit", id_),
        "count": page.words(CARDS).format(count=len(held.pieces)),
        "stuck": stuck(page, held),
        "cases": [row(page, one) for one in cases[:SHOWN_MAX]],
        "more": max(0, len(cases) - SHOWN_MAX),
    }


def stuck(page: Page, held: Held) -> list[tuple[str, str]]:
    """Return the cards that cannot pass as they are, with what they are called."""
    going = {one.stream for one in held.cases if one.passes}
    return [
        (piece.asset, page.name_of("asset", piece.asset))
        for piece in held.pieces
        if not passes(piece.book, piece.custody, piece.lock) and piece.case not in going
    ][:SHOWN_MAX]


def row(page: Page, one: OpenCase) -> dict[str, Any]:
    """Return one open case in words."""
    verb = LIFECYCLES[one.stream.partition("/")[0]].verbs.get(one.step)
    return {
        "stream": one.stream,
        "name": page.case_name(one.stream),
        "step": page.words(verb.words if verb is not None else Words.of(one.step)),
        "passes": one.passes,
        "said": page.words(PASS if one.passes else STAY),
    }
