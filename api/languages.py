"""Languages beside Chinese and English, as gettext catalogues whose keys are the Chinese words.

Chinese and English stand side by side in the code, so that nobody forgets one of them. A further
language is a catalogue of an installation, `FOLDER/CODE/LC_MESSAGES/gongwu.mo`, translated with any
gettext tool from what `messages` finds in the code; what it leaves out is read in English.
"""

from __future__ import annotations

import ast
import gettext
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from string import Formatter
from typing import Final, NamedTuple

from domain import words
from ledger.notes import Unproven

DOMAIN: Final = "gongwu"
OURS: Final = ("zh", "en")
# Scripts that run from right to left; Uyghur (ug) is written so in Xinjiang.
RIGHT_TO_LEFT: Final = frozenset({"ar", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"})
NAMES: Final = {"zh": "中文", "en": "English"}
SOURCES: Final = ("domain", "ledger", "projections", "labels", "api")
ROOT: Final = Path(__file__).resolve().parent.parent


class Message(NamedTuple):
    """What is said in both languages, and where in the code (`file:line`)."""

    zh: str
    en: str
    places: tuple[str, ...]


def known(lang: str) -> bool:
    """Tell whether pages can be asked for in a language."""
    return lang in OURS or lang in words.CATALOGUES


def direction(lang: str) -> str:
    """Return `rtl` for a language written from right to left, else `ltr`."""
    return "rtl" if lang.partition("-")[0] in RIGHT_TO_LEFT else "ltr"


def tag(lang: str) -> str:
    """Return what HTML and HTTP call a language (BCP 47)."""
    return "zh-CN" if lang == "zh" else lang


def name(lang: str) -> str:
    """Return what a language calls itself."""
    return NAMES.get(lang, lang)


def others(lang: str) -> tuple[str, ...]:
    """Return the languages a reader may change to."""
    return tuple(each for each in (*OURS, *sorted(words.CATALOGUES)) if each != lang)


def load(folder: Path) -> tuple[str, ...]:
    """Offer every language whose catalogue is in a folder; return their codes.

    A heading `X-Language-Name` says what a language calls itself. Raise Unproven for a bad file.
    """
    found = []
    for file in sorted(folder.glob(f"*/LC_MESSAGES/{DOMAIN}.mo")):
        lang = file.parent.parent.name.replace("_", "-")
        if lang in OURS:
            continue
        try:
            with file.open("rb") as bytes_:
                catalogue = gettext.GNUTranslations(bytes_)
        except (OSError, UnicodeDecodeError, ValueError) as error:
            raise Unproven(
                f"译文目录 {file} 读不了：{error}；请重新编译（gongwu languages install）。",
                f"The catalogue {file} cannot be read: {error}. Compile it again"
                " (gongwu languages install).",
            ) from error
        offer(lang, catalogue, catalogue.info().get("x-language-name", ""))
        found.append(lang)
    return tuple(found)


def offer(lang: str, catalogue: gettext.NullTranslations, called: str = "") -> None:
    """Offer a language; a sentence whose blanks are not those of ours is read in English."""
    kept: dict[str, str] = {}

    def say(zh: str) -> str:
        said = kept.get(zh)
        if said is None:
            told = catalogue.gettext(zh)
            said = kept[zh] = told if told != zh and fits(zh, told) else ""
        return said

    words.CATALOGUES[lang] = say
    NAMES[lang] = called or lang


def fits(zh: str, told: str) -> bool:
    """Tell whether a translation leaves no more to be filled in than the Chinese, or its English."""
    given = blanks(zh)
    return blanks(told) <= given | {f"{each}_en" for each in given}


def blanks(sentence: str) -> frozenset[str]:
    """Return the names that a sentence leaves to be filled in: `{unit}` is `unit`."""
    try:
        return frozenset(field for _, field, _, _ in Formatter().parse(sentence) if field)
    except ValueError:  # a brace that opens and never closes: no template
        return frozenset({sentence})


# What there is to translate -----------------------------------------------------------------


def messages() -> list[Message]:
    """Return all that the program says in both languages, in the order of its Chinese."""
    said: dict[str, tuple[str, list[str]]] = {}
    for folder in SOURCES:
        for file in sorted((ROOT / folder).rglob("*.py")):
            place = file.relative_to(ROOT).as_posix()
            for zh, en, line in _pairs(ast.parse(file.read_text(encoding="utf-8"))):
                said.setdefault(zh, (en, []))[1].append(f"{place}:{line}")
    return [Message(zh, en, tuple(places)) for zh, (en, places) in sorted(said.items())]


def _pairs(tree: ast.Module) -> Iterator[tuple[str, str, int]]:
    """Yield Chinese and English wherever they stand next to each other, and the line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call | ast.ClassDef):
            named = {each.arg: each.value for each in node.keywords}
            yield from _pair(named.get("zh"), named.get("en"))
        if isinstance(node, ast.Call):
            yield from _neighbours(node.args)
        elif isinstance(node, ast.Tuple):
            yield from _neighbours(node.elts)


def _neighbours(nodes: list[ast.expr]) -> Iterator[tuple[str, str, int]]:
    for one, other in pairwise(nodes):
        yield from _pair(one, other)


def _pair(zh: ast.expr | None, en: ast.expr | None) -> Iterator[tuple[str, str, int]]:
    match zh, en:
        case ast.Constant(value=str(one)), ast.Constant(value=str(other)) if (
            chinese(one) and not chinese(other) and other.strip()
        ):
            assert zh is not None
            yield one, other, zh.lineno


def chinese(text: str) -> bool:
    """Tell whether a text has a Chinese character or mark in it."""
    return any("\u4e00" <= c <= "\u9fff" or "\u3000" <= c <= "\u303f" for c in text)
