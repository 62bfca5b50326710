"""Labels that anybody can check without the server: a whole Ed25519 signature in the code.

A MAC is checked by whoever holds the secret, which is the server alone. A signature is checked by
whoever holds the public key: the scan app in a basement, an auditor at the command line. It stops
forging, not copying; whether the issue is the one in force only the ledger knows.

Sources: RFC 8032 (Ed25519), RFC 4648 §5 (base64url).
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from labels import identity
from labels.identity import BadLabel, KeyRing, Kind, LabelPayload, Scanned, Verdict

KEY_BYTES: Final = 32
SIGNATURE_CHARS: Final = 86  # 64 bytes

_DOMAIN: Final = b"ZCLSIG1"
_UNIT_SEPARATOR: Final = b"\x1f"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """What checks signed labels: the one-character id in the code, 32 bytes, and whether it still
    counts. A retired key may be in other hands."""

    id: str
    raw: bytes
    retired: bool = False

    def __post_init__(self) -> None:
        identity.check_key_id(self.id)
        if len(self.raw) != KEY_BYTES:
            raise BadLabel(
                f"标签签名公钥须为{KEY_BYTES}字节。",
                f"The public key of signed labels has {KEY_BYTES} bytes.",
            )


@dataclass(frozen=True)
class SigningKey:
    """What signs labels: the id printed in the code, and the 32 bytes of an Ed25519 private key."""

    id: str
    seed: bytes = field(repr=False)

    def __post_init__(self) -> None:
        identity.check_key_id(self.id)
        if len(self.seed) != KEY_BYTES:
            raise BadLabel(
                f"标签签名密钥须为{KEY_BYTES}字节。",
                f"The private key of signed labels has {KEY_BYTES} bytes.",
            )

    @cached_property
    def private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)

    @cached_property
    def public(self) -> PublicKey:
        """Return what may be given to everybody."""
        return PublicKey(self.id, self.private.public_key().public_bytes_raw())


@dataclass(frozen=True, slots=True)
class Keys:
    """All that labels are checked with: secrets of MACs, where there are any, and public keys."""

    secrets: KeyRing | None = None
    publics: tuple[PublicKey, ...] = ()

    def __post_init__(self) -> None:
        # As with secrets: the id is not signed, so distinct keys make a changed one detectable.
        for told in ({key.id for key in self.publics}, {key.raw for key in self.publics}):
            if len(told) < len(self.publics):
                raise BadLabel(
                    "标签签名公钥的代号与内容均不得重复。",
                    "No id and no public key of signed labels may occur twice.",
                )


def url(payload: LabelPayload, *, host: str, key: SigningKey) -> str:
    """Write the text of a signed code: 124 to 149 characters, a version 8 symbol at level M or 10
    at level Q."""
    signature = key.private.sign(message(payload.id, payload.issue))
    return identity.plain_url(payload, host=host) + f"&s={key.id}{_written(signature)}"


def message(id_: str, issue: int) -> bytes:
    """Return what is signed: which thing, which issue, and nothing that a renaming changes."""
    return _UNIT_SEPARATOR.join((_DOMAIN, id_.encode(), str(issue).encode()))


def verify(scanned: Scanned, keys: Keys) -> Verdict:
    """Say whether we printed a label, by signature or by MAC, whichever it carries."""
    if not scanned.has_signature or scanned.kind not in (Kind.GIAI, Kind.OBJECT):
        if keys.secrets is not None:
            return identity.verify(scanned, keys.secrets)
        if scanned.mac is None or scanned.kind not in (Kind.GIAI, Kind.OBJECT):
            return Verdict.UNSIGNED
        return Verdict.UNKNOWN_KEY if scanned.mac or not keys.publics else Verdict.FORGED
    key = _find(keys.publics, scanned.key or "")
    if key is None:
        return Verdict.UNKNOWN_KEY
    if scanned.issue is None or scanned.mac is None:
        return Verdict.FORGED
    if scanned.case_lost:
        return Verdict.CASE_LOST
    signature = base64.urlsafe_b64decode(scanned.mac + "==")
    if _written(signature) != scanned.mac:  # the last character has bits to spare
        return Verdict.FORGED
    try:
        Ed25519PublicKey.from_public_bytes(key.raw).verify(
            signature, message(scanned.id, scanned.issue)
        )
    except InvalidSignature:
        return Verdict.FORGED
    return Verdict.RETIRED_KEY if key.retired else Verdict.GENUINE


def _find(keys: Iterable[PublicKey], key_id: str) -> PublicKey | None:
    return next((key for key in keys if key.id == key_id), None)


def _written(signature: bytes) -> str:
    return base64.urlsafe_b64encode(signature).rstrip(b"=").decode()
