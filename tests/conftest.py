"""What all tests share: real servers, and the rules that no test may break."""

from __future__ import annotations

import asyncio
import inspect
from collections import Counter
from collections.abc import AsyncIterator, Generator, Iterator

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from storage.heartbeats import Heartbeats
from storage.redis_client import open_redis
from tests.fakes.patience import PATIENT
from tests.fakes.services import RedisServer, S3Server, check_disposable, moto_server, rclone_server, redis_server
from tests.fakes.turns import Turns

KINDS = ("e2e", "integration", "contract", "unit")
_TURNS = 20


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuses test modules that don't say which kind of test they hold, and says which come first."""
    silent = {item.path.name for item in items if not _kind(item)}
    if silent:
        raise pytest.UsageError(f"{', '.join(sorted(silent))}: set pytestmark to one of {', '.join(KINDS)}")
    # What takes longest comes first, so that processes that share the files out end at about the same time; what has to
    # be alone comes last, when hardly any other waits for that.
    items.sort(key=lambda item: (_is_alone(item), KINDS.index(_kind(item))))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Sets up, runs and tears down a test beside others, or alone."""
    cache: pytest.Cache = item.config.cache
    with Turns(cache.mkdir("turns")).taken(alone=_is_alone(item)):
        return (yield)


def _is_alone(item: pytest.Item) -> bool:
    return item.get_closest_marker("alone") is not None


def _kind(item: pytest.Item) -> str:
    return next((kind for kind in KINDS if item.get_closest_marker(kind)), "")


@pytest.fixture(autouse=True)
def no_leaked_tasks(request: pytest.FixtureRequest) -> None:
    """Makes an asynchronous test fail that leaves a task behind."""
    if inspect.iscoroutinefunction(getattr(request.node, "obj", None)):
        request.getfixturevalue("task_guard")


@pytest.fixture
async def task_guard() -> AsyncIterator[None]:
    """Set up before every other fixture, and so the last to look."""
    before = asyncio.all_tasks()
    yield
    for _ in range(_TURNS):
        # What was cancelled may take a few turns of the loop to end.
        if not _others() - before:
            return
        await asyncio.sleep(0)
    leaked = _others() - before
    for task in leaked:
        task.cancel()
    if leaked:
        await asyncio.wait(leaked, timeout=1)
        names = Counter(getattr(task.get_coro(), "__qualname__", task.get_name()) for task in leaked)
        pytest.fail(f"leaked tasks: {', '.join(f'{count} {name}' for name, count in names.items())}")


def _others() -> set[asyncio.Task[object]]:
    return {task for task in asyncio.all_tasks() if task is not asyncio.current_task()}


@pytest.fixture(scope="session")
def shared_redis() -> Iterator[RedisServer]:
    """One Redis for all tests; ask for `redis_url` instead unless it may be full."""
    with redis_server() as server:
        yield server


@pytest.fixture
def redis_url(shared_redis: RedisServer) -> str:
    """The address of an empty Redis."""
    check_disposable(shared_redis.url)
    with Redis.from_url(shared_redis.url) as redis:
        redis.flushall()
    return shared_redis.url


@pytest.fixture
async def served_redis(redis_url: str) -> AsyncIterator[AsyncRedis]:
    """A client of an empty Redis that knows of a worker for both lanes."""
    async with open_redis(redis_url, **PATIENT) as redis:
        await Heartbeats(redis).beat(lane="interactive+bulk", worker="host:1", seconds=60)
        yield redis


@pytest.fixture(scope="session")
def rclone_s3() -> Iterator[S3Server]:
    """The embedded S3 server, one for all tests."""
    with rclone_server() as server:
        yield server


@pytest.fixture(scope="session")
def moto_s3() -> Iterator[S3Server]:
    """Another S3 server, one for all tests."""
    with moto_server() as server:
        yield server
