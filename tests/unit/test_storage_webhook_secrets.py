"""Secrets of webhooks: made, sealed for their client, replaced with a day's notice."""

from __future__ import annotations

import base64

import pytest

from speech.errors import KeySealed
from storage.sealing import Sealer
from storage.webhook_secrets import NOTICE_SECONDS, WebhookSecrets

pytestmark = pytest.mark.unit


class Clock:
    """Stands still."""

    now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


def test_one_that_was_replaced_counts_for_a_day() -> None:
    clock = Clock()
    secrets = WebhookSecrets(Sealer([b"k" * 32]), clock=clock)
    kept, first = secrets.rotated((), owner="shop")
    assert secrets.opened(kept, owner="shop") == (first,)
    assert len(base64.b64decode(first.removeprefix("whsec_"))) == 32
    kept, second = secrets.rotated(kept, owner="shop")
    clock.now += NOTICE_SECONDS / 2
    kept, third = secrets.rotated(kept, owner="shop")
    assert secrets.opened(kept, owner="shop") == (third, second, first)
    clock.now += NOTICE_SECONDS / 2
    assert secrets.opened(kept, owner="shop") == (third, second)
    assert len(secrets.kept(kept)) == 2
    clock.now += NOTICE_SECONDS
    assert secrets.opened(kept, owner="shop") == (third,)


def test_it_opens_for_its_client_alone_and_outlives_its_seal() -> None:
    kept, secret = WebhookSecrets(Sealer([b"o" * 32])).rotated((), owner="shop")
    both, new = WebhookSecrets(Sealer([b"n" * 32, b"o" * 32])), WebhookSecrets(Sealer([b"n" * 32]))
    with pytest.raises(KeySealed):
        both.opened(kept, owner="thief")
    with pytest.raises(KeySealed):
        new.opened(kept, owner="shop")
    assert new.opened(both.kept(kept), owner="shop") == (secret,)
    assert secret not in repr(kept)
