"""The example city: the same every time, under the real rules, every stage and state to be seen."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from books import opened

from api import city, city_books, city_income, city_reuse, city_story, demo, filing
from api.accounts import Accounts
from api.city_people import BODIES, CITY, CULTURE, PEOPLE, SITES
from api.city_rehearsal import rehearse
from api.importing_facts import NOT_AFTER
from api.office import Office
from api.pages_words import CHOICES
from domain import unit
from domain.approval import UnitsVerified
from domain.asset import Asset, Custody, Kind, Lock
from domain.asset import Book as Standing
from domain.booking import Cause
from domain.decider import LIFECYCLES
from domain.depreciating import read_lives
from domain.disposal import DisposalStatus
from domain.journal import accounts
from domain.leasing import Lease, LeaseStatus
from domain.lending import Loan, LoanStatus
from domain.place import PlaceKind
from domain.policy import GENERIC
from domain.reallocation import ReallocationStatus
from domain.ruling import PolicyPublished
from domain.screening import openings, screened
from domain.warehouse import IntakeStatus
from domain.words import Role
from labels.identity import has_valid_check
from ledger.auditing import violations
from ledger.book import Book
from ledger.verifying import verify
from projections import cases, treasury
from projections.changes import Only, Span
from projections.scope import EVERYTHING
from projections.store import ReadModels


@pytest.fixture(scope="module")
def told(module_database: str) -> Iterator[Book]:
    """Lend a book with the city in it; tests of this module only read it."""
    with opened(module_database) as book:
        city.load(book)
        yield book


@pytest.fixture(scope="module")
def states(told: Book) -> dict[str, Any]:
    names = dict.fromkeys(entry.stream for entry in told.entries())
    return {name: told.stream(name).state for name in names}


def of_kind(states: dict[str, Any], kind: str) -> list[Any]:
    return [state for name, state in states.items() if name.startswith(f"{kind}/")]


def test_every_decision_cites_a_version_of_the_rules_that_was_in_force(told: Book):
    """Whoever reads it in ten years must find the rules it was decided by (T29)."""
    published = {
        f"{entry.stream.removeprefix('policy/')}@{entry.event.version}": entry.event.in_force_from
        for entry in told.entries()
        if isinstance(entry.event, PolicyPublished)
    }
    assert published
    for entry in told.entries():
        for cited in {entry.beside.via.policy, getattr(entry.event, "policy", "")} - {
            "",
            GENERIC.reference,
        }:
            assert published[cited].isoformat() <= entry.effective_on, (entry.position, cited)


@pytest.mark.target("T51")
def test_who_may_ask_can_be_checked_again_from_the_entries_that_were_named(told: Book):
    checks = [e.event for e in told.entries() if isinstance(e.event, UnitsVerified)]
    assert len(checks) > 50
    for check in checks:
        for id_, upto in zip(check.units, check.entries, strict=True):
            events = [e.event for e in told.stream(f"unit/{id_}").entries[:upto]]
            unit.entitled(LIFECYCLES["unit"].fold(events), id_, check.checked_on)


# The same every time ----------------------------------------------------------


def said(drafts: list[Any]) -> list[tuple[Any, ...]]:
    return [
        (d.stream, d.seq, d.actor, d.effective_at, msgspec.json.encode(d.event), d.docs)
        for d in drafts
    ]


def test_the_same_seed_tells_the_same_story():
    assert said(city.drafts()) == said(city.drafts())


def test_loading_twice_or_after_an_interruption_records_everything_once(database: str):
    class Stopped(Exception):
        pass

    def stop_after_forty(_zh: str, _en: str, done: int, _total: int) -> None:
        if done == 40:
            raise Stopped

    with opened(database) as book:
        with pytest.raises(Stopped):
            city.load(book, stop_after_forty)
        assert not city.loaded(book)
        assert 0 < city.load(book) < len(city.drafts())
        assert city.loaded(book)
        assert city.load(book) == 0
        recorded = Counter((e.stream, e.seq) for e in book.entries())
        planned = Counter((d.stream, d.seq) for d in city.drafts())
        assert (recorded - planned).total() == 2, "a late paper and a reversal"
        assert not planned - recorded
        assert verify(book).intact


# What there is to see ---------------------------------------------------------


def test_some_600_things_of_every_ordinary_kind(states: dict[str, Any]):
    assets: list[Asset] = of_kind(states, "asset")
    assert 600 <= len(assets) <= 699
    kinds = Counter(asset.kind for asset in assets)
    for kind in (Kind.COMPUTER, Kind.OFFICE, Kind.FURNITURE, Kind.VEHICLE, Kind.PREMISES):
        assert kinds[kind] >= 10
    assert all(has_valid_check(a.asset_no) for a in assets if a.asset_no and not a.split_from)
    desktops = [a.value for a in assets if a.name == "台式计算机" and a.asset_no]
    assert desktops
    usual = [value for value in desktops if value is not None and value < 500_000]
    assert len(usual) >= len(desktops) - 5, "the cap for a desktop is 5,000 yuan"


def test_every_custody_and_book_state_occurs(states: dict[str, Any]):
    assets: list[Asset] = of_kind(states, "asset")
    assert {a.custody for a in assets} == set(Custody) - {Custody.NONE}
    assert {a.book for a in assets} == set(Standing) - {Standing.NONE}
    assert {a.lock for a in assets} == set(Lock)


def test_all_six_stages_and_every_state_of_every_process_occur(states: dict[str, Any]):
    def seen(kind: str) -> set[Any]:
        return {case.status for case in of_kind(states, kind)}

    assert seen("loan") >= {
        *(LoanStatus.REQUESTED, LoanStatus.APPROVED, LoanStatus.REFUSED),
        *(LoanStatus.WITHDRAWN, LoanStatus.RUNNING, LoanStatus.CLOSED),
    }
    assert seen("lease") == set(LeaseStatus) - {LeaseStatus.NONE}
    assert seen("intake") >= {
        *(IntakeStatus.APPLIED, IntakeStatus.APPROVED, IntakeStatus.REFUSED),
        *(IntakeStatus.RECEIVED, IntakeStatus.WITHDRAWN),
    }
    assert seen("reallocation") >= {
        *(ReallocationStatus.REQUESTED, ReallocationStatus.APPROVED, ReallocationStatus.REFUSED),
        *(ReallocationStatus.SHIPPED, ReallocationStatus.RECEIVED, ReallocationStatus.BOOKED),
    }
    assert seen("disposal") >= {
        *(DisposalStatus.PROPOSED, DisposalStatus.APPROVED, DisposalStatus.REJECTED),
        *(DisposalStatus.EXECUTED, DisposalStatus.ASSESSED, DisposalStatus.REMITTED),
    }


TOLD = {"loan", "lease", "intake", "reallocation", "disposal"}  # stage by stage, whole lives


def test_three_of_four_steps_of_every_case_occur_in_the_story():
    used = {
        (ask.stream.partition("/")[0], ask.verb)
        for act in city_story.tell().acts
        for ask in act.asks
    }
    published = {
        (kind, verb.name)
        for kind, lifecycle in LIFECYCLES.items()
        for verb in lifecycle.verbs.values()
        if not verb.inner
    }
    assert used <= published
    for told in TOLD:
        steps = {verb for kind, verb in published if kind == told}
        missing = steps - {verb for kind, verb in used if kind == told}
        assert len(missing) * 4 <= len(steps), f"{told}: {sorted(missing)}"


def test_intakes_are_physical_and_virtual_with_and_without_the_books(states: dict[str, Any]):
    ways = {
        (intake.virtual, intake.books)
        for intake in of_kind(states, "intake")
        if intake.status is IntakeStatus.RECEIVED
    }
    assert len(ways) == 4


def test_some_loans_are_overdue_partly_returned_or_extended(states: dict[str, Any]):
    loans: list[Loan] = of_kind(states, "loan")
    running = [loan for loan in loans if loan.status is LoanStatus.RUNNING]
    assert any(loan.back for loan in running)
    assert any(loan.extensions for loan in running)
    overdue = [loan for loan in running if loan.due and loan.due <= city_story.ENDED_ON]
    assert len(overdue) >= 3


def test_some_things_are_on_their_way_and_some_rent_is_open(states: dict[str, Any]):
    for kind in ("loan", "intake", "reallocation"):
        assert any(case.sent for case in of_kind(states, kind)), kind
    leases: list[Lease] = of_kind(states, "lease")
    assert any(0 < lease.rent_remitted < lease.rent_assessed for lease in leases)


def test_income_shows_every_deduction_and_some_is_remitted_in_part(told: Book):
    assessed = [e.event for e in told.entries() if e.event.type_name == "disposal.income_assessed"]
    assert assessed
    for event in assessed:
        fields = msgspec.to_builtins(event)
        assert fields["net"] == fields["gross"] - sum(d["amount"] for d in fields["deductions"])
    states = [told.stream(n).state for n in {e.stream for e in told.entries()} if "disposal/" in n]
    assert any(0 < s.remitted < s.net for s in states if s.net)


def test_every_role_is_held_by_somebody_and_different_people_ask_and_approve(told: Book):
    # One administrator runs a small place; a place with three has people of its own for it.
    apart = {Role.IMPORTER, Role.SECURITY, Role.AUDIT_ADMIN}
    assert {p.role for p in PEOPLE if p.role} == set(Role) - apart
    asked: dict[str, str] = {}
    for entry in told.entries():
        match entry.event.type_name.partition(".")[2]:
            case "requested" | "applied" | "proposed":
                asked[entry.stream] = entry.actor
            case "approved" | "refused" | "rejected":
                assert asked[entry.stream] != entry.actor
            case _:
                pass


def test_everything_is_marked_as_an_example(states: dict[str, Any], told: Book):
    assert all(unit.example for unit in of_kind(states, "unit"))
    assert all(place.example for place in of_kind(states, "place"))
    assert {a.dataset for a in of_kind(states, "asset") if a.asset_no} == {"example"}
    assert {p.kind for p in of_kind(states, "place")} >= {PlaceKind.WAREHOUSE, PlaceKind.VIRTUAL}
    assert all(body.zh.startswith("示例") for body in BODIES)
    assert all("示例" in site.zh for site in SITES)
    assert not any(e.beside.dated == NOT_AFTER for e in told.entries())


def test_no_name_of_a_person_is_in_the_log(told: Book):
    names = {p.name for p in PEOPLE} | {p.name_en for p in PEOPLE}
    text = b"\n".join(e.state for e in told.entries()).decode()
    assert not [name for name in names if name in text]


def test_almost_every_step_rests_on_a_paper_that_has_a_name(told: Book):
    papers = {doc.type for e in told.entries() for doc in e.beside.docs}
    assert papers <= set(CHOICES["paper"])


def test_credit_codes_are_well_formed_and_nobodys():
    letters = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    for body in BODIES:
        total = sum(letters.index(c) * pow(3, i, 31) for i, c in enumerate(body.uscc[:17]))
        assert (total + letters.index(body.uscc[17])) % 31 == 0
        assert body.uscc[2:8] == "990000"
    assert len({body.uscc for body in BODIES}) == len(BODIES)


# Time -------------------------------------------------------------------------


@pytest.mark.target("T11")
def test_a_renamed_unit_keeps_its_older_name_in_older_views(told: Book):
    assert told.state_at(f"unit/{CULTURE}", "2025-12-31").name == "示例市文化局"
    assert told.state_at(f"unit/{CULTURE}", "2026-01-31").name == "示例市文化和旅游局"


@pytest.mark.target("T04")
def test_a_paper_that_came_late_shows_on_its_day_only_for_those_who_know_of_it(told: Book):
    late = city_story.tell().late
    entries = told.stream(late).entries
    move = entries[-1]
    assert move.effective_on == "2026-03-10" < entries[-2].effective_on
    before, now = move.position - 1, move.position
    known_then = told.state_at(late, "2026-03-31", before)
    known_now = told.state_at(late, "2026-03-31", now)
    assert known_then.place != known_now.place == "p_ex_edu_405"


@pytest.mark.target("T10")
def test_a_slip_of_the_pen_is_reversed_and_both_stay_to_be_read(told: Book):
    mistaken = told.stream(city_story.tell().mistake)
    types = [e.event.type_name for e in mistaken.entries]
    assert types[-2:] == ["asset.value_corrected", "ledger.entry_reversed"]
    assert mistaken.state.value < 10_000_000


def test_the_story_is_over_before_anybody_can_load_it():
    days = [d.effective_at[:10] for d in rehearse(city_story.tell().acts)]
    assert min(days) == "2025-05-01" and max(days) <= "2026-10-31"
    assert days == sorted(days)


# The demonstration ------------------------------------------------------------


@pytest.mark.target("T30", "T123", "T124")
def test_the_demonstration_loads_everything_once_and_lets_people_in(database: str):
    labels: list[tuple[str, str]] = []
    with opened(database) as book:
        models, accounts = ReadModels.open(database), Accounts.open(database)
        try:
            assert demo.load(book, models, accounts, lambda zh, en, *_: labels.append((zh, en)))
            assert demo.loaded(book)
            assert models.position() == book.head()[0]
            size = book.head()[:2]
            assert demo.load(book, models, accounts) is False
            assert book.head()[:2] == size
            assert accounts.check("keeper", demo.PASSWORD) is not None
            assert {a.login for a in accounts.all()} == {p.login for p in demo.PEOPLE}
            assert accounts.name_of(PEOPLE[0].id) == PEOPLE[0].name
            assert verify(book).intact
            # Nobody known did what a published register tells: no false alarm (T30).
            assert list(violations(book, lambda _: GENERIC)) == []
        finally:
            models.close()
            accounts.close()
    assert len(set(labels)) >= 7
    assert all(zh and en for zh, en in labels)


def test_wants_offers_claims_and_an_event_are_there_to_be_seen(told: Book, states: dict[str, Any]):
    wants = Counter(want.status for want in of_kind(states, "demand"))
    assert wants == {"met": 1, "partly_met": 1, "withdrawn": 1, "open": 3}
    assert {claim.status for claim in of_kind(states, "claim")} == {"held", "released"}
    (festival,) = of_kind(states, "gathering")
    assert festival.status == "open" and festival.due < city_story.ENDED_ON
    assert any(thing.listed and thing.offer.available_from for thing in of_kind(states, "asset"))
    (agreement,) = of_kind(states, "entrustment")
    assert {task.value for task in agreement.tasks_on(city_story.ENDED_ON)} == {"storage"}


def test_a_morning_proposal_is_confirmed_in_part_once(database: str):
    with opened(database) as book:
        city.load(book)
        models, accounts = ReadModels.open(database), Accounts.open(database)
        try:
            models.catch_up(book)
            for _ in range(2):
                demo.at_a_counter(book, models, accounts, city_reuse.show)
                demo.at_a_counter(book, models, accounts, city_books.show)
                demo.at_a_counter(book, models, accounts, city_income.show)
                size = book.head()[0]
            assert book.head()[0] == size and city_reuse.shown(book)
            assert city_books.shown(book) and city_income.shown(book)
            board = treasury.totals(EVERYTHING, treasury.Asked(on=city_story.ENDED_ON, ages=(30,)))
            columns = {row["step"] for row in models.rows(board)}
            assert columns >= {"approved", "failed", "sold", "billed", "paid", "remitted", "posted"}
            demo.at_a_counter(book, models, accounts, books_agree)
            decided = book.stream(f"allocation/{city_reuse.PROPOSAL}").state.decisions
            assert [d.value for _, d in decided][:1] == ["confirmed"]
            # What is kept for its own unit first is open to who wants it by now: an open step.
            ahead = {e.stream for e in book.entries() if e.event.type_name == "demand.offer_ahead"}
            today = book.clock().astimezone(ZoneInfo("Asia/Shanghai")).date()
            steps = models.rows(cases.open_steps(EVERYTHING, today, kind="demand", limit=99))
            assert ahead
            lacking = {stream for stream in ahead if book.stream(stream).state.left}
            assert lacking <= {row["id"] for row in steps}
            offers = [book.stream(stream).state.offer for stream, _, _ in city_story.tell().lots]
            assert all(offer.windows and screened(openings(offer), today) for offer in offers)
            for stream, _, _ in city_story.tell().lots:
                assert len(book.stream(filing.folder_of(stream)).state.files) == 1
        finally:
            models.close()
            accounts.close()


def test_the_city_is_the_parent_of_its_bodies(states: dict[str, Any]):
    for body in BODIES[1:]:
        assert states[f"unit/{body.id}"].parent == CITY


def books_agree(office: Office) -> None:
    """Everything that happened in the city adds up, for every unit, and an accountant's program
    finds that every voucher balances."""
    span = Span(start="2024-12-31", end=city_story.ENDED_ON.isoformat())
    told = office.booking.statement(EVERYTHING, span, Only(dataset="example"))
    assert told.differences == ()
    assert len({row.unit for row in told.rows}) > 10
    for row in told.rows:
        assert row.opening + row.increases + -row.decreases == row.closing
        assert office.journals.tied(row.unit, span.end) == []
    causes = {cause for row in told.rows for cause in row.causes}
    assert causes >= {Cause.PURCHASE, Cause.TRANSFER, Cause.SCRAPPED, Cause.DEPRECIATION}
    # What one unit gives without payment another takes, to the fen.
    found = office.journals.of(EVERYTHING, span, Only())
    given = sum(a.balance for a in accounts(found.proposed) if a.code == "3401")
    assert given == 0
    wear = office.book.stream(f"depreciation/{city_books.UNIT}").state
    document = office.depreciating.document(wear.sha256)
    # A card that was split before it was written off here names what is to be done.
    assert {why for _, why in document.faults} <= {"not_shared", "no_life"}


def test_the_lives_of_the_example_are_the_lower_bounds_of_their_source(
    shared_file: Callable[[str], Path],
) -> None:
    file = shared_file("cn_classification/gov_accounting_std3_depreciation_years.csv")
    with file.open(encoding="utf-8-sig") as rows:
        source = {row["内容"]: int(row["折旧年限下限（年）"]) for row in csv.DictReader(rows)}
    named = {
        "computer": "计算机设备", "office": "办公设备", "vehicle": "车辆", "furniture": "家具",
        "premises": "业务及管理用房 钢筋混凝土结构", "instrument": "仪器仪表",
    }  # fmt: skip
    lives = read_lives(city_books.LIVES)
    assert {life.kind: life.months // 12 for life in lives} == {
        kind: source[name] for kind, name in named.items()
    }
    # The source says nothing of software, which is amortised by another standard.
    assert not any("软件" in name for name in source)
