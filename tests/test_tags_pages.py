"""Lists that a clerk pastes: what tags mean, which asset gets which tag, which GIAI it had."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from doors import CARD, staffed
from starlette.testclient import TestClient

from api.app import create_app
from api.office import Actor, Office
from labels import epc

CLERK = Actor(person="u_clerk", unit="o_a", role="clerk")
ADMIN = Actor(person="u_admin", unit="o_a", role="admin")
TAGS = [epc.giai("697123456", str(10**11 + n)).hex for n in range(500)]
FOREIGN = "3034257BF7194E4000001A85"


@pytest.fixture
def office(database: str) -> Iterator[Office]:
    with staffed(database) as office:
        cards = [
            (f"asset/A{n}", "register_existing", CARD | {"asset_no": f"ZC-{n}"}) for n in range(5)
        ]
        office.ask_many(cards, CLERK)
        office.ask("asset/A4", "bind_tag", {"epc": TAGS[4]}, CLERK)
        yield office


@pytest.fixture
def client(office: Office) -> TestClient:
    client = TestClient(create_app(office.settings, office), follow_redirects=False)
    return signed_in(client, office, "clerk")


def signed_in(client: TestClient, office: Office, login: str) -> TestClient:
    account = next(a for a in office.accounts.all() if a.login == login)
    client.cookies.set("session", office.accounts.sign_in(account))
    return client


def posted(client: TestClient, what: str, text: str, *, status: int = 200, **form: Any) -> str:
    file = form.pop("file", None)
    answer = client.post(
        "/tags",
        data={"what": what, "list": text} | form,
        files={"file": file} if file else {"file": ("", b"")},
        headers={"Sec-Fetch-Site": "same-origin"},
    )
    assert answer.status_code == status, answer.text
    return str(answer.headers.get("location") or answer.text)


def told(page: str) -> list[str]:
    """Return what was said of each line, in order."""
    cells = re.findall(r'<td data-label="(?:核对结果|Check)">(.*?)</td>', page, re.DOTALL)
    return [re.sub(r"<[^>]*>", "", cell).strip() for cell in cells]


def tags(office: Office) -> dict[str, str]:
    return {f"A{n}": office.book.stream(f"asset/A{n}").state.tag for n in range(5)}


@pytest.mark.target("T73")
def test_five_hundred_tags_are_told_apart(client: TestClient) -> None:
    for separator in ("\n", ",", "", "\t"):
        page = posted(client, "read", separator.join([*TAGS, FOREIGN, *TAGS[:9]]))
        assert "读到 510 次，501 个标签" in page
        assert page.count('href="/assets/A4"') == 1
        assert "不是本系统的资产标签" in page


def test_a_file_is_read_in_the_encoding_it_has(client: TestClient) -> None:
    text = f"标签内容,次数\n{TAGS[4]},3\n"
    for encoding in ("utf-8-sig", "gb18030", "utf-16"):
        page = posted(client, "read", "", file=("读取.csv", text.encode(encoding)))
        assert "读到 1 次，1 个标签" in page, encoding


def test_tags_are_bound_after_a_check_that_names_every_wrong_line(
    client: TestClient, office: Office
) -> None:
    before = office.book.log.head()
    text = "\n".join(
        [
            "资产编号,标签内容,TID",
            f"ZC-0,{TAGS[0]},E2801190A001",
            f"zc-1\t{' '.join(TAGS[1][at : at + 4] for at in range(0, 24, 4))}",
            f"ZC-2;{TAGS[0]}",
            f"ZC-9,{TAGS[9]}",
            "ZC-3",
            f"ZC-3,{TAGS[4]}",
            "ZC-3,就是它",
            f"ZC-4,{TAGS[4]}",
            f"ZC-4,{TAGS[8]}",
            f"ZC-3,{'0' * 24}",
            "",
        ]
    )
    page = posted(client, "tags", text)
    said = told(page)
    assert "2 行可以登记，7 行有误，1 行已经登记" in page
    assert said[:2] == ["可以登记", "可以登记"]
    for found, words in zip(
        said[2:],
        (
            "与第 2 行重复",
            "没有资产编号 ZC-9",
            "须有两列",
            "已用于资产 ZC-4",
            "",
            "已经登记",
            "",
            "全为零",
        ),
        strict=True,
    ):
        assert words in found and found, said
    assert office.book.log.head() == before, "a check records nothing"
    page = posted(client, "tags", text, record="1", key="k1")
    assert "已登记 2 行" in page and "ZC-9" in page
    assert tags(office) == {"A0": TAGS[0], "A1": TAGS[1], "A2": "", "A3": "", "A4": TAGS[4]}
    assert office.book.stream("asset/A0").state.tag_tid == "E2801190A001"
    assert told(posted(client, "tags", text))[0] == "已经登记，不再重复"


def test_a_list_without_faults_is_recorded_as_a_whole_and_once(
    client: TestClient, office: Office
) -> None:
    text = "\n".join(f"ZC-{n} {TAGS[n]}" for n in range(4))
    where = posted(client, "tags", text, record="1", key="k1", status=303)
    assert where == "/tags?what=tags&recorded=4"
    assert "已登记 4 行" in client.get(where).text
    size = office.book.log.head()[0]
    again = posted(client, "tags", text, record="1", key="k1")
    assert "4 行已经登记" in again and office.book.log.head()[0] == size


def test_the_register_of_an_older_system_is_taken_over(client: TestClient, office: Office) -> None:
    form = {"unit": "o_a", "certificate_no": "物编2024"}
    office.ask("giai/697123456", "record_prefix", form, ADMIN)
    text = "\n".join(
        [
            "资产编号,GIAI",
            "ZC-0,697123456100000000007",
            "ZC-1,697123456ABC/5",
            "ZC-2,999999999100000000007",
            "ZC-3,697123456100000000007",
            f"ZC-3,697123456{'1' * 22}",
        ]
    )
    page = posted(client, "giais", text)
    said = told(page)
    assert said[:2] == ["可以登记", "可以登记"]
    assert "没有登记" in said[2] and "与第 2 行重复" in said[3] and "30个字符" in said[4]
    posted(client, "giais", text, record="1", key="k2")
    assert office.book.stream("asset/A1").state.giai == "697123456ABC/5"
    office.ask("giai/697123456", "give", {"asset": "A3"}, CLERK)
    assert office.book.stream("asset/A3").state.giai == "697123456100000000008"


def test_who_may_not_bind_may_look(client: TestClient, office: Office) -> None:
    signed_in(client, office, "auditor")
    text = f"ZC-0,{TAGS[0]}"
    page = posted(client, "tags", text, record="1")
    assert "登记无误" not in page and "您的岗位（审计）不能办理" in page
    assert tags(office)["A0"] == ""


def test_whatever_is_pasted_is_answered(client: TestClient) -> None:
    many = "\n".join(f"ZC-{n},{n:024X}" for n in range(2_001))
    for what, text, status in (
        ("read", "", 422),
        ("tags", " \n ", 422),
        ("tags", many, 422),
        ("nothing", "E2", 200),
        ("tags", "\0,\0", 200),
        ("giais", "ZC-0," + "9" * 5_000, 200),
    ):
        posted(client, what, text, status=status)
