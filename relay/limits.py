"""The limits of one live session."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class BridgeLimits:
    """The first group is the operator's, the second how the bridge works."""

    idle_seconds: float = 300.0
    session_seconds: float = 1800.0
    message_bytes: int = 1_048_576
    messages_per_second: float = 200.0

    seat_seconds: float = 20.0
    ready_seconds: float = 10.0
    update_seconds: float = 5.0
    stall_seconds: float = 60.0
    notice_seconds: float = 15.0
    farewell_seconds: float = 2.0
    waiting_audio_seconds: float = 10.0
    waiting_audio_bytes: int = 2 * 1024 * 1024
    waiting_control_messages: int = 1000
    waiting_control_bytes: int = 4 * 1024 * 1024
    waiting_for_client_bytes: int = 4 * 1024 * 1024
