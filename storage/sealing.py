"""Small secrets at rest: sealed by the first key, opened by any of them."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from speech.errors import KeySealed


class Sealer:
    """Seals with keys of 32 bytes; the first is the present one, the others open what older ones sealed.

    What is sealed names its owner: moved under another name, it opens nothing.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._fernet = MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])

    def seal(self, secret: str, *, owner: str) -> str:
        """The secret as text that may be stored."""
        return self._fernet.encrypt(json.dumps([owner, secret]).encode()).decode()

    def open(self, sealed: str, *, owner: str) -> str:
        """The secret; raises KeySealed when none of the keys opens it, or when it is somebody else's."""
        try:
            of, secret = json.loads(self._fernet.decrypt(sealed))
        except (InvalidToken, ValueError):
            raise KeySealed from None
        if of != owner:
            raise KeySealed
        return str(secret)

    def reseal(self, sealed: str) -> str:
        """The same under the present key; raises KeySealed."""
        try:
            return self._fernet.rotate(sealed.encode()).decode()
        except InvalidToken:
            raise KeySealed from None
