"""The pages about labels: choose, preview, record, fetch the file; blank ones; what a scan says."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any

import pypdfium2 as pdfium
import pytest
import zxingcpp
from doors import CARD, Door, app_of, staffed
from PIL import Image
from starlette.testclient import TestClient

from api.app import create_app
from api.office import Actor, Office
from domain.label_design import stock_id

CLERK = Actor(person="u_clerk", unit="o_a", role="clerk")
SCALE: Any = 300 / 72  # a page at 300 dpi; declared as a whole number, but it need not be
DESIGN = {
    "template": "desk", "title": "办公桌椅", "since": "2020-01-01", "width": "60", "height": "40",
    "code_side": "28", "fields": "name place", "overflow": "cut", "columns": "1", "rows": "1",
    "margin_left": "0", "margin_top": "0", "gap_across": "0", "gap_down": "0",
}  # fmt: skip


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    with staffed(database) as opened:
        for n in range(1, 4):
            card = CARD | {"asset_no": f"ZC-{n}", "name": f"㙍岭会议桌{n}"}
            opened.ask(f"asset/A{n}", "register_existing", card, CLERK)
        yield opened


@pytest.fixture
def client(office: Office) -> TestClient:
    client = TestClient(create_app(office.settings, office), follow_redirects=False)
    return sign_in(client, office, "clerk")


def sign_in(client: TestClient, office: Office, login: str) -> TestClient:
    account = next(a for a in office.accounts.all() if a.login == login)
    client.cookies.set("session", office.accounts.sign_in(account))
    return client


def printed(client: TestClient, questions: str, **form: Any) -> str:
    """Record a print; return where it is shown."""
    answer = client.post(
        f"/labels{questions}", data=form, headers={"Sec-Fetch-Site": "same-origin"}
    )
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def fetched(client: TestClient, where: str) -> bytes:
    page = client.get(where)
    assert page.status_code == 200
    link = re.search(r'href="(/labels/printed/[^"]+/file[^"]*)"', page.text)
    assert link
    answer = client.get(link[1].replace("&amp;", "&"))
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith("attachment")
    return bytes(answer.content)


def codes(data: bytes) -> list[str]:
    found = []
    for page in pdfium.PdfDocument(data):
        picture = page.render(scale=SCALE, grayscale=True).to_pil().convert("L")
        read = zxingcpp.read_barcodes(picture)
        read.sort(key=lambda c: (c.position.top_left.y // 300, c.position.top_left.x))
        found += [code.text for code in read]
    return found


@pytest.mark.target("T83")
def test_what_the_inventory_shows_is_printed_from_the_first_free_place(
    client: TestClient,
) -> None:
    page = client.get("/labels?text=会议桌&template=a4-70x37&first=23")
    assert page.status_code == 200
    assert "共 3 张标签" in page.text
    assert page.text.count('class="used"') == 22
    where = printed(client, "?text=会议桌", template="a4-70x37", first="23")
    data = fetched(client, where)
    assert len(pdfium.PdfDocument(data)) == 2
    assert codes(data) == [f"https://id.example/obj/A{n}?r=1" for n in (1, 2, 3)]


@pytest.mark.target("T86")
def test_a_reprint_needs_a_reason_and_the_old_label_says_which_is_in_force(
    client: TestClient, office: Office
) -> None:
    first = printed(client, "?asset=A1")
    same = fetched(client, first), fetched(client, first)
    assert same[0] == same[1]  # fetching again is no reprint
    refused = client.post("/labels?asset=A1", data={}, headers={"Sec-Fetch-Site": "same-origin"})
    assert refused.status_code == 409
    assert "请写明原因" in refused.text
    assert client.get("/obj/A1?r=1").status_code == 303
    assert codes(fetched(client, printed(client, "?asset=A1", reason="破损"))) == [
        "https://id.example/obj/A1?r=2"
    ]
    said = client.get("/obj/A1?r=1")
    assert said.status_code == 200
    assert "这张标签已作废（第1次打印）。现行标签是第2次打印的。" in said.text
    assert 'href="/assets/A1"' in said.text
    assert client.get("/obj/A1?r=2").headers["location"] == "/assets/A1"
    assert codes(fetched(client, first)) == ["https://id.example/obj/A1?r=1"]
    events = [e.event.type_name for e in office.book.stream("asset/A1").entries]
    assert events.count("asset.label_printed") == 2


@pytest.mark.target("T86")
def test_a_replaced_label_names_the_one_in_force(client: TestClient, office: Office) -> None:
    office.ask("asset/A1", "bind_label", {"label": "L-1"}, CLERK)
    office.ask("asset/A1", "replace_label", {"label": "L-2", "reason": "破损"}, CLERK)
    said = client.get("/scan?code=L-1")
    assert "标签 L-1 已作废。现行标签号为 L-2。" in said.text
    assert client.get("/scan?code=L-2").headers["location"] == "/assets/A1"
    office.ask("asset/A1", "void_label", {"reason": "遗失"}, CLERK)
    assert "没有有效标签" in client.get("/scan?code=L-2").text
    door = Door(app_of(office))
    told = door.get("scan", code="L-1", lang="en").json()
    assert told["label"] == "Label L-1 is void. The asset has no label in force."
    assert told["label_asset"] == "A1"


@pytest.mark.target("T80")
def test_a_missing_character_is_named_and_nothing_is_recorded(
    client: TestClient, office: Office
) -> None:
    office.ask(
        "asset/A9", "register_existing", CARD | {"asset_no": "ZC-9", "name": "龘牌桌"}, CLERK
    )
    size = office.book.head()[0]
    page = client.get("/labels?asset=A1&asset=A9")
    assert "龘 (U+9F98)" in page.text
    refused = client.post(
        "/labels?asset=A1&asset=A9", data={}, headers={"Sec-Fetch-Site": "same-origin"}
    )
    assert refused.status_code == 422
    assert office.book.head()[0] == size


def test_what_cannot_be_printed_may_be_left_out(client: TestClient, office: Office) -> None:
    """One name with a rare character, one thing that is not accepted: the others are printed."""
    rare = CARD | {"asset_no": "ZC-9", "name": "龘牌会议桌"}
    office.ask("asset/A9", "register_existing", rare, CLERK)
    bought = {"name": "会议桌", "kind": "furniture", "unit": "o_a"}
    office.ask("asset/A8", "receive", bought, CLERK)
    asked = "?asset=A1&asset=A8&asset=A9&asset=A2"
    page = client.get(f"/labels{asked}")
    assert "共 4 张标签" in page.text
    assert "龘 (U+9F98)" in page.text
    assert "只有在账或待处置的资产才能办理" in page.text
    assert client.post(
        f"/labels{asked}", data={}, headers={"Sec-Fetch-Site": "same-origin"}
    ).status_code == 422  # fmt: skip
    link = re.search(r'href="(/labels[^"]*left_out=1[^"]*)"', page.text)
    assert link
    query = link[1].replace("&amp;", "&").removeprefix("/labels")
    page = client.get(f"/labels{query}")
    assert "共 2 张标签" in page.text
    assert "这些资产不印，其余照印" in page.text
    action = re.search(r'method="post" action="/labels([^"]+)"', page.text)
    assert action
    where = printed(client, action[1].replace("&amp;", "&"))
    assert codes(fetched(client, where)) == [f"https://id.example/obj/A{n}?r=1" for n in (1, 2)]


@pytest.mark.parametrize("kind", ["zpl", "tspl", "png"])
def test_label_printers_get_their_own_files(client: TestClient, kind: str) -> None:
    where = printed(client, "?text=会议桌", printer=kind, dpi="203", template="roll-60x40")
    data = fetched(client, where)
    if kind == "png":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            pictures = [Image.open(io.BytesIO(archive.read(name))) for name in archive.namelist()]
        assert [zxingcpp.read_barcodes(p.convert("L"))[0].text[-8:] for p in pictures] == [
            f"j/A{n}?r=1" for n in (1, 2, 3)
        ]
    else:
        assert data.count(b"^XZ" if kind == "zpl" else b"PRINT 1,1") == 3


@pytest.mark.target("T85")
def test_a_template_is_previewed_saved_and_printed_with(client: TestClient, office: Office) -> None:
    page = client.get("/labels/units/o_a", params=DESIGN)
    assert page.status_code == 200
    source = re.search(r'src="(/labels/preview\.png\?[^"]+)"', page.text)
    assert source
    shown = client.get(source[1].replace("&amp;", "&"))
    assert Image.open(io.BytesIO(shown.content)).size == (709, 472)  # 60 × 40 mm
    assert (
        "至少 17 毫米" in client.get("/labels/units/o_a", params=DESIGN | {"code_side": "9"}).text
    )
    saved = client.post(
        "/labels/units/o_a/do/draw_template", data=DESIGN,
        headers={"Sec-Fetch-Site": "same-origin"},
    )  # fmt: skip
    assert saved.status_code == 303, saved.text
    assert "办公桌椅" in client.get("/labels?asset=A1").text
    where = printed(client, "?asset=A1", template="desk")
    assert len(codes(fetched(client, where))) == 1
    wrong = client.post(
        "/labels/units/o_a/do/draw_template", data=DESIGN | {"code_side": "9"},
        headers={"Sec-Fetch-Site": "same-origin"},
    )  # fmt: skip
    assert wrong.status_code == 409
    assert 'value="办公桌椅"' in wrong.text


@pytest.mark.target("T87")
def test_a_blank_label_is_bound_at_its_first_scan_and_only_once(
    client: TestClient, office: Office
) -> None:
    office.ask("labels/o_a", "print_stock", {"count": 30}, CLERK)
    office.ask("labels/o_a", "void_stock", {"first": 2, "last": 2, "reason": "受潮"}, CLERK)
    sheets = client.get("/labels/units/o_a/blank/1-30?template=a4-70x37")
    texts = codes(sheets.content)
    assert len(texts) == 29
    assert texts[0] == f"https://id.example/obj/{stock_id('o_a', 1)}?r=1"
    form = re.search(r'action="(/labels/units/o_a/blank)"', client.get("/labels/units/o_a").text)
    assert form
    rolls = client.get(form[1], params={"span": "1-3", "template": "roll-50x30", "printer": "zpl"})
    assert rolls.content.count(b"^XZ") == 2  # the second is void
    blank = stock_id("o_a", 1)
    said = client.get("/scan", params={"code": texts[0], "to": "ZC-1"})
    assert "还没有绑定资产" in said.text
    assert f'name="label" value="{blank}"' in said.text
    bound = client.post(
        "/assets/A1/do/bind_label", data={"label": blank},
        headers={"Sec-Fetch-Site": "same-origin"},
    )  # fmt: skip
    assert bound.status_code == 303, bound.text
    assert client.get("/scan", params={"code": texts[0]}).headers["location"] == "/assets/A1"
    twice = client.post(
        "/assets/A2/do/bind_label", data={"label": blank},
        headers={"Sec-Fetch-Site": "same-origin"},
    )  # fmt: skip
    assert twice.status_code == 409
    assert "已作废，请勿使用" in client.get(f"/scan?code={stock_id('o_a', 2)}").text
    assert "还没有印过" in client.get(f"/scan?code={stock_id('o_a', 31)}").text


def test_who_may_not_print_is_told_so_and_other_units_are_closed(
    client: TestClient, office: Office
) -> None:
    sign_in(client, office, "auditor")
    assert "不能登记打印标签" in client.get("/labels?asset=A1").text
    refused = client.post("/labels?asset=A1", data={}, headers={"Sec-Fetch-Site": "same-origin"})
    assert refused.status_code == 409
    for path in (
        "/labels/units/o_b",
        "/labels/printed/1-2",
        "/labels/printed/x",
        "/labels?asset=X",
    ):
        assert client.get(path).status_code == 404


def test_the_pages_speak_english(client: TestClient) -> None:
    client.cookies.set("lang", "en")
    assert "Record and print" in client.get("/labels?asset=A1").text
    assert "Draw up a template" in client.get("/labels/units/o_a").text
