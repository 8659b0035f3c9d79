"""Amounts as people read them."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """`42 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def money(usd: float) -> str:
    """`$0.0042`, `$12.30`: cents, and of less than ten dollars what is below them."""
    return f"${usd:.2f}" if usd >= 10 or not usd else f"${usd:.4f}"
