"""Radio tags and the GS1 identity of an asset: bindings beside its label, each with its history.

The asset's own id is the key; a GIAI, the content of a tag (EPC) and the serial of its chip (TID)
are bound to it. A content stands for one asset for ever, so that no old read changes its meaning:
the database refuses it on a second asset. Factory contents (`E280…`) are bound as they are.

Sources: GS1 EPC Tag Data Standard 2.3 §15 (a tag's content in 16-bit words), §16 (TID).
"""

from __future__ import annotations

import re
from typing import Annotated, TypeAlias, assert_never

from msgspec.structs import replace

from domain.asset import STILL_OURS, Asset, lifecycle
from domain.decider import Event, Occasion, Rule
from domain.values import Code, Given, Text, UnitId, Written
from domain.words import Role

CONTENT_CHARS_MAX = 496 // 4  # a tag says of itself how many words it has, 31 at most
CONTENT = re.compile(r"(?:[0-9A-F]{4})+")
Content: TypeAlias = Annotated[str, Written(min_length=1, max_length=200)]
OptionalContent: TypeAlias = Annotated[str, Written(max_length=200)]

# What happened ----------------------------------------------------------------


class GiaiAssigned(
    Event,
    name="asset.giai_assigned",
    zh="取得单项资产标识（GIAI）{giai}",
    en="Given the GIAI {giai}",
    claims=("giai",),
):
    """The asset has this GS1 identity for the rest of its life; it is never given again."""

    giai: Code


class TagBound(
    Event,
    name="asset.tag_bound",
    zh="绑定射频标签，内容{epc}",
    en="Radio tag bound, content {epc}",
    claims=("epc", "tid"),
):
    """A radio tag was put on: hexadecimal content, and the chip's serial where it was read."""

    epc: Code
    tid: Code = ""
    note: Text = ""


class TagVoided(
    Event,
    name="asset.tag_voided",
    zh="射频标签{epc}作废：{reason}",
    en="Radio tag {epc} voided: {reason}",
):
    """The tag no longer stands for the asset; a read of it says so."""

    epc: Code
    reason: Text


TaggingEvent: TypeAlias = GiaiAssigned | TagBound | TagVoided

# Where that leaves us ---------------------------------------------------------


def evolve(asset: Asset, event: TaggingEvent) -> Asset:
    """What an event means. Never refuses: it already happened."""
    match event:
        case GiaiAssigned(giai=giai):
            return replace(asset, giai=giai)
        case TagBound(epc=epc, tid=tid):
            return replace(asset, tag=epc, tag_tid=tid)
        case TagVoided(epc=epc):
            gone = asset.tag == epc
            return replace(
                asset,
                tag="" if gone else asset.tag,
                tag_tid="" if gone else asset.tag_tid,
                tags_voided=(*asset.tags_voided, epc),
            )
        case _:
            assert_never(event)


lifecycle.part(TaggingEvent, evolve)

# What may be asked ------------------------------------------------------------

WITHOUT_TAG = Rule(
    slug="already-tagged",
    zh="该资产已有有效射频标签；需要新标签时请办理更换。",
    en="The asset has an active radio tag; replace it when it needs a new one.",
    holds=lambda asset, _: not asset.tag,
)
WITH_TAG = Rule(
    slug="no-tag",
    zh="该资产没有有效射频标签。",
    en="The asset has no active radio tag.",
    holds=lambda asset, _: bool(asset.tag),
)
WITHOUT_GIAI = Rule(
    slug="already-giai",
    zh="该资产已有单项资产标识，终身不变。",
    en="The asset has its GIAI already, and keeps it for life.",
    holds=lambda asset, _: not asset.giai,
)
OF_THE_OWNER = Rule(
    slug="not-their-asset",
    zh="资产不在“{unit}”账上，不能使用其厂商识别代码。",
    en="The asset is not on the books of {unit}, whose company prefix this is.",
)
WORDS = Rule(
    slug="no-tag-content",
    zh="“{content}”不是标签内容：须为十六进制，长度为4位的整数倍，至多{most}位。",
    en="{content} is no content of a tag: hexadecimal, in groups of 4 digits, at most {most}.",
)
WRITTEN = Rule(
    slug="blank-tag",
    zh="标签内容全为零，还没有写入；空白标签之间无法区分。",
    en="The content is all zeros: nothing was written, and blank tags cannot be told apart.",
)
TAG_VOIDED = Rule(
    slug="tag-voided",
    zh="内容为 {epc} 的标签已在本资产上作废，不能再用；请改写或更换标签。",
    en="The tag with {epc} was voided on this asset and is not used again; rewrite or replace it.",
)


@lifecycle.verb(
    STILL_OURS, WITHOUT_TAG, zh="绑定射频标签", en="Bind a radio tag",
    roles=(Role.CLERK, Role.KEEPER),
)  # fmt: skip
def bind_tag(
    asset: Asset, _: Occasion, *, epc: Content, tid: OptionalContent = "", note: Text = ""
) -> TagBound:
    """Bind the radio tag on the asset: its content, and the serial of its chip if it was read."""
    return TagBound(epc=fresh(asset, epc), tid=chip(tid), note=note)


@lifecycle.verb(
    STILL_OURS, WITH_TAG, zh="更换射频标签", en="Replace the radio tag",
    roles=(Role.CLERK, Role.KEEPER),
)  # fmt: skip
def replace_tag(
    asset: Asset, _: Occasion, *, epc: Content, reason: Given, tid: OptionalContent = ""
) -> tuple[TagVoided, TagBound]:
    """Void the old radio tag and bind a new one in one act."""
    return (
        TagVoided(epc=asset.tag, reason=reason),
        TagBound(epc=fresh(asset, epc), tid=chip(tid)),
    )


@lifecycle.verb(
    STILL_OURS, WITH_TAG, zh="射频标签作废", en="Void the radio tag",
    roles=(Role.CLERK, Role.KEEPER),
)  # fmt: skip
def void_tag(asset: Asset, _: Occasion, *, reason: Given) -> TagVoided:
    """Void the active radio tag; the asset stays without one."""
    return TagVoided(epc=asset.tag, reason=reason)


@lifecycle.verb(STILL_OURS, WITHOUT_GIAI, zh="取得单项资产标识", en="Be given a GIAI", inner=True)
def assign_giai(
    asset: Asset, _: Occasion, *, giai: Code, units: tuple[UnitId, ...]
) -> GiaiAssigned:
    """Keep the GIAI that the register of a company prefix gave in the same act."""
    if asset.accounting_unit not in units:
        raise OF_THE_OWNER.broken(unit=units)
    return GiaiAssigned(giai=giai)


def content(text: str) -> str:
    """Return hexadecimal content in its one spelling: capitals, no blanks, whole words."""
    plain = "".join(text.split()).upper()
    if not CONTENT.fullmatch(plain) or len(plain) > CONTENT_CHARS_MAX:
        raise WORDS.broken(content=text, most=CONTENT_CHARS_MAX)
    return plain


def fresh(asset: Asset, text: str) -> str:
    """Return the content of a tag that may be bound, or refuse it."""
    plain = content(text)
    if not plain.strip("0"):
        raise WRITTEN.broken()
    if plain == asset.tag or plain in asset.tags_voided:
        raise TAG_VOIDED.broken(epc=plain)
    return plain


def chip(text: str) -> str:
    """Return the chip's serial in its one spelling, or nothing when it was not read."""
    return content(text) if text.strip() else ""
