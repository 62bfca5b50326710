"""What holds for every fact, rule, verb and history, whatever it says."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from enum import EnumMeta
from functools import cache
from typing import Any, get_type_hints

import msgspec
import pytest
from given import TODAY, Ledger
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import inspect

import domain.lives
import ledger.book
from domain import asset as assets_
from domain import decider
from domain.asset import Asset, Book, Custody, Lock
from domain.decider import FACTS, LIFECYCLES, Ask, EntryReversed, Event, Refused, Rule, Verb
from domain.policy import Policy
from domain.values import checked
from domain.words import LAWS, TERMS, Role, Term, Words, cited, in_words
from ledger.book import LAST_FIRST, NOT_THERE, REVERSED_ALREADY

KINDS = sorted(LIFECYCLES)
MEANINGFUL = [fact for fact in FACTS.values() if fact is not EntryReversed]
OPENINGS = {
    "conversion": "conversion.requested",
    "disposal": "disposal.proposed",
    "exchange": "exchange.requested",
    "intake": "intake.applied",
    "lease": "lease.requested",
    "loan": "loan.requested",
    "reallocation": "reallocation.requested",
    "reorganisation": "reorganisation.proposed",
}
VERBS = [verb for kind in KINDS for verb in LIFECYCLES[kind].verbs.values()]
CHINESE = re.compile(r"[\u4e00-\u9fff]")
LATIN = re.compile(r"[A-Za-z]{2,}")


# Any fact, any form -----------------------------------------------------------


def anything(holds: inspect.Type) -> st.SearchStrategy[Any]:
    """Return a strategy for everything that a declared type accepts."""
    match holds:
        case inspect.Metadata(type=inner):
            return anything(inner)
        case inspect.StrType():
            return text_of(holds)
        case inspect.BoolType():
            return st.booleans()
        case inspect.IntType():
            low = holds.ge if holds.ge is not None else (holds.gt or -(2**53)) + 1
            high = holds.le if holds.le is not None else (holds.lt or 2**53) - 1
            return st.integers(low, high)
        case inspect.DateType():
            return st.dates(date(1900, 1, 1), date(2100, 1, 1))
        case inspect.EnumType(cls=cls):
            return st.sampled_from(list(cls))
        case inspect.NoneType():
            return st.none()
        case inspect.UnionType(types=types):
            return st.one_of([anything(t) for t in types])
        case inspect.VarTupleType(item_type=item):
            return st.lists(anything(item), max_size=3).map(tuple)
        case inspect.StructType(cls=cls, fields=fields):
            return st.fixed_dictionaries({f.name: anything(f.type) for f in fields}).map(
                lambda values: cls(**values)
            )
    raise AssertionError(f"no strategy for {holds}")


def text_of(holds: inspect.StrType) -> st.SearchStrategy[str]:
    """Return a strategy for texts; ids are short so that lists of them meet."""
    if holds.pattern and "A-Za-z0-9" in holds.pattern:
        stem = st.sampled_from(["A", "B", "u_1", "o_1"])
        return stem.map(lambda s: f"loan/{s}") if "/" in holds.pattern else stem
    if holds.pattern and "[0-9]{4}-" in holds.pattern:  # a month
        return st.sampled_from(["2000-01", "2026-12"])
    if holds.pattern and "[0-9]" in holds.pattern:
        return st.sampled_from(["0", "1", "2.5", "40"])
    if holds.pattern and "[A-Z]{3}" in holds.pattern:
        return st.sampled_from(["CNY", "USD"])
    if holds.pattern and not holds.pattern.startswith("^[^"):  # not just any line of text
        return st.from_regex(holds.pattern)
    alphabet = string.ascii_lowercase + string.digits + " 公物仓，。（）𠮷"
    return st.text(alphabet, min_size=holds.min_length or 0, max_size=12)


@cache
def facts_of(fact: type[Event]) -> st.SearchStrategy[Event]:
    hints = get_type_hints(fact, include_extras=True)
    fields = {name: inspect.type_info(checked(hints[name])) for name in fact.__struct_fields__}
    return st.fixed_dictionaries({name: anything(holds) for name, holds in fields.items()}).map(
        lambda values: fact(**values)
    )


def histories(kind: str) -> st.SearchStrategy[list[Event]]:
    known = sorted(LIFECYCLES[kind].meanings, key=lambda fact: fact.type_name)
    return st.lists(st.one_of([facts_of(fact) for fact in known]), max_size=12)


def begun(kind: str) -> st.SearchStrategy[list[Event]]:
    """Histories that begin as the kind's do, or not at all; then anything may have happened."""
    first = FACTS.get(OPENINGS.get(kind, ""))
    if first is None:
        return histories(kind)
    opened = st.tuples(facts_of(first), histories(kind)).map(lambda h: [h[0], *h[1]])
    return st.one_of(st.just([]), opened)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(max_examples=60)
