"""A new version takes over: the old lists serve until it starts, and nothing is told twice or lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from doors import CARD, staffed
from test_cli import CLERK, commanded
from test_projections import dump

from api.office import Office
from api.settings import Settings
from ledger import restoring
from ledger.book import Book
from ledger.entry import decode
from ledger.verifying import verify
from projections import preparing
from projections.store import VERSION, ReadModels

GOLDEN = Path(__file__).with_name("golden") / "0.1.jsonl"


def aged(url: str) -> None:
    """Make the lists those of an older version: another number, a table of another shape."""
    models = ReadModels(url)
    with models.engine.begin() as c:
        c.exec_driver_sql("UPDATE projected SET version = 1")
        c.exec_driver_sql("ALTER TABLE inventory ADD COLUMN of_old varchar(9)")
    models.close()


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    """Lend an office that has served a while."""
    with staffed(database) as office:
        for number in range(5):
            card = CARD | {"asset_no": f"SL-{number}"}
            office.ask(f"asset/A{number}", "register_existing", card, CLERK)
        yield office


def served_rows(office: Office) -> int:
    """Ask the old lists as the old service does."""
    with office._lists.engine.connect() as c:
        return int(c.exec_driver_sql("SELECT count(*) FROM inventory").scalar_one())


@pytest.mark.target("T01", "T124")
def test_old_lists_serve_and_people_record_until_the_new_service_starts(
    office: Office, database: str
) -> None:
    """Prepare, record more, start: everything is shown, and as if it had been told from nothing."""
    aged(database)
    told = json.loads(commanded(f"--database {database} --json upgrade").stdout)
    size = office.book.head()[0]
    assert told | {"seconds": 0} == {
        "from": 1, "to": VERSION, "prepared": True, "reached": size, "size": size, "seconds": 0,
    }  # fmt: skip
    assert served_rows(office) == 5
    office.ask("asset/LATE", "register_existing", CARD | {"asset_no": "SL-9"}, CLERK, shown=False)
    assert served_rows(office) == 5 and preparing.standing(office.book, VERSION).due

    calls: list[int] = []
    new = Office.open(Settings(database=database), lambda done, _: calls.append(done))
    try:
        assert not preparing.standing(new.book, VERSION).due
        shown = dump(new.models)
        # Told anew was what came after the preparation, and nothing else.
        assert calls in ([], [size + 1]) and len(shown["inventory"]) == 6
        new.models.rebuild(new.book)
        assert dump(new.models) == shown
        assert verify(new.book).intact
        new.ask("asset/B1", "register_existing", CARD | {"asset_no": "SL-10"}, CLERK)
        assert len(dump(new.models)["inventory"]) == 7
    finally:
        new.close()
    assert not list(Path(database.removeprefix("sqlite:///")).parent.glob("*-lists-*"))


def test_preparing_twice_only_follows(office: Office, database: str) -> None:
    aged(database)
    commanded(f"--database {database} upgrade")
    office.ask("asset/LATE", "register_existing", CARD | {"asset_no": "SL-9"}, CLERK, shown=False)
    told = json.loads(commanded(f"--database {database} --json upgrade").stdout)
    assert told["reached"] == told["size"] == office.book.head()[0]
    Office.open(Settings(database=database)).close()
    said = commanded(f"--database {database} --lang en upgrade").output
    assert "nothing to prepare" in said


def test_what_was_prepared_of_another_log_is_not_taken(office: Office, database: str) -> None:
    """A file that was restored since has other entries under the same numbers."""
    aged(database)
    commanded(f"--database {database} upgrade")
    where = preparing.place(database, VERSION)
    other = ReadModels(where)
    with other.engine.begin() as c:
        c.exec_driver_sql("UPDATE prepared SET leaf = 'ab'")
        c.exec_driver_sql("DELETE FROM inventory")
    other.close()
    new = Office.open(Settings(database=database))
    try:
        assert len(dump(new.models)["inventory"]) == 5
    finally:
        new.close()
    aged(database)
    if database.startswith("sqlite:"):
        commanded(f"--database {database} upgrade")
    else:
        other = ReadModels(where)
        with other.engine.begin() as c:
            assert c.exec_driver_sql("SELECT leaf FROM prepared").scalar() == "ab"
        other.close()
        commanded(f"--database {database} upgrade")  # begun anew
    new = Office.open(Settings(database=database))
    try:
        assert len(dump(new.models)["inventory"]) == 5
    finally:
        new.close()


def test_without_preparation_the_start_makes_them_anew(office: Office, database: str) -> None:
    aged(database)
    new = Office.open(Settings(database=database))
    try:
        assert len(dump(new.models)["inventory"]) == 5
    finally:
        new.close()


@pytest.mark.target("T15")
def test_a_ledger_of_the_first_release_is_read_shown_and_gone_on_with(database: str) -> None:
    """Put the exact bytes that 0.1 wrote into a database, and let this version take it over."""
    taken, claimed = list[bytes](), set[tuple[str, str]]()
    for line in GOLDEN.read_text("utf-8").splitlines():
        raw = json.loads(line)["entry"].encode()
        said = json.loads(raw)
        entry = decode(1, said["stream"], said["seq"], said["type"], raw)
        claims = {(kind, getattr(entry.event, kind)) for kind in entry.event.claims}
        # The golden lines are single facts; of cases no history could begin so.
        plain = said["stream"].startswith(("asset/", "unit/", "place/"))
        if claims & claimed or not plain or said["seq"] != 1:
            continue
        claimed |= claims
        taken.append(raw)
    assert len(taken) > 100
    book = Book.open(database)
    try:
        restoring.restore(book, [raw + b"\n" for raw in taken])
        models = ReadModels.open(database)
        models.close()
        aged(database)
        assert preparing.prepare(book) == len(taken)
        assert verify(book).intact
    finally:
        book.close()
    office = Office.open(Settings(database=database))
    try:
        assert office.behind() == 0 and office.book.head()[0] == len(taken)
        shown = dump(office.models)
        office.models.rebuild(office.book)
        assert dump(office.models) == shown and len(shown["inventory"]) > 10
    finally:
        office.close()


@pytest.mark.one_backend("only a file can be missing")
def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    commanded(f"--database sqlite:///{tmp_path / 'none.db'} upgrade", code=2)
    assert not (tmp_path / "none.db").exists()
