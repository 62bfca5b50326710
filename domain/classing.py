"""Class codes and the version of the standard they belong to (GB/T 14885; DOMAIN.md s.1).

A code is meaningless without its version: most cards still carry codes of 2010, the standard in
force is that of 2022. A card is moved to another version by a table that people decided on; the
table is kept as evidence of every card it moved.
"""

from __future__ import annotations

import re
from typing import TypeAlias, assert_never

from msgspec.structs import replace

from domain.asset import STILL_OURS, Asset, lifecycle
from domain.decider import Event, Occasion, Rule
from domain.values import Code, Given, Reference, Text
from domain.words import Role

# How codes of each version are written; of a version that is not here, nothing is checked.
SCHEMES = {
    "GB/T 14885-1994": re.compile(r"[0-9]{6}"),
    "GB/T 14885-2010": re.compile(r"[0-9]{7}"),
    "GB/T 14885-2022": re.compile(r"A[0-9]{8}"),
}

# What happened ----------------------------------------------------------------


class CardReclassified(
    Event,
    name="asset.card_reclassified",
    zh="分类代码由{from_code}（{from_scheme}）改为{class_code}（{class_scheme}）：{reason}",
    en="Class code {from_code} ({from_scheme}) became {class_code} ({class_scheme}): {reason}",
):
    """#10 The same thing has another class code; the papers of the entry name the table."""

    from_code: Code
    from_scheme: Code
    class_code: Code
    class_scheme: Code
    reason: Text


ClassingEvent: TypeAlias = CardReclassified

# Where that leaves us ---------------------------------------------------------


def evolve(asset: Asset, event: ClassingEvent) -> Asset:
    """What an event means. Never refuses: it already happened."""
    match event:
        case CardReclassified(class_code=code, class_scheme=scheme):
            return replace(asset, class_code=code, class_scheme=scheme)
        case _:
            assert_never(event)


lifecycle.part(ClassingEvent, evolve)

# What may be asked ------------------------------------------------------------

AS_IT_WAS = Rule(
    slug="class-changed-meanwhile",
    zh="卡片上的分类代码是 {code}（{scheme}），不是对照表中的原代码；请重新试算。",
    en="The card's class code is {code} ({scheme}), not the one to be replaced; try it out again.",
)
CODE_FITS = Rule(
    slug="class-code-misfit",
    zh="{code} 不是 {scheme} 的代码写法。",
    en="{code} is not how {scheme} writes its codes.",
)
ANOTHER_CLASS = Rule(
    slug="same-class-again",
    zh="新旧分类代码和版本相同。",
    en="The new class code and version are the old ones.",
)


def fits(scheme: str, code: str) -> bool:
    """Return whether a code is written as its version of the standard writes codes."""
    pattern = SCHEMES.get(scheme)
    return pattern is None or pattern.fullmatch(code) is not None


@lifecycle.verb(STILL_OURS, zh="调整分类", en="Reclassify", roles=(Role.ACCOUNTANT, Role.FINANCE))
def reclassify(
    asset: Asset,
    _: Occasion,
    *,
    from_code: Code,
    from_scheme: Code,
    class_code: Reference,
    class_scheme: Reference,
    reason: Given,
) -> CardReclassified:
    """Move the card to a class of another version of the standard; its class changes the books."""
    if (asset.class_code, asset.class_scheme) != (from_code, from_scheme):
        raise AS_IT_WAS.broken(code=asset.class_code or None, scheme=asset.class_scheme or None)
    if (class_code, class_scheme) == (from_code, from_scheme):
        raise ANOTHER_CLASS.broken()
    if not fits(class_scheme, class_code):
        raise CODE_FITS.broken(code=class_code, scheme=class_scheme)
    return CardReclassified(
        from_code=from_code,
        from_scheme=from_scheme,
        class_code=class_code,
        class_scheme=class_scheme,
        reason=reason,
    )
