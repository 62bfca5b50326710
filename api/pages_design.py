"""The page of every shared component in every state: what pages are made of, and what tests look at."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from fastapi import APIRouter
from starlette.responses import Response

from api import charts, tables
from api.office import Office
from api.pages_sign import Member
from api.pages_trouble import PageRoute
from api.pages_view import Page
from api.pages_words import CHOICES
from api.tables import Column, Head, List
from domain.words import Words

SAID: Final[dict[str, Words]] = {
    "title": Words("界面组件", "Components"),
    "about": Words(
        "所有页面共用的组件及其每种状态；右上角可切换语言、字号和深浅色。",
        "What all pages are made of, in every state; language, text size and light or dark are"
        " switched at the top right.",
    ),
    "buttons": Words("按钮", "Buttons"),
    "badges": Words("状态词", "Words of state"),
    "fields": Words("表单字段", "Form fields"),
    "filters": Words("筛选条件", "Filters"),
    "table": Words("表格", "Table"),
    "empty": Words("空列表", "Empty list"),
    "messages": Words("提示", "Messages"),
    "charts": Words("图表", "Charts"),
    "panels": Words("卡片和数字", "Panels and figures"),
    "tabs": Words("标签页", "Tabs"),
    "progress": Words("进度", "Progress"),
    "timeline": Words("时间线", "Timeline"),
    "primary": Words("主要操作", "Main action"),
    "secondary": Words("其他操作", "Other action"),
    "quiet": Words("次要操作", "Quiet action"),
    "off": Words("不可用", "Not available"),
    "pressed": Words("已选中", "Pressed"),
    "name": Words("名称", "Name"),
    "value": Words("价值", "Value"),
    "given": Words("会议桌", "Conference table"),
    "fault": Words(
        "金额须写作数字，最多两位小数。", "Write the amount in digits, two decimals at most."
    ),
    "unit": Words("单位", "Unit"),
    "note": Words("说明", "Note"),
    "agree": Words("我已核对实物", "I have checked the thing itself"),
    "refused": Words(
        "这件资产正在处置中，不能出借；处置办结或撤回后再办。",
        "It is being disposed of and cannot be lent; do so after the disposal ends or is withdrawn.",
    ),
    "warned": Words("借用期限超过一年。", "The loan is for more than a year."),
    "done": Words(
        "已记入：出借给示例市水利局。", "Recorded: lent to the Example City Water Bureau."
    ),
    "undo": Words("撤销", "Undo"),
    "will": Words(
        "出借给示例市水利局，2026-12-31前归还", "Lent to the Water Bureau until 2026-12-31"
    ),
    "working": Words("正在计算，请稍候……", "Being worked out, please wait…"),
    "past": Words("这是 2026-03-31 的样子。", "As it stood on 2026-03-31."),
    "open": Words("打开", "Open"),
    "first": Words("第一页", "First tab"),
    "second": Words("第二页", "Second tab"),
}
DAYS: Final = ("2026-07-31", "2026-08-31", "2026-09-30", "2026-10-31")


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/design")
    def design(page: Member) -> Response:
        said = {name: page.words(words) for name, words in SAID.items()}
        return page.render(
            "design.html",
            say=said,
            states=[
                (of, value, page.words(words))
                for of in ("book", "custody")
                for value, words in CHOICES[of].items()
                if value != "any"
            ]
            + [("lock", v, page.words(w)) for v, w in CHOICES["lock"].items() if v != "none"],
            statuses=[
                (of.removeprefix("status-"), [page.words(w) for w in CHOICES[of].values()])
                for of in sorted(CHOICES)
                if of.startswith("status-")
            ],
            questions=questions(),
            chips=[(f"{said['name']}: {said['given']}", "/design"), (said["value"], "/design")],
            shown=shown(page.words),
            rows=[
                {"id": "A1", "name": said["given"], "asset_no": "LT-00001-5", "value": 96_000},
                {"id": "A2", "name": said["given"], "asset_no": "LT-00002-3", "value": None},
            ],
            plots=plots(said, page),
        )

    return pages


def questions() -> list[dict[str, Any]]:
    """Return one question of each kind: empty, filled in, wrong, to choose from."""
    plain: dict[str, Any] = {
        "words": SAID["name"],
        "type": "text",
        "required": False,
        "options": [],
        "searched": None,
        "value": "",
        "values": [],
        "chars_max": 80,
        "fault": None,
        "stays": False,
        "can_empty": False,
        "cleared": False,
    }
    some = [("a", "示例市教育局"), ("b", "示例市水利局")]
    return [
        plain | {"name": "empty", "required": True},
        plain | {"name": "given", "value": "会议桌"},
        plain
        | {
            "name": "wrong",
            "words": SAID["value"],
            "type": "money",
            "value": "12,5x",
            "fault": SAID["fault"],
            "required": True,
        },
        plain | {"name": "day", "words": Words("日期", "Date"), "type": "date"},
        plain | {"name": "unit", "words": SAID["unit"], "type": "unit", "options": some},
        plain
        | {
            "name": "unit_wrong",
            "words": SAID["unit"],
            "type": "unit",
            "options": some,
            "required": True,
            "fault": Words("请选择一个单位。", "Choose a unit."),
        },
        plain | {"name": "stays", "stays": True, "can_empty": True},
        plain | {"name": "agree", "words": SAID["agree"], "type": "bool"},
        plain | {"name": "note", "words": SAID["note"], "type": "long", "value": "两行\n说明"},
        plain
        | {"name": "several", "words": SAID["unit"], "type": "choices", "options": some}
        | {"values": ["a"]},
    ]


def shown(say: Any) -> tables.Shown:
    """Return a table of three columns, one of them sorted by."""
    columns = (
        Column(name="asset_no", words=Words("资产编号", "Asset number"), sorts=True),
        Column(name="name", words=SAID["name"], sorts=True),
        Column(name="value", words=SAID["value"], num=True),
    )
    heads = tuple(
        Head(
            column=column,
            words=say(column.words),
            url="/design" if column.sorts else "",
            sorted="ascending" if column.name == "asset_no" else "",
        )
        for column in columns
    )
    return tables.Shown(
        list=List(path="/assets", title=SAID["table"], columns=columns),
        heads=heads,
        others=(msgspec.structs.replace(columns[1], name="kind", words=Words("类别", "Kind")),),
        chosen=True,
        named="",
        sort="asset_no",
        descending=False,
    )


def plots(said: dict[str, str], page: Page) -> list[charts.Plot]:
    """Return a picture of each kind, and one of nothing."""
    months = tuple(
        charts.Point(label=day, value=number, said=f"{number:,}", url=f"/assets?on={day}")
        for day, number in zip(DAYS, (620, 641, 650, 659), strict=True)
    )
    states = (("in_use", 301), ("idle", 86), ("lent", 0))
    words = CHOICES["custody"]
    rows = [
        {"label": page.words(words[a]), "count": n, "value": "", "url": "/assets"}
        for a, n in states
    ]
    return [
        charts.Plot(title=f"{said['charts']} 1", kind="columns", points=months),
        charts.Plot(title=f"{said['charts']} 2", kind="line", points=months),
        charts.bars(rows, f"{said['charts']} 3", with_value=False),
    ]
