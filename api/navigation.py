"""Where everything is: the few places each role goes to first, and all others in groups."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import msgspec

from domain.words import Role, Words


class Place(msgspec.Struct, frozen=True):
    """One place; `roles` may open it, everybody where there are none."""

    href: str
    words: Words
    roles: tuple[Role, ...] = ()


class Group(msgspec.Struct, frozen=True):
    """Places that belong together, under a heading."""

    words: Words
    places: tuple[Place, ...]

    def of(self, role: str) -> Group:
        """Return the group with what a role may open."""
        return Group(self.words, tuple(p for p in self.places if not p.roles or role in p.roles))


class Menu(msgspec.Struct, frozen=True):
    """What the header shows: places in a row, and behind a button all places in groups."""

    first: tuple[Place, ...]
    groups: tuple[Group, ...]


AUDITING: Final = (Role.AUDITOR, Role.ADMIN)
WATCHING: Final = (Role.ADMIN, Role.SECURITY, Role.AUDIT_ADMIN, Role.AUDITOR)
HOME: Final = Place("/", Words("首页", "Home"))
GROUPS: Final = (
    Group(
        Words("办理", "Work"),
        (
            Place("/inbox", Words("待审批", "Inbox")),
            Place("/my", Words("我的资产", "My things")),
            Place("/cases", Words("事项", "Cases")),
            Place("/open-steps", Words("待办步骤", "Open steps")),
            Place("/scan", Words("查一查", "Look up")),
            Place("/scan/count", Words("扫码", "Scan")),
            Place("/stocktakes", Words("盘点", "Counts")),
            Place("/labels", Words("标签打印", "Labels")),
            Place("/tags", Words("射频标签", "Radio tags")),
        ),
    ),
    Group(
        Words("资产", "Property"),
        (
            Place("/overview", Words("资产概览", "Overview")),
            Place("/assets", Words("台账", "Inventory")),
            Place("/offers", Words("公物仓", "Shop")),
            Place("/wants", Words("需求", "Wants")),
            Place("/idle", Words("闲置线索", "Idle")),
            Place("/reuse", Words("盘活成效", "Reuse")),
            Place("/packages", Words("整体打包", "Packages")),
            Place("/quotas", Words("车辆编制", "Vehicle quotas")),
            Place("/confiscated", Words("罚没物品", "Confiscated goods")),
            Place("/registers/compare", Words("登记核对", "Compare with a register")),
        ),
    ),
    Group(
        Words("资金", "Money"),
        (
            Place("/income", Words("收入", "Income")),
            Place("/income/ageing", Words("应缴账龄", "What is owed")),
            Place("/income/register", Words("处置台账", "Disposals")),
            Place("/bank", Words("银行对账", "Bank")),
            Place("/books/movement", Words("增减变动", "Movement")),
            Place("/books/journal", Words("记账凭证", "Vouchers")),
        ),
    ),
    Group(
        Words("监督", "Oversight"),
        (
            Place("/audit", Words("审计", "Audit")),
            Place("/audit/changes", Words("两日对比", "Compare")),
            Place("/audit/findings", Words("疑点", "Findings"), AUDITING),
            Place("/audit/reads", Words("查阅记录", "Reads"), AUDITING),
        ),
    ),
    Group(
        Words("单位与系统", "Units and system"),
        (
            Place("/units", Words("单位", "Units")),
            Place("/places", Words("地点", "Places")),
            Place("/people", Words("岗位", "People")),
            Place("/rules", Words("规则", "Rules")),
            Place("/numbers", Words("文号", "Document numbers")),
            Place(
                "/imports", Words("导入", "Imports"), (Role.CLERK, Role.ACCOUNTANT, Role.FINANCE)
            ),
            Place("/accounts", Words("登录账号", "Log-ins"), WATCHING),
            Place("/administration", Words("账号管理日志", "Acts on log-ins"), WATCHING),
            Place("/screen", Words("大屏", "Big screen")),
            Place("/webhooks", Words("事件推送", "Webhooks"), (Role.ADMIN,)),
            Place("/settings", Words("系统设置", "Settings"), (Role.ADMIN,)),
        ),
    ),
)
PLACES: Final[Mapping[str, Place]] = {
    place.href: place for place in (HOME, *(p for group in GROUPS for p in group.places))
}
APPROVER: Final = ("/inbox", "/assets", "/cases")
FIRST: Final[Mapping[str, tuple[str, ...]]] = {
    Role.KEEPER: ("/scan/count", "/assets", "/stocktakes"),
    Role.CLERK: ("/my", "/assets", "/offers"),
    Role.HEAD: APPROVER,
    Role.DEPARTMENT: APPROVER,
    Role.OFFICE: APPROVER,
    Role.FINANCE: ("/inbox", "/income", "/assets"),
    Role.GOVERNMENT: APPROVER,
    Role.ACCOUNTANT: ("/income", "/bank", "/books/journal"),
    Role.CASHIER: ("/income", "/bank"),
    Role.AUDITOR: ("/audit", "/assets", "/audit/changes"),
    Role.ADMIN: ("/people", "/accounts", "/rules"),
    Role.SECURITY: ("/accounts", "/administration", "/people"),
    Role.AUDIT_ADMIN: ("/administration", "/accounts"),
    Role.IMPORTER: ("/assets",),
}


@lru_cache(maxsize=32)
def menu(role: str) -> Menu:
    """Return what a role sees in the header."""
    first = (HOME, *(PLACES[href] for href in FIRST.get(role, ())))
    return Menu(first, tuple(group for g in GROUPS if (group := g.of(role)).places))


def current(path: str) -> str:
    """Return the place a page belongs to: the longest address it lies under."""
    under = (h for h in PLACES if path == h or (h != "/" and path.startswith(f"{h}/")))
    return max(under, key=len, default="")


def trail(path: str) -> tuple[Words, Place] | None:
    """Return the group and the place of a page that is a place itself; None for all others."""
    for group in GROUPS:
        for place in group.places:
            if place.href == path:
                return group.words, place
    return None
