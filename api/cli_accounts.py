"""Who may sign in: the first unit with its administrator, and every log-in after that.

Whoever may open the database may run these; they ask for nobody's password but the new one.
"""

from __future__ import annotations

import getpass
import os
import re
import secrets
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Annotated

import msgspec
import typer

from api import administering, cli_identities
from api.accounts import PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN, Account
from api.cli_identities import AT_CONSOLE, CLI, CONSOLE
from api.cli_read import day, names, opened
from api.cli_terminal import REFUSED, USAGE, Json, Stop, Terminal, at
from api.office import Actor, Office
from domain.decider import Refused
from domain.unit import EXISTS, UnitKind
from domain.values import ID
from domain.words import Role, Words

LOGIN = re.compile(r"[^\s:]{1,80}")  # a colon ends the log-in in HTTP Basic
NAME_CHARS_MAX = 200

app = typer.Typer(help="账号 · Log-ins: who may sign in, for which unit, in which roles.")

Login = Annotated[str, typer.Argument(help="账号 · Log-in.")]
Unit = Annotated[str, typer.Option("--unit", help="单位标识 · Unit id, e.g. o_finance.")]
Person = Annotated[str, typer.Option("--person", help="人员标识 · Person id, e.g. u_wang.")]


# The commands -------------------------------------------------------------------


def init(
    ctx: typer.Context,
    unit: Unit,
    name: Annotated[str, typer.Option("--name", help="单位名称 · Name of the unit.")],
    person: Person,
    person_name: Annotated[str, typer.Option(help="管理员姓名 · Administrator's name.")],
    kind: Annotated[
        str, typer.Option(help="、".join(f"{k.value} {k.words.zh}" for k in UnitKind))
    ] = "organ",
    name_en: Annotated[str, typer.Option(help="单位英文名称 · Its name in English.")] = "",
    login: Annotated[str, typer.Option(help="管理员账号 · Administrator's log-in.")] = "admin",
    on: Annotated[str, typer.Option(help="业务日期 · Since which day; today if unsaid.")] = "",
    json: Json = False,
) -> None:
    """新建账本：第一个单位及其管理员 · Begin a ledger: its first unit and administrator."""
    terminal = at(ctx, json)
    form = {"name": name, "kind": kind, "name_en": name_en}
    begin(terminal, unit, form, person, person_name, login, on)


@app.command("add")
def add_(
    ctx: typer.Context,
    login: Login,
    person: Person,
    name: Annotated[str, typer.Option("--name", help="姓名 · What the person is called.")],
    unit: Unit,
    role: Annotated[
        list[str],
        typer.Option("--role", help="岗位，可多次，第一个为登录岗位 · Role; repeat for several."),
    ],
    name_en: Annotated[str, typer.Option(help="英文姓名 · The name in English.")] = "",
    locale: Annotated[str, typer.Option(help="界面语言 · Language of the pages: zh, en.")] = "zh",
    since: Annotated[
        str, typer.Option(help="任职起始日 · In office since which day; today if unsaid.")
    ] = "",
    identity: Annotated[list[str] | None, typer.Option(help=cli_identities.HELP)] = None,
    json: Json = False,
) -> None:
    """建立账号 · Open a log-in; the password is asked for, or taken from GONGWU_PASSWORD.

    有统一身份的账号没有本系统的密码 · With an identity it has no password here.
    """
    terminal = at(ctx, json)
    on = day(since, "--since")
    with opened(terminal) as office:
        checked(login, person, name, role)
        known_unit(office, unit)
        if locale not in ("zh", "en"):
            raise Stop(Words("--locale 须为 zh 或 en。", "--locale must be zh or en."), USAGE)
        tied = cli_identities.free(office, identity or (), login)
        console = Actor(person=CONSOLE, unit=unit, role=Role.ADMIN, zone=office.settings.zone)
        # Nobody knows this one: whoever is known elsewhere gives a password there, if anywhere.
        secret = secrets.token_urlsafe() if tied else ""
        who = (login, person, name, unit, role, locale, name_en)
        account = create(terminal, office, *who, console, on, secret)
        for one in tied:
            waits = cli_identities.tie(office, one, account.login)
            terminal.say(*cli_identities.said(account.login, one, waits=waits))


