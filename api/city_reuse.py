"""The example city uses things again: wants, offers, claims, an event whose property comes home.

What needs no lists is told with the story. What the system looks up by itself (what fits a want, the
proposed allocation) and pictures are added at the counter of an office, when the lists are there.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from api import filing
from api.city_people import CULTURE, FINANCE, OFFICES, STORE, WAREHOUSE, Person, who
from api.city_things import COMPUTERS, EVENT, FURNITURE, OFFICE, Sort, Thing
from api.office import Actor, Office
from domain.allocating import Allocation
from domain.policy import Priority
from domain.words import Role
from labels import qr
from ledger.book import Book

if TYPE_CHECKING:
    from api.city_story import Story

OPERATOR: Final = "o_ex_opr"
OPERATOR_NAME: Final = "示例物业运营有限公司"
EDUCATION, WATER, ARCHIVES = "o_ex_edu", "o_ex_wat", "o_ex_arc"
SCHOOL, HOSPITAL = "o_ex_sch", "o_ex_hos"
PROPOSAL: Final = "EXMORNING1"
ASKED_ON: Final = date(2026, 8, 24)
LISTED_ON: Final = date(2026, 9, 2)
LOTS_ON: Final = date(2026, 10, 14)  # so long ago that their windows have opened by now
BOUGHT: Final = (date(2021, 1, 1), date(2024, 12, 31))


# With the story ---------------------------------------------------------------


def reused(story: Story) -> None:
    """Tell of wants met, met in part and open, of claims, an event, and who runs the warehouse."""
    desks = lot(story, EDUCATION, FURNITURE[0], 30)
    offered(story, EDUCATION, desks, LISTED_ON, "办公桌，桌面完好，随附抽屉钥匙")
    whole = want(story, HOSPITAL, FURNITURE[0], 12, ASKED_ON, "门诊楼新增诊室")
    part = want(story, ARCHIVES, FURNITURE[0], 18, date(2026, 8, 26), "阅览室扩建")
    gone = want(story, SCHOOL, OFFICE[3], 2, date(2026, 9, 8), "多媒体教室")
    clerk = who(SCHOOL, Role.CLERK)
    story.do(date(2026, 9, 18), clerk, gone, "withdraw", reason="改为租用，不再需要")
    brought(story, desks, whole, HOSPITAL, 1, "12", date(2026, 9, 10))
    brought(story, desks, part, ARCHIVES, 2, "8", date(2026, 9, 22))
    claimed(
        story, desks, date(2026, 10, 12), FINANCE, "2", "调研组临时办公", release="改用本局库存"
    )
    claimed(story, desks, date(2026, 10, 20), WATER, "4", "防汛值班室", release="")
    for unit, sort, quantity, purpose in (
        (SCHOOL, COMPUTERS[0], 20, "信息技术教室"),
        (CULTURE, FURNITURE[3], 40, "读书节会场"),
        (WATER, COMPUTERS[0], 6, "防汛指挥"),
    ):
        need = Priority.MEETING if sort is FURNITURE[3] else None
        want(story, unit, sort, quantity, date(2026, 10, 13), purpose, need)
    ahead(story)
    event(story)
    entrusted(story)
    for unit, sort, quantity in ((FINANCE, COMPUTERS[0], 12), (WATER, FURNITURE[3], 60)):
        thing = lot(story, unit, sort, quantity)
        story.idle(unit, thing, date(2026, 9, 24))
        story.lots.append((thing.stream, unit, sort.name))


def lot(story: Story, unit: str, sort: Sort, quantity: int) -> Thing:
    """Open one card for many equal things."""
    thing = story.maker.make((sort,), BOUGHT)
    clerk, on = who(unit, Role.CLERK), date(2025, 6, 16)
    story.do(
        on,
        clerk,
        thing.stream,
        "register_existing",
        [story.paper("asset_card", on, "", "示卡")],
        asset_no=thing.asset_no,
        name=sort.name,
        kind=sort.kind,
        unit=unit,
        class_code=sort.code,
        value=thing.value * quantity,
        quantity=str(quantity),
        measure=sort.measure,
        mode="purchase",
        acquired=thing.bought,
        model=thing.model,
        place=story.room(unit),
    )
    story.label(thing, clerk, on)
    return thing


def offered(story: Story, unit: str, thing: Thing, on: date, said: str) -> None:
    """Offer to others what is idle."""
    story.idle(unit, thing, on - timedelta(days=1))
    form: dict[str, Any] = {"remaining_life": "5年", "offer_until": date(2026, 12, 31)}
    clerk = who(unit, Role.CLERK)
    story.do(on, clerk, thing.stream, "list_for_reuse", description=said, **form)


def want(
    story: Story,
    unit: str,
    sort: Sort,
    quantity: int,
    on: date,
    purpose: str,
    need: Priority | None = None,
) -> str:
    """Publish a want; return its stream."""
    stream = story.case("demand")
    story.do(
        on,
        who(unit, Role.CLERK),
        stream,
        "publish",
        [story.paper("reallocation_form", on, "", "示需")],
        to_unit=unit,
        kind=sort.kind,
        item=sort.name,
        quantity=str(quantity),
        measure=sort.measure,
        class_code=sort.code,
        needed_by=date(2026, 12, 15),
        purpose=purpose,
        need=need,
    )
    return stream


def brought(
    story: Story, thing: Thing, stream: str, taker: str, number: int, quantity: str, on: date
) -> None:
    """Split a part off, its `number`th, reallocate it for a want, and let it arrive."""
    asset = f"{thing.id}.{number}"
    giver, clerk = who(EDUCATION, Role.CLERK), who(taker, Role.CLERK)
    paper = story.paper("asset_card", on, "", "示卡")
    form: dict[str, Any] = {"quantity": quantity, "reason": "按需求拆分调剂"}
    story.do(on, giver, thing.stream, "split", [paper], **form)
    case = story.case("reallocation")
    story.do(
        on,
        clerk,
        case,
        "request",
        [story.paper("reallocation_form", on, "", "示调申")],
        from_unit=EDUCATION,
        to_unit=taker,
        item=thing.sort.name,
        assets=[asset],
        purpose="按需求调剂",
        demand=stream.partition("/")[2],
    )
    on = story.later(on, 2, 4)
    approval = story.paper("approval", on, "示例市财政局", "示财资")
    finance = who(FINANCE, Role.FINANCE)
    agreed = {"scope": "departments", "approval_no": approval.number}
    story.do(on, finance, case, "approve", [approval], **agreed)
    on = story.later(on, 1, 3)
    slip = story.paper("hand_over_slip", on, "", "示交")
    story.do(on, giver, case, "confirm_out", [slip], assets=[asset])
    slip = story.paper("hand_over_slip", on, "", "示交")
    room = story.room(taker)
    story.do(story.later(on, 1, 2), clerk, case, "confirm_in", [slip], assets=[asset], place=room)


def claimed(
    story: Story, thing: Thing, on: date, unit: str, quantity: str, purpose: str, release: str
) -> None:
    """Hold a part of an offer for a unit; `release` says why it is let go again, if it is."""
    stream, clerk = story.case("claim"), who(unit, Role.CLERK)
    form: dict[str, Any] = {"asset": thing.id, "to_unit": unit, "quantity": quantity}
    form |= {"until": on + timedelta(days=9), "purpose": purpose}
    story.do(on, clerk, stream, "claim", **form)
    if release:
        story.do(story.later(on, 1, 3), clerk, stream, "release_claim", reason=release)


def ahead(story: Story) -> None:
    """Offer what is in use still, for the day on which it will be free."""
    thing, on = story.carded(ARCHIVES, OFFICE[3:4])
    story.issued(ARCHIVES, thing, on)
    form: dict[str, Any] = {"description": "投影仪，展览结束后可调", "remaining_life": "3年"}
    form |= {"available_from": date(2026, 12, 1), "offer_until": date(2027, 2, 28)}
    clerk = who(ARCHIVES, Role.CLERK)
    story.do(date(2026, 10, 19), clerk, thing.stream, "list_for_reuse", **form)


def event(story: Story) -> None:
    """Buy for a festival: some of it is on its way home, some is overdue."""
    things = [story.carded(CULTURE, EVENT[:2])[0] for _ in range(4)]
    stream, clerk = story.case("gathering"), who(CULTURE, Role.CLERK)
    on = date(2026, 9, 4)
    paper = story.paper("approval", on, "示例市人民政府", "示政办")
    story.do(
        on,
        clerk,
        stream,
        "register",
        [paper],
        unit=CULTURE,
        ground="event",
        purpose="示例读书节",
        due=date(2026, 10, 16),
        warehouse=WAREHOUSE,
        assets=[thing.id for thing in things],
        approval_no=paper.number,
    )
    home = [thing.id for thing in things[:2]]
    story.do(date(2026, 10, 14), clerk, stream, "hand_over", assets=home)


def entrusted(story: Story) -> None:
    """Let a company store and carry for the warehouse, for a time and no more."""
    admin, office, on = who(OFFICES, Role.ADMIN), who(OFFICES, Role.OFFICE), date(2026, 7, 1)
    english = "Example Property Operations Ltd."
    form: dict[str, Any] = {"name": OPERATOR_NAME, "name_en": english, "kind": "enterprise"}
    story.do(on, admin, f"unit/{OPERATOR}", "establish", located="示例市", **form)
    paper = story.paper("agreement", on, "示例市机关事务管理局", "示委")
    story.do(
        on,
        office,
        f"entrustment/{OPERATOR}",
        "entrust",
        [paper],
        owner=STORE,
        tasks=["storage"],
        since=on,
        until=date(2027, 6, 30),
        agreement_no=paper.number,
    )


# At the counter ---------------------------------------------------------------


def shown(book: Book) -> bool:
    """Tell whether the allocation was proposed."""
    state: Allocation = book.stream(f"allocation/{PROPOSAL}").state
    return bool(state.sha256)


def show(office: Office) -> None:
    """List what fits wants, add pictures, and have an allocation proposed and confirmed in part."""
    goa = who(OFFICES, Role.OFFICE)
    from api.city_story import tell  # which tells of this module

    for number, (stream, unit, name) in enumerate(tell().lots, start=1):
        said = f"{name}，整批，可分批调剂"
        form = {"description": said, "remaining_life": "4年"}
        clerk = who(unit, Role.CLERK)
        ask(office, clerk, stream, "list_for_reuse", f"list-{number}", LOTS_ON, **form)
        key = f"example-reuse-photo-{number}"
        picture(office, clerk, stream, name, key)
    stream = f"allocation/{PROPOSAL}"
    ask(office, goa, stream, "propose", "propose")
    state: Allocation = office.book.stream(stream).state
    if state.proposals:
        ask(office, goa, stream, "confirm", "confirm", line=1)
    if state.proposals > 1:
        why = "数量待双方核实"
        ask(office, goa, stream, "decline", "decline", line=state.proposals, reason=why)


def acting(by: Person) -> Actor:
    """Return a person of the city at work."""
    return Actor(person=by.id, unit=by.unit, role=by.role, name=by.name)


def ask(
    office: Office,
    by: Person,
    stream: str,
    verb: str,
    key: str,
    on: date | None = None,
    **form: Any,
) -> None:
    """Have a person ask for something once, of today or of an earlier day."""
    done = f"example-reuse-{key}"
    office.ask(stream, verb, form, acting(by), on=on, key=done, channel="demo")


def picture(office: Office, by: Person, stream: str, name: str, key: str) -> None:
    """Attach a picture of a code: nobody has photographed what does not exist."""
    title = f"{name}示意图.png"
    image = qr.png(stream.partition("/")[2])
    filing.attach(office, acting(by), stream, image, title, key=key, channel="demo")
