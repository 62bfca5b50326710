"""What we ask of other machines goes where it was meant to go, and nowhere else (T18)."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from api.outbound import Failed, Hosts, NotAllowed, Where, post


class Site(ThreadingHTTPServer):
    """A real server of this machine; it remembers who asked what."""

    def __init__(self, answer: Callable[[BaseHTTPRequestHandler], None]) -> None:
        self.asked: list[str] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                site.asked.append(self.path)
                answer(self)

            def log_message(self, *_: Any) -> None: ...

        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def port(self) -> int:
        return int(self.server_address[1])


@pytest.fixture
def site() -> Iterator[Callable[..., Site]]:
    sites: list[Site] = []

    def start(answer: Callable[[BaseHTTPRequestHandler], None] = ok) -> Site:
        one = Site(answer)
        sites.append(one)
        threading.Thread(target=one.serve_forever, args=(0.01,), daemon=True).start()
        return one

    yield start
    for one in sites:
        one.shutdown()
        one.server_close()


def ok(request: BaseHTTPRequestHandler) -> None:
    request.send_response(204)
    request.end_headers()


def to(*addresses: str) -> Callable[..., Any]:
    """Return a resolver that answers with these, one set at each question."""
    left = list(addresses)

    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in left.pop(0).split()
        ]

    return resolve


def test_a_listed_network_is_asked_and_answers(site: Callable[..., Site]) -> None:
    one = site()
    hosts = Hosts.read("hooks.example.cn, 127.0.0.0/8")
    assert post(hosts, f"http://127.0.0.1:{one.port}/a?b=1", b"{}", {}).status == 204
    named = f"http://hooks.example.cn:{one.port}/c"
    assert post(hosts, named, b"{}", {}, resolve=to("127.0.0.1")).status == 204
    assert one.asked == ["/a?b=1", "/c"]


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0", "[::1]",
        "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]", "169.254.169.254", "10.0.0.1", "hooks.example.cn@127.0.0.1",
        "127.0.0.1#hooks.example.cn", "127.0.0.1\\hooks.example.cn", "hooks.example.cn.evil.cn",
        "hooks%2eexample.cn", "①②⑦.0.0.1", "127。0。0。1", "hooks.example.cn\r\nHost: x",
    ],
)  # fmt: skip
def test_no_other_spelling_of_this_machine_is_asked(host: str, site: Callable[..., Site]) -> None:
    one = site()
    path = f"{host}:{one.port}/" if not host.endswith("cn") else f"{host}/"
    with pytest.raises(NotAllowed):
        post(Hosts.read("hooks.example.cn"), f"http://{path}", b"", {})
    assert one.asked == []


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "192.168.1.1", "169.254.169.254", "0.0.0.0", "224.0.0.1", "::1",
     "::ffff:127.0.0.1", "::ffff:10.0.0.1", "fe80::1", "fd00::1", "64:ff9b::a00:1", "100.64.0.1",
     "8.8.8.8 127.0.0.1"],
)  # fmt: skip
def test_a_listed_name_that_points_inside_is_refused(address: str) -> None:
    hosts = Hosts.read("hooks.example.cn")
    where = Where(True, "hooks.example.cn", 443, "/")
    with pytest.raises(NotAllowed):
        hosts.address(where, to(address))
    assert hosts.address(where, to("8.8.8.8")) == "8.8.8.8"


def test_a_name_is_resolved_once_and_that_address_is_asked(site: Callable[..., Site]) -> None:
    """Were it asked again, it would answer with another machine: rebinding."""
    one, hosts = site(), Hosts.read("hooks.example.cn 127.0.0.2")
    resolve = to("127.0.0.2", "127.0.0.1")
    with pytest.raises(Failed):  # nobody listens there
        post(hosts, f"http://hooks.example.cn:{one.port}/", b"", {}, resolve=resolve)
    assert one.asked == []
    with pytest.raises(NotAllowed):
        post(hosts, f"http://hooks.example.cn:{one.port}/", b"", {}, resolve=resolve)
    assert one.asked == []


def test_nothing_is_redirected(site: Callable[..., Site]) -> None:
    inside = site()

    def away(request: BaseHTTPRequestHandler) -> None:
        request.send_response(307)
        request.send_header("Location", f"http://127.0.0.1:{inside.port}/secret")
        request.end_headers()

    hosts = Hosts.read("127.0.0.1")
    assert post(hosts, f"http://127.0.0.1:{site(away).port}/", b"", {}).status == 307
    assert inside.asked == []


def test_who_answers_too_slowly_or_without_end_is_left(site: Callable[..., Site]) -> None:
    over = threading.Event()

    def drip(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        while not over.wait(0.02):
            request.wfile.write(b"x-more: 1\r\n")
            request.wfile.flush()

    def endless(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        request.wfile.write(b"x" * 5_000_000)

    hosts = Hosts.read("127.0.0.1")
    with pytest.raises(Failed):
        post(hosts, f"http://127.0.0.1:{site(drip).port}/", b"", {}, seconds=0.3)
    over.set()
    assert len(post(hosts, f"http://127.0.0.1:{site(endless).port}/", b"", {}).content) == 2_000


def test_a_public_address_is_asked_over_tls_alone() -> None:
    with pytest.raises(NotAllowed):
        post(
            Hosts.read("hooks.example.cn"),
            "http://hooks.example.cn/",
            b"",
            {},
            resolve=to("8.8.8.8"),
        )


@pytest.mark.parametrize("text", ["10.0.0.0/33", "http://a.cn", "1.2.3", "a.cn:443", "10.0.0.1/8"])
def test_a_list_that_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\d|:"):
        Hosts.read(text)
