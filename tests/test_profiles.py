"""The profiles that come with the product: exact citations, forms with papers, and their doors."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from doors import PASSWORD, Door, app_of, staffed
from fastapi.testclient import TestClient

from api import pages_rules, policies
from api.app import create_app
from api.office import Actor, Office
from api.pages_rules import Question, answered
from domain import approval as approval_
from domain import policy as rules
from domain.asset import Kind
from domain.decider import Refused
from domain.disposal import Form
from domain.leaving import PRICED_FORMS
from domain.policy import GENERIC, Action, Policy, Unfit
from domain.reallocation import Scope
from domain.unit import UnitKind
from domain.words import LAWS, Role

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("GONGWU_SHARED", ROOT.parent / "shared")) / "regulations"
TEXTS = {
    "《新疆维吾尔自治区机关事务管理办法》": "000",
    "《新疆维吾尔自治区机关事务工作“十四五”规划（修订版）》": "001",
    "《内蒙古自治区机关事务管理办法》": "002",
    "《内蒙古自治区机关运行保障条例》": "003",
    "《山西省机关事务管理办法》": "004",
}
DIGITS = {c: n for n, c in enumerate("零一二三四五六七八九")}
SHIPPED = policies.shipped()
BODIES = {
    "own": Role.HEAD,
    "competent": Role.DEPARTMENT,
    "offices": Role.OFFICE,
    "finance": Role.FINANCE,
    "government": Role.GOVERNMENT,
}


@pytest.fixture(params=sorted(SHIPPED))
def profile(request: pytest.FixtureRequest) -> Policy:
    return SHIPPED[request.param]


# What they say --------------------------------------------------------------------


def bare(text: str) -> str:
    """Return a text without the spaces and line ends that a scan puts anywhere."""
    return re.sub(r"\s", "", text)


def number(words: str) -> int:
    """Return the number of an article as it is written in Chinese, below 100."""
    tens, ten, ones = words.rpartition("十")
    return (DIGITS[tens] if tens else 1 if ten else 0) * 10 + (DIGITS[ones] if ones else 0)


def articles_of(source: str) -> dict[str, str]:
    """Return the articles of a text: `第18条` -> its words without spaces."""
    found = list(SHARED.glob(f"{source}_*.txt"))
    if not found:
        pytest.skip(f"the text of regulation {source} is not at hand: {SHARED}/{source}_*.txt")
    text = found[0].read_text(encoding="utf-8")
    parts = re.split(r"^\s*第([一二三四五六七八九十]+)条", text, flags=re.MULTILINE)
    return {
        f"第{number(n)}条": bare(re.split(r"^\s*第\S+章", body, flags=re.MULTILINE)[0])
        for n, body in zip(parts[1::2], parts[2::2], strict=True)
    }


@pytest.mark.target("T27")
@pytest.mark.parametrize("law", TEXTS)
def test_every_article_is_quoted_word_for_word(law: str) -> None:
    source = TEXTS[law]
    quoted = [a for p in SHIPPED.values() for a in p.articles if a.regulation == law]
    assert quoted
    known = articles_of(source)
    for article in quoted:
        assert article.words, article.id
        if source == "001":  # a plan has no articles: its boxes and sections are quoted in part
            plan = bare(next(SHARED.glob("001_*.txt")).read_text(encoding="utf-8"))
            assert bare(article.words) in plan, article.id
        else:
            assert bare(article.words) == known[article.article], article.id
            assert article.id == f"{source}-{article.article[1:-1]}"


def test_what_is_not_at_hand_is_cited_without_words(profile: Policy) -> None:
    for article in profile.articles:
        assert article.regulation in LAWS
        assert bool(article.words) == (article.regulation in TEXTS), article.id


def test_a_profile_names_only_what_the_product_knows(profile: Policy) -> None:
    words = {name.slug for name in profile.vocabulary}
    kinds, forms, scopes = ({m.value for m in t} for t in (Kind, Form, Scope))
    units = {m.value for m in UnitKind}
    for route in profile.routes:
        assert route.kinds <= kinds
        assert route.forms <= forms
        assert route.scopes <= scopes
        assert route.unit_kinds <= units
        assert set(route.documents) <= words
        assert all(BODIES[step.body] == step.role for step in route.steps)
        assert route.cites, route
    for form in profile.forms:
        assert form.kinds <= kinds
        assert {*form.grounds, *form.documents, *form.execution_documents} <= words
    assert set(profile.waterfall) <= words
    assert profile.never_lent | profile.never_leased | profile.never_accepted <= kinds


def test_where_the_law_gives_no_number_there_is_none(profile: Policy) -> None:
    """None of the four texts gives an amount, a period of lending or a term of payment."""
    assert {n for _, n in rules.counts(profile)} <= {None}
    assert not profile.service_years
    assert all(r.at_least is None and r.below is None for r in profile.routes)
    assert profile.remittance is None


# What the texts of a place say of a change of use: for these kinds, else for none (003 第13、17条,
# 000 第22、24条); 004 only forbids it for office premises (第19条), the national rules are silent.
CONVERTED = {
    "inner-mongolia": set(Kind),
    "xinjiang": {Kind.PREMISES},
    "shanxi": set(),
    "generic": set(),
}
# For which kinds they say how an exchange is decided; what they leave open goes as a disposal.
EXCHANGED = {
    "inner-mongolia": set(Kind), "xinjiang": set(Kind), "shanxi": {Kind.PREMISES}, "generic": set(),
}  # fmt: skip


def test_every_action_has_a_route_and_every_kind_finds_one(profile: Policy) -> None:
    for action in Action:
        for kind in Kind:
            found = profile.route(action, kinds={kind})
            if action is Action.CONVERSION:
                assert (found is not None) == (kind in CONVERTED[profile.name]), kind
            elif action is Action.EXCHANGE:
                assert found is not None
                own = kind in EXCHANGED[profile.name]
                assert found.action is (Action.EXCHANGE if own else Action.DISPOSAL), kind
            else:
                assert found is not None, (action, kind)


# Which text asks for an appraisal before a sale or an exchange: 国令738 第36条 everywhere, and
# 002 第18条; 000 第19条 and 004 ask for none of their own.
APPRAISING = {
    "inner-mongolia": {"r738-36", "002-18"}, "xinjiang": {"r738-36"}, "shanxi": {"r738-36"},
    "generic": {"r738-36"},
}  # fmt: skip


def test_what_is_sold_or_exchanged_is_appraised_by_the_text_that_says_so(profile: Policy) -> None:
    for form in Form:
        for kind in Kind:
            found = profile.disposal_form(form, {kind})
            papers = found.documents if found else ()
            assert ("appraisal_report" in papers) == (form in PRICED_FORMS), (form, kind)
            if found and form in PRICED_FORMS:
                assert set(found.cites) & {"r738-36", "002-18"} == APPRAISING[profile.name]


def test_only_a_text_that_forbids_it_keeps_the_use_of_premises() -> None:
    kept = {name: policy.never_converted for name, policy in SHIPPED.items()}
    assert kept.pop("shanxi") == {"premises"}  # 004 第19条
    assert set(kept.values()) == {frozenset()}


@pytest.mark.target("T90")
def test_each_of_the_eight_forms_has_its_own_grounds_and_papers(profile: Policy) -> None:
    """The seven forms of 自治区政府令231号 第19条, and take-back by the manufacturer (第30条)."""
    told = {}
    for form in Form:
        found = profile.disposal_form(form, {"vehicle"})
        assert found is not None, form
        assert found.grounds and found.documents and found.execution_documents and found.cites
        told[form] = (found.grounds, found.documents, found.execution_documents)
    assert len(set(told.values())) == len(Form)
    computers = profile.disposal_form(Form.SCRAP, {"computer"})
    assert computers is not None
    assert "technical_assessment" in computers.documents
    assert profile.disposal_form(Form.TAKE_BACK, {"computer"}) is None  # vehicles alone


def test_the_places_differ_where_their_texts_do() -> None:
    decides = {
        name: [s.role.value for s in route.steps]
        for name, p in SHIPPED.items()
        if (route := p.route(Action.PREMISES)) is not None
    }
    assert decides["shanxi"] == ["head", "office", "government"]
    assert SHIPPED["shanxi"].never_accepted == {"vehicle"}  # 004 第24条(三)
    assert SHIPPED["xinjiang"].never_accepted == frozenset()
    assert SHIPPED["inner-mongolia"].waterfall[:2] == ("reuse", "reallocate")  # 003 第17条
    assert SHIPPED["xinjiang"].waterfall == ()
    assert SHIPPED["inner-mongolia"].never_leased == {"premises"}  # 002 第25条


def test_the_schema_that_comes_with_them_is_that_of_the_declaration() -> None:
    """When this fails: write what `gongwu policy schema` prints to the file."""
    assert policies.SCHEMA.read_text(encoding="utf-8") == policies.schema_text()
    said = json.loads(policies.schema_text())["$defs"]["Policy"]
    assert said["required"] == ["name"]
    assert said["additionalProperties"] is False
    assert said["properties"].keys() == {*Policy.__struct_fields__} - rules.ENVELOPE | {"name"}


# Reading what people write --------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "name is missing"),
        ("name: [a]", "name is missing"),
        ("name: x\nname: y", "there twice"),
        ("name: x\nversion: 3", "when it is published"),
        ("name: x\nin_force_from: 2025-01-01", "when it is published"),
        ("name: x\nroutes: &r []\nforms: *r", "aliases"),
        ("name: x\ntitle: !!python/object:os.system {}", "no proper YAML"),
        ("name: x\nloan_days_max: 1.5", "loan_days_max"),
        ("name: x\nroutes: [{action: fly}]", "fly"),
        ("name: x\nnever_lent_cites: [a-1]", "there is no article a-1"),
        ("x" * (policies.BYTES_MAX + 1), "at most"),
    ],
)
def test_a_profile_that_says_nothing_clear_is_refused(text: str, problem: str) -> None:
    with pytest.raises(Unfit, match=re.escape(problem)):
        policies.read(text)


def test_a_shipped_profile_fits_an_entry(profile: Policy) -> None:
    assert len(json.dumps(rules.written(profile), ensure_ascii=False).encode()) < 50_000


# In an office ---------------------------------------------------------------------


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    with staffed(database) as opened:
        yield opened


def act(office: Office, stream: str, verb: str, who: str, **form: Any) -> None:
    office.ask(stream, verb, form, Actor(person=f"u_{who}", unit="o_a", role=who))


def adopted(office: Office, name: str) -> None:
    """Publish a shipped profile as two persons do."""
    content = rules.written(SHIPPED[name])
    act(office, f"policy/{name}", "propose", "admin", content=content)
    act(office, f"policy/{name}", "publish", "finance", in_force_from=office.today())


@pytest.mark.target("T27")
def test_a_unit_is_under_the_rules_of_its_region_and_each_decision_says_which(
    office: Office,
) -> None:
    today = office.today()
    for id_, region in (("o_xj", "650102"), ("o_sx", "140100")):
        act(
            office, f"unit/{id_}", "establish", "admin",
            name=f"示例{id_}", kind="organ", region=region,
        )  # fmt: skip
    assert office.rules_for("o_xj", today) is GENERIC
    for name in ("xinjiang", "inner-mongolia"):
        adopted(office, name)
    assert office.rules_for("o_xj", today).reference == "xinjiang@1"
    assert office.rules_for("o_xj", today - timedelta(days=1)) is GENERIC
    assert office.rules_for("o_sx", today) is GENERIC
    assert office.rules.named("inner-mongolia@1") is not None
    assert office.rules.named("inner-mongolia@2") is None
    clerk = Actor(person="u_clerk", unit="o_xj", role="clerk")
    card = {"asset_no": "XJ-1", "name": "投影仪", "kind": "office", "unit": "o_xj"}
    receipt = office.ask("asset/XJ1", "register_existing", card, clerk)
    (entry,) = office.book.entries(receipt.first, receipt.first)
    assert entry.beside.via.policy == "xinjiang@1"


def test_a_new_version_is_known_at_once_and_an_old_one_stays_readable(office: Office) -> None:
    adopted(office, "shanxi")
    content = json.dumps(json.loads(rules.written(SHIPPED["shanxi"])) | {"idle_days": 180})
    act(office, "policy/shanxi", "propose", "admin", content=content)
    assert [p.reference for p in office.rules.published()] == ["shanxi@1"]
    act(office, "policy/shanxi", "publish", "office", in_force_from=office.today())
    chosen = office.rules.in_force(office.today(), region="140000")
    assert (chosen.reference, chosen.idle_days) == ("shanxi@2", 180)
    before = office.rules.named("shanxi@1")
    assert before is not None
    assert before.idle_days is None


def test_the_rules_are_drafted_and_published_over_http(office: Office) -> None:
    door = Door(app_of(office))
    content = rules.written(SHIPPED["generic"])
    drafted = door.post("policy/generic/propose", {"content": content}, who="admin")
    assert drafted.status_code == 200, drafted.text
    day = {"in_force_from": office.today().isoformat()}
    assert door.post("policy/generic/publish", day, who="admin").status_code in (403, 409)
    assert door.post("policy/generic/publish", day, who="finance").status_code == 200
    assert office.rules.in_force(office.today()).reference == "generic@2"


@pytest.mark.target("T29")
def test_a_case_under_way_stays_on_the_route_of_its_day(office: Office) -> None:
    """A limit is raised while one case waits: it is decided by the old rule, the next by the new."""
    limit = 100_000_00

    def ruled(below: int) -> str:
        said = json.loads(rules.written(SHIPPED["generic"]))
        head = [{"role": "head", "body": "own", "days": 5}]
        more = [*head, {"role": "finance", "body": "finance"}]
        said["routes"] = [
            {"action": "loan", "below": below, "steps": head},
            {"action": "loan", "at_least": below, "steps": more},
        ]
        return json.dumps(said)

    def in_force(content: str) -> None:
        act(office, "policy/place", "propose", "admin", content=content)
        act(office, "policy/place", "publish", "office", in_force_from=office.today())

    def asked(case: str, asset: str) -> list[str]:
        card = {"asset_no": asset, "name": "检测仪", "kind": "instrument", "unit": "o_a"}
        act(office, f"asset/{asset}", "register_existing", "clerk", **card, value=limit)
        act(
            office, f"loan/{case}", "request", "clerk", lender="o_a", borrower="o_borrower",
            assets=[asset], due=office.today() + timedelta(days=9), purpose="检测",
        )  # fmt: skip
        approval = office.book.stream(f"loan/{case}").state.approval
        return [approval.policy, *(stage.role for stage in approval.stages)]

    act(office, "unit/o_borrower", "establish", "admin", name="示例市教育局", kind="organ")
    in_force(ruled(limit))
    before = asked("L1", "Y-1")
    in_force(ruled(limit + 1))
    assert before == ["place@1", "head", "finance"]
    assert asked("L2", "Y-2") == ["place@2", "head"]
    waiting = office.book.stream("loan/L1").state.approval
    assert [waiting.policy, *(stage.role for stage in waiting.stages)] == before
    head = Actor(person="u_head", unit="o_a", role="head")
    with pytest.raises(Refused) as caught:  # still not the head's to decide alone
        office.ask("loan/L1", "approve", {"approval_no": "示〔2026〕1号"}, head)
    assert caught.value.rule is approval_.LAST_STEP


# What the rule page answers -------------------------------------------------------


def test_the_page_answers_with_route_papers_and_articles() -> None:
    asked = Question(action="disposal", form="scrap", kind="computer", batch_amount=1)
    answer = answered(SHIPPED["xinjiang"], asked)
    assert answer.route is not None
    assert [s.role.value for s in answer.route.steps] == ["head", "office", "finance"]
    assert answer.documents == ("minutes", "technical_assessment")
    assert "000-19" in [a.id for a in answer.articles]
    assert all(value is None for _, value in answer.limits)
    cars = answered(SHIPPED["xinjiang"], Question(action="loan", kind="vehicle"))
    assert cars.prohibited == ("rules-never-lent",)
    assert answered(GENERIC, asked).route is None


def test_amounts_and_days_that_cannot_be_read_are_told() -> None:
    assert pages_rules._amounts("1,200.5", "") == ([120050, None], False)
    assert pages_rules._amounts("-1", "x") == ([None, None], True)
    today = date(2025, 1, 1)
    assert pages_rules._day("2025-02-30", today) == (today, False)
    assert pages_rules._day("", today) == (today, True)


# The page itself ------------------------------------------------------------------


def page(office: Office, who: str, lang: str = "zh") -> TestClient:
    """Return a browser in which somebody is signed in."""
    client = TestClient(create_app(office.settings, office), raise_server_exceptions=False)
    account = office.accounts.check(who, PASSWORD)
    assert account is not None
    client.cookies.set("session", office.accounts.sign_in(account))
    client.cookies.set("lang", lang)
    return client


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_page_shows_route_articles_and_that_there_is_no_number(
    office: Office, lang: str
) -> None:
    asked = "profile=shanxi@0&action=disposal&form=scrap&kind=computer&batch_amount=1200.50"
    text = page(office, "clerk", lang).get(f"/rules?{asked}").text
    said = {"zh": ("财政部门", "法规没有给出数字"), "en": ("finance department", "gives no number")}
    assert all(words in text for words in said[lang])
    assert "设立资产总账和分类明细账" not in text  # 004 第14条 is not about disposals
    assert "执行资产管理有关规定" in text  # 004 第13条
    assert f'lang="{"zh-CN" if lang == "zh" else "en"}"' in text
    sold = page(office, "clerk", lang).get(
        "/rules?profile=shanxi@0&action=disposal&form=sale&kind=vehicle"
    )
    rule = {
        "zh": ("机动车转移登记证明", "内部规定"),
        "en": ("transfer in the register", "house rule"),
    }
    assert all(words in sold.text for words in rule[lang])


def test_what_cannot_be_read_comes_back_with_a_sentence(office: Office) -> None:
    answer = page(office, "clerk").get("/rules?batch_amount=x&on=tomorrow")
    assert answer.status_code == 422
    assert "无法读取" in answer.text


def test_one_person_drafts_on_the_page_and_another_publishes(office: Office) -> None:
    assert page(office, "clerk").post("/rules/xinjiang/draft").status_code == 403
    admin = page(office, "admin")
    assert "新疆维吾尔自治区规则" in admin.post("/rules/xinjiang/draft").text
    assert admin.post("/rules/nowhere/draft").status_code == 404
    assert admin.post("/rules/xinjiang/draft").status_code == 409  # a draft waits already
    today = office.today().isoformat()
    finance = page(office, "finance")
    assert 'name="in_force_from"' in finance.get("/rules/xinjiang").text
    done = finance.post("/rules/xinjiang/do/publish", data={"in_force_from": today})
    assert done.status_code == 200, done.text
    assert [p.reference for p in office.rules.published()] == ["xinjiang@1"]
    content = '{"title": {"zh": "示例县规则", "en": "Rules of Example County"}}'
    act(office, "policy/county", "propose", "admin", content=content)
    assert "示例县规则" in finance.get("/rules").text
    assert "Rules of Example County" in page(office, "finance", "en").get("/rules/county").text
    assert f"自{today}起施行" in finance.get("/rules?profile=xinjiang@1").text
