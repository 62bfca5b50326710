"""The reconciliation workbench: what the bank says on the left, what is due on the right.

It works without a script; with one, by the keyboard alone and by dropping files. Whatever a person
decides is asked of the ledger as any other request, and the proposal is kept with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final, TypeAlias
from urllib.parse import urlencode

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api import banking, pages_asking, pages_export
from api.banking import Bench, NoSuch, Proposed, Row
from api.office import Office
from api.pages_changes import csv_of
from api.pages_sign import Member, Typed, text
from api.pages_steps import Step, blocked, possible
from api.pages_stream import address
from api.pages_telling import money
from api.pages_timeline import lines, toast
from api.pages_trouble import PageRoute
from api.pages_view import Page
from api.reading_problems import Unreadable
from domain.bank import KEEPERS, TAKERS
from domain.decider import Refused
from domain.due import Income
from domain.filing import FILE_BYTES_MAX
from domain.statement import RECONCILERS, Ground
from domain.words import Words
from ledger.act import Conflict
from ledger.book import new_id
from projections.money_terms import FIELDS

SHOWN: Final = 200  # of entries and of dues; all of them are in the files
FILES_MAX: Final = 12
TEXT_CHARS: Final = 200
SAID: Final = {
    "title": Words("银行对账", "Bank reconciliation"),
    "about": Words(
        "左边是对账单上的每一笔，右边是应缴款；系统按缴款码、凭证号、单位金额日期依次建议，由人决定。"
        "金额必须分毫不差，每个决定连同当时的建议一并记入账本，可以撤销。",
        "What the bank says on the left, what is due on the right. Payment code, voucher, then unit,"
        " amount and days are tried in turn; a person decides. Amounts agree to the fen, and every"
        " decision is kept with what was suggested. It can be undone.",
    ),
    "entries": Words("对账单条目", "Bank entries"),
    "dues": Words("应缴款", "Dues"),
    "progress": Words("已说明 {n} / {m} 笔", "{n} of {m} entries explained"),
    "open-money": Words("待核对 {sums}", "still open: {sums}"),
    "all-done": Words("全部条目都已说明。", "Every entry is explained."),
    "nothing": Words(
        "还没有对账单。先登记银行账户，再把银行给的文件拖到这里。",
        "No statement yet. Register the bank account, then drop the bank's file here.",
    ),
    "no-dues": Words("没有待核对的应缴款。", "No due waits to be matched."),
    "drop": Words(
        "把对账单文件拖到这里，或选择文件", "Drop statement files here, or choose them"
    ),
    "kinds": Words(
        "camt.053/054、MT940、OFX、CSV、XLS、XLSX，至多20 MiB；对不上的整份退回，重复导入不增加任何一笔。",
        "camt.053/054, MT940, OFX, CSV, XLS, XLSX, 20 MiB each. What does not add up is refused"
        " whole; nothing comes twice.",
    ),
    "take": Words("导入", "Take in"),
    "filter": Words("筛选", "Filter"),
    "apply": Words("应用", "Apply"),
    "accept": Words("接受建议", "Accept"),
    "accept-all": Words(
        "接受全部可直接记账的 {n} 项", "Accept all {n} that agree in everything"
    ),
    "match": Words("勾对所选", "Match selected"),
    "aside": Words("另作处理", "Set aside"),
    "undo": Words("撤销", "Undo"),
    "undo-last": Words("撤销上一步", "Undo the last"),
    "reason": Words("理由", "reason"),
    "ground": Words("事由", "ground"),
    "voucher": Words("缴款书号（未登记的上缴）", "voucher (of a remittance not on record)"),
    "help": Words("键盘", "Keys"),
    "keys": Words(
        "j/k 上下 · x 选中 · l/h 换栏 · Enter 接受建议 · m 勾对所选 · s 另作处理 · u 撤销上一步 · / 筛选 · Esc 返回",
        "j/k down and up · x select · l/h other pane · Enter accept · m match selected · s set aside ·"
        " u undo the last · / filter · Esc back",
    ),
    "suggestion": Words("建议", "suggestion"),
    "agrees": Words("相符：{fields}", "agrees: {fields}"),
    "differs": Words("不符：{fields}", "differs: {fields}"),
    "others": Words("另有 {n} 种可能", "{n} possibilities"),
    "score": Words("{n} 分", "{n} points"),
    "late": Words("迟到：计入下一期间", "came late: counts in the next month"),
    "agreed": Words("已结清", "agreed"),
    "waiting": Words("待核对", "Waiting"),
    "done": Words("已说明", "Explained"),
    "waiting-file": Words("未勾对清单", "Unmatched list"),
    "more": Words("只显示前 {n} 笔，其余请筛选或下载。", "The first {n}; filter or download for more."),
    "accounts": Words("银行账户与对账单", "Accounts and statements"),
    "statement": Words("对账单", "statement"),
    "account": Words("账户", "account"),
    "period": Words("期间", "period"),
    "count": Words("笔数", "entries"),
    "balances": Words("期初 → 期末", "opening → closing"),
    "until": Words("已对账至", "agreed until"),
    "unit": Words("单位", "unit"),
    "day": Words("日期", "day"),
    "amount": Words("金额", "amount"),
    "payer": Words("对方", "other party"),
    "text": Words("附言", "text"),
    "due": Words("应缴款", "due"),
    "since": Words("自", "since"),
    "code": Words("缴款码", "code"),
    "gone": Words(
        "原文件已移除，户名和附言不再显示。", "The file was removed; names and texts are gone."
    ),
    "taken": Words("{file}：新记 {n} 笔，已有 {k} 笔。", "{file}: {n} new entries, {k} known before."),
    "known": Words("{file}：此前已导入，没有重复记入。", "{file}: taken in before; nothing is added."),
    "no-file": Words("请选择文件。", "Choose a file."),
    "too-large": Words("文件超过 20 MiB。", "The file is larger than 20 MiB."),
    "many-files": Words("一次至多 12 个文件。", "At most 12 files at a time."),
    "wrong": Words("没有记入", "Not recorded"),
    "pick": Words(
        "请在左边选中条目，需要勾对的再在右边选中应缴款。",
        "Select entries on the left and, to match them, dues on the right.",
    ),
    "stale": Words("建议已变化，请再看一遍。", "The suggestions have changed; look again."),
    "conflict": Words("同时有人办理了同一笔，请再看一遍。", "Somebody was quicker; look again."),
    "matched-with": Words("勾对：{dues}", "matched: {dues}"),
    "back": Words("返回对账", "Back to reconciling"),
    "register": Words("应缴财政款", "Due to the treasury"),
    "layouts": Words("已保存的表格格式：{names}", "Layouts kept: {names}"),
}  # fmt: skip


async def files_of(request: Request) -> FormData:
    """Read a form with files."""
    return await request.form(max_files=FILES_MAX, max_fields=20)


Files: TypeAlias = Annotated[FormData, Depends(files_of)]


def router(office: Office) -> APIRouter:
    """Return the pages of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/bank")
    def mine(page: Member) -> Response:
        asked = page.request.query_params.get("unit", "")
        return page.go(f"/bank/{asked or page.actor.unit}")

    @pages.get("/bank/{unit}")
    def bench(unit: str, page: Member) -> Response:
        return drawn(page, unit)

    @pages.post("/bank/{unit}/take")
    def take(unit: str, page: Member, form: Files) -> Response:
        return taken(page, unit, form)

    @pages.post("/bank/{unit}/decide")
    def decide(unit: str, page: Member, form: Typed) -> Response:
        return decided(page, unit, form)

    @pages.post("/bank/{unit}/do/{verb}")
    def do(unit: str, verb: str, page: Member, form: Typed) -> Response:
        def draw(step: Step, wrong: str, status: int) -> Response:
            return drawn(page, unit, faulty=step, wrong=wrong, status=status)

        there(page, unit)
        return pages_asking.do(page, f"bank/{unit}", verb, form, f"/bank/{unit}", draw)

    @pages.get("/bank/{unit}/unmatched.csv")
    def as_csv(unit: str, page: Member) -> Response:
        return csv_of(file_rows(page, there(page, unit)), "unmatched")

    @pages.get("/bank/{unit}/unmatched.xlsx")
    def as_xlsx(unit: str, page: Member) -> Response:
        rows = file_rows(page, there(page, unit))
        sheets = {page.words(SAID["waiting-file"]): rows}
        return pages_export.kept(pages_export.xlsx_pieces(sheets), "unmatched", "xlsx")

    @pages.get("/statements/{id_}")
    def statement(id_: str, page: Member) -> Response:
        return statement_page(page, id_)

    return pages


