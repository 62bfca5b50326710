"""Every step that leaves a paper leaves one that says what the ledger says, as it was that day."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from doors import Door, app_of, registered, staffed
from pypdf import PdfReader
from starlette.testclient import TestClient
from typer.testing import CliRunner

import domain.lives  # noqa: F401 - every fact must be known
from api import city, cli, demo, papers, papers_words, policies, tabulating
from api.app import create_app
from api.office import Actor, Office
from api.settings import Settings
from domain.approval import Endorsed, RouteLaid, Stage
from domain.decider import FACTS, LIFECYCLES, Lang
from domain.paper_forms import PaperForm
from domain.policy import GENERIC
from domain.values import yuan
from domain.warehouse import Books, IntakeApproved
from labels import numerals, paper
from labels.paper_parts import Paper
from ledger.entry import Draft
from projections.scope import EVERYTHING

ADMIN = Actor(person="u_admin", unit="o_a", role="admin")
CLERK = Actor(person="u_clerk", unit="o_p", role="clerk")
GUIDE = Path(__file__).resolve().parents[1] / "docs" / "papers.md"
OFFICE = Actor(person="u_office", unit="o_p", role="office")
MARCH = date(2025, 3, 1)
FEBRUARY = date(2025, 2, 1)


def text_of(printed: bytes) -> str:
    """Return the text of a document without blanks: lines may break anywhere."""
    pages = PdfReader(io.BytesIO(printed)).pages
    return re.sub(r"\s", "", "".join(page.extract_text() for page in pages))


def printed(
    office: Office, stream: str, form: PaperForm, lang: Lang = "zh", at: int | None = None
) -> str:
    made = papers.printed(office, office.book.stream(stream), form.value, lang, at=at)
    return text_of(paper.pdf(made))


# The table ----------------------------------------------------------------------


@pytest.mark.target("T35")
def test_each_form_is_left_by_something_and_says_who_signs() -> None:
    left = {form for kind in LIFECYCLES for form in papers.forms_of(kind)}
    assert left == set(PaperForm)
    assert set(papers_words.SIGNERS) == set(PaperForm)


def test_every_request_and_every_approval_of_a_case_leaves_its_paper() -> None:
    """Who adds a kind of case is reminded of its papers."""
    step = re.compile(
        r"(acquisition|disposal|intake|lease|loan|plan|reallocation)"
        r"\.(applied|approved|authorised|proposed|requested|reviewed|submitted)"
    )
    asked = {name for name in FACTS if step.fullmatch(name)}
    assert {name for name in asked if not FACTS[name].papers} == set()


@pytest.mark.target("T20")
def test_whatever_somebody_does_in_a_duty_leaves_a_paper() -> None:
    bare = {name for name, fact in FACTS.items() if fact.duty and not fact.papers}
    # The paper of a decision says what it declined; a device that joins a count decides nothing.
    assert bare == {"case.items_declined", "stocktake.count_joined"}


def test_the_guide_names_every_form() -> None:
    told = re.findall(
        r"^\| `([a-z-]+)` \| (\S+) \| (.+) \|$", GUIDE.read_text("utf-8"), re.MULTILINE
    )
    assert told == [(form.value, form.words.zh, form.words.en) for form in PaperForm]


@pytest.mark.target("T20")
def test_the_generated_pages_say_which_paper_a_step_leaves() -> None:
    steps, facts = tabulating.lifecycle_page(), tabulating.events_page()
    for fact in (f for f in FACTS.values() if f.papers):
        entry = facts.split(f"### `{fact.type_name}` ", 1)[1].split("###", 1)[0]
        assert all(f"`{form.value}`" in entry for form in fact.papers)
    assert re.search(
        r"^\| 同意入仓.*\| 审批表、调出方记账凭证建议、调入方记账凭证建议 \|", steps, re.MULTILINE
    )


# The example city ---------------------------------------------------------------


@pytest.fixture(scope="module")
def example(module_database: str) -> Iterator[Office]:
    office = Office.open(Settings(database=module_database, demo=True))
    office.accounts._hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    demo.introduce(office.accounts, lambda *_: None)
    city.load(office.book, None)
    office.models.catch_up(office.book)
    office.rules.forget()
    yield office
    office.close()


def all_papers(office: Office, lang: Lang) -> Iterator[Paper]:
    """Yield the longest paper of every kind and form of the example city, and of every step."""
    found: dict[tuple[str, PaperForm, str], tuple[int, str, int]] = {}
    for name in sorted({entry.stream for entry in office.book.entries()}):
        kind = name.partition("/")[0]
        if not papers.forms_of(kind):
            continue
        for leaf in papers.available(office.book.stream(name)):
            listed = len(getattr(leaf.entry.event, "assets", ())) or leaf.entry.seq
            which = kind, leaf.form, papers.step(leaf.form, leaf.entry.event)
            found[which] = max(found.get(which, (0, "", 0)), (listed, name, leaf.entry.seq))
    for (_, form, _), (_, name, seq) in found.items():
        yield papers.printed(office, office.book.stream(name), form.value, lang, at=seq)
    unit = next(e.stream for e in office.book.entries() if e.stream.startswith("unit/"))
    yield papers.counted(office, EVERYTHING, office.book.stream(unit), "2026-06-30", lang)


def test_of_every_kind_of_entry_there_is_a_record_sheet_when_it_is_asked_for(
    example: Office,
) -> None:
    one_of = {e.event.type_name: e for e in example.book.entries()}
    for name, entry in one_of.items():
        stream = example.book.stream(entry.stream)
        sheet = papers.printed(example, stream, PaperForm.RECORD, "zh", at=entry.seq)
        assert sheet.pairs, name


@pytest.mark.target("T35")
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_text_of_every_form_is_its_data(example: Office, lang: Lang) -> None:
    made = list(all_papers(example, lang))
    elsewhere = {PaperForm.USE_CERTIFICATE, PaperForm.SEARCH}  # no premises and no plans there
    assert {p.kind for p in made} >= set(PaperForm) - elsewhere
    listless = [one for one in made if one.table is None and one.kind != PaperForm.RECORD]
    assert len(listless) <= 4  # of a reorganisation
    for one in made:
        said = text_of(paper.pdf(one))
        rows = (
            one.table.rows if one.table else ()
        )  # all that a unit has is not listed piece by piece
        given = [one.title, one.number, one.unit, one.date, one.identity, one.reflects]
        given += [t for pair in one.pairs for t in (pair.caption, pair.text)]
        given += [c for row in rows for c in row.cells]
        given += [yuan(row.amount) for row in rows if row.amount is not None]
        total = sum(row.amount or 0 for row in rows)
        if one.table is not None and one.table.money:
            given.append((numerals.capitals if lang == "zh" else numerals.in_english)(total))
        given += [t for box in one.boxes for t in (box.caption, box.text, *box.signatures)]
        lost = [t for t in given if re.sub(r"\s", "", t) not in said]
        assert lost == [], one.title


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_papers_say_names_and_words_never_ids_or_slugs(example: Office, lang: Lang) -> None:
    for one in all_papers(example, lang):
        said = [one.unit, one.warehouse, *(t for p in one.pairs for t in (p.caption, p.text))]
        assert [t for t in said if re.search(r"\b[a-z]+_[a-z]|\bEX[0-9A-Z]{10}", t)] == [], (
            one.title
        )
        if lang == "zh":
            assert [p.caption for p in one.pairs if p.caption.isascii()] == [], one.title


def test_an_application_has_a_place_to_sign_for_each_step_of_its_route(example: Office) -> None:
    laid = next(e for e in example.book.entries() if isinstance(e.event, RouteLaid))
    stream = example.book.stream(laid.stream)
    route = laid.event
    assert isinstance(route, RouteLaid)
    form = papers.available(stream)[0].form
    made = papers.printed(example, stream, form.value, "zh", at=stream.entries[0].seq)
    assert len(made.boxes) == 1 + len(route.stages)
    assert made.notes[0].startswith("适用规则：")
    assert route.policy in made.notes[0]


def test_an_example_is_marked_on_every_page(example: Office) -> None:
    for one in all_papers(example, "zh"):
        assert one.mark == "示例", (one.title, one.number, one.unit, one.identity)


# As it was that day -------------------------------------------------------------


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    with ready(database) as opened:
        yield opened


@contextmanager
def ready(database: str) -> Iterator[Office]:
    """Lend an office whose unit and warehouse have existed since February."""
    with staffed(database) as opened:
        unit = {"name": "示例市审计局", "kind": "organ"}
        opened.ask("unit/o_p", "establish", unit, ADMIN, on=FEBRUARY)
        place = {"name": "一号库", "kind": "warehouse", "unit": "o_p"}
        opened.ask("place/p1", "open_place", place, ADMIN, on=FEBRUARY)
        yield opened


def applied(office: Office, count: int = 2, id_: str = "I1") -> str:
    """Register some computers in March and apply for their intake into the warehouse."""
    cards = [
        (f"asset/A{n}", "register_existing", {"asset_no": f"SL-{n:04}", "name": "笔记本电脑", "kind": "computer", "unit": "o_p", "value": 500_000 + n})
        for n in range(count)
    ]  # fmt: skip
    office.ask_many(cards, CLERK, on=MARCH)
    assets = tuple(f"A{n}" for n in range(count))
    form = {
        "unit": "o_p",
        "ground": "idle",
        "warehouse": "p1",
        "assets": assets,
        "note": "机构合并",
    }
    office.ask(f"intake/{id_}", "apply", form, CLERK, on=MARCH)
    return f"intake/{id_}"


@pytest.mark.target("T35", "T11")
def test_a_paper_says_names_and_amounts_of_its_day_whatever_came_later(office: Office) -> None:
    stream = applied(office)
    before = papers.printed(office, office.book.stream(stream), "application", "zh")
    renamed = {"name": "示例市审计和国资局", "reason": "机构改革"}
    office.ask("unit/o_p", "rename", renamed, ADMIN, on=date(2025, 6, 1))
    office.ask("asset/A0", "correct_card", {"reason": "笔误", "name": "台式机"}, CLERK)
    after = papers.printed(office, office.book.stream(stream), "application", "zh")
    assert after.table == before.table
    assert (after.unit, after.pairs, after.number) == (before.unit, before.pairs, before.number)
    assert after.unit == "示例市审计局"
    assert after.reflects != before.reflects  # the ledger has grown, and the paper says so


@pytest.mark.target("T35")
def test_a_paper_names_the_rules_that_were_applied_by_title_and_version(office: Office) -> None:
    stream = applied(office)
    made = papers.printed(office, office.book.stream(stream), "application", "zh")
    assert made.notes[0] == f"适用规则：{GENERIC.title.zh} {GENERIC.reference}。"
    english = papers.printed(office, office.book.stream(stream), "application", "en")
    assert english.notes[0] == f"Rules applied: {GENERIC.title.en} {GENERIC.reference}."


def test_every_article_is_cited_in_the_readers_language() -> None:
    for rules in policies.shipped().values():
        for article in rules.articles:
            assert papers.law(article, "zh") == f"{article.regulation}{article.article}"
            assert "》" not in papers.law(article, "en")


def test_a_paper_names_the_position_and_the_root_it_was_made_from(office: Office) -> None:
    stream = applied(office)
    size, root, _ = office.book.head()
    entry = office.book.stream(stream).entries[0]
    made = papers.printed(office, office.book.stream(stream), "application", "zh")
    assert f"账本第 {entry.position} 条" in made.reflects
    assert f"账本共 {size} 条，树根 {root.hex()}" in made.reflects
    assert made.identity.startswith(
        f"gongwu:{stream}/application?entry=1&position={entry.position}"
    )
    assert "http" not in made.identity


def test_a_reversed_step_leaves_no_paper_and_its_old_one_is_marked(office: Office) -> None:
    stream = applied(office)
    office.reverse(stream, 1, CLERK, reason="重复提交")
    assert papers.available(office.book.stream(stream)) == []
    with pytest.raises(papers.NoPaper) as none:
        printed(office, stream, PaperForm.APPLICATION)
    assert "申请表" in none.value.zh
    assert "application" in none.value.en
    assert "已红冲" in printed(office, stream, PaperForm.APPLICATION, at=1)
    assert "REVERSED" in printed(office, stream, PaperForm.APPLICATION, "en", at=1)


@pytest.mark.target("T35")
def test_the_right_to_use_premises_is_certified_on_paper(office: Office) -> None:
    """内蒙古令238号 第22条: number, unit, area and agreement stand on the certificate."""
    card = {
        "asset_no": "FW-1",
        "name": "办公楼东楼",
        "kind": "premises",
        "unit": "o_p",
        "value": 900_000_000,
    }
    office.ask("asset/F1", "register_existing", card, CLERK, on=MARCH)
    area = {"area_approved": "1200", "order_no": "示管核〔2025〕3号"}
    office.ask("asset/F1", "approve_area", area, OFFICE, on=MARCH)
    given = {
        "area": "1150.5",
        "agreement_no": "示用协〔2025〕9号",
        "certificate_no": "示房用证第0007号",
    }
    office.ask("asset/F1", "issue_use_certificate", given, OFFICE, on=MARCH)
    said = printed(office, "asset/F1", PaperForm.USE_CERTIFICATE)
    for text in (
        "房屋使用凭证",
        "编号：示房用证第0007号",
        "示例市审计局",
        "1150.5",
        "示用协〔2025〕9号",
    ):
        assert text in said
    assert "（大写）人民币玖佰万元整" in said
    assert "Usecertificateforpremises" in printed(
        office, "asset/F1", PaperForm.USE_CERTIFICATE, "en"
    )


@pytest.mark.target("T35")
def test_a_case_with_a_route_prints_its_steps_and_what_they_decided(office: Office) -> None:
    """The boxes to sign are the steps of the route; what was decided stands in them."""
    route = RouteLaid(
        policy="nmg@3",
        stages=(Stage(role="department", unit="o_p"), Stage(role="finance")),
        cites=("002-18",),
    )
    stream = applied(office)
    opened = office.book.stream(stream)
    laid, last = opened.entries[0], opened.version
    decided = (
        (last + 1, route, "u_clerk"),
        (last + 2, Endorsed(note="情况属实"), "u_head"),
        (
            last + 3,
            IntakeApproved(
                keeper_unit="o_p",
                virtual=False,
                books=Books.CUSTODY_ONLY,
                approval_no="示批〔2025〕1号",
            ),
            "u_finance",
        ),
    )
    drafts = [
        Draft(
            stream=stream,
            seq=seq,
            event=event,
            actor=who,
            cause="c1",
            effective_at=laid.effective_at,
        )
        for seq, event, who in decided
    ]
    office.book.append(drafts, actor="u_clerk", cause="c1")
    office.show(office.book.head()[0])
    form = papers.printed(office, office.book.stream(stream), "approval", "zh")
    assert [box.caption for box in form.boxes] == [
        "申请单位意见",
        "示例市审计局（主管部门）意见",
        "＿＿＿＿（财政部门）意见",
    ]
    assert form.boxes[1].text == "同意并上报：情况属实（示例head，2025-03-01）"
    assert form.boxes[2].text.startswith("同意入仓")
    asked = papers.printed(office, office.book.stream(stream), "application", "zh")
    assert [box.text for box in asked.boxes] == ["", ""]  # nothing was decided yet


@pytest.mark.target("T35")
def test_a_stocktake_sheet_lists_what_the_books_hold_on_a_day(office: Office) -> None:
    applied(office, 3)
    unit = office.book.stream("unit/o_p")
    sheet = papers.counted(office, EVERYTHING, unit, "2025-03-01", "zh")
    assert sheet.table is not None
    assert [row.cells[1] for row in sheet.table.rows] == ["SL-0000", "SL-0001", "SL-0002"]
    assert "实盘数量" in text_of(paper.pdf(sheet))
    before = papers.counted(office, EVERYTHING, unit, "2025-02-28", "zh")
    assert before.table is not None
    assert before.table.rows == ()
    assert "合计0项" in text_of(paper.pdf(before))


@pytest.mark.target("T35")
def test_an_application_with_2000_assets_is_printed_while_one_waits(database: str) -> None:
    with ready(database) as office:
        stream = applied(office, 2_000)
        begun = time.perf_counter()
        said = printed(office, stream, PaperForm.APPLICATION)
        took = time.perf_counter() - begun
        assert said.count("笔记本电脑") == 2_000
        total = sum(500_000 + n for n in range(2_000))
        assert f"合计2,000项¥{yuan(total)}（大写）{numerals.capitals(total)}" in said
        # Generous for a slow machine; most of it is reading the text back.
        assert took < 30


# The doors ----------------------------------------------------------------------


@pytest.mark.target("T35")
def test_programs_get_a_paper_in_their_language(office: Office) -> None:
    stream = applied(office)
    door = Door(app_of(office))
    answer = door.get(f"papers/{stream}/application.pdf")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    assert answer.content.startswith(b"%PDF-")
    assert "资产入仓申请表" in text_of(answer.content)
    english = door.get(f"papers/{stream}/application.pdf", lang="en", at="1")
    assert "Application:intake" in text_of(english.content)
    assert door.get("papers/unit/o_p/stocktake-sheet.pdf", on="2025-03-01").status_code == 200


def test_what_leaves_no_paper_is_not_found_and_says_why(office: Office) -> None:
    stream = applied(office)
    door = Door(app_of(office))
    registered(door, "B1", asset_no="SL-B1")
    application, sheet = f"papers/{stream}/application.pdf", "papers/unit/o_p/stocktake-sheet.pdf"
    assert door.get(f"papers/{stream}/approval.pdf").status_code == 404  # nobody approved yet
    assert door.get("papers/intake/NONE/application.pdf").status_code == 404
    assert door.get("papers/asset/B1/disposal-form.pdf").status_code == 404  # not of this kind
    assert door.get(application, at="99").status_code == 404
    assert door.get(application, at="x").status_code == 422
    assert door.get(sheet, on="yesterday").status_code == 422
    said = door.get(f"papers/{stream}/approval.pdf").json()
    assert said["slug"] == "no-such-paper"
    assert "审批表" in said["detail"]


def test_the_page_of_a_case_offers_its_papers(example: Office) -> None:
    token = example.accounts.sign_in(next(a for a in example.accounts.all() if a.login == "clerk"))
    client = TestClient(create_app(example.settings, example), follow_redirects=False)
    name = next(e.stream for e in example.book.entries() if e.event.type_name == "loan.requested")
    url = f"/papers/{name}/application.pdf?at=1"
    assert client.get(url).status_code in (302, 303, 307)  # nobody is signed in
    client.cookies.set("session", token)
    page = client.get(f"/cases/{name}").text
    assert url in page
    document = client.get(url)
    assert document.headers["content-type"] == "application/pdf"
    assert "inline" in document.headers["content-disposition"]
    assert "资产借用申请表" in text_of(document.content)
    assert client.get(f"/papers/{name}/stocktake-sheet.pdf").status_code == 404
    assert client.get(f"/papers/{name}/application.pdf?at=99").status_code == 422
    unit = next(e.stream for e in example.book.entries() if e.stream.startswith("unit/"))
    assert f"/papers/{unit}/stocktake-sheet.pdf" in client.get(f"/units/{unit[5:]}").text


def test_the_command_line_writes_the_same_paper(database: str, tmp_path: Path) -> None:
    with ready(database) as office:
        stream = applied(office)
        made = papers.printed(office, office.book.stream(stream), "application", "zh")
        expected = paper.pdf(made)
    runner, file = CliRunner(), tmp_path / "a.pdf"
    base = ["--database", database, "--lang", "zh", "paper", stream]
    done = runner.invoke(cli.app, [*base, "application", "-o", str(file)])
    assert done.exit_code == 0, done.output
    assert file.read_bytes() == expected
    assert "资产入仓申请表" in done.output
    assert runner.invoke(cli.app, [*base, "approval", "-o", str(file)]).exit_code == 1
    unknown = runner.invoke(cli.app, [*base, "letter", "-o", str(file)])
    assert unknown.exit_code == 2
    assert "application" in unknown.output
