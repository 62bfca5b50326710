"""Amounts written out can be read back, and are written as the published rules write them."""

from __future__ import annotations

import re

import pytest
from hypothesis import example
from hypothesis import given as each
from hypothesis import strategies as st

from labels import numerals

amounts = st.integers(-(2**53), 2**53) | st.builds(
    # Where zeros stand is what goes wrong: most digits of these are zeros.
    lambda digits: int("".join(digits)),
    st.lists(st.sampled_from("0000000123456789"), min_size=1, max_size=16),
)

# 《正确填写票据和结算凭证的基本规定》, its own examples; 整 after 角 as 会计基础工作规范 第52条 wants it.
PUBLISHED = {
    140950: "人民币壹仟肆佰零玖元伍角整",
    600714: "人民币陆仟零柒元壹角肆分",
    168032: "人民币壹仟陆佰捌拾元零叁角贰分",
    10700053: "人民币壹拾万柒仟元零伍角叁分",
    1640902: "人民币壹万陆仟肆佰零玖元零贰分",
    32504: "人民币叁佰贰拾伍元零肆分",
}
OURS = {
    0: "人民币零元整",
    5: "人民币伍分",
    50: "人民币伍角整",
    55: "人民币伍角伍分",
    100: "人民币壹元整",
    1000: "人民币壹拾元整",
    1001: "人民币壹拾元零壹分",
    123_456_700: "人民币壹佰贰拾叁万肆仟伍佰陆拾柒元整",
    100_005_00: "人民币壹拾万零伍元整",
    100_050_00: "人民币壹拾万零伍拾元整",
    10_000_000_00: "人民币壹仟万元整",
    100_000_001_00: "人民币壹亿零壹元整",
    120_000_000_00: "人民币壹亿贰仟万元整",
    102_000_000_00: "人民币壹亿零贰佰万元整",
    1_000_000_000_00: "人民币壹拾亿元整",
    1_000_000_000_000_00: "人民币壹万亿元整",
    -71_100_000: "人民币负柒拾壹万壹仟元整",
    2**53 - 1: "人民币玖拾万零柒佰壹拾玖亿玖仟贰佰伍拾肆万柒仟肆佰零玖元玖角壹分",
}


@pytest.mark.target("T35")
@pytest.mark.parametrize(("fen", "words"), [*PUBLISHED.items(), *OURS.items()])
def test_amounts_are_written_as_the_rules_write_them(fen: int, words: str) -> None:
    assert numerals.capitals(fen) == words


@pytest.mark.target("T35")
@each(amounts)
@example(10**18)
def test_what_is_written_is_read_back(fen: int) -> None:
    words = numerals.capitals(fen)
    assert read_back(words.removeprefix("人民币")) == fen
    assert "零零" not in words
    assert words.endswith(("整", "分"))
    assert not re.search("分整|零[元万亿角整]", words.replace("币零元整", ""))


@each(amounts, amounts)
def test_two_amounts_never_read_the_same(one: int, other: int) -> None:
    assert (one == other) == (numerals.capitals(one) == numerals.capitals(other))


def test_another_currency_has_its_own_name() -> None:
    assert numerals.capitals(12_00, "USD") == "美元壹拾贰元整"
    assert numerals.capitals(12_00, "XYZ") == "XYZ壹拾贰元整"


@pytest.mark.parametrize(
    ("amount", "currency", "words"),
    [
        (0, "CNY", "Zero yuan only"),
        (1, "CNY", "One fen only"),
        (100, "USD", "One dollar only"),
        (1_234_567_50, "CNY", "One million two hundred and thirty-four thousand five hundred and sixty-seven yuan and fifty fen only"),
        (-110_00, "USD", "Minus one hundred and ten dollars only"),
        (10**14, "CNY", "One trillion yuan only"),
        (12_00, "XYZ", "Twelve XYZ only"),
    ],
)  # fmt: skip
def test_amounts_in_english(amount: int, currency: str, words: str) -> None:
    assert numerals.in_english(amount, currency) == words


def read_back(words: str) -> int:
    """Return the fen that capital numerals say; written for this test, from the other end."""
    sign = -1 if words.startswith("负") else 1
    found = re.fullmatch(
        r"(?:(?P<yuan>[^元角分]+)元)?(?:零?(?P<jiao>[^元角分零])角)?(?:零?(?P<fen>[^元角分零])分)?整?",
        words.removeprefix("负"),
    )
    assert found, words
    digit = {c: n for n, c in enumerate(numerals.DIGITS)}
    fen = 10 * digit[found["jiao"] or "零"] + digit[found["fen"] or "零"]
    return sign * (100 * _yuan(found["yuan"] or "零") + fen)


def _yuan(words: str) -> int:
    for size, unit in (("亿", 10**8), ("万", 10**4), ("仟", 1000), ("佰", 100), ("拾", 10)):
        high, found, low = words.rpartition(size)
        if found:
            return _yuan(high) * unit + _yuan(low)
    return numerals.DIGITS.index(words.lstrip("零") or "零")
