"""Take in what readers saw: keep the batch, say of each reading what it means, count it once.

Every door comes here: programs, the gateway to fixed readers, a pasted list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from api import radio_counting
from api.office import Actor, Office
from api.radio_counting import Hearing
from api.readings import (
    MS_MAX,
    OBSERVATIONS_MAX,
    Before,
    Incoming,
    Kept,
    Observation,
    digest_of,
)
from api.resolving import Seen, Sighting, Verdict, resolve
from domain.stocktaking import Stocktake, StocktakeStatus
from domain.values import ID
from domain.words import Role
from projections.scope import EVERYTHING

OBSERVERS: Final = (Role.CLERK, Role.KEEPER, Role.OFFICE, Role.HEAD, Role.ADMIN)

_Id = Annotated[str, Meta(pattern=ID)]
_Code = Annotated[str, Meta(max_length=80, pattern=r"^[^\x00-\x1f\x7f]*$")]


class SentBatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A batch as a program sends it.

    `session` is the count it belongs to (any id), `batch_seq` counts from 1 on each device without
    a gap. `sha256` is that of the observations in canonical JSON (RFC 8785), when the device says
    it; `device_clock` is the device's time when it sent this, with its zone. `round` is that of the
    count; 0 is the one that is on.
    """

    device_id: _Id
    batch_seq: Annotated[int, Meta(ge=1, le=MS_MAX)]
    observations: Annotated[
        tuple[Observation, ...], Meta(min_length=1, max_length=OBSERVATIONS_MAX)
    ]
    session: _Id = ""
    device_clock: Annotated[str, Meta(max_length=40)] = ""
    area: _Code = ""
    round: Annotated[int, Meta(ge=0, le=99)] = 0
    sha256: Annotated[str, Meta(pattern=r"^([0-9a-f]{64})?$")] = ""


class Damaged(Exception):
    """The digest a device sent is not that of what arrived."""


class Arrived(msgspec.Struct, frozen=True):
    """A batch that could be read, with the canonical bytes of its observations and their digest."""

    batch: SentBatch
    content: bytes
    sha256: str


_read = msgspec.json.Decoder(SentBatch).decode
_plain = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder(order="deterministic").encode


def read_batch(body: bytes) -> Arrived:
    """Read a batch; raise msgspec.ValidationError or msgspec.DecodeError with the place.

    Raise `Damaged` when the digest that the device sent is another one.
    """
    sent = _read(body)
    content, digest = digest_of(_plain(body)["observations"])
    if sent.sha256 and sent.sha256 != digest:
        raise Damaged(digest)
    return Arrived(sent, content, digest)


class NoSuchRound(Exception):
    """The batch names a round that has not begun."""


def take(office: Office, actor: Actor, arrived: Arrived, **how: str) -> tuple[dict[str, Any], Kept]:
    """Keep a batch and say what each reading means.

    When its session is a stocktake, the batch counts in its round, and each result says how (see
    `radio_counting`); who may not count is refused.

    Return the answer (see `_answer`) with what is true now: `status` is `accepted`, `late` or
    `replayed`, `complete_to` the number up to which nothing of the device is missing, `gaps` the
    ranges above it that did not arrive. Raise `readings.OtherBatch` when the number was used for
    other content, `NoSuchRound`, or `Refused`.
    """
    sent, digest = arrived.batch, arrived.sha256
    observations = sent.observations
    count = radio_counting.counted(office, sent.session)
    if count is not None and sent.round > max(1, count.round):
        raise NoSuchRound(sent.round)
    incoming = Incoming(
        session=sent.session,
        area=sent.area,
        round=sent.round or (count.round if count else 1),
        device=sent.device_id,
        seq=sent.batch_seq,
        sha256=digest,
        device_clock=sent.device_clock,
        person=actor.person,
        observations=observations,
        content=arrived.content,
    )
    store = office.readings
    kept = store.answered(incoming)
    if kept is None:
        sightings = _by_place(office, observations, sent.area)
        keys = [sighting.key for sighting in sightings]
        if count is None:
            kept = store.keep(
                incoming,
                keys,
                lambda _, before: _encode(_answer(sightings, observations, before.chips)),
            )
        else:
            radio_counting.join(office, sent.session, count, sent.device_id, actor, **how)
            kept = _counted(office, incoming, keys, sightings)
    status = "replayed" if kept.replayed else "late" if kept.late else "accepted"
    found: dict[str, Any] = {
        "status": status,
        "late": kept.late,
        "sha256": digest,
        "complete_to": kept.complete,
        "gaps": kept.gaps,
        "results": msgspec.json.decode(kept.answer),
    }
    return found, kept


def _counted(
    office: Office, incoming: Incoming, keys: Sequence[str], sightings: Sequence[Sighting]
) -> Kept:
    """Keep a batch of a stocktake; a count ends between two batches, never inside one."""
    name = f"stocktake/{incoming.session}"
    hearing = Hearing(office, incoming, office.book.stream(name).state, sightings)

    def over() -> bool:
        state: Stocktake = office.book.stream(name).state
        return state.status is not StocktakeStatus.COUNTING or state.round != incoming.round

    def answer(_: bool, before: Before) -> bytes:
        return _encode(hearing.told(before))

    with office.writing(), _round_kept(office, incoming.session):
        return office.readings.keep(incoming, keys, answer, over)


def _round_kept(office: Office, session: str) -> AbstractContextManager[None]:
    """Let no other program end the round meanwhile; a server sees to it as the batch is kept."""
    return office.scanned.taking(session) if office.readings.sqlite else nullcontext()


def _by_place(office: Office, observations: Sequence[Observation], area: str) -> list[Sighting]:
    """Resolve readings, each with the place where it was read, or the area of the batch.

    A reader sees the same tag again and again; each is looked up once.
    """
    wanted: dict[str, dict[Seen, None]] = {}
    asked = [
        (one.place or area, Seen(one.carrier, one.raw, one.tid))  # type: ignore[arg-type] # checked by its pattern
        for one in observations
    ]
    for place, seen in asked:
        wanted.setdefault(place, {})[seen] = None
    told: dict[tuple[str, Seen], Sighting] = {}
    for place, some in wanted.items():
        # Whoever has a thing before the reader is told whose it is.
        found = resolve(office, EVERYTHING, list(some), place=place)
        told.update({(place, seen): sighting for seen, sighting in zip(some, found, strict=True)})
    return [told[one] for one in asked]


def _answer(
    sightings: Sequence[Sighting],
    observations: Sequence[Observation],
    before: Mapping[str, frozenset[str]],
) -> list[dict[str, Any]]:
    """Return one result per different reading: verdict, asset, and whether it was counted before.

    The same content on two chips is a conflict: one of the two tags is a copy.
    """
    chips: dict[str, set[str]] = {}
    told: dict[str, Sighting] = {}
    for sighting, seen in zip(sightings, observations, strict=True):
        key = sighting.key
        if key not in told:
            told[key] = sighting
        if seen.tid:
            chips.setdefault(key, set()).add(seen.tid.upper())
    results = []
    for key, sighting in told.items():
        said: dict[str, Any] = msgspec.to_builtins(sighting)
        if len(chips.get(key, _NONE) | before.get(key, _NONE)) > 1:
            said["verdict"] = Verdict.CONFLICT
        said["again"] = key in before
        results.append(said)
    return results


_NONE: Final = frozenset[str]()
