"""The settings of this installation, for its administrators: what holds, and where it comes from."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from api.office import Office
from api.pages_sign import Member
from api.pages_trouble import Forbidden, PageRoute
from api.precautions import lacking
from api.settings_shown import shown
from domain.policy import Policy
from domain.words import Role, Words

WORDS: Final = {
    "title": Words("系统设置", "Settings"),
    "hint": Words(
        "以下是正在运行的服务所用的值。设置不在页面上修改：请改环境变量或设置文件，再重新启动服务。密钥和口令只说明是否已设。",
        "What the service runs with now. Settings are not changed here: set the environment or the"
        " file of settings, then start the service again. Of keys and passphrases only whether they"
        " are set is told.",
    ),
    "command": Words("命令行里看同样的内容：", "The same on the command line:"),
    "doctor": Words("检查这台机器是否妥当：", "Whether this machine is in order:"),
    "setting": Words("设置", "Setting"),
    "value": Words("值", "Value"),
    "source": Words("来源", "From"),
    "meaning": Words("含义", "Meaning"),
    "lacking": Words("规则没有要求的防护", "Precautions that the rules do not take"),
    "when": Words("何时生效", "Takes effect"),
}


def rules_of(office: Office) -> list[Policy]:
    """Return the rules that are in force today for each unit in which somebody may sign in."""
    today = office.today()
    units = sorted({account.unit for account in office.accounts.all()})
    found = [office.rules_for(unit, today) for unit in units]
    return list({one.reference: one for one in found}.values())


def router(office: Office) -> APIRouter:
    """Return the page of this module."""
    pages = APIRouter(route_class=PageRoute)

    @pages.get("/settings")
    def settings(page: Member) -> Response:
        if not page.may(Role.ADMIN):
            raise Forbidden
        return page.render(
            "settings.html",
            words={key: page.words(said) for key, said in WORDS.items()},
            rows=shown(office.settings),
            lacking=list(lacking(rules_of(office))),
        )

    return pages
