"""What an auditor asks of the log alone: were duties kept apart, and what does it all come to?"""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Annotated

import msgspec
import typer

from api import cli_bundle, cli_changes, cli_questions, cli_reads, finding
from api.cli_read import day, names, opened, position
from api.cli_terminal import REFUSED, USAGE, Json, Stop, Terminal, at
from api.office import Office
from api.replays import AHEAD
from domain.policy import GENERIC, Policy
from domain.words import Words
from ledger.auditing import Violation, violations
from ledger.findings import CHECKS, LATE_DAYS
from ledger.replaying import ALWAYS
from ledger.replaying import replay as told_anew
from projections.comparing import Comparison, compare

app = typer.Typer(help="审计 · What an auditor asks of the log.")
app.command()(cli_bundle.bundle)
app.command()(cli_bundle.checker)
app.command()(cli_changes.changes)
app.command()(cli_questions.five_questions)
app.command()(cli_reads.reads)
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
def findings(
    ctx: typer.Context,
    check: Annotated[
        str, typer.Option(help="只看一类 · One check only, e.g. executed-unapproved.")
    ] = "",
    late_days: Annotated[
        int,
        typer.Option(
            help="晚于多少天算迟记 · Days after which an entry is late.",
            min=0,
            max=finding.LATE_DAYS_MAX,
        ),
    ] = LATE_DAYS,
    json: Json = False,
) -> None:
    """由账本重新核算审计疑点 · Work out from the entries alone what an auditor would ask about."""
    terminal = at(ctx, json)
    if check and check not in CHECKS:
        raise typer.BadParameter(" | ".join(CHECKS), param_hint="--check")
    with opened(terminal) as office:
        with terminal.progress(Words("核查", "Auditing")) as tick:
            told = finding.found(office, late_days, tick)
        name_of = names(office, terminal)
        mine = [f for f in told.found if check in ("", f.check)]
        said = [(f, finding.sentence(f, terminal.lang, name_of)) for f in mine]
    grave = sum(told.counts[c] for c in told.counts if check in ("", c) and not CHECKS[c].note)
    if terminal.json:
        items = [msgspec.structs.asdict(f) | {"sentence": text} for f, text in said]
        terminal.answer(
            {"size": told.size, "today": told.today, "counts": told.counts, "items": items}
        )
    else:
        terminal.say(
            f"已核查 {told.size:,} 条记录（截至 {told.today}）：疑点 {grave:,} 处。",
            f"{told.size:,} entries read as of {told.today}: {grave:,} findings.",
        )
        heads = (
            Words("疑点", "finding"),
            Words("位置", "position"),
            Words("对象", "stream"),
            Words("说明", "what was found"),
            Words("依据", "law"),
        )
        lines = [
            (
                finding.title(f.check, terminal.lang),
                str(f.position or ""),
                f.stream,
                text,
                finding.law(f.check, terminal.lang),
            )
            for f, text in said
        ]
        if lines:
            terminal.table(heads, lines)
    if grave:
        terminal.end(REFUSED)


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


@app.command("compare")
def compare_(
    ctx: typer.Context,
    size: Annotated[
        int, typer.Option(help="重放到第几条；缺省为全部 · Up to this size of the log.", min=-1)
    ] = -1,
    json: Json = False,
) -> None:
    """另建文件重放列表，与现有列表逐行比较 · Rebuild the lists elsewhere and compare row by row."""
    terminal = at(ctx, json)
    with opened(terminal) as office, terminal.progress(Words("重放", "Replaying")) as tick:
        try:
            found = compare(office.book, office.models, None if size < 0 else size, tick)
        except ValueError:
            raise Stop(AHEAD, USAGE) from None
    if terminal.json:
        terminal.answer({"same": found.same, "result": found})
    else:
        _tell_lists(terminal, found)
    if not found.same:
        terminal.end(REFUSED)


def _tell_lists(terminal: Terminal, found: Comparison) -> None:
    wrong = [one for one in found.lists if not one.same]
    terminal.say(
        f"重放至第 {found.size:,} 条，比较 {len(found.lists)} 个列表：{len(wrong)} 个不同。",
        f"Replayed to {found.size:,}; {len(found.lists)} lists compared, {len(wrong)} differ.",
    )
    if not found.at_head:
        terminal.say(
            "只比较了保留历史的列表（按当时所知）。",
            "Only lists that keep history were compared, as they were known then.",
        )
    heads = (
        Words("列表", "list"),
        Words("现有行数", "live rows"),
        Words("重放行数", "rebuilt rows"),
        Words("仅现有", "live only"),
        Words("仅重放", "rebuilt only"),
    )
    counts = [
        (one.table, *map(str, (one.live, one.rebuilt, one.only_live, one.only_rebuilt)))
        for one in found.lists
    ]
    terminal.table(heads, counts)
    for one in wrong:
        for row in one.rows:
            side = Words("仅现有", "live only") if row.live else Words("仅重放", "rebuilt only")
            terminal.say(
                f"  {one.table} {side.zh}：{' · '.join(row.key)}",
                f"  {one.table} {side.en}: {' · '.join(row.key)}",
            )
