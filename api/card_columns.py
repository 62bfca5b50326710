"""The columns of asset cards in a sheet: what they are called, how they are read, how written.

The headings are those of the central systems' cards (DOMAIN.md s.4) and of the statistics form of
physical assets; people's own spellings are known beside them. What is written is read back as it was.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

import msgspec

from api.wanting import day, plain
from domain.asset import Custody, Kind, Mode, ValueType
from domain.classing import SCHEMES
from domain.words import Term, Words

CLEAR: Final = ("清空", "(清空)", "(clear)", "clear")
"""What a cell says in which something is to be taken out; an empty cell changes nothing."""
LOST: Final = re.compile(r"[0-9](?:\.[0-9]+)?[Ee]\+[0-9]{1,3}")


class Ending(Term):
    """What a sheet says of a use that ends or has ended; values as those of `Book`."""

    TO_DISPOSE = "to_dispose", "待处置", "pending disposal"
    GONE = "gone", "已处置", "disposed of"


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """One column: its heading in both languages, other spellings, and what a cell holds.

    `holds` is text, code, money, quantity, day, term, unit, place or person; of what is only shown
    (`left`) nothing is recorded, and `left` says why. `beside` are choices that cells may hold and
    no card does.
    """

    name: str
    words: Words
    spelt: tuple[str, ...] = ()
    holds: str = "text"
    choice: type[Term] | None = None
    beside: tuple[Term, ...] = ()
    also: Mapping[str, str] = {}  # other words for a choice
    required: bool = False
    left: Words | None = None
    note: Words = Words("", "")

    @property
    def choices(self) -> tuple[Term, ...]:
        """Return what a cell may choose from; nothing where it is free."""
        return () if self.choice is None else (*self.choice, *self.beside)


NO_DEPARTMENT: Final = Words(
    "内设部门不是单位，不导入；若系统中已设为单位，请把此列指定为“保管单位”。",
    "A department inside a unit is not taken; where this system has it as a unit, call the column"
    " “kept by”.",
)
FOLDED: Final = Words(
    "由系统按账本计算，不导入。", "Worked out from the ledger; it is not taken from a sheet."
)
KINDS: Final = {
    "计算机": "computer",
    "电脑": "computer",
    "信息化设备": "computer",
    "办公设备": "office",
    "家具": "furniture",
    "家具和用具": "furniture",
    "家具、用具": "furniture",
    "车": "vehicle",
    "机动车": "vehicle",
    "公务用车": "vehicle",
    "交通工具": "vehicle",
    "房屋建筑物": "premises",
    "房屋和构筑物": "premises",
    "房屋及构筑物": "premises",
    "土地使用权": "land",
    "仪器": "instrument",
    "仪器仪表": "instrument",
    "计算机软件": "software",
    "文物": "relic",
    "文物和陈列品": "relic",
    "文物、陈列品": "relic",
    "图书": "archive",
    "档案": "archive",
    "图书和档案": "archive",
    "图书、档案": "archive",
    "其它": "other",
}
MODES: Final = {
    "购买": "purchase",
    "采购": "purchase",
    "自购": "purchase",
    "新购": "purchase",
    "外购": "purchase",
    "调拨": "transfer",
    "无偿调拨": "transfer",
    "无偿调入": "transfer",
    "划转": "transfer",
    "移交": "transfer",
    "捐赠": "donation",
    "受赠": "donation",
    "自建": "built",
    "新建": "built",
    "自行建造": "built",
    "基建": "built",
}
USES: Final = {
    "自用": "in_use",
    "使用": "in_use",
    "使用中": "in_use",
    "正常使用": "in_use",
    "在库": "store",
    "未使用": "store",
    "低效": "under_used",
    "借出": "lent",
    "租出": "leased",
    "在修": "repair",
    "维修中": "repair",
    "送修": "repair",
    "对外出借": "lent",
    "已出借": "lent",
    "对外出租": "leased",
    "已出租": "leased",
    # In its unit's hands still, and on its books: only a decided disposal changes that.
    "待报废": "to_dispose",
    "拟报废": "to_dispose",
    "报废": "to_dispose",
    "报废待处置": "to_dispose",
    "待报损": "to_dispose",
    "报损": "to_dispose",
    "待核销": "to_dispose",
    "拟处置": "to_dispose",
    "处置中": "to_dispose",
    "待处理": "to_dispose",
    # Off the books already: no card is opened.
    "已报废": "gone",
    "已报损": "gone",
    "已核销": "gone",
    "已注销": "gone",
    "已转让": "gone",
    "已出售": "gone",
    "已拍卖": "gone",
    "已捐赠": "gone",
    "已划转": "gone",
    "已调出": "gone",
    "已处理": "gone",
}
VALUES: Final = {
    "历史成本": "cost",
    "暂估": "estimate",
    "评估": "appraisal",
    "名义": "nominal",
    "名义价值": "nominal",
}
COLUMNS: Final[tuple[Column, ...]] = (
    Column(
        name="unit",
        words=Words("单位名称", "unit"),
        spelt=("单位", "入账单位", "使用单位", "所属单位", "资产单位", "accountingunit"),
        holds="unit",
        note=Words(
            "本系统中的单位名称或标识；不填为本单位。",
            "A unit of this system by name or id; your own if left empty.",
        ),
    ),
    Column(
        name="asset_no",
        words=Words("资产编号", "asset no."),
        spelt=("资产编码", "资产号", "卡片编号", "资产卡片编号", "固定资产编号", "编号", "assetno"),
        holds="code",
        required=True,
        note=Words(
            "按文本填写，全账唯一。", "As text, so that no digit is lost; used once in the ledger."
        ),
    ),
    Column(
        name="name",
        words=Words("资产名称", "name"),
        spelt=("名称", "品名", "设备名称", "assetname", "item"),
        required=True,
    ),
    Column(
        name="kind",
        words=Words("资产大类", "kind"),
        spelt=("资产类别", "类别", "大类", "资产类型"),
        holds="term",
        choice=Kind,
        also=KINDS,
        required=True,
    ),
    Column(
        name="class_code",
        words=Words("资产分类代码", "class code"),
        spelt=("分类代码", "资产分类编码", "国标代码", "国标分类代码", "分类编码", "classcode"),
        holds="code",
        note=Words("按文本填写。", "As text."),
    ),
    Column(
        name="class_scheme",
        words=Words("分类标准", "class scheme"),
        spelt=("分类标准版本", "国标版本", "classscheme"),
        note=Words(
            "不填时按代码的位数判断版本。", "If left empty, the code's length tells its version."
        ),
    ),
    Column(
        name="quantity",
        words=Words("数量或面积", "quantity"),
        spelt=("数量", "面积", "数量/面积", "数量(面积)", "建筑面积"),
        holds="quantity",
    ),
    Column(name="measure", words=Words("计量单位", "unit of measure"), spelt=("measure",)),
    Column(
        name="acquired",
        words=Words("取得日期", "acquired on"),
        spelt=("取得时间", "购置日期", "购入日期", "购置时间", "acquired", "acquisitiondate"),
        holds="day",
    ),
    Column(
        name="used_from",
        words=Words("投入使用日期", "in use from"),
        spelt=("投入使用时间", "启用日期", "启用时间", "开始使用日期", "inservicedate"),
        holds="day",
    ),
    Column(
        name="mode",
        words=Words("取得方式", "obtained by"),
        spelt=("取得来源", "来源", "增加方式", "资产来源"),
        holds="term",
        choice=Mode,
        also=MODES,
    ),
    Column(
        name="value",
        words=Words("原值", "original value"),
        spelt=("资产原值", "账面原值", "价值", "金额", "购置金额", "单价", "value", "cost"),
        holds="money",
        note=Words("元，至多两位小数。", "In yuan, two decimals at most."),
    ),
    Column(
        name="value_type",
        words=Words("价值类型", "value type"),
        holds="term",
        choice=ValueType,
        also=VALUES,
    ),
    Column(name="currency", words=Words("币种", "currency"), spelt=("货币",)),
    Column(
        name="model",
        words=Words("规格型号", "model"),
        spelt=("规格", "型号", "品牌型号", "规格、型号", "品牌规格型号", "specification"),
        holds="code",
    ),
    Column(
        name="serial",
        words=Words("序列号", "serial no."),
        spelt=("出厂编号", "设备序列号", "SN", "机身号", "serial", "serialnumber"),
        holds="code",
    ),
    Column(
        name="plate",
        words=Words("号牌", "plate"),
        spelt=("车牌号", "车牌", "号牌号码", "车牌号码", "plateno."),
        holds="code",
    ),
    Column(
        name="owner",
        words=Words("权属登记人", "registered owner"),
        spelt=("产权单位", "权属单位", "owner"),
        holds="unit",
    ),
    Column(
        name="custodian",
        words=Words("保管单位", "kept by"),
        spelt=("管理单位", "代管单位", "保管使用单位", "custodian"),
        holds="unit",
        note=Words(
            "由另一单位保管时填写，须为本单位或所属单位；不填为入账单位。只在建卡时记入。",
            "Where another unit keeps it: your own or one below it; the unit in whose books it is if left"
            " empty. Taken when a card is opened.",
        ),
    ),
    Column(
        name="place",
        words=Words("存放地点", "place"),
        spelt=("存放位置", "资产放置位置", "放置地点", "使用地点", "地点", "坐落", "location"),
        holds="place",
        note=Words("本系统中的地点名称或标识。", "A place of this system by name or id."),
    ),
    Column(
        name="voucher",
        words=Words("会计凭证号", "voucher"),
        spelt=("凭证号", "记账凭证号", "voucherno."),
        holds="code",
        note=Words("只在建卡时记入。", "Taken when a card is opened."),
    ),
    Column(
        name="custody",
        words=Words("使用状况", "use status"),
        spelt=("使用状态", "资产状态", "状态"),
        holds="term",
        choice=Custody,
        beside=tuple(Ending),
        also=USES,
        note=Words(
            "库存、在用、闲置、低效运行、维修随导入登记；出借、出租、待处置等须按业务办理，经同意才不记入；已处置的不建卡。",
            "In store, in use, idle, under-used and under repair are recorded; loans, leases and disposals take"
            " their own steps and are left out with consent; what is disposed of already gets no card.",
        ),
    ),
    Column(
        name="user",
        words=Words("使用人", "user"),
        spelt=("管理人", "保管人", "管理(使用人)", "领用人", "责任人"),
        holds="person",
        note=Words(
            "姓名或人员标识；账本只记标识。",
            "A name or the id of a person; the ledger holds the id alone.",
        ),
    ),
    # What cards of other systems have as well: known, shown in what is taken home, never taken in.
    Column(
        name="book",
        words=Words("账面状态", "in the books"),
        spelt=("在账状态",),
        left=Words(
            "由系统按账本计算，不导入；写明待处置、已核销的，核对时逐行列出。",
            "Worked out from the ledger; where it says pending disposal or derecognised, the check says so"
            " row by row.",
        ),
    ),
    Column(
        name="department",
        words=Words("使用部门", "department"),
        spelt=("管理使用单位(部门)", "管理部门", "使用(管理)部门"),
        left=NO_DEPARTMENT,
    ),
    Column(name="net", words=Words("净值", "net value"), spelt=("账面净值",), left=FOLDED),
    Column(
        name="class_name",
        words=Words("资产分类名称", "class"),
        spelt=("分类名称", "国标分类名称", "资产分类"),
        left=Words("以分类代码为准，不导入。", "The class code counts; it is not taken."),
    ),
    Column(name="id", words=Words("卡片标识", "card id"), spelt=("id",), left=FOLDED),
    Column(
        name="other",
        words=Words("（不导入）", "(not taken)"),
        spelt=(
            "序号",
            "备注",
            "有无资产编号",
            "处置时间",
            "no.",
            "#",
            "remarks",
            "核对结果",
            "check",
        ),
        left=Words("不导入。", "Not taken."),
    ),
)
TAKEN: Final = tuple(column for column in COLUMNS if column.left is None)
BY_NAME: Final[Mapping[str, Column]] = {column.name: column for column in COLUMNS}
REQUIRED: Final = tuple(column.name for column in TAKEN if column.required)
TEXTS: Final = frozenset(
    column.name for column in TAKEN if column.holds in ("text", "code") and not column.required
)


def folded(heading: str) -> str:
    """Return a heading as headings are compared: width, case, blanks and marks aside."""
    text = unicodedata.normalize("NFKC", heading).casefold()
    return re.sub(r"[\s*_:'\"]+", "", text)


def _spellings() -> dict[str, str]:
    found: dict[str, str] = {}
    for column in COLUMNS:
        for spelling in (column.words.zh, column.words.en, *column.spelt):
            found.setdefault(folded(spelling), column.name)
    return found


SPELLINGS: Final[Mapping[str, str]] = _spellings()
UNITS: Final = re.compile(r"\((?:人民币|单位:?)?(万?元|rmb|yuan|cny|¥)\)")


def known(heading: str) -> str:
    """Return the column that a heading means, empty for one nobody knows."""
    text = folded(heading)
    return SPELLINGS.get(text) or SPELLINGS.get(UNITS.sub("", text)) or ""


def in_ten_thousands(heading: str) -> bool:
    """Tell whether a heading says that amounts are in 万元."""
    return "万元" in folded(heading)


# Read ---------------------------------------------------------------------------------


class Wrong(Exception):
    """A cell that cannot be read; `words` say what is wrong and what to do."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words


