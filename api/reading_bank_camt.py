"""Read ISO 20022 statements and notifications: camt.053 and camt.054, versions 2 to 8."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Final
from xml.etree import ElementTree as ET

from msgspec.structs import replace

from api.reading_bank_values import (
    AMOUNT,
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
from api.reading_xml import Broken, Hostile, Reader

SPACE: Final = re.compile(r"urn:iso:std:iso:20022:tech:xsd:(camt\.05[34]\.001\.0[2-8])")
MINE: Final = {"OPBD": "opening", "PRCD": "opening", "CLBD": "closing"}
RETURNS: Final = frozenset({"RRTN", "RPCR", "UPDD", "PRDD"})
"""Sub-families of bank transaction codes that say a payment came back."""


def statements(content: bytes, file: str) -> tuple[list[Statement], list[Problem]]:
    """Return the statements of a message and what is wrong in them; raise `Unreadable`."""
    return _Message(file).read(content)


class _Message:
    def __init__(self, file: str) -> None:
        self.file = file
        self.found: list[Statement] = []
        self.wrong: list[Problem] = []
        self._entries: list[Entry] = []
        self._currencies: set[str] = set()

    def read(self, content: bytes) -> tuple[list[Statement], list[Problem]]:
        reader = Reader({"Ntry", "Stmt", "Ntfctn"}, self._take)
        try:
            root = reader.read(content)
        except Hostile as error:
            raise refuse(
                self.file,
                "hostile-xml",
                "文件含有文档类型声明、实体，或超过大小限制，出于安全未读取。",
                "The file declares a document type or entities, or exceeds a limit; for safety it "
                "was not read.",
                reader.line,
            ) from error
        except Broken as error:
            raise refuse(
                self.file,
                "broken-xml",
                f"XML 不完整或有误（{error}）。请重新下载。",
                f"The XML is broken or breaks off ({error}). Download it again.",
                reader.line,
            ) from error
        space = SPACE.fullmatch(root.get("xmlns", ""))
        if space is None:
            raise refuse(
                self.file,
                "unknown-message",
                "不是 camt.053 或 camt.054（第2至第8版）对账单。",
                "This is no camt.053 or camt.054 message of versions 2 to 8.",
            )
        if not self.found and not self.wrong:
            raise refuse(
                self.file, "no-statement", "文件中没有对账单。", "The file holds no statement."
            )
        return [replace(each, kind=space[1]) for each in joined(self.found)], self.wrong

    def _take(self, element: ET.Element, line: int) -> None:
        if element.tag == "Ntry":
            self._entry(element, line)
        else:
            self._statement(element, line)

    # One entry ----------------------------------------------------------------------

    def _entry(self, of: ET.Element, line: int) -> None:
        if first(of.findtext("Sts/Cd"), of.findtext("Sts")).strip() not in ("BOOK", ""):
            return  # pending or for information: the account does not hold it yet
        booked = self._day(of, "BookgDt", line) or self._day(of, "ValDt", line)
        if booked is None:
            self.wrong.append(bad(self.file, line, "bad-day", DAY, of.findtext("BookgDt/Dt", "")))
        amount = self._amount(of, line)
        if booked is None or amount is None:
            return
        if len(self._entries) >= ENTRIES_MAX:
            raise refuse(
                self.file,
                "too-many-entries",
                f"超过 {ENTRIES_MAX} 笔，请按期间分次下载。",
                f"More than {ENTRIES_MAX} entries; download shorter periods.",
                line,
            )
        details = of.findall("NtryDtls/TxDtls")
        # Whoever is on the other side: of money that came in the debtor, of money that left the
        # creditor. Some banks name one only, whichever it is.
        side = ("Dbtr", "Cdtr") if amount >= 0 else ("Cdtr", "Dbtr")
        texts = [e.text or "" for d in details for e in d.findall("RmtInf/Ustrd")]
        texts += [of.findtext("AddtlNtryInf", "")]
        texts += [d.findtext("AddtlTxInf", "") for d in details]
        self._entries.append(
            Entry(
                booked=booked,
                value_date=self._day(of, "ValDt", line),
                minor=amount,
                amount=of.findtext("Amt", ""),
                references=distinct(
                    [
                        (e.text or "").strip()
                        for d in details
                        for where in (
                            *("Refs/EndToEndId", "RmtInf/Strd/CdtrRefInf/Ref"),
                            *("RmtInf/Strd/RfrdDocInf/Nb", "Refs/InstrId", "Refs/PmtInfId"),
                            *("Refs/TxId", "Refs/MsgId", "Refs/ChqNb", "Refs/MndtId"),
                        )
                        for e in d.findall(where)
                    ]
                    + [of.findtext("NtryRef", "").strip()]
                ),
                party=_named(details, side),
                party_account=_account_named(details, side),
                code=_code(of),
                text=" ".join(distinct([t.strip() for t in texts])),
                bank_id=first(
                    of.findtext("AcctSvcrRef"),
                    details[0].findtext("Refs/AcctSvcrRef") if len(details) == 1 else None,
                ).strip(),
                returned=of.findtext("RvslInd", "").strip() in ("true", "1")
                or of.findtext("BkTxCd/Domn/Fmly/SubFmlyCd", "") in RETURNS
                or any(d.find("RtrInf") is not None for d in details),
                line=line,
            )
        )

    def _amount(self, of: ET.Element, line: int) -> int | None:
        """Return a signed amount. The side says which way the money went, a reversal too."""
        amount = of.find("Amt")
        text, currency = ("", "") if amount is None else (amount.text or "", amount.get("Ccy", ""))
        side = of.findtext("CdtDbtInd", "").strip()
        if not re.fullmatch(r"[A-Z]{3}", currency):
            self.wrong.append(bad(self.file, line, "bad-currency", CURRENCY, currency))
            return None
        self._currencies.add(currency)
        try:
            found = minor(text.strip(), currency)
            if side not in ("CRDT", "DBIT") or found < 0:
                raise ValueError(side)
        except ValueError:
            self.wrong.append(bad(self.file, line, "bad-amount", AMOUNT, f"{text} {side}"))
            return None
        return found if side == "CRDT" else -found

    def _day(self, of: ET.Element, name: str, line: int) -> date | None:
        text = first(of.findtext(f"{name}/Dt"), of.findtext(f"{name}/DtTm")).strip()
        try:
            return date.fromisoformat(text[:10]) if text else None
        except ValueError:
            self.wrong.append(bad(self.file, line, "bad-day", DAY, text))
            return None

    # One statement --------------------------------------------------------------------

    def _statement(self, of: ET.Element, line: int) -> None:
        balances: dict[str, int] = {}
        days: dict[str, date | None] = {}
        for balance in of.findall("Bal"):
            code = balance.findtext("Tp/CdOrPrtry/Cd", "").strip()
            which = MINE.get(code)
            # Where both are given, opening booked says it; what closed before only stands in.
            if which is None or (code == "PRCD" and which in balances):
                continue
            amount = self._amount(balance, line)
            if amount is not None:
                balances[which], days[which] = amount, self._day(balance, "Dt", line)
        entries, self._entries = tuple(self._entries), []
        currencies, self._currencies = self._currencies, set()
        if len(currencies) > 1:
            self.wrong.append(
                Problem(
                    self.file,
                    line,
                    0,
                    "several-currencies",
                    f"一份对账单中出现多个币种：{'、'.join(sorted(currencies))}。未导入。",
                    f"One statement in several currencies: {', '.join(sorted(currencies))}. "
                    "Nothing was taken.",
                )
            )
            return
        account = of.find("Acct")
        name = account if account is not None else ET.Element("Acct")
        self.found.append(
            Statement(
                kind="",
                account=first(name.findtext("Id/IBAN"), name.findtext("Id/Othr/Id")).strip(),
                bank=first(
                    *(
                        name.findtext(f"Svcr/FinInstnId/{e}")
                        for e in ("BICFI", "BIC", "ClrSysMmbId/MmbId", "Nm")
                    )
                ).strip(),
                currency=next(iter(currencies), name.findtext("Ccy", "").strip()),
                opening=balances.get("opening"),
                closing=balances.get("closing"),
                since=_period(of, "FrDtTm") or days.get("opening"),
                until=_period(of, "ToDtTm") or days.get("closing"),
                sequence=first(of.findtext("ElctrncSeqNb"), of.findtext("LglSeqNb")).strip(),
                reference=of.findtext("Id", "").strip(),
                entries=entries,
                proof=Proof.BALANCES if of.tag == "Stmt" else Proof.NONE,
                file=self.file,
                line=line,
                page=_page(of),
                last_page=of.findtext("StmtPgntn/LastPgInd", "true").strip() in ("true", "1"),
            )
        )


def joined(found: Sequence[Statement]) -> list[Statement]:
    """Join the pages of one statement: opening from the first, closing from the last.

    Pages that are not all there stay apart; a balance is then missing, and the file is refused.
    """
    made: list[Statement] = []
    groups: dict[tuple[str, str], list[Statement]] = {}
    for one in found:
        whole = one.opening is not None and one.closing is not None
        if not one.page or whole:
            made.append(one)
        else:
            groups.setdefault((one.account, one.sequence or one.reference), []).append(one)
    for pages in groups.values():
        pages.sort(key=lambda one: one.page)
        there = [one.page for one in pages] == list(range(1, len(pages) + 1))
        if len(pages) == 1 or not there or not pages[-1].last_page:
            made += pages
            continue
        first_, last = pages[0], pages[-1]
        made.append(
            replace(
                first_,
                closing=last.closing,
                until=last.until,
                entries=tuple(entry for one in pages for entry in one.entries),
                last_page=True,
            )
        )
    return sorted(made, key=lambda one: one.line)


def _page(of: ET.Element) -> int:
    text = of.findtext("StmtPgntn/PgNb", "").strip()
    return int(text) if text.isdecimal() and len(text) < 7 else 0


def _period(of: ET.Element, name: str) -> date | None:
    text = of.findtext(f"FrToDt/{name}", "").strip()
    try:
        return date.fromisoformat(text[:10]) if text else None
    except ValueError:
        return None  # the balances carry their own days


def _named(details: list[ET.Element], side: tuple[str, str]) -> str:
    places = [f"RltdPties/{who}/{where}" for who in side for where in ("Nm", "Pty/Nm")]
    places[2:2] = [f"RltdPties/Ultmt{side[0]}/Nm", f"RltdPties/Ultmt{side[0]}/Pty/Nm"]
    return next((t.strip() for p in places for d in details if (t := d.findtext(p))), "")


def _account_named(details: list[ET.Element], side: tuple[str, str]) -> str:
    places = [f"RltdPties/{who}Acct/Id/{where}" for who in side for where in ("IBAN", "Othr/Id")]
    return next((t.strip() for p in places for d in details if (t := d.findtext(p))), "")


def _code(of: ET.Element) -> str:
    """Return the bank's code for what kind of entry this is: `PMNT/RCDT/DMCT`, or its own."""
    domain = "/".join(
        of.findtext(f"BkTxCd/Domn/{e}", "") for e in ("Cd", "Fmly/Cd", "Fmly/SubFmlyCd")
    ).strip("/")
    return first(domain, of.findtext("BkTxCd/Prtry/Cd"))
