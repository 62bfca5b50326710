"""Nothing is bought before the inventory was searched for something to reallocate (#1-#5)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import Any

import msgspec
import pytest
from given import TODAY, Given, given

from domain import acquiring, holding, planning, standards
from domain.acquiring import AcquisitionAuthorised, AcquisitionRequested, AcquisitionStatus, Way
from domain.approval import ReturnedForCorrection
from domain.asset import Asset, Book, Custody, Kind, Lock
from domain.decider import Ask
from domain.planning import (
    OverStandard,
    PlanDrafted,
    PlanLineAdded,
    PlanLineClaimed,
    PlanLineCut,
    PlanReviewed,
    PlanStatus,
    PlanSubmitted,
    ReallocationSearched,
    StockTaken,
)
from domain.policy import GENERIC, Beyond
from domain.searching import (
    FOUND_MAX,
    RULES,
    Found,
    Limit,
    Piece,
    Stock,
    Unsuitable,
    digest,
    in_stock,
    to_be_had,
    together,
)
from domain.standards import Basis, Standard, StandardDrafted, StandardPublished, StandardStatus
from domain.words import Role

plan = partial(given, planning.lifecycle)
purchase = partial(given, acquiring.lifecycle)
norm = partial(given, standards.lifecycle)

PC = "A02010105"
drafted = PlanDrafted(applicant="u_clerk", unit="o_a", title="2026年配置计划", year=2026)
line = PlanLineAdded(
    line=1,
    kind=Kind.COMPUTER,
    class_code=PC,
    item="台式计算机",
    quantity="10",
    unit_price=500_000,
    reason="更新",
)
taken = StockTaken(line=1, held="3", cards=3, position=9, sha256="x")
submitted = PlanSubmitted(lines=1, amount=5_000_000)
reviewed = PlanReviewed(approval_no="示计〔2026〕1号", amount=5_000_000)
nothing = ReallocationSearched(
    line=1,
    kind=Kind.COMPUTER,
    class_code=PC,
    position=20,
    count=0,
    sha256=digest(()),
    searched_on=TODAY,
)
two = (Piece("PC1", "1"), Piece("PC2", "4"))
some = msgspec.structs.replace(
    nothing, count=2, found=two, sha256=digest(two), quantity="10", rules=RULES
)
CLAIM: dict[str, Any] = {
    "line": 1,
    "acquisition": "Q1",
    "quantity": "10",
    "unit_price": 500_000,
}


def stock(held: str = "3", *limits: Limit, number: int = 1) -> Stock:
    return Stock(
        plan="X",
        line=number,
        on=TODAY,
        position=9,
        cards=3,
        held=held,
        sha256="x",
        limits=limits,
    )


def found(*pieces: Piece, count: int | None = None, on: date = TODAY) -> Found:
    many = len(pieces) if count is None else count
    return Found(
        plan="X", line=1, on=on, position=20, count=many, pieces=pieces, sha256=digest(pieces)
    )


# The plan ---------------------------------------------------------------------


def test_a_plan_is_written_line_by_line_and_put_forward_with_the_stock() -> None:
    plan(drafted, line).at(seen=(stock(),), by="u_clerk").when(planning.submit).then(
        taken, submitted
    ).then_state(status=PlanStatus.SUBMITTED)


def test_nobody_types_the_stock() -> None:
    plan(drafted, line).when(planning.submit).then_refused(planning.BY_THE_SYSTEM)
    assert planning.lifecycle.verbs["submit"].form.__struct_fields__ == ()
    assert planning.lifecycle.verbs["search_reallocation"].form.__struct_fields__ == ("line",)


def test_a_plan_without_lines_is_not_put_forward() -> None:
    plan(drafted).when(planning.submit).then_refused(planning.LINES_FILLED)


def test_a_plan_under_review_is_edited_only_when_it_came_back() -> None:
    drop: Any = {"line": 1, "reason": "已有"}
    under_review = plan(drafted, line, taken, submitted)
    under_review.when(planning.leave_out, **drop).then_refused(planning.EDITABLE)
    came_back = plan(drafted, line, taken, submitted, ReturnedForCorrection(reason="改"))
    came_back.when(planning.leave_out, **drop).then_granted()


def test_a_plan_that_was_changed_is_put_forward_again_before_it_passes() -> None:
    second = msgspec.structs.replace(line, line=2)
    plan(drafted, line, taken, second, submitted).at(role=Role.OFFICE).when(
        planning.approve, approval_no="1"
    ).then_refused(planning.ALL_STOCK_TAKEN)


def test_the_reviewers_cut_and_only_downwards() -> None:
    cut: Any = {"line": 1, "reason": "存量足够"}
    under_review = plan(drafted, line, taken, submitted)
    under_review.when(planning.cut_line, quantity="8", **cut).then(
        PlanLineCut(line=1, quantity="8", reason="存量足够")
    )
    under_review.when(planning.cut_line, quantity="10", **cut).then_refused(planning.ONLY_LESS)
    under_review.when(planning.cut_line, quantity="0", **cut).then_granted()
    plan(drafted, line, taken, submitted, PlanLineCut(line=1, quantity="8", reason="x")).when(
        planning.approve, approval_no="示计〔2026〕1号"
    ).then(PlanReviewed(approval_no="示计〔2026〕1号", amount=4_000_000))


def test_nobody_reviews_their_own_plan() -> None:
    own = plan(drafted, line, taken, submitted).at(by="u_clerk", role=Role.OFFICE)
    own.when(planning.approve, approval_no="1").then_refused(holding.OTHER_PERSON)
    own.when(planning.cut_line, line=1, quantity="1", reason="x").then_refused(holding.OTHER_PERSON)


# Standards (T49) --------------------------------------------------------------

ONE_EACH = Limit(standard="S1", title="台式计算机", class_code="A020101", held="3", cap="1",
                 each_post=True, price_cap=500_000)  # fmt: skip
STRICT = msgspec.structs.replace(GENERIC, over_standard=Beyond.REFUSE)


def for_posts(posts: int | None, quantity: str = "10", unit_price: int = 500_000) -> Given:
    said = msgspec.structs.replace(line, posts=posts, quantity=quantity, unit_price=unit_price)
    return plan(drafted, said).at(seen=(stock("3", ONE_EACH),))


@pytest.mark.target("T49")
def test_over_the_standard_is_flagged_or_refused_as_the_rules_say() -> None:
    """3 in stock and 10 asked for: 13 posts are enough, 12 are not."""
    for_posts(13).at(policy=STRICT).when(planning.submit).then_granted()
    for_posts(12).at(policy=STRICT).when(planning.submit).then_refused(planning.WITHIN_STANDARD)
    flagged = for_posts(12).when(planning.submit).then_state(over=frozenset({1}))
    assert OverStandard(
        line=1,
        standard="S1",
        title="台式计算机",
        wanted="13",
        unit_price=500_000,
        cap="12",
        price_cap=500_000,
    ) in flagged.answers  # fmt: skip


@pytest.mark.target("T49")
def test_a_dearer_one_is_over_the_standard_too() -> None:
    for_posts(20).at(policy=STRICT).when(planning.submit).then_granted()
    for_posts(20, unit_price=500_001).at(policy=STRICT).when(planning.submit).then_refused(
        planning.WITHIN_STANDARD
    )


@pytest.mark.target("T49")
def test_the_lines_of_one_plan_count_together() -> None:
    """Two lines of five are ten, whatever their finer class is."""
    one = msgspec.structs.replace(line, posts=12, quantity="5")
    other = msgspec.structs.replace(one, line=2, class_code="A02010108")
    elsewhere = msgspec.structs.replace(one, line=2, class_code="A02020100")
    seen = (stock("3", ONE_EACH), stock("0", ONE_EACH, number=2))
    plan(drafted, one, other).at(seen=seen, policy=STRICT).when(planning.submit).then_refused(
        planning.WITHIN_STANDARD
    )
    seen = (stock("3", ONE_EACH), stock("0", number=2))
    plan(drafted, one, elsewhere).at(seen=seen, policy=STRICT).when(planning.submit).then_granted()


def test_a_standard_for_each_post_must_know_the_posts() -> None:
    for_posts(None).when(planning.submit).then_refused(planning.POSTS_STATED)


STANDARD: dict[str, Any] = {"title": "台式计算机", "kind": "computer"}
draft_standard = StandardDrafted(
    drafter="u_1", title="台式计算机", kind=Kind.COMPUTER, class_code="A020101", quantity="1",
    basis=Basis.POST, price_cap=500_000, service_years=6,
)  # fmt: skip


def test_a_standard_is_drafted_and_published_by_two_persons() -> None:
    norm().when(standards.draft, **STANDARD).then_refused(standards.SOMETHING_LIMITED)
    norm().when(standards.draft, **STANDARD, service_years=6).then_granted()
    tomorrow = TODAY + timedelta(days=1)
    drafted_ = norm(draft_standard)
    drafted_.at(by="u_1").when(standards.publish, in_force_from=TODAY).then_refused(
        standards.TWO_PERSONS
    )
    drafted_.at(by="u_2").when(
        standards.publish, in_force_from=TODAY - timedelta(days=1)
    ).then_refused(standards.NOT_BACKWARDS)
    drafted_.at(by="u_2").when(standards.publish, in_force_from=tomorrow, number="示标1").then(
        StandardPublished(in_force_from=tomorrow, number="示标1")
    ).then_state(status=StandardStatus.PUBLISHED)


def test_a_standard_binds_its_kind_class_place_and_days() -> None:
    last = TODAY + timedelta(days=30)
    state: Standard = norm(draft_standard, StandardPublished(in_force_from=TODAY)).state
    state = msgspec.structs.replace(state, last_day=last, region="65")
    who: Any = {"kind": Kind.COMPUTER, "class_code": PC, "unit": "o_a", "region": "650100"}

    def binds(on: date = TODAY, **other: Any) -> bool:
        return standards.binds(state, on, **who | other)

    assert binds()
    assert binds(last)
    assert not binds(last + timedelta(days=1))
    assert not binds(TODAY - timedelta(days=1))
    assert not binds(kind=Kind.OFFICE)
    assert not binds(class_code="A0202")
    assert not binds(region="150100")
    assert not standards.binds(msgspec.structs.replace(state, unit="o_b"), TODAY, **who)


# Search before purchase (T50) -------------------------------------------------


@pytest.mark.target("T50")
def test_a_search_is_recorded_as_the_system_found_it() -> None:
    plan(drafted, line).at(seen=(found(*two),)).when(planning.search_reallocation, line=1).then(
        some
    )


@pytest.mark.target("T50")
def test_nobody_types_the_result_of_a_search() -> None:
    for_plan = plan(drafted, line)
    for_plan.when(planning.search_reallocation, line=1).then_refused(planning.BY_THE_SYSTEM)
    another = msgspec.structs.replace(found(), plan="Y")
    for_plan.at(seen=(another,)).when(planning.search_reallocation, line=1).then_refused(
        planning.BY_THE_SYSTEM
    )
    for_plan.at(seen=(found(),)).when(planning.search_reallocation, line=2).then_refused(
        planning.LINE_THERE
    )


def test_a_search_is_of_today() -> None:
    yesterday = TODAY - timedelta(days=1)
    plan(drafted, line).at(seen=(found(),), on=yesterday).when(
        planning.search_reallocation, line=1
    ).then_refused(planning.AS_OF_TODAY)


def claim(*facts: Any, **form: Any) -> Any:
    return plan(drafted, line, taken, submitted, reviewed, *facts).when(
        planning.claim_line, **CLAIM | form
    )


@pytest.mark.target("T50")
def test_nothing_is_acquired_without_a_search() -> None:
    claim().then_refused(planning.SEARCHED)
    about = {"kind": Kind.COMPUTER, "item": "台式计算机", "unit": "o_a"}
    claim(nothing).then(
        PlanLineClaimed(line=1, acquisition="Q1", quantity="10"),
        Ask("acquisition/Q1", "put_forward", about),
    )


@pytest.mark.target("T50")
def test_every_piece_that_was_found_is_answered_before_anything_is_acquired() -> None:
    claim(some).then_refused(planning.NONE_SUITABLE)
    one = planning.FoundPieceRejected(line=1, assets=("PC1",), reason="已损坏")
    claim(some, one).then_refused(planning.NONE_SUITABLE)
    both = planning.FoundPieceRejected(line=1, assets=("PC1", "PC2"), reason="配置过低")
    claim(some, both).then_granted()
    claim(some, both, some).then_granted()  # searched again: the answers stand
    third = msgspec.structs.replace(some, count=3, found=(*two, Piece("PC3", "1")))
    claim(some, both, third).then_refused(planning.NONE_SUITABLE)


@pytest.mark.target("T50")
def test_what_a_certificate_cannot_name_cannot_be_turned_down() -> None:
    many = msgspec.structs.replace(nothing, count=FOUND_MAX + 1)
    claim(many).then_refused(planning.NONE_SUITABLE)


@pytest.mark.target("T50")
def test_a_search_may_not_be_older_than_the_place_allows() -> None:
    place = msgspec.structs.replace(GENERIC, search_days_max=30)
    facts = (drafted, line, taken, submitted, reviewed, nothing)
    day: Callable[[int], date] = lambda n: TODAY + timedelta(days=n)  # noqa: E731 - a name for a sum
    on_last = plan(*facts).at(policy=place, on=day(30)).when(planning.claim_line, **CLAIM)
    on_last.then_granted()
    after = plan(*facts).at(policy=place, on=day(31)).when(planning.claim_line, **CLAIM)
    after.then_refused(planning.FRESH)
    plan(*facts).at(on=day(3000)).when(planning.claim_line, **CLAIM).then_granted()


@pytest.mark.target("T50")
def test_a_search_for_something_else_or_for_fewer_carries_no_purchase() -> None:
    def searched(**other: Any) -> Any:
        return claim(msgspec.structs.replace(nothing, **other), quantity="5")

    searched(quantity="10").then_granted()
    searched(quantity="11").then_granted()
    searched(quantity="9").then_refused(planning.SAME_NEED)
    searched(class_code="A05010100").then_refused(planning.SAME_NEED)
    searched(kind=Kind.FURNITURE).then_refused(planning.SAME_NEED)
    searched(quantity=None).then_granted()  # an older entry does not say


@pytest.mark.target("T50")
def test_the_reason_is_one_of_a_list_and_another_one_is_put_into_words() -> None:
    down: Any = {"line": 1, "assets": ("PC1",)}
    searched = plan(drafted, line, some)
    searched.when(planning.reject_found, **down).then_refused(planning.REASONED)
    searched.when(planning.reject_found, **down, ground=Unsuitable.TOO_FAR).then(
        planning.FoundPieceRejected(line=1, assets=("PC1",), ground=Unsuitable.TOO_FAR, reason="")
    )
    searched.when(planning.reject_found, **down, reason="已损坏").then(
        planning.FoundPieceRejected(line=1, assets=("PC1",), reason="已损坏")
    )


def test_only_what_was_found_is_answered_and_once() -> None:
    searched = plan(drafted, line, some)
    turn_down: Any = {"line": 1, "reason": "旧"}
    searched.when(planning.reject_found, assets=("PC9",), **turn_down).then_refused(
        planning.WAS_FOUND
    )
    plan(
        drafted, line, some, planning.FoundPieceRejected(line=1, assets=("PC1",), reason="旧")
    ).when(planning.reject_found, assets=("PC1",), **turn_down).then_refused(planning.WAS_FOUND)
    plan(drafted, line).when(planning.reject_found, assets=("PC1",), **turn_down).then_refused(
        planning.WAS_FOUND
    )


def test_what_is_taken_need_not_be_bought() -> None:
    """Ten are needed; the four on one card that was found are reallocated: six are left."""
    took = planning.FoundPieceTaken(line=1, asset="PC2", case="reallocation/R1")
    down = planning.FoundPieceRejected(line=1, assets=("PC1",), reason="旧")
    claim(some, took, down).then_refused(planning.ENOUGH_LEFT)
    claim(some, took, down, quantity="6").then_granted()


def test_purchases_together_stay_within_the_line() -> None:
    first = PlanLineClaimed(line=1, acquisition="Q0", quantity="7")
    claim(nothing, first, quantity="3").then_granted()
    claim(nothing, first, quantity="4").then_refused(planning.ENOUGH_LEFT)
    back = planning.PlanLineReleased(line=1, acquisition="Q0")
    claim(nothing, first, back).then_granted()
    claim(nothing, unit_price=500_001).then_refused(planning.NOT_DEARER)


def test_nothing_is_acquired_on_a_plan_that_was_not_reviewed() -> None:
    plan(drafted, line, taken, submitted, nothing).when(planning.claim_line, **CLAIM).then_refused(
        planning.REVIEWED
    )


# The purchase -----------------------------------------------------------------

requested = AcquisitionRequested(
    applicant="u_clerk", plan="X", line=1, way=Way.PURCHASE, quantity="10", unit_price=500_000
)


def test_a_purchase_asks_its_plan_when_it_is_requested_and_when_it_is_authorised() -> None:
    purchase().at(by="u_clerk").when(
        acquiring.request, plan="X", line=1, quantity="10", unit_price=500_000
    ).then(requested, Ask("plan/X", "claim_line", CLAIM | {"acquisition": "X"}))
    purchase(requested).when(acquiring.authorise, approval_no="示购1").then(
        AcquisitionAuthorised(approval_no="示购1"),
        Ask("plan/X", "confirm_line", {"line": 1, "acquisition": "X"}),
    ).then_state(status=AcquisitionStatus.AUTHORISED)
    plan(drafted, line, taken, submitted, reviewed, some).when(
        planning.confirm_line, line=1, acquisition="Q1"
    ).then_refused(planning.NONE_SUITABLE)


def test_nobody_authorises_their_own_purchase() -> None:
    purchase(requested).at(by="u_clerk").when(acquiring.authorise, approval_no="1").then_refused(
        holding.OTHER_PERSON
    )


def test_a_purchase_that_comes_to_nothing_frees_its_line() -> None:
    freed = Ask("plan/X", "release_line", {"line": 1, "acquisition": "X"})
    for verb in (acquiring.refuse, acquiring.withdraw):
        answers = purchase(requested).when(verb, reason="不需要").then_granted().answers
        assert answers[1:] == (freed,)


def test_what_is_delivered_is_counted_and_too_much_is_seen() -> None:
    authorised = AcquisitionAuthorised(approval_no="1")
    purchase(requested).when(acquiring.count_delivery, asset="A", quantity="1").then_refused(
        acquiring.AUTHORISED
    )
    part = acquiring.DeliveryCounted(asset="A", quantity="4")
    rest = acquiring.DeliveryCounted(asset="B", quantity="7")
    purchase(requested, authorised, part).then_state(
        status=AcquisitionStatus.AUTHORISED, delivered="4", beyond=False
    )
    purchase(requested, authorised, part, rest).then_state(
        status=AcquisitionStatus.DELIVERED, delivered="11", beyond=True
    )
    purchase(requested, authorised, part).when(acquiring.close, reason="停产").then_state(
        status=AcquisitionStatus.CLOSED
    )
    purchase(requested, authorised, part, rest).when(acquiring.close, reason="x").then_refused(
        acquiring.EXPECTED
    )


# What a search must find ------------------------------------------------------


@pytest.mark.target("T50")
def test_a_search_finds_what_its_holder_does_not_need() -> None:
    idle = Asset(book=Book.ON_BOOKS, custody=Custody.IDLE, kind=Kind.COMPUTER, class_code=PC)

    def finds(class_code: str = PC, **other: Any) -> bool:
        asset = msgspec.structs.replace(idle, **other)
        return to_be_had(asset, Kind.COMPUTER, class_code, TODAY)

    assert finds()
    for custody in (Custody.UNDER_USED, Custody.WAREHOUSE, Custody.VIRTUAL):
        assert finds(custody=custody)
    assert finds(custody=Custody.IN_USE, listed=True)
    assert finds(class_code="")  # who states no class may be of any
    assert not finds(custody=Custody.IN_USE)
    assert not finds(lock=Lock.RESERVED)
    assert not finds(lock=Lock.RESERVED, held_until=TODAY)
    assert finds(lock=Lock.RESERVED, held_until=TODAY - timedelta(days=1))  # the claim ended
    assert not finds(kind=Kind.OFFICE)
    assert not finds(book=Book.TO_DISPOSE)
    other = msgspec.structs.replace(idle, class_code="A02020100")
    assert not to_be_had(other, Kind.COMPUTER, PC, TODAY)
    ours = msgspec.structs.replace(idle, accounting_unit="o_a", custody=Custody.IN_USE)
    assert in_stock(ours, "o_a", Kind.COMPUTER, PC)
    assert not in_stock(ours, "o_b", Kind.COMPUTER, PC)


def test_a_digest_is_of_the_result_and_not_of_its_order() -> None:
    assert digest(two) == digest(reversed(two))
    assert digest(two) != digest((Piece("PC1", "1"), Piece("PC2", "5")))
    assert together((Piece("A", "1.5"), Piece("B", "2.5"))) == "4"
