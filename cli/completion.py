"""What the shell offers behind a half-typed word; what can't be known at once is not offered."""

from __future__ import annotations

import os
from collections.abc import Iterable

from cli.options import KEY, URL

# Nobody waits for a shell.
_SECONDS = 1.0


def voices(incomplete: str) -> list[str]:
    """Voices that begin so."""
    from speech.voices import VOICES

    return _fitting(VOICES, incomplete)


def formats(incomplete: str) -> list[str]:
    """Formats that begin so."""
    from audio.codecs import FORMATS

    return _fitting(FORMATS, incomplete)


def jobs(incomplete: str) -> list[str]:
    """The latest jobs whose names begin so."""
    return _fitting(_listed("/v1/jobs?limit=100", "jobs"), incomplete)


def clients(incomplete: str) -> list[str]:
    """Clients whose ids begin so."""
    return _fitting(_listed("/v1/clients", "clients"), incomplete)


def _fitting(words: Iterable[str], incomplete: str) -> list[str]:
    return [word for word in words if word.startswith(incomplete)]


def _listed(path: str, name: str) -> list[str]:
    from cli.api_client import open_api
    from cli.failure import Failure
    from settings import SettingsError
    from speech.api_key import Right

    url, key = os.environ.get(URL), os.environ.get(KEY)
    try:
        with open_api(url=url, key=key, rights=tuple(Right), seconds=_SECONDS) as api:
            _, answer = api.get(path)
    except (Failure, SettingsError):
        return []
    return [str(one["id"]) for one in answer.get(name, [])]
