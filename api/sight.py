"""Who sees what: the units in whose affairs a post has a part, and the things that concern them.

Lists narrow themselves by a `Scope`; one thing at a time is looked at here, before any route sees
the request. What somebody may not see answers like what never was (T121).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import msgspec
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as ASGIScope

from api.pages_telling import shape
from api.remembering import Remembered
from domain.decider import LIFECYCLES, Occasion
from domain.filing import whose
from domain.values import ID
from domain.words import Role
from ledger.book import Book, Stream
from ledger.entry import Entry
from projections import units
from projections.rows_in_sight import View, viewing
from projections.scope import EVERYTHING, Rows, Scope

if TYPE_CHECKING:
    from api.office import Actor

# Whoever watches, keeps the system or brings in what others wrote sees all of it.
ALL: Final = frozenset({Role.AUDITOR, Role.ADMIN, Role.SECURITY, Role.AUDIT_ADMIN, Role.IMPORTER})
# Whoever decides for a place sees the units of that place (DOMAIN.md c).
OF_A_PLACE: Final = frozenset({Role.OFFICE, Role.FINANCE, Role.GOVERNMENT})
# What every unit must know of the others: who they are and where, what the rules are, and what they
# want, so that whoever can spare it offers it.
OPEN: Final = frozenset({"unit", "place", "policy", "standard", "demand"})
# Named like the unit it is about.
OF_A_UNIT: Final = frozenset({"bank", "depreciation", "entrustment", "labels", "period", "quota"})
# What an address calls things, where it is not the name of their streams.
CALLED: Final[Mapping[str, str]] = {
    "assets": "asset",
    "dues": "due",
    "entrustments": "entrustment",
    "numbers": "series",
    "observations": "stocktake",
    "packages": "package",
    "people": "person",
    "periods": "period",
    "quotas": "quota",
    "reads": "audit",
    "reconciliation": "bank",
    "rules": "policy",
    "statements": "statement",
    "stocktakes": "stocktake",
    "units": "unit",
    "wants": "demand",
}
# Below these, `units/X` is not the entry of a directory but what the unit keeps.
KEPT_OF_UNITS: Final[Mapping[str, str]] = {"books": "depreciation", "labels": "labels"}
NEW: Final = "new"
PART_MOST: Final = 50_000  # of what is remembered of who has part in what
FILES: Final = frozenset({"import", "export"})  # below the word of a page or list
ID_LIKE: Final = re.compile(ID.rstrip("$"))


class Sight:
    """Answers from the ledger what a post sees, remembered for a moment."""

    def __init__(
        self, book: Book, rows: Callable[[Rows], Sequence[Any]], today: Callable[[], date]
    ) -> None:
        """`rows` asks the lists."""
        self._book, self._rows, self._today = book, rows, today
        self._scopes: Remembered[tuple[str, str], Scope] = Remembered()
        self._tree: Remembered[str, Sequence[Any]] = Remembered()
        self._places: Remembered[str, dict[str, str]] = Remembered()
        # Whose unit a stream once named sees it for ever; only what a place means may change.
        self._part: set[tuple[str, frozenset[str]]] = set()

    def forget(self) -> None:
        """Ask the ledger again: something was said of units, places or people."""
        self._scopes.forget()
        self._tree.forget()
        self._places.forget()
        self._part = set()

    # Which units -----------------------------------------------------------------

    def scope(self, unit: str, role: str) -> Scope:
        """Return what a role in a unit may see."""
        if role in ALL:
            return EVERYTHING
        return self._scopes.get((unit, role), self._scope)

    def _scope(self, post: tuple[str, str]) -> Scope:
        """A unit, those below it, those it goes on for and those it works for; or a whole place.

        Who sees every unit there is, sees everything: also what names none of them.
        """
        unit, role = post
        known = {row["id"]: row for row in self._tree.get("", self._all)}
        mine = known.get(unit)
        if role in OF_A_PLACE and mine is not None:
            area = _area(mine["region"])
            found = {id_ for id_, row in known.items() if row["region"].startswith(area)}
            found |= {id_ for id_, row in known.items() if not row["region"]}
        else:
            found = set()
        agreed = self._book.stream(f"entrustment/{unit}").state.agreements
        clients = {one.owner for one in agreed if one.runs(self._today())}
        found |= _below({unit} | clients | self._before(unit), known)
        return EVERYTHING if role in OF_A_PLACE and found >= set(known) else Scope(frozenset(found))

    def _before(self, unit: str) -> set[str]:
        """Return the units that ended, with whose tasks a unit goes on."""
        found: set[str] = set()
        waiting = [unit]
        while waiting:
            for one in self._book.stream(f"unit/{waiting.pop()}").state.predecessors:
                if one not in found:
                    found.add(one)
                    waiting.append(one)
        return found

    def _all(self, _: str) -> Sequence[Any]:
        return self._rows(units.all_units())

    def _unit_of(self, place: str) -> str:
        """Return the unit that has a place; nothing for what is none."""
        found = self._places.get(
            "", lambda _: {row["id"]: row["unit"] for row in self._rows(units.all_places())}
        )
        return found.get(place, "")

    # Which things ----------------------------------------------------------------

    def sees(self, actor: Actor, name: str) -> bool:
        """Tell whether somebody may see a stream that exists; what does not, nobody sees."""
        mine = actor.scope.units
        kind, _, id_ = name.partition("/")
        if mine is None or kind in OPEN or kind not in LIFECYCLES:
            return True
        if kind in OF_A_UNIT:
            return id_ in mine
        if kind == "series":  # named like its unit and what it numbers
            return any(id_.startswith(f"{unit}-") for unit in mine)
        if kind == "folder":
            return self.sees(actor, whose(name))
        if kind == "person" and id_ == actor.person:
            return True
        part = name, mine
        if part in self._part:
            return True
        # Most things are looked at by those who began with them.
        first = self._book.first(name)
        if first is None:
            return False
        if mine.isdisjoint(self._parties([first])):
            stream = self._book.stream(name)
            if mine.isdisjoint(self._parties(stream.entries)):
                return kind == "asset" and self._sees_for_now(actor, stream)
        if len(self._part) >= PART_MOST:
            self._part = set()
        self._part.add(part)
        return True

    def _sees_for_now(self, actor: Actor, stream: Stream) -> bool:
        # What is offered is for everybody to see, and who has part in a case sees what it is about.
        asset = stream.state
        return bool(asset.listed) or bool(asset.case and self.sees(actor, asset.case))

    def _parties(self, entries: Sequence[Entry]) -> set[str]:
        """Return every unit that the entries of a stream ever named, and the one that began it.

        Where it names none, all that wrote it. A unit that gave something away keeps the record of
        what was its own.
        """
        found = {
            value if holds == "unit" else self._unit_of(value)
            for entry in entries
            for holds, value in _named(entry.event)
        } - {""}
        wrote = [entry.beside.via for entry in (entries[:1] if found else entries)]
        return found | {via.unit for via in wrote if via is not None and via.role not in ALL}

    def hidden(
        self, actor: Actor, path: str, occasion: Callable[[], Occasion], *, writes: bool
    ) -> str:
        """Return the first stream of an address that somebody may not see; nothing when there is none.

        What never was is hidden as well, unless the request may be its first: else the two would
        be told apart.
        """
        if actor.scope.units is None:
            return ""
        for name, verb in named_in(path):
            kind = name.partition("/")[0]
            if self.sees(actor, name):
                continue
            new = writes and kind not in OF_A_UNIT and not self._book.stream(name).entries
            if not (new and _begins(kind, verb, occasion)):
                return name
        return ""

    def begins(self, name: str, path: str, occasion: Callable[[], Occasion]) -> bool:
        """Tell whether a request of programs asks what may be the first of a stream."""
        kind = name.partition("/")[0]
        verb = path.rpartition("/")[2]
        exact = path == f"/api/v1/{name}/{verb}"
        return exact and kind not in OF_A_UNIT and _begins(kind, verb, occasion)


class Sighted:
    """Let every request see nothing of any unit until it is known who asks."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        with viewing(View()):
            await self.app(scope, receive, send)


