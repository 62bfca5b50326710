"""A session is recognised by the browser and the system it was begun on."""

from __future__ import annotations

import pytest

from api.devices import device_named

AGENT = "Mozilla/5.0 ({}) AppleWebKit/537.36 (KHTML, like Gecko) {} Safari/537.36"


@pytest.mark.parametrize(
    ("agent", "named"),
    [
        (AGENT.format("Windows NT 10.0; Win64; x64", "Chrome/130.0.0.0"), "Chrome · Windows"),
        (AGENT.format("Windows NT 10.0", "Chrome/130.0.0.0 Edg/130.0.0.0"), "Edge · Windows"),
        (AGENT.format("Linux; Android 10; K", "Chrome/130.0.0.0 Mobile"), "Chrome · Android"),
        (
            AGENT.format("Linux; Android 12; HarmonyOS", "HuaweiBrowser/14"),
            "Huawei Browser · HarmonyOS",
        ),
        (
            AGENT.format("iPhone; CPU iPhone OS 17_1 like Mac OS X", "MicroMessenger/8.0.49"),
            "微信 WeChat · iPhone",
        ),
        (
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
                " Version/18.0 Safari/605.1.15"
            ),
            "Safari · macOS",
        ),
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
            "Firefox · Linux",
        ),
        ("python-httpx/0.28.1", "python-httpx/0.28.1"),
        ("curl/8.5.0 of somebody", "curl/8.5.0"),
        ("", ""),
    ],
)
def test_a_device_is_named_as_a_person_would(agent: str, named: str) -> None:
    assert device_named(agent) == named
