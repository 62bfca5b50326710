"""The page of voucher templates: what each occasion posts, why the books move, what is not known."""

from __future__ import annotations

from domain.booking import Cause
from domain.journal import CAME, NO_ENTRY, STAYED, THROUGH, WENT
from domain.vouchers import ACCOUNTS, OCCASIONS, TEMPLATES, Template

HEAD = """\
# 账簿与凭证模板 · The books, and the templates of vouchers

本页由代码生成（`python -m api.tabulating docs`），测试保证与代码一致。
This page is generated from the code; a test holds it to the code.

核算系统记账，本系统只提出建议。科目取自《政府会计制度》（财会〔2017〕25号）；盘亏、毁损、报废经“待处理财产损溢”（1902），
盘盈获批复后转出1902：以前年度取得的进“以前年度盈余调整”（3501），本年度取得的按其取得方式
（`purchase` 2302、`donation` 4603、`transfer` 3401），这是通行做法，未对照原文校对；
转让、捐赠直接进“资产处置费用”（5301），无偿调出调入进“无偿调拨净资产”（3401），应缴国库的钱进“应缴财政款”（2103）。地方规则
（`vouchers`）可以逐个另定模板，按办理当日所依据的规则版本提出；借贷不平的模板不是规则。
A surplus leaves 1902 by its ruling: to 3501 if obtained in earlier years, else to the account of
how it was obtained this year; that is common knowledge, nobody has compared it with the original.
The accounting system posts; this ledger proposes. The rules of a place may say each template
otherwise, by the version that the act followed; one that does not balance is no rule.

折旧年限不写在代码里：单位采用一张注明来源的年限表。《政府会计准则第3号——固定资产》应用指南（财会〔2017〕4号）附表只有固定资产各类的年限下限
（专用设备另有上限），不含软件等无形资产；土地、文物、图书档案、以名义金额计量的不计提。示例市的年限表照此下限抄录，未对照原文校对。
Lives are no code: a unit adopts a table that names its source. The table annexed to the guide
gives lower bounds for fixed assets alone (and upper ones for special equipment); software is not
in it. Land, relics, books and what stands at a nominal amount are not written off. The example
city's table follows the lower bounds; nobody has compared it with the original.

有待本单位会计确认的：购置一律先贷“应付账款”，付款另行记账；置换换入、换出在5301相遇，余额即为损益；无偿调入按账面价值一笔入账，卡片仍
保留原值与累计折旧，净值相同；调入方的相关税费只在该事项的凭证建议里。
For the accountant to confirm: purchases credit accounts payable, the payment clears it; both legs
of an exchange meet in 5301; what comes without payment is booked at book value while the card
keeps cost and depreciation, with the same net value.

"""


def vouchers_page() -> str:
    """Return the page: templates with their lines, then causes with their occasions."""
    lines = [
        HEAD,
        "## 模板 · Templates",
        "",
        "| 模板 | 何时 · when | 分录 · entries |",
        "|---|---|---|",
    ]
    lines += [
        f"| `{one.slug}` | {OCCASIONS[one.slug].zh} · {OCCASIONS[one.slug].en} | {entries(one)} |"
        for one in TEMPLATES
    ]
    lines += [
        "",
        "## 另用的科目 · Accounts that stand instead",
        "",
        "| 科目 | 另用 · instead | 何种财产或款项 · of what |",
        "|---|---|---|",
        *special(),
        "",
        "## 变动原因 · Why the books move",
        "",
        "| 原因 | | 增 · in | 减 · out | 增减值 · change |",
        "|---|---|---|---|---|",
    ]
    for cause in Cause:
        none = NO_ENTRY.get(cause)
        out = THROUGH.get(cause, (WENT[cause],) if cause in WENT else ())
        cells = [
            f"`{CAME[cause]}`" if cause in CAME else "",
            "、".join(f"`{one}`" for one in out),
            f"`{STAYED[cause]}`" if cause in STAYED else "",
        ]
        if none is not None:
            cells = [f"{none.words.zh} · {none.words.en}", "", ""]
        lines.append(f"| {cause.words.zh} | {cause.words.en} | {' | '.join(cells)} |")
    return "\n".join((*lines, ""))


def entries(template: Template) -> str:
    """Return the lines of a template, each with the account that any property or money has."""
    said = []
    for line in template.lines:
        known = (*template.accounts, *ACCOUNTS)
        name = next(a for a in known if a.slug == line.account and not a.kinds)
        said.append(f"{line.side.words.zh} {name.code} {name.zh}（{line.amount.words.zh}）")
    return "；".join(said)


def special() -> list[str]:
    """Return the accounts that stand instead of another for some property or money."""
    return [
        f"| {next(a for a in ACCOUNTS if a.slug == one.slug and not a.kinds).code} | {one.code}"
        f" {one.zh} · {one.en} | {'、'.join(f'`{kind}`' for kind in sorted(one.kinds))} |"
        for one in ACCOUNTS
        if one.kinds
    ]
