"""What a unit may post for everything that moves its books or its money; another program checks it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from booked import City
from msgspec.structs import replace

from api.journal_words import beancount
from api.office import Office
from api.settings import Settings
from domain import vouchers
from domain.asset import AssetRegistered, Kind, Mode, ValueCorrected, ValueType
from domain.booking import Cause, Leg
from domain.decider import Event
from domain.depreciating import CostAdded, ValueSettled, month_of
from domain.disposal import DisposalProposed
from domain.due import DueAssessed, DueRemitted, Income, Means, PaymentReceived, TransferRecorded
from domain.exchanging import BookedInExchange
from domain.journal import NoEntry, Part, accounts, of_leg, together
from domain.leaving import Derecognised, Form, Ground, KeptAfterAll, LeftForGood, PutUpForDisposal
from domain.reallocation import BooksMoved
from domain.surplus import Obtained, SurplusRuled
from domain.vouchers import OCCASIONS, Side
from projections.changes import Only, Span
from projections.scope import EVERYTHING

JAN = date(2024, 1, 10)


def card(unit: str, mode: Mode, value: int = 100_00, kind: Kind = Kind.COMPUTER) -> AssetRegistered:
    return AssetRegistered(
        asset_no="", name="示例", kind=kind, unit=unit, value=value, mode=mode, acquired=JAN
    )


def leaving(form: Form) -> list[tuple[Event, date]]:
    case = f"disposal/{form.value}"
    return [
        (PutUpForDisposal(case=case, approval_no="示批1"), date(2024, 3, 1)),
        (LeftForGood(form=form, case=case), date(2024, 4, 1)),
        (Derecognised(voucher="记-4"), date(2024, 4, 2)),
    ]


def lived(city: City) -> None:
    """Let everything with a book effect happen once to the two units."""
    a, b = city.units
    for mode in Mode:
        city.append(f"asset/{city.dataset}{mode.value}", [(card(a, mode), JAN)])
    told_of = f"asset/{city.dataset}found"
    ruled = SurplusRuled(ruling_no="示批3", obtained=Obtained.EARLIER_YEARS, unit=a, amount=40_00)
    city.append(told_of, [(card(a, Mode.SURPLUS, 40_00), JAN), (ruled, date(2024, 2, 5))])
    for form in Form:
        proposed = DisposalProposed(
            applicant="u_1", unit=a, form=form, ground=Ground.OTHER, assets=(f"X{form.value}",),
            minutes_no="1",
        )  # fmt: skip
        city.append(f"disposal/{form.value}", [(proposed, date(2024, 2, 20))])
        told: list[tuple[Event, date]] = [(card(a, Mode.PURCHASE), JAN), *leaving(form)]
        city.append(f"asset/{city.dataset}x{form.value}", told)
    change: list[Event] = [
        CostAdded(amount=50_00, voucher="记-2", reason="扩建"),
        ValueSettled(value=120_00, voucher="记-3", reason="决算"),
        ValueCorrected(value=90_00, value_type=ValueType.COST, reason="更正"),
        BooksMoved(unit=b, gross=90_00),
        BookedInExchange(unit=a, value=77_00, voucher="记-5"),
    ]
    days = [date(2024, 2 + n, 3) for n in range(len(change))]
    city.append(
        f"asset/{city.dataset}c",
        [(card(a, Mode.BUILT), JAN), *zip(change, days, strict=True)],
    )
    back = PutUpForDisposal(case="disposal/scrap", approval_no="示批2")
    city.append(
        f"asset/{city.dataset}k",
        [
            (card(a, Mode.PURCHASE, 30_00, Kind.SOFTWARE), JAN), (back, date(2024, 5, 1)),
            (KeptAfterAll(case="disposal/scrap", reason="不再处置"), date(2024, 6, 1)),
        ],
    )  # fmt: skip
    city.append(
        f"due/{city.dataset}",
        [
            (DueAssessed(origin=None, income=Income.RENT, unit=a, biller="u_1", gross=80_00,
                         net=70_00, assessed_on=date(2024, 4, 3)), date(2024, 4, 3)),
            (PaymentReceived(amount=20_00, means=Means.CASH, payer="张", reference="收-1"),
             date(2024, 4, 4)),
            (TransferRecorded(amount=55_00, payer="张", reference="到-1", overpaid=5_00),
             date(2024, 4, 5)),
            (DueRemitted(amount=70_00, voucher="缴-1"), date(2024, 4, 6)),
        ],
    )  # fmt: skip
    for month in range(month_of("2024-01"), month_of("2024-03")):
        city.post(a, month)


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    """Two units to which everything happened once, in one year."""
    office = Office.open(Settings(database=database))
    lived(City(office.book, office.models))
    yield office
    office.close()


YEAR = Span(start="2023-12-31", end="2024-12-31")


def told(office: Office) -> list[tuple[str, list[tuple[str, str, int]]]]:
    found = office.journals.of(EVERYTHING, YEAR, Only())
    return [
        (one.voucher.occasion, [(li.side.value, li.code, li.amount) for li in one.voucher.lines])
        for one in found.proposed
    ]


@pytest.mark.target("T104")
def test_every_event_with_a_book_effect_finds_its_entries(office: Office) -> None:
    lines = told(office)
    assert {occasion for occasion, _ in lines} == set(OCCASIONS) - {
        vouchers.RECLASSIFIED, vouchers.KEPT,
    }  # fmt: skip
    for expected in (
        (vouchers.ACQUIRED, [("debit", "1601", 100_00), ("credit", "2302", 100_00)]),
        (vouchers.DONATED_IN, [("debit", "1601", 100_00), ("credit", "4603", 100_00)]),
        (vouchers.SURPLUS, [("debit", "1601", 100_00), ("credit", "1902", 100_00)]),
        (vouchers.SURPLUS_RULED, [("debit", "1902", 40_00), ("credit", "3501", 40_00)]),
        (vouchers.ADDITION, [("debit", "1601", 50_00), ("credit", "1613", 50_00)]),
        (vouchers.SETTLED, [("credit", "1601", 30_00), ("debit", "2302", 30_00)]),
        (vouchers.REVALUED, [("credit", "1601", 30_00), ("debit", "3501", 30_00)]),
        (vouchers.TRANSFER_OUT, [("debit", "3401", 79_50), ("debit", "1602", 10_50), ("credit", "1601", 90_00)]),
        (vouchers.TRANSFER_IN, [("debit", "1601", 79_50), ("credit", "3401", 79_50)]),
        (vouchers.SOLD, [("debit", "5301", 91_68), ("debit", "1602", 8_32), ("credit", "1601", 100_00)]),
        (vouchers.INTO_PENDING, [("debit", "1902", 91_68), ("debit", "1602", 8_32), ("credit", "1601", 100_00)]),
        (vouchers.PENDING_SETTLED, [("debit", "5301", 91_68), ("credit", "1902", 91_68)]),
        (vouchers.RECEIVED, [("debit", "1001", 20_00), ("credit", "2103", 20_00)]),
        (vouchers.RECEIVED, [("debit", "1002", 55_00), ("credit", "2103", 50_00), ("credit", "2307", 5_00)]),
        (vouchers.REMITTED, [("debit", "2103", 70_00), ("credit", "1002", 70_00)]),
    ):  # fmt: skip
        assert expected in lines, (expected, [one for one in lines if one[0] == expected[0]])


def test_whatever_was_kept_after_all_leaves_nothing_pending(office: Office) -> None:
    found = office.journals.of(EVERYTHING, YEAR, Only())
    pending = [one for one in accounts(found.proposed) if one.code == "1902"]
    # Of two things found in a stocktake one waits for its ruling; all scrapped or lost was ruled on.
    assert [one.balance for one in pending] == [-100_00]
    assert {one.why for one in found.omitted} == {NoEntry.OPENING}


def test_rules_of_a_place_say_it_otherwise() -> None:
    account = vouchers.Account(slug="wear", code="5101", zh="单位管理费用", en="Management")
    (worn,) = (one for one in vouchers.TEMPLATES if one.slug == vouchers.DEPRECIATED)
    own = replace(worn, accounts=(account,))
    assert list(vouchers.contradictions((own,))) == []
    leg = Leg("2024-01-31", 1, "", Cause.DEPRECIATION, "o_a", "software", "CNY", 0, 0, 4_16)
    parts = [part for part in of_leg(leg, leg.kind) if isinstance(part, Part)]
    (voucher,) = together(parts, (own,))
    assert [(line.code, line.amount) for line in voucher.lines] == [("5101", 4_16), ("1702", 4_16)]


def bean_check(file: Path) -> subprocess.CompletedProcess[str]:
    """Run Beancount's checker; it is a program of its own, nothing of it is imported or shipped."""
    program = shutil.which("bean-check")
    if program is None:
        pytest.skip("no bean-check (Debian: beancount)")
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    env["LC_ALL"] = "C.UTF-8"
    return subprocess.run(
        [program, "--no-cache", str(file)], check=False, capture_output=True, text=True, env=env
    )


@pytest.mark.target("T104")
def test_an_independent_program_finds_that_every_voucher_balances(
    office: Office, tmp_path: Path
) -> None:
    found = office.journals.of(EVERYTHING, YEAR, Only())
    file = tmp_path / "l.beancount"
    text = "".join(beancount(found.proposed, "zh", lambda kind, id_: f'{kind} "{id_}" \\'))
    file.write_text(text, "utf-8")
    checked = bean_check(file)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")
    first = found.proposed[0]
    (left, *rest) = first.voucher.lines
    bent = replace(first.voucher, lines=(replace(left, amount=left.amount + 1), *rest))
    assert bent.total(Side.DEBIT) != bent.total(Side.CREDIT)
    file.write_text(
        "".join(beancount([replace(first, voucher=bent)], "en", lambda _, id_: id_)), "utf-8"
    )
    wrong = bean_check(file)
    assert wrong.returncode != 0
    assert "does not balance" in wrong.stdout + wrong.stderr
