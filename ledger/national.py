"""The parallel log of the national profile (国密): the same entries, SM3 for SHA-256, SM2 for Ed25519.

Its name is that of the log with `/sm3` behind it. Leaves and nodes are those of RFC 9162 §2.1 with
SM3 (GB/T 32905), so nothing is stored but its checkpoints: whoever has the entries has the tree.
The checkpoint is a C2SP signed note whose signature has type 0xff and the identifier `sm2-sm3`;
the key is the point 04‖x‖y, the signature r‖s, over SM3(Z‖text) with the default identity of
GB/T 35276. The key itself stays in a card or a signature server behind a command.

SM3 comes from OpenSSL, through Python or `cryptography`. Checking SM2 is optional, `pip install
'gongwu[sm]'`. None of this makes an installation pass a cryptographic assessment (密评): that is
for a certified device behind the command. The SHA-256 log stays the one others can read.
"""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Final, Self

from cryptography.hazmat.primitives import hashes

from domain.words import Words
from ledger import tree
from ledger.act import Select
from ledger.book import Book
from ledger.notary import Last, Notary, Refusal
from ledger.notes import (
    KEY_OTHER,
    Checkpoint,
    Note,
    Signer,
    Unproven,
    Verifier,
    key_id,
    unbase64,
    valid_name,
)
from ledger.verifying import Problem

KIND: Final = "sm3"
SUFFIX: Final = "/sm3"
SCHEME: Final = b"sm2-sm3"
PAGE_ROWS: Final = 5_000
COMMAND_SECONDS: Final = 10  # while it hangs, nobody signs
SIZE_MAX: Final = 2**62
CHECKED_MAX: Final = 100_000
SIGNATURES_CHECKED: Final = 20  # of the newest checkpoints: each covers everything before it
SCALAR_BYTES: Final = 32
POINT_BYTES: Final = 1 + 2 * SCALAR_BYTES
ABSENT: Final = Words(
    "核验国密签名（SM2）需要附加组件：pip install 'gongwu[sm]'。",
    "Checking SM2 signatures needs an extra: pip install 'gongwu[sm]'.",
)
# The one curve of SM2 and the identity that signs when none was agreed (GB/T 32918.5, GB/T 35276).
P: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A: Final = P - 3
B: Final = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
GX: Final = 0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7
GY: Final = 0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0
IDENTITY: Final = b"1234567812345678"
# AlgorithmIdentifier of an SM2 key and the head of its bit string, as every PEM file writes them.
SPKI: Final = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200")


# SM3 and the tree of it ---------------------------------------------------------------


def _from_cryptography(data: bytes) -> bytes:
    digest = hashes.Hash(hashes.SM3())
    digest.update(data)
    return digest.finalize()


def _chosen() -> Callable[[bytes], bytes]:
    try:
        begun = hashlib.new("sm3")
    except ValueError:  # Python's OpenSSL was built without it, or may not use it
        return _from_cryptography

    def from_hashlib(data: bytes) -> bytes:
        hash_ = begun.copy()  # looking the algorithm up anew takes as long as hashing
        hash_.update(data)
        return hash_.digest()

    return from_hashlib


sm3: Final = _chosen()


def leaf(entry: bytes) -> bytes:
    """Return the leaf hash of an entry's exact bytes."""
    return sm3(b"\x00" + entry)


def grow(size: int, frontier: list[bytes], leaves: Iterable[bytes]) -> int:
    """Append leaves to the right edge, largest subtree first; return the new size."""
    push, pop = frontier.append, frontier.pop
    for hash_ in leaves:
        carried = size
        while carried & 1:
            hash_ = sm3(b"\x01" + pop() + hash_)
            carried >>= 1
        push(hash_)
        size += 1
    return size


def root(frontier: Sequence[bytes]) -> bytes:
    """Return the root over the subtrees on the right edge."""
    if not frontier:
        return sm3(b"")
    hash_ = frontier[-1]
    for left in reversed(frontier[:-1]):
        hash_ = sm3(b"\x01" + left + hash_)
    return hash_


# SM2 ----------------------------------------------------------------------------------


def library() -> ModuleType:
    """Return what checks SM2; raise Unproven, saying how to install it, when absent."""
    try:
        return import_module("gmssl.sm2")
    except ImportError:
        raise Unproven(ABSENT.zh, ABSENT.en) from None


def digest(point: bytes, message: bytes) -> bytes:
    """Return what SM2 signs: SM3 of who signs (Z, GB/T 32918.2 §5.5) and the message."""
    numbers = b"".join(number.to_bytes(SCALAR_BYTES, "big") for number in (A, B, GX, GY))
    z = sm3((len(IDENTITY) * 8).to_bytes(2, "big") + IDENTITY + numbers + point[1:])
    return sm3(z + message)


