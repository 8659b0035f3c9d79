"""A draft is discarded while its encoder still works in a thread."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.jobs import make_recipe
from tests.fakes.sounds import spoken
from worker.draft import Draft

pytestmark = pytest.mark.unit


async def test_who_is_cancelled_leaves_no_file(tmp_path: Path) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def pieces() -> Iterator[bytes]:
        begun.set()
        go_on.wait(5)
        yield spoken(1)

    draft = Draft(tmp_path / "ara-0.wav", rendition=make_recipe(format="wav").request.rendition)
    appending = asyncio.create_task(draft.append(pieces()))
    await asyncio.to_thread(begun.wait, 5)
    appending.cancel()
    for _ in range(5):
        await asyncio.sleep(0)
    assert not appending.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await appending
    draft.discard()
    assert not (await asyncio.to_thread(os.listdir, tmp_path))
