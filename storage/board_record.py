"""How a job stands in its Redis hash: what never changes in `facts`, what does in fields of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import orjson

from speech.job import Job, JobError, JobStatus
from speech.recipe import Recipe

# All but the facts that the board's scripts change by themselves.
_BORN = ("voice", "format", "sample_rate", "characters")
_READY = (*_BORN, "utterances", "utterances_done", "attempts", "ready_at", "duration_ms", "size", "proof", "timings")
_STATUSES = {status.value.encode(): status for status in JobStatus}


def born_facts(job: Job) -> bytes:
    """The facts of a job that was just asked for."""
    return orjson.dumps({name: getattr(job, name) for name in _BORN})


def ready_facts(job: Job) -> bytes:
    """The facts of a job whose audio is kept."""
    return orjson.dumps({name: getattr(job, name) for name in _READY})


def order_record(recipe: Recipe) -> bytes:
    """A recipe as `Recipe.from_json` reads it."""
    return orjson.dumps(recipe)


def error_record(error: JobError) -> bytes:
    """An error as the hash keeps it."""
    return orjson.dumps(asdict(error))


def _read_error(record: bytes) -> JobError:
    known = orjson.loads(record)
    return JobError(**{**known, "groups": tuple(known.get("groups", ()))})


def read_job(name: str, values: Sequence[bytes | None]) -> Job | None:
    """The job in the values of `board_scripts.FIELDS`, or None when there is none."""
    status, generation, created_at, started_at, attempts, utterances, error, facts, sequence, done, ended_at = values[
        :11
    ]
    if status is None or facts is None or created_at is None:
        return None
    known = {
        "attempts": int(attempts or 0),
        "utterances": int(utterances) if utterances else None,
        "utterances_done": int(done or 0),
        "error": _read_error(error) if error else None,
        **orjson.loads(facts),
    }
    return Job(
        name=name,
        status=_STATUSES[status],
        created_at=float(created_at),
        started_at=float(started_at) if started_at else None,
        ended_at=float(ended_at) / 1000 if ended_at else None,
        stamp=(int(generation or 0), int(sequence or 0)),
        **known,
    )
