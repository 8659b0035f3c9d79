"""The Celery tasks, and the signals that open and close what they share: message matters only."""

from __future__ import annotations

import logging
from typing import Any

from asgi_correlation_id import correlation_id
from celery import Task, shared_task
from celery.exceptions import Reject
from celery.signals import setup_logging, worker_init, worker_shutdown, worker_shutting_down

from celery_config import DELIVER_TASK, RENDER_TASK
from log_config import configure_logging
from settings import SettingsError, load_settings
from speech.errors import Interrupted, Unavailable
from worker.runtime import Runtime

log = logging.getLogger(__name__)

_runtime: Runtime | None = None


@shared_task(name=RENDER_TASK, bind=True, ignore_result=True)
def render(task: Task[..., None], name: str) -> None:
    """Renders the job of this name; a worker that stops first gives the message back."""
    if _runtime is None:
        raise Reject("the worker is not ready", requeue=True)
    correlation_id.set((task.request.headers or {}).get("correlation") or task.request.id)
    try:
        _runtime.render(name)
    except (Interrupted, Unavailable) as error:
        # Acknowledging it would lose the job: Celery takes a failed task for a finished one.
        raise Reject(error.code, requeue=True) from None


@shared_task(name=DELIVER_TASK, bind=True, ignore_result=True)
def deliver(task: Task[..., None], id: str) -> None:
    """Delivers the webhook of this id; one that it can't is due again by itself."""
    if _runtime is None:
        raise Reject("the worker is not ready", requeue=True)
    correlation_id.set(task.request.id)
    try:
        _runtime.deliver(id)
    except (Interrupted, Unavailable) as error:
        log.warning("webhook %s: put off: %s", id, error.detail)


@setup_logging.connect
def _log_our_way(**_: Any) -> None:
    configure_logging()


@worker_init.connect
def _open(sender: Any, **_: Any) -> None:
    global _runtime
    try:
        runtime = Runtime(load_settings(), lanes=tuple(sender.app.amqp.queues.consume_from))
        runtime.open()
    except Exception as error:
        # Celery's signals swallow an Exception, and a worker without its resources would spin.
        log.critical("the worker can't start: %s", error if isinstance(error, SettingsError) else type(error).__name__)
        raise SystemExit(1) from error
    _runtime = runtime


@worker_shutting_down.connect
def _bound_the_shutdown(**_: Any) -> None:
    if _runtime is not None:
        _runtime.interrupt_later()


@worker_shutdown.connect
def _close(**_: Any) -> None:
    if _runtime is not None:
        _runtime.close()
