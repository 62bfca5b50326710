"""A directory checks people's passwords: OpenLDAP itself, over TLS, and names that are attacks."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from doors import PASSWORD as OURS
from doors import Door, app_of, staffed
from httpx import Response
from hypothesis import given
from hypothesis import strategies as st
from slapd import BASE, PASSWORD, READER, READER_PASSWORD, Slapd, person, slapd
from starlette.testclient import TestClient
from typer.testing import CliRunner

from api import administering, cli, ldap_wire, tls
from api.app import create_app
from api.cli_terminal import USAGE
from api.elsewhere import ELSEWHERE_ONLY, NO_DIRECTORY, Elsewhere
from api.ldap import Directory
from api.office import Actor, Office
from api.settings import Settings
from api.settings_sign import Ldap, Unusable
from api.signing_in import SigningIn, prove
from domain import access
from domain.decider import Refused

pytestmark = pytest.mark.either_backend(
    "how a directory answers; whom it lets in is kept on both in test_accounts"
)

PEOPLE = f"ou=people,{BASE}"
ODD = "li (a*b)\\c"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    """Run a directory with a few people in it, one of them with a name full of signs."""
    folder = tmp_path_factory.mktemp("slapd")
    twice = f"dn: ou=others,{BASE}\nobjectClass: organizationalUnit\nou: others\n"
    people = (
        person("wang"),
        person("zhao", kind="gone"),
        person("sun", more="pwdAccountLockedTime: 000001010000Z\n"),
        person("qian"),
        "\n" + twice,
        person("qian", ou="others"),
        person(ODD, dn=ldap_wire.in_dn(ODD)),
        person("王芳"),
    )
    with slapd(folder, *people) as server:
        yield server


def searching(running: Slapd, **changed: Any) -> Ldap:
    """Return settings under which people are looked for by a reader."""
    plain = Ldap(
        url=running.guarded,
        base=BASE,
        reader=READER,
        password=READER_PASSWORD,
        ca=running.ca,
    )
    return msgspec.structs.replace(plain, **changed)


def standing(running: Slapd, **changed: Any) -> Ldap:
    """Return settings under which people stand at a name of their own."""
    plain = Ldap(url=running.guarded, dn=f"uid={{}},{PEOPLE}", ca=running.ca)
    return msgspec.structs.replace(plain, **changed)


WAYS = [searching, standing]
BoundBy = Callable[..., Ldap]


@pytest.mark.target("T120")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("line", ["plain", "guarded"])
def test_the_right_password_binds_and_a_wrong_one_does_not(
    way: BoundBy, line: str, running: Slapd
) -> None:
    directory = Directory(way(running, url=getattr(running, line)))
    assert directory.check("wang", PASSWORD)
    assert directory.check("WANG", PASSWORD)
    assert directory.check(ODD, PASSWORD)
    assert directory.check("王芳", PASSWORD)
    for name, password in (("wang", "wrong"), ("wang", OURS), ("nobody", PASSWORD)):
        assert not directory.check(name, password)


@pytest.mark.target("T120")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["wang", "nobody", ""])
def test_no_password_is_no_password(way: BoundBy, name: str, running: Slapd) -> None:
    """This directory binds anybody who sends a name without a password; nobody gets in by that."""
    assert not Directory(way(running)).check(name, "")


ATTACKS = (
    "*",
    "w*",
    "wang)(uid=*",
    "*)(|(uid=*",
    "wang)(&",
    "nobody)(|(uid=wang)",
    "wang\0",
    "\0",
    "\\2a",
    "wang))(|(objectClass=*",
    "wang,ou=people",
    f"wang,{PEOPLE}#",
    "wang+cn=wang",
    "wang\\",
    "#77616e67",
    "wang;x",
    '"wang"',
    "(",
    ")",
    "&",
    "!(uid=x)",
    "王*",
)


@pytest.mark.target("T120")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ATTACKS)
def test_a_name_is_never_a_question(way: BoundBy, name: str, running: Slapd) -> None:
    assert not Directory(way(running)).check(name, PASSWORD)


@pytest.mark.parametrize("way", WAYS)
def test_who_is_locked_or_left_out_there_does_not_get_in(way: BoundBy, running: Slapd) -> None:
    assert not Directory(way(running)).check("sun", PASSWORD)
    assert Directory(way(running)).check("zhao", PASSWORD)
    staff = Directory(way(running, filter="(&(uid={})(!(employeeType=gone)))"))
    assert not staff.check("zhao", PASSWORD)
    assert staff.check("wang", PASSWORD)


def test_a_name_that_two_have_is_nobodys(running: Slapd) -> None:
    assert not Directory(searching(running)).check("qian", PASSWORD)
    assert Directory(searching(running, base=PEOPLE)).check("qian", PASSWORD)


@pytest.mark.parametrize("line", ["plain", "guarded"])
def test_a_directory_that_cannot_prove_itself_is_told_nothing(
    line: str, running: Slapd, tmp_path: Path
) -> None:
    url = getattr(running, line)
    stranger = tls.issued(tmp_path, ("127.0.0.1",)).ca
    for settings in (
        searching(running, url=url, ca=stranger),
        searching(running, url=url, ca=None),
        searching(running, url=url.replace("127.0.0.1", "localhost")),
    ):
        with pytest.raises(Elsewhere, match="certificate verify failed") as refused:
            Directory(settings).check("wang", PASSWORD)
        assert (refused.value.status, refused.value.words) == (503, NO_DIRECTORY)


def test_a_reader_that_is_refused_is_the_operators_trouble(running: Slapd) -> None:
    for changed in ({"password": "wrong"}, {"password": ""}, {"reader": f"cn=no,{BASE}"}):
        with pytest.raises(Elsewhere, match="GONGWU_LDAP_READER"):
            Directory(searching(running, **changed)).check("wang", PASSWORD)


# Servers that do not behave -----------------------------------------------------------------


@contextmanager
def saying(*answers: bytes) -> Iterator[str]:
    """Listen on a port and answer each thing that is said with the next of these bytes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            line, _ = listener.accept()
            with line:
                for answer in answers:
                    line.recv(65_536)
                    line.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"ldap://127.0.0.1:{listener.getsockname()[1]}"
        thread.join(20)


