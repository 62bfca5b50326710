"""Time stamps (RFC 3161): made by OpenSSL's authority over HTTP, judged offline, waited for by nobody."""

from __future__ import annotations

import io
import random
import shlex
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import pytest
from attesters import Authority
from books import ADMIN, opened, unguarded, unit
from sizes import SEED
from typer.testing import CliRunner

from api import cli
from api.notarising import Place, Watch, signed
from api.stamper import Stamper, over_http
from ledger import bundling, restoring, stamping
from ledger.act import Unavailable
from ledger.book import Book
from ledger.bundling import Bundle
from ledger.notes import Checkpoint, Note, Unproven
from ledger.stamping import Stamp, Stamps, asked, judge
from ledger.verify_bundle import archive, main, written
from ledger.verifying import Verdict, verify

TEXT = "ledger.example.gov.cn/warehouse-1\n5\nAAAA\n"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tsa"))


class Served:
    """The authority behind HTTP, and what may be wrong with it."""

    def __init__(self, authority: Authority) -> None:
        self.answer: Callable[[bytes], tuple[int, bytes]] = lambda query: (200, authority(query))
        self.asked: list[tuple[str, bytes]] = []
        served = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                query = self.rfile.read(int(self.headers["Content-Length"]))
                served.asked.append((self.headers["Content-Type"], query))
                status, raw = served.answer(query)
                self.send_response(status)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/tsa"
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()


@pytest.fixture
def served(authority: Authority) -> Iterator[Served]:
    with Served(authority) as found:
        yield found


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path / "notary")
    made.make("ledger.example.gov.cn/warehouse-1")
    return made


def signed_book(book: Book, place: Place, name: str = "u") -> Note:
    book.act([unit(f"{name}{n}") for n in range(5)], ADMIN)
    return signed(place, place.notary(), book)[0]


def verified(book: Book, authority: Authority) -> tuple[Verdict, Stamps]:
    stamps = Stamps(book, authority.roots)
    return verify(book, readers=[stamps]), stamps


# What a stamp is worth ----------------------------------------------------------------


