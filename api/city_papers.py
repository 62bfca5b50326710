"""What the papers are called on which the facts of imports and of the example city rest."""

from __future__ import annotations

from typing import Final

from domain.words import Words

PAPERS: Final = {
    "acceptance_report": Words("验收单", "acceptance report"),
    "agreement": Words("协议", "agreement"),
    "approval": Words("批复", "approval"),
    "asset_card": Words("资产卡片", "asset card"),
    "deal_confirmation": Words("成交确认书", "deal confirmation"),
    "decision": Words("决定", "decision"),
    "delivery_note": Words("送货单", "delivery note"),
    "hand_over_slip": Words("交接单", "hand-over slip"),
    "intake_form": Words("入仓申请表", "intake application"),
    "issue_slip": Words("领用单", "issue slip"),
    "loan_form": Words("借用申请表", "loan application"),
    "minutes": Words("会议纪要", "minutes"),
    "payment_slip": Words("缴款书", "payment slip"),
    "reallocation_form": Words("调剂申请表", "reallocation application"),
    "recycling_certificate": Words("回收证明", "recycling certificate"),
    "return_slip": Words("归还单", "return slip"),
    "ruling": Words("责任认定书", "ruling on liability"),
    "settlement": Words("收入结算表", "income settlement"),
    "source_file": Words("公开数据文件", "file of published data"),
    "source_row": Words("公开数据原始行", "row of published data"),
    "transfer_slip": Words("移位单", "transfer slip"),
    "voucher": Words("记账凭证", "voucher"),
    "warehouse_receipt": Words("入仓单", "warehouse receipt"),
}
