"""A dead upstream: misses are told so at once, hits are served, bulk waits, and all goes on by itself afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import httpx
import pytest

from tests.fakes.stack import Stack, stack
from tests.integration.test_api_bad_input import check_problem

pytestmark = pytest.mark.integration


@pytest.fixture
def frail() -> Iterator[Stack]:
    """A system whose upstream these tests take away."""
    with stack() as running:
        yield running


async def post(client: httpx.AsyncClient, text: str, *, wait: int = 0, lane: str = "interactive") -> httpx.Response:
    return await client.post(
        "/v1/jobs", json={"text": text, "priority": lane}, headers={"Prefer": f"wait={wait}"} if wait else {}
    )


async def until_down(client: httpx.AsyncClient) -> httpx.Response:
    """Asks for one thing after the other until it is refused."""
    async with asyncio.timeout(30):
        for number in range(1000):
            answer = await post(client, f"Is anybody there, number {number}?")
            if answer.status_code != 202:
                return answer
            await asyncio.sleep(0.05)
    raise AssertionError("never")


async def test_misses_are_refused_hits_served_and_bulk_waits_until_it_is_back(frail: Stack) -> None:
    async with frail.client() as client:
        assert (await post(client, "Known before.", wait=30)).json()["status"] == "ready"
        frail.programs["simulator"].end()
        refused = await until_down(client)
        check_problem(refused, 503, "upstream_unavailable")
        assert 1 <= int(refused.headers["retry-after"]) <= 30
        assert (await post(client, "Known before.")).status_code == 200
        patient = await post(client, "I have time.", lane="bulk")
        assert patient.status_code == 202
        frail.start_simulator()
        url = f"/v1/jobs/{patient.json()['id']}?wait=30"
        assert (await client.get(url)).json()["status"] == "ready"
        assert (await post(client, "And who asks now?", wait=30)).json()["status"] == "ready"
