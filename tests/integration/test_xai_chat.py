"""Chat completions against the simulator: patience, keys, and what must not be passed on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest

from simulator.stats import text_hash
from speech.chat_meter import Meter
from speech.chat_ports import Prompt, Turn
from speech.errors import ChatError, ChatKeyRejected, ChatRefused, ChatTimeout
from tests.fakes.simulator import RunningSimulator
from xai.chat import ChatCompletions

pytestmark = pytest.mark.integration


@asynccontextmanager
async def completions(url: str, *, patience: float = 5) -> AsyncIterator[ChatCompletions]:
    opened = ChatCompletions({"xai": url}, timeout=patience, silence=patience)
    try:
        yield opened
    finally:
        await opened.aclose()


def prompt(message: str) -> Prompt:
    turns = (Turn(message="Before", reply="Yes"),)
    return Prompt(model="grok-3-fast", system="Be kind.", turns=turns, message=message)


async def streamed(chat: ChatCompletions, message: str, *, key: str = "a-key", meter: Meter | None = None) -> str:
    async with aclosing(chat.stream(prompt(message), provider="xai", key=key, meter=meter or Meter())) as words:
        return "".join([piece async for piece in words])


async def test_whole_and_streamed_say_the_same(simulator: RunningSimulator) -> None:
    async with completions(simulator.rest_url) as chat:
        whole = await chat.whole(prompt("Hello"), provider="xai", key="a-key", meter=Meter())
        assert await streamed(chat, "Hello") == whole
    for asked in simulator.simulator.upstream.chats.to_json():
        assert [message["role"] for message in asked["messages"]] == ["system", "user", "assistant", "user"]


async def test_the_meter_tells_what_was_bought(simulator: RunningSimulator) -> None:
    whole, stream, cut, refused, left = (Meter() for _ in range(5))
    async with completions(simulator.rest_url) as chat:
        await chat.whole(prompt("Hello"), provider="xai", key="a-key", meter=whole)
        assert await streamed(chat, "Hello", meter=stream)
        simulator.plan("chat_cut", times=1)
        with pytest.raises(ChatError):
            await streamed(chat, "Hello", meter=cut)
        with pytest.raises(ChatKeyRejected):
            await streamed(chat, "Hello", key="bad-key", meter=refused)
        async with aclosing(chat.stream(prompt("Hello"), provider="xai", key="a-key", meter=left)) as words:
            await anext(words)
    assert whole.tokens == stream.tokens
    assert min(whole.tokens) > 0
    # Half of it was said, and is paid.
    assert 0 < cut.tokens[1] < whole.tokens[1]
    assert min(left.tokens) > 0
    assert refused.tokens == (0, 0)


async def test_each_key_is_used_for_its_own_requests(simulator: RunningSimulator) -> None:
    async with completions(simulator.rest_url) as chat:
        for key in ("one", "two", "one"):
            await chat.whole(prompt("Hello"), provider="xai", key=key, meter=Meter())
        keys = [asked["key"] for asked in simulator.simulator.upstream.chats.to_json()]
    assert keys == [text_hash("one"), text_hash("two"), text_hash("one")]


async def test_nothing_is_waited_for_too_long(simulator: RunningSimulator) -> None:
    simulator.plan("chat_slow", times=2)
    async with completions(simulator.rest_url, patience=0.2) as chat:
        with pytest.raises(ChatTimeout):
            await chat.whole(prompt("Hello"), provider="xai", key="a-key", meter=Meter())
        with pytest.raises(ChatTimeout):
            await streamed(chat, "Hello")
        simulator.plan("chat_stall", times=1)
        with pytest.raises(ChatTimeout):
            await streamed(chat, "Hello")
    assert simulator.stats.chats == 3


async def test_nobody_there_is_an_error_of_ours() -> None:
    async with completions("http://127.0.0.1:1/v1") as chat:
        with pytest.raises(ChatError):
            await chat.whole(prompt("Hello"), provider="xai", key="a-key", meter=Meter())
        with pytest.raises(ChatError):
            await streamed(chat, "Hello")


async def test_what_cannot_be_sent_is_not(simulator: RunningSimulator) -> None:
    async with completions(simulator.rest_url) as chat:
        with pytest.raises(ChatKeyRejected):
            await chat.whole(prompt("Hello"), provider="xai", key="bad\r\nkey", meter=Meter())
        with pytest.raises(ChatRefused):
            await chat.whole(prompt("Hello"), provider="nobody", key="a-key", meter=Meter())
    assert simulator.stats.chats == 0
