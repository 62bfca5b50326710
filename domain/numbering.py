"""Document numbers: drawn with the document they are for, never twice, no gap without a reason.

A series belongs to a unit and a kind of document (`series/o_1-loan`), which says what its numbers
look like, and counts anew every year (`series/o_1-loan-2026`). A number is drawn in the same act
as its document, so neither exists without the other: 示机管处〔2026〕0001号 (DOMAIN.md i.9).
Papers from outside keep the numbers they came with; nothing is drawn for them.

A case has the number of the unit that puts it forward, from then on: the fact by which it does
is declared `numbered`, and the ledger asks for the rest. A unit that named no series for this
kind of case has no numbers, and none are made up for it.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, TypeAlias, assert_never

import msgspec
from msgspec.structs import replace

from domain.decider import LIFECYCLES, Ask, Event, Lang, Lifecycle, Occasion, Rule
from domain.values import Given, Reference, Stream, Text, Written
from domain.words import Role, Term, Words

ORDINAL_MAX = 999_999
DIGITS = 4
SERIES = re.compile(r"(?P<unit>.+?)-(?P<kind>[a-z_]+)(-(?P<year>[0-9]{4}))?")
Ordinal: TypeAlias = Annotated[int, Written(ge=1, le=ORDINAL_MAX)]
Digits: TypeAlias = Annotated[int, Written(ge=1, le=6)]


class SeriesStatus(Term):
    """Whether numbers were given out."""

    UNUSED = "unused", "未启用", "not in use"
    RUNNING = "running", "使用中", "in use"


class Naming(msgspec.Struct, frozen=True, gc=False):
    """What numbers look like from a day on."""

    since: date
    prefix: str
    digits: int


class Series(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the numbers look like, and how far they have come this year.

    `aside` is how many of them were not drawn here.
    """

    status: SeriesStatus = SeriesStatus.UNUSED
    namings: tuple[Naming, ...] = ()
    last: int = 0
    latest: str = ""
    aside: int = 0
    voided: frozenset[int] = frozenset()

    def describe(self, lang: Lang) -> str:
        """Say how far the series has come."""
        if lang == "zh":
            return f"文号序列{self.status.words.zh}，已用至第{self.last}号"
        return f"The series is {self.status.words.en}, used up to number {self.last}"


lifecycle: Lifecycle[Series] = Lifecycle(
    "series", Series, Words("文号序列", "Document numbers"), register=True
)

# What happened ----------------------------------------------------------------


class SeriesNamed(
    Event,
    name="series.named",
    zh="自{since}起机关代字为“{prefix}”，序号{digits}位",
    en="From {since} numbers begin with “{prefix}” and have {digits} digits",
    claims=("prefix",),
):
    """From this day on the numbers of this unit and kind of document look like this."""

    prefix: Reference
    since: date
    digits: Digits = DIGITS


class NumberDrawn(
    Event,
    name="series.number_drawn",
    zh="编发{number}，用于{document}",
    en="{number} drawn for {document}",
    claims=("number",),
):
    """The document has this number; `issued` is the business date on which it was drawn."""

    number: Reference
    ordinal: Ordinal
    document: Stream
    issued: date


class NumberVoided(
    Event,
    name="series.number_voided",
    zh="第{ordinal}号作废：{reason}",
    en="Number {ordinal} voided: {reason}",
):
    """The number stands for nothing any more and is not given again."""

    ordinal: Ordinal
    reason: Text


class NumbersUsedElsewhere(
    Event,
    name="series.numbers_used_elsewhere",
    zh="序号{since}至{until}不在本系统编发：{reason}",
    en="Numbers {since} to {until} were not drawn here: {reason}",
):
    """A gap with its reason: numbers given on paper before, or not to be used."""

    since: Ordinal
    until: Ordinal
    reason: Text


class CaseNumbered(Event, name="case.numbered", zh="编号{number}", en="Given number {number}"):
    """The case was put forward under this number, which stays its own whatever comes of it."""

    number: Reference


SeriesEvent: TypeAlias = SeriesNamed | NumberDrawn | NumberVoided | NumbersUsedElsewhere

# Where that leaves us ---------------------------------------------------------


