"""Ask the lists what a step must know before it is decided; nobody types the answer.

`submit` of a plan asks what the unit has, `search_reallocation` what could be had instead of
bought; what a reallocation or an exchange brings a unit is held to its standards (T49). What was answered can be asked of the log again, as it was known at that position.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from api.rooming import Rooms
from domain import searching as questions
from domain import standards as rules
from domain.asset import Offer
from domain.claiming import SeedSeen
from domain.decider import Ask, Occasion
from domain.demand import TOLD_MAX, Fits, Foreseen
from domain.exceeding import TAKERS, Takes
from domain.holding import LIST_MAX
from domain.planning import Plan, ReallocationSearched
from domain.searching import FOUND_MAX, Found, Limit, Piece, Receipt, Stock, Thing
from ledger import tree
from ledger.book import Book
from ledger.entry import moment
from projections import fitting, inventory, searching
from projections.matching import Terms
from projections.scope import Rows

NUMBER: Final = re.compile(r"\d{1,12}(\.\d{1,6})?", re.ASCII)
SCHEME: Final = "GB/T 14885-2022"  # of a want that names none
Rowed: TypeAlias = Callable[[Rows], Sequence[Any]]  # what the lists answer to a query


class Search:
    """Whoever answers for the lists of one office."""

    def __init__(
        self,
        book: Book,
        rows: Rowed,
        region_of: Callable[[str, date], str],
        terms: Callable[[date], Terms],
        rooms: Callable[[date], Rooms],
        zone: str,
    ) -> None:
        self.book, self.rows, self.region_of = book, rows, region_of
        self.terms, self.rooms, self.zone = terms, rooms, ZoneInfo(zone)

    def informed(self, occasion: Occasion, asks: Iterable[Ask], today: date) -> Occasion:
        """Return the occasion with what the steps that are asked must have seen."""
        seen: list[Found | Stock | Receipt | Fits | Foreseen | SeedSeen] = []
        for ask in asks:
            if ask.stream.partition("/")[0] in TAKERS:
                seen += self.receipts(ask, occasion.on)
            if ask.verb == "list_for_reuse":
                seen += self.fits(ask, occasion)
            if ask.stream.startswith("demand/") and ask.verb == "publish":
                seen += self.foreseen(ask, occasion.on)
            if ask.stream.startswith("claim/") and ask.verb == "settle":
                seen += self.seeds(ask)
            if ask.stream.startswith("plan/") and ask.verb in QUESTIONS:
                plan: Plan = self.book.stream(ask.stream).state
                seen += QUESTIONS[ask.verb](self, ask, plan, occasion.on, today)
        return msgspec.structs.replace(occasion, seen=tuple(seen)) if seen else occasion

    def seeds(self, ask: Ask) -> Iterable[SeedSeen]:
        """Take the seed of a draw from the log: an entry recorded when nobody could claim any more.

        It is the last one before the claims were closed, or the last of the thing itself where
        claims were recorded later; the salt in it is the server's.
        """
        claim = self.book.stream(ask.stream).state
        entries = self.book.stream(f"asset/{claim.asset}").entries if claim.asset else ()
        if claim.decided_from is None or not entries:
            return
        # The day before ends where the place is, not in Greenwich.
        midnight = datetime.combine(claim.decided_from, time(), self.zone)
        eve = moment(midnight - timedelta(microseconds=1))
        position = max(self.book.position_known(eve), entries[-1].position)
        (entry,) = self.book.entries(position, position)
        yield SeedSeen(claim=ask.stream, position=position, seed=tree.leaf(entry.state).hex())

    def found(self, ask: Ask, plan: Plan, _: date, today: date) -> Iterable[Found]:
        """Search the inventory of now for what meets one line of a plan."""
        line = plan.line(ask.form.get("line", 0))
        if line is None:
            return
        also = self.terms(today).classes.meant(line.class_code)[: questions.ALSO_MAX]
        query = searching.to_be_had(line.kind, line.class_code, today, also)
        position, pieces = self._pieces(query)
        yield Found(
            plan=ask.stream.partition("/")[2],
            line=line.number,
            on=today,
            position=position,
            count=len(pieces),
            pieces=pieces[:FOUND_MAX],
            sha256=questions.digest(pieces),
            also=also,
        )

    def stock(self, ask: Ask, plan: Plan, on: date, today: date) -> Iterable[Stock]:
        """Take the stock of a unit for every line of its plan, and find the standards."""
        for line in plan.lines:
            cards = searching.in_stock(plan.unit, line.kind, line.class_code)
            position, pieces = self._pieces(cards)
            yield Stock(
                plan=ask.stream.partition("/")[2],
                line=line.number,
                on=today,
                position=position,
                cards=len(pieces),
                held=questions.together(pieces),
                sha256=questions.digest(pieces),
                limits=tuple(
                    limit
                    for _, limit in self._limits(plan.unit, on, [(line.kind, line.class_code)])
                ),
            )

    def receipts(self, ask: Ask, on: date) -> Iterable[Receipt]:
        """Find what a case brings which unit, and the standards that bind it for that."""
        kind, _, id_ = ask.stream.partition("/")
        for one in TAKERS[kind](self.book.stream(ask.stream).state, ask.verb, ask.form):
            yield self.receipt(f"{one.judged_by or kind}/{id_}", one, on)

    def receipt(self, case: str, one: Takes, on: date) -> Receipt:
        """Find what is taken as a standard counts it, and the standards that bind who takes it."""
        coming = (*self._things(one.coming, one.unit), *one.things)
        sorts = {(thing.kind, thing.class_code) for thing in coming}
        return Receipt(
            case=case,
            unit=one.unit,
            position=int(self.rows(searching.position())[0]["position"]),
            coming=coming,
            going=self._things(one.going),
            limits=tuple(
                (standard.kind.value, limit)
                for standard, limit in self._limits(one.unit, on, sorts)
            ),
        )

    def fits(self, ask: Ask, occasion: Occasion) -> Iterable[Fits]:
        """Find the wants that a card fits which is about to be listed, who is served first first.

        It is offered on the terms of the place on that day: who has to wait for a window of theirs
        hears now from which day it is open to them, and has an open step from that day.
        """
        rows = self.rows(inventory.one(ask.stream.partition("/")[2]))
        if not rows:
            return
        said = {
            name: str(value)
            for name in ("available_from", "offer_until")
            if (value := ask.form.get(name))
        }
        offer = Offer(
            listed_on=occasion.on,
            description=str(ask.form.get("description") or ""),
            remaining_life=str(ask.form.get("remaining_life") or ""),
            delivers=ask.form.get("delivers") in (True, "true", "1", "on"),
            windows=occasion.policy.screening,
        )
        card = {**rows[0], **said, "offer": msgspec.json.encode(offer).decode()}
        card["grade"] = str(ask.form.get("condition") or card["grade"])
        terms, rooms = self.terms(occasion.on), self.rooms(occasion.on)
        found, ahead = fitting.told_of_card(self.rows, card, terms, TOLD_MAX, rooms.allowed)
        yield Fits(
            stream=ask.stream,
            rules=fitting.RULES,
            wants=tuple((fit.match.want, fit.match.total) for fit in found),
            ahead=tuple(
                (fit.match.want, fit.opens_on, fit.match.total) for fit in ahead if fit.opens_on
            ),
        )

    def foreseen(self, ask: Ask, on: date) -> Iterable[Foreseen]:
        """Find what is listed and opens to a want that is about to be published on a later day."""
        form = {name: str(value) for name, value in ask.form.items() if value is not None}
        if not NUMBER.fullmatch(form.get("quantity", "")):  # the step itself refuses it
            return
        row = dict.fromkeys(("class_code", "specification", "measure", "place"), "") | form
        row["class_scheme"] = form.get("class_scheme", SCHEME) if row["class_code"] else ""
        row |= {"id": ask.stream.partition("/")[2], "unit": form.get("to_unit", "")}
        row |= {"item": form.get("item", ""), "remaining": form["quantity"], "rank": 0}
        row |= {"opened_on": on.isoformat(), "declined": "[]"}
        row |= {name: form.get(name, "") for name in ("kind", "needed_by")}
        terms, rooms = self.terms(on), self.rooms(on)
        ahead = fitting.ahead_of_want(self.rows, row, terms, TOLD_MAX, rooms.allowed)
        if ahead:
            yield Foreseen(
                stream=ask.stream,
                rules=fitting.RULES,
                ahead=tuple(
                    (fit.match.listing, fit.opens_on, fit.match.total)
                    for fit in ahead
                    if fit.opens_on
                ),
            )

    def _things(self, ids: Sequence[str], unit: str = "") -> tuple[Thing, ...]:
        if not 1 <= len(ids) <= LIST_MAX:  # the case itself refuses what is too long
            return ()
        return tuple(
            Thing(row["kind"], row["class_code"], row["quantity"], row["value"])
            for row in self.rows(searching.cards(ids, unit))
        )

    def _limits(
        self, unit: str, on: date, sorts: Collection[tuple[str, str]]
    ) -> Iterable[tuple[rules.Standard, Limit]]:
        """Yield the standards that bind a unit for any of these kinds and classes."""
        if not sorts:
            return
        region = self.region_of(unit, on)
        for row in self.rows(searching.published()):
            standard: rules.Standard = self.book.stream(row["id"]).state
            # A card that states no class may be of any.
            if any(
                standard.kind == kind
                and rules.binds(
                    standard,
                    on,
                    kind=standard.kind,
                    class_code=class_code or standard.class_code,
                    unit=unit,
                    region=region,
                )
                for kind, class_code in sorts
            ):
                cards = searching.in_stock(unit, standard.kind, standard.class_code)
                held = questions.together(self._pieces(cards)[1])
                yield standard, rules.limit(row["id"].partition("/")[2], standard, held)

    def _pieces(self, query: Rows) -> tuple[int, tuple[Piece, ...]]:
        rows = self.rows(query)
        pieces = (Piece(row["id"], row["quantity"]) for row in rows if row["id"] is not None)
        return int(rows[0]["position"]), tuple(pieces)

    def again(self, fact: ReallocationSearched) -> tuple[Piece, ...]:
        """Search as the log was known then: every card is folded from its own entries.

        Its `digest` must be the certificate's.
        """
        on = fact.searched_on.isoformat()
        found: list[Piece] = []
        for row in self.rows(searching.candidates(fact.kind, on, fact.position)):
            asset = self.book.state_at(f"asset/{row['id']}", on, fact.position)
            if questions.to_be_had(
                asset, fact.kind, fact.class_code, fact.searched_on, fact.rules, fact.also
            ):
                found.append(Piece(str(row["id"]), asset.quantity))
        return tuple(found)


Question: TypeAlias = Callable[[Search, Ask, Plan, date, date], Iterable[Found | Stock]]
QUESTIONS: dict[str, Question] = {"submit": Search.stock, "search_reallocation": Search.found}
