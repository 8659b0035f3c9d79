"""The simulator's chat as the openai SDK meets it: whole, streamed, refused, and broken."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import openai
import pytest

from simulator.chat_wit import RICH
from simulator.stats import text_hash
from tests.fakes.simulator import RunningSimulator

pytestmark = pytest.mark.integration

MODEL = "grok-3-fast"


@asynccontextmanager
async def chatting(simulator: RunningSimulator, *, key: str = "a-key") -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=simulator.rest_url, api_key=key, max_retries=0, timeout=5) as client:
        yield client


@pytest.fixture
async def chat(simulator: RunningSimulator) -> AsyncIterator[openai.AsyncOpenAI]:
    async with chatting(simulator) as client:
        yield client


async def written(chat: openai.AsyncOpenAI, text: str, **more: Any) -> AsyncIterator[str]:
    stream = await chat.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": text}], stream=True, **more
    )
    async for chunk in stream:
        for choice in chunk.choices:
            yield choice.delta.content or ""


async def keep(parts: AsyncIterator[str], kept: list[str], *, seconds: float = 5) -> None:
    async with asyncio.timeout(seconds):
        async for part in parts:
            kept.append(part)


async def test_an_answer_comes_whole(simulator: RunningSimulator, chat: openai.AsyncOpenAI) -> None:
    done = await chat.chat.completions.create(
        model=MODEL,
        messages=[{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello there"}],
    )
    choice = done.choices[0]
    assert (choice.message.content or "").startswith("Hello to you, too! I heard you say 2 words.")
    assert (choice.finish_reason, done.model, choice.message.role) == ("stop", MODEL, "assistant")
    assert done.usage is not None
    assert done.usage.total_tokens == done.usage.prompt_tokens + done.usage.completion_tokens > done.usage.prompt_tokens
    assert (simulator.stats.chats, simulator.stats.chats_completed) == (1, 1)
    assert simulator.stats.chat_tokens == done.usage.completion_tokens


async def test_an_answer_is_streamed_and_told_with_its_usage(chat: openai.AsyncOpenAI) -> None:
    stream = await chat.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": "answer in markdown"}],
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = [chunk async for chunk in stream]
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == RICH
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == len(chunks) - 3


async def test_a_stream_ends_by_saying_so(simulator: RunningSimulator) -> None:
    body = {"model": MODEL, "messages": [{"role": "user", "content": "Hi"}], "stream": True}
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.post(
            f"{simulator.rest_url}/chat/completions", json=body, headers={"Authorization": "Bearer a-key"}
        )
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text.endswith("\n\ndata: [DONE]\n\n")
    assert "usage" not in answer.text


async def test_an_answer_may_be_cut_short(chat: openai.AsyncOpenAI) -> None:
    done = await chat.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": "Say exactly: one two three"}], max_tokens=2
    )
    assert (done.choices[0].message.content, done.choices[0].finish_reason) == ("one two", "length")


async def test_what_was_asked_is_shown_without_words_or_keys(simulator: RunningSimulator) -> None:
    async with chatting(simulator, key="secret-key") as chat, httpx.AsyncClient(trust_env=False) as http:
        assert "".join([part async for part in written(chat, "Quiet words")])
        answer = await http.get(f"{simulator.control_url}/chats")
    assert answer.json() == {
        "chats": [
            {
                "model": MODEL,
                "key": text_hash("secret-key"),
                "is_streamed": True,
                "messages": [{"role": "user", "text": text_hash("Quiet words")}],
                "fault": None,
            }
        ]
    }


async def test_models_are_listed_to_a_good_key(simulator: RunningSimulator, chat: openai.AsyncOpenAI) -> None:
    assert MODEL in [model.id async for model in chat.models.list()]
    async with chatting(simulator, key="bad-key") as stranger:
        with pytest.raises(openai.AuthenticationError):
            await stranger.models.list()
        with pytest.raises(openai.AuthenticationError):
            await stranger.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "Hi"}])
    assert (simulator.stats.chats, simulator.stats.chats_refused) == (0, {401: 1})


async def test_tokens_take_their_time(simulator: RunningSimulator, chat: openai.AsyncOpenAI) -> None:
    simulator.change(first_token_ms=100, token_ms=20)
    began = time.monotonic()
    told = [(time.monotonic() - began, part) async for part in written(chat, "Say exactly: a b c d e f") if part]
    assert told[0][0] >= 0.1
    assert told[-1][0] - told[0][0] >= 0.08
    assert len(told) == 6


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("chat_400_key", openai.BadRequestError),
        ("chat_401", openai.AuthenticationError),
        ("chat_403", openai.PermissionDeniedError),
        ("chat_404", openai.NotFoundError),
        ("chat_429", openai.RateLimitError),
        ("chat_500", openai.InternalServerError),
        ("chat_503", openai.InternalServerError),
    ],
)
async def test_a_chat_is_refused_as_planned(
    simulator: RunningSimulator, chat: openai.AsyncOpenAI, fault: str, error: type[openai.APIStatusError]
) -> None:
    simulator.plan(fault, times=1)
    with pytest.raises(error) as refused:
        _ = [part async for part in written(chat, "Hi")]
    assert ("retry-after" in refused.value.response.headers) == (fault == "chat_429")
    assert simulator.stats.faults == {fault: 1}
    assert [part async for part in written(chat, "Hi")]


async def test_an_unknown_model_is_refused(chat: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        await chat.chat.completions.create(model="bad-model", messages=[{"role": "user", "content": "Hi"}])


async def test_a_cut_ends_in_the_middle(simulator: RunningSimulator, chat: openai.AsyncOpenAI) -> None:
    simulator.plan("chat_cut", times=2, text="answer in 9 sentences")
    parts: list[str] = []
    with pytest.raises(openai.APIConnectionError):
        await keep(written(chat, "answer in 9 sentences"), parts)
    assert "number 4" in "".join(parts)
    assert "number 6" not in "".join(parts)
    with pytest.raises(openai.APIConnectionError):
        await chat.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "answer in 9 sentences"}])
    assert simulator.stats.chats_completed == 0


async def test_a_chat_may_answer_nothing(simulator: RunningSimulator, chat: openai.AsyncOpenAI) -> None:
    simulator.plan("chat_empty")
    assert "".join([part async for part in written(chat, "Hi")]) == ""


@pytest.mark.parametrize("fault", ["chat_slow", "chat_stall"])
async def test_a_client_that_waits_no_longer_leaves_nothing_behind(
    simulator: RunningSimulator, chat: openai.AsyncOpenAI, fault: str
) -> None:
    simulator.plan(fault)
    parts: list[str] = []
    with pytest.raises(TimeoutError):
        await keep(written(chat, "Hi"), parts, seconds=0.3)
    assert bool("".join(parts)) == (fault == "chat_stall")
    assert simulator.stats.chats_completed == 0
