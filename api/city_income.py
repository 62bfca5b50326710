"""Money of disposals in the example city: billed and not paid, posted, and what nobody buys.

The story ends with sales, assessments and remittances; here its offices go on with three of them,
so that every page of income has something to show.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Final

from api.city_people import who
from api.city_reuse import acting
from domain.decider import Document
from domain.words import Role
from projections import treasury
from projections.scope import EVERYTHING

if TYPE_CHECKING:
    from api.office import Office
    from ledger.book import Book

UNSOLD: Final = ("o_ex_edu", "2026-09-14")  # unit and day of the request
POSTED: Final = ("o_ex_edu", "2025-09-22")
BILLED: Final = ("o_ex_dst", "2026-05-18")
LAST: Final = "示缴通〔2026〕0706号"
APPRAISER: Final = "示例资产评估有限公司"
PLATFORM: Final = "示例市公共资源交易平台"


def shown(book: Book) -> bool:
    """Tell whether the last of it was recorded."""
    return book.log.claimed("payment_code", LAST) is not None


def show(office: Office) -> None:
    """Book one remittance, bill one sale, and let one auction fail twice."""
    posted, billed, unsold = (found(office, *which) for which in (POSTED, BILLED, UNSOLD))
    due = f"due/{posted.replace('/', '.', 1)}"
    amount = office.book.stream(due).state.remitted
    booked = {"side": "remittance", "amount": amount, "voucher": "2025-记-1231"}
    ask(office, POSTED[0], Role.ACCOUNTANT, due, "book", date(2025, 12, 31), **booked)
    unsold_twice(office, unsold)
    due = f"due/{billed.replace('/', '.', 1)}"
    notice = {"payment_code": LAST, "payer": "b_ex_706", "pay_by": date(2026, 8, 5)}
    ask(office, BILLED[0], Role.ACCOUNTANT, due, "issue_notice", date(2026, 7, 6), **notice)


def unsold_twice(office: Office, case: str) -> None:
    """Appraise what was approved, list it, and let both rounds fail."""
    unit, role = UNSOLD[0], Role.CLERK
    state = office.book.stream(case).state
    assets, value = sorted(state.approved), (state.approved_amount or 0) // 4
    report = Document(type="appraisal_report", number="示评〔2026〕0930号", issuer=APPRAISER)
    ask(
        office,
        unit,
        role,
        case,
        "record_appraisal",
        date(2026, 9, 30),
        [report],
        assets=assets,
        appraiser=APPRAISER,
        value=value,
        base_date=date(2026, 9, 25),
        report_no=report.number,
    )
    for number, listed, failed in ((1, 9, 19), (2, 20, 29)):
        project = f"示拍挂〔2026〕10{listed:02}号"
        paper = Document(type="listing", number=project, issuer=PLATFORM)
        market = {"platform": PLATFORM, "project_no": project, "reserve": value}
        day = date(2026, 10, listed)
        ask(office, unit, role, case, "put_on_market", day, [paper], f"-{number}", **market)
        why = {"reason": f"第{number}次拍卖无人报名", "next_step_by": date(2026, 11, 12)}
        day = date(2026, 10, failed)
        ask(office, unit, role, case, "record_failed_auction", day, [], f"-{number}", **why)


def found(office: Office, unit: str, requested_on: str) -> str:
    """Return the disposal that a unit asked for on a day."""
    asked = treasury.Asked(on=date.fromisoformat(requested_on), ages=(1,), unit=unit)
    query = treasury.register(
        EVERYTHING, asked, form="auction", since=requested_on, until=requested_on
    )
    return str(office.rows(query)[0]["stream"])


def ask(
    office: Office,
    unit: str,
    role: Role,
    stream: str,
    verb: str,
    on: date,
    docs: list[Document] | None = None,
    part: str = "",
    **form: Any,
) -> None:
    """Have a person of a unit ask for something once."""
    key = f"example-income-{verb}-{on.isoformat()}{part}"
    office.ask(
        stream, verb, form, acting(who(unit, role)), on=on, docs=docs or (), key=key, channel="demo"
    )
