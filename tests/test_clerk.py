"""What many programs ask at once is recorded one by one, and each hears its own answer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from uuid import uuid4

import httpx
import pytest
from doors import CARD, PASSWORD, app_of, staffed
from fastapi.routing import APIRoute
from starlette.responses import Response
from starlette.routing import Match

from api.clerk import Clerks
from api.office import Actor, Office
from api.rest_index import Index
from ledger.act import Unavailable
from ledger.verifying import verify
from projections import units

TOGETHER = 12


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    with staffed(database) as office:
        yield office


def at_once(office: Office, paths: list[tuple[str, dict[str, str]]]) -> list[httpx.Response]:
    """Post everything at the same moment; return the answers in order."""

    async def post() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app_of(office), raise_app_exceptions=False)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://test", auth=("clerk", PASSWORD)
        ) as client:
            return await asyncio.gather(
                *(
                    client.post(
                        f"/api/v1/{path}", json=form, headers={"Idempotency-Key": str(uuid4())}
                    )
                    for path, form in paths
                )
            )

    return asyncio.run(post())


def registration(number: int) -> tuple[str, dict[str, str]]:
    return f"asset/A{number}/register_existing", CARD | {"asset_no": f"SL-{number:03}"}


def test_whoever_is_answered_finds_it_in_the_lists(office: Office):
    before = office.book.head()[0]
    answers = at_once(office, [registration(n) for n in range(TOGETHER)])
    assert [a.status_code for a in answers] == [200] * TOGETHER
    assert [a.json()["stream"] for a in answers] == [f"asset/A{n}" for n in range(TOGETHER)]
    assert sorted(a.json()["first"] for a in answers) == [
        before + n for n in range(1, 1 + TOGETHER)
    ]
    assert office.models.position() == office.book.head()[0] == before + TOGETHER
    assert verify(office.book).intact


def test_the_lists_have_followed_when_the_clerks_have_gone(office: Office):
    before = office.book.head()[0]
    at_once(office, [registration(n) for n in range(TOGETHER)])
    for dismiss in office.closing:
        dismiss()
    assert office._lists.position() == office.book.head()[0] == before + TOGETHER


def test_whoever_reads_brings_the_lists_up_to_date_whichever_program_recorded(office: Office):
    with closing(Office.open(office.settings)) as other:
        actor = Actor(person="u_admin", unit="o_a", role="admin")
        for number in range(3):
            form = {"name": f"示例市第{number}局", "kind": "organ"}
            office.ask(f"unit/o_{number}", "establish", form, actor, shown=False)
            row = other.models.one(units.all_units().where(units.unit.c.id == f"o_{number}"))
            assert row is not None
            assert other.called(f"o_{number}", "zh") == form["name"]
    assert office.models.position() == office.book.head()[0]


def test_what_an_import_records_is_left_to_the_import(
    office: Office, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("api.office.BEHIND_MAX", 2)
    actor = Actor(person="u_clerk", unit="o_a", role="clerk")
    shown = office.models.position()

    def record(by: Office, numbers: range) -> None:
        for number in numbers:
            form = CARD | {"asset_no": f"SL-{number:03}"}
            by.ask(f"asset/A{number}", "register_existing", form, actor, shown=False)

    with closing(Office.open(office.settings)) as other:
        record(other, range(2))
        assert office.models.position() == shown + 2, "few enough to bring them along"
        record(other, range(2, 5))
        assert office.models.position() == shown + 2, "so many are left to whoever recorded them"
        record(office, range(5, 6))
        assert office.models.position() == shown + 6, "but what was acknowledged here is found"


def test_one_refusal_is_nobody_elses(office: Office):
    paths = [registration(n) for n in range(4)] + [("asset/A9/issue", {"user": "u_1"})]
    statuses = [a.status_code for a in at_once(office, paths)]
    assert statuses == [200, 200, 200, 200, 404]


def test_who_waited_too_long_hears_so_and_nothing_is_recorded(office: Office):
    clerks = Clerks(office, patience=-1.0)
    size = office.book.head()[0]

    def act() -> tuple[int, type[Response]]:
        raise AssertionError("too late")

    with pytest.raises(Unavailable) as late:
        asyncio.run(clerks.do(act))
    assert late.value.kind == "locked"
    assert office.book.head()[0] == size


def test_the_index_knows_every_published_route(office: Office):
    found = next(r for r in app_of(office).router.routes if isinstance(r, Index))
    paths = app_of(office).openapi()["paths"]
    asked = [(method.upper(), path) for path, methods in paths.items() for method in methods]
    assert len(asked) > 80
    for method, path in asked:
        words = ["x1" if word.startswith("{") else word for word in path.split("/")]
        scope = {"type": "http", "method": method, "path": "/".join(words)}
        match, child = found.matches(scope)
        assert match == Match.FULL, path
        named = {w[1:-1] for w in path.split("/") if w.startswith("{")}
        assert set(child["path_params"]) == named


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/asset/"),
        ("GET", "/api/v1/asset//history"),
        ("DELETE", "/api/v1/asset/A1"),
        ("GET", "/api/v1/nothing/A1"),
        ("GET", "/inventory"),
    ],
)
def test_what_the_index_does_not_know_exactly_it_leaves_to_others(method: str, path: str):
    async def endpoint(_: object) -> Response:
        return Response()

    index = Index(
        [
            APIRoute("/api/v1/asset/{id}", endpoint, methods=["GET"], response_model=None),
            APIRoute("/api/v1/asset/{id}/history", endpoint, methods=["GET"], response_model=None),
        ]
    )
    assert index.matches({"type": "http", "method": method, "path": path})[0] == Match.NONE
