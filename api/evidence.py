"""What was acknowledged and lies beside the log: scans, readings, events of others, declared once.

Whoever takes the ledger out, brings it back or verifies it does the same with these tables. What
can be checked of a row by itself is its content against its own fingerprint.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, Final

from api import captures, readings, scanned
from api.office import Office
from ledger.beside import Beside


def tables(office: Office) -> tuple[Beside, ...]:
    """Return the tables beside the log of an office, each of them there."""
    _ = office.readings, office.captures, office.imports  # opened, so that their tables are there
    return DECLARED


def _sound(_: Mapping[str, Any]) -> str:
    return ""


def _scan(row: Mapping[str, Any]) -> str:
    right = scanned.digest(row["body"]) == row["hash"]
    return "" if right else f"{row['stocktake']}/{row['device']}/{row['n']}"


def _photo(row: Mapping[str, Any]) -> str:
    right = sha256(row["content"]).hexdigest() == row["sha256"]
    return "" if right else f"{row['stocktake']}/{row['sha256']}"


def _batch(row: Mapping[str, Any]) -> str:
    try:
        right = sha256(zlib.decompress(row["content"])).hexdigest() == row["sha256"]
    except zlib.error:
        right = False
    return "" if right else f"{row['device']}/{row['seq']}"


def _kind(column: Any) -> str:
    return {bool: "bool", int: "int", bytes: "bytes"}.get(column.type.python_type, "text")


def _declared(table: Any, wrong: Callable[[Mapping[str, Any]], str]) -> Beside:
    key = list(table.primary_key.columns)
    return Beside(
        str(table.name),
        # A number that the database gives by itself is given anew, in the same order.
        tuple((str(c.name), _kind(c)) for c in table.columns if c.autoincrement is not True),
        tuple((str(c.name), _kind(c)) for c in key),
        wrong,
    )


DECLARED: Final = (
    _declared(scanned.scan_, _scan),
    _declared(scanned.conflict_, _scan),
    _declared(scanned.done_, _sound),
    _declared(scanned.photo_, _photo),
    _declared(readings.session_, _sound),
    _declared(readings.batch, _batch),
    _declared(readings.reached_, _sound),
    _declared(readings.tag, _sound),
    _declared(readings.done_, _sound),
    _declared(readings.threshold_, _sound),
    _declared(captures.job_, _sound),
    _declared(captures.event_, _sound),
)
