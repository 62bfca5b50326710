"""An auditor's questions are asked of the entries alone: planted faults are found, nothing else is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from books import unguarded
from msgspec.structs import replace
from typer.testing import CliRunner

from api import city, finding
from api.cli import app
from api.cli_terminal import OK, REFUSED
from api.office import Office
from api.settings import Settings
from domain.asset import AssetRegistered, Kind
from domain.decider import EntryReversed, Event, Lang
from domain.disposal import (
    AssetDerecognised,
    DisposalApproved,
    DisposalProposed,
    ExcessFound,
    ExcessRuledOn,
    IncomeAssessed,
    ListValued,
    RemittedToTreasury,
    Sold,
    TermsLaid,
)
from domain.due import (
    DueAssessed,
    DueRemitted,
    Income,
    RemittanceWithdrawn,
    TransferRecorded,
)
from domain.exchanging import (
    BalanceAssessed,
    BooksExchanged,
    ExchangeApproved,
    ExchangeRequested,
    ExchangeSigned,
    Payer,
    PieceDelivered,
    PieceReceived,
)
from domain.leaving import Derecognised, Form, Ground, LeftForGood
from domain.lending import AssetLent, LoanApproved, LoanHandedOver, LoanRequested
from domain.period import PeriodClosed
from domain.policy import GENERIC, DisposalForm, Policy, RemitFrom
from domain.selling import Appraised
from domain.unit import UnitEstablished, UnitKind
from domain.use import DeclaredIdle, IssuedToUser
from ledger import findings as looking
from ledger.book import Book
from ledger.entry import Corrects, Draft, Via
from ledger.findings import CHECKS, IMPORTER, LATE_DAYS, Finding, findings, published

NOW = datetime(2025, 6, 30, 4, tzinfo=UTC)
TODAY = date(2025, 6, 30)
STRICT = replace(GENERIC, name="strict", version=1, remit_days=30)
ON_RECEIPT = replace(STRICT, name="receipt", remit_from=RemitFrom.RECEIVED)
RULES = {"generic@1": GENERIC, "strict@1": STRICT, "receipt@1": ON_RECEIPT}


class Clock:
    """A clock that goes on by a second at every look, unless it is turned."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def book(database: str, clock: Clock) -> Iterator[Book]:
    book = Book.open(database, clock=clock)
    yield book
    book.close()


def write(
    book: Book,
    stream: str,
    *facts: Event,
    on: str = "2025-06-28",
    by: str = "u_1",
    policy: str = "generic@1",
    unit: str = "o_1",
    role: str = "clerk",
    corrects: int = 0,
) -> None:
    """Write entries past every rule, as somebody with the database in hand could."""
    version = book.stream(stream).version
    for number, fact in enumerate(facts, 1):
        draft = Draft(
            stream=stream,
            seq=version + number,
            event=fact,
            actor=by,
            cause=f"cmd_{stream.replace('/', '_')}_{version + number}",
            effective_at=f"{on}T00:00:00+08:00",
            via=Via(unit=unit, role=role, channel="web", policy=policy),
            corrects=Corrects(corrects, stream) if corrects else None,
        )
        book.append([draft], actor=by, cause=draft.cause)


def ask(book: Book, **options: Any) -> dict[str, list[Finding]]:
    """Return what is found, by check; `named` knows the rules of this test alone."""
    found = findings(book, TODAY, named=RULES.get, **options)
    by_check: dict[str, list[Finding]] = {}
    for one in found.found:
        by_check.setdefault(one.check, []).append(one)
    assert {check: len(some) for check, some in by_check.items()} == found.counts
    return by_check


proposed = DisposalProposed(
    applicant="u_1",
    unit="o_1",
    form=Form.SALE,
    ground=Ground.IDLE,
    minutes_no="纪1",
    assets=("A", "B"),
)
approved = DisposalApproved(approval_no="批1", assets=("A",), valid_until=date(2025, 12, 31))
sold = Sold(asset="A", price=1000, buyer="买", deal_no="成1")
card = AssetRegistered(asset_no="1", name="车", kind=Kind.VEHICLE, unit="o_1")


