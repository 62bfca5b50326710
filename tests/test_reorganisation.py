"""A reorganisation: everything a unit has passes to another by one act, or nothing does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from doors import staffed
from given import TODAY, Given, given
from msgspec.structs import replace

from api.office import Actor, Office
from domain import asset, holding, reorganisation
from domain.asset import AssetRegistered, Book, Custody, Kind, Lock
from domain.decider import Ask, Event, Refused
from domain.holding import HeldForProcess
from domain.leaving import PutUpForDisposal
from domain.reorganisation import (
    CasesPassedOn,
    HandedOverInReorganisation,
    Held,
    NothingWasLeft,
    OpenCase,
    Piece,
    PropertyHandedOver,
    PropertyTakenOver,
    ReorganisationApproved,
    ReorganisationProposed,
    ReorganisationStatus,
    ReorganisationWithdrawn,
    digest,
)
from ledger.entry import Draft
from ledger.verifying import verify
from projections import inventory, units
from projections.scope import EVERYTHING, Filters

DAY = timedelta(days=1)
ORDER = {"cut_off": TODAY, "order_no": "示委〔2025〕3号", "order_issuer": "示例市委"}
thing = partial(given, asset.lifecycle)

proposed = ReorganisationProposed(
    applicant="u_clerk", from_units=("o_old", "o_odd"), to_units=("o_new",), **ORDER
)
approved = ReorganisationApproved(approval_no="示机管〔2025〕9号")
carded = AssetRegistered(asset_no="ZC-1", name="办公桌", kind=Kind.FURNITURE, unit="o_old")
passed = HandedOverInReorganisation(from_unit="o_old", to_unit="o_new", case="reorganisation/X")


def case(*history: Event) -> Given:
    """Begin with a case about which somebody of the old unit asks."""
    return given(reorganisation.lifecycle, *history).at(unit="o_old")


def piece(asset: str, **state: Any) -> Piece:
    plain: dict[str, Any] = {"book": Book.ON_BOOKS, "custody": Custody.STORE, "lock": Lock.NONE}
    return Piece(asset=asset, asset_no=f"ZC-{asset}", **plain | state)


def held(*pieces: Piece, unit: str = "o_old") -> tuple[Held]:
    return (Held(unit=unit, pieces=pieces),)


def moved(*assets: str, left: int = 0, hander: str = "u_asker") -> PropertyHandedOver:
    return PropertyHandedOver(
        from_unit="o_old",
        to_unit="o_new",
        count=len(assets),
        left=left,
        list_sha256=digest(assets),
        hander=hander,
    )


# The case ---------------------------------------------------------------------------


def test_an_order_names_old_and_new_units_which_differ() -> None:
    form = {"from_units": ["o_old", "o_odd"], "to_units": ["o_new"], **ORDER}
    case().at(by="u_clerk").when(reorganisation.propose, **form).then(
        proposed, Ask("unit/o_new", "employ", {})
    ).then_state(to_empty=frozenset({"o_old", "o_odd"}))
    for wrong in (
        {"from_units": []},
        {"to_units": []},
        {"to_units": ["o_old"]},
        {"from_units": ["o_old", "o_old"]},
    ):
        case().when(reorganisation.propose, **form | wrong).then_refused(reorganisation.TWO_SIDES)


def test_nothing_moves_before_it_is_approved_and_the_cut_off_date_is_there() -> None:
    form = {"from_unit": "o_old", "to_unit": "o_new"}
    case(proposed).when(reorganisation.hand_over, **form).then_refused(reorganisation.APPROVED)
    case(proposed).at(by="u_clerk").when(reorganisation.approve, approval_no="1").then_refused(
        holding.OTHER_PERSON
    )
    ready = case(proposed, approved).at(seen=held(piece("A")))
    ready.when(reorganisation.hand_over, **form).then_granted()
    ready.at(on=TODAY - DAY).when(reorganisation.hand_over, **form).then_refused(
        reorganisation.CUT_OFF_REACHED
    )


def test_one_act_moves_everything_and_says_what() -> None:
    form = {"from_unit": "o_old", "to_unit": "o_new"}
    change = {**form, "case": "reorganisation/X"}
    case(proposed, approved).at(seen=held(piece("A"), piece("B"))).when(
        reorganisation.hand_over, **form
    ).then(
        moved("A", "B"),
        Ask("asset/A", "change_hands", change),
        Ask("asset/B", "change_hands", change),
        Ask("quota/o_old", "pass_on", {"to_unit": "o_new", "assets": ("A", "B")}),
    ).then_state(
        to_empty=frozenset({"o_odd"}), unconfirmed=frozenset({"o_new"}), count=2,
        status=ReorganisationStatus.APPROVED,
    )  # fmt: skip


def test_a_split_moves_what_is_listed_and_the_rest_is_still_there() -> None:
    form = {"from_unit": "o_old", "to_unit": "o_new", "assets": ["B"]}
    case(proposed, approved).at(seen=held(piece("A"), piece("B"))).when(
        reorganisation.hand_over, **form
    ).then_state(to_empty=frozenset({"o_old", "o_odd"}), count=1)
    for assets in (["B", "B"], [f"A{n}" for n in range(reorganisation.MOVED_MAX + 1)]):
        case(proposed, approved).when(
            reorganisation.hand_over, **form | {"assets": assets}
        ).then_refused(reorganisation.AT_MOST)


def test_a_larger_unit_passes_in_several_acts_each_of_which_is_whole() -> None:
    pieces = [piece(f"A{n:05}") for n in range(reorganisation.MOVED_MAX + 3)]
    answer = (
        case(proposed, approved)
        .at(seen=held(*pieces))
        .when(reorganisation.hand_over, from_unit="o_old", to_unit="o_new")
    )
    first = answer.then_granted().answers[0]
    assert isinstance(first, PropertyHandedOver)
    assert (first.count, first.left) == (reorganisation.MOVED_MAX, 3)
    answer.then_state(to_empty=frozenset({"o_old", "o_odd"}))


def test_a_unit_without_property_says_so() -> None:
    case(proposed, approved).at(seen=held(), unit="o_odd").when(
        reorganisation.hand_over, from_unit="o_odd", to_unit="o_new"
    ).then(NothingWasLeft(from_unit="o_odd"))


@pytest.mark.parametrize(
    "state",
    [
        {"lock": Lock.RESERVED},
        {"lock": Lock.APPROVAL},
        {"custody": Custody.TRANSIT},
    ],
)
def test_what_awaits_a_decision_or_is_on_its_way_is_named_and_nothing_moves(
    state: dict[str, Any],
) -> None:
    seen = held(piece("A"), piece("B", **state), *(piece(f"C{n}", **state) for n in range(30)))
    refused = (
        case(proposed, approved)
        .at(seen=seen)
        .when(reorganisation.hand_over, from_unit="o_old", to_unit="o_new")
    )
    refused.then_refused(reorganisation.UNDECIDED)
    assert "31" in refused.sentence("zh") and "ZC-B" in refused.sentence("zh")


def test_an_approved_disposal_and_a_loan_pass_with_their_case() -> None:
    seen = held(
        piece("A", book=Book.TO_DISPOSE),
        piece("B", custody=Custody.LENT),
        piece("C", custody=Custody.REPAIR),
        piece("D", book=Book.PENDING),
    )
    case(proposed, approved).at(seen=seen).when(
        reorganisation.hand_over, from_unit="o_old", to_unit="o_new"
    ).then_granted()
    put_up = [
        HeldForProcess(case="disposal/D", lock=Lock.APPROVAL),
        PutUpForDisposal(case="disposal/D", approval_no="批1"),
    ]
    form = {"from_unit": "o_old", "to_unit": "o_new", "case": "reorganisation/X"}
    thing(carded, *put_up).when(reorganisation.change_hands, **form).then(passed).then_state(
        book=Book.TO_DISPOSE, case="disposal/D", accounting_unit="o_new"
    )


def open_case(stream: str, step: str, *, party: bool = True) -> OpenCase:
    return OpenCase(stream=stream, step=step, party=party)


def test_open_cases_pass_with_the_last_card_by_the_same_act() -> None:
    form = {"from_unit": "o_old", "to_unit": "o_new"}
    loan, note = open_case("loan/L", "hand_back"), open_case("note/N", "report_rectification")
    seen = (Held(unit="o_old", pieces=(piece("A"),), cases=(loan, note)),)
    went = CasesPassedOn(
        from_unit="o_old", to_unit="o_new", cases=("loan/L", "note/N"), hander="u_asker"
    )
    change = {**form, "case": "reorganisation/X"}
    succeed = {**form, "reorganisation": "reorganisation/X"}
    case(proposed, approved).at(seen=seen).when(reorganisation.hand_over, **form).then(
        moved("A"),
        went,
        Ask("asset/A", "change_hands", change),
        Ask("loan/L", "succeed_party", succeed),
        Ask("note/N", "succeed_party", succeed),
        Ask("quota/o_old", "pass_on", {"to_unit": "o_new", "assets": ("A",)}),
    )
    only = (Held(unit="o_old", pieces=(), cases=(loan,)),)
    case(proposed, approved).at(seen=only).when(reorganisation.hand_over, **form).then(
        replace(went, cases=("loan/L",)),
        NothingWasLeft(from_unit="o_old"),
        Ask("loan/L", "succeed_party", succeed),
    ).then_state(unconfirmed=frozenset({"o_new"}), to_empty=frozenset({"o_odd"}))


@pytest.mark.parametrize(
    ("step", "is_party", "passes"),
    [
        ("approve", True, False),
        ("approve", False, True),  # who only decides it passes on the decision
        ("endorse", True, False),
        ("take_in", True, False),
        ("inspect_return", True, False),
        ("hand_back", True, True),
        ("remit_rent", True, True),
    ],
)
def test_a_case_that_cannot_pass_is_named_and_nothing_moves(
    step: str, is_party: bool, passes: bool
) -> None:
    one = open_case("loan/L7", step, party=is_party)
    seen = (Held(unit="o_old", pieces=(piece("A"),), cases=(one,)),)
    answer = (
        case(proposed, approved)
        .at(seen=seen)
        .when(reorganisation.hand_over, from_unit="o_old", to_unit="o_new")
    )
    if passes:
        answer.then_granted()
        return
    answer.then_refused(reorganisation.STUCK)
    assert "loan/L7" in answer.sentence("zh")


def test_a_card_that_a_passing_case_holds_goes_with_it_and_the_list_is_not_parted() -> None:
    lent = open_case("loan/L", "hand_out")
    pieces = tuple(piece(a, lock=Lock.RESERVED, case="loan/L") for a in ("A", "B"))
    seen = (Held(unit="o_old", pieces=(*pieces, piece("C")), cases=(lent,)),)
    form = {"from_unit": "o_old", "to_unit": "o_new"}
    ready = case(proposed, approved).at(seen=seen)
    answer = ready.when(reorganisation.hand_over, **form, assets=["A", "B"]).then_granted()
    change = {**form, "case": "reorganisation/X", "held_by": "loan/L"}
    assert Ask("asset/A", "change_hands", change) in answer.answers
    ready.when(reorganisation.hand_over, **form, assets=["A"]).then_refused(reorganisation.DIVIDED)
    ready.when(reorganisation.hand_over, **form, assets=["C"]).then_granted()
    reserved = HeldForProcess(case="loan/L", lock=Lock.RESERVED)
    thing(carded, reserved).when(reorganisation.change_hands, **change).then_granted()
    for wrong in ({**change, "held_by": "loan/M"}, {**form, "case": "reorganisation/X"}):
        thing(carded, reserved).when(reorganisation.change_hands, **wrong).then_refused(
            reorganisation.FREE
        )


def test_more_open_cases_than_one_act_holds_are_refused() -> None:
    for count, fits in ((reorganisation.CASES_MAX, True), (reorganisation.CASES_MAX + 1, False)):
        many = tuple(open_case(f"loan/L{n}", "hand_back") for n in range(count))
        answer = (
            case(proposed, approved)
            .at(seen=(Held(unit="o_old", pieces=(), cases=many),))
            .when(reorganisation.hand_over, from_unit="o_old", to_unit="o_new")
        )
        answer.then_granted() if fits else answer.then_refused(reorganisation.FEW_CASES)


def test_only_people_of_the_side_act_for_it_and_two_people_sign() -> None:
    form = {"from_unit": "o_old", "to_unit": "o_new"}
    ready, all_ = (proposed, approved), held(piece("A"))
    case(*ready).at(unit="o_new", role="head", seen=all_).when(
        reorganisation.hand_over, **form
    ).then_refused(reorganisation.OWN_SIDE)
    case(*ready).at(unit="o_goa", role="office", seen=all_).when(
        reorganisation.hand_over, **form
    ).then_granted()
    done = (*ready, moved("A", hander="u_old"), NothingWasLeft(from_unit="o_odd"))
    assert case(*done).state.status is ReorganisationStatus.HANDED_OVER
    for who, rule in (
        ({"by": "u_old", "unit": "o_new"}, reorganisation.ANOTHER_SIGNS),
        ({"by": "u_other", "unit": "o_new", "behalf": "u_old"}, reorganisation.ANOTHER_SIGNS),
        ({"by": "u_new", "unit": "o_old"}, reorganisation.OWN_SIDE),
    ):
        case(*done).at(role="head", **who).when(
            reorganisation.take_over, to_unit="o_new"
        ).then_refused(rule)
    case(*done).at(by="u_new", unit="o_new", role="head").when(
        reorganisation.take_over, to_unit="o_new"
    ).then(PropertyTakenOver(to_unit="o_new")).then_state(status=ReorganisationStatus.CLOSED)


def test_it_is_withdrawn_only_while_nothing_has_moved() -> None:
    gone = ReorganisationWithdrawn(reason="令改")
    case(proposed, approved).when(reorganisation.withdraw, reason="令改").then(gone)
    case(proposed, approved, moved("A")).when(reorganisation.withdraw, reason="令改").then_refused(
        reorganisation.NOTHING_MOVED
    )


def test_the_new_unit_stands_wherever_the_old_one_stood() -> None:
    form = {"from_unit": "o_old", "to_unit": "o_new", "case": "reorganisation/X"}
    titled = AssetRegistered(
        asset_no="FW-1", name="办公楼", kind=Kind.PREMISES, unit="o_old", owner="o_goa"
    )
    thing(titled).when(reorganisation.change_hands, **form).then_state(
        accounting_unit="o_new", custodian="o_new", owner="o_goa", custody=Custody.STORE
    )
    other = AssetRegistered(asset_no="ZC-9", name="桌", kind=Kind.FURNITURE, unit="o_x")
    thing(other).when(reorganisation.change_hands, **form).then_refused(reorganisation.THEIRS)


# On the real book ---------------------------------------------------------------------

ADMIN = Actor(person="u_admin", unit="o_a", role="admin")
CLERK = Actor(person="u_clerk", unit="o_old", role="clerk")
HEAD = Actor(person="u_head", unit="o_old", role="head")
GOA = Actor(person="u_office", unit="o_a", role="office")
NEW = Actor(person="u_new", unit="o_new", role="head")


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    with staffed(database) as office:
        yield office


def filled(office: Office, count: int) -> None:
    """Let an old unit have `count` cards, a new one none."""
    for unit, name in (("o_old", "示例市旅游局"), ("o_new", "示例市文化和旅游局")):
        office.ask(f"unit/{unit}", "establish", {"name": name, "kind": "organ"}, ADMIN)
    on = f"{office.today() - 9 * DAY}T12:00:00+08:00"
    drafts = [
        Draft(
            stream=f"asset/T{n:05}",
            seq=1,
            event=AssetRegistered(
                asset_no=f"旅-{n:05}", name="办公桌", kind=Kind.FURNITURE, unit="o_old", value=100
            ),
            actor="u_clerk",
            cause=f"import/{n}",
            effective_at=on,
        )
        for n in range(count)
    ]
    office.book.append(drafts, actor="u_clerk", cause="import")
    office.models  # noqa: B018 - the lists catch up


def ready(office: Office, id_: str = "R1") -> str:
    """Bring a reorganisation to where it is handed over; return its stream."""
    stream, today = f"reorganisation/{id_}", office.today().isoformat()
    order = {"from_units": ["o_old"], "to_units": ["o_new"], "cut_off": today, "order_no": "3号"}
    office.ask(stream, "propose", order, CLERK)
    office.ask(stream, "approve", {"approval_no": "示机管9号"}, GOA)
    return stream


def owned(office: Office, unit: str, on: date | None = None) -> int:
    """Count a unit's cards in the list of now."""
    rows = office.models.rows(inventory.counts(EVERYTHING, "accounting_unit", Filters()))
    return sum(row["assets"] for row in rows if row["key"] == unit)


