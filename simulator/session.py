"""One connection: what the client's events do, until either side ends it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.websockets import WebSocketDisconnect

from simulator.conversation import Conversation, read_item
from simulator.events import Scribe
from simulator.faults import Act, Fault
from simulator.input_buffer import decoded
from simulator.limits import Limits
from simulator.options import USER_TEXT
from simulator.profile import Profile
from simulator.refusals import BadEvent
from simulator.speaker import Speaker
from simulator.turns import Turns
from simulator.upstream import Closing, Upstream
from simulator.wire import HangUp, Wire

_ClientEvent = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Admission:
    """What the handshake settled: number and key of the connection, its model, what it resumes, and its fault."""

    number: int
    key: str
    model: str
    conversation_id: str | None
    fault: Fault | None


class Session:
    """Serves one connection; `run` returns when it is over."""

    def __init__(self, wire: Wire, *, upstream: Upstream, admission: Admission) -> None:
        self._wire, self._upstream, self._admission = wire, upstream, admission
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
            key=admission.key,
            fault=fault if fault and not fault.strikes_connection else None,
        )
        resumed = upstream.conversations.find(admission.conversation_id, key=admission.key)
        self._resumes = resumed is not None
        self._conversation = resumed or Conversation(self._scribe.new_id("conv"))
        self._tasks = asyncio.TaskGroup()
        self._turns = Turns(
            wire,
            scribe=self._scribe,
            upstream=upstream,
            key=admission.key,
            speaker=self._speaker,
            conversation=self._conversation,
            tasks=self._tasks,
            profile=Profile(is_resumable=self._resumes),
        )
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
                await self._greet()
                self._tasks.create_task(_hang_up_after(self._upstream.closing))
                self._limits.start(self._tasks, is_busy=lambda: self._speaker.is_speaking)
                while True:
                    await self._answer(await self._wire.receive())
        except* HangUp as raised:
            code = _close_code(raised)
        except* WebSocketDisconnect:
            pass
        finally:
            self._keep(seconds=self._upstream.options.kept_ms / 1000)
        if code is not None:
            await self._wire.close(code)

    async def _greet(self) -> None:
        wanted, id = self._admission.conversation_id, self._conversation.id
        model, profile = self._admission.model, self._turns.profile
        await self._wire.send(*self._scribe.greeting(profile, model=model, conversation_id=id))
        self._upstream.stats.resumptions += self._resumes
        if wanted and not self._resumes:
            message = "There is no such conversation to resume; this is a new one"
            problem = BadEvent(message, code="conversation_not_found", param="conversation_id")
            await self._wire.send(self._scribe.refusal(problem, client_event_id=None))

    def _keep(self, *, seconds: float | None = None) -> None:
        kept = self._upstream.conversations
        if self._turns.profile.is_resumable:
            kept.keep(self._conversation, key=self._admission.key, seconds=seconds)
        else:
            kept.drop(self._conversation, key=self._admission.key)

    async def _answer(self, message: str | bytes) -> None:
        self._limits.touch()
        event_id = None
        try:
            if isinstance(message, bytes):
                await self._turns.hear(message)
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
        profile = self._turns.profile.updated(session)
        self._turns.attend(profile)
        self._keep()
        if self._confirms:
            updated = self._scribe.updated(profile, model=self._admission.model)
            await self._wire.send(updated, *self._scribe.stray())

    async def _create_item(self, event: _ClientEvent) -> None:
        item = read_item(event.get("item"), options=self._upstream.options, new_id=self._scribe.new_id)
        await (self._turns.force(item) if item.kind == "force_message" else self._turns.add(item))

    async def _create_response(self, event: _ClientEvent) -> None:
        asked = event.get("response") or {}
        if not isinstance(asked, dict):
            raise BadEvent("response must be an object", param="response")
        instructions = asked.get("instructions")
        self._turns.answer(
            instructions=instructions if isinstance(instructions, str) else None, metadata=asked.get("metadata")
        )

    async def _user_text(self, event: _ClientEvent) -> None:
        text = event.get("text")
        if not isinstance(text, str) or not text.strip():
            raise BadEvent("user.text needs text", code="missing_text", param="text")
        self._turns.read(text)

    async def _cancel_response(self, event: _ClientEvent) -> None:
        await self._speaker.cancel(event.get("response_id"))

    async def _delete_item(self, event: _ClientEvent) -> None:
        self._conversation.delete(event.get("item_id"))
        await self._wire.send(self._scribe.event("conversation.item.deleted", item_id=event["item_id"]))

    async def _truncate_item(self, event: _ClientEvent) -> None:
        end_ms = self._conversation.truncate(event.get("item_id"), audio_end_ms=event.get("audio_end_ms"))
        self._upstream.stats.truncations.append(end_ms)
        fields = {name: event.get(name) for name in ("item_id", "content_index", "audio_end_ms")}
        await self._wire.send(self._scribe.event("conversation.item.truncated", **fields))

    async def _append_audio(self, event: _ClientEvent) -> None:
        await self._turns.hear(decoded(event.get("audio")))

    async def _commit_audio(self, event: _ClientEvent) -> None:
        await self._turns.commit()

    async def _clear_audio(self, event: _ClientEvent) -> None:
        await self._turns.clear()


def _parsed(message: str) -> _ClientEvent:
    try:
        event = orjson.loads(message)
    except orjson.JSONDecodeError:
        raise BadEvent("The event is not JSON", code="invalid_json", kind="invalid_event") from None
    if not isinstance(event, dict):
        raise BadEvent("The event is not an object", code="invalid_json", kind="invalid_event")
    return event


async def _hang_up_after(closing: Closing) -> None:
    await closing.event.wait()
    raise HangUp(closing.code)


def _close_code(group: BaseExceptionGroup[HangUp]) -> int | None:
    found = group.exceptions[0]
    return found.code if isinstance(found, HangUp) else _close_code(found)
