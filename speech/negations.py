"""Words that turn a sentence into its opposite."""

from __future__ import annotations

import re
from collections.abc import Sequence

from speech.words import plain

# Without apostrophes. French says `ne` or leaves it out; `pas` is what counts.
_DENYING = """
    no not never cannot aint arent cant couldnt didnt dont doesnt hadnt hasnt havent isnt mustnt neednt shouldnt
    wasnt werent wont wouldnt nothing nobody none neither nor without
    nicht nie niemals kein keine keinem keinen keiner keines nichts niemand ohne weder
    pas jamais rien aucun aucune sans non nao nunca jamas nadie nada ningun ninguna ninguem nenhum nenhuma sem
    nessuno niente senza niet geen nooit niets niemand zonder
    ikke ingen aldrig inte inget ingenting aldri nie nigdy nikt nic bez degil
    не нет ни никогда ничего никто без нельзя ні немає
    नहीं नही मत न لا لم لن ليس ليست 不 没 沒 未 無 无 非 안 않 못 없
"""
_WORDS = frozenset(map(plain, re.findall(r"\S+", _DENYING)))
# Number 5 is written `No. 5`.
_NUMBER, _NUMBERS = "no", frozenset(("number", "numero"))
_PREFIXES = frozenset(("un", "in", "im", "il", "ir", "dis", "non", "des"))
_HALVES_OF_A_DAY = {"am", "pm"}


def negations(words: Sequence[str], *, beside: Sequence[str]) -> int:
    """How many of the words deny something; `beside` stands in their place. In lower case, without accents."""
    is_number = not _NUMBERS.isdisjoint(beside)
    return sum(word in _WORDS and not (word == _NUMBER and is_number) for word in words)


def are_opposites(wanted: Sequence[str], heard: Sequence[str]) -> bool:
    """Whether one word became another by a prefix that denies it (likely, unlikely), or the morning the evening."""
    if {"".join(words)[-2:] for words in (wanted, heard)} == _HALVES_OF_A_DAY:
        return True
    if len(wanted) != 1 or len(heard) != 1:
        return False
    short, long = sorted((wanted[0], heard[0]), key=len)
    return long.endswith(short) and long.removesuffix(short) in _PREFIXES
