"""Say which thing a label belongs to: the text inside the code, and what a scan of it means.

The text is ASCII and carries an identity, never a name, a department or a value. Whatever host once
stood in front, only the path is read back, so a moved server never orphans a sticker.

Sources: GS1 Digital Link URI syntax 1.4 (`/8004/`), CBV 2.0 chapter 8 (`/obj/`), ISO/IEC 7064.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

# With `https://` 24 characters: then a 9-digit prefix, one-digit issue and the MAC still fit a
# version 6 symbol at level Q, and a two-digit issue number takes its last byte.
HOST_CHARS_MAX: Final = 24 - len("https://")
SCAN_CHARS_MAX: Final = 2_000
ISSUE_MAX: Final = 999
SECRET_BYTES_MIN: Final = 32

_MAC_BYTES: Final = 10
_MAC_CHARS: Final = 14
_MAC_DOMAIN: Final = b"ZCLBL1"
_UNIT_SEPARATOR: Final = b"\x1f"

_OBJECT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.~-]{0,79}")
_PREFIX = re.compile(r"[0-9]{6,12}")
_GIAI = re.compile(r"[0-9]{6,12}[1-9][0-9]{11}")
# GS1 General Specifications, AI encodable character set 82; a GIAI has at most 30 of them.
_FOREIGN_GIAI = re.compile(r"[!\"%&'()*+,\-./0-9:;<=>?A-Z_a-z]{1,30}")
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{2,5})?")
_KEY_ID = re.compile(r"[0-9a-z]")
# A key id, then a MAC of 80 bits or a signature of 64 bytes (labels/signed.py).
_SIGNATURE = re.compile(r"([0-9A-Za-z])([0-9A-Za-z_-]{14}|[0-9A-Za-z_-]{86})")
_ELEMENT = re.compile(r"\(8004\)(.{1,30})")
_SCHEME = re.compile(r"https?://", re.IGNORECASE)
_ADDRESS = re.compile(r"://|/8004/|/obj/", re.IGNORECASE)

# What a Chinese input method makes of a wedge scanner's keystrokes beyond the full-width forms.
_IME: Final = str.maketrans({"。": ".", "、": "/"})
_DASHES: Final = str.maketrans(dict.fromkeys("‐‑‒–—―−", "-"))


class Kind(StrEnum):
    """What sort of thing was scanned or typed."""

    GIAI = "giai"
    OBJECT = "object"
    ASSET_NO = "asset-no"
    EPC = "epc"
    FOREIGN = "foreign"
    SEVERAL = "several"
    NOTHING = "nothing"

    @property
    def zh(self) -> str:
        return _KINDS[self][0]

    @property
    def en(self) -> str:
        return _KINDS[self][1]


class Verdict(StrEnum):
    """What the signature on a scanned label says."""

    GENUINE = "genuine"
    UNSIGNED = "unsigned"
    UNKNOWN_KEY = "unknown-key"
    RETIRED_KEY = "retired-key"
    CASE_LOST = "case-lost"
    FORGED = "forged"

    @property
    def zh(self) -> str:
        return _SENTENCES[self][0]

    @property
    def en(self) -> str:
        return _SENTENCES[self][1]


_KINDS: Final[Mapping[Kind, tuple[str, str]]] = {
    Kind.GIAI: ("资产标签（GIAI）。", "An asset label (GIAI)."),
    Kind.OBJECT: ("资产标签。", "An asset label."),
    Kind.ASSET_NO: ("资产编号。", "An asset number."),
    Kind.EPC: ("射频标签（EPC）。", "A radio tag (EPC)."),
    Kind.FOREIGN: ("这不是资产标签，已按原样记下。", "Not an asset label; kept as it came."),
    Kind.SEVERAL: (
        "一次扫到了多个码，请分开再扫。",
        "Several codes in one scan; scan them one by one.",
    ),
    Kind.NOTHING: ("没有扫到内容。", "Nothing was scanned."),
}
_SENTENCES: Final[Mapping[Verdict, tuple[str, str]]] = {
    Verdict.GENUINE: ("标签校验通过。", "The label is genuine."),
    Verdict.UNSIGNED: (
        "标签上没有校验码，请核对实物与名称。",
        "The label carries no signature; compare the object with its name.",
    ),
    Verdict.UNKNOWN_KEY: (
        "标签所用密钥不在本系统中，无法校验。",
        "The label was signed with a key this system does not have.",
    ),
    Verdict.RETIRED_KEY: (
        "标签所用密钥已宣布停用，校验不再可信；请核对实物，并换贴新标签。",
        "The key of this label was retired and proves nothing; check the object, put a new one on.",
    ),
    Verdict.CASE_LOST: (
        "扫码枪改变了字母大小写，签名无法校验；请用相机扫描。",
        "The scanner changed the case of letters: the signature cannot be checked. Use a camera.",
    ),
    Verdict.FORGED: (
        "标签校验不通过：编号、期次或校验码被改动过。",
        "The label fails its check: the id, the issue number or the signature was altered.",
    ),
}


class BadLabel(ValueError):
    """Refuse to print an identity that could not be read back; `zh` and `en` say why."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh = zh
        self.en = en


