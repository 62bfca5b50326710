"""What every command shares: language, JSON or tables, progress, and exit codes scripts can trust."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Annotated, Any, NoReturn, Protocol

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text
from typer.core import TyperGroup

from api import problems, settings_file
from api.forms import Fault, Invalid, Malformed
from domain.decider import Lang, Refused
from domain.words import Words, in_language
from ledger.act import Conflict, KeyReused, Unavailable, Unsafe
from ledger.entry import Corrupt, TooLarge
from ledger.notes import Unproven

OK, REFUSED, USAGE, UNAVAILABLE, CONFLICT = range(5)
EXIT_CODES = Words(
    "退出码：0 成功；1 被规则拒绝或检查未通过；2 用法有误；3 账本暂不可用（数据库、磁盘、端口）；"
    "4 版本冲突。",
    "Exit codes: 0 done; 1 refused by a rule, or a check failed; 2 wrong usage; 3 the ledger cannot"
    " be used now (database, disk, port); 4 version conflict.",
)
Json = Annotated[bool, typer.Option("--json", help="以 JSON 输出 · Answer as JSON.")]


class Tick(Protocol):
    """Told how much is done and of how much (0: nobody knows), and what it is when that changes."""

    def __call__(self, done: int, total: int, words: Words | None = None) -> None: ...


class Stop(Exception):
    """A command ends here: what to say, and the exit code."""

    def __init__(self, words: Words, code: int = REFUSED) -> None:
        super().__init__(words.en)
        self.words, self.code = words, code


class Terminal:
    """One run of the command: where it writes, in which language, on which database."""

    def __init__(self, *, lang: Lang, json: bool = False, database: str = "") -> None:
        self.lang: Lang = lang
        self.json, self.database = json, database

    @cached_property
    def out(self) -> Console:
        """Return standard output; without a screen, lines are as long as they are."""
        width = None if sys.stdout.isatty() else 200
        return Console(file=sys.stdout, width=width, highlight=False, soft_wrap=width is not None)

    @cached_property
    def err(self) -> Console:
        return Console(file=sys.stderr, highlight=False, soft_wrap=True)

    def told(self, words: Words) -> str:
        """Return words in the reader's language."""
        return in_language(words.zh, words.en, self.lang)

    def say(self, zh: str, en: str) -> None:
        """Write one sentence, unless the answer is JSON."""
        if not self.json:
            self.out.print(Text(self.told(Words(zh, en))))

    def answer(self, value: Any) -> None:
        """Write the answer as JSON."""
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
        sys.stdout.buffer.flush()

    def table(self, columns: Sequence[Words], rows: Sequence[Sequence[str]]) -> None:
        """Write a table."""
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in columns:
            table.add_column(Text(self.told(column)), overflow="fold")
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        self.out.print(table)

    @contextmanager
    def progress(self, words: Words) -> Iterator[Tick]:
        """Show how far a long task is, on the screen's error channel."""
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=self.err,
            disable=self.json or not self.err.is_terminal,
        )
        with bar:
            task = bar.add_task(self.told(words), total=None)

            def tick(done: int, total: int, words: Words | None = None) -> None:
                said = {"description": self.told(words)} if words else {}
                bar.update(task, completed=done, total=total or None, **said)  # type: ignore[arg-type] # a text

            yield tick

    def end(self, code: int) -> NoReturn:
        """End with an exit code; everything was said."""
        raise typer.Exit(code)

    def fail(self, words: Words, code: int, document: Mapping[str, Any] | None = None) -> NoReturn:
        """Say what went wrong, and end with an exit code."""
        if self.json:
            self.answer(document or {"detail": self.told(words), "exit": code})
        else:
            self.err.print(Text(self.told(words)))
        raise typer.Exit(code)


def at(ctx: typer.Context, json: bool) -> Terminal:
    """Return the terminal of this run; `--json` may stand before or after the command."""
    terminal: Terminal = ctx.obj
    terminal.json = terminal.json or json
    return terminal


def language(given: str = "") -> Lang:
    """Return the language asked for, else the environment's; Chinese unless that says English."""
    asked = given or os.environ.get("GONGWU_LANG", "")
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        asked = asked or os.environ.get(name, "")
    return "en" if asked.lower().startswith("en") else "zh"


class Doors(TyperGroup):
    """The command line as a door: every trouble becomes a sentence and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        with troubles(lambda: ctx.find_object(Terminal) or Terminal(lang=language())):
            settings_file.load()
            return super().invoke(ctx)


@contextmanager
def troubles(terminal: Callable[[], Terminal]) -> Iterator[None]:
    """Turn what rules, people and disks do into a sentence and an exit code."""
    try:
        yield
    except Stop as stop:
        terminal().fail(stop.words, stop.code)
    except (Refused, Conflict, KeyReused, Invalid, Malformed, TooLarge, Unavailable) as error:
        problem = problems.of(error)
        code = _code(error)
        if isinstance(error, Invalid):
            problem.detail = faults(error.faults)
        lang = terminal().lang
        terminal().fail(problem.detail, code, problem.document(lang) | {"exit": code})
    except Unproven as error:
        terminal().fail(error.words, REFUSED)
    except Unsafe as error:
        said = Words(
            f"数据库设置不安全，拒绝使用：{error}", f"The database is not safe to use: {error}"
        )
        terminal().fail(said, UNAVAILABLE)
    except Corrupt as error:
        said = Words(
            f"账本内容自相矛盾，已停止：{error}。请运行 gongwu verify，并从备份恢复。",
            f"The ledger contradicts itself: {error}. Run gongwu verify and restore a backup.",
        )
        terminal().fail(said, REFUSED)
    except BrokenPipeError:
        # The reader (`head`) has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(OK) from None


def _code(error: Exception) -> int:
    match error:
        case Conflict():
            return CONFLICT
        case Unavailable():
            return UNAVAILABLE
        case Invalid() | Malformed() | TooLarge():
            return USAGE
        case _:
            return REFUSED


def faults(found: Sequence[Fault]) -> Words:
    """Return every fault on its own line, by the name of its option."""
    return Words(
        "\n".join(f"--{f.path.replace('_', '-')}：{f.words.zh}" for f in found),
        "\n".join(f"--{f.path.replace('_', '-')}: {f.words.en}" for f in found),
    )


def quiet() -> None:
    """Let only warnings through, on the error channel."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
