"""Whom an address stands for."""

from __future__ import annotations

import pytest

from speech.addresses import line_of

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("host", "line"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_a_line_has_one_name(host: str, line: str) -> None:
    assert line_of(host) == line
