"""The widget: its one script, `/widget/recite.js`, for any page, and the demo page at `/`."""

from __future__ import annotations

import gzip
import hashlib
from functools import cache

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Mount

from api.services import Services
from front.page_files import WEB, PageFiles

FOLDER = WEB / "widget"
# Plain scripts that share one scope, in this order: pages get them as one.
PARTS = ("words", "dom", "style", "sound", "reading", "answer", "message", "recite-audio", "recite-chat", "define")
_SCRIPT_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Cache-Control": "public, max-age=300",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
}
_PAGE_HEADERS = {
    # Asked for again each time and mostly answered with 304: a new version is there at once.
    "Cache-Control": "no-cache",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        # The audio may come from a bucket or a CDN, or stand in the answer itself.
        "media-src 'self' http: https: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

router = APIRouter(include_in_schema=False)


@cache
def script() -> bytes:
    """The script as pages get it."""
    parts = [(FOLDER / "parts" / f"{part}.js").read_text(encoding="utf-8") for part in PARTS]
    return "\n".join(['(() => {\n"use strict";', *parts, "})();\n"]).encode()


@cache
def _packed() -> bytes:
    return gzip.compress(script(), 9, mtime=0)


@cache
def _etag() -> str:
    # Weak, since both encodings share it.
    return f'W/"{hashlib.sha256(script()).hexdigest()[:32]}"'


@router.get("/widget/recite.js")
@router.head("/widget/recite.js")
async def get_script(request: Request) -> Response:
    """The script, the same for every page."""
    headers = {**_SCRIPT_HEADERS, "ETag": _etag()}
    if _etag() in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(script(), headers=headers, media_type="text/javascript")
    return Response(_packed(), headers={**headers, "Content-Encoding": "gzip"}, media_type="text/javascript")


@router.get("/")
@router.head("/")
async def get_page() -> Response:
    """The demo page."""
    return FileResponse(FOLDER / "index.html", headers=_PAGE_HEADERS)


@router.get("/widget/live")
async def to_live_page(request: Request) -> Response:
    """The page of the relay, which listens on a port of its own."""
    port = Services.of(request).settings.relay.port
    return RedirectResponse(str(request.url.replace(port=port, path="/live/", query="")))


files = Mount("/widget", PageFiles("widget", headers=_PAGE_HEADERS))
