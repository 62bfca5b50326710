"""What a device calls itself, as a person would say it: the browser and the system it runs on."""

from __future__ import annotations

from typing import Final

# In this order: most browsers also name the ones they descend from.
BROWSERS: Final = (
    ("wxwork/", "企业微信 WeCom"),
    ("MicroMessenger/", "微信 WeChat"),
    ("DingTalk/", "钉钉 DingTalk"),
    ("QQBrowser/", "QQ Browser"),
    ("HuaweiBrowser/", "Huawei Browser"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("HeadlessChrome/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS: Final = (
    ("OpenHarmony", "HarmonyOS"),
    ("HarmonyOS", "HarmonyOS"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def device_named(agent: str) -> str:
    """Return a User-Agent (RFC 9110 section 10.1.5) in a few words: "Firefox · Windows".

    A device can call itself what it likes: this is for recognising one's own, and proves nothing.
    A program that is no browser keeps its first product; nothing at all stays nothing.
    """
    browser = next((name for mark, name in BROWSERS if mark in agent), "")
    if not browser:
        return agent.split(" ", 1)[0][:60]
    return " · ".join(filter(None, (browser, next((n for m, n in SYSTEMS if m in agent), ""))))
