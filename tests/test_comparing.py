"""The lists rebuilt to any position are those that were there; a touched row is named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from doors import PASSWORD, Door, app_of, staffed
from doors import registered as registered_
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from test_changes import drafted, histories, registered
from typer.testing import CliRunner

from api.cli import app
from api.cli_terminal import OK, REFUSED, USAGE
from domain.decider import Event
from domain.unit import UnitEstablished, UnitKind, UnitRenamed
from ledger.book import Book, new_id
from projections.comparing import compare
from projections.following import LISTS
from projections.store import ReadModels


@pytest.fixture
def book(database: str) -> Iterator[Book]:
    book = Book.open(database)
    yield book
    book.close()


@pytest.fixture
def models(database: str, book: Book) -> Iterator[ReadModels]:
    models = ReadModels.open(database)
    yield models
    models.close()


@pytest.mark.target("T01")
@settings(
    max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(many=st.lists(histories(), min_size=1, max_size=3), cut=st.integers(0, 12))
def test_what_was_known_at_any_position_is_what_a_replay_to_it_tells(
    book: Book, models: ReadModels, many: list[list[tuple[Event, int]]], cut: int
) -> None:
    """Late entries and reversals recorded since change nothing of what was known."""
    for facts in many:
        book.append(drafted(f"asset/{new_id()}", facts), actor="u_1", cause="cmd_test")
        models.catch_up(book)
    size = book.head()[0]
    whole = compare(book, models)
    assert whole.same and whole.at_head and whole.size == size
    assert {one.table for one in whole.lists} == {table.name for table in LISTS}
    before = compare(book, models, max(0, size - cut))
    assert before.same, [one for one in before.lists if not one.same]
    assert before.at_head is (cut == 0)


@pytest.mark.target("T01")
def test_a_row_that_somebody_touched_is_named(book: Book, models: ReadModels) -> None:
    born = UnitEstablished(name="示例局", kind=UnitKind.ORGAN)
    book.append(drafted("unit/o_1", [(born, 0)]), actor="u_1", cause="c1")
    for name in ("A", "B", "C"):
        facts: list[tuple[Any, int]] = [(registered(), 0)]
        book.append(drafted(f"asset/{name}", facts), actor="u_1", cause=f"c{name}")
    models.catch_up(book)
    assert compare(book, models).same
    with models.engine.begin() as c:
        c.execute(text("UPDATE inventory SET value=value+1 WHERE id='B'"))
        c.execute(text("DELETE FROM unit WHERE id='o_1'"))
    found = compare(book, models)
    wrong = {one.table: one for one in found.lists if not one.same}
    assert set(wrong) == {"inventory", "unit"}
    assert (wrong["inventory"].only_live, wrong["inventory"].only_rebuilt) == (1, 1)
    assert {(row.key[0], row.live) for row in wrong["inventory"].rows} == {
        ("B", True),
        ("B", False),
    }
    assert [(row.key[0], row.live) for row in wrong["unit"].rows] == [("o_1", False)]


def test_names_are_compared_as_they_were_known(book: Book, models: ReadModels) -> None:
    born = UnitEstablished(name="示例局", kind=UnitKind.ORGAN)
    renamed = UnitRenamed(name="新局")
    book.append(drafted("unit/o_1", [(born, 0), (renamed, 2)]), actor="u_1", cause="c1")
    models.catch_up(book)
    assert compare(book, models, 1).same and compare(book, models, 0).same
    with pytest.raises(ValueError, match="stand at 2"):
        compare(book, models, 3)


# At the doors -------------------------------------------------------------------------


def test_an_auditor_starts_a_replay_and_reads_what_it_came_to(database: str) -> None:
    with staffed(database) as office:
        door = Door(app_of(office))
        registered_(door)
        started = post(door, {"size": 2})
        assert started.status_code in (200, 202), started.text
        where = started.headers["location"]
        office_job = where.rpartition("/")[2]
        for _ in range(100):
            said = door.http.get(where, auth=("auditor", PASSWORD)).json()
            if said["status"] != "running":
                break
        assert said["status"] == "done" and said["same"] and said["result"]["size"] == 2
        assert said["id"] == office_job
        with office._lists.engine.begin() as c:
            c.execute(text("UPDATE inventory SET name='x'"))
        said = post(door, {}).json()
        assert said["same"] is False
        wrong = [one for one in said["result"]["lists"] if one["only_live"]]
        assert [one["table"] for one in wrong] == ["inventory"]
        assert post(door, {}, who="clerk").status_code == 403
        assert post(door, {"size": 99}).status_code == 422
        assert post(door, {"upto": 1}).status_code == 400
        nothing = door.http.get("/audit/v1/replays/replay_X", auth=("auditor", PASSWORD))
        assert nothing.status_code == 404


def post(door: Door, body: Any, who: str = "auditor") -> Any:
    return door.http.post("/audit/v1/replays", json=body, auth=(who, PASSWORD))


def test_the_command_compares_and_says_where_they_differ(database: str) -> None:
    with staffed(database) as office:
        registered_(Door(app_of(office)))
    command = ["--database", database, "audit", "compare"]
    run = CliRunner().invoke(app, command)
    assert run.exit_code == OK, run.output
    assert CliRunner().invoke(app, [*command, "--size", "1"]).exit_code == OK
    assert CliRunner().invoke(app, [*command, "--size", "999"]).exit_code == USAGE
    models = ReadModels.open(database)
    with models.engine.begin() as c:
        c.execute(text("DELETE FROM inventory"))
    models.close()
    run = CliRunner().invoke(app, [*command, "--json"])
    assert run.exit_code == REFUSED
    assert json.loads(run.stdout)["same"] is False
    run = CliRunner().invoke(app, command)
    assert run.exit_code == REFUSED and "inventory" in run.output
