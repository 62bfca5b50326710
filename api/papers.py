"""Which paper a step leaves, and what it says: facts as they were, names as they were called.

Which it is says the declaration of the fact (`papers=`), and everything on it follows from there.
A fact that names one `asset` is a line of a paper that has all pieces of its day; any other leaves
a paper of its own. Amounts and names are those of the day of the entry as they were known then
(T11); a paper also names the position and the root of the ledger it was printed from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import msgspec

from api import numbering, papers_list, papers_search, vouchers
from api.naming import names_then
from api.numbering import Fate
from api.office import Office
from api.pages_telling import NameOf, reason_of, say, shape, tell, words_of
from api.papers_words import ABOUT, OTHERWISE, SAYS, SIGNERS, TITLES, document
from domain.approval import Endorsed, RouteLaid
from domain.decider import LIFECYCLES, Event, Lang
from domain.holding import ItemsDeclined
from domain.numbering import CaseNumbered
from domain.paper_forms import PaperForm
from domain.policy import Article
from domain.vouchers import Proposal, Side, Voucher
from domain.words import LAWS, Words, cited, in_words
from labels import numerals, paper_type
from labels.paper_parts import Box, Pair, Paper, Table
from ledger.book import Stream
from ledger.entry import Entry
from projections.scope import Scope

# Fields by which somebody outside the ledger knows a paper, in order of preference.
NUMBERS = ("document_no", "number", "certificate_no", "approval_no", "agreement_no", "receipt")
UNTOLD = frozenset(
    {
        "assets",
        "asset",
        "dataset",
        "currency",
        "item",
        "quantity",
        "measure",
        "warehouse",
        "content",
    }
)
# Papers that carry a checkpoint: what left the books, and what was found on the shelves.
KEPT = {("disposal", PaperForm.APPROVAL), ("census", PaperForm.STOCKTAKE)}
WIDE_EMS = 14  # texts wider than that many Chinese characters take the whole width


class NoPaper(LookupError):
    """Nothing in a stream leaves such a paper; `zh` and `en` say so."""

    def __init__(self, form: str) -> None:
        words = PaperForm(form).words if form in set(PaperForm) else Words(form, form)
        self.zh = f"本事项没有可打印的{words.zh}：相应的步骤还没有发生，或已红冲。"
        self.en = f"There is no {words.en} here: its step has not happened, or was reversed."
        super().__init__(self.en)


class Leaf(msgspec.Struct, frozen=True):
    """A paper that can be printed: its form, and the entry it is about."""

    form: PaperForm
    entry: Entry


def available(stream: Stream) -> list[Leaf]:
    """Return the papers of a stream, oldest first; pieces of one day share one paper."""
    found: dict[tuple[PaperForm, str, Any], Leaf] = {}
    for entry in stream.standing:
        for form in entry.event.papers:
            which = entry.effective_on if by_piece(entry.event) else entry.seq
            found[form, step(form, entry.event), which] = Leaf(form, entry)
    return list(found.values())


def step(form: PaperForm, event: Event) -> str:
    """Return the step that a record sheet is of; any other form is of all steps that leave it."""
    return event.type_name if form is PaperForm.RECORD else ""


def by_piece(event: Event) -> bool:
    """Tell whether a fact is about one piece of a list."""
    return isinstance(getattr(event, "asset", None), str)


def printed(
    office: Office, stream: Stream, form: str, lang: Lang, *, at: int | None = None
) -> Paper:
    """Return the paper of a form that a stream leaves: its latest, or that of entry `at`.

    An entry that was reversed is still printed when it is asked for, and marked so; and of any
    entry there is a record sheet when it is asked for.
    Raise NoPaper when no step left one.
    """
    leaves = [leaf for leaf in available(stream) if leaf.form == form]
    if at is not None:
        asked = (e for e in stream.entries if e.seq == at)
        record = form == PaperForm.RECORD  # of whatever was written down
        leaves = [Leaf(PaperForm(form), e) for e in asked if record or form in e.event.papers]
    if not leaves:
        raise NoPaper(form)
    return Making(office, stream, leaves[-1], lang).paper()


def proposal_of(office: Office, stream: Stream) -> Proposal | None:
    """Return what both sides may post for a case as it stands; None while nobody approved it."""
    entry = vouchers.approval(stream)
    return Making(office, stream, Leaf(vouchers.FORMS[0], entry), "zh").proposal if entry else None


def counted(office: Office, scope: Scope, stream: Stream, on: str, lang: Lang) -> Paper:
    """Return the stocktake sheet of a unit or a place: what it holds by the books on a day."""
    kind, _, id_ = stream.name.partition("/")
    size, root, _ = office.book.head()
    names = names_then(office, lang)(on)
    table = papers_list.of_holder(office, scope, kind, id_, on, size, lang)
    holder = names(kind, id_)
    keeper = names("unit", stream.state.unit) if kind == "place" and stream.state.unit else holder
    return Paper(
        kind=PaperForm.STOCKTAKE,
        title=title(kind, PaperForm.STOCKTAKE, lang),
        number=f"{id_}-{on}",
        unit=keeper,
        warehouse=holder if kind == "place" else "",
        date=on,
        pairs=(
            Pair(in_words(LIFECYCLES[kind].words, lang), holder),
            Pair(in_words(SAYS["on"], lang), on),
        ),
        table=table,
        boxes=boxes(PaperForm.STOCKTAKE, lang),
        notes=(in_words(SAYS["ledger"], lang),),
        identity=identity(stream.name, PaperForm.STOCKTAKE, f"on={on}&position={size}", root),
        reflects=in_words(SAYS["reflects"], lang).format(position=size, size=size, root=root.hex()),
        checkpoint=office.proving.on_paper(0),
        mark=in_words(SAYS["example"], lang) if stream.state.example else "",
        language=lang,
    )


def identity(stream: str, form: PaperForm, where: str, root: bytes) -> str:
    """Return what a paper's code says: which paper, of which entry, by which ledger; no address."""
    return f"gongwu:{stream}/{form.value}?{where}&root={root.hex()[:16]}"


