"""A pool of upstream sessions without sockets, and its callers."""

from __future__ import annotations

import asyncio

from speech.ports import Delivery, Spoken, Synthesizer
from speech.request import Lane
from tests.fakes.seats import FakeBreaker, FakeSeats
from tests.fakes.sessions import FakeOpener, FakeSession
from xai.pool import SessionPool


def delivery(
    voice: str = "ara", *, mode: str = "force_message", lane: Lane = Lane.INTERACTIVE, place: int = 0
) -> Delivery:
    return Delivery(voice=voice, speed=1.0, language="auto", pronunciations=(), speak_mode=mode, lane=lane, place=place)


class Desk:
    """A pool over fake sessions, and what its callers heard."""

    def __init__(self, *, automatic: bool = True, max_sessions: int = 2) -> None:
        self.opener = FakeOpener(automatic=automatic)
        self.seats = FakeSeats(max_sessions)
        self.breaker = FakeBreaker()
        self.heard: list[str] = []
        self.tasks: list[asyncio.Task[Spoken]] = []
        self.pool = SessionPool(
            self.opener,
            seats=self.seats,
            breaker=self.breaker,
            max_utterances=5,
            max_characters=100,
            clock=asyncio.get_running_loop().time,
        )

    async def speak(
        self,
        text: str,
        voice: str = "ara",
        *,
        mode: str = "force_message",
        lane: Lane = Lane.INTERACTIVE,
        place: int = 0,
    ) -> Spoken:
        async def listen(pcm: bytes) -> None:
            self.heard.append(pcm.decode())

        synthesizer: Synthesizer = self.pool
        wanted = delivery(voice, mode=mode, lane=lane, place=place)
        return await synthesizer.speak(text, delivery=wanted, on_audio=listen)

    async def begin(
        self, text: str, voice: str = "ara", *, lane: Lane = Lane.INTERACTIVE, place: int = 0
    ) -> asyncio.Task[Spoken]:
        """Lets a caller come as far as it can without anybody else."""
        task = asyncio.create_task(self.speak(text, voice, lane=lane, place=place))
        self.tasks.append(task)
        await settle()
        return task

    @property
    def live(self) -> list[FakeSession]:
        return self.opener.live


async def settle() -> None:
    """Runs everything that is ready to run."""
    for _ in range(20):
        await asyncio.sleep(0)
