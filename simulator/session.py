"""One connection: what the client's events do, until either side ends it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.websockets import WebSocketDisconnect

from simulator.conversation import Conversation, Item
from simulator.events import Scribe
from simulator.faults import Act, Fault
from simulator.input_buffer import InputBuffer
from simulator.lifecycle import Lifecycle, RealtimeLifecycle, UserTextLifecycle
from simulator.limits import Limits
from simulator.options import FORCE_MESSAGE, INSTRUCTED, USER_TEXT
from simulator.profile import BadEvent, Profile
from simulator.script import Script, by_instructions, verbatim
from simulator.speaker import Speaker
from simulator.upstream import Upstream
from simulator.wire import HangUp, Wire

_ClientEvent = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Admission:
    """What the handshake settled: the connection's number, its model, and its fault if it has one."""

    number: int
    model: str
    fault: Fault | None


class Session:
    """Serves one connection; `run` returns when it is over."""

    def __init__(self, wire: Wire, *, upstream: Upstream, admission: Admission) -> None:
        self._wire, self._upstream, self._model = wire, upstream, admission.model
        fault = admission.fault
        self._confirms = not (fault and fault.act is Act.NO_UPDATED)
        self._refuses = str(fault.detail) if fault and fault.act is Act.REFUSE_SETTINGS else None
        self._scribe = Scribe(quirks=upstream.options.quirks, dice=upstream.dice(admission.number))
        self._limits = Limits(wire, scribe=self._scribe, options=upstream.options)
        self._speaker = Speaker(
            wire,
            scribe=self._scribe,
            upstream=upstream,
            number=admission.number,
            fault=fault if fault and not fault.strikes_connection else None,
        )
        self._conversation = Conversation(self._scribe.new_id)
        self._input = InputBuffer()
        self._profile = Profile()
        self._tasks = asyncio.TaskGroup()
        self._handlers: dict[str, Callable[[_ClientEvent], Awaitable[None]]] = {
            "session.update": self._update,
            "conversation.item.create": self._create_item,
            "conversation.item.delete": self._delete_item,
            "conversation.item.truncate": self._truncate_item,
            "response.create": self._create_response,
            "response.cancel": self._cancel_response,
            "input_audio_buffer.append": self._append_audio,
            "input_audio_buffer.commit": self._commit_audio,
            "input_audio_buffer.clear": self._clear_audio,
            "user.text": self._user_text,
        }

    async def run(self) -> None:
        """Greets, answers and speaks; ends as the client, a limit or a fault wants it."""
        code: int | None = None
        try:
            async with self._tasks:
                await self._wire.send(*self._scribe.greeting(self._profile, model=self._model))
                self._tasks.create_task(_hang_up_after(self._upstream.closing))
                self._limits.start(self._tasks, is_busy=lambda: self._speaker.is_speaking)
                while True:
                    await self._answer(await self._wire.receive())
        except* HangUp as raised:
            code = _close_code(raised)
        except* WebSocketDisconnect:
            pass
        if code is not None:
            await self._wire.close(code)

    async def _answer(self, message: str | bytes) -> None:
        self._limits.touch()
        event_id = None
        try:
            if isinstance(message, bytes):
                self._input.append(message)
                return
            event = _parsed(message)
            event_id = event.get("event_id")
            await self._handler(event.get("type"))(event)
        except BadEvent as problem:
            await self._wire.send(self._scribe.refusal(problem, client_event_id=event_id))

    def _handler(self, kind: object) -> Callable[[_ClientEvent], Awaitable[None]]:
        is_known = isinstance(kind, str) and kind in self._handlers
        if not is_known or (kind == "user.text" and USER_TEXT not in self._upstream.options.speak_modes):
            raise BadEvent("Unknown event type", code="unknown_event_type", param="type", kind="invalid_event")
        return self._handlers[str(kind)]

    async def _update(self, event: _ClientEvent) -> None:
        session = event.get("session")
        if not isinstance(session, dict):
            raise BadEvent("session must be an object", param="session")
        if self._refuses:
            raise BadEvent("This session is not possible", code=self._refuses, param="session.voice")
        profile = self._profile.updated(session)
        if self._speaker.is_speaking and profile.output != self._profile.output:
            raise BadEvent("Multiple frame rates in the concatenated frames", code="invalid_audio")
        self._profile = profile
        if self._confirms:
            await self._wire.send(self._scribe.updated(profile, model=self._model), *self._scribe.stray())

    async def _create_item(self, event: _ClientEvent) -> None:
        item = self._conversation.read(event.get("item"), options=self._upstream.options)
        if item.kind != "force_message":
            await self._add(item)
            return
        self._speaker.check_silent()
        await self._add(item)
        self._speak(verbatim(item.text), mode=FORCE_MESSAGE, lifecycle=self._lifecycle(item.id))

    async def _create_response(self, event: _ClientEvent) -> None:
        asked = event.get("response") or {}
        if not isinstance(asked, dict):
            raise BadEvent("response must be an object", param="response")
        self._speaker.check_silent()
        instructions = asked.get("instructions")
        script = by_instructions(
            instructions if isinstance(instructions, str) else self._profile.instructions,
            message=self._conversation.last_message,
        )
        answer = self._conversation.new(role="assistant", part={"type": "output_audio", "transcript": script.said})
        lifecycle = self._lifecycle(answer.id, metadata=asked.get("metadata"))
        self._speak(script, mode=INSTRUCTED, lifecycle=lifecycle)

    async def _user_text(self, event: _ClientEvent) -> None:
        text = event.get("text")
        if not isinstance(text, str) or not text.strip():
            raise BadEvent("user.text needs text", code="missing_text", param="text")
        self._speaker.check_silent()
        self._conversation.new(role="user", part={"type": "input_text", "text": text})
        self._upstream.stats.items += 1
        self._speak(verbatim(text), mode=USER_TEXT, lifecycle=UserTextLifecycle(self._scribe))

    async def _cancel_response(self, event: _ClientEvent) -> None:
        await self._speaker.cancel(event.get("response_id"))

    async def _delete_item(self, event: _ClientEvent) -> None:
        self._conversation.delete(event.get("item_id"))
        await self._wire.send(self._scribe.event("conversation.item.deleted", item_id=event["item_id"]))

    async def _truncate_item(self, event: _ClientEvent) -> None:
        fields = {name: event.get(name) for name in ("item_id", "content_index", "audio_end_ms")}
        await self._wire.send(self._scribe.event("conversation.item.truncated", **fields))

    async def _append_audio(self, event: _ClientEvent) -> None:
        self._input.append_base64(event.get("audio"))

    async def _commit_audio(self, event: _ClientEvent) -> None:
        self._input.commit()
        previous = self._conversation.last_id
        item = self._conversation.new(role="user", part={"type": "input_audio", "transcript": None})
        ids = {"previous_item_id": previous, "item_id": item.id}
        await self._wire.send(self._scribe.event("input_audio_buffer.committed", **ids))
        await self._announce(item, previous=previous)

    async def _clear_audio(self, event: _ClientEvent) -> None:
        self._input.clear()
        await self._wire.send(self._scribe.event("input_audio_buffer.cleared"))

    async def _add(self, item: Item) -> None:
        previous = self._conversation.last_id
        self._conversation.add(item)
        await self._announce(item, previous=previous)

    async def _announce(self, item: Item, *, previous: str | None) -> None:
        self._upstream.stats.items += 1
        await self._wire.send(*self._scribe.item_added(item.to_json(), previous=previous))

    def _lifecycle(self, item_id: str, *, metadata: Any = None) -> RealtimeLifecycle:
        is_binary = self._profile.output.transport == "binary"
        return RealtimeLifecycle(self._scribe, item_id=item_id, metadata=metadata, is_binary=is_binary)

    def _speak(self, script: Script, *, mode: str, lifecycle: Lifecycle) -> None:
        self._speaker.begin(script, mode=mode, lifecycle=lifecycle, profile=self._profile, tasks=self._tasks)


def _parsed(message: str) -> _ClientEvent:
    try:
        event = orjson.loads(message)
    except orjson.JSONDecodeError:
        raise BadEvent("The event is not JSON", code="invalid_json", kind="invalid_event") from None
    if not isinstance(event, dict):
        raise BadEvent("The event is not an object", code="invalid_json", kind="invalid_event")
    return event


async def _hang_up_after(closing: asyncio.Event) -> None:
    await closing.wait()
    raise HangUp(1001)


def _close_code(group: BaseExceptionGroup[HangUp]) -> int | None:
    found = group.exceptions[0]
    return found.code if isinstance(found, HangUp) else _close_code(found)