def test_any_history_can_be_folded(kind: str, data: st.DataObject) -> None:
    """`evolve` is total, deterministic, and leaves the earlier state as it was."""
    lifecycle = LIFECYCLES[kind]
    history = data.draw(histories(kind))
    state = lifecycle.fold(history)
    assert isinstance(state, lifecycle.state)
    assert lifecycle.fold(history) == state
    for lang in ("zh", "en"):
        assert state.describe(lang) is not None


@pytest.mark.parametrize("fact", FACTS.values(), ids=lambda fact: fact.type_name)
@given(data=st.data())
@settings(max_examples=25)
def test_what_is_written_is_what_is_read(fact: type[Event], data: st.DataObject) -> None:
    event = data.draw(facts_of(fact))
    body = msgspec.json.encode(event)
    assert msgspec.json.decode(body, type=fact) == event
    assert msgspec.convert(msgspec.to_builtins(event), fact) == event


@pytest.mark.parametrize("fact", FACTS.values(), ids=lambda fact: fact.type_name)
@given(data=st.data())
@settings(max_examples=10)
def test_every_fact_can_be_told_in_both_languages(fact: type[Event], data: st.DataObject) -> None:
    event = data.draw(facts_of(fact))
    values = {f: getattr(event, f) for f in event.__struct_fields__}
    for lang, template in (("zh", fact.zh), ("en", fact.en)):
        told = template.format_map({k: in_words(v, lang) for k, v in values.items()})
        assert told.strip()
        assert "{" not in told
        assert "None" not in told


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_every_request_in_any_state_is_granted_or_refused_by_name(
    kind: str, data: st.DataObject
) -> None:
    """No request ends in anything but facts that can be read back, or a sentence."""
    lifecycle = LIFECYCLES[kind]
    state = lifecycle.fold(data.draw(begun(kind)))
    verb = data.draw(st.sampled_from(sorted(lifecycle.verbs.values(), key=lambda v: v.name)))
    form = msgspec.to_builtins(data.draw(anything(inspect.type_info(verb.form))))
    occasion = decider.Occasion(
        by=data.draw(st.sampled_from(["u_1", "u_2"])),
        on=data.draw(st.dates(date(2000, 1, 1), date(2050, 1, 1))),
        stream=f"{kind}/A",
        role=data.draw(st.sampled_from(list(Role))),
        policy=Policy(name="place", version=1, loan_days_max=180, loan_extensions_max=2),
    )
    said = ["facts"]
    answers: tuple[Event | Ask, ...] = ()
    try:
        answers = lifecycle.decide(state, verb.name, occasion, form, asked=verb.inner)
    except Refused as refused:
        said = [refused.sentence("zh"), refused.sentence("en")]
    except ValueError as odd:
        # Parts that go together are sent together by other streams, and by nobody else.
        if not (verb.inner and "zip()" in str(odd)):
            raise
    assert all(said)
    assert not any("{" in sentence for sentence in said)
    for answer in answers:
        if isinstance(answer, Ask):
            other = LIFECYCLES[answer.stream.split("/")[0]].verbs.get(answer.verb)
            if other is None:  # what other streams ask names them; here any stream was drawn
                assert verb.inner and answer.stream in form.values()
            else:
                msgspec.convert(answer.form, other.form)
        else:
            body = msgspec.json.encode(answer)
            assert msgspec.json.decode(body, type=type(answer)) == answer
            state = lifecycle.evolve(state, answer)


# Words ------------------------------------------------------------------------


def rules() -> dict[str, Rule]:
    """Return every rule of the domain and the book, by where it is defined."""
    modules = [*domain.lives.pkgutil.iter_modules(domain.__path__)]
    found = {}
    for module in modules:
        defined = vars(domain.lives.importlib.import_module(f"domain.{module.name}"))
        found |= {f"{module.name}.{k}": v for k, v in defined.items() if isinstance(v, Rule)}
    return found | {f"book.{k}": v for k, v in vars(ledger.book).items() if isinstance(v, Rule)}


