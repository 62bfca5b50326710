"""Print papers people sign and seal: applications, approvals, receipts, as PDF on A4.

`pdf` is a pure function: the same paper gives the same bytes, wherever and whenever. What a paper
says is decided elsewhere; here is how it stands on the page. Nothing is cut off: texts wrap, rows
of a table are never divided between pages (unless one alone is higher than a page), and a long
table is continued with its heads repeated and a subtotal on every page.
"""

from __future__ import annotations

from typing import Final

from labels import paper_draw, paper_plan
from labels.paper_parts import Paper

ROWS_MAX: Final = 10_000  # what an act may carry; about 400 pages


class TooLong(ValueError):
    """Refuse a list beyond what one paper may have; `zh` and `en` say so."""

    def __init__(self, rows: int) -> None:
        self.zh = f"清单有 {rows:,} 行，一份文书最多 {ROWS_MAX:,} 行；请分批办理。"
        self.en = f"The list has {rows:,} rows; one paper has at most {ROWS_MAX:,}. Split it."
        super().__init__(self.en)


def pdf(paper: Paper) -> bytes:
    """Print a paper as PDF 1.4 on A4, its type embedded; the same paper gives the same bytes.

    Raises `TooLong`, and `qr.DoesNotFit` for an identity that no code on paper can hold.
    """
    if paper.table is not None and len(paper.table.rows) > ROWS_MAX:
        raise TooLong(len(paper.table.rows))
    return paper_draw.drawn(paper, paper_plan.pages(paper))
