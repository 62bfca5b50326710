"""Signed labels are checked without the server; label keys are changed without orphaning labels."""

from __future__ import annotations

import html
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import zxingcpp
from doors import CARD, Door, app_of, staffed
from hypothesis import given as each
from hypothesis import strategies as st
from PIL import Image
from starlette.testclient import TestClient
from typer.testing import CliRunner

from api import label_keys, rest_label
from api.app import create_app
from api.cli import app as command_line
from api.office import Actor, Office
from api.settings import Settings
from domain.decider import Refused
from labels import face, identity, signed
from labels.face import LabelFace
from labels.identity import BadLabel, KeyRing, Kind, LabelKey, LabelPayload, Verdict
from labels.qr import Level
from labels.signed import Keys, PublicKey, SigningKey
from labels.template import SIGNED_70

CLERK = Actor(person="u_clerk", unit="o_a", role="clerk")
OLD, NOW = SigningKey("a", b"\x01" * 32), SigningKey("b", b"\x02" * 32)
STOLEN = replace(OLD.public, retired=True)
KEYS = Keys(publics=(OLD.public, NOW.public))
LABEL = LabelPayload(Kind.OBJECT, "7Q2K", 3)
HOST = "id.gongwu.gov.cn"
CODE = signed.url(LABEL, host=HOST, key=NOW)
FULL = LabelFace(
    unit="示例市机关事务管理局", asset_no="BM-2026-000123-K", name="䶮牌激光多功能一体打印机",
    model="联想 启天 M455-A1", department="财务审计处", in_service="2026-03-18", identity="7Q2K",
)  # fmt: skip


def said(text: str, keys: Keys = KEYS) -> Verdict:
    return signed.verify(identity.parse(text), keys)


# A signature ----------------------------------------------------------------------


def test_a_signed_label_is_genuine_for_whoever_has_the_public_key() -> None:
    assert said(CODE) is Verdict.GENUINE
    assert said(CODE.replace(HOST, "a-later-host.cn")) is Verdict.GENUINE
    assert said(CODE, Keys(publics=(OLD.public,))) is Verdict.UNKNOWN_KEY


@pytest.mark.parametrize(
    ("changed", "to"),
    [("7Q2K", "7Q2L"), ("r=3", "r=4"), ("s=b", "s=a"), ("r=3", "r=0"), ("?r=3&", "?")],
)
def test_a_changed_id_issue_or_key_is_forged(changed: str, to: str) -> None:
    assert said(CODE.replace(changed, to)) is Verdict.FORGED


@each(st.integers(0, signed.SIGNATURE_CHARS - 1), st.sampled_from("AQgw-_9z"))
def test_no_character_of_a_signature_can_change(place: int, to: str) -> None:
    at = len(CODE) - signed.SIGNATURE_CHARS + place
    forged = CODE[:at] + to + CODE[at + 1 :]
    assert said(forged) is (Verdict.GENUINE if forged == CODE else Verdict.FORGED)


def test_a_broken_signature_is_forged_and_a_changed_case_is_said() -> None:
    keys = Keys(KeyRing((LabelKey("b", b"x" * 32),)), (NOW.public,))
    assert said(CODE[:-1], keys) is said(CODE[:-1]) is Verdict.FORGED
    assert said(CODE.upper()) is Verdict.CASE_LOST


def test_a_retired_key_is_said_and_still_tells_a_forgery() -> None:
    keys = Keys(publics=(STOLEN, NOW.public))
    label = signed.url(LABEL, host=HOST, key=OLD)
    assert said(label, keys) is Verdict.RETIRED_KEY
    assert said(label.replace("r=3", "r=2"), keys) is Verdict.FORGED
    assert said(CODE, keys) is Verdict.GENUINE


def test_keys_are_told_apart() -> None:
    for twice in (
        (OLD.public, replace(NOW.public, id="a")),
        (OLD.public, replace(OLD.public, id="b")),
    ):
        with pytest.raises(BadLabel):
            Keys(publics=twice)
    with pytest.raises(BadLabel):
        SigningKey("A", b"\x01" * 32)
    with pytest.raises(BadLabel):
        SigningKey("a", b"\x01" * 31)
    with pytest.raises(BadLabel):
        PublicKey("a", b"\x01" * 33)
    assert "\\x01" not in repr(OLD)


