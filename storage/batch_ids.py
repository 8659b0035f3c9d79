"""New batches' ids."""

from __future__ import annotations

import secrets


def new_batch_id(*, now: float) -> str:
    """An id that nobody guesses; those of later batches sort later. `now` is Unix time."""
    return f"batch-{int(now * 1000):011x}{secrets.token_hex(8)[:15]}"