class Names(msgspec.Struct, frozen=True):
    """Units, places and people by what they are called. A name that several have is nobody's."""

    units: Mapping[str, str]
    places: Mapping[
        tuple[str, str], str
    ]  # by unit and name; under no unit where it is the only one
    people: Mapping[str, str] = {}


DIGITS_LOST: Final = Words(
    "表格软件已把它变成数字，第15位以后的数字已丢失：{value}。请把该列设为“文本”，从原系统重新导出或重新填写。",
    "The spreadsheet made a number of it and lost every digit after the fifteenth: {value}. Format the"
    " column as text, then export or type it again.",
)
NO_TERM: Final = Words(
    "没有这样的{what}：{value}。可填：{choices}。", "No such {what}: {value}. There are: {choices}."
)
NO_UNIT: Final = Words(
    "系统中没有这个单位：{value}。请填全称或单位标识。",
    "No unit of this system is called {value}. Give its full name or its id.",
)
NO_PLACE: Final = Words(
    "系统中没有这个地点：{value}。请先在本单位登记该地点，或改填已有的地点名称。",
    "No place of this system is called {value}. Have it set up first, or name one that is there.",
)
NO_PERSON: Final = Words(
    "人员名册中没有唯一的{value}。请填人员标识（重名时也填标识），或请系统管理员先登记此人。",
    "The directory has nobody, or more than one, called {value}. Give the person's id, or have the"
    " administrator introduce them first.",
)
NO_DAY: Final = Words(
    "不是日期：{value}。请写作 2023-05-06。", "{value} is no date. Write it as 2023-05-06."
)
NO_MONEY: Final = Words(
    "不是金额：{value}。请填数字，至多两位小数，如 5000.00。",
    "{value} is no amount. Write digits with two decimals at most, such as 5000.00.",
)
NO_QUANTITY: Final = Words(
    "不是数量：{value}。请填数字，如 3 或 2.5。", "{value} is no quantity. Write 3 or 2.5."
)
AMOUNT: Final = re.compile(r"(?P<whole>[0-9]{1,13})(?:\.(?P<part>[0-9]{1,6}))?")
COUNT: Final = re.compile(r"(?P<whole>[0-9]{1,12})(?:\.(?P<part>[0-9]{1,6}))?\s*(?P<rest>\D{0,8})")
CURRENCIES: Final = {"人民币": "CNY", "元": "CNY", "RMB": "CNY", "美元": "USD"}


