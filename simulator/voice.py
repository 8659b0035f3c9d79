"""The voices: how each of xAI's names sounds, and text turned into PCM with it."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from simulator.espeak import synthesize


@dataclass(frozen=True, kw_only=True, slots=True)
class Accent:
    """How a voice sounds: an eSpeak variant, its pitch and range (0 to 100), and its pace in words a minute."""

    variant: str
    pitch: int
    pitch_range: int = 50
    words_per_minute: int = 145


_FIVE = {
    "ara": Accent(variant="f2", pitch=45),
    "rex": Accent(variant="m3", pitch=58, words_per_minute=150),
    "sal": Accent(variant="m7", pitch=85, pitch_range=35),
    "eve": Accent(variant="f3", pitch=75, pitch_range=70, words_per_minute=155),
    "leo": Accent(variant="m1", pitch=15, pitch_range=40, words_per_minute=140),
}
_VARIANTS = ("f1", "f2", "f3", "f4", "f5", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "steph", "linda", "Andy")
_SCRIPTS = {
    "CYRILLIC": "ru",
    "GREEK": "el",
    "ARABIC": "ar",
    "HEBREW": "he",
    "DEVANAGARI": "hi",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "HANGUL": "ko",
    "CJK": "cmn",
}
_ENGLISH = "en-us"
_NAMED_OTHERWISE = {"en": _ENGLISH, "zh": "cmn", "en-gb": "en-gb-x-rp"}


def accent_of(voice: str) -> Accent:
    """The accent of any voice id; the same id always sounds the same."""
    if voice in _FIVE:
        return _FIVE[voice]
    digest = hashlib.sha256(voice.encode()).digest()
    return Accent(
        variant=_VARIANTS[digest[0] % len(_VARIANTS)],
        pitch=25 + digest[1] % 60,
        pitch_range=35 + digest[2] % 40,
        words_per_minute=135 + digest[3] % 20,
    )


def speak(text: str, *, voice: str, speed: float = 1.0, language: str = "auto") -> bytes:
    """Mono s16le PCM at ESPEAK_RATE; `language` is a tag, a language that eSpeak lacks is read as English."""
    accent = accent_of(voice)
    tag = _language_of(text) if language == "auto" else language.lower()
    primary = tag.split("-")[0]
    names = dict.fromkeys((_NAMED_OTHERWISE.get(tag, tag), _NAMED_OTHERWISE.get(primary, primary), _ENGLISH))
    return synthesize(
        text,
        voices=tuple(f"{name}+{accent.variant}" for name in names),
        words_per_minute=round(accent.words_per_minute * speed),
        pitch=accent.pitch,
        pitch_range=accent.pitch_range,
    )


def with_pronunciations(text: str, replace: Mapping[str, str]) -> str:
    """The text as it is said: whole words and phrases of the map replaced, the longest first, in any case."""
    if not replace:
        return text
    sounds = {word.lower(): sound for word, sound in replace.items()}
    words = "|".join(re.escape(word) for word in sorted(sounds, key=len, reverse=True))
    return re.sub(rf"(?<!\w)(?:{words})(?!\w)", lambda found: sounds[found[0].lower()], text, flags=re.IGNORECASE)


def _language_of(text: str) -> str:
    """The language that the first letter outside ASCII suggests by its script."""
    for character in text:
        if character.isalpha() and not character.isascii():
            script = unicodedata.name(character, "").split(" ")[0]
            if script in _SCRIPTS:
                return _SCRIPTS[script]
    return "en"
