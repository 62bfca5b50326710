"""核验证据包 · Check an evidence bundle, offline, with nothing but Python 3.8 or later.

    python3 -I verify_bundle.py bundle.zip [--policy POLICY] [--key KEY] [--since CHECKPOINT]

--policy  您自己保存的信任策略（tlog-policy）· the policy you keep: which log, which witnesses
--key     您自己保存的账本公钥（名称+编号+公钥）· the log's public key you keep, if there is no policy
--since   您早先保存的检查点（文件，或打印件上的三行）· a checkpoint you kept: a file, or three lines
--show    逐条列出 · list every entry      --lang zh|en  只用一种语言 · one language only

退出码 exit code: 0 通过 holds · 1 不通过 does not hold · 2 用法不对 wrong use.

This file belongs to no package and imports none: read it, keep it, and do not use a copy that came
with the evidence unless it is the same to the byte as one that you trust. Formats: RFC 9162, C2SP
signed-note, tlog-checkpoint, tlog-cosignature, tlog-proof and tlog-policy, RFC 8032.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import hmac
import json
import os
import re
import struct
import sys
import zlib
from datetime import datetime, timezone
from typing import Any, Callable

FORMAT = "ledger-evidence/v1"
FILE_BYTES_MAX = 512 * 2**20
MEMBERS_MAX = 65_000
MANIFEST_BYTES_MAX = 16 * 2**20
NOTE_BYTES_MAX = 64 * 1024
ENTRY_BYTES_MAX = 65_535
LINES_MAX = 63  # hashes of a proof; a tree this side of 2^63 has no longer path
NAMES = re.compile(
    r"manifest\.json|checkpoint|checkpoint\.old|consistency|policy\.txt|README\.txt"
    r"|verify_bundle\.py|entries/(0|[1-9]\d{0,14})\.json|proofs/(0|[1-9]\d{0,14})\.tlog-proof"
    r"|opened/(0|[1-9]\d{0,14})\.json|attachments/[0-9a-f]{64}|tsa/[1-9]\d{0,14}\.tsr"
)
ENVELOPE = {
    *("actor", "body", "cause", "corrects", "effective_at", "recorded_at"),
    *("salt", "seq", "stream", "tv", "type", "v"),
}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
LOG, WITNESS = 1, 4
BOTH = ("zh", "en")
Say = Callable[[str, str], None]
Point = "tuple[int, int, int, int]"


class Refused(Exception):
    """The bundle does not hold; two sentences say why."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh, self.en = zh, en


