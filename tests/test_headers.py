"""What every kind of answer carries, who may make a browser write, and what may not be written.

The kinds of answers are those a reader can get; each is asked of the whole application.
"""

from __future__ import annotations

import ast
import itertools
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from doors import CARD, PASSWORD, staffed
from httpx import Response
from packaging.version import Version
from starlette.testclient import TestClient

from api import filing, security
from api.app import create_app
from api.office import Actor, Office

ROOT = Path(__file__).resolve().parents[1]
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
HTML = {"accept": "text/html"}


@dataclass
class Doors:
    """The whole application, a session of somebody, and the address of a file."""

    office: Office
    http: TestClient
    file: str

    def ask(self, method: str, path: str, *, signed_in: bool = True, **more: Any) -> Response:
        headers = dict(more.pop("headers", {}))
        if path.startswith("/api/"):
            more["auth"] = ("clerk", PASSWORD) if signed_in else None
        elif signed_in:
            account = self.office.accounts.find("clerk")
            assert account is not None
            headers |= {"cookie": f"session={self.office.accounts.sign_in(account)}"}
        return self.http.request(method, path, headers=headers, **more)


@pytest.fixture(scope="module")
def doors(module_database: str) -> Iterator[Doors]:
    with staffed(module_database) as office:
        clerk = Actor(person="u_clerk", unit="o_a", role="clerk")
        office.ask("asset/A1", "register_existing", CARD, clerk)
        filing.attach(office, clerk, "asset/A1", PNG, "照片.png")
        (file,) = filing.files(office, "asset/A1")
        app = create_app(office.settings, office)

        def broken() -> None:
            raise RuntimeError("nobody expected this")

        app.add_api_route("/api/v1/broken", broken)
        app.router.routes.insert(0, app.router.routes.pop())  # before what catches all
        http = TestClient(app, raise_server_exceptions=False, follow_redirects=False)
        yield Doors(office, http, f"/files/asset/A1/{file['sha256']}")


# Headers (ASVS 3.4.3-3.4.6) --------------------------------------------------------

KINDS: dict[str, tuple[str, str, int, dict[str, Any]]] = {
    "a page": ("GET", "/assets", 200, {"headers": HTML}),
    "the sign-in page": ("GET", "/login", 200, {"headers": HTML, "signed_in": False}),
    "a redirect": ("GET", "/assets", 303, {"headers": HTML, "signed_in": False}),
    "JSON": ("GET", "/api/v1/asset/A1", 200, {}),
    "the description": ("GET", "/api/v1/openapi.json", 200, {}),
    "a list to take away": ("GET", "/assets.csv", 200, {}),
    "a file": ("GET", "FILE", 200, {}),
    "a script": ("GET", "/static/office.js", 200, {}),
    "the worker": ("GET", "/scan/sw.js", 200, {}),
    "health": ("GET", "/health/live", 200, {}),
    "a wrong password": ("POST", "/login", 403, {"data": {"login": "x"}, "headers": HTML}),
    "malformed JSON": ("POST", "/api/v1/asset/A1/issue", 400, {"content": b"{", "headers": {"content-type": "application/json", "idempotency-key": "h1"}}),
    "not signed in": ("GET", "/api/v1/asset/A1", 401, {"signed_in": False}),
    "another site": ("POST", "/logout", 403, {"headers": HTML | {"sec-fetch-site": "cross-site"}}),
    "no page": ("GET", "/nothing/here", 404, {"headers": HTML}),
    "no record": ("GET", "/api/v1/asset/ZZ", 404, {}),
    "no script": ("GET", "/static/nothing.js", 404, {}),
    "a method no page takes": ("DELETE", "/login", 405, {"headers": HTML}),
    "a method no door takes": ("DELETE", "/api/v1/head", 405, {}),
    "a page too large": ("POST", "/login", 413, {"content": b"x" * 2_000_000, "headers": HTML}),
    "too large": ("POST", "/api/v1/asset/A1/issue", 413, {"content": b"x" * 2_000_000}),
    "another media type": ("POST", "/api/v1/asset/A1/issue", 415, {"content": b"{}", "headers": {"content-type": "text/plain", "idempotency-key": "h2"}}),
    "wrong fields": ("POST", "/api/v1/asset/A1/issue", 422, {"json": {}, "headers": {"idempotency-key": "h3"}}),
    "our mistake": ("GET", "/api/v1/broken", 500, {}),
}  # fmt: skip


