"""When a session ends by the clock, and when that is told before."""

from __future__ import annotations

import pytest

from relay import closes
from relay.clock import Clock, Notice
from relay.limits import BridgeLimits
from relay.pace import Pace

pytestmark = pytest.mark.unit


def clock(*, idle: float = 0, length: float = 0, notice: float = 15) -> Clock:
    return Clock(BridgeLimits(idle_seconds=idle, session_seconds=length, notice_seconds=notice), now=1000.0)


def test_silence_is_told_once_and_ends_it() -> None:
    silent = clock(idle=300)
    assert silent.due(1284.9) is None
    assert silent.due(1286) == Notice("idle", 14)
    assert silent.due(1287) is None
    assert silent.due(1300) is closes.IDLE


def test_whoever_speaks_again_is_not_idle_and_is_told_anew() -> None:
    chatty = clock(idle=300)
    assert isinstance(chatty.due(1290), Notice)
    chatty.heard(1295)
    assert chatty.due(1300) is None
    assert chatty.due(1581) == Notice("idle", 14)
    assert chatty.due(1595) is closes.IDLE


def test_the_length_does_not_depend_on_who_speaks() -> None:
    long = clock(length=1800, idle=300)
    long.heard(2780)
    assert long.due(2790) == Notice("session_length", 10)
    long.heard(2799)
    assert long.due(2799.5) is None
    assert long.due(2800) is closes.MAX_DURATION


def test_a_short_limit_is_told_halfway() -> None:
    assert clock(idle=4).due(1001.9) is None
    assert clock(idle=4).due(1002) == Notice("idle", 2)


def test_without_limits_nothing_is_ever_due() -> None:
    assert clock().due(1e9) is None
    assert clock().next_in(1000) == 3600


def test_it_is_known_when_to_look_again() -> None:
    both = clock(idle=300, length=1800)
    assert both.next_in(1000) == 285
    assert both.next_in(1290) == 10
    both.heard(2700)
    assert both.next_in(2701) == 84
    assert clock(idle=300).next_in(1301) > 0


def test_a_pace_lets_two_seconds_worth_come_at_once_and_then_its_rate() -> None:
    pace = Pace(10, now=0.0)
    assert sum(pace.admits(0.0) for _ in range(100)) == 20
    assert [pace.admits(0.1), pace.admits(0.1)] == [True, False]
    assert sum(pace.admits(1.1) for _ in range(100)) == 10
    assert sum(pace.admits(100.0) for _ in range(100)) == 20


def test_a_steady_stream_within_the_rate_is_never_refused() -> None:
    pace = Pace(200, now=0.0)
    assert all(pace.admits(number / 200) for number in range(10_000))
