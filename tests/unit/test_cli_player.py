"""Whatever player there is gets the file, if it takes the format."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli import player
from cli.failure import Failure

pytestmark = pytest.mark.unit


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that is all of the PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def install(programs: Path, name: str, *, status: int = 0) -> None:
    (programs / name).write_text(f'#!/bin/sh\nprintf "%s\\n" "{name}" "$@" > played\nexit {status}\n')
    (programs / name).chmod(0o755)


def test_the_file_is_played(programs: Path) -> None:
    install(programs, "aplay")

    player.play(Path("-odd name.wav"))

    assert (programs / "played").read_text().splitlines() == ["aplay", "-q", str(programs / "-odd name.wav")]


def test_a_player_that_does_not_know_the_format_is_passed_over(programs: Path) -> None:
    install(programs, "aplay")
    install(programs, "mpv")

    player.play(Path("a.mp3"))

    assert (programs / "played").read_text().splitlines()[0] == "mpv"


def test_without_a_player_it_says_what_to_install(programs: Path) -> None:
    install(programs, "aplay")

    with pytest.raises(Failure, match=r"install ffmpeg.*a\.mp3"):
        player.play(Path("a.mp3"))


def test_a_player_that_fails_is_named(programs: Path) -> None:
    install(programs, "ffplay", status=1)

    with pytest.raises(Failure, match="ffplay could not play"):
        player.play(Path("a.mp3"))
