"""Pack the published files into this folder again: `python -m api.sample.build FOLDER`.

FOLDER holds the files as published (`seattle_fleet/`, `leso/`). Rows, their order and every
byte of the columns that stay are kept; of the LESO files the free-text column "Justification"
is dropped. The packed bytes depend on nothing but the input and the compressor (time stamp 0).
"""

from __future__ import annotations

import gzip
import hashlib
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
DROPPED: Final = b"Justification"

ORIGINALS: Final = {
    "active_fleet_complement.csv.gz": "seattle_fleet/active_fleet_complement.csv",
    "current_fleet_surplus_auction_list.csv.gz": (
        "seattle_fleet/current_fleet_surplus_auction_list.csv"
    ),
    "sold_fleet_equipment.tsv.gz": "seattle_fleet/sold_fleet_equipment.tsv",
    "sold_fleet_equipment_no_dates.csv.gz": "seattle_fleet/sold_fleet_equipment_no_dates.csv",
    "shipments_2019Q4_without_justification.csv.gz": "leso/shipments_2019Q4.csv.gz",
    "cancellations_2019Q4_without_justification.csv.gz": "leso/cancellations_2019Q4.csv.gz",
}
"""Packed name to path as published."""


def published(path: Path) -> bytes:
    """Read a published file, unpacking it when it is packed."""
    data = path.read_bytes()
    return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data


def rows_of_cells(data: bytes) -> Iterator[list[bytes]]:
    """Cut comma separated bytes into rows of raw cells, quotation marks and all."""
    cells: list[bytes] = []
    start, quoted = 0, False
    for at, byte in enumerate(data):
        if byte == 0x22:
            quoted = not quoted
        elif not quoted and byte in b",\n":
            cells.append(data[start:at])
            start = at + 1
            if byte == 0x0A:
                yield cells
                cells = []
    if start < len(data) or cells:
        raise ValueError("the last row has no line end")


def without_justification(data: bytes) -> bytes:
    """Drop the free text in which people describe their work; keep all else byte for byte."""
    rows = rows_of_cells(data)
    header = next(rows)
    at = header.index(DROPPED)
    kept = io.BytesIO()
    for cells in (header, *rows):
        if len(cells) != len(header):
            raise ValueError(f"a row has {len(cells)} cells, the header {len(header)}")
        kept.write(b",".join(cells[:at] + cells[at + 1 :]) + b"\n")
    return kept.getvalue()


def content(folder: Path, packed: str) -> bytes:
    """Return what a packed file holds, made from the published one under `folder`."""
    data = published(folder / ORIGINALS[packed])
    return without_justification(data) if "without_justification" in packed else data


def pack(data: bytes) -> bytes:
    """Compress without a time stamp or a file name."""
    return gzip.compress(data, compresslevel=9, mtime=0)


def main(folder: Path) -> None:
    """Write every packed file and print the table of hashes that `SOURCES.md` shows."""
    for packed, path in ORIGINALS.items():
        data = pack(content(folder, packed))
        (HERE / packed).write_bytes(data)
        before = hashlib.sha256((folder / path).read_bytes()).hexdigest()
        print(f"| `{packed}` | `{before}` | `{hashlib.sha256(data).hexdigest()}` |")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