def result(tag: int, number: int, code: int, more: bytes = b"") -> bytes:
    """Return a result as a server says it."""
    body = bytes([0x0A, 1, code, 4, 0, 4, 0]) + more
    said = bytes([2, 1, number, tag, len(body)]) + body
    return bytes([0x30, len(said)]) + said


ODD_SERVERS = {
    "offers no TLS": [result(ldap_wire.EXTENDED_DONE, 1, 2)],
    "goes on in clear": [result(ldap_wire.EXTENDED_DONE, 1, 0) + result(ldap_wire.BOUND, 2, 0)],
    "hangs up": [],
    "answers something else": [result(ldap_wire.EXTENDED_DONE, 9, 0)],
    "speaks another language": [b"HTTP/1.1 400 Bad Request\r\n\r\n"],
    "never ends": [b"\x30\x84\x7f\xff\xff\xff"],
    "says nothing of a result": [b"\x30\x05\x02\x01\x01\x78\x00"],
    "breaks off": [b"\x30\x82"],
}


@pytest.mark.parametrize("kind", ODD_SERVERS)
def test_an_odd_server_lets_nobody_in(kind: str, running: Slapd) -> None:
    with saying(*ODD_SERVERS[kind]) as url, pytest.raises(Elsewhere) as refused:
        Directory(searching(running, url=url)).check("wang", PASSWORD)
    assert refused.value.words is NO_DIRECTORY


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_garbled(data: bytes) -> None:
    try:
        size = ldap_wire.size_of(data)
        message = ldap_wire.read(data[:size] if size else data)
        _ = message.result, message.name
    except ldap_wire.Garbled:
        pass


