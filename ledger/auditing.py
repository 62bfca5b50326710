"""Separation of duties, worked out again from the log alone: whoever let it happen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

import msgspec

from domain.decider import FACTS, EntryReversed
from domain.duties import Did, excluding
from domain.policy import Policy
from domain.words import Role
from ledger.book import Book, did_in
from ledger.entry import Entry, decode, standing

PolicyOf: TypeAlias = Callable[[str], Policy]  # by reference, `xinjiang@2`
Progress: TypeAlias = Callable[[int, int], None]


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """One person had two duties in one case that the rules of that day keep apart.

    `position` is the later entry; `before` the earlier duty; `policy` the version of the rules
    under which it was recorded.
    """

    position: int
    stream: str
    duty: str
    before: str
    person: str
    policy: str


def violations(
    book: Book, policy_of: PolicyOf, progress: Progress | None = None
) -> Iterator[Violation]:
    """Yield every breach of the exclusions of the policy each entry names, in log order of cases.

    Nothing but the log is read: no accounts, no lists. What was taken back does not count.
    Entries without a policy are judged by the general rules. What a program told of others'
    register names nobody who did it, and nothing can be said of it; findings list what was told.
    """
    size = book.head()[0]
    told: dict[str, list[Entry]] = {}
    watched = {name for name, fact in FACTS.items() if fact.duty}
    taken_back = {EntryReversed.type_name}
    for page in book.log.rows(1, size):
        for row in page:
            if row[3] in watched or (row[3] in taken_back and row[1] in told):
                told.setdefault(row[1], []).append(decode(*row))
        if progress is not None:
            progress(page[-1][0], size)
    yield from breaches(told, policy_of)


def told_of_others(entry: Entry) -> bool:
    """Tell whether a program recorded what somebody did elsewhere; no unit and no person acted."""
    via = entry.beside.via
    return via.role == Role.IMPORTER and via.channel == "import" and not via.unit


def breaches(told: Mapping[str, Sequence[Entry]], policy_of: PolicyOf) -> Iterator[Violation]:
    """Yield every breach in streams of which all facts with a duty, and all reversals, are told."""
    for stream, entries in told.items():
        did: list[Did] = []
        for entry in sorted(standing(entries), key=lambda e: e.seq):
            if told_of_others(entry):
                continue
            now = list(did_in([entry]))
            policy = policy_of(entry.beside.via.policy)
            for duty, person, matter in now:
                before = excluding(policy, did, duty, (person,), matter)
                if before is not None:
                    yield Violation(
                        position=entry.position,
                        stream=stream,
                        duty=duty,
                        before=before[0],
                        person=person,
                        policy=policy.reference,
                    )
            did += now
