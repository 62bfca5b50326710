"""八个写入进程争用 · Eight writer processes on PostgreSQL, conflicts forced, a reader tailing.

Both sides do the same work: read the stream, fold it, decide a verb, encode the entry, append it
where the version fits, and decide again where it does not. Ours also hashes, grows the tree and
records the command.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from multiprocessing import get_context
from typing import Any, Protocol

import msgspec
from eventsourcing.persistence import IntegrityError, StoredEvent

from benchmarks import library
from benchmarks.command import CLERK, CONTEXT, WEB
from benchmarks.measuring import Bar, Figure, median_pair, percentile
from benchmarks.places import Place
from domain.asset import lifecycle
from domain.decider import Ask
from ledger.act import Conflict, Receipt
from ledger.book import TRIES, Book, new_id
from ledger.entry import Draft, decode, encode, salts

WRITERS = 8
COMMANDS = 600  # of each writer, in one turn
TURNS_LEAST = 5  # of both sides, one after the other
HOT = 8  # assets that all of them fight for at a time
TURNS = 10  # commands of each writer before they move on: lives stay as short as real ones
POLL_SECONDS = 0.002
PATIENCE_SECONDS = 60
CARD = {"asset_no": "", "name": "笔记本电脑", "kind": "computer", "unit": "o_00"}
# Warm processes to fork from; nothing in them has opened a database.
processes = get_context("forkserver")
processes.set_forkserver_preload(["benchmarks.writers"])


class Written(msgspec.Struct):
    """What one writer did: acknowledged (position or 0, stream, seq), conflicts, milliseconds."""

    acknowledged: list[tuple[int, str, int]] = []
    conflicts: int = 0
    took: list[float] = []


class Side(Protocol):
    """One of the two ways to do the work."""

    conflicts: int

    def write(self, ask: Ask) -> tuple[int, str, int]: ...
    def after(self, position: int) -> list[tuple[int, str, int]]: ...


class Ours:
    """The ledger."""

    conflicts = 0

    def __init__(self, url: str) -> None:
        side = self

        class Counting(Book):
            def append(self, drafts: Any, **how: Any) -> Receipt:
                try:
                    receipt = super().append(drafts, **how)
                except Conflict:
                    side.conflicts += 1
                    raise
                side.seq = drafts[0].seq
                return receipt

        self.book = Counting.open(url)
        self.seq = 0

    def write(self, ask: Ask) -> tuple[int, str, int]:
        while True:
            try:
                receipt = self.book.act([ask], CLERK, via=WEB, context=CONTEXT)
            except Conflict:  # lost every one of its tries
                continue
            return receipt.first, ask.stream, self.seq

    def after(self, position: int) -> list[tuple[int, str, int]]:
        page = next(self.book.log.rows(position + 1), [])
        return [(row[0], row[1], row[2]) for row in page]

    def close(self) -> None:
        self.book.close()


class Library:
    """The library's own recorder with the same facts, rules and bytes."""

    conflicts = 0

    def __init__(self, url: str) -> None:
        # Tables are made once, before: see the library's own race of CREATE OR REPLACE.
        self.app = library.opened(url, text_ids=True, create=False)
        self.recorder = self.app.recorder

    def write(self, ask: Ask) -> tuple[int, str, int]:
        attempt = 0
        while True:
            rows = self.recorder.select_events(ask.stream)
            told = [decode(0, ask.stream, r.originator_version, r.topic, r.state) for r in rows]
            state = lifecycle.fold(entry.event for entry in told)
            (fact,) = lifecycle.decide(state, ask.verb, CLERK, ask.form, asked=False)
            draft = Draft(
                stream=ask.stream,
                seq=len(told) + 1,
                event=fact,  # type: ignore[arg-type] # the verb answers with one fact
                actor=CLERK.by,
                cause=new_id("cmd"),
                effective_at=f"{CLERK.on.isoformat()}T00:00:00+08:00",
                via=WEB,
            )
            stored = StoredEvent(
                ask.stream, draft.seq, draft.event.type_name, encode(draft, salts(1)[0])
            )
            try:
                self.recorder.insert_events([stored])
            except IntegrityError:
                self.conflicts += 1
                attempt += 1
                time.sleep(0.001 * min(attempt, TRIES) * random.random())
                continue
            return 0, ask.stream, draft.seq

    def after(self, position: int) -> list[tuple[int, str, int]]:
        found = self.recorder.select_notifications(position, 20_000, inclusive_of_start=False)
        return [(n.id, str(n.originator_id), n.originator_version) for n in found]

    def close(self) -> None:
        self.app.close()


SIDES: dict[str, Any] = {"ours": Ours, "library": Library}


