"""Conversations on a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from speech.chat_ports import Turn
from speech.errors import Unavailable
from storage.conversations import RedisConversations
from storage.redis_client import open_redis
from tests.fakes.services import redis_server

pytestmark = pytest.mark.contract


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with open_redis(redis_url) as redis:
        yield redis


def turn(number: int, *, length: int = 10) -> Turn:
    return Turn(message=f"m{number}".ljust(length // 2), reply=f"r{number}".ljust(length - length // 2))


async def test_the_last_turns_are_remembered_oldest_first(redis: Redis) -> None:
    conversations = RedisConversations(redis, turns=3)
    id = conversations.begin()
    assert await conversations.turns(id, owner="key:shop") == ()
    for number in range(5):
        await conversations.add(id, turn(number), owner="key:shop")
    assert await conversations.turns(id, owner="key:shop") == (turn(2), turn(3), turn(4))
    name: Any
    [name] = await redis.keys()
    assert await redis.llen(name) == 3


async def test_no_more_characters_are_told_than_the_limit_allows(redis: Redis) -> None:
    conversations = RedisConversations(redis, characters=25)
    for number in range(4):
        await conversations.add("a", turn(number), owner="")
    assert await conversations.turns("a", owner="") == (turn(2), turn(3))
    await conversations.add("a", turn(9, length=26), owner="")
    assert await conversations.turns("a", owner="") == (turn(2), turn(3))


async def test_each_owner_has_their_own(redis: Redis) -> None:
    conversations = RedisConversations(redis)
    await conversations.add("a", turn(1), owner="key:one")
    for owner in ("key:two", "other:one", "", "key:one\na"):
        assert await conversations.turns("a", owner=owner) == ()
    assert await conversations.turns("a", owner="key:one") == (turn(1),)


async def test_it_is_forgotten_some_time_after_the_last_turn(redis: Redis) -> None:
    conversations = RedisConversations(redis, kept=timedelta(minutes=5))
    await conversations.add("a", turn(1), owner="key:ada")
    name: Any
    [name] = await redis.keys()
    assert b"ada" not in name
    await redis.pexpire(name, 1000)
    await conversations.add("a", turn(2), owner="key:ada")
    assert 290_000 < await redis.pttl(name) <= 300_000


async def test_turns_at_once_stay_whole(redis: Redis) -> None:
    conversations = RedisConversations(redis, turns=50)
    await asyncio.gather(*(conversations.add("a", turn(number), owner="") for number in range(50)))
    assert set(await conversations.turns("a", owner="")) == {turn(number) for number in range(50)}


async def test_nothing_is_kept_where_nothing_is_to_be(redis: Redis) -> None:
    conversations = RedisConversations(redis, turns=0)
    await conversations.add("a", turn(1), owner="")
    assert await conversations.turns("a", owner="") == ()
    assert await redis.keys() == []


def test_ids_are_long_and_never_the_same() -> None:
    conversations = RedisConversations(Redis())
    ids = {conversations.begin() for _ in range(100)}
    assert len(ids) == 100
    assert min(map(len, ids)) >= 22


async def test_an_outage_is_said() -> None:
    with redis_server() as server:
        url = server.url
    async with open_redis(url) as redis:
        conversations = RedisConversations(redis)
        with pytest.raises(Unavailable):
            await conversations.turns("a", owner="")
        with pytest.raises(Unavailable):
            await conversations.add("a", turn(1), owner="")
