"""Rules of a place from the command line: check a profile, draft it, see what is in force."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from api import cli_do, policies
from api.cli_read import opened
from api.cli_terminal import REFUSED, USAGE, Json, Stop, Terminal, at
from domain import policy as rules
from domain.policy import Policy, Unfit
from domain.ruling import RulingStatus
from domain.values import yuan
from domain.words import LAWS, Words
from ledger.act import Unavailable
from projections import rulings

app = typer.Typer(help="规则 · The rules of a place: profiles as dated data.")

File = Annotated[Path, typer.Argument(help="规则文件（YAML）· A profile in YAML.")]
Name = Annotated[str, typer.Argument(help="规则名称 · Name, e.g. xinjiang, or xinjiang@1.")]


@app.command()
def schema() -> None:
    """规则文件的 JSON Schema · The JSON Schema of a profile, for editors."""
    typer.echo(policies.schema_text(), nl=False)


@app.command()
def check(ctx: typer.Context, file: File, json: Json = False) -> None:
    """检查规则文件，列出全部问题 · Check a profile and name every problem in it."""
    terminal = at(ctx, json)
    policy = _checked(terminal, file)
    if terminal.json:
        terminal.answer({"name": policy.name, "problems": []})
    terminal.say(
        f"《{policy.title.zh}》可以采用：程序{len(policy.routes)}条，条文{len(policy.articles)}条。",
        f"“{policy.title.en}” can be taken: {len(policy.routes)} routes,"
        f" {len(policy.articles)} articles.",
    )


@app.command()
def propose(
    ctx: typer.Context,
    file: File,
    login: Annotated[str, typer.Option("--as", help="账号 · Log-in.")] = "",
    note: Annotated[str, typer.Option(help="说明 · Note.")] = "",
    on: Annotated[str, typer.Option(help="业务日期 · Business date, YYYY-MM-DD.")] = "",
    json: Json = False,
) -> None:
    """拟订一版规则（由另一人发布）· Draft a version; another person publishes it."""
    terminal = at(ctx, json)
    policy = _checked(terminal, file)
    cli_do.do(
        terminal,
        f"policy/{policy.name}",
        "propose",
        ["--content", rules.written(policy), "--note", note],
        login=login,
        role="",
        on=on,
        key="",
        expected=-1,
    )


@app.command("list")
def list_(ctx: typer.Context, json: Json = False) -> None:
    """列出已拟订、已发布和随附的规则 · List the rules drafted, published and enclosed."""
    terminal = at(ctx, json)
    with opened(terminal) as office:
        rows = [dict(row) for row in office.models.rows(rulings.all_rulings())]
    known = {row["id"] for row in rows}
    enclosed = [p for p in policies.shipped().values() if p.name not in known]
    if terminal.json:
        terminal.answer({"rules": rows, "enclosed": [policy.name for policy in enclosed]})
        return
    columns = (
        Words("名称", "name"),
        Words("标题", "title"),
        Words("状态", "status"),
        Words("已发布", "published"),
        Words("施行日期", "in force from"),
    )
    told = [
        [
            row["id"],
            row["title"],
            terminal.told(RulingStatus(row["status"]).words),
            str(row["published"] or ""),
            " – ".join(filter(None, (row["in_force_from"], row["last_day"]))),
        ]
        for row in rows
    ]
    not_yet = terminal.told(Words("随附，未发布", "enclosed, not published"))
    told += [[p.name, terminal.told(p.title), not_yet, "", ""] for p in enclosed]
    terminal.table(columns, told)


@app.command()
def show(ctx: typer.Context, name: Name, json: Json = False) -> None:
    """显示一套规则的程序与条文 · Show the routes and articles of a profile."""
    terminal = at(ctx, json)
    published: tuple[Policy, ...] = ()
    try:
        with opened(terminal) as office:
            published = office.rules.published()
    except (Stop, Unavailable):
        # Without a ledger, or the server that has it, what is enclosed can still be read.
        if name not in policies.shipped():
            raise
    found = [p for p in published if name in (p.name, p.reference)]
    policy = found[-1] if found else policies.shipped().get(name)
    if policy is None:
        raise Stop(Words(f"没有规则 {name}。", f"There are no rules {name}."), REFUSED)
    if terminal.json:
        terminal.answer(policy)
        return
    terminal.say(
        f"{policy.title.zh}（{policy.reference}）", f"{policy.title.en} ({policy.reference})"
    )
    columns = (
        Words("事项", "action"),
        Words("限于", "only for"),
        Words("审批", "who decides"),
        Words("材料", "papers"),
        Words("依据", "articles"),
    )
    terminal.table(columns, [_route(terminal, policy, route) for route in policy.routes])
    for article in policy.articles:
        title = Words(article.regulation, LAWS.get(article.regulation, article.regulation))
        terminal.say(f"\n{title.zh}{article.article}", f"\n{title.en}, {article.article}")
        terminal.say(article.words, article.words)


def _route(terminal: Terminal, policy: Policy, route: rules.Route) -> list[str]:
    only: list[Any] = [*sorted(route.forms), *sorted(route.kinds), *sorted(route.scopes)]
    if route.at_least is not None:
        only.append(f"≥ {yuan(route.at_least)}")
    if route.below is not None:
        only.append(f"< {yuan(route.below)}")
    return [
        terminal.told(route.action.words),
        " ".join(only),
        " → ".join(terminal.told(step.body.words) for step in route.steps),
        " ".join(terminal.told(policy.named(slug)) for slug in route.documents),
        " ".join(route.cites),
    ]


def _checked(terminal: Terminal, file: Path) -> Policy:
    """Read a profile, or end with every problem in it."""
    try:
        return policies.read(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise Stop(Words(f"无法读取 {file}。", f"{file} cannot be read."), USAGE) from error
    except Unfit as unfit:
        zh = "\n".join(problem.zh for problem in unfit.problems)
        en = "\n".join(problem.en for problem in unfit.problems)
        document = {"problems": [msgspec.to_builtins(problem) for problem in unfit.problems]}
        terminal.fail(Words(zh, en), REFUSED, document)
