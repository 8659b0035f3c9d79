"""Plays an audio file with whatever player this machine has."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from cli.failure import Failure

# Those that take every format first.
_PLAYERS = (
    ("ffplay", ("-nodisp", "-autoexit", "-loglevel", "error"), None),
    ("mpv", ("--no-video", "--really-quiet"), None),
    ("afplay", (), ("wav", "mp3", "flac", "aac", "m4a")),
    ("paplay", (), ("wav", "flac", "ogg", "opus")),
    ("pw-play", (), ("wav", "flac", "ogg", "opus")),
    ("aplay", ("-q",), ("wav",)),
)


def play(file: Path) -> None:
    """Returns when it has been played; raises Failure when there is no player for it, or the player fails."""
    extension = file.suffix.removeprefix(".").lower()
    for name, arguments, formats in _PLAYERS:
        program = shutil.which(name)
        if program and (formats is None or extension in formats):
            if subprocess.run([program, *arguments, str(file.absolute())], check=False).returncode:
                raise Failure(f"{name} could not play {file}; the file is there")
            return
    raise Failure(f"no player found: install ffmpeg (ffplay) or mpv; the audio is in {file}")
