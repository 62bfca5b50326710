"""Evidence to take away: entries to the byte, each proven under one signed checkpoint, in one zip.

The same question on the same checkpoint gives the same zip to the byte. `verify_bundle.py`, which
goes with it, checks it offline with nothing but Python; it knows nothing of this module.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from hashlib import sha256
from importlib import resources
from typing import Any, Final, TypeAlias

import msgspec

from domain.filing import folder_of
from ledger import proofs, stamping, tree, verify_bundle
from ledger.act import Row
from ledger.book import Book
from ledger.notes import Checkpoint, Note, Unproven
from ledger.proofs import Proof
from ledger.tiles import Tree
from ledger.trust import Trust

FORMAT: Final = verify_bundle.FORMAT
ENTRIES_MAX: Final = 20_000
ATTACHED_BYTES_MAX: Final = 256 * 2**20
CHECKPOINTS_LOOKED_AT: Final = 200
SIZE_MAX: Final = 2**62
EVER: Final = ".."
HASH: Final = re.compile(rb'"([0-9a-f]{64})"')
# What opens the commitments of an entry: field to (key, value). None when nothing may be opened.
Opened: TypeAlias = Callable[[Row], Mapping[str, tuple[bytes, str]] | None]


class Asked(msgspec.Struct, frozen=True):
    """A question, as the manifest writes it, and the entries that answer it, by position."""

    question: str
    rows: list[Row]


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """The zip, and what to tell whoever takes it: what is not in it, and who signed."""

    content: bytes
    entries: int
    left_out: int  # entries recorded after the checkpoint: a later bundle proves them
    size: int  # of the log at the checkpoint
    witnessed: bool  # the policy's quorum signed

    @property
    def sha256(self) -> str:
        return sha256(self.content).hexdigest()


# Asking -------------------------------------------------------------------------------


def of_stream(book: Book, stream: str) -> Asked:
    """Ask for everything that happened to one thing, and what lies in its folder."""
    rows = book.log.stream_rows(stream)
    return Asked(f"stream {stream}", sorted(rows + _folder(book, rows, stream)))


def of_case(book: Book, stream: str) -> Asked:
    """Ask for a document: its own stream, and what the same acts recorded elsewhere."""
    found: dict[int, Row] = {}
    rows = book.log.stream_rows(stream)
    for row in _folder(book, rows, stream):
        _take(found, row)
    for row in rows:
        if row[0] in found:
            continue
        act = book.log.command(row[0])
        assert act is not None
        for page in book.log.rows(act[0], act[0] + act[1] - 1):
            for other in page:
                _take(found, other)
    return Asked(f"case {stream}", [found[position] for position in sorted(found)])


def _folder(book: Book, rows: Sequence[Row], stream: str) -> list[Row]:
    return book.log.stream_rows(folder_of(stream)) if rows else []


def of_person(book: Book, person: str, days: str = EVER) -> Asked:
    """Ask for what one person recorded, or had recorded in their stead, on days FROM..TO (UTC)."""
    return Asked(f"person {person} {days}", _concerning(book, "person", person, days))


def of_unit(book: Book, unit: str, days: str = EVER) -> Asked:
    """Ask for what was recorded for one unit on days FROM..TO (UTC)."""
    return Asked(f"unit {unit} {days}", _concerning(book, "unit", unit, days))


def of_period(book: Book, days: str) -> Asked:
    """Ask for everything recorded on days FROM..TO (UTC): nothing is left out."""
    first, last = _positions(book, days)
    return Asked(f"recorded {days}", _range(book, first, last))


def of_range(book: Book, first: int, last: int) -> Asked:
    """Ask for every entry from one position to another: nothing is left out."""
    return Asked(f"entries {first}-{last}", _range(book, first, last))


def _take(found: dict[int, Row], row: Row) -> None:
    found[row[0]] = row
    if len(found) > ENTRIES_MAX:
        raise Unproven(
            f"超过 {ENTRIES_MAX:,} 条，请按期间分次索取。",
            f"More than {ENTRIES_MAX:,} entries: ask for them a period at a time.",
        )


def _range(book: Book, first: int, last: int) -> list[Row]:
    found: dict[int, Row] = {}
    for page in book.log.rows(first, last) if first <= last else ():
        for row in page:
            _take(found, row)
    return list(found.values())


def _positions(book: Book, days: str) -> tuple[int, int]:
    """Return the first and last position recorded on days."""
    since, _, until = days.partition("..")
    # As texts, every time of a day comes after its bare beginning.
    first = book.log.position_at(f"{since}T00:00:00") + 1 if since else 1
    return first, book.position_known(until) if until else book.log.head()[0]


def _concerning(book: Book, kind: str, of: str, days: str) -> list[Row]:
    """Return the entries of a person or a unit, found as the checker will judge them."""
    first, last = _positions(book, days)
    named = f'"{of}"'.encode()
    found: dict[int, Row] = {}
    for page in book.log.rows(first, last) if first <= last else ():
        for row in page:
            state = bytes(row[4])
            if row[1] == f"{kind}/{of}" or (
                named in state and verify_bundle.concerns(kind, of, msgspec.json.decode(state))
            ):
                _take(found, row)
    return list(found.values())


# Making -------------------------------------------------------------------------------


def bundle(
    book: Book,
    asked: Asked,
    trust: Trust | None,
    *,
    of: Tree | None = None,
    since: Checkpoint | None = None,
    opened: Opened | None = None,
) -> Bundle:
    """Return the evidence for a question under the newest checkpoint that meets the policy.

    `since` is a checkpoint that the reader kept: the bundle then proves that the log continues
    it. Raise Unproven when there is nothing to show, nothing is signed yet, or the log does not
    fit what was signed.
    """
    if not asked.rows:
        raise Unproven("没有这样的记录。", "There are no such entries.")
    note, met = _note(book, trust, asked.rows[0][0])
    checkpoint = Checkpoint.parse(note.text)
    rows = [row for row in asked.rows if row[0] <= checkpoint.size]
    of = of or Tree(book.log)
    files = {"checkpoint": note.raw}
    if since is not None:
        files |= _continuing(of, since, checkpoint)
    if trust is not None:
        files["policy.txt"] = trust.text.encode()
    files |= _proven(of, rows, note, checkpoint)
    if opened is not None:
        files |= _opened(rows, opened)
    files |= _attached(book, rows)
    stamp = stamping.kept(book, checkpoint.size)
    if stamp is not None:
        files[f"tsa/{checkpoint.size}.tsr"] = stamp
    files |= {"README.txt": README.encode(), "verify_bundle.py": checker()}
    manifest = _manifest(asked.question, checkpoint, rows, files)
    return Bundle(
        content=verify_bundle.written({"manifest.json": manifest, **files}),
        entries=len(rows),
        left_out=len(asked.rows) - len(rows),
        size=checkpoint.size,
        witnessed=met,
    )


def _note(book: Book, trust: Trust | None, first: int) -> tuple[Note, bool]:
    """Return the newest published checkpoint that meets the policy, else the newest."""
    newest: Note | None = None
    for _, raw in book.log.checkpoints(first, SIZE_MAX, CHECKPOINTS_LOOKED_AT):
        note = Note.parse(raw)
        newest = newest or note
        if trust is None:
            break
        try:
            if trust.judge(note).met:
                return note, True
        except Unproven:
            continue
    if newest is None:
        raise Unproven(
            "这些记录还没有被签署的检查点覆盖；请待公证进程（gongwu notary）签署后再取。",
            "No signed checkpoint covers these entries yet: wait until gongwu notary has signed.",
        )
    return newest, False


def _proven(of: Tree, rows: Sequence[Row], note: Note, checkpoint: Checkpoint) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for position, _, _, _, state in rows:
        index, content = position - 1, bytes(state)
        path = of.inclusion(index, checkpoint.size)
        leaf = tree.leaf(content)
        if not proofs.included(index, checkpoint.size, leaf, path, checkpoint.root):
            raise _broken()
        files[f"entries/{index}.json"] = content
        files[f"proofs/{index}.tlog-proof"] = Proof(index, tuple(path), note.raw).raw
    return files


def _continuing(of: Tree, old: Checkpoint, new: Checkpoint) -> dict[str, bytes]:
    """Return the proof that the log continues a checkpoint that somebody kept."""
    if old.origin != new.origin or old.size > new.size:
        raise Unproven(
            "您的检查点属于另一账本，或比已签署的更新。",
            "Your checkpoint is of another log, or newer than what is signed here.",
        )
    path = of.consistency(old.size, new.size)
    if not proofs.consistent(old.size, new.size, old.root, new.root, path):
        raise _broken()
    # What a log adds below is not what is proven here, and without signatures nobody's word.
    plain = Checkpoint(old.origin, old.size, old.root)
    return {"checkpoint.old": plain.text.encode(), "consistency": proofs.lines(path).encode()}


def _opened(rows: Iterable[Row], opened: Opened) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for row in rows:
        said = {
            field: {"key": base64.b64encode(key).decode(), "value": value}
            for field, (key, value) in (opened(row) or {}).items()
        }
        if said:
            files[f"opened/{row[0] - 1}.json"] = verify_bundle.canonical(said)
    return files


def _attached(book: Book, rows: Iterable[Row]) -> dict[str, bytes]:
    """Return the files that these entries rest on and that are still kept."""
    named = sorted({hash_.decode() for row in rows for hash_ in HASH.findall(bytes(row[4]))})
    files: dict[str, bytes] = {}
    total = 0
    for name in named:
        kept = book.log.evidence(name) or book.log.file(name)
        if kept is None:
            continue
        total += len(kept[1])
        if total > ATTACHED_BYTES_MAX:
            raise Unproven(
                "附件合计过大，请分次索取。",
                "The attachments are too large together: ask for less.",
            )
        files[f"attachments/{name}"] = bytes(kept[1])
    return files


def _manifest(
    question: str, checkpoint: Checkpoint, rows: Sequence[Row], files: Mapping[str, bytes]
) -> bytes:
    """Say what is in the zip: nothing here is to be believed, all of it is checked."""
    seqs: dict[str, list[int]] = {}
    for _, stream, seq, _, _ in rows:
        seqs.setdefault(stream, []).append(seq)
    said: dict[str, Any] = {
        "format": FORMAT,
        "origin": checkpoint.origin,
        "entries": [row[0] - 1 for row in rows],
        "question": question,
        "made_at": msgspec.json.decode(bytes(rows[-1][4]))["recorded_at"],
        "streams": {s: n[-1] for s, n in seqs.items() if n[-1] == len(n)},
        "files": {name: sha256(content).hexdigest() for name, content in files.items()},
    }
    return verify_bundle.canonical(said)


@cache
def checker() -> bytes:
    """Return the program that checks bundles, as it is shipped."""
    return (
        resources.files(verify_bundle.__package__ or "").joinpath("verify_bundle.py").read_bytes()
    )


def _broken() -> Unproven:
    return Unproven(
        "账本与它公布的检查点不符：记录或哈希被改动，请立即校验。",
        "The log does not fit the checkpoint it published: entries or hashes were changed."
        " Verify it at once.",
    )


README: Final = """证据包 · Evidence bundle (ledger-evidence/v1)

