"""On the page of a plan: each line beside what is in stock, what was found, and what is claimed."""

from __future__ import annotations

from typing import Any

from api.pages_telling import money
from api.pages_view import Page
from domain.planning import Line, Plan
from domain.words import Words

LINES = Words("计划行", "Lines of the plan")
HEADS = (
    Words("行", "line"),
    Words("品名", "item"),
    Words("数量", "quantity"),
    Words("单价", "unit price"),
    Words("现有", "in stock"),
    Words("调剂查询", "search for reallocation"),
    Words("已申请购置", "acquisition requested"),
)
NOT_TAKEN = Words("申报时核对", "taken when submitted")
OVER = Words("超配置标准", "over standard")
NOT_SEARCHED = Words("未查询", "not searched")
SEARCHED = Words(
    "{on}查到{count}项，待答复{open}项，采用{taken}项（账本第{position}条）",
    "{on}: {count} found, {open} to answer, {taken} taken (position {position})",
)


LOOK = Words("查询、答复、证明", "search, answer, certificate")


def panel(page: Page, state: Any, stream: str) -> dict[str, Any] | None:
    """Return the lines of a plan as the template draws them; None for other cases."""
    if not isinstance(state, Plan) or not state.lines:
        return None
    return {
        "title": page.words(LINES),
        "heads": [page.words(head) for head in HEADS],
        "over": page.words(OVER),
        "look": page.words(LOOK),
        "url": f"/cases/{stream}/search",
        "rows": [row(page, state, line) for line in state.lines],
    }


def row(page: Page, plan: Plan, line: Line) -> dict[str, Any]:
    """Return one line in words."""
    return {
        "number": line.number,
        "item": line.item,
        "class": f"{page.words(line.kind.words)} {line.class_code}",
        "quantity": f"{line.quantity}{line.measure}",
        "price": money(line.unit_price, "CNY", page.lang),
        "held": page.words(NOT_TAKEN) if line.held is None else line.held,
        "over": line.number in plan.over,
        "search": search(page, line),
        "open": [(piece.asset, page.name_of("asset", piece.asset)) for piece in open_(line)],
        "claims": [(case, many) for case, many in line.claimed],
    }


def search(page: Page, line: Line) -> str:
    """Say when the inventory was searched for a line, and what is still to answer."""
    done = line.search
    if done is None:
        return page.words(NOT_SEARCHED)
    return page.words(SEARCHED).format(
        on=done.on.isoformat(),
        count=done.count,
        open=len(done.open) + done.unnamed,
        taken=len(done.taken),
        position=done.position,
    )


def open_(line: Line) -> tuple[Any, ...]:
    """Return what was found and waits for an answer, as far as a page can show it."""
    return line.search.open[:20] if line.search else ()