@pytest.mark.parametrize(("where", "rule"), rules().items(), ids=rules())
def test_every_rule_says_no_in_both_languages(where: str, rule: Rule) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)+", rule.slug), where
    assert rule.zh.endswith("。"), where
    assert rule.en.endswith("."), where
    asked = [set(re.findall(r"{(\w+)}", text)) for text in (rule.zh, rule.en)]
    assert asked[0] == asked[1], where
    assert not LATIN.search(re.sub(r"{\w+}", "", rule.zh)), where
    assert not CHINESE.search(rule.en), where
    if rule.law:
        assert CHINESE.search(rule.law)
        assert not CHINESE.search(cited(rule.law, "en"))
        assert "art. " in cited(rule.law, "en")


def test_a_slug_means_one_thing() -> None:
    said: dict[str, Rule] = {}
    for rule in rules().values():
        if rule.slug == "date-in-the-future":  # of a start date, and of the business date
            continue
        known = said.setdefault(rule.slug, rule)  # each kind of case has its own `my_turn`
        assert (known.zh, known.en, known.law) == (rule.zh, rule.en, rule.law), rule.slug


def test_a_law_is_cited_by_its_title_and_article() -> None:
    assert cited("", "en") == ""
    law = next(iter(LAWS))
    assert cited(f"{law}第22、51条", "zh") == f"{law}第22、51条"
    assert cited(f"{law}第22、51条", "en") == f"{LAWS[law]}, art. 22, 51"


def terms() -> Iterator[type[Term]]:
    yield from (t for t in Term.__subclasses__() if isinstance(t, EnumMeta))


@pytest.mark.parametrize("term", list(terms()), ids=lambda term: term.__name__)
def test_every_choice_has_words_in_both_languages(term: type[Term]) -> None:
    for member in term:
        assert CHINESE.search(member.words.zh), member
        assert LATIN.search(member.words.en), member
        assert not CHINESE.search(member.words.en), member
    assert len({m.words.zh for m in term}) == len(term)


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: f"{verb.kind}.{verb.name}")
def test_every_verb_and_every_field_of_its_form_has_words(verb: Verb) -> None:
    assert CHINESE.search(verb.zh)
    assert not CHINESE.search(verb.en)
    assert verb.help.split("\n", maxsplit=1)[0].endswith(".")
    for field in verb.form.__struct_fields__:
        assert field in TERMS, f"{verb.kind}.{verb.name} asks for {field}"
    assert all(role in set(Role) for role in verb.roles)


@pytest.mark.parametrize("fact", MEANINGFUL, ids=lambda fact: fact.type_name)
def test_every_fact_explains_itself_and_its_fields_have_words(fact: type[Event]) -> None:
    assert CHINESE.search(fact.zh)
    assert not CHINESE.search(fact.en)
    assert (fact.__doc__ or "").strip().endswith(".")
    for field in fact.__struct_fields__:
        assert field in TERMS, f"{fact.type_name} has {field}"


def test_every_term_has_both_languages() -> None:
    for slug, term in TERMS.items():
        assert CHINESE.search(term.zh), slug
        assert LATIN.search(term.en), slug
        assert not CHINESE.search(term.en), slug
    assert Words.of("no_such_word") == Words("no_such_word", "no such word")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_value_can_be_said(lang: str) -> None:
    values = [None, True, False, 5, "x", TODAY, Lock.NONE, ("a", "b"), Words("中", "zh")]
    said = [in_words(value, lang) for value in values]
    assert all(said)
    assert in_words((Lock.NONE, TODAY), lang)


def test_a_value_on_a_form_is_one_line_where_one_line_is_asked() -> None:
    bind = assets_.lifecycle.verbs["bind_label"].form
    msgspec.convert({"label": "公物-1 甲"}, bind)
    for wrong in ("L1\n", "L\t1", "L\u20281", "L\u202e1", "\n", ""):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({"label": wrong}, bind)
    issue = assets_.lifecycle.verbs["issue"].form
    msgspec.convert({"user": "u_1"}, issue)
    for wrong in ("u_1\n", "u 1", "", "/", "王", "u" * 81):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({"user": wrong}, issue)


# Every state, every verb (T20) ------------------------------------------------

STATES = [
    Asset(book=book, custody=custody, lock=lock)
    for book in Book
    for custody in Custody
    for lock in Lock
]


