"""What a log-in still has to give before it is signed in, by the rules of the place it works under."""

from __future__ import annotations

from collections.abc import Collection

from api.accounts import Account, Stage
from api.office import Office


def missing(office: Office, account: Account, given: Collection[Stage] = ()) -> Stage | None:
    """Return the next thing to be given; None when the password, and what was given, suffice."""
    factor = bool(office.accounts.factors.since(account.login))
    if factor and Stage.CODE not in given:
        return Stage.CODE
    if Stage.NEW_PASSWORD not in given and office.accounts.must_change(account.login):
        return Stage.NEW_PASSWORD
    if Stage.NEW_FACTOR not in given and not factor and demanded(office, account):
        return Stage.NEW_FACTOR
    return None


def demanded(office: Office, account: Account) -> bool:
    """Tell whether the rules in force want a second factor of what the person may act as today."""
    today = office.today(office.zone_of(account.unit))
    return any(
        post.role in office.rules_for(post.unit, today).second_factor_roles
        for post in office.posts(account)
    )
