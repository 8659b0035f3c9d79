"""Where things lie in the bucket, and the headers that they are kept with."""

from __future__ import annotations

import re

from speech.client import check_client_id
from speech.ports import Area

CARDS = "cards/"
_PIECES = "recordings/pieces"
_SESSION_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")

PRIVATE = "private, no-cache"
# Nothing under an audio key ever changes. Masters are ours alone.
CACHE_CONTROL = {
    Area.AUDIO: "public, max-age=31536000, immutable",
    Area.MASTERS: "private, max-age=31536000, immutable",
}


def card_key(name: str) -> str:
    """The key of a name's card."""
    return f"{CARDS}{name}.json"


def name_of_card(key: str) -> str:
    """The name whose card lies under this key."""
    return key.removeprefix(CARDS).removesuffix(".json")


def object_key(area: Area, name: str, *, sha256: str, extension: str) -> str:
    """The key of an object, which holds its content's hash."""
    return f"{object_prefix(area, name)}{sha256}.{extension}"


def object_prefix(area: Area, name: str) -> str:
    """Where the objects of a name lie; more than one when it was made twice at the same time."""
    return f"{area}/{name}/"


def use_key(utterance: str, *, job: str) -> str:
    """The key of the mark that a job uses a master."""
    return f"{use_prefix(utterance)}{job}"


def use_prefix(utterance: str) -> str:
    """Where the marks of all jobs lie that use a master."""
    return f"uses/{utterance}/"


def recording_key(session_id: str, *, extension: str) -> str:
    """The key of a finished recording, or of its document. Raises ValueError for what is no session's id."""
    return f"recordings/{_checked(session_id)}.{extension}"


def piece_prefix(session_id: str | None = None) -> str:
    """Where the pieces of unfinished recordings lie, apart from the finished: whoever looks for work lists these."""
    return f"{_PIECES}/" if session_id is None else f"{_PIECES}/{_checked(session_id)}/"


def client_prefix(id: str | None = None) -> str:
    """Where the records of a client lie, or of all of them. Raises InvalidRequest for what is no client's id."""
    return "clients/" if id is None else f"clients/{check_client_id(id)}/"


def _checked(session_id: str) -> str:
    if not _SESSION_ID.fullmatch(session_id):
        raise ValueError("this is no session's id")
    return session_id
