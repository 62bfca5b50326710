"""Checkpoints, tiles and proofs through the doors: HTTP, pages and the command line."""

from __future__ import annotations

import base64
import json
import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pypdfium2
import pytest
import uvicorn
import zxingcpp
from books import ADMIN, ON, going_back, unguarded
from doors import PASSWORD, Door, registered, staffed
from fastapi import FastAPI
from fastapi.testclient import TestClient
from test_tampering import edit, forged, rewrite, states_of
from typer.testing import CliRunner

from api import cli, finding, papers, problems, rest, rest_log, security
from api.app import create_app
from api.cli_serve import address, embed, listen
from api.notarising import (
    EVERY_ENTRIES,
    EVERY_SECONDS,
    LOOK_SECONDS,
    ONE_MACHINE,
    Place,
    Watch,
    over_http,
    signed,
)
from api.office import Office
from api.proving import held
from api.witness_app import create_witness
from domain.decider import FACTS, Ask, Lang, Occasion
from labels import paper
from ledger import keys, proofs, tiles, tree
from ledger.book import Book
from ledger.mirror import Mirror
from ledger.notes import LOG, WITNESS, Checkpoint, Note, Unproven
from ledger.proofs import Proof
from ledger.trust import Trust
from ledger.witnessing import REQUEST_BYTES_MAX, Answer, Witness
from projections.scope import EVERYTHING

ORIGIN = "ledger.example.gov.cn/warehouse-1"


@pytest.fixture
def office(database: str, tmp_path: Path) -> Iterator[Office]:
    with staffed(database) as found:
        found.proving._policy = tmp_path / "notary/policy.txt"
        yield found


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path / "notary")
    made.make(ORIGIN)
    return made


@pytest.fixture
def door(office: Office) -> Door:
    app = FastAPI()
    app.state.office = office
    rest.install(app, office)
    rest_log.install(app, office)
    problems.install(app)
    security.protect(app, refuse=problems.refuse)
    return Door(app)


def many(office: Office, count: int) -> None:

    book = office.book
    book.act(
        [
            Ask(f"unit/x{book.head()[0]}.{n}", "establish", {"name": "示例局", "kind": "organ"})
            for n in range(count)
        ],
        ADMIN,
    )


def ask(door: Door, path: str, who: str = "auditor", **query: Any) -> Any:
    return door.http.get(path, params=query, auth=(who, PASSWORD) if who else None)


def test_foreign_clients_find_the_log_where_the_format_says(
    office: Office, door: Door, place: Place
):
    """Whoever mirrors such logs can mirror ours: checkpoint, tiles and, for auditors, entries."""
    assert ask(door, "/log/checkpoint", "").status_code == 404
    many(office, 600)
    note, _ = signed(place, place.notary(), office.book)
    assert ask(door, "/log/checkpoint", "").content == note.raw
    size = Checkpoint.parse(note.text).size
    leaves = office.book.log.leaves(1, size)
    for level, number, width in tiles.published(size):
        path = f"/{tiles.address(level, number, width)}".replace("/tile", "/log/tile", 1)
        who = "auditor" if level is None else ""
        found = ask(door, path, who)
        assert found.status_code == 200, path
        if level is None:
            assert [tree.leaf(e) for e in tiles.unbundled(found.content)] == (
                leaves[number * 256 : number * 256 + width]
            )
            assert ask(door, path, "").status_code == 401
            assert ask(door, path, "keeper").status_code == 403
        elif level == 0:
            assert tree.unpack(found.content) == leaves[number * 256 : number * 256 + width]
    for missing in (
        "0/003",
        "0/002.p/255",
        "1/000",
        "7/000",
        "9/000",
        "63/000",
        "x/000",
        "entries/009",
    ):
        assert ask(door, f"/log/tile/{missing}").status_code == 404, missing


