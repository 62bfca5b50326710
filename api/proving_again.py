"""Who decides a case proves again who they are, where the rules of a place want it (ASVS 7.5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

from api.hashing import stamp
from api.office import Actor, Office
from domain.decider import Document, Rule

APPROVES: Final = "approve"
PROVEN_AGAIN: Final = Rule(
    slug="prove-again",
    zh="按现行规则，作出决定前 {minutes} 分钟内须再确认是您本人；请到 /confirm 确认后再提交。"
    "接口请用 HTTP Basic，令牌不能作决定。",
    en="By the rules in force whoever decides has given password or code within {minutes} minutes;"
    " confirm that it is you at /confirm and submit again. Programs use HTTP Basic; a token"
    " decides nothing.",
)


def refuse_unproven(
    office: Office,
    actor: Actor,
    proven_at: str,
    requests: Sequence[tuple[str, str, Mapping[str, Any]]],
    *,
    on: date | None = None,
    docs: Sequence[Document] = (),
) -> None:
    """Refuse a decision of somebody who proved too long ago who they are; raise Refused.

    `proven_at` is when they last gave password or code (UTC); empty: never, as a token.
    """
    rules = office.rules_for(actor.unit, office.today(actor.zone))
    minutes = rules.reauthentication_minutes
    if minutes is None:
        return
    if proven_at > stamp(office.accounts.clock() - timedelta(minutes=minutes)):
        return
    drafts = office.preview(requests, actor, on=on, docs=docs)
    if any(draft.event.duty == APPROVES for draft in drafts):
        raise PROVEN_AGAIN.broken(minutes=minutes)
