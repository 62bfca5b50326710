"""The lists: they equal an independent fold of the log, on both axes, and survive a rebuild."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from sizes import sized
from sqlalchemy import text

from domain.asset import AssetRegistered, CardCorrected, Kind
from domain.asset import Book as Standing
from domain.decider import Ask, EntryReversed, Occasion
from domain.demand import DemandPublished
from domain.ruling import PolicyProposed
from domain.unit import UnitEstablished, UnitKind, UnitRenamed
from domain.use import DeclaredIdle, IssuedToUser, Relocated, ReturnedByUser
from ledger.book import Book, new_id
from ledger.entry import Corrects, Draft
from projections import cases, history, inventory, sharing, units
from projections.scope import EVERYTHING, BadCursor, Filters, Scope, cursor
from projections.store import ReadModels, Stuck

DAY = date(2026, 3, 1)


@pytest.fixture
def book(database: str) -> Iterator[Book]:
    book = Book.open(database)
    yield book
    book.close()


@pytest.fixture
def models(database: str, book: Book) -> Iterator[ReadModels]:
    models = ReadModels.open(database)
    yield models
    models.close()


def drafted(stream: str, facts: list[tuple[Any, date]], start: int = 1) -> list[Draft]:
    return [
        Draft(
            stream=stream,
            seq=seq,
            event=fact,
            actor="u_1",
            cause="cmd_test",
            effective_at=f"{on}T00:00:00+08:00",
            corrects=Corrects(fact.seq, stream) if isinstance(fact, EntryReversed) else None,
        )
        for seq, (fact, on) in enumerate(facts, start)
    ]


def registered(number: str, unit: str = "o_1", value: int | None = 100) -> AssetRegistered:
    return AssetRegistered(
        asset_no=number, name="台式计算机", kind=Kind.COMPUTER, unit=unit, value=value
    )


def dump(models: ReadModels) -> dict[str, list[tuple[Any, ...]]]:
    with models.engine.connect() as c:
        return {
            table.name: sorted(map(tuple, c.execute(table.select())), key=repr)
            for table in inventory.metadata.sorted_tables
        }


later_facts = st.one_of(
    st.builds(
        IssuedToUser, unit=st.sampled_from(["o_1", "o_2"]), user=st.sampled_from(["u_7", "u_8"])
    ),
    st.builds(ReturnedByUser, reason=st.just("x")),
    st.builds(DeclaredIdle, since=st.just(DAY)),
    st.builds(Relocated, place=st.sampled_from(["p_1", "p_2"])),
    st.builds(CardCorrected, reason=st.just("x"), name=st.sampled_from(["显示器", "打印机"])),
    st.integers(1, 6).map(lambda seq: EntryReversed(seq=seq, reason="录错")),
)


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[Any, date]]:
    """Return a registration and what follows, in any order of dates, with reversals."""
    facts: list[tuple[Any, date]] = [(registered(""), DAY)]
    cancelled: set[int] = set()
    for fact in draw(st.lists(later_facts, max_size=9)):
        on = DAY + timedelta(days=draw(st.integers(-3, 6)))
        if isinstance(fact, EntryReversed):
            seq = fact.seq
            if seq > len(facts) or seq in cancelled:
                continue
            cancelled.add(seq)
            on = facts[seq - 1][1]
        facts.append((fact, on))
    return facts


COMPARED = ("book", "custody", "custodian", "user", "place", "value", "name")


def seen(state: Any) -> tuple[Any, ...] | None:
    if state.book is Standing.NONE:
        return None
    values = (getattr(state, column) for column in COMPARED)
    return tuple(getattr(value, "value", value) for value in values)


@pytest.mark.target("T01", "T02", "T04")
@settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(history_=histories(), split=st.integers(1, 10))
def test_every_past_answer_equals_a_fold_of_the_log(
    book: Book, models: ReadModels, history_: list[tuple[Any, date]], split: int
) -> None:
    """True on any day, known at any position: late papers and reversals included."""
    id_ = new_id()
    drafts = drafted(f"asset/{id_}", history_)
    positions = []
    for part in (drafts[:split], drafts[split:]):
        if part:
            receipt = book.append(part, actor="u_1", cause="cmd_test")
            positions += range(receipt.first, receipt.last + 1)
            models.catch_up(book)
    for known in (positions[0] - 1, *positions, None):
        for day in range(-4, 8):
            on = (DAY + timedelta(days=day)).isoformat()
            row = models.one(history.one_as_of(id_, on=on, known=known))
            found = row and tuple(row[column] for column in COMPARED)
            assert found == seen(book.state_at(f"asset/{id_}", on, known)), (on, known)
    row = models.one(inventory.one(id_))
    now = seen(book.stream(f"asset/{id_}").state)
    assert (row and tuple(row[column] for column in COMPARED)) == now


@pytest.mark.target("T01")
@settings(
    max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(many=st.lists(histories(), min_size=1, max_size=6))
def test_lists_built_again_are_the_same_to_the_byte(
    book: Book, models: ReadModels, many: list[list[tuple[Any, date]]]
) -> None:
    for history_ in many:
        drafts = drafted(f"asset/{new_id()}", history_)
        for draft in drafts:
            book.append([draft], actor="u_1", cause="cmd_test")
            models.catch_up(book)
    before = dump(models)
    models.rebuild(book)
    assert dump(models) == before


@pytest.mark.target("T01")
@pytest.mark.parametrize("shares", [2, 4])
def test_lists_told_by_several_processes_are_the_same_to_the_byte(
    book: Book, models: ReadModels, shares: int
) -> None:
    """Late papers, reversals, cases and names of units among them."""
    day = DAY + timedelta(days=9)
    user = IssuedToUser(unit="o_1", user="u_7")
    late: list[tuple[Any, date]] = [(registered(""), DAY), (user, day), (ReturnedByUser(), DAY)]
    back: list[tuple[Any, date]] = [(user, day), (EntryReversed(seq=2, reason="录错"), day)]
    for number in range(40):
        facts = (late[: 1 + number % 3], late[:1] + back[: number % 3])[number % 2]
        book.append(drafted(f"asset/{new_id()}", facts), actor="u_1", cause="cmd_test")
    named: list[tuple[Any, date]] = [(UnitEstablished(name="示例局", kind=UnitKind.ORGAN), DAY)]
    named.append((UnitRenamed(name="示例厅"), day))
    book.append(drafted("unit/o_9", named), actor="u_1", cause="cmd_test")
    for _ in range(4):
        lent = new_id()
        book.append(drafted(f"asset/{lent}", late[:1]), actor="u_1", cause="cmd_test")
        wish = {
            "lender": "o_1", "borrower": "o_2", "assets": [lent], "due": "2026-04-01",
            "purpose": "会议",
        }  # fmt: skip
        ask = Ask(f"loan/{new_id()}", "request", wish)
        book.act([ask], Occasion(by="u_1", on=DAY, role="clerk"))
    wanted = DemandPublished(
        applicant="u_1",
        to_unit="o_1",
        kind=Kind.FURNITURE,
        item="办公桌",
        quantity="3",
        needed_by=day,
        need=None,
        rank=0,
    )
    book.append(drafted(f"demand/{new_id()}", [(wanted, DAY)]), actor="u_1", cause="cmd_test")
    models.catch_up(book)
    before = dump(models)
    assert len(before["wants"]) == 1
    assert len(before["cases"]) == 5
    assert len(before["inventory"]) == 44
    told: list[int] = []
    assert models.rebuild(book, lambda done, _: told.append(done), shares=shares) == book.head()[0]
    assert dump(models) == before
    assert told
    book.append(drafted(f"asset/{new_id()}", late), actor="u_1", cause="cmd_test")
    models.catch_up(book)
    followed = dump(models)
    models.rebuild(book, shares=1)
    assert dump(models) == followed


@pytest.mark.reliability("R17")
@pytest.mark.target("T01")
def test_the_lists_of_a_long_log_are_the_same_to_the_byte_each_time(database: str) -> None:
    """Followed, built again alone, and built again by two processes."""
    book, models = Book.open(database), ReadModels.open(database)
    user = IssuedToUser(unit="o_1", user="u_7")
    life: list[tuple[Any, date]] = [(registered(""), DAY), (user, DAY), (ReturnedByUser(), DAY)]
    life += [(user, DAY + timedelta(days=3)), (EntryReversed(seq=4, reason="录错"), DAY)]
    wanted = sized("R17")
    while (size := book.head()[0]) < wanted:
        drafts = [d for n in range(200) for d in drafted(f"asset/a{size}.{n}", life[: 1 + n % 5])]
        book.append(drafts, actor="u_1", cause="cmd_test")
    models.catch_up(book)
    before = dump(models)
    for shares in (1, 2):
        models.rebuild(book, shares=shares)
        assert dump(models) == before
    models.close()
    book.close()


@pytest.mark.one_backend("what lies beside the file")
def test_what_a_killed_process_left_behind_is_swept_away(sqlite_url: str, tmp_path: Path) -> None:
    book, models = Book.open(sqlite_url), ReadModels.open(sqlite_url)
    book.append(
        drafted(f"asset/{new_id()}", [(registered("K"), DAY)]), actor="u_1", cause="cmd_test"
    )
    old, young = tmp_path / "ledger.db-shares-old", tmp_path / "ledger.db-shares-young"
    for left in (old, young):
        left.mkdir()
        (left / "0.db").write_bytes(b"x")
    os.utime(old, (0, 0))
    models.rebuild(book, shares=2)
    assert {path.name for path in tmp_path.glob("*-shares-*")} == {young.name}
    models.close()
    book.close()


@pytest.mark.parametrize("stream", ["loan/L1", "loan/L2"])
def test_an_entry_that_cannot_be_shown_stops_several_processes_as_well(
    book: Book, models: ReadModels, stream: str
) -> None:
    """Whoever meets it; the lists stay what they were."""
    good = drafted(f"asset/{new_id()}", [(registered("G"), DAY)])
    book.append(good, actor="u_1", cause="cmd_test")
    models.catch_up(book)
    before = dump(models)
    book.append(drafted(stream, [(registered("W"), DAY)]), actor="u_1", cause="cmd_test")
    with pytest.raises(Stuck) as stuck:
        models.rebuild(book, shares=2)
    assert stuck.value.position == 2
    assert dump(models) == before


def test_the_first_of_several_entries_that_cannot_be_shown_is_named(
    book: Book, models: ReadModels
) -> None:
    """Streams are told one after another; what is named is the first in the log."""
    for stream in ("loan/L9", "loan/L1", "loan/L5"):
        wrong = drafted(stream, [(registered(stream[-2:]), DAY)])
        book.append(wrong, actor="u_1", cause="cmd_test")
    for shares in (1, 2):
        with pytest.raises(Stuck) as stuck:
            models.rebuild(book, shares=shares)
        assert stuck.value.position == 1


@pytest.mark.one_backend("readers of SQLite alone choose between the two orders")
@pytest.mark.target("T01")
def test_a_share_is_the_same_stream_by_stream_and_in_the_order_of_the_log(
    sqlite_url: str, tmp_path: Path
) -> None:
    """Which of them it is depends on whether memory holds the log."""
    day = DAY + timedelta(days=9)
    user = IssuedToUser(unit="o_1", user="u_7")
    late: list[tuple[Any, date]] = [(registered(""), DAY), (user, day), (ReturnedByUser(), DAY)]
    book = Book.open(sqlite_url)
    for number in range(30):
        facts = late[: 1 + number % 3]
        book.append(drafted(f"asset/{new_id()}", facts), actor="u_1", cause="cmd_test")
    rules = PolicyProposed(version=1, title="示例市规则", drafter="u_1", content="{}")
    book.append(drafted("policy/x", [(rules, DAY)]), actor="u_1", cause="cmd_test")
    told = []
    for whole in (True, False):
        file = tmp_path / f"{whole}.db"
        sharing.fold(book, book.head()[0], 0, 2, file, None, whole=whole)
        with sqlite3.connect(file) as c:
            found = [c.execute(f"SELECT * FROM {t.name}").fetchall() for t in sharing.LISTS]
        told.append(found)
        c.close()
    assert told[0] == told[1]
    assert any(told[0])
    book.close()


@pytest.mark.parametrize("page_rows", [1, 2, 5, 1_000])
def test_streams_are_read_whole_whatever_a_page_holds(book: Book, page_rows: int) -> None:
    """Of one share, up to a position, and the same rows as in the order of the log."""
    for length in (1, 2, 7, 1, 3):
        facts: list[tuple[Any, date]] = [(registered(""), DAY)]
        facts += [(Relocated(place=f"p_{n}", reason="x"), DAY) for n in range(length - 1)]
        for draft in drafted(f"asset/{new_id()}", facts):
            book.append([draft], actor="u_1", cause="cmd_test")
    size = book.head()[0] - 1
    for number in range(2):
        pages = list(book.log.whole_streams(size, number, 2, page_rows))
        in_order = [row for page in book.log.shared_rows(size, number, 2) for row in page]
        assert sorted(row for page in pages for row in page) == sorted(in_order)
        told = [row[1:3] for page in pages for row in page]
        assert told == sorted(told)
        ends = [(page[0][1], page[-1][1]) for page in pages]
        assert all(one[1] < other[0] for one, other in pairwise(ends))


@pytest.mark.target("T04")
def test_a_paper_that_arrives_late_is_true_then_and_known_only_now(
    database: str, models: ReadModels
) -> None:
    """Dated 28 March, recorded 10 April: in (31 Mar, known 15 Apr), not in (31 Mar, known 5 Apr)."""
    from datetime import UTC, datetime

    now = [datetime(2026, 3, 1, 2, tzinfo=UTC)]
    book = Book.open(database, clock=lambda: now[0])
    clerk = Occasion(by="u_1", on=date(2026, 3, 1), role="clerk")
    id_ = new_id()
    card = {"asset_no": "T04", "name": "服务器", "kind": "computer", "unit": "o_1"}
    book.act([Ask(f"asset/{id_}", "register_existing", card)], clerk)
    now[0] = datetime(2026, 4, 2, 2, tzinfo=UTC)
    bind = Ask(f"asset/{id_}", "bind_label", {"label": "L-1"})
    book.act([bind], Occasion(by="u_1", on=date(2026, 4, 2), role="clerk"))
    now[0] = datetime(2026, 4, 10, 2, tzinfo=UTC)
    issue = Ask(f"asset/{id_}", "issue", {"user": "u_9"})
    book.act([issue], Occasion(by="u_1", on=date(2026, 3, 28), role="clerk"))
    models.catch_up(book)
    for on, known_on, custody in (
        ("2026-03-31", "2026-04-15", "in_use"),
        ("2026-03-31", "2026-04-05", "store"),
        ("2026-03-27", "2026-04-15", "store"),
        ("2026-04-30", "2026-04-15", "in_use"),
    ):
        known = book.position_known(known_on)
        row = models.one(history.one_as_of(id_, on=on, known=known))
        assert row is not None
        assert row["custody"] == custody, (on, known_on)
    book.close()


@pytest.mark.target("T03")
def test_totals_of_a_past_day_are_the_sum_of_the_assets_of_that_day(
    book: Book, models: ReadModels
) -> None:
    ids = [new_id() for _ in range(40)]
    for number, id_ in enumerate(ids):
        facts: list[tuple[Any, date]] = [
            (registered(f"S-{number:03}", f"o_{number % 3}", number or None), DAY),
            (IssuedToUser(unit=f"o_{number % 2}", user="u_1"), DAY + timedelta(days=number)),
        ]
        book.append(drafted(f"asset/{id_}", facts), actor="u_1", cause="cmd_test")
    models.catch_up(book)
    on = (DAY + timedelta(days=20)).isoformat()
    states = [book.state_at(f"asset/{id_}", on) for id_ in ids]
    (total,) = models.rows(history.totals_as_of(EVERYTHING, Filters(), on=on))
    assert total["assets"] == len(states)
    assert total["value"] == sum(state.value or 0 for state in states)
    assert total["unvalued"] == sum(state.value is None for state in states)
    by = models.rows(history.counts_as_of(EVERYTHING, "custody", Filters(unit="o_1"), on=on))
    assert {row["key"]: row["assets"] for row in by} == {
        custody: sum(s.custody == custody and s.accounting_unit == "o_1" for s in states)
        for custody in ("in_use", "store")
    }
    listed: list[str] = []
    after = None
    while True:
        page = models.rows(history.as_of(EVERYTHING, Filters(), on=on, after=after, limit=7))
        listed += [row["id"] for row in page]
        if len(page) < 7:
            break
        after = cursor(page[-1], Filters())
    assert sorted(listed) == sorted(ids)


@pytest.mark.target("T11")
def test_a_unit_is_called_on_each_day_what_it_was_called_then(
    book: Book, models: ReadModels
) -> None:
    facts: list[tuple[Any, date]] = [
        (UnitEstablished(name="示例市旅游局", kind=UnitKind.ORGAN), DAY),
        (UnitRenamed(name="示例市文化和旅游局"), DAY + timedelta(days=30)),
    ]
    book.append(drafted("unit/o_9", facts), actor="u_1", cause="cmd_test")
    models.catch_up(book)
    for day, name in ((0, "示例市旅游局"), (29, "示例市旅游局"), (30, "示例市文化和旅游局")):
        on = (DAY + timedelta(days=day)).isoformat()
        (row,) = models.rows(units.names_at(on))
        assert row["name"] == name
    assert [r["name"] for r in models.rows(units.names_of("o_9"))] == [
        "示例市旅游局",
        "示例市文化和旅游局",
    ]


@pytest.mark.target("T22")
def test_four_parties_are_filtered_one_by_one(book: Book, models: ReadModels) -> None:
    facts: list[tuple[Any, date]] = [
        (registered("T22").__class__(
            asset_no="T22", name="办公楼", kind=Kind.PREMISES, unit="o_books", owner="o_title",
            custodian="o_keeps",
        ), DAY),
        (IssuedToUser(unit="o_keeps", user="u_uses"), DAY),
    ]  # fmt: skip
    book.append(drafted(f"asset/{new_id()}", facts), actor="u_1", cause="cmd_test")
    models.catch_up(book)
    for field, party in (
        ("unit", "o_books"), ("custodian", "o_keeps"), ("user", "u_uses"), ("owner", "o_title"),
    ):  # fmt: skip
        assert (
            len(models.rows(inventory.listing(EVERYTHING, replace(Filters(), **{field: party}))))
            == 1
        )
        others = {"o_books", "o_keeps", "u_uses", "o_title"} - {party}
        for other in others:
            assert not models.rows(
                inventory.listing(EVERYTHING, replace(Filters(), **{field: other}))
            )


def test_a_scope_of_no_units_sees_nothing(book: Book, models: ReadModels) -> None:
    facts: list[tuple[Any, date]] = [(registered("SC-1"), DAY)]
    book.append(drafted(f"asset/{new_id()}", facts), actor="u_1", cause="cmd_test")
    models.catch_up(book)
    assert not models.rows(inventory.listing(Scope(frozenset()), Filters()))
    assert not models.rows(inventory.listing(Scope(frozenset({"o_2"})), Filters()))
    assert models.rows(inventory.listing(Scope(frozenset({"o_1"})), Filters()))


@pytest.mark.parametrize("sort", ["asset_no", "name", "value", "changed_on"])
@pytest.mark.parametrize("descending", [False, True])
def test_pages_show_every_card_once_in_any_order(
    book: Book, models: ReadModels, sort: str, descending: bool
) -> None:
    for number in range(23):
        fact = registered(f"P-{number:03}", value=None if number % 5 == 0 else number % 4)
        on = DAY + timedelta(days=number % 6)
        book.append(drafted(f"asset/{new_id()}", [(fact, on)]), actor="u_1", cause="cmd_test")
    models.catch_up(book)
    filters = Filters(sort=sort, descending=descending)
    seen_numbers: list[str] = []
    after = None
    while page := models.rows(inventory.listing(EVERYTHING, filters, after=after, limit=5)):
        seen_numbers += [row["asset_no"] for row in page]
        after = cursor(page[-1], filters)
    assert sorted(seen_numbers) == [f"P-{number:03}" for number in range(23)]


def test_a_cursor_nobody_gave_out_is_refused() -> None:
    with pytest.raises(BadCursor):
        inventory.listing(EVERYTHING, Filters(), after="no cursor")


def test_a_code_in_any_case_finds_its_card(book: Book, models: ReadModels) -> None:
    id_ = new_id()
    fact = AssetRegistered(
        asset_no="Gwc-7",
        name="轿车",
        kind=Kind.VEHICLE,
        unit="o_1",
        serial="Vin99",
        plate="示A12345",
    )
    book.append(drafted(f"asset/{id_}", [(fact, DAY)]), actor="u_1", cause="cmd_test")
    models.catch_up(book)
    for code in ("gwc-7", "GWC-7", "vin99", "示a12345", id_.lower()):
        assert [row["id"] for row in models.rows(inventory.find(EVERYTHING, code))] == [id_], code


@pytest.mark.target("T119")
def test_a_card_is_found_by_a_part_of_its_name_and_by_pinyin_initials(
    book: Book, models: ReadModels
) -> None:
    for number, name in enumerate(("（实木）办公桌", "格力空调器", "ＬＣＤ显示器", "desk")):
        fact = replace(registered(f"P-{number}"), name=name)
        book.append(drafted(f"asset/{new_id()}", [(fact, DAY)]), actor="u_1", cause="cmd_test")
    models.catch_up(book)
    for typed, numbers in (
        ("公桌", ["P-0"]),
        ("(实木)", ["P-0"]),
        ("bgz", ["P-0"]),
        ("KTQ", ["P-1"]),
        ("ｌｃｄ", ["P-2"]),
        ("xsq lcd", ["P-2"]),
        ("ktq 办公", []),
        ("DESK", ["P-3"]),
        ("p-1", ["P-1"]),
    ):
        found = models.rows(inventory.listing(EVERYTHING, Filters(text=typed)))
        assert [row["asset_no"] for row in found] == numbers, typed


def test_an_entry_that_cannot_be_shown_stops_the_lists_loudly(
    book: Book, models: ReadModels
) -> None:
    """It is never skipped: the position stays where it was, and the error names the entry."""
    good = drafted(f"asset/{new_id()}", [(registered("G"), DAY)])
    book.append(good, actor="u_1", cause="cmd_test")
    models.catch_up(book)
    wrong = drafted("loan/L1", [(registered("W"), DAY)])  # a fact that means nothing in a loan
    book.append(wrong, actor="u_1", cause="cmd_test")
    for _ in range(2):
        with pytest.raises(Stuck) as stuck:
            models.catch_up(book)
        assert stuck.value.position == 2
        assert models.position() == 1


def test_what_no_list_shows_holds_no_list_up(book: Book, models: ReadModels) -> None:
    rules = PolicyProposed(version=1, title="示例市规则", drafter="u_1", content="{}")
    book.append(drafted("policy/x", [(rules, DAY)]), actor="u_1", cause="cmd_test")
    card = drafted(f"asset/{new_id()}", [(registered("N"), DAY)])
    book.append(card, actor="u_1", cause="cmd_test")
    assert models.catch_up(book) == 2
    assert models.rebuild(book, shares=2) == 2
    assert len(models.rows(inventory.listing(EVERYTHING, Filters()))) == 1


def test_what_one_process_wrote_another_one_shows(database: str, book: Book) -> None:
    """Two sets of lists over one database follow each other without losing an entry."""
    one, two = ReadModels.open(database), ReadModels.open(database)
    id_ = new_id()
    book.append(drafted(f"asset/{id_}", [(registered("X"), DAY)]), actor="u_1", cause="cmd_test")
    one.catch_up(book)
    issued: list[tuple[Any, date]] = [(IssuedToUser(unit="o_1", user="u_2"), DAY)]
    book.append(drafted(f"asset/{id_}", issued, 2), actor="u_1", cause="cmd_test")
    two.catch_up(book)
    back: list[tuple[Any, date]] = [(ReturnedByUser(reason="x"), DAY)]
    book.append(drafted(f"asset/{id_}", back, 3), actor="u_1", cause="cmd_test")
    one.catch_up(book)
    row = two.one(inventory.one(id_))
    assert row is not None
    assert (row["custody"], row["version"]) == ("store", 3)
    before = dump(one)
    one.rebuild(book)
    assert dump(one) == before
    one.close()
    two.close()


def test_lists_of_an_older_shape_are_built_again(database: str, book: Book) -> None:
    first = ReadModels.open(database)
    book.append(
        drafted(f"asset/{new_id()}", [(registered("O"), DAY)]), actor="u_1", cause="cmd_test"
    )
    first.catch_up(book)
    before = dump(first)
    with first.engine.begin() as c:
        c.execute(text("UPDATE projected SET version = 0"))
    first.close()
    second = ReadModels.open(database)
    assert second.position() == 0
    second.catch_up(book)
    assert dump(second) == before
    second.close()


def test_a_case_is_listed_where_it_stands(book: Book, models: ReadModels) -> None:
    clerk = Occasion(by="u_1", on=DAY, role="clerk")
    id_, loan = new_id(), new_id()
    card = {"asset_no": "C", "name": "投影仪", "kind": "office", "unit": "o_1"}
    book.act([Ask(f"asset/{id_}", "register_existing", card)], clerk)
    wish = {
        "lender": "o_1",
        "borrower": "o_2",
        "assets": [id_],
        "due": "2026-04-01",
        "purpose": "会议",
    }
    book.act([Ask(f"loan/{loan}", "request", wish)], clerk)
    models.catch_up(book)
    (row,) = models.rows(cases.listing(EVERYTHING, kind="loan"))
    assert (row["status"], row["from_unit"], row["to_unit"], row["title"], row["due"]) == (
        "requested", "o_1", "o_2", "会议", "2026-04-01",
    )  # fmt: skip
    assert [(r["kind"], r["status"], r["cases"]) for r in models.rows(cases.counts())] == [
        ("loan", "requested", 1)
    ]
