"""Every sentence of the pages, in Chinese and English, and the words of every stored choice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from api.pages_phrases import PHRASES
from api.reading_reasons import KINDS, OTHER
from domain.asset import Book, Custody, Kind, Lock
from domain.decider import LIFECYCLES
from domain.disposal import Form
from domain.place import PlaceKind
from domain.unit import UnitKind
from domain.words import Term, Words
from projections import cases

DATASETS: Final = ("example", "seattle", "leso")


def say(key: str, lang: str, **values: Any) -> str:
    """Return a phrase in a language; a key nobody translated is our bug."""
    zh, en = PHRASES[key]
    return (zh if lang == "zh" else en).format(**values)


def words_of(term: type[Term]) -> dict[str, Words]:
    """Return the words of a closed choice by stored value."""
    return {member.value: member.words for member in term}


CHOICES: Final[Mapping[str, Mapping[str, Words]]] = {
    "kind": words_of(Kind),
    "book": words_of(Book),
    "custody": words_of(Custody),
    "lock": words_of(Lock),
    "unit-kind": words_of(UnitKind),
    "place-kind": words_of(PlaceKind),
    "form": words_of(Form),
    "dataset": {
        "example": Words("示例市（示例数据）", "Example city (example data)"),
        "seattle": Words("西雅图市车队（公开数据）", "City of Seattle fleet (public data)"),
        "leso": Words(
            "美国国防部1033项目，2019年第四季度（公开数据）",
            "US DoD 1033 programme, 4th quarter of 2019 (public data)",
        ),
    },
    "dataset-short": {
        "seattle": Words("公开数据·西雅图市", "Public data · City of Seattle"),
        "leso": Words("公开数据·美国国防后勤局", "Public data · US DLA"),
    },
    "reason": {kind.slug: Words(kind.zh, kind.en) for kind in (*KINDS, OTHER)},
    "paper": {"source_row": Words("公开数据原始行", "row of published data")},
} | {f"status-{kind}": words_of(type(LIFECYCLES[kind].state().status)) for kind in cases.KINDS}
