"""The example city's oversight: standards, plans, a census, audit findings, a change of use."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Final

from api.city_authority import DESKS, FORUM
from api.city_people import DIVISION, FINANCE, OFFICES, who
from api.city_things import FURNITURE, LENDABLE
from domain.words import Role
from labels.identity import check_character

if TYPE_CHECKING:
    from api.city_story import Story

WATER: Final = "o_ex_wat"
CULTURE_STREAM: Final = "o_ex_cul"
EDUCATION: Final = "o_ex_edu"
ARCHIVE: Final = "o_ex_arc"


def overseen(story: Story) -> None:
    """Tell what the city lays down, plans, counts and finds."""
    standards(story)
    plans(story)
    censuses(story)
    findings(story)
    converted(story)
    ending(story)


def standards(story: Story) -> None:
    """Lay down invented standards: one in force, one drafted, one that ended."""
    office, finance = who(OFFICES, Role.OFFICE), who(FINANCE, Role.FINANCE)
    said: tuple[tuple[str, dict[str, Any], date, str], ...] = (
        (
            "示例市台式计算机配置标准（虚构）",
            {"kind": "computer", "price_cap": 500_000},
            date(2026, 1, 13),
            "force",
        ),
        (
            "示例市办公桌配置标准（虚构）",
            {"kind": "furniture", "price_cap": 300_000, "service_years": 15},
            date(2025, 9, 8),
            "ended",
        ),
        (
            "示例市打印设备配置标准（虚构）",
            {"kind": "office", "performance": "双面打印"},
            date(2026, 10, 13),
            "draft",
        ),
    )
    for title, limits, on, upto in said:
        stream = story.case("standard")
        story.do(on, office, stream, "draft", title=title, region=DIVISION, **limits)
        if upto == "draft":
            continue
        on = story.later(on, 2, 6)
        number = story.paper("decision", on, "示例市财政局", "示财标").number
        story.do(on, finance, stream, "publish", in_force_from=on, number=number)
        if upto == "ended":
            last = date(2026, 6, 30)
            story.do(date(2026, 6, 15), finance, stream, "end", last_day=last, reason="重新拟订")


def plans(story: Story) -> None:
    """Draft plans for the next year: one still open, one taken back."""
    needs = (
        ("台式计算机", "computer", "A02010105", 4, 480_000),
        ("文件柜", "furniture", "A05010502", 6, 90_000),
    )
    for unit, title, upto in (
        (EDUCATION, "示例市教育局2027年新增资产配置计划", "drafted"),
        (WATER, "示例市水利局2027年新增资产配置计划", "withdrawn"),
    ):
        stream, clerk = story.case("plan"), who(unit, Role.CLERK)
        on = date(2026, 10, 12)
        story.do(on, clerk, stream, "draft", unit=unit, year=2027, title=title)
        for item, kind, code, count, price in needs:
            form: dict[str, Any] = {"kind": kind, "class_code": code, "quantity": str(count)}
            form |= {"unit_price": price, "measure": "件", "reason": "更新到期设备"}
            story.do(story.later(on, 1, 2), clerk, stream, "add_line", item=item, **form)
        if upto == "withdrawn":
            story.do(date(2026, 10, 20), clerk, stream, "withdraw", reason="并入部门计划")


def censuses(story: Story) -> None:
    """Establish anew what there is: one census closed, one being taken."""
    finance, other = who(FINANCE, Role.FINANCE), who(FINANCE, Role.FINANCE, 2)
    stream, on = story.case("census"), date(2026, 5, 11)
    order = story.paper("decision", on, "示例市财政局", "示财清")
    ask: dict[str, Any] = {"unit": CULTURE_STREAM, "trigger": "reorganised", "base_date": on}
    ask |= {"due": date(2026, 7, 31), "order_no": order.number}
    story.do(on, finance, stream, "open_census", [order], **ask)
    on = date(2026, 7, 6)
    report = story.paper("stock_note", on, "", "示清报")
    found: dict[str, Any] = {"cards": 64, "surplus": 1, "shortage": 2, "amount": 860_000}
    clerk = who(CULTURE_STREAM, Role.CLERK)
    story.do(on, clerk, stream, "submit_results", [report], report_no=report.number, **found)
    on = date(2026, 8, 10)
    ruling = story.paper("approval", on, "示例市财政局", "示财核")
    story.do(on, other, stream, "rule_on", [ruling], ruling_no=ruling.number)
    on = date(2026, 8, 24)
    voucher = story.paper("voucher", on, "", "示记")
    booked: dict[str, Any] = {"voucher": voucher.number, "surplus": 1, "shortage": 2}
    accountant = who(CULTURE_STREAM, Role.ACCOUNTANT)
    story.do(on, accountant, stream, "book_adjustment", [voucher], **booked)
    story.do(date(2026, 9, 7), other, stream, "close", report_no=report.number)
    stream, on = story.case("census"), date(2026, 10, 12)
    order = story.paper("decision", on, "示例市人民政府", "示政清")
    ask = {"unit": ARCHIVE, "trigger": "ordered", "base_date": date(2026, 9, 30)}
    ask |= {"due": date(2026, 12, 31), "order_no": order.number}
    story.do(on, finance, stream, "open_census", [order], **ask)


def findings(story: Story) -> None:
    """Let the audit office find something: closed, reported, and still open."""
    auditor = who("o_ex_aud", Role.AUDITOR)
    told = (
        (EDUCATION, "借出资产逾期未还，未见催还记录", date(2026, 3, 16), "closed"),
        (WATER, "两项资产标签缺失", date(2026, 9, 14), "reported"),
        (CULTURE_STREAM, "出租收入上缴迟于规定期限", date(2026, 10, 19), "raised"),
    )
    for unit, finding, on, upto in told:
        stream = story.case("note")
        form: dict[str, Any] = {"unit": unit, "finding": finding, "due": story.later(on, 28, 35)}
        if form["due"] <= on:
            form["due"] = date(2026, 11, 30)
        story.do(on, auditor, stream, "raise_note", **form)
        if upto == "raised":
            continue
        on = story.later(on, 10, 20)
        proof = story.paper("photo", on, "", "示整")
        head = who(unit, Role.HEAD)
        story.do(on, head, stream, "report_rectification", [proof], measures="已整改，附材料")
        if upto == "closed":
            on = story.later(on, 5, 9)
            story.do(on, auditor, stream, "close", conclusion="整改到位")


def converted(story: Story) -> None:
    """Let idle furniture serve the public: one change of use done, one awaiting its decision."""
    for unit, on, upto in (
        (CULTURE_STREAM, date(2026, 4, 13), "converted"),
        (EDUCATION, date(2026, 10, 19), "requested"),
    ):
        things = []
        for _ in range(3):
            thing, carded = story.carded(unit, FURNITURE)
            story.idle(unit, thing, story.issued(unit, thing, carded))
            things.append(thing)
        stream, clerk = story.case("conversion"), who(unit, Role.CLERK)
        ask: dict[str, Any] = {"unit": unit, "assets": [t.id for t in things]}
        ask |= {"purpose": "社区图书阅览", "used_by": "示例社区服务站", "reason": "闲置超过半年"}
        story.do(on, clerk, stream, "request", **ask)
        if upto == "requested":
            continue
        on = story.later(on, 3, 8)
        paper = story.paper("approval", on, "示例市机关事务管理局", "示管转")
        office = who(OFFICES, Role.OFFICE)
        story.do(on, office, stream, "approve", [paper], approval_no=paper.number)
        on = story.later(on, 5, 12)
        done: dict[str, Any] = {"assets": [t.id for t in things], "since": on}
        story.do(on, clerk, stream, "convert", **done)


def ending(story: Story) -> None:
    """Prepare the end of the forum's office: the hand-over is approved and waits for its day."""
    office, other = who(OFFICES, Role.OFFICE), who(OFFICES, Role.OFFICE, 2)
    stream, on = "reorganisation/EXFORUM", date(2026, 10, 19)
    order = story.paper("decision", on, "示例市人民政府", "示编")
    ask: dict[str, Any] = {"from_units": [FORUM], "to_units": [OFFICES]}
    ask |= {"cut_off": date(2026, 12, 31), "order_no": order.number}
    story.do(on, office, stream, "propose", [order], order_issuer="示例市人民政府", **ask)
    number = story.paper("approval", on, "示例市机关事务管理局", "示管资").number
    story.do(date(2026, 10, 22), other, stream, "approve", approval_no=number)
    clerk, day = who(OFFICES, Role.CLERK), date(2026, 4, 13)
    for desk in range(1, DESKS + 1):
        plain = f"LT-{desk:05}"
        card: dict[str, Any] = {"asset_no": f"{plain}-{check_character(plain)}", "unit": FORUM}
        card |= {"name": "会议桌", "kind": "furniture", "value": 96_000}
        story.do(day, clerk, f"asset/EXFORUM{desk:02}", "register_existing", **card)
    for reason, upto in (("论坛会务", "approved"), ("论坛收尾", "requested")):
        thing, _ = story.carded(WATER, LENDABLE)
        loan, on = story.case("loan"), date(2026, 10, 12)
        ask = {"lender": WATER, "borrower": FORUM, "assets": [thing.id], "purpose": reason}
        ask |= {"due": date(2026, 12, 18)}
        story.do(on, clerk, loan, "request", **ask)
        if upto == "approved":
            paper = story.paper("approval", on, "示例市机关事务管理局", "示管借")
            form: dict[str, Any] = {"approval_no": paper.number}
            story.do(date(2026, 10, 15), office, loan, "approve", [paper], **form)
