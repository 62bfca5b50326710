"""Run published sales through the API as disposals: the sales of Seattle, the lots of the GSA.

What an auctioneer sold on a day for a department of Seattle is one disposal, each lot of the GSA is
one: proposed, approved, listed, sold or failed. Nothing is recorded that the
source does not know: minutes, approvals, vouchers and buyers say that they are not stated, cards
have no value, listings no reserve price, and no payment is recorded, since no source shows one.

Readings that are ours, not the publishers': when a thing was proposed, approved and listed is not
stated: on the day of the sale, or the day its auction closed. Deductions are not stated: what is
due of a sale of Seattle is its gross, until somebody records what was taken off; it is assessed on
the day of the sale. That the books let a vehicle go is proven by the day of the register. The GSA
shows the last bid, no confirmed price: a lot that sold is recorded at it, saying so, and is never
assessed as income. By when a lot that nobody bid for needs its next step is not stated: at once.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any, Final

import msgspec

from api.importing_facts import fit
from api.importing_seattle import CITY, DEPARTMENTS, STATED_ON, batch_stream, kind_of, unit_of
from api.playing_leso import PAGE, Player, Step
from api.reading_gsa import GsaLot
from api.reading_seattle import SeattleSold
from domain.asset import Kind
from domain.leaving import Form, Ground
from domain.words import Role

NOT_STATED: Final = "未载明 not stated"
LAST_BID: Final = "末次出价，未经确认 last bid, not confirmed"
GSA: Final = "o_gsa"
DESK, OFFICE, SELLER, BOOKS, MONEY, ADMIN = (
    "sales-desk", "sales-office", "sales-seller", "sales-books", "sales-money", "sales-admin"
)  # fmt: skip
LOGINS: Final = {
    DESK: (Role.CLERK,),  # opens cards, proposes
    OFFICE: (Role.OFFICE,),  # decides
    SELLER: (Role.CLERK,),  # lists, sells
    BOOKS: (Role.ACCOUNTANT,),  # lets the books go
    MONEY: (Role.ACCOUNTANT,),  # assesses
    ADMIN: (Role.ADMIN,),
}
KINDS: Final = {
    "vehicles": Kind.VEHICLE,
    "office-furniture": Kind.FURNITURE,
    "electronics": Kind.COMPUTER,
}


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked first, then life after life; and what the log must come to, money in cents."""

    unit: str
    first: tuple[tuple[Step, ...], ...]
    lives: tuple[tuple[Step, ...], ...]
    rows: int
    doubled: int
    cases: int
    sold: int
    sold_cents: int
    failed: int
    due_cents: int


class Counted(msgspec.Struct, kw_only=True):
    """What a log says was sold, failed and is due."""

    cases: int = 0
    approved: int = 0
    sold: int = 0
    sold_cents: int = 0
    failed: int = 0
    due_cents: int = 0
    currencies: set[str] = msgspec.field(default_factory=set)

    def agrees(self, plan: Plan) -> bool:
        """Answer whether it is what the list says, to the last row and cent."""
        mine = (self.sold, self.sold_cents, self.failed, self.due_cents)
        return (
            self.cases == self.approved == plan.cases
            and mine == (plan.sold, plan.sold_cents, plan.failed, plan.due_cents)
            and self.currencies <= {"USD"}
        )


# What is asked ------------------------------------------------------------------


def of_seattle(rows: Sequence[SeattleSold]) -> Plan:
    """Say what to ask for the register of sales: a disposal for each day, auctioneer and department.

    What is listed twice is sold once.
    """
    once = [row for row in rows if row.occurrence == 1]
    batches: defaultdict[tuple[date, str, str], list[SeattleSold]] = defaultdict(list)
    for row in once:
        batches[row.sold_on or STATED_ON, row.auction_house, row.dept].append(row)
    gross = sum(row.sale_price.cents for row in once)
    depts = sorted({row.dept for row in rows})
    since = min(day for day, _, _ in batches)
    city = established(CITY, "西雅图市", "City of Seattle", since)
    return Plan(
        unit=CITY,
        first=((city,), *((of_dept(dept, since),) for dept in depts if dept)),
        lives=tuple(tuple(of_batch(batches[key], *key)) for key in sorted(batches)),
        rows=len(rows),
        doubled=len(rows) - len(once),
        cases=len(batches),
        sold=len(once),
        sold_cents=gross,
        failed=0,
        due_cents=gross,
    )


def established(unit: str, name: str, name_en: str, since: date, parent: str = "") -> Step:
    """Ask for a unit."""
    form = {"name": name, "name_en": name_en, "kind": "foreign"}
    if parent:
        form["parent"] = parent
    return Step(stream=f"unit/{unit}", verb="establish", by=ADMIN, on=since, form=form)


def of_dept(dept: str, since: date) -> Step:
    """Ask for a department of the city."""
    zh, en = DEPARTMENTS.get(dept, ("", ""))
    name = f"{dept}（{zh}）" if zh else dept
    return established(unit_of(dept), name, f"{dept} ({en})" if en else dept, since, CITY)


