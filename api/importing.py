"""Know a published file by its header and import it; twice is as good as once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from api import importing_leso, importing_seattle
from api.importing_facts import ImportReport, Progress
from api.reading_bytes import Source, checked_encoding, lines, name_of, unpacked
from api.reading_problems import refuse
from domain.words import Words
from ledger.book import Book

Importer: TypeAlias = Callable[[Book, Source, Progress | None], ImportReport]


class FileKind(msgspec.Struct, frozen=True):
    """One kind of published list: its words, columns only it has, and how it is imported."""

    slug: str
    words: Words
    columns: frozenset[str]
    run: Importer


def _kind(slug: str, zh: str, en: str, columns: str, run: Importer) -> FileKind:
    return FileKind(slug, Words(zh, en), frozenset(columns.split("|")), run)


# The first whose columns are all in the header is taken, so the more particular stand first.
KINDS: Final = (
    _kind(
        "seattle-active",
        "西雅图车队：在用清单",
        "Seattle fleet in use",
        "EquipID|License#|InServiceDate|InServiceCost|Dept",
        importing_seattle.import_active,
    ),
    _kind(
        "seattle-surplus",
        "西雅图车队：待拍清单",
        "Seattle fleet awaiting auction",
        "EQUIP_ID|AUCTION HOUSE|COMMENTS",
        importing_seattle.import_surplus,
    ),
    _kind(
        "seattle-sold",
        "西雅图车队：已售登记册",
        "Seattle fleet sold",
        "EquipID|SalePrice|SaleDate|AuctionHouse",
        importing_seattle.import_sold,
    ),
    _kind(
        "seattle-undated",
        "西雅图车队：已售登记册（无日期）",
        "Seattle fleet sold, without days",
        "EQUIP_ID|SALE_PRICE|SOLD_BY",
        importing_seattle.import_undated,
    ),
    _kind(
        "leso-cancellations",
        "LESO 未批准申请",
        "LESO refused requests",
        "RTD Ref|Date Requested|Reason Cancelled|Cancelled By",
        importing_leso.import_cancellations,
    ),
    _kind(
        "leso-shipments",
        "LESO 发运",
        "LESO shipments",
        "Requisition ID|Date Shipped|FSC|NIIN",
        importing_leso.import_shipments,
    ),
    _kind(
        "leso-inventory",
        "LESO 在册快照",
        "LESO snapshot of holdings",
        "NSN|Item Name|Quantity|Acquisition Value|Ship Date|Station Type",
        importing_leso.import_inventory,
    ),
    _kind(
        "leso-federal",
        "LESO 中央机构调入",
        "LESO transfers to central bodies",
        "NSN|Item Name|Quantity|Acquisition Value|Ship Date|Station Name (LEA)",
        importing_leso.import_federal,
    ),
)


def kind_of(source: Source, *, file: str | None = None) -> FileKind:
    """Return the kind of a file by its header; raise Unreadable when no kind fits."""
    name = name_of(source, file)
    data = unpacked(source, name)
    encoding = checked_encoding(data, name)
    first = next((text for _, text in lines(data, encoding) if text.strip()), "")
    delimiter = "\t" if "\t" in first else ","
    header = {cell.strip().strip('"').strip() for cell in first.lstrip("\ufeff").split(delimiter)}
    for kind in KINDS:
        if kind.columns <= header:
            return kind
    zh = "、".join(kind.words.zh for kind in KINDS)
    en = ", ".join(kind.words.en for kind in KINDS)
    raise refuse(
        name,
        "unknown-list",
        f"认不出这是哪一种清单。可以导入的有：{zh}。请检查表头是否完整。",
        f"This is none of the known lists: {en}. Check that the header line is complete.",
    )


def run(book: Book, path: Path, progress: Progress | None = None) -> ImportReport:
    """Import a file of any known kind; rows imported before are skipped.

    Raise Unreadable, with every problem, when the file cannot be taken: nothing was written.
    """
    return kind_of(path).run(book, path, progress)
