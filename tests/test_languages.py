"""Languages beside Chinese and English: what there is to translate, catalogues, right to left (T127)."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from doors import PASSWORD, staffed
from serving import blameless, served
from typer.testing import CliRunner

import domain.lives  # noqa: F401 - every verb and fact must be declared before it is listed
from api import cli, languages
from api.cli_terminal import OK, REFUSED, USAGE
from api.office import Office
from api.pages_phrases import PHRASES
from domain.decider import FACTS, LIFECYCLES
from domain.words import CATALOGUES, TERMS, Words, in_words
from ledger.notes import Unproven

if TYPE_CHECKING:
    from playwright.sync_api import Page

PSEUDO = "ar-XB"  # a language that nobody speaks, written from right to left
MARK = "\u202e"  # what follows runs from right to left, whatever its letters


def commanded(*words: str, code: int = OK) -> str:
    answer = CliRunner().invoke(
        cli.app, ["--lang", "en", "languages", *words], env={"COLUMNS": "200"}
    )
    assert answer.exit_code == code, answer.output
    return answer.output


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the catalogues of Chinese and English."""
    folder = tmp_path_factory.mktemp("written")
    commanded("write", str(folder))
    return folder


@pytest.fixture(scope="module")
def mirrored(written: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a folder that offers the mirrored language, and forget it afterwards."""
    source = (written / "en" / "LC_MESSAGES" / "gongwu.po").read_text(encoding="utf-8")
    heading, _, rest = source.partition("\n\n")
    told = re.sub(
        r'(?m)^msgstr "', f'msgstr "{MARK}', rest.replace('msgstr ""\n"', 'msgstr ""\n""\n"')
    )
    heading = heading.replace('"MIME', '"X-Language-Name: Mirrored\\n"\n"MIME')
    folder = tmp_path_factory.mktemp("locales")
    file = folder / "mirrored.po"
    file.write_text(f"{heading}\n\n{told}", encoding="utf-8")
    commanded("install", str(file), "--to", str(folder), "--lang", PSEUDO)
    yield folder
    CATALOGUES.pop(PSEUDO, None)


@pytest.mark.target("T127")
def test_all_that_the_program_says_is_in_the_catalogues_in_both_languages(written: Path) -> None:
    all_ = {message.zh: message.en for message in languages.messages()}
    said: list[tuple[str, str]] = [
        *PHRASES.values(),
        *((words.zh, words.en) for words in TERMS.values()),
        *((v.zh, v.en) for life in LIFECYCLES.values() for v in life.verbs.values()),
        *((rule.zh, rule.en) for life in LIFECYCLES.values() for v in life.verbs.values()
          for rule in v.rules),
        *((fact.zh, fact.en) for fact in FACTS.values()),
    ]  # fmt: skip
    assert len(said) > 2_500
    assert [zh for zh, _ in said if zh not in all_ and languages.chinese(zh)] == []
    assert all(en.strip() and not languages.chinese(en) for en in all_.values())
    for lang in ("zh_CN", "en"):
        file = written / lang / "LC_MESSAGES" / "gongwu.po"
        # A program that nobody here wrote reads it, and holds its blanks to ours.
        checked = subprocess.run(
            ["msgfmt", "--check-format", "--statistics", "-o", "/dev/null", str(file)],
            check=True, capture_output=True, text=True, env={"LC_ALL": "C", "PATH": "/usr/bin"},
        )  # fmt: skip
        assert re.search(rf"^{len(all_)} translated messages\.$", checked.stderr, re.MULTILINE)
    assert "0 not translated" in commanded("check", str(file))


def test_a_catalogue_is_told_what_it_lacks_and_what_would_break_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "ug.po"
    head = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
    file.write_text(f'{head}msgid "首页"\nmsgstr "باش بەت"\n', encoding="utf-8")
    assert re.search(r"[\d,]+ not translated", commanded("check", str(file)))
    file.write_text(f'{head}msgid "代{{who}}"\nmsgstr "{{whom}}"\n', encoding="utf-8")
    assert "1 with other blanks" in commanded("check", str(file), code=REFUSED)
    file.write_text("no catalogue at all", encoding="utf-8")
    assert "cannot be read" in commanded("check", str(file), code=USAGE)
    commanded("check", str(tmp_path / "none.po"), code=USAGE)
    bad = tmp_path / "locales" / "ug" / "LC_MESSAGES" / "gongwu.mo"
    bad.parent.mkdir(parents=True)
    bad.write_bytes(b"not compiled")
    with pytest.raises(Unproven, match=r"gongwu\.mo"):
        languages.load(tmp_path / "locales")


def test_what_a_language_does_not_say_is_read_in_english(tmp_path: Path) -> None:
    file = tmp_path / "ug.po"
    head = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
    broken = 'msgid "代{who}"\nmsgstr "{whom}"\n\n'
    file.write_text(f'{head}{broken}msgid "首页"\nmsgstr "باش بەت"\n', encoding="utf-8")
    commanded("install", str(file), "--to", str(tmp_path), "--lang", "ug")
    try:
        assert languages.load(tmp_path) == ("ug",)
        assert languages.direction("ug") == "rtl" and languages.direction("en") == "ltr"
        assert in_words(Words("首页", "Home"), "ug") == "باش بەت"
        assert in_words(Words("台账", "Inventory"), "ug") == "Inventory"
        assert in_words(Words("代{who}", "in the stead of {who}"), "ug") == "in the stead of {who}"
        assert in_words(Words("首页", "Home"), "zh") == "首页"
    finally:
        CATALOGUES.pop("ug")


@pytest.fixture(scope="module")
def office(module_database: str, mirrored: Path) -> Iterator[Office]:
    languages.load(mirrored)
    with staffed(module_database) as opened:
        yield opened


PAGES = ("/", "/assets", "/cases", "/cases/new?kind=disposal", "/open-steps", "/offers", "/wants",
         "/units", "/rules", "/income", "/idle", "/reuse", "/stocktakes")  # fmt: skip


@pytest.mark.either_backend("how pages stand in a browser, whatever they were read from")
@pytest.mark.browser
@pytest.mark.target("T127")
def test_pages_stand_mirrored_in_a_language_from_right_to_left(page: Page, office: Office) -> None:
    """No page runs over, the frame stands the other way round, and what it says is translated."""
    with served(office) as site, blameless(page):
        page.goto(f"{site}/login?lang={PSEUDO}")
        page.locator("#login").fill("office")
        page.locator("#password").fill(PASSWORD)
        with page.expect_navigation():
            page.keyboard.press("Enter")
        for width in (1440, 390):
            page.set_viewport_size({"width": width, "height": 900})
            for path in PAGES:
                page.goto(f"{site}{path}")
                assert page.locator("html").get_attribute("dir") == "rtl", path
                wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
                assert wide <= 0, f"{path} at {width}: {wide} px over"
                brand = page.locator(".brand").bounding_box()
                assert brand is not None and brand["x"] + brand["width"] > width / 2, path
                heading = page.locator("h1").first.inner_text()
                assert MARK in heading, f"{path}: {heading}"
        page.goto(f"{site}/assets?lang=en")
        assert page.locator("html").get_attribute("dir") == "ltr"