def there(page: Page, unit: str) -> Bench:
    """Return what waits in a unit; raise 404 for one that nobody established."""
    scope = page.actor.scope.units
    if not page.office.book.stream(f"unit/{unit}").entries or (
        scope is not None and unit not in scope
    ):
        raise HTTPException(404)
    return page.office.banking.bench(unit)


def fits(text_: str, *said: str) -> bool:
    """Tell whether every word of a filter is in what is shown."""
    whole = " ".join(said).casefold()
    return all(word in whole for word in text_.casefold().split())


def shown_row(page: Page, row: Row, bench: Bench, by_line: dict[str, Proposed]) -> dict[str, Any]:
    """Return one entry as the template draws it."""
    one = by_line.get(row.ref)
    return {
        "row": row,
        "amount": money(row.held.amount, row.currency, page.lang),
        "open": money(row.held.open, row.currency, page.lang),
        "part": row.held.open != abs(row.held.amount),
        "proposal": told(page, row, one) if one is not None else None,
        "dues": [(part.due, f"/dues/{part.due}") for part in row.held.parts],
        "ground": page.words(row.held.ground.words) if row.held.ground else "",
    }


def told(page: Page, row: Row, one: Proposed) -> dict[str, Any]:
    """Return a proposal with its reasons in words."""

    def fields(names: Sequence[str]) -> str:
        known = [page.words(FIELDS[name]) for name in dict.fromkeys(names) if name in FIELDS]
        return ("、" if page.lang == "zh" else ", ").join(known)

    finding = one.finding
    return {
        "key": one.key,
        "kind": page.words(finding.kind.words),
        "by": page.words(finding.by.words),
        "score": one.score,
        "settled": finding.settled,
        "ready": one.ready and finding.lines[0] == row.ref,
        "first": finding.lines[0],
        "agrees": fields(finding.agreed),
        "differs": fields(finding.differs),
        "others": len(finding.others),
        "dues": [(due, f"/dues/{due}") for due in one.dues[:6]],
        "parts": [
            (part.due, money(part.amount, row.currency, page.lang))
            for part in one.parts.get(row.ref, ())
        ],
    }


