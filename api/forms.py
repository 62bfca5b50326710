"""Turn what people and programs write into the typed form of a verb, from its declaration alone.

A page's form, a JSON body, a command line and the published schema come from the same struct that
`domain` made of the verb's parameters. All faults of a form are found, not only the first.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from typing import Annotated, Any, Literal, TypeAlias, get_args, get_type_hints

import msgspec
from msgspec import inspect

from domain import values
from domain.decider import Document, Verb
from domain.words import Words

DEPTH_MAX = 32
DOCS_MAX = 50
ASSETS_MAX = 5_000
SENTENCE_CHARS_MAX = 80  # of what was typed, as far as a sentence repeats it

Type: TypeAlias = Literal[
    "text",
    "long",
    "date",
    "money",
    "int",
    "quantity",
    "bool",
    "choice",
    "choices",
    "unit",
    "person",
    "place",
    "asset",
    "stream",
    "assets",
    "units",
    "rows",
]


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One question of a form: what it is called, what may be written, what it starts with."""

    name: str
    words: Words
    type: Type
    required: bool
    choices: tuple[tuple[str, Words], ...] = ()
    default: Any = None
    chars_min: int | None = None
    chars_max: int | None = None
    named: bool = False  # one id, of a case of a kind that the verb knows
    least: int | None = None
    most: int | None = None
    cites: Mapping[str, tuple[str, ...]] = {}  # the articles that name a choice
    columns: tuple[Field, ...] = ()  # what each row of a list is asked
    clearable: bool = False  # left out it stays as it is, given as an empty text it is cleared

    @property
    def ref(self) -> str:
        """Return the kind of thing an id names, or an empty text."""
        return self.type if self.type in ("unit", "person", "place", "asset", "stream") else ""

    @property
    def money(self) -> bool:
        return self.type == "money"

    @property
    def long(self) -> bool:
        return self.type == "long"


class Fault(msgspec.Struct, frozen=True):
    """One thing that is wrong in a form: where (`deductions[0].amount`) and why."""

    path: str
    words: Words


class Invalid(Exception):
    """A form with faults; every one of them is named."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"{f.path}: {f.words.en}" for f in self.faults))


class Malformed(Exception):
    """Text that is no JSON object at all, or one that two readers could read differently."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked, on which business date (None is today), and on which papers it rests."""

    form: dict[str, Any]
    on: date | None = None
    docs: tuple[Document, ...] = ()


# What a declaration asks --------------------------------------------------------


@cache
def fields(verb: Verb) -> tuple[Field, ...]:
    """Return the questions of a verb's form in the order in which they are declared."""
    return tuple(
        _field(f, verb.kind, open_=not verb.inner) for f in msgspec.structs.fields(verb.form)
    )


CLEAR = "clear"


def clearing(verb: Verb) -> tuple[Field, ...]:
    """Return the question which fields a form shall empty; none where a blank means nothing.

    Where people type, blank is never clear: what was left empty stays as it is (T111).
    """
    choices = tuple((f.name, f.words) for f in fields(verb) if f.clearable)
    if not choices:
        return ()
    words = Words("清空的字段", "fields to empty")
    return (Field(name=CLEAR, words=words, type="choice", required=False, choices=choices),)


COMMON = (
    Field(name="on", words=Words("业务日期", "business date"), type="date", required=False),
    Field(name="doc_type", words=Words("文件种类", "document"), type="text", required=False),
    Field(name="doc_number", words=Words("文件编号", "document no."), type="text", required=False),
    Field(name="doc_issued", words=Words("文件日期", "document date"), type="date", required=False),
    Field(name="doc_issuer", words=Words("发文单位", "issued by"), type="text", required=False),
    Field(
        name="more_docs",
        words=Words(
            "其他材料（每行一份：种类、空格、编号）",
            "more papers (a line each: type, space, number)",
        ),
        type="long",
        required=False,
    ),
)
"""What every form asks beside its own questions: the day it happened, and its papers."""


