"""Log-ins, sessions, tokens and roles: who may do what with them, and what the log says of it."""

from __future__ import annotations

import contextlib
import itertools
import re
from base64 import b32decode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
from doors import PASSWORD, staffed
from httpx import Response
from hypothesis import given as each
from hypothesis import strategies as st
from starlette.testclient import TestClient

from api import administering, kept_forms, pages_account, pages_accounts, pages_again, tokens
from api.app import create_app
from api.office import Actor, Office
from api.second_factor import totp
from api.settings_sign import Ldap, Oidc
from api.signing_in import SigningIn
from api.tokens import DAYS_MAX, NotMade, Scope, scope_of
from domain import access, person
from domain.access import AccessEvent
from domain.decider import Occasion, Refused
from domain.person import Person
from domain.policy import GENERIC, Policy
from domain.words import Role
from projections import administration

APART = msgspec.structs.replace(
    GENERIC, administrators_apart=True, confirmed_roles=frozenset({Role.HEAD, Role.SECURITY})
)
HOW = {"channel": "web"}


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    with staffed(database) as opened:
        for role in ("security", "audit_admin"):
            opened.accounts.create(role, PASSWORD, f"u_{role}", f"示例{role}", "o_a", [role])
        yield opened


@pytest.fixture(scope="module")
def desk(module_database: str) -> Iterator[Office]:
    """Lend one office to all tests of pages: making the application takes longest."""
    with staffed(module_database) as opened:
        for role in ("security", "audit_admin"):
            opened.accounts.create(role, PASSWORD, f"u_{role}", f"示例{role}", "o_a", [role])
        yield opened


@pytest.fixture(scope="module")
def app(desk: Office) -> Any:
    return create_app(desk.settings, desk)


