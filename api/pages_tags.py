"""Radio tags in a browser: say what a list of contents means, and bind lists of tags and GIAIs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from fastapi import APIRouter
from starlette.datastructures import FormData, UploadFile
from starlette.responses import Response

from api import pasting, readings_rest
from api.office import Office
from api.pages_filing import Sent
from api.pages_sign import Member, text
from api.pages_trouble import PageRoute
from api.pages_view import Page
from api.pasting import Bound, Line, TooMany
from api.resolving import Verdict
from domain.decider import Refused
from domain.words import Words, in_language
from labels.epc import BadEpc
from labels.epc_pasting import TEXT_CHARS_MAX
from ledger.act import Conflict
from ledger.book import new_id

ROWS_MAX: Final = 1_000
READ: Final = "read"
SAID: Final = {
    "title": Words("射频标签与标识", "Radio tags and identities"),
    "hint": Words(
        "粘贴或选择文件，换行、逗号、制表符、空格、连写都可以；先核对，不会记账。",
        "Paste, or choose a file: lines, commas, tabs, blanks or none. It is checked first and"
        " nothing is recorded.",
    ),
    READ: Words("识别标签内容", "Say what tags mean"),
    "read-hint": Words(
        "每个标签属于哪件资产，重复的合并，不认识的列出。",
        "Which asset each tag stands for; repeats are merged, strangers listed.",
    ),
    "tags": Words("批量绑定射频标签", "Bind radio tags"),
    "tags-hint": Words(
        "每行：资产编号，标签内容（EPC），芯片序号（TID，可不填）。",
        "A line: asset number, tag content (EPC), serial of the chip (TID, may be left out).",
    ),
    "giais": Words("登记已有的单项资产标识", "Record GIAIs given before"),
    "giais-hint": Words(
        "每行：资产编号，单项资产标识（GIAI）。厂商识别代码须先登记。",
        "A line: asset number, GIAI. The company prefix is recorded first.",
    ),
    "what": Words("办理事项", "What for"),
    "list": Words("内容", "List"),
    "file": Words("或选择文件（文本、CSV）", "Or a file (text, CSV)"),
    "check": Words("核对", "Check"),
    "record": Words("登记无误的 {n} 行", "Record the {n} lines that are right"),
    "found": Words(
        "读到 {reads} 次，{n} 个标签，{unread} 处不是标签内容",
        "{reads} reads of {n} tags; {unread} pieces are no tag",
    ),
    "judged": Words(
        "{right} 行可以登记，{wrong} 行有误，{already} 行已经登记",
        "{right} lines can be recorded, {wrong} are wrong, {already} are so already",
    ),
    "done": Words("已登记 {n} 行。", "{n} lines were recorded."),
    "unread": Words("不是标签内容", "No tag content"),
    "more": Words("只显示前 {n} 行。", "The first {n} rows are shown."),
    "nothing": Words(
        "没有读到内容；请粘贴或选择文件。", "Nothing was there to read; paste a list or choose a file."
    ),
    "tag": Words("标签内容", "Tag content"),
    "times": Words("次数", "Reads"),
    "means": Words("含义", "Meaning"),
    "asset": Words("资产", "Asset"),
    "line": Words("行", "Line"),
    "verdict": Words("核对结果", "Check"),
    "right": Words("可以登记", "can be recorded"),
    "already": Words("已经登记，不再重复", "recorded already, left as it is"),
}  # fmt: skip


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/tags")
    def ask(page: Member) -> Response:
        what = page.request.query_params.get("what", READ)
        recorded = page.request.query_params.get("recorded", "")
        done = said(page)["done"].format(n=recorded) if recorded.isdecimal() else ""
        return drawn(page, what if what in (READ, *Bound) else READ, done=done[:200])

    @pages.post("/tags")
    def check(page: Member, form: Sent) -> Response:
        what = text(form, "what")
        pasted = content(form)
        if what not in (READ, *Bound):
            what = READ
        if not pasted.strip():
            return drawn(page, what, wrong=said(page)["nothing"], status=422)
        if what == READ:
            return understood(page, pasted)
        return bound(page, Bound(what), pasted, form)

    return pages


def content(form: FormData) -> str:
    """Return what was pasted, or what the file holds when one was chosen."""
    file, typed = form.get("file"), form.get("list", "")
    if isinstance(file, UploadFile) and file.filename:
        written = file.file.read(TEXT_CHARS_MAX * 4 + 1)
        for encoding in ("utf-16",) if written[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "gb18030"):  # fmt: skip
            try:
                return written.decode(encoding)
            except UnicodeDecodeError:
                continue
        return written.decode("utf-8", "replace")
    return typed if isinstance(typed, str) else ""


def understood(page: Page, pasted: str) -> Response:
    """Say what each tag of a list means; nothing is recorded (T73)."""
    try:
        told = readings_rest.pasted(page.office, page.actor, pasted, page.lang)
    except BadEpc as bad:
        wrong = in_language(bad.zh, bad.en, page.lang)
        return drawn(page, READ, pasted="", wrong=wrong, status=422)
    verdicts = [(Verdict(name), n) for name, n in sorted(told["verdicts"].items())]

    def means(verdict: Verdict) -> str:
        """Say it without the part that it was noted: here nothing is."""
        if page.lang == "zh":
            return verdict.zh.replace("，已记下", "")
        return verdict.en.replace("; noted", "")

    return drawn(
        page, READ, pasted=pasted, told=told, verdicts=verdicts, means=means, verdict_of=Verdict
    )


def bound(page: Page, what: Bound, pasted: str, form: FormData) -> Response:
    """Judge every line of a list; record those that are right when that is asked."""
    try:
        lines = pasting.read(page.office, page.actor, pasted, what)
    except TooMany:
        return drawn(page, what, pasted=pasted, wrong=page.words(pasting.TOO_MANY), status=422)
    right = pasting.requests(lines)
    if not text(form, "record") or not right:
        return drawn(page, what, pasted=pasted, lines=lines)
    try:
        key = text(form, "key") or None
        page.office.ask_many(right, page.actor, key=key, **page.how)
    except Refused as refused:
        wrong = refused.sentence(page.lang)
        return drawn(page, what, pasted=pasted, lines=lines, wrong=wrong, status=409)
    except Conflict:
        return drawn(page, what, pasted=pasted, lines=lines, wrong=page.t("conflict"), status=409)
    rest = [line for line in lines if not line.right and not line.already]
    if not rest:
        return page.go(f"/tags?what={what.value}&recorded={len(right)}")
    done = said(page)["done"].format(n=len(right))
    left = "\n".join(line.text for line in rest)
    return drawn(page, what, pasted=left, lines=rest, done=done)


def drawn(
    page: Page,
    what: str,
    *,
    pasted: str = "",
    wrong: str = "",
    done: str = "",
    status: int = 200,
    lines: Sequence[Line] = (),
    **more: Any,
) -> Response:
    """Draw the page with what was found."""
    return page.render(
        "tags.html",
        status,
        s=said(page),
        what=what,
        kinds=(READ, *(kind.value for kind in Bound)),
        pasted=pasted,
        wrong=wrong,
        done=done,
        lines=lines[:ROWS_MAX],
        right=sum(line.right for line in lines),
        already=sum(line.already for line in lines),
        count=len(lines),
        rows_max=ROWS_MAX,
        key=new_id("web"),
        **({"told": None, "verdicts": ()} | more),
    )


def said(page: Page) -> dict[str, str]:
    """Return what this page says in the reader's language."""
    return {name: page.words(words) for name, words in SAID.items()}