def drawn(
    page: Page, unit: str, *, faulty: Step | None = None, wrong: str = "", status: int = 200
) -> Response:
    """Draw the workbench."""
    bench = there(page, unit)
    asked = page.request.query_params
    q = asked.get("q", "").strip()[:TEXT_CHARS]
    done_view = asked.get("show") == "done"
    by_line = bench.by_line
    mine = [row for row in bench.rows if bool(row.held.open) is not done_view]
    mine.sort(key=lambda row: (row.held.booked, row.ref), reverse=done_view)
    found = [
        row
        for row in mine
        if not q
        or fits(q, row.payer, row.text, *row.references, row.held.booked.isoformat(),
                money(row.held.amount, row.currency, page.lang).replace(",", ""))
    ]  # fmt: skip
    dues = [due_row(page, row) for row in bench.dues]
    dues = [one for one in dues if one["open"] and (not q or fits(q, *one["said"]))]
    stream = page.office.book.stream(f"bank/{unit}")
    explained = len(bench.rows) - len(bench.waiting)
    sums = [money(amount, currency, page.lang) for currency, amount in bench.open_money.items()]
    settled = bench.settled
    last = asked.get("last", "")
    toast_ = toast(page, stream, asked.get("done", "")) if asked.get("done") else None
    return page.render(
        "bank.html",
        status,
        said={name: page.words(words) for name, words in SAID.items()},
        unit=unit,
        unit_name=page.name_of("unit", unit),
        units=page.unit_choices(),
        q=q,
        done_view=done_view,
        entries=[shown_row(page, row, bench, by_line) for row in found[:SHOWN]],
        more_entries=len(found) > SHOWN,
        dues=dues[:SHOWN],
        more_dues=len(dues) > SHOWN,
        explained=explained,
        in_all=len(bench.rows),
        progress=page.words(SAID["progress"]).format(n=explained, m=len(bench.rows)),
        open_money=page.words(SAID["open-money"]).format(sums="、".join(sums)) if sums else "",
        settled=len(settled),
        accept_all=page.words(SAID["accept-all"]).format(n=len(settled)),
        may_take=page.may(*TAKERS),
        may_decide=page.may(*RECONCILERS),
        may_keep=page.may(*KEEPERS),
        grounds=[(one.value, page.words(one.words)) for one in Ground],
        accounts=accounts(page, bench),
        layouts="、".join(one.title for one in bench.bank.layouts),
        file_gone=bool(bench.file_gone),
        notes=notes(page, bench),
        last=last if undoable(bench, last) else "",
        at=asked.get("at", ""),
        key=new_id("web"),
        shown_max=SHOWN,
        wrong=wrong,
        stream=stream,
        # A file is taken in above, where it is dropped.
        steps=[
            step
            for step in possible(page, stream, faulty)
            if step.verb.name != "take_statement" or step is faulty
        ],
        blocked=blocked(page, stream),
        timeline=lines(page, stream),
        toast=toast_,
    )


