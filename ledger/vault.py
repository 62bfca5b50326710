"""Personal data outside the log: sealed under a key of each person's own, which can be destroyed.

The log holds ids, and where it must bind a value, a commitment: HMAC-SHA-256 under a random key
that lies in the vault beside the value. When both keys are gone, every entry stays what it was,
and nobody can confirm a guess. Where the tables lie is the caller's business.

The keys of persons lie wrapped under a master key, which is a file of its own: neither a database
nor a copy of one opens anything by itself. Keys of 32 bytes are of AES-256-GCM, of 16 of SM4-GCM.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger.notes import Unproven

KEY_BYTES: Final = 32
SM4_KEY_BYTES: Final = 16
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
ID_BYTES: Final = 8
HEADING: Final = "gongwu-vault 1"
CIPHERS: Final = {"aes-256-gcm": KEY_BYTES, "sm4-gcm": SM4_KEY_BYTES}


class Sealed(msgspec.Struct, frozen=True):
    """A value and the key of its commitment, as they lie inside the seal."""

    value: str
    key: bytes

    @property
    def commitment(self) -> str:
        """Return what an entry may hold of the value: 64 hexadecimal digits."""
        return committed(self.key, self.value)


class Unreadable(Exception):
    """What is sealed does not open: it was changed, moved, or the key is another's."""


def new_key(size: int = KEY_BYTES) -> bytes:
    """Return a key for a subject, or for a commitment."""
    return os.urandom(size)


def seal(
    key: bytes, subject: str, field: str, value: str, *, commitment_key: bytes | None = None
) -> bytes:
    """Seal a value for one place, with a fresh key for its commitment unless one is given."""
    plain = msgspec.msgpack.encode(Sealed(value, commitment_key or new_key()))
    return _locked(key, plain, _place(subject, field))


def unseal(key: bytes, subject: str, field: str, sealed: bytes) -> Sealed:
    """Open what was sealed for this place; raise Unreadable for anything else."""
    plain = _unlocked(key, sealed, _place(subject, field))
    try:
        return msgspec.msgpack.decode(plain, type=Sealed)
    except msgspec.DecodeError as error:
        raise Unreadable(f"{subject} {field}") from error


def committed(key: bytes, value: str) -> str:
    """Return the commitment to a value under a key."""
    return hmac.digest(key, value.encode(), "sha256").hex()


def _locked(key: bytes, plain: bytes, place: bytes) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    if len(key) == KEY_BYTES:
        return nonce + AESGCM(key).encrypt(nonce, plain, place)
    encryptor = Cipher(algorithms.SM4(key), modes.GCM(nonce)).encryptor()
    encryptor.authenticate_additional_data(place)
    return nonce + encryptor.update(plain) + encryptor.finalize() + encryptor.tag


def _unlocked(key: bytes, sealed: bytes, place: bytes) -> bytes:
    nonce, rest = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    try:
        if len(key) == KEY_BYTES:
            return AESGCM(key).decrypt(nonce, rest, place)
        body, tag = rest[:-TAG_BYTES], rest[-TAG_BYTES:]
        decryptor = Cipher(algorithms.SM4(key), modes.GCM(nonce, tag)).decryptor()
        decryptor.authenticate_additional_data(place)
        return decryptor.update(body) + decryptor.finalize()
    except (InvalidTag, ValueError) as error:
        raise Unreadable(place.decode(errors="replace")) from error


# The master key -----------------------------------------------------------------------


class Master(msgspec.Struct, frozen=True):
    """A key of keys. Its id stands in front of everything it wraps."""

    key: bytes

    @property
    def cipher(self) -> str:
        return next(name for name, size in CIPHERS.items() if size == len(self.key))

    @property
    def id(self) -> bytes:
        return sha256(b"gongwu-vault\0" + self.key).digest()[:ID_BYTES]

    def wrap(self, subject: str, key: bytes) -> bytes:
        """Return the key of a subject as it lies in the database."""
        return self.id + _locked(self.key, key, _place(subject, ""))

    def unwrap(self, subject: str, wrapped: bytes) -> bytes:
        """Return the key again; raise Unreadable when it was wrapped for another, or by another."""
        if wrapped[:ID_BYTES] != self.id:
            raise Unreadable(subject)
        return _unlocked(self.key, wrapped[ID_BYTES:], _place(subject, ""))

    @property
    def wrapped_bytes(self) -> int:
        """Return how long a wrapped key of a subject is."""
        return ID_BYTES + NONCE_BYTES + len(self.key) + TAG_BYTES


def draw(cipher: str = "aes-256-gcm") -> Master:
    """Return a new master key; raise KeyError for a cipher that is not there."""
    return Master(new_key(CIPHERS[cipher]))


def masters(file: Path) -> list[Master]:
    """Return the keys of a file, the one in use first; none when there is no file.

    Raise Unproven when others could read it, or it is none.
    """
    try:
        mode, text = file.stat().st_mode, file.read_text(encoding="ascii")
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise Unproven(
            f"读不到主密钥 {file}：{error}。", f"Cannot read {file}: {error}."
        ) from error
    if mode & 0o077 and os.name == "posix":
        raise Unproven(
            f"主密钥文件 {file} 可被他人读取；请先执行 chmod 600。",
            f"Others can read the master key {file}; run chmod 600 on it first.",
        )
    heading, *lines = text.splitlines() or [""]
    try:
        found = [Master(base64.b64decode(line.split()[1], validate=True)) for line in lines]
        if (
            heading != HEADING
            or not found
            or [m.cipher for m in found] != [line.split()[0] for line in lines]
        ):
            raise ValueError(heading)
    except (ValueError, IndexError, StopIteration, binascii.Error) as error:
        raise Unproven(f"{file} 不是主密钥文件。", f"{file} is no master key.") from error
    return found


def keep_masters(file: Path, keys: Sequence[Master], *, new: bool = False) -> bool:
    """Write a key file that its owner alone reads, whole or not at all.

    With `new`, only where there is none: False when somebody was first.
    """
    lines = [f"{m.cipher} {base64.b64encode(m.key).decode()}" for m in keys]
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f"{file.name}.{os.urandom(8).hex()}.new")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as out:
        out.write("\n".join((HEADING, *lines, "")))
        out.flush()
        os.fsync(out.fileno())
    if not new:
        beside.replace(file)
        return True
    try:
        os.link(beside, file)
    except FileExistsError:
        return False
    finally:
        beside.unlink()
    return True


def _place(subject: str, field: str) -> bytes:
    return f"{subject}\0{field}".encode()
