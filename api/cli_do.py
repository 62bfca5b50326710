"""Change the ledger from the command line: any verb, and imports; the declarations say how."""

from __future__ import annotations

import getpass
import os
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from api import entrance, forms
from api.accounts import Account, Post, Stage
from api.cli_read import names, opened
from api.cli_terminal import REFUSED, USAGE, Stop, Terminal
from api.office import Actor, Office
from api.pages_telling import tell
from domain.decider import LIFECYCLES, UNKNOWN_VERB, Verb
from domain.words import Words
from ledger.book import new_id

TYPES = {
    "text": Words("文字", "text"),
    "long": Words("长文字", "long text"),
    "date": Words("日期 YYYY-MM-DD", "date YYYY-MM-DD"),
    "money": Words("金额（元）", "amount (yuan or dollars)"),
    "int": Words("整数", "integer"),
    "quantity": Words("数量", "quantity"),
    "bool": Words("是/否", "yes or no"),
    "unit": Words("单位标识", "unit id"),
    "person": Words("人员标识", "person id"),
    "place": Words("地点标识", "place id"),
    "asset": Words("资产标识", "asset id"),
    "stream": Words("种类/编号", "kind/id"),
    "assets": Words("资产标识，可多次或以逗号分隔", "asset ids, repeated or comma-separated"),
    "choices": Words("可多次或以逗号分隔", "repeated or comma-separated"),
    "units": Words("单位标识，可多次或以逗号分隔", "unit ids, repeated or comma-separated"),
}


def do(
    terminal: Terminal,
    stream: str,
    verb: str,
    options: Sequence[str],
    *,
    login: str,
    role: str,
    on: str,
    key: str,
    expected: int,
) -> None:
    """Ask for one verb in the name of a log-in and show what was recorded."""
    asked = find(stream, verb)
    kind, _, id_ = stream.partition("/")
    key = key or secrets.token_hex(16)
    stream = f"{kind}/{new_id()}" if id_ == "new" else stream
    pairs = read(asked, options)
    day, docs = forms.occasion_html([*pairs, ("on", on)])
    form = forms.parse_html(asked, pairs)
    with opened(terminal, must_exist=True) as office:
        actor = sign_in(terminal, office, login, role)
        receipt = office.ask(
            stream,
            verb,
            form,
            actor,
            on=day,
            docs=docs,
            key=key,
            expected={stream: expected} if expected >= 0 else None,
            channel="cli",
        )
        entries = list(office.book.entries(receipt.first, receipt.last))
        name_of = names(office, terminal)
        told = [(e.stream, e.seq, tell(e.event, terminal.lang, name_of)) for e in entries]
    if terminal.json:
        terminal.answer(
            {
                "stream": stream,
                "cause": receipt.cause,
                "first": receipt.first,
                "last": receipt.last,
                "recorded_at": receipt.recorded_at,
                "replayed": receipt.replayed,
                "key": key,
                "entries": [{"stream": s, "seq": n, "sentence": text} for s, n, text in told],
            }
        )
        return
    for name, seq, text in told:
        terminal.say(f"已记入 {name} 第 {seq} 条：{text}", f"Recorded {name} entry {seq}: {text}")


def preview(
    terminal: Terminal,
    stream: str,
    verb: str,
    options: Sequence[str],
    *,
    login: str,
    role: str,
    on: str,
) -> None:
    """Show what a verb would record, and what to read before it is asked; record nothing."""
    asked = find(stream, verb)
    kind, _, id_ = stream.partition("/")
    stream = f"{kind}/{new_id()}" if id_ == "new" else stream
    pairs = read(asked, options)
    day, docs = forms.occasion_html([*pairs, ("on", on)])
    form = forms.parse_html(asked, pairs)
    with opened(terminal, must_exist=True) as office:
        actor = sign_in(terminal, office, login, role)
        drafts = office.preview([(stream, verb, form)], actor, on=day, docs=docs)
        name_of = names(office, terminal)
        told = [(d, tell(d.event, terminal.lang, name_of)) for d in drafts]
    warnings = [text for draft, text in told if draft.event.warns]
    if terminal.json:
        entries = [{"stream": d.stream, "seq": d.seq, "sentence": text} for d, text in told]
        terminal.answer(
            {"dry_run": True, "stream": stream, "warnings": warnings, "entries": entries}
        )
        return
    for draft, text in told:
        terminal.say(
            f"将记入 {draft.stream} 第 {draft.seq} 条：{text}",
            f"Would record {draft.stream} entry {draft.seq}: {text}",
        )
    for text in warnings:
        terminal.say(f"请先阅读：{text}", f"Read this first: {text}")


