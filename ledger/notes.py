"""Signed notes and checkpoints: the public formats in which the head of the log leaves the house.

C2SP signed-note, tlog-checkpoint and tlog-cosignature, so that checkers nobody here wrote can
read them. To sign: `Signer.new(name)`, `signer.sign(Checkpoint(...).text)`. To check: parse the
bytes with `Note.parse`, then `note.signed_by([Verifier.parse(vkey)])`, or ask a `trust.Trust`.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Self

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from domain.decider import Lang
from domain.words import Words, in_words

LOG, WITNESS = 0x01, 0x04  # types of signature: Ed25519 over the text; with the time of a witness
KEY_OTHER = 0xFF  # a type without a number: what it is stands in front of the key
NOTE_BYTES_MAX = 64 * 1024
SIGNATURES_MAX = 100
KEY_BYTES, SIGNATURE_BYTES, TIME_BYTES, ID_BYTES = 32, 64, 8, 4
SIZE_MAX = 2**63 - 1
DASH = "— "
_decimal = re.compile("0|[1-9][0-9]{0,18}")


class Unproven(Exception):
    """A note, proof, policy or bundle does not hold, or is not what its format demands."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.words = Words(zh, en)

    def sentence(self, lang: Lang) -> str:
        """Say in the reader's language what does not hold."""
        return in_words(self.words, lang)


def unbase64(text: str) -> bytes:
    """Read standard base64 in its one canonical spelling; raise Unproven for any other."""
    try:
        found = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, ValueError):
        found = None
    if found is None or base64.b64encode(found).decode() != text:
        raise Unproven("不是规范的 Base64 编码。", "This is not canonical base64.")
    return found


def decimal(text: str) -> int:
    """Read a size or index: ASCII digits without a leading zero, below 2^63."""
    if not _decimal.fullmatch(text) or int(text) > SIZE_MAX:
        raise Unproven(f"“{text[:40]}”不是有效的条数。", f"{text[:40]!r} is not a valid number.")
    return int(text)


def key_id(name: str, kind: int, public: bytes) -> bytes:
    """Return the four bytes that name a key beside its name."""
    return sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:ID_BYTES]


def valid_name(name: str) -> bool:
    """Tell whether a key may have this name: not empty, no white space, no plus."""
    return bool(name) and "+" not in name and not any(c.isspace() or c < " " for c in name)


class Verifier(msgspec.Struct, frozen=True):
    """A public key that somebody trusts, with its name and type of signature."""

    name: str
    kind: int
    public: bytes

    @property
    def id(self) -> bytes:
        return key_id(self.name, self.kind, self.public)

    @property
    def vkey(self) -> str:
        """Return the key as the one line that is published."""
        return _written(self.name, self.kind, self.public, self.public)

    @classmethod
    def parse(cls, vkey: str) -> Self:
        """Read a published line, name+id+key; raise Unproven for anything else."""
        name, kind, public, id_ = _read(vkey)
        if key_id(name, kind, public) != id_:
            raise Unproven(
                f"公钥“{name}”的编号与内容不符。", f"The id of the key {name} is not its own."
            )
        return cls(name, kind, public)

    def time_of(self, text: str, signature: bytes) -> int | None:
        """Return when a signature says it was made (seconds since 1970); 0 when it says nothing.

        None when it is not this key's signature under this text.
        """
        time, message = 0, text.encode()
        if self.kind == WITNESS:
            if len(signature) != TIME_BYTES + SIGNATURE_BYTES:
                return None
            time = int.from_bytes(signature[:TIME_BYTES], "big")
            signature = signature[TIME_BYTES:]
            message = cosigned(text, time)
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return None
        return time


def cosigned(text: str, time: int) -> bytes:
    """Return what a witness signs: its time in front of the whole text of the checkpoint."""
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def _written(name: str, kind: int, public: bytes, key: bytes) -> str:
    id_ = key_id(name, kind, public).hex()
    return f"{name}+{id_}+{base64.b64encode(bytes([kind]) + key).decode()}"


def _read(line: str) -> tuple[str, int, bytes, bytes]:
    """Read name, type, key and id from the line of a key."""
    name, _, rest = line.partition("+")
    id_, _, encoded = rest.partition("+")
    if not valid_name(name) or not re.fullmatch("[0-9a-f]{8}", id_):
        raise Unproven("不是公钥格式（名称+编号+公钥）。", "Not a key: name+id+key is expected.")
    key = unbase64(encoded)
    if len(key) != 1 + KEY_BYTES or key[0] not in (LOG, WITNESS):
        raise Unproven(
            f"公钥“{name}”的算法不受支持。", f"The key {name} is of a kind that is not supported."
        )
    return name, key[0], key[1:], bytes.fromhex(id_)


