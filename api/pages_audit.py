"""The book as an auditor sees it: its head, its verification, and every entry to the byte."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import partial

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api import attesting, evidence, pages_booking, pages_bundles, pages_read_by
from api.attesting import Attested, Attesting
from api.notarising import ONE_MACHINE
from api.office import Office
from api.pages_sign import Member, Typed, text
from api.pages_stream import address
from api.pages_telling import tell
from api.pages_trouble import Forbidden, PageRoute
from api.pages_view import Page
from api.proving import held
from domain.words import Role, Words, in_words
from ledger import national, stamping, tree, verifying
from ledger.book import Book
from ledger.entry import decode
from ledger.notes import Checkpoint, Unproven
from ledger.proofs import included

LATEST = 20
SINCE_CHARS_MAX = 8_000


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/audit")
    def audit(page: Member) -> Response:
        return audit_page(page, None)

    @pages.post("/audit/verify")
    def verify(page: Member, form: Typed) -> Response:
        if not page.may(Role.AUDITOR, Role.ADMIN):
            raise Forbidden
        kept = text(form, "since", SINCE_CHARS_MAX)
        try:
            since = [held(kept)] if kept else []
        except Unproven as why:
            return audit_page(page, None, kept, why.sentence(page.lang))
        note = office.proving.note()
        trust = office.proving.trust
        ours = {Checkpoint.parse(note.text).origin} if note else set()
        ours |= {log.name for log in trust.logs} if ours and trust else set()
        if since and ours and since[0].origin.removesuffix(national.SUFFIX) not in ours:
            return audit_page(page, None, kept, page.t("since-other", name=since[0].origin))
        behind, settings = partial(_behind, office), office.settings
        try:
            attested = Attesting(office.book, settings.tsa_trust, settings.sm2, since)
        except Unproven as why:
            return audit_page(page, None, kept, why.sentence(page.lang))
        verdict = verifying.verify(
            office.book,
            lists=behind,
            held=attesting.main(since),
            readers=attested.readers,
            beside=evidence.tables(office),
        )
        covered = since[0].size if since else 0
        return audit_page(page, verdict, kept, covered=covered, said=attested.said())

    @pages.get("/audit/checkpoint")
    def checkpoint(page: Member) -> Response:
        note = office.proving.note()
        if note is None:
            raise HTTPException(404)
        name = f'attachment; filename="checkpoint-{Checkpoint.parse(note.text).size}.txt"'
        return Response(note.raw, media_type="text/plain", headers={"Content-Disposition": name})

    @pages.get("/audit/checkpoint-sm3")
    def checkpoint_sm3(_: Member) -> Response:
        return _newest(office.book, national.KIND, "text/plain", "checkpoint-sm3-{}.txt")

    @pages.get("/audit/stamp")
    def stamp(_: Member) -> Response:
        return _newest(office.book, stamping.KIND, "application/timestamp-reply", "{}.tsr")

    @pages.get("/entries/{position}")
    def entry(position: int, page: Member) -> Response:
        if not 1 <= position <= office.book.head()[0]:
            raise HTTPException(404)
        row = next(office.book.log.rows(position, position))[0]
        found = decode(*row)
        if not office.sight.sees(page.actor, found.stream):
            raise HTTPException(404)
        leaf = office.book.log.leaves(position, position)[0]
        size, root, _ = office.book.head()
        path = office.proving.tree.inclusion(position - 1, size)
        return page.render(
            "entry.html",
            entry=found,
            raw=found.state.decode(),
            pretty=json.dumps(json.loads(found.state), ensure_ascii=False, indent=2),
            leaf=bytes(leaf).hex(),
            same=tree.leaf(found.state) == bytes(leaf),
            sentence=tell(found.event, page.lang, page.namer_then(found.effective_on)),
            recorded=page.local(found.recorded_at),
            back=address(found.stream),
            size=size,
            root=root.hex(),
            hashes=[one.hex() for one in path],
            proven=included(position - 1, size, bytes(leaf), path, root),
        )

    return pages


def _newest(book: Book, kind: str, media: str, name: str) -> Response:
    """Return the newest of what is kept beside checkpoints, as a file."""
    rows = book.log.attestations(kind, 0, attesting.SIZE_MAX, 1)
    if not rows:
        raise HTTPException(404)
    told = f'attachment; filename="{name.format(rows[0][0])}"'
    headers = {"Content-Disposition": told}
    return Response(bytes(rows[0][1]), media_type=media, headers=headers)


def _behind(office: Office, _: Book) -> Iterator[str]:
    reached, size = office.models.position(), office.book.head()[0]
    if reached != size:
        yield f"{reached} / {size}"


def audit_page(
    page: Page,
    verdict: verifying.Verdict | None,
    kept: str = "",
    trouble: str = "",
    covered: int = 0,
    said: Sequence[Words] = (),
) -> Response:
    """Draw the head of the book, how far it is signed, and the latest entries."""
    book = page.office.book
    size, root, recorded_at = book.head()
    latest = [
        (e, tell(e.event, page.lang, page.namer_then(e.effective_on)), address(e.stream))
        for e in book.entries(max(1, size - LATEST + 1), size)
        if page.office.sight.sees(page.actor, e.stream)
    ]
    return page.render(
        "audit.html",
        size=size,
        root=root.hex(),
        recorded=page.local(recorded_at) if size else "",
        verdict=verdict,
        kept=kept,
        trouble=trouble,
        covered=covered,
        said=[in_words(words, page.lang) for words in said],
        attested=Attested.of(book),
        standing=page.office.proving.standing(),
        movement_title=in_words(pages_booking.SAYS["title"], page.lang),
        one_machine=in_words(ONE_MACHINE, page.lang),
        bundles=pages_bundles.panel(page),
        reading=pages_read_by.purpose_panel(page),
        latest=latest[::-1],
        may_verify=page.may(Role.AUDITOR, Role.ADMIN),
    )
