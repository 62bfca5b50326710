"""What awaits a decision: the matter with everything to decide on it, and who may not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from api import forms, open_cases
from api.forms import Invalid
from api.open_cases import Open
from api.pages_overview import statuses
from api.pages_steps import Step, occasion, prepared
from api.pages_telling import tell
from api.pages_view import Page
from domain.approval import RouteLaid
from domain.decider import LIFECYCLES, Refused, Verb
from domain.duties import INCOMPATIBLE
from domain.words import Words, cited_all
from ledger.book import Stream
from projections import cases, inbox
from projections.inbox import Turn

# The verbs that decide; what an approver must carry out is work, and is listed apart.
DECISIONS: Final = (
    "approve", "endorse", "authorise", "approve_extension", "approve_new_terms", "rule_on",
    "rule_on_excess", "confirm", "review",
)  # fmt: skip
QUEUE_MAX: Final = 200
SHOWN_CARDS: Final = 20
SHOWN_FACTS: Final = 12
SIMILAR: Final = 5
BATCH_MAX: Final = 50
PUBLISHED: Final = ("seattle", "leso")  # data sets in which nobody here has anything to do
NUMBER: Final = "approval_no"  # the only thing of a decision that is proposed, and may be changed
OVER: Final = frozenset({"none", "withdrawn", "lapsed", "draft", "drafted"})

ONE_KIND: Final = Words(
    "只能一次办理同一种、同一步骤、同一单位的事项；请分别选择。",
    "Only matters of one kind, one step and one unit go together; choose them apart.",
)
NOT_ALIKE: Final = Words(
    "“{case}”还要填写：{fields}；请单独打开办理。",
    "“{case}” asks for more: {fields}. Open and decide it by itself.",
)
GONE: Final = Words(
    "“{case}”已不在您的待审批中；请刷新后再选。",
    "“{case}” no longer waits for you; look again and choose anew.",
)
TOO_MANY: Final = Words("一次至多办理 {n} 项。", "At most {n} matters go together.")


class Held(msgspec.Struct, kw_only=True):
    """What one decision would record, or why it would not."""

    step: Step
    facts: tuple[str, ...] = ()
    more: int = 0
    refusal: str = ""
    conflict: bool = False
    asks: tuple[Words, ...] = ()  # what must be filled in first


def turn(page: Page, kind: str = "") -> Turn:
    """Return whose decisions are asked for: those of the reader's role, unit and its successors."""
    who = page.office.occasion(page.actor)
    return Turn(
        on=who.on,
        role=page.actor.role,
        units=frozenset({page.actor.unit, *who.succeeds}),
        verbs=DECISIONS,
        kinds=(kind,) if kind else (),
        dataset=PUBLISHED,
    )


def queue(page: Page, kind: str = "") -> Sequence[Any]:
    """Return the rows of what awaits the reader's decision: due first, then longest waiting."""
    query = inbox.listing(page.actor.scope, turn(page, kind), limit=QUEUE_MAX)
    return page.office.models.rows(query)


def neighbours(rows: Sequence[Any], stream: str) -> tuple[int, str, str]:
    """Return the place of a case in the queue from 1 (0: not in it), and those before and after."""
    names = [row["id"] for row in rows]
    if stream not in names:
        return 0, "", names[0] if names else ""
    at = names.index(stream)
    return at + 1, names[at - 1] if at else "", names[at + 1] if at + 1 < len(names) else ""


def choices(page: Page, stream: Stream, agree: str, faulty: Step | None = None) -> dict[str, Held]:
    """Return the decisions that are allowed: to agree, to send back, to refuse; each made ready."""
    life = LIFECYCLES[stream.name.partition("/")[0]]
    allowed = {v.name: v for v in life.allowed(stream.state, occasion(page, stream.name))}
    if agree not in allowed and agree in ("approve", "endorse"):
        agree = "endorse" if agree == "approve" else "approve"
    named = {"agree": allowed.get(agree), "back": allowed.get("send_back")}
    named["refuse"] = next(
        (v for name, v in allowed.items() if name.startswith(("refuse", "reject"))), None
    )
    return {
        name: held(page, stream, verb, faulty, show=name == "agree")
        for name, verb in named.items()
        if verb is not None
    }


def forbidden(page: Page, stream: Stream, agree: str) -> str:
    """Return the rule that keeps the reader from deciding: a conflict of interest, or another's turn."""
    verb = LIFECYCLES[stream.name.partition("/")[0]].verbs.get(agree)
    who = occasion(page, stream.name)
    if verb is None or (verb.roles and who.role not in verb.roles):
        return ""
    rule = verb.refusal(stream.state, who)
    return Refused(rule).sentence(page.lang) if rule is not None else ""


def held(page: Page, stream: Stream, verb: Verb, faulty: Step | None, *, show: bool) -> Held:
    """Make one decision ready: its form, and what it would record as it stands."""
    if faulty is not None and faulty.verb.name == verb.name:
        return Held(step=prepared(page, stream, faulty))
    step = prepared(page, stream, Step(verb=verb))
    for field in step.fields:
        if field["name"] == NUMBER and not field["value"]:
            field["value"] = proposed(page, stream)
    found = Held(step=step)
    if show:
        _foreseen(page, stream, found)
    return found


