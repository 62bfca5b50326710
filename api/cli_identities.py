"""What people are called by a provider or a directory, tied to their log-ins from the console."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import msgspec
import typer

from api import administering
from api.administering import Unfit
from api.cli_read import opened
from api.cli_terminal import REFUSED, USAGE, Json, Stop, at
from api.identities import KINDS, NAME_CHARS_MAX, Identity
from api.office import Actor, Office
from domain.words import Role, Words

CLI = {"channel": "cli"}
CONSOLE = "console"  # whoever may open the database; the ledger says so, and nobody signs in as it
AT_CONSOLE = Words("在服务器控制台办理", "done at the console of the server")
SETTING = {"oidc": "GONGWU_OIDC_ISSUER", "ldap": "GONGWU_LDAP_URL"}
HELP = (
    "统一身份，如 oidc:标识 或 ldap:名字，可多次 · What the person is called elsewhere; repeatable."
)

Login = Annotated[str, typer.Argument(help="账号 · Log-in.")]
Name = Annotated[
    str, typer.Argument(help="统一身份 · Identity: oidc:SUBJECT or ldap:UID.", metavar="IDENTITY")
]


def bind(ctx: typer.Context, login: Login, identity: Name, json: Json = False) -> None:
    """关联统一身份 · Tie what a provider or a directory calls a person to their log-in."""
    terminal = at(ctx, json)
    with opened(terminal) as office:
        login = known(office, login)
        (found,) = free(office, [identity], login)
        waits = tie(office, found, login)
    if terminal.json:
        terminal.answer({"login": login, "identity": found.slug, "waits": waits})
    terminal.say(*said(login, found, waits=waits))


def unbind(
    ctx: typer.Context,
    login: Login,
    identity: Name,
    reason: Annotated[
        str, typer.Option("--reason", help="原因，不写人名 · Why; no names of people.")
    ] = "",
    json: Json = False,
) -> None:
    """解除统一身份并结束会话 · Untie an identity from a log-in and end its sessions."""
    terminal = at(ctx, json)
    with opened(terminal) as office:
        login = known(office, login)
        held = [one for one in office.signing.identities.of(login) if one.slug == identity]
        if not held:
            raise Stop(
                Words(
                    f"账号 {login} 没有统一身份 {identity}。",
                    f"{login} is not tied to {identity}.",
                ),
                REFUSED,
            )
        (one,) = held
        account, _ = administering.known(office, login)
        why = reason or terminal.told(AT_CONSOLE)
        administering.part(office, console(office), CLI, account, one, why)
    if terminal.json:
        terminal.answer({"login": login, "identity": identity, "bound": False})
    terminal.say(
        f"账号 {login} 不再关联 {identity}，会话已结束。",
        f"{login} is no longer tied to {identity}, and is signed out.",
    )


def console(office: Office) -> Actor:
    """Return whoever may open the database, as who keeps log-ins."""
    return Actor(person=CONSOLE, unit="", role=Role.ADMIN, zone=office.settings.zone)


def free(office: Office, texts: Iterable[str], login: str) -> list[Identity]:
    """Return identities given as text; stop unless each can be tied to this log-in."""
    found = [read(office, text) for text in dict.fromkeys(texts)]
    for kind in KINDS:
        mine = [one for one in found if one.kind == kind]
        if len(mine) > 1:
            raise second(login, kind)
    for one in found:
        if office.signing.identities.login_of(one) not in ("", login.casefold()):
            raise taken(one)
    return found


def tie(office: Office, identity: Identity, login: str) -> bool:
    """Tie an identity to a log-in; stop when either has another already.

    Where that takes two persons it is proposed; return whether it waits for the other.
    """
    account, _ = administering.known(office, login)
    by = msgspec.structs.replace(console(office), unit=account.unit)  # whose rules are meant
    try:
        return administering.tie(office, by, CLI, login, identity) is not None
    except Unfit as why:
        raise Stop(why.words, REFUSED) from None


def said(login: str, identity: Identity, *, waits: bool) -> tuple[str, str]:
    """Return what became of a log-in and an identity, in both languages."""
    if waits:
        zh = f"已提名将账号 {login} 与 {identity.slug} 关联；按现行规则须由另一人在账号页确认，确认后才能登录。"
        en = (
            f"{login} was proposed to be tied to {identity.slug}; by the rules in force another"
            " person confirms it on the page of the log-in before it opens anything."
        )
        return zh, en
    return f"账号 {login} 已关联 {identity.slug}。", f"{login} is tied to {identity.slug}."


def read(office: Office, text: str) -> Identity:
    """Return an identity given as text; stop for what is none, or is of no place that is set."""
    kind, _, name = text.partition(":")
    if kind not in KINDS or not 0 < len(name.strip()) <= NAME_CHARS_MAX or not name.isprintable():
        raise Stop(
            Words(
                f"统一身份写作 oidc:标识 或 ldap:名字：{text}",
                f"An identity is written oidc:SUBJECT or ldap:UID: {text}",
            ),
            USAGE,
        )
    identity = office.signing.identity(kind, name)
    if identity is None:
        raise Stop(
            Words(
                f"没有设置 {SETTING[kind]}，不知道 {text} 是哪里的身份。请先设置，再关联。",
                f"{SETTING[kind]} is not set, so nobody knows whose {text} is. Set it first.",
            )
        )
    return identity


def known(office: Office, login: str) -> str:
    """Return a log-in as it is kept; stop when there is none."""
    account = office.accounts.find(login.casefold())
    if account is None:
        raise Stop(Words(f"没有可用的账号 {login}。", f"There is no open log-in {login}."), REFUSED)
    return account.login


def taken(identity: Identity) -> Stop:
    """Return the refusal of an identity that is somebody else's."""
    return Stop(
        Words(
            f"统一身份 {identity.slug} 已属于另一账号；一个身份只归一个账号。请先 gongwu account unbind。",
            f"{identity.slug} is another log-in's, and an identity has one alone. Untie it first:"
            " gongwu account unbind.",
        ),
        REFUSED,
    )


def second(login: str, kind: str) -> Stop:
    """Return the refusal of a second identity in one place."""
    return Stop(
        Words(
            f"账号 {login} 已有一个 {kind} 身份；请先 gongwu account unbind，再关联新的。",
            f"{login} has an {kind} identity already. Untie that first (gongwu account unbind), then"
            " tie the new one.",
        ),
        REFUSED,
    )
