"""The sentence every rule is told in: given what happened, when somebody asks, then this.

`given(lifecycle, *facts).when(verb, **form).then(*answers)` for one stream, without I/O;
`Ledger` for stories that cross streams, on a real database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest

from domain.decider import (
    LIFECYCLES,
    Ask,
    Document,
    Event,
    Lang,
    Lifecycle,
    Occasion,
    Refused,
    Rule,
    Verb,
)
from domain.policy import GENERIC, Policy
from domain.words import Role
from ledger.act import Receipt
from ledger.book import Book

TODAY = date(2025, 6, 30)
NOW = datetime(2025, 6, 30, 4, 0, tzinfo=UTC)  # noon in the unit's zone
OCCASION = Occasion(by="u_asker", on=TODAY, unit="o_a", role="")


def verb_of(lifecycle: Lifecycle[Any], function: Callable[..., Any]) -> Verb:
    """Return the verb a function was published as."""
    verb = lifecycle.verbs[function.__name__]
    assert verb.function is function, f"{function.__name__} is another kind's verb"
    return verb


def able(verb: Verb, state: Any, occasion: Occasion) -> Occasion:
    """Return the occasion in the first role of the verb whose turn it is; else in the first."""
    roles = [msgspec.structs.replace(occasion, role=role) for role in sorted(verb.roles)]
    return next((one for one in roles if verb.refusal(state, one) is None), roles[0])


class Given:
    """A history, and the person who will ask."""

    def __init__(self, lifecycle: Lifecycle[Any], facts: Iterable[Event]) -> None:
        self.lifecycle = lifecycle
        self.state = lifecycle.fold(facts)
        self.occasion = msgspec.structs.replace(OCCASION, stream=f"{lifecycle.kind}/X")

    def at(self, **occasion: Any) -> Given:
        """Say who asks, when, under which policy, in the name of which stream."""
        self.occasion = msgspec.structs.replace(self.occasion, **occasion)
        return self

    def when(self, function: Callable[..., Any], **form: Any) -> Then:
        """Ask, in a role that may ask unless `at` named one."""
        verb = verb_of(self.lifecycle, function)
        occasion = self.occasion
        if verb.roles and not occasion.role:
            occasion = able(verb, self.state, occasion)
        try:
            answers = self.lifecycle.decide(self.state, verb.name, occasion, form, asked=verb.inner)
        except Refused as refused:
            return Then(self, (), refused)
        for answer in answers:
            if isinstance(answer, Event):  # what is granted can be read back
                body = msgspec.json.encode(answer)
                assert msgspec.json.decode(body, type=type(answer)) == answer
        return Then(self, answers, None)

    def then_state(self, **fields: Any) -> Given:
        """Say where the history leaves us."""
        assert {name: getattr(self.state, name) for name in fields} == fields
        return self


class Then:
    """The answer: facts and asks, or the rule that says no."""

    def __init__(
        self, before: Given, answers: tuple[Event | Ask, ...], refused: Refused | None
    ) -> None:
        self.before, self.answers, self.refused = before, answers, refused

    def then(self, *expected: Event | Ask) -> Then:
        """Expect exactly these facts and asks, in this order."""
        assert self.refused is None, f"refused: {self.refused and self.refused.sentence('en')}"
        assert self.answers == expected
        return self

    def then_granted(self) -> Then:
        """Expect a yes, whatever its facts say."""
        assert self.refused is None, f"refused: {self.refused and self.refused.sentence('en')}"
        return self

    def then_refused(self, rule: Rule) -> Then:
        """Expect a no for this reason, said in both languages without a gap."""
        assert self.refused is not None, f"granted: {self.answers}"
        assert self.refused.rule is rule
        said = [self.sentence("zh"), self.sentence("en")]
        assert all(said)
        assert not any("{" in sentence for sentence in said)
        return self

    def sentence(self, lang: Lang) -> str:
        """Return what the refused person reads."""
        assert self.refused is not None, f"granted: {self.answers}"
        return self.refused.sentence(lang)

    def then_state(self, **fields: Any) -> Then:
        """Expect the state that the granted facts lead to."""
        self.then_granted()
        state = self.before.state
        for answer in self.answers:
            if isinstance(answer, Event):
                state = self.before.lifecycle.evolve(state, answer)
        assert {name: getattr(state, name) for name in fields} == fields
        return self


def given(lifecycle: Lifecycle[Any], *facts: Event) -> Given:
    """Begin with what already happened."""
    return Given(lifecycle, facts)


class Ledger:
    """A real book whose people ask in the role that may, on a day that can be set."""

    def __init__(self, url: str) -> None:
        self.book = Book.open(url, clock=lambda: NOW)
        self.on = TODAY
        self.policy: Policy = GENERIC
        self.docs: tuple[Document, ...] = ()

    def close(self) -> None:
        self.book.close()

    def occasion(self, by: str, role: str = Role.CLERK) -> Occasion:
        """Return the occasion of a person on the story's day."""
        return Occasion(by=by, on=self.on, role=role, policy=self.policy, docs=self.docs)

    def ask(self, by: str, stream: str, verb: str, /, **form: Any) -> Receipt:
        """Let a person ask one stream, in the first role that may."""
        known = LIFECYCLES[stream.split("/")[0]].verbs[verb]
        occasion = self.occasion(by, "")
        if known.roles:
            occasion = able(known, self.state(stream), occasion)
        return self.book.act([Ask(stream, verb, form)], occasion)

    def refuses(self, rule: Rule, by: str, stream: str, verb: str, /, **form: Any) -> Refused:
        """Expect the same request to be refused for this reason, and nothing recorded."""
        before = self.book.head()
        with pytest.raises(Refused) as caught:
            self.ask(by, stream, verb, **form)
        assert caught.value.rule is rule
        assert self.book.head() == before
        return caught.value

    def state(self, stream: str) -> Any:
        return self.book.stream(stream).state

    def facts(self, stream: str) -> list[str]:
        """Return the names of what happened to a stream, in order."""
        return [entry.event.type_name for entry in self.book.stream(stream).entries]

    def card(self, asset: str, **form: Any) -> None:
        """Open the card of something unit o_a had before this ledger began."""
        rest: dict[str, Any] = {"name": "台式计算机", "kind": "computer", "unit": "o_a"} | form
        self.ask("u_clerk", f"asset/{asset}", "register_existing", asset_no=f"ZC-{asset}", **rest)


__all__ = ["NOW", "OCCASION", "TODAY", "Given", "Ledger", "Role", "Then", "given", "verb_of"]