def test_a_stamp_of_a_known_authority_is_good_and_says_when(authority: Authority) -> None:
    query = asked(TEXT)
    found = judge(authority(query.raw), TEXT, authority.roots, query.nonce)
    assert (found.worth, found.by) == ("good", "CN=good"), found
    assert found.at is not None
    assert abs(found.at - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_stamp_of_another_text_or_another_question_is_refused(authority: Authority) -> None:
    query = asked(TEXT)
    raw = authority(query.raw)
    assert judge(raw, TEXT.replace("5", "6"), authority.roots, query.nonce).worth == "bad"
    replayed = judge(raw, TEXT, authority.roots, asked(TEXT).nonce)
    assert (replayed.worth, replayed.why.en) == ("bad", "It answers another request.")


def test_a_stamp_given_after_the_authority_expired_is_refused(authority: Authority) -> None:
    """The certificate ended yesterday, the clock of the authority did not."""
    found = judge(authority(asked(TEXT).raw, "expired"), TEXT, authority.roots)
    assert found.worth == "bad"
    assert "outside the validity" in found.why.en


def test_a_stamp_of_an_unknown_authority_is_refused(authority: Authority) -> None:
    raw = authority(asked(TEXT).raw, "stranger")
    assert judge(raw, TEXT, authority.roots).worth == "bad"
    known = stamping.trusted(authority.folder / "nobody.pem")
    assert judge(raw, TEXT, known).worth == "good"
    own = stamping.trusted(authority.folder / "stranger.pem")
    assert judge(raw, TEXT, [*own, *known]).worth == "good"


def test_without_a_trusted_certificate_only_the_hash_is_known(authority: Authority) -> None:
    raw = authority(asked(TEXT).raw)
    assert judge(raw, TEXT, []).worth == "unchecked"
    assert judge(raw, TEXT + "x", []).worth == "bad"


def test_a_refusal_of_the_authority_is_none(authority: Authority, tmp_path: Path) -> None:
    file = tmp_path / "text"
    file.write_text(TEXT, encoding="utf-8")
    asking = ("openssl", "ts", "-query", "-data", str(file), "-sha1", "-cert")
    query = subprocess.run(asking, check=True, capture_output=True).stdout
    found = judge(authority(query), TEXT, authority.roots)  # it does not stamp SHA-1
    assert found.worth == "bad"
    assert "refused" in found.why.en


def test_stamps_of_other_programs_are_judged_as_their_authors_do(
    shared_file: Callable[[str], Path],
) -> None:
    """Vectors of rfc3161-client (trailofbits), over the five bytes `hello`."""
    folder = shared_file("merkle/rfc3161/test_tsa")
    roots = stamping.trusted(folder / "ts_chain.pem")
    worth = {f.name: judge(f.read_bytes(), "hello", roots).worth for f in folder.glob("*.tsr")}
    assert worth == {
        "response.tsr": "good",
        "response-injected-certs.tsr": "good",
        "other_response.tsr": "bad",
    }


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_no_byte_of_a_stamp_can_be_changed_to_mean_something_else(authority: Authority) -> None:
    """Every byte once: never a traceback, and never another time, name or text."""
    raw, seeded = authority(asked(TEXT).raw), random.Random(SEED)
    true = judge(raw, TEXT, authority.roots)
    for at in range(len(raw)):
        bent = raw[:at] + bytes([raw[at] ^ (1 << seeded.randrange(8))]) + raw[at + 1 :]
        found = judge(bent, TEXT, authority.roots)
        assert found.worth != "good" or (found.at, found.by) == (true.at, true.by), (SEED, at)
    for length in range(0, len(raw), 7):
        assert judge(raw[:length], TEXT, authority.roots).worth != "good"


# Evidence that this program cannot check ------------------------------------------------


def der(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content)
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")  # the shortest, as DER demands
    head = bytes([size]) if size < 128 else bytes([0x80 | len(length)]) + length
    return bytes([tag]) + head + content


def national(folder: Path, token_of: bytes) -> bytes:
    """Return an answer signed with SM2 over SM3, as Chinese authorities give: a real signature."""

    def openssl(*words: str, **how: Any) -> bytes:
        done = subprocess.run(
            ["openssl", *words], cwd=folder, check=True, capture_output=True, **how
        )
        return done.stdout

    (folder / "token.tsr").write_bytes(token_of)
    (folder / "token").write_bytes(openssl("ts", "-reply", "-in", "token.tsr", "-token_out"))
    info = openssl("cms", "-verify", "-noverify", "-inform", "DER", "-in", "token")
    openssl("genpkey", "-algorithm", "SM2", "-out", "sm2.key")
    openssl(
        *("req", "-x509", "-new", "-key", "sm2.key", "-sm3", "-subj", "/CN=SM2 TSA"),
        *("-addext", "extendedKeyUsage=critical,timeStamping", "-days", "30", "-out", "sm2.pem"),
    )
    certificate = openssl("x509", "-in", "sm2.pem", "-outform", "DER")
    serial = int(openssl("x509", "-in", "sm2.pem", "-noout", "-serial").split(b"=")[1], 16)
    name = der(0x30, der(0x31, der(0x30, bytes.fromhex("0603550403"), der(0x0C, b"SM2 TSA"))))
    sm3 = der(0x30, bytes.fromhex("06082a811ccf55018311"))
    made_with = der(0x30, bytes.fromhex("06082a811ccf55018375"))
    of_info = bytes.fromhex("060b2a864886f70d0109100104")
    hashed = openssl("dgst", "-sm3", "-binary", input=info)
    attributes = der(
        0x31,
        der(0x30, bytes.fromhex("06092a864886f70d010903"), der(0x31, of_info)),
        der(0x30, bytes.fromhex("06092a864886f70d010904"), der(0x31, der(0x04, hashed))),
    )
    signature = openssl(
        *("dgst", "-sm3", "-sign", "sm2.key", "-sigopt", "distid:1234567812345678"),
        input=attributes,
    )
    number = serial.to_bytes(serial.bit_length() // 8 + 1, "big")
    signer = der(
        0x30,
        *(b"\x02\x01\x01", der(0x30, name, der(0x02, number)), sm3),
        *(b"\xa0" + attributes[1:], made_with, der(0x04, signature)),
    )
    signed_data = der(
        0x30,
        *(b"\x02\x01\x03", der(0x31, sm3), der(0x30, of_info, der(0xA0, der(0x04, info)))),
        *(der(0xA0, certificate), der(0x31, signer)),
    )
    content = der(0x30, bytes.fromhex("06092a864886f70d010702"), der(0xA0, signed_data))
    return der(0x30, der(0x30, b"\x02\x01\x00"), content)


def test_a_stamp_signed_with_sm2_is_kept_as_evidence_and_said_so(
    authority: Authority, database: str, place: Place, tmp_path: Path
) -> None:
    with opened(database) as book:
        note = signed_book(book, place)

        def answer(query: bytes) -> bytes:
            return national(tmp_path, authority(query))

        made = Stamper(book, answer, authority.roots).stamp()
        assert made is not None
        assert (made[0], made[1].worth) == (5, "unchecked")
        assert made[1].why == stamping.SM2
        assert made[1].by == "CN=SM2 TSA"
        raw = stamping.kept(book, 5)
        assert raw is not None
        loose = raw[:1] + b"\x83\x00" + raw[2:]  # a length longer than DER allows: not read
        found = judge(loose, note.text, authority.roots)
        assert (found.worth, found.why, found.by) == ("unchecked", stamping.SM2, "")
        assert judge(raw, note.text + "x", authority.roots).worth == "bad"
        verdict, stamps = verified(book, authority)
        assert verdict.intact
        assert (stamps.good, stamps.unchecked) == (0, 1)


def test_a_stamp_that_two_have_signed_is_of_no_authority(authority: Authority) -> None:
    """RFC 3161 §2.4.2: the token has the signature of the authority, and no other."""
    folder = authority.folder
    (folder / "one.tsr").write_bytes(authority(asked(TEXT).raw))

    def openssl(*words: str) -> bytes:
        return subprocess.run(
            ["openssl", *words], cwd=folder, check=True, capture_output=True
        ).stdout

    (folder / "one").write_bytes(openssl("ts", "-reply", "-in", "one.tsr", "-token_out"))
    two = openssl(
        *("cms", "-resign", "-inform", "DER", "-in", "one", "-outform", "DER"),
        *("-signer", "stranger.pem", "-inkey", "stranger.key", "-nosmimecap"),
    )
    found = judge(der(0x30, der(0x30, b"\x02\x01\x00"), two), TEXT, authority.roots)
    assert (found.worth, found.why.en) == ("bad", "The authority's certificate is not there.")


def test_a_stamp_in_a_form_the_library_refuses_is_kept_for_openssl(authority: Authority) -> None:
    """Several certificates in an order that DER does not have."""
    query = asked(TEXT)
    names = ("nobody", "root", "expired")
    worths = set()
    for order in (names, names[::-1]):
        chain = b"".join((authority.folder / f"{n}.pem").read_bytes() for n in order)
        (authority.folder / "chain").write_bytes(chain)
        raw = authority(query.raw, "good", "-chain", "chain")
        found = judge(raw, TEXT, authority.roots, query.nonce)
        worths.add((found.worth, "openssl ts" in found.why.en))
    assert worths <= {("good", False), ("unchecked", True)}
    assert ("unchecked", True) in worths


# Beside the log -----------------------------------------------------------------------


def test_a_stamp_is_fetched_kept_verified_and_goes_with_the_evidence(
    authority: Authority, served: Served, database: str, place: Place, tmp_path: Path
) -> None:
    with opened(database) as book:
        note = signed_book(book, place)
        stamper = Stamper.of(book, served.url, authority.trust)
        made = stamper.stamp()
        assert made is not None
        assert (made[0], made[1].worth) == (5, "good")
        assert stamper.stamp() is None  # once is enough
        assert [kind for kind, _ in served.asked] == ["application/timestamp-query"]
        assert sha256(note.text.encode()).digest() in served.asked[0][1]
        verdict, stamps = verified(book, authority)
        assert verdict.intact
        assert stamps.newest == made

        whole = bundling.bundle(book, bundling.of_range(book, 1, 5), place.trust)
        lines = list(restoring.lines(book))
    told = _judged(tmp_path, whole)
    assert told[0] == 0
    command = next(line for line in told[1].splitlines() if line.startswith("Time stamp"))
    _openssl_agrees(tmp_path, whole, command.partition("with: ")[2], authority)
    with opened(f"sqlite:///{tmp_path / 'again.db'}") as again:
        restoring.restore(again, lines)
        verdict, stamps = verified(again, authority)
        assert verdict.intact
        assert stamps.good == 1


def _judged(folder: Path, whole: Bundle, files: dict[str, bytes] | None = None) -> tuple[int, str]:
    content = written(files) if files else whole.content
    (folder / "bundle.zip").write_bytes(content)
    out = io.StringIO()
    with redirect_stdout(out):
        code = main([str(folder / "bundle.zip"), "--lang", "en"])
    return code, out.getvalue()


def _openssl_agrees(folder: Path, whole: Bundle, command: str, authority: Authority) -> None:
    """What the checker says to type holds, in the unpacked bundle."""
    (folder / "tsa").mkdir()
    (folder / "tsa" / "5.tsr").write_bytes(archive(whole.content)["tsa/5.tsr"])
    words = shlex.split(command.replace("AUTHORITY.pem", str(authority.trust)))
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True)
    assert "Verification: OK" in done.stdout + done.stderr


def test_a_bundle_with_a_stamp_of_something_else_is_refused(
    authority: Authority, database: str, place: Place, tmp_path: Path
) -> None:
    with opened(database) as book:
        signed_book(book, place)
        Stamper(book, authority, authority.roots).stamp()
        signed_book(book, place, "v")
        stamp = stamping.kept(book, 5)
        assert stamp is not None
        book.log.keep_attestation(stamping.KIND, 10, stamp)
        whole = bundling.bundle(book, bundling.of_range(book, 1, 5), place.trust)
    code, said = _judged(tmp_path, whole)
    assert code == 1
    assert "tsa/10.tsr is no time stamp of this checkpoint" in said


def test_a_stamp_that_was_exchanged_or_has_rotted_is_found(
    authority: Authority, database: str, place: Place
) -> None:
    with opened(database) as book:
        signed_book(book, place)
        Stamper(book, authority, authority.roots).stamp()
        signed_book(book, place, "v")
        Stamper(book, authority, authority.roots).stamp()
        first = stamping.kept(book, 5)
        assert first is not None
        book.log.keep_attestation(stamping.KIND, 10, first)
        verdict, stamps = verified(book, authority)
        assert [p.check for p in verdict.integrity] == ["stamp"]
        assert "10 entries does not hold: It stamps something else" in verdict.sentence("en")
        assert "时间戳不成立：时间戳盖在别的内容上" in verdict.sentence("zh")
        assert stamps.good == 1
        with unguarded(database) as execute:
            execute("UPDATE ledger_attestation SET content=? WHERE size=5", b"x")
        assert [p.check for p in verify(book).integrity] == ["attestation"]
        # A bad one that is kept is replaced, a good one is not.
        assert Stamper(book, authority, authority.roots).stamp() is not None
        assert Stamper(book, authority, authority.roots).stamp() is None


def test_a_stamp_beside_a_checkpoint_that_is_none_is_not_accused_as_well(
    authority: Authority, database: str, place: Place
) -> None:
    with opened(database) as book:
        signed_book(book, place)
        Stamper(book, authority, authority.roots).stamp()
        with unguarded(database) as execute:
            execute("UPDATE ledger_checkpoint SET note=? WHERE size=5", b"nothing")
        verdict, stamps = verified(book, authority)
        assert [p.check for p in verdict.integrity] == ["checkpoint"]
        assert (stamps.good, stamps.unchecked) == (0, 0)


# Nobody waits -------------------------------------------------------------------------

Wrong = Callable[[bytes], tuple[int, bytes]]
WRONG: dict[str, Wrong] = {
    "an-error": lambda _: (500, b"no"),
    "elsewhere": lambda _: (302, b""),
    "nothing": lambda _: (200, b""),
    "a-page": lambda _: (200, b"<html>log in</html>"),
    "too-much": lambda _: (200, bytes(stamping.STAMP_BYTES_MAX + 1)),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_an_authority_that_answers_nonsense_leaves_nothing_behind(
    served: Served, authority: Authority, database: str, place: Place, wrong: str
) -> None:
    served.answer = WRONG[wrong]
    with opened(database) as book:
        signed_book(book, place)
        with pytest.raises(Unproven):
            Stamper.of(book, served.url, authority.trust).stamp()
        assert stamping.kept(book, 5) is None
        assert verify(book).intact


@pytest.mark.reliability("R11")
@pytest.mark.parametrize("persisted", [False, True], ids=["not-done", "done"])
@pytest.mark.parametrize("call", ["ask", "keep"])
def test_a_stamp_that_was_lost_is_fetched_again_and_nothing_else_notices(
    authority: Authority, database: str, place: Place, call: str, persisted: bool
) -> None:
    """R11: failed but persisted, at the call to the authority and at the call to the database."""
    with opened(database) as book:
        signed_book(book, place)
        stamper = Stamper(book, authority, authority.roots)
        kept = book.log.keep_attestation

        def lost(*given: Any) -> Any:
            if persisted:
                (authority if call == "ask" else kept)(*given)
            raise Unavailable("disk", OSError("lost"))

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                *((stamper, "_ask") if call == "ask" else (book.log, "keep_attestation")), lost
            )
            with pytest.raises(Unavailable):
                stamper.stamp()
        signed_book(book, place, "v")  # the notary goes on
        assert stamper.stamp() is not None
        verdict, stamps = verified(book, authority)
        assert verdict.intact
        assert stamps.newest is not None
        assert stamps.newest[0] == 10


@pytest.mark.reliability("R11")
def test_the_notary_signs_on_while_the_authority_does_not_answer(
    served: Served, authority: Authority, database: str, place: Place
) -> None:
    awake, begun, told = threading.Event(), threading.Event(), threading.Event()
    good = served.answer

    def slow(query: bytes) -> tuple[int, bytes]:
        begun.set()
        awake.wait()
        return good(query)

    served.answer = slow
    heard: list[int] = []

    def hear(size: int, what: Stamp | Unproven | Unavailable) -> None:
        assert isinstance(what, Stamp), what
        heard.append(size)
        if len(heard) == 2:
            told.set()

    with opened(database) as book:
        stamper = Stamper.of(book, served.url, authority.trust, hear)
        watch = Watch(place, place.notary(), book, seconds=0, stamp=stamper.wake)
        stamper.start()
        for name in ("u", "v", "w"):
            book.act([unit(f"{name}{n}") for n in range(5)], ADMIN)
            assert watch.look() is not None
            begun.wait()  # until the first question is asked
        assert [size for size, _ in book.log.checkpoints(0, 99, 9)] == [15, 10, 5]
        assert not heard
        awake.set()
        assert told.wait(60)
        stamper.stop()
        assert heard == [5, 15]  # the one that was asked for, then the newest
        assert verified(book, authority)[0].intact


def test_what_failed_is_tried_again_without_anything_new(
    authority: Authority, database: str, place: Place
) -> None:
    done, answers = threading.Event(), [b"", b""]
    heard: list[str] = []

    def hear(_: int, what: Stamp | Unproven | Unavailable) -> None:
        heard.append(type(what).__name__)
        if isinstance(what, Stamp):
            done.set()

    def answer(query: bytes) -> bytes:
        return answers.pop() if answers else authority(query)

    with opened(database) as book:
        signed_book(book, place)
        stamper = Stamper(book, answer, authority.roots, told=hear, again_seconds=0.01)
        stamper.start()
        stamper.wake()
        assert done.wait(60)
        stamper.stop()
    assert heard == ["Unproven", "Unproven", "Stamp"]


# The extra and the command line -------------------------------------------------------


def test_without_the_extra_a_sentence_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, database: str
) -> None:
    monkeypatch.setitem(sys.modules, "rfc3161_client", None)
    with opened(database) as book, pytest.raises(Unproven, match=r"gongwu\[tsa\]") as absent:
        Stamper(book, bytes)
    assert "pip install" in absent.value.sentence("zh")


