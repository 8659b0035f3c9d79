"""The index of names on real servers: what it knows, how it is built, and what happens meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from speech.errors import Unavailable
from storage.audio_store import S3AudioStore
from storage.card_index import RedisCardIndex
from storage.card_index_build import IndexBuilder
from storage.job_board import RedisJobBoard
from storage.redis_client import open_redis
from tests.fakes.buckets import client_on
from tests.fakes.jobs import make_card, make_recipe
from tests.fakes.services import S3Server

pytestmark = pytest.mark.contract

CARDS = [make_card(make_recipe(text)) for text in ("One.", "Two.", "Three.")]
ONE, TWO, THREE = (card.name for card in CARDS)
ALL = {ONE, TWO, THREE}


class Listing:
    """A bucket's listing in two pages; somebody may do something between them."""

    def __init__(self, *pages: list[str]) -> None:
        self.pages = pages
        self.reached, self.go_on = asyncio.Event(), asyncio.Event()

    async def names(self) -> AsyncIterator[list[str]]:
        for number, page in enumerate(self.pages):
            if number:
                self.reached.set()
                await self.go_on.wait()
            yield page


async def test_it_knows_nothing_before_it_was_built(redis: Redis, board: RedisJobBoard) -> None:
    index = RedisCardIndex(redis)
    await board.finish(CARDS[0])
    assert await index.known([ONE]) is None
    await IndexBuilder(redis, cards=Listing([TWO])).step()
    assert await index.known([ONE, TWO, THREE]) == {TWO}
    await board.finish(CARDS[2])
    await index.discard([TWO])
    assert await index.known([ONE, TWO, THREE]) == {THREE}
    assert await index.known([]) == set()


async def test_it_is_built_from_the_bucket(redis: Redis, server: S3Server, s3_store: S3AudioStore, bucket: str) -> None:
    for card in CARDS:
        await s3_store.put_card(card)
    s3 = client_on(server)
    # A master's, and what somebody left there.
    for key in (f"cards/{make_recipe().reading_name}.json", "cards/readme.txt", "audio/cards/x.json"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"{}")
    assert [sorted(page) async for page in s3_store.names()] == [sorted(ALL)]
    await IndexBuilder(redis, cards=s3_store).step()
    assert await RedisCardIndex(redis).known(ALL) == ALL


async def test_a_large_bucket_is_read_page_by_page(redis: Redis, moto_s3: S3Server, bucket: str) -> None:
    from tests.fakes.buckets import store_on

    store = store_on(moto_s3, bucket=bucket)
    await store.ensure()
    names = [f"ara-{number:040x}.mp3" for number in range(1001)]
    s3 = client_on(moto_s3)
    for name in names:
        s3.put_object(Bucket=bucket, Key=f"cards/{name}.json", Body=b"{}")
    assert [len(page) async for page in store.names()] == [1000, 1]
    await IndexBuilder(redis, cards=store).step()
    assert await RedisCardIndex(redis).known(names) == set(names)
    await store.close()


async def test_what_happens_while_it_is_built_counts(redis: Redis, board: RedisJobBoard) -> None:
    index, listing = RedisCardIndex(redis), Listing([ONE], [TWO])
    await IndexBuilder(redis, cards=Listing([ONE, TWO])).step()
    builder = IndexBuilder(redis, cards=listing, fresh=timedelta(days=1))
    await redis.delete("recite:names:fresh")
    building = asyncio.create_task(builder.step())
    await listing.reached.wait()
    await board.finish(CARDS[2])
    # The first page had the one, the second was read before the other went.
    await index.discard([ONE, TWO])
    assert await index.known(ALL) == {THREE}
    # Nobody else builds it meanwhile.
    await IndexBuilder(redis, cards=Listing([ONE])).step()
    assert await index.known(ALL) == {THREE}
    listing.go_on.set()
    await building
    assert await index.known(ALL) == {THREE}
    await board.finish(CARDS[1])
    assert await index.known(ALL) == {TWO, THREE}


async def test_it_is_looked_over_when_its_time_has_come(redis: Redis) -> None:
    index = RedisCardIndex(redis)
    await IndexBuilder(redis, cards=Listing([ONE]), fresh=timedelta(days=1)).step()
    assert 86_300_000 < await redis.pttl("recite:names:fresh") <= 86_400_000
    await IndexBuilder(redis, cards=Listing([TWO])).step()
    assert await index.known([ONE, TWO]) == {ONE}
    await redis.delete("recite:names:fresh")
    await IndexBuilder(redis, cards=Listing([TWO])).step()
    assert await index.known([ONE, TWO]) == {TWO}
    # Wiped or evicted: the word that it is whole goes with it, whatever else is left.
    await redis.delete("recite:names")
    assert await index.known([TWO]) is None
    await IndexBuilder(redis, cards=Listing([TWO])).step()
    assert await index.known([TWO]) == {TWO}


async def test_a_builder_that_lost_its_turn_changes_nothing(redis: Redis) -> None:
    index, listing = RedisCardIndex(redis), Listing([ONE], [TWO])
    building = asyncio.create_task(IndexBuilder(redis, cards=listing).step())
    await listing.reached.wait()
    await redis.delete("recite:names:builder")
    await IndexBuilder(redis, cards=Listing([THREE])).step()
    listing.go_on.set()
    await building
    assert await index.known(ALL) == {THREE}


async def test_a_listing_that_breaks_off_leaves_no_half_of_an_index(redis: Redis) -> None:
    async def names() -> AsyncIterator[list[str]]:
        yield [ONE]
        raise Unavailable("bucket")

    broken = Listing()
    broken.names = names  # type: ignore[method-assign]
    with pytest.raises(Unavailable):
        await IndexBuilder(redis, cards=broken).step()
    assert await redis.keys("recite:names*") == []
    await IndexBuilder(redis, cards=Listing([ONE])).step()
    assert await RedisCardIndex(redis).known([ONE]) == {ONE}


async def test_redis_away(redis: Redis) -> None:
    async with open_redis("redis://127.0.0.1:1/0") as nobody:
        index = RedisCardIndex(nobody)
        with pytest.raises(Unavailable):
            await index.known([ONE])
        with pytest.raises(Unavailable):
            await index.discard([ONE])
        with pytest.raises(Unavailable):
            await IndexBuilder(nobody, cards=Listing([ONE])).step()
