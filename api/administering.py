"""Acts on log-ins: each is decided by the rules, written down in the log, and then done.

What is written down names people by id alone (`domain/access.py`). It is written first: nothing is
done to a log-in of which the log knows nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import msgspec

from api.accounts import Account
from api.identities import NAME_CHARS_MAX, Identity, Taken, Waiting
from api.office import Actor, Office
from api.tokens import Token
from api.webhooks import Hook
from domain.access import lifecycle, takes_two
from domain.decider import Event
from domain.policy import Policy
from domain.words import Role, Words
from ledger.book import new_id
from ledger.entry import Draft, Via


class Unknown(LookupError):
    """There is no such log-in."""


class Unfit(ValueError):
    """What was asked cannot be, and why."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.words = Words(zh, en)


class AlreadyDone(Exception):
    """The same request came before, and was done then; what was shown once is not shown again."""

    words = Words(
        "同一请求已经办理过；只显示一次的内容不再显示。请换一个 Idempotency-Key 再办。",
        "The same request was done before; what is shown once is not shown again. Use another"
        " Idempotency-Key to do it anew.",
    )


class Tied(msgspec.Struct, frozen=True, kw_only=True):
    """An identity of a log-in as administrators see it.

    `kind` of place, which one it is, what it calls the person, since when (UTC; empty where nobody
    knows), and whether anybody can sign in by it: only what the settings name is believed.
    """

    kind: str
    provider: str
    name: str
    since: str
    believed: bool


