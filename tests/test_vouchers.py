"""What both sides post is proposed, and balances: templates, sums, and why nothing is posted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from doors import Door, app_of, staffed
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from starlette.testclient import TestClient

from api import papers
from api.app import create_app
from api.office import Actor, Office
from domain import policy, vouchers
from domain.policy import GENERIC
from domain.vouchers import (
    ACCOUNTS,
    OCCASIONS,
    TEMPLATES,
    TRANSFER_IN,
    Account,
    Amount,
    Line,
    Piece,
    Side,
    Template,
    Voucher,
    WhyNone,
    credit,
    debit,
    transferred,
)

FEN = st.integers(0, 10**12)
PIECES = st.lists(
    st.builds(
        Piece,
        asset=st.sampled_from("ABC"),
        kind=st.sampled_from(["furniture", "software", "land"]),
        books=st.sampled_from(["o_a", "o_w", "o_b", ""]),
        gross=st.none() | FEN,
        accumulated=FEN,
        fees=FEN,
        currency=st.sampled_from(["CNY", "USD"]),
    ),
    max_size=6,
)
DESK = Piece(asset="D", kind="furniture", books="o_a", gross=1_000_00, accumulated=400_00)


def said(voucher: Voucher) -> list[tuple[str, str, int]]:
    return [(line.side.value, line.code, line.amount) for line in voucher.lines]


@pytest.mark.target("T52")
@given(PIECES, st.booleans())
def test_every_voucher_balances_in_fen_and_every_card_is_posted_on_both_sides_or_says_why_not(
    pieces: list[Piece], custody_only: bool
) -> None:
    found = transferred(pieces, "o_b", custody_only=custody_only)
    for voucher in (*found.out, *found.into):
        assert voucher.total(Side.DEBIT) == voucher.total(Side.CREDIT)
    for side in (found.out, found.into):
        posted = [asset for voucher in side for asset in voucher.assets]
        told = sorted([*posted, *(asset for asset, _ in found.without)])
        assert told == sorted(piece.asset for piece in pieces)


def test_every_template_balances_by_its_making_and_names_known_accounts() -> None:
    assert {template.slug for template in TEMPLATES} == set(OCCASIONS)
    assert list(vouchers.contradictions(TEMPLATES)) == []
    assert set(vouchers.PARTS) == set(Amount)


@pytest.mark.target("T52")
def test_what_is_given_without_payment_leaves_at_book_value_and_comes_in_with_the_fees() -> None:
    found = transferred([replace(DESK, fees=30_00)], "o_b", custody_only=False)
    (out,), (into,) = found.out, found.into
    assert (out.unit, into.unit) == ("o_a", "o_b")
    assert said(out) == [
        ("debit", "3401", 600_00),
        ("debit", "1602", 400_00),
        ("credit", "1601", 1_000_00),
    ]
    assert said(into) == [
        ("debit", "1601", 630_00),
        ("credit", "3401", 600_00),
        ("credit", "1002", 30_00),
    ]


def test_each_unit_that_accounts_for_something_has_a_voucher_and_equal_accounts_one_line() -> None:
    pieces = [
        DESK,
        replace(DESK, asset="E", accumulated=0),
        replace(DESK, asset="S", kind="software"),
        replace(DESK, asset="W", books="o_w"),
    ]
    found = transferred(pieces, "o_b", custody_only=False)
    assert [(v.unit, v.assets) for v in found.out] == [("o_a", ("D", "E", "S")), ("o_w", ("W",))]
    assert said(found.out[0]) == [
        ("debit", "3401", 2_200_00),
        ("debit", "1602", 400_00),
        ("debit", "1702", 400_00),
        ("credit", "1601", 2_000_00),
        ("credit", "1701", 1_000_00),
    ]
    assert [v.assets for v in found.into] == [("D", "E", "S", "W")]


@pytest.mark.target("T28")
def test_where_only_custody_moves_nothing_is_posted_and_the_reason_is_said() -> None:
    found = transferred([DESK], "o_b", custody_only=True)
    assert (found.out, found.into, found.without) == ((), (), (("D", WhyNone.CUSTODY_ONLY),))
    for piece, why in (
        (replace(DESK, books="o_b"), WhyNone.SAME_BOOKS),
        (replace(DESK, books=""), WhyNone.NO_BOOKS),
        (replace(DESK, gross=None), WhyNone.NO_VALUE),
    ):
        found = transferred([piece], "o_b", custody_only=False)
        assert (found.out, found.into, found.without) == ((), (), (("D", why),))


def test_rules_of_a_place_may_say_a_template_otherwise_as_long_as_it_balances() -> None:
    whole = Template(
        slug=TRANSFER_IN,
        lines=(
            debit("asset", Amount.GROSS),
            credit("worn", Amount.ACCUMULATED),
            credit("given", Amount.NET),
        ),
        accounts=(Account(slug="given", code="340101", zh="无偿调入", en="Taken in"),),
    )
    found = transferred([DESK], "o_b", [whole], custody_only=False)
    assert found.into[0].lines[-1] == Line(
        side=Side.CREDIT, code="340101", account=found.into[0].lines[-1].account, amount=600_00
    )
    assert said(found.out[0]) == said(transferred([DESK], "o_b", custody_only=False).out[0])
    place = replace(GENERIC, name="place", vouchers=(whole,))
    assert list(policy.contradictions(place)) == []
    assert policy.read(policy.written(place), "place", 1).vouchers == (whole,)
    one_sided = replace(whole, lines=whole.lines[:2])
    unknown = replace(whole, slug="gift", accounts=())
    said_ = [words.en for words in vouchers.contradictions((one_sided, unknown, whole))]
    assert said_ == [
        "the voucher template transfer_in is there twice",
        "the two sides of the voucher template transfer_in differ",
        "there is no voucher template gift",
        "the voucher template gift has no account given",
        "the voucher template transfer_in is there twice",
    ]
    named = {line.account for template in TEMPLATES for line in template.lines}
    assert named == {account.slug for account in ACCOUNTS}


# As a whole, on both databases ----------------------------------------------------


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    """Two desks of o_a on offer, and a want of o_b for one of them."""
    with staffed(database) as office:
        clerk = Actor(person="u_clerk", unit="o_a", role="clerk")
        for id_ in ("D1", "D2"):
            card = {"asset_no": f"ZC-{id_}", "unit": "o_a", "value": 1_000_00}
            desk = {"name": "办公桌", "kind": "furniture"}
            office.ask(f"asset/{id_}", "register_existing", desk | card, clerk)
            office.ask(f"asset/{id_}", "declare_idle", {}, clerk)
            office.ask(f"asset/{id_}", "list_for_reuse", {}, clerk)
        day = {"needed_by": office.today() + timedelta(days=30)}
        want = {"to_unit": "o_b", "kind": "furniture", "item": "办公桌", "quantity": "1"}
        office.ask("demand/W", "publish", want | day, OFFICE)
        yield office


OFFICE = Actor(person="u_office", unit="o_a", role="office")
PAPERS = ("approval", "allocation-order", "handover-note", "voucher-out", "voucher-in")


def requested(office: Office, way: str) -> str:
    """Ask for a desk for the want, on one of the ways that lead to a reallocation."""
    if way == "proposal":
        office.ask("allocation/P", "propose", {}, OFFICE)
        office.ask("allocation/P", "confirm", {"line": 1}, OFFICE)
        return "reallocation/P.1"
    if way == "claim":
        until = office.today() + timedelta(days=5)
        form = {"asset": "D1", "to_unit": "o_b", "demand": "W", "until": until}
        office.ask("claim/K", "claim", form, OFFICE)
        office.ask("claim/K", "turn_into_request", {}, OFFICE)
        return "reallocation/K"
    demand = {"demand": "W"} if way == "want" else {}
    form = {"from_unit": "o_a", "to_unit": "o_b", "item": "办公桌", "assets": ["D1"]}
    office.ask("reallocation/R", "request", form | demand, OFFICE)
    return "reallocation/R"


def approved(office: Office, stream: str) -> None:
    finance = Actor(person="u_finance", unit="o_a", role="finance")
    form = {"approval_no": "调1", "scope": "departments"}
    office.ask(stream, "approve", form, finance)


@pytest.mark.target("T52")
@pytest.mark.parametrize("way", ["claim", "proposal", "want"])
def test_whatever_leads_to_a_reallocation_its_approval_leaves_the_papers_of_both_sides(
    office: Office, way: str
) -> None:
    stream = requested(office, way)
    assert papers.proposal_of(office, office.book.stream(stream)) is None
    approved(office, stream)
    now = office.book.stream(stream)
    assert [leaf.form.value for leaf in papers.available(now)][-5:] == list(PAPERS)
    found = papers.proposal_of(office, now)
    assert found is not None
    assert [v.unit for v in (*found.out, *found.into)] == ["o_a", "o_b"]
    assert now.state.demand == "W"


@pytest.mark.target("T52")
def test_one_approval_yields_order_note_and_vouchers_on_the_page_for_programs_and_printed(
    office: Office,
) -> None:
    stream = requested(office, "form")
    http = TestClient(create_app(office.settings, office), follow_redirects=False)
    account = next(a for a in office.accounts.all() if a.login == "finance")
    http.cookies.set("session", office.accounts.sign_in(account))
    assert "记账凭证建议" not in http.get(f"/cases/{stream}?lang=zh").text
    approved(office, stream)
    page = http.get(f"/cases/{stream}?lang=zh").text
    for paper in PAPERS:
        assert f"/papers/{stream}/{paper}.pdf" in page
    for said_ in ("记账凭证建议", "3401 无偿调拨净资产", "示例市水利局 · 无偿调入", "1,000.00"):
        assert said_ in page, said_
    english = http.get(f"/cases/{stream}?lang=en").text
    assert "Vouchers proposed" in english and "gratuitous transfer out" in english
    door = Door(app_of(office))
    for paper in PAPERS:
        printed = door.get(f"papers/{stream}/{paper}.pdf")
        assert printed.content.startswith(b"%PDF"), paper
    told = door.get(f"vouchers/{stream}").json()
    (out,), (into,) = told["out"], told["in"]
    assert (out["unit"], into["unit"], out["total"], into["total"]) == (
        *("o_a", "o_b"),
        *(1_000_00, 1_000_00),
    )
    # What is booked in the end, with the taker's fees, is told as it was booked.
    keeper, taker = (Actor(person=f"u_{x}", unit=x, role="keeper") for x in ("o_a", "o_b"))
    office.ask(stream, "confirm_out", {"assets": ["D1"], "scanned": "ZC-D1"}, keeper)
    office.ask(stream, "confirm_in", {"assets": ["D1"], "scanned": "ZC-D1"}, taker)
    books = {"asset": "D1", "out_voucher": "出1", "in_voucher": "入1", "gross": 1_000_00}
    accountant = Actor(person="u_accountant", unit="o_a", role="accountant")
    office.ask(stream, "move_books", books | {"accumulated": 400_00, "fees": 30_00}, accountant)
    told = door.get(f"vouchers/{stream}").json()
    assert told["in"][0]["total"] == 630_00 and told["out"][0]["total"] == 1_000_00
    assert [line["amount"] for line in told["out"][0]["lines"]] == [600_00, 400_00, 1_000_00]
    assert door.get(f"papers/{stream}/voucher-in.pdf").content.startswith(b"%PDF")


@pytest.mark.target("T28", "T52")
def test_an_intake_for_custody_alone_says_that_nothing_is_posted(office: Office) -> None:
    admin = Actor(person="u_admin", unit="o_a", role="admin")
    office.ask("unit/o_whs", "establish", {"name": "示例公物仓", "kind": "institution"}, admin)
    place = {"name": "示例仓", "kind": "warehouse", "unit": "o_whs"}
    office.ask("place/V", "open_place", place, admin)
    clerk = Actor(person="u_clerk", unit="o_a", role="clerk")
    door = Door(app_of(office))
    for asset, books in (("D1", "custody_only"), ("D2", "transfer")):
        form = {"unit": "o_a", "ground": "idle", "warehouse": "V", "assets": [asset]}
        office.ask(f"intake/{asset}", "apply", form, clerk)
        kept = {"keeper_unit": "o_whs", "virtual": True, "books": books}
        office.ask(f"intake/{asset}", "approve", kept, OFFICE)
        told = door.get(f"vouchers/intake/{asset}").json()
        if books == "transfer":
            assert (told["out"][0]["unit"], told["in"][0]["unit"]) == ("o_a", "o_whs")
            continue
        assert (told["out"], told["in"]) == ([], [])
        (none,) = told["without"]
        assert (none["asset"], none["why"]) == ("D1", "custody_only")
        assert door.get("papers/intake/D1/voucher-out.pdf").content.startswith(b"%PDF")
    assert door.get("vouchers/intake/nothing").status_code == 404
