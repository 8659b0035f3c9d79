"""RECITE_DATA_DIR is private and used once at a time."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cli.data_dir import DataDir
from cli.failure import Failure

pytestmark = pytest.mark.unit


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_only_its_owner_may_look_in(tmp_path: Path) -> None:
    home = DataDir.open(tmp_path / "deep" / "home")
    file = home.write("secret", "text")

    assert mode(home.path) == 0o700
    assert {mode(home.child(name)) for name in ("logs", "redis", "s3", "run")} == {0o700}
    assert mode(file) == 0o600


def test_a_directory_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir(mode=0o755)

    assert mode(DataDir.open(tmp_path / "home").path) == 0o755


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    home = DataDir.open(tmp_path)
    home.write("file", "old and longer")
    home.child("file.new").write_text("left by a crash")

    assert home.write("file", "new").read_text() == "new"
    assert not home.child("file.new").exists()


def test_the_second_one_is_told_about_the_first(tmp_path: Path) -> None:
    home = DataDir.open(tmp_path)
    descriptor = home.lock()

    with pytest.raises(Failure, match=f"process {os.getpid()}.*RECITE_DATA_DIR"):
        home.lock()

    os.close(descriptor)
    os.close(home.lock())


def test_a_place_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(Failure, match="RECITE_DATA_DIR"):
        DataDir.open(tmp_path / "file" / "home")
