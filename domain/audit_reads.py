"""Who looked: every read of an auditor is an entry, with the reader, what was read, and why.

One stream for each read. Nobody asks for it at a door: it is written by the door through which
they read, once an hour for the same person, post, question, thing and purpose, so that a page
looked at again, or a day slid along, is no flood. Whoever watches is watched.
"""

from __future__ import annotations

from typing import TypeAlias, assert_never

import msgspec

from domain.decider import Event, Lang, Lifecycle, Occasion, Rule
from domain.values import Code, PersonId, Stream, Text, UnitId
from domain.words import Role, Term, Words


class Question(Term):
    """What was asked: each is told apart from the others, whichever door it came through."""

    BUNDLE = "bundle", "证据包", "evidence bundle"
    REPLAY = "replay", "重放比较", "replay and comparison"
    VERIFICATION = "verification", "全账校验", "check of the whole log"
    FINDINGS = "findings", "审计疑点", "standing findings"
    FIVE_QUESTIONS = "five_questions", "审计五问", "five questions"
    CHANGES = "changes", "两日之间的变动", "changes between two dates"
    PERIODS = "periods", "结账期间", "closed periods"
    ENTRIES = "entries", "条目原文", "entries to the byte"
    HISTORY = "history", "状态与历史", "state and history"
    INVENTORY = "inventory", "资产清册", "inventory"
    CASES = "cases", "事项清单", "list of cases"
    OPEN_STEPS = "open_steps", "待办步骤", "open steps"
    PEOPLE = "people", "人员与岗位", "people and roles"
    UNITS = "units", "单位与地点", "units and places"
    REGISTERS = "registers", "登记簿", "registers"
    READS = "reads", "查阅记录", "record of reads"


class Reading(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One read: whose, of what, why."""

    reader: str = ""
    unit: str = ""
    post: str = ""
    question: Question | None = None
    about: str = ""
    extent: str = ""
    known: str = ""
    purpose: str = ""

    def describe(self, lang: Lang) -> str:
        """Say what was read."""
        if self.question is None:
            return "没有查阅" if lang == "zh" else "Nothing was read"
        said = f"{self.about} {self.extent}".strip()
        if lang == "zh":
            return f"查阅{self.question.words.zh}：{said}".rstrip("：")
        return f"Read the {self.question.words.en}: {said}".rstrip(": ")


lifecycle: Lifecycle[Reading] = Lifecycle("audit", Reading, Words("查阅记录", "Audit read"))

# What happened ----------------------------------------------------------------


class AuditRead(
    Event,
    name="audit.read",
    zh="查阅{question}：{about}{extent}",
    en="Read the {question}: {about}{extent}",
):
    """Somebody who audits, or administers, was shown something that only they may ask for.

    `about` is the thing read, empty where it was a list; `extent` are the days or positions asked
    for first, `known` the knowledge; `purpose` is what the reader says it is for.
    """

    reader: PersonId
    unit: UnitId
    post: Role
    question: Question
    about: Stream = ""
    extent: Code = ""
    known: Code = ""
    purpose: Text = ""


AuditReadEvent: TypeAlias = AuditRead

# Where that leaves us ---------------------------------------------------------


def evolve(_: Reading, event: AuditReadEvent) -> Reading:
    """What an event means. Never refuses: it already happened."""
    match event:
        case AuditRead():
            return Reading(
                reader=event.reader,
                unit=event.unit,
                post=event.post.value,
                question=event.question,
                about=event.about,
                extent=event.extent,
                known=event.known,
                purpose=event.purpose,
            )
        case _:
            assert_never(event)


lifecycle.part(AuditReadEvent, evolve)

# What may be asked ------------------------------------------------------------

POSTS = {role.value: role for role in Role}
NOT_WRITTEN = Rule(
    slug="read-written-already",
    zh="这次查阅已经记录。",
    en="This read is written down already.",
    holds=lambda reading, _: reading.question is None,
)


@lifecycle.verb(NOT_WRITTEN, zh="记录查阅", en="Write down a read", inner=True)
def write_down(
    _: Reading,
    occasion: Occasion,
    *,
    question: Question,
    about: Stream | None = None,
    extent: Code = "",
    known: Code = "",
    purpose: Text = "",
) -> AuditRead:
    """Write down what was shown to whom; only the doors do, nobody asks for it."""
    return AuditRead(
        reader=occasion.by,
        unit=occasion.unit,
        post=POSTS[occasion.role],
        question=question,
        about=about or "",
        extent=extent,
        known=known,
        purpose=purpose,
    )
