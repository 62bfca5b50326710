"""A phone counts in a basement: camera, scanner and typing, without a network, killed, and back."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from doors import PASSWORD, staffed
from PIL import Image
from serving import BROWSER, blameless, offline, served

from api import rest_label
from api.office import Actor, Office
from api.scan_words import WORDS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Dialog, Page, Route

pytestmark = [pytest.mark.browser, pytest.mark.either_backend(BROWSER)]
CLERK = Actor(person="u_clerk", unit="o_a", role="clerk")
HEAD = Actor(person="u_head", unit="o_a", role="head")
ADMIN = Actor(person="u_admin", unit="o_a", role="admin")
ITEMS = 24
QUIET = ["--disable-background-networking", "--disable-component-update", "--disable-sync"]


@pytest.fixture(scope="module")
def office(module_database: str) -> Iterator[Office]:
    """Lend an office with 24 things in two rooms."""
    with staffed(module_database) as office:
        for place, name in (("p_302", "302室"), ("p_305", "305室")):
            form = {"name": name, "kind": "room", "unit": "o_a"}
            office.ask(f"place/{place}", "open_place", form, ADMIN)
        for n in range(1, ITEMS + 1):
            card = {"asset_no": f"SL-{n:03}", "name": f"笔记本电脑{n}", "kind": "computer"}
            place = "p_302" if n <= ITEMS // 2 else "p_305"
            form = card | {"unit": "o_a", "place": place}
            office.ask(f"asset/A{n:03}", "register_existing", form, CLERK)
        yield office


@pytest.fixture(scope="module")
def site(office: Office) -> Iterator[str]:
    with served(office) as url:
        yield url


@pytest.fixture
def stocktake(office: Office, request: pytest.FixtureRequest) -> str:
    """Plan a count and begin it; every test counts for itself."""
    name = f"S{abs(hash(request.node.name)) % 10**9}"
    form = {"unit": "o_a", "title": f"年度盘点 {name}", "due": "2099-12-31"}
    office.ask(f"stocktake/{name}", "plan_stocktake", form, CLERK)
    office.ask(f"stocktake/{name}", "begin_count", {}, CLERK)
    return name


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(locale="zh-CN", viewport={"width": 390, "height": 844})
    page = context.new_page()
    with blameless(page):
        yield page
    context.close()


def until(page: Page, true: str, seconds: float = 20) -> None:
    """Wait for something of the page to be true; through the tools, which no CSP forbids."""
    deadline = time.monotonic() + seconds
    while not page.evaluate(true):
        assert time.monotonic() < deadline, f"never true: {true}: {page.inner_text('body')[:600]}"
        page.wait_for_timeout(50)


def sign_in(page: Page, site: str, lang: str = "zh", who: str = "keeper") -> None:
    page.goto(f"{site}/login?lang={lang}")
    page.locator("#login").fill(who)
    page.locator("#password").fill(PASSWORD)
    page.locator("main form").first.get_by_role("button").click()
    page.wait_for_url(f"{site}/")


def load(page: Page, site: str, stocktake: str, lang: str = "zh") -> None:
    """Sign in, load the list, and wait until the page is on the device."""
    sign_in(page, site, lang)
    page.goto(f"{site}/scan/count")
    page.locator("#tasks button", has_text=stocktake).click()
    page.locator("#count").wait_for()
    until(page, "!navigator.serviceWorker || !!navigator.serviceWorker.controller")


def wedge(page: Page, code: str) -> None:
    """Type as a scanner does, wherever the focus is: a key every 5 ms, by the keyboard's clock.

    A browser tells when a key was pressed, not when there was time for it; so may a busy machine.
    """
    keyboard = page.context.new_cdp_session(page)
    pressed = time.time()
    enter = {"key": "Enter", "code": "Enter", "text": "\r", "windowsVirtualKeyCode": 13}
    for number, key in enumerate([*({"key": c, "text": c} for c in code), enter]):
        for kind in ("keyDown", "keyUp"):
            at = pressed + number / 200
            keyboard.send("Input.dispatchKeyEvent", {"type": kind, "timestamp": at, **key})
    keyboard.detach()


def shown(page: Page, word: str) -> None:
    page.locator("#result-word", has_text=re.compile(f"^{re.escape(word)}")).wait_for()


def waiting(page: Page) -> int:
    """Return what waits on the device, once it was counted."""
    told = "document.getElementById('sync').dataset.waiting"
    until(page, told, 30)
    return int(page.evaluate(f"{told} || '-1'"))


def sent(page: Page, seconds: float = 30) -> None:
    until(page, "document.getElementById('sync').dataset.waiting === '0'", seconds)


def stored(office: Office, stocktake: str) -> list[dict[str, Any]]:
    """Return what the server keeps, in the order of the device, as it was hashed."""
    rows = sorted(office.scanned.all(stocktake), key=lambda row: (row.device, row.n))
    return [json.loads(row.body) | {"n": row.n, "result": row.result} for row in rows]


@pytest.mark.target("T62", "T68")
def test_place_first_then_items_and_the_server_has_the_last_word(
    phone: Page, site: str, office: Office, stocktake: str
) -> None:
    load(phone, site, stocktake)
    wedge(phone, "SL-001")
    shown(phone, "未选处所")
    wedge(phone, "p_302")
    shown(phone, "处所")
    for code, word in (
        ("SL-001", "在册"),
        ("SL-002", "在册"),
        ("SL-024", "不在本处"),
        ("SL-002", "重复"),
        ("ZZ-999", "账外"),
        ("https://id.exam", "只有半个码"),
    ):
        wedge(phone, code)
        shown(phone, word)
    phone.locator("#here", has_text="2/12").wait_for()
    phone.locator("#whole", has_text="全部：已盘 3 / 应盘 24").wait_for()
    phone.locator("#rows li", has_text="SL-024").get_by_role("button").click()
    shown(phone, "已撤销")
    phone.locator("#whole", has_text="全部：已盘 2 / 应盘 24").wait_for()
    sent(phone)
    told = stored(office, stocktake)
    assert [one["code"] for one in told] == [
        "SL-001", "", "SL-001", "SL-002", "SL-024", "SL-002", "ZZ-999", "https://id.exam", "",
    ]  # fmt: skip
    assert [one["undo"] for one in told if one["undo"]] == [1, 5]
    assert {one["source"] for one in told if one["code"]} == {"wedge"}
    # The chain holds, number by number.
    assert [one["prev"] for one in told][1:] == [
        row.hash for row in sorted(office.scanned.all(stocktake), key=lambda r: r.n)
    ][:-1]
    phone.locator("#finish").click()
    shown(phone, "已告知服务器")
    state = office.book.stream(f"stocktake/{stocktake}").state
    assert office.counting.owing(stocktake, state) == ()


def test_a_late_word_of_the_server_does_not_hide_what_was_taken_back(
    phone: Page, site: str, stocktake: str
) -> None:
    """Nor is a picture offered then, which would be of no scan."""
    load(phone, site, stocktake)
    wedge(phone, "p_302")
    shown(phone, "处所")
    wedge(phone, "SL-024")
    shown(phone, "不在本处")
    sent(phone)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    phone.route("**/scans", hold, times=1)
    wedge(phone, "https://id.exam")  # the server sees it otherwise than the phone
    shown(phone, "只有半个码")
    phone.locator("#photo-of").wait_for()
    while not held:
        phone.wait_for_timeout(50)
    phone.locator("#rows li", has_text="SL-024").get_by_role("button").click()
    shown(phone, "已撤销")
    assert phone.locator("#photo-of").is_hidden()
    held[0].continue_()
    sent(phone)
    phone.locator("#rows li", has_text="非资产码").wait_for()
    assert phone.locator("#result-word").inner_text() == "已撤销"


def test_a_tap_is_not_lost_when_something_is_told_between_press_and_release(
    phone: Page, site: str, stocktake: str
) -> None:
    load(phone, site, stocktake)
    wedge(phone, "p_302")
    shown(phone, "处所")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    phone.route("**/scans", hold, times=1)
    wedge(phone, "SL-024")
    shown(phone, "不在本处")
    while not held:
        phone.wait_for_timeout(50)
    # Hovering waits until the row stands still: the phone draws its own verdict first.
    phone.locator("#rows li", has_text="SL-024").get_by_role("button").hover()
    phone.mouse.down()
    held[0].continue_()  # the server's answer comes meanwhile, and would draw the rows anew
    sent(phone)
    phone.wait_for_timeout(300)
    phone.mouse.up()
    shown(phone, "已撤销")


def test_a_batch_is_counted_by_quantity_without_a_dialog(
    phone: Page, site: str, office: Office, stocktake: str
) -> None:
    """Both stay as they came: the label that was scanned, and how many stood there."""
    card = {"asset_no": "SL-900", "name": "折叠椅", "kind": "furniture", "unit": "o_a"}
    batch = card | {"quantity": "40", "place": "p_302"}
    office.ask(f"asset/B{stocktake}", "register_existing", batch, CLERK)
    name = f"{stocktake}q"
    try:
        form = {"unit": "o_a", "title": f"清点 {name}", "due": "2099-12-31"}
        office.ask(f"stocktake/{name}", "plan_stocktake", form, CLERK)
        office.ask(f"stocktake/{name}", "begin_count", {}, CLERK)
    finally:
        office.reverse(f"asset/B{stocktake}", 1, CLERK, reason="只为此次清点")
    load(phone, site, name)
    wedge(phone, "p_302")
    wedge(phone, "SL-001")
    shown(phone, "在册")
    assert phone.locator("#many").is_hidden(), "one thing is not counted by quantity"
    wedge(phone, "SL-900")
    phone.locator("#many").wait_for()
    for text, said in (("许多", "数量须为数字"), ("038", "实点 38，账面 40")):
        phone.locator("#quantity").fill(text)
        phone.locator("#many").get_by_role("button").click()
        phone.locator("#result-more", has_text=said).wait_for()
    assert phone.locator("#many").is_hidden()
    sent(phone)
    told = stored(office, name)
    assert [one.get("quantity", "") for one in told] == ["", "", "38"]
    assert [one["place"] for one in told] == ["p_302"] * 3
    phone.locator("#whole", has_text="已盘 2").wait_for()


@pytest.mark.target("T71")
def test_a_blind_count_shows_neither_list_nor_verdict(
    phone: Page, site: str, office: Office, stocktake: str
) -> None:
    blind = f"{stocktake}b"
    form = {"unit": "o_a", "title": f"盲盘 {blind}", "due": "2099-12-31", "blind": True}
    office.ask(f"stocktake/{blind}", "plan_stocktake", form, CLERK)
    office.ask(f"stocktake/{blind}", "begin_count", {}, CLERK)
    load(phone, site, blind)
    wedge(phone, "p_302")
    for code, word in (("SL-001", "已记录"), ("SL-024", "已记录"), ("SL-001", "重复")):
        wedge(phone, code)
        shown(phone, word)
    sent(phone)
    phone.locator("#whole", has_text="已盘 2 件").wait_for()
    phone.locator("#left").click()
    phone.locator("#rows-empty", has_text="盲盘").wait_for()
    assert "305" not in phone.locator("#rows").inner_text()
    assert [one["result"] for one in stored(office, blind)] == ["right", "misplaced", "already"]


@pytest.mark.target("T65")
def test_a_lost_answer_counts_nothing_twice(
    phone: Page, site: str, office: Office, stocktake: str
) -> None:
    load(phone, site, stocktake)
    lost: list[int] = []

    def lose(route: Any) -> None:
        if len(lost) < 2:
            lost.append(route.fetch().status)  # the server has it
            route.abort()  # and the phone never hears of it
        else:
            route.continue_()

    phone.context.route("**/scans", lose)
    wedge(phone, "p_302")
    for n in range(1, 6):
        wedge(phone, f"SL-{n:03}")
    until(phone, "document.querySelectorAll('#rows li').length === 5")
    while len(lost) < 2:
        phone.locator("#send-now").click()
        phone.wait_for_timeout(100)
    phone.locator("#send-now").click()
    sent(phone)
    assert lost == [200, 200]
    assert [one["code"] for one in stored(office, stocktake)] == [f"SL-{n:03}" for n in range(1, 6)]
    assert office.scanned.contradictions(stocktake) == []


@pytest.mark.target("T76")
def test_sixty_items_a_minute_without_a_dialog(
    phone: Page, site: str, office: Office, stocktake: str
) -> None:
    load(phone, site, stocktake)
    asked: list[str] = []

    def dismissed(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    phone.on("dialog", dismissed)
    began = time.monotonic()
    wedge(phone, "p_302")
    for n in range(60):
        wedge(phone, f"SL-{n % ITEMS + 1:03}")
        want = "重复" if n >= ITEMS else "在册" if n < ITEMS // 2 else "不在本处"
        shown(phone, want)
        phone.locator("#result-what", has_text=f"SL-{n % ITEMS + 1:03}").wait_for()
    assert time.monotonic() - began < 60
    assert asked == []
    sent(phone)
    assert len(stored(office, stocktake)) == 60


# A camera ---------------------------------------------------------------------------


def film(office: Office, path: Path, *assets: str) -> Path:
    """Film labels as they are printed, as motion JPEG: each a second, with blank between."""
    with path.open("wb") as out:
        for id_ in ("", *assets):
            frame = Image.new("L", (1280, 720), 190)
            if id_:
                asset = office.book.stream(f"asset/{id_}").state
                label = Image.open(BytesIO(rest_label.png(office, id_, asset, "zh"))).convert("L")
                label = label.rotate(7, expand=True, fillcolor=190)
                frame.paste(label, ((1280 - label.width) // 2, (720 - label.height) // 2))
            jpeg = BytesIO()
            frame.convert("RGB").save(jpeg, "JPEG", quality=80)
            out.write(jpeg.getvalue() * 30)
    return path


@contextmanager
def launched(browser: Browser, *args: str) -> Iterator[Page]:
    """Launch a browser of its own with flags."""
    path = os.environ.get("CHROMIUM") or "/usr/bin/chromium"
    own = browser.browser_type.launch(executable_path=path, args=[*QUIET, *args])
    context = own.new_context(
        locale="zh-CN", viewport={"width": 390, "height": 844}, permissions=[]
    )
    page = context.new_page()
    with blameless(page):
        yield page
    own.close()


@pytest.mark.target("T64", "T75")
def test_the_camera_reads_printed_labels_without_a_network(
    browser: Browser, site: str, office: Office, stocktake: str, tmp_path: Path
) -> None:
    movie = film(office, tmp_path / "labels.mjpeg", "A001", "A013", "A002")
    flags = (
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={movie}",
    )
    with launched(browser, *flags) as phone:
        load(phone, site, stocktake)
        with offline(phone.context):
            phone.reload()
            phone.locator("#count").wait_for()
            phone.locator("#place-choice").select_option("p_302")
            phone.locator("#camera").click()
            until(phone, "document.querySelectorAll('#rows li').length >= 3", 40)
            phone.locator("#camera").click()
            assert "没有网络" in phone.locator("#trouble").inner_text()
            until(phone, "document.getElementById('sync').dataset.waiting >= 3", 30)
        sent(phone)
    told = {one["code"]: one for one in stored(office, stocktake)}
    results = {code.partition("/obj/")[2][:4]: one["result"] for code, one in told.items()}
    assert results.keys() == {"A001", "A013", "A002"}
    assert {one["source"] for one in told.values()} == {"camera"}
    assert stored(office, stocktake)[0]["result"] in ("right", "misplaced")


@pytest.mark.target("T75")
def test_without_https_a_photo_is_read_and_typing_works(
    browser: Browser, site: str, office: Office, stocktake: str, tmp_path: Path
) -> None:
    plain = site.replace("127.0.0.1", "ledger.test")
    with launched(browser, "--host-resolver-rules=MAP ledger.test 127.0.0.1") as phone:
        load(phone, plain, stocktake)
        assert not phone.evaluate("isSecureContext")
        assert phone.locator("#mode").inner_text() == WORDS["mode-http"][0]
        phone.locator("#place-choice").select_option("p_302")
        asset = office.book.stream("asset/A003").state
        label = tmp_path / "label.png"
        label.write_bytes(rest_label.png(office, "A003", asset, "zh"))
        phone.locator("#shot").set_input_files(label)
        shown(phone, "在册")
        wrong = tmp_path / "wrong.jpg"
        wrong.write_bytes(b"no picture at all")
        phone.locator("#shot").set_input_files(wrong)
        shown(phone, "不是图片")
        phone.locator("#code").fill("sl-004")
        phone.locator("#typed button").click()
        shown(phone, "在册")
        wedge(phone, "ZZ-1")
        shown(phone, "账外")
        phone.locator("#evidence").set_input_files(label)
        phone.locator("#result-more", has_text="照片已留存").wait_for()
        sent(phone)
        until(phone, PHOTOS_SENT)
        # What the camera reads in a photo, a scanner types and a person types: the same scan.
        code = stored(office, stocktake)[0]["code"]
        wedge(phone, code)
        shown(phone, "重复")
        phone.locator("#code").fill(code)
        phone.locator("#typed button").click()
        sent(phone)
        until(phone, "document.querySelectorAll('#rows li').length === 6")
        sent(phone)
    *told, by_scanner, by_hand = stored(office, stocktake)
    own = {"at", "n", "prev", "source", "result", "offset"}
    same = [
        {k: v for k, v in one.items() if k not in own} for one in (told[0], by_scanner, by_hand)
    ]
    assert same[0] == same[1] == same[2]
    assert [by_scanner["source"], by_hand["source"]] == ["wedge", "typed"]
    assert [one["source"] for one in told] == ["photo", "typed", "wedge", "photo"]
    assert [one["result"] for one in told][:3] == ["right", "right", "unknown"]
    kept = office.scanned.photo(stocktake, told[3]["photo"])
    assert kept is not None
    assert Image.open(BytesIO(kept[1])).format == "JPEG"


@pytest.mark.target("T62", "T68")
@pytest.mark.parametrize("answered", [True, False])
def test_what_was_scanned_without_a_place_counts_once_it_is_scanned_in_one(
    answered: bool, phone: Page, site: str, office: Office, stocktake: str
) -> None:
    """Whether or not the server has spoken of the first time."""
    load(phone, site, stocktake)
    if not answered:
        phone.context.set_offline(True)
    wedge(phone, "SL-001")
    shown(phone, "未选处所")
    if answered:
        sent(phone)
        phone.locator("#rows li", has_text="未选处所").wait_for()
        shown(phone, "未选处所")
        phone.locator("#whole", has_text="全部：已盘 0 / 应盘 24").wait_for()
    wedge(phone, "p_302")
    for word in ("在册", "重复"):
        wedge(phone, "SL-001")
        shown(phone, word)
        phone.locator("#here", has_text="1/12").wait_for()
    phone.context.set_offline(False)
    sent(phone)
    phone.locator("#here", has_text="1/12").wait_for()
    phone.locator("#whole", has_text="全部：已盘 1 / 应盘 24").wait_for()
    told = stored(office, stocktake)
    assert [(one["code"], one["undo"], one["result"]) for one in told] == [
        ("SL-001", None, "right"),
        ("", 1, "undone"),
        ("SL-001", None, "right"),
        ("SL-001", None, "already"),
    ]


def test_what_was_scanned_last_is_what_is_told(phone: Page, site: str, stocktake: str) -> None:
    """Where the disk is slow, a place may be kept later than what was scanned in it."""
    load(phone, site, stocktake)
    phone.evaluate(LATE)
    wedge(phone, "p_302")
    wedge(phone, "SL-001")
    shown(phone, "在册")
    phone.locator("body[data-late=told]").wait_for()
    phone.locator("#here", has_text="1/12").wait_for()
    assert phone.inner_text("#result-word") == "在册"


def test_a_network_that_is_not_quite_back_is_asked_again_soon(
    phone: Page, site: str, stocktake: str
) -> None:
    """The browser says that it is on line before anything can be reached; nobody waits a minute."""
    load(phone, site, stocktake)
    wedge(phone, "p_302")
    with offline(phone.context):
        wedge(phone, "SL-001")
        phone.locator("#trouble", has_text="没有网络").wait_for()
        asked: list[float] = []

        def early(route: Route) -> None:
            asked.append(time.monotonic())
            if len(asked) < 3:
                route.abort()
            else:
                route.continue_()

        phone.route("**/scan/me", early)
    sent(phone)
    assert asked[2] - asked[0] < 8, "one second and two; without the news ten and twenty"


@pytest.mark.target("T64", "T86")
def test_a_void_label_says_so_without_a_network(
    phone: Page, site: str, office: Office, stocktake: str
) -> None:
    """Known from the list that came with the stocktake, whatever the books have now."""
    printed = {"template": "60x40"}
    for more in ({}, {"reason": "磨损"}):
        office.ask("asset/A005", "print_label", printed | more, CLERK)
    office.ask("asset/A006", "bind_label", {"label": "OLD-6"}, CLERK)
    office.ask("asset/A006", "replace_label", {"label": "NEW-6", "reason": "污损"}, CLERK)
    asset = office.book.stream("asset/A005").state
    first, second = (
        rest_label.code(office, rest_label.payload_of("A005", asset, n)) for n in (1, 2)
    )
    later = f"{stocktake}v"
    form = {"unit": "o_a", "title": f"换标后盘点 {later}", "due": "2099-12-31"}
    office.ask(f"stocktake/{later}", "plan_stocktake", form, CLERK)
    office.ask(f"stocktake/{later}", "begin_count", {}, CLERK)
    load(phone, site, later)
    with offline(phone.context):
        phone.locator("#place-choice").select_option("p_302")
        for code, no in ((first, "SL-005"), ("OLD-6", "SL-006")):
            wedge(phone, code)
            phone.locator("#result-what", has_text=no).wait_for()
            shown(phone, "在册 · 标签已作废")
            assert "标签已作废" in phone.locator("#result-sentence").inner_text()
            assert phone.locator("#result").get_attribute("class") == "result is-warn"
        phone.locator("#odd", has_text="异常 2").wait_for()
        for code in (second, "NEW-6"):
            wedge(phone, code)
            phone.locator("#result-word", has_text=re.compile("^重复$")).wait_for()
        phone.locator("#lang").click()
        phone.locator("#odd").click()
        phone.locator("#rows li", has_text="This label is void").nth(1).wait_for()
        assert waiting(phone) == 4
    sent(phone)
    results = [one["result"] for one in stored(office, later)]
    assert results == ["right", "right", "already", "already"]


PHOTOS_SENT = """import('/static/scan/store.js').then(m => m.all('photos'))
.then(all => all.length > 0 && all.every(one => one.state === 'sent'))"""

# Killed -----------------------------------------------------------------------------


@contextmanager
def process(browser: Browser, profile: Path) -> Iterator[tuple[Callable[[], None], BrowserContext]]:
    """Start a browser as a process of ours, which can be killed like a phone that falls."""
    (profile / "DevToolsActivePort").unlink(missing_ok=True)
    command = [
        os.environ.get("CHROMIUM") or "/usr/bin/chromium",
        "--headless=new", "--no-sandbox", "--no-first-run", "--remote-debugging-port=0",
        f"--user-data-dir={profile}", "--disable-gpu", *QUIET, "about:blank",
    ]  # fmt: skip
    quiet = subprocess.DEVNULL
    running = subprocess.Popen(command, start_new_session=True, stdout=quiet, stderr=quiet)
    deadline = time.monotonic() + 30
    port = profile / "DevToolsActivePort"
    while not port.exists() or "\n" not in port.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    address = f"http://127.0.0.1:{port.read_text().splitlines()[0]}"

    def kill() -> None:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()

    try:
        yield kill, browser.browser_type.connect_over_cdp(address).contexts[0]
    finally:
        kill()


@pytest.mark.target("T62", "T64", "T68")
def test_a_round_with_pictures_is_finished_after_a_kill(
    browser: Browser, site: str, office: Office, stocktake: str, tmp_path: Path
) -> None:
    """Unknown tag and bare thing are photographed offline; all of it arrives, counts, is closed."""
    profile, picture = tmp_path / "profile", tmp_path / "shot.png"
    Image.effect_noise((640, 480), 90).save(picture)
    with process(browser, profile) as (kill, context):
        page = context.pages[0]
        load(page, site, stocktake)
        context.set_offline(True)
        page.locator("#place-choice").select_option("p_302")
        for n in range(1, ITEMS // 2 + 1):
            wedge(page, f"SL-{n:03}")
            shown(page, "在册")
            page.locator("#result-what", has_text=f"SL-{n:03}").wait_for()
        page.locator("#place-choice").select_option("p_305")
        wedge(page, "OLD-TAG-77")
        shown(page, "账外")
        page.locator("#evidence").set_input_files(picture)
        page.locator("#result-more", has_text="照片已留存").wait_for()
        page.locator("#bare").set_input_files(picture)
        shown(page, "无标签")
        until(page, f"{PHOTOS}.then(all => all.every(one => one.state === 'waiting'))")
        assert page.locator("#finish").is_disabled()
        kill()
    with process(browser, profile) as (_, context):
        page = context.pages[0]
        context.set_offline(True)
        page.goto(f"{site}/scan/count")
        page.locator("#whole", has_text="全部：已盘 12 / 应盘 24").wait_for()
        assert waiting(page) == 15 + 1  # one picture: the same shot twice is kept once
        assert stored(office, stocktake) == []
        context.set_offline(False)
        sign_in(page, site)
        page.goto(f"{site}/scan/count")
        until(page, PHOTOS_SENT)
        sent(page)
        page.locator("#finish").click()
        shown(page, "已告知服务器")
    told = stored(office, stocktake)
    shots = {one["photo"] for one in told} - {None}
    assert len(told) == 15 and len(shots) == 1
    office.ask(f"stocktake/{stocktake}", "end_count", {}, CLERK)
    office.ask(f"stocktake/{stocktake}", "review", {}, HEAD)
    kept = office.book.log.evidence(shots.pop())
    assert kept is not None and kept[0] == "image/jpeg", "evidence of the round"
    context = browser.new_context(locale="zh-CN", viewport={"width": 1440, "height": 900})
    page = context.new_page()
    with blameless(page):
        sign_in(page, site, who="head")
        page.goto(f"{site}/cases/stocktake/{stocktake}?finding=unknown")
        seen = page.locator("#differences tbody tr", has_text="OLD-TAG-77")
        assert seen.locator("img").evaluate("one => one.decode().then(() => one.naturalWidth)") > 0
        for box in page.locator("#differences input[type=checkbox]").all():
            box.check()
        page.locator("#d-outcome").select_option("not_ours")
        page.locator("#d-cause").select_option("borrowed")
        page.locator("#differences .field-button .btn-primary").click()
        page.wait_for_url(f"{site}/cases/stocktake/{stocktake}*")
    context.close()
    state = office.book.stream(f"stocktake/{stocktake}").state
    assert (state.right, state.found, state.open) == (12, 14, 12)


PHOTOS = "import('/static/scan/store.js').then(m => m.all('photos'))"
SCAN_MANY = """async ([from, to]) => {
  const press = (key) => document.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
  for (let n = from; n <= to; n += 1) {
    for (const key of 'TAG-' + String(n).padStart(5, '0')) { press(key); }
    press('Enter');
    if (n % 100 === 0) { await new Promise((done) => setTimeout(done, 0)); }
  }
}"""
# A disk that says late of the settings that they are on it, while scans are quick.
LATE = """() => {
  const begin = IDBDatabase.prototype.transaction;
  const told = Object.getOwnPropertyDescriptor(IDBTransaction.prototype, 'oncomplete');
  IDBDatabase.prototype.transaction = function (names, mode, how) {
    const tx = begin.call(this, names, mode, how);
    if (mode === 'readwrite' && names.includes('kept')) {
      Object.defineProperty(tx, 'oncomplete', {
        set(then) {
          told.set.call(tx, () => setTimeout(() => { then(); document.body.dataset.late = 'told'; }, 1500));
        },
      });
    }
    return tx;
  };
}"""
TWO_HOURS_BEHIND = """{
  const now = Date.now.bind(Date);
  const late = () => now() - 7200000;
  Date = class extends Date {
    constructor(...given) { if (given.length) { super(...given); } else { super(late()); } }
    static now() { return late(); }
  };
}"""
KEPT = """import('/static/scan/store.js').then(m => m.all('scans')).then(all => all.length)"""


@pytest.mark.target("T64", "T65")
def test_five_thousand_scans_offline_survive_two_kills(
    browser: Browser, site: str, office: Office, stocktake: str, tmp_path: Path
) -> None:
    """Nothing lost, nothing twice, in order, with the device's clock two hours behind."""
    profile, done = tmp_path / "profile", 0
    for part in (1500, 3200, 5000):
        with process(browser, profile) as (kill, context):
            context.set_default_timeout(60_000)
            page = context.pages[0]
            # Not by the tools' clock: it tells a key's time by when there was time for it.
            page.add_init_script(TWO_HOURS_BEHIND)
            if not done:
                load(page, site, stocktake)
                wedge(page, "p_302")
                until(page, "document.querySelector('#place-name').textContent === '302室'")
            context.set_offline(True)
            page.goto(f"{site}/scan/count")
            page.locator("#count").wait_for()
            until(page, "document.querySelector('#place-name').textContent === '302室'")
            assert page.evaluate(KEPT) == done
            page.evaluate(SCAN_MANY, [done + 1, part])
            until(page, f"{KEPT}.then(n => n === {part})", 60)
            done = part
            if part < 5000:
                kill()
                continue
            assert stored(office, stocktake) == []
            context.set_offline(False)
            # The session died with the browser, as it should; what was scanned did not.
            page.locator("#send-now").click()
            page.locator("#sign-in").wait_for()
            sign_in(page, site)
            page.goto(f"{site}/scan/count")
            sent(page, 90)
    told = stored(office, stocktake)
    assert [one["n"] for one in told] == list(range(1, 5001))
    assert [one["code"] for one in told] == [f"TAG-{n:05}" for n in range(1, 5001)]
    assert {one["place"] for one in told} == {"p_302"}
    assert all(abs(one["offset"] - 7_200_000) < 60_000 for one in told)
