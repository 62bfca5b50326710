"""What property of a kind may and must, what is tried when it is idle, what a vehicle cost."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

from api.office import Office
from domain import kinds, vehicles, waterfall
from domain.asset import Asset
from domain.decider import Lang
from domain.kinds import Told
from domain.policy import Article, Policy
from domain.waterfall import Dated, Rung, Way
from domain.words import Words, cited, in_words
from ledger.book import Stream

CASES_MAX = 50  # read for one waterfall: the latest that held the thing
ORDER_OF_LAW = Words(
    "本地规则没有规定先后；按《内蒙古自治区机关运行保障条例》第17条所列次序供参照。",
    "The rules of this place name no order; the ways stand here as the Inner Mongolia Regulations,"
    " art. 17, list them.",
)
NOT_WAITING = Words(
    "这项资产现在没有闲置，也没有在仓或上架。",
    "The asset is not idle now, nor in the warehouse or listed.",
)


class Ways(msgspec.Struct, frozen=True, kw_only=True):
    """The waterfall of one thing under the rules of its place and day."""

    policy: Policy
    waits: bool
    rungs: tuple[Rung, ...]

    @property
    def ordered(self) -> bool:
        """Return whether the rules of the place name the order."""
        return bool(self.policy.waterfall)

    @property
    def remaining(self) -> tuple[Way, ...]:
        """Return the ways nobody has tried yet."""
        return tuple(rung.way for rung in self.rungs if rung.came is None)

    @property
    def articles(self) -> tuple[Article, ...]:
        """Return the articles the order rests on, in their words."""
        return articles(self.policy, self.policy.waterfall_cites)


def articles(policy: Policy, cites: tuple[str, ...]) -> tuple[Article, ...]:
    """Return articles of a policy by their ids; what it does not hold is left out."""
    return tuple(article for article in policy.articles if article.id in cites)


def dated(stream: Stream) -> tuple[Dated, ...]:
    """Return what happened to a stream and stands, each with its business date."""
    return tuple((date.fromisoformat(e.effective_on), e.event) for e in stream.standing)


def policy_of(office: Office, asset: Asset) -> Policy:
    """Return the rules that the unit which has the thing in its books is under today."""
    return office.rules_for(asset.accounting_unit or asset.custodian, office.today())


def of(office: Office, stream: Stream) -> Ways:
    """Return the waterfall of an asset: from its own history and from the cases that held it."""
    history = dated(stream)
    names = waterfall.cases_of(history)[-CASES_MAX:]
    cases = {name: dated(office.book.stream(name)) for name in names}
    policy = policy_of(office, stream.state)
    return Ways(
        policy=policy,
        waits=waterfall.waits(stream.state),
        rungs=waterfall.rungs(policy, history, cases, office.today()),
    )


def law_of(told: Told, policy: Policy, lang: Lang) -> str:
    """Return the law a trait rests on, as a person of that language reads it."""
    found = [cited(f"{a.regulation}{a.article}", lang) for a in articles(policy, told.cites)]
    return in_words(tuple(found), lang) if found else cited(told.law, lang)


def traits(policy: Policy, asset: Asset, lang: Lang) -> list[dict[str, str]]:
    """Return what property of the kind may and must, each with its law."""
    return [
        {
            "trait": told.trait.value,
            "title": in_words(told.trait, lang),
            "law": law_of(told, policy, lang),
        }
        for told in kinds.traits(asset.kind, policy)
    ]


def costs(stream: Stream, lang: Lang) -> list[dict[str, Any]]:
    """Return what a vehicle cost by year and kind of cost, in fen, with the sum of each year."""
    totals = vehicles.cost_totals(entry.event for entry in stream.standing)
    return [
        {
            "year": year,
            "kinds": [
                {"kind": kind.value, "title": in_words(kind, lang), "amount": amount}
                for kind, amount in sorted(by_kind.items())
            ],
            "amount": sum(by_kind.values()),
        }
        for year, by_kind in totals.items()
    ]


def told_ways(ways: Ways, lang: Lang) -> dict[str, Any]:
    """Return a waterfall as programs read it."""
    return {
        "policy": ways.policy.reference,
        "waits": ways.waits,
        "ordered": ways.ordered,
        "note": "" if ways.ordered else in_words(ORDER_OF_LAW, lang),
        "articles": ways.articles,
        "ways": [
            {
                "way": rung.way.value,
                "title": in_words(rung.way, lang),
                "came": rung.came,
                "came_title": in_words(rung.came, lang) if rung.came else "",
                "trials": [
                    {
                        "came": trial.came,
                        "came_title": in_words(trial.came, lang),
                        "on": trial.on,
                        "reason": trial.reason,
                        "case": trial.case or None,
                        "type": trial.fact or None,
                    }
                    for trial in rung.trials
                ],
            }
            for rung in ways.rungs
        ],
        "remaining": [way.value for way in ways.remaining],
    }
