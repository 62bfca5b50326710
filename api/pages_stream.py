"""One thing and its whole life: the card, what may be done now and why not else, the timeline."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from fastapi import APIRouter
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api import (
    numbering,
    pages_asking,
    pages_asset,
    pages_bundles,
    pages_chain,
    pages_filing,
    pages_papers,
    pages_people,
    pages_plan,
    pages_read_by,
    pages_reorganisation,
    pages_shares,
    pages_stocktakes,
    pages_vouchers,
    pages_wants,
    pages_ways,
    rest_label,
)
from api.numbering import Fate
from api.office import Office
from api.pages_cases import new_page
from api.pages_inventory import NOT_A_DAY, is_day, is_known, position_of
from api.pages_sign import Member, Typed, text
from api.pages_steps import Step, blocked, possible
from api.pages_telling import STATE_REFS
from api.pages_timeline import happened, lines, toast
from api.pages_trouble import PageRoute
from api.pages_view import Page
from api.pages_ways import COLON
from domain.decider import LIFECYCLES, Refused
from domain.filing import folder_of, whose
from domain.unit import UnitKind
from domain.words import in_language
from labels import face, identity, qr
from ledger.book import Stream, new_id
from projections import cases, inventory, units
from projections.scope import Filters
from projections.temporal import NEVER

REASON_CHARS_MAX = 2000
LATER = "9999-12-31"
KINDS = {
    "asset": "/assets/",
    "unit": "/units/",
    "policy": "/rules/",
    "quota": "/quotas/",
    "period": "/periods/",
    "depreciation": "/depreciation/",
    "series": "/numbers/",
    "entrustment": "/entrustments/",
    "confiscated": "/confiscated/",
    "package": "/packages/",
    "due": "/dues/",
    "bank": "/bank/",
    "statement": "/statements/",
    "person": "/people/",
    "labels": "/labels/units/",
    "audit": "/audit/reads/",
    **{k: f"/cases/{k}/" for k in cases.KINDS},
}


def address(stream: str) -> str:
    """Return where a stream is shown."""
    kind, _, id_ = stream.partition("/")
    if kind == "folder":
        return address(whose(stream))
    if kind == "recovery":  # told where the ledger is verified
        return "/audit"
    return f"{KINDS[kind]}{id_}" if kind in KINDS else "/"


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/assets/{id_}")
    def asset(id_: str, page: Member) -> Response:
        return show(page, f"asset/{id_}")

    @pages.get("/units/{id_}")
    def unit(id_: str, page: Member) -> Response:
        return show(page, f"unit/{id_}")

    @pages.get("/cases/{kind}/{id_}")
    def case(kind: str, id_: str, page: Member) -> Response:
        return show(page, case_stream(kind, id_))

    @pages.post("/assets/{id_}/do/{verb}")
    def asset_do(
        id_: str,
        verb: str,
        page: Member,
        form: Typed,
    ) -> Response:
        return do(page, f"asset/{id_}", verb, form)

    @pages.post("/cases/{kind}/{id_}/do/{verb}")
    def case_do(
        kind: str,
        id_: str,
        verb: str,
        page: Member,
        form: Typed,
    ) -> Response:
        return do(page, case_stream(kind, id_), verb, form)

    @pages.post("/units/{id_}/do/{verb}")
    def unit_do(
        id_: str,
        verb: str,
        page: Member,
        form: Typed,
    ) -> Response:
        return do(page, f"unit/{id_}", verb, form)

    @pages.get("/assets/{id_}/label.png")
    def label(id_: str, page: Member) -> Response:
        stream = existing(page, f"asset/{id_}")
        try:
            png = rest_label.png(office, id_, stream.state, page.lang)
        except NO_LABEL as refused:
            return page.render(
                "message.html", 422, title=page.t("label"), text=sentence(page, refused)
            )
        return Response(png, media_type="image/png", headers={"Cache-Control": "no-store"})

    @pages.get("/reverse/{kind}/{id_}/{seq}")
    def reverse(kind: str, id_: str, seq: int, page: Member) -> Response:
        return reverse_page(page, existing(page, f"{kind}/{id_}"), seq)

    @pages.post("/reverse/{kind}/{id_}/{seq}")
    def reversed_(
        kind: str,
        id_: str,
        seq: int,
        page: Member,
        form: Typed,
    ) -> Response:
        stream = existing(page, f"{kind}/{id_}")
        reason = text(form, "reason", REASON_CHARS_MAX)
        key = text(form, "key")
        if not reason:
            return reverse_page(page, stream, seq, wrong=page.t("reason-needed"), status=422)
        try:
            receipt = office.reverse(
                stream.name, seq, page.actor, reason=reason, key=key or None, **page.how
            )
        except Refused as refused:
            said = refused.sentence(page.lang)
            return reverse_page(page, stream, seq, reason, wrong=said, status=409)
        return page.go(f"{address(stream.name)}?done={receipt.first}")

    return pages


def case_stream(kind: str, id_: str) -> str:
    """Return the name of a case's stream; an unknown kind is not found."""
    if kind not in cases.KINDS:
        raise HTTPException(404)
    return f"{kind}/{id_}"


