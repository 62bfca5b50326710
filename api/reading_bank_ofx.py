"""Read OFX bank statements, both spellings: tags that nobody closes (1.x) and XML (2.x).

Read here because no library may do it: one is under the GPL, the other unmaintained since 2021.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import date
from typing import Final
from xml.etree import ElementTree as ET

from api.reading_bank_values import (
    AMOUNT,
    BALANCE,
    CURRENCY,
    DAY,
    ENTRIES_MAX,
    Entry,
    Proof,
    Statement,
    bad,
    distinct,
    first,
    minor,
)
from api.reading_problems import Problem, refuse

TOKEN: Final = re.compile(r"<(/?)([A-Z0-9][A-Z0-9._]{0,40})>([^<]{0,100000})")
HEADER: Final = re.compile(r"^(CHARSET|ENCODING):([A-Za-z0-9-]{1,20})\s*$", re.MULTILINE)
CHARSETS: Final = {
    "1252": "cp1252",
    "8859-1": "latin-1",
    "ISO-8859-1": "latin-1",
    "936": "gb18030",
    "GBK": "gb18030",
    "GB2312": "gb18030",
    "GB18030": "gb18030",
}
"""All others are read as UTF-8, or refused."""
DEPTH_MAX: Final = 32


def statements(content: bytes, file: str) -> tuple[list[Statement], list[Problem]]:
    """Return the statements of a file and what is wrong in them; raise `Unreadable`."""
    root = _tree(_text(content, file), file)
    wrong: list[Problem] = []
    found = [
        statement
        for name in ("STMTRS", "CCSTMTRS")
        for element in root.iter(name)
        if (statement := _statement(element, file, wrong)) is not None
    ]
    if not found and not wrong:
        raise refuse(file, "no-statement", "文件中没有对账单。", "The file holds no statement.")
    return found, wrong


def _text(content: bytes, file: str) -> str:
    head = content[:2000].decode("latin-1")
    says = dict(HEADER.findall(head))
    xml = re.search(r"<\?xml[^>]*encoding=[\"']([A-Za-z0-9-]+)", head)
    named = xml[1] if xml else says.get("CHARSET", "UTF-8")
    encoding = CHARSETS.get(named.upper(), "utf-8")
    try:
        # Many banks say 1252 and write UTF-8; what reads as UTF-8 is UTF-8.
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise refuse(
            file,
            "broken-encoding",
            f"文件自称编码为 {named}，但内容不符。请重新下载。",
            f"The file says it is written in {named}, and is not. Download it again.",
            content.count(b"\n", 0, error.start) + 1,
        ) from error


def _tree(text: str, file: str) -> ET.Element:
    """Build the tree. A tag with a value is a leaf, closed or not; all others must be closed."""
    began = re.search(r"<OFX>\s*", text)
    if began is None or "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise _broken(file, 1)
    root = ET.Element("OFX")
    stack, at, leaf = [root], began.end(), ""
    line = text.count("\n", 0, at) + 1
    while at < len(text) and stack:
        match = TOKEN.match(text, at)
        if match is None:
            if not text[at:].isspace():
                line += text.count("\n", at) - text[at:].lstrip().count("\n")
                raise _broken(file, line)
            break
        closing, name, value = match[1], match[2], html.unescape(match[3].strip())
        if not closing:
            made = ET.SubElement(stack[-1], name, {"line": str(line)} if name == "STMTTRN" else {})
            made.text = value
            leaf = name if value else ""
            if not value:
                stack.append(made)
        elif name == leaf:
            leaf = ""
        else:
            # `<MEMO>` with nothing in it, and not closed: it was a leaf after all.
            while len(stack) > 1 and stack[-1].tag != name and not len(stack[-1]):
                stack.pop()
            if stack[-1].tag != name:
                raise _broken(file, line)
            stack.pop()
        if len(stack) > DEPTH_MAX:
            raise _broken(file, line)
        line += match[0].count("\n")
        at = match.end()
    if stack:
        raise _broken(file, line)
    return root


def _broken(file: str, line: int) -> Exception:
    return refuse(
        file,
        "broken-ofx",
        "OFX 文件不完整或有误（标记不成对或文件中断）。请重新下载。",
        "The OFX file is broken or breaks off: its tags do not pair. Download it again.",
        line,
    )


def _statement(of: ET.Element, file: str, wrong: list[Problem]) -> Statement | None:
    currency = of.findtext("CURDEF", "").strip()
    if not re.fullmatch(r"[A-Z]{3}", currency):
        wrong.append(bad(file, 1, "bad-currency", CURRENCY, currency))
        return None
    account = next((e for n in ("BANKACCTFROM", "CCACCTFROM") for e in of.iter(n)), of)
    listed = of.findall("BANKTRANLIST/STMTTRN")
    if len(listed) > ENTRIES_MAX:
        raise refuse(
            file,
            "too-many-entries",
            f"超过 {ENTRIES_MAX} 笔，请按期间分次下载。",
            f"More than {ENTRIES_MAX} entries; download shorter periods.",
        )
    closing = of.findtext("LEDGERBAL/BALAMT", "").strip()
    try:
        held = minor(closing.replace(",", "."), currency) if closing else None
    except ValueError:
        wrong.append(bad(file, 1, "bad-balance", BALANCE, closing))
        held = None
    return Statement(
        kind="ofx",
        account=account.findtext("ACCTID", "").strip(),
        bank=account.findtext("BANKID", "").strip(),
        currency=currency,
        closing=held,
        since=_day(of.findtext("BANKTRANLIST/DTSTART", ""), file, 1, wrong),
        until=_day(of.findtext("BANKTRANLIST/DTEND", ""), file, 1, wrong),
        entries=tuple(_entries(listed, file, currency, wrong)),
        # The format has no opening balance, so that nothing can be checked against the closing.
        proof=Proof.NONE,
        file=file,
    )


def _entries(
    listed: list[ET.Element], file: str, currency: str, wrong: list[Problem]
) -> Iterator[Entry]:
    for of in listed:
        line = int(of.get("line", "1"))

        def said(*names: str, of: ET.Element = of) -> str:
            return first(*((of.findtext(name) or "").strip() for name in names))

        text = said("TRNAMT")
        booked = _day(said("DTPOSTED"), file, line, wrong)
        if booked is None and not said("DTPOSTED"):
            wrong.append(bad(file, line, "bad-day", DAY, ""))
        try:
            amount = minor(text.replace(",", "."), currency)
        except ValueError:
            wrong.append(bad(file, line, "bad-amount", AMOUNT, text))
            continue
        if booked is None:
            continue
        yield Entry(
            booked=booked,
            value_date=_day(said("DTAVAIL"), file, line, wrong),
            minor=amount,
            amount=text,
            references=distinct([said("REFNUM"), said("CHECKNUM"), said("SRVRTID")]),
            party=said("NAME", "PAYEE/NAME"),
            party_account=said("BANKACCTTO/ACCTID", "CCACCTTO/ACCTID"),
            code=said("TRNTYPE"),
            text=said("MEMO"),
            bank_id=said("FITID"),
            returned=bool(said("CORRECTFITID")),
            line=line,
        )


def _day(text: str, file: str, line: int, wrong: list[Problem]) -> date | None:
    """Return the day as the bank wrote it; the hour and its zone do not move a booking day."""
    found = text.strip()
    if not found:
        return None
    try:
        if not re.fullmatch(r"[0-9]{8}(?:[0-9]{4,6}(?:\.[0-9]{1,3})?)?(?:\[[^\]]{1,20}\])?", found):
            raise ValueError(found)
        return date(int(found[:4]), int(found[4:6]), int(found[6:8]))
    except ValueError:
        wrong.append(bad(file, line, "bad-day", DAY, found))
        return None
