"""The header that makes a browser save a file under a name that somebody typed."""

from __future__ import annotations

import unicodedata
from urllib.parse import quote

_LONGEST = 120
_UNSAFE = frozenset('"\\/:*?<>|;%')


def attachment(file_name: str) -> str:
    """`Content-Disposition` for a download (RFC 6266): an ASCII name for old clients, the full one for the others."""
    safe = without_controls(file_name)
    safe = "".join("_" if character in _UNSAFE else character for character in safe).strip(" .")[:_LONGEST] or "audio"
    plain = unicodedata.normalize("NFKD", safe).encode("ascii", "ignore").decode()
    plain = "".join("_" if character in _UNSAFE else character for character in plain).strip(" .") or "audio"
    header = f'attachment; filename="{plain}"'
    return header if plain == safe else f"{header}; filename*=UTF-8''{quote(safe, safe='')}"


def without_controls(value: str) -> str:
    """The value without anything that could end a header line or change how it reads."""
    return "".join(character for character in value if unicodedata.category(character)[0] != "C")
