"""Requests that we make to addresses an administrator typed: only to hosts that were listed (T18).

A name is resolved once and the connection goes to that very address; addresses that are not public
must lie in a network that was listed; nothing is redirected; everything has a time.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from typing import Any, Final, Self, TypeAlias
from urllib.parse import urlsplit

import msgspec

from domain.words import Words

SECONDS = 5.0  # for a connection, or for the next bytes
WHOLE_SECONDS = 10.0  # for all of it
ANSWER_BYTES_MAX = 2_000
URL_CHARS_MAX = 500
Address: TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"
Network: TypeAlias = "ipaddress.IPv4Network | ipaddress.IPv6Network"
Resolve: TypeAlias = Callable[..., Iterable[Any]]  # as socket.getaddrinfo
# Addresses of the one kind that carry one of the other.
NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
COMPATIBLE: Final = ipaddress.ip_network("::/96")


class NotAllowed(Exception):
    """We do not ask this address; `words` say why and what to do."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words


class Failed(Exception):
    """Nobody answered as they should."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words


class Where(msgspec.Struct, frozen=True):
    """An address in its parts; `host` as it is looked up."""

    tls: bool
    host: str
    port: int
    path: str


class Answer(msgspec.Struct, frozen=True):
    """What came back: a status, and the beginning of the content."""

    status: int
    content: bytes


class Hosts(msgspec.Struct, frozen=True):
    """Which hosts may be asked: names, and networks of addresses."""

    names: frozenset[str] = frozenset()
    networks: tuple[Any, ...] = ()

    @classmethod
    def read(cls, text: str) -> Self:
        """Read names, addresses and networks (`10.0.0.0/8`); raise ValueError for anything else."""
        names, networks = set[str](), list[Network]()
        for word in re.split(r"[\s,;]+", text.strip()):
            if not word:
                continue
            try:
                networks.append(ipaddress.ip_network(word))
            except ValueError:
                if "/" in word or ":" in word or not re.search(r"[a-z]", word, re.IGNORECASE):
                    raise ValueError(word) from None
                names.add(_ascii(word))
        return cls(frozenset(names), tuple(networks))

    def __bool__(self) -> bool:
        return bool(self.names or self.networks)

    def where(self, url: str) -> Where:
        """Return the parts of an address that may be asked, by its words alone; raise NotAllowed."""
        try:
            if (
                len(url) > URL_CHARS_MAX
                or not url.isascii()
                or re.search(r"[\x00-\x20\x7f\\]", url)
            ):
                raise ValueError(url)
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise NotAllowed(MALFORMED) from None
        if parts.scheme not in ("http", "https") or parts.username is not None or parts.fragment:
            raise NotAllowed(MALFORMED)
        literal = _literal(host)
        name = "" if literal else _ascii(host)
        if not (literal and self._lists(literal)) and name not in self.names:
            raise NotAllowed(
                Words(
                    f"{host or url} 不在允许的主机之列；请系统管理员加入 GONGWU_WEBHOOK_HOSTS。",
                    f"{host or url} is not among the hosts that may be asked; add it to"
                    " GONGWU_WEBHOOK_HOSTS.",
                )
            )
        tls = parts.scheme == "https"
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return Where(tls, host if literal else name, port or (443 if tls else 80), path)

    def address(self, where: Where, resolve: Resolve = socket.getaddrinfo) -> str:
        """Resolve a host, once; return the address to connect to. Raise NotAllowed, Failed."""
        try:
            found = list(resolve(where.host, where.port, type=socket.SOCK_STREAM))
            addresses = [ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found]
        except (OSError, ValueError, UnicodeError) as error:
            raise Failed(
                Words(f"查不到主机 {where.host}。", f"There is no host {where.host}.")
            ) from error
        for address in addresses:  # every one: which of them comes first, others decide
            self._permit(where, address)
        return str(addresses[0])

    def _permit(self, where: Where, address: Address) -> None:
        meant = plain(address)
        if self._lists(meant):
            return
        if not meant.is_global or meant.is_multicast or meant.is_reserved:
            raise NotAllowed(
                Words(
                    f"{where.host} 指向内部地址 {meant}；确需访问的，请把该网段加入 GONGWU_WEBHOOK_HOSTS。",
                    f"{where.host} points to {meant}, which is not a public address. If that is meant,"
                    " add its network to GONGWU_WEBHOOK_HOSTS.",
                )
            )
        if not where.tls:
            raise NotAllowed(PLAIN_TEXT)

    def _lists(self, address: Address) -> bool:
        return any(address in network for network in self.networks)


MALFORMED = Words(
    "地址须为 https://主机/路径（所列网段内可用 http://），不含账号、空格和 #。",
    "An address is https://host/path (http:// inside listed networks), without a user, blanks or #.",
)
PLAIN_TEXT = Words(
    "公网地址须用 https://。", "To an address of the public network only https:// is allowed."
)


def _literal(host: str) -> Address | None:
    """Return an address that is written as such, in the one usual way; None for a name."""
    try:
        return plain(ipaddress.ip_address(host))
    except ValueError:
        return None


def plain(address: Address) -> Address:
    """Return the address that another one carries: it is where a connection would end."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address.teredo is not None:
            inner = address.teredo[1]
        if inner is None and (address in NAT64 or (address in COMPATIBLE and int(address) > 1)):
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return inner
    return address


def _ascii(host: str) -> str:
    """Return a name as it is looked up."""
    return host.rstrip(".").encode("idna").decode("ascii").casefold()


class _To(HTTPConnection):
    """A connection to one address, whatever the name of the host means by now."""

    def __init__(self, where: Where, address: str, trust: ssl.SSLContext | None) -> None:
        super().__init__(where.host, where.port, timeout=SECONDS)
        self._where, self._address, self._trust = where, address, trust

    def connect(self) -> None:
        sock = socket.create_connection((self._address, self._where.port), SECONDS)
        if self._where.tls:
            trust = self._trust or ssl.create_default_context()
            sock = trust.wrap_socket(sock, server_hostname=self._where.host)
        self.sock = sock


def post(
    hosts: Hosts,
    url: str,
    content: bytes,
    headers: Mapping[str, str],
    *,
    resolve: Resolve = socket.getaddrinfo,
    trust: ssl.SSLContext | None = None,
    seconds: float = WHOLE_SECONDS,
) -> Answer:
    """Send content to an address; return the answer, whatever it says. Raise NotAllowed, Failed."""
    where = hosts.where(url)
    connection = _To(where, hosts.address(where, resolve), trust)
    late = threading.Timer(seconds, _cut, (connection,))
    late.daemon = True
    try:
        late.start()
        connection.request("POST", where.path, content, dict(headers))
        answer = connection.getresponse()
        return Answer(answer.status, answer.read(ANSWER_BYTES_MAX))
    except (OSError, HTTPException, ValueError) as error:
        told = f"{type(error).__name__}: {error}"[:200]
        raise Failed(
            Words(f"没有得到回答（{told}）。", f"There was no answer ({told}).")
        ) from error
    finally:
        late.cancel()
        connection.close()


def _cut(connection: HTTPConnection) -> None:
    """End a connection that takes too long, whoever reads from it."""
    with suppress(OSError, AttributeError):
        connection.sock.shutdown(socket.SHUT_RDWR)
