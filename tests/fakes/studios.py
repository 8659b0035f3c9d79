"""A studio on real services, and a conversation that its recorder hears as it goes on."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from relay.order import LiveOrder
from relay.recording.piece import PieceName
from relay.recording.studio import Pace, Studio, opened_studio
from relay.tap import Tap
from storage.recording_claims import RedisRecordingClaims
from storage.recordings import S3Recordings
from storage.redis_client import open_redis
from tests.fakes.conversations import RATE, Recorded, append, cut, delta
from tests.fakes.polling import until
from tests.fakes.recordings import client_on, keys_on, objects_on, recordings_on
from tests.fakes.services import S3Server
from tests.fakes.sounds import tone

QUICK = Pace(piece=0.3, carry=0.1, sweep=0.2, claim=0.6, quiet=1.0)
_CHUNK_MS = 50


def ordered(session_id: str, *, record: bool = True) -> LiveOrder:
    """A session, recorded unless it is said otherwise."""
    return LiveOrder(session_id=session_id, voice="ara", instructions="", record=record)


@dataclass(frozen=True, kw_only=True)
class Site:
    """One bucket, one Redis and one machine's folder; sessions live while they are among the `living`."""

    server: S3Server
    bucket: str
    redis_url: str
    folder: Path
    living: set[str] = field(default_factory=set)

    async def is_alive(self, session_id: str) -> bool:
        """As the sessions' records would say."""
        return session_id in self.living

    @asynccontextmanager
    async def studio(
        self,
        *,
        pace: Pace = QUICK,
        max_bytes: int = 100_000_000,
        endpoint_url: str | None = None,
        folder: Path | None = None,
        kind: type[S3Recordings] = S3Recordings,
    ) -> AsyncIterator[Studio]:
        """A relay process's studio."""
        async with (
            recordings_on(self.server, bucket=self.bucket, endpoint_url=endpoint_url, kind=kind) as recordings,
            open_redis(self.redis_url) as redis,
            opened_studio(
                recordings=recordings,
                claims=RedisRecordingClaims(redis),
                folder=folder or self.folder,
                max_bytes=max_bytes,
                is_alive=self.is_alive,
                pace=pace,
            ) as studio,
        ):
            yield studio

    async def session(self, studio: Studio, session_id: str, *, seconds: float) -> None:
        """One connection of a session, which may come back."""
        self.living.add(session_id)
        async with studio.recording(ordered(session_id)) as tap:
            await talk(tap, seconds=seconds)

    async def keys(self) -> set[str]:
        """What is in the bucket."""
        return set(await asyncio.to_thread(keys_on, self.server, bucket=self.bucket))

    async def pieces(self, session_id: str) -> int:
        """How many of a session's pieces are there."""
        return sum(session_id in key for key in await self.keys() if key.startswith("recordings/pieces/"))

    def put_piece(self, session_id: str, body: bytes) -> None:
        """Puts something where pieces are."""
        name = str(PieceName(run=1_700_000_000_000, start=0, samples=1))
        client_on(self.server).put_object(Bucket=self.bucket, Key=f"recordings/pieces/{session_id}/{name}", Body=body)

    async def finished(self, session_id: str, *, seconds: float = 10) -> Recorded:
        """The recording, once it is there and its pieces are gone."""
        wav, document = f"recordings/{session_id}.wav", f"recordings/{session_id}.json"

        async def is_there() -> bool:
            return {key for key in await self.keys() if session_id in key} == {wav, document}

        await until(is_there, seconds=seconds)
        found = objects_on(self.server, bucket=self.bucket)
        return Recorded(wav=found[wav], document=found[document])


async def talk(tap: Tap | None, *, seconds: float) -> None:
    """The user hums 440 Hz all the time; the assistant's 880 Hz, all of it, come at once."""
    assert tap is not None
    loop = asyncio.get_running_loop()
    begun = loop.time()
    samples = math.ceil(seconds * RATE)
    for chunk in cut(tone(samples, hertz=880), milliseconds=200):
        tap.from_upstream(delta(chunk, item=f"msg_{begun}"), at=begun)
    for number, chunk in enumerate(cut(tone(samples, hertz=440), milliseconds=_CHUNK_MS)):
        due = begun + (number + 1) * _CHUNK_MS / 1000
        await asyncio.sleep(due - loop.time())
        tap.from_client(append(chunk), at=loop.time())
