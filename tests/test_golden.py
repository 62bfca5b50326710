"""What a release wrote, every later one reads, and comes to the same."""

from __future__ import annotations

import json
from collections import defaultdict
from hashlib import sha256
from pathlib import Path
from typing import Any

import golden_log
import pytest
from books import opened
from eventsourcing.persistence import StoredEvent

from domain.decider import FACTS, UPCASTERS
from domain.unit import UnitRenamed
from ledger.act import Act
from ledger.entry import UNSTAMPED, Corrupt, decode
from ledger.verifying import uncanonical, verify

GOLDEN = Path(__file__).with_name("golden")
LOGS = sorted(GOLDEN.glob("*.jsonl"))


def streams(log: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the lines of a golden log by stream."""
    by_stream: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for text in log.read_text("utf-8").splitlines():
        said = json.loads(text)
        by_stream[json.loads(said["entry"])["stream"]].append(said)
    return by_stream


def narrowed(today: Any, said: Any) -> Any:
    """Return of a state what was said of it then: fields it has gained since are left out."""
    if isinstance(today, dict) and isinstance(said, dict):
        return {k: narrowed(today.get(k), v) for k, v in said.items()}
    if isinstance(today, list) and isinstance(said, list) and len(today) == len(said):
        return [narrowed(*pair) for pair in zip(today, said, strict=True)]
    return today


def digest(states: list[Any]) -> str:
    return sha256(json.dumps(states, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


@pytest.mark.target("T19")
@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.name)
def test_the_log_of_a_release_replays_to_the_same_states(log: Path):
    """A field that a state has gained since must not change what the others say."""
    then, now = [], []
    for name, history in streams(log).items():
        for number, said in enumerate(history, start=1):
            assert uncanonical(said["entry"].encode()) == "", name
            _, state = golden_log.replay(history[:number])
            today = golden_log.state_of(state)
            then.append([name, number, said["state"]])
            now.append([name, number, narrowed(today, said["state"])])
    for was, is_ in zip(then, now, strict=True):
        assert is_ == was
    assert digest(now) == digest(then)


@pytest.mark.target("T19")
def test_every_version_of_every_fact_has_its_golden_entries():
    """Missing? Run `python tests/golden/golden_log.py`: it adds lines and changes none."""
    held = set().union(*(golden_log.held(log) for log in LOGS))
    assert {(name, fact.type_version) for name, fact in FACTS.items()} <= held


def test_the_script_changes_no_line_that_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    lines = (GOLDEN / "0.1.jsonl").read_text("utf-8").splitlines(keepends=True)
    shorter = tmp_path / "0.1.jsonl"
    shorter.write_text("".join(lines[:-3]), "utf-8")
    monkeypatch.setattr(golden_log, "LOG", shorter)
    golden_log.main()
    assert shorter.read_text("utf-8").splitlines(keepends=True)[: len(lines) - 3] == lines[:-3]


# Older shapes -----------------------------------------------------------------


def older(tv: int, body: str, at: str = "2020-01-01T00:00:00.000000Z") -> bytes:
    """Return an entry as a release before the first wrote it: `title` instead of `name`."""
    return (
        f'{{"actor":"u_1","body":{body},"cause":"cmd_0","corrects":null,'
        f'"effective_at":"2020-01-01T00:00:00+08:00","recorded_at":"{at}",'
        f'"salt":"MDEyMzQ1Njc4OWFiY2RlZg==","seq":1,"stream":"unit/o_1","tv":{tv},'
        f'"type":"unit.renamed","v":1}}'
    ).encode()


def read(state: bytes) -> Any:
    return decode(1, "unit/o_1", 1, "unit.renamed", state)


@pytest.fixture
def upcasters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register how two older shapes of a fact are read: -1 said `t`, 0 said `title`."""
    monkeypatch.setitem(UPCASTERS, ("unit.renamed", -1), lambda body: {"title": body["t"]})
    monkeypatch.setitem(UPCASTERS, ("unit.renamed", 0), lambda body: {"name": body["title"]})


@pytest.mark.target("T19")
@pytest.mark.usefixtures("upcasters")
def test_an_older_shape_is_read_through_its_upcasters():
    assert read(older(0, '{"title":"旧名"}')).event == UnitRenamed(name="旧名")
    assert read(older(-1, '{"t":"更旧"}')).event == UnitRenamed(name="更旧")


@pytest.mark.target("T19")
@pytest.mark.usefixtures("upcasters")
def test_an_older_entry_lives_in_the_book_and_its_bytes_stay_as_they_are(database: str):
    with opened(database) as book:
        state = older(0, '{"title":"旧名"}', at=UNSTAMPED)
        act = Act(cause="cmd_0", actor="u_1")
        book.log.insert_events([StoredEvent("unit/o_1", 1, "unit.renamed", state)], act=act)
        stream = book.stream("unit/o_1")
        assert stream.state.name == "旧名"
        assert b'"title"' in stream.entries[0].state
        assert verify(book).intact


@pytest.mark.target("T19")
def test_an_older_shape_nobody_can_read_any_more_stops_the_reader():
    with pytest.raises(Corrupt):
        read(older(0, '{"title":"旧名"}'))


@pytest.mark.target("T19")
def test_an_entry_of_a_newer_release_is_not_read_with_todays_meaning():
    assert read(older(1, '{"name":"新名"}')).event == UnitRenamed(name="新名")
    with pytest.raises(Corrupt):
        read(older(2, '{"name":"新名"}'))
