"""The header that names a download."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.content_disposition import attachment

pytestmark = pytest.mark.unit

SAFE = re.compile(r"attachment; filename=\"([\x20-\x7e]+)\"(; filename\*=UTF-8''([A-Za-z0-9._~%-]+))?")


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("greeting.mp3", 'attachment; filename="greeting.mp3"'),
        ("two words.mp3", 'attachment; filename="two words.mp3"'),
        ("Grüße.mp3", "attachment; filename=\"Grue.mp3\"; filename*=UTF-8''Gr%C3%BC%C3%9Fe.mp3"),
        ("你好.mp3", "attachment; filename=\"mp3\"; filename*=UTF-8''%E4%BD%A0%E5%A5%BD.mp3"),
        ("../../etc/passwd", 'attachment; filename="_.._etc_passwd"'),
        ('a"b\\c;d%e', 'attachment; filename="a_b_c_d_e"'),
        ("a\r\nSet-Cookie: b", 'attachment; filename="aSet-Cookie_ b"'),
        (" . ", 'attachment; filename="audio"'),
        ("", 'attachment; filename="audio"'),
    ],
)
def test_names_for_files(name: str, header: str) -> None:
    assert attachment(name) == header


@given(st.text())
def test_nothing_escapes(name: str) -> None:
    match = SAFE.fullmatch(attachment(name))
    assert match
    plain, full = match[1], match[3]
    assert not set('"\\/;%') & set(plain)
    assert not set('\r\n/\\"') & set(unquote(full or ""))
