"""Which twins a start needs, and that they stay where they were."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.twins import Twins, read_variables, write_variables
from settings import EMBEDDED_FILE, Settings, load_settings
from tests.fakes.environment import settle_in

pytestmark = pytest.mark.unit


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    settle_in(monkeypatch, tmp_path)
    return tmp_path


def given(here: Path, *lines: str) -> Settings:
    (here / ".env").write_text("\n".join(lines))
    return load_settings(with_embedded=False)


def test_nothing_given_needs_all_twins(here: Path) -> None:
    variables = Twins.needed(given(here), before={}).variables()

    assert sorted(variables) == [
        "API_URL",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "REDIS_URL",
        "S3_ENDPOINT_URL",
        "XAI_API_KEY",
        "XAI_REST_URL",
    ]


@pytest.mark.parametrize(
    ("line", "untold"),
    [
        ("REDIS_URL=redis://elsewhere", {"REDIS_URL"}),
        ("S3_ENDPOINT_URL=http://elsewhere", {"S3_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}),
        ("XAI_API_KEY=real", {"XAI_API_KEY", "API_URL", "XAI_REST_URL"}),
    ],
)
def test_what_is_given_has_no_twin(here: Path, line: str, untold: set[str]) -> None:
    everything = Twins.needed(given(here), before={}).variables().keys()

    told = Twins.needed(given(here, line), before={}).variables().keys()

    assert everything - told == untold


def test_ports_and_secrets_survive_a_restart(here: Path) -> None:
    settings = given(here)
    first = Twins.needed(settings, before={})

    second = Twins.needed(settings, before=first.variables())

    assert second == first


def test_two_installations_share_no_secret(here: Path) -> None:
    one, other = (Twins.needed(given(here), before={}) for _ in range(2))

    assert one.redis
    assert other.redis
    assert one.redis.password != other.redis.password
    assert one.bucket
    assert other.bucket
    assert one.bucket.secret_access_key != other.bucket.secret_access_key


def test_the_embedded_store_keeps_its_own_keys(here: Path) -> None:
    settings = given(here, "AWS_ACCESS_KEY_ID=my-own-key-id", "AWS_SECRET_ACCESS_KEY=my-own-secret")

    bucket = Twins.needed(settings, before={"AWS_ACCESS_KEY_ID": "old", "AWS_SECRET_ACCESS_KEY": "old"}).bucket

    assert bucket
    assert (bucket.access_key_id, bucket.secret_access_key) == ("old", "old")


@pytest.mark.parametrize("value", ["plain", "with 'quotes' and \\", "a#b c=d", "%s$HOME"])
def test_the_settings_read_what_is_written(here: Path, value: str) -> None:
    file = here / ".recite" / EMBEDDED_FILE
    file.parent.mkdir()
    file.write_text(write_variables({"XAI_API_KEY": value}))

    assert load_settings().xai_key == value
    assert read_variables(file) == {"XAI_API_KEY": value}


def test_a_missing_or_foreign_file_tells_nothing(here: Path) -> None:
    (here / "foreign").write_bytes(b"\xff\xfe")

    assert read_variables(here / "missing") == {}
    assert read_variables(here / "foreign") == {}
