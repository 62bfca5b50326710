"""What an auditor asks of the log: today, whether duties were kept apart."""

from __future__ import annotations

from functools import partial

import typer

from api.cli_read import opened
from api.cli_terminal import REFUSED, Json, Terminal, at
from api.office import Office
from domain.policy import GENERIC, Policy
from domain.words import Words
from ledger.auditing import Violation, violations

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
        found = list(violations(office.book, partial(_policy_of, office), tick))
        size = office.book.head()[0]
    _tell(terminal, found, size)
    if found:
        terminal.end(REFUSED)


def _policy_of(office: Office, reference: str) -> Policy:
    """Return the version of the rules that a decision cites; GENERIC where it cites none."""
    return office.rules.named(reference) or GENERIC


def _tell(terminal: Terminal, found: list[Violation], size: int) -> None:
    if terminal.json:
        terminal.answer({"size": size, "violations": found})
        return
    terminal.say(
        f"已核对 {size:,} 条记录：不相容职责 {len(found)} 处。",
        f"{size:,} entries read: {len(found)} breaches of the separation of duties.",
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
