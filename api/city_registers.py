"""The example city's registers: what its documents are numbered like, and goods it keeps for others."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from api.city_people import BODIES, CASES, INITIALS, OFFICES, OPENED_ON, STORE, WAREHOUSE, who
from domain.words import Role

if TYPE_CHECKING:
    from api.city_story import Story


def confiscated(story: Story) -> None:
    """Keep what enforcers seized: some is forfeited and sold, some destroyed, some given back."""
    keeper, office = who(STORE, Role.KEEPER), who(OFFICES, Role.OFFICE)
    goods = (
        ("o_ex_cul", "无证出版物", "1200", "册", True, 0),
        ("o_ex_wat", "采砂船", "1", "艘", True, 8_650_000),
        ("o_ex_cul", "音响设备", "6", "台", False, -1),
        ("o_ex_wat", "抽水泵", "3", "台", False, 0),
        ("o_ex_edu", "无证办学桌椅", "40", "套", True, 240_000),
    )
    for number, (unit, item, quantity, measure, forfeited, price) in enumerate(goods):
        on = story.between(date(2026, 2, 2), date(2026, 7, 30))
        issuer = next(body.zh for body in BODIES if body.id == unit)
        order = story.paper("decision", on, issuer, "示执")
        stream = story.case("confiscated")
        story.do(
            on,
            keeper,
            stream,
            "take_in",
            [order],
            item=item,
            quantity=quantity,
            unit=unit,
            order_no=order.number,
            forfeited=forfeited,
            measure=measure,
            place=WAREHOUSE,
        )
        on = story.later(on, 12, 30)
        if price > 0:
            deal = story.paper("deal_confirmation", on, "示例拍卖有限公司", "示成")
            story.do(on, office, stream, "sell", [deal], price=price, deal_no=deal.number)
        elif price < 0:
            order = story.paper("decision", on, issuer, "示执")
            slip = f"RC{story.papers:05}"
            story.do(on, keeper, stream, "give_back", [order], order_no=order.number, receipt=slip)
        elif number == 0:
            proof = story.paper("destruction_record", on, "示例再生资源有限公司", "示销毁")
            story.do(
                on,
                keeper,
                stream,
                "record_destruction",
                [proof],
                method="化浆",
                certificate=proof.number,
            )
        if number == 1:
            on = story.later(on, 3, 8)
            slip = story.paper("payment_slip", on, "示例市财政局", "示缴")
            story.do(
                on,
                who(STORE, Role.ACCOUNTANT),
                stream,
                "remit",
                [slip],
                amount=price,
                voucher=slip.number,
                treasury_on=on,
            )


def quotas(story: Story) -> None:
    """Set how many vehicles some bodies may have; one has more, and that shows."""
    on = date(2026, 10, 26)
    for unit, use, places in (
        ("o_ex_edu", "emergency", 4),
        ("o_ex_fin", "confidential", 2),
        ("o_ex_wat", "emergency", 2),
    ):
        order = story.paper("decision", on, "示例市机关事务管理局", "示车编")
        form = {"use": use, "places": places, "order_no": order.number}
        office = who(OFFICES, Role.OFFICE)
        story.do(on, office, f"quota/{unit}", "set_quota", [order], **form)


def numbered(story: Story) -> None:
    """Have every body say what the numbers of its documents look like, before it writes one."""
    begun = {
        (act.by.unit, ask.stream.partition("/")[0])
        for act in story.acts
        for ask in act.asks
        if ask.verb in ("apply", "propose", "request", "submit", "take_in")
    }
    for unit, kind in sorted(begun):
        if unit in INITIALS and kind in CASES:
            prefix = INITIALS[unit] + CASES[kind]
            head = who(unit, Role.HEAD)
            story.do(OPENED_ON, head, f"series/{unit}-{kind}", "name_series", prefix=prefix)
