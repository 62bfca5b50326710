"""The whole framework: facts, rules, verbs, and how a stream of facts becomes a state.

Nothing here knows the time, chance or I/O. `ledger` stores what `Lifecycle.decide` returns;
`api` publishes every verb from its signature.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import cache
from typing import (
    Any,
    ClassVar,
    Generic,
    Literal,
    Protocol,
    TypeAlias,
    TypeVar,
    cast,
    get_type_hints,
)

import msgspec

from domain.paper_forms import PaperForm
from domain.policy import GENERIC, Policy
from domain.values import checked
from domain.words import Words, cited, in_language, in_words

Lang: TypeAlias = Literal["zh", "en"]
RESERVED = frozenset({"behalf", "docs", "via", "dated", "recorded_at"})  # the ledger writes these


class EventMeta(msgspec.StructMeta):
    """Read what the class statement of a fact says of it: its name, its sentences, its papers."""

    def __new__(
        mcls,
        cls_name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        /,
        *,
        name: str = "",
        zh: str = "",
        en: str = "",
        version: int = 1,
        claims: tuple[str, ...] = (),
        duty: str = "",
        matter: str = "",
        papers: tuple[PaperForm, ...] | None = None,
        numbered: bool = False,
        warns: bool = False,
        boundary: bool = False,
        **config: Any,
    ) -> Any:
        config |= {"frozen": True, "gc": False, "kw_only": True}
        cls = super().__new__(mcls, cls_name, bases, namespace, **config)
        if bases == (msgspec.Struct,):
            return cls
        assert name and zh and en, f"{cls_name}: a fact has a stable name and both languages"
        assert re.fullmatch(r"[a-z]+\.[a-z_]+", name), f"{cls_name}: bad stable name {name!r}"
        assert name not in FACTS, f"{name} is already the name of {FACTS[name].__qualname__}"
        fields = set(getattr(cls, "__struct_fields__", ()))
        taken = fields & (RESERVED | set(Event.__annotations__))
        assert not taken, f"{cls_name}: fields {taken} are spoken for"
        for text in (zh, en):
            asked = set(re.findall(r"{(\w+)}", text))
            assert asked <= fields, f"{cls_name}: no field {asked - fields} for {text!r}"
        assert not matter or matter in fields, f"{cls_name}: no field {matter!r}"
        said: dict[str, Any] = {"type_name": name, "type_version": version, "claims": claims}
        said |= {"zh": zh, "en": en, "duty": duty, "matter": matter}
        left = papers if papers is not None else (PaperForm.RECORD,) if duty else ()
        said |= {"papers": left, "numbered": numbered, "warns": warns, "boundary": boundary}
        for attribute, value in said.items():
            setattr(cls, attribute, value)
        FACTS[name] = cast("type[Event]", cls)
        return cls

    def __init__(cls, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args)


class Event(msgspec.Struct, metaclass=EventMeta):
    """A fact: it happened. Subclasses say `name=`, `zh=`, `en=`; `name` is for ever.

    `claims` names text fields whose value may be used once in the whole ledger (asset number).
    `duty` names what somebody did by it (`apply`, `approve`): a policy says which duties one
    person may not have in the same case (国令738 第51条). `matter` names the field that tells the
    matters of one stream apart, where it goes on for years (a version of the rules of a place).
    `papers` are the forms that people print, sign and seal of it; what somebody did in a duty
    leaves a record sheet where no other form is named. What is `numbered` puts its
    stream forward: it draws a document number in the same act, once, where the acting unit has
    named a series (`numbering`).
    `warns` says that who asks should read it before they ask: a preview shows it.
    A `boundary` ends something that people sign on paper: the notary signs the head of the log at
    once, and the paper carries that checkpoint.
    """

    type_name: ClassVar[str]
    type_version: ClassVar[int]
    zh: ClassVar[str]
    en: ClassVar[str]
    claims: ClassVar[tuple[str, ...]]
    duty: ClassVar[str]
    matter: ClassVar[str]
    papers: ClassVar[tuple[PaperForm, ...]]
    numbered: ClassVar[bool]
    warns: ClassVar[bool]
    boundary: ClassVar[bool]


FACTS: dict[str, type[Event]] = {}
Upcaster: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]
UPCASTERS: dict[tuple[str, int], Upcaster] = {}


def upcaster(name: str, version: int) -> Callable[[Upcaster], Upcaster]:
    """Register how a body of `name` in `version` is read as `version + 1`."""

    def register(function: Upcaster) -> Upcaster:
        UPCASTERS[name, version] = function
        return function

    return register


class EntryReversed(
    Event,
    name="ledger.entry_reversed",
    zh="红冲第{seq}条：{reason}",
    en="Entry {seq} reversed: {reason}",
):
    """A mistake is taken back; both entries stay visible (T10). The envelope says which."""

    seq: int
    reason: str


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A paper or file an event rests on; `sha256` when its bytes are kept as evidence."""

    type: str
    number: str = ""
    issued: date | None = None
    issuer: str = ""
    sha256: str = ""


