"""Read the lots of the United States' surplus auctions that closed in a month.

Data by GovAuctions (https://govauctions.app), CC BY 4.0. The amount is the last bid that was
observed, not a confirmed price; what nobody bid for has none.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from api.reading_bytes import Source
from api.reading_problems import Problem
from api.reading_records import Keyed, Record, read
from api.reading_values import Amount, Cells


class GsaLot(Record, frozen=True, kw_only=True, gc=False):
    """One lot: `sold` is None where the outcome is not known."""

    id: str
    title: str
    category: str
    place: str
    last_bid: Amount | None
    sold: bool | None
    ended_on: date | None


def lots(
    source: Source, *, file: str | None = None, notices: list[Problem] | None = None
) -> Iterator[GsaLot]:
    """Read the lots of a file."""

    def build(cells: Cells, keyed: Keyed) -> GsaLot:
        id_ = cells.required("id")
        key, occurrence = keyed(f"gsa:{id_}")
        return GsaLot(
            evidence=cells.evidence,
            key=key,
            occurrence=occurrence,
            id=id_,
            title=cells.text("title"),
            category=cells.text("category"),
            place=f"{cells.text('city')}, {cells.text('state')}",
            last_bid=cells.amount("current_or_final_bid"),
            sold={"true": True, "false": False}.get(cells.text("sold")),
            ended_on=cells.day("ended_at"),
        )

    columns = (
        *(
            "id",
            "title",
            "category",
            "condition",
            "seller_type",
            "state",
            "city",
            "zip",
            "currency",
        ),
        *("starting_bid", "current_or_final_bid", "bid_count", "buyer_premium_pct", "sold"),
        *("ended_at", "source_url"),
    )
    return read(source, columns, build, file, notices)
