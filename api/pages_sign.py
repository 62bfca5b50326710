"""Signing in and out, acting in another role, and how pages look to this reader."""

from __future__ import annotations

import logging
from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from api import pages_entrance
from api.accounts import LOCAL, Account, Post, Stage, TooManyTries, Vouched
from api.elsewhere import Elsewhere
from api.office import Office
from api.oidc_word import WORD, keep_word
from api.pages_trouble import PageRoute
from api.pages_view import SIZES, THEMES, Page, cookie_name, local_path
from domain.words import Words, in_language

log = logging.getLogger("gongwu.sign_in")
CHARS_MAX = 200
POST_CHARS_MAX = 250


def visitor(request: Request) -> Page:
    """Open a page that anybody may see."""
    return Page(request.app.state.office, request)


def member(request: Request) -> Page:
    """Open a page for people who signed in; raise SignIn."""
    page = visitor(request)
    page.office.limits.export(page.actor.person, request)  # the actor raises SignIn
    request.state.page = page  # who may not open it finds menu and roles on the page that says so
    return page


async def typed(request: Request) -> FormData:
    """Read what was typed into a form; files are not taken."""
    return await request.form(max_files=0, max_fields=6000)


Visitor: TypeAlias = Annotated[Page, Depends(visitor)]
Member: TypeAlias = Annotated[Page, Depends(member)]
Typed: TypeAlias = Annotated[FormData, Depends(typed)]


def text(form: FormData, name: str, chars_max: int = CHARS_MAX) -> str:
    """Return one typed text, cut to a sane length."""
    value = form.get(name, "")
    return value.strip()[:chars_max] if isinstance(value, str) else ""


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/login")
    def login(page: Visitor) -> Response:
        where = local_path(page.request.query_params.get("next", "/"))
        if page.session is not None:
            return page.go(where)
        if page.token and office.accounts.unfinished(page.token) is not None:
            return page.go(pages_entrance.step_address(where))
        return form_page(page, where)

    @pages.post("/login")
    def sign_in(page: Visitor, form: Typed) -> Response:
        where, name = local_path(text(form, "next")), text(form, "login", 80)
        try:
            account = office.signing.check(name, text(form, "password"), page.address)
        except TooManyTries as flood:
            return form_page(page, where, name, in_language(flood.zh, flood.en, page.lang), 429)
        except Elsewhere as trouble:
            return refused(page, trouble, where, name)
        if account is None:
            return form_page(page, where, name, page.t("login-wrong"), 403)
        return let_in(page, account, where)

    @pages.get("/login/step")
    def missing(page: Visitor) -> Response:
        where = local_path(page.request.query_params.get("next", "/"))
        return pages_entrance.step_page(page, where)

    @pages.post("/login/step")
    def give(page: Visitor, form: Typed) -> Response:
        return pages_entrance.give(page, form, local_path(text(form, "next")))

    @pages.post("/logout")
    def sign_out(page: Visitor) -> Response:
        if page.token:
            office.accounts.sign_out(page.token)
        # The provider's own session ends on a page of ours: a form may not lead to another site.
        answer = page.go("/logout/oidc" if WORD in page.request.cookies else "/login")
        answer.delete_cookie(cookie_name(office), path="/", secure=office.settings.https)
        return answer

    @pages.post("/role")
    def act_as(page: Visitor, form: Typed) -> Response:
        post = Post.read(text(form, "role", POST_CHARS_MAX)).chosen(page.posts)
        if post is not None:
            office.accounts.switch(page.token, post)
        return page.go(local_path(text(form, "next", 2000)))

    @pages.post("/look")
    def look(page: Visitor, form: Typed) -> Response:
        answer = page.go(local_path(text(form, "next", 2000)))
        for name, allowed in (("theme", THEMES), ("size", SIZES)):
            if text(form, name) in allowed:
                page.keep(answer, name, text(form, name))
        return answer

    return pages


def let_in(
    page: Page,
    account: Account,
    where: str,
    given: tuple[Stage, ...] = (),
    post: Post | None = None,
    word: str = "",
    vouched: Vouched = LOCAL,
) -> Response:
    """Begin a session of whoever proved who they are, and send them where they were going.

    Where a code, another password or a second factor is missing, they are asked for it first,
    unless it was `given` elsewhere. `post` is what they act as at first; `word` what a provider of
    identities said of them, if one did, and `vouched` what of it the session remembers.
    """
    answer = pages_entrance.go_on(page, account, where, given, post, vouched)
    keep_word(answer, word, https=page.office.settings.https)
    if "lang" not in page.request.cookies:
        page.keep(answer, "lang", account.locale if account.locale in ("zh", "en") else "zh")
    return answer


def refused(page: Page, trouble: Elsewhere, where: str = "/", name: str = "") -> Response:
    """Draw the sign-in page with what went wrong; the log has what the operator needs."""
    if trouble.why:
        log.warning("nobody was let in: %s (request %s)", trouble.why, page.request_id)
    said = trouble.words.zh if page.lang == "zh" else trouble.words.en
    return form_page(page, where, name, said, trouble.status)


def form_page(
    page: Page, where: str, name: str = "", wrong: str = "", status: int = 200
) -> Response:
    """Draw the sign-in page; in a demonstration it shows who there is to be."""
    signing, settings = page.office.signing, page.office.settings
    titles = settings.oidc.title.partition("|") if settings.oidc is not None else ("", "", "")
    return page.render(
        "login.html",
        status,
        sso=settings.oidc is not None,
        sso_title=(titles[2] if page.lang == "en" else "") or titles[0],
        directory=settings.ldap is not None,
        passwords=signing.takes_passwords,
        emergency=bool(settings.break_glass),
        where=where,
        name=name,
        wrong=wrong,
        demo=demo_people(page) if page.office.settings.demo else [],
        password=demo_password() if page.office.settings.demo else "",
    )


def demo_people(page: Page) -> list[dict[str, Any]]:
    """Return the log-ins of the demonstration, with what each person is."""
    return [told(page, account) for account in page.office.accounts.all()]


def told(page: Page, account: Account) -> dict[str, Any]:
    return {
        "login": account.login,
        "name": page.office.accounts.name_of(account.person, page.lang),
        "unit": page.name_of("unit", account.unit),
        "roles": page.words(
            [Words.of(role) for role in dict.fromkeys(p.role for p in page.office.posts(account))]
        ),
    }


def demo_password() -> str:
    """Return the password that all people of the demonstration share."""
    from api import demo

    return demo.PASSWORD
