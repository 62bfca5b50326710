"""What may be asked in the query of an address: each parameter is declared once, as what it holds.

The same declaration is published (OpenAPI) and held against what comes (`rest_questions`): what the
description calls valid is never refused as badly written, and what it does not is. Whatever is
empty counts as not given.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from domain.words import Words

VALUE_CHARS_MAX = 2_000
POSITION_MAX = 10**12 - 1  # of an entry in the log; as many digits as are read
# What a page leads on with says its last line, in ways of its own; none of them is to be made up.
CURSOR = r"^[A-Za-z0-9_~/.=+:-]{1,2000}$"
SAID = r"^[^\u0000]*[^\s\u0000][^\u0000]*$"  # something, and not only blanks
DAY = {"type": "string", "format": "date"}
MONTH = {"type": "string", "pattern": r"^[0-9]{4}-(0[1-9]|1[0-2])$"}
TIME = {"type": "string", "format": "date-time"}
STYLES = {",": "form", "|": "pipeDelimited"}
REQUIRED = Words("必填", "This is required")
SIZE = {"type": "string", "pattern": r"^[0-9]{1,12}$"}


@dataclass(frozen=True)
class Parameter:
    """A name, what it means in both languages, and the JSON Schema of what it holds."""

    name: str
    said: str
    schema: dict[str, Any]
    required: Words | None = None  # what is said where it is not given
    between: str = ","  # the values, where it may have several

    def published(self) -> dict[str, Any]:
        """Return what the description says of it."""
        told = {"name": self.name, "in": "query", "schema": self.schema, "description": self.said}
        if self.schema.get("type") == "array":
            told |= {"style": STYLES[self.between], "explode": False}
        return told | ({} if self.required is None else {"required": True})


def text(name: str, said: str, *, pattern: str = "", required: Words | None = None) -> Parameter:
    """Declare words, or the name of something."""
    held = {"type": "string", "maxLength": VALUE_CHARS_MAX, "pattern": pattern or r"^[^\u0000]*$"}
    return Parameter(name, said, held | ({"minLength": 1} if required else {}), required)


def last(said: str = "上一页的 next · the `next` of the page before") -> Parameter:
    """Declare that a list goes on behind a name, whatever is called so."""
    return text("after", said)


def cursor(name: str = "after", said: str = "续页标记 · cursor") -> Parameter:
    """Declare where a list goes on, as the answer before said it; the list knows its own."""
    return Parameter(name, said, {"type": "string", "pattern": CURSOR})


def day(name: str, said: str) -> Parameter:
    """Declare a business date."""
    return Parameter(name, said, DAY)


def month(name: str, said: str) -> Parameter:
    """Declare a month that must be said."""
    return Parameter(name, said, MONTH, REQUIRED)


def moment(name: str, said: str) -> Parameter:
    """Declare a time of knowing: a date, or a time with its zone."""
    return Parameter(name, said, {"anyOf": [DAY, TIME]})


def knowing(name: str, said: str) -> Parameter:
    """Declare what was known: a time, or exactly, a size of the log."""
    return Parameter(name, said, {"anyOf": [DAY, TIME, SIZE]})


def number(
    name: str,
    said: str,
    low: int,
    high: int,
    default: int | None = None,
    *,
    required: Words | None = None,
) -> Parameter:
    """Declare a whole number between two bounds."""
    held: dict[str, Any] = {"type": "integer", "minimum": low, "maximum": high}
    return Parameter(name, said, held | ({} if default is None else {"default": default}), required)


def choice(
    name: str,
    said: str,
    among: Iterable[str],
    default: str = "",
    *,
    required: Words | None = None,
) -> Parameter:
    """Declare one of a few words."""
    held: dict[str, Any] = {"type": "string", "enum": [str(one) for one in among]}
    return Parameter(name, said, held | ({"default": default} if default else {}), required)


def several(name: str, said: str, among: Iterable[str], between: str = ",") -> Parameter:
    """Declare some of a few words, with commas or bars between them."""
    items = {"type": "string", "enum": [str(one) for one in among]}
    return Parameter(name, said, {"type": "array", "items": items}, between=between)


def flag(name: str, said: str) -> Parameter:
    """Declare true or false; not given is neither."""
    return Parameter(name, said, {"type": "boolean"})