class Signer:
    """A private key at work, wherever it is kept: `sign_bytes` may ask a card or a server."""

    PREFIX = "PRIVATE+KEY+"

    def __init__(
        self, name: str, kind: int, public: bytes, sign_bytes: Callable[[bytes], bytes]
    ) -> None:
        if not valid_name(name):
            raise Unproven(
                f"名称“{name}”不能用：不得为空，不得含空白或加号。",
                f"The name {name!r} cannot be used: not empty, no white space, no plus.",
            )
        self.verifier = Verifier(name, kind, public)
        self._sign_bytes = sign_bytes

    @classmethod
    def of(cls, name: str, kind: int, private: Ed25519PrivateKey) -> Self:
        """Return a signer whose key is in this process."""
        return cls(name, kind, private.public_key().public_bytes_raw(), private.sign)

    @classmethod
    def parse(cls, skey: str) -> Self:
        """Read a private key written as one line, as Go's note package writes it."""
        if not skey.startswith(cls.PREFIX):
            raise Unproven("不是私钥。", "This is not a private key.")
        name, kind, seed, id_ = _read(skey.removeprefix(cls.PREFIX).strip())
        signer = cls.of(name, kind, Ed25519PrivateKey.from_private_bytes(seed))
        if signer.verifier.id != id_:
            raise Unproven("私钥的编号与内容不符。", "The id of the private key is not its own.")
        return signer

    @property
    def name(self) -> str:
        return self.verifier.name

    def sign(self, text: str, time: int = 0) -> Signature:
        """Sign a text; a witness signs it with a time, in seconds since 1970."""
        if self.verifier.kind == WITNESS:
            made = time.to_bytes(TIME_BYTES, "big") + self._sign_bytes(cosigned(text, time))
        else:
            made = self._sign_bytes(text.encode())
        if self.verifier.time_of(text, made) is None:
            raise Unproven(
                f"“{self.name}”的签名设备给出的签名无效。",
                f"What holds the key of {self.name} returned a signature that is not valid.",
            )
        return Signature(self.name, self.verifier.id, made)


class Signature(msgspec.Struct, frozen=True):
    """One line under a note: who signed, with which key, and the signature."""

    name: str
    id: bytes
    made: bytes

    @property
    def line(self) -> str:
        return f"{DASH}{self.name} {base64.b64encode(self.id + self.made).decode()}\n"

    @classmethod
    def parse(cls, line: str) -> Self:
        """Read one line without its newline."""
        name, _, encoded = line.removeprefix(DASH).partition(" ")
        if not line.startswith(DASH) or not valid_name(name):
            raise _malformed()
        made = unbase64(encoded)
        if len(made) <= ID_BYTES:
            raise _malformed()
        return cls(name, made[:ID_BYTES], made[ID_BYTES:])


class Signed(msgspec.Struct, frozen=True):
    """A key that signed, and the time it gave (0 when it gives none)."""

    verifier: Verifier
    time: int


class Note(msgspec.Struct, frozen=True):
    """A text and the signatures under it; nothing is checked yet."""

    text: str
    signatures: tuple[Signature, ...]

    @property
    def raw(self) -> bytes:
        return (self.text + "\n" + "".join(s.line for s in self.signatures)).encode()

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read a signed note; raise Unproven when it is not one."""
        try:
            said = raw.decode()
        except UnicodeDecodeError:
            raise _malformed() from None
        if len(raw) > NOTE_BYTES_MAX or any(c < " " and c != "\n" for c in said):
            raise _malformed()
        text, split, lines = said.rpartition("\n\n")
        if not split or not lines.endswith("\n"):
            raise _malformed()
        found = lines[:-1].split("\n")
        if len(found) > SIGNATURES_MAX:
            raise _malformed()
        return cls(text + "\n", tuple(map(Signature.parse, found)))

    def signed_by(self, verifiers: Iterable[Verifier]) -> tuple[Signed, ...]:
        """Return the known keys that signed, each once; unknown keys are passed over.

        Raise Unproven when a known key's signature is wrong, or when no known key signed.
        """
        known = {(v.name, v.id): v for v in verifiers}
        seen: dict[tuple[str, bytes], Signed] = {}
        for signature in self.signatures:
            key = (signature.name, signature.id)
            verifier = known.get(key)
            if verifier is None or key in seen:
                continue
            time = verifier.time_of(self.text, signature.made)
            if time is None:
                raise Unproven(
                    f"“{signature.name}”的签名与内容不符：内容或签名被改动。",
                    f"The signature of {signature.name} does not fit: text or signature changed.",
                )
            seen[key] = Signed(verifier, time)
        if not seen:
            raise Unproven("没有任何受信任的签名。", "Nobody who is trusted signed this.")
        return tuple(seen.values())

    def joined(self, more: Iterable[Signature]) -> Self:
        """Return the note with more signatures; of a key that signed before, the first stays."""
        kept: dict[tuple[str, bytes], Signature] = {}
        for signature in (*self.signatures, *more):
            kept.setdefault((signature.name, signature.id), signature)
        return type(self)(self.text, tuple(kept.values()))


def _malformed() -> Unproven:
    return Unproven("不是签名文本（signed note）格式。", "This is not a signed note.")


class Checkpoint(msgspec.Struct, frozen=True):
    """The head of a log: its name for ever, how many entries, and the root over them all."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        lines = (self.origin, str(self.size), base64.b64encode(self.root).decode())
        return "".join(f"{line}\n" for line in (*lines, *self.extensions))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text of a checkpoint; raise Unproven when it is not one."""
        lines = text.split("\n")
        if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
            raise Unproven("不是检查点格式。", "This is not a checkpoint.")
        origin, size, root, *extensions = lines[:-1]
        return cls(origin, decimal(size), unbase64(root), tuple(extensions))
