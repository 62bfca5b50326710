"""What was looked up is known for a second, and never older than what was changed here."""

from __future__ import annotations

from api.remembering import SECONDS, Remembered


class Clock:
    """A clock that tests set by hand, in seconds."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_an_answer_is_asked_for_once_a_second():
    clock, asked = Clock(), list[str]()
    known: Remembered[str, int] = Remembered(clock)

    def look_up(key: str) -> int:
        asked.append(key)
        return len(asked)

    assert known.get("a", look_up) == 1
    clock.now = SECONDS - 0.001
    assert known.get("a", look_up) == 1
    clock.now = SECONDS
    assert known.get("a", look_up) == 2
    assert asked == ["a", "a"]


def test_nothing_is_remembered_too():
    known: Remembered[str, None] = Remembered(Clock())
    asked = list[str]()
    for _ in range(2):
        assert known.get("a", asked.append) is None
    assert asked == ["a"]


def test_what_changes_here_is_forgotten_at_once():
    known: Remembered[str, str] = Remembered(Clock())
    assert known.get("a", lambda _: "old") == "old"
    known.forget()
    assert known.get("a", lambda _: "new") == "new"


def test_an_answer_from_before_a_change_is_not_kept():
    known: Remembered[str, str] = Remembered(Clock())

    def overtaken(_: str) -> str:
        known.forget()  # somebody changes it while we look
        return "old"

    assert known.get("a", overtaken) == "old"
    assert known.get("a", lambda _: "new") == "new"
