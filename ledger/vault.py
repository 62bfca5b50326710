"""Personal data outside the log: sealed under a key of each person's own, which can be destroyed.

The log holds ids, and where it must bind a value, a commitment: HMAC-SHA-256 under a random key
that lies in the vault beside the value. When both keys are gone, every entry stays what it was,
and nobody can confirm a guess. Where the tables lie is the caller's business.
"""

from __future__ import annotations

import hmac
import os
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12


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


def new_key() -> bytes:
    """Return a key for a subject, or for a commitment."""
    return os.urandom(KEY_BYTES)


def seal(key: bytes, subject: str, field: str, value: str) -> bytes:
    """Seal a value for one place (AES-256-GCM), with a fresh key for its commitment."""
    nonce = os.urandom(NONCE_BYTES)
    plain = msgspec.msgpack.encode(Sealed(value, new_key()))
    return nonce + AESGCM(key).encrypt(nonce, plain, _place(subject, field))


def unseal(key: bytes, subject: str, field: str, sealed: bytes) -> Sealed:
    """Open what was sealed for this place; raise Unreadable for anything else."""
    nonce, rest = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    try:
        plain = AESGCM(key).decrypt(nonce, rest, _place(subject, field))
        return msgspec.msgpack.decode(plain, type=Sealed)
    except (InvalidTag, ValueError, msgspec.DecodeError) as error:
        raise Unreadable(f"{subject} {field}") from error


def committed(key: bytes, value: str) -> str:
    """Return the commitment to a value under a key."""
    return hmac.digest(key, value.encode(), "sha256").hex()


def _place(subject: str, field: str) -> bytes:
    return f"{subject}\0{field}".encode()
