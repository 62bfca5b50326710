"""`verify` finds what anybody changed behind the ledger's back, and says where."""

from __future__ import annotations

import random
import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from books import ADMIN, CLERK, NOON, card, correction, opened, unguarded, unit
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from sizes import SEED

from ledger import tree, verifying
from ledger.act import Evidence, Unavailable, Unsafe
from ledger.book import Book
from ledger.entry import Corrupt
from ledger.mirror import Mirror
from ledger.notary import Notary
from ledger.notes import LOG, Signer
from ledger.verifying import CHECKS, PROBLEMS_MAX, Problem, Verdict, root_of, uncanonical, verify

CHINESE = re.compile(r"[\u4e00-\u9fff]")


def clock() -> Iterator[datetime]:
    now = NOON
    while True:
        yield now
        now += timedelta(seconds=1)


def filled(url: str) -> None:
    """Write twelve entries in five acts: units, cards, corrections, one paper as evidence."""
    ticks = clock()
    with opened(url, clock=lambda: next(ticks)) as book:
        book.act([unit("o_1"), unit("o_2")], ADMIN)
        book.act([card("A1", "示001"), card("A2", "示002"), card("A3", "示003")], CLERK, key="k1")
        for model in ("X1", "X2", "X3", "X4"):
            book.act([correction("A1", model)], CLERK)
        book.act(
            [correction("A2", "Y1"), correction("A3", "Z1"), card("A4", "示004")],
            CLERK,
            evidence=[Evidence("text/plain", b"paper")],
        )


@pytest.fixture
def url(database: str) -> str:
    """Return a database with twelve entries."""
    filled(database)
    return database


def verdict_of(url: str) -> Verdict:
    with opened(url) as book:
        return verify(book)


def checks(verdict: Verdict) -> set[str]:
    return {problem.check for problem in verdict.integrity}


def test_an_untouched_log_passes(url: str):
    seen: list[tuple[int, int]] = []
    with opened(url) as book:
        verdict = verify(book, progress=lambda done, all_: seen.append((done, all_)))
        assert verdict.integrity == ()
        assert verdict.completeness is None
        assert (verdict.size, verdict.root) == book.head()[:2]
    assert seen == [(12, 12)]
    assert "通过" in verdict.sentence("zh")
    assert "passed" in verdict.sentence("en")


def test_an_empty_log_passes(database: str):
    assert verdict_of(database).intact


@pytest.mark.target("T05")
@pytest.mark.parametrize("position", [1, 6, 12])
def test_one_flipped_byte_names_the_first_bad_entry(url: str, position: int):
    with opened(url) as book:
        ((_, _, _, _, state),) = next(book.log.rows(position, position))
    middle = len(state) // 2
    forged = state[:middle] + bytes([state[middle] ^ 1]) + state[middle + 1 :]
    with unguarded(url) as execute:
        execute("UPDATE ledger_entry SET state=? WHERE notification_id=?", forged, position)
    verdict = verdict_of(url)
    assert verdict.first is not None
    assert verdict.first.position == position
    assert {"leaf", "root"} <= checks(verdict)
    assert str(position) in verdict.first.sentence("zh")


@pytest.mark.target("T05")
def test_whoever_also_recomputes_the_leaf_is_found_by_the_root(url: str):
    with opened(url) as book:
        ((_, _, _, _, state),) = next(book.log.rows(4, 4))
    forged = state.replace(b"650000", b"150000")
    assert forged != state
    with unguarded(url) as execute:
        execute(
            "UPDATE ledger_entry SET state=?, leaf=? WHERE notification_id=4",
            forged,
            tree.leaf(forged),
        )
    assert checks(verdict_of(url)) == {"root"}


