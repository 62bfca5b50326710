"""Whatever the published description allows or forbids, asked in the names of two departments.

schemathesis makes the requests from the description alone. Half of the ids it made up give way to
those of things there are, of both departments: whoever may not see a thing must not hear of it,
whatever is asked. The city is there, with what a third of its units do.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
import schemathesis
import sizes
from doors import PASSWORD
from httpx import QueryParams, Response
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    positive_data_acceptance,
    response_schema_conformance,
    status_code_conformance,
)
from sizes import sized
from test_sight import MINE, NEVER, ROLES, THEIRS, Town, addressed, built

from api.parameters import CURSOR
from domain.decider import LIFECYCLES

pytestmark = pytest.mark.either_backend(
    "what the whole description allows is asked once; every route is asked on both in test_sight"
)
AGREES = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


# What a question cannot do without, and what else it has to say that another be valid.
NEEDED = {
    "/api/v1/search": {"q": "x"},
    "/api/v1/scan": {"code": "x"},
    "/api/v1/depreciation/{id}/lines": {"month": "2024-01"},
    "/audit/v1/changes/events": {"figure": "in"},
    "/audit/v1/proofs/consistency": {"from": "1"},
}
BESIDE = {
    "seq": {"stream": "asset/x"},
    "size": {"index": "0"},
    "as": {"index": "0"},
}


@dataclass
class Department:
    """Who asks for a unit, what it keeps to itself, and what it can name."""

    unit: str
    prefix: str  # of its log-ins
    word: str  # in everything that it wrote
    ids: list[str] = field(default_factory=list)
    others: frozenset[str] = frozenset()  # what it must not hear of


@dataclass
class Asked:
    """The application, its description, who asks, and what came of it."""

    town: Town
    operations: list[APIOperation]
    sides: tuple[Department, Department]
    keys: Iterator[int] = field(default_factory=itertools.count)
    told: Counter[int] = field(default_factory=Counter)

    def send(self, case: Case, login: str) -> Response:
        """Send a case in somebody's name, with a key of its own."""
        kept = case.as_transport_kwargs(base_url="http://testserver")
        if not isinstance(kept.get("data", {}), dict):
            kept["content"] = kept.pop("data")
        headers = dict(kept.pop("headers")) | {"Idempotency-Key": f"made-{next(self.keys)}"}
        for name in ("Gongwu-Role", "Authorization", "X-Schemathesis-TestCaseId"):
            headers.pop(name, None)
        kept.pop("cookies", None)
        raw = {name: str(text).encode("utf-8", "replace") for name, text in headers.items()}
        answer = self.town.http.request(auth=(login, PASSWORD), headers=raw, **kept)
        self.told[answer.status_code] += 1
        return answer


def seeded(town: Town, side: Department) -> None:
    """Let a department write its word wherever it may, and keep what came of it."""
    tag = side.word[-3:]
    asset, login = f"{tag}asset", f"{side.prefix}clerk"
    ours = {"unit": side.unit}
    named = f"{side.word}的电脑"
    paper = {"docs": [{"type": f"{side.word}决定", "number": f"{side.word}1号"}]}
    card = {"name": named, "kind": "computer", "asset_no": f"{side.word}-1", "serial": side.word}
    due = {"due": "2099-01-01"}
    written = {
        f"asset/{asset}/register_existing": ours | card | paper | {"model": side.word},
        f"plan/{tag}plan/draft": ours | {"title": f"{side.word}配置计划", "year": 2026},
        f"stocktake/{tag}count/plan_stocktake": ours | due | {"title": f"{side.word}盘点"},
        f"disposal/{tag}sale/propose": ours
        | {"form": "sale", "ground": "idle", "minutes_no": side.word, "assets": [asset]},
    }
    for path, body in written.items():
        headers = {"Idempotency-Key": f"{tag}-{path}"}
        answer = town.ask("POST", f"/api/v1/{path}", login, json=body, headers=headers)
        assert answer.status_code == 200, f"{path}: {answer.text}"
        side.ids.append(path.split("/")[1])
    files = f"/api/v1/attachments/asset/{asset}?title={side.word}.txt"
    kept = town.ask(
        "POST",
        files,
        login,
        content=side.word.encode(),
        headers={"Idempotency-Key": f"{tag}-files"},
    )
    assert kept.status_code == 200, kept.text
    sheet = f"资产编号,资产名称\n{side.word}-9,{side.word}的车\n"
    sent = f"/api/v1/imports?name={side.word}.csv"
    kept = town.ask(
        "POST", sent, login, content=sheet.encode(), headers={"Idempotency-Key": f"{tag}-sheet"}
    )
    assert kept.status_code < 300, kept.text
    side.ids.append(kept.json()["id"])


