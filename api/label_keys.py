"""The keys of labels as the operator set them: what signs new ones, what checks those that hang.

A key is written `ID:HEX`, several with blanks between; `ID:HEX:retired` is one that may be in other
hands. Labels of a former key stay genuine; those of a retired one are told apart by it.
"""

from __future__ import annotations

import re
from functools import lru_cache

from api.settings import Settings
from labels.identity import BadLabel, KeyRing, LabelKey
from labels.signed import Keys, PublicKey, SigningKey

KEY = re.compile(r"([0-9a-z]):((?:[0-9A-Fa-f]{2})+)(:retired)?")


def keys(settings: Settings) -> Keys:
    """Return all that labels are checked with; raise BadLabel for a key written wrongly."""
    now = (settings.label_key, settings.label_secret)
    # What else is set need not be hashable: roles by groups of a provider are not.
    return _keys(*now, settings.label_former, settings.label_publics, settings.label_signing)


@lru_cache(maxsize=8)
def _keys(name: str, secret: bytes, formers: str, others: str, signs: str) -> Keys:
    former = tuple(LabelKey(*one) for one in written(formers))
    now = (LabelKey(name, secret),) if secret else ()
    if former and not now:
        raise BadLabel(
            "设了停用的标签密钥（GONGWU_LABEL_FORMER_KEYS），却没有现行密钥（GONGWU_LABEL_SECRET）。",
            "There are former label keys (GONGWU_LABEL_FORMER_KEYS) and none for new labels"
            " (GONGWU_LABEL_SECRET).",
        )
    signer = _signing(signs)
    publics = tuple(PublicKey(*one) for one in written(others))
    return Keys(
        KeyRing((*former, *now)) if now else None,
        (*publics, signer.public) if signer else publics,
    )


def signing(settings: Settings) -> SigningKey | None:
    """Return what signs labels that are checked offline, if the operator set it."""
    return _signing(settings.label_signing)


@lru_cache(maxsize=8)
def _signing(text: str) -> SigningKey | None:
    found = written(text)
    if not found:
        return None
    if len(found) > 1 or found[0][2]:
        raise BadLabel(
            "标签签名密钥（GONGWU_LABEL_SIGNING_KEY）只能有一把，且不得是已停用的。",
            "There is one key that signs labels (GONGWU_LABEL_SIGNING_KEY), not a retired one.",
        )
    return SigningKey(*found[0][:2])


def written(text: str) -> list[tuple[str, bytes, bool]]:
    """Read keys as they are written in the environment."""
    found = [(one, KEY.fullmatch(one)) for one in text.split()]
    if any(match is None for _, match in found):
        # The text itself is a secret: it is not repeated.
        raise BadLabel(
            "标签密钥须写成“代号:十六进制”，多把以空格分隔，已停用的后加“:retired”。",
            "Label keys are written ID:HEX with blanks between; a retired one ends in :retired.",
        )
    return [(m[1], bytes.fromhex(m[2]), bool(m[3])) for _, m in found if m]
