"""What shows as idle: every ground with its reason and its entries, for a day, as known (T40)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any

import msgspec
import pytest
from books import opened
from given import TODAY, given

from domain import asset, idling, use
from domain import policy as policies
from domain.asset import AssetRegistered, Book, CardCorrected, Custody, Kind, Lock
from domain.decider import LIFECYCLES, EntryReversed, Event
from domain.fitting import FittedInto
from domain.gathering import (
    BoughtForOccasion,
    GatheringRegistered,
    HomecomingPostponed,
    OccasionProlonged,
    Occasions,
    PieceCameHome,
)
from domain.holding import HeldForProcess
from domain.idleness import Finding, IdleGround, Looked
from domain.idling import IdlenessExplained
from domain.instruments import SharedUseRecorded, SharingOffered
from domain.lending import AssetLent, ReturnInspected, ReturnResult
from domain.policy import Policy, Priority, UnderUse
from domain.ruling import PolicyProposed, PolicyPublished
from domain.standards import Basis, StandardDrafted, StandardEnded, StandardPublished
from domain.unit import (
    PostsAuthorised,
    TemporaryBodyEstablished,
    UnitDissolved,
    UnitEstablished,
    UnitKind,
)
from domain.use import DeclaredIdle, IssuedToUser, PutBackToUse, RepairCompleted, RepairStarted
from domain.use import ReturnedByUser as Returned
from domain.warehouse import ListedForReuse, ReceivedIntoWarehouse
from ledger.book import Book as Ledger
from ledger.entry import Corrects, Draft, Entry, standing
from projections.idling import Asked, Told, told
from projections.scope import EVERYTHING
from projections.store import ReadModels

past = partial(given, asset.lifecycle)
DAY = date(2025, 1, 1)
RULES = Policy(
    name="place",
    version=1,
    idle_days=180,
    under_use=(
        UnderUse(within_days=90, kinds=frozenset({"vehicle"}), used_days_below=10),
        UnderUse(within_days=365, kinds=frozenset({"instrument"}), hours_below=40),
    ),
)


def day(n: int) -> date:
    return DAY + timedelta(days=n)


class Story:
    """Facts recorded as an import knows them: stream by stream, each with its day."""

    def __init__(self, book: Ledger, models: ReadModels) -> None:
        self.book, self.models, self.count = book, models, 0

    def tell(self, stream: str, *facts: tuple[int, Event]) -> list[int]:
        """Record facts of a stream; return their positions."""
        seq, first = len(self.book.stream(stream).entries), self.book.head()[0] + 1
        drafts = [
            Draft(
                stream=stream,
                seq=seq + n,
                event=fact,
                actor="u_1",
                cause="cmd_test",
                effective_at=f"{day(on)}T00:00:00+08:00",
                corrects=Corrects(fact.seq, stream) if isinstance(fact, EntryReversed) else None,
            )
            for n, (on, fact) in enumerate(facts, 1)
        ]
        self.count += 1
        self.book.append(drafts, actor="u_1", cause=f"cmd_test_{self.count}")
        self.models.catch_up(self.book)
        return list(range(first, first + len(facts)))

    def unit(self, id_: str, kind: UnitKind = UnitKind.ORGAN) -> None:
        self.tell(f"unit/{id_}", (0, UnitEstablished(name=id_, kind=kind)))

    def rules(self, policy: Policy, version: int, since: int) -> None:
        content = policies.written(policy)
        drafted = PolicyProposed(
            drafter="u_1", version=version, title=policy.title.zh, title_en=policy.title.en,
            content=content,
        )  # fmt: skip
        published = PolicyPublished(version=version, in_force_from=day(since))
        self.tell("policy/place", (since, drafted), (since, published))

    def standard(self, id_: str, cap: str, code: str, basis: Basis = Basis.UNIT) -> int:
        drafted = StandardDrafted(
            drafter="u_1", title=f"标准{id_}", kind=Kind.COMPUTER, class_code=code, quantity=cap,
            basis=basis,
        )  # fmt: skip
        published = StandardPublished(in_force_from=day(3))
        return self.tell(f"standard/{id_}", (2, drafted), (2, published))[1]

    def card(self, id_: str, on: int = 0, unit: str = "o_1", **said: Any) -> int:
        form: dict[str, Any] = {"name": "办公桌", "kind": Kind.FURNITURE} | said
        fact = AssetRegistered(asset_no=id_, unit=unit, **form)
        return self.tell(f"asset/{id_}", (on, fact))[0]

    def look(self, on: int, known: int | None = None, **asked: Any) -> Told:
        """Ask what shows as idle; of another day or knowledge than those of now with `past`."""
        how: dict[str, Any] = {"past": known is not None} | asked
        where = Asked(on=day(on), known=known, **how)
        return told(self.book, self.models.rows, EVERYTHING, where)


@contextmanager
def stories(url: str) -> Iterator[Story]:
    with opened(url) as book:
        models = ReadModels.open(url)
        try:
            yield Story(book, models)
        finally:
            models.close()


def issued(unit: str = "o_1") -> IssuedToUser:
    return IssuedToUser(unit=unit, user="u_9")


def lent(to: str, need: Priority | None = None) -> AssetLent:
    return AssetLent(borrower=to, due=day(300), case="loan/L1", need=need)


SOUND = ReturnInspected(result=ReturnResult.SOUND)


# A seeded history --------------------------------------------------------------


@pytest.mark.target("T40")
def test_a_seeded_history_gives_exactly_the_expected_list_each_with_its_reason(database):
    """Every ground once, beside each what comes near it and is not found."""
    with stories(database) as story:
        for id_ in ("o_1", "o_2", "o_3"):
            story.unit(id_)
        story.unit("o_meet", UnitKind.TEMPORARY)
        story.rules(RULES, 1, 1)
        dissolved = story.tell("unit/o_2", (290, UnitDissolved(reason="机构改革")))[0]
        fair = TemporaryBodyEstablished(name="博览会", ends_on=day(249), approval_no="1号")
        ended = story.tell("unit/o_fair", (0, fair))[0]
        posts = story.tell("unit/o_3", (5, PostsAuthorised(posts=2, order_no="编1号")))[0]
        each, whole = (
            story.standard("each", "1", "A0201", Basis.POST),
            story.standard("whole", "1", "A0299"),
        )

        # Unused: 180 days in store, whatever is repaired, moved or corrected meanwhile.
        unused = story.card("IDLE-1")
        mended = (RepairStarted(fault="坏"), RepairCompleted(result="好"))
        story.tell("asset/IDLE-1", (150, mended[0]), (160, mended[1]))
        story.card("IDLE-not", 121)  # 179 days on day 300
        back = story.card("IDLE-2")
        back = story.tell("asset/IDLE-2", (20, issued()), (120, Returned()))[1]
        story.card("IDLE-used")
        story.tell("asset/IDLE-used", (20, issued()))
        story.card("IDLE-held")
        story.tell("asset/IDLE-held", (9, HeldForProcess(case="intake/I1", lock=Lock.APPROVAL)))
        story.card("IDLE-part")
        story.tell("asset/IDLE-part", (9, FittedInto(whole="IDLE-used")))
        story.card("IDLE-said")
        story.tell("asset/IDLE-said", (200, DeclaredIdle(since=day(0))))
        story.card("IDLE-again")
        story.tell("asset/IDLE-again", (200, DeclaredIdle()), (210, PutBackToUse(reason="要用")))
        story.card("IDLE-listed")
        story.tell("asset/IDLE-listed", (200, ListedForReuse()))

        # Under-used: on fewer than 10 of 90 days; for fewer than 40 hours of a year.
        car = story.card("CAR-1", kind=Kind.VEHICLE)
        cars = story.tell("asset/CAR-1", (215, issued()), (223, Returned()))
        story.card("CAR-not", kind=Kind.VEHICLE)
        story.tell("asset/CAR-not", (215, issued()), (224, Returned()))
        story.card("CAR-new", 215, kind=Kind.VEHICLE)
        scope = story.card("MICRO-1", kind=Kind.INSTRUMENT)
        offered = SharingOffered(description="可用")
        hours = [
            SharedUseRecorded(unit="o_2", hours=hours, purpose="测") for hours in ("9.5", "30")
        ]
        told_of = story.tell(
            "asset/MICRO-1", (0, offered), (1, issued()), (100, hours[0]), (200, hours[1])
        )

        # Beyond the standard: one for each of two posts, the last that came first.
        pcs = {"kind": Kind.COMPUTER, "class_code": "A02010105"}
        came = []
        for n, on in enumerate((10, 30, 20, 40)):
            came.append(story.card(f"PC-{n}", on, "o_3", **pcs))
            story.tell(f"asset/PC-{n}", (on, issued("o_3")))
        _, second, _, last = came
        lot = story.card(
            "LOT", 11, kind=Kind.COMPUTER, class_code="A0299", unit="o_3", quantity="5"
        )
        story.tell("asset/LOT", (11, issued("o_3")))
        story.card("PC-noclass", 12, kind=Kind.COMPUTER, unit="o_3")
        story.tell("asset/PC-noclass", (12, issued("o_3")))
        story.card("PC-free", 12, **pcs)  # nobody said how many posts o_1 has
        story.tell("asset/PC-free", (12, issued("o_1")))

        # Back from a temporary body, its own things when its time is over, a unit that ended.
        story.card("TENT-1")
        dearer = asset.ValueCorrected(value=9, value_type=asset.ValueType.COST, reason="核对")
        tent = story.tell("asset/TENT-1", (200, lent("o_meet")), (205, dearer), (210, SOUND))[::2]
        story.card("TENT-not")
        story.tell("asset/TENT-not", (200, lent("o_2")), (210, SOUND))
        story.card("CHAIR-1")  # lent to an ordinary unit, for a meeting
        meeting = lent("o_2", Priority.MEETING)
        chair = story.tell("asset/CHAIR-1", (200, meeting), (210, SOUND))
        story.card("CHAIR-not")
        story.tell("asset/CHAIR-not", (200, lent("o_2", Priority.PEER)), (210, SOUND))
        # Bought for a forum that is over: one is used on, one comes home, one may stay longer.
        flags = {}
        for n, id_ in enumerate(("FLAG-1", "FLAG-home", "FLAG-longer")):
            story.card(id_)
            bound = BoughtForOccasion(case=f"gathering/G{n}", ground=Occasions.EVENT, due=day(240))
            flags[id_] = story.tell(f"asset/{id_}", (220, bound), (221, issued()))
            listed = GatheringRegistered(
                applicant="u_1",
                unit="o_1",
                ground=Occasions.EVENT,
                purpose="论坛",
                due=day(240),
                warehouse="p_wh",
                assets=(id_,),
            )
            story.tell(f"gathering/G{n}", (220, listed))
        home = ReceivedIntoWarehouse(warehouse="p_wh", virtual=False, keeper_unit="o_3")
        story.tell("asset/FLAG-home", (230, home))
        story.tell("gathering/G1", (230, PieceCameHome(asset="FLAG-home")))
        longer = HomecomingPostponed(due=day(300), approval_no="1", reason="再办")
        story.tell("gathering/G2", (230, longer))
        story.tell("asset/FLAG-longer", (230, OccasionProlonged(due=day(300))))
        story.card("TENT-used")
        story.tell("asset/TENT-used", (200, lent("o_meet")), (210, SOUND), (211, issued()))
        fairs = story.card("FAIR-1", unit="o_fair")
        left = story.card("LEFT-1", 40, unit="o_2")
        story.tell("asset/LEFT-1", (41, issued("o_2")))

        found = {f.asset: f for f in story.look(364).found}
        reasons = {
            (f.asset, f.ground, (f.since - DAY).days, f.rests_on) for f in story.look(300).found
        }
        assert reasons == {
            ("IDLE-1", IdleGround.IDLE, 0, (unused,)),
            ("IDLE-2", IdleGround.IDLE, 120, (back,)),
            ("CAR-1", IdleGround.UNDER_USED, 211, (car, *cars)),
            ("PC-3", IdleGround.OVER_STANDARD, 40, tuple(sorted((posts, each, last)))),
            ("PC-1", IdleGround.OVER_STANDARD, 30, tuple(sorted((posts, each, second)))),
            ("LOT", IdleGround.OVER_STANDARD, 11, tuple(sorted((whole, lot)))),
            ("TENT-1", IdleGround.RETURNED, 210, tuple(tent)),
            ("CHAIR-1", IdleGround.RETURNED, 210, tuple(chair)),
            ("FLAG-1", IdleGround.RETURNED, 241, (flags["FLAG-1"][0],)),
            ("FAIR-1", IdleGround.RETURNED, 250, (ended, fairs)),
            ("LEFT-1", IdleGround.DISSOLVED, 290, (dissolved, left)),
        }
        assert found["MICRO-1"].rests_on == tuple(told_of[i] for i in (0, 2, 3))
        assert (found["MICRO-1"].hours, found["MICRO-1"].limit) == ("39.5", "40")
        assert (found["LOT"].count, found["LOT"].part, found["LOT"].held) == ("4", True, "5")
        assert (found["PC-3"].held, found["PC-3"].limit, found["PC-3"].about) == (
            "4",
            "2",
            "标准each",
        )
        assert scope and {f.policy for f in found.values()} == {"place@1"}
        assert [f.asset for f in story.look(300, ground="dissolved").found] == ["LEFT-1"]
        assert [f.asset for f in story.look(300, assets=frozenset({"PC-3"})).found] == ["PC-3"]
        one = story.look(300, ground="idle", assets=frozenset({"IDLE-1", "IDLE-not"})).found
        assert [f.asset for f in one] == ["IDLE-1"]
        assert {f.asset for f in story.look(300, unit="o_3").found} == {"PC-1", "PC-3", "LOT"}
        assert story.look(300).uncapped == (("o_1", "标准each"),)
        assert {f.asset for f in story.look(300, past=True).found} == {r[0] for r in reasons}


def test_both_sides_of_each_limit(database):
    with stories(database) as story:
        story.unit("o_1")
        story.rules(RULES, 1, 1)
        story.card("A1", 10)
        assert not story.look(189).found
        assert [(f.asset, f.days) for f in story.look(190).found] == [("A1", 180)]


@pytest.mark.target("T40")
def test_a_policy_that_changes_on_a_day_alters_only_later_answers(database):
    with stories(database) as story:
        story.unit("o_1")
        story.card("A1", 0)
        story.card("A2", 100)
        before = story.look(250)
        assert before.found == () and before.policies[0].idle_days is None  # not looked for
        story.rules(RULES, 1, 200)
        size = story.book.head()[0]
        story.rules(msgspec.structs.replace(RULES, idle_days=60), 2, 240)
        of = {on: [(f.asset, f.policy) for f in story.look(on).found] for on in (199, 239, 240)}
        assert of == {
            199: [],
            239: [("A1", "place@1")],
            240: [("A1", "place@2"), ("A2", "place@2")],
        }
        assert [f.asset for f in story.look(240, known=size).found] == ["A1"]
        assert story.look(250, known=before.position).found == ()


def test_what_was_found_of_a_past_day_stays_found_as_it_was_known(database):
    """A late slip says that it was in use; nobody knew that then. Its class changed later, too."""
    with stories(database) as story:
        story.unit("o_1")
        story.rules(RULES, 1, 1)
        story.standard("S", "0", "A0201")
        story.card("A1", 0, kind=Kind.COMPUTER, class_code="A0201")
        known = story.book.head()[0]
        story.tell("asset/A1", (100, issued()), (101, Returned()))
        story.tell("asset/A1", (230, CardCorrected(reason="类别", class_code="A0202")))

        def grounds(on: int, known: int | None) -> list[IdleGround]:
            return [f.ground for f in story.look(on, known, past=True).found]

        both = [IdleGround.OVER_STANDARD, IdleGround.IDLE]
        assert grounds(200, known) == both
        assert grounds(200, None) == [IdleGround.OVER_STANDARD]
        assert grounds(240, None) == []
        assert grounds(281, None) == [IdleGround.IDLE]


def test_what_is_explained_is_not_asked_again_until_its_day(database):
    with stories(database) as story:
        for id_ in ("o_1", "o_2"):
            story.unit(id_)
        story.rules(RULES, 1, 1)
        story.standard("S", "1", "A0201")
        story.card("A1", 0)
        for n in (1, 2, 3):
            story.card(f"PC{n}", n, kind=Kind.COMPUTER, class_code="A0201", unit="o_2")
            story.tell(f"asset/PC{n}", (n, issued("o_2")))
        assert [f.asset for f in story.look(200).found] == ["A1", "PC2", "PC3"]

        def explained(ground: IdleGround, until: int) -> tuple[int, Event]:
            return 190, IdlenessExplained(ground=ground, reason="备用", until=day(until))

        story.tell("asset/A1", explained(IdleGround.IDLE, 250))
        story.tell("asset/PC3", explained(IdleGround.OVER_STANDARD, 260))
        assert [f.asset for f in story.look(189).found] == ["A1", "PC2", "PC3"]
        assert [f.asset for f in story.look(250).found] == ["PC2"]  # and no other in place of PC3
        assert [f.asset for f in story.look(251).found] == ["A1", "PC2"]
        assert [f.asset for f in story.look(261).found] == ["A1", "PC2", "PC3"]
        story.tell("asset/PC3", (190, EntryReversed(seq=3, reason="说明有误")))
        assert [f.asset for f in story.look(250).found] == ["PC2", "PC3"]


# The same by another way ---------------------------------------------------------


class Slow:
    """The finder once more: every stream folded from its entries, day by day, nothing remembered."""

    def __init__(self, book: Ledger, on: date, known: int) -> None:
        self.on = on
        streams: dict[str, list[Entry]] = defaultdict(list)
        for entry in book.entries(1, known):
            streams[entry.stream].append(entry)
        self.told = {
            name: [e for e in standing(entries) if e.effective_on <= on.isoformat()]
            for name, entries in streams.items()
        }
        self.units = {n[5:]: self.fold(n) for n in self.told if n.startswith("unit/")}

    def fold(self, name: str) -> Any:
        return LIFECYCLES[name.partition("/")[0]].fold(e.event for e in self.told[name])

    def ended(self, unit: str) -> tuple[date, int] | None:
        ends = list[tuple[date, int]]()
        for e in self.told.get(f"unit/{unit}", []):
            if isinstance(e.event, UnitDissolved):
                ends.append((date.fromisoformat(e.effective_on), e.position))
            if isinstance(e.event, TemporaryBodyEstablished) and e.event.ends_on < self.on:
                ends.append((e.event.ends_on + timedelta(days=1), e.position))
        return min(ends, default=None)

    def found(self) -> set[tuple[str, IdleGround, date, tuple[int, ...]]]:
        found = set()
        kept = dict[str, list[tuple[Any, ...]]]()
        for name in self.told:
            if not name.startswith("asset/") or not self.told[name]:
                continue
            life = self.life(name)
            now = life["now"]
            if now.book is not Book.ON_BOOKS or now.listed:
                continue
            if now.custody in (*idling.RESTING, *idling.USED):
                kept.setdefault(now.accounting_unit, []).append((name[6:], life))
            free = now.lock is Lock.NONE and not now.whole
            if now.custody in (Custody.STORE, Custody.IN_USE) and free:
                one = self.rest(life)
                if one is not None and not self.excused(life, one[0]):
                    found.add((name[6:], *one))
        for unit, cards in kept.items():
            found |= self.beyond(unit, cards)
        return found

    def excused(self, life: dict[str, Any], ground: IdleGround) -> bool:
        return ground in life["explained"] and self.on <= life["explained"][ground]

    def life(self, name: str) -> dict[str, Any]:
        state, days, uses = LIFECYCLES["asset"].state(), set[date](), []
        rest = before = lender = here = books = None
        shared, explained, came = None, {}, []
        entries = self.told[name]
        for n, e in enumerate(entries):
            old, state = state, LIFECYCLES["asset"].evolve(state, e.event)
            at = (date.fromisoformat(e.effective_on), e.position)
            came.append((at, state))
            if isinstance(e.event, AssetLent) and old.custody is not Custody.LENT:
                lender = (e.position, e.event.borrower, e.event.need)
            if isinstance(e.event, SharedUseRecorded):
                uses.append((*at, Decimal(e.event.hours)))
            if isinstance(e.event, SharingOffered):
                shared = at
            if isinstance(e.event, IdlenessExplained):
                explained[e.event.ground] = e.event.until
            if state.custodian != old.custodian or n == 0:
                here = at
            if state.accounting_unit != old.accounting_unit or n == 0:
                books = at
            going_on = old.custody in idling.RESTING and old.custodian == state.custodian
            if state.custody not in idling.RESTING:
                rest = before = None
            elif not going_on:
                rest, before = None, (old.custody, lender)
            if state.custody is Custody.STORE and rest is None:
                rest = at
            until = self.on
            if n + 1 < len(entries):
                until = date.fromisoformat(entries[n + 1].effective_on)
            if state.custody in idling.USED:
                days |= {at[0] + timedelta(days=k) for k in range((until - at[0]).days + 1)}
        return {
            "now": state, "rest": rest, "before": before, "days": days, "uses": uses,
            "shared": shared, "explained": explained, "here": here, "books": books, "came": came,
        }  # fmt: skip

    def rest(self, life: dict[str, Any]) -> tuple[IdleGround, date, tuple[int, ...]] | None:
        now = life["now"]
        for unit in (now.accounting_unit, now.custodian):
            gone = self.ended(unit)
            if gone is not None:
                temporary = self.units[unit].kind is UnitKind.TEMPORARY
                ground = IdleGround.RETURNED if temporary else IdleGround.DISSOLVED
                since, rests = max(gone[0], life["books"][0]), {gone[1], life["books"][1]}
                return ground, since, tuple(sorted(rests))
        if now.custody is Custody.STORE and life["before"] is not None:
            custody, lender = life["before"]
            borrower = self.units.get(lender[1]) if custody is Custody.LENT else None
            passing = custody is Custody.LENT and lender[2] not in (None, Priority.PEER)
            if passing or (borrower is not None and borrower.kind is UnitKind.TEMPORARY):
                rests = tuple(sorted((lender[0], life["rest"][1])))
                return IdleGround.RETURNED, life["rest"][0], rests
        if now.custody is Custody.STORE:
            since, shown_by = life["rest"][0], {life["rest"][1]}
            for on, position, _ in life["uses"]:
                if on >= since:
                    since, shown_by = on, {life["rest"][1], position}
            if (self.on - since).days >= (RULES.idle_days or 0):
                return IdleGround.IDLE, since, tuple(sorted(shown_by))
        for rule in RULES.under_use:
            start = self.on - timedelta(days=rule.within_days - 1)
            if now.kind not in rule.kinds or life["here"][0] > start:
                continue
            if rule.used_days_below is not None:
                if sum(start <= d <= self.on for d in life["days"]) < rule.used_days_below:
                    return IdleGround.UNDER_USED, start, self.within(life, start)
            elif life["shared"] and life["shared"][0] <= start:
                mine = [u for u in life["uses"] if start <= u[0] <= self.on]
                if sum(u[2] for u in mine) < (rule.hours_below or 0):
                    rests = {life["shared"][1], *(u[1] for u in mine)}
                    return IdleGround.UNDER_USED, start, tuple(sorted(rests))
        return None

    def within(self, life: dict[str, Any], start: date) -> tuple[int, ...]:
        """Return the entries by which it was where it was within the days that were looked at."""
        told, found = list[tuple[date, int]](), set[int]()
        last: Any = None
        for at, state in life["came"]:
            shown = (
                state.custody, state.custodian, state.accounting_unit, state.user, state.lock,
                state.value, state.listed, state.place, state.name, state.owner,
            )  # fmt: skip
            if shown != last:
                told.append(at)
            last = shown
        for n, (_, position) in enumerate(told):
            if n + 1 == len(told) or told[n + 1][0] >= start:
                found.add(position)
        return tuple(sorted(found))[-50:]

    def beyond(
        self, unit: str, cards: list[tuple[Any, ...]]
    ) -> set[tuple[str, IdleGround, date, tuple[int, ...]]]:
        found = set()
        for name in sorted(n for n in self.told if n.startswith("standard/")):
            standard = self.fold(name)
            published = [
                e.position for e in self.told[name] if isinstance(e.event, StandardPublished)
            ]
            if not published or standard.in_force_from > self.on:
                continue
            if standard.last_day is not None and standard.last_day < self.on:
                continue
            cap = Decimal(standard.quantity)
            rests, since = [published[-1]], standard.in_force_from
            if standard.basis is Basis.POST:
                said = [
                    (e, e.event.posts)
                    for e in self.told.get(f"unit/{unit}", [])
                    if isinstance(e.event, PostsAuthorised)
                ]
                if not said:
                    continue
                last, posts = said[-1]
                cap *= posts
                rests.append(last.position)
                since = max(since, date.fromisoformat(last.effective_on))
            mine = [
                (id_, life)
                for id_, life in cards
                if life["now"].kind is standard.kind
                and life["now"].class_code.startswith(standard.class_code)
            ]
            over = len(mine) - cap
            over -= sum(self.excused(life, IdleGround.OVER_STANDARD) for _, life in mine)
            free = [
                (id_, life)
                for id_, life in mine
                if life["now"].custody in (Custody.STORE, Custody.IN_USE)
                and life["now"].lock is Lock.NONE
                and not life["now"].whole
                and not self.excused(life, IdleGround.OVER_STANDARD)
            ]
            free.sort(key=lambda f: f[0])
            free.sort(key=lambda f: f[1]["books"][0], reverse=True)
            free.sort(key=lambda f: f[1]["now"].custody is not Custody.STORE)
            for id_, life in free[: max(0, int(over))]:
                on, position = life["books"]
                positions = tuple(sorted({*rests, position}))
                found.add((id_, IdleGround.OVER_STANDARD, max(since, on), positions))
        return found


def random_fact(rng: Random, n: int) -> Event:
    """Return something that may happen to a thing, as often as it matters here."""
    return rng.choice(
        (
            issued(rng.choice(("o_1", "o_2"))),
            Returned(),
            lent(rng.choice(("o_meet", "o_2"))),
            SOUND,
            RepairStarted(fault="坏"),
            RepairCompleted(result="好"),
            DeclaredIdle(),
            PutBackToUse(reason="要用"),
            HeldForProcess(case="loan/L1", lock=Lock.APPROVAL),
            lent("o_2", rng.choice((Priority.MEETING, Priority.PEER))),
            SharedUseRecorded(unit="o_2", hours=str(1 + n % 30), purpose="测"),
            CardCorrected(reason="类别", class_code=rng.choice(("A0201", "A0202"))),
            IdlenessExplained(
                ground=rng.choice(list(IdleGround)),
                reason="备用",
                until=day(rng.randrange(50, 700)),
            ),
            FittedInto(whole="X"),
            asset.ValueCorrected(value=n, value_type=asset.ValueType.COST, reason="核对"),
        )
    )


@pytest.mark.parametrize("seed", range(2))
def test_the_finder_equals_a_slow_fold_of_the_log(seed: int, database: str) -> None:
    rng = Random(seed)
    with stories(database) as story:
        for id_ in ("o_1", "o_2", "o_3"):
            story.unit(id_)
        story.unit("o_meet", UnitKind.TEMPORARY)
        story.rules(RULES, 1, 0)
        story.tell("unit/o_1", (5, PostsAuthorised(posts=1, order_no="编1号")))
        story.standard("S1", "1", "A0201", Basis.POST)
        story.standard("S2", "2", "A0202")
        story.tell("standard/S2", (300, StandardEnded(last_day=day(420), reason="修订")))
        kinds = (Kind.COMPUTER, Kind.COMPUTER, Kind.VEHICLE, Kind.INSTRUMENT, Kind.FURNITURE)
        for n in range(60):
            stream, on = f"asset/Z{n:02}", rng.randrange(0, 60)
            card: Event = AssetRegistered(
                asset_no=f"Z{n}", name="物", kind=kinds[n % 5], unit=f"o_{rng.choice('1223')}",
                class_code="A0201" if n % 2 else "A0202",
            )  # fmt: skip
            facts: list[tuple[int, Event]] = [(on, card)]
            if n % 5 == 3:
                facts.append((on, SharingOffered(description="可用")))
            for _ in range(rng.randrange(9)):
                on += rng.choice((0, 1, 9, 40, 120, -30))
                facts.append((max(on, facts[0][0]), random_fact(rng, n)))
            if n % 6 == 4:
                on = max(on, facts[0][0])
                facts += [(on + 1, Returned()), (on + 2, lent("o_meet")), (on + 30, SOUND)]
            if len(facts) > 3 and n % 4 == 0:
                facts.append((facts[2][0], EntryReversed(seq=3, reason="错登")))
            story.tell(stream, *facts)
        story.tell("unit/o_3", (310, UnitDissolved(reason="改革")))
        size, grounds = story.book.head()[0], set[IdleGround]()
        for on, known in (
            (150, None),
            (320, None),
            (450, None),
            (320, size // 2),
            (450, size - 90),
        ):
            slow = Slow(story.book, day(on), known or size).found()
            fast = story.look(on, known, past=on < 450 or known is not None).found
            assert {(f.asset, f.ground, f.since, f.rests_on) for f in fast} == slow
            assert len(fast) == len(slow)
            grounds |= {f.ground for f in fast}
        assert grounds == set(idling.GROUNDS)


# Confirmed or explained ----------------------------------------------------------

card = AssetRegistered(asset_no="ZC-1", name="办公桌", kind=Kind.FURNITURE, unit="o_a")


def shown(ground: IdleGround = IdleGround.IDLE, **said: Any) -> Looked:
    found = Finding(
        asset="X", ground=ground, since=date(2024, 6, 1), rests_on=(3, 9), policy="place@1",
        unit="o_a", **said,
    )  # fmt: skip
    return Looked(stream="asset/X", ground=ground, found=found)


def test_what_is_confirmed_names_the_entries_that_showed_it():
    place = msgspec.structs.replace(RULES, idle_days=180)
    asks = past(card).at(policy=place, seen=(shown(),)).when
    asks(use.declare_idle, evidence="无人使用").then(
        DeclaredIdle(
            ground=IdleGround.IDLE, since=date(2024, 6, 1), evidence="无人使用", rests_on=(3, 9),
            policy="place@1",
        )
    )  # fmt: skip
    past(card).at(seen=(shown(),)).when(use.declare_idle, ground="returned").then(
        DeclaredIdle(ground=IdleGround.RETURNED, since=TODAY)
    )


def test_of_a_card_of_which_only_some_are_too_many_the_rest_is_split_off_first():
    part = shown(IdleGround.OVER_STANDARD, quantity="5", count="2")
    past(card).at(seen=(part,)).when(use.declare_idle, ground="over_standard").then_refused(
        use.ONLY_PART
    )


def test_what_is_explained_names_the_entries_and_how_long():
    form = {"ground": "idle", "reason": "汛期备用", "until": date(2025, 9, 30)}
    past(card).at(seen=(shown(),)).when(idling.explain_idleness, **form).then(
        IdlenessExplained(
            ground=IdleGround.IDLE, reason="汛期备用", until=date(2025, 9, 30), rests_on=(3, 9),
            policy="place@1",
        )
    )  # fmt: skip
    nothing = Looked(stream="asset/X", ground=IdleGround.IDLE)
    past(card).at(seen=(nothing,)).when(idling.explain_idleness, **form).then_refused(
        idling.SOMETHING_FOUND
    )
    for until in (TODAY, TODAY - timedelta(days=1)):
        past(card).when(idling.explain_idleness, **form | {"until": until}).then_refused(
            idling.AHEAD
        )
    tomorrow = TODAY + timedelta(days=1)
    past(card).when(idling.explain_idleness, **form | {"until": tomorrow}).then_granted()


def test_a_rule_of_under_use_says_days_or_hours():
    for wrong in (
        UnderUse(within_days=9),
        UnderUse(within_days=9, used_days_below=1, hours_below=1),
    ):
        found = list(policies.contradictions(msgspec.structs.replace(RULES, under_use=(wrong,))))
        assert len(found) == 1
    assert not list(policies.contradictions(RULES))
