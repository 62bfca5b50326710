"""The query of an address, read strictly: every name known, every value valid, all faults told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime

from starlette.requests import Request

from api import forms
from api.forms import Fault, Invalid
from domain.words import Words
from ledger.entry import moment

LONE = re.compile(r"[\ud800-\udfff]")
VALUE_CHARS_MAX = 2_000


class Questions:
    """The query of an address: every name known, every value valid, all faults told at once."""

    def __init__(self, request: Request, known: Mapping[str, str]) -> None:
        pairs = request.query_params.multi_items()
        self.given = dict(pairs)
        self.faults: list[Fault] = []
        names = [name for name, _ in pairs]
        for name, value in self.given.items():
            if name not in known:
                self.fault(name, "没有这个参数", "There is no such parameter", "、".join(known))
            elif names.count(name) > 1:
                self.fault(name, "这个参数出现了两次", "This parameter occurs twice")
            elif len(value) > VALUE_CHARS_MAX or LONE.search(value) or "\0" in value:
                self.fault(name, "参数过长或含无效字符", "Too long, or with invalid characters")

    def fault(self, name: str, zh: str, en: str, more: str = "") -> None:
        """Note what is wrong with a parameter."""
        tail_zh, tail_en = (f"；可用：{more}", f"; there are {more}") if more else ("", "")
        self.faults.append(Fault(name, Words(f"{zh}{tail_zh}。", f"{en}{tail_en}.")))

    def text(self, name: str) -> str:
        return self.given.get(name, "").strip()

    def day(self, name: str) -> str:
        """Return a date, or an empty text."""
        value = self.text(name)
        try:
            return date.fromisoformat(value).isoformat() if value else ""
        except ValueError:
            self.faults.append(Fault(name, forms.DATE))
            return ""

    def moment(self, name: str) -> str:
        """Return a time of knowing: a date, or a time that counts as UTC without a zone."""
        value = self.text(name)
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
        value = self.text(name)
        return value if re.fullmatch(r"\d{1,12}", value, re.ASCII) else self.moment(name)

    def number(self, name: str, default: int, low: int, high: int) -> int:
        """Return an integer between two bounds."""
        value = self.text(name)
        if not value:
            return default
        if not re.fullmatch(r"\d{1,12}", value, re.ASCII) or not low <= int(value) <= high:
            self.fault(name, f"须为 {low} 至 {high} 的整数", f"Must be an integer {low} to {high}")
            return default
        return int(value)

    def choice(self, name: str, among: tuple[str, ...], default: str = "") -> str:
        """Return one of the known values."""
        value = self.text(name)
        if not value:
            return default
        if value not in among:
            self.fault(name, "须为以下之一", "Must be one of these", "、".join(among))
            return default
        return value

    def check(self) -> None:
        """Raise Invalid with everything that was wrong."""
        if self.faults:
            raise Invalid(self.faults)
