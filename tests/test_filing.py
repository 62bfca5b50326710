"""Attachments: kept under their fingerprint, checked, told in the history, removed by an event."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
import pytest
from books import opened, unguarded
from doors import PASSWORD, Door, app_of, registered, staffed
from given import given

from api import filing
from api.filing import NotTaken, media_of, titled
from api.office import Actor, Office
from domain import filing as folder
from domain.decider import Refused
from domain.filing import File, FileAttached, FileRemoved, Folder, folder_of, whose
from ledger import attachments, bundling, restoring
from ledger.notes import Unproven
from ledger.verifying import verify

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8
HASH = sha256(PNG).hexdigest()
HEAD = Actor(person="u_head", unit="o_a", role="head", name="示例head")
CLERK = Actor(person="u_clerk", unit="o_a", role="clerk")
there = FileAttached(sha256=HASH, media="image/png", size_bytes=len(PNG), title="照片.png")


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    with staffed(database) as found:
        yield found


@pytest.fixture
def door(office: Office) -> Door:
    found = Door(app_of(office))
    registered(found)
    return found


def upload(door: Door, content: bytes = PNG, who: str = "clerk", **query: str) -> Any:
    return door.http.post(
        "/api/v1/attachments/asset/A1",
        params={"title": "照片.png", **query},
        content=content,
        headers={"Idempotency-Key": f"up-{sha256(content).hexdigest()[:20]}-{who}"},
        auth=(who, PASSWORD),
    )


# The folder -----------------------------------------------------------------------------


def test_a_folder_is_named_after_whose_it_is() -> None:
    assert folder_of("asset/7Q.2K") == "folder/asset.7Q.2K"
    assert whose("folder/asset.7Q.2K") == "asset/7Q.2K"


def test_a_file_is_attached_once_and_removed_once() -> None:
    form = {"sha256": HASH, "media": "image/png", "size_bytes": len(PNG), "title": "照片.png"}
    given(folder.lifecycle).when(folder.attach, **form).then(there)
    given(folder.lifecycle, there).when(folder.attach, **form).then_refused(folder.NOT_TWICE)
    given(folder.lifecycle).when(folder.attach, **form | {"sha256": HASH.upper()}).then_refused(
        folder.BYTES_COME_ALONG
    )
    gone = FileRemoved(sha256=HASH, title="照片.png", reason="拍错")
    given(folder.lifecycle, there).when(folder.take_out, sha256=HASH, reason="拍错").then(gone)
    given(folder.lifecycle).when(folder.take_out, sha256=HASH, reason="x").then_refused(
        folder.ATTACHED
    )
    given(folder.lifecycle, there, gone).when(folder.attach, **form).then(there)
    assert folder.lifecycle.fold([there]) == Folder(
        files=(File(HASH, "image/png", len(PNG), "照片.png"),)
    )
    assert folder.lifecycle.fold([there, gone]) == Folder()


def test_a_folder_holds_five_hundred_files() -> None:
    def numbered(count: int) -> list[FileAttached]:
        return [
            FileAttached(sha256=f"{n:064}", media="text/plain", size_bytes=1, title="x")
            for n in range(count)
        ]

    form = {"sha256": HASH, "media": "image/png", "size_bytes": 1, "title": "x"}
    last = FileAttached(**form)
    given(folder.lifecycle, *numbered(folder.FILES_MAX - 1)).when(folder.attach, **form).then(last)
    given(folder.lifecycle, *numbered(folder.FILES_MAX)).when(folder.attach, **form).then_refused(
        folder.ROOM
    )


# What is taken --------------------------------------------------------------------------


def packed(*members: tuple[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", how) as made:
        for name, content in members:
            made.writestr(name, content)
    return kept.getvalue()


def test_what_a_file_is_is_told_from_its_bytes() -> None:
    assert media_of(PNG) == "image/png"
    assert media_of(b"\xff\xd8\xff\xe0...") == "image/jpeg"
    assert media_of(b"RIFF\0\0\0\0WEBPVP8 ") == "image/webp"
    assert media_of(b"%PDF-1.7\n") == "application/pdf"
    assert media_of("编号,名称\n1,桌\n".encode()) == "text/plain"
    assert media_of(packed(("word/document.xml", b"<w/>"))).endswith("wordprocessingml.document")
    assert media_of(packed(("xl/workbook.xml", b"<w/>"))).endswith("spreadsheetml.sheet")
    assert media_of(packed(("OFD.xml", b"<ofd/>"))) == "application/ofd"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<!doctype html><p>x",
        b"MZ\x90\0\x03",
        b"\x7fELF",
        b"text\0with nothing",
        b"GIF89a\xff",
        b"PK\x03\x04 no zip at all",
        packed(("a.txt", b"x")),
        packed(("word/document.xml", b"x"), ("xl/workbook.xml", b"x")),
        packed(("word/document.xml", bytes(30 * 2**20))),
        packed(("word/document.xml", b"x"), ("../../etc/passwd", b"x")),
        packed(("word/document.xml", b"x"), ("word/vbaProject.bin", b"x")),
        packed(("word/document.xml", b"x"), *((f"{n}", b"") for n in range(2_001))),
        b"%PDF-" + bytes(20 * 2**20),
    ],
)
def test_what_could_harm_a_reader_is_not_taken(content: bytes) -> None:
    with pytest.raises(NotTaken):
        media_of(content)


def test_a_name_plays_no_tricks() -> None:
    assert titled("../../照片.png") == "照片.png"
    assert titled("C:\\x\\\u202egnp.exe") == "gnp.exe"
    assert titled("\0\n") == "附件"
    assert len(titled("长" * 300)) == 200


# Kept, checked, told --------------------------------------------------------------------


@pytest.mark.target("T13")
def test_a_file_comes_back_to_the_byte_and_is_never_run(door: Door) -> None:
    answer = upload(door)
    assert answer.status_code == 200, answer.text
    assert upload(door).json() == answer.json()  # the same request again
    listed = door.get("attachments/asset/A1").json()["items"]
    assert [(f["sha256"], f["title"], f["kept"]) for f in listed] == [(HASH, "照片.png", True)]
    read = door.get(f"attachments/asset/A1/{HASH}")
    assert read.content == PNG
    assert read.headers["content-type"] == "image/png"
    assert read.headers["content-disposition"].startswith("attachment;")
    assert "sandbox" in read.headers["content-security-policy"]
    assert read.headers["x-content-type-options"] == "nosniff"
    assert door.get(f"attachments/asset/A1/{'0' * 64}").status_code == 404
    assert door.get("attachments/asset/nobody").status_code == 404
    assert door.get("attachments/folder/asset.A1").status_code == 404


def test_what_is_refused_leaves_nothing(door: Door, office: Office) -> None:
    assert upload(door, who="auditor").status_code == 409
    assert upload(door, b"<svg/>").json()["slug"] == "file-not-taken"
    assert upload(door, b"%PDF-" + bytes(21 * 2**20)).status_code == 413
    assert office.book.log.file(HASH) is None
    upload(door)
    assert upload(door, who="keeper").json()["slug"] == "file-attached-already"
    form = {"sha256": "0" * 64, "media": "image/png", "size_bytes": 1, "title": "x"}
    assert door.post("folder/asset.A1/attach", form).json()["slug"] == "file-without-its-bytes"
    assert verify(office.book).intact


@pytest.mark.target("T13")
def test_a_changed_or_missing_file_is_reported(door: Door, office: Office, database: str) -> None:
    upload(door)
    assert verify(office.book).intact
    with unguarded(database) as execute:
        execute("UPDATE ledger_file SET content=? WHERE sha256=?", PNG[:-1] + b"!", HASH)
    found = verify(office.book)
    assert [(p.check, p.detail) for p in found.integrity] == [("attachment", HASH)]
    assert office.book.stream("folder/asset.A1").entries[-1].position == found.integrity[0].position
    with unguarded(database) as execute:
        execute("DELETE FROM ledger_file WHERE sha256=?", HASH)
    assert [p.check for p in verify(office.book).integrity] == ["attachment"]


@pytest.mark.target("T13")
def test_a_removal_is_an_event_and_the_bytes_are_gone(
    door: Door, office: Office, database: str, tmp_path: Path
) -> None:
    marked = b"%PDF-1.7 " + b"a-very-private-sentence " * 400
    name = sha256(marked).hexdigest()
    upload(door, marked)
    refused = door.post("folder/asset.A1/take_out", {"sha256": name, "reason": "误传"}, who="clerk")
    assert refused.status_code == 409
    removed = door.post("folder/asset.A1/take_out", {"sha256": name, "reason": "误传"}, who="head")
    assert removed.status_code == 200, removed.text
    assert office.book.log.file(name) is None
    assert door.get("attachments/asset/A1").json()["items"] == []
    verdict = verify(office.book)
    assert verdict.intact
    assert [(p.position, p.detail) for p in verdict.removed] == [(removed.json()["first"], name)]
    for lang in ("zh", "en"):
        said = verdict.sentence(lang)
        assert name in said
        assert str(removed.json()["first"]) in said
    entries = office.book.stream("folder/asset.A1").entries
    assert [type(e.event) for e in entries] == [FileAttached, FileRemoved]
    if database.startswith("sqlite:"):
        path = Path(database.removeprefix("sqlite:///"))
        for kept in path.parent.glob(f"{path.name}*"):
            assert b"very-private" not in kept.read_bytes(), kept
    else:
        with psycopg.connect(database) as server:
            sampled = "SELECT attstattarget FROM pg_attribute WHERE attname = 'content'"
            found = server.execute(f"{sampled} AND attrelid = 'ledger_file'::regclass").fetchone()
        assert found == (0,), "the server may keep samples of what is taken out"
    upload(door, marked, who="keeper")  # it may come again
    assert verify(office.book).intact
    assert verify(office.book).removed == ()


def test_bytes_stay_while_another_folder_holds_them(door: Door, office: Office) -> None:
    registered(door, "A2", asset_no="SL-002")
    upload(door)
    filing.attach(office, CLERK, "asset/A2", PNG, "另一处.png")
    assert attachments.fate(office.book, HASH).folders == ("folder/asset.A1", "folder/asset.A2")
    form = {"sha256": HASH, "reason": "误传"}
    office.ask("folder/asset.A1", "take_out", form, HEAD)
    assert office.book.log.file(HASH) is not None
    assert verify(office.book).intact
    office.ask("folder/asset.A2", "take_out", form, HEAD)
    assert office.book.log.file(HASH) is None
    assert attachments.fate(office.book, HASH).folders == ()
    assert attachments.fate(office.book, HASH).removed_by == office.book.head()[0]
    assert verify(office.book).intact
    with pytest.raises(Refused):
        office.ask("folder/asset.A2", "take_out", form, HEAD)


def test_attachments_travel_with_the_ledger(door: Door, office: Office, tmp_path: Path) -> None:
    upload(door)
    lines = list(restoring.lines(office.book))
    with opened(f"sqlite:///{tmp_path / 'there.db'}") as back:
        restored = restoring.restore(back, lines)
        assert restored.root == office.book.head()[1]
        assert back.log.file(HASH) == ("image/png", PNG)
        assert verify(back).intact
    with opened(f"sqlite:///{tmp_path / 'less.db'}") as back:
        restoring.restore(back, [line for line in lines if b'"file":' not in line[:12]])
        assert [p.check for p in verify(back).integrity] == ["attachment"]
    asked = bundling.of_stream(office.book, "asset/A1")
    assert [row[1] for row in asked.rows] == ["asset/A1", "folder/asset.A1"]
    case = bundling.of_case(office.book, "asset/A1")
    assert [row[1] for row in case.rows] == ["asset/A1", "folder/asset.A1"]
    with pytest.raises(Unproven):
        bundling.bundle(office.book, asked, None)
