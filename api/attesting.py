"""What others attest of checkpoints (time stamps, the parallel log), for every door that verifies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import msgspec

from domain.words import Words
from ledger import national, stamping
from ledger.book import Book
from ledger.national import Parallels
from ledger.notes import Checkpoint
from ledger.stamping import Stamps
from ledger.verifying import Reader

SIZE_MAX = 2**62


class Attested(msgspec.Struct, frozen=True):
    """How far there are kept time stamps, and checkpoints of the parallel log; 0 for none."""

    stamped: int
    sm3: int

    @classmethod
    def of(cls, book: Book) -> Self:
        """Look what is kept; nothing is checked."""
        newest = (
            book.log.attestations(kind, 0, SIZE_MAX, 1) for kind in (stamping.KIND, national.KIND)
        )
        return cls(*(rows[0][0] if rows else 0 for rows in newest))


class Attesting:
    """Who reads along with `verify`, and what they say afterwards.

    Only what is configured is checked: certificates for time stamps, a public key for the parallel
    log, or a checkpoint of it that was kept. Raise Unproven when the extra it needs is absent.
    """

    def __init__(
        self,
        book: Book,
        tsa_trust: Path | None,
        sm2: Path | None,
        held: Sequence[Checkpoint] = (),
    ) -> None:
        self._kept, self._held = Attested.of(book), parallel(held)
        self.stamps = Stamps(book, stamping.trusted(tsa_trust)) if tsa_trust is not None else None
        verifier = national.believed(sm2) if sm2 is not None else None
        wanted = verifier is not None or self._held
        self.parallels = Parallels(book, verifier, self._held) if wanted else None

    @property
    def readers(self) -> list[Reader]:
        """Return who is to read along."""
        return [reader for reader in (self.stamps, self.parallels) if reader is not None]

    def said(self) -> list[Words]:
        """Say what was found, and what there is but was not checked."""
        found: list[Words] = []
        if self.stamps is not None:
            found.append(_of_stamps(self.stamps))
        elif self._kept.stamped:
            found.append(UNTRUSTED)
        if self.parallels is not None:
            found.append(_of_parallels(self.parallels))
        elif self._kept.sm3:
            found.append(UNREAD)
        return found

    @property
    def plain(self) -> dict[str, Any]:
        """Return it as data."""
        stamps, parallels = self.stamps, self.parallels
        return {
            "stamps": None
            if stamps is None
            else {
                "good": stamps.good,
                "unchecked": stamps.unchecked,
                "newest": stamps.newest and stamps.newest[0],
                "time": stamps.newest and stamps.newest[1].at,
            },
            "sm3": None if parallels is None else {"size": parallels.signed},
        }


def parallel(held: Sequence[Checkpoint]) -> list[Checkpoint]:
    """Return the checkpoints of a parallel log among those that somebody kept."""
    return [checkpoint for checkpoint in held if checkpoint.origin.endswith(national.SUFFIX)]


def main(held: Sequence[Checkpoint]) -> list[Checkpoint]:
    """Return the checkpoints of the log itself among those that somebody kept."""
    return [checkpoint for checkpoint in held if not checkpoint.origin.endswith(national.SUFFIX)]


UNTRUSTED = Words(
    "有时间戳，未核验：请用 --tsa-trust（或 GONGWU_TSA_TRUST）给出时间戳机构的信任证书。",
    "There are time stamps, not checked: give the authority's certificates by --tsa-trust"
    " (GONGWU_TSA_TRUST).",
)
UNREAD = Words(
    "有国密并行账本，未核验：请用 --sm2（或 GONGWU_SM2）给出它的公钥。",
    "There is a parallel log (SM3), not checked: give its public key by --sm2 (GONGWU_SM2).",
)


def _of_stamps(stamps: Stamps) -> Words:
    zh, en = f"时间戳：{stamps.good:,} 个成立", f"Time stamps: {stamps.good:,} hold"
    if stamps.newest is not None:
        size, stamp = stamps.newest
        when = f"{stamp.at:%Y-%m-%d %H:%M:%S}Z"
        zh += f"，最新：{when} 证明 {size:,} 条的检查点（{stamp.by}）"
        en += f", the newest of {when} for the checkpoint of {size:,} entries ({stamp.by})"
    if stamps.unchecked:
        zh += f"；另有 {stamps.unchecked:,} 个本程序不能核验，原样保存"
        en += f"; {stamps.unchecked:,} more this program cannot check, kept as they came"
    return Words(f"{zh}。", f"{en}.")


def _of_parallels(parallels: Parallels) -> Words:
    return Words(
        f"国密并行账本（SM3）：{parallels.signed:,} 条的检查点与条目一致。",
        f"Parallel log (SM3): its checkpoint of {parallels.signed:,} entries fits the entries.",
    )
