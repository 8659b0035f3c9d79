"""What stands in the way of a start is said in sentences that hold no secret."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from cli.preflight import obstacles
from cli.twins import Twins
from settings import load_settings
from tests.fakes.environment import settle_in
from tests.fakes.services import free_port

pytestmark = pytest.mark.unit


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    settle_in(monkeypatch, tmp_path)
    return tmp_path


def found(here: Path, **variables: object) -> list[str]:
    ports = {"API_PORT": free_port(), "PORT": free_port(), "SIMULATOR_PORT": free_port()}
    (here / ".env").write_text("\n".join(f"{name}={value}" for name, value in {**ports, **variables}.items()))
    settings = load_settings(with_embedded=False)
    return obstacles(settings, Twins.needed(settings, before={}))


def test_nothing_stands_in_the_way(here: Path) -> None:
    assert found(here) == []


def test_an_upstream_without_a_key_is_a_contradiction(here: Path) -> None:
    (problem,) = found(here, API_URL="wss://api.x.ai/v1/realtime")

    assert "XAI_API_KEY" in problem


def test_half_a_pair_of_keys_is_a_contradiction(here: Path) -> None:
    (problem,) = found(here, AWS_ACCESS_KEY_ID="only-this-one")

    assert "AWS_SECRET_ACCESS_KEY" in problem


@pytest.mark.parametrize("pair", [("API_PORT", "SIMULATOR_PORT"), ("API_PORT", "PORT"), ("PORT", "SIMULATOR_PORT")])
def test_two_servers_want_one_port(here: Path, pair: tuple[str, str]) -> None:
    port = free_port()

    (problem,) = found(here, **dict.fromkeys(pair, port))

    assert f"{pair[0]} and {pair[1]} are both {port}" in problem


def test_the_relay_needs_its_port(here: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        (problem,) = found(here, PORT=taken.getsockname()[1])

    assert "(PORT) is in use by" in problem


def test_every_given_service_that_does_not_answer_is_named(here: Path) -> None:
    problems = found(
        here,
        REDIS_URL=f"redis://:hush@127.0.0.1:{free_port()}/0",
        CELERY_BROKER_URL=f"amqp://guest:hush@127.0.0.1:{free_port()}//",
        S3_ENDPOINT_URL=f"http://127.0.0.1:{free_port()}",
        RECITE_SECRET="x" * 32,
        AWS_ACCESS_KEY_ID="hush",
        AWS_SECRET_ACCESS_KEY="hush",
    )

    assert len(problems) == 3
    assert all(name in str(problems) for name in ("REDIS_URL", "CELERY_BROKER_URL", "S3_ENDPOINT_URL"))
    assert all("does not answer" in problem for problem in problems)
    assert "hush" not in str(problems)


def test_an_address_that_is_none_is_said(here: Path) -> None:
    (problem,) = found(here, REDIS_URL="localhost:6379", RECITE_SECRET="x" * 32)

    assert "REDIS_URL is no address" in problem


def test_a_given_redis_needs_a_secret(here: Path) -> None:
    problems = found(here, REDIS_URL="localhost:6379")

    assert any("RECITE_SECRET is not set" in problem and "recite init" in problem for problem in problems)
