"""What a worker does in the lanes that it serves; what it has no lane for is neither opened nor imported."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from celery_config import OUTBOX
from settings import Settings
from speech.errors import Interrupted


async def _not_ours(name: str) -> None:
    raise Interrupted


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """What is done with the name of a job, and with the id of a webhook; all raise Interrupted.

    `resume` renders what had been set aside.
    """

    render: Callable[[str], Awaitable[None]] = _not_ours
    resume: Callable[[str], Awaitable[None]] = _not_ours
    deliver: Callable[[str], Awaitable[None]] = _not_ours


@asynccontextmanager
async def open_work(
    settings: Settings, *, lanes: Sequence[str], scratch: Path, resume: Callable[[str], None]
) -> AsyncIterator[Work]:
    """Everything that these lanes need; `resume` is called when the turn of a job has come that was set aside."""
    rendered = [lane for lane in lanes if lane != OUTBOX]
    work = Work()
    async with AsyncExitStack() as stack:
        if rendered:
            from worker.resources import open_render

            render = await stack.enter_async_context(
                open_render(settings, lanes=rendered, scratch=scratch, resume=resume)
            )
            work = replace(work, render=render.run, resume=render.resume)
        if OUTBOX in lanes:
            from worker.outbox_resources import open_delivering

            delivering = await stack.enter_async_context(open_delivering(settings))
            work = replace(work, deliver=delivering.run)
        yield work
