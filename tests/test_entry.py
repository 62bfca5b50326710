"""The bytes of an entry: canonical, bounded, salted, named for ever, stamped in order."""

from __future__ import annotations

import json
import re
import unicodedata
from datetime import timedelta
from typing import Any

import msgspec
import pytest
import rfc8785
from books import ADMIN, CLERK, NOON, card, correction, opened, unit
from facts import DRAFTS
from hypothesis import given
from hypothesis import strategies as st

from domain.asset import AssetRegistered, ReplacementPlanned, ValueCorrected, ValueType
from domain.decider import FACTS, Document
from domain.unit import UnitRenamed
from ledger.entry import (
    ENTRY_BYTES_MAX,
    STAMP_MARK,
    UNSTAMPED,
    Corrupt,
    Draft,
    TooLarge,
    decode,
    encode,
    moment,
    salts,
    stamp,
)
from ledger.verifying import uncanonical

SALT = "AAAAAAAAAAAAAAAAAAAAAA=="
AT = "2025-03-03T04:00:00.000001Z"


def draft(event: Any, **fields: Any) -> Draft:
    return Draft(
        **{
            "stream": "asset/A1",
            "seq": 1,
            "event": event,
            "actor": "u_1",
            "cause": "cmd_1",
            "effective_at": "2025-03-03T00:00:00+08:00",
            **fields,
        }
    )


@given(DRAFTS)
def test_the_bytes_of_any_entry_are_its_jcs_form_and_read_back_equal(drafted: Draft):
    """RFC 8785 by a foreign implementation; every field comes back as it went in."""
    state = stamp(encode(drafted, SALT), AT)
    assert rfc8785.dumps(json.loads(state)) == state
    assert uncanonical(state) == ""
    entry = decode(7, drafted.stream, drafted.seq, drafted.event.type_name, state)
    assert entry.event == drafted.event
    assert (entry.actor, entry.cause, entry.corrects) == (
        drafted.actor,
        drafted.cause,
        drafted.corrects,
    )
    assert entry.recorded_at == AT
    assert entry.beside.docs == drafted.docs
    assert entry.beside.dated == drafted.dated
    if drafted.via is not None:
        assert entry.beside.via == drafted.via


@given(DRAFTS)
def test_the_time_of_recording_has_one_place_that_text_cannot_forge(drafted: Draft):
    state = encode(drafted, SALT)
    assert state.count(STAMP_MARK) == 1
    assert json.loads(stamp(state, AT)) == json.loads(state) | {"recorded_at": AT}


def test_a_text_that_imitates_the_mark_of_the_stamp_changes_nothing():
    text = f'","recorded_at":"{UNSTAMPED}","salt":"'
    state = stamp(encode(draft(UnitRenamed(name=text, reason=text)), SALT), AT)
    assert json.loads(state)["recorded_at"] == AT
    assert json.loads(state)["body"]["name"] == text


def test_the_envelope_is_the_published_one():
    entry = json.loads(encode(draft(UnitRenamed(name="示例局")), SALT))
    assert sorted(entry) == [
        "actor", "body", "cause", "corrects", "effective_at", "recorded_at",
        "salt", "seq", "stream", "tv", "type", "v",
    ]  # fmt: skip
    assert (entry["type"], entry["tv"], entry["v"]) == ("unit.renamed", 1, 1)


WRONG = [
    ValueCorrected(value=1.5, value_type=ValueType.COST, reason=""),  # type: ignore[arg-type] # the point
    ValueCorrected(value=float("nan"), value_type=ValueType.COST, reason=""),  # type: ignore[arg-type] # the point
    ValueCorrected(value=-1, value_type=ValueType.COST, reason=""),
    ValueCorrected(value=2**53, value_type=ValueType.COST, reason=""),
    ValueCorrected(value="1", value_type=ValueType.COST, reason=""),  # type: ignore[arg-type] # the point
    UnitRenamed(name=None),  # type: ignore[arg-type] # the point
    AssetRegistered(asset_no="1", name="n", kind="ship", unit="o_1"),  # type: ignore[arg-type] # the point
]


@pytest.mark.parametrize("event", WRONG, ids=lambda e: e.type_name)
def test_a_fact_that_could_not_be_read_back_is_never_written(event: Any):
    """Floats near money, wrong types, amounts out of bounds: refused before they reach the log."""
    with pytest.raises(msgspec.ValidationError):
        encode(draft(event), SALT)


def test_an_integer_beyond_two_to_the_53_is_never_written():
    planned = ReplacementPlanned(year=2**53)
    with pytest.raises(ValueError, match="2\\^53"):
        encode(draft(planned), SALT)


