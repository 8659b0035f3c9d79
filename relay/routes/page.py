"""`/live`: the page, its modules and worklets, as they lie in `web/live`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

# Beside this room in a checkout and where the wheel installs it.
FOLDER = Path(__file__).resolve().parents[2] / "web" / "live"
_HEADERS = {
    # Asked for again each time and mostly answered with 304: a new version is there at once.
    "Cache-Control": "no-cache",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self' data:; "
        "media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    ),
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class LivePage(StaticFiles):
    """The files of the folder, each with the headers that keep the page to itself."""

    def file_response(self, *arguments: Any, **options: Any) -> Response:
        """As Starlette's."""
        response = super().file_response(*arguments, **options)
        response.headers.update(_HEADERS)
        return response


async def _to_page(request: Request) -> Response:
    return RedirectResponse("/live/")


routes = [Route("/live", _to_page), Mount("/live", LivePage(directory=FOLDER, html=True, check_dir=False))]