@pytest.mark.parametrize("dpi", [203, 300, 600])
@pytest.mark.parametrize(
    "payload", [LABEL, LabelPayload(Kind.GIAI, "697123456100000000007", 999)], ids=lambda p: p.kind
)
def test_the_larger_label_has_room_for_it_at_the_better_level(
    payload: LabelPayload, dpi: int
) -> None:
    text, template = signed.url(payload, host=HOST, key=NOW), SIGNED_70.at(dpi)
    plan = face.layout(FULL, text, template)
    assert plan.symbol.level is Level.Q
    assert plan.symbol.version <= 10
    assert [code.text for code in zxingcpp.read_barcodes(face.pixels(FULL, text, template))] == [
        text
    ]


# The keys of an operator ------------------------------------------------------------

SECRET, FORMER = "11" * 32, "22" * 32


def set_to(**settings: Any) -> Settings:
    return Settings(label_host="id.example", **settings)


def test_labels_of_a_former_key_stay_genuine_and_of_a_retired_one_are_said() -> None:
    before = LabelKey("1", bytes.fromhex(FORMER))
    text = identity.url(LABEL, host=HOST, key=before)
    now = {"label_key": "2", "label_secret": bytes.fromhex(SECRET)}
    assert said(text, label_keys.keys(set_to(**now))) is Verdict.UNKNOWN_KEY
    kept = label_keys.keys(set_to(**now, label_former=f"0:{'33' * 32} 1:{FORMER}"))
    assert said(text, kept) is Verdict.GENUINE
    assert kept.secrets is not None and kept.secrets.signing.id == "2"
    retired = label_keys.keys(set_to(**now, label_former=f"1:{FORMER}:retired"))
    assert said(text, retired) is Verdict.RETIRED_KEY
    assert said(text.replace("r=3", "r=2"), retired) is Verdict.FORGED


@pytest.mark.parametrize(
    "settings",
    [
        {"label_former": f"1:{FORMER}"},  # and none for new labels
        {"label_former": FORMER, "label_secret": bytes.fromhex(SECRET)},
        {"label_former": f"1:{FORMER}", "label_secret": bytes.fromhex(SECRET)},  # the id twice
        {"label_former": f"1:{FORMER}:lost", "label_secret": bytes.fromhex(SECRET)},
        {"label_signing": f"a:{SECRET} b:{FORMER}"},
        {"label_signing": f"a:{SECRET}:retired"},
        {"label_signing": "a:11"},
        {"label_publics": "a:zz"},
    ],
)
def test_keys_written_wrongly_are_refused_and_not_repeated(settings: dict[str, Any]) -> None:
    with pytest.raises(BadLabel) as refused:
        label_keys.keys(set_to(**settings))
    assert FORMER not in refused.value.zh + refused.value.en


# Doors ------------------------------------------------------------------------------


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    with staffed(database) as opened:
        opened.settings = Settings(
            database=database,
            label_host="id.example",
            label_key="2",
            label_secret=bytes.fromhex(SECRET),
            label_former=f"1:{FORMER}:retired",
            label_signing=f"b:{NOW.seed.hex()}",
            label_publics=f"a:{OLD.public.raw.hex()}:retired",
        )
        opened.ask("asset/A1", "register_existing", CARD | {"asset_no": "ZC-1"}, CLERK)
        yield opened


@pytest.fixture
def client(office: Office) -> TestClient:
    found = TestClient(create_app(office.settings, office), follow_redirects=False)
    account = next(a for a in office.accounts.all() if a.login == "clerk")
    found.cookies.set("session", office.accounts.sign_in(account))
    return found


def record(client: TestClient, **form: str) -> str:
    answer = client.post(
        "/labels?asset=A1",
        data={"printer": "png", "template": "signed-70x40", **form},
        headers={"Sec-Fetch-Site": "same-origin"},
    )
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def code_of(client: TestClient, where: str) -> str:
    path, _, query = where.partition("?")
    answer = client.get(f"{path}/file?{query}")
    assert answer.status_code == 200
    (code,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(answer.content)))
    return str(code.text)


