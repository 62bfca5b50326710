"""Which class a name of property belongs to: names people wrote, against the names of a standard.

A table of classes names each class in several ways; a name is looked for as it is written, without
what stands in brackets, by its head (a Chinese name ends in what the thing is: 格力空调 is a 空调),
and by the parts it shares with others. What is not clear is left open with its candidates, and what
nothing is like is listed: a person decides both.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from api.reading_bytes import Source
from api.reading_records import Keyed, Record, read
from api.reading_values import Cells
from projections.naming import Names, house_names, plain

BRACKETED: Final = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|【[^【】]*】|<[^<>]*>|《[^《》]*》")
LITERAL: Final = 1000
WITHOUT_BRACKETS: Final = 980
SYNONYM: Final = 950
ENDING: Final = 930  # of names that differ in the word for a device at their end: 清洗器, 清洗机
HEAD: Final = 600  # of a name that ends in one of the table, and up to 900 as the rest gets shorter
CLEAR: Final = 800  # below which a name is left open
FULL_NAME: Final = 1 << 20  # the weight of a name without brackets, above any number of others
LEAD: Final = 20  # by how much the best class must be better than the next one
LIKE: Final = 450  # below which a class is not named at all
CANDIDATES: Final = 5


class Way(msgspec.Struct, frozen=True):
    """How a name met one of a class: which name of it, by which rule, with how many points."""

    code: str
    name: str
    how: str  # literal, bracketless, synonym, ending, head, parts
    points: int


class Answer(msgspec.Struct, frozen=True):
    """What a name may be: the clear class, or candidates for a person, or nothing."""

    name: str
    code: str
    ways: tuple[Way, ...]


def bracketless(text: str) -> str:
    """Return a text without what stands in brackets."""
    return BRACKETED.sub("", unicodedata.normalize("NFKC", text))


class Classifier:
    """The names of a standard's classes, to be asked about other names."""

    def __init__(self, named: Iterable[tuple[str, str]], names: Names | None = None) -> None:
        """Take codes with a name each; a class may have many names, and a name many classes."""
        self._names = names or house_names()
        self._codes: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for code, name in named:
            short = plain(bracketless(name))
            for way, weight in ((plain(name), FULL_NAME), (short, 1)):
                if way:
                    self._codes[way][code] += weight
        self._parts: defaultdict[str, set[str]] = defaultdict(set)
        for name in self._codes:
            for way in self._names.alike(name):
                for part in _parts(way):
                    self._parts[part].add(name)

    def codes(self, name: str) -> tuple[str, ...]:
        """Return the classes that have this very name, or, if none has, have it with brackets."""
        found = self._codes.get(plain(name), Counter())
        full = tuple(code for code, weight in found.items() if weight >= FULL_NAME)
        return full or tuple(found)

    def ask(self, name: str, *, hidden: bool = False) -> Answer:
        """Return what a name may be; `hidden` looks away from the name itself, to test the rest."""
        best: dict[str, Way] = {}
        for way in self._ways(name, plain(name) if hidden else ""):
            if way.code not in best or way.points > best[way.code].points:
                best[way.code] = way
        ways = sorted(best.values(), key=lambda way: (-way.points, way.code))
        clear = bool(ways) and ways[0].points >= CLEAR
        if len(ways) > 1 and ways[0].points - ways[1].points < LEAD:
            clear = False
        return Answer(name, ways[0].code if clear else "", tuple(ways[:CANDIDATES]))

    def _ways(self, name: str, hidden: str) -> Iterator[Way]:
        asked, short = plain(name), plain(bracketless(name))
        near: dict[str, tuple[str, int]] = {}
        for other in {o for text in (asked, short) for p in _parts(text) for o in self._parts[p]}:
            if other != hidden:
                near[other] = max((self._near(text, other) for text in (asked, short)), key=_second)
        if asked != short and short in near:
            near[short] = ("bracketless", WITHOUT_BRACKETS)
        if asked in near:
            near[asked] = ("literal", LITERAL)
        for other, (how, points) in near.items():
            if points >= LIKE:
                codes = self._codes[other]
                whole = max(codes.values()) >= FULL_NAME
                for code, weight in codes.items():
                    # What a class is called in full counts before what it is called in brackets.
                    less = LEAD if whole and weight < FULL_NAME else 0
                    yield Way(code, other, how, points - less)

    def _near(self, asked: str, other: str) -> tuple[str, int]:
        if not asked:
            return "parts", 0
        group = self._names.groups.get(asked)
        if group is not None and group == self._names.groups.get(other):
            return "synonym", SYNONYM
        if _stem(asked) == _stem(other):
            return "ending", ENDING
        if len(other) > 1 and asked.endswith(other):
            return "head", HEAD + 300 * len(other) // len(asked)
        for alike in self._names.alike(other)[1:]:
            if len(alike) > 1 and asked.endswith(alike):
                return "head", HEAD + 280 * len(alike) // len(asked)
        return "parts", self._names.fit(asked, other)


