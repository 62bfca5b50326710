"""A list that a clerk pastes: which asset got which radio tag, or had which GIAI; line by line.

Every line is judged before anything is recorded, with the sentence of the rule that would refuse
it; what is right is then recorded in one act.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any, Final

import msgspec

from api.office import Actor, Office
from domain.decider import Lang, Refused
from domain.giai import PREFIX
from domain.words import Words, in_language
from labels import epc, identity
from labels.epc import BadEpc
from ledger.act import Conflict

LINES_MAX: Final = 2_000  # of one act
COLUMNS = re.compile(r"[\t,;|，；、]")
HEAD: Final = frozenset({"资产编号", "ASSETNO", "ASSET", "ASSETNUMBER", "编号", "NO"})


class Bound(StrEnum):
    """What a list binds to assets."""

    TAGS = "tags"
    GIAIS = "giais"


class Line(msgspec.Struct, kw_only=True):
    """One line of the list; `wrong` says why it cannot be recorded, `already` that it is so."""

    number: int
    text: str
    asset: str = ""
    asset_no: str = ""
    value: str = ""
    tid: str = ""
    stream: str = ""
    verb: str = ""
    form: dict[str, Any] = msgspec.field(default_factory=dict)
    wrong: Words | None = None
    refused: Refused | None = None
    already: bool = False

    @property
    def right(self) -> bool:
        """Tell whether it can be recorded."""
        return not (self.wrong or self.refused or self.already)

    def why(self, lang: Lang) -> str:
        """Say why it cannot be recorded."""
        if self.refused is not None:
            return self.refused.sentence(lang)
        if self.wrong is None:
            return ""
        return in_language(self.wrong.zh, self.wrong.en, lang)


TWO_COLUMNS = Words("须有两列：资产编号、{what}。", "A line has two columns: asset number, {what}.")
NO_ASSET = Words("台账中没有资产编号 {no}。", "There is no asset {no}.")
TWICE = Words("与第 {line} 行重复：{value}。", "The same as line {line}: {value}.")
OTHERS = Words("{value} 已用于资产 {asset}。", "{value} belongs to asset {asset}.")
NO_PREFIX = Words(
    "{value} 的厂商识别代码没有登记；请先登记代码和持有单位。",
    "The company prefix of {value} is not recorded; record it and its holder first.",
)
TOO_MANY = Words(
    f"一次至多 {LINES_MAX} 行，请分次登记。", f"At most {LINES_MAX:,} lines at once; use several."
)
VALUES = {
    Bound.TAGS: Words("标签内容（EPC）", "tag content (EPC)"),
    Bound.GIAIS: Words("单项资产标识（GIAI）", "GIAI"),
}
CLAIMS = {Bound.TAGS: "epc", Bound.GIAIS: "giai"}


class TooMany(Exception):
    """The list has more lines than one act records."""


def read(office: Office, actor: Actor, text: str, bound: Bound) -> list[Line]:
    """Judge every line of a list; raise `TooMany`. Nothing is recorded."""
    lines = list(_lines(text, bound))
    if len(lines) > LINES_MAX:
        raise TooMany
    _named(office, lines)
    _held(office, lines, bound)
    _once(lines)
    for line in lines:
        if line.right:
            _asked(office, actor, line, bound)
    return lines


def requests(lines: Iterable[Line]) -> list[tuple[str, str, dict[str, Any]]]:
    """Return what the lines that are right ask for."""
    return [(line.stream, line.verb, line.form) for line in lines if line.right]


def _lines(text: str, bound: Bound) -> Iterable[Line]:
    plain = unicodedata.normalize("NFKC", text).lstrip("\ufeff")
    for number, written in enumerate(plain.splitlines(), start=1):
        cells = [cell.strip().strip("\"'") for cell in _cells(written.strip(), bound)]
        cells = [cell for cell in cells if cell]
        head = cells and "".join(cells[0].split()).upper().replace("_", "") in HEAD
        if not cells or (number == 1 and head):
            continue
        line = Line(number=number, text=written.strip()[:200])
        if len(cells) < 2:
            line.wrong = _said(TWO_COLUMNS, what=VALUES[bound])
        else:
            line.asset_no, line.value, line.tid = cells[0], cells[1], "".join(cells[2:3])
            if bound is Bound.TAGS:
                _as_tag(line)
        yield line


def _cells(written: str, bound: Bound) -> Sequence[str]:
    """Return the columns; where nothing but blanks divides them, a content may have some inside."""
    if COLUMNS.search(written):
        return COLUMNS.split(written)
    first, _, rest = written.partition(" ")
    return [first, "".join(rest.split())] if bound is Bound.TAGS else written.split()


def _as_tag(line: Line) -> None:
    """Write a content the one way in which it is bound."""
    try:
        if line.value.lower().startswith("urn:epc:"):
            line.value = epc.encode(line.value).hex
        else:
            line.value = epc.read(line.value).hex
    except BadEpc as bad:
        line.wrong = Words(bad.zh, bad.en)


def _named(office: Office, lines: Sequence[Line]) -> None:
    """Find the asset of each line by its number, or by its id."""
    of = {
        spelling: line
        for line in lines
        for spelling in (line.asset_no, identity.canonical_asset_no(line.asset_no))
    }
    held = office.book.log.claimed_of("asset_no", of) if of else {}
    for line in lines:
        spellings = (line.asset_no, identity.canonical_asset_no(line.asset_no))
        stream = next((held[one] for one in spellings if one in held), "")
        line.asset = stream.removeprefix("asset/")
        if not line.asset and not line.wrong:
            line.wrong = _said(NO_ASSET, no=line.asset_no[:80])


def _once(lines: Sequence[Line]) -> None:
    """Tell lines that name an asset or a content which an earlier line names."""
    for names in ("value", "asset"):
        first: dict[str, int] = {}
        for line in lines:
            value = getattr(line, names)
            if value and line.right and first.setdefault(value, line.number) != line.number:
                shown = line.asset_no if names == "asset" else value
                line.wrong = _said(TWICE, line=first[value], value=shown)


def _held(office: Office, lines: Sequence[Line], bound: Bound) -> None:
    """Tell what belongs to another asset, and what is bound as the line says."""
    held = office.book.log.claimed_of(CLAIMS[bound], {line.value for line in lines if line.right})
    for line in lines:
        stream = held.get(line.value, "")
        if line.right and stream == f"asset/{line.asset}":
            state = office.book.stream(stream).state
            line.already = line.value in (state.tag, state.giai)
        elif line.right and stream:
            no = office.book.stream(stream).state.asset_no or stream.removeprefix("asset/")
            line.wrong = _said(OTHERS, value=line.value, asset=no)


def _asked(office: Office, actor: Actor, line: Line, bound: Bound) -> None:
    """Ask what would be recorded, and keep the refusal."""
    if bound is Bound.TAGS:
        line.stream, line.verb = f"asset/{line.asset}", "bind_tag"
        line.form = {"epc": line.value, "tid": line.tid}
    else:
        prefix = _prefix(office, line.value)
        if not prefix:
            line.wrong = _said(NO_PREFIX, value=line.value[:40])
            return
        line.stream, line.verb = f"giai/{prefix}", "take_over"
        line.form = {"asset": line.asset, "giai": line.value}
    try:
        office.preview([(line.stream, line.verb, line.form)], actor)
    except Refused as refused:
        line.refused = refused
    except Conflict:
        line.wrong = _said(OTHERS, value=line.value, asset="?")


def _prefix(office: Office, giai: str) -> str:
    """Return the company prefix under which a GIAI stands, as far as any is recorded."""
    for size in range(6, 13):
        prefix = giai[:size]
        known = len(prefix) == size < len(giai) and PREFIX.fullmatch(prefix)
        if known and prefix.isascii() and office.book.stream(f"giai/{prefix}").version:
            return prefix
    return ""


def _said(words: Words, **details: Any) -> Words:
    zh = {k: v.zh if isinstance(v, Words) else v for k, v in details.items()}
    en = {k: v.en if isinstance(v, Words) else v for k, v in details.items()}
    return Words(words.zh.format(**zh), words.en.format(**en))
