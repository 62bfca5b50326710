"""What shows as idle, as every door tells it: the reason in words, the law, what to do about it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from api.pages_export import Amount
from api.pages_telling import NameOf
from domain.asset import Kind
from domain.decider import Ask, Lang, Occasion
from domain.idleness import Finding, IdleGround, Looked
from domain.idling import GROUNDS
from domain.policy import Policy
from domain.words import Words, cited, in_language, in_words
from ledger.book import Book
from projections import idling
from projections.idling import Asked, Told
from projections.scope import EVERYTHING, Scope

if TYPE_CHECKING:
    from api.office import Office

LOOKED_MAX: Final = 5_000  # cards that one page looks through
KEPT_MAX: Final = 8  # answers that are remembered, until the log grows
DECIDING: Final = frozenset({"declare_idle", "explain_idleness"})
AT_ONCE_MAX: Final = 200  # findings that are answered in one act
Request: TypeAlias = "tuple[str, str, dict[str, Any]]"
OF_USE: Final = "《内蒙古自治区机关事务管理办法》第17条"
LAWS: Final = {
    IdleGround.DISSOLVED: "《行政事业性国有资产管理条例》第22条",
    IdleGround.RETURNED: "《内蒙古自治区机关运行保障条例》第16条",
    IdleGround.OVER_STANDARD: OF_USE,
    IdleGround.IDLE: OF_USE,
    IdleGround.UNDER_USED: OF_USE,
}
TO_DO: Final = {
    IdleGround.DISSOLVED: Words(
        "办理机构变动移交；无承接单位的认定后申请入仓",
        "hand it over with the reorganisation; without a successor, confirm and apply for intake",
    ),
    IdleGround.RETURNED: Words(
        "认定后申请入仓，由公物仓统一管理", "confirm, then apply for intake into the warehouse"
    ),
    IdleGround.OVER_STANDARD: Words(
        "认定后上架调剂或申请入仓", "confirm, then list it for reuse or apply for intake"
    ),
    IdleGround.IDLE: Words(
        "认定后先在本单位调剂，再上架或申请入仓",
        "confirm, then reuse it in the unit, list it or apply for intake",
    ),
    IdleGround.UNDER_USED: Words(
        "认定后共享共用或者上架调剂", "confirm, then share it or list it for reuse"
    ),
}
SPLIT_FIRST: Final = Words(
    "先拆分卡片，再认定超出的部分", "split the card first, then confirm what is beyond"
)


class Paged(msgspec.Struct, frozen=True, kw_only=True):
    """Some of what was found, in its order; `more` is where it goes on, empty at the end."""

    found: tuple[Finding, ...]
    part: Told  # what was looked through for it
    looked: tuple[str, ...] = ()  # the units of that part
    more: str = ""
    whole: Told | None = None  # everything, where it is little enough to be told at once


class Idling:
    """Whoever asks the finder for one office; the same log and question are looked through once."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self._known: OrderedDict[tuple[Any, ...], Told] = OrderedDict()

    def told(self, scope: Scope, asked: Asked) -> Told:
        """Return what was found; remembered as long as nothing is recorded."""
        key = (self.office.book.log.head()[0], scope, *msgspec.structs.astuple(asked))
        known = self._known.get(key)
        if known is None:
            known = idling.told(self.office.book, self.office.whole, scope, asked)
            self._known[key] = known
            while len(self._known) > KEPT_MAX:
                self._known.popitem(last=False)
        return known

    def page(self, scope: Scope, asked: Asked, after: str, limit: int) -> Paged:
        """Return some of what is found, from a cursor on.

        Where there are many cards, unit by unit and only as many as make a page: they come in the
        order of units anyhow. `whole` is None then, and a page may be short of `limit`.
        """
        sizes = idling.sizes(self.office.book, self.office.whole, scope, asked)
        asset, _, rest = after.partition("~")
        ground, _, since = rest.partition("~")
        last = f"{asset}~{ground}"
        if asked.unit or sum(sizes.values()) <= LOOKED_MAX:
            whole = self.told(scope, asked)
            left = following(whole.found, last)
            more = key(left[limit - 1]) if len(left) > limit else ""
            return Paged(found=tuple(left[:limit]), more=more, part=whole, whole=whole)
        units = [unit for unit in sizes if unit > since or (unit == since and asset)]
        now = list[str]()
        for unit in units:
            if now and sum(sizes[one] for one in (*now, unit)) > LOOKED_MAX:
                break
            now.append(unit)
        told = self.told(scope, msgspec.structs.replace(asked, units=frozenset(now)))
        left = following(told.found, last)
        if len(left) > limit:
            more = f"{key(left[limit - 1])}~{left[limit - 1].unit}"
        else:
            more = f"~~{now[-1]}" if len(now) < len(units) else ""
        return Paged(found=tuple(left[:limit]), more=more, part=told, looked=tuple(now))

    def informed(self, occasion: Occasion, asks: Iterable[Ask], today: date) -> Occasion:
        """Return the occasion with what the log shows of things somebody decides on."""
        wanted: dict[IdleGround, set[str]] = {}
        for ask in asks:
            kind, _, id_ = ask.stream.partition("/")
            ground = ground_of(ask.form)
            if kind == "asset" and ask.verb in DECIDING and ground is not None:
                wanted.setdefault(ground, set()).add(id_)
        if not wanted:
            return occasion
        seen = looked(self.office.book, self.office.rows, occasion.on, wanted, today)
        return msgspec.structs.replace(occasion, seen=(*occasion.seen, *seen))


