"""Large instruments are shared where they stand; kinds differ in what they may and must."""

from __future__ import annotations

from datetime import date
from functools import partial

import pytest
from given import given
from msgspec.structs import replace

from domain import asset, instruments, kinds, splitting
from domain.asset import AssetRegistered, Kind, ValueType
from domain.instruments import SharedUseRecorded, SharingEnded, SharingOffered
from domain.policy import GENERIC
from domain.use import RepairStarted

past = partial(given, asset.lifecycle)

scope = AssetRegistered(asset_no="ZC-1", name="电子显微镜", kind=Kind.INSTRUMENT, unit="o_lab")
desk = AssetRegistered(asset_no="ZC-2", name="会议桌", kind=Kind.FURNITURE, unit="o_lab")
offered = SharingOffered(description="工作日可约", fee=20_000)
visit = {"unit": "o_school", "hours": "2.5", "purpose": "样品检测", "fee": 50_000}


def test_an_instrument_is_offered_used_by_others_and_withdrawn():
    past(scope).when(instruments.offer_sharing, description="工作日可约", fee=20_000).then(
        offered
    ).then_state(shared=True)
    past(scope, offered).when(instruments.record_shared_use, **visit).then(
        SharedUseRecorded(**visit)
    )
    past(scope, offered).when(instruments.end_sharing, reason="大修").then(
        SharingEnded(reason="大修")
    ).then_state(shared=False)


def test_only_what_is_offered_stands_here_and_serves_another_is_shared():
    past(scope).when(instruments.record_shared_use, **visit).then_refused(instruments.SHARED)
    past(scope, offered).when(instruments.offer_sharing, description="再次").then_refused(
        instruments.NOT_SHARED
    )
    past(desk).when(instruments.offer_sharing, description="桌子").then_refused(kinds.AN_INSTRUMENT)
    away = RepairStarted(fault="光源损坏")
    past(scope, offered, away).when(instruments.record_shared_use, **visit).then_refused(
        instruments.STANDS_HERE
    )
    own = visit | {"unit": "o_lab"}
    past(scope, offered).when(instruments.record_shared_use, **own).then_refused(
        instruments.ANOTHER_USER
    )
    none = visit | {"hours": "0"}
    past(scope, offered).when(instruments.record_shared_use, **none).then_refused(
        instruments.SOME_HOURS
    )


# Kinds ------------------------------------------------------------------------


def test_software_is_counted_in_whole_licences():
    form = {"asset_no": "ZC-9", "name": "办公软件", "kind": Kind.SOFTWARE, "unit": "o_lab"}
    past().when(asset.register_existing, quantity="50", **form).then_granted()
    for wrong in ("0", "1.5"):
        past().when(asset.register_existing, quantity=wrong, **form).then_refused(
            kinds.WHOLE_LICENCES
        )
    cable = form | {"kind": Kind.OTHER}
    past().when(asset.register_existing, quantity="1.5", **cable).then_granted()


@pytest.mark.parametrize(
    ("kind", "depreciated"),
    [
        (Kind.LAND, False),
        (Kind.RELIC, False),
        (Kind.ARCHIVE, False),
        (Kind.PREMISES, True),
        (Kind.VEHICLE, True),
        (Kind.SOFTWARE, True),
    ],
)
def test_some_kinds_are_not_depreciated_and_nothing_carried_at_a_nominal_amount_is(
    kind: Kind, depreciated: bool
) -> None:
    assert kinds.depreciates(kind, ValueType.COST) is depreciated
    assert kinds.depreciates(kind, ValueType.NOMINAL) is False


def test_every_kind_says_what_it_may_and_must():
    for kind in Kind:
        told = [one.trait for one in kinds.traits(kind, GENERIC)]
        assert len(told) == len(set(told))
        assert (kinds.Trait.NOT_DEPRECIATED in told) is not (kinds.Trait.DEPRECIATED in told)
    car = {one.trait for one in kinds.traits(Kind.VEHICLE, GENERIC)}
    assert {kinds.Trait.QUOTA, kinds.Trait.NEVER_LENT} <= car


def test_the_books_state_no_depreciation_of_what_is_not_depreciated():
    plot = AssetRegistered(asset_no="ZC-8", name="院落", kind=Kind.LAND, unit="o_lab", value=100)
    form = {"accumulated": 10, "until": date(2025, 5, 31)}
    past(plot).when(splitting.state_depreciation, **form).then_refused(kinds.DEPRECIABLE)
    past(replace(plot, kind=Kind.PREMISES)).when(
        splitting.state_depreciation, **form
    ).then_granted()
