"""What is in deploy/ holds: units that systemd takes, a container without rights, an archive that installs."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api import cli, settings_file, settings_shown
from api.cli_terminal import OK

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "deploy"
UNITS = sorted([*DEPLOY.glob("*.service"), *DEPLOY.glob("*.timer")])
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]
EXPOSURE_MAX = 20  # of 100, as systemd counts it: 2.0, "OK"


def analyze(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("no systemd-analyze on this machine (Debian: systemd)")
    return subprocess.run([program, *words], cwd=cwd, capture_output=True, text=True)


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """Return the units with a program that is there."""
    for unit in UNITS:
        text = unit.read_text("utf-8").replace("/opt/gongwu/bin/gongwu", shutil.which("true") or "")
        (tmp_path / unit.name).write_text(text, "utf-8")
    return tmp_path


def test_systemd_takes_every_unit(units: Path) -> None:
    found = analyze("verify", "--man=no", *(str(units / unit.name) for unit in UNITS), cwd=units)
    ours = [line for line in found.stderr.splitlines() if "gongwu" in line]
    assert ours == [] and found.returncode == 0, found.stderr


@pytest.mark.parametrize("unit", SERVICES, ids=lambda u: u.name)
def test_a_service_may_do_little_more_than_its_work(unit: Path, units: Path) -> None:
    threshold = f"--threshold={EXPOSURE_MAX}"
    found = analyze("security", "--offline=yes", threshold, str(units / unit.name), cwd=units)
    assert found.returncode == 0, found.stdout[-400:]


@pytest.mark.parametrize("unit", SERVICES, ids=lambda u: u.name)
def test_what_a_unit_runs_is_a_command_of_ours(unit: Path) -> None:
    (line,) = re.findall(r"^ExecStart=(.*)$", unit.read_text("utf-8"), re.MULTILINE)
    program, *words = shlex.split(line)
    assert program == "/opt/gongwu/bin/gongwu"
    depth = 2 if words[0] == "notary" else 1
    told = CliRunner().invoke(cli.app, [*words[:depth], "--help"], env={"COLUMNS": "200"})
    assert told.exit_code == OK, told.output
    assert all(word in told.output for word in words if word.startswith("--"))


def test_the_example_of_settings_is_one_that_is_read() -> None:
    found = settings_file.read(DEPLOY / "gongwu.conf")
    assert set(found) <= {one.variable for one in settings_shown.KNOWN} and len(found) > 4
    commented = re.findall(
        r"^#(GONGWU_\w+)=", (DEPLOY / "gongwu.conf").read_text("utf-8"), re.MULTILINE
    )
    assert set(commented) <= {one.variable for one in settings_shown.KNOWN}


def test_the_proxy_lets_through_what_the_ledger_takes_and_hides_the_figures() -> None:
    from domain.filing import FILE_BYTES_MAX

    text = (DEPLOY / "nginx.conf").read_text("utf-8")
    (size,) = re.findall(r"client_max_body_size (\d+)m;", text)
    assert int(size) << 20 > FILE_BYTES_MAX
    assert "location = /metrics { return 404; }" in text and "X-Forwarded-For" in text


# The container ------------------------------------------------------------------------


def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the container file, line continuations joined."""
    text = re.sub(r"\\\n\s*", "", (DEPLOY / "Containerfile").read_text("utf-8"))
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines]


def test_the_container_runs_without_rights_and_knows_whether_it_is_well() -> None:
    said = instructions()
    last = said[max(n for n, (word, _) in enumerate(said) if word == "FROM") :]
    users = [rest for word, rest in last if word == "USER"]
    assert users == ["10001:10001"]
    assert last.index(("USER", users[0])) > max(n for n, (w, _) in enumerate(last) if w == "RUN")
    assert {"HEALTHCHECK", "ENTRYPOINT", "CMD", "VOLUME"} <= {word for word, _ in last}
    assert not {"ADD", "MAINTAINER"} & {word for word, _ in said}
    for word, rest in said:
        if word == "FROM":
            assert re.match(r"docker\.io/library/python:\$\{PYTHON\}-slim", rest), (
                "a name that is whole"
            )
        if word == "COPY" and not rest.startswith("--from"):
            for name in rest.split()[:-1]:
                assert (ROOT / name).exists(), name
        if word in ("ENTRYPOINT", "CMD"):
            assert isinstance(json.loads(rest), list), "no shell in between"
    copied = {name for word, rest in said if word == "COPY" for name in rest.split()}
    assert copied >= {"domain", "ledger", "projections", "labels", "api", "requirements.lock"}
    environment = next(rest for word, rest in last if word == "ENV")
    named = set(re.findall(r"GONGWU_\w+", environment))
    assert named <= {one.variable for one in settings_shown.KNOWN}


