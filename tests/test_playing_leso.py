"""A quarter of a real reallocation office is played through the API and counted from the log."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from doors import staffed
from typer.testing import CliRunner

from api import cli_replay, playing_leso, reading_leso
from api.cli import app
from api.office import Office
from api.playing_leso import Plan, Player
from api.reading_leso import LesoCancellation, LesoShipment
from api.reading_records import SAMPLE
from api.serving_here import served
from domain.claiming import ClaimLost
from ledger.verifying import verify

SHIPMENTS = SAMPLE / "shipments_2019Q4_without_justification.csv.gz"
CANCELLATIONS = SAMPLE / "cancellations_2019Q4_without_justification.csv.gz"
QUARTER = "2019Q4"
# How data of this quarter is published: rows by kind of reason.
PUBLISHED = {
    "sales-order-closed": 2841, "no-longer-in-inventory": 2362, "approved-for-another": 513,
    "reason-not-given": 306, "other": 257, "prohibited-by-policy": 226, "moved-to-next-round": 133,
    "approver-gave-no-words": 87, "justification-insufficient": 63, "holds-enough": 44,
    "receipt-overdue": 41, "photo-missing": 40, "requester-not-entitled": 28, "over-allocated": 22,
    "paperwork-missing": 20, "withdrawn-by-requester": 9,
}  # fmt: skip
LOST = (324, 156)


@pytest.fixture(scope="module")
def lists() -> tuple[list[LesoShipment], list[LesoCancellation]]:
    refused = list(reading_leso.cancellations(CANCELLATIONS, quarter=QUARTER))
    return list(reading_leso.shipments(SHIPMENTS)), refused


@pytest.fixture(scope="module")
def part(lists: Any) -> tuple[list[LesoShipment], list[LesoCancellation]]:
    """Some of everything: rounds with a winner, plain shipments, and every kind of reason."""
    shipped, refused = lists
    rivals, _ = playing_leso.rivals_of(shipped, refused)
    some = dict(islice(((key, rows) for key, rows in rivals.items() if len(rows) > 2), 2))
    winners = [row for row in shipped if row.key in some]
    kinds: dict[str, LesoCancellation] = {}
    for row in refused:
        kinds.setdefault(row.refusal.slug, row)
    losers = {row.key: row for rows in some.values() for row in rows}
    return [*winners, *shipped[:4]], [*losers.values(), *kinds.values()]


@contextmanager
def played(office: Office) -> Iterator[Player]:
    """Lend a client of a real server, in the name of the people of a replay."""
    with cli_replay.people(office) as (ending, password), served(office) as address:
        yield Player(address, password, ending)


def test_the_plan_has_every_row_and_its_reason(lists: Any):
    plan = playing_leso.plan_of(lists[0], lists[1], QUARTER)
    assert (plan.shipments, plan.refusals, plan.quantity) == (5417, 6992, "69974")
    assert plan.reasons == PUBLISHED
    # The rule for winners, and its numbers: as docs/matching.md states them.
    assert (plan.lost, plan.several) == LOST
    keys = [step.key for life in (*plan.first, *plan.lives) for step in life]
    assert len(keys) == len(set(keys))


@pytest.mark.target("T46", "T47", "T116")
def test_shipments_and_refusals_go_through_the_api_once_and_end_in_the_lists_counts(
    database: str, part: Any
):
    plan: Plan = playing_leso.plan_of(part[0], part[1], QUARTER)
    assert plan.lost >= 3 and len(plan.reasons) == len(PUBLISHED)
    with staffed(database) as office, played(office) as player:
        steps = sum(map(len, (*plan.first, *plan.lives)))
        assert player.play(plan) == steps
        counted = player.counted()
        assert counted.agrees(plan), counted
        assert counted.reasons == plan.reasons
        size = office.book.head()
        assert player.play(plan) == 0  # every step again: nothing is done twice
        assert office.book.head() == size
        lost = [e.event for e in office.book.entries() if isinstance(e.event, ClaimLost)]
        assert len(lost) == plan.lost
        for fact in lost:  # each hears who got it
            assert fact.winner and office.book.stream(fact.winner).state.status == "requested"
        assert verify(office.book).intact


def test_what_the_server_refuses_stops_the_replay(database: str, part: Any):
    plan = playing_leso.plan_of(part[0][-1:], [], QUARTER)
    with (
        staffed(database) as office,
        played(office) as player,
        pytest.raises(playing_leso.Failed, match="unit-unknown"),
    ):
        player.live(plan.lives[0])


@pytest.fixture
def quarter(tmp_path: Path, part: Any) -> tuple[Path, Path]:
    """Write two short lists as they are published."""
    ends = (SHIPMENTS, CANCELLATIONS), (part[0], part[1][:9])
    found = []
    for source, rows in zip(*ends, strict=True):
        wanted = {row.evidence.line for row in rows}
        lines = gzip.decompress(source.read_bytes()).splitlines(keepends=True)
        found.append(tmp_path / source.stem)
        found[-1].write_bytes(b"".join(lines[n - 1] for n in (1, *sorted(wanted))))
    return found[0], found[1]


@pytest.mark.one_backend(
    "what the command throws away is a file; the replay itself runs on both here"
)
def test_the_command_counts_and_says_so(quarter: tuple[Path, Path], tmp_path: Path):
    paths = [str(path) for path in quarter]
    done = CliRunner().invoke(app, ["match", "replay", *paths, "--clients", "2"])
    assert done.exit_code == 0, done.output
    for said in ("未批准 9 行", "已被其他单位调剂", "在清单里有取得单位"):
        assert said in done.output
    missing = CliRunner().invoke(app, ["match", "replay", paths[0], str(tmp_path / "none")])
    assert missing.exit_code == 2
