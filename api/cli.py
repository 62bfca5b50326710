"""The command line: what a person at the machine can do, in two languages, with honest exit codes."""

from __future__ import annotations

import sys
from importlib.metadata import version as installed
from pathlib import Path
from typing import Annotated

import typer

from api import (
    cli_accounts,
    cli_audit,
    cli_backup,
    cli_booking,
    cli_cards,
    cli_cases,
    cli_certificates,
    cli_classes,
    cli_compare,
    cli_depreciating,
    cli_do,
    cli_doctor,
    cli_idle,
    cli_label,
    cli_languages,
    cli_match,
    cli_notary,
    cli_policy,
    cli_read,
    cli_registers,
    cli_restore,
    cli_rfid,
    cli_roles,
    cli_sending,
    cli_serve,
    cli_settings,
    cli_statement,
    cli_upgrade,
    cli_vault,
    cli_verify,
    cli_ways,
    cli_webhooks,
    cli_witness,
    papers_cli,
)
from api.cli_terminal import EXIT_CODES, Doors, Json, Terminal, at, language, quiet
from api.open_cases import DAYS_MAX
from api.processes import MOST

app = typer.Typer(
    cls=Doors,
    name="gongwu",
    help="公物：公物仓与国有资产的事件账本。 An event-sourced ledger of public property.",
    epilog=f"{EXIT_CODES.zh} {EXIT_CODES.en}",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
asset = typer.Typer(help="资产卡片与历史 · One asset: its card and its history.")
app.add_typer(asset, name="asset")
app.add_typer(cli_accounts.app, name="account")
app.add_typer(cli_audit.app, name="audit")
app.add_typer(cli_policy.app, name="policy")
app.add_typer(cli_depreciating.app, name="depreciation")
app.add_typer(cli_booking.app, name="books")
app.add_typer(cli_label.app, name="label")
app.add_typer(cli_match.app, name="match")
app.add_typer(cli_statement.app, name="statement")
app.add_typer(cli_compare.app, name="registers")
app.add_typer(cli_rfid.app, name="rfid")
app.add_typer(cli_notary.app, name="notary")
app.add_typer(cli_witness.app, name="witness")
app.add_typer(cli_vault.app, name="vault")
app.add_typer(cli_webhooks.app, name="webhook")
app.add_typer(cli_cards.cards_app, name="cards")
app.add_typer(cli_languages.app, name="languages")
app.add_typer(cli_sending.offers_app, name="offers")
app.add_typer(cli_sending.wants_app, name="wants")
app.command()(cli_accounts.init)
app.command()(cli_backup.backup)
app.command()(cli_classes.classes)
app.command()(cli_doctor.doctor)
app.command()(cli_settings.settings)
app.command()(cli_upgrade.upgrade)
app.command()(cli_classes.numbers)
app.command()(cli_registers.quotas)
app.command()(cli_registers.confiscated)
app.command()(cli_registers.packages)
app.command()(cli_certificates.certificates)
app.command()(cli_registers.dues)

AsOf = Annotated[str, typer.Option("--as-of", help="截至业务日期 · True on this day (YYYY-MM-DD).")]
KnownAt = Annotated[
    str, typer.Option("--known-at", help="已知于（UTC）· As known at this day or time (UTC).")
]


def _version(asked: bool) -> None:
    if asked:
        sys.stdout.write(f"gongwu {installed('gongwu')}\n")
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    database: Annotated[
        str,
        typer.Option(
            envvar="GONGWU_DATABASE",
            help="数据库地址 · Database: sqlite:///FILE or postgresql://…",
        ),
    ] = "",
    lang: Annotated[str, typer.Option(help="语言 · Language: zh, en.")] = "",
    json: Json = False,
    _: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="版本 · Version."),
    ] = False,
) -> None:
    """Set what every command shares."""
    quiet()
    if lang not in ("", "zh", "en"):
        raise typer.BadParameter("zh | en", param_hint="--lang")
    ctx.obj = Terminal(lang=language(lang), json=json, database=database)


# Serving ------------------------------------------------------------------------


