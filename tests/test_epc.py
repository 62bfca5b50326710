"""EPC: what is written on a radio tag is read back as the same identity, or refused with a reason."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given as each
from hypothesis import strategies as st

from labels import epc
from labels.epc import BadEpc, Sort
from labels.epc_schemes import CHARACTERS, KEYS, PREFIX

# Recognised as somebody else's by their header, and kept raw: we never write or resolve them.
NAMED_ONLY = {"adi-var", "cpi-96", "cpi-var", "usdod-96", "grai+"}
Rows = Callable[[str], Iterator[dict[str, str]]]


@pytest.fixture
def rows(shared_file: Callable[[str], Path]) -> Rows:
    def read(name: str) -> Iterator[dict[str, str]]:
        with shared_file(f"epc/{name}").open(encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file)

    return read


# The vectors of others ---------------------------------------------------------------


@pytest.mark.target("T88")
@pytest.mark.parametrize(
    ("name", "column"),
    [("public_suites.csv", "epc_hex"), ("tds_annex_e3.csv", "epc_hex_on_tag_word_padded")],
)
def test_every_published_vector_is_read_and_written(rows: Rows, name: str, column: str) -> None:
    seen = 0
    for row in rows(name):
        seen += 1
        found = epc.read(row[column])
        if row["scheme"].lower() in NAMED_ONLY:
            assert found.sort is Sort.FOREIGN, row
            assert epc.encode(found.tag) == found, row
        elif row["scheme"] == "GIAI+":
            assert f"(8004){found.giai}" == row["gs1_element_string"], row
        else:
            assert found.tag == row["epc_tag_uri"], row
            assert found.identity == row["epc_pure_identity_uri"], row
            assert epc.encode(found.tag) == found, row
    assert seen > 30


def test_lengths_as_published_are_read_too(rows: Rows) -> None:
    """A published GRAI-170 has 43 digits, a tag 44."""
    for row in rows("tds_annex_e3.csv"):
        published, on_tag = row["epc_hex_as_published"], row["epc_hex_on_tag_word_padded"]
        if row["scheme"].lower() not in NAMED_ONLY:
            assert epc.read(published) == epc.read(on_tag), row


@pytest.mark.target("T88")
def test_every_malformed_content_is_refused_and_kept_raw(rows: Rows) -> None:
    for row in rows("malformed_decode.csv"):
        with pytest.raises(BadEpc) as refused:
            epc.decode(row["epc_hex"])
        assert refused.value.zh and refused.value.en, row
        kept = epc.read(row["epc_hex"])
        assert kept.sort in (Sort.RAW, Sort.FACTORY), row
        assert row["epc_hex"] in kept.tag, row


@pytest.mark.target("T88")
def test_every_unwritable_tag_is_refused(rows: Rows) -> None:
    for row in rows("encode_refusals.csv"):
        with pytest.raises(BadEpc):
            epc.encode(row["epc_tag_uri"])


@pytest.mark.target("T88")
def test_every_invalid_identity_is_refused(rows: Rows) -> None:
    for row in rows("invalid_uris.csv"):
        with pytest.raises(BadEpc):
            epc.identity(row["invalid_epc_pure_identity_uri"])


def test_element_strings_of_assets_and_crates_agree(rows: Rows) -> None:
    seen = 0
    for row in rows("element_strings.csv"):
        uri, element = row["epc_pure_identity_uri"], row["gs1_element_string"]
        key = uri.split(":")[3]
        if key in KEYS:
            epc.identity(uri)
        if key in ("giai", "grai"):
            digits = int(row["gs1_company_prefix_length"])
            assert epc.element_string(uri) == element
            assert epc.from_element_string(element, prefix_digits=digits) == uri
            seen += 1
    assert seen > 5


# Traps -------------------------------------------------------------------------------


def test_a_reference_that_96_bits_cannot_keep_is_refused() -> None:
    """Without this, two assets get one EPC: GIAI-96 has no leading zeros."""
    epc.giai("697123456", "100000000007")
    for reference in ("0100000000007", "ZC1", "", "-1", "１２", str(1 << 52)):
        with pytest.raises(BadEpc):
            epc.giai("697123456", reference)
    kept = epc.giai("697123456", "007", bits=202)
    assert kept.parts == ("697123456", "007") != epc.giai("697123456", "7", bits=202).parts


def test_a_reference_may_hold_dots_and_its_length_counts_unescaped_characters() -> None:
    name = "ZC-2026.000123/%"
    assert epc.decode(epc.giai("0614141", name, bits=202).hex).parts[1] == name
    longest = "/" * (30 - 7)
    assert epc.decode(epc.giai("0614141", longest, bits=202).hex).parts[1] == longest
    with pytest.raises(BadEpc):
        epc.giai("0614141", longest + "/", bits=202)


@pytest.mark.parametrize("digits", range(6, 13))
def test_each_partition_holds_its_largest_reference_and_no_more(digits: int) -> None:
    bits = {length: 82 - width for width, length in PREFIX}[digits]
    prefix = "9" * digits
    assert epc.decode(epc.giai(prefix, str((1 << bits) - 1)).hex).parts[0] == prefix
    with pytest.raises(BadEpc):
        epc.giai(prefix, str(1 << bits))


@pytest.mark.parametrize(
    ("content", "sort"),
    [
        ("E2801190200050C1B0D0032A", Sort.FACTORY),
        ("000000000000000000000000", Sort.FACTORY),
        ("3034257BF7194E4000001A85", Sort.FOREIGN),
        ("3174257BF4499602D2000000", Sort.FOREIGN),
        ("3C34257BF400F12000000000", Sort.FOREIGN),
        ("341C00000000000000000001", Sort.RAW),
        ("FF74257BF40000000000162E", Sort.RAW),
        ("3474257bf4 0000000000 162e", Sort.GIAI),
        ("3474257BF40000000000162E0000", Sort.GIAI),
        ("3474257BF40000000000162E0001", Sort.RAW),
        ("3374257BF40C0E400000162E", Sort.GRAI),
        ("FA3952114132E83C2BF10000", Sort.GIAI),
        ("34", Sort.RAW),
    ],
)
def test_contents_are_told_apart(content: str, sort: Sort) -> None:
    found = epc.read(content)
    assert found.sort is sort and found.sort.zh and found.sort.en
    assert len(found.hex) % 4 == 0


@pytest.mark.parametrize("text", ["", "ZC-2026", "0x3474", "３４７４", "A" * 125, "34_25"])
def test_what_is_no_content_is_refused(text: str) -> None:
    for reading in (epc.read, epc.decode, lambda content: epc.tag_uris([content])):
        with pytest.raises(BadEpc):
            reading(text)


@pytest.mark.parametrize(
    ("content", "giai"),
    [
        ("FA3952114132E83C2BF10000", "952114132a/b"),
        ("FA0952114132F000", "952114132"),
        # 000 numeric, 00011 characters, 0000000111 their value
        ("FA09521141E" + f"{0b00000011_0000000111_00:05X}", "9521141007"),
        # 101 URN Code 40, 00011 characters, A·1600 + B·40 + C + 1
        ("FA09521141E" + f"{0b10100011 << 16 | 1 * 1600 + 2 * 40 + 3 + 1:06X}", "9521141ABC"),
    ],
)
def test_giai_plus_is_read(content: str, giai: str) -> None:
    assert epc.read(content).giai == giai


@pytest.mark.parametrize(
    "content", ["FA3", "FA3952", "FA3F", "FA3952AE", "FA3952EE3C2B", "FA3952F1"]
)
def test_a_broken_giai_plus_stays_raw(content: str) -> None:
    with pytest.raises(BadEpc):
        epc.decode(content)
    assert epc.read(content).sort is Sort.RAW


# Laws --------------------------------------------------------------------------------

prefixes = st.integers(6, 12).flatmap(lambda n: st.text("0123456789", min_size=n, max_size=n))


@each(prefixes, st.integers(0, (1 << 42) - 1), st.integers(0, 7))
def test_any_number_comes_back(prefix: str, reference: int, filter_: int) -> None:
    made = epc.giai(prefix, str(reference), filter_=filter_)
    assert epc.decode(made.hex) == made == epc.encode(made.tag)
    assert made.giai == prefix + str(reference)
    assert epc.tag_uris([made.hex, made.hex.lower()]) == [made.tag] * 2


@each(prefixes, st.text("".join(sorted(CHARACTERS)), min_size=1, max_size=18))
def test_any_text_comes_back(prefix: str, reference: str) -> None:
    made = epc.giai(prefix, reference, bits=202)
    assert epc.decode(made.hex) == made == epc.encode(made.tag)
    key, parts = epc.identity(made.identity)
    assert (key, parts) == ("giai", (prefix, reference))
    assert epc.from_element_string(
        epc.element_string(made.identity), prefix_digits=len(prefix)
    ) == made.identity  # fmt: skip


@each(st.binary(min_size=2, max_size=62).filter(lambda b: len(b) % 2 == 0))
def test_any_bytes_are_read_and_written_back(content: bytes) -> None:
    found = epc.read(content.hex())
    again = epc.encode(found.tag)
    assert again.tag == found.tag and again.hex == found.hex


@each(st.lists(st.binary(min_size=12, max_size=12).map(lambda b: "34" + b.hex()[2:])))
def test_the_fast_way_gives_the_same_answers(contents: list[str]) -> None:
    assert epc.tag_uris(contents * 2) == [epc.read(content).tag for content in contents * 2]
