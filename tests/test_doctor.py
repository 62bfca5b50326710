"""Settings say where they come from and keep their secrets; the doctor finds what is out of order."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from doors import CARD, PASSWORD, staffed
from serving import served
from test_cli import CLERK, commanded

from api import backing_up, doctoring, settings_file, settings_shown, tls
from api.cli_terminal import OK, REFUSED
from api.doctoring import Case, Finding, Level, admitted, examined
from api.office import Actor, Office
from api.settings import Settings
from domain.words import Words
from labels.glyphs import FONTS
from ledger import vault
from ledger.act import Select
from ledger.book import Book
from ledger.notes import Unproven

SECRET = "ab" * 32
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Begin with no settings but the vault's, and leave none behind."""
    for name in [n for n in os.environ if n.startswith("GONGWU_")]:
        if name not in ("GONGWU_VAULT", "GONGWU_TEST_POSTGRES"):
            monkeypatch.delenv(name)
    before = set(os.environ)
    yield
    for name in set(os.environ) - before:
        if name.startswith("GONGWU_"):
            os.environ.pop(name)
    settings_file._taken.clear()


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    with staffed(database) as office:
        yield office


# Settings -----------------------------------------------------------------------------


def held(settings: Settings) -> dict[str, settings_shown.Shown]:
    return {one.variable: one for one in settings_shown.shown(settings)}


@pytest.mark.either_backend(
    "clock, keys and settings are looked at beside the database; the database itself on both here"
)
def test_each_setting_says_what_holds_and_where_it_comes_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "gongwu.conf"
    file.write_text(
        "# our own\n\nGONGWU_ZONE='Asia/Urumqi'\nGONGWU_PORT=8100\nGONGWU_DATABASE=sqlite:///f.db\n"
    )
    monkeypatch.setenv("GONGWU_SETTINGS", str(file))
    monkeypatch.setenv("GONGWU_PORT", "9000")
    found = {
        one["variable"]: one for one in json.loads(commanded("--lang en --json settings").stdout)
    }
    told = {name: (one["value"], one["source"]) for name, one in found.items()}
    assert told["GONGWU_ZONE"] == ("Asia/Urumqi", "file of settings")
    assert told["GONGWU_PORT"] == ("9000", "environment")
    assert told["GONGWU_HOST"] == ("127.0.0.1", "default")
    assert told["GONGWU_DATABASE"] == ("sqlite:///f.db", "file of settings")
    assert told["GONGWU_TRUST"] == ("not set", "default")
    assert all(one["meaning"] and one["takes_effect"] for one in found.values())
    other = held(msgspec.structs.replace(Settings.from_env(), host="0.0.0.0"))["GONGWU_HOST"]
    assert other.source == settings_shown.COMMAND
    assert "来源" in commanded("--lang zh settings").output


@pytest.mark.parametrize(
    "line", ["GONGWU_ZONE", "PATH=/x", "GONGWU_SETTINGS=/other", "GONGWU_LABEL_SECRET: abcdef"]
)
def test_a_bad_file_of_settings_stops_the_command_and_repeats_no_secret(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "gongwu.conf"
    file.write_text(f"# first\n{line}\n")
    monkeypatch.setenv("GONGWU_SETTINGS", str(file))
    said = commanded("settings", code=REFUSED).output
    assert ("第 2 行" in said or "Line 2" in said) and "abcdef" not in said
    with pytest.raises(Unproven):
        settings_file.read(tmp_path / "none")


def test_secrets_are_never_shown_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GONGWU_LABEL_SECRET", SECRET)
    monkeypatch.setenv("GONGWU_LABEL_FORMER_KEYS", f"0:{SECRET}")
    monkeypatch.setenv("GONGWU_LABEL_SIGNING_KEY", f"s:{SECRET}")
    monkeypatch.setenv("GONGWU_METRICS_TOKEN", SECRET)
    monkeypatch.setenv("GONGWU_BACKUP_PASSPHRASE", SECRET)
    monkeypatch.setenv("GONGWU_PASSWORD", SECRET)
    monkeypatch.setenv("GONGWU_DATABASE", f"postgresql://gongwu:{SECRET}@db/gongwu")
    said = commanded("--lang en --json settings").stdout
    assert SECRET not in said and said.count("set, not shown") == 6
    assert "postgresql://gongwu:…@db/gongwu" in said


class Unexplained(Settings, frozen=True, kw_only=True):
    """Settings of a later day, which nobody has explained yet."""

    class Inner(msgspec.Struct, frozen=True):
        issuer: str = "https://id.example"
        client_secret: str = SECRET

    door: Inner = Inner()
    colour: str = "green"
    api_token: str = SECRET


def test_a_setting_that_nobody_explained_is_shown_and_kept_secret_where_it_may_be() -> None:
    found = held(Unexplained())
    assert found["GONGWU_COLOUR"].value == Words("green", "green")
    assert found["GONGWU_DOOR_ISSUER"].value.en == "https://id.example"
    assert found["GONGWU_DOOR_CLIENT_SECRET"].value == settings_shown.HIDDEN
    assert found["GONGWU_API_TOKEN"].value == settings_shown.HIDDEN


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("postgresql://a@h/n?password=geheim&x=1", "postgresql://a@h/n?password=…&x=1"),
        ("postgresql://a:p@h/n", "postgresql://a:…@h/n"),
        ("postgresql://a:p%40b@h/n", "postgresql://a:…@h/n"),
        ("sqlite:///gongwu.db", "sqlite:///gongwu.db"),
        (True, "yes"), (False, "no"), ((), "not set"), ((Path("a"), Path("b")), "a:b"), (8000, "8000"),
    ],
)  # fmt: skip
def test_values_are_told_for_people(value: Any, told: str) -> None:
    assert settings_shown.told(value).en == told


