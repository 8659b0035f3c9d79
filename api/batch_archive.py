"""A batch's audio in one zip: a file for every line that has audio, and a table of all lines."""

from __future__ import annotations

import asyncio
import csv
import io
import tempfile
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from typing import IO

from api.begun import begun
from api.zip_stream import ZipStream
from speech.batch import Batch, LineResult
from speech.card import Card
from speech.errors import UnknownJob
from speech.file_names import FileNames
from speech.ports import AudioStore
from storage.cancelling import cancel

MANIFEST = "manifest.csv"
_COLUMNS = ("custom_id", "file", "status", "duration_ms", "error", "id")
# A spreadsheet would take what begins so for a formula.
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
_PIECE_BYTES = 256 * 1024
_AHEAD = 8


class BatchArchive:
    """Made as it is sent: of the audio some megabytes are held, of each line its file's name."""

    def __init__(self, batch: Batch, *, card: Callable[[str], Awaitable[Card | None]], store: AudioStore) -> None:
        self._card = card
        self._store = store
        self._zip = ZipStream(moment=batch.created_at)
        self._names = FileNames(MANIFEST)

    async def chunks(self, pieces: AsyncIterator[Sequence[LineResult]]) -> AsyncIterator[bytes]:
        """The zip's bytes; what has no audio, or lost it since, is in the table alone."""
        # As long as the batch has lines: on disk.
        with tempfile.TemporaryFile() as manifest:
            manifest.write(_row(_COLUMNS))
            async for results in pieces:
                async with aclosing(self._opened(results)) as opened:
                    async for result, audio in opened:
                        name = ""
                        if audio is not None:
                            name = self._names.name(result.custom_id, extension=result.job.rpartition(".")[2])
                            async for chunk in self._zip.add(name, audio):
                                yield chunk
                        manifest.write(_row(_cells(result, name)))
            manifest.seek(0)
            async for chunk in self._zip.add(MANIFEST, _pieces(manifest)):
                yield chunk
            yield self._zip.finish()

    async def _opened(
        self, results: Iterable[LineResult]
    ) -> AsyncGenerator[tuple[LineResult, AsyncIterator[bytes] | None]]:
        """The results with their audio, of which a few are asked for before it is their turn."""
        line: deque[tuple[LineResult, asyncio.Task[AsyncIterator[bytes] | None]]] = deque()
        try:
            for result in results:
                line.append((result, asyncio.create_task(self._audio(result))))
                if len(line) > _AHEAD:
                    yield line[0][0], await line[0][1]
                    line.popleft()
            while line:
                yield line[0][0], await line[0][1]
                line.popleft()
        finally:
            await cancel(*(opening for _, opening in line))

    async def _audio(self, result: LineResult) -> AsyncIterator[bytes] | None:
        """The audio of a line, of which the beginning is there already; None when it has none."""
        card = await self._card(result.job) if result.outcome.has_audio else None
        if card is None:
            return None
        try:
            return await begun(self._store.stream(card.key))
        except UnknownJob:
            return None


def _cells(result: LineResult, name: str) -> tuple[str, ...]:
    duration = "" if result.duration_ms is None else str(result.duration_ms)
    error = result.error.code if result.error else ""
    return (_harmless(result.custom_id), _harmless(name), result.outcome, duration, error, result.job)


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULAS) else cell


def _row(cells: Sequence[str]) -> bytes:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue().encode(errors="replace")


async def _pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    while piece := file.read(_PIECE_BYTES):
        yield piece
