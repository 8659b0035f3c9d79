"""The relay's own events, all `relay.*`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from relay.closes import Closing

Event = dict[str, Any]

# Nobody can make us repeat more than so much.
_MOST_FIELDS, _LONGEST_FIELD = 20, 80


def session(
    session_id: str,
    *,
    resume_token: str | None,
    resumed: bool,
    expires_at: str,
    voice: str,
    sample_rate: int,
    recording: bool,
    limits: Mapping[str, float],
) -> Event:
    """The first thing a client hears; `limits` has idle_seconds, session_seconds, message_bytes, and so on."""
    return {
        "type": "relay.session",
        "session_id": session_id,
        "resume_token": resume_token,
        "resumed": resumed,
        "expires_at": expires_at,
        "voice": voice,
        "sample_rate": sample_rate,
        "recording": recording,
        "limits": dict(limits),
    }


def waiting() -> Event:
    """No seat is free yet."""
    return {"type": "relay.waiting"}


def error(code: str, message: str, *, event_id: str | None = None) -> Event:
    """Something that the client sent was not passed on."""
    return {"type": "relay.error", "error": {"code": code, "message": message}, "event_id": event_id}


def ignored(event: str, fields: Sequence[str], *, event_id: str | None = None) -> Event:
    """These fields, the first of them at least, were taken out of what the client sent."""
    told = [name[:_LONGEST_FIELD] for name in fields[:_MOST_FIELDS]]
    return {"type": "relay.ignored", "event": event, "event_id": event_id, "fields": told}


def dropped(*, messages: int, size: int, total_messages: int) -> Event:
    """So much stale microphone audio was dropped since the last such event."""
    return {"type": "relay.dropped", "messages": messages, "bytes": size, "total_messages": total_messages}


def ending(reason: str, *, seconds: float) -> Event:
    """The session ends soon (`idle` or `session_length`)."""
    return {"type": "relay.ending", "reason": reason, "seconds": round(seconds, 1)}


def going_away(seconds: float) -> Event:
    """This process stops in so many seconds."""
    return {"type": "relay.going_away", "seconds": round(seconds, 1)}


def closing(end: Closing, *, resumable: bool) -> Event:
    """The last thing a client hears."""
    return {
        "type": "relay.closing",
        "code": end.code,
        "reason": end.reason,
        "message": end.message,
        "resumable": resumable,
    }
