"""Standing findings as every door tells them: in words, with the names people know."""

from __future__ import annotations

from typing import Any, Final

from api.office import Office
from api.pages_telling import NameOf, money
from domain.decider import LIFECYCLES, Lang
from domain.words import Role, Words, cited, in_language
from ledger import findings as standing
from ledger.findings import CHECKS, LATE_DAYS, Finding, Findings

READERS: Final = (Role.AUDITOR, Role.ADMIN)
LATE_DAYS_MAX: Final = 3_650
KEPT_MAX: Final = 8
CHANNELS: Final = {
    "demo": Words("演示数据", "demonstration"),
    "import": Words("导入", "import"),
    standing.IMPORTER: Words("导入", "import"),
}


def found(office: Office, late_days: int = LATE_DAYS, progress: Any = None) -> Findings:
    """Return what there is to ask about now; the same log on the same day is read once."""
    watched = office.proving.watched()  # where a policy names no witness, none is missed
    late = watched is not None and watched.exposed_seconds > standing.EXPOSED_SECONDS
    key = (
        office.book.log.head()[0],
        office.today(),
        late_days,
        watched and watched.witnessed,
        late,
    )
    known = office.findings.get(key)
    if known is None:
        witnessed = (lambda: (watched.witnessed, "")) if watched is not None else None
        known = standing.findings(
            office.book,
            office.today(),
            late_days=late_days,
            witnessed=witnessed,
            progress=progress,
        )
        while len(office.findings) >= KEPT_MAX:
            office.findings.pop(next(iter(office.findings)))
        office.findings[key] = known
    return known


def sentence(finding: Finding, lang: Lang, name_of: NameOf) -> str:
    """Say what was found, in the reader's language."""
    said = CHECKS[finding.check].said
    told = {name: _told(finding, name, lang, name_of) for name in finding.details}
    return in_language(said.zh, said.en, lang).format_map(told)


def title(check: str, lang: Lang) -> str:
    """Return what a check is called."""
    words = CHECKS[check].words
    return in_language(words.zh, words.en, lang)


def law(check: str, lang: Lang) -> str:
    """Return the article a check rests on, as people cite it; empty where there is none."""
    said = CHECKS[check].law
    return said if lang == "zh" or not said else cited(said, lang)


MONEY = frozenset({"approved", "executed", "gross", "proceeds", "due", "remitted", "amount"})


def _told(finding: Finding, name: str, lang: Lang, name_of: NameOf) -> str:
    value = finding.details[name]
    if name in MONEY and isinstance(value, int):
        return money(value, str(finding.details.get("currency", "CNY")), lang)
    text = f"{value:,}" if isinstance(value, int) and name != "position" else str(value)
    match name:
        case "person" | "unit" | "asset":
            return name_of(name, text) if text else ""
        case "case":
            return name_of("stream", text)
        case "duty" | "before" if finding.check == "duties":
            return _in(Words.of(text), lang)
        case "step":
            verbs = LIFECYCLES[finding.stream.partition("/")[0]].verbs
            return _in(verbs[text].words, lang) if text in verbs else text
        case "channel":
            return _in(CHANNELS.get(text, Words(text, text)), lang)
        case _:
            return text


def _in(words: Words, lang: Lang) -> str:
    return in_language(words.zh, words.en, lang)