class Awaited(msgspec.Struct, frozen=True, kw_only=True):
    """An identity that waits for a second person: its `id`, whose word it has, since when (UTC)."""

    id: str
    kind: str
    provider: str
    name: str
    proposer: str
    at: str


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A log-in as administrators see it."""

    login: str
    person: str
    unit: str
    roles: tuple[str, ...]
    closed: bool
    one_time: bool  # the password must be changed first
    second_factor: str  # since when (UTC); empty where there is none
    sessions: int
    tokens: int
    identities: tuple[Tied, ...] = ()  # what they are called elsewhere
    waiting: tuple[Awaited, ...] = ()  # and what another person has to confirm first


def note(
    office: Office, actor: Actor, verb: str, form: Mapping[str, Any], how: Mapping[str, str]
) -> int:
    """Decide an act and write it down; return the position. Raise Refused, Unavailable.

    `how` may hold the `key` of a request that may come again: raise AlreadyDone when it did.
    """
    context = {name: said for name, said in how.items() if name != "key"}
    now = office.now(actor.zone)
    occasion = office.occasion(actor, now.date())
    (fact,) = lifecycle.decide(lifecycle.state(), verb, occasion, form, asked=True)
    assert isinstance(fact, Event)
    cause = new_id("cmd")
    draft = Draft(
        stream=f"access/{new_id()}",
        seq=1,
        event=fact,
        actor=actor.person,
        cause=cause,
        effective_at=now.isoformat(timespec="seconds"),
        via=Via(
            unit=actor.unit,
            role=actor.role,
            channel=how.get("channel", ""),
            request=how.get("request", ""),
            policy=occasion.policy.reference,
        ),
        behalf=actor.behalf,
    )
    with office.writing():
        receipt = office.book.append(
            [draft],
            actor=actor.person,
            cause=cause,
            key=how.get("key") or None,
            fingerprint=sha256(repr((verb, sorted(form.items()))).encode()).hexdigest(),
            context=context,
        )
    if receipt.replayed:
        raise AlreadyDone
    office.show(receipt.last)
    return receipt.last


def standings(office: Office) -> list[Standing]:
    """Return every log-in with what administrators ask of it, by name."""
    accounts = office.accounts
    factors = accounts.factors.all_since()
    sessions = _counted(s.login for s in accounts.sittings())
    tokens = _counted(t.login for t in accounts.tokens.all())
    waiting = accounts.one_time()
    tied = office.signing.identities.all()
    proposed: dict[str, list[Awaited]] = {}
    for one in office.signing.identities.waiting():
        of = one.identity
        proposed.setdefault(one.login, []).append(
            Awaited(
                id=one.id,
                kind=of.kind,
                provider=of.place,
                name=of.name,
                proposer=one.proposer,
                at=one.at,
            )
        )
    return [
        Standing(
            login=a.login,
            person=a.person,
            unit=a.unit,
            roles=tuple(dict.fromkeys(p.role for p in office.posts(a))) if not closed else (),
            closed=closed,
            one_time=a.login in waiting,
            second_factor=factors.get(a.login, ""),
            sessions=sessions.get(a.login, 0),
            tokens=tokens.get(a.login, 0),
            identities=told_of(office, tied.get(a.login, ())),
            waiting=tuple(proposed.get(a.login, ())),
        )
        for a, closed in accounts.everybody()
    ]


def told_of(office: Office, identities: Iterable[Identity]) -> tuple[Tied, ...]:
    """Return identities with whether they open anything now."""
    return tuple(
        Tied(
            kind=one.kind,
            provider=one.place,
            name=one.name,
            since=one.since,
            believed=office.signing.believes(one),
        )
        for one in identities
    )


def known(office: Office, login: str) -> tuple[Account, bool]:
    """Return a log-in and whether it is closed; raise Unknown."""
    for account, closed in office.accounts.everybody():
        if account.login == login.casefold():
            return account, closed
    raise Unknown(login)


# Webhooks -------------------------------------------------------------------------


def subscribe(
    office: Office, actor: Actor, how: Mapping[str, str], name: str, url: str, *,
    kinds: Sequence[str] = (), unit: str = "", start: int | None = None,
) -> tuple[Hook, str]:  # fmt: skip
    """Subscribe a system; return it with its secret, said once. Raise Wrong, Refused."""
    hooks = office.webhooks
    made = hooks.checked(name, url, actor.person, kinds=kinds, unit=unit, start=start)
    note(office, actor, "add_webhook", named(made), how)
    return hooks.keep(made, from_now=start is None)


def tend(office: Office, actor: Actor, how: Mapping[str, str], id_: str, step: str) -> Hook:
    """Pause, resume or end a subscription. Raise NoSuch, Refused."""
    hooks = office.webhooks
    hook = hooks.find(id_)
    note(office, actor, f"{step}_webhook", named(hook), how)
    does = {"pause": hooks.pause, "resume": hooks.resume, "end": hooks.end}
    return does[step](hook.id)


def named(hook: Hook) -> dict[str, str]:
    """Return what the log says of a subscription: of its address the host, for the rest may be secret."""
    parts = urlsplit(hook.url)
    port = f":{parts.port}" if parts.port else ""
    host = f"{parts.scheme}://{parts.hostname}{port}"
    return {"webhook": hook.id, "name": hook.name, "address": host}


# What administrators do -----------------------------------------------------------


def open_log_in(
    office: Office,
    actor: Actor,
    how: Mapping[str, str],
    *,
    login: str,
    person: str,
    name: str,
    unit: str,
    name_en: str = "",
    locale: str = "zh",
) -> str:
    """Open a log-in without any role; return its one-time password. Raise Unfit, Refused.

    What the person may act as is said of the person (`person/…`), by whoever grants roles.
    """
    if office.accounts.taken(login):
        raise Unfit(
            f"账号 {login} 已经存在（停用的账号名也不再用）。",
            f"The log-in {login} exists already (a closed one is not used again).",
        )
    note(office, actor, "open_log_in", {"person": person, "unit": unit}, how)
    accounts = office.accounts
    password = accounts.drawn_password()
    accounts.create(login, password, person, name, unit, (), locale, name_en=name_en)
    accounts.mark_one_time(login.casefold())
    stream = f"person/{person}"
    if accounts.bound_name(person) != office.book.stream(stream).state.name:
        via: dict[str, Any] = {name: said for name, said in how.items() if name != "key"}
        office.ask(stream, "record_name", {}, actor, **via)
    return password


def close(office: Office, actor: Actor, how: Mapping[str, str], login: str, reason: str) -> None:
    """Close a log-in with its sessions and tokens."""
    account, closed = known(office, login)
    if closed:
        raise Unfit("账号已经停用。", "The log-in is closed already.")
    note(office, actor, "close_log_in", {"person": account.person, "reason": reason}, how)
    office.accounts.disable(account.login)


def reopen(office: Office, actor: Actor, how: Mapping[str, str], login: str, reason: str) -> None:
    """Open a closed log-in again."""
    account, closed = known(office, login)
    if not closed:
        raise Unfit("账号没有停用。", "The log-in is not closed.")
    note(office, actor, "reopen_log_in", {"person": account.person, "reason": reason}, how)
    office.accounts.enable(account.login)


def reset_password(
    office: Office, actor: Actor, how: Mapping[str, str], login: str, reason: str
) -> str:
    """Give a log-in a one-time password; return it, this once."""
    account, _ = known(office, login)
    note(office, actor, "reset_password", {"person": account.person, "reason": reason}, how)
    return office.accounts.reset_password(account.login)


def reset_factor(
    office: Office, actor: Actor, how: Mapping[str, str], login: str, reason: str
) -> None:
    """Take off the second factor of a log-in, and sign it out."""
    account, _ = known(office, login)
    if not office.accounts.factors.since(account.login):
        raise Unfit("此账号没有第二因素。", "This log-in has no second factor.")
    note(office, actor, "reset_factor", {"person": account.person, "reason": reason}, how)
    office.accounts.forget_factor(account.login)
    office.accounts.end_sittings(account.login)


def end_sessions(
    office: Office, actor: Actor, how: Mapping[str, str], login: str, reason: str
) -> int:
    """Sign a log-in out everywhere; return in how many places it was."""
    account, _ = known(office, login)
    count = len(office.accounts.sittings(account.login))
    form = {"person": account.person, "count": count, "reason": reason}
    note(office, actor, "end_sessions", form, how)
    office.accounts.end_sittings(account.login)
    return count


def named_there(office: Office, kind: str, name: str) -> Identity:
    """Return an identity as somebody typed it; raise Unfit for what is none, or of no place set."""
    name = name.strip()
    if not 0 < len(name) <= NAME_CHARS_MAX or not name.isprintable():
        raise Unfit(
            f"请写明在那里的标识，1 至 {NAME_CHARS_MAX} 个字符。",
            f"Say what the person is called there, in 1 to {NAME_CHARS_MAX} characters.",
        )
    identity = office.signing.identity(kind, name)
    if identity is None:
        raise Unfit(
            "没有设置这种统一身份认证或目录服务；请先设置，再关联。",
            "No such provider or directory is set; set it first, then tie people to it.",
        )
    return identity


def refuse_taken(office: Office, identity: Identity, login: str) -> None:
    """Raise Unfit where an identity is another log-in's, or the log-in has another of its kind."""
    identities = office.signing.identities
    if identities.login_of(identity) not in ("", login):
        raise Unfit(
            "这个统一身份已属于另一账号；一个身份只归一个账号。请先在那个账号解除关联。",
            "This identity is another log-in's, and an identity has one alone. Untie it there first.",
        )
    same = (identity.kind, identity.source)
    if any((i.kind, i.source) == same and i.name != identity.name for i in identities.of(login)):
        raise Unfit(
            f"此账号已有一个 {identity.kind} 身份；请先解除，再关联新的。",
            f"This log-in has an {identity.kind} identity already. Untie it first, then tie the new"
            " one.",
        )


