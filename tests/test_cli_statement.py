"""Statements on the command line: read, proved, matched with a list of what is owed, or refused."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from api import cli, statements
from api.cli_terminal import OK, REFUSED, USAGE
from api.reading_problems import Unreadable

STATEMENT = """账号: 6217000012345678
日期,收入,支出,余额,对方户名,对方账号,附言,流水号
2026-05-06,1234.56,,1234.56,甲拍卖行,53001,拍卖款 330000202600000017,A1
2026-05-07,9.00,,1243.56,乙公司,53002,,A2
2026-05-08,,0.50,1243.06,银行,,手续费,A3
"""
DUES = """编号,金额,应收日期,缴款码,付款人,付款账户
D1,"1,234.56",2026-05-04,330000202600000017,甲拍卖行,53001
D2,9.01,2026-05-04,330000202600000018,乙公司,53002
D3,9.00,2026-05-04,330000202600000019,乙公司,
"""


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", "GONGWU_LANG"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "s.csv").write_text(STATEMENT, encoding="gb18030")
    (tmp_path / "dues.csv").write_text(DUES, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(line: str, *, code: int = OK) -> Result:
    result = CliRunner().invoke(cli.app, shlex.split(line))
    assert result.exit_code == code, f"{line}: {result.exit_code}\n{result.output}"
    return result


@pytest.mark.usefixtures("files")
def test_a_statement_is_shown_with_what_proves_it():
    assert "3 笔，期初 0.00 CNY" in run("statement show s.csv").output
    output = run("--lang en statement show s.csv --limit 1").output
    assert "every balance follows from the one before" in output and "1,234.56 CNY" in output
    told = json.loads(run("statement show s.csv --json").stdout)
    assert [entry["minor"] for entry in told["statements"][0]["entries"]] == [123456, 900, -50]
    assert told["statements"][0]["proof"] == "running"


def test_what_does_not_add_up_is_refused_with_every_reason(files: Path):
    (files / "s.csv").write_text(STATEMENT.replace("1243.06", "1243.00").replace("9.00", "9,0"))
    output = run("statement show s.csv", code=REFUSED).output
    assert "第4行" in output and "第5行" in output
    run("statement show nothing.csv", code=USAGE)
    (files / "l.json").write_text('{"name": "x", "way": "sideways", "booked": ["日期"]}')
    assert "格式说明有误" in run("statement show s.csv --layout l.json", code=REFUSED).output


@pytest.mark.usefixtures("files")
def test_lines_find_what_they_pay_and_the_rest_waits_for_a_person():
    told = json.loads(run("statement match s.csv dues.csv --json").stdout)["findings"]
    assert [(f["kind"], f["by"], f["settled"], f["dues"]) for f in told] == [
        ("whole", "code", True, ["D1"]),
        ("whole", "likely", False, ["D3"]),
        ("outgoing", "nothing", False, []),
        ("awaited", "nothing", False, ["D2"]),
    ]
    output = run("--lang en statement match s.csv dues.csv").output
    assert "1 may be recorded as they stand" in output
    assert "unit, amount and days agree" in output and "待人决定" not in output
    run("statement match s.csv nothing.csv", code=USAGE)


def test_a_list_of_dues_is_read_whole_or_refused_with_its_lines(files: Path):
    bad = DUES + "D3,1.00,2026-05-04,,,\nD4,1.005,2026-05-04,,,\n,1,2026-05-04,,,\nD5,1,soon,,,\n"
    with pytest.raises(Unreadable) as caught:
        statements.dues(bad.encode())
    assert [(each.line, each.slug) for each in caught.value.problems] == [
        (line, "bad-due") for line in (5, 6, 7, 8)
    ]
    (files / "dues.csv").write_text(bad, encoding="utf-8")
    assert "第6行" in run("statement match s.csv dues.csv", code=REFUSED).output