HAND_OVER = {"from_unit": "o_old", "to_unit": "o_new"}


@pytest.mark.target("T33")
def test_ten_thousand_assets_pass_in_one_act_and_keep_their_history(office: Office) -> None:
    count = reorganisation.MOVED_MAX
    filled(office, count)
    stream = ready(office)
    before = office.book.head()[0]
    receipt = office.ask(stream, "hand_over", HAND_OVER, HEAD, key="k1")
    assert receipt.count == count + 1
    assert office.book.head()[0] == before + count + 1
    assert (owned(office, "o_old"), owned(office, "o_new")) == (0, count)
    assert office.models.rows(units.left_behind(EVERYTHING, office.today().isoformat())) == []
    case_ = office.book.stream(stream)
    fact = case_.entries[-1].event
    assert isinstance(fact, PropertyHandedOver)
    of_the_act = list(office.book.entries(receipt.first, receipt.last))
    assert {entry.cause for entry in of_the_act} == {receipt.cause}
    ids = tuple(e.stream.removeprefix("asset/") for e in of_the_act if e.stream != stream)
    assert (fact.count, fact.left, fact.list_sha256) == (count, 0, digest(ids))
    yesterday = (office.today() - DAY).isoformat()
    for id_ in (ids[0], ids[-1]):
        assert office.book.state_at(f"asset/{id_}", yesterday).accounting_unit == "o_old"
        assert office.book.stream(f"asset/{id_}").state.accounting_unit == "o_new"
    again = office.ask(stream, "hand_over", HAND_OVER, HEAD, key="k1")
    assert again.replayed and again.first == receipt.first
    office.ask(stream, "take_over", {"to_unit": "o_new"}, NEW)
    assert office.book.stream(stream).state.status is ReorganisationStatus.CLOSED
    assert verify(office.book).intact


