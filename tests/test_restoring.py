"""A ledger goes out as lines and comes back the same: bytes, positions, root, lists, keys."""

from __future__ import annotations

import csv
import json
import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from books import ADMIN, CLERK, card, correction, opened, unguarded, unit
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from test_cli import commanded, ready
from test_projections import dump

from api import demo
from api.cli_terminal import REFUSED, USAGE
from domain.decider import Ask, Refused
from ledger import restoring
from ledger.act import Evidence, KeyReused
from ledger.book import Book
from ledger.entry import ENTRY_BYTES_MAX
from ledger.notary import Notary
from ledger.notes import LOG, Checkpoint, Note, Signer
from ledger.restoring import ENTRY_MARK, Restored, Unrestorable, lines, restore
from ledger.verifying import verify
from projections.store import ReadModels

Fresh = Callable[[], str]


@pytest.fixture
def source(sqlite_url: str) -> Iterator[Book]:
    """Lend a ledger with several streams in one act, a key, evidence and a reversal."""
    with opened(sqlite_url.replace("ledger.db", "source.db")) as book:
        book.act([unit("a"), unit("b"), unit("c")], ADMIN, key="units")
        photo = Evidence("image/png", b"\x89PNG\x00" * 50)
        book.act([card("A1"), card("A2")], CLERK, key="cards", evidence=[photo])
        book.act([correction("A1", "X1 碳“纤维”")], CLERK, context={"address": "::1"})
        book.reverse("asset/A1", 2, CLERK, reason="录入有误")
        yield book


@pytest.fixture
def target(database: str) -> Iterator[Book]:
    """Lend an empty ledger on each back end."""
    with opened(database) as book:
        yield book


def lists(book: Book) -> object:
    models = ReadModels.open(book.url)
    models.catch_up(book)
    shown = dump(models)
    models.close()
    return shown


@pytest.mark.reliability("R20")
@pytest.mark.target("T17", "T124")
def test_a_ledger_that_went_out_comes_back_the_same(source: Book, target: Book) -> None:
    """Root, exact bytes, lists, keys and evidence are equal; the way out is the same again."""
    out = list(lines(source))
    size, root, recorded_at = source.head()
    assert restore(target, out) == Restored(size=size, root=root, whole=True)
    assert target.head() == (size, root, recorded_at)
    assert list(target.log.rows(1)) == list(source.log.rows(1))
    assert list(lines(target)) == out
    verdict = verify(target)
    assert verdict.intact, verdict.integrity
    assert lists(target) == lists(source)
    again = target.act([card("A1"), card("A2")], CLERK, key="cards")
    assert again.replayed and target.head()[0] == size
    with pytest.raises(KeyReused):
        target.act([unit("z")], ADMIN, key="units")
    with pytest.raises(Refused):
        target.act([card("A3", number="A1")], CLERK)
    assert target.act([unit("d")], ADMIN).first == size + 1
    assert verify(target).intact


@pytest.mark.target("T17")
def test_the_log_alone_has_the_same_root_but_is_told_as_incomplete(
    source: Book, target: Book
) -> None:
    out = [line for line in lines(source) if line.startswith(b'{"actor":')]
    assert b"".join(out).splitlines() == [row[4] for page in source.log.rows(1) for row in page]
    restored = restore(target, out)
    assert (restored.root, restored.whole) == (source.head()[1], False)
    assert verify(target).intact
    assert lists(target) == lists(source)


def changed(out: list[bytes], which: int, old: bytes, new: bytes) -> list[bytes]:
    assert old in out[which]
    return [*out[:which], out[which].replace(old, new), *out[which + 1 :]]


@pytest.mark.target("T17", "T05")
def test_a_changed_shortened_or_reordered_file_leaves_nothing_behind(
    source: Book, target: Book
) -> None:
    out = list(lines(source))
    entries = [n for n, line in enumerate(out) if line.startswith(b'{"actor":')]
    first, last = entries[0], entries[-1]
    bad = {
        "one word": changed(out, last, "录入有误".encode(), "录入有悟".encode()),
        "spaces": changed(out, first, b'{"actor":"', b'{"actor": "'),
        "cut off": out[: last - 1],
        "torn line": [*out[:last], out[last][:-40]],
        "one left out": out[:first] + out[first + 1 :],
        "two swapped": [*out[:first], out[first + 1], out[first], *out[first + 2 :]],
        "unknown line": [*out, b'{"other":1}\n'],
        "no JSON": [*out, b"\xff\xfe\n"],
        "a float": changed(out, first, b'"seq":1', b'"seq":1.0'),
        "evidence": changed(out, len(out) - 1, b"iVBORw", b"*VBORw"),
        "claim": [*out, b'{"claim":["asset_no","A1","asset/A9"]}\n'],
        "evidence twice": [*out, out[-1]],
        "empty": [],
        "heading alone": out[:1],
    }
    for what, file in bad.items():
        with pytest.raises(Unrestorable) as refused:
            restore(target, file)
        for lang in ("zh", "en"):
            assert refused.value.sentence(lang), what
        assert target.head()[0] == 0, what
        assert not list(target.log.rows(1)), what
    with pytest.raises(Unrestorable, match="root should be"):
        restore(target, out, root=bytes(32))
    assert restore(target, out, root=source.head()[1]).whole
    assert verify(target).intact


