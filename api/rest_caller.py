"""Who calls, and how what they sent is read: signed-in person, body, headers, questions."""

from __future__ import annotations

import base64
import binascii
import re
import secrets
import time
from hashlib import blake2b

from starlette.requests import Request

from api import entrance, problems, security
from api.accounts import Account, Post, TooManyTries
from api.elsewhere import Elsewhere
from api.hashing import stamp
from api.limiting import Limiter
from api.office import Actor, Office
from api.tokens import scope_of
from domain.decider import LIFECYCLES, Lang
from domain.values import ID
from domain.words import Words, in_words

BODY_BYTES_MAX = 1 << 20
KEY_CHARS_MAX = 200
REMEMBERED_SECONDS = 60.0
REMEMBERED_MAX = 1_000
TOKEN_PER_MINUTE = 600
UNKNOWN_TOKEN = Words(
    "令牌无效、已过期或已撤销；请由令牌所有人在“我的账号”新建一个。",
    "The token is unknown, over or revoked; its owner makes another on the page of their account.",
)
BEYOND_TOKEN = Words(
    "此令牌不能用于“{needed}”，只能用于：{held}；请由所有人另建一个有此用途的令牌。",
    "This token is not for “{needed}”, only for: {held}; its owner makes another one for that.",
)
PASSWORD_ALONE = Words(
    "此账号只凭密码不能使用接口：须有第二因素，或密码须先修改。请登录页面办理，程序请改用令牌"
    "（请求头 Authorization: Bearer）。",
    "This log-in may not use the interface with a password alone: it has a second factor, must have"
    " one, or its password must be changed first. Sign in to the pages; programs use a token"
    " (Authorization: Bearer).",
)
KEY_REQUIRED = Words(
    "请在请求头 Idempotency-Key 中给出一个新的随机值（如 UUID，最多 200 个字符）；重试时用同一个值，"
    "便不会重复记账。",
    "Give a fresh random value (such as a UUID, at most 200 characters) in the header"
    " Idempotency-Key; repeat it when you retry, and nothing is recorded twice.",
)
BAD_MATCH = Words(
    '请求头 If-Match 须为一个版本，写作 "5"（取自 ETag）。',
    'If-Match must be one version, written "5", as the ETag gave it.',
)
NOT_GRANTED = Words(
    "此人今天没有请求头 Gongwu-Role 所说的岗位。写作“岗位”或“岗位@单位”；代行时写作“岗位@单位:委托人”。",
    "The person does not have the role that the header Gongwu-Role names today. Write it role,"
    " role@unit, or role@unit:person in the stead of who delegated it.",
)
NO_POST = Words(
    "此人今天没有任何岗位；请系统管理员安排。",
    "The person has no role today; have an administrator assign one.",
)
NO_SUCH_ID = Words(
    "编号只含字母、数字和 _ . ~ -，最多 80 个字符。",
    "An id has letters, digits and _ . ~ -, at most 80 characters.",
)


