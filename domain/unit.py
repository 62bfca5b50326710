"""A unit: an organ or institution that holds, uses or manages public property."""

from __future__ import annotations

from typing import TypeAlias, assert_never

import msgspec
from msgspec.structs import replace

from domain.decider import Event, Lang, Lifecycle, Occasion, Rule
from domain.values import Code, Given, Name, Text, UnitId
from domain.words import Role, Term, Words


class UnitKind(Term):
    """What sort of body it is."""

    ORGAN = "organ", "行政单位", "administrative organ"
    INSTITUTION = "institution", "事业单位", "public institution"
    OFFICES = "offices", "机关事务管理部门", "government offices administration"
    FINANCE = "finance", "财政部门", "finance department"
    AUDIT = "audit", "审计机关", "audit office"
    TEMPORARY = "temporary", "临时机构", "temporary body"
    FOREIGN = "foreign", "境外机构（公开数据）", "foreign agency (public data)"


class Unit(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a unit is called now, and whether it still exists."""

    name: str = ""
    name_en: str = ""
    kind: UnitKind = UnitKind.ORGAN
    uscc: str = ""
    parent: str = ""
    located: str = ""
    zone: str = "Asia/Shanghai"
    example: bool = False
    dissolved: bool = False

    def describe(self, lang: Lang) -> str:
        """Say what the unit is."""
        if not self.name:
            return "单位尚未建立" if lang == "zh" else "The unit does not exist yet"
        if self.dissolved:
            return f"{self.name}已撤销" if lang == "zh" else f"{self.name} is dissolved"
        return f"{self.name}正常" if lang == "zh" else f"{self.name} exists"


lifecycle: Lifecycle[Unit] = Lifecycle("unit", Unit, Words("单位", "Unit"))

# What happened ----------------------------------------------------------------


class UnitEstablished(
    Event, name="unit.established", zh="单位建立：{name}", en="Unit established: {name}"
):
    """The body exists from the business date on; `zone` is its IANA time zone."""

    name: Name
    kind: UnitKind
    name_en: Code = ""
    uscc: Code = ""
    parent: UnitId | None = None
    located: Code = ""
    zone: Code = "Asia/Shanghai"
    example: bool = False


class UnitRenamed(Event, name="unit.renamed", zh="单位更名为{name}", en="Unit renamed to {name}"):
    """The body goes on under another name; older facts show the older name (T11)."""

    name: Name
    name_en: Code = ""
    reason: Text = ""


class UnitDissolved(
    Event, name="unit.dissolved", zh="单位撤销：{reason}", en="Unit dissolved: {reason}"
):
    """The body exists no more."""

    reason: Text


UnitEvent: TypeAlias = UnitEstablished | UnitRenamed | UnitDissolved

# Where that leaves us ---------------------------------------------------------


def evolve(unit: Unit, event: UnitEvent) -> Unit:
    """What an event means. Never refuses: it already happened."""
    match event:
        case UnitEstablished():
            return replace(
                unit,
                name=event.name,
                name_en=event.name_en,
                kind=event.kind,
                uscc=event.uscc,
                parent=event.parent or "",
                located=event.located,
                zone=event.zone,
                example=event.example,
            )
        case UnitRenamed(name=name, name_en=name_en):
            return replace(unit, name=name, name_en=name_en)
        case UnitDissolved():
            return replace(unit, dissolved=True)
        case _:
            assert_never(event)


lifecycle.part(UnitEvent, evolve)

# What may be asked ------------------------------------------------------------

NEW = Rule(
    slug="unit-exists",
    zh="该单位已经建立。",
    en="The unit exists already.",
    holds=lambda unit, _: not unit.name,
)
EXISTS = Rule(
    slug="no-such-unit",
    zh="单位不存在或已撤销。",
    en="The unit does not exist or is dissolved.",
    holds=lambda unit, _: bool(unit.name) and not unit.dissolved,
)


@lifecycle.verb(NEW, zh="建立单位", en="Establish a unit", roles=(Role.ADMIN,))
def establish(
    _: Unit,
    __: Occasion,
    *,
    name: Name,
    kind: UnitKind,
    name_en: Code = "",
    uscc: Code = "",
    parent: UnitId | None = None,
    located: Code = "",
) -> UnitEstablished:
    """Enter a unit in the directory."""
    return UnitEstablished(
        name=name, kind=kind, name_en=name_en, uscc=uscc, parent=parent, located=located
    )


@lifecycle.verb(EXISTS, zh="单位更名", en="Rename a unit", roles=(Role.ADMIN,))
def rename(
    _: Unit, __: Occasion, *, name: Name, name_en: Code = "", reason: Text = ""
) -> UnitRenamed:
    """Give the unit another name; history keeps the old one."""
    return UnitRenamed(name=name, name_en=name_en, reason=reason)


@lifecycle.verb(EXISTS, zh="撤销单位", en="Dissolve a unit", roles=(Role.ADMIN,))
def dissolve(_: Unit, __: Occasion, *, reason: Given) -> UnitDissolved:
    """Record that the body exists no more."""
    return UnitDissolved(reason=reason)
