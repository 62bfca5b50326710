"""In which way property is not needed where it is, and what the log shows of that (T40).

The lists are asked before somebody decides; nobody types their answer (`Occasion.seen`).
"""

from __future__ import annotations

from datetime import date

import msgspec

from domain.words import Term

RESTS_MAX = 50  # entries a finding names; the latest count where there are more


class IdleGround(Term):
    """Why it should move on (内蒙古令238号 第17条; 内蒙古机关运行保障条例 第16条)."""

    IDLE = "idle", "闲置", "idle"
    UNDER_USED = "under_used", "低效运行", "under-used"
    OVER_STANDARD = "over_standard", "超标准配置", "over the configuration standard"
    RETURNED = "returned", "活动结束退回", "returned after an event"
    DISSOLVED = "dissolved", "单位撤销", "its unit ended"
    SURPLUS = "surplus", "列入处置清单", "on the surplus list"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing the log shows to be idle: since when, and which entries show it.

    `rests_on` are positions in the log, `policy` the version of the rules that were asked. `unit`
    is whose it is to answer, `about` the standard or the body that a ground names, `count` how
    many of the card's things are too many: less than `quantity` where the card must be split first.
    `days` are those unused or used, `days_of` those that were looked at, both where they matter.
    """

    asset: str
    ground: IdleGround
    since: date
    rests_on: tuple[int, ...]
    policy: str
    unit: str
    asset_no: str = ""
    name: str = ""
    kind: str = ""
    class_code: str = ""
    custody: str = ""
    value: int | None = None
    currency: str = "CNY"
    quantity: str = "1"
    count: str = "1"
    about: str = ""
    days: int | None = None
    days_of: int | None = None
    hours: str | None = None
    limit: str | None = None  # days or hours below which, or things above which, it is found
    held: str | None = None

    @property
    def part(self) -> bool:
        """Return whether only some of the card's things are too many."""
        return self.count != self.quantity


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """What the lists answered when somebody was about to decide on a thing and a ground."""

    stream: str
    ground: IdleGround
    found: Finding | None = None


def looked(seen: tuple[object, ...], stream: str, ground: IdleGround) -> Looked | None:
    """Return what the lists answered of a thing; None where nobody asked them."""
    return next(
        (
            one
            for one in seen
            if isinstance(one, Looked) and (one.stream, one.ground) == (stream, ground)
        ),
        None,
    )
