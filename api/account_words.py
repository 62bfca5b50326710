"""What the pages of accounts, second factors, sessions and tokens say."""

from __future__ import annotations

from typing import Final

from domain.words import Words

WORDS: Final[dict[str, Words]] = {
    # Between password and first page
    "code": Words("验证码", "Code"),
    "code-title": Words("请输入验证码", "Enter a code"),
    "code-hint": Words(
        "输入手机验证器上的 6 位数字；手机不在身边时，输入一个恢复码。",
        "Type the six digits that your authenticator shows, or a recovery code if it is not at"
        " hand.",
    ),
    "code-wrong": Words(
        "验证码不对、已经用过或已过期；请等下一个验证码再输入。",
        "The code is wrong, was used already or is over; wait for the next one.",
    ),
    "go-on": Words("继续", "Continue"),
    "start-over": Words("改用其他账号", "Use another log-in"),
    "new-password-title": Words("请设置自己的密码", "Choose a password of your own"),
    "new-password-hint": Words(
        "现在的密码是别人给的，只能用一次；请改成只有自己知道的密码，至少 8 个字符。",
        "Somebody else knows the present password, and it opens nothing else. Choose one that only"
        " you know, of at least 8 characters.",
    ),
    "old-password": Words("现在的密码", "Present password"),
    "new-password": Words("新密码", "New password"),
    "again": Words("再输一遍", "Once more"),
    "passwords-differ": Words("两次输入的新密码不一致。", "The two new passwords differ."),
    "password-length": Words("密码须为 8 至 200 个字符。", "A password has 8 to 200 characters."),
    "password-same": Words(
        "新密码不能与账号或现在的密码相同。",
        "The new password cannot be the log-in or the present password.",
    ),
    "password-wrong": Words("现在的密码不对。", "The present password is wrong."),
    "password-changed": Words(
        "密码已修改，其他设备上的登录已全部退出。",
        "The password is changed, and every other device is signed out.",
    ),
    "factor-title": Words("设置第二因素", "Set up a second factor"),
    "factor-demanded": Words(
        "按现行规则，您的岗位登录时除密码外还须有第二因素。设置好以后才能继续。",
        "By the rules in force your role needs a second factor beside the password. Set it up to go"
        " on.",
    ),
    "factor-how": Words(
        "用手机上任一验证器应用（TOTP，标准 RFC 6238）扫描图码，再输入它显示的 6 位数字。不需要联网。",
        "Scan the picture with any authenticator app (TOTP, RFC 6238) and type the six digits that"
        " it shows. It needs no network.",
    ),
    "factor-secret": Words("不能扫码时，手工输入密钥：", "Without a camera, type the key:"),
    "factor-picture": Words("第二因素图码", "Picture of the second factor"),
    "factor-confirm": Words("确认并启用", "Confirm and use it"),
    "codes-title": Words("请保存恢复码", "Keep the recovery codes"),
    "codes-hint": Words(
        "这 10 个恢复码只显示这一次，每个只能用一次。请打印或抄下，放在安全的地方；手机丢失时用它登录。",
        "These ten codes are shown this once, and each opens once. Print them or write them down and"
        " keep them safe: they sign you in when the device is lost.",
    ),
    "codes-kept": Words("已经保存，继续", "I kept them; continue"),
}
