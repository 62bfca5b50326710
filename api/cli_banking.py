"""Recording statements from the command line: taken in, matched, undone, agreed; in somebody's name."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from api import banking, cli_do
from api.banking import NoSuch
from api.cli_read import day, opened
from api.cli_terminal import REFUSED, USAGE, Stop, Terminal
from api.office import Office
from api.pages_telling import money
from api.reading_problems import Unreadable
from domain.words import Words

Request = tuple[str, str, Mapping[str, Any]]


def take(
    terminal: Terminal,
    file: Path,
    saved: Path | None,
    account: str,
    unit: str,
    login: str,
    role: str,
) -> None:
    """Take a file in and say what it brought."""
    with opened(terminal) as office:
        brought = taken(terminal, office, file, saved, account, unit, login, role)
        if terminal.json:
            terminal.answer({"statements": brought})
            return
        for one in brought:
            terminal.say(
                f"{one['account']}：文件中 {one['in_file']} 笔，新记 {one['added']} 笔，"
                f"已有 {one['known']} 笔（{one['statement']}）。",
                f"{one['account']}: {one['in_file']} entries in the file, {one['added']} new,"
                f" {one['known']} known before ({one['statement']}).",
            )


def taken(
    terminal: Terminal,
    office: Office,
    file: Path,
    saved: Path | None,
    account: str,
    unit: str,
    login: str,
    role: str,
) -> list[dict[str, Any]]:
    """Take a file in; return what it brought."""
    from api import banking_rest, statements  # the parsers of statements are large

    for each in (file, saved):
        if each is not None and not each.is_file():
            raise Stop(Words(f"没有这个文件：{each}", f"No such file: {each}"), USAGE)
    content = file.read_bytes()
    try:
        layout = statements.layout_of(saved) if saved else None
        plans = office.banking.plans(unit, content, file.name, account=account, layout=layout)
    except Unreadable as error:
        raise Stop(Words(error.in_chinese(), error.in_english()), REFUSED) from error
    asks, seen, kept = banking.taking(plans, content, file.name)
    if asks:
        ask(terminal, office, asks, login, role, seen=seen, evidence=kept)
    return [banking_rest.brought(plan) for plan in plans]


def record(
    terminal: Terminal,
    file: Path,
    saved: Path | None,
    account: str,
    unit: str,
    login: str,
    role: str,
) -> None:
    """Take a file in, then record every proposal that agrees in everything."""
    with opened(terminal) as office:
        brought = taken(terminal, office, file, saved, account, unit, login, role)
        keys: list[str] = []
        while some := office.banking.bench(unit).settled:
            ask(terminal, office, office.banking.accepting(unit, some), login, role)
            keys += some
        left = len(office.banking.bench(unit).waiting)
        if terminal.json:
            terminal.answer({"statements": brought, "accepted": keys, "waiting": left})
            return
        terminal.say(
            f"新记 {sum(one['added'] for one in brought)} 笔；勾对 {len(keys)} 项，待人决定 {left} 笔。",
            f"{sum(one['added'] for one in brought)} new entries; {len(keys)} proposals recorded,"
            f" {left} entries wait for a person.",
        )


def waiting(terminal: Terminal, unit: str, limit: int) -> None:
    """List what waits, with what is proposed."""
    from api import banking_rest

    with opened(terminal) as office:
        bench = office.banking.bench(unit)
        if terminal.json:
            terminal.answer(banking_rest.told(bench, limit))
            return
        lang = terminal.lang
        sums = "、".join(money(n, currency, lang) for currency, n in bench.open_money.items())
        terminal.say(
            f"已说明 {len(bench.rows) - len(bench.waiting)} / {len(bench.rows)} 笔，待核对 {sums or 0}。",
            f"{len(bench.rows) - len(bench.waiting)} of {len(bench.rows)} entries explained,"
            f" {sums or 0} open.",
        )
        by_line = bench.by_line
        rows = []
        for row in bench.waiting[:limit]:
            one = by_line.get(row.ref)
            rows.append(
                [
                    row.ref,
                    row.held.booked.isoformat(),
                    money(row.held.amount, row.currency, lang),
                    row.payer,
                    terminal.told(one.finding.kind.words) if one else "",
                    terminal.told(one.finding.by.words) if one else "",
                    " ".join(one.dues) if one else "",
                ]
            )
        if rows:
            heads = (
                Words("条目", "entry"), Words("日期", "day"), Words("金额", "amount"),
                Words("对方", "other party"), Words("建议", "suggestion"), Words("依据", "because"),
                Words("应缴款", "dues"),
            )  # fmt: skip
            terminal.table(heads, rows)


def undo(terminal: Terminal, entry: str, reason: str, login: str, role: str) -> None:
    """Undo what was decided of an entry."""
    with opened(terminal) as office:
        try:
            stream, no = banking.place_of(entry)
            held = office.banking.statement(stream.partition("/")[2]).entry(no)
        except NoSuch:
            held = None
        if held is None:
            raise Stop(Words(f"没有条目 {entry}。", f"There is no entry {entry}."), USAGE)
        verb = "undo_set_aside" if held.aside and not held.parts else "undo_match"
        ask(terminal, office, [(stream, verb, {"entry": no, "reason": reason})], login, role)
        terminal.say(f"已撤销 {entry}。", f"{entry} is undone.")


def close(terminal: Terminal, account: str, until: str, unit: str, login: str, role: str) -> None:
    """Agree an account until a day."""
    last = date.fromisoformat(day(until, "--until"))
    with opened(terminal) as office:
        form = {"account": account, "until": last}
        ask(terminal, office, [(f"bank/{unit}", "reconcile", form)], login, role)
        terminal.say(f"{account} 已对账至 {last}。", f"{account} is agreed until {last}.")


def ask(
    terminal: Terminal,
    office: Office,
    asks: Sequence[Request],
    login: str,
    role: str,
    **how: Any,
) -> None:
    """Ask in the name of a log-in; who is not trusted signs in first."""
    actor = cli_do.sign_in(terminal, office, login, role)
    office.ask_many(asks, actor, key=secrets.token_hex(16), channel="cli", **how)