@app.command()
def demo(
    ctx: typer.Context,
    folder: Annotated[
        Path, typer.Option(help="演示数据所在文件夹 · Where the demonstration keeps its data.")
    ] = Path("gongwu-demo"),
    host: Annotated[str, typer.Option(help="监听地址 · Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="端口 · Port.", min=0, max=65535)] = 8000,
    load_only: Annotated[
        bool, typer.Option("--load-only", help="只装入，不启动 · Load, do not serve.")
    ] = False,
    json: Json = False,
) -> None:
    """打开演示（首次装入样例数据）· Open the demonstration, loading its data the first time."""
    cli_serve.demo(at(ctx, json), folder, host, port, load_only=load_only)


@app.command()
def serve(
    ctx: typer.Context,
    host: Annotated[str, typer.Option(envvar="GONGWU_HOST", help="监听地址 · Address.")] = "",
    port: Annotated[int, typer.Option(envvar="GONGWU_PORT", help="端口 · Port.", max=65535)] = -1,
    tls: Annotated[
        bool,
        typer.Option("--tls", help="用自制证书提供 HTTPS · HTTPS with a certificate made here."),
    ] = False,
    tls_name: Annotated[
        list[str] | None,
        typer.Option(
            help="手机打开的名称或地址，可多次 · A name or address phones open; repeatable."
        ),
    ] = None,
    processes: Annotated[
        int,
        typer.Option(
            envvar="GONGWU_PROCESSES",
            help="服务进程数，需 PostgreSQL · How many processes serve; needs PostgreSQL.",
            min=1,
            max=MOST,
        ),
    ] = 1,
) -> None:
    """启动服务 · Serve the ledger's pages and API."""
    names = tls_name or [] if tls else None
    cli_serve.serve(at(ctx, False), host, port, tls_names=names, number=processes)


# Reading ------------------------------------------------------------------------


@asset.command("show")
def asset_show(
    ctx: typer.Context,
    code: Annotated[
        str, typer.Argument(help="标识、资产编号、标签或序列号 · Id, number, label or serial.")
    ],
    as_of: AsOf = "",
    known_at: KnownAt = "",
    json: Json = False,
) -> None:
    """显示一项资产 · Show one asset."""
    cli_read.show(at(ctx, json), code, as_of, known_at)


@asset.command("history")
def asset_history(
    ctx: typer.Context,
    code: Annotated[str, typer.Argument(help="标识或编号 · Id, number, label or serial.")],
    json: Json = False,
) -> None:
    """显示一项资产的全部历史 · Show everything that happened to one asset."""
    cli_read.history(at(ctx, json), code)


@asset.command("waterfall")
def asset_waterfall(
    ctx: typer.Context,
    code: Annotated[str, typer.Argument(help="标识或编号 · Id, number, label or serial.")],
    json: Json = False,
) -> None:
    """闲置资产的盘活先后：已尝试的、尚未尝试的 · What was tried with idle property, what remains."""
    cli_ways.waterfall(at(ctx, json), code)


@asset.command("particulars")
def asset_particulars(
    ctx: typer.Context,
    code: Annotated[str, typer.Argument(help="标识或编号 · Id, number, label or serial.")],
    json: Json = False,
) -> None:
    """此类资产的规则，车辆的单车费用 · What its kind may and must; what a vehicle cost."""
    cli_ways.particulars(at(ctx, json), code)


@app.command()
def inventory(
    ctx: typer.Context,
    as_of: AsOf = "",
    known_at: KnownAt = "",
    text: Annotated[str, typer.Option(help="查找文字 · Words to look for.")] = "",
    kind: Annotated[str, typer.Option(help="资产类别 · Kind, e.g. vehicle.")] = "",
    book: Annotated[str, typer.Option(help="账务状态 · Book status, e.g. on_books.")] = "",
    custody: Annotated[str, typer.Option(help="实物状态 · Custody, e.g. in_use.")] = "",
    lock: Annotated[str, typer.Option(help="占用 · Lock.")] = "",
    unit: Annotated[str, typer.Option(help="入账单位标识 · Accounting unit (id).")] = "",
    custodian: Annotated[str, typer.Option(help="保管单位标识 · Custodian (id).")] = "",
    user: Annotated[str, typer.Option(help="使用人标识 · User (id).")] = "",
    owner: Annotated[str, typer.Option(help="权属登记人标识 · Registered owner (id).")] = "",
    place: Annotated[str, typer.Option(help="地点标识 · Place (id).")] = "",
    dataset: Annotated[str, typer.Option(help="数据来源 · Data set.")] = "",
    limit: Annotated[int, typer.Option(help="最多行数 · Rows at most.", min=1, max=1000)] = 50,
    after: Annotated[str, typer.Option(help="续页标记 · Cursor of the next page.")] = "",
    totals: Annotated[bool, typer.Option("--totals", help="只看合计 · Totals only.")] = False,
    json: Json = False,
) -> None:
    """列出库存（可设截至日期与已知时点）· List the inventory, now or at any past date."""
    filters = {
        "text": text, "kind": kind, "book": book, "custody": custody, "lock": lock, "unit": unit,
        "custodian": custodian, "user": user, "owner": owner, "place": place, "dataset": dataset,
    }  # fmt: skip
    cli_read.inventory_(
        at(ctx, json), filters, as_of, known_at, limit=0 if totals else limit, after=after
    )


@app.command("cases")
def cases_(
    ctx: typer.Context,
    stuck: Annotated[
        bool, typer.Option("--stuck", help="只看已过限期的 · Only what is past its due day.")
    ] = False,
    kind: Annotated[str, typer.Option(help="事项类别 · Kind, e.g. loan.")] = "",
    days: Annotated[
        int, typer.Option(help="至少已等天数 · Waiting for at least so many days.", min=0)
    ] = 0,
    on: Annotated[str, typer.Option("--on", help="以此日为今天 · As if this were today.")] = "",
    limit: Annotated[int, typer.Option(help="最多行数 · Rows at most.", min=1, max=1000)] = 50,
    json: Json = False,
) -> None:
    """列出待办的步骤：由谁办理、已等多久 · List open steps: whose they are, how long they wait."""
    cli_cases.stuck(at(ctx, json), kind, on, min(days, DAYS_MAX), limit, overdue=stuck)


@app.command()
def idle(
    ctx: typer.Context,
    unit: Annotated[str, typer.Option(help="单位标识 · Unit (id).")] = "",
    ground: Annotated[
        str,
        typer.Option(help="事由 · Ground: idle, under_used, over_standard, returned, dissolved."),
    ] = "",
    kind: Annotated[str, typer.Option(help="资产类别 · Kind, e.g. furniture.")] = "",
    on: Annotated[str, typer.Option("--on", help="业务日期 · Business date.")] = "",
    known: Annotated[
        int, typer.Option("--known", help="已知于第几条 · As known at this position.", min=0)
    ] = 0,
    limit: Annotated[int, typer.Option(help="最多行数 · Rows at most.", min=1, max=1000)] = 50,
    json: Json = False,
) -> None:
    """列出闲置线索及理由；确认：gongwu do asset/ID declare_idle · What shows as idle, and why."""
    cli_idle.idle(at(ctx, json), unit, ground, kind, on, known, limit)


@app.command()
def head(ctx: typer.Context, json: Json = False) -> None:
    """账本的条数、树根与最后时间 · Size, root and last time of the log."""
    cli_read.head(at(ctx, json))


@app.command()
def verify(
    ctx: typer.Context,
    since: Annotated[
        list[Path] | None,
        typer.Option("--since", help="自己保存的检查点，可多个 · Checkpoints you kept at home."),
    ] = None,
    trust: Annotated[
        Path | None, typer.Option("--trust", help="信任策略 · Policy: whose signatures count.")
    ] = None,
    mirror: Annotated[
        Path | None, typer.Option("--mirror", help="镜像：指出具体哪一条 · Names the very entry.")
    ] = None,
    tsa_trust: Annotated[
        Path | None,
        typer.Option("--tsa-trust", help="时间戳机构证书 · Certificates of the time stamps."),
    ] = None,
    sm2: Annotated[
        Path | None,
        typer.Option("--sm2", help="国密并行账本公钥 · Public key of the parallel log (SM3)."),
    ] = None,
    json: Json = False,
) -> None:
    """重算全部哈希并核对 · Recompute every hash and check everything against the log."""
    cli_verify.verify_(at(ctx, json), since or [], trust, mirror, tsa_trust, sm2)


@app.command()
def roles(
    ctx: typer.Context,
    role: Annotated[str, typer.Option(help="服务所用角色 · The role that serves.")] = "gongwu",
    database: Annotated[str, typer.Option(help="数据库名 · The database.")] = "gongwu",
    json: Json = False,
) -> None:
    """打印 PostgreSQL 受限角色的 SQL · Print the SQL of a role that row-level security holds."""
    cli_roles.print_(at(ctx, json), role, database)


@app.command()
def rebuild(ctx: typer.Context, json: Json = False) -> None:
    """由账本重建全部列表 · Rebuild every list from the log."""
    cli_read.rebuild(at(ctx, json))


@app.command()
def export(
    ctx: typer.Context,
    what: Annotated[
        str,
        typer.Argument(
            help="entries（条目原文 JSONL）、events（事件 CSV）、inventory（库存 CSV）、ledger（整本账）·"
            " Entries as they are, events or inventory as CSV, or the whole ledger."
        ),
    ] = "entries",
    to: Annotated[str, typer.Option(help="文件，- 为标准输出 · File; - is standard output.")] = "-",
    start: Annotated[int, typer.Option(help="起始位置 · First position.", min=1)] = 1,
    since: Annotated[str, typer.Option(help="记账起日（UTC）· Recorded from this day.")] = "",
    until: Annotated[str, typer.Option(help="记账止日（UTC）· Recorded to this day.")] = "",
    as_of: AsOf = "",
    known_at: KnownAt = "",
    json: Json = False,
) -> None:
    """导出整本账、某一期间的条目或事件，或库存 · Export the ledger, a period of it, or the inventory."""
    terminal = at(ctx, json)
    match what:
        case "inventory":
            cli_read.export(terminal, to, as_of, known_at)
        case "entries" | "events" | "ledger":
            cli_restore.export(terminal, what, to, start, since, until)
        case _:
            raise typer.BadParameter("entries | events | inventory | ledger", param_hint="WHAT")


@app.command()
def paper(
    ctx: typer.Context,
    stream: Annotated[str, typer.Argument(help="种类/编号 · KIND/ID, e.g. loan/7Q2K.")],
    form: Annotated[
        str, typer.Argument(help="文书：application、approval、handover-note、receipt 等 · Form.")
    ],
    to: Annotated[str, typer.Option("--output", "-o", help="文件，- 为标准输出 · File.")] = "-",
    entry: Annotated[int, typer.Option("--at", help="条目号 · Of this entry.", min=0)] = 0,
    as_of: AsOf = "",
    json: Json = False,
) -> None:
    """打印文书为 PDF · Print a paper as PDF: gongwu paper loan/7Q2K application -o a.pdf."""
    papers_cli.print_(at(ctx, json), stream, form, to, entry, as_of)


# Writing ------------------------------------------------------------------------


@app.command("import")
def import_(
    ctx: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="要导入的文件 · Files to import.")],
    json: Json = False,
) -> None:
    """导入公开清单（可重复，不重复记账）· Import published lists; twice adds nothing."""
    cli_do.import_(at(ctx, json), files)


