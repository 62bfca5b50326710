"""One file brings an installation back, and nothing else than what was in it (T126)."""

from __future__ import annotations

import gzip
import json
import shlex
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from doors import CARD, PASSWORD, staffed
from sqlalchemy import create_engine, inspect
from test_cli import CLERK, commanded
from test_projections import dump

from api import backing_up, evidence, kept
from api.app import create_app
from api.backing_up import End, check, framed, ledger_lines, save
from api.cli_terminal import REFUSED, UNAVAILABLE, USAGE
from api.office import Actor, Office
from api.settings import Settings
from ledger import restoring, vault
from ledger.restoring import Unrestorable
from ledger.verifying import verify

NAME = "欧阳标记"  # of a person: must be nowhere in a backup
ADMIN = Actor(person="u_admin", unit="o_a", role="admin")


def fill(office: Office) -> None:
    """Record cards, an attachment, what a reader saw, and what people are called."""
    office.accounts.create("marked", PASSWORD, "u_marked", NAME, "o_a", ["keeper"])
    for number in range(4):
        card = CARD | {"asset_no": f"SL-{number}", "name": "投影仪"}
        office.ask(f"asset/A{number}", "register_existing", card, CLERK, key=f"card-{number}")


@pytest.fixture
def office(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setenv("GONGWU_VAULT", str(tmp_path / "vault.key"))
    with staffed(database) as office:
        fill(office)
        yield office


@pytest.fixture
def file(office: Office, tmp_path: Path) -> Path:
    save(office, tmp_path / "whole.gongwu")
    return tmp_path / "whole.gongwu"


@pytest.fixture(scope="module")
def packed(module_database: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a backup that nobody changes."""
    folder = tmp_path_factory.mktemp("packed")
    with staffed(module_database) as office:
        fill(office)
        save(office, folder / "whole.gongwu")
    return folder / "whole.gongwu"


def everything(office: Office) -> dict[str, object]:
    """Return all that a backup is to bring back, table by table, and the lists."""
    server = not office.book.url.startswith("sqlite:")
    with office.book.log.snapshot() as select:
        found: dict[str, object] = {
            table.name: list(table.rows(select, server=server))
            for table in (*evidence.tables(office), *kept.tables())
        }
    found["ledger"] = list(restoring.lines(office.book))
    found["lists"] = dump(office.models)
    return found


def restored(line: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(commanded(f"--json restore {line}").stdout)
    return found


# There and back -----------------------------------------------------------------------


@pytest.mark.target("T126", "T124")
def test_a_backup_brings_everything_back_on_either_database(
    office: Office, database: str, sqlite_url: str, tmp_path: Path
) -> None:
    """Ledger, evidence, log-ins and sealed names are equal; lists are; people sign in as before."""
    file, new = tmp_path / "b.gongwu", sqlite_url.replace("ledger.db", "new.db")
    told = json.loads(commanded(f"--database {database} --json backup {file}").stdout)
    size, root, _ = office.book.head()
    assert (told["size"], told["root"], told["bytes"]) == (size, root.hex(), file.stat().st_size)
    assert told["tables"]["account_login"] == 9 and not told["vault_key"]
    assert file.stat().st_mode & 0o777 == 0o600
    answer = restored(f"{file} --database {new} --root {root.hex()}")
    assert (answer["size"], answer["root"], answer["intact"]) == (size, root.hex(), True)
    back = Office.open(Settings(database=new))
    try:
        assert everything(back) == everything(office)
        assert verify(back.book, beside=evidence.tables(back)).intact
        assert back.accounts.names("zh")["u_marked"] == NAME
        assert back.accounts.check("marked", PASSWORD) is not None
        again = back.ask("asset/A0", "register_existing", CARD | {"asset_no": "SL-0", "name": "投影仪"},
                         CLERK, key="card-0")  # fmt: skip
        assert again.replayed
        assert list(framed(back))[1:-1] == list(framed(office))[1:-1]
    finally:
        back.close()


@pytest.mark.target("T126", "T124")
@pytest.mark.parametrize("backend", ["sqlite"])
def test_a_backup_of_a_file_goes_to_a_server(
    office: Office, file: Path, postgresql_url: str
) -> None:
    restored(f"{file} --database {postgresql_url}")
    back = Office.open(Settings(database=postgresql_url))
    try:
        assert everything(back) == everything(office)
    finally:
        back.close()


@pytest.mark.target("T126", "T09")
def test_no_name_and_no_password_can_be_read_in_a_backup(office: Office, file: Path) -> None:
    plain = gzip.decompress(file.read_bytes())
    assert "投影仪".encode() in plain  # what is public is there, and would be found
    assert NAME.encode() not in plain and PASSWORD.encode() not in plain
    assert json.dumps(NAME).encode() not in plain
    assert office.accounts.vault.file.read_bytes() not in plain


@pytest.mark.target("T126")
def test_what_is_recorded_meanwhile_is_wholly_outside(office: Office, tmp_path: Path) -> None:
    """The backup is of one moment: people go on while it is written."""
    size = office.book.head()[0]
    lines = framed(office)
    first = [next(lines), next(lines), next(lines)]
    office.ask("asset/LATE", "register_existing", CARD | {"asset_no": "SL-9"}, CLERK)
    rest = list(lines)
    end = json.loads(rest[-1])["end"]
    assert end["parts"]["entry"]["lines"] == size < office.book.head()[0]
    assert not any(b"asset/LATE" in line for line in (*first, *rest))


def test_the_frame_says_how_much_there_is_of_what(office: Office, file: Path) -> None:
    lines = gzip.decompress(file.read_bytes()).splitlines(keepends=True)
    first, end = json.loads(lines[0])["backup"], json.loads(lines[-1])["end"]
    assert first["format"] == "gongwu-backup/1" and first["made_at"].endswith("Z")
    assert end["lines"] == len(lines) - 1 and end["bytes"] == sum(map(len, lines[:-1]))
    assert sum(part["bytes"] for part in end["parts"].values()) == end["bytes"]
    assert end["parts"]["vault_value"]["lines"] == first["tables"]["vault_value"]
    assert b"".join(ledger_lines(file)) == b"".join(lines[1:-1])


# What does not come back --------------------------------------------------------------


def empty(url: str) -> bool:
    """Tell that nothing was written: no database, one without tables, a ledger without entries."""
    if url.startswith("sqlite:") and not Path(url.removeprefix("sqlite:///")).exists():
        return True
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    try:
        with engine.connect() as c:
            return not inspect(c).has_table("ledger_head") or (
                c.exec_driver_sql("SELECT size FROM ledger_head").scalar_one() == 0
                and c.exec_driver_sql("SELECT count(*) FROM account_login").scalar_one() == 0
            )
    finally:
        engine.dispose()


@pytest.mark.either_backend(
    "the backup itself is looked at, and it is the same from either; both come back in this module"
)
@pytest.mark.target("T126")
def test_a_damaged_or_shortened_backup_is_refused_whole(
    packed: Path, tmp_path: Path, new_database: Callable[[], str]
) -> None:
    """Turn one bit, or cut, at places all over the file: each time nothing is believed."""
    raw, bad = packed.read_bytes(), tmp_path / "bad.gongwu"
    places = sorted({*range(10, len(raw), max(1, len(raw) // 60)), 4, len(raw) - 5, len(raw) - 1})
    for place in places:
        turned = bytearray(raw)
        turned[place] ^= 1 << (place % 8)
        bad.write_bytes(turned)
        if place in (4, 8, 9):  # the time and the machine in gzip's own heading: nothing of ours
            continue
        with pytest.raises(Unrestorable):
            check(bad)
    for length in (0, 1, 2, 20, len(raw) // 3, len(raw) - 9, len(raw) - 8, len(raw) - 1):
        bad.write_bytes(raw[:length])
        with pytest.raises(Unrestorable):
            check(bad)
    new = new_database()
    bad.write_bytes(raw[: len(raw) // 2])
    said = commanded(f"--lang zh restore {bad} --database {new}", code=REFUSED).output
    assert "已损坏或不完整" in said and "未写入" in said and empty(new)


Change = Callable[[list[bytes]], list[bytes]]


def replaced(which: bytes, old: bytes, new: bytes) -> Change:
    def change(lines: list[bytes]) -> list[bytes]:
        number = next(n for n, line in enumerate(lines) if which in line and old in line)
        return [*lines[:number], lines[number].replace(old, new), *lines[number + 1 :]]

    return change


BEHIND: dict[str, Change] = {
    "one line less": lambda lines: [*lines[:5], *lines[6:]],
    "no end": lambda lines: lines[:-1],
    "only an end": lambda lines: lines[-1:],
    "more behind the end": lambda lines: [*lines, lines[3]],
    "two lines changed places": lambda lines: [*lines[:4], lines[5], lines[4], *lines[6:]],
    "another role": replaced(b"account_login", b'"keeper"', b'"admin_"'),
    "no first line": lambda lines: lines[1:],
    "a first line twice": lambda lines: [lines[0], *lines],
    "no line end": lambda lines: [*lines[:-1], lines[-1].rstrip()],
}


@pytest.mark.either_backend(
    "the backup itself is looked at, and it is the same from either; both come back in this module"
)
@pytest.mark.target("T126")
@pytest.mark.parametrize("what", BEHIND)
def test_what_was_changed_and_packed_again_is_refused(
    what: str, packed: Path, tmp_path: Path, new_database: Callable[[], str]
) -> None:
    lines = gzip.decompress(packed.read_bytes()).splitlines(keepends=True)
    changed = tmp_path / "changed.gongwu"
    changed.write_bytes(gzip.compress(b"".join(BEHIND[what](lines))))
    new = new_database()
    commanded(f"restore {changed} --database {new}", code=REFUSED)
    assert empty(new)


def framed_again(lines: list[bytes]) -> bytes:
    """Compute the end anew, as whoever forges a backup would."""
    sums = backing_up._Sums()
    for line in lines[:-1]:
        sums.take(line)
    end: End = sums.end()
    return gzip.compress(b"".join(lines[:-1]) + msgspec.json.encode({"end": end}) + b"\n")


@pytest.mark.either_backend(
    "the backup itself is looked at, and it is the same from either; both come back in this module"
)
@pytest.mark.target("T126", "T05")
def test_a_forged_backup_fails_against_what_was_kept_elsewhere(
    office: Office, file: Path, tmp_path: Path, new_database: Callable[[], str]
) -> None:
    """A frame can be computed anew: the log's root and a checkpoint from elsewhere cannot."""
    lines = gzip.decompress(file.read_bytes()).splitlines(keepends=True)
    new = new_database()
    forged = tmp_path / "forged.gongwu"
    forged.write_bytes(
        framed_again(replaced(b'{"actor":', "投影仪".encode(), "显示器".encode())(lines))
    )
    check(forged)  # by itself the frame holds
    said = commanded(f"--lang en restore {forged} --database {new}", code=REFUSED).output
    assert "promises" in said and empty(new)

    office.ask("asset/A9", "register_existing", CARD | {"asset_no": "SL-9"}, CLERK)
    size, root, _ = office.book.head()
    paper = tmp_path / "checkpoint"
    paper.write_text(f"example.cn/log\n{size}\n{b64encode(root).decode()}\n")
    wanted = f"restore {file} --database {new} --root {root.hex()}"
    assert "The root should be" in commanded(f"--lang en {wanted}", code=REFUSED).output
    assert empty(new)
    old = commanded(f"--lang en restore {file} --database {new} --since {paper}", code=REFUSED)
    assert str(size) in old.output  # the ledger came back, and is told to lack what was signed


@pytest.mark.either_backend(
    "the backup itself is looked at, and it is the same from either; both come back in this module"
)
@pytest.mark.target("T126")
def test_the_newest_checkpoint_kept_elsewhere_is_met(
    office: Office, file: Path, tmp_path: Path, new_database: Callable[[], str]
) -> None:
    size, root, _ = office.book.head()
    paper = tmp_path / "checkpoint"
    paper.write_text(f"example.cn/log\n{size}\n{b64encode(root).decode()}\n")
    answer = restored(f"{file} --database {new_database()} --since {paper}")
    assert answer["intact"] and answer["since"] == [size]
    assert "No such file" in commanded(f"--lang en restore {tmp_path / 'no'}", code=USAGE).output
    line = f"--lang en restore {file} --since {tmp_path / 'no'}"
    assert "Cannot read" in commanded(line, code=USAGE).output


@pytest.mark.either_backend(
    "the backup itself is looked at, and it is the same from either; both come back in this module"
)
@pytest.mark.target("T126")
@pytest.mark.parametrize(
    ("old", "new"),
    [(b'"version":"0.', b'"version":"7.'), (b"gongwu-backup/1", b"gongwu-backup/2")],
)
def test_a_backup_of_a_newer_version_asks_for_an_update(
    old: bytes, new: bytes, packed: Path, tmp_path: Path, new_database: Callable[[], str]
) -> None:
    lines = gzip.decompress(packed.read_bytes()).splitlines(keepends=True)
    newer = tmp_path / "newer.gongwu"
    newer.write_bytes(framed_again([lines[0].replace(old, new), *lines[1:]]))
    said = commanded(f"--lang en restore {newer} --database {new_database()}", code=1)
    assert "newer Gongwu" in said.output and "Update first" in said.output


@pytest.mark.target("T126")
def test_a_backup_goes_into_an_empty_database_only(office: Office, file: Path) -> None:
    before = everything(office)
    said = commanded(f"--lang en restore {file} --database {office.book.url}", code=REFUSED).output
    assert "already" in said and everything(office) == before


@pytest.mark.either_backend(
    "the backup itself is looked at, and it is the same from either; both come back in this module"
)
def test_log_ins_without_a_ledger_are_in_the_way_as_well(
    packed: Path, tmp_path: Path, new_database: Callable[[], str]
) -> None:
    new = new_database()
    started = Office.open(Settings(database=new))
    started.accounts.create("mine", PASSWORD, "u_mine", "某", "o_a", ["admin"])
    started.close()
    said = commanded(f"--lang en restore {packed} --database {new}", code=REFUSED).output
    assert "account_login" in said and "empty" in said


# Beside the file ----------------------------------------------------------------------


@pytest.mark.either_backend(
    "the backup itself is looked at, and it is the same from either; both come back in this module"
)
@pytest.mark.target("T126")
def test_a_drill_proves_a_backup_and_leaves_nothing(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "scratch").mkdir()
    assert "演练完成" in commanded(f"--lang zh restore {file} --drill").output
    assert list((tmp_path / "scratch").iterdir()) == []


@pytest.mark.either_backend(
    "the backup itself is looked at, and it is the same from either; both come back in this module"
)
def test_the_master_key_goes_along_under_a_passphrase_alone(
    office: Office, tmp_path: Path, new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file, new = tmp_path / "b.gongwu", new_database()
    monkeypatch.setenv("GONGWU_BACKUP_PASSPHRASE", "correct horse")
    url = office.book.url
    commanded(f"--database {url} backup {file} --with-vault-key")
    key = office.accounts.vault.file.read_bytes()
    assert key not in gzip.decompress(file.read_bytes())
    monkeypatch.setenv("GONGWU_VAULT", str(tmp_path / "elsewhere.key"))
    monkeypatch.setenv("GONGWU_BACKUP_PASSPHRASE", "wrong")
    line = f"--lang en restore {file} --database {new} --vault-key"
    assert "Another passphrase" in commanded(line, code=REFUSED).output and empty(new)
    monkeypatch.setenv("GONGWU_BACKUP_PASSPHRASE", "correct horse")
    commanded(line)
    there = tmp_path / "elsewhere.key"
    assert there.read_bytes() == key and there.stat().st_mode & 0o777 == 0o600
    back = Office.open(Settings(database=new))
    assert back.accounts.names("zh")["u_marked"] == NAME
    back.close()
    new = new_database()
    line = f"--lang en restore {file} --database {new} --vault-key"
    there.unlink()
    vault.keep_masters(there, [vault.draw()], new=True)
    mine = there.read_bytes()
    assert "already" in commanded(line, code=REFUSED).output
    assert there.read_bytes() == mine and empty(new)


@pytest.mark.either_backend(
    "the backup itself is looked at, and it is the same from either; both come back in this module"
)
def test_a_timer_keeps_the_newest_few_and_touches_nothing_else(
    office: Office, tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    (folder / "notes.gongwu").write_text("mine")
    old = datetime(2026, 1, 1, tzinfo=UTC)
    for day in range(3):
        (folder / backing_up.name(old + timedelta(days=day))).write_text("old")
    line = f"--database {office.book.url} --json backup {folder} --keep 2"
    told = json.loads(commanded(line).stdout)
    left = backing_up.stored(folder)
    assert [file.name for file in left] == [
        backing_up.name(old + timedelta(days=2)), Path(told["file"]).name
    ]  # fmt: skip
    assert len(told["let_go"]) == 2 and (folder / "notes.gongwu").read_text() == "mine"
    assert backing_up.age(left[0], old + timedelta(days=5)) == timedelta(days=3)
    assert check(left[-1]).size == office.book.head()[0]


@pytest.mark.either_backend(
    "the backup itself is looked at, and it is the same from either; both come back in this module"
)
def test_what_cannot_be_written_leaves_no_half_backup(office: Office, tmp_path: Path) -> None:
    url = shlex.quote(office.book.url)
    there = tmp_path / "there.gongwu"
    there.write_text("mine")
    commanded(f"--database {url} backup {there}", code=USAGE)
    commanded(f"--database {url} backup {tmp_path / 'no' / 'b'}", code=UNAVAILABLE)
    commanded(f"--database {url} backup {tmp_path / 'b'} --keep 2", code=USAGE)
    assert there.read_text() == "mine" and not list(tmp_path.glob(".*part"))


def test_every_store_of_every_door_is_taken_along_or_known_to_pass(office: Office) -> None:
    """Once all doors have been opened, nothing lies in the database that nobody declared."""
    create_app(office.settings, office)
    assert evidence.tables(office)
    with office.book.log.snapshot() as select:
        assert not kept.forgotten(select, server=not office.book.url.startswith("sqlite:"))
    names = {table.name for table in kept.tables()}
    assert names >= {"account_login", "account_token", "account_factor", "vault_key", "vault_value"}
    assert not names & kept.PASSING


@pytest.mark.parametrize("backend", ["postgresql"])
def test_numbers_that_a_server_gives_go_on_after_what_came_back(office: Office) -> None:
    with office.accounts.engine.begin() as c:
        c.exec_driver_sql("INSERT INTO account_failure (id, what, at) VALUES (7, 'x', 'y')")
    kept.renumber(office)
    with office.accounts.engine.begin() as c:
        c.exec_driver_sql("INSERT INTO account_failure (what, at) VALUES ('x', 'y')")
        assert c.exec_driver_sql("SELECT max(id) FROM account_failure").scalar_one() == 8


def test_a_table_that_no_backup_knows_is_told_not_left_out(office: Office, tmp_path: Path) -> None:
    """Whoever adds a store declares it in `api/kept.py`; every table there is declared."""
    with office.accounts.engine.begin() as c:
        c.exec_driver_sql("CREATE TABLE stranger (id INTEGER)")
    with pytest.raises(Unrestorable, match="stranger"):
        save(office, tmp_path / "b.gongwu")
    assert not (tmp_path / "b.gongwu").exists()
