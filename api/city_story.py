"""Eighteen months in the example city: what happens to some 600 things in all six stages.

One fixed seed, no clock: the same story every time. Each thing lives in exactly one of the
chapters below, so that no two of them need the same thing at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random
from typing import Any, Final

from api import (
    city_authority,
    city_idle,
    city_oversight,
    city_registers,
    city_reuse,
    city_rules,
    city_sales,
)
from api.city_people import (
    BODIES,
    BRANCH,
    CITY,
    CULTURE,
    DIVISION,
    EXPO,
    FINANCE,
    HOLDERS,
    OFFICES,
    SHELVES,
    SITES,
    STORE,
    VIRTUAL,
    WAREHOUSE,
    Person,
    rooms,
    users,
    who,
)
from api.city_rehearsal import Act
from api.city_things import (
    COMPUTERS,
    EVENT,
    FURNITURE,
    INSTRUMENTS,
    LENDABLE,
    OFFICE,
    OLD,
    ORDINARY,
    PREMISES,
    VEHICLES,
    Maker,
    Sort,
    Thing,
)
from domain.decider import Ask, Document
from domain.leaving import GROUNDS, Form, Ground
from domain.waterfall import Came, Way
from domain.words import Role

SEED: Final = 20260101
ENDED_ON: Final = date(2026, 10, 30)
SUPPLIER: Final = "示例科技供应商"
RECYCLER: Final = "示例再生资源有限公司"
AUCTIONEER: Final = "示例拍卖有限公司"
FAULTS: Final = ("不能开机", "屏幕破损", "卡纸", "制冷不足", "异响", "桌面开裂", "电源故障")
ENOUGH_YEARS: Final = (date(2014, 1, 1), date(2018, 12, 31))
RECENT: Final = (date(2019, 1, 1), date(2025, 3, 31))


class Story:
    """Collects the acts; days of one thing's life are given in order."""

    def __init__(self) -> None:
        self.rng = Random(SEED)
        self.maker = Maker(self.rng)
        self.acts: list[Act] = []
        self.papers = 0
        self.late = ""  # whose move in March becomes known only at the end
        self.lots: list[tuple[str, str, str]] = []  # what is listed later: stream, unit, name
        self.mistake = ""  # whose value was corrected by a factor of a hundred

    # Days, papers and people --------------------------------------------------

    def between(self, first: date, last: date) -> date:
        """Return a working day in the span."""
        return working(first + timedelta(days=self.rng.randrange((last - first).days + 1)))

    def later(self, day: date, least: int, most: int) -> date:
        """Return a working day some days on, never after the story's end."""
        return min(working(day + timedelta(days=self.rng.randint(least, most))), ENDED_ON)

    def paper(self, kind: str, on: date, issuer: str, head: str) -> Document:
        """Return the next paper of the office that issues it."""
        self.papers += 1
        number = f"{head}〔{on.year}〕{self.papers}号"
        return Document(type=kind, number=number, issued=on, issuer=issuer)

    def do(
        self,
        on: date,
        by: Person,
        stream: str,
        verb: str,
        docs: Sequence[Document] = (),
        role: str = "",
        **form: Any,
    ) -> date:
        """Have a person ask for something on a day; return the day."""
        self.acts.append(
            Act(
                on=on,
                order=len(self.acts),
                by=by,
                role=role or by.role,
                asks=(Ask(stream, verb, form),),
                docs=tuple(docs),
            )
        )
        return on

    def case(self, kind: str) -> str:
        """Return the stream of a new case."""
        return f"{kind}/EX{self.maker.token(10)}"

    # A thing's first days -----------------------------------------------------

    def carded(
        self,
        unit: str,
        sorts: tuple[Sort, ...] = ORDINARY,
        bought: tuple[date, date] = RECENT,
        labelled: bool = True,
    ) -> tuple[Thing, date]:
        """Open the card of something the unit had before the ledger began."""
        thing = self.maker.make(sorts, bought)
        clerk = who(unit, Role.CLERK)
        on = self.between(date(2025, 5, 7), date(2025, 6, 13))
        form = {"plate": thing.plate} if thing.plate else {}
        self.do(
            on,
            clerk,
            thing.stream,
            "register_existing",
            [self.paper("asset_card", on, "", "示卡")],
            asset_no=thing.asset_no,
            name=thing.sort.name,
            kind=thing.sort.kind,
            unit=unit,
            class_code=thing.sort.code,
            value=thing.value,
            measure=thing.sort.measure,
            mode="purchase",
            acquired=thing.bought,
            model=thing.model,
            serial=thing.serial,
            place=self.room(unit),
            voucher=f"{on.year}-记-{self.rng.randrange(1, 900):04}",
            **form,
        )
        return thing, self.label(thing, clerk, on) if labelled else on

    def label(self, thing: Thing, by: Person, on: date) -> date:
        """Put the label on within some days."""
        return self.do(self.later(on, 1, 12), by, thing.stream, "bind_label", label=thing.label)

    def arrived(
        self,
        unit: str,
        on: date,
        sorts: tuple[Sort, ...],
        *,
        mode: str = "purchase",
        place: str | None = None,
    ) -> Thing:
        """Record a delivery."""
        thing = self.maker.make(sorts, (on, on))
        self.do(
            on,
            who(unit, Role.CLERK),
            thing.stream,
            "receive",
            [self.paper("delivery_note", on, SUPPLIER, "示供")],
            name=thing.sort.name,
            kind=thing.sort.kind,
            unit=unit,
            mode=mode,
            measure=thing.sort.measure,
            value=thing.value,
            supplier=SUPPLIER,
            model=thing.model,
            place=place or self.room(unit),
        )
        return thing

    def accepted(self, unit: str, thing: Thing, on: date) -> date:
        """Inspect a delivery: neither the inspector nor who records it took the delivery."""
        on = self.later(on, 1, 5)
        return self.do(
            on,
            who(unit, Role.CLERK, 2),
            thing.stream,
            "pass_acceptance",
            [self.paper("acceptance_report", on, "", "示验")],
            inspector=self.rng.choice(users(unit)).id,
            serial=thing.serial,
        )

    def entered(self, unit: str, thing: Thing, on: date) -> date:
        """Open the card of an accepted delivery and label it."""
        on = self.later(on, 1, 6)
        clerk = who(unit, Role.CLERK)
        self.do(
            on,
            clerk,
            thing.stream,
            "register",
            [self.paper("asset_card", on, "", "示卡")],
            asset_no=thing.asset_no,
            class_code=thing.sort.code,
            acquired=on,
            voucher=f"{on.year}-记-{self.rng.randrange(1, 900):04}",
        )
        return self.label(thing, clerk, on)

    def room(self, unit: str) -> str:
        return self.rng.choice(rooms(unit))

    def issued(
        self,
        unit: str,
        thing: Thing,
        on: date,
        user: Person | None = None,
        place: str | None = None,
    ) -> date:
        """Issue the thing to one of the unit's people."""
        user = user or self.rng.choice(users(unit))
        return self.do(
            self.later(on, 1, 20),
            who(unit, Role.CLERK),
            thing.stream,
            "issue",
            [self.paper("issue_slip", on, "", "示领")],
            user=user.id,
            place=place or self.room(unit),
            purpose="日常办公",
        )

    def idle(self, unit: str, thing: Thing, on: date, ground: str = "idle") -> date:
        """Declare the thing idle, under-used or above the standard."""
        return self.do(
            on,
            who(unit, Role.CLERK),
            thing.stream,
            "declare_idle",
            ground=ground,
            since=on - timedelta(days=100),
            evidence="季度清查发现三个月以上无人使用",
        )


def working(day: date) -> date:
    """Return the day, or the Monday after a weekend."""
    return day + timedelta(days=max(0, 7 - day.isoweekday() + 1) if day.isoweekday() > 5 else 0)


# Chapters ---------------------------------------------------------------------


