"""Words that turn a sentence into its opposite."""

from __future__ import annotations

import re
from collections.abc import Sequence

from speech.numerals import is_numeral

# Without accents and apostrophes. French says `ne` or leaves it out; `pas` is what counts.
_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
        no not never cannot aint arent cant couldnt didnt dont doesnt hadnt hasnt havent isnt mustnt neednt shouldnt
        wasnt werent wont wouldnt
        nicht nie niemals kein keine keinem keinen keiner keines
        pas jamais non nao nunca jamas niet geen nooit ikke ingen aldrig
        """,
    )
)
# Number 5 is written `No. 5`.
_NUMBER = "no"


def negations(words: Sequence[str], where: slice) -> int:
    """How many of the words there deny something; all of them in lower case, without accents."""
    return sum(
        word in _WORDS and not (word == _NUMBER and any(map(is_numeral, words[at + 1 : at + 2])))
        for at, word in enumerate(words[where], where.start)
    )