@given(st.text(max_size=30))
def test_whatever_a_name_is_the_filter_asks_for_it_and_nothing_else(name: str) -> None:
    """One equality, whose value is the name to the byte (RFC 4515)."""
    try:
        raw = name.encode()
    except UnicodeEncodeError:
        return
    tag, body = next(ldap_wire.elements(ldap_wire.filtered(f"(uid={ldap_wire.in_filter(name)})")))
    assert (tag, list(ldap_wire.elements(body))) == (0xA3, [(4, b"uid"), (4, raw)])


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        ("(uid=a)", "a308040375696404016 1"),
        ("(uid=*)", "8703756964"),
        ("(uid=a*b)", "a40d0403756964300680016182016 2"),
        ("(uid=*a*)", "a40a04037569643003810161"),
        ("(uid=\\2a)", "a308040375696404012a"),
        ("(uidNumber>=5)", "a50e04097569644e756d626572040135"),
        ("(&(a=b)(!(c=d)))", "a012a306040161040162a208a306040163040164"),
        ("(|(a=b)(c=d))", "a110a306040161040162a306040163040164"),
    ],
)
def test_filters_are_written_as_the_standard_has_them(text: str, encoded: str) -> None:
    assert ldap_wire.filtered(text).hex() == encoded.replace(" ", "")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "uid=a",
        "(uid=a",
        "(uid=a))",
        "(=a)",
        "(uid)",
        "(uid=\\2)",
        "(uid=\\zz)",
        "(uid=a)(b=c)",
        "(u id=a)",
        "(uid:=a)",
        "(!uid=a)",
        "(uid=(a))",
        "(!" * 30 + "(a=b)" + ")" * 30,
    ],
)
def test_what_is_no_filter_is_not_asked(text: str) -> None:
    with pytest.raises(ldap_wire.NoFilter):
        ldap_wire.filtered(text)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Li Ming", "Li Ming"),
        ("李明", "李明"),
        ("a,b+c", "a\\2cb\\2bc"),
        ("#a", "\\23a"),
        (" a ", "\\20a\\20"),
        (" ", "\\20"),
        ('"\\<>;=', "\\22\\5c\\3c\\3e\\3b\\3d"),
        ("a\0b\n", "a\\00b\\0a"),
    ],
)
def test_names_are_escaped_in_distinguished_names(name: str, written: str) -> None:
    assert ldap_wire.in_dn(name) == written


# At the doors -----------------------------------------------------------------------------------


@pytest.fixture
def office(database: str, running: Slapd) -> Iterator[Office]:
    """Lend an office where `wang` of the directory is the keeper, and `zhao` one who left."""
    with staffed(database) as opened:
        settings = msgspec.structs.replace(opened.settings, ldap=searching(running))
        set_to(opened, settings)
        for name, login in (("Wang", "keeper"), ("zhao", "head")):
            identity = opened.signing.identity("ldap", name)
            assert identity is not None
            opened.signing.identities.bind(identity, login)
        yield opened


def set_to(office: Office, settings: Settings) -> None:
    office.settings = settings
    office.signing = SigningIn(office.accounts, settings, office.posts)


@pytest.mark.target("T120")
def test_people_of_the_directory_come_in_beside_people_of_ours(office: Office) -> None:
    check = office.signing.check
    for typed in ("wang", " WANG", "keeper"):
        found = check(typed, PASSWORD)
        assert found is not None
        assert (found.login, found.person, found.roles) == ("keeper", "u_keeper", ("keeper",))
    assert check("keeper", OURS) is None, "the password is the directory's now"
    assert check("wang", OURS) is None
    clerk = check("clerk", OURS)
    assert clerk is not None and clerk.login == "clerk"
    assert check("clerk", PASSWORD) is None
    assert check("li (a*b)\\c", PASSWORD) is None, "nobody here is known by that name"
    office.accounts.disable("head")
    assert check("zhao", PASSWORD) is None