def _field(declared: msgspec.structs.FieldInfo, kind: str, *, open_: bool = True) -> Field:
    """Return one question; of rows that no door asks for (not `open_`) the columns are left out."""
    type_ = _bare(inspect.type_info(declared.type))
    plain = declared.default is msgspec.NODEFAULT or declared.default in (None, "", ())
    return Field(
        name=declared.name,
        words=Words.of(declared.name, kind),
        type=_kind(type_),
        required=declared.required,
        choices=_choices(type_),
        cites=_cites(type_),
        default=None if plain else msgspec.to_builtins(declared.default),
        chars_min=getattr(_inner(type_), "min_length", None),
        chars_max=getattr(_inner(type_), "max_length", None),
        named=getattr(_inner(type_), "pattern", None) == values.ID,
        least=_least(_inner(type_)),
        most=_most(_inner(type_)),
        clearable=declared.default is None and _fits_empty(type_),
        columns=_columns(type_, kind) if open_ else (),
    )


def _columns(type_: inspect.Type, kind: str) -> tuple[Field, ...]:
    row = _row_of(type_)
    return tuple(_field(f, kind) for f in msgspec.structs.fields(_twin(row))) if row else ()


def _row_of(type_: inspect.Type) -> type[msgspec.Struct] | None:
    """Return the struct of which a type is a list."""
    inner = _inner(type_)
    item = inner.item_type if isinstance(inner, inspect.VarTupleType) else None
    return item.cls if isinstance(item, inspect.StructType) else None


