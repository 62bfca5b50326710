"""Rules of a place on the command line: input, command, expected text."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from books import opened
from doors import PASSWORD, staffed
from typer.testing import CliRunner, Result

from api import cli, policies
from api.cli_terminal import OK, REFUSED, USAGE

Run = Callable[..., Result]
GUIDE = Path(__file__).resolve().parents[1] / "docs" / "rules.md"


def commanded(line: str, *, code: int = OK) -> Result:
    """Run one command line; its exit code is part of the promise."""
    result = CliRunner().invoke(cli.app, shlex.split(line))
    assert result.exit_code == code, f"{line}: {result.exit_code}\n{result.output}"
    return result


@pytest.fixture
def run(database: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run commands on a ledger with a person in every role."""
    with staffed(database):
        pass
    monkeypatch.setenv("GONGWU_DATABASE", database)
    monkeypatch.setenv("GONGWU_PASSWORD", PASSWORD)
    monkeypatch.setenv("GONGWU_LANG", "zh")
    return commanded


@pytest.fixture
def county(tmp_path: Path) -> Path:
    """The profile that the guide shows, as a file."""
    block = GUIDE.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
    path = tmp_path / "our-county.yaml"
    title = 'title: {zh: 示例县规则, en: Rules of Example County}\nregion: "990001"\n'
    path.write_text(f"name: our-county\n{title}{block}", encoding="utf-8")
    return path


def test_the_example_of_the_guide_says_what_the_guide_says(county: Path) -> None:
    rules = policies.read(county.read_text(encoding="utf-8"))
    below = rules.route("disposal", kinds={"vehicle"}, unit_amount=1, batch_amount=199_999_99)
    above = rules.route("disposal", kinds={"vehicle"}, unit_amount=1, batch_amount=200_000_00)
    assert below is None
    assert above is not None
    assert above.steps[0].days == 10
    guide = GUIDE.read_text(encoding="utf-8")
    assert all(f"`{name}`" in guide for name in policies.shipped())


def test_a_profile_is_checked_drafted_and_published(run: Run, county: Path) -> None:
    transcript = [
        (f"policy check {county}", ["《示例县规则》可以采用", "程序1条"]),
        ("policy list", ["新疆维吾尔自治区规则", "随附，未发布"]),
        (f"policy propose {county} --as admin", ["拟订《示例县规则》第1版"]),
        ("policy list", ["our-county", "草案待发布"]),
        ("do policy/our-county publish --as finance --in-force-from 2099-01-01", ["发布第1版"]),
        ("policy show our-county", ["示例县规则（our-county@1）", "≥ 200,000.00", "会议纪要"]),
        ("--lang en policy show our-county@1", ["Rules of Example County", "finance department"]),
    ]
    for line, expected in transcript:
        output = run(line).output
        assert [text for text in expected if text not in output] == [], output


def test_a_draft_may_be_dated_back_to_the_day_it_was_signed(
    run: Run, county: Path, database: str
) -> None:
    run(f"policy propose {county} --as admin --on 2099-01-01", code=REFUSED)
    day = (datetime.now(UTC).date() - timedelta(days=2)).isoformat()
    told = json.loads(run(f"policy propose {county} --as admin --on {day} --json").output)
    with opened(database) as book:
        assert [entry.effective_on for entry in book.stream(told["stream"]).entries] == [day]


def test_who_drafted_does_not_publish(run: Run, county: Path) -> None:
    run(f"policy propose {county} --as admin")
    line = "do policy/our-county publish --as {} --in-force-from 2099-01-01"
    assert "系统管理员" in run(line.format("admin"), code=REFUSED).output


def test_every_problem_of_a_profile_is_told(run: Run, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("name: x\nidle_days: 0\nnever_lent_cites: [a]\n", encoding="utf-8")
    said = run(f"policy check {wrong}", code=REFUSED).output
    assert "没有条文 a" in said
    assert "idle_days 不是正数" in said
    problems = json.loads(run(f"policy check {wrong} --json", code=REFUSED).output)["problems"]
    assert [p["en"] for p in problems] == ["there is no article a", "idle_days is not positive"]
    run(f"policy check {tmp_path / 'nowhere.yaml'}", code=USAGE)
    assert "没有规则 nowhere" in run("policy show nowhere", code=REFUSED).output


def test_what_is_enclosed_is_shown_without_a_ledger(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GONGWU_DATABASE", f"{database}.none")
    output = commanded("policy show xinjiang").output
    assert "机关资产处置方式包括无偿划转、对外捐赠、转让、拍卖、" in output
    assert json.loads(commanded("policy show shanxi --json").output)["never_accepted"] == [
        "vehicle"
    ]
    assert commanded("policy schema").output == policies.schema_text()
