"""`recite up` and the commands that talk to it, as a user meets them."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import av
import httpx
import numpy as np
import pytest

from cli import leftovers
from cli.data_dir import DataDir
from cli.twins import BucketTwin, RedisTwin, Twins, write_variables
from settings import EMBEDDED_FILE
from tests.fakes.listening import is_speech
from tests.fakes.raw_realtime import audio_of
from tests.fakes.recite_up import RunningRecite, eventually, own_settings, recite, running_recite, runs
from tests.fakes.relays import made, talking
from tests.fakes.services import free_port

pytestmark = pytest.mark.e2e

API_KEY = "an-api-key-of-these-tests"
KEYS = {"access_key_id": "key-id-of-tests", "secret_access_key": "secret-key-of-these-tests"}
PIECES = ("redis", "bucket", "worker_interactive", "worker_bulk", "worker_outbox")


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRecite]:
    """A whole system, in a directory with a space in its name, open to those who know the key."""
    directory = tmp_path_factory.mktemp("a place")
    with running_recite(directory, environment=own_settings(directory, RECITE_API_KEYS=API_KEY)) as running:
        yield running


def decoded(file: Path) -> tuple[bytes, int]:
    """A file's samples as s16le mono PCM, and their rate."""
    with av.open(str(file)) as container:
        resampler = av.AudioResampler(format="s16", layout="mono")
        frames = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
        return b"".join(np.ascontiguousarray(frame.to_ndarray()).tobytes() for frame in frames), frames[0].sample_rate


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def checks(up: RunningRecite) -> dict[str, str]:
    """What `/ready` says of each piece; nothing while the api is away."""
    try:
        answer = httpx.get(f"{up.url}/ready", headers={"Authorization": f"Bearer {API_KEY}"})
    except httpx.TransportError:
        return {}
    return {name: check["status"] for name, check in answer.json()["checks"].items()}


def test_it_says_one_line_when_all_is_ready(up: RunningRecite) -> None:
    assert up.lines == [f"Recite is ready: {up.url}"]
    assert checks(up) == dict.fromkeys(PIECES, "ok")


def test_everything_it_writes_is_private_and_no_secret_is_on_a_command_line(up: RunningRecite) -> None:
    data = Path(up.environment["RECITE_DATA_DIR"])
    secrets = re.findall(r"(?:AWS_SECRET_ACCESS_KEY='|redis://:)(\w+)", (data / EMBEDDED_FILE).read_text())
    lines = [" ".join(process.cmdline()) for process in up.processes()]

    assert data.stat().st_mode & 0o777 == 0o700
    assert (data / EMBEDDED_FILE).stat().st_mode & 0o777 == 0o600
    assert (data / "redis.conf").stat().st_mode & 0o777 == 0o600
    assert len(secrets) == 2
    assert not any(secret in line for secret in (*secrets, API_KEY) for line in lines)


@pytest.mark.parametrize("audio_format", ["wav", "mp3"])
def test_a_text_becomes_speech(up: RunningRecite, audio_format: str) -> None:
    file = up.directory / f"hello.{audio_format}"

    said = up.recite("say", "Good morning, everybody. This is the whole house speaking.", "-o", str(file))

    assert (said.returncode, said.stderr) == (0, "")
    seconds = float(re.fullmatch(rf"{re.escape(str(file))}  ([\d.]+) s  miss\n", said.stdout).group(1))  # type: ignore[union-attr]
    pcm, rate = decoded(file)
    assert len(pcm) / 2 / rate == pytest.approx(seconds, abs=0.1)
    assert is_speech(pcm, rate=rate)


def test_the_second_time_is_a_hit(up: RunningRecite) -> None:
    first, second = (json.loads(up.recite("say", "Once and only once.", "--json").stdout) for _ in range(2))

    assert (first["cache"], second["cache"]) == ("miss", "hit")
    assert first["id"] == second["id"]
    assert (up.directory / first["file"]).exists()


