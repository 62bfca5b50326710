"""Deciding a case step by step, as the policy of the place and day routes it.

A case that calls `routed` has a route: who decides, in which order, resolved to bodies when the
case is put forward, so that a rule changed later alters nothing that is under way (T29). The last
step is the case's own approval; the steps before it endorse. Approval never moves a thing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any, TypeAlias, TypeVar, assert_never

import msgspec
from msgspec.structs import replace

from domain.decider import Event, Lang, Lifecycle, Occasion, Rule
from domain.policy import Action, Route
from domain.values import Given, Text, UnitId
from domain.words import Role, Words, in_words

DECIDERS = (Role.HEAD, Role.OFFICE, Role.FINANCE, Role.DEPARTMENT, Role.GOVERNMENT)


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a route: the role that decides and, where it is known, in which unit.

    `days` is how long the step may take; None means that the place sets no time.
    """

    role: str
    unit: str = ""
    days: int | None = None


class Approval(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How far a case has come on its route."""

    policy: str = ""
    stages: tuple[Stage, ...] = ()
    done: int = 0
    returned: bool = False  # with the applicant, to be corrected
    documents: tuple[str, ...] = ()  # the papers that were demanded, and attached

    @property
    def stage(self) -> Stage | None:
        """Return the step that must decide now; None when any of the case's roles may."""
        return self.stages[self.done] if self.done < len(self.stages) else None

    @property
    def last(self) -> bool:
        """Return whether the next decision is the final one."""
        return self.done >= len(self.stages) - 1

    def describe(self, lang: Lang) -> str:
        """Say who must decide now, to be put behind what the case says of itself."""
        if self.returned:
            return "，已退回修改" if lang == "zh" else ", returned for correction"
        if self.stage is None or not self.stages:
            return ""
        who = in_words(Words.of(self.stage.role), lang)
        step, steps = self.done + 1, len(self.stages)
        if lang == "zh":
            return f"，待{who}审批（第{step}步，共{steps}步）"
        return f", step {step} of {steps}: {who} decides"


# What happened ----------------------------------------------------------------


class RouteLaid(
    Event,
    name="case.route_laid",
    zh="按{policy}确定审批程序",
    en="Route of approval laid down by {policy}",
):
    """Who decides this case, in which order, by which articles of which version of the rules.

    `documents` are the papers that had to be attached, `cites` the articles.
    """

    policy: str
    stages: tuple[Stage, ...]
    documents: tuple[str, ...] = ()
    cites: tuple[str, ...] = ()
    filing_days: int | None = None


class Endorsed(
    Event, name="case.endorsed", zh="同意并上报：{note}", en="Endorsed: {note}", duty="approve"
):
    """A step before the last one agreed."""

    note: Text = ""


class ReturnedForCorrection(
    Event,
    name="case.returned_for_correction",
    zh="退回修改：{reason}",
    en="Returned for correction: {reason}",
    duty="approve",
):
    """The applicant must mend something; the route starts again when it is resubmitted."""

    reason: Text


class Resubmitted(
    Event, name="case.resubmitted", zh="修改后重报：{note}", en="Resubmitted: {note}", duty="apply"
):
    """The applicant answered; the first step decides again."""

    note: Text


class UnitsVerified(
    Event,
    name="case.units_verified",
    zh="核验申请资格：{units}在{checked_on}均已登记，未撤销、未期满（以单位台账第{entries}条为准）",
    en="Entitled to request: {units} registered, not dissolved and not expired on {checked_on}"
    " (by their own entries up to {entries})",
):
    """The units that ask, and for which something is asked, were checked against the log (T51).

    `entries` are the numbers of the last entry of each unit's own stream, in the order of `units`:
    anybody can fold them again to the same answer.
    """

    units: tuple[UnitId, ...]
    entries: tuple[int, ...]
    checked_on: date


ApprovalEvent: TypeAlias = (
    RouteLaid | Endorsed | ReturnedForCorrection | Resubmitted | UnitsVerified
)

# Where that leaves us ---------------------------------------------------------

C = TypeVar("C", bound=Any)


def evolve(case: C, event: ApprovalEvent) -> C:
    """What an event means for any case: a state with a field `approval`."""
    approval: Approval = case.approval
    match event:
        case RouteLaid(policy=policy, stages=stages, documents=documents):
            approval = Approval(policy=policy, stages=stages, documents=documents)
        case Endorsed():
            approval = replace(approval, done=approval.done + 1)
        case ReturnedForCorrection():
            approval = replace(approval, done=0, returned=True)
        case Resubmitted():
            approval = replace(approval, returned=False)
        case UnitsVerified():
            return case
        case _:
            assert_never(event)
    return replace(case, approval=approval)


# What may be asked ------------------------------------------------------------


def my_turn(*roles: str) -> Rule:
    """Return the rule that the step whose turn it is decides; without a route, these roles do."""

    def holds(case: Any, occasion: Occasion) -> bool:
        approval: Approval = case.approval
        if approval.returned:
            return False
        stage = approval.stage
        if stage is None:
            return not occasion.role or occasion.role in roles
        return occasion.acts_for(stage.unit) and (not occasion.role or occasion.role == stage.role)

    return Rule(
        slug="not-your-turn",
        zh="本事项现在不由您审批；请由当前步骤的单位和岗位办理，或等待申请人修改。",
        en="This case is not yours to decide now: the step whose turn it is decides,"
        " or the applicant corrects it first.",
        law="《行政事业性国有资产管理条例》第51条",
        holds=holds,
    )


LAST_STEP = Rule(
    slug="earlier-step-open",
    zh="前面的审批步骤尚未完成，不能作最终批准；本步骤请办理“同意并上报”。",
    en="Earlier steps have not decided yet, so this is not the final approval; endorse it instead.",
    holds=lambda case, _: case.approval.last,
)
MORE_STEPS = Rule(
    slug="no-later-step",
    zh="这是最后一步，请直接批准或不予批准。",
    en="This is the last step: approve or refuse.",
    holds=lambda case, _: not case.approval.last,
)
CORRECTING = Rule(
    slug="not-returned",
    zh="本事项没有退回修改，无需重报。",
    en="The case was not returned for correction.",
    holds=lambda case, _: case.approval.returned,
)
DOCUMENTS_ATTACHED = Rule(
    slug="documents-missing",
    zh="按{policy}，本事项须附：{missing}。请补齐材料后提交。",
    en="By {policy} this case needs these papers attached: {missing}.",
)


class Matter(msgspec.Struct, frozen=True, kw_only=True):
    """What a policy must know of a case's list to choose its route. Amounts in fen.

    An amount is None when a card does not state its value: the stricter route is taken.
    """

    kinds: frozenset[str]
    unit_amount: int | None
    batch_amount: int | None


def matter(occasion: Occasion) -> Matter:
    """Return kinds, the dearest card and the sum of the cards that the form lists."""
    values = [asset.value for asset in occasion.listed]
    known = [value for value in values if value is not None]
    complete = len(known) == len(values) and bool(values)
    return Matter(
        kinds=frozenset(asset.kind for asset in occasion.listed),
        unit_amount=max(known) if complete else None,
        batch_amount=sum(known) if complete else None,
    )


def route(occasion: Occasion, action: Action, *, form: str = "", scope: str = "") -> Route | None:
    """Return how the policy of the place and day routes the case that is put forward."""
    about = matter(occasion)
    return occasion.policy.route(
        action,
        form=form,
        scope=scope,
        kinds=about.kinds,
        unit_amount=about.unit_amount,
        batch_amount=about.batch_amount,
        level=occasion.level,
        unit_kind=occasion.unit_kind,
    )


def laid(
    occasion: Occasion, route: Route | None, shown: Iterable[str] = ()
) -> tuple[RouteLaid, ...]:
    """Return the route of a case as a fact to record beside its request; none, no fact.

    Bodies become units as they are on the business date. Refuse when a paper that the route
    demands is neither attached nor among those `shown` before.
    """
    if route is None:
        return ()
    policy = occasion.policy
    given = (*shown, *(doc.type for doc in occasion.docs))
    missing = policy.missing(route.documents, given)
    if missing:
        names = tuple(policy.named(slug) for slug in missing)
        raise DOCUMENTS_ATTACHED.broken(policy=policy.reference, missing=names)
    stages = tuple(
        Stage(role=step.role, unit=occasion.bodies.get(step.body, ""), days=step.days)
        for step in route.steps
    )
    return (
        RouteLaid(
            policy=policy.reference,
            stages=stages,
            documents=route.documents,
            cites=route.cites,
            filing_days=route.filing_days,
        ),
    )


def laid_anew(case: Any, occasion: Occasion, route: Route | None) -> tuple[RouteLaid, ...]:
    """Return the route of a case whose list or amount its applicant corrected.

    What is put forward is no longer what was, so the rules of the day of the resubmission say
    who decides; a case that is resubmitted as it was keeps the route it has (T29).
    """
    again = laid(occasion, route, case.approval.documents)
    if again or not case.approval.stages:
        return again
    return (RouteLaid(policy=occasion.policy.reference, stages=()),)


def routed(
    lifecycle: Lifecycle[Any],
    awaiting: Rule,
    turn: Rule,
    resubmission: Callable[..., Any] | None = None,
) -> None:
    """Give a kind of case its steps: endorse, send back, resubmit.

    `awaiting` says that the case awaits a decision, `turn` is its `my_turn`. The case's own
    approval and refusal must carry `turn` and `roles=DECIDERS`, the approval also `LAST_STEP`.
    `resubmission` is the kind's own `resubmit`, where its applicant may correct more than words.
    """
    lifecycle.part(ApprovalEvent, evolve)
    for publish, verb in (
        (
            lifecycle.verb(
                awaiting, turn, MORE_STEPS, zh="同意并上报", en="Endorse", roles=DECIDERS
            ),
            endorse,
        ),
        (
            lifecycle.verb(awaiting, turn, zh="退回修改", en="Send back", roles=DECIDERS),
            send_back,
        ),
        (
            lifecycle.verb(awaiting, CORRECTING, zh="修改后重报", en="Resubmit", roles=APPLICANTS),
            resubmission or resubmit,
        ),
    ):
        publish(verb)


APPLICANTS = (Role.CLERK, Role.OFFICE, Role.KEEPER)


def endorse(_: Any, __: Occasion, *, note: Text = "") -> Endorsed:
    """Agree and pass the case to the next step of its route."""
    return Endorsed(note=note)


def send_back(_: Any, __: Occasion, *, reason: Given) -> ReturnedForCorrection:
    """Send the case back to the applicant for correction."""
    return ReturnedForCorrection(reason=reason)


def resubmit(_: Any, __: Occasion, *, note: Given) -> Resubmitted:
    """Put the corrected case forward again; the first step decides anew."""
    return Resubmitted(note=note)
