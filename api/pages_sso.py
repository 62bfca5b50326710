"""Signing in and out through a provider of identities: there, back, and good-bye."""

from __future__ import annotations

import hmac
import logging
import secrets
from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.datastructures import FormData
from starlette.responses import JSONResponse, Response

from api import administering, pages_account
from api.accounts import LOCAL, Stage
from api.administering import Unfit
from api.elsewhere import LOST, ONCE_ALONE, SOMEBODY_ELSE, UNKNOWN, Elsewhere
from api.hashing import hashed
from api.identities import Purpose, Started, TooMany
from api.limiting import Limiter
from api.office import Office
from api.oidc_word import forget_word, keep_word, word_of
from api.pages_again import HERE, PROVEN, account_of, confirm_page, first, fresh
from api.pages_sign import Member, Typed, Visitor, let_in, refused, text
from api.pages_trouble import PageRoute
from api.pages_view import Page, local_path
from domain.words import Words

if TYPE_CHECKING:
    from api.oidc import Identified

log = logging.getLogger("gongwu.sign_in")
WORD_CHARS_MAX = 20_000  # of a provider's word, with a chain of certificates in it
PER_MINUTE = 600  # for each address: a whole office may come through one
BROWSER = "signing-in"
ALREADY = Words(
    "此账号已关联统一身份；要换一个，请系统管理员先解除。",
    "This log-in is tied to an identity already; the system administrator unties it first.",
)
FLOOD = Words(
    "登录请求过于频繁，请一分钟后再试。",
    "Too many sign-ins from your address. Try again in a minute.",
)


def router(office: Office) -> APIRouter:
    """Return the pages of this module; without a provider there are none."""
    pages = APIRouter(route_class=PageRoute)
    if office.settings.oidc is None:
        return pages
    limiter = Limiter(PER_MINUTE)

    @pages.get("/login/oidc")
    def leave(page: Visitor) -> Response:
        where = local_path(page.request.query_params.get("next", "/"))
        try:
            return sent(page, where, limiter)
        except Elsewhere as trouble:
            return refused(page, trouble, where)

    @pages.get("/login/oidc/again")
    def leave_again(page: Member) -> Response:
        where = local_path(page.request.query_params.get("next", HERE))
        try:
            return sent(page, where, limiter, Purpose.AGAIN)
        except Elsewhere as trouble:
            return not_confirmed(page, trouble, where)

    @pages.post("/login/oidc/tie")
    def leave_to_tie(page: Member, form: Typed) -> Response:
        try:
            return sent_to_tie(page, form, limiter)
        except Elsewhere as trouble:
            return not_tied(page, trouble)

    @pages.get("/login/oidc/done")
    def come_back(page: Visitor) -> Response:
        started = None
        try:
            started = awaited(page, limiter)
            match started.purpose:
                case Purpose.SIGN_IN:
                    return arrived(page, started)
                case Purpose.AGAIN:
                    return confirmed(page, started)
                case Purpose.TIE:
                    return tied(page, started)
        except Elsewhere as trouble:
            if started is None or started.purpose is Purpose.SIGN_IN:
                return refused(page, trouble)
            if started.purpose is Purpose.AGAIN:
                return not_confirmed(page, trouble, local_path(started.next))
            return not_tied(page, trouble)

    @pages.get("/logout/oidc")
    def good_bye(page: Visitor) -> Response:
        if page.session is not None:  # signing out is a step of the page's own, not a link's
            return page.go("/")
        word = word_of(page.request)
        provider = office.signing.provider
        assert provider is not None
        try:
            url = provider.goodbye(word, page.lang)
        except Elsewhere as trouble:
            return refused(page, trouble)
        answer = page.go("/login") if not url else page.render("signed_out.html", url=url)
        forget_word(answer, https=office.settings.https)
        return answer

    @pages.post("/logout/oidc/ended")
    def ended(page: Visitor, form: Typed) -> Response:
        return told_by_provider(page, text(form, "logout_token", WORD_CHARS_MAX), limiter)

    return pages


def told_by_provider(page: Page, word: str, limiter: Limiter) -> Response:
    """Take the provider's own word that somebody signed out there (Back-Channel Logout 1.0).

    No browser asks: the provider does, and is answered as that standard says.
    """
    try:
        admitted(page, limiter)
        count = page.office.signing.ended_elsewhere(word)
    except Elsewhere as trouble:
        log.warning("nobody was signed out: %s (request %s)", trouble.why, page.request_id)
        status = trouble.status if trouble.status in (429, 503) else 400
        said = {"error": "invalid_request", "error_description": trouble.words.en}
        return JSONResponse(said, status)
    log.info("the provider ended %d sessions", count)
    return Response(status_code=200)


def sent(page: Page, where: str, limiter: Limiter, purpose: Purpose = Purpose.SIGN_IN) -> Response:
    """Send somebody to the provider, remembering in this browser alone that they went."""
    url, browser = set_out(page, where, limiter, purpose)
    return remembered(page, page.go(url), browser)


