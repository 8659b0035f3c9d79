"""One utterance on air: its live stream, under the lease of whoever speaks it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from speech.ports import Lease, LiveStream
from worker.draft import Draft


@dataclass(frozen=True, kw_only=True)
class Airing:
    """What listeners hear of utterance number `utterance`, counted from 0; `begun` is set with its first sound.

    Of a reading that is one utterance the `draft` hears it, too.
    """

    live: LiveStream
    lease: Lease
    utterance: int
    draft: Draft | None = None
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def air(self, pcm: bytes, *, drafted: bool) -> None:
        """Hands polished PCM to whoever listens, and to the draft if it is to hear this attempt."""
        if pcm:
            self.begun.set()
            await self.live.air(self.lease, pcm, utterance=self.utterance)
            if drafted and self.draft is not None:
                await self.draft.feed(pcm)

    async def again(self) -> None:
        """What was aired is void."""
        await self.live.again(self.lease, utterance=self.utterance)
        if self.draft is not None:
            await self.draft.begin_again()

    async def end(self) -> None:
        """It is complete and proven."""
        await self.live.end(self.lease, utterance=self.utterance)

    async def let_go(self) -> None:
        """Nobody needs the stream any more."""
        await self.live.let_go(self.lease, utterance=self.utterance)
