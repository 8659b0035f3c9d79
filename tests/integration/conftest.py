"""The running system, shared by all tests that leave it as they found it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from tests.fakes.simulator import RunningSimulator, running_simulator
from tests.fakes.stack import Stack, stack


@pytest.fixture(scope="session")
def system() -> Iterator[Stack]:
    """One system for all; tests tell their jobs apart by their texts."""
    with stack() as running:
        yield running


@pytest.fixture
async def client(system: Stack) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the shared system's api."""
    async with system.client() as opened:
        yield opened


@pytest.fixture
async def simulator() -> AsyncIterator[RunningSimulator]:
    """A simulator in the test's own loop."""
    async with running_simulator() as running:
        yield running
