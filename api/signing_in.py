"""Every way in: a password kept here, a directory's, a provider's word. All end at one account."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from api.accounts import Account, Accounts, Post
from api.elsewhere import ELSEWHERE_ONLY, UNPROVEN, Elsewhere
from api.identities import Identities, Identity
from api.settings import Settings
from api.settings_sign import Unusable
from domain.words import Role

if TYPE_CHECKING:
    from api.ldap import Directory
    from api.oidc import Provider

log = logging.getLogger("gongwu.sign_in")


class SigningIn:
    """The ways into one installation. Threads may share it."""

    def __init__(
        self,
        accounts: Accounts,
        settings: Settings,
        posts: Callable[[Account], Sequence[Post]],
    ) -> None:
        self.accounts, self.settings, self._posts = accounts, settings, posts
        self.identities = Identities(accounts.engine, accounts.clock)

    # Few installations have these: what they need is loaded when somebody first asks.
    @cached_property
    def provider(self) -> Provider | None:
        """Return the provider of identities, when one is set."""
        if self.settings.oidc is None:
            return None
        from api.oidc import Provider

        return Provider(self.settings.oidc, self.accounts.clock)

    @cached_property
    def directory(self) -> Directory | None:
        """Return the directory that checks passwords, when one is set."""
        if self.settings.ldap is None:
            return None
        from api.ldap import Directory

        return Directory(self.settings.ldap)

    @property
    def takes_passwords(self) -> bool:
        """Tell whether people ordinarily type a password, ours or the directory's."""
        return self.settings.local_login or self.settings.ldap is not None

    def identity(self, kind: str, name: str) -> Identity | None:
        """Return a name given elsewhere as an identity; None where no such place is set.

        A directory does not tell upper from lower case; a provider does.
        """
        place = {"oidc": self.settings.oidc, "ldap": self.settings.ldap}.get(kind)
        if place is None:
            return None
        said = name.strip().casefold() if kind == "ldap" else name
        return Identity(kind=kind, name=said, source=place.source)

    def believes(self, identity: Identity) -> bool:
        """Tell whether an identity is of a place that is set now."""
        place = {"oidc": self.settings.oidc, "ldap": self.settings.ldap}.get(identity.kind)
        return place is not None and place.source == identity.source

    def known_as(self, kind: str, name: str) -> Account | None:
        """Return the open log-in that has an identity; None when none has."""
        identity = self.identity(kind, name)
        login = self.identities.login_of(identity) if identity is not None else ""
        return self.accounts.find(login) if login else None

    def check(self, login: str, password: str, address: str = "") -> Account | None:
        """Return the account when the password is right, else None.

        What is typed is a log-in; where no log-in has that name, a name of the directory. A log-in
        with a name in the directory has its password there and nowhere else.
        Raise TooManyTries; Elsewhere when the directory is away, or passwords of ours are off.
        """
        login = login.strip().casefold()[:80]
        name = self._in_directory(login)
        if name:
            login = self.identities.login_of(name) or login
            return self._by_directory(login, name, password, address)
        if not self.settings.local_login and login != self.settings.break_glass:
            raise Elsewhere(403, ELSEWHERE_ONLY)
        account = self.accounts.check(login, password, address)
        if account is not None and not self.settings.local_login:
            if Role.ADMIN not in {post.role for post in self._posts(account)}:
                raise Elsewhere(403, ELSEWHERE_ONLY, "the emergency log-in is no administrator's")
            log.warning("the emergency log-in was used from %s", address or "this machine")
        return account

    def ended_elsewhere(self, word: str) -> int:
        """End the sessions that the provider says are over; return how many. Raise Elsewhere."""
        from api.oidc import ENDED_SECONDS, SKEW_SECONDS

        assert self.provider is not None
        ended = self.provider.ended(word)
        kept = timedelta(seconds=ENDED_SECONDS + 3 * SKEW_SECONDS)
        if not self.identities.first(ended.once, kept):
            raise Elsewhere(400, UNPROVEN, "the same word of good-bye came before")
        count = self.accounts.end_vouched(ended.gone)
        account = self.known_as("oidc", ended.name) if ended.name else None
        # All of a person is over there: however else they came in, they are signed out here.
        return count + (self.accounts.end_sittings(account.login) if account is not None else 0)

    def first_post(self, posts: Sequence[Post], groups: Sequence[str] = ()) -> Post | None:
        """Return what to act as at first: of the posts somebody has, one that a group names.

        A group gives nothing: who has no such post here enters as what they are.
        """
        named = self.settings.oidc.groups if self.settings.oidc is not None else {}
        wanted = {named[group] for group in groups if group in named}
        return next((p for p in posts if p.role in wanted), next(iter(posts), None))

    def _in_directory(self, login: str) -> Identity | None:
        if self.settings.ldap is None:
            return None
        source = self.settings.ldap.source
        if self.accounts.taken(login):
            own = self.identities.of(login)
            return next((i for i in own if (i.kind, i.source) == ("ldap", source)), None)
        named = self.identity("ldap", login)
        return named if named is not None and self.identities.login_of(named) else None

    def _by_directory(
        self, login: str, name: Identity, password: str, address: str
    ) -> Account | None:
        self.accounts.refuse_flood(login, address)
        account = self.accounts.find(login)
        directory = self.directory
        assert directory is not None
        if account is None or not directory.check(name.name, password):
            self.accounts.note_failure(login, address)
            return None
        self.accounts.forgive(login)
        return account


def prove(settings: Settings) -> None:
    """Look at how people sign in before anybody does; raise Unusable for what cannot work."""
    try:
        if settings.oidc is not None:
            ssl.create_default_context(cafile=settings.oidc.ca)
        if settings.ldap is not None:
            from api.ldap import Directory

            Directory(settings.ldap)
    except OSError as trouble:
        raise Unusable(
            f"读不了 GONGWU_OIDC_CA 或 GONGWU_LDAP_CA 所指的证书文件：{trouble}",
            f"The certificates that GONGWU_OIDC_CA or GONGWU_LDAP_CA name cannot be read: {trouble}",
        ) from None
    if settings.oidc is None and settings.ldap is None and not settings.local_login:
        raise Unusable(
            "GONGWU_LOCAL_LOGIN=false 停用了本系统的密码，却没有设置统一身份认证（GONGWU_OIDC_ISSUER）"
            "或目录服务（GONGWU_LDAP_URL）：谁也登录不了。",
            "GONGWU_LOCAL_LOGIN=false switches passwords off, and there is neither a provider"
            " (GONGWU_OIDC_ISSUER) nor a directory (GONGWU_LDAP_URL): nobody could sign in.",
        )
