"""Configuration: delivery, acceptance, the card, its corrections (#6-#8, #10)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import partial
from typing import Any

import msgspec
import pytest
from given import TODAY, Ledger, given

from domain import asset, outside
from domain.asset import (
    AcceptanceFailed,
    AcceptancePassed,
    AssetReceived,
    AssetRegistered,
    Book,
    CardCorrected,
    Custody,
    Kind,
    Mode,
    RegisterRowRepeated,
    ReplacementPlanned,
    ValueCorrected,
    ValueType,
)
from domain.decider import NOT_YOUR_ROLE, UNKNOWN_VERB, Ask, Document, Refused
from domain.duties import INCOMPATIBLE
from domain.leaving import Derecognised, PutUpForDisposal
from domain.words import Role
from ledger.book import NUMBER_TAKEN

past = partial(given, asset.lifecycle)

delivered = AssetReceived(
    name="会议桌", kind=Kind.FURNITURE, unit="o_a", quantity="2", measure="张", value=240_000
)
passed = AcceptancePassed(inspector="u_inspector", serial="SN-1")
failed = AcceptanceFailed(inspector="u_inspector", reason="桌面开裂")
carded = AssetRegistered(asset_no="ZC-1", name="会议桌", kind=Kind.FURNITURE, unit="o_a")
put_up = PutUpForDisposal(case="disposal/D", approval_no="批1")
gone = Derecognised(voucher="记-9")


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    book = Ledger(database)
    yield book
    book.close()


# What gets no card -----------------------------------------------------------


@pytest.mark.parametrize("verb", [asset.receive, asset.register_existing])
def test_consumables_and_secrets_get_no_card_and_hear_where_they_belong(verb: Any) -> None:
    form: dict[str, Any] = {"name": "硒鼓", "kind": "office", "unit": "o_a"}
    form |= {"asset_no": "ZC-1"} if verb is asset.register_existing else {}
    said = past().when(verb, **form, nature="consumable").then_refused(outside.NOT_CONSUMABLE)
    assert "库存物品账" in said.sentence("zh")
    said = past().when(verb, **form, nature="classified").then_refused(outside.NOT_CLASSIFIED)
    assert "保密" in said.sentence("zh")
    past().when(verb, **form, nature="asset").then_granted()


# Delivery and acceptance ------------------------------------------------------


def test_a_delivery_waits_for_acceptance() -> None:
    past().when(asset.receive, name="会议桌", kind="furniture", unit="o_a").then(
        AssetReceived(name="会议桌", kind=Kind.FURNITURE, unit="o_a", buyer="u_asker")
    ).then_state(book=Book.PENDING, custody=Custody.STORE, accounting_unit="o_a")


def test_nothing_is_delivered_or_registered_twice() -> None:
    form = {"name": "会议桌", "kind": "furniture", "unit": "o_a"}
    for history in ([delivered], [carded], [carded, put_up, gone]):
        past(*history).when(asset.receive, **form).then_refused(asset.NOT_YET_KNOWN)
        past(*history).when(asset.register_existing, asset_no="ZC-2", **form).then_refused(
            asset.NOT_YET_KNOWN
        )


def test_acceptance_can_pass() -> None:
    past(delivered).when(asset.pass_acceptance, inspector="u_inspector", serial="SN-1").then(
        AcceptancePassed(inspector="u_inspector", serial="SN-1")
    ).then_state(accepted=True, serial="SN-1", book=Book.PENDING)


def test_acceptance_can_fail_and_then_the_thing_goes_back() -> None:
    past(delivered).when(asset.fail_acceptance, inspector="u_inspector", reason="开裂").then(
        AcceptanceFailed(inspector="u_inspector", reason="开裂")
    ).then_state(accepted=False, custody=Custody.LEFT)


def test_a_failed_acceptance_says_why() -> None:
    with pytest.raises(msgspec.ValidationError):
        past(delivered).when(asset.fail_acceptance, inspector="u_inspector", reason="")


def test_only_what_is_pending_is_inspected_and_only_once() -> None:
    for history in ([], [delivered, passed], [delivered, failed], [carded]):
        past(*history).when(asset.pass_acceptance, inspector="u_inspector").then_refused(
            asset.PENDING
        )
        past(*history).when(
            asset.fail_acceptance, inspector="u_inspector", reason="开裂"
        ).then_refused(asset.PENDING)


def test_nobody_inspects_what_they_record() -> None:
    past(delivered).when(asset.pass_acceptance, inspector="u_asker").then_refused(
        asset.ANOTHER_INSPECTOR
    )
    past(delivered).when(asset.fail_acceptance, inspector="u_asker", reason="坏").then_refused(
        asset.ANOTHER_INSPECTOR
    )


# The card ---------------------------------------------------------------------


def test_a_card_is_opened_after_acceptance_with_what_delivery_and_inspection_found() -> None:
    past(delivered, passed).when(
        asset.register, asset_no="ZC-1", class_code="A05010201", voucher="记-1"
    ).then(
        AssetRegistered(
            asset_no="ZC-1",
            name="会议桌",
            kind=Kind.FURNITURE,
            unit="o_a",
            class_code="A05010201",
            class_scheme="GB/T 14885-2022",
            value=240_000,
            quantity="2",
            measure="张",
            mode=Mode.PURCHASE,
            serial="SN-1",
            voucher="记-1",
        )
    ).then_state(
        mode=Mode.PURCHASE, book=Book.ON_BOOKS, custody=Custody.STORE, custodian="o_a", owner="o_a"
    )


def test_no_card_without_acceptance() -> None:
    for history in ([], [delivered], [delivered, failed], [carded]):
        past(*history).when(asset.register, asset_no="ZC-1").then_refused(asset.ACCEPTED)


def test_a_value_nobody_states_is_unknown_and_never_zero() -> None:
    form = {"asset_no": "ZC-1", "name": "会议桌", "kind": "furniture", "unit": "o_a"}
    past().when(asset.register_existing, **form).then_state(
        value=None, value_type=ValueType.UNKNOWN
    )
    past().when(asset.register_existing, value=0, **form).then_state(
        value=0, value_type=ValueType.COST
    )


def test_the_year_follows_the_date_of_acquisition_where_only_that_is_given() -> None:
    form = {"asset_no": "ZC-1", "name": "会议桌", "kind": "furniture", "unit": "o_a"}
    past().when(asset.register_existing, acquired=date(2019, 5, 1), **form).then_state(
        acquired_year=2019
    )


@pytest.mark.parametrize(("length", "fits"), [(0, False), (1, True), (80, True), (81, False)])
def test_an_asset_number_has_one_to_eighty_characters(length: int, fits: bool) -> None:
    ask = past(delivered, passed).when
    if fits:
        ask(asset.register, asset_no="9" * length).then_granted()
    else:
        with pytest.raises(msgspec.ValidationError):
            ask(asset.register, asset_no="9" * length)


# Corrections ------------------------------------------------------------------


def test_a_correction_changes_the_named_fields_alone() -> None:
    past(carded).when(asset.correct_card, reason="录入错误", model="T-2").then(
        CardCorrected(reason="录入错误", model="T-2")
    ).then_state(model="T-2", name="会议桌", owner="o_a")


def test_a_card_says_since_when_the_thing_is_used_and_who_keeps_it() -> None:
    form = {"asset_no": "ZC-1", "name": "会议桌", "kind": "furniture", "unit": "o_a"}
    used = date(2019, 6, 1)
    past().when(asset.register_existing, used_from=used, custodian="o_b", **form).then_state(
        used_from=used, accounting_unit="o_a", custodian="o_b", owner="o_a"
    )
    past().when(asset.register_existing, **form).then_state(used_from=None, custodian="o_a")
    past(carded).when(asset.correct_card, reason="补录", used_from=used).then(
        CardCorrected(reason="补录", used_from=used)
    ).then_state(used_from=used, name="会议桌")
    # A correction of something else leaves it as it is.
    past(carded, CardCorrected(reason="补录", used_from=used)).when(
        asset.correct_card, reason="核对", model="T-2"
    ).then_state(used_from=used)


def test_a_field_can_be_corrected_to_nothing() -> None:
    past(carded, CardCorrected(reason="补录", serial="X")).when(
        asset.correct_card, reason="序列号属另一件", serial=""
    ).then_state(serial="", name="会议桌")


def test_a_correction_corrects_something_and_says_why() -> None:
    past(carded).when(asset.correct_card, reason="核对").then_refused(asset.SOMETHING_CORRECTED)
    for verb, rest in ((asset.correct_card, {"name": "桌"}), (asset.correct_value, {"value": 1})):
        with pytest.raises(msgspec.ValidationError):
            past(carded).when(verb, reason="", **rest)


def test_finance_corrects_the_value() -> None:
    past(carded).when(asset.correct_value, value=100, reason="漏记运费", voucher="记-2").then(
        ValueCorrected(value=100, value_type=ValueType.COST, reason="漏记运费", voucher="记-2")
    ).then_state(value=100)
    past(carded).at(role=Role.CLERK).when(
        asset.correct_value, value=100, reason="漏记运费"
    ).then_refused(NOT_YOUR_ROLE)


def test_cards_are_corrected_until_the_books_let_go() -> None:
    past(carded, put_up).when(asset.correct_card, reason="核对", name="长桌").then_granted()
    past(carded, put_up).when(asset.correct_value, reason="核对", value=1).then_granted()
    for history in ([], [delivered], [carded, put_up, gone]):
        past(*history).when(asset.correct_card, reason="核对", name="长桌").then_refused(
            asset.STILL_OURS
        )
        past(*history).when(asset.correct_value, reason="核对", value=1).then_refused(
            asset.STILL_OURS
        )


def test_what_a_register_says_beside_the_card_moves_nothing() -> None:
    before = past(carded).state
    past(carded, RegisterRowRepeated(text="第7行"), ReplacementPlanned(year=2027)).then_state(
        book=before.book, custody=before.custody, name=before.name
    )


# Who and what -----------------------------------------------------------------


def test_a_step_of_another_role_is_refused_with_the_roles_that_may() -> None:
    answer = (
        past().at(role=Role.AUDITOR).when(asset.receive, name="桌", kind="furniture", unit="o_a")
    )
    answer.then_refused(NOT_YOUR_ROLE)
    assert "单位资产管理员" in answer.sentence("zh")
    assert "asset clerk" in answer.sentence("en")


def test_a_refusal_says_where_it_stands_which_rule_and_what_can_be_done_instead() -> None:
    answer = past(carded).when(asset.register, asset_no="ZC-2").then_refused(asset.ACCEPTED)
    zh, en = answer.sentence("zh"), answer.sentence("en")
    assert zh.startswith("资产ZC-1 会议桌现为：在账、库存。验收合格后才能建卡入账。")
    assert "新疆维吾尔自治区机关事务管理办法》第18条" in zh
    assert "现在可以办理：" in zh
    assert "领用" in zh
    assert en.startswith("Asset ZC-1 会议桌 is now on the books, in store.")
    assert "You can: " in en
    assert "issue" in en


def test_at_the_end_nothing_can_be_done_and_the_answer_says_so() -> None:
    answer = past(carded, put_up, gone).when(asset.correct_card, reason="核对", name="桌")
    answer.then_refused(asset.STILL_OURS)
    assert answer.sentence("zh").endswith("目前没有可办理的事项。")
    assert answer.sentence("en").endswith("Nothing can be done now.")


@pytest.mark.parametrize("name", ["fly", "lend", "release"])
def test_no_door_opens_to_unknown_or_inner_steps(name: str) -> None:
    state = past(carded)
    with pytest.raises(Refused) as caught:
        asset.lifecycle.decide(state.state, name, state.occasion, {}, asked=False)
    assert caught.value.rule is UNKNOWN_VERB


# On a database ----------------------------------------------------------------


def test_a_delivery_says_which_authorised_purchase_it_is_from() -> None:
    form: dict[str, Any] = {"name": "会议桌", "kind": "furniture", "unit": "o_a", "quantity": "2"}
    past().when(asset.receive, **form, acquisition="Q1").then(
        AssetReceived(
            name="会议桌",
            kind=Kind.FURNITURE,
            unit="o_a",
            quantity="2",
            acquisition="Q1",
            buyer="u_asker",
        ),
        Ask("acquisition/Q1", "count_delivery", {"asset": "X", "quantity": "2"}),
    )


def test_from_delivery_to_the_card_with_its_papers(ledger: Ledger) -> None:
    desk = "asset/DESK"
    ledger.docs = (Document(type="采购合同", number="HT-7", issued=date(2025, 6, 1)),)
    ledger.ask("u_clerk", desk, "receive", name="会议桌", kind="furniture", unit="o_a", value=5)
    ledger.docs = ()
    ledger.refuses(asset.ANOTHER_INSPECTOR, "u_i", desk, "pass_acceptance", inspector="u_i")
    ledger.refuses(asset.NOT_THE_BUYER, "u_clerk2", desk, "pass_acceptance", inspector="u_clerk")
    ledger.refuses(INCOMPATIBLE, "u_clerk", desk, "pass_acceptance", inspector="u_i")
    ledger.ask("u_clerk2", desk, "pass_acceptance", inspector="u_i")
    ledger.ask("u_clerk", desk, "register", asset_no="ZC-1", voucher="记-1")
    ledger.ask("u_accountant", desk, "correct_value", value=6, reason="漏记运费")
    assert ledger.facts(desk) == [
        "asset.received",
        "asset.acceptance_passed",
        "asset.registered",
        "asset.value_corrected",
    ]
    assert ledger.state(desk).book is Book.ON_BOOKS
    assert ledger.state(desk).value == 6
    first = ledger.book.stream(desk).entries[0]
    assert [d.number for d in first.beside.docs] == ["HT-7"]
    assert first.effective_on == TODAY.isoformat()


def test_an_asset_number_is_given_once_for_ever(ledger: Ledger) -> None:
    ledger.card("ONE")
    form = {"name": "桌", "kind": "furniture", "unit": "o_b"}
    ledger.refuses(
        NUMBER_TAKEN, "u_clerk", "asset/TWO", "register_existing", asset_no="ZC-ONE", **form
    )
    assert ledger.state("asset/TWO").book is Book.NONE


@pytest.mark.target("T22")
def test_the_four_parties_of_one_asset_are_four_answers(ledger: Ledger) -> None:
    """Books, custody, use and title may lie with four different people and units."""
    ledger.card("CAR", owner="o_goa", unit="o_books", kind="instrument")
    ledger.ask(
        "u_1",
        "reallocation/R",
        "request",
        from_unit="o_books",
        to_unit="o_holder",
        item="仪器",
        assets=["CAR"],
    )
    ledger.ask("u_2", "reallocation/R", "approve", scope="departments", approval_no="调1")
    ledger.ask("u_3", "reallocation/R", "confirm_out", assets=["CAR"], scanned="ZC-CAR")
    ledger.ask("u_4", "reallocation/R", "confirm_in", assets=["CAR"], scanned="ZC-CAR")
    ledger.ask("u_5", "asset/CAR", "issue", user="u_driver")
    car = ledger.state("asset/CAR")
    parties = (car.accounting_unit, car.custodian, car.user, car.owner)
    assert parties == ("o_books", "o_holder", "u_driver", "o_goa")
