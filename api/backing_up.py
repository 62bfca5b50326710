"""One file that brings an installation back: the ledger's own lines, in a frame that proves itself.

The first line says what it is (format, version, size, root), the last how many lines and bytes
stand between and their hash, by kind. Between them stand the lines of `gongwu export ledger`, with
log-ins and sealed names as further tables beside the log: there is one format, not two. All of it
is one snapshot, taken while others write. Packed with gzip.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any, Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from api import evidence, kept
from api.office import Office
from ledger import restoring
from ledger.restoring import ENTRY_MARK, LINE_BYTES_MAX, Unrestorable

IN_ENVIRONMENT: Final = "GONGWU_BACKUP_PASSPHRASE"
FORMAT: Final = "gongwu-backup/1"
SUFFIX: Final = ".gongwu"
NAMED: Final = re.compile(r"gongwu-\d{8}T\d{6}(?:\d{6})?Z\.gongwu")
GZIP: Final = b"\x1f\x8b"
PACKING: Final = 3  # gzip: twice as fast as its default and a tenth larger
SCRYPT: Final = {"n": 2**15, "r": 8, "p": 1}  # 32 MiB: RFC 7914, for what a person types
SCRYPT_BYTES_MAX: Final = 64 * 2**20
SALT_BYTES, NONCE_BYTES = 16, 12
FIRST: Final = b'{"backup":'
KEY: Final = b'{"vault_key":'
LAST: Final = b'{"end":'


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup says of itself in its first line."""

    format: str
    version: str  # of Gongwu, that made it
    made_at: str
    database: str  # what it was made on, sqlite or postgresql; it goes back to either
    size: int
    root: str
    tables: dict[str, int]  # rows beside the log
    vault_key: bool = False  # whether the master key of names is inside, under a passphrase


class Part(msgspec.Struct):
    """How much there is of one kind of line, and its hash."""

    lines: int
    bytes: int
    sha256: str


class End(msgspec.Struct, frozen=True):
    """The last line: everything in front of it, together and by kind."""

    lines: int
    bytes: int
    sha256: str
    parts: dict[str, Part]


class Locked(msgspec.Struct, frozen=True):
    """The master key of names under a passphrase."""

    salt: str
    nonce: str
    box: str


class _First(msgspec.Struct):
    backup: Manifest


class _Last(msgspec.Struct):
    end: End


class _Key(msgspec.Struct):
    vault_key: Locked


class _Sums:
    """Count and hash lines, together and by kind."""

    def __init__(self) -> None:
        self._all, self._lines, self._bytes = hashlib.sha256(), 0, 0
        self._parts: dict[str, tuple[Any, list[int]]] = {}

    def take(self, line: bytes) -> None:
        """Count one line."""
        part, counts = self._parts.setdefault(_kind(line), (hashlib.sha256(), [0, 0]))
        for digest in (self._all, part):
            digest.update(line)
        self._lines += 1
        self._bytes += len(line)
        counts[0] += 1
        counts[1] += len(line)

    def end(self) -> End:
        """Return what the last line says."""
        parts = {
            kind: Part(lines, size, digest.hexdigest())
            for kind, (digest, (lines, size)) in self._parts.items()
        }
        return End(self._lines, self._bytes, self._all.hexdigest(), parts)


def _kind(line: bytes) -> str:
    if line.startswith(ENTRY_MARK):
        return "entry"
    said = line[:120].split(b'"', 4)
    name = said[1].decode(errors="replace") if len(said) > 1 else ""
    return said[3].decode(errors="replace") if name == "beside" and len(said) > 4 else name


# Out ----------------------------------------------------------------------------------


