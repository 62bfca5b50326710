"""A thing that one case keeps is kept from every other, whatever way people take to it (T26)."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date, timedelta
from typing import Any

import pytest
from doors import CARD, Door, app_of, staffed
from given import TODAY, Ledger
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.office import Actor, Office
from domain.decider import Refused
from domain.holding import HeldForProcess, ReleasedFromProcess
from domain.policy import Claiming, Policy
from ledger.verifying import verify

DAY = timedelta(days=1)
THINGS = range(3)
PEOPLE = ("u_clerk", "u_b", "u_c")
_stories = itertools.count(1)


# What anybody may try ---------------------------------------------------------------


def _claim(things: list[str], day: date) -> tuple[str, str, dict[str, Any]]:
    return "claim", "claim", {"asset": things[0], "to_unit": "o_b", "purpose": "会议"}


def _lend(things: list[str], day: date) -> tuple[str, str, dict[str, Any]]:
    form = {"lender": "o_a", "borrower": "o_c", "assets": things, "due": day + 30 * DAY}
    return "loan", "request", form | {"purpose": "用"}


def _reallocate(things: list[str], day: date) -> tuple[str, str, dict[str, Any]]:
    form = {"from_unit": "o_a", "to_unit": "o_c", "item": "桌", "assets": things}
    return "reallocation", "request", form


def _take_in(things: list[str], day: date) -> tuple[str, str, dict[str, Any]]:
    form = {"unit": "o_a", "ground": "idle", "warehouse": "p_w", "assets": things}
    return "intake", "apply", form


BEGUN: tuple[Callable[[list[str], date], tuple[str, str, dict[str, Any]]], ...] = (
    _claim, _lend, _reallocate, _take_in,
)  # fmt: skip
GIVEN_UP = {"claim": "release_claim", "loan": "withdraw", "reallocation": "withdraw"} | {
    "intake": "withdraw"
}
step = st.one_of(
    st.tuples(
        st.just("begin"),
        st.sampled_from(BEGUN),
        st.lists(st.sampled_from(THINGS), min_size=1, max_size=3, unique=True),
        st.sampled_from(PEOPLE),
    ),
    st.tuples(st.just("give up"), st.integers(0, 9), st.none(), st.none()),
    st.tuples(st.just("days"), st.integers(1, 8), st.none(), st.none()),
)


@pytest.fixture(scope="module")
def book(module_database: str) -> Iterator[Ledger]:
    ledger = Ledger(module_database)
    ledger.policy = Policy(name="place", version=1, claiming=Claiming(hold_days=5))
    # What is to come is told as well: the clock of the book stands a year later.
    clock = ledger.book.clock
    ledger.book.clock = lambda: clock() + 365 * DAY
    yield ledger
    ledger.close()


@pytest.mark.target("T26")
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=st.lists(step, min_size=4, max_size=14))
def test_no_two_cases_ever_keep_one_thing(book: Ledger, story: list[Any]) -> None:
    book.on = TODAY
    number = next(_stories)
    things = [f"T{number}-{n}" for n in THINGS]
    for thing in things:
        book.card(thing, name="会议桌", kind="furniture")
        book.ask("u_clerk", f"asset/{thing}", "declare_idle")
        book.ask("u_clerk", f"asset/{thing}", "list_for_reuse", description="九成新")
    begun: list[str] = []
    for what, which, chosen, who in story:
        if what == "days":
            book.on += which * DAY
        elif what == "give up" and begun:
            stream = begun[which % len(begun)]
            with suppress(Refused):
                verb = GIVEN_UP[stream.split("/")[0]]
                book.ask(by_of(book, stream), stream, verb, reason="不用了")
        elif what == "begin":
            kind, verb, form = which([things[n] for n in chosen], book.on)
            stream = f"{kind}/S{number}-{len(begun)}"
            with suppress(Refused):
                book.ask(who, stream, verb, **form)
                begun.append(stream)
    for thing in things:
        assert overlaps(book, thing) == []


def by_of(book: Ledger, stream: str) -> str:
    """Return who began a case, who may also give it up."""
    return str(book.book.stream(stream).entries[0].actor)


def overlaps(book: Ledger, thing: str) -> list[str]:
    """Return what the log alone says of two that kept a thing at once; nothing of the domain's."""
    keeper, until, found = "", None, []
    for entry in book.book.stream(f"asset/{thing}").entries:
        day = date.fromisoformat(entry.effective_at[:10])
        match entry.event:
            case HeldForProcess(case=case, until=last):
                if keeper and case != keeper and (until is None or day <= until):
                    found.append(f"{case} on {day} while {keeper} keeps it until {until}")
                keeper, until = case, last
            case ReleasedFromProcess(case=case):
                if case == keeper:
                    keeper, until = "", None
            case _:
                pass
    return found


# The same answer at every door ------------------------------------------------------


@pytest.mark.target("T26")
def test_every_door_is_refused_by_the_same_rule_and_a_list_as_a_whole(database: str) -> None:
    with staffed(database) as office:
        door = Door(app_of(office))
        for thing in ("A1", "A2"):
            card = CARD | {"asset_no": f"SL-{thing}"}
            assert door.post(f"asset/{thing}/register_existing", card).status_code == 200
        loan = {"lender": "o_a", "borrower": "o_b", "due": "2099-01-01", "purpose": "会议"}
        first = door.post("loan/L1/request", loan | {"assets": ["A1"]})
        assert first.status_code == 200, first.text
        size = office.book.head()[:2]
        alone = door.post("loan/L2/request", loan | {"assets": ["A1"]})
        many = door.post("loan/L3/request", loan | {"assets": ["A2", "A1"]})
        direct = door.post("asset/A1/issue", {"user": "u_9", "place": "p_1", "purpose": "办公"})
        slugs = {answer.json()["type"].rsplit("/", 1)[-1] for answer in (alone, many, direct)}
        assert {a.status_code for a in (alone, many, direct)} == {409}, (alone.text, direct.text)
        for channel in ("web", "scan", "cli"):
            slugs |= {asked_by(office, channel)}
        assert len(slugs) == 1, slugs
        assert office.book.head()[:2] == size  # of the list, the free one is not taken either
        assert verify(office.book).intact


def asked_by(office: Office, channel: str) -> str:
    """Return the rule that refuses the same thing through a channel."""
    clerk = Actor(person="u_clerk", unit="o_a", role="clerk")
    form = {"user": "u_9", "place": "p_1", "purpose": "办公"}
    with pytest.raises(Refused) as caught:
        office.ask("asset/A1", "issue", form, clerk, channel=channel)
    return caught.value.rule.slug
