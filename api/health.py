"""Whether this process lives, and whether it can do its work: for whoever watches machines."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Final

import msgspec
from fastapi import APIRouter, FastAPI
from starlette.responses import JSONResponse, Response

from api import problems
from api.office import Office

FREE_BYTES_MIN: Final = 64 * 2**20
NEVER: Final = {"Cache-Control": "no-store"}


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """What the work needs. `behind` is how many entries the lists do not show yet."""

    database: str  # ok, or what is wrong with it
    size: int = 0
    behind: int = 0
    lists: str = "ok"
    disk: str = "ok"

    @property
    def good(self) -> bool:
        """Tell whether requests may come."""
        return self.database == self.lists == self.disk == "ok"


def ready(office: Office, free_bytes_min: int = FREE_BYTES_MIN) -> Ready:
    """Look at the database, the lists and the disk; never raise."""
    try:
        size, behind = office.book.log.head()[0], office.behind()
    except Exception as error:  # noqa: BLE001 - whatever it is, the answer is that it is not ready
        trouble = problems.database_trouble(error)
        return Ready(
            database=trouble.kind if trouble else "away", disk=disk(office, free_bytes_min)
        )
    return Ready(
        database="ok",
        size=size,
        behind=behind,
        lists="ok" if office.stuck is None else "stuck",
        disk=disk(office, free_bytes_min),
    )


def disk(office: Office, free_bytes_min: int) -> str:
    """Tell whether there is room where a file is; a server's disk is the server's business."""
    return "ok" if free_bytes(office.settings.database) >= free_bytes_min else "low"


def free_bytes(database: str) -> int:
    """Return how much room is left beside a SQLite file, or where we work."""
    file = Path(database.removeprefix("sqlite:///")) if database.startswith("sqlite:") else Path()
    folder = file.absolute().parent if database.startswith("sqlite:") else Path.cwd()
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 0


def install(app: FastAPI, office: Office) -> None:
    """Put both questions into an application; anybody may ask, the answers tell of no one."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/health/live")
    async def live() -> Response:
        return JSONResponse({"live": True}, headers=NEVER)

    @routes.get("/health/ready")
    def is_ready() -> Response:
        found = ready(office)
        told: dict[str, Any] = {"ready": found.good, **msgspec.structs.asdict(found)}
        return JSONResponse(told, 200 if found.good else 503, headers=NEVER)

    app.include_router(routes)
