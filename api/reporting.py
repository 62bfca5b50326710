"""The report of a stocktake: what was counted and how every difference ended, as paper for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.stocktaking import Stocktake

if TYPE_CHECKING:
    from api.counting import ReportMade
    from api.office import Office


def made(office: Office, stream: str, state: Stocktake) -> ReportMade:
    """Draw the report as the log stands now."""
    raise NotImplementedError(stream, state.title)