@pytest.mark.target("T33")
def test_one_card_that_cannot_pass_keeps_them_all(office: Office) -> None:
    filled(office, 300)
    due = (office.today() + DAY).isoformat()
    loan = {"lender": "o_old", "borrower": "o_b", "assets": ["T00299"], "due": due, "purpose": "会"}
    office.ask("loan/L1", "request", loan, CLERK)
    stream = ready(office)
    before = office.book.head()
    with pytest.raises(Refused) as caught:
        office.ask(stream, "hand_over", HAND_OVER, HEAD)
    assert caught.value.rule is reorganisation.UNDECIDED
    assert "旅-00299" in caught.value.sentence("zh")
    assert office.book.head() == before
    assert (owned(office, "o_old"), owned(office, "o_new")) == (300, 0)
    office.ask("loan/L1", "withdraw", {"reason": "机构变动"}, CLERK)
    office.ask(stream, "hand_over", HAND_OVER, HEAD)
    assert (owned(office, "o_old"), owned(office, "o_new")) == (0, 300)


@pytest.mark.target("T33")
def test_a_lost_race_leaves_nothing_and_is_decided_again(office: Office) -> None:
    """Another process moves a card between the decision and the writing: no half is left."""
    filled(office, 200)
    stream = ready(office)
    raced: list[int] = []
    insert = office.book.log.insert_events

    def overtaken(*arguments: Any, **options: Any) -> Any:
        if not raced:
            raced.append(office.book.head()[0])
            correction = Draft(
                stream="asset/T00150",
                seq=2,
                event=asset.CardCorrected(reason="核对", model="X1"),
                actor="u_other",
                cause="cmd_other",
                effective_at=f"{office.today()}T12:00:00+08:00",
            )
            office.book.append([correction], actor="u_other", cause="cmd_other")
        return insert(*arguments, **options)

    office.book.log.insert_events = overtaken
    receipt = office.ask(stream, "hand_over", HAND_OVER, HEAD)
    assert receipt.count == 201
    assert raced and receipt.first == raced[0] + 2, "after the other's entry, without a gap"
    state = office.book.stream("asset/T00150").state
    assert (state.model, state.accounting_unit) == ("X1", "o_new")
    assert (owned(office, "o_old"), owned(office, "o_new")) == (0, 200)


