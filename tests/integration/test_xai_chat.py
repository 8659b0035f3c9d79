"""Chat completions against the simulator: patience, keys, and what must not be passed on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest

from simulator.stats import text_hash
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


async def streamed(chat: ChatCompletions, message: str, *, key: str = "a-key") -> str:
    async with aclosing(chat.stream(prompt(message), provider="xai", key=key)) as words:
        return "".join([piece async for piece in words])


async def test_whole_and_streamed_say_the_same(simulator: RunningSimulator) -> None:
    async with completions(simulator.rest_url) as chat:
        whole = await chat.whole(prompt("Hello"), provider="xai", key="a-key")
        assert await streamed(chat, "Hello") == whole
    for asked in simulator.simulator.upstream.chats.to_json():
        assert [message["role"] for message in asked["messages"]] == ["system", "user", "assistant", "user"]


async def test_each_key_is_used_for_its_own_requests(simulator: RunningSimulator) -> None:
    async with completions(simulator.rest_url) as chat:
        for key in ("one", "two", "one"):
            await chat.whole(prompt("Hello"), provider="xai", key=key)
        keys = [asked["key"] for asked in simulator.simulator.upstream.chats.to_json()]
    assert keys == [text_hash("one"), text_hash("two"), text_hash("one")]


async def test_nothing_is_waited_for_too_long(simulator: RunningSimulator) -> None:
    simulator.plan("chat_slow", times=2)
    async with completions(simulator.rest_url, patience=0.2) as chat:
        with pytest.raises(ChatTimeout):
            await chat.whole(prompt("Hello"), provider="xai", key="a-key")
        with pytest.raises(ChatTimeout):
            await streamed(chat, "Hello")
        simulator.plan("chat_stall", times=1)
        with pytest.raises(ChatTimeout):
            await streamed(chat, "Hello")
    assert simulator.stats.chats == 3


async def test_nobody_there_is_an_error_of_ours() -> None:
    async with completions("http://127.0.0.1:1/v1") as chat:
        with pytest.raises(ChatError):
            await chat.whole(prompt("Hello"), provider="xai", key="a-key")
        with pytest.raises(ChatError):
            await streamed(chat, "Hello")


async def test_what_cannot_be_sent_is_not(simulator: RunningSimulator) -> None:
    async with completions(simulator.rest_url) as chat:
        with pytest.raises(ChatKeyRejected):
            await chat.whole(prompt("Hello"), provider="xai", key="bad\r\nkey")
        with pytest.raises(ChatRefused):
            await chat.whole(prompt("Hello"), provider="nobody", key="a-key")
    assert simulator.stats.chats == 0
