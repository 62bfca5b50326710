"""Cards move from one version of the class codes to another by a table that is kept."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from doors import PASSWORD, staffed
from given import given
from typer.testing import CliRunner

from api import cli
from api.importing_classes import CodeTable, Line, apply, plan, read_choices, read_table, review
from api.office import Actor, Office
from api.reading_problems import Unreadable
from api.reading_records import SAMPLE
from domain import asset, classing
from domain.asset import AssetRegistered, Kind
from domain.classing import CardReclassified
from domain.decider import Refused
from ledger.verifying import verify
from projections.scope import EVERYTHING

past = partial(given, asset.lifecycle)
OLD, NEW = "GB/T 14885-2010", "GB/T 14885-2022"
EXAMPLE = SAMPLE / "class_codes_2010_2022_example.csv"
CLERK = Actor(person="u_clerk", unit="o_a", role="clerk")
ACCOUNTANT = Actor(person="u_accountant", unit="o_a", role="accountant")
HEADER = "from_scheme,from_code,to_scheme,to_code,note\n"

laptop = AssetRegistered(
    asset_no="ZC-1",
    name="笔记本电脑",
    kind=Kind.COMPUTER,
    unit="o_a",
    class_code="2010105",
    class_scheme=OLD,
)
MOVE: dict[str, Any] = {
    "from_code": "2010105",
    "from_scheme": OLD,
    "class_code": "A02010108",
    "class_scheme": NEW,
    "reason": "按新国标调整",
}


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    with staffed(database) as office:
        yield office


def card(office: Office, number: str, code: str, scheme: str = OLD, **more: Any) -> None:
    """Open a card with a class code."""
    form = {"asset_no": number, "name": "示例", "kind": "other", "unit": "o_a"} | more
    form |= {"class_code": code, "class_scheme": scheme}
    office.ask(f"asset/{number}", "register_existing", form, CLERK)


def classes(office: Office, *numbers: str) -> list[tuple[str, str]]:
    """Return code and version of cards."""
    states = [office.book.stream(f"asset/{number}").state for number in numbers]
    return [(state.class_code, state.class_scheme) for state in states]


# One card -----------------------------------------------------------------------


def test_a_code_goes_with_its_version() -> None:
    past(laptop).when(classing.reclassify, **MOVE).then(CardReclassified(**MOVE)).then_state(
        class_code="A02010108", class_scheme=NEW
    )


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"from_code": "2010104"}, classing.AS_IT_WAS),
        ({"from_scheme": NEW}, classing.AS_IT_WAS),
        ({"class_code": "2010105", "class_scheme": OLD}, classing.ANOTHER_CLASS),
        ({"class_code": "A0201010"}, classing.CODE_FITS),
        ({"class_code": "02010108A"}, classing.CODE_FITS),
        ({"class_code": "A020101080"}, classing.CODE_FITS),
    ],
)
def test_a_card_is_moved_only_from_what_it_is_to_what_is_a_code(
    change: dict[str, Any], rule: Any
) -> None:
    past(laptop).when(classing.reclassify, **MOVE | change).then_refused(rule)


def test_codes_of_a_version_nobody_described_are_taken_as_they_are() -> None:
    past(laptop).when(
        classing.reclassify, **MOVE | {"class_code": "甲-1", "class_scheme": "本市分类 2024"}
    ).then_granted()


# A table ------------------------------------------------------------------------


def test_the_table_that_comes_with_the_program_reads_and_has_both_sorts_of_lines() -> None:
    table = read_table(EXAMPLE)
    targets = table.targets()
    assert len(targets[OLD, "2010105"]) == 1
    assert [line.to_code for line in targets[OLD, "6010200"]] == ["A05010201", "A05010202"]


def test_a_table_says_everything_that_is_wrong_with_it() -> None:
    wrong = HEADER + (
        f"{OLD},201010,{NEW},A02010108,\n"
        f"{OLD},2010105,{NEW},2010105,\n"
        f"{OLD},2010105,{OLD},2010105,\n"
        f"{OLD},2010105,{NEW},,\n"
    )
    with pytest.raises(Unreadable) as caught:
        read_table(wrong.encode(), file="t.csv")
    assert [(p.line, p.slug) for p in caught.value.problems] == [
        (2, "class-code-misfit"),
        (3, "class-code-misfit"),
        (4, "same-class-again"),
        (5, "bad-text"),
    ]
    with pytest.raises(Unreadable) as caught:
        read_table("原版本,原代码,新代码\n".encode(), file="t.csv")
    assert "新版本" in caught.value.in_chinese()


def test_a_table_with_chinese_headings_in_gb18030_is_read_as_well() -> None:
    text = f"原版本,原代码,新版本,新代码,说明\n{OLD},2010105,{NEW},A02010108,便携式\n"
    table = read_table(text.encode("gb18030"), file="对照.csv")
    (line,) = table.lines
    assert (line.from_code, line.to_code, line.note) == ("2010105", "A02010108", "便携式")


# Trying out, choosing, doing -------------------------------------------------------


def test_a_trial_writes_nothing_and_puts_each_card_in_one_list(office: Office) -> None:
    card(office, "A1", "2010105")
    card(office, "A2", "6010200")
    card(office, "A3", "2019900")
    card(office, "A4", "A02010108", NEW)
    card(office, "A5", "")
    before = office.book.head()
    found = plan(office, read_table(EXAMPLE), scope=EVERYTHING)
    assert office.book.head() == before
    assert [move.card.id for move in found.moves] == ["A1"]
    assert [each.card.id for each in found.open] == ["A2"]
    assert [each.id for each in found.unknown] == ["A3"]
    assert plan(office, read_table(EXAMPLE), scope=EVERYTHING, unit="o_b").counts() == {
        "moves": 0,
        "open": 0,
        "unknown": 0,
    }


def test_what_is_moved_says_by_which_table_and_a_second_run_adds_nothing(office: Office) -> None:
    for n in range(3):
        card(office, f"A{n}", "2010105")
    card(office, "B", "2020100")
    table = read_table(EXAMPLE)
    size = office.book.head()[0]
    (receipt,) = apply(
        office, table, plan(office, table, scope=EVERYTHING), ACCOUNTANT, reason="改用新国标"
    )
    assert (receipt.first, receipt.count) == (size + 1, 4)
    assert classes(office, "A0", "B") == [("A02010108", NEW), ("A02020100", NEW)]
    entries = list(office.book.entries(receipt.first, receipt.last))
    assert len({entry.cause.partition("/")[0] for entry in entries}) == 1
    for entry in entries:
        (paper,) = entry.beside.docs
        assert (paper.type, paper.number) == ("分类代码对照表", EXAMPLE.name)
        assert paper.sha256 == table.evidence.sha256
    kept = office.book.log.evidence(table.evidence.sha256)
    assert kept is not None
    assert kept[1] == EXAMPLE.read_bytes()
    assert (
        apply(office, table, plan(office, table, scope=EVERYTHING), ACCOUNTANT, reason="再来一次")
        == []
    )
    assert verify(office.book).intact


def test_where_there_are_several_codes_a_person_chooses(office: Office) -> None:
    card(office, "A1", "6010200", name="椭圆会议桌")
    card(office, "A2", "6010200")
    table = read_table(EXAMPLE)
    form = review(plan(office, table, scope=EVERYTHING))
    assert "A1,椭圆会议桌,GB/T 14885-2010,6010200,A05010201 办公桌; A05010202 会议桌," in form
    filled = form.replace("会议桌,\n", "会议桌,A05010202\n", 1)
    chosen = read_choices(filled.encode(), table, file="choices.csv")
    assert chosen == {"A1": "A05010202"}
    found = plan(office, table, scope=EVERYTHING, choices=chosen)
    assert [(m.card.id, m.line.to_code, m.chosen) for m in found.moves] == [
        ("A1", "A05010202", True)
    ]
    assert [each.card.id for each in found.open] == ["A2"]
    apply(office, table, found, ACCOUNTANT, reason="逐张核定")
    assert classes(office, "A1", "A2") == [("A05010202", NEW), ("6010200", OLD)]


def test_a_choice_that_the_table_does_not_offer_is_no_choice(office: Office) -> None:
    card(office, "A1", "6010200")
    card(office, "A2", "2010105")
    table = read_table(EXAMPLE)
    with pytest.raises(Unreadable) as caught:
        read_choices(b"asset_no,to_code\nA1,A05010299\nA1,A05010201\n", table, file="c.csv")
    assert [p.slug for p in caught.value.problems] == ["not-offered", "chosen-twice"]
    elsewhere = {"A1": "A02010108", "A2": "A05010201"}  # offered for another code
    assert plan(office, table, scope=EVERYTHING, choices=elsewhere).counts() == {
        "moves": 0,
        "open": 2,
        "unknown": 0,
    }


def test_a_card_that_changed_since_the_trial_stops_the_whole_batch(office: Office) -> None:
    for number in ("A1", "A2"):
        card(office, number, "2010105")
    table = read_table(EXAMPLE)
    found = plan(office, table, scope=EVERYTHING)
    office.ask("asset/A2", "correct_card", {"class_code": "2010201", "reason": "登错"}, CLERK)
    with pytest.raises(Refused) as refused:
        apply(office, table, found, ACCOUNTANT, reason="r")
    assert refused.value.rule is classing.AS_IT_WAS
    assert classes(office, "A1") == [("2010105", OLD)]


def test_a_clerk_alone_does_not_change_the_class(office: Office) -> None:
    card(office, "A1", "2010105")
    table = read_table(EXAMPLE)
    with pytest.raises(Refused) as refused:
        apply(office, table, plan(office, table, scope=EVERYTHING), CLERK, reason="r")
    assert refused.value.rule.slug == "not-your-role"


# The whole standard, as far as it is at hand ----------------------------------------


def by_equal_names(shared: Path) -> bytes:
    """Return a table made by a rule: equal names, and the kinds below a name as other choices.

    It is no official table; it is as large and as ambiguous as a real one.
    """
    folder = shared / "cn_classification"
    with (folder / "gb14885_2010_codes_derived.csv").open(encoding="utf-8") as file:
        old = {row["gb_code_7"]: row["gb_name"] for row in csv.DictReader(file)}
    with gzip.open(folder / "procurement_catalog_2022.csv.gz", "rt", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["category_letter"] == "A"]
    codes: dict[str, list[str]] = defaultdict(list)
    below: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        codes[row["catalog_name"].split(" ")[0]].append(row["catalog_code"])
        below[row["parent_code"]].append(row["catalog_code"])
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["from_scheme", "from_code", "to_scheme", "to_code", "note"])
    for code, name in old.items():
        for target in codes.get(name, ()):
            for choice in [target, *below[target]]:
                table.writerow([OLD, code, NEW, choice, name])
    return text.getvalue().encode()


def test_a_table_as_large_as_the_standard_moves_what_is_clear(database: str, shared: Path) -> None:
    content = by_equal_names(shared)
    table = read_table(content, file="equal-names.csv")
    assert isinstance(table, CodeTable)
    targets = table.targets()
    with (shared / "cn_classification/gb14885_2010_codes_derived.csv").open(
        encoding="utf-8"
    ) as file:
        old = [row["gb_code_7"] for row in csv.DictReader(file)]
    with staffed(database) as office:
        form = {"name": "示例", "kind": "other", "unit": "o_a", "class_scheme": OLD}
        office.ask_many(
            [
                (
                    f"asset/{code}",
                    "register_existing",
                    form | {"asset_no": code, "class_code": code},
                )
                for code in old
            ],
            CLERK,
        )
        found = plan(office, table, scope=EVERYTHING)
        clear = {code for code in old if len(targets.get((OLD, code), ())) == 1}
        assert {move.card.code for move in found.moves} == clear
        assert {each.card.code for each in found.open} == {
            code for code in old if len(targets.get((OLD, code), ())) > 1
        }
        assert sum(found.counts().values()) == len(old) == 892
        assert {each.code for each in found.unknown} == {
            code for code in old if (OLD, code) not in targets
        }
        assert all(found.counts().values())
        (receipt,) = apply(office, table, found, ACCOUNTANT, reason="试算")
        assert receipt.count == len(clear)
        assert plan(office, table, scope=EVERYTHING).counts() == found.counts() | {"moves": 0}


def test_a_line_is_what_the_file_says() -> None:
    (line, *_) = read_table(EXAMPLE).lines
    assert isinstance(line, Line)
    assert msgspec.structs.asdict(line)["to_code"] == "A02010108"
    assert line.evidence.line == 2


# At the command line ------------------------------------------------------------------


def run(*arguments: str, code: int = 0) -> str:
    """Run `gongwu classes` and return what it says."""
    result = CliRunner().invoke(cli.app, ["classes", str(EXAMPLE), *arguments])
    assert result.exit_code == code, result.output
    return result.output


def test_a_person_tries_out_chooses_and_records(
    office: Office, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GONGWU_DATABASE", office.settings.database)
    monkeypatch.setenv("GONGWU_PASSWORD", PASSWORD)
    card(office, "A1", "2010105", name="笔记本电脑")
    card(office, "A2", "6010200", name="会议桌")
    card(office, "A3", "2019900")
    before = office.book.head()
    form = tmp_path / "review.csv"
    said = run("--review", str(form))
    assert "可以调整：1 张" in said
    assert "A05010201 / A05010202" in said
    assert "对照表中没有：1 张" in said
    assert "以上为试算，未记账" in said
    assert office.book.head() == before
    text = form.read_text("utf-8-sig").replace("会议桌,\n", "会议桌,A05010202\n")
    form.write_text(text, "utf-8-sig")
    asked = ("--choices", str(form), "--as", "accountant", "--json")
    assert "--reason" in run("--apply", *asked, code=2)
    counts = json.loads(run("--apply", "--reason", "改用新国标", *asked))
    assert (counts["moves"], counts["open"], counts["recorded"]) == (2, 0, 2)
    assert classes(office, "A1", "A2") == [("A02010108", NEW), ("A05010202", NEW)]


def test_an_unreadable_table_is_refused_with_every_problem(
    office: Office, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GONGWU_DATABASE", office.settings.database)
    bad = tmp_path / "bad.csv"
    bad.write_text(HEADER + f"{OLD},1,{NEW},2,\n", "utf-8")
    result = CliRunner().invoke(cli.app, ["--lang", "en", "classes", str(bad)])
    assert result.exit_code == 1
    assert "1 is not how GB/T 14885-2010 writes its codes" in result.output
    assert "2 is not how GB/T 14885-2022 writes its codes" in result.output
    missing = CliRunner().invoke(cli.app, ["classes", str(tmp_path / "none.csv")])
    assert missing.exit_code == 2
