"""What `bench.delivery` measures against: Starlette's FileResponse. Run by `python -m bench.files`."""

from __future__ import annotations

import os

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route


async def file(request: Request) -> FileResponse:
    """One file of the folder."""
    return FileResponse(os.path.join(os.environ["FILES"], request.path_params["name"]), media_type="audio/mpeg")


if __name__ == "__main__":
    uvicorn.run(
        Starlette(routes=[Route("/{name}", file)]), port=int(os.environ["BARE_PORT"]), loop="uvloop", http="httptools",
        ws="none", access_log=False, log_level="warning", server_header=False,
    )  # fmt: skip
