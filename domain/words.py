"""Every word a person can see that is not a sentence of its own: in Chinese and English."""

from __future__ import annotations

import re
from datetime import date
from enum import StrEnum
from typing import Any, Self

import msgspec


class Words(msgspec.Struct, frozen=True):
    """One term in both languages (DOMAIN.md a)."""

    zh: str
    en: str

    @classmethod
    def of(cls, slug: str) -> Words:
        """Return the term for a role, field or choice; the slug itself when none is known."""
        return TERMS.get(slug) or cls(slug, slug.replace("_", " "))


class Term(StrEnum):
    """A closed choice whose members carry their words: `STORE = "store", "库存", "in store"`."""

    words: Words

    def __new__(cls, value: str, zh: str, en: str) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.words = Words(zh, en)
        return member


def in_words(value: Any, lang: str) -> str:
    """Return a value as a person of that language reads it."""
    match value:
        case Term() as term:
            return term.words.zh if lang == "zh" else term.words.en
        case Words() as words:
            return words.zh if lang == "zh" else words.en
        case tuple() | list() as many:
            return ("、" if lang == "zh" else ", ").join(in_words(v, lang) for v in many)
        case date() as day:
            return day.isoformat()
        case None:
            return "未载明" if lang == "zh" else "not stated"
        case bool() as yes:
            return ("是" if yes else "否") if lang == "zh" else ("yes" if yes else "no")
        case _:
            return str(value)


LAWS: dict[str, str] = {
    "《行政事业性国有资产管理条例》": (
        "Regulations on State-Owned Assets of Administrative Organs and Public Institutions "
        "(State Council Order 738)"
    ),
    "《机关事务管理条例》": "Regulations on Government Offices Administration (State Council Order 621)",
    "《新疆维吾尔自治区机关事务管理办法》": (
        "Xinjiang Measures for Government Offices Administration (Order 231)"
    ),
    "《内蒙古自治区机关事务管理办法》": (
        "Inner Mongolia Measures for Government Offices Administration (Order 238)"
    ),
    "《内蒙古自治区机关运行保障条例》": (
        "Inner Mongolia Regulations on Support for the Operation of Government Organs"
    ),
    "《山西省机关事务管理办法》": "Shanxi Measures for Government Offices Administration",
    "《新疆维吾尔自治区机关事务工作“十四五”规划（修订版）》": (
        "Xinjiang 14th Five-Year Plan for Government Offices Administration (revised)"
    ),
    "国管资〔2009〕167号": "Guo Guan Zi (2009) No. 167",
}


def cited(law: str, lang: str) -> str:
    """Return the article of a rule as a person of that language reads it; empty stays empty."""
    if lang == "zh" or not law:
        return law
    title, article = re.fullmatch(r"(.+?)第([^第]+)条", law).groups()  # type: ignore[union-attr] # a test reads every rule
    return f"{LAWS[title]}, art. {article.replace('、', ', ')}"


class Role(Term):
    """Who acts (DOMAIN.md c)."""

    CLERK = "clerk", "单位资产管理员", "asset clerk"
    ACCOUNTANT = "accountant", "单位财务", "unit accountant"
    HEAD = "head", "单位负责人", "unit head"
    KEEPER = "keeper", "仓管员", "warehouse keeper"
    DEPARTMENT = "department", "主管部门", "competent department"
    OFFICE = "office", "机关事务管理", "offices administration"
    FINANCE = "finance", "财政部门", "finance department"
    GOVERNMENT = "government", "本级人民政府", "government of the level"
    AUDITOR = "auditor", "审计", "auditor"
    ADMIN = "admin", "系统管理员", "system administrator"
    IMPORTER = "importer", "数据导入", "data import"


