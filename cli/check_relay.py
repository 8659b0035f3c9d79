"""The doctor's check of the relay, over HTTP."""

from __future__ import annotations

from cli.api_client import open_api
from cli.api_url import running_relay_url
from cli.failure import Failure
from settings import Settings


def relay(settings: Settings) -> str:
    """It lives and takes sessions."""
    url = running_relay_url(settings)
    try:
        with open_api(url=url) as client:
            status, health = client.get("/health")
    except Failure:
        raise Failure(f"no relay answers at {url}: start everything with ./start.sh") from None
    if status != 200 or health.get("status") != "healthy":
        raise Failure(f"{url}/health answers with HTTP {status}: is it another program's port?")
    return f"{url}, {health.get('sessions_active')} live sessions; talk at {url}/live/"
