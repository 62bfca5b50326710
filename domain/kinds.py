"""What property of a kind may and must: where the rules for all stop being the same (DOMAIN.md e).

Kinds are named by their values, so that `asset` itself can ask here when a card is opened.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from domain.decider import Ask, Occasion, Rule
from domain.policy import Policy
from domain.words import Role, Term

VEHICLE, PREMISES, LAND = "vehicle", "premises", "land"
INSTRUMENT, SOFTWARE = "instrument", "software"
NOMINAL = "nominal"  # the type of a value that only says: it is there
# Separately valued land, heritage, books and archives are not depreciated (财会〔2017〕4号).
NOT_DEPRECIATED = frozenset({LAND, "relic", "archive"})
TITLED = frozenset({PREMISES, LAND, VEHICLE})  # a public register says whose they are
ASSESSED = frozenset({"computer", "office", INSTRUMENT, SOFTWARE})  # before they are scrapped


class Trait(Term):
    """What property of a kind may, must or may not."""

    DEPRECIATED = "depreciated", "计提折旧", "is depreciated"
    NOT_DEPRECIATED = "not_depreciated", "不计提折旧", "is not depreciated"
    NEVER_LENT = "never_lent", "不得出借", "is never lent"
    NEVER_LEASED = "never_leased", "不得出租", "is never leased out"
    NEVER_ACCEPTED = "never_accepted", "不得接受捐赠", "is never accepted as a donation"
    NEVER_CONVERTED = "never_converted", "不得改变使用功能", "keeps its use"
    QUOTA = "quota", "实行编制管理，逐车核算", "counts against a quota; costs are kept for each"
    TITLE = (
        "title",
        "权属须登记，处置时须办理权属变更",
        "has a registered title, which is passed on",
    )
    TITLE_CENTRAL = (
        "title_central",
        "权属统一登记；使用单位记账，凭使用协议和使用凭证使用",
        "has its title registered centrally; its user keeps the books and uses it by certificate",
    )
    SHARED = "shared", "应当开放共享，可以收取补偿", "is to be shared; compensation may be asked"
    LICENCES = (
        "licences",
        "数量为许可数，可以拆分调剂",
        "is counted in licences, which can be split",
    )
    ASSESSED = "assessed", "报废前须技术鉴定", "is assessed technically before it is scrapped"


class Told(msgspec.Struct, frozen=True):
    """A trait with the law it rests on: an article, or ids of articles of the policy."""

    trait: Trait
    law: str = ""
    cites: tuple[str, ...] = ()


def traits(kind: str, policy: Policy) -> Iterator[Told]:
    """Yield what holds for property of a kind under the rules of a place and day."""
    yield Told(Trait.NOT_DEPRECIATED if kind in NOT_DEPRECIATED else Trait.DEPRECIATED)
    if kind in policy.never_lent:
        yield Told(Trait.NEVER_LENT, cites=policy.never_lent_cites)
    if kind in policy.never_leased:
        yield Told(Trait.NEVER_LEASED, cites=policy.never_leased_cites)
    if kind in policy.never_accepted:
        yield Told(Trait.NEVER_ACCEPTED, cites=policy.never_accepted_cites)
    if kind in policy.never_converted:
        yield Told(Trait.NEVER_CONVERTED, cites=policy.never_converted_cites)
    if kind == VEHICLE:
        yield Told(Trait.QUOTA, "《新疆维吾尔自治区机关事务管理办法》第27、29条")
    if kind in (PREMISES, LAND):
        yield Told(Trait.TITLE_CENTRAL, "《山西省机关事务管理办法》第16、17条")
    elif kind in TITLED:
        yield Told(Trait.TITLE, "《行政事业性国有资产管理条例》第40条")
    if kind == INSTRUMENT:
        yield Told(Trait.SHARED, "《行政事业性国有资产管理条例》第18条")
    if kind == SOFTWARE:
        yield Told(Trait.LICENCES)
    if kind in ASSESSED:
        yield Told(Trait.ASSESSED)


def depreciates(kind: str, value_type: str) -> bool:
    """Answer whether the books depreciate property of a kind; a nominal amount never is."""
    return kind not in NOT_DEPRECIATED and value_type != NOMINAL


# What may be asked ------------------------------------------------------------

A_VEHICLE = Rule(
    slug="not-an-official-vehicle",
    zh="只有车辆才能办理。",
    en="This is for vehicles only.",
    holds=lambda asset, _: asset.kind == VEHICLE,
)
ON_PREMISES = Rule(
    slug="not-premises",
    zh="只有房屋才能办理。",
    en="This is for premises only.",
    holds=lambda asset, _: asset.kind == PREMISES,
)
REAL_ESTATE = Rule(
    slug="not-premises-or-land",
    zh="只有房屋、土地才能办理权属登记或备案。",
    en="Only the title of premises and land is registered or filed here.",
    holds=lambda asset, _: asset.kind in (PREMISES, LAND),
)
AN_INSTRUMENT = Rule(
    slug="not-an-instrument",
    zh="只有仪器设备才能开放共享。",
    en="Only instruments are shared in this way.",
    holds=lambda asset, _: asset.kind == INSTRUMENT,
)
# What a thing of another kind is never asked; pages need not say so on every desk.
OF_A_KIND = frozenset({rule.slug for rule in (A_VEHICLE, ON_PREMISES, REAL_ESTATE, AN_INSTRUMENT)})
ACCEPTED_AS_GIFT = Rule(
    slug="never-accepted-as-donation",
    zh="按{policy}，不得接受单位或者个人捐赠此类资产（{kind}）。",
    en="By {policy}, property of this kind ({kind}) is not accepted as a donation.",
    law="《山西省机关事务管理办法》第24条",
)
WHOLE_LICENCES = Rule(
    slug="licences-not-whole",
    zh="软件按许可数登记，数量须为大于零的整数，现为 {quantity}。",
    en="Software is counted in licences, a whole number above zero; this is {quantity}.",
)
DEPRECIABLE = Rule(
    slug="kind-not-depreciated",
    zh="此类资产（土地、文物陈列品、图书档案）及按名义金额计量的资产不计提折旧。",
    en="Land, relics, books and archives, and what is carried at a nominal amount, are not"
    " depreciated.",
    holds=lambda asset, _: depreciates(asset.kind, asset.value_type),
)
NOT_ALONE = Rule(
    slug="filed-title-not-disposed-of-alone",
    zh="资产{asset_no}权属无法登记，已作权属备案（{filing_no}），使用单位不得自行处置；"
    "请由机关事务管理部门提出。",
    en="The title of {asset_no} could not be registered and is filed ({filing_no}); its user may"
    " not dispose of it alone. The offices administration proposes it.",
    law="《内蒙古自治区机关运行保障条例》第10条",
)


def acceptable(occasion: Occasion, kind: str, mode: str, quantity: str) -> None:
    """Refuse to take up what property of a kind may not be, or in a way it may not come."""
    policy = occasion.policy
    if mode == "donation" and kind in policy.never_accepted:
        raise ACCEPTED_AS_GIFT.broken(policy=policy.reference, kind=kind)
    if kind == SOFTWARE and not (quantity.isdecimal() and int(quantity) > 0):
        raise WHOLE_LICENCES.broken(quantity=quantity)


def refuse_alone(asset: Any, occasion: Occasion) -> None:
    """Refuse the user of premises whose title is only filed to propose their disposal."""
    if asset.filing_no and occasion.role != Role.OFFICE:
        raise NOT_ALONE.broken(asset_no=asset.asset_no, filing_no=asset.filing_no)


def counted(kind: str, unit: str, occasion: Occasion) -> tuple[Ask, ...]:
    """Ask a place on the quota of a unit for a vehicle that enters its books."""
    if kind != VEHICLE:
        return ()
    return (Ask(f"quota/{unit}", "take_place", {"asset": occasion.stream.partition("/")[2]}),)


def uncounted(kind: str, units: tuple[str, ...], asset: str, reason: str) -> tuple[Ask, ...]:
    """Give back the place of a vehicle that leaves; units that count it not answer nothing."""
    if kind != VEHICLE:
        return ()
    form = {"asset": asset, "reason": reason}
    return tuple(Ask(f"quota/{unit}", "give_place", form) for unit in dict.fromkeys(units) if unit)


def passed_on(from_unit: str, to_unit: str, assets: tuple[str, ...]) -> Ask:
    """Ask the quota of a reorganised unit to pass on what of these it counts."""
    return Ask(f"quota/{from_unit}", "pass_on", {"to_unit": to_unit, "assets": assets})


def room_for(
    occasion: Occasion, unit: str, coming: Iterable[str], going: Iterable[str]
) -> tuple[Ask, ...]:
    """Ask whether a unit may take the vehicles among these kinds, for those that it gives."""
    cars = sum(kind == VEHICLE for kind in coming) - sum(kind == VEHICLE for kind in going)
    kind, _, case = occasion.stream.partition("/")
    form = {"count": cars, "kind": kind, "case": case}
    return (Ask(f"quota/{unit}", "find_room", form),) if cars > 0 else ()