@pytest.mark.target("T17")
def test_the_log_alone_is_held_to_its_own_order_and_numbers(source: Book, target: Book) -> None:
    """Without commands the entries speak for themselves: seq, time, numbers, size of each."""
    out = [line for line in lines(source) if line.startswith(ENTRY_MARK)]
    of_a1 = [n for n, line in enumerate(out) if b'"stream":"asset/A1"' in line]
    a2 = next(n for n, line in enumerate(out) if b'"stream":"asset/A2"' in line)
    bad = {
        "goes from 1": out[: of_a1[1]] + out[of_a1[1] + 1 :],
        "before the entry in front": [out[a2], *out[:a2], *out[a2 + 1 :]],
        "used twice": changed(out, a2, b'"asset_no":"A2"', b'"asset_no":"A1"'),
        "65,535 bytes": [*out, ENTRY_MARK + bytes(ENTRY_BYTES_MAX)],
        "neither an entry": [*out, b"{}\n"],
    }
    for why, file in bad.items():
        with pytest.raises(Unrestorable, match=why):
            restore(target, file)
        assert target.head()[0] == 0, why


def test_commands_and_checkpoints_must_fit_the_entries(
    source: Book, target: Book, tmp_path: Path
) -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    note = Notary(tmp_path / "n.db", Signer.of("log.example", LOG, key)).sign(source)
    out = list(lines(source))
    assert out[-1].startswith(b'{"checkpoint":')
    other = Note(Checkpoint("log.example", 2, bytes(32)).text, note.signatures).raw.decode()
    bad = {
        "the command begins at 2": changed(out, 1, b'"first":1', b'"first":2'),
        "lacks entries": changed(out, 1, b'"count":3', b'"count":4'),
        "of another log": [*out[:-1], json.dumps({"checkpoint": other}).encode()],
        "cannot be restored": [*out[:-1], b'{"checkpoint":"nothing"}'],
    }
    for why, file in bad.items():
        with pytest.raises(Unrestorable, match=why):
            restore(target, file)
        assert target.head()[0] == 0, why
    assert restore(target, out).whole
    assert target.log.checkpoints(0, 99, 9) == [(source.head()[0], note.raw)]


def test_an_attestation_of_more_entries_than_there_are_is_of_another_log(
    source: Book, target: Book
) -> None:
    out = list(lines(source))
    for size in (-1, source.head()[0] + 1):
        attested = json.dumps({"attestation": ["tsa", size, "eA=="]}).encode()
        with pytest.raises(Unrestorable, match=f"attestation of {size} entries is of another log"):
            restore(target, [*out, attested])
        assert target.head()[0] == 0


def test_a_long_ledger_is_written_page_by_page_and_each_is_told(
    source: Book, target: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restoring, "ROWS", 2)
    told: list[tuple[int, int]] = []
    out = list(lines(source, progress=lambda done, size: told.append((done, size))))
    size = source.head()[0]
    assert told == [(3, size), (5, size), (6, size), (7, size)]
    told.clear()
    assert restore(target, out, progress=lambda done, of: told.append((done, of))).whole
    assert told[0] == (2, size) and told[-1] == (size, size) and len(told) > 3
    assert verify(target).intact


