"""What the provider said of somebody, kept in their own browser until they sign out there too.

It names a person, so it is not kept here. It opens nothing with us.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

WORD = "provider-word"
WORD_CHARS_MAX = 3_500  # browsers keep 4,096 bytes of a cookie; without it the provider asks back
TOO_LONG = "-"
SECONDS = 12 * 3600  # as long as a session lasts at most


def keep_word(answer: Response, word: str, *, https: bool) -> None:
    """Leave it with the browser, to be shown to `/logout` alone, in the place of an earlier one."""
    if word:
        answer.set_cookie(
            WORD,
            word if len(word) <= WORD_CHARS_MAX else TOO_LONG,
            max_age=SECONDS,
            path="/logout",
            secure=https,
            httponly=True,
            samesite="lax",
        )
    else:
        forget_word(answer, https=https)


def word_of(request: Request) -> str:
    """Return what the provider said, where it was short enough to be kept."""
    return request.cookies.get(WORD, "").removeprefix(TOO_LONG)


def forget_word(answer: Response, *, https: bool) -> None:
    """Take it from the browser."""
    answer.delete_cookie(WORD, path="/logout", secure=https, httponly=True, samesite="lax")
