"""The label of an asset: the text of its code and its picture, as the ledger knows it now."""

from __future__ import annotations

from collections.abc import Callable

from api import label_keys
from api.office import Office
from api.rest_answers import names_in
from domain.asset import Asset
from domain.decider import Lang
from domain.words import Words
from labels import face, identity, signed
from labels.template import ROLL_50, Template

NOT_A_LABEL = Words("这张标签无法印制", "This label cannot be printed")
NO_SIGNER = Words(
    "此模板的标签带签名，但系统没有设置标签签名密钥；请系统管理员设置，或换用其他模板。",
    "Labels of this template are signed, and no key was set to sign them with; have the operator"
    " set one, or choose another template.",
)
NameOf = Callable[[str, str], str]


def text(office: Office, id_: str, asset: Asset) -> str:
    """Return the text of the code of the label in force."""
    return code(office, payload_of(id_, asset, max(1, asset.label_issue)))


def payload_of(id_: str, asset: Asset, issue: int) -> identity.LabelPayload:
    """Return what the code of an asset names: its GIAI where it has one, else its own id."""
    if asset.giai:
        return identity.LabelPayload(identity.Kind.GIAI, asset.giai, issue)
    return identity.LabelPayload(identity.Kind.OBJECT, id_, issue)


def code(office: Office, payload: identity.LabelPayload, template: Template = ROLL_50) -> str:
    """Return the text of the code of one issue; unsigned where no label secret was set.

    Raises BadLabel where a template asks for a signature and nothing was set to sign with.
    """
    settings = office.settings
    if template.signed:
        signer = label_keys.signing(settings)
        if signer is None:
            raise identity.BadLabel(NO_SIGNER.zh, NO_SIGNER.en)
        return signed.url(payload, host=settings.label_host, key=signer)
    secrets = label_keys.keys(settings).secrets
    if secrets is None:
        return identity.plain_url(payload, host=settings.label_host)
    return identity.url(payload, host=settings.label_host, key=secrets.signing)


def png(office: Office, id_: str, asset: Asset, lang: Lang, template: Template = ROLL_50) -> bytes:
    """Print the label in force; raise BadLabel, Unprintable or DoesNotFit."""
    printed = face_of(id_, asset, names_in(office, lang), lang)
    issue = max(1, asset.label_issue)
    return face.png(printed, code(office, payload_of(id_, asset, issue), template), template)


def face_of(id_: str, asset: Asset, name_of: NameOf, lang: Lang) -> face.LabelFace:
    """Return what a person reads on the label of an asset, from this one record only."""
    elsewhere = asset.custodian != asset.accounting_unit
    return face.LabelFace(
        unit=name_of("unit", asset.accounting_unit),
        asset_no=asset.asset_no or id_,
        name=asset.name,
        model=asset.model,
        department=name_of("unit", asset.custodian) if asset.custodian and elsewhere else "",
        in_service=used.isoformat() if (used := asset.used_from or asset.acquired) else "",
        serial=asset.serial,
        place=name_of("place", asset.place) if asset.place else "",
        user=name_of("person", asset.user) if asset.user else "",
        epc=asset.tag,
        identity=f"(8004) {asset.giai}" if asset.giai else id_,
        example=asset.dataset == "example",
        language=lang,
    )