def test_every_explained_setting_is_in_the_operators_guide_and_the_other_way_round() -> None:
    guide = (Path(__file__).resolve().parents[1] / "docs" / "operating.md").read_text("utf-8")
    rows = {
        name
        for row in re.findall(r"^\| (`GONGWU_[^|]*)\|", guide, re.MULTILINE)
        for name in re.findall(r"GONGWU_[A-Z0-9_]+", row)
    }
    explained = {one.variable for one in settings_shown.KNOWN}
    everyday = {
        "GONGWU_PASSWORD",
        "GONGWU_LOGIN",
        "GONGWU_LANG",
    }  # of commands, told where they are
    assert explained - everyday <= rows, explained - everyday - rows


@pytest.mark.either_backend(
    "clock, keys and settings are looked at beside the database; the database itself on both here"
)
def test_the_page_is_for_administrators_and_says_the_same(office: Office) -> None:
    office.settings = msgspec.structs.replace(
        office.settings, label_secret=bytes.fromhex(SECRET), metrics_token="geheim"
    )
    with served(office) as url:

        def page(who: str, lang: str) -> httpx.Response:
            with httpx.Client(base_url=url, follow_redirects=True) as client:
                client.post("/login", data={"login": who, "password": PASSWORD})
                return client.get("/settings", params={"lang": lang})

        assert page("clerk", "zh").status_code == 403
        zh, en = page("admin", "zh").text, page("admin", "en").text
    for one in settings_shown.shown(office.settings):
        assert one.variable in zh and one.variable in en
    assert "已设，不显示" in zh and "set, not shown" in en and 'href="/settings"' in zh
    assert SECRET not in zh and "geheim" not in zh and "重新启动" in zh


# The doctor ---------------------------------------------------------------------------


def case(**also: Any) -> Case:
    """Return the case of an installation in order, but for what a test says."""
    settings = Settings(label_secret=bytes(32), **also.pop("settings", {}))
    given: dict[str, Any] = {"select": None, "now": NOW, "free_bytes": 2**40}
    return Case(settings=settings, **(given | also))


def worst(check: Any, of: Case) -> Finding:
    found: list[Finding] = list(check(of))
    assert found
    return max(found, key=lambda one: list(Level).index(one.level))


