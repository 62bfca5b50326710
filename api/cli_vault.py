"""The vault of names: whether its master key is there, a new one, and beginning again without."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli_read import opened
from api.cli_terminal import REFUSED, USAGE, Json, Stop, at
from domain.words import Words
from ledger.vault import CIPHERS

app = typer.Typer(help="姓名保管库 · The vault of names, and its master key.")


@app.command()
def status(ctx: typer.Context, json: Json = False) -> None:
    """主密钥在哪里，打得开多少人的姓名 · Where the master key is, and how many names it opens."""
    terminal = at(ctx, json)
    with opened(terminal) as office:
        kept = office.accounts.vault
        with office.accounts.engine.connect() as connection:
            total, open_ = kept.standing(connection)
    if terminal.json:
        terminal.answer({"file": str(kept.file), "people": total, "opened": open_})
    terminal.say(
        f"主密钥文件 {kept.file}；{total:,} 人中打得开 {open_:,} 人。请另行备份该文件，不与数据库放在一起。",
        f"Master key {kept.file}; it opens {open_:,} of {total:,} people. Back the file up apart from"
        " the database.",
    )
    if open_ < total:
        terminal.end(REFUSED)


@app.command()
def rotate(
    ctx: typer.Context,
    cipher: Annotated[
        str,
        typer.Option(help="算法，缺省不变 · Cipher, as before if unsaid: " + "、".join(CIPHERS)),
    ] = "",
    json: Json = False,
) -> None:
    """换主密钥并销毁旧的 · Draw a new master key, and destroy the old: copies of before open nothing."""
    terminal = at(ctx, json)
    if cipher and cipher not in CIPHERS:
        known = "、".join(CIPHERS)
        raise Stop(Words(f"--cipher 须为：{known}。", f"--cipher is one of {known}."), USAGE)
    with opened(terminal) as office:
        count = office.accounts.rotate(cipher)
    if terminal.json:
        terminal.answer({"people": count})
    terminal.say(
        f"已换主密钥，{count:,} 人的密钥已重新封装。旧文件和旧备份里的密钥从此打不开；请备份新文件。",
        f"The master key is new, and wraps the keys of {count:,} people. Keys in older backups open no"
        " more; back the new file up.",
    )


@app.command()
def renew(
    ctx: typer.Context,
    lost: Annotated[
        bool, typer.Option("--lost", help="确认主密钥已丢失 · Say that the master key is lost.")
    ] = False,
    json: Json = False,
) -> None:
    """主密钥丢失后重新开始：打不开的姓名作废 · Begin again after a loss: names nobody opens are gone."""
    terminal = at(ctx, json)
    if not lost:
        raise Stop(
            Words(
                "打不开的姓名将被永久删除；确已丢失主密钥时请加 --lost。",
                "Names that do not open are erased for ever; add --lost when the master key is lost.",
            ),
            USAGE,
        )
    with opened(terminal) as office:
        count = office.accounts.renew()
    if terminal.json:
        terminal.answer({"people": count})
    terminal.say(
        f"{count:,} 人的姓名已作废，请用 gongwu account name 重新登记；账本与证明不变。",
        f"The names of {count:,} people are gone; say them again by gongwu account name. The ledger and its proofs are as"
        " they were.",
    )