def asked(doors: Doors, kind: str) -> Response:
    method, path, status, more = KINDS[kind]
    answer = doors.ask(method, doors.file if path == "FILE" else path, **dict(more))
    assert answer.status_code == status, answer.text[:300]
    return answer


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_answer_carries_what_browsers_obey(kind: str, doors: Doors) -> None:
    headers = asked(doors, kind).headers
    parts = [part.strip().partition(" ") for part in headers[CSP].split(";")]
    policy = {name: said for name, _, said in parts}
    if kind == "a file":
        assert policy == {"default-src": "'none'", "sandbox": ""}
    else:
        assert policy["default-src"] == "'self'"
        assert policy["script-src"] == "'self' 'wasm-unsafe-eval'"
        assert policy["style-src"] == policy["form-action"] == "'self'"
        for name in ("object-src", "base-uri", "frame-ancestors"):
            assert policy[name] == "'none'", name
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "microphone=()" in headers["permissions-policy"]
    assert re.fullmatch(r"[A-Za-z0-9._-]{8,64}", headers["x-request-id"])
    assert "server" not in headers and "x-powered-by" not in headers
    assert "access-control-allow-origin" not in headers


CSP = "content-security-policy"
# What everybody may see, and what must be asked for anew each time though it is kept.
MAY_BE_KEPT = {"a script", "the worker", "no script"}


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - MAY_BE_KEPT))
def test_what_is_told_to_one_reader_is_kept_by_nobody(kind: str, doors: Doors) -> None:
    assert "no-store" in asked(doors, kind).headers["cache-control"]


