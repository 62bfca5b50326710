"""A backup in one file, made while the ledger serves; by a timer, a folder with the newest few."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from api import backing_up
from api.cli_notary import passphrase
from api.cli_read import opened
from api.cli_terminal import REFUSED, UNAVAILABLE, USAGE, Json, Stop, at
from domain.words import Words
from ledger.restoring import Unrestorable


def backup(
    ctx: typer.Context,
    to: Annotated[
        Path,
        typer.Argument(
            help="文件；或文件夹，名称取自时间 · A file, or a folder to name it by time."
        ),
    ],
    keep: Annotated[
        int, typer.Option(help="文件夹里只留最新几份 · Leave only so many in the folder.", min=0)
    ] = 0,
    with_vault_key: Annotated[
        bool,
        typer.Option(
            "--with-vault-key",
            help="连同姓名主密钥，用口令锁住 · With the master key of names, under a passphrase.",
        ),
    ] = False,
    json: Json = False,
) -> None:
    """备份为一个文件（不停服务）· Back everything up to one file, while it serves."""
    terminal = at(ctx, json)
    folder = to.is_dir()
    if keep and not folder:
        raise Stop(
            Words(
                f"--keep 需要一个已有的文件夹：{to}", f"--keep wants a folder that is there: {to}"
            ),
            USAGE,
        )
    file = to / backing_up.name(datetime.now(UTC)) if folder else to
    if file.exists():
        raise Stop(
            Words(
                f"{file} 已存在；请换一个名称。", f"{file} is there already; choose another name."
            ),
            USAGE,
        )
    secret = passphrase(twice=True, variable=backing_up.IN_ENVIRONMENT) if with_vault_key else ""
    with opened(terminal) as office:
        try:
            with terminal.progress(Words("备份", "Backing up")) as tick:
                manifest = backing_up.save(office, file, passphrase=secret, progress=tick)
        except Unrestorable as error:
            raise Stop(error.words, REFUSED) from error
        except OSError as error:
            raise Stop(
                Words(
                    f"写不了 {file}：{error.strerror}。没有留下备份。",
                    f"Cannot write {file}: {error.strerror}. No backup was left.",
                ),
                UNAVAILABLE,
            ) from error
        key = office.accounts.vault.file
    gone = backing_up.thin(to, keep) if keep else []
    size = file.stat().st_size
    if terminal.json:
        terminal.answer(
            {
                "file": str(file),
                "bytes": size,
                "size": manifest.size,
                "root": manifest.root,
                "version": manifest.version,
                "made_at": manifest.made_at,
                "tables": manifest.tables,
                "vault_key": manifest.vault_key,
                "let_go": [str(old) for old in gone],
            }
        )
    terminal.say(
        f"已备份到 {file}：{manifest.size:,} 条，{size:,} 字节，已读回核对。\n树根 {manifest.root}"
        "（请另处保存）",
        f"Backed up to {file}: {manifest.size:,} entries, {size:,} bytes, read back and compared.\n"
        f"root {manifest.root} (keep it elsewhere)",
    )
    if not manifest.vault_key:
        terminal.say(
            f"姓名仍是密封的，主密钥不在备份里：请另行保存 {key}。",
            f"Names stay sealed, their master key is not inside: keep {key} apart.",
        )
