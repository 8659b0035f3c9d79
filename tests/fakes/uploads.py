"""Batches as people send them, and what becomes of them when they are checked."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson

from api.intake.draft import Draft
from api.intake.kinds import CSV, JSON, JSON_LINES, rows_of
from api.intake.line import Terms
from speech.batch import BatchLine
from storage.batch_files import unpacked

TERMS = Terms(voice="ara", format=None, model="grok-voice-latest", speak_mode="force_message", scope=None)


def as_json_lines(lines: Sequence[dict[str, Any]]) -> bytes:
    return b"\n".join(orjson.dumps(line) for line in lines)


def as_json(lines: Sequence[dict[str, Any]]) -> bytes:
    return orjson.dumps({"metadata": {}, "lines": lines})


def as_csv(lines: Sequence[dict[str, Any]], *, separator: str = ",") -> bytes:
    """What `csv` writes: the columns of all lines, empty where one has none."""
    columns = list(dict.fromkeys(name for line in lines for name in line))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, delimiter=separator)
    writer.writeheader()
    for line in lines:
        writer.writerow({name: orjson.dumps(v).decode() if isinstance(v, dict) else v for name, v in line.items()})
    return text.getvalue().encode()


WRITTEN = {JSON_LINES: as_json_lines, CSV: as_csv, JSON: as_json}


@asynccontextmanager
async def checked(
    content: bytes, *, kind: str = JSON_LINES, terms: Terms = TERMS, skip_invalid: bool = False
) -> AsyncIterator[Draft]:
    """The draft that an upload makes; raises what is wrong with it."""
    with Draft(terms=terms) as draft:
        rows = rows_of(io.BytesIO(content), kind=kind, members={})
        await draft.fill(rows, skip_invalid=skip_invalid)
        yield draft


async def lines_of(draft: Draft) -> list[BatchLine]:
    """The lines as whoever makes them finds them."""
    return [line async for piece in draft.pieces() for line in unpacked(piece)]
