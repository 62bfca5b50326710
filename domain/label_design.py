"""The labels of a unit: the templates it drew up, the blank ones it printed, how it numbers assets.

One register per unit (`labels/o_1`). A template holds from a day on; a later one of the same name
takes its place, and labels printed before stay what they were. Blank labels are counted, so that
none is printed twice; each is bound to an asset when it is first scanned (`labelling.bind_label`,
whose claim on the label id refuses a second binding). Asset numbers follow the unit's own rule and
end, where the unit wants it, in a check character for whoever types them (ISO/IEC 7064).
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, TypeAlias, assert_never

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from domain.decider import Event, Lang, Lifecycle, Occasion, Rule
from domain.values import END, ID, Given, Name, Reference, Text, Written
from domain.words import Role, Term, Words

TEMPLATES_MAX = 50
STOCK_MAX = 5_000  # blank labels of one printing
STOCK_LAST = 9_999_999
DIGITS_MIN, DIGITS_MAX = 3, 9
CODE_MM_MIN = Decimal(17)  # 49 modules of a third of a millimetre
SIGNED_CODE_MM_MIN = Decimal("19.5")  # 57 modules
TEXT_MM_MIN = Decimal(18)  # beside the code
AROUND_MM = Decimal(7)  # above and below the code
A4_MM = (Decimal(210), Decimal(297))

Millimetres: TypeAlias = Annotated[str, Written(pattern=r"^[0-9]{1,3}(\.[0-9]{1,2})?" + END)]
TemplateId: TypeAlias = Annotated[str, Written(pattern=ID)]
Places: TypeAlias = Annotated[int, Meta(ge=1, le=20)]
Serial: TypeAlias = Annotated[int, Meta(ge=1, le=STOCK_LAST)]
Count: TypeAlias = Annotated[int, Meta(ge=1, le=STOCK_MAX)]
NumberDigits: TypeAlias = Annotated[int, Meta(ge=DIGITS_MIN, le=DIGITS_MAX)]
NumberPrefix: TypeAlias = Annotated[str, Written(pattern=r"^[A-Z0-9][A-Z0-9-]{0,23}" + END)]


class Overflow(Term):
    """What happens to text that is too long for its place."""

    SHRINK = "shrink", "缩小至6磅，仍放不下则以“…”截断", "shrink to 6 pt, then cut with “…”"
    CUT = "cut", "字号不变，以“…”截断", "keep the size, cut with “…”"
    REFUSE = "refuse", "缩小至6磅，仍放不下则不印", "shrink to 6 pt, then refuse to print"


class LabelField(Term):
    """What a label may say beside unit and asset number."""

    NAME = "name", "资产名称", "item"
    MODEL = "model", "规格型号", "model"
    DEPARTMENT = "department", "使用部门", "department"
    IN_SERVICE = "in_service", "启用日期", "in service since"
    SERIAL = "serial", "出厂编号", "serial number"
    PLACE = "place", "存放地点", "place"
    USER = "user", "使用人", "user"
    EPC = "epc", "射频标签内容（EPC）", "content of the radio tag (EPC)"


FIELDS = {field.value: field for field in LabelField}
ONE_FIELD = "(?:" + "|".join(FIELDS) + ")"
# In the order in which they are printed, a blank between two: `name model department`.
FieldList: TypeAlias = Annotated[
    str, Written(max_length=80, pattern=rf"^{ONE_FIELD}(?: {ONE_FIELD}){{0,7}}" + END)
]
STANDARD_FIELDS = "name model department in_service"


class Design(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A template as it holds from a day on; `withdrawn` ends it."""

    template: str
    since: date
    title: str = ""
    width: str = ""
    height: str = ""
    code_side: str = ""
    fields: str = ""
    overflow: Overflow = Overflow.SHRINK
    columns: int = 1
    rows: int = 1
    margin_left: str = "0"
    margin_top: str = "0"
    gap_across: str = "0"
    gap_down: str = "0"
    code_signed: bool = False
    withdrawn: bool = False


