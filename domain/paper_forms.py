"""The forms that people print, sign and seal: which of them a step leaves, its fact declares."""

from __future__ import annotations

from domain.words import Term


class PaperForm(Term):
    """The forms of papers (DOMAIN.md i.20; DB3713/T 204-2020 annexes)."""

    APPLICATION = "application", "申请表", "application"
    APPROVAL = "approval", "审批表", "approval"
    ORDER = "allocation-order", "通知单", "allocation order"
    HANDOVER = "handover-note", "交接单", "handover note"
    RECEIPT = "receipt", "收据", "receipt"
    VOUCHER_OUT = "voucher-out", "调出方记账凭证建议", "voucher of the giver"
    VOUCHER_IN = "voucher-in", "调入方记账凭证建议", "voucher of the taker"
    INTAKE_RECEIPT = "intake-receipt", "入仓接收单", "intake receipt"
    DISPOSAL = "disposal-form", "处置审批表", "disposal form"
    USE_CERTIFICATE = "use-certificate", "使用凭证", "use certificate"
    RECORD = "record-sheet", "登记表", "record sheet"
    SEARCH = "search-certificate", "调剂查询证明", "search certificate"
    STOCKTAKE = "stocktake-sheet", "盘点表", "stocktake sheet"
