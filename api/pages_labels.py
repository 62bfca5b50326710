"""Labels: print them for what was chosen, draw up templates with a preview, print blank ones."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec
from fastapi import APIRouter
from starlette.datastructures import FormData, ImmutableMultiDict
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from api import label_printing as printing
from api import pages_asking, pages_inventory
from api.forms import Invalid
from api.label_printing import LABELS_MAX, NO_LABEL, Printable, Setup
from api.labels_words import SAID, SAMPLE
from api.office import Office
from api.pages_sign import Member, Typed
from api.pages_steps import Step, blocked, concerned, occasion, possible
from api.pages_timeline import lines, toast
from api.pages_trouble import PageRoute
from api.pages_view import Page
from api.rest_answers import names_in
from domain.asset import Asset
from domain.decider import LIFECYCLES, Refused
from domain.label_design import FIELDS, Overflow, TemplateDrawn, printable
from domain.label_design import lifecycle as unit_labels
from domain.words import Words, in_language
from labels import face, identity, sheet
from labels.printer import Printer
from labels.template import DPIS, PRESETS, Template
from ledger.act import Conflict
from ledger.book import new_id
from projections import cases
from projections.scope import cursor

PROBLEMS_SHOWN = 20
CHECKED_FIRST = 500
SPAN = re.compile(r"([1-9][0-9]{0,11})-([1-9][0-9]{0,11})")
DESIGN = tuple(field.name for field in msgspec.structs.fields(TemplateDrawn))


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/labels")
    def ask(page: Member) -> Response:
        return print_page(page, page.request.query_params)

    @pages.post("/labels")
    def record(page: Member, form: Typed) -> Response:
        return recorded(page, {k: v for k, v in form.items() if isinstance(v, str)})

    @pages.get("/labels/preview.png")
    def preview(page: Member) -> Response:
        return preview_png(page)

    @pages.get("/labels/printed/{span}")
    def printed(span: str, page: Member) -> Response:
        start, count = spanned(span)
        how = setup_of(page, page.request.query_params)
        done = printing.printed(office, start, count)
        if not done or not all(office.sight.sees(page.actor, f"asset/{id_}") for id_, _ in done):
            raise HTTPException(404)
        return page.render(
            "labels_printed.html",
            s=said(page),
            how=how,
            count=len(done),
            pages=sheet.pages(len(done), how.template, how.first),
            file=f"/labels/printed/{span}/file?{urlencode(how.query)}",
        )

    @pages.get("/labels/printed/{span}/file")
    def printed_file(span: str, page: Member) -> Response:
        start, count = spanned(span)
        name_of, found = names_in(office, page.lang), list[Printable]()
        template = setup_of(page, page.request.query_params).template
        for id_, event in printing.printed(office, start, count):
            if not office.sight.sees(page.actor, f"asset/{id_}"):
                raise HTTPException(404)
            asset = office.book.stream(f"asset/{id_}").state
            found.append(
                printing.of_asset(office, id_, asset, event.issue, name_of, page.lang, template)
            )
        return answer(page, found, f"labels-{span}")

    @pages.get("/labels/units/{unit}")
    def settings(unit: str, page: Member) -> Response:
        return unit_page(page, unit)

    @pages.post("/labels/units/{unit}/do/{verb}")
    def settings_do(unit: str, verb: str, page: Member, form: Typed) -> Response:
        own(page, unit)

        if verb == "draw_template":
            form = with_fields(form)

        def draw(step: Step, wrong: str, status: int) -> Response:
            return unit_page(page, unit, faulty=step, wrong=wrong, status=status)

        return pages_asking.do(page, f"labels/{unit}", verb, form, f"/labels/units/{unit}", draw)

    @pages.get("/labels/units/{unit}/blank/{span}")
    def blank(unit: str, span: str, page: Member) -> Response:
        return blank_file(page, unit, span)

    @pages.get("/labels/units/{unit}/blank")
    def blank_asked(unit: str, page: Member) -> Response:
        return blank_file(page, unit, page.request.query_params.get("span", ""))

    return pages


def blank_file(page: Page, unit: str, span: str) -> Response:
    """Answer with the file of blank labels that were printed, those voided since left out."""
    own(page, unit)
    office = page.office
    first, last = spanned(span)
    state = office.book.stream(f"labels/{unit}").state
    if not first <= last <= state.stock or last - first >= LABELS_MAX:
        raise HTTPException(404)
    name = page.name_of("unit", unit)
    template = setup_of(page, page.request.query_params).template
    serials = (n for n in range(first, last + 1) if n not in state.stock_voided)
    found = [printing.of_stock(office, unit, name, n, page.lang, template) for n in serials]
    return answer(page, found, f"blank-{span}")


# Printing -------------------------------------------------------------------------


def print_page(
    page: Page, asked: Mapping[str, str], *, wrong: str = "", status: int = 200, reason: str = ""
) -> Response:
    """Draw the page on which labels are printed for what was chosen."""
    ids = chosen(page)
    how = setup_of(page, asked)
    found = states(page, ids[:LABELS_MAX])
    leave_out = leaves_out(page)
    # The first of many say enough before somebody decides; what is left out is known exactly.
    fit, wrongs = sorted_out(page, found if leave_out else found[:CHECKED_FIRST], how.template)
    if leave_out and fit:
        found = fit
    leave_out = leave_out and bool(fit)
    query = page.request.query_params.multi_items()
    kept = [(k, v) for k, v in query if v and k not in {*how.query, "after", "lang"}]
    first = found[0][0] if found else ""
    shown = not wrongs or wrongs[0][0] != first  # else there is nothing to draw, and it says why
    return page.render(
        "labels.html",
        status,
        s=said(page),
        how=how,
        templates=list(templates_of(page).values()),
        printers=list(Printer),
        dpis=DPIS,
        kept=kept,
        wrong=wrong,
        reason=reason,
        count=len(found) if leave_out else len(ids),
        too_many=page.words(printing.TOO_MANY).format(most=LABELS_MAX)
        if len(ids) > LABELS_MAX
        else "",
        again=sum(bool(asset.labels_printed) for _, asset in found),
        problems=wrongs[:PROBLEMS_SHOWN],
        more=len(wrongs) - PROBLEMS_SHOWN,
        leave_out=leave_out,
        others=bool(fit),
        pages=sheet.pages(len(found), how.template, how.first),
        sheet=sheet_of(how, len(found)),
        preview="/labels/preview.png?" + urlencode({**how.query, "asset": first}) if shown else "",
        unit=page.actor.unit,
        may=may_print(page),
        key=new_id("web"),
        name=lambda template: in_language(template.zh, template.en, page.lang),
    )


def recorded(page: Page, form: dict[str, str]) -> Response:
    """Record the print, then show where the file is; nothing is recorded that cannot be printed."""
    ids, how = chosen(page), setup_of(page, form)
    reason = form.get("reason", "").strip()

    def back(why: str, status: int) -> Response:
        return print_page(page, form, wrong=why, status=status, reason=reason)

    if not ids or len(ids) > LABELS_MAX:
        return back("", 422)
    fit, wrongs = sorted_out(page, states(page, ids), how.template)
    if not fit or (wrongs and not leaves_out(page)):
        return back(page.words(SAID["nothing-printed"]), 422)
    asked = {"template": how.template.name, "reason": reason}
    requests = [(f"asset/{id_}", "print_label", asked) for id_, _ in fit]
    try:
        receipt = page.office.ask_many(
            requests, page.actor, key=form.get("key") or None, **page.how
        )
    except Refused as refused:
        return back(refused.sentence(page.lang), 409)
    except Conflict:
        return back(page.t("conflict"), 409)
    span = f"{receipt.first}-{receipt.count}"
    return page.go(f"/labels/printed/{span}?{urlencode(how.query)}")


def chosen(page: Page) -> list[str]:
    """Return the assets asked for: named ones, those of a case, or all that the questions match."""
    asked = page.request.query_params
    if named := [id_ for id_ in asked.getlist("asset") if id_]:
        return list(dict.fromkeys(named))[: LABELS_MAX + 1]
    if case := asked.get("case", ""):
        if case.partition("/")[0] not in cases.KINDS:
            raise HTTPException(404)
        stream = page.office.book.stream(case)
        if not stream.entries:
            raise HTTPException(404)
        return list(dict.fromkeys(concerned(stream.state).get("asset", [])))[: LABELS_MAX + 1]
    return list(matching(page))


def matching(page: Page) -> Iterator[str]:
    """Yield the assets that the questions of the inventory match, one more than may be printed."""
    found, wrong = pages_inventory.asked_of(page)
    if wrong:
        raise Invalid(wrong)
    now = pages_inventory.Asked(filters=found.filters)
    after: str | None = None
    left = LABELS_MAX + 1
    while left > 0:
        limit = min(left, pages_inventory.EXPORT_PAGE_ROWS)
        rows = page.office.models.rows(pages_inventory.query(page, now, after, limit))
        yield from (row["id"] for row in rows)
        left -= len(rows)
        if len(rows) < limit:
            return
        after = cursor(rows[-1], now.filters)


def states(page: Page, ids: list[str]) -> list[tuple[str, Asset]]:
    """Return the assets as they are now; unknown ones are no asset at all."""
    found = []
    for id_ in ids:
        stream = page.office.book.stream(f"asset/{id_}")
        if not stream.entries:
            raise HTTPException(404)
        found.append((id_, stream.state))
    return found


def leaves_out(page: Page) -> bool:
    """Tell whether what cannot be printed is left out, or keeps all the others back."""
    return page.request.query_params.get("left_out", "") == "1"


def sorted_out(
    page: Page, found: list[tuple[str, Asset]], template: Template
) -> tuple[list[tuple[str, Asset]], list[tuple[str, str, str]]]:
    """Return what can be printed, and of the rest id, number, and the reason."""
    fit, wrong = list[tuple[str, Asset]](), list[tuple[str, str, str]]()
    name_of, verb = names_in(page.office, page.lang), LIFECYCLES["asset"].verbs["print_label"]
    who = occasion(page, "")
    for id_, asset in found:
        rule = verb.refusal(asset, who)
        why = Words(rule.zh, rule.en) if rule else None
        try:
            if why is None:
                issue = asset.label_issue + 1
                label = printing.of_asset(
                    page.office, id_, asset, issue, name_of, page.lang, template
                )
                why = printing.problem(label, template)
        except NO_LABEL as refused:
            why = Words(refused.zh, refused.en)
        if why is None:
            fit.append((id_, asset))
        else:
            wrong.append((id_, asset.asset_no or id_, page.words(why)))
    return fit, wrong


def templates_of(page: Page) -> dict[str, Template]:
    """Return the templates of the unit in whose name the reader acts."""
    return printing.templates(page.office, page.actor.unit, page.office.today(page.actor.zone))


def setup_of(page: Page, asked: Mapping[str, str]) -> Setup:
    """Read template, printer, resolution and first place from what was asked."""
    names = ("template", "printer", "dpi", "first")
    return printing.setup(templates_of(page), {name: asked.get(name, "") for name in names})


def may_print(page: Page) -> bool:
    """Tell whether the reader's role prints labels."""
    return page.actor.role in LIFECYCLES["asset"].verbs["print_label"].roles


