"""The statement of what changed between two dates, as every door tells it (T15)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from itertools import groupby
from typing import Any, Final, TypeAlias

import msgspec

from api.naming import names_then
from api.office import Office
from api.pages_telling import NameOf, tell
from domain.asset import Book as InBooks
from domain.asset import Kind
from domain.decider import LIFECYCLES, Lang
from domain.period import PeriodClosed
from domain.words import Words, in_language
from ledger.book import Book
from ledger.entry import Entry, standing
from projections import changes, history
from projections.changes import FIGURES, GROUP, Only, Span
from projections.scope import Scope

WORDS: Final[dict[str, Words]] = {
    "opening": Words("期初", "opening"),
    "restated": Words("期初补记更正", "opening restated"),
    "in": Words("增加", "in"),
    "out": Words("减少", "out"),
    "adjusted": Words("价值调整", "adjusted"),
    "closing": Words("期末", "closing"),
}
PAGE_ROWS, PAGE_ROWS_MAX = 50, 1_000
BEGINNING: Final = "0001-01-01"  # the day before every book
BACKWARDS: Final = Words("起始日期不能晚于截止日期", "The first date cannot be after the last")
FORGOTTEN: Final = Words(
    "期初的已知时点不能晚于期末的已知时点",
    "The opening cannot be told with knowledge that the closing does not have",
)


class Figure(msgspec.Struct, frozen=True):
    """How many cards, and what they are worth in fen or cents."""

    count: int = 0
    value: int = 0


NOTHING: Final = Figure()


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the statement: a unit's property of one kind in one currency."""

    unit: str
    kind: str
    currency: str
    figures: dict[str, Figure]

    def figure(self, what: str) -> Figure:
        return self.figures.get(what, NOTHING)


Movement: TypeAlias = "tuple[Any, Entry]"


def span_of(office: Office, start: str, end: str, then: str, known: str) -> Span:
    """Return the span between two business dates, each as known at a time (empty: now).

    A number stands for the size of the log, which is exact.
    """

    def position(when: str) -> int | None:
        if not when:
            return None
        return int(when) if when.isdecimal() else office.book.position_known(when)

    return Span(start=start, end=end, then=position(then), known=position(known))


class Close(msgspec.Struct, frozen=True, kw_only=True):
    """One closed period of a unit: its days, and the entry that closed it."""

    start: str
    until: str
    then: int  # the entry that closed the period before, 0 when there is none
    position: int
    actor: str
    recorded_at: str

    @property
    def span(self) -> Span:
        """Return the span whose statement are the figures of the period, for ever."""
        return Span(start=self.start, end=self.until, then=self.then, known=self.position)


def closes(office: Office, unit: str) -> list[Close]:
    """Return the closed periods of a unit, in order."""
    found: list[Close] = []
    for entry in office.book.stream(f"period/{unit}").standing:
        if isinstance(entry.event, PeriodClosed):
            found.append(
                Close(
                    start=found[-1].until if found else BEGINNING,
                    until=entry.event.until.isoformat(),
                    then=found[-1].position if found else 0,
                    position=entry.position,
                    actor=entry.actor,
                    recorded_at=entry.recorded_at,
                )
            )
    return found


def wrong(start: str, end: str, then: str, known: str) -> tuple[str, Words] | None:
    """Return which question cannot be asked so, and why; None when all can."""
    if start and end and start > end:
        return "from", BACKWARDS
    if then and known and then.isdecimal() == known.isdecimal():
        late = int(then) > int(known) if then.isdecimal() else then > known
        if late:
            return "known_from", FORGOTTEN
    return None


def statement(office: Office, scope: Scope, span: Span, only: Only) -> list[Line]:
    """Return the statement, a line for each unit, kind and currency where anything is or was."""
    rows = office.models.rows(changes.figures(scope, span, only))
    return [
        Line(
            unit=unit,
            kind=kind,
            currency=currency,
            figures={row["what"]: Figure(int(row["n"]), int(row["v"])) for row in some},
        )
        for (unit, kind, currency), some in groupby(
            rows, lambda row: (row["unit"], row["kind"], row["currency"])
        )
    ]


def totals(lines: Sequence[Line]) -> list[Line]:
    """Return the sum of the lines, one for each currency."""
    return [
        Line(
            unit="",
            kind="",
            currency=currency,
            figures={
                what: Figure(
                    sum(line.figure(what).count for line in mine),
                    sum(line.figure(what).value for line in mine),
                )
                for what in FIGURES
            },
        )
        for currency in sorted({line.currency for line in lines})
        if (mine := [line for line in lines if line.currency == currency])
    ]


def by_unit(lines: Sequence[Line]) -> list[tuple[str, list[Line]]]:
    """Return the lines under the unit that accounts for them."""
    return [(unit, list(some)) for unit, some in groupby(lines, lambda line: line.unit)]


def movements(
    office: Office,
    scope: Scope,
    span: Span,
    what: str,
    only: Only,
    *,
    after: str | None,
    limit: int,
) -> tuple[list[Movement], str | None]:
    """Return a page of the events that a figure is the sum of, and where it goes on."""
    if what == "restated":
        return _restated(office, scope, span, only, after or "", limit)
    query = changes.events(scope, span, what, only, after=after, limit=limit + 1)
    rows = list(office.models.rows(query))
    more = changes.cursor(rows[limit - 1]) if len(rows) > limit else None
    return [(row, entry_at(office, int(row["position"]))) for row in rows[:limit]], more


