"""Every sentence of the pages, in Chinese and English, and the words of every stored choice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from api.pages_phrases import PHRASES
from api.pages_telling import REASONS
from domain.asset import Book, Custody, Kind, Lock
from domain.decider import LIFECYCLES
from domain.leaving import Form
from domain.place import PlaceKind
from domain.ruling import RulingStatus
from domain.unit import UnitKind
from domain.words import Term, Words, in_language
from projections import cases

DATASETS: Final = ("example", "seattle", "leso")


def say(key: str, lang: str, **values: Any) -> str:
    """Return a phrase in a language; a key nobody translated is our bug."""
    zh, en = PHRASES[key]
    return in_language(zh, en, lang).format(**values)


def words_of(term: type[Term]) -> dict[str, Words]:
    """Return the words of a closed choice by stored value."""
    return {member.value: member.words for member in term}


CHOICES: Final[Mapping[str, Mapping[str, Words]]] = {
    "kind": words_of(Kind),
    "book": words_of(Book) | {"any": Words("全部（含已核销）", "all, derecognised too")},
    "custody": words_of(Custody),
    "lock": words_of(Lock),
    "unit-kind": words_of(UnitKind),
    "place-kind": words_of(PlaceKind),
    "form": words_of(Form),
    "ruling": words_of(RulingStatus),
    "dataset": {
        "example": Words("示例市（示例数据）", "Example city (example data)"),
        "seattle": Words("西雅图市车队（公开数据）", "City of Seattle fleet (public data)"),
        "leso": Words(
            "美国国防部1033项目，2019年第四季度（公开数据）",
            "US DoD 1033 programme, 4th quarter of 2019 (public data)",
        ),
    },
    "dataset-short": {
        "seattle": Words("公开数据·西雅图市", "Public data · City of Seattle"),
        "leso": Words("公开数据·美国国防后勤局", "Public data · US DLA"),
    },
    "reason": REASONS,
    "paper": {
        "source_row": Words("公开数据原始行", "row of published data"),
        "source_file": Words("公开数据文件", "published file"),
        "import_sheet": Words("导入的表格", "sheet that was sent in"),
        "asset_card": Words("资产卡片", "asset card"),
        "issue_slip": Words("领用单", "issue slip"),
        "delivery_note": Words("送货单", "delivery note"),
        "acceptance_report": Words("验收单", "acceptance report"),
        "warehouse_receipt": Words("入库单", "warehouse receipt"),
        "hand_over_slip": Words("交接单", "hand-over slip"),
        "approval": Words("批复", "approval"),
        "voucher": Words("记账凭证", "voucher"),
        "intake_form": Words("入仓申请表", "intake form"),
        "lease_form": Words("出租申请表", "lease form"),
        "minutes": Words("会议纪要", "minutes"),
        "loan_form": Words("借用申请表", "loan form"),
        "reallocation_form": Words("调剂申请表", "reallocation form"),
        "deal_confirmation": Words("成交确认书", "deal confirmation"),
        "recycling_certificate": Words("回收证明", "recycling certificate"),
        "photo": Words("照片", "photographs"),
        "return_slip": Words("归还单", "return slip"),
        "agreement": Words("协议", "agreement"),
        "settlement": Words("结算单", "settlement"),
        "payment_slip": Words("缴款书", "payment slip"),
        "decision": Words("决定", "decision"),
        "appraisal_report": Words("评估报告", "appraisal report"),
        "assessment_report": Words("技术鉴定报告", "technical assessment report"),
        "auction_record": Words("拍卖记录", "auction record"),
        "deregistration_certificate": Words("注销登记证明", "deregistration certificate"),
        "transfer_registration": Words("机动车转移登记证明", "vehicle's transfer in the register"),
        "title_registration": Words(
            "不动产转移（注销）登记证明", "title to real estate passed on or cancelled"
        ),
        "destruction_record": Words("销毁记录", "destruction record"),
        "listing": Words("挂牌公告", "listing notice"),
        "stock_note": Words("存量情况说明", "statement of stock"),
        "transfer_slip": Words("划转单", "transfer slip"),
        "technical_assessment": Words("技术鉴定报告", "technical assessment"),
        "appraisal_filing": Words("评估核准（备案）表", "filing of the appraisal"),
        "draft_agreement": Words("协议草案", "draft agreement"),
        "sale_contract": Words("转让合同", "contract of sale"),
        "recipient_consent": Words("接收单位同意接收的文件", "consent of the recipient"),
        "donation_receipt": Words("接受捐赠凭证", "receipt of the donation"),
        "quota_statement": Words("双方编制、存量和需求说明", "quota, stock and demand of both"),
        "take_back_agreement": Words("厂家回收协议", "take-back agreement"),
        "data_wipe_certificate": Words("数据清除（销毁）证明", "proof that data were wiped"),
        "loss_evidence": Words("损失证明材料", "evidence of the loss"),
        "responsibility_finding": Words("责任认定意见", "finding on responsibility"),
        "verification_ruling": Words("资产核实批复", "verification ruling"),
        "necessity_opinion": Words("必要性审查意见", "opinion on necessity"),
    },
} | {f"status-{kind}": words_of(type(LIFECYCLES[kind].state().status)) for kind in cases.KINDS}
