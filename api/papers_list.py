"""The lists on papers: which things, what they were called, what they were worth on that day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from api.naming import names_then
from api.office import Office
from api.pages_telling import reason_of, say, shape, words_of
from api.papers_words import SAYS
from domain.asset import Asset
from domain.decider import Event, Lang
from domain.words import in_words
from labels.paper_parts import Column, Row, Table
from ledger.entry import Entry
from projections import history
from projections.scope import Filters, Scope, cursor

PAGE_ROWS = 1_000
# What a line's remark does not repeat: the thing itself, and what only machines need.
UNTOLD = frozenset({"asset", "scanned", "dataset", "currency", "price", "gross"})
AMOUNTS = ("price", "gross")  # of one piece; stands in place of its cost


def columns(lang: Lang, *, money: str = "amount") -> tuple[Column, ...]:
    """Return the columns of a list of things."""

    def head(key: str) -> str:
        return in_words(SAYS[key], lang)

    return (
        Column(head("row"), 5, "center"),
        Column(head("asset_no"), 16),
        Column(head("name"), 19),
        Column(head("model"), 15),
        Column(head("quantity"), 8, "right"),
        Column(head(money), 14, money=True),
        Column(head("remark"), 17),
    )


def as_it_was(office: Office, id_: str, entry: Entry) -> Asset:
    """Return a card as it stood on the day of an entry, as it was known then.

    A card that was recorded later, as imports may do, is shown as it was first known.
    """
    name = f"asset/{id_}"
    asset: Asset = office.book.state_at(name, entry.effective_on, entry.position)
    if not asset.name:
        asset = office.book.state_at(name, "9999-12-30")
    return asset


def row(number: int, id_: str, asset: Asset, remark: str, paid: int | None = None) -> Row:
    """Return one thing as a line of the list; `paid` is its price where the paper is about one."""
    cells = (
        str(number),
        asset.asset_no or id_,
        asset.name,
        asset.model,
        f"{asset.quantity} {asset.measure}".strip(),
        remark,
    )
    return Row(cells, asset.value if paid is None else paid, asset.currency or "CNY")


def of_assets(
    office: Office, entry: Entry, ids: Iterable[str], remarks: dict[str, str], lang: Lang
) -> Table:
    """Return the list of the things an entry names, at what they were worth then."""
    rows = [
        row(n, id_, as_it_was(office, id_, entry), remarks.get(id_, ""))
        for n, id_ in enumerate(ids, start=1)
    ]
    return listed(rows, lang)


def of_pieces(
    office: Office, pieces: Sequence[tuple[Entry, str]], said: dict[str, str], lang: Lang
) -> Table:
    """Return the list of things that moved piece by piece, each with what was said of it."""
    last: dict[str, Entry] = {id_: entry for entry, id_ in pieces}
    together = shared([entry.event for entry, _ in pieces])
    rows: list[Row] = []
    for number, (id_, entry) in enumerate(last.items(), start=1):
        asset = as_it_was(office, id_, entry)
        paid = next((p for f in AMOUNTS if (p := getattr(entry.event, f, None)) is not None), None)
        parts = (said.get(id_, ""), remark_of(office, entry, asset, lang, together))
        remark = ("；" if lang == "zh" else "; ").join(filter(None, parts))
        rows.append(row(number, id_, asset, remark, paid))
    return listed(rows, lang)


def listed(rows: Sequence[Row], lang: Lang) -> Table:
    """Return rows with their columns; amounts are in yuan unless one is in another currency."""
    money = "amount" if all(r.currency == "CNY" for r in rows) else "amount-plain"
    return Table(columns(lang, money=money), tuple(rows))


def shared(events: Sequence[Event]) -> tuple[str, ...]:
    """Return the fields that name the same person, unit or place for all pieces."""
    one = type(events[-1])
    return tuple(
        field
        for field, holds in shape(one).items()
        if holds in ("person", "unit", "place")
        and getattr(events[-1], field)
        and len({getattr(e, field) for e in events if type(e) is one}) == 1
    )


def remark_of(
    office: Office, entry: Entry, asset: Asset, lang: Lang, together: Sequence[str]
) -> str:
    """Return what an entry says of one piece beside which piece it is."""
    name_of = names_then(office, lang)(entry.effective_on)
    event = entry.event
    told = (
        f"{in_words(words_of(field), lang)}：{text}"
        if lang == "zh"
        else f"{in_words(words_of(field), lang)}: {text}"
        for field, holds in shape(type(event)).items()
        if field not in UNTOLD
        and field not in together
        and getattr(event, field) not in (None, "", (), 0)
        and (
            text := say(
                reason_of(field, getattr(event, field)), holds, lang, name_of, asset.currency
            )
        )
    )
    return ("；" if lang == "zh" else "; ").join(told)


def of_needs(needs: Iterable[Any], lang: Lang) -> Table | None:
    """Return the lines of a request that names no cards: what, how many, at what price each.

    A need has `item` and `quantity`, and where they are known `unit_value` or `unit_price` in fen.
    """
    rows: list[Row] = []
    for number, need in enumerate(needs, start=1):
        quantity, currency = need.quantity, getattr(need, "currency", "") or "CNY"
        each: int | None = getattr(need, "unit_value", getattr(need, "unit_price", None))
        amount = None
        if each is not None:
            amount = int((each * Decimal(quantity)).to_integral_value(rounding=ROUND_HALF_UP))
        count = f"{quantity} {getattr(need, 'measure', '')}".strip()
        cells = (str(number), "—", need.item, getattr(need, "class_code", ""), count, "")
        rows.append(Row(cells, amount, currency))
    return listed(rows, lang) if rows else None


# Stocktake ----------------------------------------------------------------------


def of_holder(
    office: Office, scope: Scope, kind: str, id_: str, on: str, known: int, lang: Lang
) -> Table:
    """Return what a unit holds, or what stands in a place, with room to write what is there."""
    wanted = Filters(custodian=id_) if kind == "unit" else Filters(place=id_)
    name_of = names_then(office, lang)(on)

    def head(key: str) -> str:
        return in_words(SAYS[key], lang)

    def where(card: Any) -> str:
        user = name_of("person", card["user"]) if card["user"] else ""
        place = name_of("place", card["place"]) if card["place"] else ""
        told = filter(None, (place if kind == "unit" else "", user))
        return ("；" if lang == "zh" else "; ").join(told)

    rows = tuple(
        Row(
            (
                *(str(n), card["asset_no"] or card["id"], card["name"], where(card)),
                *(card["quantity"], "", ""),
            ),
            card["value"],
            card["currency"] or "CNY",
        )
        for n, card in enumerate(cards(office, scope, wanted, on, known), start=1)
    )
    return Table(
        (
            Column(head("row"), 6, "center"),
            Column(head("asset_no"), 14),
            Column(head("name"), 17),
            Column(head("place-user") if kind == "unit" else head("user"), 20),
            Column(head("quantity"), 6, "right"),
            Column(head("book-value"), 13, money=True),
            Column(head("counted"), 9),
            Column(head("difference"), 13),
        ),
        rows,
    )


def cards(office: Office, scope: Scope, wanted: Filters, on: str, known: int) -> Iterator[Any]:
    """Yield every card that stood so on a day, in the order of their numbers."""
    after: str | None = None
    while True:
        query = history.as_of(scope, wanted, on=on, known=known, after=after, limit=PAGE_ROWS)
        rows = office.models.rows(query)
        yield from rows
        if len(rows) < PAGE_ROWS:
            return
        after = cursor(rows[-1], wanted)