def test_the_printed_label_is_checked_at_the_command_line(
    client: TestClient, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = code_of(client, record(client))
    settings, run = office.settings, CliRunner()
    public = f"b:{NOW.public.raw.hex()}"

    def verified(*words: str) -> tuple[int, dict[str, Any]]:
        answer = run.invoke(
            command_line,
            ["--database", settings.database, "label", "verify", *words, "--json"],
            env={
                "GONGWU_LABEL_SIGNING_KEY": settings.label_signing,
                "GONGWU_LABEL_PUBLIC_KEYS": settings.label_publics,
                "GONGWU_LABEL_SECRET": SECRET,
                "GONGWU_LABEL_KEY": "2",
                "GONGWU_LABEL_FORMER_KEYS": settings.label_former,
            },
        )
        return answer.exit_code, json.loads(answer.stdout)

    code, found = verified(first, "--key", public)
    assert (code, found["verdict"], found["id"], found["issue"]) == (0, "genuine", "A1", 1)
    assert verified(first)[0] == 0
    # Printed again: the old one is still genuine, and void where the ledger is asked.
    record(client, reason="破损")
    assert verified(first, "--key", public)[0] == 0
    code, found = verified(first)
    assert (code, found["verdict"]) == (1, "genuine")
    assert "第1次打印" in found["sentences"][1]["zh"]
    forged = first.replace("/A1?", "/A2?")
    assert verified(forged, "--key", public) == (1, verified(forged, "--key", public)[1])
    assert verified(forged, "--key", public)[1]["verdict"] == "forged"
    stolen = signed.url(LabelPayload(Kind.OBJECT, "A1", 2), host="id.example", key=OLD)
    code, found = verified(stolen)
    assert (code, found["verdict"]) == (1, "retired-key")


def test_a_scan_tells_a_forged_one_and_a_retired_key(client: TestClient) -> None:
    genuine = code_of(client, record(client))
    assert client.get("/scan", params={"code": genuine}).headers["location"] == "/assets/A1"
    forged = client.get("/scan", params={"code": genuine.replace("r=1", "r=9")})
    assert Verdict.FORGED.zh in forged.text
    stolen = identity.url(
        LabelPayload(Kind.OBJECT, "A1", 1), host=HOST, key=LabelKey("1", bytes.fromhex(FORMER))
    )
    told = client.get("/scan", params={"code": stolen})
    assert Verdict.RETIRED_KEY.zh in told.text
    assert "/assets/A1" in told.text


def test_without_a_signing_key_the_template_is_not_offered(
    client: TestClient, office: Office
) -> None:
    assert "signed-70x40" in client.get("/labels?asset=A1").text
    office.settings = Settings(database=office.settings.database, label_host="id.example")
    assert "signed-70x40" not in client.get("/labels?asset=A1").text
    with pytest.raises(BadLabel, match="no key"):
        rest_label.code(office, LABEL, SIGNED_70)


@pytest.mark.target("T85")
def test_a_unit_draws_up_a_signed_template_of_its_own(client: TestClient, office: Office) -> None:
    design = {
        "template": "safe", "title": "保密设备", "since": "2020-01-01", "width": "80",
        "height": "40", "code_side": "28", "fields": ["name", "", "epc", ""], "overflow": "cut",
        "code_signed": "true",
    }  # fmt: skip
    office.ask("asset/A1", "bind_tag", {"epc": "E280119020005A1122334455"}, CLERK)
    shown = client.get("/labels/units/o_a", params=design).text
    assert '<option value="true" selected>' in shown
    source = html.unescape(shown.split('class="label-preview" src="')[1].split('"')[0])
    (code,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(client.get(source).content)))
    assert identity.parse(code.text).has_signature
    saved = client.post(
        "/labels/units/o_a/do/draw_template",
        data=design,
        headers={"Sec-Fetch-Site": "same-origin"},
    )
    assert saved.status_code == 303, saved.text
    assert "带签名" in client.get("/labels/units/o_a").text
    assert office.book.stream("labels/o_a").state.designs[0].fields == "name epc"
    asset = office.book.stream("asset/A1").state
    assert rest_label.face_of("A1", asset, lambda kind, id_: id_, "zh").epc == asset.tag
    public = Keys(publics=(NOW.public,))
    assert said(code_of(client, record(client, template="safe")), public) is Verdict.GENUINE
    # Without a key to sign with it says so, and prints nothing.
    office.settings = Settings(database=office.settings.database, label_host="id.example")
    assert rest_label.NO_SIGNER.zh in client.get("/labels?asset=A1&template=safe").text
    refused = client.post(
        "/labels?asset=A1",
        data={"template": "safe", "reason": "破损"},
        headers={"Sec-Fetch-Site": "same-origin"},
    )
    assert refused.status_code == 422
    assert office.book.stream("asset/A1").state.label_issue == 1


