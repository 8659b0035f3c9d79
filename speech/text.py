"""Normalised text: equal texts become equal here, and nobody touches the text after it."""

from __future__ import annotations

import re
import unicodedata

MAX_CHARACTERS = 100_000

_LINE_ENDS = re.compile(r"\r\n|[\r\v\f\x1c\x1d\x1e\x85\u2028]")
_SPACES = re.compile(r"[^\S\n]+")
_PARAGRAPH_END = re.compile(r" *\n(?: *\n)+ *")
_LINE_END = re.compile(r" *\n *")
_KEYCAP = re.compile("[0-9#*]\ufe0f?\u20e3")
# Joiners shape words in Persian, Hindi and emoji; every other format character only steers the screen.
_KEPT_FORMAT = frozenset("\u200c\u200d")


def normalise(text: str) -> str:
    """NFC, without control characters, spaces folded within lines, paragraphs one blank line apart. Idempotent."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    text = _LINE_ENDS.sub("\n", text.replace("\u2029", "\n\n"))
    # Most texts have nothing to leave out: looking at each letter takes longer than all the rest.
    if not text.replace("\n", "").isprintable():
        text = "".join(c for c in text if c in "\n\t" or c in _KEPT_FORMAT or not _is_control(c))
    text = _SPACES.sub(" ", unicodedata.normalize("NFC", text))
    text = _LINE_END.sub("\n", _PARAGRAPH_END.sub("\n\n", text))
    return text.strip()


def is_speakable(text: str) -> bool:
    """Whether a voice has anything to say: at least one letter or digit that is not part of an emoji."""
    return any(unicodedata.category(c)[0] in "LN" for c in _KEYCAP.sub("", text))


def is_encodable(text: str) -> bool:
    """Whether the text is Unicode that UTF-8 can carry (no lone surrogates)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf")