def sheet_of(how: Setup, count: int) -> list[tuple[int, str]]:
    """Return the places of the first sheet: used before, to be printed, left free."""
    grid = how.template.grid
    if grid is None:
        return []
    last = how.first + count
    return [
        (n, "used" if n < how.first else "print" if n < last else "free")
        for n in range(1, grid.places + 1)
    ]


def answer(page: Page, found: list[Printable], name: str) -> Response:
    """Answer with the file for the printer that was asked for."""
    how = setup_of(page, page.request.query_params)
    if not found:
        raise HTTPException(404)
    for label in found:
        if why := printing.problem(label, how.template):
            reason = f"{label.name}: {page.words(why)}"
            title = page.words(SAID["nothing-printed"])
            return page.render("message.html", 422, title=title, text=reason)
    parts, media, ending = printing.file(found, how)
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="{name}.{ending}"',
    }
    return StreamingResponse(parts, headers=headers, media_type=media)


def spanned(span: str) -> tuple[int, int]:
    """Read two numbers of an address."""
    match = SPAN.fullmatch(span)
    if match is None:
        raise HTTPException(404)
    return int(match[1]), int(match[2])


# Preview --------------------------------------------------------------------------


def preview_png(page: Page) -> Response:
    """Draw one label at 300 dpi: of an asset, or an example; on a template or one being drawn up."""
    asked = page.request.query_params
    template = setup_of(page, asked).template
    try:
        if asked.get("width"):
            template = printing.template_of(designed(asked))
        if id_ := asked.get("asset", ""):
            asset = states(page, [id_])[0][1]
            issue, name_of = asset.label_issue + 1, names_in(page.office, page.lang)
            label = printing.of_asset(page.office, id_, asset, issue, name_of, page.lang, template)
        else:
            label = sample(page, template)
        png = face.png(label.face, label.code, template)
    except (*NO_LABEL, Refused, msgspec.ValidationError):
        raise HTTPException(422) from None
    return Response(png, media_type="image/png", headers={"Cache-Control": "no-store"})