def save(
    office: Office, to: Path, *, passphrase: str = "", progress: restoring.Progress | None = None
) -> Manifest:
    """Write a backup, read it back, and only then give it its name.

    Whoever may read it has every password's hash and every card: it is the owner's alone. Raise
    Unrestorable when the database holds what no backup knows, OSError when it cannot be written.
    """
    waiting = to.with_name(f".{to.name}.part")
    try:
        handle = os.open(waiting, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as raw:
            with gzip.GzipFile("", "wb", PACKING, raw, mtime=0) as packed:
                for line in framed(office, passphrase, progress):
                    packed.write(line)
            raw.flush()
            os.fsync(raw.fileno())
        manifest = check(waiting)
        waiting.replace(to)
        _synced(to.parent)
        return manifest
    finally:
        with suppress(OSError):
            waiting.unlink()


def framed(
    office: Office, passphrase: str = "", progress: restoring.Progress | None = None
) -> Iterator[bytes]:
    """Yield every line of a backup."""
    server = not office.book.url.startswith("sqlite:")
    declared = (*evidence.tables(office), *kept.tables())
    with office.book.log.snapshot() as select:
        if unknown := kept.forgotten(select, server=server):
            names = ", ".join(unknown)
            raise Unrestorable(
                f"数据库里有备份不认识的表：{names}。请移走它们，或升级后再备份。",
                f"The database holds tables that no backup knows: {names}. Move them elsewhere, or"
                " update Gongwu, then back up.",
            )
    sums = _Sums()
    inner = restoring.lines(office.book, progress, beside=declared)
    heading = next(inner)
    told = json.loads(heading)["ledger"]
    manifest = Manifest(
        format=FORMAT,
        version=installed("gongwu"),
        made_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        database="postgresql" if server else "sqlite",
        size=told["size"],
        root=told["root"],
        tables=told.get("beside", {}),
        vault_key=bool(passphrase),
    )
    front = [msgspec.json.encode(_First(manifest)) + b"\n"]
    if passphrase:
        front.append(msgspec.json.encode(_Key(locked(_vault_key(office), passphrase))) + b"\n")
    for line in (*front, heading):
        sums.take(line)
        yield line
    for line in inner:
        sums.take(line)
        yield line
    yield msgspec.json.encode(_Last(sums.end())) + b"\n"


def _vault_key(office: Office) -> bytes:
    file = office.accounts.vault.file
    try:
        return file.read_bytes()
    except OSError as error:
        raise Unrestorable(
            f"读不到姓名主密钥 {file}（{error.strerror}）；请放回它，或不带 --with-vault-key 备份。",
            f"Cannot read the master key of names {file} ({error.strerror}); put it back, or back"
            " up without --with-vault-key.",
        ) from error


def locked(content: bytes, passphrase: str) -> Locked:
    """Lock the master key under a passphrase."""
    salt, nonce = os.urandom(SALT_BYTES), os.urandom(NONCE_BYTES)
    box = AESGCM(_derived(passphrase, salt)).encrypt(nonce, content, FORMAT.encode())
    return Locked(*(b64encode(part).decode() for part in (salt, nonce, box)))


def unlocked(found: Locked, passphrase: str) -> bytes:
    """Return the master key again; raise Unrestorable for another passphrase."""
    try:
        salt, nonce, box = (b64decode(p) for p in (found.salt, found.nonce, found.box))
        return AESGCM(_derived(passphrase, salt)).decrypt(nonce, box, FORMAT.encode())
    except (InvalidTag, ValueError) as error:
        raise Unrestorable(
            "口令不对，姓名主密钥打不开。未写入任何内容。",
            "Another passphrase: the master key of names does not open. Nothing was written.",
        ) from error


def _derived(passphrase: str, salt: bytes) -> bytes:
    return hashlib.scrypt(
        passphrase.encode(), salt=salt, dklen=32, maxmem=SCRYPT_BYTES_MAX, **SCRYPT
    )


def _synced(folder: Path) -> None:
    """Let the name of a file survive a power cut as well as its content."""
    found = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(found)
    finally:
        os.close(found)


# A folder of them ---------------------------------------------------------------------


def name(at: datetime) -> str:
    """Return what a backup of a moment is called, so that names stand in the order of time."""
    return f"gongwu-{at.astimezone(UTC):%Y%m%dT%H%M%S%f}Z{SUFFIX}"


def stored(folder: Path) -> list[Path]:
    """Return the backups of a folder, the newest last; files of other names are not ours."""
    with suppress(OSError):
        return sorted(file for file in folder.iterdir() if NAMED.fullmatch(file.name))
    return []


def age(file: Path, now: datetime) -> timedelta:
    """Return how old a backup is by its name."""
    when = file.name.removeprefix("gongwu-").removesuffix(SUFFIX)
    form = "%Y%m%dT%H%M%S%fZ" if len(when) > len("20260101T000000Z") else "%Y%m%dT%H%M%SZ"
    return now - datetime.strptime(when, form).replace(tzinfo=UTC)


def thin(folder: Path, keep: int) -> list[Path]:
    """Let go of all but the newest so many backups of a folder; return which."""
    gone = stored(folder)[:-keep]
    for file in gone:
        file.unlink(missing_ok=True)
    return gone


# Back ---------------------------------------------------------------------------------


def is_backup(file: Path) -> bool:
    """Tell a backup from the bare lines of `gongwu export ledger`."""
    with file.open("rb") as raw:
        return raw.read(len(GZIP)) == GZIP


def check(file: Path, progress: Callable[[int, int], None] | None = None) -> Manifest:
    """Read a whole backup and compare it with what its last line says.

    Raise Unrestorable for a file that is damaged, cut off, or made by a newer Gongwu.
    """
    manifest: Manifest | None = None
    sums, end = _Sums(), None
    for line in _unpacked(file):
        if end is not None:
            raise _damaged(file, "后面还有内容", "more follows after the last line")
        if manifest is None:
            manifest = _manifest(file, line)
        elif line.startswith(LAST):
            end = _read(file, line, _Last).end
            continue
        sums.take(line)
        if progress is not None and line.startswith(ENTRY_MARK):
            progress(0, manifest.size)
    if manifest is None:
        raise _damaged(file, "是空的", "it is empty")
    if end is None:
        raise _damaged(file, "缺少结尾", "its end is missing")
    if end != (found := sums.end()):
        off = [kind for kind in end.parts if found.parts.get(kind) != end.parts[kind]]
        raise _damaged(file, f"校验和不符（{off}）", f"checksums differ ({', '.join(off)})")
    return manifest


def key_of(file: Path) -> Locked | None:
    """Return the master key as it lies in a backup that was checked; None when it is not there."""
    lines = _unpacked(file)
    next(lines)
    second = next(lines)
    return _read(file, second, _Key).vault_key if second.startswith(KEY) else None


def ledger_lines(file: Path) -> Iterator[bytes]:
    """Yield the lines inside the frame, as `gongwu export ledger` writes them."""
    return (line for line in _unpacked(file) if not line.startswith((FIRST, KEY, LAST)))


def _unpacked(file: Path) -> Iterator[bytes]:
    try:
        with gzip.open(file, "rb") as lines:
            while line := lines.readline(LINE_BYTES_MAX + 2):
                if not line.endswith(b"\n"):
                    raise _damaged(file, "行不完整或过长", "a line is torn or too long")
                yield line
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise _damaged(file, f"压缩内容读不出：{error}", f"it does not unpack: {error}") from error


def _manifest(file: Path, line: bytes) -> Manifest:
    if not line.startswith(FIRST):
        raise _damaged(file, "不是公物备份", "it is no backup of Gongwu")
    found = _read(file, line, _First).backup
    ours = installed("gongwu")
    if found.format != FORMAT or _number(found.version) > _number(ours):
        raise Unrestorable(
            f"备份由更新的版本 {found.version}（{found.format}）制作，本机是 {ours}。请先升级。"
            "未写入任何内容。",
            f"The backup was made by a newer Gongwu, {found.version} ({found.format}); this is"
            f" {ours}. Update first. Nothing was written.",
        )
    return found


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def _read(file: Path, line: bytes, kind: type[Any]) -> Any:
    try:
        return msgspec.json.decode(line, type=kind)
    except (msgspec.DecodeError, ValueError) as error:
        raise _damaged(file, str(error), str(error)) from error


def _damaged(file: Path, zh: str, en: str) -> Unrestorable:
    return Unrestorable(
        f"备份 {file.name} 已损坏或不完整：{zh}。未写入任何内容；请用另一份备份。",
        f"The backup {file.name} is damaged or cut off: {en}. Nothing was written; use another one.",
    )
