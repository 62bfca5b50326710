"""What the tests of the doors share: an office with people in it, and a client that signs in."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from argon2 import PasswordHasher
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx import Response

from api import problems, rest, security
from api.office import Actor, Office
from api.settings import Settings

PASSWORD = "a long enough password"
PEOPLE = ("admin", "clerk", "keeper", "head", "office", "finance", "accountant", "auditor")
CARD = {"asset_no": "SL-001", "name": "笔记本电脑", "kind": "computer", "unit": "o_a"}
# How often somebody may ask is one test's business, and that of nobody else.
UNHURRIED: dict[str, Any] = dict.fromkeys(
    ("calls_per_minute", "strangers_per_minute", "exports_per_minute"), 0
)
_keys = itertools.count(1)


@contextmanager
def staffed(database: str, *, on: date | None = None) -> Iterator[Office]:
    """Lend an office with two units, there since a day, and a person in every role, named like it."""
    office = Office.open(Settings(database=database, label_host="id.example", **UNHURRIED))
    try:
        # How strong the hash is, is another test's business; here it would only cost time.
        office.accounts._hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
        for role in PEOPLE:
            office.accounts.create(role, PASSWORD, f"u_{role}", f"示例{role}", "o_a", [role])
        admin = Actor(person="u_admin", unit="o_a", role="admin")
        for unit, name in (("o_a", "示例市财政局"), ("o_b", "示例市水利局")):
            office.ask(f"unit/{unit}", "establish", {"name": name, "kind": "organ"}, admin, on=on)
        yield office
    finally:
        office.close()


def app_of(office: Office) -> FastAPI:
    """Return the API alone, wired as the whole application is."""
    app = FastAPI(openapi_url="/api/v1/openapi.json", docs_url=None, redoc_url=None)
    app.state.office = office
    rest.install(app, office)
    problems.install(app)
    security.protect(app, refuse=problems.refuse)
    return app


class Door:
    """A client of the API in somebody's name; every write gets a key of its own."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self.http = TestClient(app, raise_server_exceptions=False)

    def get(self, path: str, *, who: str = "auditor", lang: str = "zh", **query: Any) -> Response:
        """Ask a question."""
        headers = {"Accept-Language": lang}
        return self.http.get(f"/api/v1/{path}", params=query, headers=headers, auth=(who, PASSWORD))

    def post(
        self, path: str, body: Any = None, *, who: str = "clerk", key: str = "", **headers: str
    ) -> Response:
        """Ask for something to be done."""
        sent = {"Idempotency-Key": key or f"key-{next(_keys)}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.post(
            f"/api/v1/{path}", json=body or {}, headers=sent, auth=(who, PASSWORD)
        )


def clerk_of(door: Door, unit: str) -> str:
    """Return the log-in of a clerk of a unit; each keeps the books of their own."""
    if unit == CARD["unit"]:
        return "clerk"
    accounts, login = door.app.state.office.accounts, f"clerk-{unit.replace('_', '-')}"
    if login not in {account.login for account in accounts.all()}:
        accounts.create(login, PASSWORD, f"u_clerk_of_{unit}", "示例clerk", unit, ["clerk"])
    return login


def registered(door: Door, id_: str = "A1", **card: Any) -> Response:
    """Put one asset on the books of its unit."""
    form = CARD | card
    who = clerk_of(door, form["unit"])
    answer = door.post(f"asset/{id_}/register_existing", form, who=who)
    assert answer.status_code == 200, answer.text
    return answer
