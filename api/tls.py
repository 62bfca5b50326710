"""HTTPS on a closed network: a certificate authority of one's own, and what it vouches for.

Phones give a page the camera and keep it for use offline only over HTTPS that they trust. Without
an authority of the organ, one is made here once; its key never leaves the folder, and each phone
installs its certificate once.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CA_DAYS = 3650
# Phones refuse longer ones: Apple since 2020 (398 days) for what public authorities sign.
SERVER_DAYS = 397
RENEWED_BEFORE_DAYS = 30
BACK = timedelta(hours=1)  # for a phone whose clock is a little behind
NOWHERE = ("192.0.2.1", 9)  # TEST-NET-1 (RFC 5737); nothing is sent there


class Certificate(msgspec.Struct, frozen=True):
    """Where the files are, for whom they stand, and how people recognise the authority."""

    ca: Path
    chain: Path
    key: Path
    names: tuple[str, ...]
    fingerprint: str  # SHA-256 of the authority's certificate, as phones show it


def here(host: str) -> tuple[str, ...]:
    """Return the names and addresses by which this machine is reached, as far as it knows them."""
    found = ["localhost", "127.0.0.1", socket.gethostname()]
    if host not in ("", "0.0.0.0", "::"):
        found.append(host)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(NOWHERE)  # only asks the system which of its addresses it would use
            found.append(probe.getsockname()[0])
        except OSError:
            pass  # no network at all: the names above remain
    return tuple(dict.fromkeys(found))


def issued(folder: Path, names: Sequence[str], now: datetime | None = None) -> Certificate:
    """Return a certificate for these names; make authority and certificate where there is none.

    An existing certificate is kept while it names the same and lasts another month; the authority
    stays the same for all its years, so phones need it once.
    """
    now = now or datetime.now(UTC)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    ca_file, chain, key_file = folder / "ca.crt", folder / "server.crt", folder / "server.key"
    if not ca_file.exists() or expires(ca_file) - now < timedelta(days=SERVER_DAYS):
        authority(folder, now)
        chain.unlink(missing_ok=True)
    fresh = chain.exists() and key_file.exists() and named(chain) == wanted(names)
    if not fresh or expires(chain) - now < timedelta(days=RENEWED_BEFORE_DAYS):
        sign(folder, names, now)
    print_ = read(ca_file).fingerprint(hashes.SHA256()).hex(":").upper()
    return Certificate(ca_file, chain, key_file, tuple(names), print_)


def authority(folder: Path, now: datetime) -> None:
    """Make the authority: it may sign servers, and nothing below them."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, f"Gongwu local CA {socket.gethostname()}"[:64])]
    )
    made = (
        builder(name, name, key.public_key(), now, CA_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret(folder / "ca.key", key)
    (folder / "ca.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))


def sign(folder: Path, names: Sequence[str], now: datetime) -> None:
    """Make the server's key and certificate."""
    ca = read(folder / "ca.crt")
    signer = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Gongwu")])
    made = (
        builder(subject, ca.subject, key.public_key(), now, SERVER_DAYS)
        .add_extension(x509.SubjectAlternativeName(alternatives(names)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        .sign(signer, hashes.SHA256())
    )
    secret(folder / "server.key", key)
    pem = serialization.Encoding.PEM
    (folder / "server.crt").write_bytes(made.public_bytes(pem) + ca.public_bytes(pem))


def builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    now: datetime,
    days: int,
) -> x509.CertificateBuilder:
    """Begin a certificate."""
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACK)
        .not_valid_after(now + timedelta(days=days))
    )


def usage(*, signs: bool) -> x509.KeyUsage:
    """Return what a key may be used for."""
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def alternatives(names: Iterable[str]) -> list[x509.GeneralName]:
    """Return names and addresses as a certificate has them."""
    found: list[x509.GeneralName] = []
    for name in names:
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            found.append(x509.DNSName(name.encode("idna").decode()))
    return found


def wanted(names: Iterable[str]) -> set[x509.GeneralName]:
    return set(alternatives(names))


def named(file: Path) -> set[x509.GeneralName]:
    """Return for whom a certificate stands."""
    extension = read(file).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return set(extension.value)


def read(file: Path) -> x509.Certificate:
    """Read the first certificate of a file."""
    return x509.load_pem_x509_certificate(file.read_bytes())


def expires(file: Path) -> datetime:
    return read(file).not_valid_after_utc


def secret(file: Path, key: ec.EllipticCurvePrivateKey) -> None:
    """Write a key that only its owner may read, from the first byte on."""
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
