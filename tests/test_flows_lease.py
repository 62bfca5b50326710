"""Idle machines are leased out, extended, ended early and come back, through the doors."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from doors import PASSWORD, Door, app_of, registered, staffed
from httpx import Response

from api.office import Office

SLIP = [{"type": "hand_over_slip", "number": "交1"}]
PAPER = [{"type": "agreement", "number": "终1"}]


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    """Somebody else of the same unit stands at the counter when the lessee signs."""
    with staffed(database) as office:
        office.accounts.create("second", PASSWORD, "u_second", "示例second", "o_a", ["clerk"])
        office.accounts.create("other", PASSWORD, "u_other", "示例other", "o_b", ["clerk"])
        yield office


def granted(answer: Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(answer: Response, slug: str) -> str:
    assert (answer.status_code, answer.json().get("slug")) == (409, slug), answer.text
    return str(answer.json()["detail"])


@pytest.mark.target("T23", "T24")
def test_a_lease_from_the_request_to_the_early_return(office: Office) -> None:
    door, today = Door(app_of(office)), office.today()
    for id_ in ("M1", "M2"):
        registered(door, id_, asset_no=f"YQ-{id_}", kind="instrument", value=500_000)
    due, later = (today + timedelta(days=days) for days in (100, 200))

    def state(stream: str) -> dict[str, Any]:
        found: dict[str, Any] = granted(door.get(stream))["state"]
        return found

    def ask(verb: str, who: str, docs: Any = (), **form: Any) -> Response:
        return door.post(f"lease/E/{verb}", form | {"docs": list(docs)}, who=who)

    terms = {"rent": 50_000, "due": due.isoformat()}
    wanted = terms | {"lessor": "o_a", "lessee": "示例印务有限公司", "assets": ["M1", "M2"]}
    granted(ask("request", "clerk", **wanted, purpose="闲置"))
    granted(ask("approve", "office", approval_no="租1"))
    assert state("asset/M1")["custody"] == "store", "approval moves nothing"
    granted(ask("sign", "clerk", agreement="协1", **terms))

    both = {"assets": ["M1", "M2"], "scanned": "YQ-M1\nYQ-M2"}
    assert ask("hand_out", "other", **both).status_code == 404  # of another unit: it sees nothing
    granted(ask("hand_out", "keeper", **both))
    assert state("asset/M1")["custody"] == "transit"
    refused(ask("confirm_delivery", "keeper", SLIP, **both), "gave-it-out-oneself")
    refused(ask("confirm_delivery", "second", **both), "slip-not-attached")
    granted(ask("confirm_delivery", "second", SLIP, **both))
    assert state("asset/M1")["custody"] == "leased"
    assert state("asset/M1")["accounting_unit"] == "o_a"

    longer = {"due": later.isoformat(), "rent": 50_000}
    granted(ask("request_extension", "clerk", **longer, reason="业务需要"))
    open_ = next(i for i in granted(door.get("open-steps"))["items"] if i["case"] == "lease/E")
    assert open_["step"] == "approve_extension"
    granted(ask("approve_extension", "office", approval_no="续1"))
    refused(ask("sign_extension", "office", agreement="协2", **longer), "not-your-role")
    worse = longer | {"rent": 49_999}
    refused(ask("sign_extension", "clerk", agreement="协2", **worse), "worse-than-approved")
    granted(ask("sign_extension", "clerk", agreement="协2", **longer))
    assert state("asset/M2")["due"] == later.isoformat()

    early = {"last_day": today.isoformat(), "reason": "本单位需用"}
    refused(ask("end_early", "head", **early), "no-paper-of-early-end")
    granted(ask("end_early", "head", PAPER, **early))
    assert state("asset/M2")["due"] == today.isoformat()
    granted(ask("hand_back", "second", SLIP, **both))
    refused(ask("take_back", "second", **both, result="sound"), "gave-it-out-oneself")
    granted(ask("take_back", "keeper", **both, result="sound"))
    assert (state("lease/E")["status"], state("asset/M1")["custody"]) == ("closed", "store")