TAMPERED: list[tuple[str, str, int, str]] = [
    ("an entry removed", "DELETE FROM ledger_entry WHERE notification_id=7", 7, "position-gap"),
    ("the tail removed", "DELETE FROM ledger_entry WHERE notification_id>10", 11, "command"),
    (
        "an entry in another stream",
        "UPDATE ledger_entry SET originator_id='asset/A9' WHERE notification_id=3",
        3,
        "columns",
    ),
    (
        "an entry under another number",
        "UPDATE ledger_entry SET originator_version=9 WHERE notification_id=9",
        9,
        "seq-gap",
    ),
    (
        "an entry of another type",
        "UPDATE ledger_entry SET topic='asset.received' WHERE notification_id=3",
        3,
        "columns",
    ),
    (
        "a type nobody knows",
        "UPDATE ledger_entry SET topic='asset.invented' WHERE notification_id=3",
        3,
        "columns",
    ),
    ("a leaf of zeros", "UPDATE ledger_entry SET leaf=substr(state,1,32)", 1, "leaf"),
    ("an earlier size", "UPDATE ledger_head SET size=11", 0, "size"),
    ("another time of the last", "UPDATE ledger_head SET recorded_at='2030'", 0, "last-time"),
    ("another actor", "UPDATE ledger_command SET actor='u_other' WHERE first=3", 3, "command"),
    ("another time", "UPDATE ledger_command SET recorded_at='2030' WHERE first=3", 3, "command"),
    ("another cause", "UPDATE ledger_command SET cause='cmd_X' WHERE first=3", 3, "command"),
    ("another context", "UPDATE ledger_command SET context='{ }' WHERE first=3", 3, "command"),
    ("another key", "UPDATE ledger_command SET key='k2' WHERE first=3", 3, "command"),
    ("another fingerprint", "UPDATE ledger_command SET fingerprint='' WHERE first=3", 3, "command"),
    ("a command removed", "DELETE FROM ledger_command WHERE first=3", 3, "command"),
    ("the last command removed", "DELETE FROM ledger_command WHERE first=10", 10, "command"),
    ("commands that overlap", "UPDATE ledger_command SET count=3 WHERE first=1", 1, "command"),
    (
        "a command of nothing",
        "INSERT INTO ledger_command VALUES (99,1,'c','a',NULL,'','{}','2030','')",
        99,
        "command",
    ),
    ("a claim removed", "DELETE FROM ledger_claim WHERE value='示001'", 3, "claim"),
    (
        "a claim of another stream",
        "UPDATE ledger_claim SET stream='asset/A2' WHERE value='示001'",
        3,
        "claim",
    ),
    (
        "a claim nobody made",
        "INSERT INTO ledger_claim VALUES ('asset_no','示999','asset/A1')",
        0,
        "claim-unfounded",
    ),
    ("other media", "UPDATE ledger_evidence SET media='image/png'", 0, "evidence"),
    ("other evidence", "UPDATE ledger_evidence SET content=substr(content,2)", 0, "evidence"),
]


@pytest.mark.target("T05")
@pytest.mark.parametrize(
    ("statement", "position", "check"), [t[1:] for t in TAMPERED], ids=[t[0] for t in TAMPERED]
)
def test_every_kind_of_tampering_is_found_at_its_place(
    url: str, statement: str, position: int, check: str
):
    with unguarded(url) as execute:
        execute(statement)
    verdict = verdict_of(url)
    assert check in checks(verdict), verdict.integrity
    assert verdict.first is not None
    assert verdict.first.position == position, verdict.integrity


