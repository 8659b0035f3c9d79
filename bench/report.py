"""One line for each figure, beside its limit."""

from __future__ import annotations


def report(name: str, figure: float, *, limit: float, unit: str, at_least: bool = False, note: str = "") -> bool:
    """Prints the figure and whether it keeps its limit; returns the latter."""
    kept = figure >= limit if at_least else figure <= limit
    relation = "≥" if at_least else "≤"
    verdict = "ok" if kept else "MISSED"
    print(f"{name:<44} {figure:>9.2f} {unit:<4} limit {relation} {limit:g} {unit:<4} {verdict:<7}{note}", flush=True)
    return kept
