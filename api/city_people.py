"""The bodies, people and places of the example city: none of them exists.

The city and everything in it is an example and says so. Its credit codes have valid check
characters but belong to a division (990000) that is nobody's.
"""

from __future__ import annotations

from datetime import date
from random import Random
from typing import Final

import msgspec

from domain.place import PlaceKind
from domain.unit import UnitKind
from domain.uscc import check_character
from domain.words import Role

CITY: Final = "o_ex_city"
OFFICES: Final = "o_ex_goa"
FINANCE: Final = "o_ex_fin"
STORE: Final = "o_ex_whs"
CULTURE: Final = "o_ex_cul"
EXPO: Final = "o_ex_exp"
WAREHOUSE: Final = "p_ex_wh1"
BRANCH: Final = "p_ex_wh2"
VIRTUAL: Final = "p_ex_vwh"
OPENED_ON: Final = date(2025, 5, 1)
DIVISION: Final = "990000"

# Bodies -----------------------------------------------------------------------


class Body(msgspec.Struct, frozen=True):
    """A unit of the example city."""

    id: str
    zh: str
    en: str
    kind: UnitKind
    uscc: str
    since: date = OPENED_ON


def organisation_code(number: int) -> str:
    """Return eight characters and their check character (GB 11714-1997)."""
    body = f"EX{number:06}"
    weights = (3, 7, 9, 10, 5, 8, 4, 2)
    values = [int(c) if c.isdigit() else ord(c) - 55 for c in body]
    check = 11 - sum(w * v for w, v in zip(weights, values, strict=True)) % 11
    return body + {10: "X", 11: "0"}.get(check, str(check))


def credit_code(kind: UnitKind, number: int) -> str:
    """Return a unified social credit code with a valid check character (GB 32100-2015)."""
    sort = "12" if kind is UnitKind.INSTITUTION else "11"
    body = f"{sort}{DIVISION}{organisation_code(number)}"
    return body + check_character(body)


def _body(
    number: int, slug: str, zh: str, en: str, kind: UnitKind, since: date = OPENED_ON
) -> Body:
    return Body(f"o_ex_{slug}", zh, en, kind, credit_code(kind, number), since)


BODIES: Final = (
    _body(1, "city", "示例市人民政府", "Example City People's Government", UnitKind.GOVERNMENT),
    _body(
        2, "goa", "示例市机关事务管理局", "Example City Offices Administration", UnitKind.OFFICES
    ),
    _body(3, "fin", "示例市财政局", "Example City Finance Bureau", UnitKind.FINANCE),
    _body(4, "aud", "示例市审计局", "Example City Audit Bureau", UnitKind.AUDIT),
    _body(5, "whs", "示例市公物仓管理中心", "Example City Public Warehouse", UnitKind.INSTITUTION),
    _body(6, "edu", "示例市教育局", "Example City Education Bureau", UnitKind.ORGAN),
    _body(7, "wat", "示例市水利局", "Example City Water Bureau", UnitKind.ORGAN),
    _body(8, "cul", "示例市文化局", "Example City Culture Bureau", UnitKind.ORGAN),
    _body(9, "arc", "示例市档案馆", "Example City Archives", UnitKind.INSTITUTION),
    _body(10, "dst", "示例区人民政府", "Example District People's Government", UnitKind.GOVERNMENT),
    _body(11, "sch", "示例市第一实验学校", "Example City First School", UnitKind.INSTITUTION),
    _body(12, "hos", "示例市人民医院", "Example City Hospital", UnitKind.INSTITUTION),
    _body(
        13,
        "exp",
        "示例博览会筹备办公室",
        "Example Exposition Preparatory Office",
        UnitKind.TEMPORARY,
        date(2025, 5, 6),
    ),
)
# Units that hold ordinary things in ordinary numbers.
HOLDERS: Final = (
    *("o_ex_goa", "o_ex_fin", "o_ex_aud", "o_ex_edu", "o_ex_wat", "o_ex_cul", "o_ex_arc"),
    *("o_ex_dst", "o_ex_sch", "o_ex_hos"),
)

# What the numbers of a body's documents begin with, and what they say of its cases.
INITIALS: Final = {
    "o_ex_goa": "示机管",
    "o_ex_fin": "示财局",
    "o_ex_aud": "示审",
    "o_ex_whs": "示公仓",
    "o_ex_edu": "示教",
    "o_ex_wat": "示水",
    "o_ex_cul": "示文",
    "o_ex_arc": "示档",
    "o_ex_dst": "示区",
    "o_ex_sch": "示一校",
    "o_ex_hos": "示医",
}
CASES: Final = {
    "acquisition": "购",
    "confiscated": "罚没",
    "conversion": "转",
    "disposal": "处",
    "exchange": "换",
    "intake": "仓",
    "lease": "租",
    "loan": "借",
    "plan": "配",
    "reallocation": "调",
}

# People -----------------------------------------------------------------------


class Person(msgspec.Struct, frozen=True):
    """Somebody invented: the id is what the log knows, the name is for the directory."""

    id: str
    name: str
    name_en: str
    unit: str
    role: str  # empty for people who only use things
    login: str = ""


