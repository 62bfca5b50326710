"""An act is all or nothing; a mistake is taken back in red; who asked, and how, can be read back."""

from __future__ import annotations

import json
import re
from contextlib import closing
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
from books import ADMIN, CLERK, NOON, ON, card, correction, opened, unit

from domain.asset import Book as Books
from domain.asset import Custody
from domain.decider import Ask, Document, EntryReversed, Event, Occasion, Refused
from domain.unit import UnitRenamed
from ledger.act import ACT_ENTRIES_MAX, TROUBLES, Conflict, Evidence, Unavailable
from ledger.book import IN_THE_FUTURE, LAST_FIRST, NOT_THERE, REVERSED_ALREADY, TOO_MANY, Book
from ledger.entry import Draft, Via
from ledger.verifying import verify

CHINESE = re.compile(r"[\u4e00-\u9fff]")


def issue(asset: str, user: str = "u_reader") -> Ask:
    return Ask(f"asset/{asset}", "issue", {"user": user})


@pytest.mark.parametrize("kind", TROUBLES)
def test_every_trouble_is_told_in_both_languages(kind: str):
    trouble = Unavailable(kind)
    assert CHINESE.search(trouble.sentence("zh"))
    assert not CHINESE.search(trouble.sentence("en"))


# All or nothing ---------------------------------------------------------------


@pytest.mark.target("T14")
def test_a_document_with_two_thousand_assets_writes_one_entry_each_or_none(database: str):
    with opened(database) as book:
        book.act([card(f"A{n:04}") for n in range(2000)], CLERK)
        asks = [issue(f"A{n:04}") for n in range(2000)]
        with pytest.raises(Refused) as refused:
            book.act([*asks, issue("A0000")], CLERK)
        assert refused.value.stream == "asset/A0000"
        assert book.head()[0] == 2000
        assert book.stream("asset/A1999").state.custody is Custody.STORE
        receipt = book.act(asks, CLERK)
        assert (receipt.first, receipt.count) == (2001, 2000)
        entries = list(book.entries(2001))
        assert len({entry.stream for entry in entries}) == 2000
        assert len({entry.cause.split("/")[0] for entry in entries}) == 1
        assert len({entry.recorded_at for entry in entries}) == 1
        assert verify(book).intact


@pytest.mark.target("T14")
def test_a_bulk_edit_of_five_hundred_assets_is_five_hundred_entries_of_one_request(database: str):
    with opened(database) as book:
        book.act([card(f"A{n}") for n in range(500)], CLERK)
        receipt = book.act([correction(f"A{n}", "X1") for n in range(500)], CLERK)
        causes = [entry.cause for entry in book.entries(receipt.first, receipt.last)]
        assert causes == [f"{receipt.cause}/{n}" for n in range(500)]


@pytest.mark.either_backend("the size of an act is counted before any database is asked")
def test_an_act_records_ten_thousand_cards_and_a_case_and_no_more(database: str):
    with opened(database) as book:
        asks = [unit(f"o_{n}") for n in range(ACT_ENTRIES_MAX + 1)]
        with pytest.raises(Refused) as refused:
            book.act(asks, ADMIN)
        assert refused.value.rule is TOO_MANY
        assert str(ACT_ENTRIES_MAX) in refused.value.sentence("zh")
        assert book.head()[0] == 0
        assert book.act(asks[:-1], ADMIN).count == ACT_ENTRIES_MAX


def test_a_number_that_is_taken_leaves_nothing_of_the_act(database: str):
    with opened(database) as book:
        book.act([card("A1", "示001")], CLERK)
        with pytest.raises(Refused):
            book.act(
                [card("A2", "示002"), card("A3", "示001")],
                CLERK,
                key="k1",
                evidence=[Evidence("text/plain", b"x")],
            )
        assert book.head()[0] == 1
        assert book.log.evidence(Evidence("text/plain", b"x").sha256) is None
        assert verify(book).intact


