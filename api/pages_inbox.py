"""The inbox of those who decide: due first, one screen a matter, then the next one."""

from __future__ import annotations

from collections import Counter
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api import forms, inbox, pages_asking, pages_filing, pages_papers
from api.office import Office
from api.pages_overview import status as status_words
from api.pages_sign import Member, Typed, text
from api.pages_steps import Step, prove_first
from api.pages_telling import tell
from api.pages_timeline import happened, lines
from api.pages_trouble import PageRoute
from api.pages_view import Page
from domain.decider import Refused
from domain.words import Words
from ledger.act import Conflict
from ledger.book import new_id
from projections import cases

SAID = {
    "title": Words("待审批", "Inbox"),
    "about": Words(
        "轮到您决定的事项：到期的在前，其余按等待时间。点开一项，看全再决定；键盘：a 同意，r 退回，x 不同意，j/k 下一项、上一项。",
        "What is yours to decide: what is due first, then what waits longest. Open one, see all of it,"
        " decide. Keys: a agree, r send back, x refuse, j/k next and previous.",
    ),
    "nothing": Words("没有等您决定的事项。", "Nothing waits for your decision."),
    "nothing-hint": Words(
        "有新的事项轮到您时会列在这里。也可以看看全部待办步骤。",
        "What becomes yours to decide appears here. All open steps are listed, too.",
    ),
    "open-steps": Words("全部待办步骤", "All open steps"),
    "matter": Words("事项", "matter"),
    "from": Words("单位", "units"),
    "amount": Words("金额", "amount"),
    "waits": Words("等待", "waiting"),
    "due": Words("期限", "due"),
    "overdue": Words("已逾期", "overdue"),
    "days": Words("{n} 天", "{n} days"),
    "today": Words("今天提交", "since today"),
    "any": Words("全部", "all"),
    "pick": Words("选择 {case}", "Choose {case}"),
    "batch": Words("一起同意所选…", "Agree to those chosen…"),
    "batch-title": Words("一起同意 {n} 项", "Agree to {n} together"),
    "batch-hint": Words(
        "同一种事项、同一步骤、同一单位；要么全部记入，要么一项也不记。",
        "One kind, one step, one unit; all of them are recorded, or none.",
    ),
    "batch-do": Words("同意全部", "Agree to all"),
    "cannot": Words("没有记入", "Not recorded"),
    "back-to": Words("返回待审批", "Back to the inbox"),
    "place": Words("第 {n} 项，共 {of} 项", "{n} of {of}"),
    "previous": Words("上一项", "Previous"),
    "next": Words("下一项", "Next"),
    "facts": Words("事实", "The facts"),
    "list": Words("所涉资产", "What it is about"),
    "more-cards": Words("共 {n} 件，全部见事项页面", "{n} in all; the case shows the rest"),
    "rule": Words("为什么到您这里", "Why it is yours"),
    "rule-none": Words(
        "当地规则没有为此规定逐级程序，由有权岗位直接决定。",
        "The rules of the place lay down no route for this; a role that may decide does.",
    ),
    "by-rule": Words("依据 {policy}", "By {policy}"),
    "in-days": Words("{n} 日内", "within {n} days"),
    "changes": Words("同意后将记入", "What agreeing records"),
    "changes-more": Words("另有 {n} 条", "and {n} more"),
    "changes-first": Words("填写 {fields} 后才能看到将记入什么。", "Fill in {fields} first."),
    "attachments": Words("附件与单据", "Attachments and papers"),
    "no-attachments": Words("没有附件。", "Nothing is attached."),
    "history": Words("经过", "What happened so far"),
    "similar": Words("以前类似的事项", "Similar cases before"),
    "no-similar": Words("以前没有类似的事项。", "No case like it was decided before."),
    "conflict": Words("利益冲突，不得由您决定", "A conflict of interest: not yours to decide"),
    "refused-now": Words("现在不能同意", "It cannot be agreed to now"),
    "decide": Words("决定", "Decide"),
    "agree": Words("同意", "Agree"),
    "back": Words("退回", "Send back"),
    "refuse": Words("不同意", "Refuse"),
    "number-hint": Words(
        "没有纸质批复时，用系统给出的编号即可；有批复的，改成批复文号。",
        "Without a paper decision the number given will do; with one, write its number.",
    ),
    "more-fields": Words("只同意一部分，或补充内容（选填）", "Agree in part, or say more (optional)"),
    "reasons": Words("常用理由", "Common reasons"),
    "whole": Words("打开事项页面", "Open the case"),
    "not-yours": Words("这件事项现在不由您决定。", "This matter is not yours to decide now."),
}  # fmt: skip
REASONS = {
    "back": (
        Words("材料不齐，请补充", "papers are missing, please add them"),
        Words("数量或金额有误，请更正", "quantity or amount is wrong, please correct it"),
        Words("理由不充分，请补充说明", "the reason is not enough, please explain"),
    ),
    "refuse": (
        Words("超出配置标准", "beyond the standard"),
        Words("可由调剂解决", "can be met by reallocation"),
        Words("不符合规定用途", "not for a purpose the rules allow"),
    ),
}


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/inbox")
    def listing(page: Member) -> Response:
        return list_page(page)

    @pages.get("/inbox/batch")
    def batch(page: Member) -> Response:
        return batch_page(page, streams_of(page.request.query_params.getlist("case")))

    @pages.post("/inbox/batch")
    def batch_do(page: Member, form: Typed) -> Response:
        return together(page, form)

    @pages.get("/inbox/{kind}/{id_}")
    def matter(kind: str, id_: str, page: Member) -> Response:
        return matter_page(page, f"{kind}/{id_}")

    @pages.post("/inbox/{kind}/{id_}/do/{verb}")
    def decide(kind: str, id_: str, verb: str, page: Member, form: Typed) -> Response:
        stream = f"{kind}/{id_}"
        if kind not in cases.KINDS:
            raise HTTPException(404)
        _, _, after = inbox.neighbours(inbox.queue(page), stream)
        where = f"/inbox/{after}" if after else "/inbox"

        def draw(step: Step, wrong: str, code: int) -> Response:
            return matter_page(page, stream, step, wrong, code)

        return pages_asking.do(page, stream, verb, form, where, draw)

    return pages


