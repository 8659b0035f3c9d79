"""Relay processes that stop or die: who talks is told, or comes back at another one with the conversation."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator

import httpx
import pytest
import websockets
from redis import Redis

from tests.fakes.polling import until
from tests.fakes.raw_realtime import audio_of
from tests.fakes.relays import Relays, made, relays, talking
from tests.integration.test_api_bad_input import check_problem

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def lasting() -> Iterator[Relays]:
    """One relay that stays; tests start others beside it."""
    with relays(1, SHUTDOWN_GRACE="1.5", RELAY_GRACE_SECONDS="20", RELAY_SESSIONS_PER_ADDRESS="0") as running:
        yield running


async def test_a_killed_process_loses_nobody(lasting: Relays) -> None:
    program, url = lasting.start_relay("relay-killed")
    async with lasting.client() as client:
        session = await made(client)
        async with talking(url, session["websocket_url"]) as talk:
            await talk.ask("Remember the number seven.")

            async def is_known() -> bool:
                (shown,) = (await client.get("/sessions")).json()["sessions"]
                return bool(shown["figures"].get("messages_in"))

            # From now on another process knows how far it came.
            await until(is_known)
            program.end(signal.SIGKILL)
            await talk.until_closed()

        async def is_detached() -> bool:
            (shown,) = (await client.get("/sessions")).json()["sessions"]
            return bool(shown["state"] == "detached")

        await until(is_detached, seconds=10)
        async with talking(lasting.urls[0], f"{session['websocket_url']}?token={talk.resume_token}") as again:
            assert again.hello["resumed"]
            assert audio_of(await again.ask("Which number was it?"))


async def test_a_stopping_process_takes_nobody_new_and_lets_the_others_end(lasting: Relays) -> None:
    program, url = lasting.start_relay("relay-stopping")
    async with httpx.AsyncClient(base_url=url) as client:
        first, unused = await made(client), await made(client)
        async with talking(url, first["websocket_url"]) as talk:
            await talk.until("session.updated")
            assert program.process
            program.process.terminate()

            notice = (await talk.until("relay.going_away"))[-1]
            assert notice["seconds"] == 1.5
            problem = check_problem(await client.post("/sessions"), 503, "going_away")
            assert problem["retryable"]
            health = await client.get("/health")
            assert (health.status_code, health.json()["status"]) == (503, "draining")
            with pytest.raises(websockets.InvalidStatus) as caught:
                async with talking(url, unused["websocket_url"]):
                    pass
            assert caught.value.response.status_code == 503
            # Whoever talks may go on until the end.
            assert audio_of(await talk.ask("One last question?"))

            events, code = await talk.until_closed()
        assert (events[-1]["type"], events[-1]["reason"], code) == ("relay.closing", "going_away", 1001)
        assert events[-1]["resumable"]
    await asyncio.to_thread(program.end, signal.SIGCONT)
    assert "Traceback" not in program.said()
    assert "ERROR" not in program.said()
    for session, token in ((first, f"?token={talk.resume_token}"), (unused, "")):
        async with talking(lasting.urls[0], session["websocket_url"] + token) as again:
            assert again.hello["resumed"] is bool(token)
            await again.until("session.updated")


async def test_a_stopping_process_that_nobody_talks_to_is_gone_at_once(lasting: Relays) -> None:
    program, url = lasting.start_relay("relay-idle", SHUTDOWN_GRACE="30")
    async with httpx.AsyncClient(base_url=url) as client:
        session = await made(client)
        async with talking(url, session["websocket_url"]) as talk:
            await talk.until("session.updated")
            assert program.process
            program.process.terminate()
            await talk.until("relay.going_away")
        # The last one has left: nothing keeps it.
        await asyncio.to_thread(program.end, signal.SIGCONT, seconds=5)


async def test_a_second_signal_ends_it_at_once(lasting: Relays) -> None:
    program, url = lasting.start_relay("relay-hurried", SHUTDOWN_GRACE="30")
    async with httpx.AsyncClient(base_url=url) as client:
        session = await made(client)
    async with talking(url, session["websocket_url"]) as talk:
        await talk.until("session.updated")
        assert program.process
        program.process.terminate()
        await talk.until("relay.going_away")

        await asyncio.to_thread(program.end, signal.SIGTERM, seconds=5)


async def test_a_redis_that_was_away_and_forgot_everything_ends_no_talk(lasting: Relays) -> None:
    async with lasting.client() as client:
        session = await made(client)
        async with talking(lasting.urls[0], session["websocket_url"]) as talk:
            await talk.until("session.updated")
            lasting.redis.kill()
            assert audio_of(await talk.ask("Can you hear me?"))
            lasting.redis.start()
            with Redis.from_url(lasting.redis.url) as redis:
                redis.flushall()

            async def is_shown() -> bool:
                answer = await client.get("/sessions")
                return answer.status_code == 200 and session["session_id"] in answer.text

            await until(is_shown, seconds=15)
            assert audio_of(await talk.ask("And now?"))
