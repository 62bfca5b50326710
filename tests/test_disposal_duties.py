"""Who asks, decides, carries out, bills and confirms the money of a disposal: kept apart (T30)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import msgspec
import pytest
from given import TODAY, Ledger, able

from domain.decider import LIFECYCLES, Ask, Refused
from domain.duties import INCOMPATIBLE
from domain.holding import OTHER_PERSON

STREAM = "disposal/D"
# Each step with its duty; the persons of one story are given in this order.
STEPS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    (
        "apply",
        "propose",
        {"unit": "o_a", "form": "scrap", "ground": "life_over", "minutes_no": "纪要3"},
    ),
    ("approve", "approve", {"approval_no": "批1"}),
    ("execute", "scrap", {"asset": "A", "recycler": "示例回收", "certificate": "回1", "price": 5}),
    ("bill", "assess_income", {"gross": 5}),
    ("reconcile", "remit", {"amount": 5, "voucher": "缴1", "treasury_on": TODAY}),
)
APART = {("apply", "approve"), ("approve", "execute"), ("bill", "reconcile")}


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    book = Ledger(database)
    yield book
    book.close()


def told(ledger: Ledger, name: str, persons: tuple[str, ...], stead: int | None) -> str:
    """Tell one disposal; return the step that was refused, or nothing.

    The step number `stead` is done by a deputy in the stead of its person.
    """
    ledger.card(name, kind="office", value=1)
    stream = f"{STREAM}{name}"
    for number, (duty, verb, form) in enumerate(STEPS):
        by = persons[number]
        asked = form | ({"asset": name} if "asset" in form else {})
        asked |= {"assets": [name]} if verb == "propose" else {}
        occasion = ledger.occasion("u_deputy" if number == stead else by, "")
        if number == stead:
            occasion = msgspec.structs.replace(occasion, behalf=by)
        occasion = able(LIFECYCLES["disposal"].verbs[verb], ledger.state(stream), occasion)
        before = ledger.book.head()
        try:
            ledger.book.act([Ask(stream, verb, asked)], occasion)
        except Refused as refused:
            kept_apart = refused.rule in (INCOMPATIBLE, OTHER_PERSON)
            return duty if kept_apart and ledger.book.head() == before else refused.rule.slug
    return ""


@pytest.mark.target("T30", "T97")
@pytest.mark.parametrize("stead", [None, *range(len(STEPS))])
def test_every_pair_of_duties_that_are_apart_is_refused_also_through_delegation(
    ledger: Ledger, stead: int | None
) -> None:
    """32 stories of two people over five steps: refused exactly where one has both duties."""
    for number, persons in enumerate(product(("u_1", "u_2"), repeat=len(STEPS))):
        did = dict(zip((duty for duty, *_ in STEPS), persons, strict=True))
        clash = next(
            (
                duty
                for duty, *_ in STEPS
                for one, other in APART
                if duty == other and did[one] == did[other]
            ),
            "",
        )
        assert told(ledger, f"N{number}", persons, stead) == clash, did
