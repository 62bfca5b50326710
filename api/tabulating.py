"""Write the table of every state and step, and the catalogue of facts, from the declarations.

`python -m api.tabulating docs` writes `lifecycle.md`, `events.md` and, by `api.regulating`,
`regulations.md`; tests compare them.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, get_type_hints

import msgspec
from msgspec import inspect

import domain.lives  # noqa: F401 - every fact and verb must be known
from api import regulating
from api.tabulating_vouchers import vouchers_page
from domain.decider import FACTS, LIFECYCLES, Event, Lifecycle, Occasion, Rule, Verb
from domain.values import checked
from domain.words import Words, cited

ALWAYS, DEPENDS, NEVER = "✓", "◐", "✗"
ME, OTHER = "u_me", "u_other"
SOME: frozenset[str] = frozenset({"A"})
MORE: frozenset[str] = frozenset({"B"})
NO: frozenset[str] = frozenset()
# What else of a state its rules look at, beside the dimension that heads the columns.
COLUMNS = {"asset": "custody", "unit": "dissolved", "place": "kind"}
VARIANTS: dict[str, dict[str, tuple[Any, ...]]] = {
    "asset": {
        "lock": ("none", "reserved", "approval"),
        "kind": ("computer", "vehicle", "premises", "instrument"),
        "area_approved": ("", "120"),
        "shared": (False, True),
        "accepted": (None, True, False),
        "label": ("", "L1"),
        "listed": (False, True),
        "executed": (False, True),
    },
    "loan": {
        "applicant": (OTHER, ME),
        "waiting": (SOME, NO),
        "out": (NO, MORE),
        "sent": (NO, frozenset({("A", OTHER)}), frozenset({("B", OTHER)})),
    },
    "lease": {
        "applicant": (OTHER, ME),
        "waiting": (SOME, NO),
        "out": (NO, MORE),
        "sent": (NO, frozenset({("A", OTHER)}), frozenset({("B", OTHER)})),
        "extended_due": (None, date(2026, 12, 31)),
        "extension_no": ("", "续1"),
        "extension_applicant": ("", OTHER),
        "rent_assessed": (0, 1),
    },
    "intake": {
        "applicant": (OTHER, ME),
        "virtual": (False, True),
        "waiting": (SOME, NO),
        "received": (NO, MORE),
        "sent": (NO, frozenset({("A", OTHER)})),
    },
    "reallocation": {
        "applicant": (OTHER, ME),
        "sent": (frozenset({("A", OTHER)}), frozenset({("A", ME)}), NO),
        "moving": (SOME, NO),
        "arrived": (SOME, NO),
    },
    "claim": {
        "decided_from": (None, date(2025, 6, 30)),
        "until": (date(2025, 12, 31), date(2024, 12, 31)),
    },
    "conversion": {"applicant": (OTHER, ME), "waiting": (SOME, NO)},
    "exchange": {
        "applicant": (OTHER, ME),
        "partner": ("", "o_b"),
        "waiting": (SOME, NO),
        "gone": (NO, MORE),
        "sent": (NO, frozenset({("A", OTHER)})),
        "pieces": (0, 1),
        "boot": (0, 1),
    },
    "disposal": {
        "applicant": (OTHER, ME),
        "executed": (SOME, NO),
        "net": (1, None),
    },
    "policy": {"drafter": (OTHER, ME)},
    "standard": {"drafter": (OTHER, ME)},
    "plan": {"applicant": (OTHER, ME)},
    "acquisition": {"applicant": (OTHER, ME)},
    "census": {"applicant": (OTHER, ME), "surplus": (0, 1)},
    "stocktake": {
        "applicant": (OTHER, ME),
        "counters": (NO, frozenset({ME})),
        "found": (0, 1),
    },
    "reorganisation": {
        "applicant": (OTHER, ME),
        "unconfirmed": (SOME, NO),
        "count": (0, 1),
    },
    "unit": {"name": ("甲", ""), "ends_on": (None, date(2025, 12, 31))},
    "place": {"name": ("", "甲")},
}


class Numbers:
    """Rules in the order in which the tables first cite them."""

    def __init__(self) -> None:
        self.known: dict[str, tuple[int, Rule]] = {}

    def of(self, rule: Rule) -> int:
        return self.known.setdefault(rule.slug, (len(self.known) + 1, rule))[0]


# What the declarations say ----------------------------------------------------


def plausible(kind: str, state: Any) -> bool:
    """Return whether a state can come about, as far as the columns do not say it."""
    match kind:
        case "asset":
            left = state.custody == "left"
            if state.area_approved and state.kind != "premises":
                return False
            if state.shared and state.kind != "instrument":
                return False
            return (
                state.executed == (left and state.book in ("to_dispose", "gone"))
                and (state.lock == "none" or state.book == "on_books")
                and (state.book != "pending" or (state.accepted is False) == left)
            )
        case "loan":
            going = bool(state.waiting) and ("A", OTHER) in state.sent
            coming = bool(state.out) and ("B", OTHER) in state.sent
            if state.sent and not (going or coming):
                return False
            if state.status == "running":
                return bool(state.waiting or state.out)
            return not state.out and (not state.sent or state.status == "approved")
        case "lease":
            running = state.status == "running"
            going = bool(state.waiting) and ("A", OTHER) in state.sent
            coming = bool(state.out) and ("B", OTHER) in state.sent
            if state.sent and not ((going or coming) and (running or state.status == "signed")):
                return False
            asked = state.extended_due is not None
            if asked != bool(state.extension_applicant) or (state.extension_no and not asked):
                return False
            if asked and not (running and state.out):
                return False
            if running and not (state.waiting or state.out):
                return False
            return (running or not state.out) and (
                running or state.status == "closed" or not state.rent_assessed
            )
        case "intake":
            on_way = state.status == "approved" and state.waiting and not state.virtual
            if state.sent and not on_way:
                return False
            open_ = state.status in ("applied", "approved")
            received = not state.received or state.status in ("approved", "received")
            return bool(state.waiting) == open_ and received
        case "reallocation":
            sent, on_the_way = bool(state.sent), bool(state.moving)
            begun = state.status in ("shipped", "received", "booked")
            arrived = bool(state.arrived)
            return (
                sent == on_the_way
                and (begun or not (on_the_way or arrived))
                and not (state.status in ("received", "booked") and on_the_way)
                and arrived == (arrived and state.status != "booked")
            )
        case "conversion":
            return bool(state.waiting) == (state.status in ("requested", "approved"))
        case "exchange":
            signed = state.status == "signed"
            over = state.status in ("exchanged", "assessed", "remitted")
            begun = signed or over
            open_ = state.status in ("requested", "approved") or (signed and not state.gone)
            return (
                bool(state.waiting) == open_
                and (begun or not (state.gone or state.boot or state.pieces))
                and (not over or bool(state.gone))
                and bool(state.partner) == (not state.pieces or not begun)
                and (not state.sent or (signed and bool(state.partner) and bool(state.waiting)))
                and (state.boot == 1 or state.status not in ("assessed", "remitted"))
            )
        case "reorganisation":
            begun = state.status in ("approved", "handed_over", "closed")
            due = state.status == "handed_over"
            confirmed = state.status != "closed" or not state.unconfirmed
            moved = begun or not (state.count or state.unconfirmed)
            return (
                moved
                and confirmed
                and bool(state.unconfirmed) >= due
                and (bool(state.count) >= bool(state.unconfirmed))
            )
        case "disposal":
            begun = state.status in ("approved", "executed", "assessed", "remitted")
            return begun or not state.executed
    return True


def states(kind: str, fixed: dict[str, Any]) -> Iterator[Any]:
    """Yield the states that agree with `fixed`, the plainest first."""
    variants = VARIANTS.get(kind, {})
    hints = get_type_hints(LIFECYCLES[kind].state)
    for values in itertools.product(*variants.values()):
        fields = dict(zip(variants, values, strict=True)) | fixed
        yield LIFECYCLES[kind].state(
            **{name: msgspec.convert(value, hints[name]) for name, value in fields.items()}
        )


def possible(kind: str, fixed: dict[str, Any]) -> list[Any]:
    """Return the states that can come about, or all where a column itself never does."""
    every = list(states(kind, fixed))
    return [state for state in every if plausible(kind, state)] or every


def result(verb: Verb, kept: Iterable[Any], numbers: Numbers) -> str:
    """Return the cell: always, never by which rule, or depending on which rules."""
    occasion = Occasion(by=ME, on=date(2025, 1, 1))
    answers = [verb.refusal(state, occasion) for state in kept]
    refusals = list(dict.fromkeys(numbers.of(rule) for rule in answers if rule is not None))
    if not refusals:
        return ALWAYS
    if None in answers:
        return f"{DEPENDS} {', '.join(map(str, refusals))}"
    return f"{NEVER} {refusals[0]}"


def mentioned(function: Any) -> Iterator[Any]:
    """Yield what a function and the functions of the domain it calls refer to by name."""
    seen: set[CodeType] = set()
    waiting = [function]
    while waiting:
        current = waiting.pop(0)
        if current.__code__ in seen:
            continue
        seen.add(current.__code__)
        codes = [current.__code__]
        codes += [c for c in current.__code__.co_consts if isinstance(c, CodeType)]
        for code in codes:
            yield from (c for c in code.co_consts if isinstance(c, str))
            for name in code.co_names:
                meant = current.__globals__.get(name)
                if isinstance(meant, FunctionType) and meant.__module__.startswith("domain."):
                    waiting.append(meant)
                yield meant


def reasons(verb: Verb) -> list[Rule]:
    """Return every rule that can refuse a verb: about the state, then about the details."""
    about_details = [m for m in mentioned(verb.function) if isinstance(m, Rule)]
    return list({rule.slug: rule for rule in (*verb.rules, *about_details)}.values())


def outcomes(verb: Verb) -> tuple[list[str], list[str]]:
    """Return the names of the facts a verb records and the steps it asks of assets."""
    found = list(mentioned(verb.function))
    facts = [m.type_name for m in found if isinstance(m, type) and m in FACTS.values()]
    inner = {v.name for v in LIFECYCLES["asset"].verbs.values() if v.inner}
    asks = [m for m in found if isinstance(m, str) and m in inner and verb.kind != "asset"]
    return list(dict.fromkeys(facts)), list(dict.fromkeys(asks))


def type_words(fact: type[Event], name: str) -> str:
    """Return how the type of a field is called in the catalogue."""
    hint = get_type_hints(fact, include_extras=True)[name]
    words: list[str] = []
    for part in _parts(inspect.type_info(checked(hint))):
        match part:
            case inspect.Metadata(type=inner, extra=extra):
                ref = (extra or {}).get("ref")
                words.append(str(ref) if ref else "fen" if (extra or {}).get("money") else "text")
                if isinstance(inner, inspect.IntType) and not (extra or {}).get("money"):
                    words[-1] = "integer"
            case inspect.NoneType():
                words.append("empty")
            case inspect.EnumType(cls=cls):
                words.append("/".join(str(member.value) for member in cls))
            case inspect.VarTupleType(item_type=item):
                inner_words = item.cls.__name__ if isinstance(item, inspect.StructType) else "id"
                words.append(f"list of {inner_words}")
            case _:
                words.append(type(part).__name__.removesuffix("Type").lower())
    return " or ".join(dict.fromkeys("text" if w == "str" else w for w in words))


def _parts(holds: inspect.Type) -> list[inspect.Type]:
    return list(holds.types) if isinstance(holds, inspect.UnionType) else [holds]


# The tables -------------------------------------------------------------------


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Yield the lines of a Markdown table."""
    titles = list(head)
    yield f"| {' | '.join(titles)} |"
    yield f"|{'---|' * len(titles)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def both(words: Words) -> str:
    return f"{words.zh} {words.en}"