def find(stream: str, verb: str) -> Verb:
    """Return the verb of a stream's kind; Stop with what there is instead."""
    kind, _, id_ = stream.partition("/")
    if kind not in LIFECYCLES or not id_:
        kinds = "、".join(f"{k}/{life.words.zh}" for k, life in LIFECYCLES.items())
        raise Stop(
            Words(
                f"请写成 种类/编号，例如 asset/7Q2K；种类有：{kinds}。新建时编号写 new。",
                f"Write KIND/ID, e.g. asset/7Q2K; kinds are {', '.join(LIFECYCLES)}. A new one: ID"
                " is new.",
            ),
            USAGE,
        )
    found = LIFECYCLES[kind].verbs.get(verb)
    if found is None or found.inner:
        offered = [v for v in LIFECYCLES[kind].verbs.values() if not v.inner]
        refusal = UNKNOWN_VERB.broken(verb=verb)
        raise Stop(
            Words(
                refusal.sentence("zh")
                + "可用："
                + "、".join(f"{v.name}（{v.zh}）" for v in offered),
                f"{refusal.sentence('en')} There are: {', '.join(v.name for v in offered)}.",
            ),
            USAGE,
        )
    return found


def read(verb: Verb, options: Sequence[str]) -> list[tuple[str, str]]:
    """Read `--field value`, `--field=value` and, for yes or no, a bare `--field`."""
    known = {f.name.replace("_", "-"): f for f in asked_of(verb)}
    found: list[tuple[str, str]] = []
    faults: list[forms.Fault] = []
    rest = list(options)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.removeprefix("--").partition("=")
        field = known.get(name.replace("_", "-"))
        if not word.startswith("--") or field is None:
            options_ = "、".join(f"--{k}" for k in known)
            faults.append(
                forms.Fault(
                    name,
                    Words(
                        f"没有这个选项；可用：{options_}", f"No such option; there are {options_}"
                    ),
                )
            )
            if rest and not rest[0].startswith("--"):
                rest.pop(0)
            continue
        if not equals and field.type == "bool" and (not rest or rest[0].startswith("--")):
            value = "true"
        elif not equals:
            if not rest:
                faults.append(forms.Fault(name, forms.REQUIRED))
                continue
            value = rest.pop(0)
        found.append((field.name, value))
    if faults:
        raise forms.Invalid(faults)
    return found


def asked_of(verb: Verb) -> tuple[forms.Field, ...]:
    """Return all that a command may say: its own questions, what to empty, day and paper."""
    return (*forms.fields(verb), *forms.clearing(verb), *forms.COMMON)


def sign_in(terminal: Terminal, office: Office, login: str, role: str) -> Actor:
    """Return who acts; every entry names a person, so the command asks for a password, too."""
    login = login or os.environ.get("GONGWU_LOGIN", "")
    if not login:
        raise Stop(
            Words(
                "请用 --as 指明账号（或设环境变量 GONGWU_LOGIN）；每条记录都要有经办人。",
                "Say who you are: --as LOGIN (or set GONGWU_LOGIN); every entry names a person.",
            ),
            USAGE,
        )
    password = os.environ.get("GONGWU_PASSWORD") or _ask_password(terminal)
    account = office.accounts.check(login, password)
    if account is None:
        raise Stop(Words("账号或密码不对。", "Wrong log-in or password."), REFUSED)
    refuse_unfinished(terminal, office, account)
    posts = office.posts(account)
    wanted = Post.read(role) if role else next(iter(posts), Post(unit="", role=""))
    actor = office.acting(account, wanted, terminal.lang)
    if actor is None:
        granted = "、".join(post.slug for post in posts)
        raise Stop(
            Words(
                f"账号 {login} 没有岗位 {role}；有：{granted}。",
                f"{login} has the roles {granted}.",
            ),
            USAGE,
        )
    return actor


