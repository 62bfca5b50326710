"""Read the 1033 programme: shipments, refusals, holdings, and transfers to central bodies."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date, time
from typing import Final

from api.reading_bytes import Source
from api.reading_problems import Problem
from api.reading_reasons import RefusalKind, classify
from api.reading_records import Keyed, Record, read
from api.reading_values import Amount, Cells, clock

# What a row says --------------------------------------------------------------


class LesoRecord(Record, frozen=True, kw_only=True, gc=False):
    """What every list of the programme says: where, what, how much, at which price per unit."""

    state: str
    agency: str
    item_name: str
    unit: str
    quantity: str
    unit_value: Amount | None
    demil_code: str | None

    @property
    def value_unknown_or_nominal(self) -> bool:
        """Tell a value of 0: not known or a nominal amount; a person decides which."""
        return self.unit_value is not None and self.unit_value.unknown_or_nominal


class LesoRequisition(LesoRecord, frozen=True, kw_only=True, gc=False):
    """A row that names its item by supply class and item number."""

    fsc: str
    niin: str

    @property
    def nsn(self) -> str:
        """Join class and item number as the inventory writes them: `FSC-NN-NNN-NNNN`."""
        return f"{self.fsc}-{self.niin[:2]}-{self.niin[2:5]}-{self.niin[5:]}"


class LesoShipment(LesoRequisition, frozen=True, kw_only=True, gc=False):
    """A requisition that was approved and shipped. When it was asked and received is unknown."""

    requisition_id: str
    shipped_on: date | None


class LesoCancellation(LesoRequisition, frozen=True, kw_only=True, gc=False):
    """A requisition that was refused or lapsed. The time of day has no known zone."""

    quarter: str
    rtd_ref: str
    cancelled_by: str
    requested_on: date | None
    requested_time: time | None
    reason: str

    @property
    def refusal(self) -> RefusalKind:
        """Name the kind of the reason. The text itself may hold names of persons."""
        return classify(self.reason)


class LesoHolding(LesoRecord, frozen=True, kw_only=True, gc=False):
    """A quantity of one item held by one body; there is no serial number, equal rows are many."""

    nsn: str
    demil_ic: str | None
    shipped_on: date | None


class LesoInventoryRow(LesoHolding, frozen=True, kw_only=True, gc=False):
    """A row of a snapshot of everything held on one day."""

    station_type: str | None


class LesoFederal(LesoHolding, frozen=True, kw_only=True, gc=False):
    """A transfer to a central body in one quarter; it has no requisition number."""

    quarter: str


# Reading ----------------------------------------------------------------------

_REQUISITION: Final = (
    *("State", "Station Name (LEA)", "FSC", "NIIN", "Item Name", "UI"),
    *("Quantity", "Acquisition Value"),
)


def shipments(
    source: Source, *, file: str | None = None, notices: list[Problem] | None = None
) -> Iterator[LesoShipment]:
    """Read a quarter's approved and shipped requisitions; the justification is not carried."""

    def build(cells: Cells, keyed: Keyed) -> LesoShipment:
        requisition_id = cells.required("Requisition ID")
        key, occurrence = keyed(f"leso:requisition:{requisition_id}")
        return LesoShipment(
            evidence=cells.evidence,
            key=key,
            occurrence=occurrence,
            state=cells.text("State"),
            agency=cells.text("Station Name (LEA)"),
            requisition_id=requisition_id,
            fsc=cells.required("FSC"),
            niin=cells.required("NIIN"),
            item_name=cells.text("Item Name"),
            unit=cells.text("UI"),
            quantity=cells.quantity("Quantity"),
            unit_value=cells.amount("Acquisition Value"),
            demil_code=cells.text_if_given("DEMIL Code"),
            shipped_on=cells.day("Date Shipped"),
        )

    columns = (*_REQUISITION, "Requisition ID", "Date Shipped")
    return read(source, columns, build, file, notices)