def right(book: Book) -> None:
    """A disposal as it should be, by four people, from proposal to treasury."""
    write(book, "unit/o_1", UnitEstablished(name="示例局", kind=UnitKind.ORGAN))
    write(book, "asset/A", card)
    write(book, "disposal/D", proposed, by="u_1")
    write(book, "disposal/D", approved, by="u_2")
    write(book, "disposal/D", sold, by="u_3")
    write(book, "asset/A", LeftForGood(form=Form.SALE, case="disposal/D"), by="u_3")
    write(book, "disposal/D", AssetDerecognised(asset="A", voucher="记1"), by="u_3")
    write(book, "asset/A", Derecognised(voucher="记1"), by="u_3")
    write(book, "disposal/D", IncomeAssessed(gross=1000, net=1000), by="u_4", policy="strict@1")
    paid = RemittedToTreasury(amount=1000, voucher="缴1", treasury_on=date(2025, 6, 28))
    write(book, "disposal/D", paid, by="u_5")


def test_what_was_done_right_raises_no_question(book: Book) -> None:
    right(book)
    assert ask(book) == {}


def test_an_exchange_that_was_done_right_raises_no_question(book: Book) -> None:
    exchanged(book)
    assert ask(book) == {}


def unapproved(book: Book) -> None:
    write(book, "disposal/X", proposed)
    write(book, "disposal/X", approved, by="u_2")
    write(book, "disposal/X", Sold(asset="B", price=1), by="u_3")


def without_proposal(book: Book) -> None:
    write(book, "disposal/X", sold)


def after_approval(book: Book) -> None:
    write(book, "disposal/X", proposed, on="2025-01-05")
    lapsed = replace(approved, valid_until=date(2025, 6, 1))
    write(book, "disposal/X", lapsed, on="2025-01-06", by="u_2")
    write(book, "disposal/X", sold, by="u_3")


def beyond_amount(book: Book) -> None:
    write(book, "disposal/X", proposed)
    write(
        book, "disposal/X",
        ListValued(values=(500, 700), kinds=("vehicle", "vehicle"), amount=1200),
    )  # fmt: skip
    both = replace(approved, assets=("A", "B"), amount=600)
    write(book, "disposal/X", both, by="u_2")
    write(book, "disposal/X", sold, Sold(asset="B", price=1), by="u_3")


def excess(book: Book) -> None:
    write(book, "disposal/X", proposed)
    write(book, "disposal/X", approved, by="u_2")
    write(book, "disposal/X", ExcessFound(asset="B", value=None, reason="超"), by="u_3")


def excess_never_found(book: Book) -> None:
    write(book, "disposal/X", proposed)
    write(book, "disposal/X", ExcessRuledOn(asset="B", approval_no="批"), by="u_2")


def derecognised_first(book: Book) -> None:
    write(book, "disposal/X", proposed)
    write(book, "disposal/X", AssetDerecognised(asset="A", voucher="记"), by="u_2")


def left_without(book: Book) -> None:
    write(book, "asset/Z", card, LeftForGood(form=Form.SCRAP, case="disposal/none"))


def derecognised_alone(book: Book) -> None:
    write(book, "asset/Z", card, Derecognised(voucher="记9"))


def lent_alone(book: Book) -> None:
    lent = AssetLent(borrower="o_2", due=date(2025, 12, 1), case="loan/none")
    write(book, "asset/Z", card, lent)


def handed_unapproved(book: Book) -> None:
    asked = LoanRequested(
        applicant="u_1", lender="o_1", borrower="o_2", assets=("A",), due=date(2025, 12, 1),
        purpose="会议",
    )  # fmt: skip
    write(book, "loan/X", asked)
    write(book, "loan/X", LoanHandedOver(asset="A"), by="u_2")


swap = ExchangeRequested(
    applicant="u_1", unit="o_1", outsider="示例公司", assets=("A",), needed="会议系统",
    ground=Ground.IDLE, minutes_no="纪1",
)  # fmt: skip
swapped = (
    ("u_1", swap),
    ("u_2", ExchangeApproved(approval_no="批1")),
    ("u_3", ExchangeSigned(agreement="协1", boot=1000, payer=Payer.PARTNER, pieces=1)),
    ("u_3", PieceDelivered(asset="A")),
    ("u_3", PieceReceived(asset="N", item="会议系统")),
    ("u_3", BooksExchanged(asset="A", out_voucher="记1")),
)


