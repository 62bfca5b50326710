"""Languages beside Chinese and English: what there is to translate, and what a catalogue lacks."""

from __future__ import annotations

from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any

import typer

from api import languages
from api.cli_terminal import REFUSED, USAGE, Json, Stop, at
from domain.words import Words

app = typer.Typer(help="界面语言：待译语句、译文检查 · Languages: what to translate, and checks.")
SHOWN = 20  # of the sentences that are wrong


@app.command()
def write(ctx: typer.Context, folder: Path, json: Json = False) -> None:
    """写出待译模板和中英文目录（gettext）· Write the template and the catalogues of Chinese and English."""
    terminal = at(ctx, json)
    pofile, catalog = _babel("pofile"), _babel("catalog")
    all_ = languages.messages()
    for lang in ("", "zh_CN", "en"):
        made = catalog.Catalog(
            locale=lang or None, project="Gongwu", charset="utf-8", fuzzy=False, copyright_holder=""
        )
        for message in all_:
            places = [
                (file, int(line)) for file, _, line in (p.rpartition(":") for p in message.places)
            ]
            said = {"": "", "zh_CN": message.zh, "en": message.en}[lang]
            # A translator who reads no Chinese sees the English above each sentence.
            comments = [] if lang == "en" else [message.en]
            entry = made.add(message.zh, said, locations=places, auto_comments=comments)
            if languages.blanks(message.zh) != languages.blanks(message.en):
                entry.flags.discard("python-brace-format")  # else msgfmt refuses our English
        file = folder / lang / "LC_MESSAGES" / "gongwu.po" if lang else folder / "gongwu.pot"
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("wb") as out:
            pofile.write_po(out, made, width=100, omit_header=False)
        terminal.say(f"{file}：{len(all_):,} 条", f"{file}: {len(all_):,} sentences")


@app.command()
def check(ctx: typer.Context, file: Path, json: Json = False) -> None:
    """检查译文目录（.po）：缺译、占位符不符 · Check a catalogue: what is not translated, what would break."""
    terminal = at(ctx, json)
    told = {str(m.id): str(m.string) for m in _read(file) if m.id and m.string}
    all_ = languages.messages()
    missing = [m for m in all_ if not told.get(m.zh)]
    broken = [m for m in all_ if m.zh in told and not languages.fits(m.zh, told[m.zh])]
    if terminal.json:
        terminal.answer(
            {
                "messages": len(all_),
                "missing": [m.zh for m in missing],
                "broken": [m.zh for m in broken],
            }
        )
    terminal.say(
        f"共 {len(all_):,} 条，缺译 {len(missing):,} 条（以英文显示），占位符不符 {len(broken):,} 条。",
        f"{len(all_):,} sentences: {len(missing):,} not translated (shown in English),"
        f" {len(broken):,} with other blanks than ours.",
    )
    for message in broken[:SHOWN]:
        terminal.say(f"  {message.zh} → {told[message.zh]}", f"  {message.zh} → {told[message.zh]}")
    if broken:
        terminal.end(REFUSED)


@app.command()
def install(
    ctx: typer.Context,
    file: Path,
    folder: Annotated[Path, typer.Option("--to", help="GONGWU_LOCALES")],
    lang: Annotated[str, typer.Option(help="语言代码，如 ug · Code of the language: ug")],
    json: Json = False,
) -> None:
    """把译文目录编译到 GONGWU_LOCALES 文件夹 · Compile a catalogue into the folder of GONGWU_LOCALES."""
    terminal = at(ctx, json)
    made = _read(file)
    target = folder / lang / "LC_MESSAGES" / f"{languages.DOMAIN}.mo"
    target.parent.mkdir(parents=True, exist_ok=True)
    out = BytesIO()
    _babel("mofile").write_mo(out, made)
    target.write_bytes(out.getvalue())
    terminal.say(
        f"已写入 {target}；重新启动后可选用。", f"Written to {target}; offered after a restart."
    )


def _read(file: Path) -> Any:
    pofile = _babel("pofile")
    try:
        with file.open("rb") as bytes_:
            return pofile.read_po(bytes_, abort_invalid=True)
    except (OSError, UnicodeDecodeError, ValueError, pofile.PoFileError) as error:
        wrong = Words(f"读不了 {file}：{error}", f"{file} cannot be read: {error}")
        raise Stop(wrong, USAGE) from error


def _babel(part: str) -> Any:
    """Return a module of Babel, which only translators need."""
    try:
        return import_module(f"babel.messages.{part}")
    except ModuleNotFoundError as error:
        raise Stop(
            Words(
                "翻译需要 Babel：pip install 'gongwu[languages]'。",
                "Translating needs Babel: pip install 'gongwu[languages]'.",
            ),
            USAGE,
        ) from error
