"""Names of files that any system can keep, made of what callers call their lines."""

from __future__ import annotations

import re
from unicodedata import normalize

# What Windows, or a shell, takes for something else; and what nobody sees.
_UNSAFE = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]')
_RESERVED = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)", re.IGNORECASE)
# File systems take 255 bytes; an extension and a number come behind it.
_MOST_BYTES = 200
_NAMELESS = "unnamed"


class FileNames:
    """Gives each name once, also where `A` and `a` are the same; `taken` ones it never gives."""

    def __init__(self, *taken: str) -> None:
        self._taken = {_folded(name) for name in taken}
        self._numbers: dict[str, int] = {}

    def name(self, wanted: str, *, extension: str) -> str:
        """A safe name, as near to the wanted one as can be: `greeting.mp3`, or `greeting (2).mp3` when that is gone."""
        stem = safe_stem(wanted)
        name = f"{stem}.{extension}"
        while (folded := _folded(name)) in self._taken:
            number = self._numbers[_folded(stem)] = self._numbers.get(_folded(stem), 1) + 1
            name = f"{stem} ({number}).{extension}"
        self._taken.add(folded)
        return name


def safe_stem(wanted: str) -> str:
    """A file's name without its extension: no path, nothing that a system keeps for itself, not too long."""
    stem = _UNSAFE.sub("_", normalize("NFC", wanted))
    stem = stem.encode(errors="replace")[:_MOST_BYTES].decode(errors="ignore").strip(" .")
    if _RESERVED.match(stem):
        stem = f"_{stem}"
    # A leading hyphen would be an option to many programs.
    return f"_{stem}" if stem.startswith("-") else stem or _NAMELESS


def _folded(name: str) -> str:
    return normalize("NFKC", name).casefold()