@pytest.mark.target("T14")
@pytest.mark.parametrize("bad", [0, 1_200, 1_999])
def test_many_entries_of_which_one_cannot_be_written_leave_nothing(database: str, bad: int):
    """Later entries are sealed while the database already writes the earlier ones."""
    drafts = [drafted(f"unit/o_{n}", UnitRenamed(name=f"第{n}局")) for n in range(2000)]
    with opened(database) as book:
        wrong = drafted("unit/o_x", UnitRenamed(name="e\u0301"))
        with pytest.raises(ValueError, match="NFC"):
            book.append([*drafts[:bad], wrong, *drafts[bad + 1 :]], actor="u_1", cause="c")
        assert book.head()[0] == 0
        book.append([drafts.pop(bad)], actor="u_1", cause="c")
        with pytest.raises(Conflict) as conflict:
            book.append(
                [*drafts, drafted(f"unit/o_{bad}", drafts[0].event)], actor="u_1", cause="c"
            )
        assert conflict.value.stream == f"unit/o_{bad}"
        assert book.head()[0] == 1
        book.append(drafts, actor="u_1", cause="c")
        assert [entry.stream for entry in book.entries(2)] == [d.stream for d in drafts]
        assert verify(book).intact


def drafted(stream: str, event: Event) -> Draft:
    at = "2025-03-03T00:00:00+08:00"
    return Draft(stream=stream, seq=1, event=event, actor="u_1", cause="c", effective_at=at)


def test_an_act_without_entries_is_our_bug(database: str):
    with opened(database) as book, pytest.raises(ValueError, match="without entries"):
        book.append([], actor="u_1", cause="cmd_1")


def test_a_business_date_after_today_is_refused(database: str):
    with opened(database, clock=lambda: NOON) as book:
        tomorrow = msgspec.structs.replace(CLERK, on=ON + timedelta(days=1))
        with pytest.raises(Refused) as refused:
            book.act([card("A1")], tomorrow)
        assert refused.value.rule is IN_THE_FUTURE
        book.act([card("A1")], CLERK)


def test_today_is_the_day_of_the_unit_and_not_of_the_server(database: str):
    """At 20:00 UTC it is tomorrow in Beijing and still today in Seattle."""
    late = NOON.replace(hour=20)
    with opened(database, clock=lambda: late) as book:
        tomorrow = msgspec.structs.replace(CLERK, on=ON + timedelta(days=1))
        book.act([card("A1")], tomorrow, zone="Asia/Shanghai")
        with pytest.raises(Refused):
            book.act([card("A2")], tomorrow, zone="America/Los_Angeles")
        (entry,) = book.entries()
        assert entry.effective_at == "2025-03-04T04:00:00+08:00"
        assert entry.effective_on == "2025-03-04"


# Evidence of who and how ------------------------------------------------------


@pytest.mark.target("T12")
def test_channel_device_address_and_request_can_be_read_back(database: str):
    via = Via(unit="o_1", role="clerk", channel="api", request="req-7", policy="generic@1")
    context = {"address": "192.0.2.7", "device": "扫码枪 3", "channel": "api", "request": "req-7"}
    with opened(database) as book:
        receipt = book.act([card("A1"), card("A2")], CLERK, via=via, context=context, key="k1")
        for entry in book.entries():
            assert entry.beside.via == via
            assert entry.actor == "u_clerk"
            command = book.log.command(entry.position)
            assert command is not None
            assert json.loads(command[5]) == context
            assert command[2:5] == (receipt.cause, "u_clerk", "k1")
            assert "192.0.2.7" not in entry.state.decode(), "an address is no part of the log"


@pytest.mark.target("T12")
def test_a_reversal_tells_channel_and_request_too(database: str):
    via = Via(unit="o_1", role="clerk", channel="web", request="req-8")
    with opened(database) as book:
        book.act([card("A1")], CLERK)
        book.reverse("asset/A1", 1, CLERK, reason="错登", via=via, context={"address": "::1"})
        command = book.log.command(2)
        assert command is not None
        assert json.loads(command[5]) == {"address": "::1"}
        assert next(book.entries(2)).beside.via == via


def test_evidence_is_kept_once_under_its_hash(database: str):
    paper = Evidence("application/pdf", b"%PDF-1.7 paper")
    with opened(database) as book:
        occasion = msgspec.structs.replace(
            CLERK, docs=(Document(type="acceptance", number="验2025-1", sha256=paper.sha256),)
        )
        for asset in ("A1", "A2"):
            book.act([card(asset)], occasion, evidence=[paper])
        assert book.log.evidence(paper.sha256) == (paper.media, paper.content)
        assert book.stream("asset/A1").entries[0].beside.docs == occasion.docs
        assert verify(book).intact


# Red reversal -----------------------------------------------------------------


