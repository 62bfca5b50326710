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
    # One's own account
    "my-account": Words("我的账号", "My account"),
    "change-password": Words("修改密码", "Change the password"),
    "others-end": Words(
        "修改后，其他设备上的登录全部退出。", "Every other device is signed out then."
    ),
    "second-factor": Words("第二因素", "Second factor"),
    "factor-since": Words("已启用，自", "In use since"),
    "factor-none": Words(
        "没有启用。启用后，登录时除密码外还要输入手机验证器上的 6 位数字。",
        "Not in use. With one, signing in takes six digits of your phone beside the password.",
    ),
    "factor-remove": Words("停用第二因素", "Take it off"),
    "factor-removed": Words("第二因素已停用。", "The second factor is off."),
    "factor-stays": Words(
        "按现行规则，您的岗位须有第二因素，不能停用。手机更换时，请安全管理员解除后重新设置。",
        "By the rules in force your role needs a second factor; it stays. For another device, have"
        " the security administrator reset it and set it up again.",
    ),
    "recovery-left": Words("未用的恢复码：", "Recovery codes left:"),
    "recovery-new": Words("更换恢复码", "New recovery codes"),
    "sessions": Words("登录会话", "Sessions"),
    "sessions-ended": Words("登录已退出。", "Signed out there."),
    "no-sessions": Words("没有登录会话。", "Nobody is signed in."),
    "end-others": Words("退出其他全部登录", "Sign out everywhere else"),
    "end": Words("退出", "Sign out"),
    "this-one": Words("当前", "this one"),
    "device": Words("设备", "Device"),
    "started": Words("登录时间", "Since"),
    "seen": Words("最近活动", "Last seen"),
    "tokens": Words("接口令牌", "API tokens"),
    "token": Words("令牌", "Token"),
    "tokens-hint": Words(
        "程序用令牌代您调用接口（请求头 Authorization: Bearer），不超出您当天的岗位和令牌的用途。"
        "不要把密码写进程序。",
        "A program calls the interface in your name with a token (Authorization: Bearer), never"
        " beyond your roles of the day nor what the token is for. Put no password into programs.",
    ),
    "no-tokens": Words("没有令牌。", "There are no tokens."),
    "token-new": Words("新建令牌", "Make a token"),
    "token-name": Words("用在哪里（不写人名）", "Where it is used (no names of people)"),
    "token-scopes": Words("用途", "For"),
    "token-days": Words("有效天数（至多 90）", "Good for days (at most 90)"),
    "token-once-title": Words("新令牌", "The new token"),
    "token-once": Words(
        "只显示这一次，请现在就复制到程序的密钥配置里。",
        "It is shown this once: copy it into the secrets of your program now.",
    ),
    "token-revoked": Words("令牌已撤销。", "The token is revoked."),
    "token-over": Words("已过期", "over"),
    "until": Words("有效至", "Until"),
    "used": Words("最近使用", "Last used"),
    "never": Words("从未", "never"),
    "revoke": Words("撤销", "Revoke"),
    "by-owner": Words("本人办理", "by the person"),
    "confirm-title": Words("请再确认是您本人", "Confirm that it is you"),
    "confirm-hint": Words(
        "这一步较为重要。请再输入一次；十分钟内不再询问。",
        "What follows matters. Give it once more; you are not asked again for ten minutes.",
    ),
    "confirm-kept": Words(
        "您填写的内容留着，确认以后继续。",
        "What you filled in is kept; you go on with it afterwards.",
    ),
    "confirm-there": Words("到统一身份认证确认", "Confirm at the identity provider"),
    "confirm-there-hint": Words(
        "在那里重新输入一次密码，就会回到这里。",
        "Give your password there once more; it leads back here.",
    ),
    "confirm-here": Words("或在这里确认", "Or confirm here"),
    "directory-password": Words("目录中的密码", "Password of the directory"),
    "form-kept-title": Words("已确认，请继续", "Confirmed; please go on"),
    "form-kept": Words(
        "您填写的内容都在，还没有提交。请看一遍再提交。",
        "What you filled in is all here and was not sent yet. Look at it, then send it.",
    ),
    "form-empty": Words("还没有办理，请继续。", "Nothing was done yet; go on."),
    "form-send": Words("提交", "Send"),
    "form-look": Words("先看会记下什么", "See first what it would record"),
    "form-gone-title": Words("填写的内容已不在", "What was filled in is gone"),
    "form-gone": Words(
        "留存的内容只保留十分钟，只给填写它的那次登录，也只提交一次。没有再提交任何内容；还没有办的，请重新填写。",
        "It is kept for ten minutes, for the session that filled it in alone, and sent once. Nothing was"
        " sent now; what is not done yet, please fill in again.",
    ),
    "tie-own": Words("关联我的统一身份", "Tie my identity of the provider"),
    "tie-own-hint": Words(
        "在统一身份认证登录一次，以后就可以用它登录。会先请您再确认一次密码，并记入账本。",
        "Sign in at the provider once, and you can sign in by it from then on. You are asked for your"
        " password first, and it goes on the record.",
    ),
    "tie-own-leaving": Words(
        "密码已确认。请到统一身份认证用您自己的身份登录；回来后，此账号就与它关联。",
        "Your password is confirmed. Sign in at the provider as yourself; when you are back, this"
        " log-in is tied to it.",
    ),
    "sign-in-there": Words("去那里登录", "Sign in there"),
    "tie-own-not": Words("不关联，返回", "Go back without tying"),
    "tied-own-done": Words(
        "已关联，以后可以用它登录。", "It is tied: you can sign in by it from now on."
    ),
    "confirmed": Words("已确认。", "Confirmed."),
    "not-proven": Words("不对，请重新输入。", "That is wrong; try again."),
    # Everybody's log-ins
    "open": Words("开立账号", "Open a log-in"),
    "open-hint": Words(
        "人员标识在账本里永远不变，不写姓名；姓名另行密封存放，可以更正和删除。账号开立后没有岗位，"
        "由有权的人在人员页面安排。",
        "The person's id stays in the ledger for ever and is no name; the name is sealed apart, can"
        " be corrected and erased. The log-in has no role until somebody who may gives one on the"
        " person's page.",
    ),
    "opened-done": Words("已开立账号", "Opened the log-in"),
    "one-time-hint": Words(
        "一次性密码，只显示这一次。请当面或另行告知本人；登录后须立即修改。",
        "A one-time password, shown this once. Tell the person alone; it must be changed at the"
        " first sign-in.",
    ),
    "one-time": Words("密码待修改", "password to be changed"),
    "person-id": Words("人员标识", "Person id"),
    "name": Words("姓名", "Name"),
    "name-en": Words("英文姓名", "Name in English"),
    "closed": Words("已停用", "closed"),
    "close": Words("停用账号", "Close the log-in"),
    "closed-done": Words(
        "账号已停用，登录和令牌全部终止。", "The log-in is closed, with its sessions and tokens."
    ),
    "reopen": Words("重新启用账号", "Open the log-in again"),
    "reopened-done": Words("账号已重新启用。", "The log-in is open again."),
    "reset-password": Words("重设密码", "Reset the password"),
    "reset-done": Words(
        "密码已重设，登录已全部退出。", "The password is reset, and all sessions are ended."
    ),
    "reset-factor": Words("解除第二因素", "Reset the second factor"),
    "factor-reset-done": Words(
        "第二因素已解除，登录已全部退出。", "The second factor is off, and all sessions are ended."
    ),
    "end-sessions": Words("强制退出登录", "Sign out everywhere"),
    "identities": Words("统一身份", "Identities elsewhere"),
    "identities-hint": Words(
        "用统一身份登录的人在这里对得上号。解除后，本人的登录全部退出。",
        "By these somebody is known who signs in elsewhere. Untying signs the person out"
        " everywhere.",
    ),
    "identities-own": Words(
        "您用这些身份登录。解除由系统管理员办理。",
        "You sign in by these. The system administrator unties them.",
    ),
    "no-identities": Words("没有关联统一身份。", "Tied to no identity elsewhere."),
    "identity-at": Words("来自", "Where"),
    "identity-name": Words("在那里的标识", "Called there"),
    "identity-since": Words("关联时间", "Tied since"),
    "identity-oidc": Words("统一身份认证（OpenID Connect）", "Provider (OpenID Connect)"),
    "identity-ldap": Words("目录服务（LDAP）", "Directory (LDAP)"),
    "identity-not-set": Words("现在没有设置，不能用来登录", "not set now: opens nothing"),
    "tie-oidc": Words("关联统一身份", "Tie an identity of the provider"),
    "tie-ldap": Words("关联目录身份", "Tie an identity of the directory"),
    "propose-tie-oidc": Words("提名关联统一身份", "Propose to tie an identity of the provider"),
    "propose-tie-ldap": Words("提名关联目录身份", "Propose to tie an identity of the directory"),
    "tie-hint-oidc": Words(
        "填此人在统一身份认证中的 {claim}，一字不差；大小写有别。",
        "What the provider says of the person as {claim}, letter by letter.",
    ),
    "tie-hint-ldap": Words(
        "填此人在目录中的登录名。关联后，此账号的密码在目录里，本系统的密码不再有效。",
        "The person's name in the directory. From then on the password of this log-in is the"
        " directory's; the one kept here opens nothing.",
    ),
    "tie-recorded": Words(
        "关联等于给人一个登录的办法。记入账本：办理人、被办理人的标识、来自何处和时间；不记在那里的标识。",
        "Tying gives somebody a way in. Recorded: who did it, the id of the person, where and when;"
        " not what they are called there.",
    ),
    "tie-two": Words(
        "按现行规则须两人办理：您提名，另一人确认后才能登录。",
        "By the rules in force it takes two persons: you propose it, and it opens nothing until"
        " another confirms it.",
    ),
    "tied-done": Words("已关联，可以用它登录。", "It is tied: the person signs in by it."),
    "tie-proposed-done": Words(
        "已提名，待另一人确认。", "It is proposed; another person confirms it."
    ),
    "tie-declined-done": Words("提名已撤回，没有关联。", "It is not tied."),
    "waiting": Words("待另一人确认的关联", "Waiting for another person to confirm"),
    "waiting-of": Words("提名人", "Proposed by"),
    "confirm-tie": Words("确认关联", "Confirm"),
    "decline-tie": Words("不同意或撤回", "Decline or take back"),
    "waiting-hint": Words(
        "提名人和账号的本人都不能确认。确认前请核对在那里的标识确是此人。",
        "Neither who proposed it nor whose log-in it is confirms it. Make sure first that this is"
        " what the person is called there.",
    ),
    "untie-oidc": Words("解除统一身份", "Untie the provider's identity"),
    "untie-ldap": Words("解除目录身份", "Untie the directory's identity"),
    "untied-done": Words(
        "已解除关联，登录已全部退出。", "It is untied, and all sessions are ended."
    ),
    "reason": Words("原因（不写人名）", "Reason (no names of people)"),
    "reason-wanted": Words("请写明原因；原因记入账本。", "Say why; it goes on the record."),
    "recorded-with": Words(
        "记入账本：办理人、被办理人的标识、时间和原因；不记账号名和密码。",
        "Recorded: who did it, the id of the person, when and why; neither log-in nor password.",
    ),
    "by-administrator": Words("管理员撤销", "revoked by an administrator"),
    "roles-there": Words("岗位在人员页面安排", "Roles are given on the person's page"),
    "no-roles": Words("没有岗位", "no role"),
    "own-there": Words(
        "自己的账号不能自己办理；自己的设置在", "Nobody administers a log-in of their own; see"
    ),
    "apart": Words(
        "三员分设：系统管理员管账号和设置，安全管理员管岗位授权、令牌和登录会话，审计管理员查管理日志。",
        "The administrators are apart: the system administrator keeps log-ins and settings, the"
        " security administrator grants, tokens and sessions, the audit administrator reads the log"
        " of administration.",
    ),
    "not-apart": Words(
        "三员没有分设：系统管理员一并办理岗位授权、令牌和登录会话。",
        "The administrators are not apart: the system administrator also keeps grants, tokens and"
        " sessions.",
    ),
    "confirmed-roles": Words("须两人办理的岗位：", "Roles that take two persons: "),
    "no-confirmed-roles": Words("岗位由一人安排即可。", "One person gives any role."),
    "factor-roles": Words("登录须有第二因素的岗位：", "Roles that need a second factor: "),
    "no-factor-roles": Words("没有岗位须有第二因素。", "No role needs a second factor."),
    # The log of administration
    "log": Words("管理日志", "Log of administration"),
    "log-hint": Words(
        "对账号、密码、第二因素、统一身份、登录会话和令牌的每一次办理都记在账上，改不掉；岗位的授予和免去在人员页面。",
        "Every act on log-ins, passwords, second factors, identities, sessions and tokens is on the record and"
        " stays there; grants of roles are told with the people.",
    ),
    "no-acts": Words("没有这样的办理。", "Nothing of the kind was done."),
    "time": Words("时间", "Time"),
    "act": Words("办理", "Act"),
    "by": Words("办理人", "By"),
    "entry": Words("条目", "Entry"),
    "from": Words("自", "From"),
    "to": Words("至", "To"),
    "access.log_in_opened": Words("开立账号", "log-in opened"),
    "access.log_in_closed": Words("停用账号", "log-in closed"),
    "access.log_in_reopened": Words("重新启用账号", "log-in opened again"),
    "access.password_reset": Words("重设密码", "password reset"),
    "access.password_changed": Words("本人修改密码", "password changed"),
    "access.factor_set": Words("启用第二因素", "second factor set up"),
    "access.factor_removed": Words("解除第二因素", "second factor taken off"),
    "access.recovery_drawn": Words("更换恢复码", "recovery codes drawn"),
    "access.sessions_ended": Words("强制退出登录", "sessions ended"),
    "access.token_made": Words("新建令牌", "token made"),
    "access.token_revoked": Words("撤销令牌", "token revoked"),
    "access.identity_tied": Words("关联统一身份", "identity tied"),
    "access.identity_proposed": Words("提名关联统一身份", "identity proposed"),
    "access.identity_confirmed": Words("确认关联统一身份", "identity confirmed"),
    "access.identity_declined": Words("不同意关联统一身份", "identity declined"),
    "access.identity_untied": Words("解除统一身份", "identity untied"),
    "access.webhook_added": Words("订阅推送", "webhook added"),
    "access.webhook_paused": Words("暂停推送", "webhook paused"),
    "access.webhook_resumed": Words("继续推送", "webhook resumed"),
    "access.webhook_ended": Words("终止推送", "webhook ended"),
}
