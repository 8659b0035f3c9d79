"""How a client stands with its rate, in the header fields of draft-ietf-httpapi-ratelimit-headers (11, May 2026)."""

from __future__ import annotations

import math

from speech.usage import Allowance

RATE_FIELDS = ("RateLimit", "RateLimit-Policy")
_POLICY, _WINDOW = "requests", 60


def rate_fields(allowance: Allowance | None) -> dict[str, str]:
    """The policy, what is left of it and in how many seconds all of it is there again; nothing without a rate."""
    if allowance is None:
        return {}
    return {
        "RateLimit-Policy": f'"{_POLICY}";q={allowance.limit};w={_WINDOW}',
        "RateLimit": f'"{_POLICY}";r={allowance.left};t={math.ceil(allowance.full_in)}',
    }
