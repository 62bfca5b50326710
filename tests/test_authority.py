"""Who may act as what on a day, for whom, and which units may ask: through the doors."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import combinations
from typing import Any

import pytest
from doors import CARD, Door, app_of, registered, staffed
from given import Ledger, able
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.accounts import Account, Post
from api.office import Actor, Office
from domain import disposal, duties, holding, person, unit
from domain.approval import UnitsVerified
from domain.decider import NOT_YOUR_ROLE, Ask, Occasion, Refused, Rule
from domain.policy import GENERIC
from ledger.book import did_in

DAY = timedelta(days=1)
ADMIN = Actor(person="u_admin", unit="o_a", role="admin")
END = {"unit": "o_a", "reason": "调离"}


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    with staffed(database) as office:
        form = {"name": "示例市机关事务管理局", "kind": "offices"}
        office.ask("unit/o_goa", "establish", form, ADMIN)
        yield office


def employ(office: Office, who: str, role: str, unit_: str = "o_a", **form: Any) -> None:
    office.ask(f"person/{who}", "assign", {"unit": unit_, "post": role, **form}, ADMIN)


def account(office: Office, login: str) -> Account:
    found = office.accounts.find(login)
    assert found is not None
    return found


def slugs(office: Office, login: str) -> list[str]:
    return [post.slug for post in office.posts(account(office, login))]


# Acting as what the ledger says ------------------------------------------------------


def test_a_log_in_counts_until_the_ledger_says_anything_of_its_person(office: Office) -> None:
    assert slugs(office, "clerk") == ["clerk@o_a"]
    employ(office, "u_clerk", "keeper", "o_b")
    assert slugs(office, "clerk") == ["keeper@o_b"]
    today = office.today().isoformat()
    form = {"unit": "o_b", "post": "keeper", "reason": "调离", "until": today}
    office.ask("person/u_clerk", "end_role", form, ADMIN)
    assert slugs(office, "clerk") == ["keeper@o_b"], "the last day is a day in office"
    form["until"] = (office.today() - DAY).isoformat()
    office.ask("person/u_clerk", "end_role", form, ADMIN)
    assert slugs(office, "clerk") == []


def test_who_has_no_role_any_more_is_told_so_at_every_door(office: Office) -> None:
    door = Door(app_of(office))
    registered(door)
    employ(office, "u_clerk", "clerk")
    gone = (office.today() - DAY).isoformat()
    form = {"unit": "o_a", "post": "clerk", "reason": "辞职", "until": gone}
    office.ask("person/u_clerk", "end_role", form, ADMIN)
    answer = door.get("asset/A1", who="clerk")
    assert (answer.status_code, answer.json()["slug"]) == (403, "no-role")
    assert "没有任何岗位" in answer.json()["detail"]


@pytest.mark.target("T30")
def test_a_person_with_several_posts_chooses_one_of_them(office: Office) -> None:
    door = Door(app_of(office))
    employ(office, "u_clerk", "clerk")
    employ(office, "u_clerk", "keeper", "o_b")
    assert slugs(office, "clerk") == ["clerk@o_a", "keeper@o_b"], "the usual one comes first"
    for header, seq in (("", 1), ("clerk", 2), ("clerk@o_a", 3)):
        sent = {"Gongwu_Role": header} if header else {}
        number = {"asset_no": f"SL-{seq}"}
        made = door.post(f"asset/N{seq}/register_existing", CARD | number, **sent)
        assert made.status_code == 200, made.text
    for refused in ("clerk@o_b", "head", "clerk@o_a:u_head"):
        answer = door.post("asset/N9/register_existing", CARD, Gongwu_Role=refused)
        assert (answer.status_code, answer.json()["slug"]) == (403, "role-not-granted")


def test_a_role_counts_on_the_business_date_too(office: Office) -> None:
    """Late papers are ordinary; acting in a role before one had it is not."""
    employ(office, "u_clerk", "clerk")
    clerk = office.acting(account(office, "clerk"), Post.read("clerk"))
    assert clerk is not None
    form = dict(CARD)
    with pytest.raises(Refused) as caught:
        office.ask("asset/A1", "register_existing", form, clerk, on=office.today() - DAY)
    assert caught.value.rule is person.IN_POST
    assert "示例市财政局" in caught.value.sentence("zh")
    office.ask("asset/A1", "register_existing", form, clerk, on=office.today())


def test_only_another_administrator_takes_back_what_is_said_of_people(office: Office) -> None:
    employ(office, "u_clerk", "clerk")
    clerk = office.acting(account(office, "clerk"), Post.read("clerk"))
    assert clerk is not None
    with pytest.raises(Refused) as caught:
        office.reverse("person/u_clerk", 1, clerk, reason="不想干")
    assert caught.value.rule is NOT_YOUR_ROLE
    mine = Actor(person="u_clerk", unit="o_a", role="admin")
    office.ask("person/u_clerk", "end_role", END | {"post": "clerk"}, ADMIN)
    with pytest.raises(Refused):
        office.reverse("person/u_clerk", 2, mine, reason="官复原职")
    office.reverse("person/u_clerk", 2, ADMIN, reason="错登")
    assert slugs(office, "clerk") == ["clerk@o_a"]


# In whose stead ------------------------------------------------------------------------


def lend(office: Office, door: Door, loan: str) -> None:
    """Let the clerk of o_a ask for a loan."""
    due = (office.today() + 30 * DAY).isoformat()
    form = {"lender": "o_a", "borrower": "o_b", "assets": ["A1"], "due": due, "purpose": "会议"}
    answer = door.post(f"loan/{loan}/request", form)
    assert answer.status_code == 200, answer.text


@pytest.mark.target("T30")
def test_a_delegate_decides_in_the_delegators_stead_but_never_their_own_case(
    office: Office,
) -> None:
    door = Door(app_of(office))
    registered(door)
    employ(office, "u_clerk", "clerk")
    employ(office, "u_keeper", "keeper")
    employ(office, "u_head", "head")
    head = office.acting(account(office, "head"), Post.read("head"))
    assert head is not None
    until = (office.today() + 7 * DAY).isoformat()
    for delegate in ("u_clerk", "u_keeper"):
        form = {"delegate": delegate, "unit": "o_a", "post": "head", "until": until}
        office.ask("person/u_head", "delegate", form | {"reason": "出差"}, head)
    lend(office, door, "L1")
    stead = {"Gongwu_Role": "head@o_a:u_head"}
    decision = {"approval_no": "示借〔2025〕1号"}
    own = door.post("loan/L1/approve", decision, who="clerk", **stead)
    assert own.status_code == 409
    assert own.json()["slug"] in ("own-request", "incompatible-duties")
    agreed = door.post("loan/L1/approve", decision, who="keeper", **stead)
    assert agreed.status_code == 200, agreed.text
    (entry,) = [e for e in office.book.stream("loan/L1").entries if e.event.duty == "approve"]
    assert (entry.actor, entry.beside.behalf) == ("u_keeper", "u_head")
    assert entry.beside.via.role == "head"


@pytest.mark.target("T30")
def test_who_delegated_an_approval_may_not_carry_it_out(office: Office) -> None:
    """Whose power was used has used it: the delegator is judged with the delegate."""
    door = Door(app_of(office))
    registered(door)
    for who, role in (("u_keeper", "keeper"), ("u_head", "head"), ("u_head", "keeper")):
        employ(office, who, role)
    head = office.acting(account(office, "head"), Post.read("head"))
    assert head is not None
    until = (office.today() + 7 * DAY).isoformat()
    form = {"delegate": "u_keeper", "unit": "o_a", "post": "head", "until": until, "reason": "出差"}
    office.ask("person/u_head", "delegate", form, head)
    lend(office, door, "L1")
    door.post(
        "loan/L1/approve", {"approval_no": "1号"}, who="keeper", Gongwu_Role="head@o_a:u_head"
    )
    body = {"assets": ["A1"], "scanned": "SL-001"}
    answer = door.post("loan/L1/hand_out", body, who="head", Gongwu_Role="keeper")
    assert answer.status_code == 409, answer.text
    assert answer.json()["slug"] == "incompatible-duties"
    assert "u_head" in answer.json()["detail"] or "示例head" in answer.json()["detail"]


@pytest.mark.target("T30")
def test_a_delegation_ends_with_its_day_and_with_its_giver(office: Office) -> None:
    for who, role in (("u_clerk", "clerk"), ("u_head", "head")):
        employ(office, who, role)
    head = office.acting(account(office, "head"), Post.read("head"))
    assert head is not None
    today = office.today()
    form = {"delegate": "u_clerk", "unit": "o_a", "post": "head", "until": today.isoformat()}
    office.ask("person/u_head", "delegate", form | {"reason": "出差"}, head)
    posts = office.authority.posts
    mine = account(office, "clerk")
    assert [p.slug for p in posts(mine, today)] == ["clerk@o_a", "head@o_a:u_head"]
    assert [p.slug for p in posts(mine, today + DAY)] == ["clerk@o_a"]
    gone = (today - DAY).isoformat()
    ended = {"unit": "o_a", "post": "head", "reason": "调离", "until": gone}
    office.ask("person/u_head", "end_role", ended, ADMIN)
    assert slugs(office, "clerk") == ["clerk@o_a"]


# Every forbidden pair --------------------------------------------------------------------

# A disposal from the request to the treasury: duty, verb, form. Derecognising is a duty to execute.
STEPS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    (
        "apply",
        "propose",
        {"unit": "o_a", "form": "sale", "ground": "idle", "minutes_no": "纪要1"},
    ),
    ("approve", "approve", {"approval_no": "批1"}),
    ("execute", "sell", {"price": 300, "buyer": "买1", "deal_no": "成1"}),
    ("execute", "derecognise", {"voucher": "记1"}),
    ("bill", "assess_income", {"gross": 300}),
    ("reconcile", "remit", {"amount": 300, "voucher": "缴1", "treasury_on": "2025-06-30"}),
)
NEEDS_ASSET = {"sell", "derecognise"}
PEOPLE = st.sampled_from(["u_1", "u_2", "u_3"])
DOERS = st.lists(st.tuples(PEOPLE, PEOPLE | st.just("")), min_size=len(STEPS), max_size=len(STEPS))


@pytest.fixture(scope="module")
def ledger(module_database: str) -> Iterator[Ledger]:
    ledger = Ledger(module_database)
    yield ledger
    ledger.close()


@pytest.mark.target("T30")
@given(doers=DOERS)
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_forbidden_pair_is_refused_also_through_delegation(
    ledger: Ledger, doers: list[tuple[str, str]]
) -> None:
    """Anybody tries every step for anybody: refused exactly when the rules forbid it.

    Whoever is refused, a stranger does the step instead; the log that is left has no violation.
    """
    number = ledger.book.head()[0]
    thing, case = f"T{number}", f"disposal/T{number}"
    ledger.card(thing)
    did: list[tuple[str, str]] = []
    for step, (duty, verb, form) in enumerate(STEPS):
        by, behalf = doers[step]
        asked = form | ({"assets": [thing]} if duty == "apply" else {})
        asked |= {"asset": thing} if verb in NEEDS_ASSET else {}
        persons = {by, behalf} - {""}
        forbidden = any(p in persons and GENERIC.excludes(duty, before) for before, p in did)
        rule = refused_by(ledger, case, verb, asked, by, behalf)
        assert (rule is not None) == forbidden, (did, duty, persons)
        if rule is not None:
            assert rule in (duties.INCOMPATIBLE, holding.OTHER_PERSON)
            by, behalf = f"u_stranger{step}", ""
            assert refused_by(ledger, case, verb, asked, by, behalf) is None
        did += [(duty, p) for p in {by, behalf} - {""}]
    told = [(duty, p) for duty, p, _ in did_in(ledger.book.stream(case).entries)]
    assert sorted(set(told)) == sorted(set(did))
    for (one, p), (other, q) in combinations(told, 2):
        assert p != q or not GENERIC.excludes(one, other), (one, other, p)


def refused_by(
    ledger: Ledger, case: str, verb: str, form: dict[str, Any], by: str, behalf: str = ""
) -> Rule | None:
    """Ask for a step in a role that may; return the rule that says no, None when it is done."""
    known = disposal.lifecycle.verbs[verb]
    occasion = Occasion(by=by, behalf=behalf, on=ledger.on, role=min(known.roles))
    try:
        ledger.book.act([Ask(case, verb, form)], able(known, ledger.state(case), occasion))
    except Refused as refused:
        return refused.rule
    return None


@pytest.mark.target("T30")
def test_a_change_of_role_changes_nobody(ledger: Ledger) -> None:
    """The asker became head of another unit meanwhile: it is still the same person."""
    ledger.card("R1")
    form = STEPS[0][2] | {"assets": ["R1"]}
    assert refused_by(ledger, "disposal/R1", "propose", form, "u_1") is None
    rule = refused_by(ledger, "disposal/R1", "approve", {"approval_no": "批1"}, "u_1")
    assert rule in (duties.INCOMPATIBLE, holding.OTHER_PERSON)


# Which units may ask (T51) -----------------------------------------------------------------


@pytest.mark.target("T51")
def test_only_a_unit_that_exists_on_the_day_may_request(office: Office) -> None:
    today = office.today()
    clerk = Actor(person="u_clerk", unit="o_a", role="clerk")
    office.ask("asset/A1", "register_existing", CARD, clerk, on=today - 9 * DAY)
    office.ask("asset/A2", "register_existing", CARD | {"asset_no": "2"}, clerk, on=today - 9 * DAY)
    body = {
        "name": "示例会议筹备组",
        "ends_on": (today - DAY).isoformat(),
        "approval_no": "示编1号",
    }
    office.ask("unit/o_tmp", "establish_temporary", body, ADMIN, on=today - 9 * DAY)
    loan = {"lender": "o_a", "borrower": "o_tmp", "assets": ["A1"], "purpose": "会议"}
    loan["due"] = (today + DAY).isoformat()

    def asks(unit_: str, form: dict[str, Any], on: date, case: str = "L9") -> None:
        who = Actor(person="u_other", unit=unit_, role="clerk")
        office.ask(f"loan/{case}", "request", form, who, on=on)

    for unit_, form, rule in (
        ("o_nowhere", loan | {"borrower": "o_b"}, unit.REGISTERED),
        ("o_tmp", loan, unit.UNEXPIRED),
        ("o_b", loan, unit.UNEXPIRED),  # for another unit's benefit
        ("o_a", loan | {"borrower": "o_nowhere"}, unit.REGISTERED),
    ):
        with pytest.raises(Refused) as caught:
            asks(unit_, form, today)
        assert caught.value.rule is rule
        assert caught.value.sentence("zh") and "{" not in caught.value.sentence("en")
    # On its last day it may still ask, but what it borrows comes back with its end.
    with pytest.raises(Refused) as caught:
        asks("o_tmp", loan, today - DAY)
    assert caught.value.rule is unit.BEFORE_ITS_END
    asks("o_tmp", loan | {"due": (today - DAY).isoformat()}, today - 2 * DAY, "L1")
    checks = [
        e for e in office.book.stream("loan/L1").entries if isinstance(e.event, UnitsVerified)
    ]
    (check,) = [e.event for e in checks]
    assert check == UnitsVerified(units=("o_tmp",), entries=(1,), checked_on=today - 2 * DAY)
    assert office.book.stream("unit/o_tmp").version == 1  # what the check rested on
    office.ask("unit/o_b", "dissolve", {"reason": "机构改革"}, ADMIN)
    late = loan | {"borrower": "o_b", "assets": ["A2"]}
    with pytest.raises(Refused) as caught:
        asks("o_b", late, today)
    assert caught.value.rule is unit.STANDING


# Who is competent for whom -------------------------------------------------------------------


def test_bodies_are_those_of_the_units_own_place_level_and_department(office: Office) -> None:
    today = office.today()
    county = {"level": "county", "region": "150122"}
    city = {"level": "prefecture", "region": "150100"}
    for id_, kind, where in (
        ("o_fin1", "finance", county),
        ("o_fin2", "finance", city),
        ("o_gov", "government", county),
        ("o_edu", "organ", county),
        ("o_sch", "institution", county | {"competent": "o_edu"}),
    ):
        form = {"name": f"示例{id_}", "kind": kind, **where}
        office.ask(f"unit/{id_}", "establish", form, ADMIN, on=today - 20 * DAY)
    teacher = Actor(person="u_t", unit="o_sch", role="clerk")
    now = office.occasion(teacher)
    assert (now.level, now.unit_kind) == ("county", "institution")
    assert now.bodies == {
        "own": "o_sch",
        "competent": "o_edu",
        "finance": "o_fin1",
        "government": "o_gov",
    }
    office.ask("unit/o_goa", "belong", county, ADMIN)
    office.ask("unit/o_gov", "dissolve", {"reason": "撤县设区"}, ADMIN, on=today - DAY)
    assert office.occasion(teacher).bodies["offices"] == "o_goa"
    assert "government" not in office.occasion(teacher).bodies
    then = office.occasion(teacher, today - 2 * DAY).bodies
    assert then["government"] == "o_gov" and "offices" not in then
    assert office.occasion(Actor(person="u_x", unit="o_b", role="clerk")).bodies == {"own": "o_b"}
