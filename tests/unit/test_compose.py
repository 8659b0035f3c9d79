"""docker-compose.yml and the Dockerfile run the same system as `recite up`, and nothing in them is open or floating."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from dotenv import dotenv_values

from cli.data_dir import DataDir
from cli.init import filled, init
from cli.programs import programs
from cli.twins import Twins
from settings import EMBEDDED_FILE, XaiSettings, load_settings
from tests.fakes.environment import settle_in

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
COMPOSE = (ROOT / "docker-compose.yml").read_text()
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE)["services"]
OURS = {name for name, service in SERVICES.items() if service["image"] == "recite:local"}
WORKERS = {"worker-interactive", "worker-bulk", "worker-outbox"}
ONE_SHOT = {"s3-owner"}


def test_it_is_the_same_system() -> None:
    assert SERVICES.keys() - ONE_SHOT == {"redis", "s3", "api", "relay", "simulator", *WORKERS}
    assert [name for name, service in SERVICES.items() if service.get("profiles") == ["simulator"]] == ["simulator"]


@pytest.mark.parametrize("lane", ["interactive", "bulk", "outbox"])
def test_workers_run_as_recite_up_runs_them(lane: str, tmp_path: Path) -> None:
    started = programs(Twins(redis=None, bucket=None, simulator=None), home=DataDir(tmp_path), grace_seconds=30)
    embedded = next(list(one.command[1:]) for one in started if one.name == f"worker-{lane}")
    service = SERVICES[f"worker-{lane}"]

    script = service["command"][2].replace("$$LANE", service["environment"]["LANE"]).replace('"', "")

    assert service["command"][:2] == ["sh", "-c"]
    assert sorted(script.split()) == sorted(["exec", "python", *embedded])


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - OURS))
def test_foreign_images_are_pinned(name: str) -> None:
    _, _, tag = SERVICES[name]["image"].rpartition(":")

    assert re.match(r"v?\d+\.\d+", tag)


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_nobody_has_more_rights_than_needed(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "privileged" not in service


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - ONE_SHOT))
def test_every_server_tells_its_health_and_comes_back(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
    assert SERVICES[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", sorted(WORKERS))
def test_workers_can_be_many(name: str) -> None:
    assert not SERVICES[name].keys() & {"container_name", "ports", "hostname"}


def test_only_the_fronts_are_reached_from_outside() -> None:
    reached = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert reached.keys() == {"api", "relay"}
    assert all(port.startswith("127.0.0.1:") for ports in reached.values() for port in ports)


@pytest.mark.parametrize("name", sorted({"api", "relay", *WORKERS}))
def test_ours_wait_for_what_they_need(name: str) -> None:
    healthy = {"condition": "service_healthy"}

    assert SERVICES[name]["depends_on"] == {"redis": healthy, "s3": healthy}


@pytest.mark.parametrize("name", sorted(WORKERS))
def test_a_worker_may_finish_its_render_however_long_it_is_given(name: str) -> None:
    grace = XaiSettings.model_fields["shutdown_grace"].default.total_seconds()

    assert SERVICES[name]["stop_grace_period"] == f"1m${{SHUTDOWN_GRACE:-{grace:.0f}}}s"


def test_a_relay_may_let_its_sessions_end_however_long_they_are_given() -> None:
    grace = XaiSettings.model_fields["shutdown_grace"].default.total_seconds()

    assert SERVICES["relay"]["stop_grace_period"] == f"15s${{SHUTDOWN_GRACE:-{grace:.0f}}}s"


def test_an_initialised_env_holds_all_that_must_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settle_in(monkeypatch, tmp_path)
    init()

    needed = set(re.findall(r"\$\{(\w+):\?", COMPOSE))

    assert needed == {name for name, value in dotenv_values(".env").items() if value}


def test_every_variable_is_in_the_example() -> None:
    example = (ROOT / ".env.example").read_text()

    for name in set(re.findall(r"\$\{(\w+)", COMPOSE)):
        assert filled(example, values={name: "x"}) != example


def test_the_containers_settings_fit_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settle_in(monkeypatch, tmp_path)
    init()
    values = dotenv_values(".env")
    for name, value in {**SERVICES["api"]["environment"], "RECITE_DATA_DIR": str(tmp_path)}.items():
        plain = re.sub(r"\$\{(\w+):[?-].*", lambda match: values.get(match[1]) or "http://127.0.0.1:8080", value)
        monkeypatch.setenv(name, plain)
    (tmp_path / EMBEDDED_FILE).write_text((ROOT / "deploy" / "simulator.env").read_text())

    assert load_settings().xai.realtime_url == "ws://simulator:8090/v1/realtime"
    monkeypatch.setenv("XAI_API_KEY", "real")
    assert load_settings().xai.realtime_url == "wss://api.x.ai/v1/realtime"


def test_the_image_holds_every_room_and_runs_as_nobody() -> None:
    wanted = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    built = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    rooms = {package.partition(".")[0] for package in built["packages"]}
    dockerfile = (ROOT / "Dockerfile").read_text()

    assert wanted >= rooms | {f"{module}.py" for module in built["py-modules"]} | {
        "pyproject.toml",
        "requirements.lock",
    }
    assert all((ROOT / name).exists() for name in wanted)
    assert re.findall(r"^USER (\w+)$", dockerfile, flags=re.MULTILINE)[-1] == "recite"
    assert "--require-hashes" in dockerfile
    assert set(re.findall(r"^FROM (\S+)", dockerfile, flags=re.MULTILINE)) == {"python:3.12-slim-bookworm"}
