"""What differs by place and year. A policy is dated data; every decision records which one.

Where the law gives no number the profile has none (`None`), and the screen says so.
Amounts are integer fen; days are calendar days; everything here is a pure question to data.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

import msgspec

from domain import vouchers
from domain.vouchers import Template
from domain.words import Role, Term, Words


class Body(Term):
    """Which body decides a step (DOMAIN.md c)."""

    OWN = "own", "本单位", "the unit itself"
    COMPETENT = "competent", "主管部门", "competent department"
    OFFICES = "offices", "机关事务管理部门", "government offices administration"
    FINANCE = "finance", "财政部门", "finance department"
    GOVERNMENT = "government", "本级人民政府", "people's government of the level"


class Action(Term):
    """What somebody wants to do, as far as the rules of a place tell routes apart."""

    PLAN = "plan", "资产配置计划", "configuration plan"
    ACQUISITION = "acquisition", "购置（建设、租用）", "acquisition"
    LOAN = "loan", "出借", "loan"
    LEASE = "lease", "出租", "lease"
    INTAKE = "intake", "入仓", "warehouse intake"
    REALLOCATION = "reallocation", "调剂", "reallocation"
    DISPOSAL = "disposal", "处置", "disposal"
    PREMISES = "premises", "办公用房配置", "configuration of premises"
    VEHICLE = "vehicle", "公务用车配备更新", "provision of vehicles"
    CONVERSION = "conversion", "转换用途", "change of use"
    EXCHANGE = "exchange", "置换", "exchange"
    REORGANISATION = "reorganisation", "机构变动移交", "reorganisation handover"
    WRITE_DOWN = "write_down", "资产核实", "verification ruling"


class Measure(Term):
    """Which amount a limit is compared with."""

    UNIT = "unit", "单件", "each item"
    BATCH = "batch", "批量", "the whole list"
    EITHER = "either", "单件或者批量", "an item or the whole list"


class Remittance(Term):
    """Whether disposal costs may be taken off before the money goes to the treasury."""

    GROSS = "gross", "全额上缴", "gross"
    NET = "net", "扣除处置费用后上缴", "net of disposal costs"


class RemitFrom(Term):
    """From when the days to remit an income count."""

    ASSESSED = "assessed", "自确认应缴之日起", "from the day it was assessed"
    RECEIVED = "received", "自每笔到账之日起", "from the day each sum came in"


class Beyond(Term):
    """What becomes of a request beyond the configuration standard (T49)."""

    FLAG = "flag", "提示并记录", "flagged"
    REFUSE = "refuse", "不予受理", "refused"


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One decision of a route. `days` is its timer; None: the place says nothing."""

    role: Role
    body: Body
    days: int | None = None


