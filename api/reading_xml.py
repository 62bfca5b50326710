"""Read XML that anybody may have sent: no document types, no entities, bounded in every direction."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Final, NoReturn
from xml.etree import ElementTree as ET
from xml.parsers import expat

DEPTH_MAX: Final = 64
ELEMENTS_MAX: Final = 8_000_000
TEXT_MAX: Final = 100_000
"""So many characters of text in one element."""


class Hostile(ValueError):
    """A document that declares types or entities, or exceeds a limit: it is not read further."""


class Broken(ValueError):
    """A document that is not well-formed XML, or breaks off."""


class Reader:
    """Builds elements, and gives each that is asked for to `take` with its line, once it ends.

    What was taken is let go, so a statement of a hundred thousand entries is never in memory whole.
    """

    def __init__(
        self, wanted: Collection[str] = (), take: Callable[[ET.Element, int], None] | None = None
    ) -> None:
        self._wanted, self._take = wanted, take
        self._open: list[ET.Element] = []
        self._lines: list[int] = []
        self._text: list[str] = []
        self._count = self._length = 0
        self.root: ET.Element | None = None
        parser = expat.ParserCreate(namespace_separator="}")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._said
        # The parser knows the encoding; looking for the letters in the bytes would miss UTF-16.
        parser.StartDoctypeDeclHandler = _hostile
        parser.EntityDeclHandler = _hostile
        parser.ExternalEntityRefHandler = _hostile
        self._parser = parser

    def read(self, content: bytes) -> ET.Element:
        """Return the root; raise `Hostile` or `Broken`."""
        try:
            self._parser.Parse(content, True)
        except expat.ExpatError as error:
            raise Broken(f"line {error.lineno}: {expat.ErrorString(error.code)}") from error
        except (LookupError, UnicodeError) as error:
            raise Broken(str(error)) from error
        assert self.root is not None, "expat refuses a document without an element"
        return self.root

    @property
    def line(self) -> int:
        """Return the line that was read last."""
        return self._parser.CurrentLineNumber

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if len(self._open) >= DEPTH_MAX or self._count > ELEMENTS_MAX:
            raise Hostile("too deep or too many elements")
        self._keep()
        element = ET.Element(local(name), attributes)
        if self._open:
            self._open[-1].append(element)
        else:
            element.set("xmlns", name.rpartition("}")[0])
            self.root = element
        self._open.append(element)
        self._lines.append(self._parser.CurrentLineNumber)

    def _end(self, name: str) -> None:
        self._keep()
        element, line = self._open.pop(), self._lines.pop()
        if self._take is not None and local(name) in self._wanted:
            self._take(element, line)
            element.clear()
            if self._open:
                self._open[-1].remove(element)

    def _said(self, text: str) -> None:
        self._length += len(text)
        if self._length > TEXT_MAX:
            raise Hostile("too long a text")
        self._text.append(text)

    def _keep(self) -> None:
        """Text counts as its element's own when it comes first, which is all that data has."""
        if self._open and not len(self._open[-1]):
            self._open[-1].text = (self._open[-1].text or "") + "".join(self._text)
        self._text.clear()
        self._length = 0


def _hostile(*_: Any) -> NoReturn:
    raise Hostile("document types and entities are not read")


def local(name: str) -> str:
    """Return a name without its namespace."""
    return name.rpartition("}")[2]
