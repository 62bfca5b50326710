"""What an auditor asks of the log alone: were duties kept apart, and what does it all come to?"""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Annotated

import typer

from api.cli_read import day, opened, position
from api.cli_terminal import REFUSED, Json, Terminal, at
from api.office import Office
from domain.policy import GENERIC, Policy
from domain.words import Words
from ledger.auditing import Violation, violations
from ledger.replaying import ALWAYS
from ledger.replaying import replay as told_anew

app = typer.Typer(help="审计 · What an auditor asks of the log.")
COLUMNS = (
    Words("位置", "position"),
    Words("事项", "case"),
    Words("人员", "person"),
    Words("先前职责", "earlier duty"),
    Words("本条职责", "this duty"),
    Words("适用规则", "rules applied"),
)


@app.command()
def duties(ctx: typer.Context, json: Json = False) -> None:
    """由账本重新核算不相容职责 · Work out from the log alone whether duties were kept apart."""
    terminal = at(ctx, json)
    with opened(terminal) as office, terminal.progress(Words("核算职责", "Auditing")) as tick:
        unknown: set[str] = set()
        found = list(violations(office.book, partial(_policy_of, office, unknown), tick))
        size = office.book.head()[0]
    _tell(terminal, found, sorted(unknown), size)
    if found or unknown:
        terminal.end(REFUSED)


def _policy_of(office: Office, unknown: set[str], reference: str) -> Policy:
    """Return the rules that a decision cites; GENERIC where it cites none.

    Rules that were never published are `unknown`: such decisions, too, are judged by GENERIC.
    """
    cited = office.rules.named(reference)
    if cited is None and reference:
        unknown.add(reference)
    return cited or GENERIC


@app.command()
def replay(
    ctx: typer.Context,
    as_of: Annotated[
        str, typer.Option("--as-of", help="截至业务日期 · True on this day (YYYY-MM-DD).")
    ] = "",
    known_at: Annotated[
        str, typer.Option("--known-at", help="已知于（UTC）· As known at this day or time (UTC).")
    ] = "",
    json: Json = False,
) -> None:
    """重放全部记录，重算每个哈希 · Tell the whole log anew, hashing every entry; print the digest."""
    terminal = at(ctx, json)
    on = day(as_of, "--as-of") or ALWAYS
    with opened(terminal) as office, terminal.progress(Words("重放", "Replaying")) as tick:
        known = position(office, known_at)
        told = told_anew(office.book, on=on, known=known, hashed=True, progress=tick)
    digest, root = told.digest(), told.root.hex() if told.root else ""
    kinds = Counter(stream.partition("/")[0] for stream in told.states)
    if terminal.json:
        terminal.answer({"size": told.size, "root": root, "digest": digest, "streams": kinds})
        return
    terminal.say(
        f"已重放 {told.size:,} 条记录，{len(told.states):,} 个对象。\n根 {root}\n状态摘要 {digest}",
        f"{told.size:,} entries replayed into {len(told.states):,} states.\n"
        f"root {root}\ndigest of states {digest}",
    )


def _tell(terminal: Terminal, found: list[Violation], unknown: list[str], size: int) -> None:
    if terminal.json:
        terminal.answer({"size": size, "violations": found, "unknown_rules": unknown})
        return
    terminal.say(
        f"已核对 {size:,} 条记录：不相容职责 {len(found)} 处。",
        f"{size:,} entries read: {len(found)} breaches of the separation of duties.",
    )
    if unknown:
        terminal.say(
            f"引用了从未发布的规则，按通用规则核算：{'、'.join(unknown)}。",
            f"Cites rules that were never published, judged by the generic ones: {', '.join(unknown)}.",
        )
    if found:
        terminal.table(
            COLUMNS,
            [
                (
                    str(v.position),
                    v.stream,
                    v.person,
                    terminal.told(Words.of(v.before)),
                    terminal.told(Words.of(v.duty)),
                    v.policy,
                )
                for v in found
            ],
        )
