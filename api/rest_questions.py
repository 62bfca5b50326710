"""The query of an address, read strictly: every name known, every value valid, all faults told."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime

from starlette.requests import Request

from api import forms
from api.forms import Fault, Invalid
from api.parameters import MONTH, SIZE, VALUE_CHARS_MAX, Parameter
from domain.words import Words
from ledger.entry import moment

LONE = re.compile(r"[\ud800-\udfff]")


class Questions:
    """The query of an address: every name known, every value valid, all faults told at once."""

    def __init__(self, request: Request, known: Iterable[Parameter]) -> None:
        pairs = request.query_params.multi_items()
        self.given = dict(pairs)
        self.known = {parameter.name: parameter for parameter in known}
        self.faults: list[Fault] = []
        names = [name for name, _ in pairs]
        for name, value in self.given.items():
            if name not in self.known:
                self.fault(
                    name, "没有这个参数", "There is no such parameter", "、".join(self.known)
                )
            elif names.count(name) > 1:
                self.fault(name, "这个参数出现了两次", "This parameter occurs twice")
            elif len(value) > VALUE_CHARS_MAX or LONE.search(value) or "\0" in value:
                self.fault(name, "参数过长或含无效字符", "Too long, or with invalid characters")

    def fault(self, name: str, zh: str, en: str, more: str = "") -> None:
        """Note what is wrong with a parameter."""
        tail_zh, tail_en = (f"；可用：{more}", f"; there are {more}") if more else ("", "")
        self.faults.append(Fault(name, Words(f"{zh}{tail_zh}。", f"{en}{tail_en}.")))

    def text(self, name: str) -> str:
        """Return words as they were given, without what stands around them."""
        return self._value(name)

    def _value(self, name: str) -> str:
        value, known = self.given.get(name, "").strip(), self.known[name]
        if not value and known.required is not None:
            among = "、".join(known.schema.get("enum", ()))
            self.fault(name, known.required.zh, known.required.en, among)
        return value

    def day(self, name: str) -> str:
        """Return a date, or an empty text."""
        value = self._value(name)
        try:
            if not value or date.fromisoformat(value).isoformat() == value:
                return value
        except ValueError:
            pass
        self.faults.append(Fault(name, forms.DATE))
        return ""

    def month(self, name: str) -> str:
        """Return a month, or an empty text."""
        value = self._value(name)
        if not value or re.search(MONTH["pattern"], value):
            return value
        self.fault(name, "须为月份，写作 YYYY-MM", "Must be a month, written YYYY-MM")
        return ""

    def moment(self, name: str) -> str:
        """Return a time of knowing: a date, or a time that counts as UTC without a zone."""
        value = self._value(name)
        if not value:
            return ""
        try:
            when = datetime.fromisoformat(value.replace(" ", "+"))
        except ValueError:
            self.fault(name, "须为日期或 ISO 8601 时间", "Must be a date or an ISO 8601 time")
            return ""
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
            return value
        return moment(when if when.tzinfo else when.replace(tzinfo=UTC))

    def knowing(self, name: str) -> str:
        """Return what was known: a size of the log, which is exact, or a time."""
        value = self._value(name)
        return value if re.search(SIZE["pattern"], value) else self.moment(name)

    def number(self, name: str, none: int = 0) -> int:
        """Return a whole number between its bounds; where none is given its default, or `none`."""
        held = self.known[name].schema
        low, high = held["minimum"], held["maximum"]
        value = self._value(name)
        if value and re.fullmatch(r"\d{1,12}", value, re.ASCII) and low <= int(value) <= high:
            return int(value)
        if value:
            self.fault(name, f"须为 {low} 至 {high} 的整数", f"Must be an integer {low} to {high}")
        found: int = held.get("default", none)
        return found

    def choice(self, name: str) -> str:
        """Return one of the known words; where none is given its default, or nothing."""
        held = self.known[name].schema
        value = self._value(name)
        if value in held["enum"]:
            return value
        if value:
            self._one_of(name, held["enum"])
        found: str = held.get("default", "")
        return found

    def several(self, name: str) -> frozenset[str]:
        """Return which of the known words are given."""
        known = self.known[name]
        words = {one.strip() for one in self._value(name).split(known.between)} - {""}
        for word in sorted(words.difference(known.schema["items"]["enum"])):
            self.fault(name, f"没有这个种类：{word}", f"There is no kind {word}")
        return frozenset(words)

    def flag(self, name: str) -> bool | None:
        """Return whether it is so; None where nothing is said."""
        value = self._value(name)
        if value not in ("", "true", "false"):
            self._one_of(name, ("true", "false"))
        return {"true": True, "false": False}.get(value)

    def _one_of(self, name: str, among: Iterable[str]) -> None:
        self.fault(name, "须为以下之一", "Must be one of these", "、".join(among))

    def check(self) -> None:
        """Raise Invalid with everything that was wrong."""
        if self.faults:
            raise Invalid(self.faults)