def test_nothing_loads_an_extra_before_it_is_asked_for() -> None:
    ask = (
        "import sys, api.cli, api.app, ledger.stamping, ledger.national;"
        "print([m for m in sys.modules if m.startswith(('rfc3161', 'gmssl', 'Cryptodome'))])"
    )
    done = subprocess.run([sys.executable, "-c", ask], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_addresses_and_certificates_that_are_none_are_refused(tmp_path: Path) -> None:
    for url in ("ftp://tsa.example/", "file:///etc/passwd", "http://", "x"):
        with pytest.raises(Unproven):
            over_http(url)
    (tmp_path / "none.pem").write_bytes(b"no certificate")
    for file in (tmp_path / "none.pem", tmp_path / "absent.pem"):
        with pytest.raises(Unproven):
            stamping.trusted(file)


def test_the_command_line_stamps_and_verifies(
    served: Served,
    authority: Authority,
    database: str,
    place: Place,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GONGWU_DATABASE", database)
    monkeypatch.setenv("GONGWU_NOTARY", str(place.folder))

    def run(line: str) -> str:
        done = CliRunner().invoke(cli.app, ["--lang", "en", *shlex.split(line)])
        assert done.exit_code == 0, done.output
        return done.output

    with opened(database) as book:
        book.act([unit("u1")], ADMIN)
    trust = f"--tsa-trust {authority.trust}"
    assert "It holds" in run(f"notary sign --tsa {served.url} {trust}")
    assert "stamped already" in run(f"notary stamp --tsa {served.url} {trust}")
    assert "1 hold" in run(f"verify {trust}")
    assert "not checked" in run("verify")
    served.answer = WRONG["an-error"]
    with opened(database) as book:
        book.act([unit("u2")], ADMIN)
    said = run(f"notary sign --tsa {served.url} {trust}")  # signed, whatever the authority does
    assert "did not answer" in said
    with opened(database) as book:
        notes = [Checkpoint.parse(Note.parse(raw).text) for _, raw in book.log.checkpoints(0, 9, 9)]
    assert [checkpoint.size for checkpoint in notes] == [2, 1]
