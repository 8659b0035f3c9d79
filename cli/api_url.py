"""Where the api of these settings is reached from this machine."""

from __future__ import annotations

from settings import Settings

_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}


def api_url(settings: Settings) -> str:
    """`http://host:port` without a slash at the end."""
    host = _ANYWHERE.get(settings.server.host, settings.server.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.server.port}"
