"""A sheet of asset cards, judged row by row: what would be opened, what differs, what is wrong.

Nothing is recorded here. A row whose number the books have already is compared with its card: what
agrees is left as it is, what differs is proposed as a correction, and an empty cell never says
anything. To take something out, the cell says so (`清空`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from api import card_columns, forms
from api.card_columns import BY_NAME, CLEAR, Column, Ending, Names, Wrong
from api.forms import Invalid
from api.reading_cells import cell
from api.rest_caller import id_from
from api.wanting import plain
from domain.asset import OWN_BOOKS, OWN_KEEPER, Book, Custody, ValueType
from domain.decider import LIFECYCLES
from domain.words import Words
from projections import inventory, units

if TYPE_CHECKING:
    from api.office import Actor, Office

AT_ONCE: Final = 1_000  # rows of one act
HEAD_ROWS: Final = 15  # among so many first rows the headings are looked for
NEW, SAME, CHANGED, WRONG, EMPTY = "new", "same", "changed", "wrong", "empty"
LEFT = "left"  # no card is opened: the sheet says that the thing is gone
REGISTER: Final = LIFECYCLES["asset"].verbs["register_existing"]
CORRECT: Final = LIFECYCLES["asset"].verbs["correct_card"]
REVALUE: Final = LIFECYCLES["asset"].verbs["correct_value"]
BEGUN: Final = (Custody.STORE, Custody.IDLE, Custody.UNDER_USED)  # from which use begins
USED: Final = (Custody.IN_USE, Custody.UNDER_USED)
NOT_NEEDED: Final = (Custody.IDLE, Custody.UNDER_USED)
ENDED: Final = (Ending.GONE.value, Custody.LEFT.value)
AWAY: Final = (Custody.LENT, Custody.LEASED, Custody.WAREHOUSE_LENT, Custody.TRANSIT, Custody.LEFT)
REPAIRED_FROM: Final = (Custody.STORE, Custody.IN_USE, Custody.IDLE, Custody.UNDER_USED)
FAULT: Final = "导入的卡片表载明在修，故障未载明"  # what is recorded of a repair that had begun
OF_USE: Final = ("user", "custody")  # the order in which the steps are taken
CORRECTED: Final = (
    *("name", "class_code", "class_scheme", "model", "serial", "plate", "owner", "used_from"),
)
HELD_AS: Final = {"unit": "accounting_unit"}  # what a list calls a field of the form
COMPARED: Final = (
    *CORRECTED,
    *("value", "value_type", "unit", "kind", "quantity", "measure", "acquired", "place"),
    *("currency", "mode", "custodian"),
)
SAID: Final = {
    "required": Words(
        "{what}必须填写。请补上，或在“列的含义”中指定哪一列是{what}。",
        "{what} is missing. Fill it in, or say above which column holds it.",
    ),
    "twice": Words(
        "与第 {first} 行的资产编号相同。请删去重复的一行，或改正编号。",
        "It has the number of row {first}. Take one of them out, or mend the number.",
    ),
    "clear-new": Words(
        "新建的卡片没有可清空的内容；请留空。",
        "There is nothing to clear on a new card; leave it empty.",
    ),
    "no-clear": Words(
        "{what}不能清空；请填写正确的内容。", "{what} cannot be cleared; write what is right."
    ),
    "elsewhere": Words(
        "这个资产编号已用于另一单位的卡片。请核对编号；划转按调剂办理。",
        "Another unit's card has this number. Check it; a transfer is a reallocation.",
    ),
    "not-yours": Words(OWN_BOOKS.zh, OWN_BOOKS.en),
    "not-theirs": Words(OWN_KEEPER.zh, OWN_KEEPER.en),
    "by-finance": Words(
        "价值由财务（会计）岗位更正。", "Values are corrected by finance or accounting."
    ),
    "by-step": Words(
        "导入不登记这种情况；请按业务办理（领用、出借、出租、送修等）。",
        "A sheet does not record this; take its own step (an issue, a loan, a lease, a repair).",
    ),
    "by-loan": Words(
        "出借须有借用单位和归还日期：先建卡（库存），再由借用单位补办借用。",
        "A loan has a borrower and a day of return: open the card (in store), then let the borrower ask for"
        " the loan.",
    ),
    "by-lease": Words(
        "出租须有承租人、租期和租金：先建卡（库存），再补办出租。",
        "A lease has a tenant, a term and a rent: open the card (in store), then record the lease.",
    ),
    "by-intake": Words(
        "在仓须经入仓交接：先建卡（库存），再申请入仓。",
        "The warehouse takes in what is handed to it: open the card (in store), then apply for intake.",
    ),
    "by-disposal": Words(
        "待处置须有处置批复：先建卡，再提出处置申请，附原批复。",
        "Pending disposal rests on an approval: open the card, then propose the disposal with the approval"
        " it had.",
    ),
    "ended": Words(
        "已处置的资产不再建卡；其情况以原系统的处置资料为准。",
        "What was disposed of gets no card here; the papers of its disposal tell of it.",
    ),
    "by-deed": Words(
        "不能以更正改变；请办理相应业务（移位、划转、拆分等），或红冲后重新建卡。",
        "A correction cannot change it: record what happened (a move, a transfer, a split), or reverse"
        " the card and open it anew.",
    ),
}
Tick = Callable[[int, int], None]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How a sheet is read: which row has the headings, what each column means, whose words mean what.

    `values` are other words for choices, by column: what a sheet calls a kind, and the kind it is.
    """

    head: int = 0
    columns: tuple[str, ...] = ()
    values: Mapping[str, Mapping[str, str]] = {}


