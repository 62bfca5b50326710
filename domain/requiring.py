"""What a form of disposal asks for: its grounds, its papers, its price floor (T90).

Read from the policy when a disposal is proposed and kept with the case, so that rules changed
later alter nothing that is under way (T29).
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from domain.decider import Occasion, Rule
from domain.leaving import GROUNDS, PRICED_FORMS, SOLD_FORMS, Form, Ground
from domain.policy import DisposalForm

MINUTES = "minutes"  # its number is a field of the proposal
APPRAISAL = "appraisal_report"
# What a step's own field names, so that it need not be attached as well.
SAID_BY_STEP: dict[Form, str] = {
    Form.SALE: "deal_confirmation",
    Form.AUCTION: "deal_confirmation",
    Form.ASSIGNMENT: "agreement",
    Form.DONATION: "agreement",
    Form.EXCHANGE: "agreement",
    Form.SCRAP: "recycling_certificate",
    Form.TAKE_BACK: "recycling_certificate",
    Form.WRITE_OFF: "verification_ruling",
}
# What may still be on its way when the thing leaves, but must be there before the books let go.
TITLE_PAPERS = frozenset(
    {"deregistration_certificate", "transfer_registration", "title_registration"}
)
WIPING_PAPERS = frozenset({"data_wipe_certificate", "destruction_record"})
LATER = WIPING_PAPERS | TITLE_PAPERS


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """The papers without which things of a kind are not carried out or let go by the books."""

    kind: str
    documents: tuple[str, ...] = ()


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules of the place and day asked of a case when it was proposed.

    `floor_percent`: below which part of the appraisal a deal stops; None: the place says nothing.
    """

    policy: str = ""
    needs: tuple[Need, ...] = ()
    appraisal: bool = False
    floor_percent: int | None = None
    cites: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()  # what the proposal had to rest on, and did

    def papers(self, kind: str) -> tuple[str, ...]:
        """Return the papers that the execution for a kind rests on."""
        return next((need.documents for need in self.needs if need.kind == kind), ())


NO_TERMS = Terms()

FORM_ALLOWED = Rule(
    slug="form-not-for-this-kind",
    zh="按{policy}，{kind}不能采用{form}方式处置。",
    en="By {policy}, property of this kind ({kind}) is not disposed of by {form}.",
)
GROUND_NAMED = Rule(
    slug="ground-not-on-the-list",
    zh="按{policy}（{articles}），{form}的事由须为下列之一：{grounds}。",
    en="By {policy} ({articles}), {form} needs one of these grounds: {grounds}.",
)
GROUND_OF_FORM = Rule(
    slug="ground-not-of-this-form",
    zh="“{ground}”不是{form}的事由；须为下列之一：{grounds}。",
    en="“{ground}” is no ground for {form}; it needs one of these: {grounds}.",
    law="《行政事业性国有资产管理条例》第21条",
)
OTHER_EXPLAINED = Rule(
    slug="other-ground-not-explained",
    zh="事由选“其他情形”的，须在备注中写明。",
    en="Who names another ground says in the remark which.",
)
PAPERS_ATTACHED = Rule(
    slug="papers-missing",
    zh="按{policy}（{articles}），{form}须附：{missing}。请补齐材料后提交。",
    en="By {policy} ({articles}), {form} needs these papers attached: {missing}.",
)


def required(
    occasion: Occasion,
    form: Form,
    ground: Ground,
    remark: str,
    kinds: Iterable[str],
    given: Iterable[str],
) -> Terms | None:
    """Return what the rules ask of a proposal, or None where they say nothing of forms.

    `given` names papers that the proposal states in its own fields. Refuse a form that is not for
    a kind, a ground that is not on the list, and every paper that is missing.
    """
    policy = occasion.policy
    if ground is Ground.OTHER and not remark.strip():
        raise OTHER_EXPLAINED.broken()
    floor = policy.price_floor_percent if form in SOLD_FORMS else None
    if not policy.forms:
        if ground not in GROUNDS[form]:
            raise GROUND_OF_FORM.broken(ground=ground, form=form, grounds=GROUNDS[form])
        return Terms(policy=policy.reference, floor_percent=floor) if floor else None
    there = [*given, *(doc.type for doc in occasion.docs)]
    needs: list[Need] = []
    cites: dict[str, None] = {}
    shown: dict[str, None] = {}
    appraisal = False
    for kind in sorted(set(kinds)) or [""]:
        rules = policy.disposal_form(form, {kind} if kind else ())
        if rules is None:
            raise FORM_ALLOWED.broken(
                policy=policy.reference, kind=policy.named(kind), form=form.words
            )
        refuse_ground(occasion, rules, form, ground)
        asked = rules.papers(ground)
        refuse_missing(occasion, asked, there, form, rules.cites)
        shown |= dict.fromkeys(asked)
        needs.append(Need(kind=kind, documents=rules.execution_documents))
        cites |= dict.fromkeys(rules.cites)
        appraisal |= APPRAISAL in (*asked, *rules.execution_documents)
    return Terms(
        policy=policy.reference,
        needs=tuple(needs),
        appraisal=appraisal and form in PRICED_FORMS,
        floor_percent=floor,
        cites=tuple(cites),
        documents=tuple(shown),
    )


def refuse_ground(occasion: Occasion, rules: DisposalForm, form: Form, ground: Ground) -> None:
    """Refuse a ground that the rules of the form do not name; where they name none, any of it."""
    policy = occasion.policy
    if not rules.grounds and ground not in GROUNDS[form]:
        raise GROUND_OF_FORM.broken(ground=ground, form=form, grounds=GROUNDS[form])
    if rules.grounds and ground not in rules.grounds:
        raise GROUND_NAMED.broken(
            policy=policy.reference,
            articles=articles(occasion, rules.cites),
            form=form.words,
            grounds=tuple(policy.named(slug) for slug in rules.grounds),
        )


def refuse_missing(
    occasion: Occasion,
    documents: Iterable[str],
    given: Iterable[str],
    form: Form,
    cites: Iterable[str],
) -> None:
    """Refuse when a paper is missing, naming every one and the articles that ask for it."""
    policy = occasion.policy
    missing = policy.missing(documents, given)
    if missing:
        raise PAPERS_ATTACHED.broken(
            policy=policy.reference,
            articles=articles(occasion, cites),
            form=form.words,
            missing=tuple(policy.named(slug) for slug in missing),
        )


def articles(occasion: Occasion, cites: Iterable[str]) -> tuple[str, ...]:
    """Return articles as people cite them; an id where this version no longer has the article."""
    known = {article.id: article for article in occasion.policy.articles}
    return tuple(
        f"{known[id_].regulation}{known[id_].article}" if id_ in known else id_ for id_ in cites
    )