@pytest.mark.target("T10")
def test_a_reversal_takes_back_the_effect_and_leaves_both_entries(database: str):
    with opened(database) as book:
        book.act([card("A1")], CLERK)
        before = book.stream("asset/A1").state
        book.act([issue("A1")], CLERK)
        book.reverse("asset/A1", 2, CLERK, reason="发错人")
        stream = book.stream("asset/A1")
        assert stream.state == before
        assert [e.event.type_name for e in stream.entries] == [
            "asset.registered",
            "asset.issued_to_user",
            "ledger.entry_reversed",
        ]
        last = stream.entries[-1]
        assert last.event == EntryReversed(seq=2, reason="发错人")
        assert last.corrects is not None
        assert (last.corrects.seq, last.corrects.stream) == (2, "asset/A1")
        assert last.effective_at == stream.entries[1].effective_at
        assert verify(book).intact


@pytest.mark.target("T10")
def test_a_second_reversal_of_the_same_entry_is_refused(database: str):
    with opened(database) as book:
        book.act([card("A1")], CLERK)
        book.act([issue("A1")], CLERK)
        book.reverse("asset/A1", 2, CLERK, reason="发错人")
        with pytest.raises(Refused) as refused:
            book.reverse("asset/A1", 2, CLERK, reason="再来一次")
        assert refused.value.rule is REVERSED_ALREADY
        assert CHINESE.search(refused.value.sentence("zh"))
        assert not CHINESE.search(refused.value.sentence("en"))


@pytest.mark.target("T10")
def test_a_mistaken_reversal_can_be_reversed(database: str):
    with opened(database) as book:
        book.act([card("A1")], CLERK)
        book.act([issue("A1")], CLERK)
        issued = book.stream("asset/A1").state
        book.reverse("asset/A1", 2, CLERK, reason="发错人")
        book.reverse("asset/A1", 3, CLERK, reason="没有发错")
        assert book.stream("asset/A1").state == issued


@pytest.mark.target("T10")
def test_an_entry_that_others_stand_on_is_reversed_after_them(database: str):
    with opened(database) as book:
        book.act([card("A1")], CLERK)
        book.act([issue("A1")], CLERK)
        with pytest.raises(Refused) as refused:
            book.reverse("asset/A1", 1, CLERK, reason="错登")
        assert refused.value.rule is LAST_FIRST
        assert refused.value.details["later"] == 2
        book.reverse("asset/A1", 2, CLERK, reason="先发后登")
        book.reverse("asset/A1", 1, CLERK, reason="错登")
        assert book.stream("asset/A1").state.book is Books.NONE


@pytest.mark.target("T10")
def test_what_one_request_wrote_in_several_streams_is_taken_back_together(database: str):
    with opened(database) as book:
        book.act([unit("o_1"), unit("o_2")], ADMIN)
        book.act([card("A1"), card("A2")], CLERK)
        form = {
            "lender": "o_1",
            "borrower": "o_2",
            "assets": ["A1", "A2"],
            "due": ON + timedelta(days=30),
            "purpose": "会议",
        }
        receipt = book.act([Ask("loan/L1", "request", form)], CLERK)
        assert receipt.count == 4, "the case, what was checked, and both things"
        book.reverse("loan/L1", 1, CLERK, reason="填错")
        for asset in ("A1", "A2"):
            stream = book.stream(f"asset/{asset}")
            assert stream.version == 3
            assert stream.state.lock.value == "none"
        assert verify(book).intact


def test_an_entry_that_does_not_exist_cannot_be_reversed(database: str):
    with opened(database) as book:
        book.act([card("A1")], CLERK)
        with pytest.raises(Refused) as refused:
            book.reverse("asset/A1", 9, CLERK, reason="错登")
        assert refused.value.rule is NOT_THERE


@pytest.mark.target("T04")
def test_what_was_true_and_what_was_known_are_two_questions(database: str):
    """Dated 28 March, recorded on 10 April: true on 31 March, not yet known on 5 April."""
    now = NOON

    def clock():
        return now

    with opened(database, clock=clock) as book:
        book.act([card("A1")], CLERK)
        now = NOON.replace(month=4, day=10)
        book.act(
            [issue("A1")], msgspec.structs.replace(CLERK, on=now.date().replace(month=3, day=28))
        )
        for on, known, custody in (
            ("2025-03-31", "2025-04-15", Custody.IN_USE),
            ("2025-03-31", "2025-04-05", Custody.STORE),
            ("2025-03-27", "2025-04-15", Custody.STORE),
            ("2025-03-28", "2025-04-10", Custody.IN_USE),
            ("2025-03-28", "2025-04-09", Custody.STORE),
            ("2025-03-02", "2025-04-15", Custody.NONE),
        ):
            state = book.state_at("asset/A1", on, book.position_known(known))
            assert state.custody is custody, (on, known)


