"""What the rules of a place may demand of people and, out of the box, do not: said as a warning."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from domain.policy import Policy
from domain.words import Words


class Lacking(msgspec.Struct, frozen=True, kw_only=True):
    """A precaution that some rules in force do not take: which, what may follow, what to do."""

    switch: str
    words: Words
    todo: Words


HOW: Final = Words(
    "在本地规则文件里写 {line}，用 gongwu policy propose 拟订，由另一人发布（docs/rules.md）。",
    "Write {line} into the rules of your place, draft them with gongwu policy propose and have"
    " another person publish them (docs/rules.md).",
)


def lacking(rules: Iterable[Policy]) -> Iterator[Lacking]:
    """Yield what any of these rules leave out; nothing where all of them demand it."""
    rules = list(rules)
    alone = [one for one in rules if not one.confirmed_roles]
    if alone:
        zh, en = _titles(alone)
        yield Lacking(
            switch="confirmed_roles",
            words=Words(
                f"任何岗位一人即可授予，没有须两人办理的岗位（{zh}）",
                f"one person alone gives any role; none takes two ({en})",
            ),
            todo=_how("confirmed_roles: [head, finance, government, admin, security]"),
        )
    bare = [one for one in rules if not one.second_factor_roles]
    if bare:
        zh, en = _titles(bare)
        yield Lacking(
            switch="second_factor_roles",
            words=Words(
                f"没有岗位须用第二因素，密码泄露即可冒名办理（{zh}）",
                f"no role needs a second factor: whoever has a password acts in that name ({en})",
            ),
            todo=_how("second_factor_roles: [head, finance, government, admin, security]"),
        )


def _how(line: str) -> Words:
    return Words(HOW.zh.format(line=line), HOW.en.format(line=line))


def _titles(rules: Iterable[Policy]) -> tuple[str, str]:
    named = {one.reference: one for one in rules}
    listed = [named[reference] for reference in sorted(named)]
    zh = "、".join(f"《{one.title.zh}》{one.reference}" for one in listed)
    return zh, ", ".join(f"{one.title.en}, {one.reference}" for one in listed)
