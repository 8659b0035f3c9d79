"""The faults that are still to happen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from simulator.chat_faults import ChatFault
from simulator.faults import Fault
from simulator.stats import text_hash


class _Named(Protocol):
    @property
    def name(self) -> str: ...


F = TypeVar("F", bound=_Named)


@dataclass(slots=True)
class _Planned(Generic[F]):
    fault: F
    left: int | None


class _Plan(Generic[F]):
    """Which faults are met next, in the order in which they were planned."""

    def __init__(self) -> None:
        self._planned: dict[tuple[str, str | None, str | None], _Planned[F]] = {}

    def add(self, fault: F, *, times: int | None = None, text: str | None = None, key: str | None = None) -> None:
        """Plans a fault for the next `times` that it fits, or until it is cleared; for one text, or key, only."""
        self._planned[fault.name, _hash(text), _hash(key)] = _Planned(fault, times)

    def clear(self) -> None:
        """Forgets all that was planned."""
        self._planned.clear()

    def pending(self) -> dict[str, int | None]:
        """How often each planned fault will still happen, those for one text or key under its hash; None is always."""
        return {" ".join(filter(None, place)): planned.left for place, planned in self._planned.items()}

    def _take(self, fits: Callable[[F], bool], *, text: str, key: str) -> F | None:
        """The first that fits, counted down."""
        for place, planned in self._planned.items():
            if fits(planned.fault) and place[1] in (None, text_hash(text)) and place[2] in (None, text_hash(key)):
                if planned.left is not None:
                    planned.left -= 1
                if planned.left == 0:
                    del self._planned[place]
                return planned.fault
        return None


class FaultPlan(_Plan[Fault]):
    """The faults of connections and utterances."""

    def take(self, *, connecting: bool, text: str = "", key: str = "") -> Fault | None:
        """The fault that this connection (or utterance) of a key meets."""
        return self._take(lambda fault: fault.strikes_connection == connecting, text=text, key=key)


class ChatFaultPlan(_Plan[ChatFault]):
    """The faults of chat completions."""

    def take(self, text: str, *, key: str = "") -> ChatFault | None:
        """The fault that the completion meets whose last message is this text."""
        return self._take(lambda _: True, text=text, key=key)


def _hash(words: str | None) -> str | None:
    return None if words is None else text_hash(words)
