"""Stock-taking: a list frozen, counted, reviewed; every difference closed by an outcome."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from doors import Door, app_of, registered, staffed

from api.office import Actor, Office
from domain.words import Role

CLERK = Actor(person="u_clerk", unit="o_a", role=Role.CLERK)
AT = "2026-11-02T08:00:00.000Z"


@pytest.fixture
def office(tmp_path: Any) -> Iterator[Office]:
    with staffed(f"sqlite:///{tmp_path}/s.db") as office:
        admin = Actor(person="u_admin", unit="o_a", role="admin")
        for place, name in (("p_1", "一号库房"), ("p_2", "二号库房"), ("p_9", "走廊")):
            form = {"name": name, "kind": "room", "unit": "o_a"}
            office.ask(f"place/{place}", "open_place", form, admin)
        yield office


@pytest.fixture
def door(office: Office) -> Door:
    return Door(app_of(office))


class Device:
    """A phone that writes down scans the way the scan page does."""

    def __init__(self, door: Door, stocktake: str, name: str = "d1", who: str = "keeper") -> None:
        self.door, self.stocktake, self.name, self.who = door, stocktake, name, who
        self.queue: list[dict[str, Any]] = []

    def scan(self, code: str, place: str = "p_1", **more: Any) -> dict[str, Any]:
        """Write one scan down, offline."""
        scan = {
            "n": len(self.queue) + 1,
            "prev": self.queue[-1]["hash"] if self.queue else "",
            "at": AT,
            "offset": 0,
            "place": place,
            "code": code,
            "source": "camera",
            "undo": None,
            "photo": None,
            "note": "",
        } | more
        scan["hash"] = hashed(scan)
        self.queue.append(scan)
        return scan

    def send(self, *scans: dict[str, Any]) -> dict[str, Any]:
        """Send some of what was written down, or all of it."""
        body = {"device": self.name, "sent_at": AT, "scans": list(scans or self.queue)}
        answer = self.door.post(f"stocktakes/{self.stocktake}/scans", body, who=self.who)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def done(self) -> dict[str, Any]:
        """Say how many there are."""
        path = f"stocktakes/{self.stocktake}/devices/{self.name}/done"
        answer = self.door.post(path, {"last": len(self.queue)}, who=self.who)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


def hashed(scan: dict[str, Any]) -> str:
    rest = {name: value for name, value in scan.items() if name != "hash"}
    text = json.dumps(rest, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def opened(door: Door, id_: str = "S1", **form: Any) -> str:
    """Plan a stocktake and begin its count."""
    plan = {"unit": "o_a", "title": "年度盘点", "due": "2099-12-31"}
    answer = door.post(f"stocktake/{id_}/plan_stocktake", plan | form)
    assert answer.status_code == 200, answer.text
    answer = door.post(f"stocktake/{id_}/begin_count")
    assert answer.status_code == 200, answer.text
    return id_


def four(door: Door) -> None:
    for number in range(1, 5):
        place = "p_1" if number < 4 else "p_2"
        registered(door, f"A{number}", asset_no=f"SL-00{number}", place=place)


def test_a_device_reads_the_frozen_list_and_sends_what_it_saw(door: Door) -> None:
    four(door)
    opened(door)
    scope = door.get("stocktakes/S1/scope", who="keeper").json()
    assert [item["asset"] for item in scope["items"]] == ["A1", "A2", "A3", "A4"]
    assert {place["name"] for place in scope["places"]} == {"一号库房", "二号库房"}
    device = Device(door, "S1")
    device.scan("SL-001")
    device.scan("https://old.example/obj/A2?r=1")
    device.scan("sl-004")
    device.scan("SL-001")
    device.scan("E28011700000020F9C1A4B2C", "p_9")
    answer = device.send()
    results = [one["result"] for one in answer["results"]]
    assert results == ["right", "right", "misplaced", "already", "unknown"]
    assert answer["results"][2]["expected_place"] == "p_2"
    assert (answer["received"], answer["missing"]) == (5, [])
    assert device.send() == answer, "sending again is answered the same"
    assert device.done()["owes"] is False
