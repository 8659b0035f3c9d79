"""What may strike the system itself in mid-render, the upstream aside: one table, which drives the tests too."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from simulator.fates import Fate, ready

_ONCE, _TWICE = ready(paid=1), ready(paid=2)


class Again(StrEnum):
    """What is done once more."""

    NOTHING = "no"
    STEP = "the step that failed"
    RENDER = "the render, by the next worker"


@dataclass(frozen=True, kw_only=True, slots=True)
class Blow:
    """One row: what `GET /v1/jobs/{id}` answers until the end, and the end, which comes so many `seconds` later."""

    name: str
    does: str
    answers: frozenset[int]
    again: Again
    fate: Fate
    seconds: int


def _row(
    name: str,
    does: str,
    *,
    answers: tuple[int, ...] = (200,),
    again: Again = Again.NOTHING,
    fate: Fate = _ONCE,
    seconds: int = 10,
) -> tuple[str, Blow]:
    blow = Blow(name=name, does=does, answers=frozenset(answers), again=again, fate=fate, seconds=seconds)
    return name, blow


BLOWS: dict[str, Blow] = dict(
    [
        _row("worker_sigkill", "the worker dies", again=Again.RENDER, fate=_TWICE, seconds=15),
        _row("worker_sigterm", "the worker is told to end, and finishes within SHUTDOWN_GRACE"),
        _row(
            "worker_sigterm_bucket_away",
            "the worker is told to end, and can't finish because the bucket is away",
            again=Again.RENDER,
            seconds=20,
        ),
        _row("redis_restart", "Redis dies and is started again", answers=(200, 503)),
        _row("redis_flush", "Redis forgets everything", answers=(200, 404)),
        _row("redis_clock", "the clock of Redis is set forward: every lease is over"),
        _row("delivered_twice", "Celery delivers the task three times"),
        _row("bucket_500", "every request to the bucket is answered 500", again=Again.STEP),
        _row("bucket_slow", "every request to the bucket takes its time"),
        _row("bucket_away", "the bucket refuses connections", again=Again.STEP),
        _row("spool_full", "no room on the disk for what waits for the bucket"),
        _row("spool_full_bucket_away", "no room there while the bucket refuses connections", again=Again.STEP),
    ]
)
