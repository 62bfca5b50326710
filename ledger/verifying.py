"""Check the whole log against itself: every byte, hash, column, number and command.

Integrity (is what is stored what was recorded?) and completeness (does everything that lists
the log show all of it?) are separate verdicts: a lagging table is not a forgery.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import chain
from typing import Any, Protocol, TypeAlias

import msgspec

from domain.decider import FACTS, Lang
from domain.filing import FileAttached, FileRemoved
from domain.recovery import RecoveryAsked, RecoveryConfirmed
from domain.words import Words, in_words
from ledger import tree
from ledger.act import Select, Unavailable, seal
from ledger.beside import Beside
from ledger.book import Book
from ledger.entry import ENTRY_BYTES_MAX, INTEGER_MAX, UNSTAMPED, Corrupt, Entry, decode
from ledger.mirror import Mirror
from ledger.notes import Checkpoint, Note, Unproven
from ledger.replaying import collector_off

PROBLEMS_MAX = 100
PAGE_ROWS = 20_000
ATTESTED_ROWS = 1_000
EVIDENCE_ROWS = 16  # each may be a whole file
LEVELS_MAX = 7  # of kept hashes above the leaves
FIRST = -(2**62)  # before every position, also one that somebody forged below 1
ENVELOPE = {
    *("actor", "body", "cause", "corrects", "effective_at", "recorded_at"),
    *("salt", "seq", "stream", "tv", "type", "v"),
}
CHECKS = {
    "unreadable-file": ("数据库文件损坏：{detail}", "The database file is damaged: {detail}"),
    "schema": (
        "数据库结构或防改触发器被改动：{detail}",
        "A table or guard of the database was changed: {detail}",
    ),
    "position-gap": (
        "第 {position} 条缺失或顺序错乱（此处存的是 {detail}）",
        "Entry {position} is missing or out of order (found {detail})",
    ),
    "leaf": (
        "第 {position} 条的内容与其哈希不符：内容或哈希被改动",
        "Entry {position} does not match its hash: bytes or hash were altered",
    ),
    "root": (
        "全部记录重新计算的树根 {detail} 与账本保存的不符",
        "The root recomputed from all entries, {detail}, is not the one the ledger keeps",
    ),
    "size": (
        "账本记载共 {detail} 条，与实有条数不符",
        "The ledger says it holds {detail} entries; that is not what is there",
    ),
    "last-time": (
        "账本记载的最后记账时间 {detail} 与最后一条不符",
        "The ledger's last time, {detail}, is not that of its last entry",
    ),
    "too-large": ("第 {position} 条超过 65,535 字节", "Entry {position} exceeds 65,535 bytes"),
    "columns": (
        "第 {position} 条不能读取或与列不符：{detail}",
        "Entry {position} cannot be read or contradicts its columns: {detail}",
    ),
    "canonical": (
        "第 {position} 条不是规范编码（JCS）：{detail}",
        "Entry {position} is not in canonical form (JCS): {detail}",
    ),
    "seq-gap": (
        "第 {position} 条所在的流缺号或重号：{detail}",
        "Entry {position} leaves a gap or repeats a number in its stream: {detail}",
    ),
    "time-backwards": (
        "第 {position} 条的记账时间早于前一条：{detail}",
        "Entry {position} was recorded before the one in front of it: {detail}",
    ),
    "command": (
        "第 {position} 条起的受理记录与条目不符：{detail}",
        "The command that wrote entry {position} contradicts it: {detail}",
    ),
    "claim": (
        "第 {position} 条使用的编号未登记或登记给了别的流：{detail}",
        "An identifier used by entry {position} is not claimed, or by another stream: {detail}",
    ),
    "claim-unfounded": (
        "编号登记没有对应的记录：{detail}",
        "A claimed identifier has no entry that uses it: {detail}",
    ),
    "evidence": (
        "附件内容与其指纹不符：{detail}",
        "A piece of evidence does not match its fingerprint: {detail}",
    ),
    "cut-off": (
        "账本缺少已签署的记录：检查点证明曾有 {detail} 条；从第 {position} 条起可能缺失或被改动",
        "Signed entries are gone: there were {detail}; from {position} on they may be missing",
    ),
    "lost": (
        "检查点所证的 {detail} 条中，第 {position} 条起已丢失或不能证明（见恢复记录）",
        "Of the {detail} entries of a checkpoint, all from {position} on are lost (see the recovery)",
    ),
    "rewritten": (
        "第 {position} 至 {detail} 条之间的内容在签署之后被改动",
        "Between entry {position} and {detail}, what was signed has been changed since",
    ),
    "mirror": (
        "第 {position} 条与镜像不符：这一条被改动、删除或插入",
        "Entry {position} is not the one in the mirror: it was changed, removed or inserted",
    ),
    "mirror-damaged": ("镜像本身不可用：{detail}", "The mirror itself cannot be used: {detail}"),
    "checkpoint": (
        "账本里保存的第 {detail} 条检查点与记录不符",
        "The checkpoint of {detail} entries kept beside the log does not fit its entries",
    ),
    "attestation": (
        "检查点旁保存的证明（时间戳或国密检查点）已损坏：{detail}",
        "What others attest of a checkpoint is damaged: {detail}",
    ),
    "stamp": (
        "第 {detail} 条检查点的时间戳不成立：{why}",
        "The time stamp of the checkpoint of {detail} entries does not hold: {why}",
    ),
    "sm3": (
        "国密并行账本（SM3）第 {detail} 条的检查点不成立：{why}",
        "The checkpoint of {detail} entries of the parallel log (SM3) does not hold: {why}",
    ),
    "node": (
        "保存的中间哈希与记录不符：{detail}",
        "A hash kept beside the log does not fit its entries: {detail}",
    ),
    "attachment": (
        "附件内容与第 {position} 条所记的指纹不符，或内容缺失：{detail}",
        "An attachment is missing or not as entry {position} fingerprints it: {detail}",
    ),
    "removed": (
        "附件 {detail} 已按第 {position} 条移除",
        "The attachment {detail} was removed by entry {position}",
    ),
    "beside": (
        "账本之外的证据与其指纹不符：{detail}",
        "Evidence beside the log does not match its fingerprint: {detail}",
    ),
    "incomplete": ("列表与账本不一致：{detail}", "A list differs from the ledger: {detail}"),
}


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that does not hold. `position` is 0 when no single entry is to blame."""

    check: str
    position: int = 0
    detail: str = ""
    why: Words = Words("", "")

    def sentence(self, lang: Lang) -> str:
        """Say what does not hold."""
        zh, en = CHECKS[self.check]
        return (zh if lang == "zh" else en).format(
            position=self.position, detail=self.detail, why=in_words(self.why, lang)
        )