def sent_to_tie(page: Page, form: FormData, limiter: Limiter) -> Response:
    """Lead somebody who proved again who they are to the provider, to tie what it calls them.

    They set out by a form of ours and a link on the page that answers it: no other site makes a
    browser do that, and a form may not lead to another site.
    """
    assert page.session is not None
    if not page.session.proven_again or not fresh(page, PROVEN):
        return first(page, form) or page.go(HERE)
    if not pages_account.may_tie(page):
        return pages_account.show(page, 409, wrong=page.words(ALREADY))
    url, browser = set_out(page, HERE, limiter, Purpose.TIE)
    provider = page.office.signing.provider
    assert provider is not None
    words = pages_account.said(page)
    answer = page.render("leaving.html", w=words, url=url, provider=provider.settings.issuer)
    return remembered(page, answer, browser)


def set_out(page: Page, where: str, limiter: Limiter, purpose: Purpose) -> tuple[str, str]:
    """Return the provider's address to go to, and the secret of the browser that goes there."""
    admitted(page, limiter)
    signing = page.office.signing
    assert signing.provider is not None
    session = hashed(page.token) if purpose is not Purpose.SIGN_IN else ""
    url, started = signing.provider.start(where, purpose, session)
    browser = page.request.cookies.get(BROWSER, "") or secrets.token_urlsafe(32)
    try:
        signing.identities.begin(started, browser)
    except TooMany:
        raise Elsewhere(503, FLOOD, "too many log-ins are under way") from None
    return url, browser


def remembered(page: Page, answer: Response, browser: str) -> Response:
    """Leave with the browser that it set out."""
    answer.set_cookie(
        BROWSER,
        browser,
        max_age=600,
        path="/login/oidc",
        secure=page.office.settings.https,
        httponly=True,
        samesite="lax",  # strict would stay away when the provider sends people back
    )
    return answer


def awaited(page: Page, limiter: Limiter) -> Started:
    """Return what of this browser, and of this session if one set out, awaits this answer."""
    admitted(page, limiter)
    state = page.request.query_params.get("state", "")
    browser = page.request.cookies.get(BROWSER, "")
    started = page.office.signing.identities.take(state, browser) if browser else None
    if started is None:
        raise Elsewhere(400, LOST, "no log-in of this browser waits for this answer")
    if started.purpose is not Purpose.SIGN_IN and (
        page.session is None or not hmac.compare_digest(started.session, hashed(page.token))
    ):
        # Nobody is talked into tying, or confirming by, what another set out for.
        raise Elsewhere(400, LOST, "another session set out for this answer")
    return started


def found_by(page: Page, started: Started) -> Identified:
    """Return whom the provider vouches for; raise Elsewhere."""
    provider = page.office.signing.provider
    assert provider is not None
    return provider.finish(dict(page.request.query_params), started)


def arrived(page: Page, started: Started) -> Response:
    """Let in whom the provider vouches for, when a log-in of ours is theirs; raise Elsewhere."""
    signing, found = page.office.signing, found_by(page, started)
    account = signing.known_as("oidc", found.name)
    if account is None:
        raise Elsewhere(403, UNKNOWN, "no log-in has this identity")
    post = signing.first_post(page.office.posts(account), found.groups)
    given = (Stage.CODE, Stage.NEW_FACTOR) if found.twice else ()
    # A password of ours was not asked for, so none need be changed.
    given = (Stage.NEW_PASSWORD, *given)
    return let_in(page, account, local_path(started.next), given, post, found.word, found.vouched)


def confirmed(page: Page, started: Started) -> Response:
    """Remember that the provider asked anew whoever is signed in here; raise Elsewhere."""
    accounts, found = page.office.accounts, found_by(page, started)
    login = account_of(page).login
    account = page.office.signing.known_as("oidc", found.name)
    if account is None or account.login != login:
        raise Elsewhere(403, SOMEBODY_ELSE, "the provider vouches for another than is signed in")
    before = accounts.vouched(page.token).subject
    if before and before != found.vouched.subject:
        raise Elsewhere(403, SOMEBODY_ELSE, "the provider let in another subject")
    if accounts.factors.since(login) and not found.twice:
        raise Elsewhere(403, ONCE_ALONE, "the provider asked for no second factor")
    accounts.prove(page.token, found.vouched if before else LOCAL)
    answer = page.go(local_path(started.next))
    if before:
        keep_word(answer, found.word, https=page.office.settings.https)
    return answer


def tied(page: Page, started: Started) -> Response:
    """Tie what the provider calls whoever is signed in here to their log-in; raise Elsewhere."""
    office, found = page.office, found_by(page, started)
    identity = office.signing.identity("oidc", found.name)
    assert identity is not None
    try:
        administering.tie_own(office, page.actor, page.how, account_of(page).login, identity)
    except Unfit as why:
        raise Elsewhere(409, why.words, "the identity or the log-in has another") from None
    return page.go(f"{HERE}?done=tied-own-done")


def not_confirmed(page: Page, trouble: Elsewhere, where: str) -> Response:
    """Ask anew, with what went wrong; the log has what the operator needs."""
    log.warning("nothing was confirmed: %s (request %s)", trouble.why, page.request_id)
    return confirm_page(page, where, page.words(trouble.words), trouble.status)


def not_tied(page: Page, trouble: Elsewhere) -> Response:
    """Show one's own account, with what went wrong; the log has what the operator needs."""
    log.warning("nothing was tied: %s (request %s)", trouble.why, page.request_id)
    return pages_account.show(page, trouble.status, wrong=page.words(trouble.words))


def admitted(page: Page, limiter: Limiter) -> None:
    """Raise Elsewhere when an address begins or ends too many log-ins."""
    if limiter.wait_seconds(page.address):
        raise Elsewhere(429, FLOOD)
