"""Notes, checkpoints, cosignatures and policies: every foreign vector, and what is refused."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ledger import tree
from ledger.notes import (
    LOG,
    NOTE_BYTES_MAX,
    SIGNATURES_MAX,
    WITNESS,
    Checkpoint,
    Note,
    Signature,
    Signer,
    Unproven,
    Verifier,
    decimal,
    unbase64,
)
from ledger.trust import Trust

ORIGIN = "ledger.example.gov.cn/warehouse-1"
ROOT = bytes(range(32))
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def signer(name: str = ORIGIN, kind: int = LOG, seed: int = 1) -> Signer:
    return Signer.of(name, kind, Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


def vectors(shared_file: Callable[[str], Path], name: str) -> Any:
    return json.loads(shared_file(f"merkle/{name}.json").read_text())


def verdict(raw: bytes, vkeys: list[str]) -> list[str] | None:
    """Return who signed; None when the note is refused."""
    try:
        signed = Note.parse(raw).signed_by([Verifier.parse(vkey) for vkey in vkeys])
    except Unproven:
        return None
    return [s.verifier.name for s in signed]


# Foreign vectors (R1) ---------------------------------------------------------------


@pytest.mark.reliability("R1")
def test_foreign_notes_are_read_and_refused_as_their_authors_say(
    shared_file: Callable[[str], Path],
):
    said = vectors(shared_file, "signed-note")
    assert len(said["cases"]) > 8
    for case in said["cases"]:
        found = verdict(base64.b64decode(case["note_b64"]), case["vkeys"])
        assert found == (case["verified_names"] if case["want_ok"] else None), case["name"]
    for vkey in said["bad_vkeys"]:
        with pytest.raises(Unproven):
            Verifier.parse(vkey)
    for case in said["sign"]:
        key = Signer.parse(case["skey_published_test_key"])
        note = Note(case["text"], (key.sign(case["text"]),))
        assert note.raw.decode() == case["want_note"]


def test_foreign_checkpoint_texts(shared_file: Callable[[str], Path]):
    for case in vectors(shared_file, "checkpoint-text"):
        try:
            text = Checkpoint.parse(case["text"]).text
        except Unproven:
            text = None
        assert text == (case["text"] if case["c2sp_ok"] else None), case["desc"]


def test_foreign_cosignatures_give_their_time(shared_file: Callable[[str], Path]):
    for case in vectors(shared_file, "cosignature-v1"):
        note = Note.parse(case["note"].encode())
        try:
            (signed,) = note.signed_by([Verifier.parse(case["vkey"])])
        except Unproven:
            assert not case["want_ok"], case
            continue
        assert case["want_ok"], case
        assert signed.time == (case["time"] or 0)


def test_teseras_published_key_makes_teseras_published_checkpoints(
    shared_file: Callable[[str], Path],
):
    log = vectors(shared_file, "tessera-log")
    key = Signer.parse(log["skey_published_test_key"])
    assert key.verifier.vkey == log["vkey"]
    trust = Trust.two_of_three(key.verifier, [])
    frontier: list[bytes] = []
    entries = [b"one", b"two", b"three", b"four", b"five", b"six", b"seven"]
    for size, said in log["checkpoints"].items():
        tree.grow(
            len(entries[: int(size)]) - 1, frontier, map(tree.leaf, entries[: int(size)][-1:])
        )
        text = Checkpoint(log["origin"], int(size), tree.root(frontier)).text
        assert Note(text, (key.sign(text),)).raw.decode() == said
        judged = trust.judge(Note.parse(said.encode()))
        assert (judged.checkpoint.size, judged.met) == (int(size), True)


@pytest.mark.reliability("R1")
def test_ed25519_as_wycheproof_demands(shared_file: Callable[[str], Path]):
    """A signature that a note carries is accepted exactly where Wycheproof says so."""
    groups = vectors(shared_file, "ed25519/wycheproof-ed25519_test")["testGroups"]
    count = 0
    for group in groups:
        public = bytes.fromhex(group["publicKey"]["pk"])
        for test in group["tests"]:
            count += 1
            try:
                Ed25519PublicKey.from_public_bytes(public).verify(
                    bytes.fromhex(test["sig"]), bytes.fromhex(test["msg"])
                )
                good = True
            except InvalidSignature:
                good = False
            assert good is (test["result"] == "valid"), test["tcId"]
    assert count > 100


# Our own side of each boundary --------------------------------------------------------


def test_a_key_is_one_line_and_comes_back():
    for kind in (LOG, WITNESS):
        verifier = signer(kind=kind).verifier
        assert Verifier.parse(verifier.vkey) == verifier
    assert signer(kind=LOG).verifier.id != signer(kind=WITNESS).verifier.id


def test_every_changed_character_of_a_key_is_refused_or_another_key():
    vkey = signer().verifier.vkey
    start = vkey.index("+")
    for at in range(start, len(vkey)):
        for other in ("", "A", "/", "+", " "):
            changed = vkey[:at] + other + vkey[at + 1 :]
            if changed != vkey:
                with pytest.raises(Unproven):
                    Verifier.parse(changed)


def test_every_flipped_bit_of_a_note_is_refused():
    text = Checkpoint(ORIGIN, 7, ROOT).text
    log, witness = signer(), signer("w.example", WITNESS, 2)
    raw = Note(text, (log.sign(text), witness.sign(text, 1_700_000_000))).raw
    trust = Trust.two_of_three(log.verifier, [("w", witness.verifier)])
    assert trust.judge(Note.parse(raw)).met
    said: set[tuple[str, str]] = set()
    for at in range(len(raw)):
        for bit in range(8):
            bent = raw[:at] + bytes([raw[at] ^ (1 << bit)]) + raw[at + 1 :]
            try:
                met = trust.judge(Note.parse(bent)).met
            except Unproven as refused:
                said.add((refused.sentence("zh"), refused.sentence("en")))
                continue
            assert not met, (at, bit)  # a key with another name signs for nobody
    assert len(said) > 3
    for zh, en in said:
        assert CHINESE.search(zh)
        assert not CHINESE.search(en)


def test_a_changed_time_of_a_witness_is_refused():
    text = Checkpoint(ORIGIN, 7, ROOT).text
    made = signer("w.example", WITNESS).sign(text, 1000)
    moved = Signature(made.name, made.id, (999).to_bytes(8, "big") + made.made[8:])
    note = Note(text, (moved,))
    with pytest.raises(Unproven):
        note.signed_by([signer("w.example", WITNESS).verifier])


def test_a_cosignature_of_another_length_is_refused():
    text = Checkpoint(ORIGIN, 7, ROOT).text
    made = signer("w.example", WITNESS).sign(text, 1000)
    for cut in (made.made[:-1], made.made + b"x", made.made[:5]):
        with pytest.raises(Unproven):
            Note(text, (Signature(made.name, made.id, cut),)).signed_by(
                [signer("w.example", WITNESS).verifier]
            )


def test_a_second_signature_of_one_key_counts_once():
    text = Checkpoint(ORIGIN, 7, ROOT).text
    twice = Note(text, (signer().sign(text),) * 2)
    assert len(twice.signed_by([signer().verifier])) == 1
    assert twice.joined([signer().sign(text)]).signatures == (signer().sign(text),)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u3000b", "a\x01"])
def test_names_that_no_key_may_have(name: str):
    with pytest.raises(Unproven):
        signer(name)


@pytest.mark.parametrize("text", ["", "01", "+1", "-1", " 1", "1 ", "９", "9" * 19, "1e3"])
def test_sizes_that_are_none(text: str):
    with pytest.raises(Unproven):
        decimal(text)


def test_the_largest_size():
    assert decimal(str(2**63 - 1)) == 2**63 - 1
    with pytest.raises(Unproven):
        decimal(str(2**63))


@pytest.mark.parametrize("text", ["QQ", "QQ=", "QR==", "QQ==\n", "QQ-_", "Q Q=", "é"])
def test_base64_has_one_spelling(text: str):
    with pytest.raises(Unproven):
        unbase64(text)


def test_too_many_signatures_and_too_long_a_note():
    text = Checkpoint(ORIGIN, 7, ROOT).text
    line = Signature("x", b"1234", b"12345")
    assert Note.parse(Note(text, (line,) * SIGNATURES_MAX).raw)
    with pytest.raises(Unproven):
        Note.parse(Note(text, (line,) * (SIGNATURES_MAX + 1)).raw)
    with pytest.raises(Unproven):
        Note.parse(Note("x" * NOTE_BYTES_MAX + "\n", (line,)).raw)


@pytest.mark.parametrize(
    "raw",
    [
        *(b"", b"\xff\n\n\xe2\x80\x94 a AAAAAAA=\n", b"text\n\nno dash AAAAAAA=\n", b"text\n\n"),
        "text\n\n— a AAAA\n".encode(),  # an id and nothing behind it
        "text\n\n— a AAAAAAA=".encode(),  # the last line does not end
        "text\n\n— a+b AAAAAAA=\n".encode(),
    ],
)
def test_what_is_no_note(raw: bytes):
    with pytest.raises(Unproven):
        Note.parse(raw)


def test_a_broken_card_is_noticed_before_its_signature_leaves():
    good = signer()
    broken = Signer(ORIGIN, LOG, good.verifier.public, lambda message: bytes(64))
    with pytest.raises(Unproven):
        broken.sign("text\n")


@pytest.mark.parametrize("line", ["x", "PRIVATE+KEY+x", "PRIVATE+KEY+a+00000000+" + "AQ" * 3])
def test_what_is_no_private_key(line: str):
    with pytest.raises(Unproven):
        Signer.parse(line)


def test_a_private_key_is_read_by_its_own_id_alone():
    own = signer("a", seed=0).verifier
    seed = base64.b64encode(bytes([LOG]) + bytes(32)).decode()
    assert Signer.parse(f"PRIVATE+KEY+a+{own.id.hex()}+{seed}\n").verifier == own
    with pytest.raises(Unproven, match="is not its own"):
        Signer.parse(f"PRIVATE+KEY+a+00000000+{seed}")


# Policies -----------------------------------------------------------------------------

W = [signer(f"w{n}.example", WITNESS, 10 + n) for n in range(5)]
LOG_LINE = f"log {signer().verifier.vkey}\n"


def policy(tail: str, head: str = LOG_LINE) -> Trust:
    witnesses = "".join(f"witness w{n} {w.verifier.vkey}\n" for n, w in enumerate(W))
    return Trust.parse(f"# who may be believed\n\n{head}{witnesses}{tail}".encode())


def met(trust: Trust, *cosigners: int) -> bool:
    text = Checkpoint(ORIGIN, 7, ROOT).text
    lines = (signer().sign(text), *(W[n].sign(text, 1000 + n) for n in cosigners))
    judged = trust.judge(Note(text, lines))
    assert judged.witnesses == {f"w{n}": 1000 + n for n in cosigners}
    return judged.met


def test_two_of_three_is_the_default():
    trust = Trust.two_of_three(signer().verifier, [(f"w{n}", W[n].verifier) for n in range(3)])
    assert trust.text.splitlines()[-2:] == ["group any-two 2 w0 w1 w2", "quorum any-two"]
    assert Trust.parse(trust.text.encode()) == trust
    assert [met(trust, *who) for who in [(), (1,), (0, 2), (0, 1, 2)]] == [False, False, True, True]


def test_groups_of_groups():
    trust = policy("group a any w0 w1\ngroup b 2 w2 w3 w4\n\tgroup all all a b \nquorum all\n")
    assert met(trust, 1, 2, 4)
    assert not met(trust, 0, 1)
    assert not met(trust, 0, 2)


def test_a_quorum_of_one_witness_and_of_none():
    assert met(policy("quorum none"))
    assert not met(policy("quorum w1"), 0)
    assert met(policy("quorum w1"), 1)


def test_a_note_that_the_log_did_not_sign_is_refused():
    trust = policy("quorum none")
    text = Checkpoint(ORIGIN, 7, ROOT).text
    with pytest.raises(Unproven):
        trust.judge(Note(text, (W[0].sign(text, 1),)))
    other = Checkpoint("another.example/log", 7, ROOT).text
    with pytest.raises(Unproven):  # the right key under another log's name
        trust.judge(Note(other, (signer().sign(other),)))
    short = Checkpoint(ORIGIN, 7, ROOT[:31]).text
    with pytest.raises(Unproven):
        trust.judge(Note(short, (signer().sign(short),)))


@pytest.mark.parametrize(
    "tail",
    [
        *("", "quorum w9", "quorum none\nquorum none", "quorum", "quorum w0 w1", "nonsense"),
        *("group a 0 w0\nquorum a", "group a 2 w0\nquorum a", "group a any\nquorum none"),
        *("group a 01 w0\nquorum a", "group a x w0\nquorum a", "group a any none\nquorum a"),
        *("group a any w0 w0\nquorum a", "group a any b\ngroup b any w0\nquorum a"),
        *("group w0 any w1\nquorum w0", "group none any w0\nquorum none"),
        f"witness again {W[0].verifier.vkey}\nquorum none",
        f"witness w0 {signer('x', WITNESS, 99).verifier.vkey}\nquorum none",
        f"witness wrong {signer('x', LOG, 98).verifier.vkey}\nquorum none",
        f"witness bad {W[0].verifier.vkey[:-4]}\nquorum none",
        "quorum none\r\n",
        "".join(f"group g{n} any g{n - 1}\n" if n else "group g0 any w0\n" for n in range(300))
        + "quorum none",
    ],
)
def test_policies_that_are_refused(tail: str):
    with pytest.raises(Unproven):
        policy(tail)


def test_a_policy_says_which_line_is_wrong():
    with pytest.raises(Unproven, match="Line 10"):
        policy("\nquorum w9\n")


def test_names_in_a_policy_are_opaque_octets():
    raw = LOG_LINE.encode() + b"witness \xff\xfe " + W[0].verifier.vkey.encode()
    assert Trust.parse(raw + b" https://w.example\nquorum \xff\xfe").witnesses[0].url
