"""Keys in files: readable by their owner alone, and encrypted where a passphrase is given.

One line says whose key it is; PKCS #8 in PEM follows, which OpenSSL reads as well. A key in a card
or a signature server is a command that is given the bytes and answers with the signature.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from ledger.notes import LOG, WITNESS, Signer, Unproven, Verifier, valid_name

HEADING = "gongwu-key"
KINDS = {"log": LOG, "witness": WITNESS}
COMMAND_SECONDS = 30


def make(file: Path, name: str, kind: int, passphrase: str = "") -> Signer:
    """Draw a key and write it to a new file that only its owner may read."""
    if not valid_name(name):
        raise Unproven(
            f"名称“{name}”不能用：不得为空，不得含空白或加号。",
            f"The name {name!r} cannot be used: not empty, no white space, no plus.",
        )
    private = Ed25519PrivateKey.generate()
    secret = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secret)
    said = next(word for word, number in KINDS.items() if number == kind)
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Unproven(
            f"密钥文件已存在：{file}；不会覆盖。", f"The key file {file} exists; it is kept."
        ) from None
    with os.fdopen(handle, "wb") as out:
        out.write(f"{HEADING} {said} {name}\n".encode() + pem)
        out.flush()
        os.fsync(out.fileno())
    return Signer.of(name, kind, private)


def load(file: Path, passphrase: str = "") -> Signer:
    """Return the signer of a key file; raise Unproven when others could read it, or it is none."""
    try:
        mode = file.stat().st_mode
        raw = file.read_bytes()
    except OSError as error:
        raise Unproven(
            f"读不到密钥文件 {file}：{error.strerror}。", f"Cannot read {file}: {error.strerror}."
        ) from error
    if mode & 0o077 and os.name == "posix":
        raise Unproven(
            f"密钥文件 {file} 可被他人读取；请先执行 chmod 600。",
            f"Others can read the key file {file}; run chmod 600 on it first.",
        )
    heading, _, pem = raw.partition(b"\n")
    match heading.decode(errors="replace").split(" "):
        case [word, kind, name] if word == HEADING and kind in KINDS:
            pass
        case _:
            raise Unproven(f"{file} 不是密钥文件。", f"{file} is no key file.")
    try:
        private = load_pem_private_key(pem, passphrase.encode() if passphrase else None)
    except (ValueError, TypeError) as error:
        raise Unproven(
            f"打不开密钥文件 {file}：口令不对或文件损坏。",
            f"Cannot open the key file {file}: a wrong passphrase, or a damaged file.",
        ) from error
    if not isinstance(private, Ed25519PrivateKey):
        raise Unproven(f"{file} 不是 Ed25519 密钥。", f"{file} is no Ed25519 key.")
    return Signer.of(name, KINDS[kind], private)


def asked(command: list[str], vkey: str) -> Signer:
    """Return a signer whose key is elsewhere: bytes to the command's input, signature back."""
    verifier = Verifier.parse(vkey)

    def sign_bytes(message: bytes) -> bytes:
        try:
            done = subprocess.run(
                command, input=message, capture_output=True, check=True, timeout=COMMAND_SECONDS
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise Unproven(
                f"签名命令失败：{error}。", f"The signing command failed: {error}."
            ) from error
        return done.stdout

    return Signer(verifier.name, verifier.kind, verifier.public, sign_bytes)
