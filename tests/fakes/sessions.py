"""Upstream sessions without any socket, for tests of what is done with sessions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from speech.errors import UpstreamError, UpstreamUnreachable
from xai.session import OnAudio, SessionSettings


class FakeSession:
    """Speaks when its `turns` say so: each utterance waits for a turn, which may be an error."""

    def __init__(self, settings: SessionSettings) -> None:
        self.settings = settings
        self.usable = True
        self.answered = False
        self.spoken: list[tuple[str, str]] = []
        self.turns: asyncio.Queue[UpstreamError | None] = asyncio.Queue()
        self.automatic = True
        self.speaking = False
        self.closed = False
        self.closed_event = asyncio.Event()
        self.silent = asyncio.Event()
        self.on_lost: Callable[[], None] | None = None

    async def speak(self, text: str, *, mode: str, on_audio: OnAudio, seconds: float) -> str | None:
        assert not self.speaking, "two callers share a session"
        assert not self.closed, "a closed session is used"
        self.on_lost = None
        self.speaking = True
        self.answered = False
        self.spoken.append((text, mode))
        try:
            turn = None if self.automatic and self.turns.empty() else await self.turns.get()
            if turn:
                raise turn
            self.answered = True
            await on_audio(text.encode())
            return text
        finally:
            self.speaking = False
            self.silent.set()

    def rest(self, on_lost: Callable[[], None]) -> None:
        self.on_lost = self.on_lost or on_lost

    async def close(self) -> None:
        self.closed = True
        self.closed_event.set()
        if self.speaking:
            self.turns.put_nowait(UpstreamUnreachable())


class FakeOpener:
    """Opens FakeSessions; `problems` are raised first, `gate` holds every open while it is cleared."""

    def __init__(self, *, automatic: bool = True) -> None:
        self.sessions: list[FakeSession] = []
        self.problems: list[Exception] = []
        self.asked = 0
        self.automatic = automatic
        self.most_open = 0
        self.cap: int | None = None
        self.cap_error: Callable[[], Exception] = lambda: UpstreamError()
        self.gate = asyncio.Event()
        self.gate.set()

    @property
    def live(self) -> list[FakeSession]:
        return [session for session in self.sessions if not session.closed]

    async def aclose(self) -> None:
        """Nothing is under way."""

    async def open(self, settings: SessionSettings) -> FakeSession:
        self.asked += 1
        await self.gate.wait()
        if self.problems:
            raise self.problems.pop(0)
        if self.cap is not None and len(self.live) >= self.cap:
            raise self.cap_error()
        session = FakeSession(settings)
        session.automatic = self.automatic
        self.sessions.append(session)
        self.most_open = max(self.most_open, len(self.live))
        return session


class FakeClock:
    """Seconds that pass only when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def pass_seconds(self, seconds: float) -> None:
        self.now += seconds
