"""What a register shows and what may be asked of it: pages, programs, command line and files alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from api.looking import Lists
from api.pages_telling import NameOf
from domain.asset import Kind
from domain.confiscated import GoodsStatus
from domain.decider import LIFECYCLES, Lang
from domain.demand import DemandStatus
from domain.due import DueStatus, Income
from domain.package import PackageKind, PackageStatus
from domain.policy import Priority
from domain.vehicles import VehicleUse
from domain.words import Term, Words, in_words
from projections import registers
from projections.scope import Scope

EXPORT_ROWS = 1_000
YES = Words("是", "yes")
BEYOND = Words("超编", "beyond the quota")
NAMING = Words("（样式）", "(how they look)")
NO_CASE = Words("（无来源事项）", "(no case)")
NOT_SET = Words("未核定", "not set")


class Column(msgspec.Struct, frozen=True):
    """One column: what it holds decides how it is told. `wide` ones are left out on narrow screens."""

    name: str
    words: Words
    holds: str = ""
    wide: bool = False
    choice: type[Term] | None = None  # of a `term` or `status`, in the order in which they come


class Register(msgspec.Struct, frozen=True, kw_only=True):
    """One register: where it is, what it is called, its columns and its questions."""

    kind: str
    path: str
    title: Words
    about: Words
    columns: tuple[Column, ...]
    filters: tuple[Column, ...]
    empty: Words
    begin: Words | None = None  # what the button is called that begins a line; None: none does
    opens: str = ""  # the verb by which a line begins on its own page
    line: str = ""  # where the page of a line is, when it is elsewhere
    new: str = ""  # where one begins, when it is elsewhere

    @property
    def begins(self) -> bool:
        """Answer whether each line has a page of its own, on which it begins."""
        return self.begin is not None

    @property
    def lines(self) -> str:
        """Return the address under which each line has its page."""
        return self.line or self.path


UNIT = Words("单位", "unit")
CHANGED = Column("changed_on", Words("变动日期", "changed on"), "day", wide=True)
REGISTERS: Mapping[str, Register] = {
    one.kind: one
    for one in (
        Register(
            kind="series",
            path="/numbers",
            title=Words("文号登记簿", "Register of document numbers"),
            about=Words(
                "每个单位、每类文书一个序列，按年编号；作废、撤回、红冲和跳号都有说明，用过的文号不再发放。",
                "One series for each unit and kind of document, counted anew every year. Whatever is"
                " void, withdrawn, taken back or left out says why; no number is given twice.",
            ),
            columns=(
                Column("unit", UNIT, "unit"),
                Column("kind", Words("文种", "kind"), "kind"),
                Column("year", Words("年份", "year"), "year", wide=True),
                Column("prefix", Words("机关代字", "prefix"), wide=True),
                Column("latest", Words("最近文号", "latest number"), "latest"),
                Column("last", Words("已用至", "used up to"), "count", wide=True),
                Column("voided", Words("作废", "voided"), "count", wide=True),
                Column("aside", Words("不在本系统编发", "not drawn here"), "count", wide=True),
                CHANGED,
            ),
            filters=(
                Column("unit", UNIT, "unit"),
                Column("kind", Words("文种", "kind"), "kind"),
                Column("year", Words("年份", "year")),
            ),
            empty=Words(
                "还没有单位定过机关代字。单位负责人、机关事务管理岗或系统管理员可以在此确定。",
                "No unit has named a series yet. A head, the offices administration or an"
                " administrator does so here.",
            ),
        ),
        Register(
            kind="quota",
            path="/quotas",
            title=Words("车辆编制", "Vehicle quotas"),
            about=Words(
                "各单位核定的公务用车编制、在编数量和超编提示。",
                "How many official vehicles each unit may have, how many it has, and what is beyond.",
            ),
            columns=(
                Column("unit", UNIT, "unit"),
                Column("places", Words("编制", "quota"), "limit"),
                Column("vehicles", Words("在编", "counted"), "count"),
                Column(
                    "uses", Words("分用途（在编/编制）", "by use (counted/quota)"), "uses", True
                ),
                Column("beyond", Words("提示", "note"), "beyond"),
                CHANGED,
            ),
            filters=(
                Column("unit", UNIT, "unit"),
                Column("beyond", BEYOND, "beyond"),
            ),
            empty=Words(
                "还没有核定车辆编制，也没有列编的车辆。",
                "No quota has been set, and no vehicle is counted.",
            ),
        ),
        Register(
            kind="confiscated",
            path="/confiscated",
            title=Words("罚没（涉案）物品", "Confiscated goods"),
            about=Words(
                "代为保管的罚没和涉案物品：不建资产卡片，不计入国有资产总数，变卖收入全额上缴国库。",
                "Seized and forfeited goods kept for others: no asset card, in no total of public"
                " property, and whatever they bring goes to the treasury whole.",
            ),
            columns=(
                Column("item", Words("名称", "item")),
                Column("quantity", Words("数量", "quantity"), "quantity"),
                Column("status", Words("状态", "status"), "status", choice=GoodsStatus),
                Column("unit", Words("移交单位", "handed over by"), "unit"),
                Column("number", Words("文号", "number"), wide=True),
                Column("order_no", Words("移交文书", "by document"), wide=True),
                Column("price", Words("成交价", "sold for"), "money", wide=True),
                Column("remitted", Words("已上缴", "remitted"), "money", wide=True),
                Column("opened_on", Words("接收日期", "taken in on"), "day", wide=True),
            ),
            filters=(
                Column("status", Words("状态", "status"), "status", choice=GoodsStatus),
                Column("unit", Words("移交单位", "handed over by"), "unit"),
                Column("place", Words("地点", "place"), "place"),
            ),
            empty=Words(
                "没有代为保管的罚没或涉案物品。", "No seized or forfeited goods are being kept."
            ),
            begin=Words("接收保管", "Take goods in"),
            opens="take_in",
        ),
        Register(
            kind="package",
            path="/packages",
            title=Words("包装", "Packages"),
            about=Words(
                "装资产的箱、周转箱和托盘：内装资产随包装移动；一项资产只能在一个包装内。",
                "Boxes, crates and pallets: what is in one moves with it, and a thing is in one"
                " package at most.",
            ),
            columns=(
                Column("id", Words("编号", "id")),
                Column("packaging", Words("类型", "type"), "term", choice=PackageKind),
                Column("code", Words("SSCC或GRAI", "SSCC or GRAI"), wide=True),
                Column("assets", Words("内装资产", "assets in it"), "count"),
                Column("loaded", Words("所载包装", "packages on it"), "count", wide=True),
                Column("status", Words("状态", "status"), "status", choice=PackageStatus),
                Column("unit", UNIT, "unit"),
                Column("place", Words("地点", "place"), "place"),
                Column("outer", Words("装在", "loaded onto"), wide=True),
                CHANGED,
            ),
            filters=(
                Column("status", Words("状态", "status"), "status", choice=PackageStatus),
                Column("unit", UNIT, "unit"),
                Column("place", Words("地点", "place"), "place"),
                Column("packaging", Words("类型", "type"), "term", choice=PackageKind),
            ),
            empty=Words(
                "还没有启用任何包装。资产管理员或仓管员可以在此启用。",
                "No package is in use yet. A clerk or keeper sets one up here.",
            ),
            begin=Words("启用包装", "Set up a package"),
            opens="set_up",
        ),
        Register(
            kind="demand",
            path="/wants",
            line="/cases/demand",
            new="/cases/new?kind=demand",
            title=Words("需求", "Wants"),
            about=Words(
                "各单位求调剂的资产：一直有效，直到满足、撤回或者过期；新上架的资产逐项自动比对。",
                "What units want of what others can spare: open until met, withdrawn or lapsed, and"
                " tried against everything that is listed.",
            ),
            columns=(
                Column("item", Words("名称", "item")),
                Column("unit", UNIT, "unit"),
                Column("kind", Words("类别", "kind"), "term", wide=True, choice=Kind),
                Column("class_code", Words("分类代码", "class code"), wide=True),
                Column("specification", Words("规格要求", "specification"), wide=True),
                Column("quantity", Words("数量", "quantity"), "quantity"),
                Column("remaining", Words("还需", "still wanted"), "count"),
                Column("needed_by", Words("需用日期", "needed by"), "day"),
                Column("need", Words("用途类型", "needed for"), "term", True, Priority),
                Column("place", Words("使用地点", "place"), "place", wide=True),
                Column("status", Words("状态", "status"), "status", choice=DemandStatus),
                Column("offered", Words("待答复推荐", "offers to answer"), "count", wide=True),
                Column("number", Words("文号", "number"), wide=True),
                Column("opened_on", Words("发布日期", "published on"), "day", wide=True),
            ),
            filters=(
                Column("status", Words("状态", "status"), "status", choice=DemandStatus),
                Column("unit", UNIT, "unit"),
                Column("kind", Words("类别", "kind"), "term", choice=Kind),
                Column("need", Words("用途类型", "needed for"), "term", choice=Priority),
                Column("place", Words("使用地点", "place"), "place"),
            ),
            empty=Words(
                "还没有登记的需求。需要资产的单位在此发布，有合适的上架时立即推荐。",
                "No want is registered. A unit that needs something publishes it here and hears of"
                " whatever fits the moment it is listed.",
            ),
            begin=Words("发布需求", "Publish a want"),
        ),
        Register(
            kind="due",
            path="/dues",
            title=Words("应缴财政款", "Due to the treasury"),
            about=Words(
                "每笔收入从确认应缴、通知缴款、到账、上缴到记账的全过程，一分不差；"
                "当地没有规定上缴期限的，只列账龄，不算逾期。",
                "Every income from its assessment through notice, receipt and remittance to the books,"
                " to the fen. Where the place sets no day, there is an age and nobody is late.",
            ),
            columns=(
                Column("origin", Words("来源事项", "arises from"), "stream"),
                Column("income", Words("收入种类", "income"), "term", choice=Income),
                Column("unit", UNIT, "unit"),
                Column("status", Words("状态", "status"), "status", choice=DueStatus),
                Column("net", Words("应缴", "due"), "money"),
                Column("paid_in", Words("到账", "received"), "money", wide=True),
                Column("remitted", Words("上缴", "remitted"), "money", wide=True),
                Column("left_over", Words("尚欠", "open"), "money"),
                Column("since", Words("最早确认日期", "open since"), "day", wide=True),
                Column("remit_by", Words("上缴期限", "to be remitted by"), "day", wide=True),
            ),
            filters=(
                Column("status", Words("状态", "status"), "status", choice=DueStatus),
                Column("income", Words("收入种类", "income"), "term", choice=Income),
                Column("unit", UNIT, "unit"),
                Column("collector", Words("执收单位", "collecting unit"), "unit"),
            ),
            empty=Words("没有应缴财政款。", "Nothing is due to the treasury."),
            begin=Words("登记应缴款", "Record money due"),
            opens="record",
        ),
    )
}


def statuses_of(register: Register) -> tuple[Term, ...]:
    """Return what the lines of a register may be, in the order in which they come."""
    choices = [c.choice for c in register.filters if c.holds == "status" and c.choice is not None]
    return tuple(choices[0]) if choices else ()


def term(choice: type[Term], value: str, lang: Lang) -> str:
    """Return a stored choice in words."""
    found = next((one for one in choice if one.value == value), None)
    return in_words(found, lang) if found is not None else value


def told(column: Column, row: Any, lang: Lang, name_of: NameOf) -> str:
    """Return one cell in words; an amount is left to who shows it."""
    value = row[column.name]
    match column.holds:
        case "stream":
            return name_of("stream", value) if value else in_words(NO_CASE, lang)
        case "unit" | "place":
            return name_of(column.holds, value) if value else ""
        case "kind":
            return in_words(LIFECYCLES[value].words, lang) if value in LIFECYCLES else value
        case "latest":  # until there is one, what they will begin with
            return value or row["prefix"]
        case "year":
            return value or in_words(NAMING, lang)
        case "status" | "term" if column.choice is not None:
            return term(column.choice, value, lang)
        case "beyond":
            return in_words(BEYOND, lang) if value in (1, "1") else ""
        case "limit":
            return in_words(NOT_SET, lang) if value is None else str(value)
        case "quantity":
            return f"{value} {row['measure']}".strip()
        case "uses":
            return ("；" if lang == "zh" else "; ").join(uses(value, lang))
        case _:
            return str(value)


def uses(packed: str, lang: Lang) -> Iterator[str]:
    """Yield each use of vehicles with how many there are and may be."""
    for one in msgspec.json.decode(packed):
        limit = in_words(NOT_SET, lang) if one["quota"] is None else one["quota"]
        yield f"{term(VehicleUse, one['use'], lang)} {one['vehicles']}/{limit}"


def plain(register: Register, row: Any) -> dict[str, Any]:
    """Return a row as a JSON value."""
    said = dict(row)
    if register.kind == "quota":
        said |= {"uses": msgspec.json.decode(said["uses"]), "beyond": bool(said["beyond"])}
    if register.kind == "demand":
        said |= {"declined": msgspec.json.decode(said["declined"])}
    if register.kind == "due":
        said |= {"named": msgspec.json.decode(said["named"])}
    return said


def every(
    lists: Lists,
    register: Register,
    scope: Scope,
    asked: Mapping[str, str],
    sort: str = "",
    *,
    descending: bool = False,
) -> Iterator[Any]:
    """Yield every row that matches, for a file to take home."""
    after: str | None = None
    while True:
        query = registers.listing(
            register.kind,
            scope,
            asked,
            sort=sort,
            descending=descending,
            after=after,
            limit=EXPORT_ROWS,
        )
        rows = lists.rows(query)
        yield from rows
        if len(rows) < EXPORT_ROWS:
            return
        after = registers.cursor(register.kind, rows[-1], sort)


def table(
    register: Register,
    rows: Iterator[Any],
    lang: Lang,
    name_of: NameOf,
    amount: Callable[[int], Any],
) -> Iterator[Sequence[Any]]:
    """Yield the header and every row as a file has it: names and words, amounts as numbers."""
    columns = [column for column in register.columns if column.name != "id"]
    yield [in_words(column.words, lang) for column in columns] + ["id"]
    for row in rows:
        yield [
            amount(row[c.name]) if c.holds == "money" else told(c, row, lang, name_of)
            for c in columns
        ] + [row["id"]]