def run(place: Place) -> Iterator[Figure]:
    """Yield what was lost, doubled and left out, and how fast both were."""
    outcomes: dict[str, list[Outcome]] = {"ours": [], "library": []}

    def measured(side: str) -> float:
        outcome = _measure(place, side)
        outcomes[side].append(outcome)
        return outcome.rate

    turns = 1 if place.smoke else max(TURNS_LEAST, place.repeats)
    pairs = [(measured("ours"), measured("library")) for _ in range(turns)]
    ours, floor = median_pair(pairs)
    beside = "the library's recorder"
    for what in ("lost", "doubled", "gaps"):
        mine = max(getattr(outcome, what) for outcome in outcomes["ours"])
        theirs = max(getattr(outcome, what) for outcome in outcomes["library"])
        assert mine == 0, f"{mine} {what}"
        yield Figure(
            work=f"entries {what}",
            ours=mine,
            unit="entries",
            floor=theirs,
            beside=beside,
            bar=Bar(most=0),
        )
    for title, name in (("conflicts forced", "conflicts"), ("p99", "p99")):
        yield Figure(
            work=title,
            ours=max(getattr(outcome, name) for outcome in outcomes["ours"]),
            unit="ms" if name == "p99" else "conflicts",
            floor=max(getattr(outcome, name) for outcome in outcomes["library"]),
            beside=beside,
        )
    yield Figure(
        work=f"{WRITERS} writers",
        ours=ours,
        unit="commands/s",
        floor=floor,
        beside=beside,
        bar=Bar(ratio_least=1.5),
    )


class Outcome(msgspec.Struct):
    """What one run showed."""

    rate: float
    lost: int
    doubled: int
    gaps: int
    conflicts: int
    p99: float


def _measure(place: Place, side: str) -> Outcome:
    url = place.fresh("postgresql")
    count = max(20, COMMANDS // (50 if place.smoke else 1))
    cards = _prepare(url, side, count)
    gate = processes.Barrier(WRITERS + 2)
    answers: Any = processes.Queue()
    expected = processes.Value("q", -1)
    writers = [
        processes.Process(target=_write, args=(url, side, n, count, gate, answers), daemon=True)
        for n in range(WRITERS)
    ]
    seen_at: Any = processes.Queue()
    reader = processes.Process(target=_tail, args=(url, side, gate, expected, seen_at), daemon=True)
    for process in (*writers, reader):
        process.start()
    gate.wait(PATIENCE_SECONDS)
    begin = time.perf_counter()
    written = [msgspec.convert(answers.get(timeout=2 * PATIENCE_SECONDS), Written) for _ in writers]
    spent = time.perf_counter() - begin
    acknowledged = [entry for one in written for entry in one.acknowledged]
    assert len(acknowledged) == WRITERS * count
    expected.value = cards + len(acknowledged)
    seen = [tuple(entry) for entry in seen_at.get(timeout=10 * PATIENCE_SECONDS)]
    for process in (*writers, reader):
        process.join(PATIENCE_SECONDS)
    place.forget(url)
    positions = [entry[0] for entry in seen]
    names = [entry[1:] for entry in seen]
    lost = {entry[1:] for entry in acknowledged} - set(names)
    doubled = len(names) - len(set(names)) + len(positions) - len(set(positions))
    assert len({entry[1:] for entry in acknowledged}) == len(acknowledged), "one place, two writers"
    if side == "ours":
        said = {entry[1:]: entry[0] for entry in seen}
        moved = [entry for entry in acknowledged if said.get(entry[1:]) != entry[0]]
        assert not moved, f"{len(moved)} entries stand elsewhere than their receipts say"
    return Outcome(
        rate=len(acknowledged) / spent,
        lost=len(lost),
        doubled=doubled,
        gaps=max(positions) - len(set(positions)),
        conflicts=sum(one.conflicts for one in written),
        p99=percentile([ms for one in written for ms in one.took], 99),
    )


def _prepare(url: str, side: str, count: int) -> int:
    """Make the tables and a card for each asset to fight for; return how many cards."""
    if side == "library":
        library.opened(url, text_ids=True).close()
    streams = [_stream(turn, number) for turn in range(0, count, TURNS) for number in range(HOT)]
    one: Any = SIDES[side](url)
    for stream in streams:
        form = {**CARD, "asset_no": stream.removeprefix("asset/"), "value": 650_000}
        one.write(Ask(stream, "register_existing", form))
    one.close()
    return len(streams)


def _stream(turn: int, number: int) -> str:
    return f"asset/HOT{turn // TURNS}.{number}"


def _write(url: str, side: str, number: int, count: int, gate: Any, answers: Any) -> None:
    """Write so many commands to streams that everybody writes to."""
    one = SIDES[side](url)
    chance = random.Random(number)
    done = Written()
    one.after(0)  # the first query of a connection is another matter
    gate.wait(PATIENCE_SECONDS)
    for turn in range(count):
        form = {"place": f"p_{number}_{turn}", "reason": "办公室调整"}
        ask = Ask(_stream(turn, chance.randrange(HOT)), "relocate", form)
        begin = time.perf_counter()
        done.acknowledged.append(one.write(ask))
        done.took.append(1000 * (time.perf_counter() - begin))
    done.conflicts = one.conflicts
    answers.put(msgspec.to_builtins(done))
    one.close()


def _tail(url: str, side: str, gate: Any, expected: Any, seen_at: Any) -> None:
    """Follow the log as a projection does, and never look back."""
    one = SIDES[side](url)
    seen: list[tuple[int, str, int]] = []
    gate.wait(PATIENCE_SECONDS)
    give_up = 0.0
    while True:
        final = expected.value
        page = one.after(seen[-1][0] if seen else 0)
        seen += page
        if 0 <= final <= len(seen):
            break
        if final >= 0 and not page:  # everything is committed: what does not come now is lost
            give_up = give_up or time.monotonic() + 2
            if time.monotonic() > give_up:
                break
        if not page:
            time.sleep(POLL_SECONDS)
    seen_at.put(seen)
    one.close()
