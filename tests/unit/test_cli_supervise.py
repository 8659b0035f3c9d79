"""What the supervisor does beyond supervisord, as far as no process is needed for it."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from cli.supervise import shorten_pause

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(("pause", "kept"), [(1, 1), (3, 3), (40, 3)])
def test_what_can_start_again_waits_for_seconds_only(pause: float, kept: float) -> None:
    now = time.time()
    process = SimpleNamespace(delay=now + pause)

    shorten_pause(process, now=now)

    assert process.delay == now + kept
