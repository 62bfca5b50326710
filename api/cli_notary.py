"""Sign the head of the log, from a process, a user and where possible a machine of its own."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import typer

from api import notarising
from api.cli_read import settings_of, target
from api.cli_terminal import REFUSED, USAGE, Json, Stop, Terminal, at
from api.notarising import Place
from api.stamper import Stamper
from domain.words import Words
from ledger import tiles
from ledger.act import Unavailable
from ledger.book import Book
from ledger.entry import Corrupt
from ledger.mirror import Mirror
from ledger.notary import Loss, Notary
from ledger.notes import Note, Signer, Unproven
from ledger.stamping import Stamp
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
Tsa = Annotated[
    str,
    typer.Option(
        "--tsa", envvar="GONGWU_TSA", help="时间戳机构地址 · Address of a time-stamping authority."
    ),
]
TsaTrust = Annotated[
    Path | None,
    typer.Option(
        "--tsa-trust", envvar="GONGWU_TSA_TRUST", help="时间戳机构证书 · Its certificates (PEM)."
    ),
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


@app.command("sm2")
def sm2_(
    ctx: typer.Context,
    public: Annotated[Path, typer.Argument(help="SM2 公钥（PEM）· Public key of SM2, in PEM.")],
    command: Annotated[
        list[str],
        typer.Argument(
            help="签名命令：由标准输入读原文，向标准输出写签名 · What signs its input onto its output."
        ),
    ],
    folder: Folder = HERE,
    json: Json = False,
) -> None:
    """从此另签一本国密并行账本（SM3、SM2）· Keep a parallel log besides, of SM3, signed with SM2."""
    terminal, place = at(ctx, json), Place(folder)
    try:
        pem = public.read_bytes()
    except OSError as error:
        said = Words(
            f"读不到 {public}：{error.strerror}", f"Cannot read {public}: {error.strerror}"
        )
        raise Stop(said, USAGE) from error
    signer = place.beside(pem, command)
    if terminal.json:
        terminal.answer({"origin": signer.name, "key": signer.verifier.vkey})
    terminal.say(
        f"国密并行账本 {signer.name}，公钥在 {place.sm2_key}（交给审计方）：\n{signer.verifier.vkey}",
        f"The parallel log {signer.name}; its public key, for auditors, is in {place.sm2_key}:\n"
        f"{signer.verifier.vkey}",
    )


@app.command()
def stamp(
    ctx: typer.Context,
    tsa: Tsa = "",
    tsa_trust: TsaTrust = None,
    json: Json = False,
) -> None:
    """请时间戳机构为最新检查点盖时间戳 · Have the newest checkpoint stamped (RFC 3161)."""
    terminal = at(ctx, json)
    if not tsa:
        said = Words("请用 --tsa 给出时间戳机构的地址。", "Give the authority's address by --tsa.")
        raise Stop(said, USAGE)
    with _book(terminal) as book:
        made = Stamper.of(book, tsa, tsa_trust).stamp()
    if terminal.json:
        size, found = made or (0, None)
        terminal.answer({"size": size, "worth": found and found.worth, "time": found and found.at})
    if made is None:
        terminal.say(
            "最新检查点已有时间戳，或还没有检查点。",
            "The newest checkpoint is stamped already, or there is none.",
        )
    else:
        _tell_stamp(terminal, *made)


@app.command()
def sign(
    ctx: typer.Context,
    folder: Folder = HERE,
    mirror: MirrorOption = "",
    tsa: Tsa = "",
    tsa_trust: TsaTrust = None,
    json: Json = False,
) -> None:
    """签署一次，并请见证方签名 · Sign once and ask the witnesses."""
    terminal, place = at(ctx, json), Place(folder)
    with _book(terminal) as book:
        note, judged = notarising.signed(place, place.notary(_key_of(place)), book)
        if mirror:
            Mirror(Path(mirror)).bring(book.log, note)
        parallel = place.parallel()
        if parallel is not None:
            with _none_stopped(terminal):
                parallel.follow(book, note)
        if tsa:
            with _none_stopped(terminal):
                _tell_stamp(terminal, *Stamper.of(book, tsa, tsa_trust).stamp() or (0, None))
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
    tsa: Tsa = "",
    tsa_trust: TsaTrust = None,
) -> None:
    """持续签署，直到停止 · Go on signing until stopped."""
    terminal, place = at(ctx, False), Place(folder)
    notary = place.notary(_key_of(place))
    with _book(terminal) as book:

        def trouble(why: Unproven | Corrupt | Unavailable) -> None:
            said = why.words if isinstance(why, Unproven) else Words(str(why), str(why))
            terminal.say(f"未签署：{said.zh}", f"Not signed: {said.en}")

        def stamped(size: int, what: Stamp | Unproven | Unavailable) -> None:
            if isinstance(what, Stamp):
                _tell_stamp(terminal, size, what)
            else:
                said = what.words if isinstance(what, Unproven) else Words(str(what), str(what))
                terminal.say(f"未盖时间戳：{said.zh}", f"Not stamped: {said.en}")

        stamper = Stamper.of(book, tsa, tsa_trust, stamped) if tsa else None
        watch = notarising.Watch(
            place,
            notary,
            book,
            seconds=seconds,
            entries=entries,
            mirror=Mirror(Path(mirror)) if mirror else None,
            stamp=stamper.wake if stamper is not None else None,
            told=lambda judged: _tell(terminal, judged),
            trouble=trouble,
        )
        terminal.say(
            f"公证进程已启动：{notary.origin}（Ctrl+C 停止）",
            f"The notary of {notary.origin} is at work (Ctrl+C stops it).",
        )
        try:
            if stamper is not None:
                stamper.start()
                stamper.wake()  # what was signed before, and not stamped
            watch.run()
        except KeyboardInterrupt:
            terminal.say("已停止。", "Stopped.")
        finally:
            if stamper is not None:
                stamper.stop()


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
    reopen: Annotated[
        str,
        typer.Option(
            help="两人确认的丢失记录：启用新名 · Go on under a new name, as two persons recorded,"
            " e.g. recovery/2026-1."
        ),
    ] = "",
    json: Json = False,
) -> None:
    """数据库退回旧状态后：从镜像找回，或改用新名 · After a lossy restore: what is missing, the way on."""
    terminal, place = at(ctx, json), Place(folder)
    key = _key_of(place)
    notary = place.notary(key)
    with _book(terminal) as book:
        if reopen:
            origin = notary.close(book, reopen)
            return _reopened(terminal, place.reopened(notary.signer, origin, key))
        loss, last, size = notary.loss(book), notary.last(), book.head()[0]
    if terminal.json:
        terminal.answer(
            {
                "signed": last.size,
                "size": size,
                "missing": loss.gone if loss else 0,
                "begins": loss is None or loss.proven == size,
                "proven": loss.proven if loss else last.size,
                "checkpoint": loss.note.raw.decode() if loss else "",
            }
        )
    if loss is None:
        return terminal.say(
            f"无需找回：已签署 {last.size:,} 条，账本有 {size:,} 条。",
            f"Nothing to recover: {last.size:,} entries are signed, the log has {size:,}.",
        )
    _tell_loss(terminal, loss)
    if mirror:
        return _bring_back(terminal, notary, Mirror(Path(mirror)), loss, to)
    kept = place.folder / "lost-checkpoint.txt"
    kept.write_bytes(loss.note.raw)
    _tell_ways(terminal, loss, kept)
    return terminal.end(REFUSED)


def _tell_loss(terminal: Terminal, loss: Loss) -> None:
    """Say what is gone, and how much of what is there can be proven to be what was signed."""
    if loss.gone:
        terminal.say(
            f"已签署到 {loss.signed:,} 条，账本只有 {loss.size:,} 条："
            f"缺第 {loss.size + 1:,} 至 {loss.signed:,} 条。",
            f"{loss.signed:,} entries are signed, the log has {loss.size:,}: entries"
            f" {loss.size + 1:,} to {loss.signed:,} are missing.",
        )
    else:
        terminal.say(
            f"账本不再以已签署的 {loss.signed:,} 条开头：其后另记了别的条目，或内容被改动。",
            f"The log no longer begins with the {loss.signed:,} signed entries: others were recorded"
            " since, or what was there was changed.",
        )
    terminal.say(
        f"前 {loss.proven:,} 条与签署时相同，可以证明；其后的不能证明是签署过的那些。",
        f"The first {loss.proven:,} are provably what was signed; of the rest nothing says so.",
    )


def _tell_ways(terminal: Terminal, loss: Loss, kept: Path) -> None:
    """Say how entries come back, and what is left to do when they never will."""
    terminal.say(
        "请用 --mirror 指明镜像；或从另一备份恢复。缺失的条目找回之前，不会再签署。",
        "Name a mirror with --mirror, or restore another backup. Until the missing entries are"
        " back, nothing is signed.",
    )
    command = (
        f'gongwu do recovery/1 ask --proven {loss.proven} --checkpoint "$(cat {kept})"'
        " --origin {} --reason {} --as {}"
    )
    terminal.say(
        "确实找不回来时，改用新名：一人提出\n  "
        + command.format("新名", "原因", "管理员")
        + "\n另一人确认\n  gongwu do recovery/1 confirm --as 另一人\n"
        "然后 gongwu notary recover --reopen recovery/1。原名及其检查点保留，不再签署。",
        "If they are lost for ever, go on under a new name: one person tells the loss\n  "
        + command.format("NEW-NAME", "WHY", "ADMIN")
        + "\nanother confirms it\n  gongwu do recovery/1 confirm --as ANOTHER\n"
        "then gongwu notary recover --reopen recovery/1. The old name and its checkpoints are kept,"
        " and never signed again.",
    )


def _reopened(terminal: Terminal, signer: Signer) -> None:
    if terminal.json:
        terminal.answer({"origin": signer.name, "key": signer.verifier.vkey})
    terminal.say(
        f"已启用新名 {signer.name}。请重新启动 gongwu notary run，镜像另建文件夹，并把新公钥交给审计方和各见证方"
        f"（gongwu witness log）：\n"
        f"{signer.verifier.vkey}",
        f"The log is {signer.name} from now on. Start gongwu notary run again, begin a mirror in a new"
        f" folder, and give the key to auditors and witnesses (gongwu witness log):\n"
        f"{signer.verifier.vkey}",
    )


def _bring_back(terminal: Terminal, notary: Notary, mirror: Mirror, loss: Loss, to: str) -> None:
    checkpoint = mirror.checkpoint()
    size = checkpoint.size if checkpoint else 0
    if checkpoint is None or size <= loss.proven or notary.signed_at(size) != checkpoint.root:
        raise Stop(
            Words(
                "镜像里没有比现有可证明部分更多的已签署条目，不能找回。",
                "The mirror holds no more of what was signed than the database proves; it brings"
                " nothing back.",
            )
        )
    if not to:
        raise Stop(
            Words(
                f"镜像完好，含前 {size:,} 条。请用 --to 文件 写出，再用 gongwu restore 文件 还原到空库。",
                f"The mirror is whole and holds the first {size:,} entries. Write it with --to FILE,"
                " then gongwu restore FILE into an empty database.",
            ),
            USAGE,
        )
    with target(to) as file:
        for state in mirror.entries():
            file.write(state + b"\n")
    root = checkpoint.root.hex()
    terminal.say(
        f"已写出 {size:,} 条。下一步：gongwu restore {to} --database 新库 --root {root}",
        f"{size:,} entries written. Next: gongwu restore {to} --database NEW --root {root}",
    )
    if size < loss.signed:
        terminal.say(
            f"镜像只到第 {size:,} 条：第 {size + 1:,} 至 {loss.signed:,} 条仍缺；还原后再运行本命令。",
            f"The mirror ends at {size:,}: entries {size + 1:,} to {loss.signed:,} are still missing."
            " Run this again after the restore.",
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


def _tell_stamp(terminal: Terminal, size: int, stamp: Stamp | None) -> None:
    if stamp is not None:
        terminal.say(
            f"{size:,} 条的检查点：{stamp.why.zh}",
            f"The checkpoint of {size:,} entries. {stamp.why.en}",
        )


@contextmanager
def _none_stopped(terminal: Terminal) -> Iterator[None]:
    """Tell what an authority or device could not do: the signature stands without it."""
    try:
        yield
    except Unproven as why:
        terminal.say(f"注意：{why.words.zh}", f"Note: {why.words.en}")


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
    for file in (place.key, place.next_key):  # the next one alone after a crash
        with suppress(OSError):
            return passphrase() if b"ENCRYPTED" in file.read_bytes() else ""
    return ""


def passphrase(*, twice: bool = False, variable: str = IN_ENVIRONMENT) -> str:
    """Return what guards a key: from the environment, else typed."""
    given = os.environ.get(variable, "")
    if given or not sys.stdin.isatty():
        if not given:
            raise Stop(
                Words(f"请用环境变量 {variable} 给出口令。", f"Give it in {variable}."),
                USAGE,
            )
        return given
    first = getpass.getpass("口令 · Passphrase: ")
    if not first or (twice and getpass.getpass("再次 · Again: ") != first):
        raise Stop(Words("口令为空或不一致。", "Empty, or not the same twice."), USAGE)
    return first
