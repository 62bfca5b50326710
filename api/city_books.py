"""Depreciation in the example city: a table of lives, and the months its education bureau posted.

The years are examples beside their source, the lower bounds of the application guide of 《政府会计
准则第3号——固定资产》 (财会〔2017〕4号); nobody has compared them with the original, and they say so. It
gives no life for software, which is no fixed asset: those cards show what is done where a table is
silent.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Final

from api.city_people import who
from domain.depreciating import month_end, month_name, month_of
from domain.words import Role

if TYPE_CHECKING:
    from api.office import Office
    from ledger.book import Book

UNIT: Final = "o_ex_edu"
FIRST: Final = month_of("2026-01")
LAST: Final = month_of("2026-09")
TITLE: Final = "示例市固定资产折旧年限表（示例）"
SOURCE: Final = "《政府会计准则第3号——固定资产》应用指南（财会〔2017〕4号）附表年限下限（示例）"
LIVES: Final = """\
# 类别，代码版本，代码前缀，年限，净残值率（‰）
计算机设备,,,6
办公设备,,,6
车辆,,,8
家具用具,,,15
房屋,,,50
仪器设备,,,5
"""


def shown(book: Book) -> bool:
    """Tell whether the last month was posted."""
    return bool(book.stream(f"depreciation/{UNIT}").state.month == month_name(LAST))


def show(office: Office) -> None:
    """Adopt the lives, and post one month after the other."""
    form: dict[str, Any] = {"title": TITLE, "source": SOURCE, "lives": LIVES}
    ask(office, "adopt_lives", "lives", date(2026, 1, 5), **form)
    for month in range(FIRST, LAST + 1):
        name = month_name(month)
        voucher = f"2026-记-{name[5:]}99"
        ask(office, "post", name, month_end(month), month=name, voucher=voucher)


def ask(office: Office, verb: str, key: str, on: date, **form: Any) -> None:
    """Have the accountant ask for something once."""
    from api.city_reuse import acting

    accountant = acting(who(UNIT, Role.ACCOUNTANT))
    stream = f"depreciation/{UNIT}"
    done = f"example-books-{key}"
    office.ask(stream, verb, form, accountant, on=on, key=done, channel="demo")