def main(arguments: list[str] | None = None) -> int:
    """Check what the command line names; print sentences; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bundle")
    parser.add_argument("--policy")
    parser.add_argument("--key")
    parser.add_argument("--since")
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--lang", choices=BOTH)
    asked = parser.parse_args(arguments)
    langs = (asked.lang,) if asked.lang else BOTH
    stream: Any
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")

    def say(zh: str, en: str) -> None:
        for lang in langs:
            print(zh if lang == "zh" else en)

    try:
        check(asked.bundle, asked.policy, asked.key, asked.since, say, asked.show)
    except Refused as refused:
        say("不通过：" + refused.zh, "DOES NOT HOLD: " + refused.en)
        return 1
    except OSError as error:
        say(f"不能读取：{error}", f"Cannot be read: {error}")
        return 2
    say("通过。", "It holds.")
    return 0


def check(
    bundle: str,
    policy_path: str | None,
    key: str | None,
    since_path: str | None,
    say: Say,
    show: bool = False,
) -> None:
    """Check a bundle (zip or unpacked folder); raise Refused at the first thing that does not hold."""
    files = folder(bundle) if os.path.isdir(bundle) else archive(slurp(bundle, FILE_BYTES_MAX))
    manifest = manifest_of(files)

    # Whose word counts -----------------------------------------------------------------
    own = policy_path is not None or key is not None
    if policy_path is not None:
        policy = Policy(slurp(policy_path, NOTE_BYTES_MAX))
    elif key is not None:
        policy = Policy((f"log {key.strip()}\nquorum none\n").encode("utf-8", "replace"))
    elif "policy.txt" in files:
        policy = Policy(files["policy.txt"])
    else:
        raise Refused(
            "包内没有信任策略；请用 --policy 或 --key 给出您保存的公钥。",
            "the bundle holds no policy; give the key you keep with --policy or --key.",
        )
    checkpoint = Checkpoint(files["checkpoint"])
    signers = policy.judge(checkpoint)
    if manifest["origin"] != checkpoint.origin:
        raise Refused("清单所说的账本不是检查点的账本。", "manifest and checkpoint name two logs.")
    say(
        f"检查点：账本 {printable(checkpoint.origin)}，共 {checkpoint.size} 条，树根 {checkpoint.root.hex()}。",
        f"Checkpoint: log {printable(checkpoint.origin)}, {checkpoint.size} entries,"
        f" root {checkpoint.root.hex()}.",
    )
    for name, seconds in signers:
        if seconds:
            when = datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M:%SZ")
            say(
                f"见证方 {printable(name)} 于 {when} 签署。",
                f"Witnessed by {printable(name)} at {when}.",
            )
    if not own:
        say(
            "注意：公钥取自包内的 policy.txt，伪造者也能放入。请用 --policy、--key 或 --since 给出您自己保存的。",
            "NOTE: the keys are from the bundle's own policy.txt, which a forger can write as well."
            " Give what you keep yourself: --policy, --key or --since.",
        )

    # What was there before -------------------------------------------------------------
    continued(files, checkpoint, since_path, say)

    # Every entry -----------------------------------------------------------------------
    entries = {}
    last_time = ""
    seqs: dict[str, list[int]] = {}
    for index in manifest["entries"]:
        entries[index] = entry = included(files, index, checkpoint)
        if entry["recorded_at"] < last_time:
            raise Refused(
                f"第 {index + 1} 条的记账时间早于前一条。",
                f"entry {index + 1} was recorded before the one in front of it.",
            )
        last_time = entry["recorded_at"]
        before = seqs.setdefault(entry["stream"], [0])
        before.append(entry["seq"])
        if before[-1] <= before[-2]:
            raise Refused(
                f"第 {index + 1} 条在其记录中的序号不是递增的。",
                f"entry {index + 1} does not follow in its stream.",
            )
    if manifest["made_at"] != last_time:
        raise Refused("清单的时间不是最后一条的时间。", "the manifest gives another time.")
    say(
        f"条目：{len(entries)} 条，逐条证明在该检查点之内、一字未改。",
        f"Entries: {len(entries)}, each proven to be in that log, unchanged to the byte.",
    )
    answers(manifest, entries, seqs, say)
    opened(files, entries, say)
    attached(files, entries, say)
    stamped(files, checkpoint, say)
    if show:
        for index, entry in entries.items():
            print(
                *(index + 1, entry["recorded_at"], entry["effective_at"]),
                *(f"{printable(entry['stream'])}/{entry['seq']}", printable(entry["type"])),
                sep="\t",
            )


def printable(text: str) -> str:
    """Return a text without characters that could rewrite a terminal."""
    return "".join(c if c.isprintable() else "?" for c in text)


# Files --------------------------------------------------------------------------------


def slurp(path: str, most: int) -> bytes:
    """Read a file; refuse one that is too large."""
    with open(path, "rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise Refused(f"文件过大：{path}", f"the file is too large: {path}")
    return content


def folder(path: str) -> dict[str, bytes]:
    """Read an unpacked bundle."""
    files: dict[str, bytes] = {}
    total = 0
    for parent, _, names in os.walk(path):
        for base in names:
            full = os.path.join(parent, base)
            name = os.path.relpath(full, path).replace(os.sep, "/")
            if len(files) >= MEMBERS_MAX or os.path.islink(full):
                raise Refused("文件过多，或有链接。", "too many files, or a link.")
            _known(name)
            files[name] = slurp(full, FILE_BYTES_MAX)
            total += len(files[name])
            if total > FILE_BYTES_MAX:
                raise Refused("证据包过大。", "the bundle is too large.")
    return files


def archive(raw: bytes) -> dict[str, bytes]:
    """Read a zip by the one way in which bundles are written: nothing compressed, nothing besides."""
    files: dict[str, bytes] = {}
    at = 0
    while raw[at : at + 4] == b"PK\x03\x04":
        if len(raw) < at + 30 or len(files) >= MEMBERS_MAX:
            raise _torn()
        size, length = (
            struct.unpack("<L", raw[at + 18 : at + 22])[0],
            raw[at + 26] + raw[at + 27] * 256,
        )
        if length > 100 or at + 30 + length + size > len(raw):
            raise _torn()
        try:
            name = raw[at + 30 : at + 30 + length].decode("ascii")
        except UnicodeDecodeError:
            raise _torn() from None
        _known(name)
        if name in files:
            raise Refused("包内有重名文件。", "two files of the bundle have one name.")
        at += 30 + length
        files[name] = raw[at : at + size]
        at += size
    if written(files) != raw:
        raise _torn()
    return files


def written(files: dict[str, bytes]) -> bytes:
    """Return the one zip that holds these files in this order."""
    parts, central, at = [], [], 0
    for name, content in files.items():
        said = struct.pack(
            *("<HHHHHLLLHH", 20, 0, 0, 0, 0x21, zlib.crc32(content), len(content), len(content)),
            *(len(name), 0),
        )
        parts.append(b"PK\x03\x04" + said + name.encode("ascii") + content)
        placed = struct.pack("<HHHLL", 0, 0, 0, 0o644 << 16, at)
        central.append(b"PK\x01\x02\x14\x03" + said + placed + name.encode("ascii"))
        at += len(parts[-1])
    directory = b"".join(central)
    end = struct.pack("<HHHHLLH", 0, 0, len(files), len(files), len(directory), at, 0)
    return b"".join(parts) + directory + b"PK\x05\x06" + end


def _torn() -> Refused:
    return Refused(
        "压缩包不是证据包的写法：被截断、改动或重新打包。如曾重新打包，请解压后核验文件夹。",
        "the zip is not written as bundles are: cut, changed or packed again. If it was only packed"
        " again, unpack it and check the folder.",
    )


def _known(name: str) -> None:
    if not NAMES.fullmatch(name):
        raise Refused("包内有不认识的文件。", "the bundle holds a file that does not belong there.")


def manifest_of(files: dict[str, bytes]) -> dict[str, Any]:
    """Return the manifest, after every file was held against it."""
    for name in ("manifest.json", "checkpoint"):
        if name not in files:
            raise Refused(f"缺少文件 {name}。", f"{name} is missing.")
    raw = files["manifest.json"]
    said = parsed(raw, MANIFEST_BYTES_MAX, "manifest.json")
    shape = {"format": str, "origin": str, "entries": list, "question": str, "made_at": str}
    shape.update({"streams": dict, "files": dict})
    if set(said) != set(shape) or any(type(said[k]) is not shape[k] for k in shape):
        raise Refused(
            "清单（manifest.json）的项目不对。", "the manifest does not say what it should."
        )
    if said["format"] != FORMAT:
        raise Refused(f"不是证据包格式 {FORMAT}。", f"this is not the format {FORMAT}.")
    indices = said["entries"]
    if not indices or any(type(i) is not int or i < 0 for i in indices):
        raise Refused("清单没有条目。", "the manifest lists no entries.")
    if sorted(set(indices)) != indices:
        raise Refused("清单中的条目不是递增的。", "the entries of the manifest are out of order.")
    expected = {n for i in indices for n in (f"entries/{i}.json", f"proofs/{i}.tlog-proof")}
    present = {n for n in files if n.startswith(("entries/", "proofs/"))}
    for name in sorted(expected ^ present):
        raise Refused(f"清单与包内条目不一致：{name}。", f"manifest and files differ: {name}.")
    told = {n: hashlib.sha256(c).hexdigest() for n, c in files.items() if n != "manifest.json"}
    for name in sorted(set(told) ^ set(said["files"])):
        raise Refused(
            f"清单与包内文件不一致：{printable(name)}。",
            f"manifest and files differ: {printable(name)}.",
        )
    for name, hash_ in told.items():
        if said["files"][name] != hash_:
            raise Refused(f"文件被改动：{name}。", f"a file was changed: {name}.")
    return said


def canonical(value: object) -> bytes:
    """Return the one way in which a bundle writes JSON."""
    said = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return said.encode("utf-8", "surrogatepass")


def parsed(raw: bytes, most: int, name: str) -> dict[str, Any]:
    """Read a JSON object; refuse any other than the one way to write it."""

    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("a key occurs twice")
        return found

    def whole(text: str) -> int:
        if len(text) > 17:
            raise ValueError("a number is too large")
        return int(text)

    def never(text: str) -> None:
        raise ValueError(f"the number {text} is no integer")

    try:
        if len(raw) > most:
            raise ValueError("too large")
        said = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=once,
            parse_int=whole,
            parse_float=never,
            parse_constant=never,
        )
        if type(said) is not dict:
            raise ValueError("no object")
        if canonical(said) != raw:
            raise ValueError("not in canonical form")
    except (ValueError, RecursionError):
        raise Refused(f"{name} 不能读懂。", f"{name} cannot be read.") from None
    return said


# Checkpoints --------------------------------------------------------------------------


class Checkpoint:
    """Origin, size and root, with the signatures under them (nothing is checked yet)."""

    def __init__(self, raw: bytes, bare: bool = False) -> None:
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            raise _no_checkpoint() from None
        if bare:
            text = text.lstrip("\ufeff").replace("\r\n", "\n")
            if "\n\n" not in text:
                text = "\n".join(line.strip() for line in text.strip().split("\n")) + "\n\n"
        if len(raw) > NOTE_BYTES_MAX or any(c < " " and c != "\n" for c in text):
            raise _no_checkpoint()
        head, split, tail = text.rpartition("\n\n")
        self.text, lines = head + "\n", head.split("\n")
        if not split or len(lines) < 3 or not all(lines) or (tail and not tail.endswith("\n")):
            raise _no_checkpoint()
        self.origin, self.size, self.root = lines[0], number(lines[1]), unbase64(lines[2])
        if len(self.root) != 32 or (not tail and not bare):
            raise _no_checkpoint()
        self.signatures = [signature(line) for line in tail.split("\n")[:-1]]
        self.raw = raw


def _no_checkpoint() -> Refused:
    return Refused("不是检查点。", "this is not a checkpoint.")


def signature(line: str) -> tuple[str, bytes]:
    """Return name and bytes (key id first) of a line under a note."""
    name, _, encoded = line[2:].partition(" ")
    made = unbase64(encoded)
    if line[:2] != "\u2014 " or not name or len(made) <= 4:
        raise _no_checkpoint()
    return name, made


def number(text: str) -> int:
    """Read a number written in the one way there is."""
    if not re.fullmatch(r"0|[1-9][0-9]{0,17}", text, re.ASCII):
        raise Refused("数字写法不对。", "a number is not written as it should be.")
    return int(text)


def unbase64(text: str) -> bytes:
    """Read base64 that is written in the one way there is."""
    try:
        found = base64.b64decode(text.encode("ascii"), validate=True)
    except (ValueError, binascii.Error):
        found = b""
    if not found or base64.b64encode(found).decode() != text:
        raise Refused("base64 写法不对。", "base64 is not written as it should be.")
    return found


class Policy:
    """Which log and which witnesses are believed, and how many must have signed (tlog-policy)."""

    def __init__(self, raw: bytes) -> None:
        self.logs: dict[tuple[str, bytes], bytes] = {}
        self.witnesses: dict[str, tuple[str, bytes, bytes]] = {}
        self.groups: list[tuple[str, int, list[str]]] = []
        self.quorum = ""
        names, used = {"none"}, {"none"}
        for line in raw.decode("utf-8", "replace").split("\n"):
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            if words[0] == "log" and len(words) in (2, 3):
                name, id_, public = vkey(words[1], LOG)
                self.logs[name, id_] = public
            elif words[0] == "witness" and len(words) in (3, 4) and words[1] not in names:
                self.witnesses[words[1]] = vkey(words[2], WITNESS)
                names.add(words[1])
            elif words[0] == "group" and len(words) > 3 and words[1] not in names:
                members, said = words[3:], {"any": 1, "all": len(words) - 3}
                count = said[words[2]] if words[2] in said else number(words[2])
                wrong = [m for m in members if m not in names or m in used]
                if wrong or len(set(members)) != len(members) or not 1 <= count <= len(members):
                    raise _no_policy()
                used.update(members)
                names.add(words[1])
                self.groups.append((words[1], count, members))
            elif words[0] == "quorum" and len(words) == 2 and not self.quorum and words[1] in names:
                self.quorum = words[1]
            else:
                raise _no_policy()
        if not self.logs or not self.quorum:
            raise _no_policy()

    def judge(self, checkpoint: Checkpoint) -> list[tuple[str, int]]:
        """Return who signed and when; refuse without the log's signature or without the quorum."""
        by_log, seen = "", {}
        for name, made in checkpoint.signatures:
            id_, rest = made[:4], made[4:]
            if (name, id_) in self.logs:
                if not verified(self.logs[name, id_], checkpoint.text.encode("utf-8"), rest):
                    raise _forged(name)
                by_log = name if name == checkpoint.origin else by_log
            for witness, (known, known_id, public) in self.witnesses.items():
                if (name, id_) == (known, known_id) and witness not in seen:
                    seconds = int.from_bytes(rest[:8], "big")
                    text = f"cosignature/v1\ntime {seconds}\n{checkpoint.text}"
                    if seconds >= 2**36 or not verified(public, text.encode("utf-8"), rest[8:]):
                        raise _forged(name)
                    seen[witness] = seconds
        if not by_log:
            raise Refused(
                "账本没有签署检查点，或不是您信任的密钥。", "the log you trust did not sign."
            )
        met = set(seen) | {"none"}
        for name, count, members in self.groups:
            if sum(member in met for member in members) >= count:
                met.add(name)
        if self.quorum not in met:
            raise Refused(
                "见证方不足：策略要求的见证方没有都签署。",
                "too few witnesses signed for the policy.",
            )
        return [(by_log, 0), *seen.items()]