def proposed(page: Page, stream: Stream) -> str:
    """Return the number of a decision taken here: that of the document, else of the case itself."""
    number = getattr(stream.state, "number", "")
    if number:
        return str(number)
    year = page.office.today(page.actor.zone).year
    kind, _, id_ = stream.name.partition("/")
    return f"{LIFECYCLES[kind].words.zh}审批〔{year}〕{id_.rpartition('-')[2][-8:]}"


def pairs(step: Step) -> list[tuple[str, str]]:
    """Return a form as it would be sent when nothing is typed into it."""
    return [
        (field["name"], value)
        for field in step.fields
        for value in ([field["value"]] if isinstance(field["value"], str) else field["value"])
        if value
    ]


def _foreseen(page: Page, stream: Stream, found: Held) -> None:
    step = found.step
    found.asks = tuple(f["words"] for f in step.fields if f["required"] and not f["value"])
    if found.asks:
        return
    try:
        form = forms.parse_html(step.verb, pairs(step))
        drafts = page.office.preview([(stream.name, step.verb.name, form)], page.actor)
    except Invalid:
        return
    except Refused as refused:
        found.refusal = refused.sentence(page.lang)
        found.conflict = refused.rule.slug == INCOMPATIBLE.slug
        return
    told = [tell(d.event, page.lang, page.name_of) for d in drafts]
    found.facts, found.more = tuple(told[:SHOWN_FACTS]), max(0, len(told) - SHOWN_FACTS)


def route(page: Page, stream: Stream) -> dict[str, Any] | None:
    """Return the rule that routed a case here: whose, each step with who and how long, its articles."""
    laid = next(
        (e.event for e in reversed(stream.standing) if isinstance(e.event, RouteLaid)), None
    )
    if laid is None or not laid.stages:
        return None
    done = stream.state.approval.done
    return {
        "policy": laid.policy,
        "cites": cited_all(laid.cites, page.lang),
        "stages": [
            {
                "role": page.words(Words.of(stage.role)),
                "unit": page.name_of("unit", stage.unit) if stage.unit else "",
                "days": stage.days,
                "state": "is-done" if at < done else "is-now" if at == done else "",
            }
            for at, stage in enumerate(laid.stages)
        ],
    }


def cards(page: Page, stream: Stream) -> tuple[list[Any], int]:
    """Return the first cards a case is about, and how many there are."""
    ids = listed(stream.state)
    if not ids:
        return [], 0
    rows = page.office.models.rows(inbox.cards(page.actor.scope, sorted(ids)[:SHOWN_CARDS]))
    return list(rows), len(ids)


def listed(state: Any) -> frozenset[str]:
    """Return the assets on the list of a case, whatever its kind calls them."""
    from api.pages_telling import STATE_REFS

    found: set[str] = set()
    for field in state.__struct_fields__:
        value = getattr(state, field)
        if STATE_REFS.get(field) == "asset" and value:
            found |= {value} if isinstance(value, str) else set(value)
    return frozenset(found)


def similar(page: Page, row: Any) -> list[dict[str, Any]]:
    """Return cases like one that were decided, with what came of them."""
    from api.pages_overview import status

    over = [s for s in statuses(row["kind"]) if s not in OVER and s != row["status"]]
    found = page.office.models.rows(inbox.decided(page.actor.scope, row, over, limit=SIMILAR))
    return [
        {
            "href": f"/cases/{one['id']}",
            "name": page.case_name(one["id"]),
            "title": page.case_title(one),
            "status": status(page, one["kind"], one["status"]),
            "unit": page.name_of("unit", one["to_unit"] or one["from_unit"]),
            "items": one["items"],
            "amount": one["amount"],
            "currency": one["currency"],
            "on": one["changed_on"],
        }
        for one in found
    ]


def opened(page: Page, row: Any) -> Open:
    """Return the open step of a row today."""
    return open_cases.opened(row, page.office.today(page.actor.zone))


def alike(page: Page, streams: Sequence[str]) -> tuple[list[tuple[Any, Held]], str]:
    """Return what may be decided together, each made ready; else the sentence that says why not.

    One kind, one step, the same units on both sides, and nothing to fill in but what is proposed.
    """
    if len(streams) > BATCH_MAX:
        return [], page.words(TOO_MANY).format(n=BATCH_MAX)
    waiting: Mapping[str, Any] = {row["id"]: row for row in queue(page)}
    rows = []
    for name in streams:
        if name not in waiting:
            return [], page.words(GONE).format(case=page.case_name(name))
        rows.append(waiting[name])
    if len({(r["kind"], r["step"], r["from_unit"], r["to_unit"]) for r in rows}) > 1:
        return [], page.words(ONE_KIND)
    found = []
    for row in rows:
        stream = page.office.book.stream(row["id"])
        ready = choices(page, stream, row["step"]).get("agree")
        if ready is None:
            return [], page.words(GONE).format(case=page.case_name(row["id"]))
        if ready.refusal:
            return [], ready.refusal
        if ready.asks:
            comma = "、" if page.lang == "zh" else ", "
            fields = comma.join(page.words(words) for words in ready.asks)
            return [], page.words(NOT_ALIKE).format(case=page.case_name(row["id"]), fields=fields)
        found.append((row, ready))
    return found, ""


def one(page: Page, stream: str) -> Any:
    """Return the row of a case; None when there is none."""
    return page.office.models.one(cases.one(stream))
