"""What gets no card: consumables, state secrets, what was confiscated (DOMAIN.md e).

Whoever registers something says what it is by nature; the refusal says where it belongs.
"""

from __future__ import annotations

from domain.decider import Rule
from domain.words import Term


class Nature(Term):
    """What a thing is, before it is asked of which kind."""

    ASSET = "asset", "一般资产", "ordinary property"
    CONSUMABLE = "consumable", "低值易耗品", "consumable"
    CLASSIFIED = "classified", "涉密物品", "classified"
    CONFISCATED = "confiscated", "罚没（涉案）物品", "confiscated or seized"


NOT_CONSUMABLE = Rule(
    slug="consumable-has-no-card",
    zh="低值易耗品不属于固定资产，不建资产卡片；请在本单位的库存物品账中按数量登记领用。",
    en="Consumables are no fixed assets and get no card; keep them by quantity in the unit's own"
    " stock of supplies.",
)
NOT_CLASSIFIED = Rule(
    slug="classified-never-enters",
    zh="涉密物品不进入本系统；请交本单位保密工作机构，按有关保密规定登记、保管和销毁。",
    en="What is classified never enters this system; the unit's secrecy office registers, keeps and"
    " destroys it under the rules on secrets.",
    law="《内蒙古自治区机关事务管理办法》第36条",
)
NOT_CONFISCATED = Rule(
    slug="confiscated-goods-kept-apart",
    zh="罚没（涉案）物品不是本单位的资产，不建资产卡片；请登记为罚没（涉案）物品，单独管理。",
    en="Confiscated and seized goods are not the unit's property and get no card; they have a"
    " register of their own.",
    law="《行政事业性国有资产管理条例》第20条",
)


def refuse_outside(nature: Nature) -> None:
    """Refuse what belongs elsewhere, saying where."""
    match nature:
        case Nature.CONSUMABLE:
            raise NOT_CONSUMABLE.broken()
        case Nature.CLASSIFIED:
            raise NOT_CLASSIFIED.broken()
        case Nature.CONFISCATED:
            raise NOT_CONFISCATED.broken()