# What goes into the code -------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LabelKey:
    """One secret labels are signed with: a one-character id printed in the code, ≥ 32 bytes.

    `retired` when it may be in other hands: what it signed is no longer taken for genuine.
    """

    id: str
    secret: bytes = field(repr=False)
    retired: bool = False

    def __post_init__(self) -> None:
        check_key_id(self.id)
        if len(self.secret) < SECRET_BYTES_MIN:
            raise BadLabel(
                f"标签密钥不得短于{SECRET_BYTES_MIN}字节。",
                f"A label key has at least {SECRET_BYTES_MIN} bytes.",
            )


@dataclass(frozen=True, slots=True)
class KeyRing:
    """All keys labels were ever signed with; the last one signs new labels."""

    keys: tuple[LabelKey, ...]

    def __post_init__(self) -> None:
        ids = {key.id for key in self.keys}
        secrets = {key.secret for key in self.keys}
        # The key id is not inside the MAC: distinct secrets are what makes changing it detectable.
        if not self.keys or len(ids) < len(self.keys) or len(secrets) < len(self.keys):
            raise BadLabel(
                "标签密钥须至少一把，代号与内容均不得重复。",
                "There must be at least one label key; no id and no secret may occur twice.",
            )
        if self.signing.retired:
            raise BadLabel(
                "现行标签密钥不得是已停用的密钥。", "The key of new labels is not a retired one."
            )

    @property
    def signing(self) -> LabelKey:
        return self.keys[-1]

    def find(self, key_id: str) -> LabelKey | None:
        return next((key for key in self.keys if key.id == key_id), None)


@dataclass(frozen=True, slots=True)
class LabelPayload:
    """Name one printed label: the thing (GIAI or object id) and which issue of its label it is.

    `id` is digits for a GIAI (company prefix, then 12 not starting with 0); letters, digits and
    `_.~-` for an object, at most 80, where two ids must differ in more than case. `issue` counts
    from 1.
    """

    kind: Kind
    id: str
    issue: int

    def __post_init__(self) -> None:
        pattern = {Kind.GIAI: _GIAI, Kind.OBJECT: _OBJECT_ID}.get(self.kind)
        if pattern is None or not pattern.fullmatch(self.id):
            raise BadLabel(
                f"标识“{self.id}”不能印在标签上。", f"The id {self.id!r} cannot go on a label."
            )
        if not 1 <= self.issue <= ISSUE_MAX:
            raise BadLabel(
                f"标签期次须在1至{ISSUE_MAX}之间。", f"A label issue is between 1 and {ISSUE_MAX}."
            )


def giai(prefix: str, reference: int) -> str:
    """Join a GS1 company prefix the unit owns and a 12-digit reference from its counter.

    The reference keeps one length and no leading zero, so that it survives GIAI-96 (TDS 2.3 §14.6.5).
    """
    if not _PREFIX.fullmatch(prefix) or not 10**11 <= reference < 10**12:
        raise BadLabel(
            "厂商识别代码须为6至12位数字，单项资产参考代码须为12位且首位不为零。",
            "A company prefix has 6 to 12 digits; a reference has 12 and does not start with 0.",
        )
    return f"{prefix}{reference}"


def url(payload: LabelPayload, *, host: str, key: LabelKey) -> str:
    """Write the text of the code: ASCII, 65 characters for a GIAI on an 8-character host."""
    return plain_url(payload, host=host) + f"&s={key.id}{_mac(payload.id, payload.issue, key)}"


def plain_url(payload: LabelPayload, *, host: str) -> str:
    """Write the text of the code as far as nobody has signed it."""
    check_host(host)
    path = {Kind.GIAI: "8004", Kind.OBJECT: "obj"}[payload.kind]
    return f"https://{host}/{path}/{payload.id}?r={payload.issue}"


