"""What the books of each side may write: vouchers proposed from templates (T52; DOMAIN.md h).

The accounting system of a unit posts; this only proposes, in fen, and says why where nothing is to
be posted. A template balances whatever the amounts are: each of its lines is so many times what is
given (original value, depreciation, fees), and the two sides of all lines come to the same. Rules
of a place may say a template otherwise; one that does not balance is no rule.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from domain.words import Term, Words


class Side(Term):
    """The side of a line."""

    DEBIT = "debit", "借", "Dr"
    CREDIT = "credit", "贷", "Cr"


class Amount(Term):
    """What a line is about."""

    GROSS = "gross", "账面原值", "original value"
    ACCUMULATED = "accumulated", "累计折旧（摊销）", "accumulated depreciation"
    NET = "net", "账面价值", "book value"
    FEES = "fees", "相关税费", "taxes and fees"
    COST = "cost", "账面价值加相关税费", "book value with taxes and fees"
    MONEY = "money", "收付金额", "money that came or went"
    EXCESS = "excess", "其中多收", "of it paid too much"
    OWED = "owed", "其中应缴", "of it owed"


PARTS: Mapping[Amount, Mapping[Amount, int]] = {
    Amount.GROSS: {Amount.GROSS: 1},
    Amount.ACCUMULATED: {Amount.ACCUMULATED: 1},
    Amount.NET: {Amount.GROSS: 1, Amount.ACCUMULATED: -1},
    Amount.FEES: {Amount.FEES: 1},
    Amount.COST: {Amount.GROSS: 1, Amount.ACCUMULATED: -1, Amount.FEES: 1},
    Amount.MONEY: {Amount.MONEY: 1},
    Amount.EXCESS: {Amount.EXCESS: 1},
    Amount.OWED: {Amount.MONEY: 1, Amount.EXCESS: -1},
}
"""What each amount is of those that are given: the book value is the original less what is worn."""


class Account(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account of the chart: its number and name. `kinds`: of which property, empty for any."""

    slug: str
    code: str
    zh: str
    en: str
    kinds: frozenset[str] = frozenset()


class TemplateLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of a template: which side of which account gets what."""

    side: Side
    account: str  # a slug of the template's own accounts, or of ACCOUNTS
    amount: Amount


class Template(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is posted at an occasion, whatever the amounts."""

    slug: str  # of OCCASIONS
    lines: tuple[TemplateLine, ...]
    accounts: tuple[Account, ...] = ()  # instead of ACCOUNTS


