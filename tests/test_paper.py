"""A printed paper says what was asked of it, on every page, in its own type, and nothing is lost."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import replace

import pypdfium2
import pytest
import zxingcpp
from hypothesis import given as each
from hypothesis import settings
from hypothesis import strategies as st
from pypdf import PdfReader
from pypdf.generic import DictionaryObject

from domain.values import yuan
from labels import glyphs, numerals, paper, paper_plan, paper_type, qr
from labels.paper_parts import Box, Column, Pair, Paper, Row, Table
from labels.paper_plan import BOTTOM, CODE, LEFT, RIGHT, SEAL, TOP, Code, Frame, Mark, Seal, Text

COLUMNS = (
    Column("序号", 5, "center"),
    Column("资产编号", 16),
    Column("名称", 20),
    Column("规格型号", 15),
    Column("数量", 8, "right"),
    Column("金额（元）", 14, money=True),
    Column("备注", 16),
)


def row(number: int, amount: int | None = 485_000, currency: str = "CNY", **said: str) -> Row:
    name, remark = said.get("name", "台式计算机"), said.get("remark", "")
    cells = (str(number), f"SL-{number:05}", name, "启天 M455", "1 台", remark)
    return Row(cells, amount, currency)


def listing(count: int) -> Table:
    return Table(COLUMNS, tuple(row(n, 100_000 + n) for n in range(1, count + 1)))


LOAN = Paper(
    kind="application",
    title="资产借用申请表",
    number="示机管借〔2026〕0012号",
    unit="示例市机关事务管理局",
    warehouse="示例市公物仓",
    date="2026-03-18",
    identity="gongwu:loan/EX9PY6ZVJK87/application?entry=1&position=7&size=9&root=be8badbf1a408950",
    reflects="依据账本第 7 条；打印时账本共 9 条，树根 " + "be8badbf" * 8,
    pairs=(
        Pair("借用单位", "示例市教育局"),
        Pair("应还日期", "2026-06-30"),
        Pair("用途", "全市高考考务保障，需要台式计算机若干。" * 9, wide=True),
    ),
    table=listing(5),
    boxes=(
        Box("申请单位意见", signatures=("经办人", "负责人")),
        Box("审批部门意见", "同意（张三，2026-03-19）", ("审核人", "负责人")),
        Box("财政部门意见", signatures=("审核人",)),
    ),
    notes=("本表一式两份。",),
)
ENGLISH = replace(
    LOAN,
    title="Application: loan of assets",
    unit="Example City Offices Administration",
    pairs=(
        Pair("Borrower", "Example City Education Bureau"),
        Pair("Purpose", "Examinations", True),
    ),
    language="en",
)
RARE = replace(LOAN, unit="䶮㙍𬭊乡人民政府", pairs=(Pair("姓名", "𠮷𬱖𫖯"),), table=None, boxes=())


def pages(printed: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(printed)).pages]


def solid(text: str) -> str:
    """Return text without blanks: a line may break anywhere between two Chinese characters."""
    return re.sub(r"\s", "", text)


def texts(given: Paper) -> Iterator[str]:
    yield from (given.title, given.number, given.unit, given.warehouse, given.date)
    yield from (given.identity, given.reflects, *given.notes)
    for pair in given.pairs:
        yield from (pair.caption, pair.text)
    for line in given.table.rows if given.table else ():
        yield from line.cells
        if line.amount is not None:
            yield yuan(line.amount)
    for box in given.boxes:
        yield from (box.caption, box.text, *box.signatures)


# Text ---------------------------------------------------------------------------


@pytest.mark.target("T35")
@pytest.mark.parametrize("given", [LOAN, ENGLISH, RARE])
def test_the_text_of_a_paper_is_its_data(given: Paper) -> None:
    said = solid("".join(pages(paper.pdf(given))))
    assert [t for t in texts(given) if solid(t) not in said] == []


@pytest.mark.target("T35")
def test_amounts_are_summed_and_written_out() -> None:
    said = solid("".join(pages(paper.pdf(LOAN))))
    total = sum(line.amount or 0 for line in listing(5).rows)
    assert f"合计5项¥{yuan(total)}" in said
    assert f"（大写）{numerals.capitals(total)}" in said
    assert "（盖章处）" in said
    assert solid("第 1 页　共 1 页") in said
    english = solid("".join(pages(paper.pdf(ENGLISH))))
    assert solid(f"In words: {numerals.in_english(total)}") in english
    assert "Page1of1" in english


def test_what_has_no_amount_is_in_no_total_and_currencies_are_never_mixed() -> None:
    rows = (row(1, 100), row(2, None), row(3, 250, "USD"), row(4, 50))
    said = solid("".join(pages(paper.pdf(replace(LOAN, table=Table(COLUMNS, rows))))))
    assert "¥1.50" in said
    assert "USD2.50" in said
    assert "其中1项未载明金额，不计入合计" in said
    assert "人民币壹元伍角整" in said
    assert "美元贰元伍角整" in said


@pytest.mark.target("T35")
def test_every_page_carries_its_own_subtotal_and_they_add_up() -> None:
    """2,000 rows: heads repeated, every row once and whole, the subtotals sum to the total."""
    given = replace(LOAN, table=listing(2_000))
    printed = [solid(text) for text in pages(paper.pdf(given))]
    assert len(printed) > 40
    seen: list[str] = []
    sums = 0
    for number, text in enumerate(printed, start=1):
        assert f"第{number}页共{len(printed)}页" in text
        assert "资产编号" in text
        numbers = re.findall(r"SL-\d{5}", text)
        seen += numbers
        found = re.search(r"本页小计([\d,]+)项¥([\d,]+\.\d\d)", text)
        assert found
        assert int(found[1].replace(",", "")) == len(numbers)
        sums += int(found[2].replace(",", "").replace(".", ""))
    assert seen == [f"SL-{n:05}" for n in range(1, 2_001)]
    assert sums == sum(100_000 + n for n in range(1, 2_001))
    assert f"合计2,000项¥{yuan(sums)}" in printed[-1]


def test_a_list_beyond_the_limit_is_refused_in_words() -> None:
    with pytest.raises(paper.TooLong) as refused:
        paper.pdf(replace(LOAN, table=Table(COLUMNS, (row(1),) * (paper.ROWS_MAX + 1))))
    assert "10,001" in refused.value.zh
    assert "10,001" in refused.value.en


def test_a_character_the_type_lacks_is_named_not_lost() -> None:
    said = solid("".join(pages(paper.pdf(replace(LOAN, unit="示例🚗市")))))
    assert "示例〔U+1F697〕市" in said
    assert "字库没有的字以编码印出：U+1F697。" in said


# Type ---------------------------------------------------------------------------


def fonts(printed: bytes) -> dict[str, DictionaryObject]:
    return {
        name: font.get_object()
        for page in PdfReader(io.BytesIO(printed)).pages
        for name, font in page["/Resources"]["/Font"].items()  # type: ignore[index] # pages have fonts
    }


@pytest.mark.target("T35")
@pytest.mark.parametrize("given", [LOAN, ENGLISH, RARE])
def test_every_font_is_embedded_and_can_be_copied_from(given: Paper) -> None:
    used = fonts(paper.pdf(given))
    assert used
    for font in used.values():
        assert "/FontFile2" in font["/FontDescriptor"].get_object()  # type: ignore[operator] # a dictionary
        assert "/ToUnicode" in font
        assert re.match(r"/[A-Z]{6}\+NotoSansCJKsc", str(font["/BaseFont"]))


def test_the_type_has_every_character_of_the_standard_table() -> None:
    table = (glyphs.FONTS / "tgscc.txt").read_text(encoding="utf-8").split()
    assert len(set(table)) == 8105
    assert paper_type.missing(table) == ()
    assert paper_type.missing(["䶮㙍𬭊𠮷 ＡＢ（）《》〔〕℃㎡①Ⅳ￥¥€àßЖΩぁ"]) == ()


def test_the_type_is_the_one_its_recipe_made() -> None:
    sums = (glyphs.FONTS / "SHA256SUMS.papers").read_text().split()
    made = dict(zip(sums[1::2], sums[::2], strict=True))
    assert set(made) == {paper_type.file(part).name for part in paper_type.PARTS}
    for name, digest in made.items():
        assert hashlib.sha256((glyphs.FONTS / name).read_bytes()).hexdigest() == digest


# The page -----------------------------------------------------------------------


def pictures(printed: bytes, scale: int = 2) -> list:
    document = pypdfium2.PdfDocument(printed)
    try:
        return [page.render(scale=scale).to_pil().convert("L") for page in document]
    finally:
        document.close()


@pytest.mark.target("T35")
@pytest.mark.parametrize("given", [LOAN, ENGLISH, RARE, replace(LOAN, table=listing(60))])
def test_a_scanner_reads_the_identity_off_the_picture_of_the_page(given: Paper) -> None:
    first, *rest = pictures(paper.pdf(given))
    assert [found.text for found in zxingcpp.read_barcodes(first)] == [given.identity]
    assert all(zxingcpp.read_barcodes(picture) == [] for picture in rest)


@pytest.mark.target("T35")
@pytest.mark.parametrize("given", [LOAN, ENGLISH, RARE, replace(LOAN, table=listing(60))])
def test_the_picture_of_every_page_is_its_plan(given: Paper) -> None:
    """Every planned line, frame, seal and code has ink where it was planned; nothing else has."""
    scale = 2
    planned = paper_plan.pages(given)
    drawn = pictures(paper.pdf(given), scale)
    assert len(drawn) == len(planned)
    for picture, marks in zip(drawn, planned, strict=True):
        ink = picture.point(lambda value: 255 if value < 225 else 0)
        for mark in marks:
            box = tuple(round(scale * edge) for edge in extent(mark))
            assert (isinstance(mark, Text) and not mark.text.strip()) or ink.crop(box).getbbox(), (
                mark
            )
        for mark in marks:
            left, top, right, bottom = extent(mark)
            around = (left - 1.5, top - 1.5, right + 1.5, bottom + 1.5)
            ink.paste(0, tuple(round(scale * edge) for edge in around))
        assert ink.getbbox() is None


def extent(mark: Mark) -> tuple[float, float, float, float]:
    """Return the rectangle in which a mark is drawn, in points from the upper left corner."""
    match mark:
        case Text(text=text, x=x, baseline=y, size=size):
            return x, y - size, x + paper_type.width(text, size), y + size * 0.35
        case Frame(x=x, y=y, width=width, height=height):
            return x, y, x + width, y + height
        case Seal(x=x, y=y):
            return x - SEAL, y - SEAL, x + SEAL, y + SEAL
        case Code(x=x, y=y):
            return x, y, x + CODE, y + CODE


def test_the_same_paper_gives_the_same_bytes_and_another_gives_others() -> None:
    assert paper.pdf(LOAN) == paper.pdf(LOAN)
    assert paper.pdf(LOAN) != paper.pdf(replace(LOAN, number="示机管借〔2026〕0013号"))


def test_a_mark_is_written_across_every_page() -> None:
    given = replace(LOAN, mark="已红冲", table=listing(60))
    assert all("已红冲" in text for text in pages(paper.pdf(given)))
    assert not any("已红冲" in text for text in pages(paper.pdf(LOAN)))


words = st.text(
    st.sampled_from("资产台式计算机，。（）〔〕abcdefgh XYZ-/.,;:%¥0123456789\n𬭊🚗\u200b\t"),
    max_size=600,
)
captions = st.text(st.sampled_from("申请单位意见（） abcdefgh\n🚗"), max_size=120)


@settings(max_examples=25, deadline=None)
@each(
    st.lists(st.builds(Pair, captions, words, st.booleans()), max_size=8),
    st.lists(
        st.builds(
            Row,
            st.tuples(words, words, words, words, words, words),
            st.none() | st.integers(0, 2**53 - 1),
            st.sampled_from(["CNY", "USD"]),
        ),
        max_size=30,
    ),
    st.lists(st.builds(Box, captions, words, st.tuples(captions)), max_size=5),
    st.lists(words, max_size=3),
)
def test_whatever_is_typed_stays_inside_the_page(
    pairs: list[Pair], rows: list[Row], boxes: list[Box], notes: list[str]
) -> None:
    """No overflow: every line and every frame lies inside the margins; no line is left out."""
    given = replace(
        LOAN,
        pairs=tuple(pairs),
        table=Table(COLUMNS, tuple(rows)),
        boxes=tuple(boxes),
        notes=tuple(notes),
    )
    planned = paper_plan.pages(given)
    written = "".join(m.text for page in planned for m in page if isinstance(m, Text))
    # Nothing is lost either: a character that stands nowhere but in what was typed.
    typed = [c for r in rows for c in r.cells] + [p.text for p in pairs] + notes
    typed += [box.text for box in boxes]
    assert written.count("𬭊") == "".join(typed).count("𬭊")
    for page in planned:
        for mark in page:
            match mark:
                case Text(text=text, x=x, baseline=y, size=size):
                    assert x >= LEFT - 0.01
                    assert x + paper_type.width(text, size) <= RIGHT + 0.01
                    assert y <= 842 - 20
                case Frame(x=x, y=y, width=width, height=height):
                    assert x >= LEFT - 0.01
                    assert x + width <= RIGHT + 0.01
                    assert y >= TOP - 0.01
                    assert y + height <= BOTTOM + 0.01
                case _:
                    pass


@settings(max_examples=60, deadline=None)
@each(words, st.floats(20, 400))
def test_wrapping_loses_nothing_and_fits(text: str, room: float) -> None:
    tidy = paper_type.tidy(text)
    lines = paper_type.wrap(tidy, 9, room)
    assert solid("".join(lines)) == solid(tidy)
    assert all(paper_type.width(line, 9) <= room + 0.01 or len(line) == 1 for line in lines)


def test_an_identity_that_no_code_holds_is_refused() -> None:
    with pytest.raises(qr.DoesNotFit):
        paper.pdf(replace(LOAN, identity="x" * 301))
