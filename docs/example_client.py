"""A program of another system: reads lists, follows what is recorded, records one step.

It knows nothing of Gongwu but the description it publishes (/api/v1/openapi.json), and needs nothing
but Python. Copy it and change it.

    export GONGWU_TOKEN=lgr_…                       # a token, or GONGWU_LOGIN and GONGWU_PASSWORD
    python example_client.py http://127.0.0.1:8000 list inventory unit=o_edu limit=100
    python example_client.py http://127.0.0.1:8000 follow --into events.db --kinds asset,disposal
    python example_client.py http://127.0.0.1:8000 do asset_issue id=A1 '{"user": "u_li"}' --key order-4711
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import sqlite3
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

PATIENCE_SECONDS = 90
WAIT_SECONDS = 30
AGAIN_SECONDS = (1, 2, 5, 10, 30)  # after a trouble that may pass


class Refused(Exception):
    """The answer is a problem document (RFC 9457): `slug` for programs, `detail` for people."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(f"{status} {problem.get('slug', '')}: {problem.get('detail', '')}")
        self.status, self.problem = status, problem


class Client:
    """Calls operations by the names of the published description."""

    def __init__(self, address: str, authorization: str, language: str = "zh") -> None:
        self.address = address.rstrip("/")
        self.headers = {"Authorization": authorization, "Accept-Language": language}
        self.operations: dict[str, tuple[str, str, dict[str, Any]]] = {}
        described = self._ask("GET", "/api/v1/openapi.json", {}, None)
        for path, methods in described["paths"].items():
            for method, operation in methods.items():
                self.operations[operation["operationId"]] = (method.upper(), path, operation)

    def call(self, name: str, body: Any = None, *, key: str = "", **values: Any) -> dict[str, Any]:
        """Call an operation; values fill its path first, then its query. Raise Refused."""
        method, path, operation = self.operations[name]
        query: dict[str, Any] = {}
        for parameter in operation.get("parameters", ()):
            value = values.pop(parameter["name"], None)
            if value is None:
                continue
            if parameter["in"] == "path":
                path = path.replace(f"{{{parameter['name']}}}", urllib.parse.quote(str(value), ""))
            else:
                query[parameter["name"]] = value
        if values:
            raise TypeError(f"{name} does not take {', '.join(values)}")
        if query:
            path += f"?{urllib.parse.urlencode(query)}"
        # The same key with the same content is recorded once, however often it is sent.
        headers = {"Idempotency-Key": key} if key else {}
        return self._ask(method, path, headers, body)

    def pages(self, name: str, **values: Any) -> Iterator[dict[str, Any]]:
        """Yield every item of a list, page after page."""
        while True:
            page = self.call(name, **values)
            yield from page["items"]
            if not page.get("next"):
                return
            values["after"] = page["next"]

    def _ask(self, method: str, path: str, headers: dict[str, str], body: Any) -> dict[str, Any]:
        content = None if body is None else json.dumps(body).encode()
        media = {} if content is None else {"Content-Type": "application/json"}
        request = urllib.request.Request(
            self.address + path, content, self.headers | media | headers, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise Refused(error.code, json.loads(error.read() or b"{}")) from error


def follow(client: Client, into: Path, kinds: str = "") -> Iterator[int]:
    """Take every entry into a database of our own, each once and in order; yield how far we are.

    Entries and cursor are written in one transaction. So it does not matter when this program, the
    network or the server stops: it goes on where it was.
    """
    with closing(sqlite3.connect(into)) as mine:
        mine.executescript(
            "CREATE TABLE IF NOT EXISTS event"
            " (position INTEGER PRIMARY KEY, stream TEXT, type TEXT, entry TEXT);"
            "CREATE TABLE IF NOT EXISTS reached (one INTEGER PRIMARY KEY, next TEXT);"
            "INSERT OR IGNORE INTO reached VALUES (1, '0');"
        )
        failed = 0
        while True:
            ((after,),) = mine.execute("SELECT next FROM reached")
            asked = {"kinds": kinds} if kinds else {}
            try:
                part = client.call("feed", after=after, wait=WAIT_SECONDS, limit=1000, **asked)
            except (OSError, Refused) as trouble:
                if isinstance(trouble, Refused) and trouble.status < 500:
                    raise
                time.sleep(AGAIN_SECONDS[min(failed, len(AGAIN_SECONDS) - 1)])
                failed += 1
                continue
            failed = 0
            with mine:
                mine.executemany(
                    "INSERT INTO event VALUES (?,?,?,?)",
                    [
                        (i["position"], i["entry"]["stream"], i["entry"]["type"],
                         json.dumps(i["entry"], ensure_ascii=False))
                        for i in part["items"]
                    ],
                )  # fmt: skip
                mine.execute("UPDATE reached SET next = ?", (part["next"],))
            yield int(part["next"])


def authorization() -> str:
    """Return how we say who we are: a token, or a log-in with its password."""
    if token := os.environ.get("GONGWU_TOKEN"):
        return f"Bearer {token}"
    both = f"{os.environ['GONGWU_LOGIN']}:{os.environ['GONGWU_PASSWORD']}"
    return f"Basic {base64.b64encode(both.encode()).decode()}"


def main() -> int:
    """Do what the command line asks; 1 when it was refused."""
    asked = argparse.ArgumentParser(description="A program of another system.")
    asked.add_argument("address")
    what = asked.add_subparsers(dest="what", required=True)
    listing = what.add_parser("list", help="every item of a list")
    listing.add_argument("operation")
    listing.add_argument("values", nargs="*", help="name=value")
    following = what.add_parser("follow", help="take everything that is recorded")
    following.add_argument("--into", type=Path, required=True)
    following.add_argument("--kinds", default="")
    doing = what.add_parser("do", help="record one step")
    doing.add_argument("operation")
    doing.add_argument("id", help="id=…")
    doing.add_argument("body", type=json.loads)
    doing.add_argument("--key", required=True, help="the same for every repetition")
    args = asked.parse_args()
    try:
        client = Client(args.address, authorization())
        if args.what == "list":
            for item in client.pages(args.operation, **dict(v.split("=", 1) for v in args.values)):
                print(json.dumps(item, ensure_ascii=False))
        elif args.what == "follow":
            for position in follow(client, args.into, args.kinds):
                print(position, flush=True)
        else:
            id_ = args.id.removeprefix("id=")
            done = client.call(args.operation, args.body, key=args.key, id=id_)
            print(json.dumps(done, ensure_ascii=False))
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
