"""The certificate that phones install once, so that they trust this server on a closed network."""

from __future__ import annotations

from cryptography.hazmat.primitives import hashes, serialization
from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api import tls
from api.office import Office
from api.pages_sign import Visitor
from api.pages_trouble import PageRoute
from domain.words import Words

STEPS = (
    Words(
        "在手机上打开本页，核对下面的指纹与机房打印的一致，再下载证书。",
        "Open this page on the phone, compare the fingerprint with the one printed in the machine"
        " room, then download the certificate.",
    ),
    Words(
        "安卓、鸿蒙：设置 → 安全 → 加密与凭据 → 安装证书 → CA 证书，选择下载的文件。",
        "Android, HarmonyOS: Settings → Security → Encryption and credentials → Install a"
        " certificate → CA certificate; choose the file.",
    ),
    Words(
        "苹果：先安装描述文件，再到 设置 → 通用 → 关于本机 → 证书信任设置 中打开它。",
        "iPhone: install the profile, then switch it on in Settings → General → About →"
        " Certificate Trust Settings.",
    ),
    Words(
        "重新打开盘点扫码页：没有警告，相机和离线都可用。只点“继续访问”不够，那样不能离线。",
        "Open the scan page again: no warning, camera and offline work. “Proceed anyway” is not"
        " enough: then nothing works offline.",
    ),
)


def router(office: Office) -> APIRouter:
    """Return the pages of this module; they are there only where we made the certificate."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/ca")
    def explained(page: Visitor) -> Response:
        if office.settings.ca is None:
            raise HTTPException(404)
        found = tls.read(office.settings.ca)
        print_ = found.fingerprint(hashes.SHA256()).hex(":").upper()
        return page.render("ca.html", fingerprint=print_, steps=STEPS)

    @pages.get("/ca.crt")
    def certificate() -> Response:
        if office.settings.ca is None:
            raise HTTPException(404)
        der = tls.read(office.settings.ca).public_bytes(serialization.Encoding.DER)
        headers = {"Content-Disposition": 'attachment; filename="gongwu-ca.crt"'}
        return Response(der, headers=headers, media_type="application/x-x509-ca-cert")

    return pages
