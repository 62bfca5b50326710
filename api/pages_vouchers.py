"""The vouchers a case proposes to both sides, on its page; the accounting system posts."""

from __future__ import annotations

from typing import Any, Final

from api import papers, vouchers
from api.pages_view import Page
from domain.vouchers import OCCASIONS, Side, Voucher
from domain.words import Words
from ledger.book import Stream

TITLE: Final = Words("记账凭证建议", "Vouchers proposed")
ABOUT: Final = Words(
    "由双方会计核对后在各自的核算系统记账；本系统只提出建议，金额来自资产卡片。",
    "The accountants of both sides check and post these in their own systems; the amounts are those"
    " of the cards.",
)
WITHOUT: Final = Words("不提出凭证的", "For which nothing is posted")
HEADS: Final = (
    Words("方向", "side"),
    Words("科目", "account"),
    Words("借方（元）", "debit (yuan)"),
    Words("贷方（元）", "credit (yuan)"),
)
SUM: Final = Words("合计", "total")


def panel(page: Page, stream: Stream) -> dict[str, Any] | None:
    """Return the vouchers of a case as its page draws them; None where there are none."""
    found = papers.proposal_of(page.office, stream)
    if found is None or not (found.out or found.into or found.without):
        return None

    def drawn(voucher: Voucher) -> dict[str, Any]:
        sums = [vouchers.money(voucher.total(side), voucher.currency) for side in Side]
        occasion = page.words(OCCASIONS[voucher.occasion])
        return {
            "title": f"{page.name_of('unit', voucher.unit)} · {occasion}",
            "lines": [
                {
                    "side": page.words(line.side.words),
                    "account": f"{line.code} {page.words(line.account)}",
                    "amounts": [
                        vouchers.money(line.amount, voucher.currency) if line.side is side else ""
                        for side in Side
                    ],
                }
                for line in voucher.lines
            ],
            "sum": page.words(SUM),
            "sums": sums,
        }

    return {
        "title": page.words(TITLE),
        "about": page.words(ABOUT),
        "heads": [page.words(head) for head in HEADS],
        "vouchers": [drawn(voucher) for voucher in (*found.out, *found.into)],
        "without_title": page.words(WITHOUT),
        "without": [
            (f"/assets/{id_}", page.name_of("asset", id_), page.words(why.words))
            for id_, why in found.without
        ],
    }
