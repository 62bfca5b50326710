"""How much room a unit has left for what it wants: its standards and its vehicle quota (T49).

What its rules refuse, ranking and the proposed allocation leave out; what they only flag, is
flagged there as well. The step that follows asks the same standards again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
from msgspec.structs import replace

from domain import standards as rules
from domain.asset import Kind
from domain.demand import Demand
from domain.policy import Beyond, Policy
from domain.searching import Limit, Piece, together
from domain.vehicles import Quota
from domain.words import Words
from ledger.book import Book
from projections import searching
from projections.matching import Want
from projections.scope import Rows

QUOTA = Words("公务用车编制", "the vehicle quota")


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    """What one standard or quota leaves to a unit; None: it sets no such limit."""

    key: str  # what is counted together: the unit and its standard or quota
    title: Words
    left: int | None = None  # whole pieces, never below 0
    price_cap: int | None = None  # in fen, of one piece

    def beyond(self, quantity: int, price: int | None) -> bool:
        """Answer whether so many more, or one at this price, would exceed it."""
        many = self.left is not None and quantity > self.left
        if self.price_cap is None or price is None:
            return many
        return many or price > self.price_cap


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """What a unit may still have of what it wants; `refused`: more is not given, else flagged."""

    bounds: tuple[Bound, ...] = ()
    refused: bool = False

    @property
    def tightest_first(self) -> list[tuple[int, Bound]]:
        """Return every limit of quantity with what it leaves; all of them are kept jointly."""
        limited = [(bound.left, bound) for bound in self.bounds if bound.left is not None]
        return sorted(limited, key=lambda one: (one[0], one[1].key))

    @property
    def price_max(self) -> int | None:
        """Return what one piece may cost by every standard."""
        return min((b.price_cap for b in self.bounds if b.price_cap is not None), default=None)


class Rooms:
    """What units have room for on a day; each standard is read, and each stock counted, once."""

    def __init__(
        self,
        book: Book,
        look: Callable[[Rows], Sequence[Any]],
        region_of: Callable[[str, date], str],
        rules_for: Callable[[str, date], Policy],
        on: date,
    ) -> None:
        self.book, self.look, self.on = book, look, on
        self.region_of, self.rules_for = region_of, rules_for
        self._standards: list[tuple[str, rules.Standard]] | None = None
        self._held: dict[tuple[str, str], Decimal] = {}
        self._regions: dict[str, str] = {}
        self._refuses: dict[str, bool] = {}

    def of(self, want: Mapping[str, Any]) -> Room:
        """Return what the unit of a want, a row of the list, may still have of it."""
        bounds = (*self._by_standards(want), *self._by_quota(want))
        if not bounds:
            return Room()
        unit = want["unit"]
        if unit not in self._refuses:
            policy = self.rules_for(unit, self.on)
            self._refuses[unit] = policy.over_standard is Beyond.REFUSE
        return Room(bounds=bounds, refused=self._refuses[unit])

    def allowed(self, row: Mapping[str, Any], want: Want) -> Want:
        """Return a want as far as its unit may have it: what its rules only flag stays as it is."""
        room = self.of(row)
        if not room.refused:
            return want
        keys = tuple(bound.key for _, bound in room.tightest_first)
        return replace(
            want,
            quantity=min((want.quantity, *(left for left, _ in room.tightest_first))),
            quota=keys[0] if keys else "",
            also=keys[1:],
            price_max=room.price_max,
        )

    def left(self, row: Mapping[str, Any]) -> dict[str, int]:
        """Return how many more there may be by each limit of quantity that a want has."""
        return {bound.key: left for left, bound in self.of(row).tightest_first}

    def full(self, row: Mapping[str, Any], given: Mapping[str, int]) -> tuple[Words, ...]:
        """Return the limits that leave no room for more of a want, when so many are given of each."""
        room = self.of(row)
        if not room.refused:
            return ()
        return tuple(
            bound.title for left, bound in room.tightest_first if given.get(bound.key, 0) >= left
        )

    def _by_standards(self, want: Mapping[str, Any]) -> Iterator[Bound]:
        unit, kind, code = want["unit"], want["kind"], want["class_code"]
        for id_, standard in self._published():
            if standard.kind != kind:
                continue
            if unit not in self._regions:
                self._regions[unit] = self.region_of(unit, self.on)
            if not rules.binds(
                standard,
                self.on,
                kind=standard.kind,
                class_code=code or standard.class_code,
                unit=unit,
                region=self._regions[unit],
            ):
                continue
            limit = rules.limit(id_, standard, str(self._has(unit, id_, standard)))
            yield Bound(
                key=f"{unit}/{id_}",
                title=Words(limit.title, limit.title),
                left=self._left(want, limit),
                price_cap=limit.price_cap,
            )

    def _left(self, want: Mapping[str, Any], limit: Limit) -> int | None:
        """Return how many more there may be; None without a limit, or where posts are not stated."""
        if limit.cap is None:
            return None
        cap = Decimal(limit.cap)
        if limit.each_post:
            demand: Demand = self.book.stream(f"demand/{want['id']}").state
            if want["unit"] not in demand.posts:
                return None
            cap *= demand.posts[want["unit"]]
        return max(0, int(cap - Decimal(limit.held)))

    def _by_quota(self, want: Mapping[str, Any]) -> Iterator[Bound]:
        if want["kind"] != Kind.VEHICLE:
            return
        quota: Quota = self.book.stream(f"quota/{want['unit']}").state
        if quota.total is not None:
            left = max(0, quota.total - len(quota.vehicles))
            yield Bound(key=f"{want['unit']}/vehicles", title=QUOTA, left=left)

    def _published(self) -> Iterable[tuple[str, rules.Standard]]:
        if self._standards is None:
            self._standards = [
                (row["id"].partition("/")[2], self.book.stream(row["id"]).state)
                for row in self.look(searching.published())
            ]
        return self._standards

    def _has(self, unit: str, id_: str, standard: rules.Standard) -> Decimal:
        if (unit, id_) not in self._held:
            rows = self.look(searching.in_stock(unit, standard.kind, standard.class_code))
            pieces = (Piece(row["id"], row["quantity"]) for row in rows if row["id"] is not None)
            self._held[unit, id_] = Decimal(together(pieces))
        return self._held[unit, id_]