class Fault(msgspec.Struct, frozen=True, array_like=True):
    """What is wrong with a cell (row as a spreadsheet numbers it; column from 0, -1: the row)."""

    row: int
    column: int
    value: str
    zh: str
    en: str


class Change(msgspec.Struct, frozen=True, array_like=True):
    """What a row says of a field that its card says otherwise; without a verb nobody here may."""

    field: str
    old: Any
    new: Any
    verb: str


class Line(msgspec.Struct, array_like=True):
    """What becomes of one row."""

    row: int
    verdict: str
    stream: str = ""
    number: str = ""
    changes: tuple[Change, ...] = ()

    @property
    def asks(self) -> bool:
        """Tell whether anything is to be recorded of it."""
        return self.verdict == NEW or any(change.verb for change in self.changes)

    @property
    def omits(self) -> tuple[Change, ...]:
        """Return what the books will not say of a row without a card: only consent leaves it out."""
        if self.verdict not in (NEW, LEFT):
            return ()
        return tuple(change for change in self.changes if not change.verb)


class Row(msgspec.Struct):
    """One row as it was read."""

    row: int
    form: dict[str, Any]
    cleared: frozenset[str]
    at: dict[str, int]  # the column of each field
    unread: frozenset[str] = frozenset()  # fields whose cells cannot be read
    ends: str = ""  # the end of its use, by the sheet's use status or else its place in the books


# How a sheet is read --------------------------------------------------------------------


def proposed(rows: Sequence[Sequence[str]]) -> Plan:
    """Return how a sheet is probably meant, by its headings."""
    best, head = (0, 0), 0
    for at, row in enumerate(rows[:HEAD_ROWS]):
        filled = {text for text in row if text.strip()}
        # Where nobody knows a heading, the first of the fullest rows has them.
        found = (len({card_columns.known(text) for text in filled} - {"", "other"}), len(filled))
        if found > best:
            best, head = found, at
    return headed(rows, head)


def headed(rows: Sequence[Sequence[str]], head: int) -> Plan:
    """Return what the columns under a row of headings probably mean; each meaning once."""
    taken: set[str] = set()
    columns: list[str] = []
    for text in rows[head] if head < len(rows) else ():
        name = card_columns.known(text)
        once = bool(name) and name in taken and BY_NAME[name].left is None
        columns.append("" if once else name)
        taken.add(name)
    return Plan(head=head, columns=tuple(columns))


