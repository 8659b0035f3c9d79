"""The connection to Redis: how long an answer may take, and what its errors mean to us."""

from __future__ import annotations

from types import TracebackType

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

from speech.errors import Misconfigured, Unavailable
from storage.redis_pool import TurnsPool

# A call connects and reads one answer: together these stay under two seconds.
CONNECT_SECONDS, ANSWER_SECONDS = 0.9, 0.9
# How long a call may wait for its turn when very many come at once.
_PATIENCE_SECONDS = 5.0


def open_redis(
    url: str,
    *,
    connections: int = 32,
    connect_seconds: float = CONNECT_SECONDS,
    answer_seconds: float = ANSWER_SECONDS,
) -> Redis:
    """A client that connects on first use and never retries: a claim that was lost on the way must not be sent twice.

    Close it with `aclose()`. More than `connections` calls at once wait for their turn: what blocks needs a client of
    its own.
    """
    pool = TurnsPool.from_url(
        url,
        turns=connections,
        patience=_PATIENCE_SECONDS,
        socket_connect_timeout=connect_seconds,
        socket_timeout=answer_seconds,
        retry=Retry(NoBackoff(), 0),
        # With RESP 3 redis-py 8 hands out connections that Redis has closed: the first call on each would fail.
        protocol=2,
        decode_responses=False,
    )
    return Redis.from_pool(pool)


class Answering:
    """`with ANSWERING:` around calls to Redis turns what they raise into Unavailable."""

    __slots__ = ()

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, traceback: TracebackType | None) -> None:
        if isinstance(error, AuthenticationError | NoPermissionError):
            raise Misconfigured("redis", advice="check the user and the password in REDIS_URL") from error
        # Redis' own TimeoutError is a RedisError; the built-in one is an OSError.
        if isinstance(error, RedisError | OSError):
            raise Unavailable("redis") from error


ANSWERING = Answering()