def tie(
    office: Office, actor: Actor, how: Mapping[str, str], login: str, one: Identity
) -> Waiting | None:
    """Tie an identity to a log-in; where that takes two persons, propose it and return what waits.

    Raise Unfit, Refused; the same again changes nothing.
    """
    account, closed = known(office, login)
    if closed:
        raise Unfit("账号已经停用，不能关联。", "The log-in is closed; nothing is tied to it.")
    identities = office.signing.identities
    refuse_taken(office, one, account.login)
    if identities.login_of(one) == account.login:
        return None
    form = {"person": account.person, "kind": one.kind, "provider": one.place}
    if takes_two(office.occasion(actor)):
        note(office, actor, "propose_identity", form, how)
        return identities.propose(one, account.login, actor.person)
    bound(office, actor, how, "tie_identity", form, account.login, one)
    return None


def tie_own(
    office: Office, actor: Actor, how: Mapping[str, str], login: str, one: Identity
) -> None:
    """Tie an identity that the person has just proven to be theirs. Raise Unfit, Refused."""
    account, _ = known(office, login)
    refuse_taken(office, one, account.login)
    if office.signing.identities.login_of(one) == account.login:
        return
    form = {"person": account.person, "kind": one.kind, "provider": one.place}
    bound(office, actor, how, "tie_own_identity", form, account.login, one)


def bound(
    office: Office,
    actor: Actor,
    how: Mapping[str, str],
    verb: str,
    form: Mapping[str, Any],
    login: str,
    one: Identity,
) -> None:
    """Tie an identity and write it down, both or neither. Raise Unfit, Refused."""
    identities = office.signing.identities
    try:
        identities.bind(one, login)  # the database alone knows whether it is free
    except Taken:
        refuse_taken(office, one, login)
        raise
    try:
        note(office, actor, verb, form, how)
    except BaseException:
        identities.part(one)  # what the log does not know opens nothing
        raise


