"""What an operator sets of log-ins that are kept elsewhere: a provider of identities, a directory."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import msgspec

from domain.words import Role, Words

LOOPBACK = ("127.0.0.1", "::1", "localhost")
CLAIMS = ("sub", "preferred_username", "email")
# Signed with a private key that the provider alone has. Never `none`, never a shared secret (HS…).
ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
)


class Unusable(ValueError):
    """A setting that cannot be meant; `words` says which and what to write."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.words = Words(zh, en)


class Oidc(msgspec.Struct, frozen=True, kw_only=True):
    """One provider of identities (OpenID Connect): the only one that is believed.

    `issuer` is its address, character for character as its own documents name it; `callback` the whole
    address of ours that it sends people back to, as it was registered there.
    `claim` is what tells people apart. `groups` names, by a group of the provider's, the role to
    act in at first; it grants nothing. With `second_factor` it is the provider that asks for a
    second factor, always; else one is asked for here unless its word says so (`amr`). `ca` is the certificate of the authority (PEM) under which
    the provider is believed, where the system does not know it.
    """

    issuer: str
    client: str
    secret: str = ""
    callback: str
    claim: str = "sub"
    scope: str = "openid"
    algorithms: tuple[str, ...] = ("RS256", "ES256", "PS256")
    title: str = ""
    ca: Path | None = None
    second_factor: bool = False
    groups_claim: str = "groups"
    groups: Mapping[str, str] = {}

    def __post_init__(self) -> None:
        for name, url in (("ISSUER", self.issuer), ("CALLBACK", self.callback)):
            if not is_guarded(url):
                raise Unusable(
                    f"GONGWU_OIDC_{name} 须为 https:// 开头的完整地址（仅本机可用 http）：{url or '未填'}",
                    f"GONGWU_OIDC_{name} must be a whole https:// address (http on this machine"
                    f" alone): {url or 'not given'}",
                )
        if not self.client:
            raise Unusable(
                "缺少 GONGWU_OIDC_CLIENT：请填写在身份提供方登记本系统时得到的客户端标识。",
                "GONGWU_OIDC_CLIENT is missing: give the client id under which the provider knows"
                " this system.",
            )
        if self.claim not in CLAIMS:
            raise Unusable(
                f"GONGWU_OIDC_CLAIM 须为 {'、'.join(CLAIMS)} 之一：{self.claim}",
                f"GONGWU_OIDC_CLAIM is one of {', '.join(CLAIMS)}: {self.claim}",
            )
        weak = [name for name in self.algorithms if name not in ALGORITHMS]
        if weak or not self.algorithms:
            said = " ".join(weak) or "—"
            raise Unusable(
                f"GONGWU_OIDC_ALGORITHMS 只能用非对称签名算法（{'、'.join(ALGORITHMS)}）：{said}",
                f"GONGWU_OIDC_ALGORITHMS takes signatures by a private key alone"
                f" ({', '.join(ALGORITHMS)}): {said}",
            )
        unknown = [role for role in self.groups.values() if role not in {r.value for r in Role}]
        if unknown:
            raise Unusable(
                f"GONGWU_OIDC_GROUPS 写作“组=岗位; 组=岗位”；没有岗位 {'、'.join(unknown)}。",
                f"GONGWU_OIDC_GROUPS is written GROUP=role; GROUP=role. There is no role"
                f" {', '.join(unknown)}.",
            )

    @property
    def source(self) -> str:
        """Return what makes a name of the provider's one person's: who says it, and as what."""
        return f"{self.issuer}#{self.claim}"

    @property
    def after(self) -> str:
        """Return the address of ours that the provider sends people to who signed out there."""
        parts = urlsplit(self.callback)
        return f"{parts.scheme}://{parts.netloc}/login"

    @classmethod
    def from_env(cls) -> Self | None:
        """Read GONGWU_OIDC_…; None when no issuer is set. Raise Unusable."""
        issuer = os.environ.get("GONGWU_OIDC_ISSUER", "")
        if not issuer:
            return None
        given = _given(
            "GONGWU_OIDC_", "client", "secret", "claim", "scope", "title", "groups_claim"
        )
        algorithms = os.environ.get("GONGWU_OIDC_ALGORITHMS", "").split()
        if algorithms:
            given["algorithms"] = tuple(algorithms)
        factor = os.environ.get("GONGWU_OIDC_SECOND_FACTOR", "").lower() in {"1", "true", "yes"}
        given["second_factor"] = factor
        ca = os.environ.get("GONGWU_OIDC_CA")
        given["ca"] = Path(ca) if ca else None
        pairs = (p.rpartition("=") for p in os.environ.get("GONGWU_OIDC_GROUPS", "").split(";"))
        given["groups"] = {group.strip(): role.strip() for group, _, role in pairs if group}
        callback = os.environ.get("GONGWU_OIDC_CALLBACK", "")
        return cls(**{"client": "", **given, "issuer": issuer, "callback": callback})