def called(verb: Verb) -> str:
    return f"{'· ' if verb.inner else ''}{verb.zh} `{verb.name}`"


def columns(kind: str) -> tuple[str, dict[str, Any]]:
    """Return the attribute that heads the columns and its values with their titles."""
    attribute = COLUMNS.get(kind, "status")
    hint = get_type_hints(LIFECYCLES[kind].state).get(attribute)
    if hint is None:
        return "", {"任何状态 any state": None}
    if hint is bool:
        return attribute, {"存续 exists": False, "已撤销 dissolved": True}
    return attribute, {both(member.words): member for member in hint}


def matrix(lifecycle: Lifecycle[Any], numbers: Numbers, **fixed: Any) -> Iterator[str]:
    """Yield the table of one kind of stream: a row per step, a column per state."""
    attribute, heads = columns(lifecycle.kind)
    kept = {
        title: possible(lifecycle.kind, fixed | ({attribute: value} if attribute else {}))
        for title, value in heads.items()
    }
    yield from table(
        ["事项 step", *heads],
        (
            [called(verb), *(result(verb, group, numbers) for group in kept.values())]
            for verb in lifecycle.verbs.values()
        ),
    )


def steps(lifecycle: Lifecycle[Any], numbers: Numbers) -> Iterator[str]:
    """Yield who may ask each step, what it records and what can refuse it."""

    def row(verb: Verb) -> list[str]:
        facts, asks = outcomes(verb)
        roles = (
            "、".join(Words.of(role).zh for role in sorted(verb.roles)) or "由事项发起 by a case"
        )
        recorded = ", ".join(f"`{fact}`" for fact in facts)
        asked = "".join(f" → `asset.{ask}`" for ask in asks)
        papers = dict.fromkeys(form for fact in facts for form in FACTS[fact].papers)
        left = "、".join(form.words.zh for form in papers)
        refused = ", ".join(str(numbers.of(rule)) for rule in reasons(verb))
        return [called(verb), verb.en, roles, recorded + asked, left, refused]

    yield from table(
        [
            "事项 step",
            "English",
            "岗位 roles",
            "记录 records → asks",
            "文书 papers",
            "可能的拒绝 refused by",
        ],
        map(row, lifecycle.verbs.values()),
    )


