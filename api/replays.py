"""Replays as jobs: the lists told anew beside the live ones, and held against them."""

from __future__ import annotations

import logging
import threading
from typing import Any, Final

from api import problems
from api.office import Office
from domain.words import Words
from ledger.book import new_id
from projections.comparing import Comparison, compare

KEPT_MAX: Final = 20  # jobs whose answer may still be asked for
AT_ONCE_SECONDS: Final = 1.0  # so long a caller waits for a short replay
RUNNING: Final = Words(
    "已有一次重放正在进行；请等它结束，或查看它的进度。",
    "A replay is running; wait for it to end, or look how far it is.",
)
AHEAD: Final = Words(
    "账本没有这么多条，或者台账尚未更新到这里。",
    "The log, or its lists, are not as long as that.",
)
NO_JOB: Final = Words(
    "没有这次重放，或者已不再保留。", "There is no such replay, or it is kept no more."
)
log = logging.getLogger("gongwu")


class Ended(Exception):
    """The office closes; what is half told is thrown away."""


class Job:
    """One replay: how far it is, and what it came to."""

    def __init__(self, size: int | None) -> None:
        self.id, self.size = new_id("replay"), size
        self.done, self.total = 0, 0
        self.result: Comparison | None = None
        self.failed = ""
        self.over = threading.Event()

    def status(self) -> dict[str, Any]:
        """Return what is known of it."""
        status = "running"
        if self.over.is_set():
            status = "failed" if self.failed else "done"
        found: dict[str, Any] = {"id": self.id, "status": status}
        found |= {"done": self.done, "total": self.total}
        if self.failed:
            found["detail"] = self.failed
        if self.result is not None:
            found["same"] = self.result.same
            found["result"] = self.result
        return found


class Replays:
    """The replays of an office: one at a time, the last few remembered."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        office.closing.append(self.close)

    def start(self, size: int | None) -> Job:
        """Begin a replay; a short one is over when this returns. Raise Problem 409 or 422."""
        models = self.office.models  # brought up to date first
        if size is not None and size > models.position():
            raise problems.Problem(422, "replay-ahead", problems.INVALID, AHEAD)
        with self._lock:
            for job in self._jobs.values():
                if not job.over.is_set():
                    raise problems.Problem(
                        409, "replay-running", problems.REFUSED, RUNNING, replay=job.id
                    )
            while len(self._jobs) >= KEPT_MAX:
                self._jobs.pop(next(iter(self._jobs)))
            job = Job(size)
            self._jobs[job.id] = job
        threading.Thread(target=self._run, args=(job,), name=job.id, daemon=True).start()
        job.over.wait(AT_ONCE_SECONDS)
        return job

    def find(self, id_: str) -> Job:
        """Return a replay; raise Problem 404."""
        job = self._jobs.get(id_)
        if job is None:
            raise problems.Problem(404, "no-such-replay", problems.NOT_FOUND, NO_JOB)
        return job

    def close(self) -> None:
        """End what is running; nothing of it is kept."""
        self._closing.set()
        for job in list(self._jobs.values()):
            job.over.wait(30)

    def _run(self, job: Job) -> None:
        def progress(done: int, total: int) -> None:
            if self._closing.is_set():
                raise Ended
            job.done, job.total = done, total

        try:
            job.result = compare(self.office.book, self.office.models, job.size, progress)
        except Ended:
            job.failed = "closed"
        except Exception as error:
            log.exception("replay %s failed", job.id)
            job.failed = type(error).__name__
        finally:
            job.over.set()
