"""A webhook on its way: how it stands, how an attempt at it went, and when the next one is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from speech.webhook import EventType


class DeliveryStatus(StrEnum):
    """`waiting` for the job's end, `pending` until it is taken or given up; the last three are ends."""

    WAITING = "waiting"
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    DROPPED = "dropped"


class Problem(StrEnum):
    """What was wrong with an attempt, or why there was none."""

    BAD_ANSWER = "bad_answer"
    GONE = "gone"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    FORBIDDEN_ADDRESS = "forbidden_address"
    BAD_REDIRECT = "bad_redirect"
    INTERRUPTED = "interrupted"
    SECRET_LOST = "secret_lost"
    CANCELLED = "cancelled"
    FORGOTTEN = "forgotten"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """What the log says of one webhook; times are Unix seconds.

    `answered` is the HTTP status of the last attempt.
    """

    id: str
    type: EventType | None
    subject: str
    client: str
    host: str
    is_standing: bool
    status: DeliveryStatus
    attempts: int
    created_at: float
    last_at: float | None
    next_at: float | None
    answered: int | None
    problem: Problem | None


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryFilter:
    """Which deliveries are wanted; None: all."""

    client: str | None = None
    subject: str | None = None
    status: DeliveryStatus | None = None

    def fits(self, delivery: Delivery) -> bool:
        """Whether a delivery is one of them."""
        wanted = (self.client, self.subject, self.status)
        found = (delivery.client, delivery.subject, delivery.status)
        return all(want in (None, has) for want, has in zip(wanted, found, strict=True))


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryPage:
    """Some deliveries, and the place where the next page goes on; None when there is none."""

    deliveries: list[Delivery]
    next: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscription:
    """A delivery that waits for its job's end: the caller's own, to be told with the job."""

    id: str
    url: str
    audio_url: str
    metadata: Mapping[str, str] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Parcel:
    """One attempt at a delivery, which is its holder's while `token` counts. `tries` counts those since `age` seconds.

    `url` and `body` are secret: the one may carry a token, the other is the caller's.
    """

    id: str
    token: int
    url: str
    body: str
    client: str
    is_signed_by_client: bool
    is_standing: bool
    tries: int
    age: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """How an attempt went: the receiver's HTTP status, if there was one, and what was wrong, if anything.

    `retry_after` is what the receiver asked for, in seconds.
    """

    answered: int | None = None
    problem: Problem | None = None
    retry_after: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RetrySchedule:
    """Delays in seconds, three times as long each time from `first` up to `longest`, until `lasts` have passed."""

    first: float = 5.0
    longest: float = 6 * 3600.0
    lasts: float = 24 * 3600.0

    def delay(self, *, tries: int, age: float, jitter: float, asked: float | None = None) -> float | None:
        """Seconds until the next attempt after so many `tries` in `age` seconds; None when it is given up.

        `jitter` (0 to 1) spreads it by a fifth each way. What the receiver `asked` for is not undercut, within limits.
        """
        backoff = min(self.longest, self.first * float(3 ** min(tries - 1, 20))) * (0.8 + 0.4 * jitter)
        delay = max(backoff, min(asked or 0.0, self.longest))
        return delay if age + delay <= self.lasts else None
