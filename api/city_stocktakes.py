"""The example city takes stock: a count that is closed with its report, and one under way.

Counting needs what is kept beside the log (scans, lists, a picture), so it is done at the counter
of an office, after the story is in the book. What differs follows from the order of the list alone:
the same things are missing in every demonstration.
"""

from __future__ import annotations

from datetime import date
from hashlib import sha256
from typing import Any, Final

from api import scanned
from api.city_people import Person, rooms, who
from api.office import Actor, Office
from api.stocktakes_rest import Scan, Taking
from domain.counting import Finding, Item
from domain.decider import Document
from domain.stocktaking import Stocktake
from domain.words import Role
from labels import qr
from labels.identity import check_character
from ledger.book import Book

DONE: Final = "EXANNUAL1"
RUNNING: Final = "EXANNUAL2"
EDUCATION: Final = "o_ex_edu"
WATER: Final = "o_ex_wat"
PHONE: Final = "ex-phone-1"
SURPLUS: Final = "EXSURPLUS1"
SURPLUS_NO: Final = "SL-90001"
UNRULED: Final = "EXSURPLUS2"
UNRULED_NO: Final = "SL-90002"


def taken(book: Book) -> bool:
    """Tell whether both counts are in the book."""
    return bool(book.stream(f"stocktake/{RUNNING}").state.devices)


def take(office: Office) -> None:
    """Take stock in two units; what was done before an interruption is not done again."""
    annual(office)
    under_way(office)


class Step:
    """What people of one unit ask of one stocktake, each step once."""

    def __init__(self, office: Office, name: str) -> None:
        self.office, self.name, self.number = office, name, 0

    def ask(
        self, on: date, by: Person, verb: str, stream: str = "", docs: Any = (), **form: Any
    ) -> None:
        """Have a person ask for something on a day."""
        self.number += 1
        actor = acting(by)
        self.office.ask(
            stream or f"stocktake/{self.name}",
            verb,
            form,
            actor,
            on=on,
            docs=docs,
            key=f"example-{self.name}-{self.number}",
            channel="demo",
        )

    @property
    def state(self) -> Stocktake:
        """Return how far it is."""
        state: Stocktake = self.office.book.stream(f"stocktake/{self.name}").state
        return state


def acting(by: Person) -> Actor:
    """Return a person of the city at work."""
    return Actor(person=by.id, unit=by.unit, role=by.role, name=by.name)


def annual(office: Office) -> None:
    """Count the education bureau: everything that can differ does once; every difference ends."""
    step = Step(office, DONE)
    clerk, counter = who(EDUCATION, Role.CLERK), who(EDUCATION, Role.CLERK, 2)
    head, begun = who(EDUCATION, Role.HEAD), date(2026, 10, 19)
    step.ask(
        begun,
        clerk,
        "plan_stocktake",
        unit=EDUCATION,
        title="示例市教育局2026年度资产盘点（样例）",
        due=date(2026, 10, 30),
    )
    step.ask(begun, clerk, "begin_count")
    step.ask(begun, counter, "join_count", device=PHONE)
    items = office.counting.frozen(step.state).items
    told = annual_scans(office, items)
    send(office, DONE, counter, told)
    office.scanned.declare(DONE, PHONE, len(told), 1, office.counting.now())
    step.ask(date(2026, 10, 21), clerk, "end_count")
    step.ask(date(2026, 10, 22), head, "review", note="已抽查三个房间，与盘点一致")
    outcomes(office, step, clerk, head)
    step.ask(date(2026, 10, 30), head, "close_stocktake", report_no="示教盘〔2026〕1号")


def annual_scans(office: Office, items: Any) -> list[dict[str, Any]]:
    """Return what the counter's phone wrote down: all but one thing, some of them elsewhere."""
    hall = rooms(EDUCATION)[0]
    told: list[dict[str, Any]] = []
    for number, item in enumerate(items):
        if number == 3:
            continue  # nobody found it
        place = item.place or hall
        if number == 7:
            place = other(place)
        told.append({"code": item.no, "place": place})
        if number == 11:
            told.append({"code": item.no, "place": other(place)})
        if number == 20:
            told.append({"code": item.no, "place": place})  # read twice: nothing
    picture = qr.png("EX-OLD-TAG-0001")
    name = sha256(picture).hexdigest()
    office.scanned.keep_photo(
        DONE, name, "image/png", picture, who(EDUCATION, Role.CLERK, 2).id, office.counting.now()
    )
    told.append(
        {"code": "EX-OLD-TAG-0001", "place": hall, "photo": name, "note": "样例：旧标签，投影仪"}
    )
    told.append({"code": "EX-OLD-TAG-0003", "place": hall, "note": "样例：旧标签，碎纸机"})
    told.append({"code": "E28011700000020F9C1A4B2C", "place": hall, "source": "rfid"})
    return told