def test_an_installation_in_order_is_told_so(
    office: Office, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.ask("asset/A1", "register_existing", CARD, CLERK)
    folder = tmp_path / "backups"
    folder.mkdir()
    backing_up.save(office, folder / backing_up.name(datetime.now(UTC)))
    monkeypatch.setenv("GONGWU_DATABASE", database)
    monkeypatch.setenv("GONGWU_BACKUPS", str(folder))
    monkeypatch.setenv("GONGWU_LABEL_SECRET", SECRET)
    told = json.loads(commanded(f"--json doctor --notary {tmp_path / 'n'}").stdout)
    wrong = {one["check"]: one["detail"] for one in told["checks"] if one["level"] != "ok"}
    # Nothing is signed here, the server of the tests keeps no sums of its pages, and out of the box
    # the rules demand nothing of people.
    assert set(wrong) <= {"notary", "database", "people"}, wrong
    assert {one["check"] for one in told["checks"]} >= {
        "settings", "database", "clock", "vault", "label-key", "fonts", "certificates", "disk",
        "versions", "people", "lists", "backups",
    }  # fmt: skip


CAREFUL = {"second_factor_roles": ["head"], "confirmed_roles": ["head", "admin"]}


@pytest.mark.target("T30")
def test_what_the_rules_do_not_demand_of_people_is_told_with_what_to_do(
    office: Office, database: str
) -> None:
    """Out of the box one person gives any role and no second factor is asked for: said plainly."""

    def told() -> list[Finding]:
        with admitted(Settings(database=database)) as found:
            return list(doctoring.people(found))

    assert [(one.check, one.level) for one in told()] == [("people", Level.WARN)] * 2
    assert "两人" in told()[0].words.zh and "confirmed_roles" in told()[0].todo.zh
    assert "second factor" in told()[1].words.en and "second_factor_roles" in told()[1].todo.en
    with served(office) as url, httpx.Client(base_url=url, follow_redirects=True) as client:
        client.post("/login", data={"login": "admin", "password": PASSWORD})
        for one in told():
            assert (
                unescape(client.get("/settings", params={"lang": "zh"}).text).count(one.words.zh)
                == 1
            )
            assert one.todo.en in unescape(client.get("/settings", params={"lang": "en"}).text)
        publish(office, {"second_factor_roles": ["head"]})
        assert [one.words.zh[:4] for one in told()] == ["任何岗位"]
        publish(office, CAREFUL)
        assert [one.level for one in told()] == [Level.OK]
        said = client.get("/settings", params={"lang": "zh"}).text
        assert "规则没有要求的防护" not in said and "GONGWU_DATABASE" in said


def publish(office: Office, content: dict[str, Any]) -> None:
    """Put rules in force from today on, for every place."""
    content = {"title": {"zh": "示例规则", "en": "Rules of the example"}, **content}
    today = office.today()
    for who, verb, form in (
        ("admin", "propose", {"content": json.dumps(content)}),
        ("finance", "publish", {"in_force_from": today}),
    ):
        actor = Actor(person=f"u_{who}", unit="o_a", role=who)
        office.ask("policy/example", verb, form, actor)


@pytest.mark.either_backend(
    "clock, keys and settings are looked at beside the database; the database itself on both here"
)
def test_a_missing_ledger_fails_with_what_to_do(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'none.db'}"
    said = commanded(f"--database {url} --lang zh doctor", code=REFUSED).output
    assert "有误" in said and "none.db" in said and "→" in said
    assert not (tmp_path / "none.db").exists()
    told = json.loads(commanded(f"--database {url} --lang en --json doctor", code=REFUSED).stdout)
    assert told["level"] == "fail"
    assert all(one["todo"] for one in told["checks"] if one["level"] != "ok")


def test_a_database_that_may_lose_writes_fails(postgresql_url: str, postgresql_server: str) -> None:
    import psycopg

    name = postgresql_url.partition("?")[0].rpartition("/")[2]
    with psycopg.connect(postgresql_server, autocommit=True) as c:
        c.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off'.encode())
    with admitted(Settings(database=postgresql_url)) as found:
        assert worst(doctoring.database, found).level is Level.FAIL


def answers(**by_word: Any) -> Select:
    """Return a database that answers by a word of the question."""

    def select(query: str, *_: Any) -> Any:
        return next(([(value,)] for word, value in by_word.items() if word in query), [])

    return select


@pytest.mark.parametrize(
    ("number", "sums", "level"),
    [("140012", "on", Level.FAIL), ("150000", "off", Level.WARN), ("160002", "on", Level.OK)],
)
def test_old_servers_and_pages_without_sums_are_told(number: str, sums: str, level: Level) -> None:
    select = answers(server_version_num=number, data_checksums=sums)
    server = {"database": "postgresql://h/n"}
    assert worst(doctoring.database, case(select=select, settings=server)).level is level


@pytest.mark.either_backend(
    "clock, keys and settings are looked at beside the database; the database itself on both here"
)
def test_names_that_nobody_reads_and_bad_keys_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert worst(doctoring.settings, case()).level is Level.OK
    monkeypatch.setenv("GONGWU_DATABSE", "sqlite:///x.db")
    strange = worst(doctoring.settings, case())
    assert strange.level is Level.WARN and "GONGWU_DATABSE" in strange.words.en
    assert worst(doctoring.settings, case(settings={"label_former": "x"})).level is Level.FAIL
    assert worst(doctoring.settings, case(settings={"log": "xml"})).level is Level.FAIL


def test_a_clock_behind_the_last_entry_fails() -> None:
    last = answers(ledger_head=(NOW + timedelta(hours=3)).isoformat())
    found = worst(doctoring.clock, case(select=last))
    assert found.level is Level.FAIL and "3 hours" in found.words.en
    right = answers(ledger_head=(NOW - timedelta(hours=3)).isoformat())
    assert worst(doctoring.clock, case(select=right)).level is Level.OK


@pytest.mark.parametrize(
    ("off", "level"), [(1.0, Level.OK), (30.0, Level.WARN), (-30.0, Level.WARN), (90.0, Level.FAIL)]
)
def test_a_clock_off_the_database_servers_is_told(off: float, level: Level) -> None:
    select = answers(clock_timestamp=NOW.timestamp() + off, ledger_head="")
    found = worst(doctoring.clock, case(select=select, settings={"database": "postgresql://h/n"}))
    assert found.level is level


@pytest.mark.either_backend(
    "clock, keys and settings are looked at beside the database; the database itself on both here"
)
def test_a_clock_is_compared_with_another_machines(office: Office) -> None:
    with served(office) as url:
        right = case(clocks=(f"{url}/login",), now=datetime.now(UTC))
        assert worst(doctoring.clock, right).level is Level.OK
        assert worst(doctoring.clock, msgspec.structs.replace(right, now=NOW)).level is Level.FAIL
    for nowhere in ("http://127.0.0.1:9/", "file:///etc/hostname"):
        assert worst(doctoring.clock, case(clocks=(nowhere,))).level is Level.WARN


@pytest.mark.either_backend(
    "clock, keys and settings are looked at beside the database; the database itself on both here"
)
def test_a_master_key_that_is_away_open_or_another_fails(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "v.key"
    settings = {"database": office.settings.database, "vault": file}
    with office.book.log.snapshot() as select:
        sick = case(select=select, settings=settings)
        assert worst(doctoring._vault, sick).level is Level.FAIL  # away
        vault.keep_masters(file, [vault.draw()], new=True)
        assert worst(doctoring._vault, sick).level is Level.FAIL  # another
        file.unlink()
        file.write_bytes(office.accounts.vault.file.read_bytes())
        file.chmod(0o640)
        assert "chmod 600" in worst(doctoring._vault, sick).todo.en  # open
        file.chmod(0o600)
        assert worst(doctoring._vault, sick).level is Level.OK
        file.write_text("nonsense")
        assert worst(doctoring._vault, sick).level is Level.FAIL
    assert worst(doctoring._vault, case(settings={"vault": tmp_path / "none"})).level is Level.OK


def test_keys_of_labels_and_of_the_notary_are_looked_at(tmp_path: Path) -> None:
    def labels(secret: bytes) -> Level:
        settings = Settings(label_secret=secret, vault=tmp_path / "none")
        found = doctoring.keys(msgspec.structs.replace(case(), settings=settings))
        return next(one.level for one in found if one.check == "label-key")

    assert [labels(s) for s in (b"", bytes(8), bytes(32))] == [Level.WARN, Level.FAIL, Level.OK]
    (tmp_path / "log.key").write_text("x")
    (tmp_path / "log.key").chmod(0o644)
    assert worst(doctoring._notary, case(notary=tmp_path)).level is Level.FAIL


@pytest.mark.either_backend(
    "clock, keys and settings are looked at beside the database; the database itself on both here"
)
def test_what_nobody_signed_is_told(office: Office) -> None:
    with office.book.log.snapshot() as select:
        assert worst(doctoring._notary, case(select=select)).level is Level.WARN
    day = timedelta(days=1)
    half = answers(ledger_head=9, ledger_checkpoint=5, ledger_command=(NOW - 2 * day).isoformat())
    assert "6" in worst(doctoring._notary, case(select=half)).words.en
    fresh = answers(ledger_head=9, ledger_checkpoint=5, ledger_command=NOW.isoformat())
    assert worst(doctoring._notary, case(select=fresh)).level is Level.OK


def test_type_that_is_missing_or_changed_fails(tmp_path: Path) -> None:
    assert worst(doctoring.fonts, case()).level is Level.OK
    for file in FONTS.iterdir():
        (tmp_path / file.name).symlink_to(file)
    assert worst(doctoring.fonts, case(fonts=tmp_path)).level is Level.OK
    (tmp_path / "NotoSansSC-papers-rare.ttf").unlink()
    assert "papers-rare" in worst(doctoring.fonts, case(fonts=tmp_path)).words.en
    (tmp_path / "NotoSansSC-papers-rare.ttf").write_bytes(b"another")
    assert worst(doctoring.fonts, case(fonts=tmp_path)).level is Level.FAIL
    assert worst(doctoring.fonts, case(fonts=tmp_path / "none")).level is Level.FAIL


def test_certificates_are_told_before_they_end(tmp_path: Path) -> None:
    made = tls.issued(tmp_path, ["gongwu.example"], NOW)
    days = [(0, Level.OK), (380, Level.WARN), (397, Level.FAIL)]
    for passed, level in days:
        sick = case(certificates=(made.chain,), now=NOW + timedelta(days=passed))
        found = worst(doctoring.certificates, sick)
        assert found.level is level, (passed, found)
    assert (
        "gongwu.example" in worst(doctoring.certificates, case(certificates=(made.chain,))).words.en
    )
    (tmp_path / "no.crt").write_text("x")
    for bad in (tmp_path / "no.crt", tmp_path / "none.crt", made.ca):
        assert worst(doctoring.certificates, case(certificates=(bad,))).level is Level.FAIL
    assert worst(doctoring.certificates, case(settings={"host": "0.0.0.0"})).level is Level.WARN
    assert worst(doctoring.certificates, case()).level is Level.OK


@pytest.mark.parametrize(
    ("free", "level"), [(2**20, Level.FAIL), (2**29, Level.WARN), (2**31, Level.OK)]
)
def test_little_room_is_told(free: int, level: Level) -> None:
    assert worst(doctoring.disk, case(free_bytes=free)).level is level


def test_a_library_that_is_missing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    assert worst(doctoring.versions, case()).level is Level.OK
    monkeypatch.setattr(doctoring, "requires", lambda _: ["no-such-library>=1", "rich>=1"])
    found = worst(doctoring.versions, case())
    assert found.level is Level.FAIL and found.words.en == "missing: no-such-library"


def test_lists_of_another_version_or_behind_are_told(office: Office) -> None:
    def seen() -> Finding:
        with office.book.log.snapshot() as select:
            settings = {"database": office.settings.database}
            return worst(doctoring.lists, case(select=select, settings=settings))

    assert seen().level is Level.OK
    office.ask("asset/A1", "register_existing", CARD, CLERK, shown=False)
    assert seen().level is Level.WARN and "1 entries behind" in seen().words.en
    with office.models.engine.begin() as c:
        c.exec_driver_sql("UPDATE projected SET version = 1")
    assert "another version" in seen().words.en and "gongwu upgrade" in seen().todo.en
    with office.models.engine.begin() as c:
        assert c.exec_driver_sql("SELECT version FROM projected").scalar() == 1  # left as it lies


def test_old_missing_and_unknown_backups_are_told(tmp_path: Path) -> None:
    assert worst(doctoring.backups, case()).level is Level.WARN
    sick = case(settings={"backups": tmp_path})
    assert worst(doctoring.backups, sick).level is Level.FAIL
    for age, level in ((9, Level.FAIL), (3, Level.WARN), (1, Level.OK)):
        (tmp_path / backing_up.name(NOW - timedelta(days=age))).write_text("x")
        assert worst(doctoring.backups, sick).level is level


def test_every_check_is_made_and_each_says_something(database: str) -> None:
    Book.open(database).close()
    with admitted(Settings(database=database)) as found:
        said = examined(found)
    assert all(one.words.zh and one.words.en for one in said)
    assert all(one.todo.zh and one.todo.en for one in said if one.level is not Level.OK)
    assert OK == 0
