"""Evidence to take home, and the program that checks it, on the command line."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer

from api import bundling
from api.cli_read import opened, target
from api.cli_terminal import USAGE, Json, Stop, at
from ledger.bundling import checker as bundled_checker


def bundle(
    ctx: typer.Context,
    of: Annotated[str, typer.Argument(help=f"{bundling.OF.zh} · {bundling.OF.en}")],
    to: Annotated[
        str, typer.Option(help="写入文件 · The zip to write; - is standard output.")
    ] = "",
    start: Annotated[str, typer.Option("--from", help="记账日起 · Recorded from (UTC).")] = "",
    until: Annotated[str, typer.Option("--until", help="记账日止 · Recorded up to (UTC).")] = "",
    since: Annotated[
        Path | None, typer.Option("--since", help="自己保存的检查点 · A checkpoint you kept.")
    ] = None,
    names: Annotated[
        bool,
        typer.Option(
            "--names", help="附上条目只记承诺值的姓名 · With names that entries commit to."
        ),
    ] = False,
    json: Json = False,
) -> None:
    """取走可离线核验的证据包 · Take evidence away in a zip that one file checks offline."""
    terminal = at(ctx, json)
    text = since.read_text("utf-8", "replace") if since is not None and since.is_file() else ""
    if since is not None and not text:
        raise typer.BadParameter(str(since), param_hint="--since")
    with opened(terminal) as office:
        try:
            made = bundling.bundle(office, of, start, until, text, names=names)
        except bundling.NotAsked as no:
            raise Stop(no.words, USAGE) from None
    file = to or bundling.name(of)
    with target(file) as out:
        out.write(made.content)
    if terminal.json:
        terminal.answer(
            {
                "file": file,
                "sha256": made.sha256,
                "entries": made.entries,
                "left_out": made.left_out,
                "size": made.size,
                "witnessed": made.witnessed,
            }
        )
        return
    if file == "-":
        return
    terminal.say(
        f"证据包 {file}：{made.entries:,} 条，检查点 {made.size:,} 条，SHA-256 {made.sha256}。",
        f"Evidence in {file}: {made.entries:,} entries, checkpoint of {made.size:,}, SHA-256 {made.sha256}.",
    )
    if made.left_out:
        terminal.say(
            f"另有 {made.left_out:,} 条在检查点之后记入，未包含。",
            f"{made.left_out:,} more were recorded after the checkpoint and are not in it.",
        )
    if not made.witnessed:
        terminal.say(
            "这个检查点的见证未达到策略要求。",
            "This checkpoint has fewer witnesses than the policy asks for.",
        )


def checker(
    ctx: typer.Context,
    to: Annotated[str, typer.Option(help="写入文件 · The file to write.")] = "verify_bundle.py",
) -> None:
    """取走核验程序（单文件，只需 Python 3.8）· Take the checker: one file, for Python 3.8 or later."""
    content = bundled_checker()
    with target(to) as out:
        out.write(content)
    if to != "-":
        said = f"{to} SHA-256 {sha256(content).hexdigest()}"
        at(ctx, False).say(said, said)
