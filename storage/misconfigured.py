"""The error for a dependency that answers but refuses us: waiting won't help, a setting will."""

from __future__ import annotations

from speech.errors import ReciteError, Unavailable


class Misconfigured(Unavailable):
    """To callers an outage like any other; the detail tells the operator which setting to look at."""

    code = "misconfigured"
    title = "A service that Recite needs refuses to work for it"

    def __init__(self, dependency: str, *, advice: str) -> None:
        ReciteError.__init__(self, f"{dependency} refuses to work for us; {advice}", retry_after=30)
        self.dependency = dependency