def fingerprint(rows: Sequence[Sequence[str]], head: int) -> str:
    """Return what a row of headings is known by, so that its reading can be remembered."""
    texts = [card_columns.folded(text) for text in (rows[head] if head < len(rows) else ())]
    while texts and not texts[-1]:
        texts.pop()
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def names(office: Office) -> Names:
    """Return units, places and people by what they are called, in either language, and by id."""
    found: dict[str, str] = {}
    for row in office.rows(units.all_units()):
        for said in (row["id"], row["name"], row["name_en"]):
            if said:
                found.setdefault(plain(said), row["id"])
    places: dict[tuple[str, str], str] = {}
    several: set[tuple[str, str]] = set()
    for row in office.rows(units.all_places()):
        for said in (row["id"], row["name"], row["name_en"]):
            if said:
                name = plain(said)
                places.setdefault((row["unit"], name), row["id"])
                if places.setdefault(("", name), row["id"]) != row["id"]:
                    several.add(("", name))
    for key in several:
        del places[key]
    return Names(units=found, places=places, people=_people(office))


def _people(office: Office) -> dict[str, str]:
    """Return people by id, and by each name that one of them alone has."""
    found: dict[str, str] = {}
    shared: set[str] = set()
    ids: set[str] = set()
    for lang in ("zh", "en"):
        for person, called in office.accounts.names(lang).items():
            ids.add(person)
            if called and found.setdefault(plain(called), person) != person:
                shared.add(plain(called))
    return {name: person for name, person in found.items() if name not in shared} | {
        plain(person): person for person in ids
    }


class Reading:
    """Reads the rows of one sheet into forms."""

    def __init__(
        self,
        plan: Plan,
        rows: Sequence[Sequence[str]],
        lost: Iterable[tuple[int, int]],
        names: Names,
        unit: str,
    ) -> None:
        self.plan, self.rows, self.names, self.unit = plan, rows, names, unit
        self.lost = set(lost)
        head = rows[plan.head] if plan.head < len(rows) else ()
        self.taken: list[tuple[int, Column, bool]] = []
        for at, name in enumerate(plan.columns):
            column = BY_NAME.get(name)
            if column is not None and column.left is None:
                thousands = at < len(head) and card_columns.in_ten_thousands(head[at])
                self.taken.append((at, column, thousands))
        self.book = plan.columns.index("book") if "book" in plan.columns else -1
        # Where a place is, depends on whose it is.
        self.taken.sort(key=lambda one: one[1].name != "unit")

    def row(self, number: int, faults: list[Fault]) -> Row:
        """Read a row (counted from 0); what is wrong is added to the faults."""
        cells = self.rows[number]
        found = Row(number + 1, {"unit": self.unit}, frozenset(), {})
        cleared: set[str] = set()
        unread: set[str] = set()
        for at, column, thousands in self.taken:
            found.at[column.name] = at
            text = cell(cells[at]) if at < len(cells) else ""
            if not text:
                continue
            if text in CLEAR:
                cleared.add(column.name)
                continue
            try:
                if column.holds in ("text", "code") and (number, at) in self.lost:
                    raise card_columns.digits_lost(text)
                said = self.plan.values.get(column.name, {}).get(plain(text))
                unit = found.form["unit"]
                found.form[column.name] = said or card_columns.read(
                    column, text, self.names, unit, thousands
                )
            except Wrong as wrong:
                unread.add(column.name)
                faults.append(Fault(number + 1, at, text[:200], wrong.words.zh, wrong.words.en))
        found.cleared, found.unread = frozenset(cleared), frozenset(unread)
        form = found.form
        books = cells[self.book] if 0 <= self.book < len(cells) else ""
        said = form.get("custody", "")
        found.ends = said if said in tuple(Ending) else card_columns.ending(cell(books))
        if form.get("class_code") and not form.get("class_scheme"):
            form["class_scheme"] = card_columns.scheme_of(form["class_code"])
        return found


# What becomes of the rows ---------------------------------------------------------------


