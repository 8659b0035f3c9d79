"""Webhooks in a real Redis: what waits for a job, what is due and for whom, what the log tells and what it hides."""

from __future__ import annotations

from typing import Any

import pytest
from redis.asyncio import Redis

from speech.errors import NothingToSend, Unavailable, UnknownDelivery
from speech.job import Job, JobError, JobStatus
from speech.ports import Lease
from speech.webhook import Event, EventType, Target
from speech.webhook_delivery import DeliveryFilter, DeliveryStatus, Parcel, Problem
from speech.webhook_ports import Outbox, Webhooks
from storage.board_scripts import ENDS_KEY
from storage.callers import RedisCallers
from storage.job_board import RedisJobBoard
from storage.outbox import RedisOutbox
from storage.sealing import Sealer
from storage.webhook_scripts import HOOKED_KEY
from storage.webhooks import RedisWebhooks
from tests.fakes.jobs import NOW, make_card, make_recipe
from tests.fakes.polling import until

pytestmark = pytest.mark.contract

RECIPE = make_recipe()
NAME = RECIPE.job_name
AUDIO = f"https://speech.example/v1/audio/{NAME}"
SEALER = Sealer([b"k" * 32])
ADA = Target(url="https://ada.example/hook?token=hush", caller="key:ada", client="ada")
BOB = Target(url="https://bob.example/hook", caller="key:bob", client="bob", is_signed_by_client=True)


@pytest.fixture
def webhooks(redis: Redis) -> Webhooks:
    return RedisWebhooks(redis, sealer=SEALER)


@pytest.fixture
def outbox(redis: Redis) -> Outbox:
    return RedisOutbox(redis, sealer=SEALER)


def event(subject: str = "batch-1", **data: Any) -> Event:
    return Event(type=EventType.BATCH_COMPLETED, subject=subject, at=NOW, data=data)


async def claimed(board: RedisJobBoard) -> Job:
    return (await board.claim(RECIPE, now=NOW, refresh=True, caller="key:ada")).job


async def rendering(board: RedisJobBoard) -> Lease:
    lease = await board.lease(RECIPE.reading_name, seconds=60)
    assert lease is not None
    await board.start(NAME, lease, now=NOW, utterances=1)
    return lease


async def taken(outbox: Outbox, *, seconds: float = 60) -> list[Parcel]:
    parcels = [await outbox.take(id, seconds=seconds) for id in await outbox.due()]
    return [parcel for parcel in parcels if parcel is not None]


async def statuses(webhooks: Webhooks, **wanted: Any) -> list[DeliveryStatus]:
    page = await webhooks.page(DeliveryFilter(**wanted), after=None, limit=100)
    return [delivery.status for delivery in page.deliveries]


async def test_subscribers_wait_for_the_jobs_end_and_no_longer(
    board: RedisJobBoard, webhooks: Webhooks, outbox: Outbox
) -> None:
    job = await claimed(board)
    for _ in range(2):
        assert await webhooks.subscribe(job, to=ADA, audio_url=AUDIO, metadata={"b": "1", "a": "2"})
    assert await webhooks.subscribe(job, to=BOB, audio_url=AUDIO)
    lease = await rendering(board)
    assert await outbox.ended() == []
    await board.finish(make_card(RECIPE), lease)
    [ended] = await outbox.ended()
    assert await outbox.ended() == [ended]
    assert ended.job == await board.job(NAME)
    found = [await outbox.subscription(id) for id in ended.subscribers]
    assert sorted((one.url, one.audio_url, one.metadata) for one in found if one) == [
        (ADA.url, AUDIO, {"a": "2", "b": "1"}),
        (BOB.url, AUDIO, None),
    ]
    for one in (found[0], *found):
        assert one is not None
        await outbox.release(one, event(NAME))
    await outbox.done(ended)
    assert await outbox.ended() == []
    assert {parcel.url for parcel in await taken(outbox)} == {ADA.url, BOB.url}
    assert not await webhooks.subscribe(job, to=ADA, audio_url=AUDIO, metadata={"too": "late"})
    assert await statuses(webhooks) == [DeliveryStatus.PENDING] * 2


