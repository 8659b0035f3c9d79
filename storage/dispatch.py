"""Sends tasks to the workers by name; whoever sends never imports them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from asgi_correlation_id import correlation_id
from celery import Celery
from kombu.exceptions import OperationalError

from speech.errors import Unavailable

# Many may wait for a thread while the broker hangs: nobody waits longer than this.
_SECONDS = 1.5


class CeleryDispatch:
    """Implements speech.ports.Dispatch by the Celery task named `task`.

    Publishing blocks, so it has threads of its own: a hanging broker must not stop anything else.
    """

    def __init__(self, celery: Celery, *, task: str, threads: int = 8) -> None:
        self._celery = celery
        self._task = task
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="dispatch")

    async def send(self, name: str, *, lane: str, is_first: bool = False) -> None:
        """Puts the name of what is to be done into a lane's queue; raises Unavailable when the broker doesn't take it.

        What was given up may still arrive; a worker that finds nothing to do does nothing.
        """
        correlation = correlation_id.get()
        conf = self._celery.conf
        later: int = conf.task_default_priority
        priority = conf.task_queue_max_priority - later if is_first else later
        await self._bounded(lambda: self._publish(name, lane, priority, correlation))

    async def check(self) -> None:
        """Returns when the broker answers; raises Unavailable otherwise."""
        await self._bounded(self._connect)

    async def _bounded(self, work: Callable[[], None]) -> None:
        try:
            async with asyncio.timeout(_SECONDS):
                await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except TimeoutError:
            raise Unavailable("broker") from None
        except (OperationalError, OSError) as error:
            raise Unavailable("broker") from error

    def _connect(self) -> None:
        with self._celery.connection_for_write() as connection:
            connection.ensure_connection(max_retries=0, timeout=1)

    def close(self) -> None:
        """Ends the threads; what is under way is finished first."""
        self._threads.shutdown()
        self._celery.close()

    def _publish(self, name: str, lane: str, priority: int, correlation: str | None) -> None:
        headers = {"correlation": correlation}
        self._celery.send_task(self._task, args=(name,), queue=str(lane), priority=priority, headers=headers)
