"""Write the table from articles to what fulfils them, out of the shipped profiles and the code.

`python -m api.tabulating docs` writes `regulations.md` with the other pages; a test compares it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import domain.lives
from api import policies
from api.regulating_rows import CAPABILITIES, DEMANDED, FULL, NOT_OURS, Capability
from domain.decider import FACTS, LIFECYCLES, NOT_YOUR_ROLE, Rule
from domain.policy import Article, Policy
from domain.words import LAWS

NOT_YET = "尚未 not yet"
TESTS_SHOWN = 3
SHORT = {
    "000": "新疆办法",
    "001": "新疆规划",
    "002": "内蒙古办法",
    "003": "内蒙古条例",
    "004": "山西办法",
    "r738": "国令738",
    "r621": "国令621",
    "g167": "国管资167",
}
HEAD = """\
# 法规条文与落实 · Articles and what fulfils them

本页由随附的规则（`api/profiles/`）与代码生成（`python -m api.tabulating docs`），测试保证一致。
This page is generated from the shipped profiles and the code; a test holds it to them.

原文见“规则”页面（`/rules`）和各规则文件；此处只列条号。Words of the articles: on the page
`/rules` and in the profiles. `✔` 本账本的核心 ours · `◐` 边界：只提供数据或链接 data or link only ·
`✘` 其他系统 another system. 没有落实的写“尚未”。What nothing fulfils says “not yet”.
编号 `#n` 是事件清单的序号，见 `events.md` 各事件的说明。`#n` numbers the list of events.
"""


# What there is --------------------------------------------------------------------


@cache
def facts_of(number: int) -> tuple[str, ...]:
    """Return the facts that say they are this event of the list."""
    said = re.compile(rf"#{number}\b")
    return tuple(sorted(n for n, fact in FACTS.items() if said.search(fact.__doc__ or "")))


def facts_named(names: Iterable[str]) -> list[str]:
    """Return the facts of these names; a trailing `*` takes all that begin so."""
    found: list[str] = []
    for name in names:
        stem = name.removesuffix("*")
        found += sorted(n for n in FACTS if n == name or (name != stem and n.startswith(stem)))
    return found


@cache
def rules() -> dict[str, Rule]:
    """Return every rule that a verb carries or a module of the domain defines, by its slug."""
    found: dict[str, Rule] = {}
    for module in domain.lives.pkgutil.iter_modules(domain.__path__):
        defined = vars(domain.lives.importlib.import_module(f"domain.{module.name}"))
        found |= {v.slug: v for v in defined.values() if isinstance(v, Rule)}
    for life in LIFECYCLES.values():
        found |= {rule.slug: rule for verb in life.verbs.values() for rule in verb.rules}
    return found | {"not-your-role": NOT_YOUR_ROLE}


@cache
def mentions(folder: Path) -> dict[str, list[str]]:
    """Return which tests name which fact class, as `file::function`, the class's own file first."""
    classes = {fact.__name__: fact.__module__.rpartition(".")[2] for fact in FACTS.values()}
    found: dict[str, list[tuple[bool, int, str]]] = {}
    for path in sorted(folder.glob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for test in tree.body:
            if isinstance(test, ast.FunctionDef) and test.name.startswith("test_"):
                for name in {n.id for n in ast.walk(test) if isinstance(n, ast.Name)}:
                    if name in classes:
                        strange = path.stem != f"test_{classes[name]}"
                        line = (strange, len(found.get(name, ())), f"{path.name}::{test.name}")
                        found.setdefault(name, []).append(line)
    return {name: [test for *_, test in sorted(lines)] for name, lines in found.items()}


def tests_of(facts: Iterable[str], folder: Path) -> list[str]:
    """Return for each fact the first test that names it."""
    known = mentions(folder)
    firsts = [known.get(FACTS[name].__name__, [])[:1] for name in facts]
    return list(dict.fromkeys(test for first in firsts for test in first))


# Articles -------------------------------------------------------------------------


def every_article() -> dict[str, Article]:
    """Return the articles of all shipped profiles by id, in the order of the sources."""
    found = {a.id: a for p in policies.shipped().values() for a in p.articles}
    return {id_: found[id_] for id_ in sorted(found, key=_order)}


def _order(id_: str) -> tuple[int, list[int]]:
    source, _, number = id_.partition("-")
    return list(SHORT).index(source), [int(n) for n in number.split(".")]


def called(id_: str) -> str:
    """Return an article as the table names it: short title and number."""
    source = id_.partition("-")[0]
    known = every_article().get(id_)
    return f"{SHORT[source]}{known.article}" if known else id_


def uses(id_: str) -> list[str]:
    """Return what the shipped profiles settle by an article."""
    found: list[str] = []
    for policy in policies.shipped().values():
        found += [f"{what}（{policy.name}）" for what in _used(policy, id_)]
    return list(dict.fromkeys(found))


def _used(policy: Policy, id_: str) -> Iterator[str]:
    for route in policy.routes:
        if id_ in route.cites:
            yield f"{route.action.words.zh}程序 route"
    if any(id_ in form.cites for form in policy.forms):
        yield "处置方式 forms"
    if any(id_ in title.cites for title in policy.title_changes):
        yield "核销前权属登记 title changes"
    for name, words in (
        ("never_lent", "不得出借 never lent"),
        ("never_leased", "不得出租 never leased"),
        ("never_accepted", "不得受赠 no donation"),
        ("never_converted", "不得改变使用功能 use never changed"),
        ("waterfall", "盘活先后 waterfall"),
        ("remittance", "收入上缴 remittance"),
        ("exclusions", "不相容职责 duties apart"),
    ):
        if id_ in getattr(policy, f"{name}_cites"):
            yield words


def refusals(id_: str) -> list[str]:
    """Return the slugs of the rules that cite an article."""
    article = every_article()[id_]
    number = article.article[1:-1]
    return sorted(
        slug
        for slug, rule in rules().items()
        if rule.law.startswith(article.regulation)
        and number in re.findall(r"\d+", rule.law.removeprefix(article.regulation))
    )


# Capabilities ---------------------------------------------------------------------


def fulfilling(row: Capability) -> list[str]:
    """Return the facts that fulfil a capability."""
    numbered = [name for number in row.events for name in facts_of(number)]
    return list(dict.fromkeys([*facts_named(row.facts), *numbered]))


def missing(row: Capability) -> list[int]:
    """Return the events that the capability asks for and no fact is yet."""
    return [number for number in row.events if not facts_of(number)]


def told(row: Capability) -> str:
    """Return what fulfils a capability, and what is missing."""
    if row.scope == NOT_OURS:
        return "其他系统 another system"
    parts = [", ".join(f"`{name}`" for name in fulfilling(row))]
    slugs = [slug for slug in row.rules if slug in rules()]
    parts.append("规则 rules: " + ", ".join(f"`{slug}`" for slug in slugs) if slugs else "")
    parts.append("页面、导出 shown: " + ", ".join(f"`{s}`" for s in row.shown) if row.shown else "")
    gaps = [f"#{number}" for number in missing(row)]
    if gaps:
        parts.append(f"{NOT_YET}: {', '.join(gaps)}")
    if row.gap[0]:
        parts.append(f"{row.gap[0]} {row.gap[1]}")
    return "; ".join(filter(None, parts)) or NOT_YET


def proofs(row: Capability, folder: Path) -> list[str]:
    """Return the ids of tests that show a capability: those chosen, then those of its facts."""
    found = [*row.tests, *tests_of(fulfilling(row), folder)]
    return list(dict.fromkeys(found))[:TESTS_SHOWN]


# The page -------------------------------------------------------------------------


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Yield the lines of a Markdown table."""
    titles = list(head)
    yield f"| {' | '.join(titles)} |"
    yield f"|{'---|' * len(titles)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', '∣') for cell in row)} |"
    yield ""


def page(folder: Path) -> str:
    """Return `regulations.md`; `folder` holds the tests whose ids it names."""
    lines = [HEAD]
    by_law: dict[str, list[Article]] = {}
    for article in every_article().values():
        by_law.setdefault(article.regulation, []).append(article)
    for law, articles in by_law.items():
        lines += [f"## {law} · {LAWS[law]}", ""]
        head = ["条文 article", "规则采用 settled by it", "落实 fulfilled by", "测试 tests"]
        lines += table(head, (_article_row(article, folder) for article in articles))
    lines += ["## 法规提出的能力 · Capabilities the texts name", ""]
    head = ["#", "", "能力 capability", "条文 articles", "落实 fulfilled by", "测试 tests"]
    lines += table(head, (_capability_row(row, folder) for row in CAPABILITIES))
    lines += _counts()
    return "\n".join(lines)


def _article_row(article: Article, folder: Path) -> list[str]:
    numbers = [n for n, ids in DEMANDED.items() if article.id in ids.split()]
    rows = [row for row in CAPABILITIES if article.id in row.cites.split()]
    facts = list(dict.fromkeys(name for n in numbers for name in facts_of(n)))
    slugs = refusals(article.id)
    parts = [", ".join(f"`{name}`" for name in facts)]
    parts.append("规则 rules: " + ", ".join(f"`{slug}`" for slug in slugs) if slugs else "")
    parts.append(
        "能力 see " + ", ".join(f"{row.scope}{row.number}" for row in rows) if rows else ""
    )
    absent = [f"#{n}" for n in numbers if not facts_of(n)]
    parts.append(f"{NOT_YET}: {', '.join(absent)}" if absent else "")
    settled = uses(article.id)
    said = "; ".join(filter(None, parts))
    if not said:
        said = "由规则采用 by the profile" if settled else NOT_YET
    proofs_ = tests_of(facts, folder)[:TESTS_SHOWN]
    if not proofs_ and rows:
        proofs_ = proofs(rows[0], folder)
    if not proofs_ and settled:
        proofs_ = ["test_profiles.py::test_every_article_is_quoted_word_for_word"]
    shown = [f"`{test}`" for test in proofs_]
    return [article.article, ", ".join(settled) or "–", said, ", ".join(shown) or "–"]


def _capability_row(row: Capability, folder: Path) -> list[str]:
    tests = [f"`{test}`" for test in proofs(row, folder)]
    cites = "、".join(called(id_) for id_ in row.cites.split())
    title = f"{row.zh} · {row.en}"
    return [
        str(row.number), row.scope, title, cites or "–", told(row), ", ".join(tests) or "–",
    ]  # fmt: skip


def _counts() -> Iterator[str]:
    ours = [row for row in CAPABILITIES if row.scope == FULL]
    done = [row for row in ours if fulfilling(row) and not missing(row)]
    begun = [row for row in ours if row not in done and (fulfilling(row) or row.shown)]
    yield (
        f"核心能力 {len(ours)} 项：事件齐备 {len(done)} 项，部分落实 {len(begun)} 项，"
        f"尚未 {len(ours) - len(done) - len(begun)} 项。"
    )
    yield (
        f"Of {len(ours)} capabilities that are ours, {len(done)} have all their events,"
        f" {len(begun)} some, {len(ours) - len(done) - len(begun)} none yet."
    )
    yield ""
