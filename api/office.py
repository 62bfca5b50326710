"""The ledger, its lists and its people together: what every door asks, in one place."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Self
from zoneinfo import ZoneInfo

import msgspec

from api.accounts import Accounts
from api.settings import Settings
from domain.decider import Ask, Document, Occasion
from domain.policy import GENERIC
from ledger.act import Evidence, Receipt, Unavailable
from ledger.book import Book
from ledger.entry import Via
from projections.scope import EVERYTHING, Scope
from projections.store import Progress, ReadModels, Stuck

logger = logging.getLogger(__name__)


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """A signed-in person in the unit and role in which they act now."""

    person: str
    unit: str
    role: str
    name: str = ""
    zone: str = "Asia/Shanghai"

    @property
    def scope(self) -> Scope:
        """Return what they may see; narrowing it by unit comes with the rules of authority."""
        return EVERYTHING


class Office:
    """One installation at work. Close it when done."""

    def __init__(
        self, settings: Settings, book: Book, models: ReadModels, accounts: Accounts
    ) -> None:
        self.settings, self.book, self.models, self.accounts = settings, book, models, accounts
        self.stuck: Stuck | Unavailable | None = None  # why the lists are behind the log

    @classmethod
    def open(cls, settings: Settings, progress: Progress | None = None) -> Self:
        """Open the database and bring the lists up to date."""
        book = Book.open(settings.database)
        models = ReadModels.open(settings.database)
        models.catch_up(book, progress)
        return cls(settings, book, models, Accounts.open(settings.database))

    def close(self) -> None:
        """Give every connection back."""
        self.accounts.close()
        self.models.close()
        self.book.close()

    def today(self, zone: str = "") -> date:
        """Return the date where the unit is."""
        return self.now(zone).date()

    def now(self, zone: str = "") -> datetime:
        """Return the time where the unit is."""
        return self.book.clock().astimezone(ZoneInfo(zone or self.settings.zone))

    def occasion(
        self, actor: Actor, on: date | None = None, docs: Sequence[Document] = ()
    ) -> Occasion:
        """Return who asks, on which business date (today when not said)."""
        return Occasion(
            by=actor.person,
            on=on or self.today(actor.zone),
            unit=actor.unit,
            role=actor.role,
            policy=GENERIC,
            docs=tuple(docs),
        )

    def ask(
        self, stream: str, verb: str, form: Mapping[str, Any], actor: Actor, **how: Any
    ) -> Receipt:
        """Ask one stream; see `ask_many`."""
        return self.ask_many([(stream, verb, form)], actor, **how)

    def ask_many(
        self,
        requests: Sequence[tuple[str, str, Mapping[str, Any]]],
        actor: Actor,
        *,
        on: date | None = None,
        docs: Sequence[Document] = (),
        key: str | None = None,
        expected: Mapping[str, int] | None = None,
        channel: str = "web",
        request: str = "",
        address: str = "",
        device: str = "",
        evidence: Sequence[Evidence] = (),
    ) -> Receipt:
        """Ask several streams, all or nothing; the lists show the answer when this returns.

        Raise what `Book.act` raises.
        """
        occasion = self.occasion(actor, on, docs)
        receipt = self.book.act(
            [Ask(stream, verb, dict(form)) for stream, verb, form in requests],
            occasion,
            key=key,
            expected=expected,
            via=self._via(actor, channel, request),
            context=_context(channel, request, address, device),
            zone=actor.zone,
            evidence=evidence,
            today_meant=on is None,
        )
        self._show()
        return receipt

    def reverse(
        self,
        stream: str,
        seq: int,
        actor: Actor,
        *,
        reason: str,
        key: str | None = None,
        docs: Sequence[Document] = (),
        channel: str = "web",
        request: str = "",
        address: str = "",
        device: str = "",
    ) -> Receipt:
        """Take back a mistaken entry with all that the same request wrote."""
        receipt = self.book.reverse(
            stream,
            seq,
            self.occasion(actor, None, docs),
            reason=reason,
            key=key,
            via=self._via(actor, channel, request),
            context=_context(channel, request, address, device),
        )
        self._show()
        return receipt

    def _show(self) -> None:
        """Bring the lists up to date; what is recorded stays recorded when they are stuck."""
        try:
            self.models.catch_up(self.book)
            self.stuck = None
        except (Stuck, Unavailable) as trouble:
            logger.exception("the lists are behind the log")
            self.stuck = trouble

    def _via(self, actor: Actor, channel: str, request: str) -> Via:
        return Via(
            unit=actor.unit,
            role=actor.role,
            channel=channel,
            request=request,
            policy=GENERIC.reference,
        )


def _context(channel: str, request: str, address: str, device: str) -> dict[str, str]:
    return {"channel": channel, "request": request, "address": address, "device": device}
