"""Unified social credit codes (GB 32100-2015): what is doubtful about one, never whether it is.

Real codes of the first years fail the check, so a doubt is a warning and refuses nobody
(DOMAIN.md s.2).
"""

from __future__ import annotations

from domain.words import Term

LETTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # without I, O, S, V, Z
LENGTH = 18


class Doubt(Term):
    """Why a code is doubtful."""

    LENGTH = "length", "不是18位", "it does not have 18 characters"
    LETTER = "letter", "含有编码不用的字符", "it has a character that codes do not use"
    CHECK = "check", "校验码不符", "its check character does not fit"


def check_character(body: str) -> str:
    """Return the 18th character for the first 17; raise ValueError for other letters.

    Weights are the powers of three modulo 31.
    """
    total = sum(LETTERS.index(letter) * pow(3, i, 31) for i, letter in enumerate(body))
    return LETTERS[(31 - total % 31) % 31]


def doubt(code: str) -> Doubt | None:
    """Return what is doubtful about a code; None when nothing is, or when there is no code."""
    if not code:
        return None
    if len(code) != LENGTH:
        return Doubt.LENGTH
    if any(letter not in LETTERS for letter in code):
        return Doubt.LETTER
    return None if code[-1] == check_character(code[:-1]) else Doubt.CHECK
