"""The proof that reuse was tried before buying: asked on a page, printed, and asked of the log again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from doors import Door, app_of, clerk_of, registered, staffed
from fastapi.testclient import TestClient
from pypdfium2 import PdfDocument
from typer.testing import CliRunner

from api import certifying
from api.app import create_app
from api.cli import app
from api.office import Office
from domain.asset import Lock
from domain.planning import FoundPieceRejected, ReallocationSearched
from domain.searching import digest
from projections import searching
from projections.matching import Classes

PC = "A02010105"
OLD, NEW = "GB/T 14885-2010", "GB/T 14885-2022"
LINE: dict[str, Any] = {
    "kind": "computer",
    "class_code": PC,
    "item": "台式计算机",
    "quantity": "3",
    "unit_price": 500_000,
    "reason": "新增岗位",
}
PAGE = "/cases/plan/P1/search/1"


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    with staffed(database) as one:
        yield one


@pytest.fixture
def door(office: Office) -> Door:
    """A door behind which o_b has an idle computer, and one in use that it offers from next month."""
    door = Door(app_of(office))
    theirs = clerk_of(door, "o_b")
    for id_ in ("B1", "B2", "B3"):
        card = {"asset_no": f"ZC-{id_}", "name": "电脑", "kind": "computer", "unit": "o_b"}
        granted(registered(door, id_, **card, class_code=PC))
    granted(door.post("asset/B1/declare_idle", {}, who=theirs))
    for id_ in ("B2", "B3"):
        granted(door.post(f"asset/{id_}/issue", {"user": "u_li"}, who=theirs))
    ahead = (office.today() + timedelta(days=30)).isoformat()
    granted(
        door.post(
            "asset/B2/list_for_reuse",
            {"available_from": ahead, "remaining_life": "3年"},
            who=theirs,
        )
    )
    granted(door.post("plan/P1/draft", {"unit": "o_a", "title": "2026年计划", "year": 2026}))
    granted(door.post("plan/P1/add_line", LINE))
    return door


def granted(answer: Any) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


def client_of(office: Office, who: str = "clerk", lang: str = "zh") -> TestClient:
    client = TestClient(create_app(office.settings, office), follow_redirects=True)
    account = next(a for a in office.accounts.all() if a.login == who)
    client.cookies.set("session", office.accounts.sign_in(account))
    client.cookies.set("lang", lang)
    return client


def search_of(office: Office, plan: str = "P1") -> ReallocationSearched:
    found = certifying.searches(office.book.stream(f"plan/{plan}"))[-1].event
    assert isinstance(found, ReallocationSearched)
    return found


@pytest.mark.target("T50")
@pytest.mark.target("T41")
def test_a_clerk_searches_on_a_page_and_says_of_each_thing_why_it_will_not_do(
    office: Office, door: Door
) -> None:
    client = client_of(office)
    assert "尚未查询" in client.get(PAGE).text
    page = client.post(PAGE, data={"do": "search", "key": "k1"})
    assert page.status_code == 200
    search = search_of(office)
    assert [piece.asset for piece in search.found] == ["B1", "B2"]  # B2 is not free yet
    assert (search.quantity, search.count) == ("3", 2)
    assert "尚有 2 项没有答复" in page.text
    ahead = (office.today() + timedelta(days=30)).isoformat()
    for said in (search.sha256, "ZC-B1", "ZC-B2", ahead, "3年", "示例市水利局", "未登记行政区划"):
        assert said in page.text, said
    nothing = client.post(PAGE, data={"do": "answer", "key": "k2"})
    assert (nothing.status_code, "请至少为一项选择原因" in nothing.text) == (422, True)
    wordless = {"do": "answer", "key": "k3", "ground.B1": "other", "ground.B2": "too_late"}
    refused = client.post(PAGE, data=wordless)
    assert refused.status_code == 409  # all or nothing: B2 waits as well
    assert "须写明具体原因" in refused.text
    assert '<option value="too_late" selected>' in refused.text
    page = client.post(PAGE, data=wordless | {"reason.B1": "主板已损坏"})
    assert page.status_code == 200
    assert "可以据以申请购置" in page.text
    assert {
        (e.event.assets, e.event.ground.value, e.event.reason)
        for e in office.book.stream("plan/P1").entries
        if isinstance(e.event, FoundPieceRejected)
    } == {(("B1",), "other", "主板已损坏"), (("B2",), "too_late", "")}
    assert "结果一致" in client.get(f"{PAGE}?check=1").text
    english = client_of(office, lang="en").get(f"{PAGE}?check=1").text
    assert "the result is the same" in english
    assert "A purchase may rest on it" in english
    assert f'href="{PAGE}"' in client.get("/cases/plan/P1").text
    for wrong in ("/cases/plan/P1/search/2", "/cases/plan/P9/search/1"):
        assert client.get(wrong).status_code == 404


@pytest.mark.target("T50")
def test_anybody_searches_the_log_again_and_finds_the_same_whatever_happened_since(
    office: Office, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    granted(door.post("plan/P1/search_reallocation", {"line": 1}))
    granted(door.post("asset/B2/delist", {"reason": "不再提供"}, who="clerk-o-b"))
    granted(door.post("asset/B3/take_back", {"condition": "好"}, who="clerk-o-b"))
    granted(door.post("asset/B3/declare_idle", {}, who="clerk-o-b"))
    granted(door.post("plan/P1/search_reallocation", {"line": 1}))
    items = granted(door.get("plan/P1/certificates", line="1"))["items"]
    assert [[f["asset"] for f in one["found"]] for one in items] == [["B1", "B2"], ["B1", "B3"]]
    assert [one["again"]["same"] for one in items] == [True, True]
    assert [one["latest"] for one in items] == [False, True]
    assert items[0]["lacking"] == ["之后又查询过，以最近一次为准", "尚有 2 项没有答复"]
    assert items[0]["again"]["sha256"] == items[0]["sha256"] != items[1]["sha256"]
    search = search_of(office)
    for forged in (
        msgspec.structs.replace(search, sha256=digest(())),
        msgspec.structs.replace(search, count=1),
        msgspec.structs.replace(search, position=search.position - 2),
    ):
        assert not certifying.again(office, forged).same
    assert door.get("plan/P1/certificates", line="x").status_code == 422
    assert door.get("plan/P9/certificates").status_code == 404
    assert granted(door.get("plan/P1/certificates", entry="1"))["items"] == []
    monkeypatch.setenv("GONGWU_DATABASE", office.settings.database)
    seq = str(certifying.searches(office.book.stream("plan/P1"))[0].seq)
    run = CliRunner().invoke(app, ["--lang", "zh", "certificates", "plan/P1", "--entry", seq])
    assert run.exit_code == 0, run.output
    assert "与账本一致" in run.output
    assert "待答复" in run.output
    run = CliRunner().invoke(app, ["certificates", "P1", "--json"])
    told = json.loads(run.output)
    assert [one["sha256"] for one in told["items"]] == [one["sha256"] for one in items]
    assert CliRunner().invoke(app, ["certificates", "plan/P9"]).exit_code == 1
    assert CliRunner().invoke(app, ["certificates", "plan/P1", "--line", "7"]).exit_code == 2


@pytest.mark.target("T50")
@pytest.mark.parametrize(("asked", "code"), [(PC, "2010104"), ("2010104", PC)])
def test_a_search_by_the_codes_of_one_version_finds_cards_of_the_other(
    office: Office, door: Door, asked: str, code: str
) -> None:
    """The table of 2010 and 2022 holds both ways; the certificate names the codes, and is asked again."""
    office.classes = Classes(
        {(OLD, "2010104"): ((NEW, PC),), (OLD, "2010105"): ((NEW, "A02010108"),)}
    )
    for id_, other in (("C1", code), ("C2", "2010105"), ("C3", "A02010108")):
        scheme = NEW if other.startswith("A") else OLD
        card = {"asset_no": f"ZC-{id_}", "name": "电脑", "kind": "computer", "unit": "o_b"}
        card |= {"class_code": other, "class_scheme": scheme}
        granted(registered(door, id_, **card))
        granted(door.post(f"asset/{id_}/declare_idle", {}, who="clerk-o-b"))
    granted(door.post("plan/P2/draft", {"unit": "o_a", "title": "计划", "year": 2026}))
    granted(door.post("plan/P2/add_line", LINE | {"class_code": asked}))
    granted(door.post("plan/P2/search_reallocation", {"line": 1}))
    search = search_of(office, "P2")
    assert search.also == (code,)
    found = {"C1", "B1", "B2"}  # B1 and B2 carry the code of 2022
    assert {piece.asset for piece in search.found} == found
    office.classes = Classes()  # another table later alters nothing of it
    assert certifying.again(office, search).same
    page = client_of(office, "clerk").get("/cases/plan/P2/search/1?lang=zh").text
    assert "按对照表同时查询的代码" in page and code in page
    paper = granted(door.get("plan/P2/certificates"))["items"][0]
    assert paper["query"]["also"] == [code]
    granted(door.post("plan/P2/search_reallocation", {"line": 1}))
    assert search_of(office, "P2").also == ()


@pytest.mark.target("T50")
@pytest.mark.target("T47")
def test_what_a_claim_no_longer_holds_is_found_and_what_it_holds_is_not(
    office: Office, door: Door
) -> None:
    until = office.today() + timedelta(days=3)
    granted(door.post("claim/K1/claim", {"asset": "B2", "to_unit": "o_a", "until": str(until)}))
    granted(door.post("plan/P1/search_reallocation", {"line": 1}))
    search = search_of(office)
    assert [piece.asset for piece in search.found] == ["B1"]
    assert certifying.again(office, search).same
    held = office.book.stream("asset/B2").state
    assert (held.lock, held.held_until) == (Lock.RESERVED, until)
    later = until + timedelta(days=1)
    rows = office.rows(searching.to_be_had(search.kind, PC, later))
    assert [row["id"] for row in rows] == ["B1", "B2"]
    then = msgspec.structs.replace(search, searched_on=later)
    assert [piece.asset for piece in office.search.again(then)] == ["B1", "B2"]


@pytest.mark.target("T50")
@pytest.mark.target("T35")
@pytest.mark.parametrize(
    ("lang", "title"), [("zh", "购置前调剂查询证明"), ("en", "Certificate of a search")]
)
def test_the_certificate_prints_what_was_found_and_answered_and_how_to_verify_it(
    office: Office, door: Door, lang: str, title: str
) -> None:
    granted(door.post("plan/P1/search_reallocation", {"line": 1}))
    down = {"line": 1, "assets": ["B1"], "ground": "condition", "reason": "屏幕破裂"}
    granted(door.post("plan/P1/reject_found", down))
    search = search_of(office)
    (entry,) = certifying.searches(office.book.stream("plan/P1"))
    client = client_of(office, lang=lang)
    answer = client.get(f"/papers/plan/P1/search-certificate.pdf?at={entry.seq}")
    assert answer.status_code == 200
    pages = PdfDocument(answer.content)
    said = "".join("".join(page.get_textpage().get_text_range().split()) for page in pages)
    assert "".join(title.split()) in said
    for text in (
        search.sha256,
        str(search.position),
        "ZC-B1",
        "ZC-B2",
        "屏幕破裂",
        "2026年计划",
        PC,
    ):
        assert text in said, text
    assert ("成色不足或损坏" if lang == "zh" else "conditiontoopoor") in said
    assert ("待答复" if lang == "zh" else "tobeanswered") in said
    assert f"gongwucertificatesplan/P1--entry{entry.seq}" in said
    same = door.get("papers/plan/P1/search-certificate.pdf", at=str(entry.seq), lang=lang)
    assert same.status_code == 200