def test_a_missing_guard_is_a_finding(url: str):
    if url.startswith("sqlite:"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as file:
            file.execute("DROP TRIGGER ledger_entry_no_update")
            file.execute(
                "CREATE TRIGGER ledger_entry_no_update BEFORE UPDATE ON ledger_entry"
                " BEGIN SELECT 1; END"
            )
            file.commit()
    else:
        import psycopg

        with psycopg.connect(url) as server:
            server.execute("ALTER TABLE ledger_entry DISABLE TRIGGER USER")
    assert checks(verdict_of(url)) == {"schema"}


def test_a_ruined_log_is_answered_within_bounds(url: str):
    with opened(url) as book:
        book.act([unit(f"p_{n}") for n in range(200)], ADMIN)
    with unguarded(url) as execute:
        execute("UPDATE ledger_entry SET leaf=substr(state,1,32)")
    verdict = verdict_of(url)
    assert len(verdict.integrity) == PROBLEMS_MAX
    assert verdict.unlisted == 212 - PROBLEMS_MAX
    assert "212" in verdict.sentence("en")


def test_a_right_edge_with_the_right_root_that_is_another_edge_is_a_finding(url: str):
    """Twelve leaves end in two subtrees; one hash that is the root would pass for them."""
    with opened(url) as book:
        root = book.head()[1]
    with unguarded(url) as execute:
        execute("UPDATE ledger_head SET frontier=?", root)
    assert checks(verdict_of(url)) == {"root"}


def rewritten(url: str, position: int, old: bytes, new: bytes) -> None:
    """Change an entry's bytes and its leaf, as its owner can."""
    with opened(url) as book:
        ((_, _, _, _, state),) = next(book.log.rows(position, position))
    forged = bytes(state).replace(old, new)
    assert forged != state
    with unguarded(url) as execute:
        query = "UPDATE ledger_entry SET state=?, leaf=? WHERE notification_id=?"
        execute(query, forged, tree.leaf(forged), position)


def test_one_number_of_two_things_is_a_finding_at_the_second(url: str):
    rewritten(url, 4, "示002".encode(), "示001".encode())
    found = [p for p in verdict_of(url).integrity if p.check == "claim"]
    assert [p.position for p in found] == [4]
    assert "示001" in found[0].detail


def test_an_entry_recorded_before_the_one_in_front_of_it_is_a_finding(url: str):
    rewritten(url, 7, b'"recorded_at":"2025', b'"recorded_at":"2024')
    found = [p for p in verdict_of(url).integrity if p.check == "time-backwards"]
    assert [p.position for p in found] == [7]


def test_an_entry_written_in_another_form_is_a_finding(url: str):
    rewritten(url, 5, b'{"actor"', b'{ "actor"')
    assert ("canonical", 5) in {(p.check, p.position) for p in verdict_of(url).integrity}


def test_an_entry_beyond_the_limit_is_a_finding(url: str):
    rewritten(url, 1, "示例市".encode(), "示例市".encode() * 8_000)
    assert ("too-large", 1) in {(p.check, p.position) for p in verdict_of(url).integrity}


def test_a_log_without_its_head_is_told_as_damaged(url: str):
    with opened(url) as book:
        with unguarded(url) as execute:
            execute("DELETE FROM ledger_head")
        assert checks(verify(book)) == {"unreadable-file"}


@pytest.mark.one_backend("the bytes of the file are damaged")
def test_a_page_of_zeros_is_told_as_damaged(tmp_path: Path):
    """Whatever page is lost: refused, found, or not one that is read."""
    whole, torn = tmp_path / "whole.db", tmp_path / "torn.db"
    filled(f"sqlite:///{whole}")
    content, found = whole.read_bytes(), set[str]()
    for start in range(4096, len(content), 4096):
        torn.write_bytes(content[:start] + bytes(4096) + content[start + 4096 :])
        try:
            with opened(f"sqlite:///{torn}") as book:
                found |= checks(verify(book))
        except Unavailable as trouble:
            found.add(trouble.kind)
        for file in tmp_path.glob("torn.db*"):
            file.unlink()
    assert {"unreadable-file"} <= found <= {*CHECKS, "damaged"}


@pytest.mark.one_backend("the bytes of the file are damaged")
def test_a_database_that_cannot_be_opened_is_no_verdict(sqlite_url: str):
    """Away is not forged: whoever asks is told why there is no answer."""
    filled(sqlite_url)
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    with opened(sqlite_url) as book:
        with book.log.reading():  # the next reader has to open the file anew
            file.rename(file.with_name("elsewhere.db"))
            file.mkdir()
            with pytest.raises(Unavailable) as trouble:
                verify(book)
            assert trouble.value.kind != "damaged"
        file.rmdir()
        file.with_name("elsewhere.db").rename(file)


def test_who_waits_is_told_page_by_page(url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(verifying, "PAGE_ROWS", 5)
    seen: list[int] = []
    with opened(url) as book:
        assert verify(book, progress=lambda done, _: seen.append(done)).intact
    assert seen == [5, 10, 12]


def test_a_mirror_that_knows_more_than_the_log_tells_what_was_cut_off(
    database: str, tmp_path: Path
):
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    with opened(database) as book:
        book.act([unit(f"u{n}") for n in range(9)], ADMIN)
        note = Notary(tmp_path / "n.db", Signer.of("log.example", LOG, key)).sign(book)
        mirror = Mirror(tmp_path / "mirror")
        mirror.bring(book.log, note)
        assert verify(book, mirror=mirror).intact
        with unguarded(database) as execute:
            execute("DELETE FROM ledger_entry WHERE notification_id>6")
        verdict = verify(book, mirror=mirror)
        assert Problem(check="cut-off", position=7, detail="9") in verdict.integrity
        rewritten(database, 4, "示例市".encode(), "某某市".encode())
        assert Problem(check="mirror", position=4) in verify(book, mirror=mirror).integrity


@pytest.mark.target("T16")
def test_a_list_that_misses_an_entry_fails_completeness_alone(url: str):
    def lists(_: Book) -> Iterable[str]:
        yield "inventory: 2 / 3"

    with opened(url) as book:
        verdict = verify(book, lists=lists)
        assert verdict.intact
        assert not verdict.complete
        assert "完整性：通过" in verdict.sentence("zh")
        assert "inventory: 2 / 3" in verdict.sentence("zh")
        assert verify(book, lists=lambda _: ()).complete


@pytest.mark.parametrize("check", CHECKS)
def test_every_finding_is_told_in_both_languages(check: str):
    problem = Problem(check=check, position=7, detail="…")
    assert CHINESE.search(problem.sentence("zh"))
    assert not CHINESE.search(problem.sentence("en"))


ENTRY = (
    b'{"actor":"u_1","body":{"n":1},"cause":"c","corrects":null,"effective_at":"e",'
    b'"recorded_at":"r","salt":"s","seq":1,"stream":"t","tv":1,"type":"y","v":1}'
)


@pytest.mark.parametrize(
    "state",
    [
        ENTRY.replace(b'{"actor":"u_1",', b"{")[:-1] + b',"actor":"u_1"}',
        ENTRY.replace(b'"v":1', b'"v":1,"v":1'),
        ENTRY.replace(b'"v":1', b'"v": 1'),
        ENTRY.replace(b'"n":1', b'"n":1.5'),
        ENTRY.replace(b'"n":1', b'"n":1e3'),
        ENTRY.replace(b'"n":1', b'"n":1.0'),
        ENTRY.replace(b'"n":1', b'"n":9007199254740992'),
        ENTRY.replace(b'"n":1', b'"n":NaN'),
        ENTRY.replace(b'"n":1', b'"n":"\\u0041"'),
        ENTRY.replace(b'"n":1', b'"n":"\xff"'),
        ENTRY.replace(b'"v":1', b'"v":1,"w":1'),
        ENTRY + b"\n",
        b"[]",
        b"",
    ],
)
def test_bytes_that_are_not_canonical_are_named(state: bytes):
    assert uncanonical(ENTRY) == ""
    assert uncanonical(state)


@pytest.mark.parametrize(
    ("said", "right"),
    [
        (b'{"n":9007199254740991}', True),
        (b'{"n":-9007199254740991}', True),
        (b'{"a":[true,{"n":9007199254740991}],"b":"9"}', True),
        (b'{"a":[true,9007199254740992]}', False),
        (b'{"a":{"b":[1,2,-9007199254740992]}}', False),
    ],
)
def test_integers_end_where_every_reader_can_follow(said: bytes, right: bool):
    """The last whole number that JSON readers of all languages share, and the one after it."""
    assert (uncanonical(ENTRY.replace(b'{"n":1}', said)) == "") is right


@given(st.binary(max_size=200))
def test_no_bytes_make_the_check_stumble(state: bytes):
    assert isinstance(uncanonical(state), str)


@given(st.lists(st.binary(max_size=8), max_size=140))
def test_recursion_and_frontier_give_the_same_root(entries: list[bytes]):
    leaves = [tree.leaf(e) for e in entries]
    frontier: list[bytes] = []
    assert tree.grow(0, frontier, leaves) == len(leaves)
    assert root_of(leaves) == tree.root(frontier)
    assert len(frontier) == len(leaves).bit_count()


# Bit flips --------------------------------------------------------------------


def everything(path: Path) -> bytes:
    """Return a digest of all that a reader of the ledger can be told."""
    digest = sha256()
    with closing(sqlite3.connect(path)) as file:
        tables = sorted(
            row[0] for row in file.execute("SELECT name FROM sqlite_master WHERE type='table'")
        )
        for table in tables:
            for row in file.execute(f"SELECT * FROM {table} ORDER BY 1, 2"):
                digest.update(repr((table, tuple(row))).encode())
    return digest.digest()


def outcome(path: Path, original: bytes) -> str:
    """Say what became of a file with one flipped bit."""
    try:
        verdict = verdict_of(f"sqlite:///{path}")
    except (Unavailable, Unsafe, Corrupt) as error:
        return f"refused: {type(error).__name__}"
    if not verdict.intact:
        return "found"
    return "harmless" if everything(path) == original else "SILENT"


@pytest.mark.one_backend("the bytes of the file are damaged")
@pytest.mark.target("T05")
def test_a_flipped_bit_anywhere_is_harmless_or_refused_or_found(tmp_path: Path):
    """R5: a bit at a hundred random places, and each of the header; no other answer in silence."""
    whole = tmp_path / "whole.db"
    filled(f"sqlite:///{whole}")
    original, content = everything(whole), whole.read_bytes()
    print(f"seed {SEED}")
    dice = random.Random(SEED)
    anywhere = [(dice.randrange(len(content)), 1 << dice.randrange(8)) for _ in range(100)]
    # Of every bit of the header: what is wrong there, SQLite says in many ways.
    header = [(place, 1 << bit) for place in range(100) for bit in range(8)]
    outcomes: dict[str, int] = {}
    for number, (place, bit) in enumerate(anywhere + header):
        flipped = tmp_path / f"{number}.db"
        flipped.write_bytes(content[:place] + bytes([content[place] ^ bit]) + content[place + 1 :])
        answer = outcome(flipped, original)
        assert answer != "SILENT", f"seed {SEED}: bit {bit} at {place} of {len(content)}"
        outcomes[answer] = outcomes.get(answer, 0) + 1
        for file in tmp_path.glob(f"{number}.db*"):
            file.unlink()
    print(outcomes)
    assert outcomes.get("found", 0) + sum(v for k, v in outcomes.items() if "refused" in k) > 0
