"""Two sequences side by side: where they differ."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch that differs: where it stands on both sides, either of which may be empty."""

    wanted: slice
    heard: slice


def gaps(wanted: Sequence[Hashable], heard: Sequence[Hashable]) -> list[Gap]:
    """The stretches between the items that agree, in order, on one of the shortest ways from one to the other."""
    found: list[Gap] = []
    at, other = 0, 0
    for same in Levenshtein.opcodes(wanted, heard).as_matching_blocks():
        if (at, other) != (same.a, same.b):
            found.append(Gap(slice(at, same.a), slice(other, same.b)))
        at, other = same.a + same.size, same.b + same.size
    return found
