"""Say what is wrong with a file: every problem, where it is, in both languages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

PROBLEMS_MAX: Final = 10_000
"""So many problems are listed; a last one says that there are more."""


class Problem(msgspec.Struct, frozen=True, gc=False):
    """One thing that is wrong: where, what, and what to do, in both languages.

    `column` counts characters for damaged text and cells for a bad value; 0 is the whole line.
    """

    file: str
    line: int
    column: int
    slug: str
    zh: str
    en: str


class Unreadable(Exception):
    """A file that cannot be taken, with all its problems; nothing of it was used."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Keep the problems in the order of the file, at most `PROBLEMS_MAX` and a closing word."""
        ordered = sorted(problems, key=lambda each: (each.line, each.column))
        if len(ordered) > PROBLEMS_MAX:
            last = ordered[PROBLEMS_MAX]
            more = Problem(
                last.file,
                last.line,
                0,
                "more-problems",
                "自此行起还有问题，未一一列出。请先改正上面的问题再导入。",
                "From this line on there are more problems, not listed. "
                "Correct the above and import again.",
            )
            ordered = [*ordered[:PROBLEMS_MAX], more]
        self.problems = tuple(ordered)
        super().__init__(f"{len(ordered)} problems, the first: {ordered[0].en}")

    def in_chinese(self) -> str:
        """Say every problem in Chinese, one per line."""
        return "\n".join(
            f"{each.file} 第{each.line}行"
            + (f"第{each.column}列" if each.column else "")
            + f"：{each.zh}"
            for each in self.problems
        )

    def in_english(self) -> str:
        """Say every problem in English, one per line."""
        return "\n".join(
            f"{each.file}, line {each.line}"
            + (f", column {each.column}" if each.column else "")
            + f": {each.en}"
            for each in self.problems
        )


def refuse(file: str, slug: str, zh: str, en: str, line: int = 1) -> Unreadable:
    """Make the refusal of a file for one reason."""
    return Unreadable([Problem(file, line, 0, slug, zh, en)])
