"""Whatever comes in, the answer is clear, nothing is recorded, and the ledger stays whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from doors import PASSWORD, Door, app_of, registered, staffed
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient
from httpx import Response
from psycopg import sql
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

from api import problems, rest
from api.office import Office
from ledger.act import TROUBLES, Unavailable
from ledger.book import Book
from ledger.verifying import verify

GOOD = {"user": "u_li"}
ISSUE = "/api/v1/asset/A1/issue"
CARD = "/api/v1/asset/B1/register_existing"
MATRIX: dict[str, tuple[str, bytes, int, str]] = {
    "malformed JSON": (ISSUE, b'{"user": ', 400, "malformed-json"),
    "not an object": (ISSUE, b'["u_li"]', 400, "malformed-json"),
    "an empty body": (ISSUE, b"", 400, "malformed-json"),
    "bad UTF-8": (ISSUE, b'{"user": "\xff\xfe"}', 400, "malformed-json"),
    "half a surrogate": (ISSUE, b'{"user": "u", "purpose": "\\ud800"}', 400, "malformed-json"),
    "a duplicate key": (ISSUE, b'{"user": "u_li", "user": "u_wu"}', 400, "malformed-json"),
    "NaN": (CARD, b'{"value": NaN}', 400, "malformed-json"),
    "deep nesting": (ISSUE, b'{"user": ' + b"[" * 50_000, 400, "malformed-json"),
    "an unknown field": (ISSUE, b'{"user": "u_li", "colour": "red"}', 422, "invalid"),
    "a missing field": (ISSUE, b"{}", 422, "invalid"),
    "a wrong type": (ISSUE, b'{"user": 5}', 422, "invalid"),
    "an id that is none": (ISSUE, b'{"user": "u li"}', 422, "invalid"),
    "a float for money": (CARD, b'{"value": 100.5}', 422, "invalid"),
    "negative money": (CARD, b'{"value": -1}', 422, "invalid"),
    "money of 2^53": (CARD, b'{"value": 9007199254740992}', 422, "invalid"),
    "money as text": (CARD, b'{"value": "100"}', 422, "invalid"),
    "a day that is none": (ISSUE, b'{"user": "u_li", "on": "2026-02-30"}', 422, "invalid"),
    "a day to come": (ISSUE, b'{"user": "u_li", "on": "2999-01-01"}', 409, "date-in-the-future"),
    "an unknown verb": ("/api/v1/asset/A1/eat", json.dumps(GOOD).encode(), 404, "not-found"),
    "an inner verb": ("/api/v1/asset/A1/lend", json.dumps(GOOD).encode(), 404, "not-found"),
    "an unknown kind": ("/api/v1/ship/A1/issue", json.dumps(GOOD).encode(), 404, "not-found"),
    "an unknown id": ("/api/v1/asset/ZZ/issue", json.dumps(GOOD).encode(), 404, "no-such-record"),
    "no id": ("/api/v1/asset/%20/issue", json.dumps(GOOD).encode(), 404, "no-such-id"),
}


@pytest.fixture(scope="module")
def office(module_database: str) -> Iterator[Office]:
    with staffed(module_database) as office:
        registered(Door(app_of(office)))
        yield office


@pytest.fixture
def door(office: Office) -> Door:
    return Door(app_of(office))


def sent(door: Door, path: str, body: bytes, lang: str, **headers: str) -> Response:
    """Send raw bytes as a clerk."""
    given = {
        "Content-Type": "application/json",
        "Idempotency-Key": f"bad-{lang}",
        "Accept-Language": lang,
    }
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    return door.http.post(path, content=body, headers=given, auth=("clerk", PASSWORD))


def is_told(answer: Response, status: int, slug: str) -> str:
    """Check that an answer is a problem document; return its sentence."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["slug"] == slug and problem["status"] == status
    assert problem["type"] == f"/problems/{slug}" and problem["title"]
    assert "Traceback" not in answer.text
    return str(problem["detail"])


