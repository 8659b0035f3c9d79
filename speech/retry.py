"""Whether and when a failed attempt is tried again: a pure decision; only the render takes it."""

from __future__ import annotations

from dataclasses import dataclass

from speech.errors import ReciteError


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryPolicy:
    """At most `attempts` tries; delays in seconds double from `first_delay` up to `longest_delay`.

    A server that asks for more than `longest_wait` seconds is not waited for.
    """

    attempts: int = 3
    first_delay: float = 0.5
    longest_delay: float = 8.0
    longest_wait: float = 20.0


def retry_delay(error: ReciteError, *, attempt: int, policy: RetryPolicy, jitter: float) -> float | None:
    """Seconds to wait after the failed `attempt` (1 is the first), or None when it is given up.

    `jitter` (0 to 1, from the caller's random source) spreads the delay between its half and its whole, so that
    many that fail together don't return together. A delay that the server asked for is kept, and never undercut.
    """
    if not error.retryable or attempt >= policy.attempts:
        return None
    backoff = min(policy.longest_delay, policy.first_delay * float(2 ** (attempt - 1)))
    delay = max(backoff * (0.5 + jitter / 2), error.retry_after or 0.0)
    return delay if delay <= policy.longest_wait else None
