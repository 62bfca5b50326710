"""What is huge, deep, slow or packed: a real server refuses it and stays as small as it was.

The server is a process of its own, as `gongwu serve` starts it; its memory is what the kernel says.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
import resource
import socket
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from doors import CARD, PASSWORD, staffed
from fastapi.testclient import TestClient
from httpx import Response
from PIL import Image

from api import filing, security
from api.app import create_app
from api.office import Actor, Office

pytestmark = pytest.mark.either_backend("what is refused before any database is asked")

COMMAND = (sys.executable, "-c", "from api.launcher import main; main()")
GROWTH_BYTES_MAX = 50 * 2**20
FORM = "application/x-www-form-urlencoded"
MULTI = "multipart/form-data; boundary=b"
ISSUE = "/api/v1/asset/A1/issue"


@dataclass
class Running:
    """A server in another process, and somebody's session in it."""

    port: int
    process: subprocess.Popen[str]
    session: str

    def grown(self) -> int:
        """Return the most memory the process ever had, in bytes."""
        told = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", told)
        assert found is not None
        return int(found[1]) * 1024

    def connected(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    def ask(
        self, head: str, parts: Iterator[bytes] | tuple[bytes, ...], *, who: bool = True
    ) -> int:
        """Send a head and a body piece by piece until it is refused; return the status."""
        basic = base64.b64encode(f"clerk:{PASSWORD}".encode()).decode()
        lines = [head, "Host: ledger", "Connection: close"]
        if who and " /api/" in head:
            lines.append(f"Authorization: Basic {basic}")
        elif who:
            lines.append(f"Cookie: session={self.session}")
        with self.connected() as line:
            # What is refused is answered, and the rest of it nobody takes.
            with suppress(BrokenPipeError, ConnectionResetError):
                line.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")
                for part in parts:
                    line.sendall(part)
            return status_of(line)


def status_of(line: socket.socket) -> int:
    """Return the status of an answer; 0 when the connection ended without one."""
    said = b""
    with suppress(ConnectionResetError):
        while len(said) < 12 and (more := line.recv(4096)):
            said += more
    return int(said[9:12]) if len(said) >= 12 else 0


@pytest.fixture(scope="module")
def running(
    new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("hostile")
    database = new_database()
    with staffed(database) as office:
        clerk = Actor(person="u_clerk", unit="o_a", role="clerk")
        office.ask("asset/A1", "register_existing", CARD, clerk)
        account = office.accounts.find("clerk")
        assert account is not None
        session = office.accounts.sign_in(account)
    program = [*COMMAND, "serve", "--host", "127.0.0.1", "--port", "0"]
    given = os.environ | {"GONGWU_DATABASE": database, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        program, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=given, cwd=folder
    ) as process:
        assert process.stdout is not None
        port = 0
        for line in process.stdout:
            if found := re.search(r"http://127\.0\.0\.1:(\d+)", line):
                port = int(found[1])
                break
        assert port
        server = Running(port, process, session)
        page = server.ask("GET /assets HTTP/1.1", ())
        one = server.ask("GET /api/v1/asset/A1 HTTP/1.1", ())
        assert (page, one) == (200, 200)
        yield server
        process.terminate()
        process.stdout.read()


def chunked(size: int, part: bytes = b"x" * (1 << 20)) -> Iterator[bytes]:
    """Yield a body of a size without saying how large it is."""
    for _ in range(size // len(part)):
        yield f"{len(part):x}\r\n".encode() + part + b"\r\n"
    yield b"0\r\n\r\n"


def announced(size: int, part: bytes = b"x" * (1 << 20)) -> Iterator[bytes]:
    for _ in range(size // len(part)):
        yield part


GIB = 1 << 30
DEEP = b'{"user": ' + b"[" * 100_000
WIDE = b'{"user": [' + b"1," * 400_000 + b"1]}"


def post(path: str, media: str, *more: str) -> str:
    return "\r\n".join([f"POST {path} HTTP/1.1", f"Content-Type: {media}", *more])


KEY = "Idempotency-Key: k"
HUGE: dict[str, tuple[str, Callable[[], Iterator[bytes] | tuple[bytes, ...]], set[int]]] = {
    "a gigabyte, announced": (post(ISSUE, "application/json", KEY, f"Content-Length: {GIB}"), lambda: announced(GIB), {413}),
    "a gigabyte of form": (post("/login", FORM, f"Content-Length: {GIB}"), lambda: announced(GIB), {413}),
    "a gigabyte, not announced": (post(ISSUE, "application/json", KEY, "Transfer-Encoding: chunked"), lambda: chunked(GIB), {413}),
    "a gigabyte of form, not announced": (post("/login", FORM, "Transfer-Encoding: chunked"), lambda: chunked(GIB), {413}),
    "a gigabyte of file, not announced": (post("/api/v1/attachments/asset/A1", "application/pdf", KEY, "Transfer-Encoding: chunked"), lambda: chunked(GIB), {413}),
    "a gigabyte of upload": (post("/files/asset/A1", MULTI, "Transfer-Encoding: chunked"), lambda: chunked(GIB), {400, 413}),
    "a length that is none": (post(ISSUE, "application/json", KEY, "Content-Length: -1"), lambda: (b"{}",), {400, 413}),
    "two lengths": (post(ISSUE, "application/json", KEY, "Content-Length: 2", "Content-Length: 1"), lambda: (b"{}",), {400}),
    "a length and pieces": (post(ISSUE, "application/json", KEY, "Content-Length: 2", "Transfer-Encoding: chunked"), lambda: (b"2\r\n{}\r\n0\r\n\r\n",), {400, 422}),
    "JSON 100,000 deep": (post(ISSUE, "application/json", KEY, f"Content-Length: {len(DEEP)}"), lambda: (DEEP,), {400}),
    "an array of 400,000": (post(ISSUE, "application/json", KEY, f"Content-Length: {len(WIDE)}"), lambda: (WIDE,), {422}),
    "a text of a megabyte": (post(ISSUE, "application/json", KEY, "Content-Length: 1000012"), lambda: (b'{"user": "' + b"x" * 1_000_000 + b'"}',), {422}),
    "10,000 parts": (post("/login", MULTI, "Transfer-Encoding: chunked"), lambda: pieces(*(b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n' for _ in range(10_000))), {400}),
    "10,000 headers of a part": (post("/login", MULTI, "Transfer-Encoding: chunked"), lambda: pieces(b"--b\r\n", *(b"X-%d: y\r\n" % n for n in range(10_000)), b"\r\nx\r\n--b--\r\n"), {400}),
    "a megabyte of heading": (f"GET / HTTP/1.1\r\nX-A: {'a' * 1_000_000}", tuple, {400, 431, 0}),
    "10,000 headings": ("\r\n".join(["GET /login HTTP/1.1", *(f"X-{n}: {'a' * 90}" for n in range(10_000))]), tuple, {400, 431, 0}),
    "a long address": (f"GET /{'a' * 100_000} HTTP/1.1", tuple, {400, 404, 414, 0}),
    "10,000 questions": (f"GET /assets?{'&'.join(f'q{n}=x' for n in range(5_000))} HTTP/1.1", tuple, {200, 400, 414, 0}),
    "a packed body": (post(ISSUE, "application/json", KEY, "Content-Encoding: gzip", "Content-Length: 2"), lambda: (b"{}",), {415}),
    "a packed form": (post("/login", FORM, "Content-Encoding: deflate, br", "Content-Length: 2"), lambda: (b"a=",), {415}),
}  # fmt: skip


def pieces(*parts: bytes) -> Iterator[bytes]:
    """Yield parts as one chunk after another, many in one."""
    whole = b"".join(parts)
    yield from chunked(len(whole), whole)


@pytest.mark.parametrize("what", HUGE)
def test_what_is_too_much_is_refused_and_costs_nothing(what: str, running: Running) -> None:
    head, parts, statuses = HUGE[what]
    before = running.grown()
    assert running.ask(head, parts()) in statuses
    assert running.grown() - before < GROWTH_BYTES_MAX
    assert running.ask("GET /api/v1/asset/A1 HTTP/1.1", ()) == 200


def test_a_heading_without_end_is_cut_off(running: Running) -> None:
    before = running.grown()
    with running.connected() as line:
        line.sendall(b"GET / HTTP/1.1\r\nX-A: ")
        taken = 0
        with suppress(BrokenPipeError, ConnectionResetError):
            for part in announced(GIB):
                line.sendall(part)
                taken += len(part)
        assert taken < GIB
    assert running.grown() - before < GROWTH_BYTES_MAX


def test_a_large_request_after_another_is_taken_on_one_line(running: Running) -> None:
    """What limits headings limits no body, nor the request that follows it."""
    body = b"login=" + b"x" * 300_000
    head = f"POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nContent-Length: {len(body)}\r\n"
    with running.connected() as line:
        for last in (False, False, True):
            line.sendall(head.encode() + b"Connection: close\r\n" * last + b"\r\n" + body)
        said = b""
        while more := line.recv(1 << 16):
            said += more
    assert said.count(b"HTTP/1.1 403 ") == 3


def test_clients_that_take_their_time_hold_up_nobody(running: Running) -> None:
    """Two hundred that began a request and say no more; others are answered meanwhile."""
    before = running.grown()
    slow = [running.connected() for _ in range(200)]
    try:
        for n, line in enumerate(slow):
            head = f"POST {ISSUE} HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n"
            line.sendall(head.encode() if n % 2 else head.encode() + b"\r\n{")
        for _ in range(5):
            assert running.ask("GET /assets HTTP/1.1", ()) == 200
        assert running.grown() - before < GROWTH_BYTES_MAX
    finally:
        for line in slow:
            line.close()


# Bombs at every door that takes files (T15) ---------------------------------------------


def packed(members: dict[str, bytes], **changes: int) -> bytes:
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return kept.getvalue()


def overlapping() -> bytes:
    """Return a book in which many members are one and the same run of bytes."""
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", os.urandom(200_000))
        (_, sheet) = archive.infolist()
        for n in range(2, 60):
            info = zipfile.ZipInfo(f"xl/worksheets/sheet{n}.xml")
            info.header_offset, info.compress_size = sheet.header_offset, sheet.compress_size
            info.file_size, info.CRC, info.compress_type = sheet.file_size, sheet.CRC, 8
            archive.filelist.append(info)
    return kept.getvalue()


BOOK = {"xl/workbook.xml": b"<workbook/>"}
LAUGHS = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>'
BOMBS: dict[str, Callable[[], bytes]] = {
    "swells": lambda: packed(BOOK | {"xl/worksheets/sheet1.xml": bytes(60_000_000)}),
    "members": lambda: packed(BOOK | {f"xl/{n}": b"x" for n in range(3_000)}),
    "overlaps": overlapping,
    "up and out": lambda: packed(BOOK | {"../../etc/x": b"x"}),
    "absolute": lambda: packed(BOOK | {"/etc/x": b"x"}),
    "no book": lambda: packed({"a": b"x"}),
    "cut off": lambda: packed(BOOK)[:60],
    "an old book": lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(4_000),
}
# Every door that takes a file: how it is sent.
DOORS_WITH_FILES = {
    "/files/asset/A1": "file",
    "/imports": "file",
    "/wants/import": "file",
    "/offers/import": "file",
    "/bank/o_a/take": "file",
    "/tags": "file",  # reads text, whatever it is: nothing in it is unpacked
    "/api/v1/attachments/asset/A1": "",
    "/api/v1/imports": "",
    "/api/v1/wants/import": "",
    "/api/v1/offers/import": "",
    "/api/v1/reconciliation/o_a/accept": "",
    "/api/v1/reconciliation/o_a/statements": "",
    "/api/v1/stocktakes/S1/photos/{sha256}": "",
}


@pytest.fixture(scope="module")
def office(new_database: Callable[[], str]) -> Iterator[Office]:
    with staffed(new_database()) as office:
        clerk = Actor(person="u_clerk", unit="o_a", role="clerk")
        office.ask("asset/A1", "register_existing", CARD, clerk)
        plan = {"unit": "o_a", "title": "年度盘点", "due": "2099-12-31"}
        office.ask("stocktake/S1", "plan_stocktake", plan, clerk)
        office.ask("stocktake/S1", "begin_count", {}, clerk)
        yield office


@pytest.fixture(scope="module")
def http(office: Office) -> TestClient:
    return TestClient(create_app(office.settings, office), raise_server_exceptions=False)


def doors_published(http: TestClient) -> set[str]:
    """Return the doors of programs that take a body which is no JSON."""
    paths = http.get("/api/v1/openapi.json").json()["paths"]
    return {
        path
        for path, operations in paths.items()
        for operation in operations.values()
        for media in operation.get("requestBody", {}).get("content", {})
        if "json" not in media
    }


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused_at_every_door(bomb: str, office: Office, http: TestClient) -> None:
    content, before = BOMBS[bomb](), office.book.head()
    http.cookies.clear()
    told = dict[str, int]()
    for path, field in DOORS_WITH_FILES.items():
        who = "accountant" if "bank" in path or "reconciliation" in path else "clerk"
        account = office.accounts.find(who)
        assert account is not None
        if field:
            cookie = {
                "cookie": f"session={office.accounts.sign_in(account)}",
                "accept": "text/html",
            }
            sent = {field: ("x.xlsx", content, "application/octet-stream")}
            answer = http.post(path, files=sent, headers=cookie)
        else:
            given = {
                "idempotency-key": f"{bomb}-{path}",
                "content-type": "application/octet-stream",
            }
            method, query = "POST", "?title=x.xlsx&file=x.xlsx"
            if "{sha256}" in path:
                method, query = "PUT", ""
            answer = http.request(
                method,
                path.replace("{sha256}", hashlib.sha256(content).hexdigest()) + query,
                content=content,
                headers=given,
                auth=(who, PASSWORD),
            )
        told[path] = answer.status_code
    assert told.pop("/tags") in (200, 422)
    assert {path: status for path, status in told.items() if not 400 <= status < 500} == {}
    assert 404 not in told.values() and 405 not in told.values(), told
    assert office.book.head() == before


# Pictures that are none, or more than one thing (T15, T16) ------------------------------


def chunk(kind: bytes, content: bytes) -> bytes:
    whole = kind + content
    return struct.pack(">I", len(content)) + whole + struct.pack(">I", zlib.crc32(whole))


def png(width: int, height: int, *more: bytes, points: int = 1_000) -> bytes:
    """Return a PNG that says how large it is, whatever it holds."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(bytes(points), 9))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(more) + data + chunk(b"IEND", b"")


def shown(kind: str, size: int = 16) -> bytes:
    kept = io.BytesIO()
    Image.new("RGB", (size, size)).save(kept, kind)
    return kept.getvalue()


SWELLS = zlib.compress(bytes(200_000_000), 9)
PICTURE_BOMBS: dict[str, Callable[[], bytes]] = {
    "60,000 by 60,000": lambda: png(60_000, 60_000),
    "one line of two thousand million": lambda: png(2**31 - 1, 1),
    "no size": lambda: png(0, 0),
    "text that swells": lambda: png(8, 8, chunk(b"zTXt", b"a\0\0" + SWELLS), points=200),
    "colours that swell": lambda: png(8, 8, chunk(b"iCCP", b"a\0\0" + SWELLS), points=200),
    "cut off": lambda: shown("JPEG", 400)[:300],
    "a head alone": lambda: b"\xff\xd8\xff\xe0" + b"<script>alert(1)</script>" * 50,
    "a drawing": lambda: b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "a page": lambda: b"<html><script>alert(1)</script></html>",
    "a program in a GIF": lambda: b"GIF89a=1;alert(1)//" + shown("GIF"),
    "a TIFF": lambda: shown("TIFF"),
    "a paper": lambda: b"%PDF-1.7\n" + shown("PNG"),
    "an archive": lambda: packed(BOOK) + shown("PNG"),
}
# A whole picture, and something else behind it: kept as the picture it is, and as nothing else.
BOTH = {
    "an archive behind a picture": lambda: shown("PNG") + packed(BOOK),
    "a page behind a picture": lambda: shown("JPEG") + b"<html><script>alert(1)</script></html>",
}


def put_picture(http: TestClient, content: bytes, **headers: str) -> Response:
    http.cookies.clear()
    path = f"/api/v1/stocktakes/S1/photos/{hashlib.sha256(content).hexdigest()}"
    return http.put(path, content=content, headers=headers, auth=("clerk", PASSWORD))


@pytest.mark.target("T15")
@pytest.mark.parametrize("bomb", PICTURE_BOMBS)
def test_a_picture_that_is_none_is_not_kept_and_costs_nothing(bomb: str, http: TestClient) -> None:
    content = PICTURE_BOMBS[bomb]()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer = put_picture(http, content)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < GROWTH_BYTES_MAX // 1024
    if answer.status_code == 200:  # what swells was beside the points, and nobody unpacked it
        assert "swell" in bomb
    else:
        assert (answer.status_code, answer.json()["slug"]) == (422, "not-a-picture")


@pytest.mark.target("T15", "T16")
@pytest.mark.parametrize("what", BOTH)
def test_a_picture_with_more_behind_it_is_shown_as_a_picture_alone(
    what: str, http: TestClient
) -> None:
    content = BOTH[what]()
    answer = put_picture(http, content, **{"content-type": "text/html"})
    assert answer.status_code == 200, answer.text
    seen = http.get(str(answer.url), auth=("clerk", PASSWORD))
    assert seen.content == content and seen.headers["content-type"] in ("image/png", "image/jpeg")
    assert seen.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'self'" in seen.headers["content-security-policy"]


def test_the_doors_that_take_files_are_these(http: TestClient) -> None:
    listed = {
        re.sub(r"/(asset|A1|o_a|S1|\{sha256\})(?!\w)", "/{}", path) for path in DOORS_WITH_FILES
    }
    told = {re.sub(r"\{\w+\}", "{}", path) for path in doors_published(http)}
    assert told - listed == set()
    folder = Path(__file__).resolve().parents[1] / "api"
    taking = {f.name for f in folder.glob("*.py") if "UploadFile)" in f.read_text()}
    assert taking == {
        "pages_bank.py",
        "pages_filing.py",
        "pages_import.py",
        "pages_tags.py",
        "pages_wanting.py",
    }


def test_nothing_that_is_taken_is_larger_than_its_limit() -> None:
    assert security.BODY_BYTES_MAX <= 1 << 20
    assert max(security.LARGER.values()) <= 65 * 2**20
    assert filing.FILE_BYTES_MAX <= 20 * 2**20
    assert json.loads("{}") == {}