SURNAMES: Final = (
    *(("陈", "Chen"), ("林", "Lin"), ("周", "Zhou"), ("何", "He"), ("郑", "Zheng")),
    *(("苏", "Su"), ("方", "Fang"), ("顾", "Gu"), ("沈", "Shen"), ("唐", "Tang")),
    *(("许", "Xu"), ("罗", "Luo"), ("宋", "Song"), ("叶", "Ye"), ("程", "Cheng")),
)
GIVEN: Final = (
    *(("知行", "Zhixing"), ("明远", "Mingyuan"), ("清扬", "Qingyang"), ("思齐", "Siqi")),
    *(("若水", "Ruoshui"), ("安宁", "Anning"), ("正言", "Zhengyan"), ("文博", "Wenbo")),
    *(("书华", "Shuhua"), ("景行", "Jingxing"), ("乐山", "Leshan"), ("惠然", "Huiran")),
)
USERS_PER_UNIT: Final = 4
LOGINS: Final = {
    ("o_ex_whs", Role.KEEPER, 1): "keeper",
    ("o_ex_edu", Role.CLERK, 1): "clerk",
    ("o_ex_wat", Role.CLERK, 1): "clerk2",
    ("o_ex_edu", Role.HEAD, 1): "head",
    ("o_ex_goa", Role.OFFICE, 1): "office",
    ("o_ex_fin", Role.FINANCE, 1): "finance",
    ("o_ex_edu", Role.ACCOUNTANT, 1): "accountant",
    ("o_ex_aud", Role.AUDITOR, 1): "auditor",
    ("o_ex_goa", Role.ADMIN, 1): "admin",
    ("o_ex_edu", Role.DEPARTMENT, 1): "department",
    (CITY, Role.GOVERNMENT, 1): "government",
    ("o_ex_edu", Role.CASHIER, 1): "cashier",
}


def _posts(unit: str) -> list[tuple[Role | None, int]]:
    posts: list[tuple[Role | None, int]] = [
        (Role.CLERK, 1),
        (Role.CLERK, 2),
        (Role.ACCOUNTANT, 1),
        (Role.HEAD, 1),
    ]
    more: dict[str, list[tuple[Role | None, int]]] = {
        OFFICES: [(Role.OFFICE, 1), (Role.OFFICE, 2), (Role.ADMIN, 1)],
        FINANCE: [(Role.FINANCE, 1), (Role.FINANCE, 2)],
        "o_ex_aud": [(Role.AUDITOR, 1)],
        STORE: [(Role.KEEPER, 1), (Role.KEEPER, 2)],
    }
    users: list[tuple[Role | None, int]] = [(None, n + 1) for n in range(USERS_PER_UNIT)]
    return [*posts, *more.get(unit, []), *users]


def _people() -> tuple[Person, ...]:
    names = [(s, g) for s in SURNAMES for g in GIVEN]
    Random(20260101).shuffle(names)
    people = []
    for body in BODIES[1:]:
        for role, number in _posts(body.id):
            (surname, surname_en), (given, given_en) = names.pop()
            slug = body.id.removeprefix("o_ex_")
            post = role.value if role is not None else "user"
            people.append(
                Person(
                    id=f"u_ex_{slug}_{post}{number}",
                    name=surname + given,
                    name_en=f"{surname_en} {given_en}",
                    unit=body.id,
                    role=role.value if role is not None else "",
                    login=LOGINS.get((body.id, role, number), "") if role is not None else "",
                )
            )
    for unit, role in (
        (CITY, Role.GOVERNMENT),
        ("o_ex_edu", Role.DEPARTMENT),
        ("o_ex_edu", Role.CASHIER),
    ):
        (surname, surname_en), (given, given_en) = names.pop()
        people.append(
            Person(
                id=f"u_ex_{unit.removeprefix('o_ex_')}_{role.value}1",
                name=surname + given,
                name_en=f"{surname_en} {given_en}",
                unit=unit,
                role=role.value,
                login=LOGINS[unit, role, 1],
            )
        )
    return tuple(people)


PEOPLE: Final = _people()
_BY_POST: Final = {(p.unit, p.id.rsplit("_", 1)[1]): p for p in PEOPLE}


def who(unit: str, role: Role, number: int = 1) -> Person:
    """Return who holds a post."""
    return _BY_POST[unit, f"{role.value}{number}"]


def users(unit: str) -> list[Person]:
    """Return the people of a unit who only use things."""
    return [p for p in PEOPLE if p.unit == unit and not p.role]


# Places -----------------------------------------------------------------------


class Site(msgspec.Struct, frozen=True):
    """A place of the example city."""

    id: str
    zh: str
    en: str
    kind: PlaceKind
    unit: str
    part_of: str | None = None


def rooms(unit: str) -> list[str]:
    """Return the ids of a unit's rooms."""
    slug = unit.removeprefix("o_ex_")
    return [f"p_ex_{slug}_{number}" for number in (201, 302, 405)]


SITES: Final = (
    Site(WAREHOUSE, "示例市公物仓一号库", "Example City warehouse 1", PlaceKind.WAREHOUSE, STORE),
    Site(
        BRANCH,
        "示例市公物仓城北分仓",
        "Example City warehouse, north branch",
        PlaceKind.BRANCH,
        STORE,
        WAREHOUSE,
    ),
    Site(VIRTUAL, "示例市虚拟公物仓", "Example City virtual warehouse", PlaceKind.VIRTUAL, STORE),
    *(
        Site(
            room,
            f"{body.zh}{room.rsplit('_', 1)[1]}室",
            f"{body.en}, room {room.rsplit('_', 1)[1]}",
            PlaceKind.ROOM,
            body.id,
        )
        for body in BODIES[1:]
        for room in rooms(body.id)
    ),
)
SHELVES: Final = tuple(
    f"{row}-{bay:02}-{level}" for row in "ABC" for bay in range(1, 9) for level in (1, 2, 3)
)
