from datetime import timedelta
from pathlib import Path

import pytest

from settings import SettingsError, load_settings
from speech.api_key import Right
from tests.fakes.environment import settle_in

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def nothing_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settle_in(monkeypatch, tmp_path)


def wrong(monkeypatch: pytest.MonkeyPatch, **variables: str) -> str:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    return str(caught.value)


def test_nothing_need_be_set() -> None:
    settings = load_settings()
    assert (settings.server.host, settings.server.port, settings.server.voice) == ("127.0.0.1", 8080, "ara")
    assert settings.xai.model == "grok-voice-latest"
    assert settings.xai.render_timeout == timedelta(seconds=30)


def test_what_uses_one_key_is_counted_together_unless_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    groups = []
    for key in ("one-key", "one-key", "another-key"):
        monkeypatch.setenv("XAI_API_KEY", key)
        groups.append(load_settings().quota_group)
    assert groups[0] == groups[1] != groups[2]
    assert "key" not in groups[0]
    monkeypatch.setenv("XAI_QUOTA_GROUP", "our-team")
    assert load_settings().quota_group == "our-team"


@pytest.mark.parametrize(("sessions", "reserved"), [(1, 0), (2, 1), (3, 2), (4, 3), (10, 3)])
def test_no_more_are_reserved_than_leave_one_to_bulk(
    monkeypatch: pytest.MonkeyPatch, sessions: int, reserved: int
) -> None:
    monkeypatch.setenv("XAI_MAX_SESSIONS", str(sessions))
    assert load_settings().xai.reserved_sessions == reserved
    # All of them, if somebody says so.
    monkeypatch.setenv("XAI_RESERVED_SESSIONS", str(sessions))
    assert load_settings().xai.reserved_sessions == sessions


def test_a_number_of_sessions_that_is_wrong_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "XAI_RESERVED_SESSIONS" not in wrong(monkeypatch, XAI_MAX_SESSIONS="0")
    assert "XAI_RESERVED_SESSIONS is more" in wrong(monkeypatch, XAI_MAX_SESSIONS="2", XAI_RESERVED_SESSIONS="3")


def test_an_address_that_others_reach_needs_keys_and_a_public_url(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "RECITE_API_KEYS" in wrong(monkeypatch, HOST="0.0.0.0")
    assert "PUBLIC_URL" in wrong(monkeypatch, RECITE_API_KEYS="a-key")
    monkeypatch.setenv("PUBLIC_URL", "https://recite.example")
    assert not load_settings().server.is_loopback


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.8.8"])
def test_loopback_is_open(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("HOST", host)
    assert load_settings().server.is_loopback


def test_what_is_wrong_is_said_by_its_name_and_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    said = wrong(monkeypatch, API_URL="http://secret-looking-value")
    assert said.startswith("API_URL:")
    assert "secret-looking-value" not in said


def test_durations_are_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RENDER_TIMEOUT", "2.5")
    monkeypatch.setenv("SHUTDOWN_GRACE", "7")
    xai = load_settings().xai
    assert (xai.render_timeout, xai.shutdown_grace) == (timedelta(seconds=2.5), timedelta(seconds=7))


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_ORIGINS", "https://a.example, https://b.example,")
    monkeypatch.setenv("RECITE_API_KEYS", "key-of-one, key-of-two")
    server = load_settings().server
    assert server.allowed_origins == ("https://a.example", "https://b.example")
    assert [key.get_secret_value() for key in server.api_keys] == ["key-of-one", "key-of-two"]
    assert "key-of" not in repr(server)


def test_a_hash_that_is_none_is_said_without_showing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    said = wrong(monkeypatch, RECITE_API_KEYS="read:sha256:hush")

    assert said.startswith("RECITE_API_KEYS: sha256: must be followed by")
    assert "hush" not in said


def test_commands_call_by_a_key_that_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECITE_API_KEYS", f"sha256:{'0' * 64}, read:look, submit+read:speak, all")
    server = load_settings().server

    assert server.own_key(Right.READ) == "look"
    assert server.own_key(Right.READ, Right.SUBMIT) == "speak"
    assert server.own_key(Right.ADMIN) == "all"
    monkeypatch.setenv("RECITE_API_KEYS", f"sha256:{'0' * 64}")
    assert load_settings().server.own_key(Right.READ) is None
