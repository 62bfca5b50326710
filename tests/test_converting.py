"""Change of use: decided as a case, then what the thing serves is a fact of the thing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial

import pytest
from given import TODAY, Ledger, given
from msgspec.structs import replace

from domain import asset, converting
from domain.asset import AssetRegistered, Custody, Kind, Lock
from domain.converting import ConversionStatus, Converted
from domain.decider import Ask
from domain.leaving import OURS
from domain.policy import GENERIC
from domain.premises import AreaApproved, TitleFiled, UseCertificateIssued
from domain.use import DeclaredIdle, IssuedToUser

past = partial(given, asset.lifecycle)
hall = AssetRegistered(asset_no="ZC-1", name="旧礼堂", kind=Kind.PREMISES, unit="o_a")
desk = AssetRegistered(asset_no="ZC-2", name="会议桌", kind=Kind.FURNITURE, unit="o_a")
idle = DeclaredIdle(since=TODAY)
HOLD = {"case": "conversion/K", "unit": "o_a"}
SHANXI = replace(GENERIC, name="shanxi", never_converted=frozenset({"premises"}))


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    one = Ledger(database)
    yield one
    one.close()


def asked(ledger: Ledger, *assets: str, **form: str) -> None:
    ledger.ask(
        "u_clerk",
        "conversion/K",
        "request",
        unit="o_a",
        assets=list(assets),
        **{"purpose": "托育场所", "used_by": "示例街道", "reason": "闲置两年"} | form,
    )


def test_an_idle_hall_becomes_a_nursery_from_a_day_on(ledger: Ledger):
    ledger.card("H", kind="premises", name="旧礼堂")
    ledger.ask("u_goa", "asset/H", "approve_area", area_approved="320.5", order_no="核1")
    ledger.ask("u_clerk", "asset/H", "declare_idle")
    asked(ledger, "H")
    assert ledger.state("asset/H").lock is Lock.APPROVAL
    ledger.refuses(converting.OTHER_PERSON, "u_clerk", "conversion/K", "approve", approval_no="批1")
    ledger.refuses(
        converting.APPROVED, "u_clerk", "conversion/K", "convert", assets=["H"], since=TODAY
    )
    ledger.ask("u_goa", "conversion/K", "approve", approval_no="批1")
    assert ledger.state("asset/H").custody is Custody.IDLE  # approval changes nothing
    ledger.ask("u_clerk", "conversion/K", "convert", assets=["H"], since=TODAY)
    now = ledger.state("asset/H")
    assert (now.custody, now.purpose, now.lock) == (Custody.IN_USE, "托育场所", Lock.NONE)
    assert now.area_approved == "0"  # none of it is office area any more
    assert now.accounting_unit == "o_a"
    told = ledger.book.stream("asset/H").entries[-1].event
    assert isinstance(told, Converted)
    assert (told.used_by, told.since, told.former) == ("示例街道", TODAY, "")
    assert ledger.state("conversion/K").status is ConversionStatus.CONVERTED


def test_a_part_of_the_area_changes_and_the_rest_still_waits(ledger: Ledger):
    ledger.card("H", kind="premises", name="办公楼")
    ledger.ask("u_goa", "asset/H", "approve_area", area_approved="320.5", order_no="核1")
    ledger.ask("u_clerk", "asset/H", "declare_idle")
    asked(ledger, "H", area="120.25")
    ledger.ask("u_goa", "conversion/K", "approve", approval_no="批1")
    ledger.ask("u_clerk", "conversion/K", "convert", assets=["H"], since=TODAY)
    now = ledger.state("asset/H")
    assert (now.custody, now.area_approved, now.purpose) == (Custody.IDLE, "200.25", "托育场所")


def test_what_is_refused_or_withdrawn_stays_as_it_is_and_is_free(ledger: Ledger):
    for verb, who in (("refuse", "u_goa"), ("withdraw", "u_clerk")):
        ledger.card(verb, kind="furniture")
        ledger.ask(
            "u_clerk", f"conversion/{verb}", "request", unit="o_a", assets=[verb],
            purpose="社区活动", used_by="示例社区", reason="闲置",
        )  # fmt: skip
        ledger.ask(who, f"conversion/{verb}", verb, reason="另有安排")
        assert ledger.state(f"asset/{verb}").lock is Lock.NONE
        assert ledger.state(f"asset/{verb}").purpose == ""


def test_a_decision_in_part_frees_the_rest_and_kind_and_class_follow(ledger: Ledger):
    ledger.card("A", kind="office")
    ledger.card("B", kind="office")
    asked(ledger, "A", "B", kind="instrument", class_code="A02", class_scheme="GB/T 14885-2022")
    ledger.ask("u_goa", "conversion/K", "approve", approval_no="批1", assets=["A"], reason="乙另用")
    ledger.ask("u_clerk", "conversion/K", "convert", assets=["A"], since=TODAY, used_by="示例大学")
    now, kept = ledger.state("asset/A"), ledger.state("asset/B")
    assert (now.kind, now.class_code, now.class_scheme) == ("instrument", "A02", "GB/T 14885-2022")
    assert (kept.kind, kept.lock) == ("office", Lock.NONE)


def test_where_the_use_of_premises_is_kept_it_is_not_asked_for():
    past(hall, idle).at(policy=SHANXI).when(converting.hold_for_conversion, **HOLD).then_refused(
        converting.NEVER_CONVERTED
    )
    past(desk, idle).at(policy=SHANXI).when(converting.hold_for_conversion, **HOLD).then_granted()
    past(hall, idle).when(converting.hold_for_conversion, **HOLD).then_granted()


def test_only_what_is_spare_and_ones_own_is_converted():
    past(desk, IssuedToUser(unit="o_a", user="u_1")).when(
        converting.hold_for_conversion, **HOLD
    ).then_refused(converting.SPARE)
    past(desk, idle).when(converting.hold_for_conversion, **HOLD | {"unit": "o_b"}).then_refused(
        OURS
    )
    filed = TitleFiled(reason="资料缺失", filing_no="备1")
    past(hall, filed, idle).at(role="clerk").when(
        converting.hold_for_conversion, **HOLD
    ).then_refused(converting.kinds.NOT_ALONE)


@pytest.mark.parametrize(
    ("card", "kind"), [(hall, "furniture"), (desk, "premises"), (desk, "vehicle")]
)
def test_premises_and_vehicles_keep_their_kind(card: AssetRegistered, kind: str):
    past(card, idle).when(converting.hold_for_conversion, **HOLD, kind=kind).then_refused(
        converting.KIND_STAYS
    )


def test_no_more_area_changes_than_there_is():
    known = past(hall, AreaApproved(area_approved="100", order_no="核1"), idle)
    known.when(converting.hold_for_conversion, **HOLD, area="100").then_granted()
    known.when(converting.hold_for_conversion, **HOLD, area="100.01").then_refused(
        converting.NO_MORE_AREA
    )
    past(desk, idle).when(converting.hold_for_conversion, **HOLD, area="1").then_refused(
        converting.AREA_OF_PREMISES
    )


def test_a_use_certificate_ends_with_the_office_use():
    certificate = UseCertificateIssued(
        unit="o_a", area="100", agreement_no="协1", certificate_no="凭1"
    )
    converted = Converted(case="conversion/K", purpose="托育", used_by="街道", since=TODAY)
    past(hall, certificate, idle, converted).then_state(
        certificate_no="", custody=Custody.IN_USE, idle_since=None
    )


def test_it_does_not_begin_after_today():
    requested = converting.ConversionRequested(
        applicant="u_clerk",
        unit="o_a",
        assets=("D",),
        purpose="教具",
        used_by="学校",
        reason="闲置",
    )
    ready = given(converting.lifecycle, requested, converting.ConversionApproved(approval_no="批"))
    ready.when(converting.convert, assets=("D",), since=TODAY).then_granted()
    ready.when(converting.convert, assets=("D",), since=TODAY + timedelta(days=1)).then_refused(
        converting.SINCE_THEN
    )
    ready.when(converting.convert, assets=("E",), since=TODAY).then_refused(converting.ON_THE_LIST)
    answers = ready.when(converting.convert, assets=("D",), since=TODAY).answers
    assert [a.verb for a in answers if isinstance(a, Ask)] == ["serve_otherwise"]