def test_a_unit_that_ended_and_still_has_property_is_listed(office: Office) -> None:
    filled(office, 3)
    ended = {"into": "o_new", "order_no": "示委3号"}
    office.ask("unit/o_old", "merge", ended, ADMIN)
    (row,) = office.models.rows(units.left_behind(EVERYTHING, office.today().isoformat()))
    assert (row["id"], row["assets"]) == ("o_old", 3)
    stream = "reorganisation/R1"
    today = office.today().isoformat()
    order = {"from_units": ["o_old"], "to_units": ["o_new"], "cut_off": today, "order_no": "3号"}
    office.ask(stream, "propose", order, GOA)
    other = Actor(person="u_office2", unit="o_a", role="office")
    office.ask(stream, "approve", {"approval_no": "示机管9号"}, other)
    third = Actor(person="u_office3", unit="o_a", role="office")
    office.ask(stream, "hand_over", HAND_OVER, third)
    assert office.models.rows(units.left_behind(EVERYTHING, today)) == []


# What is open when a unit ends ----------------------------------------------------------

OLD = Actor(person="u_clerk", unit="o_old", role="clerk")
HEIR = Actor(person="u_heir", unit="o_new", role="clerk")
LENDER = Actor(person="u_lender", unit="o_b", role="clerk")
SCAN_A, SCAN_T = (
    {"assets": ["A1"], "scanned": "ZC-A1"},
    {"assets": ["T00000"], "scanned": "旅-00000"},
)