def existing(page: Page, name: str) -> Stream:
    """Read a stream; one in which nothing ever happened is not found."""
    if name.partition("/")[0] not in LIFECYCLES:
        raise HTTPException(404)
    stream = page.office.book.stream(name)
    if not stream.entries:
        raise HTTPException(404)
    return stream


# Showing ----------------------------------------------------------------------


def show(
    page: Page,
    name: str,
    *,
    status: int = 200,
    wrong: str = "",
    faulty: Step | None = None,
    changed: int | None = None,
) -> Response:
    """Draw the page of a stream; `faulty` is a form that comes back with what was typed.

    `changed` is the version the reader had seen when somebody else wrote first.
    """
    stream = existing(page, name)
    kind, _, id_ = name.partition("/")
    asked = page.request.query_params
    on, known = asked.get("on", ""), asked.get("known", "")
    if (on and not is_day(on)) or (known and not is_known(known)):
        wrong, status, on, known = page.words(NOT_A_DAY), 422, "", ""
    position = position_of(page, known)
    past = bool(on or known)
    state = stream.state
    if past:
        on = on or page.office.today(page.actor.zone).isoformat()
        state = page.office.book.state_at(name, on, position)
    steps = [] if past else possible(page, stream, faulty)
    done = asked.get("done", "")
    return page.render(
        f"{'case' if kind in cases.KINDS else kind}.html",
        status,
        stream=stream,
        id_=id_,
        kind=kind,
        state=state,
        version=stream.version,
        past=past,
        on=on,
        known=known,
        wrong=wrong,
        changed=[] if changed is None else lines(page, stream, after=changed),
        steps=steps,
        blocked=[] if past else blocked(page, stream),
        timeline=whole(page, stream, on, position),
        toast=toast(page, stream, done) if done else None,
        today=page.office.today(page.actor.zone).isoformat(),
        ahead=around(stream, on),
        papers=pages_papers.links(page, stream),
        seen=None if past else pages_read_by.panel(page, name),
        files=pages_filing.panel(page, stream, pages_bundles.link(page, stream.name)),
        **(asset_extra(page, stream, state, on, position) if kind == "asset" else {}),
        **(unit_extra(page, id_) if kind == "unit" else {}),
        **(case_extra(page, stream, on, position) if kind in cases.KINDS else {}),
    )


def around(stream: Stream, on: str) -> dict[str, str]:
    """Return from where one may look back, and the days before and after on which it changed."""
    days = sorted({entry.effective_on for entry in stream.standing})
    return {
        "first": days[0] if days else stream.entries[0].effective_on,
        "recorded": stream.entries[0].recorded_at[:10],
        "previous": max((day for day in days if day < (on or LATER)), default=""),
        "next": min((day for day in days if day > on), default="") if on else "",
    }


def whole(page: Page, stream: Stream, on: str, position: int | None) -> list[dict[str, Any]]:
    """Return the timeline of a thing with that of its folder, newest first."""
    folder = page.office.book.stream(folder_of(stream.name))
    told = lines(page, stream, on=on, position=position)
    # What a folder's entry says, it says whole: fingerprints before and after would tell nobody more.
    told += [line | {"changes": []} for line in lines(page, folder, on=on, position=position)]
    return sorted(told, key=lambda line: line["entry"].position, reverse=True)


def asset_extra(
    page: Page, stream: Stream, state: Any, on: str, position: int | None
) -> dict[str, Any]:
    """Return what only the page of an asset shows: its label, or why none can be printed."""
    id_ = stream.name.partition("/")[2]
    problem = ""
    try:
        rest_label.png(page.office, id_, stream.state, page.lang)
    except NO_LABEL as refused:
        problem = sentence(page, refused)
    return {
        "panels": pages_ways.panels(page, stream),
        "centre": pages_asset.panel(page, stream),
        "joined": joined(page, state),
        "worth": page.office.depreciating.worth(
            id_, date.fromisoformat(on or page.office.today(page.actor.zone).isoformat()), position
        ),
        "fits": pages_wants.of_card(page, stream),
        "label_problem": problem,
        "label_code": "" if problem else rest_label.text(page.office, id_, stream.state),
    }


