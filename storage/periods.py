"""The months and days by which usage is counted: those of UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_DAY = 86_400


def month_of(now: float) -> str:
    """`2026-11`; `now` is Unix time."""
    return f"{datetime.fromtimestamp(now, UTC):%Y-%m}"


def day_of(now: float) -> str:
    """`2026-11-21`."""
    return f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d}"


def until_next_month(now: float) -> float:
    """The seconds until the next month begins."""
    first = datetime.fromtimestamp(now, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32)).replace(day=1).timestamp() - now


def until_midnight(now: float) -> float:
    """The seconds until the next day begins."""
    return _DAY - now % _DAY
