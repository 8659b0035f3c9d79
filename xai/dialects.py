"""The ways to make the upstream speak a text: rows of one table, in the order in which they are tried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from speech.errors import SpeakModeUnsupported
from xai.instructions import VERBATIM

Frames = tuple[dict[str, Any], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Dialect:
    """One way to speak. `announced`: `response.created` comes before the audio; otherwise audio may come alone."""

    mode: str
    frames: Callable[[str], Frames]
    announced: bool


def _force_message(text: str) -> Frames:
    content = [{"type": "output_text", "text": text}]
    item = {"type": "force_message", "role": "assistant", "interruptible": False, "content": content}
    return ({"type": "conversation.item.create", "item": item},)


def _instructed(text: str) -> Frames:
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
    return (
        {"type": "conversation.item.create", "item": item},
        {"type": "response.create", "response": {"instructions": VERBATIM}},
    )


def _user_text(text: str) -> Frames:
    return ({"type": "user.text", "text": text},)


DIALECTS = {
    row.mode: row
    for row in (
        Dialect(mode="force_message", frames=_force_message, announced=True),
        Dialect(mode="instructed", frames=_instructed, announced=True),
        Dialect(mode="user_text", frames=_user_text, announced=False),
    )
}


def modes_from(policy: str) -> tuple[str, ...]:
    """The policy's own way and those after it; raises SpeakModeUnsupported for a policy that is none."""
    modes = tuple(DIALECTS)
    if policy not in modes:
        raise SpeakModeUnsupported(f"There is no such way to speak; {', '.join(modes)} are known")
    return modes[modes.index(policy) :]