def check_key_id(key_id: str) -> None:
    """Refuse the name of a key that a code could not carry."""
    if not _KEY_ID.fullmatch(key_id):
        raise BadLabel(
            "密钥代号须为一位数字或小写字母。", "A key id is one digit or lower-case letter."
        )


def check_host(host: str) -> None:
    """Refuse a label host that would not outlive a move: an address, or one too long to print."""
    name = host.partition(":")[0]
    if not _HOST.fullmatch(host) or len(host) > HOST_CHARS_MAX or ".." in host or _is_address(name):
        raise BadLabel(
            f"标签域名“{host}”不可用：须为专用小写域名，不超过{HOST_CHARS_MAX}个字符，不得是IP地址。",
            f"{host!r} cannot be a label host: use a dedicated lower-case name of at most"
            f" {HOST_CHARS_MAX} characters, never an IP address.",
        )


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _mac(identifier: str, issue: int, key: LabelKey) -> str:
    """Sign id and issue, nothing else, so that a label survives the renaming of everything."""
    # Without case: a device that shifts every letter must not make a genuine label look forged.
    parts = (_MAC_DOMAIN, identifier.upper().encode(), str(issue).encode())
    message = _UNIT_SEPARATOR.join(parts)
    digest = hmac.new(key.secret, message, hashlib.sha256).digest()[:_MAC_BYTES]
    return base64.urlsafe_b64encode(digest)[:_MAC_CHARS].decode()


# What comes back from a scanner ------------------------------------------------


@dataclass(frozen=True, slots=True)
class Scanned:
    """What a scanner, a camera or a keyboard gave us, read as far as it can be.

    `id` is as it was read, `folded` what to look an object up by; `issue`, `key` and `mac` are there
    when the label carries them. `case_lost` says that the device wrote everything in one case.
    """

    text: str
    kind: Kind
    id: str
    issue: int | None = None
    key: str | None = None
    mac: str | None = None
    case_lost: bool = False

    @property
    def folded(self) -> str:
        """Give the id without case, the way ids and asset numbers are compared."""
        return self.id.upper()

    @property
    def has_signature(self) -> bool:
        """Say whether it carries a whole signature (labels/signed.py), not a MAC."""
        return self.mac is not None and len(self.mac) > _MAC_CHARS


def parse(text: str) -> Scanned:
    """Read one scan. Total: what cannot be read is `FOREIGN`, and kept as it came."""
    plain = _plain(text)
    if not plain:
        return Scanned(text, Kind.NOTHING, "")
    if len(plain) > SCAN_CHARS_MAX:
        return Scanned(text, Kind.FOREIGN, "")
    if len(_SCHEME.findall(plain)) > 1:
        return Scanned(text, Kind.SEVERAL, "")
    if plain.lower().startswith("urn:epc:"):
        return _parse_urn(text, plain)
    if element := _ELEMENT.fullmatch(plain):
        return _giai_or_foreign(text, element[1])
    if _ADDRESS.search(plain):
        return _parse_url(text, plain)
    return Scanned(text, Kind.ASSET_NO, canonical_asset_no(plain))


def parse_all(text: str) -> Iterator[Scanned]:
    """Read what a scanner sent in one breath: one code a line, or several URLs run together."""
    for line in text.splitlines():
        plain = _plain(line)
        starts = [found.start() for found in _SCHEME.finditer(plain)]
        cuts = [0, *starts, len(plain)]
        yield from (parse(plain[a:b]) for a, b in pairwise(cuts) if plain[a:b].strip())


def canonical_asset_no(text: str) -> str:
    """Write an asset number the one way it is compared: NFKC, capitals, plain hyphens, no blanks."""
    return "".join(unicodedata.normalize("NFKC", text).translate(_DASHES).split()).upper()