def test_bad_input_is_one_sentence(up: RunningRecite) -> None:
    said = up.recite("say", "Hello", "--voice", "nobody")

    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr.startswith("recite: voice: unknown voice")
    assert said.stderr.count("\n") == 1


def test_a_wrong_key_is_one_sentence(up: RunningRecite) -> None:
    said = up.recite("voices", "--key", "wrong")

    assert said.returncode == 1
    assert "--key" in said.stderr


def test_voices_are_listed(up: RunningRecite) -> None:
    listed = json.loads(up.recite("voices", "--json").stdout)

    assert [voice["id"] for voice in listed][:5] == ["ara", "rex", "sal", "eve", "leo"]
    assert "Female, warm, friendly" in up.recite("voices").stdout


def test_the_doctor_finds_all_well_and_saves_a_phrase(up: RunningRecite) -> None:
    told = up.recite("doctor")

    assert told.returncode == 0, told.stdout
    assert told.stdout.count("✓") == 11
    assert is_speech(decoded(up.directory / "test_output.wav")[0], rate=24_000)
    embedded = (Path(up.environment["RECITE_DATA_DIR"]) / EMBEDDED_FILE).read_text()
    secrets = re.findall(r"(?:AWS_SECRET_ACCESS_KEY='|redis://:)(\w+)", embedded)
    assert not any(secret in told.stdout + told.stderr for secret in (*secrets, API_KEY))


async def test_the_relay_talks(up: RunningRecite) -> None:
    async with httpx.AsyncClient(base_url=up.relay_url, headers={"Authorization": f"Bearer {API_KEY}"}) as client:
        assert (await client.get("/live/")).status_code == 200
        session = await made(client)
    async with talking(up.relay_url, session["websocket_url"]) as talk:
        assert is_speech(audio_of(await talk.ask("Are you there?")), rate=24_000)


@pytest.mark.parametrize("words", [("api",), ("celery", "interactive"), ("simulator",), ("relay",)])
def test_what_is_killed_is_started_again(up: RunningRecite, words: tuple[str, ...]) -> None:
    old = up.program("-m", *words)
    assert old
    old.kill()

    up.wait_for("ended by itself and is started again")
    assert eventually(lambda: up.program("-m", *words) not in (None, old))
    assert eventually(lambda: checks(up) == dict.fromkeys(PIECES, "ok"))
    assert json.loads(up.recite("say", f"Still there after {words[-1]}.", "--json").stdout)["status"] == "ready"


def test_the_same_place_is_not_used_twice(up: RunningRecite) -> None:
    told = up.recite("up")

    assert told.returncode == 1
    assert f"another recite up (process {up.pid}) runs on" in told.stderr


def test_a_port_in_use_is_named(up: RunningRecite, tmp_path: Path) -> None:
    port = up.environment["API_PORT"]

    told = recite("up", environment=own_settings(tmp_path, API_PORT=port), directory=tmp_path)

    assert told.returncode == 1
    assert f"port {port} (API_PORT) is in use by " in told.stderr
    assert not (tmp_path / "data" / EMBEDDED_FILE).exists()