@app.command("list")
def list_(ctx: typer.Context, json: Json = False) -> None:
    """列出可用的账号 · List the log-ins that may sign in."""
    terminal = at(ctx, json)
    with opened(terminal) as office:
        found = office.accounts.all()
        tied = office.signing.identities.all()
        slugs = {login: [one.slug for one in known] for login, known in tied.items()}
        if terminal.json:
            identities = {a.login: slugs.get(a.login, []) for a in found}
            terminal.answer(
                [msgspec.structs.asdict(a) | {"identities": identities[a.login]} for a in found]
            )
            return
        name_of = names(office, terminal)
        people = office.accounts.names(terminal.lang, [a.person for a in found])
        columns = (
            Words("账号", "log-in"),
            Words("姓名", "name"),
            Words("人员标识", "person"),
            Words("单位", "unit"),
            Words("岗位", "roles"),
            *([Words("统一身份", "identity")] if tied else []),
        )
        terminal.table(
            columns,
            [
                [
                    a.login,
                    people.get(a.person, a.person),
                    a.person,
                    name_of("unit", a.unit),
                    roles_told(terminal, a.roles),
                    *([" ".join(slugs.get(a.login, []))] if tied else []),
                ]
                for a in found
            ],
        )


app.command("bind")(cli_identities.bind)
app.command("unbind")(cli_identities.unbind)


@app.command("disable")
def disable(ctx: typer.Context, login: Login, json: Json = False) -> None:
    """停用账号并结束其全部会话 · Close a log-in and end its sessions; the ledger keeps its acts."""
    terminal = at(ctx, json)
    with opened(terminal) as office:
        account = office.accounts.find(login.casefold())
        if account is None:
            raise Stop(
                Words(f"没有可用的账号 {login}。", f"There is no open log-in {login}."), REFUSED
            )
        console = Actor(person=CONSOLE, unit="", role=Role.ADMIN, zone=office.settings.zone)
        with told():
            administering.close(office, console, CLI, login, terminal.told(AT_CONSOLE))
    if terminal.json:
        terminal.answer({"login": login.casefold(), "disabled": True})
    terminal.say(f"账号 {login} 已停用，会话已结束。", f"{login} is closed and signed out.")


Reason = Annotated[str, typer.Option("--reason", help="原因，不写人名 · Why; no names of people.")]


@app.command("reset-password")
def reset_password(ctx: typer.Context, login: Login, reason: Reason, json: Json = False) -> None:
    """重设密码，给出一次性密码 · Give a one-time password, which must be changed at once."""
    terminal = at(ctx, json)
    with opened(terminal) as office, told():
        console = Actor(person=CONSOLE, unit="", role=Role.ADMIN, zone=office.settings.zone)
        password = administering.reset_password(office, console, CLI, login, reason)
    if terminal.json:
        terminal.answer({"login": login.casefold(), "one_time_password": password})
    terminal.say(
        f"账号 {login} 的一次性密码：{password}（登录后须修改）",
        f"One-time password of {login}: {password} (to be changed at the first sign-in)",
    )


@app.command("reset-factor")
def reset_factor(ctx: typer.Context, login: Login, reason: Reason, json: Json = False) -> None:
    """解除第二因素（手机丢失时）· Take off a second factor whose device is lost."""
    terminal = at(ctx, json)
    with opened(terminal) as office, told():
        console = Actor(person=CONSOLE, unit="", role=Role.SECURITY, zone=office.settings.zone)
        administering.reset_factor(office, console, CLI, login, reason)
    if terminal.json:
        terminal.answer({"login": login.casefold(), "second_factor": False})
    terminal.say(
        f"账号 {login} 的第二因素已解除，登录已全部退出。",
        f"{login} has no second factor any more and is signed out everywhere.",
    )


@app.command("name")
def name_(
    ctx: typer.Context,
    person: Annotated[str, typer.Argument(help="人员标识 · Person id, e.g. u_wang.")],
    name: Annotated[str, typer.Option("--name", help="姓名 · What the person is called.")],
    name_en: Annotated[str, typer.Option(help="英文姓名 · The name in English.")] = "",
    json: Json = False,
) -> None:
    """登记或更改姓名 · Say what a person is called, now or from now on."""
    terminal = at(ctx, json)
    fits(person, "--person")
    if not 1 <= len(name) <= NAME_CHARS_MAX:
        raise Stop(Words("姓名为空或过长。", "The name is empty or too long."), USAGE)
    with opened(terminal) as office:
        office.accounts.introduce(person, name, name_en)
        console = Actor(person=CONSOLE, unit="", role=Role.ADMIN, zone=office.settings.zone)
        bind_name(office, person, console)
    if terminal.json:
        terminal.answer({"person": person})
    terminal.say(f"{person} 的姓名已登记。", f"The name of {person} is kept.")