class Article(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An article of a regulation, in its exact words; empty where only the number is at hand.

    `id` is what routes cite (`000-19`); `regulation` is a title of `words.LAWS`; `since` is the day
    from which the regulation is in force.
    """

    id: str
    regulation: str
    article: str
    words: str = ""
    since: date | None = None


class Named(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a paper, a ground or a step of this profile is called."""

    slug: str
    zh: str
    en: str


class Route(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who decides in which order, and on which papers. An empty set means any.

    `at_least` and `below` are fen, compared by `measure`. `filing_days`: how soon the decision
    is filed with the next body. `cites` are ids of articles. `note` says what the articles leave
    open and this profile settles.
    """

    action: Action
    forms: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    levels: frozenset[str] = frozenset()
    unit_kinds: frozenset[str] = frozenset()
    at_least: int | None = None
    below: int | None = None
    measure: Measure = Measure.BATCH
    steps: tuple[Step, ...] = ()
    documents: tuple[str, ...] = ()
    filing_days: int | None = None
    cites: tuple[str, ...] = ()
    note: Words | None = None

    def takes(self, unit_amount: int | None, batch_amount: int | None) -> bool:
        """Answer whether the amounts lie within the limits.

        An amount nobody knows counts as reaching every limit: it goes the stricter way.
        """
        match self.measure:
            case Measure.UNIT:
                amounts = [unit_amount]
            case Measure.BATCH:
                amounts = [batch_amount]
            case Measure.EITHER:
                amounts = [unit_amount, batch_amount]
        known = [amount for amount in amounts if amount is not None]
        reaches = len(known) < len(amounts) or any(a >= (self.at_least or 0) for a in known)
        if self.at_least is not None and not reaches:
            return False
        return self.below is None or (
            len(known) == len(amounts) and all(a < self.below for a in known)
        )


class GroundPapers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The papers that a ground asks for beside those of its form."""

    ground: str
    documents: tuple[str, ...]


class DisposalForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One form of disposal: for which kinds, on which grounds, with which papers (T90).

    `note` says what the articles leave open and this profile settles.
    """

    form: str
    kinds: frozenset[str] = frozenset()
    grounds: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    execution_documents: tuple[str, ...] = ()
    ground_documents: tuple[GroundPapers, ...] = ()
    cites: tuple[str, ...] = ()
    note: Words | None = None

    def papers(self, ground: str) -> tuple[str, ...]:
        """Return the papers a proposal on a ground rests on."""
        own = (papers.documents for papers in self.ground_documents if papers.ground == ground)
        return (*self.documents, *(document for documents in own for document in documents))


class TitleChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which paper of a public register comes before the books let things of some kinds go (#44).

    It joins the papers of each of these forms of disposal, and its `cites` and `note` theirs.
    """

    forms: frozenset[str]
    kinds: frozenset[str]
    document: str
    cites: tuple[str, ...] = ()
    note: Words | None = None


class ServiceLife(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Minimum years of service: of a kind, or of a class whose code begins with `class_code`."""

    years: int
    kind: str = ""
    class_code: str = ""
    cites: tuple[str, ...] = ()


class UnderUse(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When things of some kinds are under-used: within so many days, used on too few or too short.

    Exactly one of `used_days_below` and `hours_below` is said; hours are those for which a shared
    instrument was used by others. No `kinds` means any.
    """

    within_days: int
    kinds: frozenset[str] = frozenset()
    used_days_below: int | None = None
    hours_below: int | None = None


class Tier(Term):
    """For whom what is offered is kept for a time, before the next may ask."""

    OWN = "own_unit", "本单位", "the unit itself"
    DEPARTMENT = "same_department", "同一主管部门的单位", "units of the same department"
    SAME_LEVEL = "same_level", "同级同区划的单位", "units of the same level and place"
    OTHERS = "others", "其他层级、地区的单位", "units of other levels and regions"


class Window(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For how many days what is offered is kept for one scope (`Tier`) before the next may ask."""

    scope: str
    days: int


class Priority(Term):
    """What a thing is needed for, as far as a place lets that come first (内蒙古保障条例 第16条)."""

    MEETING = "meeting", "重要会议", "an important meeting"
    MAJOR_EVENT = "major_event", "重大活动", "a major event"
    TEMPORARY = "temporary_body", "临时机构", "a temporary body"
    PEER = "peer_organ", "同级机关", "an organ of the same level"


class Precedence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rank of a priority: 0 comes first, equal ranks are equal; whatever has none comes last."""

    ground: Priority
    rank: int = 0


class Tie(Term):
    """By what it is settled who gets a thing that several claim."""

    PRIORITY = "priority", "优先次序", "priority"
    FIRST = "first", "先申先得", "first come"
    DRAW = "draw", "抽签", "a draw"


class Claiming(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long a claim holds a thing, and who of several gets it.

    `hold_days`: None where the place sets none, and every claim says until when. `collect_days`:
    for so many days after it is opened to somebody claims are gathered, and then settled by `order`;
    None or 0: who is first has it.
    """

    hold_days: int | None = None
    collect_days: int | None = None
    order: tuple[Tie, ...] = (Tie.FIRST,)


EXCLUSIONS: tuple[tuple[str, str], ...] = (
    ("apply", "approve"),
    ("buy", "inspect"),
    ("approve", "execute"),
    ("bill", "reconcile"),
    ("collect", "book"),
    ("collect", "reconcile"),
    ("book", "reconcile"),
    ("draft", "publish"),
    ("keep", "lead"),
)
"""Duties one person may not have in the same matter (DOMAIN.md c; 国令738 第51条)."""


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One version of the rules of a place, in force from a date on.

    `region`: GB/T 2260 code or its beginning, empty for any; `levels`, `unit_kinds`: empty for any.
    `in_force_until` is the last day. `never_lent`: kinds that may not be lent: official vehicles by
    国令621 第25条, office premises by 国令621 第23条; `never_leased`: those that may not be leased
    out; `never_accepted`: those that may not be accepted as a donation; `never_converted`: those whose
    use may not be changed. `loan_days_max`, `loan_extensions_max`, `lease_days_max`,
    `lease_extensions_max`, `idle_days`, `remit_days`, `splitting_days`: local limits, None where the
    place gives no number. `price_floor_percent`: below which part of the appraisal a deal stops.
    `search_days_max`: how old the search for something to reallocate may be when a purchase rests
    on it. `over_standard`: what becomes of a request beyond the configuration standard
    or the vehicle quota of the unit that gets something: a plan, a want, a reallocation,
    an exchange. `demand_days`: how many days after the day by which it was needed an unmet want
    lapses, None where wants wait for ever.
    `idle_days`: unused for so long, a thing is idle; `under_use`: when it is under-used. What a place
    does not say is not looked for.
    `screening`: for whom what is offered is kept first, and for how long; `claiming`: what a claim
    on it is; `priorities`: what it is needed for that comes first.
    `remit_from`: where `remit_days` count from; from the receipt, nothing has a day before it came in,
    and each sum its own. It is settled for an income by the rules under which it was assessed.
    `ageing_days`: the last day of each age in which open money is shown, but the last, which has no
    end; ages say how long something waits and are no period of payment.
    `vouchers`: what is posted otherwise than by the templates of `domain.vouchers`.
    `radio_alone_below`: things worth this much (fen) or more are counted by their label or by a
    person, never by radio alone.
    `title_changes`: of what kind, disposed of how, a register must say so before the books do.
    `second_factor_roles`: who acts in one of these signs in with a second factor beside the password.
    `confirmed_roles`: a person gets one of these only when a second person confirms it.
    `administrators_apart`: accounts, grants and the log of administration are three persons' (三员).
    `reauthentication_minutes`: who decides a case gave password or code at most so long ago; None:
    the session suffices.
    `exclusions`: duties one person may not have in one matter. `waterfall`: what is tried with idle
    property, in order.
    """

    name: str
    version: int
    title: Words = Words("通用规则", "Generic rules")
    region: str = ""
    levels: frozenset[str] = frozenset()
    unit_kinds: frozenset[str] = frozenset()
    in_force_from: date | None = None
    in_force_until: date | None = None
    routes: tuple[Route, ...] = ()
    articles: tuple[Article, ...] = ()
    forms: tuple[DisposalForm, ...] = ()
    title_changes: tuple[TitleChange, ...] = ()
    never_lent: frozenset[str] = frozenset({"vehicle", "premises"})
    never_lent_cites: tuple[str, ...] = ()
    never_leased: frozenset[str] = frozenset()
    never_leased_cites: tuple[str, ...] = ()
    never_accepted: frozenset[str] = frozenset()
    never_accepted_cites: tuple[str, ...] = ()
    never_converted: frozenset[str] = frozenset()
    never_converted_cites: tuple[str, ...] = ()
    loan_days_max: int | None = None
    loan_extensions_max: int | None = None
    lease_days_max: int | None = None
    lease_extensions_max: int | None = None
    service_years: tuple[ServiceLife, ...] = ()
    idle_days: int | None = None
    under_use: tuple[UnderUse, ...] = ()
    idle_cites: tuple[str, ...] = ()
    screening: tuple[Window, ...] = ()
    screening_cites: tuple[str, ...] = ()
    claiming: Claiming = Claiming()
    priorities: tuple[Precedence, ...] = ()
    priorities_cites: tuple[str, ...] = ()
    waterfall: tuple[str, ...] = ()
    waterfall_cites: tuple[str, ...] = ()
    remittance: Remittance | None = None
    remit_days: int | None = None
    remit_from: RemitFrom = RemitFrom.ASSESSED
    remittance_cites: tuple[str, ...] = ()
    ageing_days: tuple[int, ...] = (30, 90, 180, 365)
    price_floor_percent: int | None = None
    splitting_days: int | None = None
    search_days_max: int | None = None
    radio_alone_below: int | None = None
    over_standard: Beyond = Beyond.FLAG
    demand_days: int | None = None
    second_factor_roles: frozenset[Role] = frozenset()
    confirmed_roles: frozenset[Role] = frozenset()
    administrators_apart: bool = False
    reauthentication_minutes: int | None = None
    exclusions: tuple[tuple[str, str], ...] = EXCLUSIONS
    exclusions_cites: tuple[str, ...] = ()
    release_documents: tuple[str, ...] = ()
    vouchers: tuple[Template, ...] = ()
    vocabulary: tuple[Named, ...] = ()

    @property
    def reference(self) -> str:
        """Return how a decision cites this policy, e.g. `generic@1`."""
        return f"{self.name}@{self.version}"

    def route(
        self,
        action: str,
        *,
        form: str = "",
        kinds: Iterable[str] = (),
        unit_amount: int | None = None,
        batch_amount: int | None = None,
        scope: str = "",
        level: str = "",
        unit_kind: str = "",
    ) -> Route | None:
        """Return the first route that fits, or None where this policy has none for it.

        A route that names kinds fits when any of the matter's kinds is among them. Amounts in fen.
        An exchange is a form of disposal: without a route of its own it is decided as one.
        """
        asked = frozenset(kinds)
        said = ((form, "forms"), (scope, "scopes"), (level, "levels"), (unit_kind, "unit_kinds"))
        for route in self.routes:
            if route.action != action or (route.kinds and not route.kinds & asked):
                continue
            if any((only := getattr(route, name)) and value not in only for value, name in said):
                continue
            if route.takes(unit_amount, batch_amount):
                return route
        if action == Action.EXCHANGE:
            return self.route(
                Action.DISPOSAL,
                form="exchange",
                kinds=asked,
                unit_amount=unit_amount,
                batch_amount=batch_amount,
                scope=scope,
                level=level,
                unit_kind=unit_kind,
            )
        return None

    def disposal_form(self, form: str, kinds: Iterable[str] = ()) -> DisposalForm | None:
        """Return what this policy says of a form of disposal for these kinds, or None.

        With the papers of the registers that say whose things of these kinds are.
        """
        asked = frozenset(kinds)
        for rules in self.forms:
            if rules.form == form and (not rules.kinds or (asked and asked <= rules.kinds)):
                titles = [t for t in self.title_changes if form in t.forms and asked & t.kinds]
                return titled(rules, titles) if titles else rules
        return None

    def article(self, id: str) -> Article:  # noqa: A002 - it is the article's own field
        """Return an article by the id routes cite; raise KeyError when there is none."""
        for article in self.articles:
            if article.id == id:
                return article
        raise KeyError(id)

    def named(self, slug: str) -> Words:
        """Return what a paper, ground or step is called; the common word when it has none."""
        for name in self.vocabulary:
            if name.slug == slug:
                return Words(name.zh, name.en)
        return Words.of(slug)

    def missing(self, documents: Iterable[str], given: Iterable[str]) -> tuple[str, ...]:
        """Return which required papers are not among the given types (slug or either word)."""
        there = frozenset(given)
        return tuple(
            slug
            for slug in documents
            if not there & {slug, self.named(slug).zh, self.named(slug).en}
        )

    def life_years(self, kind: str, class_code: str = "") -> int | None:
        """Return the minimum years of service; the longest class code wins over the kind."""
        fits = [
            (len(life.class_code), life.years)
            for life in self.service_years
            if life.kind in ("", kind) and class_code.startswith(life.class_code)
        ]
        return max(fits)[1] if fits else None

    def precedence(self, ground: str | None) -> int:
        """Return the rank of what something is needed for: 0 comes first, what has none last."""
        ranks = {one.ground.value: one.rank for one in self.priorities}
        return ranks.get(ground or "", 1 + max(ranks.values(), default=-1))

    def excludes(self, one: str, other: str) -> bool:
        """Answer whether one person may not have both duties in one matter."""
        return (one, other) in self.exclusions or (other, one) in self.exclusions


def titled(rules: DisposalForm, titles: Iterable[TitleChange]) -> DisposalForm:
    """Return the rules of a form with the papers that its changes of title ask for, each once."""
    papers, cites = dict.fromkeys(rules.execution_documents), dict.fromkeys(rules.cites)
    note = rules.note
    for title in titles:
        papers[title.document] = None
        cites |= dict.fromkeys(title.cites)
        note = note or title.note
    return msgspec.structs.replace(
        rules, execution_documents=tuple(papers), cites=tuple(cites), note=note
    )


GENERIC = Policy(name="generic", version=1)


def chosen(
    policies: Iterable[Policy], on: date, *, region: str = "", level: str = "", unit_kind: str = ""
) -> Policy:
    """Return the policy of a unit on a business date; GENERIC where none is in force.

    The nearest place wins (longest code of region), then the one that names the level or the kind
    of unit, then the one that came into force last. A unit without a region is under those rules
    that name none.
    """
    best, rank = GENERIC, ((-1, 0, 0), date.min, 0)
    for policy in policies:
        since, until = policy.in_force_from, policy.in_force_until
        if since is None or since > on or (until is not None and on > until):
            continue
        if not region.startswith(policy.region):
            continue
        if (policy.levels and level not in policy.levels) or (
            policy.unit_kinds and unit_kind not in policy.unit_kinds
        ):
            continue
        place = (len(policy.region), bool(policy.levels), bool(policy.unit_kinds))
        if (place, since, policy.version) > rank:
            best, rank = policy, (place, since, policy.version)
    return best


TITLE_CHARS_MAX = 80
AGES_MAX = 10
ENVELOPE = frozenset(
    {"name", "version", "in_force_from", "in_force_until"}
)  # the stream says these


class Unfit(ValueError):
    """A text says no rules: every reason, in both languages."""

    def __init__(self, problems: tuple[Words, ...]) -> None:
        super().__init__("; ".join(problem.en for problem in problems))
        self.problems = problems


def read(content: str, name: str, version: int) -> Policy:
    """Return the policy that a text (JSON, without name and version) says.

    Raise Unfit when it says none, or when its parts do not fit together.
    """
    policy = recorded(content, name, version)
    found = tuple(contradictions(policy))
    if found:
        raise Unfit(found)
    return policy


def recorded(content: str, name: str, version: int) -> Policy:
    """Return the policy that was accepted once, whatever would be asked of a new one today.

    Raise Unfit when the text says none.
    """
    own = {"name": name, "version": version}
    try:
        said = msgspec.json.decode(content, type=dict[str, msgspec.Raw])
        whole = {k: v for k, v in said.items() if k not in ENVELOPE} | own
        return msgspec.json.decode(msgspec.json.encode(whole), type=Policy)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise Unfit((Words(f"格式不符（{error}）", f"not in the form asked ({error})"),)) from error


def written(policy: Policy) -> str:
    """Return a policy as the log keeps it: every field said, so that no later default alters it."""
    whole = msgspec.json.encode(policy, order="deterministic")
    said = msgspec.json.decode(whole, type=dict[str, msgspec.Raw])
    return msgspec.json.encode({k: v for k, v in said.items() if k not in ENVELOPE}).decode()


def contradictions(policy: Policy) -> Iterator[Words]:
    """Yield everything in a policy that does not fit together."""
    for title in (policy.title.zh, policy.title.en):
        if not 0 < len(title) <= TITLE_CHARS_MAX or not title.isprintable():
            yield Words(
                f"标题须为一行，不超过{TITLE_CHARS_MAX}字",
                f"a title is one line of at most {TITLE_CHARS_MAX} characters",
            )
    ids = [article.id for article in policy.articles]
    for id_ in dict.fromkeys(ids):
        if ids.count(id_) > 1:
            yield Words(f"条文 {id_} 重复", f"article {id_} is there twice")
    for cite in dict.fromkeys(cited(policy)):
        if cite not in ids:
            yield Words(f"没有条文 {cite}", f"there is no article {cite}")
    if policy.region and not policy.region.isdecimal():
        yield Words(f"{policy.region} 不是行政区划代码", f"{policy.region} is no code of GB/T 2260")
    for number, route in enumerate(policy.routes, 1):
        if not route.steps:
            yield Words(f"第{number}条程序没有审批人", f"route {number} names nobody who decides")
        if route.below is not None and (route.at_least or 0) >= route.below:
            yield Words(f"第{number}条程序的金额范围为空", f"route {number} takes no amount")
    for window in policy.screening:
        if window.scope not in set(Tier):
            yield Words(
                f"没有公示范围 {window.scope}", f"there is no scope of screening {window.scope}"
            )
    for number, rule in enumerate(policy.under_use, 1):
        if (rule.used_days_below is None) is (rule.hours_below is None):
            yield Words(
                f"第{number}条低效标准须且只须写明天数或者机时之一",
                f"under_use {number} says either days or hours",
            )
    ages = policy.ageing_days
    if not 0 < len(ages) <= AGES_MAX or list(ages) != sorted({age for age in ages if age > 0}):
        yield Words(
            f"账龄分段须为1至{AGES_MAX}个递增的天数",
            f"ageing_days are 1 to {AGES_MAX} numbers of days, each more than the one before",
        )
    yield from vouchers.contradictions(policy.vouchers)
    for name, count in counts(policy):
        if count is not None and count < 1:
            yield Words(f"{name} 不是正数", f"{name} is not positive")


def cited(policy: Policy) -> Iterator[str]:
    """Yield every article that some rule of a policy cites."""
    parts: tuple[Route | DisposalForm | TitleChange | ServiceLife, ...]
    parts = (*policy.routes, *policy.forms, *policy.title_changes, *policy.service_years)
    for rules in parts:
        yield from rules.cites
    yield from policy.never_lent_cites
    yield from policy.never_leased_cites
    yield from policy.never_accepted_cites
    yield from policy.never_converted_cites
    yield from policy.idle_cites
    yield from policy.waterfall_cites
    yield from policy.screening_cites
    yield from policy.priorities_cites
    yield from policy.remittance_cites
    yield from policy.exclusions_cites


def counts(policy: Policy) -> Iterator[tuple[str, int | None]]:
    """Yield every number of days, years and so on of a policy with its name."""
    for name in (
        "loan_days_max",
        "lease_days_max",
        "idle_days",
        "remit_days",
        "price_floor_percent",
    ):
        yield name, getattr(policy, name)
    yield "splitting_days", policy.splitting_days
    yield "search_days_max", policy.search_days_max
    yield "demand_days", policy.demand_days
    yield "radio_alone_below", policy.radio_alone_below
    yield "reauthentication_minutes", policy.reauthentication_minutes
    for life in policy.service_years:
        yield f"service_years {life.kind or life.class_code}", life.years
    for number, rule in enumerate(policy.under_use, 1):
        yield f"under_use[{number}].within_days", rule.within_days
        yield f"under_use[{number}].used_days_below", rule.used_days_below
        yield f"under_use[{number}].hours_below", rule.hours_below
    yield "claiming.hold_days", policy.claiming.hold_days
    for window in policy.screening:
        yield f"screening {window.scope}", window.days
    for number, route in enumerate(policy.routes, 1):
        yield f"routes[{number}].filing_days", route.filing_days
        for step in route.steps:
            yield f"routes[{number}].steps {step.role.value}", step.days
