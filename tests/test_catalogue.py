"""Anybody may read what is on offer where the operator says so, and nothing that is a unit's own."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from doors import staffed
from fastapi.testclient import TestClient
from PIL import Image

from api import pages_public
from api.app import create_app
from api.limiting import Limiter
from api.office import Office
from api.security import CSP
from api.showing import COLUMNS
from domain.decider import Ask, Occasion
from domain.policy import Claiming, Policy, Window

DAY = timedelta(days=1)
PLACE = Policy(
    name="place",
    version=1,
    screening=(Window(scope="own_unit", days=7), Window(scope="others", days=5)),
    claiming=Claiming(hold_days=5),
)
# What a unit keeps to itself, all of it on the cards: found nowhere in what anybody may read.
INTERNAL = {
    "asset_no": "ZC2026内部",
    "serial": "SN-90817",
    "plate": "新A12345",
    "model": "ThinkPad-X9",
}
WHO = ("o_a", "o_b", "示例市财政局", "示例市水利局", "u_clerk", "u_li", "示例clerk", "p_store")


def photo(exif: bytes) -> bytes:
    """A picture with a place in what the camera wrote beside it."""
    kept = io.BytesIO()
    taken = Image.new("RGB", (1200, 800), "teal")
    camera = taken.getexif()
    camera[0x010E] = exif.decode()
    taken.save(kept, "JPEG", exif=camera)
    return kept.getvalue()


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    with staffed(database) as one:
        yield filled(one)


@pytest.fixture
def either(database: str) -> Iterator[Office]:
    """Lend the same on both databases."""
    with staffed(database) as one:
        yield filled(one)


def filled(one: Office) -> Office:
    """Put five things on offer, one of which ended yesterday."""
    one.settings = msgspec.structs.replace(one.settings, catalogue=True)
    laptop: dict[str, Any] = {k: v for k, v in INTERNAL.items() if k != "asset_no"}
    put(one, "CARDA1", name="笔记本电脑 新A12345", class_code="A02010105", **laptop)
    put(one, "CARDA2", days_ago=9, name="会议椅", kind="furniture", quantity="40", measure="把")
    put(one, "CARDA3", days_ago=30, name="空调器", kind="office", class_code="A02061804")
    put(one, "CARDA4", days_ago=9, until=-1, name="过期投影仪")
    put(one, "CARDA5", days_ago=9, ahead=40, name="打印机", kind="office")
    return one


def put(office: Office, id_: str, days_ago: int = 0, **card: Any) -> None:
    """Offer a card of unit o_a, with words about people and contents in its description."""
    on = office.today() - days_ago * DAY
    listing: dict[str, Any] = {
        "description": "找李四138联系",
        "condition": "九成新",
        "remaining_life": "3年",
    }
    if "until" in card:
        listing["offer_until"] = office.today() + card.pop("until") * DAY
    if "ahead" in card:
        listing["available_from"] = office.today() + card.pop("ahead") * DAY
    given = {
        "asset_no": f"{INTERNAL['asset_no']}-{id_}",
        "unit": "o_a",
        "name": "桌",
        "kind": "computer",
    }
    asks = [
        Ask(f"asset/{id_}", "register_existing", given | card),
        Ask(f"asset/{id_}", "declare_idle", {}),
        Ask(f"asset/{id_}", "list_for_reuse", listing),
    ]
    office.book.act(asks, Occasion(by="u_clerk", on=on, role="clerk", policy=PLACE))


def visitor(office: Office) -> TestClient:
    return TestClient(create_app(office.settings, office))


def test_it_is_off_unless_the_operator_opens_it(office: Office) -> None:
    office.settings = msgspec.structs.replace(office.settings, catalogue=False)
    http = visitor(office)
    for path in ("/catalogue", "/catalogue.json", "/catalogue.csv", "/catalogue/1.jpg"):
        assert http.get(path).status_code == 404


def test_anybody_sees_what_is_free_and_on_offer_for_whom_and_from_when(either: Office) -> None:
    http = visitor(either)
    answer = http.get("/catalogue.json").json()
    assert [one["name"] for one in answer["items"]] == ["笔记本电脑", "会议椅", "打印机", "空调器"]
    assert (answer["total"], answer["pages"], answer["as_of"]) == (4, 1, str(either.today()))
    laptop, chairs, printer, cooler = answer["items"]
    assert set(laptop) == {*COLUMNS, "photo", "example"}
    until = str(either.today() + 6 * DAY)
    assert (laptop["window"], laptop["window_until"]) == ("本单位", until)
    assert (cooler["window"], cooler["window_until"]) == ("各单位", "")
    assert (chairs["quantity"], chairs["measure"]) == ("40", "把")
    assert printer["available_from"] == str(either.today() + 40 * DAY)
    assert (laptop["condition"], laptop["life"], laptop["photo"]) == ("九成新", "3年", None)
    # What is claimed is not on offer meanwhile.
    claim = {"asset": "CARDA3", "to_unit": "o_b", "until": either.today() + DAY}
    asks = [Ask("claim/K1", "claim", claim)]
    either.book.act(asks, Occasion(by="u_office", on=either.today(), role="office", policy=PLACE))
    assert len(http.get("/catalogue.json").json()["items"]) == 3


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_page_json_and_csv_say_the_same_in_both_languages(office: Office, lang: str) -> None:
    http = visitor(office)
    page = http.get(f"/catalogue?lang={lang}")
    assert page.status_code == 200
    assert page.headers["content-security-policy"] == CSP
    assert "unsafe-inline" not in CSP
    rows = list(
        csv.reader(io.StringIO(http.get(f"/catalogue.csv?lang={lang}").text.lstrip("\ufeff")))
    )
    items = http.get(f"/catalogue.json?lang={lang}").json()["items"]
    assert [dict(zip(COLUMNS, row, strict=True)) for row in rows[1:]] == [
        {name: item[name] for name in COLUMNS} for item in items
    ]
    for item in items:
        for name in ("no", "name", "quantity", "condition", "life", "window", "window_until"):
            assert item[name] in page.text
    assert ("可供调剂资产公告" if lang == "zh" else "Public property on offer") in page.text


def test_it_is_found_by_words_pinyin_class_and_kind_a_page_at_a_time(
    either: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    http = visitor(either)

    def names(**asked: str) -> list[str]:
        return [one["name"] for one in http.get("/catalogue.json", params=asked).json()["items"]]

    assert names(text="ktq") == names(text="空调") == names(text="A0206") == ["空调器"]
    assert names(text="HYY") == ["会议椅"]
    assert names(text="没有") == []
    assert names(kind="office") == ["打印机", "空调器"]
    assert names(class_code="A02010105") == ["笔记本电脑"]
    assert names(kind="nonsense", page="zwei", region="x' or 1=1") == names()
    assert names(page="2") == []
    monkeypatch.setattr(pages_public.showing, "ROWS_MAX", 3)
    both = names(page="1") + names(page="2")
    assert (len(names(page="1")), both) == (3, ["笔记本电脑", "会议椅", "打印机", "空调器"])
    nothing = http.get("/catalogue?text=没有&lang=en").text
    assert "Nothing on offer fits" in nothing


def test_nothing_that_is_a_units_own_is_told_or_can_be_found_out(office: Office) -> None:
    http = visitor(office)
    said = "".join(
        http.get(f"{path}?lang={lang}").text
        for path in ("/catalogue", "/catalogue.json", "/catalogue.csv")
        for lang in ("zh", "en")
    )
    office_ids = {e.stream.partition("/")[2] for e in office.book.entries()} - {"generic"}
    people = {account.person for account in office.accounts.all()}
    for secret in (*INTERNAL.values(), *WHO, *office_ids, *people, "138", "李四", "CARDA"):
        assert secret not in said, secret
    assert not re.search(r"/(?:assets|cases|units|people|files|entries)/", said)
    for probe in ("新A12345", "SN-90817", "ZC2026", "ThinkPad"):
        assert http.get("/catalogue.json", params={"text": probe}).json()["items"] == []


def test_only_a_photo_that_was_put_there_for_all_is_shown_and_without_what_the_camera_wrote(
    office: Office,
) -> None:
    clerk = visitor(office)
    account = next(a for a in office.accounts.all() if a.login == "clerk")
    clerk.cookies.set("session", office.accounts.sign_in(account))
    http = visitor(office)

    def attach(name: str, content: bytes) -> None:
        sent = {"file": (name, content, "image/jpeg")}
        done = clerk.post("/files/asset/CARDA3", files=sent, data={"key": name})
        assert done.status_code == 200

    def listed() -> dict[str, Any]:
        items = http.get("/catalogue.json").json()["items"]
        return next(one for one in items if one["name"] == "空调器")

    attach("发票.jpg", photo(b"invoice"))
    assert listed()["photo"] is None
    assert http.get(f"/catalogue/{listed()['no']}.jpg").status_code == 404
    attach("公示-正面.jpg", photo(b"GPS 43.8N 87.6E"))
    shown = http.get(listed()["photo"])
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/jpeg")
    with Image.open(io.BytesIO(shown.content)) as picture:
        assert max(picture.size) == 640
        assert not picture.getexif()
    assert b"GPS" not in shown.content
    first = office.book.stream("asset/CARDA3").entries[0].position
    for path in (first, 0, 10**6, "x", "1234567890123"):
        assert http.get(f"/catalogue/{path}.jpg").status_code == 404
    delist = [Ask("asset/CARDA3", "delist", {"reason": "留用"})]
    office.book.act(delist, Occasion(by="u_clerk", on=office.today(), role="clerk", policy=PLACE))
    assert http.get(shown.url.path).status_code == 404


def test_who_asks_too_often_waits_and_others_do_not(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    limiter = Limiter(60, clock=lambda: now[0])
    assert [limiter.wait_seconds("a") for _ in range(61)] == [0] * 60 + [1]
    assert limiter.wait_seconds("b") == 0
    now[0] = 2.0
    assert [limiter.wait_seconds("a") for _ in range(3)] == [0, 0, 1]
    monkeypatch.setattr(pages_public, "PER_MINUTE", 2)
    http = visitor(office)
    answers = [http.get("/catalogue.json") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[2].headers["retry-after"]) >= 1
