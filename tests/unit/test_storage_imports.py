"""What the rooms of storage bring along: memory that a process doesn't need stays unspent."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.unit


def loaded(module: str) -> set[str]:
    program = f"import sys, {module}; print(*sys.modules)"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(answer.stdout.split())


def test_the_board_needs_no_boto() -> None:
    assert not {"boto3", "botocore"} & loaded("storage.job_board, storage.job_watch, storage.heartbeats")


def test_the_memory_store_needs_no_service() -> None:
    assert not {"boto3", "botocore", "redis"} & loaded("storage.memory_store")
