"""What is on offer, as people and programs read it: on which terms, for whom, since and until when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

import msgspec

from api.office import Office
from domain import screening
from domain.asset import Lock
from domain.filing import File, folder_of
from domain.policy import Tier
from domain.screening import Opening
from domain.unit import Unit
from domain.words import Term
from projections import history, inventory, offers
from projections.inventory import offer_of
from projections.scope import Filters, Rows, Scope, cursor
from projections.temporal import Thing

SCANNED_MAX = 2_000  # rows looked through for one page of what is open to a unit
FILE_PAGE = 500
PHOTOS = ("image/png", "image/jpeg", "image/webp")


class Nearness(Term):
    """How far a thing is from who asks, by the division codes of both units (GB/T 2260)."""

    SAME_UNIT = "same_unit", "本单位", "in this unit"
    COUNTY = "county", "同一县（区、市）", "same county"
    PREFECTURE = "prefecture", "同一地（州、市）", "same prefecture"
    PROVINCE = "province", "同一省（区、市）", "same province"
    ELSEWHERE = "elsewhere", "其他省（区、市）", "another province"
    UNKNOWN = "unknown", "未登记行政区划", "not known"


def near(mine: str, theirs: str) -> Nearness:
    """Return how far two divisions are apart; a code ending in 00 names no county."""
    if not mine or not theirs:
        return Nearness.UNKNOWN
    if mine[:6] == theirs[:6] and not mine.endswith("00"):
        return Nearness.COUNTY
    for digits, found in ((4, Nearness.PREFECTURE), (2, Nearness.PROVINCE)):
        whole = mine[digits - 2 : digits] != "00"  # a code of a province names no prefecture
        if whole and mine[:digits] == theirs[:digits]:
            return found
    return Nearness.ELSEWHERE


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """One thing on offer on a day, and whether a unit may claim it."""

    row: Any
    window: Opening | None  # that runs now
    next: Opening | None  # that opens after it
    mine_from: date | None  # from when the unit may claim; None: at once
    open: bool  # to the unit, on that day
    held: bool  # by a claim or a case
    held_until: str
    over: bool  # every window has ended: other ways may be tried
    photos: tuple[File, ...]
    photos_of: str  # the card in whose folder they are: of a part, the whole it was split off
    description: str
    remaining_life: str
    delivered: bool = False
    near: Nearness = Nearness.UNKNOWN


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody asks of the offers."""

    unit: str
    on: date
    text: str = ""
    class_code: str = ""
    kind: str = ""
    custodian: str = ""
    place: str = ""
    available: date | None = None
    mine: bool = False  # only what this unit may claim on that day
    past: bool = False  # as it stood on that day, as known at `known`
    known: int | None = None


