"""A port that is taken is named, with the variable and the program."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli import ports

pytestmark = pytest.mark.unit


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_taken_port_is_named(taken: int) -> None:
    problem = ports.problem(taken, host="127.0.0.1", variable="API_PORT")

    assert problem
    assert f"port {taken} (API_PORT) is in use" in problem
    assert "set API_PORT to another port" in problem


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells it")
def test_the_program_that_has_it_is_named(taken: int) -> None:
    program = Path("/proc/self/comm").read_text().strip()

    assert f"by {program} (process {os.getpid()})" in (ports.problem(taken, host="127.0.0.1", variable="X") or "")


def test_a_free_port_is_no_problem(taken: int) -> None:
    assert ports.problem(ports.pick(None), host="127.0.0.1", variable="API_PORT") is None


def test_a_host_of_another_machine_is_a_problem() -> None:
    problem = ports.problem(20_000, host="192.0.2.1", variable="API_PORT")

    assert problem
    assert "HOST 192.0.2.1" in problem


def test_the_preferred_port_is_kept_while_it_is_free(taken: int) -> None:
    free = ports.pick(None)

    assert ports.pick(free) == free
    assert ports.pick(taken) != taken
