"""What reuse brought: every figure from entries, and the same from a second reading of the log."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from statistics import median
from typing import Any
from urllib.parse import urlencode

import pytest
from books import opened
from doors import Door, app_of, staffed
from fastapi.testclient import TestClient

from api import city, city_reuse, demo, pages_export, reusing
from api.accounts import Accounts
from api.app import create_app
from domain.acquiring import AcquisitionAuthorised, AcquisitionRequested, DeliveryCounted, Way
from domain.asset import AssetRegistered, Kind
from domain.decider import EntryReversed, Event
from domain.demand import (
    DemandClaimed,
    DemandMet,
    DemandMetInPart,
    DemandPublished,
    DemandWithdrawn,
    OfferFound,
)
from domain.exceeding import BeyondStandard
from domain.lending import AssetLent, LoanHandedOver, LoanItemReturned, LoanRequested, ReturnResult
from domain.planning import PlanLineAdded, ReallocationSearched
from domain.reallocation import (
    AccountingTransferred,
    ConsignmentShipped,
    ReallocationRequested,
    TransferInConfirmed,
    TransferOutConfirmed,
    TransferredIn,
    TransferredOut,
)
from domain.standards import StandardDrafted, StandardPublished
from domain.unit import UnitEstablished, UnitKind, UnitPlaced
from domain.warehouse import (
    Books,
    IntakeApplied,
    IntakeApproved,
    IntakeGround,
    IntakeItemReceived,
    ReceivedIntoWarehouse,
    Refurbished,
)
from ledger.book import Book
from ledger.entry import Corrects, Draft
from projections.reuse import Asked, Excluded, Source, Told, told
from projections.scope import EVERYTHING, Scope
from projections.store import ReadModels

DAY = date(2026, 3, 1)


def day(n: int) -> str:
    return (DAY + timedelta(days=n)).isoformat()


class Story:
    """Facts recorded as an import knows them: stream by stream, each with its day."""

    def __init__(self, book: Book, models: ReadModels) -> None:
        self.book, self.models, self.count = book, models, 0

    def tell(self, stream: str, *facts: tuple[int, Event]) -> int:
        """Record facts of a stream; return the size of the log."""
        seq = len(self.book.stream(stream).entries)
        drafts = [
            Draft(
                stream=stream,
                seq=seq + n,
                event=fact,
                actor="u_1",
                cause="cmd_test",
                effective_at=f"{day(on)}T00:00:00+08:00",
                corrects=Corrects(fact.seq, stream) if isinstance(fact, EntryReversed) else None,
            )
            for n, (on, fact) in enumerate(facts, 1)
        ]
        self.count += 1
        self.book.append(drafts, actor="u_1", cause=f"cmd_test_{self.count}")
        self.models.catch_up(self.book)
        return self.book.head()[0]

    def card(self, id_: str, value: int | None = 100_00, **said: Any) -> None:
        fact = AssetRegistered(
            asset_no=id_, name="办公桌", kind=Kind.FURNITURE, unit="o_1", value=value, **said
        )
        self.tell(f"asset/{id_}", (0, fact))

    def take_in(self, id_: str, on: int, ground: IntakeGround = IntakeGround.IDLE) -> None:
        self.tell(
            f"intake/I{id_}",
            (on, IntakeApplied(applicant="u_1", unit="o_1", ground=ground, warehouse="p_1", assets=(id_,))),
            (on, IntakeApproved(keeper_unit="o_w", virtual=False, books=Books.CUSTODY_ONLY)),
            (on, IntakeItemReceived(asset=id_)),
        )  # fmt: skip
        received = ReceivedIntoWarehouse(warehouse="p_1", virtual=False, keeper_unit="o_w")
        self.tell(f"asset/{id_}", (on, received))

    def move(self, id_: str, on: int, to: str = "o_2", *, giver: str = "o_w", fees: int = 0,
             case: str = "", arrives: bool = True, beyond: bool = False) -> str:  # fmt: skip
        case = f"reallocation/{case or 'R' + id_}"
        facts: list[tuple[int, Event]] = [
            (on, ReallocationRequested(to_unit=to, item="办公桌", quantity="1", from_unit=giver, assets=(id_,))),
        ]  # fmt: skip
        if beyond:
            over = BeyondStandard(unit=to, standard="S1", title="标准", held="9", wanted="10", position=1)  # fmt: skip
            facts.append((on, over))
        facts.append((on, TransferOutConfirmed(asset=id_, sender="u_1")))
        self.tell(f"asset/{id_}", (on, TransferredOut(to_unit=to, case=case)))
        if arrives:
            facts.append((on + 1, TransferInConfirmed(asset=id_)))
            booked = AccountingTransferred(asset=id_, out_voucher="1", in_voucher="2", gross=1, fees=fees)  # fmt: skip
            facts.append((on + 1, booked))
            self.tell(f"asset/{id_}", (on + 1, TransferredIn(unit=to)))
        self.tell(case, *facts)
        return case

    def lend(self, id_: str, on: int, due: int, back: int | None = None) -> None:
        case = f"loan/L{id_}{on}"
        asked = LoanRequested(applicant="u_1", lender="o_w", borrower="o_3", assets=(id_,),
                              due=DAY + timedelta(days=due), purpose="会议")  # fmt: skip
        self.tell(case, (on, asked), (on, LoanHandedOver(asset=id_)))
        lent = AssetLent(borrower="o_3", due=DAY + timedelta(days=due), case=case)
        self.tell(f"asset/{id_}", (on, lent))
        if back is not None:
            self.tell(case, (back, LoanItemReturned(asset=id_, result=ReturnResult.SOUND)))

    def ask(self, start: int = 0, end: int = 300, scope: Scope = EVERYTHING, **only: Any) -> Told:
        return told(
            self.book, self.models, scope, Asked(start=day(start), end=day(end), **only)
        )  # fmt: skip

    def figures(self, **asked: Any) -> dict[str, reusing.Figure]:
        return {f.slug: f for f in reusing.figures(self.ask(**asked))}


@pytest.fixture
def story(database: str) -> Iterator[Story]:
    with opened(database) as book:
        models = ReadModels.open(database)
        yield Story(book, models)
        models.close()


@pytest.mark.target("T53")
def test_what_came_in_and_what_was_used_again(story: Story):
    for id_, on in (("A", 10), ("B", 10), ("C", 20), ("D", 20)):
        story.card(id_)
        story.take_in(id_, on)
    story.move("A", 30)
    story.lend("B", 40, due=50)
    found = story.figures()
    assert found["taken_in"].text == "4"
    assert found["taken_in_value_CNY"].text == "400.00"
    assert (found["put_to_use"].value, found["put_to_use"].text) == (Fraction(1, 2), "50.0%")
    assert found["given_out"].text == "2"
    assert found["days_in_store"].text == "20.0"  # A left on the day it was sent
    assert found["days_waiting"].text == "280.0"
    assert found["overdue"].text == "100.0%"
    assert found["turns"].value == Fraction(365, 20 + 290 + 280 + 280)
    assert story.figures(end=45)["overdue"].value == 0
    assert story.figures(end=25)["put_to_use"].value == 0  # as the books stood then
    by_ground = reusing.grouped(story.ask(), "ground", lambda _: "")
    assert [(g.key, g.taken_in, g.reused) for g in by_ground if g.key] == [("idle", 4, 2)]


@pytest.mark.target("T53")
def test_only_completed_exchanges_count_and_what_is_left_out_says_why(story: Story):
    for id_, value in (("A", 100_00), ("B", 100_00), ("C", None), ("D", 100_00), ("E", 70_00)):
        story.card(id_, value)
    story.move("A", 10, giver="o_1")
    story.move("B", 10, giver="o_1", arrives=False)
    story.move("C", 10, giver="o_1")
    story.move("D", 10, giver="o_1", beyond=True)
    story.move("E", 10, "o_2", giver="o_1")
    story.move("E", 20, "o_3", giver="o_2", case="again")
    asked = ReallocationRequested(to_unit="o_9", item="desk", quantity="30", unit_value=5)
    shipped = ConsignmentShipped(item="desk", quantity="30")
    story.tell("reallocation/X", (10, asked), (11, shipped))
    found = [(s.passage.asset, s.passage.taker, s.net, s.excluded) for s in story.ask().savings]
    assert sorted(found, key=str) == sorted(
        [
            ("A", "o_2", 100_00, None),
            ("B", "o_2", 0, Excluded.ON_THE_WAY),
            ("C", "o_2", 0, Excluded.NO_PRICE),
            ("D", "o_2", 0, Excluded.BEYOND),
            ("E", "o_2", 0, Excluded.GIVEN_UP),
            ("E", "o_3", 70_00, None),
            ("", "o_9", 0, Excluded.NOT_RECORDED),
        ],
        key=str,
    )
    figure = story.figures()["avoided_CNY"]
    assert figure.text == "170.00"
    said = {words.en: value for words, value in figure.inputs}
    assert said["pieces counted"] == "2"
    assert sum(int(v) for k, v in said.items() if k.startswith("left out")) == 5


@pytest.mark.target("T53")
def test_a_price_names_its_source_and_is_never_above_the_standard(story: Story):
    for id_, class_code in (
        ("A", "A05010201"),
        ("B", "A05010201"),
        ("C", "A0599"),
        ("N", "A05010201"),
    ):
        story.card(id_, 900_00, class_code=class_code, quantity="2" if id_ == "B" else "1")  # fmt: skip
    moved = {id_: story.move(id_, 20, giver="o_1") for id_ in "AB"}
    assert {s.source for s in story.ask().savings} == {Source.COST}
    bought = AcquisitionRequested(applicant="u_1", plan="P1", line=1, way=Way.PURCHASE,
                                  quantity="1", unit_price=600_00)  # fmt: skip
    authorised = AcquisitionAuthorised(approval_no="批1")
    delivered = DeliveryCounted(asset="N", quantity="1")
    story.tell("acquisition/Q1", (5, bought), (6, authorised), (8, delivered))
    found = {s.passage.case: s for s in story.ask().savings}
    assert [(found[moved[a]].price, found[moved[a]].source) for a in "AB"] == [
        (600_00, Source.BOUGHT),
        (1200_00, Source.BOUGHT),
    ]
    assert found[moved["A"]].rests_on == "acquisition/Q1"
    standard = StandardDrafted(drafter="u_1", title="家具", kind=Kind.FURNITURE, price_cap=500_00)
    published = StandardPublished(in_force_from=date.fromisoformat(day(1)))
    story.tell("standard/S1", (1, standard), (1, published))
    found = {s.passage.case: s for s in story.ask().savings}
    assert [(s.price, s.source, s.rests_on) for s in found.values()] == [
        (500_00, Source.CAP, "standard/S1"),
        (1000_00, Source.CAP, "standard/S1"),
    ]


@pytest.mark.target("T53")
def test_fees_and_refurbishing_are_taken_off(story: Story):
    story.card("A", 1000_00)
    story.take_in("A", 10)
    story.tell("asset/A", (15, Refurbished(result="换桌面", condition="良好", cost=120_00)))
    story.move("A", 20, fees=30_00)
    (saving,) = story.ask().savings
    assert (saving.price, saving.costs, saving.net) == (1000_00, 150_00, 850_00)


@pytest.mark.target("T53")
def test_figures_of_a_past_day_and_of_past_knowledge_stay(story: Story):
    story.card("A", 1000_00)
    case = story.move("A", 10, giver="o_1")
    before = story.book.head()[0]
    assert story.figures()["avoided_CNY"].text == "1000.00"
    arrived = next(e.seq for e in story.book.stream(case).entries if isinstance(e.event, TransferInConfirmed))  # fmt: skip
    story.tell(case, (11, EntryReversed(seq=arrived, reason="误记")))
    assert [s.excluded for s in story.ask().savings] == [Excluded.ON_THE_WAY]
    assert story.figures(known=before)["avoided_CNY"].text == "1000.00"
    assert story.ask(end=10).savings[0].excluded is Excluded.ON_THE_WAY


def test_everybody_sees_the_figures_of_their_own_units(story: Story):
    for id_ in "AB":
        story.card(id_)
    story.move("A", 10, "o_2", giver="o_1")
    story.move("B", 10, "o_3", giver="o_1")
    assert len(story.ask(scope=Scope(frozenset({"o_3"}))).savings) == 1
    assert len(story.ask(unit="o_2").savings) == 1
    assert not story.ask(kind="vehicle").savings


def test_purchases_say_whether_reuse_was_looked_for_first(story: Story):
    asked = AcquisitionRequested(applicant="u_1", plan="P1", line=1, way=Way.PURCHASE, quantity="1",
                                 unit_price=1)  # fmt: skip
    searched = ReallocationSearched(line=1, kind=Kind.FURNITURE, class_code="", position=1, count=0,
                                    sha256="0" * 64, searched_on=DAY)  # fmt: skip
    story.tell("acquisition/Q1", (9, asked), (10, AcquisitionAuthorised(approval_no="批1")))
    story.tell("plan/P1", (12, searched))
    assert story.figures()["check_first"].value == 0  # looked only afterwards
    story.tell("acquisition/Q2", (12, asked), (13, AcquisitionAuthorised(approval_no="批2")))
    assert story.figures()["check_first"].value == Fraction(1, 2)


def publish(story: Story, id_: str, on: int, *, quantity: str = "2", to_unit: str = "o_2",
            class_code: str = "A0501") -> str:  # fmt: skip
    wanted = DemandPublished(
        applicant="u_1", to_unit=to_unit, kind=Kind.FURNITURE, item="办公桌", quantity=quantity,
        needed_by=DAY + timedelta(days=200), need=None, rank=1, class_code=class_code,
    )  # fmt: skip
    story.tell(f"demand/{id_}", (on, wanted))
    return f"demand/{id_}"


def bring(story: Story, want: str, on: int, asset: str, quantity: str = "1", *,
          whole: bool = False) -> None:  # fmt: skip
    case = f"reallocation/for-{asset}"
    came = (DemandMet if whole else DemandMetInPart)(case=case, asset=asset, quantity=quantity)
    claimed = DemandClaimed(case=case, assets=(asset,), quantities=(quantity,))
    story.tell(want, (on - 1, claimed), (on, came))


@pytest.mark.target("T53")
def test_wants_say_how_many_were_met_and_how_long_that_took(story: Story):
    met, part, waits, gone = (publish(story, id_, 10) for id_ in ("M", "P", "W", "G"))
    publish(story, "before", -1)
    story.tell(met, (13, OfferFound(asset="A", score=900, rules="r")))
    bring(story, met, 20, "A")
    bring(story, met, 30, "B", whole=True)
    bring(story, part, 50, "C")
    story.tell(gone, (12, DemandWithdrawn(reason="不再需要")))
    found = story.figures()
    assert found["demand_met"].value == Fraction(1, 3)
    assert found["demand_met_some"].value == Fraction(2, 3)
    inputs = {words.en: value for words, value in found["demand_met"].inputs}
    assert inputs == {
        "met": "1", "met in part": "1", "nothing came yet": "1", "of all these lapsed": "0",
        "wants": "3", "left out: withdrawn": "1",
    }  # fmt: skip
    assert found["days_to_offer"].value == Fraction(3 + 39, 2)  # told on 13, claimed on 49
    assert found["days_to_met"].value == 20
    # As of the day before the second came: nothing is met yet, both have an offer on record.
    then = story.figures(end=29)
    assert (then["demand_met"].value, then["demand_met_some"].value) == (0, Fraction(1, 3))
    assert then["days_to_met"].value is None
    line = story.figures(unit="o_9")["demand_met"]
    assert line.value is None
    months = reusing.grouped(story.ask(), "month", lambda _: "")
    assert [(g.key, g.wanted, g.met) for g in months] == [(day(10)[:7], 3, 1)]
    assert waits in {w.case for w in story.ask().wants}


@pytest.mark.target("T53")
def test_wants_are_told_by_unit_class_and_region_and_as_known_then(story: Story):
    for unit, region in (("o_2", "150100"), ("o_3", "640100")):
        established = UnitEstablished(name=unit, kind=UnitKind.ORGAN)
        story.tell(f"unit/{unit}", (-9, established), (-9, UnitPlaced(level=None, region=region)))
    desk = publish(story, "A", 10)
    publish(story, "B", 10, to_unit="o_3", class_code="A0201")
    bring(story, desk, 20, "X", "2", whole=True)
    assert story.figures(region="1501")["demand_met"].value == 1
    assert story.figures(region="64")["demand_met"].value == 0
    assert story.figures(class_code="A05")["demand_met"].value == 1
    assert story.figures(kind="computer")["demand_met"].value is None
    for by, keys in (("unit", {"o_2", "o_3"}), ("class", {"A0501", "A0201"})):
        assert {g.key for g in reusing.grouped(story.ask(), by, lambda _: "") if g.wanted} == keys
    assert len(story.ask(scope=Scope(frozenset({"o_3"}))).wants) == 1
    before = story.book.head()[0]
    came = next(e for e in story.book.stream(desk).entries if isinstance(e.event, DemandMet))
    story.tell(desk, (21, EntryReversed(seq=came.seq, reason="误记")))
    assert story.figures(region="1501")["demand_met"].value == 0
    assert story.figures(region="1501", known=before)["demand_met"].value == 1


@pytest.mark.target("T53")
def test_loans_and_purchases_of_another_kind_are_not_counted(story: Story):
    story.card("A")
    story.lend("A", 10, due=20)
    assert story.figures(kind="furniture")["overdue"].text == "100.0%"
    assert story.figures(kind="vehicle")["overdue"].value is None
    asked = AcquisitionRequested(applicant="u_1", plan="P1", line=1, way=Way.PURCHASE, quantity="1",
                                 unit_price=1)  # fmt: skip
    line = PlanLineAdded(line=1, kind=Kind.COMPUTER, class_code="A02", item="电脑", quantity="1",
                         unit_price=1, reason="新增")  # fmt: skip
    story.tell("plan/P1", (1, line))
    story.tell("acquisition/Q1", (9, asked), (10, AcquisitionAuthorised(approval_no="批1")))
    assert story.figures(kind="computer")["check_first"].value == 0
    assert story.figures(kind="furniture")["check_first"].value is None


@pytest.mark.target("T53")
def test_a_second_script_comes_to_the_same_from_the_bytes_of_the_log(database: str):
    """Read the entries as JSON, with nothing of ours: pieces that arrived, their cost that day."""
    with opened(database) as book:
        city.load(book)
        models = ReadModels.open(database)
        models.catch_up(book)
        accounts = Accounts.open(database)
        demo.at_a_counter(book, models, accounts, city_reuse.show)
        accounts.close()
        found = told(book, models, EVERYTHING, Asked(start="2020-01-01", end="2030-01-01"))
        told_csv = b"".join(
            pages_export.csv_bytes(
                reusing.savings_table(found.savings, "en", lambda _, id_: id_, pages_export.Amount)
            )
        )
        figures = {f.slug: f.text for f in reusing.figures(found)}
        models.close()
        rows = [json.loads(entry.state) for entry in book.entries()]
    assert figures["demand_met"] and figures["days_to_offer"] and figures["days_to_met"]
    assert wants_by_hand(rows, "2030-01-01") == {
        slug: figures[slug]
        for slug in ("demand_met", "demand_met_some", "days_to_offer", "days_to_met")
    }
    total, pieces, taken_in = by_hand(rows)
    assert pieces > 10
    assert figures["avoided_CNY"] == reusing.plain(total)
    assert figures["taken_in"] == str(taken_in)
    lines = list(csv.DictReader(io.StringIO(told_csv.decode("utf-8-sig"))))
    counted = [line for line in lines if not line["left out because"]]
    assert len(counted) == pieces
    in_fen = sum(int(line["avoided"].replace(".", "")) for line in counted)
    assert in_fen == total


def by_hand(rows: list[dict[str, Any]]) -> tuple[int, int, int]:
    """Return what was avoided, by how many pieces, and how many were taken in."""
    reversed_ = {(r["stream"], r["corrects"]["seq"]) for r in rows if r.get("corrects")}
    rows = [r for r in rows if (r["stream"], r["seq"]) not in reversed_]
    values: dict[str, list[tuple[str, int]]] = defaultdict(list)
    asked: dict[str, dict[str, Any]] = {}
    arrived: list[tuple[str, str, str]] = []
    fees: dict[tuple[str, str], int] = {}
    beyond: set[str] = set()
    taken_in = 0
    given_up: list[tuple[str, str, str]] = []
    for r in rows:
        kind, body, stream, on = r["type"], r["body"], r["stream"], r["effective_at"][:10]
        id_ = stream.partition("/")[2]
        if (
            kind in ("asset.registered", "asset.card_split_off", "asset.value_corrected")
            and body.get("value") is not None
        ):
            values[id_].append((on, body["value"]))
        elif kind == "reallocation.requested":
            asked[stream] = body
        elif kind == "reallocation.transfer_in_confirmed":
            arrived.append((on, stream, body["asset"]))
        elif kind == "reallocation.accounting_transferred":
            fees[stream, body["asset"]] = body["fees"]
        elif kind in ("case.beyond_standard", "case.beyond_quota"):
            beyond.add(stream)
        elif kind == "intake.applied":
            asked[stream] = body
        elif kind == "intake.item_received":
            taken_in += 1
            given_up.append((on, asked[stream]["unit"], body["asset"]))
    given_up += [(on, asked[stream]["from_unit"], asset) for on, stream, asset in arrived]
    total = pieces = 0
    for on, stream, asset in arrived:
        taker = asked[stream]["to_unit"]
        if stream in beyond or any(a == asset and u == taker and d >= on for d, u, a in given_up):
            continue
        worth = [v for d, v in sorted(values[asset], key=lambda v: v[0]) if d <= on]
        total += worth[-1] - fees.get((stream, asset), 0)
        pieces += 1
    return total, pieces, taken_in


def wants_by_hand(rows: list[dict[str, Any]], end: str) -> dict[str, str]:
    """Return the four figures of wants, from nothing but the entries' JSON."""
    reversed_ = {(r["stream"], r["corrects"]["seq"]) for r in rows if r.get("corrects")}
    wants: dict[str, dict[str, Any]] = {}
    for r in rows:
        if (r["stream"], r["seq"]) in reversed_ or r["effective_at"][:10] > end:
            continue
        body, on = r["body"], r["effective_at"][:10]
        want = wants.get(r["stream"])
        if r["type"] == "demand.published":
            wants[r["stream"]] = {"on": on, "many": Decimal(body["quantity"]), "came": Decimal(0)}
        elif want is None:
            continue
        elif r["type"] in ("demand.offer_found", "demand.claimed"):
            want["offered"] = min(want.get("offered", on), on)
        elif r["type"] == "demand.offer_ahead":  # to be had from the day of its unit's turn
            if body["opens_on"] <= end:
                want["offered"] = min(want.get("offered", end), body["opens_on"])
        elif r["type"] == "demand.withdrawn":
            want["gone"] = on
        elif r["type"] == "demand.amended":
            want["many"] = Decimal(body["quantity"])
        elif r["type"] in ("demand.met", "demand.met_in_part"):
            want["came"] += Decimal(body["quantity"])
            if want["came"] >= want["many"]:
                want.setdefault("met", on)
    counted = [w for w in wants.values() if "gone" not in w]

    def share(some: int) -> str:
        return f"{Decimal(some * 100) / len(counted):.1f}%" if counted else ""

    def middle(word: str) -> str:
        spans = [
            (date.fromisoformat(w[word]) - date.fromisoformat(w["on"])).days
            for w in counted
            if word in w
        ]
        return f"{Decimal(str(median(spans))):.1f}" if spans else ""

    return {
        "demand_met": share(sum("met" in w for w in counted)),
        "demand_met_some": share(sum(w["came"] > 0 for w in counted)),
        "days_to_offer": middle("offered"),
        "days_to_met": middle("met"),
    }


