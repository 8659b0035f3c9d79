"""Which redis-server and rclone are run, and what is said when there is none."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cli import binaries
from cli.failure import Failure

pytestmark = pytest.mark.unit


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of a Python that came with nothing; a PATH beside it."""
    (tmp_path / "python").mkdir()
    (tmp_path / "path").mkdir()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python" / "python3.11"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    return tmp_path


def add(file: Path, *, version: str = "7.2.4") -> Path:
    file.write_text(f'#!/bin/sh\necho "Redis server v={version} sha=0:0 malloc=libc bits=64"\n')
    file.chmod(0o755)
    return file


def test_the_one_beside_python_comes_first(installed: Path) -> None:
    add(installed / "path" / "redis-server")
    beside = add(installed / "python" / "redis-server")

    assert binaries.redis_server() == beside


def test_an_old_one_is_refused(installed: Path) -> None:
    add(installed / "python" / "redis-server", version="5.0.14")

    with pytest.raises(Failure, match=r"6\.2 or newer.*REDIS_URL"):
        binaries.redis_server()


def test_rclone_may_come_from_the_path(installed: Path) -> None:
    program = add(installed / "path" / "rclone")

    assert binaries.rclone() == program


def test_without_rclone_it_says_what_to_do(installed: Path) -> None:
    with pytest.raises(Failure, match="S3_ENDPOINT_URL"):
        binaries.rclone()
