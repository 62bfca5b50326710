"""The rules that apply: for a proposed action, who decides, on which papers, by which articles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

import msgspec
from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api import policies
from api.office import Office
from api.pages_sign import Member, Typed
from api.pages_stream import do, show
from api.pages_trouble import Forbidden, PageRoute
from api.pages_view import Page
from domain import policy as rules
from domain.asset import Kind
from domain.decider import Refused
from domain.disposal import Form
from domain.policy import Action, Article, DisposalForm, Policy, Route
from domain.reallocation import Scope
from domain.values import fen
from domain.words import LAWS, Role, Term
from ledger.act import Conflict
from projections import rulings

MONEY_CHARS_MAX = 20
CHOICES: dict[str, type[Term]] = {
    "action": Action,
    "form": Form,
    "kind": Kind,
    "scope": Scope,
}


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants to do: amounts in fen, None when nobody said."""

    action: str = Action.DISPOSAL.value
    form: str = ""
    kind: str = ""
    scope: str = ""
    unit_amount: int | None = None
    batch_amount: int | None = None
    level: str = ""
    unit_kind: str = ""

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset({self.kind} - {""})


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules say to it."""

    policy: Policy
    route: Route | None
    form: DisposalForm | None
    limits: tuple[tuple[str, Any], ...]
    articles: tuple[Article, ...]
    prohibited: tuple[str, ...]  # keys of phrases

    @property
    def documents(self) -> tuple[str, ...]:
        """Return the papers to attach, each once."""
        form = self.form.documents if self.form else ()
        return tuple(dict.fromkeys((*(self.route.documents if self.route else ()), *form)))


def answered(policy: Policy, asked: Question) -> Answer:
    """Return what a policy says to a question."""
    route = policy.route(
        asked.action,
        form=asked.form,
        kinds=asked.kinds,
        unit_amount=asked.unit_amount,
        batch_amount=asked.batch_amount,
        scope=asked.scope,
        level=asked.level,
        unit_kind=asked.unit_kind,
    )
    form = None
    if asked.action == Action.DISPOSAL and asked.form:
        form = policy.disposal_form(asked.form, asked.kinds)
    if asked.action == Action.EXCHANGE:  # which is a form of disposal, with its grounds and papers
        form = policy.disposal_form(Form.EXCHANGE, asked.kinds)
    cites = [*(route.cites if route else ()), *(form.cites if form else ())]
    prohibited = []
    for action, kinds, cited, key in (
        (Action.LOAN, policy.never_lent, policy.never_lent_cites, "rules-never-lent"),
        (Action.LEASE, policy.never_leased, policy.never_leased_cites, "rules-never-leased"),
        (
            Action.CONVERSION,
            policy.never_converted,
            policy.never_converted_cites,
            "rules-never-converted",
        ),
        (
            Action.ACQUISITION,
            policy.never_accepted,
            policy.never_accepted_cites,
            "rules-never-accepted",
        ),
    ):
        if asked.action == action:
            cites += cited
            if asked.kind in kinds:
                prohibited.append(key)
    if asked.action == Action.DISPOSAL:
        cites += [*policy.waterfall_cites, *policy.remittance_cites]
    return Answer(
        policy=policy,
        route=route,
        form=form,
        limits=tuple(limits(policy, asked)),
        articles=tuple(policy.article(cite) for cite in dict.fromkeys(cites)),
        prohibited=tuple(prohibited),
    )


HELD_TO_STANDARDS = (
    *(Action.PLAN, Action.ACQUISITION, Action.VEHICLE),
    *(Action.REALLOCATION, Action.EXCHANGE),
)


def limits(policy: Policy, asked: Question) -> Iterator[tuple[str, Any]]:
    """Yield the numbers that matter for an action; None where the rules give none."""
    match asked.action:
        case Action.LOAN:
            yield "rules-loan-days", policy.loan_days_max
            yield "rules-loan-extensions", policy.loan_extensions_max
        case Action.LEASE:
            yield "rules-loan-days", policy.lease_days_max
            yield "rules-loan-extensions", policy.lease_extensions_max
        case Action.DISPOSAL:
            yield "rules-life-years", policy.life_years(asked.kind) if asked.kind else None
            yield "rules-price-floor", policy.price_floor_percent
            yield "rules-remit-days", policy.remit_days
            if policy.remit_days is not None:
                yield "rules-remit-from", policy.remit_from
            yield "rules-remittance", policy.remittance
            yield "rules-splitting-days", policy.splitting_days
        case Action.INTAKE | Action.REALLOCATION:
            yield "rules-idle-days", policy.idle_days
    if asked.action in HELD_TO_STANDARDS:
        yield "rules-over-standard", policy.over_standard


# The pages ----------------------------------------------------------------------


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/rules")
    def front(page: Member) -> Response:
        return rules_page(page)

    @pages.get("/rules/{name}")
    def one(name: str, page: Member) -> Response:
        return show(page, f"policy/{name}")

    @pages.post("/rules/{name}/do/{verb}")
    def step(name: str, verb: str, page: Member, form: Typed) -> Response:
        return do(page, f"policy/{name}", verb, form)

    @pages.post("/rules/{name}/draft")
    def draft(name: str, page: Member) -> Response:
        return drafted(page, name)

    return pages


def drafted(page: Page, name: str) -> Response:
    """Draft a profile that comes with the product; whoever may publish decides on it."""
    shipped = policies.shipped().get(name)
    if shipped is None:
        raise HTTPException(404)
    if not page.may(Role.ADMIN):
        raise Forbidden
    form = {"content": rules.written(shipped)}
    try:
        page.office.ask(f"policy/{name}", "propose", form, page.actor, **page.how)
    except Refused as refused:
        return rules_page(page, wrong=refused.sentence(page.lang), status=409)
    except Conflict:
        return rules_page(page, wrong=page.t("conflict"), status=409)
    return page.go(f"/rules/{name}")


def rules_page(page: Page, *, wrong: str = "", status: int = 200) -> Response:
    """Draw the question, and the answer of the rules that apply or were chosen."""
    typed = page.request.query_params
    said = {name: typed.get(name, "") for name in CHOICES}
    said = {n: v if v in {m.value for m in CHOICES[n]} else "" for n, v in said.items()}
    amounts, faults = _amounts(typed.get("unit_amount", ""), typed.get("batch_amount", ""))
    unit = typed.get("unit", "") or page.actor.unit
    on, known_day = _day(typed.get("on", ""), page.office.today(page.actor.zone))
    if faults or not known_day:
        wrong, status = page.t("rules-unreadable"), 422
    of = page.office.authority.competence(unit, on, page.office.today())
    asked = Question(
        **{name: value for name, value in said.items() if value},
        unit_amount=amounts[0],
        batch_amount=amounts[1],
        level=of.level,
        unit_kind=of.unit_kind,
    )
    in_force = page.office.rules_for(unit, on)
    published = page.office.rules.published()
    choices = {p.reference: p for p in (*published, *_unpublished(published))}
    applied = choices.get(typed.get("profile", ""), in_force)
    return page.render(
        "rules.html",
        status,
        wrong=wrong,
        asked=asked,
        typed=typed,
        unit=unit,
        on=on.isoformat(),
        choices=CHOICES,
        units=page.unit_choices([unit]),
        answer=answered(applied, asked),
        in_force=in_force,
        applied=applied,
        profiles=list(choices.values()),
        published={p.reference for p in published},
        drafts={row["id"]: row for row in page.office.models.rows(rulings.all_rulings())},
        shipped=list(policies.shipped().values()),
        may_draft=page.may(Role.ADMIN),
        title_of=lambda law: law if page.lang == "zh" else LAWS.get(law, law),
        article_of=lambda article: _article(article, page.lang),
    )


def _unpublished(published: Iterable[Policy]) -> list[Policy]:
    """Return the shipped profiles that no published version took up."""
    names = {policy.name for policy in published}
    return [policy for policy in policies.shipped().values() if policy.name not in names]


def _amounts(*texts: str) -> tuple[list[int | None], bool]:
    """Return amounts in fen, None where nothing was typed; and whether one was no amount."""
    found: list[int | None] = []
    wrong = False
    for text in texts:
        try:
            amount = fen(text[:MONEY_CHARS_MAX]) if text.strip() else None
        except ValueError:
            amount, wrong = None, True
        if amount is not None and amount < 0:
            amount, wrong = None, True
        found.append(amount)
    return found, wrong


def _day(text: str, today: date) -> tuple[date, bool]:
    """Return the business date that was typed, today when none was; and whether it was a day."""
    try:
        return (date.fromisoformat(text) if text else today), True
    except ValueError:
        return today, False


def _article(article: Article, lang: str) -> str:
    """Return which article it is, as a person of that language reads it."""
    if lang == "zh":
        return article.article
    number = article.article.removeprefix("第").removesuffix("条")
    return f"art. {number}" if number.isdecimal() else article.article
