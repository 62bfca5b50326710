"""Questions about one thing: its state on any day, its history, its label."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from api import problems, rest_label
from api.naming import names_then
from api.office import Actor, Office
from api.parameters import number
from api.rest_answers import (
    AS_OF,
    KNOWN_AT,
    LATEST,
    LIMIT_MAX,
    Answer,
    line,
    link,
    no_such,
    reply,
)
from api.rest_caller import check_id, lang_of
from api.rest_questions import Questions
from domain.asset import Asset
from domain.decider import LIFECYCLES, Lang, Refused
from domain.words import Words
from labels import face, identity, qr
from ledger.entry import standing

LINES = (
    number("limit", "至多几项 · how many at most", 1, LIMIT_MAX, LIMIT_MAX),
    number("after", "续页：上一页最后一条 · the last entry of the page before", 0, 10**9),
)


class One:
    """The questions about one thing of an office."""

    def __init__(self, office: Office) -> None:
        self.office = office

    def thing(self, kind: str) -> Answer:
        """Return the answer about one thing: its state, and what may be done with it."""

        def answer(request: Request, actor: Actor) -> Response:
            stream = f"{kind}/{check_id(request.path_params['id'])}"
            asked = Questions(request, [AS_OF, KNOWN_AT])
            on, known_at = asked.day("as_of"), asked.moment("known_at")
            asked.check()
            read = self.office.book.stream(stream)
            if read.version == 0:
                raise no_such(stream)
            lang = lang_of(request)
            if on or known_at:
                known = self.office.book.position_known(known_at) if known_at else None
                state = self.office.book.state_at(stream, on or LATEST, known)
                return reply(request, self._state(stream, state, lang, on, known_at))
            etag = f'"{read.version}"'
            if request.headers.get("if-none-match", "") == etag:
                return Response(status_code=304, headers={"ETag": etag})
            found = self._state(stream, read.state, lang, "", "")
            found |= {"version": read.version} | self._may(stream, read.state, actor, lang)
            return reply(request, found, {"ETag": etag})

        return answer

    def _state(self, stream: str, state: Any, lang: Lang, on: str, known_at: str) -> dict[str, Any]:
        return {
            "stream": stream,
            "as_of": on or None,
            "known_at": known_at or None,
            "sentence": state.describe(lang),
            "state": state,
        }

    def _may(self, stream: str, state: Any, actor: Actor, lang: Lang) -> dict[str, Any]:
        """Return what this caller may do now, and why not the rest."""
        life = LIFECYCLES[stream.split("/", 1)[0]]
        occasion = msgspec.structs.replace(self.office.occasion(actor), stream=stream)
        allowed = life.allowed(state, occasion)
        refused: list[dict[str, Any]] = []
        for verb in life.verbs.values():
            rule = verb.refusal(state, occasion)
            if verb.inner or verb in allowed or rule is None:
                continue
            said: Refused = rule.broken()
            refused.append(
                {
                    "verb": verb.name,
                    "title": problems.told(verb.words, lang),
                    "slug": rule.slug,
                    "detail": said.sentence(lang),
                }
            )
        may = [
            {
                "verb": verb.name,
                "title": problems.told(verb.words, lang),
                "href": f"/api/v1/{quote(stream)}/{verb.name}",
            }
            for verb in allowed
        ]
        return {"allowed": may, "refused": refused}

    def history(self, kind: str) -> Answer:
        """Return the answer with everything that happened to one thing, oldest first."""

        def answer(request: Request, actor: Actor) -> Response:
            stream = f"{kind}/{check_id(request.path_params['id'])}"
            asked = Questions(request, LINES)
            limit = asked.number("limit")
            after = asked.number("after")
            asked.check()
            entries = self.office.book.stream(stream).entries
            if not entries:
                raise no_such(stream)
            lang = lang_of(request)
            named = names_then(self.office, lang)
            kept = {e.seq for e in standing(entries)}
            page = [e for e in entries if e.seq > after][:limit]
            more = page[-1].seq if page and page[-1].seq < entries[-1].seq else None
            items = [line(e, lang, named(e.effective_on), e.seq in kept) for e in page]
            found = {"stream": stream, "version": entries[-1].seq, "items": items, "next": more}
            return reply(request, found, link(request, more))

        return answer

    def label(self, request: Request, actor: Actor) -> Response:
        """Print the label of an asset as it is now."""
        Questions(request, ()).check()
        id_ = check_id(request.path_params["id"])
        read = self.office.book.stream(f"asset/{id_}")
        if read.version == 0:
            raise no_such(read.name)
        asset: Asset = read.state
        try:
            picture = rest_label.png(self.office, id_, asset, lang_of(request))
        except (identity.BadLabel, face.Unprintable, qr.DoesNotFit) as error:
            said = Words(error.zh, error.en)
            raise problems.Problem(
                409, "label-not-printable", rest_label.NOT_A_LABEL, said
            ) from None
        return Response(picture, media_type="image/png", headers={"Cache-Control": "no-store"})
