"""Text that would like to run: through every field, onto every page, in a real browser (T16, T17)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from doors import CARD, staffed
from serving import BROWSER, served
from starlette.testclient import TestClient

from api import filing, forms
from api.app import create_app
from api.office import Actor, Office
from domain.decider import LIFECYCLES

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog

pytestmark = pytest.mark.either_backend(BROWSER)

# Well-known forms: elements, attributes, addresses, SVG, templates, other alphabets, polyglots.
ELEMENTS = """
<script>alert(1)</script>
<ScRiPt>alert(1)</sCrIpT>
<script src=data:,alert(1)></script>
<script src="/static/../nothing.js"></script>
<script type=module>alert(1)</script>
<script>alert(1)//
<script/x>alert(1)</script/x>
<<script>alert(1)//<</script>
</script><script>alert(1)</script>
</title><script>alert(1)</script>
</textarea><script>alert(1)</script>
</style><script>alert(1)</script>
</noscript><script>alert(1)</script>
</option></select><script>alert(1)</script>
--><script>alert(1)</script><!--
]]><script>alert(1)</script>
<scr<script>ipt>alert(1)</scr</script>ipt>
<img src=x onerror=alert(1)>
<img src=x onerror="alert(1)"
<img/src=x/onerror=alert(1)>
<IMG SRC=x ONERROR=alert(1)>
<img src="x` `<script>alert(1)</script>"` `>
<image src=x onerror=alert(1)>
<img srcset=x onerror=alert(1)>
<body onload=alert(1)>
<body background=javascript:alert(1)>
<iframe src=javascript:alert(1)></iframe>
<iframe srcdoc="<script>parent.alert(1)</script>"></iframe>
<iframe onload=alert(1)></iframe>
<object data=javascript:alert(1)></object>
<object data="data:text/html,<script>alert(1)</script>"></object>
<embed src=javascript:alert(1)>
<embed src="data:image/svg+xml,<svg onload=alert(1)>">
<video src=x onerror=alert(1)></video>
<video><source onerror=alert(1)></video>
<audio src=x onerror=alert(1)></audio>
<input autofocus onfocus=alert(1)>
<select autofocus onfocus=alert(1)></select>
<textarea autofocus onfocus=alert(1)></textarea>
<button autofocus onfocus=alert(1)>x</button>
<keygen autofocus onfocus=alert(1)>
<details open ontoggle=alert(1)>
<marquee onstart=alert(1)>x</marquee>
<div onpointerover=alert(1) style=position:fixed;inset:0>x</div>
<p style="animation:x" onanimationstart=alert(1)>x</p>
<style>@import'javascript:alert(1)';</style>
<link rel=stylesheet href=data:,*{color:red}>
<link rel=import href=data:text/html,<script>alert(1)</script>>
<meta http-equiv=refresh content="0;url=javascript:alert(1)">
<base href=javascript:alert(1)//>
<form action=javascript:alert(1)><button autofocus>x</button></form>
<form><button formaction=javascript:alert(1)>x</button></form>
<isindex type=image src=1 onerror=alert(1)>
<table background=javascript:alert(1)><tr><td>x
<template><script>alert(1)</script></template>
<noscript><p title="</noscript><img src=x onerror=alert(1)>">
<a href=javascript:alert(1)>x</a>
<a href="jav&#x09;ascript:alert(1)">x</a>
<a href="&#106;avascript:alert(1)">x</a>
<a href=data:text/html,<script>alert(1)</script>>x</a>
<a onmouseover=alert(1)>x</a>
<div hx-get=/x hx-trigger=load hx-on:htmx:load=alert(1)>x</div>
<div hx-vals='js:{x:alert(1)}' hx-get=/ hx-trigger=load></div>
<x data-hx-on-load=alert(1) onclick=alert(1)>x
<svg onload=alert(1)>
<svg/onload=alert(1)//
<svg><script>alert(1)</script></svg>
<svg><script href=data:,alert(1) />
<svg><a xlink:href=javascript:alert(1)><text x=20 y=20>x</text></a></svg>
<svg><animate onbegin=alert(1) attributeName=x dur=1s>
<svg><set attributeName=onmouseover to=alert(1)>
<svg><foreignObject><iframe srcdoc="<script>parent.alert(1)</script>">
<svg><use href="data:image/svg+xml,<svg id=x onload=alert(1)>#x">
<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>
<math href=javascript:alert(1)>x</math>
"""
ATTRIBUTES = """
" autofocus onfocus=alert(1) x="
' autofocus onfocus=alert(1) x='
` onfocus=alert(1) x=`
"><img src=x onerror=alert(1)>
'><img src=x onerror=alert(1)>
" onmouseover="alert(1)
x onerror=alert(1)
"/><svg onload=alert(1)>
javascript:alert(1)
JaVaScRiPt:alert(1)
 javascript:alert(1)
