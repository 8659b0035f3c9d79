"""How an order becomes part of a session's record, and comes back from it in another process."""

from __future__ import annotations

from typing import Any

from relay.order import LiveOrder
from speech.live_session import LiveSession


def recorded(order: LiveOrder) -> dict[str, Any]:
    """What the record keeps of it."""
    return {
        "voice": order.voice,
        "instructions": order.instructions,
        "sample_rate": order.sample_rate,
        "tools": list(order.tools),
        "may_change": sorted(order.may_change),
        "record": order.record,
    }


def order_of(session: LiveSession) -> LiveOrder:
    """The order that its record keeps."""
    kept = session.order
    return LiveOrder(
        session_id=session.id,
        voice=kept["voice"],
        instructions=kept["instructions"],
        sample_rate=kept["sample_rate"],
        tools=tuple(kept["tools"]),
        may_change=frozenset(kept["may_change"]),
        client_id=session.client_id,
        record=kept["record"],
    )
