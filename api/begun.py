"""Streams that have begun: what fails at their beginning is raised while there still is an answer for it."""

from __future__ import annotations

from collections.abc import AsyncIterator


async def begun(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same chunks, of which the first is there; raises what came instead of it."""
    first = await anext(chunks, b"")

    async def all_of_them() -> AsyncIterator[bytes]:
        if first:
            yield first
        async for chunk in chunks:
            yield chunk

    return all_of_them()
