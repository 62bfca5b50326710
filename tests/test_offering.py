"""What is on offer goes home as a file and comes back with more: checked cell by cell, then recorded."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import xlsxwriter
from doors import CARD, staffed
from fastapi.testclient import TestClient
from pypdfium2 import PdfDocument

from api import offering, wanting
from api.app import create_app
from api.offers import Nearness, near
from api.office import Actor, Office
from api.wanting import Unreadable
from domain.decider import Ask, Occasion

CLERK = Actor(person="u_clerk", unit="o_a", role="clerk")
HEAD = ["资产编号", "名称", "成色", "剩余年限", "可调剂日期", "截止日期", "备注"]


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    """Lend an office with four idle cards, one of which is on offer, and one in use."""
    with staffed(database) as one:
        names = {"D1": "会议桌", "D2": "文件柜", "D3": "投影仪", "D4": "打印机", "D5": "轿车"}
        for id_, name in names.items():
            asks = [
                Ask(
                    f"asset/{id_}",
                    "register_existing",
                    CARD | {"asset_no": f"007{id_}", "name": name},
                ),
                Ask(f"asset/{id_}", "issue", {"user": "u_li"})
                if id_ == "D5"
                else Ask(f"asset/{id_}", "declare_idle", {}),
            ]
            one.book.act(asks, Occasion(by="u_clerk", on=one.today(), role="clerk"))
        one.ask("asset/D4", "list_for_reuse", {"description": "可用"}, CLERK)
        yield one


def client_of(office: Office, who: str = "clerk", lang: str = "zh") -> TestClient:
    client = TestClient(create_app(office.settings, office), follow_redirects=False)
    account = next(a for a in office.accounts.all() if a.login == who)
    client.cookies.set("session", office.accounts.sign_in(account))
    client.cookies.set("lang", lang)
    return client


def workbook(rows: list[list[Any]]) -> bytes:
    kept = io.BytesIO()
    book = xlsxwriter.Workbook(kept, {"in_memory": True})
    sheet = book.add_worksheet()
    for number, row in enumerate(rows):
        for at, value in enumerate(row):
            if value != "":
                sheet.write(number, at, value)
    book.close()
    return kept.getvalue()


def listed(office: Office) -> set[str]:
    return {f"D{n}" for n in range(1, 6) if office.book.stream(f"asset/D{n}").state.listed}


def test_a_list_is_checked_cell_by_cell_and_what_is_chosen_is_put_on_offer(office: Office) -> None:
    day = office.today() + timedelta(days=30)
    number = day.toordinal() - wanting.EXCEL_DAY_ONE
    file = workbook(
        [
            list(HEAD),
            ["007D1", "会议桌", "九成新", "3年", "", number, "实木"],
            ["007D2", "", "", "", "", "", ""],
            ["007D3", "电视机", "", "", "明天", "", ""],
            ["007D4", "", "", "", "", "", ""],
            ["007D5", "", "", "", "", "", ""],
            ["007D1", "", "", "", "", "", ""],
            ["XX", "", "", "", "", "", ""],
        ]
    )
    client = client_of(office)
    page = client.post("/offers/import", files={"file": ("可调剂.xlsx", file)})
    assert page.status_code == 200
    for said in ("2 行可以上架，4 行有误，1 行已经上架", "卡片的名称是“投影仪”", "日期应写作 2026-03-01",
                 "与第 2 行是同一张卡片", "没有这张资产卡片：XX"):  # fmt: skip
        assert said in page.text, said
    lines = offering.read(office, CLERK, wanting.table(file))
    assert [sorted(line.wrong) for line in lines] == [
        [], [], ["available_from", "name"], [], [], ["asset_no"], ["asset_no"],
    ]  # fmt: skip
    assert lines[4].refused is not None  # in use, and no day on which it will be free
    assert listed(office) == {"D4"}  # nothing is recorded by looking
    text = "\n".join("\t".join(row) for row in wanting.table(file))
    sent: dict[str, Any] = {"list": text, "record": "1", "key": "k1"}
    assert client.post("/offers/import", data=sent).status_code == 422
    done = client.post("/offers/import", data=sent | {"line": ["2", "4", "99"]})
    assert done.status_code == 200
    assert "已上架 1 项" in done.text and "文件柜" not in done.text
    assert listed(office) == {"D1", "D4"}  # line 4 is wrong, whatever was chosen
    offer = office.book.stream("asset/D1").state.offer
    assert (offer.offer_until, offer.remaining_life, offer.description) == (day, "3年", "实木")


def test_what_was_taken_home_comes_back_and_nothing_is_doubled(office: Office) -> None:
    client = client_of(office)
    for ending in ("csv", "xlsx"):
        home = client.get(f"/offers.{ending}").content
        rows = wanting.table(home)
        assert rows[0] == [words.zh for words in offering.COLUMNS.values()]
        assert rows[1][:2] == ["007D4", "打印机"]  # a code is a text: its noughts stay
        more = [*rows, ["007D3", *[""] * (len(rows[0]) - 1)]]
        lines = offering.read(office, CLERK, more)
        assert [(line.already, line.right) for line in lines] == [(True, False), (False, True)]
    english = client_of(office, lang="en").get("/offers.csv").text.lstrip("\ufeff")
    head, row = list(csv.reader(io.StringIO(english)))
    assert head == [words.en for words in offering.COLUMNS.values()]
    assert offering.read(office, CLERK, [head, row])[0].already
    assert dict(zip(head, row, strict=True))["to be claimed"] == "your unit may claim it"
    assert "文件柜" not in client.get("/offers.csv?text=无").text


def test_a_card_is_known_by_its_id_where_the_list_says_it(office: Office) -> None:
    (line,) = offering.read(office, CLERK, [["卡片标识", "资产编号"], ["D2", "007D1"]])
    assert (line.right, line.stream) == (True, "asset/D2")


def test_a_table_of_another_kind_is_refused_whole(office: Office) -> None:
    with pytest.raises(Unreadable):
        offering.read(office, CLERK, [["名称"], ["桌"]])
    with pytest.raises(Unreadable):
        offering.read(office, CLERK, [["资产编号"], *([["X"]] * 501)])
    client = client_of(office)
    assert client.get("/offers/import").status_code == 200
    for sent in ({"list": ""}, {"list": "一行\n两行"}):
        assert client.post("/offers/import", data=sent).status_code == 422


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_notice_lists_what_is_on_offer_for_whom_and_how_to_claim_it(
    office: Office, lang: str
) -> None:
    client = client_of(office, lang=lang)
    answer = client.get("/offers/notice.pdf")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    pages = PdfDocument(answer.content)
    said = "".join("".join(page.get_textpage().get_text_range().split()) for page in pages)
    for text in ("007D4", "打印机", office.today().isoformat()):
        assert text in said
    assert ("申领办法" if lang == "zh" else "Howtoclaim") in said
    assert "007D1" not in said  # idle, but not on offer
    empty = client.get("/offers/notice.pdf?text=无")
    assert empty.status_code == 200


@pytest.mark.target("T42")
def test_from_an_empty_search_one_tap_leads_to_a_want_that_says_what_was_looked_for(
    office: Office,
) -> None:
    client = client_of(office)
    page = client.get("/offers?text=钢琴&kind=office&class_code=A05").text
    assert "没有符合条件的上架物品" in page
    link = (
        "/cases/new?kind=demand&amp;of_kind=office&amp;item=%E9%92%A2%E7%90%B4&amp;class_code=A05"
    )
    assert link in page
    form = client.get(link.replace("&amp;", "&")).text
    for said in ('value="钢琴"', 'value="A05"', '<option value="office" selected>'):
        assert said in form, said


def test_how_far_a_thing_is_follows_from_the_divisions_of_both_units() -> None:
    for mine, theirs, said in (
        ("650102", "650102", Nearness.COUNTY),
        ("650102", "650103", Nearness.PREFECTURE),
        ("650100", "650102", Nearness.PREFECTURE),
        ("650100", "650100", Nearness.PREFECTURE),
        ("650102", "652301", Nearness.PROVINCE),
        ("650000", "650000", Nearness.PROVINCE),
        ("650000", "650102", Nearness.PROVINCE),
        ("650102", "150102", Nearness.ELSEWHERE),
        ("", "650102", Nearness.UNKNOWN),
        ("650102", "", Nearness.UNKNOWN),
    ):
        assert near(mine, theirs) is said, (mine, theirs)
        assert near(theirs, mine) is said, (mine, theirs)
