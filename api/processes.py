"""Several processes behind one port, against one server: started, watched and ended together.

Each accepts from the same listening socket. One that dies is started again; when the first ends,
however it ends, so do the others.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

from domain.words import Words

logger = logging.getLogger(__name__)
MOST = 64
SHORT_SECONDS = 5.0  # a process that lived no longer could not work
SHORT_MAX = 5  # of these in a row end everything
ONE_FILE = Words(
    "SQLite 只有一个写入者，一个进程即可；要运行多个进程，请改用 PostgreSQL（GONGWU_DATABASE=postgresql://…）。",
    "SQLite has one writer, and one process serves it; for several, move to PostgreSQL"
    " (GONGWU_DATABASE=postgresql://…).",
)


class NotWorking(Exception):
    """Processes end as soon as they begin."""


def in_one(work: Callable[[], Any]) -> int:
    """Do something in a process of its own and wait for it; return its exit status."""
    pid = _forked(work, None)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def in_several(number: int, work: Callable[[], Any]) -> None:
    """Keep so many processes at work until a signal comes; raise NotWorking.

    What they share is loaded once: it stays the memory of all of them.
    """
    gc.collect()
    gc.freeze()
    alive: dict[int, float] = {}
    ending = threading.Event()
    tether, held = os.pipe()  # nobody writes: it ends with us

    def end(*_: Any) -> None:
        ending.set()
        for pid in alive:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)

    before = {name: signal.signal(name, end) for name in (signal.SIGTERM, signal.SIGINT)}
    short = 0
    try:
        while True:
            while len(alive) < number and not ending.is_set():
                alive[_forked(work, (tether, held))] = time.monotonic()
            if ending.is_set():  # the signal may have come before we knew of the last
                end()
            if not alive:
                break
            pid, status = os.wait()
            began = alive.pop(pid, None)
            if began is None or ending.is_set():
                continue
            code = os.waitstatus_to_exitcode(status)
            logger.error("process %d ended (%d) and is started again", pid, code)
            short = short + 1 if time.monotonic() - began < SHORT_SECONDS else 0
            if short >= SHORT_MAX:
                end()
                for left in alive:
                    os.waitpid(left, 0)
                raise NotWorking
    finally:
        for name, known in before.items():
            signal.signal(name, known)
        os.close(tether)
        os.close(held)


def _forked(work: Callable[[], Any], tether: tuple[int, int] | None) -> int:
    """Start a process that does something and ends; return its id."""
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if tether is not None:
            os.close(tether[1])
            threading.Thread(target=_tethered, args=(tether[0],), daemon=True).start()
        _end(work)
    return pid


def _tethered(end: int) -> None:
    """Leave when the process that started us is no more."""
    os.read(end, 1)
    os.kill(os.getpid(), signal.SIGTERM)


def _end(work: Callable[[], Any]) -> NoReturn:
    code = 1
    try:
        code = int(work() or 0)
    except SystemExit as asked:
        code = asked.code if isinstance(asked.code, int) else 1
    except KeyboardInterrupt:
        code = 0
    except BaseException:  # noqa: BLE001 - the last line of this process
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
