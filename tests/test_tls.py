"""HTTPS on a closed network: a certificate made here, trusted once, good for camera and offline."""

from __future__ import annotations

import base64
import hashlib
import os
import ssl
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from doors import staffed
from serving import served

from api import tls

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NOW = datetime(2026, 11, 21, tzinfo=UTC)
NAMES = ("ledger.example", "127.0.0.1")


def test_a_certificate_is_kept_until_it_no_longer_fits(tmp_path: Path) -> None:
    first = tls.issued(tmp_path, NAMES, NOW)
    bytes_ = first.chain.read_bytes()
    assert tls.issued(tmp_path, NAMES, NOW).chain.read_bytes() == bytes_
    last_day = NOW + timedelta(days=tls.SERVER_DAYS - tls.RENEWED_BEFORE_DAYS)
    assert tls.issued(tmp_path, NAMES, last_day).chain.read_bytes() == bytes_
    day_after = last_day + timedelta(seconds=1)
    renewed = tls.issued(tmp_path, NAMES, day_after)
    assert renewed.chain.read_bytes() != bytes_
    other = tls.issued(tmp_path, (*NAMES, "10.1.2.3"), day_after)
    assert tls.named(other.chain) == tls.wanted((*NAMES, "10.1.2.3"))
    # Phones installed the authority once: it is still the same.
    assert other.fingerprint == first.fingerprint


def test_only_the_owner_reads_the_keys(tmp_path: Path) -> None:
    tls.issued(tmp_path, NAMES, NOW)
    for name in ("ca.key", "server.key"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


@pytest.mark.browser
@pytest.mark.target("T75")
def test_with_the_certificate_phones_get_camera_and_offline(
    database: str, browser: Browser, tmp_path: Path
) -> None:
    made = tls.issued(tmp_path / "tls", NAMES)
    with staffed(database) as office:
        office.settings = msgspec.structs.replace(office.settings, https=True, ca=made.ca)
        with served(office, ssl_certfile=made.chain, ssl_keyfile=made.key) as site:
            trusting = ssl.create_default_context(cafile=made.ca)
            with urlopen(f"{site}/ca.crt", context=trusting) as answer:
                assert ssl.DER_cert_to_PEM_cert(answer.read()) == made.ca.read_text()
            with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
                urlopen(f"{site}/ca.crt", context=ssl.create_default_context())
            public = serialization.PublicFormat.SubjectPublicKeyInfo
            key = tls.read(made.ca).public_key().public_bytes(serialization.Encoding.DER, public)
            pin = base64.b64encode(hashlib.sha256(key).digest()).decode()
            own = browser.browser_type.launch(
                executable_path=os.environ.get("CHROMIUM") or "/usr/bin/chromium",
                args=[f"--ignore-certificate-errors-spki-list={pin}"],
            )
            page = own.new_page()
            page.goto(f"{site}/ca?lang=zh")
            assert made.fingerprint in page.inner_text("main")
            page.goto(f"{site}/scan/count")
            assert page.evaluate("isSecureContext && !!navigator.mediaDevices.getUserMedia")
            assert page.evaluate(
                "navigator.serviceWorker.ready.then(r => r.scope.endsWith('/scan/'))"
            )
            own.close()


@pytest.mark.either_backend("certificates, whatever the database")
def test_the_command_makes_and_explains_it(database: str, tmp_path: Path) -> None:
    environment = {**os.environ, "GONGWU_DATABASE": database, "LANG": "zh_CN"}
    command = [sys.executable, "-c", "from api.cli import app; app()"]
    running = subprocess.Popen(
        [*command, "--lang", "zh", "serve", "--tls", "--tls-name", "10.9.8.7", "--port", "0"],
        cwd=tmp_path, env=environment | PATH, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True,
    )  # fmt: skip
    try:
        assert running.stdout is not None
        told = ""
        for line in running.stdout:
            told += line
            if "https://127.0.0.1:" in line:
                break
        assert "10.9.8.7" in told, told
        assert "/ca" in told
        address = told.split("公物账本：")[1].split()[0]
        trusting = ssl.create_default_context(cafile=tmp_path / "gongwu-tls" / "ca.crt")
        with urlopen(f"{address}/scan/count", context=trusting) as answer:
            assert answer.headers["Strict-Transport-Security"]
    finally:
        running.terminate()
        running.wait()


PATH = {"PYTHONPATH": str(Path(__file__).resolve().parents[1]), "PYTHONUNBUFFERED": "1"}
