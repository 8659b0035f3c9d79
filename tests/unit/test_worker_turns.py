"""A key that many wait for takes only so many renders of a worker; the others come in their turn."""

from __future__ import annotations

import pytest

from speech.client import Client
from speech.upstream_key import UpstreamKeys
from tests.fakes.payers import SERVICE, MemoryClients
from worker.turns import Turns

pytestmark = pytest.mark.unit

MOST = 2


@pytest.fixture
async def clients() -> MemoryClients:
    clients = MemoryClients()
    for id in ("ada", "bob"):
        await clients.put(Client(id=id), key=f"key of {id}")
    return clients


@pytest.fixture
def resumed() -> list[str]:
    return []


@pytest.fixture
def turns(clients: MemoryClients, resumed: list[str]) -> Turns:
    return Turns(UpstreamKeys(clients, service=SERVICE), most=MOST, resume=resumed.append)


async def begun(turns: Turns, client: str, *names: str) -> list[bool]:
    return [await turns.begin(name, client=client) for name in names]


async def test_a_key_holds_up_nobody_else(turns: Turns) -> None:
    assert await begun(turns, "ada", "1", "2", "3") == [True, True, False]
    assert await begun(turns, "bob", "4", "5", "6") == [True, True, False]
    assert await begun(turns, "", *map(str, range(10, 20))) == [True] * 10
    assert await begun(turns, "has none", *map(str, range(20, 30))) == [True] * 10


async def test_the_others_come_in_their_order(turns: Turns, resumed: list[str]) -> None:
    await begun(turns, "ada", "1", "2", "3", "4", "3")
    turns.end("2")
    assert resumed == ["3"]
    # Its place is kept for it.
    assert await begun(turns, "ada", "5", "3") == [False, True]
    turns.passed("3")
    assert resumed == ["3"]
    turns.end("3")
    turns.end("1")
    turns.end("1")
    assert resumed == ["3", "4", "5"]


async def test_who_is_called_in_vain_gives_his_place_to_the_next(turns: Turns, resumed: list[str]) -> None:
    await begun(turns, "ada", "1", "2", "3", "4")
    turns.end("1")
    turns.passed("3")
    assert resumed == ["3", "4"]
    assert await begun(turns, "ada", "4", "5") == [True, False]


async def test_who_is_called_and_has_another_key_by_then(
    turns: Turns, clients: MemoryClients, resumed: list[str]
) -> None:
    await begun(turns, "ada", "1", "2", "3", "4")
    turns.end("1")
    await clients.put(Client(id="ada"), key="another key")
    assert await begun(turns, "ada", "3") == [True]
    assert resumed == ["3", "4"]


async def test_a_key_that_cannot_be_read_is_for_others_to_tell(turns: Turns, clients: MemoryClients) -> None:
    clients.sealed = {"ada"}
    assert await begun(turns, "ada", "1", "2", "3") == [True] * 3
