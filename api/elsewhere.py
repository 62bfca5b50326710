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
    "您的统一身份没有对应的账号。请系统管理员在账号页把它与您的账号关联；有本系统密码的，登录后可在“我的账号”自己关联。",
    "No log-in belongs to your identity. Have the system administrator tie it to yours on the page of"
    " your log-in; if you have a password here, sign in and tie it yourself under My account.",
)
NOT_ANEW = Words(
    "统一身份认证没有说明刚刚重新核对过您是谁，没有确认。请在那里重新输入密码；仍然不行时，请系统管理员查看日志。",
    "The identity provider does not say that it asked you anew just now, so nothing is confirmed."
    " Give your password there again; if that does not help, have the system administrator look"
    " into the log.",
)
SOMEBODY_ELSE = Words(
    "在统一身份认证那里确认的是另一个人，不是现在登录的这个账号，没有确认。请用自己的身份重试。",
    "It was somebody else who signed in at the provider, not whoever is signed in here, so nothing"
    " is confirmed. Try again as yourself.",
)
ONCE_ALONE = Words(
    "此账号另有第二因素，统一身份认证这次没有用第二因素。请改为输入验证码。",
    "This log-in has a second factor, and the provider asked for none this time. Type a code"
    " instead.",
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
