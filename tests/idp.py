"""Providers of identities behind real ports of this machine: one nobody here wrote, one that lies.

The first is oidc-provider-mock (MIT), a provider on Authlib's server side. It does not look at
PKCE and never lies, so the second is ours: it holds the client to everything it said at the start
(RFC 7636), and gives out whatever word a test wants forged.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from serving import Server
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT, SECRET = "gongwu", "a secret of the client, & one with signs"
KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
OTHER_KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})


@dataclass
class Issuer:
    """What the lying provider says, and what it was told. A test changes it before signing in."""

    issuer: str = ""
    claims: dict[str, Any] = field(default_factory=lambda: {"sub": "wang"})
    keys: list[dict[str, Any]] = field(default_factory=lambda: [KEY.as_dict(private=False)])
    document: dict[str, Any] = field(default_factory=dict)
    answer: dict[str, str] = field(default_factory=dict)  # instead of what goes back to the client
    sign: Callable[[dict[str, Any]], str] | None = None
    token_status: int = 200
    userinfo: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    seen: list[dict[str, str]] = field(default_factory=list)  # what was asked at the start
    asked: list[str] = field(default_factory=list)  # paths, in order
    now: Callable[[], int] = lambda: int(time.time())

    def word(self, nonce: str) -> str:
        """Return an id token as the test wants it."""
        now = self.now()
        honest = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": nonce}
        claims = {k: v for k, v in (honest | self.claims).items() if v is not None}
        return self.sign(claims) if self.sign else signed(claims)


def signed(claims: dict[str, Any], key: Any = KEY, **header: Any) -> str:
    """Return a word signed as honest providers do."""
    head = {"alg": "RS256", "kid": "one"} | header
    return jwt.encode(head, claims, key, algorithms=[head["alg"]])


def unsigned(claims: dict[str, Any]) -> str:
    """Return a word under `alg: none`."""
    return f"{_b64({'alg': 'none', 'typ': 'JWT'})}.{_b64(claims)}."


def with_public_key_as_secret(claims: dict[str, Any]) -> str:
    """Return a word under HS256 whose shared secret is the provider's public key."""
    said = f"{_b64({'alg': 'HS256', 'kid': 'one'})}.{_b64(claims)}"
    proof = hmac.digest(KEY.as_pem(private=False), said.encode(), "sha256")
    return f"{said}.{base64.urlsafe_b64encode(proof).rstrip(b'=').decode()}"


def _b64(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def application(state: Issuer) -> Starlette:
    """Return the lying provider: honest in everything that the test does not change."""

    def document(_: Request) -> Response:
        state.asked.append("document")
        said = {
            "issuer": state.issuer,
            "authorization_endpoint": f"{state.issuer}/authorize",
            "token_endpoint": f"{state.issuer}/token",
            "jwks_uri": f"{state.issuer}/keys",
            "end_session_endpoint": f"{state.issuer}/end",
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "id_token_signing_alg_values_supported": ["none", "HS256", "RS256"],
        }
        return JSONResponse({k: v for k, v in (said | state.document).items() if v is not None})

    def keys(_: Request) -> Response:
        state.asked.append("keys")
        return JSONResponse({"keys": state.keys})

    def authorize(request: Request) -> Response:
        asked = dict(request.query_params)
        state.seen.append(asked)
        code = secrets.token_urlsafe(16)
        state.codes[code] = asked
        back = {"code": code, "state": asked["state"]} | state.answer
        told = urlencode({k: v for k, v in back.items() if v})
        return RedirectResponse(f"{asked['redirect_uri']}?{told}", 302)

    async def token(request: Request) -> Response:
        state.asked.append("token")
        form = {k: v[0] for k, v in parse_qs((await request.body()).decode()).items()}
        begun = state.codes.pop(form.get("code", ""), None)
        wanted = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {wanted}":
            return JSONResponse({"error": "invalid_client"}, 401)
        proof = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if (
            begun is None
            or begun.get("code_challenge_method") != "S256"
            or begun.get("code_challenge") != base64.urlsafe_b64encode(proof).rstrip(b"=").decode()
            or begun.get("redirect_uri") != form.get("redirect_uri")
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        said = {
            "token_type": "Bearer",
            "access_token": "at",
            "id_token": state.word(begun["nonce"]),
        }
        return JSONResponse({k: v for k, v in said.items() if v}, state.token_status)

    def user_info(request: Request) -> Response:
        assert request.headers["authorization"] == "Bearer at"
        return JSONResponse(state.userinfo)

    def end(request: Request) -> Response:
        state.seen.append(dict(request.query_params))
        return RedirectResponse(request.query_params["post_logout_redirect_uri"], 302)

    return Starlette(
        routes=[
            Route("/.well-known/openid-configuration", document),
            Route("/keys", keys),
            Route("/authorize", authorize),
            Route("/token", token, methods=["POST"]),
            Route("/userinfo", user_info),
            Route("/end", end),
        ]
    )


@contextmanager
def listening(app: Any) -> Iterator[str]:
    """Serve an application on a free port; yield its address."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        assert server.listening.wait(20)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(20)


@contextmanager
def lying() -> Iterator[Issuer]:
    """Run the provider that says what a test wants."""
    state = Issuer()
    with listening(application(state)) as url:
        state.issuer = url
        yield state


@contextmanager
def foreign(**people: dict[str, Any]) -> Iterator[str]:
    """Run the provider that nobody here wrote, with these people; yield its address."""
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # its server side wants https, even on loopback
    from oidc_provider_mock import User, run_server_in_thread

    users = [User(sub=sub, claims=claims) for sub, claims in people.items()]
    with run_server_in_thread(require_nonce=True, user_claims=users) as server:
        yield f"http://localhost:{server.server_port}"
