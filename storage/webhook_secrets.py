"""What a client's webhooks are signed with: made here, kept under a seal, replaced with a day's notice."""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from storage.client_record import SealedSecret
from storage.sealing import Sealer

# How long a secret that was replaced goes on to sign beside the new one.
NOTICE_SECONDS = 24 * 3600.0
_PREFIX, _BYTES, _MOST = "whsec_", 32, 4


def as_secret(key: bytes) -> str:
    """A key as Standard Webhooks writes it."""
    return _PREFIX + base64.b64encode(key).decode()


class WebhookSecrets:
    """Seals them for their client, apart from its upstream key: neither can be taken for the other."""

    def __init__(self, sealer: Sealer, *, clock: Callable[[], float] = time.time) -> None:
        self._sealer = sealer
        self._clock = clock

    def kept(self, known: Sequence[SealedSecret]) -> tuple[SealedSecret, ...]:
        """Those that still count, under the present seal; raises KeySealed."""
        return tuple(replace(one, sealed=self._sealer.reseal(one.sealed)) for one in self._counting(known))

    def rotated(self, known: Sequence[SealedSecret], *, owner: str) -> tuple[tuple[SealedSecret, ...], str]:
        """A new one before them, of which the first counts for another day; and the new one itself."""
        secret = as_secret(secrets.token_bytes(_BYTES))
        present = [replace(one, until=self._clock() + NOTICE_SECONDS) for one in known[:1]]
        sealed = SealedSecret(sealed=self._sealer.seal(secret, owner=_own(owner)))
        return (sealed, *present, *known[1:])[:_MOST], secret

    def opened(self, known: Sequence[SealedSecret], *, owner: str) -> tuple[str, ...]:
        """Those that count, the present one first; raises KeySealed."""
        return tuple(self._sealer.open(one.sealed, owner=_own(owner)) for one in self._counting(known))

    def _counting(self, known: Sequence[SealedSecret]) -> list[SealedSecret]:
        now = self._clock()
        return [one for one in known if one.until is None or now < one.until]


def _own(client: str) -> str:
    # No client's id holds a slash.
    return f"{client}/webhook"
