"""Server-sent events as a browser reads them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx


@dataclass
class Event:
    """One event: its name, its id, and the JSON in its data."""

    event: str = ""
    id: str = ""
    lines: list[str] = field(default_factory=list)

    @property
    def data(self) -> Any:
        """What its data says."""
        return json.loads("\n".join(self.lines))


async def read_events(answer: httpx.Response) -> AsyncIterator[Event]:
    """The events of a stream, one by one, without its comments and what only sets the time to come back."""
    event = Event()
    async for line in answer.aiter_lines():
        name, _, value = line.partition(": ")
        if not line and event.lines:
            yield event
        if not line:
            event = Event()
        elif name == "data":
            event.lines.append(value)
        elif name in ("event", "id"):
            setattr(event, name, value)