async def test_an_end_is_told_as_it_was_although_the_job_began_anew(
    board: RedisJobBoard, webhooks: Webhooks, outbox: Outbox
) -> None:
    await webhooks.subscribe(await claimed(board), to=ADA, audio_url=AUDIO)
    error = JobError(code="no_audio", message="Nothing came", retryable=True)
    await board.fail(NAME, await rendering(board), error)
    again = await claimed(board)
    await webhooks.subscribe(again, to=ADA, audio_url=AUDIO)
    assert again.status is JobStatus.QUEUED
    [ended] = await outbox.ended()
    assert ended.job is not None
    assert (ended.job.status, ended.job.error, len(ended.subscribers)) == (JobStatus.FAILED, error, 1)


async def test_who_leaves_and_what_is_cancelled_is_dropped(
    redis: Redis, board: RedisJobBoard, webhooks: Webhooks, outbox: Outbox
) -> None:
    job = await claimed(board)
    await webhooks.subscribe(job, to=ADA, audio_url=AUDIO)
    await webhooks.subscribe(job, to=BOB, audio_url=AUDIO)
    await webhooks.withdraw(NAME, caller=BOB.caller)
    assert await statuses(webhooks, client="bob") == [DeliveryStatus.DROPPED]
    await webhooks.subscribe(job, to=BOB, audio_url=AUDIO)
    assert await statuses(webhooks, client="bob") == [DeliveryStatus.WAITING]
    await webhooks.withdraw(NAME, caller=BOB.caller)
    await RedisCallers(redis).withdraw(NAME, caller="key:ada")
    [ended] = await outbox.ended()
    assert ended.job is not None
    assert ended.job.status is JobStatus.CANCELLED
    [subscriber] = ended.subscribers
    await outbox.drop(subscriber, problem=Problem.CANCELLED)
    assert await outbox.subscription(subscriber) is None
    with pytest.raises(NothingToSend):
        await webhooks.redeliver(subscriber)


async def test_an_end_that_nobody_was_told_of_is_found(
    redis: Redis, board: RedisJobBoard, webhooks: Webhooks, outbox: Outbox
) -> None:
    job = await claimed(board)
    await webhooks.subscribe(job, to=ADA, audio_url=AUDIO)
    await redis.delete(f"recite:job:{NAME}")
    assert await outbox.ended() == []
    await redis.zadd(HOOKED_KEY, {NAME: 1})
    # What another version wrote, and this one can't read, keeps nobody from the others.
    await redis.lpush(ENDS_KEY, b'{"from": "elsewhere"}')
    [ended] = await outbox.ended()
    assert (ended.job, ended.name) == (None, NAME)
    assert await redis.llen(ENDS_KEY) == 1
    assert await redis.zcard(HOOKED_KEY) == 0
    with pytest.raises(Unavailable):
        await webhooks.subscribe(job, to=BOB, audio_url=AUDIO)


async def test_an_event_is_told_once_where_that_is_asked_for(webhooks: Webhooks, outbox: Outbox) -> None:
    for _ in range(2):
        await webhooks.emit(event(lines=7), to=ADA, once="batch-1")
        await webhooks.emit(event(lines=7), to=BOB, once="batch-1")
    await webhooks.emit(event(lines=7), to=ADA)
    parcels = await taken(outbox)
    assert sorted(parcel.client for parcel in parcels) == ["ada", "ada", "bob"]
    assert {parcel.body for parcel in parcels} == {
        '{"type":"batch.completed","timestamp":"2026-09-21T14:13:20.250Z","data":{"lines":7}}'
    }
    assert {parcel.is_signed_by_client for parcel in parcels if parcel.client == "bob"} == {True}


async def test_one_has_it_at_a_time(webhooks: Webhooks, outbox: Outbox) -> None:
    await webhooks.emit(event(), to=ADA)
    [id] = await outbox.due()
    assert await outbox.due() == []
    assert await outbox.take(id, seconds=60) is not None
    assert await outbox.take(id, seconds=60) is None


