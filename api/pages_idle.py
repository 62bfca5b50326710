"""What shows as idle, as a page: the reason, the entries, and one tap to confirm or explain it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from fastapi import APIRouter
from starlette.datastructures import FormData
from starlette.responses import Response

from api import idling, pages_export, pages_past, tables, tables_here
from api.forms import Invalid
from api.office import Office
from api.pages_inventory import TEXT_CHARS_MAX, is_day
from api.pages_past import Looking
from api.pages_sign import Member, Typed, text
from api.pages_trouble import Forbidden, PageRoute
from api.pages_view import Page
from api.pages_words import CHOICES
from api.tables import Column, List, declared
from api.tables_here import Taken
from domain.decider import Refused
from domain.idleness import Finding, IdleGround
from domain.idling import GROUNDS
from domain.words import Role, Words
from ledger.act import Conflict
from ledger.book import new_id
from projections.idling import Asked, Told

PATH: Final = "/idle"
ROWS: Final = 100
DECIDERS: Final = (Role.CLERK, Role.OFFICE)
REASON_CHARS_MAX: Final = 2000
SAID: Final = {
    "title": Words("闲置线索", "What shows as idle"),
    "about": Words(
        "由账本逐条查出：长期未用、低效运行、超标准配置、活动或临时机构归还、单位撤销。请确认，或者说明理由。",
        "Found in the log: long unused, under-used, over the standard, back from an event or a"
        " temporary body, left by a unit that ended. Confirm each, or say why it is kept.",
    ),
    "ground": Words("事由", "Ground"),
    "unit": Words("单位", "Unit"),
    "kind": Words("类别", "Kind"),
    "asset": Words("资产", "Asset"),
    "why": Words("理由", "Reason"),
    "entries": Words("依据条目", "entries"),
    "to_do": Words("怎么办", "What to do"),
    "answer": Words("处理", "Answer"),
    "confirm": Words("确认闲置", "Confirm"),
    "confirm_many": Words("确认所选", "Confirm what is ticked"),
    "explain": Words("说明所选", "Explain what is ticked"),
    "why_kept": Words("保留的理由", "Why it is kept"),
    "until": Words("不再提示至", "Not asked again until"),
    "all": Words("本页全选", "all on this page"),
    "all_of": Words("共 {n} 件", "{n} in all"),
    "part": Words(
        "资产较多，逐个单位查找：本页查了 {units} 个单位（{names}等），查出 {n} 件；可选择一个单位看全部",
        "There is much property, so units are looked through one after another: {n} in the {units} of"
        " this page ({names} …); choose a unit to see all of it",
    ),
    "part_none": Words("这些单位没有查出闲置线索，请看下一页。", "Nothing in these units; go on."),
    "done": Words("已办理 {n} 件。", "{n} were answered."),
    "none": Words("没有查出闲置线索。", "Nothing shows as idle."),
    "nothing_ticked": Words("请先勾选。", "Tick something first."),
    "no_reason": Words(
        "请写明保留的理由和不再提示的期限。", "Say why it is kept and until when not to ask again."
    ),
    "too_many": Words("一次最多办理 {n} 件。", "{n} at once, not more."),
    "gone": Words(
        "所选线索已有变化，请重新核对。", "What was ticked shows no longer; look at it again."
    ),
    "not_looked": Words(
        "{policy} 没有规定标准，不查：{grounds}",
        "{policy} sets no number; not looked for: {grounds}",
    ),
    "no_posts": Words(
        "岗位数没有登记，不能按岗位核算的配置标准：{what}",
        "the number of posts is not recorded, so these standards could not be asked: {what}",
    ),
    "past_only": Words(
        "这是过去的情况；回到今天才能办理。", "This is the past; come back to today to answer."
    ),
    "rules": Words("查找口径", "How it was looked for"),
    "name": Words("名称", "Name"),
    "since": Words("自", "Since"),
    "value": Words("价值", "Value"),
    "currency": Words("币种", "Currency"),
    "count": Words("件数", "Items"),
    "rests_on": Words("依据条目", "Entries"),
    "policy": Words("规则版本", "Rules"),
    "law": Words("依据", "By"),
}
LIST: Final = declared(
    List(
        path=PATH,
        title=SAID["title"],
        columns=tuple(
            Column(
                name=name,
                words=SAID["why" if name == "reason" else name],
                num=name in ("value", "count"),
                sorts=name not in ("to_do", "rests_on"),
                apart=name not in ("asset", "ground", "reason", "to_do"),
            )
            for name in (
                "asset", "ground", "reason", "to_do", "kind", "unit", "since", "count", "value",
                "currency", "rests_on", "policy", "law",
            )
        ),
    )
)  # fmt: skip


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get(PATH)
    def listing(page: Member) -> Response:
        return drawn(page)

    @pages.post(PATH)
    def answer(page: Member, form: Typed) -> Response:
        return answered(page, form)

    tables_here.files(pages, LIST, taken, rows_of)
    return pages


def asked_of(page: Page, look: Looking) -> Asked:
    """Read the questions in the address."""
    given = {k: v.strip()[:TEXT_CHARS_MAX] for k, v in page.request.query_params.items()}
    kind, ground = given.get("kind", ""), given.get("ground", "")
    return Asked(
        on=date.fromisoformat(look.day),
        known=look.position,
        past=look.past,
        unit=given.get("unit", ""),
        kind=kind if kind in CHOICES["kind"] else "",
        ground=ground if ground in GROUNDS else "",
    )


def told(page: Page, asked: Asked) -> Told:
    return page.office.idling.told(page.actor.scope, asked)


def rows_of(page: Page) -> Any:
    """Return everything that was found as rows to take home."""
    look = pages_past.good(page)
    found = told(page, asked_of(page, look)).found
    return idling.table(found, page.lang, pages_past.names(page, look))


def cell(told: dict[str, Any], name: str) -> Any:
    """Return what stands in a cell: words for codes, names for ids, an amount as one."""
    found: Finding = told["found"]
    match name:
        case "asset":
            return f"{found.asset_no or found.asset} {found.name}"
        case "since":
            return found.since.isoformat()
        case "count":
            return found.count
        case "value":
            return "" if found.value is None else pages_export.Amount(found.value)
        case "currency" | "policy":
            return getattr(found, name)
        case "rests_on":
            return " ".join(map(str, found.rests_on))
        case _:
            return told[name]


def taken(page: Page) -> Taken:
    """Return everything that was found as it is shown, to take home."""
    look = pages_past.good(page)
    shown, name_of = tables.shown(page, LIST), pages_past.names(page, look)
    rows = [row(page, one, name_of) for one in told(page, asked_of(page, look)).found]
    return shown, tables_here.ordered(shown, rows, cell), cell


def drawn(
    page: Page,
    *,
    wrong: str = "",
    status: int = 200,
    ticked: frozenset[str] = frozenset(),
    typed: FormData | None = None,
) -> Response:
    """Draw the list, a page at a time, with the form that answers what is ticked."""
    look = pages_past.looking(page)
    asked = asked_of(page, look)
    after = page.request.query_params.get("after", "")
    sorts = page.request.query_params.get("sort", "") in LIST.by_name
    # Sorted, it goes on after a row of that order; the cursor of the search is another.
    paged = page.office.idling.page(page.actor.scope, asked, "" if sorts else after, ROWS)
    found, whole, more = paged.found, paged.whole, paged.more
    shown = tables.shown(page, LIST, sorts=whole is not None)
    name_of = pages_past.names(page, look)
    rows: Sequence[dict[str, Any]]
    if whole is not None and shown.sort:
        all_ = [row(page, one, name_of) for one in whole.found]
        rows, more = tables_here.part(
            page, tables_here.ordered(shown, all_, cell), lambda one: str(one["key"]), ROWS
        )
    else:
        rows = [row(page, one, name_of) for one in found]
    done = page.request.query_params.get("done", "")
    return page.render(
        "idle.html",
        422 if look.wrong and status == 200 else status,
        look=look,
        asked=asked,
        said={name: page.words(words) for name, words in SAID.items()},
        chips=chips(page, look, asked),
        shown=shown,
        cell=cell,
        rows=rows,
        more=more,
        count=len(whole.found) if whole else None,
        looked=", ".join(name_of("unit", unit) for unit in paged.looked[:3]),
        units=len(paged.looked),
        grounds=[
            (g, page.words(g.words), n) for g, n in idling.by_ground(whole.found if whole else found)
        ],
        choices=choices(page),
        notes=notes(page, paged.part, name_of),
        may=page.may(*DECIDERS) and not look.past,
        may_later=page.may(*DECIDERS) and look.past,
        wrong=wrong,
        ticked=ticked,
        typed={name: text(typed, name, REASON_CHARS_MAX) if typed else "" for name in ("reason", "until")},
        key=new_id("web"),
        done=done if done.isdecimal() and len(done) < 5 else "",
    )  # fmt: skip


def row(page: Page, found: Finding, name_of: Any) -> dict[str, Any]:
    """Return one finding as the template draws it."""
    return {
        "key": idling.key(found),
        "asset_no": f"{found.asset_no} {found.name}",
        "found": found,
        "ground": page.words(found.ground.words),
        "unit": name_of("unit", found.unit),
        "kind": page.said("kind", found.kind),
        "reason": idling.reason(found, page.lang, name_of),
        "law": idling.law(found, page.lang),
        "to_do": page.words(idling.what_to_do(found)),
    }


def choices(page: Page) -> dict[str, list[tuple[str, str]]]:
    """Return what the filters offer."""
    return {
        "unit": page.unit_choices(ended=True),
        "ground": [(g.value, page.words(g.words)) for g in GROUNDS],
        "kind": [(value, page.words(words)) for value, words in CHOICES["kind"].items()],
    }


def chips(page: Page, look: Looking, asked: Asked) -> list[tuple[str, str]]:
    """Return each question in words, with the address that no longer asks it."""
    ground = page.words(IdleGround(asked.ground).words) if asked.ground else ""
    said = {
        "unit": page.name_of("unit", asked.unit) if asked.unit else "",
        "ground": ground,
        "kind": page.words(CHOICES["kind"][asked.kind]) if asked.kind else "",
    }
    mine = [
        (
            f"{page.words(SAID[name])}: {words}",
            page.url(**{name: None, "after": None, "done": None}),
        )
        for name, words in said.items()
        if words
    ]
    return [*mine, *pages_past.chips(page, look)]


def notes(page: Page, found: Told, name_of: Any) -> list[str]:
    """Say what was not looked for, and why."""
    said = [
        page.words(SAID["not_looked"]).format(policy=policy.reference, grounds=", ".join(missing))
        for policy in found.policies
        if (missing := idling.not_looked(policy, page.lang))
    ]
    by_standard: dict[str, list[str]] = {}
    for unit, standard in found.uncapped:
        by_standard.setdefault(standard, []).append(name_of("unit", unit))
    what = "; ".join(f"{title} ({', '.join(units)})" for title, units in by_standard.items())
    return [*said, *([page.words(SAID["no_posts"]).format(what=what)] if what else [])]


# Answering ---------------------------------------------------------------------


def answered(page: Page, form: FormData) -> Response:
    """Confirm or explain what was ticked, all of it or nothing."""
    one = text(form, "one")
    ticked = frozenset([one] if one else [str(v) for v in form.getlist("finding")])

    def again(words: str, status: int) -> Response:
        return drawn(page, wrong=words, status=status, ticked=ticked, typed=form)

    if not page.may(*DECIDERS):
        raise Forbidden
    if not ticked:
        return again(page.words(SAID["nothing_ticked"]), 422)
    if len(ticked) > idling.AT_ONCE_MAX:
        return again(page.words(SAID["too_many"]).format(n=idling.AT_ONCE_MAX), 422)
    today = page.office.today(page.actor.zone)
    assets = frozenset(one.partition("~")[0] for one in ticked)
    there = {idling.key(f): f for f in told(page, Asked(on=today, assets=assets)).found}
    if not ticked <= there.keys():
        return again(page.words(SAID["gone"]), 409)
    found = [one for key, one in there.items() if key in ticked]
    try:
        requests = asks(page, form, found, confirm=bool(one) or "confirm" in form)
        page.office.ask_many(requests, page.actor, key=text(form, "key") or None, **page.how)
    except Invalid:
        return again(page.words(SAID["no_reason"]), 422)
    except Refused as refused:
        return again(refused.sentence(page.lang), 409)
    except Conflict:
        return again(page.t("conflict"), 409)
    return page.go(page.url(done=str(len(found)), after=None))


def asks(
    page: Page, form: FormData, found: Sequence[Finding], *, confirm: bool
) -> list[idling.Request]:
    """Return what is asked of each thing; raise Invalid when an explanation says too little."""
    if confirm:
        first: dict[str, Finding] = {}  # a thing is declared once, by the first of its grounds
        for one in found:
            first.setdefault(one.asset, one)
        return [
            idling.request(f, "declare_idle", evidence=idling.reason(f, "zh", page.name_of))
            for f in first.values()
        ]
    why, until = text(form, "reason", REASON_CHARS_MAX), text(form, "until")
    if not why or not is_day(until):
        raise Invalid([])
    return [idling.request(f, "explain_idleness", reason=why, until=until) for f in found]
