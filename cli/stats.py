"""`recite stats`: what was asked for, and what it saved that most of it was there already."""

from __future__ import annotations

from typing import Any

from cli.api_client import ApiClient
from cli.output import as_count, as_size, as_time, console, pairs, print_json


def stats(api: ApiClient, *, as_json: bool = False) -> None:
    """Prints the totals since the beginning."""
    figures = api.document("GET", "/v1/stats")
    if as_json:
        print_json(figures)
        return
    console().print(pairs(_rows(figures)))


def _rows(figures: dict[str, Any]) -> dict[str, str]:
    asked, bought, saved, kept = (figures[name] for name in ("requests", "bought", "saved", "kept"))
    rate = "" if asked["hit_rate"] is None else f"   {asked['hit_rate']:.1%} of them were there, or being made"
    requests = sum(asked[name] for name in ("hits", "joins", "misses"))
    return {
        "requests": f"{requests:,}{rate}",
        "  hits, joins, misses": f"{asked['hits']:,}, {asked['joins']:,}, {asked['misses']:,}",
        "  refused": f"{asked['refused']:,}",
        "bought": f"{as_time(bought['seconds'])}   {bought['usd']:.2f} $",
        "saved": f"{as_time(saved['seconds'])}   {saved['usd']:.2f} $",
        "kept": f"{as_time(kept['seconds'])}   {as_count(kept['objects'], 'file')}, {as_size(kept['bytes'])}",
    }
