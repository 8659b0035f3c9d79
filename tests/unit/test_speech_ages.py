"""Ages as people write them."""

from __future__ import annotations

import pytest

from speech.ages import parse_age

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("written", "seconds"), [("45s", 45), ("30m", 1800), ("12h", 43_200), ("90d", 7_776_000), (" 2w ", 1_209_600)]
)
def test_an_age_is_in_seconds(written: str, seconds: int) -> None:
    assert parse_age(written) == seconds


@pytest.mark.parametrize("written", ["", "90", "d", "-1d", "1.5d", "1d2h", "1 d", "9999999d", "1y", "\u0661d"])
def test_what_is_no_age_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="such as 90d"):
        parse_age(written)
