"""Frames through the bridge, over real sockets: the same, in order, both ways; what waits and what goes."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest

from relay import closes
from tests.fakes.polling import until
from tests.fakes.relaying import ORDER, Browser, RunningRelay, browser
from tests.fakes.scripted_upstream import PCM, ScriptedUpstream, Wire, utterance

pytestmark = pytest.mark.integration

APPEND = "input_audio_buffer.append"


@asynccontextmanager
async def scene(
    script: Callable[[Wire], Awaitable[None]], **limits: Any
) -> AsyncIterator[tuple[Browser, RunningRelay, ScriptedUpstream]]:
    """A page, a relay and an upstream that follows a script."""
    async with ScriptedUpstream(script).running() as upstream:
        relay = RunningRelay(upstream.url)
        relay.limit(**limits)
        async with relay.running(), browser(relay) as page:
            yield page, relay, upstream


async def raw(page: Browser, count: int) -> list[str | bytes]:
    """The next frames as they are on the wire."""
    async with asyncio.timeout(10):
        return [await page.connection.recv() for _ in range(count)]


async def listening(wire: Wire) -> None:
    """Configures the session, and takes in whatever comes."""
    await wire.configure()
    while True:
        await wire.take()


async def test_what_the_upstream_says_arrives_as_it_is_and_in_order() -> None:
    frames: list[str | bytes] = [
        '{"type":"ping",   "timestamp": 1750000000000}',
        '{"type":"nobody.knows.this","x":[1,2,{"y":null}]}',
        "not JSON at all \u00e4\U0001f600",
        '["no object"]',
        '{"type": 7}',
        '{"type": ["error"], "error": []}',
        '{"type": "error", "error": [7]}',
        '{"type": "conversation.created", "conversation": "x"}',
        '{"type":"error","error":{"type":"invalid_request_error","message":"Grr\\u00fc\\u00df"}}',
        b"\x00\x01\xff binary audio",
        *(orjson.dumps(event).decode() for event in utterance("resp_1", chunk=333)),
        '{"type":"response.output_audio.delta","delta":"' + "A" * (2 * 1024 * 1024) + '"}',
        b"",
        "",
        '{"type":"response.done","response":{"id":"resp_1","status":"completed"}}',
    ]

    async def script(wire: Wire) -> None:
        await wire.configure()
        await wire.say(*frames)
        await wire.take()

    async with scene(script) as (page, relay, _):
        await page.ready()
        assert await raw(page, len(frames)) == frames
        assert relay.bridges[0].figures()["messages_out"] >= len(frames)
        counted = relay.timings.figures()["upstream_to_client"]
        assert counted["count"] >= len(frames)
        assert 0 < counted["p50_ms"] <= counted["p99_ms"] <= counted["max_ms"]


async def test_what_the_client_says_arrives_as_it_is_and_in_order_on_both_transports() -> None:
    audio = base64.b64encode(PCM).decode()
    frames: list[str | bytes] = [
        '{ "audio":"' + audio + '", "type":"input_audio_buffer.append" }',
        '{"type":"input_audio_buffer.append","audio":"","event_id":"\\u00e4"}',
        PCM,
        '{"type":"input_audio_buffer.commit"}',
        '{"type":"conversation.item.create","item":{"type":"message","role":"user",'
        '"content":[{"type":"input_text","text":"Gr\u00fc\u00df  dich"}]}}',
        '{"type":"response.create"}',
        b"\x00",
        '{"type":"conversation.item.truncate","item_id":"i","content_index":0,"audio_end_ms":1.50}',
        '{"type":"session.update","session":{"turn_detection":null}}',
    ]
    arrived: list[str | bytes] = []
    complete = asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.configure()
        async for frame in wire.connection:
            arrived.append(frame)
            if len(arrived) == len(frames):
                complete.set()

    async with scene(script) as (page, relay, _):
        for frame in frames:
            await page.connection.send(frame)
        async with asyncio.timeout(5):
            await complete.wait()
        assert arrived == frames
        figures = relay.bridges[0].figures()
        assert figures["messages_in"] == len(frames)
        assert figures["bytes_in"] == sum(map(len, frames))


async def test_the_session_is_set_as_it_was_ordered_and_what_came_early_waits_for_that() -> None:
    may_confirm, early = asyncio.Event(), asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.say({"type": "session.created"}, {"type": "conversation.created", "conversation": {"id": "conv_7"}})
        update = await wire.take()
        await may_confirm.wait()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(wire.take(), 0.1)
        await wire.say({"type": "session.updated", "session": update["session"]})
        for _ in range(41):
            await wire.take()
        early.set()
        await wire.take()

    async with scene(script) as (page, _, upstream):
        for number in range(40):
            await page.send(APPEND, audio="AAAA", event_id=str(number))
        await page.send("input_audio_buffer.commit")
        await page.until("conversation.created")
        may_confirm.set()
        async with asyncio.timeout(5):
            await early.wait()
        update, *rest = upstream.received
        assert update["type"] == "session.update"
        session = update["session"]
        assert session["instructions"] == ORDER.instructions
        assert session["voice"] == ORDER.voice
        assert session["turn_detection"]["type"] == "server_vad"
        assert session["resumption"] == {"enabled": True}
        for side in ("input", "output"):
            assert session["audio"][side] == {"format": {"type": "audio/pcm", "rate": 24_000}, "transport": "json"}
        assert [event.get("event_id") for event in rest] == [*map(str, range(40)), None]


@pytest.mark.parametrize("answer", ["session.updated", "error"])
async def test_after_a_client_s_update_audio_waits_for_the_answer(answer: str) -> None:
    complete = asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.configure()
        update = await wire.take()
        assert update["session"] == {"turn_detection": None}
        cancel = await wire.take()
        assert cancel["type"] == "response.cancel"
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(wire.take(), 0.1)
        await wire.say({"type": answer})
        assert [(await wire.take())["type"] for _ in range(2)] == [APPEND, "input_audio_buffer.commit"]
        complete.set()
        await wire.take()

    async with scene(script) as (page, _, _upstream):
        await page.ready()
        await page.send("session.update", session={"turn_detection": None})
        await page.send("response.cancel")
        await page.append("AAAA")
        await page.send("input_audio_buffer.commit")
        async with asyncio.timeout(5):
            await complete.wait()


async def test_what_can_t_be_meant_is_refused_and_the_rest_goes_on() -> None:
    complete = asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.configure()
        for _ in range(3):
            await wire.take()
        complete.set()
        await wire.take()

    async with scene(script) as (page, _, upstream):
        await page.ready()
        for frame in (
            "no JSON",
            "[]",
            '{"type":"no.such.event","event_id":"a"}',
            '{"type":"response.create","type":""}',
        ):
            await page.connection.send(frame)
        await page.send(APPEND, audio="AAA-", event_id="b")
        await page.send("conversation.item.create", item={"type": "force_message", "role": "assistant", "content": []})
        told = [await page.receive() for _ in range(6)]
        assert {event["type"] for event in told} == {"relay.error"}
        assert [event["error"]["code"] for event in told] == [
            "invalid_json",
            "invalid_event",
            "unknown_event_type",
            "invalid_event",
            "invalid_audio",
            "not_allowed",
        ]
        assert [event["event_id"] for event in told] == [None, None, "a", None, "b", None]
        await page.append("AAAA")
        await page.send("session.update", session={"voice": "rex", "turn_detection": None}, event_id="c")
        await page.send("response.create", response={"instructions": "Swear."})
        ignored = [await page.receive() for _ in range(2)]
        assert [(event["type"], event["event"], event["fields"], event["event_id"]) for event in ignored] == [
            ("relay.ignored", "session.update", ["session.voice"], "c"),
            ("relay.ignored", "response.create", ["response.instructions"], None),
        ]
        async with asyncio.timeout(5):
            await complete.wait()
        assert upstream.received[1:] == [
            {"type": APPEND, "audio": "AAAA"},
            {"type": "session.update", "session": {"turn_detection": None}, "event_id": "c"},
            {"type": "response.create", "response": {}},
        ]


async def test_stale_audio_goes_and_is_counted_and_told_but_no_control_event() -> None:
    may_confirm, complete = asyncio.Event(), asyncio.Event()

    async def script(wire: Wire) -> None:
        update = await wire.take()
        await may_confirm.wait()
        await wire.say({"type": "session.updated", "session": update["session"]})
        while (await wire.take())["type"] != "input_audio_buffer.commit":
            pass
        complete.set()
        await wire.take()

    audio = base64.b64encode(bytes(750)).decode()
    async with scene(script, waiting_audio_bytes=11_000) as (page, relay, upstream):
        await page.send("response.cancel")
        for number in range(50):
            await page.send(APPEND, audio=audio, event_id=f"{number:02}")
        await page.send("input_audio_buffer.commit")
        told = (await page.until("relay.dropped"))[-1]
        may_confirm.set()
        async with asyncio.timeout(5):
            await complete.wait()
        kept = [event["event_id"] for event in upstream.received if event["type"] == APPEND]
        assert kept == [f"{number:02}" for number in range(50 - len(kept), 50)]
        assert 9 <= len(kept) <= 11
        assert told["messages"] == told["total_messages"] == 50 - len(kept)
        assert told["bytes"] > told["messages"] * 1000
        assert relay.bridges[0].figures()["dropped"] == told["total_messages"]
        assert upstream.received[1]["type"] == "response.cancel"


async def test_more_control_events_than_can_wait_end_the_session() -> None:
    async def script(wire: Wire) -> None:
        await wire.take()
        await wire.take()

    async with scene(script, waiting_control_messages=20) as (page, _, _upstream):
        for _ in range(21):
            await page.send("input_audio_buffer.commit")
        told, code, reason = await page.closing()
        assert (told["type"], code, reason) == ("relay.closing", 1008, "too_many_messages")


async def test_a_client_that_takes_nothing_holds_up_its_own_upstream_alone_and_ends() -> None:
    sent = 0
    chunk = orjson.dumps({"type": "response.output_audio.delta", "delta": "A" * 65_000}).decode()

    async def script(wire: Wire) -> None:
        nonlocal sent
        await wire.configure()
        if (await wire.take())["type"] == "response.create":
            while True:
                await wire.say(chunk)
                sent += len(chunk)
        while True:
            await wire.say(*utterance("resp_1"))
            await wire.take()

    async with scene(script, stall_seconds=1.5, farewell_seconds=0.2) as (page, relay, upstream):
        await page.ready()
        async with browser(relay, max_queue=1, close_timeout=0.1) as deaf:
            await deaf.ready()
            await deaf.send("response.create")

            async def stuck() -> bool:
                before = sent
                await asyncio.sleep(0.2)
                return sent > 0 and sent == before

            await until(stuck)
            assert sent < 32_000_000, "four of ours, the others in the buffers of four sockets"
            loop = asyncio.get_running_loop()
            for _ in range(10):
                began = loop.time()
                await page.send("input_audio_buffer.commit")
                await page.until("response.done")
                assert loop.time() - began < 0.5
            outcome = await relay.outcome()
            assert outcome.closing is closes.CLIENT_TOO_SLOW
            await upstream.until_closed(1)


async def test_what_is_recorded_is_what_passed() -> None:
    class Listener:
        def __init__(self) -> None:
            self.heard: list[tuple[str, object, float]] = []

        def from_client(self, event: object, *, at: float) -> None:
            self.heard.append(("client", event, at))

        def from_upstream(self, event: object, *, at: float) -> None:
            self.heard.append(("upstream", event, at))

    async def script(wire: Wire) -> None:
        await wire.configure()
        await wire.take()
        await wire.say(b"sound", {"type": "response.done"})
        await wire.connection.recv()
        await wire.connection.close()

    async with ScriptedUpstream(script).running() as upstream:
        tap = Listener()
        relay = RunningRelay(upstream.url, tap=tap)
        async with relay.running(), browser(relay) as page:
            await page.ready()
            await page.send("user.shout")
            await page.append("AAAA")
            await page.until("response.done")
            await page.connection.send(b"raw")
            await page.closing()
    assert [(side, event) for side, event, _ in tap.heard][-4:] == [
        ("client", {"type": APPEND, "audio": "AAAA"}),
        ("upstream", b"sound"),
        ("upstream", {"type": "response.done"}),
        ("client", b"raw"),
    ]
    times = [at for _, _, at in tap.heard]
    assert times == sorted(times)
