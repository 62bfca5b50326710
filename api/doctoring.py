"""Whether an installation is in order: each check says OK, warns or fails, and what to do then.

Nothing is changed and nothing is rebuilt: the lists are looked at as they lie, not opened.
"""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from hashlib import sha256
from http.client import HTTPException
from importlib.metadata import PackageNotFoundError, requires
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from zoneinfo import ZoneInfo

import msgspec
from cryptography import x509

from api import backing_up, label_keys, settings_shown, tls, vaulting
from api.health import FREE_BYTES_MIN, free_bytes
from api.notarising import Place
from api.policies import Rules
from api.precautions import lacking
from api.settings import Settings
from domain.policy import Policy
from domain.words import Words
from labels.glyphs import FONTS, Face, coverage
from labels.identity import BadLabel
from ledger import vault
from ledger.act import Select, Unavailable, Unsafe
from ledger.book import Book
from ledger.notes import Unproven
from projections.store import VERSION

SKEW_WARN, SKEW_FAIL = timedelta(seconds=2), timedelta(minutes=1)
SOON: Final = timedelta(days=tls.RENEWED_BEFORE_DAYS)
ROOM_BYTES: Final = 2**30
SECRET_BYTES_MIN: Final = 32
BACKUP_WARN, BACKUP_FAIL = timedelta(days=2), timedelta(days=8)
SIGNED_WARN: Final = timedelta(days=1)
SERVER_MIN: Final = 150_000  # PostgreSQL 15, as it numbers itself
REMOTE_SECONDS: Final = 5
LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