@pytest.mark.parametrize("case", MATRIX)
def test_bad_input_is_told_in_both_languages_and_records_nothing(
    case: str, office: Office, door: Door
) -> None:
    path, body, status, slug = MATRIX[case]
    before = office.book.head()
    zh = is_told(sent(door, path, body, "zh"), status, slug)
    en = is_told(sent(door, path, body, "en"), status, slug)
    assert zh != en and any("\u4e00" <= c <= "\u9fff" for c in zh), (zh, en)
    assert office.book.head() == before


def test_a_body_of_ten_megabytes_is_refused_before_it_is_read(office: Office, door: Door) -> None:
    before = office.book.head()
    body = b'{"user": "' + b"x" * 10_000_000 + b'"}'
    for lang in ("zh", "en"):
        assert is_told(sent(door, ISSUE, body, lang), 413, "too-large")
    assert office.book.head() == before


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", "", "a/b"])
def test_only_json_is_taken(media: str, door: Door) -> None:
    answer = sent(door, ISSUE, b'{"user": "u_li"}', "en", Content_Type=media)
    is_told(answer, 415, "wrong-media-type")


@pytest.mark.parametrize("version", ["2", '"x"', 'W/"1"', "-1", '"1", "2"', "*"])
def test_a_version_is_one_version(version: str, door: Door) -> None:
    answer = sent(door, ISSUE, b'{"user": "u_li"}', "en", If_Match=version)
    slug = "version-conflict" if version == "2" else "bad-if-match"
    is_told(answer, 409 if version == "2" else 400, slug)


@pytest.mark.parametrize(
    "query",
    [
        "colour=red",
        "as_of=tomorrow",
        "known_at=later",
        "limit=0",
        "limit=1001",
        "limit=١",
        "kind=ship",
        "sort=password",
        "kind=vehicle&kind=land",
        "text=%00",
        "as_of=2026-01-01&sort=changed_on",
    ],
)
def test_a_question_with_a_fault_is_not_answered_with_something_else(
    query: str, door: Door
) -> None:
    answer = door.http.get(f"/api/v1/inventory?{query}", auth=("clerk", PASSWORD))
    is_told(answer, 422, "invalid")
    assert answer.json()["errors"]


@pytest.mark.parametrize(
    "cursor", ["x", "bm9uc2Vuc2U=", "W10=", "WzEsMl0=", "e30=", "%F0%9F", "WyJcdTAwMDAiLCJ4Il0="]
)
def test_a_cursor_nobody_gave_out_is_refused(cursor: str, door: Door) -> None:
    answer = door.http.get(f"/api/v1/inventory?after={cursor}", auth=("clerk", PASSWORD))
    is_told(answer, 400, "bad-cursor")


def test_a_method_that_is_not_there_is_told_apart_from_a_path_that_is_not(door: Door) -> None:
    is_told(door.http.delete("/api/v1/asset/A1"), 405, "method-not-allowed")
    is_told(door.http.get("/api/v1/nothing/here"), 404, "not-found")


