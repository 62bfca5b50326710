"""Log-ins, sessions and tokens of everybody, and the log of what administrators did with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from fastapi import APIRouter
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api import administering
from api.account_words import WORDS
from api.administering import Unfit, Unknown
from api.office import Office
from api.opening_log_ins import checked
from api.pages_account import told_sitting, told_token, when
from api.pages_inventory import PAGE_ROWS, is_day
from api.pages_sign import Member, Typed, text
from api.pages_telling import tell
from api.pages_trouble import Forbidden, PageRoute
from api.pages_view import Page
from domain.access import AccessEvent, may_security, may_system
from domain.decider import Occasion, Refused
from domain.words import Role, Words
from projections import administration

KEEPERS: Final = (Role.ADMIN, Role.SECURITY)
WATCHERS: Final = (Role.ADMIN, Role.SECURITY, Role.AUDIT_ADMIN, Role.AUDITOR)
ACTS: Final = tuple(fact.type_name for fact in AccessEvent.__args__)
REASON_CHARS_MAX = 2000
NAMES: Final = ("person", "act", "from", "to")


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/accounts")
    def listing(page: Member) -> Response:
        return show(page)

    @pages.post("/accounts")
    def opened(page: Member, form: Typed) -> Response:
        return open_one(page, form)

    @pages.get("/accounts/{login}")
    def one(login: str, page: Member) -> Response:
        return show_one(page, login)

    @pages.post("/accounts/{login}/{act}")
    def acted(login: str, act: str, page: Member, form: Typed) -> Response:
        return do(page, login, act, form)

    @pages.post("/accounts/{login}/tokens/{id_}/revoke")
    def revoked(login: str, id_: str, page: Member, form: Typed) -> Response:
        return revoke(page, login, id_)

    @pages.get("/administration")
    def log(page: Member) -> Response:
        return show_log(page)

    return pages


def keeping(page: Page) -> Occasion:
    """Return the occasion of who keeps log-ins or tokens; raise Forbidden."""
    if not page.may(*KEEPERS):
        raise Forbidden
    return page.office.occasion(page.actor)


def said(page: Page) -> dict[str, str]:
    """Return our words in the reader's language."""
    return {name: page.words(words) for name, words in WORDS.items()}


def show(
    page: Page,
    status: int = 200,
    wrong: str = "",
    typed: FormData | None = None,
    told: tuple[str, str] | None = None,
) -> Response:
    """Draw the list of log-ins; `told` is a log-in and its one-time password, shown this once."""
    occasion = keeping(page) if not page.may(Role.AUDIT_ADMIN) else None
    sought = page.request.query_params.get("text", "").strip()[:80].casefold()
    rows = [told_standing(page, row) for row in administering.standings(page.office)]
    shown = [r for r in rows if sought in " ".join(str(v) for v in r.values()).casefold()]
    return page.render(
        "accounts.html",
        status,
        w=said(page),
        rows=shown,
        text=sought,
        wrong=wrong,
        told=told,
        may_open=occasion is not None and may_system(occasion),
        units=page.unit_choices(),
        typed={k: v for k, v in typed.items() if isinstance(v, str)} if typed else {},
        rules=page.office.occasion(page.actor).policy,
    )


def told_standing(page: Page, row: administering.Standing) -> dict[str, Any]:
    """Return a log-in as the template draws it."""
    return {
        "login": row.login,
        "person_id": row.person,
        "person": page.name_of("person", row.person),
        "unit": page.name_of("unit", row.unit),
        "roles": page.words(tuple(Words.of(role) for role in row.roles)),
        "closed": row.closed,
        "one_time": row.one_time,
        "factor": when(page, row.second_factor),
        "sessions": row.sessions,
        "tokens": row.tokens,
    }


def open_one(page: Page, form: FormData) -> Response:
    """Open a log-in, and show its one-time password once."""
    keeping(page)
    names = ("login", "person", "name", "name_en", "unit")
    login, person, name, name_en, unit = (text(form, n) for n in names)
    try:
        checked(page.office, login, person, name, unit)
        password = administering.open_log_in(
            page.office,
            page.actor,
            page.how,
            login=login,
            person=person,
            name=name,
            name_en=name_en,
            unit=unit,
        )
    except Unfit as why:
        return show(page, 422, page.words(why.words), form)
    except Refused as refused:
        return show(page, 409, refused.sentence(page.lang), form)
    return show(page, told=(login.casefold(), password))


