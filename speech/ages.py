"""Ages as people write them: `90d`, `12h`, `2w`."""

from __future__ import annotations

import re

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_AGE = re.compile(rf"([0-9]{{1,6}})([{''.join(_UNITS)}])")
FORM = "a number and s, m, h, d or w, such as 90d"


def parse_age(text: str) -> int:
    """The seconds that are meant; raises ValueError."""
    found = _AGE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"an age is {FORM}")
    return int(found[1]) * _UNITS[found[2]]
