"""Webhooks: signed, in order, at least once, to listed hosts alone; one process sends."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
import pytest
from doors import CARD, PASSWORD, Door, app_of, staffed
from fastapi.testclient import TestClient
from standardwebhooks.webhooks import Webhook
from test_cli import commanded

from api import webhooks
from api.app import create_app
from api.cli_terminal import REFUSED, USAGE
from api.office import Actor, Office
from api.webhooks import Deliverer, Hook, NoSuch, Webhooks, Wrong

CLERK = Actor(person="u_clerk", unit="o_a", role="clerk")


class Receiver(ThreadingHTTPServer):
    """Another system: a real server that keeps what it was sent, and answers as it is told."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []  # then always 204
        self.there = threading.Condition()
        mine = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["content-length"]))
                with mine.there:
                    mine.got.append((dict(self.headers), content))
                    status = mine.answers.pop(0) if mine.answers else 204
                    mine.there.notify_all()
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_: Any) -> None: ...

        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook"

    def positions(self) -> list[int]:
        """Return the positions of all entries in the order in which they came."""
        items = [json.loads(content)["data"].get("items", ()) for _, content in self.got]
        return [item["position"] for some in items for item in some]

    def wait(self, count: int) -> None:
        with self.there:
            assert self.there.wait_for(lambda: len(self.got) >= count, 30)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as one:
        threading.Thread(target=one.serve_forever, args=(0.01,), daemon=True).start()
        yield one
        one.shutdown()


@contextmanager
def allowed(database: str) -> Iterator[Office]:
    """Lend an office whose webhooks may go to this machine."""
    with staffed(database) as office:
        office.settings = msgspec.structs.replace(office.settings, webhook_hosts="127.0.0.1")
        office.webhooks = Webhooks(office)
        yield office


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    with allowed(database) as office:
        yield office


def record(office: Office, *names: str) -> None:
    for name in names:
        office.ask(f"asset/{name}", "register_existing", CARD | {"asset_no": name}, CLERK)


def drained(office: Office, hook: Hook) -> Hook:
    """Send until nothing is left or something failed; return the subscription as it is then."""
    after: Hook | None = hook
    while after is not None and after.state == webhooks.ON:
        hook = after
        after = office.webhooks.step(hook)
        if after is not None and after.failures:
            return after
    return office.webhooks.find(hook.id)


def test_messages_are_signed_as_receivers_check_them(office: Office, receiver: Receiver) -> None:
    hook, secret = office.webhooks.add("ERP", receiver.url, "u_admin")
    record(office, "A1")
    drained(office, hook)
    ((headers, content),) = receiver.got
    said = Webhook(secret).verify(content, headers)
    assert said["type"] == "gongwu.entries"
    (item,) = said["data"]["items"]
    assert item["entry"]["stream"] == "asset/A1"
    assert headers["webhook-id"] == f"{hook.id}.{item['position']}-{item['position']}"
    with pytest.raises(Exception, match="signature"):
        Webhook(secret).verify(content + b" ", headers)
    with pytest.raises(Exception, match="signature"):
        Webhook(webhooks.new_secret()).verify(content, headers)


def test_what_failed_is_sent_again_the_same_and_nothing_passes_it(
    office: Office, receiver: Receiver
) -> None:
    hook, _ = office.webhooks.add("ERP", receiver.url, "u_admin")
    record(office, "A1", "A2")
    receiver.answers = [500]
    failed = drained(office, hook)
    assert (failed.failures, failed.reached) == (1, hook.reached)
    assert failed.next_at > webhooks.stamp(office.book.clock())
    record(office, "A3")
    whole = drained(office, failed)
    assert whole.failures == 0 and whole.reached == office.book.head()[0]
    (first, one), (second, two), _ = receiver.got
    assert (first["webhook-id"], one) == (second["webhook-id"], two)
    positions = receiver.positions()
    assert positions == [*positions[:2], *positions[:2], whole.reached]
    assert [d.ok for d in office.webhooks.deliveries(hook.id)] == [True, True, False]