def awaited(office: Office, login: str, id_: str) -> Waiting:
    """Return what was proposed for a log-in; raise Unfit where it waits no longer."""
    for one in office.signing.identities.waiting(login):
        if one.id == id_:
            return one
    raise waits_no_longer()


def waits_no_longer() -> Unfit:
    """Return the refusal of what somebody settled or replaced meanwhile."""
    return Unfit(
        "这项提名已经办理、撤回或被新的提名代替。",
        "This proposal was settled, taken back or replaced by another.",
    )


def confirm_tie(office: Office, actor: Actor, how: Mapping[str, str], login: str, id_: str) -> None:
    """Tie what another person proposed. Raise Unfit, Refused."""
    account, closed = known(office, login)
    one = awaited(office, account.login, id_)
    if closed:
        raise Unfit("账号已经停用，不能关联。", "The log-in is closed; nothing is tied to it.")
    refuse_taken(office, one.identity, account.login)
    form = proposal(account, one)
    with settled(office, one):
        bound(office, actor, how, "confirm_identity", form, account.login, one.identity)


def decline_tie(
    office: Office, actor: Actor, how: Mapping[str, str], login: str, id_: str, reason: str
) -> None:
    """Let what was proposed not come about. Raise Unfit, Refused."""
    account, _ = known(office, login)
    one = awaited(office, account.login, id_)
    with settled(office, one):
        note(office, actor, "decline_identity", proposal(account, one) | {"reason": reason}, how)


def proposal(account: Account, one: Waiting) -> dict[str, str]:
    """Return what the log says of a proposal that is settled."""
    of = one.identity
    return {
        "person": account.person,
        "kind": of.kind,
        "provider": of.place,
        "proposer": one.proposer,
    }


@contextmanager
def settled(office: Office, one: Waiting) -> Iterator[None]:
    """Settle a proposal with what is done in here, both or neither; raise Unfit when another did."""
    if not office.signing.identities.settle(one):
        raise waits_no_longer()
    try:
        yield
    except BaseException:
        office.signing.identities.resume(one)
        raise


def untie(
    office: Office, actor: Actor, how: Mapping[str, str], login: str, reason: str, *, kind: str
) -> None:
    """Untie the identities of one kind from a log-in, and sign it out."""
    account, _ = known(office, login)
    held = [one for one in office.signing.identities.of(account.login) if one.kind == kind]
    if not held:
        raise Unfit(
            "此账号没有关联这种统一身份。", "This log-in is tied to no identity of that kind."
        )
    for number, one in enumerate(held):
        part(office, actor, how if not number else {**how, "key": ""}, account, one, reason)


def part(
    office: Office,
    actor: Actor,
    how: Mapping[str, str],
    account: Account,
    one: Identity,
    reason: str,
) -> None:
    """Untie one identity from its log-in, and sign that out."""
    form = {"person": account.person, "kind": one.kind, "provider": one.place, "reason": reason}
    note(office, actor, "untie_identity", form, how)
    office.signing.identities.part(one)
    office.accounts.end_sittings(account.login)


def revoke(office: Office, actor: Actor, how: Mapping[str, str], token: Token, reason: str) -> None:
    """End a token, one's own or another's."""
    account, _ = known(office, token.login)
    form = {"person": account.person, "token": token.id, "reason": reason}
    note(office, actor, "revoke_token", form, how)
    office.accounts.tokens.revoke(token.id)


# What people do with their own ----------------------------------------------------


def make_token(
    office: Office,
    actor: Actor,
    how: Mapping[str, str],
    login: str,
    name: str,
    scopes: Iterable[str],
    days: int,
) -> tuple[str, Token]:
    """Make a token of one's own; return it whole, this once. Raise NotMade."""
    whole, token = office.accounts.tokens.make(login, name, scopes, days)
    form = {
        "person": actor.person,
        "token": token.id,
        "scopes": " ".join(token.scopes),
        "until": token.until[:10],
    }
    try:
        note(office, actor, "make_token", form, how)
    except BaseException:
        office.accounts.tokens.revoke(token.id)  # what the log does not know opens nothing
        raise
    return whole, token


def grants(policy: Policy) -> Role:
    """Return as what the console gives roles: whoever may open the database is no person."""
    return Role.SECURITY if policy.administrators_apart else Role.ADMIN


def _counted(logins: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for login in logins:
        found[login] = found.get(login, 0) + 1
    return found