TRANSFER_OUT, TRANSFER_IN = "transfer_out", "transfer_in"
ACQUIRED, BUILT, DONATED_IN, SURPLUS = "acquired", "built", "donated_in", "surplus"
SURPLUS_RULED = "surplus_ruled"
EXCHANGED_IN, EXCHANGED_OUT = "exchanged_in", "exchanged_out"
ADDITION, SETTLED, REVALUED = "addition", "settled", "revalued"
DEPRECIATED, RECLASSIFIED = "depreciated", "reclassified"
SOLD, DONATED_OUT = "sold", "donated_out"
INTO_PENDING, PENDING_SETTLED = "into_pending", "pending_settled"
RECEIVED, REMITTED, KEPT = "received", "remitted", "kept"
OCCASIONS: Mapping[str, Words] = {
    ACQUIRED: Words("购置", "purchase"),
    BUILT: Words("建设交付", "built"),
    DONATED_IN: Words("接受捐赠", "donation received"),
    SURPLUS: Words("盘盈（待批准处理）", "surplus, to be ruled on"),
    SURPLUS_RULED: Words("盘盈批复核销", "surplus ruled on"),
    ADDITION: Words("改建、扩建增加原值", "addition to cost"),
    SETTLED: Words("暂估转实际", "provisional value settled"),
    REVALUED: Words("价值更正", "value corrected"),
    DEPRECIATED: Words("计提折旧（摊销）", "depreciation"),
    RECLASSIFIED: Words("类别调整", "reclassified"),
    TRANSFER_OUT: Words("无偿调出", "gratuitous transfer out"),
    TRANSFER_IN: Words("无偿调入", "gratuitous transfer in"),
    EXCHANGED_OUT: Words("置换换出", "given in exchange"),
    EXCHANGED_IN: Words("置换换入", "got in exchange"),
    SOLD: Words("转让（拍卖）核销", "sold"),
    DONATED_OUT: Words("对外捐赠", "donation given"),
    INTO_PENDING: Words("转入待处理财产损溢", "into pending gains and losses"),
    PENDING_SETTLED: Words("待处理财产损溢核销", "pending loss settled"),
    RECEIVED: Words("收到应缴财政款", "money received for the treasury"),
    REMITTED: Words("应缴财政款上缴国库", "remitted to the treasury"),
    KEPT: Words("按规定留归单位", "kept by rule"),
}
SOFT = frozenset({"software"})  # carried as intangible
PENDING = "pending"  # instead of a kind: what waits in 1902 until it is ruled on
# The chart of 《政府会计制度》 (财会〔2017〕25号); a place that keeps other accounts says so in its
# rules.
ACCOUNTS = (
    *(
        Account(
            slug=slug, code="1902", zh="待处理财产损溢", en="Pending gains and losses", kinds=kinds
        )
        for slug, kinds in (
            ("asset", frozenset({PENDING})),
            ("worn", frozenset({PENDING})),
            ("pending", frozenset()),
        )
    ),
    Account(slug="asset", code="1701", zh="无形资产", en="Intangible assets", kinds=SOFT),
    Account(
        slug="worn", code="1702", zh="无形资产累计摊销", en="Accumulated amortisation", kinds=SOFT
    ),
    Account(slug="asset", code="1601", zh="固定资产", en="Fixed assets"),
    Account(slug="worn", code="1602", zh="固定资产累计折旧", en="Accumulated depreciation"),
    Account(
        slug="gratuitous", code="3401", zh="无偿调拨净资产", en="Net assets, gratuitous transfer"
    ),
    Account(slug="bank", code="1002", zh="银行存款", en="Bank deposits"),
    Account(slug="money", code="1001", zh="库存现金", en="Cash", kinds=frozenset({"cash"})),
    Account(
        slug="money",
        code="2307",
        zh="其他应付款",
        en="Other payables",
        kinds=frozenset({"deposit"}),
    ),
    Account(slug="money", code="1002", zh="银行存款", en="Bank deposits"),
    Account(slug="owed", code="2103", zh="应缴财政款", en="Payable to the treasury"),
    Account(slug="excess", code="2307", zh="其他应付款", en="Other payables"),
    Account(slug="payable", code="2302", zh="应付账款", en="Accounts payable"),
    Account(slug="construction", code="1613", zh="在建工程", en="Construction in progress"),
    Account(slug="donation", code="4603", zh="捐赠收入", en="Donation income"),
    Account(
        slug="own_income",
        code="4605",
        zh="租金收入",
        en="Rent income",
        kinds=frozenset({"lease_rent"}),
    ),
    Account(slug="own_income", code="4609", zh="其他收入", en="Other income"),
    # To which account a ruling clears a surplus, by when and how it was obtained.
    Account(
        slug="found",
        code="2302",
        zh="应付账款",
        en="Accounts payable",
        kinds=frozenset({"purchase"}),
    ),
    Account(
        slug="found",
        code="4603",
        zh="捐赠收入",
        en="Donation income",
        kinds=frozenset({"donation"}),
    ),
    Account(
        slug="found",
        code="3401",
        zh="无偿调拨净资产",
        en="Net assets, gratuitous transfer",
        kinds=frozenset({"transfer"}),
    ),
    Account(slug="found", code="3501", zh="以前年度盈余调整", en="Adjustment of earlier years"),
    Account(slug="wear", code="5001", zh="业务活动费用", en="Operating expense"),
    Account(slug="disposal", code="5301", zh="资产处置费用", en="Asset disposal expense"),
    Account(
        slug="earlier_years", code="3501", zh="以前年度盈余调整", en="Adjustment of earlier years"
    ),
)


def debit(account: str, amount: Amount) -> TemplateLine:
    """Return a line on the left."""
    return TemplateLine(side=Side.DEBIT, account=account, amount=amount)


def credit(account: str, amount: Amount) -> TemplateLine:
    """Return a line on the right."""
    return TemplateLine(side=Side.CREDIT, account=account, amount=amount)


def carries(against: str) -> tuple[TemplateLine, ...]:
    """Return the lines by which the books take property up, or more of it, against an account."""
    return (
        debit("asset", Amount.GROSS),
        credit("worn", Amount.ACCUMULATED),
        credit(against, Amount.NET),
    )


def lets_go(against: str) -> tuple[TemplateLine, ...]:
    """Return the lines by which the books let property go at book value, against an account."""
    return (
        debit(against, Amount.NET),
        debit("worn", Amount.ACCUMULATED),
        credit("asset", Amount.GROSS),
    )


