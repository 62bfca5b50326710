"""Idle property: which ways were tried, which remain, in the order of the place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial

from given import given
from msgspec.structs import replace

from api import policies
from domain import asset, waterfall
from domain.asset import AssetRegistered, Kind, Lock
from domain.decider import Event
from domain.disposal import DisposalProposed
from domain.holding import HeldForProcess, ReleasedFromProcess
from domain.leasing import AssetLeased
from domain.leaving import Form, Ground, LeftForGood
from domain.policy import GENERIC
from domain.reallocation import TransferredIn
from domain.selling import AuctionFailed
from domain.use import DeclaredIdle, IssuedToUser
from domain.warehouse import DelistedFromReuse, ListedForReuse
from domain.waterfall import Came, Way, WayTried

past = partial(given, asset.lifecycle)
INNER = replace(
    GENERIC,
    name="inner-mongolia",
    waterfall=("reuse", "reallocate", "convert", "exchange_asset", "lease_out", "auction_off"),
)
DAY = date(2025, 3, 1)
rooms = AssetRegistered(asset_no="ZC-1", name="旧礼堂", kind=Kind.PREMISES, unit="o_a")
idle = DeclaredIdle(since=DAY)


def told(
    *history: Event, cases: Mapping[str, Sequence[Event]] | None = None
) -> dict[Way, Came | None]:
    """Return what came of every way, each fact a day after the one before."""
    dated = {name: [(DAY, event) for event in events] for name, events in (cases or {}).items()}
    days = [(date.fromordinal(DAY.toordinal() + n), event) for n, event in enumerate(history)]
    return {rung.way: rung.came for rung in waterfall.rungs(INNER, days, dated)}


def held(case: str) -> HeldForProcess:
    return HeldForProcess(case=case, lock=Lock.APPROVAL)


def test_at_first_nothing_was_tried_and_every_way_remains_in_order():
    assert list(told(rooms, idle).items()) == [(way, None) for way in Way]


def test_the_order_is_that_of_the_place():
    short = replace(GENERIC, waterfall=("lease_out", "reuse"))
    assert [rung.way for rung in waterfall.rungs(short, [], {})] == [Way.LEASE, Way.REUSE]
    assert [rung.way for rung in waterfall.rungs(GENERIC, [], {})] == list(Way)


def test_the_shipped_rules_name_only_ways_there_are_and_cite_their_article():
    shipped = policies.shipped().values()
    assert any(policy.waterfall for policy in shipped)
    for policy in shipped:
        assert set(policy.waterfall) <= {way.value for way in Way}
        assert not policy.waterfall or policy.waterfall_cites
    inner = policies.shipped()["inner-mongolia"]
    assert list(inner.waterfall) == list(Way)
    assert inner.waterfall_cites == ("003-17",)


def test_what_is_listed_is_offered_and_taken_off_the_list_came_to_nothing():
    offered = (rooms, idle, ListedForReuse(description="可作会议室"))
    assert told(*offered)[Way.REALLOCATE] is Came.UNDER_WAY
    taken_off = DelistedFromReuse(reason="公示期满无单位申请")
    assert told(*offered, taken_off)[Way.REALLOCATE] is Came.NO_USE


def test_a_refused_case_came_to_nothing_and_says_why():
    asked = (rooms, idle, held("reallocation/R1"))
    assert told(*asked)[Way.REALLOCATE] is Came.UNDER_WAY
    refused = ReleasedFromProcess(case="reallocation/R1", reason="面积不符")
    days = [(DAY, event) for event in (*asked, refused)]
    rung = waterfall.rungs(INNER, days, {})[1]
    assert [(t.came, t.reason, t.case) for t in rung.trials] == [
        (Came.NO_USE, "面积不符", "reallocation/R1")
    ]
    lease = (rooms, idle, held("lease/E1"))
    assert told(*lease)[Way.LEASE] is Came.UNDER_WAY
    leased = AssetLeased(lessee="某公司", due=DAY, case="lease/E1")
    assert told(*lease, leased)[Way.LEASE] is Came.DONE


def test_failed_auctions_are_told_one_by_one():
    proposed = DisposalProposed(
        applicant="u_1", unit="o_a", form=Form.AUCTION, ground=Ground.IDLE, minutes_no="纪-1",
        assets=("A1",),
    )  # fmt: skip
    failed = AuctionFailed(reason="无人报名", next_step_by=DAY)
    cases = {"disposal/D1": (proposed, failed, failed)}
    days = [(DAY, event) for event in (rooms, idle, held("disposal/D1"))]
    dated = {"disposal/D1": [(DAY, event) for event in cases["disposal/D1"]]}
    auction = waterfall.rungs(INNER, days, dated)[-1]
    assert [t.came for t in auction.trials] == [Came.NO_USE, Came.NO_USE, Came.UNDER_WAY]
    gone = LeftForGood(form=Form.AUCTION, case="disposal/D1")
    sold = (rooms, idle, held("disposal/D1"), gone)
    assert told(*sold, cases=cases)[Way.AUCTION] is Came.DONE
    assert waterfall.cases_of(days) == ["disposal/D1"]


def test_scrapping_is_none_of_the_ways():
    proposed = DisposalProposed(
        applicant="u_1", unit="o_a", form=Form.SCRAP, ground=Ground.DISASTER, minutes_no="纪-1",
        assets=("A1",),
    )  # fmt: skip
    found = told(rooms, idle, held("disposal/D1"), cases={"disposal/D1": (proposed,)})
    assert set(found.values()) == {None}


def test_used_or_taken_over_again_it_is_done():
    used = IssuedToUser(unit="o_a", user="u_1", purpose="改作档案室")
    assert told(rooms, idle, used)[Way.REUSE] is Came.DONE
    moved = (rooms, idle, held("reallocation/R1"), TransferredIn(unit="o_b"))
    assert told(*moved)[Way.REALLOCATE] is Came.DONE


def test_what_was_tried_before_it_fell_idle_again_does_not_count():
    earlier = (
        idle,
        WayTried(tried=Way.CONVERT, result=Came.NO_USE, reason="无需求", evidence="函"),
    )
    assert told(rooms, *earlier)[Way.CONVERT] is Came.NO_USE
    assert told(rooms, *earlier, idle)[Way.CONVERT] is None


def test_a_way_that_leaves_no_other_fact_is_recorded_with_its_evidence():
    form = {
        "tried": Way.CONVERT,
        "result": Came.NO_USE,
        "reason": "不具备改造为托育场所的条件",
        "evidence": "示住建函〔2025〕3号",
    }
    past(rooms, idle).when(waterfall.try_way, **form).then(WayTried(**form))
    past(rooms).when(waterfall.try_way, **form).then_refused(waterfall.IDLE_OR_OFFERED)
