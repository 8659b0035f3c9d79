"""The voices that can be asked for, and how a name that was typed becomes one of them."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from speech.errors import FieldProblem, InvalidRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class Voice:
    """A voice: `id` as xAI takes it, `description` for people."""

    id: str
    name: str
    description: str


_DESCRIBED = {
    "ara": "Female, warm, friendly",
    "rex": "Male, confident, clear",
    "sal": "Neutral, smooth, balanced",
    "eve": "Female, energetic, upbeat",
    "leo": "Male, authoritative, strong",
}
_NEWER = [
    "altair",
    "atlas",
    "aurora",
    "carina",
    "castor",
    "celeste",
    "cosmo",
    "helios",
    "helix",
    "iris",
    "kepler",
    "liora",
    "lumen",
    "luna",
    "lux",
    "naksh",
    "orion",
    "perseus",
    "rigel",
    "sirius",
    "ursa",
    "zagan",
    "zenith",
]

VOICES: dict[str, Voice] = {
    id: Voice(id=id, name=id.capitalize(), description=_DESCRIBED.get(id, "One of xAI's newer voices"))
    for id in (*_DESCRIBED, *_NEWER)
}

_CUSTOM = re.compile(r"[a-z0-9]{8}")


def resolve_voice(name: str) -> str:
    """The voice's id for a name in any case; a custom voice is 8 letters or digits.

    Raises InvalidRequest with the nearest names when it is neither.
    """
    id = name.strip().lower()
    if id in VOICES or _CUSTOM.fullmatch(id):
        return id
    nearest = difflib.get_close_matches(id[:32], VOICES, n=3, cutoff=0.3) or list(_DESCRIBED)[:3]
    message = (
        f"unknown voice; did you mean {', '.join(nearest)}? "
        "GET /v1/voices lists all; a custom voice is 8 letters or digits"
    )
    raise InvalidRequest([FieldProblem(field="voice", message=message, limit=nearest)])
