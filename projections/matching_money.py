"""Which line of a bank statement pays what is owed: found by rules in order, each answer explained.

Rules, the strongest first: the payment code, the voucher's number, then unit + amount + days, which
only suggests. Amounts agree to the smallest unit or not at all. Everything is a function of its
arguments: the same lines and dues give the same findings, and every line and every due is in one.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Final

from projections.money_terms import By, Finding, Kind, Line, Owed, Part
from projections.subset_sums import subsets

WINDOW_DAYS: Final = 30
"""So long after money was owed a line is still suggested for it, where a place says nothing else."""
HINTS_MAX: Final = 5


def found(
    dues: Iterable[Owed],
    lines: Iterable[Line],
    *,
    until: date | None = None,
    window_days: int = WINDOW_DAYS,
) -> list[Finding]:
    """Return what each line pays and what became of each due, in the order of the lines.

    `until` is the last day the statements cover: what should have arrived by then is missing. Ids
    are unique among dues and among lines; lines that were matched before are left out by the asker.
    """
    return _Search(dues, lines, until, window_days).run()


# The search -----------------------------------------------------------------------------

_TOKEN: Final = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z/_.\-]*[0-9A-Za-z])?")
_NETTED: Final = re.compile(r"坐支|扣除|抵扣|抵减|扣减|net of|less |deduct", re.IGNORECASE)


def plain(text: str) -> str:
    """Return a name or number as they are compared: width, case and blanks aside."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