javascript://%0aalert(1)
data:text/html,<script>alert(1)</script>
vbscript:msgbox(1)
//evil.example/x.js
\\\\evil.example\\x
';alert(1)//
";alert(1)//
\\';alert(1)//
${alert(1)}
{{7*7}}{{constructor.constructor('alert(1)')()}}
{% for x in ().__class__.__base__.__subclasses__() %}{{x}}{% endfor %}
{{ ''|safe }}<%= 7*7 %>#{7*7}
&lt;script&gt;alert(1)&lt;/script&gt;
&#60;script&#62;alert(1)&#60;/script&#62;
%3Cscript%3Ealert(1)%3C/script%3E
\\u003cscript\\u003ealert(1)\\u003c/script\\u003e
＜script＞alert(1)＜/script＞
＂ onfocus=alert(1) autofocus
ʺ><img src=x onerror=alert(1)>
<ſcript>alert(1)</ſcript>
+ADw-script+AD4-alert(1)+ADw-/script+AD4-
jaVasCript:/*-/*`/*\\`/*'/*"/**/(/* */oNcliCk=alert(1) )//</stYle/</titLe/</teXtarEa/</scRipt/--!><sVg/oNloAd=alert(1)//
"'--></style></script><svg oNload=alert(1)>{{7*7}}
"""
PAYLOADS = [line for line in (ELEMENTS + ATTRIBUTES).split("\n") if line.strip()]
# Only the browser can tell whether one ran; what it obeys and we never draw is told by a look.
WATCH = """() => {
  window.ran = [];
  for (const name of ['alert', 'confirm', 'prompt', 'print', 'msgbox'])
    window[name] = () => window.ran.push(name);
  document.addEventListener('securitypolicyviolation', e =>
    window.ran.push(e.violatedDirective + ' ' + e.blockedURI));
}"""
DRAWN = """(root) => [...root.querySelectorAll('*')].flatMap(element => {
  const found = [...element.attributes]
    .filter(a => /^(data-)?(on|hx-on)/i.test(a.name) && a.name !== 'data-once'
      || /^(style|srcdoc|formaction|background)$/i.test(a.name)
      || /^(href|src|action|xlink:href|content)$/i.test(a.name)
         && /^[\\s\\u0000-\\u0020]*(javascript|vbscript|data:text)/i.test(a.value)
      || /^(href|src|action)$/i.test(a.name) && /^[\\s]*([\\\\/]{2}|https?:)/.test(a.value))
    .map(a => `${element.tagName} ${a.name}=${a.value}`);
  const tag = element.tagName.toLowerCase();
  if (['iframe', 'object', 'embed', 'base', 'style', 'math', 'marquee', 'image'].includes(tag)
      || tag === 'script' && !element.src && element.type !== 'application/json')
    found.push(element.outerHTML.slice(0, 100));
  return found;
})"""
LOOK = f"""async (addresses) => {{
  const drawn = {DRAWN}, wrong = [], links = [];
  for (const address of addresses) {{
    const answer = await fetch(address);
    if (!(answer.headers.get('content-type') || '').includes('html')) continue;
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    if (answer.status >= 500) wrong.push(`${{answer.status}} ${{address}}`);
    wrong.push(...drawn(page).map(one => `${{address}}: ${{one}}`));
    links.push(...[...page.querySelectorAll('a[href^="/"]')].map(a => a.getAttribute('href')));
  }}
  return [wrong, links];
}}"""
PLACES = ("/assets?q=", "/search?q=", "/cases?q=", "/units?q=", "/scan?code=", "/assets?kind=", "/login?next=", "/idle?q=", "/nothing/")  # fmt: skip


@dataclass
class Poisoned:
    office: Office
    http: TestClient
    kept: int  # payloads that stand in the ledger


def signed_in(office: Office, role: str = "clerk") -> dict[str, str]:
    account = office.accounts.find(role)
    assert account is not None
    return {"session": office.accounts.sign_in(account)}


@pytest.fixture(scope="module")
def poisoned(module_database: str) -> Iterator[Poisoned]:
    """An office in which every text that was taken is a payload."""
    with staffed(module_database) as office:
        clerk = Actor(person="u_clerk", unit="o_a", role="clerk")
        admin = Actor(person="u_admin", unit="o_a", role="admin")
        cards: list[tuple[str, str, dict[str, Any]]] = []
        for n, text in enumerate(PAYLOADS):
            others = {
                field: text[:80].strip()
                for field in ("model", "serial", "plate", "voucher", "class_code")
            }
            numbered = f"{text[:70].strip()} {n}"  # no two things of a unit have one number
            card = CARD | others | {"name": text.strip(), "asset_no": numbered}
            cards.append((f"asset/P{n}", "register_existing", card))
        office.ask_many(cards, clerk)
        for n, text in enumerate(PAYLOADS[:30]):
            unit = {"name": text, "name_en": text[:80], "kind": "organ"}
            office.ask(f"unit/o_p{n}", "establish", unit, admin)
        for n, text in enumerate(PAYLOADS):
            filing.attach(office, clerk, "asset/P0", b"%PDF-" + str(n).encode(), text)
        keeper = Actor(person="u_keeper", unit="o_a", role="keeper")
        for n, text in enumerate(PAYLOADS[:20]):
            office.ask(f"asset/P{n}", "issue", {"user": "u_clerk", "purpose": text}, keeper)
            office.ask(f"asset/P{n}", "record_damage", {"text": text}, keeper)
        for n, text in enumerate(PAYLOADS[:15]):
            office.kept.keep(
                "u_clerk", "o_a", "/assets", text[:30], urlencode({"q": text}), shared=True
            )
            place = {"name": text, "kind": "room", "unit": "o_a"}
            office.ask(f"place/p{n}", "open_place", place, admin)
        office.models.catch_up(office.book)
        http = TestClient(create_app(office.settings, office), raise_server_exceptions=False)
        http.cookies.update(signed_in(office))
        yield Poisoned(office, http, len(cards))


@pytest.mark.browser
@pytest.mark.target("T16")
def test_a_hundred_payloads_run_nowhere(poisoned: Poisoned, browser: Browser) -> None:
    """Every page that links lead to is read; one of each kind is opened; what people type too."""
    assert len(set(PAYLOADS)) >= 100 and poisoned.kept == len(PAYLOADS)
    with served(poisoned.office) as site:
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        host = [{"name": k, "value": v, "url": site} for k, v in signed_in(poisoned.office).items()]
        context.add_cookies(host)  # type: ignore[arg-type] # as Playwright reads them
        context.add_init_script(f"({WATCH})()")
        page = context.new_page()
        wrong, left = list[str](), list[str]()

        def asked_aloud(dialog: Dialog) -> None:
            wrong.append(f"dialog {dialog.message}")
            dialog.dismiss()

        page.on("dialog", asked_aloud)
        page.on(
            "request", lambda r: None if r.url.startswith((site, "data:")) else left.append(r.url)
        )
        page.goto(site)
        typed = [f"{place}{{}}" for place in PLACES]
        every = page.evaluate("texts => texts.map(encodeURIComponent)", PAYLOADS)
        addresses = [one.format(every[n % len(every)]) for n, one in enumerate(typed * 8)]
        seen, shapes = set[str](), dict[str, str]()
        wanted = ["/", *addresses]
        while wanted and len(seen) < 250:
            told, links = page.evaluate(LOOK, wanted)
            wrong += told
            seen |= set(wanted)
            wanted = []
            for link in dict.fromkeys(str(link).partition("#")[0] for link in links):
                path, _, query = link.partition("?")
                shape = re.sub(r"/(?=\w*\d)[^/]+", "/*", path) + "?" + re.sub(r"=[^&]*", "", query)
                few = sum(s == shape for s in shapes.values()) < 2
                if link not in seen and few and path != "/logout" and "." not in path:
                    shapes[link] = shape
                    wanted.append(link)
        first = {shape: link for link, shape in shapes.items() if "lang" not in shape}
        opened = [*list(first.values())[:16], *addresses[:: len(PLACES)]]
        for address in ["/assets", "/assets/P0", "/units", *opened]:
            page.goto(site + address, wait_until="load")
            wrong += [f"{address}: {one}" for one in page.evaluate("window.ran")]
        context.close()
    assert wrong == [] and left == []
    assert len(seen) > 150 and len(first) > 15


# Every form --------------------------------------------------------------------------


class Elements(HTMLParser):
    """Collects what would run on a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        runs = [n for n in given if n.startswith(("on", "hx-on")) or n in ("srcdoc", "style")]
        leads = [v for n, v in attrs if n in ("href", "src", "action") and RUNS.match(v or "")]
        inline = tag == "script" and "src" not in given and given.get("type") != "application/json"
        if runs or leads or inline or tag in ("iframe", "object", "embed", "base", "style", "math"):
            self.found.append(f"<{tag} {given}>")