def due_row(page: Page, row: Any) -> dict[str, Any]:
    """Return one due as the template draws it."""
    income = page.words(Income(row["income"]).words)
    open_in, open_out = int(row["awaited"]), int(row["unshown"])
    received = max(0, int(row["paid_in"]) - int(row["remitted"]) - int(row["kept"]))
    out = open_out or min(received, int(row["left_over"]))
    code = row["codes"]
    return {
        "id": row["id"],
        "url": f"/dues/{row['id']}",
        "name": page.case_name(row["origin"]) if row["origin"] else income,
        "income": income,
        "in": money(open_in, row["currency"], page.lang) if open_in else "",
        "out": money(out, row["currency"], page.lang) if out else "",
        "open": open_in or out,
        "code": code,
        "since": row["opened_on"],
        "said": (row["id"], income, code, row["named"], row["opened_on"],
                 money(open_in, row["currency"], page.lang).replace(",", "")),
    }  # fmt: skip


def accounts(page: Page, bench: Bench) -> list[dict[str, Any]]:
    """Return the accounts of a unit with their statements, the latest first."""
    made = []
    for account, taken_ in banking.accounts_of(bench.bank):
        statements = [
            {
                "url": f"/statements/{one.statement}",
                "since": one.since,
                "until": one.until,
                "entries": one.entries,
                "opening": money(one.opening, account.currency, page.lang)
                if one.opening is not None
                else "–",
                "closing": money(one.closing, account.currency, page.lang)
                if one.closing is not None
                else "–",
                "agreed": one.agreed,
            }
            for one in taken_[:24]
        ]
        made.append(
            {"account": account, "side": page.words(account.side.words), "statements": statements}
        )
    return made


def undoable(bench: Bench, ref: str) -> bool:
    """Tell whether an entry was explained and may be undone."""
    row = next((row for row in bench.rows if row.ref == ref), None)
    return row is not None and not row.closed and bool(row.held.parts or row.held.aside)


def back(unit: str, form: FormData, **more: str) -> str:
    """Return the address of the workbench with what it showed before."""
    kept = {"q": text(form, "q"), "show": text(form, "show")} | more
    asked = urlencode({name: value for name, value in kept.items() if value})
    return f"/bank/{unit}?{asked}" if asked else f"/bank/{unit}"


# Taking in -------------------------------------------------------------------------


def taken(page: Page, unit: str, form: FormData) -> Response:
    """Take files in, each whole or not at all; say of each what it brought."""
    there(page, unit)
    office = page.office
    uploads = [one for one in form.getlist("file") if isinstance(one, UploadFile) and one.filename]
    if not uploads:
        return drawn(page, unit, wrong=page.words(SAID["no-file"]), status=422)
    told_: list[tuple[str, str]] = []
    for upload in uploads:
        name = banking.titled(upload.filename or "")
        content = upload.file.read(FILE_BYTES_MAX + 1)
        if len(content) > FILE_BYTES_MAX:
            wrong = f"{name}: {page.words(SAID['too-large'])}"
            return drawn(page, unit, wrong=wrong, status=422)
        try:
            plans = office.banking.plans(unit, content, name, account=text(form, "account"))
            asks, seen, kept = banking.taking(plans, content, name)
            if asks:
                office.ask_many(asks, page.actor, seen=seen, evidence=kept, **page.how)
        except Unreadable as error:
            said = error.in_chinese() if page.lang == "zh" else error.in_english()
            return drawn(page, unit, wrong=said, status=422)
        except Refused as refused:
            return drawn(page, unit, wrong=refused.sentence(page.lang), status=409)
        told_ += [("taken" if plan.adds else "known", plan.known_as or plan.seen.statement)
                  for plan in plans]  # fmt: skip
    return page.go(f"/bank/{unit}?{urlencode(told_)}")


def notes(page: Page, bench: Bench) -> list[str]:
    """Return what the files brought that were just taken in."""
    found = []
    for key in ("taken", "known"):
        for id_ in page.request.query_params.getlist(key)[:FILES_MAX]:
            if any(one.statement == id_ for one in bench.bank.statements):
                state = page.office.banking.statement(id_)
                name = f"{state.account} {state.since or ''} – {state.until or ''}"
                found.append(
                    page.words(SAID[key]).format(
                        file=name, n=state.in_file - state.known, k=state.known
                    )
                )
    return found


# Deciding --------------------------------------------------------------------------


