"""What a log-in, a person's id and a name must look like, whichever door they come through."""

from __future__ import annotations

import re
from datetime import date

from api.administering import Unfit
from api.office import Office
from domain.decider import Occasion
from domain.unit import EXISTS
from domain.values import ID

LOGIN = re.compile(r"[^\s:/?#%]{1,80}")  # a colon ends it in HTTP Basic, the rest are of addresses
NAME_CHARS_MAX = 200
ANYBODY = Occasion(by="", on=date.min)  # whether a unit exists is asked of its state alone


def checked(office: Office, login: str, person: str, name: str, unit: str) -> None:
    """Raise Unfit unless log-in, person, name and unit can be what they say."""
    if not LOGIN.fullmatch(login) or not login.isprintable():
        raise Unfit(
            "账号为 1 至 80 个字符，不含空白和 : / ? # %。",
            "A log-in has 1 to 80 characters, no spaces and none of : / ? # %.",
        )
    if not re.search(ID, person):
        raise Unfit(
            "人员标识须为字母或数字开头，可含 _ . ~ -，最多 80 个字符。",
            "A person's id has letters, digits and _ . ~ -, at most 80 characters.",
        )
    if not 0 < len(name.strip()) <= NAME_CHARS_MAX or not name.isprintable():
        raise Unfit("请写明姓名。", "Say what the person is called.")
    state = office.book.stream(f"unit/{unit}").state if re.search(ID, unit) else None
    if state is None or EXISTS.holds is None or not EXISTS.holds(state, ANYBODY):
        raise Unfit(
            f"单位 {unit} 不存在或已撤销；请先建立单位。",
            f"There is no unit {unit}, or it is dissolved; establish it first.",
        )
