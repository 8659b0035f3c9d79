"""Ages as people write them: `90d`, `12h`, `2w`."""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGE = re.compile(rf"([0-9]{{1,6}})([{''.join(_UNITS)}])")
FORM = "a number and s, m, h, d or w, such as 90d"


def parse_age(text: str) -> timedelta:
    """The duration that is meant; raises ValueError."""
    found = _AGE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"an age is {FORM}")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
