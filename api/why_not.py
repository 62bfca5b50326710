"""Why a want does not get a thing in a proposed allocation, from the evidence of the proposal alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from api.allocating import Document
from api.office import Office
from domain.allocating import Allocation
from domain.decider import Lang
from domain.words import Words, in_words
from projections.matching import CONDITIONS_OF_A_MATCH

GETS = Words("已建议给该需求 {n} 件。", "The want gets {n} of it.")
NO_ROOM = Words(
    "按配置标准或编制，该单位没有余额。", "Its standards or quota leave the unit no room for any."
)
FAILED = Words("不符合条件：{what}。", "It does not meet: {what}.")
OPENS = Words("{day} 起对本单位开放申领。", "It is open to the unit from {day}.")
TAKER = Words(
    "分给了需求“{item}”（{want}），{n} 件：优先级 {rank}，自 {since} 起等待，合适度 {fit}。",
    "{n} go to want “{item}” ({want}): priority {rank}, waiting since {since}, fit {fit}.",
)
LESS = Words(
    "若给它一件：优先级 {rank}、自 {since} 起等待的少得 {n} 件。",
    "Were one given to it, those of priority {rank} that wait since {since} would get {n} less.",
)
MORE = Words(
    "若给它一件：优先级 {rank}、自 {since} 起等待的多得 {n} 件。",
    "Were one given to it, those of priority {rank} that wait since {since} would get {n} more.",
)
WORSE = Words(
    "若给它一件：全部分配的合适度变动 {fit}、距离变动 {far}（正数为变差）。",
    "Were one given to it, fit would change by {fit} and distance by {far} in all (more is worse).",
)
LOTS = Words("给它也一样好，由抽签决定。", "It would be as good the other way: lots decided.")
NO_QUOTA = Words("限额已经用完。", "The quota is used up.")
CONDITIONS = {each.slug: each.words for each in CONDITIONS_OF_A_MATCH}


def asked(office: Office, proposal: str, want: str, asset: str) -> dict[str, Any] | None:
    """Return why a want does not get a thing, as values; None where the proposal knows neither.

    What giving it one piece would cost is solved again: seconds where everything can meet.
    """
    state: Allocation = office.book.stream(f"allocation/{proposal}").state
    if not state.sha256:
        return None
    document = office.proposals.document(state.sha256)
    wants = {one.id: one for one in document.wants}
    listings = {one.id: one for one in document.listings}
    if want not in wants or asset not in listings:
        return None
    said: dict[str, Any] = {"proposal": proposal, "want": want, "asset": asset}
    if not wants[want].quantity:
        return said | {"room": 0, "sentences": [NO_ROOM]}
    found = _why(document, want, asset)
    values: dict[str, Any] = {
        "quantity": found.quantity,
        "failed": found.failed,
        "opens": found.opens.isoformat() if found.opens else None,
        "takers": [
            {
                "want": one.want,
                "quantity": one.quantity,
                "priority": one.priority,
                "since": one.since.isoformat() if one.since else None,
                "fit": one.fit,
            }
            for one in found.takers
        ],
        "swap": None
        if found.swap is None
        else {
            "served": [list(each) for each in found.swap.served],
            "fit": found.swap.fit,
            "distance": found.swap.distance,
        },
    }
    items = {one.id: one.name for one in document.wants}
    return said | values | {"sentences": list(sentences(found, items))}


def _why(document: Document, want: str, asset: str) -> Any:
    # The solver is large; who asks nothing does not load it.
    from projections import allocating

    wants = [one for one in document.wants if one.quantity]
    grants = tuple(
        allocating.Grant(one.demand, one.asset, int(one.quantity))
        for one in (*document.lines, *document.own)
    )
    listings, terms = document.listings, document.terms
    found = allocating.Allocation(
        on=document.on,
        seed=document.seed,
        solver=document.solver,
        grants=grants,
        objective=allocating.objective(grants, wants, listings, terms),
        parts=(),
    )
    mine = next(one for one in wants if one.id == want)
    theirs = next(one for one in listings if one.id == asset)
    return allocating.why_not(found, mine, theirs, wants, listings, terms, document.quotas)


def sentences(found: Any, items: Mapping[str, str]) -> Iterator[Words]:
    """Yield every reason in words; `items` is what each want asks for."""
    if found.quantity:
        yield filled(GETS, n=found.quantity)
        return
    if found.failed:
        zh = "、".join(CONDITIONS[slug].zh for slug in found.failed)
        en = ", ".join(CONDITIONS[slug].en for slug in found.failed)
        yield Words(FAILED.zh.format(what=zh), FAILED.en.format(what=en))
    if found.opens:
        yield filled(OPENS, day=found.opens)
    for one in found.takers:
        yield filled(
            TAKER,
            item=items.get(one.want, ""),
            want=one.want,
            n=one.quantity,
            rank=one.priority,
            since=one.since,
            fit=one.fit,
        )
    swap = found.swap
    if swap is None:
        if not found.failed:
            yield NO_QUOTA
        return
    if swap.nothing:
        yield LOTS
        return
    for priority, since, change in swap.served:
        yield filled(LESS if change > 0 else MORE, rank=priority, since=since, n=abs(change))
    yield filled(WORSE, fit=swap.fit, far=swap.distance)


def filled(words: Words, **values: object) -> Words:
    """Return words with what they speak of."""
    return Words(words.zh.format(**values), words.en.format(**values))


def plain(said: dict[str, Any], lang: Lang) -> dict[str, Any]:
    """Return an answer as values of JSON."""
    return said | {"sentences": [in_words(one, lang) for one in said["sentences"]]}