def exchanged(book: Book) -> None:
    """An exchange with somebody outside as it should be, up to the balance."""
    write(book, "unit/o_1", UnitEstablished(name="示例局", kind=UnitKind.ORGAN))
    write(book, "asset/A", card)
    for by, fact in swapped:
        write(book, "exchange/X", fact, by=by)
    write(book, "asset/A", LeftForGood(form=Form.EXCHANGE, case="exchange/X"), by="u_3")
    write(book, "asset/A", Derecognised(voucher="记1"), by="u_3")


def balance_outstanding(book: Book) -> None:
    exchanged(book)
    write(book, "exchange/X", BalanceAssessed(unit="o_1", gross=1000, net=1000), by="u_4")


def exchanged_unsigned(book: Book) -> None:
    for by, fact in (*swapped[:2], swapped[3]):
        write(book, "exchange/X", fact, by=by)


def handed_off_list(book: Book) -> None:
    handed_unapproved(book)
    write(book, "loan/Y", book.stream("loan/X").entries[0].event)
    write(book, "loan/Y", LoanApproved(approval_no="借1"), by="u_2")
    write(book, "loan/Y", LoanHandedOver(asset="OTHER"), by="u_3")


def unappraised(book: Book) -> None:
    write(book, "disposal/X", proposed)
    write(book, "disposal/X", TermsLaid(policy="generic@1", appraisal=True))
    write(book, "disposal/X", approved, by="u_2")
    write(book, "disposal/X", sold, by="u_3")


def misstated(book: Book) -> None:
    right(book)
    write(book, "disposal/E", proposed)
    write(book, "disposal/E", approved, by="u_2")
    write(book, "disposal/E", sold, by="u_3")
    write(book, "disposal/E", IncomeAssessed(gross=900, net=0), by="u_4")


def too_much(book: Book) -> None:
    right(book)
    more = RemittedToTreasury(amount=1, voucher="缴2", treasury_on=date(2025, 6, 28))
    write(book, "disposal/D", more, by="u_5")


def income(book: Book, policy: str, assessed: str) -> None:
    write(book, "disposal/E", proposed, on="2025-01-02")
    write(book, "disposal/E", approved, by="u_2", on="2025-01-02")
    write(book, "disposal/E", sold, by="u_3", on="2025-01-02")
    fact = IncomeAssessed(gross=1000, net=1000)
    write(book, "disposal/E", fact, by="u_4", on=assessed, policy=policy)


def overdue(book: Book) -> None:
    income(book, "strict@1", "2025-05-30")


def outstanding(book: Book) -> None:
    income(book, "generic@1", "2025-05-30")


def remitted_late(book: Book) -> None:
    income(book, "strict@1", "2025-05-01")
    paid = RemittedToTreasury(amount=1000, voucher="缴1", treasury_on=date(2025, 6, 2))
    write(book, "disposal/E", paid, by="u_5", on="2025-06-20")


def received(book: Book, *facts: tuple[str, Event], assessed: str = "2025-03-01") -> None:
    """Let money be owed where the days count from the receipt, and what came after on its day."""
    fact = DueAssessed(
        origin=None, income=Income.OTHER, unit="o_1", biller="u_4", gross=1000, net=1000,
        assessed_on=date.fromisoformat(assessed),
    )  # fmt: skip
    write(book, "due/E", fact, by="u_4", on=assessed, policy="receipt@1")
    for day, told in facts:
        write(book, "due/E", told, by="u_5", on=day)


def transfer(amount: int) -> TransferRecorded:
    return TransferRecorded(amount=amount, payer="买", reference="银")


def sent_in(amount: int, day: str) -> DueRemitted:
    return DueRemitted(amount=amount, voucher="缴1", treasury_on=date.fromisoformat(day))


def held_too_long(book: Book) -> None:
    received(book, ("2025-05-30", transfer(400)))


def held_and_sent_late(book: Book) -> None:
    received(book, ("2025-05-01", transfer(400)), ("2025-06-20", sent_in(400, "2025-06-01")))


def not_come_in(book: Book) -> None:
    received(book)


def same_person(book: Book) -> None:
    write(book, "disposal/X", proposed)
    write(book, "disposal/X", approved, by="u_1")


def unpublished(book: Book) -> None:
    write(book, "asset/Z", card, policy="nowhere@7")


