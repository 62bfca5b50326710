"""Between the password and the first page: a code, another password, a second factor."""

from __future__ import annotations

import base64
from urllib.parse import urlencode

from starlette.datastructures import FormData
from starlette.responses import Response

from api import administering, entrance
from api.account_words import WORDS
from api.accounts import LOCAL, PASSWORD_CHARS_MAX, Account, Post, Stage, TooManyTries, Vouched
from api.compressing import CONFIDENTIAL
from api.office import Actor, Office
from api.pages_view import Page, cookie_name
from domain.words import Words, in_language
from labels import qr
from ledger.notes import Unproven

CODE_CHARS_MAX = 40
QR_SIDE_MM, QR_DPI = 60.0, 150


def step_address(where: str) -> str:
    """Return where what is missing is given, and where to go on to afterwards."""
    return "/login/step?" + urlencode({"next": where})


def go_on(
    page: Page,
    account: Account,
    where: str,
    given: tuple[Stage, ...] = (),
    post: Post | None = None,
    vouched: Vouched = LOCAL,
) -> Response:
    """Begin a session of another id: to what is still missing, or to where one wanted.

    `post` is what they act as at first, where it is not the first that they have; `vouched` by
    whose word they come, where it is a provider's.
    """
    stage = entrance.missing(page.office, account, given)
    answer = page.go(where if stage is None else step_address(where))
    begin(page, account, answer, stage, post, vouched)
    return answer


def begin(
    page: Page,
    account: Account,
    answer: Response,
    stage: Stage | None,
    post: Post | None = None,
    vouched: Vouched = LOCAL,
) -> None:
    """Give a new session id in place of the one there was (ASVS 7.2.4)."""
    office = page.office
    if page.token:
        office.accounts.sign_out(page.token)
    token = office.accounts.sign_in(
        account,
        post or next(iter(office.posts(account)), None),
        stage=stage.value if stage is not None else "",
        device=page.request.headers.get("user-agent", ""),
        address=page.address,
        vouched=vouched,
    )
    answer.set_cookie(
        cookie_name(office),
        token,
        path="/",
        secure=office.settings.https,
        httponly=True,
        samesite="lax",
    )


def step_page(page: Page, where: str, wrong: str = "", status: int = 200) -> Response:
    """Ask for what is missing."""
    found = page.office.accounts.unfinished(page.token) if page.token else None
    if found is None:
        return page.go("/login?" + urlencode({"next": where}))
    account, stage = found
    values = {"stage": stage.value, "where": where, "wrong": wrong, "codes": ()}
    words = {name: page.words(said) for name, said in WORDS.items()}
    if stage is Stage.NEW_FACTOR:
        try:
            values |= offered(page.office, account.login)
        except Unproven as away:
            status, values["wrong"] = 503, page.words(away.words)
            values |= {"secret": "", "picture": ""}
    answer = page.render("login_step.html", status, w=words, login=account.login, **values)
    answer.headers["Cache-Control"] = CONFIDENTIAL
    return answer


def offered(office: Office, login: str) -> dict[str, str]:
    """Return the secret that waits for its first code, and its picture."""
    offer = office.accounts.factors.offer(login)
    picture = base64.b64encode(qr.png(offer.uri, side_mm=QR_SIDE_MM, dpi=QR_DPI)).decode()
    grouped = " ".join(offer.secret[n : n + 4] for n in range(0, len(offer.secret), 4))
    return {"secret": grouped, "picture": f"data:image/png;base64,{picture}"}


def give(page: Page, form: FormData, where: str) -> Response:
    """Take what was missing, and go on."""
    accounts = page.office.accounts
    found = accounts.unfinished(page.token) if page.token else None
    if found is None:
        return page.go("/login?" + urlencode({"next": where}))
    account, stage = found
    vouched = accounts.vouched(page.token)
    try:
        match stage:
            case Stage.CODE:
                if not accounts.passes(account.login, typed(form, "code"), page.address):
                    return step_page(page, where, page.words(WORDS["code-wrong"]), 403)
                # Who comes by a provider's word gave no password of ours, so none need be changed.
                by_word = (Stage.NEW_PASSWORD,) if vouched.subject else ()
                return go_on(page, account, where, (Stage.CODE, *by_word), vouched=vouched)
            case Stage.NEW_PASSWORD:
                refused = new_password(page, account, form)
                if refused is not None:
                    return step_page(page, where, page.words(refused), 422)
                return go_on(page, account, where, (Stage.CODE,), vouched=vouched)
            case Stage.NEW_FACTOR:
                codes = confirmed(page, account, typed(form, "code"))
                if not codes:
                    return step_page(page, where, page.words(WORDS["code-wrong"]), 403)
                return shown_once(page, account, codes, where, vouched)
    except TooManyTries as flood:
        return step_page(page, where, in_language(flood.zh, flood.en, page.lang), 429)
    except Unproven as away:
        return step_page(page, where, page.words(away.words), 503)


def confirmed(page: Page, account: Account, code: str) -> tuple[str, ...]:
    """Ask for the second factor from now on, if the first code is right; note it in the log."""
    codes = page.office.accounts.confirm_factor(account.login, code, page.address)
    if codes:
        note(page, account, "set_factor")
    return codes


def note(page: Page, account: Account, verb: str) -> None:
    """Write down what somebody does with their own log-in on the way in."""
    post = next(iter(page.office.posts(account)), None)
    actor = Actor(
        person=account.person,
        unit=post.unit if post is not None else account.unit,
        role=post.role if post is not None else "",
        zone=page.office.zone_of(account.unit),
    )
    administering.note(page.office, actor, verb, {"person": account.person}, page.how)


def new_password(page: Page, account: Account, form: FormData) -> Words | None:
    """Take another password, typed twice; return why not, or None."""
    password = secret(form, "new")
    refused = unfit(page.office, account.login, password, secret(form, "again"))
    if refused is None:
        note(page, account, "change_password")
        page.office.accounts.set_password(account.login, password, keep=page.token)
    return refused


def unfit(office: Office, login: str, password: str, again: str) -> Words | None:
    """Return why a password will not do, or None."""
    if password != again:
        return WORDS["passwords-differ"]
    if not 8 <= len(password) <= PASSWORD_CHARS_MAX:
        return WORDS["password-length"]
    if password.casefold() == login or office.accounts.is_password(login, password):
        return WORDS["password-same"]
    return None


def shown_once(
    page: Page, account: Account, codes: tuple[str, ...], where: str, vouched: Vouched
) -> Response:
    """Show the recovery codes, this once; the session that they come with is signed in."""
    words = {name: page.words(said) for name, said in WORDS.items()}
    answer = page.render(
        "login_step.html",
        w=words,
        login=account.login,
        stage="codes",
        where=where,
        wrong="",
        codes=codes,
    )
    begin(page, account, answer, None, vouched=vouched)
    return answer


def typed(form: FormData, name: str) -> str:
    """Return a code as it was typed."""
    value = form.get(name, "")
    return value.strip()[:CODE_CHARS_MAX] if isinstance(value, str) else ""


def secret(form: FormData, name: str) -> str:
    """Return a password as it was typed: nothing is cut off or trimmed."""
    value = form.get(name, "")
    return value if isinstance(value, str) else ""
