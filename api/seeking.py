"""Find anything from one box: what a scanner sends goes straight to the thing, what people type
finds cards, cases, documents, units and people, ranked and each with the reason it was found."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from api import numbering, resolving
from api.office import Actor, Office
from api.resolving import Verdict
from domain.decider import Lang
from domain.label_design import stock_serial
from domain.words import Words
from labels import identity
from projections import people, seeking, units
from projections.naming import initials, plain
from projections.scope import Scope
from projections.seeking import EXACT, WHYS

TEXT_CHARS_MAX: Final = 1_000
WORDS_MAX: Final = 8
LIMIT: Final = 8
LIMIT_MAX: Final = 50

WHY: Final = {
    "asset_no": Words("资产编号相同", "its asset number"),
    "label": Words("标签号相同", "its label"),
    "serial": Words("序列号相同", "its serial number"),
    "plate": Words("车牌号相同", "its plate"),
    "name": Words("名称相同", "its name"),
    "name_begins": Words("名称开头相同", "its name begins so"),
    "asset_no_begins": Words("资产编号开头相同", "its number begins so"),
    "name_has": Words("名称中包含", "in its name"),
    "initials": Words("名称的拼音首字母", "the pinyin initials of its name"),
    "part_asset_no": Words("资产编号中包含", "in its asset number"),
    "part_label": Words("标签号中包含", "in its label"),
    "part_serial": Words("序列号中包含", "in its serial number"),
    "part_plate": Words("车牌号中包含", "in its plate"),
    "part_model": Words("型号中包含", "in its model"),
    "other": Words("各项合起来相符", "all of it together"),
    "code": Words("扫到的编码", "the code that was scanned"),
    "number": Words("文号相同", "the document's number"),
    "case": Words("编号、题目或文号中包含", "in its id, title or number"),
    "id": Words("编号相同", "its id"),
    "claimed": Words("编码或凭证号相同", "its code or voucher number"),
}
GROUPS: Final = {
    "asset": Words("资产", "Assets"),
    "case": Words("事项", "Cases"),
    "document": Words("文号与编码", "Documents and codes"),
    "unit": Words("单位", "Units"),
    "place": Words("地点", "Places"),
    "person": Words("人员", "People"),
}
# What holds an identifier that nothing else may have, by the name under which it is claimed.
CLAIMS: Final = ("number", "payment_code", "certificate_no", "sscc", "grai")
# Verdicts that mean one asset; of void and contradicting labels the page of scans tells more.
MEANT: Final = frozenset({Verdict.MATCHED, Verdict.ELSEWHERE, Verdict.GONE})
TOLD: Final = frozenset({Verdict.VOID, Verdict.CONFLICT})
STRANGE: Final = frozenset({Verdict.FOREIGN, Verdict.FACTORY, Verdict.SEVERAL})
NOTHING: Final = Words(
    "没有找到。可换一个词、拼音首字母或编号的一部分再试；不在您可见范围内的不会列出。",
    "Nothing was found. Try another word, pinyin initials or a part of a number; what lies outside"
    " what you may see is not listed.",
)


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was found, why, and by which stream it is known."""

    kind: str
    id: str
    title: str
    detail: str
    why: Words
    rank: int
    row: Any = None


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a search came to.

    `meant` is the stream of the one thing that was meant, where there is no doubt; `scan` says that
    the page of scans knows more of the code; `said` is what to say of a code that is not ours.
    """

    query: str
    groups: tuple[tuple[str, tuple[Hit, ...], bool], ...] = ()  # kind, hits, whether there are more
    meant: str = ""
    scan: bool = False
    said: Words | None = None

    @property
    def count(self) -> int:
        return sum(len(hits) for _, hits, _ in self.groups)


def folded(text: str) -> list[str]:
    """Return the words of a query as lists keep them: NFKC, folded case, without blanks."""
    said = unicodedata.normalize("NFKC", text[:TEXT_CHARS_MAX]).casefold()
    return said.split()[:WORDS_MAX]


def seek(office: Office, actor: Actor, text: str, lang: Lang, *, limit: int = LIMIT) -> Found:
    """Return what a text means or may mean, as far as the reader may see it."""
    text = text.strip()[:TEXT_CHARS_MAX].replace("\0", "")
    words, scope = folded(text), actor.scope
    if not words:
        return Found(query=text)
    single = len(words) == 1
    scanned = identity.parse(text)
    sighting = resolving.resolve(office, scope, [resolving.Seen("manual", text)])[0]
    if sighting.asset and sighting.verdict in MEANT:
        return Found(query=text, meant=f"asset/{sighting.asset}")
    if sighting.verdict in TOLD or (single and stock_serial(scanned.folded) is not None):
        return Found(query=text, scan=True)
    foreign = sighting.verdict in STRANGE and scanned.kind is not identity.Kind.ASSET_NO
    if foreign and ("://" in text or sighting.verdict is not Verdict.FOREIGN):
        return Found(query=text, said=Words(sighting.verdict.zh, sighting.verdict.en))
    hits = [
        *_assets(office, scope, words, limit + 1),
        *_cases(office, scope, words, limit + 1),
        *_claimed(office, actor, text),
        *_named(office, actor, words, lang, limit + 1),
    ]
    meant = {hit.id for hit in hits if hit.rank == 0}
    groups = tuple(
        (kind, tuple(mine[:limit]), len(mine) > limit)
        for kind in GROUPS
        if (mine := [hit for hit in hits if hit.kind == kind])
    )
    said = None if groups else NOTHING
    return Found(query=text, groups=groups, said=said, meant=meant.pop() if len(meant) == 1 else "")


def _assets(office: Office, scope: Scope, words: Sequence[str], limit: int) -> Iterator[Hit]:
    for row in office.models.rows(seeking.assets(scope, words, limit=limit)):
        why = WHYS[row["why"]]
        yield Hit(
            kind="asset",
            id=f"asset/{row['id']}",
            title=row["name"],
            detail=row["asset_no"],
            why=WHY[_more(row, words) if why == "other" else why],
            rank=0 if why in EXACT and row["book"] != "gone" else 1 + int(row["why"]),
            row=row,
        )


def _more(row: Any, words: Sequence[str]) -> str:
    """Return which field a word was found in, when it is not the name."""
    if len(words) == 1:
        for field in ("asset_no", "label", "serial", "plate", "model"):
            if words[0] in unicodedata.normalize("NFKC", row[field]).casefold():
                return f"part_{field}"
        if words[0] in initials(row["name"]):
            return "initials"
    return "other"


def _cases(office: Office, scope: Scope, words: Sequence[str], limit: int) -> Iterator[Hit]:
    whole = " ".join(words)
    for row in office.models.rows(seeking.found_cases(scope, words, limit=limit)):
        exact = whole in (row["number"].casefold(), row["id"].casefold())
        yield Hit(
            kind="case",
            id=row["id"],
            title=row["title"],
            detail=row["number"],
            why=WHY["number" if exact and row["number"].casefold() == whole else "case"],
            rank=0 if exact else 5,
            row=row,
        )


def _claimed(office: Office, actor: Actor, text: str) -> Iterator[Hit]:
    """Yield what holds an identifier: a document's number, a payment code, a certificate."""
    for kind in CLAIMS:
        for spelt in dict.fromkeys((text, unicodedata.normalize("NFKC", text))):
            holder = office.book.log.claimed(kind, spelt)
            if not holder:
                continue
            stream = holder
            if kind == "number" and holder.startswith("series/"):
                line = numbering.found(office.book, spelt)
                stream = line.document if line is not None and line.document else holder
            if not office.sight.sees(actor, stream):
                continue
            yield Hit(
                kind="document",
                id=stream,
                title=spelt,
                detail="",
                why=WHY["number" if kind == "number" else "claimed"],
                rank=0,
            )
            break


