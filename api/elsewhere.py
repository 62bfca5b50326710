"""Why somebody who is known elsewhere does not get in, in words for them."""

from __future__ import annotations

from domain.words import Words


class Elsewhere(Exception):
    """A log-in through a provider or a directory failed; `words` says why and what to do.

    `why` is for the operator's log: it names what was wrong, never a secret or a person.
    """

    def __init__(self, status: int, words: Words, why: str = "") -> None:
        super().__init__(why or words.en)
        self.status, self.words, self.why = status, words, why


LOST = Words(
    "这次登录已经中断：超过 10 分钟、换了浏览器，或已经用过。请重新点一次登录。",
    "This sign-in was interrupted: it took more than ten minutes, changed browsers, or was used"
    " before. Please start again.",
)
AWAY = Words(
    "统一身份认证暂时连不上，没有登录。请稍后再试；急用时请系统管理员用应急账号登录。",
    "The identity provider does not answer; you are not signed in. Try again later; if it is urgent,"
    " the system administrator has an emergency log-in.",
)
DENIED = Words(
    "统一身份认证没有同意这次登录（已取消或被拒绝）。请重试，或向统一身份认证的管理员查询。",
    "The identity provider did not agree to this sign-in: it was cancelled or refused. Try again, or"
    " ask whoever runs the provider.",
)
UNPROVEN = Words(
    "统一身份认证的答复未能通过核对，没有登录。请重试；再次出现时请系统管理员查看日志。",
    "What the identity provider answered does not hold; you are not signed in. Try again; if it"
    " happens again, have the system administrator look into the log.",
)
UNKNOWN = Words(
    "您的统一身份没有对应的账号。请系统管理员用 gongwu account bind 把它与您的账号关联。",
    "No log-in belongs to your identity. Have the system administrator tie it to yours with gongwu"
    " account bind.",
)
NO_DIRECTORY = Words(
    "目录服务（LDAP）暂时连不上，密码无法核对，没有登录。请稍后再试；急用时请系统管理员用应急账号登录。",
    "The directory (LDAP) does not answer, so the password cannot be checked; you are not signed in."
    " Try again later; if it is urgent, the system administrator has an emergency log-in.",
)
ELSEWHERE_ONLY = Words(
    "本系统已停用自己的密码，请用统一身份认证登录。",
    "Passwords of this system are switched off. Sign in with your organisation's log-in.",
)
