"""Units send in the list of wants they keep, as CSV or Excel, and take the same list home."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta

import pytest
import xlsxwriter
from doors import staffed
from starlette.testclient import TestClient

from api import wanting
from api.app import create_app
from api.office import Actor, Office
from api.wanting import Unreadable
from projections import registers
from projections.scope import EVERYTHING

CLERK = Actor(person="u_clerk", unit="o_a", role="clerk")
HEAD = ["资产名称", "类别", "规格型号", "数量", "计量单位", "需求时间", "用途类型", "需求单位"]


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    with staffed(database) as opened:
        yield opened


def client_of(office: Office) -> TestClient:
    token = office.accounts.sign_in(next(a for a in office.accounts.all() if a.login == "clerk"))
    client = TestClient(create_app(office.settings, office), follow_redirects=False)
    client.cookies.set("session", token)
    return client


def workbook(rows: list[list[object]]) -> bytes:
    kept = io.BytesIO()
    book = xlsxwriter.Workbook(kept, {"in_memory": True})
    sheet = book.add_worksheet()
    for number, row in enumerate(rows):
        for at, value in enumerate(row):
            if value != "":  # an empty cell is left out, as spreadsheets do
                sheet.write(number, at, value)
    book.close()
    return kept.getvalue()


def test_a_list_in_excel_is_checked_line_by_line_and_published_in_one_act(office: Office) -> None:
    day = office.today() + timedelta(days=30)
    number = day.toordinal() - wanting.EXCEL_DAY_ONE
    file = workbook(
        [
            list(HEAD),
            ["办公桌", "家具用具", "1.4米", 30, "张", number, "", "示例市财政局"],
            ["台式计算机", "computer", "", 5, "", f"{day:%Y年%m月%d日}", "重要会议", ""],
            ["钢琴", "乐器", "", 1, "", "明天", "", "无此单位"],
            ["投影仪", "办公设备", "", 0, "", day.isoformat(), "", ""],
        ]
    )
    client = client_of(office)
    shown = client.post("/wants/import", files={"file": ("需求表.xlsx", file)})
    assert shown.status_code == 200
    for said in ("2 行可以发布，2 行有误", "“乐器”不是", "“无此单位”不是", "明天", "须大于零"):
        assert said in shown.text
    assert office.rows(registers.listing("demand", EVERYTHING, {})) == []
    rows = wanting.table(file)
    text = "\n".join("\t".join(row) for row in rows)
    done = client.post("/wants/import", data={"list": text, "record": "1", "key": "k1"})
    assert done.status_code == 200 and "钢琴" in done.text  # what is wrong stays to be mended
    listed = office.rows(registers.listing("demand", EVERYTHING, {}))
    assert {
        (r["item"], r["quantity"], r["measure"], r["needed_by"], r["need"]) for r in listed
    } == {
        ("办公桌", "30", "张", day.isoformat(), ""),
        ("台式计算机", "5", "", day.isoformat(), "meeting"),
    }
    # Taken home and sent back, nothing is doubled.
    for ending in ("csv", "xlsx"):
        home = client.get(f"/wants.{ending}").content
        lines = wanting.read(office, CLERK, wanting.table(home))
        assert [line.already for line in lines] == [True, True]


def test_a_table_without_heads_or_of_another_kind_is_refused_whole(office: Office) -> None:
    for rows in ([], [["办公桌", "30"]], [["名称", "数量", "需用日期"]]):
        with pytest.raises(Unreadable):
            wanting.read(office, CLERK, rows)
    long = [["名称", "类别", "数量", "需用日期"], *([["桌", "家具用具", "1", "2030-01-01"]] * 501)]
    with pytest.raises(Unreadable) as caught:
        wanting.read(office, CLERK, long)
    assert caught.value.words is wanting.TOO_MANY
    for content in (b"PK\x03\x04broken", b"\xff\xfe\x00"):
        with pytest.raises(Unreadable):
            wanting.table(content)
    client = client_of(office)
    assert client.get("/wants/import").status_code == 200
    for sent in ({"list": ""}, {"list": "一行\n两行"}):
        assert client.post("/wants/import", data=sent).status_code == 422


def test_dates_and_dividers_are_read_as_people_write_them() -> None:
    for said in ("2030-3-1", "2030/03/01", "2030年3月1日", "２０３０.3.1", "47543", "47543.0"):
        assert wanting.day(said) == "2030-03-01"
    for said in ("", "明天", "2030-13-01", "3-1"):
        assert wanting.day(said) == ""
    for text in ("a,b\n1,2", "a\tb\n1\t2", "a;b\n1;2"):
        assert wanting.written(text) == [["a", "b"], ["1", "2"]]
    assert wanting.table("名称,类别\n桌,家具".encode("gb18030")) == [
        ["名称", "类别"],
        ["桌", "家具"],
    ]
