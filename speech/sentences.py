"""The sentences of a Markdown text, told as soon as each is complete while the text is still being written."""

from __future__ import annotations

import re

from sentencex import segment

from speech.markdown import settled, speakable
from speech.text import is_speakable

_MAY_END = re.compile(r"[.!?…。！？।۔؟\n]")
# Whether a sentence is complete shows in what follows it. A name says the least of that: `Dr.` goes on before it.
_FOLLOWING, _UNFINISHED = "Anna", re.compile(r"(?<=\s)\S*\Z")

# An open block is read whole each time: the longer it is, with minutes to be said, the more has to be new.
_PATIENCE = 64_000
_LONG = 1_000


class Sentences:
    """Fed with pieces of any length. What it tells is what would be told of the whole text, however it was cut."""

    def __init__(self, *, language: str = "auto") -> None:
        self._language = language
        # The blocks that are still open, and how many of their sentences were told.
        self._open = ""
        self._told = 0
        self._may_end = False
        self._due_at = 0

    @property
    def is_long(self) -> bool:
        """Whether reading what is open takes more than a moment."""
        return len(self._open) > _LONG

    def feed(self, piece: str) -> list[str]:
        """The sentences that are complete now and were not before, as they are said."""
        return self.read() if self.add(piece) else []

    def add(self, piece: str) -> bool:
        """Whether a sentence may be complete now; `read` tells."""
        self._open += piece.replace("\r\n", "\n")
        is_due, self._may_end = self._may_end, _MAY_END.search(piece) is not None
        if not (is_due or self._may_end):
            return False
        if len(self._open) < self._due_at:
            self._may_end = True
            return False
        return True

    def read(self) -> list[str]:
        """The sentences that were complete after the last `add`, and are not told yet."""
        news = []
        if at := settled(self._open):
            news = self._news(self._said(self._open[:at]))
            self._open, self._told = self._open[at:], 0
        news += self._news(self._said(_UNFINISHED.sub(_FOLLOWING, self._open))[:-1])
        self._due_at = len(self._open) + len(self._open) ** 2 // _PATIENCE
        return news

    def end(self) -> list[str]:
        """The rest: nothing follows."""
        news = self._news(self._said(self._open))
        self._open, self._told = "", 0
        return news

    def _news(self, said: list[str]) -> list[str]:
        news, self._told = said[self._told :], max(self._told, len(said))
        return news

    def _said(self, markdown: str) -> list[str]:
        return sentences(speakable(markdown, language=self._language), language=self._language)


def sentences(text: str, *, language: str = "auto") -> list[str]:
    """The sentences of a plain text; what has no letter of its own joins the next one."""
    tongue = "en" if language == "auto" else language.split("-")[0]
    found: list[str] = []
    for line in filter(None, text.split("\n")):
        pending = ""
        for piece in segment(tongue, line):
            pending += piece
            if any(character.isalpha() for character in pending):
                found.append(pending.strip())
                pending = ""
        if is_speakable(pending):
            found.append(pending.strip())
    return found
