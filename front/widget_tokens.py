"""Widget tokens: what a page of a client is given instead of a key, signed and good for a short time."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence

from itsdangerous import BadSignature, URLSafeSerializer

from speech.client import check_client_id
from speech.errors import InvalidRequest, Unauthorized

PREFIX = "rwt_"
_LONGEST = 512


class WidgetTokens:
    """Signs with the first key; the others are older ones that still count."""

    def __init__(self, keys: Sequence[bytes], *, clock: Callable[[], float] = time.time) -> None:
        # The library signs with the last one.
        self._serializer = URLSafeSerializer(
            [*reversed(keys)],
            salt="recite-widget",
            signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
        )
        self._clock = clock

    def issue(self, client_id: str, *, seconds: int) -> tuple[str, float]:
        """A token for a client's pages, and until when it is good in Unix seconds."""
        until = int(self._clock()) + seconds
        return f"{PREFIX}{_text(self._serializer.dumps([client_id, until]))}", float(until)

    def client_of(self, token: str) -> str:
        """The client that a token is of; raises Unauthorized for one that isn't ours, or has expired."""
        try:
            if len(token) > _LONGEST:
                raise BadSignature("too long")
            client_id, until = self._serializer.loads(token.removeprefix(PREFIX))
            if self._clock() < float(until):
                return check_client_id(str(client_id))
        except (BadSignature, InvalidRequest, TypeError, ValueError):
            raise Unauthorized("The widget token is not one of ours") from None
        raise Unauthorized("The widget token has expired; get another")


def _text(signed: str | bytes) -> str:
    return signed if isinstance(signed, str) else signed.decode()
