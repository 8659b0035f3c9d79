"""A newcomer's first minutes: a fresh checkout, ./start.sh, Ctrl-C, and ./start.sh again without a network."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import httpx
import pytest

from tests.fakes.recite_up import RunningRecite, own_settings

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
INSTALL_SECONDS = 420.0
# What a checkout holds only after it was used.
USED = shutil.ignore_patterns(
    ".git", ".venv", ".recite", ".env", ".*_cache", ".hypothesis", "__pycache__", "*.egg-info"
)


def test_a_fresh_checkout_starts_and_starts_again_offline(tmp_path: Path) -> None:
    checkout = tmp_path / "re cite"
    shutil.copytree(ROOT, checkout, ignore=USED)
    environment = own_settings(tmp_path)
    del environment["PYTHONPATH"]
    offline = {**environment, "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": "/dev/null", "PIP_FIND_LINKS": ""}

    _start_and_stop(checkout, environment, seconds=INSTALL_SECONDS, by=signal.SIGINT)
    said = _start_and_stop(checkout, offline, seconds=60, by=signal.SIGHUP)

    assert said[0] == f"Recite is ready: http://127.0.0.1:{environment['API_PORT']}"


def _start_and_stop(checkout: Path, environment: dict[str, str], *, seconds: float, by: signal.Signals) -> list[str]:
    """What it said until it ended; it renders one text and leaves no process."""
    running = RunningRecite([str(checkout / "start.sh")], environment=environment, directory=checkout.parent)
    try:
        running.wait_for("Recite is ready", seconds=seconds)
        order = {"text": "From a fresh checkout."}
        job = httpx.post(f"{running.url}/v1/jobs", json=order, headers={"Prefer": "wait=30"}, timeout=40).json()
        assert job["status"] == "ready"
        assert httpx.get(f"{running.relay_url}/live/").status_code == 200
        assert running.stop(by) == []
    finally:
        running.close()
    return running.lines
