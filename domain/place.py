"""A place where things stand: a public warehouse, physical or virtual, a room, a yard."""

from __future__ import annotations

from typing import TypeAlias, assert_never

import msgspec

from domain.decider import Ask, Event, Lang, Lifecycle, Occasion, Rule
from domain.paper_forms import PaperForm
from domain.values import Code, Name, PlaceId, UnitId
from domain.words import Role, Term, Words, in_language


class PlaceKind(Term):
    """What sort of place it is (新管发〔2024〕1号 专栏1: 虚拟仓 and 实体仓)."""

    WAREHOUSE = "warehouse", "实体公物仓", "physical public warehouse"
    BRANCH = "branch", "实体公物仓（分仓）", "branch of a public warehouse"
    VIRTUAL = "virtual", "虚拟公物仓", "virtual public warehouse"
    ROOM = "room", "房间", "room"
    YARD = "yard", "场地", "yard"


class Place(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the place is called and who runs it."""

    name: str = ""
    name_en: str = ""
    kind: PlaceKind = PlaceKind.ROOM
    unit: str = ""
    part_of: str = ""  # of a branch: its main warehouse
    example: bool = False

    def describe(self, lang: Lang) -> str:
        """Say what the place is."""
        words = in_language(self.kind.words.zh, self.kind.words.en, lang)
        return f"{self.name} {words}".strip()


lifecycle: Lifecycle[Place] = Lifecycle(
    "place", Place, Words("地点", "Place"), papers=(PaperForm.STOCKTAKE,)
)

# What happened ----------------------------------------------------------------


class PlaceOpened(Event, name="place.opened", zh="启用{kind}：{name}", en="{kind} opened: {name}"):
    """Things can stand here from now on; `unit` runs it. A branch is `part_of` its main warehouse."""

    name: Name
    kind: PlaceKind
    unit: UnitId
    name_en: Code = ""
    example: bool = False
    part_of: PlaceId | None = None


PlaceEvent: TypeAlias = PlaceOpened

# Where that leaves us ---------------------------------------------------------


def evolve(_: Place, event: PlaceEvent) -> Place:
    """What an event means. Never refuses: it already happened."""
    match event:
        case PlaceOpened():
            return Place(
                name=event.name,
                name_en=event.name_en,
                kind=event.kind,
                unit=event.unit,
                part_of=event.part_of or "",
                example=event.example,
            )
        case _:
            assert_never(event)


lifecycle.part(PlaceEvent, evolve)

# What may be asked ------------------------------------------------------------

NEW = Rule(
    slug="place-exists",
    zh="该地点已经启用。",
    en="The place is open already.",
    holds=lambda place, _: not place.name,
)


MAIN_NAMED = Rule(
    slug="branch-without-main",
    zh="分仓须写明所属总仓；其他地点不属于某个仓。",
    en="A branch names its main warehouse; other places are part of none.",
)
IS_MAIN = Rule(
    slug="not-a-main-warehouse",
    zh="所属总仓须是已启用的实体公物仓。",
    en="The main warehouse is a physical warehouse that is open.",
    holds=lambda place, _: place.kind is PlaceKind.WAREHOUSE and bool(place.name),
)
TAKES_IN = Rule(
    slug="not-a-warehouse",
    zh="{place}不是公物仓，不能入仓；请选择实体仓、分仓或者虚拟仓。",
    en="{place} is no public warehouse: choose a physical warehouse, a branch or a virtual one.",
)
WAREHOUSES = (PlaceKind.WAREHOUSE, PlaceKind.BRANCH, PlaceKind.VIRTUAL)


@lifecycle.verb(NEW, zh="启用地点", en="Open a place", roles=(Role.ADMIN, Role.OFFICE))
def open_place(
    _: Place,
    __: Occasion,
    *,
    name: Name,
    kind: PlaceKind,
    unit: UnitId,
    name_en: Code = "",
    part_of: PlaceId | None = None,
) -> tuple[PlaceOpened | Ask, ...]:
    """Open a warehouse, one of its branches, a room or a yard."""
    if (kind is PlaceKind.BRANCH) != (part_of is not None):
        raise MAIN_NAMED.broken()
    opened = PlaceOpened(name=name, kind=kind, unit=unit, name_en=name_en, part_of=part_of)
    return (opened, *((Ask(f"place/{part_of}", "have_branch", {}),) if part_of else ()))


@lifecycle.verb(IS_MAIN, zh="设分仓", en="Have a branch", inner=True)
def have_branch(_: Place, __: Occasion) -> tuple[Event, ...]:
    """Answer that the place is a main warehouse."""
    return ()


@lifecycle.verb(zh="接受入仓", en="Take property in", inner=True)
def take_property_in(place: Place, _: Occasion) -> tuple[Event, ...]:
    """Answer that the place is a warehouse; of a place nobody opened nothing is known."""
    if place.name and place.kind not in WAREHOUSES:
        raise TAKES_IN.broken(place=place.name)
    return ()
