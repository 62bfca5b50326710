"""Write projections/data/initials.txt anew from the dictionaries of pypinyin (MIT).

The first line has a letter for every character from U+4E00 to U+9FFF (`?` for none), every other
one a phrase whose letters are not those of its characters, with its letters: shortest first, and
only what shorter phrases inside it do not say already.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from pathlib import Path

from pypinyin.constants import PHRASES_DICT, PINYIN_DICT

from projections import naming

PHRASE_MAX = 6


def letter(reading: str) -> str:
    """Return the first letter of a reading without its tone, empty if it has none."""
    first = unicodedata.normalize("NFD", reading)[:1]
    return first if first.isascii() else ""


def read(phrase: str, phrases: Mapping[str, str], letters: str) -> str:
    """Return the letters of a phrase by what is known of shorter ones, the longest first."""
    found, at = [], 0
    while at < len(phrase):
        for size in range(len(phrase) - at, 0, -1):
            part = phrase[at : at + size]
            said = phrases.get(part) or (letters[ord(part) - naming.FIRST] if size == 1 else "")
            if said:
                found.append(said)
                at += size
                break
    return "".join(found)


def text() -> str:
    """Return the content of the file."""
    found = (letter(PINYIN_DICT.get(at, "").partition(",")[0]) for at in range(0x4E00, 0xA000))
    letters = "".join(each or "?" for each in found)
    phrases: dict[str, str] = {}
    for phrase in sorted(PHRASES_DICT, key=lambda p: (len(p), p)):
        if len(phrase) <= PHRASE_MAX and all("\u4e00" <= c < "\ua000" for c in phrase):
            said = "".join(letter(readings[0]) for readings in PHRASES_DICT[phrase])
            if len(said) == len(phrase) and said != read(phrase, phrases, letters):
                phrases[phrase] = said
    return "\n".join([letters, *(f"{phrase} {said}" for phrase, said in phrases.items()), ""])


if __name__ == "__main__":
    Path(naming.INITIALS).write_text(text(), encoding="utf-8")
