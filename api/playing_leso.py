"""Play a quarter of the 1033 programme through the API: everything asked for, shipped or refused.

What the lists say is asked step by step of a real server, as the reallocation office had it: each
piece has a card of the giver's, a request reserves it, the office approves or refuses with the kind
of reason the list gives, the keeper gives out what was shipped. Nothing is recorded that the source
does not know: no arrival, no value in yuan.

Readings that are ours, not the publisher's. A list names no lots: every row is a piece of its own.
A request refused because another body had been approved lost to the first later shipment of the
same item and unit value to somebody else within `ROUND_DAYS`; both then claim one listing, and who
got it is taken to have been first, for the rule of the round is first come. Where no such shipment
is in the list, the request is refused with that reason. When a shipped item was asked for, and when
a request was refused, is not stated: on the day of shipment, and at the end of the quarter.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal
from http.client import HTTPConnection
from itertools import chain
from threading import local
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from api.importing_facts import fit
from api.importing_leso import GIVER, KIND_OF_GROUP, quarter_end, unit_of
from api.reading_leso import LesoCancellation, LesoRecord, LesoShipment
from domain import policy as policies
from domain.asset import Kind
from domain.policy import GENERIC, Claiming, Tie
from domain.values import quantity as decimal
from domain.words import Role, Words

ANOTHER: Final = "approved-for-another"
ROUND_DAYS: Final = 21  # how long claims on one listing are gathered, and how far back rivals are
RULES: Final = "leso-replay"
PLACE: Final = msgspec.structs.replace(
    GENERIC,
    name=RULES,
    title=Words("1033 项目回放规则", "Rules for the replay of the 1033 programme"),
    unit_kinds=frozenset({"foreign"}),
    claiming=Claiming(hold_days=ROUND_DAYS, collect_days=ROUND_DAYS, order=(Tie.FIRST,)),
)
DESK, OFFICE, KEEPER, ADMIN = "leso-desk", "leso-office", "leso-keeper", "leso-admin"
LOGINS: Final = {
    DESK: (Role.OFFICE,),  # asks for the bodies
    OFFICE: (Role.OFFICE,),  # decides
    KEEPER: (Role.KEEPER, Role.CLERK),  # opens cards, lists, gives out
    ADMIN: (Role.ADMIN,),
}
CLERK_POST: Final = f"{Role.CLERK}@{GIVER}"
PATIENCE_SECONDS: Final = 60
PAGE: Final = 500

Progress = Callable[[int, int], None]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One request to the API: who asks what of which stream, on which business date."""

    stream: str
    verb: str
    by: str
    on: date
    form: dict[str, Any] = {}
    post: str = ""
    part: str = ""  # of what is asked several times of one stream

    @property
    def key(self) -> str:
        """Return the key under which it is done once, however often it is asked."""
        part = f"-{self.part}" if self.part else ""
        return f"leso-{self.stream.replace('/', '-')}-{self.verb}{part}"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked first, and then, in any order, one life after another."""

    first: tuple[tuple[Step, ...], ...]
    lives: tuple[tuple[Step, ...], ...]
    shipments: int
    refusals: int
    quantity: str  # of all shipments
    reasons: dict[str, int]  # as the list counts them
    lost: int  # of those refused for another body: how many have a winner in the list
    several: int  # of these: how many have more than one shipment that may have won


class Counted(msgspec.Struct, kw_only=True):
    """What a log says was shipped, refused and lost."""

    requested: int = 0
    approved: int = 0
    shipped: int = 0
    quantity: Decimal = Decimal(0)
    reasons: Counter[str] = msgspec.field(default_factory=Counter)
    lost: int = 0

    def agrees(self, plan: Plan) -> bool:
        """Answer whether it is what the lists say, to the last row."""
        return (
            self.shipped == self.approved == plan.shipments
            and decimal(self.quantity) == plan.quantity
            and self.requested + self.lost == plan.shipments + plan.refusals
            and dict(self.reasons) == plan.reasons
            and self.lost == plan.lost
        )


# What is asked ------------------------------------------------------------------


def plan_of(
    shipped: Sequence[LesoShipment], refused: Sequence[LesoCancellation], quarter: str
) -> Plan:
    """Say what to ask for two lists of a quarter."""
    end = quarter_end(quarter)
    rivals, several = rivals_of(shipped, refused)
    losing = {row.key for rows in rivals.values() for row in rows}
    lives = [
        (on(row, end), round_of(row, rivals[row.key], end) if row.key in rivals else sent(row, end))
        for row in shipped
    ]
    lives += [(on(row, end), turned_down(row, end)) for row in refused if row.key not in losing]
    lives.sort(key=lambda life: life[0])
    days = [on(row, end) for row in chain(shipped, refused)]
    return Plan(
        first=tuple(founded([*shipped, *refused], min(days) - timedelta(days=ROUND_DAYS))),
        lives=tuple(steps for _, steps in lives),
        shipments=len(shipped),
        refusals=len(refused),
        quantity=decimal(sum((Decimal(row.quantity) for row in shipped), Decimal(0))),
        reasons=dict(Counter(row.refusal.slug for row in refused)),
        lost=len(losing),
        several=several,
    )


def on(row: LesoShipment | LesoCancellation, end: date) -> date:
    """Return the day a row states; the end of the quarter where it states none."""
    day = row.shipped_on if isinstance(row, LesoShipment) else row.requested_on
    return min(day or end, end)


def rivals_of(
    shipped: Sequence[LesoShipment], refused: Sequence[LesoCancellation]
) -> tuple[dict[str, list[LesoCancellation]], int]:
    """Return which refused requests lost to which shipment, and how many could have lost to others."""
    alike: defaultdict[tuple[str, int], list[LesoShipment]] = defaultdict(list)
    for row in sorted(shipped, key=lambda row: (row.shipped_on or date.max, row.requisition_id)):
        if row.shipped_on is not None and row.unit_value is not None:
            alike[row.nsn, row.unit_value.cents].append(row)
    found: defaultdict[str, list[LesoCancellation]] = defaultdict(list)
    several = 0
    for lost in refused:
        if lost.refusal.slug != ANOTHER or not lost.requested_on or lost.unit_value is None:
            continue
        winners = [
            row
            for row in alike[lost.nsn, lost.unit_value.cents]
            if row.shipped_on is not None
            and 0 < (row.shipped_on - lost.requested_on).days <= ROUND_DAYS
            and unit_of(row) != unit_of(lost)
        ]
        if winners:
            found[winners[0].key].append(lost)
            several += len(winners) > 1
    return dict(found), several


def founded(rows: Iterable[LesoRecord], since: date) -> Iterator[tuple[Step, ...]]:
    """Yield what must be there before: the rules, the giver and every body that a row names."""
    content = policies.written(PLACE)
    yield (
        Step(
            stream=f"unit/{GIVER}",
            verb="establish",
            by=ADMIN,
            on=since,
            form={
                "name": "美国国防后勤局执法支援办公室（LESO）",
                "name_en": "US Defense Logistics Agency, Law Enforcement Support Office",
                "kind": "foreign",
            },
        ),
        Step(
            stream=f"policy/{RULES}", verb="propose", by=ADMIN, on=since, form={"content": content}
        ),
        Step(
            stream=f"policy/{RULES}",
            verb="publish",
            by=OFFICE,
            on=since,
            form={"in_force_from": since},
        ),
    )
    for unit, row in {unit_of(row): row for row in rows}.items():
        name = fit(f"{row.agency} ({row.state})", 80)
        form = {"name": name, "name_en": name, "kind": "foreign", "located": fit(row.state, 80)}
        yield (Step(stream=f"unit/{unit}", verb="establish", by=ADMIN, on=since, form=form),)


def card(row: LesoShipment | LesoCancellation, id_: str, day: date) -> Step:
    """Ask for the giver's card of one row; its value is in dollars and stays in the list."""
    return Step(
        stream=f"asset/{id_}",
        verb="register_existing",
        by=KEEPER,
        post=CLERK_POST,
        on=day,
        form={
            "asset_no": id_,
            "name": fit(row.item_name, 200) or row.nsn,
            "kind": KIND_OF_GROUP.get(row.nsn[:2], Kind.OTHER),
            "unit": GIVER,
            "class_code": fit(row.nsn, 80),
            "class_scheme": "NSN",
            "quantity": row.quantity,
            "measure": fit(row.unit, 80),
        },
    )


