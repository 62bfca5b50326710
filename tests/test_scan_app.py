"""The scan app by itself: what it keeps, how it reads, that it needs no network."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from doors import staffed
from serving import BROWSER, blameless, offline, served

from api import pages_count
from api.scan_words import WORDS
from labels import identity, signed
from labels.identity import Kind, LabelPayload
from labels.signed import SigningKey

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.either_backend(BROWSER)

SCAN = pages_count.STATIC / "scan"
SCRIPTS = sorted(SCAN.glob("*.js"))


@pytest.fixture(scope="module")
def site(module_database: str) -> Iterator[str]:
    with staffed(module_database) as office, served(office) as url:
        yield url


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    """Yield a page of a phone; a missing network is no error of ours, anything else is."""
    context = browser.new_context(locale="zh-CN", viewport={"width": 390, "height": 844})
    page = context.new_page()
    with blameless(page):
        yield page
    context.close()


# What is shipped ------------------------------------------------------------------


def test_the_worker_keeps_every_file_of_the_app() -> None:
    kept = {name.rpartition("/")[2] for name in pages_count.FILES if "/scan/" in name}
    ours = {path.name for path in SCAN.iterdir()}
    # The worker itself is never kept by itself; the large icon is for the home screen alone.
    assert ours - kept == {"sw.js", "icon-512.png"}


def test_a_changed_file_is_a_new_version(monkeypatch: pytest.MonkeyPatch) -> None:
    before = pages_count.service_worker()
    pages_count.service_worker.cache_clear()
    monkeypatch.setattr(pages_count, "FILES", pages_count.FILES[1:])
    after = pages_count.service_worker()
    pages_count.service_worker.cache_clear()
    name = re.compile(r"gongwu-scan-[0-9a-f]{16}")
    assert name.findall(before) != name.findall(after)


def test_the_first_visit_fits_its_budget() -> None:
    files = [pages_count.STATIC.parent / name.lstrip("/") for name in pages_count.FILES]
    packed = sum(len(gzip.compress(path.read_bytes(), 9)) for path in files)
    packed += len(gzip.compress(pages_count.shell("zh").encode(), 9))
    assert packed <= 450 * 1024


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: p.name)
def test_its_scripts_speak_the_language_of_old_browsers(path: Path) -> None:
    """Chromium 79 knows no `?.`, `??`, `||=`, class fields with `#`, `.at(`, `replaceAll`."""
    code = re.sub(r"/\*.*?\*/|//[^\n]*", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    code = re.sub(r"'(?:[^'\\\n]|\\.)*'", "''", code)
    assert (
        re.findall(r"\?\.[A-Za-z_$\[(]|\?\?|\|\|=|&&=|\.replaceAll|\.at\(|structuredClone", code)
        == []
    )


def test_every_sentence_it_says_is_there_in_both_languages() -> None:
    script = (SCAN / "app.js").read_text(encoding="utf-8")
    shell = pages_count.shell("zh")
    asked = set(re.findall(r"\bt\('([a-z-]+[a-z])'", script))
    asked |= set(re.findall(r'data-t(?:-label|-hint)?="([a-z-]+)"', shell))
    assert asked <= WORDS.keys()
    for key, (zh, en) in WORDS.items():
        assert zh and en, key
        assert set(re.findall(r"\{\w+\}", zh)) == set(re.findall(r"\{\w+\}", en)), key


# How it reads and reckons ------------------------------------------------------------


def module(page: Page, name: str, call: str, argument: Any = None) -> Any:
    """Call something of one of its modules."""
    return page.evaluate(f"given => import('/static/scan/{name}.js').then(m => {call})", argument)


@pytest.mark.browser
def test_its_hashes_are_those_of_the_server(page: Page, site: str) -> None:
    page.goto(f"{site}/scan/count")
    texts = ["", "abc", "公物" * 50, "𬭊" * 7, *("x" * n for n in (55, 56, 63, 64, 65, 5000))]
    told = module(page, "sha256", "given.map(m.ofText)", texts)
    assert told == [hashlib.sha256(text.encode()).hexdigest() for text in texts]
    scan = {
        "at": "2026-11-21T01:02:03.004Z", "code": "盘\"\\\n\u2028é𬭊", "n": 3, "note": "",
        "offset": -7, "photo": None, "place": "p_1", "prev": "", "source": "wedge", "undo": None,
    }  # fmt: skip
    written = json.dumps(scan, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert (
        module(page, "store", "m.hashOf(given)", scan)
        == hashlib.sha256(written.encode()).hexdigest()
    )


ITEMS = {
    "places": [{"id": "p_302", "name": "302室", "codes": ["p_302"]}],
    "items": [
        {"asset": "A1", "no": "SL-001", "name": "笔记本", "place": "p_302", "codes": ["A1"]},
        {"asset": "A12", "no": "SL-002", "name": "打印机", "place": "p_302", "codes": ["urn:x"]},
    ],
}
READ = "given.map(text => m.read(text, new m.Known(ITEMS)).map(one => [one.kind, one.key]))"
READ = READ.replace("ITEMS", json.dumps(ITEMS))
SEAL = "s=1AAAAAAAAAAAAAA"


@pytest.mark.browser
@pytest.mark.target("T75")
@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("sl-001", [["code", "SL-001"]]),
        ("ＳＬ－００１", [["code", "SL-001"]]),  # an input method's full-width forms
        (" SL‑001\r\n", [["code", "SL-001"]]),
        (f"https://id.example/obj/A1?r=1&{SEAL}", [["address", "A1"]]),
        (f"HTTPS://OLD-HOST.EXAMPLE/OBJ/A1?R=1&S={SEAL[2:]}", [["address", "A1"]]),
        (f"ｈｔｔｐｓ：／／ｉｄ。example／obj／A1？r＝1＆{SEAL}", [["address", "A1"]]),
        ("https:、、id。example、obj、A12", [["address", "A12"]]),
        ("https://id.example/loc/p_302", [["address", "P_302"]]),
        ("(8004)697123456100000000007", [["code", "697123456100000000007"]]),
        # Half of an address is never taken for a whole one.
        ("https://id.exam", [["half", ""]]),
        ("https://id.example/obj/", [["half", ""]]),
        ("https://id.example/obj/A1", [["half", "A1"]]),  # or the beginning of A12
        ("https://id.example/obj/A1?r=1&s=1AAAA", [["half", "A1"]]),
        ("https://id.example/obj/A1?", [["half", "A1"]]),
        # Two in one go: told apart when both are ours, else kept whole.
        ("https://h.cn/obj/A12?r=1https://h.cn/obj/A1?r=2", [["address", "A12"], ["address", "A1"]]),
        ("https://h.cn/obj/A12?r=1https://weixin.qq.com/x", [["several", ""]]),
        ("https://weixin.qq.com/r/abcdef", [["foreign", ""]]),
        ("E2801160600002084D6D1234", [["factory", "E2801160600002084D6D1234"]]),
        ("\u200b \n", [["nothing", ""]]),
    ],
)  # fmt: skip
def test_a_code_is_read_as_the_server_reads_it(
    page: Page, site: str, text: str, read: list[list[str]]
) -> None:
    page.goto(f"{site}/scan/count")
    told = module(page, "codes", READ, [text])[0]
    assert told == read
    if len(told) == 1 and told[0][0] == "address":
        assert identity.parse(text).folded in (told[0][1], "")


@pytest.mark.browser
@pytest.mark.target("T86")
def test_old_labels_are_known_without_the_server(page: Page, site: str) -> None:
    page.goto(f"{site}/scan/count")
    scope = ITEMS | {"void": [["A1", 3], ["OLD-1", 0], ["E2801160600002084D6D1234", 0]]}
    told = {
        f"https://h.cn/obj/A1?r=2&{SEAL}": True,
        f"HTTPS://H.CN/OBJ/A1?R=2&S={SEAL[2:]}": True,
        f"https://h.cn/obj/A1?r=3&{SEAL}": False,
        "A1": False,  # typed: no label speaks
        "https://h.cn/obj/A1?r=2&s=1AAAA": False,  # half of it says nothing
        f"https://h.cn/obj/OLD-1?r=1&{SEAL}": True,
        "old-1": True,
        "E2801160600002084D6D1234": True,
        f"https://h.cn/obj/A12?r=1&{SEAL}": False,
    }
    call = "(k => given[0].map(text => k.isVoid(m.read(text, k)[0])))(new m.Known(given[1]))"
    assert module(page, "codes", call, [list(told), scope]) == list(told.values())
    before = "new m.Known({items: []}).isVoid(m.read('A1', new m.Known({items: []}))[0])"
    assert module(page, "codes", before) is False, "a list that was loaded before there were any"


@pytest.mark.browser
def test_a_signed_label_is_checked_without_the_server(page: Page, site: str) -> None:
    page.goto(f"{site}/scan/count")
    keys = [SigningKey(name, name.encode() * 32) for name in "ab"]
    known = [
        {"id": key.id, "public": key.public.raw.hex(), "retired": key.id == "a"} for key in keys
    ]
    retired, ours = (
        signed.url(LabelPayload(Kind.OBJECT, "7Q2K", 3), host="id.example", key=key) for key in keys
    )
    told = {
        ours: "genuine",
        ours.replace("id.example", "moved.cn"): "genuine",
        ours.replace("r=3", "r=4"): "forged",
        ours.replace("7Q2K", "7Q2L"): "forged",
        ours.replace("s=b", "s=a"): "forged",
        retired: "retired",
        ours.replace("s=b", "s=c"): None,  # a key nobody told us of: the server may know it
        ours.upper(): None,
        ours[:-1]: None,
        f"https://id.example/obj/A1?r=1&{SEAL}": None,
    }
    call = "Promise.all(given[0].map(text => m.check(text, given[1])))"
    if page.evaluate("crypto.subtle.generateKey({name: 'Ed25519'}, false, ['sign']).then(() => true, () => false)"):  # fmt: skip
        assert module(page, "seals", call, [list(told), known]) == list(told.values())
    else:
        print("this Chromium has no Ed25519: the server checks instead")
        assert module(page, "seals", call, [[ours], known]) == ["unchecked"]
    # Without HTTPS a browser gives no means to check; nothing is claimed then.
    blind = "(Object.defineProperty(self, 'crypto', {value: {}}), " + call + ")"
    assert module(page, "seals", blind, [[ours, retired], known]) == ["unchecked"] * 2


@pytest.mark.browser
@pytest.mark.target("T64")
def test_it_opens_without_a_network(phone: Page, site: str) -> None:
    phone.goto(f"{site}/scan/count")
    phone.locator("html[data-ready]").wait_for()
    phone.evaluate("navigator.serviceWorker.ready.then(() => true)")
    assert phone.locator("#sign-in").is_visible()
    with offline(phone.context):
        phone.reload()
        phone.locator("html[data-ready]").wait_for()
        assert "没有网络" in phone.locator("#trouble").inner_text()
        assert phone.locator("#mode").inner_text() == WORDS["mode-full"][0]
        # The decoder is on the device, too.
        size = phone.evaluate(
            "fetch('/static/vendor/zxing_reader.wasm').then(r => r.arrayBuffer()).then(b => b.byteLength)"
        )
        assert size == (pages_count.STATIC / "vendor" / "zxing_reader.wasm").stat().st_size
