"""Every form of disposal with every paper it needs, in every profile that is shipped: without any one
of them the step that needs it is refused by its name (T90, T99)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from given import TODAY, Given, Then, given

from api import policies
from api.pages_words import CHOICES
from domain import dealing, disposal, exchanging, executing, requiring, settling
from domain.asset import Asset, Kind
from domain.decider import Document, Event
from domain.disposal import DisposalApproved
from domain.exchanging import ExchangeApproved, ExchangeSigned, Payer, Side, SideAppraised
from domain.leaving import Form
from domain.policy import DisposalForm, Policy
from domain.proving import Destroyed, Destruction, TitleChanged
from domain.requiring import LATER, SAID_BY_STEP, TITLE_PAPERS
from domain.selling import Appraised

past = partial(given, disposal.lifecycle)
SHIPPED = ("generic", "xinjiang", "inner-mongolia", "shanxi")
MEDIA = ("computer", "office", "instrument", "software")
STEPS: dict[Form, tuple[Any, dict[str, Any]]] = {
    Form.SALE: (executing.sell, {"price": 100, "buyer": "买1", "deal_no": "成1"}),
    Form.AUCTION: (executing.sell, {"price": 100, "buyer": "买1", "deal_no": "成1"}),
    Form.ASSIGNMENT: (executing.give_away, {"recipient": "示例局", "agreement": "划1"}),
    Form.DONATION: (executing.give_away, {"recipient": "示例小学", "agreement": "赠1"}),
    Form.SCRAP: (executing.scrap, {"recycler": "示例回收", "certificate": "回1"}),
    Form.TAKE_BACK: (executing.scrap, {"recycler": "示例厂", "certificate": "回1"}),
    Form.WRITE_OFF: (executing.write_off, {"ruling_no": "核1", "evidence": "报案回执"}),
}


def shipped(name: str) -> Policy:
    return policies.read((policies.FOLDER / f"{name}.yaml").read_text(encoding="utf-8"), 1)


def docs(*types: str) -> tuple[Document, ...]:
    return tuple(Document(type=type_) for type_ in types)


def cases(policy: Policy) -> Iterator[tuple[Form, str, DisposalForm]]:
    """Yield each form that a profile has for each kind of thing, as the rules are found for it."""
    for form in STEPS:
        for kind in Kind:
            rules = policy.disposal_form(form, {kind.value})
            if rules is not None:
                yield form, kind.value, rules


def approved(policy: Policy, form: Form, kind: str, rules: DisposalForm) -> Given:
    """Return the case of one approved thing, with the papers of its proposal."""
    card = Asset(kind=Kind(kind), asset_no="ZC-1", value=100, listed=True)
    route = policy.route("disposal", form=form, kinds={kind}, batch_amount=100)
    ground = rules.grounds[0] if rules.grounds else "other_ground"
    papers = {*rules.papers(ground), *(route.documents if route else ()), "minutes"}
    asked = {"unit": "o_a", "form": form.value, "ground": ground, "minutes_no": "纪1"}
    now = past().at(policy=policy, listed=(card,), docs=docs(*papers))
    laid = now.when(disposal.propose, **asked, remark="见纪要", assets=["A"]).then_granted()
    facts = [fact for fact in laid.answers if isinstance(fact, Event)]
    worth = Appraised(
        assets=("A",), appraiser="评", value=100, base_date=TODAY, report_no="评1", filing_no="备1"
    )
    priced = (worth,) if form in (Form.SALE, Form.AUCTION) else ()
    yes = DisposalApproved(approval_no="批1", assets=("A",))
    return past(*facts, *priced, yes).at(policy=policy)


def after(before: Given, answer: Then) -> Given:
    """Return the case after what was granted."""
    for fact in answer.then_granted().answers:
        if isinstance(fact, Event):
            before.state = before.lifecycle.evolve(before.state, fact)
    return before


def refused_without(
    now: Given, verb: Any, form: dict[str, Any], papers: set[str], *beside: str
) -> Then:
    """Expect the step with all papers, and a refusal by name without any one of them."""
    policy = now.occasion.policy
    for missing in sorted(papers):
        answer = now.at(docs=docs(*(papers - {missing}), *beside)).when(verb, **form)
        answer.then_refused(requiring.PAPERS_ATTACHED)
        assert policy.named(missing).zh in answer.sentence("zh")
        assert policy.named(missing).en in answer.sentence("en")
    return now.at(docs=docs(*papers, *beside)).when(verb, **form).then_granted()


@pytest.mark.target("T90", "T99")
@pytest.mark.parametrize("name", SHIPPED)
def test_each_form_is_carried_out_and_let_go_with_each_of_its_papers(name: str) -> None:
    policy = shipped(name)
    table: dict[tuple[str, str], tuple[str, ...]] = {}
    for form, kind, rules in cases(policy):
        verb, said = STEPS[form]
        asked = set(rules.execution_documents)
        first, late = asked - LATER - {SAID_BY_STEP[form]}, asked & LATER
        now = approved(policy, form, kind, rules)
        gone = after(now, refused_without(now, verb, {"asset": "A"} | said, first))
        refused_without(gone, settling.derecognise, {"asset": "A", "voucher": "记1"}, late)
        table[form.words.en, kind] = tuple(sorted({*rules.documents, *asked}))
    told = {form for form, _ in table}
    assert told == {form.words.en for form in STEPS}, "a form nobody can use"
    for (form_, kind), papers in sorted(table.items()):
        print(f"{name}  {form_:22} {kind:12} {', '.join(papers)}")


def exchanged(policy: Policy, kind: str, rules: DisposalForm, **other: Any) -> Given:
    """Return a signed exchange of one thing that was given out, requested with each of its papers."""
    route = policy.route("exchange", kinds={kind}, batch_amount=100)
    card = Asset(kind=Kind(kind), asset_no="ZC-1", value=100, listed=True)
    now = given(exchanging.lifecycle).at(policy=policy, listed=(card,))
    asked = {"unit": "o_a", "assets": ["A"], "needed": "会议系统", "minutes_no": "纪1"} | other
    ground = rules.grounds[0]
    papers = set(rules.papers(ground)) - {"minutes"}
    beside = {"minutes", *(route.documents if route else ())} - papers
    asked = asked | {"ground": ground}
    now = after(now, refused_without(now, exchanging.request, asked, papers, *beside))
    for fact in (
        ExchangeApproved(approval_no="批1"),
        *(
            SideAppraised(side=side, value=9, appraiser="评", base_date=TODAY, report_no="评1")
            for side in Side
        ),
        ExchangeSigned(
            agreement="协1", boot=0, payer=Payer.PARTNER, pieces=1 if "outsider" in other else 0
        ),
    ):
        now.state = now.lifecycle.evolve(now.state, fact)
    now.at(docs=(), unit="o_a", by="u_giver")
    return after(now, now.when(exchanging.hand_out, assets=["A"], scanned="ZC-1")).at(by="u_taker")


@pytest.mark.target("T90", "T99")
@pytest.mark.parametrize("name", SHIPPED)
def test_an_exchange_is_requested_handed_over_and_booked_with_each_of_its_papers(name: str) -> None:
    """Somebody outside signs a slip; between two units what both sides record is the slip."""
    policy = shipped(name)
    things = {"assets": ["A"], "scanned": "ZC-1"}
    books = {"assets": ["A"], "out_voucher": "记1"}
    kinds: set[str] = set()
    for kind in Kind:
        rules = policy.disposal_form(Form.EXCHANGE, {kind.value})
        if rules is None:
            continue
        kinds.add(kind)
        asked = set(rules.execution_documents)
        first, late = asked - LATER - {SAID_BY_STEP[Form.EXCHANGE]}, asked & LATER
        assert "hand_over_slip" in first
        now = exchanged(policy, kind, rules, outsider="示例公司")
        gone = after(now, refused_without(now, exchanging.deliver, things, first, "photo"))
        refused_without(gone, exchanging.move_books, books, late)
        now = exchanged(policy, kind, rules, partner="o_b", coming=["C"]).at(unit="o_b")
        rest = first - {"hand_over_slip"}
        gone = after(now, refused_without(now, exchanging.take_in, things, rest))
        refused_without(gone, exchanging.move_books, books, late)
        print(f"{name}  exchange  {kind.value:12} {', '.join(sorted({*rules.documents, *asked}))}")
    assert kinds == set(Kind), "what nobody can exchange"


REGISTERED = {
    Form.SALE: {"vehicle", "premises", "land"},
    Form.AUCTION: {"vehicle", "premises", "land"},
    Form.DONATION: {"vehicle", "premises", "land"},
    Form.EXCHANGE: {"vehicle", "premises", "land"},
    Form.ASSIGNMENT: {"vehicle", "premises", "land"},
    Form.SCRAP: {"vehicle", "premises", "land"},
    Form.TAKE_BACK: {"vehicle"},
    Form.WRITE_OFF: set[str](),
}
# Where the text registers titles to real estate centrally, an assignment changes none: 000 第21、22条,
# 002 第21条 and 003 第10条, 004 第16、17条.
CENTRAL = {"xinjiang", "inner-mongolia", "shanxi"}


@pytest.mark.target("T99")
@pytest.mark.parametrize("name", SHIPPED)
def test_what_a_register_says_comes_before_the_books_and_the_profile_says_whose_rule_that_is(
    name: str,
) -> None:
    """By form and kind: a vehicle passes or goes off the register, so do premises and land."""
    policy = shipped(name)
    for form in Form:
        found = set()
        for kind in Kind:
            rules = policy.disposal_form(form, {kind.value})
            papers = set(rules.execution_documents) & TITLE_PAPERS if rules else set()
            if not papers:
                continue
            assert rules is not None and rules.note is not None
            assert "内部规定" in rules.note.zh and "house rule" in rules.note.en
            assert "r738-40" in rules.cites
            off = form in (Form.SCRAP, Form.TAKE_BACK)
            vehicle = "deregistration_certificate" if off else "transfer_registration"
            assert papers == {vehicle if kind is Kind.VEHICLE else "title_registration"}
            found.add(kind.value)
        central = name in CENTRAL and form is Form.ASSIGNMENT
        assert found == REGISTERED[form] - ({"premises", "land"} if central else set()), form


@pytest.mark.target("T99")
@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("form", [Form.SCRAP, Form.SALE, Form.AUCTION, Form.DONATION])
def test_what_stores_data_is_not_let_go_before_it_was_wiped(name: str, form: Form) -> None:
    """Whoever gets it, and on every profile; a record of destruction is the proof as well."""
    policy = shipped(name)
    for kind in MEDIA:
        rules = policy.disposal_form(form, {kind})
        assert rules is not None and "data_wipe_certificate" in rules.execution_documents
        verb, said = STEPS[form]
        now = approved(policy, form, kind, rules).at(docs=docs(*rules.execution_documents))
        gone = after(now, now.when(verb, asset="A", **said)).at(docs=())
        let_go = {"asset": "A", "voucher": "记1"}
        gone.when(settling.derecognise, **let_go).then_refused(requiring.PAPERS_ATTACHED)
        proof = Destroyed(
            asset="A",
            vendor="示例销毁",
            certificate="毁1",
            method=Destruction.WIPED,
            destroyed_on=TODAY,
        )
        gone.state = gone.lifecycle.evolve(gone.state, proof)
        gone.when(settling.derecognise, **let_go).then_granted()
    furniture = policy.disposal_form(form, {"furniture"})
    assert furniture is not None
    assert "data_wipe_certificate" not in furniture.execution_documents


@pytest.mark.target("T99")
def test_a_register_says_so_before_the_books_let_go_of_a_car_or_a_house() -> None:
    policy = shipped("generic")
    for form, kind in [(one, kind) for one in STEPS for kind in sorted(REGISTERED[one])]:
        rules = policy.disposal_form(form, {kind})
        assert rules is not None
        now = approved(policy, form, kind, rules).at(docs=docs(*rules.execution_documents))
        verb, said = STEPS[form]
        gone = after(now, now.when(verb, asset="A", **said)).at(docs=())
        let_go = {"asset": "A", "voucher": "记1"}
        gone.when(settling.derecognise, **let_go).then_refused(requiring.PAPERS_ATTACHED)
        off = TitleChanged(asset="A", registry="登记机关", certificate="登1")
        gone.state = gone.lifecycle.evolve(gone.state, off)
        gone.when(settling.derecognise, **let_go).then_granted()


def test_a_deal_is_handed_over_with_the_same_papers_as_a_sale() -> None:
    policy = shipped("xinjiang")
    rules = policy.disposal_form(Form.SALE, {"computer"})
    assert rules is not None
    now = approved(policy, Form.SALE, "computer", rules)
    deal = {"assets": ["A"], "price": 100, "buyer": "买1", "deal_no": "成1"}
    struck = after(now, now.at(docs=()).when(dealing.strike_deal, **deal))
    refused_without(struck, dealing.hand_over_deal, {"deal_no": "成1"}, {"sale_contract"})


@pytest.mark.parametrize("name", SHIPPED)
def test_every_paper_that_a_profile_asks_for_can_be_chosen_on_the_pages(name: str) -> None:
    policy = shipped(name)
    asked = {
        paper for rules in policy.forms for paper in (*rules.documents, *rules.execution_documents)
    }
    asked |= {paper for route in policy.routes for paper in route.documents}
    assert asked <= set(CHOICES["paper"])
