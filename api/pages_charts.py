"""Charts: how things stood at the end of each month, each figure with its table and its rows.

The server draws them, so that they are there on the first paint, on paper and without a script;
the large library is fetched when somebody enlarges one. Any page shows a chart by its name:
`{{ charts.chart('stock') }}` of charts.html.
"""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api import pages_income, pages_past, reusing
from api.changing import span_of
from api.charts import Chart, Plot, Point
from api.looking import Lists
from api.office import Office
from api.pages_inventory import TEXT_CHARS_MAX
from api.pages_past import Looking
from api.pages_sign import Member
from api.pages_stocktakes import progress
from api.pages_telling import money
from api.pages_trouble import PageRoute
from api.pages_view import Page
from api.pages_words import DATASETS
from domain.progress import MoneyStep
from domain.stocktaking import Stocktake, StocktakeStatus
from domain.words import Words
from projections import cases, history, inventory, reuse, treasury
from projections.scope import Filters

MONTHS: Final = 12
STOCKTAKES_MAX: Final = 12


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Which part, and on which day, as known when."""

    look: Looking
    unit: str = ""
    dataset: str = ""

    @property
    def ends(self) -> list[date]:
        """Return the ends of the last months and, last, the day itself."""
        day = date.fromisoformat(self.look.day)
        found = [day]
        month = day.replace(day=1)
        while len(found) <= MONTHS:
            found.append(month - timedelta(days=1))
            month = found[-1].replace(day=1)
        return found[::-1]

    def query(self, **also: str) -> str:
        """Return the question behind a bar, with the day and the knowledge it is of."""
        kept = {"unit": self.unit, "dataset": self.dataset, "known": self.look.known} | also
        return f"?{urlencode(said)}" if (said := {k: v for k, v in kept.items() if v}) else ""


TITLES: Final[Mapping[str, tuple[Words, Words]]] = {
    "stock": (
        Words("资产数量变化", "Stock over time"),
        Words(
            "每月末您可查看的各单位账上资产件数合计；点一根柱子，打开当天的台账。",
            "Assets in the books of all units you see at the end of each month; a column opens the"
            " inventory of that day.",
        ),
    ),
    "value": (
        Words("资产价值变化", "Value over time"),
        Words(
            "每月末您可查看的各单位账上资产的账面价值合计，各币种分开；点一个点，打开当天的台账。",
            "Book value in all units you see at the end of each month, each currency by itself; a point"
            " opens the inventory of that day.",
        ),
    ),
    "put-to-use": (
        Words("盘活率", "Put to use again"),
        Words(
            "各月入仓的资产，到这一天已调剂或借出的比例；点一根柱子，打开当月的明细。",
            "Of what was taken into the warehouse each month, the share that was reallocated or lent"
            " by this day; a column opens that month.",
        ),
    ),
    "income": (
        Words("收入各环节", "Income by step"),
        Words(
            "处置和收入各停在哪一步、有几笔、多少钱；点一行，打开看板的那一列。",
            "At which step disposals and income stand, how many and how much; a bar opens its column"
            " of the board.",
        ),
    ),
    "stocktakes": (
        Words("盘点进度", "Stocktake progress"),
        Words(
            "正在进行的盘点已盘到多少；点一行，打开那次盘点。",
            "How far each stocktake that is under way has come; a bar opens it.",
        ),
    ),
}
SEEN_OF: Final = Words("{done}/{whole}", "{done} of {whole}")
ITEMS: Final = Words("{n}件", "{n} items")
SHARE: Final = Words("{share}（{again}/{whole}）", "{share} ({again} of {whole})")
CASES: Final = Words("{n}笔", "{n}")


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/charts/{id_}")
    def chart(id_: str, page: Member) -> Response:
        if id_ not in TITLES:
            raise HTTPException(404)
        look = pages_past.looking(page)
        return page.render(
            "chart.html",
            422 if look.wrong else 200,
            chart=drawn(page, id_, asked_of(page, look)),
            look=look,
        )

    return pages


def asked_of(page: Page, look: Looking) -> Asked:
    """Read the questions in the address."""
    given = page.request.query_params
    dataset = given.get("dataset", "")
    return Asked(
        look=look,
        unit=given.get("unit", "").strip()[:TEXT_CHARS_MAX],
        dataset=dataset if dataset in DATASETS else "",
    )


def drawn(page: Page, id_: str, asked: Asked) -> Chart:
    """Return a chart by its name, as of the day that is asked about."""
    title, about = TITLES[id_]
    return Chart(id=id_, title=title, about=about, plots=tuple(PLOTS[id_](page, asked)))


# Stock and value --------------------------------------------------------------


def totals(page: Page, asked: Asked) -> list[tuple[date, str, Sequence[Any]]]:
    """Return count and value by currency at each end of a month, with the address of the rows."""
    scope = page.actor.scope
    filters = Filters(unit=asked.unit, dataset=asked.dataset)
    found: list[tuple[date, str, Sequence[Any]]] = []
    for day in asked.ends:
        now = not asked.look.past and day == asked.ends[-1]
        if now:
            query = inventory.totals(scope, filters)
        else:
            query = history.totals_as_of(
                scope, filters, on=day.isoformat(), known=asked.look.position
            )
        there = asked.query(on="" if now else day.isoformat())
        found.append((day, f"/assets{there}", page.office.rows(query)))
    return found


def stock(page: Page, asked: Asked) -> Iterator[Plot]:
    """Yield how many assets the books had."""
    points = tuple(
        Point(
            label=day.isoformat(),
            value=(n := sum(row["assets"] for row in rows)),
            said=page.words(ITEMS).format(n=f"{n:,}"),
            url=url,
        )
        for day, url, rows in totals(page, asked)
    )
    if any(point.value for point in points):
        yield Plot(title=page.words(TITLES["stock"][0]), kind="columns", points=points)


def value(page: Page, asked: Asked) -> Iterator[Plot]:
    """Yield what the books said the assets are worth, each currency by itself."""
    found = totals(page, asked)
    currencies = sorted({row["currency"] for _, _, rows in found for row in rows if row["value"]})
    for currency in currencies:
        title = page.words(TITLES["value"][0])
        points = []
        for day, url, rows in found:
            fen = sum(int(row["value"]) for row in rows if row["currency"] == currency)
            points.append(
                Point(
                    label=day.isoformat(),
                    value=fen,
                    said=money(fen, currency, page.lang),
                    url=url,
                )
            )
        yield Plot(title=f"{title} · {currency}", kind="line", points=tuple(points))


# Reuse ------------------------------------------------------------------------


def put_to_use(page: Page, asked: Asked) -> Iterator[Plot]:
    """Yield for each month the share of what was taken in that was given out again."""
    first = asked.ends[1].replace(day=1)
    span = span_of(page.office, first.isoformat(), asked.look.day, "", asked.look.known)
    told = reuse.told(
        page.office.book,
        page.office.models,
        page.actor.scope,
        reuse.Asked(
            start=first.isoformat(),
            end=asked.look.day,
            known=span.known,
            unit=asked.unit,
            dataset=asked.dataset,
        ),
    )
    months = {group.key: group for group in reusing.grouped(told, "month", lambda _: "")}
    points = []
    for end in asked.ends[1:]:
        group = months.get(end.isoformat()[:7])
        whole, again = (group.taken_in, group.reused) if group else (0, 0)
        share = again * 100 // whole if whole else 0
        last = monthrange(end.year, end.month)[1]
        until = min(end.replace(day=last), date.fromisoformat(asked.look.day))
        points.append(
            Point(
                label=end.isoformat()[:7],
                value=share,
                said=page.words(SHARE).format(
                    share=f"{share}%" if whole else "—", again=again, whole=whole
                ),
                url="/reuse"
                + asked.query(**{"from": end.replace(day=1).isoformat(), "to": until.isoformat()}),
            )
        )
    if any(group.taken_in for group in months.values()):
        yield Plot(
            title=page.words(TITLES["put-to-use"][0]),
            kind="columns",
            points=tuple(points),
            most=100,
        )


# Income -----------------------------------------------------------------------


def income(page: Page, asked: Asked) -> Iterator[Plot]:
    """Yield how many cards the board has in each column, and what they come to."""
    look = asked.look
    there = pages_past.lists(page, look, treasury.KINDS)
    question = pages_income.asked_of(page, look)
    counted: dict[str, int] = defaultdict(int)
    sums: dict[str, list[str]] = defaultdict(list)
    for row in there.rows(treasury.totals(page.actor.scope, question)):
        counted[row["step"]] += row["cards"]
        if row["amount"]:
            sums[row["step"]].append(money(int(row["amount"]), row["currency"] or "CNY", page.lang))
    here = asked.query(on=look.on, dataset="")
    points = tuple(
        Point(
            label=page.words(step.words),
            value=counted[step.value],
            said=" · ".join([page.words(CASES).format(n=counted[step.value]), *sums[step.value]]),
            url=f"/income{here}#step-{step.value}",
        )
        for step in MoneyStep
    )
    if any(counted.values()):
        yield Plot(title=page.words(TITLES["income"][0]), kind="bars", points=points)


# Stocktakes -------------------------------------------------------------------


def stocktakes(page: Page, asked: Asked) -> Iterator[Plot]:
    """Yield how much of each stocktake that is under way was seen, in hundredths."""
    look = asked.look
    there: Lists = pages_past.lists(page, look, ("stocktake",))
    query = cases.listing(page.actor.scope, kind="stocktake", limit=100)
    points = []
    for row in there.rows(query):
        if asked.unit and asked.unit not in (row["from_unit"], row["to_unit"]):
            continue
        state = (
            page.office.book.state_at(row["id"], look.day, look.position)
            if look.past
            else page.office.book.stream(row["id"]).state
        )
        if not isinstance(state, Stocktake) or state.status is StocktakeStatus.CLOSED:
            continue
        done, whole = seen_of(page, row["id"], state, past=look.past)
        points.append(
            Point(
                label=state.title or page.case_name(row["id"]),
                value=done * 100 // whole if whole else 0,
                said=f"{page.words(state.status.words)} · "
                + page.words(SEEN_OF).format(done=f"{done:,}", whole=f"{whole:,}"),
                url=f"/cases/{row['id']}{page.query_only('on', 'known')}",
            )
        )
        if len(points) == STOCKTAKES_MAX:
            break
    if points:
        yield Plot(
            title=page.words(TITLES["stocktakes"][0]),
            kind="bars",
            points=tuple(points),
            most=100,
        )


def seen_of(page: Page, name: str, state: Stocktake, *, past: bool) -> tuple[int, int]:
    """Return how many things were seen, of how many; scans are kept, their past is not."""
    if not state.scope:
        return 0, 0
    if state.status is not StocktakeStatus.COUNTING:  # what was counted is right or differs
        return state.items, state.items
    if past:
        return 0, state.items
    rows = progress(page, name.partition("/")[2], state)["rows"]
    return sum(row["seen"] for row in rows), state.items


PLOTS: Final[Mapping[str, Callable[[Page, Asked], Iterator[Plot]]]] = {
    "stock": stock,
    "value": value,
    "put-to-use": put_to_use,
    "income": income,
    "stocktakes": stocktakes,
}
assert PLOTS.keys() == TITLES.keys()