核验（无需联网，只需 Python 3.8 或更新）· To check it, offline, with Python 3.8 or later:

    python3 -I verify_bundle.py 证据包.zip --policy 您保存的策略.txt --since 您保存的检查点.txt

请使用您自己保存的 verify_bundle.py；若用包内这份，请先与公布的 SHA-256 核对。
没有自己保存的公钥、策略或检查点时，核验只说明本包前后一致，不能排除整包伪造。
Use the verify_bundle.py that you keep; compare the copy in here with the published SHA-256 first.
Without a key, policy or checkpoint of your own, the check only says that the bundle agrees with
itself; it cannot tell a bundle that was forged as a whole.

manifest.json       所问、条目与文件清单 · the question, the entries, every file
                    made_at 为最后一条的记账时间 · made_at: when the last entry was recorded
checkpoint          账本签署、见证方会签的检查点 · the head of the log, signed and witnessed
checkpoint.old, consistency   从您的检查点到它的证明 · that the log continues the one you gave
entries/N.json      条目原文；N 从 0 起，位置为 N+1 · entries to the byte; the position is N+1
proofs/N.tlog-proof 条目在检查点之内的证明 · that the entry is in that log (C2SP tlog-proof)
opened/N.json       有权查看的承诺值 · values that the entry only commits to
tsa/N.tsr           时间戳机构的签名（RFC 3161）· a time stamp of the checkpoint, if there is one
attachments/HASH    附件，以 SHA-256 为名 · files, named by their SHA-256
policy.txt          本单位的信任策略副本 · a copy of this installation's policy

手工核对一条 · One entry by hand: SHA-256(00 ‖ entries/N.json) 是叶子 is the leaf,
SHA-256(01 ‖ 左 left ‖ 右 right) 是节点 is a node (RFC 9162).

证明的是：这些记录在检查点之前已经存在，此后一字未改、未移位。
不证明：记录的内容当时属实；也不证明没有其他记录（除非清单所问为连续区间）。
It proves that these entries were there before the checkpoint, unchanged and in place since.
It does not prove that they were true when recorded, nor, unless a range was asked for, that
there are no others.
"""
