"""The chat: a message is answered by the client's model, remembered, and spoken."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from typing import Any

from api.chat_schemas import ChatRequest
from api.services import Services
from api.voicing import CLAIM_SECONDS, Voiced, Voicing, silent
from settings import Settings
from speech.chat_meter import Meter
from speech.chat_ports import Prompt, Turn
from speech.client import XAI, Client, check_client_id
from speech.errors import ChatKeyMissing, Unavailable, UnknownClient
from speech.sentences import Sentences
from speech.voices import resolve_voice
from storage.cancelling import cancel
from storage.paying import Payer

log = logging.getLogger(__name__)

Event = tuple[str, dict[str, Any]]

_IN_SENTENCES = silent("in_sentences", "The reply was spoken sentence by sentence")
_TOO_LATE = silent("timeout", "The audio could not be asked for in time")


def own_client(settings: Settings) -> Client:
    """Who asks without a client's id: the service's own settings."""
    return Client(id="", ai_model=settings.chat.model, system_prompt=settings.relay.instructions)


async def find_client(services: Services, id: str | None) -> Client:
    """The client whose settings decide. Raises UnknownClient, InvalidRequest or Unavailable."""
    if id is None:
        return own_client(services.settings)
    client = await services.clients.get(check_client_id(id))
    if client is None:
        raise UnknownClient
    return client


@dataclass(frozen=True, kw_only=True)
class Chat:
    """One message of a conversation, on its way."""

    services: Services
    client: Client
    prompt: Prompt
    key: str
    conversation_id: str
    owner: str
    payer: Payer
    voicing: Voicing

    @classmethod
    async def begin(
        cls, services: Services, wanted: ChatRequest, *, client: Client, caller: str, audio_url: Callable[[str], str]
    ) -> Chat:
        """Gathers what the answer needs.

        Raises InvalidRequest, ChatKeyMissing or Unavailable; TooManyRequests or SpendLimit for what it may not have.
        """
        voice = resolve_voice(wanted.voice or client.voice or services.settings.server.voice)
        id, turns = wanted.conversation_id, tuple[Turn, ...]()
        if id is not None:
            turns = await services.conversations.turns(id, owner=caller)
        prompt = Prompt(model=client.ai_model, system=client.system_prompt, turns=turns, message=wanted.message)
        key = await _key(services, client)
        payer = await services.paying.admit_chat(client, characters=prompt.characters)
        return cls(
            services=services,
            client=client,
            prompt=prompt,
            key=key,
            conversation_id=id if id is not None and turns else services.conversations.begin(),
            owner=caller,
            payer=payer,
            voicing=Voicing(
                services=services,
                client=client,
                voice=voice,
                mode=wanted.audio or client.audio,
                caller=caller,
                payer=payer,
                audio_url=audio_url,
            ),
        )

    async def answer(self) -> dict[str, Any]:
        """The whole reply and its sound; raises a ChatError."""
        provider = self.client.ai_provider
        with self._billed() as meter:
            reply = await self.services.completions.whole(self.prompt, provider=provider, key=self.key, meter=meter)
        _, voiced = await asyncio.gather(self._remember(reply), self.voicing.reply(reply))
        return self._document(reply, voiced)

    async def events(self) -> AsyncGenerator[Event]:
        """The words as they come (`delta`), the sound of each complete sentence (`audio`), and the end (`done`).

        Raises a ChatError when the reply breaks off. The words never wait for the sound.
        """
        told: asyncio.Queue[Event | None] = asyncio.Queue()
        written: asyncio.Queue[str | None] = asyncio.Queue()
        voiced: list[Voiced] = []
        writing = asyncio.create_task(self._write(told, written))
        speaking = asyncio.create_task(self._speak(told, written, voiced))
        try:
            while (event := await told.get()) is not None:
                yield event
            reply = await writing
            await asyncio.wait([speaking], timeout=CLAIM_SECONDS)
            while not told.empty():
                if (event := told.get_nowait()) is not None:
                    yield event
            yield "done", self._document(reply, await self._whole(reply, voiced))
        finally:
            await cancel(writing, speaking)

    async def _write(self, told: asyncio.Queue[Event | None], written: asyncio.Queue[str | None]) -> str:
        """Hands on the words, to be seen and to be spoken; the reply when it is whole and remembered."""
        reply = ""
        is_heard = self.voicing.silence is None
        try:
            async with aclosing(self._words()) as words:
                async for piece in words:
                    reply += piece
                    told.put_nowait(("delta", {"text": piece}))
                    if is_heard:
                        written.put_nowait(piece)
            written.put_nowait(None)
            await self._remember(reply)
            return reply
        finally:
            told.put_nowait(None)

    async def _speak(
        self, told: asyncio.Queue[Event | None], written: asyncio.Queue[str | None], voiced: list[Voiced]
    ) -> None:
        async with aclosing(_sentences(written)) as complete:
            async for sentence in complete:
                # After the first that could not be asked for in time, the others would be late as well.
                is_late = bool(voiced) and voiced[-1].reason == "timeout"
                voiced.append(_TOO_LATE if is_late else await self.voicing.sentence(sentence))
                told.put_nowait(("audio", {"index": len(voiced) - 1, "sentence": sentence, **voiced[-1].document()}))

    async def _whole(self, reply: str, voiced: list[Voiced]) -> Voiced:
        """The sound of the whole reply where it costs nothing: it is one sentence, or there already."""
        if self.voicing.silence:
            return self.voicing.silence
        if len(voiced) == 1:
            return voiced[0]
        if not voiced:
            return await self.voicing.reply(reply)
        return await self.voicing.kept(reply) or _IN_SENTENCES

    async def _words(self) -> AsyncGenerator[str]:
        provider = self.client.ai_provider
        with self._billed() as meter:
            stream = self.services.completions.stream(self.prompt, provider=provider, key=self.key, meter=meter)
            async with aclosing(stream) as words:
                async for piece in words:
                    yield piece

    @contextmanager
    def _billed(self) -> Iterator[Meter]:
        """What the block buys of a completion is paid, also when it ends before its time."""
        meter = Meter()
        try:
            yield meter
        finally:
            self.services.paying.chatted(self.payer, provider=self.client.ai_provider, meter=meter)

    async def _remember(self, reply: str) -> None:
        turn = Turn(message=self.prompt.message, reply=reply)
        try:
            await self.services.conversations.add(self.conversation_id, turn, owner=self.owner)
        except Unavailable:
            log.warning("a turn of a conversation could not be kept")

    def _document(self, reply: str, voiced: Voiced) -> dict[str, Any]:
        return {"reply": reply, "conversation_id": self.conversation_id, **voiced.document()}


async def _sentences(written: asyncio.Queue[str | None]) -> AsyncGenerator[str]:
    """Each as soon as it is complete. What takes long to read is read in a thread."""
    sentences = Sentences()
    while (piece := await written.get()) is not None:
        if sentences.add(piece):
            for sentence in await asyncio.to_thread(sentences.read) if sentences.is_long else sentences.read():
                yield sentence
    for sentence in await asyncio.to_thread(sentences.end) if sentences.is_long else sentences.end():
        yield sentence


async def _key(services: Services, client: Client) -> str:
    """The client's own key, else the global one, which is xAI's alone."""
    own = await services.clients.key(client.id) if client.has_key else None
    if own:
        return own
    if client.ai_provider != XAI or services.settings.xai.api_key is None:
        raise ChatKeyMissing
    return services.settings.xai_key