def _restated(
    office: Office, scope: Scope, span: Span, only: Only, after: str, limit: int
) -> tuple[list[Movement], str | None]:
    """Return what was learned of the opening, card by card; a page holds all of each card."""
    query = changes.restated(scope, span, only, after=after, limit=limit + 1)
    ids = [str(row["id"]) for row in office.models.rows(query)]
    found = [
        (row, entry)
        for id_ in ids[:limit]
        for row, entry in restatements(office.book, id_, span)
        if all(getattr(only, name) in ("", row[name]) for name in GROUP)
        and (scope.units is None or row["unit"] in scope.units)
    ]
    return found, ids[limit - 1] if len(ids) > limit else None


def restatements(book: Book, id_: str, span: Span) -> Iterator[Movement]:
    """Yield what each entry, recorded after the opening was told, changed of one card's opening."""
    entries = book.stream(f"asset/{id_}").entries
    then = 0 if span.then is None else span.then
    before = _counted([e for e in entries if e.position <= then], span.start)
    for entry in entries:
        if entry.position <= then or (span.known is not None and entry.position > span.known):
            continue
        now = _counted([e for e in entries if e.position <= entry.position], span.start)
        for group in sorted(before.keys() | now.keys()):
            (n0, v0), (n1, v1) = before.get(group, (0, 0)), now.get(group, (0, 0))
            if (n0, v0) != (n1, v1):
                row = dict(zip(GROUP, group, strict=True)) | {"id": id_, "n": n1 - n0}
                yield row | {"v": v1 - v0, "position": entry.position}, entry
        before = now


def _counted(entries: Sequence[Entry], on: str) -> dict[tuple[str, str, str], tuple[int, int]]:
    """Return where one card counted at the end of a day, by what was known then."""
    told = standing(entries)
    card = LIFECYCLES["asset"].fold(e.event for e in told if e.effective_on <= on)
    if card.book in (InBooks.NONE, InBooks.GONE):
        return {}
    return {(card.accounting_unit, card.kind.value, card.currency): (1, card.value or 0)}


def entry_at(office: Office, position: int) -> Entry:
    """Return the entry at a position of the log."""
    return next(office.book.entries(position, position))


def card_of(office: Office, row: Any, span: Span, what: str) -> Any:
    """Return the card that a movement is about, as it stood at the end of the span or after it.

    What was derecognised keeps its card; what was taken back has none, and its id must do.
    """
    on = span.start if what in ("opening", "restated") else span.end
    for known in (span.known, span.then):
        found = office.models.one(history.one_as_of(row["id"], on=on, known=known))
        if found is not None:
            return found
    return None


# To take home ---------------------------------------------------------------------


def table(lines: Sequence[Line], lang: Lang, name_of: NameOf, amount: Callable[[int], Any]) -> Any:
    """Yield the statement as a table: unit, kind, currency, then count and money per figure."""
    heads = [Words("入账单位", "unit"), Words("类别", "class"), Words("币种", "currency")]
    for what in FIGURES:
        zh, en = WORDS[what].zh, WORDS[what].en
        heads += [Words(f"{zh}件数", f"{en}: count"), Words(f"{zh}金额", f"{en}: value")]
    yield [told(words, lang) for words in heads]
    for line in lines:
        row: list[Any] = [name_of("unit", line.unit), kind_words(line.kind, lang), line.currency]
        for what in FIGURES:
            figure = line.figure(what)
            row += [str(figure.count), amount(figure.value)]
        yield row


def events_table(
    office: Office,
    scope: Scope,
    span: Span,
    what: str,
    only: Only,
    lang: Lang,
    amount: Callable[[int], Any],
) -> Iterator[list[Any]]:
    """Yield every event of a figure as a table, not only the page that is shown."""
    heads = (
        Words("位置", "position"), Words("业务日期", "business date"), Words("记账时间", "recorded at"),
        Words("资产标识", "asset id"), Words("入账单位", "unit"), Words("类别", "class"),
        Words("件数", "count"), Words("金额", "value"), Words("币种", "currency"),
        Words("事件", "event"),
    )  # fmt: skip
    yield [told(words, lang) for words in heads]
    names = names_then(office, lang)
    after: str | None = None
    while True:
        found, after = movements(office, scope, span, what, only, after=after, limit=PAGE_ROWS_MAX)
        for row, entry in found:
            name_of = names(entry.effective_on)
            yield [
                str(entry.position), entry.effective_on, entry.recorded_at, row["id"],
                name_of("unit", row["unit"]), kind_words(row["kind"], lang), str(row["n"]),
                amount(int(row["v"])), row["currency"], tell(entry.event, lang, name_of),
            ]  # fmt: skip
        if after is None:
            return


def kind_words(kind: str, lang: Lang) -> str:
    """Return what a class of property is called."""
    return told(Kind(kind).words, lang)


def told(words: Words, lang: Lang) -> str:
    return in_language(words.zh, words.en, lang)


def year_so_far(today: date) -> tuple[str, str]:
    """Return the span that is shown when nobody asked: from the turn of the year until today."""
    return date(today.year - 1, 12, 31).isoformat(), today.isoformat()
