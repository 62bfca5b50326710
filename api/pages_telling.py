"""Tell a fact, a state and a difference as a person reads them: names for ids, money as money."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeAlias, get_type_hints

import msgspec
from msgspec import inspect

from api.reading_reasons import KINDS, OTHER
from domain.decider import Event
from domain.due import Due
from domain.lending import ReturnResult
from domain.receiving import Differing
from domain.stocktaking import Stocktake
from domain.values import checked, yuan
from domain.words import OWN_TERMS, Words, in_language, in_words

NOT_SETTLED = Words("待处理", "to settle")
SIGNS = {"CNY": "¥", "USD": "US$"}
NameOf: TypeAlias = Callable[[str, str], str]  # kind of thing and id to what it is called
# Parts of a state that repeat another part, or that only rules need.
UNTOLD = frozenset(
    {"home", "class_scheme", "accepted", "labels_voided", "dataset", "sent", "approval"}
    | {"powers", "delegated", "handers", "doubt"}
    | {"values", "kinds", "terms", "appraisals", "floors", "watched", "lines", "last", "intakes"}
    | {"agreements"}  # of an operator: its page lists them
    | {"owners", "earned", "due_by", "remitted_by"}  # a page has a table of them
    | {"latest", "aside", "voided", "namings", "labels_printed"}
    | {"designs", "stock_voided", "number_rules", "counters"}
    | {"claims", "offered", "ahead", "declined", "decisions"}  # of wants and proposals: a table too
    | {"owed", "notices", "shown_by", "carried", "receipts"}  # of what is due: a table too
    | {"accounts", "layouts", "statements", "blocks"}  # of a unit's bank: the workbench
)
# A stocktake's page shows these in tables of their own.
UNTOLD_OF_STOCKTAKE = frozenset(
    {
        "places",
        "teams",
        "devices",
        "counters",
        "written_off",
        "scope",
        "scans",
        "differences",
        "found",
    }
    | {"closed", "surpluses", "report", "report_en", "population", "readings"}
)
STATE_WORDS = {
    "aside": Words("未发出的文号", "numbers set aside"),
    "counted": Words("计入项数", "items counted"),
    "numbers_given": Words("已编资产编号", "asset numbers given"),
    "stock": Words("已印空白标签", "blank labels printed"),
    "latest": Words("最近文号", "latest number"),
    "namings": Words("机关代字沿革", "prefixes over time"),
    "over": Words("超标准行", "lines over standard"),
    "predecessors": Words("承接的单位", "predecessors"),
    "published": Words("已发布版次", "published version"),
    "voided": Words("作废文号", "numbers voided"),
    "book": Words("账务状态", "in the books"),
    "custody": Words("实物状态", "custody"),
    "lock": Words("占用", "held by"),
    "listed": Words("上架", "listed for reuse"),
    "idle_since": Words("闲置起始", "idle since"),
    "grade": Words("成色", "condition"),
    "label_issue": Words("标签期次", "label issue"),
    "status": Words("办理状态", "status"),
    "to_empty": Words("待移交的单位", "still to hand over"),
    "unconfirmed": Words("待确认接收的单位", "still to confirm"),
    "successors": Words("承接单位", "successors"),
    "applicant": Words("申请人", "applicant"),
    "waiting": Words("待办物品", "waiting"),
    "out": Words("在外物品", "out"),
    "back": Words("已还物品", "back"),
    "received": Words("已收物品", "received"),
    "approved": Words("已批物品", "approved"),
    "proposed": Words("提议物品", "proposed"),
    "executed": Words("已处置", "disposed of"),
    "extensions": Words("续借次数", "extensions"),
    "keeper_unit": Words("仓管单位", "warehouse unit"),
    "proceeds": Words("处置收入", "proceeds"),
    "name_en": Words("英文名称", "English name"),
    "dissolved": Words("已撤销", "dissolved"),
    "remitted": Words("已上缴", "remitted"),
    "rent_assessed": Words("已确认租金", "rent assessed"),
    "rent_remitted": Words("已上缴租金", "rent remitted"),
    "moving": Words("在途物品", "on the way"),
    "arrived": Words("已调入物品", "arrived"),
    "booked": Words("已划账物品", "books moved"),
    "derecognised": Words("已核销物品", "derecognised"),
    "virtual": Words("虚拟入仓", "virtual"),
    "delivered": Words("已到货数量", "delivered"),
    "booked_surplus": Words("已调账盘盈", "surplus booked"),
    "booked_shortage": Words("已调账盘亏", "missing booked"),
    "refused": Words("未认可次数", "times not accepted"),
}


def words_of(field: str, kind: str = "") -> Words:
    """Return what a field of a state or a fact is called, in the streams of a kind."""
    own = OWN_TERMS.get(kind, {}).get(field)
    return own or STATE_WORDS.get(field) or Words.of(field)


def money(amount: int | None, currency: str, lang: str = "zh") -> str:
    """Return an amount with its sign; None is "not stated", never zero."""
    if amount is None:
        return in_words(None, lang)
    sign = SIGNS.get(currency, f"{currency} ")
    return f"-{sign}{yuan(-amount)}" if amount < 0 else f"{sign}{yuan(amount)}"


@cache
def shape(struct: type[msgspec.Struct]) -> Mapping[str, str]:
    """Return of each field what it holds: unit, person, place, asset, stream, money or nothing."""
    hints = get_type_hints(struct, include_extras=True)
    return {
        name: _holds(inspect.type_info(checked(hints[name]))) for name in struct.__struct_fields__
    }


def _holds(type_: inspect.Type) -> str:
    match type_:
        case inspect.UnionType():
            return next((found for t in type_.types if (found := _holds(t))), "")
        case inspect.VarTupleType() | inspect.FrozenSetType():
            return _holds(type_.item_type)
        case inspect.Metadata():
            extra = type_.extra or {}
            return "money" if extra.get("money") else str(extra.get("ref", ""))
        case _:
            return ""


# States keep plain text where facts have typed ids.
STATE_REFS = {
    "accounting_unit": "unit",
    "custodian": "unit",
    "owner": "unit",
    "borrower": "unit",
    "lender": "unit",
    "lessor": "unit",
    "unit": "unit",
    "partner": "unit",
    "from_unit": "unit",
    "to_unit": "unit",
    "keeper_unit": "unit",
    "parent": "unit",
    "competent": "unit",
    "from_units": "unit",
    "to_units": "unit",
    "to_empty": "unit",
    "unconfirmed": "unit",
    "successors": "unit",
    "predecessors": "unit",
    "user": "person",
    "applicant": "person",
    "drafter": "person",
    "place": "place",
    "warehouse": "place",
    "split_from": "asset",
    "merged_into": "asset",
    "value": "money",
    "confirm_from": "money",
    "accumulated": "money",
    "residual": "money",
    "appraised": "money",
    "proceeds": "money",
    "rent": "money",
    "extended_rent": "money",
    "extension_applicant": "person",
    "rent_assessed": "money",
    "rent_remitted": "money",
    "unit_value": "money",
    "reserve": "money",
    "waiting": "asset",
    "out": "asset",
    "back": "asset",
    "received": "asset",
    "approved": "asset",
    "proposed": "asset",
    "moving": "asset",
    "arrived": "asset",
    "booked": "asset",
    "executed": "asset",
    "derecognised": "asset",
    "net": "money",
    "remitted": "money",
    "requested_amount": "money",
    "approved_amount": "money",
    "executed_amount": "money",
    "asked_price": "money",
    "unit_price": "money",
    "amount": "money",
    "about": "stream",
    "excess": "asset",
    "titled": "asset",
    "destroyed": "asset",
    "coming": "asset",
    "came": "asset",
    "gone": "asset",
    "converted": "asset",
    "boot": "money",
    "biller": "person",
    "collector": "unit",
    "origin": "stream",
    **dict.fromkeys(
        ("gross", "paid_in", "overpaid", "given_back", "again", "reduced", "refunded", "kept"),
        "money",
    ),
    **dict.fromkeys(("withheld", "unapproved", "booked_in", "booked_out"), "money"),
    "contents": "asset",
    "whole": "asset",
    "fitted": "asset",
}


REASONS = {kind.slug: Words(kind.zh, kind.en) for kind in (*KINDS, OTHER)}


# A condition is free text; these are what returns say of it and what most people write.
GRADES: dict[str, Any] = {result.words.zh: result.words for result in ReturnResult} | {
    "良好": Words("良好", "good"),
    "一般": Words("一般", "fair"),
    "较差": Words("较差", "poor"),
    "待修": Words("待修", "to be repaired"),
}


def reason_of(field: str, value: Any) -> Any:
    """Return the words of a published kind of refusal or a usual condition; others as they are."""
    known = {"reason": REASONS, "grade": GRADES}.get(field)
    return known.get(value, value) if known and isinstance(value, str) else value


WITH_WORDS: dict[type[Any], str] = {Stocktake: "stocktake", Due: "due"}


def kind_of(state: Any) -> str:
    """Return the kind of stream whose words a state has of its own; nothing for all others."""
    return next((kind for own, kind in WITH_WORDS.items() if isinstance(state, own)), "")


def say(value: Any, holds: str, lang: str, name_of: NameOf, currency: str = "CNY") -> str:
    """Return one value in words."""
    if holds == "money":
        return (
            money(value, currency, lang) if value is None or isinstance(value, int) else str(value)
        )
    if isinstance(value, (frozenset, set)):
        value = tuple(sorted(value))
    if isinstance(value, (tuple, list)):
        shown = [say(v, holds, lang, name_of, currency) for v in value[:6]]
        more = [f"…（共 {len(value)} 项）" if lang == "zh" else f"… ({len(value)} in all)"]
        return in_words(shown + more * (len(value) > 6), lang)
    if holds and isinstance(value, str) and value:
        return name_of(holds, value)
    if isinstance(value, Differing):
        asset = name_of("asset", value.asset) if value.asset else ""
        became = in_words(value.outcome or NOT_SETTLED, lang)
        told = [f"{value.ordinal}.", in_words(value.difference, lang), asset, f"→ {became}"]
        return " ".join(filter(None, told))
    if isinstance(value, msgspec.Struct) and not isinstance(value, Words):
        within = [v for v in msgspec.structs.astuple(value) if v not in (None, "", ())]
        told = [
            say(v, "", lang, name_of, currency)
            if isinstance(v, (msgspec.Struct, tuple))
            else str(v)
            for v in within
        ]
        return in_words([words for words in told if words], lang)
    return in_words(value, lang)


def tell(event: Event, lang: str, name_of: NameOf, currency: str = "CNY") -> str:
    """Return the history line of a fact: its own sentence with names for ids."""
    fact = type(event)
    currency = getattr(event, "currency", currency) or currency
    told = {
        name: say(reason_of(name, getattr(event, name)), holds, lang, name_of, currency)
        for name, holds in shape(fact).items()
    }
    line = in_language(fact.zh, fact.en, lang).format_map(told)
    return line.strip().rstrip("：，、:,").strip()


def difference(
    before: msgspec.Struct, after: msgspec.Struct, lang: str, name_of: NameOf
) -> list[tuple[str, str, str]]:
    """Return what changed between two states: the field, the old and the new value in words."""
    currency = getattr(after, "currency", "CNY") or "CNY"
    found: list[tuple[str, str, str]] = []
    untold = UNTOLD | (UNTOLD_OF_STOCKTAKE if isinstance(after, Stocktake) else frozenset())
    for field in after.__struct_fields__:
        old = reason_of(field, getattr(before, field))
        new = reason_of(field, getattr(after, field))
        if old == new or field in untold:
            continue
        holds = STATE_REFS.get(field, "")
        called = in_words(words_of(field, kind_of(after)), lang)
        if isinstance(new, frozenset) and isinstance(old, frozenset):
            gone, come = old - new, new - old
            pair = (say(gone, holds, lang, name_of), say(come, holds, lang, name_of))
        else:
            pair = (
                say(old, holds, lang, name_of, currency),
                say(new, holds, lang, name_of, currency),
            )
        found.append((called, *pair))
    return found
