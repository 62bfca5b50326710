"""What a scanned label says of itself: in force, void, forged, or blank and waiting for an asset."""

from __future__ import annotations

from dataclasses import dataclass

from api import label_keys
from api.office import Office
from domain.decider import Lang
from domain.label_design import stock_serial
from domain.words import Words, in_language
from labels import signed
from labels.identity import Kind, Scanned, Verdict
from projections import inventory, units
from projections.scope import EVERYTHING

VOID = Words(
    "这张标签已作废（第{issue}次打印）。{now}", "This label is void (issue {issue}). {now}"
)
VOID_ID = Words("标签 {label} 已作废。{now}", "Label {label} is void. {now}")
NOW_ISSUE = Words("现行标签是第{issue}次打印的。", "The label in force is issue {issue}.")
NOW_LABEL = Words("现行标签号为 {label}。", "The label in force is {label}.")
NOW_NONE = Words("该资产现在没有有效标签。", "The asset has no label in force.")
BLANK = Words(
    "这是本系统预印的空白标签 {label}，还没有绑定资产。",
    "This is a blank label of ours, {label}, not yet bound to an asset.",
)
BLANK_VOID = Words(
    "空白标签 {label} 已作废，请勿使用。", "Blank label {label} was voided; do not use it."
)
BLANK_UNKNOWN = Words(
    "空白标签 {label} 的序号还没有印过，请核查来源。",
    "No blank label {label} was ever printed; find out where it comes from.",
)


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence about a label, the asset it belongs or belonged to, and whether it can be bound."""

    words: Words
    asset: str = ""
    bindable: str = ""  # the id of a blank label that may be bound now


def verdict(office: Office, read: Scanned) -> Verdict:
    """Say whether we printed a label; without a key there is nothing to say."""
    return signed.verify(read, label_keys.keys(office.settings))


def told(office: Office, read: Scanned) -> Said | None:
    """Say what is wrong or special about a label; None where it is in force, or no label of ours."""
    if read.kind not in (Kind.OBJECT, Kind.GIAI, Kind.ASSET_NO):
        return None
    id_ = _asset(office, read)
    said = verdict(office, read)
    if said in (Verdict.FORGED, Verdict.RETIRED_KEY):
        return Said(Words(said.zh, said.en), id_)
    if id_:
        asset = office.book.stream(f"asset/{id_}").state
        is_own = read.kind is Kind.GIAI or (read.kind is Kind.OBJECT and read.folded == id_.upper())
        if is_own and read.issue is not None and read.issue < asset.label_issue:
            now = _filled(NOW_ISSUE, issue=asset.label_issue)
            return Said(_filled(VOID, issue=read.issue, now=now), id_)
        return None
    return _voided(office, read.id) or _blank(office, read.folded)


def _asset(office: Office, read: Scanned) -> str:
    """Return the asset that a label names now: by its GIAI, its id, or the id of its label."""
    if read.kind is Kind.GIAI:
        holder = office.book.log.claimed("giai", read.id) or ""
        return holder.removeprefix("asset/") if holder.startswith("asset/") else ""
    return _named(office, read.folded)


def _named(office: Office, folded: str) -> str:
    rows = office.whole(inventory.find(EVERYTHING, folded))
    return rows[0]["id"] if len(rows) == 1 else ""


def _voided(office: Office, label: str) -> Said | None:
    """Recognise a label that was once bound, by the claim its id holds for ever."""
    holder = office.book.log.claimed("label", label) or office.book.log.claimed(
        "label", label.upper()
    )
    if not holder or not holder.startswith("asset/"):
        return None
    asset = office.book.stream(holder).state
    now = _filled(NOW_LABEL, label=asset.label) if asset.label else NOW_NONE
    return Said(_filled(VOID_ID, label=label, now=now), holder.partition("/")[2])


def _blank(office: Office, label: str) -> Said | None:
    """Recognise a blank label of a unit, and say whether it may be bound."""
    found = stock_serial(label)
    if found is None:
        return None
    folded, serial = found
    known = office.models.rows(units.all_units())
    unit = next((row["id"] for row in known if row["id"].upper() == folded), "")
    state = office.book.stream(f"labels/{unit}").state if unit else None
    if state is None or serial > state.stock:
        return Said(_filled(BLANK_UNKNOWN, label=label))
    if serial in state.stock_voided:
        return Said(_filled(BLANK_VOID, label=label))
    return Said(_filled(BLANK, label=label), bindable=label)


def _filled(words: Words, **values: str | int | Words) -> Words:
    """Put values into a sentence, in each language its own."""

    def said(lang: Lang) -> dict[str, str]:
        return {
            name: in_language(value.zh, value.en, lang) if isinstance(value, Words) else str(value)
            for name, value in values.items()
        }

    return Words(words.zh.format(**said("zh")), words.en.format(**said("en")))