def test_a_mistake_of_ours_goes_to_the_log_and_not_to_the_reader(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    mistaken = APIRouter(route_class=rest.ApiRoute)

    @mistaken.get("/api/v1/mistake")
    def mistake() -> None:
        raise RuntimeError("the secret of the house")

    app = FastAPI()
    app.include_router(mistaken)
    rest.install(app, office)
    answer = Door(app).get("mistake")
    is_told(answer, 500, "our-mistake")
    assert "secret" not in answer.text
    assert answer.json()["request"] == answer.headers["x-request-id"]
    assert "the secret of the house" in caplog.text
    assert answer.headers["x-request-id"] in caplog.text


@pytest.mark.parametrize("kind", TROUBLES)
def test_a_ledger_that_cannot_be_used_says_so_and_when_to_try_again(kind: str) -> None:
    problem = problems.of(Unavailable(kind))
    assert problem.status == (507 if kind == "disk-full" else 503)
    assert problem.headers["Retry-After"] == "5"
    zh, en = problem.document("zh"), problem.document("en")
    assert zh["slug"] == en["slug"] == f"database-{kind}"
    assert zh["detail"] != en["detail"] and "Traceback" not in en["detail"]


@pytest.mark.one_backend("the bytes of the file are damaged")
@pytest.mark.parametrize("said", [b"\x05", b"\xff"])
def test_a_list_of_a_file_whose_header_was_damaged_says_so(said: bytes, sqlite_url: str) -> None:
    """The schema format is in bytes 44 to 47 (sqlite.org/fileformat2.html, section 1.3.9)."""
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    Book.open(sqlite_url).close()
    content = bytearray(path.read_bytes())
    content[47:48] = said
    path.write_bytes(content)
    engine = create_engine(sqlite_url)
    with pytest.raises(OperationalError) as raised, engine.connect() as connection:
        connection.exec_driver_sql("SELECT * FROM ledger_head")
    engine.dispose()
    trouble = problems.database_trouble(raised.value)
    assert trouble is not None and trouble.kind == "damaged"
    with pytest.raises(Unavailable) as told:
        Book.open(sqlite_url)
    assert told.value.kind == "damaged"


def test_a_server_that_went_away_is_told_at_once_and_used_again_when_it_is_back(
    postgresql_url: str, postgresql_server: str
) -> None:
    name = urlsplit(postgresql_url).path.removeprefix("/")
    with (
        staffed(postgresql_url) as office,
        psycopg.connect(postgresql_server, autocommit=True) as server,
    ):
        door = Door(app_of(office))
        registered(door)
        before = office.book.head()[0]
        shut = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
        server.execute(shut.format(sql.Identifier(name), sql.Literal(False)))
        server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
        )
        for lang in ("zh", "en"):
            is_told(sent(door, ISSUE, b'{"user": "u_li"}', lang), 503, "database-away")
            for path in ("head", "inventory", "asset/A1"):
                is_told(door.get(path, lang=lang), 503, "database-away")
        server.execute(shut.format(sql.Identifier(name), sql.Literal(True)))
        # A line that was cut while nobody used it is noticed by the first who does, once a line.
        tries = [door.post("asset/A1/issue", GOOD, key="again").status_code for _ in range(5)]
        assert set(tries) <= {503, 200} and tries[-1] == 200
        assert door.get("head").json()["size"] == before + 1
        assert verify(office.book).intact


def test_after_all_of_this_the_ledger_verifies(office: Office) -> None:
    verdict = verify(office.book)
    assert verdict.intact and verdict.size == office.book.head()[0]


@pytest.mark.parametrize(
    "path",
    [
        "/search?q=SL%00001",
        "/assets?text=%00",
        "/offers?text=%00",
        "/api/v1/inventory?text=%00",
        "/api/v1/scan?code=%00",
        "/api/v1/open-steps?text=%00",
        "/people?text=%00",
    ],
)
def test_a_character_that_no_text_has_is_no_trouble_of_ours(database: str, path: str) -> None:
    with staffed(database) as office:
        client = TestClient(app_of(office), raise_server_exceptions=False)
        answer = client.get(path, auth=("clerk", PASSWORD))
        client.post("/login", data={"login": "clerk", "password": PASSWORD, "next": "/"})
        page = client.get(path)
        assert {answer.status_code, page.status_code} <= {200, 303, 400, 401, 404, 422}, page.text


def test_what_a_server_says_of_such_a_character_is_said_as_a_mistake_in_what_was_given() -> None:
    said = psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
    wrapped = RuntimeError("as a library hands it on")
    wrapped.__cause__ = said
    assert [problems.of(error).status for error in (said, wrapped)] == [422, 422]
    assert problems.of(psycopg.DataError("something else")).status == 500
