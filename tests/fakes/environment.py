"""A process environment without Recite's settings, so that a developer's own don't reach the tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import settings
from settings import setting_names


def plain_environment() -> dict[str, str]:
    """The environment without them, and with the checkout importable from everywhere."""
    kept = {name: value for name, value in os.environ.items() if name not in setting_names()}
    return {**kept, "PYTHONPATH": str(Path(settings.__file__).parent)}


def settle_in(monkeypatch: pytest.MonkeyPatch, directory: Path) -> None:
    """Makes a directory the current one and forgets every setting of the environment."""
    for name in setting_names():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(directory)
