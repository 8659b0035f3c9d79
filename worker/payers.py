"""Whose key speaks one reading: that of who asked first, and when that fails, the next caller's."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from speech.client_ports import Clients
from speech.errors import KeyRejected, KeySealed, OverBudget, SpendLimit, StaleToken, UpstreamBusy, UpstreamError
from speech.ledger_ports import Ledger
from speech.ports import Callers
from speech.spending import Spending
from speech.upstream_key import UpstreamKey, UpstreamKeys
from worker.retrying import Retrying

log = logging.getLogger(__name__)
Result = TypeVar("Result")

# A key that is paused for no longer is waited for; so is one that is refused for the first time without a time.
_PATIENCE_SECONDS = 2.0
_SEALED = "sealed"


class _Paused(Exception):
    """Nobody is served with this key for a while; nothing was spoken."""


class _Lookout:
    """Ends a wait, by its timeout, once it is in vain."""

    def __init__(self, patience: asyncio.Timeout, *, is_in_vain: Callable[[], bool]) -> None:
        self._patience, self._is_in_vain = patience, is_in_vain
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(_PATIENCE_SECONDS, self._look)

    def end(self) -> None:
        """Looks no more."""
        self._timer.cancel()

    def _look(self) -> None:
        if self._is_in_vain():
            self._patience.reschedule(self._loop.time())
        else:
            self._timer = self._loop.call_later(_PATIENCE_SECONDS, self._look)


@dataclass(frozen=True, kw_only=True)
class Wallets:
    """What the payers of all readings share. `paused_for`: how long a key's upstream serves nobody, in seconds.

    `insist` sits an outage of the bucket out, where the keys are.
    """

    ledger: Ledger
    callers: Callers
    clients: Clients
    keys: UpstreamKeys
    spending: Spending
    insist: Retrying
    paused_for: Callable[[UpstreamKey], float]
    clock: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


@dataclass(kw_only=True)
class Payers:
    """Those of one job, `client` being the present one; several utterances at once may ask for them."""

    wallets: Wallets
    job: str
    characters: int
    client: str
    _failed: set[str] = field(default_factory=set)
    _waited: set[str] = field(default_factory=set)
    _changing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def speak(
        self, attempt: Callable[[UpstreamKey], Awaitable[Result]], *, again: Callable[[], Awaitable[object]]
    ) -> Result:
        """What the attempt makes with the present payer's key, or with the next one's; `again` runs in between.

        Raises what the last attempt raised; what keys were the fault of names their groups.
        """
        while True:
            key = await self._key()
            try:
                return await attempt(key)
            except (KeyRejected, UpstreamBusy) as failure:
                failure.groups = tuple(sorted(self._failed | {key.group}))
                if self._is_patient(key, failure) or not await self._passed_on(key.group):
                    raise
            except _Paused:
                log.info("[X.AI TTS] %s: its key is paused", self.job)
            await again()

    async def while_served(self, key: UpstreamKey, speaking: Coroutine[Any, Any, Result]) -> Result:
        """What is spoken, within an attempt; given up while it waits in line for a key that is paused by then."""
        try:
            async with asyncio.timeout(None) as patience:
                lookout = _Lookout(patience, is_in_vain=lambda: self.wallets.paused_for(key) > _PATIENCE_SECONDS)
                try:
                    return await speaking
                finally:
                    lookout.end()
        except TimeoutError:
            if patience.expired():
                raise _Paused from None
            raise

    async def _key(self) -> UpstreamKey:
        """The present payer's key; one that is paused is waited for until somebody comes who has another."""
        while True:
            client = self.client
            try:
                key = await self.wallets.insist(partial(self.wallets.keys.of, client), name=self.job)
            except KeySealed as sealed:
                if not await self._passed_on(_SEALED):
                    rejected = KeyRejected(sealed.detail)
                    rejected.groups = tuple(sorted(self._failed))
                    raise rejected from None
                continue
            if self.wallets.paused_for(key) <= _PATIENCE_SECONDS:
                # One who was removed meanwhile is counted all the same.
                return replace(key, client=client)
            if not await self._passed_on(key.group):
                await self.wallets.sleep(_PATIENCE_SECONDS)

    def _is_patient(self, key: UpstreamKey, failure: UpstreamError) -> bool:
        """Whether the same key may soon do, and was not waited for already."""
        is_short = isinstance(failure, UpstreamBusy) and (failure.retry_after or 0) <= _PATIENCE_SECONDS
        if not is_short or key.group in self._waited:
            return False
        self._waited.add(key.group)
        return True

    async def _passed_on(self, failed: str) -> bool:
        """Whether somebody pays whose key has not failed; it may be another's doing, or another key of the same one."""
        async with self._changing:
            self._failed.add(failed)
            if await self._pays(self.client):
                return True
            for client in await self.wallets.callers.clients(self.job):
                if await self._pays(client):
                    log.info("[X.AI TTS] %s: goes on with the key of %s", self.job, self.client or "the service")
                    return True
        return False

    async def _pays(self, client: str) -> bool:
        wallets = self.wallets
        try:
            key = await wallets.keys.of(client)
            if key.group in self._failed:
                return False
            if key.client != self.client:
                whose = await wallets.clients.get(key.client) if key.client else None
                purse = wallets.spending.purse(whose, characters=self.characters, now=wallets.clock())
                await wallets.ledger.hand_over(self.job, purse=purse)
        except (KeySealed, OverBudget, SpendLimit, StaleToken):
            return False
        self.client = key.client
        return True