def test_the_health_check_of_the_container_is_a_program_that_runs() -> None:
    rest = next(rest for word, rest in instructions() if word == "HEALTHCHECK")
    command = json.loads(rest[rest.index("[") :])
    assert command[:2] == ["/opt/gongwu/bin/python", "-c"] and "/health/ready" in command[2]
    nobody = command[2].replace("8000", "9")
    ran = subprocess.run([sys.executable, "-c", nobody], capture_output=True, text=True)
    assert ran.returncode == 1 and "refused" in ran.stderr


# The archive --------------------------------------------------------------------------


def archive(folder: Path) -> Path:
    """Lay out an unpacked archive with one small wheel, as `make bundle` does."""
    wheels = folder / "wheels"
    wheels.mkdir(parents=True)
    shutil.copy(DEPLOY / "install.sh", folder)
    (folder / "PYTHON").write_text(f"{sys.version_info[0]}.{sys.version_info[1]}\n")
    _wheel(wheels, "gongwu", "import sys\ndef main(): print('gongwu', sys.argv[1])\n", script=True)
    # Stands for pip in the way pip is called: the real one is put to the proof with the whole archive.
    _wheel(wheels, "pip", "", main="""
import sys, zipfile, pathlib, sysconfig
for name in sys.argv[1:]:
    if name.endswith(".whl"):
        zipfile.ZipFile(name).extractall(sysconfig.get_path("purelib"))
        target = pathlib.Path(sys.prefix, "bin", "gongwu")
        target.write_text(f"#!{sys.executable}\\nfrom gongwu import main\\nmain()\\n")
        target.chmod(0o755)
""")  # fmt: skip
    (folder / "requirements.lock").write_text("")
    names = sorted(f for f in folder.rglob("*") if f.is_file())
    sums = subprocess.run(
        ["sha256sum", *(str(f.relative_to(folder)) for f in names)],
        cwd=folder, check=True, capture_output=True, text=True,
    )  # fmt: skip
    (folder / "SHA256SUMS").write_text(sums.stdout)
    return folder


def _wheel(folder: Path, name: str, text: str, *, main: str = "", script: bool = False) -> None:
    with zipfile.ZipFile(folder / f"{name}-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}/__init__.py", text)
        if main:
            wheel.writestr(f"{name}/__main__.py", main)
    assert script or main


def installed(
    folder: Path, into: Path, python: str = sys.executable
) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "PYTHON": python}
    words = ["sh", str(folder / "install.sh"), str(into)]
    return subprocess.run(words, env=env, capture_output=True, text=True)


def test_an_archive_installs_only_when_it_is_whole_and_for_this_python(tmp_path: Path) -> None:
    folder = archive(tmp_path / "gongwu-1")
    done = installed(folder, tmp_path / "opt")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "gongwu --version"
    (folder / "PYTHON").write_text("3.4\n")
    other = installed(folder, tmp_path / "other")
    assert other.returncode == 1 and "Python 3.4" in other.stderr and "需要" in other.stderr
    shutil.rmtree(folder)
    torn = archive(folder)
    with (torn / "requirements.lock").open("a") as file:
        file.write("more\n")
    bad = installed(torn, tmp_path / "third")
    assert bad.returncode == 1 and "damaged" in bad.stderr and not (tmp_path / "third").exists()


def test_the_bundle_carries_the_lock_the_units_and_the_guide() -> None:
    text = (DEPLOY / "bundle").read_text("utf-8")
    for part in ("requirements.lock", "--require-hashes", "SHA256SUMS", "docs/*.md", "*.service"):
        assert part in text
    assert subprocess.run(["bash", "-n", DEPLOY / "bundle"]).returncode == 0
    assert subprocess.run(["sh", "-n", DEPLOY / "install.sh"]).returncode == 0


def test_what_the_guide_copies_is_there() -> None:
    guide = (ROOT / "docs" / "operating.md").read_text("utf-8")
    blocks = "".join(re.findall(r"```sh\n(.*?)```", guide, re.DOTALL))
    named = set(re.findall(r"deploy/[\w.-]+", guide))
    assert len(named) >= 6 and all((ROOT / name).is_file() for name in named), named
    units = {word for word in blocks.split() if word.endswith((".service", ".timer"))}
    assert {Path(word).name for word in units} <= {unit.name for unit in UNITS}
