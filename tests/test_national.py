"""The parallel log of the national profile: SM3 by its vectors, SM2 as OpenSSL has it, one truth twice."""

from __future__ import annotations

import base64
import hashlib
import json
import shlex
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from attesters import Device, openssl
from books import ADMIN, opened, unguarded, unit
from gmssl import func, sm2
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from api import cli
from api.notarising import Place, Watch, signed
from ledger import national, restoring
from ledger.book import Book
from ledger.national import GX, GY, N, Parallels, SM2Verifier, grow, leaf, root, sm3
from ledger.notary import Refusal
from ledger.notes import Checkpoint, Note, Unproven, Verifier
from ledger.verifying import Verdict, verify

ORIGIN = "ledger.example.gov.cn/warehouse-1"
TEXT = f"{ORIGIN}/sm3\n5\nAAAA\n"


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Device:
    return Device(tmp_path_factory.mktemp("sm2"))


@pytest.fixture
def place(tmp_path: Path, device: Device) -> Place:
    made = Place(tmp_path / "notary")
    made.make(ORIGIN)
    made.beside(device.pem, device.command)
    return made


def signed_book(book: Book, place: Place, name: str = "u", count: int = 5) -> Note:
    """Record, sign, and follow with the parallel log; return its checkpoint."""
    book.act([unit(f"{name}{n}") for n in range(count)], ADMIN)
    parallel = place.parallel()
    assert parallel is not None
    return parallel.follow(book, signed(place, place.notary(), book)[0])


def verified(book: Book, place: Place, *held: Checkpoint) -> tuple[Verdict, Parallels]:
    key = SM2Verifier.parse(place.sm2_key.read_text("utf-8"))
    parallels = Parallels(book, key, held)
    return verify(book, readers=[parallels]), parallels


# SM3 ----------------------------------------------------------------------------------


def test_sm3_gives_the_digests_of_the_standard(shared_file: Callable[[str], Path]) -> None:
    """GB/T 32905-2016 appendix A, both examples, as OpenSSL publishes them; by both libraries."""
    vectors = json.loads(shared_file("merkle/sm/sm3.json").read_bytes())
    assert len(vectors) == 2
    for vector in vectors:
        for sm3_of in (sm3, national._from_cryptography):
            assert sm3_of(bytes.fromhex(vector["input_hex"])).hex() == vector["digest"]


@given(st.binary(max_size=300))
def test_both_libraries_have_the_same_sm3(data: bytes) -> None:
    assert sm3(data) == national._from_cryptography(data)