RUNS = re.compile(r"\s*(javascript|vbscript|data:text|//|\\\\)", re.IGNORECASE)


@pytest.mark.target("T16")
def test_what_a_form_repeats_is_text(poisoned: Poisoned) -> None:
    """Each text field of each verb of a thing and of every kind of case, with another payload."""
    wrong, asked, drawn = list[str](), 0, 0
    for kind, life in LIFECYCLES.items():
        for verb in life.verbs.values():
            texts = [f.name for f in forms.fields(verb) if f.type in ("text", "long")]
            if verb.inner or not texts:
                continue
            place = f"/assets/P1/do/{verb.name}" if kind == "asset" else ""
            place = place or f"/cases/{kind}/{kind.upper()}1/do/{verb.name}"
            form = {name: PAYLOADS[(asked + n) % len(PAYLOADS)] for n, name in enumerate(texts)}
            answer = poisoned.http.post(place, data=form, headers={"accept": "text/html"})
            asked += 1
            drawn += any(text.split("<")[0] in answer.text for text in form.values())
            wrong += [f"{place}: {one}" for one in Elements(answer.text).found]
            if answer.status_code >= 500:
                wrong.append(f"{answer.status_code} {place}")
    assert wrong == []
    assert asked > 200 and drawn > 50


@pytest.mark.target("T16")
@pytest.mark.parametrize("way", ["cards", "wants", "offers", "tags"])
def test_what_an_import_repeats_is_text(way: str, poisoned: Poisoned) -> None:
    heads = "序号\t资产名称\t数量\t用途" if way == "wants" else "资产编号\t资产名称\t规格型号\t数量"
    sheet = "\n".join([heads, *(f"{p}\t{p}\t{p}\t{p}" for p in PAYLOADS)])
    place = {"cards": "/imports", "tags": "/tags"}.get(way, f"/{way}/import")
    file = {"file": ('"><svg onload=alert(1)>.csv', sheet.encode(), "text/csv")}
    answer = poisoned.http.post(place, files=file, headers={"accept": "text/html"})
    assert answer.status_code in (200, 409, 413, 422), answer.text[:300]
    assert "alert(1)" in answer.text or way in ("tags", "wants")
    assert Elements(answer.text).found == []


