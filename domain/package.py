"""Packages: boxes, crates and pallets in which things are packed, moved and received together.

What is in a package moves with it, and a thing is in one package at most. Packages are loaded onto
others, one level deep: what is loaded carries no packages, what carries packages is not loaded, so
that no package is inside itself by whatever way. A package is named by the SSCC or GRAI on it, or
by our own id; it is no property, and packing changes nothing about whose the things are.

Source: GS1 EPCIS 2.0 §7.4.3 (aggregation), GS1 General Specifications (AI 00, AI 8003).
"""

from __future__ import annotations

import re
from typing import TypeAlias, assert_never

import msgspec
from msgspec.structs import replace

from domain.decider import Ask, Event, Lang, Lifecycle, Occasion, Rule
from domain.values import AssetId, CaseId, Code, Given, PlaceId, Text, UnitId
from domain.words import Role, Term, Words

CONTENTS_MAX = 500  # things in one package, or packages on one
SSCC = re.compile(r"[0-9]{18}", re.ASCII)
# A zero, 12 digits and their check digit, then the serial (GS1 General Specifications, set 82).
GRAI = re.compile(r"""0[0-9]{13}[!"%&'()*+,\-./0-9:;<=>?A-Z_a-z]{1,16}""", re.ASCII)


class PackageKind(Term):
    """What it is."""

    BOX = "box", "箱", "box"
    CRATE = "crate", "周转箱", "crate"
    PALLET = "pallet", "托盘", "pallet"
    CONTAINER = "container", "集装箱", "container"


class PackageStatus(Term):
    """Whether it is used."""

    NONE = "none", "未启用", "not in use yet"
    IN_USE = "in_use", "使用中", "in use"
    BROKEN_UP = "broken_up", "已拆散", "broken up"


