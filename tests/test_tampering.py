"""Whoever owns the database computes everything in it again, and is found all the same (R4, R5).

The attacker rewrites entries, leaves, frontier, commands, claims, kept hashes and checkpoints. What
he cannot reach are a few checkpoints that an auditor kept at home.
"""

from __future__ import annotations

import json
import random
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from books import CLERK, NOON, card, correction, opened, unguarded
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sizes import SEED, sized

from ledger import tree
from ledger.act import Unavailable, Unsafe, seal
from ledger.entry import decode
from ledger.mirror import Mirror
from ledger.notary import Notary, Refusal
from ledger.notes import LOG, Checkpoint, Note, Signer
from ledger.tiles import Tree
from ledger.verifying import Verdict, _paged, root_of, verify

EVENTS, ASSETS, HELD_EVERY = 400, 20, 100
PLACES = sized("R4")  # of each kind, on each back end
FLIPS = sized("R5")
ORIGIN = "ledger.example.gov.cn/warehouse-1"
Told = dict[str, Any]


def signer(seed: int = 1) -> Signer:
    return Signer.of(ORIGIN, LOG, Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


def filled(url: str, folder: Path) -> None:
    """Record 400 entries in acts of one, signed and mirrored."""
    now = [NOON]

    def clock() -> datetime:
        now[0] += timedelta(seconds=1)
        return now[0]

    seeded = random.Random(1)
    with opened(url, clock=clock) as book:
        for n in range(ASSETS):
            book.act([card(f"A{n:02}", f"示{n:03}")], CLERK)
        for n in range(EVENTS - ASSETS):
            book.act([correction(f"A{seeded.randrange(ASSETS):02}", f"型号{n}")], CLERK)
        note = Notary(folder / "notary.db", signer()).sign(book)
        Mirror(folder / "mirror").bring(book.log, note)


def states_of(url: str) -> list[bytes]:
    with opened(url) as book:
        return [bytes(row[4]) for page in book.log.rows(1) for row in page]


def checkpoints(states: Sequence[bytes], sizes: Sequence[int]) -> list[Checkpoint]:
    leaves = [tree.leaf(state) for state in states]
    return [Checkpoint(ORIGIN, size, root_of(leaves[:size])) for size in sizes]


# Nine attacks -------------------------------------------------------------------------


def edit(told: list[Told], at: int, seeded: random.Random) -> None:
    body = told[at]["body"]
    field = next(name for name in ("model", "name") if body.get(name))
    body[field] += "改"


def delete_middle(told: list[Told], at: int, seeded: random.Random) -> None:
    del told[at]


def delete_tail(told: list[Told], at: int, seeded: random.Random) -> None:
    del told[at:]


def insert(told: list[Told], at: int, seeded: random.Random) -> None:
    told.insert(at, json.loads(json.dumps(told[at])) | {"salt": "A" * 22 + "=="})


def back_date(told: list[Told], at: int, seeded: random.Random) -> None:
    told[at]["effective_at"] = "2025-02-01T00:00:00+08:00"


def change_type(told: list[Told], at: int, seeded: random.Random) -> None:
    via = told[at]["body"].get("via")
    told[at] |= {"type": "asset.relocated", "tv": 1, "body": {"place": "p_1", "via": via}}


def reorder(told: list[Told], at: int, seeded: random.Random) -> None:
    other = at + 1 if at + 1 < len(told) else at - 1
    told[at], told[other] = told[other], told[at]
    times = sorted((told[at]["recorded_at"], told[other]["recorded_at"]))
    told[min(at, other)]["recorded_at"], told[max(at, other)]["recorded_at"] = times


def shift_all_times(told: list[Told], at: int, seeded: random.Random) -> None:
    for one in told:
        moved = datetime.fromisoformat(one["recorded_at"]) - timedelta(hours=at + 1)
        one["recorded_at"] = moved.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def swap_assets(told: list[Told], at: int, seeded: random.Random) -> None:
    others = [n for n in range(len(told)) if told[n]["stream"] != told[at]["stream"]]
    other = seeded.choice(others)
    told[at]["stream"], told[other]["stream"] = told[other]["stream"], told[at]["stream"]


ATTACKS = (
    *(edit, delete_middle, delete_tail, insert, back_date),
    *(change_type, reorder, shift_all_times, swap_assets),
)


def forged(
    states: Sequence[bytes], attack: Callable[..., None], at: int, seeded: random.Random
) -> list[bytes]:
    """Return the log as the attacker would have it: numbered and written as it should be."""
    told = [json.loads(state) for state in states]
    attack(told, at, seeded)
    seqs: Counter[str] = Counter()
    for one in told:
        seqs[one["stream"]] += 1
        one["seq"] = seqs[one["stream"]]
    return [
        json.dumps(one, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        for one in told
    ]


def rewrite(url: str, states: Sequence[bytes], key: Signer) -> None:
    """Write the whole database again around these entries, leaving no contradiction in it."""
    entries: list[tuple[Any, ...]] = []
    commands: list[tuple[Any, ...]] = []
    claims: dict[tuple[str, str], str] = {}
    for position, state in enumerate(states, start=1):
        one = json.loads(state)
        leaf = tree.leaf(state)
        entries.append((position, one["stream"], one["seq"], one["type"], state, leaf))
        cause = one["cause"].partition("/")[0]
        said = (position, 1, cause, one["actor"], None, "", "{}", one["recorded_at"])
        commands.append((*said, seal(*said)))
        event = decode(position, one["stream"], one["seq"], one["type"], state).event
        for kind in event.claims:
            if getattr(event, kind):
                claims.setdefault((kind, getattr(event, kind)), one["stream"])
    frontier: list[bytes] = []
    tree.grow(0, frontier, [row[5] for row in entries])
    text = Checkpoint(ORIGIN, len(states), tree.root(frontier)).text
    note = Note(text, (key.sign(text),)).raw
    head = (len(states), json.loads(states[-1])["recorded_at"], tree.pack(frontier))
    tables = {
        "ledger_entry": entries,
        "ledger_command": commands,
        "ledger_claim": [(*claim, stream) for claim, stream in claims.items()],
        "ledger_node": [
            (1, n, root_of([row[5] for row in entries[n * 256 : n * 256 + 256]]))
            for n in range(len(entries) // 256)
        ],
        "ledger_checkpoint": [(len(states), note, seal(len(states), note.hex()))],
    }
    with unguarded(url) as execute:
        for table, rows in tables.items():
            execute(f"DELETE FROM {table}")
            write(execute, table, rows)
        execute("UPDATE ledger_head SET size=?, recorded_at=?, frontier=?", *head)


def write(execute: Callable[..., Any], table: str, rows: list[tuple[Any, ...]]) -> None:
    """Insert many rows in one statement: there are many forgeries to make."""
    for start in range(0, len(rows), 100):
        part = rows[start : start + 100]
        places = ",".join("(" + ",".join("?" * len(row)) + ")" for row in part)
        execute(f"INSERT INTO {table} VALUES {places}", *[v for row in part for v in row])


def first_difference(states: Sequence[bytes], forgery: Sequence[bytes]) -> int:
    """Return the index of the first entry that is another, or is not there."""
    pairs = enumerate(zip(states, forgery, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(states), len(forgery)))


def named(verdict: Verdict, *checks: str) -> list[int]:
    return [p.position for p in verdict.integrity if p.check in checks]


@pytest.mark.reliability("R4")
@pytest.mark.target("T06")
def test_nine_attacks_on_a_database_made_whole_again_are_all_found(database: str, tmp_path: Path):
    """The interval between two held checkpoints is named; with a mirror, the very entry."""
    filled(database, tmp_path)
    states, seeded, key = states_of(database), random.Random(SEED), signer()
    held = checkpoints(states, range(HELD_EVERY, EVENTS + 1, HELD_EVERY))
    mirror = Mirror(tmp_path / "mirror")
    unseen: Counter[str] = Counter()
    with opened(database) as book:
        for attack in ATTACKS:
            for _ in range(PLACES):
                at = seeded.randrange(1, EVENTS)
                forgery = forged(states, attack, at, seeded)
                first = first_difference(states, forgery)
                rewrite(database, forgery, key)
                case = (SEED, attack.__name__, at)
                unseen[attack.__name__] += verify(book).intact
                verdict = verify(book, held=held, mirror=mirror)
                good = max((c.size for c in held if c.size <= first), default=0)
                assert named(verdict, "rewritten", "cut-off")[0] == good + 1, case
                if len(forgery) > first:
                    assert named(verdict, "mirror") == [first + 1], case
                if first < 300:  # one sheet of paper from then is enough
                    assert not verify(book, held=held[2:3]).intact, case
        rewrite(database, states, key)
        assert verify(book, held=held, mirror=mirror).intact
    # What no check inside the database can see, even with the log's own key stolen.
    assert all(unseen[attack.__name__] == PLACES for attack in ATTACKS), unseen


@pytest.mark.reliability("R4")
def test_untouched_logs_raise_no_alarm(database: str, tmp_path: Path):
    """Any set of true checkpoints, at any sizes, on a log that went on growing."""
    filled(database, tmp_path)
    states, seeded = states_of(database), random.Random(SEED)
    with opened(database) as book:
        for _ in range(PLACES * 4):
            sizes = seeded.sample(range(EVENTS + 1), seeded.randrange(1, 9))
            verdict = verify(
                book, held=checkpoints(states, sizes), mirror=Mirror(tmp_path / "mirror")
            )
            assert verdict.intact, (SEED, sizes, verdict.sentence("en"))


@pytest.mark.target("T06")
def test_a_cut_tail_a_removed_stream_and_a_rewritten_past_are_three_findings(
    database: str, tmp_path: Path
):
    filled(database, tmp_path)
    states = states_of(database)
    held = checkpoints(states, [EVENTS])
    with opened(database) as book:
        rewrite(database, states[:-10], signer())
        assert {p.check for p in verify(book, held=held).integrity} == {"cut-off"}
        rewrite(database, states, signer())
        with unguarded(database) as execute:
            execute("DELETE FROM ledger_entry WHERE originator_id='asset/A03'")
        assert "position-gap" in {p.check for p in verify(book, held=held).integrity}
        rewrite(database, forged(states, edit, 7, random.Random(1)), signer())
        assert {p.check for p in verify(book, held=held).integrity} == {"rewritten"}


def test_a_mirror_that_was_changed_is_called_so_and_blames_no_entry(database: str, tmp_path: Path):
    filled(database, tmp_path)
    mirror = Mirror(tmp_path / "mirror")
    tile = tmp_path / "mirror/tile/0/000"
    good = tile.read_bytes()
    with opened(database) as book:
        tile.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
        assert [p.check for p in verify(book, mirror=mirror).integrity] == ["mirror-damaged"]
        tile.unlink()
        assert [p.check for p in verify(book, mirror=mirror).integrity] == ["mirror-damaged"]
        empty = Mirror(tmp_path / "nothing")
        assert [p.check for p in verify(book, mirror=empty).integrity] == ["mirror-damaged"]


def test_what_is_kept_beside_the_log_is_checked(database: str, tmp_path: Path):
    filled(database, tmp_path)
    with opened(database) as book:
        Tree(book.log).reach(EVENTS)
        assert verify(book).intact
        with unguarded(database) as execute:
            execute("UPDATE ledger_node SET hash=? WHERE level=1", bytes(32))
        assert [p.check for p in verify(book).integrity] == ["node"]
        with unguarded(database) as execute:
            execute("UPDATE ledger_node SET level=3")
            execute("UPDATE ledger_checkpoint SET note=?", b"nothing")
            execute("INSERT INTO ledger_checkpoint VALUES (7, ?, ?)", b"nothing", "")
        found = [p.check for p in verify(book).integrity]
        assert found == ["node", "checkpoint", "checkpoint"]
        text = Checkpoint(ORIGIN, 7, bytes(32)).text
        forged = Note(text, (signer().sign(text),)).raw
        with unguarded(database) as execute:
            execute("DELETE FROM ledger_node")
            execute("DELETE FROM ledger_checkpoint WHERE size<>7")
            execute("UPDATE ledger_checkpoint SET note=?, seal=?", forged, seal(7, forged.hex()))
        assert [p.check for p in verify(book).integrity] == ["checkpoint"]


# Bit flips ----------------------------------------------------------------------------


def contents(file: Path) -> list[Any]:
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as db:
        tables = ("entry", "head", "command", "claim", "evidence", "node", "checkpoint")
        return [db.execute(f"SELECT * FROM ledger_{table}").fetchall() for table in tables]


@pytest.mark.parametrize("column", ["state", "leaf", "frontier"])
@pytest.mark.one_backend("a column of a server keeps its type")
def test_bytes_that_became_a_number_are_found(sqlite_url: str, tmp_path: Path, column: str):
    """One bit in front of a value says what it is; of a large number, `bytes(n)` is all memory."""
    filled(sqlite_url, tmp_path)
    table = "ledger_head" if column == "frontier" else "ledger_entry"
    with opened(sqlite_url) as book:
        with unguarded(sqlite_url) as execute:
            execute(f"UPDATE {table} SET {column}=?", 2**60)
        assert not verify(book).intact
        with pytest.raises(Refusal) as refused:
            Notary(tmp_path / "new.db", signer()).sign(book)
        assert refused.value.slug == "contradicted"


@pytest.mark.parametrize("back", [1, 2, None])
def test_pages_that_lead_back_end_there(back: int | None):
    """A flipped bit in a number of the tree within the file: the next page is one before, for ever."""
    pages = {0: [(1,), (2,)], 2: [(3,), (back,)]}

    def select(_: str, last: int, rows: int) -> list[tuple[Any, ...]]:
        return pages[last][:rows]

    assert list(_paged(select, "", 0, rows=9)) == [(1,), (2,), (3,), (back,)]


@pytest.mark.one_backend("every bit of the file is flipped")
@pytest.mark.reliability("R5")
def test_no_flipped_bit_of_the_file_is_silent(tmp_path: Path):
    """Each is harmless (the same is read), or refused, or found."""
    whole = tmp_path / "whole.db"
    filled(f"sqlite:///{whole}", tmp_path)
    with closing(sqlite3.connect(whole)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    expected, raw, seeded = contents(whole), whole.read_bytes(), random.Random(SEED)
    outcomes: Counter[str] = Counter()
    for number in range(FLIPS):
        at, bit = seeded.randrange(len(raw)), seeded.randrange(8)
        file = tmp_path / f"flipped{number}.db"
        file.write_bytes(raw[:at] + bytes([raw[at] ^ (1 << bit)]) + raw[at + 1 :])
        try:
            with opened(f"sqlite:///{file}") as book:
                outcome = "intact" if verify(book).intact else "found"
        except (Unavailable, Unsafe, sqlite3.Error):
            outcome = "refused"
        if outcome == "intact":
            assert contents(file) == expected, (SEED, at, bit)
        outcomes[outcome] += 1
        for left in tmp_path.glob(f"flipped{number}.db*"):
            left.unlink()
    assert outcomes["found"] > FLIPS / 10, outcomes
