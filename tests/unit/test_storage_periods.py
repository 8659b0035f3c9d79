"""Months and days of UTC begin and end where the calendar says."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from storage.periods import day_of, month_of, until_midnight, until_next_month

pytestmark = pytest.mark.unit


def at(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> float:
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("now", "month", "day"),
    [
        (at(2026, 11, 21, 12), "2026-11", "2026-11-21"),
        (at(2026, 12, 31, 23, 59, 59) + 0.999, "2026-12", "2026-12-31"),
        (at(2027, 1, 1), "2027-01", "2027-01-01"),
    ],
)
def test_a_moment_lies_in_one_month_and_one_day(now: float, month: str, day: str) -> None:
    assert (month_of(now), day_of(now)) == (month, day)


@pytest.mark.parametrize(
    ("now", "following"),
    [
        (at(2026, 11, 1), at(2026, 12, 1)),
        (at(2026, 12, 31, 23), at(2027, 1, 1)),
        (at(2028, 1, 31, 5), at(2028, 2, 1)),
        (at(2028, 2, 29), at(2028, 3, 1)),
    ],
)
def test_the_next_month_begins_on_its_first(now: float, following: float) -> None:
    assert now + until_next_month(now) == pytest.approx(following)


def test_the_next_day_begins_at_midnight() -> None:
    assert until_midnight(at(2026, 11, 21, 23, 59, 30)) == 30
    assert until_midnight(at(2026, 11, 21)) == 86_400