def designed(asked: Mapping[str, str]) -> TemplateDrawn:
    """Return the template that is being drawn up, as far as it could be printed."""
    typed: dict[str, Any] = {name: asked[name] for name in DESIGN if asked.get(name)}
    typed = {"template": "x", "title": "x", "since": "2000-01-01", **typed}
    drawn = msgspec.convert(typed, TemplateDrawn, strict=False)
    printable(drawn)
    return drawn


def sample(page: Page, template: Template) -> Printable:
    """Return an example with a name too long, so that the overflow rule is seen."""
    words = {name: page.words(value) for name, value in SAMPLE.items()}
    said_ = face.LabelFace(**words, example=True, language=page.lang)
    payload = identity.LabelPayload(identity.Kind.OBJECT, "7Q2K", 1)
    return Printable("sample", said_, printing.rest_label.code(page.office, payload, template))


# A unit's own ---------------------------------------------------------------------


def own(page: Page, unit: str) -> None:
    """Let only those who act for a unit change its labels."""
    if unit != page.actor.unit:
        raise HTTPException(404)


def unit_page(
    page: Page, unit: str, *, faulty: Step | None = None, wrong: str = "", status: int = 200
) -> Response:
    """Draw the templates of a unit with a preview, its blank labels, its rule for asset numbers."""
    own(page, unit)
    stream = page.office.book.stream(f"labels/{unit}")
    state, today = stream.state, page.office.today(page.actor.zone)
    editing = faulty if faulty is not None and faulty.verb.name == "draw_template" else None
    given = with_fields(page.request.query_params) if editing is None else editing.typed or {}
    typed = {k: v for k, v in given.items() if isinstance(v, str)}
    form = {**start_of(page, typed.get("base", "")), **{k: v for k, v in typed.items() if v}}
    steps = [s for s in possible(page, stream, faulty) if s.verb.name != "draw_template"]
    done = page.request.query_params.get("done", "")
    return page.render(
        "labels_unit.html",
        status,
        s=said(page),
        unit=unit,
        stream=stream,
        state=state,
        wrong=wrong,
        refusal=editing.refusal if editing else "",
        faults={k: page.words(v) for k, v in editing.faults.items()} if editing else {},
        form={name: str(form.get(name, "")) for name in DESIGN},
        may="draw_template" in {v.name for v in allowed(page, stream)},
        overflows=[(o.value, page.words(o.words)) for o in Overflow],
        fields=[(name, page.words(field.words)) for name, field in FIELDS.items()],
        own=state.templates(today),
        how=setup_of(page, {"template": "a4-70x37"}),
        templates=list(templates_of(page).values()),
        printers=list(Printer),
        dpis=DPIS,
        presets=[one for one in templates_of(page).values() if one.name in PRESETS],
        name=lambda template: in_language(template.zh, template.en, page.lang),
        preview="/labels/preview.png?" + urlencode({n: str(form.get(n, "")) for n in DESIGN}),
        problem=problem_of(page, form),
        blanks=blanks(stream),
        rule=state.rule(today),
        today_year=today.year,
        terms={name: page.words(Words.of(name)) for name in DESIGN},
        steps=steps,
        blocked=[(v, why) for v, why in blocked(page, stream) if v.name != "draw_template"],
        timeline=lines(page, stream),
        toast=toast(page, stream, done) if done else None,
        key=new_id("web"),
    )