def title(kind: str, form: PaperForm, lang: Lang) -> str:
    """Return what a paper is called."""
    if (kind, form) in TITLES:
        return in_words(TITLES[kind, form], lang)
    about = ABOUT.get(kind) or LIFECYCLES[kind].words
    if lang == "zh":
        return f"{about.zh}{form.words.zh}"
    words = form.words.en
    return f"{words[0].upper()}{words[1:]}: {about.en[0].lower()}{about.en[1:]}"


def boxes(form: PaperForm, lang: Lang) -> tuple[Box, ...]:
    """Return the places to sign a form has by itself."""
    return tuple(
        Box(in_words(s.caption, lang), "", tuple(in_words(w, lang) for w in s.signatures))
        for s in SIGNERS[form]
    )


class Making:
    """One paper in the making: everything it says is asked as of its entry."""

    def __init__(self, office: Office, stream: Stream, leaf: Leaf, lang: Lang) -> None:
        self.office, self.stream = office, stream
        self.lang: Lang = lang
        self.form, self.entry = leaf.form, leaf.entry
        self.event: Event = leaf.entry.event
        self.opening = stream.standing[0] if stream.standing else leaf.entry
        self.names = names_then(office, lang)(leaf.entry.effective_on)
        self.stands = any(e.seq == leaf.entry.seq for e in stream.standing)
        # What was known with this entry: all before it, and what the same request wrote after it.
        self.before = [
            e
            for e in stream.standing
            if e.position <= leaf.entry.position or e.cause == leaf.entry.cause
        ]

    def paper(self) -> Paper:
        """Return the finished paper."""
        kind = self.stream.name.partition("/")[0]
        size, root, _ = self.office.book.head()
        where = f"entry={self.entry.seq}&position={self.entry.position}&size={size}"
        return Paper(
            kind=self.form,
            title=title(kind, self.form, self.lang),
            number=self.number(),
            unit=self.unit(),
            warehouse=self.warehouse(),
            date=self.entry.effective_on,
            pairs=tuple(self.pairs()),
            table=self.table(),
            boxes=self.boxes(),
            notes=tuple(self.notes()),
            identity=identity(self.stream.name, self.form, where, root),
            reflects=self.say("reflects", position=self.entry.position, size=size, root=root.hex()),
            checkpoint=self.checkpoint(kind),
            mark=self.mark(),
            language=self.lang,
        )

    def checkpoint(self, kind: str) -> str:
        """Return the signed head of the ledger for a paper that people keep for years."""
        kept = self.form == PaperForm.DISPOSAL or (kind, self.form) in KEPT or self.event.boundary
        return self.office.proving.on_paper(self.entry.position) if kept else ""

    def say(self, key: str, **values: object) -> str:
        """Return a sentence in the language of the paper."""
        return in_words(SAYS[key], self.lang).format(**values)

    def mark(self) -> str:
        """Return what is written across the pages."""
        if not self.stands:
            return self.say("reversed")
        state = self.stream.state
        if dataset := getattr(state, "dataset", ""):
            example = dataset == "example"
        else:  # as much of an example as the unit it is of
            unit = getattr(state, "unit", "") or self.entry.beside.via.unit
            example = bool(unit) and self.office.book.stream(f"unit/{unit}").state.example
        return self.say("example") if example else ""

    # Head -----------------------------------------------------------------------

    def number(self) -> str:
        """Return the number of the paper: what puts a case forward has that of the case.

        Any other has its own where the step gave one, else the case's with the entry behind it.
        """
        case = self.case_number()
        if case and self.event.numbered:
            return case
        events = [self.event]
        if by_piece(self.event) and not self.stream.name.startswith("asset/"):
            events = [entry.event for entry, _ in self.pieces()]
        for field in NUMBERS:
            given = {getattr(event, field, "") for event in events}
            if len(given) == 1 and (one := given.pop()) and isinstance(one, str):
                return one
        return f"{case or self.stream.name.rpartition('/')[2]}-{self.entry.seq}"

    def case_number(self) -> str:
        """Return the number the case had with this entry; empty when its unit numbers none."""
        for e in reversed(self.stream.entries):
            if isinstance(e.event, CaseNumbered) and (
                e.position <= self.entry.position or e.cause == self.entry.cause
            ):
                return e.event.number
        return ""

    def unit(self) -> str:
        """Return the unit that issues the paper: the one that acted, as it was called then."""
        acting = self.entry.beside.via.unit
        state = self.stream.state
        holder = next(
            (
                found
                for field in ("unit", "to_unit", "borrower", "accounting_unit", "custodian")
                if (found := getattr(self.opening.event, field, "") or getattr(state, field, ""))
            ),
            "",
        )
        unit = acting or holder
        return self.names("unit", unit) if unit else ""

    def warehouse(self) -> str:
        """Return the warehouse a paper is about, where it is about one."""
        found = getattr(self.event, "warehouse", "") or getattr(self.opening.event, "warehouse", "")
        return self.names("place", found) if found else ""

    # What it says ---------------------------------------------------------------

    def pairs(self) -> Iterator[Pair]:
        """Yield what the request said, then what this step said, then who recorded it."""
        if self.form is PaperForm.SEARCH:
            yield from papers_search.pairs(self.stream, self.entry, self.lang)
            yield Pair(self.caption(SAYS["actor"]), self.names("person", self.entry.actor))
            return
        if self.form is PaperForm.RECORD:
            yield Pair(self.caption(SAYS["step"]), self.told(), wide=True)
        if self.form in vouchers.FORMS:
            yield from self.sums()
        asset = self.stream.name.startswith("asset/")
        seen = None if asset or self.opening.seq == self.entry.seq else self.opening.event
        if seen is not None:
            yield from self.fields(seen)
        if by_piece(self.event) and not asset:
            yield from self.shared()
        else:
            yield from self.fields(self.event, beside=seen)
        if getattr(self.event, "applicant", "") != self.entry.actor:
            yield Pair(self.caption(SAYS["actor"]), self.names("person", self.entry.actor))
        if declined := self.declined():
            cards = (papers_list.as_it_was(self.office, a, self.entry) for a in declined)
            names = (
                f"{card.asset_no or id_} {card.name}"
                for id_, card in zip(declined, cards, strict=True)
            )
            yield Pair(self.caption(SAYS["not-approved"]), "\n".join(names), wide=True)
        if docs := self.entry.beside.docs:
            lines = (
                " ".join(filter(None, (in_words(document(d.type), self.lang), d.number, d.issuer)))
                for d in docs
            )
            yield Pair(self.say("docs"), "\n".join(lines), wide=True)

    def told(self) -> str:
        """Return what was recorded, in the sentence of the fact; of many pieces, the first one's."""
        pieces = [e for e, _ in self.pieces()] if by_piece(self.event) else [self.entry]

        def name_of(kind: str, id_: str) -> str:
            if kind != "asset":
                return self.names(kind, id_)
            card = papers_list.as_it_was(self.office, id_, self.entry)
            return f"{card.asset_no or id_} {card.name}".strip()

        line = tell(pieces[0].event, self.lang, name_of)
        return line if len(pieces) == 1 else f"{line}\n{self.say('pieces', count=len(pieces))}"

    def caption(self, words: Words) -> str:
        """Return a caption; English ones begin with a capital."""
        text = in_words(words, self.lang).removesuffix("（分）")
        return text if self.lang == "zh" else text[:1].upper() + text[1:]

    def shared(self) -> Iterator[Pair]:
        """Yield who and where, when it is the same for all pieces of the paper."""
        for field in papers_list.shared([entry.event for entry, _ in self.pieces()]):
            holds = shape(type(self.event)).get(field, "")
            text = say(getattr(self.event, field), holds, self.lang, self.names)
            yield Pair(self.caption(words_of(field)), text)

    def fields(self, event: Event, beside: Event | None = None) -> Iterator[Pair]:
        """Yield the fields of a fact in words; amounts in figures and written out."""
        currency = getattr(event, "currency", "") or "CNY"
        for field, holds in shape(type(event)).items():
            value = getattr(event, field)
            if holds == "asset" and field not in UNTOLD and isinstance(value, tuple) and value:
                yield self.others(field, value)  # a second list, as of what comes in exchange
            if field in UNTOLD or value in (None, "", False) or holds in ("asset", "stream"):
                continue
            if isinstance(value, (tuple, frozenset, dict, msgspec.Struct)):
                continue
            if beside is not None and getattr(beside, field, None) == value:
                continue
            text = say(reason_of(field, value), holds, self.lang, self.names, currency)
            if holds == "money" and isinstance(value, int):
                write = numerals.capitals if self.lang == "zh" else numerals.in_english
                text = f"{text}\n{write(value, currency)}"
            wide = paper_type.width(paper_type.tidy(text).replace("\n", ""), 1) > WIDE_EMS
            wide = wide or "\n" in text
            kind = event.type_name.partition(".")[0]
            words = OTHERWISE.get((event.type_name, field)) or words_of(field, kind)
            yield Pair(self.caption(words), text, wide)

    def others(self, field: str, ids: tuple[str, ...]) -> Pair:
        """Return the things of another list than the paper's own, by number and name."""
        cards = ((id_, papers_list.as_it_was(self.office, id_, self.entry)) for id_ in ids)
        names = "\n".join(f"{card.asset_no or id_} {card.name}" for id_, card in cards)
        return Pair(self.caption(words_of(field)), names, wide=True)

    # The list -------------------------------------------------------------------

    def table(self) -> Table | None:
        """Return the list: the pieces of the day, the list of this step, or that of the request."""
        office, lang = self.office, self.lang
        if self.form is PaperForm.SEARCH:
            return papers_search.table(office, self.stream, self.entry, lang)
        if self.form in vouchers.FORMS:
            return vouchers.table(self.vouchers(), self.unit_names(), lang)
        if self.stream.name.startswith("asset/"):
            id_ = self.stream.name.partition("/")[2]
            return papers_list.of_assets(office, self.entry, [id_], {}, lang)
        if by_piece(self.event):
            return papers_list.of_pieces(office, list(self.pieces()), self.sides(), lang)
        if granted := self.granted():
            return papers_list.of_assets(office, self.entry, granted, {}, lang)
        return papers_list.of_needs(self.needs(), lang)

    @cached_property
    def proposal(self) -> Proposal:
        """Return what both sides may post: of the pieces of the day, or of all that was granted."""
        before = vouchers.approval(self.stream) or self.entry
        pieces = tuple(dict.fromkeys(id_ for _, id_ in self.pieces()))
        ids = pieces if by_piece(self.event) else self.granted()
        return vouchers.proposed(self.office, self.stream, before, ids)

    def vouchers(self) -> tuple[Voucher, ...]:
        """Return the vouchers of the side that the paper is for."""
        out = self.form is PaperForm.VOUCHER_OUT
        return self.proposal.out if out else self.proposal.into

    def sums(self) -> Iterator[Pair]:
        """Yield what each voucher comes to, in figures and written out."""
        write = numerals.capitals if self.lang == "zh" else numerals.in_english
        for voucher in self.vouchers():
            total = voucher.total(Side.DEBIT)
            text = f"{vouchers.money(total, voucher.currency)}\n{write(total, voucher.currency)}"
            yield Pair(self.names("unit", voucher.unit), text, wide=True)

    def unit_names(self) -> dict[str, str]:
        """Return what the units of the vouchers were called."""
        return {v.unit: self.names("unit", v.unit) for v in self.vouchers()}

    def unposted(self) -> Iterator[str]:
        """Yield why nothing is posted, card by card, and that people post what is."""
        for id_, why in self.proposal.without:
            card = papers_list.as_it_was(self.office, id_, self.entry)
            name = f"{card.asset_no or id_} {card.name}".strip()
            yield self.say("without", asset=name, why=in_words(why.words, self.lang))
        yield self.say("posting" if self.vouchers() or self.proposal.without else "no-cards")

    def needs(self) -> list[Any]:
        """Return what a request is for when it names no cards: by its own words, or line by line."""
        life = LIFECYCLES[self.stream.name.partition("/")[0]]
        then = life.fold(entry.event for entry in self.before)
        if isinstance(lines := getattr(then, "lines", None), dict):
            return [line for _, line in sorted(lines.items())]
        told = (self.opening.event, then)
        return [n for n in told if getattr(n, "item", "") and getattr(n, "quantity", "")][:1]

    def granted(self) -> tuple[str, ...]:
        """Return the things a paper lists: those of its step; after a decision, what was granted."""
        asked, mine = self.listed(self.opening.event), self.listed(self.event)
        declined = self.declined()
        return tuple(a for a in mine or asked if a not in declined)

    def declined(self) -> tuple[str, ...]:
        """Return the things that were asked for and, by this decision, not granted."""
        asked, mine = self.listed(self.opening.event), self.listed(self.event)
        if mine:
            return tuple(a for a in asked if a not in set(mine))
        said = (e for e in self.stream.standing if isinstance(e.event, ItemsDeclined))
        return tuple(a for e in said if e.cause == self.entry.cause for a in self.listed(e.event))

    def listed(self, event: Event) -> tuple[str, ...]:
        """Return the things a fact lists."""
        found = getattr(event, "assets", ())
        return tuple(found) if isinstance(found, tuple) else ()

    def pieces(self) -> Iterator[tuple[Entry, str]]:
        """Yield the pieces of the same paper: of this form, on this day, up to this entry."""
        if not self.stands or self.form not in self.event.papers:  # a record sheet of one entry
            yield self.entry, str(getattr(self.event, "asset", ""))
            return
        for entry in self.stream.standing:
            leaves = self.form in entry.event.papers
            leaves = leaves and step(self.form, entry.event) == step(self.form, self.event)
            if leaves and by_piece(entry.event) and entry.effective_on == self.entry.effective_on:
                yield entry, str(getattr(entry.event, "asset", ""))

    def sides(self) -> dict[str, str]:
        """Return of each piece that was given out that day whether the other side took it in."""
        kinds: dict[str, list[str]] = {}
        for entry, piece in self.pieces():
            kinds.setdefault(piece, []).append(entry.event.type_name)
        return {piece: self.say("taken") for piece, names in kinds.items() if len(names) > 1}

    # The end --------------------------------------------------------------------

    def boxes(self) -> tuple[Box, ...]:
        """Return the places to sign: those of the case's own route where it has one."""
        route = next(
            (e.event for e in reversed(self.before) if isinstance(e.event, RouteLaid)), None
        )
        own = boxes(self.form, self.lang)
        if route is None or self.form not in (
            PaperForm.APPLICATION,
            PaperForm.APPROVAL,
            PaperForm.DISPOSAL,
        ):
            return own
        decided = self.decided()
        signed = own[-1].signatures
        stages = tuple(
            Box(
                self.say("opinion", unit=self.stage_unit(stage.unit), role=self.role(stage.role)),
                decided[n] if n < len(decided) else "",
                signed,
            )
            for n, stage in enumerate(route.stages)
        )
        return (own[0], *stages)

    def stage_unit(self, unit: str) -> str:
        """Return what the unit of a step was called; a line to fill in where none is known."""
        return self.names("unit", unit) if unit else "＿＿＿＿"

    def role(self, slug: str) -> str:
        """Return a role in words."""
        return in_words(Words.of(slug), self.lang)

    def decided(self) -> list[str]:
        """Return the decisions that stand up to this entry, in order, in words."""
        found: list[str] = []
        for entry in self.before:
            fact = type(entry.event)
            if fact.type_name == "case.returned_for_correction":
                found = []
            elif fact.duty == "approve" or isinstance(entry.event, Endorsed):
                names: NameOf = names_then(self.office, self.lang)(entry.effective_on)
                found.append(
                    self.say(
                        "decided",
                        sentence=tell(entry.event, self.lang, names),
                        who=names("person", entry.actor),
                        on=entry.effective_on,
                    )
                )
        return found

    def notes(self) -> Iterator[str]:
        """Yield the rules that were applied, and what the paper is worth."""
        if self.form in vouchers.FORMS:
            yield from self.unposted()
        reference = self.entry.beside.via.policy
        route = next((e.event for e in self.before if isinstance(e.event, RouteLaid)), None)
        if reference:
            yield self.rules(reference, route.cites if route is not None else ())
        if self.form is PaperForm.SEARCH:
            yield from papers_search.notes(self.stream, self.entry, self.lang)
        number = self.case_number() if self.event.numbered else ""
        line = numbering.found(self.office.book, number) if number else None
        if line is not None and line.fate is Fate.VOIDED:
            yield self.say("void", number=number, reason=line.reason)
        yield self.say("ledger")

    def rules(self, reference: str, cites: tuple[str, ...]) -> str:
        """Return which version of which rules was applied, by title, and which articles."""
        policy = self.office.rules.named(reference)
        known = {a.id: a for a in policy.articles} if policy is not None else {}
        laws = [law(known[c], self.lang) if c in known else c for c in cites]
        told = ("、" if self.lang == "zh" else "; ").join(laws)
        called = in_words(policy.title, self.lang) if policy is not None else ""
        return self.say("policy", policy=f"{called} {reference}".strip(), cites=told and f" {told}")


def law(article: Article, lang: Lang) -> str:
    """Return an article as the reader cites it; plans have chapters, which stay as they are."""
    if re.fullmatch("第[^第]+条", article.article):
        return cited(f"{article.regulation}{article.article}", lang)
    title = f"{LAWS.get(article.regulation, article.regulation)}, " if lang == "en" else ""
    return f"{title or article.regulation}{article.article}"


def forms_of(kind: str) -> list[PaperForm]:
    """Return the forms that a kind of stream can ever leave, for what is published of it."""
    life = LIFECYCLES[kind]
    left = {form for fact in life.meanings for form in fact.papers} | set(life.papers)
    left.add(PaperForm.RECORD)
    return [form for form in PaperForm if form in left]
