"""The disposal register (资产处置台账): request, approval, appraisal, deal, books and treasury with
their days and amounts, on one line for each case, or for each thing of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from api.chaining import known
from api.office import Office
from api.pages_telling import money
from domain.decider import Lang
from domain.disposal import (
    AssetDerecognised,
    DisposalStatus,
    Flag,
    GivenAway,
    LossWrittenOff,
    Scrapped,
    Sold,
)
from domain.leaving import Form
from domain.words import Words, in_words
from labels.paper_parts import Column, Paper, Row, Table
from projections import inventory
from projections.scope import EVERYTHING

TITLE: Final = Words("资产处置台账", "Register of disposals")
# Each column: its name in a row, what it is called, and whether it is an amount.
COLUMNS: Final[tuple[tuple[str, Words, bool], ...]] = (
    ("case", Words("处置单", "case"), False),
    ("number", Words("文号", "number"), False),
    ("unit", Words("单位", "unit"), False),
    ("form", Words("处置方式", "form"), False),
    ("status", Words("状态", "status"), False),
    ("items", Words("件数", "items"), False),
    ("asset_no", Words("资产编号", "asset no."), False),
    ("name", Words("资产名称", "asset"), False),
    ("requested_on", Words("申请日期", "requested on"), False),
    ("requested", Words("申请金额（原值）", "requested (original value)"), True),
    ("approved_on", Words("批准日期", "approved on"), False),
    ("approval_no", Words("批复文号", "approval"), False),
    ("approved", Words("批准金额（原值）", "approved (original value)"), True),
    ("appraised_on", Words("评估日期", "appraised on"), False),
    ("appraised", Words("评估值", "appraised at"), True),
    ("sold_on", Words("成交（执行）日期", "sold or carried out on"), False),
    ("executed", Words("执行金额（原值）", "carried out (original value)"), True),
    ("proceeds", Words("成交金额", "proceeds"), True),
    ("derecognised_on", Words("核销日期", "derecognised on"), False),
    ("assessed_on", Words("确认应缴日期", "assessed on"), False),
    ("owed", Words("应缴金额", "due"), True),
    ("paid_on", Words("到账日期", "received on"), False),
    ("paid_in", Words("到账金额", "received"), True),
    ("reached_on", Words("上缴日期", "remitted on"), False),
    ("reached", Words("上缴金额", "remitted"), True),
    ("booked_on", Words("记账日期", "booked on"), False),
    ("notes", Words("核对提示", "notes"), False),
)
OF_ASSETS: Final = frozenset({"asset_no", "name"})
BEYOND: Final = Words("执行超过批准", "carried out beyond the approval")
APART: Final = Words("到账与应缴不一致", "received is not what is due")
# On paper a step is one column: its day above its amount.
ON_PAPER: Final = (
    (Words("处置单", "Case"), 13, ("number", "case")),
    (Words("单位、方式", "Unit and form"), 15, ("unit", "form", "pieces")),
    (Words("申请", "Requested"), 12, ("requested_on", "requested")),
    (Words("批准", "Approved"), 12, ("approved_on", "approval_no", "approved")),
    (Words("评估", "Appraised"), 12, ("appraised_on", "appraised")),
    (Words("成交", "Sold"), 12, ("sold_on", "proceeds")),
    (Words("应缴、到账", "Due and received"), 12, ("owed", "paid_on", "paid_in")),
    (Words("上缴国库", "Remitted"), 12, ("reached_on", "reached")),
)
PIECES: Final = Words("{n}件", "{n} items")
NAMED = Callable[[str, str], str]


def lines(rows: Iterable[Any], lang: Lang, name_of: NAMED) -> Iterator[dict[str, Any]]:
    """Yield one line for each case; amounts in fen, None where nothing says."""
    for row in rows:
        line = dict(row)
        owed = row["owed"] if row["owed"] is not None else row["net"]
        reached = row["reached"] if row["reached"] is not None else row["remitted"]
        done, status = row["done"], DisposalStatus(row["status"])
        yield line | {
            "case": row["id"],
            "asset": "",
            "asset_no": "",
            "name": "",
            "unit": name_of("unit", row["unit"]) if row["unit"] else "",
            "form": in_words(Form(row["form"]).words, lang) if row["form"] else "",
            "status": in_words(status.words, lang),
            "requested_on": row["requested_on"],
            "executed": row["executed"] if done else None,
            "proceeds": row["proceeds"] if done else None,
            "owed": None if owed is None else int(owed),
            "paid_in": None if row["paid_in"] is None else int(row["paid_in"]),
            "reached": int(reached) if reached else None,
            "reached_on": row["reached_on"] or row["remitted_on"],
            "notes": "；".join(notes(row, lang)),
        }


def notes(row: Any, lang: Lang) -> Iterator[str]:
    """Yield what does not agree between request, approval, execution and money (T96)."""
    for flag in row["flags"].split():
        yield in_words(Flag(flag).words, lang)
    approved, executed = row["approved"], row["executed"]
    beyond = approved is not None and executed is not None and executed > approved
    if beyond and Flag.BEYOND_AMOUNT.value not in row["flags"]:
        yield in_words(BEYOND, lang)
    if row["paid_in"] and row["paid_in"] != row["owed"]:
        yield in_words(APART, lang)


def by_asset(
    office: Office, rows: Iterable[Any], lang: Lang, name_of: NAMED, on: str, position: int | None
) -> Iterator[dict[str, Any]]:
    """Yield one line for each thing of each case; what is known of the case alone stays with it."""
    for row in rows:
        case = next(lines([row], lang, name_of))
        state = office.book.state_at(row["stream"], on, position)
        ids = sorted(state.proposed | state.approved | state.executed)
        found = office.whole(inventory.of_ids(EVERYTHING, ids)) if ids else []
        cards = {card["id"]: card for card in found}
        sold, gone, price = steps(office, row["stream"], on, position)
        for id_ in ids:
            card, value = cards.get(id_), state.values.get(id_)
            yield case | {
                "items": 1,
                "asset": id_,
                "asset_no": (card["asset_no"] or id_) if card else id_,
                "name": card["name"] if card else "",
                "requested": value,
                "approved": value if id_ in state.approved else None,
                "approved_on": case["approved_on"] if id_ in state.approved else "",
                "appraised": state.appraisals.get(id_),
                "executed": value if id_ in sold else None,
                "sold_on": sold.get(id_, ""),
                "proceeds": price.get(id_),
                "derecognised_on": gone.get(id_, ""),
                "owed": None,
                "paid_in": None,
                "reached": None,
            }


def steps(
    office: Office, stream: str, on: str, position: int | None
) -> tuple[dict[str, str], dict[str, str], dict[str, int]]:
    """Return of each thing when it was carried out, when the books let go, and what it brought."""
    sold: dict[str, str] = {}
    gone: dict[str, str] = {}
    price: dict[str, int] = {}
    for entry in known(office, stream, on, position):
        match entry.event:
            case Sold(asset=asset, price=amount) | Scrapped(asset=asset, price=amount):
                sold[asset], price[asset] = entry.effective_on, amount
            case GivenAway(asset=asset, boot=amount):
                sold[asset], price[asset] = entry.effective_on, amount
            case LossWrittenOff(asset=asset, compensation=amount):
                sold[asset], price[asset] = entry.effective_on, amount
            case AssetDerecognised(asset=asset):
                gone[asset] = entry.effective_on
            case _:
                pass
    return sold, gone, price


def table(
    found: Iterable[dict[str, Any]], lang: Lang, amount: Callable[[int], Any], *, assets: bool
) -> Iterator[Sequence[Any]]:
    """Yield the header and every line as a file has it."""
    shown = [column for column in COLUMNS if assets or column[0] not in OF_ASSETS]
    yield [*(in_words(words, lang) for _, words, _ in shown), "currency", "id"]
    for line in found:
        yield [
            *(
                ("" if line[name] is None else amount(int(line[name]))) if is_money else line[name]
                for name, _, is_money in shown
            ),
            line["currency"],
            line["asset"] or line["id"],
        ]


def paper(
    found: Sequence[dict[str, Any]], lang: Lang, *, unit: str, on: str, reflects: str, mark: str
) -> Paper:
    """Return the register as a paper to sign: a step a column, its day above its amount."""
    columns = tuple(Column(in_words(head, lang), share) for head, share, _ in ON_PAPER)
    rows = tuple(Row(tuple(cell(line, names, lang) for _, _, names in ON_PAPER)) for line in found)
    return Paper(
        kind="disposal-register",
        title=in_words(TITLE, lang),
        number="",
        unit=unit,
        date=on,
        identity=f"gongwu:register/disposals?on={on}",
        reflects=reflects,
        table=Table(columns, rows),
        mark=mark,
        language=lang,
    )


def cell(line: dict[str, Any], names: Sequence[str], lang: Lang) -> str:
    """Return one step of a line for paper: what is known of it, one after another."""
    amounts = {name for name, _, is_money in COLUMNS if is_money}
    said = []
    for name in names:
        if name == "pieces":
            said.append(in_words(PIECES, lang).format(n=line["items"]))
        elif name in amounts:
            if line[name] is not None:
                said.append(money(int(line[name]), line["currency"], lang))
        elif line[name]:
            said.append(str(line[name])[-16:] if name == "case" else str(line[name]))
    return " ".join(said)
