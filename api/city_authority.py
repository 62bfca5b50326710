"""The example city's authority: who holds which role, who stands in for whom, which units change."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from api.city_people import BODIES, CULTURE, OFFICES, OPENED_ON, PEOPLE, credit_code, who
from domain.unit import UnitKind
from domain.words import Role
from labels.identity import check_character

if TYPE_CHECKING:
    from api.city_story import Story

EDUCATION: Final = "o_ex_edu"
TOURISM: Final = "o_ex_tou"
FORUM: Final = "o_ex_for"
ARRIVED: Final = {body.id: body.since for body in BODIES}
DESKS: Final = 6


def appointed(story: Story) -> None:
    """Let everybody who has a role be given it on the day on which their unit began."""
    admin = who(OFFICES, Role.ADMIN)
    holders = [person for person in PEOPLE if person.role]
    for person in sorted(holders, key=lambda p: p.id != admin.id):  # the administrator first
        on = max(OPENED_ON, ARRIVED[person.unit])
        form: dict[str, Any] = {"unit": person.unit, "post": person.role}
        story.do(on, admin, f"person/{person.id}", "assign", **form)


def stood_in(story: Story) -> None:
    """Let the head of the education bureau travel twice; a clerk stands in, once too long."""
    admin, head = who(OFFICES, Role.ADMIN), who(EDUCATION, Role.HEAD)
    clerk = who(EDUCATION, Role.CLERK, 2)
    stream = f"person/{head.id}"
    for on, days, reason in ((date(2026, 3, 2), 10, "外出培训"), (date(2026, 8, 3), 40, "休假")):
        story.do(
            on,
            head,
            stream,
            "delegate",
            delegate=clerk.id,
            unit=EDUCATION,
            post=Role.HEAD.value,
            until=on + timedelta(days=days),
            reason=reason,
        )
    power: dict[str, Any] = {"delegate": clerk.id, "unit": EDUCATION, "post": Role.HEAD.value}
    story.do(date(2026, 8, 24), head, stream, "revoke", **power, reason="提前返岗")
    keeper = who("o_ex_whs", Role.KEEPER, 2)
    office: dict[str, Any] = {"unit": OFFICES, "post": Role.CLERK.value}
    story.do(
        date(2026, 4, 1), admin, f"person/{keeper.id}", "assign", **office, since=date(2026, 4, 2)
    )
    ended: dict[str, Any] = {**office, "reason": "借调期满"}
    story.do(date(2026, 9, 30), admin, f"person/{keeper.id}", "end_role", **ended)


def reorganised(story: Story) -> None:
    """Let a forum have an office for a time, and the tourism centre end in the culture bureau."""
    admin, office = who(OFFICES, Role.ADMIN), who(OFFICES, Role.OFFICE)
    on, city = date(2026, 3, 9), "示例市人民政府"
    story.do(
        on,
        admin,
        f"unit/{FORUM}",
        "establish_temporary",
        [story.paper("decision", on, city, "示编")],
        name="示例论坛筹备组",
        name_en="Example Forum Preparatory Group",
        ends_on=date(2026, 9, 30),
        approval_no="示编〔2026〕12号",
        level="prefecture",
        region="990000",
    )
    form: dict[str, Any] = {"ends_on": date(2026, 12, 31), "approval_no": "示编〔2026〕31号"}
    story.do(date(2026, 9, 21), admin, f"unit/{FORUM}", "extend_term", **form)
    story.do(
        date(2025, 5, 12),
        admin,
        f"unit/{TOURISM}",
        "establish",
        name="示例市旅游服务中心",
        name_en="Example City Tourism Centre",
        kind=UnitKind.INSTITUTION,
        level="prefecture",
        region="990000",
        competent=CULTURE,
        located="示例市",
    )
    code = credit_code(UnitKind.INSTITUTION, 14)
    for on, said in ((date(2025, 5, 13), code[:-1] + ("0" if code[-1] != "0" else "1")),):
        story.do(on, admin, f"unit/{TOURISM}", "record_credit_code", uscc=said)
    story.do(date(2025, 5, 20), admin, f"unit/{TOURISM}", "record_credit_code", uscc=code)
    clerk = who(CULTURE, Role.CLERK)
    desks = [f"EXTOURISM{number:02}" for number in range(1, DESKS + 1)]
    for number, desk in enumerate(desks, start=1):
        story.do(
            date(2025, 5, 26),
            clerk,
            f"asset/{desk}",
            "register_existing",
            asset_no=f"{(plain := f'LY-{number:05}')}-{check_character(plain)}",
            name="办公桌",
            kind="furniture",
            unit=TOURISM,
            value=128_000,
        )
    merged(story, desks)
    stream, on = "reorganisation/EXWITHDRAWN", date(2026, 5, 11)
    order: dict[str, Any] = {"cut_off": on, "order_no": "示编〔2026〕20号", "order_issuer": city}
    units: dict[str, Any] = {"from_units": [FORUM], "to_units": [OFFICES]}
    story.do(on, office, stream, "propose", **units, **order)
    story.do(on + timedelta(days=2), office, stream, "withdraw", reason="筹备组继续办公")
    stream, other = "reorganisation/EXREFUSED", who(OFFICES, Role.OFFICE, 2)
    story.do(date(2026, 5, 18), office, stream, "propose", **units, **order)
    reason = "筹备组尚未撤销"
    story.do(date(2026, 5, 20), other, stream, "refuse", reason=reason)


def merged(story: Story, desks: list[str]) -> None:
    """Hand over everything the tourism centre has, then let it end."""
    admin, office = who(OFFICES, Role.ADMIN), who(OFFICES, Role.OFFICE)
    clerk, head = who(CULTURE, Role.CLERK), who(CULTURE, Role.HEAD)
    order: dict[str, Any] = {"order_no": "示编〔2026〕18号"}
    stream, on = "reorganisation/EXTOURISM", date(2026, 4, 20)
    paper = story.paper("decision", on, "示例市人民政府", "示编")
    story.do(
        on,
        clerk,
        stream,
        "propose",
        [paper],
        from_units=[TOURISM],
        to_units=[CULTURE],
        cut_off=date(2026, 5, 6),
        order_issuer="示例市人民政府",
        **order,
    )
    story.do(date(2026, 4, 22), office, stream, "send_back", reason="请附移交清册")
    story.do(date(2026, 4, 24), clerk, stream, "resubmit", note="清册已附")
    story.do(date(2026, 4, 27), office, stream, "approve", approval_no="示管资〔2026〕7号")
    sides: dict[str, Any] = {"from_unit": TOURISM, "to_unit": CULTURE}
    other = who(OFFICES, Role.OFFICE, 2)
    story.do(date(2026, 5, 6), other, stream, "hand_over", **sides, assets=desks)
    story.do(date(2026, 5, 8), head, stream, "take_over", to_unit=CULTURE, note="账卡物相符")
    story.do(date(2026, 5, 11), admin, f"unit/{TOURISM}", "merge", into=CULTURE, **order)
