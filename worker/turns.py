"""How many renders by one client's own key a worker makes at once: a slow key must not take all of its threads."""

from __future__ import annotations

import logging
from collections import OrderedDict, defaultdict
from collections.abc import Callable

from speech.errors import KeySealed, Unavailable
from speech.upstream_key import UpstreamKeys

log = logging.getLogger(__name__)


class Turns:
    """At most `most` for each key. The others are set aside by name: they stay queued, and `resume` is their turn.

    What a worker that dies has set aside is found by the sweeper.
    """

    def __init__(self, keys: UpstreamKeys, *, most: int, resume: Callable[[str], None]) -> None:
        self._keys = keys
        self._most = most
        self._resume = resume
        self._running: defaultdict[str, set[str]] = defaultdict(set)
        self._aside: defaultdict[str, OrderedDict[str, None]] = defaultdict(OrderedDict)
        # Those whose turn it is, and who have not begun yet.
        self._called: dict[str, str] = {}

    async def begin(self, name: str, *, client: str) -> bool:
        """Whether this client's job may be rendered now, until its `end`; asks nobody for who has no key."""
        group = await self._group(client)
        called = self._called.pop(name, None)
        if called not in (None, group):
            self._free(called, name)
        if group is None:
            return True
        if called != group and len(self._running[group]) >= self._most:
            self._aside[group][name] = None
            log.info("[X.AI TTS] %s: set aside, %d renders go on with its key", name, self._most)
            return False
        self._running[group].add(name)
        return True

    def end(self, name: str) -> None:
        """It has ended; somebody else's turn comes."""
        for group in [group for group, running in self._running.items() if name in running]:
            self._free(group, name)

    def passed(self, name: str) -> None:
        """It was resumed, and has ended or came to nothing."""
        if group := self._called.pop(name, None):
            self._free(group, name)

    def _free(self, group: str, name: str) -> None:
        self._running[group].discard(name)
        if aside := self._aside.get(group):
            following, _ = aside.popitem(last=False)
            # Its place is taken already.
            self._running[group].add(following)
            self._called[following] = group
            self._resume(following)
        else:
            self._aside.pop(group, None)
        if not self._running[group]:
            del self._running[group]

    async def _group(self, client: str) -> str | None:
        try:
            key = await self._keys.of(client) if client else None
        except (KeySealed, Unavailable):
            return None
        return key.group if key and key.is_own else None
