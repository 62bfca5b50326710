"""Webhooks: what is recorded is sent to systems that an administrator subscribed, signed and in order.

Each subscription has a cursor beside the log, which moves on only when its receiver said yes: at
least once, in the order of the log. What failed is sent again with the same id and content, later
and later, and after many failures it waits for an administrator. One process sends, others stand by.

Signatures follow Standard Webhooks 1.0 (HMAC-SHA256 over id, time and content).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import re
import secrets
import socket
import sqlite3
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec
import psycopg
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Engine,
    Integer,
    String,
    Table,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError, OperationalError

from api.feeding import Feed, Follower, told
from api.outbound import Answer, Failed, Hosts, NotAllowed, Resolve, post
from api.vaulting import Closed, metadata
from domain.decider import LIFECYCLES
from domain.words import Role, Words
from ledger.act import Unavailable
from ledger.book import new_id
from projections.scope import EVERYTHING

if TYPE_CHECKING:
    from api.office import Office

logger = logging.getLogger(__name__)
ENTRIES_MAX: Final = 100  # in one message
AT_ONCE: Final = 4  # receivers that are waited for at the same time
ROUND_MAX: Final = 20  # messages to one receiver before the others have their turn
AGAIN_SECONDS: Final = (5, 30, 120, 600, 1800, 3600)
FAILURES_MAX: Final = 12  # about seven hours
KEPT_MAX: Final = 50  # deliveries remembered of each
STANDBY_SECONDS: Final = 5.0
NAME_CHARS_MAX, SECRET_BYTES = 100, 32
LOCK: Final = 7_246_816
ON, PAUSED, ENDED = "on", "paused", "ended"
TEST: Final = "gongwu.test"
ENTRIES: Final = "gongwu.entries"

hook_ = Table(
    "webhook",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("name", String(NAME_CHARS_MAX), nullable=False, unique=True),
    Column("url", String(500), nullable=False),
    Column("kinds", String(500), nullable=False),
    Column("unit", String(80), nullable=False),  # empty: of every unit
    Column("state", String(10), nullable=False),
    Column("why", String(10), nullable=False),  # why it is paused: asked, failing
    Column("reached", BigInteger, nullable=False),
    Column("pending", BigInteger, nullable=False),  # up to where what failed went; 0: nothing did
    Column("failures", Integer, nullable=False),
    Column("next_at", String(32), nullable=False),
    Column("made_by", String(80), nullable=False),
    Column("made_at", String(32), nullable=False),
)
delivery_ = Table(
    "webhook_delivery",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("webhook", String(40), nullable=False, index=True),
    Column("message", String(100), nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("at", String(32), nullable=False),
    Column("ms", Integer, nullable=False),
    Column("ok", Boolean, nullable=False),
    Column("status", Integer, nullable=False),  # 0: nobody answered
    Column("zh", String(500), nullable=False),
    Column("en", String(500), nullable=False),
)


class Hook(msgspec.Struct, frozen=True):
    """One subscription; `reached` is the position up to which the receiver has everything."""

    id: str
    name: str
    url: str
    kinds: str
    unit: str
    state: str
    why: str
    reached: int
    pending: int
    failures: int
    next_at: str
    made_by: str
    made_at: str


class Delivery(msgspec.Struct, frozen=True):
    """One message that was sent, or tried."""

    id: str
    webhook: str
    message: str
    first: int
    last: int
    at: str
    ms: int
    ok: bool
    status: int
    zh: str
    en: str


class Wrong(Exception):
    """A subscription that cannot be; `field` is what is wrong with it."""

    def __init__(self, field: str, words: Words) -> None:
        super().__init__(words.en)
        self.field, self.words = field, words


class NoSuch(LookupError):
    """There is no such subscription."""


NO_HOSTS = Words(
    "没有允许的主机：请系统管理员设置 GONGWU_WEBHOOK_HOSTS（主机名、地址或网段，逗号分隔）后重新启动。",
    "No host may be asked: set GONGWU_WEBHOOK_HOSTS (names, addresses or networks, with commas) and"
    " start again.",
)
BAD_NAME = Words("名称须为 1 至 100 个字符。", "A name has 1 to 100 characters.")
NAME_TAKEN = Words(
    "已有同名的订阅，或曾经有过；请换一个名称。",
    "There is, or was, a subscription of this name; choose another one.",
)


def failing_words(count: int) -> Words:
    """Return what to tell an administrator of subscriptions that were paused."""
    return Words(
        f"{count} 个系统多次推送失败，已暂停推送：",
        f"Webhooks of {count} {'system is' if count == 1 else 'systems are'} paused after many failures:",
    )


REFUSED_BY = "对方答复 {status}。", "The receiver answered {status}."


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")


def new_secret() -> str:
    """Draw a secret as receivers' libraries take it."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signed(secret: str, message: str, at: int, content: bytes) -> dict[str, str]:
    """Return the headers of a message (Standard Webhooks 1.0)."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    over = f"{message}.{at}.".encode() + content
    signature = base64.b64encode(hmac.new(key, over, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": message,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{signature}",
        "Content-Type": "application/json",
        "User-Agent": "Gongwu",
    }


class Webhooks:
    """The subscriptions of one installation. Its tables are made with those of the accounts."""

    def __init__(self, office: Office, *, resolve: Resolve = socket.getaddrinfo) -> None:
        self._office, self._resolve = office, resolve
        self.hosts = Hosts.read(office.settings.webhook_hosts)
        self.trust: ssl.SSLContext | None = None  # None: the authorities of this machine
        self.feed = Feed(office)

    @property
    def _engine(self) -> Engine:
        return self._office.accounts.engine

    def _now(self) -> datetime:
        return self._office.book.clock()

    # Subscriptions --------------------------------------------------------------------

    def all(self) -> list[Hook]:
        """Return every subscription that was not ended, by name."""
        query = select(hook_).where(hook_.c.state != ENDED).order_by(hook_.c.name)
        with self._engine.connect() as c:
            return [Hook(*row) for row in c.execute(query)]

    def failing(self) -> int:
        """Return how many wait for an administrator because their receivers failed too often."""
        return sum(hook.why == "failing" for hook in self.all())

    def find(self, id_: str) -> Hook:
        """Return one by id or name; raise NoSuch."""
        query = select(hook_).where(
            (hook_.c.id == id_) | (hook_.c.name == id_), hook_.c.state != ENDED
        )
        with self._engine.connect() as c:
            row = c.execute(query).first()
        if row is None:
            raise NoSuch(id_)
        return Hook(*row)

    def add(
        self, name: str, url: str, by: str, *, kinds: Sequence[str] = (), unit: str = "",
        start: int | None = None,
    ) -> tuple[Hook, str]:  # fmt: skip
        """Subscribe a system to what is recorded from now on; return it with its secret, said once.

        `start` is a position after which it begins, 0 for everything. Raise Wrong.
        """
        made = self.checked(name, url, by, kinds=kinds, unit=unit, start=start)
        return self.keep(made)

    def checked(
        self, name: str, url: str, by: str, *, kinds: Sequence[str] = (), unit: str = "",
        start: int | None = None,
    ) -> Hook:  # fmt: skip
        """Return a subscription that can be, before it is kept; raise Wrong."""
        name = name.strip()
        if not self.hosts:
            raise Wrong("url", NO_HOSTS)
        if not 0 < len(name) <= NAME_CHARS_MAX or not name.isprintable():
            raise Wrong("name", BAD_NAME)
        try:
            self.hosts.where(url)
        except NotAllowed as refused:
            raise Wrong("url", refused.words) from None
        for kind in kinds:
            if kind not in LIFECYCLES:
                raise Wrong("kinds", Words(f"没有种类 {kind}。", f"There is no kind {kind}."))
        if unit and not self._office.book.stream(f"unit/{unit}").entries:
            raise Wrong("unit", Words(f"没有单位 {unit}。", f"There is no unit {unit}."))
        size = self._office.book.head()[0]
        if start is not None and not 0 <= start <= size:
            raise Wrong("start", Words(f"须为 0 至 {size}。", f"It is 0 to {size}."))
        with self._engine.connect() as c:
            if c.execute(select(hook_.c.id).where(hook_.c.name == name)).first():
                raise Wrong("name", NAME_TAKEN)
        return Hook(
            new_id(), name, url, ",".join(sorted(set(kinds))), unit, ON, "",
            size if start is None else start, 0, 0, "", by, stamp(self._now()),
        )  # fmt: skip

    def keep(self, hook: Hook, *, from_now: bool = False) -> tuple[Hook, str]:
        """Keep a subscription, `from_now` behind all that is recorded by then; return its secret."""
        secret = new_secret()
        if from_now:
            hook = msgspec.structs.replace(hook, reached=self._office.book.head()[0])
        try:
            with self._engine.begin() as c:
                c.execute(insert(hook_).values(msgspec.structs.asdict(hook)))
                self._office.accounts.vault.keep(c, _subject(hook.id), {"secret": secret})
        except IntegrityError:
            raise Wrong("name", NAME_TAKEN) from None
        self._office.tail.nudge()
        return hook, secret

    def pause(self, id_: str) -> Hook:
        """Send nothing until it is resumed; the cursor stays where it is."""
        return self._change(id_, state=PAUSED, why="asked")

    def resume(self, id_: str) -> Hook:
        """Send again, beginning with what waits, at once."""
        return self._change(id_, state=ON, why="", failures=0, next_at="")

    def end(self, id_: str) -> Hook:
        """End a subscription for good: its secret is destroyed, what was delivered is known still."""
        hook = self._change(id_, state=ENDED, why="")
        with self._engine.begin() as c:
            self._office.accounts.vault.erase(c, _subject(hook.id))
        return hook

    def _change(self, id_: str, **values: Any) -> Hook:
        hook = self.find(id_)
        with self._engine.begin() as c:
            c.execute(update(hook_).where(hook_.c.id == hook.id).values(values))
        return msgspec.structs.replace(hook, **values)

    def deliveries(self, id_: str, limit: int = KEPT_MAX) -> list[Delivery]:
        """Return the last messages of a subscription, the latest first."""
        hook = self.find(id_)
        query = select(delivery_).where(delivery_.c.webhook == hook.id)
        with self._engine.connect() as c:
            rows = c.execute(query.order_by(delivery_.c.id.desc()).limit(limit))
            return [Delivery(*row) for row in rows]

    # Sending --------------------------------------------------------------------------

    def test(self, id_: str) -> Delivery:
        """Send a message that means nothing, whatever the state; return what came of it."""
        hook, at = self.find(id_), stamp(self._now())
        content = {"type": TEST, "timestamp": at, "data": {"name": hook.name}}
        return self._sent(hook, f"{hook.id}.test.{secrets.token_hex(4)}", content, 0, 0)

    def step(self, hook: Hook) -> Hook | None:
        """Send the next message of a subscription; return it as it is then, None when all is sent."""
        part = self.feed.after(
            hook.reached, self._follower(hook), ENTRIES_MAX, until=hook.pending or None
        )
        if not part.rows:
            if part.next == hook.reached:
                return None
            return self._moved(hook, reached=part.next, pending=0)
        first, last = part.rows[0][0], part.rows[-1][0]
        items = [told(row) for row in part.rows]
        at = _recorded_at(part.rows[-1][4])
        content = {
            "type": ENTRIES, "timestamp": at, "data": {"items": items, "next": str(part.next)},
        }  # fmt: skip
        came = self._sent(hook, f"{hook.id}.{first}-{last}", content, first, last)
        if came.ok:
            return self._moved(hook, reached=part.next, pending=0, failures=0, next_at="")
        failures = hook.failures + 1
        pause = AGAIN_SECONDS[min(failures, len(AGAIN_SECONDS)) - 1]
        over = {"state": PAUSED, "why": "failing"} if failures >= FAILURES_MAX else {}
        if over:
            logger.error("webhook %s is paused after %d failures", hook.name, failures)
        later = stamp(self._now() + timedelta(seconds=pause))
        return self._moved(hook, pending=part.next, failures=failures, next_at=later, **over)

    def _follower(self, hook: Hook) -> Follower:
        """Return as whom a system follows: what a clerk of its unit sees, never who looked at what."""
        from api.office import Actor  # it knows us

        scope = self._office.sight.scope(hook.unit, Role.CLERK) if hook.unit else EVERYTHING
        actor = Actor(person="", unit=hook.unit, role=Role.CLERK, scope=scope)
        return Follower(actor, frozenset(filter(None, hook.kinds.split(","))))

    def _moved(self, hook: Hook, **values: Any) -> Hook | None:
        """Write down how far a subscription is, unless somebody paused or ended it meanwhile."""
        same = (hook_.c.id == hook.id) & (hook_.c.reached == hook.reached)
        with self._engine.begin() as c:
            if "state" in values:
                same &= hook_.c.state == ON
            done = c.execute(update(hook_).where(same).values(values))
        return msgspec.structs.replace(hook, **values) if done.rowcount else None

    def _sent(self, hook: Hook, message: str, said: Any, first: int, last: int) -> Delivery:
        """Sign and send a message; write down what came of it."""
        begun, status, words = time.monotonic(), 0, Words("", "")
        try:
            content = _encode(said)
            headers = signed(self._secret(hook), message, int(self._now().timestamp()), content)
            answer = post(
                self.hosts, hook.url, content, headers, resolve=self._resolve, trust=self.trust
            )
            status, words = answer.status, _answered(answer)
        except (NotAllowed, Failed, Closed) as trouble:
            words = trouble.words
        done = Delivery(
            f"{time.time_ns():019d}{secrets.token_hex(4)}", hook.id, message, first, last, stamp(self._now()),
            int(1000 * (time.monotonic() - begun)), 200 <= status < 300, status,
            words.zh[:500], words.en[:500],
        )  # fmt: skip
        mine = delivery_.c.webhook == hook.id
        kept = select(delivery_.c.id).where(mine).order_by(delivery_.c.id.desc()).limit(KEPT_MAX)
        with self._engine.begin() as c:
            c.execute(insert(delivery_).values(msgspec.structs.asdict(done)))
            c.execute(delete(delivery_).where(mine, delivery_.c.id.not_in(kept)))
        return done

    def _secret(self, hook: Hook) -> str:
        vault, subject = self._office.accounts.vault, _subject(hook.id)
        with self._engine.connect() as c:
            found = vault.opened(c, [subject]).get((subject, "secret"))
        if found is None:
            raise Closed(vault.file)
        return found.value


_encode: Callable[[Any], bytes] = msgspec.json.Encoder(order="deterministic").encode


def _subject(id_: str) -> str:
    return f"webhook:{id_}"


def _recorded_at(state: bytes) -> str:
    return str(msgspec.json.decode(bytes(state))["recorded_at"])


def _answered(answer: Answer) -> Words:
    """Return what a receiver said, without what a terminal or a page might obey."""
    text = re.sub(r"[^ -~\u4e00-\u9fff，。：；]+", " ", answer.content.decode("utf-8", "replace"))
    said = f" {text.strip()[:200]}".rstrip()
    if 300 <= answer.status < 400:
        return Words(
            f"对方要求转到别处（{answer.status}），不跟随。",
            f"The receiver sends elsewhere ({answer.status}), which is not followed.",
        )
    zh, en = (text.format(status=answer.status) for text in REFUSED_BY)
    return Words(zh + said, en + said)


# Who sends ------------------------------------------------------------------------


class Deliverer:
    """Sends in a thread of its own while this process has the turn; else it stands by."""

    def __init__(self, webhooks: Webhooks, office: Office) -> None:
        self._webhooks, self._office = webhooks, office
        self._news, self._closing = threading.Event(), False
        self.sending = threading.Event()  # this process has the turn
        self._thread = threading.Thread(target=self._work, name="webhooks", daemon=True)

    def start(self) -> None:
        """Begin, and end when the office closes."""
        self._leave = self._office.tail.follow(lambda _: self._news.set())
        self._office.closing.insert(0, self.close)
        self._thread.start()

    def close(self) -> None:
        """End after the message that is on its way."""
        self._closing = True
        self._news.set()
        self._thread.join(30)
        self._leave()

    def _work(self) -> None:
        while not self._closing:
            try:
                with self._turn() as still:
                    if still is not None:
                        self.sending.set()
                        self._send(still)
            except (psycopg.Error, sqlite3.Error, OperationalError, Unavailable) as trouble:
                logger.warning("webhooks wait for the database: %s", trouble)
            except Exception:  # it must go on for the others
                logger.exception("webhooks")
            self.sending.clear()
            self._news.wait(STANDBY_SECONDS)
            self._news.clear()

    def _send(self, still: Callable[[], object]) -> None:
        """Send what there is, and whatever comes, as long as we have the turn."""
        with ThreadPoolExecutor(AT_ONCE, "webhook") as pool:
            while not self._closing:
                self._news.clear()
                still()
                due = self._due()
                again = list(pool.map(self._drain, due))
                if not any(again):
                    self._news.wait(STANDBY_SECONDS)

    def _due(self) -> list[Hook]:
        now = stamp(self._office.book.clock())
        return [hook for hook in self._webhooks.all() if hook.state == ON and hook.next_at <= now]

    def _drain(self, hook: Hook) -> bool:
        """Send some messages of one subscription; tell whether there are more."""
        for _ in range(ROUND_MAX):
            after = self._webhooks.step(hook)
            if after is None or after.failures or self._closing:
                return False
            hook = after
        return True

    @contextmanager
    def _turn(self) -> Iterator[Callable[[], object] | None]:
        """Have the turn to send; yield what raises when it was lost, None when another has it."""
        url = self._office.settings.database
        if url.startswith("sqlite:"):
            with closing(
                sqlite3.connect(f"{url.removeprefix('sqlite:///')}-webhooks", timeout=0)
            ) as file:
                try:
                    file.execute("BEGIN EXCLUSIVE")
                except sqlite3.OperationalError:
                    yield None
                    return
                yield lambda: None
            return
        with psycopg.connect(url, autocommit=True) as server:
            (mine,) = server.execute(
                f"SELECT pg_try_advisory_lock({LOCK})".encode()
            ).fetchone() or (False,)
            yield (lambda: server.execute("SELECT 1")) if mine else None