def evolve(series: Series, event: SeriesEvent) -> Series:
    """What an event means. Never refuses: it already happened."""
    match event:
        case SeriesNamed(since=since, prefix=prefix, digits=digits):
            others = (naming for naming in series.namings if naming.since != since)
            namings = (*others, Naming(since, prefix, digits))
            return replace(
                series,
                status=SeriesStatus.RUNNING,
                namings=tuple(sorted(namings, key=lambda naming: naming.since)),
            )
        case NumberDrawn(ordinal=ordinal, number=number):
            if ordinal <= series.last:  # told out of order: the highest is the latest
                return replace(series, status=SeriesStatus.RUNNING)
            return replace(series, status=SeriesStatus.RUNNING, last=ordinal, latest=number)
        case NumberVoided(ordinal=ordinal):
            return replace(series, voided=series.voided | {ordinal})
        case NumbersUsedElsewhere(since=since, until=until):
            return replace(
                series,
                status=SeriesStatus.RUNNING,
                last=max(series.last, until),
                aside=series.aside + max(0, until - since + 1),
            )
        case _:
            assert_never(event)


def evolve_case(case: Any, event: CaseNumbered) -> Any:
    """What a number means for any case: a state with a field `number`."""
    return replace(case, number=event.number)


lifecycle.part(SeriesEvent, evolve)

# What may be asked ------------------------------------------------------------

WHOSE_NUMBER = Rule(
    slug="number-of-no-unit",
    zh="没有以任何单位的名义办理，不能编发文号。",
    en="This is done in no unit's name, so there is no series to draw a number from.",
)
OF_A_UNIT_AND_KIND = Rule(
    slug="no-such-series",
    zh="文号序列以“单位-文种”命名，当年编发的以“单位-文种-年份”命名；本序列为 {series}。",
    en="A series is named UNIT-KIND, and UNIT-KIND-YEAR where its numbers are; this is {series}.",
)
NUMBERS_LEFT = Rule(
    slug="series-used-up",
    zh="本年度序号已用到 {most}，不能再编发。",
    en="The series has come to {most}, the last number of a year.",
)
DRAWN = Rule(
    slug="number-not-drawn",
    zh="第 {ordinal} 号没有编发过（已用至第 {last} 号）。",
    en="Number {ordinal} was not drawn (the last one is {last}).",
)
NOT_VOIDED = Rule(
    slug="number-voided-already",
    zh="第 {ordinal} 号已经作废。",
    en="Number {ordinal} is voided already.",
)
AHEAD = Rule(
    slug="numbers-passed",
    zh="序号已用至第 {last} 号，只能说明其后的号码。",
    en="The series has come to {last}; only numbers after it can be set aside.",
)


UNNUMBERED = Rule(
    slug="numbered-already",
    zh="本事项已有文号，不再另编。",
    en="The case has its number already; it gets no other.",
    holds=lambda case, _: not case.number,
)


def give_numbers() -> None:
    """Let every kind of case that is put forward by a `numbered` fact keep its number."""
    for life in LIFECYCLES.values():
        if any(fact.numbered for fact in life.meanings):
            assert life.state().number == "", f"{life.kind}: a state that keeps its number"
            life.part(CaseNumbered, evolve_case)
            life.verb(UNNUMBERED, zh="记文号", en="Keep its number", inner=True)(be_numbered)


def be_numbered(_: Any, __: Occasion, *, number: Reference) -> CaseNumbered:
    """Keep the number that was drawn in the same act."""
    return CaseNumbered(number=number)


def series_of(occasion: Occasion, stream: str) -> str:
    """Return the series from which the acting unit numbers a stream that is put forward."""
    return f"series/{occasion.unit}-{stream.partition('/')[0]}"


def due_ask(series: Series, occasion: Occasion, stream: str) -> Ask | None:
    """Return the request for the number of what is put forward; None when no series is named."""
    if not any(naming.since <= occasion.on for naming in series.namings):
        return None
    return draw_ask(occasion, stream.partition("/")[0], stream, tell=be_numbered.__name__)


def draw_ask(
    occasion: Occasion, kind: str, document: str, *, unit: str = "", tell: str = ""
) -> Ask:
    """Return the request for a number of the asker's unit, to be part of a document's answer.

    `kind` is the sort of document (`loan`, `approval`), one series for each. With `tell`, the
    document is asked that inner verb with `number` in the same act, and so knows it. Raise Refused
    when nobody says whose number it is.
    """
    whose = unit or occasion.unit
    if not whose:
        raise WHOSE_NUMBER.broken()
    if tell:
        return Ask(f"series/{whose}-{kind}", "draw_and_tell", {"document": document, "tell": tell})
    return Ask(f"series/{whose}-{kind}", "draw", {"document": document})


def number(prefix: str, year: str, ordinal: int, digits: int) -> str:
    """Return a number as a person reads it: 示机管处〔2026〕0001号."""
    return f"{prefix}〔{year}〕{ordinal:0{digits}}号"


