"""Too much: of jobs, of sessions, of money, or for this moment."""

from __future__ import annotations

from speech.errors.root import ReciteError
from speech.usage import Allowance


class QueueFull(ReciteError):
    """Too many jobs of this lane wait already; `retry_after` in seconds when it is known."""

    code = "queue_full"
    title = "Too many jobs wait already; ask again later"
    status = 503
    retryable = True


class UpstreamDown(ReciteError):
    """The voice service could not be reached several times in a row; what is there already goes on being served."""

    code = "upstream_unavailable"
    title = "The voice service can't be reached now"
    status = 503
    retryable = True


class OverBudget(ReciteError):
    """The client's characters of this month are used up, or reserved for its jobs under way."""

    code = "over_budget"
    title = "This client's characters for the month are used up; what is there already is served on"
    status = 429
    retryable = True


class SpendLimit(ReciteError):
    """Nothing new is bought today, for anybody."""

    code = "spend_limit"
    title = "Today's spending limit is reached; what is there already is served on"
    status = 503
    retryable = True


class TooManyRequests(ReciteError):
    """The client asks more often than it may; `allowance` says how it stands."""

    code = "rate_limited"
    title = "This client sends too many requests"
    status = 429
    retryable = True

    def __init__(self, allowance: Allowance) -> None:
        super().__init__(retry_after=allowance.wait)
        self.allowance = allowance


class TooManySessions(ReciteError):
    """This client, or this address, has as many live sessions as it may have."""

    code = "too_many_sessions"
    title = "Too many sessions are open already"
    status = 429
    retryable = True


class WebhooksFull(ReciteError):
    """Too many webhooks wait to be sent already."""

    code = "webhooks_full"
    title = "Too many webhooks wait already; ask again later, or without webhook_url"
    status = 503
    retryable = True


class GoingAway(ReciteError):
    """This process stops: nothing new is begun on it."""

    code = "going_away"
    title = "This process stops; try again shortly"
    status = 503
    retryable = True


class Unread(ReciteError):
    """Redis does not know what was spent so far: it must be read from the bucket first."""

    code = "unread"
    title = "What was spent so far is being looked up"
    status = 503
    retryable = True
