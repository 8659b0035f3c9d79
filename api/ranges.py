"""Byte ranges of RFC 9110: one range is served, anything else is answered whole."""

from __future__ import annotations

import re

from speech.errors import RangeNotSatisfiable

_ONE_RANGE = re.compile(r"bytes=\s*(\d{0,15})\s*-\s*(\d{0,15})\s*", re.IGNORECASE)


def parse_range(header: str | None, *, size: int) -> tuple[int, int] | None:
    """The wanted (start, end) with end excluded, or None for the whole object of `size` bytes.

    Raises RangeNotSatisfiable for a range outside the object; several ranges or foreign units are ignored.
    """
    match = _ONE_RANGE.fullmatch(header.strip()) if header else None
    if match is None:
        return None
    first, last = match.groups()
    if first:
        start, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < int(first):
            return None
    elif last:
        start, end = max(0, size - int(last)), size
    else:
        return None
    if start >= end:
        raise RangeNotSatisfiable(size=size)
    return start, end
