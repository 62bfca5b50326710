"""过去某日的清册 · The inventory as of a past day, equal to a fold of the log."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from api.app import create_app
from api.office import Office
from api.settings import Settings
from benchmarks.measuring import Bar, Figure, collector_off, medians, percentile, seconds, short
from benchmarks.places import GROWTH, Place
from benchmarks.replaying import folded
from benchmarks.workload import DAYS, START, Lives, middle
from domain.asset import Asset
from ledger.book import Book
from projections import changes, history, temporal
from projections.scope import EVERYTHING, Filters
from projections.store import ReadModels

ALL = Filters()
LOOKUPS = 1_000
LOGIN, PASSWORD = "reader", "a long enough password"
COLUMNS = [c.name for c in history.history.columns][temporal.HEAD :]  # what is said of an asset


def run(place: Place) -> Iterator[Figure]:
    """Yield whole inventories and single assets at each size, on both axes of time."""
    for size in GROWTH:
        yield from _figures(place, "sqlite", "SQLite", size)
    yield from _figures(place, "postgresql", "PostgreSQL", GROWTH[0])


def _figures(place: Place, back_end: str, title: str, size: int) -> Iterator[Figure]:
    events = place.size(size)
    url, lives = place.ledger(back_end, events)
    book, models = Book.open(url), ReadModels.open(url)
    judged = size == GROWTH[-1]
    whole, single = (Bar(most=300), Bar(most=2)) if judged else (Bar(), Bar())
    on = middle()
    try:
        models.catch_up(book)  # nothing to do when the lists were measured before
        for known, words in ((None, ""), (events * 6 // 10, ", as known then")):
            states, spent = _fold(book, on, known)
            _compare(models, states, on, known)
            (ours,) = medians(5, lambda: 1000 * seconds(lambda: _totals(models, on, known)))  # noqa: B023 - called at once
            yield Figure(
                work=f"{title}, totals of all{words}, {short(events)}",
                ours=ours,
                unit="ms",
                floor=1000 * spent,
                beside="fold of the log",
                bar=whole,
            )
            (ours,) = medians(5, lambda: 1000 * seconds(lambda: _first_page(models, on, known)))  # noqa: B023 - called at once
            yield Figure(
                work=f"{title}, first 50 cards{words}, {short(events)}",
                ours=ours,
                unit="ms",
                floor=1000 * spent,
                beside="fold of the log",
                bar=whole,
            )
            yield from _page(
                url, on, known, f"{title}, page of the inventory{words}, {short(events)}", judged
            )
            yield from _changes(models, on, known, f"{title}, {{}}{words}, {short(events)}", judged)
            yield from _single(book, models, lives, known, f"{title}, one asset{words}", single)
    finally:
        models.close()
        book.close()


def _changes(
    models: ReadModels, on: str, known: int | None, work: str, judged: bool
) -> Iterator[Figure]:
    """Tell what changed in a month and in a year; each statement must add up."""
    for words, days, most in (("changes of a month", 30, 1000), ("changes of a year", 365, None)):
        start = (date.fromisoformat(on) - timedelta(days=days)).isoformat()
        span = changes.Span(start=start, end=on, then=known, known=known)

        def told(span: changes.Span = span) -> None:
            sums = Counter[str]()
            for row in models.rows(changes.figures(EVERYTHING, span)):
                sums[row["what"]] += int(row["n"])
            opening, closing = sums.pop("opening"), sums.pop("closing")
            assert opening + sum(sums.values()) == closing, "the statement does not add up"

        told()
        (ours,) = medians(5, lambda: 1000 * seconds(told))
        bar = Bar(most=most) if judged else Bar()
        yield Figure(work=work.format(words), ours=ours, unit="ms", bar=bar)


def _page(url: str, on: str, known: int | None, work: str, judged: bool) -> Iterator[Figure]:
    """Ask for the whole page as a browser does: list, totals, choices, names, drawn."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from starlette.testclient import TestClient  # only here: it brings a client along

    office = Office.open(Settings(database=url))
    try:
        if office.accounts.find(LOGIN) is None:
            office.accounts.create(LOGIN, PASSWORD, "u_reader", "审计员", "o_1", ["auditor"])
        account = office.accounts.find(LOGIN)
        assert account is not None
        client = TestClient(create_app(office.settings, office))
        client.cookies.set("session", office.accounts.sign_in(account))
        asked = {"on": on} | ({} if known is None else {"known": str(known)})

        def page() -> None:
            answer = client.get("/assets", params=asked)
            assert answer.status_code == 200 and 'class="past"' in answer.text

        page()
        (ours,) = medians(5, lambda: 1000 * seconds(page))
        yield Figure(work=work, ours=ours, unit="ms", bar=Bar(most=500) if judged else Bar())
    finally:
        office.close()


