"""What every page shares: who looks, in which language, what things are called, how it is drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import cached_property
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response

from api import languages, navigation, noting, pages_words, problems, security, webhooks
from api.accounts import Post, Session
from api.office import Actor, Office
from api.pages_draw import TEMPLATES
from api.pages_telling import (
    STATE_REFS,
    UNTOLD,
    UNTOLD_OF_STOCKTAKE,
    kind_of,
    reason_of,
    say,
    words_of,
)
from api.pages_trouble import SignIn
from api.pages_words import CHOICES
from api.rest_caller import NO_POST
from domain.census import Trigger
from domain.decider import LIFECYCLES, Lang
from domain.stocktaking import Stocktake
from domain.unit import UnitKind
from domain.words import Role, Term, Words, cited_all, in_words
from ledger.book import reversers
from projections import inventory, units
from projections.temporal import NEVER

SIZES = ("100", "125", "150")
THEMES = ("light", "dark")
FOREIGN = UnitKind.FOREIGN.value
POST_ENDED = Words(
    "您办理时所用的岗位或代行已经终止，没有记入任何内容；请在右上角换用现有的岗位再办。",
    "What you were acting as has ended; nothing was recorded. Choose what you may act as now at the"
    " top right, and ask again.",
)


class Page:
    """One request for a page: the reader, the language, and how to answer."""

    def __init__(self, office: Office, request: Request) -> None:
        self.office, self.request = office, request
        self.lang: Lang = security.language_of(request)
        self._names: dict[str, list[Any]] = {}
        self.token = request.cookies.get(cookie_name(office), "")
        self.session: Session | None = office.accounts.session(self.token) if self.token else None

    @cached_property
    def actor(self) -> Actor:
        """Return who acts; raise SignIn."""
        if self.session is None:
            raise SignIn
        if not self.posts:
            raise problems.plain(403, NO_POST, "no-role")
        account = self.session.account
        actor = self.office.acting(account, self.session.post, self.lang)
        if actor is None and self.request.method == "GET":  # it ended: look on as something else
            actor = self.office.acting(account, self.posts[0], self.lang)
        if actor is None:
            raise problems.plain(403, POST_ENDED, "role-not-granted")
        writes = self.request.method not in security.SAFE_METHODS
        if self.office.hidden_from(actor, self.request.url.path, writes=writes):
            raise HTTPException(404)
        self.request.state.actor = actor  # for whoever writes down what was read
        return actor

    @cached_property
    def posts(self) -> tuple[Post, ...]:
        """Return what the reader may act as today."""
        return self.office.posts(self.session.account) if self.session is not None else ()

    @property
    def post(self) -> Post:
        """Return what the reader acts as."""
        return Post(unit=self.actor.unit, role=self.actor.role, behalf=self.actor.behalf)

    def post_words(self, post: Post) -> str:
        """Return a post in the reader's language: unit, role, in whose stead."""
        said = f"{self.name_of('unit', post.unit)} · {self.words(Words.of(post.role))}"
        if not post.behalf:
            return said
        return f"{said} · {self.t('in-stead-of', who=self.name_of('person', post.behalf))}"

    def t(self, key: str, **values: Any) -> str:
        """Return a sentence of ours in the reader's language."""
        return pages_words.say(key, self.lang, **values)

    def words(self, value: Any) -> str:
        """Return a term, a date or a yes in the reader's language."""
        return in_words(value, self.lang)

    # What things are called ----------------------------------------------------

    @cached_property
    def units(self) -> Mapping[str, Any]:
        return {row["id"]: row for row in self.office.models.rows(units.all_units())}

    @cached_property
    def places(self) -> Mapping[str, Any]:
        return {row["id"]: row for row in self.office.models.rows(units.all_places())}

    def namer(self, on: str = "", known: int | None = None) -> Callable[[str, str], str]:
        """Return a function from kind and id to the name that held on a day (T11)."""
        query = units.names_at(on, known) if on else units.names_now()
        names = {row["id"]: self._name(row) for row in self.office.models.rows(query)}
        people: dict[str, str] = {}
        assets: dict[str, str] = {}

        def name_of(kind: str, id_: str) -> str:
            if kind == "person":
                if id_ not in people:
                    people[id_] = self.office.accounts.name_of(id_, self.lang)
                return people[id_]
            if kind == "asset":
                if id_ not in assets:
                    row = self.office.models.one(inventory.one(id_))
                    assets[id_] = f"{row['asset_no'] or id_} {row['name']}" if row else id_
                return assets[id_]
            if kind == "stream":
                return self.case_name(id_)
            return names.get(id_, id_)

        return name_of

    def namer_then(self, on: str) -> Callable[[str, str], str]:
        """Return the names that held on a day, looked up one by one: for one thing's history."""

        def name_of(kind: str, id_: str) -> str:
            if kind not in ("unit", "place"):
                return self.name_of(kind, id_)
            if id_ not in self._names:
                self._names[id_] = self.office.models.rows(units.names_of(id_))
            known = [row for row in self._names[id_] if row["known_to"] >= NEVER]
            then = next((row for row in known if row["from_on"] <= on < row["to_on"]), None)
            return self._name(then or known[0]) if known else id_

        return name_of

    @cached_property
    def name_of(self) -> Callable[[str, str], str]:
        """Return names as they are now."""
        return self.namer()

    def _name(self, row: Any) -> str:
        return str((row["name_en"] if self.lang == "en" else "") or row["name"])

    def case_name(self, stream: str) -> str:
        """Return what a case is called on pages: its kind and the end of its number."""
        kind, _, id_ = stream.partition("/")
        known = f"kind-{kind}" in pages_words.PHRASES or kind not in LIFECYCLES
        called = self.t(f"kind-{kind}") if known else self.words(LIFECYCLES[kind].words)
        return f"{called} {id_.rpartition('-')[2][-8:]}"

    def unit_choices(
        self, also: Iterable[str] = (), *, ended: bool = False
    ) -> list[tuple[str, str]]:
        """Return the units a form offers: those in the country, and those already concerned.

        `ended`: also those that exist no more, whose property is still to be handed over.
        """
        named = set(also)
        return [
            (id_, self._name(row))
            for id_, row in self.units.items()
            if (row["kind"] != FOREIGN and (ended or not row["dissolved"])) or id_ in named
        ]

    def place_choices(self, also: Iterable[str] = ()) -> list[tuple[str, str]]:
        """Return the places a form offers."""
        named = set(also)
        foreign = {id_ for id_, row in self.units.items() if row["kind"] == FOREIGN}
        return [
            (id_, self._name(row))
            for id_, row in self.places.items()
            if row["unit"] not in foreign or id_ in named
        ]

    def person_choices(self) -> list[tuple[str, str]]:
        """Return the people a form offers."""
        return list(self.office.accounts.directory(self.lang).items())

    def source_of(self, row: Any) -> str:
        """Return whose data a row is: its data set, else the example's when its unit is."""
        if row["dataset"]:
            return str(row["dataset"])
        unit = row["accounting_unit"] if "accounting_unit" in row else row["from_unit"]
        known = self.units.get(unit)
        return "example" if known is not None and known["example"] else ""

    @property
    def menu(self) -> navigation.Menu:
        """Return where the reader's role may go: what the header shows."""
        return navigation.menu(self.actor.role)

    @property
    def place(self) -> str:
        """Return the place in the menu to which this page belongs."""
        return navigation.current(self.request.url.path)

    @property
    def trail(self) -> tuple[Words, navigation.Place] | None:
        """Return the group and the name of this page, when it is a place of the menu itself."""
        return navigation.trail(self.request.url.path)

    @property
    def role_words(self) -> Words:
        return Words.of(self.actor.role)

    def card(self, state: Any, on: str = "") -> list[tuple[str, str, str]]:
        """Return the fields of a case for people: name, title and value in words.

        `on` is the day whose names are wanted (T11); without it they are those of today.
        """
        name_of = self.namer_then(on) if on else self.name_of
        untold = UNTOLD | {"status", "currency"}
        if isinstance(state, Stocktake):
            # Before a count begins there are no tables yet that show where it will be.
            untold |= UNTOLD_OF_STOCKTAKE if state.scope else UNTOLD_OF_STOCKTAKE - {"places"}
        shown = [f for f in state.__struct_fields__ if f not in untold]
        found: list[tuple[str, str, str]] = []
        for field in shown:
            value = getattr(state, field)
            if value in (None, "", (), 0) or isinstance(value, (frozenset, set)):
                continue
            if isinstance(value, dict) and not value:
                continue
            told = say(
                reason_of(field, value),
                "place"
                if field == "places" and isinstance(state, Stocktake)
                else STATE_REFS.get(field, ""),
                self.lang,
                name_of,
                state_currency(state),
            )
            if isinstance(value, Term) and value.laws:
                told = f"{told} {cited_all(value.laws, self.lang)}"
            found.append((field, self.words(words_of(field, kind_of(state))), told))
        return found

    def said(self, field: str, value: Any) -> str:
        """Return one value of a card in the reader's words where it has any."""
        return say(reason_of(field, value), "", self.lang, self.name_of)

    def field(self, name: str) -> str:
        """Return what a field of a state is called."""
        return self.words(words_of(name))

    def stream_name(self, stream: str) -> str:
        """Return what any stream is called: an asset, a unit, a person by name, a case by number."""
        kind, _, id_ = stream.partition("/")
        known = kind in ("asset", "unit", "place", "person")
        return self.name_of(kind, id_) if known else self.case_name(stream)

    def case_title(self, row: Any) -> str:
        """Return what a case is about: the place of an intake, the form of a disposal, or words."""
        title = str(row["title"])
        if row["kind"] == "intake" and title:
            return self.name_of("place", title)
        if row["kind"] == "disposal" and title in CHOICES["form"]:
            return self.words(CHOICES["form"][title])
        if row["kind"] == "census":
            return self.words(Trigger(title).words)
        return title

    # How it is answered ----------------------------------------------------------

    def render(self, template: str, status: int = 200, **values: Any) -> Response:
        """Draw a template; the reader's choices of language, theme and size come with it."""
        theme = self.request.cookies.get("theme", "")
        size = self.request.cookies.get("size", "")
        text = TEMPLATES.get_template(template).render(
            page=self,
            lang=self.lang,
            theme=theme if theme in THEMES else "light",
            text_size=size if size in SIZES else "100",
            path=self.request.url.path,
            **values,
        )
        answer = HTMLResponse(text, status)
        answer.headers["Cache-Control"] = "no-store"
        answer.headers["Content-Language"] = languages.tag(self.lang)
        if languages.known(self.request.query_params.get("lang", "")):
            self.keep(answer, "lang", self.lang)
        return answer

    def keep(self, answer: Response, name: str, value: str) -> None:
        """Remember a choice of the reader for a year."""
        answer.set_cookie(
            name,
            value,
            max_age=31_536_000,
            secure=self.office.settings.https,
            httponly=True,
            samesite="lax",
        )

    def go(self, where: str) -> Response:
        """Send the browser to another page of ours."""
        return RedirectResponse(where, HTTPStatus.SEE_OTHER)

    def url(self, **changes: str | None) -> str:
        """Return this address with some questions changed or, by None, dropped."""
        asked = self.request.query_params.multi_items()
        kept = [(name, value) for name, value in asked if value and name not in changes]
        kept += [(name, value) for name, value in changes.items() if value]
        return f"{self.request.url.path}?{urlencode(kept)}" if kept else self.request.url.path

    def query(self, **changes: str | None) -> str:
        """Return the questions of this address, with the question mark, for a sibling address."""
        return self.url(**changes).removeprefix(self.request.url.path)

    def query_only(self, *names: str) -> str:
        """Return some of the questions of this address."""
        kept = {n: v for n in names if (v := self.request.query_params.get(n, ""))}
        return f"?{urlencode(kept)}" if kept else ""

    @property
    def here(self) -> str:
        """Return this address without the language, to come back to after a choice."""
        return self.url(lang=None) if self.request.method == "GET" else "/"

    @property
    def request_id(self) -> str:
        return problems.request_id(self.request)

    @property
    def address(self) -> str:
        return self.request.client.host if self.request.client else ""

    @property
    def how(self) -> dict[str, Any]:
        """Return how the request came, for the record (T12)."""
        return {
            "channel": "web",
            "request": self.request_id,
            "address": self.address,
            "device": self.request.headers.get("user-agent", "")[:200],
        }

    def may(self, *roles: Role) -> bool:
        """Tell whether the reader acts in one of these roles."""
        return self.session is not None and self.actor.role in roles

    def may_reverse(self, stream: str) -> bool:
        """Tell whether the reader's role takes back mistakes in a stream."""
        return self.session is not None and self.actor.role in reversers(stream)

    @property
    def webhooks_failing(self) -> str:
        """Tell administrators that systems are not sent anything any more; else nothing."""
        if not self.may(Role.ADMIN) or not self.office.webhooks.hosts:
            return ""
        count = self.office.webhooks.failing()
        return self.words(webhooks.failing_words(count)) if count else ""

    @property
    def unrecorded(self) -> str:
        """Return what to tell those whose reads wait to be written down, and why; else nothing."""
        reads = self.office.reads
        if reads.trouble is None or not self.may(*noting.READERS):
            return ""
        return noting.waits(reads, self.lang)

    def local(self, recorded_at: str) -> str:
        """Return a recorded UTC time as the reader's clock showed it."""
        zone = ZoneInfo(self.actor.zone)
        at = datetime.fromisoformat(recorded_at).astimezone(zone)
        return at.strftime("%Y-%m-%d %H:%M:%S")


def state_currency(state: Any) -> str:
    """Return the currency of a state's amounts."""
    return getattr(state, "currency", "") or "CNY"


def cookie_name(office: Office) -> str:
    """Return the session cookie's name; `__Host-` binds it to this host over https."""
    return "__Host-session" if office.settings.https else "session"


def local_path(where: str) -> str:
    """Return a path of ours to go on to; anything else becomes the front page."""
    plain = where.startswith("/") and not where.startswith(("//", "/\\"))
    return where if plain and where.isprintable() else "/"