def looked(
    book: Book,
    rows: idling.Ask,
    on: date,
    wanted: Mapping[IdleGround, Iterable[str]],
    today: date,
) -> Iterator[Looked]:
    """Yield what shows of each thing by a ground, on a business date."""
    for ground, ids in wanted.items():
        asked = Asked(on=on, past=on < today, assets=frozenset(ids), ground=ground.value)
        found = {f.asset: f for f in idling.told(book, rows, EVERYTHING, asked).found}
        for id_ in sorted(asked.assets):
            yield Looked(stream=f"asset/{id_}", ground=ground, found=found.get(id_))


def ground_of(form: Mapping[str, Any]) -> IdleGround | None:
    """Return the ground that a form gives, not yet checked; None where it is none."""
    said = form.get("ground", IdleGround.IDLE)
    return IdleGround(said) if isinstance(said, str) and said in set(IdleGround) else None


# In words ------------------------------------------------------------------------


def reason(found: Finding, lang: Lang, name_of: NameOf) -> str:
    """Say why a thing shows as idle, with the figures."""
    words = _reason(found, name_of)
    return in_language(words.zh, words.en, lang)


def _reason(f: Finding, name_of: NameOf) -> Words:
    match f.ground:
        case IdleGround.IDLE:
            return Words(
                f"自 {f.since} 起无人使用，已 {f.days} 天（规定满 {f.limit} 天）",
                f"unused since {f.since}, {f.days} days (the rule: {f.limit})",
            )
        case IdleGround.UNDER_USED if f.hours is not None:
            return Words(
                f"近 {f.days_of} 天共享机时 {f.hours} 小时，不足 {f.limit} 小时",
                f"shared for {f.hours} hours in {f.days_of} days, fewer than {f.limit}",
            )
        case IdleGround.UNDER_USED:
            return Words(
                f"近 {f.days_of} 天使用 {f.days} 天，不足 {f.limit} 天",
                f"used on {f.days} of {f.days_of} days, fewer than {f.limit}",
            )
        case IdleGround.OVER_STANDARD:
            part = (f"，其中 {f.count}", f", {f.count} of this card") if f.part else ("", "")
            return Words(
                f"超配置标准《{f.about}》：现有 {f.held}，标准 {f.limit}{part[0]}",
                f"over the standard “{f.about}”: {f.held} held, {f.limit} allowed{part[1]}",
            )
        case IdleGround.RETURNED if f.about == f.unit:
            body = name_of("unit", f.about)
            return Words(
                f"临时机构{body}已结束，{f.since} 起应交回",
                f"the temporary body {body} is over; due back since {f.since}",
            )
        case IdleGround.RETURNED if f.about.startswith("gathering/"):
            list_ = name_of("stream", f.about)
            return Words(
                f"{list_}：会议活动已结束，{f.since} 起应移交公物仓",
                f"{list_}: the occasion is over; due in the public warehouse since {f.since}",
            )
        case IdleGround.RETURNED:
            body = name_of("unit", f.about)
            return Words(
                f"{f.since} 自{body}归还，此后未再使用",
                f"came back from {body} on {f.since}, not used since",
            )
        case _:
            body = name_of("unit", f.about)
            return Words(
                f"{body}已撤销，自 {f.since} 起仍在其名下",
                f"{body} has ended; still in its name since {f.since}",
            )