def signed(point: bytes, message: bytes, made: bytes) -> bool:
    """Tell whether r‖s is a key's signature under a message (GB/T 32918.2 §7.1)."""
    if not on_curve(point) or len(made) != 2 * SCALAR_BYTES:
        return False
    r, s = (int.from_bytes(made[at : at + SCALAR_BYTES], "big") for at in (0, SCALAR_BYTES))
    if not (0 < r < N and 0 < s < N) or (r + s) % N == 0:
        return False
    checker = library().CryptSM2(private_key="", public_key="")
    # Not given above: it would take every leading 0 and 4 away, not only the mark of a point.
    checker.public_key = point[1:].hex()
    try:
        return bool(checker.verify(made.hex(), digest(point, message)))
    except TypeError:  # the sum of the two points is the point at infinity
        return False


def on_curve(point: bytes) -> bool:
    """Tell whether bytes are a point of the curve, not compressed."""
    if len(point) != POINT_BYTES or point[0] != 4:
        return False
    x, y = int.from_bytes(point[1:33], "big"), int.from_bytes(point[33:], "big")
    return x < P and y < P and (y * y - (x * x * x + A * x + B)) % P == 0


def plain(made: bytes) -> bytes:
    """Return a signature as r‖s: devices give that or a DER sequence (GB/T 35276); else as it is."""
    if len(made) == 2 * SCALAR_BYTES or made[:1] != b"\x30" or len(made) < 8:
        return made
    at, found = 2, b""
    for _ in range(2):
        length = made[at + 1] if made[at : at + 1] == b"\x02" and at + 1 < len(made) else 0
        number = int.from_bytes(made[at + 2 : at + 2 + length], "big")
        if not 0 < length <= SCALAR_BYTES + 1 or number >= N:
            return made
        found += number.to_bytes(SCALAR_BYTES, "big")
        at += 2 + length
    return found if at == len(made) == made[1] + 2 else made


class SM2Verifier(Verifier, frozen=True):
    """A public key of SM2, with the name of a parallel log."""

    @classmethod
    def of(cls, name: str, point: bytes) -> Self:
        """Return the verifier of a point; raise Unproven when it is none of the curve."""
        if not on_curve(point) or not valid_name(name):
            raise _no_key()
        return cls(name, KEY_OTHER, SCHEME + point)

    @classmethod
    def parse(cls, vkey: str) -> Self:
        """Read a published line, name+id+key; raise Unproven for anything else."""
        name, _, rest = vkey.strip().partition("+")
        id_, _, encoded = rest.partition("+")
        key = unbase64(encoded)
        if key[:1] != bytes([KEY_OTHER]) or not key[1:].startswith(SCHEME):
            raise _no_key()
        found = cls.of(name, key[1 + len(SCHEME) :])
        if key_id(name, KEY_OTHER, found.public).hex() != id_:
            raise _no_key()
        return found

    @property
    def point(self) -> bytes:
        return self.public[len(SCHEME) :]

    def time_of(self, text: str, signature: bytes) -> int | None:
        """Return 0 when it is this key's signature under this text, else None."""
        return 0 if signed(self.point, text.encode(), signature) else None


def believed(file: Path) -> SM2Verifier:
    """Read the public key of a parallel log from a file; raise Unproven when it holds none."""
    try:
        return SM2Verifier.parse(file.read_text("utf-8", "replace"))
    except OSError as error:
        raise Unproven(
            f"读不到国密公钥 {file}：{error.strerror}。", f"Cannot read {file}: {error.strerror}."
        ) from error


def point_of(pem: bytes) -> bytes:
    """Return the point of a public key in PEM, as OpenSSL and devices export it."""
    head, tail = b"-----BEGIN PUBLIC KEY-----", b"-----END PUBLIC KEY-----"
    try:
        inside = pem.split(head, 1)[1].split(tail, 1)[0]
        der = unbase64(b"".join(inside.split()).decode("ascii"))
    except (IndexError, UnicodeDecodeError):
        raise _no_key() from None
    if not der.startswith(SPKI) or not on_curve(der[len(SPKI) :]):
        raise _no_key()
    return der[len(SPKI) :]


def _no_key() -> Unproven:
    return Unproven("不是国密 SM2 公钥。", "This is no public key of SM2.")


class SM2Signer(Signer):
    """A key of SM2 at work elsewhere: bytes to a command's input, the signature on its output."""

    def __init__(self, verifier: SM2Verifier, sign_bytes: Callable[[bytes], bytes]) -> None:
        self.verifier = verifier
        self._sign_bytes = lambda message: plain(sign_bytes(message))


def commanded(verifier: SM2Verifier, command: Sequence[str]) -> SM2Signer:
    """Return a signer that asks a program: of a card (GM/T 0018) or a server (GM/T 0029)."""

    def sign_bytes(message: bytes) -> bytes:
        try:
            return subprocess.run(
                list(command),
                input=message,
                capture_output=True,
                check=True,
                timeout=COMMAND_SECONDS,
            ).stdout
        except (OSError, subprocess.SubprocessError) as error:
            raise Unproven(
                f"签名命令失败：{error}。", f"The signing command failed: {error}."
            ) from error

    return SM2Signer(verifier, sign_bytes)