class Judge:
    """Judges a sheet for somebody, in portions; what one row would record counts for the next."""

    def __init__(self, office: Office, actor: Actor, reading: Reading, session: str) -> None:
        self.office, self.actor, self.reading, self.session = office, actor, reading, session
        self.seen: dict[str, int] = {}
        self.known: dict[str, Any] = {}

    def portion(self, numbers: Sequence[int]) -> tuple[list[Line], list[Fault]]:
        """Judge some rows (counted from 0)."""
        faults: list[Fault] = []
        lines: list[Line] = []
        rows: list[tuple[Row, Line]] = []
        unread: list[tuple[Row, Line]] = []
        for number in numbers:
            if not any(text.strip() for text in self.reading.rows[number]):
                lines.append(Line(number + 1, EMPTY))
                continue
            before = len(faults)
            row = self.reading.row(number, faults)
            line = Line(row.row, WRONG, number=row.form.get("asset_no", ""))
            self._once(row, faults)
            if len(faults) == before:
                line.verdict = NEW
                rows.append((row, line))
            else:
                unread.append((row, line))
            lines.append(line)
        self._compare(rows, faults)
        self._missing(unread, faults)
        faults.sort(key=lambda fault: fault.row)
        asking = [(row, line) for row, line in rows if line.verdict != WRONG and line.asks]
        groups = [asked(row, line, self.actor, REASON) for row, line in asking]
        for (row, line), why in zip(
            asking, self.office.judge(groups, self.actor, self.known), strict=True
        ):
            if why is not None:
                line.verdict, line.changes = WRONG, ()
                faults.append(Fault(row.row, -1, "", why.zh, why.en))
        return lines, faults

    def _once(self, row: Row, faults: list[Fault]) -> None:
        """Refuse a number that an earlier row has."""
        number = row.form.get("asset_no", "")
        if number:
            first = self.seen.setdefault(number, row.row)
            if first != row.row:
                faults.append(self._fault(row, "asset_no", "twice", first=first))

    def _compare(self, rows: Sequence[tuple[Row, Line]], faults: list[Fault]) -> None:
        """Find the cards the rows are about, and what differs; check what is to be opened."""
        numbers = {line.number for _, line in rows} - {""}
        cards = there(self.office, numbers)
        held = self.office.book.log.claimed_of("asset_no", numbers) if numbers else {}
        for row, line in rows:
            card = cards.get(line.number)
            if card is not None:
                wrong = self._differences(row, line, card)
            elif (gone := row.ends) in ENDED or (gone := row.form.get("custody")) in ENDED:
                line.verdict, wrong = LEFT, []
                line.changes = (Change("custody", "", gone, ""),)
            else:
                line.stream = held.get(line.number) or self.stream_of(line.number)
                wrong = self._openable(row)
                line.changes = tuple(self._used(row, Custody.STORE, "", Book.ON_BOOKS.value))
            if wrong:
                line.verdict, line.changes = WRONG, ()
                faults += wrong

    def stream_of(self, number: str) -> str:
        """Return the stream of a card that this import opens."""
        return f"asset/{id_from(f'import {self.session} {number}')}"

    def _openable(self, row: Row) -> list[Fault]:
        """Return what is wrong with the form of a card that is to be opened."""
        wrong = [self._fault(row, name, "clear-new") for name in sorted(row.cleared)]
        mine, books = self.actor.scope.units, row.form["unit"]
        keeper = row.form.get("custodian", books)
        if mine is not None and not mine.issuperset((books, keeper)):
            slug, name, unit = "not-theirs", "custodian", keeper
            if books not in mine:
                slug, name, unit = "not-yours", "unit", books
            wrong.append(self._fault(row, name, slug, unit=self.office.called(unit, "zh")))
        missing = [name for name in card_columns.REQUIRED if name not in row.form]
        wrong += [self._fault(row, name, "required") for name in missing if name not in row.cleared]
        if not wrong:
            try:
                forms.checked(REGISTER, of_card(row.form))
            except Invalid as error:
                wrong = [
                    self._said(row, fault.path.partition("[")[0], fault.words)
                    for fault in error.faults
                ]
        return wrong

    def _required(self, row: Row) -> list[Fault]:
        """Return which cells are empty that a new card needs."""
        given = row.form.keys() | row.cleared | row.unread
        return [
            self._fault(row, name, "required")
            for name in card_columns.REQUIRED
            if name not in given
        ]

    def _missing(self, rows: Sequence[tuple[Row, Line]], faults: list[Fault]) -> None:
        """Name what else is missing where a cell cannot be read: everything is told at once."""
        cards = there(self.office, {line.number for _, line in rows} - {""})
        for row, line in rows:
            if line.number not in cards:
                faults += self._required(row)

    def _differences(self, row: Row, line: Line, card: Any) -> list[Fault]:
        """Compare a row with its card; an empty cell says nothing."""
        line.stream = f"asset/{card['id']}"
        mine = self.actor.scope.units
        hidden = mine is not None and mine.isdisjoint({card["accounting_unit"], card["custodian"]})
        if hidden or card["accounting_unit"] not in (row.form["unit"], ""):
            return [self._fault(row, "asset_no", "elsewhere")]
        stuck = [name for name in sorted(row.cleared) if name not in card_columns.TEXTS]
        if stuck:
            return [self._fault(row, name, "no-clear") for name in stuck]
        changes = []
        for name in COMPARED:
            if name in row.cleared:
                new: Any = ""
            elif name in row.form:
                new = row.form[name]
            else:
                continue
            old = card[HELD_AS.get(name, name)]
            inferred = name == "class_scheme" and name not in row.at
            if inferred and row.form.get("class_code") == card["class_code"]:
                continue
            if new != old:
                alone = name == "value_type" and "value" not in row.form
                changes.append(Change(name, old, new, "" if alone else self._verb(name)))
        changes += self._used(row, Custody(card["custody"]), card["user"], card["book"])
        line.verdict, line.changes = (CHANGED, tuple(changes)) if changes else (SAME, ())
        given = {change.field: change.new for change in changes if change.verb == CORRECT.name}
        if given:
            try:
                forms.checked(CORRECT, given | {"reason": "-"})
            except Invalid as error:
                return [self._said(row, f.path.partition("[")[0], f.words) for f in error.faults]
        return []

    def _used(self, row: Row, held: Custody, by: str, book: str) -> Iterator[Change]:
        """Yield how the thing is used otherwise than its card says, with the step that records it.

        Who is named begins to use it; where nobody is, the unit does. What no step of this kind
        leads to (a loan, a lease, a disposal) is told and left, and so is who uses what is away.
        """
        user, meant = row.form.get("user") or by, row.form.get("custody")
        target = Custody(meant) if meant and meant != row.ends else None
        another = user != by
        # Of what is under-used it is only said who uses it, unless the sheet says it is in use.
        begins = another and held in BEGUN and target is not held
        begins = begins and (held is not Custody.UNDER_USED or target is not None)
        begins = begins and target not in AWAY
        stands = Custody.IN_USE if begins else held
        to = target or stands
        if another:
            handed = held in USED and to is not Custody.STORE
            verb = "issue" if begins else "hand_over_to" if handed else ""
            yield Change("user", by, user, self._allowed(verb))
        if to is not held:
            verb = ""
            if to is stands:
                verb = "issue"
            elif to is Custody.IN_USE and held in BEGUN:
                verb = "put_back_to_use" if by else "put_to_common_use"
            elif to is Custody.STORE and held in USED:
                verb = "take_back"
            elif to in NOT_NEEDED and stands in (Custody.STORE, Custody.IN_USE):
                verb = "declare_idle"
            elif to is Custody.REPAIR and stands in REPAIRED_FROM:
                verb = "send_for_repair"
            yield Change("custody", held.value, to.value, self._allowed(verb))
        if row.ends not in ("", book):
            yield Change("custody", held.value, row.ends, "")

    def _allowed(self, name: str) -> str:
        """Return a step if the sender may take it."""
        verb = LIFECYCLES["asset"].verbs.get(name)
        return name if verb is not None and self.actor.role in verb.roles else ""

    def _verb(self, field: str) -> str:
        verb = CORRECT if field in CORRECTED else REVALUE if field.startswith("value") else None
        return verb.name if verb is not None and self.actor.role in verb.roles else ""

    def _fault(self, row: Row, name: str, slug: str, **more: object) -> Fault:
        what, words = BY_NAME[name].words, SAID[slug]
        zh = words.zh.format(what=what.zh, **more)
        return self._said(row, name, Words(zh, words.en.format(what=what.en.capitalize(), **more)))

    def _said(self, row: Row, name: str, words: Words) -> Fault:
        at = row.at.get(name, -1)
        cells = self.reading.rows[row.row - 1]
        value = cells[at][:200] if 0 <= at < len(cells) else ""
        return Fault(row.row, at, value, words.zh, words.en)


