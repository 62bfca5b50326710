"""How questions are answered: pages that lead on, names people know, lines of history."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from api.office import Actor, Office
from api.pages_telling import NameOf, tell
from api.parameters import cursor, day, moment, number
from api.rest_caller import lang_of
from api.rest_caller import no_such as no_such  # of the same shape for what may not be seen
from domain.decider import Lang
from ledger.entry import Entry
from projections import units
from projections.scope import BadCursor
from projections.temporal import NEVER

LIMIT, LIMIT_MAX = 50, 1_000
LATEST = "9999-12-30"  # every business date is before it
AS_OF = day("as_of", "业务日期 · true on this day")
KNOWN_AT = moment("known_at", "已知时点（UTC）· as known at this day or time")
LIMIT_OF = number("limit", "至多几项 · how many at most", 1, LIMIT_MAX, LIMIT)
PAGE = (LIMIT_OF, cursor())
Answer = Callable[[Request, Actor], Response]


encode: Callable[[Any], bytes] = msgspec.json.Encoder(order="deterministic").encode


def names_in(office: Office, lang: Lang) -> NameOf:
    """Return a function from kind and id to the name that people know now.

    A name is looked up only when a sentence needs it: there may be thousands.
    """

    def name_of(kind: str, id_: str) -> str:
        if kind == "person":
            return office.accounts.name_of(id_, lang)
        return office.called(id_, lang) if kind in ("unit", "place") else id_

    return name_of


def names_then(office: Office, lang: Lang) -> Callable[[str], NameOf]:
    """Return a function from a business date to the names that held on it (T11).

    Before a thing was called anything, it is called what it was called first.
    """
    now, known = names_in(office, lang), dict[str, Sequence[Any]]()

    def on(day: str) -> NameOf:
        def name_of(kind: str, id_: str) -> str:
            if kind not in ("unit", "place"):
                return now(kind, id_)
            if id_ not in known:
                rows = office.models.rows(units.names_of(id_))
                known[id_] = [row for row in rows if row["known_to"] >= NEVER]
            if not known[id_]:
                return id_
            held = (r for r in known[id_] if r["from_on"] <= day < r["to_on"])
            then = next(held, known[id_][0])
            return str((then["name_en"] if lang == "en" else "") or then["name"])

        return name_of

    return on


def line(entry: Entry, lang: Lang, name_of: NameOf, stands: bool) -> dict[str, Any]:
    """Return one entry as a history line."""
    beside = entry.beside
    return {
        "position": entry.position,
        "seq": entry.seq,
        "type": entry.event.type_name,
        "effective_at": entry.effective_at,
        "effective_on": entry.effective_on,
        "dated": beside.dated or None,
        "recorded_at": entry.recorded_at,
        "actor": entry.actor,
        "actor_name": name_of("person", entry.actor),
        "via": beside.via,
        "cause": entry.cause,
        "corrects": entry.corrects,
        "stands": stands,
        "sentence": tell(entry.event, lang, name_of),
        "body": entry.event,
        "docs": beside.docs,
    }


def plain(row: Any) -> dict[str, Any]:
    """Return a row without the columns that only queries need; sums are integers everywhere."""
    return {
        name: int(value) if isinstance(value, Decimal) else value
        for name, value in row.items()
        if name != "search"
    }


def link(request: Request, more: str | int | None, name: str = "after") -> dict[str, str]:
    """Return the header that leads to the next page."""
    if more is None:
        return {}
    asked = dict(request.query_params) | {name: str(more)}
    return {"Link": f'<{request.url.path}?{urlencode(asked)}>; rel="next"'}


def reply(
    request: Request, found: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> Response:
    """Answer a question; nothing of it may be kept by a cache."""
    said = {"Cache-Control": "no-store", "Content-Language": lang_of(request)}
    return Response(encode(found), 200, said | dict(headers or {}), media_type="application/json")


def checked_cursor(text: str, sort: str) -> str | None:
    """Return a cursor that fits the order of a listing; raise BadCursor for any other."""
    if not text:
        return None
    try:
        found = json.loads(base64.urlsafe_b64decode(text.encode()))
    except (ValueError, RecursionError) as error:
        raise BadCursor(text) from error
    kind = int if sort == "value" else str
    match found:
        case [value, str(id_)] if type(value) is kind and "\0" not in f"{value}{id_}":
            if f"{value}{id_}".isprintable():
                return text
    raise BadCursor(text)
