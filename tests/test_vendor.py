"""What browsers get from us is what was published, complete, small enough and old enough."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import re
import threading
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

VENDOR = Path(__file__).resolve().parents[1] / "api" / "static" / "vendor"
LINES = (VENDOR / "SHA256SUMS").read_text(encoding="ascii").splitlines()
SUMS = {name: digest for digest, name in (line.split("  ", 1) for line in LINES)}
SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("name", SUMS)
def test_files_are_byte_for_byte_what_was_fetched(name: str) -> None:
    assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == SUMS[name]


def test_no_file_is_without_a_sum() -> None:
    ours = {"SHA256SUMS", "vendor.sh"}
    found = {p.relative_to(VENDOR).as_posix() for p in VENDOR.rglob("*") if p.is_file()}
    assert found - ours == SUMS.keys()


@pytest.mark.parametrize(
    ("names", "limit_kb"),
    [
        (("bootstrap.min.css", "htmx.min.js", "icons.svg"), 60),
        (("echarts.min.js",), 200),
        (("zxing_reader.js", "zxing_reader.wasm"), 425),
    ],
)
def test_a_page_leaves_room_in_its_budget(names: tuple[str, ...], limit_kb: int) -> None:
    """Of 80 kB an office page may have, 450 kB the scan app; charts' library comes when asked for."""
    packed = sum(len(gzip.compress((VENDOR / name).read_bytes(), 9)) for name in names)
    assert packed <= limit_kb * 1000


def test_htmx_speaks_the_language_of_old_browsers() -> None:
    """Chromium 79 knows neither `?.` nor `??` nor `??=`."""
    text = (VENDOR / "htmx.min.js").read_text(encoding="utf-8")
    code = re.sub(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'', "''", text)
    assert re.findall(r"\?\.[A-Za-z_$\[(]|\?\?", code) == []


def test_the_sprite_holds_whole_icons() -> None:
    symbols = ET.parse(VENDOR / "icons.svg").getroot().findall(f"{SVG}symbol")
    ids = [symbol.get("id", "") for symbol in symbols]
    assert len(ids) == len(set(ids)) >= 25
    assert all(name.startswith("icon-") for name in ids)
    assert all(symbol.findall(f"{SVG}path") for symbol in symbols)


def test_every_icon_that_a_page_names_is_in_the_sprite() -> None:
    sprite = (VENDOR / "icons.svg").read_text(encoding="utf-8")
    templates = (VENDOR.parents[1]).rglob("*.html")
    named = {
        name
        for path in templates
        for name in re.findall(r"icons\.svg#(icon-[a-z0-9-]+)", path.read_text("utf-8"))
    }
    assert {name for name in named if f'id="{name}"' not in sprite} == set()


PAGE = """<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>公物</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="/vendor/bootstrap.min.css">
<script src="/vendor/htmx.min.js" defer></script><script src="/vendor/echarts.min.js" defer></script>
<script src="/start.js" defer></script></head><body class="p-3">
<button class="btn btn-primary" hx-get="/part.html" hx-target="#out">查</button>
<svg class="icon" width="24" height="24"><use href="/vendor/icons.svg#icon-qrcode"></use></svg>
<div id="out"></div><div id="chart" style="width:400px;height:200px"></div></body></html>"""
START = """echarts.init(document.getElementById('chart'),null,{renderer:'svg'}).setOption({animation:false,
xAxis:{type:'category',data:['在用','闲置']},yAxis:{},series:[{type:'bar',data:[3,1]}]});"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """Serve one page that uses every vendored file, from this machine."""
    (tmp_path / "vendor").symlink_to(VENDOR)
    (tmp_path / "index.html").write_text(PAGE, encoding="utf-8")
    (tmp_path / "part.html").write_text("<p id='part'>台账</p>", encoding="utf-8")
    (tmp_path / "start.js").write_text(START, encoding="utf-8")
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.mark.browser
def test_all_of_it_works_in_a_browser(page: Page, site: str) -> None:
    page.goto(site)
    page.get_by_role("button", name="查").click()
    page.locator("#part").wait_for()
    assert page.locator("#part").inner_text() == "台账"
    assert "在用" in page.locator("#chart svg").inner_html()
    assert page.locator(".btn").evaluate("b => getComputedStyle(b).borderRadius") == "6px"
    box = page.locator("svg.icon use").bounding_box()
    assert box is not None
    assert box["width"] > 10
