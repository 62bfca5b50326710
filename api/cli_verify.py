"""Check the whole log, against itself and against what was kept at home; two separate verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from api import attesting, evidence
from api.attesting import Attesting
from api.cli_read import opened
from api.cli_terminal import REFUSED, USAGE, Stop, Terminal
from api.proving import held
from domain.words import Words
from ledger.mirror import Mirror
from ledger.notes import Checkpoint, Note, Unproven
from ledger.trust import Trust
from ledger.verifying import verify


def verify_(
    terminal: Terminal,
    since: Sequence[Path],
    trust: Path | None,
    mirror: Path | None,
    tsa_trust: Path | None,
    sm2: Path | None,
) -> None:
    """Check everything, and that the lists have reached the end; exit 1 when anything is off."""
    policy = Trust.parse(_read(trust)) if trust is not None else None
    kept = [_held(terminal, file, policy) for file in since]
    checkpoints = attesting.main(kept)
    with opened(terminal) as office:
        settings = office.settings
        attested = Attesting(
            office.book, tsa_trust or settings.tsa_trust, sm2 or settings.sm2, kept
        )

        def behind(_: Any) -> Iterator[str]:
            reached, size = office.models.position(), office.book.head()[0]
            if reached != size:
                yield f"{reached} / {size}"

        with terminal.progress(Words("校验", "Verifying")) as tick:
            verdict = verify(
                office.book,
                lists=behind,
                progress=tick,
                held=checkpoints,
                mirror=Mirror(mirror) if mirror is not None else None,
                readers=attested.readers,
                beside=evidence.tables(office),
            )
    if terminal.json:
        problems = [
            {"check": p.check, "position": p.position, "detail": p.sentence(terminal.lang)}
            for p in (*verdict.integrity, *(verdict.completeness or ()))
        ]
        terminal.answer(
            {
                "size": verdict.size,
                "root": verdict.root.hex(),
                "intact": verdict.intact,
                "complete": verdict.complete,
                "since": [checkpoint.size for checkpoint in checkpoints],
                "problems": problems,
                "unlisted": verdict.unlisted,
                "lost": list(verdict.lost),
                **attested.plain,
                "removed": [{"position": p.position, "sha256": p.detail} for p in verdict.removed],
            }
        )
    else:
        terminal.say(verdict.sentence("zh"), verdict.sentence("en"))
        for problem in verdict.integrity:
            terminal.say(f"  {problem.sentence('zh')}", f"  {problem.sentence('en')}")
        for words in attested.said():
            terminal.say(words.zh, words.en)
        _tell_reach(terminal, [checkpoint.size for checkpoint in checkpoints], verdict.intact)
    if not (verdict.intact and verdict.complete):
        terminal.end(REFUSED)


def _held(terminal: Terminal, file: Path, policy: Trust | None) -> Checkpoint:
    """Read a checkpoint; its signatures are judged where a policy says whose count."""
    raw = _read(file)
    read = held(raw.decode(errors="replace"))
    if policy is None or attesting.parallel([read]):
        return read  # a policy has no keys of SM2: the one of the parallel log is given apart
    try:
        judged = policy.judge(Note.parse(raw))
    except Unproven as why:
        raise Stop(Words(f"{file}：{why.words.zh}", f"{file}: {why.words.en}")) from why
    if not judged.met:
        terminal.say(
            f"注意：{file} 的见证未达到策略要求。",
            f"Note: {file} has fewer witnesses than the policy asks for.",
        )
    return judged.checkpoint


def _tell_reach(terminal: Terminal, sizes: list[int], intact: bool) -> None:
    """Say what was proven, and what never can be."""
    if not sizes:
        terminal.say(
            "以上只是账本与自身核对：掌控数据库的人可以重算全部哈希。请用 --since 加上自己保存的检查点。",
            "This held the log against itself alone: who owns the database can compute every hash"
            " again. Add a checkpoint that you kept, with --since.",
        )
    elif intact:
        terminal.say(
            f"第 1 至 {max(sizes):,} 条与您保存的检查点一致，自那时起未被改动。",
            f"Entries 1 to {max(sizes):,} are as they were when your checkpoint was signed.",
        )


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise Stop(
            Words(f"读不到 {file}：{error.strerror}", f"Cannot read {file}: {error.strerror}"),
            USAGE,
        ) from error