@app.command("forget")
def forget(
    ctx: typer.Context,
    person: Annotated[str, typer.Argument(help="人员标识 · Person id, e.g. u_wang.")],
    json: Json = False,
) -> None:
    """删除一人的姓名（个人信息保护法第47条）· Erase what a person is called; the id stays."""
    terminal = at(ctx, json)
    with opened(terminal) as office:
        if not office.accounts.names(terminal.lang, [person]):
            raise Stop(
                Words(f"人员名册中没有 {person}。", f"The directory does not know {person}."),
                REFUSED,
            )
        office.accounts.erase(person)
    if terminal.json:
        terminal.answer({"person": person, "erased": True})
    terminal.say(
        f"{person} 的姓名已删除；账本只有标识，一字未改。",
        f"The name of {person} is erased; the ledger holds only the id and is unchanged.",
    )


# What they do -------------------------------------------------------------------


@contextmanager
def told() -> Iterator[None]:
    """Say why an act on a log-in cannot be."""
    try:
        yield
    except administering.Unknown as unknown:
        said = Words(f"没有账号 {unknown}。", f"There is no log-in {unknown}.")
        raise Stop(said, REFUSED) from None
    except administering.Unfit as why:
        raise Stop(why.words, REFUSED) from None
    except Refused as refused:
        raise Stop(Words(refused.sentence("zh"), refused.sentence("en")), REFUSED) from None


def begin(
    terminal: Terminal,
    unit: str,
    form: dict[str, str],
    person: str,
    person_name: str,
    login: str,
    on: str,
) -> None:
    """Establish the first unit in the name of its administrator, and open their log-in."""
    checked(login, person, person_name, [Role.ADMIN])
    fits(unit, "--unit")
    if form["kind"] not in {kind.value for kind in UnitKind}:
        kinds = "、".join(UnitKind)
        raise Stop(Words(f"--kind 须为：{kinds}。", f"--kind is one of {kinds}."), USAGE)
    since = day(on, "--on")
    with opened(terminal, must_exist=False) as office:
        if office.accounts.all():
            raise Stop(
                Words(
                    "这个账本已有账号。新账号用 gongwu account add，新单位用 gongwu do unit/标识"
                    " establish。",
                    "This ledger has log-ins already. Open more with gongwu account add, and"
                    " establish units with gongwu do unit/ID establish.",
                )
            )
        password = new_password(terminal)
        actor = Actor(person=person, unit=unit, role=Role.ADMIN, zone=office.settings.zone)
        office.ask(
            f"unit/{unit}",
            "establish",
            form,
            actor,
            on=date.fromisoformat(since) if since else None,
            channel="cli",
        )
        terminal.say(f"已建立单位 {unit}：{form['name']}", f"Established {unit}: {form['name']}")
        roles = [Role.ADMIN]
        create(
            terminal,
            office,
            login,
            person,
            person_name,
            unit,
            roles,
            "zh",
            "",
            actor,
            since,
            password,
        )


def create(
    terminal: Terminal,
    office: Office,
    login: str,
    person: str,
    name: str,
    unit: str,
    roles: Sequence[str],
    locale: str,
    name_en: str,
    by: Actor,
    since: str,
    password: str = "",
) -> Account:
    """Write down which roles a person has, open their log-in, and say so."""
    if office.accounts.taken(login):
        raise Stop(
            Words(
                f"账号 {login} 已经存在（停用的账号名也不再用）。",
                f"The log-in {login} exists already (a closed one is not used again).",
            )
        )
    password = password or new_password(terminal)
    appoint(office, person, unit, roles, by, since)
    try:
        account = office.accounts.create(
            login, password, person, name, unit, dict.fromkeys(roles), locale, name_en=name_en
        )
    except ValueError:  # somebody else opened it at the same moment
        said = Words(f"账号 {login} 已经存在。", f"The log-in {login} exists already.")
        raise Stop(said) from None
    bind_name(office, person, by)
    administering.note(office, by, "open_log_in", {"person": person, "unit": unit}, CLI)
    if terminal.json:
        terminal.answer(account)
    told = roles_told(terminal, account.roles)
    called = office.called(unit, terminal.lang)
    terminal.say(
        f"已建立账号 {account.login}：{name}（{person}），{called}，岗位：{told}",
        f"Opened {account.login}: {name_en or name} ({person}), {called}, as {told}",
    )
    return account


def bind_name(office: Office, person: str, by: Actor) -> None:
    """Record the commitment to what a person is called, unless the ledger has it already."""
    stream = f"person/{person}"
    if office.accounts.bound_name(person) != office.book.stream(stream).state.name:
        office.ask(stream, "record_name", {}, by, channel="cli")


