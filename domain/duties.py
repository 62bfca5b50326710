"""Separation of duties: who did what in one case, and which two duties one person may not have.

Judged on the person, whatever role or post they act in, and on whoever delegated their power to
them: the same question when a request is decided and when the log is audited (国令738 第51条).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TypeAlias

from domain.decider import Event, Rule
from domain.policy import Policy
from domain.words import TERMS, Words

# A duty, the person who did it or in whose stead it was done, and in which matter of the stream;
# an empty matter is the stream as a whole.
Did: TypeAlias = tuple[str, str, str]

# What people do in a case, by the `duty` of the facts they record.
DUTIES: dict[str, Words] = {
    "apply": Words("申请", "apply"),
    "approve": Words("审批", "approve"),
    "execute": Words("执行", "execute"),
    "buy": Words("采购", "buy"),
    "inspect": Words("验收", "inspect"),
    "bill": Words("确认应缴收入", "bill income"),
    "collect": Words("收款", "take the money"),
    "book": Words("记账", "keep the books"),
    "reconcile": Words("对账", "reconcile"),
    "draft": Words("起草规则", "draft rules"),
    "publish": Words("发布规则", "publish rules"),
    "keep": Words("保管", "keep"),
    "lead": Words("主持盘点", "lead the stocktake"),
    "count": Words("盘点", "count in the stocktake"),
    "review": Words("复核盘点", "review the stocktake"),
}
TERMS.update({duty: words for duty, words in DUTIES.items() if duty not in TERMS})

INCOMPATIBLE = Rule(
    slug="incompatible-duties",
    zh="同一人不得在同一事项中既“{other}”又“{duty}”（{person}）；请由另一人办理。",
    en="One person may not both {other} and {duty} in the same case ({person});"
    " another person must do it.",
    law="《行政事业性国有资产管理条例》第51条",
)


def matter_of(fact: Event) -> str:
    """Return which matter of its stream a fact belongs to; empty where the stream is one matter."""
    value = getattr(fact, fact.matter) if fact.matter else None
    return "" if value is None else str(value)


def excluding(
    policy: Policy, did: Iterable[Did], duty: str, persons: Collection[str], matter: str
) -> Did | None:
    """Return what one of these persons did in the same matter that excludes `duty` now, or None."""
    return next(
        (
            before
            for before in did
            if before[1] in persons
            and (before[2] == matter or "" in (before[2], matter))
            and policy.excludes(before[0], duty)
        ),
        None,
    )