def test_ctrl_c_ends_everything_and_the_next_start_finds_it_all_again(tmp_path: Path) -> None:
    environment = own_settings(tmp_path)
    embedded = tmp_path / "data" / EMBEDDED_FILE
    with running_recite(tmp_path, environment=environment) as first:
        assert json.loads(first.recite("say", "Kept over night.", "--json").stdout)["cache"] == "miss"
        before = embedded.read_text()
        ports = {int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", before)} | {int(environment["API_PORT"])}
        assert all(is_open(port) for port in ports)

        assert first.stop() == []

    assert not any(is_open(port) for port in ports)
    with running_recite(tmp_path, environment=environment) as second:
        assert embedded.read_text() == before
        assert json.loads(second.recite("say", "Kept over night.", "--json").stdout)["cache"] == "hit"


def test_a_second_ctrl_c_ends_it_at_once(tmp_path: Path) -> None:
    """A render of a minute is under way: the first one waits for it and says how long, the second doesn't."""
    with running_recite(tmp_path, environment=own_settings(tmp_path, SIMULATOR_PACE="0.05")) as running:
        posted = httpx.post(f"{running.url}/v1/jobs", json={"text": "This takes about a minute."}).json()
        job = f"{running.url}/v1/jobs/{posted['id']}"
        assert eventually(lambda: httpx.get(job).json()["status"] == "rendering")

        running.interrupt()
        assert "Recite stops; renders and talks have 45 s at most" in running.wait_for("Press Ctrl-C again")
        assert eventually(lambda: not running.program("api"))
        assert running.program("celery", "interactive")
        began = time.monotonic()

        assert running.stop() == []
        assert time.monotonic() - began < 4
        assert running.wait_for("Recite stops at once")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of their parent's death")
def test_no_orphan_outlives_a_killed_supervisor(tmp_path: Path) -> None:
    with running_recite(tmp_path, environment=own_settings(tmp_path)) as running:
        supervisor, *below = running.processes()

        supervisor.kill()

        assert eventually(lambda: not any(runs(process) for process in below))


def test_what_an_interrupted_start_left_running_is_ended(tmp_path: Path) -> None:
    environment = own_settings(tmp_path)
    run = DataDir.open(Path(environment["RECITE_DATA_DIR"])).child("run")
    with subprocess.Popen(["sleep", "600"]) as left:
        leftovers.note(run, left.pid)

        with running_recite(tmp_path, environment=environment) as running:
            assert any("Ended 1 of the programs that an interrupted start had left" in line for line in running.lines)

        assert left.poll() == -signal.SIGTERM


def test_what_does_not_start_is_named_with_its_log(tmp_path: Path) -> None:
    environment = own_settings(tmp_path)
    home = DataDir.open(Path(environment["RECITE_DATA_DIR"]))
    (home.child("redis") / "appendonly.aof").write_text("not what Redis wrote")
    running = RunningRecite([sys.executable, "-m", "cli", "up"], environment=environment, directory=tmp_path)
    try:
        said = running.wait_for("redis doesn't start")
    finally:
        running.close()

    assert said == f"redis doesn't start (3 tries); see {home.log('redis')}"


def test_a_given_redis_that_does_not_answer_is_said(tmp_path: Path) -> None:
    port = free_port()
    environment = own_settings(tmp_path, REDIS_URL=f"redis://:hush@127.0.0.1:{port}/0")

    told = recite("up", environment=environment, directory=tmp_path)

    assert told.returncode == 1
    assert f"Redis at 127.0.0.1:{port} does not answer: start it, or remove REDIS_URL" in told.stderr
    assert "hush" not in told.stderr


def test_the_doctor_knows_what_was_stopped(tmp_path: Path) -> None:
    environment = own_settings(tmp_path)
    twins = Twins(redis=RedisTwin(port=1, password="p"), bucket=BucketTwin(port=1, **KEYS), simulator=free_port())
    DataDir.open(Path(environment["RECITE_DATA_DIR"])).write(EMBEDDED_FILE, write_variables(twins.variables()))

    told = recite("doctor", environment=environment, directory=tmp_path)

    for piece in ("embedded Redis", "embedded bucket", "simulator"):
        assert f"the {piece} is not running: start everything with ./start.sh" in told.stdout


def test_the_doctor_alone_says_what_is_not_running(tmp_path: Path) -> None:
    told = recite("doctor", environment=own_settings(tmp_path), directory=tmp_path)

    assert told.returncode == 1
    assert "✗ Redis     Redis is not running: start everything with ./start.sh, or set REDIS_URL" in told.stdout
    assert "✗ key       XAI_API_KEY is not set" in told.stdout
    assert "never started in this folder" in told.stdout
    assert "✓ codecs" in told.stdout
    assert not (tmp_path / "test_output.wav").exists()
    assert os.listdir(tmp_path) == []
