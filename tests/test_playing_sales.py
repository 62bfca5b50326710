"""Published sales run through the API as disposals: every step a real one, to the cent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest

from api import chaining, cli_replay, playing_sales, reading_gsa, reading_seattle
from api.office import Office
from api.playing_leso import Player
from api.playing_sales import LOGINS, Plan
from api.reading_records import SAMPLE
from api.serving_here import served
from api.settings import Settings
from domain.progress import MoneyStep
from projections import treasury
from projections.scope import EVERYTHING
from projections.treasury import Asked

SOLD = SAMPLE / "sold_fleet_equipment.tsv.gz"
LOTS = "gsa_auctions/us_gsa_surplus_auctions_2026-05.csv.gz"
HEAD = (
    b"id,title,category,condition,seller_type,state,city,zip,currency,starting_bid,"
    b"current_or_final_bid,bid_count,buyer_premium_pct,sold,ended_at,source_url\r\n"
)
TAIL = b"miscellaneous,As-is,federal,MA,BEDFORD,01730,USD,,"
FOUR = (
    b"lot-1,FLUKE ANALYZER," + TAIL + b"2105,3,0,true,2026-05-06,https://example.org/1\r\n"
    b"lot-2,EMPTY CYLINDERS," + TAIL + b",0,0,false,2026-05-06,https://example.org/2\r\n"
    b"lot-3,SCALE," + TAIL + b"12.5,1,0,unknown,2026-05-07,https://example.org/3\r\n"
    b"lot-1,FLUKE ANALYZER," + TAIL + b"2105,3,0,true,2026-05-06,https://example.org/1\r\n"
)


@contextmanager
def played(office: Office, plan: Plan) -> Iterator[Player]:
    with (
        cli_replay.people(office, LOGINS, plan.unit) as (ending, password),
        served(office) as address,
    ):
        yield Player(address, password, ending)


def columns(office: Office, on: date) -> dict[str, tuple[int, int]]:
    """Return how many cards stand in each column, and what they come to."""
    sums = office.rows(treasury.totals(EVERYTHING, Asked(on=on, ages=(30,))))
    return {row["step"]: (int(row["cards"]), int(row["amount"] or 0)) for row in sums}


def test_the_plan_of_seattle_has_every_sale_once_and_its_total():
    plan = playing_sales.of_seattle(list(reading_seattle.sold(SOLD)))
    assert (plan.rows, plan.doubled, plan.sold, plan.cases) == (513, 1, 512, 253)
    assert plan.sold_cents == plan.due_cents == 476_877_296
    keys = [step.key for life in (*plan.first, *plan.lives) for step in life]
    assert len(keys) == len(set(keys))


def test_the_plan_of_the_lots_has_every_lot_once(shared_file: Callable[[str], Path]):
    plan = playing_sales.of_gsa(list(reading_gsa.lots(shared_file(LOTS))))
    assert (plan.rows, plan.cases, plan.doubled) == (3_066, 3_043, 23)
    assert plan.failed + plan.sold == 3_043 and plan.due_cents == 0


@pytest.mark.target("T91", "T93", "T96")
def test_sales_of_seattle_go_through_the_api_once_and_come_to_the_cent(database: str):
    rows = sorted(reading_seattle.sold(SOLD), key=lambda row: str(row.sold_on))
    several = [row for row in rows if row.sold_on == rows[0].sold_on] + rows[-2:]
    plan = playing_sales.of_seattle(several)
    office = Office.open(Settings(database=database))
    try:
        with played(office, plan) as player:
            assert player.play(plan, clients=1) == sum(
                len(life) for life in (*plan.first, *plan.lives)
            )
            assert player.play(plan, clients=1) == 0
            found = playing_sales.counted(player, "SEA-")
        assert found.agrees(plan) and found.currencies == {"USD"}
        gross = sum(row.sale_price.cents for row in several)
        assert found.sold_cents == found.due_cents == gross
        # A due for each department whose things an auctioneer sold on a day; nothing else is told.
        owed = {(row.sold_on, row.auction_house, row.dept) for row in several}
        assert columns(office, date(2015, 7, 31)) == {MoneyStep.SOLD.value: (len(owed), gross)}
        case = plan.lives[0][-1].stream
        slugs = {
            gap.slug
            for chain in chaining.chains(office, case, date(2015, 7, 31))
            for gap in chain.gaps
        }
        assert slugs == {"no-notice"}
    finally:
        office.close()


@pytest.mark.target("T92")
def test_lots_are_sold_passed_in_or_left_open_as_the_source_knows(database: str):
    plan = playing_sales.of_gsa(list(reading_gsa.lots(FOUR_ROWS)))
    office = Office.open(Settings(database=database))
    try:
        with played(office, plan) as player:
            player.play(plan, clients=1)
            found = playing_sales.counted(player, "GSA-")
        assert found.agrees(plan)
        mine = (found.cases, found.sold, found.sold_cents, found.failed, found.due_cents)
        assert mine == (3, 1, 210_500, 1, 0)
        assert columns(office, date(2026, 5, 8)) == {
            "failed": (1, 0), "listed": (1, 0), "sold": (1, 210_500),
        }  # fmt: skip
        asked = Asked(on=date(2026, 5, 8), ages=(30,))
        assert [r["id"] for r in office.rows(treasury.stuck(EVERYTHING, asked))] == ["GSA-lot-2"]
    finally:
        office.close()


FOUR_ROWS = HEAD + FOUR