class Callers:
    """Tells who a request comes from: a token, a session of the pages, or HTTP Basic.

    A password is hashed once a minute, not at every request: what is remembered is a keyed hash
    that dies with the process, and the account is looked up each time, so that closing it ends
    everything at once.
    """

    def __init__(self, office: Office) -> None:
        self.office = office
        self.cookie = "__Host-session" if office.settings.https else "session"
        self._secret = secrets.token_bytes(32)
        self._known: dict[bytes, tuple[float, str, str]] = {}
        self._bearers = Limiter(TOKEN_PER_MINUTE)

    def actor(self, request: Request, *, begins: bool = False) -> Actor:
        """Return who calls; raise Problem 401, 403, 404 or 429.

        Who asks what `begins` a stream is told of one that they may not see what they would be told
        of none, until it would be recorded: `request.state.taken` names it.
        """
        token = request.cookies.get(self.cookie, "")
        bearer = bearer_of(request)
        request.state.proven_at = ""  # a token proves nobody's presence
        session = None
        if token and not bearer:
            session = self.office.accounts.session(token, self.office.settle)
        if bearer:
            account = self._bearer(request, bearer)
        elif session is not None:
            account, request.state.proven_at = session.account, session.proven_at
        else:
            if not _credentials(request):
                self.office.limits.stranger(address(request))
            account = self._basic(request)
            request.state.proven_at = stamp(self.office.accounts.clock())  # it came along
        if not bearer:
            self.office.limits.call(account.login)
        self.office.limits.export(account.person, request)
        wanted = request.headers.get("gongwu-role", "")
        if wanted:
            post = Post.read(wanted)
        elif session is not None:
            post = session.post
        else:
            posts = self.office.posts(account)
            if not posts:
                raise problems.plain(403, NO_POST, "no-role")
            post = posts[0]
        actor = self.office.acting(account, post)
        if actor is None:
            raise problems.plain(403, NOT_GRANTED, "role-not-granted")
        hidden = self.office.hidden_from(
            actor, request.scope["path"], writes=request.method not in security.SAFE_METHODS
        )
        request.state.taken = hidden
        if hidden and not (
            begins
            and self.office.sight.begins(
                hidden, request.url.path, lambda: self.office.occasion(actor)
            )
        ):
            raise no_such(hidden)
        request.state.actor = actor  # for whoever writes down what was read
        return actor

    def knows(self, request: Request) -> bool:
        """Tell whether it takes no time to say who calls: no password must be hashed."""
        credentials = _credentials(request)
        return not credentials or self._remembered(credentials) is not None

    def _remembered(self, credentials: str) -> str | None:
        """Return the log-in that was checked within the last minute."""
        until, login, then = self._known.get(self._digest(credentials), (0.0, "", ""))
        if until <= time.monotonic() or self.office.accounts.standing(login) != then:
            return None  # it is too long ago, or the password is another since
        return login

    def _digest(self, credentials: str) -> bytes:
        return blake2b(credentials.encode(), key=self._secret).digest()

    def _basic(self, request: Request) -> Account:
        credentials = _credentials(request)
        if not credentials:
            raise problems.plain(401)
        login = self._remembered(credentials)
        if login is not None:
            account = self.office.accounts.find(login)
        else:
            account = self._checked(request, credentials)
            if len(self._known) >= REMEMBERED_MAX:
                self._known.clear()
            until = time.monotonic() + REMEMBERED_SECONDS
            standing = self.office.accounts.standing(account.login)
            self._known[self._digest(credentials)] = (until, account.login, standing)
        if account is None:
            raise problems.plain(401)
        return account

    def _checked(self, request: Request, credentials: str) -> Account:
        self.office.settle()  # a failed try is written down, beside what others record
        try:
            text = base64.b64decode(credentials, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise problems.plain(401) from None
        login, _, password = text.partition(":")
        try:
            account = self.office.signing.check(login, password, address(request))
        except Elsewhere as trouble:
            raise problems.plain(trouble.status, trouble.words, "sign-in-elsewhere") from None
        except TooManyTries as error:
            problem = problems.plain(429, Words(error.zh, error.en))
            problem.headers["Retry-After"] = str(error.minutes * 60)
            raise problem from None
        if account is None:
            raise problems.plain(401)
        if entrance.missing(self.office, account) is not None:
            raise problems.plain(403, PASSWORD_ALONE, "password-alone")
        return account

    def _bearer(self, request: Request, presented: str) -> Account:
        """Return whose token it is; raise Problem 401, 403 or 429."""
        accounts = self.office.accounts
        token = accounts.tokens.find(presented, self.office.settle)
        if token is None:
            wait = self._bearers.wait_seconds(f"unknown {address(request)}")
            raise too_often(wait) if wait else problems.plain(401, UNKNOWN_TOKEN, "unknown-token")
        wait = self._bearers.wait_seconds(token.id)
        if wait:
            raise too_often(wait)
        needed = scope_of(request.method, request.scope["path"])
        if needed.value not in token.scopes:
            held = token.words
            raise problems.plain(
                403,
                Words(
                    BEYOND_TOKEN.zh.format(needed=needed.words.zh, held=in_words(held, "zh")),
                    BEYOND_TOKEN.en.format(needed=needed.words.en, held=in_words(held, "en")),
                ),
                "beyond-token",
            )
        account = accounts.find(token.login)
        if account is None:
            raise problems.plain(401, UNKNOWN_TOKEN, "unknown-token")
        request.state.token = token
        return account


def bearer_of(request: Request) -> str:
    """Return what follows `Bearer`, or an empty text."""
    scheme, _, presented = request.headers.get("authorization", "").partition(" ")
    return presented.strip() if scheme.lower() == "bearer" else ""


def too_often(seconds: int) -> problems.Problem:
    """Return the answer to a token that asks more often than it may."""
    problem = problems.plain(
        429,
        Words(
            f"请求过于频繁，请 {seconds} 秒后再试；每个令牌每分钟至多 {TOKEN_PER_MINUTE} 次。",
            f"Too many requests: come again in {seconds} seconds; a token may ask"
            f" {TOKEN_PER_MINUTE} times a minute.",
        ),
        "too-often",
    )
    problem.headers["Retry-After"] = str(seconds)
    return problem


def _credentials(request: Request) -> str:
    """Return what follows `Basic`, or an empty text."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    return credentials if scheme.lower() == "basic" else ""


def lang_of(request: Request) -> Lang:
    """Return the language of an answer."""
    return problems.language(request.headers.get("accept-language", ""))


def address(request: Request) -> str:
    """Return where the request came from."""
    return request.client.host if request.client else ""


def how(request: Request) -> dict[str, str]:
    """Return how the request came, for the record (T12)."""
    device = request.headers.get("user-agent", "")
    return {
        "channel": "api",
        "request": problems.request_id(request),
        "address": address(request),
        "device": device.encode("ascii", "replace").decode()[:200],
    }


def check_id(id_: str) -> str:
    """Return an id of a path; raise Problem 404 for what no id looks like."""
    if not re.fullmatch(ID.rstrip("$"), id_):
        raise problems.plain(404, NO_SUCH_ID, "no-such-id")
    return id_


def no_such(stream: str) -> problems.Problem:
    """Return that nothing was ever recorded under this name, or nothing the caller may see."""
    words = LIFECYCLES[stream.split("/", 1)[0]].words
    said = Words(
        f"没有{words.zh} {stream}；请检查编号，或用 /api/v1/scan?code= 查找。",
        f"There is no {stream}; check its id, or look it up with /api/v1/scan?code=.",
    )
    return problems.Problem(404, "no-such-record", problems.NOT_FOUND, said, stream=stream)


# What a write carries -------------------------------------------------------------


async def body_of(request: Request, media: tuple[str, ...] = ("application/json",)) -> bytes:
    """Return the body of a JSON request; raise Problem 413 or 415."""
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given not in media:
        raise problems.plain(415)
    announced = request.headers.get("content-length", "0")
    if not announced.isdecimal() or int(announced) > BODY_BYTES_MAX:
        raise problems.plain(413)
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > BODY_BYTES_MAX:
            raise problems.plain(413)
        parts.append(part)
    return b"".join(parts)


def key_of(request: Request) -> str:
    """Return the idempotency key; raise Problem 400 when there is none."""
    key = request.headers.get("idempotency-key", "").strip()
    if not 0 < len(key) <= KEY_CHARS_MAX or not key.isascii() or not key.isprintable():
        raise problems.plain(400, KEY_REQUIRED, "idempotency-key-required")
    return key


def expected_of(request: Request, stream: str) -> dict[str, int] | None:
    """Return the version the caller saw; raise Problem 400 for what is no version."""
    given = request.headers.get("if-match", "").strip()
    if not given:
        return None
    found = re.fullmatch(r'"(\d{1,9})"|(\d{1,9})', given)
    if found is None:
        raise problems.plain(400, BAD_MATCH, "bad-if-match")
    return {stream: int(found[1] or found[2])}


def made_id(actor: Actor, key: str) -> str:
    """Return the id of a new stream, the same whenever the same request is repeated."""
    return id_from(f"{actor.person}\0{key}")


def id_from(text: str) -> str:
    """Return the id that always comes of a text."""
    digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    number = int.from_bytes(blake2b(text.encode(), digest_size=16).digest())
    id_ = ""
    for _ in range(26):
        number, digit = divmod(number, 32)
        id_ = digits[digit] + id_
    return id_
