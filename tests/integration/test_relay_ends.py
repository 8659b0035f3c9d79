"""How live sessions end, over real sockets: each cause has its close code and reason, and frees the upstream."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from websockets.exceptions import ConnectionClosed

from relay import closes, events
from relay.closes import Closing
from relay.limits import BridgeLimits
from speech.ports import Admission
from tests.fakes.relaying import HELLO, Browser, RunningRelay, browser, check, page_of
from tests.fakes.scripted_upstream import ScriptedUpstream, Wire
from tests.fakes.simulator import RunningSimulator
from xai.alone import OwnBreaker, OwnSeats
from xai.live_seats import LiveSeats

pytestmark = pytest.mark.integration


async def test_what_fails_on_our_side_ends_the_session_in_words(
    simulator: RunningSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    class BrokenTap:
        def from_client(self, event: object, *, at: float) -> None:
            raise RuntimeError("it is full of secrets")

        def from_upstream(self, event: object, *, at: float) -> None:
            """Nothing."""

    relay = RunningRelay(simulator.realtime_url, tap=BrokenTap())
    async with page_of(relay) as page:
        await page.ready()
        await page.append("AAAA")
        told = await check(page, relay, closes.INTERNAL)
        assert "secrets" not in str(told)
    assert "BrokenTap" in caplog.text or "full of secrets" in caplog.text
    assert simulator.stats.open == 0


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


async def test_a_client_that_goes_while_a_cancellation_is_lost_frees_the_upstream_all_the_same(
    simulator: RunningSimulator,
) -> None:
    class Deaf(OwnBreaker):
        is_asked = asyncio.Event()

        async def admit(self) -> Admission:
            self.is_asked.set()
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            return Admission()

    breaker = Deaf()
    relay = RunningRelay(simulator.realtime_url, breaker=breaker)
    async with page_of(relay) as page:
        await breaker.is_asked.wait()
        await page.connection.close()
        assert (await relay.outcome()).closing is closes.CLIENT_GONE
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
        await check(page, relay, closes.GOING_AWAY, resumable=True)
    assert simulator.stats.open == 0


async def test_who_has_nothing_to_come_back_with_is_not_told_to(simulator: RunningSimulator) -> None:
    relay = RunningRelay(simulator.realtime_url, may_return=False)
    async with page_of(relay) as page:
        await page.ready()
        relay.bridges[0].end(closes.GOING_AWAY)
        await check(page, relay, closes.GOING_AWAY, resumable=False)


async def test_who_makes_us_answer_and_takes_no_answer_is_soon_gone(simulator: RunningSimulator) -> None:
    class Deaf:
        closed_with = 0

        async def receive(self) -> str:
            await asyncio.sleep(0)
            return "no JSON"

        async def send(self, frame: str | bytes) -> None:
            await asyncio.Event().wait()

        async def close(self, code: int, reason: str) -> None:
            self.closed_with = code

    relay = RunningRelay(simulator.realtime_url, limits=BridgeLimits(messages_per_second=1_000_000))
    client = Deaf()
    async with relay.seats, asyncio.timeout(10):
        outcome = await relay.bridge().run(client, hello=HELLO)
    assert outcome.closing is closes.CLIENT_TOO_SLOW
    assert client.closed_with == 4408


async def test_one_that_is_ended_before_it_began_says_so(simulator: RunningSimulator) -> None:
    relay = RunningRelay(simulator.realtime_url, ends_with=closes.ENDED)
    async with page_of(relay) as page:
        assert (await page.receive())["type"] == "relay.session"
        await check(page, relay, closes.ENDED)
    assert simulator.stats.handshakes == 0


async def test_one_that_is_cancelled_leaves_nothing_behind(simulator: RunningSimulator) -> None:
    relay = RunningRelay(simulator.realtime_url)
    async with page_of(relay) as page:
        await page.ready()
        task = relay.tasks[0]
        assert task
        task.cancel()
        await asyncio.wait([task])
        assert relay.seats.taken == 0
    assert simulator.stats.open == 0


async def test_silence_is_told_and_ends_it_but_not_while_anything_is_said(simulator: RunningSimulator) -> None:
    relay = RunningRelay(simulator.realtime_url)
    simulator.change(ping_ms=50)
    async with page_of(relay, idle_seconds=0.6, notice_seconds=0.2) as page:
        await page.ready()
        loop = asyncio.get_running_loop()
        until = loop.time() + 1
        while loop.time() < until:
            await page.send("input_audio_buffer.clear")
            await asyncio.sleep(0.05)
        began = loop.time()
        # A tab that somebody forgot goes on sending the silence of its room.
        silence = asyncio.create_task(_silence(page))
        notice = (await page.until("relay.ending"))[-1]
        assert notice["reason"] == "idle"
        assert 0 < notice["seconds"] <= 0.2
        await check(page, relay, closes.IDLE)
        assert 0.4 < loop.time() - began < 1.5
        with pytest.raises(ConnectionClosed):
            await silence


async def _silence(page: Browser) -> None:
    while True:
        await page.append("AAAA")
        await asyncio.sleep(0.05)


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
