"""Ready is said when every piece is, and what is missing is named with its log."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cli.announce import Answer, changes, complaint, missing_pieces
from cli.api_url import api_url
from settings import load_settings
from tests.fakes.environment import settle_in

pytestmark = pytest.mark.unit

READY = "http://127.0.0.1:8080/ready"
HEALTH = "http://127.0.0.1:8000/health"
LIVES = {HEALTH: (200, {"status": "healthy"})}
STATS = "http://127.0.0.1:8090/control/stats"
ALL = {name: {"status": "ok"} for name in ("redis", "bucket", "worker_interactive", "worker_bulk")}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    settle_in(monkeypatch, tmp_path)
    return tmp_path


def missing(answers: Mapping[str, tuple[int, Any]]) -> dict[str, str]:
    """What is missing when these addresses answer so and no others do."""

    def ask(url: str, key: str | None) -> Answer:
        status, document = answers.get(url, (None, {}))
        return status, json.loads(json.dumps(document))

    return missing_pieces(load_settings(), ask=ask)


def test_all_is_there(here: Path) -> None:
    assert missing({READY: (200, {"status": "ready", "checks": ALL}), **LIVES}) == {}


def test_a_silent_api_is_named(here: Path) -> None:
    assert missing({}) == {"api": "does not answer"}


def test_pieces_that_are_down_are_named(here: Path) -> None:
    checks = {**ALL, "redis": {"status": "down"}, "worker_bulk": {"status": "down"}}

    answers = {READY: (503, {"status": "unready", "checks": checks}), **LIVES}
    assert set(missing(answers)) == {"redis", "worker_bulk"}


def test_a_foreign_server_on_the_port_is_not_ready(here: Path) -> None:
    assert missing({READY: (404, {}), **LIVES}) == {"api": "answers with HTTP 404"}


def test_the_simulator_counts_where_it_is_embedded(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_URL", "ws://127.0.0.1:8090/v1/realtime")
    ready = (200, {"status": "ready", "checks": ALL})

    assert missing({READY: ready, **LIVES}) == {"simulator": "does not answer"}
    assert missing({READY: ready, **LIVES, STATS: (200, {})}) == {}


@pytest.mark.parametrize(
    ("answers", "state"), [({}, "does not answer"), ({HEALTH: (503, {"status": "draining"})}, "answers with HTTP 503")]
)
def test_the_relay_counts_too(here: Path, answers: dict[str, tuple[int, Any]], state: str) -> None:
    ready = (200, {"status": "ready", "checks": ALL})

    assert missing({READY: ready, **answers}) == {"relay": state}


def test_the_complaint_names_the_logs(tmp_path: Path) -> None:
    words = complaint({"bucket": "is not ready", "worker_bulk": "is not ready"}, logs=tmp_path)

    assert words.startswith("Recite is not ready after 60 s: ")
    assert f"bucket is not ready (log: {tmp_path}/s3.log)" in words
    assert f"{tmp_path}/worker-bulk.log" in words


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8080"),
        ("0.0.0.0", "http://127.0.0.1:8080"),
        ("::1", "http://[::1]:8080"),
        ("::", "http://[::1]:8080"),
        ("localhost", "http://localhost:8080"),
    ],
)
def test_the_address_is_one_that_can_be_opened(
    here: Path, monkeypatch: pytest.MonkeyPatch, host: str, url: str
) -> None:
    for name, value in {"HOST": host, "RECITE_API_KEYS": "key", "PUBLIC_URL": "https://speech.example.com"}.items():
        monkeypatch.setenv(name, value)

    assert api_url(load_settings()) == url


def test_what_goes_away_is_said_once_and_what_comes_back_too() -> None:
    told: set[str] = set()
    gone = {"redis": "is not ready"}
    assert changes({}, gone, told=told) == []
    assert len(changes(gone, gone, told=told)) == 1
    assert changes(gone, gone, told=told) == []
    assert changes(gone, {}, told=told) == ["redis is back"]
    assert changes({}, {}, told=told) == []
