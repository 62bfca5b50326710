"""A surplus found in a stocktake is ruled on, and leaves 1902 (DOMAIN.md h; 国令738 第34条).

What was found is on the books against 1902 from its card on; until somebody competent who did not
find it rules, it is an open item there. Which account the ruling clears 1902 to follows from when
and how the thing was obtained. That is general knowledge of 《政府会计制度》 (财会〔2017〕25号): what was
obtained in earlier years is an adjustment of earlier years, what was obtained this year is booked
as any other acquisition of its kind. The rules of a place may say it otherwise (`vouchers`).
"""

from __future__ import annotations

from typing import TypeAlias, assert_never

from msgspec.structs import replace

from domain.asset import Asset, Book, lifecycle
from domain.decider import Event, Occasion, Rule
from domain.paper_forms import PaperForm
from domain.values import Code, Currency, Fen, Reference, Text, UnitId
from domain.words import Role, Term


class Obtained(Term):
    """When and how a surplus was obtained, as far as the ruling establishes it."""

    EARLIER_YEARS = "earlier_years", "以前年度取得", "obtained in earlier years"
    PURCHASE = "purchase", "本年度购置", "purchased this year"
    DONATION = "donation", "本年度接受捐赠", "donated this year"
    TRANSFER = "transfer", "本年度无偿调入", "transferred in this year"


# What happened ----------------------------------------------------------------


class SurplusRuled(
    Event,
    name="asset.surplus_ruled",
    zh="盘盈处理获批复，文号{ruling_no}：{obtained}，核销待处理财产损溢{amount}",
    en="Surplus ruled on, {ruling_no}: {obtained}, {amount} cleared from pending gains and losses",
    papers=(PaperForm.RECORD,),
):
    """#53 The surplus is recognised; `unit` clears `amount` (fen or cents), as it was entered."""

    ruling_no: Code
    obtained: Obtained
    unit: UnitId
    amount: Fen
    currency: Currency = "CNY"
    note: Text = ""


SurplusEvent: TypeAlias = SurplusRuled

# Where that leaves us ---------------------------------------------------------


def evolve(asset: Asset, event: SurplusEvent) -> Asset:
    """What an event means: nothing of this card waits in 1902 any more."""
    match event:
        case SurplusRuled():
            return replace(asset, surplus=None)
        case _:
            assert_never(event)


lifecycle.part(SurplusEvent, evolve)

# What may be asked ------------------------------------------------------------

RULING = (Role.HEAD, Role.DEPARTMENT, Role.OFFICE, Role.FINANCE)
WAITING = Rule(
    slug="no-surplus-waits",
    zh="这项资产不是盘盈入账的，或者盘盈已经批复。",
    en="The asset was not entered as a surplus, or the surplus has been ruled on.",
    law="《行政事业性国有资产管理条例》第34条",
    holds=lambda asset, _: asset.surplus is not None,
)
WHERE_FOUND = Rule(
    slug="surplus-moved-on",
    zh="盘盈资产已不在盘盈单位账上；请先红冲其后的移交或处置，再登记批复。",
    en="The surplus is no longer in the books of the unit that found it; reverse what moved it"
    " first.",
    holds=lambda asset, _: (
        asset.book in (Book.ON_BOOKS, Book.TO_DISPOSE)
        and asset.accounting_unit == asset.surplus_unit
    ),
)
NOT_THE_FINDER = Rule(
    slug="surplus-ruled-by-finder",
    zh="盘盈由谁发现登记，谁就不得批复；请由另一人办理。",
    en="Who found and entered the surplus may not rule on it; another person does.",
    law="《行政事业性国有资产管理条例》第51条",
    holds=lambda asset, occasion: (
        not asset.buyer or asset.buyer not in (occasion.by, occasion.behalf)
    ),
)
OWN_HEAD = Rule(
    slug="surplus-of-another-unit",
    zh="单位负责人只能批复本单位的盘盈；其他单位的由主管部门、机关事务管理部门或财政部门批复。",
    en="A head rules on the surplus of the own unit alone; on others the department, the offices"
    " administration or finance does.",
    holds=lambda asset, occasion: (
        occasion.role != Role.HEAD or occasion.acts_for(asset.surplus_unit)
    ),
)


@lifecycle.verb(
    WAITING,
    WHERE_FOUND,
    NOT_THE_FINDER,
    OWN_HEAD,
    zh="登记盘盈批复",
    en="Record the ruling on the surplus",
    roles=RULING,
)
def rule_on_surplus(
    asset: Asset, _: Occasion, *, ruling_no: Reference, obtained: Obtained, note: Text = ""
) -> SurplusRuled:
    """Record that the surplus is recognised, by which paper, and how the thing was obtained."""
    return SurplusRuled(
        ruling_no=ruling_no,
        obtained=obtained,
        unit=asset.surplus_unit,
        amount=asset.surplus or 0,
        currency=asset.currency,
        note=note,
    )
