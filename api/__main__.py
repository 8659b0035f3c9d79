"""`python -m api`: one api process on HOST and API_PORT."""

from __future__ import annotations

import sys

import uvicorn

from api.app import create_app
from log_config import configure_logging
from settings import SettingsError, load_settings


def main() -> None:
    """Serves until it is told to stop; says what is wrong with the settings and exits."""
    configure_logging()
    try:
        settings = load_settings()
        # Asked for here, so that a missing one is said before anything listens.
        _ = settings.redis_url, settings.broker_url
    except SettingsError as error:
        sys.exit(f"recite: {error}")
    server = settings.server
    uvicorn.run(
        create_app(settings),
        host=server.host,
        port=server.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        # Longer than clients keep an idle connection: the side that closes must not be ours.
        timeout_keep_alive=75,
        timeout_graceful_shutdown=5,
    )


if __name__ == "__main__":
    main()
