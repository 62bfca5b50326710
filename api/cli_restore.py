"""Take the ledger out, whole or a period of it, and bring a whole one back elsewhere."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from api import backing_up, evidence, kept, pages_export
from api.backing_up import Manifest
from api.cli_notary import passphrase
from api.cli_read import day, opened, target, told_export
from api.cli_terminal import REFUSED, USAGE, Stop, Terminal, Tick
from api.naming import names_then
from api.office import Office
from api.pages_telling import tell, words_of
from api.proving import held as kept_elsewhere
from domain.words import Words
from ledger import restoring
from ledger.notes import Checkpoint
from ledger.replaying import replay as told_anew
from ledger.verifying import verify

COLUMNS = (
    Words("位置", "position"),
    Words("记录", "stream"),
    Words("序号", "entry"),
    Words("业务日期", "business date"),
    Words("记账时间（UTC）", "recorded (UTC)"),
    Words("事件", "type"),
    Words("内容", "what happened"),
    Words("红冲序号", "reverses entry"),
    Words("经办人标识", "person id"),
    Words("经办单位标识", "unit id"),
    Words("岗位", "role"),
    Words("渠道", "channel"),
    Words("受理编号", "request"),
    Words("文件", "papers"),
)


def export(terminal: Terminal, what: str, to: str, start: int, since: str, until: str) -> None:
    """Write the whole ledger, or the entries recorded in a period as they are or as CSV."""
    with opened(terminal) as office:
        first, last = period(office, start, since, until)
        with terminal.progress(Words("导出", "Exporting")) as tick, target(to) as file:
            written = 0
            for line in _lines(terminal, office, what, first, last, tick):
                file.write(line)
                written += line.count(b"\n")
        digest = _digest(terminal, office) if what == "ledger" and to != "-" else ""
    told_export(terminal, what, to, written, digest)


def _digest(terminal: Terminal, office: Office) -> str:
    """Return the digest of every state: the same ledger elsewhere has the same (T17)."""
    with terminal.progress(Words("计算状态摘要", "Working out the digest of states")) as tick:
        return told_anew(office.book, progress=tick).digest()


def period(office: Office, start: int, since: str, until: str) -> tuple[int, int]:
    """Return the first and last position recorded on days (UTC), both days included."""
    size, known = office.book.head()[0], office.book.position_known
    first, last = day(since, "--since"), day(until, "--until")
    if first:
        start = max(start, known((date.fromisoformat(first) - timedelta(days=1)).isoformat()) + 1)
    return start, known(last) if last else size


def _lines(
    terminal: Terminal, office: Office, what: str, first: int, last: int, tick: Tick
) -> Iterator[bytes]:
    match what:
        case "ledger":
            yield from restoring.lines(office.book, tick, beside=evidence.tables(office))
        case "entries":
            for page in office.book.log.rows(first, last) if first <= last else ():
                yield b"".join(bytes(row[4]) + b"\n" for row in page)
                tick(page[-1][0] - first + 1, last - first + 1)
        case _:
            yield from pages_export.csv_bytes(_events(terminal, office, first, last, tick))


def _events(
    terminal: Terminal, office: Office, first: int, last: int, tick: Tick
) -> Iterator[list[Any]]:
    """Yield a heading and one row for each entry, with the names that held on its day."""
    yield [terminal.told(column) for column in COLUMNS]
    named = names_then(office, terminal.lang)
    for entry in office.book.entries(first, last) if first <= last else ():
        beside = entry.beside
        yield [
            entry.position,
            entry.stream,
            entry.seq,
            entry.effective_on,
            entry.recorded_at,
            entry.event.type_name,
            tell(entry.event, terminal.lang, named(entry.effective_on)),
            entry.corrects.seq if entry.corrects is not None else None,
            entry.actor,
            beside.via.unit,
            terminal.told(words_of(beside.via.role)) if beside.via.role else "",
            beside.via.channel,
            entry.cause,
            "；".join(" ".join(p for p in (d.type, d.number, d.issuer) if p) for d in beside.docs),
        ]
        if not entry.position % pages_export.LINES_PER_PIECE:
            tick(entry.position - first + 1, last - first + 1)


def restore(
    terminal: Terminal,
    file: Path,
    root: str,
    kept_: Sequence[Path] = (),
    *,
    drill: bool = False,
    vault_key: bool = False,
) -> None:
    """Bring a ledger back into an empty database; done only when everything verifies.

    A backup is read whole before anything is written. `kept_` are checkpoints from elsewhere.
    A `drill` does all of it in a folder of its own, and leaves nothing behind.
    """
    known, checkpoints = root_of(root), [held_checkpoint(one) for one in kept_]
    if not file.is_file():
        raise Stop(Words(f"没有这个文件：{file}", f"No such file: {file}"), USAGE)
    try:
        manifest = checked(terminal, file)
        key = opened_key(file) if vault_key and manifest is not None else b""
    except restoring.Unrestorable as error:
        raise Stop(error.words, REFUSED) from error
    with TemporaryDirectory(prefix="gongwu-drill-") as folder:
        if drill:
            terminal.database = f"sqlite:///{Path(folder) / 'drill.db'}"
        _restored(terminal, file, known, checkpoints, manifest, key, drill=drill)
        if drill:
            terminal.say(
                "演练完成，没有留下任何内容。", "The drill is over, and nothing was left behind."
            )


def checked(terminal: Terminal, file: Path) -> Manifest | None:
    """Read a backup whole before anything is written; None for the bare lines of an export."""
    if not backing_up.is_backup(file):
        return None
    with terminal.progress(Words("核对备份", "Reading the backup")):
        return backing_up.check(file)


def opened_key(file: Path) -> bytes:
    """Return the master key of names out of a backup, by its passphrase."""
    found = backing_up.key_of(file)
    if found is None:
        raise restoring.Unrestorable(
            "备份里没有姓名主密钥；请放回另行保存的密钥文件，去掉 --vault-key 再还原。",
            "The backup holds no master key of names; put the file back that you kept apart, and"
            " restore without --vault-key.",
        )
    return backing_up.unlocked(found, passphrase(variable=backing_up.IN_ENVIRONMENT))


def _restored(
    terminal: Terminal,
    file: Path,
    root: bytes | None,
    held: Sequence[Checkpoint],
    manifest: Manifest | None,
    key: bytes,
    *,
    drill: bool,
) -> None:
    also = kept.tables() if manifest is not None else ()  # before their database is opened
    with opened(terminal, must_exist=False) as office:
        tables = evidence.tables(office)
        declared = (*tables, *also)
        try:
            if manifest is not None:
                kept.refuse_unless_empty(office)
            if key and not drill:
                refuse_another_key(office.accounts.vault.file)
            with terminal.progress(Words("还原", "Restoring")) as tick, file.open("rb") as plain:
                restored = restoring.restore(
                    office.book,
                    backing_up.ledger_lines(file) if manifest is not None else plain,
                    root=root,
                    progress=tick,
                    beside=declared,
                )
        except restoring.Unrestorable as error:
            raise Stop(error.words, REFUSED) from error
        if manifest is not None:
            kept.renumber(office)
        with terminal.progress(Words("校验", "Verifying")) as tick:
            verdict = verify(office.book, progress=tick, held=held, beside=tables)
        with terminal.progress(Words("更新列表", "Bringing lists up to date")) as tick:
            office.models.catch_up(office.book, tick)
        digest = _digest(terminal, office)
        key_file = office.accounts.vault.file
        if key and not drill:
            keep_key(key_file, key)
    if terminal.json:
        terminal.answer(
            {
                "size": restored.size,
                "root": restored.root.hex(),
                "whole": restored.whole,
                "beside": restored.beside,
                "intact": verdict.intact,
                "digest": digest,
            }
            | ({"since": [one.size for one in held]} if held else {})
            | ({"made_at": manifest.made_at, "version": manifest.version} if manifest else {})
        )
    terminal.say(
        f"已还原 {restored.size:,} 条。{verdict.sentence('zh')}\n状态摘要 {digest}",
        f"{restored.size:,} entries restored. {verdict.sentence('en')}\ndigest of states {digest}",
    )
    for problem in verdict.integrity:
        terminal.say(f"  {problem.sentence('zh')}", f"  {problem.sentence('en')}")
    if not restored.whole:
        terminal.say(
            "文件只有条目：受理编号、导入登记和附件不在其中，重复的请求或导入将无法识别。"
            "完整迁移请用 gongwu export ledger。",
            "The file holds entries alone: request keys, import marks and evidence are not in it,"
            " so repeated requests or imports cannot be recognised. To move a ledger whole, use"
            " gongwu export ledger.",
        )
    if manifest is None:
        terminal.say(
            "账号与人员姓名不在账本中，需另行建立；gongwu backup 的备份包含它们。",
            "Log-ins and names of people are not part of the ledger; set them up apart, or restore"
            " what gongwu backup made, which holds them.",
        )
    else:
        count = restored.beside.get("account_login", 0)
        terminal.say(
            f"账号 {count:,} 个已还原，原来的会话不再有效。姓名主密钥应在 {key_file}。",
            f"{count:,} log-ins came back; whoever was signed in signs in again. The master key of"
            f" names belongs at {key_file}.",
        )
    if not verdict.intact:
        terminal.end(REFUSED)


def held_checkpoint(file: Path) -> Checkpoint:
    """Read a checkpoint that somebody kept elsewhere."""
    try:
        return kept_elsewhere(file.read_bytes().decode(errors="replace"))
    except OSError as error:
        raise Stop(
            Words(f"读不到 {file}：{error.strerror}", f"Cannot read {file}: {error.strerror}"),
            USAGE,
        ) from error


def refuse_another_key(file: Path) -> None:
    """Refuse to write the master key of names over another."""
    if file.exists():
        raise restoring.Unrestorable(
            f"{file} 已有一个主密钥，不会覆盖。请移开它，或用 GONGWU_VAULT 另指一处。未写入任何内容。",
            f"{file} holds a master key already, and is kept. Move it away, or name another place by"
            " GONGWU_VAULT. Nothing was written.",
        )


def keep_key(file: Path, key: bytes) -> None:
    """Write the master key of names where it belongs, for its owner alone."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(key)


def root_of(text: str) -> bytes | None:
    """Read a root given in hexadecimal."""
    try:
        root = bytes.fromhex(text) if text else None
    except ValueError:
        root = b""
    if root is not None and len(root) != 32:
        raise Stop(
            Words("--root 须为 64 位十六进制。", "--root must be 64 hexadecimal digits."), USAGE
        )
    return root
