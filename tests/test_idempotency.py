"""A repeated request is answered again, never recorded again; a stale one is told so."""

from __future__ import annotations

import random
from datetime import timedelta

import msgspec
import pytest
from books import ADMIN, CLERK, NOON, card, correction, opened, unit
from sizes import SEED, sized

from domain.decider import Ask, Refused
from ledger.act import Conflict, KeyReused, Receipt
from ledger.book import Book

pytestmark = pytest.mark.target("T115")


def test_the_same_key_with_the_same_content_gets_the_stored_answer(database: str):
    with opened(database) as book:
        first = book.act([card("A1")], CLERK, key="k1")
        again = book.act([card("A1")], CLERK, key="k1")
        assert again == msgspec.structs.replace(first, replayed=True)
        assert book.head()[0] == 1


def test_the_answer_is_the_same_after_the_state_has_moved_on_and_after_a_restart(database: str):
    with opened(database) as book:
        first = book.act([card("A1")], CLERK, key="k1")
        book.act([correction("A1", "X1")], CLERK)
    with opened(database) as book:
        again = book.act([card("A1")], CLERK, key="k1")
        assert again.replayed
        assert (again.cause, again.first, again.recorded_at) == (
            first.cause,
            first.first,
            first.recorded_at,
        )
        assert book.head()[0] == 2


OTHERWISE = {
    "another form": ([card("A1", value=1)], CLERK),
    "another stream": ([card("A2", "A1")], CLERK),
    "another verb": ([correction("A1", "X")], CLERK),
    "one more ask": ([card("A1"), card("A2")], CLERK),
    "another business date": ([card("A1")], msgspec.structs.replace(CLERK, on=NOON.date() - timedelta(1))),
    "another unit": ([card("A1")], msgspec.structs.replace(CLERK, unit="o_9")),
}  # fmt: skip


@pytest.mark.parametrize("what", OTHERWISE)
def test_the_same_key_with_other_content_is_refused(database: str, what: str):
    asks, occasion = OTHERWISE[what]
    with opened(database) as book:
        book.act([card("A1")], CLERK, key="k1")
        with pytest.raises(KeyReused):
            book.act(asks, occasion, key="k1")
        assert book.head()[0] == 1


def test_a_key_belongs_to_its_actor(database: str):
    with opened(database) as book:
        book.act([card("A1")], CLERK, key="k1")
        other = msgspec.structs.replace(CLERK, by="u_other")
        assert not book.act([card("A2")], other, key="k1").replayed


def test_a_refused_request_leaves_its_key_unused(database: str):
    with opened(database) as book:
        with pytest.raises(Refused):
            book.act([correction("A1", "X1")], CLERK, key="k1")
        book.act([card("A1")], CLERK)
        assert not book.act([correction("A1", "X1")], CLERK, key="k1").replayed


def test_texts_that_differ_only_in_unicode_form_are_the_same_request(database: str):
    with opened(database) as book:
        form = {"name": "Café", "kind": "organ"}
        book.act([Ask("unit/o_1", "establish", form)], ADMIN, key="k1")
        form = {"name": "Cafe\u0301", "kind": "organ"}
        assert book.act([Ask("unit/o_1", "establish", form)], ADMIN, key="k1").replayed


def test_a_reversal_is_idempotent_too(database: str):
    with opened(database) as book:
        book.act([card("A1")], CLERK)
        first = book.reverse("asset/A1", 1, CLERK, reason="错登", key="k1")
        again = book.reverse("asset/A1", 1, CLERK, reason="错登", key="k1")
        assert again == msgspec.structs.replace(first, replayed=True)
        with pytest.raises(KeyReused):
            book.reverse("asset/A1", 1, CLERK, reason="另一个原因", key="k1")


def test_a_stale_expected_version_is_told_with_the_current_one(database: str):
    with opened(database) as book:
        book.act([card("A1")], CLERK)
        book.act([correction("A1", "X1")], CLERK, expected={"asset/A1": 1})
        with pytest.raises(Conflict) as conflict:
            book.act([correction("A1", "X2")], CLERK, expected={"asset/A1": 1})
        told = conflict.value
        assert (told.stream, told.expected, told.current) == ("asset/A1", 1, 2)
        assert book.stream("asset/A1").version == 2


def test_an_expected_version_may_name_a_stream_the_act_does_not_write(database: str):
    with opened(database) as book:
        book.act([unit("o_1")], ADMIN)
        book.act([card("A1")], CLERK, expected={"unit/o_1": 1, "asset/A1": 0})
        with pytest.raises(Conflict):
            book.act([card("A2")], CLERK, expected={"unit/o_1": 0})


def test_a_repeated_request_is_answered_even_when_its_expected_version_is_stale(database: str):
    """The answer was lost on the way; the phone sends exactly the same again."""
    with opened(database) as book:
        book.act([card("A1")], CLERK)
        said = {"key": "k1", "expected": {"asset/A1": 1}}
        book.act([correction("A1", "X1")], CLERK, **said)
        assert book.act([correction("A1", "X1")], CLERK, **said).replayed


@pytest.mark.reliability("R14")
@pytest.mark.target("T65")
def test_three_devices_send_the_same_queue_again_and_again(database: str):
    """R14: three devices, ten times, cut off and in any order: each is recorded exactly once."""
    print(f"seed {SEED}")
    dice = random.Random(SEED)
    items = sized("R14")  # of each device
    queue = [(f"device{d}:{n}", unit(f"d{d}.{n}")) for d in range(3) for n in range(items)]
    receipts: dict[str, set[Receipt]] = {}
    with opened(database) as book:
        for _ in range(10):
            cut = dice.randrange(len(queue) + 1)
            for key, ask in dice.sample(queue, len(queue))[:cut]:
                receipts.setdefault(key, set()).add(plain(book, key, ask))
        for key, ask in queue:
            receipts.setdefault(key, set()).add(plain(book, key, ask))
        assert book.head()[0] == 3 * items
    assert all(len(answers) == 1 for answers in receipts.values())


def plain(book: Book, key: str, ask: Ask) -> Receipt:
    return msgspec.structs.replace(book.act([ask], ADMIN, key=key), replayed=False)