def vkey(text: str, kind: int) -> tuple[str, bytes, bytes]:
    """Return name, id and public key of one line `name+id+key`."""
    name, _, rest = text.partition("+")
    id_, _, encoded = rest.partition("+")
    key = unbase64(encoded)
    expected = hashlib.sha256(name.encode("utf-8", "replace") + b"\n" + key).digest()[:4]
    if not name or len(key) != 33 or key[0] != kind or id_ != expected.hex():
        raise _no_policy()
    return name, expected, key[1:]


def _no_policy() -> Refused:
    return Refused("信任策略或公钥的写法不对。", "policy or key is not written as it should be.")


def _forged(name: str) -> Refused:
    return Refused(
        f"{printable(name)} 的签名与检查点不符：内容或签名被改动。",
        f"the signature of {printable(name)} does not fit the checkpoint.",
    )


# Ed25519 (RFC 8032), checking only ------------------------------------------------------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)
ZERO = (0, 1, 1, 0)


def verified(public: bytes, message: bytes, made: bytes) -> bool:
    """Tell whether a signature is by a key."""
    if len(made) != 64 or len(public) != 32:
        return False
    key, s = point(public), int.from_bytes(made[32:], "little")
    if key is None or s >= L:
        return False
    hashed = hashlib.sha512(made[:32] + public + message).digest()
    k = int.from_bytes(hashed, "little") % L
    x, y, z, t = key
    return packed(twice(s, BASE, k, (P - x, y, z, P - t))) == made[:32]


