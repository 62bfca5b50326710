"""The evidence through its doors: a program, a button, the command line, each checked at home."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from doors import PASSWORD, Door, app_of, registered, staffed
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from api import bundling, cli, filing
from api.app import create_app
from api.notarising import Place, signed
from api.office import Actor, Office
from ledger import verify_bundle
from ledger.bundling import checker

pytestmark = pytest.mark.either_backend(
    "bundles are cut on both back ends in test_bundle; these are the doors to them"
)

PNG = b"\x89PNG\r\n\x1a\n" + bytes(99)
CLERK = Actor(person="u_clerk", unit="o_a", role="clerk")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path / "notary")
    made.make("ledger.example.gov.cn/warehouse-1")
    return made


@pytest.fixture
def office(database: str, place: Place) -> Iterator[Office]:
    with staffed(database) as found:
        found.proving._policy = place.policy
        yield found


@pytest.fixture
def door(office: Office, place: Place) -> Door:
    found = Door(app_of(office))
    registered(found)
    filing.attach(office, CLERK, "asset/A1", PNG, "照片.png")
    signed(place, place.notary(), office.book)
    return found


def ask(door: Door, who: str = "auditor", **body: Any) -> Any:
    return door.http.post("/audit/v1/bundles", json=body, auth=(who, PASSWORD))


def holds(folder: Path, content: bytes, *arguments: str) -> bool:
    (folder / "b.zip").write_bytes(content)
    return verify_bundle.main([str(folder / "b.zip"), *arguments]) == 0


@pytest.mark.target("T07")
def test_a_program_takes_the_evidence_of_anything(
    door: Door, office: Office, place: Place, tmp_path: Path
) -> None:
    day = office.book.head()[2][:10]
    size = office.book.head()[0]
    mine = ("--policy", str(place.policy))
    for body, entries in (
        ({"of": "asset/A1"}, 2),
        ({"of": "unit/o_a", "from": day, "to": day}, 4),
        ({"of": "person/u_clerk"}, 2),
        ({"of": "recorded", "to": day}, size),
        ({"of": f"1-{size}"}, size),
    ):
        answer = ask(door, **body)
        assert answer.status_code == 200, answer.text
        assert answer.headers["gongwu-entries"] == str(entries), body
        assert answer.headers["gongwu-sha256"] == sha256(answer.content).hexdigest()
        assert holds(tmp_path, answer.content, *mine), body
    files = verify_bundle.archive(ask(door, of="asset/A1").content)
    assert files[f"attachments/{sha256(PNG).hexdigest()}"] == PNG
    assert files["policy.txt"] == place.policy.read_bytes()


def test_a_checkpoint_kept_at_home_is_continued(
    door: Door, office: Office, place: Place, tmp_path: Path
) -> None:
    kept = office.proving.note()
    assert kept is not None
    registered(door, "A2", asset_no="SL-002")
    assert ask(door, of="asset/A2").status_code == 404  # not signed yet
    signed(place, place.notary(), office.book)
    answer = ask(door, of="asset/A2", since=kept.raw.decode())
    (tmp_path / "kept").write_bytes(kept.raw)
    assert holds(tmp_path, answer.content, "--since", str(tmp_path / "kept"))
    assert not holds(tmp_path, ask(door, of="asset/A2").content, "--since", str(tmp_path / "kept"))
    assert ask(door, of="asset/A2", since="nonsense").status_code == 404


def test_who_may_not_read_entries_gets_none(door: Door) -> None:
    assert ask(door, who="clerk", of="asset/A1").status_code == 403
    assert ask(door, who="admin", of="asset/A1").status_code == 200
    assert door.http.post("/audit/v1/bundles", json={"of": "asset/A1"}).status_code == 401


def test_a_question_that_means_nothing_is_refused_in_words(door: Door) -> None:
    questions: tuple[dict[str, Any], ...] = (
        {},
        {"of": "nothing"},
        {"of": "asset/"},
        {"of": "table/x"},
        {"of": "asset/A1", "from": "2026-01-01"},
        {"of": "recorded", "from": "yesterday"},
        {"of": "recorded", "from": "2026-02-01", "to": "2026-01-01"},
        {"of": 1},
        {"of": "asset/A1", "extra": "x"},
        {"of": "x" * 70_000},
    )
    for body in questions:
        answer = ask(door, **body)
        assert (answer.status_code, answer.json()["slug"]) == (422, "invalid"), body
    for of in ("asset/nobody", "person/u_nobody", "8000-9000"):
        assert ask(door, of=of).status_code == 404


def test_the_button_of_a_thing_and_the_form_of_a_period(
    door: Door, office: Office, tmp_path: Path
) -> None:
    app = create_app(office.settings, office)
    client = TestClient(app, headers={"Accept-Language": "zh"})
    client.cookies.set("session", office.accounts.sign_in(_account(office, "auditor")))
    page = client.get("/assets/A1").text
    assert "/audit/bundle?of=asset/A1" in page
    assert "照片.png" in page
    content = client.get("/audit/bundle?of=asset/A1").content
    assert holds(tmp_path, content)
    assert holds(tmp_path, client.get("/audit/bundle").content)
    assert client.get("/audit/bundle?of=nothing").status_code == 422
    assert client.get("/audit/bundle?of=asset/nobody").status_code == 404
    told = client.get("/audit").text
    assert sha256(checker()).hexdigest() in told
    assert client.get("/audit/verify_bundle.py").content == checker()
    client.cookies.set("session", office.accounts.sign_in(_account(office, "clerk")))
    assert "/audit/bundle?of=" not in client.get("/assets/A1").text
    assert client.get("/audit/bundle?of=asset/A1").status_code == 403


def test_the_page_of_a_person_offers_the_evidence_to_who_may_take_it(
    door: Door, office: Office, tmp_path: Path
) -> None:
    client = TestClient(create_app(office.settings, office), headers={"Accept-Language": "zh"})
    client.cookies.set("session", office.accounts.sign_in(_account(office, "auditor")))
    person = _account(office, "clerk").person
    page = client.get(f"/people/{person}").text
    assert f'name="of" value="person/{person}"' in page
    taken = client.get("/audit/bundle", params={"of": f"person/{person}", "from": "", "to": ""})
    assert holds(tmp_path, taken.content)
    client.cookies.set("session", office.accounts.sign_in(_account(office, "clerk")))
    assert "/audit/bundle" not in client.get(f"/people/{person}").text


def test_a_file_is_put_in_read_and_taken_out_on_the_page(door: Door, office: Office) -> None:
    client = TestClient(create_app(office.settings, office), headers={"Accept-Language": "zh"})
    client.cookies.set("session", office.accounts.sign_in(_account(office, "clerk")))
    text = "验收记录\n".encode()
    name = sha256(text).hexdigest()
    assert client.post("/files/asset/A1", files={"file": ("验收.txt", text)}).status_code == 200
    page = client.get("/assets/A1").text
    assert "附上文件：验收.txt" in page  # in the timeline
    assert client.get(f"/files/asset/A1/{name}").content == text
    again = client.post("/files/asset/A1", files={"file": ("验收.txt", text)})
    assert again.status_code == 409
    assert client.post("/files/asset/A1", files={"file": ("x.svg", b"<svg/>")}).status_code == 422
    assert client.post("/files/asset/A1", data={}).status_code == 422
    assert client.post("/files/asset/nobody", files={"file": ("x", text)}).status_code == 404
    where = f"/files/asset/A1/{name}/take_out"
    assert client.post(where, data={"reason": "误传"}).status_code == 409
    client.cookies.set("session", office.accounts.sign_in(_account(office, "head")))
    assert client.post(where, data={"reason": ""}).status_code == 422
    assert client.post(where, data={"reason": "误传"}).status_code == 200
    assert client.get(f"/files/asset/A1/{name}").status_code == 404
    assert "移除文件：验收.txt（误传）" in client.get("/assets/A1").text


def _account(office: Office, login: str) -> Any:
    found = office.accounts.find(login)
    assert found is not None
    return found


def test_the_command_line_takes_it_and_the_checker(
    door: Door, office: Office, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GONGWU_TRUST", str(place.policy))
    kept = office.proving.note()
    assert kept is not None
    (tmp_path / "kept").write_bytes(kept.raw)
    base = ["--database", office.settings.database, "audit"]

    def run(*more: str) -> Any:
        return CliRunner().invoke(cli.app, [*base, *more])

    done = run("bundle", "asset/A1", "--to", "b.zip", "--since", "kept", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["entries"] == 2
    assert verify_bundle.main(["b.zip", "--since", "kept"]) == 0
    registered(door, "A3", asset_no="SL-003")
    done = run("bundle", "recorded")
    assert (done.exit_code, (tmp_path / bundling.name("recorded")).exists()) == (0, True)
    assert "1" in done.output
    assert run("bundle", "asset/A1", "--to", "-").stdout_bytes[:2] == b"PK"
    assert run("bundle", "nothing").exit_code == 2
    assert run("bundle", "asset/nobody").exit_code == 1
    assert run("bundle", "asset/A1", "--since", "nowhere").exit_code == 2
    assert run("checker").exit_code == 0
    assert (tmp_path / "verify_bundle.py").read_bytes() == checker()
    assert run("checker", "--to", "-").stdout_bytes == checker()


@pytest.mark.target("T17")
def test_a_ledger_taken_out_and_brought_back_comes_to_the_same_states(
    door: Door, office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root, digest of states, attachments and checkpoints: all the same on both sides."""
    monkeypatch.chdir(tmp_path)
    there = f"sqlite:///{tmp_path / 'there.db'}"
    said = []
    for database, words in (
        (office.settings.database, ["export", "ledger", "--to", "out.jsonl"]),
        (there, ["restore", "out.jsonl"]),
        (there, ["export", "ledger", "--to", "again.jsonl"]),
    ):
        done = CliRunner().invoke(cli.app, ["--database", database, *words, "--json"])
        assert done.exit_code == 0, done.output
        said.append(json.loads(done.stdout))
    assert said[0]["digest"] == said[1]["digest"] == said[2]["digest"]
    assert said[1]["root"] == office.book.head()[1].hex()
    assert (tmp_path / "out.jsonl").read_bytes() == (tmp_path / "again.jsonl").read_bytes()
    assert b'"checkpoint":' in (tmp_path / "out.jsonl").read_bytes()
    assert b'"file":' in (tmp_path / "out.jsonl").read_bytes()
