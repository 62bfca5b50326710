"""One's own account: password, second factor, where one is signed in, tokens for programs."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api import administering, entrance, pages_entrance
from api.account_words import WORDS
from api.accounts import TooManyTries, mark_of, stamp
from api.compressing import CONFIDENTIAL
from api.devices import device_named
from api.office import Office
from api.pages_again import HERE, account_of, proven
from api.pages_sign import Member, Typed, text
from api.pages_trouble import PageRoute
from api.pages_view import Page
from api.tokens import DAYS_MAX, NotMade, Scope, Token
from domain.words import Words
from ledger.notes import Unproven


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get(HERE)
    def own(page: Member) -> Response:
        return show(page)

    @pages.post("/account/password")
    def password(page: Member, form: Typed) -> Response:
        return change_password(page, form)

    @pages.get("/account/factor")
    def factor(page: Member) -> Response:
        return proven(page, "/account/factor") or factor_page(page)

    @pages.post("/account/factor")
    def factor_confirmed(page: Member, form: Typed) -> Response:
        return proven(page, "/account/factor") or confirm_factor(page, form)

    @pages.post("/account/factor/stop")
    def factor_removed(page: Member, form: Typed) -> Response:
        return proven(page, form=form) or stop_factor(page)

    @pages.post("/account/recovery")
    def recovery(page: Member, form: Typed) -> Response:
        return proven(page, form=form) or draw_recovery(page)

    @pages.post("/account/sessions")
    def sessions(page: Member, form: Typed) -> Response:
        return end_sessions(page, text(form, "mark"))

    @pages.post("/account/tokens")
    def token_made(page: Member, form: Typed) -> Response:
        return proven(page, form=form) or make_token(page, form)

    @pages.post("/account/tokens/{id_}/revoke")
    def token_revoked(id_: str, page: Member) -> Response:
        return revoke_token(page, id_)

    return pages


def said(page: Page) -> dict[str, str]:
    """Return our words in the reader's language."""
    return {name: page.words(words) for name, words in WORDS.items()}


def show(
    page: Page, status: int = 200, *, wrong: str = "", done: str = "", made: str = ""
) -> Response:
    """Draw one's own account; `made` is a token, shown this once."""
    accounts, who = page.office.accounts, account_of(page)
    asked = page.request.query_params.get("done", "")
    done = done or (page.words(WORDS[asked]) if asked in DONE else "")
    return page.render(
        "account.html",
        status,
        w=said(page),
        account=who,
        name=page.actor.name,
        wrong=wrong,
        done=done,
        made=made,
        factor=when(page, accounts.factors.since(who.login)),
        demanded=entrance.demanded(page.office, who),
        recovery=accounts.factors.recovery_left(who.login),
        sittings=[told_sitting(page, s) for s in accounts.sittings(who.login)],
        tokens=[told_token(page, t) for t in accounts.tokens.of(who.login)],
        identities=[
            told_identity(page, one)
            for one in administering.told_of(
                page.office, page.office.signing.identities.of(who.login)
            )
        ],
        may_tie=may_tie(page),
        provider=page.office.settings.oidc.issuer if page.office.settings.oidc is not None else "",
        scopes=[(s.value, page.words(s.words)) for s in Scope],
        days_max=DAYS_MAX,
    )


def may_tie(page: Page) -> bool:
    """Tell whether there is a provider that does not know the person by any name yet."""
    signing = page.office.signing
    held = signing.identities.of(account_of(page).login)
    known = any(one.kind == "oidc" and signing.believes(one) for one in held)
    return page.office.settings.oidc is not None and not known


DONE: Final = frozenset(
    {"password-changed", "factor-removed", "sessions-ended", "token-revoked", "confirmed"}
    | {"tied-own-done"}
)


def when(page: Page, at: str) -> str:
    """Return a time as the reader's clock shows it, to the minute; nothing stays nothing."""
    return page.local(at)[:16] if at else ""


def told_sitting(page: Page, sitting: Any) -> dict[str, Any]:
    """Return a session as the template draws it."""
    return {
        "mark": sitting.mark,
        "login": sitting.login,
        "post": page.post_words(sitting.post) if sitting.post.role else "",
        "started": when(page, sitting.started_at),
        "seen": when(page, sitting.seen_at),
        "device": device_named(sitting.device) or "—",
        "agent": sitting.device,
        "address": sitting.address or "—",
        "mine": sitting.mark == mark_of(page.token),
    }


def told_identity(page: Page, one: administering.Tied) -> dict[str, Any]:
    """Return an identity as the template draws it."""
    return {
        "kind": one.kind,
        "what": page.words(WORDS[f"identity-{one.kind}"]),
        "provider": one.provider,
        "name": one.name,
        "since": when(page, one.since),
        "believed": one.believed,
    }


