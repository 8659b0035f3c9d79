"""The faults that are still to happen."""

from __future__ import annotations

from simulator.faults import FAULTS, Fault
from simulator.stats import text_hash


class FaultPlan:
    """Which faults the next connections and utterances meet, in the order in which they were planned."""

    def __init__(self) -> None:
        self._left: dict[tuple[str, str | None], int | None] = {}

    def add(self, fault: Fault, *, times: int | None = None, text: str | None = None) -> None:
        """Plans a fault for the next `times` that it fits, or until it is cleared; for utterances of one text only."""
        self._left[fault.name, None if text is None else text_hash(text)] = times

    def clear(self) -> None:
        """Forgets all that was planned."""
        self._left.clear()

    def pending(self) -> dict[str, int | None]:
        """How often each planned fault will still happen, those for one text under its hash; None is always."""
        return {name if meant is None else f"{name} {meant}": left for (name, meant), left in self._left.items()}

    def take(self, *, connecting: bool, text: str = "") -> Fault | None:
        """The fault that this connection (or utterance) meets, counted down."""
        for (name, meant), left in self._left.items():
            if FAULTS[name].strikes_connection == connecting and meant in (None, text_hash(text)):
                if left is not None:
                    self._left[name, meant] = left - 1
                if left == 1:
                    del self._left[name, meant]
                return FAULTS[name]
        return None
