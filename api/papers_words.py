"""The words of papers: what each form is called, who signs it, what stands beside the facts."""

from __future__ import annotations

import msgspec

from api.pages_words import CHOICES
from domain.paper_forms import PaperForm
from domain.words import Words

# What the papers of a kind of stream are about; any other kind is called what it is.
ABOUT = {
    "acquisition": Words("资产配置", "Acquisition of assets"),
    "asset": Words("资产", "Asset"),
    "claim": Words("资产申领", "Claim of assets"),
    "demand": Words("资产调剂需求", "Want of assets"),
    "conversion": Words("资产转换用途", "Change of use of assets"),
    "disposal": Words("资产处置", "Disposal of assets"),
    "exchange": Words("资产置换", "Exchange of assets"),
    "gathering": Words("会议活动资产移交", "Property bought for an event"),
    "intake": Words("资产入仓", "Intake into the public warehouse"),
    "lease": Words("资产出租", "Lease of assets"),
    "loan": Words("资产借用", "Loan of assets"),
    "place": Words("资产", "Assets"),
    "plan": Words("资产配置计划", "Configuration plan"),
    "reallocation": Words("资产调剂", "Reallocation of assets"),
    "unit": Words("资产", "Assets"),
}
# Papers that are called otherwise than by what they are about and their form.
TITLES = {
    ("asset", PaperForm.RECEIPT): Words("资产交回收据", "Receipt of an asset handed back"),
    ("asset", PaperForm.USE_CERTIFICATE): Words("房屋使用凭证", "Use certificate for premises"),
    ("disposal", PaperForm.DISPOSAL): Words(
        "国有资产处置审批表", "Disposal form for state-owned assets"
    ),
    ("exchange", PaperForm.RECEIPT): Words("换入资产收据", "Receipt of assets taken in exchange"),
    ("intake", PaperForm.INTAKE_RECEIPT): Words("公物仓入仓接收单", "Warehouse intake receipt"),
    ("intake", PaperForm.RECEIPT): Words("公物仓接收专用收据", "Receipt of the public warehouse"),
    ("lease", PaperForm.RECEIPT): Words("资产收回验收收据", "Receipt of leased assets taken back"),
    ("loan", PaperForm.RECEIPT): Words("资产归还验收收据", "Receipt of returned assets"),
    ("plan", PaperForm.SEARCH): Words(
        "购置前调剂查询证明", "Certificate of a search before buying"
    ),
    ("place", PaperForm.STOCKTAKE): Words("资产盘点表", "Stocktake sheet"),
    ("reallocation", PaperForm.RECEIPT): Words("资产调入收据", "Receipt of reallocated assets"),
    ("unit", PaperForm.STOCKTAKE): Words("资产盘点表", "Stocktake sheet"),
}


class Signer(msgspec.Struct, frozen=True):
    """A place to sign and seal: whose opinion or part it is, and who signs."""

    caption: Words
    signatures: tuple[Words, ...]


HANDLER = Words("经办人", "Handled by")
HEAD = Words("负责人", "Head")
REVIEWER = Words("审核人", "Reviewed by")
APPLYING = Signer(Words("申请单位意见", "Applying unit"), (HANDLER, HEAD))
DEPARTMENT = Signer(Words("主管部门意见", "Competent department"), (REVIEWER, HEAD))
DECIDING = Signer(Words("审批部门意见", "Deciding authority"), (REVIEWER, HEAD))
OFFICES = Signer(
    Words("机关事务管理部门意见", "Government offices administration"), (REVIEWER, HEAD)
)
FINANCE = Signer(Words("财政部门意见", "Finance department"), (REVIEWER, HEAD))
GIVER = Signer(
    Words("交出方", "Handed over by"), (Words("移交人", "Given by"), Words("监交人", "Witness"))
)
TAKER = Signer(
    Words("接收方", "Taken over by"), (Words("接收人", "Received by"), Words("监交人", "Witness"))
)
KEEPER = Signer(Words("公物仓", "Public warehouse"), (Words("仓管员", "Keeper"), HEAD))
OFFERING = Signer(Words("交仓单位", "Delivering unit"), (HANDLER, HEAD))
RECEIVER = Signer(Words("接收单位", "Receiving unit"), (Words("接收人", "Received by"), HEAD))
ISSUER = Signer(Words("核发单位", "Issuing unit"), (HANDLER, HEAD))
USER = Signer(Words("使用单位", "Using unit"), (Words("使用人", "User"), HEAD))
COUNTING = Signer(
    Words("盘点", "Count"), (Words("盘点人", "Counted by"), Words("监盘人", "Witness"))
)
POSTING = Signer(Words("会计核对", "Checked and posted"), (Words("会计", "Accountant"), HEAD))
HANDLING = Signer(Words("登记", "Record"), (HANDLER, REVIEWER))
HOLDING = Signer(Words("使用（保管）单位", "Holding unit"), (Words("管理员", "Asset clerk"), HEAD))

SEARCHING = Signer(Words("查询（需求）单位", "Unit that searched"), (HANDLER, HEAD))

SIGNERS: dict[PaperForm, tuple[Signer, ...]] = {
    PaperForm.APPLICATION: (APPLYING, DECIDING),
    PaperForm.APPROVAL: (APPLYING, DEPARTMENT, DECIDING),
    PaperForm.HANDOVER: (GIVER, TAKER),
    PaperForm.ORDER: (DECIDING, GIVER, TAKER),
    PaperForm.VOUCHER_OUT: (POSTING,),
    PaperForm.VOUCHER_IN: (POSTING,),
    PaperForm.RECEIPT: (RECEIVER,),
    PaperForm.INTAKE_RECEIPT: (OFFERING, KEEPER),
    PaperForm.DISPOSAL: (APPLYING, DEPARTMENT, OFFICES, FINANCE),
    PaperForm.USE_CERTIFICATE: (ISSUER, USER),
    PaperForm.RECORD: (HANDLING, HOLDING),
    PaperForm.SEARCH: (SEARCHING, OFFICES),
    PaperForm.STOCKTAKE: (COUNTING, HOLDING),
}

