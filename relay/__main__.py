"""`python -m relay`: one relay process on HOST and PORT."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress

import uvicorn

from front.http_protocol import HttpProtocol
from log_config import configure_logging
from relay.app import create_app
from relay.server import Server
from relay.socket_protocol import SocketProtocol
from settings import Settings, SettingsError, load_settings

# As uvicorn itself exits then.
_NOT_STARTED = 3
# The bridge's limit speaks first, in words; this one only keeps the memory.
_ROOM = 4
# A client that is not there any more is noticed after at most the two of them.
_PING_SECONDS, _PONG_SECONDS = 15.0, 15.0


def main() -> None:
    """Serves until it is told to stop; says what is wrong with the settings and exits."""
    configure_logging()
    # uvicorn writes down every WebSocket's address, and the tokens are in them.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    try:
        settings = load_settings()
        # Asked for here, so that a missing one is said before anything listens.
        _ = settings.redis_url, settings.xai_key
    except SettingsError as error:
        sys.exit(f"recite: {error}")
    program = Server(_config(settings), grace_seconds=settings.xai.shutdown_grace.total_seconds())
    with suppress(KeyboardInterrupt):
        program.run()
    if not program.started:
        sys.exit(_NOT_STARTED)


def _config(settings: Settings) -> uvicorn.Config:
    relay = settings.relay
    return uvicorn.Config(
        create_app(settings),
        host=settings.server.host,
        port=relay.port,
        loop="uvloop",
        http=HttpProtocol,
        ws=SocketProtocol.taking(relay.messages_per_second),
        ws_max_size=_ROOM * relay.message_bytes,
        ws_ping_interval=_PING_SECONDS,
        ws_ping_timeout=_PONG_SECONDS,
        ws_per_message_deflate=False,
        access_log=False,
        log_config=None,
        proxy_headers=bool(relay.trusted_proxies),
        forwarded_allow_ips=list(relay.trusted_proxies),
        server_header=False,
        # Longer than clients keep an idle connection: the side that closes must not be ours.
        timeout_keep_alive=75,
        timeout_graceful_shutdown=5,
    )


if __name__ == "__main__":
    main()
