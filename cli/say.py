"""`recite say`: a text becomes an audio file."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from audio.codecs import FORMATS
from cli import player
from cli.api_client import ApiClient
from cli.failure import Failure
from cli.progress import progress

_STDIO = "-"


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What to speak, how, and where to; None: as the api or the file's name says."""

    text: str
    output: Path | None = None
    voice: str | None = None
    format: str | None = None
    speed: float | None = None

    def order(self) -> dict[str, Any]:
        """The body of the job request; only what was asked for."""
        text = sys.stdin.buffer.read().decode("utf-8", "surrogateescape") if self.text == _STDIO else self.text
        order = {"voice": self.voice, "format": self._format(), "speed": self.speed}
        return {"text": _decoded(text), **{field: value for field, value in order.items() if value is not None}}

    def _format(self) -> str | None:
        """What was named, or what the file's name says; raises Failure where they contradict each other."""
        ending = self.output.suffix.removeprefix(".").lower() if self.output else ""
        if self.format is None:
            if ending and ending not in FORMATS:
                known = ", ".join(FORMATS)
                raise Failure(
                    f"{self.output}: .{ending} names no format ({known}): choose one of them, or add --format"
                )
            return ending or None
        if ending in FORMATS and ending != self.format.lower():
            raise Failure(f"{self.output} would hold {self.format}: name it so, or leave --format out")
        return self.format


def say(api: ApiClient, *, wish: Wish, play: bool = False, as_json: bool = False) -> None:
    """Renders, saves and reports in one line; plays it when asked."""
    to_stdout = str(wish.output) == _STDIO
    if to_stdout and (play or as_json):
        raise Failure("-o - writes the audio itself to standard output: leave out --play and --json")
    if wish.output and not to_stdout:
        _check_writable(wish.output)
    with progress() as show:
        job = api.speak(wish.order(), on_change=show)
        if to_stdout:
            api.download(job["id"], sys.stdout.buffer)
            sys.stdout.buffer.flush()
            return
        file = wish.output or Path(job["id"])
        _save(api, job["id"], file)
    typer.echo(json.dumps({"file": str(file), **job}) if as_json else _report(job, file))
    if play:
        player.play(file)


def _check_writable(file: Path) -> None:
    """Raises Failure before anything is asked for, and paid, that could not be saved."""
    folder = file.parent
    if file.is_dir() or not os.access(folder, os.W_OK):
        raise Failure(f"{file} can't be written: name a file in a folder that exists and is yours")


def _save(api: ApiClient, name: str, file: Path) -> None:
    """The file appears whole or not at all."""
    draft = file.with_name(f"{file.name}.part")
    try:
        with draft.open("wb") as opened:
            api.download(name, opened)
        draft.replace(file)
    except OSError as error:
        raise Failure(f"{file} can't be written: {error.strerror}") from None
    finally:
        draft.unlink(missing_ok=True)


def _report(job: dict[str, Any], file: Path) -> str:
    duration = f"{job['duration_ms'] / 1000:.1f} s" if job.get("duration_ms") is not None else "length unknown"
    return f"{file}  {duration}  {job.get('cache') or ''}".rstrip()


def _decoded(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise Failure("the text is not UTF-8: convert it first, for example with iconv -t UTF-8") from None
    return text
