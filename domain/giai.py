"""The register of a GS1 company prefix: which unit holds it, and which asset got which number.

Only a prefix that a unit holds gives numbers (`giai/697123456`); they are counted, mean nothing,
and keep 12 digits, so that every number fits a 96-bit tag whatever the length of the prefix.

Source: GS1 EPC Tag Data Standard 2.3 §14.6.5; 中国物品编码中心 assigns prefixes in China.
"""

from __future__ import annotations

import re
from typing import Annotated, TypeAlias, assert_never

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from domain.decider import Ask, Event, Lang, Lifecycle, Occasion, Rule
from domain.values import AssetId, Code, Reference, UnitId
from domain.words import Role, Words

FIRST, LAST = 10**11, 10**12 - 1
PREFIX = re.compile(r"[0-9]{6,12}")
# What follows the prefix in AI (8004), 30 characters in all (GS1 General Specifications, set 82).
REFERENCE = re.compile(r"""[!"%&'()*+,\-./0-9:;<=>?A-Z_a-z]+""")
CHARS_MAX = 30
UNITS_MAX = 200
Number: TypeAlias = Annotated[int, Meta(ge=0, le=LAST)]


class Giais(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Who holds the prefix, who may use it, and the last number given."""

    units: tuple[str, ...] = ()
    last: int = FIRST - 1

    def describe(self, lang: Lang) -> str:
        """Say who holds the prefix and how many numbers it gave."""
        given = self.last - FIRST + 1
        if not self.units:
            return "厂商识别代码尚未登记" if lang == "zh" else "The company prefix is not recorded"
        if lang == "zh":
            return f"厂商识别代码由{self.units[0]}持有，已分配{given}个标识"
        return f"The company prefix is held by {self.units[0]}; {given} numbers were given"


lifecycle: Lifecycle[Giais] = Lifecycle(
    "giai", Giais, Words("厂商识别代码", "GS1 company prefix"), register=True
)

# What happened ----------------------------------------------------------------


class PrefixRecorded(
    Event,
    name="giai.prefix_recorded",
    zh="登记厂商识别代码，持有单位{unit}，证书{certificate_no}",
    en="Company prefix recorded, held by {unit}, certificate {certificate_no}",
):
    """The unit holds this prefix by a certificate of the GS1 organisation."""

    unit: UnitId
    certificate_no: Code


class PrefixShared(
    Event,
    name="giai.prefix_shared",
    zh="允许{unit}使用本厂商识别代码",
    en="{unit} may use the company prefix",
):
    """The holder lets a unit under it number its assets with the prefix."""

    unit: UnitId


class GiaiGiven(
    Event,
    name="giai.given",
    zh="分配{giai}给资产{asset}",
    en="{giai} given to asset {asset}",
):
    """The asset got this number; no other asset ever does."""

    giai: Code
    asset: AssetId


class GiaiTakenOver(
    Event,
    name="giai.taken_over",
    zh="{giai}原已用于资产{asset}，予以登记",
    en="{giai} was given to asset {asset} before, and is recorded",
):
    """The asset had this identity before it came into this system, as an older register says."""

    giai: Code
    asset: AssetId
    serial: Number = 0  # when it is one that the counter would come to


GiaiEvent: TypeAlias = PrefixRecorded | PrefixShared | GiaiGiven | GiaiTakenOver

# Where that leaves us ---------------------------------------------------------


def evolve(state: Giais, event: GiaiEvent) -> Giais:
    """What an event means. Never refuses: it already happened."""
    match event:
        case PrefixRecorded(unit=unit) | PrefixShared(unit=unit):
            others = (known for known in state.units if known != unit)
            units = (unit, *others) if isinstance(event, PrefixRecorded) else (*others, unit)
            return replace(state, units=units)
        case GiaiGiven(giai=giai):
            last = giai[-12:]
            number = int(last) if last.isascii() and last.isdigit() else state.last
            return replace(state, last=max(state.last, number))
        case GiaiTakenOver(serial=number):
            return replace(state, last=max(state.last, number))
        case _:
            assert_never(event)


lifecycle.part(GiaiEvent, evolve)

# What may be asked ------------------------------------------------------------

A_PREFIX = Rule(
    slug="no-company-prefix",
    zh="“{prefix}”不是厂商识别代码：须为6至12位数字。",
    en="{prefix} is no company prefix: it has 6 to 12 digits.",
)
HELD = Rule(
    slug="prefix-not-held",
    zh="本厂商识别代码没有登记持有单位；没有取得代码的单位不编制单项资产标识，请使用本系统编号。",
    en="No unit holds this company prefix; a unit without one makes no GIAI and uses our own ids.",
    holds=lambda state, _: bool(state.units),
)
UNHELD = Rule(
    slug="prefix-held",
    zh="本厂商识别代码已登记持有单位。",
    en="The holder of this company prefix is recorded already.",
    holds=lambda state, _: not state.units,
)
OF_THE_PREFIX = Rule(
    slug="not-of-the-prefix",
    zh="“{giai}”不是以{prefix}编制的单项资产标识：须以它开头，共至多30个字符。",
    en="{giai} is no GIAI under {prefix}: it begins with that and has at most 30 characters.",
)
UNITS_LEFT = Rule(
    slug="prefix-shared-enough",
    zh="使用本厂商识别代码的单位至多{most}个。",
    en="At most {most} units use one company prefix.",
)
NUMBERS_LEFT = Rule(
    slug="giais-used-up",
    zh="本厂商识别代码的12位号码已用完。",
    en="The 12-digit numbers of this company prefix are used up.",
    holds=lambda state, _: state.last < LAST,
)


@lifecycle.verb(
    UNHELD, zh="登记厂商识别代码", en="Record a company prefix", roles=(Role.ADMIN, Role.OFFICE)
)
def record_prefix(
    _: Giais, occasion: Occasion, *, unit: UnitId, certificate_no: Reference
) -> PrefixRecorded:
    """Record which unit holds the prefix, by the certificate it was given."""
    prefix_of(occasion)
    return PrefixRecorded(unit=unit, certificate_no=certificate_no)


@lifecycle.verb(
    HELD, zh="允许下属单位使用", en="Let a unit use the prefix", roles=(Role.ADMIN, Role.OFFICE)
)
def share_prefix(state: Giais, _: Occasion, *, unit: UnitId) -> PrefixShared:
    """Let a unit of the holder number its assets with the prefix."""
    if len(state.units) >= UNITS_MAX:
        raise UNITS_LEFT.broken(most=UNITS_MAX)
    return PrefixShared(unit=unit)


@lifecycle.verb(
    HELD, NUMBERS_LEFT, zh="分配单项资产标识", en="Give an asset its GIAI",
    roles=(Role.CLERK, Role.KEEPER, Role.ADMIN, Role.OFFICE),
)  # fmt: skip
def give(state: Giais, occasion: Occasion, *, asset: AssetId) -> tuple[GiaiGiven, Ask]:
    """Give the next number to an asset on the books of a unit that may use the prefix."""
    giai = f"{prefix_of(occasion)}{max(state.last + 1, FIRST)}"
    return (
        GiaiGiven(giai=giai, asset=asset),
        Ask(f"asset/{asset}", "assign_giai", {"giai": giai, "units": state.units}),
    )


@lifecycle.verb(
    HELD, zh="登记已有单项资产标识", en="Record a GIAI given before",
    roles=(Role.CLERK, Role.KEEPER, Role.ADMIN, Role.OFFICE),
)  # fmt: skip
def take_over(
    state: Giais, occasion: Occasion, *, asset: AssetId, giai: Code
) -> tuple[GiaiTakenOver, Ask]:
    """Record the identity that an asset was given before, from the register that was kept then."""
    prefix, plain = prefix_of(occasion), giai.strip()
    reference = plain.removeprefix(prefix)
    if not plain.startswith(prefix) or not REFERENCE.fullmatch(reference) or len(plain) > CHARS_MAX:
        raise OF_THE_PREFIX.broken(giai=giai, prefix=prefix)
    counted = len(reference) == len(str(FIRST)) and reference.isascii() and reference.isdigit()
    number = int(reference) if counted and int(reference) >= FIRST else 0
    return (
        GiaiTakenOver(giai=plain, asset=asset, serial=number),
        Ask(f"asset/{asset}", "assign_giai", {"giai": plain, "units": state.units}),
    )


def prefix_of(occasion: Occasion) -> str:
    """Return the company prefix whose register is asked, or refuse."""
    prefix = occasion.stream.partition("/")[2]
    if not PREFIX.fullmatch(prefix) or not prefix.isascii():
        raise A_PREFIX.broken(prefix=prefix)
    return prefix
