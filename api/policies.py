"""Policy profiles: read from YAML, checked, and the one in force found for a unit and a day."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import yaml

from api.remembering import Remembered
from domain import policy as policies
from domain import ruling
from domain.policy import GENERIC, Policy, Unfit
from domain.words import Words
from ledger.book import Book, Stream

FOLDER = Path(__file__).parent / "profiles"
SCHEMA = FOLDER / "policy.schema.json"
BYTES_MAX = 200_000  # of a profile as somebody writes it


# A profile as people write it ---------------------------------------------------


class Loader(yaml.SafeLoader):
    """YAML as far as a profile needs it: no key twice, nothing that refers to something else."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Refuse aliases: a few lines of them can stand for gigabytes."""
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark
            raise yaml.MarkedYAMLError(problem="aliases are not read here", problem_mark=mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Refuse a key that is there twice; the second would win without a word."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if not isinstance(key, str) or keys.count(key) > 1:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key!r} is there twice or is no text",
                    problem_mark=node.start_mark,
                )
        return super().construct_mapping(node, deep)


def read(text: str, version: int = 0) -> Policy:
    """Return the profile that a YAML text says, as if it were published as `version`; 0 is not yet.

    Raise Unfit with every problem.
    """
    name, content = content_of(text)
    return policies.read(content, name, version)


def content_of(text: str) -> tuple[str, str]:
    """Return the name of a YAML profile and its content as JSON; raise Unfit when it is none."""
    size = len(text.encode())
    if size > BYTES_MAX:
        raise unfit(
            f"文件有 {size} 字节，不得超过 {BYTES_MAX}", f"{size} bytes; {BYTES_MAX} at most"
        )
    try:
        said = yaml.load(text, Loader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        told = " ".join(str(error).split())
        raise unfit(f"不是合格的 YAML（{told}）", f"no proper YAML ({told})") from error
    if not isinstance(said, dict) or not isinstance(said.get("name"), str):
        raise unfit("缺少规则名称 name", "the name is missing")
    for key in ("version", "in_force_from", "in_force_until"):
        if key in said:
            raise unfit(f"{key} 由发布确定，不写在文件里", f"{key} is settled when it is published")
    content = {key: value for key, value in said.items() if key != "name"}
    try:
        return said["name"], msgspec.json.encode(content).decode()
    except (TypeError, OverflowError) as error:
        raise unfit(f"含有无法采用的值（{error}）", f"a value cannot be taken ({error})") from error


def unfit(zh: str, en: str) -> Unfit:
    """Return the refusal of a text for one reason."""
    return Unfit((Words(zh, en),))


@cache
def shipped() -> Mapping[str, Policy]:
    """Return the profiles that come with the product, by name. None is in force by itself."""
    found = [read(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.yaml"))]
    return {policy.name: policy for policy in found}


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a profile, made from the declaration."""
    whole = msgspec.json.schema(Policy)
    shape = whole["$defs"]["Policy"]
    for key in ("version", "in_force_from", "in_force_until"):
        del shape["properties"][key]
    shape["required"] = ["name"]
    for said in shape["properties"].values():
        if said.get("uniqueItems"):
            said["default"] = sorted(said["default"])  # sets have no order of their own
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "公物规则 · Gongwu policy profile",
    }
    return head | whole


def schema_text() -> str:
    """Return the JSON Schema as the file that comes with the product."""
    return json.dumps(schema(), ensure_ascii=False, indent=2) + "\n"


# The rules in force -------------------------------------------------------------


class Rules:
    """The published rules of an installation, remembered for a moment."""

    def __init__(self, streams: Callable[[], Iterable[tuple[str, int]]], book: Book) -> None:
        """`streams` names every `policy/` stream and its version, as the lists know them."""
        self._streams, self._book = streams, book
        self._all: Remembered[str, tuple[Policy, ...]] = Remembered()
        self._read: dict[str, tuple[int, tuple[Policy, ...]]] = {}

    def published(self) -> tuple[Policy, ...]:
        """Return every version that was ever published, in force or not."""
        return self._all.get("", self._look_up)

    def in_force(
        self, on: date, *, region: str = "", level: str = "", unit_kind: str = ""
    ) -> Policy:
        """Return the rules a unit is under on a business date; GENERIC where there are none."""
        return policies.chosen(
            self.published(), on, region=region, level=level, unit_kind=unit_kind
        )

    def named(self, reference: str) -> Policy | None:
        """Return the version that a decision cites (`xinjiang@1`), whatever came later."""
        if reference == GENERIC.reference:
            return GENERIC
        return next((p for p in self.published() if p.reference == reference), None)

    def forget(self) -> None:
        """Look again: rules were drafted, published or ended here."""
        self._all.forget()

    def _look_up(self, _: str) -> tuple[Policy, ...]:
        found: list[Policy] = []
        for stream, version in self._streams():
            known = self._read.get(stream)
            if known is None or known[0] != version:
                known = self._read[stream] = (version, versions(self._book.stream(stream)))
            found += known[1]
        return tuple(found)


def versions(stream: Stream) -> tuple[Policy, ...]:
    """Return the published versions that a `policy/` stream holds."""
    name = stream.name.partition("/")[2]
    return ruling.published(name, [entry.event for entry in stream.standing])
