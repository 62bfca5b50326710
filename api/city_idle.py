"""What shows as idle in the example city, one thing or two of each ground; some of it answered."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Final

from api.city_people import DIVISION, EXPO, FINANCE, OFFICES, users, who
from api.city_things import INSTRUMENTS, LENDABLE
from domain.unit import UnitKind
from domain.words import Role
from labels.identity import check_character

if TYPE_CHECKING:
    from api.city_story import Story

ENDED: Final = "o_ex_dev"
ARCHIVES: Final = "o_ex_arc"
CITY_SAYS: Final = "示例市人民政府"
POSTS: Final = 4  # so many computers its archives may have; it has some more


def shown(story: Story) -> None:
    """Let every ground show somewhere; beside it, what was explained."""
    beyond(story)
    came_back(story)
    left(story)
    shared_little(story)
    explained(story)


def beyond(story: Story) -> None:
    """Say how many posts the archives have, and publish a standard for each of them."""
    admin, finance = who(OFFICES, Role.ADMIN), who(FINANCE, Role.FINANCE)
    on = date(2026, 7, 6)
    story.do(
        on,
        admin,
        f"unit/{ARCHIVES}",
        "authorise_posts",
        [story.paper("decision", on, CITY_SAYS, "示编")],
        posts=POSTS,
        order_no="示编〔2026〕25号",
    )
    stream = "standard/EXDESKTOPS"
    form: dict[str, Any] = {"kind": "computer", "class_code": "A02010105", "basis": "post"}
    title = "台式计算机每岗一台（虚构）"
    story.do(
        date(2026, 7, 8), finance, stream, "draft", title=title, unit=ARCHIVES, quantity="1", **form
    )
    on = date(2026, 7, 15)
    story.do(
        on,
        who(FINANCE, Role.FINANCE, 2),
        stream,
        "publish",
        [story.paper("decision", on, "示例市财政局", "示财标")],
        in_force_from=date(2026, 8, 1),
        number="示财标〔2026〕3号",
    )


def came_back(story: Story) -> None:
    """Lend to the exposition's office, which gives back; nobody has used it since."""
    from api.city_story import borrowed, group

    things = group(story, "o_ex_aud", 2, LENDABLE, used=False)
    borrowed(story, "o_ex_aud", EXPO, things, date(2025, 10, 13), date(2026, 3, 27), "closed")


def left(story: Story) -> None:
    """Let a body end before its property was handed over."""
    admin, clerk = who(OFFICES, Role.ADMIN), who(OFFICES, Role.CLERK)
    story.do(
        date(2025, 5, 12),
        admin,
        f"unit/{ENDED}",
        "establish",
        name="示例市开发区服务中心",
        name_en="Example City Development Zone Centre",
        kind=UnitKind.INSTITUTION,
        level="prefecture",
        region=DIVISION,
        located="示例市",
    )
    for number in (1, 2):
        plain = f"KF-{number:05}"
        story.do(
            date(2025, 5, 26),
            clerk,
            f"asset/EXDEVZONE{number:02}",
            "register_existing",
            asset_no=f"{plain}-{check_character(plain)}",
            name="会议椅",
            kind="furniture",
            class_code="A05010303",
            unit=ENDED,
            value=42_000,
        )
    on = date(2026, 9, 7)
    paper = story.paper("decision", on, CITY_SAYS, "示编")
    story.do(on, admin, f"unit/{ENDED}", "dissolve", [paper], reason="开发区管理体制调整")


def shared_little(story: Story) -> None:
    """Share an instrument that hardly anybody comes to use."""
    unit = "o_ex_wat"
    thing, on = story.carded(unit, INSTRUMENTS)
    story.issued(unit, thing, on, users(unit)[0])
    clerk = who(unit, Role.CLERK)
    story.do(
        date(2025, 7, 14), clerk, thing.stream, "offer_sharing", description="工作日可预约使用"
    )
    for day, hours in ((date(2026, 3, 18), "6"), (date(2026, 9, 16), "3.5")):
        story.do(
            day, clerk, thing.stream, "record_shared_use",
            unit="o_ex_sch", hours=hours, purpose="教学实验",
        )  # fmt: skip


def explained(story: Story) -> None:
    """Keep a stand-by in the store, and say why and how long."""
    thing, _ = story.carded("o_ex_edu", LENDABLE)
    story.do(
        date(2026, 9, 21),
        who("o_ex_edu", Role.CLERK),
        thing.stream,
        "explain_idleness",
        ground="idle",
        reason="考试保障备用，每年六月使用",
        until=date(2027, 7, 31),
    )