def test_without_sm3_in_python_it_is_taken_from_cryptography(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def none(name: str, *_: Any) -> Any:
        raise ValueError(f"unsupported hash type {name}")

    monkeypatch.setattr(hashlib, "new", none)
    assert national._chosen() is national._from_cryptography


def mth(entries: list[bytes]) -> bytes:
    """The recursion of RFC 9162 §2.1.1, with SM3."""
    if len(entries) < 2:
        return leaf(entries[0]) if entries else sm3(b"")
    middle = 1 << (len(entries) - 1).bit_length() - 1
    return sm3(b"\x01" + mth(entries[:middle]) + mth(entries[middle:]))


def test_the_tree_is_that_of_rfc_9162_with_another_hash() -> None:
    entries = [bytes([n]) * n for n in range(130)]
    frontier: list[bytes] = []
    assert root(frontier) == mth([])
    for size, entry in enumerate(entries):
        grow(size, frontier, [leaf(entry)])
        assert root(frontier) == mth(entries[: size + 1])


# SM2 ----------------------------------------------------------------------------------


def test_the_published_signature_holds(shared_file: Callable[[str], Path], tmp_path: Path) -> None:
    """OpenSSL's vector: r, s over a digest that is given, so without identity and message."""
    said = json.loads(shared_file("merkle/sm/sm2-verify.json").read_bytes())
    device = Device(tmp_path, said["published_test_private_key_pem"])
    for case in said["cases"]:
        made = national.plain(bytes.fromhex(case["sig_der_hex"]))
        checker = sm2.CryptSM2(private_key="", public_key=device.point[1:].hex())
        found = checker.verify(made.hex(), bytes.fromhex(case["digest_hex"]))
        assert bool(found) == case["want_ok"]
        assert national.on_curve(device.point)


def test_a_signature_of_openssl_holds_here_and_nothing_changed_does(device: Device) -> None:
    made = national.plain(device.sign(TEXT.encode()))
    assert len(made) == 64
    assert national.signed(device.point, TEXT.encode(), made)
    assert not national.signed(device.point, TEXT.encode() + b"x", made)
    for at in range(0, 64, 5):
        bent = made[:at] + bytes([made[at] ^ 1]) + made[at + 1 :]
        assert not national.signed(device.point, TEXT.encode(), bent)
        assert not device.believes(TEXT.encode(), bent)
    for wrong in (b"", made[:63], made + b"\x00", bytes(64), b"\xff" * 64):
        assert not national.signed(device.point, TEXT.encode(), wrong)
    r, s = made[:32], made[32:]
    beyond = (int.from_bytes(s, "big") + N).to_bytes(33, "big")[-32:]
    assert not national.signed(device.point, TEXT.encode(), r + beyond)
    zero = (N - int.from_bytes(r, "big")).to_bytes(32, "big")
    assert not national.signed(device.point, TEXT.encode(), r + zero)  # r + s = 0


def test_a_signature_of_gmssl_holds_for_openssl(tmp_path: Path) -> None:
    device = Device(tmp_path)
    text = openssl(tmp_path, "pkey", "-in", "sm2.key", "-noout", "-text").decode()
    inside = text.partition("priv:")[2].partition("pub:")[0]
    secret = "".join(inside.replace(":", "").split())[-64:]
    signer = sm2.CryptSM2(private_key=secret, public_key=device.point[1:].hex())
    digest = national.digest(device.point, TEXT.encode())
    made = bytes.fromhex(str(signer.sign(digest, func.random_hex(64))))
    assert device.believes(TEXT.encode(), made)
    assert national.signed(device.point, TEXT.encode(), made)


@pytest.mark.parametrize("begins", ["04", "4", "0"])
def test_a_key_whose_point_begins_like_its_mark_is_no_other_key(begins: str) -> None:
    """gmssl 3.2.2 strips every leading 0 and 4 of a key; ours does not pass through there."""
    curve = sm2.CryptSM2(private_key="", public_key="")
    generator = f"{GX:064x}{GY:064x}"
    points = ((d, str(curve._kg(d, generator))) for d in range(1, 3000))
    secret, found = next((d, p) for d, p in points if p.startswith(begins))
    point = b"\x04" + bytes.fromhex(found)
    digest = national.digest(point, b"text")
    made = bytes.fromhex(
        str(sm2.CryptSM2(f"{secret:064x}", found).sign(digest, func.random_hex(64)))
    )
    assert national.signed(point, b"text", made)


def test_a_signature_whose_points_cancel_out_is_none() -> None:
    """s·G + t·P is the point at infinity: whoever knows the secret can make it, for any message."""
    curve = sm2.CryptSM2(private_key="", public_key="")
    secret, t = 2, 5
    point = b"\x04" + bytes.fromhex(str(curve._kg(secret, f"{GX:064x}{GY:064x}")))
    s = -t * secret % N
    made = ((t - s) % N).to_bytes(32, "big") + s.to_bytes(32, "big")
    assert not national.signed(point, b"text", made)


def test_what_is_no_point_or_no_key_is_refused(device: Device) -> None:
    point = device.point
    for wrong in (b"", point[:-1], b"\x02" + point[1:], point[:-1] + bytes([point[-1] ^ 1])):
        assert not national.on_curve(wrong)
        assert not national.signed(wrong, b"x", bytes(64))
        with pytest.raises(Unproven):
            SM2Verifier.of("a/sm3", wrong)
    other = b"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----\n"
    for pem in (b"", other, other.replace(b"MC", "密".encode()), device.pem.replace(b"M", b"N", 1)):
        with pytest.raises(Unproven):
            national.point_of(pem)
    key = SM2Verifier.of("a/sm3", point)
    assert SM2Verifier.parse(key.vkey + "\n") == key
    ed25519 = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    for line in ("", key.vkey.replace("a/sm3", "b/sm3"), key.vkey[:-4], ed25519):
        with pytest.raises(Unproven):
            SM2Verifier.parse(line)
    with pytest.raises(Unproven):
        national.believed(device.folder / "absent.vkey")
    with pytest.raises(Unproven):  # and no other reader takes it for a key of theirs
        Verifier.parse(key.vkey)


def test_the_key_is_named_as_signed_note_says(device: Device) -> None:
    """Type 0xff, then what it is; the id is over name, newline, type, identifier and key."""
    key = SM2Verifier.of("a/sm3", device.point)
    name, id_, encoded = key.vkey.split("+", 2)
    assert base64.b64decode(encoded) == b"\xffsm2-sm3" + device.point
    made = sha256(b"a/sm3\n\xffsm2-sm3" + device.point).hexdigest()
    assert (name, id_) == ("a/sm3", made[:8])


@given(st.binary(max_size=80))
def test_a_signature_in_any_form_is_read_or_left(raw: bytes) -> None:
    found = national.plain(raw)
    assert found == raw or len(found) == 64
    assert (
        national.plain(b"\x30\x06\x02\x01\x05\x02\x01\x07") == bytes(31) + b"\5" + bytes(31) + b"\7"
    )


@pytest.mark.parametrize(
    "made",
    [
        b"\x30\x06\x04\x01\x05\x02\x01\x07",
        b"\x30\x06\x02\x00\x02\x02\x01\x07",
        b"\x30\x06\x02\x01\x05\x02\x02\x07",
        b"\x30\x06\x02\x01\x05\x02\x01\x07\x00",
        b"\x30\x26\x02\x21" + N.to_bytes(33, "big") + b"\x02\x01\x07",
    ],
    ids=["no-number", "empty-number", "cut-off", "more-behind", "beyond-the-group"],
)
def test_a_sequence_that_is_no_signature_is_left_as_it_is(made: bytes) -> None:
    assert national.plain(made) == made


# The parallel log ---------------------------------------------------------------------


def test_the_parallel_log_says_the_same_of_the_same_entries(
    database: str, place: Place, device: Device
) -> None:
    with opened(database) as book:
        for name in ("u", "v", "w"):
            note = signed_book(book, place, name, 300)
        checkpoint = Checkpoint.parse(note.text)
        states = [bytes(row[4]) for page in book.log.rows(1) for row in page]
        assert checkpoint == Checkpoint(f"{ORIGIN}/sm3", 900, mth(states))
        assert device.believes(note.text.encode(), note.signatures[0].made)
        assert [size for size, _ in book.log.attestations("sm3", 0, 999, 9)] == [900, 600, 300]
        verdict, parallels = verified(book, place, checkpoint)
        assert verdict.intact
        assert parallels.signed == 900
        lines = list(restoring.lines(book))
    with opened(f"sqlite:///{place.folder / 'again.db'}") as again:
        restoring.restore(again, lines)
        verdict, parallels = verified(again, place)
        assert verdict.intact
        assert parallels.signed == 900


@pytest.mark.one_backend("the file is taken away and rewritten")
def test_whoever_computes_sha_256_again_is_convicted_by_sm3(sqlite_url: str, place: Place) -> None:
    with opened(sqlite_url) as book:
        held = Checkpoint.parse(signed_book(book, place).text)
        signed_book(book, place, "v")
    other = sqlite_url.replace(".db", "-other.db")
    with opened(other) as book:
        book.act([unit(f"x{n}") for n in range(10)], ADMIN)
        assert verify(book).intact
        verdict, _ = verified(book, place, held)
        assert [p.check for p in verdict.integrity] == ["sm3"]
        assert "5 entries of the parallel log (SM3) does not hold" in verdict.sentence("en")
        assert "国密并行账本（SM3）第 5 条的检查点不成立" in verdict.sentence("zh")
        longer = Checkpoint(held.origin, 99, held.root)
        assert not verified(book, place, longer)[0].intact


def test_a_checkpoint_that_was_exchanged_is_found(database: str, place: Place) -> None:
    with opened(database) as book:
        first = signed_book(book, place)
        second = signed_book(book, place, "v")
        for bad in (
            first,
            Note(second.text, first.signatures),
            Note(second.text.replace("/sm3", "/sm4"), second.signatures),
        ):
            book.log.keep_attestation("sm3", 10, bad.raw)
            verdict, parallels = verified(book, place)
            assert [p.check for p in verdict.integrity] == ["sm3"]
            assert parallels.signed == 5
        book.log.keep_attestation("sm3", 10, b"nothing")
        assert not verified(book, place)[0].intact
        # Without a key the roots are compared all the same.
        assert not verify(book, readers=[Parallels(book, None)]).intact
        book.log.keep_attestation("sm3", 10, second.raw)
        assert verify(book, readers=[Parallels(book, None)]).intact


def test_the_parallel_log_never_goes_back_nor_signs_twice(
    database: str, place: Place, tmp_path: Path
) -> None:
    with opened(database) as book:
        signed_book(book, place)
        short = signed(place, place.notary(), book)[0]
        note = signed_book(book, place, "v")
        parallel = place.parallel()
        assert parallel is not None
        with pytest.raises(Refusal, match="more than 5"):
            parallel.follow(book, short)
        latest = signed(place, place.notary(), book)[0]
        assert parallel.follow(book, latest) == note  # SM2 draws by chance, and this is no new one
        with unguarded(database) as execute:
            execute("DELETE FROM ledger_attestation")
        assert parallel.follow(book, latest) == note  # signed, and not published: published
        assert len(book.log.attestations("sm3", 0, 99, 9)) == 1


def test_bytes_that_contradict_their_hash_are_not_signed(database: str, place: Place) -> None:
    with opened(database) as book:
        book.act([unit(f"u{n}") for n in range(5)], ADMIN)
        note = signed(place, place.notary(), book)[0]
        with unguarded(database) as execute:
            execute("UPDATE ledger_entry SET state=? WHERE notification_id=3", b"x")
        parallel = place.parallel()
        assert parallel is not None
        with pytest.raises(Refusal, match="contradict"):
            parallel.follow(book, note)


def test_a_log_that_follows_a_closed_one_has_a_parallel_log_of_its_own(
    database: str, place: Place
) -> None:
    with opened(database) as book:
        signed_book(book, place)
        place.reopened(place.notary().signer, f"{ORIGIN}b")
        note = signed_book(book, place, "v")
        assert Checkpoint.parse(note.text).origin == f"{ORIGIN}b/sm3"
        verdict, parallels = verified(book, place)
        assert verdict.intact
        assert parallels.signed == 10


# Devices, the extra, the command line ---------------------------------------------------


@pytest.mark.parametrize(
    "command",
    [
        ["false"],
        ["/no/such/program"],
        ["true"],
        ["echo", "signed"],
        ["head", "-c", "64", "/dev/zero"],
    ],
    ids=["fails", "absent", "silent", "talks", "lies"],
)
def test_a_device_that_does_not_sign_is_refused_at_once(
    tmp_path: Path, device: Device, command: list[str]
) -> None:
    made = Place(tmp_path / "notary")
    made.make(ORIGIN)
    with pytest.raises(Unproven):
        made.beside(device.pem, command)
    assert made.parallel() is None


def test_a_name_that_parallel_logs_have_is_refused(tmp_path: Path, device: Device) -> None:
    with pytest.raises(Unproven):
        Place(tmp_path / "notary").make(f"{ORIGIN}/sm3")
    key = SM2Verifier.of(ORIGIN, device.point)
    with pytest.raises(Unproven):
        national.Parallel(tmp_path / "n.db", national.commanded(key, device.command))


@pytest.mark.reliability("R11")
def test_the_notary_signs_on_while_the_device_is_away(database: str, place: Place) -> None:
    """R11: the SHA-256 log is signed, the parallel one follows when the device is back."""
    command = place.sm2_command.read_text("utf-8")
    place.sm2_command.write_text(json.dumps(["false"]), encoding="utf-8")
    troubles: list[str] = []
    with opened(database) as book:
        watch = Watch(
            place,
            place.notary(),
            book,
            seconds=0,
            trouble=lambda why: troubles.append(str(why)),
        )
        for name in ("u", "v"):
            book.act([unit(f"{name}{n}") for n in range(5)], ADMIN)
            assert watch.look() is not None
        assert len(troubles) == 2
        assert not book.log.attestations("sm3", 0, 99, 9)
        place.sm2_command.write_text(command, encoding="utf-8")
        watch = Watch(place, place.notary(), book, seconds=0)
        assert watch.look() is None  # nothing new to sign, and yet
        assert [size for size, _ in book.log.attestations("sm3", 0, 99, 9)] == [10]
        verdict, parallels = verified(book, place)
        assert verdict.intact
        assert parallels.signed == 10


def test_without_the_extra_a_sentence_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, database: str, device: Device
) -> None:
    monkeypatch.setitem(sys.modules, "gmssl.sm2", None)
    key = SM2Verifier.of("a/sm3", device.point)
    with opened(database) as book:
        with pytest.raises(Unproven, match=r"gongwu\[sm\]") as absent:
            Parallels(book, key)
        assert "pip install" in absent.value.sentence("zh")
        with pytest.raises(Unproven, match=r"gongwu\[sm\]"):
            national.commanded(key, device.command).sign(TEXT)


