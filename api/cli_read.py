"""What the command line shows: one asset, the inventory at any date, the log and its checks."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any

import msgspec

from api.cli_terminal import USAGE, Stop, Terminal
from api.naming import names_then
from api.office import Office
from api.pages_export import harmless
from api.pages_telling import STATE_REFS, UNTOLD, NameOf, money, say, tell, words_of
from api.rest_answers import plain
from api.settings import Settings
from api.settings_sign import Unusable
from domain.words import Words, in_words
from ledger.entry import Entry, standing
from projections import history as history_
from projections import inventory, units
from projections.scope import EVERYTHING, Filters

EXPORT_ROWS = 5_000


def settings_of(terminal: Terminal) -> Settings:
    """Return the settings of this run: `--database` before the environment."""
    try:
        settings = Settings.from_env()
    except Unusable as unusable:
        raise Stop(unusable.words, USAGE) from None
    if terminal.database:
        settings = msgspec.structs.replace(settings, database=terminal.database)
    return settings


@contextmanager
def opened(terminal: Terminal, *, must_exist: bool = True) -> Iterator[Office]:
    """Open the ledger for one command; a reader never makes a new one by a mistyped name."""
    settings = settings_of(terminal)
    file = settings.database.removeprefix("sqlite:///")
    if must_exist and settings.database.startswith("sqlite:///") and not Path(file).exists():
        said = Words(
            f"没有账本文件 {file}。请用 --database 指明，或先运行 gongwu init、demo 或 import。",
            f"There is no ledger file {file}. Name it with --database, or run gongwu init, demo"
            " or import first.",
        )
        raise Stop(said, USAGE)
    try:
        with terminal.progress(Words("更新列表", "Bringing lists up to date")) as tick:
            office = Office.open(settings, tick)
    except ValueError:
        said = Words(
            f"数据库地址无效：{settings.database}。请写 sqlite:///文件 或 postgresql://用户@主机/库名。",
            f"This is no database address: {settings.database}. Write sqlite:///FILE or"
            " postgresql://USER@HOST/NAME.",
        )
        raise Stop(said, USAGE) from None
    try:
        yield office
    finally:
        office.close()


def names(office: Office, terminal: Terminal) -> NameOf:
    """Return a function from kind and id to the name people know."""
    lang = terminal.lang
    known = {
        row["id"]: (row["name_en"] if lang == "en" else "") or row["name"]
        for row in office.models.rows(units.names_now())
    }
    people = office.accounts.names(lang)
    return lambda kind, id_: (people if kind == "person" else known).get(id_, id_)


def day(text: str, option: str) -> str:
    """Check a date given as an option."""
    try:
        return date.fromisoformat(text).isoformat() if text else ""
    except ValueError:
        raise Stop(
            Words(
                f"{option} 须为日期 YYYY-MM-DD：{text}",
                f"{option} must be a date YYYY-MM-DD: {text}",
            ),
            USAGE,
        ) from None


def position(office: Office, known_at: str) -> int | None:
    """Return the size of the log at a time; None when nobody asked."""
    if not known_at:
        return None
    try:
        when = datetime.fromisoformat(known_at)
    except ValueError:
        raise Stop(
            Words(
                f"--known-at 须为日期或 UTC 时间：{known_at}",
                f"--known-at must be a date or a UTC time: {known_at}",
            ),
            USAGE,
        ) from None
    return office.book.position_known(known_moment(known_at, when))


def known_moment(text: str, when: datetime) -> str:
    """Return a time of knowing as the log writes it; a bare date stays a date."""
    from datetime import UTC

    from ledger.entry import moment

    if len(text) == 10:
        return text
    return moment(when if when.tzinfo else when.replace(tzinfo=UTC))


def find(office: Office, code: str) -> str:
    """Return the id of the one asset a code means; Stop when there is none or are several."""
    rows = office.models.rows(inventory.find(EVERYTHING, code.removeprefix("asset/")))
    exact = [row for row in rows if row["id"] == code.removeprefix("asset/")]
    if len(exact or rows) == 1:
        return str((exact or rows)[0]["id"])
    if not rows:
        raise Stop(
            Words(
                f"没有找到资产“{code}”（可用标识、资产编号、标签、序列号或号牌）。",
                f"No asset “{code}” was found (try id, number, label, serial number or plate).",
            )
        )
    several = "\n".join(f"  {row['id']}  {row['asset_no']}  {row['name']}" for row in rows)
    raise Stop(
        Words(f"“{code}”对应多项资产，请用标识：\n{several}", f"“{code}” means several:\n{several}")
    )


def show(terminal: Terminal, code: str, as_of: str, known_at: str) -> None:
    """Show one asset, now or as it stood."""
    on = day(as_of, "--as-of")
    with opened(terminal) as office:
        id_ = find(office, code)
        known = position(office, known_at)
        stream = office.book.stream(f"asset/{id_}")
        state = stream.state
        if on or known is not None:
            state = office.book.state_at(f"asset/{id_}", on or "9999-12-30", known)
        if terminal.json:
            terminal.answer(
                {
                    "stream": stream.name,
                    "version": stream.version,
                    "as_of": on or None,
                    "known_at": known_at or None,
                    "state": state,
                    "sentence": state.describe(terminal.lang),
                }
            )
            return
        name_of = names(office, terminal)
        rows = [["", state.describe(terminal.lang)]]
        rows += [[terminal.told(Words("标识", "id")), id_]]
        for field in state.__struct_fields__:
            value = getattr(state, field)
            if field in UNTOLD or value in (None, "", ()):
                continue
            shown = say(value, STATE_REFS.get(field, ""), terminal.lang, name_of, state.currency)
            rows.append([terminal.told(words_of(field)), shown])
        terminal.table([Words("项目", "field"), Words("内容", "value")], rows)


def history(terminal: Terminal, code: str) -> None:
    """Show everything that happened to an asset, business date and recording apart."""
    with opened(terminal) as office:
        id_ = find(office, code)
        entries = office.book.stream(f"asset/{id_}").entries
        named = names_then(office, terminal.lang)
        kept = {entry.seq for entry in standing(entries)}
        if terminal.json:
            terminal.answer(
                [line(e, terminal, named(e.effective_on), e.seq in kept) for e in entries]
            )
            return
        off = terminal.told(Words("（已红冲）", " (reversed)"))
        rows = [
            [
                str(e.seq),
                e.effective_on,
                e.recorded_at[:19].replace("T", " ") + "Z",
                named("")("person", e.actor),
                tell(e.event, terminal.lang, named(e.effective_on))
                + ("" if _stands(e, kept) else off),
            ]
            for e in entries
        ]
        columns = (
            Words("序号", "entry"),
            Words("业务日期", "business date"),
            Words("记账时间", "recorded"),
            Words("经办人", "by"),
            Words("事件", "what happened"),
        )
        terminal.table(columns, rows)


def _stands(entry: Entry, kept: set[int]) -> bool:
    return entry.seq in kept or entry.corrects is not None


def line(entry: Entry, terminal: Terminal, name_of: NameOf, stands: bool) -> dict[str, Any]:
    """Return one history line for programs."""
    return {
        "position": entry.position,
        "stream": entry.stream,
        "seq": entry.seq,
        "type": entry.event.type_name,
        "effective_on": entry.effective_on,
        "recorded_at": entry.recorded_at,
        "actor": entry.actor,
        "cause": entry.cause,
        "stands": stands,
        "sentence": tell(entry.event, terminal.lang, name_of),
        "body": entry.event,
    }


def inventory_(
    terminal: Terminal,
    filters: Mapping[str, str],
    as_of: str,
    known_at: str,
    *,
    limit: int,
    after: str,
) -> None:
    """List the inventory with its totals; `limit` 0 means totals alone."""
    on = day(as_of, "--as-of")
    with opened(terminal) as office:
        wanted = Filters(
            **filters,  # type: ignore[arg-type] # all of them are texts
            today=on or office.today().isoformat(),
        )
        known = position(office, known_at)
        past = bool(on) or known is not None
        on = on or "9999-12-30"
        if past:
            query = history_.as_of(
                EVERYTHING, wanted, on=on, known=known, after=after or None, limit=limit or 1
            )
            sums = history_.totals_as_of(EVERYTHING, wanted, on=on, known=known)
        else:
            query = inventory.listing(EVERYTHING, wanted, after=after or None, limit=limit or 1)
            sums = inventory.totals(EVERYTHING, wanted)
        rows = office.models.rows(query) if limit else []
        totals = [plain(row) for row in office.models.rows(sums)]
        more = inventory_cursor(rows, wanted) if limit and len(rows) == limit else None
        if terminal.json:
            terminal.answer({"items": [plain(row) for row in rows], "totals": totals, "next": more})
            return
        name_of = names(office, terminal)
        if limit:
            _cards(terminal, rows, name_of)
        for total in totals:
            count, unvalued = total["assets"], total["unvalued"]
            worth = money(total["value"], total["currency"], terminal.lang)
            terminal.say(
                f"合计 {total['currency']}：{count:,} 项，{worth}，其中 {unvalued:,} 项未载明价值",
                f"Total {total['currency']}: {count:,} assets, {worth}, {unvalued:,} without value",
            )
        if not totals:
            terminal.say("没有符合条件的资产。", "No asset matches.")
        if more:
            terminal.say(f"下一页：--after {more}", f"Next page: --after {more}")


def inventory_cursor(rows: Any, filters: Filters) -> str:
    """Return where the listing goes on."""
    from projections.scope import cursor

    return cursor(rows[-1], filters)


def _cards(terminal: Terminal, rows: Any, name_of: NameOf) -> None:
    shown = [
        [
            row["asset_no"] or row["id"],
            row["name"],
            term(row["custody"], terminal, "custody"),
            name_of("unit", row["accounting_unit"]),
            name_of("place", row["place"]),
            money(row["value"], row["currency"], terminal.lang),
        ]
        for row in rows
    ]
    columns = (
        Words("资产编号", "number"),
        Words("名称", "name"),
        Words("实物状态", "custody"),
        Words("入账单位", "unit"),
        Words("地点", "place"),
        Words("价值", "value"),
    )
    terminal.table(columns, shown)


def term(value: str, terminal: Terminal, field: str) -> str:
    """Return a stored choice in words."""
    from domain.asset import Asset

    choice: Any = type(getattr(Asset(), field))
    try:
        return in_words(choice(value), terminal.lang)
    except ValueError:
        return value


# The log ------------------------------------------------------------------------


def head(terminal: Terminal) -> None:
    """Show size, root and last time."""
    with opened(terminal) as office:
        size, root, recorded_at = office.book.head()
        if terminal.json:
            terminal.answer({"size": size, "root": root.hex(), "recorded_at": recorded_at})
            return
        terminal.say(f"条数 {size:,}", f"size {size:,}")
        terminal.say(f"树根 {root.hex()}", f"root {root.hex()}")
        terminal.say(f"最后记账 {recorded_at or '无'}", f"last recorded {recorded_at or 'never'}")


def rebuild(terminal: Terminal) -> None:
    """Throw the lists away and make them anew from the log."""
    with opened(terminal) as office:
        with terminal.progress(Words("重建列表", "Rebuilding lists")) as tick:
            size = office.models.rebuild(office.book, tick)
        if terminal.json:
            terminal.answer({"position": size})
        terminal.say(f"列表已由 {size:,} 条记录重建。", f"Lists rebuilt from {size:,} entries.")


def export(terminal: Terminal, to: str, as_of: str, known_at: str) -> None:
    """Write the inventory as CSV, now or as it stood."""
    on = day(as_of, "--as-of")
    with opened(terminal) as office:
        known = position(office, known_at)
        with target(to) as file:
            written = _inventory(terminal, office, file, on, known)
    told_export(terminal, "inventory", to, written)


def told_export(terminal: Terminal, what: str, to: str, lines: int, digest: str = "") -> None:
    """Say what a file now holds; on standard output the lines themselves are the answer."""
    if to == "-":
        return
    if terminal.json:
        more = {"digest": digest} if digest else {}
        terminal.answer({"what": what, "file": to, "lines": lines} | more)
    terminal.say(f"已写入 {lines:,} 行：{to}", f"{lines:,} lines written: {to}")
    if digest:
        terminal.say(f"状态摘要 {digest}", f"digest of states {digest}")


@contextmanager
def target(to: str) -> Iterator[IO[bytes]]:
    """Lend the file, or standard output; a file that could not be finished is not left behind."""
    if to == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(to)
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(path)
    except OSError as error:
        raise Stop(
            Words(f"不能写入 {to}：{error.strerror}", f"Cannot write {to}: {error.strerror}")
        ) from error
    finally:
        part.unlink(missing_ok=True)


def _inventory(
    terminal: Terminal, office: Office, file: IO[bytes], on: str, known: int | None
) -> int:
    """Write every card as CSV, in UTF-8 with a mark, so that spreadsheets read the Chinese."""
    past, after, written = bool(on) or known is not None, None, 0
    name_of = names(office, terminal)
    filters = Filters(today=on or office.today().isoformat())
    table = history_.history if past else inventory.inventory
    columns = [c.name for c in table.columns if c.name not in ("search", "known_from", "known_to")]
    text = _Lines(file)
    writer = csv.writer(text)
    file.write(b"\xef\xbb\xbf")
    writer.writerow([terminal.told(words_of(c)) for c in columns])
    with terminal.progress(Words("导出", "Exporting")) as tick:
        while True:
            if past:
                query = history_.as_of(
                    EVERYTHING,
                    filters,
                    on=on or "9999-12-30",
                    known=known,
                    after=after,
                    limit=EXPORT_ROWS,
                )
            else:
                query = inventory.listing(EVERYTHING, filters, after=after, limit=EXPORT_ROWS)
            rows = office.models.rows(query)
            for row in rows:
                writer.writerow([_cell(row, c, terminal, name_of) for c in columns])
            written += len(rows)
            tick(written, 0)
            if len(rows) < EXPORT_ROWS:
                return written
            after = inventory_cursor(rows, filters)


class _Lines:
    """A text target for the CSV writer over a file of bytes."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file

    def write(self, line: str) -> int:
        return self.file.write(line.encode())


def _cell(row: Any, column: str, terminal: Terminal, name_of: NameOf) -> str:
    value = row[column]
    if value is None:
        return ""
    if column == "value":
        return f"{value // 100}.{value % 100:02}"
    if column in ("accounting_unit", "custodian", "owner", "borrower"):
        value = name_of("unit", value)
    elif column in ("user", "place"):
        value = name_of("person" if column == "user" else "place", value)
    elif column in ("kind", "book", "custody", "lock", "value_type", "mode"):
        value = term(value, terminal, column)
    return harmless(str(value))