def back_dated(book: Book) -> None:
    write(book, "asset/Z", card, on="2025-06-20")
    write(book, "asset/Z", DeclaredIdle(since=date(2025, 6, 1)), on="2025-06-19")


def late(book: Book) -> None:
    write(book, "asset/Z", card, on=(TODAY - timedelta(days=LATE_DAYS + 1)).isoformat())


def stuck(book: Book) -> None:
    write(book, "disposal/X", proposed, on="2025-06-01")
    lapses = replace(approved, valid_until=date(2025, 6, 29))
    write(book, "disposal/X", lapses, by="u_2", on="2025-06-02")


def clock_put_back(book: Book) -> None:
    write(book, "asset/Z", card)
    clock = book.clock
    book.clock = lambda: NOW - timedelta(hours=1)
    write(book, "asset/Z", DeclaredIdle(since=TODAY))
    book.clock = clock


def clock_ahead(book: Book) -> None:
    clock = book.clock
    book.clock = lambda: NOW + timedelta(days=3)
    write(book, "asset/Z", card)
    book.clock = clock


def closed_before(book: Book) -> None:
    write(book, "period/o_1", PeriodClosed(until=date(2025, 5, 31)), on="2025-06-02")
    write(book, "asset/Y", replace(card, asset_no="Y"), on="2025-06-01")
    write(book, "asset/Z", replace(card, asset_no="Z"), on="2025-06-02", unit="o_2")
    write(book, "asset/X", replace(card, asset_no="X"), on="2025-05-31")
    write(book, "asset/W", replace(card, asset_no="W"), on="2025-05-31", unit="o_2")


PLANTED: list[tuple[str, Callable[[Book], None], int]] = [
    ("executed-unapproved", unapproved, 1),
    ("executed-unapproved", without_proposal, 1),
    ("executed-after-approval", after_approval, 1),
    ("executed-beyond-amount", beyond_amount, 1),
    ("excess-found", excess, 1),
    ("excess-ruled-unfound", excess_never_found, 1),
    ("derecognised-unexecuted", derecognised_first, 1),
    ("left-unexecuted", left_without, 1),
    ("derecognised-alone", derecognised_alone, 1),
    ("lent-alone", lent_alone, 1),
    ("handed-unapproved", handed_unapproved, 1),
    ("handed-unapproved", handed_off_list, 2),
    ("handed-unapproved", exchanged_unsigned, 1),
    ("unappraised", unappraised, 1),
    ("income-misstated", misstated, 1),
    ("remitted-beyond-due", too_much, 1),
    ("income-overdue", overdue, 1),
    ("income-outstanding", outstanding, 1),
    ("income-outstanding", balance_outstanding, 1),
    ("income-late", remitted_late, 1),
    ("income-overdue", held_too_long, 1),
    ("income-late", held_and_sent_late, 1),
    ("income-outstanding", not_come_in, 1),
    ("duties", same_person, 1),
    ("unknown-rules", unpublished, 1),
    ("back-dated", back_dated, 1),
    ("late-entry", late, 1),
    ("stuck", stuck, 1),
    ("clock-stood", clock_put_back, 1),
    ("clock-ahead", clock_ahead, 1),
    ("closed-period", closed_before, 1),
]


@pytest.mark.parametrize(
    ("check", "plant", "count"), PLANTED, ids=[plant.__name__ for _, plant, _ in PLANTED]
)
def test_a_planted_fault_is_found_with_the_entry_that_shows_it(
    book: Book, check: str, plant: Callable[[Book], None], count: int
) -> None:
    plant(book)
    found = ask(book)
    assert len(found.get(check, [])) == count, found
    for one in found[check]:
        entry = next(book.entries(one.position, one.position))
        assert (entry.stream, entry.effective_on) == (one.stream, one.on)


def test_the_day_on_which_income_is_due_is_still_in_time(book: Book) -> None:
    """Both sides of the boundary: thirty days after is in time, the day after is not."""
    income(book, "strict@1", "2025-05-31")
    assert "income-overdue" not in ask(book)
    assert "income-outstanding" in ask(book)