class Ldap(msgspec.Struct, frozen=True, kw_only=True):
    """One directory (LDAP) that checks people's passwords.

    `url` is `ldaps://HOST[:PORT]`, or `ldap://HOST[:PORT]`, which turns to TLS before anything is
    said (StartTLS); nothing is ever sent in clear. `ca` is the authority (PEM) that its certificate
    must come from, where the system does not know it.
    People are found by `filter` below `base`, read by `reader` with `password` (anonymously without
    one), or stand at `dn` itself. In both templates `{}` is the name.
    """

    url: str
    base: str = ""
    filter: str = ""
    reader: str = ""
    password: str = ""
    dn: str = ""
    ca: Path | None = None

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if (
            parts.scheme not in ("ldap", "ldaps")
            or not parts.hostname
            or parts.path not in ("", "/")
        ):
            raise Unusable(
                f"GONGWU_LDAP_URL 须写作 ldaps://主机 或 ldap://主机（后者先转入 TLS）：{self.url}",
                f"GONGWU_LDAP_URL is written ldaps://HOST, or ldap://HOST, which turns to TLS first:"
                f" {self.url}",
            )
        if not self.base and not self.dn:
            raise Unusable(
                "请填写 GONGWU_LDAP_BASE（在其下查找人员）或 GONGWU_LDAP_DN（如 uid={},ou=people,dc=…）。",
                "Give GONGWU_LDAP_BASE, below which people are found, or GONGWU_LDAP_DN, such as"
                " uid={},ou=people,dc=…",
            )
        for name, template in (("FILTER", self.filter), ("DN", self.dn)):
            if template and template.count("{}") != 1:
                raise Unusable(
                    f"GONGWU_LDAP_{name} 中须恰有一处 {{}}，代表人员在目录中的名字：{template}",
                    f"GONGWU_LDAP_{name} needs {{}} exactly once, where the name goes: {template}",
                )

    @property
    def source(self) -> str:
        """Return what makes a name of the directory's one person's: where it is looked for, and how."""
        return f"{self.base or self.dn}#{self.filter or 'uid'}"

    @classmethod
    def from_env(cls) -> Self | None:
        """Read GONGWU_LDAP_…; None when no address is set. Raise Unusable."""
        url = os.environ.get("GONGWU_LDAP_URL", "")
        if not url:
            return None
        ca = os.environ.get("GONGWU_LDAP_CA")
        given = _given("GONGWU_LDAP_", "base", "filter", "reader", "password", "dn")
        return cls(url=url, **given, ca=Path(ca) if ca else None)


def is_guarded(url: str) -> bool:
    """Tell whether what is sent to an address cannot be read on the way."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or parts.username or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)


def _given(prefix: str, *names: str) -> dict[str, Any]:
    return {
        name: os.environ[prefix + name.upper()]
        for name in names
        if os.environ.get(prefix + name.upper())
    }