def test_a_lone_surrogate_is_never_written():
    with pytest.raises(ValueError, match="surrogates"):
        encode(draft(UnitRenamed(name="\ud800")), SALT)


def test_text_that_is_not_nfc_is_never_written():
    with pytest.raises(ValueError, match="NFC"):
        encode(draft(UnitRenamed(name=unicodedata.normalize("NFD", "café"))), SALT)


def test_what_people_type_is_stored_in_form_nfc(database: str):
    with opened(database) as book:
        book.act([unit(unicodedata.normalize("NFC", "o_1"))], ADMIN)
        decomposed = unicodedata.normalize("NFD", "Café")
        form = {"name": decomposed, "kind": "organ"}
        ask = msgspec.structs.replace(unit("o_2"), form=form)
        book.act([ask], ADMIN)
        assert book.stream("unit/o_2").state.name == unicodedata.normalize("NFC", decomposed)


def papers(size: int) -> tuple[Document, ...]:
    return (Document(type="t", number="n" * size),)


def test_an_entry_has_at_most_65535_bytes():
    event = UnitRenamed(name="n")
    empty = len(encode(draft(event, docs=papers(0)), SALT))
    most = ENTRY_BYTES_MAX - empty
    assert len(encode(draft(event, docs=papers(most)), SALT)) == 65_535
    with pytest.raises(TooLarge):
        encode(draft(event, docs=papers(most + 1)), SALT)


def test_an_entry_too_large_leaves_the_book_as_it_was(database: str):
    with opened(database) as book:
        book.act([card("A1")], CLERK)
        occasion = msgspec.structs.replace(CLERK, docs=papers(70_000))
        with pytest.raises(TooLarge):
            book.act([correction("A1", "X1")], occasion)
        assert book.head()[0] == 1


def test_salts_are_sixteen_fresh_bytes(database: str):
    many = salts(10_000)
    assert len(set(many)) == 10_000
    assert all(re.fullmatch(r"[A-Za-z0-9+/]{22}==", salt) for salt in many)
    with opened(database) as book:
        book.act([unit(f"o_{n}") for n in range(600)], ADMIN)
        stored = [json.loads(entry.state)["salt"] for entry in book.entries()]
    assert len(set(stored)) == 600


def test_two_equal_facts_have_different_leaves(database: str):
    with opened(database, clock=lambda: NOON) as book:
        book.act([card("A1")], CLERK)
        for _ in range(2):
            book.act([correction("A1", "X1")], CLERK)
        leaves = book.log.leaves(2, 3)
    assert leaves[0] != leaves[1]


def test_times_of_recording_never_go_back_when_the_clock_does(database: str):
    hours = iter([NOON, NOON - timedelta(hours=1), NOON + timedelta(hours=1)] * 9)
    now = NOON

    def clock():
        return now

    with opened(database, clock=clock) as book:
        for number in range(6):
            now = next(hours)
            book.act([unit(f"o_{number}")], ADMIN)
        times = [entry.recorded_at for entry in book.entries()]
        assert times == sorted(times)
        assert times[1] == times[0] == moment(NOON)
        assert book.position_known(moment(NOON)) == 2


def test_the_databases_own_clock_is_written_like_ours(database: str):
    """PostgreSQL stamps by itself: same width, six decimals, UTC."""
    with opened(database) as book:
        book.act([unit("o_1")], ADMIN)
        (entry,) = book.entries()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", entry.recorded_at)


@pytest.mark.target("T19")
@pytest.mark.parametrize("name", sorted(FACTS))
def test_names_in_the_log_are_stable_names_and_never_python_paths(name: str):
    assert re.fullmatch(r"[a-z]+\.[a-z_]+", name)
    fact = FACTS[name]
    for module in (fact.__module__, fact.__qualname__):
        assert module not in name


def test_columns_that_contradict_the_bytes_are_corrupt():
    event = UnitRenamed(name="n")
    state = stamp(encode(draft(event), SALT), AT)
    for stream, seq, type_name in (
        ("asset/A2", 1, "unit.renamed"),
        ("asset/A1", 2, "unit.renamed"),
        ("asset/A1", 1, "unit.dissolved"),
        ("asset/A1", 1, "unit.invented"),
    ):
        with pytest.raises(Corrupt):
            decode(1, stream, seq, type_name, state)


@given(st.binary(max_size=300))
def test_no_stored_bytes_are_read_as_something_else(state: bytes):
    with pytest.raises(Corrupt):
        decode(1, "asset/A1", 1, "unit.renamed", state)
