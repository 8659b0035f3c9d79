"""Who speaks when: the user's turns as they are heard, and the assistant's answers to them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from simulator.conversation import Conversation, Item
from simulator.events import Scribe
from simulator.hearing import Started, Stopped
from simulator.input_buffer import InputBuffer
from simulator.lifecycle import Lifecycle, RealtimeLifecycle, UserTextLifecycle
from simulator.options import FORCE_MESSAGE, INSTRUCTED, USER_TEXT
from simulator.profile import Profile
from simulator.refusals import BadEvent
from simulator.script import Script, by_instructions, verbatim
from simulator.speaker import Speaker, Speaking
from simulator.upstream import Upstream
from simulator.wire import Wire


class Turns:
    """Keeps one connection's conversation going; `profile` is what the session is set to."""

    def __init__(
        self,
        wire: Wire,
        *,
        scribe: Scribe,
        upstream: Upstream,
        key: str,
        speaker: Speaker,
        conversation: Conversation,
        tasks: asyncio.TaskGroup,
        profile: Profile,
    ) -> None:
        self.profile = profile
        self._wire, self._scribe, self._upstream, self._speaker = wire, scribe, upstream, speaker
        self._conversation, self._tasks, self._key = conversation, tasks, key
        self._input = InputBuffer()
        self._item_id: str | None = None
        self._waiting: asyncio.Task[None] | None = None
        self._echo: Lifecycle | None = None

    def attend(self, profile: Profile) -> None:
        """Takes on other settings; raises BadEvent when they don't fit what is under way."""
        if self._speaker.is_speaking and profile.output != self.profile.output:
            raise BadEvent("Multiple frame rates in the concatenated frames", code="invalid_audio")
        self._input.attend(profile)
        self.profile = profile

    async def hear(self, audio: bytes) -> None:
        """Listens to the next piece of the client's audio, and does what follows from it."""
        self._upstream.stats.hear(size=len(audio), seconds=self._input.seconds(len(audio)))
        if self._upstream.options.echoes:
            self._echo = self._echo or self._lifecycle(self._scribe.new_id("msg"))
            await self._wire.send(*self._echo.audio(audio))
            return
        for event in self._input.append(audio):
            if isinstance(event, Started):
                await self._start(event)
            else:
                await self._stop(event)

    async def commit(self) -> Item:
        """Makes an item of what was heard."""
        account = self._input.account()
        self._input.commit()
        previous = self._conversation.last_id
        content = [{"type": "input_audio", "transcript": None}]
        id, self._item_id = self._item_id or self._scribe.new_id("msg"), None
        item = Item(id=id, kind="message", role="user", text=account, content=content)
        ids = {"previous_item_id": previous, "item_id": id}
        await self._wire.send(self._scribe.event("input_audio_buffer.committed", **ids))
        await self.add(item)
        await self._wire.send(*self._scribe.transcription(id, account))
        return item

    async def clear(self) -> None:
        """Forgets what was heard."""
        self._input.clear()
        self._item_id = None
        await self._wire.send(self._scribe.event("input_audio_buffer.cleared"))

    async def add(self, item: Item) -> None:
        """Puts an item at the end and says so."""
        previous = self._conversation.last_id
        self._conversation.add(item)
        self._count_item()
        await self._wire.send(*self._scribe.item_added(item.to_json(), previous=previous))

    async def force(self, item: Item) -> None:
        """Speaks a force_message as it is."""
        self._speaker.check_silent()
        await self.add(item)
        self._speak(verbatim(item.text), mode=FORCE_MESSAGE, item=item)

    def read(self, text: str) -> None:
        """Speaks a text of the seed's dialect as it is."""
        self._speaker.check_silent()
        self._conversation.add(self._message("user", text))
        self._count_item()
        item = self._message("assistant", text)
        self._speak(verbatim(text), mode=USER_TEXT, item=item, lifecycle=UserTextLifecycle(self._scribe))

    def _count_item(self) -> None:
        self._upstream.stats.items += 1
        self._upstream.bills.of(self._key).items += 1

    def answer(self, *, instructions: str | None = None, metadata: Any = None) -> None:
        """Answers what the user said last, by these instructions or the session's."""
        self._speaker.check_silent()
        asked = self._conversation.last_of_user
        script = by_instructions(
            self.profile.instructions if instructions is None else instructions,
            message=asked.text if asked else None,
            turn=self._conversation.turns,
            is_audio=asked is not None and asked.is_audio,
        )
        item = self._conversation.add(self._message("assistant", script.said))
        self._speak(script, mode=INSTRUCTED, item=item, metadata=metadata)

    async def _start(self, event: Started) -> None:
        self._item_id = self._scribe.new_id("msg")
        self._upstream.stats.speech_starts += 1
        fields = {"audio_start_ms": event.at_ms, "item_id": self._item_id}
        await self._wire.send(self._scribe.event("input_audio_buffer.speech_started", **fields))
        if self._waiting:
            self._waiting.cancel()
        self._upstream.stats.interruptions += await self._speaker.give_way()

    async def _stop(self, event: Stopped) -> None:
        fields = {"audio_end_ms": event.at_ms, "item_id": self._item_id}
        await self._wire.send(self._scribe.event("input_audio_buffer.speech_stopped", **fields))
        await self.commit()
        if self._speaker.is_speaking:
            self._waiting = self._tasks.create_task(self._answer_in_turn())
        else:
            self.answer()

    async def _answer_in_turn(self) -> None:
        while self._speaker.is_speaking:
            await self._speaker.silence()
        self.answer()

    def _speak(
        self,
        script: Script,
        *,
        mode: str,
        item: Item,
        lifecycle: Lifecycle | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        speaking = Speaking(
            script=script,
            mode=mode,
            lifecycle=lifecycle or self._lifecycle(item.id, metadata=metadata),
            profile=self.profile,
            sound=item.sound,
            is_interruptible=item.is_interruptible,
        )
        self._speaker.begin(speaking, tasks=self._tasks)

    def _lifecycle(self, item_id: str, *, metadata: Mapping[str, Any] | None = None) -> Lifecycle:
        is_binary = self.profile.output.transport == "binary"
        return RealtimeLifecycle(self._scribe, item_id=item_id, metadata=metadata, is_binary=is_binary)

    def _message(self, role: str, text: str) -> Item:
        kind = "input_text" if role == "user" else "output_audio"
        content = [{"type": kind, "text": text} if role == "user" else {"type": kind, "transcript": text}]
        return Item(id=self._scribe.new_id("msg"), kind="message", role=role, text=text, content=content)
