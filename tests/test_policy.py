"""What differs by place and year: routes, limits, kinds never lent, and who is under which rules."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from typing import Any

import msgspec
import pytest
from given import TODAY, Ledger, given
from msgspec.structs import replace

from domain import policy, ruling
from domain.decider import Ask, Event, Occasion
from domain.duties import INCOMPATIBLE
from domain.lending import LENDABLE
from domain.policy import (
    GENERIC,
    Action,
    Article,
    Body,
    DisposalForm,
    Measure,
    Named,
    Policy,
    Route,
    ServiceLife,
    Step,
    Unfit,
    chosen,
)
from domain.ruling import (
    CONTENT_BYTES_MAX,
    PolicyDraftWithdrawn,
    PolicyEnded,
    PolicyProposed,
    PolicyPublished,
    RulingStatus,
)
from domain.words import Role, Words
from ledger.auditing import violations
from ledger.entry import Draft

past = partial(given, ruling.lifecycle)

HEAD, FINANCE = Step(Role.HEAD, Body.OWN), Step(Role.FINANCE, Body.FINANCE)
LIMIT = 500_000_00  # fen


def place(**rules: Any) -> Policy:
    """Return the rules of a place with two routes of disposal: below the limit, and from it on."""
    routes = (
        Route(action=Action.DISPOSAL, below=LIMIT, measure=Measure.EITHER, steps=(HEAD,)),
        Route(action=Action.DISPOSAL, at_least=LIMIT, measure=Measure.EITHER, steps=(FINANCE,)),
    )
    return Policy(**({"name": "place", "version": 1, "routes": routes} | rules))


def who(route: Route | None) -> list[str]:
    return [step.role.value for step in route.steps] if route else []


# Routes -------------------------------------------------------------------------


@pytest.mark.target("T29")
def test_a_limit_is_compared_with_the_item_and_with_the_whole_list() -> None:
    ask = partial(place().route, Action.DISPOSAL)
    assert who(ask(unit_amount=LIMIT - 1, batch_amount=LIMIT - 1)) == ["head"]
    assert who(ask(unit_amount=LIMIT, batch_amount=LIMIT)) == ["finance"]
    assert who(ask(unit_amount=1, batch_amount=LIMIT)) == ["finance"]  # the batch, not the item
    for measure, roles in ((Measure.UNIT, ["head"]), (Measure.BATCH, ["finance"])):
        routes = tuple(replace(route, measure=measure) for route in place().routes)
        found = place(routes=routes).route(Action.DISPOSAL, unit_amount=1, batch_amount=LIMIT)
        assert who(found) == roles


def test_an_amount_nobody_knows_goes_the_stricter_way() -> None:
    ask = partial(place().route, Action.DISPOSAL)
    assert who(ask()) == ["finance"]
    assert who(ask(unit_amount=1)) == ["finance"]
    assert who(ask(batch_amount=1)) == ["finance"]


def test_the_first_route_that_fits_is_taken() -> None:
    cars = Route(action=Action.DISPOSAL, kinds=frozenset({"vehicle"}), steps=(FINANCE,))
    form = Route(action=Action.DISPOSAL, forms=frozenset({"donation"}), steps=(FINANCE, HEAD))
    rest = Route(action=Action.DISPOSAL, steps=(HEAD,))
    rules = place(routes=(cars, form, rest))
    assert who(rules.route(Action.DISPOSAL, kinds={"computer", "vehicle"})) == ["finance"]
    assert who(rules.route(Action.DISPOSAL, form="donation")) == ["finance", "head"]
    assert who(rules.route(Action.DISPOSAL, form="scrap", kinds={"computer"})) == ["head"]
    assert rules.route(Action.LOAN) is None
    assert GENERIC.route(Action.DISPOSAL) is None


@pytest.mark.parametrize(
    ("only", "said"), [("scopes", "scope"), ("levels", "level"), ("unit_kinds", "unit_kind")]
)
def test_a_route_is_for_whom_it_names(only: str, said: str) -> None:
    this: dict[str, Any] = {only: frozenset({"this"})}
    route = Route(action=Action.REALLOCATION, steps=(HEAD,), **this)

    def found(**asked: Any) -> Route | None:
        return place(routes=(route,)).route(Action.REALLOCATION, **asked)

    assert found(**{said: "this"}) is route
    assert found(**{said: "that"}) is None
    assert found() is None


# Papers, words, years -----------------------------------------------------------


@pytest.mark.target("T90")
def test_a_form_of_disposal_has_its_own_papers_by_kind() -> None:
    cars = DisposalForm(form="scrap", kinds=frozenset({"vehicle"}), documents=("minutes",))
    rest = DisposalForm(form="scrap", documents=("minutes", "report"))
    rules = place(forms=(cars, rest))
    assert rules.disposal_form("scrap", {"vehicle"}) is cars
    assert rules.disposal_form("scrap", {"vehicle", "computer"}) is rest
    assert rules.disposal_form("scrap") is rest
    assert rules.disposal_form("auction") is None


def test_a_paper_counts_by_its_slug_or_its_name_in_either_language() -> None:
    report = Named(slug="report", zh="技术鉴定报告", en="technical assessment")
    rules = place(vocabulary=(report,))
    for given_ in ("report", "技术鉴定报告", "technical assessment"):
        assert rules.missing(("report",), [given_]) == ()
    assert rules.missing(("minutes", "report"), ["minutes"]) == ("report",)
    assert rules.named("report") == Words("技术鉴定报告", "technical assessment")
    assert rules.named("unknown_paper").en == "unknown paper"


def test_the_longest_class_code_says_the_years_of_service() -> None:
    lives = (
        ServiceLife(kind="computer", years=6),
        ServiceLife(class_code="A0201", years=5),
        ServiceLife(class_code="A02", years=9),
    )
    rules = place(service_years=lives)
    assert rules.life_years("computer") == 6
    assert rules.life_years("computer", "A02010105") == 5
    assert rules.life_years("office", "A0203") == 9
    assert rules.life_years("office") is None


def test_duties_exclude_each_other_whichever_came_first() -> None:
    assert GENERIC.excludes("apply", "approve")
    assert GENERIC.excludes("approve", "apply")
    assert not GENERIC.excludes("apply", "keep")


# Who is under which rules -------------------------------------------------------

SINCE = date(2025, 1, 1)
province = Policy(name="province", version=1, region="65", in_force_from=SINCE)
city = Policy(name="city", version=1, region="6501", in_force_from=SINCE + timedelta(days=30))
counties = Policy(
    name="counties", version=1, region="65", levels=frozenset({"county"}), in_force_from=SINCE
)


def test_the_nearest_place_then_the_level_then_the_last_version_wins() -> None:
    every = (counties, city, province)
    later = SINCE + timedelta(days=60)
    assert chosen(every, later, region="650104") is city
    assert chosen(every, later, region="652900") is province
    assert chosen(every, later, region="652900", level="county") is counties
    assert chosen(every, later, region="150100") is GENERIC
    assert chosen(every, later) is GENERIC
    newer = replace(province, version=2, in_force_from=SINCE + timedelta(days=1))
    assert chosen((newer, province), later, region="65") is newer


@pytest.mark.target("T27")
def test_rules_begin_and_end_on_their_days() -> None:
    ended = replace(city, in_force_until=date(2025, 6, 30))
    rules = (province, ended)
    on = partial(chosen, rules, region="650104")
    assert on(SINCE - timedelta(days=1)) is GENERIC
    assert on(SINCE) is province
    assert on(date(2025, 1, 30)) is province
    assert on(date(2025, 1, 31)) is ended
    assert on(date(2025, 6, 30)) is ended
    assert on(date(2025, 7, 1)) is province


# Texts --------------------------------------------------------------------------


def test_what_is_written_is_read_again_with_every_field_said() -> None:
    article = Article(id="x-1", regulation="《某办法》", article="第1条", words="甲\n乙")
    rules = place(articles=(article,), levels=frozenset({"county", "city"}), idle_days=180)
    content = policy.written(rules)
    assert policy.read(content, "place", 1) == rules
    assert policy.written(policy.read(content, "place", 9)) == content
    said = msgspec.json.decode(content)
    assert said.keys() == set(Policy.__struct_fields__) - policy.ENVELOPE
    assert said["routes"][0].keys() == set(Route.__struct_fields__)


def test_every_contradiction_is_named() -> None:
    article = Article(id="a", regulation="《某办法》", article="第1条")
    wrong = place(
        title=Words("某地规则", "x" * 81),
        region="新疆",
        articles=(article, article),
        never_lent_cites=("b",),
        idle_days=0,
        routes=(Route(action=Action.LOAN, at_least=5, below=5),),
    )
    with pytest.raises(Unfit) as caught:
        policy.read(policy.written(wrong), "place", 1)
    said = [problem.en for problem in caught.value.problems]
    assert said == [
        "a title is one line of at most 80 characters",
        "article a is there twice",
        "there is no article b",
        "新疆 is no code of GB/T 2260",
        "route 1 names nobody who decides",
        "route 1 takes no amount",
        "idle_days is not positive",
    ]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"routez": []}', '{"idle_days": "x"}', '"' * 9])
def test_what_is_no_policy_is_told_so(text: str) -> None:
    with pytest.raises(Unfit):
        policy.read(text, "place", 1)


# One drafts, another publishes --------------------------------------------------

content = policy.written(place())
drafted = PolicyProposed(
    version=1, title="通用规则", title_en="Generic rules", drafter="u_admin", content=content
)
published = PolicyPublished(version=1, in_force_from=TODAY)


def test_a_draft_binds_nobody_until_another_person_publishes_it() -> None:
    past().at(by="u_admin", stream="policy/place").when(ruling.propose, content=content).then(
        drafted
    ).then_state(status=RulingStatus.DRAFTED, published=0)
    waiting = past(drafted)
    waiting.at(by="u_admin").when(ruling.publish, in_force_from=TODAY).then_refused(
        ruling.TWO_PERSONS
    )
    waiting.at(by="u_office").when(ruling.publish, in_force_from=TODAY).then(published)
    assert ruling.published("place", [drafted]) == ()


def test_rules_do_not_come_into_force_before_they_are_published() -> None:
    waiting = past(drafted).at(by="u_office")
    yesterday = TODAY - timedelta(days=1)
    waiting.when(ruling.publish, in_force_from=yesterday).then_refused(ruling.NOT_BACKWARDS)
    again = past(
        replace(drafted), PolicyPublished(version=1, in_force_from=TODAY + timedelta(days=9)),
        replace(drafted, version=2),
    ).at(by="u_office")  # fmt: skip
    again.when(ruling.publish, in_force_from=TODAY + timedelta(days=8)).then_refused(
        ruling.NOT_BACKWARDS
    )
    again.when(ruling.publish, in_force_from=TODAY + timedelta(days=9)).then_granted()


def test_one_draft_at_a_time_and_a_withdrawn_number_is_not_used_again() -> None:
    past(drafted).at(by="u_admin").when(ruling.propose, content=content).then_refused(
        ruling.NO_DRAFT
    )
    gone = PolicyDraftWithdrawn(version=1, reason="重拟")
    past(drafted).when(ruling.withdraw_draft, reason="重拟").then(gone).then_state(
        status=RulingStatus.NONE
    )
    past(drafted, gone).at(by="u_admin", stream="policy/place").when(
        ruling.propose, content=content
    ).then(replace(drafted, version=2))
    past(drafted, gone).when(ruling.publish, in_force_from=TODAY).then_refused(ruling.DRAFTED)


def test_what_was_published_is_read_even_if_it_would_not_be_accepted_today() -> None:
    loose = replace(drafted, content='{"idle_days": 0}')
    (known,) = ruling.published("place", [loose, published])
    assert (known.reference, known.idle_days) == ("place@1", 0)


def test_rules_end_on_a_day_and_may_be_drafted_anew() -> None:
    last = TODAY + timedelta(days=30)
    ended = PolicyEnded(last_day=last, reason="由新办法代替", version=1)
    running = past(drafted, published).at(by="u_office")
    running.when(ruling.end, last_day=last, reason="由新办法代替").then(ended).then_state(
        status=RulingStatus.ENDED, last_day=last
    )
    running.when(ruling.end, last_day=TODAY - timedelta(days=1), reason="错").then_refused(
        ruling.NOT_ENDED_BEFORE
    )
    past(drafted).when(ruling.end, last_day=last, reason="未发布").then_refused(ruling.PUBLISHED)
    (known,) = ruling.published("place", [drafted, published, ended])
    assert (known.in_force_from, known.in_force_until) == (TODAY, last)
    second = [replace(drafted, version=2), replace(published, version=2)]
    assert [
        p.in_force_until for p in ruling.published("place", [drafted, published, ended, *second])
    ] == [last, None]


def test_the_generic_rules_are_numbered_after_those_of_the_product() -> None:
    past().at(by="u_admin", stream="policy/generic").when(ruling.propose, content=content).then(
        replace(drafted, version=2)
    )


def test_a_draft_that_says_no_rules_is_refused_with_every_reason() -> None:
    ask = past().at(by="u_admin", stream="policy/place").when
    refused = ask(ruling.propose, content='{"idle_days": 0, "region": "x"}').then_refused(
        ruling.READABLE
    )
    assert "idle_days" in refused.sentence("zh")
    assert "GB/T 2260" in refused.sentence("en")
    long = place(vocabulary=(Named(slug="x", zh="长" * (CONTENT_BYTES_MAX // 3), en="long"),))
    ask(ruling.propose, content=policy.written(long)).then_refused(ruling.SHORT_ENOUGH)


# On the book --------------------------------------------------------------------


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    book = Ledger(database)
    yield book
    book.close()


def rules_of(ledger: Ledger) -> tuple[Policy, ...]:
    """Return the published versions of `place` as the book knows them."""
    events = [entry.event for entry in ledger.book.stream("policy/place").standing]
    return ruling.published("place", events)


@pytest.mark.target("T30")
def test_who_drafted_a_version_does_not_publish_that_one_and_may_publish_a_later(
    ledger: Ledger,
) -> None:
    """Draft and publish are kept apart version by version, on the person, whatever the role."""
    ledger.ask("u_admin", "policy/place", "propose", content=content)
    ledger.refuses(ruling.TWO_PERSONS, "u_admin", "policy/place", "publish", in_force_from=TODAY)
    ledger.ask("u_office", "policy/place", "publish", in_force_from=TODAY)
    ledger.refuses(
        INCOMPATIBLE, "u_admin", "policy/place", "end", last_day=TODAY, reason="自拟自停"
    )
    ledger.ask("u_second", "policy/place", "propose", content=content)
    ledger.refuses(ruling.TWO_PERSONS, "u_second", "policy/place", "publish", in_force_from=TODAY)
    ledger.ask("u_admin", "policy/place", "publish", in_force_from=TODAY)
    assert [p.reference for p in rules_of(ledger)] == ["place@1", "place@2"]
    ledger.refuses(INCOMPATIBLE, "u_second", "policy/place", "end", last_day=TODAY, reason="停")
    ledger.ask("u_admin", "policy/place", "end", last_day=TODAY, reason="由新办法代替")
    assert list(violations(ledger.book, lambda _: GENERIC)) == []


@pytest.mark.target("T30")
def test_an_auditor_judges_drafts_version_by_version_too(ledger: Ledger) -> None:
    """The log alone tells who had both duties in one version, planted past every rule."""
    second = {"version": 2}
    told: list[tuple[str, Event]] = [
        ("u_admin", drafted),
        ("u_office", published),
        ("u_office", replace(drafted, drafter="u_office", **second)),
        ("u_admin", replace(published, **second)),
        ("u_admin", replace(drafted, version=3)),
        ("u_admin", replace(published, version=3)),
    ]
    drafts = [
        Draft(
            stream="policy/place",
            seq=seq,
            event=event,
            actor=actor,
            cause="c_1",
            effective_at="2025-03-03T00:00:00+08:00",
        )
        for seq, (actor, event) in enumerate(told, start=1)
    ]
    ledger.book.append(drafts, actor="u_x", cause="c_1")
    found = list(violations(ledger.book, lambda _: GENERIC))
    assert [(v.position, v.person, v.before, v.duty) for v in found] == [
        (6, "u_admin", "draft", "publish")
    ]


@pytest.mark.target("T27")
def test_a_rule_changed_on_a_day_alters_only_later_decisions(ledger: Ledger) -> None:
    """Instruments may be lent until the day before the new version, and never from then on."""
    lenient = policy.written(place(routes=()))
    strict = policy.written(place(routes=(), never_lent=frozenset({"instrument"})))
    begun, changed = TODAY - timedelta(days=20), TODAY - timedelta(days=10)
    ledger.on = begun
    ledger.card("A", kind="instrument")
    ledger.card("B", kind="instrument")
    for version, since in ((lenient, begun), (strict, changed)):
        ledger.ask("u_admin", "policy/place", "propose", content=version)
        ledger.ask("u_office", "policy/place", "publish", in_force_from=since)
    known = rules_of(ledger)

    def borrow(case: str, asset: str, on: date) -> None:
        ledger.on, ledger.policy = on, chosen(known, on)
        ledger.ask(
            "u_clerk",
            f"loan/{case}",
            "request",
            lender="o_a",
            borrower="o_b",
            assets=[asset],
            due=on + timedelta(days=5),
            purpose="检测",
        )

    before = changed - timedelta(days=1)
    borrow("L1", "A", before)
    asked = ledger.book.stream("loan/L1")
    ledger.on = changed
    ledger.policy = chosen(known, changed)
    form = {
        "lender": "o_a",
        "borrower": "o_b",
        "assets": ["B"],
        "due": changed + timedelta(days=5),
        "purpose": "检测",
    }
    ledger.refuses(LENDABLE, "u_clerk", "loan/L2", "request", **form)
    assert ledger.book.stream("loan/L1") == asked  # what was decided stays as it was


@pytest.mark.target("T29")
def test_a_raised_limit_leaves_old_approvals_under_the_old_one(ledger: Ledger) -> None:
    """Each decision names its version; replaying it asks that version, not today's."""
    raised = place(
        routes=tuple(
            replace(r, below=r.below and 10 * r.below, at_least=r.at_least and 10 * r.at_least)
            for r in place().routes
        )
    )
    day = TODAY + timedelta(days=30)
    for version, since in ((content, TODAY), (policy.written(raised), day)):
        ledger.ask("u_admin", "policy/place", "propose", content=version)
        ledger.ask("u_office", "policy/place", "publish", in_force_from=since)
    known = {p.reference: p for p in rules_of(ledger)}
    amount: dict[str, Any] = {"unit_amount": LIMIT, "batch_amount": LIMIT}

    def decided(on: date) -> tuple[str, list[str]]:
        applied = chosen(known.values(), on)
        return applied.reference, who(applied.route(Action.DISPOSAL, **amount))

    before, after = decided(day - timedelta(days=1)), decided(day)
    assert before == ("place@1", ["finance"])
    assert after == ("place@2", ["head"])
    replayed = [who(known[ref].route(Action.DISPOSAL, **amount)) for ref, _ in (before, after)]
    assert replayed == [before[1], after[1]]


def test_the_content_of_a_draft_fits_an_entry(ledger: Ledger) -> None:
    """The longest content that is accepted is recorded, with papers beside it."""
    room = CONTENT_BYTES_MAX - len(msgspec.json.encode(content)) - 100
    long = place(vocabulary=(Named(slug="x", zh="长" * (room // 3), en="long"),))
    occasion = Occasion(by="u_admin", on=TODAY, role=Role.ADMIN)
    ask = Ask("policy/place", "propose", {"content": policy.written(long)})
    ledger.book.act([ask], occasion)
    assert ledger.state("policy/place").version == 1
