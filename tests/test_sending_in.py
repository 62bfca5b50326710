"""Lists of offers and wants for programs and on the command line: the same reading as the pages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from doors import CARD, PASSWORD, Door, app_of, staffed
from httpx import Response
from typer.testing import CliRunner

from api import cli, wanting
from api.office import Actor, Office
from projections import registers
from projections.scope import EVERYTHING

CLERK = Actor(person="u_clerk", unit="o_a", role="clerk")
OFFERS = (
    "资产编号,名称,成色,截止日期\nZC-D1,会议桌,九成新,{day}\nZC-D2,电视机,,明天\nZC-D3,,,\nXX,,,\n"
)
WANTS = (
    "资产名称,类别,数量,需用日期,需求单位\n办公桌,家具用具,30,{day},\n钢琴,乐器,1,明天,无此单位\n"
)


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    with staffed(database) as one:
        for id_ in ("D1", "D2", "D3"):
            card = CARD | {"asset_no": f"ZC-{id_}", "name": "会议桌"}
            one.ask(f"asset/{id_}", "register_existing", card, CLERK)
            one.ask(f"asset/{id_}", "declare_idle", {}, CLERK)
        yield one


@pytest.fixture
def door(office: Office) -> Door:
    return Door(app_of(office))


def sent(door: Door, path: str, text: str, *, key: str = "", lang: str = "zh") -> Response:
    headers = {"Accept-Language": lang} | ({"Idempotency-Key": key} if key else {})
    return door.http.post(
        f"/api/v1/{path}", content=text.encode(), headers=headers, auth=("clerk", PASSWORD)
    )


def soon(office: Office) -> str:
    return (office.today() + timedelta(days=30)).isoformat()


def listed(office: Office) -> set[str]:
    return {f"D{n}" for n in (1, 2, 3) if office.book.stream(f"asset/D{n}").state.listed}


def test_a_program_has_a_list_checked_and_then_says_which_lines(office: Office, door: Door) -> None:
    text = OFFERS.format(day=soon(office))
    told = sent(door, "offers/import", text)
    assert told.status_code == 200, told.text
    said = told.json()
    assert (said["right"], said["wrong"], said["recorded"], said["cause"]) == (2, 2, 0, None)
    faults = {line["line"]: [one["cell"] for one in line["faults"]] for line in said["lines"]}
    assert faults == {2: [], 3: ["name", "offer_until"], 4: [], 5: ["asset_no"]}
    assert listed(office) == set()  # nothing is recorded by looking
    english = sent(door, "offers/import", text, lang="en").json()["lines"][1]["faults"]
    assert english[1]["said"] == "Write the day as 2026-03-01."
    # All or nothing, unless one says otherwise; a line that is wrong is never recorded.
    for record in ("all", "2,3", "2,99"):
        answer = sent(door, f"offers/import?record={record}", text, key=f"k {record}")
        assert (answer.status_code, answer.json()["slug"]) == (422, "list-with-faults")
        assert answer.json()["lines"][1]["faults"]
    assert sent(door, "offers/import?record=right", text).status_code == 400  # without a key
    assert sent(door, "offers/import?record=some", text, key="k").status_code == 422
    assert listed(office) == set()
    done = sent(door, "offers/import?record=2", text, key="k2").json()
    assert (done["recorded"], listed(office)) == (1, {"D1"})
    done = sent(door, "offers/import?record=right", text, key="k3").json()
    assert (done["recorded"], done["already"], listed(office)) == (1, 1, {"D1", "D3"})
    again = sent(door, "offers/import?record=right", text, key="k3").json()
    assert (again["recorded"], again["already"]) == (0, 2)
    assert sent(door, "offers/import", "").json()["slug"] == "list-not-read"
    home = wanting.table(door.get("offers/export", who="clerk").content)
    assert [row[0] for row in home[1:]] == ["ZC-D1", "ZC-D3"]
    book = wanting.table(door.get("offers/export", who="clerk", format="xlsx").content)
    assert book == home


def test_wants_come_in_once_whoever_sends_them_twice(office: Office, door: Door) -> None:
    text = WANTS.format(day=soon(office))
    said = sent(door, "wants/import", text).json()
    assert [one["cell"] for one in said["lines"][1]["faults"]] == ["needed_by", "kind", "to_unit"]
    for _ in range(2):
        done = sent(door, "wants/import?record=right", text, key="once").json()
        assert (done["right"] + done["already"], done["wrong"]) == (1, 1)
        (want,) = office.rows(registers.listing("demand", EVERYTHING, {}, limit=9))
        assert (want["item"], want["quantity"]) == ("办公桌", "30")
    home = door.get("wants/export", who="clerk").content
    again = sent(door, "wants/import?record=all", home.decode("utf-8-sig"), key="again").json()
    assert (again["already"], again["recorded"]) == (1, 0)  # what was taken home is known


def run(office: Office, *args: str) -> Any:
    env = {
        "GONGWU_DATABASE": office.settings.database,
        "GONGWU_PASSWORD": PASSWORD,
        "GONGWU_LOGIN": "clerk",
    }
    return CliRunner().invoke(cli.app, ["--lang", "zh", *args], env=env)


def test_the_command_line_does_the_same(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "可调剂.csv"
    file.write_text(OFFERS.format(day=soon(office)), encoding="utf-8")
    dry = run(office, "offers", "import", str(file), "--dry-run")
    assert dry.exit_code == 0, dry.output
    assert "2 行无误，2 行有误" in dry.output and "offer_until" in dry.output
    assert "什么都没有记入" in dry.output and listed(office) == set()
    refused = run(office, "offers", "import", str(file))
    assert refused.exit_code == 1 and listed(office) == set()
    done = run(office, "offers", "import", str(file), "--right")
    assert done.exit_code == 0 and "已记入 2 行" in done.output
    home = tmp_path / "home.xlsx"
    assert run(office, "offers", "export", str(home)).exit_code == 0
    assert [row[0] for row in wanting.table(home.read_bytes())[1:]] == ["ZC-D1", "ZC-D3"]
    assert run(office, "offers", "export", str(home)).exit_code == 2  # it is there already
    file.write_text(WANTS.format(day=soon(office)), encoding="utf-8")
    assert run(office, "wants", "import", str(file), "--right").exit_code == 0
    assert "办公桌" in run(office, "wants").output
    csv = tmp_path / "需求.csv"
    assert run(office, "wants", "export", str(csv)).exit_code == 0
    assert "办公桌" in csv.read_text(encoding="utf-8-sig")