def test_over_https_browsers_are_told_to_stay_with_it() -> None:
    async def nothing(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    for https, told in ((True, "max-age=31536000"), (False, None)):
        http = TestClient(security.Gate(nothing, https=https))
        assert http.get("/").headers.get("strict-transport-security") == told


# Cross-site requests (T13, ASVS 3.5.1-3.5.3) ----------------------------------------

SITES = (None, "same-origin", "none", "same-site", "cross-site", "")
ORIGINS = (None, "http://testserver", "http://testserver:81", "https://evil.example", "null")
MEDIA = (None, "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain")  # fmt: skip
METHODS = ("GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE")
REQUESTS = [(method, None) for method in METHODS] + [("POST", media) for media in MEDIA]


def test_every_combination_of_headers_that_another_site_can_make_is_refused(doors: Doors) -> None:
    """Fetch metadata decides where they are; else the origin; no media type opens another way."""
    wrong, before = list[str](), doors.office.book.head()
    paths = ("/logout", "/api/v1/asset/A1/issue")
    for site, origin, (method, media) in itertools.product(SITES, ORIGINS, REQUESTS):
        given = {"sec-fetch-site": site, "origin": origin, "content-type": media}
        headers = {name: value for name, value in given.items() if value is not None}
        if method in ("GET", "HEAD", "OPTIONS"):
            refused = False
        elif site:
            refused = site in ("same-site", "cross-site")
        else:
            refused = origin not in (None, "http://testserver")
        for path in paths:
            answer = doors.http.request(method, path, headers=headers | {"accept": "text/html"})
            if (answer.status_code == 403) is not refused:
                wrong.append(f"{answer.status_code} {method} {path} {headers}")
            if method in ("GET", "HEAD", "OPTIONS") and answer.status_code < 400:
                wrong.append(f"{path} changes something at {method}")
    assert wrong == []
    assert doors.office.book.head() == before


def test_a_session_alone_makes_nobody_write_from_another_site(doors: Doors) -> None:
    """With the cookie there, a form of another site changes nothing and says why."""
    before = doors.office.book.head()
    form: dict[str, Any] = {
        "headers": {"sec-fetch-site": "cross-site", "accept": "text/html"},
        "data": {"x": "y"},
    }
    answer = doors.ask("POST", "/assets/A1/do/issue", **form)
    assert answer.status_code == 403 and "来自其他网站" in answer.text
    own = doors.ask(
        "POST", "/api/v1/asset/A1/issue", content=b'{"user":"u_li"}',
        headers={"content-type": "text/plain", "idempotency-key": "plain"},
    )  # fmt: skip
    assert own.status_code == 415
    assert doors.office.book.head() == before


def test_the_cookie_of_a_session_stays_with_this_site(doors: Doors) -> None:
    signed = {"login": "clerk", "password": PASSWORD}
    cookie = doors.http.post("/login", data=signed, headers=HTML).headers["set-cookie"]
    doors.http.cookies.clear()
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Path=/" in cookie
    assert "Domain" not in cookie


# What is installed -------------------------------------------------------------------

# Below these there are holes that are known.
LEAST = {
    "argon2-cffi": "25.1",
    "authlib": "1.7.2",
    "cryptography": "46",
    "jinja2": "3.1.6",
    "python-multipart": "0.0.27",
    "starlette": "1.3.1",
}


def test_nothing_older_than_the_last_known_hole_is_installed() -> None:
    text = (ROOT / "requirements.lock").read_text()
    locked = dict(re.findall(r"^([a-z0-9-]+)(?:\[[^]]+\])?==([^ ;\\]+)", text, re.MULTILINE))
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    floors = dict(re.findall(r"^([a-z0-9-]+)>=([0-9.]+)", "\n".join(asked), re.MULTILINE))
    for name, least in LEAST.items():
        assert Version(locked[name]) >= Version(least), name
        assert Version(floors[name]) >= Version(least), f"{name} in pyproject.toml"
    assert text.count("--hash=sha256:") >= len(locked) > 30


# What is written ---------------------------------------------------------------------

TEMPLATES = sorted((ROOT / "api" / "templates").glob("*.html"))
# Words by which a template puts text on a page that nobody escapes, or runs on the page itself.
UNSAFE_TEMPLATE = {
    "unescaped": r"\|\s*safe\b|\bautoescape\b|\bMarkup\b",
    "a script": r"<script(?![^>]*\ssrc=|\stype=\"application/json\")[^>]*>",
    "a handler": r"<[a-z][^<>{}]*\son[a-z]{3,}\s*=",
    "a style": r"<style\b|<[a-z][^<>]*\sstyle\s*=[\"']",
    "javascript:": r"javascript:",
    "an attribute without quotes": r"<[a-z](?:[^<>{}\"]|\"[^\"]*\")*\s[a-z-]+=\{\{",
    "evaluated": r"\bhx-on|hx-vals=['\"]js:",
}
UNSAFE_SCRIPT = (
    r"\b(inner|outer)HTML\b|insertAdjacentHTML|document\.write|\beval\(|new Function\b"
    r"|createContextualFragment|setTimeout\(\s*['\"`]"
)


@pytest.mark.parametrize("what", UNSAFE_TEMPLATE)
def test_no_template_leaves_anything_unescaped(what: str) -> None:
    found = [
        f"{file.name}: {match[0]}"
        for file in TEMPLATES
        for match in re.finditer(UNSAFE_TEMPLATE[what], file.read_text())
    ]
    assert found == []
    assert len(TEMPLATES) > 80


def test_no_script_of_ours_makes_markup_of_text() -> None:
    scripts = [f for f in (ROOT / "api" / "static").rglob("*.js") if "vendor" not in f.parts]
    assert scripts
    assert [f.name for f in scripts if re.search(UNSAFE_SCRIPT, f.read_text())] == []


# Where markup is made in Python, and why that is safe.
MARKUP = {("pages_draw.py", "icon"): "its text is ours; what is put in is escaped by format"}


def markup_made(file: Path) -> Iterator[tuple[str, str]]:
    """Yield where a module calls text markup, or answers with a page it did not draw."""
    for function in ast.walk(ast.parse(file.read_text())):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for node in ast.walk(function):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name == "Markup":
                yield file.name, function.name
            if name == "Markup" and not isinstance(node.args[0], ast.Constant):
                yield file.name, f"{function.name}: markup of what is not written there"
            drawn = node.args and not isinstance(node.args[0], ast.Name | ast.Call)
            if name == "HTMLResponse" and drawn:
                yield file.name, f"{function.name}: a page that no template drew"
            if name in ("Environment", "from_string") and file.name != "pages_draw.py":
                yield file.name, f"{function.name}: {name}"


def test_no_code_makes_markup_of_text() -> None:
    found = {where for file in sorted((ROOT / "api").glob("*.py")) for where in markup_made(file)}
    assert found == set(MARKUP)
