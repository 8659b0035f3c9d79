"""What all tasks of a worker process share: one event loop in a thread of its own, and the resources in it."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress

import uvloop
from asgi_correlation_id import correlation_id

from settings import Settings
from speech.errors import Interrupted, Unavailable
from worker.scratch import Scratch
from worker.wanted import KEEPING_SECONDS
from worker.work import Work, open_work

log = logging.getLogger(__name__)

_CALM_SECONDS = 2.0


class Runtime:
    """Opened once by the process, used by every task's thread."""

    def __init__(self, settings: Settings, *, lanes: tuple[str, ...]) -> None:
        self._settings = settings
        self._lanes = lanes
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="recite-loop", daemon=True)
        self._scratch = Scratch()
        self._running: set[asyncio.Task[None]] = set()
        # Those that hold no thread.
        self._resumed: set[asyncio.Task[None]] = set()
        self._stop = asyncio.Event()
        self._serving: Future[None] | None = None
        self._work: Work | None = None

    def open(self) -> None:
        """Starts the loop and opens the resources in it; raises what their opening raises."""
        self._thread.start()
        opened: Future[None] = Future()
        self._serving = asyncio.run_coroutine_threadsafe(self._serve(opened), self._loop)
        try:
            opened.result()
        except BaseException:
            self.close()
            raise

    def render(self, name: str) -> None:
        """Renders a job from a task's thread; raises Interrupted when the process stops before it is done."""
        asyncio.run_coroutine_threadsafe(self._run(lambda work: _calmly(work.render(name))), self._loop).result()

    def deliver(self, id: str) -> None:
        """Delivers a webhook, likewise."""
        asyncio.run_coroutine_threadsafe(self._run(lambda work: work.deliver(id)), self._loop).result()

    def interrupt_later(self) -> None:
        """Gives what is running SHUTDOWN_GRACE to finish; after that it goes back to the queue.

        Celery waits for its threads without a limit of its own.
        """
        grace = self._settings.xai.shutdown_grace.total_seconds()
        log.info("stopping: %d tasks have %.0f s to finish", len(self._running), grace)
        self._loop.call_soon_threadsafe(self._loop.call_later, grace, self._interrupt)

    def close(self) -> None:
        """Closes the resources and ends the loop; called when no task runs any more."""
        if self._serving is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._serving.result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._loop.close()
        self._scratch.remove()

    async def _run(self, step: Callable[[Work], Awaitable[None]]) -> None:
        task = asyncio.current_task()
        if task is None or self._work is None:
            raise Interrupted
        self._running.add(task)
        try:
            await step(self._work)
        except asyncio.CancelledError:
            raise Interrupted from None
        finally:
            self._running.discard(task)

    async def _see_off(self) -> None:
        """What was resumed holds no thread for which Celery has waited."""
        seconds = self._settings.xai.shutdown_grace.total_seconds()
        while self._running:
            _, late = await asyncio.wait(self._running, timeout=seconds)
            for task in late:
                task.cancel()
            seconds = KEEPING_SECONDS

    def _resume(self, name: str) -> None:
        resumed = asyncio.create_task(self._run_resumed(name))
        self._resumed.add(resumed)
        resumed.add_done_callback(self._resumed.discard)

    async def _run_resumed(self, name: str) -> None:
        # It began with that of whoever ended before it.
        correlation_id.set(None)
        with suppress(Interrupted, Unavailable):
            await self._run(lambda work: work.resume(name))

    def _interrupt(self) -> None:
        self._work = None
        for task in self._running:
            task.cancel()
        self._loop.call_later(KEEPING_SECONDS, self._interrupt)

    async def _serve(self, opened: Future[None]) -> None:
        try:
            async with open_work(
                self._settings, lanes=self._lanes, scratch=self._scratch.folder, resume=self._resume
            ) as work:
                self._work = work
                opened.set_result(None)
                await self._stop.wait()
                self._work = None
                await self._see_off()
        except BaseException as error:
            if opened.done():
                raise
            opened.set_exception(error)


async def _calmly(rendering: Awaitable[None]) -> None:
    try:
        await rendering
    except Unavailable:
        # It is given back, and would come again at once: a setting may have to be changed first.
        await asyncio.sleep(_CALM_SECONDS)
        raise
