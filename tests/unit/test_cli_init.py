"""`recite init` writes what ./start.sh and docker compose read, and never takes anything away."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.failure import Failure
from cli.init import init
from cli.preflight import obstacles
from cli.twins import Twins
from settings import load_settings, setting_names
from tests.fakes.environment import settle_in
from tests.fakes.services import free_port

pytestmark = pytest.mark.unit

EXAMPLE = Path(__file__).parents[2] / ".env.example"
# Read by docker-compose.yml alone.
COMPOSE_ONLY = {"REDIS_PASSWORD"}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    settle_in(monkeypatch, tmp_path)
    return tmp_path


def lines() -> list[str]:
    """Every line of the example that a variable could be set by, as if it were."""
    return [line[1:] for line in EXAMPLE.read_text().splitlines() if line[:1] == "#" and line[1:2].isupper()]


def examples() -> dict[str, str]:
    """Every variable of the example with its value."""
    return {line.partition("=")[0]: line.partition("=")[2].partition("  # ")[0] for line in lines()}


def test_the_example_lists_every_setting_once() -> None:
    assert examples().keys() == setting_names() | COMPOSE_ONLY
    assert len(examples()) == len(lines())


def test_every_line_explains_itself_and_sets_nothing_yet() -> None:
    assert all(line.startswith("#") for line in EXAMPLE.read_text().splitlines() if line)
    assert all("  # " in line for line in lines())


def test_the_example_names_the_true_defaults(here: Path) -> None:
    plain = load_settings()
    kept = {name: value for name, value in examples().items() if "your" not in value and "example" not in value}
    given = {"RECITE_API_KEYS", "RECITE_SECRET", "REDIS_URL", "CELERY_BROKER_URL", "S3_ENDPOINT_URL", *COMPOSE_ONLY}
    given |= {"TRUSTED_PROXIES", "RELAY_MAX_SESSIONS", "DAILY_SPEND_LIMIT_USD", "WEBHOOK_SECRET"}
    (here / ".env").write_text("\n".join(f"{name}={value}" for name, value in kept.items() if name not in given))

    assert load_settings() == plain


def test_every_example_can_be_set_as_it_stands(here: Path) -> None:
    (here / ".env").write_text("\n".join(lines()))

    settings = load_settings()

    assert settings.server.public_url == "https://speech.example.com"
    assert settings.redis_url == "redis://:password@127.0.0.1:6379/0"


def test_fresh_secrets_only_their_owner_can_read(here: Path) -> None:
    init()
    first = (here / ".env").read_text()
    init(force=True)

    assert (here / ".env").stat().st_mode & 0o777 == 0o600
    changed = set(first.splitlines()) ^ set((here / ".env").read_text().splitlines())
    assert {line.partition("=")[0] for line in changed} == {
        "RECITE_API_KEYS",
        "RECITE_SECRET",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "REDIS_PASSWORD",
    }


def test_an_env_that_is_there_stays(here: Path) -> None:
    (here / ".env").write_text("XAI_API_KEY=precious\n")

    with pytest.raises(Failure, match="--force"):
        init()

    assert (here / ".env").read_text() == "XAI_API_KEY=precious\n"


def test_a_plain_start_still_works_with_keys_of_its_own(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    init()
    for port in ("API_PORT", "PORT", "SIMULATOR_PORT"):
        monkeypatch.setenv(port, str(free_port()))
    settings = load_settings(with_embedded=False)

    twins = Twins.needed(settings, before={})

    assert obstacles(settings, twins) == []
    assert twins.redis
    assert twins.bucket
    assert twins.bucket.access_key_id != settings.bucket.access_key_id
    assert len(settings.server.api_keys) == 1


def test_the_public_url_is_kept(here: Path) -> None:
    init(public_url="https://speech.example.org/")

    assert load_settings().server.public_url == "https://speech.example.org"


def test_a_public_url_must_be_one(here: Path) -> None:
    with pytest.raises(Failure, match="--public-url"):
        init(public_url="speech.example.org")

    assert not (here / ".env").exists()