# Files (T17, ASVS 5.3.2, 5.4.1, 5.4.2) ---------------------------------------------------

NAMES = {
    "../../etc/passwd": "passwd",
    "..\\..\\windows\\win.ini": "win.ini",
    "/etc/shadow": "shadow",
    "C:\\x\\CON.pdf": "CON.pdf",
    "\\\\server\\share\\a.pdf": "a.pdf",
    "a\0.exe.pdf": "a.exe.pdf",
    "a\r\nSet-Cookie: x=y.pdf": "aSet-Cookie: x=y.pdf",
    "evil\u202efdp.exe": "evilfdp.exe",
    "\u2066a\u2069.pdf": "a.pdf",
    "x" * 300 + ".pdf": "x" * 200,
    "长" * 300: "长" * 200,
    "..": "..",
    "...": "...",
    "": "附件",
    "/": "附件",
    "\u200b": "附件",
    '"; filename=x.html; a=".pdf': '"; filename=x.html; a=".pdf',
    "％2e％2e／x.pdf": "％2e％2e／x.pdf",
}


@pytest.mark.parametrize("name", NAMES, ids=map(str, range(len(NAMES))))
def test_the_name_of_a_file_is_words_and_no_place(name: str, poisoned: Poisoned) -> None:
    office = poisoned.office
    clerk = Actor(person="u_clerk", unit="o_a", role="clerk")
    content = b"%PDF-name " + name.encode()
    filing.attach(office, clerk, "asset/P3", content, name)
    kept = filing.files(office, "asset/P3")[-1]
    assert kept["title"] == NAMES[name]
    answer = poisoned.http.get(f"/files/asset/P3/{kept['sha256']}")
    assert answer.content == content
    disposition = answer.headers["content-disposition"]
    assert re.fullmatch(r"attachment; filename\*=UTF-8''[A-Za-z0-9%_.~/-]*", disposition)
    assert "/" not in disposition.partition("''")[2]
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "content",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"<?xml version='1.0'?><svg/>",
        b"\xef\xbb\xbf<svg onload=alert(1)>",
        b"<!DOCTYPE html><script>alert(1)</script>",
        b"   <html><body onload=alert(1)>",
        b"text before <script>alert(1)</script>",
        "<svg/>".encode("utf-16"),
        b"+ADw-script+AD4-\x00",
        b"MZ\x90\x00",
        b"#!/bin/sh\n\x7f",
        b"",
    ],
    ids=map(str, range(11)),
)
def test_what_could_run_is_no_attachment(content: bytes, poisoned: Poisoned) -> None:
    file = {"file": ("photo.png", content, "image/png")}
    answer = poisoned.http.post("/files/asset/P4", files=file, headers={"accept": "text/html"})
    assert answer.status_code == 422, answer.text[:200]
    assert filing.files(poisoned.office, "asset/P4") == []


def test_a_picture_that_is_also_a_page_is_saved_and_not_shown(poisoned: Poisoned) -> None:
    """What begins as a picture is taken for one; that it is a page too helps nobody."""
    clerk = Actor(person="u_clerk", unit="o_a", role="clerk")
    both = b"\x89PNG\r\n\x1a\n<script>alert(1)</script>"
    filing.attach(poisoned.office, clerk, "asset/P5", both, "x.html")
    (kept,) = filing.files(poisoned.office, "asset/P5")
    answer = poisoned.http.get(f"/files/asset/P5/{kept['sha256']}")
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["content-security-policy"]