def refuse_unfinished(terminal: Terminal, office: Office, account: Account) -> None:
    """Ask for the code of a second factor; stop where the pages must be visited first."""
    missing = entrance.missing(office, account)
    if missing is Stage.CODE:
        code = os.environ.get("GONGWU_CODE", "")
        if not code and sys.stdin.isatty():
            code = getpass.getpass(terminal.told(Words("验证码：", "Code: ")))
        if not code or not office.accounts.passes(account.login, code):
            raise Stop(
                Words(
                    "此账号有第二因素：请输入验证码（或设环境变量 GONGWU_CODE）；每个验证码只能用一次。",
                    "This log-in has a second factor: type its code (or set GONGWU_CODE); each code"
                    " is taken once.",
                ),
                REFUSED,
            )
        missing = entrance.missing(office, account, (Stage.CODE,))
    if missing is not None:
        raise Stop(
            Words(
                f"请先登录页面：{missing.words.zh}。",
                f"Sign in to the pages first: {missing.words.en}.",
            ),
            REFUSED,
        )


def _ask_password(terminal: Terminal) -> str:
    if not sys.stdin.isatty():
        raise Stop(
            Words(
                "没有终端可以输入密码；请设环境变量 GONGWU_PASSWORD。",
                "There is no terminal to ask for the password; set GONGWU_PASSWORD.",
            ),
            USAGE,
        )
    return getpass.getpass(terminal.told(Words("密码：", "Password: ")))


def explain(terminal: Terminal, stream: str, verb: str) -> None:
    """Show which verbs there are, or what one of them asks."""
    kind = stream.partition("/")[0]
    if verb and kind in LIFECYCLES:
        asked = find(stream if "/" in stream else f"{stream}/new", verb)
        terminal.say(f"{asked.zh}：gongwu do {kind}/编号 {verb} --as 账号", asked.help)
        rows = [_row(terminal, f) for f in asked_of(asked)]
        columns = (
            Words("选项", "option"),
            Words("名称", "name"),
            Words("必填", "required"),
            Words("写法", "how to write it"),
        )
        terminal.table(columns, rows)
        return
    rows = [
        [f"{k}/编号" if terminal.lang == "zh" else f"{k}/ID", v.name, terminal.told(v.words)]
        for k, life in LIFECYCLES.items()
        for v in life.verbs.values()
        if not v.inner and kind in ("", k)
    ]
    terminal.say(
        "用法：gongwu do 种类/编号 事项 --as 账号 --字段 值 …（新建时编号写 new）",
        "Usage: gongwu do KIND/ID VERB --as LOGIN --field value … (ID is new for a new one)",
    )
    terminal.table([Words("记录", "stream"), Words("事项", "verb"), Words("名称", "name")], rows)


def _row(terminal: Terminal, field: forms.Field) -> list[str]:
    if field.choices:
        how = "、".join(f"{v}（{terminal.told(w)}）" for v, w in field.choices)
    elif field.type == "rows":
        asked = " ".join(terminal.told(c.words) for c in field.columns if c.required)
        how = terminal.told(Words(f"“{asked}”，可多次", f"“{asked}”, repeated"))
    else:
        how = terminal.told(TYPES[field.type])
    needed = Words("是", "yes") if field.required else Words("", "")
    default = f" = {field.default}" if field.default is not None else ""
    option = f"--{field.name.replace('_', '-')}{default}"
    return [option, terminal.told(field.words), terminal.told(needed), how]


def import_(terminal: Terminal, files: Sequence[Path]) -> None:
    """Import each file; say for each what it added. Nothing is added twice."""
    from api import importing
    from api.reading_problems import Unreadable

    missing = [str(f) for f in files if not f.is_file()]
    if missing:
        listed = "、".join(missing)
        raise Stop(Words(f"没有这些文件：{listed}", f"No such file: {listed}"), USAGE)
    reports: list[Any] = []
    with opened(terminal, must_exist=False) as office:
        for file in files:
            with terminal.progress(Words(f"导入 {file.name}", f"Importing {file.name}")) as tick:

                def told(zh: str, en: str, done: int, total: int) -> None:
                    tick(done, total, Words(zh, en))

                try:
                    report = importing.run(office.book, file, told)
                except Unreadable as error:
                    said = Words(error.in_chinese(), error.in_english())
                    raise Stop(said, REFUSED) from error
            with terminal.progress(Words("更新列表", "Bringing lists up to date")) as projected:
                office.models.catch_up(office.book, projected)
            reports.append(report)
            terminal.say(
                f"{report.file}：{report.rows:,} 行，新增 {report.added:,} 行（{report.events:,} 条记录），"
                f"此前已导入 {report.skipped:,} 行。",
                f"{report.file}: {report.rows:,} rows, {report.added:,} added ({report.events:,}"
                f" entries), {report.skipped:,} imported before.",
            )
            for zh, en in report.notes:
                terminal.say(f"  {zh}", f"  {en}")
    if terminal.json:
        terminal.answer(reports)
