"""Looking back on a list: the day and the knowledge that a page is asked for, and where it reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta

import msgspec

from api.forms import Fault, Invalid
from api.looking import Lists
from api.looking import lists as lists_of
from api.pages_inventory import (
    NOT_A_DAY,
    SLIDER_DAYS,
    TEXT_CHARS_MAX,
    is_day,
    is_known,
    position_of,
)
from api.pages_view import Page


class Looking(msgspec.Struct, frozen=True, kw_only=True):
    """Which day and which knowledge a list is asked for; both empty: as it is now."""

    on: str = ""
    known: str = ""
    position: int | None = None
    today: str = ""
    wrong: tuple[Fault, ...] = ()

    @property
    def past(self) -> bool:
        return bool(self.on or self.known)

    @property
    def day(self) -> str:
        """Return the business date of the answer."""
        return self.on or self.today

    @property
    def first(self) -> str:
        """Return the day on which the slider begins."""
        begins = date.fromisoformat(self.today) - timedelta(days=SLIDER_DAYS)
        return min(self.on or "9999", begins.isoformat())


def looking(page: Page) -> Looking:
    """Read both dates of the address; what is none is named, and the list is that of now."""
    given = page.request.query_params
    on, known = (given.get(name, "").strip()[:TEXT_CHARS_MAX] for name in ("on", "known"))
    wrong: list[Fault] = []
    if on and not is_day(on):
        wrong.append(Fault("on", NOT_A_DAY))
        on = ""
    if known and not is_known(known):
        wrong.append(Fault("known", NOT_A_DAY))
        known = ""
    return Looking(
        on=on,
        known=known,
        position=position_of(page, known),
        today=page.office.today(page.actor.zone).isoformat(),
        wrong=tuple(wrong),
    )


def good(page: Page) -> Looking:
    """Return the dates for a file to take home, where an answer to half of them would be none."""
    look = looking(page)
    if look.wrong:
        raise Invalid(list(look.wrong))
    return look


def lists(page: Page, look: Looking, kinds: Sequence[str]) -> Lists:
    """Return where the page reads its rows."""
    return lists_of(page.office, kinds, look.day, look.position, past=look.past)


def names(page: Page, look: Looking) -> Callable[[str, str], str]:
    """Return the names that held then (T11)."""
    return page.namer(look.day, look.position) if look.past else page.name_of


def chips(page: Page, look: Looking) -> list[tuple[str, str]]:
    """Return each date in words, with the address that no longer asks for it."""
    said = {"on": look.on, "known": look.known}
    return [
        (f"{page.t(f'filter-{name}')}: {value}", page.url(**{name: None, "after": None}))
        for name, value in said.items()
        if value
    ]
