"""A reorganisation: everything a unit has passes to another by one act, or nothing does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from doors import staffed
from given import TODAY, Given, given

from api.office import Actor, Office
from domain import asset, holding, reorganisation
from domain.asset import AssetRegistered, Book, Custody, Kind, Lock
from domain.decider import Ask, Event, Refused
from domain.holding import HeldForProcess
from domain.leaving import PutUpForDisposal
from domain.reorganisation import (
    HandedOverInReorganisation,
    Held,
    NothingWasLeft,
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
    assert office.models.rows(units.left_behind(office.today().isoformat())) == []
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

    office.book.log.insert_events = overtaken  # type: ignore[method-assign] # another writer comes first
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
    (row,) = office.models.rows(units.left_behind(office.today().isoformat()))
    assert (row["id"], row["assets"]) == ("o_old", 3)
    stream = "reorganisation/R1"
    today = office.today().isoformat()
    order = {"from_units": ["o_old"], "to_units": ["o_new"], "cut_off": today, "order_no": "3号"}
    office.ask(stream, "propose", order, GOA)
    other = Actor(person="u_office2", unit="o_a", role="office")
    office.ask(stream, "approve", {"approval_no": "示机管9号"}, other)
    third = Actor(person="u_office3", unit="o_a", role="office")
    office.ask(stream, "hand_over", HAND_OVER, third)
    assert office.models.rows(units.left_behind(today)) == []
