"""How long tests wait for a Redis that is not meant to be away: a busy machine may take its time."""

from __future__ import annotations

from typing import Final, TypedDict


class Patience(TypedDict):
    """What open_redis is told."""

    connect_seconds: float
    answer_seconds: float


PATIENT: Final = Patience(connect_seconds=10.0, answer_seconds=10.0)
