"""The one active response of a connection: begun, counted, logged, cancelled."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from simulator.events import Scribe
from simulator.faults import Fault
from simulator.lifecycle import Lifecycle
from simulator.profile import BadEvent, Profile
from simulator.response import Response
from simulator.script import Script
from simulator.upstream import Upstream
from simulator.wire import Wire

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Active:
    response: Response
    task: asyncio.Task[None]


class Speaker:
    """Speaks for one connection, one response at a time; `fault` strikes each of them, else the plan's next."""

    def __init__(self, wire: Wire, *, scribe: Scribe, upstream: Upstream, number: int, fault: Fault | None) -> None:
        self._wire, self._scribe, self._upstream = wire, scribe, upstream
        self._number = number
        self._fault = fault
        self._active: _Active | None = None

    @property
    def is_speaking(self) -> bool:
        """Whether a response is active."""
        return self._active is not None

    def check_silent(self) -> None:
        """Raises BadEvent while a response is active."""
        if self._active:
            message = "A response is already in progress; wait for response.done"
            raise BadEvent(message, code="conversation_already_has_active_response")

    def begin(
        self, script: Script, *, mode: str, lifecycle: Lifecycle, profile: Profile, tasks: asyncio.TaskGroup
    ) -> None:
        """Starts the response and counts it."""
        upstream = self._upstream
        fault = self._fault or upstream.plan.take(connecting=False, text=script.asked)
        if fault and fault.only_by not in (None, mode):
            fault = None
        response = Response(
            wire=self._wire,
            scribe=self._scribe,
            lifecycle=lifecycle,
            options=upstream.options,
            profile=profile,
            script=script,
            fault=fault,
            voices=upstream.voices,
        )
        upstream.stats.speak(script.asked, voice=profile.voice, speak_mode=mode, fault=fault.name if fault else None)
        task = tasks.create_task(self._run(response, voice=profile.voice, characters=len(script.asked)))
        self._active = _Active(response, task)

    async def cancel(self, response_id: object) -> None:
        """Ends the active response; None names whichever it is. Raises BadEvent when it is another one or none."""
        active = self._active
        if active is None or response_id not in (None, active.response.id):
            raise BadEvent("No such response is active", code="response_cancel_not_active", param="response_id")
        active.task.cancel()
        self._active = None
        await active.response.cancel()

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
                self._active = None
            self._upstream.stats.finish(seconds=response.seconds, is_complete=ended == "completed")
            _log.info(
                "[X.AI TTS] simulator connection=%d voice=%s characters=%d seconds=%.2f ended=%s fault=%s",
                self._number,
                voice,
                characters,
                response.seconds,
                ended,
                response.fault.name if response.fault else None,
            )
