"""Signed links to private audio: who holds one may hear it until it expires."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Sequence

from itsdangerous import Signer

from speech.errors import BadSignature

# A link stays the same for an hour, so that browsers may ask for what they have by its ETag.
_SECONDS, _STEP = 24 * 3600, 3600
_SIGNATURE = re.compile(r"([0-9]{1,12})\.([A-Za-z0-9_-]{43})")


class AudioLinks:
    """Signs with the first key; the others are older ones that still count."""

    def __init__(self, keys: Sequence[bytes], *, clock: Callable[[], float] = time.time) -> None:
        # The library signs with the last one.
        self._signer = Signer(
            [*reversed(keys)], salt="recite-audio", digest_method=hashlib.sha256, key_derivation="hmac"
        )
        self._clock = clock

    def sign(self, name: str) -> str:
        """The signature of a name for a day at least: `<until, in Unix seconds>.<HMAC>`."""
        until = (int(self._clock()) + _SECONDS) // _STEP * _STEP + _STEP
        return f"{until}.{self._signer.get_signature(f'{name}.{until}').decode()}"

    def check(self, name: str, signature: str | None) -> None:
        """Raises BadSignature for a missing, a foreign and an expired one."""
        found = _SIGNATURE.fullmatch(signature or "")
        if found is None or not self._signer.verify_signature(f"{name}.{found[1]}", found[2]):
            raise BadSignature
        if self._clock() >= int(found[1]):
            raise BadSignature
