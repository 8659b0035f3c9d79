"""`recite webhooks secret` prints what a receiver checks by."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from standardwebhooks import Webhook
from typer.testing import CliRunner

from cli.main import app
from settings import SettingsError, load_settings
from tests.fakes.environment import settle_in

pytestmark = pytest.mark.unit

OLD, NEW = "o" * 32, "n" * 32
GIVEN = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    settle_in(monkeypatch, tmp_path)
    return tmp_path


def said() -> list[str]:
    result = CliRunner().invoke(app, ["webhooks", "secret", "--json"])
    assert result.exit_code == 0, result.output
    secrets: list[str] = json.loads(result.stdout)["secrets"]
    return secrets


def test_it_comes_from_recites_secret_unless_one_is_given(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECITE_SECRET", f"{NEW},{OLD}")
    new, old = said()
    assert new != old
    assert all(Webhook(one) for one in (new, old))
    monkeypatch.setenv("RECITE_SECRET", OLD)
    assert said() == [old]
    monkeypatch.setenv("WEBHOOK_SECRET", GIVEN)
    assert said() == [GIVEN]


def test_one_that_is_none_is_refused_without_showing_it(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBHOOK_SECRET", "hush-hush")
    with pytest.raises(SettingsError, match=r"^WEBHOOK_SECRET: must be whsec_") as refused:
        load_settings()
    assert "hush" not in str(refused.value)