def test_a_line_beyond_the_limit_is_refused(
    source: Book, target: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = list(lines(source))
    monkeypatch.setattr(restoring, "LINE_BYTES_MAX", max(len(line) for line in out))
    with pytest.raises(Unrestorable, match="too long"):
        restore(target, [*out, max(out, key=len)[:-1] + b"  \n"])
    assert target.head()[0] == 0
    assert restore(target, out).whole


def test_only_an_empty_ledger_is_restored_into(source: Book, target: Book) -> None:
    out = list(lines(source))
    target.act([unit("z")], ADMIN)
    with pytest.raises(Unrestorable, match="already"):
        restore(target, out)
    assert target.head()[0] == 1 and verify(target).intact


def test_a_forged_command_is_not_taken_for_the_ledgers_own(source: Book, target: Book) -> None:
    """An entry must belong to the command above it: cause, actor and time."""
    out = list(lines(source))
    with pytest.raises(Unrestorable, match="another command"):
        restore(target, changed(out, 1, b'"u_admin"', b'"u_other"'))
    assert target.head()[0] == 0


@pytest.mark.one_backend("a copy of the file is altered")
@pytest.mark.target("T17")
def test_the_way_out_shows_one_moment_while_others_write(source: Book) -> None:
    out = lines(source)
    heading = next(out)
    size = source.head()[0]
    with opened(source.url) as other:
        other.act([Ask("unit/late", "establish", {"name": "示例市某局", "kind": "organ"})], ADMIN)
    assert f'"size":{size}'.encode() in heading
    assert sum(line.startswith(b'{"actor":') for line in out) == size


def test_what_was_altered_in_the_database_is_not_carried_over_in_silence(
    source: Book, target: Book, tmp_path: Path
) -> None:
    """The heading keeps the old root, so altered bytes do not come back as the same ledger."""
    copy = tmp_path / "altered.db"
    source.act([unit("q")], ADMIN)
    shutil.copy(source.url.removeprefix("sqlite:///"), copy)
    for wal in ("-wal", "-shm"):
        beside = Path(source.url.removeprefix("sqlite:///") + wal)
        if beside.exists():
            shutil.copy(beside, str(copy) + wal)
    with unguarded(f"sqlite:///{copy}") as execute:
        execute(
            "UPDATE ledger_entry SET state=CAST(replace(CAST(state AS TEXT), '示例市', '某某市')"
            " AS BLOB) WHERE notification_id=2"
        )
    with opened(f"sqlite:///{copy}") as altered, pytest.raises(Unrestorable, match="promises"):
        restore(target, lines(altered))


# By command ---------------------------------------------------------------------------


@pytest.mark.target("T17", "T111")
def test_two_commands_move_a_ledger_with_what_was_imported(
    sqlite_url: str, database: str, tmp_path: Path
) -> None:
    """After the move the same import still adds nothing, and another is refused a full database."""
    old, file = sqlite_url.replace("ledger.db", "old.db"), tmp_path / "ledger.jsonl"
    published = shlex.quote(str(demo.SAMPLE / "current_fleet_surplus_auction_list.csv.gz"))
    commanded(f"--database {old} import {published}")
    commanded(f"--database {old} export ledger --to {file}")
    head = json.loads(commanded(f"--database {old} --json head").stdout)
    line = f"restore {file} --database {database} --root {head['root']}"
    replayed = json.loads(commanded(f"--database {old} audit replay --json").stdout)
    assert json.loads(commanded(f"{line} --json").stdout) == {
        "digest": replayed["digest"],
        "size": head["size"],
        "root": head["root"],
        "whole": True,
        "beside": {},
        "intact": True,
    }
    assert json.loads(commanded(f"--database {database} --json head").stdout) == head
    again = json.loads(commanded(f"--database {database} import {published} --json").stdout)
    assert again[0]["events"] == 0
    assert commanded(f"--database {old} export inventory").stdout_bytes == (
        commanded(f"--database {database} export inventory").stdout_bytes
    )
    assert "已有账本" in commanded(f"--lang zh {line}", code=REFUSED).output
    assert "--root" in commanded(f"restore {file} --root 12", code=USAGE).output


@pytest.mark.target("T17")
def test_events_of_any_period_go_out_as_bytes_and_as_a_table(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ready(database, monkeypatch)
    rows = list(
        csv.reader(run("--lang zh export events").stdout_bytes.decode("utf-8-sig").splitlines())
    )
    assert [row[5] for row in rows[1:]] == [
        *("unit.established", "unit.established"),
        *("asset.registered", "asset.issued_to_user"),
    ]
    assert rows[3][3] == "2026-05-01" and "SL-001 笔记本电脑" in rows[3][6]
    assert len({len(row) for row in rows}) == 1
    today = rows[1][4][:10]
    every = run("export entries").stdout_bytes
    assert run(f"export entries --since {today} --until {today}").stdout_bytes == every
    assert run("export entries --until 2001-01-01").stdout_bytes == b""
    assert run("export entries --since 2999-01-01").stdout_bytes == b""
    lines_ = run("--lang en export events --until 2001-01-01").stdout.lstrip("\ufeff").splitlines()
    assert len(lines_) == 1 and lines_[0].startswith("position,stream")
    assert "YYYY-MM-DD" in run("export entries --since 1.5.2026", code=USAGE).output
