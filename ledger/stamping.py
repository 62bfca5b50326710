"""Time stamps (RFC 3161): an authority outside says by when a checkpoint was there.

Optional, `pip install 'gongwu[tsa]'`. What is stamped is SHA-256 of the text of the checkpoint, so
that signatures of witnesses which come later change nothing. The whole answer is kept beside the
checkpoint as it came (`.tsr`, which `openssl ts -verify` reads too). `asked(text)` is what to send,
`judge(raw, text, roots)` says what an answer is worth; nothing here reaches the network.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Literal, TypeAlias

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from domain.words import Words
from ledger.act import Select
from ledger.book import Book
from ledger.notes import Checkpoint, Note, Unproven
from ledger.verifying import Problem

KIND: Final = "tsa"
STAMP_BYTES_MAX: Final = 64 * 1024
CHECKED_MAX: Final = 1_000  # stamps that one verification judges, the newest
# We ask for SHA-256; stamps that were fetched by other means may use its longer sisters.
HASHES: Final = {
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
# 1.2.156.10197.1, the arc of the national algorithms (GM/T 0006), as DER has it inside any of them.
NATIONAL: Final = bytes.fromhex("2a811ccf5501")
ABSENT: Final = Words(
    "时间戳需要附加组件：pip install 'gongwu[tsa]'。",
    "Time stamps need an extra: pip install 'gongwu[tsa]'.",
)
# What readers of stamps and certificates raise at bytes that are none, or that they do not know.
BROKEN: Final = (
    *(ValueError, TypeError, LookupError, UnsupportedAlgorithm, x509.InvalidVersion),
    *(x509.DuplicateExtension, x509.UnsupportedGeneralNameType, x509.ExtensionNotFound),
)
# unchecked: it names this checkpoint, but this program cannot say whether it is good.
Worth: TypeAlias = Literal["good", "unchecked", "bad"]


class Stamp(msgspec.Struct, frozen=True, kw_only=True):
    """What a kept or a fresh answer of a time-stamping authority is worth, and why."""

    worth: Worth
    why: Words
    at: datetime | None = None  # in UTC; believed only when the stamp is good
    by: str = ""


class Query(msgspec.Struct, frozen=True):
    """What is sent to an authority; the answer must carry the same number, drawn by chance."""

    raw: bytes
    nonce: int | None


def library() -> ModuleType:
    """Return what reads time stamps; raise Unproven, saying how to install it, when absent."""
    try:
        return import_module("rfc3161_client")
    except ImportError:
        raise Unproven(ABSENT.zh, ABSENT.en) from None


def trusted(file: Path) -> list[x509.Certificate]:
    """Read the certificates (PEM) that stamps are believed under; raise Unproven for none."""
    try:
        return x509.load_pem_x509_certificates(file.read_bytes())
    except OSError as error:
        raise Unproven(
            f"读不到时间戳信任证书 {file}：{error.strerror}。",
            f"Cannot read the trusted certificates {file}: {error.strerror}.",
        ) from error
    except ValueError as error:
        raise Unproven(
            f"{file} 里没有可用的 PEM 证书。",
            f"{file} holds no certificate in PEM that we can use.",
        ) from error


def asked(text: str) -> Query:
    """Return the question for an authority: a stamp for the text of a checkpoint."""
    of = library()
    builder = of.TimestampRequestBuilder().data(text.encode())
    request = builder.hash_algorithm(of.HashAlgorithm.SHA256).build()
    return Query(request.as_bytes(), request.nonce)


def judge(
    raw: bytes, text: str, roots: Sequence[x509.Certificate], nonce: int | None = None
) -> Stamp:
    """Say what an answer is worth for the text of a checkpoint.

    Good: the authority's certificate leads to one of `roots` and was valid at the time it gives,
    which the library does not check well enough alone. Bad: it is for something else, was refused,
    or does not hold. Unchecked: it holds the hash of this checkpoint, but cannot be judged here:
    signed with SM2, written otherwise than DER demands, or no root was given.
    """
    of = library()
    try:
        found = _read(of, raw, roots)
    except BROKEN:
        return _unread(raw, sha256(text.encode()).digest())
    if isinstance(found, Stamp):
        return found
    if found.hash != (hashlib.new(found.kind, text.encode()).digest() if found.kind else None):
        return found.bad("时间戳盖在别的内容上。", "It stamps something else.")
    if nonce is not None and found.nonce != nonce:
        return found.bad("答复与请求不对应。", "It answers another request.")
    if NATIONAL in raw:
        return found.unchecked(SM2)
    if not roots:
        return found.unchecked(NO_ROOTS)
    return _proven(of, found, roots)


SM2: Final = Words(
    "用国密算法（SM2/SM3）签名，本程序不能核验；原样保存，请用该机构的工具核验。",
    "Signed with SM2, which this program cannot check: kept as it is, for the authority's own tool.",
)
NO_ROOTS: Final = Words(
    "没有设置信任证书，未核验签名。", "No trusted certificate is set; the signature is unchecked."
)
FOREIGN: Final = Words(
    "写法超出本程序所能读懂；原样保存，请用 openssl ts -verify 核验。",
    "Written in a way this program does not read: kept as it is, for openssl ts -verify.",
)


class _Read(msgspec.Struct, frozen=True):
    """What an answer says, before anything of it is believed."""

    response: Any
    kind: str | None  # of hash; None for one that is not used here
    hash: bytes
    nonce: int | None
    at: datetime
    by: str
    certificate: x509.Certificate | None
    valid: bool  # the certificate, at the time that the answer gives

    def bad(self, zh: str, en: str) -> Stamp:
        return Stamp(worth="bad", why=Words(zh, en), at=self.at, by=self.by)

    def unchecked(self, why: Words) -> Stamp:
        return Stamp(worth="unchecked", why=why, at=self.at, by=self.by)


def _read(of: ModuleType, raw: bytes, roots: Sequence[x509.Certificate]) -> _Read | Stamp:
    """Read all that is asked of an answer, so that nothing is parsed, and fails, later."""
    response = of.decode_timestamp_response(raw)
    if response.status not in (of.PKIStatus.GRANTED, of.PKIStatus.GRANTED_WITH_MODS):
        said = "；".join(response.status_string) or str(response.status)
        return _bad(f"时间戳机构拒绝了请求：{said}", f"The authority refused the request: {said}")
    info = response.tst_info
    imprint, at = info.message_imprint, info.gen_time
    certificate = _signer(response, roots)
    by, valid = "", False
    if certificate is not None:
        by = certificate.subject.rfc4514_string()
        valid = certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc
    kind = HASHES.get(imprint.hash_algorithm.dotted_string)
    return _Read(response, kind, imprint.message, info.nonce, at, by, certificate, valid)


def _signer(response: Any, roots: Sequence[x509.Certificate]) -> x509.Certificate | None:
    """Return the certificate whose issuer and number the signature names: those are signed."""
    infos = response.signed_data.signer_infos
    if len(infos) != 1:
        return None
    (info,) = infos
    sent = map(x509.load_der_x509_certificate, response.signed_data.certificates)
    for certificate in (*sent, *roots):
        if (certificate.issuer, certificate.serial_number) == (info.issuer, info.serial_number):
            return certificate
    return None


def _proven(of: ModuleType, found: _Read, roots: Sequence[x509.Certificate]) -> Stamp:
    if found.certificate is None:
        return found.bad("没有时间戳机构的证书。", "The authority's certificate is not there.")
    said = f"{found.at:%Y-%m-%d %H:%M:%S}Z"
    if not found.valid:
        return found.bad(
            f"所称时间 {said} 不在时间戳机构证书的有效期内。",
            f"The time it gives, {said}, is outside the validity of the authority's certificate.",
        )
    # The library believes what it is given here: never a certificate that came with the stamp.
    own = found.certificate if found.certificate in roots else None
    builder = of.VerifierBuilder(roots=list(dict.fromkeys(roots)), tsa_certificate=own)
    try:
        builder.build().verify(found.response, found.hash)
    except (of.VerificationError, *BROKEN):
        return found.bad(
            "签名不成立，或不是您信任的时间戳机构。",
            "The signature does not hold, or the authority is not one you trust.",
        )
    why = Words(f"时间戳成立：{said}，{found.by}。", f"It holds: {said}, {found.by}.")
    return Stamp(worth="good", why=why, at=found.at, by=found.by)


def _unread(raw: bytes, hash_: bytes) -> Stamp:
    """Judge an answer that the library does not read: evidence all the same if it is ours."""
    if hash_ not in raw:
        return _bad("不是对这个检查点的时间戳。", "This is no time stamp of this checkpoint.")
    return Stamp(worth="unchecked", why=SM2 if NATIONAL in raw else FOREIGN)


def _bad(zh: str, en: str) -> Stamp:
    return Stamp(worth="bad", why=Words(zh, en))


# Beside the log -----------------------------------------------------------------------


def kept(book: Book, size: int) -> bytes | None:
    """Return the answer that is kept for the checkpoint of a size."""
    rows = book.log.attestations(KIND, size, size, 1)
    return bytes(rows[0][1]) if rows else None


def keep(book: Book, text: str, raw: bytes, stamp: Stamp) -> None:
    """Keep an answer beside its checkpoint, unless it is bad; raise Unproven for that."""
    if stamp.worth == "bad":
        raise Unproven(stamp.why.zh, stamp.why.en)
    book.log.keep_attestation(KIND, Checkpoint.parse(text).size, raw)


class Stamps:
    """Reads along with `verify`: judges the stamps that are kept, the newest thousand."""

    def __init__(self, book: Book, roots: Sequence[x509.Certificate]) -> None:
        self._book, self._roots = book, roots
        self.good = self.unchecked = 0
        self.newest: tuple[int, Stamp] | None = None  # of the good ones
        library()

    def take(self, position: int, state: bytes) -> None:
        """Pass over an entry: stamps are of checkpoints, which `verify` holds against entries."""

    def problems(self, select: Select) -> Iterator[Problem]:
        """Yield each stamp that does not hold for the checkpoint it is kept beside."""
        for size, raw in select(
            "SELECT size, content FROM ledger_attestation WHERE kind=? ORDER BY size DESC LIMIT ?",
            *(KIND, CHECKED_MAX),
        ):
            notes = select("SELECT note FROM ledger_checkpoint WHERE size=?", size)
            try:
                text = Note.parse(bytes(notes[0][0])).text if notes else ""
            except Unproven:
                continue  # a checkpoint that is none was named already
            stamp = judge(bytes(raw), text, self._roots)
            self.good += stamp.worth == "good"
            self.unchecked += stamp.worth == "unchecked"
            if stamp.worth == "bad":
                yield Problem(check="stamp", detail=f"{size:,}", why=stamp.why)
            elif stamp.worth == "good" and self.newest is None:
                self.newest = (size, stamp)