def _wrong(words: Words, value: str, **more: str) -> Wrong:
    said = value if len(value) <= 60 else f"{value[:59]}…"
    return Wrong(
        Words(
            words.zh.format(value=said, **{k: v.partition("|")[0] for k, v in more.items()}),
            words.en.format(value=said, **{k: v.rpartition("|")[2] for k, v in more.items()}),
        )
    )


def digits_lost(value: str) -> Wrong:
    """Return what is wrong with a code that a spreadsheet has rounded."""
    return _wrong(DIGITS_LOST, value)


def read(column: Column, text: str, names: Names, unit: str, ten_thousands: bool = False) -> Any:
    """Return what a cell that is not empty puts into a form; raise Wrong."""
    match column.holds:
        case "term":
            return _term(column, text)
        case "money":
            return _money(text, ten_thousands)
        case "quantity":
            return _quantity(text)
        case "day":
            found = day(text)
            if not found:
                raise _wrong(NO_DAY, text)
            return found
        case "unit":
            found = names.units.get(plain(text), "")
            if not found:
                raise _wrong(NO_UNIT, text)
            return found
        case "place":
            name = plain(text)
            found = names.places.get((unit, name)) or names.places.get(("", name), "")
            if not found:
                raise _wrong(NO_PLACE, text)
            return found
        case "person":
            found = names.people.get(plain(text), "")
            if not found:
                raise _wrong(NO_PERSON, text)
            return found
        case _:
            if column.holds == "code" and LOST.fullmatch(text):
                raise digits_lost(text)
            if column.name == "currency":
                return CURRENCIES.get(text.upper(), text.upper())
            return unicodedata.normalize("NFC", text)


