"""Every case that is not over has a step that is open: whose, since when, due by which day (T34)."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from doors import CARD, Door, app_of, staffed
from fastapi.testclient import TestClient
from sqlalchemy import RowMapping
from typer.testing import CliRunner

from api import cli, open_cases
from api.app import create_app
from api.office import Actor, Office
from domain import leasing, lending, open_steps, warehouse
from domain.approval import Endorsed, ReturnedForCorrection, RouteLaid, Stage
from domain.decider import LIFECYCLES, Document, Event
from domain.handover import HandedOut
from domain.lease_terms import LeaseExtensionApproved, LeaseExtensionRequested
from domain.leasing import (
    AgreementSigned,
    LeaseApproved,
    LeaseDelivered,
    LeaseItemReturned,
    LeaseRefused,
    LeaseRequested,
    LeaseWithdrawn,
    RentAssessed,
    RentPeriod,
    RentRemitted,
)
from domain.lending import (
    LoanApproved,
    LoanHandedOver,
    LoanItemReturned,
    LoanRefused,
    LoanRequested,
    LoanWithdrawn,
    ReturnResult,
)
from domain.open_steps import OpenStep, open_step
from domain.warehouse import (
    Books,
    IntakeApplied,
    IntakeApproved,
    IntakeGround,
    IntakeItemReceived,
    IntakeRefused,
    IntakeWithdrawn,
)
from projections import cases
from projections.scope import EVERYTHING, Scope

DUE = date(2025, 8, 31)
CARRIERS = ("clerk", "keeper")
HEADS, OFFICES = ("head", "office"), ("office", "finance")
laid = RouteLaid(
    policy="place@1",
    stages=(Stage(role="head", unit="o_b", days=5), Stage(role="office", unit="o_goa")),
)

# Whose turn it is ---------------------------------------------------------------

lent = LoanRequested(
    applicant="u_b", lender="o_a", borrower="o_b", assets=("A", "B"), due=DUE, purpose="培训"
)
yes = LoanApproved(approval_no="借1")
sent_a = HandedOut(asset="A", giver="u_a")
both_out = (LoanHandedOver(asset="A"), LoanHandedOver(asset="B"))
back_a = LoanItemReturned(asset="A", result=ReturnResult.SOUND)
back_b = LoanItemReturned(asset="B", result=ReturnResult.SOUND)
LOAN: list[tuple[tuple[Event, ...], OpenStep | None]] = [
    ((), None),
    ((lent,), OpenStep(verb="approve", roles=HEADS)),
    ((lent, laid), OpenStep(verb="endorse", roles=("head",), unit="o_b", days=5)),
    ((lent, laid, Endorsed()), OpenStep(verb="approve", roles=("office",), unit="o_goa")),
    (
        (lent, laid, ReturnedForCorrection(reason="改")),
        OpenStep(verb="resubmit", roles=("clerk",), unit="o_b"),
    ),
    ((lent, LoanRefused(reason="无")), None),
    ((lent, LoanWithdrawn(reason="无")), None),
    ((lent, yes), OpenStep(verb="hand_out", roles=CARRIERS, unit="o_a")),
    ((lent, yes, sent_a), OpenStep(verb="take_in", roles=CARRIERS, unit="o_b")),
    ((lent, yes, both_out[0]), OpenStep(verb="hand_out", roles=CARRIERS, unit="o_a")),
    ((lent, yes, *both_out), OpenStep(verb="hand_back", roles=CARRIERS, unit="o_b", due=DUE)),
    (
        (lent, yes, *both_out, HandedOut(asset="A", giver="u_b")),
        OpenStep(verb="inspect_return", roles=CARRIERS, unit="o_a"),
    ),
    ((lent, yes, *both_out, back_a, back_b), None),
]
offered = IntakeApplied(
    applicant="u_a", unit="o_a", ground=IntakeGround.IDLE, warehouse="p_wh", assets=("A", "B")
)
into = IntakeApproved(keeper_unit="o_wh", virtual=False, books=Books.CUSTODY_ONLY)
virtually = IntakeApproved(keeper_unit="o_wh", virtual=True, books=Books.CUSTODY_ONLY)
receiving = OpenStep(verb="take_in", roles=("keeper",), unit="o_wh")
got = tuple(IntakeItemReceived(asset=a) for a in ("A", "B"))
INTAKE: list[tuple[tuple[Event, ...], OpenStep | None]] = [
    ((offered,), OpenStep(verb="approve", roles=OFFICES)),
    ((offered, IntakeRefused(reason="满")), None),
    ((offered, IntakeWithdrawn(reason="无")), None),
    ((offered, into), OpenStep(verb="hand_out", roles=CARRIERS, unit="o_a")),
    ((offered, into, sent_a), receiving),
    ((offered, virtually), receiving),
    ((offered, into, *got), None),
]
let = LeaseRequested(
    applicant="u_a",
    lessor="o_a",
    lessee="示例印务有限公司",
    assets=("A",),
    due=DUE,
    rent=1,
    per=RentPeriod.MONTH,
    purpose="闲置",
)
agreed = LeaseApproved(approval_no="租1")
signed = AgreementSigned(agreement="协1", rent=1, per=RentPeriod.MONTH, due=DUE)
delivered = LeaseDelivered(asset="A")
longer = LeaseExtensionRequested(applicant="u_a", due=date(2025, 10, 31), rent=1, reason="续")
over = LeaseItemReturned(asset="A", result=ReturnResult.SOUND)
assessed = RentAssessed(amount=5, since=DUE, until=DUE)
LEASE: list[tuple[tuple[Event, ...], OpenStep | None]] = [
    ((let,), OpenStep(verb="approve", roles=OFFICES)),
    ((let, LeaseRefused(reason="无")), None),
    ((let, LeaseWithdrawn(reason="无")), None),
    ((let, agreed), OpenStep(verb="sign", roles=("clerk",), unit="o_a")),
    ((let, agreed, signed), OpenStep(verb="hand_out", roles=CARRIERS, unit="o_a")),
    (
        (let, agreed, signed, sent_a),
        OpenStep(verb="confirm_delivery", roles=CARRIERS, unit="o_a"),
    ),
    (
        (let, agreed, signed, delivered),
        OpenStep(verb="hand_back", roles=CARRIERS, unit="o_a", due=DUE),
    ),
    (
        (let, agreed, signed, delivered, sent_a),
        OpenStep(verb="take_back", roles=CARRIERS, unit="o_a"),
    ),
    ((let, agreed, signed, delivered, longer), OpenStep(verb="approve_extension", roles=OFFICES)),
    (
        (let, agreed, signed, delivered, longer, laid),
        OpenStep(verb="endorse", roles=("head",), unit="o_b", days=5),
    ),
    (
        (let, agreed, signed, delivered, longer, LeaseExtensionApproved(approval_no="续1")),
        OpenStep(verb="sign_extension", roles=("clerk",), unit="o_a"),
    ),
    (
        (let, agreed, signed, delivered, assessed, over),
        OpenStep(verb="remit_rent", roles=("accountant",), unit="o_a"),
    ),
    (
        (let, agreed, signed, delivered, assessed, over, RentRemitted(amount=5, voucher="缴1")),
        None,
    ),
]


@pytest.mark.target("T34")
@pytest.mark.parametrize(
    ("kind", "history", "step"),
    [
        (kind, history, step)
        for kind, told in (("loan", LOAN), ("intake", INTAKE), ("lease", LEASE))
        for history, step in told
    ],
)
def test_whoever_must_act_next_is_named(
    kind: str, history: tuple[Event, ...], step: OpenStep | None
) -> None:
    assert open_step(LIFECYCLES[kind].fold(history)) == step


@pytest.mark.target("T34")
def test_every_kind_of_case_says_what_is_next_and_names_a_step_there_is() -> None:
    assert {LIFECYCLES[kind].state for kind in cases.KINDS} <= open_steps.kinds()
    for module, told in ((lending, LOAN), (warehouse, INTAKE), (leasing, LEASE)):
        named = {step.verb for _, step in told if step is not None}
        assert named <= set(module.lifecycle.verbs)
        assert not any(module.lifecycle.verbs[verb].inner for verb in named)


@pytest.mark.parametrize("kind", ["loan", "intake", "lease"])
def test_no_status_but_a_last_one_is_without_a_step(kind: str) -> None:
    told = {"loan": LOAN, "intake": INTAKE, "lease": LEASE}[kind]
    life = LIFECYCLES[kind]
    open_in = {life.fold(history).status for history, step in told if step is not None}
    over_in = {life.fold(history).status for history, step in told if step is None}
    every: Any = type(life.state().status)
    assert open_in | over_in | {every("none")} == set(every)
    last = {"none", "refused", "withdrawn", "closed", "received"}
    assert {status.value for status in over_in} <= last


# How long it has waited -----------------------------------------------------------

MAY = date(2026, 5, 4)
SLIP = (Document(type="hand_over_slip", number="交1"),)
Said = dict[str, Any]


@dataclass
class Story:
    """An office where an intake is under way, asked as of any day."""

    office: Office

    def ask(self, who: str, verb: str, on: date, form: Said, docs: Any = ()) -> None:
        actor = Actor(person=f"u_{who}", unit="o_x", role=who)
        stream = "asset/A1" if verb in ("register_existing", "declare_idle") else "intake/I1"
        self.office.ask(stream, verb, form, actor, on=on, docs=docs)

    def rows(self, on: date, scope: Scope = EVERYTHING, **asked: Any) -> list[RowMapping]:
        return self.office.models.rows(cases.open_steps(scope, on, **asked))

    def told(self, on: date, **asked: Any) -> list[tuple[str, tuple[str, ...], int, bool]]:
        steps = [open_cases.opened(row, on) for row in self.rows(on, **asked)]
        return [(s.step, s.roles, s.age_days, s.overdue) for s in steps]


@pytest.fixture
def story(database: str) -> Iterator[Story]:
    with staffed(database) as office:
        told = Story(office)
        admin = Actor(person="u_admin", unit="o_a", role="admin")
        unit = {"name": "示例市教育局", "kind": "organ"}  # was there before what it asks for
        office.ask("unit/o_x", "establish", unit, admin, on=MAY - timedelta(days=9))
        told.ask("clerk", "register_existing", MAY, CARD | {"unit": "o_x"})
        told.ask("clerk", "declare_idle", MAY, {})
        form = {"unit": "o_x", "ground": "idle", "warehouse": "p_wh", "assets": ["A1"]}
        told.ask("clerk", "apply", MAY, form)
        yield told


@pytest.mark.target("T34")
def test_what_nobody_moves_appears_with_its_owner_and_its_age(story: Story) -> None:
    ten_days = MAY + timedelta(days=10)
    assert story.told(ten_days) == [("approve", OFFICES, 10, False)]
    assert story.told(ten_days, days=10) == [("approve", OFFICES, 10, False)]
    assert story.told(ten_days, days=11) == []
    assert story.told(ten_days, role="office") == [("approve", OFFICES, 10, False)]
    assert story.told(ten_days, role="off") == []
    assert story.told(MAY - timedelta(days=1)) == []
    assert story.told(ten_days, overdue=True) == []  # where the place sets no time nothing is late
    assert story.rows(ten_days, Scope(frozenset({"o_z"}))) == []
    assert len(story.rows(ten_days, Scope(frozenset({"o_x"})))) == 1


@pytest.mark.target("T24", "T34")
def test_what_one_side_gave_out_and_nobody_took_in_stays_on_the_list(story: Story) -> None:
    story.ask("office", "approve", MAY + timedelta(days=1), {"keeper_unit": "o_x"})
    given_out = MAY + timedelta(days=2)
    story.ask("clerk", "hand_out", given_out, {"assets": ["A1"]}, SLIP)
    a_month_on = given_out + timedelta(days=30)
    assert story.told(a_month_on) == [("take_in", ("keeper",), 30, False)]
    row = story.office.models.rows(cases.one("intake/I1"))[0]
    assert (row["step_unit"], row["step_since"]) == ("o_x", given_out.isoformat())
    story.ask("keeper", "take_in", a_month_on, {"assets": ["A1"]}, SLIP)
    assert story.told(a_month_on) == []


@pytest.mark.target("T34")
def test_a_day_that_is_past_makes_a_step_overdue() -> None:
    """The last day itself is in time."""
    lost = {"kind": "loan", "status": "running", "step": "hand_back", "step_roles": "clerk"}
    row: Any = lost | {"id": "loan/L", "step_unit": "o_x", "step_since": "2025-08-01", "number": ""}
    late = row | {"step_due": DUE.isoformat()}
    assert not open_cases.opened(late, DUE).overdue
    assert open_cases.opened(late, DUE + timedelta(days=1)).overdue
    assert not open_cases.opened(row | {"step_due": ""}, DUE).overdue
    timed = lending.lifecycle.fold([lent, laid])
    assert cases.waits(timed, "2026-05-04") == (
        "endorse",
        "head",
        "o_b",
        "2026-05-04",
        "2026-05-09",
    )


def test_pages_of_open_steps_follow_one_another(story: Story) -> None:
    assert story.rows(MAY, after=("2026-05-03", "x/1"), limit=1)
    assert not story.rows(MAY, after=("2026-05-04", "intake/I1"), limit=1)
    assert open_cases.after_of("2026-05-04~intake/I1") == ("2026-05-04", "intake/I1")
    for wrong in ("x", "2026-05-04", "2026-05~intake/I1", "2026-05-04~I1"):
        with pytest.raises(ValueError, match=r".+"):
            open_cases.after_of(wrong)


def test_programs_and_the_command_line_see_the_same(
    story: Story, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = Door(app_of(story.office))
    found = door.get("open-steps", on="2026-05-14").json()
    assert found["on"] == "2026-05-14"
    assert [(i["case"], i["step"], i["age_days"]) for i in found["items"]] == [
        ("intake/I1", "approve", 10)
    ]
    assert door.get("open-steps", on="2026-05-14", days=11).json()["items"] == []
    assert door.get("open-steps", kind="cake").status_code == 422
    assert door.get("open-steps", after="x").status_code == 422
    monkeypatch.setenv("GONGWU_DATABASE", database)
    for line, expected in (
        ("--lang zh cases --on 2026-05-14", ["intake/I1", "同意入仓", "10", "未规定"]),
        ("--lang en cases --on 2026-05-14 --stuck", ["No step is open."]),
        ("--json cases --on 2026-05-14", ['"age_days": 10']),
    ):
        result = CliRunner().invoke(cli.app, shlex.split(line))
        assert result.exit_code == 0, result.output
        assert all(text in result.output for text in expected), result.output


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("zh", ["待办步骤", "同意入仓", "机关事务管理、财政部门", "未规定", "在途资产"]),
        ("en", ["Open steps", "Approve the intake", "offices administration", "not set"]),
    ],
)
def test_the_page_names_step_owner_age_and_due_day(
    story: Story, lang: str, words: list[str]
) -> None:
    office = story.office
    client = TestClient(create_app(office.settings, office), follow_redirects=False)
    account = next(a for a in office.accounts.all() if a.login == "office")
    client.cookies.set("session", office.accounts.sign_in(account))
    client.cookies.set("lang", lang)
    page = client.get("/open-steps")
    assert page.status_code == 200
    assert all(word in page.text for word in words)
    assert 'href="/cases/intake/I1"' in page.text
    assert 'href="/cases/intake/I1"' in client.get("/open-steps?mine=1&days=1").text
    assert "/cases/intake/I1" not in client.get("/open-steps?overdue=1").text
    assert "/cases/intake/I1" not in client.get("/open-steps?kind=loan").text
    assert client.get("/open-steps?after=x").status_code == 404
    assert 'href="/open-steps"' in client.get("/cases").text
