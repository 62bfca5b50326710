"""Who keeps the books, who answers for it, who uses it, in whose name it stands: four parties."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from doors import PASSWORD, Door, app_of, staffed
from typer.testing import CliRunner

from api import cli
from api.office import Actor, Office
from domain.asset import AssetRegistered, Kind
from ledger.entry import Draft

PARTIES = {
    "unit": "o_books",  # keeps the books
    "custodian": "o_store",  # answers for the thing
    "user": "u_li",  # uses it
    "owner": "o_title",  # in whose name the title stands
}
CLERK = Actor(person="u_clerk", unit="o_a", role="clerk")
DAYS = {"registered": date(2025, 3, 1), "issued": date(2025, 4, 1), "moved_on": date(2025, 5, 1)}


def registered(id_: str, **parties: Any) -> Draft:
    """Return a card as a source states it that names every party."""
    fact = AssetRegistered(
        asset_no=f"ZC-{id_}", name="办公用房", kind=Kind.PREMISES, value=1, **parties
    )
    return Draft(
        stream=f"asset/{id_}",
        seq=1,
        event=fact,
        actor="u_import",
        cause=f"cmd_{id_}",
        effective_at=f"{DAYS['registered']}T00:00:00+08:00",
    )


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    """Lend an office with one asset of four parties, and three that share one party each."""
    with staffed(database) as office:
        four = {"unit": "o_books", "custodian": "o_store", "owner": "o_title"}
        other = {"unit": "o_x", "custodian": "o_y", "owner": "o_z"}
        drafts = [registered("A", **four)] + [
            registered(name, **other | {name: four[name]}) for name in four
        ]
        office.book.append(drafts, actor="u_import", cause="cmd_import")
        office.ask("asset/A", "issue", {"user": "u_li"}, CLERK, on=DAYS["issued"])
        office.ask("asset/unit", "issue", {"user": "u_wang"}, CLERK, on=DAYS["issued"])
        office.ask("asset/A", "hand_over_to", {"user": "u_wang"}, CLERK, on=DAYS["moved_on"])
        yield office


def found(door: Door, **asked: Any) -> set[str]:
    """Return the ids that the list of cards answers with; its totals agree."""
    answer = door.get("inventory", totals="true", **asked).json()
    ids = {card["id"] for card in answer["items"]}
    assert sum(total["assets"] for total in answer["totals"]) == len(ids)
    return ids


@pytest.mark.target("T22")
def test_an_asset_has_four_parties_and_each_finds_it(office: Office) -> None:
    state = office.book.stream("asset/A").state
    assert (state.accounting_unit, state.custodian, state.owner) == (
        "o_books",
        "o_store",
        "o_title",
    )
    door = Door(app_of(office))
    assert found(door, unit="o_books") == {"A", "unit"}
    assert found(door, custodian="o_store") == {"A", "custodian"}
    assert found(door, owner="o_title") == {"A", "owner"}
    assert found(door, user="u_wang") == {"A", "unit"}
    now = PARTIES | {"user": "u_wang"}
    assert found(door, **now) == {"A"}
    for party in now:
        assert found(door, **now | {party: "o_nobody"}) == set()


@pytest.mark.target("T22")
def test_the_parties_of_a_past_day_are_those_of_that_day(office: Office) -> None:
    door = Door(app_of(office))
    assert found(door, **PARTIES, as_of="2025-04-30") == {"A"}
    assert found(door, **PARTIES, as_of="2025-05-01") == set()
    assert found(door, user="u_li", as_of="2025-03-31") == set()
    for party, who in PARTIES.items():
        assert "A" in found(door, **{party: who}, as_of="2025-04-30"), party


@pytest.mark.target("T22")
def test_the_command_line_finds_by_each_party_as_well(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GONGWU_DATABASE", office.settings.database)
    monkeypatch.setenv("GONGWU_PASSWORD", PASSWORD)
    for party, who in (PARTIES | {"user": "u_wang"}).items():
        run = CliRunner().invoke(cli.app, ["inventory", f"--{party}", who, "--json"])
        assert run.exit_code == 0, run.output
        ids = {card["id"] for card in json.loads(run.stdout)["items"]}
        assert "A" in ids
        assert ids <= {"A", "unit", party}