def what_to_do(found: Finding) -> Words:
    """Return what is to be done about it."""
    return SPLIT_FIRST if found.part else TO_DO[found.ground]


def law(found: Finding, lang: Lang) -> str:
    """Return the article a ground rests on."""
    said = LAWS[found.ground]
    return said if lang == "zh" else cited(said, lang)


def not_looked(policy: Policy, lang: Lang) -> list[str]:
    """Say which grounds are not looked for under some rules, since they give no number."""
    said = []
    if policy.idle_days is None:
        said.append(IdleGround.IDLE)
    if not policy.under_use:
        said.append(IdleGround.UNDER_USED)
    return [in_words(ground.words, lang) for ground in said]


def key(found: Finding) -> str:
    """Return what a finding is called in an address or a form: asset and ground."""
    return f"{found.asset}~{found.ground.value}"


def request(found: Finding, verb: str, **form: Any) -> Request:
    """Return the request by which a finding is confirmed or explained."""
    return f"asset/{found.asset}", verb, {"ground": found.ground.value, **form}


def plain(found: Finding, lang: Lang, name_of: NameOf) -> dict[str, Any]:
    """Return a finding as a JSON value, with what can be asked about it."""
    said: dict[str, Any] = msgspec.to_builtins(found)
    return said | {
        "part": found.part,
        "reason": reason(found, lang, name_of),
        "law": law(found, lang),
        "to_do": in_words(what_to_do(found), lang),
        "confirm": None if found.part else _asked(found, "declare_idle"),
        "explain": _asked(found, "explain_idleness"),
    }


def _asked(found: Finding, verb: str) -> dict[str, Any]:
    stream, verb, form = request(found, verb)
    return {"post": f"/api/v1/{stream}/{verb}", "form": form}


def following(found: Sequence[Finding], cursor: str) -> Sequence[Finding]:
    """Return what comes after a finding; everything when it is not there any more."""
    keys = [key(one) for one in found]
    return found[keys.index(cursor) + 1 :] if cursor in keys else found


HEAD: Final = (
    Words("资产", "asset"),
    Words("资产编号", "number"),
    Words("名称", "name"),
    Words("类别", "kind"),
    Words("单位", "unit"),
    Words("事由", "ground"),
    Words("自", "since"),
    Words("理由", "reason"),
    Words("数量", "quantity"),
    Words("币种", "currency"),
    Words("价值", "value"),
    Words("依据条目", "entries"),
    Words("适用规则", "rules"),
    Words("依据", "law"),
    Words("怎么办", "what to do"),
)


def table(found: Iterable[Finding], lang: Lang, name_of: NameOf) -> Iterator[tuple[Any, ...]]:
    """Yield findings as rows to take home."""
    yield tuple(in_words(words, lang) for words in HEAD)
    for f in found:
        yield (
            f.asset, f.asset_no, f.name, in_words(Kind(f.kind).words, lang), name_of("unit", f.unit),
            in_words(f.ground.words, lang), f.since.isoformat(), reason(f, lang, name_of), f.count,
            f.currency, "" if f.value is None else Amount(f.value),
            " ".join(map(str, f.rests_on)), f.policy, law(f, lang), in_words(what_to_do(f), lang),
        )  # fmt: skip


def by_ground(found: Iterable[Finding]) -> list[tuple[IdleGround, int]]:
    """Return how many were found of each ground, in their order."""
    grounds = [one.ground for one in found]
    return [(ground, grounds.count(ground)) for ground in GROUNDS if ground in grounds]