def joined(page: Page, state: Any) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return what an asset is packed in, fitted to, and what is fitted to it, with links."""
    near = {one for one in (state.whole, *state.fitted) if one}
    rows = page.office.models.rows(inventory.of_ids(page.actor.scope, near)) if near else []
    called = {row["id"]: f"{row['asset_no']} {row['name']}" for row in rows}

    def links(ids: Iterable[str]) -> list[tuple[str, str]]:
        return [(f"/assets/{one}", called.get(one, one)) for one in sorted(ids) if one]

    packed = [(f"/packages/{one}", one) for one in (state.package,) if one]
    whole, parts = links((state.whole,)), links(state.fitted)
    return [("packed-in", packed), ("part-of", whole), ("parts-fitted", parts)]


NO_LABEL = (face.Unprintable, identity.BadLabel, qr.DoesNotFit)


def unit_extra(page: Page, id_: str) -> dict[str, Any]:
    """Return what only the page of a unit shows: its names over time and its property."""
    models, scope = page.office.models, page.actor.scope
    quota = page.office.book.stream(f"quota/{id_}").state
    return {
        "wear_said": page.office.book.stream(f"depreciation/{id_}").state.describe(page.lang),
        "period_said": page.office.book.stream(f"period/{id_}").state.describe(page.lang),
        "entrusted": (
            page.office.book.stream(f"entrustment/{id_}").state.describe(page.lang)
            if page.office.book.stream(f"unit/{id_}").state.kind is UnitKind.ENTERPRISE
            else ""
        ),
        "quota_words": pages_ways.QUOTA,
        "quota_said": quota.describe(page.lang),
        "names": [row for row in models.rows(units.names_of(id_)) if row["known_to"] >= NEVER],
        "totals": models.rows(inventory.totals(scope, Filters(unit=id_))),
        "held": models.rows(inventory.totals(scope, Filters(custodian=id_))),
        "people": pages_people.in_unit(page, id_),
    }


def case_extra(page: Page, stream: Stream, on: str, position: int | None) -> dict[str, Any]:
    """Return the assets of a case, grouped by where they stand in it."""
    state = stream.state
    groups = [
        (field, sorted(getattr(state, field)))
        for field in state.__struct_fields__
        if STATE_REFS.get(field) == "asset" and getattr(state, field)
    ]
    sent = sorted({asset for asset, _ in getattr(state, "sent", ())})
    if sent and not hasattr(state, "moving"):
        groups.append(("moving", sent))
    return {
        "groups": groups,
        "stocktake": pages_stocktakes.panel(page, stream),
        "plan_panel": pages_plan.panel(page, state, stream.name),
        "want": pages_wants.of_want(page, stream),
        "proposal": pages_wants.of_proposal(page, stream),
        "vouchers": pages_vouchers.panel(page, stream),
        "chain": pages_chain.of_case(page, stream.name, on, position),
        "shares": pages_shares.panel(page, state),
        "reorganisation": pages_reorganisation.panel(page, state),
        "number": number_of(page, getattr(state, "number", "")),
    }


def number_of(page: Page, text: str) -> dict[str, str] | None:
    """Return a document number as the template draws it: why it is void, where it is listed."""
    line = numbering.found(page.office.book, text) if text else None
    if line is None:
        return None
    void = line.fate is Fate.VOIDED
    return {
        "text": text,
        "tag": page.words(line.fate.words) if void else "",
        "why": f"{page.words(line.fate.words)}{page.words(COLON)}{line.reason}" if void else "",
        "url": f"/numbers/{line.series}",
    }


def sentence(page: Page, said: Any) -> str:
    """Return a two-language trouble in the reader's."""
    return in_language(said.zh, said.en, page.lang)


# Doing ------------------------------------------------------------------------


def do(page: Page, name: str, verb: str, form: FormData) -> Response:
    """Ask for a step; whatever stands in the way, the form comes back with what was typed."""

    def draw(step: Step, wrong: str, status: int) -> Response:
        return again(page, name, step, wrong, status)

    return pages_asking.do(page, name, verb, form, address(name), draw)


def again(page: Page, name: str, step: Step, wrong: str, status: int) -> Response:
    """Show the form once more; a case that does not exist yet has a page of its own."""
    if page.office.book.stream(name).version == 0:
        return new_page(page, name, step, wrong, status)
    return show(page, name, status=status, wrong=wrong, faulty=step, changed=step.changed)


def reverse_page(
    page: Page, stream: Stream, seq: int, reason: str = "", *, wrong: str = "", status: int = 200
) -> Response:
    """Show what would be taken back before it is."""
    entry = next((e for e in stream.entries if e.seq == seq), None)
    if entry is None:
        raise HTTPException(404)
    command = page.office.book.log.command(entry.position)
    assert command is not None
    group = [e for e in happened(page, command[0], command[1]) if e.cause == entry.cause]
    return page.render(
        "reverse.html",
        status,
        stream=stream,
        back=address(stream.name),
        seq=seq,
        group=[
            (e, line)
            for e in group
            for line in lines(page, page.office.book.stream(e.stream))
            if line["entry"].position == e.position
        ],
        reason=reason,
        wrong=wrong,
        key=new_id("web"),
    )
