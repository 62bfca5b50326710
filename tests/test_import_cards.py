"""A sheet of cards comes in as a reviewable session, and nothing is recorded before consent."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import msgspec
import pytest
import xlsxwriter
from doors import PASSWORD, Door, app_of, staffed
from starlette.testclient import TestClient
from typer.testing import CliRunner

from api import card_template, cards_out, cli, importing_cards, reading_cells
from api.app import create_app
from api.import_sessions import Choice, NotNow, Session, Status
from api.import_telling import choice_of, pieces_of
from api.importing_cards import CHANGED, LEFT, NEW, SAME, WRONG
from api.office import Actor, Office
from api.reading_problems import Unreadable
from domain.asset import Custody
from projections.scope import EVERYTHING, Scope

pytestmark = pytest.mark.target("T110")
CLERK = Actor(person="u_clerk", unit="o_a", role="clerk", scope=EVERYTHING)
BOOKS = Actor(person="u_accountant", unit="o_a", role="accountant", scope=EVERYTHING)
HEAD = "资产编号,资产名称,资产大类,原值（元）,取得日期,取得方式,规格型号,存放地点,备注\n"
GOOD = HEAD + (
    '1234567890123456,笔记本电脑,计算机设备,"5,000.50",2023/5/6,购置,T-14,,张三用\n'
    "ZC-2,办公桌,家具,800,2023年5月7日,调拨,,,\n"
)
BAD = GOOD + (
    "ZC-3,椅子,座具,一百,2023-02-30,买来,,无此地点,\n"
    "ZC-2,办公桌,家具,,,,,,\n"
    ",无编号,其他,,,,,,\n"
    "1.23457E+15,打印机,办公设备,,,,,,\n"
)


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    with staffed(database) as one:
        yield one


def sent(
    office: Office, text: str | bytes, actor: Actor = CLERK, name: str = "卡片.csv"
) -> Session:
    """Send a sheet in and have it checked as it is proposed to be read."""
    content = text.encode() if isinstance(text, str) else text
    session = office.imports.begin(actor, name, content)
    return office.imports.judge(session, actor, session.plan, None)


def recorded(office: Office, session: Session, choice: Choice, actor: Actor = CLERK) -> Session:
    return office.imports.record(session, actor, choice, {}, None)


def size(office: Office) -> int:
    return office.book.head()[0]


def verdicts(office: Office, session: Session) -> dict[int, str]:
    return {line.row: line.verdict for line in office.imports.found(session).lines}


def card(office: Office, number: str) -> Any:
    return importing_cards.there(office, [number])[number]


def test_nothing_is_recorded_before_consent_and_then_what_was_consented_to(office: Office) -> None:
    before = size(office)
    session = sent(office, BAD)
    assert (session.status, size(office)) == (Status.JUDGED, before)
    assert verdicts(office, session) == {2: NEW, 3: NEW, 4: WRONG, 5: WRONG, 6: WRONG, 7: WRONG}
    faults = {(f.row, f.column) for f in office.imports.found(session).faults}
    assert faults == {(4, 2), (4, 3), (4, 4), (4, 5), (4, 7), (5, 0), (6, 0), (7, 0)}
    for refused in ("all", "2-4", "2,99"):
        with pytest.raises(NotNow):
            recorded(office, session, choice_of(refused))
    assert size(office) == before
    session = recorded(office, session, choice_of("3"))
    assert (session.status, session.recorded, size(office)) == (Status.RECORDED, 1, before + 1)
    (done,) = session.receipts
    assert (done.rows, done.first, done.last) == ((3,), before + 1, before + 1)
    (entry,) = office.book.entries(done.first, done.last)
    (paper,) = entry.beside.docs
    assert (paper.number, paper.sha256) == (session.id, session.sha256)
    # Found again by whoever comes back, and gone on with.
    again = office.imports.find(session.id, "o_a")
    assert again is not None and again == session
    assert office.imports.find(session.id, "o_b") is None
    again = office.imports.judge(again, CLERK, again.plan, None)
    assert verdicts(office, again)[3] == SAME
    again = recorded(office, again, choice_of("right"))
    assert again.recorded == 2
    found = card(office, "1234567890123456")
    assert (found["value"], found["acquired"], found["mode"]) == (500050, "2023-05-06", "purchase")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
def test_every_usual_encoding_and_divider_says_the_same(office: Office, encoding: str) -> None:
    for text in (GOOD, GOOD.replace('"5,000.50"', "5000.50").replace(",", "\t")):
        session = sent(office, text.encode(encoding))
        assert verdicts(office, session) == {2: NEW, 3: NEW}, encoding


def test_bytes_that_are_no_text_are_refused_with_their_place(office: Office) -> None:
    with pytest.raises(Unreadable) as refused:
        sent(office, GOOD.encode() + b"ZC-9,\xff\xfe\xfd\n")
    assert refused.value.problems[0].line == 4
    with pytest.raises(Unreadable):
        sent(office, b"PK\x03\x04 no workbook")


def workbook(rows: list[list[Any]], *more: str) -> bytes:
    kept = io.BytesIO()
    with xlsxwriter.Workbook(kept) as book:
        for title in more:
            book.add_worksheet(title)
        sheet = book.add_worksheet("卡片")
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for line, row in enumerate(rows):
            for at, value in enumerate(row):
                if isinstance(value, date):
                    sheet.write_datetime(line, at, datetime.combine(value, time()), day)
                else:
                    sheet.write(line, at, value)
    return kept.getvalue()


def test_a_workbook_keeps_codes_as_text_and_says_where_digits_were_lost(office: Office) -> None:
    head = ["资产编号", "资产名称", "资产大类", "原值", "取得日期", "序列号"]
    rows = [
        head,
        ["1234567890123456", "电脑", "计算机设备", 77.21, date(2023, 5, 6), 12345],
        [1234567890123456, "电脑", "计算机设备", 1, 45052, ""],
        ["ZC-9", "电脑", "计算机设备", 1, "", 1e17],
    ]
    session = office.imports.begin(CLERK, "卡片.xlsx", workbook(rows, "说明", "空"))
    assert (session.names, session.sheet) == (("说明", "空", "卡片"), "卡片")
    session = office.imports.judge(session, CLERK, session.plan, None)
    found = office.imports.found(session)
    assert verdicts(office, session) == {2: NEW, 3: WRONG, 4: WRONG}
    assert [(f.row, f.column) for f in found.faults] == [(3, 0), (4, 5)]
    assert "文本" in found.faults[0].zh and "text" in found.faults[0].en
    recorded(office, session, choice_of("right"))
    kept = card(office, "1234567890123456")
    assert (kept["value"], kept["acquired"], kept["serial"]) == (7721, "2023-05-06", "12345")


def test_columns_are_proposed_changed_and_remembered_for_the_unit(office: Office) -> None:
    text = "清册\n填报单位：示例市财政局\n编码,东西,归类,价\nZC-1,电脑,电子产品,5000\n"
    session = office.imports.begin(CLERK, "a.csv", text.encode())
    assert session.plan.columns == ("", "", "", "")
    plan = importing_cards.Plan(
        head=2,
        columns=("asset_no", "name", "kind", "value"),
        values={"kind": {"电子产品": "computer"}},
    )
    session = office.imports.judge(session, CLERK, plan, None)
    assert verdicts(office, session) == {4: NEW}
    rows = "编码,东西,归类,价\nZC-5,电脑,电子产品,5000\n"
    assert verdicts(office, sent(office, rows)) == {2: NEW}
    elsewhere = Actor(person="u_b", unit="o_b", role="clerk")
    assert office.imports.begin(elsewhere, "c.csv", rows.encode()).plan.columns == ("",) * 4


@pytest.mark.target("T111")
def test_the_same_file_twice_adds_nothing_and_what_differs_is_proposed(office: Office) -> None:
    session = recorded(office, sent(office, GOOD), choice_of("all"))
    assert session.recorded == 2
    before = size(office)
    again = sent(office, GOOD.encode("gbk"))
    assert set(verdicts(office, again).values()) == {SAME}
    with pytest.raises(NotNow):
        recorded(office, again, choice_of("right", corrections=True, reason="核对"))
    assert size(office) == before
    # An empty cell never erases; what clears says so.
    changed = HEAD + (
        "1234567890123456,,,,,,清空,,\nZC-2,会议桌,家具,900,,,,,\nZC-9,椅子,家具,,,,清空,,\n"
    )
    session = sent(office, changed)
    assert verdicts(office, session) == {2: CHANGED, 3: CHANGED, 4: WRONG}
    lines = {line.row: line for line in office.imports.found(session).lines}
    assert [(c.field, c.old, c.new) for c in lines[2].changes] == [("model", "T-14", "")]
    assert [(c.field, c.verb) for c in lines[3].changes] == [
        ("name", "correct_card"),
        ("value", ""),
    ]
    with pytest.raises(NotNow):  # without a reason
        recorded(office, session, choice_of("right", corrections=True))
    with pytest.raises(NotNow):  # corrections were not consented to
        recorded(office, session, choice_of("right"))
    session = recorded(office, session, choice_of("right", corrections=True, reason="核对"))
    assert size(office) == before + 2
    assert card(office, "1234567890123456")["model"] == ""
    assert card(office, "1234567890123456")["name"] == "笔记本电脑"
    assert (card(office, "ZC-2")["name"], card(office, "ZC-2")["value"]) == ("会议桌", 80000)
    # Values are finance's to correct.
    session = sent(office, changed, BOOKS)
    assert [c.verb for line in office.imports.found(session).lines for c in line.changes] == [
        "correct_value"
    ]
    recorded(office, session, choice_of("3", corrections=True, reason="发票"), BOOKS)
    assert card(office, "ZC-2")["value"] == 90000


def test_a_whole_import_is_reversed_but_for_what_later_entries_stand_on(office: Office) -> None:
    session = recorded(office, sent(office, GOOD), choice_of("all"))
    kept = office.imports.found(session).lines[1].stream
    later = office.ask(kept, "correct_card", {"reason": "核对", "model": "X"}, CLERK)
    with pytest.raises(NotNow):
        office.imports.take_back(session, CLERK, "", {}, None)
    session = office.imports.judge(session, CLERK, session.plan)  # looked at again meanwhile
    session = office.imports.take_back(session, CLERK, "录错", {}, None)
    assert (session.status, session.recorded) == (Status.RECORDED, 1)
    assert "1" in session.trouble["zh"] and later.last < size(office)
    assert "1234567890123456" not in importing_cards.there(office, ["1234567890123456"])
    office.reverse(kept, office.book.stream(kept).version, CLERK, reason="录错")
    session = office.imports.take_back(session, CLERK, "录错", {}, None)
    assert (session.status, session.recorded, session.trouble) == (Status.REVERSED, 0, {})
    # The number is free again for the same card.
    again = sent(office, GOOD)
    assert set(verdicts(office, again).values()) == {NEW}
    assert recorded(office, again, choice_of("all")).recorded == 2


def test_what_was_cut_off_goes_on_and_knows_what_it_had_recorded(office: Office) -> None:
    session = sent(office, GOOD)
    # As if the process had died after the act and before it noted what it had done.
    judge = office.imports._judging(session, CLERK, session.plan)
    lines, _ = judge.portion([1])
    row = judge.reading.row(1, [])
    office.ask_many(importing_cards.asked(row, lines[0], CLERK, ""), CLERK)
    session = recorded(office, session, choice_of("all"))
    assert (session.recorded, len(session.receipts)) == (2, 2)
    assert sum(d.last - d.first + 1 for d in session.receipts) == 2


def test_the_sheet_comes_back_with_what_was_found_and_can_be_mended(office: Office) -> None:
    session = sent(office, BAD)
    name_of = lambda _, id_: office.called(id_, "zh")  # noqa: E731 - a name for a test
    for ending in ("csv", "xlsx"):
        content = b"".join(pieces_of(office.imports, session, "zh", name_of, ending))
        rows = reading_cells.read(content, "x").rows
        assert rows[0][-1] == "核对结果" and rows[1][-1] == "新建卡片"
        assert "C4 资产大类" in rows[3][-1] and "D4" in rows[3][-1]
        again = sent(office, content, name=f"x.{ending}")
        assert verdicts(office, again) == verdicts(office, session)
    office.imports.forget(session)
    assert office.imports.find(session.id, "o_a") is None


def test_the_statistics_form_is_known_by_its_headings(office: Office) -> None:
    import os

    shared = Path(os.environ.get("GONGWU_SHARED", Path(__file__).parents[2] / "shared"))
    file = shared / "data/cn_forms/physical_asset_statistics_form.xlsx"
    if not file.exists():
        pytest.skip(f"{file} is not here")
    session = office.imports.begin(CLERK, file.name, file.read_bytes())
    assert session.plan.head == 2
    assert session.plan.columns[:11] == (
        "other", "name", "kind", "model", "other", "asset_no", "custody", "acquired", "mode",
        "quantity", "value",
    )  # fmt: skip
    # What a place means by its words is hers to say, and whom it names the directory must know.
    values = {"kind": {"电器": "other", "电子设备": "other"}}
    plan = importing_cards.Plan(
        head=2,
        columns=tuple("" if name in ("place", "user") else name for name in session.plan.columns),
        values=values,
    )
    session = office.imports.judge(session, CLERK, plan, None)
    told = verdicts(office, session)
    rows = office.imports.sheet(session).rows
    numbered = [n for n in range(3, len(rows)) if rows[n][5]]
    odd = [f for f in office.imports.found(session).faults if f.row - 1 in numbered]
    assert {told[n + 1] for n in numbered} == {NEW}, odd
    assert {told[n + 1] for n in range(3, len(rows)) if not rows[n][5]} == {WRONG}
    # What is to be scrapped there is on the books still, and no sheet disposes of it.
    lines = [line for line in office.imports.found(session).lines if line.verdict == NEW]
    assert {rows[line.row - 1][6] for line in lines if line.omits} == {"报废"}
    assert {one.new for line in lines for one in line.omits} == {"to_dispose"}


def test_what_is_taken_home_comes_back_as_it_was(office: Office) -> None:
    admin = Actor(person="u_admin", unit="o_a", role="admin")
    for unit in ("o_a", "o_b"):
        form = {"name": "一号库", "unit": unit, "kind": "room"}
        office.ask(f"place/p_{unit}", "open_place", form, admin)
    long = HEAD + (
        "0012,'=1+1,其他,0.01,2020-1-1,,-5,一号库,\n@x,电脑,计算机设备,,,,'007,,\n"
        "-5,会议桌,家具,12,,,+86,,\n"
    )
    session = recorded(office, sent(office, long), choice_of("all"))
    assert session.recorded == 3
    assert card(office, "0012")["name"] == "=1+1"
    before = size(office)
    for lang in ("zh", "en"):
        for ending in ("csv", "xlsx"):
            content = cards_out.file_of(office, CLERK.scope, lang, ending)
            again = sent(office, content)
            found = office.imports.found(again)
            assert (found.faults, set(verdicts(office, again).values())) == ([], {SAME})
    assert size(office) == before


USED = """\
资产编号,资产名称,资产大类,使用状况,使用人
YS-1,笔记本电脑,计算机设备,在用,示例keeper
YS-2,会议桌,家具,在用,
YS-3,打印机,办公设备,闲置,u_keeper
YS-4,书柜,家具,未使用,示例keeper
YS-5,投影仪,办公设备,出借,
YS-6,椅子,家具,,示例head
"""
LATER = """\
资产编号,使用状况,使用人
YS-1,,示例head
YS-2,闲置,
YS-3,在用,
YS-4,低效,
YS-6,库存,
YS-5,在用,u_nobody
"""


def stands(office: Office) -> dict[str, tuple[str, str]]:
    return {
        row["asset_no"]: (row["custody"], row["user"])
        for row in importing_cards.there(office, [f"YS-{n}" for n in range(1, 7)]).values()
    }


def test_use_and_user_of_a_row_are_recorded_by_the_steps_that_say_so(office: Office) -> None:
    before = size(office)
    session = sent(office, USED)
    found = office.imports.found(session)
    assert (found.faults, size(office)) == ([], before)
    told = {line.number: [(c.field, c.new, c.verb) for c in line.changes] for line in found.lines}
    assert told == {
        "YS-1": [("user", "u_keeper", "issue"), ("custody", "in_use", "issue")],
        "YS-2": [("custody", "in_use", "put_to_common_use")],
        "YS-3": [("user", "u_keeper", "issue"), ("custody", "idle", "declare_idle")],
        "YS-4": [("user", "u_keeper", "")],
        "YS-5": [("custody", "lent", "")],
        "YS-6": [("user", "u_head", "issue"), ("custody", "in_use", "issue")],
    }
    page = at_page(office, "clerk").get(f"/imports/{session.id}").text
    assert "新卡片登记的使用情况（4）" in page and "示例keeper" in page
    assert "导入不登记的内容（2 行）" in page and page.count("出借须有借用单位和归还日期") == 1
    session = recorded(office, session, choice_of("all", leave=True))
    assert (session.recorded, size(office)) == (6, before + 11)
    assert stands(office) == {
        "YS-1": ("in_use", "u_keeper"),
        "YS-2": ("in_use", ""),
        "YS-3": ("idle", "u_keeper"),
        "YS-4": ("store", ""),
        "YS-5": ("store", ""),
        "YS-6": ("in_use", "u_head"),
    }
    assert (
        "示例"
        not in b"".join(
            e.state
            for e in office.book.entries(before + 1, before + 11)
            if e.stream.startswith("asset/")
        ).decode()
    )
    session = office.imports.take_back(session, CLERK, "导错", {}, None)
    assert (session.recorded, stands(office)) == (0, {})


def test_how_things_are_used_comes_back_as_it_was_and_differences_are_proposed(
    office: Office,
) -> None:
    recorded(office, sent(office, USED), choice_of("all", leave=True))
    for lang in ("zh", "en"):
        content = cards_out.file_of(office, CLERK.scope, lang, "csv")
        assert "示例keeper" in content.decode("utf-8-sig")
        again = sent(office, content)
        assert (office.imports.found(again).faults, set(verdicts(office, again).values())) == (
            [],
            {SAME},
        )
    session = sent(office, LATER)
    (fault,) = office.imports.found(session).faults
    assert (fault.row, fault.column) == (7, 2) and "u_nobody" in fault.en
    recorded(office, session, choice_of("right", corrections=True, reason="年终核对"))
    assert stands(office) == {
        "YS-1": ("in_use", "u_head"),
        "YS-2": ("idle", ""),
        "YS-3": ("in_use", "u_keeper"),
        "YS-4": ("under_used", ""),
        "YS-5": ("store", ""),
        "YS-6": ("store", ""),
    }


ENDS = """\
资产编号,资产名称,资产大类,使用状况,使用人
ZT-1,投影仪,办公设备,出借,示例keeper
ZT-2,礼堂音响,办公设备,出租,
ZT-3,旧电脑,计算机设备,待报废,示例keeper
ZT-4,报废车辆,车辆,已处置,
ZT-5,打印机,办公设备,在修,示例keeper
ZT-6,书柜,家具,库存,
"""


def test_what_a_sheet_cannot_record_is_left_out_only_with_consent_and_the_import_says_what(
    office: Office,
) -> None:
    before = size(office)
    session = sent(office, ENDS)
    found = office.imports.found(session)
    assert (found.faults, session.counts["left"], session.counts["omitting"]) == ([], 1, 4)
    assert [line.verdict for line in found.lines] == [NEW, NEW, NEW, LEFT, NEW, NEW]
    omitted = {line.number: [(c.field, c.new) for c in line.omits] for line in found.lines}
    assert omitted == {
        "ZT-1": [("user", "u_keeper"), ("custody", "lent")],  # who has it is the borrower
        "ZT-2": [("custody", "leased")],
        "ZT-3": [("custody", "to_dispose")],
        "ZT-4": [("custody", "gone")],
        "ZT-5": [],
        "ZT-6": [],
    }
    for without in ("all", "2", "2-7", "5"):
        with pytest.raises(NotNow) as refused:
            recorded(office, session, choice_of(without))
        assert "同意不登记" in refused.value.words.zh
    assert size(office) == before and office.imports.left(session) == []
    session = recorded(office, session, choice_of("right"))
    assert session.recorded == 2, "what needs consent waits for it"
    assert (card(office, "ZT-5")["custody"], card(office, "ZT-5")["user"]) == ("repair", "u_keeper")
    session = office.imports.judge(session, CLERK, session.plan, None)
    session = recorded(office, session, choice_of("all", leave=True))
    assert session.recorded == 5
    held = {n: card(office, f"ZT-{n}") for n in (1, 2, 3)}
    assert {n: (c["custody"], c["user"]) for n, c in held.items()} == {
        1: ("store", ""),
        2: ("store", ""),
        3: ("in_use", "u_keeper"),
    }
    assert "ZT-4" not in importing_cards.there(office, ["ZT-4"]), "it would be property again"
    left = [(one.row, one.field, one.value) for one in office.imports.left(session)]
    assert left == [
        (2, "user", ""),  # the name is not kept
        (2, "custody", "lent"),
        (3, "custody", "leased"),
        (4, "custody", "to_dispose"),
        (5, "custody", "gone"),
    ]
    name_of = lambda _, id_: office.called(id_, "zh")  # noqa: E731 - a name for a test
    marked = b"".join(pieces_of(office.imports, session, "zh", name_of, "csv")).decode("utf-8-sig")
    rows = {row[0]: row[-1] for row in csv.reader(io.StringIO(marked))}
    assert rows["ZT-4"].startswith("不建卡") and "不再建卡" in rows["ZT-4"]
    assert "处置批复" in rows["ZT-3"] and "承租人" in rows["ZT-2"] and "借用单位" in rows["ZT-1"]
    # It stays when the file is gone, and is shown.
    office.imports.forget(session)
    assert len(office.imports.left(session)) == 5
    for lang, words in (
        ("zh", "经同意没有登记的内容（5 项）"),
        ("en", "Left out with consent (5)"),
    ):
        shown = at_page(office, "clerk", lang).get(f"/imports/{session.id}").text
        assert words in shown and "ZT-4" in shown


def test_the_end_of_a_thing_that_is_on_the_books_is_told_and_what_agrees_is_not(
    office: Office,
) -> None:
    recorded(office, sent(office, ENDS), choice_of("right"))
    session = sent(office, "资产编号,使用状况\nZT-5,已核销\nZT-6,待处置\n")
    told = {line.number: line for line in office.imports.found(session).lines}
    assert [(c.old, c.new, c.verb) for c in told["ZT-6"].changes] == [("store", "to_dispose", "")]
    assert [(c.old, c.new, c.verb) for c in told["ZT-5"].changes] == [("repair", "gone", "")]
    assert not told["ZT-5"].omits, "the books say otherwise, and keep what they say"
    reading = office.imports._judging(session, CLERK, session.plan)
    row = reading.reading.row(2, [])
    assert list(reading._used(row, Custody.STORE, "", "to_dispose")) == []


def test_what_the_books_of_another_system_say_of_an_end_is_told_too(office: Office) -> None:
    sheet = (
        "资产编号,资产名称,资产大类,使用状况,账面状态\nZM-1,电脑,计算机设备,在用,待处置\n"
        "ZM-2,电脑,计算机设备,已离场,已核销\nZM-3,电脑,计算机设备,在用,在账\n"
    )
    session = sent(office, sheet)
    told = {line.number: line for line in office.imports.found(session).lines}
    assert [line.verdict for line in told.values()] == [NEW, LEFT, NEW]
    assert {n: [c.new for c in line.omits] for n, line in told.items()} == {
        "ZM-1": ["to_dispose"],
        "ZM-2": ["gone"],
        "ZM-3": [],
    }
    recorded(office, session, choice_of("all", leave=True))
    assert card(office, "ZM-1")["custody"] == "in_use", "what the sheet says of its use is recorded"


def test_a_person_agrees_on_the_page_to_what_is_left_out(office: Office) -> None:
    client = at_page(office, "clerk")
    where = client.post("/imports", files={"file": ("a.csv", ENDS.encode())}).headers["location"]
    (session,) = office.imports.all("o_a")
    columns = {f"column-{at}": name for at, name in enumerate(session.plan.columns)}
    client.post(f"{where}/check", data=columns)
    page = client.get(where).text
    assert "导入不登记的内容（4 行）" in page and 'name="leave"' in page
    asking = re.search(r"新建卡片 (\d) 张，其中 (\d) 张须经您同意", page)
    assert asking is not None and asking.groups() == ("5", "3"), "what waits for consent says so"
    assert page.count("（须经下面同意）") == 3
    refused = client.post(f"{where}/record", data={"which": "all"})
    assert refused.status_code == 409 and "同意不登记" in refused.text
    assert client.post(f"{where}/record", data={"which": "all", "leave": "1"}).status_code == 303
    assert "经同意没有登记的内容（5 项）" in client.get(where).text


KEPT = """\
资产编号,资产名称,资产大类,单位名称,保管单位,投入使用日期,使用部门
BG-1,投影仪,办公设备,示例市财政局,示例市水利局,2019/6/1,征管科
BG-2,会议桌,家具,示例市财政局,,,
BG-3,书柜,家具,示例市财政局,示例市教育局,2019年6月31日,
"""


def test_who_keeps_a_thing_and_since_when_it_is_used_go_in_and_out_as_they_are(
    office: Office,
) -> None:
    session = sent(office, KEPT)
    assert session.plan.columns[4:] == ("custodian", "used_from", "department")
    assert verdicts(office, session) == {2: NEW, 3: NEW, 4: WRONG}
    assert {(f.row, f.column) for f in office.imports.found(session).faults} == {(4, 4), (4, 5)}
    page = at_page(office, "clerk").get(f"/imports/{session.id}").text
    assert "内设部门不是单位，不导入" in page, "a column that is not taken says why"
    recorded(office, session, choice_of("right"))
    held = [(c["custodian"], c["used_from"]) for c in (card(office, "BG-1"), card(office, "BG-2"))]
    assert held == [("o_b", "2019-06-01"), ("o_a", "")]
    # Out and in again: nothing differs, in either language and as either kind of file.
    before = size(office)
    heads = {"zh": "投入使用日期", "en": "in use from"}
    for lang in ("zh", "en"):
        for ending in ("csv", "xlsx"):
            content = cards_out.file_of(office, CLERK.scope, lang, ending)
            again = sent(office, content)
            assert heads[lang] in office.imports.sheet(again).rows[0]
            found = office.imports.found(again)
            assert (found.faults, set(verdicts(office, again).values())) == ([], {SAME})
    assert size(office) == before
    # A day is corrected; who keeps it changes by a hand-over alone.
    later = "资产编号,保管单位,投入使用日期\nBG-1,示例市财政局,2019-07-01\nBG-2,,2020-02-03\n"
    session = sent(office, later)
    told = {line.number: line.changes for line in office.imports.found(session).lines}
    assert [(c.field, c.old, c.new, c.verb) for c in told["BG-1"]] == [
        ("used_from", "2019-06-01", "2019-07-01", "correct_card"),
        ("custodian", "o_b", "o_a", ""),
    ]
    recorded(office, session, choice_of("right", corrections=True, reason="核对档案"))
    days = {n: (card(office, n)["used_from"], card(office, n)["custodian"]) for n in told}
    assert days == {"BG-1": ("2019-07-01", "o_b"), "BG-2": ("2020-02-03", "o_a")}
    id_ = card(office, "BG-1")["id"]
    for lang, words in (("zh", "投入使用日期"), ("en", "In use from")):
        shown = at_page(office, "clerk", lang).get(f"/assets/{id_}").text
        assert words in shown and "2019-07-01" in shown


def test_nobody_is_made_to_keep_what_another_unit_says_they_keep(office: Office) -> None:
    mine = msgspec.structs.replace(CLERK, scope=Scope(frozenset({"o_a"})))
    session = sent(office, KEPT, mine)
    (first, *_) = office.imports.found(session).faults
    assert (first.row, first.column) == (2, 4) and "交接" in first.zh
    assert verdicts(office, session) == {2: WRONG, 3: NEW, 4: WRONG}


def test_the_template_has_every_column_and_can_be_filled_in(office: Office) -> None:
    for lang in ("zh", "en"):
        content = card_template.workbook(lang, [("o_a", "示例市财政局"), ("o_x", "=恶意")])
        session = office.imports.begin(CLERK, "模板.xlsx", content)
        assert "" not in session.plan.columns and session.plan.head == 0
        assert len(session.plan.columns) == len(importing_cards.card_columns.TAKEN)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            sheet = archive.read("xl/worksheets/sheet1.xml").decode()
            strings = archive.read("xl/sharedStrings.xml").decode()
        # Kinds, ways, values, use; unit, owner and who keeps it; no place.
        assert sheet.count("<dataValidation ") == 7
        assert "'=恶意" in strings and "<f>" not in sheet


def test_programs_send_a_sheet_in_and_say_which_rows(office: Office) -> None:
    door = Door(app_of(office))

    def post(path: str, content: bytes, key: str, kind: str = "application/json") -> Any:
        headers = {"Idempotency-Key": key, "Content-Type": kind, "Accept-Language": "en"}
        return door.http.post(
            f"/api/v1/{path}", content=content, headers=headers, auth=("clerk", PASSWORD)
        )

    before = size(office)
    first = post("imports?name=a.csv", BAD.encode("gb18030"), "k1", "application/octet-stream")
    assert first.status_code == 200, first.text
    told = first.json()
    assert (told["status"], told["counts"]["new"], told["counts"]["wrong"]) == ("judged", 2, 4)
    assert [f["cell"] for f in told["faults"]][:2] == ["C4 资产大类", "D4 原值（元）"]
    again = post("imports?name=a.csv", BAD.encode("gb18030"), "k1", "application/octet-stream")
    assert again.json()["id"] == told["id"] and size(office) == before
    path = f"imports/{told['id']}"
    columns = [name if name != "place" else "" for name in told["columns"]]
    mapped = post(f"{path}/columns", json.dumps({"columns": columns}).encode(), "k2").json()
    assert len(mapped["faults"]) == len(told["faults"]) - 1
    assert post(f"{path}/columns", b'{"columns":["?"]}', "k3").status_code == 422
    refused = post(f"{path}/record", b'{"rows":"all"}', "k4")
    assert (refused.status_code, refused.json()["slug"]) == (409, "import-not-now")
    assert post(f"{path}/record", b'{"rows":"x"}', "k5").status_code == 422
    for _ in range(2):
        done = post(f"{path}/record", b'{"rows":"right"}', "k6").json()
        assert (done["status"], done["recorded"]) == ("recorded", 2)
    assert size(office) == before + 2
    assert door.get("imports", who="clerk").json()["imports"][0]["id"] == told["id"]
    assert door.get("imports", who="auditor").status_code == 403
    assert door.get("imports/nothing", who="clerk").status_code == 404
    rows = door.get(f"{path}/faults", who="clerk").content.decode("utf-8-sig")
    assert "核对结果" in next(csv.reader(io.StringIO(rows)))
    out = door.get("cards/export", who="clerk", format="xlsx").content
    assert set(verdicts(office, sent(office, out)).values()) == {SAME}
    assert door.get("cards/template", who="clerk").status_code == 200
    back = post(f"{path}/reverse", '{"reason":"录错"}'.encode(), "k7").json()
    assert (back["status"], back["recorded"]) == ("reversed", 0)
    assert post(f"{path}/forget", b"{}", "k8").json()["recorded"] == 0


def test_programs_say_what_may_be_left_out_and_hear_what_was(office: Office) -> None:
    door = Door(app_of(office))

    def post(path: str, content: bytes, key: str, kind: str = "application/json") -> Any:
        headers = {"Idempotency-Key": key, "Content-Type": kind, "Accept-Language": "en"}
        return door.http.post(
            f"/api/v1/{path}", content=content, headers=headers, auth=("clerk", PASSWORD)
        )

    told = post("imports?name=a.csv", ENDS.encode(), "l1", "application/octet-stream").json()
    assert (told["counts"]["omitting"], told["left_out"]) == (4, [])
    path = f"imports/{told['id']}/record"
    refused = post(path, b'{"rows":"all"}', "l2")
    assert (refused.status_code, refused.json()["slug"]) == (409, "import-not-now")
    done = post(path, b'{"rows":"all","leave":true}', "l3").json()
    assert (done["recorded"], len(done["left_out"])) == (5, 5)
    last = done["left_out"][-1]
    assert (last["row"], last["asset_no"], last["field"], last["value"]) == (
        5, "ZT-4", "custody", "gone",
    )  # fmt: skip
    assert "no card" in last["said"]
    assert "u_keeper" not in json.dumps(done["left_out"])


def run(office: Office, *args: str) -> Any:
    env = {
        "GONGWU_DATABASE": office.settings.database,
        "GONGWU_PASSWORD": PASSWORD,
        "GONGWU_LOGIN": "clerk",
    }
    return CliRunner().invoke(cli.app, ["--lang", "zh", *args], env=env)


def test_the_command_line_does_the_same(office: Office, tmp_path: Path) -> None:
    file, findings = tmp_path / "卡片.csv", tmp_path / "结果.xlsx"
    file.write_text(BAD, encoding="gb18030")
    before = size(office)
    dry = run(office, "cards", "import", str(file), "--dry-run", "--faults", str(findings))
    assert dry.exit_code == 0, dry.output
    assert "新建 2 张" in dry.output and "C4" in dry.output and findings.exists()
    assert run(office, "cards", "import", str(file)).exit_code == 1
    assert size(office) == before
    done = run(office, "cards", "import", str(file), "--right", "--json")
    told = json.loads(done.stdout)
    assert (told["recorded"], size(office)) == (2, before + 2)
    assert told["id"] in run(office, "cards", "imports").output
    home = tmp_path / "家.xlsx"
    assert run(office, "cards", "export", str(home)).exit_code == 0
    same = run(office, "cards", "import", str(home), "--dry-run", "--json")
    assert json.loads(same.stdout)["counts"]["same"] == 2
    assert run(office, "cards", "template", str(tmp_path / "模板.xlsx")).exit_code == 0
    back = run(office, "cards", "reverse", told["id"], "--reason", "录错", "--json")
    assert json.loads(back.stdout)["status"] == "reversed", back.output
    bad = run(office, "cards", "import", str(file), "--map", "Z=name")
    assert bad.exit_code == 2


def packed(members: dict[str, bytes]) -> bytes:
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return kept.getvalue()


def vast() -> bytes:
    """Return a workbook of two cells, as far apart as a sheet is large."""
    book = io.BytesIO(workbook([["a"]]))
    with zipfile.ZipFile(book) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    sheet = members["xl/worksheets/sheet1.xml"].decode()
    cell = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    members["xl/worksheets/sheet1.xml"] = sheet.replace("</sheetData>", cell).encode()
    return packed(members)


@pytest.mark.parametrize(
    "bomb",
    [
        lambda: packed({"xl/worksheets/a.xml": bytes(9_000_000)}),
        lambda: packed({f"xl/{n}": b"x" for n in range(201)}),
        lambda: packed({"../../etc/x": b"x"}),
        lambda: packed({"xl/workbook.xml": b'<!DOCTYPE a [<!ENTITY b "b">]><a>&b;</a>'}),
        vast,
        lambda: workbook([["a"]])[:700],
        lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2_000),
    ],
)
def test_a_hostile_workbook_is_refused_and_ends_nobody_but_its_reader(
    bomb: Callable[[], bytes],
) -> None:
    with pytest.raises(Unreadable) as refused:
        reading_cells.read(bomb(), "x.xlsx")
    (problem,) = refused.value.problems
    assert problem.slug in ("hostile-archive", "broken-workbook", "workbook-too-costly")


def at_page(office: Office, who: str, lang: str = "zh") -> TestClient:
    client = TestClient(create_app(office.settings, office), follow_redirects=False)
    account = next(a for a in office.accounts.all() if a.login == who)
    client.cookies.set("session", office.accounts.sign_in(account))
    client.cookies.set("lang", lang)
    return client


def test_a_person_goes_from_file_to_receipt(office: Office) -> None:
    client = at_page(office, "clerk")
    assert "还没有导入过" in client.get("/imports").text
    assert client.post("/imports", data={}).status_code == 422
    broken = client.post("/imports", files={"file": ("a.xlsx", b"PK\x03\x04")})
    assert broken.status_code == 422 and "另存为" in broken.text
    before = size(office)
    answer = client.post("/imports", files={"file": ("卡片.csv", BAD.encode("gbk"))})
    assert answer.status_code == 303
    where = answer.headers["location"]
    shown = client.get(where).text
    assert "列的含义" in shown and "同意记入" not in shown
    (session,) = office.imports.all("o_a")
    columns = {f"column-{at}": name for at, name in enumerate(session.plan.columns)}
    assert client.post(f"{where}/check", data=columns).status_code == 303
    shown = client.get(where).text
    assert "C4 资产大类" in shown and "同意记入" in shown and size(office) == before
    assert "建卡入账：ZC-2 办公桌" in shown, "what will be recorded is shown first"
    # What the sheet calls a kind is said once.
    said = {"of-1": "kind", "said-1": "座具", "means-1": "furniture"}
    client.post(f"{where}/check", data=columns | said)
    assert "没有这样的资产大类" not in client.get(where).text
    refused = client.post(f"{where}/record", data={"which": "all"})
    assert refused.status_code == 409 and "一行也没有记入" in refused.text
    assert client.post(f"{where}/record", data={"which": "rows", "rows": "x"}).status_code == 409
    assert size(office) == before
    assert client.post(f"{where}/record", data={"which": "right"}).status_code == 303
    done = client.get(where).text
    assert f"第 {before + 1}–{before + 2} 条" in done and session.sha256 in done
    assert "已记入" in client.get("/imports").text
    assert client.get(f"{where}/faults.xlsx").content.startswith(b"PK")
    assert client.get(f"{where}/faults.pdf").status_code == 404
    client.post(f"{where}/reverse", data={"reason": "录错"})
    assert "已红冲" in client.get(where).text
    client.post(f"{where}/forget")
    english = at_page(office, "clerk", "en").get(where)
    assert english.status_code == 200 and "Receipt" in english.text
    assert client.get("/imports/nothing").status_code == 404
    assert at_page(office, "auditor").get("/imports").status_code == 403


def test_another_sheet_and_another_row_of_headings_are_chosen(office: Office) -> None:
    client = at_page(office, "clerk")
    kept = io.BytesIO()
    with xlsxwriter.Workbook(kept) as book:
        for title in ("甲", "乙"):
            sheet = book.add_worksheet(title)
            for line, row in enumerate((("说明", ""), ("资产编号", "资产名称"), (title, "桌"))):
                sheet.write_row(line, 0, row)
    where = client.post("/imports", files={"file": ("a.xlsx", kept.getvalue())}).headers["location"]
    (session,) = office.imports.all("o_a")
    assert (session.sheet, session.plan.head) == ("甲", 1)
    client.post(f"{where}/sheet", data={"sheet": "乙", "head": "2"})
    client.post(f"{where}/sheet", data={"sheet": "乙", "head": "1"})
    (session,) = office.imports.all("o_a")
    assert (session.sheet, session.plan.head, session.plan.columns) == ("乙", 0, ("", ""))


@pytest.mark.target("T121")
def test_a_sheet_tells_nothing_of_the_cards_of_others(office: Office) -> None:
    other = Actor(person="u_other", unit="o_b", role="clerk")
    theirs = {"asset_no": "SB-1", "name": "水泵", "kind": "other", "unit": "o_b"}
    office.ask("asset/SB1", "register_existing", theirs, other)
    mine = msgspec.structs.replace(CLERK, scope=Scope(frozenset({"o_a"})))
    text = "资产编号,资产名称,资产大类,单位名称\nSB-1,泵,其他,示例市水利局\nSB-2,泵,其他,示例市水利局\n"
    session = sent(office, text, mine)
    found = office.imports.found(session)
    assert set(verdicts(office, session).values()) == {WRONG}
    assert [(f.row, f.column) for f in found.faults] == [(2, 0), (3, 3)]
    assert "水泵" not in str(msgspec.to_builtins(found))
