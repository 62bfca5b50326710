"""The certificate of a search as a paper: what was looked for, what was found, what was answered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from api import certifying
from api.certifying import Answered, Said
from api.naming import names_then
from api.office import Office
from api.papers_words import SAYS
from domain.decider import Lang
from domain.planning import Plan, ReallocationSearched
from domain.words import Words, in_words
from labels.paper_parts import Column, Pair, Row, Table
from ledger.book import Stream
from ledger.entry import Entry

ALSO_SHOWN = 12  # codes of other versions that the paper names


def pairs(stream: Stream, entry: Entry, lang: Lang) -> Iterator[Pair]:
    """Yield what was asked, when, at which position of the log, and what came of it."""
    search = entry.event
    assert isinstance(search, ReallocationSearched)
    plan: Plan = stream.state
    line = plan.line(search.line)

    def pair(slug: str, text: str, *, wide: bool = False) -> Pair:
        caption = in_words(SAYS.get(slug) or Words.of(slug), lang)
        return Pair(caption if lang == "zh" else caption[:1].upper() + caption[1:], text, wide)

    yield pair("title", plan.title, wide=True)
    yield pair("line", f"{search.line} {line.item if line else ''}".strip())
    wanted = search.quantity or (line.quantity if line else "")
    yield pair("wanted", f"{wanted} {line.measure if line else ''}".strip())
    yield pair("kind", in_words(search.kind, lang))
    yield pair("class_code", search.class_code or in_words(None, lang))
    if search.also:
        yield pair("also", shortened(search.also, lang), wide=True)
    yield pair("searched_on", search.searched_on.isoformat())
    yield pair("position", str(search.position))
    yield pair("count", str(search.count))
    yield pair("rules", str(search.rules))
    yield pair("sha256", search.sha256, wide=True)


def shortened(codes: Sequence[str], lang: Lang) -> str:
    """Name some codes, and say how many there are where there are more."""
    said = ("、" if lang == "zh" else ", ").join(codes[:ALSO_SHOWN])
    if len(codes) <= ALSO_SHOWN:
        return said
    return f"{said} 等 {len(codes)} 个" if lang == "zh" else f"{said} … ({len(codes)} in all)"


def table(office: Office, stream: Stream, entry: Entry, lang: Lang) -> Table | None:
    """Return every piece that was found, as it stood then, with the answer given to it by now."""
    answers = list(certifying.answered(office, stream, entry))
    if not answers:
        return None
    names = names_then(office, lang)(entry.effective_on)

    def head(key: str) -> str:
        return in_words(SAYS[key], lang)

    rows = tuple(
        Row(
            (
                str(number),
                one.card.asset_no or one.asset,
                " ".join(filter(None, (one.card.name, one.card.model))),
                names("unit", one.card.custodian) if one.card.custodian else "",
                f"{one.quantity} {one.card.measure}".strip(),
                said(one, lang),
            )
        )
        for number, one in enumerate(answers, start=1)
    )
    columns = (
        Column(head("row"), 5, "center"),
        Column(head("asset_no"), 15),
        Column(head("name"), 20),
        Column(head("holder"), 20),
        Column(head("quantity"), 9, "right"),
        Column(head("answer"), 31),
    )
    return Table(columns, rows)


def said(one: Answered, lang: Lang) -> str:
    """Return the answer to a piece in words, and from when it can be had where that is not now."""
    parts: Sequence[object] = (one.said, one.ground if one.said is Said.TURNED_DOWN else None)
    told = [in_words(part, lang) for part in parts if part is not None]
    told += [text for text in (one.reason, one.case) if text]
    answer = ("：" if lang == "zh" else ": ").join(told)
    ahead = one.card.offer.available_from if one.card.listed and one.card.offer else None
    if ahead is None:
        return answer
    free = in_words(SAYS["ahead"], lang).format(day=ahead.isoformat())
    return f"{answer}（{free}）" if lang == "zh" else f"{answer} ({free})"


def notes(stream: Stream, entry: Entry, lang: Lang) -> Iterator[str]:
    """Yield how to verify it, and what is not on the list."""
    search = entry.event
    assert isinstance(search, ReallocationSearched)
    if not search.count:
        yield in_words(SAYS["none-found"], lang)
    elif search.count > len(search.found):
        yield in_words(SAYS["beyond-named"], lang).format(
            count=search.count, named=len(search.found)
        )
    yield in_words(SAYS["check"], lang).format(
        plan=stream.name, entry=entry.seq, position=search.position, sha256=search.sha256
    )
