"""The income board: where every fen is, how long it has been there, what is overdue, what is stuck."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from doors import CARD, staffed
from starlette.testclient import TestClient

from api import chaining, pages_disposals, pages_income
from api.app import create_app
from api.office import Actor, Office
from domain.due import DueStatus, Income
from domain.progress import STEP_OF_DUE, MoneyStep
from projections import ordering, registers, treasury
from projections.disposals import disposals as disposals_
from projections.income import dues as dues_
from projections.scope import EVERYTHING, Scope
from projections.treasury import Asked

SINCE = date(2024, 1, 1)
TODAY = date(2025, 6, 30)
AGES = (30, 90, 180, 365)


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    with staffed(database, on=SINCE) as opened:
        yield opened


@pytest.fixture(scope="module")
def full(module_database: str) -> Iterator[Office]:
    """An office with one disposal in every column, which nobody changes."""
    with staffed(module_database, on=SINCE) as opened:
        told(opened)
        yield opened


def by(role: str, unit: str = "o_a") -> Actor:
    return Actor(person=f"u_{role}", unit=unit, role=role)


class Story:
    """Disposals on given days, each as far as it is told."""

    def __init__(self, office: Office) -> None:
        self.office = office

    def ask(self, day: str, role: str, stream: str, verb: str, **form: Any) -> None:
        self.office.ask(stream, verb, form, by(role), on=date.fromisoformat(day))

    def approved(self, id_: str, value: int = 10_000, form: str = "auction") -> str:
        """Approve the disposal of one thing on 2025-02-01."""
        card = CARD | {"asset_no": f"ZC-{id_}", "value": value}
        self.ask("2025-01-02", "clerk", f"asset/A{id_}", "register_existing", **card)
        case = f"disposal/{id_}"
        asked = {"unit": "o_a", "form": form, "ground": "idle", "minutes_no": "纪要1"}
        self.ask("2025-01-20", "clerk", case, "propose", assets=[f"A{id_}"], **asked)
        self.ask("2025-02-01", "finance", case, "approve", approval_no=f"批{id_}")
        return case

    def appraised(self, id_: str, value: int = 8_000) -> str:
        case = self.approved(id_)
        said = {"appraiser": "示例评估", "report_no": f"评{id_}", "base_date": "2025-02-05"}
        self.ask(
            "2025-02-10", "clerk", case, "record_appraisal", assets=[f"A{id_}"], value=value, **said
        )
        return case

    def listed(self, id_: str, day: str = "2025-02-20") -> str:
        case = self.appraised(id_)
        self.market(case, day)
        return case

    def market(self, case: str, day: str) -> None:
        market = {"platform": "示例平台", "project_no": "项1", "reserve": 8_000}
        self.ask(day, "clerk", case, "put_on_market", **market)

    def failed(self, id_: str, rounds: int = 1) -> str:
        case = self.listed(id_)
        for n in range(rounds):
            if n:
                self.market(case, f"2025-0{n + 3}-05")
            why = {"reason": "无人报名", "next_step_by": f"2025-0{n + 4}-01"}
            self.ask(f"2025-0{n + 3}-10", "clerk", case, "record_failed_auction", **why)
        return case

    def sold(self, id_: str, price: int = 8_000) -> str:
        case = self.approved(id_)
        deal = {"price": price, "buyer": "买1", "deal_no": f"成{id_}"}
        self.ask("2025-03-01", "clerk", case, "sell", asset=f"A{id_}", **deal)
        return case

    def assessed(self, id_: str, price: int = 8_000, fee: int = 500) -> str:
        """Assess the income on 2025-03-05; return the due."""
        case = self.sold(id_, price)
        self.ask("2025-03-04", "accountant", case, "derecognise", asset=f"A{id_}", voucher="记-1")
        less = [{"type": "评估费", "amount": fee}] if fee else []
        self.ask("2025-03-05", "accountant", case, "assess_income", gross=price, deductions=less)
        return f"due/disposal.{id_}"

    def billed(self, id_: str) -> str:
        due = self.assessed(id_)
        self.ask(
            "2025-03-20", "accountant", due, "issue_notice", payment_code=f"码{id_}", payer="买1"
        )
        return due

    def paid(self, id_: str) -> str:
        due = self.billed(id_)
        said = {"amount": 7_500, "payer": "买1", "reference": f"到{id_}"}
        self.ask("2025-04-02", "accountant", due, "record_transfer", **said)
        return due

    def remitted(self, id_: str) -> str:
        due = self.paid(id_)
        said = {"amount": 7_500, "voucher": f"缴{id_}", "treasury_on": "2025-04-20"}
        self.ask("2025-04-21", "finance", due, "remit", **said)
        return due

    def posted(self, id_: str) -> str:
        due = self.remitted(id_)
        self.ask("2025-05-01", "finance", due, "approve_deductions", approval_no="扣批")
        for side, day in (("payment", "2025-05-01"), ("remittance", "2025-05-02")):
            self.ask(day, "accountant", due, "book", side=side, amount=7_500, voucher=f"记{id_}")
        return due


def told(office: Office) -> Story:
    """Put one disposal into every column."""
    story = Story(office)
    story.approved("P1")
    story.appraised("P2")
    story.listed("P3")
    story.failed("P4", rounds=2)
    story.sold("P5")
    story.assessed("P6")
    story.billed("P7")
    story.paid("P8")
    story.remitted("P9")
    story.posted("P10")
    return story


def asked(**more: Any) -> Asked:
    return Asked(on=more.pop("on", TODAY), ages=AGES, **more)


def board(office: Office, scope: Scope = EVERYTHING, **more: Any) -> dict[str, list[Any]]:
    """Return the cards of each column that has any."""
    there = (
        office.pasts.at(treasury.KINDS, more["on"].isoformat()) if "on" in more else office.models
    )
    found: dict[str, list[Any]] = {}
    for row in there.rows(treasury.cards(scope, asked(**more))):
        found.setdefault(row["step"], []).append(row)
    return found


def signed_in(office: Office, who: str) -> TestClient:
    token = office.accounts.sign_in(next(a for a in office.accounts.all() if a.login == who))
    client = TestClient(create_app(office.settings, office), follow_redirects=False)
    client.cookies.set("session", token)
    return client


def table(client: TestClient, path: str, **asked: str) -> list[dict[str, str]]:
    """Return a file as rows by the names of its columns."""
    content = client.get(path, params=asked).content.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(content)))


# The board --------------------------------------------------------------------------


@pytest.mark.target("T93")
def test_every_disposal_stands_in_one_column_and_the_sums_are_those_of_the_dues(
    office: Office,
) -> None:
    told(office)
    found = {
        step: [(r["case"], r["since"], r["amount"]) for r in rows]
        for step, rows in board(office).items()
    }
    assert found == {
        "approved": [("disposal/P1", "2025-02-01", 10_000)],
        "appraised": [("disposal/P2", "2025-02-10", 8_000)],
        "listed": [("disposal/P3", "2025-02-20", 8_000)],
        "failed": [("disposal/P4", "2025-04-10", 8_000)],
        "sold": [("disposal/P5", "2025-03-01", 8_000), ("disposal/P6", "2025-03-01", 7_500)],
        "billed": [("disposal/P7", "2025-03-20", 7_500)],
        "paid": [("disposal/P8", "2025-04-02", 7_500)],
        "remitted": [("disposal/P9", "2025-04-21", 7_500)],
        "posted": [("disposal/P10", "2025-05-02", 7_500)],
    }
    dues = office.rows(registers.listing("due", EVERYTHING, {}))
    sums = office.rows(treasury.totals(EVERYTHING, asked()))
    for name in ("net", "paid_in", "remitted", "left_over"):
        assert sum(row[name] for row in sums) == sum(row[name] for row in dues), name
    assert sum(row["cards"] for row in sums) == 10
    (open_,) = office.rows(treasury.ageing(EVERYTHING, asked()))
    assert (open_["dues"], open_["left_over"], open_["overdue"]) == (3, 22_500, 0)
    assert [row["id"] for row in office.rows(treasury.stuck(EVERYTHING, asked()))] == ["P4"]
    rows = office.rows(treasury.register(EVERYTHING, asked(), limit=20))
    assert len(rows) == 10 and sum(row["paid_in"] or 0 for row in rows) == 22_500


def test_every_status_of_a_due_has_a_column() -> None:
    assert set(STEP_OF_DUE) == set(DueStatus) - {DueStatus.NONE}
    assert set(STEP_OF_DUE.values()) <= set(MoneyStep)


def test_the_board_of_a_day_shows_what_had_happened_by_then(full: Office) -> None:
    then = {step: len(rows) for step, rows in board(full, on=date(2025, 3, 20)).items()}
    assert then == {"approved": 1, "appraised": 1, "listed": 1, "failed": 1, "sold": 2, "billed": 4}
    assert board(full, on=date(2025, 1, 25)) == {}


def test_a_late_paper_moves_the_days_it_is_about(office: Office) -> None:
    """What is recorded late has its true day in the board, and a reversal takes the step back."""
    story = Story(office)
    due = story.assessed("P1")
    story.ask("2025-05-01", "accountant", due, "issue_notice", payment_code="码", payer="买1")
    item = {"collector": "o_a", "revenue_item": "103"}
    story.ask("2025-04-01", "accountant", due, "name_item", **item)  # recorded late
    (row,) = board(office)["billed"]
    assert row["since"] == "2025-05-01"
    for seq in (3, 2):  # the item, then the notice
        office.reverse(due, seq, by("accountant"), reason="写错")
    (row,) = board(office)["sold"]
    assert row["since"] == "2025-03-01"


def test_who_may_not_see_a_unit_does_not_see_its_cards(full: Office) -> None:
    assert board(full, Scope(units=frozenset({"o_b"}))) == {}
    assert board(full, unit="o_b") == {}
    assert len(board(full, Scope(units=frozenset({"o_a"})))) == 9


def test_ages_part_the_cards_by_days_with_both_ends_in(full: Office) -> None:
    p1 = {"text": "批p1 disposal/p1"}  # approved on 2025-02-01
    for days, age in ((0, 0), (30, 0), (31, 1), (90, 1), (91, 2), (365, 3), (366, 4)):
        on = date(2025, 2, 1) + timedelta(days=days)
        (row,) = [
            r
            for r in full.rows(treasury.totals(EVERYTHING, asked(on=on, **p1)))
            if r["step"] == "approved"
        ]
        assert [row[f"age{n}"] for n in range(5)] == [int(n == age) for n in range(5)], days
        for n in range(5):
            query = treasury.cards(EVERYTHING, asked(on=on, age=n, **p1), step=MoneyStep.APPROVED)
            assert len(full.rows(query)) == int(n == age)


# The pages --------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_pages_say_where_the_money_is(full: Office, lang: str) -> None:
    client = signed_in(full, "finance")
    for path in ("/income", "/income/ageing", "/income/stuck"):
        page = client.get(path, params={"lang": lang, "on": "2025-01-01"})
        assert page.status_code == 200 and 'class="empty"' in page.text
        assert client.get(path, params={"on": "x"}).status_code == 422
    page = client.get("/income", params={"lang": lang, "on": TODAY.isoformat()}).text
    for step in MoneyStep:
        assert (step.words.zh if lang == "zh" else step.words.en) in page
    assert "/cases/disposal/P6" in page
    assert ("登记上缴国库" if lang == "zh" else "Record remittance") in page
    assert (
        "121天" if lang == "zh" else "121 days"
    ) in page  # P6, sold on 1 March, billed by nobody


@pytest.mark.target("T93")
def test_files_carry_every_card_and_agree_with_the_list_of_dues(full: Office) -> None:
    client = signed_in(full, "finance")
    cards = table(client, "/income.csv")
    dues = table(client, "/dues.csv")
    assert len(cards) == 10
    for name in ("应缴", "到账", "尚欠"):
        there = sum(float(row[name] or 0) for row in dues)
        assert sum(float(row[name] or 0) for row in cards) == pytest.approx(there), name
    for path in ("/income", "/income/ageing", "/income/unremitted", "/income/stuck"):
        assert client.get(f"{path}.xlsx").content.startswith(b"PK")


# What is owed and what is stuck -------------------------------------------------------


def test_what_is_owed_is_told_by_unit_and_age_and_late_only_by_a_rule(full: Office) -> None:
    (row,) = full.rows(treasury.ageing(EVERYTHING, asked()))
    assert [row[f"age{n}"] for n in range(5)] == [0, 0, 22_500, 0, 0]
    rows = full.rows(treasury.unremitted(EVERYTHING, asked()))
    assert [row["id"] for row in rows] == ["disposal.P6", "disposal.P7", "disposal.P8"]
    assert full.rows(treasury.unremitted(EVERYTHING, asked(), overdue=True)) == []
    client = signed_in(full, "finance")
    page = client.get("/income/ageing", params={"on": TODAY.isoformat()}).text
    assert "未规定期限" in page and "generic@1" in page and "逾期" in page
    after = ordering.cursor(rows[0], dues_.c.since)
    rest = full.rows(treasury.unremitted(EVERYTHING, asked(), after=after))
    assert [row["id"] for row in rest] == ["disposal.P7", "disposal.P8"]


def test_where_days_count_from_the_receipt_only_money_that_came_in_is_ever_overdue(
    office: Office,
) -> None:
    """By unit, one by one, in the chain, as of a day, and the same when the lists are built anew."""
    story = Story(office)
    rules = {"title": {"zh": "示例", "en": "Example"}, "remit_days": 10, "remit_from": "received"}
    story.ask("2025-01-02", "admin", "policy/example", "propose", content=json.dumps(rules))
    said = {"in_force_from": "2025-01-05"}
    story.ask("2025-01-03", "finance", "policy/example", "publish", **said)
    story.assessed("R1")
    due = story.billed("R2")
    half = {"payer": "买1", "reference": "到1", "amount": 3_000}
    story.ask("2025-04-02", "accountant", due, "record_transfer", **half)

    def late(day: date, rows: Any = office.rows) -> list[tuple[str, str]]:
        found = rows(treasury.unremitted(EVERYTHING, asked(on=day), overdue=True))
        return [(row["id"], row["remit_by"]) for row in found]

    def overdue(day: date) -> int:
        (row,) = office.rows(treasury.ageing(EVERYTHING, asked(on=day)))
        return int(row["overdue"])

    last, first = date(2025, 4, 12), [("disposal.R2", "2025-04-12")]
    assert (late(last), overdue(last)) == ([], 0)
    assert late(TODAY) == late(last + timedelta(days=1)) == first
    assert overdue(TODAY) == 3_000  # the rest never came in and is nobody's delay
    back = office.pasts.at(treasury.KINDS, "2025-04-01")
    assert late(TODAY, back.rows) == []
    client = signed_in(office, "finance")
    page = client.get("/income/ageing", params={"on": TODAY.isoformat()}).text
    assert "2025-04-12" in page and "逾期79天" in page and "到账后10日内" in page
    chain = client.get("/cases/disposal/R2", params={"on": TODAY.isoformat()}).text
    assert "2025-04-12" in chain and "79" in chain
    office.models.rebuild(office.book)
    assert late(TODAY) == first
    # What came in is remitted: the rest has no day again, until it comes in itself.
    sent = {"voucher": "缴1", "treasury_on": "2025-04-20", "amount": 3_000}
    story.ask("2025-04-21", "finance", due, "remit", **sent)
    assert (late(TODAY), overdue(TODAY)) == ([], 0)
    rest = half | {"amount": 4_500, "reference": "到2"}
    story.ask("2025-05-02", "accountant", due, "record_transfer", **rest)
    assert late(TODAY) == [("disposal.R2", "2025-05-12")]


@pytest.mark.target("T92")
def test_what_failed_twice_is_on_the_stuck_list_with_age_and_value(office: Office) -> None:
    story = Story(office)
    story.failed("P1", rounds=2)
    story.failed("P2")  # once; the next step is due by 2025-04-01
    then = office.rows(treasury.stuck(EVERYTHING, asked(on=date(2025, 4, 1))))
    assert [row["id"] for row in then] == ["P1"]
    later = office.rows(treasury.stuck(EVERYTHING, asked(on=date(2025, 4, 2))))
    assert {row["id"] for row in later} == {"P1", "P2"}
    client = signed_in(office, "office")
    (first, _) = sorted(
        table(client, "/income/stuck.csv", on="2025-06-30"), key=lambda row: row["id"]
    )
    assert (first["天数"], first["价值（评估或原值）"], first["流拍次数"]) == ("81", "80.00", "2")
    story.market("disposal/P1", "2025-06-01")
    assert [r["id"] for r in office.rows(treasury.stuck(EVERYTHING, asked()))] == ["P2"]


@pytest.mark.target("T92", "T93")
def test_a_deal_waits_to_be_handed_over_and_a_broken_one_is_stuck(office: Office) -> None:
    story = Story(office)

    def row_of(id_: str) -> Any:
        rows = office.rows(treasury.register(EVERYTHING, asked()))
        return next(row for row in rows if row["id"] == id_)

    for id_ in ("P1", "P2", "P3"):
        case = story.listed(id_)
    for id_ in ("P1", "P2"):
        deal = {"assets": [f"A{id_}"], "price": 8_000, "buyer": "买1", "deal_no": f"成{id_}"}
        case = f"disposal/{id_}"
        story.ask("2025-03-01", "clerk", case, "strike_deal", **deal, deposit=500)
        assert (row_of(id_)["step"], row_of(id_)["sold_on"]) == ("sold", "2025-03-01")
    (chain,) = chaining.chains(office, "disposal/P1", TODAY)
    assert [gap.slug for gap in chain.gaps] == ["not-handed", "not-assessed"]
    off = {"deal_no": "成P1", "reason": "未付款", "next_step_by": "2025-04-01"}
    story.ask(
        "2025-03-20", "clerk", "disposal/P1", "record_buyer_default", **off, deposit_forfeited=500
    )
    away = {"reason": "评估报告过期", "next_step_by": "2025-04-02"}
    story.ask("2025-03-22", "clerk", "disposal/P3", "take_off_market", **away)
    found = office.rows(treasury.stuck(EVERYTHING, asked()))
    assert [(r["id"], r["failed_on"], r["sold_on"]) for r in found] == [
        ("P1", "2025-03-20", ""),
        ("P3", "2025-03-22", ""),
    ]
    broken, deposit = chaining.chains(office, "disposal/P1", TODAY)
    assert [step.link.value for step in broken.steps][-2:] == ["dealt", "defaulted"]
    assert deposit.stream == "due/disposal.P1.deposit"
    assert deposit.state.income is Income.DEPOSIT
    story.ask("2025-03-21", "clerk", "disposal/P2", "hand_over_deal", deal_no="成P2")
    (handed,) = chaining.chains(office, "disposal/P2", TODAY)
    links = [step.link.value for step in handed.steps]
    assert links == ["approved", "appraised", "listed", "dealt", "sold"]


# The register -----------------------------------------------------------------------


@pytest.mark.target("T93", "T96")
def test_the_register_has_every_day_and_amount_on_one_line(full: Office) -> None:
    client = signed_in(full, "finance")
    lines = {row["处置单"]: row for row in table(client, "/income/register.csv")}
    assert len(lines) == 10
    said = [
        ("申请日期", "2025-01-20"), ("申请金额（原值）", "100.00"), ("批准日期", "2025-02-01"),
        ("批复文号", "批P10"), ("批准金额（原值）", "100.00"), ("成交（执行）日期", "2025-03-01"),
        ("成交金额", "80.00"), ("核销日期", "2025-03-04"), ("确认应缴日期", "2025-03-05"),
        ("应缴金额", "75.00"), ("到账日期", "2025-04-02"), ("到账金额", "75.00"),
        ("上缴日期", "2025-04-21"), ("上缴金额", "75.00"), ("记账日期", "2025-05-02"),
    ]  # fmt: skip
    assert [(name, lines["P10"][name]) for name, _ in said] == said
    assert (lines["P2"]["评估日期"], lines["P2"]["评估值"]) == ("2025-02-10", "80.00")
    then = {row["处置单"]: row for row in table(client, "/income/register.csv", on="2025-03-02")}
    assert then["P10"]["成交金额"] == "80.00" and then["P10"]["应缴金额"] == ""
    found = table(client, "/income/register.csv", form="auction", status="approved")
    assert {row["处置单"] for row in found} == {"P1", "P2", "P3", "P4"}
    assert table(client, "/income/register.csv", until="2025-01-19") == []


def test_the_register_may_have_a_line_for_each_thing(full: Office) -> None:
    client = signed_in(full, "finance")
    lines = {r["处置单"]: r for r in table(client, "/income/register.csv", by="asset")}
    p10 = lines["P10"]
    names = ("资产编号", "成交（执行）日期", "成交金额", "核销日期", "上缴日期", "上缴金额")
    assert [p10[name] for name in names] == [
        "ZC-P10", "2025-03-01", "80.00", "2025-03-04", "2025-04-21", "",
    ]  # fmt: skip
    assert lines["P2"]["评估值"] == "80.00" and lines["P1"]["成交金额"] == ""


def test_lists_of_money_go_on_by_every_column_they_sort_by(office: Office) -> None:
    """Page after page, either way, on both databases: every row once."""
    told(office)
    for list_, query, table_ in (
        (pages_disposals.LIST, treasury.register, disposals_),
        (pages_income.OWED, treasury.unremitted, dues_),
    ):
        whole = {row["id"] for row in office.rows(query(EVERYTHING, asked()))}
        assert len(whole) >= 3
        for column in (one.name for one in list_.columns if one.sorts):
            for descending in (False, True):
                seen, after = list[str](), None
                while True:
                    how: dict[str, Any] = {"sort": column, "descending": descending, "limit": 2}
                    rows = office.rows(query(EVERYTHING, asked(), after=after, **how))
                    seen += [row["id"] for row in rows]
                    if len(rows) < 2:
                        break
                    after = ordering.cursor(rows[-1], table_.c[column])
                assert sorted(seen) == sorted(whole), (column, descending)


def test_the_register_is_a_page_and_a_paper(full: Office) -> None:
    client = signed_in(full, "finance")
    for lang in ("zh", "en"):
        for by_ in ("", "asset"):
            page = client.get("/income/register", params={"lang": lang, "by": by_})
            assert page.status_code == 200 and "#chain" in page.text
        pdf = client.get("/income/register.pdf", params={"lang": lang})
        assert pdf.content.startswith(b"%PDF")
    assert client.get("/income/register.xlsx").content.startswith(b"PK")
    assert 'class="empty"' in client.get("/income/register", params={"unit": "o_b"}).text
    assert client.get("/income/register", params={"after": "x"}).status_code == 404
