"""What is sent to the workers, on a real broker: who comes first."""

from __future__ import annotations

import pytest

from celery_config import RENDER_TASK, make_celery
from speech.request import Lane
from storage.dispatch import CeleryDispatch

pytestmark = pytest.mark.contract


async def test_what_had_its_turn_goes_before_what_waits(redis_url: str) -> None:
    celery = make_celery(broker_url=redis_url)
    dispatch = CeleryDispatch(make_celery(broker_url=redis_url, publishes_only=True), task=RENDER_TASK)
    for name in ("one", "two"):
        await dispatch.send(name, lane=Lane.BULK)
    await dispatch.send("again", lane=Lane.BULK, is_first=True)
    dispatch.close()
    with celery.connection() as broker:
        queue = celery.amqp.queues["bulk"].bind(broker.default_channel)
        got = [queue.get(no_ack=True) for _ in range(3)]
    assert [message and message.payload[0] for message in got] == [["again"], ["one"], ["two"]]
    celery.close()
