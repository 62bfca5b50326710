"""The label of an asset: the text of its code and its picture, as the ledger knows it now."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from api.office import Office
from api.rest_answers import names_in
from domain.asset import Asset
from domain.decider import Lang
from domain.words import Words
from labels import face, identity
from labels.template import ROLL_50, Template

NOT_A_LABEL = Words("这张标签无法印制", "This label cannot be printed")
NameOf = Callable[[str, str], str]


def text(office: Office, id_: str, asset: Asset) -> str:
    """Return the text of the code of the label in force."""
    return code(office, id_, max(1, asset.label_issue))


def code(office: Office, id_: str, issue: int) -> str:
    """Return the text of the code of one issue; unsigned where no label secret was set."""
    settings = office.settings
    payload = identity.LabelPayload(identity.Kind.OBJECT, id_, issue)
    if not settings.label_secret:
        identity.check_host(settings.label_host)
        return f"https://{settings.label_host}/obj/{quote(payload.id)}?r={payload.issue}"
    key = identity.LabelKey(settings.label_key, settings.label_secret)
    return identity.url(payload, host=settings.label_host, key=key)


def png(office: Office, id_: str, asset: Asset, lang: Lang, template: Template = ROLL_50) -> bytes:
    """Print the label in force; raise BadLabel, Unprintable or DoesNotFit."""
    printed = face_of(id_, asset, names_in(office, lang), lang)
    return face.png(printed, text(office, id_, asset), template)


def face_of(id_: str, asset: Asset, name_of: NameOf, lang: Lang) -> face.LabelFace:
    """Return what a person reads on the label of an asset, from this one record only."""
    elsewhere = asset.custodian != asset.accounting_unit
    return face.LabelFace(
        unit=name_of("unit", asset.accounting_unit),
        asset_no=asset.asset_no or id_,
        name=asset.name,
        model=asset.model,
        department=name_of("unit", asset.custodian) if asset.custodian and elsewhere else "",
        in_service=asset.acquired.isoformat() if asset.acquired else "",
        serial=asset.serial,
        place=name_of("place", asset.place) if asset.place else "",
        user=name_of("person", asset.user) if asset.user else "",
        identity=id_,
        example=asset.dataset == "example",
        language=lang,
    )