def test_proofs_come_checked_and_are_checked_elsewhere(office: Office, door: Door, place: Place):
    trust = place.trust
    registered(door)
    many(office, 300)
    first, _ = signed(place, place.notary(), office.book)
    many(office, 300)
    second, _ = signed(place, place.notary(), office.book)
    sizes = [held(note.raw.decode()).size for note in (first, second)]
    rows = office.book.log.stream_rows("asset/A1")
    query: Any
    size: Any
    for query in ({"stream": "asset/A1", "seq": 1}, {"index": rows[0][0] - 1}):
        for size in ({}, {"size": sizes[0]}):
            answer = ask(door, "/audit/v1/proofs/inclusion", **query, **size)
            proof = Proof.parse(answer.content)
            checkpoint = proof.check(bytes(rows[0][4]))
            assert checkpoint.size == (sizes[0] if size else sizes[1])
            assert trust.judge(Note.parse(proof.checkpoint)).met
    told = ask(door, "/audit/v1/proofs/inclusion", index=0, **{"as": "json"}).json()
    path = [base64.b64decode(hash_) for hash_ in told["path"]]
    leaf = office.book.log.leaves(1, 1)[0]
    root = held(told["checkpoint"])
    assert proofs.included(0, root.size, leaf, path, root.root)
    between = ask(door, "/audit/v1/proofs/consistency", **span(sizes[0])).json()
    old, new = held(between["old"]), held(between["new"])
    path = proofs.hashes(between["path"])
    assert proofs.consistent(old.size, new.size, old.root, new.root, path)
    any_size = ask(door, "/audit/v1/proofs/consistency", **span(7, to=sizes[1])).json()
    assert any_size["old"] is None
    listed = ask(door, "/audit/v1/checkpoints").json()["items"]
    assert [item["size"] for item in listed] == sizes[::-1]
    one = ask(door, f"/audit/v1/checkpoints/{sizes[0]}")
    assert one.content == first.raw
    entries = ask(door, "/audit/v1/entries", start=0, count=3).content
    length = int.from_bytes(entries[:4], "big")
    assert tree.leaf(entries[4 : 4 + length]) == leaf


def span(start: int, **more: Any) -> Any:
    return {"from": start, **more}


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("proofs/inclusion", {}, 422),
        ("proofs/inclusion", {"index": "1", "stream": "asset/A1"}, 422),
        ("proofs/inclusion", {"stream": "asset/A1", "seq": "9"}, 404),
        ("proofs/inclusion", {"index": "9999"}, 404),
        ("proofs/inclusion", {"index": "0", "size": "1"}, 404),
        ("proofs/consistency", {}, 422),
        ("proofs/consistency", {"from": "9999"}, 404),
        ("checkpoints/x", {}, 404),
        ("checkpoints/1", {}, 404),
        ("entries", {"count": "0"}, 422),
        ("status", {"x": "1"}, 422),
    ],
)
def test_what_is_not_there_is_said_so(
    office: Office, door: Door, place: Place, path: str, query: dict[str, str], status: int
):
    signed(place, place.notary(), office.book)
    assert ask(door, f"/audit/v1/{path}", **query).status_code == status
    assert ask(door, f"/audit/v1/{path}", "", **query).status_code == 401


def test_a_changed_leaf_yields_no_bad_proof(office: Office, door: Door, place: Place):
    many(office, 20)
    signed(place, place.notary(), office.book)
    with unguarded(office.book.url) as execute:
        execute("UPDATE ledger_entry SET leaf=? WHERE notification_id=5", bytes(32))
    answer = ask(door, "/audit/v1/proofs/inclusion", index=7)
    assert answer.status_code == 404
    assert "校验" in answer.text


def test_the_exposed_window_is_told(office: Office, door: Door, place: Place, tmp_path: Path):
    many(office, 5)
    said = ask(door, "/audit/v1/status").json()
    assert (said["signed"], said["exposed_entries"]) == (0, said["size"])
    signed(place, place.notary(), office.book)
    said = ask(door, "/audit/v1/status").json()
    assert (said["signed"], said["unsigned_entries"], said["unsigned_seconds"]) == (
        said["size"],
        0,
        0,
    )
    assert said["exposed_entries"] == said["size"]  # nobody outside has signed
    many(office, 3)
    said = ask(door, "/audit/v1/status").json()
    assert (said["unsigned_entries"], said["exposed_entries"]) == (3, said["size"])
    key = keys.make(tmp_path / "w.key", "w.example", WITNESS)
    place.add_witness("w", key.verifier.vkey, "")
    said = ask(door, "/audit/v1/status").json()
    assert (said["witnessed"], said["wanted"], said["exposed_entries"]) == (0, 1, said["size"])


# A notary beside a service, and witnesses on the network --------------------------------


