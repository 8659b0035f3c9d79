"""Pieces that wait on this machine."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from relay.recording.folder import Folder, Waiting
from speech.errors import Unavailable

pytestmark = pytest.mark.unit

ONE, TWO, OTHER = Waiting("session-1", "1.wav"), Waiting("session-1", "2.wav"), Waiting("session-2", "0.wav")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "recordings"


@pytest.fixture
def folder(path: Path) -> Folder:
    return Folder(path, max_bytes=100)


def test_what_waits_is_told_in_order_to_every_process(folder: Folder, path: Path) -> None:
    assert folder.waiting() == []
    for piece in (OTHER, TWO, ONE):
        folder.keep(piece, b"sound")
    assert Folder(path, max_bytes=0).waiting() == [ONE, TWO, OTHER]
    assert path.stat().st_mode & 0o777 == 0o700


def test_a_piece_is_one_carriers_at_a_time(folder: Folder, path: Path) -> None:
    folder.keep(ONE, b"sound")
    taken = folder.take(ONE)
    assert taken is not None
    lock, body = taken
    assert body == b"sound"
    assert Folder(path, max_bytes=100).take(ONE) is None
    with lock:
        pass
    again = folder.take(ONE)
    assert again is not None
    with again[0]:
        folder.remove(ONE)
        folder.remove(ONE)
    assert folder.take(ONE) is None
    assert folder.waiting() == []


def test_no_more_than_fits_waits(folder: Folder, path: Path) -> None:
    folder.keep(ONE, bytes(60))
    with pytest.raises(Unavailable, match="disk"):
        folder.keep(TWO, bytes(41))
    assert [file.name for file in path.iterdir()] == ["session-1.1.wav"]
    folder.keep(TWO, bytes(40))


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    folder = Folder(tmp_path / "file" / "recordings", max_bytes=100)
    with pytest.raises(Unavailable, match="disk"):
        folder.keep(ONE, b"sound")
    assert folder.waiting() == []


def test_what_a_crash_left_half_written_goes(folder: Folder, path: Path) -> None:
    folder.keep(ONE, b"sound")
    fresh, old = path / "session-1.2.draft", path / "session-1.3.draft"
    for draft in (fresh, old):
        draft.write_bytes(b"half")
    os.utime(old, (time.time() - 7200, time.time() - 7200))
    assert folder.waiting() == [ONE]
    assert sorted(path.iterdir()) == [path / "session-1.1.wav", fresh]
