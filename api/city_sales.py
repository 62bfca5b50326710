"""The example city sells: a buyer who does not pay loses the deposit, and the lot is sold again.

The first deal is broken, a listing is withdrawn for a new appraisal, the second buyer signs, pays and
has the things; a third lot waits to be handed over.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from api.city_people import FINANCE, who
from api.city_things import INSTRUMENTS, Thing
from domain.leaving import Ground
from domain.waterfall import Came, Way
from domain.words import Role

if TYPE_CHECKING:
    from api.city_story import Story

UNIT: Final = "o_ex_wat"
PLATFORM: Final = "示例市公共资源交易平台"
APPRAISER: Final = "示例资产评估有限公司"
BOUGHT: Final = (date(2014, 1, 1), date(2017, 12, 31))


def sold(story: Story) -> None:
    """Tell of a deal that was broken, the next one that was kept, and one that waits."""
    broken_and_sold_again(story)
    waiting_to_be_fetched(story)


class Sale:
    """One lot of a unit on its way through the market."""

    def __init__(self, story: Story, on: date, count: int) -> None:
        self.story, self.clerk = story, who(UNIT, Role.CLERK)
        self.stream = story.case("disposal")
        self.things = lot(story, count, on)
        self.ids = [thing.id for thing in self.things]
        self.on = on
        self.value = sum(thing.value for thing in self.things) // 5
        self.approved()
        self.appraised(self.value)

    def do(self, verb: str, kind: str = "", head: str = "", **form: Any) -> None:
        """Let the clerk do the next step some days on, with its paper where it has one."""
        self.on = self.story.later(self.on, 3, 8)
        papers = [self.story.paper(kind, self.on, PLATFORM, head)] if kind else []
        self.story.do(self.on, self.clerk, self.stream, verb, papers, **form)

    def approved(self) -> None:
        """Propose the lot on a minuted decision; the finance bureau approves it."""
        story, on = self.story, self.on
        minutes = story.paper("minutes", on, "", "示会纪")
        asked: dict[str, Any] = {"unit": UNIT, "form": "auction", "ground": Ground.LIFE_OVER}
        asked |= {"minutes_no": minutes.number, "assets": self.ids}
        story.do(on, self.clerk, self.stream, "propose", [minutes], **asked)
        self.on = story.later(on, 5, 9)
        approval = story.paper("approval", self.on, "示例市财政局", "示财处")
        until = {"approval_no": approval.number, "valid_until": self.on + timedelta(days=365)}
        finance = who(FINANCE, Role.FINANCE)
        story.do(self.on, finance, self.stream, "approve", [approval], **until)

    def appraised(self, value: int) -> None:
        """Have the lot appraised, for the first time or again."""
        self.value = value
        said = {"assets": self.ids, "appraiser": APPRAISER, "value": value}
        said |= {"base_date": self.on, "report_no": f"示评-{self.story.papers:04}"}
        self.do("record_appraisal", "appraisal_report", "示评", **said, filing_no="示评备")

    def listed(self) -> None:
        """Put the lot on the market at its appraised value."""
        project = f"示拍挂-{self.story.papers:04}"
        market = {"platform": PLATFORM, "project_no": project, "reserve": self.value}
        self.do("put_on_market", "listing", "示拍挂", **market)

    def struck(self, deal_no: str, buyer: str, price: int) -> None:
        """Find a buyer, who has left a deposit and must pay within thirty days."""
        deal: dict[str, Any] = {"assets": self.ids, "price": price, "buyer": buyer}
        deal |= {"deal_no": deal_no, "deposit": price // 10}
        pay_by = self.on + timedelta(days=38)
        self.do("strike_deal", "deal_confirmation", "示拍", **deal, pay_by=pay_by)


def broken_and_sold_again(story: Story) -> None:
    """The first buyer pays nothing; the second has the things against a contract."""
    sale = Sale(story, date(2026, 4, 20), 2)
    sale.listed()
    sale.struck("示拍-违1", "示例竞买人611", sale.value * 115 // 100)
    sale.on += timedelta(days=40)
    off = {"deal_no": "示拍-违1", "reason": "买受人逾期未付款", "deposit_forfeited": 50_000}
    sale.do("record_buyer_default", **off, next_step_by=sale.on + timedelta(days=30))
    sale.listed()
    away = {"reason": "评估报告将满一年，重新评估后再挂牌"}
    sale.do("take_off_market", **away, next_step_by=sale.on + timedelta(days=30))
    sale.appraised(sale.value * 95 // 100)
    sale.listed()
    price = sale.value * 102 // 100
    sale.struck("示拍-再1", "示例竞买人612", price)
    signed = {"deal_no": "示拍-再1", "contract_no": "示转合-0612"}
    sale.do("sign_contract", "sale_contract", "示转合", **signed, signed_on=sale.on)
    sale.do("hand_over_deal", deal_no="示拍-再1")
    on = story.later(sale.on, 2, 5)
    accountant = who(UNIT, Role.ACCOUNTANT)
    voucher = story.paper("voucher", on, "", "示销")
    gone = {"assets": sale.ids, "voucher": voucher.number}
    story.do(on, accountant, sale.stream, "derecognise_lot", [voucher], **gone)
    fee = [{"type": "拍卖佣金", "amount": price // 20}]
    story.do(on, accountant, sale.stream, "assess_income", gross=price, deductions=fee)


def waiting_to_be_fetched(story: Story) -> None:
    """A lot is sold and stands here until its buyer has paid."""
    sale = Sale(story, date(2026, 9, 7), 1)
    sale.listed()
    sale.struck("示拍-待1", "示例竞买人613", sale.value * 108 // 100)


def lot(story: Story, count: int, on: date) -> Sequence[Thing]:
    """Open the cards of old instruments that nobody in the city needs."""
    things = []
    for _ in range(count):
        thing, _since = story.carded(UNIT, INSTRUMENTS, BOUGHT)
        idle_on = story.later(on, -30, -20)
        story.idle(UNIT, thing, idle_on)
        tried = {"tried": Way.REUSE, "result": Came.NO_USE, "reason": "下属单位均不需要"}
        tried["evidence"] = "征询记录"
        day = story.later(idle_on, 2, 4)
        story.do(day, who(UNIT, Role.CLERK), thing.stream, "try_way", **tried)
        things.append(thing)
    return things
