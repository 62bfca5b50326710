"""What things are called: the same thing under many names, Chinese and English, found by any.

Names are compared after NFKC, without case, blanks and punctuation. What people call alike without
writing it alike (台式机, 微型台式电子计算机, desktop computer) is data: `data/synonyms.csv`, and any
table of names a place imports. Chinese is also found by the first letters of its pinyin.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from heapq import merge
from itertools import accumulate, groupby, pairwise
from pathlib import Path
from re import Match, Pattern
from typing import Final

import msgspec

SAME: Final = 1000  # points of two equal names
SYNONYM: Final = 950
INSIDE: Final = 700  # of a name inside another one, and up to SYNONYM as the rest gets shorter
ALIKE: Final = 700  # most that parts in common can give
QUERY_MAX: Final = 200
WORDS_MAX: Final = 10

# One name ---------------------------------------------------------------------


@lru_cache(maxsize=1 << 17)
def plain(text: str) -> str:
    """Return a text as names are compared: NFKC, folded case, letters and digits alone."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


INITIALS: Final = Path(__file__).with_name("data") / "initials.txt"
FIRST: Final = 0x4E00


@cache
def _readings() -> tuple[Mapping[int, str], Pattern[str]]:
    """Load the letters of characters and phrases, and what finds phrases, the longest first."""
    first, *lines = INITIALS.read_text(encoding="utf-8").splitlines()
    table = {FIRST + at: letter.strip("?") for at, letter in enumerate(first)}
    _PHRASES.update((phrase, said) for phrase, _, said in (line.partition(" ") for line in lines))
    return table, phrases_of(_PHRASES)


_PHRASES: dict[str, str] = {}


def phrases_of(phrases: Iterable[str]) -> Pattern[str]:
    """Return what finds phrases in a name, at each place the longest."""
    longest = sorted(phrases, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest)) or r"(?!)")


@lru_cache(maxsize=1 << 17)
def initials(text: str) -> str:
    """Return the first letters of the pinyin of a text: 空调器 gives `ktq`; Latin stays as it is.

    A character with several readings is read as in the longest phrase around it (调 in 空调: t).
    """
    table, phrase = _readings()
    return phrase.sub(_said, plain(text)).translate(table)


def _said(found: Match[str]) -> str:
    return _PHRASES[found[0]]


@lru_cache(maxsize=1 << 16)
def _pairs(name: str) -> frozenset[str]:
    """Return the pairs of neighbouring letters of a name."""
    return frozenset(map("".join, pairwise(name))) or frozenset(name)


# Names of the same thing ------------------------------------------------------


class Names(msgspec.Struct, frozen=True):
    """Which names mean the same; every name is known by its plain form."""

    groups: Mapping[str, int]
    members: Mapping[int, tuple[str, ...]]

    def group(self, text: str) -> int | None:
        """Return the number of the group a name belongs to."""
        return self.groups.get(plain(text))

    def alike(self, text: str) -> tuple[str, ...]:
        """Return every plain name of the same thing, the asked one first."""
        name, number = plain(text), self.group(text)
        if number is None:
            return (name,)
        return (name, *(other for other in self.members[number] if other != name))

    def fit(self, one: str, other: str) -> int:
        """Return how well two names agree, 0 to 1000; the order of the two does not matter."""
        a, b = sorted((plain(one), plain(other)), key=len)
        if not a:
            return 0
        if a == b:
            return SAME
        group = self.groups.get(a)
        if group is not None and group == self.groups.get(b):
            return SYNONYM
        if a in b:
            return INSIDE + (SYNONYM - INSIDE) * len(a) // (len(b) + 1)
        left, right = _pairs(a), _pairs(b)
        return ALIKE * 2 * len(left & right) // (len(left) + len(right))


def joined(groups: Iterable[Iterable[str]]) -> Names:
    """Put names into groups; groups that share a name are one."""
    number: dict[str, int] = {}
    members: dict[int, tuple[str, ...]] = {}
    for at, names in enumerate(groups):
        found = {name: None for name in map(plain, names) if name}
        same = {number[name] for name in found if name in number}
        found |= dict.fromkeys(name for of in sorted(same) for name in members.pop(of))
        members[at] = tuple(found)
        number.update(dict.fromkeys(found, at))
    return Names(number, members)


def read_groups(path: Path) -> list[list[str]]:
    """Read a table of names: one thing a line, a name a cell."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        return [[cell for cell in row if cell] for row in rows]


SYNONYMS: Final = Path(__file__).with_name("data") / "synonyms.csv"


@cache
def house_names() -> Names:
    """Return the names that come with the software."""
    return joined(read_groups(SYNONYMS))


# Many names -------------------------------------------------------------------


class Catalogue:
    """Names in memory, to be found by a part, by another name, or by pinyin initials."""

    def __init__(self, named: Iterable[tuple[str, Iterable[str]]], names: Names | None = None):
        """Take ids with everything each may be found by."""
        self.names = names or house_names()
        lines: dict[str, list[str]] = {}
        for id_, texts in named:
            said = [text for text in texts if text]
            letters = (initials(text) for text in said if not text.isascii())
            parts = dict.fromkeys((*map(plain, said), *letters))
            lines.setdefault("\x1f".join(parts), []).append(id_)
        self._lines = list(lines)
        self._ids = list(lines.values())
        self._text = "\n".join(self._lines)
        sizes = (len(line) + 1 for line in self._lines)
        self._starts = list(accumulate(sizes, initial=0))[:-1]

    def search(self, query: str, limit: int = 50) -> list[str]:
        """Return the ids of everything that has every word of a query, in the order they came."""
        words = [word for word in query[:QUERY_MAX].split() if plain(word)][:WORDS_MAX]
        if not words:
            return []
        ways = sorted((self.names.alike(word) for word in words), key=lambda ways: -len(ways[0]))
        found: list[str] = []
        for at, _ in groupby(merge(*(self._having(way) for way in ways[0]))):
            line = self._lines[at]
            if all(any(way in line for way in others) for others in ways[1:]):
                found.extend(self._ids[at])
                if len(found) >= limit:
                    break
        return found[:limit]

    def _having(self, way: str) -> Iterator[int]:
        """Yield the numbers of the lines with a text in them, in their order."""
        at = self._text.find(way)
        while at >= 0:
            line = bisect_right(self._starts, at) - 1
            yield line
            at = self._text.find(way, self._starts[line] + len(self._lines[line]))
