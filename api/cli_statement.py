"""Bank statements on the command line: what one says, and what its lines pay."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from api import cli_banking
from api.cli_terminal import REFUSED, USAGE, Json, Stop, Terminal, at
from api.reading_problems import Unreadable
from domain.words import Words, in_words

if TYPE_CHECKING:
    from api.reading_bank_values import Statement

app = typer.Typer(
    help="银行对账单：读取、导入、核对、勾对、结清 · Bank statements: read, take in, match, agree."
)
SHOWN_MAX = 30

File = Annotated[
    Path,
    typer.Argument(
        help="camt.053/054、MT940、OFX、CSV、XLS、XLSX · As the bank sends it.", exists=False
    ),
]
Saved = Annotated[
    Path | None,
    typer.Option("--layout", help="表格各列含义（JSON）· Which column holds what, as JSON."),
]
Account = Annotated[str, typer.Option(help="表格未写账号时 · Whose it is, where no line says.")]
Unit = Annotated[str, typer.Option(help="单位标识 · Unit (id).")]
Login = Annotated[str, typer.Option("--as", help="以谁的名义（登录名）· Log-in that asks.")]
RoleOf = Annotated[str, typer.Option("--role", help="岗位 · Role, when there are several.")]
Why = Annotated[str, typer.Option(help="理由 · Why.")]
Shown = Annotated[int, typer.Option(help="最多显示行数 · Rows shown at most.", min=1, max=10_000)]
WHY = {
    "balances": Words("期初 + 发生额 = 期末", "opening + entries = closing"),
    "running": Words("逐行余额相符", "every balance follows from the one before"),
    "none": Words("文件中无可核对的余额", "the file proves nothing"),
}


def _read(file: Path, saved: Path | None, account: str) -> tuple[Statement, ...]:
    """Take a file in; raise `Stop` with every reason when it is refused."""
    # The parsers of statements are large, and every other command does without them.
    from api import reading_bank, statements

    for each in (file, saved):
        if each is not None and not each.is_file():
            raise Stop(Words(f"没有这个文件：{each}", f"No such file: {each}"), USAGE)
    try:
        layout = statements.layout_of(saved) if saved else None
        return reading_bank.statements(file, layout=layout, account=account)
    except Unreadable as error:
        raise Stop(Words(error.in_chinese(), error.in_english()), REFUSED) from error


@app.command()
def show(
    ctx: typer.Context,
    file: File,
    layout: Saved = None,
    account: Account = "",
    limit: Shown = SHOWN_MAX,
    json: Json = False,
) -> None:
    """读取并核对一份对账单 · Read a statement, prove its sums, list its entries."""
    terminal = at(ctx, json)
    found = _read(file, layout, account)
    if terminal.json:
        terminal.answer({"statements": msgspec.to_builtins(found)})
        return
    for statement in found:
        _show(terminal, statement, limit)


def _show(terminal: Terminal, statement: Statement, limit: int) -> None:
    from api.reading_bank_values import written

    def money(amount: int | None) -> str:
        return "–" if amount is None else written(amount, statement.currency)

    why = WHY[statement.proof.value]
    sums = [money(each) for each in (statement.opening, statement.total, statement.closing)]
    terminal.say(
        f"{statement.account}：{len(statement.entries):,} 笔，期初 {sums[0]}，发生 {sums[1]}，"
        f"期末 {sums[2]}（{why.zh}）",
        f"{statement.account}: {len(statement.entries):,} entries, opening {sums[0]}, entries"
        f" {sums[1]}, closing {sums[2]} ({why.en})",
    )
    columns = (
        Words("记账日", "booked"),
        Words("金额", "amount"),
        Words("对方", "party"),
        Words("附言", "text"),
    )
    rows = [
        [entry.booked.isoformat(), money(entry.minor), entry.party, entry.text[:60]]
        for entry in statement.entries[:limit]
    ]
    if rows:
        terminal.table(columns, rows)


@app.command()
def match(
    ctx: typer.Context,
    file: File,
    dues: Annotated[
        Path | None,
        typer.Argument(
            help="应收清单 CSV：编号、金额、应收日期、缴款码、凭证号、付款人…；记账时不需要"
            " · What is owed: id, amount, since, code, voucher, payer …; not with --record"
        ),
    ] = None,
    layout: Saved = None,
    account: Account = "",
    window_days: Annotated[
        int,
        typer.Option(help="建议的日期范围（天）· Days within which a line is suggested.", min=0),
    ] = 30,
    record: Annotated[
        bool,
        typer.Option(
            "--record",
            help="先导入，再把可直接记账的记入账本 · Take it in and record what agrees in everything.",
        ),
    ] = False,
    unit: Annotated[str, typer.Option(help="单位标识 · Unit (id), with --record.")] = "",
    login: Annotated[str, typer.Option("--as", help="登录名 · Log-in, with --record.")] = "",
    role: RoleOf = "",
    limit: Shown = SHOWN_MAX,
    json: Json = False,
) -> None:
    """逐笔找出对账单付的是哪些应收款，说明依据 · Find what each line pays, and say why."""
    if record:
        terminal = at(ctx, json)
        if not unit or not login:
            said = Words("记账须写明 --unit 和 --as。", "--record needs --unit and --as.")
            raise Stop(said, USAGE)
        cli_banking.record(terminal, file, layout, account, unit, login, role)
        return
    if dues is None:
        said = Words("须给出应收清单，或用 --record。", "Give a list of dues, or --record.")
        raise Stop(said, USAGE)
    from api import statements
    from api.reading_bank_values import written
    from projections.matching_money import found as findings_of
    from projections.money_terms import FIELDS

    terminal = at(ctx, json)
    if not dues.is_file():
        raise Stop(Words(f"没有这个文件：{dues}", f"No such file: {dues}"), USAGE)
    taken = _read(file, layout, account)
    try:
        owed = statements.dues(dues, currency=taken[0].currency)
    except Unreadable as error:
        raise Stop(Words(error.in_chinese(), error.in_english()), REFUSED) from error
    lines = statements.lines(taken)
    found = findings_of(owed, lines, window_days=window_days)
    if terminal.json:
        terminal.answer({"findings": [statements.said(each) for each in found]})
        return
    counted = Counter(each.kind for each in found)
    settled = sum(each.settled for each in found)
    told = {lang: [f"{in_words(k, lang)} {n:,}" for k, n in counted.items()] for lang in LANGS}
    terminal.say(
        f"{len(lines):,} 笔，应收 {len(owed):,} 项；可直接记账 {settled:,}，其余待人决定。"
        + "；".join(told["zh"]),
        f"{len(lines):,} lines, {len(owed):,} dues; {settled:,} may be recorded as they stand, the"
        " rest waits for a person. " + "; ".join(told["en"]),
    )
    line_of = {line.id: line for line in lines}
    columns = (
        Words("结果", "finding"),
        Words("依据", "because"),
        Words("记账日", "booked"),
        Words("金额", "amount"),
        Words("应收", "dues"),
        Words("不符", "differs"),
    )
    lang = terminal.lang

    def money(id_: str) -> str:
        return written(line_of[id_].amount, line_of[id_].currency)

    # What waits for a person comes first: nobody needs to look at the rest.
    rows = [
        [
            in_words(each.kind, lang),
            in_words(each.by, lang),
            " ".join(line_of[id_].booked.isoformat() for id_ in each.lines),
            " ".join(money(id_) for id_ in each.lines),
            " ".join(each.dues),
            in_words(tuple(FIELDS[name] for name in each.differs), lang),
        ]
        for each in sorted(found, key=lambda each: each.settled)[:limit]
    ]
    terminal.table(columns, rows)


LANGS = ("zh", "en")


@app.command("import")
def import_(
    ctx: typer.Context,
    file: File,
    unit: Unit,
    login: Login,
    layout: Saved = None,
    account: Account = "",
    role: RoleOf = "",
    json: Json = False,
) -> None:
    """导入对账单，已有的条目不重复记入 · Take a statement in; nothing comes twice."""
    cli_banking.take(at(ctx, json), file, layout, account, unit, login, role)


@app.command()
def waiting(ctx: typer.Context, unit: Unit, limit: Shown = SHOWN_MAX, json: Json = False) -> None:
    """待核对的条目和建议 · Entries that wait, and what is proposed."""
    cli_banking.waiting(at(ctx, json), unit, limit)


@app.command()
def undo(
    ctx: typer.Context,
    entry: Annotated[str, typer.Argument(help="条目，如 S1.7 · Entry, as `waiting` names it.")],
    reason: Why,
    login: Login,
    role: RoleOf = "",
    json: Json = False,
) -> None:
    """撤销一笔的勾对或另作处理 · Undo what was decided of an entry."""
    cli_banking.undo(at(ctx, json), entry, reason, login, role)


@app.command()
def close(
    ctx: typer.Context,
    account: Annotated[str, typer.Argument(help="银行账号 · Account.")],
    until: Annotated[str, typer.Option(help="截至日期 YYYY-MM-DD · Until this day.")],
    unit: Unit,
    login: Login,
    role: RoleOf = "",
    json: Json = False,
) -> None:
    """对账结清：还有未说明的条目则拒绝 · Agree a month; refused while an entry is unexplained."""
    cli_banking.close(at(ctx, json), account, until, unit, login, role)