def cancellations(
    source: Source,
    *,
    quarter: str,
    file: str | None = None,
    notices: list[Problem] | None = None,
) -> Iterator[LesoCancellation]:
    """Read a quarter's refused requisitions; `quarter` is in the key, `2019Q4`.

    References are unique within a quarter only. The justification is not carried.
    """

    def build(cells: Cells, keyed: Keyed) -> LesoCancellation:
        rtd_ref = cells.required("RTD Ref")
        key, occurrence = keyed(f"leso:request:{quarter}:{rtd_ref}")
        return LesoCancellation(
            evidence=cells.evidence,
            key=key,
            occurrence=occurrence,
            quarter=quarter,
            cancelled_by=cells.text("Cancelled By"),
            rtd_ref=rtd_ref,
            state=cells.text("State"),
            agency=cells.text("Station Name (LEA)"),
            fsc=cells.required("FSC"),
            niin=cells.required("NIIN"),
            item_name=cells.text("Item Name"),
            unit=cells.text("UI"),
            quantity=cells.quantity("Quantity"),
            unit_value=cells.amount("Acquisition Value"),
            demil_code=cells.text_if_given("Demil Code"),
            requested_on=cells.day("Date Requested"),
            requested_time=clock(cells.text("Date Requested")),
            reason=cells.text("Reason Cancelled"),
        )

    columns = (*_REQUISITION, "Cancelled By", "RTD Ref", "Date Requested", "Reason Cancelled")
    return read(source, columns, build, file, notices)


_HOLDING: Final = ("State", "NSN", "Item Name", "Quantity", "UI", "Acquisition Value", "Ship Date")
# The publisher renamed this column between the snapshots of 2019 and of 2025.
_AGENCY: Final = ("Station Name (LEA)", "Agency Name")


def _holding_key(agency: str, cells: Cells) -> str:
    """Digest what stays when an item is only renamed or recoded: names and codes are left out."""
    parts = (
        *(cells.text("State"), agency, cells.text("NSN"), cells.text("Quantity")),
        *(cells.text("UI"), cells.text("Acquisition Value"), cells.text("Ship Date")),
    )
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def inventory(
    source: Source, *, file: str | None = None, notices: list[Problem] | None = None
) -> Iterator[LesoInventoryRow]:
    """Read a snapshot of holdings; key and occurrence together are a row's identity.

    The key leaves out names and control codes, so that a later snapshot only differs in
    what came and what went.
    """

    def build(cells: Cells, keyed: Keyed) -> LesoInventoryRow:
        agency = cells.required(*_AGENCY)
        key, occurrence = keyed(f"leso:holding:{_holding_key(agency, cells)}")
        return LesoInventoryRow(
            evidence=cells.evidence,
            key=key,
            occurrence=occurrence,
            state=cells.text("State"),
            agency=agency,
            nsn=cells.required("NSN"),
            item_name=cells.text("Item Name"),
            quantity=cells.quantity("Quantity"),
            unit=cells.text("UI"),
            unit_value=cells.amount("Acquisition Value"),
            demil_code=cells.text_if_given("DEMIL Code"),
            demil_ic=cells.text_if_given("DEMIL IC"),
            shipped_on=cells.day("Ship Date"),
            station_type=cells.text_if_given("Station Type"),
        )

    return read(source, (*_HOLDING, _AGENCY, "Station Type"), build, file, notices)


def federal(
    source: Source,
    *,
    quarter: str,
    file: str | None = None,
    notices: list[Problem] | None = None,
) -> Iterator[LesoFederal]:
    """Read a quarter's transfers to central bodies; `quarter` is in the key, `2019Q4`."""

    def build(cells: Cells, keyed: Keyed) -> LesoFederal:
        agency = cells.required("Station Name (LEA)")
        key, occurrence = keyed(f"leso:federal:{quarter}:{_holding_key(agency, cells)}")
        return LesoFederal(
            evidence=cells.evidence,
            key=key,
            occurrence=occurrence,
            quarter=quarter,
            state=cells.text("State"),
            agency=agency,
            nsn=cells.required("NSN"),
            item_name=cells.text("Item Name"),
            quantity=cells.quantity("Quantity"),
            unit=cells.text("UI"),
            unit_value=cells.amount("Acquisition Value"),
            demil_code=cells.text_if_given("DEMIL Code"),
            demil_ic=cells.text_if_given("DEMIL IC"),
            shipped_on=cells.day("Ship Date"),
        )

    return read(source, (*_HOLDING, "Station Name (LEA)"), build, file, notices)