def words(page: Page) -> dict[str, str]:
    """Return what these pages say in the reader's language."""
    return {name: page.words(said) for name, said in SAID.items()}


def streams_of(given: list[str]) -> list[str]:
    """Return the cases somebody chose, each once."""
    found = dict.fromkeys(name for name in given if name.partition("/")[0] in cases.KINDS)
    return list(found)


def list_page(page: Page, wrong: str = "", status: int = 200) -> Response:
    """Draw the list."""
    kind = page.request.query_params.get("kind", "")
    rows = inbox.queue(page)
    kinds = Counter(row["kind"] for row in rows)
    shown = [row for row in rows if not kind or row["kind"] == kind]
    return page.render(
        "inbox.html",
        status,
        said=words(page),
        wrong=wrong,
        kind=kind,
        kinds=[(name, page.t(f"kind-{name}"), n) for name, n in sorted(kinds.items())],
        total=len(rows),
        rows=[(row, inbox.opened(page, row)) for row in shown],
        done=done(page),
    )


def done(page: Page) -> dict[str, Any] | None:
    """Return what was just recorded, and where it is seen."""
    at = page.request.query_params.get("done", "")
    if not at.isdecimal() or len(at) > 15:
        return None
    command = page.office.book.log.command(int(at))
    if command is None:
        return None
    entries = happened(page, command[0], command[1])
    first = entries[0]
    return {
        "said": [tell(e.event, page.lang, page.namer_then(e.effective_on)) for e in entries[:3]],
        "case": first.stream,
        "more": max(0, len(entries) - 3),
    }


def matter_page(
    page: Page, name: str, faulty: Step | None = None, wrong: str = "", status: int = 200
) -> Response:
    """Draw one matter with everything to decide it by."""
    stream = page.office.book.stream(name)
    row = inbox.one(page, name) if name.partition("/")[0] in cases.KINDS else None
    if row is None or not stream.entries:
        raise HTTPException(404)
    rows = inbox.queue(page)
    at, before, after = inbox.neighbours(rows, name)
    ready = inbox.choices(page, stream, row["step"], faulty) if at or faulty else {}
    shown, count = inbox.cards(page, stream)
    agree = ready.get("agree")
    comma = "、" if page.lang == "zh" else ", "
    return page.render(
        "matter.html",
        status,
        said=words(page),
        stream=stream,
        row=row,
        step=inbox.opened(page, row) if row["step"] else None,
        state=stream.state,
        standing=status_words(page, row["kind"], row["status"]),
        wrong=wrong,
        at=at,
        total=len(rows),
        before=before,
        after=after,
        ready=ready,
        blocked=bool(agree and agree.conflict),
        forbidden="" if agree else inbox.forbidden(page, stream, row["step"]),
        first=comma.join(page.words(one) for one in agree.asks) if agree else "",
        reasons={kind: [page.words(one) for one in many] for kind, many in REASONS.items()},
        cards=shown,
        count=count,
        route=inbox.route(page, stream),
        similar=inbox.similar(page, row),
        papers=pages_papers.links(page, stream),
        files=pages_filing.panel(page, stream)["files"],
        timeline=lines(page, stream),
        done=done(page),
    )


def batch_page(page: Page, streams: list[str], wrong: str = "", status: int = 200) -> Response:
    """Draw what would be decided together, or say why it cannot be."""
    found, refused = inbox.alike(page, streams)
    if refused or not found:
        return list_page(page, wrong or refused or page.words(SAID["nothing"]), 422)
    return page.render(
        "inbox_batch.html",
        status,
        said=words(page),
        wrong=wrong,
        rows=[(row, inbox.opened(page, row), ready) for row, ready in found],
        key=new_id("web"),
    )


def together(page: Page, form: Any) -> Response:
    """Agree to several matters, all or nothing; each as its own page would have sent it."""
    streams = streams_of([v for v in form.getlist("case") if isinstance(v, str)])
    found, refused = inbox.alike(page, streams)
    if refused or not found:
        return list_page(page, refused or page.words(SAID["nothing"]), 422)
    asks, expected = [], {}
    for row, ready in found:
        step = ready.step
        asks.append((row["id"], step.verb.name, forms.parse_html(step.verb, inbox.pairs(step))))
        version = text(form, f"version.{row['id']}")
        expected[row["id"]] = int(version) if version.isdecimal() else step.version
    try:
        prove_first(page, form, asks)
        receipt = page.office.ask_many(
            asks, page.actor, key=text(form, "key") or None, expected=expected, **page.how
        )
    except Refused as no:
        return batch_page(page, streams, no.sentence(page.lang), 409)
    except Conflict:
        return batch_page(page, streams, page.t("conflict"), 409)
    return page.go("/inbox?" + urlencode({"done": receipt.first}))
