"""Labels: one active label, every label id once, the old one still recognised (#9, T86, T87)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import msgspec
import pytest
from given import Ledger, given

from domain import asset, labelling
from domain.asset import AssetRegistered, Kind
from domain.labelling import Carrier, LabelBound, LabelPrinted, LabelVoided
from domain.leaving import Derecognised, PutUpForDisposal
from ledger.book import NUMBER_TAKEN

past = partial(given, asset.lifecycle)

carded = AssetRegistered(asset_no="ZC-1", name="会议桌", kind=Kind.FURNITURE, unit="o_a")
bound = LabelBound(label="L1")
voided = LabelVoided(label="L1", reason="破损")
put_up = PutUpForDisposal(case="disposal/D", approval_no="批1")
gone = Derecognised(voucher="记-9")


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    book = Ledger(database)
    yield book
    book.close()


def test_a_label_is_bound() -> None:
    past(carded).when(labelling.bind_label, label="L1", carrier="rfid").then(
        LabelBound(label="L1", carrier=Carrier.RFID)
    ).then_state(label="L1", label_issue=1, labels_voided=())


def test_an_asset_has_one_active_label() -> None:
    past(carded, bound).when(labelling.bind_label, label="L2").then_refused(labelling.WITHOUT_LABEL)
    past(carded, bound, voided).when(labelling.bind_label, label="L2").then_state(
        label="L2", label_issue=2
    )


def test_replacing_voids_the_old_and_binds_the_new_in_one_act() -> None:
    past(carded, bound).when(labelling.replace_label, label="L2", reason="破损").then(
        LabelVoided(label="L1", reason="破损"), LabelBound(label="L2")
    ).then_state(label="L2", label_issue=2, labels_voided=("L1",))


def test_a_voided_label_is_remembered() -> None:
    past(carded, bound).when(labelling.void_label, reason="遗失").then(
        LabelVoided(label="L1", reason="遗失")
    ).then_state(label="", labels_voided=("L1",))


def test_an_asset_without_label_has_none_to_replace_or_void() -> None:
    for history in ([carded], [carded, bound, voided]):
        past(*history).when(labelling.replace_label, label="L2", reason="破损").then_refused(
            labelling.WITH_LABEL
        )
        past(*history).when(labelling.void_label, reason="破损").then_refused(labelling.WITH_LABEL)


def test_labels_end_with_the_card() -> None:
    past(carded, put_up).when(labelling.bind_label, label="L1").then_granted()
    for history in ([], [carded, bound, put_up, gone]):
        asks = past(*history).when
        asks(labelling.bind_label, label="L2").then_refused(asset.STILL_OURS)
        asks(labelling.replace_label, label="L2", reason="旧").then_refused(asset.STILL_OURS)
        asks(labelling.void_label, reason="旧").then_refused(asset.STILL_OURS)


@pytest.mark.parametrize(("length", "fits"), [(0, False), (1, True), (80, True), (81, False)])
def test_a_label_id_has_one_to_eighty_characters(length: int, fits: bool) -> None:
    if fits:
        past(carded).when(labelling.bind_label, label="L" * length).then_granted()
    else:
        with pytest.raises(msgspec.ValidationError):
            past(carded).when(labelling.bind_label, label="L" * length)


@pytest.mark.target("T86")
def test_printing_again_needs_a_reason_and_counts_the_issue() -> None:
    printed = LabelPrinted(issue=1, template="roll-50x30")
    past(carded).when(labelling.print_label, template="roll-50x30").then(printed)
    again = {"template": "roll-50x30"}
    past(carded, printed).when(labelling.print_label, **again).then_refused(labelling.WHY_AGAIN)
    past(carded, printed).when(labelling.print_label, **again, reason="破损").then(
        LabelPrinted(issue=2, template="roll-50x30", reason="破损")
    ).then_state(label_issue=2, labels_printed=2)


def test_a_label_bound_by_hand_counts_as_an_issue_too() -> None:
    past(carded, bound).when(labelling.print_label, template="roll-50x30").then(
        LabelPrinted(issue=2, template="roll-50x30")
    )


@pytest.mark.parametrize(("issue", "fits"), [(998, True), (999, False)])
def test_an_asset_has_at_most_999_labels(issue: int, fits: bool) -> None:
    worn = LabelPrinted(issue=issue, template="roll-50x30")
    asks = past(carded, worn).when(labelling.print_label, template="roll-50x30", reason="破损")
    if fits:
        asks.then_granted()
    else:
        asks.then_refused(labelling.ISSUES_LEFT)


@pytest.mark.target("T86")
def test_a_label_id_stands_for_one_asset_for_ever(ledger: Ledger) -> None:
    """A pre-printed label binds once; neither voiding nor another asset frees its id."""
    ledger.card("A")
    ledger.card("B")
    ledger.ask("u_clerk", "asset/A", "bind_label", label="L1")
    ledger.refuses(NUMBER_TAKEN, "u_clerk", "asset/B", "bind_label", label="L1")
    ledger.ask("u_clerk", "asset/A", "replace_label", label="L2", reason="破损")
    ledger.refuses(NUMBER_TAKEN, "u_clerk", "asset/B", "bind_label", label="L1")
    assert ledger.state("asset/A").labels_voided == ("L1",)
    assert ledger.facts("asset/A")[-2:] == ["asset.label_voided", "asset.label_bound"]
    ledger.ask("u_clerk", "asset/A", "void_label", reason="遗失")
    ledger.refuses(NUMBER_TAKEN, "u_clerk", "asset/B", "bind_label", label="L2")
