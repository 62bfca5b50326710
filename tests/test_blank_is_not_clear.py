"""What is left empty stays as it is; only what is said to be empty becomes empty (T111)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from books import opened
from doors import CARD, PASSWORD, Door, app_of, registered, staffed
from starlette.testclient import TestClient
from typer.testing import CliRunner

from api import cli, forms, importing_leso
from api.app import create_app
from api.importing_facts import ImportReport
from api.office import Office
from domain.asset import Asset
from domain.decider import LIFECYCLES
from ledger.book import Book

pytestmark = pytest.mark.target("T111")
CORRECT = LIFECYCLES["asset"].verbs["correct_card"]
KNOWN = CARD | {"model": "T-14", "serial": "S-1", "plate": "示A0001"}


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    """Lend an office with one card whose model, serial number and plate are known."""
    with staffed(database) as office:
        registered(Door(app_of(office)), **KNOWN)
        yield office


def card(office: Office) -> tuple[str, str, str]:
    state = office.book.stream("asset/A1").state
    return state.model, state.serial, state.plate


def test_a_program_clears_with_an_empty_text_and_with_nothing_else(office: Office) -> None:
    door = Door(app_of(office))
    asked = {"reason": "核对", "serial": "S-2"}
    assert door.post("asset/A1/correct_card", asked).status_code == 200
    assert card(office) == ("T-14", "S-2", "示A0001")
    asked = {"reason": "核对", "model": None, "serial": ""}
    assert door.post("asset/A1/correct_card", asked).status_code == 200
    assert card(office) == ("T-14", "", "示A0001")
    nothing = door.post("asset/A1/correct_card", {"reason": "核对"})
    assert (nothing.status_code, nothing.json()["slug"]) == (409, "nothing-corrected")
    nameless = door.post("asset/A1/correct_card", {"reason": "核对", "name": ""})
    assert nameless.status_code == 422


def test_a_page_keeps_what_is_left_empty_and_clears_what_is_ticked(office: Office) -> None:
    client = TestClient(create_app(office.settings, office), follow_redirects=False)
    clerk = next(a for a in office.accounts.all() if a.login == "clerk")
    client.cookies.set("session", office.accounts.sign_in(clerk))
    client.cookies.set("lang", "zh")
    shown = client.get("/assets/A1").text
    for name in ("model", "serial", "plate"):
        assert f'name="clear" value="{name}"' in shown
    assert 'name="clear" value="name"' not in shown
    assert "留空则不变" in shown and "清空原内容" in shown
    blank = {"reason": "核对", "name": "", "model": " ", "serial": "S-2", "plate": "", "owner": ""}
    assert client.post("/assets/A1/do/correct_card", data=blank).status_code == 303
    assert card(office) == ("T-14", "S-2", "示A0001")
    ticked = {"reason": "核对", "model": "", "serial": "", "clear": ["model", "plate"]}
    assert client.post("/assets/A1/do/correct_card", data=ticked).status_code == 303
    assert card(office) == ("", "S-2", "")
    both = client.post(
        "/assets/A1/do/correct_card", data={"reason": "核", "serial": "S-3", "clear": "serial"}
    )
    assert both.status_code == 422 and "不能同时填写又清空" in both.text
    assert 'value="S-3"' in both.text, "nothing typed is lost"
    assert card(office) == ("", "S-2", "")


def test_a_command_keeps_what_is_empty_and_clears_what_is_named(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GONGWU_DATABASE", office.settings.database)
    monkeypatch.setenv("GONGWU_PASSWORD", PASSWORD)
    do = ["--lang", "zh", "do", "asset/A1", "correct_card"]
    correct = [*do, "--as", "clerk", "--reason", "核对"]

    def run(*arguments: str, code: int = 0) -> str:
        result = CliRunner().invoke(cli.app, list(arguments))
        assert result.exit_code == code, result.output
        return result.output

    run(*correct, "--serial", "", "--model", "T-15")
    assert card(office) == ("T-15", "S-1", "示A0001")
    run(*correct, "--clear", "serial", "--clear", "plate")
    assert card(office) == ("T-15", "", "")
    assert "没有这个字段" in run(*correct, "--clear", "name", code=2)
    assert "清空的字段" in run(*do, "--help")


def test_a_form_too_long_to_record_comes_back_with_what_was_typed(office: Office) -> None:
    client = TestClient(create_app(office.settings, office), follow_redirects=False)
    clerk = next(a for a in office.accounts.all() if a.login == "clerk")
    client.cookies.set("session", office.accounts.sign_in(clerk))
    client.cookies.set("lang", "zh")
    typed = {"reason": "打字半天", "serial": "S-9", "doc_type": "单", "doc_number": "x" * 70_000}
    answer = client.post("/assets/A1/do/correct_card", data=typed)
    assert answer.status_code == 422
    assert "65,535 字节" in answer.text and "打字半天" in answer.text
    docs = [{"type": "单", "number": "x" * 70_000}]
    asked = {"reason": "核对", "serial": "S-9", "docs": docs}
    told = Door(app_of(office)).post("asset/A1/correct_card", asked)
    assert (told.status_code, told.json()["slug"]) == (422, "entry-too-large")
    assert card(office)[1] == "S-1"


def test_only_texts_that_may_be_empty_can_be_cleared() -> None:
    (question,) = forms.clearing(CORRECT)
    names = [name for name, _ in question.choices]
    assert names == ["class_code", "class_scheme", "model", "serial", "plate"]
    for life in LIFECYCLES.values():
        for verb in life.verbs.values():
            assert forms.CLEAR not in {f.name for f in forms.fields(verb)}


# A later snapshot -----------------------------------------------------------------


def snapshot(*rows: tuple[str, str, str, str]) -> bytes:
    """Write a snapshot: for each row the item name, its value and both control codes."""
    head = "State,Station Name (LEA),NSN,Item Name,Quantity,UI,Acquisition Value,DEMIL Code,"
    lines = [
        f"AL,ATMORE PD,7110-01-502-{number:04},{name},1,Each,{value},{code},{ic},2019-10-01,State"
        for number, (name, value, code, ic) in enumerate(rows)
    ]
    return "\n".join([f"{head}DEMIL IC,Ship Date,Station Type", *lines, ""]).encode()


def take(book: Book, day: str, content: bytes) -> ImportReport:
    """Import a snapshot of a day."""
    return importing_leso.import_inventory(book, content, file=f"inventory_{day}.csv")


def holdings(book: Book) -> list[Asset]:
    return [a for _, a in sorted(importing_leso.known_holdings(book)[0].items())]


FULL = ("DESK", "10.00", "A", "1")


def test_an_empty_cell_of_a_later_snapshot_erases_nothing(database: str) -> None:
    blanks = (
        ("", "10.00", "A", "1"),
        ("DESK", "10.00", "", ""),
        ("DESK", "10.00", "A", ""),
        ("DESK", "10.00", "", "1"),
        ("DESK", "", "A", "1"),
        ("", "", "", ""),
    )
    with opened(database) as book:
        take(book, "2025-12-31", snapshot(*[FULL] * len(blanks)))
        before = holdings(book)
        assert {(a.name, a.value, a.model) for a in before} == {("DESK", 1000, "A/1")}
        later = snapshot(*blanks)
        take(book, "2026-06-30", later)
        assert holdings(book) == before
        size = book.head()[0]
        assert take(book, "2026-06-30", later).events == 0
        take(book, "2026-09-30", snapshot(*[FULL] * len(blanks)))
        assert (holdings(book), book.head()[0]) == (before, size)


def test_a_filled_cell_of_a_later_snapshot_still_corrects(database: str) -> None:
    with opened(database) as book:
        take(book, "2025-12-31", snapshot(FULL, FULL))
        changed = snapshot(("TABLE", "10.00", "", "6"), ("DESK", "12.00", "D", ""))
        take(book, "2026-06-30", changed)
        found = {(a.name, a.value, a.model) for a in holdings(book)}
        assert found == {("TABLE", 1000, "A/6"), ("DESK", 1200, "D/1")}
