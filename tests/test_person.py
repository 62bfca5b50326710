"""People in office: roles with dates, powers delegated and taken back, and who may do neither."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from given import TODAY, Ledger, given

from domain import person, unit
from domain.decider import Ask, Event
from domain.person import (
    DelegationRevoked,
    NameBound,
    Named,
    Person,
    PowersDelegated,
    PowersLapsed,
    PowersReceived,
    RoleAssigned,
    RoleEnded,
)
from domain.words import Role
from projections import people
from projections.store import ReadModels

DAY = timedelta(days=1)
JULY = date(2025, 7, 31)
past = partial(given, person.lifecycle)


def assigned(
    role: Role = Role.HEAD, since: date = TODAY, until: date | None = None
) -> RoleAssigned:
    return RoleAssigned(unit="o_a", post=role, since=since, until=until)


def received(until: date = JULY) -> PowersReceived:
    return PowersReceived(delegator="u_head", unit="o_a", post=Role.HEAD, since=TODAY, until=until)


delegated = PowersDelegated(
    delegate="u_vice", unit="o_a", post=Role.HEAD, since=TODAY, until=JULY, reason="休假"
)
MINE = {"by": "u_head", "role": "head", "stream": "person/u_head"}
HAND_ON = {"delegate": "u_vice", "unit": "o_a", "post": "head", "until": JULY, "reason": "休假"}


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    book = Ledger(database)
    book.on = date(2025, 1, 1)
    book.ask("u_admin", "unit/o_a", "establish", name="示例市教育局", kind="organ")
    book.on = TODAY
    yield book
    book.close()


# Names ----------------------------------------------------------------------------


def test_a_name_is_bound_as_the_directory_knows_it_and_once() -> None:
    """Nobody types it: what is bound is what the directory answered, of this very person."""
    mine, other = Named("u_1", "ab" * 32), Named("u_2", "cd" * 32)
    asking = past().at(stream="person/u_1", by="u_admin")
    asking.at(seen=(other, mine)).when(person.record_name).then(NameBound(commitment="ab" * 32))
    asking.at(seen=(other,)).when(person.record_name).then_refused(person.NAME_KNOWN)
    again = past(NameBound(commitment="ab" * 32)).at(stream="person/u_1", by="u_admin")
    again.at(seen=(mine,)).when(person.record_name).then_refused(person.NAME_NEW)
    renamed = Named("u_1", "ef" * 32)
    again.at(seen=(renamed,)).when(person.record_name).then_granted()


# Roles ----------------------------------------------------------------------------


def test_a_role_is_held_from_its_first_day_to_its_last() -> None:
    state = past(assigned(until=JULY)).state
    held = [state.may(on, "o_a", "head") for on in (TODAY - DAY, TODAY, JULY, JULY + DAY)]
    assert held == [False, True, True, False]
    assert not state.may(TODAY, "o_b", "head")
    assert not state.may(TODAY, "o_a", "clerk")


def test_an_administrator_assigns_a_role_in_a_unit_that_exists(ledger: Ledger) -> None:
    past().when(person.assign, unit="o_a", post="head").then(
        assigned(), Ask("unit/o_a", "employ", {})
    )
    ledger.ask("u_admin", "person/u_1", "assign", unit="o_a", post="clerk", until=JULY)
    ledger.refuses(unit.EXISTS, "u_admin", "person/u_1", "assign", unit="o_nowhere", post="clerk")
    assert ledger.facts("person/u_1") == ["person.role_assigned"]


@pytest.mark.parametrize("days", [(-1, None), (1, 0), (0, -1)])
def test_days_come_in_order(days: tuple[int, int | None]) -> None:
    first, last = days
    until = None if last is None else TODAY + last * DAY
    past().when(
        person.assign, unit="o_a", post="head", since=TODAY + first * DAY, until=until
    ).then_refused(person.IN_ORDER)


def test_nobody_assigns_a_role_to_themselves() -> None:
    me = past().at(by="u_1", role="admin", stream="person/u_1")
    me.when(person.assign, unit="o_a", post="head").then_refused(person.OTHERS_ROLE)
    me.when(person.assign, unit="o_a", post="admin").then_granted()  # says what they are
    past(assigned(Role.ADMIN)).at(by="u_1", role="admin", stream="person/u_1").when(
        person.assign, unit="o_b", post="admin"
    ).then_refused(person.OTHERS_ROLE)


def test_a_role_is_held_once_at_a_time() -> None:
    held = past(assigned(until=JULY))
    held.when(person.assign, unit="o_a", post="head", since=JULY).then_refused(person.NOT_TWICE)
    held.when(person.assign, unit="o_a", post="head", since=JULY + DAY).then_granted()
    held.when(person.assign, unit="o_b", post="head").then_granted()


@pytest.mark.parametrize("alone", sorted(person.INDEPENDENT))
def test_who_watches_or_keeps_the_system_does_nothing_else(alone: Role) -> None:
    past(assigned(alone)).when(person.assign, unit="o_a", post="clerk").then_refused(
        person.INDEPENDENT_ALONE
    )
    past(assigned(Role.CLERK, until=JULY)).when(person.assign, unit="o_a", post=alone).then_refused(
        person.INDEPENDENT_ALONE
    )
    past(assigned(Role.CLERK, until=JULY)).when(
        person.assign, unit="o_a", post=alone, since=JULY + DAY
    ).then_granted()
    past(assigned(alone)).when(
        person.receive_powers, delegator="u_h", unit="o_a", post="head", since=TODAY, until=JULY
    ).then_refused(person.INDEPENDENT_ALONE)


def test_a_role_ends_at_once_or_on_a_day() -> None:
    end: dict[str, Any] = {"unit": "o_a", "post": "head", "reason": "调离"}
    since = TODAY - 9 * DAY
    held = past(assigned(since=since))
    held.when(person.end_role, **end).then(
        RoleEnded(unit="o_a", post=Role.HEAD, until=TODAY - DAY, reason="调离")
    )
    ended = past(assigned(since=since), RoleEnded(until=TODAY - DAY, **end)).state
    assert ended.may(TODAY - DAY, "o_a", "head")
    assert not ended.may(TODAY, "o_a", "head")
    held.when(person.end_role, until=JULY, **end).then_granted()
    held.when(person.end_role, until=TODAY - 2 * DAY, **end).then_refused(person.IN_ORDER)
    past().when(person.end_role, **end).then_refused(person.HAS_ROLE)
    past(assigned(since=since, until=TODAY - DAY)).when(person.end_role, **end).then_refused(
        person.HAS_ROLE
    )


def test_a_role_that_ends_takes_its_delegations_along() -> None:
    past(assigned(), delegated).at(stream="person/u_head").when(
        person.end_role, unit="o_a", post="head", until=TODAY, reason="调离"
    ).then(
        RoleEnded(unit="o_a", post=Role.HEAD, until=TODAY, reason="调离"),
        Ask(
            "person/u_vice",
            "lose_powers",
            {"delegator": "u_head", "unit": "o_a", "post": Role.HEAD, "until": TODAY},
        ),
    )


# Delegation -----------------------------------------------------------------------


@pytest.mark.target("T30")
def test_a_delegation_is_dated_and_written_on_both_sides(ledger: Ledger) -> None:
    for who, role in (("u_head", "head"), ("u_vice", "clerk")):
        ledger.ask("u_admin", f"person/{who}", "assign", unit="o_a", post=role)
    ledger.ask("u_head", "person/u_head", "delegate", **HAND_ON)
    vice: Person = ledger.state("person/u_vice")
    assert [vice.may(on, "o_a", "head", "u_head") for on in (TODAY, JULY, JULY + DAY)] == [
        True,
        True,
        False,
    ]
    assert not vice.may(TODAY, "o_a", "head"), "only in the name of who delegated it"
    ledger.ask(
        "u_head", "person/u_head", "revoke", delegate="u_vice", unit="o_a", post="head",
        reason="提前返岗",
    )  # fmt: skip
    assert not ledger.state("person/u_vice").may(TODAY, "o_a", "head", "u_head")
    assert ledger.facts("person/u_vice")[1:] == ["person.powers_received", "person.powers_lapsed"]


def test_only_the_holder_delegates_and_only_to_others() -> None:
    mine = past(assigned()).at(**MINE)
    mine.when(person.delegate, **HAND_ON).then(
        delegated,
        Ask(
            "person/u_vice",
            "receive_powers",
            {
                "delegator": "u_head", "unit": "o_a", "post": Role.HEAD, "since": TODAY,
                "until": JULY,
            },
        ),
    )  # fmt: skip
    mine.when(person.delegate, **HAND_ON | {"delegate": "u_head"}).then_refused(
        person.ANOTHER_PERSON
    )
    past(assigned()).at(**MINE | {"by": "u_other"}).when(person.delegate, **HAND_ON).then_refused(
        person.OWN_POWERS
    )


def test_nobody_delegates_what_they_do_not_hold_on_every_day() -> None:
    for history in ([], [assigned(until=JULY - DAY)], [assigned(since=TODAY + DAY)]):
        past(*history).at(**MINE).when(person.delegate, **HAND_ON).then_refused(person.WHILE_HELD)
    past(assigned(until=JULY)).at(**MINE).when(person.delegate, **HAND_ON).then_granted()


def test_what_was_delegated_is_not_delegated_onwards() -> None:
    vice = {"by": "u_vice", "role": "head", "stream": "person/u_vice"}
    form = HAND_ON | {"delegate": "u_third"}
    holds: list[Event] = [assigned(Role.CLERK), received()]
    past(*holds).at(**vice).when(person.delegate, **form).then_refused(person.NOT_ONWARDS)
    past(*holds).at(**vice, behalf="u_head").when(person.delegate, **form).then_refused(
        person.NOT_ONWARDS
    )


@pytest.mark.parametrize("alone", sorted(person.INDEPENDENT))
def test_some_powers_are_never_delegated(alone: Role) -> None:
    form = HAND_ON | {"post": alone}
    past(assigned(alone)).at(**MINE).when(person.delegate, **form).then_refused(person.DELEGABLE)


def test_a_delegate_has_a_role_of_their_own_all_the_time() -> None:
    form = {"delegator": "u_head", "unit": "o_a", "post": "head", "since": TODAY, "until": JULY}
    for history in ([], [assigned(Role.CLERK, until=JULY - DAY)]):
        past(*history).when(person.receive_powers, **form).then_refused(person.IN_OFFICE)
    clerk = assigned(Role.CLERK)
    past(clerk).when(person.receive_powers, **form).then(received())
    past(clerk, received()).when(person.receive_powers, **form).then_refused(person.NOT_TWICE)


def test_a_delegation_is_revoked_by_its_giver_or_an_administrator() -> None:
    form: dict[str, Any] = {"delegate": "u_vice", "unit": "o_a", "post": "head", "reason": "返岗"}
    given_ = past(assigned(), delegated)
    revoked = DelegationRevoked(until=TODAY - DAY, **form)
    lost = {"delegator": "u_head", "unit": "o_a", "post": Role.HEAD, "until": TODAY - DAY}
    lapse = Ask("person/u_vice", "lose_powers", lost)
    given_.at(**MINE).when(person.revoke, **form).then(revoked, lapse)
    given_.at(**MINE | {"by": "u_admin", "role": "admin"}).when(person.revoke, **form).then(
        revoked, lapse
    )
    for other in ({"by": "u_clerk", "role": "clerk"}, {"behalf": "u_boss"}):
        given_.at(**MINE | other).when(person.revoke, **form).then_refused(person.OWN_POWERS)
    past(assigned()).at(**MINE).when(person.revoke, **form).then_refused(person.IS_DELEGATED)
    past(assigned(), delegated, revoked).at(**MINE).when(person.revoke, **form).then_refused(
        person.IS_DELEGATED
    )
    state = past(assigned(Role.CLERK), received(), PowersLapsed(**lost)).state
    assert [p.role for p in state.powers_on(TODAY)] == [Role.CLERK]


# Who holds what -------------------------------------------------------------------


def test_who_holds_what_is_told_of_any_day_as_known_on_any_other(ledger: Ledger) -> None:
    models = ReadModels.open(ledger.book.url)
    ledger.on = date(2025, 5, 1)
    ledger.ask("u_admin", "person/u_head", "assign", unit="o_a", post="head")
    ledger.ask("u_admin", "person/u_vice", "assign", unit="o_a", post="clerk")
    before = ledger.book.head()[0]
    ledger.on = date(2025, 6, 1)
    ledger.ask("u_head", "person/u_head", "delegate", **HAND_ON)
    models.catch_up(ledger.book)

    def told(on: date, known: int | None = None) -> list[tuple[str, str, str]]:
        rows = models.rows(people.people_at(on.isoformat(), known, unit="o_a"))
        return [(h.person, h.role, h.delegator) for h in people.holders(rows, on, unit="o_a")]

    own = [("u_head", "head", ""), ("u_vice", "clerk", "")]
    acting = ("u_vice", "head", "u_head")
    assert told(date(2025, 4, 30)) == []
    assert told(date(2025, 5, 31)) == own
    assert told(date(2025, 6, 1)) == [*own, acting]
    assert told(JULY + DAY) == own
    assert told(date(2025, 6, 1), before) == own
    mine = models.rows(people.people_at("2025-06-01", person="u_head"))
    assert {h.person for h in people.holders(mine)} == {"u_head", "u_vice"}
    models.rebuild(ledger.book)
    assert told(date(2025, 6, 1)) == [*own, acting]
    models.close()
