"""Sends render tasks to the workers by name; the api never imports them."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from asgi_correlation_id import correlation_id
from celery import Celery
from kombu.exceptions import OperationalError

from celery_config import RENDER_TASK
from speech.errors import Unavailable
from speech.request import Lane


class Dispatch:
    """Publishing blocks, so it has threads of its own: a hanging broker must not stop anything else."""

    def __init__(self, celery: Celery, *, threads: int = 8) -> None:
        self._celery = celery
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="dispatch")

    async def send(self, name: str, *, lane: Lane) -> None:
        """Puts the job's name into its lane's queue; raises Unavailable when the broker does not take it."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._threads, self._publish, name, lane, correlation_id.get())

    def close(self) -> None:
        """Ends the threads; what is under way is finished first."""
        self._threads.shutdown()
        self._celery.close()

    def _publish(self, name: str, lane: Lane, correlation: str | None) -> None:
        try:
            self._celery.send_task(RENDER_TASK, args=(name,), queue=lane.value, headers={"correlation": correlation})
        except (OperationalError, OSError) as error:
            raise Unavailable("broker") from error
