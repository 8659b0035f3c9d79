"""Ephemeral tokens: good until they expire."""

from __future__ import annotations

import pytest

from simulator.tokens import PREFIX, TokenMint

pytestmark = pytest.mark.unit


def test_a_token_stands_for_its_key_until_it_expires() -> None:
    now = 1_750_000_000.0
    mint = TokenMint(lambda: now)
    token, expires_at = mint.issue("a-key", seconds=60)
    assert token.startswith(PREFIX)
    assert expires_at == 1_750_000_060
    now += 59
    assert mint.key_of(token) == "a-key"
    now += 1
    assert mint.key_of(token) is None
    assert mint.key_of(PREFIX + "forged") is None
