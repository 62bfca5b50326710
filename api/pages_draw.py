"""How pages are drawn: templates that escape everything, and the filters they use."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from api import charts, languages, pages_words
from api.pages_telling import money
from api.pages_words import CHOICES
from api.registers import REGISTERS
from domain.words import Words, in_words


@pass_context
def _t(context: Context, key: str, **values: Any) -> str:
    return pages_words.say(key, context["lang"], **values)


@pass_context
def _w(context: Context, value: Any) -> str:
    return in_words(value, context["lang"])


@pass_context
def _choice(context: Context, value: str, of: str) -> str:
    """Return the word of a stored choice, as `row.custody | choice('custody')`."""
    words = CHOICES[of].get(value)
    return in_words(words, context["lang"]) if words else str(value)


@pass_context
def _money(context: Context, amount: int | None, currency: str = "CNY") -> str:
    return money(amount, currency or "CNY", context["lang"])


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def _count(number: int) -> str:
    return f"{number:,}"


def icon(name: str, css: str = "") -> Markup:
    """Return a picture from the sprite; it is decoration, words always stand beside it."""
    return Markup(
        '<svg class="icon {}" width="20" height="20" aria-hidden="true" focusable="false">'
        '<use href="/static/vendor/icons.svg#icon-{}"></use></svg>'
    ).format(css, name)


def _day(value: str | date) -> str:
    return str(value)[:10]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def templates() -> Environment:
    """Return the template environment: everything escaped, an unknown name is a bug."""
    env = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.globals.update(
        languages=languages, t=_t, icon=icon, Words=Words, REGISTERS=REGISTERS, bars_of=charts.bars
    )
    env.filters.update(w=_w, choice=_choice, money=_money, count=_count, day=_day, json=_json)
    env.filters.update(capital=_capital)
    return env


TEMPLATES = templates()