def appoint(
    office: Office, person: str, unit: str, roles: Sequence[str], by: Actor, since: str
) -> None:
    """Record the roles that the ledger does not know of yet, all or none."""
    on = date.fromisoformat(since) if since else office.today(by.zone)
    stream = f"person/{person}"
    state = office.book.stream(stream).state
    missing = [role for role in dict.fromkeys(roles) if not state.may(on, unit, role)]
    rules = office.rules_for(unit, on)
    requests = [
        (
            stream,
            "propose_role" if role in rules.confirmed_roles else "assign",
            {"unit": unit, "post": role},
        )
        for role in missing
    ]
    if not requests:
        return
    if by.person == CONSOLE:
        by = msgspec.structs.replace(by, role=administering.grants(rules))
    try:
        office.ask_many(requests, by, on=on, channel="cli")
    except Refused as refused:
        raise Stop(Words(refused.sentence("zh"), refused.sentence("en"))) from None


def checked(login: str, person: str, name: str, roles: Sequence[str]) -> None:
    """Stop unless log-in, person, name and roles can be what they say."""
    if not LOGIN.fullmatch(login):
        raise Stop(
            Words(
                "账号为 1 至 80 个字符，不含空白和冒号。",
                "A log-in has 1 to 80 characters, no spaces and no colon.",
            ),
            USAGE,
        )
    fits(person, "--person")
    if not 0 < len(name.strip()) <= NAME_CHARS_MAX:
        raise Stop(Words("请写明姓名。", "Say what the person is called."), USAGE)
    known = [role.value for role in Role]
    unknown = [role for role in roles if role not in known]
    if unknown:
        listed, there_are = (
            "、".join(unknown),
            "、".join(f"{r.value}（{r.words.zh}）" for r in Role),
        )
        raise Stop(
            Words(
                f"没有岗位 {listed}；有：{there_are}。",
                f"No such role: {', '.join(unknown)}. There are {', '.join(known)}.",
            ),
            USAGE,
        )


def fits(id_: str, option: str) -> None:
    """Stop unless a text can be an id."""
    if not re.search(ID, id_):
        raise Stop(
            Words(
                f"{option} 须为标识：字母或数字开头，可含 _ . ~ -，最多 80 个字符。",
                f"{option} must be an id: letters, digits and _ . ~ -, at most 80 characters.",
            ),
            USAGE,
        )


def known_unit(office: Office, unit: str) -> None:
    """Stop unless the unit is in the directory: a mistyped id would be acted for, too."""
    fits(unit, "--unit")
    assert EXISTS.holds is not None
    state = office.book.stream(f"unit/{unit}").state
    if not EXISTS.holds(state, None):  # type: ignore[arg-type] # asks the state alone
        raise Stop(
            Words(
                f"单位 {unit} 不存在或已撤销。先建立：gongwu do unit/{unit} establish --as 管理员"
                " --name 名称 --kind organ",
                f"There is no unit {unit}, or it is dissolved. Establish it first: gongwu do"
                f" unit/{unit} establish --as ADMIN --name NAME --kind organ",
            )
        )


def new_password(terminal: Terminal) -> str:
    """Return the password of a new log-in: the environment's, or typed twice."""
    password = os.environ.get("GONGWU_PASSWORD", "")
    if not password:
        if not sys.stdin.isatty():
            raise Stop(
                Words(
                    "没有终端可以输入密码；请设环境变量 GONGWU_PASSWORD。",
                    "There is no terminal to ask for the password; set GONGWU_PASSWORD.",
                ),
                USAGE,
            )
        password = getpass.getpass(terminal.told(Words("新账号的密码：", "New password: ")))
        if getpass.getpass(terminal.told(Words("再输一遍：", "Once more: "))) != password:
            raise Stop(Words("两次输入不一致。", "The two passwords differ."), USAGE)
    if not PASSWORD_CHARS_MIN <= len(password) <= PASSWORD_CHARS_MAX:
        raise Stop(
            Words(
                f"密码须为 {PASSWORD_CHARS_MIN} 至 {PASSWORD_CHARS_MAX} 个字符。",
                f"A password has {PASSWORD_CHARS_MIN} to {PASSWORD_CHARS_MAX} characters.",
            ),
            USAGE,
        )
    return password


def roles_told(terminal: Terminal, roles: Sequence[str]) -> str:
    """Return roles in words."""
    return "、".join(terminal.told(Words.of(role)) for role in roles)
