"""Every page in a real browser, in both languages: what axe-core finds, whose words, a picture (T127, T128).

axe-core (Deque, MPL-2.0) is never shipped: `npm ci --prefix FOLDER` on a copy of tests/foreign, its
path in GONGWU_FOREIGN, as for test_foreign.py.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from every_page import CARDS, Visit, cookies, demonstration, visits
from PIL import Image
from serving import served

from api import languages
from api.office import Office

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [
    pytest.mark.browser,
    pytest.mark.either_backend("looks at what pages draw, which is the same whatever is beneath"),
]

# Everything that axe looks for unless told otherwise (WCAG 2.0 to 2.2 A and AA, good practice), of
# any impact. Nothing is fetched again for it, and only what is wrong is told.
FINDINGS = """async only => {
  const some = only.length ? {runOnly: only} : {};
  const done = await axe.run({resultTypes: ['violations'], elementRef: false, preload: false, iframes: false, ...some});
  return done.violations.flatMap(v => v.nodes.map(n => `${v.impact} ${v.id}: ${n.html.slice(0, 120)} ${n.failureSummary}`));
}"""
# What the theme and the width decide; all the rest is the same in both.
SEEN = ["color-contrast", "link-in-text-block", "scrollable-region-focusable"]
# What a reader reads or is read to, and in which element; not what says that it is of a language,
# nor what is no language.
TEXTS = """() => {
  const apart = 'script, style, code, kbd, pre, samp, body [lang]', found = [];
  for (const e of document.querySelectorAll('title, body, body *')) {
    if (e.closest(apart)) continue;
    for (const n of e.childNodes) if (n.nodeType === 3) found.push([e.localName, n.data]);
    for (const a of ['aria-label', 'placeholder', 'title', 'alt'])
      if (e.hasAttribute(a)) found.push([e.localName, e.getAttribute(a)]);
  }
  return found.map(([where, said]) => [where, said.replace(/\\s+/g, ' ').trim()]).filter(f => f[1]);
}"""
HAN = re.compile("[㐀-鿿]")
HOLE = re.compile(r"\\?\{\w+\\?\}")  # to be filled in; with a stroke before it in a pattern
# Where names of the example city stand, and what the page of all components shows as samples: data.
SAMPLES = ("api/city", "api/pages_design.py")
# Where a field stands by what it is called, and not by its name in the program.
LABELS = {"th", "dt", "label", "legend", "button", "summary", "h2", "h3"}


@pytest.fixture(scope="module")
def axe() -> Path:
    """Return the script, as npm installed it."""
    script = Path(os.environ.get("GONGWU_FOREIGN", ""), "node_modules/axe-core/axe.min.js")
    if not script.is_file():
        pytest.skip("no axe-core (npm ci in a copy of tests/foreign; GONGWU_FOREIGN=it)")
    return script


@pytest.fixture(scope="module")
def office(module_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    opened = demonstration(tmp_path_factory.mktemp("axe"), module_database)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def site(office: Office) -> Iterator[str]:
    with served(office) as address:
        yield address


@pytest.fixture(scope="module")
def everywhere(office: Office) -> list[Visit]:
    return visits(office)


class Foreign:
    """What the program says in the language that a page is not in."""

    def __init__(self, lang: str) -> None:
        self.lang = lang
        self.whole: set[str] = set()
        self.filled: list[re.Pattern[str]] = []
        # Shorter ones may as well be somebody's name, a value or a sign.
        chars_min = 2 if lang == "en" else 5
        for message in languages.messages():
            said = message.zh if lang == "en" else message.en
            shown = all(place.startswith(SAMPLES) for place in message.places)
            if shown or len(HOLE.sub("", said)) < chars_min or not HAN.search(message.zh):
                continue
            if HOLE.search(said):
                self.filled.append(re.compile(HOLE.sub(".+", re.escape(" ".join(said.split())))))
            else:
                self.whole.add(" ".join(said.split()))
        self.whole -= set(CARDS.split("\n")[0].split(","))

    def speaks(self, where: str, text: str) -> bool:
        """Tell whether a text is in that language, or in none: a field of the program, a hole."""
        if HOLE.search(text):
            return True
        if bool(HAN.search(text)) != (self.lang == "en"):
            return False
        if where in LABELS and re.fullmatch(r"[a-z]+(_[a-z]+)*:?", text):
            return True
        return text in self.whole or any(one.fullmatch(text) for one in self.filled)


def signed_in(page: Page, office: Office, site: str, login: str, **looks: str) -> None:
    """Let the browser be somebody's from here on: one browser is quicker than eleven."""
    page.context.clear_cookies()
    worn = cookies(office, login) | looks
    page.context.add_cookies([{"name": n, "value": v, "url": site} for n, v in worn.items()])


def blank(picture: bytes) -> bool:
    """Tell whether a picture shows nothing: hardly anything but one colour."""
    image = Image.open(BytesIO(picture)).convert("L").resize((64, 64))
    return max(image.histogram()) > 0.995 * 64 * 64


@pytest.mark.target("T127", "T128")
@pytest.mark.parametrize(
    ("lang", "width", "theme", "rules"),
    [("zh", 390, "light", []), ("en", 1440, "dark", SEEN)],
    ids=["zh", "en"],
)
def test_every_page_is_accessible_and_speaks_one_language(
    axe: Path, browser: Browser, office: Office, site: str, everywhere: list[Visit],
    tmp_path: Path, lang: str, width: int, theme: str, rules: list[str],
) -> None:  # fmt: skip
    """The pictures stay in the test's folder, for whoever wants to look."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, reduced_motion="reduce", locale="zh-CN"
    )
    context.add_init_script(path=axe)
    page, foreign = context.new_page(), Foreign(lang)
    wrong: list[str] = []
    for login in dict.fromkeys(visit.login for visit in everywhere):
        signed_in(page, office, site, login, lang=lang, theme=theme)
        for n, visit in enumerate(everywhere):
            if visit.login != login:
                continue
            page.goto(site + visit.path)
            found: list[str] = page.evaluate(FINDINGS, rules)
            texts: list[tuple[str, str]] = page.evaluate(TEXTS)
            found += [f"{where}: {text}" for where, text in texts if foreign.speaks(where, text)]
            picture = page.screenshot(type="jpeg", quality=50)
            name = re.sub(r"\W+", "-", f"{n:03}-{login}{visit.path}")[:100]
            (tmp_path / f"{name}.jpg").write_bytes(picture)
            if blank(picture):
                found.append("nothing is seen")
            wrong += [f"{login or 'nobody'} {visit.path} {one}" for one in found]
    context.close()
    if wrong:
        pytest.fail("\n".join(wrong))
