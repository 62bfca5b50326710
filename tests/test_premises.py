"""Premises and land: title, approved area, certificate, patrol, vacating."""

from __future__ import annotations

from functools import partial

import pytest
from given import given

from domain import asset, kinds, leaving, lending, premises
from domain.asset import AssetRegistered, Custody, Kind
from domain.policy import GENERIC
from domain.premises import (
    AreaApproved,
    PremisesInspected,
    PremisesVacated,
    TitleFiled,
    TitleRegistered,
    UseCertificateIssued,
)
from domain.use import IssuedToUser
from domain.words import Role

past = partial(given, asset.lifecycle)

rooms = AssetRegistered(asset_no="ZC-1", name="办公楼", kind=Kind.PREMISES, unit="o_bureau")
land = AssetRegistered(asset_no="ZC-2", name="院落土地", kind=Kind.LAND, unit="o_bureau")
desk = AssetRegistered(asset_no="ZC-3", name="会议桌", kind=Kind.FURNITURE, unit="o_bureau")
titled = TitleRegistered(owner="o_goa", registry="示例市不动产登记中心", title_no="示（2025）第1号")
filed = TitleFiled(reason="建设资料缺失", filing_no="示管备〔2025〕1号")
approved = AreaApproved(area_approved="120.5", order_no="示管〔2025〕2号")
certified = UseCertificateIssued(
    unit="o_bureau", area="120.5", agreement_no="协-1", certificate_no="凭-1"
)


@pytest.mark.target("T22")
def test_title_goes_to_the_offices_and_the_books_stay_with_the_user():
    form = {
        "owner": "o_goa",
        "registry": "示例市不动产登记中心",
        "title_no": "示（2025）第1号",
        "archives": "产权、建设、维修档案共3卷",
    }
    for real_estate in (rooms, land):
        past(real_estate).when(premises.register_title, **form).then(
            TitleRegistered(**form)
        ).then_state(owner="o_goa", accounting_unit="o_bureau", custodian="o_bureau")
    past(desk).when(premises.register_title, **form).then_refused(kinds.REAL_ESTATE)


def test_a_title_that_cannot_be_registered_is_filed_until_it_is():
    form = {"reason": "建设资料缺失", "filing_no": "示管备〔2025〕1号"}
    past(rooms).when(premises.file_title, **form).then(filed).then_state(
        filing_no="示管备〔2025〕1号", owner="o_bureau"
    )
    past(rooms, titled).when(premises.file_title, **form).then_refused(premises.UNREGISTERED)
    past(rooms, filed, titled).then_state(filing_no="", title_no="示（2025）第1号")


def test_whose_title_is_filed_only_the_offices_propose_for_disposal():
    """内蒙古机关运行保障条例 第10条: the unit that uses it may not dispose of it alone."""
    form = {"case": "disposal/D1", "unit": "o_bureau", "form": leaving.Form.ASSIGNMENT}
    past(rooms, filed).at(role=Role.CLERK).when(leaving.hold_for_disposal, **form).then_refused(
        kinds.NOT_ALONE
    )
    past(rooms, filed).at(role=Role.OFFICE).when(leaving.hold_for_disposal, **form).then_granted()
    past(rooms, titled).at(role=Role.CLERK).when(leaving.hold_for_disposal, **form).then_granted()


def test_a_certificate_is_issued_for_the_approved_area_and_no_more():
    form = {"agreement_no": "协-1", "certificate_no": "凭-1"}
    past(rooms, approved).when(premises.issue_use_certificate, area="120.5", **form).then(
        certified
    ).then_state(certificate_no="凭-1", area_approved="120.5")
    past(rooms, approved).when(premises.issue_use_certificate, area="120.51", **form).then_refused(
        premises.WITHIN_AREA
    )
    past(rooms, approved).when(premises.issue_use_certificate, area="0", **form).then_refused(
        premises.SOME_AREA
    )
    past(rooms).when(premises.issue_use_certificate, area="1", **form).then_refused(
        premises.AREA_KNOWN
    )


def test_an_area_is_approved_above_zero():
    past(rooms).when(premises.approve_area, area_approved="0", order_no="文1").then_refused(
        premises.SOME_AREA
    )
    past(rooms).when(premises.approve_area, area_approved="0.5", order_no="文1").then_granted()


def test_a_patrol_is_told_and_changes_nothing():
    form = {"purpose": "办公", "area": "118", "people": 9, "findings": "消防设施完好"}
    past(rooms).when(premises.inspect, **form).then(PremisesInspected(**form))
    past(desk).when(premises.inspect, **form).then_refused(kinds.ON_PREMISES)


def test_who_moves_out_leaves_the_premises_idle_and_the_certificate_ends():
    used = IssuedToUser(unit="o_bureau", user="u_head")
    past(rooms, approved, certified, used).when(premises.vacate, reason="机构撤并").then(
        PremisesVacated(reason="机构撤并")
    ).then_state(custody=Custody.IDLE, certificate_no="", user="")
    vacated = PremisesVacated(reason="机构撤并")
    past(rooms, vacated).when(premises.vacate, reason="再次").then_refused(premises.OCCUPIED)


@pytest.mark.target("T27")
def test_premises_are_never_lent_and_their_title_is_central():
    form = {"case": "loan/L1", "lender": "o_bureau"}
    past(rooms).when(lending.hold_for_loan, **form).then_refused(lending.LENDABLE)
    traits = {told.trait for told in kinds.traits("premises", GENERIC)}
    assert kinds.Trait.NEVER_LENT in traits
    assert kinds.Trait.TITLE_CENTRAL in traits
