"""Signing in and out through a provider of identities: there, back, and good-bye."""

from __future__ import annotations

import logging
import secrets

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from api.accounts import Stage
from api.elsewhere import LOST, UNKNOWN, Elsewhere
from api.identities import TooMany
from api.limiting import Limiter
from api.office import Office
from api.oidc_word import forget_word, word_of
from api.pages_sign import Typed, Visitor, let_in, refused, text
from api.pages_trouble import PageRoute
from api.pages_view import Page, local_path
from domain.words import Words

log = logging.getLogger("gongwu.sign_in")
WORD_CHARS_MAX = 20_000  # of a provider's word, with a chain of certificates in it
PER_MINUTE = 600  # for each address: a whole office may come through one
BROWSER = "signing-in"
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

    @pages.get("/login/oidc/done")
    def come_back(page: Visitor) -> Response:
        try:
            return arrived(page, limiter)
        except Elsewhere as trouble:
            return refused(page, trouble)

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


def sent(page: Page, where: str, limiter: Limiter) -> Response:
    """Send somebody to the provider, remembering in this browser alone that they went."""
    admitted(page, limiter)
    office = page.office
    assert office.signing.provider is not None
    url, started = office.signing.provider.start(where)
    browser = page.request.cookies.get(BROWSER, "") or secrets.token_urlsafe(32)
    try:
        office.signing.identities.begin(started, browser)
    except TooMany:
        raise Elsewhere(503, FLOOD, "too many log-ins are under way") from None
    answer = page.go(url)
    answer.set_cookie(
        BROWSER,
        browser,
        max_age=600,
        path="/login/oidc",
        secure=office.settings.https,
        httponly=True,
        samesite="lax",  # strict would stay away when the provider sends people back
    )
    return answer


def arrived(page: Page, limiter: Limiter) -> Response:
    """Let in whom the provider vouches for, when a log-in of ours is theirs; raise Elsewhere."""
    admitted(page, limiter)
    signing, asked = page.office.signing, dict(page.request.query_params)
    browser = page.request.cookies.get(BROWSER, "")
    started = signing.identities.take(asked.get("state", ""), browser) if browser else None
    if started is None:
        raise Elsewhere(400, LOST, "no log-in of this browser waits for this answer")
    assert signing.provider is not None
    found = signing.provider.finish(asked, started)
    account = signing.known_as("oidc", found.name)
    if account is None:
        raise Elsewhere(403, UNKNOWN, "no log-in has this identity")
    post = signing.first_post(page.office.posts(account), found.groups)
    given = (Stage.CODE, Stage.NEW_FACTOR) if found.twice else ()
    # A password of ours was not asked for, so none need be changed.
    given = (Stage.NEW_PASSWORD, *given)
    return let_in(page, account, local_path(started.next), given, post, found.word, found.vouched)


def admitted(page: Page, limiter: Limiter) -> None:
    """Raise Elsewhere when an address begins or ends too many log-ins."""
    if limiter.wait_seconds(page.address):
        raise Elsewhere(429, FLOOD)
