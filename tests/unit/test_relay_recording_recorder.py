"""The tap: what it takes in becomes pieces on disk, to the last moment."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from relay.order import LiveOrder
from relay.recording.folder import Folder, Waiting
from relay.recording.piece import Piece, PieceName
from relay.recording.recorder import Recorder
from speech.errors import Unavailable
from tests.fakes.conversations import append, recorded
from tests.fakes.sounds import tone

pytestmark = pytest.mark.unit

ORDER = LiveOrder(session_id="session-1", voice="ara", instructions="", record=True)
SECOND = tone(24_000)


class WaywardFolder(Folder):
    """A disk that is slow, or full, when it is told."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, max_bytes=10**9)
        self.is_asked, self.may_write, self.is_full = threading.Event(), threading.Event(), False
        self.may_write.set()

    def keep(self, piece: Waiting, body: bytes) -> None:
        self.is_asked.set()
        self.may_write.wait()
        if self.is_full:
            raise Unavailable("disk")
        super().keep(piece, body)


def kept(path: Path) -> list[tuple[PieceName, bytes]]:
    files = sorted(path.iterdir())
    return [(PieceName.parse(file.name.removeprefix("session-1.")), file.read_bytes()) for file in files]


async def test_what_comes_while_a_piece_is_written_is_in_the_next(tmp_path: Path) -> None:
    folder, now = WaywardFolder(tmp_path), asyncio.get_running_loop().time()
    folder.may_write.clear()
    recorder = Recorder(ORDER, folder=folder, run=1_700_000_000_000, began=now - 2)
    recorder.from_client(append(SECOND), at=now - 1)
    writing = asyncio.create_task(recorder.record(every=0.001, on_piece=lambda: None))
    await asyncio.to_thread(folder.is_asked.wait)
    recorder.from_client(append(SECOND), at=now)
    recorder.end()
    folder.may_write.set()
    await writing
    left, _ = recorded(kept(tmp_path)).channels
    assert left[:48_000].tobytes() == SECOND * 2
    assert len(kept(tmp_path)) == 2


async def test_words_outlive_the_piece_that_was_lost(tmp_path: Path) -> None:
    folder, now = WaywardFolder(tmp_path), asyncio.get_running_loop().time()
    folder.is_full = True
    recorder = Recorder(ORDER, folder=folder, run=1_700_000_000_000, began=now - 5)
    item = {"id": "u1", "role": "user", "content": [{"type": "input_text", "text": "Hello"}]}
    recorder.from_client({"type": "conversation.item.create", "item": item}, at=now - 5)
    lost = asyncio.Event()
    writing = asyncio.create_task(recorder.record(every=0.001, on_piece=lost.set))
    await lost.wait()
    folder.is_full = False
    recorder.end()
    await writing
    name, body = kept(tmp_path)[-1]
    assert name.start > 0
    assert [line["text"] for line in Piece.from_wav(body, samples=name.samples).note["transcript"]] == ["Hello"]


async def test_more_than_can_be_held_is_dropped_and_told(tmp_path: Path) -> None:
    folder, now = WaywardFolder(tmp_path), asyncio.get_running_loop().time()
    recorder = Recorder(ORDER, folder=folder, run=1_700_000_000_000, began=now - 1)
    for _ in range(40):
        recorder.from_client(bytes(1024 * 1024), at=now)
    recorder.end()
    await recorder.record(every=60, on_piece=lambda: None)
    name, body = kept(tmp_path)[-1]
    (note,) = Piece.from_wav(body, samples=name.samples).note["notes"]
    assert note["text"] == "more sound came than could be recorded"
    assert name.samples < 16 * 1024 * 1024


async def test_long_words_are_no_way_around_the_limit(tmp_path: Path) -> None:
    folder, now = WaywardFolder(tmp_path), asyncio.get_running_loop().time()
    recorder = Recorder(ORDER, folder=folder, run=1_700_000_000_000, began=now - 1)
    for number in range(40):
        content = [{"type": "input_text", "text": "x" * 1024 * 1024}]
        item = {"id": f"u{number}", "type": "message", "role": "user", "content": content}
        recorder.from_client({"type": "conversation.item.create", "item": item}, at=now)
    recorder.end()
    await recorder.record(every=60, on_piece=lambda: None)
    ((_, body),) = kept(tmp_path)
    assert 10 * 1024 * 1024 < len(body) < 20 * 1024 * 1024
