"""Loans, intakes and leases: who does what in a case, and what nobody may do as well (T30)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from given import Ledger

from domain.decider import LIFECYCLES, Ask, Document, Occasion, Refused
from domain.duties import INCOMPATIBLE
from domain.handover import TWO_PEOPLE
from domain.holding import OTHER_PERSON
from domain.lease_terms import OTHERS_EXTENSION
from domain.policy import EXCLUSIONS, Policy

pytestmark = pytest.mark.either_backend(
    "rules of the domain over facts in a book; cases and duties are recorded on both in test_approval"
)

SLIP = (Document(type="hand_over_slip", number="交1"),)
SCAN = {"assets": ["A"], "scanned": "ZC-A"}
Step = tuple[str, str, str, dict[str, Any]]  # whose part, the verb, the role, the form

LOAN: tuple[Step, ...] = (
    (
        *("asker", "request", "clerk"),
        {
            "lender": "o_a",
            "borrower": "o_b",
            "assets": ["A"],
            "due": "2025-08-31",
            "purpose": "培训",
        },
    ),
    ("approver", "approve", "office", {"approval_no": "借1"}),
    ("giver", "hand_out", "keeper", SCAN),
    ("taker", "take_in", "keeper", SCAN),
    ("returner", "hand_back", "clerk", SCAN),
    ("inspector", "inspect_return", "keeper", SCAN | {"result": "sound"}),
)
INTAKE: tuple[Step, ...] = (
    (
        *("asker", "apply", "clerk"),
        {"unit": "o_a", "ground": "idle", "warehouse": "p_wh", "assets": ["A"]},
    ),
    ("approver", "approve", "office", {"keeper_unit": "o_wh"}),
    ("giver", "hand_out", "clerk", SCAN),
    ("taker", "take_in", "keeper", SCAN),
)
LEASE: tuple[Step, ...] = (
    (
        *("asker", "request", "clerk"),
        {
            "lessor": "o_a",
            "lessee": "示例印务有限公司",
            "assets": ["A"],
            "rent": 5,
            "due": "2025-08-31",
            "purpose": "闲置",
        },
    ),
    ("approver", "approve", "office", {"approval_no": "租1"}),
    ("signer", "sign", "clerk", {"agreement": "协1", "rent": 5, "due": "2025-08-31"}),
    ("giver", "hand_out", "keeper", SCAN),
    ("taker", "confirm_delivery", "keeper", SCAN),
    (
        *("biller", "assess_rent", "accountant"),
        {"amount": 5, "since": "2025-06-01", "until": "2025-06-30"},
    ),
    ("cashier", "remit_rent", "accountant", {"amount": 5, "voucher": "缴1"}),
    ("second", "request_extension", "clerk", {"due": "2025-10-31", "rent": 5, "reason": "续"}),
    ("extender", "approve_extension", "office", {"approval_no": "续1"}),
    ("resigner", "sign_extension", "clerk", {"agreement": "协2", "rent": 5, "due": "2025-10-31"}),
    ("returner", "hand_back", "clerk", SCAN),
    ("inspector", "take_back", "keeper", SCAN | {"result": "sound"}),
)
STORIES = {"loan/L": LOAN, "intake/I": INTAKE, "lease/E": LEASE}
# Parts that one person may not both have; every other pair is allowed.
APART = {
    "loan/L": {
        *(("asker", "approver"), ("giver", "taker"), ("returner", "inspector")),
        *itertools.product(["approver"], ["giver", "taker", "returner", "inspector"]),
    },
    "intake/I": {
        *(("asker", "approver"), ("giver", "taker")),
        *itertools.product(["approver"], ["giver", "taker"]),
    },
    "lease/E": {
        *(("giver", "taker"), ("returner", "inspector"), ("biller", "cashier")),
        *itertools.product(["asker"], ["approver", "extender"]),
        *itertools.product(["approver"], ["signer", "giver", "taker", "second", "resigner"]),
        *itertools.product(["approver"], ["returner", "inspector"]),
        *itertools.product(["signer", "giver", "taker", "second"], ["extender"]),
        *itertools.product(["extender"], ["resigner", "returner", "inspector"]),
    },
}
PAIRS = [
    (case, *pair)
    for case, story in STORIES.items()
    for pair in itertools.combinations([step[0] for step in story], 2)
]


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    book = Ledger(database)
    book.card("A", kind="instrument")
    yield book
    book.close()


def played(
    ledger: Ledger, case: str, people: dict[str, tuple[str, str]], policy: Policy
) -> Refused | None:
    """Play the story of a case with these people (and who they stand in for)."""
    for part, verb, role, form in STORIES[case]:
        by, behalf = people.get(part, (f"u_{part}", ""))
        occasion = Occasion(by=by, behalf=behalf, on=ledger.on, role=role, policy=policy, docs=SLIP)
        try:
            ledger.book.act([Ask(case, verb, form)], occasion)
        except Refused as refused:
            return refused
    return None


@pytest.mark.target("T30")
@pytest.mark.parametrize(("case", "one", "other"), PAIRS)
@pytest.mark.parametrize("through", ["itself", "delegation"])
def test_one_person_has_no_two_parts_that_exclude_each_other(
    ledger: Ledger, case: str, one: str, other: str, through: str
) -> None:
    """Every pair of parts is played by one person, in their own name and as a delegate."""
    second = ("u_same", "") if through == "itself" else ("u_delegate", "u_same")
    refused = played(
        ledger, case, {one: ("u_same", ""), other: second}, Policy(name="p", version=1)
    )
    if (one, other) not in APART[case]:
        assert refused is None, refused and refused.sentence("en")
        return
    assert refused is not None
    assert refused.rule in (OTHER_PERSON, OTHERS_EXTENSION, INCOMPATIBLE, TWO_PEOPLE)
    assert refused.sentence("zh")


@pytest.mark.target("T30")
def test_what_excludes_what_is_the_dated_rule_of_the_place(ledger: Ledger) -> None:
    pairs = tuple(pair for pair in EXCLUSIONS if pair != ("approve", "execute"))
    lenient = Policy(name="p", version=2, exclusions=pairs)
    both = {"approver": ("u_same", ""), "giver": ("u_same", "")}
    assert played(ledger, "loan/L", both, lenient) is None


@pytest.mark.target("T24", "T30")
def test_no_rule_of_a_place_lets_one_person_confirm_both_sides(ledger: Ledger) -> None:
    sides = {"giver": ("u_same", ""), "taker": ("u_same", "")}
    refused = played(ledger, "loan/L", sides, Policy(name="p", version=3, exclusions=()))
    assert refused is not None
    assert refused.rule is TWO_PEOPLE


@pytest.mark.target("T30")
def test_every_fact_that_somebody_answers_for_says_which_duty_it_was() -> None:
    """What only frees, extends the story or repeats it carries no duty; the rest does."""
    free = {"loan.rest_withdrawn", "intake.rest_withdrawn", "lease.rest_withdrawn"}
    for kind in ("loan", "intake", "lease"):
        own = [f for f in LIFECYCLES[kind].meanings if f.type_name.startswith(f"{kind}.")]
        assert {f.type_name for f in own if not f.duty} == {n for n in free if n.startswith(kind)}
