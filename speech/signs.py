"""Signs that are said as words: & and, % percent, @ at."""

from __future__ import annotations

import re
from collections.abc import Iterable

# Without accents, in the languages whose numbers are known.
_NAMES = {
    "&": "and und et y e en og",
    "@": "at arroba arobase chiocciola apenstaartje",
    "%": "percent per cent prozent pour por ciento cento procent",
    "+": "plus mas piu mais",
    "=": "equals is gleich ist egale es igual a uguale",
    "<": "is less than kleiner als",
    ">": "is greater than grosser als",
    "×": "times by mal",
    "#": "number hash hashtag sharp nummer",
    "_": "underscore unterstrich",
    "°": "degree degrees grad degre degres grado grados gradi",
    "§": "paragraph section",
    "$": "dollar dollars dolares dolar dollari dollaro",
    "€": "euro euros",
    "£": "pound pounds pfund livres libras sterline",
    "¥": "yen yuan",
    "₹": "rupee rupees",
    "❤": "love heart",
}
# Those that are said only inside a word or a number: elsewhere they are punctuation.
_NAMES_INSIDE = {
    ".": "dot point punkt punto ponto punt",
    "/": "slash barra per pro par por or oder ou o",
    ":": "colon slash to zu a doppelpunkt",
    "-": "dash hyphen to bis a til tot through minus",
    "–": "to bis a til tot through",
}
_WORDS = {sign: frozenset(names.split()) for sign, names in (_NAMES | _NAMES_INSIDE).items()}
# A point inside of a number is compared with it.
_SIGNS = re.compile(rf"[{''.join(_NAMES)}]|(?<=\w)[/:\-–](?=[\w/])|(?<=\d )[-–](?= \d)|(?<!\d)\.(?=[^\W\d])")
_CURRENCIES = ("$", "€")


def currencies_in(text: str, words: Iterable[str]) -> frozenset[str]:
    """Those that a text names, by their signs or in words; the most common ones only."""
    return frozenset(sign for sign in _CURRENCIES if sign in text or not _WORDS[sign].isdisjoint(words))


def names_of_signs(text: str) -> frozenset[str]:
    """The words that may be said for the signs of a text."""
    return frozenset[str]().union(*(_WORDS[sign] for sign in set(_SIGNS.findall(text))))
