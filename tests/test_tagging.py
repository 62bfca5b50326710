"""Radio tags and GIAI: bound beside the label, each content once, the old one still recognised."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
from given import Ledger, given

from domain import asset, giai, tagging
from domain.asset import AssetRegistered, Kind
from domain.decider import Ask
from domain.giai import GiaiGiven, GiaiTakenOver, PrefixRecorded, PrefixShared
from domain.leaving import Derecognised, PutUpForDisposal
from domain.tagging import GiaiAssigned, TagBound, TagVoided
from domain.words import Role
from labels import epc
from ledger.book import NUMBER_TAKEN

past = partial(given, asset.lifecycle)
register = partial(given, giai.lifecycle)

GIAI_96 = epc.giai("697123456", "100000000007").hex
FACTORY, OTHER = "E2801190200050C1B0D0032A", "E2801190200050C1B0D0032B"
TID = "E28011902000A1B2C3D40001"

carded = AssetRegistered(asset_no="ZC-1", name="会议桌", kind=Kind.FURNITURE, unit="o_a")
bound = TagBound(epc=FACTORY, tid=TID)
voided = TagVoided(epc=FACTORY, reason="脱落")
held = PrefixRecorded(unit="o_a", certificate_no="物编2024")


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    book = Ledger(database)
    yield book
    book.close()


# Tags --------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [GIAI_96, FACTORY, "3874257BF59B2C2BF1" + "0" * 34])
def test_a_tag_is_bound_whatever_stands_on_it(content: str) -> None:
    past(carded).when(tagging.bind_tag, epc=content.lower(), tid="e280 1190").then(
        TagBound(epc=content, tid="E2801190")
    ).then_state(tag=content, tag_tid="E2801190", label="")


@pytest.mark.parametrize("content", ["ZC-1", "E28", "E28011", "０E28", "A" * 128])
def test_what_is_no_content_is_not_bound(content: str) -> None:
    past(carded).when(tagging.bind_tag, epc=content).then_refused(tagging.WORDS)
    past(carded).when(tagging.bind_tag, epc=FACTORY, tid=content).then_refused(tagging.WORDS)


def test_a_blank_tag_is_not_bound() -> None:
    past(carded).when(tagging.bind_tag, epc="0" * 24).then_refused(tagging.WRITTEN)


def test_an_asset_has_one_active_tag_and_remembers_the_old_ones() -> None:
    past(carded, bound).when(tagging.bind_tag, epc=OTHER).then_refused(tagging.WITHOUT_TAG)
    past(carded, bound).when(tagging.replace_tag, epc=OTHER, reason="脱落").then(
        voided, TagBound(epc=OTHER)
    ).then_state(tag=OTHER, tag_tid="", tags_voided=(FACTORY,))
    past(carded, bound).when(tagging.void_tag, reason="脱落").then(voided).then_state(tag="")
    past(carded).when(tagging.void_tag, reason="脱落").then_refused(tagging.WITH_TAG)


def test_a_voided_content_is_not_bound_again() -> None:
    """The same content on another chip would be a copy of the tag that was thrown away."""
    past(carded, bound, voided).when(tagging.bind_tag, epc=FACTORY, tid=TID).then_refused(
        tagging.TAG_VOIDED
    )
    past(carded, bound).when(tagging.replace_tag, epc=FACTORY, reason="换").then_refused(
        tagging.TAG_VOIDED
    )


def test_a_chip_may_be_written_anew() -> None:
    past(carded, bound).when(tagging.replace_tag, epc=GIAI_96, tid=TID, reason="写码").then_state(
        tag=GIAI_96, tag_tid=TID
    )


def test_tags_end_with_the_card() -> None:
    gone = (carded, bound, PutUpForDisposal(case="disposal/D", approval_no="批1"), Derecognised(voucher="记-9"))  # fmt: skip
    past(*gone).when(tagging.replace_tag, epc=OTHER, reason="旧").then_refused(asset.STILL_OURS)
    past(*gone).when(tagging.void_tag, reason="旧").then_refused(asset.STILL_OURS)
    past().when(tagging.bind_tag, epc=OTHER).then_refused(asset.STILL_OURS)


@pytest.mark.target("T88")
def test_a_content_and_a_chip_stand_for_one_asset_in_the_whole_ledger(ledger: Ledger) -> None:
    """The same EPC with a second TID, or the same TID with a second EPC, is refused."""
    for name in ("A1", "A2"):
        ledger.card(name)
    ledger.ask("u_clerk", "asset/A1", "bind_tag", epc=FACTORY, tid=TID)
    ledger.refuses(NUMBER_TAKEN, "u_clerk", "asset/A2", "bind_tag", epc=FACTORY, tid=TID[:-1] + "2")
    ledger.refuses(NUMBER_TAKEN, "u_clerk", "asset/A2", "bind_tag", epc=OTHER, tid=TID)
    ledger.ask("u_clerk", "asset/A2", "bind_tag", epc=OTHER)
    assert ledger.state("asset/A1").tag == FACTORY


# GIAI --------------------------------------------------------------------------------


def test_only_a_prefix_that_somebody_holds_gives_numbers() -> None:
    at = {"stream": "giai/697123456"}
    register().at(**at).when(giai.give, asset="A1").then_refused(giai.HELD)
    register().at(**at).when(giai.record_prefix, unit="o_a", certificate_no="物编2024").then(held)
    register(held).at(**at).when(
        giai.record_prefix, unit="o_b", certificate_no="物编2025"
    ).then_refused(giai.UNHELD)
    register(held).at(**at).when(giai.share_prefix, unit="o_b").then(
        PrefixShared(unit="o_b")
    ).then_state(units=("o_a", "o_b"))


@pytest.mark.parametrize("prefix", ["69712", "6971234567890", "69712345a", "６９７１２３"])
def test_a_prefix_has_six_to_twelve_digits(prefix: str) -> None:
    register().at(stream=f"giai/{prefix}").when(
        giai.record_prefix, unit="o_a", certificate_no="物编2024"
    ).then_refused(giai.A_PREFIX)


def test_the_first_and_the_last_number_fit_every_tag() -> None:
    for prefix in ("697123", "697123456", "697123456789"):
        at = register(held).at(stream=f"giai/{prefix}")
        numbered = f"{prefix}{giai.FIRST}"
        fact = GiaiGiven(giai=numbered, asset="A1")
        at.when(giai.give, asset="A1").then(
            fact,
            Ask(
                "asset/A1", "assign_giai", {"giai": numbered, "units": ("o_a",)}
            ),
        )  # fmt: skip
        for reference in (giai.FIRST, giai.LAST):
            assert epc.decode(epc.giai(prefix, str(reference)).hex).giai == f"{prefix}{reference}"
    last = GiaiGiven(giai=f"697123{giai.LAST}", asset="A1")
    register(held, last).at(stream="giai/697123").when(giai.give, asset="A2").then_refused(
        giai.NUMBERS_LEFT
    )


def test_a_giai_of_an_older_register_is_taken_over_and_never_given_again() -> None:
    at = register(held).at(stream="giai/697123456")

    def taken(number: str, serial: int) -> None:
        plain = f"697123456{number}"
        at.when(giai.take_over, asset="A1", giai=plain).then(
            GiaiTakenOver(giai=plain, asset="A1", serial=serial),
            Ask("asset/A1", "assign_giai", {"giai": plain, "units": ("o_a",)}),
        )

    taken("5678", 0)
    taken("ABC/5", 0)
    taken("099999999999", 0)
    taken("100000000041", 100_000_000_041)
    taken("1" * 21, 0)
    for wrong in ("1" * 22, "", "甲", "A B"):
        at.when(giai.take_over, asset="A1", giai=f"697123456{wrong}").then_refused(
            giai.OF_THE_PREFIX
        )
    at.when(giai.take_over, asset="A1", giai="6971234561").then_state(last=giai.FIRST - 1)
    older = GiaiTakenOver(giai="697123456100000000041", asset="A1", serial=100_000_000_041)
    register(held, older).at(stream="giai/697123456").when(giai.give, asset="A2").then_state(
        last=100_000_000_042
    )
    register().at(stream="giai/697123456").when(
        giai.take_over, asset="A1", giai="6971234561"
    ).then_refused(giai.HELD)


def test_an_asset_keeps_its_giai_for_life() -> None:
    had = GiaiAssigned(giai="697123456100000000000")
    form = {"giai": "697123456100000000001", "units": ("o_a",)}
    past(carded).when(tagging.assign_giai, **form).then_state(giai="697123456100000000001")
    past(carded, had).when(tagging.assign_giai, **form).then_refused(tagging.WITHOUT_GIAI)
    past(carded).when(tagging.assign_giai, giai="697123456100000000001", units=("o_b",)).then_refused(
        tagging.OF_THE_OWNER
    )  # fmt: skip


def test_numbers_are_given_in_order_and_once(ledger: Ledger) -> None:
    for name in ("A1", "A2"):
        ledger.card(name)
    owner = ledger.state("asset/A1").accounting_unit
    ledger.book.act(
        [Ask("giai/697123456", "record_prefix", {"unit": owner, "certificate_no": "物编"})],
        ledger.occasion("u_admin", Role.ADMIN),
    )
    for name in ("A1", "A2"):
        ledger.ask("u_clerk", "giai/697123456", "give", asset=name)
    assert ledger.state("asset/A1").giai == "697123456100000000000"
    assert ledger.state("asset/A2").giai == "697123456100000000001"
    assert ledger.book.log.claimed("giai", "697123456100000000001") == "asset/A2"
    ledger.refuses(tagging.WITHOUT_GIAI, "u_clerk", "giai/697123456", "give", asset="A1")
