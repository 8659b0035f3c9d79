"""Conversations that may be resumed: by whom, how long, and how many."""

from __future__ import annotations

import pytest

from simulator.conversation import Conversation
from simulator.conversations import Conversations

pytestmark = pytest.mark.unit


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_kept_while_open_then_for_its_time() -> None:
    clock = Clock()
    kept, conversation = Conversations(clock), Conversation("conv_1")
    kept.keep(conversation, key="mine")
    clock.now += 1_000_000
    assert kept.find("conv_1", key="mine") is conversation
    assert kept.find("conv_1", key="yours") is None
    assert kept.find(None, key="mine") is None
    kept.keep(conversation, key="mine", seconds=60)
    clock.now += 59
    assert kept.find("conv_1", key="mine") is conversation
    clock.now += 1
    assert kept.find("conv_1", key="mine") is None


def test_dropped_at_once() -> None:
    kept, conversation = Conversations(Clock()), Conversation("conv_1")
    kept.keep(conversation, key="mine")
    kept.drop(conversation, key="mine")
    assert kept.find("conv_1", key="mine") is None
    assert kept.to_json() == []


def test_the_oldest_go_when_there_are_too_many() -> None:
    kept = Conversations(Clock())
    for number in range(1_001):
        kept.keep(Conversation(f"conv_{number}"), key="mine", seconds=60)
    assert kept.find("conv_0", key="mine") is None
    assert kept.find("conv_1", key="mine") is not None
    assert len(kept.to_json()) == 1_000
