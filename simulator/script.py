"""What is said: the text itself, an answer to it, or what a fault makes of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from simulator.faults import Act
from simulator.wit import answer

_READING = re.compile(r"\b(read|reads|say|speak|repeat|recite|narrate|verbatim|word[ -]for[ -]word)\b", re.I)
_QUOTED = re.compile(r'["“](.+)["”]|:\s*(\S.*)\Z', re.S)
_LANGUAGE = re.compile(r"\blanguage\b[^.]*?\b(?:tag|code)(?:\s+is)?\W+([a-z]{2,3}(?:-[a-z0-9]{2,8})*)\b", re.I)


@dataclass(frozen=True, kw_only=True, slots=True)
class Script:
    """`asked` is the text as the client sent it, `said` what the voice says and the transcript shows.

    `seconds`: said again and again for as long.
    """

    asked: str
    said: str
    seconds: float | None = None


def verbatim(text: str) -> Script:
    """Read as it is."""
    return Script(asked=text, said=text)


def by_instructions(instructions: str, *, message: str | None, turn: int = 1, is_audio: bool = False) -> Script:
    """The model's turn: reading instructions make it read the last message (or what they quote), others answer it.

    What was spoken to it is always answered.
    """
    if _READING.search(instructions) and not is_audio:
        if message is not None:
            return verbatim(message)
        if quoted := _QUOTED.search(instructions):
            return verbatim(quoted[1] or quoted[2])
    reply = answer(message, turn=turn)
    return Script(asked=message or "", said=reply.text, seconds=reply.seconds)


def bent(script: Script, act: Act | None) -> Script:
    """The script as a fault leaves it."""
    words = script.said.split()
    if act is Act.HALF_WORDS:
        half = " ".join(words[: len(words) // 2]) or script.said[: len(script.said) // 2]
        return replace(script, said=half)
    if act is Act.PARAPHRASE:
        return replace(script, said=" ".join(["Sure,", "in", "short:", *reversed(words[:-2])]))
    return script


def language_in(instructions: str) -> str | None:
    """The language tag that instructions ask for (`… the language with the tag pt-BR`), if they do."""
    found = _LANGUAGE.search(instructions)
    return found[1] if found else None
