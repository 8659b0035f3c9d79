"""How live sessions end, over real sockets: each cause has its close code and reason, and frees the upstream."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from relay import closes, events
from relay.closes import Closing
from speech.ports import Admission
from tests.fakes.relaying import Browser, RunningRelay, browser
from tests.fakes.scripted_upstream import ScriptedUpstream, Wire
from tests.fakes.seats import FakeBreaker
from tests.fakes.services import free_port
from tests.fakes.simulator import RunningSimulator, running_simulator
from xai.alone import OwnSeats
from xai.live_seats import LiveSeats

pytestmark = pytest.mark.integration


@pytest.fixture
async def simulator() -> AsyncIterator[RunningSimulator]:
    async with running_simulator() as running:
        yield running


@asynccontextmanager
async def page_of(relay: RunningRelay, **limits: Any) -> AsyncIterator[Browser]:
    relay.limit(**limits)
    relay.allow("force_message")
    async with relay.running(), browser(relay) as page:
        yield page


async def check(page: Browser, relay: RunningRelay, expected: Closing, *, resumable: bool = False) -> dict[str, Any]:
    """The page hears of this end, the bridge tells it, and nothing is left open upstream."""
    told, code, reason = await page.closing()
    assert (code, reason) == (expected.code, expected.reason)
    assert told["type"] == "relay.closing"
    assert (told["code"], told["reason"], told["resumable"]) == (code, reason, resumable)
    assert len(told["message"]) > 10
    outcome = await relay.outcome()
    assert (outcome.closing.reason, outcome.resumable) == (expected.reason, resumable)
    return told


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("refuse_400", closes.UPSTREAM_UNAVAILABLE),
        ("refuse_400_key", closes.UPSTREAM_REFUSED),
        ("refuse_401", closes.UPSTREAM_REFUSED),
        ("refuse_403", closes.UPSTREAM_REFUSED),
        ("refuse_429", closes.UPSTREAM_BUSY),
        ("refuse_500", closes.UPSTREAM_UNAVAILABLE),
        ("close_at_once", closes.UPSTREAM_UNAVAILABLE),
        ("voice_refused", closes.UPSTREAM_REFUSED),
        ("no_session_updated", closes.UPSTREAM_TIMEOUT),
    ],
)
async def test_an_upstream_that_takes_no_session(
    simulator: RunningSimulator, fault: str, expected: Closing, caplog: pytest.LogCaptureFixture
) -> None:
    relay = RunningRelay(simulator.fault_url(fault), key="a-secret-key")
    async with page_of(relay, ready_seconds=0.3) as page:
        told = await check(page, relay, expected)
        assert "key" not in told["message"].lower()
    assert simulator.stats.open == 0
    assert "does not get ready" in caplog.text
    assert "a-secret-key" not in caplog.text


async def test_an_upstream_that_is_not_there() -> None:
    relay = RunningRelay(f"ws://127.0.0.1:{free_port()}/v1/realtime")
    async with page_of(relay) as page:
        await check(page, relay, closes.UPSTREAM_UNAVAILABLE)


async def test_an_upstream_that_is_known_to_be_down_is_not_asked(simulator: RunningSimulator) -> None:
    breaker = FakeBreaker()
    breaker.admission = Admission(wait=17, is_down=True)
    relay = RunningRelay(simulator.realtime_url, breaker=breaker)
    async with page_of(relay) as page:
        told = await check(page, relay, closes.UPSTREAM_UNAVAILABLE)
    assert "17 seconds" in told["message"]
    assert simulator.stats.handshakes == 0


async def test_a_429_and_a_dead_upstream_are_told_to_all(simulator: RunningSimulator) -> None:
    breaker = FakeBreaker()
    relay = RunningRelay(simulator.fault_url("refuse_429"), breaker=breaker)
    async with page_of(relay) as page:
        await check(page, relay, closes.UPSTREAM_BUSY)
    relay.upstream_url = simulator.fault_url("refuse_500")
    relay.seats = LiveSeats(OwnSeats(1), most_live=1)
    async with page_of(relay) as page:
        await check(page, relay, closes.UPSTREAM_UNAVAILABLE)
    assert breaker.news == ["pause 1", "failed"]


async def test_without_a_seat_it_waits_and_says_so(simulator: RunningSimulator) -> None:
    seats = LiveSeats(OwnSeats(1), most_live=1)
    relay = RunningRelay(simulator.realtime_url, seats=seats)
    async with page_of(relay, seat_seconds=1.0) as page:
        await page.ready()
        async with browser(relay) as second:
            assert [event["type"] for event in await second.until("relay.waiting")] == [
                "relay.session",
                "relay.waiting",
            ]
            await check(second, relay, closes.UPSTREAM_BUSY)
        async with browser(relay) as third:
            await third.until("relay.waiting")
            await third.append("AAAA")
            await page.connection.close()
            await third.ready()
        assert simulator.stats.most_open == 1


async def test_who_goes_while_waiting_never_sits(simulator: RunningSimulator) -> None:
    seats = LiveSeats(OwnSeats(1), most_live=1)
    relay = RunningRelay(simulator.realtime_url, seats=seats)
    async with page_of(relay) as page:
        await page.ready()
        async with browser(relay) as second:
            await second.until("relay.waiting")
        assert (await relay.outcome()).closing is closes.CLIENT_GONE
        assert seats.taken == 1
        assert simulator.stats.handshakes == 1


@pytest.mark.parametrize(
    ("code", "announced", "expected"),
    [
        (1000, None, closes.UPSTREAM_ENDED),
        (1001, None, closes.UPSTREAM_LOST),
        (1011, None, closes.UPSTREAM_LOST),
        (3000, None, closes.UPSTREAM_LOST),
        (None, None, closes.UPSTREAM_LOST),
        (1008, "max_duration", closes.UPSTREAM_ENDED),
        (None, "timeout", closes.UPSTREAM_ENDED),
    ],
)
async def test_the_upstream_s_close_is_passed_on_in_our_words_after_its_own(
    code: int | None, announced: str | None, expected: Closing
) -> None:
    async def script(wire: Wire) -> None:
        await wire.configure()
        await wire.take()
        await wire.say({"type": "the.last.event"})
        if announced:
            await wire.say({"type": "error", "error": {"type": announced, "message": "Over"}})
        if code is None:
            wire.connection.transport.abort()
        else:
            await wire.connection.close(code, "some words of the upstream's")

    async with ScriptedUpstream(script).running() as upstream:
        relay = RunningRelay(upstream.url)
        async with page_of(relay) as page:
            await page.ready()
            await page.send("response.create")
            if code is not None:
                await page.until("the.last.event")
            told = await check(page, relay, expected, resumable=expected is closes.UPSTREAM_LOST)
            assert "words" not in told["message"]


@pytest.mark.parametrize("how", ["close", "abort"])
async def test_a_client_that_goes_frees_the_upstream_at_once(simulator: RunningSimulator, how: str) -> None:
    relay = RunningRelay(simulator.realtime_url)
    simulator.change(pace=1)
    async with page_of(relay) as page:
        await page.ready()
        await page.force("A sentence that takes a while to be spoken, longer than anyone here will listen to it.")
        await page.until("response.output_audio.delta")
        began = asyncio.get_running_loop().time()
        if how == "close":
            await page.connection.close()
        else:
            page.connection.transport.abort()
        outcome = await relay.outcome()
        assert asyncio.get_running_loop().time() - began < 0.5
        assert outcome.closing is (closes.CLIENT_GONE if how == "close" else closes.CLIENT_LOST)
        assert outcome.resumable is (how == "abort")
        assert outcome.conversation_id
        assert relay.seats.taken == 0
    assert simulator.stats.open == 0


async def test_it_ends_from_outside(simulator: RunningSimulator) -> None:
    relay = RunningRelay(simulator.realtime_url)
    async with page_of(relay) as page:
        await page.ready()
        await relay.bridges[0].say(events.going_away(5))
        assert (await page.receive()) == {"type": "relay.going_away", "seconds": 5}
        relay.bridges[0].end(closes.GOING_AWAY)
        relay.bridges[0].end(closes.ENDED)
        await check(page, relay, closes.GOING_AWAY)
    assert simulator.stats.open == 0


async def test_silence_is_told_and_ends_it_but_not_while_anything_is_said(simulator: RunningSimulator) -> None:
    relay = RunningRelay(simulator.realtime_url)
    simulator.change(ping_ms=50)
    async with page_of(relay, idle_seconds=0.6, notice_seconds=0.2) as page:
        await page.ready()
        loop = asyncio.get_running_loop()
        until = loop.time() + 1
        while loop.time() < until:
            await page.append("AAAA")
            await asyncio.sleep(0.05)
        began = loop.time()
        notice = (await page.until("relay.ending"))[-1]
        assert notice["reason"] == "idle"
        assert 0 < notice["seconds"] <= 0.2
        await check(page, relay, closes.IDLE)
        assert 0.4 < loop.time() - began < 1.5


async def test_the_longest_duration_is_told_and_ends_it(simulator: RunningSimulator) -> None:
    relay = RunningRelay(simulator.realtime_url)
    async with page_of(relay, session_seconds=0.6) as page:
        notice = (await page.until("relay.ending"))[-1]
        assert notice["reason"] == "session_length"
        await check(page, relay, closes.MAX_DURATION)


async def test_too_big_a_message_ends_it(simulator: RunningSimulator) -> None:
    relay = RunningRelay(simulator.realtime_url)
    async with page_of(relay, message_bytes=10_000) as page:
        await page.ready()
        await page.append("A" * 9_000)
        await page.append("A" * 10_000)
        await check(page, relay, closes.MESSAGE_TOO_BIG)


async def test_a_flood_of_tiny_messages_ends_it_and_nobody_else(simulator: RunningSimulator) -> None:
    relay = RunningRelay(simulator.realtime_url)
    async with page_of(relay) as page, browser(relay) as flooding:
        await page.ready()
        await flooding.ready()

        async def flood() -> None:
            for _ in range(10_000):
                await flooding.connection.send("{}")

        task = asyncio.create_task(flood())
        heard, code = await flooding.until_closed()
        await asyncio.gather(task, return_exceptions=True)
        assert (code, flooding.connection.close_reason) == (1008, "too_many_messages")
        assert {event["type"] for event in heard} == {"relay.error", "relay.closing"}
        assert heard[-2]["error"]["code"] == "too_many_messages"
        assert 400 <= len(heard) <= 600
        await page.speak("It goes on.")


async def test_nobody_s_words_sound_or_key_are_logged(
    simulator: RunningSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    relay = RunningRelay(simulator.realtime_url, key="a-secret-key")
    async with page_of(relay) as page:
        await page.ready()
        await page.append("c2VjcmV0c291bmQh")
        await page.send("nonsense-Hippopotamus")
        await page.force("Hippopotamus")
        await page.until("response.done")
        relay.bridges[0].end(closes.ENDED)
        await page.closing()
        await relay.outcome()
    ours = [record.getMessage() for record in caplog.records if record.name.startswith(("relay", "xai"))]
    assert any("client > upstream conversation.item.create, " in line for line in ours)
    assert any("client > upstream audio, 1 messages" in line for line in ours)
    assert any("upstream > client audio, " in line for line in ours)
    assert all(line.startswith("[X.AI LIVE] a-session ") for line in ours)
    for secret in ("Hippopotamus", "c2VjcmV0", "a-secret-key"):
        assert secret not in "\n".join(ours)


async def test_words_are_logged_when_asked_for_but_no_sound(
    simulator: RunningSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    relay = RunningRelay(simulator.realtime_url, log="words")
    async with page_of(relay) as page:
        await page.ready()
        await page.append("c2VjcmV0c291bmQh")
        await page.say("What is a hippopotamus?")
        await page.send("response.create")
        spoken = await page.until("response.done")
        said = next(e["transcript"] for e in spoken if e["type"] == "response.output_audio_transcript.done")
    assert "What is a hippopotamus?" in caplog.text
    assert said in caplog.text
    assert "c2VjcmV0" not in caplog.text
    delta = next(e["delta"] for e in spoken if e["type"] == "response.output_audio.delta")
    assert delta[:40] not in caplog.text


async def test_a_broken_session_goes_on_with_its_conversation() -> None:
    async def script(wire: Wire) -> None:
        await wire.say({"type": "session.created"}, {"type": "conversation.created", "conversation": {"id": "conv_7"}})
        update = await wire.take()
        await wire.say({"type": "session.updated", "session": update["session"]})
        await wire.take()

    async with ScriptedUpstream(script).running() as upstream:
        relay = RunningRelay(upstream.url)
        async with page_of(relay) as page:
            await page.ready()
            page.connection.transport.abort()
            outcome = await relay.outcome()
            assert outcome.resumable
            relay.conversation_id = outcome.conversation_id
            async with browser(relay) as again:
                await again.ready()
        paths = [request.path for request in upstream.handshakes]
        assert "conversation_id" not in paths[0]
        assert "conversation_id=conv_7" in paths[1]


async def healthy(wire: Wire) -> None:
    await wire.configure()
    await wire.take()


def not_found(request: Request) -> Response | None:
    return Response(404, "Not Found", Headers()) if "conversation_id" in request.path else None


@pytest.mark.parametrize("refuses", [True, False], ids=["by its handshake", "by an error event"])
async def test_a_conversation_that_is_gone_is_begun_anew(refuses: bool) -> None:
    async def script(wire: Wire) -> None:
        await wire.say({"type": "error", "error": {"type": "invalid_request_error", "code": "conversation_not_found"}})
        await wire.say({"type": "conversation.created", "conversation": {"id": "conv_new"}})
        update = await wire.take()
        await wire.say({"type": "session.updated", "session": update["session"]})
        await wire.take()

    upstream = ScriptedUpstream(healthy, refuse=not_found) if refuses else ScriptedUpstream(script)
    async with upstream.running():
        relay = RunningRelay(upstream.url, conversation_id="conv_old")
        async with page_of(relay) as page:
            await page.ready()
            relay.bridges[0].end(closes.ENDED)
            await check(page, relay, closes.ENDED)
        assert len(upstream.handshakes) == (2 if refuses else 1)
