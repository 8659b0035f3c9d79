"""Only processes that were noted, and are still the same ones, are ended."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli import leftovers

pytestmark = pytest.mark.unit

STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); signal.pause()"


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def test_a_noted_process_is_ended(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    leftovers.note(tmp_path, sleeper.pid)

    assert leftovers.end(tmp_path) == 1
    assert sleeper.wait(timeout=0) == -15
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_got_the_number_later_is_left_alone(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    (tmp_path / str(sleeper.pid)).write_text("another time of birth")

    assert leftovers.end(tmp_path) == 0
    assert sleeper.poll() is None


def test_one_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-Sc", STUBBORN], stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        leftovers.note(tmp_path, process.pid)

        assert leftovers.end(tmp_path, patience=0.05) == 1
        assert process.wait(timeout=0) == -9


def test_what_ended_by_itself_counts_for_nothing(tmp_path: Path) -> None:
    with subprocess.Popen(["true"]) as process:
        leftovers.note(tmp_path, process.pid)

    assert leftovers.end(tmp_path) == 0
    assert list(tmp_path.iterdir()) == []


def test_a_forgotten_process_is_left_alone(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    leftovers.note(tmp_path, sleeper.pid)
    leftovers.forget(tmp_path, sleeper.pid)

    assert leftovers.end(tmp_path) == 0
    assert sleeper.poll() is None