def test_where_days_count_from_the_receipt_only_what_came_in_is_late(book: Book) -> None:
    """Both sides of the boundary, of the part that came in, and the case itself is not late."""
    income(book, "receipt@1", "2025-03-01")
    received(book, ("2025-05-31", transfer(300)), ("2025-06-02", transfer(700)))
    found = ask(book)
    assert "income-overdue" not in found and "income-late" not in found
    assert [one.stream for one in found["income-outstanding"]] == ["due/E"]
    tomorrow = findings(book, TODAY + timedelta(days=1), named=RULES.get).found
    late = [one for one in tomorrow if one.check == "income-overdue"]
    assert [(one.details["amount"], one.details["due"]) for one in late] == [(300, "2025-06-30")]


def test_a_remittance_to_the_day_is_in_time_and_one_withdrawn_is_none(book: Book) -> None:
    wrong = RemittanceWithdrawn(amount=400, voucher="缴1", reason="误记")
    received(
        book,
        ("2025-05-01", transfer(400)),
        ("2025-06-10", sent_in(400, "2025-06-05")),
        ("2025-06-11", wrong),
        ("2025-06-12", sent_in(400, "2025-05-31")),
    )
    found = ask(book)
    assert "income-late" not in found and "income-overdue" not in found
    assert "income-outstanding" in found  # the rest never came in


def test_what_was_appraised_first_is_in_order(book: Book) -> None:
    write(book, "disposal/X", proposed)
    write(book, "disposal/X", TermsLaid(policy="generic@1", appraisal=True))
    write(book, "disposal/X", approved, by="u_2")
    value = Appraised(
        assets=("A",), appraiser="评", value=900, base_date=TODAY, report_no="评1"
    )  # fmt: skip
    write(book, "disposal/X", value, by="u_3")
    write(book, "disposal/X", sold, by="u_3")
    assert "unappraised" not in ask(book)


def test_what_was_taken_back_raises_no_question(book: Book) -> None:
    unapproved(book)
    last = book.stream("disposal/X").entries[-1].seq
    taken_back = EntryReversed(seq=last, reason="误记")
    write(book, "disposal/X", taken_back, corrects=last, by="u_4")
    assert ask(book) == {}


def test_what_was_taken_back_does_not_make_what_follows_back_dated(book: Book) -> None:
    """What stands is asked, not what was once written: the wrong date was reversed."""
    write(book, "asset/Z", card, on="2025-06-20")
    write(book, "asset/Z", DeclaredIdle(since=TODAY), on="2025-06-28")
    taken_back = EntryReversed(seq=2, reason="日期误记")
    write(book, "asset/Z", taken_back, corrects=2, on="2025-06-28")
    write(book, "asset/Z", DeclaredIdle(since=TODAY), on="2025-06-21")
    assert ask(book) == {}


def test_a_published_register_that_names_no_approval_is_told_once(book: Book) -> None:
    """Registers say what was sold, not who approved: told as a note, never as a fault."""
    write(book, "disposal/X", proposed, sold, role=IMPORTER)
    left = LeftForGood(form=Form.SALE, case="disposal/none")
    write(book, "asset/Z", card, left, role=IMPORTER)
    write(book, "disposal/Y", proposed, role=IMPORTER)  # nothing carried out: nothing to compare
    found = ask(book)
    assert found.keys() == {"registers", "loaded"}
    assert found["registers"][0].details == {"cases": 1, "entries": 1}
    assert found["loaded"][0].details["entries"] == 5


def test_published_rules_are_looked_up_once_by_name(book: Book) -> None:
    """Nobody published any here: every reference is unknown, the first as well as the next."""
    named = published(book)
    assert [named(reference) for reference in ("x@1", "x@2", "y@1")] == [None] * 3


def test_findings_of_one_kind_are_counted_in_full_and_kept_up_to_a_bound(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "EACH_MAX", 2)
    for name in "XYZ":
        write(book, f"asset/{name}", replace(card, asset_no=name), on="2025-01-01")
    told: list[tuple[int, int]] = []
    found = findings(
        book, TODAY, named=RULES.get, progress=lambda done, of: told.append((done, of))
    )
    assert (found.counts, len(found.found), found.grave) == ({"late-entry": 3}, 2, 3)
    assert told == [(3, 3)]