def judged(state: Asset, verb: Verb) -> str:
    """Return the slug of the rule about the state that says no, or an empty text."""
    occasion = decider.Occasion(by="u_1", on=TODAY)
    rule = verb.refusal(state, occasion)
    return rule.slug if rule else ""


@pytest.mark.target("T20")
@pytest.mark.parametrize("verb", assets_.lifecycle.verbs.values(), ids=lambda verb: verb.name)
def test_every_state_and_verb_has_a_defined_result(verb: Verb) -> None:
    """5 x 12 x 3 states: each is granted or refused by a rule with a name, and the same twice."""
    slugs = {rule.slug for rule in verb.rules}
    results = {state: judged(state, verb) for state in STATES}
    assert len(results) == len(Book) * len(Custody) * len(Lock)
    assert set(results.values()) - {""} <= slugs
    assert results == {state: judged(state, verb) for state in STATES}
    if verb.name != "release":  # asked of whoever is held: the case itself is what it judges
        assert set(results.values()) != {""}, f"{verb.name} is refused nowhere"


@pytest.mark.target("T20")
@given(data=st.data())
def test_after_the_end_nothing_is_allowed(data: st.DataObject) -> None:
    """Whatever else an asset was: derecognised, no door opens any more."""
    state = assets_.lifecycle.fold(data.draw(histories("asset")))
    gone = msgspec.structs.replace(state, book=Book.GONE, custody=Custody.LEFT, lock=Lock.NONE)
    occasion = decider.Occasion(by="u_1", on=TODAY)
    assert assets_.lifecycle.allowed(gone, occasion) == ()


# Taking back (T10) ------------------------------------------------------------


@pytest.fixture
def story(database: str) -> Iterator[Ledger]:
    told = Ledger(database)
    yield told
    told.close()


DAYS = [TODAY - timedelta(days=n) for n in (40, 30, 20, 10, 0)]
STEPS: list[tuple[str, str, dict[str, Any]]] = [
    ("asset/A", "issue", {"user": "u_1"}),
    ("asset/A", "take_back", {"condition": "完好"}),
    ("asset/A", "declare_idle", {}),
    ("asset/A", "put_back_to_use", {"reason": "需要"}),
    ("asset/A", "send_for_repair", {"fault": "坏"}),
    ("asset/A", "complete_repair", {"result": "好"}),
    ("asset/A", "relocate", {"place": "p_1"}),
    ("asset/A", "correct_value", {"value": 7, "reason": "更正"}),
    (
        "loan/L",
        "request",
        {
            "lender": "o_a",
            "borrower": "o_b",
            "assets": ["A"],
            "due": TODAY + timedelta(days=9),
            "purpose": "培训",
        },
    ),
    ("loan/L", "withdraw", {"reason": "不需要"}),
]


def views(story: Ledger, known: int | None = None) -> dict[str, Any]:
    """Return every state of both streams on every day of the story, as known at a position."""
    return {
        f"{stream} on {day}": story.book.state_at(stream, day.isoformat(), known)
        for stream in ("asset/A", "loan/L")
        for day in DAYS
    }


@pytest.mark.target("T10")
@given(steps=st.lists(st.sampled_from(STEPS), min_size=1, max_size=5))
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_reversal_nets_to_zero_and_its_reversal_restores(
    new_database: Callable[[], str], steps: list[tuple[str, str, dict[str, Any]]]
) -> None:
    """In every view known from then on; the views known before stay as they were."""
    story = Ledger(new_database())
    try:
        net_to_zero(story, steps)
    finally:
        story.close()


def net_to_zero(story: Ledger, steps: list[tuple[str, str, dict[str, Any]]]) -> None:
    story.on = DAYS[0]
    story.card("A")
    granted = 0
    for day, (stream, verb, form) in zip(DAYS, steps, strict=False):
        story.on = day
        before, size = views(story), story.book.head()[0]
        try:
            receipt = story.ask("u_1", stream, verb, **form)
        except Refused:
            continue
        granted += 1
        done = views(story)
        target = next(story.book.entries(receipt.first, receipt.first))
        undo = story.book.reverse(target.stream, target.seq, story.occasion("u_2"), reason="误录")
        assert undo.count == receipt.count  # all that the request wrote
        assert views(story) == before
        assert views(story, known=receipt.last) == done  # what was known stays known
        assert views(story, known=size) == before
        with pytest.raises(Refused) as twice:
            story.book.reverse(target.stream, target.seq, story.occasion("u_2"), reason="再次")
        assert twice.value.rule is REVERSED_ALREADY
        first_undo = next(story.book.entries(undo.last, undo.last))
        story.book.reverse(
            first_undo.stream, first_undo.seq, story.occasion("u_2"), reason="红冲有误"
        )
        assert views(story) == done
        assert views(story, known=undo.last) == before


