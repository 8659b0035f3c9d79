"""Two sequences side by side, checked against Levenshtein's table filled cell by cell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.alignment import Gap, gaps

pytestmark = pytest.mark.unit

FEW = st.text("abc", max_size=12)


def by_cells(wanted: str, heard: str) -> int:
    row = list(range(len(heard) + 1))
    for number, item in enumerate(wanted, 1):
        diagonal, row[0] = row[0], number
        for at, other in enumerate(heard, 1):
            diagonal, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, diagonal + (item != other))
    return row[-1]


@given(FEW, FEW)
def test_gaps_hold_all_that_differs_and_no_more(wanted: str, heard: str) -> None:
    found = gaps(wanted, heard)
    assert sum(max(len(wanted[gap.wanted]), len(heard[gap.heard])) for gap in found) == by_cells(wanted, heard)
    one, other = list(wanted), list(heard)
    for gap in reversed(found):
        del one[gap.wanted], other[gap.heard]
    assert one == other


def test_a_gap_says_where() -> None:
    wanted, heard = (
        ["we", "all", "like", "the", "old", "green", "sea"],
        ["we", "like", "the", "very", "old", "blue", "sea"],
    )
    assert gaps(wanted, heard) == [
        Gap(slice(1, 2), slice(1, 1)),
        Gap(slice(4, 4), slice(3, 4)),
        Gap(slice(5, 6), slice(5, 6)),
    ]
