"""What unit tests share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

import pytest

from tests.fakes.desk import Desk
from tests.fakes.virtual_loop import VirtualLoop


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Tests marked `virtual_time` wait without any time passing for others."""
    return {"virtual": VirtualLoop} if item.get_closest_marker("virtual_time") else {"real": asyncio.new_event_loop}


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    """A pool of two sessions that speak at once."""
    made = Desk()
    yield made
    await made.pool.aclose()


@pytest.fixture
async def slow() -> AsyncIterator[Desk]:
    """A pool of two sessions whose utterances last until the test ends them."""
    made = Desk(automatic=False)
    yield made
    await made.pool.aclose()
    await asyncio.gather(*made.tasks, return_exceptions=True)
