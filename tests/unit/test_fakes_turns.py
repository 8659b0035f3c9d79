"""What goes on alone, and what goes on together."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.fakes.turns import Turns

pytestmark = pytest.mark.unit


def begun(turns: Turns, *, alone: bool) -> tuple[threading.Thread, threading.Event]:
    inside = threading.Event()

    def take() -> None:
        with turns.taken(alone=alone):
            inside.set()

    thread = threading.Thread(target=take)
    thread.start()
    return thread, inside


def test_alone_waits_for_others_and_holds_up_those_after_it(tmp_path: Path) -> None:
    turns = Turns(tmp_path)
    with turns.taken(alone=False):
        together, entered = begun(turns, alone=False)
        assert entered.wait(5)
        single, had_it_alone = begun(turns, alone=True)
        assert not had_it_alone.wait(0.05)
    assert had_it_alone.wait(5)
    with turns.taken(alone=True):
        later, entered = begun(turns, alone=False)
        assert not entered.wait(0.05)
    assert entered.wait(5)
    for thread in (together, single, later):
        thread.join()