def other(place: str) -> str:
    """Return another room of the bureau."""
    return next(room for room in rooms(EDUCATION) if room != place)


def outcomes(office: Office, step: Step, clerk: Person, head: Person) -> None:
    """End every difference as its kind asks for."""
    found = office.counting.differences(step.state)
    of = {one.finding: one for one in found if one.finding is not Finding.UNKNOWN}
    unknown = {one.code: one for one in found if one.finding is Finding.UNKNOWN}
    tag = unknown["EX-OLD-TAG-0001"]
    ruling = "示教资核〔2026〕3号"
    on = date(2026, 10, 26)
    other_clerk = who(EDUCATION, Role.CLERK, 2)  # who entered it does not inspect it
    second, day = unknown["EX-OLD-TAG-0003"], date(2026, 10, 27)
    for key, asset, name, no, value in (
        (tag.key, SURPLUS, "投影仪（样例盘盈）", SURPLUS_NO, 180_000),
        (second.key, UNRULED, "碎纸机（样例盘盈，待批复）", UNRULED_NO, 90_000),
    ):
        surplus, number = f"asset/{asset}", f"{no}-{check_character(no)}"
        told = {"difference": key, "asset": asset, "name": name, "kind": "office"}
        step.ask(on, clerk, "record_surplus", **told)
        step.ask(day, other_clerk, "pass_acceptance", surplus, inspector=head.id)
        step.ask(day, clerk, "register", surplus, asset_no=number, value=value, acquired=day)
    for difference, outcome, cause, reference in (
        (of[Finding.MISSING], "loss_approved", "lost", ruling),
        (of[Finding.MISPLACED], "relocated", "moved_unrecorded", ""),
        (of[Finding.DUPLICATE], "found", "typing", ""),
        (tag, "surplus_booked", "never_booked", ruling),
        (second, "surplus_booked", "never_booked", "示教盘记〔2026〕2号"),
        (unknown["E28011700000020F9C1A4B2C"], "not_ours", "borrowed", ""),
    ):
        step.ask(
            date(2026, 10, 28),
            head,
            "close_differences",
            docs=(Document(type="approval", number=reference, issued=date(2026, 10, 28)),)
            if reference
            else (),
            differences=(difference.key,),
            outcome=outcome,
            cause=cause,
            reference=reference,
        )
    # The other surplus waits for its ruling, and stays in 1902 until then.
    step.ask(
        date(2026, 10, 29),
        head,
        "rule_on_surplus",
        f"asset/{SURPLUS}",
        docs=(Document(type="approval", number=ruling, issued=date(2026, 10, 28)),),
        ruling_no=ruling,
        obtained="earlier_years",
    )


def under_way(office: Office) -> None:
    """Count half of the water bureau: the phone owes the rest."""
    step = Step(office, RUNNING)
    clerk, begun = who(WATER, Role.CLERK), date(2026, 10, 28)
    step.ask(
        begun,
        clerk,
        "plan_stocktake",
        unit=WATER,
        title="示例市水利局2026年度资产盘点（样例，进行中）",
        due=date(2026, 11, 30),
    )
    step.ask(begun, clerk, "begin_count")
    people = (clerk.id, who(WATER, Role.CLERK, 2).id)
    step.ask(begun, clerk, "assign_team", place=rooms(WATER)[0], people=people)
    items: list[Item] = list(office.counting.frozen(step.state).items)
    half = [{"code": item.no, "place": item.place} for item in items[: len(items) // 2]]
    half.append({"code": "EX-OLD-TAG-0002", "place": rooms(WATER)[0], "note": "样例：无人认得"})
    send(office, RUNNING, clerk, half)
    step.ask(begun, clerk, "join_count", device=PHONE)


def send(office: Office, name: str, by: Person, told: list[dict[str, Any]]) -> None:
    """Send what a phone wrote down, as the scan page does; sent again it changes nothing."""
    scans: list[tuple[Scan, str]] = []
    before = ""
    for number, said in enumerate(told, start=1):
        raw = {
            "n": number,
            "prev": before,
            "at": f"2026-10-{20 if name == DONE else 28}T01:{number // 60:02}:{number % 60:02}.000Z",
            "offset": 0,
            "source": "camera",
            "undo": None,
            "photo": None,
            "note": "",
        } | said
        body = scanned.canonical(raw)
        before = scanned.digest(body)
        scans.append((Scan(**raw, hash=before), body))
    with office.writing(), office.scanned.taking(name):
        state: Stocktake = office.book.stream(f"stocktake/{name}").state
        frozen = office.counting.frozen(state)
        Taking(office, name, state, frozen, PHONE, acting(by)).all(scans)
