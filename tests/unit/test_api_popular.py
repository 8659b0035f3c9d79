"""Small objects held in memory: within their bytes, read once for many, forgotten when told."""

from __future__ import annotations

import asyncio
import base64
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from api.popular import HELD_SECONDS, Popular
from speech.card import Card
from speech.errors import UnknownJob

pytestmark = pytest.mark.unit

CARD = Card(
    name="ara-1.mp3",
    key="a",
    sha256="",
    size=10,
    content_type="audio/mpeg",
    samples=1,
    duration_ms=1,
    characters=1,
    utterances=1,
    attempts=1,
    created_at=0.0,
    recipe={},
    speak_modes=(),
    proof={},
    timings={},
)


class Bucket:
    """Counts what is read; every object repeats its key."""

    def __init__(self) -> None:
        self.reads: Counter[str] = Counter()

    async def read(self, key: str, *, start: int = 0, end: int | None = None) -> bytes:
        self.reads[key] += 1
        await asyncio.sleep(0)
        if key == "gone":
            raise UnknownJob
        return (key * 10).encode()[start:end]


def opened(now: list[float] | None = None, **limits: int) -> tuple[Bucket, Popular]:
    bucket: Any = Bucket()
    return bucket, Popular(bucket, clock=lambda: now[0] if now else 0.0, **limits)


def card(key: str, *, size: int = 10) -> Card:
    return replace(CARD, key=key, size=size)


async def test_many_at_once_are_one_read() -> None:
    bucket, popular = opened()
    contents = await asyncio.gather(*(popular.content(card("a")) for _ in range(5)))
    assert set(contents) == {b"a" * 10}
    assert bucket.reads == {"a": 1}


async def test_what_is_asked_for_again_is_held_for_a_minute() -> None:
    bucket, popular = opened(now := [0.0])
    for _ in range(4):
        assert await popular.content(card("a")) == b"a" * 10
    assert bucket.reads == {"a": 2}
    now[0] = HELD_SECONDS
    await popular.content(card("a"))
    assert bucket.reads == {"a": 3}


async def test_what_was_asked_for_longest_ago_goes_first() -> None:
    bucket, popular = opened(limit=25)
    for key in ("a", "b", "c", "a", "b", "a", "c", "a", "b"):
        await popular.content(card(key))
    assert bucket.reads == {"a": 2, "b": 3, "c": 2}


async def test_large_ones_are_not_held() -> None:
    bucket, popular = opened(largest=9)
    for _ in range(3):
        assert await popular.content(card("a")) == b"a" * 10
        await popular.data_url(card("a"))
    assert bucket.reads == {"a": 6}
    assert popular.held_data_url(card("a")) is None


async def test_a_data_url_is_held_likewise() -> None:
    _, popular = opened(now := [0.0])
    wanted = f"data:audio/mpeg;base64,{base64.b64encode(b'a' * 10).decode()}"
    assert await popular.data_url(card("a")) == wanted
    assert popular.held_data_url(card("a")) is None
    assert await popular.data_url(card("a")) == wanted
    assert popular.held_data_url(card("a")) == wanted
    now[0] = HELD_SECONDS
    assert popular.held_data_url(card("a")) is None


async def test_what_is_gone_is_not_held_and_can_be_forgotten() -> None:
    bucket, popular = opened()
    for _ in range(3):
        with pytest.raises(UnknownJob):
            await popular.content(card("gone"))
        await popular.data_url(card("a"))
    popular.forget("a")
    assert popular.held_data_url(card("a")) is None
    await popular.content(card("a"))
    assert bucket.reads == {"gone": 3, "a": 3}