TERMS: dict[str, Words] = {role.value: role.words for role in Role} | {
    "about": Words("涉及事项", "about"),
    "accepted_on": Words("验收日期", "accepted on"),
    "accounting_unit": Words("入账单位", "accounting unit"),
    "accumulated": Words("累计折旧", "accumulated depreciation"),
    "acquired": Words("取得日期", "acquired on"),
    "acquired_year": Words("取得年份", "year acquired"),
    "acknowledged": Words("已知悉提示，仍要提交", "warned, and submitted all the same"),
    "acquisition": Words("购置申请", "acquisition"),
    "add": Words("增加的资产", "assets to add"),
    "add_coming": Words("增加的换入资产", "coming assets to add"),
    "added": Words("增加的资产", "assets added"),
    "agreement": Words("协议编号", "agreement no."),
    "agreement_no": Words("协议编号", "agreement no."),
    "agreements": Words("委托协议", "agreements"),
    "amount": Words("金额", "amount"),
    "applicant": Words("申请人", "applicant"),
    "appraisal": Words("须先评估", "appraisal required"),
    "appraised": Words("评估价", "appraised value"),
    "appraiser": Words("评估机构", "appraiser"),
    "approval": Words("审批", "approval"),
    "approval_no": Words("批准文号", "approval no."),
    "approved_amount": Words("批准金额", "approved amount"),
    "archives": Words("移交档案", "records handed over"),
    "area": Words("面积（平方米）", "area (square metres)"),
    "area_approved": Words("核定面积（平方米）", "approved area (square metres)"),
    "area_left": Words("剩余办公面积（平方米）", "office area left (square metres)"),
    "asked": Words("申请填报", "as asked"),
    "asked_form": Words("申请方式", "form asked for"),
    "asked_price": Words("申请成交价", "price asked for"),
    "asker": Words("提出人", "told by"),
    "assessed": Words("已技术鉴定", "technically assessed"),
    "assessor": Words("鉴定单位", "assessed by"),
    "asset": Words("资产", "asset"),
    "asset_no": Words("资产编号", "asset number"),
    "assets": Words("资产清单", "assets"),
    "auctioneer": Words("拍卖机构", "auctioneer"),
    "base_date": Words("基准日", "base date"),
    "basis": Words("计算单位", "counted for"),
    "blind": Words("盲盘（不显示清单）", "blind: the list is not shown"),
    "books": Words("账务处理", "books"),
    "boot": Words("补价", "boot money"),
    "borrower": Words("借用单位", "borrower"),
    "budget_line": Words("预算科目", "budget line"),
    "buyer": Words("买受人", "buyer"),
    "came": Words("已换入", "came in"),
    "cap": Words("数量上限", "most allowed"),
    "cards": Words("卡片数", "number of cards"),
    "carrier": Words("标签载体", "carrier"),
    "case": Words("所属事项", "case"),
    "cases": Words("相关事项", "related cases"),
    "cause": Words("原因", "cause"),
    "certificate": Words("回收（销毁）证明", "certificate no."),
    "certificate_no": Words("使用凭证号", "use certificate no."),
    "check": Words("校验码", "check character"),
    "checked_on": Words("核验日期", "checked on"),
    "checkpoint": Words("检查点原文", "checkpoint as signed"),
    "cites": Words("依据条款", "articles"),
    "closed": Words("已结账至", "closed until"),
    "class_code": Words("分类代码", "class code"),
    "class_scheme": Words("分类标准版本", "class code version"),
    "code": Words("代码", "code"),
    "code_side": Words("二维码边长（毫米）", "side of the code (mm)"),
    "code_signed": Words(
        "二维码带完整签名（可离线校验）", "whole signature in the code (checked offline)"
    ),
    "columns": Words("列数", "columns"),
    "coming": Words("换入资产", "assets that come in"),
    "compensation": Words("赔偿金额", "compensation"),
    "competent": Words("主管部门", "competent department"),
    "conclusion": Words("鉴定结论", "conclusion"),
    "condition": Words("成色", "condition"),
    "conflicts": Words("编号重复内容不同", "contradicting scans"),
    "content": Words("规则内容", "content of the rules"),
    "contents": Words("内装资产", "assets in it"),
    "converted": Words("已转换", "converted"),
    "copies": Words("卡片张数", "number of cards"),
    "cost": Words("费用", "cost"),
    "cost_kind": Words("费用种类", "kind of cost"),
    "commitment": Words("承诺值", "commitment"),
    "count": Words("件数", "number of items"),
    "count_places": Words("盘点地点（不填为全部）", "places to count (none: everywhere)"),
    "counted_on": Words("计入日期", "counted on"),
    "counter": Words("盘点人", "counter"),
    "currency": Words("币种", "currency"),
    "custodian": Words("保管单位", "custodian"),
    "custody": Words("实物状态", "custody"),
    "cut_off": Words("移交基准日", "cut-off date"),
    "days": Words("天数", "days"),
    "deal_no": Words("成交确认书编号", "deal confirmation no."),
    "dearest": Words("单件最高", "dearest item"),
    "deductions": Words("扣除", "deductions"),
    "delegate": Words("受托人", "delegate"),
    "delegator": Words("委托人", "delegator"),
    "destroyed": Words("已销毁", "destroyed"),
    "destroyed_on": Words("销毁日期", "destroyed on"),
    "device": Words("设备", "device"),
    "differences": Words("差异", "differences"),
    "differences_sha256": Words("差异清单摘要", "digest of the differences"),
    "digits": Words("序号位数", "digits"),
    "divided_by": Words("分配依据", "divided by"),
    "document": Words("所属文件", "document"),
    "documents": Words("应附材料", "papers required"),
    "doubt": Words("疑点", "doubt"),
    "drafter": Words("拟订人", "drafter"),
    "due": Words("到期日", "due date"),
    "due_by": Words("各单位应缴", "due by unit"),
    "duplicate": Words("一物多处", "in several places"),
    "earned": Words("各单位所得", "proceeds by unit"),
    "ends_on": Words("截止日期", "ends on"),
    "entries": Words("台账条目", "entries"),
    "epc": Words("标签内容（EPC）", "tag content (EPC)"),
    "evidence": Words("依据", "evidence"),
    "example": Words("示例", "example"),
    "excess": Words("超批准执行待处理", "beyond approval, unruled"),
    "executed_amount": Words("执行金额", "executed amount"),
    "extent": Words("查阅的期间或位置", "days or positions read"),
    "fault": Words("故障", "fault"),
    "fee": Words("补偿费用", "compensation for sharing"),
    "extended_due": Words("拟续租至", "to be extended until"),
    "extended_rent": Words("拟续租金", "rent when extended"),
    "extension_applicant": Words("续租申请人", "asked for the extension"),
    "extension_no": Words("续租批准文号", "extension approved by"),
    "fees": Words("相关税费", "taxes and fees"),
    "fields": Words("印刷项目", "what is printed"),
    "files": Words("文件", "files"),
    "filing_days": Words("备案期限（天）", "days to file"),
    "filing_no": Words("备案（核准）编号", "filing no."),
    "finding": Words("疑点", "finding"),
    "findings": Words("安全检查情况", "findings on safety"),
    "first": Words("起始序号", "first serial"),
    "fitted": Words("已装部件", "parts fitted"),
    "flags": Words("提示", "flags"),
    "floor_percent": Words("最低成交比例（%）", "least part of the appraisal (%)"),
    "floors": Words("最低成交价", "least prices"),
    "form": Words("处置方式", "form of disposal"),
    "forfeited": Words("已决定没收", "forfeited"),
    "former": Words("原用途", "purpose before"),
    "found": Words("隶属关系所示", "as worked out"),
    "from_code": Words("原分类代码", "former class code"),
    "from_scheme": Words("原分类标准版本", "former class code version"),
    "from_unit": Words("调出单位", "giving unit"),
    "from_units": Words("移交单位", "old units"),
    "gap_across": Words("列间距（毫米）", "gap between columns (mm)"),
    "gap_down": Words("行间距（毫米）", "gap between rows (mm)"),
    "giai": Words("单项资产标识（GIAI）", "asset identifier (GIAI)"),
    "giver": Words("交出人", "given out by"),
    "giver_for": Words("被代理的交出人", "given out in the stead of"),
    "gone": Words("已换出", "given"),
    "grai": Words("可回收资产标识（GRAI）", "GRAI"),
    "gross": Words("总额", "gross"),
    "ground": Words("事由", "ground"),
    "height": Words("高（毫米）", "height (mm)"),
    "held": Words("现有存量", "in stock"),
    "hours": Words("机时（小时）", "hours of use"),
    "held_by": Words("占用该资产的事项", "case that holds it"),
    "in_accumulated": Words("调入方累计折旧", "depreciation taker booked"),
    "in_force_from": Words("施行日期", "in force from"),
    "in_gross": Words("调入方入账原值", "taker booked"),
    "hander": Words("移交人", "handed over by"),
    "hander_for": Words("被代理的移交人", "handed over in the stead of"),
    "in_voucher": Words("调入凭证", "in-voucher"),
    "inner": Words("所载包装", "package loaded"),
    "inspector": Words("验收人", "inspector"),
    "into": Words("承接单位", "successor"),
    "issue": Words("期次", "issue"),
    "issued": Words("文书日期", "issued on"),
    "item": Words("品名", "item"),
    "items": Words("清单项数", "items on the list"),
    "keeper_unit": Words("仓管单位", "keeping unit"),
    "kind": Words("资产类别", "kind"),
    "kinds": Words("逐项类别", "kinds"),
    "known": Words("已知时点", "as known at"),
    "label": Words("标签号", "label id"),
    "last": Words("终止序号", "last serial"),
    "last_day": Words("最后施行日", "last day in force"),
    "left": Words("尚余件数", "items left"),
    "lender": Words("出借单位", "lender"),
    "lessee": Words("承租方", "lessee"),
    "lessor": Words("出租单位", "lessor"),
    "level": Words("层级", "level"),
    "like": Words("同类特征", "what makes it alike"),
    "limits": Words("编制", "quota"),
    "line": Words("行号", "line"),
    "lines": Words("行数", "number of lines"),
    "list_sha256": Words("清单摘要", "digest of the list"),
    "listed": Words("已上架", "listed"),
    "loaded": Words("所载包装", "packages on it"),
    "located": Words("所在区域", "region"),
    "lock": Words("占用状态", "hold"),
    "margin_left": Words("左边距（毫米）", "left margin (mm)"),
    "margin_top": Words("上边距（毫米）", "top margin (mm)"),
    "measure": Words("计量单位", "unit of measure"),
    "measures": Words("整改措施", "measures taken"),
    "media": Words("媒体类型", "media type"),
    "merged": Words("已并入张数", "cards merged in"),
    "merged_into": Words("并入的卡片", "merged into"),
    "method": Words("方式", "method"),
    "minutes_no": Words("会议纪要编号", "minutes no."),
    "misplaced": Words("位置不符", "misplaced"),
    "missing": Words("未盘到", "missing"),
    "mode": Words("方式", "mode"),
    "model": Words("规格型号", "model"),
    "month": Words("月份", "month"),
    "miscounted": Words("数量不符", "of another quantity"),
    "moved": Words("期间移位", "moved meanwhile"),
    "name": Words("名称", "name"),
    "name_en": Words("英文名称", "name in English"),
    "nature": Words("物品性质", "nature"),
    "needed": Words("拟换入", "what is needed"),
    "needs": Words("执行材料", "papers of execution"),
    "net": Words("应缴净额", "net"),
    "next_step_by": Words("下一步期限", "next step by"),
    "note": Words("说明", "note"),
    "number": Words("文号", "document number"),
    "number_prefix": Words("编号前缀", "number prefix"),
    "old_origin": Words("原账本名", "old name of the log"),
    "on_market": Words("挂牌中", "on the market"),
    "order_issuer": Words("发文机关", "issued by"),
    "order_no": Words("文号", "document no."),
    "ordinal": Words("序号", "ordinal"),
    "origin": Words("账本新名", "new name of the log"),
    "out_voucher": Words("调出凭证", "out-voucher"),
    "outcome": Words("处理结果", "outcome"),
    "outer": Words("所在包装", "loaded onto"),
    "outsider": Words("对方（账本外）", "other side, outside this ledger"),
    "overflow": Words("文字放不下时", "text that is too long"),
    "owner": Words("权属登记人", "registered owner"),
    "owners": Words("资产所属单位", "whose books each piece is in"),
    "package": Words("包装", "package"),
    "packaging": Words("包装类型", "packaging"),
    "parent": Words("上级单位", "parent unit"),
    "part": Words("部件资产", "part"),
    "partner": Words("对方单位", "other unit"),
    "partner_posts": Words("对方单位岗位数", "number of posts of the other unit"),
    "parts": Words("各单位分得", "what each unit gets"),
    "payer": Words("补价支付方", "who pays the balance"),
    "people": Words("使用人数", "number of people"),
    "per": Words("租金计收周期", "rent for"),
    "performance": Words("性能要求", "performance"),
    "period": Words("期间", "period"),
    "pieces": Words("换入件数", "pieces that come in"),
    "place": Words("存放地点", "place"),
    "places": Words("编制数", "vehicles allowed"),
    "plan": Words("配置计划编号", "plan"),
    "platform": Words("交易平台", "trading platform"),
    "policy": Words("适用规则", "rules applied"),
    "population": Words("总项数", "population"),
    "position": Words("账本位置", "position in the log"),
    "post": Words("岗位", "role"),
    "posts": Words("岗位数", "number of posts"),
    "predecessor": Words("原单位", "predecessor"),
    "prefix": Words("机关代字", "prefix of the organ"),
    "price": Words("成交价", "price"),
    "price_cap": Words("价格上限", "highest price"),
    "procurement_ref": Words("采购编号", "procurement reference"),
    "project_no": Words("项目编号", "project no."),
    "proposer": Words("拟办人", "proposed by"),
    "proven": Words("仍可证明的条数", "entries still proven"),
    "purpose": Words("用途", "purpose"),
    "quantity": Words("数量", "quantity"),
    "question": Words("查阅内容", "what was read"),
    "reader": Words("查阅人", "reader"),
    "readings_sha256": Words("射频读取摘要", "digest of the radio readings"),
    "reads": Words("射频读取次数", "radio reads"),
    "reason": Words("原因", "reason"),
    "receipt": Words("收据编号", "receipt no."),
    "received": Words("已到货", "received"),
    "recipient": Words("接收单位", "recipient"),
    "recycler": Words("回收企业", "recycler"),
    "reference": Words("依据文号", "reference"),
    "region": Words("行政区划代码", "division code"),
    "registered_owner": Words("权属登记人", "registered owner"),
    "registry": Words("登记机关", "registry"),
    "remaining_life": Words("剩余使用年限", "remaining life"),
    "remark": Words("备注", "remark"),
    "remitted_by": Words("各单位已缴", "remitted by unit"),
    "remove": Words("移出的资产", "assets to take out"),
    "remove_coming": Words("移出的换入资产", "coming assets to take out"),
    "removed": Words("移出的资产", "assets taken out"),
    "rent": Words("租金", "rent"),
    "reorganisation": Words("机构变动移交", "reorganisation"),
    "repeats": Words("重复扫描", "repeated scans"),
    "report_en_sha256": Words("英文本报告摘要", "digest of the report in English"),
    "report_no": Words("报告编号", "report no."),
    "report_sha256": Words("报告摘要", "digest of the report"),
    "reporter": Words("报告人", "reported by"),
    "requested_amount": Words("申报金额", "requested amount"),
    "reserve": Words("保留价", "reserve price"),
    "residual": Words("预计净残值", "residual value"),
    "result": Words("结果", "result"),
    "right": Words("相符", "right"),
    "role": Words("岗位", "role"),
    "root": Words("树根", "root"),
    "round": Words("轮次", "round"),
    "rounds_failed": Words("流拍次数", "failed auctions"),
    "rows": Words("行数", "rows"),
    "ruling_no": Words("核实批复文号", "ruling no."),
    "sample": Words("抽取件数", "sample size"),
    "scanned": Words("扫描编号（每行一个）", "codes scanned, a line each"),
    "scans": Words("扫描次数", "scans"),
    "scans_sha256": Words("扫描记录摘要", "digest of the scans"),
    "scope": Words("调剂范围", "scope"),
    "searched_on": Words("查询日期", "searched on"),
    "seed": Words("随机种子", "seed"),
    "sender": Words("调出经办人", "sender"),
    "sender_for": Words("代何人调出", "sent in whose stead"),
    "seq": Words("条目号", "entry"),
    "series": Words("编号序列", "series"),
    "service_years": Words("最低使用年限（年）", "minimum years of service"),
    "sha256": Words("摘要（哈希）", "SHA-256 digest"),
    "shared": Words("开放共享", "shared"),
    "shares": Words("各单位份额", "share of each unit"),
    "shelf": Words("库位", "shelf"),
    "serial": Words("序列号", "serial number"),
    "shortage": Words("盘亏项数", "missing"),
    "side": Words("评估对象", "side appraised"),
    "signed": Words("已签署条数", "entries signed"),
    "since": Words("起始日期", "since"),
    "size": Words("账本条数", "size of the log"),
    "size_bytes": Words("字节数", "size in bytes"),
    "split": Words("合同约定的分配（单位、金额）", "split by contract (unit, amount)"),
    "split_from": Words("原卡片", "split from"),
    "split_off": Words("已拆出张数", "cards split off"),
    "sscc": Words("系列货运包装箱代码（SSCC）", "SSCC"),
    "stages": Words("审批步骤", "steps"),
    "standard": Words("配置标准", "standard"),
    "supplier": Words("供应商", "supplier"),
    "surplus": Words("盘盈项数", "surplus"),
    "taker": Words("调入单位", "taking unit"),
    "tasks": Words("委托事项", "tasks entrusted"),
    "tell": Words("回告事项", "step to be told"),
    "template": Words("模板代号", "template id"),
    "terms": Words("处置条件", "terms"),
    "text": Words("内容", "text"),
    "tid": Words("芯片序列号（TID）", "chip serial (TID)"),
    "title": Words("标题", "title"),
    "title_en": Words("英文标题", "title in English"),
    "title_no": Words("权属证号", "title certificate no."),
    "titled": Words("已变更权属", "title changed"),
    "to_unit": Words("调入单位", "receiving unit"),
    "to_units": Words("接收单位", "new units"),
    "tried": Words("盘活步骤", "step tried"),
    "trigger": Words("清查情形", "reason for the census"),
    "unexpected": Words("清单外资产", "unexpected"),
    "unit": Words("单位", "unit"),
    "unit_price": Words("单价", "unit price"),
    "unit_value": Words("单价", "unit value"),
    "units": Words("所属单位", "units"),
    "unknown": Words("未知标签", "unknown tags"),
    "until": Words("至", "until"),
    "used_by": Words("使用方", "used by"),
    "uses": Words("车辆用途", "uses of the vehicles"),
    "uscc": Words("统一社会信用代码", "unified social credit code"),
    "use": Words("车辆用途", "use of the vehicle"),
    "use_by": Words("领用人", "user"),
    "user": Words("使用人", "user"),
    "valid_until": Words("有效期至", "valid until"),
    "value": Words("原值", "original cost"),
    "value_type": Words("价值类型", "value type"),
    "values": Words("逐项原值", "original values"),
    "vehicle_use": Words("车辆用途", "use of the vehicle"),
    "vehicles": Words("在编车辆", "vehicles counted"),
    "vendor": Words("维修单位", "vendor"),
    "version": Words("版本", "version"),
    "virtual": Words("虚拟仓", "virtual"),
    "voucher": Words("凭证号", "voucher no."),
    "wanted": Words("申报后数量", "wanted in all"),
    "warehouse": Words("公物仓", "warehouse"),
    "watched": Words("计入拆分核对", "counted against splitting"),
    "way": Words("配置方式", "way of acquiring"),
    "whole": Words("整机资产", "fitted to"),
    "width": Words("宽（毫米）", "width (mm)"),
    "year": Words("年份", "year"),
    "yearly": Words("按年编号", "counted by years"),
    "zone": Words("时区", "time zone"),
    "words": Words("原文", "in their words"),
    "by_whom": Words("作出单位", "decided by"),
    "after": Words("晚于", "after"),
    "before": Words("早于", "before"),
    "dataset": Words("数据来源", "data set"),
    "plate": Words("号牌", "plate"),
    "treasury_on": Words("入库日期", "treasury date"),
    "description": Words("描述", "description"),
    "difference": Words("差异", "difference"),
    "source": Words("来源", "source"),
}
