"""Disposals, stocktakes and changes in the columns of asset cards, with what is their own beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from api import cards_out, changing, disposal_register, reporting
from api.naming import names_then
from api.office import Office
from api.pages_export import Amount, pieces
from api.pages_telling import tell
from domain.decider import Lang
from domain.stocktaking import Stocktake
from domain.words import Words, in_words
from projections import ordering, treasury
from projections.changes import ADJUSTED, IN, OUT, RESTATED, Only
from projections.disposals import disposals as disposals_
from projections.scope import Scope

PAGE_ROWS: Final = 500
CARDS, DISPOSALS, STOCKTAKE, CHANGES = "cards", "disposals", "stocktake", "changes"
TITLES: Final = {
    CARDS: cards_out.TITLE,
    DISPOSALS: Words("处置清单", "Disposal list"),
    STOCKTAKE: Words("盘点结果", "Stocktake results"),
    CHANGES: Words("资产变动清单", "Changes of assets"),
}
OF_DISPOSALS: Final = (
    "number", "form", "status", "requested_on", "requested", "approved_on", "approval_no",
    "approved", "appraised", "sold_on", "proceeds", "derecognised_on", "case",
)  # fmt: skip
OF_STOCKTAKE: Final = (
    Words("盘点结果", "result"),
    Words("清单所列地点", "place on the list"),
    Words("实际所在", "where it was seen"),
    Words("处理结果", "outcome"),
    Words("原因", "cause"),
    Words("说明", "note"),
)
OF_CHANGES: Final = (
    Words("变动", "change"),
    Words("业务日期", "business date"),
    Words("变动件数", "change of count"),
    Words("变动金额", "change of value"),
    Words("事项", "event"),
    Words("账本位置", "position"),
)
AS_LISTED: Final = Words("相符", "as listed")
MOVING: Final = (RESTATED, IN, OUT, ADJUSTED)
NameOf = Callable[[str, str], str]


def disposals(office: Office, scope: Scope, lang: Lang, name_of: NameOf) -> Iterator[list[Any]]:
    """Yield every thing of every disposal: its card, then its way from request to books."""
    told = {name: (words, money) for name, words, money in disposal_register.COLUMNS}
    yield [
        *cards_out.heads(lang),
        *(in_words(told[name][0], lang) for name in OF_DISPOSALS),
    ]
    after = ""
    while True:
        query = treasury.register(
            scope, treasury.Asked(on=office.today(), ages=()), after=after, limit=PAGE_ROWS
        )
        rows = office.rows(query)
        lines = list(disposal_register.by_asset(office, rows, lang, name_of, "9999-12-30", None))
        cards = cards_out.of(office, scope, (line["asset"] for line in lines), lang)
        for line in lines:
            own = [amount(line[name]) if told[name][1] else line[name] for name in OF_DISPOSALS]
            yield [*card(cards, line["asset"], line["asset_no"], line["name"]), *own]
        if len(rows) < PAGE_ROWS:
            return
        after = ordering.cursor(rows[-1], disposals_.c.requested_on)


def stocktake(
    office: Office, scope: Scope, id_: str, lang: Lang, name_of: NameOf
) -> Iterator[list[Any]]:
    """Yield every thing of a stocktake, as listed or not, and what was found beside the list."""
    state: Stocktake = office.book.stream(f"stocktake/{id_}").state
    ends = reporting.outcomes(office, f"stocktake/{id_}")
    differences = office.counting.differences(state)
    about = {one.asset: one for one in differences if one.asset}
    items = office.counting.frozen(state).items
    yield [*cards_out.heads(lang), *(in_words(words, lang) for words in OF_STOCKTAKE)]

    def own(one: Any, place: str) -> list[str]:
        listed = name_of("place", place) if place else ""
        if one is None:
            return [in_words(AS_LISTED, lang), listed, listed, "", "", ""]
        end = ends.get(one.key)
        seen = dict.fromkeys(s.place for s in one.seen if s.place)
        return [
            in_words(one.finding.words, lang),
            name_of("place", one.place) if one.place else listed,
            "；".join(name_of("place", p) for p in seen),
            in_words(end.outcome.words, lang) if end else "",
            in_words(end.cause.words, lang) if end else "",
            end.note if end else "",
        ]

    known = set()
    for start in range(0, len(items), PAGE_ROWS):
        some = items[start : start + PAGE_ROWS]
        cards = cards_out.of(office, scope, (item.id for item in some), lang)
        for item in some:
            known.add(item.id)
            yield [*card(cards, item.id), *own(about.get(item.id), item.place)]
    rest = [one for one in differences if one.asset not in known]
    cards = cards_out.of(office, scope, (one.asset for one in rest if one.asset), lang)
    for one in rest:
        yield [*card(cards, one.asset, one.no or one.code, one.name), *own(one, "")]


def changes(office: Office, scope: Scope, start: str, end: str, lang: Lang) -> Iterator[list[Any]]:
    """Yield every change between two days, by what it changes, each with the card it is of."""
    span = changing.span_of(office, start, end, "", "")
    only = Only()
    names = names_then(office, lang)
    yield [*cards_out.heads(lang), *(in_words(words, lang) for words in OF_CHANGES)]
    for what in MOVING:
        after: str | None = None
        while True:
            found, after = changing.movements(
                office, scope, span, what, only, after=after, limit=PAGE_ROWS
            )
            cards = cards_out.of(office, scope, (row["id"] for row, _ in found), lang)
            for row, entry in found:
                name_of = names(entry.effective_on)
                yield [
                    *card(cards, row["id"]),
                    in_words(changing.WORDS[what], lang),
                    entry.effective_on,
                    str(row["n"]),
                    Amount(int(row["v"])),
                    tell(entry.event, lang, name_of),
                    str(entry.position),
                ]
            if after is None:
                break


def card(cards: dict[str, list[Any]], id_: str, number: str = "", name: str = "") -> list[Any]:
    """Return the cells of a card; of a thing that has none, what is known of it."""
    if id_ in cards:
        return cards[id_]
    said = {"asset_no": number, "name": name, "id": id_}
    return [said.get(column.name, "") for column in cards_out.OUT]


def amount(value: Any) -> Any:
    """Return an amount where there is one."""
    return "" if value is None else Amount(int(value))


def pieces_of(rows: Iterable[Iterable[Any]], what: str, lang: Lang, ending: str) -> Iterator[bytes]:
    """Yield a list as a file, `csv` or `xlsx`, piece by piece."""
    return pieces(rows, in_words(TITLES[what], lang), ending)