def verify(scanned: Scanned, keys: KeyRing) -> Verdict:
    """Say whether we printed this label. A copy of a genuine label is genuine too: nothing static
    stops copying, so the caller still compares `issue` with the label in force.

    When the device lost the case of the letters, they are compared without case; 67 of the 80 bits
    remain, which is plenty against a server that counts failures.
    """
    if scanned.kind not in (Kind.GIAI, Kind.OBJECT) or scanned.mac is None:
        return Verdict.UNSIGNED
    if scanned.issue is None or not scanned.mac:
        return Verdict.FORGED
    if scanned.has_signature:  # for labels/signed.py: no secret of ours checks it
        return Verdict.UNKNOWN_KEY
    key = keys.find(scanned.key or "")
    if key is None:
        return Verdict.UNKNOWN_KEY
    ours, theirs = _mac(scanned.id, scanned.issue, key), scanned.mac
    if scanned.case_lost:
        ours, theirs = ours.upper(), theirs.upper()
    if not hmac.compare_digest(ours, theirs):
        return Verdict.FORGED
    return Verdict.RETIRED_KEY if key.retired else Verdict.GENUINE


def _plain(text: str) -> str:
    """Undo what input methods do to a wedge scanner's keystrokes, and drop control characters."""
    folded = unicodedata.normalize("NFKC", text)
    plain = "".join(c for c in folded if unicodedata.category(c)[0] != "C").strip()
    typed = plain.translate(_IME)
    return typed if _ADDRESS.search(typed) else plain


def _parse_url(text: str, plain: str) -> Scanned:
    try:
        parts = urlsplit(plain if "://" in plain else f"//{plain}" if plain[0] != "/" else plain)
    except ValueError:
        return Scanned(text, Kind.FOREIGN, "")
    head, _, last = parts.path.rstrip("/").rpartition("/")
    marker, value = head.rpartition("/")[2].lower(), unquote(last)
    if marker == "8004":
        scanned = _giai_or_foreign(text, value)
    elif marker == "obj" and _OBJECT_ID.fullmatch(value):
        scanned = Scanned(text, Kind.OBJECT, value)
    else:
        return Scanned(text, Kind.FOREIGN, "")
    return scanned if scanned.kind is Kind.FOREIGN else _with_query(scanned, parts.query, plain)


def _with_query(scanned: Scanned, query: str, plain: str) -> Scanned:
    asked = {name.lower(): value for name, value in parse_qsl(query)}
    issue = asked.get("r", "")
    signature = _SIGNATURE.fullmatch(asked.get("s", ""))
    # A damaged signature stays visible as an empty MAC: it must read as forged, not as unsigned.
    key, mac = (signature[1].lower(), signature[2]) if signature else ("", "")
    return Scanned(
        text=scanned.text,
        kind=scanned.kind,
        id=scanned.id,
        issue=int(issue) if re.fullmatch(r"[1-9][0-9]{0,2}", issue) else None,
        key=key if "s" in asked and key else None,
        mac=mac if "s" in asked else None,
        case_lost=plain in (plain.upper(), plain.lower()),
    )


def _parse_urn(text: str, plain: str) -> Scanned:
    identity = re.fullmatch(r"urn:epc:id:giai:([0-9]{6,12})\.(.+)", plain, re.IGNORECASE)
    if identity:
        return _giai_or_foreign(text, identity[1] + unquote(identity[2]))
    return Scanned(text, Kind.EPC, plain)


def _giai_or_foreign(text: str, value: str) -> Scanned:
    known = _FOREIGN_GIAI.fullmatch(value)
    return Scanned(text, Kind.GIAI, value) if known else Scanned(text, Kind.FOREIGN, "")


# The check character of an asset number ------------------------------------------

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SEPARATORS: Final = str.maketrans("", "", " -./_")


def check_character(asset_no: str) -> str:
    """Compute the ISO/IEC 7064 MOD 37,36 check character of an asset number without one.

    Hyphens, dots, slashes and blanks do not count. It catches every single wrong character and
    every swap of neighbours. Raises `BadLabel` when anything but letters and digits is left.
    """
    characters = canonical_asset_no(asset_no).translate(_SEPARATORS)
    if not characters or set(characters) - set(_ALPHABET):
        raise BadLabel(
            f"编号“{asset_no}”含有不能计算校验码的字符。",
            f"{asset_no!r} holds characters that have no check value.",
        )
    product = 36
    for character in characters:
        sum_ = (product + _ALPHABET.index(character)) % 36 or 36
        product = sum_ * 2 % 37
    return _ALPHABET[(1 - product) % 36]


def has_valid_check(asset_no: str) -> bool:
    """Say whether the last letter or digit is the check character of those before it."""
    characters = canonical_asset_no(asset_no).translate(_SEPARATORS)
    if len(characters) < 2 or set(characters) - set(_ALPHABET):
        return False
    return check_character(characters[:-1]) == characters[-1]