def lent_both_ways(office: Office) -> None:
    """Let the old unit lend one thing and borrow another; both are out."""
    filled(office, 3)
    card = {"asset_no": "ZC-A1", "name": "投影仪", "kind": "office", "unit": "o_b"}
    office.ask("asset/A1", "register_existing", card, LENDER)
    due = (office.today() + 30 * DAY).isoformat()
    for id_, lender, borrower, scan, giver, taker in (
        ("OUT", "o_old", "o_b", SCAN_T, OLD, LENDER),
        ("IN", "o_b", "o_old", SCAN_A, LENDER, OLD),
    ):
        form = {"lender": lender, "borrower": borrower, "assets": scan["assets"], "due": due}
        office.ask(f"loan/{id_}", "request", form | {"purpose": "会"}, taker)
        office.ask(f"loan/{id_}", "approve", {"approval_no": "借1"}, GOA)
        office.ask(f"loan/{id_}", "hand_out", scan, giver)
        office.ask(f"loan/{id_}", "take_in", scan, taker)


@pytest.mark.target("T33")
def test_what_was_lent_and_borrowed_is_the_new_units_to_take_back_and_to_return(
    office: Office,
) -> None:
    lent_both_ways(office)
    stream = ready(office)
    office.ask(stream, "hand_over", HAND_OVER, HEAD)
    out, into = (office.book.stream(f"loan/{id_}").state for id_ in ("OUT", "IN"))
    assert (out.lender, out.borrower, into.lender, into.borrower) == (
        "o_new",
        "o_b",
        "o_b",
        "o_new",
    )
    assert office.book.stream("asset/A1").state.borrower == "o_new"
    assert office.book.stream("asset/A1").state.accounting_unit == "o_b"
    assert office.book.stream("asset/T00000").state.custody is Custody.LENT
    office.ask("loan/IN", "hand_back", SCAN_A, HEIR)
    office.ask("loan/IN", "inspect_return", SCAN_A | {"result": "sound"}, LENDER)
    office.ask("loan/OUT", "hand_back", SCAN_T, LENDER)
    with pytest.raises(Refused) as caught:
        office.ask("loan/OUT", "inspect_return", SCAN_T | {"result": "sound"}, OLD)
    assert caught.value.rule.slug == "not-the-giving-side"
    office.ask("loan/OUT", "inspect_return", SCAN_T | {"result": "sound"}, HEIR)
    office.ask(stream, "take_over", {"to_unit": "o_new"}, NEW)
    assert office.book.stream(stream).state.status is ReorganisationStatus.CLOSED
    assert verify(office.book).intact


