"""The auditor's five questions on the command line: each answer, and the entries it rests on."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from api.cli_read import names, opened
from api.cli_terminal import Json, Terminal, at
from api.pages_telling import NameOf
from domain.words import TERMS, Words
from ledger import questions
from ledger.questions import Answer, Line, Sample

LINES_SHOWN = 12
PIECES_MAX = 10_000
WHY = {
    "not-proposed": Words("没有提议", "never proposed"),
    "unit-unknown": Words("单位未登记", "unit unknown"),
    "unit-dissolved": Words("单位已撤销", "unit dissolved"),
    "unit-expired": Words("临时机构已期满", "temporary body expired"),
    "no-role": Words("申请人当日在该单位无岗位", "no role in the unit on the day"),
}


def five_questions(
    ctx: typer.Context,
    seed: Annotated[
        str, typer.Option(help="抽样种子，同一种子抽同样的件 · The same seed picks the same.")
    ] = "",
    pick: Annotated[
        int, typer.Option(help="抽取件数 · How many disposals.", min=1, max=PIECES_MAX)
    ] = questions.PICKED,
    every: Annotated[bool, typer.Option("--every", help="列出全部依据 · Every line.")] = False,
    json: Json = False,
) -> None:
    """由条目回答审计五问，并列出所依据的条目 · Answer the auditor's five questions, with the entries."""
    terminal = at(ctx, json)
    with opened(terminal) as office:
        sample, answers = questions.five(office.book, seed=seed, picked=pick)
        name_of = names(office, terminal)
    if terminal.json:
        terminal.answer(told(sample, answers))
        return
    terminal.say(
        f"账本{sample.size:,}条；处置{sample.of:,}件，抽取{len(sample.pieces):,}件（种子“{seed}”）。",
        f"{sample.size:,} entries; {sample.of:,} disposals, {len(sample.pieces):,} picked (seed"
        f" “{seed}”).",
    )
    if sample.registers:
        terminal.say(
            f"另有公开登记册中的{sample.registers:,}件，其中未载批准，不在抽样之内。",
            f"{sample.registers:,} more are in published registers that name no approval; left out.",
        )
    for answer in answers:
        _tell(terminal, answer, name_of, every=every)


def told(sample: Sample, answers: tuple[Answer, ...]) -> dict[str, Any]:
    """Return the answers for programs."""
    return {
        "size": sample.size,
        "seed": sample.seed,
        "of": sample.of,
        "picked": len(sample.pieces),
        "registers": sample.registers,
        "answers": answers,
    }


def _tell(terminal: Terminal, answer: Answer, name_of: NameOf, *, every: bool) -> None:
    verdict = Words("是", "yes") if answer.good else Words("否", "no")
    if not answer.good and any(line.good for line in answer.lines):
        verdict = Words("不全是", "not all")
    if answer.number == 1:  # where the good answer is no
        verdict = Words("不能", "no") if answer.good else Words("能", "yes")
    terminal.say(
        f"\n{answer.number}. {answer.question.zh} {verdict.zh}。{answer.said.zh}",
        f"\n{answer.number}. {answer.question.en} {verdict.en.capitalize()}. {answer.said.en}",
    )
    lines = sorted(answer.lines, key=lambda line: line.good)
    shown = lines if every else lines[:LINES_SHOWN]
    heads = (
        Words("对象", "about"),
        Words("结论", "good"),
        Words("说明", "said"),
        Words("条目", "entries"),
    )
    if shown:
        terminal.table(heads, [_line(terminal, answer.number, line, name_of) for line in shown])
    if len(shown) < len(lines):
        left = len(lines) - len(shown)
        terminal.say(f"另有{left:,}行，用 --every 列出。", f"{left:,} more with --every.")


def _line(terminal: Terminal, number: int, line: Line, name_of: NameOf) -> list[str]:
    kind, _, id_ = line.about.partition("/")
    about = name_of(kind, id_) if kind == "person" else line.about
    mark = Words("✔", "✔") if line.good else Words("✘", "✘")
    entries = ", ".join(str(position) for position in line.entries[:8])
    more = "…" if len(line.entries) > 8 else ""
    return [about, mark.zh, _said(terminal, number, line, name_of), entries + more]


def _said(terminal: Terminal, number: int, line: Line, name_of: NameOf) -> str:
    zh, said, good = terminal.lang == "zh", line.said, line.good
    match number:
        case 1:
            return (
                f"经手{said['took']}条，红冲{said['reversed']}条"
                if zh
                else f"took {said['took']}, reversed {said['reversed']}"
            )
        case 2:
            steps = " → ".join(
                f"{terminal.told(questions.WORDS[step])} {on}" for step, on in said["steps"].items()
            )
            missing = "、".join(terminal.told(questions.WORDS[s]) for s in said["missing"])
            open_ = "、".join(terminal.told(questions.WORDS[s]) for s in said["open"])
            steps += (f"；缺：{missing}" if zh else f"; missing: {missing}") if missing else ""
            return steps + ((f"；待办：{open_}" if zh else f"; ahead: {open_}") if open_ else "")
        case 3:
            also = "、".join(terminal.told(TERMS[duty]) for duty in said["also"])
            who = name_of("person", said["reconciler"])
            return who + ((f"；同时：{also}" if zh else f"; also: {also}") if also else "")
        case 4:
            why = WHY.get(said["why"])
            who = f"{name_of('unit', said.get('unit', ''))} {name_of('person', said.get('person', ''))}"
            return (
                f"{who} {said.get('on', '')} {terminal.told(why) if why else said['why']}".strip()
            )
        case _:
            days = said["days"]
            listed = f"上架{days}天" if zh else f"listed for {days} days"
            if not days and not good:
                listed = "没有上架" if zh else "never listed"
            tried = f"；其他尝试{said['tried']}次" if zh else f"; other ways tried: {said['tried']}"
            return f"{said['sold_on']} {listed}{tried if said['tried'] else ''}"
