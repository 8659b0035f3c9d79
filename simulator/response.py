"""One response as it is spoken: when which frame goes out, and what a fault does to it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from concurrent.futures import Executor

from simulator.events import Event, Frame, Scribe, base64_of
from simulator.faults import Act, Fault
from simulator.lifecycle import Lifecycle
from simulator.options import Options
from simulator.output import Chunk
from simulator.profile import Profile
from simulator.quirks import Quirk
from simulator.script import Script, bent
from simulator.sound import Sound
from simulator.speech import Cut, Speech, make_speech
from simulator.wire import HangUp, Wire

_HUGE = 2 * 1024 * 1024 + 1
_NOISE = bytes(range(1, 256)) * 8


class Response:
    """Speaks one script once. `run` ends with the status that response.done told, None when none was told."""

    def __init__(
        self,
        *,
        wire: Wire,
        scribe: Scribe,
        lifecycle: Lifecycle,
        options: Options,
        profile: Profile,
        script: Script,
        fault: Fault | None,
        voices: Executor,
        sound: Sound,
    ) -> None:
        self.fault = fault
        self.seconds = 0.0
        self._sound = sound
        self._is_open = False
        self._act = fault.act if fault else None
        self._wire, self._scribe, self._lifecycle = wire, scribe, lifecycle
        self._options, self._profile = options, profile
        self._script = bent(script, self._act)
        self._voices = voices
        self._dice = random.Random(scribe.dice.getrandbits(64))

    @property
    def id(self) -> str:
        """The response's id on the wire."""
        return self._lifecycle.response_id

    async def run(self) -> str | None:
        """Sends the whole response; raises HangUp where a fault ends the connection."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        await self._wire.send(*self._opening())
        speech = await loop.run_in_executor(self._voices, self._speech)
        await _until(begun + self._options.first_audio_ms / 1000)
        if self._act is Act.DROP_EARLY:
            raise HangUp
        if self._act in (Act.ERROR_NESTED, Act.ERROR_TOP_LEVEL):
            await self._wire.send(self._failure())
            return None
        if self._act is not Act.NO_SOUND:
            await self._deliver(speech, since=loop.time())
        status = str(self.fault.detail) if self.fault and self._act is Act.END_EARLY else "completed"
        await self._wire.send(*self._closing(status))
        return status

    async def cancel(self, reason: str) -> None:
        """Sends how a response ends whose `run` was cancelled; deltas come late from a quirky server."""
        # Interrupted at once, it has not even begun to run
        opening = [] if self._is_open else self._opening()
        await self._wire.send(*opening, *self._closing("cancelled", reason))
        if Quirk.LATE_DELTAS in self._scribe.quirks:
            late = [frame for frame in self._lifecycle.audio(_NOISE) if not isinstance(frame, bytes)]
            await self._wire.send(*late, *late)

    def _opening(self) -> list[Event]:
        self._is_open = True
        late = self._act is Act.LATE_DELTAS
        return [*(self._late_deltas() if late else []), *self._lifecycle.opening()]

    def _closing(self, status: str, reason: str | None = None) -> list[Event]:
        events = self._lifecycle.closing(status, sound=self._sound, reason=reason)
        return [*events, events[-1]] if self._act is Act.DUPLICATE_DONE else events

    def _speech(self) -> Speech:
        is_uneven = Quirk.UNEVEN_CHUNKS in self._scribe.quirks
        cut = Cut(milliseconds=self._options.chunk_ms, is_uneven=is_uneven, dice=self._dice)
        return make_speech(self._script, profile=self._profile, act=self._act, cut=cut)

    async def _deliver(self, speech: Speech, *, since: float) -> None:
        """The chunks at their times, words between them; a fault strikes after the first half."""
        chunks, middle = speech.chunks, max(1, len(speech.chunks) // 2)
        words = _shares(self._script.said, len(chunks))
        for index, chunk in enumerate(chunks):
            if index == middle:
                if self._act is Act.END_EARLY:
                    return
                await self._strike()
            if self._options.pace:
                await _until(since + chunk.at / self._options.pace)
            else:
                await asyncio.sleep(0)
            share = next(words)
            self.seconds = chunks[index + 1].at if index + 1 < len(chunks) else speech.seconds
            self._sound.grow(words=share, seconds=self.seconds)
            await self._wire.send(*self._mixed(chunk, share))
        if len(chunks) <= middle:
            await self._strike()

    def _mixed(self, chunk: Chunk, words: str) -> list[Frame]:
        """A chunk and its words, in no guaranteed order when chunks are uneven."""
        huge = {"padding": "x" * _HUGE} if self._act is Act.HUGE_EVENT and chunk.at == 0 else {}
        sound = self._lifecycle.audio(chunk.payload, **huge)
        text: list[Frame] = [*self._lifecycle.words(words)] if words else []
        words_first = Quirk.UNEVEN_CHUNKS in self._scribe.quirks and self._dice.random() < 0.5
        return text + sound if words_first else sound + text

    async def _strike(self) -> None:
        """What the fault does in mid-audio."""
        match self._act:
            case Act.HANG_UP:
                code = self.fault.detail if self.fault else None
                raise HangUp(code if isinstance(code, int) else None)
            case Act.STALL:
                await asyncio.Event().wait()
            case Act.EXPIRE:
                await self._wire.send(self._scribe.session_end("max_duration"))
                raise HangUp(1000)
            case Act.GARBAGE:
                await self._wire.send('{"type":"response.output_audio.delta","delta":"AAA')
            case Act.LATE_DELTAS:
                await self._wire.send(*self._late_deltas())
            case Act.UNKNOWN_EVENTS:
                await self._wire.send(*self._scribe.unknown())

    def _late_deltas(self) -> list[Event]:
        earlier = {"response_id": "resp_0000000000000000", "item_id": "msg_0000000000000000"}
        return [self._scribe.event("response.output_audio.delta", **earlier, delta=base64_of(_NOISE))]

    def _failure(self) -> Event:
        return self._scribe.error(
            "internal_error",
            code=str(self.fault.detail if self.fault else None),
            message="The server had an error while speaking",
            nested=self._act is Act.ERROR_NESTED,
        )


def _shares(text: str, count: int) -> Iterator[str]:
    """The text in `count` parts of whole words, which together are the text."""
    start = 0
    for index in range(1, count + 1):
        end = len(text) * index // count
        if index < count:
            end = max(start, text.rfind(" ", 0, end + 1) + 1)
        yield text[start:end]
        start = end


async def _until(deadline: float) -> None:
    """Sleeps to a point of the loop's time, so that late wake-ups don't add up."""
    await asyncio.sleep(max(0.0, deadline - asyncio.get_running_loop().time()))
