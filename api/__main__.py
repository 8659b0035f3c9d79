"""`python -m api`: one api process on HOST and API_PORT."""

from __future__ import annotations

import sys
from contextlib import suppress

import uvicorn

from api.app import create_app
from api.server import Server
from front.http_protocol import HttpProtocol
from log_config import configure_logging
from settings import SettingsError, load_settings

# As uvicorn itself exits then.
_NOT_STARTED = 3


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
    config = uvicorn.Config(
        create_app(settings),
        host=server.host,
        port=server.port,
        loop="uvloop",
        http=HttpProtocol,
        ws="none",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        # Longer than clients keep an idle connection: the side that closes must not be ours.
        timeout_keep_alive=75,
        timeout_graceful_shutdown=5,
    )
    program = Server(config)
    with suppress(KeyboardInterrupt):
        program.run()
    if not program.started:
        sys.exit(_NOT_STARTED)


if __name__ == "__main__":
    main()
