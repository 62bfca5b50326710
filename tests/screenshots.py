"""Make the pictures of both readmes: the demonstration in a temporary folder, in a real browser.

`make screenshots` runs it. `--site` looks at a demonstration that already runs.
"""

from __future__ import annotations

import argparse
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.error import URLError
from urllib.request import urlopen

from PIL import Image
from playwright.sync_api import sync_playwright

from api.demo import PASSWORD

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "screenshots"
SIZE_BYTES_MAX = 200_000
WIDE, PHONE = (1440, 900), (390, 844)
START_SECONDS = 600


class Picture(NamedTuple):
    """Who looks at which page, in which language and window; `click` leads on to what is shown."""

    name: str
    login: str
    path: str
    lang: str = "zh"
    size: tuple[int, int] = WIDE
    click: str = ""


PICTURES = (
    *(
        Picture(f"home-{login}-zh", login, "/")
        for login in ("keeper", "clerk", "head", "finance", "accountant", "auditor", "admin")
    ),
    Picture("home-clerk-en", "clerk", "/", lang="en"),
    Picture("shop-zh", "clerk", "/offers"),
    Picture("inbox-zh", "head", "/inbox"),
    Picture("scan-phone-zh", "keeper", "/scan", size=PHONE),
    Picture("income-zh", "finance", "/income"),
    Picture("bank-zh", "accountant", "/bank"),
    Picture("audit-zh", "auditor", "/audit"),
    Picture("rules-zh", "clerk", "/rules"),
    Picture("open-steps-zh", "clerk", "/open-steps"),
    Picture("inventory-en", "clerk", "/assets", lang="en"),
    Picture("asset-zh", "clerk", "/assets?unit=o_ex_edu", click="#results tbody tr a"),
    Picture(
        "asset-phone-zh", "clerk", "/assets?unit=o_ex_edu", size=PHONE, click="#results tbody a"
    ),
)


@contextmanager
def demonstration() -> Iterator[str]:
    """Load and serve the demonstration in a folder that goes away with it; yield its address."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    site = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        gongwu = Path(sys.executable).with_name("gongwu")
        command = [str(gongwu), "demo", "--folder", folder, "--port", str(port)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
            try:
                wait_for(site, server)
                yield site
            finally:
                server.terminate()


def wait_for(site: str, server: subprocess.Popen[bytes]) -> None:
    """Return when the site answers; the first start loads some 60,000 entries."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and server.poll() is None:
        try:
            with urlopen(f"{site}/health/live", timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.5)
    raise SystemExit("the demonstration did not start")


def taken(browser: Browser, site: str, pictures: list[Picture]) -> None:
    """Take all pictures of one person in one language and window, after one sign-in."""
    first = pictures[0]
    width, height = first.size
    context = browser.new_context(
        locale="zh-CN", viewport={"width": width, "height": height}, reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto(f"{site}/login?lang={first.lang}")
    page.locator("#login").fill(first.login)
    page.locator("#password").fill(PASSWORD)
    page.locator("main form").first.get_by_role("button").click()
    page.wait_for_url(f"{site}/")
    for picture in pictures:
        page.goto(site + picture.path, wait_until="networkidle")
        if picture.click:
            page.locator(picture.click).first.click()
            page.wait_for_load_state("networkidle")
        keep(page, picture)
    context.close()


def keep(page: Page, picture: Picture) -> None:
    """Write what the page shows with as many colours as fit into the allowed size."""
    shown = Image.open(BytesIO(page.screenshot())).convert("RGB")
    for colours in (256, 128, 64, 32):
        out = BytesIO()
        shown.quantize(colours, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
        if out.tell() <= SIZE_BYTES_MAX:
            break
    (FOLDER / f"{picture.name}.png").write_bytes(out.getvalue())
    print(f"{picture.name}.png {out.tell():,}")


def main() -> None:
    """Make every picture anew, or those whose names are given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--site", help="the address of a demonstration that already runs")
    parser.add_argument("names", nargs="*", help="pictures to make; all when none is named")
    asked = parser.parse_args()
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    groups: dict[tuple[str, str, tuple[int, int]], list[Picture]] = {}
    for picture in PICTURES:
        if not asked.names or picture.name in asked.names:
            groups.setdefault((picture.login, picture.lang, picture.size), []).append(picture)
    shown = running(asked.site) if asked.site else demonstration()
    with shown as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        for pictures in groups.values():
            taken(browser, site, pictures)
        browser.close()


@contextmanager
def running(site: str) -> Iterator[str]:
    """Look at a demonstration that somebody else started and will stop."""
    yield site


if __name__ == "__main__":
    main()
