"""Who may sign in: every act on a log-in is an entry, with whom it concerns and why.

One stream for each act. Nobody asks for it at a door: the door that opens, closes or resets
something writes it down beside. No log-in name, address, password or secret is in the log, only
the id of the person; what a token is called stays outside as well.
"""

from __future__ import annotations

from datetime import date
from typing import TypeAlias, assert_never

import msgspec

from domain.decider import Event, Lang, Lifecycle, Occasion, Rule
from domain.values import Code, Given, Name, PersonId, Text, UnitId
from domain.words import Role, Words


class Access(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One act: what was done, and about whom; nobody where it concerns another system."""

    act: str = ""
    person: str = ""

    def describe(self, lang: Lang) -> str:
        """Say about whom it was."""
        if not self.act:
            return "没有办理" if lang == "zh" else "Nothing was done"
        if not self.person:
            return "关于其他系统" if lang == "zh" else "About another system"
        return f"关于 {self.person}" if lang == "zh" else f"About {self.person}"


lifecycle: Lifecycle[Access] = Lifecycle("access", Access, Words("账号管理", "Administration"))

# What happened ----------------------------------------------------------------


class LogInOpened(
    Event,
    name="access.log_in_opened",
    zh="为{person}开立账号，单位：{unit}",
    en="A log-in was opened for {person} of {unit}",
):
    """Somebody may sign in as this person; what they may act as is said in `person/…`."""

    person: PersonId
    unit: UnitId


class LogInClosed(
    Event,
    name="access.log_in_closed",
    zh="停用{person}的账号，登录和令牌全部终止：{reason}",
    en="A log-in of {person} was closed, with its sessions and tokens: {reason}",
):
    """Nobody signs in by it any more."""

    person: PersonId
    reason: Text


class LogInReopened(
    Event,
    name="access.log_in_reopened",
    zh="重新启用{person}的账号：{reason}",
    en="A log-in of {person} was opened again: {reason}",
):
    """What had ended with it stays ended."""

    person: PersonId
    reason: Text


class PasswordReset(
    Event,
    name="access.password_reset",
    zh="重设{person}的密码（一次性，登录后须修改）：{reason}",
    en="{person} was given a one-time password: {reason}",
):
    """Whoever reset it knows it, so it opens nothing but its own change."""

    person: PersonId
    reason: Text


class PasswordChanged(
    Event,
    name="access.password_changed",
    zh="{person}修改了自己的密码",
    en="{person} changed their password",
):
    """By the person, who knew the old one."""

    person: PersonId


class FactorSet(
    Event,
    name="access.factor_set",
    zh="{person}启用第二因素",
    en="{person} set up a second factor",
):
    """A code of their device is asked for from now on."""

    person: PersonId


class FactorRemoved(
    Event,
    name="access.factor_removed",
    zh="解除{person}的第二因素：{reason}",
    en="The second factor of {person} was taken off: {reason}",
):
    """No code is asked for until another is set up."""

    person: PersonId
    reason: Text


class RecoveryDrawn(
    Event,
    name="access.recovery_drawn",
    zh="{person}更换了恢复码",
    en="{person} drew new recovery codes",
):
    """The former ones open nothing any more."""

    person: PersonId


class SessionsEnded(
    Event,
    name="access.sessions_ended",
    zh="强制{person}退出登录{count}处：{reason}",
    en="{person} was signed out in {count} places: {reason}",
):
    """They may sign in again."""

    person: PersonId
    count: int
    reason: Text


class TokenMade(
    Event,
    name="access.token_made",
    zh="{person}新建令牌 {token}，用途：{scopes}，有效至{until}",
    en="{person} made the token {token} to {scopes}, good until {until}",
):
    """A program may act as this person, as far as the scopes go."""

    person: PersonId
    token: Code
    scopes: Code
    until: date


class TokenRevoked(
    Event,
    name="access.token_revoked",
    zh="撤销{person}的令牌 {token}：{reason}",
    en="The token {token} of {person} was revoked: {reason}",
):
    """It opens nothing any more."""

    person: PersonId
    token: Code
    reason: Text


class IdentityTied(
    Event,
    name="access.identity_tied",
    zh="将{person}的账号与其统一身份关联，来自 {provider}",
    en="A log-in of {person} was tied to their identity at {provider}",
):
    """Who is that person there signs in as this one here. What they are called there is not told."""

    person: PersonId
    kind: Code
    provider: Text


class IdentityProposed(
    Event,
    name="access.identity_proposed",
    zh="提名将{person}的账号与其统一身份关联，来自 {provider}，待另一人确认",
    en="A log-in of {person} was proposed to be tied to their identity at {provider}; another person"
    " confirms it",
):
    """Nobody signs in by it yet: another confirms it first."""

    person: PersonId
    kind: Code
    provider: Text


class IdentityConfirmed(
    Event,
    name="access.identity_confirmed",
    zh="确认{proposer}的提名：{person}的账号与其统一身份关联，来自 {provider}",
    en="What {proposer} proposed was confirmed: a log-in of {person} was tied to their identity at"
    " {provider}",
):
    """Who is that person there signs in as this one here; two persons wanted it so."""

    person: PersonId
    kind: Code
    provider: Text
    proposer: PersonId


class IdentityDeclined(
    Event,
    name="access.identity_declined",
    zh="不同意{proposer}的提名，{person}的账号不与统一身份关联，来自 {provider}：{reason}",
    en="What {proposer} proposed was declined: a log-in of {person} was not tied to an identity at"
    " {provider}: {reason}",
):
    """What was proposed does not come about."""

    person: PersonId
    kind: Code
    provider: Text
    proposer: PersonId
    reason: Text


class IdentityUntied(
    Event,
    name="access.identity_untied",
    zh="解除{person}的账号与统一身份的关联，来自 {provider}：{reason}",
    en="A log-in of {person} was untied from their identity at {provider}: {reason}",
):
    """Nobody signs in by it any more, and the sessions have ended."""

    person: PersonId
    kind: Code
    provider: Text
    reason: Text


class WebhookAdded(
    Event,
    name="access.webhook_added",
    zh="订阅推送“{name}”（{webhook}），送往{address}",
    en="What is recorded is sent to “{name}” ({webhook}) at {address}",
):
    """What is recorded goes to another system; the address is its host alone, the secret nowhere."""

    webhook: Code
    name: Name
    address: Name


class WebhookPaused(
    Event,
    name="access.webhook_paused",
    zh="暂停推送“{name}”（{webhook}），送往{address}",
    en="Nothing more is sent to “{name}” ({webhook}) at {address} until it is resumed",
):
    """What is recorded meanwhile waits."""

    webhook: Code
    name: Name
    address: Name


class WebhookResumed(
    Event,
    name="access.webhook_resumed",
    zh="继续推送“{name}”（{webhook}），送往{address}",
    en="What is recorded is sent to “{name}” ({webhook}) at {address} again",
):
    """It goes on where it stopped."""

    webhook: Code
    name: Name
    address: Name


class WebhookEnded(
    Event,
    name="access.webhook_ended",
    zh="终止推送“{name}”（{webhook}），送往{address}，密钥已销毁",
    en="Nothing is sent to “{name}” ({webhook}) at {address} any more; its secret is destroyed",
):
    """The other system hears of nothing any more."""

    webhook: Code
    name: Name
    address: Name


AccessEvent: TypeAlias = (
    LogInOpened
    | LogInClosed
    | LogInReopened
    | PasswordReset
    | PasswordChanged
    | FactorSet
    | FactorRemoved
    | RecoveryDrawn
    | SessionsEnded
    | TokenMade
    | TokenRevoked
    | IdentityTied
    | IdentityProposed
    | IdentityConfirmed
    | IdentityDeclined
    | IdentityUntied
    | WebhookAdded
    | WebhookPaused
    | WebhookResumed
    | WebhookEnded
)

# Where that leaves us ---------------------------------------------------------


def evolve(_: Access, event: AccessEvent) -> Access:
    """What an event means. Never refuses: it already happened."""
    match event:
        case (
            LogInOpened()
            | LogInClosed()
            | LogInReopened()
            | PasswordReset()
            | PasswordChanged()
            | FactorSet()
            | FactorRemoved()
            | RecoveryDrawn()
            | SessionsEnded()
            | TokenMade()
            | TokenRevoked()
            | IdentityTied()
            | IdentityProposed()
            | IdentityConfirmed()
            | IdentityDeclined()
            | IdentityUntied()
        ):
            return Access(act=event.type_name, person=event.person)
        case WebhookAdded() | WebhookPaused() | WebhookResumed() | WebhookEnded():
            return Access(act=event.type_name)
        case _:
            assert_never(event)


lifecycle.part(AccessEvent, evolve)

# What may be asked ------------------------------------------------------------

SYSTEM = frozenset({Role.ADMIN})
SECURITY = frozenset({Role.SECURITY})


def may_system(occasion: Occasion) -> bool:
    """Answer whether somebody keeps the log-ins."""
    return occasion.role in SYSTEM


def may_security(occasion: Occasion) -> bool:
    """Answer whether somebody keeps sessions, tokens and second factors.

    Where administrators are not apart, the system administrator does that as well.
    """
    apart = occasion.policy.administrators_apart
    return occasion.role in SECURITY or (occasion.role in SYSTEM and not apart)


BY_SYSTEM = Rule(
    slug="not-system-administrator",
    zh="账号由系统管理员办理。",
    en="Log-ins are the system administrator's to keep.",
    holds=lambda _, occasion: may_system(occasion),
)
BY_SECURITY = Rule(
    slug="not-security-administrator",
    zh="登录会话、令牌和第二因素由安全管理员办理；三员未分设时，系统管理员也可办理。",
    en="Sessions, tokens and second factors are the security administrator's; the system"
    " administrator's too where the administrators are not apart.",
    holds=lambda _, occasion: may_security(occasion),
)
NOT_MINE = Rule(
    slug="own-log-in",
    zh="不能对自己的账号这样办理；请由另一名管理员办理，自己的设置在“我的账号”。",
    en="Nobody does this to a log-in of their own: another administrator does, and what is your own"
    " to change is on the page of your account.",
    law="《行政事业性国有资产管理条例》第51条",
)
OWN_ALONE = Rule(
    slug="not-own-log-in",
    zh="只有本人能这样办理。",
    en="Only the person may do this.",
)
TIE_TAKES_TWO = Rule(
    slug="identity-needs-two",
    zh="按现行规则，关联统一身份与授予要紧的岗位一样，须由两人办理：先提名，再由另一人确认。",
    en="By the rules in force tying an identity takes two persons, as a role that matters does:"
    " propose it, and have another person confirm it.",
    law="《行政事业性国有资产管理条例》第51条",
)
BY_CONFIRMER = Rule(
    slug="not-identity-confirmer",
    zh="统一身份的关联由安全管理员确认；三员未分设时，另一名系统管理员也可确认。",
    en="The security administrator confirms that an identity is tied; another system administrator"
    " may where the administrators are not apart.",
    holds=lambda _, occasion: may_security(occasion),
)
BY_EITHER = Rule(
    slug="not-identity-keeper",
    zh="提名的关联由系统管理员撤回，或由安全管理员不同意。",
    en="The system administrator takes back what was proposed, or the security administrator"
    " declines it.",
    holds=lambda _, occasion: may_system(occasion) or may_security(occasion),
)
ANOTHER_CONFIRMS = Rule(
    slug="own-identity-proposal",
    zh="提名人和账号的本人都不能确认；请由另一人确认。",
    en="Neither who proposed it nor whose log-in it is confirms it; another person does.",
    law="《行政事业性国有资产管理条例》第51条",
)


def takes_two(occasion: Occasion) -> bool:
    """Answer whether tying an identity takes two persons: where any role does."""
    return bool(occasion.policy.confirmed_roles)


def others(occasion: Occasion, person: str) -> None:
    """Refuse who would do it to themselves; raise Refused."""
    if person == occasion.by:
        raise NOT_MINE.broken()


def own(occasion: Occasion, person: str) -> None:
    """Refuse who would do it for another; raise Refused."""
    if person != occasion.by:
        raise OWN_ALONE.broken()


@lifecycle.verb(BY_SYSTEM, zh="开立账号", en="Open a log-in", inner=True)
def open_log_in(_: Access, __: Occasion, *, person: PersonId, unit: UnitId) -> LogInOpened:
    """Let a person sign in."""
    return LogInOpened(person=person, unit=unit)


@lifecycle.verb(BY_SYSTEM, zh="停用账号", en="Close a log-in", inner=True)
def close_log_in(_: Access, occasion: Occasion, *, person: PersonId, reason: Given) -> LogInClosed:
    """Let a person sign in no longer, and end what goes on."""
    others(occasion, person)
    return LogInClosed(person=person, reason=reason)


@lifecycle.verb(BY_SYSTEM, zh="重新启用账号", en="Open a log-in again", inner=True)
def reopen_log_in(
    _: Access, occasion: Occasion, *, person: PersonId, reason: Given
) -> LogInReopened:
    """Let a person sign in again."""
    others(occasion, person)
    return LogInReopened(person=person, reason=reason)


@lifecycle.verb(BY_SYSTEM, zh="重设密码", en="Reset a password", inner=True)
def reset_password(
    _: Access, occasion: Occasion, *, person: PersonId, reason: Given
) -> PasswordReset:
    """Give a one-time password, which must be changed at once."""
    others(occasion, person)
    return PasswordReset(person=person, reason=reason)


@lifecycle.verb(zh="修改密码", en="Change the password", inner=True)
def change_password(_: Access, occasion: Occasion, *, person: PersonId) -> PasswordChanged:
    """Take another password of one's own."""
    own(occasion, person)
    return PasswordChanged(person=person)


@lifecycle.verb(zh="启用第二因素", en="Set up a second factor", inner=True)
def set_factor(_: Access, occasion: Occasion, *, person: PersonId) -> FactorSet:
    """Have a code of one's device asked for."""
    own(occasion, person)
    return FactorSet(person=person)


@lifecycle.verb(zh="停用第二因素", en="Take off one's second factor", inner=True)
def stop_factor(_: Access, occasion: Occasion, *, person: PersonId, reason: Given) -> FactorRemoved:
    """Have no code asked for any more."""
    own(occasion, person)
    return FactorRemoved(person=person, reason=reason)


@lifecycle.verb(BY_SECURITY, zh="解除第二因素", en="Reset a second factor", inner=True)
def reset_factor(
    _: Access, occasion: Occasion, *, person: PersonId, reason: Given
) -> FactorRemoved:
    """Take off the second factor of somebody whose device is lost."""
    others(occasion, person)
    return FactorRemoved(person=person, reason=reason)


@lifecycle.verb(zh="更换恢复码", en="Draw recovery codes", inner=True)
def draw_recovery(_: Access, occasion: Occasion, *, person: PersonId) -> RecoveryDrawn:
    """Draw new recovery codes of one's own."""
    own(occasion, person)
    return RecoveryDrawn(person=person)


@lifecycle.verb(BY_SECURITY, zh="强制退出登录", en="End sessions", inner=True)
def end_sessions(
    _: Access, __: Occasion, *, person: PersonId, count: int, reason: Given
) -> SessionsEnded:
    """Sign a person out wherever they are."""
    return SessionsEnded(person=person, count=count, reason=reason)


@lifecycle.verb(zh="新建令牌", en="Make a token", inner=True)
def make_token(
    _: Access, occasion: Occasion, *, person: PersonId, token: Code, scopes: Code, until: date
) -> TokenMade:
    """Let a program act in one's name."""
    own(occasion, person)
    return TokenMade(person=person, token=token, scopes=scopes, until=until)


@lifecycle.verb(zh="撤销令牌", en="Revoke a token", inner=True)
def revoke_token(
    _: Access, occasion: Occasion, *, person: PersonId, token: Code, reason: Given
) -> TokenRevoked:
    """End a token: its owner does, or whoever keeps tokens."""
    if person != occasion.by and not may_security(occasion):
        raise BY_SECURITY.broken()
    return TokenRevoked(person=person, token=token, reason=reason)


@lifecycle.verb(BY_SYSTEM, zh="关联统一身份", en="Tie an identity", inner=True)
def tie_identity(
    _: Access, occasion: Occasion, *, person: PersonId, kind: Code, provider: Given
) -> IdentityTied:
    """Let a person sign in by what a provider or a directory says of them.

    It gives somebody a way in: where any role takes two persons, so does this.
    """
    others(occasion, person)
    if takes_two(occasion):
        raise TIE_TAKES_TWO.broken()
    return IdentityTied(person=person, kind=kind, provider=provider)


@lifecycle.verb(zh="关联自己的统一身份", en="Tie one's own identity", inner=True)
def tie_own_identity(
    _: Access, occasion: Occasion, *, person: PersonId, kind: Code, provider: Given
) -> IdentityTied:
    """Let oneself sign in by what a provider says, having proven both ways who one is."""
    own(occasion, person)
    return IdentityTied(person=person, kind=kind, provider=provider)


@lifecycle.verb(BY_SYSTEM, zh="提名关联统一身份", en="Propose to tie an identity", inner=True)
def propose_identity(
    _: Access, occasion: Occasion, *, person: PersonId, kind: Code, provider: Given
) -> IdentityProposed:
    """Propose that a person sign in by an identity; another person confirms it."""
    others(occasion, person)
    return IdentityProposed(person=person, kind=kind, provider=provider)


@lifecycle.verb(BY_CONFIRMER, zh="确认关联统一身份", en="Confirm to tie an identity", inner=True)
def confirm_identity(
    _: Access,
    occasion: Occasion,
    *,
    person: PersonId,
    kind: Code,
    provider: Given,
    proposer: PersonId,
) -> IdentityConfirmed:
    """Let a person sign in by what another proposed."""
    if occasion.by in (person, proposer):
        raise ANOTHER_CONFIRMS.broken()
    return IdentityConfirmed(person=person, kind=kind, provider=provider, proposer=proposer)


@lifecycle.verb(BY_EITHER, zh="不同意关联统一身份", en="Decline to tie an identity", inner=True)
def decline_identity(
    _: Access,
    __: Occasion,
    *,
    person: PersonId,
    kind: Code,
    provider: Given,
    proposer: PersonId,
    reason: Given,
) -> IdentityDeclined:
    """Let what was proposed not come about; who proposed it may take it back so."""
    return IdentityDeclined(
        person=person, kind=kind, provider=provider, proposer=proposer, reason=reason
    )


@lifecycle.verb(BY_SYSTEM, zh="解除统一身份", en="Untie an identity", inner=True)
def untie_identity(
    _: Access,
    occasion: Occasion,
    *,
    person: PersonId,
    kind: Code,
    provider: Given,
    reason: Given,
) -> IdentityUntied:
    """Let a person sign in by it no longer, and end what goes on."""
    others(occasion, person)
    return IdentityUntied(person=person, kind=kind, provider=provider, reason=reason)


@lifecycle.verb(BY_SYSTEM, zh="订阅推送", en="Subscribe a system", inner=True)
def add_webhook(
    _: Access, __: Occasion, *, webhook: Code, name: Name, address: Name
) -> WebhookAdded:
    """Let another system hear of what is recorded."""
    return WebhookAdded(webhook=webhook, name=name, address=address)


@lifecycle.verb(BY_SYSTEM, zh="暂停推送", en="Pause a webhook", inner=True)
def pause_webhook(
    _: Access, __: Occasion, *, webhook: Code, name: Name, address: Name
) -> WebhookPaused:
    """Send nothing until it is resumed."""
    return WebhookPaused(webhook=webhook, name=name, address=address)


@lifecycle.verb(BY_SYSTEM, zh="继续推送", en="Resume a webhook", inner=True)
def resume_webhook(
    _: Access, __: Occasion, *, webhook: Code, name: Name, address: Name
) -> WebhookResumed:
    """Send again, beginning with what waits."""
    return WebhookResumed(webhook=webhook, name=name, address=address)


@lifecycle.verb(BY_SYSTEM, zh="终止推送", en="End a webhook", inner=True)
def end_webhook(
    _: Access, __: Occasion, *, webhook: Code, name: Name, address: Name
) -> WebhookEnded:
    """Send nothing any more."""
    return WebhookEnded(webhook=webhook, name=name, address=address)
