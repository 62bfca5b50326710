"""What counts and consignments say as EPCIS: things seen at a place, not seen, stolen, so many sent.

Everything is told from what was kept when it happened (the frozen list, the scans, the differences
under their hashes), so that whoever asks again hears the same.
"""

from __future__ import annotations

from collections.abc import Iterator

from api.office import Office
from domain.counting import Finding, Item, Sighting
from domain.reallocation import ConsignmentShipped, Reallocation
from domain.stocktaking import (
    Cause,
    CountEnded,
    DifferencesClosed,
    Method,
    Outcome,
    ScopeFrozen,
    Stocktake,
    StocktakePlanned,
)
from labels import epcis
from ledger.entry import Entry

Event = dict[str, object]
STREAMS = frozenset({"stocktake", "reallocation"})


def told(office: Office, entry: Entry) -> list[Event]:
    """Return the events of an entry of a count or a reallocation; of most there are none."""
    match entry.event:
        case CountEnded() as ended:
            return list(_counted(office, entry, ended))
        case DifferencesClosed(outcome=Outcome.LOSS_APPROVED, cause=Cause.STOLEN) as closed:
            return _stolen(office, entry, closed)
        case ConsignmentShipped() as shipped:
            return [_shipped(office, entry, shipped)]
        case _:
            return []


class Named:
    """What the things of a count are called: by their GIAI where they had one then."""

    def __init__(self, office: Office, items: dict[str, Item], position: int) -> None:
        self.office, self.items, self.position = office, items, position
        self.base = f"https://{office.settings.label_host}"
        self.giai = {
            stream.partition("/")[2]: value
            for value, stream in office.book.log.claims("giai").items()
        }

    def __call__(self, asset: str) -> str:
        item, giai = self.items.get(asset), self.giai.get(asset, "")
        if item is None and giai:  # off the list: its own history says what it was called
            state = self.office.book.state_at(f"asset/{asset}", "9999-12-31", self.position)
            giai = state.giai
        elif item is not None and giai not in item.codes:
            giai = ""  # given since
        return epcis.identity(asset, epcis.Asset(giai=giai), self.base)


def _frozen(office: Office, stream: str, before: int) -> tuple[bool, dict[str, Item]]:
    """Return whether it is a spot check, and the list that was frozen last before an entry."""
    spot, scope = False, ""
    for one in office.book.stream(stream).entries:
        if one.seq >= before:
            break
        match one.event:
            case StocktakePlanned(method=method):
                spot = method is Method.SPOT
            case ScopeFrozen(sha256=sha256):
                scope = sha256
            case _:
                pass
    items = office.counting.frozen(Stocktake(scope=scope)).by_id if scope else {}
    return spot, dict(items)


def _counted(office: Office, entry: Entry, ended: CountEnded) -> Iterator[Event]:
    """Tell a round: one event for each place and what was found there, one for what was missing."""
    spot, items = _frozen(office, entry.stream, entry.seq)
    named = Named(office, items, entry.position)
    told = office.counting.differences(Stocktake(differences=ended.differences_sha256))
    differences = {one.asset: one.finding for one in told if one.asset}
    seen: dict[tuple[str, str], list[Sighting]] = {}
    for one in office.counting.scans(ended.scans_sha256):
        # What radio alone heard of a dear thing is no basis for accounting yet.
        unsettled = differences.get(one.asset) is Finding.HEARD
        if one.asset and one.round == ended.round and not unsettled:
            seen.setdefault((one.place, _outcome(one, items, differences)), []).append(one)
    for (place, outcome), sightings in sorted(seen.items()):
        devices = {one.device for one in sightings}
        yield from _events(
            office,
            entry,
            ended.round,
            spot,
            place=place,
            outcome=outcome,
            identities=tuple(named(one.asset) for one in sightings),
            device=devices.pop() if len(devices) == 1 else "",
            quantities=tuple((one.asset, one.quantity) for one in sightings if one.quantity),
        )
    missing = [asset for asset, finding in differences.items() if finding is Finding.MISSING]
    if missing:
        identities = tuple(named(asset) for asset in missing)
        yield from _events(
            office, entry, ended.round, spot, place="", outcome="missing", identities=identities
        )


def _events(
    office: Office,
    entry: Entry,
    round_: int,
    spot: bool,
    *,
    place: str,
    outcome: str,
    identities: tuple[str, ...],
    device: str = "",
    quantities: tuple[tuple[str, str], ...] = (),
) -> list[Event]:
    what = epcis.Counted(
        stocktake=entry.stream.partition("/")[2],
        place=place,
        round=round_,
        identities=identities,
        at=entry.effective_at,
        recorded_at=entry.recorded_at,
        outcome=outcome,
        spot=spot,
        device=device,
        quantities=quantities,
    )
    return epcis.counted(what, office.settings.label_host)


def _outcome(one: Sighting, items: dict[str, Item], differences: dict[str, Finding]) -> str:
    """Say whether a thing was seen where the list had it."""
    finding = differences.get(one.asset)
    item = items.get(one.asset)
    if item is None or finding is Finding.MISPLACED:
        return "misplaced"
    if finding is Finding.MISCOUNTED:
        return "quantity" if one.quantity not in ("", item.quantity) else "found"
    elsewhere = item.place and one.place and one.place != item.place
    return "misplaced" if finding is Finding.DUPLICATE and elsewhere else "found"


def _stolen(office: Office, entry: Entry, closed: DifferencesClosed) -> list[Event]:
    _, items = _frozen(office, entry.stream, entry.seq)
    named = Named(office, items, entry.position)
    assets = [key.partition(".")[2] for key in closed.differences]
    return epcis.stolen(
        entry.stream.partition("/")[2],
        entry.seq,
        [named(asset) for asset in assets],
        closed.reference,
        entry.effective_at,
        entry.recorded_at,
        office.settings.label_host,
    )


def _shipped(office: Office, entry: Entry, shipped: ConsignmentShipped) -> Event:
    case: Reallocation = office.book.stream(entry.stream).state
    what = epcis.Shipped(
        about=f"{entry.stream}/{entry.seq}",
        item=shipped.item,
        quantity=shipped.quantity,
        giver=case.giver_unit,
        taker=case.taker_unit,
        case=entry.stream,
        at=entry.effective_at,
        recorded_at=entry.recorded_at,
    )
    return epcis.shipped(what, office.settings.label_host)
