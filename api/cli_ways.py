"""From the command line: what was tried with idle property, and what its kind asks for."""

from __future__ import annotations

from api import ways
from api.cli_read import find, opened
from api.cli_terminal import Terminal
from api.pages_telling import money
from domain.words import Words, in_words


def waterfall(terminal: Terminal, code: str) -> None:
    """Show which ways were tried with an asset, what came of each, and which remain."""
    lang = terminal.lang
    with opened(terminal) as office:
        stream = office.book.stream(f"asset/{find(office, code)}")
        found = ways.of(office, stream)
        if terminal.json:
            terminal.answer({"stream": stream.name} | ways.told_ways(found, lang))
            return
        terminal.say(*said(Words(stream.state.describe("zh"), stream.state.describe("en"))))
        if not found.waits:
            terminal.say(*said(ways.NOT_WAITING))
        rows = []
        for number, rung in enumerate(found.rungs, start=1):
            came = rung.came.words if rung.came else Words("未尝试", "not tried")
            rows.append([str(number), in_words(rung.way, lang), terminal.told(came), "", ""])
            rows += [
                ["", "", in_words(trial.came, lang), trial.on.isoformat(), trial.reason]
                for trial in rung.trials
            ]
        columns = (
            Words("次序", "order"),
            Words("方式", "way"),
            Words("结果", "result"),
            Words("日期", "date"),
            Words("原因", "reason"),
        )
        terminal.table(columns, rows)
        if not found.ordered:
            terminal.say(*said(ways.ORDER_OF_LAW))
        for article in found.articles:
            terminal.say(f"{article.regulation}{article.article}", f"{article.id}")


def particulars(terminal: Terminal, code: str) -> None:
    """Show what property of this kind may and must, and what a vehicle cost."""
    lang = terminal.lang
    with opened(terminal) as office:
        stream = office.book.stream(f"asset/{find(office, code)}")
        policy = ways.policy_of(office, stream.state)
        traits, costs = ways.traits(policy, stream.state, lang), ways.costs(stream, lang)
        if terminal.json:
            terminal.answer({"stream": stream.name, "traits": traits, "costs": costs})
            return
        rows = [[told["title"], told["law"]] for told in traits]
        terminal.table((Words("规则", "rule"), Words("依据", "law")), rows)
        if costs:
            spent = [
                [str(year["year"]), each["title"], money(each["amount"], "CNY")]
                for year in costs
                for each in year["kinds"]
            ]
            columns = (Words("年份", "year"), Words("费用", "cost"), Words("金额", "amount"))
            terminal.table(columns, spent)


def said(words: Words) -> tuple[str, str]:
    """Return words as the terminal takes them."""
    return words.zh, words.en
