"""Our own dependencies, when they don't do what they should."""

from __future__ import annotations

from speech.errors.root import ReciteError


class Unavailable(ReciteError):
    """A dependency (`redis`, `bucket`, `broker`) does not answer; nothing was lost, ask again."""

    code = "unavailable"
    title = "A service that Recite needs does not answer"
    status = 503
    retryable = True

    def __init__(self, dependency: str, *, retry_after: float = 2) -> None:
        super().__init__(f"{dependency} does not answer; try again shortly", retry_after=retry_after)
        self.dependency = dependency


class Misconfigured(Unavailable):
    """To callers an outage like any other; `advice` tells the operator which setting to look at."""

    code = "misconfigured"
    title = "A service that Recite needs refuses to work for it"

    def __init__(self, dependency: str, *, advice: str) -> None:
        ReciteError.__init__(self, f"{dependency} refuses to work for us; {advice}", retry_after=30)
        self.dependency = dependency


class NoSuchRules(ReciteError):
    """The bucket's server does not do this by itself."""

    code = "no_bucket_rules"
    title = "The S3 server has no rules of this kind"
    status = 501
