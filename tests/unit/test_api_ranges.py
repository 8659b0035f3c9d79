import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.ranges import parse_range
from speech.errors import RangeNotSatisfiable

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("bytes=0-9", (0, 10)),
        ("bytes=5-", (5, 100)),
        ("bytes=-5", (95, 100)),
        ("bytes=-500", (0, 100)),
        ("bytes=90-500", (90, 100)),
        ("BYTES= 1 - 2 ", (1, 3)),
        (None, None),
        ("", None),
        ("bytes=", None),
        ("bytes=-", None),
        ("bytes=9-5", None),
        ("bytes=0-1,3-4", None),
        ("items=0-1", None),
        ("bytes=0-" + "9" * 400, None),
    ],
)
def test_one_range_is_read_and_all_else_ignored(header: str | None, part: tuple[int, int] | None) -> None:
    assert parse_range(header, size=100) == part


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_a_range_outside_is_refused_with_the_size(header: str) -> None:
    with pytest.raises(RangeNotSatisfiable) as caught:
        parse_range(header, size=100)
    assert caught.value.size == 100


@given(st.integers(0, 200), st.integers(0, 200), st.integers(1, 150))
def test_a_range_lies_inside(first: int, last: int, size: int) -> None:
    try:
        part = parse_range(f"bytes={first}-{last}", size=size)
    except RangeNotSatisfiable:
        assert first >= size
    else:
        assert part is None or (part[0] == first and first < part[1] <= size)
