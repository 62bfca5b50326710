"""An auditor's finding, what the unit did about it, and how it ended (#60).

It is all that an auditor ever writes: findings are raised and closed by the auditor alone, and the
unit answers with evidence within the time set (山西省办法 第32条).
"""

from __future__ import annotations

from datetime import date
from typing import TypeAlias, assert_never

import msgspec
from msgspec.structs import replace

from domain.decider import Event, Lang, Lifecycle, Occasion, Rule
from domain.open_steps import OpenStep, step_of
from domain.values import Code, Given, PersonId, Stream, Text, UnitId
from domain.words import Role, Term, Words


class NoteStatus(Term):
    """Where a finding stands."""

    NONE = "none", "无", "none"
    RAISED = "raised", "待整改", "to be rectified"
    REPORTED = "reported", "已报整改，待审核", "rectification reported"
    CLOSED = "closed", "已销号", "closed"


class Note(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Whom a finding concerns, what about, and until when it is to be rectified."""

    status: NoteStatus = NoteStatus.NONE
    unit: str = ""
    about: str = ""
    finding: str = ""
    due: date | None = None
    refused: int = 0  # how many reports were not accepted
    dataset: str = ""

    @property
    def applicant(self) -> str:
        """Return nobody: a finding is no request."""
        return ""

    def describe(self, lang: Lang) -> str:
        """Say where the finding stands."""
        if self.due is None:
            return "尚无审计疑点" if lang == "zh" else "There is no finding yet"
        if lang == "zh":
            return f"审计疑点{self.status.words.zh}，期限{self.due}"
        return f"The finding is {self.status.words.en}, due {self.due}"


lifecycle: Lifecycle[Note] = Lifecycle("note", Note, Words("审计疑点", "Audit note"))

# What happened ----------------------------------------------------------------


class AuditNoteRaised(
    Event,
    name="note.raised",
    zh="向{unit}提出审计疑点，{due}前整改：{finding}",
    en="Finding about {unit}, to be rectified by {due}: {finding}",
):
    """#60 An auditor found something; `about` is the thing or case it concerns."""

    auditor: PersonId
    unit: UnitId
    finding: Text
    due: date
    about: Stream | None = None
    dataset: Code = ""


class RectificationReported(
    Event,
    name="note.rectification_reported",
    zh="报告整改情况：{measures}",
    en="Rectification reported: {measures}",
):
    """#60 The unit says what it did, with its papers as evidence."""

    reporter: PersonId
    measures: Text


class RectificationNotAccepted(
    Event,
    name="note.rectification_not_accepted",
    zh="整改未予认可，{due}前重报：{reason}",
    en="Rectification not accepted, to be reported again by {due}: {reason}",
):
    """#60 The auditor is not satisfied; the unit goes on."""

    reason: Text
    due: date


class AuditNoteClosed(
    Event,
    name="note.closed",
    zh="疑点销号：{conclusion}",
    en="Finding closed: {conclusion}",
):
    """#60 The auditor accepts what was done, or finds that there was nothing."""

    auditor: PersonId
    conclusion: Text


NoteEvent: TypeAlias = (
    AuditNoteRaised | RectificationReported | RectificationNotAccepted | AuditNoteClosed
)

# Where that leaves us ---------------------------------------------------------


def evolve(note: Note, event: NoteEvent) -> Note:
    """What an event means. Never refuses: it already happened."""
    match event:
        case AuditNoteRaised():
            return Note(
                status=NoteStatus.RAISED,
                unit=event.unit,
                about=event.about or "",
                finding=event.finding,
                due=event.due,
                dataset=event.dataset,
            )
        case RectificationReported():
            return replace(note, status=NoteStatus.REPORTED)
        case RectificationNotAccepted(due=due):
            return replace(note, status=NoteStatus.RAISED, due=due, refused=note.refused + 1)
        case AuditNoteClosed():
            return replace(note, status=NoteStatus.CLOSED)
        case _:
            assert_never(event)


lifecycle.part(NoteEvent, evolve)


@step_of(Note)
def what_is_next(note: Note) -> OpenStep | None:
    """Return whose turn it is: the unit's until it reported, then the auditor's."""
    match note.status:
        case NoteStatus.RAISED:
            return OpenStep(
                verb="report_rectification", roles=ANSWERING, unit=note.unit, due=note.due
            )
        case NoteStatus.REPORTED:
            return OpenStep(verb="close", roles=(Role.AUDITOR,))
        case _:
            return None


# What may be asked ------------------------------------------------------------

ANSWERING = (
    Role.CLERK,
    Role.HEAD,
    Role.ACCOUNTANT,
    Role.KEEPER,
    Role.DEPARTMENT,
    Role.OFFICE,
    Role.FINANCE,
)
NEW = Rule(
    slug="note-exists",
    zh="此疑点已经提出。",
    en="This finding has been raised already.",
    holds=lambda note, _: note.status is NoteStatus.NONE,
)
RAISED = Rule(
    slug="nothing-to-rectify",
    zh="没有待整改的疑点。",
    en="No finding waits to be rectified.",
    holds=lambda note, _: note.status is NoteStatus.RAISED,
)
REPORTED = Rule(
    slug="rectification-not-reported",
    zh="单位尚未报告整改情况。",
    en="The unit has not reported what it did.",
    holds=lambda note, _: note.status is NoteStatus.REPORTED,
)
UNIT_CONCERNED = Rule(
    slug="note-of-another-unit",
    zh="只能由被检查单位报告整改情况。",
    en="Only the unit that was audited reports what it did.",
    law="《山西省机关事务管理办法》第32条",
    holds=lambda note, occasion: occasion.acts_for(note.unit),
)
EVIDENCE = Rule(
    slug="rectification-without-evidence",
    zh="报告整改情况须附依据文件。",
    en="What was done about a finding is reported with the papers that prove it.",
    law="《山西省机关事务管理办法》第32条",
)
AHEAD = Rule(
    slug="rectified-too-early",
    zh="整改期限 {due} 不得早于 {on}。",
    en="The day {due} until which to rectify cannot be before {on}.",
)


def ahead(occasion: Occasion, due: date) -> None:
    """Refuse a deadline that is over when it is set."""
    if due < occasion.on:
        raise AHEAD.broken(due=due, on=occasion.on)


@lifecycle.verb(NEW, zh="提出疑点", en="Raise a finding", roles=(Role.AUDITOR,))
def raise_note(
    _: Note,
    occasion: Occasion,
    *,
    unit: UnitId,
    finding: Given,
    due: date,
    about: Stream | None = None,
) -> AuditNoteRaised:
    """Tell a unit what was found, and until when it must be put right."""
    ahead(occasion, due)
    return AuditNoteRaised(auditor=occasion.by, unit=unit, finding=finding, due=due, about=about)


@lifecycle.verb(RAISED, UNIT_CONCERNED, zh="报告整改", en="Report rectification", roles=ANSWERING)
def report_rectification(_: Note, occasion: Occasion, *, measures: Given) -> RectificationReported:
    """Say what was done about the finding, with the papers that prove it attached."""
    if not occasion.docs:
        raise EVIDENCE.broken()
    return RectificationReported(reporter=occasion.by, measures=measures)


@lifecycle.verb(REPORTED, zh="不予认可", en="Do not accept", roles=(Role.AUDITOR,))
def turn_back(_: Note, occasion: Occasion, *, reason: Given, due: date) -> RectificationNotAccepted:
    """Ask the unit to do more, until another day."""
    ahead(occasion, due)
    return RectificationNotAccepted(reason=reason, due=due)


@lifecycle.verb(REPORTED, zh="疑点销号", en="Close the finding", roles=(Role.AUDITOR,))
def close(_: Note, occasion: Occasion, *, conclusion: Given) -> AuditNoteClosed:
    """Accept what was done about the finding."""
    return AuditNoteClosed(auditor=occasion.by, conclusion=conclusion)
