"""Text in the pieces in which a chat model writes it."""

from __future__ import annotations

import re

# Short, so that words, Markdown's signs and a flag's two letters arrive in parts.
_TOKEN = re.compile(r"\s*(?:\w{1,5}|[^\w\s])|\s+")


def tokens_in(text: str) -> list[str]:
    """Joined they are the text."""
    return _TOKEN.findall(text)