def allowed(page: Page, stream: Any) -> tuple[Any, ...]:
    """Return the verbs the reader's role allows."""
    return unit_labels.allowed(stream.state, occasion(page, stream.name))


def with_fields(form: ImmutableMultiDict[str, Any]) -> FormData:
    """Put the fields that were chosen one by one into the one text they are."""
    chosen_ = [v for v in form.getlist("fields") if isinstance(v, str) and v.strip()]
    others = [(k, v) for k, v in form.multi_items() if k != "fields"]
    return FormData([*others, *([("fields", " ".join(chosen_))] if chosen_ else [])])


def start_of(page: Page, base: str) -> dict[str, str]:
    """Return what the editor starts with: a template of the unit, a preset, or the first preset."""
    template = templates_of(page).get(base) or next(iter(PRESETS.values()))
    grid = template.grid
    mine = template.name not in PRESETS
    return {
        "template": template.name if mine else "",
        "title": template.zh if mine else "",
        "since": page.office.today(page.actor.zone).isoformat(),
        "width": f"{template.width_mm:g}",
        "height": f"{template.height_mm:g}",
        "code_side": f"{template.code_mm:g}",
        "fields": " ".join(field.value for field in template.fields),
        "overflow": template.overflow.value,
        "columns": str(grid.columns if grid else 1),
        "rows": str(grid.rows if grid else 1),
        "margin_left": f"{grid.left_mm if grid else 0:g}",
        "margin_top": f"{grid.top_mm if grid else 0:g}",
        "gap_across": f"{grid.gap_across_mm if grid else 0:g}",
        "gap_down": f"{grid.gap_down_mm if grid else 0:g}",
        "code_signed": str(template.signed).lower(),
    }


def problem_of(page: Page, form: Mapping[str, str]) -> str:
    """Say why the template being drawn up could not be printed; nothing when it could."""
    try:
        drawn = designed(form)
        template = printing.template_of(drawn)
        why = printing.problem(sample(page, template), template)
    except Refused as refused:
        return refused.sentence(page.lang)
    except msgspec.ValidationError:
        return page.t("form-wrong")
    except NO_LABEL as refused:
        why = Words(refused.zh, refused.en)
    return page.words(why) if why else ""


def blanks(stream: Any) -> list[tuple[int, int]]:
    """Return the printings of blank labels, the latest first."""
    found = [
        (entry.event.first, entry.event.last)
        for entry in stream.entries
        if entry.event.type_name == "labels.stock_printed"
    ]
    return found[::-1][:50]


def said(page: Page) -> dict[str, str]:
    """Return the sentences of these pages in the reader's language."""
    return {key: page.words(words) for key, words in SAID.items()}
