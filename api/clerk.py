"""Who writes down what requests ask: few threads, in the order in which they came.

Threads that wait for one another's turn cost more than the work itself. What came while a clerk
was busy is done together: every act is all or nothing by itself, the disk is waited for once, and
then all hear their answers. The lists follow in the next pause; whoever reads them sooner brings
them up to date (`Office.models`).
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from itertools import groupby
from queue import Empty, SimpleQueue
from typing import TypeAlias

from starlette.responses import Response

from api.office import Office
from api.turns import PATIENCE_SECONDS
from ledger.act import Unavailable
from ledger.book import Gathering

logger = logging.getLogger(__name__)
SERVER_CLERKS = 4  # more of them stand in each other's way
TOGETHER_MAX = 32  # acts after which those that wait get their answers
BEHIND_MAX = 128  # acts after which the lists follow
PAUSE_SECONDS = 0.005  # when nobody has asked for so long, it is a pause
Answer: TypeAlias = Callable[[], Response]
Act: TypeAlias = Callable[[], tuple[int, Answer]]  # records; the last position, and how to answer


class _Job:
    """What one request waits for."""

    __slots__ = ("act", "answer", "found", "future", "last", "until")

    def __init__(self, act: Act, patience: float) -> None:
        self.act = act
        self.until = time.monotonic() + patience
        self.future: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self.last = 0
        self.answer: Answer | None = None
        self.found: Response | BaseException | None = None

    def do(self) -> None:
        """Record what is asked, unless it waited too long."""
        try:
            if time.monotonic() > self.until:
                raise Unavailable("locked")
            self.last, self.answer = self.act()
        except BaseException as trouble:  # noqa: BLE001 - it belongs to whoever asked
            self.found = trouble

    def ready(self, gathering: Gathering | None) -> None:
        """Have the answer ready, now that it is known what was committed."""
        if self.answer is None:
            return
        if gathering and gathering.was_lost(self.last):
            self.found = gathering.lost
            return
        try:
            self.found = self.answer()
        except BaseException as trouble:  # noqa: BLE001 - it belongs to whoever asked
            self.found = trouble

    def settle(self) -> None:
        """Hand over the answer, or the trouble, in the thread of whoever asked."""
        if self.future.done():  # the caller has gone
            return
        if isinstance(self.found, Response):
            self.future.set_result(self.found)
        elif self.found is not None:
            self.future.set_exception(self.found)


def _settle(jobs: list[_Job]) -> None:
    for job in jobs:
        job.settle()


class Clerks:
    """The threads that write for the programs' door of one office.

    A file has one writer; with a server one clerk writes while others wait for its answers.
    """

    def __init__(self, office: Office, patience: float = PATIENCE_SECONDS) -> None:
        self._office, self._patience = office, patience
        self._number = 1 if office.settings.database.startswith("sqlite:") else SERVER_CLERKS
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._staff: list[threading.Thread] = []
        self._guard = threading.Lock()
        self._count = threading.Lock()
        self._behind = self._last = 0  # acts that the lists do not show yet, and up to where
        self._asked = 0.0
        self._watched = threading.Lock()  # whoever has it looks out for a pause, and nobody else
        waiting = "gongwu_clerk_queue", "Requests that wait to be recorded.", self._jobs.qsize
        office.measured.append(waiting)

    async def do(self, act: Act) -> Response:
        """Have something recorded and shown; return its answer, or raise what it raised."""
        if not self._staff:
            self._hire()
        job = _Job(act, self._patience)
        self._asked = time.monotonic()
        self._jobs.put(job)
        return await job.future

    def _hire(self) -> None:
        with self._guard:
            if self._staff:
                return
            self._office.closing.append(self._dismiss)
            staff = [
                threading.Thread(target=self._work, name="clerk", daemon=True)
                for _ in range(self._number)
            ]
            for clerk in staff:
                clerk.start()
            self._staff = staff

    def _dismiss(self) -> None:
        """Let the clerks finish what they have and go."""
        with self._guard:
            staff, self._staff = self._staff, []
        for _ in staff:
            self._jobs.put(None)
        for clerk in staff:
            clerk.join(PATIENCE_SECONDS)

    def _work(self) -> None:
        """Do what comes; let the lists follow in a pause, or when they are far behind."""
        while True:
            jobs: list[_Job] = []
            with suppress(Empty):
                job = self._wait()
                if job is None:
                    break
                jobs = self._together(job)
            if (last := self._due(jobs)) is not None:
                self._office.show(last)
        self._office.show(self._last)

    def _wait(self) -> _Job | None:
        """Wait for a job; raise Empty when there may be a pause.

        One clerk looks out for it: whoever has just worked, unless another does already. All of
        them would wake all the time, each of them in the way of who works.
        """
        if self._behind and self._watched.acquire(blocking=False):
            try:
                return self._jobs.get(timeout=PAUSE_SECONDS)
            finally:
                self._watched.release()
        return self._jobs.get()

    def _due(self, jobs: list[_Job]) -> int | None:
        """Count what was done; return up to where the lists are to follow now, if they are.

        A pause is one of all clerks: who has nothing to do is not to hold up who has.
        """
        with self._count:
            self._behind += len(jobs)
            self._last = max([self._last, *(job.last for job in jobs)])
            pause = not jobs and time.monotonic() - self._asked >= PAUSE_SECONDS
            if not self._behind or (self._behind < BEHIND_MAX and not pause):
                return None
            self._behind = 0
            return self._last

    def _together(self, job: _Job) -> list[_Job]:
        """Do a job and all that wait, then let all hear their answers; return them."""
        jobs = [job]
        try:
            with self._office.together() if not self._jobs.empty() else nullcontext() as gathering:
                job.do()
                while gathering and len(jobs) < TOGETHER_MAX and (more := self._next()) is not None:
                    more.do()
                    jobs.append(more)
        except Exception as trouble:  # a mistake of ours: nobody may wait for an answer for ever
            logger.exception("what was recorded together was not committed")
            for one in jobs:
                one.found = one.found or trouble
        else:
            for one in jobs:
                one.ready(gathering)
        for loop, answered in groupby(jobs, lambda job: job.future.get_loop()):
            with suppress(RuntimeError):  # the server has stopped, nobody listens any more
                loop.call_soon_threadsafe(_settle, list(answered))
        return jobs

    def _next(self) -> _Job | None:
        """Return a job that waits already; None when there is none, or when it is time to go."""
        try:
            job = self._jobs.get_nowait()
        except Empty:
            return None
        if job is None:
            self._jobs.put(None)  # for the loop that waits
        return job
