"""Which settings hold, where each comes from, and what it means: for a page and for a command."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from api import settings_file, vaulting
from api.settings import Settings
from api.settings_sign_words import SIGN
from domain.words import Words

DEFAULT: Final = Words("默认", "default")
ENVIRONMENT: Final = Words("环境变量", "environment")
FILE: Final = Words("设置文件", "file of settings")
COMMAND: Final = Words("启动命令", "start command")
UNSET: Final = Words("未设", "not set")
HIDDEN: Final = Words("已设，不显示", "set, not shown")
SERVER: Final = Words("服务下次启动", "next start")
NOTARY: Final = Words("公证、见证下次启动", "the notary's next start")
ASKED: Final = Words("下次执行命令", "next command")
INTERNAL: Final = frozenset({"demo", "files", "ca"})  # said by commands alone
PARTS: Final = {
    "oidc": Words("统一身份认证（OpenID Connect）", "Provider of identities (OpenID Connect)"),
    "ldap": Words("目录（LDAP）", "Directory (LDAP)"),
    "local_login": Words(
        "本系统的账号和密码可以登录。", "Log-ins and passwords of our own open the door."
    ),
    "break_glass": Words(
        "本系统密码停用时，仍可用密码登录的管理员账号。",
        "The administrator's log-in that works when passwords of our own are switched off.",
    ),
}
SECRET: Final = re.compile(r"secret|password|passphrase|token|key\b|_key$|_keys$", re.IGNORECASE)
URL_PASSWORD: Final = re.compile(r"(?<=://)([^:/@]+):[^@/]*@|(?<=password=)[^&]*")


class Known(msgspec.Struct, frozen=True):
    """One variable: the field of the settings it becomes ('' for one that is read where it is used)."""

    variable: str
    field: str
    words: Words
    when: Words = SERVER
    secret: bool = False
    default: str = ""  # where there is no field


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """One setting as it holds now."""

    variable: str
    value: Words
    source: Words
    meaning: Words
    when: Words


def _known() -> Iterator[Known]:
    yield Known(
        "GONGWU_DATABASE",
        "database",
        Words(
            "账本所在的数据库：本机磁盘上的 SQLite 文件，或 PostgreSQL。",
            "Where the ledger is: a SQLite file on a local disk, or PostgreSQL.",
        ),
    )
    yield Known(
        "GONGWU_HOST",
        "host",
        Words(
            "监听地址；127.0.0.1 只供本机（含前置代理）访问。",
            "Where it listens; 127.0.0.1 serves this machine alone, and a proxy on it.",
        ),
    )
    yield Known("GONGWU_PORT", "port", Words("监听端口。", "The port it listens on."))
    yield Known(
        "GONGWU_HTTPS",
        "https",
        Words(
            "前面的代理使用 HTTPS：会话只走加密连接，并要求浏览器以后都用 HTTPS。",
            "A proxy in front speaks HTTPS: sessions travel encrypted alone, and browsers keep to it.",
        ),
    )
    yield Known(
        "GONGWU_ZONE",
        "zone",
        Words(
            "单位没有说明时，业务日期所用的时区。",
            "The zone of business dates where a unit does not say.",
        ),
    )
    yield Known(
        "GONGWU_CATALOGUE",
        "catalogue",
        Words(
            "不登录也可看公示目录（/catalogue）。", "Anybody sees what is on offer (/catalogue)."
        ),
    )
    yield Known(
        "GONGWU_LABEL_HOST",
        "label_host",
        Words(
            "标签上的名称；标签比服务器长久，请用能一直保留的名称。",
            "The name on labels, which outlive servers: one that you keep.",
        ),
    )
    yield Known(
        "GONGWU_LABEL_KEY",
        "label_key",
        Words("现行标签密钥的代号。", "The id of the key of new labels."),
    )
    yield Known(
        "GONGWU_LABEL_SECRET",
        "label_secret",
        Words(
            "签标签防伪码的密钥；未设则标签没有防伪码。",
            "Signs the code of labels; without one they carry none.",
        ),
        secret=True,
    )
    yield Known(
        "GONGWU_LABEL_FORMER_KEYS",
        "label_former",
        Words("仍在使用的旧标签的密钥。", "Keys of labels that still hang."),
        secret=True,
    )
    yield Known(
        "GONGWU_LABEL_SIGNING_KEY",
        "label_signing",
        Words("签发可离线核验标签的密钥。", "Signs labels that are checked offline."),
        secret=True,
    )
    yield Known(
        "GONGWU_LABEL_PUBLIC_KEYS",
        "label_publics",
        Words("以前签过标签的公钥。", "Public keys that signed labels before."),
    )
    yield Known(
        "GONGWU_TRUST",
        "trust",
        Words(
            "信任策略：哪个账本、哪些见证方算数。",
            "The policy: which log and which witnesses count.",
        ),
    )
    yield Known(
        "GONGWU_TSA_TRUST",
        "tsa_trust",
        Words("据以相信时间戳的证书。", "Certificates under which time stamps are believed."),
    )
    yield Known(
        "GONGWU_SM2",
        "sm2",
        Words(
            "国密并行账本的公钥文件。", "File with the public key of the parallel log (SM3, SM2)."
        ),
    )
    yield Known(
        "GONGWU_CLASSES",
        "classes",
        Words(
            "分类代码对照表，用于新旧版本互认。",
            "Tables by which class codes of several versions meet.",
        ),
    )
    yield Known(
        "GONGWU_LOCALES",
        "locales",
        Words(
            "其他语言的译文目录文件夹（gettext）。",
            "Folder with the catalogues of further languages (gettext).",
        ),
    )
    yield Known(
        "GONGWU_VAULT",
        "vault",
        Words(
            "姓名主密钥的文件；缺省在 SQLite 文件旁或工作目录。",
            "The file of the master key of names; beside the SQLite file unless said.",
        ),
    )
    yield Known(
        "GONGWU_WEBHOOK_HOSTS",
        "webhook_hosts",
        Words("推送可以去的主机、地址和网段。", "Hosts, addresses, networks that webhooks go to."),
    )
    yield Known(
        "GONGWU_CALLS_PER_MINUTE",
        "calls_per_minute",
        Words(
            "不用令牌时，每人每分钟可调用接口的次数（每个服务进程）；0 为不限。",
            "How often a person without a token may ask the interface a minute (of each process); 0: no limit.",
        ),
    )
    yield Known(
        "GONGWU_STRANGERS_PER_MINUTE",
        "strangers_per_minute",
        Words(
            "未登录的地址每分钟可调用接口的次数；0 为不限。",
            "How often an address that did not sign in may ask the interface a minute; 0: no limit.",
        ),
    )
    yield Known(
        "GONGWU_EXPORTS_PER_MINUTE",
        "exports_per_minute",
        Words(
            "每人每分钟可导出的文件数（CSV、XLSX 等）；0 为不限。",
            "How many files (CSV, XLSX and such) a person may take home a minute; 0: no limit.",
        ),
    )
    yield Known(
        "GONGWU_PROCESSES",
        "",
        Words(
            "服务进程数；多于一个需 PostgreSQL。",
            "How many processes serve; several need PostgreSQL.",
        ),
        default="1",
    )
    yield Known(
        "GONGWU_METRICS_TOKEN",
        "metrics_token",
        Words(
            "凭此读取 /metrics；未设则只供本机。",
            "Whoever has it reads /metrics; without one this machine alone does.",
        ),
        secret=True,
    )
    yield Known(
        "GONGWU_LOG",
        "log",
        Words("运行日志的写法：text 或 json。", "How the log is written: text or json."),
    )
    yield Known(
        "GONGWU_BACKUPS",
        "backups",
        Words(
            "定时备份所在的文件夹，用于查看最近一次备份距今多久。",
            "Where a timer leaves backups, to tell how old the newest is.",
        ),
    )
    for variable, field, words, secret in SIGN:
        yield Known(variable, field, words, secret=secret)
    yield Known(
        settings_file.IN_ENVIRONMENT,
        "",
        Words(
            "设置文件，每行一个 GONGWU_名称=值；环境变量优先。",
            "A file of settings, GONGWU_NAME=value a line; the environment counts before it.",
        ),
    )
    yield Known(
        "GONGWU_NOTARY",
        "",
        Words("公证进程的密钥与数据文件夹。", "Folder of the key and store of the notary."),
        NOTARY,
        default="gongwu-notary",
    )
    yield Known(
        "GONGWU_WITNESS",
        "",
        Words("见证进程的密钥与数据文件夹。", "Folder of the key and store of the witness."),
        NOTARY,
        default="gongwu-witness",
    )
    yield Known(
        "GONGWU_TSA",
        "",
        Words("时间戳机构的地址。", "Address of a time-stamping authority."),
        NOTARY,
    )
    yield Known(
        "GONGWU_NOTARY_PASSPHRASE",
        "",
        Words("打开公证或见证密钥的口令。", "Opens the key of a notary or witness."),
        NOTARY,
        secret=True,
    )
    yield Known(
        "GONGWU_BACKUP_PASSPHRASE",
        "",
        Words("锁住备份中姓名主密钥的口令。", "Locks the master key of names inside a backup."),
        ASKED,
        secret=True,
    )
    yield Known(
        "GONGWU_PASSWORD",
        "",
        Words("命令行登录或开账号的密码。", "The password of commands that ask for one."),
        ASKED,
        secret=True,
    )
    yield Known(
        "GONGWU_LOGIN", "", Words("命令行以谁的名义办理。", "In whose name commands ask."), ASKED
    )
    yield Known("GONGWU_LANG", "", Words("命令行的语言：zh 或 en。", "Language of commands: zh or en."),
                ASKED)  # fmt: skip


KNOWN: Final = tuple(_known())


def shown(settings: Settings) -> list[Shown]:
    """Return every setting as it holds, those first that are explained."""
    found = [_one(known, settings) for known in KNOWN]
    explained = {known.field.partition(".")[0] for known in KNOWN}
    for field in settings.__struct_fields__:
        if field not in explained | INTERNAL:
            found += _unexplained(field, getattr(settings, field), _default(settings, field))
    return found


def _one(known: Known, settings: Settings) -> Shown:
    default: Any = known.default or None
    if known.field:
        value = _held(settings, known.field)
        default = _default(settings, known.field)
        if known.field == "vault" and value is None:
            value = default = vaulting.file_of(settings.database)
    else:
        value = os.environ.get(known.variable) or default
    return Shown(
        variable=known.variable,
        value=told(value, secret=known.secret),
        source=_source(known.variable, changed=value != default),
        meaning=known.words,
        when=known.when,
    )


def _unexplained(field: str, value: Any, default: Any) -> Iterator[Shown]:
    """Yield a setting that has no words of its own yet, part by part; what may be secret is not told."""
    if isinstance(value, msgspec.Struct):
        for one in msgspec.structs.fields(value):
            part = f"{field}_{one.name}"
            yield from _unexplained(part, getattr(value, one.name), one.default)
        return
    variable = f"GONGWU_{field.upper()}"
    group, _, rest = field.partition("_")
    words = PARTS.get(field) or PARTS.get(group) or Words(field, field)
    if group in PARTS and rest:
        words = Words(f"{words.zh}：{rest}", f"{words.en}: {rest.replace('_', ' ')}")
    yield Shown(
        variable=variable,
        value=told(value, secret=SECRET.search(field) is not None),
        source=_source(variable, changed=value != default),
        meaning=words,
        when=SERVER,
    )


def _held(settings: Settings, field: str) -> Any:
    """Return a field, or one of a part: `oidc.issuer`, None where there is no such part."""
    part, _, inner = field.partition(".")
    value = getattr(settings, part)
    return getattr(value, inner) if inner and value is not None else value


def _default(settings: Settings, field: str) -> Any:
    if "." in field:  # of a part that is read from the environment alone
        return _held(settings, field)
    fields = {one.name: one.default for one in msgspec.structs.fields(type(settings))}
    return fields[field]


def _source(variable: str, *, changed: bool) -> Words:
    if settings_file.holds(variable):
        return FILE
    if os.environ.get(variable):
        return ENVIRONMENT
    return COMMAND if changed else DEFAULT


def told(value: Any, *, secret: bool = False) -> Words:
    """Return a value for people; of a secret only whether it is set."""
    if value is None or value in ("", b"", (), {}):
        return UNSET
    if secret:
        return HIDDEN
    if isinstance(value, bool):
        return Words("是", "yes") if value else Words("否", "no")
    if isinstance(value, dict):
        return _same("; ".join(f"{name}={one}" for name, one in value.items()))
    if isinstance(value, tuple):
        return _same(os.pathsep.join(map(str, value)))
    if isinstance(value, Path):
        return _same(str(value))
    if isinstance(value, bytes):
        return HIDDEN
    return _same(URL_PASSWORD.sub(_masked, str(value)))


def _masked(found: re.Match[str]) -> str:
    return f"{found[1]}:…@" if found[1] else "…"


def _same(text: str) -> Words:
    return Words(text, text)
