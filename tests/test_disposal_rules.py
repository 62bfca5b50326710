"""What a form of disposal asks for is data: grounds, papers, life, price, what was tried (T90)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from typing import Any

import msgspec
import pytest
from given import TODAY, Given, Ledger, given

from api import policies
from domain import asset, disposal, executing, leaving, proving, requiring, selling, settling
from domain.asset import Asset, AssetRegistered, Book, Custody, Kind
from domain.decider import UPCASTERS, Ask, Document, Event
from domain.disposal import (
    AssetDerecognised,
    DisposalApproved,
    DisposalProposed,
    DisposalStatus,
    Flag,
    ListValued,
    Scrapped,
    TermsLaid,
)
from domain.leaving import (
    GROUND_LAWS,
    GROUNDS,
    Derecognised,
    Form,
    Ground,
    LeftForGood,
    PutUpForDisposal,
    TitleGivenUp,
)
from domain.policy import DisposalForm, GroundPapers, Policy, ServiceLife
from domain.proving import Destroyed, Destruction, TitleChanged
from domain.requiring import LATER, SAID_BY_STEP, Need
from domain.use import DeclaredIdle
from domain.warehouse import ListedForReuse, ReceivedIntoWarehouse
from domain.words import cited

CASE = "disposal/X"
case = partial(given, disposal.lifecycle)
thing = partial(given, asset.lifecycle)
SHIPPED = ("generic", "xinjiang", "inner-mongolia", "shanxi")

CAR = Asset(kind=Kind.VEHICLE, asset_no="ZC-1", value=700)
DESK = Asset(kind=Kind.FURNITURE, asset_no="ZC-2", value=300)


def paper(*types: str) -> tuple[Document, ...]:
    return tuple(Document(type=type_) for type_ in types)


def ask_for(form: Form, ground: str = "", assets: tuple[str, ...] = ("A",)) -> dict[str, Any]:
    return {
        "unit": "o_a",
        "form": form.value,
        "ground": ground or "other_ground",
        "remark": "见纪要",
        "minutes_no": "纪要3",
        "assets": list(assets),
    }


def shipped(name: str) -> Policy:
    return policies.read((policies.FOLDER / f"{name}.yaml").read_text(encoding="utf-8"), 1)


# The shipped profiles ---------------------------------------------------------


def rules_of(policy: Policy) -> Iterator[tuple[Form, DisposalForm, Asset]]:
    """Yield each form of a profile with a card of a kind it is for."""
    for rules in policy.forms:
        if rules.form == Form.EXCHANGE:  # a case of its own, see test_exchanging
            continue
        kind = Kind(min(rules.kinds)) if rules.kinds else Kind.FURNITURE
        yield Form(rules.form), rules, Asset(kind=kind, asset_no="ZC-1", value=100, listed=True)


@pytest.mark.target("T90")
@pytest.mark.parametrize("name", SHIPPED)
def test_every_form_of_a_shipped_profile_asks_for_each_of_its_papers(name: str) -> None:
    """Without any one of them the proposal is refused by its name; with all it is granted."""
    policy = shipped(name)
    assert {rules.form for rules in policy.forms} <= {form.value for form in Form}
    for form, rules, card in rules_of(policy):
        now = case().at(policy=policy, listed=(card,))
        asked = ask_for(form, rules.grounds[0] if rules.grounds else "")
        route = policy.route("disposal", form=form, kinds={card.kind}, batch_amount=100)
        papers = {*rules.documents, *(route.documents if route else ())} | {"minutes"}
        now.at(docs=paper(*papers)).when(disposal.propose, **asked).then_granted()
        for missing in set(rules.documents) - {"minutes"}:
            answer = now.at(docs=paper(*(papers - {missing}))).when(disposal.propose, **asked)
            answer.then_refused(requiring.PAPERS_ATTACHED)
            assert policy.named(missing).zh in answer.sentence("zh")
            assert all(policy.article(id_).article in answer.sentence("zh") for id_ in rules.cites)


@pytest.mark.target("T90")
@pytest.mark.parametrize("name", SHIPPED)
def test_a_ground_is_one_the_rules_name(name: str) -> None:
    policy = shipped(name)
    for form, rules, card in rules_of(policy):
        now = case().at(policy=policy, listed=(card,), docs=paper("minutes", *rules.documents))
        for ground in Ground:
            asked = now.when(disposal.propose, **ask_for(form, ground))
            if ground in rules.grounds:
                asked.then_granted()
            elif rules.grounds:
                asked.then_refused(requiring.GROUND_NAMED)
        assert set(rules.grounds) <= set(Ground), "a ground nobody can choose"


@pytest.mark.target("T90")
@pytest.mark.parametrize("form", [f for f in Form if f is not Form.EXCHANGE])
def test_where_no_rules_are_published_each_form_has_its_own_grounds(form: Form) -> None:
    now = case().at(listed=(DESK,))
    for ground in Ground:
        asked = now.when(disposal.propose, **ask_for(form, ground))
        if ground in GROUNDS[form]:
            asked.then_granted()
        else:
            asked.then_refused(requiring.GROUND_OF_FORM)
    for remark, granted in (("", False), (" ", False), ("移交档案馆", True)):
        asked = now.when(disposal.propose, **ask_for(form) | {"remark": remark})
        asked.then_granted() if granted else asked.then_refused(requiring.OTHER_EXPLAINED)


def test_every_ground_but_other_rests_on_an_article_of_a_known_law() -> None:
    assert set(GROUND_LAWS) == set(Ground) - {Ground.OTHER}
    for law in GROUND_LAWS.values():
        assert cited(law, "en") != law


@pytest.mark.target("T90")
def test_a_ground_may_ask_for_papers_beside_those_of_its_form() -> None:
    papers = GroundPapers(ground="disaster", documents=("loss_evidence",))
    rules = DisposalForm(form="scrap", documents=("minutes",), ground_documents=(papers,))
    now = case().at(policy=Policy(name="place", version=1, forms=(rules,)), listed=(DESK,))
    now.when(disposal.propose, **ask_for(Form.SCRAP, "life_over")).then_granted()
    asked = ask_for(Form.SCRAP, "disaster")
    now.when(disposal.propose, **asked).then_refused(requiring.PAPERS_ATTACHED)
    now.at(docs=paper("loss_evidence")).when(disposal.propose, **asked).then_granted()


@pytest.mark.target("T19")
@pytest.mark.parametrize(
    ("named", "ground"),
    [("life_over", Ground.LIFE_OVER), ("闲置", Ground.IDLE), ("", None), ("不想要了", None)],
)
def test_a_proposal_that_said_its_ground_in_words_is_still_read(
    named: str, ground: Ground | None
) -> None:
    body = {"applicant": "u_1", "unit": "o_a", "form": "scrap", "ground": "见纪要"}
    old = body | {"minutes_no": "纪要3", "assets": ["A"], "circumstance": named}
    new = msgspec.convert(UPCASTERS["disposal.proposed", 1](old), DisposalProposed)
    assert (new.ground, new.remark, new.minutes_no) == (ground, "见纪要", "纪要3")


@pytest.mark.target("T90")
def test_the_seven_forms_and_take_back_are_configured_where_article_nineteen_binds() -> None:
    policy = shipped("xinjiang")
    assert {rules.form for rules in policy.forms} == {form.value for form in Form}
    back = ask_for(Form.TAKE_BACK, "life_over")
    docs = paper("minutes", "take_back_agreement")
    now = case().at(policy=policy, docs=docs)
    now.at(listed=(CAR,)).when(disposal.propose, **back).then_granted()
    now.at(listed=(DESK,)).when(disposal.propose, **back).then_refused(requiring.FORM_ALLOWED)


@pytest.mark.target("T90", "T29")
def test_what_was_asked_of_a_case_stays_with_it() -> None:
    """Papers of execution are those of the day it was proposed, whatever the rules say later."""
    rules = DisposalForm(form="donation", execution_documents=("donation_receipt",))
    then = Policy(name="place", version=1, forms=(rules,))
    later = Policy(name="place", version=2)
    laid = case().at(policy=then, listed=(DESK,)).when(disposal.propose, **ask_for(Form.DONATION))
    facts = [a for a in laid.answers if isinstance(a, Event)]
    now = case(*facts, DisposalApproved(approval_no="批1", assets=("A",))).at(policy=later)
    gift = {"asset": "A", "recipient": "示例希望小学", "agreement": "赠1"}
    now.when(executing.give_away, **gift).then_refused(requiring.PAPERS_ATTACHED)
    now.at(docs=paper("donation_receipt")).when(executing.give_away, **gift).then_granted()


def test_every_form_has_a_paper_its_own_step_names() -> None:
    assert set(SAID_BY_STEP) == set(Form)


# Service life -----------------------------------------------------------------

LIFE = Policy(name="place", version=1, service_years=(ServiceLife(kind="computer", years=6),))


def held(acquired: date | None, form: Form, year: int | None = None) -> Given:
    carded = AssetRegistered(
        asset_no="ZC-1",
        name="台式计算机",
        kind=Kind.COMPUTER,
        unit="o_a",
        acquired=acquired,
        acquired_year=year,
    )
    return thing(carded).at(policy=LIFE)


@pytest.mark.parametrize(
    ("acquired", "over"),
    [
        (date(2019, 6, 30), True),
        (date(2019, 7, 1), False),
        (date(2025, 6, 30), False),
        (None, False),
    ],
)
def test_nothing_is_scrapped_before_its_service_life_without_proof_of_damage(
    acquired: date | None, over: bool
) -> None:
    form = {"case": CASE, "unit": "o_a", "form": "scrap"}
    now = held(acquired, Form.SCRAP)
    answer = now.when(leaving.hold_for_disposal, **form)
    if over:
        answer.then_granted()
    else:
        answer.then_refused(leaving.LIFE_OVER)
    now.at(docs=paper("损坏证明")).when(leaving.hold_for_disposal, **form).then_granted()
    now.at(policy=Policy(name="place", version=2)).when(
        leaving.hold_for_disposal, **form
    ).then_granted()  # a place that gives no years refuses nothing
    held(acquired, Form.DONATION).when(
        leaving.hold_for_disposal, **form | {"form": "donation"}
    ).then_granted()


def test_where_only_the_year_is_known_all_of_it_must_be_over() -> None:
    form = {"case": CASE, "unit": "o_a", "form": "scrap"}
    held(None, Form.SCRAP, 2018).when(leaving.hold_for_disposal, **form).then_granted()
    held(None, Form.SCRAP, 2019).when(leaving.hold_for_disposal, **form).then_refused(
        leaving.LIFE_OVER
    )


def test_a_leap_day_comes_of_age_on_the_last_of_february() -> None:
    leap = Asset(acquired=date(2020, 2, 29))
    assert not leaving.served(leap, 5, date(2025, 2, 27))
    assert leaving.served(leap, 5, date(2025, 2, 28))
    assert not leaving.served(Asset(acquired=date(9999, 1, 1)), 5, date.max)


# Offered first ----------------------------------------------------------------


def test_what_can_still_be_used_is_offered_before_it_is_sold() -> None:
    place = Policy(name="place", version=1, waterfall=("reuse", "reallocate", "auction_off"))
    card = AssetRegistered(asset_no="ZC-1", name="会议桌", kind=Kind.FURNITURE, unit="o_a")
    form = {"case": CASE, "unit": "o_a", "form": "auction"}
    idle = thing(card, DeclaredIdle()).at(policy=place)
    idle.when(leaving.hold_for_disposal, **form).then_refused(leaving.OFFERED_FIRST)
    idle.when(leaving.hold_for_disposal, **form | {"form": "scrap"}).then_granted()
    idle.at(docs=paper("reallocation_search")).when(
        leaving.hold_for_disposal, **form
    ).then_granted()
    for offered in (ListedForReuse(), ReceivedIntoWarehouse(warehouse="p_w", virtual=True)):
        thing(card, DeclaredIdle(), offered).at(policy=place).when(
            leaving.hold_for_disposal, **form
        ).then_granted()
    thing(card, DeclaredIdle()).when(leaving.hold_for_disposal, **form).then_granted()


# Amounts ----------------------------------------------------------------------


def listing(form: Form = Form.SCRAP, **values: int | None) -> list[Event]:
    """Return a proposal of things with these original values."""
    amounts = [values[name] for name in sorted(values)]
    known = [a for a in amounts if a is not None]
    return [
        DisposalProposed(
            applicant="u_clerk",
            unit="o_a",
            form=form,
            ground=Ground.OTHER,
            remark="见纪要",
            minutes_no="纪要3",
            assets=tuple(values),
        ),
        ListValued(
            values=tuple(amounts),
            kinds=("furniture",) * len(amounts),
            amount=sum(known) if len(known) == len(amounts) else None,
        ),
    ]


def scrapped(asset_: str) -> Scrapped:
    return Scrapped(asset=asset_, recycler="示例再生资源", certificate="回1")


def test_a_proposal_keeps_what_the_cards_say() -> None:
    cards = (DESK, CAR)
    answer = (
        case().at(listed=cards).when(disposal.propose, **ask_for(Form.SCRAP, assets=("B", "A")))
    )
    (valued,) = [a for a in answer.answers if isinstance(a, ListValued)]
    assert valued == ListValued(values=(700, 300), kinds=("vehicle", "furniture"), amount=1000)
    answer.then_state(values={"A": 700, "B": 300}, requested_amount=1000)


@pytest.mark.target("T91")
@pytest.mark.parametrize(("limit", "fits"), [(1000, True), (999, False), (None, True)])
def test_the_sum_carried_out_stays_within_the_sum_approved(limit: int | None, fits: bool) -> None:
    approved = DisposalApproved(approval_no="批1", assets=("A", "B"), amount=limit)
    now = case(*listing(A=700, B=300), approved, scrapped("A"))
    answer = now.when(executing.scrap, asset="B", recycler="示例再生资源", certificate="回1")
    if fits:
        answer.then_state(executed_amount=1000, flags=())
    else:
        answer.then_refused(executing.WITHIN_AMOUNT)


def test_nobody_approves_more_than_was_asked() -> None:
    now = case(*listing(A=700, B=300))
    now.when(disposal.approve, approval_no="批1", amount=1000).then_granted()
    now.when(disposal.approve, approval_no="批1", amount=1001).then_refused(
        disposal.APPROVED_AMOUNT
    )
    now.when(disposal.approve, approval_no="批1", assets=["B"], amount=301).then_refused(
        disposal.APPROVED_AMOUNT
    )
    case(*listing(A=700, B=None)).when(
        disposal.approve, approval_no="批1", amount=10**6
    ).then_granted()  # a card without a value: the paper's own amount is all there is


def test_an_unknown_value_is_no_amount() -> None:
    approved = DisposalApproved(approval_no="批1", assets=("A", "B"))
    case(*listing(A=700, B=None), approved, scrapped("B"), scrapped("A")).then_state(
        requested_amount=None, approved_amount=None, executed_amount=None, flags=()
    )


@pytest.mark.target("T96")
def test_what_went_beyond_the_approval_is_flagged_by_item_and_by_amount() -> None:
    whole = DisposalApproved(approval_no="批1", assets=("A", "B"), amount=547)
    case(*listing(A=547, B=164), whole, scrapped("A"), scrapped("B")).then_state(
        requested_amount=711,
        approved_amount=547,
        executed_amount=711,
        flags=(Flag.BEYOND_AMOUNT,),
    )
    part = DisposalApproved(approval_no="批1", assets=("A",))
    case(*listing(A=547, B=164), part).when(
        executing.report_excess, assets=["B"], reason="已交售"
    ).then_state(flags=(Flag.BEYOND_LIST,), excess=frozenset({"B"}))
    case(*listing(A=547, B=164), part, scrapped("A")).when(
        executing.report_excess, assets=["B"], reason="已交售"
    ).then_state(flags=(Flag.BEYOND_AMOUNT, Flag.BEYOND_LIST))


def test_an_excess_is_ruled_on_before_the_books_let_go() -> None:
    part = DisposalApproved(approval_no="批1", assets=("A",))
    found = disposal.ExcessFound(asset="B", value=164, reason="已交售")
    now = case(*listing(A=547, B=164), part, found)
    now.when(executing.report_excess, assets=["B"], reason="再报").then_refused(
        executing.ON_THE_LIST
    )
    now.when(executing.rule_on_excess, asset="A", approval_no="处1").then_refused(
        executing.ON_THE_LIST
    )
    now.when(executing.rule_on_excess, asset="B", approval_no="处1").then(
        disposal.ExcessRuledOn(asset="B", approval_no="处1"),
        Ask("asset/B", "rule_on_departure", {"case": CASE, "approval_no": "处1"}),
    )
    case(*listing(A=547, B=164), part).when(
        executing.rule_on_excess, asset="B", approval_no="处1"
    ).then_refused(executing.EXCESS_OPEN)
    case(*listing(A=547)).when(executing.report_excess, assets=["A"], reason="无").then_refused(
        executing.BEGUN
    )


def test_the_rest_may_be_kept() -> None:
    approved = DisposalApproved(approval_no="批1", assets=("A", "B"))
    keep = {"case": CASE, "reason": "批复过期"}
    case(*listing(A=1, B=2), approved, scrapped("A")).when(
        executing.keep_rest, reason="批复过期"
    ).then(disposal.RestKept(reason="批复过期"), Ask("asset/B", "keep_after_all", keep)).then_state(
        status=DisposalStatus.EXECUTED, approved=frozenset({"A"})
    )
    case(*listing(A=1), DisposalApproved(approval_no="批1", assets=("A",))).when(
        executing.keep_rest, reason="不需要"
    ).then_state(status=DisposalStatus.WITHDRAWN)


# Appraisal, market, price -----------------------------------------------------

terms = TermsLaid(policy="place@1", appraisal=True, floor_percent=90)
sellable = [
    *listing(Form.AUCTION, A=700, B=300),
    terms,
    DisposalApproved(approval_no="批1", assets=("A", "B")),
]
appraised = selling.Appraised(
    assets=("A", "B"), appraiser="评估", value=1001, base_date=TODAY, report_no="评1"
)
market: dict[str, Any] = {"platform": "平台", "project_no": "项1"}
deal: dict[str, Any] = {"buyer": "买1", "deal_no": "成1"}


def test_an_appraisal_is_shared_to_the_fen() -> None:
    case(*sellable, appraised).then_state(
        appraisals={"A": 701, "B": 300}, floors={"A": 631, "B": 270}
    )
    assert selling.shares(10, [1, 1, 1]) == [4, 3, 3]
    assert selling.shares(7, [0, 0]) == [4, 3]
    assert selling.shares(7, []) == []


def test_what_must_be_appraised_is_neither_listed_nor_sold_before() -> None:
    for verb, form in (
        (executing.sell, {"asset": "A", "price": 10**6} | deal),
        (executing.sell_lot, {"assets": ["A", "B"], "price": 10**6} | deal),
        (selling.put_on_market, market | {"reserve": 10**6}),
    ):
        case(*sellable).when(verb, **form).then_refused(selling.APPRAISED)
        case(*sellable, appraised).when(verb, **form).then_granted()


def test_only_what_is_sold_or_exchanged_is_appraised() -> None:
    form = {
        "assets": ["A"],
        "appraiser": "评估",
        "value": 1,
        "base_date": TODAY,
        "report_no": "评1",
    }
    case(*listing(A=1)).when(selling.record_appraisal, **form).then_refused(selling.PRICED)
    case(*listing(Form.SALE, A=1)).when(selling.record_appraisal, **form).then_granted()
    case(*listing(Form.SALE, A=1)).when(
        selling.record_appraisal, **form | {"assets": ["Z"]}
    ).then_refused(selling.ON_THE_LIST)


@pytest.mark.parametrize(("price", "holds"), [(901, True), (900, False)])
def test_a_deal_below_the_floor_stops(price: int, holds: bool) -> None:
    answer = case(*sellable, appraised).when(
        executing.sell_lot, assets=["A", "B"], price=price, **deal
    )
    if holds:
        answer.then_state(proceeds=901, status=DisposalStatus.EXECUTED)
    else:
        answer.then_refused(selling.PRICE_HOLDS)


def test_the_first_reserve_is_the_appraisal_at_least_and_the_second_may_be_less() -> None:
    now = case(*sellable, appraised)
    now.when(selling.put_on_market, reserve=1001, **market).then_granted()
    now.when(selling.put_on_market, reserve=1000, **market).then_refused(selling.RESERVE_HIGH)
    failed = selling.AuctionFailed(reason="无人报名", next_step_by=TODAY)
    case(*sellable, appraised, failed).when(
        selling.put_on_market, reserve=950, **market
    ).then_granted()


@pytest.mark.target("T92")
def test_a_failed_auction_is_a_round_with_a_deadline() -> None:
    listed = selling.PutOnMarket(platform="平台", project_no="项1", reserve=1001)
    failed = selling.AuctionFailed(reason="无人报名", next_step_by=TODAY)
    now = case(*sellable, appraised, listed)
    now.when(selling.put_on_market, reserve=1001, **market).then_refused(selling.OFF_MARKET)
    now.when(selling.record_failed_auction, reason="无人报名", next_step_by=TODAY).then(
        failed
    ).then_state(rounds_failed=1, on_market=False, next_step_by=TODAY, flags=())
    yesterday = TODAY - timedelta(days=1)
    now.when(selling.record_failed_auction, reason="无人报名", next_step_by=yesterday).then_refused(
        selling.NEXT_AHEAD
    )
    twice = [*sellable, appraised, listed, failed, listed, failed]
    case(*twice).then_state(rounds_failed=2, flags=(Flag.FAILED_TWICE,))
    step = settling.next_step(disposal.lifecycle.fold(twice))
    assert step is not None and (step.verb, step.due) == ("put_on_market", TODAY)
    case(*sellable, appraised).when(
        selling.record_failed_auction, reason="无", next_step_by=TODAY
    ).then_refused(selling.ON_MARKET)


def test_new_terms_stop_the_sale_until_somebody_else_decides() -> None:
    asked = selling.NewTermsAsked(form=Form.SALE, price=850, reason="两次流拍", minutes_no="纪要9")
    form = {"form": "sale", "price": 850, "reason": "两次流拍", "minutes_no": "纪要9"}
    case(*sellable, appraised).when(selling.ask_new_terms, **form).then(asked).then_state(
        status=DisposalStatus.SUSPENDED
    )
    case(*sellable).when(selling.ask_new_terms, **form | {"form": "scrap"}).then_refused(
        selling.FOR_SALE
    )
    stopped = case(*sellable, appraised, asked)
    lot = {"assets": ["A", "B"], "price": 850} | deal
    stopped.when(executing.sell_lot, **lot).then_refused(disposal.APPROVED)
    stopped.when(selling.approve_new_terms, approval_no="批2").then_state(
        status=DisposalStatus.APPROVED, form=Form.SALE, floors={"A": 595, "B": 255}
    )
    stopped.when(selling.refuse_new_terms, reason="再挂一次").then_state(
        status=DisposalStatus.APPROVED, form=Form.AUCTION, floors={"A": 631, "B": 270}
    )
    agreed = [*sellable, appraised, asked, selling.NewTermsApproved(approval_no="批2")]
    case(*agreed).when(executing.sell_lot, **lot).then_granted()
    case(*agreed).when(executing.sell_lot, **lot | {"price": 849}).then_refused(selling.PRICE_HOLDS)
    case(*sellable).when(selling.approve_new_terms, approval_no="批2").then_refused(
        selling.SUSPENDED
    )


# Proof ------------------------------------------------------------------------


def needing(*papers: str) -> list[Event]:
    return [
        *listing(A=1),
        TermsLaid(policy="place@1", needs=(Need(kind="furniture", documents=papers),)),
        DisposalApproved(approval_no="批1", assets=("A",)),
    ]


@pytest.mark.target("T99")
def test_the_books_wait_for_the_destruction_record_and_the_title() -> None:
    """Those two may follow the thing, but not the books."""
    gone = [*needing("recycling_certificate", *sorted(LATER)), scrapped("A")]
    form = {"asset": "A", "voucher": "记-9"}
    refusal = case(*gone).when(settling.derecognise, **form)
    refusal.then_refused(requiring.PAPERS_ATTACHED)
    assert all(word in refusal.sentence("en") for word in ("data wipe", "destruction", "dereg"))
    destroyed = Destroyed(
        asset="A",
        vendor="示例销毁",
        certificate="毁1",
        method=Destruction.SHREDDED,
        destroyed_on=TODAY,
    )
    changed = TitleChanged(asset="A", registry="车管所", certificate="注1")
    case(*gone, destroyed).when(settling.derecognise, **form).then_refused(
        requiring.PAPERS_ATTACHED
    )
    let_go = AssetDerecognised(asset="A", voucher="记-9")
    case(*gone, destroyed, changed).when(settling.derecognise, **form).then(
        let_go, Ask("asset/A", "derecognise_asset", {"voucher": "记-9"})
    )
    case(*gone).at(docs=paper(*LATER)).when(settling.derecognise, **form).then_granted()


def test_a_destruction_record_says_who_how_when_and_with_what_proof() -> None:
    form = {"asset": "A", "vendor": "示例销毁", "certificate": "毁1", "method": "wiped"}
    now = case(*needing())
    now.when(proving.record_destruction, destroyed_on=TODAY, **form).then_granted()
    tomorrow = TODAY + timedelta(days=1)
    now.when(proving.record_destruction, destroyed_on=tomorrow, **form).then_refused(
        proving.HAPPENED
    )
    now.when(proving.record_destruction, destroyed_on=TODAY, **form | {"asset": "Z"}).then_refused(
        proving.ON_THE_LIST
    )
    case().when(proving.record_destruction, destroyed_on=TODAY, **form).then_refused(proving.OPEN)


def test_title_is_changed_once_and_only_where_there_is_one() -> None:
    form = {"asset": "A", "registry": "车管所", "certificate": "注1"}
    changed = TitleChanged(**form)
    papers = {"registry": "车管所", "certificate": "注1"}
    case(*needing()).when(proving.change_title, **form).then(
        changed, Ask("asset/A", "give_up_title", papers)
    ).then_state(titled=frozenset({"A"}))
    case(*needing(), changed).when(proving.change_title, **form).then_refused(proving.ON_THE_LIST)
    for kind, titled in ((Kind.VEHICLE, True), (Kind.PREMISES, True), (Kind.COMPUTER, False)):
        card = AssetRegistered(asset_no="ZC-1", name="物", kind=kind, unit="o_a")
        answer = thing(card).when(leaving.give_up_title, **papers)
        if titled:
            answer.then(TitleGivenUp(**papers)).then_state(owner="")
        else:
            answer.then_refused(leaving.TITLED)


def test_an_assessment_is_recorded_with_its_conclusion() -> None:
    form = {"assessor": "示例检测", "conclusion": "主板损坏，无维修价值", "report_no": "鉴1"}
    case(*listing(A=1)).when(proving.record_assessment, **form).then_state(assessed=True)
    case().when(proving.record_assessment, **form).then_refused(proving.OPEN)


# What it means for the thing --------------------------------------------------

carded = AssetRegistered(asset_no="ZC-1", name="轿车", kind=Kind.VEHICLE, unit="o_a")
put_up = PutUpForDisposal(case=CASE, approval_no="批1")


def test_what_left_without_approval_stays_on_the_books_until_it_is_ruled_on() -> None:
    found = leaving.LeftWithoutApproval(case=CASE, reason="已交售")
    ruled = leaving.DepartureRuledOn(case=CASE, approval_no="处1")
    thing(carded).when(leaving.find_gone, case=CASE, reason="已交售").then(found).then_state(
        custody=Custody.LEFT, book=Book.ON_BOOKS
    )
    thing(carded, found).when(leaving.find_gone, case=CASE, reason="再报").then_refused(
        leaving.STILL_HERE
    )
    thing(carded, found).when(leaving.rule_on_departure, case=CASE, approval_no="处1").then(
        ruled
    ).then_state(book=Book.TO_DISPOSE, executed=True)
    thing(carded, found, ruled).when(leaving.derecognise_asset, voucher="记-9").then_granted()
    thing(carded).when(leaving.rule_on_departure, case=CASE, approval_no="处1").then_refused(
        leaving.LEFT_UNRULED
    )
    thing(carded, found, ruled, Derecognised(voucher="记-9")).when(
        leaving.find_gone, case=CASE, reason="无"
    ).then_refused(leaving.KNOWN)


def test_what_is_kept_after_all_is_as_it_was() -> None:
    form = {"case": CASE, "reason": "批复过期"}
    thing(carded, DeclaredIdle(), put_up).when(leaving.keep_after_all, **form).then_state(
        book=Book.ON_BOOKS, custody=Custody.IDLE, case=""
    )
    left = LeftForGood(form=Form.SCRAP, case=CASE)
    thing(carded, put_up, left).when(leaving.keep_after_all, **form).then_refused(
        leaving.STILL_HERE
    )


# On a database ----------------------------------------------------------------


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    book = Ledger(database)
    yield book
    book.close()


def test_a_car_leaves_the_register_of_vehicles_before_the_books(ledger: Ledger) -> None:
    """Xinjiang's rules: papers at the proposal, at the execution, and before the books let go."""
    ledger.policy, ledger.docs = shipped("xinjiang"), paper("minutes")
    ledger.card("CAR1", name="轿车", kind="vehicle", value=10_000_000)
    form = ask_for(Form.SCRAP, "life_over", ("CAR1",))
    ledger.refuses(
        requiring.GROUND_NAMED, "u_clerk", "disposal/D", "propose", **form | {"ground": "idle"}
    )
    ledger.ask("u_clerk", "disposal/D", "propose", **form)
    ledger.ask("u_office", "disposal/D", "endorse")
    ledger.ask("u_finance", "disposal/D", "approve", approval_no="批1")
    gone = {"asset": "CAR1", "recycler": "示例回收", "certificate": "回1"}
    ledger.ask("u_clerk", "disposal/D", "scrap", **gone)
    voucher = {"asset": "CAR1", "voucher": "记-9"}
    ledger.refuses(requiring.PAPERS_ATTACHED, "u_acc", "disposal/D", "derecognise", **voucher)
    ledger.ask(
        "u_clerk", "disposal/D", "change_title", asset="CAR1", registry="车管所", certificate="注1"
    )
    ledger.ask("u_acc", "disposal/D", "derecognise", **voucher)
    end = ledger.state("asset/CAR1")
    assert (end.book, end.owner) == (Book.GONE, "")