def show_one(
    page: Page, login: str, status: int = 200, wrong: str = "", done: str = "", password: str = ""
) -> Response:
    """Draw one log-in with its sessions, tokens and acts."""
    occasion = keeping(page)
    office = page.office
    row = next((r for r in administering.standings(office) if r.login == login), None)
    if row is None:
        raise HTTPException(404)
    acts = office.rows(administration.listing({"person": row.person}, limit=20))
    return page.render(
        "account_admin.html",
        status,
        w=said(page),
        a=told_standing(page, row),
        wrong=wrong,
        done=done,
        password=password,
        own=row.person == page.actor.person,
        system=may_system(occasion),
        security=may_security(occasion),
        sittings=[told_sitting(page, s) for s in office.accounts.sittings(login)],
        tokens=[told_token(page, t) for t in office.accounts.tokens.of(login)],
        acts=[told_act(page, act["id"]) for act in acts],
    )


Act = Callable[..., Any]
DOING: Final[dict[str, tuple[Act, str]]] = {
    "close": (administering.close, "closed-done"),
    "reopen": (administering.reopen, "reopened-done"),
    "reset-password": (administering.reset_password, "reset-done"),
    "reset-factor": (administering.reset_factor, "factor-reset-done"),
    "end-sessions": (administering.end_sessions, "sessions-ended"),
}


def do(page: Page, login: str, act: str, form: FormData) -> Response:
    """Do one act on a log-in; the reason is recorded with it."""
    keeping(page)
    if act not in DOING:
        raise HTTPException(404)
    function, done = DOING[act]
    reason = text(form, "reason", REASON_CHARS_MAX)
    if not reason:
        return show_one(page, login, 422, page.words(WORDS["reason-wanted"]))
    try:
        answer = function(page.office, page.actor, page.how, login, reason)
    except Unknown:
        raise HTTPException(404) from None
    except Unfit as why:
        return show_one(page, login, 409, page.words(why.words))
    except Refused as refused:
        return show_one(page, login, 409, refused.sentence(page.lang))
    password = answer if isinstance(answer, str) else ""
    return show_one(page, login, done=page.words(WORDS[done]), password=password)


def revoke(page: Page, login: str, id_: str) -> Response:
    """End a token of somebody."""
    keeping(page)
    token = next((t for t in page.office.accounts.tokens.of(login) if t.id == id_), None)
    if token is None:
        raise HTTPException(404)
    if token.revoked_at:
        return show_one(page, login)
    why = page.words(WORDS["by-administrator"])
    try:
        administering.revoke(page.office, page.actor, page.how, token, why)
    except Refused as refused:
        return show_one(page, login, 409, refused.sentence(page.lang))
    return show_one(page, login, done=page.words(WORDS["token-revoked"]))


# What was done --------------------------------------------------------------------


def told_act(page: Page, id_: str) -> dict[str, Any]:
    """Return one act as the template draws it."""
    entry = page.office.book.stream(f"access/{id_}").entries[0]
    return {
        "time": page.local(entry.effective_at)[:16],
        "said": tell(entry.event, page.lang, page.name_of),
        "actor": page.name_of("person", entry.actor),
        "role": page.words(Words.of(entry.beside.via.role)) if entry.beside.via.role else "",
        "position": entry.position,
    }


def show_log(page: Page) -> Response:
    """Draw the log of administration; audit administrators and auditors read it, too."""
    if not page.may(*WATCHERS):
        raise Forbidden
    given = page.request.query_params
    asked = {name: given.get(name, "").strip()[:80] for name in NAMES}
    asked |= {n: "" for n in ("from", "to") if not is_day(asked[n])}
    after = given.get("after", "")[:80]
    rows = page.office.rows(administration.listing(asked, after=after or None, limit=PAGE_ROWS + 1))
    return page.render(
        "administration.html",
        w=said(page),
        asked=asked,
        rows=[told_act(page, row["id"]) for row in rows[:PAGE_ROWS]],
        more=rows[PAGE_ROWS - 1]["id"] if len(rows) > PAGE_ROWS else "",
        acts=[(act, page.words(WORDS[act])) for act in ACTS],
        people=page.person_choices(),
    )
