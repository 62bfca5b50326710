"""Log-ins, sessions and tokens of everybody, and the log of what administrators did with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from fastapi import APIRouter
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api import administering, tables, tables_here
from api.account_words import WORDS
from api.administering import Unfit, Unknown
from api.identities import KINDS, NAME_CHARS_MAX
from api.office import Office
from api.opening_log_ins import checked
from api.pages_account import told_identity, told_sitting, told_token, when
from api.pages_inventory import EXPORT_PAGE_ROWS, PAGE_ROWS, is_day
from api.pages_phrases import PHRASES
from api.pages_sign import Member, Typed, text
from api.pages_telling import tell
from api.pages_trouble import Forbidden, PageRoute
from api.pages_view import Page
from api.tables import Column, List, declared
from api.tables_here import Taken
from domain.access import AccessEvent, may_security, may_system, takes_two
from domain.decider import Occasion, Refused
from domain.words import Role, Words
from projections import administration

KEEPERS: Final = (Role.ADMIN, Role.SECURITY)
WATCHERS: Final = (Role.ADMIN, Role.SECURITY, Role.AUDIT_ADMIN, Role.AUDITOR)
ACTS: Final = tuple(fact.type_name for fact in AccessEvent.__args__)
REASON_CHARS_MAX = 2000
NAMES: Final = ("person", "act", "from", "to")

LOG_INS: Final = declared(
    List(
        path="/accounts",
        title=Words(*PHRASES["log-ins"]),
        columns=(
            Column(name="login", words=Words(*PHRASES["login-name"]), sorts=True),
            Column(name="person", words=Words(*PHRASES["person"]), sorts=True),
            Column(name="unit", words=Words(*PHRASES["unit"]), sorts=True),
            Column(name="roles", words=Words(*PHRASES["role"]), sorts=True),
            Column(name="factor", words=WORDS["second-factor"], sorts=True),
            Column(name="sessions", words=WORDS["sessions"], num=True, sorts=True),
            Column(name="tokens", words=WORDS["tokens"], num=True, sorts=True),
            Column(name="closed", words=WORDS["closed"], sorts=True, apart=True),
            Column(name="one_time", words=WORDS["one-time"], sorts=True, apart=True),
        ),
    )
)
LOG: Final = declared(
    List(
        path="/administration",
        title=WORDS["log"],
        columns=(
            Column(name="time", words=WORDS["time"]),
            Column(name="said", words=WORDS["act"]),
            Column(name="actor", words=WORDS["by"]),
            Column(name="position", words=WORDS["entry"], num=True),
            Column(name="role", words=Words(*PHRASES["role"]), apart=True),
        ),
    )
)


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/accounts")
    def listing(page: Member) -> Response:
        return show(page)

    @pages.post("/accounts")
    def opened(page: Member, form: Typed) -> Response:
        return open_one(page, form)

    tables_here.files(pages, LOG_INS, lambda page: listed(page)[0])
    tables_here.files(pages, LOG, log_taken)

    @pages.get("/accounts/{login}")
    def one(login: str, page: Member) -> Response:
        return show_one(page, login)

    @pages.post("/accounts/{login}/{act}")
    def acted(login: str, act: str, page: Member, form: Typed) -> Response:
        return do(page, login, act, form)

    @pages.post("/accounts/{login}/identities/{id_}/{act}")
    def settled(login: str, id_: str, act: str, page: Member, form: Typed) -> Response:
        return settle(page, login, id_, act, form)

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
    (shown, found, cell), occasion = listed(page)
    rows, more = tables_here.part(page, list(found), lambda row: str(row["login"]))
    return page.render(
        "accounts.html",
        status,
        w=said(page),
        shown=shown,
        cell=cell,
        rows=rows,
        count=len(list(found)),
        more=more,
        text=page.request.query_params.get("text", "").strip()[:80],
        wrong=wrong,
        told=told,
        may_open=occasion is not None and may_system(occasion),
        units=page.unit_choices(),
        typed={k: v for k, v in typed.items() if isinstance(v, str)} if typed else {},
        rules=page.office.occasion(page.actor).policy,
    )


def listed(page: Page) -> tuple[Taken, Occasion | None]:
    """Return the log-ins that are looked for, and the occasion of who may keep them."""
    occasion = keeping(page) if not page.may(Role.AUDIT_ADMIN) else None
    sought = page.request.query_params.get("text", "").strip()[:80].casefold()
    rows = [told_standing(page, row) for row in administering.standings(page.office)]
    found = [r for r in rows if sought in " ".join(str(v) for v in r.values()).casefold()]

    def cell(row: dict[str, Any], name: str) -> Any:
        value = row[name]
        return (page.t("yes") if value else "") if isinstance(value, bool) else value

    shown = tables.shown(page, LOG_INS)
    return (shown, tables_here.ordered(shown, found, cell), cell), occasion


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
        "identities": [told_identity(page, one) for one in row.identities],
        "waiting": [
            {
                "id": one.id,
                "kind": one.kind,
                "what": page.words(WORDS[f"identity-{one.kind}"]),
                "provider": one.provider,
                "name": one.name,
                "proposer": page.name_of("person", one.proposer),
                "mine": one.proposer == page.actor.person,
                "at": when(page, one.at),
            }
            for one in row.waiting
        ],
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
        may_tie=[kind for kind in tieable(page.office) if not held(page.office, row, kind)],
        two=takes_two(occasion),
        claim=page.office.settings.oidc.claim if page.office.settings.oidc is not None else "",
        sittings=[told_sitting(page, s) for s in office.accounts.sittings(login)],
        tokens=[told_token(page, t) for t in office.accounts.tokens.of(login)],
        acts=[told_act(page, act["id"]) for act in acts],
    )


def tieable(office: Office) -> list[str]:
    """Return the kinds of places that are set, where people may be called something."""
    return [kind for kind in KINDS if office.signing.identity(kind, "x") is not None]


def held(office: Office, row: administering.Standing, kind: str) -> bool:
    """Tell whether a log-in has an identity of the place of this kind that is set now."""
    return any(one.kind == kind and one.believed for one in row.identities)


Act = Callable[..., Any]
DOING: Final[dict[str, tuple[Act, str]]] = {
    "close": (administering.close, "closed-done"),
    "reopen": (administering.reopen, "reopened-done"),
    "reset-password": (administering.reset_password, "reset-done"),
    "reset-factor": (administering.reset_factor, "factor-reset-done"),
    "end-sessions": (administering.end_sessions, "sessions-ended"),
    **{f"untie-{kind}": (partial(administering.untie, kind=kind), "untied-done") for kind in KINDS},
}


TYING: Final = {f"tie-{kind}": kind for kind in KINDS}


def tie(page: Page, login: str, kind: str, form: FormData) -> Response:
    """Tie what somebody is called elsewhere to a log-in, or propose it."""
    try:
        one = administering.named_there(page.office, kind, text(form, "name", NAME_CHARS_MAX + 1))
        waits = administering.tie(page.office, page.actor, page.how, login, one)
    except Unknown:
        raise HTTPException(404) from None
    except Unfit as why:
        return show_one(page, login, 409, page.words(why.words))
    except Refused as refused:
        return show_one(page, login, 409, refused.sentence(page.lang))
    done = "tie-proposed-done" if waits is not None else "tied-done"
    return show_one(page, login, done=page.words(WORDS[done]))


SETTLING: Final = {"confirm": "tied-done", "decline": "tie-declined-done"}


def settle(page: Page, login: str, id_: str, act: str, form: FormData) -> Response:
    """Confirm or decline an identity that another person proposed."""
    keeping(page)
    if act not in SETTLING:
        raise HTTPException(404)
    reason = text(form, "reason", REASON_CHARS_MAX)
    if act == "decline" and not reason:
        return show_one(page, login, 422, page.words(WORDS["reason-wanted"]))
    try:
        if act == "confirm":
            administering.confirm_tie(page.office, page.actor, page.how, login, id_)
        else:
            administering.decline_tie(page.office, page.actor, page.how, login, id_, reason)
    except Unknown:
        raise HTTPException(404) from None
    except Unfit as why:
        return show_one(page, login, 409, page.words(why.words))
    except Refused as refused:
        return show_one(page, login, 409, refused.sentence(page.lang))
    return show_one(page, login, done=page.words(WORDS[SETTLING[act]]))


def do(page: Page, login: str, act: str, form: FormData) -> Response:
    """Do one act on a log-in; the reason is recorded with it."""
    keeping(page)
    if act in TYING:
        return tie(page, login, TYING[act], form)
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


def asked_of(page: Page) -> dict[str, str]:
    """Read the questions in the address; what is no day asks nothing."""
    given = page.request.query_params
    asked = {name: given.get(name, "").strip()[:80] for name in NAMES}
    return asked | {n: "" for n in ("from", "to") if not is_day(asked[n])}


def acts_of(
    page: Page, asked: dict[str, str], after: str | None, limit: int
) -> tuple[Sequence[Any], str]:
    """Return acts of administration, the latest first, and where they go on; empty: nowhere."""
    rows = page.office.rows(administration.listing(asked, after=after, limit=limit + 1))
    return rows[:limit], str(rows[limit - 1]["id"]) if len(rows) > limit else ""


def log_taken(page: Page) -> Taken:
    """Return the log of administration as it is shown, to take home."""
    if not page.may(*WATCHERS):
        raise Forbidden
    asked = asked_of(page)
    rows = tables.every(lambda after: acts_of(page, asked, after, EXPORT_PAGE_ROWS))
    told = (told_act(page, row["id"]) for row in rows)
    return tables.shown(page, LOG), told, lambda row, name: row[name]


def show_log(page: Page) -> Response:
    """Draw the log of administration; audit administrators and auditors read it, too."""
    if not page.may(*WATCHERS):
        raise Forbidden
    asked = asked_of(page)
    after = page.request.query_params.get("after", "")[:80]
    rows, more = acts_of(page, asked, after or None, PAGE_ROWS)
    return page.render(
        "administration.html",
        w=said(page),
        asked=asked,
        shown=tables.shown(page, LOG),
        cell=lambda row, name: row[name],
        rows=[told_act(page, row["id"]) for row in rows],
        more=more,
        acts=[(act, page.words(WORDS[act])) for act in ACTS],
        people=page.person_choices(),
    )
