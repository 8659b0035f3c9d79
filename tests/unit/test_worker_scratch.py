"""The folder of a worker process goes with it, or with the next one when it was killed."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from worker.scratch import Scratch

pytestmark = pytest.mark.unit


@pytest.fixture
def living(tmp_path: Path) -> Iterator[Scratch]:
    """The folder of another process that is alive."""
    scratch = Scratch(tmp_path)
    (scratch.folder / "0.pcm").write_bytes(b"sound")
    yield scratch
    scratch.remove()


def test_it_goes_with_its_process(living: Scratch, tmp_path: Path) -> None:
    scratch = Scratch(tmp_path)
    (scratch.folder / "reading").mkdir()
    (scratch.folder / "reading" / "0.pcm").write_bytes(b"sound")
    scratch.remove()
    assert list(tmp_path.iterdir()) == [living.folder]


def test_what_a_killed_process_left_goes_with_the_next_one(living: Scratch, tmp_path: Path) -> None:
    killed = tmp_path / f"{living.folder.name}-killed"
    (killed / "reading").mkdir(parents=True)
    (killed / "reading" / "0.pcm").write_bytes(b"sound")
    scratch = Scratch(tmp_path)
    assert set(tmp_path.iterdir()) == {living.folder, scratch.folder}
    assert (living.folder / "0.pcm").read_bytes() == b"sound"
    scratch.remove()


def test_nothing_else_goes(living: Scratch, tmp_path: Path) -> None:
    foreign, link = tmp_path / "recite-testing-0", tmp_path / "recite-worker-link"
    foreign.mkdir()
    link.symlink_to(foreign)
    Scratch(tmp_path).remove()
    assert set(tmp_path.iterdir()) == {living.folder, foreign, link}


def test_it_is_locked_and_let_go(tmp_path: Path) -> None:
    scratch = Scratch(tmp_path)
    other = os.open(scratch.folder, os.O_RDONLY)
    with pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    scratch.remove()
    fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(other)
