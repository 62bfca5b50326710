"""The catalogue anybody may read: what is on offer, without persons and without what is a unit's own.

Its columns are decided here and nowhere else (COLUMNS). An item is known by the number of the entry
by which it was put on offer; neither its card's number nor its holder is told. Words are looked for
in what is shown, so that nobody finds out a number or a plate by asking for it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, Final

import msgspec

from api.offers import PHOTOS
from api.office import Office
from api.pages_telling import reason_of
from api.pages_words import CHOICES
from domain import screening
from domain.filing import File, folder_of
from domain.warehouse import ListedForReuse
from domain.words import Words, in_words
from labels import photo
from projections import public
from projections.inventory import offer_of
from projections.naming import initials, plain

PAGE_ROWS: Final = 24
ROWS_MAX: Final = 1_000  # of one file or one answer
LOOKED_MAX: Final = 5_000  # rows whose words are compared
TEXT_CHARS_MAX: Final = 60
WORDS_MAX: Final = 5
PHOTO_PIXELS: Final = 640  # its longer side
PHOTO_KEPT: Final = 256
# Only a picture that was put there for everybody is shown to everybody: its name begins so.
FOR_ALL: Final = ("公示", "public")
COLUMNS: Final = {
    "no": Words("公告编号", "notice no."),
    "kind": Words("类别", "kind"),
    "class_code": Words("分类代码", "class code"),
    "name": Words("名称", "name"),
    "quantity": Words("数量", "quantity"),
    "measure": Words("计量单位", "measure"),
    "condition": Words("成色", "condition"),
    "life": Words("剩余年限", "remaining life"),
    "region": Words("所在地区", "region"),
    "listed_on": Words("上架日期", "offered since"),
    "available_from": Words("可用日期", "available from"),
    "offer_until": Words("上架截止日", "offered until"),
    "window": Words("公示范围", "offered to"),
    "window_until": Words("本轮截止日", "to them until"),
}
EVERYBODY: Final = Words("各单位", "all units")
PROVINCES: Final = {  # GB/T 2260: the first two digits
    "11": Words("北京市", "Beijing"), "12": Words("天津市", "Tianjin"),
    "13": Words("河北省", "Hebei"), "14": Words("山西省", "Shanxi"),
    "15": Words("内蒙古自治区", "Inner Mongolia"), "21": Words("辽宁省", "Liaoning"),
    "22": Words("吉林省", "Jilin"), "23": Words("黑龙江省", "Heilongjiang"),
    "31": Words("上海市", "Shanghai"), "32": Words("江苏省", "Jiangsu"),
    "33": Words("浙江省", "Zhejiang"), "34": Words("安徽省", "Anhui"),
    "35": Words("福建省", "Fujian"), "36": Words("江西省", "Jiangxi"),
    "37": Words("山东省", "Shandong"), "41": Words("河南省", "Henan"),
    "42": Words("湖北省", "Hubei"), "43": Words("湖南省", "Hunan"),
    "44": Words("广东省", "Guangdong"), "45": Words("广西壮族自治区", "Guangxi"),
    "46": Words("海南省", "Hainan"), "50": Words("重庆市", "Chongqing"),
    "51": Words("四川省", "Sichuan"), "52": Words("贵州省", "Guizhou"),
    "53": Words("云南省", "Yunnan"), "54": Words("西藏自治区", "Tibet"),
    "61": Words("陕西省", "Shaanxi"), "62": Words("甘肃省", "Gansu"),
    "63": Words("青海省", "Qinghai"), "64": Words("宁夏回族自治区", "Ningxia"),
    "65": Words("新疆维吾尔自治区", "Xinjiang"), "71": Words("台湾省", "Taiwan"),
    "81": Words("香港特别行政区", "Hong Kong"), "82": Words("澳门特别行政区", "Macao"),
}  # fmt: skip


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody asks of the catalogue."""

    text: str = ""
    kind: str = ""
    region: str = ""
    class_code: str = ""
    page: int = 1


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One thing as everybody may see it; an empty day: at once, or without end."""

    no: int
    kind: str
    class_code: str
    name: str
    quantity: str
    measure: str
    condition: str
    life: str
    region: str
    listed_on: str
    available_from: str
    offer_until: str
    window: Words
    window_until: str
    photo: bool
    example: bool


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the catalogue."""

    on: date
    page: int
    pages: int
    total: int
    items: tuple[Item, ...]


