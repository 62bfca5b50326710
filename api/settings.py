"""What an operator sets: by environment, with defaults that work on one machine."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Self

import msgspec

from api import settings_file
from api.outbound import Hosts
from api.settings_sign import Ldap, Oidc, Unusable

# A name, not an address: labels outlive servers, so it must be one the unit keeps (D6).
LABEL_HOST = "id.example.cn"
NO = ("0", "false", "no")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Where the ledger is, where it listens, and what labels say.

    `label_secret` signs label codes; without one, labels carry no authenticity code.
    `label_former` are keys of labels that still hang, `label_signing` signs labels that are checked
    offline, `label_publics` are what such labels were signed with before (api/label_keys.py).
    `trust` is the policy that says which log and which witnesses are believed (tlog-policy).
    `vault` is the file of the master key of names, outside the database.
    `tsa_trust` are the certificates that time stamps are believed under; `sm2` holds the public key
    of the parallel log (国密).
    `classes` are tables of class codes, old to new, by which things of both versions meet.
    `ca` is the certificate of an authority we made ourselves; phones may fetch it.
    `catalogue` opens what is on offer to anybody, without signing in (/catalogue).
    `locales` holds catalogues of further languages (api/languages.py).
    `metrics_token` lets who has it read /metrics from elsewhere; without one only this machine does.
    `log` is how the log is written, text or json; `backups` is where a timer leaves backups.
    `webhook_hosts` are the hosts that webhooks may go to: names, addresses, networks.
    `https` is set when a proxy in front speaks it: cookies become Secure.
    `calls_per_minute` is how often a person without a token may ask the interface,
    `strangers_per_minute` an address that did not sign in, `exports_per_minute` how many files a
    person may take home; 0: as often as they like.
    `oidc` and `ldap` are where log-ins are kept elsewhere (api/settings_sign.py); without
    `local_login` passwords of ours open nothing but `break_glass`, an administrator's log-in.
    """

    database: str = "sqlite:///gongwu.db"
    host: str = "127.0.0.1"
    port: int = 8000
    https: bool = False
    demo: bool = False
    label_host: str = LABEL_HOST
    label_key: str = "1"
    label_secret: bytes = b""
    label_former: str = ""
    label_signing: str = ""
    label_publics: str = ""
    zone: str = "Asia/Shanghai"
    files: Path = Path()
    trust: Path | None = None
    vault: Path | None = None
    tsa_trust: Path | None = None
    sm2: Path | None = None
    ca: Path | None = None
    catalogue: bool = False
    classes: tuple[Path, ...] = ()
    locales: Path | None = None
    metrics_token: str = ""
    log: str = "text"
    backups: Path | None = None
    oidc: Oidc | None = None
    ldap: Ldap | None = None
    local_login: bool = True
    break_glass: str = ""
    webhook_hosts: str = ""
    calls_per_minute: int = 1_200
    strangers_per_minute: int = 120
    exports_per_minute: int = 120

    @classmethod
    def from_env(cls) -> Self:
        """Read GONGWU_DATABASE, _HOST, _PORT, _HTTPS, _LABEL_…, _ZONE, _TRUST,
        _VAULT, _TSA_TRUST, _SM2, _CATALOGUE, _CLASSES, _LOCALES, _METRICS_TOKEN, _LOG, _BACKUPS,
        _OIDC_…, _LDAP_…, _LOCAL_LOGIN, _BREAK_GLASS, _WEBHOOK_HOSTS, _CALLS_PER_MINUTE,
        _STRANGERS_PER_MINUTE, _EXPORTS_PER_MINUTE.

        Raise Unusable for a log-in kept elsewhere that is not set as it must be.
        """
        settings_file.load()
        given = {
            name: os.environ[f"GONGWU_{name.upper()}"]
            for name in ("database", "host", "label_host", "label_key", "zone")
            if os.environ.get(f"GONGWU_{name.upper()}")
        }
        return cls(
            **given,  # type: ignore[arg-type] # all of them are texts
            port=int(os.environ.get("GONGWU_PORT") or 8000),
            https=_yes("GONGWU_HTTPS"),
            catalogue=_yes("GONGWU_CATALOGUE"),
            webhook_hosts=_hosts("GONGWU_WEBHOOK_HOSTS"),
            calls_per_minute=_often("GONGWU_CALLS_PER_MINUTE", 1_200),
            strangers_per_minute=_often("GONGWU_STRANGERS_PER_MINUTE", 120),
            exports_per_minute=_often("GONGWU_EXPORTS_PER_MINUTE", 120),
            oidc=Oidc.from_env(),
            ldap=Ldap.from_env(),
            local_login=os.environ.get("GONGWU_LOCAL_LOGIN", "").lower() not in NO,
            break_glass=os.environ.get("GONGWU_BREAK_GLASS", "").casefold(),
            vault=_file("GONGWU_VAULT"),
            trust=_file("GONGWU_TRUST"),
            tsa_trust=_file("GONGWU_TSA_TRUST"),
            sm2=_file("GONGWU_SM2"),
            classes=tuple(
                Path(name)
                for name in os.environ.get("GONGWU_CLASSES", "").split(os.pathsep)
                if name
            ),
            locales=_file("GONGWU_LOCALES"),
            metrics_token=os.environ.get("GONGWU_METRICS_TOKEN", ""),
            log=os.environ.get("GONGWU_LOG", "").lower() or "text",
            backups=_file("GONGWU_BACKUPS"),
            label_secret=bytes.fromhex(os.environ.get("GONGWU_LABEL_SECRET", "")),
            label_former=os.environ.get("GONGWU_LABEL_FORMER_KEYS", ""),
            label_signing=os.environ.get("GONGWU_LABEL_SIGNING_KEY", ""),
            label_publics=os.environ.get("GONGWU_LABEL_PUBLIC_KEYS", ""),
        )


def _yes(name: str) -> bool:
    return os.environ.get(name, "").lower() in {"1", "true", "yes"}


def _often(name: str, default: int) -> int:
    """Return how often something may be done in a minute; raise Unusable for what is no number."""
    text = os.environ.get(name, "")
    if text and not re.fullmatch(r"\d{1,9}", text, re.ASCII):
        raise Unusable(
            f"{name} 须为每分钟次数的整数，0 表示不限；现为 {text}。",
            f"{name} is a whole number of times a minute, 0 for no limit; it is {text}.",
        )
    return int(text) if text else default


def _hosts(name: str) -> str:
    """Return a list of hosts as it is written; raise Unusable for one that means nothing."""
    text = os.environ.get(name, "")
    try:
        Hosts.read(text)
    except ValueError as wrong:
        raise Unusable(
            f"{name} 里的 {wrong} 不是主机名、地址或网段（如 erp.example.cn, 10.1.0.0/16）。",
            f"{wrong} in {name} is no name, address or network (such as erp.example.cn, 10.1.0.0/16).",
        ) from None
    return text


def _file(name: str) -> Path | None:
    return Path(os.environ[name]) if os.environ.get(name) else None
