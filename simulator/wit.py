"""What the simulator answers: a little wit, the same to the same message, on the voice and in the chat."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LONGEST_TALK = 86_400.0
_HEARD = re.compile(r"\AI hear (\d+\.\d) seconds of speech\.\Z")
_UNHEARD = re.compile(r"\AI hear (no speech|Opus)\b")
_TALK = re.compile(r"\btalk for (\d+(?:\.\d+)?) (second|minute|hour)s?\b", re.I)
_GREETING = re.compile(r"\A\W*(hello|hi|hey|good (morning|afternoon|evening))\b", re.I)
_SECONDS = {"second": 1, "minute": 60, "hour": 3600}
_TALE = (
    "You asked me to keep talking, so here I go. There was once a machine that could not stop talking, "
    "and everybody was free to interrupt it. Nobody did, and so it began again."
)
_CLOSINGS = (
    "What would you like to do next?",
    "Please go on, I have all the time in the world.",
    "Is there anything else that I can do for you?",
    "Tell me more, and take your time.",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What is said; `seconds` when it is to be said again and again for as long."""

    text: str
    seconds: float | None = None


def answer(message: str | None, *, turn: int) -> Answer:
    """The answer to the last message of the user, who speaks for the `turn`-th time (the first is 1).

    `talk for 30 seconds` (minutes, hours) is answered by talking for as long.
    """
    said = (message or "").strip()
    if talk := _TALK.search(said):
        seconds = float(talk[1]) * _SECONDS[talk[2].lower()]
        return Answer(text=_TALE, seconds=min(seconds, _LONGEST_TALK))
    closing = _CLOSINGS[turn % len(_CLOSINGS)]
    return Answer(text=f"{_remark(said)} This was turn number {turn}. {closing}")


def _remark(said: str) -> str:
    if heard := _HEARD.search(said):
        return f"I heard you speak for {heard[1]} seconds, and every one of them sounded lovely."
    if not said or _UNHEARD.search(said):
        return "I heard nothing that I could understand."
    count = len(said.split())
    words = f"{count} word{'s' if count > 1 else ''}"
    if _GREETING.search(said):
        return f"Hello to you, too! I heard you say {words}."
    if said.endswith("?"):
        return f"I heard you ask something in {words}, and that is a good question."
    return f"I heard you say {words}."
