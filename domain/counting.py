"""What a count comes to: the frozen list beside what was seen, in whatever order it arrived.

Pure and commutative: scans are a set, so that repeats, lateness and reordering change nothing, and
two sightings of one thing are both told, never the last one alone (T61, T65, T70).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256

import msgspec

from domain.words import Term

SIGHTINGS_MAX = 20  # told of one difference; all of them are in the scans


class Finding(Term):
    """How what was found differs from the list."""

    MISSING = "missing", "未盘到", "missing"
    MISPLACED = "misplaced", "位置不符", "misplaced"
    UNEXPECTED = "unexpected", "清单外资产", "unexpected, but known"
    UNKNOWN = "unknown", "未知标签", "unknown tag"
    DUPLICATE = "duplicate", "一物多处", "seen in several places"
    MOVED = "moved", "盘点期间账面移位", "moved in the books during the count"
    MISCOUNTED = "miscounted", "数量不符", "another quantity"
    HEARD = "heard", "仅射频读到，待核实", "heard by radio alone, to be confirmed"


class Item(msgspec.Struct, frozen=True, gc=False):
    """One piece of the frozen list, as the books had it; `codes` are what its labels may say.

    `confirm`: it is worth so much that radio alone does not settle where it is.
    """

    id: str
    no: str
    name: str
    place: str
    codes: tuple[str, ...] = ()
    quantity: str = "1"
    confirm: bool = False


class Sighting(msgspec.Struct, frozen=True, gc=False):
    """One scan that stands; `asset` is empty when nobody knows the code, `at` is corrected UTC ms.

    `quantity` is how much of a batch was counted there; empty when nobody said.
    """

    at: int
    device: str
    n: int
    place: str
    code: str
    asset: str = ""
    round: int = 1
    by: str = ""
    photo: str = ""
    note: str = ""
    quantity: str = ""
    radio: bool = False  # heard; nobody read a label or looked at the thing


class Known(msgspec.Struct, frozen=True, gc=False):
    """A thing that is not on the list and was seen, or that the books moved during the count."""

    no: str
    name: str
    place: str


class Difference(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One thing to be closed by an outcome; `key` names it within its stocktake.

    `place` is where the list has it, `now` where the books have it since, `seen` every sighting.
    """

    key: str
    finding: Finding
    asset: str = ""
    no: str = ""
    name: str = ""
    place: str = ""
    now: str = ""
    code: str = ""
    seen: tuple[Sighting, ...] = ()
    quantity: str = ""  # on the list, where it was counted otherwise


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a count came to."""

    right: int
    repeats: int  # sightings beyond the first of one thing in one place
    counts: dict[str, int]
    differences: tuple[Difference, ...]


def unknown_key(code: str) -> str:
    """Name a code that nobody knows: the same code is the same difference wherever it was read."""
    return f"{Finding.UNKNOWN.value}.{sha256(code.encode()).hexdigest()[:24]}"


def drawn(ids: Iterable[str], seed: str, sample: int) -> frozenset[str]:
    """Draw a sample that anybody draws again from the same ids and seed (T60)."""

    def lot(id_: str) -> bytes:
        return sha256(f"{seed}\n{id_}".encode()).digest()

    return frozenset(sorted(ids, key=lot)[:sample])


def compared(
    items: Iterable[Item],
    sightings: Iterable[Sighting],
    others: Mapping[str, Known],
    moved: Mapping[str, str],
) -> Result:
    """Compare the list with what was seen.

    `others` are known things off the list, `moved` where the books have since put things of the
    list. A thing counted again in a later round is judged by that round alone; the earlier
    sightings stay in the scans.
    """
    by_asset: dict[str, list[Sighting]] = {}
    by_code: dict[str, list[Sighting]] = {}
    for one in sightings:
        of = by_asset if one.asset else by_code
        of.setdefault(one.asset or one.code, []).append(one)
    found: list[Difference] = []
    right = repeats = 0
    for item in items:
        told = by_asset.pop(item.id, [])
        if item.confirm:  # a label that was read decides, whatever radio heard since
            told = [one for one in told if not one.radio] or told
        seen = _latest_round(told)
        places = {one.place for one in seen}
        repeats += len(seen) - len(places)
        finding = _finding(item, seen, places, item.id in moved)
        if finding is None:
            right += 1
        else:
            found.append(
                Difference(
                    key=f"{finding.value}.{item.id}",
                    finding=finding,
                    asset=item.id,
                    no=item.no,
                    name=item.name,
                    place=item.place,
                    now=moved.get(item.id, item.place),
                    seen=seen[:SIGHTINGS_MAX],
                    quantity=item.quantity if finding is Finding.MISCOUNTED else "",
                )
            )
    for asset in sorted(by_asset):
        seen = _latest_round(by_asset[asset])
        places = {one.place for one in seen}
        repeats += len(seen) - len(places)
        card = others.get(asset, Known("", "", ""))
        finding = Finding.DUPLICATE if len(places) > 1 else Finding.UNEXPECTED
        found.append(
            Difference(
                key=f"{finding.value}.{asset}",
                finding=finding,
                asset=asset,
                no=card.no,
                name=card.name,
                now=card.place,
                seen=seen[:SIGHTINGS_MAX],
            )
        )
    for code in sorted(by_code):
        seen = _latest_round(by_code[code])
        repeats += len(seen) - len({one.place for one in seen})
        found.append(
            Difference(
                key=unknown_key(code),
                finding=Finding.UNKNOWN,
                code=code,
                seen=seen[:SIGHTINGS_MAX],
            )
        )
    counts = dict.fromkeys((finding.value for finding in Finding), 0)
    for difference in found:
        counts[difference.finding.value] += 1
    return Result(right=right, repeats=repeats, counts=counts, differences=tuple(found))


def _finding(item: Item, seen: Iterable[Sighting], places: set[str], moved: bool) -> Finding | None:
    """Say how one piece of the list differs; None when it is where it should be.

    Where several counted a batch and one of them came to another quantity, that is a difference:
    both are told, and neither is the last word.
    """
    if len(places) > 1:
        return Finding.DUPLICATE
    if moved:
        return Finding.MOVED
    if not places:
        return Finding.MISSING
    if item.confirm and all(one.radio for one in seen):
        return Finding.HEARD
    place = next(iter(places))
    # Where the list or the scan names no place, being seen is all that can be said.
    if place != item.place and item.place and place:
        return Finding.MISPLACED
    counted = {one.quantity for one in seen} - {"", item.quantity}
    return Finding.MISCOUNTED if counted else None


def _latest_round(seen: Iterable[Sighting]) -> tuple[Sighting, ...]:
    """Return the sightings of the last round in which it was seen, in order of time."""
    several = list(seen)
    if not several:
        return ()
    last = max(one.round for one in several)
    kept = [one for one in several if one.round == last]
    kept.sort(key=lambda one: (one.at, one.device, one.n))
    return tuple(kept)
