"""The ledger goes on under another name after records were lost that cannot be brought back.

A name under which a longer log was signed is never signed for a shorter one. Two persons say what
is gone, citing the last checkpoint of the old name; only then the notary draws a key for a new
one. The old name and its checkpoints stay what they are. A stream is one loss.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias, assert_never

import msgspec
from msgspec.structs import replace

from domain.decider import Event, Lang, Lifecycle, Occasion, Rule
from domain.values import END, Given, PersonId, Text, Written
from domain.words import Role, Words

# The name of a log (C2SP tlog-checkpoint): no white space, no plus.
Origin: TypeAlias = Annotated[str, Written(min_length=1, max_length=200, pattern=r"^[^\s+]+" + END)]
Entries: TypeAlias = Annotated[int, Written(ge=0, lt=2**53)]
DIGITS_MAX = 15


class Recovery(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Which name is asked for, who asks, and whether another person confirmed it."""

    asker: str = ""
    origin: str = ""
    checkpoint: str = ""
    proven: int = 0
    confirmed: bool = False

    def describe(self, lang: Lang) -> str:
        """Say how far it is."""
        if not self.origin:
            return "没有待确认的丢失" if lang == "zh" else "No loss waits to be confirmed"
        if lang == "zh":
            return f"改用新名 {self.origin}：{'已确认' if self.confirmed else '待另一人确认'}"
        waits = "confirmed" if self.confirmed else "waits for another person to confirm it"
        return f"The new name {self.origin}: {waits}"


lifecycle: Lifecycle[Recovery] = Lifecycle("recovery", Recovery, Words("恢复", "Recovery"))

# What happened ----------------------------------------------------------------


class RecoveryAsked(
    Event,
    name="recovery.asked",
    zh="{old_origin} 已签署{signed}条，只有前{proven}条仍可证明，请求改用新名 {origin}：{reason}",
    en="{old_origin} was signed at {signed} entries; only {proven} can still be proven. Asked to go"
    " on as {origin}: {reason}",
    duty="apply",
):
    """What is lost: `checkpoint` is the last one of the old name, as it was signed."""

    asker: PersonId
    old_origin: str
    signed: int
    proven: int
    checkpoint: Text
    origin: str
    reason: Text


class RecoveryDeclined(
    Event,
    name="recovery.declined",
    zh="不同意改用新名：{reason}",
    en="The new name is declined: {reason}",
    duty="approve",
):
    """Another person knows better: the records may be somewhere still."""

    reason: Text


class RecoveryConfirmed(
    Event,
    name="recovery.confirmed",
    zh="确认丢失，改用新名 {origin}，自第{first}条起算",
    en="The loss is confirmed; the ledger goes on as {origin}, counting from entry {first}",
    duty="approve",
    boundary=True,
):
    """Another person agreed. From `first` on, entries belong to the new name alone."""

    origin: str
    first: int


RecoveryEvent: TypeAlias = RecoveryAsked | RecoveryDeclined | RecoveryConfirmed

# Where that leaves us ---------------------------------------------------------


def evolve(recovery: Recovery, event: RecoveryEvent) -> Recovery:
    """What an event means. Never refuses: it already happened."""
    match event:
        case RecoveryAsked(asker=asker, origin=origin, checkpoint=checkpoint, proven=proven):
            return replace(
                recovery, asker=asker, origin=origin, checkpoint=checkpoint, proven=proven
            )
        case RecoveryDeclined():
            return Recovery()
        case RecoveryConfirmed():
            return replace(recovery, confirmed=True)
        case _:
            assert_never(event)


lifecycle.part(RecoveryEvent, evolve)

# What may be asked ------------------------------------------------------------

NOT_ASKED_YET = Rule(
    slug="recovery-asked-already",
    zh="这次丢失已经提出；另一次请用另一个编号。",
    en="This loss is told already; another one is another record.",
    holds=lambda recovery, _: not recovery.origin,
)
ASKED = Rule(
    slug="no-recovery-asked",
    zh="没有待确认的丢失。",
    en="No loss waits to be confirmed.",
    holds=lambda recovery, _: bool(recovery.origin) and not recovery.confirmed,
)
ANOTHER_CONFIRMS = Rule(
    slug="own-recovery",
    zh="须由另一人确认。",
    en="Another person confirms it.",
    law="《行政事业性国有资产管理条例》第51条",
    holds=lambda recovery, occasion: recovery.asker != occasion.by,
)
A_CHECKPOINT = Rule(
    slug="no-checkpoint-cited",
    zh="请原样写入原账本名的最后检查点：名称、条数、树根三行，空一行，然后是签名行。",
    en="Cite the last checkpoint of the old name as it was signed: name, number and root on three"
    " lines, an empty line, then the signatures.",
)
LESS_THAN_SIGNED = Rule(
    slug="nothing-lost",
    zh="已签署 {signed} 条，仍可证明 {proven} 条：没有丢失，不得另立新名。",
    en="Of {signed} signed entries {proven} can be proven: nothing is lost, and no new name is"
    " needed.",
)
ANOTHER_NAME = Rule(
    slug="origin-not-reused",
    zh="新名不能与原账本名 {origin} 相同：一个名称只签一本账。",
    en="The new name cannot be the old one, {origin}: one name is signed for one log only.",
)


@lifecycle.verb(NOT_ASKED_YET, zh="提出丢失", en="Tell a loss", roles=(Role.ADMIN,))
def ask(
    _: Recovery,
    occasion: Occasion,
    *,
    checkpoint: Given,
    proven: Entries,
    origin: Origin,
    reason: Given,
) -> RecoveryAsked:
    """Say what is lost for ever and under which name the ledger is to go on."""
    kept = checkpoint.replace("\r\n", "\n").strip() + "\n"
    head, split, signatures = kept.partition("\n\n")
    lines = head.split("\n")
    if len(lines) < 3 or not split or not signatures.startswith("— ") or not counted(lines[1]):
        raise A_CHECKPOINT.broken()
    if proven >= int(lines[1]):
        raise LESS_THAN_SIGNED.broken(signed=int(lines[1]), proven=proven)
    if origin == lines[0]:
        raise ANOTHER_NAME.broken(origin=origin)
    return RecoveryAsked(
        asker=occasion.by,
        old_origin=lines[0],
        signed=int(lines[1]),
        proven=proven,
        checkpoint=kept,
        origin=origin,
        reason=reason,
    )


def counted(text: str) -> bool:
    """Tell whether a line is a number of entries."""
    return text.isascii() and text.isdecimal() and len(text) <= DIGITS_MAX


@lifecycle.verb(
    ASKED, ANOTHER_CONFIRMS, zh="确认丢失", en="Confirm the loss", roles=(Role.ADMIN, Role.HEAD)
)
def confirm(recovery: Recovery, _: Occasion) -> RecoveryConfirmed:
    """Agree that it is lost for ever; the notary may now sign under the new name."""
    return RecoveryConfirmed(origin=recovery.origin, first=recovery.proven + 1)


@lifecycle.verb(ASKED, ANOTHER_CONFIRMS, zh="不同意", en="Decline", roles=(Role.ADMIN, Role.HEAD))
def decline(_: Recovery, __: Occasion, *, reason: Given) -> RecoveryDeclined:
    """Say where the records may be found, or what else is wrong."""
    return RecoveryDeclined(reason=reason)
