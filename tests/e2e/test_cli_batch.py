"""`recite batch` as a user types it, against a running system: what is saved, what is bought, how it goes on."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import miniaudio
import pytest

from speech.utterances import cut
from tests.fakes.environment import plain_environment
from tests.fakes.recite_up import recite
from tests.fakes.stack import Stack, stack

pytestmark = pytest.mark.e2e

REPLIES = """\ufefftext,voice,custom_id
Good morning.,ara,greeting
Your order has shipped.,leo,../order
Good morning.,ara,Greeting
"""


@pytest.fixture(scope="module")
def system() -> Iterator[Stack]:
    with stack() as running:
        yield running


def run(system: Stack, directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return recite("batch", *arguments, "--url", system.api, environment=plain_environment(), directory=directory)


def saved(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir() if not file.name.startswith(".")}


def seconds(file: Path) -> float:
    length: float = miniaudio.mp3_get_file_info(str(file)).duration
    return length


def test_a_table_becomes_a_folder_of_audio(system: Stack, tmp_path: Path) -> None:
    (tmp_path / "replies.csv").write_text(REPLIES)
    before = system.utterances()
    estimated = run(system, tmp_path, "replies.csv", "--dry-run", "--json")
    assert (estimated.returncode, system.utterances()) == (0, before)
    estimate = json.loads(estimated.stdout)
    assert (estimate["lines"], estimate["misses"], estimate["duplicates"]) == (3, 2, 1)

    done = run(system, tmp_path, "replies.csv", "-o", "audio")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"rendered\W+3\b.*3 files in audio", done.stdout, re.DOTALL)
    audio = tmp_path / "audio"
    assert saved(audio) == {"greeting.mp3", "Greeting (2).mp3", "_order.mp3", "results.jsonl"}
    assert (audio / "greeting.mp3").read_bytes() == (audio / "Greeting (2).mp3").read_bytes()
    assert 0.4 < seconds(audio / "greeting.mp3") < 3
    assert system.utterances() == before + 2

    (audio / "greeting.mp3").unlink()
    again = run(system, tmp_path, "replies.csv", "-o", "audio", "--json")
    assert (again.returncode, json.loads(again.stdout)["saved"]) == (0, 3)
    assert seconds(audio / "greeting.mp3") > 0
    assert system.utterances() == before + 2


def test_a_line_that_fails_is_told_and_run_again(system: Stack, tmp_path: Path) -> None:
    lines = [{"custom_id": "good", "text": "All is well."}, {"custom_id": "bad", "text": "Say something rude."}]
    (tmp_path / "lines.jsonl").write_text("\n".join(map(json.dumps, lines)))
    system.control("POST", "faults", fault="text_refused", text="Say something rude.", times=1)
    failed = run(system, tmp_path, "lines.jsonl", "-o", "audio")
    assert failed.returncode == 1
    assert "line 2, bad: " in failed.stdout
    assert saved(tmp_path / "audio") == {"good.mp3", "results.jsonl"}

    done = run(system, tmp_path, "lines.jsonl", "-o", "audio")
    assert (done.returncode, done.stderr) == (0, "")
    assert saved(tmp_path / "audio") == {"good.mp3", "bad.mp3", "results.jsonl"}
    results = [json.loads(line) for line in (tmp_path / "audio" / "results.jsonl").read_text().splitlines()]
    assert [(result["custom_id"], result["file"]) for result in results] == [("good", "good.mp3"), ("bad", "bad.mp3")]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("lines.jsonl", b'{"text": "Fine."}\n{"text": ""}\n{"text":', ["line 2, text: is empty", "line 3"]),
        ("lines.csv", b"words\nHello\n", ["text"]),
        ("lines.json", b"[]", []),
        ("lines.txt", b"Hello", ["call it .jsonl, .csv or .json"]),
        ("none.csv", None, ["is no file that can be read"]),
    ],
)
def test_what_is_wrong_is_said_line_by_line(
    system: Stack, tmp_path: Path, name: str, content: bytes | None, words: list[str]
) -> None:
    before = system.utterances()
    if content is not None:
        (tmp_path / name).write_bytes(content)
    done = run(system, tmp_path, name, "-o", "audio")
    assert (done.returncode, done.stdout) == (1, "")
    assert all(line.startswith("recite: ") for line in done.stderr.splitlines())
    assert all(one in done.stderr for one in words), done.stderr
    assert system.utterances() == before


def test_interrupted_it_goes_on_and_buys_nothing_twice(system: Stack, tmp_path: Path) -> None:
    texts = [f"Reply {number}." for number in range(4)]
    # At the pace of speech it takes ten seconds: the batch can't have ended before that.
    texts.append(", ".join(f"number {number}" for number in range(10, 18)) + ".")
    lines = [{"custom_id": f"reply-{number}", "text": text} for number, text in enumerate(texts)]
    (tmp_path / "lines.jsonl").write_text("\n".join(map(json.dumps, lines)))
    audio, before = tmp_path / "audio", system.utterances()
    system.control("POST", "settings", pace=1)
    command = [sys.executable, "-m", "cli", "batch", "lines.jsonl", "-o", "audio", "--url", system.api]
    try:
        first = subprocess.Popen(
            command, cwd=tmp_path, env=plain_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        journal = audio / ".recite-batch.jsonl"
        system.wait(lambda: journal.is_file() and '"batch"' in journal.read_text())
        first.send_signal(signal.SIGINT)
        said = first.communicate(timeout=30)
        assert (first.returncode, said[0]) == (130, "")
        assert "the same command fetches the rest" in said[1].lower()
        assert not {"reply-4.mp3", "results.jsonl"} & saved(audio)
        assert not any(file.name.endswith(".part") for file in audio.iterdir())
    finally:
        system.control("POST", "settings", pace=0)
    done = run(system, tmp_path, "lines.jsonl", "-o", "audio", "--json")
    document: dict[str, Any] = json.loads(done.stdout)
    assert (done.returncode, document["saved"], document["counts"]["rendered"]) == (0, 5, 5)
    assert saved(audio) == {"results.jsonl", *(f"reply-{number}.mp3" for number in range(5))}
    assert system.utterances() == before + sum(len(cut(text, language="auto")) for text in texts)
