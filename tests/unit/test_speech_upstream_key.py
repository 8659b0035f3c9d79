"""With whose key a client's speech is bought."""

from __future__ import annotations

from dataclasses import replace

import pytest

from speech.client import Client
from speech.errors import KeySealed
from speech.upstream_key import UpstreamKey, UpstreamKeys, group_of
from tests.fakes.payers import SERVICE, MemoryClients

pytestmark = pytest.mark.unit


@pytest.fixture
async def keys() -> UpstreamKeys:
    clients = MemoryClients(sealed={"lost"})
    stored = {"own": "own-key", "none": None, "chatty": "an-openai-key", "same": SERVICE.secret, "lost": "lost-key"}
    for id, key in stored.items():
        await clients.put(Client(id=id, ai_provider="openai" if id == "chatty" else "xai"), key=key)
    return UpstreamKeys(clients, service=SERVICE)


@pytest.mark.parametrize("nobody", ["", "made-up", ".", "..", "...."])
async def test_who_is_nobody_we_know_has_the_services(keys: UpstreamKeys, nobody: str) -> None:
    assert await keys.of(nobody) == SERVICE


@pytest.mark.parametrize("client", ["none", "chatty"])
async def test_so_has_who_has_none_for_speech(keys: UpstreamKeys, client: str) -> None:
    assert await keys.of(client) == replace(SERVICE, client=client)


async def test_ones_own_is_counted_by_itself(keys: UpstreamKeys) -> None:
    key = await keys.of("own")
    assert key == UpstreamKey(group=group_of("own-key"), secret="own-key", client="own", is_own=True)
    assert "own-key" not in f"{key} {key!r}"


async def test_who_has_the_services_key_is_counted_with_it(keys: UpstreamKeys) -> None:
    assert await keys.of("same") == replace(SERVICE, client="same", is_own=True)


async def test_one_that_cannot_be_read_is_not_replaced(keys: UpstreamKeys) -> None:
    with pytest.raises(KeySealed):
        await keys.of("lost")
