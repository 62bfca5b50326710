"""Whom to believe: the logs, the witnesses, and how many of them must have signed (tlog-policy).

A policy is a text of its reader's, never the sender's. `Trust.parse(text).judge(note)` says which
log signed a checkpoint, which witnesses did and when, and whether that is enough.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

import msgspec

from ledger import tree
from ledger.notes import LOG, WITNESS, Checkpoint, Note, Signed, Unproven, Verifier

POLICY_BYTES_MAX = 256 * 1024
DEFINED_MAX = 256  # logs, witnesses and groups together
NONE = "none"


class Witness(msgspec.Struct, frozen=True):
    """A witness by the name it has in the policy."""

    name: str
    verifier: Verifier
    url: str = ""


class Group(msgspec.Struct, frozen=True):
    """A group has seen a checkpoint when `enough` of its members have."""

    name: str
    enough: int
    members: tuple[str, ...]


class Judged(msgspec.Struct, frozen=True):
    """What a policy says of a checkpoint. `met` is false while too few witnesses signed."""

    checkpoint: Checkpoint
    log: Verifier
    witnesses: dict[str, int]  # name in the policy → when it signed, seconds since 1970
    met: bool


class Trust(msgspec.Struct, frozen=True):
    """A policy: any of the logs, and a quorum of the witnesses."""

    logs: tuple[Verifier, ...]
    witnesses: tuple[Witness, ...]
    groups: tuple[Group, ...]
    quorum: str = NONE

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read a policy file; raise Unproven with the number of the line that is wrong."""
        if len(raw) > POLICY_BYTES_MAX or any(b < 0x20 and b not in b"\t\n" for b in raw):
            raise Unproven("策略文件过大或含控制字符。", "Too large, or with control characters.")
        reader = _Reader()
        for number, line in enumerate(raw.decode("utf-8", "surrogateescape").split("\n"), start=1):
            words = [word for word in line.replace("\t", " ").split(" ") if word]
            if not words or words[0].startswith("#"):
                continue
            try:
                reader.take(words)
            except (Unproven, ValueError) as error:
                why = error.words if isinstance(error, Unproven) else None
                raise Unproven(
                    f"策略文件第 {number} 行：{why.zh if why else '写法不对'}",
                    f"Line {number} of the policy: {why.en if why else 'not as it must be written'}",
                ) from error
        if reader.quorum is None:
            raise Unproven("策略文件缺少 quorum 行。", "The policy has no quorum line.")
        return cls(tuple(reader.logs), tuple(reader.witnesses), tuple(reader.groups), reader.quorum)

    @classmethod
    def two_of_three(cls, log: Verifier, witnesses: Iterable[tuple[str, Verifier]]) -> Self:
        """Return the default: this log, and two of the witnesses (all, when they are fewer)."""
        all_ = tuple(Witness(name, verifier) for name, verifier in witnesses)
        if not all_:
            return cls((log,), (), (), NONE)
        group = Group("any-two", min(2, len(all_)), tuple(w.name for w in all_))
        return cls((log,), all_, (group,), group.name)

    @property
    def text(self) -> str:
        """Return the policy as a file."""
        out = [f"log {log.vkey}" for log in self.logs]
        out += [f"witness {w.name} {w.verifier.vkey} {w.url}".rstrip() for w in self.witnesses]
        out += [f"group {g.name} {g.enough} {' '.join(g.members)}" for g in self.groups]
        return "\n".join((*out, f"quorum {self.quorum}", ""))

    def judge(self, note: Note) -> Judged:
        """Return who signed a checkpoint, and whether that is enough.

        Raise Unproven when none of the logs signed, when a known key's signature is wrong, or
        when the text is no checkpoint of that log. Too few witnesses is `met=False`, no error.
        """
        checkpoint = Checkpoint.parse(note.text)
        known = (*self.logs, *(w.verifier for w in self.witnesses))
        signed = note.signed_by(known)
        log = next((s.verifier for s in signed if self._is_log(s, checkpoint.origin)), None)
        if log is None:
            raise Unproven(
                f"账本“{checkpoint.origin}”没有签署这个检查点。",
                f"The log {checkpoint.origin} did not sign this checkpoint.",
            )
        if len(checkpoint.root) != tree.HASH_BYTES:
            raise Unproven("检查点的树根长度不对。", "The root of the checkpoint is too short.")
        times = {s.verifier: s.time for s in signed}
        seen = {w.name: times[w.verifier] for w in self.witnesses if w.verifier in times}
        return Judged(checkpoint, log, seen, self._met(set(seen)))

    def _is_log(self, signed: Signed, origin: str) -> bool:
        return signed.verifier in self.logs and signed.verifier.name == origin

    def _met(self, seen: set[str]) -> bool:
        for group in self.groups:  # members come before their group
            if sum(member in seen for member in group.members) >= group.enough:
                seen.add(group.name)
        return self.quorum == NONE or self.quorum in seen


class _Reader:
    """A policy while it is read: names must be known before they are used, each used once."""

    def __init__(self) -> None:
        self.logs: list[Verifier] = []
        self.witnesses: list[Witness] = []
        self.groups: list[Group] = []
        self.quorum: str | None = None
        self.named: set[str] = {NONE}
        self.used: set[str] = {NONE}

    def take(self, words: list[str]) -> None:
        if len(self.logs) + len(self.named) > DEFINED_MAX:
            raise Unproven("定义过多。", "Too many definitions.")
        match words:
            case ["log", vkey, *rest] if len(rest) <= 1:
                self.logs.append(self._key(vkey, LOG, [log.public for log in self.logs]))
            case ["witness", name, vkey, *rest] if len(rest) <= 1:
                known = [w.verifier.public for w in self.witnesses]
                verifier = self._key(vkey, WITNESS, known)
                self._name(name)
                self.witnesses.append(Witness(name, verifier, rest[0] if rest else ""))
            case ["group", name, enough, *members] if members:
                for member in members:
                    if member in self.used or member not in self.named:
                        raise Unproven(
                            f"成员“{member}”未定义或已属于一个组。",
                            f"The member {member} is unknown or in a group already.",
                        )
                    self.used.add(member)
                self._name(name)
                count = {"any": 1, "all": len(members)}.get(enough) or self._count(enough)
                if not 1 <= count <= len(members):
                    raise Unproven("组的门槛不对。", "The threshold of the group is wrong.")
                self.groups.append(Group(name, count, tuple(members)))
            case ["quorum", name] if self.quorum is None:
                if name not in self.named:
                    raise Unproven(f"“{name}”未定义。", f"{name} is not defined.")
                self.quorum = name
            case _:
                raise Unproven("写法不对。", "Not as a policy is written.")

    def _key(self, vkey: str, kind: int, known: list[bytes]) -> Verifier:
        verifier = Verifier.parse(vkey)
        if verifier.kind != kind or verifier.public in known:
            raise Unproven("公钥类型不对或重复。", "A key of the wrong kind, or given twice.")
        return verifier

    def _name(self, name: str) -> None:
        if name in self.named:
            raise Unproven(f"“{name}”重复定义。", f"{name} is defined twice.")
        self.named.add(name)

    def _count(self, text: str) -> int:
        if not (text.isascii() and text.isdigit()) or len(text) > 4 or text.startswith("0"):
            raise Unproven("组的门槛不对。", "The threshold of the group is wrong.")
        return int(text)
