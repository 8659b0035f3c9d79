"""What the embedded services wrote completes the settings, and never mixes with what is given."""

from __future__ import annotations

from pathlib import Path

import pytest

from settings import EMBEDDED_FILE, SECRET_FILE, SettingsError, load_settings
from tests.fakes.environment import settle_in

pytestmark = pytest.mark.unit

TWINS = """\
REDIS_URL='redis://:twin@127.0.0.1:1/0'
S3_ENDPOINT_URL='http://127.0.0.1:2'
AWS_ACCESS_KEY_ID='twin'
AWS_SECRET_ACCESS_KEY='twin-secret'
XAI_API_KEY='simulator'
API_URL='ws://127.0.0.1:3/v1/realtime'
XAI_REST_URL='http://127.0.0.1:3/v1'
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory where an earlier start left its file."""
    settle_in(monkeypatch, tmp_path)
    (tmp_path / ".recite").mkdir()
    (tmp_path / ".recite" / EMBEDDED_FILE).write_text(TWINS)
    return tmp_path


def test_the_twins_are_found(here: Path) -> None:
    settings = load_settings()

    assert settings.redis_url == "redis://:twin@127.0.0.1:1/0"
    assert settings.bucket.endpoint_url == "http://127.0.0.1:2"
    assert settings.bucket.access_key_id == "twin"
    assert (settings.xai_key, settings.xai.realtime_url) == ("simulator", "ws://127.0.0.1:3/v1/realtime")


def test_a_given_key_brings_the_real_upstream_back(here: Path) -> None:
    (here / ".env").write_text("XAI_API_KEY=real\n")

    settings = load_settings()

    assert (settings.xai_key, settings.xai.realtime_url) == ("real", "wss://api.x.ai/v1/realtime")
    assert settings.xai.rest_url == "https://api.x.ai/v1"


def test_a_given_store_never_gets_the_twins_keys(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S3_ENDPOINT_URL", "https://s3.example.com")

    bucket = load_settings().bucket

    assert (bucket.access_key_id, bucket.secret_access_key) == (None, None)


def test_keys_for_another_store_never_go_to_the_twin(here: Path) -> None:
    (here / ".env").write_text("AWS_ACCESS_KEY_ID=mine\nAWS_SECRET_ACCESS_KEY=mine-secret\n")

    bucket = load_settings().bucket

    assert (bucket.endpoint_url, bucket.access_key_id) == ("http://127.0.0.1:2", "twin")


def test_an_empty_variable_is_none(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XAI_API_KEY", "")
    (here / ".env").write_text("REDIS_URL=\n")

    settings = load_settings()

    assert settings.xai_key == "simulator"
    assert settings.redis_url == "redis://:twin@127.0.0.1:1/0"


def test_the_file_can_be_left_aside(here: Path) -> None:
    settings = load_settings(with_embedded=False)

    assert (settings.redis.url, settings.bucket.endpoint_url, settings.xai.api_key) == (None, None, None)


def test_an_embedded_system_s_secret_is_no_other_s(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / ".recite" / SECRET_FILE).write_text(f"RECITE_SECRET='{'m' * 64}'\n")
    made = load_settings().derived("one")
    assert [len(key) for key in made] == [32]
    assert made != load_settings().derived("another")

    for given in ("REDIS_URL", "S3_ENDPOINT_URL"):
        with monkeypatch.context() as change:
            change.setenv(given, "redis://elsewhere" if given == "REDIS_URL" else "https://elsewhere")
            with pytest.raises(SettingsError, match=r"RECITE_SECRET is not set.*recite init"):
                load_settings().derived("one")

    monkeypatch.setenv("RECITE_SECRET", f"{'n' * 32}, {'m' * 64}")
    assert load_settings().derived("one")[1:] == made
    monkeypatch.setenv("RECITE_SECRET", "short-hush")
    with pytest.raises(SettingsError, match=r"RECITE_SECRET.*32 characters") as refused:
        load_settings()
    assert "hush" not in str(refused.value)
