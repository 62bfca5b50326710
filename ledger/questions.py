"""The auditor's five questions about property that was disposed of, answered from entries alone (T129).

They are those of the Auditor General of Michigan about surplus property: (1) can who takes the
money change the record, (2) is every one of 52 disposals traceable from request to money, (3) who
reconciled, independently of whom, (4) was the requester a real unit entitled to ask, (5) was reuse
offered before sale, and for how long. Every answer names the entries it rests on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from hashlib import sha256
from typing import Any, Final

import msgspec

from domain.decider import EntryReversed, Refused
from domain.disposal import (
    AssetDerecognised,
    DisposalApproved,
    DisposalProposed,
    IncomeAssessed,
    RemittedToTreasury,
    Sold,
)
from domain.oversight import EXECUTED
from domain.person import RoleAssigned
from domain.unit import entitled
from domain.warehouse import DelistedFromReuse, ListedForReuse
from domain.waterfall import WayTried
from domain.words import Role, Words
from ledger.book import Book
from ledger.entry import Entry, decode, standing
from ledger.findings import IMPORTER

PICKED: Final = 52  # as many as the auditors of Michigan looked at
TAKING: Final = frozenset({"bill", "reconcile"})  # duties by which money is claimed and confirmed
STEPS: Final = ("proposed", "approved", "executed", "derecognised", "assessed", "remitted")
RESTS_ON: Final = {  # what the books let go and what money is owed both rest on the execution
    "approved": "proposed",
    "executed": "approved",
    "derecognised": "executed",
    "assessed": "executed",
    "remitted": "assessed",
}
QUESTIONS: Final = (
    Words("收款的人能改账吗？", "Can the person who takes the money change the record?"),
    Words(
        "抽取52件处置，是否件件能从申请查到钱款？",
        "Pick 52 disposals: is every one traceable from request to money?",
    ),
    Words("谁对的账，是否独立？", "Who reconciled, and are they independent?"),
    Words("申请单位是否真实并有资格？", "Was the requester a real, entitled unit?"),
    Words("出售前是否供调剂，供了多久？", "Was reuse offered before sale, and for how long?"),
)
WORDS: Final[Mapping[str, Words]] = {
    "proposed": Words("提议", "proposed"),
    "approved": Words("批准", "approved"),
    "executed": Words("执行", "carried out"),
    "derecognised": Words("核销", "derecognised"),
    "assessed": Words("确认收入", "income assessed"),
    "remitted": Words("上缴国库", "remitted"),
}


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One thing an answer rests on; `entries` are positions in the log, `good` is the answer."""

    about: str
    good: bool
    said: dict[str, Any]
    entries: tuple[int, ...]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one question: yes or no, in words, line by line."""

    number: int
    question: Words
    good: bool
    said: Words
    lines: tuple[Line, ...]


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was disposed of: its case, and the entry that says it left."""

    case: str
    asset: str
    entry: Entry


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """What was picked from how much, and which seed picks the same again."""

    size: int
    seed: str
    pieces: tuple[Piece, ...]
    of: int
    registers: int  # pieces of published registers, which name no approval and are left out
    cases: dict[str, list[Entry]]


def five(
    book: Book, *, seed: str = "", picked: int = PICKED
) -> tuple[Sample, tuple[Answer, ...]]:  # fmt: skip
    """Answer the five questions about disposals chosen by a seed: the same seed, the same choice."""
    found = sample(book, seed, picked)
    return found, (
        independent_hands(book, found),
        traceable(found),
        reconciled(found),
        entitled_units(book, found),
        offered(book, found),
    )