TEMPLATES = (
    Template(
        slug=TRANSFER_OUT,
        lines=(
            debit("gratuitous", Amount.NET),
            debit("worn", Amount.ACCUMULATED),
            credit("asset", Amount.GROSS),
        ),
    ),
    Template(
        slug=TRANSFER_IN,
        lines=(
            debit("asset", Amount.COST),
            credit("gratuitous", Amount.NET),
            credit("bank", Amount.FEES),
        ),
    ),
    # Paid later or at once: the payment clears the account payable.
    Template(slug=ACQUIRED, lines=carries("payable")),
    Template(slug=BUILT, lines=carries("construction")),
    Template(slug=DONATED_IN, lines=carries("donation")),
    Template(slug=SURPLUS, lines=carries("pending")),
    Template(
        slug=SURPLUS_RULED,
        lines=(debit("pending", Amount.NET), credit("found", Amount.NET)),
    ),
    Template(slug=ADDITION, lines=carries("construction")),
    Template(slug=SETTLED, lines=carries("payable")),
    Template(slug=REVALUED, lines=carries("earlier_years")),
    # Both legs together come to nothing on the third line.
    Template(slug=RECLASSIFIED, lines=carries("earlier_years")),
    # What was given and what was got meet in one account: what stays there is the loss, and what
    # stays on its other side the gain.
    Template(slug=EXCHANGED_IN, lines=carries("disposal")),
    Template(slug=EXCHANGED_OUT, lines=lets_go("disposal")),
    Template(slug=SOLD, lines=lets_go("disposal")),
    Template(slug=DONATED_OUT, lines=lets_go("disposal")),
    # Scrapping, shortage and damage pass through 1902 until they are ruled on.
    Template(slug=INTO_PENDING, lines=lets_go("pending")),
    Template(
        slug=PENDING_SETTLED,
        lines=(debit("disposal", Amount.NET), credit("pending", Amount.NET)),
    ),
    Template(
        slug=DEPRECIATED,
        lines=(debit("wear", Amount.ACCUMULATED), credit("worn", Amount.ACCUMULATED)),
    ),
    Template(
        slug=RECEIVED,
        lines=(
            debit("money", Amount.MONEY),
            credit("owed", Amount.OWED),
            credit("excess", Amount.EXCESS),
        ),
    ),
    Template(slug=REMITTED, lines=(debit("owed", Amount.MONEY), credit("bank", Amount.MONEY))),
    Template(slug=KEPT, lines=(debit("owed", Amount.MONEY), credit("own_income", Amount.MONEY))),
)


def balances(template: Template) -> bool:
    """Answer whether both sides of a template come to the same, whatever is given."""
    sums: defaultdict[Amount, int] = defaultdict(int)
    for line in template.lines:
        for part, times in PARTS[line.amount].items():
            sums[part] += times if line.side is Side.DEBIT else -times
    return bool(template.lines) and not any(sums.values())


def contradictions(templates: Iterable[Template]) -> Iterator[Words]:
    """Yield what is wrong with the templates of a place."""
    slugs = [template.slug for template in templates]
    for template in templates:
        slug = template.slug
        if slug not in OCCASIONS:
            yield Words(f"没有凭证模板 {slug}", f"there is no voucher template {slug}")
        if slugs.count(slug) > 1:
            yield Words(f"凭证模板 {slug} 重复", f"the voucher template {slug} is there twice")
        if not balances(template):
            yield Words(
                f"凭证模板 {slug} 借贷不平", f"the two sides of the voucher template {slug} differ"
            )
        known = {account.slug for account in (*template.accounts, *ACCOUNTS)}
        for line in template.lines:
            if line.account not in known:
                yield Words(
                    f"凭证模板 {slug} 没有科目 {line.account}",
                    f"the voucher template {slug} has no account {line.account}",
                )


def template_of(slug: str, own: Iterable[Template]) -> Template:
    """Return what a place posts at an occasion; where it says nothing, what the chart does."""
    return next(template for template in (*own, *TEMPLATES) if template.slug == slug)


# What is proposed -----------------------------------------------------------------


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """One card as its books stand; amounts in fen. `books`: the unit that accounts for it."""

    asset: str
    kind: str
    books: str
    gross: int | None = None
    accumulated: int = 0
    fees: int = 0
    money: int = 0
    excess: int = 0
    currency: str = "CNY"


