"""Add to the golden log what it does not hold yet; lines that are there never change.

Run it after declaring a fact or a new version of one:

    python tests/golden_log.py

Each line holds the exact bytes of an entry as this release writes them, and what its stream
came to. Later releases must read the same bytes and come to the same.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
from msgspec import inspect

import domain.lives  # noqa: F401 - every fact must be declared before it is listed
from domain.decider import FACTS, LIFECYCLES, Document, EntryReversed, Event
from ledger.entry import Corrects, Draft, Via, decode, encode, stamp, standing

LOG = Path(__file__).with_name("golden") / "0.1.jsonl"
AT = "2026-01-05T01:02:03.000000Z"
FULL_BESIDE: dict[str, Any] = {
    "docs": (
        Document(
            type="approval", number="示资〔2026〕1号", issued=date(2026, 1, 4), issuer="示例局"
        ),
    ),
    "via": Via(unit="o_1", role="clerk", channel="web", request="req_1", policy="generic@1"),
    "dated": "not_after",
}


def value(kind: inspect.Type, name: str, full: bool) -> Any:
    """Return one fixed value of a declared type."""
    match kind:
        case inspect.Metadata(type=plain):
            return value(plain, name, full)
        case inspect.UnionType(types=types):
            return value(next(t for t in types if not isinstance(t, inspect.NoneType)), name, full)
        case inspect.StrType():
            return {"currency": "CNY", "quantity": "1.5", "asset_no": "示-0001"}.get(
                name, f"甲_{name}"
            )
        case inspect.BoolType():
            return full
        case inspect.IntType(le=most):
            usual = 2026 if "year" in name else 123_456
            return usual if most is None else min(usual, most)
        case inspect.DateType():
            return date(2026, 1, 5)
        case inspect.EnumType(cls=cls):
            return list(cls)[-1 if full else 0]
        case inspect.VarTupleType(item_type=item):
            return (value(item, name, full),)
        case inspect.TupleType(item_types=items):
            return tuple(value(item, name, full) for item in items)
        case inspect.StructType(cls=cls):
            return example(cls, full)
        case inspect.DictType(key_type=key, value_type=inner):
            return {value(key, name, full): value(inner, name, full)}
    raise NotImplementedError(kind)


def example(cls: type[msgspec.Struct], full: bool) -> Any:
    """Return one fixed struct, with every field or with the required ones alone."""
    info = inspect.type_info(cls)
    assert isinstance(info, inspect.StructType)
    return cls(**{f.name: value(f.type, f.name, full) for f in info.fields if full or f.required})


def kind_of(fact: type[Event]) -> str:
    """Return the kind of stream a fact belongs to."""
    return next(k for k, lifecycle in LIFECYCLES.items() if fact in lifecycle.meanings)


def state_of(state: msgspec.Struct) -> dict[str, Any]:
    """Return what a state says, field by field, as JSON values."""
    plain: dict[str, Any] = json.loads(msgspec.json.encode(state, order="deterministic"))
    return plain


def line(stream: str, seq: int, event: Event, **beside: Any) -> dict[str, Any]:
    """Return one line: the bytes of an entry and the state after it and all before."""
    draft = Draft(
        stream=stream,
        seq=seq,
        event=event,
        actor="u_1",
        cause="cmd_1",
        effective_at="2026-01-05T00:00:00+08:00",
        **beside,
    )
    state = stamp(encode(draft, "MDEyMzQ1Njc4OWFiY2RlZg=="), AT)
    return {"entry": state.decode()}


def lines(fact: type[Event]) -> list[dict[str, Any]]:
    """Return the lines of one version of a fact: a bare one, a full one, and one reversed."""
    name = fact.type_name.replace(".", "-")
    if fact is EntryReversed:
        return []
    made = []
    for full in (False, True):
        stream = f"{kind_of(fact)}/{name}.{fact.type_version}.{'full' if full else 'bare'}"
        beside = FULL_BESIDE if full else {}
        history = [line(stream, 1, example(fact, full), **beside)]
        if full:
            back = EntryReversed(seq=1, reason="错登")
            history.append(line(stream, 2, back, corrects=Corrects(seq=1, stream=stream)))
        for number in range(1, len(history) + 1):
            history[number - 1]["state"] = state_of(replay(history[:number])[1])
        made += history
    return made


def replay(history: list[dict[str, Any]]) -> tuple[list[Any], Any]:
    """Read the lines of one stream with the code of today; return entries and state."""
    entries = []
    for position, said in enumerate(history, start=1):
        raw = json.loads(said["entry"])
        entries.append(
            decode(position, raw["stream"], raw["seq"], raw["type"], said["entry"].encode())
        )
    lifecycle = LIFECYCLES[entries[0].stream.split("/")[0]]
    return entries, lifecycle.fold(e.event for e in standing(entries))


def held(log: Path) -> set[tuple[str, int]]:
    """Return which versions of which facts a golden log holds."""
    raws = [json.loads(json.loads(text)["entry"]) for text in log.read_text("utf-8").splitlines()]
    return {(raw["type"], raw["tv"]) for raw in raws}


def main() -> None:
    """Append what is missing."""
    there = held(LOG) if LOG.exists() else set()
    with LOG.open("a", encoding="utf-8") as file:
        for name in sorted(FACTS):
            if (name, FACTS[name].type_version) not in there:
                for said in lines(FACTS[name]):
                    file.write(json.dumps(said, ensure_ascii=False, sort_keys=True) + "\n")
                print(f"+ {name} {FACTS[name].type_version}")


if __name__ == "__main__":
    main()
