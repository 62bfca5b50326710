"""What may be done with a thing now, as forms; and for everything else, the rule that says no."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import msgspec
from starlette.datastructures import FormData

from api import forms, pages_again
from api.forms import Field, Invalid
from api.pages_telling import STATE_REFS, tell
from api.pages_trouble import Instead
from api.pages_view import Page
from api.proving_again import PROVEN_AGAIN, refuse_unproven
from domain.decider import LIFECYCLES, NOT_YOUR_ROLE, Document, Occasion, Refused, Verb
from domain.kinds import OF_A_KIND
from domain.words import Words, cited_all
from ledger.act import Receipt
from ledger.book import Stream, new_id
from projections import inventory
from projections.scope import Filters

# On a request for a case, whose units the page can guess from the assets or from the reader.
GIVERS = frozenset({"lender", "lessor", "from_unit"})
TAKERS = frozenset({"unit", "borrower", "to_unit"})


class Step(msgspec.Struct, kw_only=True):
    """A verb as a form: what was typed so far, what is wrong with it, whether it is unfolded."""

    verb: Verb
    typed: FormData | None = None
    faults: Mapping[str, Words] = {}
    refusal: str = ""
    open: bool = False
    fields: list[dict[str, Any]] = []
    common: list[dict[str, Any]] = []
    key: str = ""
    version: int = 0
    warnings: tuple[str, ...] = ()  # what the reader should know before they submit
    changed: int | None = None  # the version it was asked of, where there is a newer one
    will: tuple[tuple[str, str], ...] = ()  # what would be recorded: of what, and the sentence


class Warned(Exception):
    """The form was not sent: first the reader is told what would be warned of."""

    def __init__(self, sentences: tuple[str, ...]) -> None:
        super().__init__("; ".join(sentences))
        self.sentences = sentences


DO = "do"  # the step whose form a link unfolds
FIND = "find"  # what was searched for among the assets that may be added
FIND_CHARS_MAX = 80
ADDABLE_MAX = 50  # more are found by searching
NEW_CASE = "/cases/new"
# What a link may fill in; `kind` of an address says what kind of case is begun.
PREFILLED = frozenset(
    {"from_unit", "to_unit", "item", "demand", "class_code", "quantity", "measure", "needed_by"}
    | {"specification", "plan", "plan_line", "of_kind"}
)
PREFILLED_CHARS_MAX = 200
ACKNOWLEDGED = "acknowledged"  # the question that is only asked when there is something to read


def occasion(page: Page, stream: str) -> Occasion:
    """Return who would ask this stream now."""
    return msgspec.structs.replace(page.office.occasion(page.actor), stream=stream)


def possible(page: Page, stream: Stream, faulty: Step | None = None) -> list[Step]:
    """Return the steps that state and role allow, ready to fill in.

    The form that came back stays, even when the step is no longer allowed: nothing typed is lost.
    """
    life = LIFECYCLES[stream.name.partition("/")[0]]
    allowed = life.allowed(stream.state, occasion(page, stream.name))
    searched, asked = FIND in page.request.query_params, page.request.query_params.get(DO, "")
    steps = [
        faulty
        if faulty is not None and faulty.verb.name == verb.name
        else Step(
            verb=verb,
            open=verb.name == asked or (searched and any(adds(f) for f in forms.fields(verb))),
        )
        for verb in allowed
    ]
    if faulty is not None and faulty not in steps:
        steps.insert(0, faulty)
    return [prepared(page, stream, step) for step in steps]


def prepared(page: Page, stream: Stream, step: Step, assets: tuple[str, ...] = ()) -> Step:
    """Give a step its questions, its key and the version the reader looks at."""
    kept = step.typed.get("key", "") if step.typed is not None else ""
    step.key = kept if isinstance(kept, str) and kept else new_id("web")
    step.version = stream.version
    state = stream.state
    asked = [f for f in forms.fields(step.verb) if step.warnings or f.name != ACKNOWLEDGED]
    step.fields = [question(page, f, step, state, assets) for f in asked]
    step.common = [question(page, f, step, None, ()) for f in forms.COMMON]
    return step


def blocked(page: Page, stream: Stream) -> list[tuple[Verb, str]]:
    """Return the steps that are not allowed now, each with the rule that says so.

    Steps for another kind of thing are left out: nobody looks for them here.
    """
    life = LIFECYCLES[stream.name.partition("/")[0]]
    who = occasion(page, stream.name)
    found: list[tuple[Verb, str]] = []
    for verb in life.verbs.values():
        if verb.inner:
            continue
        rule = verb.refusal(stream.state, who)
        if rule is not None and rule.slug in OF_A_KIND:
            continue
        if rule is not None:
            found.append((verb, Refused(rule).sentence(page.lang)))
        elif verb.roles and who.role not in verb.roles:
            roles = tuple(Words.of(role) for role in sorted(verb.roles))
            refused = NOT_YOUR_ROLE.broken(role=Words.of(who.role), verb=verb.words, roles=roles)
            found.append((verb, refused.sentence(page.lang)))
    return found


# Questions --------------------------------------------------------------------


def question(
    page: Page, field: Field, step: Step, state: Any, assets: tuple[str, ...]
) -> dict[str, Any]:
    """Return one question as the template draws it."""
    own = concerned(state)
    typed = None
    if step.typed is not None:
        typed = [t for t in step.typed.getlist(field.name) if isinstance(t, str)]
    value = typed if typed is not None else guess(page, field, state, assets)
    cleared = step.typed is not None and field.name in step.typed.getlist(forms.CLEAR)
    return {
        "name": field.name,
        "words": field.words,
        "type": field.type,
        "required": field.required,
        "options": (
            addable(page, field, state, typed or ())
            if adds(field)
            else options(page, field, own, assets)
        ),
        "searched": page.request.query_params.get(FIND, "") if adds(field) else None,
        "value": value[0] if len(value) == 1 else "\n".join(value),
        "values": value,
        "chars_max": field.chars_max,
        "fault": step.faults.get(field.name),
        "stays": field.clearable,
        "can_empty": field.clearable and (cleared or bool(getattr(state, field.name, ""))),
        "cleared": cleared,
        "hint": hint(page, field),
    }


def hint(page: Page, field: Field) -> str:
    """Return how a row of a list is typed; empty where no rows are asked for."""
    if field.name == "deductions":
        return page.t("rows-hint", asked=page.t("rows-example"))
    asked = [page.words(column.words) for column in field.columns if column.required]
    return page.t("rows-hint", asked=" ".join(asked)) if asked else ""


def options(
    page: Page, field: Field, own: Mapping[str, list[str]], assets: tuple[str, ...]
) -> list[tuple[str, str]]:
    """Return what may be chosen; empty where anything may be written."""
    match field.type:
        case "choice" | "choices":
            return [
                (value, page.words(words) + cited_all(field.cites.get(value, ()), page.lang))
                for value, words in field.choices
            ]
        case "unit":
            return page.unit_choices(own.get("unit", ()))
        case "units":
            return page.unit_choices(ended=True)
        case "person":
            return page.person_choices()
        case "place":
            return page.place_choices(own.get("place", ()))
        case "asset" | "assets":
            return [(id_, page.name_of("asset", id_)) for id_ in assets or own.get("asset", ())]
        case _:
            return []


def adds(field: Field) -> bool:
    """Tell whether a question is for assets that come onto a list."""
    return field.type == "assets" and field.name.startswith("add")


def addable(page: Page, field: Field, state: Any, typed: Sequence[str]) -> list[tuple[str, str]]:
    """Return what the unit has that gives here and no process holds, as far as the reader sees it.

    What was searched for by number or name narrows it; what was chosen before stays.
    """
    sides = (*sorted(GIVERS), "unit") if field.name == "add" else ("partner",)
    unit = next((side for name in sides if (side := getattr(state, name, ""))), "")
    rows: Sequence[Any] = ()
    if unit:
        searched = page.request.query_params.get(FIND, "")[:FIND_CHARS_MAX]
        today = page.office.today(page.actor.zone).isoformat()
        free = Filters(custodian=unit, book="on_books", lock="none", text=searched, today=today)
        rows = page.office.rows(inventory.listing(page.actor.scope, free, limit=ADDABLE_MAX))
    found = {row["id"]: f"{row['asset_no']} {row['name']}".strip() for row in rows[:ADDABLE_MAX]}
    chosen = {id_: page.name_of("asset", id_) for text in typed for id_ in text.split()}
    return list((chosen | found).items())


def concerned(state: Any) -> Mapping[str, list[str]]:
    """Return the units, places and assets that a state names."""
    found: dict[str, list[str]] = {}
    for field in state.__struct_fields__ if state is not None else ():
        kind, value = STATE_REFS.get(field, ""), getattr(state, field)
        if kind and value and isinstance(value, (str, frozenset)):
            found.setdefault(kind, []).extend([value] if isinstance(value, str) else sorted(value))
    return found


def guess(page: Page, field: Field, state: Any, assets: tuple[str, ...]) -> list[str]:
    """Return what most people would write, so that they need not."""
    name = "of_kind" if field.name == "kind" else field.name
    given = page.request.query_params.get(name, "")[:PREFILLED_CHARS_MAX]
    if given and page.request.url.path == NEW_CASE and name in PREFILLED:
        return [given]
    if field.name == "on" and state is None:
        return [page.office.today(page.actor.zone).isoformat()]
    if field.name.startswith(("add", "remove")) and field.type == "assets":
        return []
    if field.type == "assets":
        return list(assets) or concerned(state).get("asset", [])
    if field.type == "asset" and assets:
        return [assets[0]]
    if field.default is not None:
        return [
            "1" if field.default is True else "" if field.default is False else str(field.default)
        ]
    if field.type == "unit" and assets:
        first = page.office.book.stream(f"asset/{assets[0]}").state
        if field.name in GIVERS:
            return [first.custodian]
        if field.name in TAKERS:
            return [page.actor.unit]
    if field.type == "money" and field.required:
        return [""]
    return [""]


# Asking -----------------------------------------------------------------------


def parsed(step: Step) -> tuple[dict[str, Any], date | None, Sequence[Document]]:
    """Read a filled-in form: its details, its day and its papers; raise Invalid with all faults."""
    assert step.typed is not None
    pairs = [(n, v) for n, v in step.typed.multi_items() if isinstance(v, str)]
    faults: list[forms.Fault] = []
    form: dict[str, Any] = {}
    on: date | None = None
    docs: Sequence[Document] = ()
    try:
        form = forms.parse_html(step.verb, pairs)
    except Invalid as invalid:
        faults += invalid.faults
    try:
        on, docs = forms.occasion_html(pairs)
    except Invalid as invalid:
        faults += invalid.faults
    if faults:
        raise Invalid(faults)
    return form, on, docs


def foreseen(page: Page, stream: str, step: Step) -> tuple[tuple[str, str], ...]:
    """Return what asking would record, of which thing and in a sentence; record nothing.

    Raise what asking would raise.
    """
    form, on, docs = parsed(step)
    drafts = page.office.preview([(stream, step.verb.name, form)], page.actor, on=on, docs=docs)
    return tuple((draft.stream, tell(draft.event, page.lang, page.name_of)) for draft in drafts)


def ask(page: Page, stream: str, step: Step, expected: int | None) -> Receipt:
    """Send a filled-in form to the ledger; raise Invalid with all faults, Refused, Conflict."""
    assert step.typed is not None
    form, on, docs = parsed(step)
    refuse_unread(page, stream, step, form, on, docs)
    asks = [(stream, step.verb.name, form)]
    prove_first(page, step.typed, asks, on=on, docs=docs)
    key = step.typed.get("key", "")
    return page.office.ask(
        stream,
        step.verb.name,
        form,
        page.actor,
        on=on,
        docs=docs,
        key=key if isinstance(key, str) and key else None,
        expected=None if expected is None else {stream: expected},
        **page.how,
    )


def prove_first(
    page: Page,
    typed: FormData,
    asks: Sequence[tuple[str, str, Mapping[str, Any]]],
    *,
    on: date | None = None,
    docs: Sequence[Document] = (),
) -> None:
    """Have who decides prove again who they are, where the rules want it; nothing typed is lost.

    Raise Instead, which leads there; Refused where the form is too long to be kept.
    """
    assert page.session is not None
    try:
        refuse_unproven(page.office, page.actor, page.session.proven_at, asks, on=on, docs=docs)
    except Refused as refused:
        again = pages_again.first(page, typed) if refused.rule is PROVEN_AGAIN else None
        if again is None:
            raise
        raise Instead(again) from None


def refuse_unread(
    page: Page,
    stream: str,
    step: Step,
    form: Mapping[str, Any],
    on: date | None,
    docs: Sequence[Document],
) -> None:
    """Raise Warned while there is something to read that the reader has not acknowledged."""
    known = any(field.name == ACKNOWLEDGED for field in forms.fields(step.verb))
    if not known or form.get(ACKNOWLEDGED):
        return
    drafts = page.office.preview([(stream, step.verb.name, form)], page.actor, on=on, docs=docs)
    said = tuple(tell(d.event, page.lang, page.name_of) for d in drafts if d.event.warns)
    if said:
        raise Warned(said)
