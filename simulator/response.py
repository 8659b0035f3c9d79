"""One response as it is spoken: when which frame goes out, and what a fault does to it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from simulator.damage import damaged
from simulator.espeak import ESPEAK_RATE
from simulator.events import Event, Frame, Scribe, base64_of
from simulator.faults import Act, Fault
from simulator.lifecycle import Lifecycle
from simulator.options import Options
from simulator.output import Chunk, encode, even_chunks, uneven_chunks
from simulator.profile import Profile
from simulator.quirks import Quirk
from simulator.script import Script, bent, language_in
from simulator.voice import speak, with_pronunciations
from simulator.wire import HangUp, Wire

_HUGE = 2 * 1024 * 1024 + 1
_NOISE = bytes(range(1, 256)) * 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Speech:
    """What a voice made of a script: chunks in the session's format, and their length in seconds."""

    chunks: Sequence[Chunk]
    seconds: float


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
    ) -> None:
        self.fault = fault
        self.seconds = 0.0
        self._act = fault.act if fault else None
        self._wire, self._scribe, self._lifecycle = wire, scribe, lifecycle
        self._options, self._profile = options, profile
        self._said = bent(script, self._act).said
        self._voices = voices
        self._told = ""
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

    async def cancel(self) -> None:
        """Sends how a response ends whose `run` was cancelled; deltas come late from a quirky server."""
        await self._wire.send(*self._closing("cancelled"))
        if Quirk.LATE_DELTAS in self._scribe.quirks:
            late = [frame for frame in self._lifecycle.audio(_NOISE) if not isinstance(frame, bytes)]
            await self._wire.send(*late, *late)

    def _opening(self) -> list[Event]:
        late = self._act is Act.LATE_DELTAS
        return [*(self._late_deltas() if late else []), *self._lifecycle.opening()]

    def _closing(self, status: str) -> list[Event]:
        events = self._lifecycle.closing(status, transcript=self._told, seconds=self.seconds)
        return [*events, events[-1]] if self._act is Act.DUPLICATE_DONE else events

    def _speech(self) -> Speech:
        profile = self._profile
        language = profile.language
        if language == "auto":
            language = language_in(profile.instructions) or language
        words = with_pronunciations(self._said, profile.replace)
        pcm = damaged(speak(words, voice=profile.voice, speed=profile.speed, language=language), self._act)
        pieces = encode(pcm, profile.output)
        only_odd = self._act is Act.ODD_CHUNKS
        if only_odd or Quirk.UNEVEN_CHUNKS in self._scribe.quirks:
            chunks = uneven_chunks(pieces, profile.output, dice=self._dice, only_odd=only_odd)
        else:
            chunks = even_chunks(pieces, profile.output)
        return Speech(chunks=chunks, seconds=len(pcm) / 2 / ESPEAK_RATE)

    async def _deliver(self, speech: Speech, *, since: float) -> None:
        """The chunks at their times, words between them; a fault strikes after the first half."""
        chunks, middle = speech.chunks, max(1, len(speech.chunks) // 2)
        words = _shares(self._said, len(chunks))
        for index, chunk in enumerate(chunks):
            if index == middle:
                if self._act is Act.END_EARLY:
                    return
                await self._strike()
            if self._options.pace:
                await _until(since + chunk.at / self._options.pace)
            else:
                await asyncio.sleep(0)
            await self._wire.send(*self._mixed(chunk, next(words)))
            self.seconds = chunks[index + 1].at if index + 1 < len(chunks) else speech.seconds
        if len(chunks) <= middle:
            await self._strike()

    def _mixed(self, chunk: Chunk, words: str) -> list[Frame]:
        """A chunk and its words, in no guaranteed order when chunks are uneven."""
        self._told += words
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