@pytest.mark.target("T120")
def test_who_is_untied_from_the_directory_comes_in_no_longer(office: Office) -> None:
    admin = Actor(person="u_admin", unit="o_a", role="admin")
    account = office.signing.check("wang", PASSWORD)
    assert account is not None
    session = office.accounts.sign_in(account)
    row = next(r for r in administering.standings(office) if r.login == "keeper")
    (tied,) = row.identities
    assert (tied.kind, tied.name, tied.believed) == ("ldap", "wang", True)
    assert tied.provider == BASE and tied.since
    with pytest.raises(administering.Unfit):
        administering.untie(office, admin, {}, "keeper", "试试", kind="oidc")
    keeper = Actor(person="u_keeper", unit="o_a", role="admin")
    with pytest.raises(Refused) as refused:
        administering.untie(office, keeper, {}, "keeper", "试试", kind="ldap")
    assert refused.value.rule is access.NOT_MINE
    administering.untie(office, admin, {}, "keeper", "换了单位", kind="ldap")
    assert office.accounts.session(session) is None
    assert office.signing.check("wang", PASSWORD) is None
    assert office.signing.check("keeper", PASSWORD) is None
    assert office.signing.check("keeper", OURS) is not None, "the password of ours opens again"
    entry = list(office.book.entries())[-1]
    assert isinstance(entry.event, access.IdentityUntied)
    assert (entry.event.kind, entry.event.provider) == ("ldap", tied.provider)
    assert b'"wang"' not in entry.state
    # What the log does not know opens nothing.
    other = office.signing.identity("ldap", "li")
    assert other is not None
    with pytest.raises(Refused):
        administering.tie(office, keeper, {}, "keeper", other)
    assert office.signing.identities.login_of(other) == ""
    # Tied again, by the one way there is: an entry of its own, and the password is theirs again.
    identity = office.signing.identity("ldap", "WANG")
    assert identity is not None
    administering.tie(office, admin, {}, "keeper", identity)
    administering.tie(office, admin, {}, "keeper", identity)  # the same again changes nothing
    facts = [e.event for e in office.book.entries() if isinstance(e.event, access.IdentityTied)]
    assert [(fact.person, fact.provider) for fact in facts] == [("u_keeper", tied.provider)]
    assert office.signing.check("wang", PASSWORD) is not None


def test_a_name_there_never_hides_a_log_in_here(office: Office, running: Slapd) -> None:
    """A log-in named like somebody else in the directory stays its owner's."""
    office.accounts.create("qian", OURS, "u_q", "钱一", "o_a", ["clerk"])
    office.accounts.create("q2", OURS, "u_q2", "钱二", "o_a", ["clerk"])
    set_to(office, msgspec.structs.replace(office.settings, ldap=searching(running, base=PEOPLE)))
    identity = office.signing.identity("ldap", "qian")
    assert identity is not None
    office.signing.identities.bind(identity, "q2")
    mine, theirs = office.signing.check("qian", OURS), office.signing.check("q2", PASSWORD)
    assert mine is not None and mine.person == "u_q"
    assert theirs is not None and theirs.person == "u_q2"
    assert office.signing.check("qian", PASSWORD) is None


def test_wrong_tries_are_counted_as_ever(office: Office) -> None:
    door = Door(app_of(office))

    def status(login: str, password: str) -> int:
        return door.http.get("/api/v1/inventory", auth=(login, password)).status_code

    assert status("wang", PASSWORD) == 200
    for typed in ("wang", "keeper", "wang", "keeper", "wang"):
        assert status(typed, "wrong") == 401
    assert status("wang", f"{PASSWORD}!") == status("keeper", PASSWORD + "?") == 429


def test_a_directory_that_stopped_is_told_in_words(
    database: str, tmp_path: Path, running: Slapd
) -> None:
    with slapd(tmp_path, person("wang")) as server:
        server.stop()
        directory = Directory(searching(server))
        with pytest.raises(Elsewhere, match="refused") as refused:
            directory.check("wang", PASSWORD)
    assert refused.value.words is NO_DIRECTORY
    with staffed(database) as office:
        set_to(office, msgspec.structs.replace(office.settings, ldap=directory.settings))
        identity = office.signing.identity("ldap", "wang")
        assert identity is not None
        office.signing.identities.bind(identity, "keeper")
        door = Door(app_of(office))
        for lang, said in (("zh", NO_DIRECTORY.zh), ("en", NO_DIRECTORY.en)):
            answer = door.http.get(
                "/api/v1/inventory", auth=("wang", PASSWORD), headers={"Accept-Language": lang}
            )
            assert (answer.status_code, answer.json()["detail"]) == (503, said)
        assert door.get("inventory", who="auditor").status_code == 200


