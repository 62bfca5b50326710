"""Labels on the command line: whether one is ours, and the keys that sign them."""

from __future__ import annotations

import secrets
import sys
from typing import Annotated

import typer

from api import label_keys, label_saying
from api.cli_read import opened
from api.cli_terminal import REFUSED, USAGE, Json, Stop, at
from api.settings import Settings
from domain.words import Words
from labels import identity, signed
from labels.identity import BadLabel, Verdict
from labels.signed import Keys, PublicKey, SigningKey

app = typer.Typer(help="标签 · Labels.", no_args_is_help=True)
NO_CODE = Words("这不是本系统标签的内容。", "This is not the text of a label of ours.")


@app.command("verify")
def verify(
    ctx: typer.Context,
    code: Annotated[str, typer.Argument(help="二维码内容；- 为标准输入 · Text of the code, or -.")],
    key: Annotated[
        list[str] | None,
        typer.Option(
            help="公钥 ID:HEX，可多次；不连账本，离线校验"
            " · Public key ID:HEX, repeatable; checks offline, without a ledger."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """校验一张标签是否本单位所印、是否现行 · Say whether a label is ours, and in force."""
    terminal = at(ctx, json)
    read = identity.parse(sys.stdin.readline() if code == "-" else code)
    if read.kind not in (identity.Kind.GIAI, identity.Kind.OBJECT):
        raise Stop(NO_CODE, USAGE)
    label = None
    try:
        if key:
            publics = tuple(PublicKey(*one) for one in label_keys.written(" ".join(key)))
            verdict = signed.verify(read, Keys(publics=publics))
        else:
            with opened(terminal, must_exist=True) as office:
                verdict = label_saying.verdict(office, read)
                label = label_saying.told(office, read)
    except BadLabel as bad:
        raise Stop(Words(bad.zh, bad.en), USAGE) from None
    said = [Words(verdict.zh, verdict.en)]
    if label is not None and label.words not in said:
        said.append(label.words)
    if terminal.json:
        terminal.answer(
            {
                "id": read.id,
                "issue": read.issue,
                "key": read.key,
                "verdict": verdict.value,
                "sentences": [{"zh": words.zh, "en": words.en} for words in said],
            }
        )
    else:
        for words in said:
            terminal.say(words.zh, words.en)
    if verdict is not Verdict.GENUINE or label is not None:
        raise typer.Exit(REFUSED)


@app.command("keys")
def keys(ctx: typer.Context, json: Json = False) -> None:
    """列出校验签名标签的公钥，可以公开 · List the public keys of signed labels; they are no secret."""
    terminal = at(ctx, json)
    try:
        found = label_keys.keys(Settings.from_env()).publics
    except BadLabel as bad:
        raise Stop(Words(bad.zh, bad.en), USAGE) from None
    if terminal.json:
        told = [{"id": k.id, "public": k.raw.hex(), "retired": k.retired} for k in found]
        terminal.answer({"keys": told})
        return
    for k in found:
        sys.stdout.write(f"{k.id}:{k.raw.hex()}{':retired' if k.retired else ''}\n")


@app.command("new-key")
def new_key(
    ctx: typer.Context,
    id_: Annotated[
        str, typer.Argument(metavar="ID", help="一位数字或小写字母 · One digit or letter.")
    ],
    json: Json = False,
) -> None:
    """生成一把标签签名密钥（只显示，不保存）· Make a key that signs labels; shown, not kept."""
    terminal = at(ctx, json)
    try:
        made = SigningKey(id_, secrets.token_bytes(signed.KEY_BYTES))
    except BadLabel as bad:
        raise Stop(Words(bad.zh, bad.en), USAGE) from None
    secret, public = f"{id_}:{made.seed.hex()}", f"{id_}:{made.public.raw.hex()}"
    if terminal.json:
        terminal.answer({"signing": secret, "public": public})
        return
    sys.stdout.write(f"GONGWU_LABEL_SIGNING_KEY={secret}\n")
    terminal.say(f"公钥（可公开）：{public}", f"Public key, no secret: {public}")
