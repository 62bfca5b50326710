"""A place where things stand: a public warehouse, physical or virtual, a room, a yard."""

from __future__ import annotations

from typing import TypeAlias, assert_never

import msgspec

from domain.decider import Event, Lang, Lifecycle, Occasion, Rule
from domain.paper_forms import PaperForm
from domain.values import Code, Name, UnitId
from domain.words import Role, Term, Words


class PlaceKind(Term):
    """What sort of place it is (新管发〔2024〕1号 专栏1: 虚拟仓 and 实体仓)."""

    WAREHOUSE = "warehouse", "实体公物仓", "physical public warehouse"
    VIRTUAL = "virtual", "虚拟公物仓", "virtual public warehouse"
    ROOM = "room", "房间", "room"
    YARD = "yard", "场地", "yard"


class Place(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the place is called and who runs it."""

    name: str = ""
    name_en: str = ""
    kind: PlaceKind = PlaceKind.ROOM
    unit: str = ""
    example: bool = False

    def describe(self, lang: Lang) -> str:
        """Say what the place is."""
        words = self.kind.words.zh if lang == "zh" else self.kind.words.en
        return f"{self.name} {words}".strip()


lifecycle: Lifecycle[Place] = Lifecycle(
    "place", Place, Words("地点", "Place"), papers=(PaperForm.STOCKTAKE,)
)

# What happened ----------------------------------------------------------------


class PlaceOpened(Event, name="place.opened", zh="启用{kind}：{name}", en="{kind} opened: {name}"):
    """Things can stand here from now on; `unit` runs it."""

    name: Name
    kind: PlaceKind
    unit: UnitId
    name_en: Code = ""
    example: bool = False


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


@lifecycle.verb(NEW, zh="启用地点", en="Open a place", roles=(Role.ADMIN, Role.OFFICE))
def open_place(
    _: Place, __: Occasion, *, name: Name, kind: PlaceKind, unit: UnitId, name_en: Code = ""
) -> PlaceOpened:
    """Open a warehouse, room or yard."""
    return PlaceOpened(name=name, kind=kind, unit=unit, name_en=name_en)
