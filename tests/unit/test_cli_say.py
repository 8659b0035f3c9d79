"""A text becomes a file, whole or not at all."""

from __future__ import annotations

import io
import json
import os
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.api_client import ApiClient
from cli.failure import Failure
from cli.say import Wish, say

pytestmark = pytest.mark.unit

JOB = {"id": "ara-1.mp3", "status": "ready", "cache": "hit", "duration_ms": 3120}


class Api:
    """An api that remembers what it was asked, and for how long it was to wait; a job stands so before it is ready."""

    def __init__(self, audio: bytes = b"sound", *, status: int = 200, before: Sequence[dict[str, Any]] = ()) -> None:
        self.orders: list[dict[str, Any]] = []
        self.waits: list[str | None] = []
        self._audio, self._status = audio, status
        self._states = [*before, JOB]
        http = httpx.Client(base_url="http://here:1", transport=httpx.MockTransport(self._answer))
        self.client = ApiClient(http)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            self.orders.append(json.loads(request.content))
            self.waits.append(request.headers["Prefer"])
            return httpx.Response(200, json=self._states.pop(0))
        if request.url.path.startswith("/v1/jobs/"):
            self.waits.append(request.url.params["wait"])
            return httpx.Response(200, json=self._states.pop(0))
        return httpx.Response(self._status, content=self._audio)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_file_is_named_after_the_job(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    say(Api().client, wish=Wish(text="Hello"))

    assert (here / "ara-1.mp3").read_bytes() == b"sound"
    assert capsys.readouterr().out == "ara-1.mp3  3.1 s  hit\n"


SLOW = [
    {**JOB, "status": "queued", "utterances": None, "utterances_done": 0},
    {**JOB, "status": "rendering", "utterances": 3, "utterances_done": 0},
    {**JOB, "status": "rendering", "utterances": 3, "utterances_done": 2},
]


def all_of(terminal: int) -> str:
    """What a terminal that nobody writes to any more has shown."""
    shown = b""
    # Its end is an error.
    with os.fdopen(terminal, "rb", buffering=0) as file, suppress(OSError):
        while piece := file.read(4096):
            shown += piece
    return shown.decode()


def test_a_terminal_shows_how_far_it_is(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    api = Api(before=SLOW)
    terminal, ours = os.openpty()
    with os.fdopen(ours, "w") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        say(api.client, wish=Wish(text="Hello"))
    shown = all_of(terminal)

    lines = dict.fromkeys(re.findall(r"(?:queued|rendering)[\w: ]*", shown))
    assert list(lines) == ["queued", "rendering: 0 of 3 utterances done", "rendering: 2 of 3 utterances done"]
    assert shown.endswith("\x1b[2K")
    assert api.waits == ["wait=0", "1", "1", "1"]


def test_nobody_sees_a_line_without_a_terminal(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    api = Api(before=SLOW)
    say(api.client, wish=Wish(text="Hello"))

    assert capsys.readouterr().err == ""
    assert api.waits == ["wait=30", "30", "30", "30"]


@pytest.mark.parametrize(
    ("wish", "order"),
    [
        (Wish(text="a"), {"text": "a"}),
        (Wish(text="a", output=Path("b.FLAC")), {"text": "a", "format": "flac"}),
        (Wish(text="a", output=Path("b.dat"), format="wav"), {"text": "a", "format": "wav"}),
        (Wish(text="a", output=Path("b")), {"text": "a"}),
        (Wish(text="a", voice="rex", speed=1.5), {"text": "a", "voice": "rex", "speed": 1.5}),
    ],
)
def test_only_what_was_asked_for_is_sent(here: Path, wish: Wish, order: dict[str, Any]) -> None:
    api = Api()

    say(api.client, wish=wish)

    assert api.orders == [order]


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (Wish(text="a", output=Path("b.txt")), "b.txt: .txt names no format (wav, mp3, "),
        (Wish(text="a", output=Path("b.mp3"), format="wav"), "b.mp3 would hold wav: name it so"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_refused(here: Path, wish: Wish, words: str) -> None:
    api = Api()

    with pytest.raises(Failure, match=re.escape(words)):
        say(api.client, wish=wish)

    assert api.orders == []


def test_text_comes_from_standard_input(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    api = Api()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("Grüße\n".encode())))

    say(api.client, wish=Wish(text="-"))

    assert api.orders == [{"text": "Grüße\n"}]


def test_text_that_is_not_utf8_is_refused(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff")))

    with pytest.raises(Failure, match="not UTF-8"):
        say(Api().client, wish=Wish(text="-"))


def test_audio_goes_to_standard_output(here: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    say(Api(b"\x00\xff").client, wish=Wish(text="a", output=Path("-")))

    assert capsysbinary.readouterr().out == b"\x00\xff"
    assert list(here.iterdir()) == []


def test_json_holds_the_job_and_the_file(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    say(Api().client, wish=Wish(text="a", output=Path("b.mp3")), as_json=True)

    assert json.loads(capsys.readouterr().out) == {"file": "b.mp3", **JOB}


def test_standard_output_takes_the_audio_alone(here: Path) -> None:
    with pytest.raises(Failure, match="--play and --json"):
        say(Api().client, wish=Wish(text="a", output=Path("-")), as_json=True)


def test_a_broken_download_leaves_the_old_file(here: Path) -> None:
    (here / "a.mp3").write_bytes(b"old")

    with pytest.raises(Failure):
        say(Api(status=503).client, wish=Wish(text="a", output=Path("a.mp3")))

    assert [path.name for path in here.iterdir()] == ["a.mp3"]
    assert (here / "a.mp3").read_bytes() == b"old"


def test_a_place_that_cannot_be_written_is_said(here: Path) -> None:
    with pytest.raises(Failure, match=r"missing/a\.mp3 can't be written"):
        say(Api().client, wish=Wish(text="a", output=Path("missing/a.mp3")))
