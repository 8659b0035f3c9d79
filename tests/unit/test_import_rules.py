"""Who may import whom: imports go down only, rooms of one floor don't know each other."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
FLOORS = {
    "speech": 0,
    "audio": 1,
    "storage": 1,
    "xai": 1,
    "front": 1,
    "api": 2,
    "worker": 2,
    "relay": 2,
    "simulator": 2,
    "cli": 2,
}
# Modules in the root: read by floor 2 alone.
GIVEN = {"settings", "celery_config", "log_config"}
OUTSIDE = {"tests", "bench"}
# A simulator that shared xai's reading of the protocol would hide its mistakes.
LESS = {"simulator": {"speech", "audio"}}
PURE_LIBRARIES = {"markdown_it", "rapidfuzz", "sentencex", "text_to_num"}
# What touches the world, or tells the time.
IMPURE = {
    *("asyncio", "concurrent", "datetime", "http", "logging", "multiprocessing", "os", "queue", "random", "secrets"),
    *("selectors", "shutil", "signal", "socket", "socketserver", "sqlite3", "ssl", "subprocess", "sys", "tempfile"),
    *("threading", "time", "urllib", "uuid", "zoneinfo"),
}


def violations(module: str, source: str, *, libraries: frozenset[str] = frozenset()) -> list[str]:
    """What a module (`speech/text.py`) may not import but does; `libraries` are the third-party ones."""
    room = module.split("/")[0].removesuffix(".py")
    broken = []
    for line, imported in _imports(source, room):
        reason = _objection(room, imported, libraries)
        if reason:
            broken.append(f"{module}:{line} imports {imported}: {reason}")
    return broken


def _imports(source: str, room: str) -> Iterator[tuple[int, str]]:
    """Line and top-level name of everything imported, wherever it stands."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.split(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, room if node.level else (node.module or "").split(".")[0]


def _objection(room: str, imported: str, libraries: frozenset[str]) -> str | None:
    if imported in OUTSIDE:
        return "nothing imports tests or benchmarks"
    if room in GIVEN:
        return "the root's modules know the meaning alone" if imported in FLOORS and imported != "speech" else None
    floor = FLOORS[room]
    if imported in GIVEN and floor < 2:
        return "only floor 2 reads settings"
    if imported in FLOORS and imported != room:
        if imported not in LESS.get(room, FLOORS):
            return f"{room} may use {' and '.join(sorted(LESS[room]))} only"
        if FLOORS[imported] >= floor:
            return "imports go down"
    if room == "speech" and imported in IMPURE:
        return "speech does no I/O and knows no time"
    if room == "speech" and imported in libraries - PURE_LIBRARIES:
        return "speech uses small pure libraries only"
    return None


def _modules() -> list[str]:
    rooms = [path for room in FLOORS for path in sorted((ROOT / room).rglob("*.py"))]
    return [str(path.relative_to(ROOT)) for path in [*rooms, *(ROOT / f"{name}.py" for name in GIVEN)] if path.exists()]


def _third_party() -> frozenset[str]:
    from importlib.metadata import packages_distributions

    return frozenset(packages_distributions()) - FLOORS.keys() - GIVEN


def test_every_room_on_disk_has_a_floor() -> None:
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")}

    assert rooms <= FLOORS.keys() | OUTSIDE


def test_the_tree_keeps_the_rules() -> None:
    libraries = _third_party()
    modules = _modules()

    broken = [
        line for module in modules for line in violations(module, (ROOT / module).read_text(), libraries=libraries)
    ]

    assert broken == []
    assert {module.split("/")[0] for module in modules} >= {"speech", "audio", "storage", "xai", "api", "worker"}


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("speech/text.py", "import audio.pcm"),
        ("speech/text.py", "from settings import load_settings"),
        ("speech/text.py", "import socket"),
        ("speech/text.py", "def later():\n    import time"),
        ("speech/text.py", "import asyncio.events as e"),
        ("speech/text.py", "import redis"),
        ("speech/text.py", "from boto3.session import Session"),
        ("audio/pcm.py", "from storage import audio_store"),
        ("audio/pcm.py", "from celery_config import LANES"),
        ("xai/pool.py", "if True:\n    from settings import Settings"),
        ("storage/job_board.py", "import worker.tasks"),
        ("storage/job_board.py", "import json, tests.fakes"),
        ("api/routes/jobs.py", "from worker.render import Render"),
        ("worker/render.py", "from api.app import create_app"),
        ("cli/say.py", "import simulator.server"),
        ("simulator/server.py", "from xai.events import Event"),
        ("simulator/server.py", "from storage.audio_store import S3AudioStore"),
        ("cli/say.py", "from bench.startup import main"),
        ("settings.py", "from storage.keys import card_key"),
    ],
)
def test_a_violation_is_caught(module: str, source: str) -> None:
    assert len(violations(module, source, libraries=frozenset({"redis", "boto3"}))) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("speech/text.py", "import re, unicodedata, json\nfrom speech.errors import InvalidRequest\nimport sentencex"),
        ("audio/pcm.py", "import time, os, numpy\nfrom speech.errors import AudioUnusable\nfrom . import wav"),
        ("api/app.py", "from settings import load_settings\nfrom storage.audio_store import S3AudioStore"),
        ("simulator/server.py", "from settings import load_settings\nfrom audio.pcm import MASTER_RATE"),
        ("cli/doctor.py", "from xai.pool import SessionPool\nfrom storage.bucket import Bucket\nimport celery_config"),
        ("celery_config.py", "from settings import load_settings"),
    ],
)
def test_what_is_allowed_passes(module: str, source: str) -> None:
    assert violations(module, source, libraries=frozenset({"numpy", "sentencex"})) == []
