"""What is offered is claimed: by whom first, for how long, and who of several gets it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from typing import Any

import httpx
import msgspec
import pytest
from doors import CARD, PASSWORD, Door, app_of, registered, staffed
from fastapi import FastAPI
from given import TODAY, Ledger, given

from api.office import Actor
from domain import asset, claiming, leaving, screening, splitting, use, warehouse, waterfall
from domain.asset import AssetRegistered, Custody, Kind, Lock, Offer
from domain.claiming import (
    ClaimEntered,
    ClaimHeld,
    ClaimLapsed,
    ClaimLost,
    ClaimMade,
    ClaimQueued,
    ClaimReleased,
    ClaimsSettled,
    ClaimStatus,
    Ranked,
    SeedSeen,
)
from domain.decider import Ask, Event, Occasion
from domain.holding import HeldForProcess
from domain.open_steps import OpenStep, open_step
from domain.policy import Claiming, Policy, Precedence, Priority, Tie, Tier, Window
from domain.reallocation import SPARE
from domain.screening import Belonging, Opening
from domain.unit import Level, Unit
from domain.use import DeclaredIdle, IssuedToUser, ReturnedByUser
from domain.warehouse import DelistedFromReuse, ListedForReuse
from domain.waterfall import Came, Way
from ledger import tree
from ledger.verifying import verify

thing = partial(given, asset.lifecycle)
case = partial(given, claiming.lifecycle)

DAY = timedelta(days=1)
WINDOWS = (
    Window(scope="own_unit", days=7),
    Window(scope="same_level", days=14),
    Window(scope="others", days=5),
)
TEN_DAYS = Claiming(hold_days=10)
PLACE = Policy(name="place", version=1, screening=WINDOWS, claiming=TEN_DAYS)
ROUND = Claiming(hold_days=10, collect_days=3, order=(Tie.PRIORITY, Tie.DRAW))
RANKS = (
    Precedence(ground=Priority.MEETING, rank=0),
    Precedence(ground=Priority.TEMPORARY, rank=1),
)

desk = AssetRegistered(asset_no="ZC-1", name="会议桌", kind=Kind.FURNITURE, unit="o_a")
chairs = AssetRegistered(
    asset_no="ZC-2", name="会议椅", kind=Kind.FURNITURE, unit="o_a", quantity="100", value=1_000_000
)
idle = DeclaredIdle(since=TODAY - 200 * DAY)
listed = ListedForReuse(listed_on=TODAY, claiming=TEN_DAYS)
screened = ListedForReuse(listed_on=TODAY, windows=WINDOWS, claiming=TEN_DAYS)
gathering = ListedForReuse(listed_on=TODAY, claiming=ROUND)
kept = HeldForProcess(case="claim/K", lock=Lock.RESERVED, until=TODAY + 10 * DAY)
HEARD: dict[str, Any] = {
    "case": "claim/K", "unit": "o_b", "quantity": None, "rank": 0, "until": None,
}  # fmt: skip
made = ClaimMade(applicant="u_b", to_unit="o_b", asset="D1", purpose="会议室")
got = ClaimHeld(
    asset="D1", item="会议桌", quantity="1", giver="o_a", until=TODAY + 10 * DAY
)  # fmt: skip


# What is offered (T41) ----------------------------------------------------------


def test_a_listing_says_on_which_terms_of_the_place_it_is_offered() -> None:
    thing(desk, idle).at(policy=PLACE).when(
        warehouse.list_for_reuse,
        description="九成新",
        condition="良好",
        remaining_life="5年",
        offer_until=TODAY + 30 * DAY,
    ).then(
        ListedForReuse(
            description="九成新",
            condition="良好",
            remaining_life="5年",
            listed_on=TODAY,
            offer_until=TODAY + 30 * DAY,
            windows=WINDOWS,
            claiming=TEN_DAYS,
        )
    ).then_state(listed=True, grade="良好")


def test_an_offer_of_before_its_terms_were_told_is_open_to_everybody_at_once() -> None:
    """What an earlier release wrote says only what it is like."""
    old = thing(desk, idle, ListedForReuse(description="旧")).state.offer
    assert old == Offer(description="旧")
    assert screening.openings(old) == ()
    assert screening.opens_for(screening.openings(old), (Tier.OTHERS,)) is None
    thing(desk, idle, ListedForReuse()).when(
        claiming.hear_claim, **HEARD | {"until": TODAY + DAY}
    ).then_state(lock=Lock.RESERVED, held_until=TODAY + DAY)


@pytest.mark.target("T41")
def test_what_is_in_use_is_offered_only_for_a_later_day() -> None:
    used = thing(desk, IssuedToUser(unit="o_a", user="u_1"))
    for available in (None, TODAY):
        used.when(warehouse.list_for_reuse, available_from=available).then_refused(
            warehouse.OFFERABLE
        )
    used.when(warehouse.list_for_reuse, available_from=TODAY + DAY).then_state(
        listed=True, custody=Custody.IN_USE
    )
    used.when(
        warehouse.list_for_reuse, available_from=TODAY + 2 * DAY, offer_until=TODAY + DAY
    ).then_refused(warehouse.OFFER_ENDS)
    used.when(
        warehouse.list_for_reuse, available_from=TODAY + DAY, offer_until=TODAY + DAY
    ).then_granted()


@pytest.mark.target("T41")
def test_what_is_offered_ahead_stays_offered_and_held_while_its_user_gives_it_back() -> None:
    ahead = ListedForReuse(listed_on=TODAY, available_from=TODAY + 30 * DAY, claiming=TEN_DAYS)
    used = thing(desk, IssuedToUser(unit="o_a", user="u_1"), ahead)
    until = TODAY + 40 * DAY  # ten days from when it will be free
    held = used.when(claiming.hear_claim, **HEARD).then_state(held_until=until)
    thing(desk, IssuedToUser(unit="o_a", user="u_1"), ahead, *events(held.answers)).when(
        use.take_back
    ).then_state(listed=True, custody=Custody.STORE, lock=Lock.RESERVED, held_until=until)
    thing(desk, idle, listed, ReturnedByUser()).then_state(listed=False)


def events(answers: tuple[Event | Ask, ...]) -> list[Event]:
    return [answer for answer in answers if isinstance(answer, Event)]


# Whose turn it is (T45) ---------------------------------------------------------


@pytest.mark.target("T45")
def test_the_windows_follow_one_another_by_the_clock() -> None:
    offer = thing(desk, idle, screened).state.offer
    windows = screening.openings(offer)
    assert windows == (
        Opening(Tier.OWN, TODAY, TODAY + 6 * DAY),
        Opening(Tier.SAME_LEVEL, TODAY + 7 * DAY, TODAY + 20 * DAY),
        Opening(Tier.OTHERS, TODAY + 21 * DAY, TODAY + 25 * DAY),
    )
    tiers = [screening.open_now(windows, TODAY + n * DAY) for n in (-1, 0, 6, 7, 20, 21, 25, 26)]
    assert [found and found.tier for found in tiers] == [
        None, "own_unit", "own_unit", "same_level", "same_level", "others", "others", None,
    ]  # fmt: skip
    assert not screening.screened(windows, TODAY + 25 * DAY)
    assert screening.screened(windows, TODAY + 26 * DAY)


@pytest.mark.target("T45")
@pytest.mark.parametrize(
    ("tiers", "days"),
    [
        ((Tier.OWN, Tier.DEPARTMENT, Tier.SAME_LEVEL, Tier.OTHERS), 0),
        ((Tier.SAME_LEVEL, Tier.OTHERS), 7),
        ((Tier.OTHERS,), 21),
        ((), 26),
    ],
)
def test_a_claim_from_a_tier_that_is_not_open_hears_from_which_day(
    tiers: tuple[Tier, ...], days: int
) -> None:
    offered = thing(desk, idle, screened)
    opens = TODAY + days * DAY
    form = HEARD | {"tiers": tiers}
    if days:
        said = offered.at(on=opens - DAY).when(claiming.answer_claim, **form)
        said.then_refused(claiming.YOUR_TURN)
        assert opens.isoformat() in said.sentence("zh")
    offered.at(on=opens).when(claiming.answer_claim, **form).then_state(
        lock=Lock.RESERVED, case="claim/K", held_until=opens + 10 * DAY
    )


@pytest.mark.target("T45")
def test_how_far_two_units_are_apart_is_their_level_place_and_department() -> None:
    city = Unit(level=Level.PREFECTURE, region="650100", competent="o_goa")
    same = Unit(level=Level.PREFECTURE, region="650100", competent="o_edu")
    below = Unit(level=Level.COUNTY, region="650102", competent="o_goa")
    assert screening.tiers_of(
        screening.belonging(city), screening.belonging(city), own=True
    ) == tuple(Tier)
    assert screening.tiers_of(screening.belonging(city), screening.belonging(same), own=False) == (
        Tier.SAME_LEVEL,
        Tier.OTHERS,
    )
    assert screening.tiers_of(screening.belonging(city), screening.belonging(below), own=False) == (
        Tier.DEPARTMENT,
        Tier.OTHERS,
    )
    assert screening.tiers_of(Belonging(), Belonging(), own=False) == (Tier.OTHERS,)


@pytest.mark.target("T45")
def test_only_what_nobody_took_in_any_window_goes_other_ways() -> None:
    offered = thing(desk, idle, screened)
    form = {"case": "disposal/X", "unit": "o_a", "form": "assignment"}
    last = TODAY + 25 * DAY
    offered.at(on=last).when(leaving.hold_for_disposal, **form).then_refused(leaving.SCREENED)
    offered.at(on=last + DAY).when(leaving.hold_for_disposal, **form).then_granted()
    history = [(TODAY, idle), (TODAY, screened)]
    for on, came in ((last, Came.UNDER_WAY), (last + DAY, Came.NO_USE)):
        tried = waterfall.rungs(PLACE, history, {}, on)
        (trial,) = [trial for rung in tried for trial in rung.trials]
        assert (trial.way, trial.came) == (Way.REALLOCATE, came)
    claimed = [*history, (TODAY, kept)]
    assert {t.came for r in waterfall.rungs(PLACE, claimed, {}, last + DAY) for t in r.trials} == {
        Came.UNDER_WAY
    }


def test_an_offer_ends_on_its_last_day() -> None:
    ends = ListedForReuse(listed_on=TODAY, offer_until=TODAY + DAY, claiming=TEN_DAYS)
    offered = thing(desk, idle, ends)
    offered.at(on=TODAY + DAY).when(claiming.hear_claim, **HEARD).then_granted()
    offered.at(on=TODAY + 2 * DAY).when(claiming.hear_claim, **HEARD).then_refused(
        claiming.STILL_OFFERED
    )


# A hold is real, and ends (T47) ---------------------------------------------------


@pytest.mark.target("T47")
def test_a_claim_holds_the_thing_as_long_as_the_place_allows() -> None:
    offered = thing(desk, idle, listed)
    until = TODAY + 10 * DAY
    told = {"asset": "X", "item": "会议桌", "quantity": "1", "giver": "o_a", "until": until}
    offered.when(claiming.hear_claim, **HEARD).then(
        HeldForProcess(case="claim/K", lock=Lock.RESERVED, until=until),
        Ask("claim/K", "hold", told),
    )
    offered.when(claiming.hear_claim, **HEARD | {"until": until}).then_granted()
    for said in (TODAY - DAY, until + DAY):
        offered.when(claiming.hear_claim, **HEARD | {"until": said}).then_refused(
            claiming.UNTIL_WITHIN
        )


def test_where_the_place_sets_no_time_the_claim_says_until_when() -> None:
    free = thing(desk, idle, ListedForReuse(listed_on=TODAY))
    free.when(claiming.hear_claim, **HEARD).then_refused(claiming.UNTIL_SAID)
    free.when(claiming.hear_claim, **HEARD | {"until": TODAY + 99 * DAY}).then_granted()


LOAN: dict[str, Any] = {
    "lender": "o_a", "borrower": "o_c", "assets": ["D1"], "due": TODAY + 30 * DAY, "purpose": "用",
}  # fmt: skip
OTHER_WAYS: list[tuple[str, str, dict[str, Any]]] = [
    ("loan/L", "request", LOAN),
    (
        "reallocation/R",
        "request",
        {"from_unit": "o_a", "to_unit": "o_c", "item": "桌", "assets": ["D1"]},
    ),
    ("intake/I", "apply", {"unit": "o_a", "ground": "idle", "warehouse": "p_w", "assets": ["D1"]}),
    ("asset/D1", "issue", {"user": "u_9"}),
    ("asset/D1", "send_for_repair", {"fault": "腿"}),
    ("asset/D1", "put_back_to_use", {"reason": "用"}),
    ("asset/D1", "split", {"quantity": "1", "reason": "分"}),
    ("asset/D1", "delist", {"reason": "收回"}),
]


@pytest.mark.target("T26")
@pytest.mark.target("T47")
@pytest.mark.parametrize(("stream", "verb", "form"), OTHER_WAYS, ids=lambda value: str(value)[:20])
def test_what_is_held_cannot_be_had_on_any_other_path_until_the_hold_ends(
    ledger: Ledger, stream: str, verb: str, form: dict[str, Any]
) -> None:
    offer(ledger, quantity="4")
    ledger.ask("u_b", "claim/K", "claim", asset="D1", to_unit="o_b")
    rule = warehouse.NOT_CLAIMED if verb == "delist" else asset.UNLOCKED
    ledger.on = TODAY + 10 * DAY
    refused = ledger.refuses(rule, "u_c", stream, verb, **form | due(form, ledger.on))
    if rule is asset.UNLOCKED:
        assert "claim/K" in refused.sentence("zh")
    ledger.on += DAY
    ledger.ask("u_c", stream, verb, **form | due(form, ledger.on))
    assert verify(ledger.book).intact


def due(form: dict[str, Any], on: date) -> dict[str, Any]:
    return {"due": on + 30 * DAY} if "due" in form else {}


@pytest.mark.target("T26")
def test_whatever_reserves_a_thing_asks_first_whether_it_is_free() -> None:
    holds = [verb for name, verb in asset.lifecycle.verbs.items() if name.startswith("hold_for")]
    assert len(holds) > 6
    assert all(asset.UNLOCKED in verb.rules for verb in holds)


@pytest.mark.target("T47")
def test_a_hold_that_ended_is_told_once_and_its_thing_is_free_without_it(ledger: Ledger) -> None:
    offer(ledger)
    ledger.ask("u_b", "claim/K", "claim", asset="D1", to_unit="o_b")
    ledger.refuses(claiming.OVERDUE, "u_b", "claim/K", "lapse")
    ledger.on = TODAY + 11 * DAY
    ledger.refuses(claiming.HOLDING, "u_b", "claim/K", "turn_into_request")
    ledger.ask("u_c", "claim/M", "claim", asset="D1", to_unit="o_c")  # the next one tells it
    assert ledger.facts("claim/K")[-1] == "claim.lapsed"
    assert ledger.state("asset/D1").case == "claim/M"
    ledger.on += 11 * DAY
    ledger.ask("u_office", "claim/M", "lapse")
    assert ledger.state("asset/D1").lock is Lock.NONE
    ledger.refuses(claiming.OVERDUE, "u_office", "claim/M", "lapse")


@pytest.mark.target("T47")
def test_a_lapse_told_late_frees_nothing_that_another_case_holds(ledger: Ledger) -> None:
    offer(ledger)
    ledger.ask("u_b", "claim/K", "claim", asset="D1", to_unit="o_b")
    ledger.on = TODAY + 11 * DAY
    ledger.ask("u_c", "loan/L", "request", **LOAN)
    ledger.ask("u_b", "claim/K", "lapse")
    assert (ledger.state("asset/D1").case, ledger.state("asset/D1").lock) == (
        "loan/L",
        Lock.RESERVED,
    )


def test_who_claims_may_let_it_go_and_nobody_else_may(ledger: Ledger) -> None:
    offer(ledger)
    ledger.ask("u_b", "claim/K", "claim", asset="D1", to_unit="o_b")
    held = case(made, got).at(unit="o_c", role="clerk")
    held.when(claiming.release_claim, reason="无").then_refused(claiming.CLAIMANT)
    ledger.ask("u_b", "claim/K", "release_claim", reason="不需要了")
    assert ledger.state("asset/D1").lock is Lock.NONE
    assert ledger.state("claim/K").status is ClaimStatus.RELEASED
    ledger.refuses(claiming.ALIVE, "u_b", "claim/K", "release_claim", reason="再次")


def test_a_unit_claims_for_itself_and_the_administration_for_others() -> None:
    form = {"asset": "D1", "to_unit": "o_b"}
    case().at(unit="o_a", role="clerk").when(claiming.claim, **form).then_refused(
        claiming.OWN_CLAIM
    )
    case().at(unit="o_goa", role="office").when(claiming.claim, **form).then_granted()


def test_a_claim_becomes_a_request_and_the_thing_stays_reserved_in_one_act(
    ledger: Ledger,
) -> None:
    offer(ledger)
    ledger.ask("u_b", "claim/K", "claim", asset="D1", to_unit="o_b", purpose="会议室")
    receipt = ledger.ask("u_b", "claim/K", "turn_into_request")
    assert receipt.count >= 4
    request, desk_ = ledger.state("reallocation/K"), ledger.state("asset/D1")
    assert (request.from_unit, request.to_unit, request.waiting) == ("o_a", "o_b", {"D1"})
    assert (desk_.case, desk_.held_until) == ("reallocation/K", None)
    assert ledger.state("claim/K").case == "reallocation/K"


@pytest.mark.target("T41")
def test_what_is_claimed_for_a_later_day_moves_only_when_it_is_free(ledger: Ledger) -> None:
    ledger.card("D1", name="会议桌", kind="furniture")
    ledger.ask("u_clerk", "asset/D1", "issue", user="u_1")
    ledger.ask("u_clerk", "asset/D1", "list_for_reuse", available_from=TODAY + 20 * DAY)
    ledger.ask("u_b", "claim/K", "claim", asset="D1", to_unit="o_b")

    ledger.refuses(SPARE, "u_b", "claim/K", "turn_into_request")
    ledger.on = TODAY + 20 * DAY
    ledger.ask("u_clerk", "asset/D1", "take_back")
    ledger.ask("u_b", "claim/K", "turn_into_request")
    assert ledger.state("asset/D1").case == "reallocation/K"


def test_the_unit_that_holds_it_takes_it_for_itself(ledger: Ledger) -> None:
    offer(ledger)
    ledger.ask("u_clerk", "claim/K", "claim", asset="D1", to_unit="o_a")
    case(made, got).when(claiming.use_within, user="u_2").then_refused(claiming.ANOTHERS)
    ledger.ask("u_clerk", "claim/K", "use_within", user="u_2")
    desk_ = ledger.state("asset/D1")
    assert (desk_.custody, desk_.user, desk_.lock) == (Custody.IN_USE, "u_2", Lock.NONE)


# A part of what is on a card ------------------------------------------------------


def test_a_part_is_put_on_a_card_of_its_own_and_the_rest_stays_on_offer(ledger: Ledger) -> None:
    offer(ledger, quantity="100", value=1_000_000)
    ledger.ask("u_b", "claim/K", "claim", asset="D1", to_unit="o_b", quantity="30")
    ledger.ask("u_c", "claim/M", "claim", asset="D1", to_unit="o_c", quantity="18")
    part, rest = ledger.state("asset/D1.1"), ledger.state("asset/D1")
    assert (part.quantity, part.value, part.case, part.listed) == ("30", 300_000, "claim/K", True)
    assert (rest.quantity, rest.value, rest.lock, rest.listed) == ("52", 520_000, Lock.NONE, True)
    assert part.offer == rest.offer
    assert ledger.state("claim/K").asset == "D1.1"
    ledger.refuses(claiming.ENOUGH, "u_d", "claim/N", "claim", asset="D1", to_unit="o_d",
                   quantity="53")  # fmt: skip
    ledger.refuses(claiming.ENOUGH, "u_d", "claim/N", "claim", asset="D1", to_unit="o_d",
                   quantity="0")  # fmt: skip
    ledger.ask("u_d", "claim/N", "claim", asset="D1", to_unit="o_d", quantity="52")
    assert ledger.state("asset/D1").case == "claim/N"  # all of the rest: no card of nothing
    ledger.ask("u_b", "claim/K", "release_claim", reason="不要")
    ledger.ask("u_e", "claim/P", "claim", asset="D1.1", to_unit="o_e", quantity="30")
    assert ledger.state("asset/D1.1").case == "claim/P"
    assert splitting.scaled("52", "30", "18")[0] == [52, 30, 18]


# Several want the same (T46) ------------------------------------------------------


def queued(n: int, **fields: Any) -> ClaimQueued:
    form: dict[str, Any] = {
        "case": f"claim/K{n}", "unit": f"o_{n}", "rank": 9, "entered_on": TODAY,
        "decided_from": TODAY + 3 * DAY, "until": TODAY + 6 * DAY,
    }  # fmt: skip
    return ClaimQueued(**form | fields)


@pytest.mark.target("T46")
def test_while_claims_are_gathered_nobody_gets_it_and_nobody_else_may_have_it() -> None:
    offered = thing(desk, idle, gathering)
    told = {"giver": "o_a", "item": "会议桌", "decided_from": TODAY + 3 * DAY}
    offered.when(claiming.hear_claim, **HEARD).then(
        queued(0, case="claim/K", unit="o_b", rank=0), Ask("claim/K", "enter", told)
    ).then_state(lock=Lock.RESERVED, held_until=TODAY + 6 * DAY)
    waiting = thing(desk, idle, gathering, queued(1))
    waiting.when(use.issue, user="u_1").then_refused(asset.UNLOCKED)
    waiting.at(on=TODAY + 2 * DAY).when(claiming.hear_claim, **HEARD).then_granted()
    waiting.at(on=TODAY + 3 * DAY).when(claiming.hear_claim, **HEARD).then_refused(
        claiming.SETTLED_FIRST
    )
    waiting.at(on=TODAY + 7 * DAY).when(use.put_back_to_use, reason="需要").then_granted()
    # Nobody came while claims were gathered: who is first has it.
    offered.at(on=TODAY + 3 * DAY).when(claiming.hear_claim, **HEARD).then_state(case="claim/K")


@pytest.mark.target("T46")
def test_it_is_settled_only_when_the_time_for_claims_is_over() -> None:
    form = {"seed": "s", "position": 7}
    waiting = thing(desk, idle, gathering, queued(1))
    waiting.at(on=TODAY + 2 * DAY).when(claiming.settle_claims, **form).then_refused(
        claiming.ROUND_OVER
    )
    waiting.at(on=TODAY + 3 * DAY).when(claiming.settle_claims, **form).then_granted()
    waiting.at(on=TODAY + 3 * DAY).when(claiming.settle_claims, seed="", position=0).then_refused(
        claiming.SEED_SEEN
    )
    thing(desk, idle, gathering).when(claiming.settle_claims, **form).then_refused(
        claiming.CONTENDED
    )


@pytest.mark.target("T46")
@pytest.mark.parametrize(
    ("order", "winner"),
    [
        ((Tie.FIRST,), 1),
        ((Tie.PRIORITY,), 2),
        ((Tie.PRIORITY, Tie.FIRST), 2),
        ((Tie.DRAW,), 4),
        ((Tie.PRIORITY, Tie.DRAW), 3),
    ],
)
def test_the_rule_decides_and_the_event_gives_the_same_winner_again(
    order: tuple[Tie, ...], winner: int
) -> None:
    offered = ListedForReuse(
        listed_on=TODAY, claiming=Claiming(hold_days=10, collect_days=3, order=order)
    )
    claims = [queued(n, rank=0 if n in (2, 3) else 1, entered_on=TODAY) for n in (1, 2, 3, 4)]
    said = (
        thing(desk, idle, offered, *claims)
        .at(on=TODAY + 3 * DAY)
        .when(claiming.settle_claims, seed="0001", position=41)
        .then_state(contenders=(), lock=Lock.NONE)
    )
    settled = said.answers[0]
    assert isinstance(settled, ClaimsSettled)
    assert settled.winners == (f"claim/K{winner}",)
    assert (settled.seed, settled.position) == (("0001", 41) if Tie.DRAW in order else ("", 0))
    assert claiming.again(settled, "1") == settled.winners
    asks = [answer for answer in said.answers if isinstance(answer, Ask)]
    assert [ask.verb for ask in asks] == ["give_to_claim", "lose", "lose", "lose"]
    assert {ask.form["winner"] for ask in asks[1:]} == {f"claim/K{winner}"}


@pytest.mark.target("T46")
def test_another_seed_draws_another_and_every_claim_has_its_chance() -> None:
    claims = tuple(Ranked(case=f"claim/{n}", unit="o", rank=0, entered_on=TODAY) for n in range(5))
    drawn = [
        claiming.given_out((Tie.DRAW,), f"{seed:x}", claims, "1")[0][0] for seed in range(1000)
    ]
    counts = [drawn.count(one.case) for one in claims]
    assert sum(counts) == 1000
    assert all(150 < count < 250 for count in counts)


@pytest.mark.target("T46")
def test_parts_are_given_out_in_order_as_long_as_there_is_enough() -> None:
    asked = [("1", "60"), ("2", "50"), ("3", "40")]
    claims = tuple(
        Ranked(case=f"claim/{n}", unit="o", rank=0, entered_on=TODAY, quantity=q) for n, q in asked
    )
    assert claiming.given_out((Tie.FIRST,), "", claims, "100") == (
        ("claim/1", "60"),
        ("claim/3", "40"),
    )


@pytest.mark.target("T46")
def test_a_round_from_claims_to_the_winner_on_the_book(ledger: Ledger) -> None:
    place = Policy(name="place", version=1, claiming=ROUND, priorities=RANKS)
    ledger.policy = place
    offer(ledger, quantity="10")
    for name, quantity, ground in (("1", "6", None), ("2", "6", "meeting"), ("3", "4", None)):
        form = {"asset": "D1", "to_unit": f"o_{name}", "quantity": quantity, "ground": ground}
        ledger.ask(f"u_{name}", f"claim/K{name}", "claim", **form)
    ledger.on = TODAY + 3 * DAY
    ledger.refuses(claiming.SEED_SEEN, "u_office", "claim/K1", "settle")
    seen = SeedSeen(claim="claim/K1", position=3, seed="ab" * 32)
    occasion = msgspec.structs.replace(ledger.occasion("u_office", "office"), seen=(seen,))
    ledger.book.act([Ask("claim/K1", "settle", {})], occasion)
    states = [ledger.state(f"claim/K{n}") for n in (1, 2, 3)]
    assert [state.status for state in states] == ["lost", "held", "held"]
    assert states[0].winner == "claim/K2"
    assert {ledger.state(f"asset/{states[n].asset}").quantity for n in (1, 2)} == {"6", "4"}
    settled = next(
        e.event
        for e in ledger.book.stream("asset/D1").entries
        if isinstance(e.event, ClaimsSettled)
    )
    assert claiming.again(settled, "10") == settled.winners == ("claim/K2", "claim/K3")
    assert verify(ledger.book).intact


@pytest.mark.target("T46")
def test_the_seed_of_a_draw_is_of_an_entry_of_the_log_that_nobody_chose(database: str) -> None:
    draw = Claiming(hold_days=10, collect_days=1, order=(Tie.DRAW,))
    with staffed(database) as office:
        door, today = Door(app_of(office)), office.today()
        clerk = Occasion(
            by="u_clerk", on=today - DAY, role="clerk",
            policy=Policy(name="place", version=1, claiming=draw),
        )  # fmt: skip
        asks = [Ask("asset/D1", "register_existing", CARD)]
        asks += [Ask("asset/D1", verb, {}) for verb in ("declare_idle", "list_for_reuse")]
        asks += [Ask(f"claim/{n}", "claim", {"asset": "D1", "to_unit": "o_b"}) for n in range(9)]
        office.book.act(asks, clerk)
        last = office.book.stream("asset/D1").entries[-1]
        answer = door.post("claim/0/settle", {}, who="office")
        assert answer.status_code == 200, answer.text
        settled = office.book.stream("asset/D1").entries[last.seq].event
        assert isinstance(settled, ClaimsSettled)
        assert (settled.position, settled.seed) == (last.position, tree.leaf(last.state).hex())
        assert claiming.again(settled, "1") == settled.winners
        (winner,) = settled.winners
        assert office.book.stream(winner).state.status is ClaimStatus.HELD
        lost = door.post("claim/0/settle", {}, who="office")
        assert (lost.status_code, lost.json()["slug"]) == (409, "claim-not-waiting")


def test_who_waits_hears_when_it_is_taken_off_the_list_and_may_leave(ledger: Ledger) -> None:
    ledger.policy = Policy(name="place", version=1, claiming=ROUND)
    offer(ledger)
    for name in "bc":
        ledger.ask(f"u_{name}", f"claim/{name}", "claim", asset="D1", to_unit=f"o_{name}")
    ledger.ask("u_b", "claim/b", "release_claim", reason="不要")
    assert ledger.state("asset/D1").case == "claim/c"
    ledger.refuses(warehouse.NOT_CLAIMED, "u_clerk", "asset/D1", "delist", reason="自用")
    ledger.on = TODAY + 7 * DAY  # nobody settled it in time
    ledger.ask("u_clerk", "asset/D1", "delist", reason="自用")
    assert ledger.state("claim/c").status is ClaimStatus.LOST
    thing(desk, idle, gathering, queued(1), DelistedFromReuse(reason="无")).then_state(
        contenders=(), listed=False
    )


STEPS: list[tuple[tuple[Event, ...], OpenStep | None]] = [
    ((), None),
    (
        (made, ClaimEntered(giver="o_a", item="桌", decided_from=TODAY)),
        OpenStep(verb="settle", roles=("office", "keeper"), unit="o_a"),
    ),
    (
        (made, got),
        OpenStep(verb="turn_into_request", roles=("clerk",), unit="o_b", due=TODAY + 10 * DAY),
    ),
    ((made, got, ClaimReleased(reason="无")), None),
    ((made, got, ClaimLapsed(until=TODAY)), None),
    ((made, ClaimLost(reason="无")), None),
]


@pytest.mark.parametrize(("history", "step"), STEPS)
def test_an_open_claim_has_an_owner_and_a_day(
    history: tuple[Event, ...], step: OpenStep | None
) -> None:
    assert open_step(claiming.lifecycle.fold(history)) == step


# Many at once, at the door (T116) -------------------------------------------------


UNITS = 50


@pytest.mark.target("T116")
def test_of_fifty_units_that_claim_at_once_one_wins_and_the_others_hear_whose(
    database: str,
) -> None:
    with staffed(database) as office:
        door = Door(app_of(office))
        registered(door, "D1")
        assert door.post("asset/D1/declare_idle", {}).status_code == 200
        assert door.post("asset/D1/list_for_reuse", {}).status_code == 200
        admin = Actor(person="u_admin", unit="o_a", role="admin")
        units = [(f"unit/c{n}", "establish", ORGAN | {"name": f"单位{n}"}) for n in range(UNITS)]
        office.ask_many(units, admin)
        before = office.book.head()[0]
        until = (office.today() + DAY).isoformat()
        answers = asyncio.run(claimed_by_all(app_of(office), until))
        granted = [n for n, answer in enumerate(answers) if answer.status_code == 200]
        assert len(granted) == 1
        winner = f"claim/K{granted[0]}"
        for number, answer in enumerate(answers):
            if number != granted[0]:
                assert (answer.status_code, answer.json()["slug"]) == (409, "already-claimed")
                assert winner in answer.text
                assert office.book.stream(f"claim/K{number}").version == 0
        held = office.book.stream("asset/D1").state
        assert (held.case, held.held_until) == (winner, office.today() + DAY)
        claim = office.book.stream(winner).state
        assert (claim.status, claim.unit) == (ClaimStatus.HELD, f"c{granted[0]}")
        assert office.book.head()[0] == before + 4  # made, units verified, thing held, claim holds
        assert verify(office.book).intact


ORGAN = {"kind": "organ"}


async def claimed_by_all(app: FastAPI, until: str) -> list[httpx.Response]:
    """Let the administration claim the same thing for every unit at the same moment."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://test", auth=("office", PASSWORD)
    ) as client:
        return await asyncio.gather(
            *(
                client.post(
                    f"/api/v1/claim/K{n}/claim",
                    json={"asset": "D1", "to_unit": f"c{n}", "until": until},
                    headers={"Idempotency-Key": f"claim-{n}"},
                )
                for n in range(UNITS)
            )
        )


# A place to tell stories ----------------------------------------------------------


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    told = Ledger(database)
    told.policy = Policy(name="place", version=1, claiming=TEN_DAYS)
    # What is to come is told as well: the clock of the book stands a year later.
    clock = told.book.clock
    told.book.clock = lambda: clock() + 365 * DAY
    yield told
    told.close()


def offer(ledger: Ledger, **card: Any) -> None:
    """Offer an idle desk of unit o_a."""
    ledger.card("D1", **{"name": "会议桌", "kind": "furniture"} | card)
    ledger.ask("u_clerk", "asset/D1", "declare_idle")
    ledger.ask("u_clerk", "asset/D1", "list_for_reuse", description="九成新")