def named_in(path: str) -> list[tuple[str, str]]:
    """Return the streams that an address names, each with the verb that follows, if any.

    `/api/v1/asset/A1/lend`, `/cases/loan/L1/do/agree`, `/files/asset/A1/SHA256`, `/people/u_1`.
    """
    words = [word for word in path.split("/") if word]
    if words[:2] in (["api", "v1"], ["audit", "v1"]):
        words = words[2:]
        start = 0
    else:  # what follows at once is the name of a page
        start = int(words[:1] in (["audit"], ["labels"]))
    found, at = list[tuple[str, str]](), start
    while at + 1 < len(words):
        word, id_ = words[at], words[at + 1]
        kind = CALLED.get(word, word)
        if word == "units" and at:
            kind = KEPT_OF_UNITS.get(words[at - 1], kind)
        none = id_ == NEW or (word in CALLED and id_ in FILES)
        if kind not in LIFECYCLES or none or not ID_LIKE.fullmatch(id_):
            at += 1
            continue
        rest = words[at + 2 :]
        verb = rest[1] if rest[:1] == ["do"] and len(rest) > 1 else "".join(rest[:1])
        found.append((f"{kind}/{id_}", verb))
        at += 2
    return found


def _begins(kind: str, verb: str, occasion: Callable[[], Occasion]) -> bool:
    """Tell whether a request may be the first that is ever asked of a stream."""
    life = LIFECYCLES[kind]
    known = life.verbs.get(verb)
    return known is not None and known.refusal(life.state(), occasion()) is None


def _below(top: Iterable[str], known: Mapping[str, Any]) -> set[str]:
    """Return some units and all that belong to them, however far below."""
    children: dict[str, list[str]] = {}
    for id_, row in known.items():
        for above in {row["parent"], row["competent"]} - {""}:
            children.setdefault(above, []).append(id_)
    found, waiting = set[str](), list(top)
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += children.get(one, ())
    return found


def _area(region: str) -> str:
    """Return what all division codes inside a division begin with (GB/T 2260)."""
    while region.endswith("00"):
        region = region[:-2]
    return region


def _named(value: Any) -> Iterator[tuple[str, str]]:
    """Yield each unit and place in a fact, with which of both it is."""
    for field, holds in shape(type(value)).items():
        given = getattr(value, field)
        if holds in ("unit", "place"):
            for one in given if isinstance(given, (tuple, list, frozenset)) else (given,):
                if isinstance(one, str) and one:
                    yield holds, one
        elif isinstance(given, msgspec.Struct):
            yield from _named(given)
        elif isinstance(given, (tuple, list)):
            for one in given:
                if isinstance(one, msgspec.Struct):
                    yield from _named(one)
