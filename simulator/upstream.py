"""What all connections to one simulator share: options, counters, planned faults, tokens, and the sessions open."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from simulator.accounts import Accounts
from simulator.bills import Bills
from simulator.chat_faults import CHAT_FAULTS
from simulator.chats import Chats
from simulator.conversations import Conversations
from simulator.fault_plan import ChatFaultPlan, FaultPlan
from simulator.faults import FAULTS
from simulator.options import Options
from simulator.stats import Stats
from simulator.tokens import PREFIX, TokenMint

# One of two threads speaks, the other one resamples what was spoken before.
_VOICE_THREADS = 2


@dataclass(slots=True)
class Closing:
    """That all sessions end which are open at a time, and how."""

    event: asyncio.Event = field(default_factory=asyncio.Event)
    code: int | None = None


class Upstream:
    """The state of one simulator; only its own event loop touches it."""

    def __init__(self, options: Options, *, clock: Callable[[], float]) -> None:
        self.options = options
        self.stats = Stats()
        self.accounts = Accounts()
        self.bills = Bills()
        self.plan = FaultPlan()
        self.chat_plan = ChatFaultPlan()
        self.chats = Chats()
        self.clock = clock
        self.tokens = TokenMint(clock)
        self.voices = ThreadPoolExecutor(_VOICE_THREADS, thread_name_prefix="voice")
        self.conversations = Conversations(clock)
        self.closing = Closing()
        self._numbers = itertools.count(1)

    def key_for(self, bearer: str, *, tokens_too: bool = True) -> str | None:
        """The key that a bearer stands for, None when it is not good."""
        if bearer.startswith(PREFIX):
            return self.tokens.key_of(bearer) if tokens_too else None
        return bearer if self.options.accepts(bearer) else None

    def is_full(self, key: str, *, as_it_stands: bool = False) -> bool:
        """Whether a key has all the sessions that it may have: with `as_it_stands`, those open now, at least one."""
        account = self.accounts.of(key)
        cap = self.options.max_sessions if account.max_sessions is None else account.max_sessions
        return account.open >= (min(cap, max(1, account.open)) if as_it_stands else cap)

    def plan_fault(
        self, name: str, *, times: int | None = None, text: str | None = None, key: str | None = None
    ) -> None:
        """Plans a fault of either table; raises ValueError when there is none of the name."""
        if name in FAULTS:
            self.plan.add(FAULTS[name], times=times, text=text, key=key)
        elif name in CHAT_FAULTS:
            self.chat_plan.add(CHAT_FAULTS[name], times=times, text=text, key=key)
        else:
            raise ValueError(f"fault: unknown; one of {', '.join([*FAULTS, *CHAT_FAULTS])}")

    def clear_faults(self) -> None:
        """No fault is planned any more."""
        self.plan.clear()
        self.chat_plan.clear()

    def pending_faults(self) -> dict[str, int | None]:
        """How often each planned fault will still happen; None is always."""
        return self.plan.pending() | self.chat_plan.pending()

    def hang_up(self, code: int | None = 1001) -> None:
        """Ends every session that is open now: with a close code, or without a close frame."""
        self.closing.code = code
        self.closing.event.set()
        self.closing = Closing()

    @contextmanager
    def seat(self, key: str) -> Iterator[int]:
        """One of the key's sessions, for as long as the block runs; the connection's number."""
        self.accounts.of(key).connect()
        self.stats.connect()
        try:
            with self.bills.session(key):
                yield next(self._numbers)
        finally:
            self.stats.disconnect()
            self.accounts.of(key).disconnect()

    def dice(self, number: int) -> random.Random:
        """What varies on a connection: the same seed and number, the same throws."""
        return random.Random(f"{self.options.seed}:{number}")
