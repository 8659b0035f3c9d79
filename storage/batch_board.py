"""Batches in Redis: the latest figures of those under way, and the calls that wake whoever drives them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from redis.asyncio import Redis

from speech.batch import BatchState, BatchStatus
from storage.batch_runs import read_state, state_record
from storage.board_scripts import Script
from storage.channel import follow
from storage.job_board import lease_key
from storage.redis_client import ANSWERING

# Under which name the board's leases know the right to drive all batches: no reading is called so.
DRIVING = "batches"
_CHANNEL = "recite:batches"
_KEPT_MS = timedelta(days=1) // timedelta(milliseconds=1)

# KEYS figures, the lease. ARGV token, run, state, ms. Returns 0 when the lease is somebody else's.
_TELL = Script(
    """
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[1] then return 0 end
if tonumber(redis.call('HGET', KEYS[1], 'run') or 0) > tonumber(ARGV[2]) then return 1 end
redis.call('HSET', KEYS[1], 'run', ARGV[2], 'state', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1
"""
)
# KEYS figures. ARGV run, ms. A run that was called off, or begun, is so before its driver has said anything.
_CALL_OFF = Script(
    """
redis.call('HSET', KEYS[1], 'called_off', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""
)
_BEGIN = Script(
    """
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'run', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""
)


class RedisBatchBoard:
    """Forgets what nobody told for a day. Raises Unavailable when Redis does not answer."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def state(self, id: str) -> BatchState | None:
        """The latest state that was told; None when Redis knows of none."""
        with ANSWERING:
            answer: Any = await self._redis.hmget(_key(id), "state", "called_off")
        document, called_off = answer
        if document is None:
            return None
        state = read_state(document)
        is_called_off = called_off is not None and int(called_off) == state.run
        return _cancelling(state) if is_called_off else state

    async def tell(self, id: str, state: BatchState, *, token: int) -> bool:
        """Tells the state; False when another drives the batches by now."""
        with ANSWERING:
            told = await _TELL.run(
                *(self._redis, _key(id), lease_key(DRIVING), token, state.run, state_record(state), _KEPT_MS), keys=2
            )
        return bool(told)

    async def call_off(self, id: str, *, run: int) -> None:
        """This run is cancelled, and its driver is to know."""
        with ANSWERING:
            await _CALL_OFF.run(self._redis, _key(id), run, _KEPT_MS)
        await self.call(id)

    async def begin(self, id: str, *, run: int) -> None:
        """This run begins: what was told of earlier ones is over."""
        with ANSWERING:
            await _BEGIN.run(self._redis, _key(id), run, _KEPT_MS)
        await self.call(id)

    async def call(self, id: str) -> None:
        """Whoever drives is to look at the batch."""
        with ANSWERING:
            await self._redis.publish(_CHANNEL, id)

    async def follow(self, following: Redis, on_call: Callable[[], None]) -> None:
        """Calls whenever there may be something to look at, until it is cancelled."""
        await follow(following, _CHANNEL, lambda _: on_call())


def _cancelling(state: BatchState) -> BatchState:
    is_going_on = state.status is BatchStatus.IN_PROGRESS
    return replace(state, status=BatchStatus.CANCELLING) if is_going_on else state


def _key(id: str) -> str:
    return f"recite:batch:{id}"