def test_the_command_line_keeps_and_verifies_a_parallel_log(
    database: str, tmp_path: Path, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GONGWU_DATABASE", database)
    monkeypatch.setenv("GONGWU_NOTARY", str(tmp_path / "notary"))

    def run(line: str, code: int = 0) -> str:
        done = CliRunner().invoke(cli.app, ["--lang", "en", *shlex.split(line)])
        assert done.exit_code == code, done.output
        return done.output

    run(f"notary init {ORIGIN}")
    with opened(database) as book:
        book.act([unit("u1"), unit("u2")], ADMIN)
        run(f"notary sm2 {device.public} -- {shlex.join(device.command)}")
        assert "cannot read" in run(f"notary sm2 {tmp_path / 'none'} -- true", 2).lower()
        run("notary sign")
        (size, raw) = book.log.attestations("sm3", 0, 9, 9)[0]
        assert size == 2
        (tmp_path / "kept").write_bytes(raw)
        key = tmp_path / "notary" / "sm2.vkey"
        fits = "its checkpoint of 2 entries fits"
        assert fits in run(f"verify --sm2 {key}")
        assert fits in run(f"verify --sm2 {key} --since {tmp_path / 'kept'}")
        assert json.loads(run(f"verify --sm2 {key} --json"))["sm3"] == {"size": 2}
        assert "not checked" in run("verify")
        said = raw.decode().splitlines()
        said[2] = base64.b64encode(bytes(32)).decode()
        (tmp_path / "kept").write_text("\n".join(said[:3]) + "\n", encoding="utf-8")
        assert "parallel log (SM3) does not hold" in run(f"verify --since {tmp_path / 'kept'}", 1)
