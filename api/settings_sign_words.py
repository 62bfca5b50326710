"""What each setting of log-ins kept elsewhere means: variable, field, words, whether it is secret."""

from __future__ import annotations

from typing import Final

from domain.words import Words

SIGN: Final[tuple[tuple[str, str, Words, bool], ...]] = (
    (
        "GONGWU_LOCAL_LOGIN",
        "local_login",
        Words(
            "本系统的密码能否登录；停用后只有应急账号能用。",
            "Whether passwords of ours open anything; else the emergency log-in alone does.",
        ),
        False,
    ),
    (
        "GONGWU_BREAK_GLASS",
        "break_glass",
        Words(
            "停用密码后仍可用密码登录的系统管理员账号。",
            "The administrator's log-in whose password counts when others do not.",
        ),
        False,
    ),
    (
        "GONGWU_OIDC_ISSUER",
        "oidc.issuer",
        Words(
            "统一身份认证（OpenID Connect）的签发者地址。", "Address of the provider of identities."
        ),
        False,
    ),
    (
        "GONGWU_OIDC_CLIENT",
        "oidc.client",
        Words("本系统在提供方登记的客户端标识。", "Under which name the provider knows us."),
        False,
    ),
    (
        "GONGWU_OIDC_SECRET",
        "oidc.secret",
        Words("客户端密钥。", "The secret that goes with it."),
        True,
    ),
    (
        "GONGWU_OIDC_CALLBACK",
        "oidc.callback",
        Words("登录后返回本系统的地址，与登记的一致。", "Where the provider sends people back to."),
        False,
    ),
    (
        "GONGWU_OIDC_CLAIM",
        "oidc.claim",
        Words("以哪一项区分人员。", "What of the provider's word tells people apart."),
        False,
    ),
    (
        "GONGWU_OIDC_SCOPE",
        "oidc.scope",
        Words("向提供方请求的范围。", "What the provider is asked to tell."),
        False,
    ),
    (
        "GONGWU_OIDC_ALGORITHMS",
        "oidc.algorithms",
        Words("承认的签名算法。", "How the provider's word may be signed."),
        False,
    ),
    (
        "GONGWU_OIDC_TITLE",
        "oidc.title",
        Words("登录按钮上的文字。", "Words on the button that leads there."),
        False,
    ),
    (
        "GONGWU_OIDC_CA",
        "oidc.ca",
        Words(
            "提供方证书的签发机构（PEM）。", "Certificates under which the provider is believed."
        ),
        False,
    ),
    (
        "GONGWU_OIDC_SECOND_FACTOR",
        "oidc.second_factor",
        Words("第二因素由提供方负责。", "The provider asks for the second factor, always."),
        False,
    ),
    (
        "GONGWU_OIDC_GROUPS_CLAIM",
        "oidc.groups_claim",
        Words("提供方在哪一项中说明所属的组。", "Where the provider's word names groups."),
        False,
    ),
    (
        "GONGWU_OIDC_GROUPS",
        "oidc.groups",
        Words(
            "组与登录后首选岗位的对应；不产生任何权力。",
            "In which of their own roles people of a group act at first; it grants nothing.",
        ),
        False,
    ),
    (
        "GONGWU_LDAP_URL",
        "ldap.url",
        Words(
            "核对密码的目录服务（LDAP）地址。", "Address of the directory that checks passwords."
        ),
        False,
    ),
    (
        "GONGWU_LDAP_BASE",
        "ldap.base",
        Words("在目录的哪一处之下查找人员。", "Below which people are looked for."),
        False,
    ),
    (
        "GONGWU_LDAP_FILTER",
        "ldap.filter",
        Words("查找条件，{} 代表名字。", "How they are looked for; {} is the name."),
        False,
    ),
    (
        "GONGWU_LDAP_READER",
        "ldap.reader",
        Words("用于查找的目录账号。", "Who looks."),
        False,
    ),
    (
        "GONGWU_LDAP_PASSWORD",
        "ldap.password",
        Words("该目录账号的密码。", "The password of who looks."),
        True,
    ),
    (
        "GONGWU_LDAP_DN",
        "ldap.dn",
        Words("不查找时，人员的名称写法，{} 代表名字。", "Where people stand, instead of looking."),
        False,
    ),
    (
        "GONGWU_LDAP_CA",
        "ldap.ca",
        Words("目录证书的签发机构（PEM）。", "Certificates that the directory's must come from."),
        False,
    ),
)