@pytest.fixture(scope="module")
def asked(module_database: str) -> Iterator[Asked]:
    whole = built(module_database)
    town = next(whole)
    mine, theirs = Department(MINE, "", "甲局秘QX7"), Department(THEIRS, "edu_", "乙局秘ZK3")
    for role in ROLES:
        town.office.accounts.create(
            f"edu_{role}", PASSWORD, f"u_e_{role}", f"{theirs.word}{role}", THEIRS, [role]
        )
    hidden = [
        id_
        for kind in ("asset", "loan", "disposal", "due", "lease", "intake", "reallocation")
        for id_ in town.hidden(kind)
        if len(id_) > 6
    ]
    assert len(hidden) > 200
    for side in (mine, theirs):
        seeded(town, side)
    mine.others = frozenset({theirs.word, *theirs.ids, *hidden})
    theirs.others = frozenset({mine.word, *mine.ids})
    theirs.ids += hidden[:20]
    app: Any = town.http.app
    schema: Any = schemathesis.openapi.from_dict(app.openapi())
    operations = [found.ok() for found in schema.get_all_operations()]
    yield Asked(town, operations, (mine, theirs))
    whole.close()


def cases(
    asked: Asked, operation: APIOperation, mode: GenerationMode
) -> st.SearchStrategy[tuple[Case, list[str]]]:
    """Return requests of an operation, with ids to put where it wants one."""
    ids = [id_ for side in asked.sides for id_ in side.ids] + [MINE, THEIRS, "new", NEVER]
    drawn = st.lists(st.sampled_from(ids), min_size=8, max_size=8)
    return st.tuples(operation.as_strategy(generation_mode=mode), drawn)


def with_ids(value: Any, schema: Any, ids: Iterator[str]) -> Any:
    """Return a body in which every place of an id holds one of those given; no whole float is left.

    JSON Schema takes 12.0 for a whole number, and the ledger does not: no float is near money.
    """
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(schema, dict):
        return value
    if isinstance(value, dict):
        known = schema.get("properties", {})
        return {name: with_ids(one, known.get(name), ids) for name, one in value.items()}
    for part in (schema, *schema.get("anyOf", ())):
        if isinstance(value, list) and "items" in part:
            return [with_ids(one, part["items"], ids) for one in value]
        if isinstance(value, str) and str(part.get("pattern", "")).startswith("^[A-Za-z0-9]["):
            return next(ids)
    return value


def logins(operation: APIOperation) -> tuple[str, ...]:
    """Return the roles of a department that may ask; those of the rest when none of them may."""
    _, _, path = operation.path.partition("/api/v1/")
    kind, _, verb = path.replace("/{id}", "").partition("/")
    found = LIFECYCLES[kind].verbs.get(verb) if kind in LIFECYCLES else None
    return tuple(sorted(found.roles & set(ROLES)) if found else ()) or ("clerk", "accountant")


def ask_all(asked: Asked, mode: GenerationMode, size: int, step: int = 1) -> list[str]:
    """Ask every operation, or one of a few, in both names; return what should not be answered."""
    wrong: list[str] = []
    held = held_to(size)
    for number, operation in enumerate(asked.operations[::step]):
        one = asking(asked, wrong, itertools.count(number), mode)
        held(given(cases(asked, operation, mode))(one))()
    return wrong