def asked(row: LesoShipment | LesoCancellation, case: str, id_: str, day: date) -> Step:
    """Ask for a piece on behalf of the body that the row names."""
    form = {
        "from_unit": GIVER,
        "to_unit": unit_of(row),
        "item": fit(row.item_name, 200) or row.nsn,
        "assets": [id_],
    }
    return Step(stream=f"reallocation/{case}", verb="request", by=DESK, on=day, form=form)


def given(case: str, id_: str, day: date) -> tuple[Step, Step]:
    """Approve, under the number that the source requisitions it by, and give out."""
    stream = f"reallocation/{case}"
    out = {"assets": [id_], "scanned": id_}
    return (
        Step(
            stream=stream,
            verb="approve",
            by=OFFICE,
            on=day,
            # A federal office gives to bodies of states, counties and towns.
            form={"approval_no": case.removeprefix("LESO-"), "scope": "levels"},
        ),
        Step(stream=stream, verb="confirm_out", by=KEEPER, on=day, form=out),
    )


def names(row: LesoShipment) -> tuple[str, str]:
    """Return the ids of a shipped row's card and case."""
    return f"LESO-S-{row.requisition_id}", f"LESO-{row.requisition_id}"


def sent(row: LesoShipment, end: date) -> tuple[Step, ...]:
    """Ask for what nobody else of the list wanted."""
    (id_, case), day = names(row), on(row, end)
    return (card(row, id_, day), asked(row, case, id_, day), *given(case, id_, day))


