"""The results of a batch as they are sent: one line of JSON each, a piece of them at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence

import orjson

from api.batch_schemas import result_document
from speech.batch import LineResult


async def result_lines(
    pieces: AsyncIterator[Sequence[LineResult]], *, audio_url: Callable[[str], str]
) -> AsyncIterator[bytes]:
    """JSON Lines; `audio_url` tells where a job's audio is heard."""
    async for results in pieces:
        documents = (result_document(one, audio_url=audio_url(one.job)) for one in results)
        yield b"".join(orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE) for document in documents)