def of_batch(rows: Sequence[SeattleSold], day: date, house: str, dept: str) -> Iterator[Step]:
    """Ask for the disposal of what was sold on a day for a department, piece by piece at its price."""
    unit, case = unit_of(dept), f"{batch_stream(day, house)}-{dept.upper() or 'CITY'}"
    ids = [f"SEA-{row.equip_id}" for row in rows]
    for id_, row in zip(ids, rows, strict=True):
        name = fit(row.description or row.make, 200) or NOT_STATED
        yield card(id_, name, kind_of(row.description), unit, day)
    yield from to_market(case, unit, ids, day, house, NOT_STATED)
    for id_, row in zip(ids, rows, strict=True):
        yield sold(case, id_, row.sale_price.cents, NOT_STATED, day)
    gross = sum(row.sale_price.cents for row in rows)
    yield Step(stream=case, verb="assess_income", by=MONEY, on=day, form={"gross": gross})
    let_go = {"assets": ids, "voucher": NOT_STATED}
    yield Step(stream=case, verb="derecognise_lot", by=BOOKS, on=STATED_ON, form=let_go)


def of_gsa(rows: Sequence[GsaLot]) -> Plan:
    """Say what to ask for the lots of a month: every lot a disposal, what is listed twice once."""
    once = [row for row in rows if row.occurrence == 1]
    days = [row.ended_on for row in once if row.ended_on is not None]
    house = established(GSA, "美国总务管理局", "US General Services Administration", min(days))
    sales = [row for row in once if row.sold and row.last_bid is not None]
    return Plan(
        unit=GSA,
        first=((house,),),
        lives=tuple(tuple(of_lot(row, row.ended_on or max(days))) for row in once),
        rows=len(rows),
        doubled=len(rows) - len(once),
        cases=len(once),
        sold=len(sales),
        sold_cents=sum(row.last_bid.cents for row in sales if row.last_bid is not None),
        failed=sum(row.sold is False for row in once),
        due_cents=0,
    )


def of_lot(row: GsaLot, day: date) -> Iterator[Step]:
    """Ask for the disposal of a lot: sold at the last bid, passed in, or still listed."""
    id_, case = f"GSA-{row.id}", f"disposal/GSA-{row.id}"
    yield card(id_, fit(row.title, 200) or row.id, KINDS.get(row.category, Kind.OTHER), GSA, day)
    yield from to_market(case, GSA, [id_], day, "GSA Auctions", row.id)
    if row.sold is False:
        why = {"reason": "无人出价 No bid", "next_step_by": day}
        yield Step(stream=case, verb="record_failed_auction", by=SELLER, on=day, form=why)
    elif row.sold and row.last_bid is not None:
        yield sold(case, id_, row.last_bid.cents, LAST_BID, day)


def card(id_: str, name: str, kind: Kind, unit: str, day: date) -> Step:
    """Ask for the card of a thing; what it cost is not stated."""
    form = {"asset_no": id_, "name": name, "kind": kind, "unit": unit, "currency": "USD"}
    return Step(stream=f"asset/{id_}", verb="register_existing", by=DESK, on=day, form=form)


def to_market(
    case: str, unit: str, ids: Iterable[str], day: date, house: str, project: str
) -> Iterator[Step]:
    """Propose, approve and list."""
    asked = {
        "unit": unit,
        "form": Form.AUCTION,
        "ground": Ground.OTHER,
        "remark": "剩余资产 surplus",
        "minutes_no": NOT_STATED,
        "assets": list(ids),
        "acknowledged": True,
    }
    yield Step(stream=case, verb="propose", by=DESK, on=day, form=asked)
    yield Step(stream=case, verb="approve", by=OFFICE, on=day, form={"approval_no": NOT_STATED})
    market = {"platform": fit(house, 80) or NOT_STATED, "project_no": project}
    yield Step(stream=case, verb="put_on_market", by=SELLER, on=day, form=market)


def sold(case: str, id_: str, cents: int, deal: str, day: date) -> Step:
    """Record a sale."""
    form = {"asset": id_, "price": cents, "buyer": NOT_STATED, "deal_no": deal}
    return Step(stream=case, verb="sell", by=SELLER, on=day, form=form, part=id_)


# What came of it ------------------------------------------------------------------


def counted(player: Player, prefix: str) -> Counted:
    """Count what the server's log says of the disposals of a replay, and what is due of them."""
    found, start = Counted(), 1
    while start:
        path = f"/api/v1/entries?start={start}&limit={PAGE}"
        status, _, body = player.http("GET", path, ADMIN)
        if status != 200:
            raise OSError(body.decode())
        page = json.loads(body)
        for item in page["items"]:
            count(found, item["entry"], prefix)
        start = page["next"]
    return found


def count(found: Counted, entry: dict[str, Any], prefix: str) -> None:
    """Count one entry; what is not of the replay is none of its business."""
    stream, body = entry["stream"], entry["body"]
    if not stream.startswith((f"disposal/{prefix}", f"due/disposal.{prefix}")):
        return
    match entry["type"]:
        case "disposal.proposed":
            found.cases += 1
        case "disposal.approved":
            found.approved += 1
        case "disposal.sold":
            found.sold += 1
            found.sold_cents += body["price"]
            found.currencies.add(body["currency"])
        case "disposal.auction_failed":
            found.failed += 1
        case "due.assessed":
            found.due_cents += body["net"]
            found.currencies.add(body["currency"])
        case _:
            pass