class Market:
    """What is on offer to one unit on one day; units are read once."""

    def __init__(self, office: Office, asked: Asking, *, pictures: bool = True) -> None:
        self.office, self.asked, self.pictures = office, asked, pictures
        self._units: dict[str, Unit] = {}

    def unit(self, id_: str) -> Unit:
        """Return a unit as it stands."""
        if id_ not in self._units:
            self._units[id_] = self._state(f"unit/{id_}") if id_ else Unit()
        return self._units[id_]

    def _state(self, stream: str) -> Any:
        """Return a state as it stands, or as it stood on the day that is asked for."""
        a, book = self.asked, self.office.book
        if a.past:
            return book.state_at(stream, a.on.isoformat(), a.known)
        return book.stream(stream).state

    def page(self, scope: Scope, after: str | None, limit: int) -> tuple[list[Shown], str]:
        """Return a page of offers, and where the next begins; empty when there is none."""
        found: list[Shown] = []
        last: Any = None
        for row in self._rows(scope, after, limit):
            shown = self.shown(row)
            if self.asked.mine and (not shown.open or shown.held):
                continue
            if len(found) == limit:
                return found, cursor(last, Filters())
            found.append(shown)
            last = row
        return found, ""

    def all(self, scope: Scope, most: int) -> Iterator[Shown]:
        """Yield every offer that is asked for, page by page, as many as a file may have."""
        after, left = "", most
        while left > 0:
            found, after = self.page(scope, after or None, min(left, FILE_PAGE))
            yield from found
            left -= len(found)
            if not after:
                return

    def _rows(self, scope: Scope, after: str | None, limit: int) -> Iterator[Any]:
        a, scanned = self.asked, 0
        while scanned < SCANNED_MAX:
            query = (
                self._past(scope, after, limit + 1)
                if a.past
                else offers.listing(
                    scope,
                    a.on,
                    text=a.text,
                    class_code=a.class_code,
                    available=a.available,
                    after=after,
                    limit=limit + 1,
                    kind=a.kind,
                    custodian=a.custodian,
                    place=a.place,
                )
            )
            rows = self.office.rows(query)
            yield from self._then(rows) if a.past else rows
            scanned += len(rows)
            if len(rows) <= limit:
                return
            after = cursor(rows[-1], Filters())

    def _past(self, scope: Scope, after: str | None, limit: int) -> Rows:
        """Return what was offered on a day, by its number; the list of what was has few columns."""
        a = self.asked
        filters = Filters(
            text=a.text, book="on_books", listed=True, kind=a.kind, custodian=a.custodian,
            place=a.place,
        )  # fmt: skip
        on = a.on.isoformat()
        return history.as_of(scope, filters, on=on, known=a.known, after=after, limit=limit)

    def _then(self, rows: Iterable[Any]) -> Iterator[Any]:
        """Yield cards of a past day whole, each told from its own entries, as far as they match."""
        a, names = self.asked, [column.name for column in inventory.inventory.columns]
        day = a.on.isoformat()
        for row in rows:
            told = inventory.row(Thing(row["id"]), self._state(f"asset/{row['id']}"), "", 0)
            assert told is not None, f"{row['id']} was listed and did not exist"
            card = dict(zip(names, told, strict=True)) | {"lock": row["lock"]}
            latest = a.available.isoformat() if a.available else ""
            if (
                (not card["offer_until"] or card["offer_until"] >= day)
                and card["class_code"].startswith(a.class_code)
                and (not latest or card["available_from"] <= latest)
            ):
                yield card

    def shown(self, row: Any) -> Shown:
        """Return one offer, with its windows and for whom it is open."""
        offer, on, unit = offer_of(row), self.asked.on, self.asked.unit
        windows = screening.openings(offer)
        own = unit in (row["custodian"], row["accounting_unit"])
        tiers: tuple[Tier, ...] = tuple(Tier)
        if windows:
            giver, taker = self.unit(row["custodian"]), self.unit(unit)
            tiers = screening.tiers_of(
                screening.belonging(giver), screening.belonging(taker), own=own
            )
        opens = screening.opens_for(windows, tiers)
        held = row["lock"] != Lock.NONE and not ("" < row["held_until"] < on.isoformat())
        photos_of, photos = self.photos(row["id"]) if self.pictures else (row["id"], ())
        return Shown(
            row=row,
            window=screening.open_now(windows, on),
            next=next((one for one in windows if one.opens_on > on), None),
            mine_from=opens,
            open=opens is None or opens <= on,
            held=held,
            held_until=row["held_until"] if held else "",
            over=bool(windows) and screening.screened(windows, on),
            photos=photos,
            photos_of=photos_of,
            description=offer.description,
            remaining_life=offer.remaining_life,
            delivered=offer.delivers,
            near=self.near(row["custodian"]),
        )

    def near(self, custodian: str) -> Nearness:
        """Return how far a holder is from who asks."""
        if custodian == self.asked.unit:
            return Nearness.SAME_UNIT
        return near(self.unit(self.asked.unit).region, self.unit(custodian).region)

    def photos(self, asset: str) -> tuple[str, tuple[File, ...]]:
        """Return the pictures in a card's folder and whose it is; of a part, those of the whole."""
        while True:
            folder = self.office.book.stream(folder_of(f"asset/{asset}")).state
            found = tuple(file for file in folder.files if file.media in PHOTOS)
            if found or "." not in asset:
                return asset, found
            asset = asset.rpartition(".")[0]