def sample(book: Book, seed: str = "", picked: int = PICKED) -> Sample:
    """Read all disposals and pick pieces by a hash of the seed and their names."""
    told: dict[str, list[Entry]] = {}
    size = book.log.head()[0]
    for page in book.log.rows(1, size):
        for row in page:
            if row[1].startswith("disposal/"):
                told.setdefault(row[1], []).append(decode(*row))
    pieces: list[Piece] = []
    registers = 0
    for case, entries in told.items():
        for entry in standing(entries):
            fact: Any = entry.event
            if not isinstance(fact, EXECUTED):
                continue
            if entry.beside.via.role == IMPORTER:
                registers += 1
            else:
                pieces.append(Piece(case=case, asset=fact.asset, entry=entry))
    chosen = sorted(pieces, key=lambda p: sha256(f"{seed}\0{p.case}\0{p.asset}".encode()).digest())
    return Sample(
        size=size,
        seed=seed,
        pieces=tuple(chosen[:picked]),
        of=len(pieces),
        registers=registers,
        cases={case: entries for case, entries in told.items() if not _registered(entries)},
    )


def _registered(entries: Sequence[Entry]) -> bool:
    return all(entry.beside.via.role == IMPORTER for entry in entries)


# (1) -------------------------------------------------------------------------------


def independent_hands(book: Book, sample: Sample) -> Answer:
    """Answer for everybody who took money whether they took an entry back or administered.

    Nothing changes an entry; what is left to ask is who reversed one in the same case, and who
    held the power to say who may do what.
    """
    takers: dict[str, list[Entry]] = {}
    reversed_: dict[str, list[Entry]] = {}
    for entries in sample.cases.values():
        mine: set[str] = set()
        for entry in entries:
            if entry.event.duty in TAKING or isinstance(entry.event, Sold):
                takers.setdefault(entry.actor, []).append(entry)
                mine.add(entry.actor)
        for entry in entries:
            if isinstance(entry.event, EntryReversed) and entry.actor in mine:
                reversed_.setdefault(entry.actor, []).append(entry)
    lines: list[Line] = []
    for person, entries in sorted(takers.items()):
        administers = [
            entry
            for entry in book.stream(f"person/{person}").standing
            if isinstance(entry.event, RoleAssigned) and entry.event.post is Role.ADMIN
        ]
        wrong = [*reversed_.get(person, ()), *administers]
        lines.append(
            Line(
                about=f"person/{person}",
                good=not wrong,
                said={
                    "took": len(entries),
                    "reversed": len(reversed_.get(person, ())),
                    "administers": bool(administers),
                },
                entries=_positions([*entries, *wrong]),
            )
        )
    bad = sum(not line.good for line in lines)
    return Answer(
        number=1,
        question=QUESTIONS[0],
        good=not bad,
        said=Words(
            f"经手钱款{len(lines)}人，其中{bad}人红冲过同一事项的记录或者担任过系统管理员；"
            "任何人都不能改写或删除记录。",
            f"{len(lines)} people handled money; {bad} of them reversed an entry of the same case or"
            " were administrators. Nobody can rewrite or delete an entry.",
        ),
        lines=tuple(lines),
    )


# (2) -------------------------------------------------------------------------------


def traceable(sample: Sample) -> Answer:
    """Answer for every piece whether each step rests on the one before it, up to the money."""
    lines: list[Line] = []
    for piece in sample.pieces:
        steps = chain(standing(sample.cases[piece.case]), piece)
        missing = gaps(steps)
        open_ = [step for step in STEPS if step not in steps and step not in missing]
        lines.append(
            Line(
                about=f"asset/{piece.asset}",
                good=not missing,
                said={
                    "case": piece.case,
                    "steps": {step: entry.effective_on for step, entry in steps.items()},
                    "missing": missing,
                    "open": [] if nothing_due(steps) else open_,
                },
                entries=_positions(steps.values()),
            )
        )
    broken = sum(not line.good for line in lines)
    waiting = sum(bool(line.said["open"]) for line in lines)
    return Answer(
        number=2,
        question=QUESTIONS[1],
        good=not broken,
        said=Words(
            f"在{sample.of}件处置中抽取{len(lines)}件：{len(lines) - broken}件逐步可查，"
            f"{broken}件缺少环节；其中{waiting}件尚有后续步骤未办。",
            f"{len(lines)} of {sample.of} disposals picked: {len(lines) - broken} traceable step by"
            f" step, {broken} with a step missing; {waiting} still have steps ahead.",
        ),
        lines=tuple(lines),
    )