# A field that means something else in one fact than elsewhere.
OTHERWISE = {
    ("disposal.appraised", "value"): Words("评估价值", "appraised value"),
    ("exchange.appraised", "value"): Words("评估价值", "appraised value"),
}
SAYS = {
    "step": Words("本次登记", "what was recorded"),
    "pieces": Words("共 {count} 项，逐项见下表", "{count} pieces in all, each in the list below"),
    "actor": Words("经办人", "recorded by"),
    "not-approved": Words("未予批准", "not approved"),
    "books": Words("记账单位", "Books of"),
    "side": Words("方向", "Side"),
    "account-of": Words("科目", "Account"),
    "without": Words("{asset}：{why}，不提出凭证。", "{asset}: {why}; nothing is posted."),
    "no-cards": Words("没有列明资产卡片，不提出凭证。", "No cards are listed; nothing is posted."),
    "posting": Words(
        "本件只是建议：由单位会计核对后在本单位核算系统记账。",
        "This is a proposal: the accountant of the unit checks and posts it in its own system.",
    ),
    "account": Words("账面", "in the books"),
    "amount": Words("金额（元）", "Amount (yuan)"),
    "amount-plain": Words("金额", "Amount"),
    "book-value": Words("账面原值（元）", "Cost (yuan)"),
    "asset_no": Words("资产编号", "Asset no."),
    "counted": Words("实盘数量", "Counted"),
    "difference": Words("差异及说明", "Difference, remarks"),
    "docs": Words("附件", "Attachments"),
    "example": Words("示例", "EXAMPLE"),
    "name": Words("名称", "Name"),
    "model": Words("规格型号", "Model"),
    "on": Words("截止日期", "As of"),
    "place": Words("存放地点", "Place"),
    "policy": Words("适用规则：{policy}。{cites}", "Rules applied: {policy}.{cites}"),
    "quantity": Words("数量", "Qty"),
    "remark": Words("备注", "Remarks"),
    "reversed": Words("已红冲", "REVERSED"),
    "row": Words("序号", "No."),
    "taken": Words("已接收", "taken in"),
    "place-user": Words("存放地点、使用人", "Place, user"),
    "user": Words("使用人", "User"),
    "wanted": Words("计划购置", "To be bought"),
    "holder": Words("保管单位", "Kept by"),
    "ahead": Words("{day} 起可用", "free from {day}"),
    "answer": Words("答复及原因", "Answer and reason"),
    "none-found": Words("没有查到可调剂资产。", "Nothing was found to reallocate."),
    "beyond-named": Words(
        "查到 {count} 项，以上列出 {named} 项。", "{count} were found; {named} are listed."
    ),
    "check": Words(
        "核验：在本账本上运行 gongwu certificates {plan} --entry {entry}，或访问 "
        "/api/v1/{plan}/certificates?entry={entry}：按账本第 {position} 条时的状况重新查询，结果摘要须为 {sha256}。",
        "To verify: run gongwu certificates {plan} --entry {entry} on this ledger, or ask "
        "/api/v1/{plan}/certificates?entry={entry}: it searches again as of position {position}, and"
        " must come to the digest {sha256}.",
    ),
    "opinion": Words("{unit}（{role}）意见", "{unit} ({role})"),
    "decided": Words("{sentence}（{who}，{on}）", "{sentence} ({who}, {on})"),
    "reflects": Words(
        "依据账本第 {position} 条；打印时账本共 {size} 条，树根 {root}",
        "Made from entry {position} of the ledger; when printed it had {size} entries, root {root}",
    ),
    "void": Words("文号 {number} 已作废：{reason}。", "Number {number} was voided: {reason}."),
    "ledger": Words(
        "本件如与账本记录不一致，以账本该位置的记录为准；手写修改不改变账本。",
        "Where this paper and the ledger differ, the entry counts; handwriting changes no entry.",
    ),
}

# Documents that rules of places ask for, beside those that pages have words for.
DOCUMENTS = {
    "appraisal_filing": Words("评估核准（备案）表", "ratification or filing of the appraisal"),
    "data_wipe_certificate": Words("数据清除（销毁）证明", "proof that data were wiped"),
    "donation_receipt": Words("接受捐赠凭证", "receipt of the donation"),
    "draft_agreement": Words("协议草案", "draft agreement"),
    "loss_evidence": Words("损失证明材料", "evidence of the loss"),
    "necessity_opinion": Words("必要性审查意见", "opinion on necessity"),
    "quota_statement": Words("双方编制、存量和需求说明", "quota, stock and demand of both units"),
    "recipient_consent": Words("接收单位同意接收的文件", "consent of the recipient"),
    "responsibility_finding": Words("责任认定意见", "finding on responsibility"),
    "sale_contract": Words("转让合同", "contract of sale"),
    "take_back_agreement": Words("厂家回收协议", "take-back agreement"),
    "technical_assessment": Words("技术鉴定报告", "technical assessment"),
    "verification_ruling": Words("资产核实批复", "verification ruling"),
}


def document(slug: str) -> Words:
    """Return what a kind of document is called; what a person typed as it stands."""
    return CHOICES["paper"].get(slug) or DOCUMENTS.get(slug) or Words.of(slug)
