"""Straight line in whole fen: every month posted once, every fen written off once, on any day."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from doors import PASSWORD, staffed
from given import OCCASION, given
from hypothesis import given as each
from hypothesis import settings
from hypothesis import strategies as st
from msgspec.structs import replace
from starlette.testclient import TestClient
from typer.testing import CliRunner

from api.app import create_app
from api.cli import app as cli
from api.office import Actor, Office
from domain import asset, depreciating, kinds
from domain.asset import Asset, AssetRegistered, Book, Kind, ValueCorrected, ValueType
from domain.decider import Ask, Event, Refused
from domain.depreciating import (
    CostAdded,
    DepreciationPlanned,
    DepreciationPosted,
    Disagreement,
    Life,
    Line,
    LivesAdopted,
    Obstacle,
    RunSeen,
    month_end,
    month_name,
    month_of,
    run,
    stands,
    stated,
    totals,
    worth,
    written_off,
)
from domain.exchanging import BookedInExchange
from domain.reallocation import BooksMoved
from domain.splitting import DepreciationStated, PostedSeen

past = partial(given, asset.lifecycle)
books = partial(given, depreciating.lifecycle)
YEARS = {"computer": 6, "office": 6, "furniture": 15, "vehicle": 8, "premises": 50}
LIVES = tuple(Life(months=years * 12, kind=kind) for kind, years in YEARS.items())
TABLE = "\n".join(f"{kind},,,{years}" for kind, years in YEARS.items())
JAN = month_of("2020-01")
NOTHING_MORE: dict[str, Any] = {}
adopted = LivesAdopted(title="示例市折旧年限表", source="本单位制定", lives=LIVES)
posted = DepreciationPosted(
    month="2025-05", position=9, follows="", cards=2, charged=2, faults=0, sha256="ab", totals=()
)


def card(value: int | None = 720_000, **fields: Any) -> Asset:
    said: dict[str, Any] = {"kind": Kind.COMPUTER, "acquired": date(2020, 1, 31)} | fields
    return asset.lifecycle.fold(
        [AssetRegistered(asset_no="ZC-1", name="计算机", unit="o_a", value=value, **said)]
    )


def months(thing: Asset, first: int, last: int, before: Line | None = None) -> list[Line]:
    """Run a card month by month."""
    lines: list[Line] = []
    for month in range(first, last + 1):
        before = run(thing, LIVES, before, month, "A")
        lines.append(before)
    return lines


# One card -----------------------------------------------------------------------


@pytest.mark.target("T100")
@each(st.integers(0, 10**9), st.integers(1, 200), st.data())
def test_the_months_take_the_rest_exactly_and_none_is_a_fen_off(
    rest: int, left: int, data: st.DataObject
) -> None:
    by_month, so_far = [], 0
    for gone in range(left):
        by_month.append(written_off(rest - so_far, left - gone, 1))
        so_far += by_month[-1]
    assert sum(by_month) == rest
    assert max(by_month) - min(by_month) <= 1
    # Many months at once are what they are one by one, whenever they begin.
    start = data.draw(st.integers(0, left - 1))
    many = data.draw(st.integers(0, left - start))
    rest_then = rest - sum(by_month[:start])
    assert written_off(rest_then, left - start, many) == sum(by_month[start : start + many])


def test_the_month_of_buying_counts_and_the_month_of_leaving_does_not() -> None:
    lines = months(card(), JAN - 1, JAN + 72)
    assert [line.charge for line in lines] == [0, *[10_000] * 72, 0]
    assert lines[-1].accumulated == 720_000
    going = replace(card(), book=Book.TO_DISPOSE)
    assert run(going, LIVES, lines[5], JAN + 5, "A").charge == 0
    # Kept after all: what was missed is written off with the next month.
    back = run(card(), LIVES, run(going, LIVES, lines[5], JAN + 5, "A"), JAN + 6, "A")
    assert (back.charge, back.missed) == (20_000, 1)


@pytest.mark.parametrize("kind", [Kind.LAND, Kind.RELIC, Kind.ARCHIVE])
def test_some_classes_are_never_written_off(kind: Kind) -> None:
    assert [line.charge for line in months(card(kind=kind), JAN, JAN + 3)] == [0] * 4
    assert not worth(card(kind=kind), LIVES, None, date(2024, 1, 1)).wears


def test_what_is_carried_at_a_token_yuan_stays_at_it() -> None:
    token = card(100, value_type=ValueType.NOMINAL)
    assert run(token, LIVES, None, JAN, "A").charge == 0
    assert worth(token, LIVES, None, date(2030, 1, 1)).net == 100


def test_a_half_depreciated_import_goes_on_from_what_its_books_say() -> None:
    stated = DepreciationStated(accumulated=361_000, until=date(2022, 12, 31), residual=0)
    thing = asset.lifecycle.evolve(card(), stated)
    lines = months(thing, JAN + 36, JAN + 71)
    assert lines[0].before == 361_000
    assert lines[0].charge == 359_000 // 36
    assert lines[-1].accumulated == 720_000


def test_what_comes_late_is_made_good_in_the_first_month_it_is_there() -> None:
    line = run(card(), LIVES, None, JAN + 11, "A")
    assert (line.charge, line.missed, line.through) == (120_000, 11, JAN + 11)


def test_a_provisional_value_settled_later_leaves_alone_what_was_booked() -> None:
    guess = card(value_type=ValueType.ESTIMATE)
    so_far = months(guess, JAN, JAN + 11)[-1]
    known = asset.lifecycle.evolve(
        guess, depreciating.ValueSettled(value=1_200_000, voucher="记-7", reason="决算")
    )
    line = run(known, LIVES, so_far, JAN + 12, "A")
    assert (line.before, line.charge) == (120_000, (1_200_000 - 120_000) // 60)
    past(AssetRegistered(asset_no="ZC-1", name="楼", kind=Kind.PREMISES, unit="o_a", value=9)).when(
        depreciating.settle_value, value=9, voucher="记-7", reason="决算"
    ).then_refused(depreciating.PROVISIONAL)


def test_an_extension_is_written_off_over_the_life_that_is_left() -> None:
    so_far = months(card(), JAN, JAN + 35)[-1]
    longer = asset.lifecycle.evolve(
        card(), CostAdded(amount=360_000, voucher="记-8", reason="扩建", months=96)
    )
    line = run(longer, LIVES, so_far, JAN + 36, "A")
    assert line.charge == (720_000 - 360_000 + 360_000) // 60
    assert months(longer, JAN + 36, JAN + 95, so_far)[-1].accumulated == 1_080_000


@pytest.mark.parametrize(
    ("thing", "obstacle"),
    [
        (card(None), Obstacle.NO_VALUE),
        (card(acquired=None), Obstacle.NO_DATE),
        (card(kind=Kind.OTHER), Obstacle.NO_LIFE),
        (
            replace(card(), accumulated=720_001, stated_until=date(2020, 3, 31)),
            Obstacle.BEYOND_COST,
        ),
        (replace(card(), accumulated=1, stated_until=date(2026, 3, 31)), Obstacle.LIFE_OVER),
    ],
)
def test_what_cannot_be_written_off_says_why_and_what_to_do(
    thing: Asset, obstacle: Obstacle
) -> None:
    line = run(thing, LIVES, None, JAN + 80, "A")
    assert (line.obstacle, line.charge) == (obstacle.value, 0)
    assert depreciating.REMEDIES[obstacle]


def test_a_split_that_shared_no_depreciation_is_named_on_both_cards() -> None:
    line = months(card(), JAN, JAN + 3)[-1]
    old, new = replace(card(360_000), split_off=1), replace(card(360_000), split_from="A")
    assert run(old, LIVES, line, JAN + 4, "A").obstacle == Obstacle.NOT_SHARED.value
    assert run(new, LIVES, None, JAN + 4, "A.1", line).obstacle == Obstacle.NOT_SHARED.value
    # Split before anything was written off, there is nothing to share.
    assert not run(new, LIVES, None, JAN + 4, "A.1").obstacle


def test_the_longest_code_decides_and_a_code_counts_in_its_own_version() -> None:
    lives = (
        Life(months=72, kind="computer"),
        Life(months=60, scheme="GB/T 14885-2010", prefix="201"),
        Life(months=36, scheme="GB/T 14885-2010", prefix="20101"),
    )

    def of(thing: Asset) -> int:
        life = depreciating.life_of(thing, lives)
        return life.months if life else 0

    server: dict[str, Any] = {"class_code": "2010103", "class_scheme": "GB/T 14885-2010"}
    other: dict[str, Any] = {"class_code": "2010103", "class_scheme": "GB/T 14885-2022"}
    assert [of(card(**fields)) for fields in (server, other, NOTHING_MORE)] == [36, 72, 72]
    assert of(card(kind=Kind.LAND)) == 0


# From one unit's books to another's -----------------------------------------------


@pytest.mark.target("T100")
@pytest.mark.parametrize("posted", [0, 30, 40])  # months that the giver posted here
@pytest.mark.parametrize("stated_", [False, True])
def test_what_comes_by_exchange_is_written_off_anew_over_what_is_left_of_its_life(
    posted: int, stated_: bool
) -> None:
    thing = card()
    if stated_:
        thing = asset.lifecycle.evolve(
            thing, DepreciationStated(accumulated=90_000, until=date(2020, 9, 30), residual=0)
        )
    line = months(thing, JAN, JAN + posted - 1)[-1] if posted else None
    got = BookedInExchange(unit="o_b", value=320_001, voucher="记-9", on=date(2023, 5, 17))
    after = asset.lifecycle.evolve(thing, got)
    lines = months(after, JAN + 40, JAN + 71, line)  # May 2023 is its 41st month of 72
    assert (lines[0].before, lines[0].charge, lines[0].missed) == (0, 10_000, 0)
    assert sum(line.charge for line in lines) == lines[-1].accumulated == 320_001
    # First told two months later, those two are made good, and nothing before the exchange.
    late = run(after, LIVES, line, JAN + 42, "A")
    assert (late.charge, late.missed) == (30_000, 2)
    # What later moves on without payment keeps what was written off.
    moved = asset.lifecycle.evolve(after, BooksMoved(unit="o_c", gross=320_001))
    assert run(moved, LIVES, lines[5], JAN + 46, "A").before == lines[5].accumulated


@pytest.mark.target("T100")
def test_books_that_move_with_their_depreciation_go_on_where_the_giver_stopped() -> None:
    stated_ = DepreciationStated(accumulated=90_000, until=date(2020, 9, 30), residual=0)
    thing = asset.lifecycle.evolve(card(), stated_)
    line = months(thing, JAN + 9, JAN + 29)[-1]
    moved = BooksMoved(unit="o_b", gross=720_000, accumulated=line.accumulated)
    lines = months(asset.lifecycle.evolve(thing, moved), JAN + 30, JAN + 71, line)
    assert (lines[0].before, lines[0].charge, lines[0].missed) == (line.accumulated, 10_000, 0)
    assert lines[-1].accumulated == 720_000
    # From a unit that posts elsewhere, it was up to date when it came.
    fresh = run(asset.lifecycle.evolve(card(), moved), LIVES, None, JAN + 30, "A")
    assert (fresh.before, fresh.charge, fresh.missed) == (line.accumulated, 10_000, 0)


@pytest.mark.target("T100")
@each(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 70), st.integers(0, 72))
def test_a_revaluation_spreads_what_is_left_to_the_fen(
    value: int, other: int, when: int, seen_: int
) -> None:
    before = months(card(value), JAN, JAN + when)[-1]
    lowest = before.accumulated
    changed = ValueCorrected(
        value=max(other, lowest), value_type=ValueType.APPRAISAL, reason="评估"
    )
    thing = asset.lifecycle.evolve(card(value), changed)
    lines = months(thing, JAN + when + 1, JAN + 71, before)
    assert lines[-1].accumulated == max(other, lowest)
    charges = [line.charge for line in lines]
    assert max(charges) - min(charges) <= 1
    on = month_end(JAN + seen_)
    if seen_ > when and seen_ <= 71:
        told = worth(thing, LIVES, before, on)
        assert told.accumulated == lines[seen_ - when - 1].accumulated


# Histories ----------------------------------------------------------------------


class Story:
    """Cards of a unit over the months: what happened to them, and every line of every run."""

    def __init__(self, first: Asset) -> None:
        self.month = JAN - 1
        self.cards = {"A": first}
        self.lines: dict[str, Line] = {}
        self.every: list[Line] = []

    def next_month(self) -> None:
        self.month += 1
        self.lines = {
            id_: run(thing, LIVES, self.lines.get(id_), self.month, id_)
            for id_, thing in self.cards.items()
        }
        self.every += self.lines.values()

    def happens(self, id_: str, event: Event) -> None:
        self.cards[id_] = asset.lifecycle.evolve(self.cards[id_], event)

    def splits(self, id_: str, quantity: int) -> None:
        line, thing = self.lines.get(id_), self.cards[id_]
        seen: tuple[PostedSeen, ...] = ()
        if line is not None:
            standing = stands(thing, line)
            assert isinstance(standing, tuple)
            so_far, through = standing
            if (so_far, through) != stated(thing) and through >= 0:
                until, residual = month_end(through), line.residual
                said = PostedSeen(
                    stream=f"asset/{id_}", accumulated=so_far, residual=residual, until=until
                )
                seen = (said,)
        occasion = replace(OCCASION, stream=f"asset/{id_}", seen=seen, role="clerk")
        form = {"quantity": str(quantity), "reason": "拆分"}
        answers = asset.lifecycle.decide(self.cards[id_], "split", occasion, form, asked=False)
        for answer in answers:
            if isinstance(answer, Ask):
                (card_,) = asset.lifecycle.decide(
                    Asset(), answer.verb, occasion, answer.form, asked=True
                )
                assert isinstance(card_, Event)
                self.cards[answer.stream[6:]] = asset.lifecycle.fold([card_])
            else:
                self.happens(id_, answer)


HAPPENS = st.lists(
    st.tuples(
        st.integers(0, 30), st.sampled_from(["split", "add", "lower", "longer"]), st.integers(1, 39)
    ),
    max_size=8,
)


@pytest.mark.target("T100")
@settings(max_examples=60)
@each(st.integers(1_000, 10**8), st.integers(0, 500), HAPPENS)
def test_over_splits_additions_and_new_lives_every_fen_is_written_off_once(
    value: int, residual: int, happens: list[tuple[int, str, int]]
) -> None:
    story = Story(replace(card(value, quantity="40"), residual=residual))
    for month in range(JAN, JAN + 73):
        for _, what, much in (h for h in happens if h[0] == month - JAN):
            id_ = sorted(story.cards)[much % len(story.cards)]
            thing, line = story.cards[id_], story.lines.get(id_)
            assert thing.value is not None
            if what == "split" and int(thing.quantity) > 1:
                story.splits(id_, min(much, int(thing.quantity) - 1))
            elif what == "add":
                story.happens(id_, CostAdded(amount=much * 997, voucher="V", reason="x", months=40))
            elif what == "lower":
                kept = max(line.accumulated if line else 0, thing.accumulated or 0)
                kept += thing.residual or 0
                lower = kept + (thing.value - kept) * much // 40
                story.happens(
                    id_, ValueCorrected(value=lower, value_type=ValueType.APPRAISAL, reason="x")
                )
            elif what == "longer":
                story.happens(id_, DepreciationPlanned(months=30 + much, reason="x"))
        story.next_month()
    assert not [line for line in story.every if line.obstacle and line.cost > line.accumulated]
    for id_, thing in story.cards.items():
        assert story.lines[id_].accumulated == (thing.value or 0) - (thing.residual or 0)
    charged = sum(line.charge for line in story.every)
    assert charged == sum((c.value or 0) - (c.residual or 0) for c in story.cards.values())
    assert all(line.charge >= 0 for line in story.every)


@pytest.mark.target("T101")
@settings(max_examples=60)
@each(
    st.integers(0, 10**8),
    st.integers(0, 500),
    st.integers(1, 120),
    st.integers(0, 130),
    st.integers(0, 130),
)
def test_the_value_on_any_day_is_what_the_runs_come_to(
    value: int, residual: int, life: int, seen: int, asked: int
) -> None:
    thing = replace(card(value), residual=min(residual, value), life_months=life)
    lines = months(thing, JAN, JAN + 130)
    on = month_end(JAN + asked)
    fresh = worth(thing, LIVES, None, on)
    assert fresh.accumulated == lines[asked].accumulated
    assert fresh.net == value - lines[asked].accumulated
    if seen <= asked:
        going_on = worth(thing, LIVES, lines[seen], on)
        assert going_on.accumulated == lines[asked].accumulated
        assert going_on.posted == lines[seen].accumulated


# What may be asked ----------------------------------------------------------------


def seen(month: str, **fields: Any) -> tuple[RunSeen]:
    said: dict[str, Any] = {"position": 9, "before": "", "cards": 2, "charged": 2, "faults": 0}
    said |= {"sha256": "ab", "totals": ()} | fields
    return (RunSeen(stream="depreciation/X", month=month, **said),)


def test_a_month_is_posted_once_in_order_and_only_when_it_came() -> None:
    ours = {"unit": "X"}
    story = books(adopted).at(seen=seen("2025-05"), **ours)
    story.when(depreciating.post, month="2025-05").then(posted)
    story.when(depreciating.post, month="2025-07").then_refused(depreciating.MONTH_OVER)
    story.when(depreciating.post, month="2025-06").then_refused(depreciating.WORKED_OUT)
    again = books(adopted, posted).at(seen=seen("2025-05"), **ours)
    again.when(depreciating.post, month="2025-05").then_refused(depreciating.POSTED_ALREADY)
    again.when(depreciating.post, month="2025-04").then_refused(depreciating.POSTED_ALREADY)
    later = books(adopted, posted).at(seen=seen("2025-06", before="ab"), **ours)
    later.when(depreciating.post, month="2025-06").then_granted()
    closed = books(adopted).at(seen=seen("2025-05", closed=date(2025, 5, 31)), **ours)
    closed.when(depreciating.post, month="2025-05").then_refused(depreciating.MONTH_OPEN)
    books().at(**ours).when(depreciating.post, month="2025-05").then_refused(
        depreciating.LIVES_KNOWN
    )
    story.at(unit="o_b", role="accountant").when(depreciating.post, month="2025-05").then_refused(
        depreciating.OWN_BOOKS
    )


def test_a_table_of_lives_is_read_as_people_write_it() -> None:
    story = books().at(unit="X")
    rows = "# 类别，版本，前缀，年限，净残值率\n车辆,,,8,50\n,GB/T 14885-2010,210,10"
    story.when(depreciating.adopt_lives, title="T", source="S", lives=rows).then(
        LivesAdopted(
            title="T",
            source="S",
            lives=(
                Life(months=96, kind="vehicle", residual=50),
                Life(months=120, scheme="GB/T 14885-2010", prefix="210"),
            ),
        )
    )
    for wrong in (
        "车辆,,,0",
        "车辆,,,八",
        "飞船,,,8",
        ",,,8",
        "车辆,,,8,1000",
        "#",
        "车辆,,,8,0,1",
    ):
        story.when(depreciating.adopt_lives, title="T", source="S", lives=wrong).then_refused(
            depreciating.LIVES_READ
        )


def test_land_is_given_no_life() -> None:
    plot = AssetRegistered(asset_no="ZC-2", name="地", kind=Kind.LAND, unit="o_a", value=9)
    past(plot).when(depreciating.plan_depreciation, months=9, reason="x").then_refused(
        kinds.DEPRECIABLE
    )


# As a whole, on both databases ------------------------------------------------------

CLERK = Actor(person="u_clerk", unit="o_a", role="clerk")
BOOK = Actor(person="u_accountant", unit="o_a", role="accountant")


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    """Three computers of 2024 and a plot; the unit has a table of lives."""
    with staffed(database, on=date(2024, 1, 2)) as office:
        form = {"title": "示例市折旧年限表", "source": "本单位制定", "lives": TABLE}
        office.ask("depreciation/o_a", "adopt_lives", form, BOOK)
        for id_, kind, value in (
            ("A", "computer", 720_000), ("B", "computer", 100_001), ("C", "computer", 7_200),
            ("P", "land", 5_000_000),
        ):  # fmt: skip
            register(office, id_, kind, value)
        yield office


def register(office: Office, id_: str, kind: str, value: int | None, **fields: Any) -> None:
    form = {"asset_no": f"ZC-{id_}", "name": "设备", "kind": kind, "unit": "o_a", "value": value}
    form |= {"acquired": date(2024, 1, 15)} | fields
    office.ask(f"asset/{id_}", "register_existing", form, CLERK, on=date(2024, 1, 15))


def post(office: Office, month: str) -> depreciating.Wear:
    office.ask("depreciation/o_a", "post", {"month": month}, BOOK)
    wear: depreciating.Wear = office.book.stream("depreciation/o_a").state
    return wear


def lines(office: Office, month: str) -> dict[str, Line]:
    (sha256,) = (
        one.event.sha256 for one in office.depreciating.months("o_a") if one.event.month == month
    )
    return {line.asset: line for line in office.depreciating.lines(sha256)}


def worn(office: Office, id_: str, on: date) -> int:
    told = office.depreciating.worth(id_, on)
    assert told is not None
    return told.accumulated


@pytest.mark.target("T101", "T104")
def test_months_are_posted_and_the_books_agree_until_a_row_is_broken(office: Office) -> None:
    for month in ("2024-01", "2024-02", "2024-03"):
        post(office, month)
    march = lines(office, "2024-03")
    assert {id_: line.accumulated for id_, line in march.items()} == {
        "A": 30_000, "B": 4_164, "C": 300, "P": 0,
    }  # fmt: skip
    wear = office.book.stream("depreciation/o_a").state
    (computers, _) = wear.totals
    assert (computers.opening, computers.charge, computers.closing) == (22_976, 11_488, 34_464)
    with pytest.raises(Refused) as caught:
        post(office, "2024-03")
    assert caught.value.rule is depreciating.POSTED_ALREADY
    # Any day, before and after what was posted, comes to what the runs come to.
    future = worn(office, "B", date(2024, 9, 30))
    for month in ("2024-04", "2024-05", "2024-06", "2024-07", "2024-08", "2024-09"):
        post(office, month)
    assert (
        lines(office, "2024-09")["B"].accumulated == future == worn(office, "B", date(2024, 9, 9))
    )
    assert worn(office, "B", date(2024, 2, 29)) == lines(office, "2024-02")["B"].accumulated
    # A tie-out, and every place where one row can be broken.
    agree = office.depreciating.agreement
    assert agree("o_a", "2024-09") == []
    assert agree("o_a", "2030-01") is None
    rows = list(lines(office, "2024-09").values())
    before = list(lines(office, "2024-08").values())
    sums, were = totals(rows, before), totals(before, [])
    were = tuple(msgspec.structs.replace(t, opening=0, came=0) for t in were)
    costs = {line.asset: line.cost for line in rows}
    compare = partial(depreciating.agreement)
    wrong = compare(costs | {"B": 1}, rows, before, sums, were)
    assert [(b.what, b.row, b.here, b.there) for b in wrong] == [
        (Disagreement.CARD, "B", 1, 100_001)
    ]
    missing = compare(costs | {"Z": 5}, rows, before, sums, were)
    assert [(b.what, b.row) for b in missing] == [(Disagreement.MISSING, "Z")]
    bent = [replace(rows[0], before=rows[0].before + 1), *rows[1:]]
    assert {(b.what, b.row) for b in compare(costs, bent, before, sums, were)} == {
        (Disagreement.CHAIN, "A"), (Disagreement.LEDGER, "computer CNY"),
    }  # fmt: skip
    lost = compare(costs, rows[1:], before, sums, were)
    assert {(b.what, b.row) for b in lost} >= {(Disagreement.MISSING, "A")}
    told = (msgspec.structs.replace(sums[0], charge=sums[0].charge + 1), sums[1])
    assert [(b.what, b.figure) for b in compare(costs, rows, before, told, were)] == [
        (Disagreement.LEDGER, "charge")
    ]


@pytest.mark.target("T102")
def test_one_bad_card_never_stops_the_rest(office: Office) -> None:
    for number in range(10):
        kind, value = ("other", 500) if number % 2 else ("computer", None)
        register(office, f"F{number}", kind, value)
    wear = post(office, "2024-01")
    document = office.depreciating.document(wear.sha256)
    assert document.faults == tuple(
        (f"F{n}", "no_life" if n % 2 else "no_value") for n in range(10)
    )
    assert {t.kind: t.charge for t in wear.totals} == {"computer": 11_488, "land": 0, "other": 0}
    # What was mended is made good in the next month, the missed one with it.
    form = {"value": 72_000, "value_type": "cost", "reason": "补录", "voucher": "记-1"}
    office.ask("asset/F0", "correct_value", form, BOOK, on=date(2024, 2, 5))
    post(office, "2024-02")
    mended = lines(office, "2024-02")["F0"]
    assert (mended.charge, mended.missed, mended.obstacle) == (2_000, 1, "")
    assert office.depreciating.agreement("o_a", "2024-02") == []


@pytest.mark.target("T32", "T100")
def test_a_card_that_is_split_takes_along_what_was_posted(office: Office) -> None:
    register(office, "L", "computer", 7_200_001, quantity="40")
    for month in ("2024-01", "2024-02"):
        post(office, month)
    office.ask("asset/L", "split", {"quantity": "7", "reason": "调剂"}, CLERK, on=date(2024, 3, 5))
    old, new = (office.book.stream(f"asset/{i}").state for i in ("L", "L.1"))
    assert old.accumulated + new.accumulated == 200_000
    assert old.value + new.value == 7_200_001
    wear = post(office, "2024-03")
    total = {t.kind: t for t in wear.totals}["computer"]
    assert total.came + total.restated == 0
    assert total.closing - total.opening == total.charge
    both = lines(office, "2024-03")
    assert abs(both["L"].accumulated + both["L.1"].accumulated - 300_000) <= 1
    assert office.depreciating.agreement("o_a", "2024-03") == []
    # Merged again, what both carried is on one card, and the months go on.
    office.ask(
        "asset/L", "merge", {"assets": ("L.1",), "reason": "退回"}, CLERK, on=date(2024, 4, 5)
    )
    post(office, "2024-04")
    assert lines(office, "2024-04")["L"].accumulated == pytest.approx(400_000, abs=1)


def test_a_month_is_taken_back_and_posted_again(office: Office) -> None:
    post(office, "2024-01")
    post(office, "2024-02")
    office.reverse("depreciation/o_a", 3, BOOK, reason="年限表有误")
    assert [one.event.month for one in office.depreciating.months("o_a")] == ["2024-01"]
    wear = post(office, "2024-02")
    assert wear.month == "2024-02"
    assert month_name(month_of("2024-02")) == "2024-02"
    assert lines(office, "2024-02")["A"].accumulated == 20_000


# At the doors -----------------------------------------------------------------------


def test_the_page_posts_a_month_names_what_was_left_out_and_holds_the_books_together(
    office: Office,
) -> None:
    register(office, "F", "other", 500)
    client = TestClient(create_app(office.settings, office), follow_redirects=False)
    account = next(a for a in office.accounts.all() if a.login == "accountant")
    client.cookies.set("session", office.accounts.sign_in(account))
    empty = client.get("/depreciation/o_a").text
    key = re.search(r'name="key" value="([^"]+)"', empty)
    assert key is not None
    done = client.post("/depreciation/o_a/do/post", data={"key": key[1], "month": "2024-01"})
    assert done.status_code == 303
    text = client.get("/depreciation/o_a?month=2024-01&check=1").text
    assert Obstacle.NO_LIFE.words.zh in text
    assert depreciating.REMEDIES[Obstacle.NO_LIFE].zh in text
    assert "卡片、明细账、总账一致" in text
    assert client.get("/depreciation/o_a?month=2030-01").status_code == 404
    assert client.get("/depreciation/o_none").status_code == 404
    again = client.post("/depreciation/o_a/do/post", data={"key": "k2", "month": "2024-01"})
    assert again.status_code == 409
    # The card tells its net value, on any day that is asked for.
    past_ = client.get("/assets/A?on=2024-02-10").text
    assert "净值 ¥7,000.00" in past_


def test_the_command_line_posts_shows_and_checks(database: str, tmp_path: Path) -> None:
    url = database
    with staffed(url, on=date(2024, 1, 2)) as office:
        register(office, "A", "computer", 720_000)
        register(office, "F", "other", 500)
    table = tmp_path / "lives.csv"
    table.write_text("计算机设备,,,6\n", encoding="utf-8")
    env = {"GONGWU_LOGIN": "accountant", "GONGWU_PASSWORD": PASSWORD}

    def gongwu(*words: str) -> tuple[int, Any]:
        command = ["--database", url, "--json", "depreciation", *words]
        result = CliRunner().invoke(cli, command, env=env)
        return result.exit_code, json.loads(result.stdout) if result.stdout else None

    unit = ("--unit", "o_a", "--as", "accountant")
    assert gongwu("lives", str(table), *unit, "--title", "表", "--source", "本单位")[0] == 0
    code, told = gongwu("run", "--month", "2024-01", *unit)
    assert (code, told["faults"]) == (0, [["F", "no_life"]])
    code, told = gongwu("show", "A", "--on", "2029-12-31")
    assert (code, told["worth"]["accumulated"], told["net"]) == (0, 720_000, 0)
    assert gongwu("check", "--month", "2024-01", "--unit", "o_a") == (
        0, {"unit": "o_a", "month": "2024-01", "broken": []},
    )  # fmt: skip
    assert gongwu("run", "--month", "2024-01", *unit)[0] == 1
    assert gongwu("check", "--month", "2024-02", "--unit", "o_a")[0] == 1