def founding(story: Story) -> None:
    """Let bodies and places exist; one body is renamed, the temporary one ends."""
    admin = who(OFFICES, Role.ADMIN)
    for body in BODIES:
        story.do(
            body.since,
            admin,
            f"unit/{body.id}",
            "establish",
            name=body.zh,
            name_en=body.en,
            kind=body.kind,
            uscc=body.uscc,
            parent=None if body.id == CITY else CITY,
            located="示例市",
        )
    for site in SITES:
        story.do(
            date(2025, 5, 6),
            admin,
            f"place/{site.id}",
            "open_place",
            name=site.zh,
            name_en=site.en,
            kind=site.kind,
            unit=site.unit,
            part_of=site.part_of,
        )
    city_authority.appointed(story)
    ruled(story, admin)
    on = date(2026, 1, 5)
    story.do(
        on,
        admin,
        f"unit/{CULTURE}",
        "rename",
        [story.paper("decision", on, "示例市人民政府", "示编")],
        name="示例市文化和旅游局",
        name_en="Example City Culture and Tourism Bureau",
        reason="机构改革",
    )
    on = date(2026, 6, 30)
    story.do(
        on,
        admin,
        f"unit/{EXPO}",
        "dissolve",
        [story.paper("decision", on, "示例市人民政府", "示编")],
        reason="博览会闭幕，筹备工作结束",
    )


def ruled(story: Story, admin: Person) -> None:
    """Say where the bodies belong; draft and publish the city's own rules, by two persons."""
    on = city_rules.PLACED_ON
    for body in BODIES:
        district = body.id == city_rules.DISTRICT
        story.do(
            on,
            admin,
            f"unit/{body.id}",
            "belong",
            [story.paper("decision", on, "示例市人民政府", "示编")],
            level="county" if district else "prefecture",
            region=city_rules.DISTRICT_DIVISION if district else DIVISION,
            competent="o_ex_edu" if body.id == "o_ex_sch" else None,
        )
    stream, on = f"policy/{city_rules.NAME}", city_rules.PROPOSED_ON
    minutes = story.paper("minutes", on, "示例市机关事务管理局", "示会纪")
    story.do(on, admin, stream, "propose", [minutes], content=city_rules.CONTENT, note="讨论稿")
    on = story.later(on, 2, 3)
    story.do(on, admin, stream, "withdraw_draft", reason="征求意见后修改")
    on = story.later(on, 1, 2)
    story.do(on, admin, stream, "propose", [minutes], content=city_rules.CONTENT, note="送审稿")
    on = city_rules.PUBLISHED_ON
    story.do(
        on,
        who(OFFICES, Role.OFFICE),
        stream,
        "publish",
        [story.paper("decision", on, "示例市机关事务管理局", "示管规")],
        in_force_from=city_rules.FROM,
    )


def endorsed(story: Story, unit: str, stream: str, on: date, *, twice: bool = False) -> date:
    """Have the head of the unit agree first, where the rules of the day ask for it.

    `twice`: something had to be mended before.
    """
    if not city_rules.in_force(unit, on).routes:
        return on
    on, head = story.later(on, 1, 3), who(unit, Role.HEAD)
    if twice:
        story.do(on, head, stream, "send_back", reason="请补充资产现状照片")
        on = story.later(on, 1, 3)
        photos = story.paper("photo", on, "", "示照")
        story.do(on, who(unit, Role.CLERK), stream, "resubmit", [photos], note="已补充照片")
        on = story.later(on, 1, 2)
    return story.do(on, head, stream, "endorse", note="情况属实")


def in_use(story: Story) -> None:
    """Configuration and use: cards, labels, issue, moves, repairs, hand-backs, corrections."""
    for number in range(248):
        unit = HOLDERS[number % len(HOLDERS)]
        sorts = VEHICLES if number % 18 == 5 else INSTRUMENTS if number % 29 == 8 else ORDINARY
        thing, on = story.carded(unit, sorts, labelled=number % 14 != 3)
        if number % 9 == 4:
            continue  # stays in the unit's store
        on = story.issued(unit, thing, on)
        clerk = who(unit, Role.CLERK)
        mid = story.between(date(2025, 10, 1), date(2026, 7, 31))
        match number % 12:
            case 0:
                story.do(mid, clerk, thing.stream, "relocate", place=story.room(unit))
            case 1:
                user = story.rng.choice(users(unit)).id
                story.do(mid, clerk, thing.stream, "hand_over_to", user=user, reason="岗位调整")
            case 2 | 3:
                repaired(story, clerk, thing, mid, done=number % 24 != 2)
            case 4:
                story.do(mid, clerk, thing.stream, "take_back", reason="人员调离")
                story.issued(unit, thing, story.later(mid, 5, 40))
            case 5:
                story.do(mid, clerk, thing.stream, "take_back", condition="一般", reason="退休")
            case 6 if number % 24 == 6:
                story.do(
                    mid,
                    clerk,
                    thing.stream,
                    "correct_card",
                    reason="规格型号录入有误",
                    model=f"{thing.model or thing.sort.name} 改",
                )
            case 7 if number % 24 == 7:
                story.do(mid, clerk, thing.stream, "record_damage", text="外壳有划痕")
            case _:
                pass
        if number % 40 == 11:
            accountant = who(unit, Role.ACCOUNTANT)
            story.do(
                story.later(mid, 30, 60),
                accountant,
                thing.stream,
                "correct_value",
                value=thing.value + 12_000,
                reason="补记运输安装费",
                voucher=f"2026-记-{number:04}",
            )
        if number % 120 == 60:
            story.do(
                story.later(mid, 61, 90), clerk, thing.stream, "void_label", reason="标签脱落遗失"
            )
        if number % 33 == 20 and number % 14 != 3:
            story.do(
                story.later(mid, 61, 90),
                clerk,
                thing.stream,
                "replace_label",
                label=f"{thing.label}B",
                reason="标签磨损，扫描不出",
            )


def repaired(story: Story, clerk: Person, thing: Thing, on: date, *, done: bool) -> None:
    """Send a thing for repair; most come back."""
    on = on if done else story.between(date(2026, 10, 9), ENDED_ON)
    fault = story.rng.choice(FAULTS)
    story.do(on, clerk, thing.stream, "send_for_repair", fault=fault, vendor="示例维修服务部")
    if done:
        story.do(
            story.later(on, 4, 25),
            clerk,
            thing.stream,
            "complete_repair",
            result="更换部件，恢复正常",
            cost=story.rng.randrange(8_000, 90_000, 500),
        )


def bought(story: Story) -> None:
    """New deliveries of eighteen months; the last ones still wait at some step."""
    for number in range(96):
        unit = HOLDERS[(number * 3) % len(HOLDERS)]
        on = story.between(date(2025, 7, 1), date(2026, 9, 18))
        thing = story.arrived(unit, on, (*COMPUTERS[:3], *OFFICE, *FURNITURE))
        if number % 24 == 10:
            story.do(
                story.later(on, 1, 4),
                who(unit, Role.CLERK, 2),
                thing.stream,
                "fail_acceptance",
                [story.paper("acceptance_report", on, "", "示验")],
                inspector=users(unit)[0].id,
                reason="型号与合同不符",
            )
            continue
        entered = story.entered(unit, thing, story.accepted(unit, thing, on))
        if number % 5:
            story.issued(unit, thing, entered)
    for number in range(10):
        unit = HOLDERS[number % 4]
        on = story.between(date(2026, 10, 19), date(2026, 10, 27))
        thing = story.arrived(unit, on, COMPUTERS[:2])
        if number % 3 == 0:
            story.accepted(unit, thing, on)


def premises(story: Story) -> None:
    """Rooms are property, too; two are vacated and go into the virtual warehouse."""
    vacated = []
    for unit in HOLDERS:
        thing, on = story.carded(unit, PREMISES, (date(2003, 1, 1), date(2016, 12, 31)))
        if unit in ("o_ex_edu", "o_ex_dst"):
            vacated.append((unit, thing))
        else:
            story.issued(unit, thing, on, who(unit, Role.HEAD))
    for unit, thing in vacated:
        on = story.idle(unit, thing, date(2026, 3, 9))
        taken_in(story, unit, [thing], story.later(on, 10, 20), ground="vacated", virtual=True)


def spare(story: Story) -> None:
    """Declared idle, under-used or above the standard; some offered, some needed after all."""
    for number in range(34):
        unit = HOLDERS[(number * 7) % len(HOLDERS)]
        thing, on = story.carded(unit)
        if number % 3:
            story.issued(unit, thing, on)
        ground = ("idle", "idle", "under_used", "over_standard")[number % 4]
        on = story.idle(unit, thing, story.between(date(2025, 11, 3), date(2026, 9, 30)), ground)
        clerk = who(unit, Role.CLERK)
        if number % 8 == 1:
            story.do(
                story.later(on, 10, 40),
                clerk,
                thing.stream,
                "put_back_to_use",
                reason="新入职人员需要",
            )
        elif number % 3 == 0:
            on = story.do(
                story.later(on, 3, 20),
                clerk,
                thing.stream,
                "list_for_reuse",
                description=f"{thing.sort.name}，功能正常",
                remaining_life="3年",
            )
            if number % 12 == 9:
                story.do(story.later(on, 20, 40), clerk, thing.stream, "delist", reason="留作备用")


