"""Whatever people ask, in whatever order: no forbidden state, nothing lost, duties kept apart.

Three hundred sequences of fifty requests by anybody for anything, on a real book. What is asked
is drawn from the published forms, so a verb added tomorrow is asked here the day it is declared.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sizes import sized

from api.forms import Field, Invalid, checked, fields
from domain.asset import Asset, Custody, Lock
from domain.asset import Book as Books
from domain.decider import LIFECYCLES, Ask, Document, Occasion, Refused, Verb
from domain.policy import GENERIC
from domain.words import Role
from ledger.act import Conflict
from ledger.auditing import violations
from ledger.book import Book

SEQUENCES, STEPS = sized("R15"), 50
START = date(2025, 1, 6)
CLOCK = datetime(2025, 12, 31, 4, tzinfo=UTC)
UNITS = ("o_a", "o_b", "o_wh", "o_goa")
PEOPLE = ("u_1", "u_2", "u_3", "u_4", "u_5", "u_6")
CASES = tuple(kind for kind in LIFECYCLES if kind not in ("asset", "policy"))
# A person, or an exchange, says another value.
REVALUED = {"asset.value_corrected", "asset.card_corrected", "asset.booked_in_exchange"}
CARD = {"name": "台式计算机", "kind": "computer", "unit": "o_a", "value": 123_457, "quantity": "3"}
PAPERS = tuple(Document(type=type_, number="示1") for type_ in ("清单", "协议", "凭证"))


class World:
    """A small city on a book of its own, and one chance."""

    def __init__(self, book: Book, chance: Random) -> None:
        self.book, self.chance = book, chance
        self.assets = ["A1", "A2", "A3", "A4"]
        self.cases: list[str] = []
        self.granted = 0
        for number, asset in enumerate(self.assets):
            unit = UNITS[number % 2]
            form = {**CARD, "asset_no": asset, "unit": unit}
            self.ask(Ask(f"asset/{asset}", "register_existing", form), "u_1", Role.CLERK, START)

    def ask(self, ask: Ask, by: str, role: str, on: date, unit: str = "") -> None:
        occasion = Occasion(by=by, on=on, unit=unit, role=role, docs=PAPERS)
        self.book.act([ask], occasion)
        self.granted += 1

    def step(self, on: date) -> None:
        """Let somebody ask for something; mostly for what the state would allow."""
        chance = self.chance
        stream = self._stream()
        kind = stream.split("/")[0]
        state = self.book.stream(stream).state
        role, unit = chance.choice(tuple(Role)), chance.choice(UNITS)
        occasion = Occasion(by="-", on=on, unit=unit, role=role, stream=stream)
        verbs: Sequence[Verb] = LIFECYCLES[kind].allowed(state, occasion)
        if not verbs or chance.random() < 0.1:
            verbs = tuple(LIFECYCLES[kind].verbs.values())
        verb = chance.choice(verbs)
        form = {f.name: self._value(f, state) for f in fields(verb) if f.required or self._often()}
        before = self.book.head()
        try:
            self.ask(
                Ask(stream, verb.name, checked(verb, form).form), chance.choice(PEOPLE), role, on
            )
        except (Refused, Conflict, Invalid, msgspec.ValidationError):
            assert self.book.head() == before, f"{verb.name} was refused and wrote something"
        else:
            if kind != "asset" and stream not in self.cases:
                self.cases.append(stream)

    def _often(self) -> bool:
        return self.chance.random() < 0.5

    def _stream(self) -> str:
        chance = self.chance.random()
        if chance < 0.35:
            return f"asset/{self.chance.choice(self.assets)}"
        if chance < 0.8 and self.cases:
            return self.chance.choice(self.cases)
        return f"{self.chance.choice(CASES)}/X{len(self.cases)}"

    def _value(self, field: Field, state: Any) -> Any:
        """Return something a person could write into a field."""
        chance = self.chance
        today = START + timedelta(days=chance.randrange(400))
        listed = self._listed(state)
        match field.type:
            case "choice":
                return chance.choice(field.choices)[0]
            case "unit":
                return chance.choice(UNITS)
            case "person":
                return chance.choice(PEOPLE)
            case "place":
                return "p_1"
            case "asset":
                return chance.choice(listed)
            case "assets":
                return chance.sample(listed, chance.randint(1, len(listed)))
            case "stream":
                return chance.choice(self.cases or ["loan/X"])
            case "date":
                return today.isoformat()
            case "money":
                return chance.choice((0, 1, 99_999, 123_457))
            case "int":
                return chance.randint(0, 3)
            case "quantity":
                return chance.choice(("1", "2"))
            case "bool":
                return self._often()
            case "deductions":
                return [{"type": "税费", "amount": 100}]
            case _:
                return f"示{chance.randrange(10**6)}"

    def _listed(self, state: Any) -> list[str]:
        """Return the assets a case speaks of, so that its later steps have a chance."""
        of = [a for name in ("waiting", "out", "approved", "proposed", "given")
              for a in getattr(state, name, ()) if isinstance(a, str)]  # fmt: skip
        return sorted({a for a in of if a in self.assets}) or self.assets


def cards(book: Book) -> dict[str, Asset]:
    names = dict.fromkeys(e.stream for e in book.entries() if e.stream.startswith("asset/"))
    return {name: book.stream(name).state for name in names}


def forbidden(name: str, asset: Asset) -> list[str]:
    """Return what a card says that cannot be (DOMAIN.md b.1)."""
    wrong = {
        "derecognised and not gone": asset.book is Books.GONE and asset.custody is not Custody.LEFT,
        "held by nobody knows what": asset.lock is not Lock.NONE and not asset.case,
        "out on loan to nobody": asset.custody in (Custody.LENT, Custody.WAREHOUSE_LENT)
        and not asset.borrower,
        "in transit without a case": asset.custody is Custody.TRANSIT and not asset.case,
        "pending disposal without a case": asset.book is Books.TO_DISPOSE
        and not (asset.case or asset.lock is not Lock.NONE or asset.custody is Custody.LEFT),
        "on the books of nobody": asset.book is Books.ON_BOOKS and not asset.accounting_unit,
        "held by nobody": asset.book is Books.ON_BOOKS and not asset.custodian,
    }
    return [f"{name}: {what}" for what, so in wrong.items() if so]


@pytest.mark.either_backend(
    "hundreds of short lives, each from nothing; what refuses them is the domain"
)
@pytest.mark.reliability("R15")
@pytest.mark.target("T20")
@pytest.mark.target("T30")
@settings(
    max_examples=SEQUENCES,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],  # a failing sequence is short enough to read
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.large_base_example,  # fifty requests are never few choices
    ],
)
@given(st.randoms(use_true_random=False))
def test_no_sequence_of_requests_leads_where_nothing_may_stand(
    module_database: str, chance: Random
) -> None:
    book = Book.open(module_database, clock=lambda: CLOCK)
    try:
        world = World(book, chance)
        began = worth(cards(book))
        for number in range(STEPS):
            world.step(START + timedelta(days=number * 7))
        found = cards(book)
        assert [w for name, card in found.items() for w in forbidden(name, card)] == []
        told = {entry.event.type_name for entry in book.entries()}
        if not told & REVALUED:
            assert worth(found) >= began, "a piece or a fen got lost"
        assert list(violations(book, lambda _: GENERIC)) == []
    finally:
        book.close()
        emptied(module_database)


def emptied(url: str) -> None:
    """Leave nothing of a life: the next one begins at the first entry."""
    if url.startswith("sqlite:"):
        Path(url.removeprefix("sqlite:///")).unlink()
        return
    with psycopg.connect(url, autocommit=True) as c:
        c.execute("DROP SCHEMA public CASCADE")
        c.execute("CREATE SCHEMA public")


def worth(found: dict[str, Asset]) -> int:
    """Return what all cards together are worth in fen: splits and merges keep it to the fen."""
    return sum(card.value or 0 for card in found.values())
