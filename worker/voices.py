"""Speaks with whichever key an utterance is paid by: a pool of sessions for each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from speech.ports import Delivery, Spoken
from speech.upstream_key import UpstreamKey
from xai.per_key import PerKey
from xai.pool import SessionPool


class Voices:
    """Implements speech.ports.Synthesizer; `service` is the key of a delivery that names none."""

    def __init__(self, pools: PerKey[SessionPool], *, service: UpstreamKey) -> None:
        self._pools = pools
        self._service = service

    async def speak(self, text: str, *, delivery: Delivery, on_audio: Callable[[bytes], Awaitable[None]]) -> Spoken:
        """Speaks by the key's own sessions."""
        with self._pools.use(delivery.key or self._service) as pool:
            return await pool.speak(text, delivery=delivery, on_audio=on_audio)

    def paused_for(self, key: UpstreamKey) -> float:
        """For how many seconds nobody is served with this key, the upstream having asked for it; as far as known."""
        pool = self._pools.look(key)
        return pool.paused_for if pool else 0.0