@cache
def _twin(struct: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """Return a struct as forms must check it: as `values.checked` says of each of its fields."""
    hints = get_type_hints(struct, include_extras=True)
    own: list[Any] = [
        (f.name, values.checked(hints[f.name]))
        if f.required
        else (f.name, values.checked(hints[f.name]), f.default)
        for f in msgspec.structs.fields(struct)
    ]
    return msgspec.defstruct(struct.__name__, own, forbid_unknown_fields=True, kw_only=True)


def _bare(type_: inspect.Type) -> inspect.Type:
    """Return what may be written where nothing may be written as well."""
    if isinstance(type_, inspect.UnionType):
        return next(t for t in type_.types if not isinstance(t, inspect.NoneType))
    return type_


def _inner(type_: inspect.Type) -> inspect.Type:
    return type_.type if isinstance(type_, inspect.Metadata) else type_


def _least(type_: inspect.Type) -> int | None:
    """Return the least whole number that may be written; None when every one may, or none."""
    if not isinstance(type_, inspect.IntType):
        return None
    return type_.ge if type_.gt is None else type_.gt + 1


def _most(type_: inspect.Type) -> int | None:
    """Return the greatest whole number that may be written; None when every one may, or none."""
    if not isinstance(type_, inspect.IntType):
        return None
    return type_.le if type_.lt is None else type_.lt - 1


def _kind(type_: inspect.Type) -> Type:
    extra = (type_.extra or {}) if isinstance(type_, inspect.Metadata) else {}
    if extra.get("money"):
        return "money"
    if extra.get("long"):
        return "long"
    if "ref" in extra:
        ref: Type = extra["ref"]
        return ref
    match _inner(type_):
        case inspect.EnumType():
            return "choice"
        case inspect.DateType():
            return "date"
        case inspect.BoolType():
            return "bool"
        case inspect.IntType():
            return "int"
        case inspect.VarTupleType(item_type=inspect.StructType()):
            return "rows"
        case inspect.VarTupleType(item_type=inspect.EnumType()):
            return "choices"
        case inspect.VarTupleType(item_type=item):
            return "units" if _kind(item) == "unit" else "assets"
        case inspect.StrType(pattern=pattern) if pattern == _QUANTITY:
            return "quantity"
        case inspect.StrType():
            return "text"
        case other:
            raise AssertionError(f"no question is written for {other}")


_QUANTITY = get_args(values.checked(values.Quantity))[1].pattern


def _fits_empty(type_: inspect.Type) -> bool:
    inner = _inner(type_)
    return isinstance(inner, inspect.StrType) and _fits_text(inner, "")


def _choices(type_: inspect.Type) -> tuple[tuple[str, Words], ...]:
    inner = _inner(type_)
    if isinstance(inner, inspect.VarTupleType):
        inner = inner.item_type
    if not isinstance(inner, inspect.EnumType):
        return ()
    return tuple((str(m.value), getattr(m, "words", Words.of(str(m.value)))) for m in inner.cls)


def _cites(type_: inspect.Type) -> dict[str, tuple[str, ...]]:
    inner = _inner(type_)
    if not isinstance(inner, inspect.EnumType):
        return {}
    return {str(m.value): laws for m in inner.cls if (laws := getattr(m, "laws", ()))}


# What a program writes ----------------------------------------------------------


def parse_json(verb: Verb, body: bytes) -> Given:
    """Read a JSON body: the verb's own fields beside `on` and `docs`.

    Money is an integer in fen or cents, a quantity a decimal text, a date `YYYY-MM-DD`. Raise
    Malformed for what is no JSON object, Invalid with all faults for one that is no such form.
    """
    return checked(verb, load(body))


def checked(verb: Verb, raw: Mapping[str, Any]) -> Given:
    """Check already parsed values against a verb's form; raise Invalid with all faults."""
    asked = _asked(verb.form)
    faults = [Fault(name, _unknown(asked)) for name in raw if name not in asked]
    form: dict[str, Any] = {}
    for name, (type_, required) in asked.items():
        if name in raw:
            form[name] = raw[name]
            faults += _check(type_, raw[name], name)
        elif required:
            faults.append(Fault(name, REQUIRED))
    if faults:
        raise Invalid(faults)
    docs = msgspec.convert(form.pop("docs", ()), tuple[Document, ...])
    on = form.pop("on", None)
    return Given(form=form, on=on and date.fromisoformat(on), docs=docs)


Papers: TypeAlias = Annotated[tuple[Document, ...], msgspec.Meta(max_length=DOCS_MAX)]


@cache
def _wire(form: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """Return the struct of a whole request: a verb's form with date and papers beside it."""
    own: list[Any] = [
        (f.name, f.type) if f.required else (f.name, f.type, f.default)
        for f in msgspec.structs.fields(form)
    ]
    taken = {name for name, *_ in own} & {"on", "docs"}
    assert not taken, f"{form.__name__}: {taken} are spoken for"
    beside: list[Any] = [("on", date | None, None), ("docs", Papers, ())]
    return msgspec.defstruct(
        form.__name__, [*own, *beside], forbid_unknown_fields=True, kw_only=True
    )


@cache
def _asked(form: type[msgspec.Struct]) -> dict[str, tuple[inspect.Type, bool]]:
    """Return each field of a whole request with its type, and whether it must be there."""
    found = msgspec.structs.fields(_wire(form))
    return {f.name: (inspect.type_info(f.type), f.required) for f in found}


def papers(given: Mapping[str, Any], faults: list[Fault]) -> tuple[Document, ...]:
    """Read the papers of a request that asks for nothing else; note every fault."""
    known = {"docs": inspect.type_info(Papers)}
    faults += [Fault(name, _unknown(known)) for name in given if name not in known]
    found = _check(known["docs"], given.get("docs", []), "docs")
    faults += found
    return () if found else msgspec.convert(given.get("docs", []), tuple[Document, ...])


def load(body: bytes) -> dict[str, Any]:
    """Read one JSON object that every reader reads alike; raise Malformed for any other text."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed(
            Words(
                f"请求正文不是有效的 UTF-8 文本（第 {error.start} 字节）。",
                f"The body is not valid UTF-8 (at byte {error.start}).",
            )
        ) from None
    try:
        found = _decoder.decode(text)
    except (ValueError, RecursionError) as error:
        raise Malformed(_why(error)) from None
    if not isinstance(found, dict):
        raise Malformed(Words("请求正文须为一个 JSON 对象。", "The body must be a JSON object."))
    _bounded(found)
    return found


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Malformed(Words(f"字段“{twice}”出现了两次。", f"The field “{twice}” occurs twice."))
    return found


def _constant(name: str) -> Any:
    raise Malformed(Words(f"JSON 中没有 {name} 这样的数。", f"JSON has no number {name}."))


_decoder = json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_constant)


def _why(error: Exception) -> Words:
    if isinstance(error, json.JSONDecodeError):
        at = (error.lineno, error.colno)
        return Words(
            "请求正文不是有效的 JSON（第 {} 行第 {} 列）。".format(*at),
            "The body is not valid JSON (line {}, column {}).".format(*at),
        )
    if isinstance(error, RecursionError):
        return TOO_DEEP
    return Words("请求正文不是有效的 JSON。", "The body is not valid JSON.")


TOO_DEEP = Words(
    f"JSON 嵌套超过 {DEPTH_MAX} 层。", f"The JSON is nested more than {DEPTH_MAX} levels deep."
)


def _bounded(root: Any) -> None:
    """Refuse what is too deep, and text that no UTF-8 can carry (a lone surrogate)."""
    level = [root]
    for _ in range(DEPTH_MAX):
        inside: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                inside += [*value, *value.values()]
            elif isinstance(value, list):
                inside += value
            elif isinstance(value, str) and not value.isascii():
                _encodable(value)
        level = inside
        if not level:
            return
    raise Malformed(TOO_DEEP)


def _encodable(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Malformed(
            Words(
                "文字中含有不成对的代理字符（\\ud800–\\udfff），无法保存。",
                "A text holds half of a surrogate pair (\\ud800–\\udfff) and cannot be kept.",
            )
        ) from None


# What a person writes -----------------------------------------------------------


def parse_html(verb: Verb, pairs: Mapping[str, Any] | Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Read what was typed into a page's form; money in yuan, full-width digits, lists by line.

    What was left empty is left out; what `clear` names is emptied. Names that are no question of this verb (`csrf`, `key`, `on`)
    are passed over: the page has fields of its own. Raise Invalid with all faults.
    """
    typed = _texts(pairs)
    faults: list[Fault] = []
    raw: dict[str, Any] = {}
    for field in fields(verb):
        texts = [t for t in typed.get(field.name, ()) if t.strip()]
        if field.type == "rows":
            raw |= _rows(typed, texts, field, faults)
        elif field.type in ("assets", "units", "choices"):
            many = [part for t in texts for part in re.split(r"[\s,，;；、]+", _folded(t)) if part]
            raw |= {field.name: many} if many else {}
        elif field.type == "bool":
            raw |= {field.name: _folded(texts[-1]).lower() in _YES} if texts else {}
        elif texts:
            raw |= _typed(field, texts[-1], faults)
    _clear(verb, typed.get(CLEAR, ()), raw, faults)
    named = {fault.path for fault in faults}
    try:
        form = checked(verb, {name: v for name, v in raw.items() if name not in named}).form
    except Invalid as invalid:
        faults += [fault for fault in invalid.faults if fault.path not in named]
        form = {}
    if faults:
        raise Invalid(faults)
    return form


def occasion_html(
    pairs: Mapping[str, Any] | Iterable[tuple[str, str]],
) -> tuple[date | None, tuple[Document, ...]]:
    """Read what every form asks (`COMMON`): the business date and the papers.

    Raise Invalid with all faults.
    """
    typed = {name: _folded(texts[-1]) for name, texts in _texts(pairs).items() if texts}
    faults: list[Fault] = []
    days: dict[str, date | None] = {}
    for name in ("on", "doc_issued"):
        try:
            days[name] = date.fromisoformat(_day(typed[name])) if typed.get(name) else None
        except ValueError:
            faults.append(Fault(name, DATE))
    if typed.get("doc_number") and not typed.get("doc_type"):
        faults.append(Fault("doc_type", REQUIRED))
    if faults:
        raise Invalid(faults)
    papers = []
    if typed.get("doc_type"):
        first = Document(
            type=typed["doc_type"],
            number=typed.get("doc_number", ""),
            issued=days["doc_issued"],
            issuer=typed.get("doc_issuer", ""),
        )
        papers.append(first)
    for line in filter(None, map(str.strip, typed.get("more_docs", "").splitlines())):
        type_, _, number = line.partition(" ")
        papers.append(Document(type=type_, number=number.strip()))
    if len(papers) > DOCS_MAX:
        raise Invalid([Fault("more_docs", PAPERS_MOST)])
    return days["on"], tuple(papers)


_YES = frozenset({"on", "1", "true", "yes", "y", "是"})


def _clear(verb: Verb, names: Iterable[str], raw: dict[str, Any], faults: list[Fault]) -> None:
    """Empty the fields that were named, in the form; note those that cannot be."""
    may = [name for question in clearing(verb) for name, _ in question.choices]
    for name in filter(None, names):
        if name not in may:
            faults.append(Fault(CLEAR, _unknown(may)))
        elif name in raw:
            faults.append(Fault(name, EITHER))
        else:
            raw[name] = ""


def _texts(pairs: Mapping[str, Any] | Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Return every text typed under a name, whatever shape the framework keeps them in."""
    many: Any = pairs
    if isinstance(pairs, Mapping):
        many = getattr(pairs, "multi_items", pairs.items)()
    found: dict[str, list[str]] = {}
    for name, value in many:
        texts = value if isinstance(value, (list, tuple)) else [value]
        found.setdefault(name, []).extend(t for t in texts if isinstance(t, str))
    return found


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip()


def _day(text: str) -> str:
    """Return a date as programs write it: `2026年5月1日`, `2026/5/1`, `2026.5.1` are read, too."""
    found = re.fullmatch(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?", text)
    return f"{found[1]}-{found[2]:0>2}-{found[3]:0>2}" if found else text


def _typed(field: Field, text: str, faults: list[Fault]) -> dict[str, Any]:
    """Return one typed field as a program would write it."""
    if field.type == "long":  # keep the lines and the punctuation of a text
        return {field.name: text.replace("\r\n", "\n").strip()}
    if field.type == "text":
        return {field.name: text.strip()}
    folded = _folded(text)
    match field.type:
        case "money":
            try:
                return {field.name: values.fen(folded)}
            except ValueError:
                faults.append(Fault(field.name, _no_money(text)))
                return {}
        case "int":
            return {field.name: int(folded) if re.fullmatch(r"-?\d{1,18}", folded) else folded}
        case "quantity":
            try:
                return {field.name: values.quantity(folded.replace(",", ""))}
            except ValueError:
                faults.append(Fault(field.name, QUANTITY))
                return {}
        case "date":
            return {field.name: _day(folded)}
        case "choice":
            chosen = {words.zh: v for v, words in field.choices} | {
                words.en.lower(): v for v, words in field.choices
            }
            return {field.name: chosen.get(folded.lower(), folded)}
        case _:
            return {field.name: folded}


def _rows(
    typed: Mapping[str, list[str]], texts: list[str], field: Field, faults: list[Fault]
) -> dict[str, Any]:
    """Read the two things that every row must have: as `name.column` each, or as lines.

    The last word of a line is the second: `评估费 1200.00`, `disposal.D1 1200.00`.
    """
    first, second = (column for column in field.columns if column.required)
    rows = list(
        zip(
            typed.get(f"{field.name}.{first.name}", []),
            typed.get(f"{field.name}.{second.name}", []),
            strict=False,
        )
    )
    for line in (line for text in texts for line in text.splitlines() if line.strip()):
        one, _, other = _folded(line).rpartition(" ")
        rows.append((one or _folded(line), other if one else ""))
    found: list[dict[str, Any]] = []
    for one, other in rows:
        if not one.strip() and not other.strip():
            continue
        row: dict[str, Any] = {}
        for column, text in ((first, one), (second, other)):
            path = f"{field.name}[{len(found)}].{column.name}"
            named = msgspec.structs.replace(column, name=path)
            for value in _typed(named, text, faults).values():
                row[column.name] = value
        found.append(row)
    return {field.name: found} if found else {}


# What is wrong ------------------------------------------------------------------

REQUIRED = Words("必填。", "This is required.")
PAPERS_MOST = Words(f"材料不得超过{DOCS_MAX}份。", f"{DOCS_MAX} papers at most.")
EITHER = Words("不能同时填写又清空。", "Write another value or empty it, not both.")
DATE = Words(
    "须为日期，写作 YYYY-MM-DD，例如 2026-05-01。", "Must be a date, YYYY-MM-DD, e.g. 2026-05-01."
)
QUANTITY = Words(
    "须为数量：不带多余零的十进制文本，例如 1 或 2.5。",
    "Must be a quantity: a decimal text without needless zeros, e.g. 1 or 2.5.",
)
MONEY = Words(
    "金额须为整数，单位为分，不小于 0，小于 2^53；不接受小数。",
    "An amount is an integer in fen or cents, at least 0 and below 2^53; no fractions.",
)
_IDS = {
    "unit": Words("单位标识", "the id of a unit"),
    "person": Words("人员标识", "the id of a person"),
    "place": Words("地点标识", "the id of a place"),
    "asset": Words("资产标识", "the id of an asset"),
    "stream": Words("记录标识（种类/编号）", "a stream: kind/id"),
}


CASE_ID = Words("办理事项的编号", "the id of a case")


def _unknown(known: Iterable[str]) -> Words:
    known = list(known)
    return Words(
        f"没有这个字段；可用的字段：{'、'.join(known)}。",
        f"There is no such field; the fields are {', '.join(known)}.",
    )


def _no_money(text: str) -> Words:
    shown = text.strip()[:SENTENCE_CHARS_MAX]
    return Words(
        f"“{shown}”不是金额；请填写元，最多两位小数，例如 1,234.50。",
        f"“{shown}” is not an amount; write yuan with at most two decimals, e.g. 1,234.50.",
    )


def _check(type_: inspect.Type, value: Any, path: str) -> list[Fault]:
    """Return all faults of one value, however deep they are."""
    if isinstance(type_, inspect.UnionType) and value is None:
        return []
    bare = _bare(type_)
    inner = _inner(bare)
    if isinstance(inner, inspect.VarTupleType):
        if not isinstance(value, (list, tuple)):
            return [Fault(path, Words("须为列表。", "Must be a list."))]
        most = inner.max_length or ASSETS_MAX
        if len(value) > most:
            return [Fault(path, Words(f"最多 {most} 项。", f"At most {most} items."))]
        return [
            fault
            for number, item in enumerate(value)
            for fault in _check(inner.item_type, item, f"{path}[{number}]")
        ]
    if isinstance(inner, inspect.StructType):
        return _check_struct(inner, value, path)
    return [] if _fits(bare, value) else [Fault(path, _sentence(bare))]


@cache
def _inside(struct: type[msgspec.Struct]) -> dict[str, tuple[inspect.Type, bool]]:
    """Return the fields of a struct inside a form, as they must be written."""
    found = msgspec.structs.fields(_twin(struct))
    return {f.name: (inspect.type_info(f.type), f.required) for f in found}


def _check_struct(type_: inspect.StructType, value: Any, path: str) -> list[Fault]:
    if not isinstance(value, dict):
        return [Fault(path, Words("须为对象。", "Must be an object."))]
    known = _inside(type_.cls)
    faults = [Fault(f"{path}.{name}", _unknown(known)) for name in value if name not in known]
    for name, (inner, required) in known.items():
        if name in value:
            faults += _check(inner, value[name], f"{path}.{name}")
        elif required:
            faults.append(Fault(f"{path}.{name}", REQUIRED))
    return faults


def _fits(type_: inspect.Type, value: Any) -> bool:
    match inner := _inner(type_):
        case inspect.EnumType():
            return isinstance(value, str) and value in [m.value for m in inner.cls]
        case inspect.BoolType():
            return isinstance(value, bool)
        case inspect.IntType():
            if not isinstance(value, int) or isinstance(value, bool):
                return False
            low = inner.ge if inner.ge is not None else -(2**53) + 1
            high = inner.lt if inner.lt is not None else 2**53
            return (
                low <= value < high
                and (inner.gt is None or value > inner.gt)
                and (inner.le is None or value <= inner.le)
            )
        case inspect.DateType():
            return isinstance(value, str) and _is_date(value)
        case inspect.StrType():
            return isinstance(value, str) and _fits_text(inner, value)
        case other:
            raise AssertionError(f"no check is written for {other}")


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _fits_text(type_: inspect.StrType, text: str) -> bool:
    return (
        len(text) >= (type_.min_length or 0)
        and (type_.max_length is None or len(text) <= type_.max_length)
        and (type_.pattern is None or re.search(type_.pattern, text) is not None)
        # `$` also matches before a last line feed.
        and (type_.pattern in (None, values.PRINTABLE) or not text.endswith("\n"))
    )


def _sentence(type_: inspect.Type) -> Words:
    """Say what may be written here."""
    kind, inner = _kind(type_), _inner(type_)
    if kind == "choice":
        choices = _choices(type_)
        return Words(
            "须为以下之一：" + "、".join(f"{v}（{w.zh}）" for v, w in choices) + "。",
            "Must be one of " + ", ".join(f"{v} ({w.en})" for v, w in choices) + ".",
        )
    if kind in _IDS or getattr(inner, "pattern", None) == values.ID:
        named = _IDS.get(kind, CASE_ID)
        return Words(
            f"须为{named.zh}：字母或数字开头，可含 _ . ~ -，最多 80 个字符。",
            f"Must be {named.en}: letters, digits and _ . ~ -, at most 80 characters.",
        )
    if isinstance(inner, inspect.StrType) and kind in ("text", "long"):
        low, most = inner.min_length or 0, inner.max_length or 2000
        return Words(
            f"须为 {low} 至 {most} 个字符的文本，不含控制字符。",
            f"Must be text of {low} to {most} characters without control characters.",
        )
    return {
        "money": MONEY,
        "date": DATE,
        "quantity": QUANTITY,
        "int": _whole(_least(inner), _most(inner)),
        "bool": Words("须为 true 或 false。", "Must be true or false."),
    }[kind]


def _whole(least: int | None, most: int | None) -> Words:
    """Say which whole numbers may be written."""
    match least, most:
        case None, None:
            return Words("须为整数。", "Must be an integer.")
        case _, None:
            return Words(f"须为不小于 {least} 的整数。", f"Must be an integer, at least {least}.")
        case None, _:
            return Words(f"须为不大于 {most} 的整数。", f"Must be an integer, at most {most}.")
        case _:
            return Words(
                f"须为 {least} 至 {most} 的整数。", f"Must be an integer from {least} to {most}."
            )


# What is published --------------------------------------------------------------


@cache
def schema(verb: Verb) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a verb's request, without references."""
    found = msgspec.json.schema(_wire(verb.form))
    rows = [row for type_, _ in _asked(verb.form).values() if (row := _row_of(_bare(type_)))]
    named = found["$defs"]
    for row in rows:
        named |= msgspec.json.schema(_twin(row))["$defs"]
    whole: dict[str, Any] = _inlined(named[verb.form.__name__], named)
    called = {f.name: f.words for f in COMMON} | {"docs": Words("所依据的文件", "papers")}
    for name, property_ in whole["properties"].items():
        words = called.get(name) or Words.of(name, verb.kind)
        property_["title"] = f"{words.zh} · {words.en}"
        for part in (property_, *property_.get("anyOf", ())):
            if part.get("type") == "array":
                part.setdefault("maxItems", ASSETS_MAX)
    return whole | {"additionalProperties": False}


def _inlined(part: Any, definitions: Mapping[str, Any]) -> Any:
    """Return a schema with every reference replaced by what it names; forms never nest in rings."""
    if isinstance(part, list):
        return [_inlined(p, definitions) for p in part]
    if not isinstance(part, dict):
        return part
    named = part.get("$ref", "").removeprefix("#/$defs/")
    rest = {k: _inlined(v, definitions) for k, v in part.items() if k != "$ref"}
    return _inlined(definitions[named], definitions) | rest if named else rest
