"""One form of log line for every process: time, level, correlation id, what happened. Never text, keys or audio."""

from __future__ import annotations

import logging
from logging.config import dictConfig

FORMAT = "%(asctime)s %(levelname)s [%(correlation_id)s] %(name)s: %(message)s"
_OURS = ("speech", "audio", "storage", "xai", "front", "api", "worker", "relay", "simulator", "cli")


def configure_logging(*, level: str = "INFO") -> None:
    """Sends every logger's lines to standard error in one form; libraries speak up from WARNING on."""
    dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "filters": {"correlation": {"()": "asgi_correlation_id.CorrelationIdFilter", "default_value": "-"}},
            "formatters": {"line": {"format": FORMAT}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["correlation"]}},
            "root": {"level": "WARNING", "handlers": ["stderr"]},
            "loggers": {name: {"level": level} for name in (*_OURS, "uvicorn", "celery.apps.worker")},
        }
    )
    logging.captureWarnings(True)
