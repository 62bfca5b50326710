"""Read tag contents out of whatever a person pastes or a file holds: lines, columns, run together.

Nothing is dropped: what is no tag is given back as it stood, for the reader to look at.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import Final

from labels import epc
from labels.epc import BadEpc, Epc
from labels.epc_schemes import BY_HEADER

TEXT_CHARS_MAX: Final = 5_000_000
TAGS_MAX: Final = 50_000

_SEPARATOR = re.compile(r"[\s,;|，；、\"'\[\](){}]+")
_LINE = re.compile(r"[\r\n]+")
_HEX = re.compile(r"(?:0[xX])?([0-9A-Fa-f]+)")
_GROUPED = re.compile(
    r"(?:[0-9A-Fa-f]{2}|[0-9A-Fa-f]{4})(?:[ \-:](?:[0-9A-Fa-f]{2}|[0-9A-Fa-f]{4})){3,}"
)
_TAG_CHARS_MIN: Final = 16  # shorter hexadecimal is a count, a signal or a serial beside the tag
_USUAL: Final = 24  # 96 bits, what nearly every tag holds
_ALONE_MAX: Final = 32  # up to 128 bits an unknown content stands for one tag


@dataclass(frozen=True, slots=True)
class Pasted:
    """What was found: each tag once in order of appearance, how often each stood there, the rest.

    `counts` is by `Epc.hex`; `unread` are the pieces that are no tag, at most 1,000.
    """

    tags: tuple[Epc, ...]
    counts: dict[str, int]
    unread: tuple[str, ...]

    @property
    def reads(self) -> int:
        """Count every appearance."""
        return sum(self.counts.values())


def read_tags(text: str) -> Pasted:
    """Find every tag content in a text; raise `BadEpc` when there is too much of it."""
    if len(text) > TEXT_CHARS_MAX:
        raise BadEpc(
            f"内容超过{TEXT_CHARS_MAX}个字符，请分次粘贴或导入。",
            f"More than {TEXT_CHARS_MAX:,} characters; paste or import it in parts.",
        )
    counts: Counter[str] = Counter()
    tags: dict[str, Epc] = {}
    unread: list[str] = []
    for line in _LINE.split(unicodedata.normalize("NFKC", text).lstrip("\ufeff")):
        for content in _contents(line.strip(), unread):
            found = epc.read(content)
            counts[found.hex] += 1
            tags.setdefault(found.hex, found)
            if len(tags) > TAGS_MAX:
                raise BadEpc(
                    f"一次至多读入{TAGS_MAX}个标签，请分次导入。",
                    f"At most {TAGS_MAX:,} tags at once; import them in parts.",
                )
    return Pasted(tuple(tags.values()), dict(counts), tuple(unread[:1_000]))


def _contents(line: str, unread: list[str]) -> list[str]:
    """Return the contents in a line; the other columns of a line with a tag are left out."""
    if not line:
        return []
    if _GROUPED.fullmatch(line):
        return _split(re.sub(r"[ \-:]", "", line), unread)
    found: list[str] = []
    others: list[str] = []
    for token in filter(None, _SEPARATOR.split(line)):
        if token.lower().startswith("urn:epc:tag:") or token.lower().startswith("urn:epc:raw:"):
            try:
                found.append(epc.encode(token).hex)
            except BadEpc:
                others.append(token)
            continue
        bare = _HEX.fullmatch(token)
        if bare and len(bare[1]) >= _TAG_CHARS_MIN:
            found += _split(bare[1].upper(), unread)
        else:
            others.append(token)
    if not found:
        unread += [line] if len(others) > 1 else others
    return found


def _split(run: str, unread: list[str]) -> list[str]:
    """Cut contents that were run together, each as long as its header says."""
    if len(run) <= _ALONE_MAX or _whole(run):
        return [run]
    found: list[str] = []
    at = 0
    while at < len(run):
        scheme = BY_HEADER.get(int(run[at : at + 2], 16))
        size = scheme.words * 4 if scheme else _USUAL
        piece = run[at : at + size]
        if len(piece) < size:
            unread.append(piece)
            break
        found.append(piece)
        at += size
    return found


def _whole(run: str) -> bool:
    try:
        return len(epc.decode(run).hex) == len(run)
    except BadEpc:
        return False