class _Search:
    def __init__(
        self, dues: Iterable[Owed], lines: Iterable[Line], until: date | None, window_days: int
    ) -> None:
        self.dues = {due.id: due for due in sorted(dues, key=lambda d: (d.since, d.id))}
        self.lines = {line.id: line for line in sorted(lines, key=lambda e: (e.booked, e.id))}
        self.place = {id_: at for at, id_ in enumerate(self.lines)}
        booked = [line.booked for line in self.lines.values()]
        self.until = until or max(booked, default=date.min)
        self.window = timedelta(days=window_days)
        self.open = dict.fromkeys(self.dues)
        self.free = dict.fromkeys(self.lines)
        self.findings: list[Finding] = []
        self.by_code = _named((due.codes, due.id) for due in self.dues.values())
        self.by_voucher = _named((due.vouchers, due.id) for due in self.dues.values())
        self.code_shapes = {_shape(code) for code in self.by_code}
        self.pairs: list[tuple[str, str]] = []  # a return, and what it undid
        self.gone: set[str] = set()  # the lines of all pairs
        self.back: dict[str, list[str]] = defaultdict(list)  # by due, what was paid and came back
        self.claimed: set[str] = set()
        self.tokens = {id_: _tokens(line) for id_, line in self.lines.items()}
        self.codes = {id_: self._names(id_, self.by_code) for id_ in self.lines}
        self.with_payer: dict[tuple[str, str, str], tuple[list[date], list[str]]] = {}
        self.from_payer: dict[tuple[str, str, str], tuple[list[date], list[str]]] = {}
        self.with_amount: dict[tuple[str, str, int], list[str]] = defaultdict(list)
        self.elsewhere: dict[tuple[str, int], list[str]] = defaultdict(list)
        for due in self.dues.values():
            days, ids = self.with_payer.setdefault(
                (due.unit, due.currency, plain(due.payer)), ([], [])
            )
            days.append(due.since)
            ids.append(due.id)
            self.with_amount[due.unit, due.currency, due.amount].append(due.id)
            self.elsewhere[due.currency, due.amount].append(due.id)

    def run(self) -> list[Finding]:
        self._returns()
        self._by_code()
        self._by_voucher()
        self._likely()
        self._left_over()
        after = len(self.lines)
        due_place = {id_: after + at for at, id_ in enumerate(self.dues)}
        return sorted(
            self.findings,
            key=lambda f: self.place[f.lines[0]] if f.lines else due_place[f.dues[0]],
        )

    def _sorted(self, lines: Iterable[str]) -> list[str]:
        return sorted(lines, key=self.place.__getitem__)

    def _tell(
        self,
        kind: Kind,
        by: By,
        lines: Sequence[str],
        dues: Sequence[str],
        *,
        settled: bool = False,
        agreed: Sequence[str] = (),
        differs: Sequence[str] = (),
        others: Sequence[tuple[str, ...]] = (),
    ) -> None:
        """Keep a finding; its lines and dues are spoken for."""
        for id_ in lines:
            self.free.pop(id_, None)
        for id_ in dues:
            self.open.pop(id_, None)
        self.findings.append(
            Finding(
                kind=kind,
                by=by,
                settled=settled,
                lines=tuple(lines),
                dues=tuple(dues),
                parts=tuple(self._parts(lines, dues)) if not others else (),
                agreed=(*agreed, *self._agreeing(lines, dues)),
                differs=tuple(differs),
                others=tuple(others),
            )
        )

    def _agreeing(self, lines: Sequence[str], dues: Sequence[str]) -> list[str]:
        """Return what else says the same on both sides; what one side does not say does not agree."""
        pairs = [(self.lines[id_], self.dues[due]) for id_ in lines for due in dues]
        if not pairs:
            return []
        found = [
            name
            for name in ("unit", "payer", "payer_account")
            if all(
                plain(getattr(owed, name)) and plain(getattr(owed, name)) == plain(getattr(e, name))
                for e, owed in pairs
            )
        ]
        return [*found, *(["booked"] if all(self._within(*pair) for pair in pairs) else [])]

    def _parts(self, lines: Sequence[str], dues: Sequence[str]) -> list[Part]:
        """Lay lines on dues, both in order, until one side is used up; what came back pays nothing."""
        left = [(id_, self.lines[id_].amount) for id_ in lines if id_ not in self.gone]
        made = []
        for due in dues:
            wanted = self.dues[due].amount
            while left and wanted:
                line, amount = left.pop(0)
                part = min(amount, wanted)
                if part > 0:
                    made.append(Part(line, due, part))
                wanted -= part
                if amount > part:
                    left.insert(0, (line, amount - part))
        return made

    # Money that came back -----------------------------------------------------------------

    def _returns(self) -> None:
        """Join each return with the payment it undoes: the latest before it that says the same."""
        paid: dict[tuple[int, str, str], list[str]] = defaultdict(list)
        for id_, line in self.lines.items():
            if line.amount > 0:
                paid[line.amount, line.unit, line.currency].append(id_)
                continue
            if not line.returned:
                self._tell(Kind.OUTGOING, By.NOTHING, (id_,), ())
                continue
            earlier = paid[-line.amount, line.unit, line.currency]
            same = [each for each in earlier if self._one_payment(each, id_)]
            if same:
                earlier.remove(same[-1])
                self.pairs.append((id_, same[-1]))
                self.gone |= {id_, same[-1]}
                self.free.pop(id_, None)
                self.free.pop(same[-1], None)
            else:
                self._tell(Kind.OUTGOING, By.NOTHING, (id_,), ())

    def _one_payment(self, one: str, other: str) -> bool:
        """Tell whether a return names the payment: by code, else by account, else by name."""
        if self.codes[one] or self.codes[other]:
            return self.codes[one] == self.codes[other]
        a, b = self.lines[one], self.lines[other]
        if a.payer_account and b.payer_account:
            return plain(a.payer_account) == plain(b.payer_account)
        return plain(a.payer) == plain(b.payer)

    # By code --------------------------------------------------------------------------------

    def _names(self, id_: str, known: Mapping[str, list[str]]) -> tuple[str, ...]:
        """Return the dues that a line names; one in another currency is not what it pays."""
        currency = self.lines[id_].currency
        return tuple(
            dict.fromkeys(
                due
                for token in self.tokens[id_]
                for due in known.get(token, ())
                if self.dues[due].currency == currency
            )
        )

    def _by_code(self) -> None:
        naming: dict[str, list[str]] = defaultdict(list)
        for id_, paid in self.pairs:
            if len(self.codes[id_]) == 1:
                self.back[self.codes[id_][0]] += [paid, id_]
        several = []
        for id_ in self.free:
            match self.codes[id_]:
                case ():
                    continue
                case (due,):
                    naming[due].append(id_)
                case _:
                    several.append(id_)
        for id_ in several:
            self._several(id_, self.codes[id_], By.CODE)
        doubtful = []
        for due, lines in naming.items():
            doubtful += (
                self._named_by(due, lines) if due in self.open else [(due, e) for e in lines]
            )
        self.claimed = {due for due, _ in doubtful}
        # What names a due and does not fit it waits until all that fits is gone.
        for due, id_ in sorted(doubtful, key=lambda each: self.place[each[1]]):
            self._does_not_fit(due, id_)

    def _named_by(self, due: str, lines: list[str]) -> list[tuple[str, str]]:
        """Take the lines that make up a due; return those that do not fit."""
        owed = self.dues[due]
        exact = [id_ for id_ in lines if self.lines[id_].amount == owed.amount]
        chosen: list[str] = []
        if exact:
            chosen = [self._best(owed, exact)]
        elif len(lines) > 1:
            ways = subsets([self.lines[id_].amount for id_ in lines], owed.amount)
            if ways is not None and len(ways) == 1:
                chosen = [lines[at] for at in ways[0]]
        if not chosen:
            return [(due, id_) for id_ in lines]
        back = self.back.pop(due, [])
        kind = Kind.REPAID if back else Kind.WHOLE if len(chosen) == 1 else Kind.PARTS
        self._judged(kind, By.CODE, [*back, *chosen], (due,), chosen)
        rest = [id_ for id_ in lines if id_ not in chosen]
        return [(due, id_) for id_ in rest]

    def _best(self, owed: Owed, lines: Sequence[str]) -> str:
        """Of lines that all pay the whole, take the first that has nothing against it."""
        sound = [id_ for id_ in lines if not self._against(self.lines[id_], owed)]
        return (sound or list(lines))[0]

    def _against(self, line: Line, owed: Owed) -> list[tuple[Kind, str]]:
        """Return what speaks against a line although code and amount agree, the gravest first."""
        found = []
        if line.unit != owed.unit and line.unit and owed.unit:
            found.append((Kind.OTHER_UNIT, "unit"))
        if line.booked < owed.since:
            found.append((Kind.EARLY, "booked"))
        if (
            line.payer_account
            and owed.payer_account
            and plain(line.payer_account) != plain(owed.payer_account)
        ):
            found.append((Kind.WRONG_PAYER, "payer_account"))
        return found

    def _judged(
        self, kind: Kind, by: By, lines: Sequence[str], dues: Sequence[str], paying: Sequence[str]
    ) -> None:
        """Settle what agrees in all; what does not is named for it and waits for a person."""
        against = sorted(
            {
                each
                for id_ in paying
                for due in dues
                for each in self._against(self.lines[id_], self.dues[due])
            },
            key=lambda each: list(Kind).index(each[0]),
        )
        grave = [each for each in GRAVE if any(each is kind for kind, _ in against)]
        if against:
            kind = grave[0]
        self._tell(
            kind,
            by,
            self._sorted(lines),
            dues,
            settled=not against,
            agreed=(by.value, "amount"),
            differs=tuple(field for _, field in against),
        )

    def _several(self, id_: str, dues: Sequence[str], by: By) -> None:
        """Read a line that names several dues: a batch, when its amount is just theirs."""
        there = [due for due in dues if due in self.open]
        line = self.lines[id_]
        if there and sum(self.dues[due].amount for due in there) == line.amount:
            self._judged(Kind.BATCH if there[1:] else Kind.WHOLE, by, (id_,), there, (id_,))
            return
        ways = subsets([self.dues[due].amount for due in there], line.amount, least=1)
        if ways is not None and len(ways) == 1:
            some = [there[at] for at in ways[0]]
            self._tell(
                Kind.BATCH, by, (id_,), some, agreed=(by.value, "amount"), differs=("reference",)
            )
        elif ways is None or ways:
            sets = tuple(tuple(there[at] for at in way) for way in ways or ())
            self._tell(
                Kind.AMBIGUOUS,
                by,
                (id_,),
                there,
                agreed=(by.value,),
                others=sets or (tuple(there),),
            )
        elif there:
            short = sum(self.dues[due].amount for due in there) > line.amount
            kind = Kind.SHORT if short else Kind.OVER
            self._tell(kind, by, (id_,), there, agreed=(by.value,), differs=("amount",))
        else:
            self._tell(Kind.TWICE, by, (id_,), dues, agreed=(by.value,))

    def _does_not_fit(self, due: str, id_: str) -> None:
        """Say what a line is that names a due and does not pay just that."""
        line, owed = self.lines[id_], self.dues[due]
        if due not in self.open and line.amount == owed.amount:
            self._tell(Kind.TWICE, By.CODE, (id_,), (due,), agreed=("code", "amount"))
            return
        others = [each for each in self._alike(line) if each != due and each not in self.claimed]
        if len(others) == 1:
            self._tell(
                Kind.WRONG_REFERENCE,
                By.LIKELY,
                (id_,),
                others,
                agreed=("amount",),
                differs=("code",),
            )
            return
        if due in self.open and line.amount > owed.amount:
            pool = [each for each in self._pool(line) if each != due]
            ways = subsets(
                [self.dues[each].amount for each in pool], line.amount - owed.amount, least=1
            )
            if ways is not None and len(ways) == 1:
                more = [pool[at] for at in ways[0]]
                self._tell(
                    Kind.BATCH,
                    By.CODE,
                    (id_,),
                    (due, *more),
                    agreed=("code", "amount"),
                    differs=("reference",),
                )
                return
            if ways:
                sets = tuple((due, *(pool[at] for at in way)) for way in ways)
                self._tell(
                    Kind.AMBIGUOUS,
                    By.CODE,
                    (id_,),
                    (due,),
                    agreed=("code",),
                    others=sets,
                )
                return
        if due in self.open and line.amount < owed.amount:
            missing = owed.amount - line.amount
            costs = subsets(owed.costs, missing, least=1) if owed.costs else []
            kind = Kind.NETTED if costs or _NETTED.search(line.text) else Kind.SHORT
            agreed = ("code", "costs") if costs else ("code",)
            self._tell(kind, By.CODE, (id_,), (due,), agreed=agreed, differs=("amount",))
            return
        self._tell(Kind.OVER, By.CODE, (id_,), (due,), agreed=("code",), differs=("amount",))

    # By voucher -------------------------------------------------------------------------------

    def _by_voucher(self) -> None:
        for id_ in list(self.free):
            dues = self._names(id_, self.by_voucher)
            if dues and id_ in self.free:
                self._several(id_, dues, By.VOUCHER)

    # By unit, amount and days -----------------------------------------------------------------

    def _pool(self, line: Line) -> list[str]:
        """Return what the payer of a line still owes its unit within the days."""
        days, ids = self.with_payer.get((line.unit, line.currency, plain(line.payer)), ([], []))
        low = bisect_left(days, line.booked - self.window)
        return [id_ for id_ in ids[low : bisect_right(days, line.booked)] if id_ in self.open]

    def _alike(self, line: Line) -> list[str]:
        """Return what is owed in just this amount; of several, those of the payer come first."""
        there = [
            id_
            for id_ in self.with_amount.get((line.unit, line.currency, line.amount), ())
            if id_ in self.open and self._within(line, self.dues[id_])
        ]
        payer = plain(line.payer)
        known = [id_ for id_ in there if plain(self.dues[id_].payer) == payer]
        return known or [id_ for id_ in there if not (payer and self.dues[id_].payer)]

    def _within(self, line: Line, owed: Owed) -> bool:
        return owed.since <= line.booked <= owed.since + self.window

    def _likely(self) -> None:
        for back, paid in self.pairs:
            alike = [] if self.codes[back] else self._alike(self.lines[paid])
            if len(alike) == 1:
                self.back[alike[0]] += [paid, back]
        rivals: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for id_ in self.free:
            alike = self._alike(self.lines[id_])
            if alike:
                rivals[tuple(alike)].append(id_)
        for dues, lines in rivals.items():
            self._one_to_one([due for due in dues if due in self.open], lines)
        for id_ in list(self.free):
            self._one_to_several(id_)
        for id_ in self.free:
            line = self.lines[id_]
            days, ids = self.from_payer.setdefault(
                (line.unit, line.currency, plain(line.payer)), ([], [])
            )
            days.append(line.booked)
            ids.append(id_)
        for due in list(self.open):
            self._several_to_one(due)
        for id_ in list(self.free):
            self._elsewhere(id_)

    def _one_to_one(self, dues: list[str], lines: list[str]) -> None:
        if len(dues) == 1:
            first, *more = lines
            kind = Kind.WRONG_REFERENCE if self._names_no_due(first) else Kind.WHOLE
            back = self.back.pop(dues[0], []) if kind is Kind.WHOLE else []
            kind = Kind.REPAID if back else kind
            against = self._against(self.lines[first], self.dues[dues[0]])
            self._tell(
                against[0][0] if against and kind is Kind.WHOLE else kind,
                By.LIKELY,
                (*back, first),
                dues,
                agreed=("amount",),
                differs=("code",) if kind is Kind.WRONG_REFERENCE else [f for _, f in against],
            )
            for id_ in more:
                self._tell(Kind.TWICE, By.LIKELY, (id_,), tuple(dues), agreed=("amount",))
        elif dues:
            for id_ in lines:
                self._tell(
                    Kind.AMBIGUOUS,
                    By.LIKELY,
                    (id_,),
                    dues,
                    agreed=("amount",),
                    others=tuple((due,) for due in dues),
                )

    def _names_no_due(self, id_: str) -> bool:
        """Tell a line that gives a reference built like our codes, which is none of them."""
        return any(
            _shape(token) in self.code_shapes and token not in self.by_code
            for token in self.tokens[id_]
        )

    def _one_to_several(self, id_: str) -> None:
        line = self.lines[id_]
        pool = self._pool(line) if line.payer else []
        if len(pool) < 2:
            return
        ways = subsets([self.dues[due].amount for due in pool], line.amount)
        if ways is not None and len(ways) == 1:
            self._tell(
                Kind.BATCH,
                By.LIKELY,
                (id_,),
                [pool[at] for at in ways[0]],
                agreed=("amount",),
            )
        elif ways:
            sets = tuple(tuple(pool[at] for at in way) for way in ways)
            self._tell(
                Kind.AMBIGUOUS,
                By.LIKELY,
                (id_,),
                list(dict.fromkeys(due for each in sets for due in each)),
                agreed=("amount",),
                others=sets,
            )

    def _several_to_one(self, due: str) -> None:
        owed = self.dues[due]
        days, ids = self.from_payer.get((owed.unit, owed.currency, plain(owed.payer)), ([], []))
        low, high = bisect_left(days, owed.since), bisect_right(days, owed.since + self.window)
        pool = [id_ for id_ in ids[low:high] if id_ in self.free]
        if len(pool) < 2 or not owed.payer:
            return
        ways = subsets([self.lines[id_].amount for id_ in pool], owed.amount)
        if ways is not None and len(ways) == 1:
            self._tell(
                Kind.PARTS,
                By.LIKELY,
                [pool[at] for at in ways[0]],
                (due,),
                agreed=("amount",),
            )
        elif ways:
            sets = tuple(tuple(pool[at] for at in way) for way in ways)
            self._tell(
                Kind.AMBIGUOUS,
                By.LIKELY,
                self._sorted({id_ for each in sets for id_ in each}),
                (due,),
                agreed=("amount",),
                others=sets,
            )

    def _elsewhere(self, id_: str) -> None:
        """Find whom a line belongs to that nobody in its unit waits for, or say that it is nobody."""
        line = self.lines[id_]
        payer = plain(line.payer)
        there = [
            due
            for due in self.elsewhere.get((line.currency, line.amount), ())
            if due in self.open
            and self.dues[due].unit != line.unit
            and self._within(line, self.dues[due])
            and plain(self.dues[due].payer) == payer
        ]
        if len(there) == 1 and payer:
            self._tell(
                Kind.OTHER_UNIT,
                By.LIKELY,
                (id_,),
                there,
                agreed=("amount",),
                differs=("unit",),
            )
            return
        pool = self._pool(line) if payer else []
        netted = [
            due
            for due in pool
            if subsets(self.dues[due].costs, self.dues[due].amount - line.amount, least=1)
        ]
        if len(netted) == 1:
            self._tell(
                Kind.NETTED,
                By.LIKELY,
                (id_,),
                netted,
                agreed=("costs",),
                differs=("amount",),
            )
            return
        if (
            len(pool) == 1
            and line.amount < self.dues[pool[0]].amount
            and self._same_account(id_, pool[0])
        ):
            self._tell(
                Kind.SHORT,
                By.LIKELY,
                (id_,),
                pool,
                differs=("amount",),
            )
            return
        # What the same payer still owes may help whoever decides.
        hints = tuple((due,) for due in pool[:HINTS_MAX])
        self._tell(Kind.UNKNOWN, By.NOTHING, (id_,), (), others=hints)

    def _same_account(self, id_: str, due: str) -> bool:
        line, owed = self.lines[id_], self.dues[due]
        return bool(line.payer_account) and plain(line.payer_account) == plain(owed.payer_account)

    def _left_over(self) -> None:
        for due, lines in self.back.items():
            coded = any(self.codes[id_] for id_ in lines)
            self._tell(
                Kind.RETURNED,
                By.CODE if coded else By.LIKELY,
                self._sorted(lines),
                (due,),
                agreed=("code", "amount") if coded else ("amount",),
            )
        told = {id_ for finding in self.findings for id_ in finding.lines}
        for back, paid in self.pairs:
            if back not in told:
                self._tell(Kind.RETURNED, By.NOTHING, self._sorted((back, paid)), ())
        for due in list(self.open):
            late = self.dues[due].since + self.window < self.until
            self._tell(Kind.MISSING if late else Kind.AWAITED, By.NOTHING, (), (due,))


GRAVE: Final = (Kind.OTHER_UNIT, Kind.WRONG_PAYER, Kind.EARLY)


def _named(pairs: Iterable[tuple[tuple[str, ...], str]]) -> dict[str, list[str]]:
    """Return ids by what names them, each name as it is compared."""
    made: dict[str, list[str]] = defaultdict(list)
    for names, id_ in pairs:
        for name in names:
            if name.strip():
                made[plain(name)].append(id_)
    return dict(made)


def _tokens(line: Line) -> tuple[str, ...]:
    """Return everything in a line that could be a code or a number, each once.

    A reference counts whole as well: some banks print codes in groups of four.
    """
    said = [
        unicodedata.normalize("NFKC", text).casefold() for text in (*line.references, line.text)
    ]
    found = [token for text in said for token in _TOKEN.findall(text)]
    return tuple(dict.fromkeys([*found, *("".join(text.split()) for text in said[:-1])]))


def _shape(code: str) -> str:
    """Return how a code is built: digits as 9, letters as a, all else as it stands."""
    return re.sub(r"[a-z]", "a", re.sub(r"[0-9]", "9", code))