@contextmanager
def served(witness: Witness) -> Iterator[str]:
    listener = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(create_witness(witness), log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"{address(listener)}/witness"
    finally:
        server.should_exit = True
        thread.join()


def test_witnesses_on_the_network_and_on_a_stick(office: Office, place: Place, tmp_path: Path):
    log = keys.load(place.key).verifier
    folders = [tmp_path / f"w{n}" for n in range(3)]
    for folder in folders:
        folder.mkdir()
    all_ = [
        Witness(f / "seen.db", keys.make(f / "witness.key", f"{f.name}.example", WITNESS), [log])
        for f in folders
    ]
    with served(all_[0]) as url:
        place.add_witness("near", all_[0].signer.verifier.vkey, url)
        place.add_witness("away", all_[1].signer.verifier.vkey, "http://127.0.0.1:1/witness")
        place.add_witness("stick", all_[2].signer.verifier.vkey, "")
        assert place.trust.text.splitlines()[-1] == "quorum any-two"
        note, judged = signed(place, place.notary(), office.book)
        assert (set(judged.witnesses), judged.met) == ({"near"}, False)
        name = sha256(ORIGIN.encode()).hexdigest()
        with urlopen(f"{url}/{name}/checkpoint") as answer:
            assert Note.parse(answer.read()).text == note.text
        status, _ = over_http(url)(b"x" * (REQUEST_BYTES_MAX + 1))
        assert status == 413
        assert over_http(url + "/nowhere")(b"")[0] == 404
    with pytest.raises(Unproven):
        over_http("file:///etc/passwd")
    env = {**os.environ, "GONGWU_DATABASE": office.settings.database, "GONGWU_LANG": "en"}
    run = [sys.executable, "-c", "from api.cli import app; app()"]
    folder = folders[2]
    (folder / "logs.txt").write_text(log.vkey + "\n")

    def gongwu(*words: str, sent: bytes = b"", code: int = 0) -> bytes:
        done = subprocess.run([*run, *words], input=sent, capture_output=True, env=env, check=False)
        assert done.returncode == code, done.stderr.decode()
        return done.stdout if not code else done.stderr

    at_notary, at_witness = ("--folder", str(place.folder)), ("--folder", str(folder))
    request = gongwu("notary", "request", *at_notary)
    signature = gongwu("witness", "sign", *at_witness, sent=request)
    (tmp_path / "stick").write_bytes(signature)
    said = gongwu("notary", "accept", str(tmp_path / "stick"), *at_notary).decode()
    assert "near, stick" in said
    assert b"not a request" in gongwu("witness", "sign", *at_witness, sent=b"x", code=1)
    stale = request.replace(b"old 0", b"old 1")
    assert b"--old" in gongwu("witness", "sign", *at_witness, sent=stale, code=1)
    assert ORIGIN.encode() in gongwu("witness", "seen", *at_witness)
    standing = office.proving.standing()
    assert (standing.witnessed, set(standing.witnesses)) == (standing.size, {"near", "stick"})


def test_the_notary_beside_a_service_signs_by_itself(office: Office, place: Place):
    many(office, 3)
    embed(office, place)
    assert office.proving.standing().one_machine
    stop = office.closing.pop()  # what was opened last
    done = threading.Event()
    while (note := office.proving.note()) is None:
        assert not done.wait(0.05)
    stop()
    assert Checkpoint.parse(note.text).size == office.book.head()[0]


def test_it_waits_for_the_window_or_for_many_entries(office: Office, place: Place):
    told: list[int] = []
    watch = Watch(
        place, place.notary(), office.book, seconds=3600, entries=10,
        told=lambda judged: told.append(judged.checkpoint.size),
    )  # fmt: skip
    assert watch.look() is not None  # nothing was signed yet
    assert watch.look() is None
    many(office, 9)
    assert watch.look() is None
    many(office, 1)
    assert watch.look() is not None
    assert told == [2, 12]


def test_a_boundary_is_signed_at_once_and_keeps_its_checkpoint(office: Office, place: Place):
    """Periods, stocktakes and approvals are signed when they end, and cite that checkpoint."""
    watch = Watch(place, place.notary(), office.book, seconds=3600)
    watch.look()
    many(office, 3)
    assert watch.look() is None
    asked = (("u_1", "accountant", "propose_close", {"until": date(2025, 1, 31)}),)
    for by, role, verb, form in (*asked, ("u_2", "head", "close", {})):
        book, stream = office.book, "period/o_a"
        book.act([Ask(stream, verb, form)], Occasion(by=by, on=ON, role=role))
    at = office.book.head()[0]
    many(office, 2)
    assert office.proving.covering(at) == 0
    judged = watch.look()
    assert judged is not None
    assert judged.checkpoint.size == at + 2
    many(office, 2)
    assert watch.look() is None  # one boundary asks once
    place.notary().sign(office.book)
    assert office.proving.covering(at) == at + 2
    assert f"\n{at + 2}\n" in office.proving.on_paper(at)
    assert f"\n{at + 4}\n" in office.proving.on_paper()


def test_what_ends_on_paper_is_a_boundary():
    assert {name for name, fact in FACTS.items() if fact.boundary} == {
        *("stocktake.reviewed", "stocktake.closed", "census.closed"),
        *("disposal.approved", "period.closed", "recovery.confirmed"),
    }


def test_no_entry_waits_longer_than_a_minute(office: Office, place: Place):
    """Looked at every second, at the latest after 58: within 60 whatever falls between looks."""
    now = [0.0]
    watch = Watch(place, place.notary(), office.book, clock=lambda: now[0])
    watch.look()
    many(office, 1)
    seen = [(now.__setitem__(0, float(second)), watch.look())[1] for second in range(100, 161)]
    signed_after = next(n for n, judged in enumerate(seen) if judged is not None)
    assert signed_after + 2 * LOOK_SECONDS == EVERY_SECONDS == 60
    assert EVERY_ENTRIES == 1_000
    many(office, 1)
    after_a_restart = Watch(place, place.notary(), office.book, clock=lambda: now[0])
    assert after_a_restart.look() is not None


# Verify, and what is done after a loss --------------------------------------------------


@pytest.fixture
def gongwu(office: Office) -> Callable[..., str]:
    """Run a command on the office's ledger, in English; its exit code is part of the promise."""

    def run(*words: str, code: int = 0) -> str:
        asked = ["--lang", "en", "--database", office.settings.database, *words]
        result = CliRunner().invoke(cli.app, asked)
        assert result.exit_code == code, result.output
        return result.output

    return run


@pytest.mark.target("T06", "T16")
def test_verify_says_both_verdicts_and_holds_the_log_against_what_was_kept(
    office: Office, place: Place, tmp_path: Path, gongwu: Callable[..., str]
):
    many(office, 20)
    note, _ = signed(place, place.notary(), office.book)
    mirror = tmp_path / "mirror"
    Mirror(mirror).bring(office.book.log, note)
    kept, typed = tmp_path / "kept.txt", tmp_path / "typed.txt"
    kept.write_bytes(note.raw)
    typed.write_text(note.text)
    policy = ("--trust", str(place.policy))
    assert "itself alone" in gongwu("verify")
    for since in (
        ("--since", str(typed)),
        ("--since", str(kept), *policy, "--mirror", str(mirror)),
    ):
        said = gongwu("verify", *since)
        assert "Integrity: passed" in said
        assert "Completeness: passed" in said
        assert "as they were" in said
    assert "Nobody who is trusted" in gongwu(
        "verify", "--since", str(kept), "--trust", str(other_policy(tmp_path)), code=1
    )
    rewrite(office.settings.database, forged_names(office), keys.load(place.key))
    assert "Integrity: passed" in gongwu("verify")  # the database contradicts itself nowhere
    said = gongwu("verify", "--since", str(kept), "--mirror", str(mirror), code=1)
    assert "Integrity: FAILED" in said
    assert "Entry 9 is not the one in the mirror" in said
    assert "Completeness: passed" in said
    json_ = json.loads(gongwu("--json", "verify", "--since", str(kept), code=1))
    assert (json_["intact"], json_["complete"]) == (False, True)


def forged_names(office: Office) -> list[bytes]:
    return forged(states_of(office.settings.database), edit, 8, random.Random(1))


def other_policy(folder: Path) -> Path:
    file = folder / "other.txt"
    key = keys.make(folder / "other.key", ORIGIN, LOG)
    file.write_text(Trust.two_of_three(key.verifier, []).text)
    return file


@pytest.mark.either_backend("an older backup takes the same away from either")
@pytest.mark.reliability("R20")
def test_after_a_lossy_restore_a_mirror_brings_everything_back(
    office: Office,
    place: Place,
    tmp_path: Path,
    new_database: Callable[[], str],
    gongwu: Callable[..., str],
):
    many(office, 5)
    mirror, at = tmp_path / "mirror", ("--folder", str(place.folder))
    with going_back(office.settings.database):
        many(office, 5)
        root = office.book.head()[1]
        gongwu("notary", "sign", *at, "--mirror", str(mirror))
        assert "Nothing to recover" in gongwu("notary", "recover", *at)
        office.close()
    assert "went back" in gongwu("notary", "sign", *at, code=1)
    assert "are missing" in gongwu("notary", "recover", *at, code=1)
    back, new = tmp_path / "back.jsonl", new_database()
    gongwu("notary", "recover", *at, "--mirror", str(mirror), code=2)
    gongwu("notary", "recover", *at, "--mirror", str(mirror), "--to", str(back))
    gongwu("restore", str(back), "--database", new, "--root", root.hex())
    book = Book.open(new)
    try:
        assert book.head()[1] == root
        assert place.notary().sign(book)
    finally:
        book.close()


# The page -----------------------------------------------------------------------------


def test_the_page_says_what_is_signed_and_verifies_against_a_kept_checkpoint(
    office: Office, place: Place
):
    many(office, 20)
    note, _ = signed(place, place.notary(), office.book)
    office.proving.one_machine = True
    client = TestClient(create_app(office.settings, office), base_url="http://127.0.0.1")
    client.post(
        "/login",
        data={"login": "auditor", "password": PASSWORD},
        headers={"origin": "http://127.0.0.1"},
    )
    page = client.get("/audit").text
    assert ONE_MACHINE.zh in page
    assert ORIGIN in page
    assert client.get("/audit/checkpoint").content == note.raw

    def verify(since: str) -> str:
        return client.post(
            "/audit/verify", data={"since": since}, headers={"origin": "http://127.0.0.1"}
        ).text

    assert "自那时起未被改动" in verify(note.raw.decode())
    assert "自那时起未被改动" in verify("\r\n".join(note.text.splitlines()))
    assert "私自" in verify("")
    assert "不是检查点格式" in verify("nonsense")
    other = Checkpoint("other.example/log", 9, bytes(32)).text
    assert "另一本账" in verify(other)
    forged_note = Checkpoint(ORIGIN, 9, bytes(32)).text
    assert "未通过" in verify(forged_note)


# Paper --------------------------------------------------------------------------------


def test_a_stocktake_sheet_carries_the_checkpoint_as_text_and_code(office: Office, place: Place):
    """Whoever keeps the page can hold the ledger against it: by the code, or by typing."""
    many(office, 20)
    stream = office.book.stream("unit/o_a")
    before = papers.counted(office, EVERYTHING, stream, "2026-01-31", "zh")
    assert before.checkpoint == ""
    note, _ = signed(place, place.notary(), office.book)
    languages: tuple[tuple[Lang, str], ...] = (
        *(("zh", "账本检查点"), ("en", "Checkpoint of the ledger")),
    )
    for lang, sentence in languages:
        sheet = papers.counted(office, EVERYTHING, stream, "2026-01-31", lang)
        assert sheet.checkpoint == note.raw.decode()
        document = paper.pdf(sheet)
        whole = pypdfium2.PdfDocument(document)
        page = whole[len(whole) - 1]
        text = page.get_textpage().get_text_bounded()
        assert sentence in text.replace("\r\n", "")
        assert all(line in text.replace("\r\n", "\n") for line in note.text.splitlines())
        picture = page.render(scale=4).to_pil()
        read = {found.text for found in zxingcpp.read_barcodes(picture)}
        assert note.raw.decode().strip() in {text.strip() for text in read}
        assert held(next(t for t in read if t.startswith(ORIGIN))).size == office.book.head()[0]


def test_a_name_too_long_for_a_code_is_there_as_text(office: Office):
    stream = office.book.stream("unit/o_a")
    sheet = papers.counted(office, EVERYTHING, stream, "2026-01-31", "zh")
    note = Checkpoint("x" * 200 + ".example", 7, bytes(32)).text
    document = paper.pdf(replace(sheet, checkpoint=note))
    whole = pypdfium2.PdfDocument(document)
    text = whole[len(whole) - 1].get_textpage().get_text_bounded()
    assert "x" * 40 in text


def test_what_no_witness_has_seen_for_too_long_is_a_finding(
    office: Office, place: Place, tmp_path: Path
):
    many(office, 3)
    key = keys.make(tmp_path / "w.key", "w.example", WITNESS)
    assert not finding.found(office).counts.get("unwitnessed")  # nobody is to watch
    place.add_witness("w", key.verifier.vkey, "")
    now = office.book.clock()
    assert not finding.found(office).counts.get("unwitnessed")
    office.book.clock = lambda: now + timedelta(seconds=120)
    assert finding.found(office).counts["unwitnessed"] == 1
    note, _ = signed(place, place.notary(), office.book)
    witness = Witness(tmp_path / "seen.db", key, [place.trust.logs[0]])
    notary = place.notary()
    notary.cosigned(office.book, note, [(key.verifier, lambda raw: told(witness.add(raw)))])
    assert not finding.found(office).counts.get("unwitnessed")


def told(answer: Answer) -> tuple[int, bytes]:
    return answer.status, answer.body
