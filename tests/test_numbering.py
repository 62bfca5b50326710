"""Document numbers: none twice, and no gap without a reason."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import httpx
import pytest
from doors import CARD, PASSWORD, app_of, staffed
from given import TODAY, Ledger, given
from test_concurrency import at_once
from typer.testing import CliRunner

from api import cli
from api.clerk import SERVER_CLERKS
from api.numbering import Fate, all_series, register
from api.office import Actor
from domain import numbering
from domain.decider import Ask, Document, Occasion, Refused
from domain.numbering import NumberDrawn, NumbersUsedElsewhere, SeriesNamed
from domain.words import Role
from ledger.book import NUMBER_TAKEN
from ledger.entry import Draft
from ledger.verifying import verify

past = partial(given, numbering.lifecycle)
YEAR = "series/o_1-loan-2025"
FORM: dict[str, Any] = {"prefix": "示机管处", "digits": 4, "document": "loan/L1"}
first = NumberDrawn(number="示机管处〔2025〕0001号", ordinal=1, document="loan/L1", issued=TODAY)


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    book = Ledger(database)
    book.on = date(2020, 1, 1)
    for unit in ("o_1", "o_a", "o_b"):
        book.ask("u_admin", f"unit/{unit}", "establish", name=f"示例{unit}局", kind="organ")
    book.on = TODAY
    yield book
    book.close()


def clerk(unit: str = "o_1", on: date = TODAY) -> Occasion:
    return Occasion(by="u_clerk", on=on, unit=unit, role=Role.CLERK)


def numbers(ledger: Ledger, series: str = YEAR) -> list[str]:
    """Return what a series gave out, in order."""
    entries = ledger.book.stream(series).entries
    return [e.event.number for e in entries if isinstance(e.event, NumberDrawn)]


def draw(ledger: Ledger, document: str, on: date = TODAY) -> None:
    """Draw a number alone, on a day."""
    ledger.book.act([numbering.draw_ask(clerk(on=on), "loan", document)], clerk(on=on))


def lend(ledger: Ledger, name: str, asset: str, on: date = TODAY) -> Any:
    """Ask for a loan, and draw its number in the same act."""
    form = {"lender": "o_a", "borrower": "o_b", "assets": [asset], "purpose": "会议",
            "due": TODAY + timedelta(days=9)}  # fmt: skip
    asks = [
        Ask(f"loan/{name}", "request", form),
        numbering.draw_ask(clerk(on=on), "loan", f"loan/{name}"),
    ]
    return ledger.book.act(asks, clerk(on=on))


# What a number looks like -------------------------------------------------------


def test_a_series_says_what_its_numbers_look_like_from_a_day_on() -> None:
    at = {"stream": "series/o_1-loan"}
    past().at(**at).when(numbering.name_series, prefix="示机管借").then(
        SeriesNamed(prefix="示机管借", since=TODAY, digits=4)
    )
    past(SeriesNamed(prefix="示机管借", since=TODAY, digits=3)).at(**at).when(
        numbering.draw, document="loan/L1"
    ).then(
        Ask(
            YEAR,
            "take",
            {"prefix": "示机管借", "digits": 3, "document": "loan/L1", "tell": ""},
        )
    )
    past().at(**at).when(numbering.draw, document="loan/L1").then(
        Ask(YEAR, "take", FORM | {"prefix": "o_1-loan", "tell": ""})
    )


def test_this_years_next_number_is_given_and_the_document_is_told() -> None:
    past().at(stream=YEAR).when(numbering.take, **FORM).then(first)
    second = NumberDrawn(
        number="示机管借〔2025〕002号", ordinal=2, document="loan/L2", issued=TODAY
    )
    past(first).at(stream=YEAR).when(
        numbering.take, prefix="示机管借", digits=3, document="loan/L2", tell="be_numbered"
    ).then(second, Ask("loan/L2", "be_numbered", {"number": "示机管借〔2025〕002号"}))


def test_a_draw_is_asked_in_the_name_of_the_acting_unit() -> None:
    assert numbering.draw_ask(clerk(), "loan", "loan/L1") == Ask(
        "series/o_1-loan", "draw", {"document": "loan/L1"}
    )
    assert numbering.draw_ask(clerk(), "loan", "loan/L1", unit="o_2", tell="be_numbered") == Ask(
        "series/o_2-loan", "draw_and_tell", {"document": "loan/L1", "tell": "be_numbered"}
    )
    with pytest.raises(Refused) as refused:
        numbering.draw_ask(clerk(unit=""), "loan", "loan/L1")
    assert refused.value.rule is numbering.WHOSE_NUMBER


@pytest.mark.parametrize("name", ["o_1", "o_1-loan-25", "o_1-借用", "o_1-Loan"])
def test_a_series_belongs_to_a_unit_and_a_kind_of_document(name: str) -> None:
    for verb, form in (
        (numbering.draw, {"document": "loan/L1"}),
        (numbering.name_series, {"prefix": "示"}),
        (numbering.void_number, {"ordinal": 1, "reason": "r"}),
    ):
        past().at(stream=f"series/{name}").when(verb, **form).then_refused(
            numbering.OF_A_UNIT_AND_KIND
        )


def test_a_unit_whose_id_ends_like_a_year_has_series_like_any_other() -> None:
    past().at(stream="series/o-2024-loan").when(numbering.draw, document="loan/L").then(
        Ask(
            "series/o-2024-loan-2025",
            "take",
            FORM | {"prefix": "o-2024-loan", "document": "loan/L", "tell": ""},
        )
    )
    past().at(stream="series/o-2024-loan-2025").when(
        numbering.draw, document="loan/L"
    ).then_refused(numbering.OF_A_UNIT_AND_KIND)


# None twice, no gap without a reason ----------------------------------------------


@pytest.mark.target("T36")
def test_a_number_is_drawn_with_its_document_or_neither_is_recorded(ledger: Ledger) -> None:
    for n in (1, 2):
        ledger.card(f"A{n}")
    lend(ledger, "L1", "A1")
    before = ledger.book.head()
    with pytest.raises(Refused):
        lend(ledger, "L2", "A1")  # it is held by the first loan
    assert ledger.book.head() == before
    lend(ledger, "L2", "A2")
    assert numbers(ledger) == ["o_1-loan〔2025〕0001号", "o_1-loan〔2025〕0002号"]


@pytest.mark.target("T36")
def test_every_year_counts_anew_and_the_prefix_is_that_of_the_day(ledger: Ledger) -> None:
    for n in range(4):
        ledger.card(f"A{n}")
    ledger.on = date(2024, 1, 2)
    ledger.ask("u_admin", "series/o_1-loan", "name_series", prefix="旧借")
    ledger.on = date(2025, 6, 1)
    ledger.ask("u_admin", "series/o_1-loan", "name_series", prefix="新借", digits=3)
    for n, on in enumerate([date(2024, 12, 31), date(2025, 5, 31), date(2025, 6, 1)]):
        draw(ledger, f"loan/L{n}", on)
    assert numbers(ledger, "series/o_1-loan-2024") == ["旧借〔2024〕0001号"]
    assert numbers(ledger) == ["旧借〔2025〕0001号", "新借〔2025〕002号"]
    assert all_series(ledger.book) == ["series/o_1-loan-2024", YEAR]


@pytest.mark.target("T36")
def test_two_series_may_not_write_their_numbers_alike(ledger: Ledger) -> None:
    ledger.ask("u_admin", "series/o_1-loan", "name_series", prefix="示机管")
    ledger.refuses(NUMBER_TAKEN, "u_admin", "series/o_1-intake", "name_series", prefix="示机管")
    ledger.ask("u_admin", "series/o_1-loan", "name_series", prefix="示机管借")
    ledger.ask("u_admin", "series/o_1-loan", "name_series", prefix="示机管")  # its own, again


@pytest.mark.target("T36")
def test_a_voided_number_says_why_and_is_not_given_again(ledger: Ledger) -> None:
    for n in range(3):
        draw(ledger, f"loan/L{n}")
    ledger.ask("u_head", YEAR, "void_number", ordinal=3, reason="打印错误，改用次号")
    ledger.refuses(numbering.NOT_VOIDED, "u_head", YEAR, "void_number", ordinal=3, reason="r")
    ledger.refuses(numbering.DRAWN, "u_head", YEAR, "void_number", ordinal=4, reason="r")
    draw(ledger, "loan/L3")
    lines = register(ledger.book, YEAR)
    assert [line.since for line in lines] == [1, 2, 3, 4]
    assert [line.fate for line in lines] == [Fate.GIVEN, Fate.GIVEN, Fate.VOIDED, Fate.GIVEN]
    assert lines[2].reason == "打印错误，改用次号"
    assert lines[2].document == "loan/L2"


@pytest.mark.target("T36")
def test_numbers_given_on_paper_before_are_a_gap_with_a_reason(ledger: Ledger) -> None:
    ledger.ask("u_head", YEAR, "set_aside", until=37, reason="启用前已在纸质登记簿编发")
    ledger.refuses(numbering.AHEAD, "u_head", YEAR, "set_aside", until=37, reason="r")
    draw(ledger, "loan/L1")
    assert numbers(ledger) == ["o_1-loan〔2025〕0038号"]
    gap, given_ = register(ledger.book, YEAR)
    assert (gap.since, gap.until, gap.fate) == (1, 37, Fate.ELSEWHERE)
    assert gap.reason == "启用前已在纸质登记簿编发"
    assert (given_.since, given_.fate) == (38, Fate.GIVEN)


@pytest.mark.target("T36")
def test_a_document_taken_back_keeps_its_number_and_the_register_says_so(ledger: Ledger) -> None:
    for n in range(2):
        ledger.card(f"A{n}")
        lend(ledger, f"L{n}", f"A{n}")
    ledger.book.reverse("loan/L0", 1, clerk(), reason="重复申请")
    lines = register(ledger.book, YEAR)
    assert [line.fate for line in lines] == [Fate.TAKEN_BACK, Fate.GIVEN]
    assert lines[0].reason == "重复申请"
    draw(ledger, "loan/L9")
    assert numbers(ledger)[-1] == "o_1-loan〔2025〕0003号"


def test_papers_from_outside_keep_the_numbers_they_came_with(ledger: Ledger) -> None:
    ledger.card("A1")
    ledger.docs = (Document(type="批复", number="某财资〔2025〕88号"),)
    ledger.ask("u_clerk", "asset/A1", "issue", user="u_li")
    assert all_series(ledger.book) == []


def test_a_series_ends_at_its_last_number() -> None:
    last = NumbersUsedElsewhere(since=1, until=numbering.ORDINAL_MAX - 1, reason="r")
    then = past(last).at(stream=YEAR).when(numbering.take, **FORM).then_granted()
    drawn = then.answers[0]
    assert isinstance(drawn, NumberDrawn)
    past(last, drawn).at(stream=YEAR).when(numbering.take, **FORM).then_refused(
        numbering.NUMBERS_LEFT
    )


@pytest.mark.target("T36")
def test_a_document_recorded_late_has_the_next_number(ledger: Ledger) -> None:
    """A register is kept in the order of recording: no number is given before, none is skipped."""
    for n, days in enumerate((0, 9, 19, 0)):
        draw(ledger, f"loan/L{n}", TODAY - timedelta(days=days))
    lines = register(ledger.book, YEAR)
    assert [line.since for line in lines] == [1, 2, 3, 4]
    assert [line.issued[5:] for line in lines] == ["06-30", "06-21", "06-11", "06-30"]


# 100 people at once -----------------------------------------------------------


@pytest.mark.target("T36")
def test_a_hundred_documents_have_a_hundred_numbers_whoever_writes_at_once(database: str) -> None:
    """Each document and its number are one act; as many write without pause as there are clerks."""
    with staffed(database) as office:
        person = Actor(person="u_clerk", unit="o_a", role="clerk")
        cards = [
            (f"asset/A{n}", "register_existing", CARD | {"asset_no": f"ZC-{n}"}) for n in range(100)
        ]
        office.ask_many(cards, person)

        def create(n: int) -> None:
            due = office.today() + timedelta(days=9)
            form = {"lender": "o_a", "borrower": "o_b", "assets": [f"A{n}"], "purpose": "会议"}
            ask = numbering.draw_ask(office.occasion(person), "loan", f"loan/L{n}")
            requests = [
                (f"loan/L{n}", "request", form | {"due": due}),
                (ask.stream, ask.verb, ask.form),
            ]
            office.ask_many(requests, person)

        with ThreadPoolExecutor(SERVER_CLERKS) as people:
            list(people.map(create, range(100)))
        year = office.today().year
        lines = register(office.book, f"series/o_a-loan-{year}")
        assert [line.number for line in lines] == [
            f"o_a-loan〔{year}〕{n:04}号" for n in range(1, 101)
        ]
        assert {line.document for line in lines} == {f"loan/L{n}" for n in range(100)}
        assert verify(office.book).intact


@pytest.mark.target("T36")
def test_a_hundred_threads_that_draw_with_a_document_at_once_all_succeed(ledger: Ledger) -> None:
    for n in range(100):
        ledger.card(f"A{n}")
    answers = at_once(100, lambda n: lend(ledger, f"L{n}", f"A{n}"))
    assert [a for a in answers if isinstance(a, Exception)] == []
    assert numbers(ledger) == [f"o_1-loan〔2025〕{n:04}号" for n in range(1, 101)]


@pytest.mark.target("T36")
def test_a_hundred_programs_that_ask_at_once_hear_a_hundred_numbers(database: str) -> None:
    with staffed(database) as office:

        async def post() -> list[httpx.Response]:
            transport = httpx.ASGITransport(app_of(office), raise_app_exceptions=False)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://test", auth=("clerk", PASSWORD)
            ) as client:
                return await asyncio.gather(
                    *(
                        client.post(
                            "/api/v1/series/o_a-card/draw",
                            json={"document": f"asset/A{n}"},
                            headers={"Idempotency-Key": str(uuid4())},
                        )
                        for n in range(100)
                    )
                )

        answers = asyncio.run(post())
        assert {answer.status_code for answer in answers} == {200}, answers[0].text
        year = office.today().year
        lines = register(office.book, f"series/o_a-card-{year}")
        assert [line.number for line in lines] == [
            f"o_a-card〔{year}〕{n:04}号" for n in range(1, 101)
        ]
        assert {line.document for line in lines} == {f"asset/A{n}" for n in range(100)}


# At the command line ----------------------------------------------------------


def test_the_register_is_listed_with_its_gaps_and_their_reasons(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GONGWU_DATABASE", ledger.book.url)
    ledger.ask("u_head", YEAR, "set_aside", until=2, reason="纸质登记簿已用")
    draw(ledger, "loan/L1")
    draw(ledger, "loan/L2")
    ledger.ask("u_head", YEAR, "void_number", ordinal=4, reason="文件作废")
    result = CliRunner().invoke(cli.app, ["numbers"])
    assert result.exit_code == 0, result.output
    for said in ("1–2", "纸质登记簿已用", "o_1-loan〔2025〕0003号", "loan/L2", "作废", "文件作废"):
        assert said in result.output
    void = CliRunner().invoke(cli.app, ["numbers", "o_1-loan-2025", "--void", "--json"])
    (lines,) = json.loads(void.output).values()
    assert [line["fate"] for line in lines] == ["elsewhere", "voided"]
    missing = CliRunner().invoke(cli.app, ["numbers", "o_9-loan-2025"])
    assert missing.exit_code == 2


def test_a_gap_that_nobody_explains_is_found(ledger: Ledger) -> None:
    """As when a series was tampered with: the ledger itself gives no number out of order."""
    later = NumberDrawn(number="示〔2025〕0003号", ordinal=3, document="loan/L", issued=TODAY)
    at = "2025-06-30T00:00:00+08:00"
    ledger.book.append(
        [Draft(stream=YEAR, seq=1, event=later, actor="u_x", cause="cmd_x", effective_at=at)],
        actor="u_x",
        cause="cmd_x",
    )
    gap, drawn = register(ledger.book, YEAR)
    assert (gap.since, gap.until, gap.fate) == (1, 2, Fate.UNEXPLAINED)
    assert (drawn.since, drawn.fate) == (3, Fate.GIVEN)
