"""Write amounts of money out in words, as papers must: 人民币壹仟陆佰捌拾元零叁角贰分.

《会计基础工作规范》第52条 and 《正确填写票据和结算凭证的基本规定》 (annex 1 of 银发〔1997〕393号): what ends
in yuan or jiao is closed with 整, what has fen is not; zeros in between are written once. Where
they leave a choice, the form that leaves the least room for additions is written.
"""

from __future__ import annotations

from typing import Final

DIGITS: Final = "零壹贰叁肆伍陆柒捌玖"
PLACES: Final = ("", "拾", "佰", "仟")
CURRENCIES: Final = {"CNY": "人民币", "USD": "美元", "EUR": "欧元", "HKD": "港币"}
# One word for the whole and one for the hundredth: (singular, plural).
UNITS_EN: Final = {
    "CNY": (("yuan", "yuan"), ("fen", "fen")),
    "USD": (("dollar", "dollars"), ("cent", "cents")),
    "EUR": (("euro", "euros"), ("cent", "cents")),
    "HKD": (("Hong Kong dollar", "Hong Kong dollars"), ("cent", "cents")),
}
BELOW_TWENTY: Final = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
    *("eighteen", "nineteen"),
)
TENS: Final = (
    *("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"),
)
SCALES: Final = ("", "thousand", "million", "billion", "trillion", "quadrillion")


def capitals(amount: int, currency: str = "CNY") -> str:
    """Return fen (cents of `currency`) in capital Chinese numerals, with the currency's name.

    The sign of an amount below nothing is 负; a currency without a Chinese name here keeps its
    code. There is no upper bound: beyond 亿 the number of 亿 is itself written out.
    """
    yuan, rest = divmod(abs(amount), 100)
    jiao, fen = divmod(rest, 10)
    written = f"{_whole(yuan)}元" if yuan or not rest else ""
    # 元位 is 0 and 角位 is not: the 零 that may be written is written, so that nothing is added.
    if yuan and rest and (not jiao or yuan % 10 == 0):
        written += "零"
    if jiao:
        written += f"{DIGITS[jiao]}角"
    written += f"{DIGITS[fen]}分" if fen else "整"
    return f"{CURRENCIES.get(currency, currency)}{'负' if amount < 0 else ''}{written}"


def _whole(number: int) -> str:
    """Write a whole number: groups of four digits, 亿 above 万, and 亿 of 亿 where it must be."""
    for unit, size in ((10**8, "亿"), (10**4, "万")):
        if number >= unit:
            high, low = divmod(number, unit)
            gap = "零" if low and low < unit // 10 else ""
            return f"{_whole(high)}{size}{gap}{_whole(low) if low else ''}"
    return _four(number)


def _four(number: int) -> str:
    """Write up to four digits; zeros between two others once, zeros at the end not at all."""
    written, zeros = "", False
    for place in (3, 2, 1, 0):
        digit = number // 10**place % 10
        if not digit:
            zeros = bool(written)
            continue
        written += ("零" if zeros else "") + DIGITS[digit] + PLACES[place]
        zeros = False
    return written or DIGITS[0]


def in_english(amount: int, currency: str = "CNY") -> str:
    """Return fen (cents of `currency`) in English words, closed with “only” as on a cheque."""
    whole, rest = divmod(abs(amount), 100)
    (one, many), (small, smalls) = UNITS_EN.get(
        currency, ((currency, currency), ("hundredth", "hundredths"))
    )
    said = [f"{_english(whole)} {one if whole == 1 else many}"] if whole or not rest else []
    if rest:
        said.append(f"{_english(rest)} {small if rest == 1 else smalls}")
    words = ("minus " if amount < 0 else "") + " and ".join(said) + " only"
    return words[0].upper() + words[1:]


def _english(number: int) -> str:
    """Write a whole number in groups of three digits."""
    if number < 1000:
        return _hundreds(number)
    groups: list[str] = []
    for scale in SCALES:
        number, group = divmod(number, 1000) if scale != SCALES[-1] else (0, number)
        if group:
            groups.append(f"{_hundreds(group)} {scale}".strip())
        if not number:
            break
    return " ".join(reversed(groups))


def _hundreds(number: int) -> str:
    """Write a number below a thousand."""
    if number < 20:
        return BELOW_TWENTY[number]
    if number < 100:
        ten, one = divmod(number, 10)
        return TENS[ten] + (f"-{BELOW_TWENTY[one]}" if one else "")
    hundred, rest = divmod(number, 100)
    return f"{BELOW_TWENTY[hundred]} hundred" + (f" and {_hundreds(rest)}" if rest else "")
