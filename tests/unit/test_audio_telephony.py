"""G.711 against another implementation, over all of its bytes."""

from __future__ import annotations

import audioop

import pytest

from audio.telephony import from_a_law, from_mu_law

pytestmark = pytest.mark.unit

ALL = bytes(range(256))


def test_every_byte_has_its_sample() -> None:
    assert from_mu_law(ALL) == audioop.ulaw2lin(ALL, 2)
    assert from_a_law(ALL) == audioop.alaw2lin(ALL, 2)
    assert from_mu_law(b"") == b""