def test_without_passwords_of_ours_the_directorys_remain(office: Office) -> None:
    settings = msgspec.structs.replace(office.settings, local_login=False, break_glass="admin")
    set_to(office, settings)
    keeper, admin = office.signing.check("wang", PASSWORD), office.signing.check("admin", OURS)
    assert keeper is not None and keeper.login == "keeper"
    assert admin is not None and admin.login == "admin"
    with pytest.raises(Elsewhere) as refused:
        office.signing.check("clerk", OURS)
    assert refused.value.words is ELSEWHERE_ONLY


@pytest.mark.target("T120")
def test_who_has_the_password_in_the_directory_is_asked_for_that_one_again(
    office: Office, running: Slapd, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_to(office, msgspec.structs.replace(office.settings, local_login=False))
    account = office.signing.check("wang", PASSWORD)
    assert account is not None
    client = TestClient(create_app(office.settings, office), follow_redirects=False)
    token = office.accounts.sign_in(account)
    client.cookies.set("session", token)
    now = office.accounts.clock()
    monkeypatch.setattr(office.accounts, "clock", lambda: now + timedelta(minutes=11))
    typed = {"name": "报表", "scope": "read", "days": "30"}
    asked = client.post("/account/tokens", data=typed).headers["location"]
    assert "目录中的密码" in client.get(asked).text
    where = parse_qs(urlsplit(asked).query)["next"][0]

    def proves(password: str) -> Response:
        return client.post("/confirm", data={"password": password, "next": where})

    for wrong in (OURS, "", "wrong"):
        assert proves(wrong).status_code == 403
    set_to(office, msgspec.structs.replace(office.settings, ldap=searching(running, ca=None)))
    away = proves(PASSWORD)  # it cannot prove itself, so it is told nothing
    assert away.status_code == 503 and "暂时连不上" in away.text
    session = office.accounts.session(token)
    assert session is not None and not session.proven_again
    assert client.post("/account/tokens", data=typed).headers["location"][:9] == "/confirm?"
    set_to(office, msgspec.structs.replace(office.settings, ldap=searching(running)))
    assert proves(PASSWORD).headers["location"] == where
    assert "报表" in client.get(where).text
    assert client.post("/account/tokens", data=typed).status_code == 200


# Settings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "zh", "en"),
    [
        ({"URL": "http://dir.example"}, "GONGWU_LDAP_URL 须写作", "is written ldaps://HOST"),
        ({"URL": "ldaps://dir.example/dc=x"}, "GONGWU_LDAP_URL 须写作", "is written ldaps://HOST"),
        ({"BASE": ""}, "GONGWU_LDAP_BASE", "Give GONGWU_LDAP_BASE"),
        ({"FILTER": "(uid=*)"}, "GONGWU_LDAP_FILTER 中须恰有一处", "needs {} exactly once"),
        ({"DN": "uid=x"}, "GONGWU_LDAP_DN 中须恰有一处", "needs {} exactly once"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_told(
    changed: dict[str, str], zh: str, en: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ({"URL": "ldaps://dir.example", "BASE": BASE} | changed).items():
        monkeypatch.setenv(f"GONGWU_LDAP_{name}", value)
    for lang, told in (("zh", zh), ("en", en)):
        answer = CliRunner().invoke(cli.app, ["--lang", lang, "account", "list"])
        assert (answer.exit_code, told in answer.output) == (USAGE, True), answer.output


def test_settings_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"URL": "ldap://d", "BASE": "b", "FILTER": "(cn={})", "READER": "r", "PASSWORD": "p"}
    for name, value in (told | {"DN": "cn={}", "CA": "ca.pem"}).items():
        monkeypatch.setenv(f"GONGWU_LDAP_{name}", value)
    assert Settings.from_env().ldap == Ldap(
        url="ldap://d",
        base="b",
        filter="(cn={})",
        reader="r",
        password="p",
        dn="cn={}",
        ca=Path("ca.pem"),
    )


def test_what_cannot_work_is_told_before_anybody_comes(database: str, tmp_path: Path) -> None:
    plain = Ldap(url="ldaps://dir.example", base=BASE)
    with staffed(database) as office:
        for changed in ({"filter": "(uid={}"}, {"ca": tmp_path / "none.pem"}):
            ldap = msgspec.structs.replace(plain, **changed)
            set_to(office, msgspec.structs.replace(office.settings, ldap=ldap))
            with pytest.raises(Unusable, match="GONGWU_LDAP"):
                prove(office.settings)