def lifecycle_page() -> str:
    """Return `lifecycle.md`: every step in every state, and the rules behind each refusal."""
    numbers, lines = Numbers(), [*LIFECYCLE_HEAD]
    assets = LIFECYCLES["asset"]
    for book in get_type_hints(assets.state)["book"]:
        lines += [f"## 资产：{book.words.zh} · Asset: {book.words.en}", ""]
        lines += matrix(assets, numbers, book=book)
    for kind in sorted(LIFECYCLES, key=lambda k: (k in ("place", "unit"), k)):
        title = f"{LIFECYCLES[kind].words.zh} · {LIFECYCLES[kind].words.en}"
        if kind != "asset":
            lines += [f"## {title}", "", *matrix(LIFECYCLES[kind], numbers)]
        lines += [
            f"### {title}：办理与拒绝 · steps and refusals",
            "",
            *steps(LIFECYCLES[kind], numbers),
        ]
    lines += ["## 规则 · Rules", ""]
    lines += table(
        ["#", "规则 rule", "中文", "English", "依据", "Article"],
        (
            [str(n), f"`{r.slug}`", r.zh, r.en, r.law or "–", cited(r.law, "en") or "–"]
            for n, r in numbers.known.values()
        ),
    )
    return "\n".join(lines)


def events_page() -> str:
    """Return `events.md`: every fact, its sentence in both languages, its fields, its source."""
    lines = [*EVENTS_HEAD]
    common = {"case": Words("各类事项", "Cases of any kind"), "ledger": Words("账本", "Ledger")}
    for kind in [*sorted(LIFECYCLES), *common]:
        words = common[kind] if kind in common else LIFECYCLES[kind].words
        lines += [f"## {words.zh} · {words.en}", ""]
        for name, fact in sorted(FACTS.items()):
            if name.split(".")[0] == kind:
                lines += described(fact)
    return "\n".join(lines)


