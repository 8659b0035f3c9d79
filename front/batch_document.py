"""A batch as its callers are shown it: in answers and in webhooks."""

from __future__ import annotations

from typing import Any

from front.job_document import iso_time
from speech.batch import Batch, BatchState, Outcome
from speech.prices import MICRO


def batch_document(batch: Batch, state: BatchState, *, base_url: str) -> dict[str, Any]:
    """The batch as BatchView describes it; its URLs begin with `base_url`."""
    url = f"{base_url}/v1/batches/{batch.id}"
    counts = {outcome.value: state.counts.get(outcome, 0) for outcome in Outcome}
    return {
        "id": batch.id,
        "status": state.status,
        "run": state.run,
        "counts": {
            "total": batch.lines,
            "distinct": batch.distinct,
            **counts,
            "pending": max(0, batch.lines - state.known),
        },
        "skipped": batch.skipped,
        "characters": batch.characters,
        "created_at": iso_time(batch.created_at),
        "ended_at": iso_time(state.ended_at),
        "estimated_seconds_left": None if state.seconds_left is None else round(state.seconds_left),
        "upstream_usd": state.cost / MICRO,
        "metadata": batch.metadata,
        "url": url,
        "results_url": f"{url}/results",
        "archive_url": f"{url}/archive",
    }