# Warehouse --------------------------------------------------------------------


def taken_in(
    story: Story,
    unit: str,
    things: Sequence[Thing],
    on: date,
    *,
    ground: str = "idle",
    virtual: bool = False,
    books: str = "custody_only",
    upto: str = "received",
    where: str = WAREHOUSE,
    stream: str = "",
) -> date:
    """Bring things into the public warehouse; `upto` says how far the intake comes."""
    stream = stream or story.case("intake")
    story.do(
        on,
        who(unit, Role.CLERK),
        stream,
        "apply",
        [story.paper("intake_form", on, "", "示仓申")],
        unit=unit,
        ground=ground,
        warehouse=VIRTUAL if virtual else where,
        assets=[t.id for t in things],
    )
    if upto == "applied":
        return on
    if upto == "withdrawn":
        on = story.later(on, 1, 3)
        return story.do(
            on, who(unit, Role.CLERK), stream, "withdraw", reason="下属单位需要继续使用"
        )
    on = story.later(endorsed(story, unit, stream, on, twice=ground == "temporary"), 3, 9)
    office = who(OFFICES, Role.OFFICE)
    if upto == "refused":
        return story.do(
            on,
            office,
            stream,
            "refuse",
            [story.paper("approval", on, "示例市机关事务管理局", "示管")],
            reason="仍有使用价值且本单位年度配置计划中有同类需求，请先内部调剂",
        )
    approval = story.paper("approval", on, "示例市机关事务管理局", "示管")
    story.do(
        on,
        office,
        stream,
        "approve",
        [approval],
        keeper_unit=STORE,
        virtual=virtual,
        books=books,
        approval_no=approval.number,
    )
    on = story.later(on, 2, 8)
    keeper = who(STORE, Role.KEEPER)
    coming = things[: len(things) // 2] if upto == "part" else things
    if not coming:
        return on
    if not virtual:
        slip = story.paper("hand_over_slip", on, "", "示交")
        passed(story, on, stream, coming, who(unit, Role.CLERK), "hand_out", slip)
        on = story.later(on, 0, 1)
    for thing in coming:
        receipt = story.paper("warehouse_receipt", on, "", "示入")
        passed(
            story,
            on,
            stream,
            [thing],
            keeper,
            "take_in",
            receipt,
            shelf="" if virtual else story.rng.choice(SHELVES),
            condition=story.rng.choice(("完好", "完好", "一般", "待修")),
            receipt=f"RC{story.papers:05}",
        )
    if upto == "part":  # more is on its way, and nobody has taken it in yet
        slip = story.paper("hand_over_slip", on, "", "示交")
        more = things[len(coming) : -1]
        passed(story, story.later(on, 2, 5), stream, more, who(unit, Role.CLERK), "hand_out", slip)
    return on


def group(
    story: Story,
    unit: str,
    count: int,
    sorts: tuple[Sort, ...] = ORDINARY,
    *,
    bought: tuple[date, date] = RECENT,
    used: bool = True,
) -> list[Thing]:
    """Open the cards of several things that will share a fate."""
    things = []
    for _ in range(count):
        thing, on = story.carded(unit, sorts, bought)
        if used:
            story.issued(unit, thing, on)
        things.append(thing)
    return things


def idle_all(story: Story, unit: str, things: Sequence[Thing], on: date) -> date:
    """Declare several things idle on one day."""
    for thing in things:
        story.idle(unit, thing, on)
    return on


def branch(story: Story) -> None:
    """Into a branch: one piece is damaged and one too many came; moved to a bin, and packed."""
    unit, keeper, office = "o_ex_wat", who(STORE, Role.KEEPER), who(OFFICES, Role.OFFICE)
    things = group(story, unit, 3)
    on = idle_all(story, unit, things, date(2026, 8, 24))
    stream = story.case("intake")
    on = taken_in(story, unit, things, on, where=BRANCH, stream=stream)
    found: tuple[Any, ...] = (
        {"difference": "damaged", "asset": things[0].id, "found": "机壳开裂，可修复"},
        {"difference": "over", "found": "随车多送来一把无标签的办公椅", "quantity": "1"},
    )
    for form in found:
        story.do(on, keeper, stream, "record_difference", **form)
    story.do(
        story.later(on, 2, 4),
        office,
        stream,
        "settle_difference",
        ordinal=1,
        outcome="as_found",
        note="按待修接收，列入修复计划",
    )
    on = story.later(on, 3, 5)
    story.do(on, keeper, things[1].stream, "put_on_shelf", shelf="D-01-1")
    crate = story.case("package")
    story.do(on, keeper, crate, "set_up", packaging="crate", unit=STORE, place=BRANCH)
    story.do(on, keeper, crate, "pack", assets=[things[0].id, things[2].id])


def intakes(story: Story) -> None:
    """Into the warehouse: physical and virtual, custody only and with the books."""
    plans = (
        ("o_ex_edu", 6, False, "custody_only", "received", date(2025, 9, 8)),
        ("o_ex_wat", 5, False, "transfer", "received", date(2025, 11, 10)),
        ("o_ex_cul", 6, False, "transfer", "received", date(2026, 1, 19)),
        ("o_ex_arc", 4, True, "custody_only", "received", date(2026, 2, 9)),
        ("o_ex_dst", 5, True, "custody_only", "received", date(2026, 4, 13)),
        ("o_ex_sch", 6, False, "custody_only", "received", date(2026, 6, 15)),
        ("o_ex_hos", 4, True, "transfer", "received", date(2026, 7, 13)),
        ("o_ex_fin", 4, False, "custody_only", "refused", date(2026, 5, 11)),
        ("o_ex_hos", 6, False, "transfer", "part", date(2026, 9, 14)),
        ("o_ex_aud", 3, False, "custody_only", "approved", date(2026, 10, 12)),
        ("o_ex_wat", 3, False, "custody_only", "applied", date(2026, 10, 22)),
        ("o_ex_goa", 2, False, "custody_only", "withdrawn", date(2026, 8, 10)),
    )
    keeper = who(STORE, Role.KEEPER, 2)
    for unit, count, virtual, books, upto, day in plans:
        things = group(story, unit, count)
        on = idle_all(story, unit, things, day)
        upto_ = "part" if upto == "approved" else upto
        chosen = things if upto != "approved" else things[:1]
        rest = [] if upto != "approved" else things[1:]
        on = taken_in(
            story, unit, chosen, story.later(on, 2, 6), virtual=virtual, books=books, upto=upto_
        )
        if rest:
            taken_in(story, unit, rest, on, upto="applied")
        if upto != "received":
            continue
        for number, thing in enumerate(things):
            if number % 3 == 0 and not virtual:
                on = story.do(
                    story.later(on, 3, 15),
                    keeper,
                    thing.stream,
                    "refurbish",
                    result="清洁、更换易损件，测试正常",
                    condition="完好",
                    cost=story.rng.randrange(3_000, 30_000, 500),
                )
            if number % 2 == 0:
                story.do(
                    story.later(on, 2, 10),
                    keeper,
                    thing.stream,
                    "list_for_reuse",
                    description=f"{thing.sort.name} {thing.model}".strip(),
                    remaining_life="2年",
                )


def exposition(story: Story) -> None:
    """A temporary body buys, holds its event, and hands everything to the warehouse."""
    bought_on = date(2025, 9, 15)
    things = []
    for _ in range(18):
        thing = story.arrived(EXPO, bought_on, EVENT)
        on = story.entered(EXPO, thing, story.accepted(EXPO, thing, bought_on))
        story.issued(EXPO, thing, on)
        things.append(thing)
    closed = date(2026, 5, 18)
    for thing in things:
        story.do(closed, who(EXPO, Role.CLERK), thing.stream, "take_back", reason="博览会闭幕")
    on = taken_in(story, EXPO, things, date(2026, 5, 25), ground="temporary", books="transfer")
    for thing in things[:10]:
        story.do(
            story.later(on, 2, 9),
            who(STORE, Role.KEEPER),
            thing.stream,
            "list_for_reuse",
            description=f"{thing.sort.name}，博览会退回",
            remaining_life="4年",
        )
    lent_again(story, things[10:13])
    moved_on(story, STORE, "o_ex_cul", things[13:16], date(2026, 8, 3), "booked")


def lent_again(story: Story, things: Sequence[Thing]) -> None:
    """The warehouse lends what the event left over."""
    borrowed(story, STORE, "o_ex_sch", things, date(2026, 9, 7), date(2026, 12, 31), "running")


# Lending ----------------------------------------------------------------------


def borrowed(
    story: Story,
    lender: str,
    borrower: str,
    things: Sequence[Thing],
    on: date,
    due: date,
    upto: str,
) -> None:
    """Lend things; `upto` says how far the loan comes."""
    stream = story.case("loan")
    story.do(
        on,
        who(borrower, Role.CLERK),
        stream,
        "request",
        [story.paper("loan_form", on, "", "示借申")],
        lender=lender,
        borrower=borrower,
        assets=[t.id for t in things],
        due=due,
        purpose="会议保障临时使用",
    )
    if upto == "requested":
        return
    on = story.later(on, 1, 4)
    head = who(lender, Role.HEAD) if lender != STORE else who(OFFICES, Role.OFFICE)
    approval = story.paper("approval", on, "", "示借批")
    if upto == "refused":
        story.do(on, head, stream, "refuse", [approval], reason="同期本单位已安排使用")
        return
    if upto == "withdrawn":
        story.do(on, who(borrower, Role.CLERK), stream, "withdraw", reason="会议改为线上举行")
        return
    story.do(on, head, stream, "approve", [approval], approval_no=approval.number)
    if upto == "approved":
        return
    on = story.later(on, 1, 4)
    keeper = who(lender, Role.KEEPER) if lender == STORE else who(lender, Role.CLERK)
    going = things[:-1] if upto == "less" else things
    taker = who(borrower, Role.CLERK)
    slip = story.paper("hand_over_slip", on, "", "示交")
    passed(story, on, stream, going, keeper, "hand_out", slip)
    on = story.later(on, 0, 1)
    passed(story, on, stream, going, taker, "take_in", slip)
    if upto == "less":
        story.do(story.later(on, 1, 3), keeper, stream, "withdraw_rest", reason="现场设备已够用")
        return
    if upto == "extended":
        on = story.later(due, -12, -5)
        story.do(on, head, stream, "extend", due=due + timedelta(days=60), reason="活动延期")
        return
    back = {"part": things[:1], "closed": things}.get(upto, ())
    for number, thing in enumerate(back):
        result = ("sound", "worn", "damaged")[number % 3]
        on = story.later(due, -6, 3)
        slip = story.paper("return_slip", due, "", "示还")
        passed(story, on, stream, [thing], taker, "hand_back", slip)
        passed(
            story,
            on,
            stream,
            [thing],
            keeper,
            "inspect_return",
            slip,
            result=result,
            note="外壳裂纹" if result == "damaged" else "",
            compensation=30_000 if result == "damaged" else None,
        )
    if upto == "part":  # one more is on its way back, and nobody has looked at it yet
        slip = story.paper("return_slip", due, "", "示还")
        passed(story, story.later(due, 4, 9), stream, things[1:2], taker, "hand_back", slip)


def passed(
    story: Story,
    on: date,
    stream: str,
    things: Sequence[Thing],
    by: Person,
    verb: str,
    slip: Document,
    **form: Any,
) -> date:
    """Have one side of a hand-over confirm, with the labels it scanned and the slip it signed."""
    return story.do(
        on,
        by,
        stream,
        verb,
        [slip],
        assets=[thing.id for thing in things],
        scanned="\n".join(thing.label for thing in things),
        **form,
    )


def loans(story: Story) -> None:
    """Lending between units, in every state a loan can be in."""
    plans = (
        ("o_ex_edu", "o_ex_sch", 3, date(2025, 9, 1), date(2025, 11, 28), "closed"),
        ("o_ex_cul", "o_ex_dst", 4, date(2025, 12, 8), date(2026, 2, 27), "closed"),
        ("o_ex_wat", "o_ex_edu", 2, date(2026, 3, 2), date(2026, 5, 29), "closed"),
        ("o_ex_goa", "o_ex_hos", 3, date(2026, 5, 11), date(2026, 8, 31), "part"),
        ("o_ex_arc", "o_ex_cul", 2, date(2026, 6, 1), date(2026, 9, 30), "overdue"),
        ("o_ex_dst", "o_ex_wat", 3, date(2026, 7, 6), date(2026, 10, 16), "overdue"),
        ("o_ex_edu", "o_ex_aud", 2, date(2026, 8, 3), date(2026, 10, 30), "overdue"),
        ("o_ex_fin", "o_ex_sch", 2, date(2026, 6, 8), date(2026, 9, 18), "extended"),
        ("o_ex_hos", "o_ex_edu", 2, date(2026, 9, 14), date(2027, 3, 31), "running"),
        ("o_ex_sch", "o_ex_arc", 3, date(2026, 10, 8), date(2027, 1, 29), "running"),
        ("o_ex_aud", "o_ex_fin", 2, date(2026, 10, 20), date(2027, 1, 15), "approved"),
        ("o_ex_wat", "o_ex_edu", 2, date(2026, 10, 26), date(2027, 2, 26), "requested"),
        ("o_ex_edu", "o_ex_wat", 3, date(2026, 10, 28), date(2026, 12, 31), "requested"),
        ("o_ex_goa", "o_ex_aud", 2, date(2026, 4, 13), date(2026, 6, 30), "refused"),
        ("o_ex_cul", "o_ex_hos", 2, date(2026, 8, 17), date(2026, 10, 9), "withdrawn"),
        ("o_ex_arc", "o_ex_fin", 3, date(2026, 9, 21), date(2027, 2, 26), "less"),
    )
    for lender, borrower, count, on, due, upto in plans:
        things = group(story, lender, count, LENDABLE, used=False)
        borrowed(story, lender, borrower, things, on, due, upto)


# Leasing ----------------------------------------------------------------------


def leased(
    story: Story, lessor: str, lessee: str, count: int, on: date, due: date, upto: str
) -> None:
    """Lease idle things out; `upto` says how far the lease comes."""
    things = group(story, lessor, count, INSTRUMENTS, used=False)
    clerk, rent, stream = who(lessor, Role.CLERK), 80_000 * count, story.case("lease")
    story.do(
        on,
        clerk,
        stream,
        "request",
        [story.paper("lease_form", on, "", "示租申")],
        lessor=lessor,
        lessee=lessee,
        assets=[t.id for t in things],
        due=due,
        rent=rent,
        per="month",
        purpose="暂时闲置，公开招租",
    )
    if upto == "requested":
        return
    if upto == "withdrawn":
        story.do(story.later(on, 1, 3), clerk, stream, "withdraw", reason="本单位另有安排")
        return
    on = story.later(endorsed(story, lessor, stream, on, twice=upto == "running"), 3, 9)
    finance = who(FINANCE, Role.FINANCE)
    approval = story.paper("approval", on, "示例市财政局", "示财租")
    if upto == "refused":
        story.do(on, finance, stream, "refuse", [approval], reason="可在部门内调剂使用")
        return
    story.do(on, finance, stream, "approve", [approval], approval_no=approval.number)
    if upto == "approved":
        return
    on = story.later(on, 2, 6)
    agreement = story.paper("agreement", on, "", "示租协")
    story.do(on, clerk, stream, "sign", [agreement], agreement=agreement.number, rent=rent, due=due)
    if upto == "signed":
        return
    on = story.later(on, 1, 5)
    slip = story.paper("hand_over_slip", on, "", "示交")
    delivered(story, on, stream, things, lessor, slip)
    paid(story, lessor, stream, on, rent)
    if upto == "closed":
        slip, day = story.paper("return_slip", due, "", "示还"), working(due)
        passed(story, day, stream, things, who(lessor, Role.CLERK, 2), "hand_back", slip)
        passed(story, day, stream, things, clerk, "take_back", slip, result="sound")
    if upto == "running":
        extended(story, lessor, stream, rent, due)


def delivered(
    story: Story, on: date, stream: str, things: Sequence[Thing], lessor: str, slip: Document
) -> None:
    """Give things out and have another clerk record that the lessee signed for them."""
    passed(story, on, stream, things, who(lessor, Role.CLERK), "hand_out", slip)
    passed(story, on, stream, things, who(lessor, Role.CLERK, 2), "confirm_delivery", slip)


def extended(story: Story, lessor: str, stream: str, rent: int, due: date) -> None:
    """Let a lease go on for half a year; a first request is withdrawn, another refused."""
    clerk, finance = who(lessor, Role.CLERK), who(FINANCE, Role.FINANCE)
    until, on = due + timedelta(days=183), date(2026, 8, 10)

    def asked(on: date, rent: int, reason: str) -> None:
        paper = story.paper("lease_form", on, "", "示租申")
        form: dict[str, Any] = {"due": until, "rent": rent, "reason": reason}
        story.do(on, clerk, stream, "request_extension", [paper], **form)

    asked(on, rent // 2, "承租方要求减租")
    story.do(story.later(on, 1, 2), clerk, stream, "withdraw_extension", reason="租金填写有误")
    asked(date(2026, 8, 17), rent * 3 // 4, "承租方要求减租")
    on = story.later(endorsed(story, lessor, stream, date(2026, 8, 18)), 2, 5)
    story.do(on, finance, stream, "refuse_extension", reason="租金低于原协议")
    asked(date(2026, 9, 7), rent, "展会季延长")
    on = story.later(endorsed(story, lessor, stream, date(2026, 9, 8)), 2, 5)
    approval = story.paper("approval", on, "示例市财政局", "示财租")
    story.do(on, finance, stream, "approve_extension", [approval], approval_no=approval.number)
    on = story.later(on, 2, 5)
    paper = story.paper("agreement", on, "", "示租协")
    form: dict[str, Any] = {"agreement": paper.number, "rent": rent, "due": until}
    story.do(on, clerk, stream, "sign_extension", [paper], **form)


def paid(story: Story, lessor: str, stream: str, on: date, rent: int) -> None:
    """Assess the rent of the first months and remit it; the last one is still open."""
    for month in range(3):
        since = on + timedelta(days=30 * month)
        until = since + timedelta(days=29)
        if until > ENDED_ON:
            return
        billed = story.do(
            working(until),
            who(lessor, Role.ACCOUNTANT),
            stream,
            "assess_rent",
            [story.paper("settlement", until, "", "示租支")],
            amount=rent,
            since=since,
            until=until,
        )
        if month == 2:  # the third month's money is still on its way
            return
        paid_on = story.later(billed, 2, 9)
        slip = story.paper("payment_slip", paid_on, "示例市财政局", "示缴")
        story.do(
            paid_on,
            who(FINANCE, Role.FINANCE, 2),
            stream,
            "remit_rent",
            [slip],
            amount=rent,
            voucher=slip.number,
            treasury_on=paid_on,
        )


def leases(story: Story) -> None:
    """Leasing out, in every state a lease can be in."""
    printer, fair = "示例印务有限公司", "示例会展服务有限公司"
    plans = (
        ("o_ex_edu", printer, 2, date(2025, 10, 13), date(2026, 4, 10), "closed"),
        ("o_ex_cul", fair, 3, date(2026, 5, 11), date(2027, 4, 30), "running"),
        ("o_ex_wat", printer, 1, date(2026, 10, 12), date(2027, 9, 30), "signed"),
        ("o_ex_arc", fair, 1, date(2026, 10, 19), date(2027, 3, 31), "approved"),
        ("o_ex_sch", fair, 2, date(2026, 10, 26), date(2027, 6, 30), "requested"),
        ("o_ex_hos", printer, 1, date(2026, 7, 6), date(2027, 6, 30), "refused"),
        ("o_ex_dst", fair, 1, date(2026, 8, 3), date(2026, 12, 31), "withdrawn"),
    )
    for lessor, lessee, count, on, due, upto in plans:
        leased(story, lessor, lessee, count, on, due, upto)


# Reallocation -----------------------------------------------------------------


def moved_on(
    story: Story, giver: str, taker: str, things: Sequence[Thing], on: date, upto: str
) -> None:
    """Reallocate things; `upto` says how far it comes."""
    stream = story.case("reallocation")
    story.do(
        on,
        who(taker, Role.CLERK),
        stream,
        "request",
        [story.paper("reallocation_form", on, "", "示调申")],
        from_unit=giver,
        to_unit=taker,
        item=things[0].sort.name,
        assets=[t.id for t in things],
        purpose="新增人员办公所需，避免重复购置",
    )
    if upto == "requested":
        return
    if upto == "withdrawn":
        story.do(
            story.later(on, 1, 3),
            who(taker, Role.CLERK),
            stream,
            "withdraw",
            reason="人员调整，暂不需要",
        )
        return
    on = story.later(on, 2, 8)
    finance = who(FINANCE, Role.FINANCE)
    approval = story.paper("approval", on, "示例市财政局", "示财资")
    if upto == "refused":
        story.do(
            on, finance, stream, "refuse", [approval], reason="申请单位同类资产存量已达配置标准"
        )
        return
    story.do(
        on,
        finance,
        stream,
        "approve",
        [approval],
        scope="departments",
        approval_no=approval.number,
    )
    if upto == "approved":
        return
    on = story.later(on, 2, 7)
    sender = who(giver, Role.KEEPER) if giver == STORE else who(giver, Role.CLERK)
    story.do(
        on,
        sender,
        stream,
        "confirm_out",
        [story.paper("hand_over_slip", on, "", "示交")],
        assets=[t.id for t in things],
        scanned="\n".join(t.asset_no for t in things),
    )
    on = story.later(on, 1, 4)
    for thing in {"shipped": (), "part": things[:1]}.get(upto, things):
        story.do(
            on,
            who(taker, Role.CLERK),
            stream,
            "confirm_in",
            assets=[thing.id],
            scanned=thing.asset_no,
            place=story.room(taker),
        )
    if upto != "booked":
        return
    on = story.later(on, 2, 9)
    for number, thing in enumerate(things, start=1):
        story.do(
            on,
            who(FINANCE, Role.FINANCE, 2),
            stream,
            "move_books",
            [story.paper("voucher", on, "", "示转")],
            asset=thing.id,
            out_voucher=f"{on.year}-转出-{story.papers:04}",
            in_voucher=f"{on.year}-转入-{story.papers + number:04}",
            gross=thing.value,
            accumulated=thing.value // 3,
        )
        story.issued(taker, thing, on)


def reallocations(story: Story) -> None:
    """Moves between units, in every state a reallocation can be in."""
    plans = (
        ("o_ex_edu", "o_ex_sch", 4, date(2025, 10, 13), "booked"),
        ("o_ex_fin", "o_ex_aud", 3, date(2025, 12, 1), "booked"),
        ("o_ex_goa", "o_ex_dst", 5, date(2026, 2, 2), "booked"),
        ("o_ex_cul", "o_ex_arc", 3, date(2026, 4, 20), "booked"),
        ("o_ex_wat", "o_ex_hos", 2, date(2026, 6, 22), "booked"),
        ("o_ex_dst", "o_ex_edu", 3, date(2026, 9, 21), "received"),
        ("o_ex_hos", "o_ex_wat", 3, date(2026, 10, 8), "part"),
        ("o_ex_sch", "o_ex_cul", 2, date(2026, 10, 14), "shipped"),
        ("o_ex_arc", "o_ex_edu", 3, date(2026, 10, 20), "approved"),
        ("o_ex_edu", "o_ex_wat", 2, date(2026, 10, 27), "requested"),
        ("o_ex_wat", "o_ex_edu", 3, date(2026, 10, 29), "requested"),
        ("o_ex_goa", "o_ex_fin", 3, date(2026, 7, 6), "refused"),
        ("o_ex_fin", "o_ex_edu", 2, date(2026, 8, 24), "withdrawn"),
    )
    for giver, taker, count, on, upto in plans:
        things = group(story, giver, count)
        idle_all(story, giver, things, story.later(on, -40, -20))
        moved_on(story, giver, taker, things, on, upto)


# Disposal ---------------------------------------------------------------------


GROUNDED = (Ground.LIFE_OVER, Ground.IDLE, Ground.LOSS)  # what is disposed of here, and why


def disposed(
    story: Story, unit: str, things: Sequence[Thing], on: date, form: str, upto: str
) -> None:
    """Dispose of things; `upto` says how far it comes."""
    stream = story.case("disposal")
    minutes = story.paper("minutes", on, "", "示会纪")
    story.do(
        on,
        who(unit, Role.CLERK),
        stream,
        "propose",
        [minutes],
        unit=unit,
        form=form,
        ground=next(g for g in GROUNDED if g in GROUNDS[Form(form)]),
        minutes_no=minutes.number,
        assets=[t.id for t in things],
    )
    if upto == "proposed":
        return
    if upto == "withdrawn":
        story.do(
            story.later(on, 1, 3),
            who(unit, Role.CLERK),
            stream,
            "withdraw",
            reason="经复核尚可维修使用",
        )
        return
    on = story.later(on, 5, 15)
    approval = story.paper("approval", on, "示例市财政局", "示财处")
    finance = who(FINANCE, Role.FINANCE)
    if upto == "rejected":
        story.do(
            on, finance, stream, "reject", [approval], reason="部分资产未达最低使用年限，退回核实"
        )
        return
    chosen = list(things[:-2]) if upto == "approved_part" else list(things)
    story.do(
        on,
        finance,
        stream,
        "approve",
        [approval],
        approval_no=approval.number,
        assets=[t.id for t in chosen],
        amount=sum(t.value for t in chosen),
        valid_until=on + timedelta(days=365),
    )
    if upto.startswith("approved"):
        return
    on = story.later(on, 8, 30)
    gone = chosen[: len(chosen) // 2] if upto == "begun" else chosen
    proceeds = sum(executed(story, unit, stream, thing, on, form) for thing in gone)
    if upto in ("begun", "executed"):
        return
    on = story.later(on, 3, 10)
    accountant = who(unit, Role.ACCOUNTANT)
    for thing in gone:
        story.do(
            on,
            accountant,
            stream,
            "derecognise",
            [story.paper("voucher", on, "", "示销")],
            asset=thing.id,
            voucher=f"{on.year}-销-{story.papers:04}",
        )
    if upto == "derecognised":
        return
    settled(story, accountant, stream, on, proceeds, upto)


def executed(story: Story, unit: str, stream: str, thing: Thing, on: date, form: str) -> int:
    """Carry one piece of a disposal out; return what it brought, in fen."""
    clerk = who(unit, Role.CLERK)
    if form in ("auction", "sale"):
        price = thing.value * story.rng.randrange(6, 24) // 100
        deal = story.paper("deal_confirmation", on, AUCTIONEER, "示拍")
        story.do(
            on,
            clerk,
            stream,
            "sell",
            [deal],
            asset=thing.id,
            price=price,
            buyer=f"b_ex_{story.rng.randrange(100, 999)}",
            deal_no=deal.number,
        )
        return price
    if form in ("donation", "assignment"):
        deal = story.paper("agreement", on, "", "示赠")
        story.do(
            on,
            clerk,
            stream,
            "give_away",
            [deal],
            asset=thing.id,
            recipient="示例乡中心小学",
            agreement=deal.number,
        )
        return 0
    if form == "write_off":
        ruling = story.paper("decision", on, "", "示赔")
        story.do(
            on,
            who(unit, Role.ACCOUNTANT),
            stream,
            "write_off",
            [ruling],
            asset=thing.id,
            ruling_no=ruling.number,
            evidence="报案回执、内部责任认定书",
            compensation=thing.value // 5,
        )
        return 0
    price = thing.value // 100
    proof = story.paper("recycling_certificate", on, RECYCLER, "示收")
    story.do(
        on,
        clerk,
        stream,
        "scrap",
        [proof],
        asset=thing.id,
        recycler=RECYCLER,
        certificate=proof.number,
        price=price,
    )
    return price


def settled(
    story: Story, accountant: Person, stream: str, on: date, proceeds: int, upto: str
) -> None:
    """Assess what a disposal brought and remit it, in part or in full."""
    commission, appraisal = proceeds * 5 // 100, min(80_000, proceeds // 10)
    on = story.later(on, 2, 8)
    story.do(
        on,
        accountant,
        stream,
        "assess_income",
        [story.paper("settlement", on, "", "示收支")],
        gross=proceeds,
        deductions=[
            {"type": "拍卖佣金", "amount": commission},
            {"type": "评估费", "amount": appraisal},
        ],
    )
    net = proceeds - commission - appraisal
    parts = {"remitted": [net], "part_remitted": [net // 2]}.get(upto, [])
    for amount in parts:
        on = story.later(on, 4, 12)
        slip = story.paper("payment_slip", on, "示例市财政局", "示缴")
        story.do(
            on,
            who(FINANCE, Role.FINANCE),  # who bills does not also confirm the money
            stream,
            "remit",
            [slip],
            amount=amount,
            voucher=slip.number,
            treasury_on=on,
        )


def disposals(story: Story) -> None:
    """Out of the books: sold, scrapped, given away, in every state a disposal can be in."""
    plans = (
        ("o_ex_edu", 6, OLD, date(2025, 9, 22), "auction", "remitted"),
        ("o_ex_wat", 3, VEHICLES, date(2025, 11, 17), "auction", "remitted"),
        ("o_ex_goa", 3, VEHICLES, date(2026, 3, 16), "auction", "part_remitted"),
        ("o_ex_dst", 5, OLD, date(2026, 5, 18), "auction", "assessed"),
        ("o_ex_hos", 6, OLD, date(2025, 12, 15), "scrap", "remitted"),
        ("o_ex_arc", 4, OLD, date(2026, 2, 23), "scrap", "derecognised"),
        ("o_ex_cul", 4, OLD, date(2026, 6, 29), "scrap", "executed"),
        ("o_ex_fin", 4, COMPUTERS[:2], date(2026, 4, 27), "donation", "derecognised"),
        ("o_ex_sch", 6, OLD, date(2026, 8, 10), "scrap", "begun"),
        ("o_ex_edu", 5, OLD, date(2026, 9, 14), "auction", "approved_part"),
        ("o_ex_wat", 4, OLD, date(2026, 9, 28), "scrap", "approved"),
        ("o_ex_aud", 4, OLD, date(2026, 7, 20), "scrap", "rejected"),
        ("o_ex_edu", 4, OLD, date(2026, 10, 26), "scrap", "proposed"),
        ("o_ex_hos", 3, OLD, date(2026, 10, 28), "auction", "proposed"),
        ("o_ex_sch", 2, COMPUTERS[1:2], date(2026, 3, 30), "write_off", "derecognised"),
        ("o_ex_dst", 2, OLD, date(2026, 7, 13), "scrap", "withdrawn"),
    )
    for unit, count, sorts, on, form, upto in plans:
        things = group(story, unit, count, sorts, bought=ENOUGH_YEARS)
        idle_on = idle_all(story, unit, things, story.later(on, -35, -15))
        offered(story, unit, things[: OFFERED.get((unit, on), 0)], idle_on, on)
        disposed(story, unit, things, on, form, upto)


# How many things of an auction others could have had first: auditors find those that nobody could.
OFFERED: Final = {
    ("o_ex_edu", date(2025, 9, 22)): 6,
    ("o_ex_goa", date(2026, 3, 16)): 3,
    ("o_ex_dst", date(2026, 5, 18)): 4,
    ("o_ex_edu", date(2026, 9, 14)): 5,
    ("o_ex_hos", date(2026, 10, 28)): 3,
}


def offered(story: Story, unit: str, things: Sequence[Thing], idle_on: date, until: date) -> None:
    """Offer idle things to other units; nobody wants them before the day of the disposal."""
    clerk = who(unit, Role.CLERK)
    for thing in things:
        story.do(
            working(idle_on + timedelta(days=1)),
            clerk,
            thing.stream,
            "list_for_reuse",
            description=f"{thing.sort.name}，尚可使用",
        )
        story.do(until, clerk, thing.stream, "delist", reason="上架期间没有单位申请")


# Second rounds ----------------------------------------------------------------


def second_rounds(story: Story) -> None:
    """Papers that came back, parts that were declined, and hand-overs that failed at first."""
    mended_loan(story)
    smaller_intake(story)
    smaller_lease(story)
    mended_reallocation(story)
    failed_delivery(story)


def mended_loan(story: Story) -> None:
    """A loan is sent back, put right, granted for two of three things, missed and delivered."""
    lender, borrower, on = "o_ex_edu", "o_ex_cul", date(2026, 3, 16)
    things = group(story, lender, 3, LENDABLE, used=False)
    clerk, head, stream = who(borrower, Role.CLERK), who(lender, Role.HEAD), story.case("loan")
    story.do(
        on,
        clerk,
        stream,
        "request",
        [story.paper("loan_form", on, "", "示借申")],
        lender=lender,
        borrower=borrower,
        assets=[t.id for t in things],
        due=date(2026, 12, 18),
        purpose="展览布置",
    )
    on = story.do(story.later(on, 1, 2), head, stream, "send_back", reason="请写明使用地点")
    on = story.do(story.later(on, 1, 2), clerk, stream, "resubmit", note="使用地点：文化馆一楼")
    on = story.later(on, 1, 3)
    approval = story.paper("approval", on, "", "示借批")
    story.do(
        on,
        head,
        stream,
        "approve",
        [approval],
        approval_no=approval.number,
        assets=[t.id for t in things[:2]],
        reason="第三件本单位已安排使用",
    )
    on, giver = story.later(on, 1, 3), who(lender, Role.CLERK)
    slip = story.paper("hand_over_slip", on, "", "示交")
    passed(story, on, stream, things[:2], giver, "hand_out", slip)
    story.do(
        story.later(on, 1, 1),
        giver,
        stream,
        "call_back",
        assets=[t.id for t in things[:2]],
        reason="对方无人接收，原车带回",
    )
    on = story.later(on, 3, 5)
    passed(story, on, stream, things[:2], giver, "hand_out", slip)
    passed(story, on, stream, things[:2], clerk, "take_in", slip)


def smaller_intake(story: Story) -> None:
    """Five of six things are taken into the warehouse in principle; four come, one stays after all."""
    unit, on = "o_ex_wat", date(2026, 5, 18)
    things = group(story, unit, 6)
    on = story.later(idle_all(story, unit, things, on), 2, 4)
    clerk, stream = who(unit, Role.CLERK), story.case("intake")
    story.do(
        on,
        clerk,
        stream,
        "apply",
        [story.paper("intake_form", on, "", "示仓申")],
        unit=unit,
        ground="over_standard",
        warehouse=WAREHOUSE,
        assets=[t.id for t in things],
    )
    on = story.later(endorsed(story, unit, stream, on), 2, 5)
    approval = story.paper("approval", on, "示例市机关事务管理局", "示管")
    story.do(
        on,
        who(OFFICES, Role.OFFICE),
        stream,
        "approve",
        [approval],
        keeper_unit=STORE,
        approval_no=approval.number,
        assets=[t.id for t in things[:5]],
        reason="末项可在本单位继续使用",
    )
    on = story.later(on, 2, 5)
    slip = story.paper("hand_over_slip", on, "", "示交")
    passed(story, on, stream, things[:4], clerk, "hand_out", slip)
    story.do(
        story.later(on, 1, 1),
        clerk,
        stream,
        "call_back",
        assets=[things[3].id],
        reason="外包装破损，重新打包",
    )
    on = story.later(on, 2, 3)
    keeper, shelf = who(STORE, Role.KEEPER), {"shelf": story.rng.choice(SHELVES)}
    passed(story, on, stream, things[:3], keeper, "take_in", slip, **shelf)
    passed(story, on, stream, things[3:4], clerk, "hand_out", slip)
    passed(story, on, stream, things[3:4], keeper, "take_in", slip, **shelf)
    story.do(story.later(on, 3, 9), clerk, stream, "withdraw_rest", reason="新入职人员需要")


def smaller_lease(story: Story) -> None:
    """A lease is granted in part, and not all of that is delivered."""
    lessor, on, due = "o_ex_goa", date(2026, 6, 8), date(2027, 5, 31)
    things = group(story, lessor, 3, EVENT, used=False)
    clerk, rent, stream = who(lessor, Role.CLERK), 90_000, story.case("lease")
    story.do(
        on,
        clerk,
        stream,
        "request",
        [story.paper("lease_form", on, "", "示租申")],
        lessor=lessor,
        lessee="示例会展服务有限公司",
        assets=[t.id for t in things],
        due=due,
        rent=rent,
        per="quarter",
        purpose="暂时闲置，公开招租",
    )
    on = story.later(endorsed(story, lessor, stream, on), 3, 6)
    approval = story.paper("approval", on, "示例市财政局", "示财租")
    story.do(
        on,
        who(FINANCE, Role.FINANCE),
        stream,
        "approve",
        [approval],
        approval_no=approval.number,
        assets=[t.id for t in things[:2]],
        reason="末项列入年度调剂计划",
    )
    on = story.later(on, 2, 5)
    paper = story.paper("agreement", on, "", "示租协")
    story.do(on, clerk, stream, "sign", [paper], agreement=paper.number, rent=rent, due=due)
    on = story.later(on, 1, 4)
    slip = story.paper("hand_over_slip", on, "", "示交")
    delivered(story, on, stream, things[:1], lessor, slip)
    story.do(story.later(on, 2, 6), clerk, stream, "withdraw_rest", reason="承租方只需一件")
    paper = story.paper("agreement", date(2026, 10, 12), "", "示终")
    early: dict[str, Any] = {"last_day": date(2026, 11, 30), "reason": "本单位需用"}
    story.do(date(2026, 10, 12), who(lessor, Role.HEAD), stream, "end_early", [paper], **early)


def mended_reallocation(story: Story) -> None:
    """A reallocation comes back for a reason and is put forward again; it is still being decided."""
    giver, taker, on = "o_ex_edu", "o_ex_hos", date(2026, 10, 19)
    things = group(story, giver, 2)
    idle_all(story, giver, things, story.later(on, -20, -10))
    stream, clerk = story.case("reallocation"), who(taker, Role.CLERK)
    story.do(
        on,
        clerk,
        stream,
        "request",
        [story.paper("reallocation_form", on, "", "示调申")],
        from_unit=giver,
        to_unit=taker,
        item=things[0].sort.name,
        assets=[t.id for t in things],
        purpose="新增诊室所需",
    )
    finance = who(FINANCE, Role.FINANCE)
    on = story.do(story.later(on, 1, 3), finance, stream, "send_back", reason="请附存量情况说明")
    note = story.paper("stock_note", on, "", "示存")
    story.do(story.later(on, 1, 2), clerk, stream, "resubmit", [note], note="已附存量情况说明")


def failed_delivery(story: Story) -> None:
    """What was sent to another unit comes back because nobody was there, and goes again."""
    giver, taker, on = "o_ex_wat", "o_ex_arc", date(2026, 8, 10)
    things = group(story, giver, 2)
    idle_all(story, giver, things, story.later(on, -20, -10))
    stream, sender = story.case("reallocation"), who(giver, Role.CLERK)
    story.do(
        on,
        who(taker, Role.CLERK),
        stream,
        "request",
        [story.paper("reallocation_form", on, "", "示调申")],
        from_unit=giver,
        to_unit=taker,
        item=things[0].sort.name,
        assets=[t.id for t in things],
        purpose="库房改造所需",
    )
    on = story.later(on, 2, 6)
    approval = story.paper("approval", on, "示例市财政局", "示财资")
    story.do(
        on,
        who(FINANCE, Role.FINANCE),
        stream,
        "approve",
        [approval],
        scope="departments",
        approval_no=approval.number,
    )
    on = story.later(on, 2, 4)
    slip = story.paper("hand_over_slip", on, "", "示交")
    passed(story, on, stream, things, sender, "confirm_out", slip)
    story.do(
        story.later(on, 1, 1),
        sender,
        stream,
        "call_back",
        assets=[t.id for t in things],
        reason="对方当日闭馆",
    )
    passed(story, story.later(on, 3, 5), stream, things, sender, "confirm_out", slip)


def hard_to_sell(story: Story) -> None:
    """Two auctions find no buyer; on new terms, approved again, the lot is sold below its appraisal."""
    unit, on = "o_ex_dst", date(2026, 3, 9)
    things = group(story, unit, 3, VEHICLES, bought=ENOUGH_YEARS)
    ids = [t.id for t in things]
    idle_on = idle_all(story, unit, things, story.later(on, -30, -15))
    for thing in things:
        story.do(
            working(idle_on + timedelta(days=2)),
            who(unit, Role.CLERK),
            thing.stream,
            "try_way",
            tried=Way.REUSE,
            result=Came.NO_USE,
            reason="下属单位均不需要",
            evidence="征询记录",
        )
    clerk, finance, stream = (
        *(who(unit, Role.CLERK), who(FINANCE, Role.FINANCE)),
        story.case("disposal"),
    )
    minutes = story.paper("minutes", on, "", "示会纪")
    story.do(
        on,
        clerk,
        stream,
        "propose",
        [minutes],
        unit=unit,
        form="auction",
        ground=Ground.LIFE_OVER,
        minutes_no=minutes.number,
        assets=ids,
    )
    on = story.later(on, 1, 3)
    story.do(on, finance, stream, "send_back", reason="请补充技术鉴定意见")
    on = story.later(on, 2, 4)
    report = story.paper("assessment_report", on, "示例车辆检测站", "示鉴")
    story.do(
        on,
        clerk,
        stream,
        "record_assessment",
        [report],
        assessor="示例车辆检测站",
        conclusion="车况老化，仍可转让",
        report_no=report.number,
    )
    on = story.do(story.later(on, 1, 2), clerk, stream, "resubmit", [report], note="已附技术鉴定")
    on = story.later(on, 3, 8)
    approval = story.paper("approval", on, "示例市财政局", "示财处")
    story.do(
        on,
        finance,
        stream,
        "approve",
        [approval],
        approval_no=approval.number,
        valid_until=on + timedelta(days=365),
    )
    on = story.later(on, 5, 10)
    report = story.paper("appraisal_report", on, "示例资产评估有限公司", "示评")
    value = sum(t.value for t in things) // 5
    story.do(
        on,
        clerk,
        stream,
        "record_appraisal",
        [report],
        assets=ids,
        appraiser="示例资产评估有限公司",
        value=value,
        base_date=on - timedelta(days=5),
        report_no=report.number,
    )
    for number in (1, 2):
        on = story.later(on, 5, 10)
        listing = story.paper("listing", on, AUCTIONEER, "示拍挂")
        story.do(
            on,
            clerk,
            stream,
            "put_on_market",
            [listing],
            platform="示例市公共资源交易平台",
            project_no=listing.number,
            reserve=value,
        )
        on = story.later(on, 15, 20)
        story.do(
            on,
            clerk,
            stream,
            "record_failed_auction",
            [story.paper("auction_record", on, AUCTIONEER, "示拍")],
            reason=f"第{number}次拍卖无人报名",
            next_step_by=on + timedelta(days=30),
        )
    on, price = story.later(on, 5, 12), value * 82 // 100
    minutes = story.paper("minutes", on, "", "示会纪")
    story.do(
        on,
        clerk,
        stream,
        "ask_new_terms",
        [minutes],
        form="sale",
        price=price,
        reason="两次流拍，拟协议转让",
        minutes_no=minutes.number,
    )
    on = story.later(on, 5, 10)
    approval = story.paper("approval", on, "示例市财政局", "示财处")
    story.do(on, finance, stream, "approve_new_terms", [approval], approval_no=approval.number)
    on = story.later(on, 4, 8)
    deal = story.paper("deal_confirmation", on, AUCTIONEER, "示拍")
    buyer = {"buyer": "b_ex_777", "deal_no": deal.number}
    story.do(on, clerk, stream, "sell_lot", [deal], assets=ids, price=price, **buyer)
    on = story.later(on, 3, 6)
    for thing in things:
        paper = story.paper("deregistration_certificate", on, "示例市车辆管理所", "示车注")
        story.do(
            on,
            clerk,
            stream,
            "change_title",
            [paper],
            asset=thing.id,
            registry="示例市车辆管理所",
            certificate=paper.number,
        )
    on = story.later(on, 3, 6)
    voucher = story.paper("voucher", on, "", "示销")
    story.do(
        on,
        who(unit, Role.ACCOUNTANT),
        stream,
        "derecognise_lot",
        [voucher],
        assets=ids,
        voucher=voucher.number,
    )


def wiped_and_kept(story: Story) -> None:
    """Computers are scrapped as a lot after their disks were wiped; what was broken late is kept."""
    unit, on = "o_ex_hos", date(2026, 6, 15)
    things = group(story, unit, 5, COMPUTERS[:2], bought=ENOUGH_YEARS)
    idle_all(story, unit, things, story.later(on, -30, -15))
    clerk, stream = who(unit, Role.CLERK), story.case("disposal")
    minutes = story.paper("minutes", on, "", "示会纪")
    story.do(
        on,
        clerk,
        stream,
        "propose",
        [minutes],
        unit=unit,
        form="scrap",
        ground=Ground.LIFE_OVER,
        minutes_no=minutes.number,
        assets=[t.id for t in things],
    )
    on = story.later(on, 5, 9)
    approval = story.paper("approval", on, "示例市财政局", "示财处")
    story.do(
        on,
        who(FINANCE, Role.FINANCE),
        stream,
        "approve",
        [approval],
        approval_no=approval.number,
        valid_until=on + timedelta(days=365),
    )
    on = story.later(on, 4, 9)
    gone = things[:4]
    for thing in gone:
        proof = story.paper("destruction_record", on, RECYCLER, "示销毁")
        story.do(
            on,
            clerk,
            stream,
            "record_destruction",
            [proof],
            asset=thing.id,
            vendor=RECYCLER,
            certificate=proof.number,
            method="wiped",
            destroyed_on=on,
        )
    on = story.later(on, 1, 4)
    proof = story.paper("recycling_certificate", on, RECYCLER, "示收")
    story.do(
        on,
        clerk,
        stream,
        "scrap_lot",
        [proof],
        assets=[t.id for t in gone],
        recycler=RECYCLER,
        certificate=proof.number,
        price=sum(t.value for t in gone) // 100,
    )
    story.do(story.later(on, 3, 8), clerk, stream, "keep_rest", reason="末台修复后可继续用于培训")


def holiday(story: Story) -> None:
    """Vehicles cost money every month and stand locked up on holidays; one waits for its inspection."""
    for number, unit in enumerate(("o_ex_edu", "o_ex_wat", "o_ex_cul")):
        thing, on = story.carded(unit, VEHICLES)
        story.issued(unit, thing, on)
        clerk = who(unit, Role.CLERK)
        for month in (7, 8, 9):
            story.do(
                working(date(2026, month + 1, 8)),
                clerk,
                thing.stream,
                "record_cost",
                cost_kind=("fuel", "upkeep", "insurance")[(number + month) % 3],
                amount=story.rng.randrange(30_000, 190_000, 500),
                year=2026,
                month=month,
            )
        story.do(
            date(2026, 9, 30),
            clerk,
            thing.stream,
            "seal",
            until=date(2026, 11, 20) if number == 2 else date(2026, 10, 8),
            reason="年检到期前停驶" if number == 2 else "国庆节封存停驶",
        )
        if number < 2:
            story.do(date(2026, 10, 9), clerk, thing.stream, "unseal", reason="节后恢复使用")


# Second thoughts --------------------------------------------------------------


def second_thoughts(story: Story) -> None:
    """Prepare what is put right later: a paper that comes late and a slip of the pen."""
    thing, on = story.carded("o_ex_edu", COMPUTERS[:2])
    story.issued("o_ex_edu", thing, on, place=rooms("o_ex_edu")[0])
    user = users("o_ex_edu")[1].id
    clerk = who("o_ex_edu", Role.CLERK)
    story.do(date(2026, 6, 8), clerk, thing.stream, "hand_over_to", user=user, reason="岗位调整")
    story.late = thing.stream
    thing, on = story.carded("o_ex_edu", OFFICE[2:3])
    story.issued("o_ex_edu", thing, on)
    story.do(
        date(2026, 9, 7),
        who("o_ex_edu", Role.ACCOUNTANT),
        thing.stream,
        "correct_value",
        value=thing.value * 100,
        reason="按凭证更正原值",
        voucher="2026-记-0907",
    )
    story.mistake = thing.stream


def tell() -> Story:
    """Tell the whole story."""
    story = Story()
    founding(story)
    in_use(story)
    bought(story)
    premises(story)
    spare(story)
    intakes(story)
    exposition(story)
    loans(story)
    leases(story)
    reallocations(story)
    disposals(story)
    second_rounds(story)
    hard_to_sell(story)
    wiped_and_kept(story)
    holiday(story)
    second_thoughts(story)
    city_authority.stood_in(story)
    city_authority.reorganised(story)
    city_reuse.reused(story)
    city_registers.confiscated(story)
    city_registers.quotas(story)
    city_registers.numbered(story)
    city_oversight.overseen(story)
    city_idle.shown(story)
    city_sales.sold(story)
    branch(story)
    return story
