"""Names are found by a part, by another name of the same thing, and by pinyin initials."""

from __future__ import annotations

from pathlib import Path

import pinyin_initials
import pytest
from pypinyin.constants import PHRASES_DICT

from projections import naming
from projections.naming import Catalogue, house_names, initials, joined, plain


@pytest.mark.parametrize(
    ("text", "as_compared"),
    [("（液晶）ＬＣＤ - 显示器", "液晶lcd显示器"), ("Desk, Office", "deskoffice"), ("、", "")],
)
def test_names_are_compared_without_width_case_and_punctuation(text: str, as_compared: str):
    assert plain(text) == as_compared


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("空调器", "ktq"),  # 调 is diao elsewhere
        ("调剂", "tj"),
        ("银行", "yh"),
        ("重庆长安", "cqca"),
        ("A4激光打印机", "a4jgdyj"),
        ("desk", "desk"),
    ],
)
def test_initials_follow_the_phrase(text: str, letters: str):
    assert initials(text) == letters


def test_points_of_two_names():
    fit = house_names().fit
    assert fit("办公桌", "办公桌") == 1000
    assert fit("台式机", "微型台式电子计算机") == 950
    assert fit("desk", "办公桌") == 950
    assert 700 < fit("办公桌", "实木办公桌") < 950
    assert 0 < fit("实木办公桌", "钢制办公柜") < 700
    assert fit("办公桌", "轿车") == fit("", "轿车") == 0
    assert fit("实木办公桌", "办公桌") == fit("办公桌", "实木办公桌")


def test_groups_that_share_a_name_are_one():
    names = joined([["甲", "乙"], ["丙", "丁"], ["乙", "丙"]])
    assert set(names.alike("甲")) == {"甲", "乙", "丙", "丁"}
    assert names.alike("戊") == ("戊",)


CATALOGUE = Catalogue(
    [
        ("1", ["实木办公桌", "ZC-0001"]),
        ("2", ["空调器", "格力 KFR-35GW"]),
        ("3", ["台式计算机", "Lenovo"]),
        ("4", ["办公桌", "ZC-0004"]),
    ]
)


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("公桌", ["1", "4"]),
        ("bgz", ["1", "4"]),
        ("ｚｃ0004", ["4"]),
        ("写字台", ["1", "4"]),
        ("laptop", []),
        ("desktop", ["3"]),
        ("lenovo 电脑", []),
        ("Lenovo 台式机", ["3"]),
        ("ktq 格力", ["2"]),
        ("", []),
        ("、", []),
    ],
)
def test_search(query: str, ids: list[str]):
    assert CATALOGUE.search(query) == ids


def test_search_stops_at_its_limit():
    assert Catalogue((str(n), ["办公桌"]) for n in range(99)).search("桌", 7) == list("0123456")


@pytest.mark.target("T119")
def test_a_thousand_names_are_found_by_any_part_and_by_their_initials():
    what = [
        "办公桌",
        "文件柜",
        "打印机",
        "显示器",
        "投影仪",
        "空调器",
        "会议椅",
        "保险柜",
        "交换机",
        "扫描仪",
    ]
    where = ["一", "二", "三", "四", "五", "六", "七", "八", "九", "十"]
    made = ["红木", "钢制", "进口", "国产", "便携", "高速", "彩色", "黑白", "移动", "智能"]
    names = [f"{m}{w}号{t}" for m in made for w in where for t in what]
    catalogue = Catalogue((name, [name]) for name in names)
    assert len(set(names)) == 1000
    for name in names:
        assert catalogue.search(name) == [name]
        assert name in catalogue.search(initials(name), 1000)
    assert catalogue.search("hmyhbgz") == ["红木一号办公桌"]
    assert catalogue.search("ktq", 1000) == [name for name in names if name.endswith("空调器")]
    for part in (*what, *made, "号办", "一号"):
        assert catalogue.search(part, 1000) == [name for name in names if part in name]


def test_the_table_of_initials_says_what_the_dictionaries_say():
    """Made from pypinyin, which is not there when the program runs."""
    assert Path(naming.INITIALS).read_text("utf-8") == pinyin_initials.text()
    wrong = {
        phrase
        for phrase, readings in PHRASES_DICT.items()
        if len(phrase) <= 4
        and (said := "".join(pinyin_initials.letter(r[0]) for r in readings)).isascii()
        and len(said) == len(phrase)
        and said != initials(phrase)
        and all("\u4e00" <= c < "\ua000" for c in phrase)
    }
    assert wrong == set()