@pytest.mark.target("T53")
def test_programs_and_pages_tell_the_same(database: str):
    with staffed(database) as office:
        story = Story(office.book, office.models)
        for id_ in "AB":
            story.card(id_)
            story.take_in(id_, 10)
        story.move("A", 20)
        bring(story, publish(story, "W", 15), 20, "A", "2", whole=True)
        door = Door(app_of(office))
        asked = {"from": day(0), "to": day(300), "by": "ground"}
        told_ = door.get("reuse", who="office", **asked).json()
        figures = {f["slug"]: f for f in told_["figures"]}
        assert (figures["put_to_use"]["value"], figures["taken_in"]["text"]) == ([1, 2], "2")
        assert [s["net"] for s in told_["exchanges"]] == [100_00]
        assert [g["key"] for g in told_["groups"]] == ["idle", ""]
        assert (figures["demand_met"]["text"], figures["days_to_met"]["text"]) == ("100.0%", "5.0")
        assert [(w["case"], w["came"]) for w in told_["wants"]] == [("demand/W", "2")]
        wrong = door.get("reuse", who="office", **{"from": day(3), "to": day(1)})
        assert wrong.status_code == 422
        http = TestClient(create_app(office.settings, office))
        account = next(a for a in office.accounts.all() if a.login == "office")
        http.cookies.set("session", office.accounts.sign_in(account))
        page = http.get("/reuse?" + urlencode(asked)).text
        assert "50.0%" in page and "¥100.00" in page
        figures_csv = http.get("/reuse/figures.csv?" + urlencode(asked)).content.decode("utf-8-sig")
        assert "盘活率,50.0%" in figures_csv
        wants_csv = http.get("/reuse/wants.csv?" + urlencode(asked)).content.decode("utf-8-sig")
        assert wants_csv.splitlines()[1].startswith(f"demand/W,{told_['wants'][0]['position']},")
        assert "需求满足率（全部）" in page and "每月发布的需求" in page
        sheets = zipfile.ZipFile(
            io.BytesIO(http.get("/reuse.xlsx?" + urlencode(asked)).content)
        ).read("xl/workbook.xml").decode()  # fmt: skip
        assert all(name in sheets for name in ("指标表", "调剂明细", "需求明细"))
        assert http.get("/reuse?from=2026-02-30").status_code == 422