def test_a_clock_that_went_back_is_found_in_entries_that_were_rewritten(
    book: Book, database: str
) -> None:
    """The ledger itself never writes an earlier time: only somebody with the database does."""
    right(book)
    last = list(book.entries())[-1]
    earlier = last.recorded_at.replace("2025", "2024")
    state = last.state.replace(last.recorded_at.encode(), earlier.encode())
    assert state != last.state
    with unguarded(database) as execute:
        execute("UPDATE ledger_entry SET state=? WHERE notification_id=?", state, last.position)
    (one,) = ask(book)["clock-back"]
    assert one.position == last.position
    assert str(one.details["at"]) < str(one.details["before"])


def test_a_tail_that_is_gone_is_a_gap_of_the_whole_log(book: Book, database: str) -> None:
    right(book)
    size = book.head()[0]
    with unguarded(database) as execute:
        execute("DELETE FROM ledger_entry WHERE notification_id>?", size - 2)
    (one,) = ask(book)["position-gap"]
    assert (one.position, one.details) == (0, {"position": size + 1, "missing": 2})


def test_how_late_is_late_may_be_asked(book: Book) -> None:
    write(book, "asset/Z", card, on="2025-06-25")
    assert ask(book) == {}
    (one,) = ask(book, late_days=4)["late-entry"]
    assert one.details["days"] == 5
    assert "late-entry" not in ask(book, late_days=5)


def test_entries_that_are_not_there_leave_gaps(book: Book, database: str) -> None:
    """Somebody who takes an entry out of the database leaves its position and number empty."""
    right(book)
    write(book, "asset/A", IssuedToUser(unit="o_1", user="u_9"), DeclaredIdle(since=TODAY))
    size = book.head()[0]
    with unguarded(database) as execute:
        execute("DELETE FROM ledger_entry WHERE notification_id=?", size - 1)
    found = ask(book)
    assert found["position-gap"][0].position == size
    assert found["seq-gap"][0].position == size


def test_what_nobody_outside_can_vouch_for_is_told_when_it_is_more_than_may_be(
    book: Book, clock: Clock
) -> None:
    right(book)
    size, _, at = book.head()
    assert ask(book, witnessed=lambda: (size, at)) == {}
    assert ask(book, witnessed=lambda: (size - 1, at)) == {}
    clock.now += timedelta(minutes=2)
    (one,) = ask(book, witnessed=lambda: (size - 1, at))["unwitnessed"]
    assert one.position == size and one.details["entries"] == 1
    assert ask(book, witnessed=lambda: None)["unwitnessed"][0].details["entries"] == size


@pytest.mark.either_backend("which questions a story raises; each question is asked of both here")
def test_the_demonstration_raises_the_questions_its_story_means_to_raise(
    database: str,
) -> None:
    """Late returns and steps, income not yet remitted, one late slip: nothing else, nothing false."""
    office = Office.open(Settings(database=database, demo=True))
    try:
        city.load(office.book, None)
        found = finding.found(office)
        assert set(found.counts) <= {"income-outstanding", "stuck", "back-dated", "loaded"}
        assert found.counts["back-dated"] == 1
        late = next(f for f in found.found if f.check == "back-dated")
        assert late.on == city.LATE_ON.isoformat()
        languages: tuple[Lang, ...] = ("zh", "en")
        for lang in languages:
            said = [finding.sentence(f, lang, lambda _, id_: id_) for f in found.found]
            assert all(said) and not any("{" in text for text in said)
        assert finding.found(office) is found  # the same log on the same day is read once
    finally:
        office.close()
    run = CliRunner().invoke(app, ["--database", database, "audit", "findings", "--json"])
    assert run.exit_code == (REFUSED if found.grave else OK)
    assert json.loads(run.stdout)["counts"] == found.counts


def test_every_check_says_what_it_found_in_both_languages() -> None:
    for check in CHECKS.values():
        assert check.words.zh and check.words.en and check.said.zh and check.said.en


def test_rules_of_a_place_say_whether_a_sale_is_appraised_first(book: Book) -> None:
    """Where somebody left out the terms, the rules that the proposal cites are asked."""
    demanding = Policy(
        name="strict",
        version=1,
        forms=(DisposalForm(form="sale", execution_documents=("appraisal_report",)),),
    )
    write(book, "disposal/X", proposed, policy="strict@1")
    write(book, "disposal/X", approved, by="u_2", policy="strict@1")
    write(book, "disposal/X", sold, by="u_3", policy="strict@1")
    found = findings(book, TODAY, named={"strict@1": demanding}.get)
    assert [f.check for f in found.found] == ["unappraised"]