def told_token(page: Page, token: Token) -> dict[str, Any]:
    """Return a token as the template draws it: never its secret."""
    now = stamp(page.office.accounts.clock())
    state = "revoked" if token.revoked_at else "over" if token.until <= now else "holds"
    return {
        "id": token.id,
        "login": token.login,
        "name": token.name,
        "scopes": page.words(token.words),
        "made": when(page, token.made_at),
        "until": when(page, token.until),
        "used": when(page, token.used_at) or page.words(WORDS["never"]),
        "state": state,
    }


# Password, second factor ----------------------------------------------------------


def change_password(page: Page, form: FormData) -> Response:
    """Take another password of whoever knows the old one; every other session ends."""
    accounts, login = page.office.accounts, account_of(page).login
    try:
        right = accounts.check(login, pages_entrance.secret(form, "old"), page.address)
    except TooManyTries as flood:
        return show(page, 429, wrong=flood.zh if page.lang == "zh" else flood.en)
    if right is None:
        return show(page, 403, wrong=page.words(WORDS["password-wrong"]))
    new = pages_entrance.secret(form, "new")
    refused = pages_entrance.unfit(page.office, login, new, pages_entrance.secret(form, "again"))
    if refused is not None:
        return show(page, 422, wrong=page.words(refused))
    note(page, "change_password")
    accounts.set_password(login, new, keep=page.token)
    return page.go(f"{HERE}?done=password-changed")


def note(page: Page, verb: str, **form: Any) -> None:
    """Write down what one does with one's own."""
    whole = {"person": page.actor.person, **form}
    administering.note(page.office, page.actor, verb, whole, page.how)


def factor_page(page: Page, wrong: str = "", status: int = 200) -> Response:
    """Show the secret that waits for its first code."""
    login = account_of(page).login
    if page.office.accounts.factors.since(login):
        return page.go(HERE)
    try:
        values = pages_entrance.offered(page.office, login)
    except Unproven as away:
        return show(page, 503, wrong=page.words(away.words))
    answer = page.render("account_factor_new.html", status, w=said(page), wrong=wrong, **values)
    answer.headers["Cache-Control"] = CONFIDENTIAL
    return answer


def confirm_factor(page: Page, form: FormData) -> Response:
    """Ask for the second factor from now on, and show the recovery codes."""
    accounts, login = page.office.accounts, account_of(page).login
    try:
        codes = accounts.confirm_factor(login, pages_entrance.typed(form, "code"), page.address)
    except TooManyTries as flood:
        return factor_page(page, flood.zh if page.lang == "zh" else flood.en, 429)
    if not codes:
        return factor_page(page, page.words(WORDS["code-wrong"]), 403)
    note(page, "set_factor")
    accounts.end_sittings(login, keep=page.token)
    return codes_page(page, codes)


def codes_page(page: Page, codes: tuple[str, ...]) -> Response:
    """Show recovery codes, this once."""
    return page.render("account_codes_new.html", w=said(page), codes=codes)


def draw_recovery(page: Page) -> Response:
    """Draw new recovery codes in place of the old."""
    accounts, login = page.office.accounts, account_of(page).login
    if not accounts.factors.since(login):
        return page.go(HERE)
    note(page, "draw_recovery")
    return codes_page(page, accounts.factors.recovery_codes(login))


def stop_factor(page: Page) -> Response:
    """Ask for no second factor any more, unless the rules want one."""
    accounts, who = page.office.accounts, account_of(page)
    if not accounts.factors.since(who.login):
        return page.go(HERE)
    if entrance.demanded(page.office, who):
        return show(page, 409, wrong=page.words(WORDS["factor-stays"]))
    note(page, "stop_factor", reason=page.words(WORDS["by-owner"]))
    accounts.forget_factor(who.login)
    return page.go(f"{HERE}?done=factor-removed")


# Sessions and tokens --------------------------------------------------------------


def end_sessions(page: Page, mark: str) -> Response:
    """End one other session by its mark, or all others."""
    accounts, login = page.office.accounts, account_of(page).login
    if mark == "others":
        accounts.end_sittings(login, keep=page.token)
    else:
        accounts.end_sitting(login, mark)
    return page.go(f"{HERE}?done=sessions-ended")


def make_token(page: Page, form: FormData) -> Response:
    """Make a token and show it, this once."""
    days = text(form, "days")
    scopes = [s for s in form.getlist("scope") if isinstance(s, str)]
    try:
        whole, _ = administering.make_token(
            page.office,
            page.actor,
            page.how,
            account_of(page).login,
            text(form, "name"),
            scopes,
            int(days) if days.isdecimal() else 0,
        )
    except NotMade as why:
        return show(page, 422, wrong=page.words(why.words))
    return show(page, made=whole)


def revoke_token(page: Page, id_: str) -> Response:
    """End a token of one's own."""
    accounts, login = page.office.accounts, account_of(page).login
    token = next((t for t in accounts.tokens.of(login) if t.id == id_), None)
    if token is None:
        raise HTTPException(404)
    if not token.revoked_at:
        by_owner: Words = WORDS["by-owner"]
        administering.revoke(page.office, page.actor, page.how, token, page.words(by_owner))
    return page.go(f"{HERE}?done=token-revoked")
