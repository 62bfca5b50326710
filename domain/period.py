"""Closing a period of a unit's books: two persons say that its figures stand from now on.

What is recorded later about a closed period keeps its true date and counts in the next one: the
closed figures are told as they were known at the close, whatever comes (T98). A stream is one
unit's periods; the first begins with its books.
"""

from __future__ import annotations

from datetime import date
from typing import Any, TypeAlias, assert_never

import msgspec
from msgspec.structs import replace

from domain.decider import Event, Lang, Lifecycle, Occasion, Rule
from domain.values import Given, PersonId, Text
from domain.words import Role, Words


class Period(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Until which day the books are closed, and which close somebody has proposed."""

    closed: tuple[date, ...] = ()
    until: date | None = None
    proposer: str = ""

    @property
    def last(self) -> date | None:
        """Return the last day that is closed."""
        return self.closed[-1] if self.closed else None

    def describe(self, lang: Lang) -> str:
        """Say until when the books are closed."""
        if lang == "zh":
            said = f"已结账至{self.last}" if self.last else "尚未结账"
            return said + (f"，拟结账至{self.until}，待复核" if self.until else "")
        said = f"The books are closed until {self.last}" if self.last else "No period is closed"
        return said + (f"; closing until {self.until} waits to be checked" if self.until else "")


lifecycle: Lifecycle[Period] = Lifecycle("period", Period, Words("会计期间", "Period"))

# What happened ----------------------------------------------------------------


class CloseProposed(
    Event,
    name="period.close_proposed",
    zh="拟结账至{until}：{note}",
    en="Proposed to close the books until {until}: {note}",
    duty="apply",
    matter="until",
):
    """#61 Who keeps the books says that everything until a day is in them."""

    proposer: PersonId
    until: date
    note: Text = ""


class CloseDeclined(
    Event,
    name="period.close_declined",
    zh="不同意结账至{until}：{reason}",
    en="Close until {until} declined: {reason}",
    duty="approve",
    matter="until",
):
    """#61 Whoever checked them found something missing; the period stays open."""

    until: date
    reason: Text


class PeriodClosed(
    Event,
    name="period.closed",
    zh="结账至{until}",
    en="Books closed until {until}",
    duty="approve",
    matter="until",
    boundary=True,
):
    """#61 Another person agreed: the figures until that day are those known at this entry."""

    until: date


PeriodEvent: TypeAlias = CloseProposed | CloseDeclined | PeriodClosed

# Where that leaves us ---------------------------------------------------------


def evolve(period: Period, event: PeriodEvent) -> Period:
    """What an event means. Never refuses: it already happened."""
    match event:
        case CloseProposed(proposer=proposer, until=until):
            return replace(period, until=until, proposer=proposer)
        case CloseDeclined():
            return replace(period, until=None, proposer="")
        case PeriodClosed(until=until):
            return replace(period, closed=(*period.closed, until), until=None, proposer="")
        case _:
            assert_never(event)


lifecycle.part(PeriodEvent, evolve)

# What may be asked ------------------------------------------------------------


def own_books(_: Any, occasion: Occasion) -> bool:
    """Answer whether a stream named after a unit is asked by that unit, or by finance for it."""
    return (
        occasion.role == Role.FINANCE
        or not occasion.unit
        or not occasion.stream
        or occasion.stream.partition("/")[2] == occasion.unit
    )


BOOKKEEPERS = (Role.ACCOUNTANT,)
CHECKERS = (Role.HEAD, Role.FINANCE)
NOTHING_ASKED = Rule(
    slug="close-waits-already",
    zh="已有一次结账待复核。",
    en="A close waits to be checked already.",
    holds=lambda period, _: period.until is None,
)
ASKED = Rule(
    slug="no-close-proposed",
    zh="没有待复核的结账。",
    en="No close waits to be checked.",
    holds=lambda period, _: period.until is not None,
)
ANOTHER_CHECKS = Rule(
    slug="own-close",
    zh="结账须由另一人复核。",
    en="Another person checks the close.",
    law="《行政事业性国有资产管理条例》第51条",
    holds=lambda period, occasion: period.proposer != occasion.by,
)
OWN_BOOKS = Rule(
    slug="books-of-another-unit",
    zh="只能办理本单位的结账；财政部门可以复核其他单位的结账。",
    en="A unit closes its own books; only the finance department checks those of others.",
    holds=own_books,
)
OVER = Rule(
    slug="period-not-over",
    zh="期间截止日{until}须早于业务日期{on}：期间尚未结束。",
    en="The period until {until} is not over on {on}; close it the day after.",
)
FORWARD = Rule(
    slug="period-closed-already",
    zh="账已结至{last}；{until}不在其后。",
    en="The books are closed until {last} already; {until} is not after it.",
)


@lifecycle.verb(NOTHING_ASKED, OWN_BOOKS, zh="拟结账", en="Propose a close", roles=BOOKKEEPERS)
def propose_close(
    period: Period, occasion: Occasion, *, until: date, note: Text = ""
) -> CloseProposed:
    """Say that everything until a day is in the books, so that another person checks it."""
    if until >= occasion.on:
        raise OVER.broken(until=until, on=occasion.on)
    if period.last is not None and until <= period.last:
        raise FORWARD.broken(last=period.last, until=until)
    return CloseProposed(proposer=occasion.by, until=until, note=note)


@lifecycle.verb(
    ASKED, OWN_BOOKS, ANOTHER_CHECKS, zh="复核结账", en="Close the period", roles=CHECKERS
)
def close(period: Period, _: Occasion) -> PeriodClosed:
    """Let the figures until that day stand as they are known now."""
    assert period.until is not None
    return PeriodClosed(until=period.until)


@lifecycle.verb(
    ASKED, OWN_BOOKS, ANOTHER_CHECKS, zh="不同意结账", en="Decline the close", roles=CHECKERS
)
def decline(period: Period, _: Occasion, *, reason: Given) -> CloseDeclined:
    """Say what is missing; the period stays open."""
    assert period.until is not None
    return CloseDeclined(until=period.until, reason=reason)