def held_to(size: int) -> settings:
    """Return that so many examples are made, always the same."""
    return settings(
        max_examples=size,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=cast(Any, list(HealthCheck)),
    )


def asking(
    asked: Asked, wrong: list[str], turn: Iterator[int], mode: GenerationMode
) -> Callable[[tuple[Case, list[str]]], None]:
    """Return what asks in the name of whose turn it is, in a role that may, and notes what is wrong."""

    def one(drawn: tuple[Case, list[str]]) -> None:
        (case, ids), n = drawn, next(turn)
        side, roles = asked.sides[n % 2], logins(case.operation)
        if n % 3 and "id" in (case.path_parameters or {}):
            case.path_parameters["id"] = ids[0]
        content = (case.operation.definition.raw.get("requestBody") or {}).get("content", {})
        if mode == GenerationMode.POSITIVE and "application/json" in content:
            schema = content["application/json"].get("schema")
            case.body = with_ids(case.body, schema, itertools.cycle(ids))
        answer = asked.send(case, side.prefix + roles[n // 2 % len(roles)])
        wrong.extend(" ".join(w.split())[:400] for w in faults_of(case, answer, side))

    return one


def faults_of(case: Case, answer: Response, side: Department) -> Iterator[str]:
    """Yield what is wrong with an answer: what it says of others, and how it says it."""
    told = f"{answer.status_code} {answer.request.method} {answer.request.url}"
    body = (case.body if isinstance(case.body, dict) else {}) or {}
    sent = f"{answer.request.url} {body}"
    for secret in side.others:
        if secret in answer.text and secret not in sent:
            yield f"tells {side.unit} of {secret}: {told} {answer.text[:300]}"
    try:
        case.validate_response(schemathesis.Response.from_httpx(answer, verify=True), checks=AGREES)
    except FailureGroup as group:
        for trouble in group.exceptions:
            yield f"{told}: {trouble}"[:600]


@pytest.mark.target("T20", "T121")
@pytest.mark.reliability("R28")
def test_whatever_is_described_is_answered_as_described_and_tells_nothing_of_others(
    asked: Asked,
) -> None:
    wrong = ask_all(asked, GenerationMode.POSITIVE, sized("R28"))
    told = asked.told
    assert told[200] > 30 and told[409] > 30 and told[404] > 100, told
    assert wrong == [], "\n".join(sorted(set(wrong))[:60])


@pytest.mark.target("T20", "T121")
@pytest.mark.reliability("R28")
def test_whatever_the_description_forbids_is_refused_in_documented_words(asked: Asked) -> None:
    few = not sizes.RELEASE  # what is forbidden is forbidden in much the same words everywhere
    wrong = ask_all(asked, GenerationMode.NEGATIVE, sized("R28"), step=16 if few else 1)
    assert wrong == [], "\n".join(sorted(set(wrong))[:60])


def alone(asked: Asked) -> Iterator[tuple[APIOperation, str, dict[str, str]]]:
    """Yield every parameter of a query as a question of its own, where it is asked, and what besides.

    What many routes declare alike is asked at one of them, and so are words, whatever they are
    called. Cursors are made up by nobody.
    """
    app: Any = asked.town.http.app
    whole, places = app.openapi(), dict[str, tuple[str, dict[str, str]]]()
    ids = {name.split("/")[0]: name.split("/")[1] for name in asked.town.raw}
    paths: dict[str, Any] = {}
    for path, ways in whole["paths"].items():
        for one in ways.get("get", {}).get("parameters", ()):
            name, held = one["name"], one["schema"]
            alike = json.dumps(held if "maxLength" in held else [name, held])
            if one["in"] != "query" or alike in places or held.get("pattern") == CURSOR:
                continue
            besides = NEEDED.get(path, {}) | BESIDE.get(name, {})
            if held.get("format") == "date" and name == "from":
                besides |= {"to": "9999-12-30"}  # an end is not before its beginning
            places[alike] = (next(addressed(path, ids)), besides)
            where = f"/{name}/{len(places)}"
            paths[where] = {"get": ways["get"] | {"parameters": [one | {"required": True}]}}
    schema: Any = schemathesis.openapi.from_dict(whole | {"paths": paths})
    schema.config.generation.allow_extra_parameters = False
    for found, place in zip(schema.get_all_operations(), places.values(), strict=True):
        yield found.ok(), *place


@pytest.mark.target("T20")
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_a_query_is_held_to_what_is_declared_of_it_and_to_no_more(
    asked: Asked, mode: GenerationMode
) -> None:
    wrong = list[str]()
    step = 1 if sizes.RELEASE else 4 if mode == GenerationMode.POSITIVE else 8
    for operation, path, besides in [*alone(asked)][::step]:
        drawn = operation.as_strategy(generation_mode=mode)
        held_to(sized("R28"))(given(drawn)(asking_alone(asked, wrong, path, besides)))()
    assert wrong == [], "\n".join(wrong)


def asking_alone(
    asked: Asked, wrong: list[str], path: str, besides: dict[str, str]
) -> Callable[[Case], None]:
    """Return what asks with one parameter, where it is asked, and notes what is wrong."""

    def one(case: Case) -> None:
        name = case.operation.path.split("/")[1]
        query = QueryParams(case.as_transport_kwargs(base_url="http://testserver").get("params"))
        if not query.get(name, ""):
            return  # not given is never wrong
        told = asked.town.ask("GET", path, "auditor", params=query.merge(besides))
        checks = [positive_data_acceptance, negative_data_rejection, not_a_server_error]
        answer = schemathesis.Response.from_httpx(told, verify=True)
        try:
            case.validate_response(answer, checks=checks)
        except FailureGroup as group:
            wrong.extend(f"{told.request.url}: {trouble}"[:600] for trouble in group.exceptions)
        if told.status_code == 422:
            wrong.extend(f"{told.request.url}: {said}" for said in untold(told, name))

    return one


def untold(answer: Response, name: str) -> Iterator[str]:
    """Yield what a refusal should have said: which parameter is wrong, in a sentence of ours."""
    problem = answer.json()
    said = {fault["path"]: fault["detail"] for fault in problem.get("errors", ())}
    if problem.get("slug") != "invalid" or not said.get(name, "").endswith((".", "。")):
        yield f"not told in our words, by its name: {answer.text}"[:400]


@pytest.mark.target("T20")
def test_every_parameter_of_a_query_is_refused_by_its_name_in_both_languages(asked: Asked) -> None:
    """One value that cannot be meant, wherever one is declared; words may be any but too long."""
    wrong = list[str]()
    for operation, path, besides in alone(asked):
        name = operation.path.split("/")[1]
        held = next(iter(operation.query)).definition["schema"]
        bad = "x" * 2_001 if "maxLength" in held else "~"
        told = {
            lang: asked.town.ask(
                "GET",
                path,
                "auditor",
                params=besides | {name: bad},
                headers={"Accept-Language": lang},
            )
            for lang in ("zh", "en")
        }
        for lang, answer in told.items():
            if answer.status_code != 422 or answer.headers["Content-Language"] != lang:
                wrong.append(
                    f"{answer.request.url} {lang}: {answer.status_code} {answer.text[:200]}"
                )
            else:
                wrong.extend(f"{answer.request.url}: {said}" for said in untold(answer, name))
    assert wrong == [], "\n".join(wrong)


@pytest.mark.target("T121")
def test_who_wrote_the_words_reads_them(asked: Asked) -> None:
    """What is looked for in vain above is there to be found, and was asked for."""
    for side, other in (asked.sides, asked.sides[::-1]):
        name = f"{side.word[-3:]}asset"
        for path in (
            "inventory?limit=1000",
            f"asset/{name}",
            "imports",
            f"plan/{side.word[-3:]}plan",
        ):
            answer = asked.town.ask("GET", f"/api/v1/{path}", f"{side.prefix}clerk")
            assert side.word in answer.text, path
            hushed = asked.town.ask("GET", f"/api/v1/{path}", f"{other.prefix}clerk")
            assert side.word not in hushed.text, path
