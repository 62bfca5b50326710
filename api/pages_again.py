"""Who is signed in proves again who they are; what they had filled in waits for them meanwhile.

By a code where there is a second factor, by the password kept here or in the directory, or by
signing in anew at the provider that knows them.
"""

from __future__ import annotations

import re
from datetime import timedelta
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs, urlencode, urlsplit

from fastapi import APIRouter
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from api import forms, kept_forms, pages_entrance
from api.account_words import WORDS
from api.accounts import Account, TooManyTries, stamp
from api.elsewhere import Elsewhere
from api.kept_forms import Form
from api.office import Office
from api.pages_sign import Member, Typed, text
from api.pages_trouble import PageRoute
from api.pages_view import Page, local_path
from api.tokens import Scope
from domain.words import TERMS, Words, in_language
from ledger.notes import Unproven

PROVEN: Final = timedelta(minutes=10)  # so long a password or code counts for what follows
HERE: Final = "/account"
KEPT: Final = "/confirm/form"
STEP: Final = re.compile(r"/do/\w+$")
TOGETHER: Final = "/inbox/batch"
TOKENS: Final = "/account/tokens"


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/confirm")
    def confirm(page: Member) -> Response:
        return confirm_page(page, local_path(page.request.query_params.get("next", HERE)))

    @pages.post("/confirm")
    def confirmed(page: Member, form: Typed) -> Response:
        return prove(page, form, local_path(text(form, "next", 2000)))

    @pages.get(KEPT)
    def form(page: Member) -> Response:
        return form_page(page, page.request.query_params.get("id", ""))

    @pages.post(KEPT)
    def send(page: Member, form: Typed) -> Response:
        return send_form(page, text(form, "kept"))

    return pages


def account_of(page: Page) -> Account:
    """Return whose account it is."""
    assert page.session is not None
    return page.session.account


def proven(page: Page, where: str = HERE, form: FormData | None = None) -> Response | None:
    """Return where to prove again who one is; None when they did within ten minutes.

    Afterwards they go `where` they wanted, or find the `form` that they had sent.
    """
    if fresh(page, PROVEN):
        return None
    if form is not None and (kept := first(page, form)) is not None:
        return kept
    return page.go("/confirm?" + urlencode({"next": where}))


def fresh(page: Page, within: timedelta) -> bool:
    """Tell whether whoever sits there gave password or code within a time."""
    session = page.session
    return session is not None and session.proven_at > stamp(page.office.accounts.clock() - within)


def first(page: Page, form: FormData) -> Response | None:
    """Keep a form and return where to prove again who one is; None where it is too long to keep."""
    fields = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    id_ = kept_forms.keep(page.office.accounts, page.token, page.request.url.path, fields)
    if not id_:
        return None
    return page.go("/confirm?" + urlencode({"next": f"{KEPT}?{urlencode({'id': id_})}"}))


def confirm_page(page: Page, where: str, wrong: str = "", status: int = 200) -> Response:
    """Ask for the password or a code again, or to sign in anew at the provider."""
    office, login = page.office, account_of(page).login
    settings, factor = office.settings, bool(office.accounts.factors.since(login))
    kinds = {i.kind for i in office.signing.identities.of(login) if office.signing.believes(i)}
    sso = settings.oidc if "oidc" in kinds else None
    return page.render(
        "confirm.html",
        status,
        w={name: page.words(words) for name, words in WORDS.items()},
        where=where,
        wrong=wrong,
        kept=filled_in(page, where),
        factor=factor,
        directory="ldap" in kinds,
        password="ldap" in kinds or settings.local_login or login == settings.break_glass,
        # Who has a second factor is not known again by less.
        sso=sso is not None and (not factor or sso.second_factor),
    )


def filled_in(page: Page, where: str) -> bool:
    """Tell whether they go on to a form in which they had filled in something."""
    asked = urlsplit(where)
    id_ = parse_qs(asked.query).get("id", [""])[0] if asked.path == KEPT else ""
    form = kept_forms.find(page.office.accounts, page.token, id_) if id_ else None
    return form is not None and bool(form.fields)


def prove(page: Page, form: FormData, where: str) -> Response:
    """Take a code where there is a second factor, else the password."""
    accounts, who = page.office.accounts, account_of(page)
    try:
        if accounts.factors.since(who.login):
            right = accounts.passes(who.login, pages_entrance.typed(form, "code"), page.address)
        else:
            password = pages_entrance.secret(form, "password")
            right = page.office.signing.check(who.login, password, page.address) is not None
    except TooManyTries as flood:
        return confirm_page(page, where, in_language(flood.zh, flood.en, page.lang), 429)
    except Elsewhere as trouble:
        return confirm_page(page, where, page.words(trouble.words), trouble.status)
    except Unproven as away:
        return confirm_page(page, where, page.words(away.words), 503)
    if not right:
        return confirm_page(page, where, page.words(WORDS["not-proven"]), 403)
    accounts.prove(page.token)
    return page.go(where)


def form_page(page: Page, id_: str) -> Response:
    """Show what they had filled in, to be sent now; another's form is as one that never was."""
    form = kept_forms.find(page.office.accounts, page.token, id_)
    return page.render(
        "confirm_form.html",
        200 if form is not None else 404,
        w={name: page.words(words) for name, words in WORDS.items()},
        form=form,
        id=id_,
        told=told(page, form) if form is not None else [],
        step=form is not None and STEP.search(form.path) is not None,
    )


def send_form(page: Page, id_: str) -> Response:
    """Let what they had filled in go where they had sent it, as it stands on the page, and once."""
    form = kept_forms.take(page.office.accounts, page.token, id_)
    if form is None:
        return form_page(page, "")
    return RedirectResponse(local_path(form.path), HTTPStatus.TEMPORARY_REDIRECT)


def told(page: Page, form: Form) -> list[tuple[str, str]]:
    """Return what was filled in as a person reads it; what the page itself put there is left out."""
    if form.path == TOKENS:
        labels = {name: WORDS[f"token-{name}"] for name in ("name", "days")}
        labels |= {"scope": WORDS["token-scopes"]}
    elif form.path == TOGETHER:
        labels = {"case": TERMS["case"]}
    elif STEP.search(form.path):
        labels = TERMS | {field.name: field.words for field in forms.COMMON}
    else:
        return []

    scopes = {scope.value: scope.words for scope in Scope}

    def said(name: str, value: str) -> str:
        if name == "case":
            return page.case_name(value)
        if form.path == TOKENS:
            return page.words(scopes[value]) if name == "scope" and value in scopes else value
        return page.words(Words.of(value)) if value in TERMS else value

    return [
        (page.words(labels[name]), said(name, value))
        for name, value in form.fields
        if value and name in labels and name != "version"
    ]