@pytest.mark.target("T51")
def test_a_unit_that_ended_winds_up_through_its_successor_and_does_nothing_else(
    office: Office,
) -> None:
    lent_both_ways(office)
    office.ask("unit/o_old", "merge", {"into": "o_new", "order_no": "示委3号"}, ADMIN)

    def refuses(slug: str, stream: str, verb: str, form: dict[str, Any], actor: Actor) -> str:
        with pytest.raises(Refused) as caught:
            office.ask(stream, verb, form, actor)
        assert caught.value.rule.slug == slug, caught.value.sentence("en")
        return caught.value.sentence("zh")

    card = {"asset_no": "ZC-9", "name": "桌", "kind": "furniture", "unit": "o_old"}
    said = refuses("only-winding-up", "asset/Z", "register_existing", card, OLD)
    assert "o_new" in said
    due = (office.today() + 9 * DAY).isoformat()
    loan = {"lender": "o_b", "borrower": "o_old", "assets": ["A1"], "due": due, "purpose": "会"}
    refuses("unit-dissolved", "loan/NEW", "request", loan, OLD)
    refuses("unit-dissolved", "loan/NEW", "request", loan, HEIR)
    refuses("not-the-taking-side", "loan/IN", "hand_back", SCAN_A, LENDER)
    office.ask("loan/IN", "hand_back", SCAN_A, HEIR)  # before any hand-over, in its place
    office.ask("loan/IN", "inspect_return", SCAN_A | {"result": "sound"}, LENDER)
    order = {"from_units": ["o_old"], "to_units": ["o_new"], "order_no": "3号"}
    order |= {"cut_off": office.today().isoformat()}
    office.ask("reorganisation/R9", "propose", order, HEIR)
    office.ask("reorganisation/R9", "approve", {"approval_no": "示机管9号"}, GOA)
    office.ask("reorganisation/R9", "hand_over", HAND_OVER, HEIR)
    assert office.book.stream("loan/OUT").state.lender == "o_new"
    office.ask("reorganisation/R9", "take_over", {"to_unit": "o_new"}, NEW)


@pytest.mark.target("T51")
def test_a_unit_that_ended_may_withdraw_what_it_asked_for(office: Office) -> None:
    filled(office, 1)
    due = (office.today() + 9 * DAY).isoformat()
    loan = {"lender": "o_old", "borrower": "o_b", "assets": ["T00000"], "due": due, "purpose": "会"}
    office.ask("loan/L", "request", loan, OLD)
    office.ask("unit/o_old", "dissolve", {"reason": "撤销"}, ADMIN)
    office.ask("loan/L", "withdraw", {"reason": "单位撤销"}, OLD)
    assert office.book.stream("asset/T00000").state.lock is Lock.NONE
