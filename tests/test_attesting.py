"""What others attest of checkpoints, on the page of the auditor."""

from __future__ import annotations

from pathlib import Path

import msgspec
from attesters import Authority, Device
from doors import staffed
from fastapi.testclient import TestClient

from api.app import create_app
from api.notarising import Place, signed
from api.stamper import Stamper
from ledger import stamping


def test_the_audit_page_shows_and_checks_what_others_attest(database: str, tmp_path: Path) -> None:
    authority, device = Authority(tmp_path), Device(tmp_path)
    place = Place(tmp_path / "notary")
    place.make("ledger.example.gov.cn/warehouse-1")
    place.beside(device.pem, device.command)
    with staffed(database) as office:
        parallel = place.parallel()
        assert parallel is not None
        note = signed(place, place.notary(), office.book)[0]
        checkpoint = parallel.follow(office.book, note)
        Stamper(office.book, authority, authority.roots).stamp()
        settings = msgspec.structs.replace(
            office.settings, tsa_trust=authority.trust, sm2=place.sm2_key
        )
        office.settings = settings
        client = TestClient(create_app(settings, office), headers={"Accept-Language": "zh"})
        account = office.accounts.find("auditor")
        assert account is not None
        client.cookies.set("session", office.accounts.sign_in(account))
        told = client.get("/audit").text
        assert "已盖至 2 条的检查点" in told
        assert "已签署 2 条" in told
        taken = client.get("/audit/stamp")
        assert taken.content == stamping.kept(office.book, 2)
        assert taken.headers["content-disposition"] == 'attachment; filename="2.tsr"'
        assert client.get("/audit/checkpoint-sm3").content == checkpoint.raw

        def verify_with(since: str) -> str:
            form = {"since": since}
            origin = {"origin": "http://testserver"}
            return client.post("/audit/verify", data=form, headers=origin).text

        told = verify_with("")
        assert "时间戳：1 个成立" in told
        assert "国密并行账本（SM3）：2 条的检查点与条目一致" in told
        assert "完整性：通过" in verify_with(checkpoint.text)
        other = checkpoint.text.replace("\n2\n", "\n1\n")
        assert "国密并行账本（SM3）第 1 条的检查点不成立" in verify_with(other)
