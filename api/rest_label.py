"""The label of an asset: the text of its code and its picture, as the ledger knows it now."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from api.office import Office
from domain.asset import Asset
from domain.decider import Lang
from domain.words import Words
from labels import face, identity
from projections import units

NOT_A_LABEL = Words("这张标签无法印制", "This label cannot be printed")


def text(office: Office, id_: str, asset: Asset) -> str:
    """Return the text of the code; unsigned where no label secret was set."""
    settings = office.settings
    payload = identity.LabelPayload(identity.Kind.OBJECT, id_, max(1, asset.label_issue))
    if not settings.label_secret:
        identity.check_host(settings.label_host)
        return f"https://{settings.label_host}/obj/{quote(payload.id)}?r={payload.issue}"
    key = identity.LabelKey(settings.label_key, settings.label_secret)
    return identity.url(payload, host=settings.label_host, key=key)


def png(office: Office, id_: str, asset: Asset, lang: Lang) -> bytes:
    """Print the label, 50 × 30 mm at 300 dpi; raise BadLabel, Unprintable or DoesNotFit."""
    named = {row["id"]: row for row in office.models.rows(units.all_units())}
    printed = face.LabelFace(
        unit=_name(named, asset.accounting_unit, lang),
        asset_no=asset.asset_no or id_,
        name=asset.name,
        model=asset.model,
        department=_name(named, asset.custodian, lang)
        if asset.custodian != asset.accounting_unit
        else "",
        in_service=asset.acquired.isoformat() if asset.acquired else "",
        identity=id_,
        example=asset.dataset == "example",
        language=lang,
    )
    return face.png(printed, text(office, id_, asset))


def _name(named: dict[str, Any], id_: str, lang: Lang) -> str:
    row = named.get(id_)
    if row is None:
        return id_
    return str((row["name_en"] if lang == "en" else "") or row["name"])