@pytest.fixture
def rules(desk: Office, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that puts rules in force."""

    def put(policy: Policy) -> None:
        monkeypatch.setattr(desk, "rules_for", lambda *_: policy)

    return put


def signed_in(app: Any, desk: Office, login: str) -> TestClient:
    client = TestClient(app, follow_redirects=False)
    account = desk.accounts.find(login)
    assert account is not None
    client.cookies.set("session", desk.accounts.sign_in(account, device="Firefox 140"))
    return client


def another(desk: Office, login: str, *roles: str) -> None:
    desk.accounts.create(login, PASSWORD, f"u_{login}", f"示例{login}", "o_a", roles or ("clerk",))


def actor(role: str) -> Actor:
    return Actor(person=f"u_{role}", unit="o_a", role=role)


def acts(office: Office) -> list[str]:
    return [e.event.type_name for e in office.book.entries() if isinstance(e.event, AccessEvent)]


# Accounts -------------------------------------------------------------------------


def test_every_act_leaves_an_entry_without_log_in_name_or_password(office: Office) -> None:
    new = {"login": "wang.fang", "person": "u_7", "name": "王芳", "unit": "o_a"}
    first = administering.open_log_in(office, actor("admin"), HOW, **new)
    assert office.accounts.check("wang.fang", first) is not None
    assert office.accounts.must_change("wang.fang")
    second = administering.reset_password(office, actor("admin"), HOW, "wang.fang", "忘记密码")
    assert office.accounts.check("wang.fang", first) is None
    account = office.accounts.check("wang.fang", second)
    assert account is not None
    office.accounts.sign_in(account)
    assert administering.end_sessions(office, actor("security"), HOW, "wang.fang", "演练") == 1
    me = Actor(person="u_7", unit="o_a", role="clerk")
    whole, token = administering.make_token(office, me, HOW, "wang.fang", "报表", ["read"], 30)
    administering.revoke(office, actor("security"), HOW, token, "不用了")
    administering.close(office, actor("admin"), HOW, "wang.fang", "离职")
    administering.reopen(office, actor("admin"), HOW, "wang.fang", "返聘")
    assert acts(office) == [
        "access.log_in_opened",
        "access.password_reset",
        "access.sessions_ended",
        "access.token_made",
        "access.token_revoked",
        "access.log_in_closed",
        "access.log_in_reopened",
    ]
    written = "".join(str(msgspec.json.encode(e.event)) for e in office.book.entries())
    for secret in ("wang.fang", "王芳", first, second, whole, "报表"):
        assert secret not in written
    rows = office.rows(administration.listing({"person": "u_7", "act": "access.password_reset"}))
    assert len(rows) == 1
    assert len(office.rows(administration.listing({}))) == 7


def test_nobody_administers_a_log_in_of_their_own(office: Office) -> None:
    for act in (administering.close, administering.reset_password):
        with pytest.raises(Refused) as refused:
            act(office, actor("admin"), HOW, "admin", "试试")
        assert refused.value.rule is access.NOT_MINE
    assert office.accounts.find("admin") is not None
    assert acts(office) == []


@pytest.mark.parametrize(
    ("verb", "apart", "may"),
    [
        ("close_log_in", False, {"admin"}),
        ("close_log_in", True, {"admin"}),
        ("end_sessions", False, {"admin", "security"}),
        ("end_sessions", True, {"security"}),
        ("reset_factor", False, {"admin", "security"}),
        ("reset_factor", True, {"security"}),
        ("revoke_token", True, {"security"}),
        ("untie_identity", False, {"admin"}),
        ("untie_identity", True, {"admin"}),
        ("tie_identity", True, {"admin"}),
        ("propose_identity", False, {"admin"}),
        ("propose_identity", True, {"admin"}),
        ("confirm_identity", False, {"admin", "security"}),
        ("confirm_identity", True, {"security"}),
        ("decline_identity", True, {"admin", "security"}),
    ],
)
def test_each_administrator_has_powers_of_their_own(verb: str, apart: bool, may: set[str]) -> None:
    form: dict[str, Any] = {"person": "u_7"}
    form |= {"count": 1} if verb == "end_sessions" else {}
    form |= {"token": "abc"} if verb == "revoke_token" else {}
    if verb not in ("tie_identity", "propose_identity", "confirm_identity"):
        form["reason"] = "离职"
    if verb.endswith("_identity"):
        form |= {"kind": "oidc", "provider": "https://id.example"}
    if verb in ("confirm_identity", "decline_identity"):
        form["proposer"] = "u_8"
    policy = msgspec.structs.replace(GENERIC, administrators_apart=apart)
    granted = set()
    for role in Role:
        occasion = Occasion(by="u_1", on=START, role=role, policy=policy)
        try:
            access.lifecycle.decide(access.Access(), verb, occasion, form, asked=True)
            granted.add(role.value)
        except Refused:
            pass
    assert granted == may


# Whom people are elsewhere --------------------------------------------------------

TWO = msgspec.structs.replace(GENERIC, confirmed_roles=frozenset({Role.HEAD}))
ELSEWHERE = {
    "oidc": Oidc(issuer="https://id.example", client="c", callback="https://us/login/oidc/done"),
    "ldap": Ldap(url="ldaps://dir.example", base="dc=example,dc=cn"),
}


@pytest.fixture
def tying(office: Office) -> Office:
    """Lend an office that knows of a provider and a directory; nobody calls them here."""
    office.settings = msgspec.structs.replace(office.settings, **ELSEWHERE)
    office.signing = SigningIn(office.accounts, office.settings, office.posts)
    another(office, "admin2", "admin")
    return office


def tied(office: Office, login: str) -> list[str]:
    return [one.slug for one in office.signing.identities.of(login)]


@pytest.mark.target("T120")
def test_an_administrator_ties_a_log_in_to_an_identity_on_its_page(tying: Office) -> None:
    app = create_app(tying.settings, tying)
    admin = signed_in(app, tying, "admin")
    shown = admin.get("/accounts/clerk").text
    assert "/accounts/clerk/tie-oidc" in shown and "/accounts/clerk/tie-ldap" in shown
    for name in ("", "x" * 256, "a\nb"):
        assert admin.post("/accounts/clerk/tie-oidc", data={"name": name}).status_code == 409
    done = admin.post("/accounts/clerk/tie-oidc", data={"name": " 7f3a-Li "})
    assert done.status_code == 200 and "已关联，可以用它登录" in done.text
    assert 'action="/accounts/clerk/tie-oidc"' not in done.text and "untie-oidc" in done.text
    assert admin.post("/accounts/clerk/tie-ldap", data={"name": "LiMing"}).status_code == 200
    assert tied(tying, "clerk") == ["ldap:liming", "oidc:7f3a-Li"]
    # One identity, one log-in; one of each kind; nobody does it to themselves, nor a stranger.
    for path, name, said in (
        ("/accounts/keeper/tie-ldap", "liming", "已属于另一账号"),
        ("/accounts/clerk/tie-oidc", "other", "已有一个 oidc 身份"),
        ("/accounts/admin/tie-oidc", "mine", "不能对自己的账号"),
    ):
        answer = admin.post(path, data={"name": name})
        assert answer.status_code == 409 and said in answer.text, path
    assert admin.post("/accounts/nobody/tie-oidc", data={"name": "x"}).status_code == 404
    assert tied(tying, "keeper") == tied(tying, "admin") == []
    for login in ("clerk", "auditor", "audit_admin"):
        stranger = signed_in(app, tying, login)
        assert stranger.post("/accounts/head/tie-oidc", data={"name": "x"}).status_code == 403
    security = signed_in(app, tying, "security")
    assert security.post("/accounts/head/tie-oidc", data={"name": "x"}).status_code == 409
    assert tied(tying, "head") == []
    assert acts(tying) == ["access.identity_tied"] * 2
    assert not any(b"7f3a-Li" in e.state or b"liming" in e.state for e in tying.book.entries())
    administering.close(tying, actor("admin"), HOW, "head", "离职")
    assert admin.post("/accounts/head/tie-oidc", data={"name": "x"}).status_code == 409


@pytest.mark.target("T120", "T22")
@pytest.mark.parametrize("apart", [False, True])
def test_where_roles_take_two_persons_an_identity_does(
    apart: bool, tying: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever signs in by it has the roles of the log-in, now and later."""
    policy = msgspec.structs.replace(TWO, administrators_apart=apart)
    monkeypatch.setattr(tying, "rules_for", lambda *_: policy)
    app = create_app(tying.settings, tying)
    who = {name: signed_in(app, tying, name) for name in ("admin", "admin2", "security", "head")}
    assert "提名关联统一身份" in who["admin"].get("/accounts/head").text
    done = who["admin"].post("/accounts/head/tie-oidc", data={"name": "name-7f3a"})
    assert done.status_code == 200 and "待另一人确认" in done.text and "name-7f3a" in done.text
    assert tied(tying, "head") == [] and tying.signing.known_as("oidc", "name-7f3a") is None
    assert "待另一人确认" in who["security"].get("/accounts").text
    (first,) = tying.signing.identities.waiting("head")
    # Another proposal replaces it: nobody confirms what they were not shown.
    who["admin"].post("/accounts/head/tie-oidc", data={"name": "name-7f3b"})
    (second,) = tying.signing.identities.waiting()
    settle = "/accounts/head/identities/{}/{}"
    assert who["security"].post(settle.format(first.id, "confirm")).status_code == 409
    confirm, decline = (settle.format(second.id, act) for act in ("confirm", "decline"))
    assert f'action="{confirm}"' in who["security"].get("/accounts/head").text
    assert f'action="{confirm}"' not in who["admin"].get("/accounts/head").text
    assert who["admin"].post(confirm).status_code == 409  # who proposed it
    assert who["head"].post(confirm).status_code == 403
    assert who["security"].post(settle.format(second.id, "eat")).status_code == 404
    assert who["security"].post(decline).status_code == 422  # says why, or nothing
    if apart:  # a second system administrator is of the same office
        assert who["admin2"].post(confirm).status_code == 409
    assert tied(tying, "head") == [] and tying.signing.identities.waiting() == [second]
    other = "security" if apart else "admin2"
    assert "已关联" in who[other].post(confirm).text
    assert tied(tying, "head") == ["oidc:name-7f3b"] and tying.signing.identities.waiting() == []
    assert who[other].post(confirm).status_code == 409
    entry = list(tying.book.entries())[-1]
    assert isinstance(entry.event, access.IdentityConfirmed)
    assert (entry.actor, entry.event.proposer, entry.event.person) == (
        f"u_{other}",
        "u_admin",
        "u_head",
    )
    who["admin"].post("/accounts/clerk/tie-ldap", data={"name": "li"})
    (third,) = tying.signing.identities.waiting("clerk")
    taken_back = settle.replace("head", "clerk").format(third.id, "decline")
    assert who["admin"].post(taken_back, data={"reason": "填错"}).status_code == 200
    assert tying.signing.identities.waiting() == [] and tied(tying, "clerk") == []
    assert acts(tying) == [
        *["access.identity_proposed"] * 2,
        "access.identity_confirmed",
        "access.identity_proposed",
        "access.identity_declined",
    ]
    assert not any(b"name-7f3" in e.state for e in tying.book.entries())


def test_whose_log_in_it_is_does_not_confirm_it(tying: Office) -> None:
    occasion = Occasion(by="u_7", on=START, role=Role.SECURITY, policy=TWO)
    form = {"person": "u_7", "kind": "oidc", "provider": "https://id.example", "proposer": "u_1"}
    with pytest.raises(Refused) as refused:
        access.lifecycle.decide(access.Access(), "confirm_identity", occasion, form, asked=True)
    assert refused.value.rule is access.ANOTHER_CONFIRMS


def test_of_many_who_confirm_at_once_one_does_and_a_failure_leaves_it_waiting(
    tying: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tying, "rules_for", lambda *_: TWO)
    one = administering.named_there(tying, "oidc", "7f3a")
    waits = administering.tie(tying, actor("admin"), HOW, "head", one)
    assert waits is not None
    with pytest.raises(Refused):
        administering.confirm_tie(tying, actor("keeper"), HOW, "head", waits.id)
    assert tying.signing.identities.waiting() == [waits] and tied(tying, "head") == []

    def confirms(_: int) -> bool:
        try:
            administering.confirm_tie(tying, actor("security"), HOW, "head", waits.id)
        except administering.Unfit:
            return False
        return True

    with ThreadPoolExecutor(4) as crowd:
        assert sorted(crowd.map(confirms, range(4))) == [False] * 3 + [True]
    assert acts(tying).count("access.identity_confirmed") == 1
    assert tied(tying, "head") == ["oidc:7f3a"]


@pytest.mark.target("T114", "T120")
def test_programs_tie_and_confirm_by_the_same_rules(
    tying: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = TestClient(create_app(tying.settings, tying))
    keys = itertools.count()

    def asks(path: str, body: Any, who: str = "admin") -> Response:
        headers = {"Idempotency-Key": f"tie-{next(keys)}"}
        path = f"/api/v1/accounts/{path}"
        return client.post(path, json=body, auth=(who, PASSWORD), headers=headers)

    answer = asks("clerk/tie-ldap", {"name": "LiMing"})
    assert answer.json() == {"login": "clerk", "done": "tie-ldap"}, answer.text
    assert asks("clerk/tie-ldap", {"name": "liming"}).status_code == 200  # the same again
    for path, body, who, status in (
        ("keeper/tie-ldap", {"name": "liming"}, "admin", 409),
        ("keeper/tie-ldap", {"name": ""}, "admin", 409),
        ("keeper/tie-ldap", {}, "admin", 422),
        ("keeper/tie-ldap", {"name": "x", "y": 1}, "admin", 422),
        ("nobody/tie-ldap", {"name": "x"}, "admin", 404),
        ("admin/tie-oidc", {"name": "x"}, "admin", 409),
        ("keeper/tie-oidc", {"name": "x"}, "security", 409),
        ("keeper/tie-oidc", {"name": "x"}, "accountant", 403),
    ):
        assert asks(path, body, who).status_code == status, (path, body, who)
    monkeypatch.setattr(tying, "rules_for", lambda *_: TWO)
    proposed = asks("keeper/tie-oidc", {"name": "7f3a"}).json()
    assert proposed["done"] == "propose"
    rows = client.get("/api/v1/accounts", auth=("admin", PASSWORD)).json()["log_ins"]
    (waits,) = next(row["waiting"] for row in rows if row["login"] == "keeper")
    assert (waits["id"], waits["name"], waits["proposer"]) == (
        proposed["waiting"],
        "7f3a",
        "u_admin",
    )
    path = f"keeper/identities/{waits['id']}"
    assert asks(f"{path}/confirm", {}).status_code == 409
    assert asks(f"{path}/decline", {}, "security").status_code == 422
    assert tied(tying, "keeper") == []
    assert asks(f"{path}/confirm", {}, "security").json()["done"] == "confirm"
    assert tied(tying, "keeper") == ["oidc:7f3a"]
    assert asks(f"{path}/decline", {"reason": "x"}, "security").status_code == 409


def test_a_closed_log_in_ends_with_its_sessions_and_tokens_for_good(office: Office) -> None:
    account = office.accounts.find("clerk")
    assert account is not None
    session = office.accounts.sign_in(account)
    whole, _ = office.accounts.tokens.make("clerk", "报表", ["read"], 1)
    administering.close(office, actor("admin"), HOW, "clerk", "离职")
    administering.reopen(office, actor("admin"), HOW, "clerk", "返聘")
    assert office.accounts.session(session) is None
    assert office.accounts.tokens.find(whole) is None
    assert office.accounts.check("clerk", PASSWORD) is not None


def test_pages_list_open_close_and_reset(app: Any, desk: Office) -> None:
    admin = signed_in(app, desk, "admin")
    new = {"login": "li", "person": "u_li", "name": "李明", "unit": "o_a"}
    bad = admin.post("/accounts", data=new | {"unit": "o_nowhere"})
    assert bad.status_code == 422 and "o_nowhere" in bad.text and 'value="李明"' in bad.text
    opened = admin.post("/accounts", data=new)
    found = re.search(r"<code class=\"fs-5\">([0-9a-f-]{24})</code>", opened.text)
    assert opened.status_code == 200 and found is not None
    assert admin.post("/accounts", data=new).status_code == 422
    assert "李明" in admin.get("/accounts").text
    assert admin.post("/accounts/li/close", data={}).status_code == 422  # says why, or nothing
    closed = admin.post("/accounts/li/close", data={"reason": "离职"})
    assert "已停用" in closed.text and desk.accounts.find("li") is None
    assert "离职" in admin.get("/accounts/li").text
    assert "离职" in admin.get("/administration").text
    assert admin.get("/accounts/nobody").status_code == 404
    assert admin.post("/accounts/li/eat", data={"reason": "x"}).status_code == 404
    own = admin.post("/accounts/admin/reset-password", data={"reason": "试试"})
    assert own.status_code == 409 and "不能对自己的账号" in own.text


def test_others_do_not_see_them(app: Any, desk: Office) -> None:
    for login in ("clerk", "head", "auditor"):
        client = signed_in(app, desk, login)
        assert client.get("/accounts/admin").status_code == 403
        assert client.post("/accounts/keeper/close", data={"reason": "x"}).status_code == 403
        assert client.post("/accounts", data={}).status_code == 403
        assert client.get("/accounts").status_code == 403
    assert signed_in(app, desk, "clerk").get("/administration").status_code == 403
    watcher = signed_in(app, desk, "audit_admin")
    assert watcher.get("/administration").status_code == 200
    assert watcher.post("/accounts/keeper/close", data={"reason": "x"}).status_code == 403


# Roles that take two --------------------------------------------------------------

START = date(2026, 11, 20)


def occasion(by: str, role: str, who: str = "u_7", policy: Policy = APART) -> Occasion:
    return Occasion(by=by, on=START, role=role, policy=policy, stream=f"person/{who}")


def decided(state: Person, verb: str, asker: Occasion, **form: Any) -> Person:
    """Return the state after a verb."""
    whole = {"unit": "o_a", "post": "head", **form}
    answer = person.lifecycle.decide(state, verb, asker, whole, asked=False)
    for fact in answer:
        if not isinstance(fact, person.Ask):
            state = person.lifecycle.evolve(state, fact)
    return state


def test_a_role_that_matters_is_in_force_when_another_person_confirmed_it() -> None:
    one, two = occasion("u_s1", "security"), occasion("u_s2", "security")
    with pytest.raises(Refused) as refused:
        decided(Person(), "assign", one)
    assert refused.value.rule is person.CONFIRMED_BY_ANOTHER
    waiting = decided(Person(), "propose_role", one)
    assert waiting.powers == () and waiting.proposed[0].proposer == "u_s1"
    for same in (one, occasion("u_7", "head")):
        with pytest.raises(Refused) as refused:
            decided(waiting, "confirm_role", same)
        assert refused.value.rule is person.ANOTHER_CONFIRMS
    held = decided(waiting, "confirm_role", two)
    assert held.may(START, "o_a", "head") and held.proposed == ()
    with pytest.raises(Refused) as refused:
        decided(held, "confirm_role", two)
    assert refused.value.rule is person.IS_PROPOSED
    assert decided(waiting, "decline_role", two, reason="不合适").proposed == ()
    decided(Person(), "assign", one, post="clerk")  # others one person gives


def test_a_role_is_never_held_before_it_was_confirmed() -> None:
    one = occasion("u_s1", "security")
    waiting = decided(Person(), "propose_role", one, since=START)
    later = msgspec.structs.replace(occasion("u_s2", "security"), on=START + timedelta(days=9))
    held = decided(waiting, "confirm_role", later)
    assert not held.may(START + timedelta(days=8), "o_a", "head")
    assert held.may(START + timedelta(days=9), "o_a", "head")
    short = decided(Person(), "propose_role", one, until=START + timedelta(days=8))
    with pytest.raises(Refused) as refused:
        decided(short, "confirm_role", later)
    assert refused.value.rule is person.NOT_EXPIRED


def test_where_they_are_apart_the_system_administrator_grants_nothing() -> None:
    for verb in ("assign", "propose_role", "confirm_role"):
        with pytest.raises(Refused) as refused:
            decided(Person(), verb, occasion("u_1", "admin"), post="clerk")
        assert refused.value.rule is person.GRANTS_APART
    small = occasion("u_1", "admin", policy=GENERIC)
    assert decided(Person(), "assign", small).may(START, "o_a", "head")


def test_one_person_is_one_administrator() -> None:
    one = occasion("u_1", "security")
    held = decided(Person(), "assign", one, post="admin")
    for post in ("audit_admin", "auditor", "clerk"):
        with pytest.raises(Refused) as refused:
            decided(held, "assign", one, post=post)
        assert refused.value.rule is person.INDEPENDENT_ALONE


@pytest.mark.target("T22")
@each(
    st.lists(
        st.tuples(
            st.sampled_from(["assign", "propose_role", "confirm_role", "decline_role"]),
            st.sampled_from(list(Role)),
        ),
        max_size=12,
    ),
    st.sampled_from(["admin", "security"]),
    st.booleans(),
)
def test_no_administrator_alone_gets_another_role(
    asked: list[tuple[str, Role]], own: str, apart: bool
) -> None:
    """Whatever an administrator asks about themselves, they stay what they are (T22)."""
    policy = msgspec.structs.replace(
        GENERIC, administrators_apart=apart, confirmed_roles=frozenset(Role)
    )
    me = occasion("u_1", own, "u_1", policy)
    other = occasion("u_1", own, "u_7", policy)
    state, stranger = Person(), Person()
    for verb, post in asked:
        form = {"post": post.value} | ({"reason": "x"} if verb == "decline_role" else {})
        with contextlib.suppress(Refused):
            state = decided(state, verb, me, **form)
        with contextlib.suppress(Refused):
            stranger = decided(stranger, verb, other, **form)
    assert state.powers == ()
    assert stranger.powers == ()  # nor does anybody get one from a single hand


def test_what_ended_is_not_given_back_by_a_reversal_alone(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.ask("person/u_7", "assign", {"unit": "o_a", "post": "head"}, actor("admin"))
    ended = {"unit": "o_a", "post": "head", "reason": "调离"}
    office.ask("person/u_7", "end_role", ended, actor("admin"))
    policy = msgspec.structs.replace(APART, administrators_apart=False)
    monkeypatch.setattr(office, "rules_for", lambda *_: policy)
    with pytest.raises(Refused) as refused:
        office.reverse("person/u_7", 2, actor("admin"), reason="手误")
    assert refused.value.rule is person.CONFIRMED_BY_ANOTHER
    monkeypatch.setattr(office, "rules_for", lambda *_: APART)
    with pytest.raises(Refused) as refused:
        office.reverse("person/u_7", 1, actor("admin"), reason="手误")
    assert refused.value.rule is person.GRANTS_APART


# Tokens ---------------------------------------------------------------------------


def bearer(app: Any, whole: str, path: str, method: str = "GET", **how: Any) -> Response:
    client = TestClient(app, raise_server_exceptions=False)
    headers = {"Authorization": f"Bearer {whole}", **how.pop("headers", {})}
    answer: Any = client.request(method, path, headers=headers, **how)
    return answer  # type: ignore[no-any-return] # the test client's own Response is httpx's


def test_a_token_reads_and_does_nothing_it_is_not_for(app: Any, desk: Office) -> None:
    whole, _token = desk.accounts.tokens.make("clerk", "报表", ["read"], 30)
    assert re.fullmatch(r"lgr_[0-9a-z]{12}_[0-9A-Za-z-]{43}", whole)
    assert bearer(app, whole, "/api/v1/units").status_code == 200
    card = {"asset_no": "T-1", "name": "办公桌", "kind": "furniture", "unit": "o_a", "value": 80000}
    refused = bearer(
        app,
        whole,
        "/api/v1/asset/T1/register_existing",
        "POST",
        json=card,
        headers={"Idempotency-Key": "t-1"},
    )
    assert refused.status_code == 403 and refused.json()["type"].endswith("beyond-token")
    assert "办理" in refused.json()["detail"] and "查阅" in refused.json()["detail"]
    assert bearer(app, whole, "/audit/v1/findings").status_code == 403
    writer, _ = desk.accounts.tokens.make("clerk", "录入", ["write"], 30)
    for key in ("t-2", "t-2"):
        answer = bearer(
            app,
            writer,
            "/api/v1/asset/T1/register_existing",
            "POST",
            json=card,
            headers={"Idempotency-Key": key},
        )
        assert answer.status_code == 200, answer.text
    assert desk.accounts.tokens.of("clerk")[-1].used_at
    assert (
        TestClient(app, follow_redirects=False)
        .get("/units", headers={"Authorization": f"Bearer {whole}"})
        .status_code
        == 303
    )  # a token opens no page


def test_a_token_is_never_more_than_its_owner_is_today(app: Any, desk: Office) -> None:
    another(desk, "going", "clerk")
    whole, _ = desk.accounts.tokens.make("going", "报表", ["read", "accounts"], 30)
    role = {"Gongwu-Role": "head"}
    assert bearer(app, whole, "/api/v1/units", headers=role).status_code == 403
    assert bearer(app, whole, "/api/v1/units").status_code == 200
    admin = Actor(person="u_admin", unit="o_a", role="admin")
    desk.ask("person/u_going", "assign", {"unit": "o_a", "post": "keeper"}, admin)
    desk.ask(
        "person/u_going", "end_role", {"unit": "o_a", "post": "keeper", "reason": "离职"}, admin
    )
    assert bearer(app, whole, "/api/v1/units").status_code == 403  # no role is left
    desk.accounts.disable("going")
    assert bearer(app, whole, "/api/v1/units").status_code == 401


def test_unknown_ended_and_old_tokens_open_nothing(
    app: Any, desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, token = desk.accounts.tokens.make("clerk", "报表", ["read"], 90)
    for wrong in (whole[:-1], whole + "x", "lgr_x", "lgr__", token.id, f"lgr_{token.id}_"):
        answer = bearer(app, wrong, "/api/v1/units")
        assert answer.status_code == 401, wrong
    assert "令牌" in answer.json()["detail"]
    now = desk.accounts.tokens.clock()
    monkeypatch.setattr(desk.accounts.tokens, "clock", lambda: now + timedelta(days=89))
    assert desk.accounts.tokens.find(whole) is not None
    monkeypatch.setattr(desk.accounts.tokens, "clock", lambda: now + timedelta(days=90))
    assert desk.accounts.tokens.find(whole) is None
    monkeypatch.undo()
    desk.accounts.tokens.revoke(token.id)
    assert bearer(app, whole, "/api/v1/units").status_code == 401


def test_only_its_hash_is_stored(office: Office) -> None:
    whole, _ = office.accounts.tokens.make("clerk", "报表", ["read"], 90)
    with office.accounts.engine.connect() as connection:
        row = connection.execute(tokens.token_.select()).one()
    assert whole.rpartition("_")[2] not in "".join(map(str, row))


def test_what_a_token_must_say(office: Office) -> None:
    make = office.accounts.tokens.make
    for name, scopes, days in (
        ("", ["read"], 1),
        ("x" * 81, ["read"], 1),
        ("x", [], 1),
        ("x", ["everything"], 1),
        ("x", ["read"], 0),
        ("x", ["read"], DAYS_MAX + 1),
    ):
        with pytest.raises(NotMade):
            make("clerk", name, scopes, days)
    for _ in range(tokens.PER_LOGIN_MAX):
        make("clerk", "x", ["read"], DAYS_MAX)
    with pytest.raises(NotMade, match="50"):
        make("clerk", "x", ["read"], DAYS_MAX)


def test_every_request_has_one_scope() -> None:
    said = {
        ("GET", "/api/v1/units"): Scope.READ,
        ("GET", "/api/v1/inventory.csv"): Scope.EXPORT,
        ("POST", "/api/v1/asset/A1/lend"): Scope.WRITE,
        ("DELETE", "/api/v1/x"): Scope.WRITE,
        ("GET", "/api/v1/feed"): Scope.FEED,
        ("GET", "/api/v1/accounts"): Scope.ACCOUNTS,
        ("POST", "/api/v1/accounts/x/close"): Scope.ACCOUNTS,
        ("POST", "/audit/v1/replays"): Scope.AUDIT,
        ("POST", "/epcis/capture"): Scope.WRITE,
    }
    assert {asked: scope_of(*asked) for asked in said} == said


def test_a_token_may_not_ask_without_end(app: Any, desk: Office) -> None:
    whole, _ = desk.accounts.tokens.make("clerk", "报表", ["read"], 30)
    from api.rest_caller import TOKEN_PER_MINUTE

    client = TestClient(app)
    headers = {"Authorization": f"Bearer {whole}"}
    answers = [client.get("/api/v1/nothing", headers=headers) for _ in range(1)]
    assert answers[0].status_code == 404
    asked = 0
    while asked < 2 * TOKEN_PER_MINUTE:
        asked += 1
        answer = client.get("/api/v1/asset/none", headers=headers)
        if answer.status_code == 429:
            break
    assert answer.status_code == 429 and int(answer.headers["retry-after"]) >= 1


# One's own ------------------------------------------------------------------------


def test_one_changes_ones_password_and_other_sessions_end(app: Any, desk: Office) -> None:
    another(desk, "own")
    here, there = signed_in(app, desk, "own"), signed_in(app, desk, "own")
    new = {"new": "another long one", "again": "another long one"}
    wrong = here.post("/account/password", data=new | {"old": "not mine"})
    assert wrong.status_code == 403 and "现在的密码不对" in wrong.text
    same = {"old": PASSWORD, "new": PASSWORD, "again": PASSWORD}
    assert here.post("/account/password", data=same).status_code == 422
    assert here.post("/account/password", data=new | {"old": PASSWORD}).status_code == 303
    assert here.get("/account").status_code == 200
    assert there.get("/account").status_code == 303
    assert desk.accounts.check("own", PASSWORD) is None


def test_one_sees_ones_sessions_and_ends_others(app: Any, desk: Office) -> None:
    another(desk, "many")
    here, second, third = (signed_in(app, desk, "many") for _ in range(3))
    page = here.get("/account").text
    assert page.count("Firefox 140") == 3 and page.count("当前") == 2  # the tag and the menu's role
    marks = re.findall(r'name="mark" value="([0-9a-f]{16})"', page)
    assert len(marks) == 2
    stranger = signed_in(app, desk, "clerk")
    stranger.post("/account/sessions", data={"mark": marks[0]})
    assert len(desk.accounts.sittings("many")) == 3  # nobody ends another's
    here.post("/account/sessions", data={"mark": marks[0]})
    assert len(desk.accounts.sittings("many")) == 2
    here.post("/account/sessions", data={"mark": "others"})
    assert [c.get("/account").status_code for c in (here, second, third)] == [200, 303, 303]


def test_a_token_is_made_on_the_page_shown_once_and_revoked(app: Any, desk: Office) -> None:
    another(desk, "maker")
    client = signed_in(app, desk, "maker")
    made = client.post(
        "/account/tokens", data={"name": "报表", "scope": ["read", "export"], "days": "30"}
    )
    found = re.search(r"lgr_[0-9a-z]{12}_[0-9A-Za-z-]{43}", made.text)
    assert found is not None
    assert found[0] not in client.get("/account").text
    assert client.post("/account/tokens", data={"name": "x", "days": "400"}).status_code == 422
    id_ = found[0].split("_")[1]
    assert signed_in(app, desk, "clerk").post(f"/account/tokens/{id_}/revoke").status_code == 404
    assert client.post(f"/account/tokens/{id_}/revoke").status_code == 303
    assert bearer(app, found[0], "/api/v1/units").status_code == 401


def test_what_matters_asks_again_who_one_is(
    app: Any, desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    another(desk, "sitting")
    client = signed_in(app, desk, "sitting")
    now = desk.accounts.clock()
    monkeypatch.setattr(desk.accounts, "clock", lambda: now + timedelta(minutes=11))
    assert client.post("/account/recovery").headers["location"].startswith("/confirm")
    assert client.get("/account/factor").headers["location"].startswith("/confirm")
    assert "再确认" in client.get("/confirm?next=/account").text
    assert client.post("/confirm", data={"password": "not mine"}).status_code == 403
    right = client.post("/confirm", data={"password": PASSWORD, "next": "/account/factor"})
    assert right.headers["location"] == "/account/factor"
    assert client.get("/account/factor").status_code == 200


@pytest.mark.target("T120")
def test_what_was_filled_in_waits_for_whom_it_is_of_and_is_sent_once(
    app: Any, desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    another(desk, "writer")
    client, elsewhere = (signed_in(app, desk, "writer") for _ in range(2))
    stranger = signed_in(app, desk, "clerk")
    now = desk.accounts.clock()
    monkeypatch.setattr(desk.accounts, "clock", lambda: now + timedelta(minutes=11))
    typed = {"name": '报表"><b>x', "scope": ["read", "export"], "days": "30"}
    asked = client.post("/account/tokens", data=typed)
    shown = client.get(asked.headers["location"]).text
    assert "您填写的内容留着" in shown
    (where,) = re.findall(r'name="next" value="(/confirm/form[^"]+)"', shown)
    id_ = where.partition("id=")[2]
    gone = "填写的内容已不在"
    for other in (elsewhere, stranger):  # the same person at another place has not filled it in
        assert gone in other.get(where).text and other.get(where).status_code == 404
        assert other.post("/confirm/form", data={"kept": id_} | typed).status_code == 404
    # Sent before they proved who they are, it is kept anew; another site cannot have it sent.
    hidden = {"kept": id_} | typed
    assert (
        client.post("/confirm", data={"password": PASSWORD, "next": where}).headers["location"]
        == where
    )
    for told in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        assert client.post("/confirm/form", data=hidden, headers=told).status_code == 403
    kept = client.get(where).text
    assert 'value="报表&#34;&gt;&lt;b&gt;x"' in kept and kept.count('name="scope"') == 2
    assert desk.accounts.tokens.of("writer") == []
    sent = client.post("/confirm/form", data=hidden)
    assert (sent.status_code, sent.headers["location"]) == (307, "/account/tokens")
    made = client.post("/confirm/form", data=hidden, follow_redirects=True)
    assert made.status_code == 404 and gone in made.text  # that one was sent
    assert desk.accounts.tokens.of("writer") == []


def test_a_form_that_is_too_long_to_keep_is_asked_for_again(
    app: Any, desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    another(desk, "long")
    client = signed_in(app, desk, "long")
    now = desk.accounts.clock()
    monkeypatch.setattr(desk.accounts, "clock", lambda: now + timedelta(minutes=11))
    monkeypatch.setattr(kept_forms, "BYTES_MAX", 100)
    asked = client.post("/account/tokens", data={"name": "报" * 60, "scope": "read", "days": "30"})
    assert asked.headers["location"] == "/confirm?next=%2Faccount"


# What the pages offer, programs may ask -----------------------------------------------

# Acts of the pages of accounts, with the route of programs for the same, or why there is none.
BY_A_PERSON = "a person at a browser alone: it shows a secret, or proves that they are there"
BOTH_WAYS = {
    "/accounts": "/api/v1/accounts",
    "/accounts/{login}/{act}": "/api/v1/accounts/{login}/",
    "/accounts/{login}/identities/{id_}/{act}": "/api/v1/accounts/{login}/identities/{waiting}/",
    "/accounts/{login}/tokens/{id_}/revoke": "/api/v1/accounts/{login}/tokens/{token}/revoke",
    "/account/password": BY_A_PERSON,
    "/account/factor": BY_A_PERSON,
    "/account/factor/stop": BY_A_PERSON,
    "/account/recovery": BY_A_PERSON,
    "/account/tokens": BY_A_PERSON,
    "/account/tokens/{id_}/revoke": BY_A_PERSON,
    "/account/sessions": "a person at a browser alone: programs have no sessions",
    "/confirm": BY_A_PERSON,
    "/confirm/form": BY_A_PERSON,
}


@pytest.mark.target("T114")
def test_each_act_of_the_pages_is_one_of_programs_or_it_is_said_why_not(
    app: Any, desk: Office
) -> None:
    shown = {
        getattr(route, "path", "")
        for part in (pages_account, pages_accounts, pages_again)
        for route in part.router(desk).routes
        if "POST" in getattr(route, "methods", ())
    }
    assert shown == BOTH_WAYS.keys()
    published = {path for path, ways in app.openapi()["paths"].items() if "post" in ways}
    for path, same in BOTH_WAYS.items():
        if path.endswith("{act}"):
            acts = {**pages_accounts.DOING, **pages_accounts.TYING}
            if "/identities/" in path:
                acts = pages_accounts.SETTLING
            assert {f"{same}{act}" for act in acts} <= published
        elif same.startswith("/"):
            assert same in published, path
    # Roles are verbs of `person/…`, whose pages and routes are made from the same declaration.
    assert {"/api/v1/person/{id}/assign", "/api/v1/person/{id}/confirm_role"} <= published


@pytest.mark.target("T114", "T115")
def test_programs_of_administrators_do_all_of_it(app: Any, desk: Office) -> None:
    client = TestClient(app)

    def asks(path: str, body: Any, key: str, who: str = "admin") -> Response:
        headers = {"Idempotency-Key": key}
        return client.post(f"/api/v1{path}", json=body, auth=(who, PASSWORD), headers=headers)

    new = {"login": "Qian", "person": "u_qian", "name": "钱某", "unit": "o_a"}
    opened = asks("/accounts", new, "open-1")
    assert opened.status_code == 200 and opened.json()["login"] == "qian", opened.text
    first = opened.json()["one_time_password"]
    assert desk.accounts.check("qian", first) is not None
    again = asks("/accounts", new, "open-1")
    assert again.status_code == 409 and first not in again.text, "a secret is shown once"
    assert asks("/accounts", new | {"login": "a b"}, "open-2").status_code == 409
    reset = asks("/accounts/qian/reset-password", {"reason": "忘记"}, "reset-1")
    second = reset.json()["one_time_password"]
    assert first != second and desk.accounts.check("qian", second) is not None
    account = desk.accounts.find("qian")
    assert account is not None
    session = desk.accounts.sign_in(account)
    ended = asks("/accounts/qian/end-sessions", {"reason": "演练"}, "end-1")
    assert ended.json()["sessions"] == 1 and desk.accounts.session(session) is None
    key = b32decode(desk.accounts.factors.offer("qian").secret)
    assert desk.accounts.confirm_factor("qian", totp(key, desk.accounts.clock()))
    assert asks("/accounts/qian/reset-factor", {"reason": "丢失"}, "factor-1").status_code == 200
    assert not desk.accounts.factors.since("qian")
    assert asks("/accounts/qian/reset-factor", {"reason": "丢失"}, "factor-2").status_code == 409
    whole, token = desk.accounts.tokens.make("qian", "报表", ["read"], 1)
    path = f"/accounts/qian/tokens/{token.id}/revoke"
    assert asks(path, {"reason": "不用"}, "revoke-1").status_code == 200
    assert desk.accounts.tokens.find(whole) is None
    assert asks("/accounts/qian/tokens/none/revoke", {"reason": "x"}, "revoke-2").status_code == 404
    assert asks("/accounts/qian/close", {"reason": "离职"}, "close-1").status_code == 200
    assert desk.accounts.find("qian") is None
    assert asks("/accounts/qian/reopen", {"reason": "返聘"}, "reopen-1").status_code == 200
    assert desk.accounts.find("qian") is not None
    # What cannot be is told by the same words as on the pages, and nobody else may.
    for body, status in (({}, 422), ({"reason": ""}, 422), ({"reason": "x", "y": 1}, 422)):
        assert asks("/accounts/qian/close", body, f"bad-{status}-{len(body)}").status_code == status
    own = asks("/accounts/admin/close", {"reason": "x"}, "own-1")
    assert own.status_code == 409 and own.json()["type"].endswith("own-log-in")
    assert asks("/accounts/nobody/close", {"reason": "x"}, "none-1").status_code == 404
    for who in ("clerk", "auditor"):
        assert asks("/accounts/qian/close", {"reason": "x"}, f"no-{who}", who).status_code == 403
        assert client.get("/api/v1/accounts", auth=(who, PASSWORD)).status_code == 403
    rows = client.get(
        "/api/v1/administration", params={"person": "u_qian"}, auth=("admin", PASSWORD)
    )
    assert [row["act"].partition(".")[2] for row in rows.json()["acts"]] == [
        "log_in_reopened",
        "log_in_closed",
        "token_revoked",
        "factor_removed",
        "sessions_ended",
        "password_reset",
        "log_in_opened",
    ]