@pytest.mark.target("T10")
def test_a_reversal_cites_what_it_takes_back_and_both_stay_visible(story: Ledger) -> None:
    story.card("A")
    story.ask("u_1", "asset/A", "issue", user="u_wrong")
    story.book.reverse("asset/A", 2, story.occasion("u_2"), reason="发错人")
    entries = story.book.stream("asset/A").entries
    assert [e.event.type_name for e in entries] == [
        "asset.registered",
        "asset.issued_to_user",
        "ledger.entry_reversed",
    ]
    assert entries[2].corrects is not None
    assert (entries[2].corrects.stream, entries[2].corrects.seq) == ("asset/A", 2)
    assert entries[2].effective_at == entries[1].effective_at
    assert story.state("asset/A").custody is Custody.STORE
    story.ask("u_1", "asset/A", "issue", user="u_right")
    assert story.state("asset/A").user == "u_right"


@pytest.mark.target("T10")
def test_what_later_entries_stand_on_is_not_taken_back_first(story: Ledger) -> None:
    story.card("A")
    story.ask("u_1", "asset/A", "issue", user="u_wang")
    for seq, rule in ((1, LAST_FIRST), (9, NOT_THERE)):
        with pytest.raises(Refused) as caught:
            story.book.reverse("asset/A", seq, story.occasion("u_2"), reason="误录")
        assert caught.value.rule is rule


@pytest.mark.target("T10")
def test_a_request_over_two_streams_is_taken_back_whole(story: Ledger) -> None:
    story.card("A")
    story.ask(
        "u_1",
        "loan/L",
        "request",
        lender="o_a",
        borrower="o_b",
        assets=["A"],
        due=TODAY + timedelta(days=9),
        purpose="培训",
    )
    assert story.state("asset/A").lock is Lock.RESERVED
    story.book.reverse("asset/A", 2, story.occasion("u_2"), reason="误录")
    assert story.state("asset/A").lock is Lock.NONE
    assert story.state("loan/L").status == "none"


# Many at once (T14) -----------------------------------------------------------


@pytest.mark.target("T14")
def test_five_hundred_assets_in_one_act_are_five_hundred_entries_of_one_batch(
    story: Ledger,
) -> None:
    """One event per asset; the cause before the stroke names the batch, after it the request."""
    form = {"name": "椅子", "kind": "furniture", "unit": "o_a"}
    names = [f"C{n:03}" for n in range(500)]
    cards = [Ask(f"asset/{n}", "register_existing", form | {"asset_no": n}) for n in names]
    story.book.act(cards, story.occasion("u_clerk", Role.CLERK))
    moves = [Ask(f"asset/{n}", "relocate", {"place": "p_hall"}) for n in names]
    receipt = story.book.act(moves, story.occasion("u_clerk", Role.CLERK))
    written = list(story.book.entries(receipt.first, receipt.last))
    assert receipt.count == len(written) == 500
    assert {e.event.type_name for e in written} == {"asset.relocated"}
    assert len({e.stream for e in written}) == 500
    assert {e.cause.split("/")[0] for e in written} == {receipt.cause}
    assert len({e.cause for e in written}) == 500
    story.book.reverse("asset/C007", 2, story.occasion("u_clerk"), reason="放错")
    moved = [story.state(f"asset/C{n:03}").place for n in (6, 7, 8)]
    assert moved == ["p_hall", "", "p_hall"]


@pytest.mark.target("T14")
def test_one_wrong_asset_in_a_batch_records_nothing_of_it(story: Ledger) -> None:
    for name in ("A", "B"):
        story.card(name)
    asks = [Ask(f"asset/{n}", "issue", {"user": "u_1"}) for n in ("A", "B", "NONE")]
    before = story.book.head()
    with pytest.raises(Refused) as caught:
        story.book.act(asks, story.occasion("u_clerk", Role.CLERK))
    assert caught.value.rule is assets_.ON_BOOKS
    assert caught.value.stream == "asset/NONE"
    assert story.book.head() == before