class WhyNone(Term):
    """Why nothing is posted for a card."""

    CUSTODY_ONLY = "custody_only", "只移交实物保管，账务不变", "only custody moves, the books stay"
    SAME_BOOKS = (
        "same_books",
        "已在调入单位账上，只移交实物",
        "the taker accounts for it already; only the thing moves",
    )
    NO_BOOKS = "no_books", "卡片没有记账单位", "the card names no unit that accounts for it"
    NO_VALUE = "no_value", "卡片没有账面原值", "the card states no original value"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a voucher, in fen."""

    side: Side
    code: str
    account: Words
    amount: int


class Voucher(msgspec.Struct, frozen=True, kw_only=True):
    """What a unit may post at an occasion, for so many cards."""

    occasion: str
    unit: str
    currency: str
    lines: tuple[Line, ...]
    assets: tuple[str, ...]

    def total(self, side: Side) -> int:
        """Return what one side comes to; the other comes to the same."""
        return sum(line.amount for line in self.lines if line.side is side)


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """The vouchers of both sides, and the cards for which nothing is posted, each with the reason."""

    out: tuple[Voucher, ...] = ()
    into: tuple[Voucher, ...] = ()
    without: tuple[tuple[str, WhyNone], ...] = ()


def transferred(
    pieces: Iterable[Piece], to_unit: str, own: Iterable[Template] = (), *, custody_only: bool
) -> Proposal:
    """Propose what both sides post when cards pass to another unit without payment."""
    without: list[tuple[str, WhyNone]] = []
    moved: defaultdict[tuple[str, str], list[Piece]] = defaultdict(list)
    for piece in pieces:
        why = why_none(piece, to_unit, custody_only=custody_only)
        if why is not None:
            without.append((piece.asset, why))
        else:
            moved[piece.books, piece.currency].append(piece)
    taken: defaultdict[str, list[Piece]] = defaultdict(list)
    for (_, currency), some in moved.items():
        taken[currency] += some
    own = tuple(own)
    return Proposal(
        out=tuple(
            posted(template_of(TRANSFER_OUT, own), unit, currency, some)
            for (unit, currency), some in moved.items()
        ),
        into=tuple(
            posted(template_of(TRANSFER_IN, own), to_unit, currency, some)
            for currency, some in taken.items()
        ),
        without=tuple(without),
    )


def why_none(piece: Piece, to_unit: str, *, custody_only: bool) -> WhyNone | None:
    """Return why nothing is posted for a card; None where something is."""
    if custody_only:
        return WhyNone.CUSTODY_ONLY
    if not piece.books:
        return WhyNone.NO_BOOKS
    if piece.books == to_unit:
        return WhyNone.SAME_BOOKS
    return WhyNone.NO_VALUE if piece.gross is None else None


def posted(template: Template, unit: str, currency: str, pieces: Iterable[Piece]) -> Voucher:
    """Return a voucher by a template: equal accounts in one line, what comes to nothing left out."""
    pieces = tuple(pieces)
    lines: list[Line] = []
    for one in template.lines:
        sums: defaultdict[Account, int] = defaultdict(int)
        for piece in pieces:
            sums[account_of(template, one.account, piece.kind)] += amount_of(piece, one.amount)
        lines += (
            Line(
                side=one.side if amount > 0 else OTHER_SIDE[one.side],
                code=a.code,
                account=Words(a.zh, a.en),
                amount=abs(amount),
            )
            for a, amount in sums.items()
            if amount
        )
    return Voucher(
        occasion=template.slug,
        unit=unit,
        currency=currency,
        lines=tuple(lines),
        assets=tuple(piece.asset for piece in pieces if piece.asset),
    )


OTHER_SIDE: Mapping[Side, Side] = {Side.DEBIT: Side.CREDIT, Side.CREDIT: Side.DEBIT}
"""Where a line goes that comes to less than nothing, as when a value is lowered."""


def account_of(template: Template, slug: str, kind: str) -> Account:
    """Return the account a line is of, for property of a kind; the template's own goes first."""
    known = (*template.accounts, *ACCOUNTS)
    return next(a for a in known if a.slug == slug and (not a.kinds or kind in a.kinds))


def amount_of(piece: Piece, amount: Amount) -> int:
    """Return what a line comes to for one card, in fen."""
    given = {
        Amount.GROSS: piece.gross or 0,
        Amount.ACCUMULATED: piece.accumulated,
        Amount.FEES: piece.fees,
        Amount.MONEY: piece.money,
        Amount.EXCESS: piece.excess,
    }
    return sum(times * given[part] for part, times in PARTS[amount].items())