DEVICE: Final = re.compile(r"(?<=..)(?:[器机仪]|装置|设备)$")


def _stem(name: str) -> str:
    """Return a name without the word for a device at its end."""
    return DEVICE.sub("", name)


def _second(pair: tuple[str, int]) -> int:
    return pair[1]


def _parts(name: str) -> set[str]:
    return {name[at : at + 2] for at in range(len(name) - 1)} or {name}


# Tables and lists as files ------------------------------------------------------------------

CODE: Final = ("分类代码", "gb_code_7", "catalog_code", "code", "class_code")
NAMES: Final = ("分类名称", "国标名称", "gb_name", "catalog_name", "name")
ITEM: Final = ("资产名称", "名称", "name")
DIGITS: Final = 7  # of a code of 2010; longer codes of a trade begin with it
CODE_OF_2010: Final = re.compile(r"[1-9][0-9]{6,}")
CODE_OF_2022: Final = re.compile(r"A[0-9]{8}")


class Named(Record, frozen=True, kw_only=True, gc=False):
    """A line that names something: a class, if it has a code, or an item."""

    code: str
    names: tuple[str, ...]


def class_code(text: str) -> str:
    """Return the code of the standard that a cell gives, empty for none (headers, blank lines).

    Codes of a trade are longer; spreadsheets spoilt their last digits, the first seven are sound.
    """
    if CODE_OF_2010.fullmatch(text):
        return text[:DIGITS]
    return text if CODE_OF_2022.fullmatch(text) else ""


def read_classes(source: Source, *, file: str | None = None) -> list[tuple[str, str]]:
    """Read the names of classes from a table of codes; lines without a code are left out."""
    return [
        (row.code, name.partition(" ")[0] if row.code.startswith("A") else name)
        for row in _named(source, CODE, NAMES, file)
        if row.code
        for name in row.names
    ]


def read_items(source: Source, *, file: str | None = None) -> Counter[str]:
    """Read the names of a list of property, and how often each occurs."""
    return Counter(
        unicodedata.normalize("NFKC", name).strip()
        for row in _named(source, (), ITEM, file)
        for name in row.names
    )


def _named(
    source: Source, codes: tuple[str, ...], names: tuple[str, ...], file: str | None
) -> Iterator[Named]:
    def build(cells: Cells, keyed: Keyed) -> Named:
        code = next((t for t in map(cells.text_if_given, codes) if t), "")
        said = tuple(t for t in map(cells.text_if_given, names) if t)
        key, occurrence = keyed("\t".join((code, *said)))
        return Named(
            evidence=cells.evidence,
            key=key,
            occurrence=occurrence,
            code=class_code(code),
            names=said,
        )

    wanted = (codes, names[:1] if not codes else names) if codes else (names,)
    return read(source, wanted, build, file, None)


# How good the answers are ---------------------------------------------------------------------


class Judged(msgspec.Struct, frozen=True):
    """How often the clear answer was right, over names whose class the table states itself."""

    known: int
    right: int
    wrong: int
    open: int
    among: int  # the right class was at least among the candidates

    @property
    def precision(self) -> float:
        """Return the part of the clear answers that were right."""
        return self.right / max(1, self.right + self.wrong)

    @property
    def recall(self) -> float:
        """Return the part of the names that got their right class."""
        return self.right / max(1, self.known)


def judge(classifier: Classifier, names: Iterable[str], *, hidden: bool) -> Judged:
    """Ask names whose classes the table has; `hidden` takes the name itself away from it first."""
    known = right = wrong = open_ = among = 0
    for name in names:
        truth = classifier.codes(bracketless(name)) or classifier.codes(name)
        if not truth:
            continue
        answer = classifier.ask(bracketless(name) if hidden else name, hidden=hidden)
        known += 1
        among += any(way.code in truth for way in answer.ways)
        if not answer.code:
            open_ += 1
        elif answer.code in truth:
            right += 1
        else:
            wrong += 1
    return Judged(known, right, wrong, open_, among)
