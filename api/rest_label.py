"""The label of an asset: the text of its code and its picture, as the ledger knows it now."""

from __future__ import annotations

from urllib.parse import quote

from api.office import Office
from api.rest_answers import names_in
from domain.asset import Asset
from domain.decider import Lang
from domain.words import Words
from labels import face, identity

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
    name_of = names_in(office, lang)
    printed = face.LabelFace(
        unit=name_of("unit", asset.accounting_unit),
        asset_no=asset.asset_no or id_,
        name=asset.name,
        model=asset.model,
        department=name_of("unit", asset.custodian)
        if asset.custodian != asset.accounting_unit
        else "",
        in_service=asset.acquired.isoformat() if asset.acquired else "",
        identity=id_,
        example=asset.dataset == "example",
        language=lang,
    )
    return face.png(printed, text(office, id_, asset))
