"""The things of the example city: names, classes and prices as an office would have them.

Class codes are those of GB/T 14885-2022. Prices are fen; desktops stay below the cap of
5,000 yuan (财资〔2016〕27号). Numbers, plates and serial numbers are nobody's.
"""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Final

import msgspec

from domain.asset import Kind
from labels.identity import check_character

DIGITS: Final = "0123456789ABCDEFGHJKLMNPQRSTVWXYZ"


class Sort(msgspec.Struct, frozen=True):
    """One line of the catalogue; prices in whole yuan."""

    name: str
    kind: Kind
    code: str
    low: int
    high: int
    measure: str
    models: tuple[str, ...] = ("",)


class Thing(msgspec.Struct, frozen=True):
    """One piece of property before anything happened to it."""

    id: str
    asset_no: str
    label: str
    sort: Sort
    value: int  # fen
    model: str
    serial: str
    plate: str
    bought: date

    @property
    def stream(self) -> str:
        return f"asset/{self.id}"


COMPUTERS: Final = (
    Sort("台式计算机", Kind.COMPUTER, "A02010105", 3800, 4990, "台", ("DT-310", "DT-520")),
    Sort("便携式计算机", Kind.COMPUTER, "A02010108", 5200, 6990, "台", ("NB-14", "NB-15")),
    Sort("平板式计算机", Kind.COMPUTER, "A02010109", 2200, 3900, "台", ("PD-10",)),
    Sort("服务器", Kind.COMPUTER, "A02010104", 28000, 62000, "台", ("SV-2U",)),
)
OFFICE: Final = (
    Sort("A4黑白打印机", Kind.OFFICE, "A02021003", 900, 1200, "台", ("PR-A4",)),
    Sort("A3彩色打印机", Kind.OFFICE, "A02021002", 7600, 14800, "台", ("PR-A3C",)),
    Sort("复印机", Kind.OFFICE, "A02020100", 9800, 34000, "台", ("CP-2500", "CP-3500")),
    Sort("投影仪", Kind.OFFICE, "A02020200", 4200, 9800, "台", ("PJ-40", "PJ-55")),
    Sort("多功能一体机", Kind.OFFICE, "A02020400", 1800, 2900, "台", ("MF-1",)),
    Sort("扫描仪", Kind.OFFICE, "A02021118", 2100, 3900, "台", ("SC-60",)),
    Sort("碎纸机", Kind.OFFICE, "A02021301", 600, 990, "台", ("SH-8",)),
    Sort("数字照相机", Kind.OFFICE, "A02020501", 4800, 12800, "台", ("DC-24",)),
    Sort("空调机", Kind.OFFICE, "A02061804", 2900, 6800, "台", ("AC-35", "AC-72")),
)
FURNITURE: Final = (
    Sort("办公桌", Kind.FURNITURE, "A05010201", 980, 2900, "张", ("1400×700", "1600×800")),
    Sort("办公椅", Kind.FURNITURE, "A05010301", 380, 780, "把"),
    Sort("会议桌", Kind.FURNITURE, "A05010202", 2600, 8800, "张", ("3600×1600",)),
    Sort("会议椅", Kind.FURNITURE, "A05010303", 260, 560, "把"),
    Sort("三人沙发", Kind.FURNITURE, "A05010401", 2400, 2990, "组"),
    Sort("文件柜", Kind.FURNITURE, "A05010502", 780, 1190, "个", ("850×390×1800",)),
    Sort("书柜", Kind.FURNITURE, "A05010501", 900, 1190, "组"),
)
VEHICLES: Final = (
    Sort("轿车", Kind.VEHICLE, "A02030501", 98000, 178000, "辆", ("1.5T", "1.8L")),
    Sort("越野车", Kind.VEHICLE, "A02030502", 168000, 248000, "辆", ("2.0T 4WD",)),
    Sort("小型客车", Kind.VEHICLE, "A02030503", 148000, 238000, "辆", ("9座",)),
)
PREMISES: Final = (
    Sort("办公用房", Kind.PREMISES, "A01010100", 860000, 5200000, "间", ("二层", "三层", "四层")),
)
INSTRUMENTS: Final = (
    Sort("显微镜", Kind.INSTRUMENT, "A02100301", 4800, 22000, "台", ("XM-200",)),
    Sort("水文仪器设备", Kind.INSTRUMENT, "A02101800", 12000, 86000, "套", ("HY-1",)),
)
EVENT: Final = (
    Sort("天篷、遮阳篷、帐篷", Kind.OTHER, "A05030601", 1200, 3600, "顶", ("3×3米",)),
    Sort("音箱", Kind.OFFICE, "A02091211", 1500, 5200, "只", ("SP-12",)),
    Sort("投影仪", Kind.OFFICE, "A02020200", 4200, 9800, "台", ("PJ-55",)),
    Sort("会议桌", Kind.FURNITURE, "A05010202", 2600, 8800, "张", ("3600×1600",)),
    Sort("会议椅", Kind.FURNITURE, "A05010303", 260, 560, "把"),
)
ORDINARY: Final = (*COMPUTERS[:3], *COMPUTERS[:2], *OFFICE, *FURNITURE, *FURNITURE[:2])
LENDABLE: Final = (OFFICE[3], OFFICE[7], COMPUTERS[1], FURNITURE[2], FURNITURE[3])
OLD: Final = (*COMPUTERS[:2], *OFFICE[:6], *FURNITURE[:3])


class Maker:
    """Makes things one after another, the same for the same seed."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.count = 0

    def token(self, length: int) -> str:
        """Return characters that survive printing and reading aloud."""
        return "".join(self.rng.choice(DIGITS) for _ in range(length))

    def make(self, sorts: tuple[Sort, ...], bought: tuple[date, date]) -> Thing:
        """Make one thing of one of the sorts, bought within the span."""
        self.count += 1
        sort = self.rng.choice(sorts)
        number = f"SL-{self.count:05}"
        tens = 10 if sort.high < 20_000 else 100
        day = bought[0] + timedelta(days=self.rng.randrange((bought[1] - bought[0]).days + 1))
        is_device = sort.kind in (Kind.COMPUTER, Kind.OFFICE, Kind.INSTRUMENT)
        return Thing(
            id=f"EX{self.token(12)}",
            asset_no=f"{number}-{check_character(number)}",
            label=f"L{self.token(9)}",
            sort=sort,
            value=self.rng.randrange(sort.low, sort.high + 1, tens) * 100,
            model=self.rng.choice(sort.models),
            serial=f"SN{self.token(10)}" if is_device else "",
            plate=f"示A{self.rng.randrange(10_000, 99_999)}" if sort.kind is Kind.VEHICLE else "",
            bought=day,
        )
