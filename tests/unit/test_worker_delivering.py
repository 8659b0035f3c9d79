"""What becomes of a webhook after an attempt: taken, put off, given up, or nobody there to sign it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, cast

import httpx
import pytest
from standardwebhooks import Webhook

from speech.client_ports import Clients
from speech.errors import Interrupted, KeySealed
from speech.webhook_delivery import DeliveryStatus, Parcel, Problem, RetrySchedule
from speech.webhook_ports import Outbox
from worker.delivering import Delivering
from worker.postman import Postman

pytestmark = pytest.mark.unit

SERVICE, OWN, OLDER = (f"whsec_{letter * 32}" for letter in "abc")
NOW = datetime(2026, 11, 21, 17, 0, 0, 250_000, tzinfo=UTC)
PARCEL = Parcel(
    id="msg_1",
    token=7,
    url="https://shop.example/hook",
    body='{"type":"job.ready"}',
    client="shop",
    is_signed_by_client=False,
    is_standing=False,
    tries=1,
    age=0.0,
)


@dataclass
class Desk:
    """Has one parcel to take and the secrets of a client, and notes what is said of them."""

    parcel: Parcel | None = PARCEL
    own: tuple[str, ...] | None = (OWN, OLDER)
    disabled: list[str] = field(default_factory=list)
    settled: list[tuple[DeliveryStatus, float, int | None, Problem | None]] = field(default_factory=list)

    async def take(self, id: str, *, seconds: float) -> Parcel | None:
        return self.parcel

    async def settle(
        self,
        parcel: Parcel,
        status: DeliveryStatus,
        *,
        delay: float = 0,
        answered: int | None = None,
        problem: Problem | None = None,
    ) -> None:
        self.settled.append((status, delay, answered, problem))

    async def webhook_secrets(self, id: str) -> tuple[str, ...]:
        if self.own is None:
            raise KeySealed
        return self.own

    async def disable_webhook(self, id: str, *, url: str) -> None:
        self.disabled.append(url)


async def deliver(desk: Desk, answer: Callable[[httpx.Request], Any]) -> list[httpx.Request]:
    """One run against a receiver that answers so; what it got."""
    got: list[httpx.Request] = []

    async def handle(request: httpx.Request) -> httpx.Response:
        got.append(request)
        response = answer(request)
        return cast(httpx.Response, await response if asyncio.iscoroutine(response) else response)

    postman = Postman(httpx.MockTransport(handle), allow_private=False, seconds=15)
    delivering = Delivering(
        outbox=cast(Outbox, desk),
        postman=postman,
        clients=cast(Clients, desk),
        secrets=(SERVICE,),
        seconds=15,
        schedule=RetrySchedule(),
        jitter=lambda: 0.5,
        clock=lambda: NOW,
    )
    try:
        await delivering.run("msg_1")
    finally:
        await postman.aclose()
    return got


def says(status: int, **headers: str) -> Callable[[httpx.Request], httpx.Response]:
    return lambda request: httpx.Response(status, headers=headers, stream=httpx.ByteStream(b"OK"))


@pytest.mark.parametrize(
    ("parcel", "secrets"),
    [(PARCEL, [SERVICE]), (replace(PARCEL, is_signed_by_client=True), [OWN, OLDER])],
)
async def test_it_is_signed_by_whom_it_should_be(parcel: Parcel, secrets: list[str]) -> None:
    desk = Desk(parcel=parcel)
    [request] = await deliver(desk, says(204))
    signatures = [Webhook(secret).sign("msg_1", NOW, PARCEL.body) for secret in secrets]
    assert request.headers["webhook-signature"] == " ".join(signatures)
    assert (request.headers["webhook-id"], request.headers["webhook-timestamp"]) == ("msg_1", "1795280400")
    assert request.content.decode() == PARCEL.body
    assert desk.settled == [(DeliveryStatus.DELIVERED, 0, 204, None)]


@pytest.mark.parametrize(
    ("parcel", "answer", "settled"),
    [
        (PARCEL, says(500), (DeliveryStatus.PENDING, 5, 500, Problem.BAD_ANSWER)),
        (replace(PARCEL, tries=3), says(404), (DeliveryStatus.PENDING, 45, 404, Problem.BAD_ANSWER)),
        (PARCEL, says(503, **{"Retry-After": "60"}), (DeliveryStatus.PENDING, 60, 503, Problem.BAD_ANSWER)),
        (replace(PARCEL, tries=12, age=86_000), says(500), (DeliveryStatus.FAILED, 0, 500, Problem.BAD_ANSWER)),
        (PARCEL, says(410), (DeliveryStatus.FAILED, 0, 410, Problem.GONE)),
        (
            PARCEL,
            says(307, location="http://10.0.0.1/"),
            (DeliveryStatus.FAILED, 0, 307, Problem.FORBIDDEN_ADDRESS),
        ),
    ],
)
async def test_what_fails_is_put_off_or_given_up(
    parcel: Parcel, answer: Any, settled: tuple[DeliveryStatus, float, int, Problem]
) -> None:
    desk = Desk(parcel=parcel)
    await deliver(desk, answer)
    assert desk.settled == [settled]
    assert desk.disabled == []


async def test_a_standing_one_that_is_gone_is_switched_off() -> None:
    desk = Desk(parcel=replace(PARCEL, is_standing=True))
    await deliver(desk, says(410))
    assert desk.disabled == [PARCEL.url]


@pytest.mark.parametrize("own", [(), None])
async def test_nobody_else_signs_for_a_client_whose_secret_is_gone(own: tuple[str, ...] | None) -> None:
    desk = Desk(parcel=replace(PARCEL, is_signed_by_client=True), own=own)
    assert await deliver(desk, says(200)) == []
    assert desk.settled == [(DeliveryStatus.FAILED, 0, None, Problem.SECRET_LOST)]


async def test_one_that_is_taken_already_is_left_alone() -> None:
    desk = Desk(parcel=None)
    assert await deliver(desk, says(200)) == []
    assert desk.settled == []


async def test_a_worker_that_stops_puts_it_back() -> None:
    desk, arrived = Desk(), asyncio.Event()

    async def hang() -> httpx.Response:
        arrived.set()
        await asyncio.Event().wait()
        raise AssertionError

    task = asyncio.create_task(deliver(desk, lambda request: hang()))
    await arrived.wait()
    task.cancel()
    with pytest.raises(Interrupted):
        await task
    assert desk.settled == [(DeliveryStatus.PENDING, 0, None, Problem.INTERRUPTED)]
