"""The reconciliation workbench in a real browser: by the keyboard alone, by dropping a file, narrow and wide."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from doors import PASSWORD, staffed
from serving import BROWSER, served

from api.office import Actor, Office
from domain.due import DueStatus

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.either_backend(BROWSER)]
BEFORE, OWED = date(2025, 1, 1), date(2025, 5, 4)
BILLER = Actor(person="u_biller", unit="o_a", role="accountant")
STATEMENT = """账号: 6217 0000
日期,收入,支出,余额,对方户名,对方账号,附言,流水号
2025-05-06,1234.56,,1234.56,甲拍卖行,53001,拍卖款 330000202600000017,A1
2025-05-07,9.00,,1243.56,乙公司,53002,,A2
2025-05-08,,0.50,1243.06,银行,,手续费,A3
2025-05-09,70.00,,1313.06,丙公司,53009,不明,A4
"""


@pytest.fixture(scope="module")
def office(module_database: str) -> Iterator[Office]:
    with staffed(module_database, on=BEFORE) as opened:
        account = {"account": "62170000", "bank_name": "示例银行"}
        opened.ask("bank/o_a", "open_account", account, BILLER)
        owed = [("D1", 123456, "330000202600000017", "甲拍卖行"), ("D2", 900, "码2", "乙公司"),
                ("D3", 7000, "码3", "丁公司")]  # fmt: skip
        for name, gross, code, payer in owed:
            form = {"unit": "o_a", "gross": gross, "note": "残值"}
            opened.ask(f"due/{name}", "record", form, BILLER, on=OWED)
            notice = {"payment_code": code, "payer": payer}
            opened.ask(f"due/{name}", "issue_notice", notice, BILLER, on=OWED)
        yield opened


@pytest.fixture(scope="module")
def site(office: Office) -> Iterator[str]:
    with served(office) as address:
        yield address


def dropped(page: Page, content: bytes) -> None:
    """Drop a file on the page, as a person does."""
    packed = base64.b64encode(content).decode()
    script = """packed => {
        const bytes = Uint8Array.from(atob(packed), c => c.charCodeAt(0));
        const moved = new DataTransfer();
        moved.items.add(new File([bytes], '五月.csv'));
        document.dispatchEvent(new DragEvent('drop', {dataTransfer: moved, bubbles: true, cancelable: true}));
    }"""
    with page.expect_navigation():
        page.evaluate(script, packed)


def pressed(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def status(office: Office, due: str) -> DueStatus:
    found: DueStatus = office.book.stream(f"due/{due}").state.status
    return found


def test_a_month_is_reconciled_by_the_keyboard_alone(page: Page, site: str, office: Office) -> None:
    page.goto(f"{site}/login?lang=zh")
    page.locator("#login").fill("accountant")
    page.locator("#password").fill(PASSWORD)
    page.locator("main form").first.get_by_role("button").click()
    page.wait_for_url(f"{site}/")
    page.goto(f"{site}/bank")
    page.wait_for_url(f"{site}/bank/o_a")
    errors: list[str] = []
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    dropped(page, STATEMENT.encode("gb18030"))
    assert "新记 4 笔" in page.locator("[role=status]").first.inner_text()
    assert "已说明 0 / 4 笔" in page.locator(".bank-progress").inner_text()
    assert "缴款码一致" in page.locator("[data-pane=left] li").first.inner_text()
    # Enter takes what is suggested for the first line; the next one is then current.
    with page.expect_navigation():
        pressed(page, "Enter")
    assert status(office, "D1") is DueStatus.PAID
    assert "乙公司" in page.locator(".bank-row.current").first.inner_text()
    # The bank's fee: down, set aside, the reason, Enter.
    pressed(page, "j", "s")
    page.keyboard.type("账户管理费")
    with page.expect_navigation():
        pressed(page, "Enter")
    assert "已说明 2 / 4 笔" in page.locator(".bank-progress").inner_text()
    # u undoes it, with a reason; then it is there again.
    pressed(page, "u")
    page.keyboard.type("应再核对")
    with page.expect_navigation():
        pressed(page, "Enter")
    assert "已说明 1 / 4 笔" in page.locator(".bank-progress").inner_text()
    # / filters, x selects on both sides, m matches by hand with a reason.
    pressed(page, "/")
    page.keyboard.type("丙公司")
    pressed(page, "Enter", "x", "/")
    page.keyboard.press("Control+a")
    page.keyboard.type("码3")
    pressed(page, "Escape", "l", "x", "m")
    page.keyboard.type("附言为退还押金")
    with page.expect_navigation():
        pressed(page, "Enter")
    assert status(office, "D3") is DueStatus.PAID
    fact = office.book.stream("statement/" + office.banking.bank("o_a").statements[0].statement)
    event: Any = fact.entries[-1].event
    assert event.reason == "附言为退还押金"
    # Dropped again, nothing is added.
    size = office.book.head()[0]
    dropped(page, STATEMENT.encode("gb18030"))
    assert "没有重复记入" in page.locator("[role=status]").first.inner_text()
    assert office.book.head()[0] == size
    assert errors == []
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