@app.command()
def restore(
    ctx: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(help="备份，或 export ledger 的文件 · A backup, or an exported ledger."),
    ],
    database: Annotated[str, typer.Option(help="新的空库 · The new, empty database.")] = "",
    root: Annotated[str, typer.Option(help="另处保存的树根 · The root you kept elsewhere.")] = "",
    since: Annotated[
        list[Path] | None,
        typer.Option("--since", help="另处保存的检查点，可多个 · Checkpoints you kept elsewhere."),
    ] = None,
    drill: Annotated[
        bool, typer.Option("--drill", help="只演练，不留下内容 · Try it, and leave nothing.")
    ] = False,
    vault_key: Annotated[
        bool,
        typer.Option(
            "--vault-key", help="取出备份中的姓名主密钥 · Take the master key of names out as well."
        ),
    ] = False,
    json: Json = False,
) -> None:
    """把备份或整本账还原到空库并校验 · Restore a backup or a ledger into an empty database, proven."""
    terminal = at(ctx, json)
    terminal.database = database or terminal.database
    cli_restore.restore(terminal, file, root, since or [], drill=drill, vault_key=vault_key)


@app.command(
    "do",
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    add_help_option=False,
)
def do(
    ctx: typer.Context,
    stream: Annotated[str, typer.Argument(help="种类/编号 · KIND/ID, e.g. asset/7Q2K.")] = "",
    verb: Annotated[str, typer.Argument(help="事项 · What to do, e.g. issue.")] = "",
    login: Annotated[str, typer.Option("--as", help="账号 · Log-in.")] = "",
    role: Annotated[str, typer.Option("--role", help="以哪个岗位 · Acting in which role.")] = "",
    on: Annotated[str, typer.Option("--on", help="业务日期 · Business date.")] = "",
    key: Annotated[str, typer.Option("--key", help="幂等键 · Idempotency key.")] = "",
    expected: Annotated[int, typer.Option("--expect", help="预期版本 · Version expected.")] = -1,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="只预演，不记入 · Record nothing, only tell.")
    ] = False,
    json: Json = False,
    show_help: Annotated[
        bool, typer.Option("--help", help="字段说明 · Explain the fields.")
    ] = False,
) -> None:
    """办理一项业务 · Do one step: gongwu do asset/7Q2K issue --as clerk --user u_li."""
    terminal = at(ctx, json)
    if show_help or not verb:
        cli_do.explain(terminal, stream, verb)
        return
    if dry_run:
        cli_do.preview(terminal, stream, verb, ctx.args, login=login, role=role, on=on)
        return
    cli_do.do(
        terminal, stream, verb, ctx.args, login=login, role=role, on=on, key=key, expected=expected
    )