# The parallel log ---------------------------------------------------------------------


class Parallel(Notary):
    """Signs the parallel log, after the notary signed: same store, own name, never backwards."""

    def __init__(self, store: Path, signer: SM2Signer) -> None:
        if not signer.name.endswith(SUFFIX):
            raise Unproven(
                f"国密并行账本的名称须以 {SUFFIX} 结尾：{signer.name}",
                f"The name of a parallel log ends in {SUFFIX}: {signer.name}",
            )
        super().__init__(store, signer)

    def follow(self, book: Book, note: Note) -> Note:
        """Sign, of the same size, what the notary has signed; keep it beside that checkpoint.

        Raise Refusal when that is shorter than what was signed here, or leaves contradict bytes.
        """
        size, last = Checkpoint.parse(note.text).size, self.last()
        if size == last.size and last.note is not None:
            made = Note.parse(last.note)
        else:
            found = self._read(book, last, size)
            self._swap(last, found)
            text = Checkpoint(self.origin, size, found.root).text
            made = Note(text, (self.signer.sign(text),))
            self._keep(size, made)
        if not book.log.attestations(KIND, size, size, 1):
            book.log.keep_attestation(KIND, size, made.raw)
        return made

    def _read(self, book: Book, last: Last, size: int) -> Last:
        if size < last.size:
            raise Refusal(
                "backwards",
                f"国密并行账本已签署到 {last.size:,} 条，多于 {size:,} 条：拒绝签署。",
                f"{last.size:,} entries of the parallel log are signed, more than {size:,}:"
                " not signed.",
            )
        frontier, at = tree.unpack(last.frontier), last.size
        while at < size:
            stop = min(at + PAGE_ROWS, size)
            states = [bytes(row[4]) for page in book.log.rows(at + 1, stop) for row in page]
            if [tree.leaf(state) for state in states] != book.log.leaves(at + 1, stop) or (
                len(states) != stop - at
            ):
                raise Refusal(
                    "contradicted",
                    f"第 {at + 1} 至 {stop} 条的原文与哈希不符。拒绝签署；请运行 gongwu verify。",
                    f"Entries {at + 1} to {stop} contradict their hashes. Not signed; run gongwu"
                    " verify.",
                )
            at = grow(at, frontier, map(leaf, states))
        return Last(size, root(frontier), tree.pack(frontier))


class Parallels:
    """Reads along with `verify`: the parallel tree anew, held against each checkpoint of it.

    `held` are checkpoints of the parallel log that the reader kept elsewhere. Roots of all kept
    checkpoints are compared; of signatures, the newest: each covers everything before it.
    """

    def __init__(
        self, book: Book, verifier: SM2Verifier | None, held: Sequence[Checkpoint] = ()
    ) -> None:
        if verifier is not None:
            library()
        self._verifier, self._held = verifier, held
        self._kept = book.log.attestations(KIND, 0, SIZE_MAX, CHECKED_MAX)
        sizes = {c.size for c in held} | {size for size, _ in self._kept}
        self._wanted = sorted(sizes - {0}, reverse=True)
        self._roots = {0: root(())}
        self._size, self._frontier = 0, list[bytes]()
        self.signed = 0  # entries under the newest checkpoint that holds

    def take(self, position: int, state: bytes) -> None:
        """Grow the tree; remember its root wherever a checkpoint has one."""
        self._size = grow(self._size, self._frontier, (leaf(state),))
        if self._wanted and self._wanted[-1] == self._size:
            self._roots[self._wanted.pop()] = root(self._frontier)

    def problems(self, select: Select) -> Iterator[Problem]:
        """Yield each checkpoint of the parallel log that does not hold."""
        for number, (size, raw) in enumerate(self._kept):
            why = self._wrong(size, bytes(raw), number < SIGNATURES_CHECKED)
            if why is not None:
                yield Problem(check="sm3", detail=f"{size:,}", why=why)
            else:
                self.signed = max(self.signed, size)
        for checkpoint in sorted(self._held, key=lambda c: c.size):
            if self._roots.get(checkpoint.size) != checkpoint.root:
                yield Problem(check="sm3", detail=f"{checkpoint.size:,}", why=OTHERWISE)

    def _wrong(self, size: int, raw: bytes, signature: bool) -> Words | None:
        """Return why a kept checkpoint does not hold; None when it does."""
        try:
            note = Note.parse(raw)
            checkpoint = Checkpoint.parse(note.text)
            of = self._verifier
            # A log that was closed had a name and a key of its own; its roots count all the same.
            if of is not None and signature and checkpoint.origin == of.name:
                note.signed_by([of])
        except Unproven as why:
            return why.words
        named = checkpoint.origin.endswith(SUFFIX)
        if (checkpoint.size, checkpoint.root) != (size, self._roots.get(size)) or not named:
            return OTHERWISE
        return None


OTHERWISE: Final = Words(
    "与由条目重算的树根不符，或属于另一账本。",
    "It is not the root computed from the entries, or of another log.",
)
