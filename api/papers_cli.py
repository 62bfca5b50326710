"""Papers from the command line: one form of one stream, as a file."""

from __future__ import annotations

from api import papers
from api.cli_read import day, opened, target
from api.cli_terminal import USAGE, Stop, Terminal
from domain.decider import LIFECYCLES
from domain.paper_forms import PaperForm
from domain.words import Words
from labels import paper, qr
from projections.scope import EVERYTHING


def print_(terminal: Terminal, name: str, form: str, to: str, at: int, as_of: str) -> None:
    """Write a paper as PDF; Stop when there is none, or when it cannot be printed."""
    kind = name.partition("/")[0]
    on = day(as_of, "--as-of")
    known = papers.forms_of(kind) if kind in LIFECYCLES else []
    if form not in known:
        offered = "、".join(f.value for f in known) or "—"
        raise Stop(
            Words(
                f"“{name}”没有“{form}”这种文书。可以打印：{offered}。",
                f"“{name}” has no paper called “{form}”. It has: {offered.replace('、', ', ')}.",
            ),
            USAGE,
        )
    with opened(terminal) as office:
        stream = office.book.stream(name)
        if not stream.entries:
            raise Stop(Words(f"没有这条记录：{name}", f"No such record: {name}"))
        try:
            if form == PaperForm.STOCKTAKE:
                on = on or office.today().isoformat()
                made = papers.counted(office, EVERYTHING, stream, on, terminal.lang)
            else:
                made = papers.printed(office, stream, form, terminal.lang, at=at or None)
            written = paper.pdf(made)
        except (papers.NoPaper, paper.TooLong, qr.DoesNotFit) as refused:
            raise Stop(Words(refused.zh, refused.en)) from None
        with target(to) as file:
            file.write(written)
    if to == "-":
        return
    if terminal.json:
        terminal.answer({"file": to, "paper": made.identity, "title": made.title})
    terminal.say(f"已写入 {to}：{made.title}", f"Written to {to}: {made.title}")
