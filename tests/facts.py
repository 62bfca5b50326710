"""Facts of every kind, made from their declarations: for laws and for the golden log."""

from __future__ import annotations

import unicodedata
from datetime import date
from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec import inspect

import domain.lives  # noqa: F401 - every fact must be declared before it is listed
from domain.decider import FACTS, Document, Event
from ledger.entry import Corrects, Draft, Via

# What PRINTABLE allows, in form NFC, as every door makes it.
TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters=[chr(n) for n in [*range(32), 127]])
    | st.sampled_from('\n\t公物仓示例éü“”\\"/\u2028😀'),
    max_size=30,
).map(lambda text: unicodedata.normalize("NFC", text))
IDS = st.text(st.sampled_from("ABCXYZabcxyz0189_.~-"), min_size=1, max_size=20).map("a".__add__)


def values(kind: inspect.Type) -> st.SearchStrategy[Any]:
    """Return a strategy for the values that a declared type allows."""
    match kind:
        case inspect.Metadata(type=plain):
            return values(plain)
        case inspect.StrType(min_length=least, max_length=most):
            return TEXTS.filter(lambda t: (least or 0) <= len(t) <= (most or 10**6))
        case inspect.BoolType():
            return st.booleans()
        case inspect.IntType(ge=ge, gt=gt, lt=lt, le=le):
            low = ge if ge is not None else gt + 1 if gt is not None else -(2**53) + 1
            return st.integers(low, (lt or 2**53) - 1 if le is None else le)
        case inspect.NoneType():
            return st.none()
        case inspect.DateType():
            return st.dates(date(1949, 10, 1), date(2100, 1, 1))
        case inspect.EnumType(cls=cls):
            return st.sampled_from(list(cls))
        case inspect.UnionType(types=types):
            return st.one_of([values(t) for t in types])
        case inspect.VarTupleType(item_type=item):
            return st.lists(values(item), max_size=4).map(tuple)
        case inspect.TupleType(item_types=items):
            return st.tuples(*[values(item) for item in items])
        case inspect.StructType(cls=cls):
            return structs(cls)
        case inspect.DictType(key_type=key, value_type=value):
            return st.dictionaries(values(key), values(value), max_size=3)
        case inspect.LiteralType(values=choices):
            return st.sampled_from(choices)
    raise NotImplementedError(kind)


def structs(cls: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    """Return a strategy for one struct; fields with a default may be left out."""
    info = inspect.type_info(cls)
    assert isinstance(info, inspect.StructType)
    needed = {f.name: values(f.type) for f in info.fields if f.required}
    free = {f.name: values(f.type) for f in info.fields if not f.required}
    return st.fixed_dictionaries(needed, optional=free).map(lambda given: cls(**given))


EVENTS: st.SearchStrategy[Event] = st.sampled_from(sorted(FACTS)).flatmap(
    lambda name: structs(FACTS[name])
)
DRAFTS = st.builds(
    Draft,
    stream=IDS.map("asset/".__add__),
    seq=st.integers(1, 2**40),
    event=EVENTS,
    actor=IDS.map("u_".__add__),
    cause=IDS.map("cmd_".__add__),
    effective_at=st.just("2025-03-03T12:00:00+08:00"),
    corrects=st.none() | st.builds(Corrects, seq=st.integers(1, 99), stream=IDS),
    docs=st.lists(
        st.builds(Document, type=TEXTS, number=TEXTS, issued=st.none() | st.dates(), issuer=TEXTS),
        max_size=2,
    ).map(tuple),
    via=st.none() | st.builds(Via, unit=IDS, role=IDS, channel=IDS, request=TEXTS),
    dated=st.sampled_from(["", "not_after"]),
)