def decided(page: Page, unit: str, form: FormData) -> Response:
    """Ask for what a person decided; whatever stands in the way is said above the lists."""
    bench = there(page, unit)
    action, _, key = text(form, "action").partition(":")
    chosen = [one for one in form.getlist("line") if isinstance(one, str)]
    try:
        asks = asked_for(bench, page, form, action, key, chosen)
        if not asks:
            return drawn(page, unit, wrong=page.words(SAID["pick"]), status=422)
        page.office.ask_many(asks, page.actor, key=text(form, "key") or None, **page.how)
    except msgspec.ValidationError:
        return drawn(page, unit, wrong=page.t("reason-needed"), status=422)
    except NoSuch:
        return drawn(page, unit, wrong=page.words(SAID["stale"]), status=409)
    except Refused as refused:
        return drawn(page, unit, wrong=refused.sentence(page.lang), status=409)
    except Conflict:
        return drawn(page, unit, wrong=page.words(SAID["conflict"]), status=409)
    if action == "undo":
        return page.go(back(unit, form, at=key))
    first = f"{asks[0][0].partition('/')[2]}.{asks[0][2]['entry']}"
    return page.go(back(unit, form, last=first, at=text(form, "at")))


def asked_for(
    bench: Bench, page: Page, form: FormData, action: str, key: str, chosen: Sequence[str]
) -> list[tuple[str, str, dict[str, Any]]]:
    """Return the requests that a decision comes to; raise `NoSuch`."""
    reason, voucher = text(form, "reason", 2_000), text(form, "voucher", 80)
    match action:
        case "accept":
            return page.office.banking.accepting(bench.unit, [key], {key: voucher})
        case "settled":
            return page.office.banking.accepting(bench.unit, bench.settled)
        case "match":
            dues = [one for one in form.getlist("due") if isinstance(one, str)]
            return banking.laid_out(bench, chosen, dues, reason=reason, voucher=voucher)
        case "aside":
            ground = text(form, "ground") or Ground.OTHER.value
            return [
                (stream, "set_aside", {"entry": no, "ground": ground, "reason": reason})
                for stream, no in map(banking.place_of, chosen)
            ]
        case "undo":
            row = next((row for row in bench.rows if row.ref == key), None)
            if row is None:
                raise NoSuch(key)
            stream, no = banking.place_of(key)
            verbs = [("undo_match", row.held.parts), ("undo_set_aside", row.held.aside)]
            return [(stream, verb, {"entry": no, "reason": reason}) for verb, had in verbs if had]
        case _:
            raise NoSuch(action)


# To take home ----------------------------------------------------------------------


def file_rows(page: Page, bench: Bench) -> Iterator[Sequence[Any]]:
    """Yield what waits, with what is suggested, as a file has it."""
    heads = ("account", "day", "amount", "payer", "text", "code", "suggestion", "due")
    yield [page.words(SAID[name]) for name in heads]
    by_line = bench.by_line
    for row in bench.waiting:
        one = by_line.get(row.ref)
        said = told(page, row, one) if one is not None else None
        sign = 1 if row.held.amount > 0 else -1
        yield [
            row.account,
            row.held.booked.isoformat(),
            pages_export.Amount(sign * row.held.open),
            row.payer,
            row.text,
            " ".join(row.references),
            f"{said['kind']} · {said['by']}" if said else "",
            " ".join(one.dues) if one is not None else "",
        ]


# One statement ---------------------------------------------------------------------


def statement_page(page: Page, id_: str) -> Response:
    """Draw one statement: what it says, what was proved, its history."""
    try:
        state = page.office.banking.statement(id_)
    except NoSuch:
        raise HTTPException(404) from None
    bench = there(page, state.unit)
    stream = page.office.book.stream(f"statement/{id_}")
    by_line = bench.by_line
    rows = [row for row in bench.rows if row.statement == id_]
    return page.render(
        "bank_statement.html",
        said={name: page.words(words) for name, words in SAID.items()},
        state=state,
        id_=id_,
        unit_name=page.name_of("unit", state.unit),
        proof=page.words(state.proof.words),
        opening=money(state.opening, state.currency, page.lang)
        if state.opening is not None
        else "–",
        closing=money(state.closing, state.currency, page.lang)
        if state.closing is not None
        else "–",
        entries=[shown_row(page, row, bench, by_line) for row in rows[:SHOWN]],
        more=len(rows) > SHOWN,
        file=f"/files/statement/{id_}/{state.file}",
        described=state.describe(page.lang),
        stream=stream,
        timeline=lines(page, stream),
        bench=address(f"bank/{state.unit}"),
        shown_max=SHOWN,
    )