def described(fact: type[Event]) -> Iterator[str]:
    """Yield one fact of the catalogue."""
    yield f"### `{fact.type_name}` · {fact.__name__} · v{fact.type_version}"
    yield ""
    yield f"- 中文：{fact.zh}"
    yield f"- English: {fact.en}"
    yield f"- {' '.join((fact.__doc__ or '').split())}"
    if fact.claims:
        yield f"- 一经使用不再发放 · used once in the ledger: {', '.join(fact.claims)}"
    if fact.papers:
        left = "、".join(f"{form.words.zh} `{form.value}`" for form in fact.papers)
        yield f"- 文书 · papers: {left}"
    if fact.numbered:
        yield "- 编发文号 · draws a document number"
    yield ""
    needed = {f.name: f.required for f in msgspec.structs.fields(fact)}
    yield from table(
        ["字段 field", "中文", "English", "类型 type", "必填 required"],
        (
            [
                f"`{name}`",
                Words.of(name).zh,
                Words.of(name).en,
                type_words(fact, name),
                "✓" if required else "",
            ]
            for name, required in needed.items()
        ),
    )


LIFECYCLE_HEAD = [
    "# 全生命周期状态表 · The lifecycle, state by state",
    "",
    "本页由代码生成（`python -m api.tabulating docs`），测试保证与代码一致。",
    "This page is generated from the code; a test holds it to the code.",
    "",
    "资产有三个互不相干的维度：账（每张表一个）、物（列）、占用（见规则）。",
    "An asset has three independent dimensions: books (one table each), custody (the columns),",
    "hold (a rule). `✓` 可以办理 allowed · `✗ n` 被规则 n 拒绝 refused by rule n ·",
    "`◐ n` 规则 n 成立时可以办理 allowed when rules n hold ·",
    "`·` 只由其他单据在同一次办理中发起 asked by a case in the same act, never at a door.",
    "状态允许之后，办理内容还可能被拒绝：见每类的“办理与拒绝”。Where the state allows a step, its",
    "details may still be refused: see “steps and refusals” of each kind.",
    "",
]
EVENTS_HEAD = [
    "# 事件目录 · The catalogue of events",
    "",
    "本页由代码生成（`python -m api.tabulating docs`），测试保证与代码一致。",
    "This page is generated from the code; a test holds it to the code.",
    "",
    "事件名永不改变、永不重用；金额为整数分（或外币最小单位）。信封字段（流、序号、业务日期、",
    "记录时间、经办人、依据文件）由账本加上，不在此列。",
    "A name is for ever. Money is an integer of the smallest unit (fen, cents). The envelope",
    "(stream, number, business date, time of recording, actor, papers) is added by the ledger.",
    "",
]
PAGES = {
    "lifecycle.md": lifecycle_page,
    "events.md": events_page,
    "vouchers.md": vouchers_page,
}


def main(folder: Path) -> None:
    """Write every page into a folder; the tests that the table of articles names lie beside it."""
    for name, page in PAGES.items():
        (folder / name).write_text(page(), encoding="utf-8")
    regulations = regulating.page(folder.parent / "tests")
    (folder / "regulations.md").write_text(regulations, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs"))
