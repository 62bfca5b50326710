"""Radio readings in a count: where each tag is, what the hand-held is told, what they come to.

Batches lie with the other readings, each once under device and number; a count adds up what is
there when it ends. A radio reading is evidence of an area, never more: what is heard as well next
door, too faintly, or with another chip is not counted until somebody reads the QR code; nor is
what a recount looks for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from api.counting import Frozen, Gathered, folded
from api.readings import NO_CHIPS, Before, Incoming, Sum, chips_of
from api.resolving import Seen, Sighting, Verdict, resolve
from api.scanned import Body, Kept, by_radio
from domain import counting as results
from domain.decider import Lang, Refused
from domain.radio import NO_THRESHOLD, Heard, Threshold, whereabouts
from domain.stocktaking import ONCE, Stocktake, StocktakeStatus
from domain.words import Words, in_language
from projections import counting as lists
from projections.scope import EVERYTHING, Rows

if TYPE_CHECKING:
    from api.office import Actor, Office

Look: TypeAlias = Callable[[Rows], Sequence[Any]]
FIRST: Final = 1  # the only round in which radio alone says that a thing is there
RADIO: Final = "rfid"
SAID: Final = {
    "right": Words("相符：{name}。", "Right: {name}."),
    "recorded": Words("已记录：{name}。", "Recorded: {name}."),
    "misplaced": Words(
        "位置不符：{name}，账面在{place}。", "Wrong place: {name}; the books have it in {place}."
    ),
    "unexpected": Words(
        "清单外：{name} 不在本次清单中，账面在{place}。",
        "Not on the list: {name}; the books have it in {place}.",
    ),
    "moved": Words(
        "盘点期间账面已移位：{name}，清单在{expected}，现记在{place}；两处都记下，待复核。",
        "Moved in the books during the count: {name}, listed in {expected}, now in {place}. Both"
        " are kept for the review.",
    ),
    "already": Words(
        "已盘：{name}，{who}于{when}在{where}扫过二维码。",
        "Counted already: {name}, its QR code was read by {who} at {when} in {where}.",
    ),
    "ambiguous": Words(
        "说不准在哪里：{name} 在{where}都读到，强弱相近，暂不计入；请扫二维码。",
        "It may be in any of {where}: {name} is heard as well in each, so it is not counted yet."
        " Read its QR code.",
    ),
    "weak": Words(
        "信号太弱：{name} 可能在隔壁，暂不计入；请走近再读，或者扫二维码。",
        "Too faint: {name} may be next door, so it is not counted yet. Go nearer, or read its QR"
        " code.",
    ),
    "confirm": Words(
        "须扫码确认：{name} 已读到，但价值较高，只凭射频不算盘到；请扫二维码，或者由人当面核实。",
        "Read its label: {name} was heard, but is worth too much to be counted by radio alone. Read"
        " its QR code, or have somebody look at it.",
    ),
    "recount": Words(
        "复盘须扫二维码：{name} 已读到并留作证据，但不计入。",
        "A recount needs the QR code: {name} was heard, which is kept as evidence and not counted.",
    ),
}
SETTLED: Final = ("right", "misplaced", "moved")  # as far as the one sighting can
NAMELESS: Final = Words("本件", "it")


class Scanned(msgspec.Struct, frozen=True):
    """The QR scan by which a thing was counted."""

    by: str
    at: str
    place: str


def counted(office: Office, session: str) -> Stocktake | None:
    """Return the stocktake that a session of readings belongs to; None when it is none."""
    stream = office.book.stream(f"stocktake/{session}")
    return stream.state if stream.version else None


def join(
    office: Office, session: str, state: Stocktake, reader: str, actor: Actor, **how: str
) -> None:
    """Record once who counts with which device; raise Refused for who may not, or too early.

    What comes after the count is kept as late, whoever sends it.
    """
    over = state.status not in (StocktakeStatus.PLANNED, StocktakeStatus.COUNTING)
    if over or (reader, actor.person) in state.devices:
        return
    try:
        office.ask(f"stocktake/{session}", "join_count", {"device": reader}, actor, **how)
    except Refused as refused:
        if refused.rule is not ONCE:
            raise


# What a hand-held is told ---------------------------------------------------------


class Hearing:
    """One batch of a count: what each of its tags means, with all that was heard before."""

    def __init__(
        self, office: Office, incoming: Incoming, state: Stocktake, sightings: Sequence[Sighting]
    ) -> None:
        self.incoming, self.state, self.sightings = incoming, state, sightings
        self.frozen = office.counting.frozen(state)
        self.thresholds = office.readings.thresholds()
        self.assets = [self._asset(sighting) for sighting in sightings]
        found = filter(None, self.assets)
        self.scanned = scanned(office, incoming.session, found, incoming.round)

    def _asset(self, sighting: Sighting) -> str:
        return sighting.asset or self.frozen.by_code.get(folded(sighting.key), "")

    def told(self, before: Before) -> list[dict[str, Any]]:
        """Return one result for each different tag, in the order in which they came."""
        batch, seen_before = self.incoming, before.sums
        known = chips_of(seen_before)
        chips = dict(known)
        evidence = Evidence()
        first = batch.round == FIRST
        if first:
            evidence.add_all(seen_before, FIRST)
        for sighting, seen in zip(self.sightings, batch.observations, strict=True):
            key = sighting.key
            if seen.tid:
                chips[key] = chips.get(key, NO_CHIPS) | {seen.tid.upper()}
            elif key not in chips:
                chips[key] = NO_CHIPS
            if first and seen.carrier == RADIO:
                antenna = -1 if seen.antenna is None else seen.antenna
                place = seen.place or batch.area
                evidence.add(
                    *(key, place, batch.device, antenna),
                    *(seen.count, seen.rssi, seen.first_ms, seen.last_ms),
                )
        results: dict[str, dict[str, Any]] = {}
        all_ = zip(self.sightings, self.assets, batch.observations, strict=True)
        for sighting, asset, seen in all_:
            key = sighting.key
            if key in results:
                continue
            said = results[key] = msgspec.to_builtins(sighting)
            said["again"] = key in known
            if sighting.verdict is Verdict.CONFLICT or len(chips[key]) > 1:
                said["verdict"] = said["result"] = Verdict.CONFLICT.value
            elif not asset:
                said["result"] = sighting.verdict.value
            else:
                place = seen.place or batch.area
                self._say(said, sighting, asset, place, evidence)
        return list(results.values())

    def _say(
        self,
        said: dict[str, Any],
        sighting: Sighting,
        asset: str,
        place: str,
        evidence: Evidence,
    ) -> None:
        """Add what the count has to say of a thing."""
        item = self.frozen.by_id.get(asset)
        before = self.scanned.get(asset)
        said["asset"], said["expected_place"] = asset, item.place if item else ""
        if before is not None:
            said["result"], said["scanned"] = "already", msgspec.to_builtins(before)
        elif sighting.carrier != RADIO:
            said["result"] = self._standing(sighting, item, place)
        elif self.incoming.round != FIRST:
            said["result"] = "recount"
        else:
            areas = said["areas"] = evidence.areas(sighting.key, self.thresholds)
            said["result"] = self._heard(sighting, item, areas)
            if item is not None and item.confirm and said["result"] in SETTLED:
                said["result"] = "confirm"
        if self.state.blind:
            said["place"] = said["expected_place"] = ""
            if sighting.verdict is Verdict.ELSEWHERE:
                said["verdict"] = Verdict.MATCHED.value
            if said["result"] in (*SETTLED, "unexpected"):
                said["result"] = "recorded"

    def _heard(self, sighting: Sighting, item: results.Item | None, areas: tuple[str, ...]) -> str:
        if not areas:
            return "weak"
        first, *others = areas
        return "ambiguous" if others else self._standing(sighting, item, first)

    def _standing(self, sighting: Sighting, item: results.Item | None, place: str) -> str:
        if item is None:
            return "unexpected"
        if sighting.asset and sighting.place != item.place:
            return "moved"
        return "misplaced" if item.place and place and place != item.place else "right"


def sentence(office: Office, result: Mapping[str, Any], lang: Lang) -> str:
    """Say one result of a count to whoever holds the reader."""
    words, verdict = SAID.get(result["result"]), Verdict(result["verdict"])
    more = in_language(verdict.zh, verdict.en, lang)
    if words is None:
        return more

    def place(id_: str) -> str:
        return office.called(id_, lang) if id_ else "—"

    scan = result.get("scanned", {"by": "", "at": "", "place": ""})
    when = datetime.fromisoformat(scan["at"]) if scan["at"] else None
    wheres = [scan["place"]] if when else result.get("areas", ())
    name = f"{result.get('asset_no', '')} {result.get('name', '')}".strip()
    said = in_language(words.zh, words.en, lang).format(
        name=name or result.get("asset") or in_language(NAMELESS.zh, NAMELESS.en, lang),
        place=place(result.get("place", "")),
        expected=place(result.get("expected_place", "")),
        where=("、" if lang == "zh" else ", ").join(map(place, wheres)),
        who=office.accounts.name_of(scan["by"], lang) if scan["by"] else "",
        when=f"{when.astimezone(ZoneInfo(office.settings.zone)):%m-%d %H:%M}" if when else "",
    )
    wrong = verdict in (Verdict.VOID, Verdict.GONE)  # it is there, and something is wrong
    return f"{said}{'' if lang == 'zh' else ' '}{more}" if wrong else said


def scanned(office: Office, session: str, assets: Iterable[str], round_: int) -> dict[str, Scanned]:
    """Return the first QR scan in a round of each of some things, where there was one."""
    seen = office.scanned.seen_of(session, assets)
    gone = office.scanned.undone(session) if seen else set()
    decode = msgspec.json.Decoder(Body).decode
    found: dict[str, Scanned] = {}
    for scan in sorted(seen, key=_received):
        if scan.round == round_ and (scan.device, scan.n) not in gone:
            body = decode(scan.body)
            if not by_radio(body.source, body.code):
                told = Scanned(scan.person, scan.received_at, body.place)
                found.setdefault(scan.asset, told)
    return found


def _received(scan: Kept) -> tuple[str, str, int]:
    return scan.received_at, scan.device, scan.n


# What all of it comes to ------------------------------------------------------------


class Evidence:
    """What each device heard of each tag in each area, by radio; sums, best, first and last."""

    def __init__(self) -> None:
        self._of: dict[str, dict[tuple[str, str], list[Any]]] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self._of)

    def add(
        self,
        key: str,
        area: str,
        device: str,
        antenna: int,
        reads: int,
        rssi: int | None,
        first: int,
        last: int,
    ) -> None:
        """Add what was heard of a tag on one antenna."""
        places = self._of.get(key)
        if places is None:
            self._of[key] = {(area, device): [reads, rssi, {antenna}, first, last]}
            return
        kept = places.get((area, device))
        if kept is None:
            places[area, device] = [reads, rssi, {antenna}, first, last]
            return
        kept[0] += reads
        if rssi is not None and (kept[1] is None or rssi > kept[1]):
            kept[1] = rssi
        kept[2].add(antenna)
        kept[3], kept[4] = min(kept[3], first), max(kept[4], last)

    def add_all(self, sums: Iterable[Sum], round_: int) -> None:
        """Add what the batches of a round come to."""
        for one in sums:
            if one.carrier == RADIO and one.round == round_:
                self.add(
                    *(one.key, one.area, one.device, one.antenna),
                    *(one.reads, one.rssi, one.first_ms, one.last_ms),
                )

    def areas(self, key: str, thresholds: Mapping[tuple[str, str], Threshold]) -> tuple[str, ...]:
        """Return where a tag is, as `whereabouts` does."""
        places = self._of[key]
        if len(places) > 1:
            return whereabouts(self.of(key), thresholds).areas
        # Nearly always, and a thousand times in a batch: heard in one area, nothing to compare.
        ((area, device), (reads, rssi, *_)) = next(iter(places.items()))
        least = thresholds.get((device, area), NO_THRESHOLD)
        return (area,) if least.met(reads, rssi) else ()

    def of(self, key: str) -> list[Heard]:
        """Return what was heard of a tag."""
        return [
            Heard(
                area=area,
                device=device,
                reads=reads,
                rssi=rssi,
                antennas=len(antennas),
                milliseconds=last - first,
            )
            for (area, device), (reads, rssi, antennas, first, last) in self._of.get(
                key, {}
            ).items()
        ]


def heard_of(sums: Iterable[Sum], round_: int) -> dict[str, list[Heard]]:
    """Return by tag what each device heard of it in each area in a round, by radio."""
    evidence = Evidence()
    evidence.add_all(sums, round_)
    return {key: evidence.of(key) for key in evidence}


def heard_assets(office: Office, session: str, frozen: Frozen) -> set[str]:
    """Return the things of a frozen list of which a reader has heard at all, to show progress.

    What needs to be confirmed is not among them.
    """
    found = (frozen.by_code.get(folded(key), "") for key in office.readings.keys(session))
    return {asset for asset in found if asset and not frozen.by_id[asset].confirm}


def walked(
    office: Office, session: str, device: str, area: str, known: Collection[str]
) -> tuple[list[int], list[int]]:
    """Return how loud (dBm) a device heard each known tag of an area there, and each other tag."""
    best: dict[str, int] = {}
    for one in office.readings.sums(session):
        if (one.device, one.area, one.carrier) == (device, area, RADIO) and one.rssi is not None:
            best[one.key] = max(best.get(one.key, one.rssi), one.rssi)
    inside = [rssi for key, rssi in best.items() if key in known]
    return inside, [rssi for key, rssi in best.items() if key not in known]


def gathered(office: Office, session: str, state: Stocktake, look: Look) -> Gathered:
    """Return what the readings of a count come to, whatever their order."""
    store = office.readings
    digest, batches, reads = store.digest(session)
    if not batches:
        return Gathered()
    return Adding(office, state, store.sums(session), look).all(digest, batches, reads)


class Adding:
    """All readings of a count at its end, and the sightings they come to."""

    def __init__(self, office: Office, state: Stocktake, sums: Sequence[Sum], look: Look) -> None:
        self.office, self.state, self.look = office, state, look
        self.sums = sorted(sums, key=_order)
        self.people = dict(state.devices)
        self.frozen = office.counting.frozen(state)

    def all(self, digest: str, batches: int, reads: int) -> Gathered:
        copies = self._copies
        owner = self._assets()
        strong: dict[str, list[results.Sighting]] = {}
        for one in self.sums:
            if one.carrier != RADIO and one.key not in copies:
                asset = owner.get(one.key, "")
                seen = self._sighting(one.key, asset, one.area, one.device, one.round, one.first_ms)
                strong.setdefault(asset or one.key, []).append(seen)
        found = [sighting for several in strong.values() for sighting in several]
        thresholds = self.office.readings.thresholds()
        heard: dict[str, list[Heard]] = {}
        for key, several in heard_of(self.sums, FIRST).items():
            asset = "" if key in copies else owner.get(key, "")
            if (asset or key) not in strong:  # one thing, however many tags it has
                heard.setdefault(asset or f"?{key}", []).extend(several)
        key_of = {owner[one.key]: one.key for one in reversed(self.sums) if one.key in owner}
        for of, several in sorted(heard.items()):
            if of.startswith("?"):
                # Nobody's tag is told once, where it was loudest: there is nothing to count twice.
                where, key, asset = whereabouts(several, {}).areas[:1] or ("",), of[1:], ""
            else:
                where, key, asset = whereabouts(several, thresholds).areas, key_of[of], of
            copy = not asset and key in copies
            found += (self._heard(key, asset, area, several, copy) for area in where)
        document = {
            "digest": digest,
            "batches": batches,
            "reads": reads,
            "sums": self.sums,
        }
        return Gathered(tuple(found), digest, reads, document)

    @cached_property
    def _copies(self) -> set[str]:
        """Return what stood on two chips: one of the two tags is a copy, and neither counts."""
        chips: dict[str, set[str]] = {}
        for one in self.sums:
            if one.tid:
                chips.setdefault(one.key, set()).add(one.tid)
        found = {key for key, tids in chips.items() if len(tids) > 1}
        asked = [Seen(RADIO, one.key, one.tid) for one in self.sums if one.tid]
        told = resolve(self.office, EVERYTHING, asked, look=self.look)
        return found | {
            seen.raw
            for seen, sighting in zip(asked, told, strict=True)
            if sighting.verdict is Verdict.CONFLICT
        }

    def _assets(self) -> dict[str, str]:
        """Return which thing each tag means, as far as anybody knows."""
        carriers = {one.key: one.carrier for one in self.sums}
        found = {key: self.frozen.by_code.get(folded(key), "") for key in carriers}
        rest = [key for key, asset in found.items() if not asset]
        asked = [Seen(RADIO if carriers[key] == RADIO else "manual", key) for key in rest]
        told = resolve(self.office, EVERYTHING, asked, look=self.look)
        found |= {key: sighting.asset for key, sighting in zip(rest, told, strict=True)}
        # The id of a thing that is not on the list, from its QR code.
        ids = [key for key in rest if not found[key] and carriers[key] != RADIO]
        if ids:
            found |= {row["id"]: row["id"] for row in self.look(lists.cards(ids))}
        return {key: asset for key, asset in found.items() if asset}

    def _sighting(
        self, key: str, asset: str, area: str, device: str, round_: int, at: int
    ) -> results.Sighting:
        by = self.people.get(device, "")
        return results.Sighting(at, device, 0, area, key, asset, round_, by)

    def _heard(
        self, key: str, asset: str, area: str, several: Iterable[Heard], copy: bool
    ) -> results.Sighting:
        there = sorted(
            (one for one in several if one.area == area),
            key=lambda one: (one.rssi if one.rssi is not None else -999, one.reads, one.device),
        )
        loudest = there[-1]
        reads = sum(one.reads for one in there)
        strength = "" if loudest.rssi is None else f" {loudest.rssi} dBm"
        note = f"RFID ×{reads}{strength}" + (" ≥2 TID" if copy else "")
        seen = self._sighting(key, asset, area, loudest.device, FIRST, 0)
        return msgspec.structs.replace(seen, note=note, radio=True)


def _order(one: Sum) -> tuple[Any, ...]:
    return (one.key, one.area, one.round, one.carrier, one.tid, one.device, one.antenna)
