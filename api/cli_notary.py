"""Sign the head of the log, from a process, a user and where possible a machine of its own."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from api import notarising
from api.cli_read import settings_of, target
from api.cli_terminal import REFUSED, USAGE, Json, Stop, Terminal, at
from api.notarising import Place
from domain.words import Words
from ledger import tiles
from ledger.act import Unavailable
from ledger.book import Book
from ledger.entry import Corrupt
from ledger.mirror import Mirror
from ledger.notes import Note, Unproven
from ledger.trust import Judged

app = typer.Typer(help="公证 · The notary: signs the head of the log, never a past that changed.")
Folder = Annotated[
    Path,
    typer.Option(
        "--folder", envvar="GONGWU_NOTARY", help="密钥与签署记录 · Where key and store are."
    ),
]
MirrorOption = Annotated[
    str, typer.Option("--mirror", help="镜像文件夹 · Folder of a mirror to keep or to read.")
]
IN_ENVIRONMENT = "GONGWU_NOTARY_PASSPHRASE"
HERE = Path("gongwu-notary")


@app.command()
def init(
    ctx: typer.Context,
    origin: Annotated[
        str, typer.Argument(help="账本名称，永不更改 · Name of the log for ever, e.g. x.gov.cn/1.")
    ],
    folder: Folder = HERE,
    encrypted: Annotated[
        bool, typer.Option("--passphrase", help="用口令保护密钥 · Guard the key by a passphrase.")
    ] = False,
    json: Json = False,
) -> None:
    """新建签署密钥与信任策略 · Draw the key of a log, and write the policy that believes it."""
    terminal = at(ctx, json)
    place = Place(folder)
    signer = place.make(origin, passphrase(twice=True) if encrypted else "")
    if terminal.json:
        terminal.answer({"origin": signer.name, "key": signer.verifier.vkey})
    terminal.say(
        f"已建立密钥 {place.key}。公钥（交给审计方和见证方）：\n{signer.verifier.vkey}",
        f"Key written to {place.key}. Public key, for auditors and witnesses:\n"
        f"{signer.verifier.vkey}",
    )


@app.command("witness")
def add_witness(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="简称 · Short name, e.g. audit.")],
    vkey: Annotated[str, typer.Argument(help="见证方公钥 · Public key of the witness.")],
    url: Annotated[str, typer.Argument(help="地址；手工传递则不填 · Address, if any.")] = "",
    folder: Folder = HERE,
    json: Json = False,
) -> None:
    """增加一个见证方（默认三取二）· Believe one more witness; two of them must sign."""
    terminal = at(ctx, json)
    if url:
        notarising.over_http(url)
    trust = Place(folder).add_witness(name, vkey, url)
    if terminal.json:
        terminal.answer({"policy": trust.text})
    terminal.say(f"信任策略：\n{trust.text}", f"The policy is now:\n{trust.text}")


@app.command()
def sign(
    ctx: typer.Context, folder: Folder = HERE, mirror: MirrorOption = "", json: Json = False
) -> None:
    """签署一次，并请见证方签名 · Sign once and ask the witnesses."""
    terminal, place = at(ctx, json), Place(folder)
    with _book(terminal) as book:
        note, judged = notarising.signed(place, place.notary(_key_of(place)), book)
        if mirror:
            Mirror(Path(mirror)).bring(book.log, note)
    _tell(terminal, judged)
    if terminal.json:
        terminal.answer(
            {"size": judged.checkpoint.size, "met": judged.met, "note": note.raw.decode()}
        )
    terminal.say(note.raw.decode(), note.raw.decode())


@app.command()
def run(
    ctx: typer.Context,
    folder: Folder = HERE,
    mirror: MirrorOption = "",
    seconds: Annotated[
        int, typer.Option(help="最多隔多少秒 · At most so long after an entry.", min=1, max=3600)
    ] = notarising.EVERY_SECONDS,
    entries: Annotated[
        int, typer.Option(help="最多隔多少条 · At most after so many entries.", min=1)
    ] = notarising.EVERY_ENTRIES,
) -> None:
    """持续签署，直到停止 · Go on signing until stopped."""
    terminal, place = at(ctx, False), Place(folder)
    notary = place.notary(_key_of(place))
    with _book(terminal) as book:

        def trouble(why: Unproven | Corrupt | Unavailable) -> None:
            said = why.words if isinstance(why, Unproven) else Words(str(why), str(why))
            terminal.say(f"未签署：{said.zh}", f"Not signed: {said.en}")

        watch = notarising.Watch(
            place,
            notary,
            book,
            seconds=seconds,
            entries=entries,
            mirror=Mirror(Path(mirror)) if mirror else None,
            told=lambda judged: _tell(terminal, judged),
            trouble=trouble,
        )
        terminal.say(
            f"公证进程已启动：{notary.origin}（Ctrl+C 停止）",
            f"The notary of {notary.origin} is at work (Ctrl+C stops it).",
        )
        try:
            watch.run()
        except KeyboardInterrupt:
            terminal.say("已停止。", "Stopped.")


@app.command()
def request(
    ctx: typer.Context,
    old: Annotated[int, typer.Option(help="见证方已见过的条数 · Entries the witness knows.")] = 0,
    to: Annotated[str, typer.Option(help="文件，- 为标准输出 · File; - is standard output.")] = "-",
    folder: Folder = HERE,
) -> None:
    """写出给见证方的请求，用介质带去 · Write what a witness is to sign, to be carried by hand."""
    terminal, place = at(ctx, False), Place(folder)
    with _book(terminal) as book:
        notary = place.notary(_key_of(place))
        made = notary.request(tiles.Tree(book.log), notary.sign(book), old)
    with target(to) as file:
        file.write(made)


@app.command()
def accept(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="见证方的签名 · What the witness returned.")],
    folder: Folder = HERE,
    json: Json = False,
) -> None:
    """收下带回的见证签名 · Take in a witness's signature that was carried back."""
    terminal, place = at(ctx, json), Place(folder)
    with _book(terminal) as book:
        notary = place.notary(_key_of(place))
        last = notary.last()
        if last.note is None:
            raise Stop(Words("还没有签署过。", "Nothing has been signed yet."))
        note = notarising.kept(notary, book, Note.parse(last.note), file.read_bytes())
    judged = place.trust.judge(note)
    _tell(terminal, judged)
    if terminal.json:
        terminal.answer({"size": judged.checkpoint.size, "met": judged.met})