class Package(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What it is, who has it, where it stands, what is in it and what it is on."""

    status: PackageStatus = PackageStatus.NONE
    packaging: PackageKind = PackageKind.BOX
    unit: str = ""
    sscc: str = ""
    grai: str = ""
    place: str = ""
    outer: str = ""  # the package it is loaded onto
    contents: frozenset[str] = frozenset()
    loaded: frozenset[str] = frozenset()  # packages on it

    def describe(self, lang: Lang) -> str:
        """Say what is in it."""
        words, things, packages = self.packaging.words, len(self.contents), len(self.loaded)
        if lang == "zh":
            more = f"，装有{packages}个包装" if packages else ""
            return f"{words.zh}{self.status.words.zh}，内有资产{things}项{more}"
        more = f", {packages} packages on it" if packages else ""
        return f"{words.en.capitalize()} {self.status.words.en}, {things} assets in it{more}"


lifecycle: Lifecycle[Package] = Lifecycle("package", Package, Words("包装", "Package"))

# What happened ----------------------------------------------------------------


class PackageSetUp(
    Event,
    name="package.set_up",
    zh="启用{packaging}，{unit}使用",
    en="{packaging} set up for {unit}",
    claims=("sscc", "grai"),
):
    """A box, crate or pallet is used from now on; `sscc` or `grai` is the code on it."""

    packaging: PackageKind
    unit: UnitId
    sscc: Code = ""
    grai: Code = ""
    place: PlaceId | None = None
    note: Text = ""


class ThingsPacked(Event, name="package.things_packed", zh="装入{assets}", en="{assets} packed"):
    """These are in it and move with it from now on."""

    assets: tuple[AssetId, ...]


class ThingsUnpacked(
    Event,
    name="package.things_unpacked",
    zh="取出{assets}：{reason}",
    en="{assets} taken out: {reason}",
):
    """These move by themselves again."""

    assets: tuple[AssetId, ...]
    reason: Text = ""


class LoadedOnto(
    Event, name="package.loaded_onto", zh="装上包装{outer}", en="Loaded onto package {outer}"
):
    """It is on another package and moves with that."""

    outer: CaseId


class PackageLoaded(
    Event, name="package.package_loaded", zh="装上包装{inner}", en="Package {inner} loaded onto it"
):
    """Another package is on it and moves with it."""

    inner: CaseId


class UnloadedFrom(
    Event,
    name="package.unloaded_from",
    zh="自包装{outer}卸下：{reason}",
    en="Unloaded from package {outer}: {reason}",
):
    """It moves by itself again."""

    outer: CaseId
    reason: Text = ""


class PackageUnloaded(
    Event, name="package.package_unloaded", zh="卸下包装{inner}", en="Package {inner} unloaded"
):
    """The other package is not on it any more."""

    inner: CaseId


class PackageMoved(Event, name="package.moved", zh="移至{place}", en="Moved to {place}"):
    """It stands somewhere else, and so does everything in it."""

    place: PlaceId
    reason: Text = ""


class PackageReceived(
    Event,
    name="package.received",
    zh="由{unit}收到，存放于{place}",
    en="Received by {unit}, stands at {place}",
):
    """Another unit has it now, with what is in it; whose the things are, their cases say."""

    unit: UnitId
    place: PlaceId
    note: Text = ""


class PackageBrokenUp(
    Event, name="package.broken_up", zh="拆散：{reason}", en="Broken up: {reason}"
):
    """It is used no more; its code is not used again."""

    reason: Text


PackageEvent: TypeAlias = (
    PackageSetUp
    | ThingsPacked
    | ThingsUnpacked
    | LoadedOnto
    | PackageLoaded
    | UnloadedFrom
    | PackageUnloaded
    | PackageMoved
    | PackageReceived
    | PackageBrokenUp
)

# Where that leaves us ---------------------------------------------------------


def evolve(package: Package, event: PackageEvent) -> Package:
    """What an event means. Never refuses: it already happened."""
    match event:
        case PackageSetUp():
            return replace(
                package,
                status=PackageStatus.IN_USE,
                packaging=event.packaging,
                unit=event.unit,
                sscc=event.sscc,
                grai=event.grai,
                place=event.place or "",
            )
        case ThingsPacked(assets=assets):
            return replace(package, contents=package.contents.union(assets))
        case ThingsUnpacked(assets=assets):
            return replace(package, contents=package.contents.difference(assets))
        case PackageLoaded(inner=inner):
            return replace(package, loaded=package.loaded | {inner})
        case PackageUnloaded(inner=inner):
            return replace(package, loaded=package.loaded - {inner})
        case LoadedOnto(outer=outer):
            return replace(package, outer=outer)
        case UnloadedFrom():
            return replace(package, outer="")
        case PackageMoved(place=place):
            return replace(package, place=place)
        case PackageReceived(unit=unit, place=place):
            return replace(package, unit=unit, place=place)
        case PackageBrokenUp():
            return replace(package, status=PackageStatus.BROKEN_UP)
        case _:
            assert_never(event)


lifecycle.part(PackageEvent, evolve)

# What may be asked ------------------------------------------------------------

HANDS = (Role.CLERK, Role.KEEPER)
NEW = Rule(
    slug="package-exists",
    zh="该包装已经启用。",
    en="The package is set up already.",
    holds=lambda package, _: package.status is PackageStatus.NONE,
)
IN_USE = Rule(
    slug="package-not-in-use",
    zh="包装尚未启用或者已经拆散。",
    en="The package is not set up, or it was broken up.",
    holds=lambda package, _: package.status is PackageStatus.IN_USE,
)
THEIRS = Rule(
    slug="package-of-another-unit",
    zh="包装由另一单位使用；由该单位办理，或者先办理收到。",
    en="Another unit has the package; it acts, or yours receives the package first.",
    holds=lambda package, occasion: occasion.acts_for(package.unit),
)
OWN_UNIT = Rule(
    slug="package-for-another-unit",
    zh="只能为本单位办理。",
    en="This is done for one's own unit.",
)
BY_ITSELF = Rule(
    slug="package-loaded",
    zh="该包装装在另一包装上，随其移动；请先卸下。",
    en="The package is loaded onto another one and moves with it; unload it first.",
    holds=lambda package, _: not package.outer,
)
CARRIES_NONE = Rule(
    slug="package-carries-packages",
    zh="该包装上装有别的包装，不能再装到另一包装上。",
    en="The package carries other packages and is not loaded onto another one.",
    holds=lambda package, _: not package.loaded,
)
WITH_THINGS = Rule(
    slug="package-without-things",
    zh="包装内没有资产。",
    en="There is no asset in the package.",
    holds=lambda package, _: bool(package.contents),
)
LOADED = Rule(
    slug="package-not-loaded",
    zh="该包装没有装在另一包装上。",
    en="The package is not on another one.",
    holds=lambda package, _: bool(package.outer),
)
LOADABLE = Rule(
    slug="package-full",
    zh="一个包装上至多装500个包装。",
    en="At most 500 packages are loaded onto one.",
    holds=lambda package, _: len(package.loaded) < CONTENTS_MAX,
)
EMPTY = Rule(
    slug="package-not-empty",
    zh="包装内还有资产或者别的包装，请先取出。",
    en="There are still assets or packages in it; take them out first.",
    holds=lambda package, _: not package.contents and not package.loaded,
)
ONE_CODE = Rule(
    slug="package-with-two-codes",
    zh="系列货运包装箱代码与可回收资产标识只填一个：一个包装只有一个标识。",
    en="Give the SSCC or the GRAI, not both: a package has one identity.",
)
GOOD_SSCC = Rule(
    slug="bad-sscc",
    zh="“{sscc}”不是系列货运包装箱代码：须为18位数字，且末位校验码正确。",
    en="{sscc} is no SSCC: it has 18 digits, the last of them the check digit.",
)
GOOD_GRAI = Rule(
    slug="bad-grai",
    zh="“{grai}”不是可回收资产标识：须为0、12位数字、校验码，再加1至16位序列号。",
    en="{grai} is no GRAI: a zero, 12 digits, their check digit, then a serial of 1 to 16"
    " characters.",
)
SOME = Rule(
    slug="package-list-empty-or-too-long",
    zh="一次1至{most}项，且不得重复；一个包装内至多{most}项。",
    en="Name 1 to {most} different ones; a package holds at most {most}.",
)
THERE = Rule(
    slug="not-in-the-package",
    zh="{missing} 不在该包装内。",
    en="{missing} is not in this package.",
)
NOT_ITSELF = Rule(
    slug="package-onto-itself",
    zh="包装不能装到它自己上面。",
    en="A package is not loaded onto itself.",
)
SAME_UNIT = Rule(
    slug="package-in-other-hands",
    zh="包装 {package} 由另一单位使用。",
    en="Package {package} is with another unit.",
)


def checked(code: str) -> bool:
    """Answer whether the last digit is the check digit of those before (GS1 §7.9)."""
    weighed = sum(int(d) * (3 if n % 2 == 0 else 1) for n, d in enumerate(reversed(code[:-1])))
    return int(code[-1]) == -weighed % 10


def some(asked: tuple[str, ...], there: frozenset[str]) -> tuple[str, ...]:
    """Refuse a list that is empty, too long for what is there, or names something twice."""
    if not asked or len(set(asked)) != len(asked) or len(asked) + len(there) > CONTENTS_MAX:
        raise SOME.broken(most=CONTENTS_MAX)
    return asked


def those(asked: tuple[str, ...], there: frozenset[str]) -> tuple[str, ...]:
    """Return what is taken out: what is named, or everything when nothing is."""
    for one in asked:
        if one not in there:
            raise THERE.broken(missing=one)
    return tuple(dict.fromkeys(asked)) or tuple(sorted(there))


@lifecycle.verb(NEW, zh="启用包装", en="Set up a package", roles=HANDS)
def set_up(
    _: Package,
    occasion: Occasion,
    *,
    packaging: PackageKind,
    unit: UnitId,
    sscc: Code = "",
    grai: Code = "",
    place: PlaceId | None = None,
    note: Text = "",
) -> PackageSetUp:
    """Begin to use a box, crate or pallet, with the SSCC or GRAI on it if there is one."""
    if not occasion.acts_for(unit):
        raise OWN_UNIT.broken()
    sscc, grai = "".join(sscc.split()), grai.strip()
    if sscc and grai:
        raise ONE_CODE.broken()
    if sscc and not (SSCC.fullmatch(sscc) and checked(sscc)):
        raise GOOD_SSCC.broken(sscc=sscc)
    if grai and not (GRAI.fullmatch(grai) and checked(grai[:14])):
        raise GOOD_GRAI.broken(grai=grai)
    return PackageSetUp(
        packaging=packaging, unit=unit, sscc=sscc, grai=grai, place=place, note=note
    )


@lifecycle.verb(IN_USE, THEIRS, zh="装箱", en="Pack", roles=HANDS)
def pack(
    package: Package, occasion: Occasion, *, assets: tuple[AssetId, ...]
) -> tuple[Event | Ask, ...]:
    """Put things that the unit keeps or has borrowed into the package."""
    me = occasion.stream.partition("/")[2]
    form = {"package": me, "unit": package.unit, "place": package.place or None}
    return (
        ThingsPacked(assets=some(assets, package.contents)),
        *(Ask(f"asset/{asset}", "pack_into", form) for asset in assets),
    )


@lifecycle.verb(IN_USE, THEIRS, WITH_THINGS, zh="开箱取出", en="Unpack", roles=HANDS)
def unpack(
    package: Package, occasion: Occasion, *, assets: tuple[AssetId, ...] = (), reason: Text = ""
) -> tuple[Event | Ask, ...]:
    """Take things out of the package: those that are named, or all of them."""
    out = those(assets, package.contents)
    form = {"package": occasion.stream.partition("/")[2]}
    return (
        ThingsUnpacked(assets=out, reason=reason),
        *(Ask(f"asset/{asset}", "unpack_from", form) for asset in out),
    )


@lifecycle.verb(
    IN_USE,
    THEIRS,
    BY_ITSELF,
    CARRIES_NONE,
    zh="装到另一包装上",
    en="Load onto another",
    roles=HANDS,
)
def load_onto(package: Package, occasion: Occasion, *, outer: CaseId) -> tuple[LoadedOnto, Ask]:
    """Put the package onto another one of the unit, as a crate onto a pallet."""
    me = occasion.stream.partition("/")[2]
    if outer == me:
        raise NOT_ITSELF.broken()
    form = {"inner": me, "unit": package.unit, "place": package.place or None}
    return LoadedOnto(outer=outer), Ask(f"package/{outer}", "carry", form)


@lifecycle.verb(IN_USE, BY_ITSELF, LOADABLE, zh="承载包装", en="Carry a package", inner=True)
def carry(
    package: Package, occasion: Occasion, *, inner: CaseId, unit: UnitId, place: PlaceId | None
) -> tuple[Event | Ask, ...]:
    """Carry another package of the same unit, which now stands where this one stands."""
    if package.unit != unit:
        raise SAME_UNIT.broken(package=occasion.stream.partition("/")[2])
    if package.place and package.place != place:
        along = Ask(f"package/{inner}", "move_along", {"place": package.place, "reason": ""})
        return PackageLoaded(inner=inner), along
    return (PackageLoaded(inner=inner),)


@lifecycle.verb(IN_USE, THEIRS, LOADED, zh="卸下", en="Unload", roles=HANDS)
def unload(package: Package, occasion: Occasion, *, reason: Text = "") -> tuple[UnloadedFrom, Ask]:
    """Take the package off the one it is on; it stays where that stands."""
    form = {"inner": occasion.stream.partition("/")[2]}
    return (
        UnloadedFrom(outer=package.outer, reason=reason),
        Ask(f"package/{package.outer}", "set_down", form),
    )


@lifecycle.verb(IN_USE, zh="放下包装", en="Set a package down", inner=True)
def set_down(package: Package, _: Occasion, *, inner: CaseId) -> PackageUnloaded:
    """Carry the other package no more."""
    if inner not in package.loaded:
        raise THERE.broken(missing=inner)
    return PackageUnloaded(inner=inner)


@lifecycle.verb(IN_USE, THEIRS, BY_ITSELF, zh="移动包装", en="Move the package", roles=HANDS)
def move(
    package: Package, _: Occasion, *, place: PlaceId, reason: Text = ""
) -> tuple[Event | Ask, ...]:
    """Record that the package stands somewhere else, and everything in it."""
    return moved(package, place, reason)


@lifecycle.verb(IN_USE, zh="随同移动", en="Move along", inner=True)
def move_along(
    package: Package, _: Occasion, *, place: PlaceId, reason: Text = ""
) -> tuple[Event | Ask, ...]:
    """Go where the package went that this one is loaded onto."""
    return moved(package, place, reason)


@lifecycle.verb(IN_USE, BY_ITSELF, zh="收到包装", en="Receive the package", roles=HANDS)
def receive(
    package: Package, occasion: Occasion, *, unit: UnitId, place: PlaceId, note: Text = ""
) -> tuple[Event | Ask, ...]:
    """Record that one's own unit has the package now, with everything in it."""
    if not occasion.acts_for(unit):
        raise OWN_UNIT.broken()
    form = {"unit": unit, "place": place, "note": note}
    return (
        PackageReceived(unit=unit, place=place, note=note),
        *followed(package, place, note),
        *(Ask(f"package/{one}", "receive_along", form) for one in sorted(package.loaded)),
    )


@lifecycle.verb(IN_USE, zh="随同收到", en="Be received along", inner=True)
def receive_along(
    package: Package, _: Occasion, *, unit: UnitId, place: PlaceId, note: Text = ""
) -> tuple[Event | Ask, ...]:
    """Be with the unit that received the package this one is loaded onto."""
    return PackageReceived(unit=unit, place=place, note=note), *followed(package, place, note)


@lifecycle.verb(IN_USE, THEIRS, BY_ITSELF, EMPTY, zh="拆散包装", en="Break up", roles=HANDS)
def break_up(_: Package, __: Occasion, *, reason: Given) -> PackageBrokenUp:
    """End the use of an empty package; its code is not used again."""
    return PackageBrokenUp(reason=reason)


def moved(package: Package, place: str, reason: str) -> tuple[Event | Ask, ...]:
    """Return the move of a package with everything in it and on it."""
    form = {"place": place, "reason": reason}
    return (
        PackageMoved(place=place, reason=reason),
        *followed(package, place, reason),
        *(Ask(f"package/{one}", "move_along", form) for one in sorted(package.loaded)),
    )


def followed(package: Package, place: str, reason: str) -> tuple[Ask, ...]:
    """Return what makes the things in a package stand where it stands."""
    form = {"place": place, "reason": reason}
    return tuple(Ask(f"asset/{one}", "move_along", form) for one in sorted(package.contents))
