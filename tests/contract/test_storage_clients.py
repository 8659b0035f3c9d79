"""Clients on real S3 servers and a real Redis: what is kept, what is held, who hears of a change."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from speech.client import Client
from speech.errors import InvalidRequest, KeySealed, Unavailable, UnknownClient
from storage.audio_store import S3AudioStore
from storage.clients import CHANNEL, HELD_SECONDS
from tests.fakes.buckets import client_on, store_on
from tests.fakes.clients import Opened, opened_clients
from tests.fakes.polling import until
from tests.fakes.services import S3Server, free_port, redis_server

pytestmark = pytest.mark.contract

KEY = "xai-key-that-must-not-show"
OLD, NEW = b"o" * 32, b"n" * 32
SHOP = Client(
    id="shop",
    name="Ćafé",
    system_prompt="Be brief.\nAlways.",
    voice="eve",
    format="mp3",
    audio="url",
    pronunciations=(("Acme", "Ack-me"),),
    allowed_origins=("https://shop.example",),
    monthly_character_budget=0,
    requests_per_minute=5,
    cache="private",
    data_wait_seconds=0.5,
)
Process = Callable[..., AbstractAsyncContextManager[Opened]]


@pytest.fixture
def process(server: S3Server, redis_url: str, bucket: str, s3_store: S3AudioStore) -> Process:
    """Opens the clients as one more process does."""

    @asynccontextmanager
    async def opened(*keys: bytes) -> AsyncIterator[Opened]:
        async with opened_clients(server, bucket=bucket, redis_url=redis_url, keys=keys or (OLD,)) as one:
            yield one

    return opened


def bodies(server: S3Server, bucket: str) -> dict[str, bytes]:
    s3 = client_on(server)
    listed = s3.list_objects_v2(Bucket=bucket, Prefix="clients/").get("Contents", [])
    return {entry["Key"]: s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read() for entry in listed}


async def test_what_is_put_is_there_and_the_key_is_sealed(server: S3Server, bucket: str, process: Process) -> None:
    async with process() as one, process() as two:
        await one.clients.put(SHOP, key=KEY)
        for clients in (one.clients, two.clients):
            found = await clients.get("shop")
            assert found == replace(SHOP, has_key=True)
            assert await clients.key("shop") == KEY
            assert await clients.all() == [found]
            assert await clients.origins() == {"https://shop.example"}
            assert KEY not in repr(found)
        assert await one.clients.get("nobody") is None
        assert await one.clients.key("nobody") is None
    ((key, body),) = bodies(server, bucket).items()
    assert key.startswith("clients/shop/")
    assert KEY.encode() not in body


async def test_a_change_elsewhere_is_seen_at_once(server: S3Server, bucket: str, process: Process) -> None:
    async with process() as one, process() as two:
        await one.clients.put(SHOP, key=KEY)
        assert await two.clients.get("shop")
        assert await two.clients.origins()

        async def knows(name: str | None) -> bool:
            return await two.name_of("shop") == name

        for name in ("second", "third"):
            await one.clients.put(Client(id="shop", name=name), key=None)
            await until(lambda name=name: knows(name))  # type: ignore[misc]
            assert [client.name for client in await two.clients.all()] == [name]
            assert await two.clients.origins() == frozenset()
        # The key stays unless another comes; an empty one removes it.
        assert await two.clients.key("shop") == KEY
        assert len(bodies(server, bucket)) == 1
        await one.clients.put(SHOP, key="")
        await until(lambda: knows(SHOP.name))
        assert await two.clients.key("shop") is None
        assert await one.clients.delete("shop")
        await until(lambda: knows(None))
        assert await two.clients.all() == []
        assert not await one.clients.delete("shop")
        assert bodies(server, bucket) == {}


async def test_nothing_is_read_twice_in_a_minute(process: Process) -> None:
    async with process() as one:
        await one.clients.put(SHOP, key=KEY)
    async with process() as two:
        asked = two.asked()
        await asyncio.gather(*(two.clients.get(id) for id in ("shop", "nobody") for _ in range(50)))
        await two.clients.key("shop")
        assert two.asked() - asked == 3
        two.now += HELD_SECONDS - 1
        await two.clients.get("shop")
        await two.clients.get("nobody")
        assert two.asked() - asked == 3
        # After it a look at the list is enough: what has a name never changes.
        two.now += 1
        await two.clients.get("shop")
        assert two.asked() - asked == 4


async def test_a_lost_channel_drops_what_is_held(rclone_s3: S3Server, bucket: str) -> None:
    store = store_on(rclone_s3, bucket=bucket)
    await store.ensure()
    await store.close()
    with redis_server() as redis:
        here: dict[str, Any] = {"bucket": bucket, "redis_url": redis.url, "keys": (OLD,)}
        async with opened_clients(rclone_s3, **here) as one, opened_clients(rclone_s3, **here) as two:
            await one.clients.put(SHOP, key=KEY)
            assert await two.name_of("shop") == SHOP.name
            redis.kill()
            await until(lambda: _is(not two.clients.hears))
            # Stored all the same; nobody can be told.
            assert await two.name_of("shop") == SHOP.name
            await one.clients.put(Client(id="shop", name="unheard"), key=None)
            assert await two.name_of("shop") == SHOP.name
            redis.start()
            await until(two.listens)
            assert await two.name_of("shop") == "unheard"


async def _is(holds: bool) -> bool:
    return holds


async def test_the_secret_is_replaced_step_by_step(server: S3Server, bucket: str, process: Process) -> None:
    async with process(OLD) as before:
        await before.clients.put(SHOP, key=KEY)
    async with process(NEW, OLD) as between:
        assert await between.clients.key("shop") == KEY
        await between.clients.put(SHOP, key=None)
    async with process(NEW) as after:
        assert await after.clients.key("shop") == KEY
    async with process(OLD) as lost:
        with pytest.raises(KeySealed):
            await lost.clients.key("shop")
        assert await lost.clients.get("shop") == replace(SHOP, has_key=True)
        with pytest.raises(KeySealed):
            await lost.clients.put(SHOP, key=None)
        await lost.clients.put(SHOP, key="another")
        assert await lost.clients.key("shop") == "another"


async def test_a_sealed_key_opens_nothing_under_another_name(server: S3Server, bucket: str, process: Process) -> None:
    async with process() as one:
        await one.clients.put(SHOP, key=KEY)
        await one.clients.put(Client(id="thief"), key="own")
        found = bodies(server, bucket)
        (stolen,) = [json.loads(body)["sealed_key"] for key, body in found.items() if "/shop/" in key]
        (place,) = [key for key in found if "/thief/" in key]
        body = json.dumps({**json.loads(found[place]), "sealed_key": stolen})
        client_on(server).put_object(Bucket=bucket, Key="clients/thief/9000000000000-x.json", Body=body.encode())
        one.now += HELD_SECONDS
        with pytest.raises(KeySealed):
            await one.clients.key("thief")
        # What a later clock wrote is still older than what is put now.
        await one.clients.put(Client(id="thief", name="caught"), key="own")
        assert await one.name_of("thief") == "caught"


@pytest.mark.parametrize("id", ["", ".", "..", "a/b", "../cards", "a b", "ä", "x" * 65, "a\n"])
async def test_what_is_no_id_reaches_nothing(process: Process, id: str) -> None:
    async with process() as one:
        asked = one.asked()
        for call in (one.clients.get, one.clients.key, one.clients.delete):
            with pytest.raises(InvalidRequest):
                await call(id)
        with pytest.raises(InvalidRequest):
            await one.clients.put(Client(id=id), key=None)
        assert one.asked() == asked


async def test_an_outage_is_no_unknown_client(redis_url: str) -> None:
    dead = S3Server([], free_port(), lambda port: True)
    async with opened_clients(dead, bucket="testing-dead", redis_url=redis_url, keys=(OLD,)) as one:
        for look in (one.clients.get("shop"), one.clients.key("shop"), one.clients.all(), one.clients.origins()):
            with pytest.raises(Unavailable):
                await look
        with pytest.raises(Unavailable):
            await one.clients.put(SHOP, key=None)


async def test_redis_hears_ids_and_nothing_else(process: Process) -> None:
    async with process() as one, one.redis.pubsub() as everything:
        await everything.psubscribe("*")
        await everything.get_message(timeout=5)
        await one.clients.put(SHOP, key=KEY)
        message = await everything.get_message(timeout=5)
        assert message is not None
        assert (message["channel"], message["data"]) == (CHANNEL.encode(), b"shop")
        assert await one.redis.keys("*") == []


async def test_a_webhooks_secrets_are_made_kept_and_replaced(server: S3Server, bucket: str, process: Process) -> None:
    url = "https://shop.example/hook"
    async with process() as one:
        assert await one.clients.put(SHOP, key=KEY) is None
        assert await one.clients.webhook_secrets("shop") == ()
        hooked = replace(SHOP, webhook_url=url)
        first = await one.clients.put(hooked, key=None)
        assert first is not None
        assert await one.clients.put(replace(hooked, name="Second"), key=None) is None
        second = await one.clients.rotate_webhook_secret("shop")
        await one.clients.disable_webhook("shop", url="https://shop.example/another")
        assert await one.clients.get("shop") == replace(hooked, name="Second", has_key=True, has_webhook_secret=True)
        await one.clients.disable_webhook("shop", url=url)
    assert not [body for body in bodies(server, bucket).values() if first.encode() in body or second.encode() in body]
    async with process(NEW, OLD) as two:
        assert await two.clients.webhook_secrets("shop") == (second, first)
        stored = await two.clients.get("shop")
        assert stored is not None
        assert stored.webhook_disabled
        # Put again they are under the new seal, as the key is.
        await two.clients.put(replace(stored, webhook_disabled=False), key=None)
        with pytest.raises(UnknownClient):
            await two.clients.rotate_webhook_secret("nobody")
    async with process(NEW) as three:
        assert await three.clients.webhook_secrets("shop") == (second, first)
        assert await three.clients.key("shop") == KEY
