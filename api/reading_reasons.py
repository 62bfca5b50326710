"""Sort the free-text reasons of refused requests into kinds, by an ordered table of patterns."""

from __future__ import annotations

import re
from typing import Final

import msgspec


class RefusalKind(msgspec.Struct, frozen=True):
    """A kind of refusal: its slug, its words, and the pattern that recognises it.

    `counted_as` is the slug under which the coarser published tally counts it.
    """

    slug: str
    zh: str
    en: str
    pattern: re.Pattern[str] | None
    counted_as: str


def _kind(
    slug: str, zh: str, en: str, pattern: str | None, counted_as: str | None = None
) -> RefusalKind:
    compiled = re.compile(pattern, re.IGNORECASE) if pattern is not None else None
    return RefusalKind(slug, zh, en, compiled, counted_as or slug)


OTHER: Final = _kind("other", "其他原因", "Another reason", None)

# Order matters: the first pattern that is found anywhere in the text decides. The four kinds
# counted as `other` stand last, so that they only part what no earlier kind has claimed.
KINDS: Final = (
    _kind("reason-not-given", "未记录原因", "No reason recorded", r"\A\s*(?:null)?\s*\Z"),
    _kind("sales-order-closed", "已转入销售，申请关闭", "Closed by a sales order", r"sales order"),
    _kind(
        "no-longer-in-inventory",
        "资产已不在库",
        "The item is no longer in the inventory",
        r"no longer in the inventory",
    ),
    _kind(
        "approved-for-another",
        "已被其他单位调剂",
        "Already approved for another body",
        r"another (?:agency|lea)",
    ),
    _kind(
        "justification-insufficient",
        "申请理由不足",
        "The justification is not sufficient",
        r"^justification|your justification",
    ),
    _kind(
        "moved-to-next-round",
        "本轮已结束，转入下一轮分配",
        "Moved to the next allocation round",
        r"gsa cycle",
    ),
    _kind(
        "prohibited-by-policy",
        "政策禁止调剂",
        "Prohibited by policy",
        r"prohibit|will not approve",
    ),
    _kind(
        "receipt-overdue",
        "前次调拨尚未确认收货",
        "Receipts of earlier transfers are overdue",
        r"receipt",
    ),
    _kind(
        "holds-enough",
        "存量已达标或已到配置上限",
        "Holds enough alike, or the allocation limit is reached",
        r"^allocation|property book|limit",
    ),
    _kind(
        "paperwork-missing",
        "申请资料不全",
        "Paperwork is missing",
        r"^paperwork|state plan",
    ),
    _kind("photo-missing", "未上传照片", "A photo is missing", r"photo"),
    _kind(
        "approver-gave-no-words",
        "审批人退回，未说明原因",
        "Rejected by the approver without a word",
        r"\Arejected by \w+\.\s*\Z",
        "other",
    ),
    _kind(
        "over-allocated",
        "超出可分配数量",
        "More than can be allocated",
        r"over ?-?alloc",
        "other",
    ),
    _kind(
        "requester-not-entitled",
        "申请人或单位无申领资格",
        "The requester or the body is not entitled",
        r"^poc:|^eligib|not eligible|not authorized|not physically|not on site|same person"
        r"|not a state coordinator",
        "other",
    ),
    _kind(
        "withdrawn-by-requester",
        "申请单位撤回或重复申请",
        "Withdrawn by the requester, or asked twice",
        r"customer / manager request|per lea|requisition cancel|withdr[ae]w|dupl|double entry",
        "other",
    ),
    OTHER,
)


def classify(reason: str) -> RefusalKind:
    """Name the kind of a reason; what no pattern recognises is `OTHER`, never a guess."""
    for kind in KINDS:
        if kind.pattern is not None and kind.pattern.search(reason):
            return kind
    return OTHER
