"""What stands in the way of a start: one sentence each, which says what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain, combinations

from cli import binaries, ports, reach, secret
from cli.failure import Failure
from cli.twins import Twins
from settings import Settings


def obstacles(settings: Settings, twins: Twins) -> list[str]:
    """Every obstacle found; none when the start can go on."""
    found = (_contradictions(settings), _secret(settings, twins), _ports(settings, twins), _missing(twins))
    return [*chain(*found), *_unreachable(settings)]


def _contradictions(settings: Settings) -> Iterator[str]:
    if settings.xai.api_key is None and settings.xai.model_fields_set & {"realtime_url", "rest_url"}:
        yield "API_URL or XAI_REST_URL is set but XAI_API_KEY is not: set the key, or remove them to use the simulator"
    if (settings.bucket.access_key_id is None) != (settings.bucket.secret_access_key is None):
        yield "only one of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY is set: set both or none"


def _secret(settings: Settings, twins: Twins) -> Iterator[str]:
    if secret.is_needed(settings, twins):
        yield "RECITE_SECRET is not set, and Redis or the bucket is given: set it in .env, recite init makes one"


def _ports(settings: Settings, twins: Twins) -> Iterator[str]:
    host = settings.server.host
    wanted = [("API_PORT", settings.server.port, host), ("PORT", settings.relay.port, host)]
    if twins.simulator:
        wanted.append(("SIMULATOR_PORT", twins.simulator, "127.0.0.1"))
    for (one, port, _), (other, same, _) in combinations(wanted, 2):
        if port == same:
            yield f"{one} and {other} are both {port}: set one of them to another port"
    for variable, port, host in wanted:
        problem = ports.problem(port, host=host, variable=variable)
        if problem:
            yield problem


def _missing(twins: Twins) -> Iterator[str]:
    if twins.redis:
        yield from _said_by(binaries.redis_server)
    if twins.bucket:
        yield from _said_by(binaries.rclone)


def _unreachable(settings: Settings) -> Iterator[str]:
    """What is given must answer: starting without it would only make everything wait."""
    redis, broker, bucket = settings.redis.url, settings.redis.broker, settings.bucket
    if redis:
        yield from _said_by(lambda: reach.redis(redis.get_secret_value(), variable="REDIS_URL"))
    if broker:
        yield from _said_by(lambda: reach.broker(broker.get_secret_value()))
    if bucket.endpoint_url:
        yield from _said_by(lambda: reach.bucket(bucket))


def _said_by(check: Callable[[], object]) -> Iterator[str]:
    try:
        check()
    except Failure as failure:
        yield str(failure)