def _people(office: Office, actor: Actor) -> set[str] | None:
    """Return whose names the reader may find: those with a role in a unit they see; None: all."""
    mine = actor.scope.units
    if mine is None:
        return None
    on = office.today(actor.zone)
    rows = office.models.rows(people.people_at(on.isoformat()))
    found = {one.person for one in people.holders(rows, on) if one.unit in mine}
    return found | {actor.person}


def _named(
    office: Office, actor: Actor, words: Sequence[str], lang: Lang, limit: int
) -> Iterator[Hit]:
    """Yield units, places and people by name, initials of it, or id."""
    parts = parts_of(words)
    if not parts:
        return
    named: list[tuple[str, str, str, tuple[str, ...]]] = []
    for kind, query in (("unit", units.all_units()), ("place", units.all_places())):
        for row in office.models.rows(query):
            shown = (row["name_en"] if lang == "en" else "") or row["name"]
            named.append((kind, row["id"], shown, (row["name"], row["name_en"], row["id"])))
    shown_to = _people(office, actor)
    for id_, name in office.accounts.directory(lang).items():
        if shown_to is None or id_ in shown_to:
            named.append(("person", id_, name, (name, id_)))
    whole = "".join(parts)
    counted: dict[str, int] = {}
    for kind, id_, shown, texts in sorted(named, key=lambda one: (len(one[2]), one[2])):
        way = named_by(parts, texts)
        if not way:
            continue
        counted[kind] = counted.get(kind, 0) + 1
        if counted[kind] > limit:
            continue
        exact = whole in (plain(text) for text in texts if text)
        why = "id" if whole == plain(id_) else "name" if exact else way
        yield Hit(
            kind=kind,
            id=f"{kind}/{id_}",
            title=shown,
            detail=id_,
            why=WHY[why],
            rank=2 if exact else 6,
        )


def parts_of(words: Sequence[str]) -> list[str]:
    """Return what names are compared with: each word without its signs, if something is left."""
    return [part for part in map(plain, words) if part]


def named_by(parts: Sequence[str], texts: Sequence[str]) -> str:
    """Tell how all parts of a name stand in texts: "name_has", "initials"; nothing: they do not."""
    if not parts:
        return ""
    forms = [plain(text) for text in texts if text]
    if all(any(part in form for form in forms) for part in parts):
        return "name_has"
    letters = [initials(text) for text in texts if text and not text.isascii()]
    return "initials" if all(any(part in one for one in letters) for part in parts) else ""