class Reader(Protocol):
    """Somebody who reads every entry along with `verify`, and says what does not hold for them."""

    def take(self, position: int, state: bytes) -> None:
        """Take the exact bytes of the next entry."""

    def problems(self, select: Select) -> Iterator[Problem]:
        """Yield what does not hold, after the last entry."""
        ...


class Lost(msgspec.Struct, frozen=True, kw_only=True):
    """What two persons recorded as lost for ever, at entry `position`, and the name since then."""

    position: int
    old_origin: str
    signed: int
    proven: int
    origin: str
    asker: str
    confirmer: str

    def sentence(self, lang: Lang) -> str:
        """Say what is gone, who said so, and from where the new name counts."""
        if lang == "zh":
            return (
                f"曾有丢失：{self.old_origin} 签署过 {self.signed:,} 条，其中前 {self.proven:,} 条仍在；"
                f"第 {self.proven + 1:,} 至 {self.signed:,} 条丢失或不能证明。由{self.asker}提出、"
                f"{self.confirmer}确认（第 {self.position:,} 条）；新名 {self.origin}"
                f" 自第 {self.proven + 1:,} 条起算。"
            )
        return (
            f"Records were lost: {self.old_origin} was signed at {self.signed:,} entries, of which the"
            f" first {self.proven:,} are here; entries {self.proven + 1:,} to {self.signed:,} are lost"
            f" or cannot be proven. Told by {self.asker}, confirmed by {self.confirmer} (entry"
            f" {self.position:,}); the new name {self.origin} counts from entry {self.proven + 1:,}."
        )


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of `verify`. `unlisted` counts problems beyond the first 100.

    `completeness` is None when nobody said how to check it.
    """

    size: int
    root: bytes
    integrity: tuple[Problem, ...] = ()
    completeness: tuple[Problem, ...] | None = None
    unlisted: int = 0
    removed: tuple[Problem, ...] = ()  # attachments that are rightly gone: no problem at all
    lost: tuple[Lost, ...] = ()  # told and confirmed; whoever kept a checkpoint of it is told so

    @property
    def intact(self) -> bool:
        return not self.integrity

    @property
    def complete(self) -> bool:
        return not self.completeness

    @property
    def first(self) -> Problem | None:
        """Return the problem with the first bad position, else one without a position."""
        placed = [p for p in self.integrity if p.position]
        return min(placed, key=lambda p: p.position) if placed else next(iter(self.integrity), None)

    def sentence(self, lang: Lang) -> str:
        """Say both verdicts in one or two sentences."""
        zh = lang == "zh"
        root = self.root.hex()
        if self.intact:
            said = (
                f"完整性：通过，共 {self.size:,} 条，树根 {root}。"
                if zh
                else f"Integrity: passed, {self.size:,} entries, root {root}."
            )
        else:
            assert self.first is not None
            count = len(self.integrity) + self.unlisted
            said = (
                f"完整性：未通过，{count} 处问题；首先：{self.first.sentence('zh')}。"
                if zh
                else f"Integrity: FAILED, {count} problems; first: {self.first.sentence('en')}."
            )
        if self.removed:
            count = len(self.removed)
            gone = "".join(
                problem.sentence(lang) + ("；" if zh else "; ") for problem in self.removed[:3]
            )
            more = "……" if count > 3 else ""
            said += (
                f"已移除的附件 {count} 个：{gone}{more}"
                if zh
                else f" Attachments removed: {count}: {gone}{more}"
            )
        for one in self.lost:
            said += ("" if zh else " ") + one.sentence(lang)
        if self.completeness is None:
            return said
        if self.complete:
            return said + ("完备性：通过。" if zh else " Completeness: passed.")
        worst = self.completeness[0].sentence(lang)
        return said + (f"完备性：未通过，{worst}。" if zh else f" Completeness: FAILED, {worst}.")


Progress: TypeAlias = Callable[[int, int], None]  # entries checked, entries in all


class _Findings:
    """Problems in the order found, bounded, so that a ruined log still gives an answer."""

    def __init__(self) -> None:
        self.kept: list[Problem] = []
        self.unlisted = 0

    def add(self, check: str, position: int = 0, detail: object = "") -> None:
        self.take(Problem(check=check, position=position, detail=str(detail)))

    def take(self, problem: Problem) -> None:
        if len(self.kept) < PROBLEMS_MAX:
            self.kept.append(problem)
        else:
            self.unlisted += 1


def verify(
    book: Book,
    *,
    lists: Callable[[Book], Iterable[str]] | None = None,
    progress: Progress | None = None,
    held: Sequence[Checkpoint] = (),
    mirror: Mirror | None = None,
    readers: Sequence[Reader] = (),
    beside: Sequence[Beside] = (),
) -> Verdict:
    """Recompute every hash and the root from the stored bytes, and check all that hangs on them.

    `lists` compares projections with the log and yields one sentence for each difference; its
    findings are the completeness verdict. `held` are checkpoints that the reader kept elsewhere
    and trusts: without one, whoever owns the database can compute everything in it again. Several
    narrow a change to the interval between two; a `mirror` names the very entry. `readers`
    read along and add what does not hold for them; `beside` are tables of evidence that no entry
    names yet. Report all problems, at most 100 by name. Raise nothing about the log's content;
    Unavailable when the database cannot be read at all.
    """
    found = _Findings()
    size, leaves, root = 0, list[bytes](), b""
    removed, lost = list[Problem](), list[Lost]()
    try:
        with collector_off(), book.log.snapshot() as select:
            for line in book.log.damage(select):
                found.add(
                    "schema" if line.startswith("not as it was made") else "unreadable-file",
                    0,
                    line,
                )
            size, recorded_at, packed = select(
                "SELECT size, recorded_at, frontier FROM ledger_head"
            )[0]
            used = _Used()
            _check_entries(select, size, found, leaves, used, progress, readers)
            root = root_of(leaves)
            _check_head(size, recorded_at, tree.exact(packed), leaves, root, used.last_time, found)
            _check_claims(select, used, found)
            _check_evidence(select, found)
            _check_kept(select, leaves, found)
            lost = used.lost()
            _check_held(leaves, held, found, lost)
            if mirror is not None:
                _check_mirror(leaves, mirror, found)
            for problem in chain.from_iterable(reader.problems(select) for reader in readers):
                found.take(problem)
            removed = _check_files(select, used, found)
            _check_beside(select, beside, not book.url.startswith("sqlite:"), found)
    except Unavailable as trouble:
        if trouble.kind != "damaged":
            raise
        found.add("unreadable-file", len(leaves) + 1, trouble)
    except (sqlite3.DatabaseError, IndexError, TypeError, ValueError, OverflowError) as error:
        found.add("unreadable-file", len(leaves) + 1, repr(error))
    completeness = None
    if lists is not None:
        completeness = tuple(
            Problem(check="incomplete", detail=line)
            for _, line in zip(range(PROBLEMS_MAX), lists(book), strict=False)
        )
    return Verdict(
        size=size,
        root=root or root_of(leaves),
        integrity=tuple(found.kept),
        completeness=completeness,
        unlisted=found.unlisted,
        removed=tuple(removed),
        lost=tuple(lost),
    )


def _check_beside(select: Select, beside: Sequence[Beside], server: bool, found: _Findings) -> None:
    for table in beside:
        for row in table.rows(select, server=server):
            if why := table.wrong(row):
                found.add("beside", 0, f"{table.name} {why}")


def root_of(leaves: list[bytes]) -> bytes:
    """Return the Merkle tree hash over leaf hashes by the recursion of RFC 9162 §2.1.1.

    Written apart from `ledger.tree`, so that a mistake in one is seen by the other.
    """
    if not leaves:
        return sha256(b"").digest()

    def mth(start: int, stop: int) -> bytes:
        count = stop - start
        if count == 1:
            return leaves[start]
        if count == 2:  # what the next line says, without asking twice more
            return sha256(b"\x01" + leaves[start] + leaves[start + 1]).digest()
        middle = start + (1 << (count - 1).bit_length() - 1)
        return sha256(b"\x01" + mth(start, middle) + mth(middle, stop)).digest()

    return mth(0, len(leaves))


def _check_kept(select: Select, leaves: list[bytes], found: _Findings) -> None:
    """Check what is kept beside the entries to save time: hashes of the tree, and checkpoints."""
    rows = select("SELECT level, number, hash FROM ledger_node ORDER BY level, number")
    at, made = 0, list[bytes]()
    for level, number, stored in rows:
        if level != at:
            while at < min(level, LEVELS_MAX):
                at, made = at + 1, _above(made if at else leaves)
        if at != level or not 0 <= number < len(made) or made[number] != tree.exact(stored):
            found.add("node", 0, f"{level}/{number}")
    kept = list[tuple[int, bytes]]()
    query = "SELECT size, note, seal FROM ledger_checkpoint WHERE size > ? ORDER BY size LIMIT ?"
    for size, note, kept_seal in _paged(select, query, FIRST):
        try:
            checkpoint = Checkpoint.parse(Note.parse(tree.exact(note)).text)
        except Unproven:
            checkpoint = None
        rotten = kept_seal != seal(size, tree.exact(note).hex())
        if checkpoint is None or checkpoint.size != size or size > len(leaves) or rotten:
            found.add("checkpoint", 0, size)
        else:
            kept.append((size, checkpoint.root))
    for size, _, same in _same_roots(leaves, kept):
        if not same:
            found.add("checkpoint", 0, size)
    query = (
        "SELECT kind, size, content, seal FROM ledger_attestation WHERE (kind, size) > (?, ?)"
        " ORDER BY kind, size LIMIT ?"
    )
    for kind, size, content, kept_seal in _paged(select, query, "", FIRST, rows=ATTESTED_ROWS):
        if kept_seal != seal(kind, size, tree.exact(content).hex()) or size > len(leaves):
            found.add("attestation", 0, f"{kind} {size}")


def _above(below: list[bytes]) -> list[bytes]:
    """Return the hash of each 256 complete nodes."""
    return [root_of(below[n : n + 256]) for n in range(0, len(below) - 255, 256)]


def _same_roots(
    leaves: list[bytes], kept: Iterable[tuple[int, bytes]]
) -> Iterator[tuple[int, bytes, bool]]:
    """Yield each size (ascending) and root, and whether the first leaves have that root."""
    frontier, at = list[bytes](), 0
    for size, root in kept:
        at = tree.grow(at, frontier, leaves[at:size])
        yield size, root, tree.root(frontier) == root


def _check_held(
    leaves: list[bytes], held: Sequence[Checkpoint], found: _Findings, lost: Sequence[Lost]
) -> None:
    """Hold the log against checkpoints kept elsewhere: what they cover must be as it was.

    One of a name that was closed for a loss, and of more than was left then, is told so.
    """
    left = {one.old_origin: one.proven for one in lost}
    for checkpoint in held:
        if checkpoint.size > left.get(checkpoint.origin, checkpoint.size):
            found.add("lost", left[checkpoint.origin] + 1, checkpoint.size)
    ordered = sorted({(c.size, c.root) for c in held if c.size <= left.get(c.origin, c.size)})
    there = [(size, root) for size, root in ordered if size <= len(leaves)]
    good = 0
    for size, _, same in _same_roots(leaves, there):
        if not same:
            found.add("rewritten", good + 1, size)
            break
        good = size
    if ordered and ordered[-1][0] > len(leaves):
        found.add("cut-off", good + 1, ordered[-1][0])


def _check_mirror(leaves: list[bytes], mirror: Mirror, found: _Findings) -> None:
    try:
        theirs = mirror.leaves()
    except Unproven as why:
        found.add("mirror-damaged", 0, why)
        return
    pairs = enumerate(zip(leaves, theirs, strict=False), start=1)
    first = next((position for position, (ours, other) in pairs if ours != other), None)
    if first is not None:
        found.add("mirror", first)
    elif len(theirs) > len(leaves):
        found.add("cut-off", len(leaves) + 1, len(theirs))


class _Used:
    """What the entries say about each other: checked against the other tables afterwards."""

    def __init__(self) -> None:
        self.seqs: dict[str, int] = {}
        self.claims: dict[tuple[str, str], tuple[str, int]] = {}
        self.last_time = ""
        # Attachments by fingerprint and folder: the entry that put it there, or took it out (< 0).
        self.files: dict[str, dict[str, int]] = {}
        self.asked: dict[str, RecoveryAsked] = {}
        self.confirmed: list[tuple[Entry, RecoveryAsked]] = []

    def lost(self) -> list[Lost]:
        """Return what two persons told as lost, in the order of telling."""
        return [
            Lost(
                position=entry.position,
                old_origin=told.old_origin,
                signed=told.signed,
                proven=told.proven,
                origin=told.origin,
                asker=told.asker,
                confirmer=entry.actor,
            )
            for entry, told in self.confirmed
        ]


def _check_entries(
    select: Select,
    size: int,
    found: _Findings,
    leaves: list[bytes],
    used: _Used,
    progress: Progress | None,
    readers: Sequence[Reader],
) -> None:
    expected = 1
    commands = _Commands(select, found)
    for position, stream, seq, type_name, state, leaf in _rows(select):
        if position != expected:
            found.add("position-gap", min(expected, position), position)
        expected = position + 1
        state = tree.exact(state)
        hash_ = sha256(b"\x00" + state).digest()
        leaves.append(hash_)
        if hash_ != leaf:
            found.add("leaf", position)
        for reader in readers:
            reader.take(position, state)
        if len(state) > ENTRY_BYTES_MAX:
            found.add("too-large", position)
        said, wrong = _parsed(state)
        if wrong:
            found.add("canonical", position, wrong)
        if seq != used.seqs.get(stream, 0) + 1:
            found.add("seq-gap", position, f"{stream} {used.seqs.get(stream, 0)} → {seq}")
        used.seqs[stream] = seq
        commands.upto(position)
        try:
            entry = decode(position, stream, seq, type_name, state)
        except (Corrupt, ValueError, TypeError) as error:
            found.add("columns", position, error)
            continue
        _note(entry, said, used, found)
        commands.check(position, said)
        if progress is not None and not len(leaves) % PAGE_ROWS:
            progress(len(leaves), size)
    commands.finish(expected - 1)
    if progress is not None:
        progress(len(leaves), size)


def _rows(select: Select) -> Iterator[tuple[Any, ...]]:
    query = (
        "SELECT notification_id, originator_id, originator_version, topic, state, leaf"
        " FROM ledger_entry WHERE notification_id > ? ORDER BY notification_id LIMIT ?"
    )
    yield from _paged(select, query, FIRST)


def _paged(select: Select, query: str, *first: Any, rows: int = PAGE_ROWS) -> Iterator[Any]:
    """Yield rows page by page; as many first columns as in `first` say where the next one begins.

    In a damaged file these may lead back, round and round: then there is no more. What is missing
    is found, and the check of the file itself names the damage.
    """
    last = first
    while page := select(query, *last, rows):
        yield from page
        following = tuple(page[-1][: len(first)])
        try:
            onwards = following > last
        except TypeError:
            onwards = False
        if not onwards:
            return
        last = following


def _note(entry: Entry, said: dict[str, Any], used: _Used, found: _Findings) -> None:
    """Check an entry against the one before, and keep what other tables must agree with."""
    recorded_at = str(said.get("recorded_at"))
    if recorded_at < used.last_time or len(recorded_at) != len(UNSTAMPED):
        found.add("time-backwards", entry.position, f"{recorded_at} < {used.last_time}")
    used.last_time = recorded_at
    match entry.event:
        case FileAttached(sha256=name):
            used.files.setdefault(name, {})[entry.stream] = entry.position
        case FileRemoved(sha256=name):
            used.files.setdefault(name, {})[entry.stream] = -entry.position
        case RecoveryAsked() as told:
            used.asked[entry.stream] = told
        case RecoveryConfirmed() if entry.stream in used.asked:
            used.confirmed.append((entry, used.asked[entry.stream]))
        case _:
            pass
    for kind in entry.event.claims:
        value = getattr(entry.event, kind)
        if value and used.claims.setdefault((kind, value), (entry.stream, entry.position))[0] != (
            entry.stream
        ):
            found.add("claim", entry.position, f"{kind} {value}")


_DIGITS = bytes(ord("0") if chr(byte).isdecimal() else ord(" ") for byte in range(256))
_LONG = b"0" * 16  # so many digits one after another
_big = re.compile(rb"[:,\[]-?[0-9]{16,}")
_encode = msgspec.json.Encoder(order="sorted").encode


def _float(text: str) -> float:
    raise ValueError(f"the number {text} is not an integer")


_decode = msgspec.json.Decoder(float_hook=_float).decode


def uncanonical(state: bytes) -> str:
    """Return why bytes are not the JCS form of an entry (AUDIT format, version 1), or ''."""
    return _parsed(state)[1]


def _parsed(state: bytes) -> tuple[dict[str, Any], str]:
    try:
        value = _decode(state)
    except (msgspec.DecodeError, ValueError) as error:
        return {}, str(error)
    if not isinstance(value, dict) or value.keys() != ENVELOPE:
        return {}, "not the fields of an entry"
    if _encode(value) != state:
        return value, "parsed and written again, the bytes differ"
    long = _LONG in state.translate(_DIGITS)  # only then is it worth a closer look
    if long and _big.search(state) and any(abs(n) > INTEGER_MAX for n in _integers(value)):
        return value, "an integer beyond 2^53"
    return value, ""


def _integers(value: Any) -> Iterator[int]:
    match value:
        case bool():
            return
        case int():
            yield value
        case list():
            for item in value:
                yield from _integers(item)
        case dict():
            for item in value.values():
                yield from _integers(item)


def _check_head(
    size: int,
    recorded_at: str,
    packed: bytes,
    leaves: list[bytes],
    root: bytes,
    last_time: str,
    found: _Findings,
) -> None:
    if size != len(leaves):
        found.add("size", 0, size)
    if len(packed) % tree.HASH_BYTES or tree.root(tree.unpack(packed)) != root:
        found.add("root", 0, root.hex())
    frontier = list[bytes]()
    tree.grow(0, frontier, leaves)
    if tree.pack(frontier) != packed and tree.root(tree.unpack(packed)) == root:
        found.add("root", 0, root.hex())
    if recorded_at != last_time:
        found.add("last-time", 0, recorded_at)


class _Commands:
    """The table of commands, read beside the entries: each entry belongs to exactly one."""

    def __init__(self, select: Select, found: _Findings) -> None:
        self.found, self._all = found, self._read(select)
        self.first, self.stop = 0, 1  # positions of the current command; stop is excluded
        self.said: tuple[str, str, str] = ("", "", "")  # cause, actor, recorded_at

    def _read(self, select: Select) -> Iterator[tuple[Any, ...]]:
        query = (
            "SELECT first, count, cause, actor, key, fingerprint, context, recorded_at, seal"
            " FROM ledger_command"
            " WHERE first > ? ORDER BY first LIMIT ?"
        )
        yield from _paged(select, query, FIRST)

    def upto(self, position: int) -> None:
        """Go on to the command that wrote `position`; each must begin where the last ended."""
        while self.stop <= position:
            row = next(self._all, None)
            if row is None:
                self.found.add("command", self.stop, "–")
                self.first, self.stop, self.said = self.stop, 2**63, ("", "", "")
                return
            first, count, cause, actor, _, _, _, recorded_at, sealed = row
            if sealed != seal(*row[:-1]):
                self.found.add("command", first, "key, fingerprint, context, …")
            if first != self.stop or count < 1:
                self.found.add("command", min(first, self.stop), f"{first} + {count}")
            self.first, self.stop = first, max(first + count, self.stop)
            self.said = (cause, actor, recorded_at)

    def check(self, position: int, said: dict[str, Any]) -> None:
        """Compare an entry with what its command says about it."""
        cause, actor, recorded_at = self.said
        if not cause or position < self.first:
            return  # no command: named already
        named = str(said.get("cause"))
        if named != cause and not named.startswith(f"{cause}/"):
            self.found.add("command", position, f"{cause} / {named}")
        elif (said.get("actor"), said.get("recorded_at")) != (actor, recorded_at):
            self.found.add("command", position, f"{actor} {recorded_at}")

    def finish(self, size: int) -> None:
        """Report commands that claim more entries than there are."""
        rest = next(self._all, None)
        if self.stop != size + 1 and self.stop != 2**63:
            self.found.add("command", min(self.stop, size + 1), f"{self.stop - 1} / {size}")
        elif rest is not None:
            self.found.add("command", rest[0], rest[2])


def _check_claims(select: Select, used: _Used, found: _Findings) -> None:
    """Identifiers used by entries are claimed by the same stream, and claims have a stream."""
    kinds = {kind for fact in FACTS.values() for kind in fact.claims}
    claimed = {
        (kind, value): stream
        for kind, value, stream in select("SELECT kind, value, stream FROM ledger_claim")
    }
    for claim, (stream, position) in used.claims.items():
        if claimed.pop(claim, None) != stream:
            found.add("claim", position, " ".join(claim))
    for (kind, value), stream in claimed.items():
        if kind in kinds or stream not in used.seqs:
            found.add("claim-unfounded", 0, f"{kind} {value} → {stream}")


def _check_evidence(select: Select, found: _Findings) -> None:
    query = (
        "SELECT sha256, media, content, seal FROM ledger_evidence WHERE sha256 > ?"
        " ORDER BY sha256 LIMIT ?"
    )
    for name, media, content, sealed in _paged(select, query, "", rows=EVIDENCE_ROWS):
        if sha256(content).hexdigest() != name or sealed != seal(name, media):
            found.add("evidence", 0, name)


def _check_files(select: Select, used: _Used, found: _Findings) -> list[Problem]:
    """Check attachments against the entries; return those whose bytes are rightly gone."""
    removed = list[Problem]()
    for name, folders in used.files.items():
        rows = select("SELECT content FROM ledger_file WHERE sha256 = ?", name)
        last = max(folders.values(), default=0)  # below 0: every folder has let it go
        if rows and sha256(rows[0][0]).hexdigest() != name:
            found.add("attachment", abs(last), name)
        elif not rows and last > 0:
            found.add("attachment", last, name)
        elif not rows:
            position = -min(folders.values())
            removed.append(Problem(check="removed", position=position, detail=name))
    return removed