class NumberRule(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How asset numbers look from a day on: prefix, year, counted digits, check character."""

    since: date
    number_prefix: str
    digits: int
    yearly: bool
    check: bool


class UnitLabels(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The templates, the blank labels printed so far, and the rule of the asset numbers."""

    designs: tuple[Design, ...] = ()
    stock: int = 0  # blank labels 1 to this one were printed
    stock_voided: frozenset[int] = frozenset()
    number_rules: tuple[NumberRule, ...] = ()
    numbers_given: int = 0  # asset numbers given so far, in all series
    counters: tuple[tuple[str, int], ...] = ()  # the last ordinal of each series
    latest: str = ""

    def describe(self, lang: Lang) -> str:
        """Say what there is."""
        templates = len({design.template for design in self.designs})
        if lang == "zh":
            return f"自定标签模板{templates}种，已印空白标签{self.stock}张，已编资产编号{self.numbers_given}个"
        return (
            f"templates of its own: {templates}; blank labels printed: {self.stock};"
            f" asset numbers given: {self.numbers_given}"
        )

    def template(self, name: str, on: date) -> Design | None:
        """Return the template of that name as it holds on a day."""
        held = [d for d in self.designs if d.template == name and d.since <= on]
        return held[-1] if held and not held[-1].withdrawn else None

    def templates(self, on: date) -> tuple[Design, ...]:
        """Return every template that holds on a day, by name."""
        names = sorted({design.template for design in self.designs})
        return tuple(held for name in names if (held := self.template(name, on)))

    def last_of(self, series: str) -> int:
        """Return the last ordinal given in a series, 0 before the first."""
        return dict(self.counters).get(series, 0)

    def rule(self, on: date) -> NumberRule | None:
        """Return the rule of the asset numbers on a day."""
        return next((rule for rule in reversed(self.number_rules) if rule.since <= on), None)


lifecycle: Lifecycle[UnitLabels] = Lifecycle(
    "labels", UnitLabels, Words("标签与资产编号", "Labels and asset numbers"), register=True
)

# What happened ----------------------------------------------------------------


class TemplateDrawn(
    Event,
    name="labels.template_drawn",
    zh="标签模板“{title}”（{template}）自{since}起：{width}×{height}毫米，{overflow}",
    en="Label template “{title}” ({template}) from {since}: {width} × {height} mm, {overflow}",
):
    """From this day on labels of this name look like this. Lengths are millimetres.

    More than one column or row is a sheet of A4; then margins and gaps count. `code_signed` asks
    for a whole signature in the code, which is checked without the server.
    """

    template: TemplateId
    title: Name
    since: date
    width: Millimetres
    height: Millimetres
    code_side: Millimetres
    fields: FieldList
    overflow: Overflow
    columns: Places = 1
    rows: Places = 1
    margin_left: Millimetres = "0"
    margin_top: Millimetres = "0"
    gap_across: Millimetres = "0"
    gap_down: Millimetres = "0"
    code_signed: bool = False


class TemplateWithdrawn(
    Event,
    name="labels.template_withdrawn",
    zh="标签模板{template}自{since}起停用：{reason}",
    en="Label template {template} is not used from {since}: {reason}",
):
    """From this day on nothing is printed with it; what was printed stays."""

    template: TemplateId
    since: date
    reason: Text


class StockPrinted(
    Event,
    name="labels.stock_printed",
    zh="预印空白标签，序号{first}至{last}",
    en="Blank labels printed, {first} to {last}",
):
    """Labels without an asset were printed; each is bound when it is first scanned."""

    first: Serial
    last: Serial


class StockVoided(
    Event,
    name="labels.stock_voided",
    zh="空白标签{first}至{last}作废：{reason}",
    en="Blank labels {first} to {last} voided: {reason}",
):
    """Blank labels were lost or spoilt; they are not to be bound."""

    first: Serial
    last: Serial
    reason: Text


class NumberRuleSet(
    Event,
    name="labels.number_rule_set",
    zh="资产编号规则自{since}起：前缀{number_prefix}，流水号{digits}位",
    en="Asset numbers from {since}: prefix {number_prefix}, {digits} digits",
):
    """From this day on asset numbers look like this; numbers given before stay."""

    number_prefix: NumberPrefix
    digits: NumberDigits
    since: date
    yearly: bool
    check: bool


class AssetNumberGiven(
    Event,
    name="labels.asset_number_given",
    zh="编出资产编号{number}",
    en="Asset number {number} given",
    claims=("number",),
):
    """The number is for one asset; it is never given again."""

    number: Reference
    series: Reference
    ordinal: Annotated[int, Meta(ge=1, lt=10**DIGITS_MAX)]


LabelsEvent: TypeAlias = (
    TemplateDrawn
    | TemplateWithdrawn
    | StockPrinted
    | StockVoided
    | NumberRuleSet
    | AssetNumberGiven
)

# Where that leaves us ---------------------------------------------------------


def evolve(state: UnitLabels, event: LabelsEvent) -> UnitLabels:
    """What an event means. Never refuses: it already happened."""
    match event:
        case TemplateDrawn():
            drawn = Design(**{name: getattr(event, name) for name in event.__struct_fields__})
            return replace(state, designs=dated(state.designs, drawn))
        case TemplateWithdrawn(template=template, since=since):
            gone = Design(template=template, since=since, withdrawn=True)
            return replace(state, designs=dated(state.designs, gone))
        case StockPrinted(last=last):
            return replace(state, stock=max(state.stock, last))
        case StockVoided(first=first, last=last):
            lost = range(first, min(last, first + STOCK_MAX - 1) + 1)
            return replace(state, stock_voided=state.stock_voided.union(lost))
        case NumberRuleSet():
            rule = NumberRule(**{name: getattr(event, name) for name in event.__struct_fields__})
            others = (known for known in state.number_rules if known.since != rule.since)
            return replace(
                state, number_rules=tuple(sorted((*others, rule), key=lambda r: r.since))
            )
        case AssetNumberGiven(number=number, series=series, ordinal=ordinal):
            last = max(ordinal, state.last_of(series))
            counters = {**dict(state.counters), series: last}
            return replace(
                state,
                numbers_given=state.numbers_given + 1,
                counters=tuple(sorted(counters.items())),
                latest=number,
            )
        case _:
            assert_never(event)


def dated(designs: tuple[Design, ...], new: Design) -> tuple[Design, ...]:
    """Put a template where its day belongs; of two of one name and day, the later word counts."""
    others = (d for d in designs if (d.template, d.since) != (new.template, new.since))
    return tuple(sorted((*others, new), key=lambda design: (design.template, design.since)))


lifecycle.part(LabelsEvent, evolve)

# What may be asked ------------------------------------------------------------

OWN_LABELS = Rule(
    slug="not-your-labels",
    zh="这是其他单位的标签与编号设置，只有该单位自己可以改。",
    en="These are the labels and numbers of another unit; only that unit changes them.",
    holds=lambda _, occasion: occasion.acts_for(occasion.stream.partition("/")[2]),
)
ON_THE_SHEET = Rule(
    slug="label-off-the-sheet",
    zh="{columns}列{rows}行标签连同边距、间距共 {width}×{height} 毫米，A4 纸（210×297）放不下。",
    en="{columns} × {rows} labels with margins and gaps take {width} × {height} mm; A4 is 210 × 297.",
)
CODE_FITS = Rule(
    slug="label-code-size",
    zh="二维码边长 {code} 毫米不合适：至少 {least} 毫米，至多为高度减 {around}、宽度减 {beside} 毫米。",
    en="A code of {code} mm does not do: at least {least} mm; at most the height less {around} and"
    " the width less {beside} mm.",
)
FIELDS_ONCE = Rule(
    slug="label-field-twice",
    zh="标签上的项目不得重复。",
    en="A field stands on a label once.",
)
TEMPLATES_LEFT = Rule(
    slug="label-templates-enough",
    zh="一个单位的标签模板（含历次修改）至多 {most} 个。",
    en="A unit has at most {most} label templates, earlier versions counted.",
)
KNOWN_TEMPLATE = Rule(
    slug="no-label-template",
    zh="没有自 {since} 起可用的标签模板 {template}。",
    en="There is no label template {template} on {since}.",
)
STOCK_LEFT = Rule(
    slug="label-stock-used-up",
    zh="空白标签序号已用到 {last}，不能再印 {count} 张。",
    en="The serials of blank labels have come to {last}; {count} more do not fit.",
)
STOCK_KNOWN = Rule(
    slug="label-stock-unknown",
    zh="空白标签只印到第 {last} 张；作废范围须从小到大，一次至多 {most} 张。",
    en="Blank labels were printed up to {last}; a range runs upwards, at most {most} at once.",
)
NUMBER_RULE = Rule(
    slug="no-number-rule",
    zh="本单位还没有资产编号规则；请先设定规则，或按原有编号登记。",
    en="The unit has no rule for asset numbers yet; set one, or type the numbers it has.",
)
NUMBERS_LEFT = Rule(
    slug="asset-numbers-used-up",
    zh="{digits}位流水号已用完；请自某日起设定更长的规则。",
    en="All numbers of {digits} digits are used up; set a longer rule from some day on.",
)


@lifecycle.verb(
    OWN_LABELS, zh="设定标签模板", en="Draw up a label template",
    roles=(Role.CLERK, Role.KEEPER, Role.HEAD, Role.ADMIN, Role.OFFICE),
)  # fmt: skip
def draw_template(
    state: UnitLabels,
    _: Occasion,
    *,
    template: TemplateId,
    title: Name,
    since: date,
    width: Millimetres,
    height: Millimetres,
    code_side: Millimetres,
    fields: FieldList = STANDARD_FIELDS,
    overflow: Overflow = Overflow.SHRINK,
    columns: Places = 1,
    rows: Places = 1,
    margin_left: Millimetres = "0",
    margin_top: Millimetres = "0",
    gap_across: Millimetres = "0",
    gap_down: Millimetres = "0",
    code_signed: bool = False,
) -> TemplateDrawn:
    """Draw up a template, or change it from a day on; lengths are millimetres."""
    if len(state.designs) >= TEMPLATES_MAX:
        raise TEMPLATES_LEFT.broken(most=TEMPLATES_MAX)
    drawn = TemplateDrawn(
        template=template, title=title, since=since, width=width, height=height,
        code_side=code_side, fields=fields, overflow=overflow, columns=columns, rows=rows,
        margin_left=margin_left, margin_top=margin_top,
        gap_across=gap_across, gap_down=gap_down, code_signed=code_signed,
    )  # fmt: skip
    printable(drawn)
    return drawn


def printable(drawn: TemplateDrawn) -> None:
    """Refuse a template that no paper or no scanner would bear."""
    listed = drawn.fields.split()
    if len(set(listed)) < len(listed):
        raise FIELDS_ONCE.broken()
    width, height, code = Decimal(drawn.width), Decimal(drawn.height), Decimal(drawn.code_side)
    least = SIGNED_CODE_MM_MIN if drawn.code_signed else CODE_MM_MIN
    if not least <= code <= min(height - AROUND_MM, width - TEXT_MM_MIN):
        raise CODE_FITS.broken(
            code=drawn.code_side, least=least, around=AROUND_MM, beside=TEXT_MM_MIN
        )
    across = width * drawn.columns + Decimal(drawn.gap_across) * (drawn.columns - 1)
    down = height * drawn.rows + Decimal(drawn.gap_down) * (drawn.rows - 1)
    across, down = across + Decimal(drawn.margin_left), down + Decimal(drawn.margin_top)
    if across > A4_MM[0] or down > A4_MM[1]:
        raise ON_THE_SHEET.broken(columns=drawn.columns, rows=drawn.rows, width=across, height=down)


@lifecycle.verb(
    OWN_LABELS, zh="停用标签模板", en="Withdraw a label template",
    roles=(Role.CLERK, Role.KEEPER, Role.HEAD, Role.ADMIN, Role.OFFICE),
)  # fmt: skip
def withdraw_template(
    state: UnitLabels, _: Occasion, *, template: TemplateId, since: date, reason: Given
) -> TemplateWithdrawn:
    """Use a template no longer from a day on."""
    if state.template(template, since) is None:
        raise KNOWN_TEMPLATE.broken(template=template, since=since)
    return TemplateWithdrawn(template=template, since=since, reason=reason)


@lifecycle.verb(
    OWN_LABELS,
    zh="预印空白标签",
    en="Print blank labels",
    roles=(Role.CLERK, Role.KEEPER, Role.OFFICE),
)
def print_stock(state: UnitLabels, _: Occasion, *, count: Count) -> StockPrinted:
    """Reserve the next serials for blank labels, so that they can be printed ahead."""
    if state.stock + count > STOCK_LAST:
        raise STOCK_LEFT.broken(last=state.stock, count=count)
    return StockPrinted(first=state.stock + 1, last=state.stock + count)


@lifecycle.verb(
    OWN_LABELS,
    zh="空白标签作废",
    en="Void blank labels",
    roles=(Role.CLERK, Role.KEEPER, Role.OFFICE),
)
def void_stock(
    state: UnitLabels, _: Occasion, *, first: Serial, last: Serial, reason: Given
) -> StockVoided:
    """Void blank labels that were lost or spoilt; a scan of them says so."""
    if not first <= last <= state.stock or last - first >= STOCK_MAX:
        raise STOCK_KNOWN.broken(last=state.stock, most=STOCK_MAX)
    return StockVoided(first=first, last=last, reason=reason)


@lifecycle.verb(
    OWN_LABELS, zh="设定资产编号规则", en="Set the rule of asset numbers",
    roles=(Role.HEAD, Role.ADMIN, Role.OFFICE),
)  # fmt: skip
def set_number_rule(
    _: UnitLabels,
    __: Occasion,
    *,
    number_prefix: NumberPrefix,
    since: date,
    digits: NumberDigits = 6,
    yearly: bool = False,
    check: bool = False,
) -> NumberRuleSet:
    """Set how asset numbers look from a day on: prefix, year, digits, check character."""
    return NumberRuleSet(
        number_prefix=number_prefix, digits=digits, since=since, yearly=yearly, check=check
    )


@lifecycle.verb(
    OWN_LABELS,
    zh="编资产编号",
    en="Give an asset number",
    roles=(Role.CLERK, Role.KEEPER, Role.OFFICE),
)
def give_number(state: UnitLabels, occasion: Occasion) -> AssetNumberGiven:
    """Give the next asset number of the unit's rule, to be typed on one new card."""
    rule = state.rule(occasion.on)
    if rule is None:
        raise NUMBER_RULE.broken()
    # What the year adds is part of the series: another rule of the same shape counts on.
    series = f"{rule.number_prefix}-{occasion.on.year}" if rule.yearly else rule.number_prefix
    ordinal = state.last_of(series) + 1
    if ordinal >= 10**rule.digits:
        raise NUMBERS_LEFT.broken(digits=rule.digits)
    return AssetNumberGiven(number=number(rule, series, ordinal), series=series, ordinal=ordinal)


# How numbers are written --------------------------------------------------------

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
STOCK_ID = re.compile(r"B-(?P<unit>.+)-(?P<serial>[0-9]{7})(?P<check>[0-9A-Z])")


def number(rule: NumberRule, series: str, ordinal: int) -> str:
    """Write an asset number: its series, the ordinal, and the check character if there is one."""
    plain = f"{series}-{ordinal:0{rule.digits}d}"
    return f"{plain}-{check_character(plain)}" if rule.check else plain


def stock_id(unit: str, serial: int) -> str:
    """Write the id of a blank label: `B-O_1-0000017K`, the last a check character."""
    plain = f"B-{unit.upper()}-{serial:07d}"
    return plain + check_character(plain)


def stock_serial(label: str) -> tuple[str, int] | None:
    """Return whose blank label an id is (in capitals) and which; None when it is none at all."""
    found = STOCK_ID.fullmatch(label.strip().upper())
    if not found or check_character(label.strip()[:-1]) != found["check"]:
        return None
    return found["unit"], int(found["serial"])


def check_character(text: str) -> str:
    """Compute the ISO/IEC 7064 MOD 37,36 check character of the letters and digits of a text."""
    product = 36
    for character in text.upper():
        if character in ALPHABET:
            sum_ = (product + ALPHABET.index(character)) % 36 or 36
            product = sum_ * 2 % 37
    return ALPHABET[(1 - product) % 36]