def test_after_many_failures_it_waits_for_an_administrator(
    office: Office, receiver: Receiver
) -> None:
    hook, _ = office.webhooks.add("ERP", receiver.url, "u_admin")
    record(office, "A1")
    receiver.answers = [503] * webhooks.FAILURES_MAX
    for number in range(1, webhooks.FAILURES_MAX + 1):
        after = office.webhooks.step(hook)
        assert after is not None and after.failures == number
        hook = after
    hook = office.webhooks.find("ERP")
    assert (hook.state, hook.why, office.webhooks.failing()) == ("paused", "failing", 1)
    assert Deliverer(office.webhooks, office)._due() == []
    hook = office.webhooks.resume("ERP")
    assert drained(office, hook).reached == office.book.head()[0]
    assert office.webhooks.failing() == 0


def test_a_redirect_is_a_failure_and_is_not_followed(office: Office, receiver: Receiver) -> None:
    hook, _ = office.webhooks.add("ERP", receiver.url, "u_admin")
    record(office, "A1")
    receiver.answers = [302]
    assert drained(office, hook).failures == 1
    (done,) = office.webhooks.deliveries("ERP")
    assert done.status == 302 and "not followed" in done.en


def test_kinds_and_unit_narrow_what_is_sent(office: Office, receiver: Receiver) -> None:
    hook, _ = office.webhooks.add("of b", receiver.url, "u_admin", kinds=["asset"], unit="o_b")
    record(office, "A1")
    other = CARD | {"asset_no": "B1", "unit": "o_b"}
    office.ask(
        "asset/B1", "register_existing", other, Actor(person="u_b", unit="o_b", role="clerk")
    )
    assert drained(office, hook).reached == office.book.head()[0]
    assert receiver.positions() == [office.book.head()[0]]


def test_only_listed_hosts_may_be_subscribed(office: Office) -> None:
    for field, asked in (
        ("url", {"url": "http://10.0.0.1/"}),
        ("url", {"url": "http://2130706433/"}),
        ("url", {"url": "ftp://127.0.0.1/"}),
        ("name", {"name": " "}),
        ("kinds", {"kinds": ["nothing"]}),
        ("unit", {"unit": "o_nobody"}),
        ("start", {"start": 10**6}),
    ):
        with pytest.raises(Wrong) as wrong:
            office.webhooks.add(**{"name": "x", "url": "http://127.0.0.1/", "by": "u"} | asked)  # type: ignore[arg-type]
        assert wrong.value.field == field
    office.webhooks.add("x", "http://127.0.0.1/", "u_admin")
    with pytest.raises(Wrong):
        office.webhooks.add("x", "http://127.0.0.1/", "u_admin")
    office.webhooks.end("x")
    with pytest.raises(NoSuch):
        office.webhooks.find("x")


def test_the_secret_is_sealed_and_destroyed_at_the_end(office: Office, receiver: Receiver) -> None:
    hook, secret = office.webhooks.add("ERP", receiver.url, "u_admin")
    with office.accounts.engine.connect() as c:
        everything = [
            str(tuple(row))
            for table in webhooks.metadata.sorted_tables
            for row in c.execute(table.select())
        ]
    assert not [row for row in everything if secret in row or secret[6:] in row]
    office.webhooks.end(hook.id)
    assert not office.webhooks._sent(hook, "m", {}, 0, 0).ok
    assert receiver.got == []


def test_one_sends_and_when_it_goes_another_goes_on(office: Office, receiver: Receiver) -> None:
    hook, secret = office.webhooks.add("ERP", receiver.url, "u_admin")
    with closing(Office.open(office.settings)) as other:
        one, two = Deliverer(office.webhooks, office), Deliverer(other.webhooks, other)
        one.start()
        assert one.sending.wait(30)
        two.start()
        record(office, "A1")
        receiver.wait(1)
        assert not two.sending.is_set()
        one.close()
        two._news.set()
        assert two.sending.wait(30)
        record(office, "A2")
        receiver.wait(2)
        two.close()
    first = hook.reached + 1
    assert receiver.positions() == [first, first + 1]
    for headers, content in receiver.got:
        Webhook(secret).verify(content, headers)