async def test_it_comes_back_when_who_had_it_dies(webhooks: Webhooks, outbox: Outbox) -> None:
    await webhooks.emit(event(), to=ADA)
    [dead] = await taken(outbox, seconds=0.01)
    found: list[Parcel] = []

    async def is_back() -> bool:
        found.extend(await taken(outbox))
        return bool(found)

    await until(is_back)
    [parcel] = found
    assert (parcel.id, parcel.tries, parcel.token > dead.token) == (dead.id, 2, True)
    await outbox.settle(dead, DeliveryStatus.FAILED, problem=Problem.TIMEOUT)
    assert await statuses(webhooks) == [DeliveryStatus.PENDING]
    await outbox.settle(parcel, DeliveryStatus.DELIVERED, answered=204)
    assert await statuses(webhooks) == [DeliveryStatus.DELIVERED]
    assert await taken(outbox) == []


async def test_what_is_put_off_is_not_sent_before_its_time(webhooks: Webhooks, outbox: Outbox) -> None:
    await webhooks.emit(event(), to=ADA)
    [parcel] = await taken(outbox)
    await outbox.settle(parcel, DeliveryStatus.PENDING, delay=3600, answered=503, problem=Problem.BAD_ANSWER)
    # A message that comes twice finds nothing to do.
    assert await outbox.take(parcel.id, seconds=60) is None
    assert await outbox.due() == []
    [delivery] = (await webhooks.page(DeliveryFilter(), after=None, limit=10)).deliveries
    assert (delivery.attempts, delivery.answered, delivery.problem) == (1, 503, Problem.BAD_ANSWER)
    assert delivery.last_at is not None
    assert delivery.next_at is not None
    assert 3590 < delivery.next_at - delivery.last_at < 3610
    assert (await webhooks.redeliver(parcel.id)).status is DeliveryStatus.PENDING
    [again] = await taken(outbox)
    assert (again.id, again.body, again.tries) == (parcel.id, parcel.body, 1)
    with pytest.raises(UnknownDelivery):
        await webhooks.redeliver("msg_0")


async def test_a_host_has_a_few_at_once_and_the_others_their_own(webhooks: Webhooks, outbox: Outbox) -> None:
    for _ in range(6):
        await webhooks.emit(event(), to=ADA)
    await webhooks.emit(event(), to=BOB)
    parcels = await taken(outbox)
    assert sorted(parcel.client for parcel in parcels) == ["ada"] * 4 + ["bob"]
    assert await outbox.due() == []
    await outbox.settle(parcels[0], DeliveryStatus.DELIVERED, answered=200)
    assert len(await taken(outbox)) == 1


async def test_the_log_goes_on_page_by_page_and_hides_what_is_secret(
    redis: Redis, webhooks: Webhooks, outbox: Outbox
) -> None:
    for number in range(5):
        await webhooks.emit(event(f"batch-{number}", note="the-callers-own"), to=ADA if number % 2 else BOB)
    first = await webhooks.page(DeliveryFilter(), after=None, limit=3)
    rest = await webhooks.page(DeliveryFilter(), after=first.next, limit=3)
    assert [one.subject for one in (*first.deliveries, *rest.deliveries)] == [f"batch-{n}" for n in (4, 3, 2, 1, 0)]
    assert rest.next is None
    assert len(await statuses(webhooks, client="ada")) == 2
    assert await statuses(webhooks, subject="batch-4", status=DeliveryStatus.PENDING) == [DeliveryStatus.PENDING]
    assert await statuses(webhooks, subject="batch-4", status=DeliveryStatus.FAILED) == []
    assert {one.host for one in first.deliveries} == {"ada.example", "bob.example"}
    kept = b"".join([await redis.dump(key) or b"" for key in await redis.keys("*")])
    assert b"token=hush" not in kept
    assert b"the-callers-own" not in kept
    # Under another RECITE_SECRET nothing is sent, and the log says why.
    assert await taken(RedisOutbox(redis, sealer=Sealer([b"x" * 32]))) == []
    assert await statuses(webhooks) == [DeliveryStatus.FAILED] * 5
