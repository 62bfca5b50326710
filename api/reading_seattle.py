"""Read the City of Seattle's fleet: in use, waiting for auction, sold with and without dates."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from api.reading_bytes import Source
from api.reading_problems import Problem
from api.reading_records import Keyed, Record, read
from api.reading_values import Amount, Cells

# What a row says --------------------------------------------------------------


class SeattleVehicle(Record, frozen=True, kw_only=True, gc=False):
    """A piece of fleet equipment as every list of the city describes it."""

    equip_id: str
    model_year: int | None
    make: str
    model: str
    description: str


class SeattleActive(SeattleVehicle, frozen=True, kw_only=True, gc=False):
    """Equipment in use."""

    license_plate: str | None
    dept: str
    in_service_on: date | None
    cost: Amount | None
    replacement_year: int | None

    @property
    def cost_unknown_or_nominal(self) -> bool:
        """Tell a cost of 0.00: not known or a nominal amount; a person decides which."""
        return self.cost is not None and self.cost.unknown_or_nominal


class SeattleSurplus(SeattleVehicle, frozen=True, kw_only=True, gc=False):
    """Equipment declared surplus and waiting for an auction; the list has no dates."""

    color: str | None
    auction_house: str
    comments: str | None


class SeattleSoldUndated(SeattleVehicle, frozen=True, kw_only=True, gc=False):
    """Equipment sold, as the register without dates says."""

    dept: str
    sale_price: Amount
    auction_house: str


class SeattleSold(SeattleSoldUndated, frozen=True, kw_only=True, gc=False):
    """Equipment sold, with the day. This file lost the leading zeros of `equip_id`."""

    sold_on: date | None


# Reading ----------------------------------------------------------------------


def active(
    source: Source, *, file: str | None = None, notices: list[Problem] | None = None
) -> Iterator[SeattleActive]:
    """Read the list of equipment in use."""

    def build(cells: Cells, keyed: Keyed) -> SeattleActive:
        equip_id = cells.required("EquipID")
        key, occurrence = keyed(f"seattle:{equip_id}")
        return SeattleActive(
            evidence=cells.evidence,
            key=key,
            occurrence=occurrence,
            equip_id=equip_id,
            license_plate=cells.text_if_given("License#"),
            model_year=cells.year("Year"),
            make=cells.text("Make"),
            model=cells.text("Model"),
            description=cells.text("Description"),
            dept=cells.text("Dept"),
            in_service_on=cells.day("InServiceDate"),
            cost=cells.amount("InServiceCost"),
            replacement_year=cells.year("Estimated Replacement Year"),
        )

    columns = (
        *("EquipID", "License#", "Year", "Make", "Model", "Description", "Dept"),
        *("InServiceDate", "InServiceCost", "Estimated Replacement Year"),
    )
    return read(source, columns, build, file, notices)


def surplus(
    source: Source, *, file: str | None = None, notices: list[Problem] | None = None
) -> Iterator[SeattleSurplus]:
    """Read the list of equipment that waits for an auction."""

    def build(cells: Cells, keyed: Keyed) -> SeattleSurplus:
        equip_id = cells.required("EQUIP_ID")
        key, occurrence = keyed(f"seattle:{equip_id}")
        return SeattleSurplus(
            evidence=cells.evidence,
            key=key,
            occurrence=occurrence,
            equip_id=equip_id,
            model_year=cells.year("YEAR"),
            make=cells.text("MAKE"),
            model=cells.text("MODEL"),
            color=cells.text_if_given("COLOR"),
            description=cells.text("DESCRIPTION"),
            auction_house=cells.text("AUCTION HOUSE"),
            comments=cells.text_if_given("COMMENTS"),
        )

    columns = (
        *("EQUIP_ID", "YEAR", "MAKE", "MODEL", "COLOR", "DESCRIPTION"),
        *("AUCTION HOUSE", "COMMENTS"),
    )
    return read(source, columns, build, file, notices)


def sold(
    source: Source, *, file: str | None = None, notices: list[Problem] | None = None
) -> Iterator[SeattleSold]:
    """Read the register of sales with their dates."""

    def build(cells: Cells, keyed: Keyed) -> SeattleSold:
        equip_id = cells.required("EquipID")
        key, occurrence = keyed(f"seattle:{equip_id}")
        return SeattleSold(
            evidence=cells.evidence,
            key=key,
            occurrence=occurrence,
            equip_id=equip_id,
            model_year=cells.year("Year"),
            make=cells.text("Make"),
            model=cells.text("Model"),
            description=cells.text("Description"),
            dept=cells.text("Dept"),
            sale_price=cells.amount_required("SalePrice"),
            sold_on=cells.day("SaleDate"),
            auction_house=cells.text("AuctionHouse"),
        )

    columns = (
        *("EquipID", "Year", "Make", "Model", "Description", "Dept"),
        *("SalePrice", "SaleDate", "AuctionHouse"),
    )
    return read(source, columns, build, file, notices)


def sold_undated(
    source: Source, *, file: str | None = None, notices: list[Problem] | None = None
) -> Iterator[SeattleSoldUndated]:
    """Read the register of sales without dates, the second witness of the same sales."""

    def build(cells: Cells, keyed: Keyed) -> SeattleSoldUndated:
        equip_id = cells.required("EQUIP_ID")
        key, occurrence = keyed(f"seattle:{equip_id}")
        return SeattleSoldUndated(
            evidence=cells.evidence,
            key=key,
            occurrence=occurrence,
            equip_id=equip_id,
            model_year=cells.year("YEAR"),
            make=cells.text("MAKE"),
            model=cells.text("MODEL"),
            description=cells.text("DESCRIPTION"),
            dept=cells.text("DEPT"),
            sale_price=cells.amount_required("SALE_PRICE"),
            auction_house=cells.text("SOLD_BY"),
        )

    columns = (
        *("EQUIP_ID", "YEAR", "MAKE", "MODEL", "DESCRIPTION", "DEPT"),
        *("SALE_PRICE", "SOLD_BY"),
    )
    return read(source, columns, build, file, notices)
