"""What goes into a label's code comes back from any scanner, and nothing forged does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given as each
from hypothesis import strategies as st

from labels import identity
from labels.identity import BadLabel, KeyRing, Kind, LabelKey, LabelPayload, Verdict

OLD = LabelKey("a", b"old secret of this label office!" * 2)
NEW = LabelKey("b", b"new secret of this label office!" * 2)
KEYS = KeyRing((OLD, NEW))
GIAI = LabelPayload(Kind.GIAI, identity.giai("697123456", 100_000_000_007), 1)
CHAIR = LabelPayload(Kind.OBJECT, "7Q2K", 12)

payloads = st.builds(
    LabelPayload,
    kind=st.just(Kind.OBJECT),
    id=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.~-]{0,79}", fullmatch=True),
    issue=st.integers(1, identity.ISSUE_MAX),
) | st.builds(
    LabelPayload,
    kind=st.just(Kind.GIAI),
    id=st.builds(
        identity.giai,
        st.from_regex(r"[0-9]{6,12}", fullmatch=True),
        st.integers(10**11, 10**12 - 1),
    ),
    issue=st.integers(1, identity.ISSUE_MAX),
)
keys = st.builds(
    LabelKey,
    id=st.sampled_from("0123456789abcdefghijklmnopqrstuvwxyz"),
    secret=st.binary(min_size=32, max_size=64),
)


def to_full_width(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


@each(payloads, keys)
def test_every_label_is_read_back_and_found_genuine(payload: LabelPayload, key: LabelKey):
    scanned = identity.parse(identity.url(payload, host="id.gw.cn", key=key))
    assert (scanned.kind, scanned.id, scanned.issue) == (payload.kind, payload.id, payload.issue)
    assert identity.verify(scanned, KeyRing((key,))) is Verdict.GENUINE


@each(payloads, st.sampled_from([str.upper, str.lower, to_full_width]))
def test_devices_that_change_case_or_width_do_no_harm(payload: LabelPayload, spoil):
    scanned = identity.parse(spoil(identity.url(payload, host="id.gw.cn", key=NEW)))
    assert (scanned.kind, scanned.issue) == (payload.kind, payload.issue)
    assert scanned.folded == payload.id.upper()
    assert identity.verify(scanned, KEYS) is Verdict.GENUINE


@each(st.text(max_size=300))
def test_reading_a_scan_never_fails(text: str):
    assert identity.parse(text).text == text
    assert all(scanned.kind in Kind for scanned in identity.parse_all(text))


def test_the_code_is_short_ascii_without_names():
    text = identity.url(GIAI, host="id.gw.cn", key=NEW)
    assert text.startswith("https://id.gw.cn/8004/697123456100000000007?r=1&s=b")
    assert len(text) == 65
    assert text.isascii()


@pytest.mark.parametrize(
    ("changed", "to"),
    [("100000000007", "100000000008"), ("r=1", "r=2"), ("s=b", "s=a"), ("r=1&", "")],
)
def test_a_changed_id_issue_or_key_is_found_forged(changed: str, to: str):
    forged = identity.url(GIAI, host="id.gw.cn", key=NEW).replace(changed, to)
    assert identity.verify(identity.parse(forged), KEYS) is Verdict.FORGED


@each(st.integers(0, 13), st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"))
def test_no_character_of_the_signature_can_change(place: int, to: str):
    scanned = identity.parse(identity.url(GIAI, host="id.gw.cn", key=NEW))
    assert scanned.mac
    forged = scanned.mac[:place] + to + scanned.mac[place + 1 :]
    verdict = identity.verify(replace(scanned, mac=forged), KEYS)
    assert verdict is (Verdict.GENUINE if forged == scanned.mac else Verdict.FORGED)


def test_a_damaged_signature_is_forged_not_unsigned():
    text = identity.url(GIAI, host="id.gw.cn", key=NEW)[:-1]
    assert identity.verify(identity.parse(text), KEYS) is not Verdict.GENUINE
    assert identity.parse(text).mac is not None


def test_labels_of_an_earlier_key_stay_genuine_and_of_a_lost_key_are_unknown():
    earlier = identity.parse(identity.url(CHAIR, host="id.gw.cn", key=OLD))
    assert identity.verify(earlier, KEYS) is Verdict.GENUINE
    assert identity.verify(earlier, KeyRing((NEW,))) is Verdict.UNKNOWN_KEY
    assert KEYS.signing is NEW


def test_no_two_keys_share_a_name_or_a_secret():
    with pytest.raises(BadLabel):
        KeyRing((OLD, replace(NEW, id="a")))
    with pytest.raises(BadLabel):
        KeyRing((OLD, replace(OLD, id="b")))
    with pytest.raises(BadLabel):
        LabelKey("a", b"too short")
    assert "secret" not in repr(NEW)


@pytest.mark.target("T81")
@pytest.mark.parametrize(
    "where",
    ["https://new.example.cn", "http://10.0.0.7:8000", "https://old.cn/app/assets", "//x", ""],
)
def test_a_moved_server_orphans_no_label(where: str):
    printed = identity.url(CHAIR, host="id.gw.cn", key=NEW)
    moved = identity.parse(where + printed.removeprefix("https://id.gw.cn"))
    assert (moved.kind, moved.id, moved.issue) == (Kind.OBJECT, "7Q2K", 12)
    assert identity.verify(moved, KEYS) is Verdict.GENUINE


@pytest.mark.parametrize(
    "host", ["10.0.0.7", "ID.GW.CN", "a-host-too-long.cn", "id gw.cn", "", "id..cn", "id.cn/x"]
)
def test_a_host_that_would_not_last_is_refused(host: str):
    with pytest.raises(BadLabel):
        identity.url(GIAI, host=host, key=NEW)


@pytest.mark.parametrize(
    ("text", "kind", "read"),
    [
        ("BM-2026-000123", Kind.ASSET_NO, "BM-2026-000123"),
        (" ｂｍ－２０２６－０００１２３\r\n", Kind.ASSET_NO, "BM-2026-000123"),
        ("京财〔2026〕1号", Kind.ASSET_NO, "京财〔2026〕1号"),
        ("https：、、id。gw。cn、obj、7q2k", Kind.OBJECT, "7q2k"),
        ("(8004)697123456100000000007", Kind.GIAI, "697123456100000000007"),
        ("（８００４）697123456100000000007", Kind.GIAI, "697123456100000000007"),
        ("urn:epc:id:giai:697123456.100000000007", Kind.GIAI, "697123456100000000007"),
        ("https://id.gs1.org/8004/0614141AB%2F7", Kind.GIAI, "0614141AB/7"),
        ("urn:epc:raw:96.xE280", Kind.EPC, "urn:epc:raw:96.xE280"),
        ("https://weixin.qq.com/r/abc", Kind.FOREIGN, ""),
        ("https://id.gw.cn/8004/", Kind.FOREIGN, ""),
        ("https://id.gw.cn/obj/7Q2K/x", Kind.FOREIGN, ""),
        ("https://[bad/obj/7Q2K", Kind.FOREIGN, ""),
        ("A" * 5000, Kind.FOREIGN, ""),
        (" \t\n", Kind.NOTHING, ""),
    ],
)
def test_a_scan_says_what_kind_it_is(text: str, kind: Kind, read: str):
    scanned = identity.parse(text)
    assert (scanned.kind, scanned.id) == (kind, read)


def test_two_codes_in_one_breath_are_two_scans():
    one = identity.url(GIAI, host="id.gw.cn", key=NEW)
    two = identity.url(CHAIR, host="id.gw.cn", key=NEW)
    assert identity.parse(one + two).kind is Kind.SEVERAL
    found = list(identity.parse_all(f"{one}{two}\nBM-2026-000123\n\n"))
    assert [s.id for s in found] == [GIAI.id, CHAIR.id, "BM-2026-000123"]
    assert [identity.verify(s, KEYS) for s in found[:2]] == [Verdict.GENUINE] * 2


@pytest.mark.parametrize(
    ("kind", "id_", "issue"),
    [
        (Kind.OBJECT, "7Q2K?", 1),
        (Kind.OBJECT, "", 1),
        (Kind.OBJECT, "A" * 81, 1),
        (Kind.OBJECT, "7Q2K", 0),
        (Kind.OBJECT, "7Q2K", 1000),
        (Kind.GIAI, "697123456012345678901", 1),
        (Kind.ASSET_NO, "BM-1", 1),
    ],
)
def test_what_could_not_be_read_back_is_not_printed(kind: Kind, id_: str, issue: int):
    with pytest.raises(BadLabel) as refused:
        LabelPayload(kind, id_, issue)
    assert refused.value.zh
    assert refused.value.en


@pytest.mark.parametrize(
    ("prefix", "reference"),
    [("697123456", 99_999_999_999), ("697123456", 10**12), ("69712", 10**11)],
)
def test_a_giai_reference_has_twelve_digits(prefix: str, reference: int):
    with pytest.raises(BadLabel):
        identity.giai(prefix, reference)


def test_check_characters_agree_with_published_ones():
    # GRid A1-2425G-ABC1234002-M (IFPI) and ISAN 0000-0000-D07A-0090-Q (ISO 15706): MOD 37,36.
    assert identity.check_character("A1-2425G-ABC1234002") == "M"
    assert identity.check_character("0000-0000-D07A-0090") == "Q"
    assert identity.has_valid_check("a1-2425g-abc1234002-m")
    assert not identity.has_valid_check("A1-2425G-ABC1234002-N")
    assert not identity.has_valid_check("M")
    assert not identity.has_valid_check("京财-7")
    with pytest.raises(BadLabel):
        identity.check_character("京财-7")


@each(st.text("0123456789ABCDEFGHJKMNPQRSTVWXYZ", min_size=2, max_size=20), st.data())
def test_check_characters_catch_every_slip_of_one_key(number: str, data: st.DataObject):
    checked = number + identity.check_character(number)
    assert identity.has_valid_check(checked)
    place = data.draw(st.integers(0, len(checked) - 1))
    other = data.draw(st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    slipped = checked[:place] + other + checked[place + 1 :]
    assert identity.has_valid_check(slipped) is (slipped == checked)


@pytest.mark.parametrize("word", [*Verdict, *Kind])
def test_every_answer_speaks_both_languages(word: Verdict | Kind):
    assert not word.zh.isascii()
    assert word.en.isascii()


def test_the_example_of_the_documentation_runs():
    text = (Path(__file__).parents[1] / "docs" / "labels.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    folder = str(Path(identity.__file__).parents[1])  # the checkout, or what was installed from it
    ran = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", code],
        env={**os.environ, "PYTHONPATH": folder},
        capture_output=True,
        check=True,
    )
    assert ran.stdout.decode().split() == ["object", "7Q2K", "1", "标签校验通过。"]
