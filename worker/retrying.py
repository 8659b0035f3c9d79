"""Carries out the retry decision: one step, tried until it works or is given up."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from speech.errors import RenderError, Unavailable
from speech.retry import RetryPolicy, retry_delay

log = logging.getLogger(__name__)
Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class Retrying:
    """A policy with the clockwork it needs; `sleep` takes seconds, `jitter` gives 0 to 1."""

    policy: RetryPolicy
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = random.random

    async def __call__(
        self, step: Callable[[], Awaitable[Result]], *, name: str, again: Callable[[], Awaitable[object]] | None = None
    ) -> Result:
        """The step's result; `again` runs before every further try. Raises the last error when it is given up."""
        attempt = 1
        while True:
            try:
                return await step()
            except (RenderError, Unavailable) as error:
                delay = retry_delay(error, attempt=attempt, policy=self.policy, jitter=self.jitter())
                if delay is None:
                    raise
                why = f"{error.code} ({error.detail})"
                log.warning("[X.AI TTS] %s: attempt %d: %s, again in %.1f s", name, attempt, why, delay)
            await self.sleep(delay)
            attempt += 1
            if again is not None:
                await again()