@app.command()
def recover(
    ctx: typer.Context,
    folder: Folder = HERE,
    mirror: MirrorOption = "",
    to: Annotated[str, typer.Option(help="写出全部条目 · Write every entry there.")] = "",
    json: Json = False,
) -> None:
    """数据库退回旧状态后，从镜像找回 · After a lossy restore: what is missing, and the way back."""
    terminal, place = at(ctx, json), Place(folder)
    last = place.notary(_key_of(place)).last()
    with _book(terminal) as book:
        size = book.head()[0]
        begins = size < last.size or tiles.Tree(book.log).root(last.size) == last.root
    missing = max(0, last.size - size)
    if terminal.json:
        terminal.answer({"signed": last.size, "size": size, "missing": missing, "begins": begins})
    if not missing and begins:
        terminal.say(
            f"无需找回：已签署 {last.size:,} 条，账本有 {size:,} 条。",
            f"Nothing to recover: {last.size:,} entries are signed, the log has {size:,}.",
        )
        return
    if not begins:
        raise Stop(
            Words(
                f"账本不再以已签署的 {last.size:,} 条开头：请从镜像还原到空库，旧库留作证据。",
                f"The log no longer begins with the {last.size:,} signed entries: restore a mirror"
                " into an empty database, and keep this one as evidence.",
            )
        )
    terminal.say(
        f"已签署到 {last.size:,} 条，账本只有 {size:,} 条：缺第 {size + 1:,} 至 {last.size:,} 条。",
        f"{last.size:,} entries are signed, the log has {size:,}: entries {size + 1:,} to"
        f" {last.size:,} are missing.",
    )
    if not mirror:
        terminal.say(
            "请用 --mirror 指明镜像；或从另一备份恢复。缺失的条目找回之前，不会再签署。",
            "Name a mirror with --mirror, or restore another backup. Until the missing entries are"
            " back, nothing is signed.",
        )
        terminal.end(REFUSED)
    _bring_back(terminal, Mirror(Path(mirror)), last.size, last.root, to)


def _bring_back(terminal: Terminal, mirror: Mirror, size: int, root: bytes, to: str) -> None:
    checkpoint = mirror.checkpoint()
    if checkpoint is None or (checkpoint.size, checkpoint.root) != (size, root):
        raise Stop(
            Words(
                "镜像没有到达最后签署的检查点，不能完整找回。",
                "The mirror does not reach what was signed last; it cannot bring everything back.",
            )
        )
    if not to:
        raise Stop(
            Words(
                "镜像完好，含全部条目。请用 --to 文件 写出，再用 gongwu restore 文件 还原到空库。",
                "The mirror is whole. Write it with --to FILE, then gongwu restore FILE into an"
                " empty database.",
            ),
            USAGE,
        )
    with target(to) as file:
        for state in mirror.entries():
            file.write(state + b"\n")
    terminal.say(
        f"已写出 {size:,} 条。下一步：gongwu restore {to} --database 新库 --root {root.hex()}",
        f"{size:,} entries written. Next: gongwu restore {to} --database NEW --root {root.hex()}",
    )


def _tell(terminal: Terminal, judged: Judged) -> None:
    size, seen = judged.checkpoint.size, "、".join(judged.witnesses)
    if judged.met and judged.witnesses:
        terminal.say(
            f"已签署 {size:,} 条，见证：{seen}。",
            f"Signed at {size:,} entries, witnessed by {', '.join(judged.witnesses)}.",
        )
    else:
        terminal.say(
            f"已签署 {size:,} 条，见证未达到要求（{seen or '无'}）。",
            f"Signed at {size:,} entries, not yet witnessed as the policy asks"
            f" ({', '.join(judged.witnesses) or 'by nobody'}).",
        )


@contextmanager
def _book(terminal: Terminal) -> Iterator[Book]:
    """Lend the log alone: a notary needs no list and no account."""
    url = settings_of(terminal).database
    file = Path(url.removeprefix("sqlite:///"))
    if url.startswith("sqlite:") and not file.exists():
        raise Stop(Words(f"没有账本文件 {file}。", f"There is no ledger file {file}."), USAGE)
    book = Book.open(url)
    try:
        yield book
    finally:
        book.close()


def _key_of(place: Place) -> str:
    """Return the passphrase when the key has one."""
    try:
        guarded = b"ENCRYPTED" in place.key.read_bytes()
    except OSError:
        guarded = False
    return passphrase() if guarded else ""


def passphrase(*, twice: bool = False) -> str:
    """Return what guards a key: from the environment, else typed."""
    given = os.environ.get(IN_ENVIRONMENT, "")
    if given or not sys.stdin.isatty():
        if not given:
            raise Stop(
                Words(f"请用环境变量 {IN_ENVIRONMENT} 给出口令。", f"Give it in {IN_ENVIRONMENT}."),
                USAGE,
            )
        return given
    first = getpass.getpass("口令 · Passphrase: ")
    if not first or (twice and getpass.getpass("再次 · Again: ") != first):
        raise Stop(Words("口令为空或不一致。", "Empty, or not the same twice."), USAGE)
    return first
