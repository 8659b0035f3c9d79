"""What was seen on xAI's wire although no schema promises it; each quirk can be switched by itself."""

from __future__ import annotations

from enum import StrEnum


class Quirk(StrEnum):
    """One deviation that a strict client breaks on; none of them changes what is spoken."""

    CONVERSATION_FIRST = "conversation_first"  # conversation.created before session.created, on half of the connections
    PINGS = "pings"
    EMPTY_USAGE = "empty_usage"
    NO_INDEXES = "no_indexes"  # no output_index, no content_index
    DONE_WITHOUT_PART = "done_without_part"
    REPEATED_ITEMS = "repeated_items"
    UNKNOWN_EVENTS = "unknown_events"
    TOP_LEVEL_ERRORS = "top_level_errors"
    PREFIXED_VOICE = "prefixed_voice"  # xai_ara
    UNEVEN_CHUNKS = "uneven_chunks"  # any length, odd ones too
    EMPTY_DELTAS = "empty_deltas"
    OLD_NAMES = "old_names"  # response.audio.delta, in every other response
    LATE_DELTAS = "late_deltas"  # after a cancel


PLAIN: frozenset[Quirk] = frozenset()
QUIRKY: frozenset[Quirk] = frozenset(Quirk)
MANNERS = {"plain": PLAIN, "quirky": QUIRKY}