def chain(entries: Sequence[Entry], piece: Piece) -> dict[str, Entry]:
    """Return the entry of each step of one piece, as far as it has come."""
    steps: dict[str, Entry] = {}
    for entry in entries:
        match entry.event:
            case DisposalProposed(assets=assets) if piece.asset in assets:
                steps["proposed"] = entry
            case DisposalApproved(assets=assets) if piece.asset in assets:
                steps["approved"] = entry
            case AssetDerecognised(asset=asset) if asset == piece.asset:
                steps["derecognised"] = entry
            case IncomeAssessed():
                steps["assessed"] = entry
            case RemittedToTreasury():
                steps["remitted"] = entry
            case _:
                pass
    steps["executed"] = piece.entry
    return {step: steps[step] for step in STEPS if step in steps}


def gaps(steps: Mapping[str, Entry]) -> list[str]:
    """Return the steps that another one rests on and that are not there, or came after it."""
    missing: dict[str, None] = {}
    for step, entry in steps.items():
        before = RESTS_ON.get(step)
        if before is not None:
            own = steps.get(before)
            if own is None or own.effective_on > entry.effective_on:
                missing[before] = None
    return list(missing)


def nothing_due(steps: Mapping[str, Entry]) -> bool:
    """Tell whether a case closed without any money being owed."""
    assessed = steps.get("assessed")
    fact = assessed.event if assessed is not None else None
    return isinstance(fact, IncomeAssessed) and fact.net == 0 and "derecognised" in steps


# (3) -------------------------------------------------------------------------------


def reconciled(sample: Sample) -> Answer:
    """Answer for every payment to the treasury who confirmed it, and what else they did there."""
    lines: list[Line] = []
    for case, entries in sorted(sample.cases.items()):
        told = standing(entries)
        paid = [entry for entry in told if isinstance(entry.event, RemittedToTreasury)]
        others = [e for e in told if e.event.duty and e.event.duty != "reconcile"]
        for entry in paid:
            persons = {entry.actor, entry.beside.behalf} - {""}
            same = [e for e in others if {e.actor, e.beside.behalf} & persons - {""}]
            who = {e.event.duty: e.actor for e in others}
            lines.append(
                Line(
                    about=case,
                    good=not [e for e in same if e.event.duty in ("bill", "execute", "apply")],
                    said={
                        "reconciler": entry.actor,
                        "others": who,
                        "also": sorted({e.event.duty for e in same}),
                    },
                    entries=_positions([entry, *same]),
                )
            )
    bad = sum(not line.good for line in lines)
    people = len({line.said["reconciler"] for line in lines})
    decided = sum("approve" in line.said["also"] for line in lines)
    return Answer(
        number=3,
        question=QUESTIONS[2],
        good=not bad,
        said=Words(
            f"{len(lines)}笔上缴由{people}人对账；{bad}笔的对账人同时申请、执行或确认过"
            f"该项收入，{decided}笔的对账人也审批过该事项。",
            f"{len(lines)} payments were reconciled by {people} people; {bad} by somebody who also"
            f" applied, carried out or billed, {decided} by somebody who had approved the case.",
        ),
        lines=tuple(lines),
    )


# (4) -------------------------------------------------------------------------------