class Level(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What a check found, and what to do about it ('' where all is well)."""

    check: str
    level: Level
    words: Words
    todo: Words = Words("", "")


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked at: settings, the database as it lies, the time, and where else to look."""

    settings: Settings
    select: Select | None
    now: datetime
    fonts: Path = FONTS
    certificates: tuple[Path, ...] = ()
    clocks: tuple[str, ...] = ()
    free_bytes: int = 0
    trouble: Exception | None = None
    notary: Path = Path("gongwu-notary")
    rules: tuple[Policy, ...] | None = None  # that the units with log-ins are under; None: not read

    @property
    def server(self) -> bool:
        return not self.settings.database.startswith("sqlite:")


Check = Callable[[Case], Iterator[Finding]]


def _ok(check: str, zh: str, en: str) -> Finding:
    return Finding(check=check, level=Level.OK, words=Words(zh, en))


def _warn(check: str, words: Words, todo: Words) -> Finding:
    return Finding(check=check, level=Level.WARN, words=words, todo=todo)


def _fail(check: str, words: Words, todo: Words) -> Finding:
    return Finding(check=check, level=Level.FAIL, words=words, todo=todo)


# The checks ---------------------------------------------------------------------------


def settings(case: Case) -> Iterator[Finding]:
    """Look for names that nobody reads, and for keys written wrongly."""
    known = {one.variable for one in settings_shown.shown(case.settings)}
    strange = sorted(
        n for n in os.environ if n.startswith("GONGWU_") and n not in known and "TEST" not in n
    )
    if strange:
        names = ", ".join(strange)
        yield _warn(
            "settings",
            Words(f"不认识的设置：{names}", f"settings that nobody reads: {names}"),
            Words(
                "核对名称：gongwu settings 列出全部。",
                "Check the names: gongwu settings lists all.",
            ),
        )
    try:
        label_keys.keys(case.settings)
    except BadLabel as bad:
        yield _fail(
            "settings",
            Words(bad.zh, bad.en),
            Words("改正标签密钥的设置。", "Set the label keys right."),
        )
        return
    if case.settings.log not in ("text", "json"):
        yield _fail(
            "settings",
            Words(f"GONGWU_LOG 为 {case.settings.log}", f"GONGWU_LOG is {case.settings.log}"),
            Words("写 text 或 json。", "Write text or json."),
        )
    if not strange:
        yield _ok("settings", "设置都认识", "every setting is known")


def database(case: Case) -> Iterator[Finding]:
    """Hold the database against what a ledger asks of it."""
    todo = Words(
        "按《运维》“What it refuses to run on”设置数据库，再试。",
        "Set the database as “What it refuses to run on” of the operator's guide says.",
    )
    if case.select is None:
        why = str(case.trouble or "")
        yield _fail(
            "database", Words(f"打不开账本：{why}", f"the ledger does not open: {why}"), todo
        )
        return
    if not case.server:
        yield _ok("database", f"SQLite {sqlite3.sqlite_version}，WAL，写入等待磁盘",
                  f"SQLite {sqlite3.sqlite_version}, WAL, writes wait for the disk")  # fmt: skip
        return
    number = int(case.select("SHOW server_version_num")[0][0])
    if number < SERVER_MIN:
        yield _fail(
            "database",
            Words(
                f"PostgreSQL {number // 10_000} 过旧", f"PostgreSQL {number // 10_000} is too old"
            ),
            Words("升级到 PostgreSQL 15 以上。", "Update to PostgreSQL 15 or newer."),
        )
        return
    if case.select("SHOW data_checksums")[0][0] != "on":
        yield _warn(
            "database",
            Words("没有页校验和", "no data checksums"),
            Words(
                "停机后运行 pg_checksums --enable。", "Stop the server, run pg_checksums --enable."
            ),
        )
    yield _ok("database", f"PostgreSQL {number // 10_000}，提交等待磁盘",
              f"PostgreSQL {number // 10_000}, commits wait for the disk")  # fmt: skip


def clock(case: Case) -> Iterator[Finding]:
    """Compare the clock with the last entry, the database server and whoever else was named."""
    set_right = Words(
        "启用时间同步（chrony、systemd-timesyncd）。", "Switch on chrony or systemd-timesyncd."
    )
    found = list[Finding]()
    if case.select is not None:
        last = case.select("SELECT recorded_at FROM ledger_head")[0][0]
        if last and (ahead := datetime.fromisoformat(last) - case.now) > SKEW_WARN:
            found.append(_fail("clock", Words(
                f"最后一条记录在未来 {_span(ahead, 'zh')}：本机时钟慢了，或曾经快过",
                f"the last entry is {_span(ahead, 'en')} ahead: this clock is slow, or was fast once"),
                set_right))  # fmt: skip
        if case.server:
            there = case.select("SELECT extract(epoch FROM clock_timestamp())::float8")[0][0]
            found += _skew(datetime.fromtimestamp(there, UTC) - case.now, "PostgreSQL", set_right)
    for url in case.clocks:
        try:
            found += _skew(_remote(url) - case.now, url, set_right)
        except (OSError, ValueError, TypeError, HTTPException) as error:
            found.append(_warn("clock", Words(f"问不到 {url} 的时间：{error}", f"{url} tells no time: {error}"),
                               Words("换一个地址。", "Name another address.")))  # fmt: skip
    yield from found or [_ok("clock", "时钟与所比较的一致，且不早于最后一条记录",
                             "the clock agrees with what it was compared with, and is not behind"
                             " the last entry")]  # fmt: skip


def _skew(skew: timedelta, whom: str, todo: Words) -> Iterator[Finding]:
    if abs(skew) <= SKEW_WARN:
        return
    said = Words(
        f"与 {whom} 的时钟相差 {_span(skew, 'zh')}", f"{_span(skew, 'en')} off the clock of {whom}"
    )
    yield (_fail if abs(skew) > SKEW_FAIL else _warn)("clock", said, todo)


def _remote(url: str) -> datetime:
    if not re.match(r"https?://", url):
        raise ValueError("http://, https://")
    try:
        with urlopen(Request(url, method="HEAD"), timeout=REMOTE_SECONDS) as answer:
            return parsedate_to_datetime(answer.headers["Date"])
    except HTTPError as refused:  # it tells the time all the same
        return parsedate_to_datetime(refused.headers["Date"])


def keys(case: Case) -> Iterator[Finding]:
    """Look for the keys: of names, of labels, of the notary; and who else may read them."""
    yield from _vault(case)
    if not case.settings.label_secret:
        yield _warn("label-key", Words("没有标签密钥：标签不带防伪码", "no label secret: labels carry no code"),
                    Words("生成 32 字节十六进制，设为 GONGWU_LABEL_SECRET：openssl rand -hex 32",
                          "Set GONGWU_LABEL_SECRET to what openssl rand -hex 32 says."))  # fmt: skip
    elif len(case.settings.label_secret) < SECRET_BYTES_MIN:
        yield _fail("label-key", Words("标签密钥不足 32 字节", "the label secret has fewer than 32 bytes"),
                    Words("换一把：openssl rand -hex 32，旧的移到 GONGWU_LABEL_FORMER_KEYS。",
                          "Draw another (openssl rand -hex 32), move this one to"
                          " GONGWU_LABEL_FORMER_KEYS."))  # fmt: skip
    else:
        yield _ok("label-key", "标签密钥已设", "the label secret is set")
    yield from _notary(case)


def _vault(case: Case) -> Iterator[Finding]:
    file = case.settings.vault or vaulting.file_of(case.settings.database)
    wrapped = _wrapped(case)
    put_back = Words(
        "放回另行保存的密钥文件；确已丢失：gongwu vault renew --lost。",
        "Put back the file you kept apart; if it is lost for ever: gongwu vault renew --lost.",
    )
    if not file.exists():
        if wrapped:
            yield _fail(
                "vault",
                Words(f"姓名主密钥不在 {file}", f"the master key of names is not at {file}"),
                put_back,
            )
        else:
            yield _ok("vault", "还没有姓名，也就没有主密钥", "no names yet, so no master key")
        return
    if _open_to_others(file):
        yield _fail("vault", Words(f"他人可读 {file}", f"others can read {file}"),
                    Words(f"chmod 600 {file}", f"chmod 600 {file}"))  # fmt: skip
        return
    try:
        ids = {master.id for master in vault.masters(file)}
    except Unproven as bad:
        yield _fail("vault", bad.words, put_back)
        return
    if wrapped - ids:
        yield _fail(
            "vault", Words(f"{file} 打不开部分姓名", f"{file} does not open every name"), put_back
        )
        return
    yield _ok("vault", f"姓名主密钥 {file} 只有属主可读，打得开全部姓名",
              f"the master key {file} is its owner's alone and opens every name")  # fmt: skip


def _wrapped(case: Case) -> set[bytes]:
    """Return by which master keys the keys of persons are wrapped."""
    if case.select is None or not _has(case, "vault_key"):
        return set()
    found = (bytes(row[0]) for row in case.select("SELECT key FROM vault_key"))
    return {key[: vault.ID_BYTES] for key in found if len(key) > vault.KEY_BYTES}


def _notary(case: Case) -> Iterator[Finding]:
    start = Words(
        "建立公证：gongwu notary init 名称，定时运行 gongwu notary run。",
        "Set up a notary: gongwu notary init NAME, and keep gongwu notary run going.",
    )
    key = Place(case.notary).key
    if key.exists() and _open_to_others(key):
        yield _fail("notary-key", Words(f"他人可读 {key}", f"others can read {key}"),
                    Words(f"chmod 600 {key}", f"chmod 600 {key}"))  # fmt: skip
    if case.select is None:
        return
    size = case.select("SELECT size FROM ledger_head")[0][0]
    signed = case.select("SELECT max(size) FROM ledger_checkpoint")[0][0] or 0
    if size and not signed:
        yield _warn("notary", Words("还没有签署过检查点：掌控数据库的人可以改写一切",
                                    "nothing is signed: who owns the database can rewrite it all"), start)  # fmt: skip
    elif size > signed:
        since = case.select(
            "SELECT recorded_at FROM ledger_command WHERE first + count > ? ORDER BY first LIMIT 1",
            signed + 1,
        )[0][0]
        if case.now - datetime.fromisoformat(since) > SIGNED_WARN:
            yield _warn("notary", Words(f"第 {signed + 1:,} 条起已超过一天未签署",
                                        f"entries from {signed + 1:,} on wait for a signature for over a day"),
                        start)  # fmt: skip
            return
    if signed:
        yield _ok("notary", f"已签署至第 {signed:,} 条", f"signed up to entry {signed:,}")


def fonts(case: Case) -> Iterator[Finding]:
    """Compare the bundled type with its sums, and look for Chinese in it."""
    wrong = list[str]()
    for sums in ("SHA256SUMS", "SHA256SUMS.papers"):
        try:
            lines = (case.fonts / sums).read_text().splitlines()
        except OSError:
            wrong.append(sums)
            continue
        for line in lines:
            digest, _, name = line.partition("  ")
            file = case.fonts / name
            if file.suffix in (".otf", ".ttf") and (
                not file.exists() or sha256(file.read_bytes()).hexdigest() != digest
            ):
                wrong.append(name)
    if wrong or not {ord(c) for c in "公物仓资产"} <= coverage(Face.TEXT):
        yield _fail("fonts", Words(f"字体缺失或已变：{'、'.join(wrong)}", f"type missing or changed: {', '.join(wrong)}"),
                    Words("重新安装：文书和标签不用系统字体。",
                          "Install again: papers and labels never use type of the machine."))  # fmt: skip
        return
    yield _ok("fonts", "标签和文书的中文字体完好", "the Chinese type of labels and papers is whole")


def certificates(case: Case) -> Iterator[Finding]:
    """Look when certificates end and for whom they stand."""
    ours = case.settings.files / "gongwu-tls" / "server.crt"
    files = [*case.certificates, *([ours] if ours.exists() else [])]
    if not files:
        if case.settings.host in LOOPBACK or case.settings.https:
            yield _ok("certificates", "HTTPS 由前面的代理负责（用 --certificate 检查它的证书）",
                      "HTTPS is the proxy's business (--certificate FILE checks its certificate)")  # fmt: skip
        else:
            yield _warn("certificates", Words(f"在 {case.settings.host} 上不加密监听", f"listens on {case.settings.host} in the clear"),
                        Words("用 gongwu serve --tls，或让代理使用 HTTPS 并设 GONGWU_HTTPS=true。",
                              "Use gongwu serve --tls, or a proxy with HTTPS and GONGWU_HTTPS=true."))  # fmt: skip
    for file in files:
        yield _certificate(case, file)


def _certificate(case: Case, file: Path) -> Finding:
    renew = Words(
        "换新证书；gongwu serve --tls 自制的在重新启动时换新。",
        "Renew it; one that gongwu serve --tls made is renewed when it starts again.",
    )
    try:
        ends = tls.expires(file)
        names = sorted(str(one.value) for one in tls.named(file))
    except (OSError, ValueError) as error:
        return _fail(
            "certificates", Words(f"读不懂 {file}：{error}", f"cannot read {file}: {error}"), renew
        )
    except x509.ExtensionNotFound:
        return _fail("certificates", Words(f"{file} 没有写明名称", f"{file} names nobody"), renew)
    day = f"{ends:%Y-%m-%d}"
    if ends <= case.now:
        return _fail(
            "certificates", Words(f"{file} 已于 {day} 过期", f"{file} ended on {day}"), renew
        )
    if ends - case.now < SOON:
        return _warn(
            "certificates", Words(f"{file} 将于 {day} 过期", f"{file} ends on {day}"), renew
        )
    return _ok("certificates", f"{file} 有效至 {day}，适用于 {'、'.join(names)}",
               f"{file} holds until {day}, for {', '.join(names)}")  # fmt: skip


def disk(case: Case) -> Iterator[Finding]:
    """Look for room."""
    told = f"{case.free_bytes / 2**30:.1f} GiB"
    todo = Words("腾出空间，或移到更大的磁盘。", "Make room, or move to a larger disk.")
    if case.free_bytes < FREE_BYTES_MIN:
        yield _fail(
            "disk", Words(f"只剩 {told}：写不进去", f"{told} left: nothing can be written"), todo
        )
    elif case.free_bytes < ROOM_BYTES:
        yield _warn("disk", Words(f"只剩 {told}", f"{told} left"), todo)
    else:
        yield _ok("disk", f"剩余 {told}", f"{told} left")


def versions(case: Case) -> Iterator[Finding]:
    """Tell what runs, and whether what it stands on is there."""
    missing = list[str]()
    for line in requires("gongwu") or ():
        named, _, condition = line.partition(";")
        match = re.match(r"[A-Za-z0-9._-]+", named)
        if match is None or condition:
            continue
        try:
            installed(match[0])
        except PackageNotFoundError:
            missing.append(match[0])
    if missing:
        names = ", ".join(missing)
        yield _fail("versions", Words(f"缺少 {names}", f"missing: {names}"),
                    Words("重新安装。", "Install again."))  # fmt: skip
        return
    told = f"Gongwu {installed('gongwu')}, Python {platform.python_version()}"
    yield _ok("versions", told, told)


def people(case: Case) -> Iterator[Finding]:
    """Say which precautions the rules that people act under do not take."""
    if case.rules is None:
        return
    found = list(lacking(case.rules))
    for one in found:
        yield _warn("people", one.words, one.todo)
    if not found:
        yield _ok(
            "people",
            "规则要求：部分岗位须两人授予，登录须有第二因素",
            "the rules have roles that take two persons, and that need a second factor",
        )


def lists(case: Case) -> Iterator[Finding]:
    """Look whether the lists wait to be made anew."""
    if case.select is None:
        return
    rows = case.select("SELECT position, version FROM projected") if _has(case, "projected") else []
    size = case.select("SELECT size FROM ledger_head")[0][0]
    if not rows or rows[0][1] != VERSION:
        yield _warn("lists", Words("列表是另一版本的，下次启动将重建", "the lists are of another version: rebuilt at the next start"),
                    Words("先在旧服务运行时准备好：gongwu upgrade。", "Prepare them while the old service runs: gongwu upgrade."))  # fmt: skip
    elif rows[0][0] < size:
        yield _warn("lists", Words(f"列表落后 {size - rows[0][0]:,} 条", f"the lists are {size - rows[0][0]:,} entries behind"),
                    Words("服务运行时会自行跟上；若不动，看日志。", "A running service follows by itself; if it stands still, see its log."))  # fmt: skip
    else:
        yield _ok("lists", f"列表完整，至第 {size:,} 条", f"the lists show all {size:,} entries")


def backups(case: Case) -> Iterator[Finding]:
    """Look how old the newest backup is."""
    todo = Words(
        "用定时任务运行 gongwu backup 文件夹 --keep 14，并设 GONGWU_BACKUPS。",
        "Let a timer run gongwu backup FOLDER --keep 14, and set GONGWU_BACKUPS to that folder.",
    )
    if case.settings.backups is None:
        yield _warn(
            "backups",
            Words(
                "没有设 GONGWU_BACKUPS，不知道备份在哪里",
                "GONGWU_BACKUPS is not set: where backups lie is unknown",
            ),
            todo,
        )
        return
    found = backing_up.stored(case.settings.backups)
    if not found:
        yield _fail(
            "backups",
            Words(f"{case.settings.backups} 里没有备份", f"no backup in {case.settings.backups}"),
            todo,
        )
        return
    age = backing_up.age(found[-1], case.now)
    said = Words(
        f"最近的备份距今 {_span(age, 'zh')}", f"the newest backup is {_span(age, 'en')} old"
    )
    if age > BACKUP_FAIL:
        yield _fail("backups", said, todo)
    elif age > BACKUP_WARN:
        yield _warn("backups", said, todo)
    else:
        yield _ok("backups", said.zh, said.en)


def _open_to_others(file: Path) -> bool:
    return os.name == "posix" and bool(file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def _has(case: Case, table: str) -> bool:
    assert case.select is not None
    return _is_table(case.select, table, server=case.server)


def _is_table(select: Select, table: str, *, server: bool) -> bool:
    query = (
        "SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = ?"
        if server
        else "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
    )
    return bool(select(query, table))


def _units(select: Select, *, server: bool) -> list[str]:
    """Return the units of all open log-ins."""
    if not _is_table(select, "account_login", server=server):
        return []
    open_ = "NOT disabled" if server else "disabled = 0"
    rows = select(f"SELECT DISTINCT unit FROM account_login WHERE {open_} ORDER BY unit")  # noqa: S608 - of two texts above
    return [str(row[0]) for row in rows]


def _span(span: timedelta, lang: str) -> str:
    seconds = abs(span).total_seconds()
    for length, zh, en in (
        (86_400, "天", "days"),
        (3_600, "小时", "hours"),
        (60, "分钟", "minutes"),
    ):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {zh if lang == 'zh' else en}"
    return f"{seconds:.0f} {'秒' if lang == 'zh' else 'seconds'}"


# All of them --------------------------------------------------------------------------

CHECKS: Final[Sequence[Check]] = (
    settings, database, clock, keys, fonts, certificates, disk, versions, people, lists, backups,
)  # fmt: skip


def examined(case: Case) -> list[Finding]:
    """Make every check."""
    return [finding for check in CHECKS for finding in check(case)]


def _rules(book: Book, select: Select, given: Settings) -> tuple[Policy, ...]:
    """Return the rules that are in force today for each unit in which somebody may sign in."""
    streams = (
        "SELECT originator_id, max(originator_version) FROM ledger_entry"
        " WHERE originator_id >= 'policy/' AND originator_id < 'policy0' GROUP BY originator_id"
    )
    rules = Rules(lambda: [(str(name), int(last)) for name, last in select(streams)], book)
    today = datetime.now(ZoneInfo(given.zone)).date()
    found: dict[str, Policy] = {}
    for unit in _units(select, server=not given.database.startswith("sqlite:")):
        state = book.stream(f"unit/{unit}").state
        one = rules.in_force(
            today,
            region=state.region,
            level=state.level.value if state.level is not None else "",
            unit_kind=state.kind.value,
        )
        found[one.reference] = one
    return tuple(found.values()) or (rules.in_force(today),)


@contextmanager
def admitted(given: Settings, **also: Any) -> Iterator[Case]:
    """Lend the case of an installation, its database read in one snapshot and left as it lies."""
    now, room = datetime.now(UTC), free_bytes(given.database)
    also |= {"settings": given, "now": now, "free_bytes": room}
    file = Path(given.database.removeprefix("sqlite:///"))
    if given.database.startswith("sqlite:") and not file.exists():
        missing = FileNotFoundError(f"{file} 不存在 · is not there")
        yield Case(select=None, trouble=missing, **also)
        return
    try:
        book = Book.open(given.database)
    except (Unsafe, Unavailable, ValueError) as error:
        yield Case(select=None, trouble=error, **also)
        return
    try:
        with book.log.snapshot() as select:
            yield Case(select=select, rules=_rules(book, select, given), **also)
    finally:
        book.close()
