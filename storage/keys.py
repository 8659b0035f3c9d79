"""Where things lie in the bucket, and the headers that they are kept with."""

from __future__ import annotations

from speech.ports import Area

# Nothing under an audio key ever changes. Masters are ours alone.
CACHE_CONTROL = {
    Area.AUDIO: "public, max-age=31536000, immutable",
    Area.MASTERS: "private, max-age=31536000, immutable",
}


def card_key(name: str) -> str:
    """The key of a name's card."""
    return f"cards/{name}.json"


def object_key(area: Area, name: str, *, sha256: str, extension: str) -> str:
    """The key of an object, which holds its content's hash."""
    return f"{area}/{name}/{sha256}.{extension}"
