"""Live sound in Redis: one stream for each utterance that is being spoken, under its reading's lease."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import timedelta
from time import monotonic
from typing import Any

from redis.asyncio import Redis

from speech.ports import Lease, LiveKind, LivePiece
from storage.job_board import lease_key
from storage.live_writer import LiveWriter
from storage.redis_client import ANSWER_SECONDS, ANSWERING

# A read blocks for less than an answer may take; it holds one of the client's connections.
_BLOCK_SECONDS = ANSWER_SECONDS / 2
_MOST_ENTRIES = 64


class RedisLiveStream:
    """Implements speech.ports.LiveStream. A stream lives for `expiry` after its process, `farewell` after let_go.

    An entry's id is the attempt and its place in it, so that a follower sees when one is missing.
    """

    def __init__(
        self,
        redis: Redis,
        *,
        expiry: timedelta = timedelta(minutes=2),
        farewell: timedelta = timedelta(seconds=5),
        patience: timedelta = timedelta(seconds=10),
        most_waiting: int = 16 * 1024 * 1024,
    ) -> None:
        self._redis = redis
        self._writer = LiveWriter(
            redis=redis, expiry=expiry, farewell=farewell, patience=patience, most_waiting=most_waiting
        )

    async def air(self, lease: Lease, pcm: bytes, *, utterance: int) -> None:
        """Appends polished PCM; utterances count from 0."""
        self._writer.pcm(_key(lease.reading, lease.token, utterance), pcm)

    async def again(self, lease: Lease, *, utterance: int) -> None:
        """What was aired of this utterance is void: it is spoken anew."""
        self._writer.again(_key(lease.reading, lease.token, utterance))

    async def end(self, lease: Lease, *, utterance: int) -> None:
        """The utterance is complete and proven."""
        self._writer.end(_key(lease.reading, lease.token, utterance))

    async def let_go(self, lease: Lease, *, utterance: int) -> None:
        """Its master is kept, or nobody wants it: the stream is gone within seconds."""
        self._writer.let_go(_key(lease.reading, lease.token, utterance))

    async def close(self) -> None:
        """Returns when all that was aired is written, or given up after some seconds without Redis."""
        await self._writer.close()

    async def token(self, reading: str) -> int | None:
        """Whose lease the reading is now; None when nobody works on it. Raises Unavailable."""
        with ANSWERING:
            token: Any = await self._redis.get(lease_key(reading))
        return int(token) if token else None

    async def follow(self, reading: str, *, token: int, utterance: int, seconds: float) -> AsyncGenerator[LivePiece]:
        """Everything from the stream's first entry on, as it comes, without a gap; raises Unavailable.

        Ends after END, or when nothing that joins on came for `seconds`.
        """
        key, last, following = _key(reading, token, utterance), b"0-0", (1, 0)
        left = seconds
        while True:
            asked = monotonic()
            entries = await self._read(key, after=last, seconds=min(left, _BLOCK_SECONDS))
            left -= monotonic() - asked
            for entry_id, fields in entries:
                last, numbers, piece = entry_id, _numbers(entry_id), _piece(fields)
                if numbers != following and piece.kind is not LiveKind.AGAIN:
                    # Something is missing before it; only another attempt can join on.
                    continue
                following, left = (numbers[0], numbers[1] + 1), seconds
                yield piece
                if piece.kind is LiveKind.END:
                    return
            if left <= 0:
                return

    async def _read(self, key: str, *, after: bytes, seconds: float) -> list[tuple[bytes, dict[bytes, bytes]]]:
        block = max(1, round(seconds * 1000))
        with ANSWERING:
            answer: Any = await self._redis.xread({key: after}, count=_MOST_ENTRIES, block=block)
        return answer[0][1] if answer else []


def _key(reading: str, token: int, utterance: int) -> str:
    return f"recite:live:{reading}:{token}:{utterance}"


def _numbers(entry_id: bytes) -> tuple[int, int]:
    attempt, _, sequence = entry_id.partition(b"-")
    return int(attempt), int(sequence)


def _piece(fields: dict[bytes, bytes]) -> LivePiece:
    [(kind, pcm)] = fields.items()
    return LivePiece(kind=LiveKind(kind.decode()), pcm=pcm)