def _fold(book: Book, on: str, known: int | None) -> tuple[dict[str, Asset], float]:
    """Return every asset as a fold of the log says, and the seconds that took."""
    with collector_off():
        found: list[dict[str, Any]] = []
        spent = seconds(lambda: found.append(folded(book, on, known)))
    return found[0], spent


def _totals(models: ReadModels, on: str, known: int | None) -> list[Any]:
    return models.rows(history.totals_as_of(EVERYTHING, ALL, on=on, known=known))


def _first_page(models: ReadModels, on: str, known: int | None) -> list[Any]:
    return models.rows(history.as_of(EVERYTHING, ALL, on=on, known=known, limit=50))


def _compare(models: ReadModels, states: dict[str, Asset], on: str, known: int | None) -> None:
    """Compare every card, every total and every count of the lists with the fold."""
    cards = {
        stream.removeprefix("asset/"): card
        for stream, asset in states.items()
        if (card := history.columns(stream.removeprefix("asset/"), asset)) is not None
    }
    rows = models.rows(history.as_of(EVERYTHING, ALL, on=on, known=known, limit=len(cards) + 1))
    said = {row["id"]: tuple(row[name] for name in COLUMNS) for row in rows}
    assert said == cards, "the inventory of a past day is not what the log says"
    value = COLUMNS.index("value")
    (totals,) = _totals(models, on, known)
    known_values = [card[value] for card in cards.values() if card[value] is not None]
    assert totals["assets"] == len(cards)
    assert totals["value"] == sum(known_values)
    assert totals["unvalued"] == len(cards) - len(known_values)
    for by in ("custody", "accounting_unit"):
        counts = models.rows(history.counts_as_of(EVERYTHING, by, ALL, on=on, known=known))
        expected = Counter(card[COLUMNS.index(by)] for card in cards.values())
        assert {row["key"]: row["assets"] for row in counts} == expected


def _single(
    book: Book, models: ReadModels, lives: Lives, known: int | None, work: str, bar: Bar
) -> Iterator[Figure]:
    """Look up single assets on days all over the three years; the fold of each must agree."""
    count = min(LOOKUPS, lives.assets)
    ours: list[float] = []
    floor: list[float] = []
    for number in range(count):
        id_ = lives.ids[number * lives.assets // count]
        on = (START + timedelta(days=number * 37 % DAYS)).isoformat()
        row: list[Any] = []
        asset: list[Any] = []
        query = history.one_as_of(id_, on=on, known=known)
        ours.append(1000 * seconds(lambda: row.append(models.one(query))))  # noqa: B023 - called at once
        floor.append(
            1000 * seconds(lambda: asset.append(book.state_at(f"asset/{id_}", on, known)))  # noqa: B023 - called at once
        )
        said = row[0] and tuple(row[0][name] for name in COLUMNS)
        assert said == history.columns(id_, asset[0]), f"{id_} on {on} is not what the log says"
    for percent in (50, 99):
        yield Figure(
            work=f"{work}, p{percent}",
            ours=percentile(ours, percent),
            unit="ms",
            floor=percentile(floor, percent),
            beside="fold of its stream",
            bar=bar if percent == 99 else Bar(),
        )