def named(occasion: Occasion) -> tuple[str, str, str]:
    """Return unit, kind and year (or an empty text) of the series that is asked."""
    name = occasion.stream.partition("/")[2]
    match = SERIES.fullmatch(name)
    if match is None:
        raise OF_A_UNIT_AND_KIND.broken(series=name)
    return match["unit"], match["kind"], match["year"] or ""


def of_a_year(occasion: Occasion) -> str:
    """Return the year of the series that is asked, or refuse: only those have numbers."""
    year = named(occasion)[2]
    if not year:
        raise OF_A_UNIT_AND_KIND.broken(series=occasion.stream.partition("/")[2])
    return year


@lifecycle.verb(zh="定机关代字", en="Name the series", roles=(Role.ADMIN, Role.OFFICE, Role.HEAD))
def name_series(
    _: Series, occasion: Occasion, *, prefix: Reference, digits: Digits = DIGITS
) -> SeriesNamed:
    """Say what the numbers of a unit and a kind of document look like from this day on."""
    if named(occasion)[2]:
        raise OF_A_UNIT_AND_KIND.broken(series=occasion.stream.partition("/")[2])
    return SeriesNamed(prefix=prefix, since=occasion.on, digits=digits)


@lifecycle.verb(
    zh="编发文号", en="Draw a number", roles=(Role.CLERK, Role.HEAD, Role.KEEPER, Role.OFFICE)
)
def draw(series: Series, occasion: Occasion, *, document: Stream) -> Ask:
    """Draw this year's next number for a document."""
    return next_number(series, occasion, document, "")


@lifecycle.verb(zh="编发文号并回告", en="Draw a number and tell the document", inner=True)
def draw_and_tell(series: Series, occasion: Occasion, *, document: Stream, tell: Text) -> Ask:
    """Draw this year's next number for a document, and ask it to keep the number."""
    return next_number(series, occasion, document, tell)


def next_number(series: Series, occasion: Occasion, document: str, tell: str) -> Ask:
    """Return what this year's series is asked, to write its number as this series says."""
    unit, kind, already = named(occasion)
    if already:
        raise OF_A_UNIT_AND_KIND.broken(series=occasion.stream.partition("/")[2])
    named_by = [naming for naming in series.namings if naming.since <= occasion.on]
    naming = named_by[-1] if named_by else Naming(occasion.on, f"{unit}-{kind}", DIGITS)
    form = {
        "prefix": naming.prefix,
        "digits": naming.digits,
        "document": document,
        "tell": tell,
    }
    return Ask(f"{occasion.stream}-{occasion.on.year}", "take", form)


@lifecycle.verb(zh="取号", en="Take the next number", inner=True)
def take(
    series: Series,
    occasion: Occasion,
    *,
    prefix: Text,
    digits: Digits,
    document: Stream,
    tell: Text = "",
) -> tuple[Event | Ask, ...]:
    """Give the next number to a document."""
    year = of_a_year(occasion)
    if series.last >= ORDINAL_MAX:
        raise NUMBERS_LEFT.broken(most=ORDINAL_MAX)
    text = number(prefix, year, series.last + 1, digits)
    drawn = NumberDrawn(number=text, ordinal=series.last + 1, document=document, issued=occasion.on)
    return (drawn, Ask(document, tell, {"number": text})) if tell else (drawn,)


@lifecycle.verb(zh="文号作废", en="Void a number", roles=(Role.CLERK, Role.HEAD, Role.OFFICE))
def void_number(
    series: Series, occasion: Occasion, *, ordinal: Ordinal, reason: Given
) -> NumberVoided:
    """Void a number whose document came to nothing; the number is not given again."""
    of_a_year(occasion)
    if ordinal > series.last:
        raise DRAWN.broken(ordinal=ordinal, last=series.last)
    if ordinal in series.voided:
        raise NOT_VOIDED.broken(ordinal=ordinal)
    return NumberVoided(ordinal=ordinal, reason=reason)


@lifecycle.verb(zh="说明跳号", en="Account for numbers", roles=(Role.CLERK, Role.HEAD, Role.OFFICE))
def set_aside(
    series: Series, occasion: Occasion, *, until: Ordinal, reason: Given
) -> NumbersUsedElsewhere:
    """Leave numbers out, up to one, and say why: they were given on paper, or are not to be used."""
    of_a_year(occasion)
    if until <= series.last:
        raise AHEAD.broken(last=series.last)
    return NumbersUsedElsewhere(since=series.last + 1, until=until, reason=reason)