def test_a_stream_nobody_wrote_is_empty(database: str):
    with opened(database) as book:
        stream = book.stream("asset/A1")
        assert (stream.version, stream.entries, stream.state.book) == (0, (), Books.NONE)


def test_an_address_of_no_known_database_is_refused():
    with pytest.raises(ValueError, match="postgresql://"):
        Book.open("mysql://localhost/x")


@pytest.mark.one_backend("only a file can be missing or be something else")
@pytest.mark.target("T124")
def test_a_folder_that_does_not_exist_is_told(tmp_path):
    with pytest.raises(Unavailable) as trouble:
        Book.open(f"sqlite:///{tmp_path / 'nowhere' / 'ledger.db'}")
    assert trouble.value.kind == "away"


@pytest.mark.one_backend("only a file can be missing or be something else")
def test_a_file_that_is_no_database_is_told(tmp_path):
    path = tmp_path / "ledger.db"
    path.write_bytes(b"this is not a database, it is a letter" * 200)
    with pytest.raises(Unavailable) as trouble:
        Book.open(f"sqlite:///{path}")
    assert trouble.value.kind == "damaged"


def test_a_card_opened_by_mistake_is_opened_anew_with_its_own_number(database: str) -> None:
    """Reversal plus re-entry: the number stays with the stream that held it, and only there."""
    with closing(Book.open(database)) as book:
        clerk = Occasion(by="u_clerk", on=date(2026, 1, 5), role="clerk")
        card = {"asset_no": "RE-1", "name": "台式机", "kind": "computer", "unit": "o_1"}
        book.act([Ask("asset/RE1", "register_existing", card)], clerk)
        book.reverse("asset/RE1", 1, clerk, reason="单位录错")
        book.act([Ask("asset/RE1", "register_existing", card | {"unit": "o_2"})], clerk)
        assert book.stream("asset/RE1").state.accounting_unit == "o_2"
        with pytest.raises(Refused) as refused:
            book.act([Ask("asset/RE2", "register_existing", card)], clerk)
        assert refused.value.rule.slug == "number-taken"
        assert verify(book).intact


def test_a_late_act_that_later_entries_contradict_is_refused(database: str) -> None:
    """Issue 10 January, return 20 January: nobody else had it from the 5th."""
    with closing(Book.open(database)) as book:
        card = {"asset_no": "LATE-1", "name": "台式机", "kind": "computer", "unit": "o_1"}

        def ask(day: int, verb: str, **form: Any) -> None:
            who = Occasion(by="u_clerk", on=date(2026, 1, day), role="clerk")
            book.act([Ask("asset/L1", verb, form)], who)

        ask(2, "register_existing", **card)
        ask(10, "issue", user="u_a")
        ask(20, "take_back", reason="调离")
        with pytest.raises(Refused) as refused:
            ask(5, "issue", user="u_b")
        assert refused.value.rule.slug == "contradicts-later-entries"
        assert book.stream("asset/L1").version == 3
        ask(15, "bind_label", label="L-9")  # contradicts nothing
        ask(21, "issue", user="u_b")


def test_what_a_process_remembers_of_a_stream_never_decides_alone(database: str) -> None:
    """Two programs over one ledger: each sees what the other wrote, to grant and to refuse."""
    with closing(Book.open(database)) as one, closing(Book.open(database)) as two:
        clerk = Occasion(by="u_clerk", on=date(2026, 1, 5), role="clerk")
        card = {"asset_no": "MEM-1", "name": "台式机", "kind": "computer", "unit": "o_1"}
        one.act([Ask("asset/M1", "register_existing", card)], clerk)
        two.act([issue("M1", "u_a")], clerk)  # `one` still remembers it in store
        with pytest.raises(Refused):
            one.act([issue("M1", "u_b")], clerk)
        one.act([Ask("asset/M1", "take_back", {"reason": "调离"})], clerk)
        two.act([issue("M1", "u_c")], clerk)  # `two` remembers it in use
        assert one.stream("asset/M1").version == 4
        with pytest.raises(Conflict) as stale:
            one.act(
                [Ask("asset/M1", "take_back", {"reason": "x"})], clerk, expected={"asset/M1": 3}
            )
        assert stale.value.current == 4
        one.act([Ask("asset/M1", "take_back", {"reason": "x"})], clerk, expected={"asset/M1": 4})
        two.reverse("asset/M1", 5, clerk, reason="误录")
        assert two.stream("asset/M1").state.user == "u_c"
        with pytest.raises(Refused):
            one.act([issue("M1", "u_d")], clerk)
