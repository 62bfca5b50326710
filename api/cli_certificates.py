"""Search certificates on the command line: what they say, and whether the log says it again."""

from __future__ import annotations

from typing import Annotated

import typer

from api import certifying
from api.certifying import Said
from api.cli_read import names, opened
from api.cli_terminal import REFUSED, USAGE, Json, Stop, at
from domain.words import Words, in_words

SAME = Words("与账本一致", "the same as the log")
DIFFERS = Words("与账本不一致", "NOT what the log says")
HEADS = (
    Words("条目", "entry"),
    Words("行", "line"),
    Words("查询日期", "searched on"),
    Words("账本位置", "position"),
    Words("查询条件", "query"),
    Words("查到", "found"),
    Words("待答复", "to answer"),
    Words("摘要", "digest"),
    Words("重新查询", "searched again"),
    Words("不能据以购置的原因", "why nothing can be bought on it"),
)


def certificates(
    ctx: typer.Context,
    plan: Annotated[str, typer.Argument(help="配置计划，如 plan/7Q2K · A plan, plan/ID.")],
    line: Annotated[int, typer.Option(help="计划行 · Line of the plan.", min=0)] = 0,
    entry: Annotated[int, typer.Option(help="第几条 · Number of the entry.", min=0)] = 0,
    json: Json = False,
) -> None:
    """核验调剂查询证明：按当时的账本重新查询 · Search again what a certificate says was found."""
    terminal = at(ctx, json)
    name = plan if plan.startswith("plan/") else f"plan/{plan}"
    with opened(terminal) as office:
        stream = office.book.stream(name)
        if stream.version == 0:
            raise Stop(Words(f"没有这条记录：{name}", f"No such record: {name}"))
        found = [e for e in certifying.searches(stream, line) if entry in (0, e.seq)]
        if not found:
            raise Stop(Words("没有这样的查询记录。", "There is no such search."), USAGE)
        policy = office.rules_for(stream.state.unit, office.today())
        told = []
        for each in found:
            one = certifying.certified(office, stream, each, policy)
            told.append((one, certifying.again(office, one.search)))
        name_of = names(office, terminal)
    if terminal.json:
        items = [certifying.plain(one, repeated, terminal.lang) for one, repeated in told]
        terminal.answer({"plan": name, "items": items})
    else:
        terminal.table(
            HEADS,
            [
                [
                    str(one.entry.seq),
                    str(one.line),
                    one.search.searched_on.isoformat(),
                    str(one.search.position),
                    " ".join(
                        filter(
                            None,
                            (
                                in_words(one.search.kind, terminal.lang),
                                one.search.class_code,
                                one.search.quantity or "",
                            ),
                        )
                    ),
                    str(one.search.count),
                    str(sum(each.said is Said.OPEN for each in one.answers)),
                    one.search.sha256[:16],
                    terminal.told(SAME if repeated.same else DIFFERS),
                    in_words([in_words(w, terminal.lang) for w in one.lacking], terminal.lang),
                ]
                for one, repeated in told
            ],
        )
        if entry:
            for each in told[0][0].answers:
                holder = name_of("unit", each.card.custodian)
                answer = filter(None, (each.said, each.ground, each.reason, each.case))
                said = in_words(list(answer), terminal.lang)
                line_ = f"  {each.asset} {each.card.name} {each.quantity} {holder} {said}"
                terminal.say(line_, line_)
    if not all(repeated.same for _, repeated in told):
        raise typer.Exit(REFUSED)
