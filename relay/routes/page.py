"""`/live`: the page, its modules and worklets, as they lie in `web/live`."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route

from front.page_files import PageFiles

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


async def _to_page(request: Request) -> Response:
    return RedirectResponse("/live/")


routes = [Route("/live", _to_page), Mount("/live", PageFiles("live", headers=_HEADERS, html=True))]
