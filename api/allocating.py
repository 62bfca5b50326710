"""Propose the best allocation, and read what was proposed: what the steps of a proposal must see.

A proposal is worked out before anybody's turn to write begins; the entry names the position of the
lists it rests on. Its evidence holds wants, offers, the answer, and why each want that goes without
does: from it the same allocation is worked out again.
"""

from __future__ import annotations

import gzip
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

import msgspec

from api.counting import packed
from api.rooming import Rooms
from domain.allocating import (
    LINES_AT_ONCE_MAX,
    Allocation,
    LinesSeen,
    ProposalSeen,
    Proposed,
    case_of,
    undecided,
)
from domain.decider import Ask, Occasion
from domain.demand import Demand
from domain.exceeding import Takes
from domain.searching import Receipt, Thing
from domain.words import Words
from ledger.act import Evidence
from ledger.book import Book
from projections import fitting, inventory, matching, searching
from projections.matching import Classes, Code, Index, Listing, Match, Terms, Want, pieces
from projections.scope import Rows
from projections.wants import still_wanted

MEDIA: Final = "application/vnd.gongwu.allocation+json+gzip"
REASONS_MAX: Final = 3  # things that a want might have had, each with why it does not get it
DECIDING: Final = frozenset({"confirm", "confirm_rest", "change", "decline"})
NUMBER: Final = re.compile(r"\d{1,12}(\.\d{1,6})?", re.ASCII)
Look = Callable[[Rows], Sequence[Any]]


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Why a want does not get something that fits it: who gets it instead."""

    asset: str
    total: int
    takers: tuple[str, ...]


class Unserved(msgspec.Struct, frozen=True, kw_only=True):
    """A want that gets less than it asks for: how much it lacks, and why."""

    demand: str
    lacking: int
    reasons: tuple[Reason, ...]  # none: nothing on offer fits
    beyond: tuple[Words, ...] = ()  # the standard or quota that leaves no room for more


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """What was proposed, on what it rests, and why: the evidence of a proposal."""

    on: date
    position: int
    rules: str
    solver: str
    seed: str
    gap: int
    wants: tuple[Want, ...]
    listings: tuple[Listing, ...]
    lines: tuple[Proposed, ...]
    own: tuple[Proposed, ...]  # what units have themselves of what they want
    unserved: tuple[Unserved, ...]
    quotas: Mapping[str, int] = {}  # what is left of each, where more is refused
    classes: tuple[tuple[Code, tuple[Code, ...]], ...] = ()  # by which codes were compared

    @property
    def terms(self) -> Terms:
        """Return on which terms it was worked out."""
        return Terms(on=self.on, classes=Classes(dict(self.classes)))


class Proposals:
    """Whoever works proposals out and reads them back."""

    def __init__(
        self,
        book: Book,
        rows: Look,
        receipt: Callable[[str, Takes, date], Receipt],
        terms: Callable[[date], Terms],
        rooms: Callable[[date], Rooms],
    ) -> None:
        self.book, self.rows, self.receipt = book, rows, receipt
        self.terms, self.rooms = terms, rooms

    def informed(
        self, occasion: Occasion, asks: Iterable[Ask], today: date
    ) -> tuple[Occasion, list[Evidence]]:
        """Return the occasion with what the steps of proposals must have seen, and its evidence."""
        seen: list[Any] = []
        kept: list[Evidence] = []
        for ask in asks:
            if not ask.stream.startswith("allocation/"):
                continue
            state: Allocation = self.book.stream(ask.stream).state
            if ask.verb == "propose" and not state.sha256:
                document = self.worked_out(today)
                evidence = Evidence(MEDIA, packed(document))
                kept.append(evidence)
                seen.append(summary(ask.stream, document, evidence.sha256))
            elif ask.verb in DECIDING and state.sha256:
                lines = self.asked(state, ask)
                seen.append(LinesSeen(stream=ask.stream, lines=lines))
                seen += self.receipts(ask, lines, occasion.on)
        if not seen:
            return occasion, kept
        return msgspec.structs.replace(occasion, seen=(*occasion.seen, *seen)), kept

    def worked_out(self, today: date) -> Document:
        """Allocate everything on offer to everything wanted, as the lists stand."""
        # The solver is large; a server that proposes nothing does not load it.
        from projections import allocating

        position = int(self.rows(searching.position())[0]["position"])
        size, root, _ = self.book.head()
        seed = f"{size}:{root.hex()[:32]}"  # nobody chooses it, everybody can look it up
        units = fitting.units_of(self.rows)
        rooms, quotas, rows = self.rooms(today), dict[str, int](), dict[str, Any]()
        wants: list[Want] = []
        whole: dict[str, int] = {}  # how many are wanted, whether or not there is room for them
        for row in self.rows(still_wanted()):
            want = fitting.want_of(row, units)
            rows[want.id], whole[want.id] = row, want.quantity
            wants.append(want := rooms.allowed(row, want))
            if want.quota:
                # Posts are stated with each want; where they differ the fewest count.
                for key, left in rooms.left(row).items():
                    quotas[key] = min(left, quotas.get(key, left))
        refused = frozenset[str]().union(*(want.turned_down for want in wants))
        cards = self.rows(fitting.offers(today, limit=None))
        listings = tuple(
            listing
            for card in cards
            if (listing := fitting.listing_of(card, units, refused)).quantity
        )
        terms = self.terms(today)
        found = allocating.allocate(
            [w for w in wants if w.quantity], listings, terms, seed=seed, quotas=quotas
        )
        asked = {want.id: want for want in wants}
        offered = {listing.id: listing for listing in listings}
        every = [
            Proposed(
                line=0,
                demand=grant.want,
                asset=grant.listing,
                quantity=str(grant.quantity),
                to_unit=asked[grant.want].unit,
                item=asked[grant.want].name,
                score=score(asked[grant.want], offered[grant.listing], terms),
                posts=self.posts(grant.want, asked[grant.want].unit),
            )
            for grant in found.grants
        ]
        # What a unit offers and wants itself it issues itself; nothing is reallocated.
        own = tuple(one for one in every if one.to_unit == offered[one.asset].unit)
        lines = tuple(
            msgspec.structs.replace(one, line=number, beyond=beyond)
            for number, (one, beyond) in enumerate(
                flagged((one for one in every if one not in own), offered, rows, rooms), 1
            )
        )
        given = Counter[str]()
        for one in every:
            given.update(
                dict.fromkeys((asked[one.demand].quota, *asked[one.demand].also), int(one.quantity))
            )
        return Document(
            on=today,
            position=position,
            rules=fitting.RULES,
            solver=found.solver,
            seed=seed,
            gap=found.gap,
            wants=tuple(wants),
            listings=listings,
            lines=lines,
            own=own,
            unserved=tuple(
                msgspec.structs.replace(one, beyond=rooms.full(rows[one.demand], given))
                for one in unserved(wants, whole, listings, (*lines, *own), terms)
            ),
            quotas=quotas,
            classes=tuple(terms.classes.targets.items()),
        )

    def posts(self, demand: str, unit: str) -> int | None:
        """Return how many posts a unit stated for its want."""
        state: Demand = self.book.stream(f"demand/{demand}").state
        return state.posts.get(unit)

    def document(self, sha256: str) -> Document:
        """Return what was proposed."""
        kept = self.book.log.evidence(sha256)
        assert kept is not None, f"evidence {sha256} is named in the log and not there"
        return msgspec.json.decode(gzip.decompress(kept[1]), type=Document)

    def asked(self, state: Allocation, ask: Ask) -> tuple[Proposed, ...]:
        """Return the lines that a step is about."""
        numbers: Iterable[object] = (
            undecided(state)[:LINES_AT_ONCE_MAX]
            if ask.verb == "confirm_rest"
            else (ask.form.get("line"),)
        )
        wanted = set(numbers)
        return tuple(line for line in self.document(state.sha256).lines if line.line in wanted)

    def receipts(self, ask: Ask, lines: Iterable[Proposed], on: date) -> Iterable[Receipt]:
        """Hold every reallocation that a decision begins to the standards of who gets it (T49)."""
        if ask.verb == "decline":
            return
        of = Occasion(by="", on=on, stream=ask.stream)
        for line in lines:
            asset, quantity = line.asset, line.quantity
            if ask.verb == "change":
                asset = str(ask.form.get("asset", asset))
                quantity = str(ask.form.get("quantity") or quantity)
            takes = Takes(line.to_unit, (), things=self.part(asset, quantity, line.to_unit))
            yield self.receipt(f"reallocation/{case_of(of, line.line)}", takes, on)

    def part(self, asset: str, quantity: str, to_unit: str) -> tuple[Thing, ...]:
        """Return what a unit gets of a card, as a standard counts it; nothing of what it has already."""
        rows = self.rows(inventory.one(asset))
        if not NUMBER.fullmatch(quantity):  # the step itself refuses it
            return ()
        if not rows or rows[0]["accounting_unit"] == to_unit:
            return ()
        row = rows[0]
        price = fitting.price_of(row)
        value = None if price is None else price * max(1, pieces(quantity))
        return (Thing(row["kind"], row["class_code"], quantity, value),)


def flagged(
    lines: Iterable[Proposed],
    offered: Mapping[str, Listing],
    rows: Mapping[str, Any],
    rooms: Rooms,
) -> Iterator[tuple[Proposed, tuple[Words, ...]]]:
    """Yield each line with the standards and quotas that it takes its unit over, line by line."""
    given: Counter[str] = Counter()
    for line in lines:
        room = rooms.of(rows[line.demand])
        over: list[Words] = []
        for bound in room.bounds:
            given[bound.key] += int(line.quantity)
            if bound.beyond(given[bound.key], offered[line.asset].unit_price):
                over.append(bound.title)
        yield line, tuple(over)


def score(want: Want, listing: Listing, terms: Terms) -> int:
    """Return how well a pair fits, of 1000."""
    match = matching.weigh(want, listing, terms)
    return match.total if isinstance(match, Match) else 0


def summary(stream: str, document: Document, sha256: str) -> ProposalSeen:
    """Return what the entry says of a proposal."""
    return ProposalSeen(
        stream=stream,
        on=document.on,
        position=document.position,
        sha256=sha256,
        rules=document.rules,
        solver=document.solver,
        seed=document.seed,
        wants=len(document.wants),
        offers=len(document.listings),
        lines=len(document.lines),
        served=sum(int(line.quantity) for line in document.lines),
        gap=document.gap,
    )


def unserved(
    wants: Sequence[Want],
    whole: Mapping[str, int],
    listings: Sequence[Listing],
    lines: Iterable[Proposed],
    terms: Terms,
) -> Iterable[Unserved]:
    """Yield the wants that lack something, with the best things they might have had and who has them."""
    gets: Counter[str] = Counter()
    takers: dict[str, list[str]] = {}
    for line in lines:
        gets[line.demand] += int(line.quantity)
        takers.setdefault(line.asset, []).append(line.demand)
    index = Index(terms.classes, listings)
    for want in wants:
        lacking = whole[want.id] - gets[want.id]
        if lacking <= 0:
            continue
        best = (m for m in index.best(want, terms) if want.id not in takers.get(m.listing, ()))
        reasons = tuple(
            Reason(asset=m.listing, total=m.total, takers=tuple(takers.get(m.listing, ())))
            for m, _ in zip(best, range(REASONS_MAX), strict=False)
        )
        yield Unserved(demand=want.id, lacking=lacking, reasons=reasons)


def plain(document: Document) -> Mapping[str, Any]:
    """Return a proposal as a JSON value."""
    value: Mapping[str, Any] = msgspec.to_builtins(document)
    return value
