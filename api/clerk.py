"""Who writes down what requests ask: few threads, in the order in which they came.

Threads that wait for one another's turn cost more than the work itself. What came while a clerk
was busy is done together: every act is recorded by itself, and the lists follow once.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TypeAlias

from starlette.responses import Response

from api.office import Office
from api.turns import PATIENCE_SECONDS
from ledger.act import Unavailable

SERVER_CLERKS = 3  # more of them stand in each other's way
TOGETHER_MAX = 32  # acts after which those that wait get their answers
Answer: TypeAlias = Callable[[], Response]
Act: TypeAlias = Callable[[], tuple[int, Answer]]  # records; the last position, and how to answer


class _Job:
    """What one request waits for."""

    __slots__ = ("act", "answer", "future", "last", "loop", "trouble", "until")

    def __init__(self, act: Act, patience: float) -> None:
        self.act = act
        self.until = time.monotonic() + patience
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Response] = self.loop.create_future()
        self.last = 0
        self.answer: Answer | None = None
        self.trouble: BaseException | None = None

    def record(self) -> None:
        """Do what is asked, unless it waited too long for others to be done."""
        try:
            if time.monotonic() > self.until:
                raise Unavailable("locked")
            self.last, self.answer = self.act()
        except BaseException as trouble:  # noqa: BLE001 - it belongs to whoever asked
            self.trouble = trouble

    def reply(self) -> None:
        """Hand over the answer, or the trouble, in the request's own thread."""
        found: Response | None = None
        if self.answer is not None:
            try:
                found = self.answer()
            except BaseException as trouble:  # noqa: BLE001 - it belongs to whoever asked
                self.trouble = trouble
        with suppress(RuntimeError):  # the server has stopped, nobody listens any more
            self.loop.call_soon_threadsafe(self._settle, found)

    def _settle(self, found: Response | None) -> None:
        if self.future.done():  # the caller has gone
            return
        if found is not None:
            self.future.set_result(found)
        elif self.trouble is not None:
            self.future.set_exception(self.trouble)


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

    async def do(self, act: Act) -> Response:
        """Have something recorded and shown; return its answer, or raise what it raised."""
        if not self._staff:
            self._hire()
        job = _Job(act, self._patience)
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
        while (job := self._jobs.get()) is not None:
            if self._together(job):
                return

    def _together(self, job: _Job) -> bool:
        """Do a job and all that wait; tell whether to go home afterwards."""
        jobs, going = [job], False
        job.record()
        while len(jobs) < TOGETHER_MAX:
            try:
                more = self._jobs.get_nowait()
            except Empty:
                break
            if more is None:
                going = True
                break
            more.record()
            jobs.append(more)
        try:
            self._office.show(max(job.last for job in jobs))
        except BaseException as trouble:  # noqa: BLE001 - recorded it is; let them know
            for job in jobs:
                job.answer, job.trouble = None, job.trouble or trouble
        for job in jobs:
            job.reply()
        return going
