"""`python -m simulator`: the stand-in upstream as `start.sh` runs it, quirks and real timing included."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress

import uvicorn

from settings import SettingsError, load_settings
from simulator.options import Options
from simulator.quirks import QUIRKY
from simulator.server import Simulator


def main() -> None:
    """Serves until it is told to stop."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        settings = load_settings()
    except SettingsError as error:
        sys.exit(str(error))
    options = Options(
        handshake_ms=settings.simulator.handshake_ms,
        first_audio_ms=settings.simulator.first_audio_ms,
        pace=settings.simulator.pace,
        first_token_ms=settings.simulator.first_token_ms,
        token_ms=settings.simulator.token_ms,
        max_sessions=settings.simulator.sessions,
        quirks=QUIRKY,
    )
    simulator = Simulator(options)
    server = uvicorn.Server(simulator.config(host=settings.server.host, port=settings.simulator.port))
    # uvicorn has shut down in good order by the time it passes Ctrl-C on
    with suppress(KeyboardInterrupt):
        server.run()


if __name__ == "__main__":
    main()