def test_the_command_line_makes_and_lists_keys() -> None:
    run = CliRunner()
    made = json.loads(run.invoke(command_line, ["label", "new-key", "c", "--json"]).stdout)
    listed = run.invoke(
        command_line, ["label", "keys"], env={"GONGWU_LABEL_SIGNING_KEY": made["signing"]}
    )
    assert listed.stdout.strip() == made["public"]
    assert run.invoke(command_line, ["label", "new-key", "C"]).exit_code == 2
    wrong = run.invoke(command_line, ["serve"], env={"GONGWU_LABEL_FORMER_KEYS": "1:zz"})
    assert wrong.exit_code == 2


# A GIAI on the label ----------------------------------------------------------------


def test_an_asset_with_a_giai_says_it_on_the_label_and_in_the_code(
    client: TestClient, office: Office
) -> None:
    admin = Actor(person="u_admin", unit="o_a", role="admin")
    office.ask(
        "giai/697123456", "record_prefix", {"unit": "o_a", "certificate_no": "ANCC-1"}, admin
    )
    office.ask("giai/697123456", "give", {"asset": "A1"}, CLERK)
    code = code_of(client, record(client, template="roll-50x30"))
    assert code.startswith("https://id.example/8004/697123456100000000000?r=1&s=2")
    asset = office.book.stream("asset/A1").state
    said_ = rest_label.face_of("A1", asset, lambda kind, id_: id_, "zh")
    assert said_.identity == "(8004) 697123456100000000000"
    # Even where the number is at its longest, it is printed whole on the smallest label.
    longest = replace(FULL, identity="(8004) 697123456789999999999999")
    assert "identity" not in face.layout(longest, code).cut
    assert client.get("/scan", params={"code": code}).headers["location"] == "/assets/A1"
    record(client, template="roll-50x30", reason="破损")
    void = client.get("/scan", params={"code": code})
    assert "作废" in void.text
    forged = client.get("/scan", params={"code": code.replace("r=1", "r=2")})
    assert Verdict.FORGED.zh in forged.text


# The settings of another unit ---------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "typed"),
    [
        ("print_stock", {"count": 3}),
        ("set_number_rule", {"number_prefix": "ZC", "since": "2026-01-01"}),
    ],
)
def test_another_unit_s_labels_are_closed_over_rest(
    office: Office, verb: str, typed: dict[str, Any]
) -> None:
    door, who = Door(app_of(office)), "head" if verb == "set_number_rule" else "clerk"
    told = door.post(f"labels/o_b/{verb}", typed, who=who)  # nothing is there yet
    assert told.status_code == 404
    theirs = Actor(person="u_b", unit="o_b", role="clerk")
    office.ask("labels/o_b", "print_stock", {"count": 1}, theirs)
    answer = door.post(f"labels/o_b/{verb}", typed, who=who)
    assert (answer.status_code, answer.json()["slug"]) == (404, "no-such-record"), answer.text
    with pytest.raises(Refused) as refusal:  # and if they saw them
        office.ask("labels/o_b", verb, typed, Actor(person="u_x", unit="o_a", role=who))
    assert refusal.value.rule.slug == "not-your-labels"
    assert office.book.stream("labels/o_b").version == 1
    assert door.post(f"labels/o_a/{verb}", typed, who=who).status_code < 300