def test_a_message_is_tried_at_any_time(office: Office, receiver: Receiver) -> None:
    office.webhooks.add("ERP", receiver.url, "u_admin")
    office.webhooks.pause("ERP")
    assert office.webhooks.test("ERP").ok
    assert json.loads(receiver.got[0][1])["type"] == "gongwu.test"
    receiver.answers = [401]
    refused = office.webhooks.test("ERP")
    assert (refused.ok, refused.status) == (False, 401)
    assert office.webhooks.find("ERP").failures == 0


def test_pauses_grow_and_end_after_hours() -> None:
    assert list(webhooks.AGAIN_SECONDS) == sorted(webhooks.AGAIN_SECONDS)
    waits = [
        webhooks.AGAIN_SECONDS[min(n, len(webhooks.AGAIN_SECONDS)) - 1]
        for n in range(1, webhooks.FAILURES_MAX)
    ]
    assert timedelta(hours=4) < timedelta(seconds=sum(waits)) < timedelta(hours=12)
    assert webhooks.stamp(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00+00:00"


# At the doors ---------------------------------------------------------------------


@pytest.fixture
def local(database: str) -> Iterator[Office]:
    with allowed(database) as office:
        yield office


def test_an_administrator_subscribes_tries_and_ends_by_rest(
    local: Office, receiver: Receiver
) -> None:
    door = Door(app_of(local))
    wanted = {"name": "ERP", "url": receiver.url, "kinds": ["asset"]}
    assert door.post("webhooks", wanted, who="clerk").status_code == 403
    made = door.post("webhooks", wanted, who="admin").json()
    assert made["secret"].startswith("whsec_") and made["kinds"] == ["asset"]
    assert door.post(f"webhooks/{made['id']}/test", who="admin").json()["ok"]
    Webhook(made["secret"]).verify(receiver.got[0][1], receiver.got[0][0])
    (listed,) = door.get("webhooks", who="auditor").json()["items"]
    assert listed == {k: v for k, v in made.items() if k != "secret"}
    (sent,) = door.get(f"webhooks/{made['id']}/deliveries", who="admin").json()["items"]
    assert sent["ok"] and sent["status"] == 204
    wrong = door.post("webhooks", wanted | {"name": "B", "url": "http://10.0.0.1/"}, who="admin")
    assert wrong.status_code == 422 and wrong.json()["errors"][0]["path"] == "url"
    assert door.post(f"webhooks/{made['id']}/nothing", who="admin").status_code == 404
    assert door.post(f"webhooks/{made['id']}/end", who="admin").json()["state"] == "ended"
    assert door.post(f"webhooks/{made['id']}/test", who="admin").status_code == 404
    assert door.get("webhooks", who="clerk").status_code == 403


def test_the_page_says_the_secret_once_and_what_came_of_it(
    local: Office, receiver: Receiver
) -> None:
    with TestClient(create_app(local.settings, local)) as page:
        page.post("/login", data={"login": "admin", "password": PASSWORD})
        wanted = {"name": "ERP <b>", "url": receiver.url, "kinds": ["asset", "loan"]}
        wrong = page.post("/webhooks", data=wanted | {"url": "http://10.0.0.1/"})
        assert wrong.status_code == 422 and "GONGWU_WEBHOOK_HOSTS" in wrong.text
        made = page.post("/webhooks", data=wanted)
        secret = made.text.split('id="secret">')[1].split("<")[0]
        assert secret.startswith("whsec_") and "ERP &lt;b&gt;" in made.text
        assert secret not in page.get("/webhooks").text
        (hook,) = local.webhooks.all()
        receiver.answers = [500]
        page.post(f"/webhooks/{hook.id}/test")
        assert "500" in page.get("/webhooks?lang=en").text
        page.get("/webhooks?lang=zh")
        local.webhooks._change(hook.id, state="paused", why="failing")
        assert "已暂停推送" in page.get("/units").text, "administrators are told on every page"
        page.post(f"/webhooks/{hook.id}/resume")
        assert "已暂停推送" not in page.get("/units").text
        page.post("/logout")
        page.post("/login", data={"login": "clerk", "password": PASSWORD})
        assert page.get("/webhooks").status_code == 403


def test_the_command_line_does_the_same(
    local: Office, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GONGWU_DATABASE", local.settings.database)
    monkeypatch.setenv("GONGWU_WEBHOOK_HOSTS", "127.0.0.0/8")
    assert "whsec_" in commanded(f"webhook add ERP {receiver.url} --kind asset").output
    commanded("webhook test ERP")
    receiver.answers = [500]
    assert "500" in commanded("webhook test ERP", code=REFUSED).output
    assert "ERP" in commanded("--lang en webhook list").output
    assert "204" in commanded("webhook deliveries ERP").output
    assert json.loads(commanded("webhook pause ERP --json").output)["state"] == "paused"
    assert json.loads(commanded("webhook resume ERP --json").output)["state"] == "on"
    commanded("webhook end ERP")
    commanded("webhook pause ERP", code=REFUSED)
    commanded("webhook add X http://10.0.0.1/", code=USAGE)
    monkeypatch.setenv("GONGWU_WEBHOOK_HOSTS", "http://erp.example.cn")
    assert "GONGWU_WEBHOOK_HOSTS" in commanded("webhook list", code=USAGE).output


# What the ledger says of it ---------------------------------------------------------


@pytest.mark.target("T12")
def test_every_act_on_a_webhook_is_an_entry_without_secret_or_path(office: Office) -> None:
    """By program, page and command alike: who, when, which system, at which host."""
    app = create_app(office.settings, office)
    http = TestClient(app, follow_redirects=False)
    begun = office.book.head()[0]
    url = "http://127.0.0.1:8123/hook?token=t0psecret"

    def done(path: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"Idempotency-Key": path + str(body)}
        answer = http.post(
            f"/api/v1/webhooks{path}", json=body, auth=("admin", PASSWORD), headers=headers
        )
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    made = done("", {"name": "ERP", "url": url})
    assert made["reached"] == begun + 1  # it is not told of its own beginning
    for step in ("pause", "resume", "end"):
        done(f"/{made['id']}/{step}", {})
    account = office.accounts.find("admin")
    assert account is not None
    http.cookies.set("session", office.accounts.sign_in(account))
    page = http.post(
        "/webhooks", data={"name": "OA", "url": url}, headers={"origin": "http://testserver"}
    )
    assert page.status_code == 200
    entries = list(office.book.entries(begun + 1))
    acts = [e.event.type_name for e in entries]
    assert acts == [
        f"access.webhook_{did}" for did in ("added", "paused", "resumed", "ended", "added")
    ]
    for entry in entries:
        assert entry.actor == "u_admin" and entry.beside.via.role == "admin"
        assert entry.event.address == "http://127.0.0.1:8123"  # type: ignore[attr-defined]
        raw = entry.state.decode()
        assert "t0psecret" not in raw and made["secret"] not in raw and "whsec_" not in raw
        assert "ERP" in raw or "OA" in raw
    listed = http.get("/administration", headers={"accept": "text/html"})
    assert listed.status_code == 200 and "订阅推送" in listed.text


def test_what_was_refused_or_cannot_be_leaves_no_entry(office: Office) -> None:
    http = TestClient(create_app(office.settings, office))
    begun = office.book.head()[0]
    for who, body, status in (
        ("clerk", {"name": "ERP", "url": "http://127.0.0.1/"}, 403),
        ("admin", {"name": "ERP", "url": "http://elsewhere.example/"}, 422),
        ("admin", {"name": "", "url": "http://127.0.0.1/"}, 422),
    ):
        assert http.post("/api/v1/webhooks", json=body, auth=(who, PASSWORD)).status_code == status
    gone = http.post("/api/v1/webhooks/none/end", json={}, auth=("admin", PASSWORD))
    assert gone.status_code == 404 and office.book.head()[0] == begun
