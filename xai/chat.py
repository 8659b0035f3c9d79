"""Chat completions through the `openai` client, one client for each key, and what its errors mean to us."""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import logging
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from speech.addresses import is_loopback
from speech.chat_meter import Meter
from speech.chat_ports import Prompt
from speech.client import XAI
from speech.errors import ChatBusy, ChatError, ChatKeyRejected, ChatRefused, ChatTimeout
from xai.http_failures import is_about_key, retry_after_seconds

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncOpenAI
    from openai.types import CompletionUsage
    from openai.types.chat import ChatCompletionMessageParam

Chunk = TypeVar("Chunk")

logger = logging.getLogger(__name__)

_CONNECT_SECONDS = 5.0
_CLIENTS_HELD = 256


@dataclass(slots=True, repr=False)
class _Held:
    client: AsyncOpenAI
    users: int = 0


class ChatCompletions:
    """Implements speech.chat_ports.Completions; `providers` are the base URLs by name. Close it with `aclose`.

    It makes one attempt: somebody waits, the client would wait as long as a 429 asks, and a reply that came too late
    may have been paid for. The library is loaded by the first call, in a thread: it takes half a second and 20 MB.
    """

    def __init__(self, providers: Mapping[str, str], *, timeout: float = 60.0, silence: float = 20.0) -> None:
        self._providers = providers
        self._timeout = timeout
        self._silence = min(silence, timeout)
        self._held: OrderedDict[str, _Held] = OrderedDict()

    async def whole(self, prompt: Prompt, *, provider: str, key: str, meter: Meter) -> str:
        """The reply, never empty."""
        async with self._client(provider, key) as client, _translated(meter), asyncio.timeout(self._timeout):
            meter.asked(prompt.characters)
            done = await client.chat.completions.create(model=prompt.model, messages=_messages(prompt))
            _read(meter, done.usage)
        return _not_empty((done.choices[0].message.content if done.choices else "") or "")

    async def stream(self, prompt: Prompt, *, provider: str, key: str, meter: Meter) -> AsyncGenerator[str]:
        """The reply's words as they come; raises a ChatError when it breaks off."""
        said, is_complete = "", False
        async with self._client(provider, key) as client, _translated(meter):
            from openai import omit

            async with asyncio.timeout(self._timeout):
                meter.asked(prompt.characters)
                stream = await client.chat.completions.create(
                    model=prompt.model,
                    messages=_messages(prompt),
                    stream=True,
                    # Servers with OpenAI's API need not know it; xAI's does.
                    stream_options={"include_usage": True} if provider == XAI else omit,
                )
            async with stream, aclosing(_patient(stream, self._silence)) as chunks:
                async for chunk in chunks:
                    _read(meter, chunk.usage)
                    for choice in chunk.choices:
                        is_complete = is_complete or choice.finish_reason is not None
                        if choice.delta.content:
                            said += choice.delta.content
                            meter.said(choice.delta.content)
                            yield choice.delta.content
        if not is_complete:
            raise ChatError("The chat service broke the reply off")
        _not_empty(said)

    async def aclose(self) -> None:
        """Closes all connections."""
        held = [one.client for one in self._held.values()]
        self._held.clear()
        for client in held:
            await client.close()

    @asynccontextmanager
    async def _client(self, provider: str, key: str) -> AsyncIterator[AsyncOpenAI]:
        url = self._providers.get(provider)
        if url is None:
            raise ChatRefused("The client's provider is not known here; CHAT_PROVIDERS names those that are")
        if not key.isascii() or not key.isprintable() or " " in key:
            raise ChatKeyRejected("The API key holds characters that no key has")
        name = hashlib.sha256(f"{url}\n{key}".encode()).hexdigest()
        held = self._held.get(name)
        if held is None:
            await asyncio.to_thread(importlib.import_module, "openai.resources.chat.completions")
            held = self._held.setdefault(name, _Held(self._open(url, key)))
        self._held.move_to_end(name)
        held.users += 1
        try:
            yield held.client
        finally:
            held.users -= 1
            await self._thin_out()

    def _open(self, url: str, key: str) -> AsyncOpenAI:
        from httpx2 import Timeout
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient

        timeout = Timeout(self._timeout, connect=_CONNECT_SECONDS)
        # A proxy of the environment knows nothing of what listens on this machine.
        http = DefaultAsyncHttpxClient(timeout=timeout, trust_env=not is_loopback(urlsplit(url).hostname))
        return AsyncOpenAI(api_key=key, base_url=url, timeout=timeout, max_retries=0, http_client=http)

    async def _thin_out(self) -> None:
        idle = [name for name, held in self._held.items() if not held.users]
        for name in idle[: max(0, len(self._held) - _CLIENTS_HELD)]:
            await self._held.pop(name).client.close()


def _messages(prompt: Prompt) -> list[ChatCompletionMessageParam]:
    messages: list[ChatCompletionMessageParam] = []
    if prompt.system:
        messages.append({"role": "system", "content": prompt.system})
    for turn in prompt.turns:
        messages.append({"role": "user", "content": turn.message})
        messages.append({"role": "assistant", "content": turn.reply})
    return [*messages, {"role": "user", "content": prompt.message}]


async def _patient(stream: AsyncIterator[Chunk], seconds: float) -> AsyncGenerator[Chunk]:
    """What comes, for as long as something does."""
    while True:
        try:
            async with asyncio.timeout(seconds):
                chunk = await anext(stream)
        except StopAsyncIteration:
            return
        yield chunk


def _not_empty(reply: str) -> str:
    if not reply.strip():
        raise ChatError("The chat service answered without words")
    return reply


def _read(meter: Meter, usage: CompletionUsage | None) -> None:
    # What a server sends there is nobody's promise: some tell nothing but the sum.
    if usage is not None and isinstance(usage.prompt_tokens, int) and isinstance(usage.completion_tokens, int):
        meter.told(asked=max(0, usage.prompt_tokens), said=max(0, usage.completion_tokens))


@asynccontextmanager
async def _translated(meter: Meter) -> AsyncIterator[None]:
    """What the client raises, as ours; upstream's own words may repeat the message or the key, and go nowhere."""
    import httpx2
    import openai

    try:
        yield
    except (openai.APITimeoutError, TimeoutError, httpx2.TimeoutException):
        raise ChatTimeout from None
    except openai.APIStatusError as error:
        meter.refused()
        raise _status_failure(error) from None
    except (openai.OpenAIError, httpx2.HTTPError, httpx2.StreamError, ValueError) as error:
        raise ChatError(f"The connection to the chat service failed ({type(error).__name__})") from None


def _status_failure(error: APIStatusError) -> ChatError:
    status = error.status_code
    logger.warning("the chat service answered with HTTP %d", status)
    if status in (401, 402, 403) or (status == 400 and is_about_key(error.response.content)):
        return ChatKeyRejected()
    if status == 429:
        return ChatBusy(retry_after=retry_after_seconds(error.response.headers.get("Retry-After"), now=time.time()))
    if status in (408, 504):
        return ChatTimeout()
    return ChatRefused() if status < 500 else ChatError(f"The chat service answered with HTTP {status}")
