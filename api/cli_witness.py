"""Be a witness of another organ's log: over the network, or on files carried by hand."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from api.cli_notary import passphrase
from api.cli_serve import address, listen
from api.cli_terminal import REFUSED, USAGE, Json, Stop, at
from api.witness_app import create_witness
from domain.words import Words
from ledger import keys
from ledger.notes import LOG, WITNESS, Unproven, Verifier
from ledger.witnessing import REQUEST_BYTES_MAX, Witness

app = typer.Typer(help="见证 · Witness another organ's log: sign only what continues it.")
Folder = Annotated[
    Path,
    typer.Option("--folder", envvar="GONGWU_WITNESS", help="密钥与记录 · Where key and store are."),
]
HERE = Path("gongwu-witness")


@app.command()
def init(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="见证方名称 · Name, e.g. audit.x.gov.cn/w.")],
    folder: Folder = HERE,
    encrypted: Annotated[
        bool, typer.Option("--passphrase", help="用口令保护密钥 · Guard the key by a passphrase.")
    ] = False,
    json: Json = False,
) -> None:
    """新建见证密钥 · Draw the key of a witness."""
    terminal = at(ctx, json)
    folder.mkdir(parents=True, exist_ok=True)
    secret = passphrase(twice=True) if encrypted else ""
    signer = keys.make(folder / "witness.key", name, WITNESS, secret)
    if terminal.json:
        terminal.answer({"key": signer.verifier.vkey})
    terminal.say(
        f"见证公钥（交给账本一方）：\n{signer.verifier.vkey}",
        f"Public key, for those whose log is witnessed:\n{signer.verifier.vkey}",
    )


@app.command("log")
def add_log(
    ctx: typer.Context,
    vkey: Annotated[str, typer.Argument(help="账本公钥 · Public key of the log.")],
    folder: Folder = HERE,
    json: Json = False,
) -> None:
    """增加一个要见证的账本 · Witness this log from now on."""
    terminal = at(ctx, json)
    log = Verifier.parse(vkey)
    if log.kind != LOG:
        raise Stop(Words("这不是账本的公钥。", "This is not the key of a log."), USAGE)
    known = _logs(folder)
    if log not in known:
        (folder / "logs.txt").write_text("".join(f"{v.vkey}\n" for v in (*known, log)))
    if terminal.json:
        terminal.answer({"logs": [v.name for v in _logs(folder)]})
    terminal.say(f"将见证 {log.name}。", f"{log.name} is witnessed from now on.")


@app.command()
def sign(ctx: typer.Context, folder: Folder = HERE) -> None:
    """从标准输入读请求，把签名写到标准输出 · Request on standard input, signature on output."""
    terminal = at(ctx, False)
    answer = _witness(folder).add(sys.stdin.buffer.read(REQUEST_BYTES_MAX + 1))
    if answer.status == 200:
        sys.stdout.buffer.write(answer.body)
        sys.stdout.buffer.flush()
        return
    said = answer.body.decode().strip()
    if answer.status == 409:
        raise Stop(
            Words(
                f"未签名：已见过 {said} 条，请对方用 gongwu notary request --old {said} 重新生成。",
                f"Not signed: {said} entries were seen; ask for gongwu notary request --old {said}.",
            )
        )
    terminal.fail(Words(f"未签名：{said}", f"Not signed: {said}"), REFUSED)


@app.command()
def seen(ctx: typer.Context, folder: Folder = HERE, json: Json = False) -> None:
    """列出见过的账本 · List what was seen of each log."""
    terminal = at(ctx, json)
    rows = _witness(folder).seen()
    if terminal.json:
        terminal.answer([{"origin": o, "size": size, "at": when} for o, size, when in rows])
        return
    columns = [Words("账本", "log"), Words("条数", "entries")]
    terminal.table(columns, [[origin, f"{size:,}"] for origin, size, _ in rows])


@app.command()
def serve(
    ctx: typer.Context,
    folder: Folder = HERE,
    host: Annotated[str, typer.Option(help="监听地址 · Address.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="端口 · Port.", min=0, max=65535)] = 8010,
) -> None:
    """提供见证服务（C2SP tlog-witness）· Serve as a witness until stopped."""
    import uvicorn

    terminal = at(ctx, False)
    witness = _witness(folder)
    listener = listen(host, port)
    url = address(listener)
    terminal.say(f"见证服务：{url}/witness  （Ctrl+C 停止）", f"Witness: {url}/witness  (Ctrl+C)")
    config = uvicorn.Config(
        create_witness(witness), log_level="warning", access_log=False, server_header=False
    )
    try:
        uvicorn.Server(config).run(sockets=[listener])
    except KeyboardInterrupt:
        terminal.say("已停止。", "Stopped.")


def _logs(folder: Path) -> list[Verifier]:
    file = folder / "logs.txt"
    if not file.exists():
        return []
    return [Verifier.parse(line) for line in file.read_text().splitlines() if line.strip()]


def _witness(folder: Path) -> Witness:
    key = folder / "witness.key"
    if not key.exists():
        raise Unproven(
            f"{folder} 里没有见证密钥；先运行 gongwu witness init。",
            f"There is no witness's key in {folder}; run gongwu witness init first.",
        )
    secret = passphrase() if b"ENCRYPTED" in key.read_bytes() else ""
    return Witness(folder / "seen.db", keys.load(key, secret), _logs(folder))
