"""Idempotency keys on a real Redis."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis

from speech.errors import Unavailable
from storage.idempotency_keys import IdempotencyKeys, KeyUse
from storage.redis_client import open_redis
from tests.fakes.services import redis_server

pytestmark = pytest.mark.contract

BODY, OTHER = b'{"text":"Once."}', b'{"text":"Twice."}'


async def test_a_key_belongs_to_its_first_request(redis: Redis) -> None:
    keys = IdempotencyKeys(redis)
    uses = [await keys.use("order-7", caller="key:", request=body) for body in (BODY, BODY, OTHER)]
    assert uses == [KeyUse.FIRST, KeyUse.UNDER_WAY, KeyUse.OTHER]
    await keys.confirm("order-7", caller="key:", request=OTHER)
    assert await keys.use("order-7", caller="key:", request=BODY) is KeyUse.UNDER_WAY
    await keys.confirm("order-7", caller="key:", request=BODY)
    uses = [await keys.use("order-7", caller="key:", request=body) for body in (BODY, OTHER)]
    assert uses == [KeyUse.AGAIN, KeyUse.OTHER]


async def test_callers_have_keys_of_their_own(redis: Redis) -> None:
    keys = IdempotencyKeys(redis)
    callers = ("one:", "two:", "one:ada", "")
    assert {await keys.use("order-7", caller=caller, request=BODY) for caller in callers} == {KeyUse.FIRST}


async def test_what_a_key_s_request_makes_has_one_id(redis: Redis) -> None:
    keys = IdempotencyKeys(redis)
    asked = [("order-7", "key:", BODY), ("order-7", "key:", BODY), ("order-7", "key:", OTHER), ("order-7", "", BODY)]
    made = [
        await keys.made(key, caller=caller, request=body, id=f"batch-{number}")
        for number, (key, caller, body) in enumerate(asked)
    ]
    assert made == ["batch-0", "batch-0", "batch-2", "batch-3"]


async def test_of_many_at_once_one_is_the_first(redis: Redis) -> None:
    keys = IdempotencyKeys(redis)
    uses = await asyncio.gather(*(keys.use("order-7", caller="", request=BODY) for _ in range(50)))
    assert sorted(uses) == [KeyUse.FIRST] + [KeyUse.UNDER_WAY] * 49


async def test_it_is_kept_for_a_day_from_its_first_use_and_tells_nothing(redis: Redis) -> None:
    await IdempotencyKeys(redis).use("order-7", caller="key:ada", request=BODY)
    name: Any
    [name] = await redis.keys()
    assert 86_390_000 < await redis.pttl(name) <= 86_400_000
    await redis.pexpire(name, 5000)
    await IdempotencyKeys(redis).use("order-7", caller="key:ada", request=BODY)
    await IdempotencyKeys(redis).confirm("order-7", caller="key:ada", request=BODY)
    assert await redis.pttl(name) <= 5000
    content: Any = name + await redis.get(name)
    assert not [secret for secret in (b"order", b"ada", b"Once") if secret in content]


async def test_a_key_that_is_given_back_is_free_again(redis: Redis) -> None:
    keys = IdempotencyKeys(redis)
    await keys.use("order-7", caller="key:", request=BODY)
    await keys.release("order-7", caller="key:", request=OTHER)
    await keys.release("order-7", caller="another:", request=BODY)
    assert await keys.use("order-7", caller="key:", request=BODY) is KeyUse.UNDER_WAY
    await keys.release("order-7", caller="key:", request=BODY)
    assert await keys.use("order-7", caller="key:", request=OTHER) is KeyUse.FIRST


async def test_a_key_whose_request_somebody_carried_out_stays_bound(redis: Redis) -> None:
    keys = IdempotencyKeys(redis)
    for ends in (("confirm", "release"), ("release", "confirm")):
        for _ in range(2):
            await keys.use(f"order {ends}", caller="", request=BODY)
        for end in ends:
            await getattr(keys, end)(f"order {ends}", caller="", request=BODY)
        assert await keys.use(f"order {ends}", caller="", request=OTHER) is KeyUse.OTHER


async def test_no_redis_is_an_outage() -> None:
    with redis_server() as server:
        url = server.url
    async with open_redis(url) as redis:
        with pytest.raises(Unavailable):
            await IdempotencyKeys(redis).use("order-7", caller="", request=BODY)
