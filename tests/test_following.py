"""The lists follow what was just written without reading it back, whoever else writes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any, TypeAlias

import pytest
from books import CLERK, ON, card, correction, opened
from msgspec.structs import replace
from sqlalchemy import select

from ledger.book import FRESH_ENTRIES, FRESH_MAX, Book
from projections.store import ReadModels, metadata

Program: TypeAlias = tuple[Book, ReadModels]


@pytest.fixture
def programs(database: str) -> Iterator[list[Program]]:
    """Two programs over one ledger, each with its own memory."""
    with ExitStack() as stack:
        found: list[Program] = []
        for _ in range(2):
            book = stack.enter_context(opened(database))
            models = ReadModels.open(database)
            stack.callback(models.close)
            models.catch_up(book)
            found.append((book, models))
        yield found


def dump(models: ReadModels) -> dict[str, list[tuple[Any, ...]]]:
    with models.engine.connect() as c:
        return {
            table.name: sorted(map(tuple, c.execute(select(table))), key=repr)
            for table in metadata.sorted_tables
        }


def write(book: Book, chance: random.Random, turn: int) -> None:
    """Record something about one of six cards: today, late, or taken back."""
    name = f"F{chance.randrange(6)}"
    entries = book.stream(f"asset/{name}").entries
    if len(entries) > 1 and entries[-1].corrects is None and chance.random() < 0.2:
        book.reverse(f"asset/{name}", entries[-1].seq, CLERK, reason="录错")
    else:
        late = replace(CLERK, on=ON + timedelta(days=chance.choice((9, 10, 11))))
        book.act([correction(name, f"T{turn}")], late)


@pytest.mark.parametrize("seed", range(3))
def test_programs_that_write_and_follow_by_turns_show_what_a_rebuild_shows(
    programs: list[Program], seed: int
) -> None:
    chance = random.Random(seed)
    for number in range(6):
        programs[0][0].act([card(f"F{number}")], CLERK)
    for turn in range(60):
        book, models = programs[chance.random() < 0.3]
        write(book, chance, turn)
        if chance.random() < 0.7:
            chance.choice([models, models, programs[0][1]]).catch_up(book)
    for book, models in programs:
        assert models.catch_up(book) == book.head()[0] == models.position()
    book, models = programs[0]
    followed = dump(models)
    models.rebuild(book)
    assert dump(models) == followed


def test_rows_that_another_program_has_shown_already_are_not_shown_twice(
    programs: list[Program],
) -> None:
    (mine, my_lists), (theirs, others) = programs
    mine.act([card("A")], CLERK)
    my_lists.catch_up(mine)
    mine.act([correction("A", "甲型")], CLERK)
    others.catch_up(theirs)
    followed = dump(others)
    assert my_lists.catch_up(mine) == mine.head()[0]
    assert dump(my_lists) == followed


def test_what_nobody_follows_is_not_kept_for_ever(programs: list[Program]) -> None:
    book, _ = programs[0]
    book.act([card("N")], CLERK)
    for turn in range(FRESH_MAX + 10):
        book.act([correction("N", f"T{turn}")], CLERK)
    size = book.head()[0]
    assert book.just_written(1) == []
    kept = book.just_written(size - 5)
    assert [row[0] for row in kept] == list(range(size - 4, size + 1))
    assert book.just_written(size - 5) == [], "a row is handed over once"


def test_what_was_just_written_is_what_the_log_says(programs: list[Program]) -> None:
    book, _ = programs[0]
    start = book.head()[0]
    book.act([card("L")], CLERK)
    book.act([correction("L", "甲型")], CLERK)
    assert book.just_written(start) == next(book.log.rows(start + 1))


def test_what_is_long_or_was_recorded_elsewhere_is_shown_with_what_was_just_written(
    programs: list[Program],
) -> None:
    (mine, my_lists), (theirs, _) = programs
    mine.act([card("S")], CLERK)
    mine.act([card(f"L{number}") for number in range(FRESH_ENTRIES + 1)], CLERK)
    assert my_lists.catch_up(mine) == mine.head()[0] == my_lists.position()
    mine.act([correction("S", "甲型")], CLERK)
    before = mine.head()[0]
    theirs.act([correction("S", "乙型")], CLERK)
    assert my_lists.catch_up(mine, upto=before) >= before
    assert my_lists.catch_up(mine) == mine.head()[0] == my_lists.position()
    mine.act([correction("S", "丙型")], CLERK)
    theirs.act([correction("S", "丁型")], CLERK)
    assert my_lists.catch_up(mine) == mine.head()[0] == my_lists.position()
