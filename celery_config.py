"""The one Celery app: task names, queues, routes, acknowledgements and how long a publish may block."""

from __future__ import annotations

from celery import Celery
from kombu import Exchange, Queue

from settings import load_settings

RENDER_TASK, DELIVER_TASK = "recite.render", "recite.deliver"
OUTBOX = "outbox"
LANES = ("interactive", "bulk", OUTBOX)

# For who only publishes: with a hanging broker that fails within a second instead of blocking for most of a minute.
_PUBLISH_RETRY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.1}
_PUBLISH_TRANSPORT = {
    "socket_timeout": 0.25,
    "socket_connect_timeout": 0.4,
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.05,
    "interval_max": 0.05,
}
# For workers: what a killed one had in hand comes back once an hour has passed.
_CONSUME_TRANSPORT = {"visibility_timeout": 3600, "unacked_restore_interval": 2, "unacked_restore_throttle": 1}
# In Redis each is a list of its own.
_MAX_PRIORITY = 9
_PRIORITIES = {"priority_steps": [0, _MAX_PRIORITY], "sep": ":"}


def make_celery(*, broker_url: str, publishes_only: bool = False, threads: int = 1) -> Celery:
    """The app on a broker; nothing connects until something is sent or a worker starts."""
    is_redis = broker_url.startswith(("redis:", "rediss:", "redis+socket:"))
    transport = _PUBLISH_TRANSPORT if publishes_only else _CONSUME_TRANSPORT
    # A worker has one of each: its tasks belong to the one that consumes.
    celery = Celery("recite", broker=broker_url, include=["worker.tasks"], set_as_current=not publishes_only)
    celery.conf.update(
        task_ignore_result=True,
        # Or every thread would look through all installed packages for one of its own.
        result_backend_thread_safe=True,
        task_default_queue="interactive",
        task_queues=[Queue(lane, Exchange("recite", type="direct"), routing_key=lane) for lane in LANES],
        task_queue_max_priority=_MAX_PRIORITY,
        # Of what waits its turn. Redis serves the lowest first, other brokers the highest.
        task_default_priority=_MAX_PRIORITY if is_redis else 0,
        task_create_missing_queues=False,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_publish_retry_policy=_PUBLISH_RETRY,
        worker_prefetch_multiplier=1,
        worker_pool="threads",
        worker_concurrency=threads,
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_connection_timeout=0.4 if publishes_only else 4,
        broker_transport_options=transport | _PRIORITIES if is_redis else {},
        task_serializer="json",
        accept_content=["json"],
    )
    return celery


def __getattr__(name: str) -> Celery:
    """`celery -A celery_config` looks for `app`: it is made then, so that importing this module reads nothing."""
    if name in ("app", "celery"):
        settings = load_settings()
        app = make_celery(broker_url=settings.broker_url, threads=settings.xai.worker_threads)
        globals().update(app=app, celery=app)
        return app
    raise AttributeError(name)