def _term(column: Column, text: str) -> str:
    said = plain(text)
    for one in column.choices:
        if said.casefold() in (one.value, plain(one.words.zh), plain(one.words.en).casefold()):
            return str(one.value)
    found = column.also.get(said)
    if found is None:
        named = [one.words for one in column.choices]
        choices = "、".join(w.zh for w in named) + "|" + ", ".join(w.en for w in named)
        raise _wrong(NO_TERM, text, what=f"{column.words.zh}|{column.words.en}", choices=choices)
    return found


def ending(text: str) -> str:
    """Return the end of its use that a cell tells of; empty where it tells of none."""
    try:
        said = _term(BY_NAME["custody"], text)
    except Wrong:
        return ""
    return said if said in tuple(Ending) else ""


def _money(text: str, ten_thousands: bool) -> int:
    said = re.sub(r"^[¥￥$]+", "", plain(text)).removesuffix("元").replace(",", "").strip()
    if said.endswith("万"):
        said, ten_thousands = said[:-1].strip(), True
    match = AMOUNT.fullmatch(said)
    if match is None:
        raise _wrong(NO_MONEY, text)
    power = 6 if ten_thousands else 2
    part = (match["part"] or "").rstrip("0")
    if len(part) > power:
        raise _wrong(NO_MONEY, text)
    return int(match["whole"]) * 10**power + int(part.ljust(power, "0") or 0)


def _quantity(text: str) -> str:
    match = COUNT.fullmatch(plain(text).replace(",", ""))
    if match is None:
        raise _wrong(NO_QUANTITY, text)
    part = (match["part"] or "").rstrip("0")
    return str(int(match["whole"])) + (f".{part}" if part else "")


def scheme_of(code: str) -> str:
    """Return the version of the standard that a code is shaped like; empty for none."""
    return next((name for name, shape in SCHEMES.items() if shape.fullmatch(code)), "")


# Written ------------------------------------------------------------------------------


def told_day(value: Any) -> str:
    """Return a date as a cell has it."""
    return value.isoformat() if isinstance(value, date) else str(value or "")
