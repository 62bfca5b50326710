"""What a count comes to is told: as events to partners, as a report in two languages that stays."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import zxingcpp
from doors import Door, app_of, registered, staffed
from pypdfium2 import PdfDocument
from test_epcis import HOST, listed, valid
from test_epcis import asked as asked_epcis
from test_stocktaking import Device, at_page, did, found, four, picture, put, shelf
from test_stocktaking import opened as begun

from api import pages_stocktakes, reporting
from api.epcis_rest import exported
from api.notarising import Place, signed
from api.office import Actor, Office
from domain.decider import Lang
from labels import epcis, paper

__all__ = ["valid"]
ORIGIN = "example.cn/counts"


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    with staffed(database) as office:
        admin = Actor(person="u_admin", unit="o_a", role="admin")
        for place, name, english in (
            ("p_1", "一号库房", "Store room 1"),
            ("p_2", "二号库房", "Store room 2"),
            ("p_9", "走廊", "Corridor"),
        ):
            form = {"name": name, "name_en": english, "kind": "room", "unit": "o_a"}
            office.ask(f"place/{place}", "open_place", form, admin)
        yield office


@pytest.fixture
def door(office: Office) -> Door:
    return Door(app_of(office))


def counted(office: Office, door: Door, cause: str = "stolen") -> dict[str, str]:
    """Count a shelf in which everything differs in its own way, review it, close the differences."""
    device = shelf(door)
    device.send()
    device.done()
    did(door, "end_count", "clerk")
    did(door, "review", "head")
    state = office.book.stream("stocktake/S1").state
    keys = {one.asset or one.code: one.key for one in office.counting.differences(state)}
    lost = {"differences": [keys["A3"]], "outcome": "loss_approved", "cause": cause}
    did(door, "close_differences", "head", **lost, reference="示公刑立〔2026〕7号")
    return keys


def steps(events: list[dict[str, Any]]) -> Counter[tuple[str, str, str, int]]:
    """Count the events of the count: step, disposition, place, how many things."""
    return Counter(
        (
            event["bizStep"],
            event.get("disposition", ""),
            event.get("bizLocation", {}).get("id", "").rpartition("/")[2],
            len(event["epcList"]),
        )
        for event in events
        if event["bizStep"] in ("stock_taking", "cycle_counting", "other")
    )


def test_a_round_is_told_place_by_place_and_what_was_stolen_as_stolen(
    office: Office, door: Door, valid: Callable[[Any], None]
) -> None:
    counted(office, door)
    answer = asked_epcis(door, perPage="1000")
    valid(answer.json())
    told = [e for e in listed(answer) if e["bizStep"] in ("stock_taking", "other")]
    assert steps(told) == {
        ("stock_taking", "", "p_1", 1): 1,  # A1
        ("stock_taking", "", "p_2", 3): 1,  # A4 (also seen elsewhere), A5, A6
        ("stock_taking", "mismatch_instance", "p_1", 2): 1,  # A4 again, and B1 of others
        ("stock_taking", "mismatch_instance", "p_2", 1): 1,  # A2
        ("stock_taking", "unknown", "", 1): 1,  # A3
        ("other", "stolen", "", 1): 1,
    }
    assert told[-1]["bizTransactionList"][0]["type"] == f"https://{HOST}/voc/police_report"
    assert all("readPoint" not in e for e in told if e.get("disposition") in ("unknown", "stolen"))
    again = listed(asked_epcis(door, perPage="1000"))
    assert [e["eventID"] for e in again if e["bizStep"] in ("stock_taking", "other")] == [
        e["eventID"] for e in told
    ]
    mine = listed(asked_epcis(door, MATCH_epc=f"https://{HOST}/obj/A3", EQ_bizStep="other"))
    assert len(mine) == 1


def test_a_loss_that_is_no_theft_is_not_told_as_one(office: Office, door: Door) -> None:
    counted(office, door, cause="lost")
    told = listed(asked_epcis(door, perPage="1000"))
    assert not [event for event in told if event.get("disposition") == "stolen"]


@pytest.mark.target("T70", "T72")
def test_a_batch_of_another_quantity_is_a_difference_and_told_as_one(
    office: Office, door: Door, valid: Callable[[Any], None]
) -> None:
    """Forty in the books, thirty-eight counted by one, forty by the other: neither is the last word."""
    for name, quantity in (("C1", "40"), ("C2", "40"), ("C3", "40")):
        registered(door, name, asset_no=f"SL-{name}", quantity=quantity, place="p_1")
    begun(door)
    device, other = Device(door, "S1"), Device(door, "S1", "d2")
    device.scan("SL-C1", quantity="38")
    device.scan("SL-C2", quantity="40")
    device.scan("SL-C3")  # seen; nobody counted
    other.scan("SL-C1", quantity="40")
    for one in (device, other):
        one.send()
        one.done()
    did(door, "end_count", "clerk")
    state = office.book.stream("stocktake/S1").state
    (difference,) = office.counting.differences(state)
    assert (difference.key, difference.quantity) == ("miscounted.C1", "40")
    assert sorted(one.quantity for one in difference.seen) == ["38", "40"]
    answer = asked_epcis(door, perPage="1000", EQ_bizStep="stock_taking")
    valid(answer.json())
    right, wrong = listed(answer)
    assert len(right["epcList"]) == 3
    assert wrong["disposition"] == "mismatch_quantity"
    assert wrong["quantityList"] == [{"epcClass": f"https://{HOST}/class/C1", "quantity": 38}]
    for lang, words in (("zh", "账面40，实点38"), ("en", "on the list 40, counted 38")):
        assert words in at_page(office, "head").get(f"/cases/stocktake/S1?lang={lang}").text
    did(door, "review", "head")
    ends = {"differences": [difference.key], "cause": "typing", "outcome": "found"}
    did(door, "close_differences", "head", **ends)
    assert office.book.stream("stocktake/S1").state.open == 0


def test_a_quantity_is_written_as_quantities_are(door: Door) -> None:
    four(door)
    begun(door)
    for wrong in ("-1", "1,5", "2.50", "四十"):
        device = Device(door, "S1")
        body = {"device": "d1", "sent_at": "", "scans": [device.scan("SL-001", quantity=wrong)]}
        assert door.post("stocktakes/S1/scans", body, who="keeper").status_code == 422


def test_a_lot_is_so_many_of_a_class_until_it_has_a_card(
    office: Office, door: Door, valid: Callable[[Any], None]
) -> None:
    form = {"name": "折叠椅", "kind": "furniture", "unit": "o_a", "quantity": "12", "measure": "把"}
    assert door.post("asset/Q1/receive", form).status_code == 200
    assert door.post("asset/Q2/receive", form | {"quantity": "1"}).status_code == 200
    events = [event for _, _, event in exported(office) if event is not None]
    valid(epcis.document(events, HOST, "2026-11-21T10:00:00.000Z"))
    many, one = events
    assert many["quantityList"] == [{"epcClass": f"https://{HOST}/class/Q1", "quantity": 12}]
    assert "epcList" not in many
    assert one["epcList"] == [f"https://{HOST}/obj/Q2"]


def test_a_consignment_of_unnamed_pieces_is_valid(valid: Callable[[Any], None]) -> None:
    what = epcis.Shipped(
        about="reallocation/T1/2", item="行军床", quantity="2.5", giver="o_a", taker="o_b",
        case="reallocation/T1", at="2026-11-21T00:00:00+08:00",
        recorded_at="2026-11-21T10:00:00.000000Z",
    )  # fmt: skip
    event = epcis.shipped(what, HOST)
    valid(epcis.document([event], HOST, "2026-11-21T10:00:00.000Z"))
    assert event["quantityList"][0]["quantity"] == 2.5
    assert event["sourceList"][0]["source"].endswith("/party/o_a")


def test_the_check_of_stolen_things_is_strict(valid: Callable[[Any], None]) -> None:
    (event,) = epcis.stolen(
        "S1", 9, ["https://id.example/obj/A1"], "示公1", "2026-11-21T00:00:00+08:00",
        "2026-11-21T10:00:00.000000Z", HOST,
    )  # fmt: skip
    valid(epcis.document([event], HOST, "2026-11-21T10:00:00.000Z"))
    wrong = epcis.document([event | {"disposition": "gone"}], HOST, "2026-11-21T10:00:00.000Z")
    with pytest.raises(jsonschema_rs.ValidationError):
        valid(wrong)


# The report --------------------------------------------------------------------------------


def closed(office: Office, door: Door) -> None:
    keys = counted(office, door)
    moved = {"differences": [keys["A2"]], "outcome": "relocated", "cause": "moved_unrecorded"}
    did(door, "close_differences", "head", **moved)
    rest = [key for name, key in keys.items() if name in ("A4", "A5", "B1")]
    did(door, "close_differences", "head", differences=rest, outcome="found", cause="not_scanned")
    ours = {"differences": [keys["NOBODY-KNOWS"]], "outcome": "not_ours", "cause": "borrowed"}
    did(door, "close_differences", "head", **ours)
    did(door, "close_stocktake", "head", report_no="示盘〔2026〕1号")


def text_of(content: bytes) -> str:
    return "\n".join(page.get_textpage().get_text_range() for page in PdfDocument(content))


@pytest.mark.target("T60", "T77")
def test_the_report_stands_in_both_languages_and_never_changes(office: Office, door: Door) -> None:
    """Dispose of, move and rename whatever was counted: the bytes under both digests stay."""
    closed(office, door)
    state = office.book.stream("stocktake/S1").state
    page = at_page(office, "auditor")
    kept = {
        lang: page.get(f"/stocktakes/S1/report.pdf{query}").content
        for lang, query in (("zh", ""), ("en", "?english=1"))
    }
    for lang, name in (("zh", state.report), ("en", state.report_en)):
        assert hashlib.sha256(kept[lang]).hexdigest() == name
        text = text_of(kept[lang])
        assert state.scope in text.replace("\n", "").replace("\r", "")
        assert "示盘〔2026〕1号" in text
    assert "资产盘点报告" in text_of(kept["zh"])
    for words in ("Stock-taking report", "Store room 1", "missing", "the loss is approved"):
        assert words in text_of(kept["en"])
    admin = Actor(person="u_admin", unit="o_a", role="admin")
    office.ask("unit/o_a", "rename", {"name": "示例市财政与国资局"}, admin)
    door.post("asset/A1/relocate", {"place": "p_9"})
    door.post("asset/A6/correct_card", {"name": "另一名称"})
    for lang, query in (("zh", ""), ("en", "?english=1")):
        assert page.get(f"/stocktakes/S1/report.pdf{query}").content == kept[lang]
    assert sum(map(len, found(office).values())) == 6
    for text, lang in (("英文本", "zh"), ("Report in English", "en")):
        assert text in page.get(f"/cases/stocktake/S1?lang={lang}").text


def test_the_report_carries_the_newest_checkpoint_as_text_and_code(
    office: Office, door: Door, tmp_path: Path
) -> None:
    """Whoever keeps the paper can hold the ledger against the head that is printed on it."""
    counted(office, door)
    state = office.book.stream("stocktake/S1").state
    size, root, _ = office.book.head()
    bare = reporting.drawing(office, "stocktake/S1", state, size, root)
    assert bare.checkpoint == ""
    place = Place(tmp_path / "notary")
    place.make(ORIGIN)
    note, _ = signed(place, place.notary(), office.book)
    languages: tuple[Lang, ...] = ("zh", "en")
    for lang in languages:
        sheet = reporting.drawing(office, "stocktake/S1", state, size, root, "1", lang)
        assert sheet.checkpoint == note.raw.decode()
        whole = PdfDocument(paper.pdf(sheet))
        read = set[str]()
        for page in whole:
            read |= {
                one.text.strip() for one in zxingcpp.read_barcodes(page.render(scale=4).to_pil())
            }
        assert note.raw.decode().strip() in read
        assert any(text.startswith("gongwu:stocktake/S1/stocktake-report?") for text in read)


# The page ----------------------------------------------------------------------------------


def hidden(text: str, name: str) -> list[str]:
    return re.findall(rf'name="{name}" value="([^"]+)"', text)


@pytest.mark.target("T62")
def test_an_unknown_tag_with_its_picture_becomes_an_asset_from_the_page(
    office: Office, door: Door
) -> None:
    """Seen, photographed, kept as evidence, recorded as a surplus, accepted, booked, closed."""
    four(door)
    begun(door)
    device = Device(door, "S1")
    for number in range(1, 5):
        device.scan(f"SL-00{number}", "p_1" if number < 4 else "p_2")
    content = picture()
    shot = hashlib.sha256(content).hexdigest()
    device.scan("WHO-KNOWS", "p_9", photo=shot, note="在窗台上")
    device.send()
    assert put(door, content).status_code == 200
    device.done()
    did(door, "end_count", "clerk")
    did(door, "review", "head")
    assert office.book.log.evidence(shot) == ("image/png", content), "evidence of the round"
    clerk, head = at_page(office, "clerk"), at_page(office, "head")
    text = clerk.get("/cases/stocktake/S1?lang=zh").text
    assert f'src="/stocktakes/S1/photos/{shot}"' in text
    assert clerk.get(f"/stocktakes/S1/photos/{shot}").content == content
    form = text[text.index('id="surpluses"') :]
    said = {name: hidden(form, name)[0] for name in ("key", "difference", "asset", "version")}
    said |= {"name": "旧投影仪", "kind": "office"}
    answer = clerk.post("/cases/stocktake/S1/do/record_surplus", data=said)
    assert answer.status_code == 303, answer.text
    asset = f"asset/{said['asset']}"
    made = office.book.stream(asset).state
    assert (made.name, made.place, made.mode.value) == ("旧投影仪", "p_9", "surplus")
    text = clerk.get("/cases/stocktake/S1?lang=zh").text
    assert f'href="/assets/{said["asset"]}"' in text
    assert 'id="surpluses"' not in text, "once is enough"
    accepted = door.post(f"{asset}/pass_acceptance", {"inspector": "u_head"}, who="keeper")
    assert accepted.status_code == 200, accepted.text
    assert door.post(f"{asset}/register", {"asset_no": "SL-900"}).status_code == 200
    text = head.get("/cases/stocktake/S1?chosen=1&lang=zh").text
    assert f'value="{said["difference"]}" aria-label="选择 WHO-KNOWS" checked' in text
    ends = {"key": hidden(text, "key")[0], "differences": said["difference"], "reference": "盈1"}
    ends |= {"outcome": "surplus_booked", "cause": "never_booked", "note": "补记入账"}
    answer = head.post("/cases/stocktake/S1/do/close_differences", data=ends)
    assert answer.status_code == 303, answer.text
    assert office.book.stream("stocktake/S1").state.open == 0
    events = [event for _, _, event in exported(office) if event is not None]
    added = [event for event in events if event["bizStep"] == "commissioning"]
    assert added[-1]["bizTransactionList"][0]["type"] == f"https://{HOST}/voc/surplus"


def test_differences_are_shown_by_kind_and_page_and_go_out_as_tables(
    office: Office, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted(office, door)
    monkeypatch.setattr(pages_stocktakes, "ROWS_MAX", 2)
    for who in ("auditor", "head", "clerk"):
        page = at_page(office, who)
        for lang, words in (("zh", "第1页，共3页"), ("en", "Page 1 of 3")):
            assert words in page.get(f"/cases/stocktake/S1?lang={lang}").text
    text = page.get("/cases/stocktake/S1?page=99&lang=en").text
    assert "Page 3 of 3" in text
    assert "/assets/A3" not in page.get("/cases/stocktake/S1?open=1&finding=missing").text
    assert "/assets/A3" in page.get("/cases/stocktake/S1?finding=missing").text
    for odd in ("finding=x", "page=x", "page=-1", f"page={'9' * 30}"):
        assert page.get(f"/cases/stocktake/S1?{odd}").status_code == 200
    kept = page.get("/stocktakes/S1/differences.csv?lang=zh").content.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(kept)))
    assert len(rows) == 7
    assert {len(row) for row in rows} == {12}
    lost = next(row for row in rows if row[-1] == "missing.A3")
    assert lost[4:7] == ["盘亏已获批准", "被盗", "示公刑立〔2026〕7号"]
    assert page.get("/stocktakes/S1/differences.xlsx").content.startswith(b"PK")
    assert page.get("/stocktakes/NONE/differences.csv").status_code == 404


def test_what_a_phone_hears_names_places_in_its_own_language(door: Door) -> None:
    four(door)
    begun(door)
    device = Device(door, "S1")
    device.scan("SL-001", "p_2")
    device.scan("SL-001", "p_2")
    wrong, again = (one["sentence"] for one in device.send()["results"])
    assert "一号库房" in wrong["zh"]
    assert "Store room 1" in wrong["en"]
    assert "二号库房" in again["zh"]
    assert "Store room 2" in again["en"]
