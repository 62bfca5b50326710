"""A directory (LDAP) that checks people's passwords: find them, then bind as they would.

Nothing but three requests is asked of it, over TLS alone, and nothing of it is copied: no group
gives a power here, and whoever it does not let bind does not get in.
"""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from api import ldap_wire as wire
from api.elsewhere import NO_DIRECTORY, Elsewhere
from api.settings_sign import Ldap, Unusable

log = logging.getLogger("gongwu.ldap")
SECONDS_MAX = 5.0  # a directory that takes longer is away
ENTRIES_MAX = 2  # one is found; two are one too many
PORTS = {"ldap": 389, "ldaps": 636}
DONE, SIZE_LIMIT, NO_SUCH = 0, 4, 32
# What a server says who does not let somebody bind: locked, expired, unknown, wrong password.
REFUSED = frozenset({19, NO_SUCH, 34, 48, 49, 50, 53})


class Directory:
    """The directory of the settings. Threads may share it: each check is a connection."""

    def __init__(self, settings: Ldap) -> None:
        self.settings = settings
        self.filter = settings.filter or ("" if settings.dn else "(uid={})")
        try:
            wire.filtered(self.filter.replace("{}", "x") or "(x=x)")
        except wire.NoFilter:
            raise Unusable(
                f"GONGWU_LDAP_FILTER 不是合法的查找条件（RFC 4515）：{self.filter}",
                f"GONGWU_LDAP_FILTER is no filter (RFC 4515): {self.filter}",
            ) from None
        self._tls = ssl.create_default_context(cafile=settings.ca)

    def check(self, name: str, password: str) -> bool:
        """Tell whether somebody of the directory has this password and may sign in there.

        Raise Elsewhere when the directory is away or cannot be believed.
        """
        if not name or not password or "\0" in name:
            return False  # without a password a server binds anybody (RFC 4513 section 5.1.2)
        try:
            with self._connected() as line:
                return self._by_search(line, name, password)
        except (OSError, wire.Garbled) as trouble:
            raise Elsewhere(503, NO_DIRECTORY, f"the directory: {trouble}") from None

    def _by_search(self, line: _Line, name: str, password: str) -> bool:
        if self.settings.dn:
            dn = self.settings.dn.replace("{}", wire.in_dn(name))
            return line.binds(dn, password) and bool(
                not self.filter or line.found(dn, wire.BASE, self._wanted(name))
            )
        if self.settings.reader and not line.binds(self.settings.reader, self.settings.password):
            raise Elsewhere(503, NO_DIRECTORY, "the directory refuses GONGWU_LDAP_READER")
        found = line.found(self.settings.base, wire.SUBTREE, self._wanted(name))
        if len(found) > 1:
            log.warning("GONGWU_LDAP_FILTER finds several entries for one name: nobody is let in")
        return len(found) == 1 and line.binds(found[0], password)

    def _wanted(self, name: str) -> bytes:
        return wire.filtered(self.filter.replace("{}", wire.in_filter(name)))

    @contextmanager
    def _connected(self) -> Iterator[_Line]:
        """Yield a line on which everything is said under a checked certificate."""
        parts = urlsplit(self.settings.url)
        host, port = str(parts.hostname), parts.port or PORTS[parts.scheme]
        with socket.create_connection((host, port), SECONDS_MAX) as plain:
            if parts.scheme == "ldap":
                _Line(plain).turn_to_tls()
            with self._tls.wrap_socket(plain, server_hostname=host) as guarded:
                line = _Line(guarded)
                yield line
                with suppress(OSError):
                    guarded.sendall(wire.unbind(line.number + 1))


class _Line:
    """Requests and answers, one after the other."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection, self.number = connection, 0
        self._come = b""

    def turn_to_tls(self) -> None:
        """Ask for TLS; raise Elsewhere when the server does not offer it."""
        code, said = self._ask(wire.start_tls(self._next())).result
        if code != DONE:
            raise Elsewhere(503, NO_DIRECTORY, f"the directory offers no StartTLS: {code} {said}")
        if self._come:
            raise wire.Garbled("the server went on in clear")  # somebody in between did

    def binds(self, dn: str, password: str) -> bool:
        """Tell whether the server takes this password for this name; raise Elsewhere."""
        if not password:
            return False
        code, said = self._ask(wire.bind(self._next(), dn, password)).result
        if code not in REFUSED | {DONE}:
            raise Elsewhere(503, NO_DIRECTORY, f"the directory cannot bind: {code} {said}")
        return code == DONE

    def found(self, base: str, scope: int, wanted: bytes) -> list[str]:
        """Return the names of the entries that a search finds, two at most; raise Elsewhere."""
        seconds = int(SECONDS_MAX)
        number = self._next()
        self.connection.sendall(
            wire.search(number, base, scope, wanted, most=ENTRIES_MAX, seconds=seconds)
        )
        names: list[str] = []
        while (answer := self._answer()).tag != wire.FOUND:
            if answer.tag == wire.ENTRY:
                names.append(answer.name)
            if len(names) > ENTRIES_MAX or answer.tag not in (wire.ENTRY, wire.REFERENCE):
                raise wire.Garbled("an answer to nothing we asked")
        code, said = answer.result
        if code not in (DONE, SIZE_LIMIT, NO_SUCH):
            raise Elsewhere(503, NO_DIRECTORY, f"the directory cannot search: {code} {said}")
        return names

    def _next(self) -> int:
        self.number += 1
        return self.number

    def _ask(self, request: bytes) -> wire.Message:
        self.connection.sendall(request)
        return self._answer()

    def _answer(self) -> wire.Message:
        """Return the next answer to the last request; raise Garbled or OSError."""
        while (size := wire.size_of(self._come)) == 0 or len(self._come) < size:
            more = self.connection.recv(65_536)
            if not more:
                raise wire.Garbled("the server hung up")
            self._come += more
        answer = wire.read(self._come[:size])
        self._come = self._come[size:]
        if answer.number != self.number:
            raise wire.Garbled("an answer to nothing we asked")
        return answer
