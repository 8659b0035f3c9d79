"""The one active response of a connection: begun, counted, logged, cancelled."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from simulator.events import Scribe
from simulator.faults import Fault
from simulator.lifecycle import Lifecycle
from simulator.profile import Profile
from simulator.refusals import BadEvent
from simulator.response import Response
from simulator.script import Script
from simulator.sound import Sound
from simulator.upstream import Upstream
from simulator.wire import Wire

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Speaking:
    """What is to be spoken: the words, how that was asked for and is told, and where what was sent is noted."""

    script: Script
    mode: str
    lifecycle: Lifecycle
    profile: Profile
    sound: Sound
    is_interruptible: bool = True


@dataclass(frozen=True, slots=True)
class _Active:
    response: Response
    task: asyncio.Task[None]
    is_interruptible: bool


class Speaker:
    """Speaks for one connection, one response at a time; `fault` strikes each of them, else the plan's next."""

    def __init__(
        self, wire: Wire, *, scribe: Scribe, upstream: Upstream, number: int, key: str, fault: Fault | None
    ) -> None:
        self._wire, self._scribe, self._upstream = wire, scribe, upstream
        self._number, self._key = number, key
        self._fault = fault
        self._active: _Active | None = None
        self._silent = asyncio.Event()
        self._silent.set()

    @property
    def is_speaking(self) -> bool:
        """Whether a response is active."""
        return self._active is not None

    def check_silent(self) -> None:
        """Raises BadEvent while a response is active."""
        if self._active:
            message = "A response is already in progress; wait for response.done"
            raise BadEvent(message, code="conversation_already_has_active_response")

    async def silence(self) -> None:
        """Waits until no response is active."""
        await self._silent.wait()

    def begin(self, speaking: Speaking, *, tasks: asyncio.TaskGroup) -> None:
        """Starts the response and counts it; raises BadEvent while another one is active."""
        self.check_silent()
        upstream, script, profile = self._upstream, speaking.script, speaking.profile
        fault = self._fault or upstream.plan.take(connecting=False, key=self._key, text=script.asked)
        if fault and fault.only_by not in (None, speaking.mode):
            fault = None
        response = Response(
            wire=self._wire,
            scribe=self._scribe,
            lifecycle=speaking.lifecycle,
            options=upstream.options,
            profile=profile,
            script=script,
            fault=fault,
            voices=upstream.voices,
            sound=speaking.sound,
        )
        name = fault.name if fault else None
        upstream.accounts.of(self._key).speak(script.asked)
        upstream.stats.speak(script.asked, voice=profile.voice, speak_mode=speaking.mode, fault=name)
        task = tasks.create_task(self._run(response, voice=profile.voice, characters=len(script.asked)))
        self._active = _Active(response, task, speaking.is_interruptible)
        self._silent.clear()

    async def cancel(self, response_id: object) -> None:
        """Ends the active response; None names whichever it is. Raises BadEvent when it is another one or none."""
        active = self._active
        if active is None or response_id not in (None, active.response.id):
            raise BadEvent("No such response is active", code="response_cancel_not_active", param="response_id")
        await self._end(active, reason="client_cancelled")

    async def give_way(self) -> bool:
        """Ends the active response because the user speaks, unless it may not be interrupted; whether it did."""
        active = self._active
        if active is None or not active.is_interruptible:
            return False
        await self._end(active, reason="turn_detected")
        return True

    async def _end(self, active: _Active, *, reason: str) -> None:
        active.task.cancel()
        self._fall_silent()
        await active.response.cancel(reason)

    def _fall_silent(self) -> None:
        self._active = None
        self._silent.set()

    async def _run(self, response: Response, *, voice: str, characters: int) -> None:
        ended: str | None = "broken"
        try:
            ended = await response.run()
        except asyncio.CancelledError:
            ended = "cancelled"
            raise
        finally:
            # After a cancel the next response may be the active one by now.
            if self._active and self._active.response is response:
                self._fall_silent()
            self._upstream.stats.finish(seconds=response.seconds, is_complete=ended == "completed")
            self._upstream.bills.of(self._key).speak(seconds=response.seconds)
            _log.info(
                "[X.AI TTS] simulator connection=%d voice=%s characters=%d seconds=%.2f ended=%s fault=%s",
                self._number,
                voice,
                characters,
                response.seconds,
                ended,
                response.fault.name if response.fault else None,
            )