class Occasion(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, in which unit and role, on which business date, under which policy.

    `behalf` is the person who delegated the power, when somebody acts for another. `bodies` says
    who is competent for the acting unit on that day: `own`, `competent`, `offices`, `finance`,
    `government`; who is not known is left out. `level` and `unit_kind` are those of the unit.
    `seen` is what the lists answered to questions that a step puts to them; nobody types it.
    """

    by: str
    on: date
    behalf: str = ""
    bodies: dict[str, str] = {}
    level: str = ""
    unit_kind: str = ""
    listed: tuple[Any, ...] = ()
    seen: tuple[Any, ...] = ()
    stream: str = ""  # whose verb is asked; the ledger fills it in
    unit: str = ""
    role: str = ""
    policy: Policy = GENERIC
    docs: tuple[Document, ...] = ()
    succeeds: tuple[str, ...] = ()  # units that ended, with whose tasks the acting unit goes on
    scope: frozenset[str] | None = (
        None  # the unit, those below it, those it works for; None: no door
    )

    def acts_for(self, unit: str) -> bool:
        """Answer whether the acting unit is this one or goes on with its tasks.

        Who acts for no unit is not at a door; what names no unit is anybody's.
        """
        return not self.unit or not unit or unit == self.unit or unit in self.succeeds

    def within(self, unit: str) -> bool:
        """Answer whether a unit is the acting one, below it, or one it works or goes on for.

        Who is at no door was not asked which units those are.
        """
        return self.scope is None or self.acts_for(unit) or unit in self.scope


class Described(Protocol):
    """A state that can say in words where it stands."""

    def describe(self, lang: Lang) -> str: ...


S = TypeVar("S", bound=Described)


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A named reason to say no; `holds` is the condition that must be true."""

    slug: str
    zh: str
    en: str
    law: str = ""
    holds: Callable[[Any, Occasion], bool] | None = None

    def broken(self, **details: Any) -> Refused:
        """Return the refusal for a rule about the details of a request."""
        return Refused(self, details)


WITHIN = Rule(
    slug="unit-not-yours",
    zh="只能为本单位及所属单位办理，{unit} 不在其中。请由该单位自行办理。",
    en="This is done for your own unit and those below it, which {unit} is not. Let that unit do it.",
)


class Refused(Exception):
    """The answer no: which rule, in which state, and what may be asked instead."""

    def __init__(self, rule: Rule, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(rule.slug)
        self.rule, self.details = rule, dict(details or {})
        self.stream, self.state = "", None
        self.instead: tuple[Verb, ...] = ()

    state: Described | None

    def sentence(self, lang: Lang) -> str:
        """Say the state, the rule with its article, and what can be done instead."""
        reason = in_language(self.rule.zh, self.rule.en, lang)
        reason = reason.format_map({k: in_words(v, lang) for k, v in self.details.items()})
        where = self.state.describe(lang) if self.state else ""
        can = "、".join(v.zh for v in self.instead) if lang == "zh" else ""
        if lang == "zh":
            law = f"（依据：{self.rule.law}）" if self.rule.law else ""
            head = f"{where}。" if where else ""
            tail = f"现在可以办理：{can}。" if can else "目前没有可办理的事项。" if where else ""
            return f"{head}{reason}{law}{tail}"
        law = f" ({cited(self.rule.law, lang)})" if self.rule.law else ""
        head = f"{where}. " if where else ""
        can = ", ".join(in_words(v.words, lang).lower() for v in self.instead)
        now = in_language("现在可以办理：{can}。", "You can: {can}.", lang).format(can=can)
        nothing = in_language("目前没有可办理的事项。", "Nothing can be done now.", lang)
        tail = f" {now}" if can else f" {nothing}" if where else ""
        return f"{head}{reason}{law}{tail}"


class Ask(msgspec.Struct, frozen=True):
    """A request to another stream in the same act."""

    stream: str
    verb: str
    form: dict[str, Any]


Follower: TypeAlias = Callable[[Any, Any, Occasion], "tuple[Ask, ...]"]
Answer: TypeAlias = "Event | Ask | tuple[Event | Ask, ...]"


class Verb(msgspec.Struct, frozen=True):
    """What may be asked: the function is the command, its parameters are the form."""

    kind: str
    name: str
    words: Words
    rules: tuple[Rule, ...]
    roles: frozenset[str]
    function: Callable[..., Answer]
    inner: bool  # only asked by another stream, never at a door

    @property
    def form(self) -> type[msgspec.Struct]:
        """Return the struct of its parameters, made when first asked for: most never are."""
        return _form(self.kind, self.function)

    @property
    def zh(self) -> str:
        return self.words.zh

    @property
    def en(self) -> str:
        return self.words.en

    @property
    def help(self) -> str:
        return inspect.getdoc(self.function) or ""

    def refusal(self, state: Any, occasion: Occasion) -> Rule | None:
        """Return the first rule about the state that says no, or None."""
        for rule in self.rules:
            if rule.holds is not None and not rule.holds(state, occasion):
                return rule
        return None


@cache
def _form(kind: str, function: Callable[..., Answer]) -> type[msgspec.Struct]:
    hints = get_type_hints(function, include_extras=True)
    fields: list[Any] = [
        (p.name, checked(hints[p.name]))
        if p.default is p.empty
        else (p.name, checked(hints[p.name]), p.default)
        for p in inspect.signature(function).parameters.values()
        if p.kind is p.KEYWORD_ONLY
    ]
    return msgspec.defstruct(
        f"{kind}_{function.__name__}", fields, forbid_unknown_fields=True, kw_only=True
    )


NOT_YOUR_ROLE = Rule(
    slug="not-your-role",
    zh="您的岗位（{role}）不能办理“{verb}”；请由 {roles} 办理。",
    en="Your role ({role}) may not do “{verb}”; ask one of: {roles}.",
    law="《行政事业性国有资产管理条例》第51条",
)
UNKNOWN_VERB = Rule(
    slug="unknown-verb",
    zh="没有“{verb}”这一事项。",
    en="There is no such step as “{verb}”.",
)
LIFECYCLES: dict[str, Lifecycle[Any]] = {}


class Lifecycle(Generic[S]):
    """One kind of stream: its empty state, what facts mean for it, and its verbs.

    A long life is told in several modules: each calls `part` with its union and `evolve`. A
    `register` is kept in the order of recording, whatever the business date, and what it gave out
    stays given out when the document it was for is taken back. `papers` are the forms that can
    be printed of it on any day, whatever happened.
    """

    def __init__(
        self,
        kind: str,
        state: type[S],
        words: Words,
        *,
        register: bool = False,
        papers: tuple[PaperForm, ...] = (),
    ) -> None:
        self.kind, self.state, self.words = kind, state, words
        self.register, self.papers = register, papers
        self.verbs: dict[str, Verb] = {}
        self.meanings: dict[type[Event], Callable[[S, Any], S]] = {}
        self.followers: dict[type[Event], Follower] = {}
        LIFECYCLES[kind] = self

    def part(self, events: Any, evolve: Callable[[S, Any], S]) -> None:
        """Say which facts `evolve` gives their meaning; each fact has exactly one."""
        for fact in getattr(events, "__args__", (events,)):
            assert fact not in self.meanings, f"{fact.__name__} has two meanings"
            self.meanings[fact] = evolve

    def followed(self, *facts: type[Event]) -> Callable[[Follower], Follower]:
        """Publish what these facts ask of other streams in the same act, whoever records them.

        The function is given the state after the fact, the fact and the occasion.
        """

        def publish(follower: Follower) -> Follower:
            for fact in facts:
                assert fact not in self.followers, f"{fact.__name__} is followed twice"
                self.followers[fact] = follower
            return follower

        return publish

    def follow(self, state: S, event: Event, occasion: Occasion) -> tuple[Ask, ...]:
        """Return what a fact that was granted asks of other streams."""
        follower = self.followers.get(type(event))
        return () if follower is None else follower(state, event, occasion)

    def evolve(self, state: S, event: Event) -> S:
        """Apply what one event means. Never refuses: it already happened."""
        return self.meanings[type(event)](state, event)

    def fold(self, events: Iterable[Event]) -> S:
        """Apply events in order to the empty state."""
        state = self.state()
        for event in events:
            state = self.meanings[type(event)](state, event)
        return state

    def verb(
        self, *rules: Rule, zh: str, en: str, roles: Iterable[str] = (), inner: bool = False
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Publish a function as a verb that `rules` (about the state) may refuse."""

        def publish(function: Callable[..., Any]) -> Callable[..., Any]:
            name = function.__name__
            verb = Verb(self.kind, name, Words(zh, en), rules, frozenset(roles), function, inner)
            assert name not in self.verbs, f"{self.kind}.{name} is already a verb"
            self.verbs[name] = verb
            return function

        return publish

    def allowed(self, state: S, occasion: Occasion) -> tuple[Verb, ...]:
        """Return the verbs a person may ask for now, as far as the state alone decides."""
        return tuple(
            verb
            for verb in self.verbs.values()
            if not verb.inner
            and verb.refusal(state, occasion) is None
            and (not verb.roles or not occasion.role or occasion.role in verb.roles)
        )

    def decide(
        self, state: S, name: str, occasion: Occasion, form: Mapping[str, Any], *, asked: bool
    ) -> tuple[Event | Ask, ...]:
        """Grant a request as facts and asks, or raise `Refused`.

        `asked` is True when another stream asks: roles were judged at its own verb.
        `form` holds typed values; a missing or mistyped one raises msgspec.ValidationError.
        """
        verb = self.verbs.get(name)
        if verb is None or (verb.inner and not asked):
            raise UNKNOWN_VERB.broken(verb=name)
        try:
            if verb.roles and not asked and occasion.role not in verb.roles:
                raise NOT_YOUR_ROLE.broken(
                    role=Words.of(occasion.role),
                    verb=verb.words,
                    roles=tuple(Words.of(r) for r in sorted(verb.roles)),
                )
            rule = verb.refusal(state, occasion)
            if rule is not None:
                raise rule.broken()
            typed = msgspec.convert(form, verb.form)
            values = {field: getattr(typed, field) for field in typed.__struct_fields__}
            answer = verb.function(state, occasion, **values)
        except Refused as refused:
            refused.state = state
            refused.instead = self.allowed(state, occasion)
            raise
        return answer if isinstance(answer, tuple) else (answer,)
