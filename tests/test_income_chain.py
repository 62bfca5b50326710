"""The chain of a disposal's money: every link with its day and entry, and every gap by name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from doors import staffed
from test_income_board import SINCE, TODAY, Story, by, signed_in

from api import chaining
from api.chaining import Link
from api.office import Office

CASH = {"payer": "买1", "reference": "收1"}


@pytest.fixture(scope="module")
def office(module_database: str) -> Iterator[Office]:
    with staffed(module_database, on=SINCE) as opened:
        story = Story(opened)
        for name in ("approved", "listed", "failed", "sold", "assessed", "billed", "paid"):
            getattr(story, name)(name.upper())
        story.remitted("REMITTED")
        story.posted("POSTED")
        yield opened


def gaps(office: Office, case: str, on: date = TODAY) -> list[tuple[str, Any]]:
    return [
        (gap.slug, gap.said.get("n"))
        for chain in chaining.chains(office, f"disposal/{case}", on)
        for gap in chain.gaps
    ]


@pytest.mark.target("T93")
def test_every_link_has_its_day_its_amount_and_its_entry(office: Office) -> None:
    case, due = chaining.chains(office, "disposal/POSTED", TODAY)
    assert [(s.link, s.on, s.amount) for s in case.steps] == [
        (Link.APPROVED, "2025-02-01", None),
        (Link.SOLD, "2025-03-01", 8_000),
        (Link.DERECOGNISED, "2025-03-04", None),
        (Link.ASSESSED, "2025-03-05", 7_500),
        (Link.REMITTED, "2025-04-21", 7_500),
    ]
    assert [(s.link, s.on, s.amount) for s in due.steps] == [
        (Link.ASSESSED, "2025-03-05", 7_500),
        (Link.BILLED, "2025-03-20", 7_500),
        (Link.PAID, "2025-04-02", 7_500),
        (Link.REMITTED, "2025-04-21", 7_500),
        (Link.OTHER, "2025-05-01", None),
        (Link.BOOKED, "2025-05-01", 7_500),
        (Link.BOOKED, "2025-05-02", 7_500),
    ]
    assert due.stream == "due/disposal.POSTED"
    assert all(step.entry.position for step in (*case.steps, *due.steps))
    assert not case.gaps and not due.gaps


@pytest.mark.target("T93")
@pytest.mark.parametrize(
    ("case", "named"),
    [
        ("APPROVED", [("not-sold", 149)]),
        ("LISTED", [("no-deal", 130)]),
        ("FAILED", [("unsold", 112)]),
        ("SOLD", [("on-books", 121), ("not-assessed", 121)]),
        ("ASSESSED", [("unapproved", None), ("no-notice", 121)]),
        ("BILLED", [("unapproved", None), ("not-paid", 102)]),
        ("PAID", [("unapproved", None), ("not-remitted", 89)]),
        ("REMITTED", [("unapproved", None), ("not-booked", 70)]),
    ],
)
def test_every_gap_is_named_with_the_days_it_has_been_open(
    office: Office, case: str, named: list[tuple[str, Any]]
) -> None:
    assert gaps(office, case) == named


def test_the_chain_of_a_day_knows_nothing_later(office: Office) -> None:
    assert gaps(office, "POSTED", date(2025, 4, 11)) == [("unapproved", None), ("not-remitted", 9)]
    assert gaps(office, "POSTED", date(2025, 1, 31)) == []
    assert chaining.chains(office, "disposal/POSTED", date(2025, 1, 1)) == []


@pytest.mark.target("T96")
def test_what_was_carried_out_beyond_the_approval_is_a_gap_of_the_chain(office: Office) -> None:
    """Requested 71.1万, approved 54.7万, executed 71.1万 (DOMAIN.md 0.1 #4)."""
    story = Story(office)
    for id_, value in (("X1", 54_700_000), ("X2", 16_400_000)):
        card = {"asset_no": id_, "name": "设备", "kind": "computer", "unit": "o_a", "value": value}
        story.ask("2025-01-02", "clerk", f"asset/{id_}", "register_existing", **card)
    listed = {"unit": "o_a", "form": "scrap", "ground": "life_over", "minutes_no": "纪要1"}
    case = "disposal/EXCESS"
    story.ask("2025-01-20", "clerk", case, "propose", assets=["X1", "X2"], **listed)
    story.ask("2025-02-01", "finance", case, "approve", approval_no="批", amount=54_700_000)
    gone = {"recycler": "示例再生资源", "certificate": "回1"}
    story.ask("2025-02-02", "clerk", case, "scrap", asset="X1", **gone)
    why = {"assets": ["X2"], "reason": "回收证明显示已一并交售"}
    story.ask("2025-02-03", "accountant", case, "report_excess", **why)
    (chain,) = chaining.chains(office, case, TODAY)
    beyond = next(gap for gap in chain.gaps if gap.slug == "beyond")
    assert beyond.said == {"approved": 54_700_000, "executed": 71_100_000}
    page = signed_in(office, "auditor").get("/cases/disposal/EXCESS").text
    assert "执行原值¥711,000.00，超过批准的¥547,000.00" in page


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_pages_show_the_chain_and_lead_from_each_link_to_its_proof(
    office: Office, lang: str
) -> None:
    client = signed_in(office, "auditor")
    page = client.get("/cases/disposal/ASSESSED", params={"lang": lang, "on": "2025-04-11"}).text
    said = "2025-03-01成交，尚无缴款通知，已41天", "sold 2025-03-01, no notice yet, 41 days"
    assert said[lang == "en"] in page
    assert ("扣除：评估费" if lang == "zh" else "less 评估费") in page
    assert "/dues/disposal.ASSESSED" in page
    entry = re.search(r'href="(/entries/\d+)">#', page.partition('id="chain"')[2])
    assert entry is not None
    proof = client.get(entry[1], params={"lang": lang})
    assert 'id="proof"' in proof.text
    assert ("与账本的根一致" if lang == "zh" else "that is the ledger") in proof.text
    due = client.get("/dues/disposal.BILLED", params={"lang": lang}).text
    assert 'id="chain"' in due


def test_a_payment_before_the_deal_and_one_that_is_too_much_are_named(office: Office) -> None:
    story = Story(office)
    due = story.billed("EARLY")
    said = {"amount": 8_000, "payer": "买1", "reference": "到早"}
    office.ask(due, "record_transfer", said, by("accountant"), on=date(2025, 3, 25))
    assert ("too-much", None) in gaps(office, "EARLY")