WHY: Final = {
    Custody.LENT.value: "by-loan",
    Custody.LEASED.value: "by-lease",
    **dict.fromkeys((Custody.WAREHOUSE.value, Custody.VIRTUAL.value), "by-intake"),
    Ending.TO_DISPOSE.value: "by-disposal",
    **dict.fromkeys(ENDED, "ended"),
}


def why(change: Change) -> Words:
    """Return why a difference is told and not recorded, and what to do instead."""
    if change.field == "custody":
        return SAID[WHY.get(change.new, "by-step")]
    if change.field in ("value", "value_type"):
        return SAID["by-finance"]
    return SAID["by-step" if change.field in OF_USE else "by-deed"]


REASON: Final = "-"  # while a row is only judged


def there(office: Office, numbers: Iterable[str]) -> dict[str, Any]:
    """Return the cards that have some numbers."""
    wanted = sorted(numbers)
    if not wanted:
        return {}
    return {row["asset_no"]: row for row in office.rows(inventory.by_numbers(wanted))}


def asked(row: Row, line: Line, actor: Actor, reason: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Return what a row asks for."""
    if line.verdict == NEW:
        return [(line.stream, REGISTER.name, of_card(row.form)), *asked_of_use(row, line, "")]
    found: list[tuple[str, str, dict[str, Any]]] = []
    given = {change.field: change.new for change in line.changes if change.verb == CORRECT.name}
    if given:
        found.append((line.stream, CORRECT.name, given | {"reason": reason}))
    money = {change.field: change.new for change in line.changes if change.verb == REVALUE.name}
    if money:
        form = {"value": row.form["value"], "reason": reason}
        form["value_type"] = row.form.get("value_type") or ValueType.COST.value
        found.append((line.stream, REVALUE.name, form))
    return found + asked_of_use(row, line, reason)


def asked_of_use(row: Row, line: Line, reason: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Return what a row asks for to have its use recorded, each step once."""
    told = {change.field: change for change in line.changes if change.verb}
    found: dict[str, dict[str, Any]] = {}
    for change in (told[field] for field in OF_USE if field in told):
        form: dict[str, Any] = {"reason": reason} if reason else {}
        match change.verb:
            case "issue":
                form = {"user": row.form["user"]}
            case "hand_over_to":
                form["user"] = change.new
            case "put_to_common_use":
                form = {}
            case "declare_idle":
                form = {"ground": change.new}
            case "send_for_repair":
                form = {"fault": FAULT}
        found.setdefault(change.verb, form)
    return [(line.stream, verb, form) for verb, form in found.items()]


def of_card(form: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the card itself says; how a thing is used is recorded in steps of its own."""
    return {name: value for name, value in form.items() if name not in OF_USE}


def body(rows: Sequence[Sequence[str]], plan: Plan) -> range:
    """Return the rows under the headings, counted from 0."""
    return range(min(plan.head + 1, len(rows)), len(rows))


def judged(judge: Judge, tick: Tick) -> Iterator[tuple[list[Line], list[Fault]]]:
    """Judge a whole sheet, in portions."""
    numbers = body(judge.reading.rows, judge.reading.plan)
    for start in range(0, len(numbers), AT_ONCE):
        yield judge.portion(numbers[start : start + AT_ONCE])
        tick(min(start + AT_ONCE, len(numbers)), len(numbers))