def point(raw: bytes) -> tuple[int, int, int, int] | None:
    """Read a point; None for what is none, or is not written in the one way there is."""
    y = int.from_bytes(raw, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * ROOT % P
    if x * x % P != square or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


def add(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """Add two points (extended coordinates)."""
    m, n = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    c, d = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = n - m, d - c, d + c, n + m
    return e * f % P, g * h % P, f * g % P, e * h % P


def twice(
    s: int, a: tuple[int, int, int, int], k: int, b: tuple[int, int, int, int]
) -> tuple[int, int, int, int]:
    """Return s times a plus k times b."""
    both, found = add(a, b), ZERO
    for bit in range(255, -1, -1):
        found = add(found, found)
        which = (s >> bit & 1) + 2 * (k >> bit & 1)
        if which:
            found = add(found, (a, b, both)[which - 1])
    return found


def packed(a: tuple[int, int, int, int]) -> bytes:
    """Write a point."""
    inverse = pow(a[2], P - 2, P)
    x, y = a[0] * inverse % P, a[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


BASE = point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little")) or ZERO

# The tree (RFC 9162) --------------------------------------------------------------------


def node(left: bytes, right: bytes) -> bytes:
    """Return the hash of two subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def hashes(text: str) -> list[bytes]:
    """Read lines of base64, each a hash."""
    lines = text.split("\n")
    if lines.pop() or len(lines) > LINES_MAX:
        raise Refused("证明的写法不对。", "a proof is not written as it should be.")
    found = [unbase64(line) for line in lines]
    if any(len(hash_) != 32 for hash_ in found):
        raise Refused("证明的写法不对。", "a proof is not written as it should be.")
    return found


def included(files: dict[str, bytes], index: int, checkpoint: Checkpoint) -> dict[str, Any]:
    """Return an entry, proven to be in the log of the checkpoint."""
    place = f"entries/{index}.json"
    raw, proof = files[place], files[f"proofs/{index}.tlog-proof"]
    head, split, note = proof.partition(b"\n\n")
    lines = head.decode("ascii", "replace").split("\n")
    if not split or lines[:2] != ["c2sp.org/tlog-proof@v1", f"index {index}"]:
        raise Refused(
            f"第 {index + 1} 条的证明写法不对。",
            f"the proof of entry {index + 1} is not one.",
        )
    if note != checkpoint.raw:
        raise Refused(
            f"第 {index + 1} 条的证明用的是另一个检查点。",
            f"the proof of entry {index + 1} is for another checkpoint.",
        )
    path = hashes("".join(line + "\n" for line in lines[2:]))
    at, last, found = index, checkpoint.size - 1, hashlib.sha256(b"\x00" + raw).digest()
    sound = 0 <= at <= last
    for other in path:
        sound = sound and last > 0
        if at & 1 or at == last:
            found = node(other, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node(found, other)
        at, last = at >> 1, last >> 1
    if not sound or last or found != checkpoint.root:
        raise Refused(
            f"第 {index + 1} 条不在该检查点的账本中：条目或证明被改动。",
            f"entry {index + 1} is not in the log of the checkpoint: entry or proof was changed.",
        )
    return envelope(parsed(raw, ENTRY_BYTES_MAX, place), index)


def envelope(entry: dict[str, Any], index: int) -> dict[str, Any]:
    """Return an entry whose fields are those of an entry."""
    texts = ("actor", "cause", "effective_at", "recorded_at", "salt", "stream", "type")
    sound = (
        set(entry) == ENVELOPE
        and all(type(entry[name]) is str for name in texts)
        and type(entry["seq"]) is int
        and type(entry["body"]) is dict
        and TIME.fullmatch(entry["recorded_at"])
    )
    if not sound:
        raise Refused(f"第 {index + 1} 条不是账本条目的写法。", f"entry {index + 1} is none.")
    return entry


def continued(
    files: dict[str, bytes], checkpoint: Checkpoint, since_path: str | None, say: Say
) -> None:
    """Check that the log of the checkpoint begins with that of earlier checkpoints."""
    old = Checkpoint(files["checkpoint.old"], bare=True) if "checkpoint.old" in files else None
    path = hashes(files.get("consistency", b"").decode("ascii", "replace"))
    if (old is None) != ("consistency" not in files):
        raise Refused(
            "旧检查点与一致性证明缺一。", "one of old checkpoint and its proof is missing."
        )
    if old is not None:
        # Whoever types one may add blanks and lines of his own, a bundle may not: nobody signed it.
        plain = "\n".join([*old.text.split("\n")[:3], ""])
        if plain.encode("utf-8") != files["checkpoint.old"]:
            raise _no_checkpoint()
        consistent(old, checkpoint, path)
    if since_path is None:
        return
    held = Checkpoint(slurp(since_path, NOTE_BYTES_MAX), bare=True)
    if held.size > checkpoint.size:
        raise Refused(
            "您保存的检查点比包内的更新；请另要一份证据包。",
            "the checkpoint you kept is newer than the bundle's: ask for a newer bundle.",
        )
    if held.size < checkpoint.size and (old is None or old.size != held.size):
        raise Refused(
            f"包内没有从您的检查点（{held.size} 条）到这里的证明；请在索取时给出该检查点。",
            f"the bundle proves nothing from your checkpoint ({held.size} entries); give it when you"
            " ask for the bundle.",
        )
    consistent(held, checkpoint, path if held.size < checkpoint.size else [])
    say(
        f"与您保存的检查点一致：此前 {held.size} 条原样仍在开头。",
        f"It continues the checkpoint you kept: its {held.size} entries are still there, unchanged.",
    )


def consistent(old: Checkpoint, new: Checkpoint, path: list[bytes]) -> None:
    """Refuse unless the tree of `new` begins with that of `old` (RFC 9162 section 2.1.4.2)."""
    sound = old.origin == new.origin and 0 < old.size <= new.size
    if sound and old.size == new.size:
        sound = not path and old.root == new.root
    elif sound:
        path = [old.root, *path] if old.size & (old.size - 1) == 0 else path
        at, last = old.size - 1, new.size - 1
        while at & 1:
            at, last = at >> 1, last >> 1
        sound = bool(path)
        first = second = path[0] if path else b""
        for other in path[1:]:
            sound = sound and last > 0
            if at & 1 or at == last:
                first, second = node(other, first), node(other, second)
                while not at & 1 and at:
                    at, last = at >> 1, last >> 1
            else:
                second = node(second, other)
            at, last = at >> 1, last >> 1
        sound = sound and last == 0 and (first, second) == (old.root, new.root)
    if not sound:
        raise Refused(
            f"账本不再以旧检查点的 {old.size} 条开头：此前的内容被改动，或证明被改动。",
            f"the log does not begin with the {old.size} entries of the old checkpoint: what was"
            " there was changed, or the proof was.",
        )


# What was asked, what is open, what is attached -------------------------------------------


def answers(
    manifest: dict[str, Any], entries: dict[int, Any], seqs: dict[str, list[int]], say: Say
) -> None:
    """Check that the entries answer the question; say what they leave open."""
    whole = {s: n[-1] for s, n in seqs.items() if n[-1] == len(n) - 1}
    if manifest["streams"] != whole or any(
        type(n) is not int for n in manifest["streams"].values()
    ):
        raise Refused("清单所说的完整记录与条目不符。", "the manifest claims other whole streams.")
    kind, _, of = manifest["question"].partition(" ")
    of, _, days = of.partition(" ")
    if kind in ("stream", "case"):
        causes = {e["cause"].partition("/")[0] for e in entries.values() if e["stream"] == of}
        folder = "folder/" + of.replace("/", ".", 1)
        fits = of in whole and not days and (folder in whole or folder not in seqs)
        fits = fits and all(
            e["stream"] in (of, folder)
            or (kind == "case" and e["cause"].partition("/")[0] in causes)
            for e in entries.values()
        )
        say(
            f"所问：{printable(of)}，第 1 至 {whole.get(of, 0)} 号，中间无缺号。"
            "此后是否还有，本包不能证明。",
            f"Asked: {printable(of)}, numbers 1 to {whole.get(of, 0)}, none missing between."
            " Whether more followed, this bundle cannot prove.",
        )
    elif kind in ("person", "unit"):
        fits = all(concerns(kind, of, e) and within(days, e) for e in entries.values())
        say(
            f"所问：{kind} {printable(of)}（{days}）。所示为真；是否还有其他，本包不能证明。",
            f"Asked: {kind} {printable(of)} ({days}). What is shown is true; whether there is more, it cannot prove.",
        )
    elif kind in ("recorded", "entries"):
        first, last = min(entries), max(entries)
        fits = not days and last - first + 1 == len(entries)
        span = f"{first + 1}-{last + 1}"
        fits = fits and (
            of == span if kind == "entries" else all(within(of, e) for e in entries.values())
        )
        say(
            f"所问：第 {first + 1} 至 {last + 1} 条，全部在此，无一遗漏。",
            f"Asked: entries {first + 1} to {last + 1}; all are here, none left out.",
        )
    else:
        fits = False
    if not fits:
        raise Refused("条目与所问不符。", "the entries are not what was asked for.")


def concerns(kind: str, of: str, entry: dict[str, Any]) -> bool:
    """Tell whether an entry is of a person or a unit."""
    via = entry["body"].get("via")
    acted = entry["actor"] if kind == "person" else via.get("unit") if type(via) is dict else ""
    behalf = entry["body"].get("behalf") if kind == "person" else None
    return bool(of) and (of in (acted, behalf) or entry["stream"] == f"{kind}/{of}")


def within(days: str, entry: dict[str, Any]) -> bool:
    """Tell whether an entry was recorded on days FROM..TO (UTC); either may be left out."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d)?\.\.(\d{4}-\d\d-\d\d)?", days, re.ASCII)
    on = entry["recorded_at"][:10]
    return found is not None and (found[1] or "") <= on <= (found[2] or "9999")


def opened(files: dict[str, bytes], entries: dict[int, Any], say: Say) -> None:
    """Check values that entries only commit to: HMAC-SHA-256 under a key that is told here."""
    for name in sorted(files):
        if not name.startswith("opened/"):
            continue
        entry = entries.get(int(name[7:-5]))
        for field, said in parsed(files[name], ENTRY_BYTES_MAX, name).items():
            sound = type(said) is dict and set(map(type, said.values())) == {str}
            if not sound or set(said) != {"key", "value"}:
                said = {"key": "AA==", "value": ""}
            key, value = unbase64(said["key"]), said["value"].encode("utf-8", "replace")
            made = hmac.new(key, value, hashlib.sha256).hexdigest()
            if not sound or entry is None or entry["body"].get(field) != made:
                raise Refused(
                    f"{name} 与条目的承诺值不符。", f"{name} does not open what the entry holds."
                )
            say(
                f"已核对 {printable(field)}：{printable(said['value'])}",
                f"Opened {printable(field)}: {printable(said['value'])}",
            )


def attached(files: dict[str, bytes], entries: dict[int, Any], say: Say) -> None:
    """Check attachments: each is named by its content, and by an entry."""
    named = set(
        re.findall(
            "[0-9a-f]{64}", "\n".join(map(json.dumps, (e["body"] for e in entries.values())))
        )
    )
    held = [name[12:] for name in files if name.startswith("attachments/")]
    for hash_ in held:
        if hashlib.sha256(files["attachments/" + hash_]).hexdigest() != hash_ or hash_ not in named:
            raise Refused(
                f"附件 {hash_} 被改动，或没有条目提到它。",
                f"the attachment {hash_} was changed, or no entry names it.",
            )
    if held:
        say(
            f"附件：{len(held)} 个，内容与条目所记一致。",
            f"Attachments: {len(held)}, as the entries name them.",
        )


def stamped(files: dict[str, bytes], checkpoint: Checkpoint, say: Say) -> None:
    """Check that a time stamp names the checkpoint; its signature is for another program."""
    text = checkpoint.text.encode("utf-8")
    for name in files:
        if not name.startswith("tsa/"):
            continue
        made = [hashlib.new(kind, text).digest() for kind in ("sha256", "sha384", "sha512")]
        there = [hash_ for hash_ in made if hash_ in files[name]]
        if name != f"tsa/{checkpoint.size}.tsr" or not there:
            raise Refused(
                f"{name} 不是对这个检查点的时间戳。",
                f"{name} is no time stamp of this checkpoint.",
            )
        command = f"openssl ts -verify -in {name} -digest {there[0].hex()} -CAfile"
        say(
            f"时间戳：{name} 写着这个检查点的哈希；签名和时间请另行核验：{command} 机构证书.pem",
            f"Time stamp: {name} holds the hash of this checkpoint; check its signature and time"
            f" with: {command} AUTHORITY.pem",
        )


if __name__ == "__main__":
    sys.exit(main())
