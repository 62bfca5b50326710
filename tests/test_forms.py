"""One declaration asks the same questions on a page, in JSON and on the command line."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import date
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import domain.lives  # noqa: F401 - every verb must be known
from api import forms
from api.forms import Invalid, Malformed
from domain.decider import LIFECYCLES, Document, Verb

VERBS = [v for life in LIFECYCLES.values() for v in life.verbs.values()]
RECEIVE = LIFECYCLES["asset"].verbs["receive"]
INCOME = LIFECYCLES["disposal"].verbs["assess_income"]
PROPOSE = LIFECYCLES["disposal"].verbs["propose"]
MATCH = LIFECYCLES["statement"].verbs["match_entry"]
APPROVE_INTAKE = LIFECYCLES["intake"].verbs["approve"]
DELIVERY = {"name": "台式计算机", "kind": "computer", "unit": "o_a"}


def faults(verb: Verb, body: Any) -> list[str]:
    """Return the paths of all faults of a JSON body."""
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(Invalid) as caught:
        forms.parse_json(verb, text)
    for fault in caught.value.faults:
        assert fault.words.zh and fault.words.en and fault.words.zh != fault.words.en
    return [fault.path for fault in caught.value.faults]


# Questions ------------------------------------------------------------------------


def test_every_verb_of_every_kind_asks_in_both_languages() -> None:
    for verb in VERBS:
        for field in forms.fields(verb):
            assert field.words.zh and field.words.en, f"{verb.kind}.{verb.name}.{field.name}"
            assert field.words.zh != field.name, f"{field.name} has no Chinese name"
            assert (field.type in ("choice", "choices")) == bool(field.choices)


def test_a_field_says_how_it_is_asked() -> None:
    asked = {f.name: f for f in forms.fields(RECEIVE)}
    assert asked["value"].money and not asked["value"].required
    assert asked["unit"].ref == "unit" and asked["unit"].required
    assert asked["mode"].default == "purchase" and asked["measure"].default is None
    assert asked["quantity"].type == "quantity" and asked["name"].chars_max == 200
    assert {f.name: f.type for f in forms.fields(INCOME)}["deductions"] == "rows"
    assert {f.name: f.type for f in forms.fields(PROPOSE)}["assets"] == "assets"


# What a person types ----------------------------------------------------------------


def test_what_a_person_types_becomes_what_a_program_writes() -> None:
    typed = DELIVERY | {
        "kind": "计算机设备",
        "value": "￥１，２３４．５",
        "quantity": "２.50",
        "supplier": "",
        "csrf": "no question of this verb",
    }
    assert forms.parse_html(RECEIVE, typed) == {
        "name": "台式计算机",
        "kind": "computer",
        "unit": "o_a",
        "value": 123_450,
        "quantity": "2.5",
    }


def test_lists_are_typed_by_line_comma_or_repetition() -> None:
    common = {
        "unit": "o_a",
        "form": PROPOSE_FORM,
        "ground": "life_over",
        "minutes_no": "纪要〔2026〕3号",
    }
    for assets in ("A1\nA2", "A1，A2", "A1 A2"):
        assert forms.parse_html(PROPOSE, common | {"assets": assets})["assets"] == ["A1", "A2"]
    pairs = [*common.items(), ("assets", "A1"), ("assets", "A2")]
    assert forms.parse_html(PROPOSE, pairs)["assets"] == ["A1", "A2"]


PROPOSE_FORM = forms.fields(PROPOSE)[1].choices[0][0]


def test_deductions_are_typed_as_rows_or_as_lines() -> None:
    lines = forms.parse_html(INCOME, {"gross": "100", "deductions": "评估费 12\n拍卖 佣金 3.5"})
    rows = forms.parse_html(
        INCOME,
        [
            ("gross", "100"),
            ("deductions.type", "评估费"),
            ("deductions.amount", "12"),
            ("deductions.type", "拍卖 佣金"),
            ("deductions.amount", "3.50"),
            ("deductions.type", ""),
            ("deductions.amount", ""),
        ],
    )
    assert lines == rows
    assert rows["deductions"] == [
        {"type": "评估费", "amount": 1_200},
        {"type": "拍卖 佣金", "amount": 350},
    ]


def test_a_row_is_asked_what_its_declaration_asks_and_typed_in_its_own_words() -> None:
    """What an entry of a statement pays names a due, not a cost."""
    parts = {f.name: f for f in forms.fields(MATCH)}["parts"]
    asked = {column.name: (column.type, column.required) for column in parts.columns}
    assert asked["due"] == ("text", True) and asked["amount"] == ("money", True)
    assert asked["counts"] == ("choice", False) and asked["voucher"] == ("text", False)
    form = forms.parse_html(MATCH, {"entry": "1", "parts": "D1 12\nloan.D2 3.50"})
    assert form["parts"] == [{"due": "D1", "amount": 1_200}, {"due": "loan.D2", "amount": 350}]
    with pytest.raises(Invalid) as wrong:
        forms.parse_html(MATCH, {"entry": "1", "parts": "D1 12\nD2 x\n!? 5"})
    assert {f.path for f in wrong.value.faults} == {"parts[1].amount", "parts[2].due"}


def test_an_unticked_box_is_left_out_and_a_ticked_one_is_true() -> None:
    base = {"keeper_unit": "o_a"}
    assert "virtual" not in forms.parse_html(APPROVE_INTAKE, base)
    assert forms.parse_html(APPROVE_INTAKE, base | {"virtual": "on"})["virtual"] is True


def test_every_mistake_on_a_page_is_named_not_only_the_first() -> None:
    with pytest.raises(Invalid) as caught:
        forms.parse_html(
            RECEIVE, {"kind": "飞船", "value": "一百", "quantity": "-1", "unit": "甲 乙"}
        )
    assert {f.path for f in caught.value.faults} == {"name", "kind", "value", "quantity", "unit"}


def test_the_date_and_the_paper_are_asked_of_every_verb() -> None:
    typed = {
        "on": "２０２６年５月１日",
        "doc_type": "批复",
        "doc_number": "财资〔2026〕8号",
        "doc_issued": "2026/4/30",
        "doc_issuer": "示例市财政局",
    }
    paper = Document(
        type="批复", number="财资〔2026〕8号", issued=date(2026, 4, 30), issuer="示例市财政局"
    )
    assert forms.occasion_html(typed) == (date(2026, 5, 1), (paper,))
    assert forms.occasion_html({"on": "", "doc_type": " "}) == (None, ())
    with pytest.raises(Invalid) as caught:
        forms.occasion_html({"on": "昨天", "doc_number": "8号"})
    assert [f.path for f in caught.value.faults] == ["on", "doc_type"]


# What a program writes ----------------------------------------------------------------


def test_a_json_body_carries_the_form_the_day_and_the_papers() -> None:
    body = DELIVERY | {"value": 650_000, "on": "2026-05-01", "docs": [{"type": "发票"}]}
    asked = forms.parse_json(RECEIVE, json.dumps(body).encode())
    assert asked.form == DELIVERY | {"value": 650_000}
    assert asked.on == date(2026, 5, 1) and asked.docs == (Document(type="发票"),)


def test_money_is_an_integer_of_fen_and_nothing_else() -> None:
    for wrong in (1.0, 0.1, -1, 2**53, 10**400, "100", True, [1]):
        assert faults(RECEIVE, DELIVERY | {"value": wrong}) == ["value"], wrong
    for exponent in (b"1e3", b"1.0", b"-0.0"):
        body = json.dumps(DELIVERY).encode()[:-1] + b', "value": ' + exponent + b"}"
        assert faults(RECEIVE, body) == ["value"], exponent
    for right in (0, 2**53 - 1, None):
        forms.parse_json(RECEIVE, json.dumps(DELIVERY | {"value": right}).encode())


def test_a_fault_says_between_which_numbers_one_may_choose_and_how_an_id_looks() -> None:
    request = LIFECYCLES["acquisition"].verbs["request"]
    body = {"plan": "-", "line": 0, "quantity": "1", "unit_price": 1}
    with pytest.raises(Invalid) as caught:
        forms.parse_json(request, json.dumps(body).encode())
    said = {fault.path: fault.words.en for fault in caught.value.faults}
    assert said["line"] == "Must be an integer from 1 to 200."
    assert said["plan"].startswith("Must be the id of a case: letters, digits")
    line = next(field for field in forms.fields(request) if field.name == "line")
    assert (line.least, line.most) == (1, 200)
    for right in (1, 200):
        forms.parse_json(request, json.dumps(body | {"plan": "P1", "line": right}).encode())
    assert faults(request, body | {"plan": "P1", "line": 201}) == ["line"]


def test_every_fault_is_named_by_its_path() -> None:
    body = {
        "gross": "1",
        "deductions": [{"type": "评估费", "amount": 1}, {"type": "", "amuont": 1.5}],
        "docs": [{"type": "批复", "issued": "May"}, {}],
        "nope": 1,
    }
    assert set(faults(INCOME, body)) == {
        "gross",
        "nope",
        "deductions[1].type",
        "deductions[1].amuont",
        "deductions[1].amount",
        "docs[0].issued",
        "docs[1].type",
    }


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("name", ""),
        ("name", "长" * 201),
        ("name", "\x1b[31m"),
        ("unit", "o a"),
        ("unit", "o_a\n"),
        ("unit", "../../etc"),
        ("kind", "COMPUTER"),
        ("quantity", "1.0"),
        ("quantity", 1),
        ("on", "2026-02-30"),
        ("on", "20260501"),
        ("docs", {}),
        ("docs", [{"type": "x"}] * (forms.DOCS_MAX + 1)),
    ],
)
def test_a_value_of_the_wrong_shape_is_a_fault(field: str, wrong: Any) -> None:
    assert faults(RECEIVE, DELIVERY | {field: wrong}) == [field]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"x"',
        b"null",
        b"\xff\xfe",
        b'{"name": "\\ud800"}',
        b'{"value": NaN}',
        b'{"value": -Infinity}',
        b'{"a": 1, "a": 1}',
        b'{"docs": [{"type": "x", "type": "y"}]}',
        b'{"a": ' * 33 + b"1" + b"}" * 33,
        b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"value": ' + b"9" * 5_000 + b"}",
    ],
)
def test_text_that_readers_could_read_differently_is_no_form(body: bytes) -> None:
    with pytest.raises(Malformed) as caught:
        forms.parse_json(RECEIVE, body)
    assert caught.value.words.zh and caught.value.words.en


def test_the_deepest_form_allowed_is_read() -> None:
    deepest = b'{"a": ' * 31 + b"1" + b"}" * 31
    assert forms.load(deepest)
    assert faults(RECEIVE, deepest)[0] == "a"


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists))
def test_whatever_stands_in_a_field_is_a_value_or_a_fault(value: Any) -> None:
    body = json.dumps(DELIVERY | {"value": value, "name": value, "docs": value}).encode()
    with suppress(Invalid, Malformed):
        forms.parse_json(RECEIVE, body)


# What is published --------------------------------------------------------------------


def test_the_schema_of_every_verb_stands_alone_and_has_titles() -> None:
    for verb in VERBS:
        if verb.inner:
            continue
        schema = forms.schema(verb)
        assert "$ref" not in json.dumps(schema)
        assert schema["additionalProperties"] is False
        for property_ in schema["properties"].values():
            assert " · " in property_["title"]
        needed = [f.name for f in forms.fields(verb) if f.required]
        assert sorted(schema.get("required", [])) == sorted(needed)


def wrong_in(verb: Verb, name: str, value: Any) -> bool:
    """Tell whether a form refuses what one of its fields holds."""
    try:
        forms.checked(verb, {name: value})
    except Invalid as invalid:
        return any(fault.path.startswith(f"{name}[") for fault in invalid.faults)
    return False


WRITTEN = ("A1", "!?", "a\nb", "x" * 81, "", 5, -1, 2**53, True, None, "2026-05-01", "2026-02-30")


def test_a_row_is_published_as_it_is_checked() -> None:
    """What no form takes is wrong by the schema too, and what the schema takes no form refuses."""
    listed = [
        (verb, name, part)
        for verb in VERBS
        if not verb.inner
        for name, part in forms.schema(verb)["properties"].items()
        if part.get("items", {}).get("type") == "object"
    ]
    assert {(v.name, name) for v, name, _ in listed} > {
        ("match_entry", "parts"),
        ("receive", "docs"),
    }
    good = {"type": "x", "due": "D", "asset": "A", "quantity": "1", "amount": 1}
    for verb, name, part in listed:
        items = part["items"]
        assert items["additionalProperties"] is False
        valid = jsonschema_rs.validator_for(part, validate_formats=True).is_valid
        least = {column: good[column] for column in items["required"]}
        rows = [{}, least, least | {"more": 1}]
        rows += [least | {column: value} for column in items["properties"] for value in WRITTEN]
        for row in rows:
            told = f"{verb.kind}.{verb.name} {name} {row}"
            assert valid([row]) != wrong_in(verb, name, [row]), told


def test_a_form_on_a_page_takes_as_many_papers_as_a_step_needs() -> None:
    first = [("doc_type", "会议纪要"), ("doc_number", "纪要3")]
    more = "评估报告 评2026-8\n\n 备案表　备 1 \n协议草案"
    _, docs = forms.occasion_html([*first, ("more_docs", more)])
    told = [(doc.type, doc.number) for doc in docs]
    assert told == [
        ("会议纪要", "纪要3"),
        ("评估报告", "评2026-8"),
        ("备案表", "备 1"),
        ("协议草案", ""),
    ]
    _, docs = forms.occasion_html([("more_docs", "一\n" * forms.DOCS_MAX)])
    assert len(docs) == forms.DOCS_MAX
    with pytest.raises(forms.Invalid):
        forms.occasion_html([("more_docs", "一\n" * (forms.DOCS_MAX + 1))])
