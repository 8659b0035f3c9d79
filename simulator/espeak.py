"""eSpeak NG, a C library with global state: loaded once, used by one thread at a time."""

from __future__ import annotations

import ctypes
import threading
from functools import cache
from typing import Any

import espeakng_loader

ESPEAK_RATE = 22_050

_SYNCHRONOUS, _BUFFER_MS, _DONT_EXIT = 2, 1000, 0x8000
_UTF8 = 1
_RATE, _PITCH, _RANGE = 1, 3, 4
_lock = threading.Lock()
_samples = bytearray()


def _collect(samples: Any, count: int, _events: Any) -> int:
    if samples and count:
        _samples.extend(ctypes.string_at(samples, count * 2))
    return 0


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)(_collect)


def synthesize(text: str, *, voices: tuple[str, ...], words_per_minute: int, pitch: int, pitch_range: int) -> bytes:
    """Mono s16le PCM at ESPEAK_RATE, spoken by the first of `voices` that eSpeak has; pitches are 0 to 100.

    Blocks for about a thousandth of the audio's length: call it in a thread.
    """
    with _lock:
        library = _library()
        # SetVoiceByName answers 0 when it found the voice
        next((name for name in voices if library.espeak_SetVoiceByName(name.encode()) == 0), None)
        for parameter, value in ((_RATE, words_per_minute), (_PITCH, pitch), (_RANGE, pitch_range)):
            library.espeak_SetParameter(parameter, value, 0)
        words = text.replace("\0", " ").encode()
        _samples.clear()
        library.espeak_Synth(words, len(words) + 1, 0, 1, 0, _UTF8, None, None)
        return bytes(_samples)


@cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    library.espeak_Synth.argtypes = [
        ctypes.c_char_p,
        ctypes.c_size_t,
        ctypes.c_uint,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.c_uint,
        ctypes.c_void_p,
        ctypes.c_void_p,
    ]
    data = espeakng_loader.get_data_path().encode()
    rate = library.espeak_Initialize(_SYNCHRONOUS, _BUFFER_MS, data, _DONT_EXIT)
    if rate != ESPEAK_RATE:
        raise RuntimeError(f"eSpeak NG did not start: it answered {rate}")
    library.espeak_SetSynthCallback(_CALLBACK)
    return library
