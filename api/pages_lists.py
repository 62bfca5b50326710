"""Keep how somebody likes a list: its columns, and views with a name."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.kept_lists import NAME_CHARS_MAX, QUERY_CHARS_MAX, VIEWS_MAX
from api.office import Office
from api.pages_sign import Member, Typed, text
from api.pages_trouble import PageRoute
from api.pages_view import Page, local_path
from api.tables import LISTS, List, query_of
from domain.words import Words

UNNAMED = Words("视图需要一个名称。", "A view needs a name.")
TOO_MANY = Words(
    "一个列表最多保存 {n} 个视图；请先删除不用的。",
    "A list keeps {n} views of a person at most; delete one you no longer use first.",
)


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.post("/lists/columns")
    def columns(page: Member, form: Typed) -> Response:
        one = list_of(form)
        names = list(dict.fromkeys(n for n in form.getlist("column") if n in one.by_name))
        chosen = [str(name) for name in names]
        move = text(form, "move")
        if move in chosen and chosen.index(move) > 1:
            at = chosen.index(move)
            chosen[at - 1 : at + 1] = chosen[at], chosen[at - 1]
        usual = form.get("usual") or tuple(chosen) == one.usual
        office.kept.choose(page.actor.person, one.path, () if usual else chosen)
        return page.go(f"{back(page, one, form)}#list-columns" if move else back(page, one, form))

    @pages.post("/lists/views")
    def keep(page: Member, form: Typed) -> Response:
        one, name = list_of(form), text(form, "name", NAME_CHARS_MAX)
        if not name:
            return refused(page, page.words(UNNAMED))
        query = text(form, "query", QUERY_CHARS_MAX)
        kept = office.kept.keep(
            page.actor.person,
            page.actor.unit,
            one.path,
            name,
            query_of(query, columns=columns_of(query, one)),
            shared=form.get("shared") == "1",
        )
        if not kept:
            return refused(page, page.words(TOO_MANY).format(n=VIEWS_MAX))
        return page.go(f"{one.path}?{query}" if query else one.path)

    @pages.post("/lists/views/{id_}/forget")
    def forget(id_: int, page: Member, form: Typed) -> Response:
        if not office.kept.forget(page.actor.person, id_):
            raise HTTPException(404)
        return page.go(back(page, list_of(form), form))

    return pages


def list_of(form: Any) -> List:
    """Return the list a form is about."""
    one = LISTS.get(text(form, "list"))
    if one is None:
        raise HTTPException(404)
    return one


def columns_of(query: str, one: List) -> str:
    """Return the columns a query names, as far as the list has them."""
    said = dict(parse_qsl(query)).get("columns", "")
    return ",".join(name for name in said.split(",") if name in one.by_name)


def back(page: Page, one: List, form: Any) -> str:
    """Return the list as it was looked at; its columns are no longer those of the address."""
    parts = urlsplit(local_path(text(form, "next", QUERY_CHARS_MAX)))
    kept = [(n, v) for n, v in parse_qsl(parts.query) if n not in ("columns", "after")]
    return f"{one.path}?{urlencode(kept)}" if kept else one.path


def refused(page: Page, said: str) -> Response:
    """Say why nothing was kept."""
    return page.render("message.html", 422, title=page.t("views"), text=said)