class Catalogue:
    """What is on offer on a day, as anybody may see it."""

    def __init__(self, office: Office, on: date, photos: Photos | None = None) -> None:
        self.office, self.on = office, on
        self.photos = photos or Photos(office)

    def shown(self, asked: Asked, rows_max: int = PAGE_ROWS) -> Shown:
        """Return a page; one beyond the last is empty."""
        words = tuple(plain(asked.text).casefold().split())[:WORDS_MAX]
        condition = public.offered(
            self.on,
            kind=asked.kind,
            class_code=asked.class_code,
            region=asked.region,
            words=words,
        )
        skip = (asked.page - 1) * rows_max
        if words:
            found = self.office.rows(public.listing(condition, skip=0, limit=LOOKED_MAX))
            fitting = [row for row in found if _says(row, words)]
            total, rows = len(fitting), fitting[skip : skip + rows_max]
        else:
            total = int(self.office.rows(public.counted(condition))[0]["count"])
            rows = list(self.office.rows(public.listing(condition, skip=skip, limit=rows_max)))
        return Shown(
            on=self.on,
            page=asked.page,
            pages=max(1, -(-total // rows_max)),
            total=total,
            items=tuple(self.item(row) for row in rows),
        )

    def item(self, row: Any) -> Item:
        """Return what everybody may see of a row."""
        offer = offer_of(row)
        window = screening.open_now(screening.openings(offer), self.on)
        return Item(
            no=self.number(row["id"]),
            kind=row["kind"],
            class_code=row["class_code"],
            name=public_name(row),
            quantity=row["quantity"],
            measure=row["measure"],
            condition=row["grade"],
            life=offer.remaining_life,
            region=row["region"] or "",
            listed_on=row["listed_on"],
            available_from=row["available_from"],
            offer_until=row["offer_until"],
            window=window.tier.words if window else EVERYBODY,
            window_until=window.ends_on.isoformat() if window else "",
            photo=self.photo_of(row["id"]) is not None,
            example=row["dataset"] == "example",
        )

    def number(self, asset: str) -> int:
        """Return the number of the entry by which it was put on offer, or by which it was split off."""
        stream = self.office.book.stream(f"asset/{asset}")
        listed = (e for e in reversed(stream.standing) if isinstance(e.event, ListedForReuse))
        entry = next(listed, None) or stream.entries[0]
        return entry.position

    def kinds_and_regions(self) -> tuple[list[str], list[str]]:
        """Return which kinds and divisions occur."""
        rows = self.office.rows(public.occurring(public.offered(self.on)))
        return sorted({r["kind"] for r in rows}), sorted({r["region"] for r in rows if r["region"]})

    # Photos ---------------------------------------------------------------------

    def photo_of(self, asset: str) -> File | None:
        """Return the first picture that was put there for everybody; of a part, that of the whole."""
        while True:
            folder = self.office.book.stream(folder_of(f"asset/{asset}")).state
            for file in folder.files:
                if file.media in PHOTOS and file.title.casefold().startswith(FOR_ALL):
                    found: File = file
                    return found
            if "." not in asset:
                return None
            asset = asset.rpartition(".")[0]

    def photo(self, no: int) -> bytes | None:
        """Return the picture of a notice as JPEG, small and without what a camera writes beside it."""
        found = list(self.office.book.entries(no, no))
        kind, _, asset = found[0].stream.partition("/") if found else ("", "", "")
        if kind != "asset" or not self.office.rows(public.one(asset, public.offered(self.on))):
            return None
        if self.number(asset) != no:
            return None
        file = self.photo_of(asset)
        if file is None:
            return None
        return self.photos.small(file.sha256)


class Photos:
    """Small pictures made of attachments, a few hundred of them remembered. Threads may share it."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self._made: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def small(self, sha256: str) -> bytes | None:
        """Return a picture small; None when its bytes are gone."""
        with self._lock:
            if sha256 in self._made:
                self._made.move_to_end(sha256)
                return self._made[sha256]
            found = self.office.book.log.file(sha256)  # one at a time: large ones take memory
            if found is None:
                return None
            self._made[sha256] = photo.small(found[1], PHOTO_PIXELS)
            if len(self._made) > PHOTO_KEPT:
                self._made.popitem(last=False)
            return self._made[sha256]


def public_name(row: Any) -> str:
    """Return what a thing is called, without numbers and plates that its unit wrote into the name."""
    name = str(row["name"])
    for field in ("asset_no", "plate", "serial", "label"):
        if row[field]:
            name = name.replace(str(row[field]), "")
    return " ".join(name.split()).strip("-—_()（） ") or in_words(
        CHOICES["kind"][row["kind"]], "zh"
    )


def _says(row: Any, words: Sequence[str]) -> bool:
    """Answer whether what is shown of a row has all the words, or their pinyin initials."""
    name = public_name(row)
    said = plain(name).casefold()
    letters = "" if name.isascii() else initials(name)
    code = str(row["class_code"]).casefold()
    return all(word in said or word in letters or code.startswith(word) for word in words)


def region_said(code: str, lang: str) -> str:
    """Return a division in words as far as its first digits say, with its code."""
    words = PROVINCES.get(code[:2])
    if words is None:
        return code
    return f"{words.zh}（{code}）" if lang == "zh" else f"{words.en} ({code})"


def told(item: Item, lang: str) -> dict[str, Any]:
    """Return an item as values of a file: each of COLUMNS in words."""
    return {
        "no": str(item.no),
        "kind": in_words(CHOICES["kind"].get(item.kind, item.kind), lang),
        "class_code": item.class_code,
        "name": item.name,
        "quantity": item.quantity,
        "measure": item.measure,
        "condition": in_words(reason_of("grade", item.condition), lang),
        "life": item.life,
        "region": region_said(item.region, lang),
        "listed_on": item.listed_on,
        "available_from": item.available_from,
        "offer_until": item.offer_until,
        "window": in_words(item.window, lang),
        "window_until": item.window_until,
    }


def table(items: Sequence[Item], lang: str) -> Iterator[tuple[str, ...]]:
    """Yield the catalogue as rows to take home."""
    yield tuple(in_words(words, lang) for words in COLUMNS.values())
    for item in items:
        said = told(item, lang)
        yield tuple(said[name] for name in COLUMNS)


def of_example(items: Sequence[Item]) -> bool:
    """Answer whether anything of it is only an example."""
    return any(item.example for item in items)