def entitled_units(book: Book, sample: Sample) -> Answer:
    """Answer for every case picked whether unit and person could ask on the day they did."""
    lines: list[Line] = []
    for case in dict.fromkeys(piece.case for piece in sample.pieces):
        asked = next(
            (e for e in standing(sample.cases[case]) if isinstance(e.event, DisposalProposed)),
            None,
        )
        if asked is None or not isinstance(asked.event, DisposalProposed):
            said = {"why": "not-proposed"}
            lines.append(Line(about=case, good=False, said=said, entries=()))
            continue
        unit, person, on = asked.event.unit, asked.event.applicant, asked.effective_on
        why = ""
        try:
            entitled(book.state_at(f"unit/{unit}", on), unit, date.fromisoformat(on))
        except Refused as refused:
            why = refused.rule.slug
        powers = book.state_at(f"person/{person}", on).powers_on(date.fromisoformat(on))
        if not why and not any(power.unit == unit for power in powers):
            why = "no-role"
        rests = [
            e
            for name in (f"unit/{unit}", f"person/{person}")
            for e in book.stream(name).standing
            if e.effective_on <= on
        ]
        lines.append(
            Line(
                about=case,
                good=not why,
                said={"unit": unit, "person": person, "on": on, "why": why},
                entries=_positions([asked, *rests]),
            )
        )
    bad = sum(not line.good for line in lines)
    return Answer(
        number=4,
        question=QUESTIONS[3],
        good=not bad,
        said=Words(
            f"{len(lines)}份处置单的申请单位当日均应登记在册、未撤销、未期满，申请人在该单位有岗位："
            f"{len(lines) - bad}份符合，{bad}份不符。",
            f"Of {len(lines)} cases, {len(lines) - bad} were asked for by a unit that existed on the"
            f" day and by a person with a role in it; {bad} were not.",
        ),
        lines=tuple(lines),
    )


# (5) -------------------------------------------------------------------------------


def offered(book: Book, sample: Sample) -> Answer:
    """Answer for every piece that was sold whether others could have had it first, how long."""
    lines: list[Line] = []
    for piece in sample.pieces:
        if not isinstance(piece.entry.event, Sold):
            continue
        sold_on = date.fromisoformat(piece.entry.effective_on)
        entries = book.stream(f"asset/{piece.asset}").standing
        offers = list(windows(entries, sold_on))
        tried = [e for e in entries if isinstance(e.event, WayTried)]
        lines.append(
            Line(
                about=f"asset/{piece.asset}",
                good=bool(offers),
                said={
                    "case": piece.case,
                    "sold_on": piece.entry.effective_on,
                    "days": sum(days for _, days in offers),
                    "tried": len(tried),
                },
                entries=_positions([*(e for e, _ in offers), *tried, piece.entry]),
            )
        )
    days = [line.said["days"] for line in lines if line.good]
    never = [line for line in lines if not line.good]
    otherwise = sum(bool(line.said["tried"]) for line in never)
    return Answer(
        number=5,
        question=QUESTIONS[4],
        good=not never,
        said=Words(
            f"出售的{len(lines)}件中，{len(days)}件出售前曾上架供调剂"
            + (f"（{min(days)}至{max(days)}天）" if days else "")
            + f"，{len(never)}件没有上架记录"
            + (
                f"（其中{otherwise}件登记过其他盘活尝试，{len(never) - otherwise}件什么也没有）"
                if never
                else ""
            )
            + "。",
            f"Of {len(lines)} things sold, {len(days)} were listed for reuse first"
            + (f" ({min(days)} to {max(days)} days)" if days else "")
            + f", {len(never)} were not"
            + (
                f" (another way was tried with {otherwise} of them, none with"
                f" {len(never) - otherwise})"
                if never
                else ""
            )
            + ".",
        ),
        lines=tuple(lines),
    )


def windows(entries: Sequence[Entry], until: date) -> Iterator[tuple[Entry, int]]:
    """Yield each time a thing was on offer before a day: the entry that listed it, and the days.

    An offer ends when it is taken off the list, or the thing is held for the disposal.
    """
    listed: Entry | None = None
    for entry in entries:
        on = date.fromisoformat(entry.effective_on)
        if on > until:
            break
        held = entry.event.type_name == "asset.put_up_for_disposal"
        if listed is not None and (held or isinstance(entry.event, DelistedFromReuse)):
            yield listed, (on - date.fromisoformat(listed.effective_on)).days
            listed = None
        if isinstance(entry.event, ListedForReuse):
            listed = entry
    if listed is not None:
        yield listed, (until - date.fromisoformat(listed.effective_on)).days


def _positions(entries: Any) -> tuple[int, ...]:
    return tuple(sorted({entry.position for entry in entries}))
