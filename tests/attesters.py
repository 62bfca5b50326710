"""Who attests for the tests: a time-stamping authority and a card of SM2, both OpenSSL's."""

from __future__ import annotations

import subprocess
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ledger import national, stamping

NOW = datetime.now(UTC)
YEARS = timedelta(days=3650)
CONFIGURATION = """[tsa]
serial = {folder}/serial
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
signer_digest = sha256
ess_cert_id_alg = sha256
"""


def certified(
    folder: Path, name: str, issuer: tuple[x509.Certificate, Any] | None, until: datetime
) -> tuple[x509.Certificate, Any]:
    """Write a key and a certificate: of an authority, or of a stamper that one certifies."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(until - YEARS)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if issuer:
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        builder = builder.add_extension(usage, critical=True)
    made = builder.sign(issuer[1] if issuer else key, hashes.SHA256())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / f"{name}.key").write_bytes(pem)
    (folder / f"{name}.pem").write_bytes(made.public_bytes(Encoding.PEM))
    return made, key


class Authority:
    """A time-stamping authority: OpenSSL's, with certificates made for this run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        root = certified(folder, "root", None, NOW + YEARS)
        certified(folder, "good", root, NOW + YEARS / 2)
        certified(folder, "expired", root, NOW - timedelta(days=1))
        certified(folder, "stranger", certified(folder, "nobody", None, NOW + YEARS), NOW + YEARS)
        (folder / "serial").write_text("01\n", encoding="ascii")
        said = CONFIGURATION.format(folder=folder)
        (folder / "tsa.cnf").write_text(said, encoding="utf-8")
        self.trust = folder / "root.pem"
        self.roots = stamping.trusted(self.trust)
        self._busy = threading.Lock()

    def __call__(self, query: bytes, who: str = "good", *more: str) -> bytes:
        """Answer as `openssl ts` does."""
        with self._busy:  # one serial file
            (self.folder / "query").write_bytes(query)
            subprocess.run(
                [
                    *("openssl", "ts", "-reply", "-config", "tsa.cnf", "-section", "tsa"),
                    *("-queryfile", "query", "-signer", f"{who}.pem", "-inkey", f"{who}.key"),
                    *("-out", "answer", *more),
                ],
                cwd=self.folder,
                check=True,
                capture_output=True,
            )
            return (self.folder / "answer").read_bytes()


IDENTITY = ("-sigopt", "distid:1234567812345678")


def openssl(folder: Path, *words: str, given: bytes | None = None) -> bytes:
    return subprocess.run(
        ["openssl", *words], cwd=folder, input=given, check=True, capture_output=True
    ).stdout


class Device:
    """A key of SM2 that only OpenSSL knows, as a card would."""

    def __init__(self, folder: Path, pem: str = "") -> None:
        self.folder, self.private = folder, folder / "sm2.key"
        if pem:
            self.private.write_text(pem, encoding="ascii")
        else:
            openssl(folder, "genpkey", "-algorithm", "SM2", "-out", "sm2.key")
        self.pem = openssl(folder, "pkey", "-in", "sm2.key", "-pubout")
        self.public = folder / "sm2.pem"
        self.public.write_bytes(self.pem)
        self.point = national.point_of(self.pem)
        self.command = ["openssl", "dgst", "-sm3", "-sign", str(self.private), *IDENTITY]

    def sign(self, message: bytes) -> bytes:
        return openssl(self.folder, *self.command[1:], given=message)

    def believes(self, message: bytes, made: bytes) -> bool:
        """Ask OpenSSL about r‖s."""
        numbers = [int.from_bytes(made[at : at + 32], "big") for at in (0, 32)]
        parts = [n.to_bytes(n.bit_length() // 8 + 1, "big") for n in numbers]
        inside = b"".join(b"\x02" + bytes([len(part)]) + part for part in parts)
        (self.folder / "made").write_bytes(b"\x30" + bytes([len(inside)]) + inside)
        (self.folder / "message").write_bytes(message)
        done = subprocess.run(
            [
                *("openssl", "dgst", "-sm3", "-verify", "sm2.pem", *IDENTITY),
                *("-signature", "made", "message"),
            ],
            cwd=self.folder,
            capture_output=True,
        )
        return done.returncode == 0
