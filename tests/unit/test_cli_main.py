"""The commands' surface: help, errors as sentences, and an import that costs little."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from tests.fakes.environment import plain_environment, settle_in
from tests.fakes.services import free_port

pytestmark = pytest.mark.unit

run = CliRunner().invoke

COMMANDS = ["up", "say", "batch", "voices", "stats", "jobs", "clients", "purge", "bucket", "init", "reseal", "doctor"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    settle_in(monkeypatch, tmp_path)
    return tmp_path


def test_help_names_every_command() -> None:
    shown = run(app, ["--help"]).output

    assert all(command in shown for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    result = run(app, [command, "--help"])

    assert result.exit_code == 0
    assert "Usage" in result.output


def test_what_goes_wrong_is_one_sentence(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv("API_PORT", str(port))

    result = run(app, ["say", "Hello"])

    assert result.exit_code == 1
    assert result.stderr == (
        f"recite: nothing answers at http://127.0.0.1:{port}: "
        "start it with ./start.sh, run this in its folder, or name another with --url\n"
    )


def test_wrong_settings_are_named_without_their_values(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_PORT", "hush")
    monkeypatch.setenv("HOST", "0.0.0.0")

    result = run(app, ["up"])

    assert result.exit_code == 1
    assert "API_PORT" in result.stderr
    assert "hush" not in result.stderr


def test_init_writes_an_env(here: Path) -> None:
    assert run(app, ["init"]).exit_code == 0
    assert (here / ".env").exists()


def test_help_imports_nothing_heavy() -> None:
    script = "import sys, json, cli.main; print(json.dumps(sorted(sys.modules)))"

    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, env=plain_environment(), check=True)

    heavy = {"httpx", "pydantic", "boto3", "redis", "celery", "numpy", "settings", "supervisor", "websockets"}
    assert heavy & set(json.loads(shown.stdout)) == set()
