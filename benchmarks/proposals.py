"""两千项资产的处置单 · A proposal with 2,000 assets: submitted, approved, carried out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import date
from statistics import median
from typing import Any

from msgspec.structs import replace

from benchmarks.measuring import Bar, Figure
from benchmarks.places import Place
from domain.approval import RouteLaid
from domain.decider import Ask, Document, Occasion
from domain.holding import LIST_MAX
from domain.policy import Action, Body, DisposalForm, Policy, Route, Step
from domain.words import Role
from ledger.book import Book, new_id
from ledger.entry import Via
from projections.inventory import one
from projections.store import ReadModels

ON = date(2025, 3, 3)
SECONDS_MOST = 3.0
RULES = Policy(
    name="place",
    version=1,
    splitting_days=60,
    routes=(
        Route(
            action=Action.DISPOSAL,
            steps=(Step(Role.HEAD, Body.OWN, 5), Step(Role.FINANCE, Body.FINANCE, 10)),
        ),
    ),
    forms=(
        DisposalForm(
            form="scrap",
            documents=("minutes",),
            execution_documents=("recycling_certificate",),
        ),
    ),
)
CLERK = Occasion(
    by="u_clerk",
    on=ON,
    role=Role.CLERK,
    policy=RULES,
    docs=(Document(type="minutes", number="纪要3"),),
)
VIA = Via(unit="o_00", role="clerk", channel="web", policy=RULES.reference)
CASE = "disposal/BENCH"


def run(place: Place) -> Iterator[Figure]:
    """Yield the seconds of each step on both databases, until the lists show it."""
    for back_end, title in (("sqlite", "SQLite"), ("postgresql", "PostgreSQL")):
        runs = [_measure(place, back_end) for _ in range(place.repeats)]
        for name in runs[0]:
            yield Figure(
                work=f"{title}, {name}",
                ours=median(times[name] for times in runs),
                unit="s",
                bar=Bar(most=SECONDS_MOST),
            )


def _measure(place: Place, back_end: str) -> dict[str, float]:
    """Return the seconds of each step of one disposal; the lists show it at the end of each."""
    count = max(place.size(LIST_MAX), 40)
    url = place.fresh(back_end)
    book, models = Book.open(url), ReadModels.open(url)
    try:
        ids = [new_id() for _ in range(count)]
        for start in range(0, count, 500):
            _act(book, models, [_card(id_) for id_ in ids[start : start + 500]], CLERK)
        found = {}
        for name, verb, who, form in _steps(ids):
            begin = time.perf_counter()
            _act(book, models, [Ask(CASE, verb, form)], who)
            found[f"{name} {count:,}"] = time.perf_counter() - begin
        row = models.one(one(ids[-1]))
        assert row is not None
        assert (row["book"], row["custody"]) == ("gone", "left"), "the list does not show the end"
        laid = [e for e in book.stream(CASE).entries if isinstance(e.event, RouteLaid)]
        assert len(laid) == 1, "no route was laid"
        return found
    finally:
        models.close()
        book.close()
        place.forget(url)


def _steps(ids: list[str]) -> Iterator[tuple[str, str, Occasion, dict[str, Any]]]:
    head, finance = (replace(CLERK, by=f"u_{r}", role=r) for r in (Role.HEAD, Role.FINANCE))
    keeper, books = (replace(CLERK, by=f"u_{r}", role=r) for r in (Role.KEEPER, Role.ACCOUNTANT))
    form = {"unit": "o_00", "form": "scrap", "ground": "life_over", "minutes_no": "纪要3"}
    yield "提交 submit", "propose", CLERK, form | {"assets": ids}
    yield "上报 endorse", "endorse", head, {}
    yield "批准 approve", "approve", finance, {"approval_no": "批1"}
    gone = {"recycler": "示例再生资源", "certificate": "回1", "price": 200_001}
    yield "执行 carry out", "scrap_lot", keeper, gone | {"assets": ids}
    yield "核销 derecognise", "derecognise_lot", books, {"assets": ids, "voucher": "记-9"}


def _card(id_: str) -> Ask:
    form = {"asset_no": f"ZC-{id_}", "name": "台式计算机", "kind": "computer", "unit": "o_00"}
    return Ask(f"asset/{id_}", "register_existing", form | {"value": 500_000})


def _act(book: Book, models: ReadModels, asks: list[Ask], who: Occasion) -> None:
    receipt = book.act(asks, who, via=VIA)
    assert models.catch_up(book) >= receipt.last, "the list does not show what was acknowledged"
