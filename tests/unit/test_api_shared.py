"""Many who ask the same at once."""

from __future__ import annotations

import asyncio

import pytest

from api.shared import Shared
from speech.errors import Unavailable

pytestmark = pytest.mark.unit


class Oracle:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def ask(self, name: str) -> str:
        self.asked.append(name)
        return await self.answer


async def asking(shared: Shared[str], *names: str) -> list[asyncio.Task[str]]:
    tasks = [asyncio.create_task(shared.shared(name)) for name in names]
    await asyncio.sleep(0)
    return tasks


async def test_what_is_asked_by_many_is_asked_once() -> None:
    oracle = Oracle()
    tasks = await asking(Shared(oracle.ask), "a", "b", "a", "a")
    oracle.answer.set_result("yes")
    assert await asyncio.gather(*tasks) == ["yes"] * 4
    assert oracle.asked == ["a", "b"]


async def test_who_leaves_spoils_nothing() -> None:
    oracle = Oracle()
    first, second = await asking(Shared(oracle.ask), "a", "a")
    first.cancel()
    await asyncio.wait([first])
    oracle.answer.set_result("yes")
    assert await second == "yes"


async def test_what_it_raises_everybody_gets_and_it_is_asked_again() -> None:
    oracle = Oracle()
    shared = Shared(oracle.ask)
    tasks = await asking(shared, "a", "a")
    oracle.answer.set_exception(Unavailable("bucket"))
    for task in tasks:
        with pytest.raises(Unavailable):
            await task
    oracle.answer = asyncio.get_running_loop().create_future()
    oracle.answer.set_result("yes")
    assert await shared.shared("a") == "yes"