def turned_down(row: LesoCancellation, end: date) -> tuple[Step, ...]:
    """Ask for what was refused, and refuse it with the kind of reason that the list gives."""
    id_, case = f"LESO-R-{row.rtd_ref}", f"LESO-{row.quarter}-{row.rtd_ref}"
    return (
        card(row, id_, on(row, end)),
        asked(row, case, id_, on(row, end)),
        Step(
            stream=f"reallocation/{case}",
            verb="refuse",
            by=OFFICE,
            on=end,
            form={"reason": row.refusal.slug},
        ),
    )


def round_of(row: LesoShipment, losers: Sequence[LesoCancellation], end: date) -> tuple[Step, ...]:
    """Let several bodies claim one listing: one gets it, the others hear who did."""
    (id_, case), day = names(row), on(row, end)
    opened = day - timedelta(days=ROUND_DAYS)

    def claimed(by: LesoShipment | LesoCancellation, claim: str, when: date) -> Step:
        form = {"asset": id_, "to_unit": unit_of(by)}
        return Step(stream=f"claim/{claim}", verb="claim", by=DESK, on=when, form=form)

    mine = f"claim/{case}"
    return (
        card(row, id_, opened),
        Step(
            stream=f"asset/{id_}",
            verb="list_for_reuse",
            by=KEEPER,
            on=opened,
            form={"available_from": day},
        ),
        claimed(row, case, opened),
        *(
            claimed(one, f"LESO-{one.quarter}-{one.rtd_ref}", on(one, end))
            for one in sorted(losers, key=lambda one: (on(one, end), one.rtd_ref))
        ),
        Step(stream=mine, verb="settle", by=OFFICE, on=day),
        Step(stream=mine, verb="turn_into_request", by=DESK, on=day),
        *given(case, id_, day),
    )


# Asking it ------------------------------------------------------------------------


class Failed(Exception):
    """The server did not do what a step asks; `answer` is what it said."""

    def __init__(self, step: Step, answer: str) -> None:
        super().__init__(f"{step.stream} {step.verb}: {answer}")


class Player:
    """A client of a server at an address, in the name of the people of the replay."""

    def __init__(self, address: str, password: str, ending: str) -> None:
        self.host, self.password, self.ending = urlsplit(address).netloc, password, ending
        self.mine = local()

    def play(self, plan: Any, clients: int = 4, progress: Progress | None = None) -> int:
        """Ask everything; return how many requests recorded something new. Raise Failed."""
        fresh = done = 0
        for part in (plan.first[:1], plan.first[1:], plan.lives):
            with ThreadPoolExecutor(clients) as pool:
                for new in pool.map(self.live, part):
                    fresh += new
                    done += 1
                    if progress is not None:
                        progress(done, len(plan.first) + len(plan.lives))
        return fresh

    def live(self, steps: Sequence[Step]) -> int:
        """Ask the steps of one life in order; return how many were new."""
        return sum(self.ask(step) for step in steps)

    def ask(self, step: Step) -> bool:
        """Ask one step; tell whether it was new."""
        status, headers, body = self.http(
            "POST",
            f"/api/v1/{step.stream}/{step.verb}",
            step.by,
            msgspec.json.encode(step.form | {"on": step.on}),
            {"Idempotency-Key": step.key, "Content-Type": "application/json"}
            | ({"Gongwu-Role": step.post} if step.post else {}),
        )
        if status != 200:
            raise Failed(step, body.decode())
        return headers.get("idempotency-replayed") is None

    def counted(self) -> Counted:
        """Count what the server's log says, reading every entry as it is stored."""
        found, start = Counted(), 1
        quantity: dict[str, Decimal] = {}
        while start:
            path = f"/api/v1/entries?start={start}&limit={PAGE}"
            status, _, body = self.http("GET", path, ADMIN)
            if status != 200:
                raise OSError(body.decode())
            page = json.loads(body)
            for item in page["items"]:
                count(found, quantity, item["entry"])
            start = page["next"]
        found.reasons[ANOTHER] += found.lost
        found.reasons = +found.reasons
        return found

    def http(
        self, method: str, path: str, by: str, body: bytes = b"", more: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Ask on a connection that this thread keeps."""
        if not hasattr(self.mine, "connection"):
            self.mine.connection = HTTPConnection(self.host, timeout=PATIENCE_SECONDS)
        known = b64encode(f"{by}-{self.ending}:{self.password}".encode()).decode()
        headers = {"Authorization": f"Basic {known}", **(more or {})}
        self.mine.connection.request(method, path, body or None, headers)
        answer = self.mine.connection.getresponse()
        told = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, told, answer.read()


def count(found: Counted, quantity: dict[str, Decimal], entry: dict[str, Any]) -> None:
    """Count one entry; other requests than those of the replay are none of its business."""
    kind, body = entry["type"], entry["body"]
    if not entry["stream"].partition("/")[2].startswith("LESO-"):
        return
    match kind:
        case "asset.registered":
            quantity[body["asset_no"]] = Decimal(body["quantity"])
        case "reallocation.requested":
            found.requested += 1
        case "reallocation.approved":
            found.approved += 1
        case "reallocation.refused":
            found.reasons[body["reason"]] += 1
        case "claim.lost":
            found.lost += 1
        case "reallocation.transfer_out_confirmed":
            found.shipped += 1
            found.quantity += quantity[body["asset"]]
        case _:
            pass
