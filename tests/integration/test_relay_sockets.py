"""Connecting through a relay that wants keys: tokens that open once, origins, limits and what bad handshakes meet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
import websockets

from tests.fakes.buckets import made_bucket
from tests.fakes.polling import until
from tests.fakes.raw_realtime import audio_of, types_of
from tests.fakes.relays import UPSTREAM_KEY, Relays, Talk, made, relays, talking
from tests.fakes.services import S3Server

pytestmark = pytest.mark.integration

KEY = "testing-caller-key"
BEARER = {"Authorization": f"Bearer {KEY}"}


@pytest.fixture(scope="module")
def guarded(rclone_s3: S3Server) -> Iterator[Relays]:
    store = made_bucket(rclone_s3, "testing-relay-sockets")
    limits = {"RELAY_SESSIONS_PER_ADDRESS": "0", "RELAY_SESSIONS_PER_CLIENT": "3", "RELAY_MESSAGE_BYTES": "65536"}
    with relays(2, RECITE_API_KEYS=f"another,{KEY}", SHUTDOWN_GRACE="1", **limits, **store) as running:
        yield running
        said = "".join(program.said() for program in running.programs.values())
    assert not [secret for secret in (KEY, UPSTREAM_KEY, "token=") if secret in said]


def caller(running: Relays, number: int = 0) -> httpx.AsyncClient:
    return running.client(number, headers=BEARER)


async def refused(url: str, path: str, **options: Any) -> tuple[dict[str, Any], int]:
    """The last words of a connection that is accepted and closed at once, and the close code."""
    async with talking(url, path, **options) as talk:
        with pytest.raises(websockets.ConnectionClosed):
            await talk.receive()
        return talk.hello, talk.connection.close_code or 0


async def unshaken(url: str, path: str, **options: Any) -> tuple[int, dict[str, Any]]:
    """Status and problem of a handshake that is refused."""
    with pytest.raises(websockets.InvalidStatus) as caught:
        async with talking(url, path, **options):
            pass
    return caught.value.response.status_code, json.loads(bytes(caught.value.response.body or b"{}"))


async def drop(talk: Talk) -> None:
    """The connection breaks without a word."""
    talk.connection.transport.abort()
    await talk.connection.wait_closed()


async def state_of(client: httpx.AsyncClient, id: str) -> str | None:
    listed = (await client.get("/sessions")).json()["sessions"]
    return next((one["state"] for one in listed if one["session_id"] == id), None)


async def test_without_a_key_there_is_no_session_but_what_is_public(guarded: Relays) -> None:
    async with guarded.client() as stranger:
        for answer in (await stranger.post("/sessions"), await stranger.get("/sessions")):
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
        for path in ("/", "/health", "/docs", "/live/"):
            assert (await stranger.get(path)).status_code == 200
    assert (await unshaken(guarded.urls[0], "/v1/realtime"))[0] == 401
    assert (await unshaken(guarded.urls[0], "/v1/realtime", subprotocols=["realtime"]))[0] == 401


async def test_a_session_made_here_talks_there_and_comes_back_here(guarded: Relays) -> None:
    here, there = guarded.urls
    async with caller(guarded) as client:
        session = await made(client, voice="eve", sample_rate=16_000)
        id, path = session["session_id"], session["websocket_url"]
        async with talking(there, path) as talk:
            assert talk.hello["type"] == "relay.session"
            assert (talk.hello["session_id"], talk.hello["voice"], talk.hello["sample_rate"]) == (id, "eve", 16_000)
            assert not talk.hello["resumed"]
            turn = await talk.ask("What is a lighthouse?")
            assert len(audio_of(turn)) > 16_000
            updated = next(event for event in talk.events if event["type"] == "session.updated")
            assert updated["session"]["audio"]["output"]["format"]["rate"] == 16_000
            resume_token, before = talk.resume_token, guarded.upstream_sessions()
            await drop(talk)

        async def is_detached() -> bool:
            return await state_of(client, id) == "detached"

        await until(is_detached)
        assert guarded.upstream_sessions() == before - 1
        for used in (path, f"/ws/{id}", f"/ws/{id}?token=wrong"):
            words, code = await refused(here, used)
            assert (words["type"], words["reason"], code) == ("relay.closing", "bad_token", 4401)

        async with talking(here, f"/ws/{id}?token={resume_token}") as talk:
            assert talk.hello["resumed"]
            assert talk.resume_token != resume_token
            resumptions = guarded.control("GET", "stats")["resumptions"]
            assert resumptions >= 1
            assert audio_of(await talk.ask("And who lives in it?"))

        # The client said goodbye: nobody comes back.
        async def is_gone() -> bool:
            return await state_of(client, id) is None

        await until(is_gone)


async def test_a_client_that_left_a_connection_behind_takes_its_session_over(guarded: Relays) -> None:
    async with caller(guarded) as client:
        session = await made(client)
        async with talking(guarded.urls[0], session["websocket_url"]) as old:
            await old.until("session.updated")
            path = f"/ws/{session['session_id']}?token={old.resume_token}"
            async with talking(guarded.urls[1], path) as new:
                assert new.hello["resumed"]
                events, code = await old.until_closed()
                assert (events[-1]["reason"], code) == ("in_use", 4409)
                assert audio_of(await new.ask("Are you still there?"))


async def test_somebody_elses_session_is_nobodys(guarded: Relays) -> None:
    async with caller(guarded) as client:
        mine, other = await made(client), await made(client)
        token = mine["websocket_url"].partition("?")[2]
        words, code = await refused(guarded.urls[0], f"/ws/{other['session_id']}?{token}")
        assert (words["reason"], code) == ("bad_token", 4401)
        words, code = await refused(guarded.urls[0], f"/ws/unknown?{token}")
        assert (words["reason"], code) == ("unknown_session", 4404)
        # None of this has used it up.
        async with talking(guarded.urls[1], mine["websocket_url"]) as talk:
            assert talk.hello["session_id"] == mine["session_id"]
        for one in (mine, other):
            await client.delete(f"/sessions/{one['session_id']}")


async def test_a_session_is_ended_through_another_process(guarded: Relays) -> None:
    async with caller(guarded, 1) as client:
        session = await made(client)
        async with talking(guarded.urls[0], session["websocket_url"]) as talk:
            await talk.until("session.updated")
            assert (await client.delete(f"/sessions/{session['session_id']}")).status_code == 204
            events, code = await talk.until_closed()
        assert (events[-1]["type"], events[-1]["reason"], code) == ("relay.closing", "ended", 1000)
        words, code = await refused(guarded.urls[1], f"/ws/{session['session_id']}?token={talk.resume_token}")
        assert (words["reason"], code) == ("unknown_session", 4404)


@pytest.mark.parametrize("path", ["/ws/some-session", "/v1/realtime"])
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
async def test_a_foreign_page_gets_no_handshake(guarded: Relays, path: str, origin: str) -> None:
    status, problem = await unshaken(guarded.urls[0], path, additional_headers={"Origin": origin, **BEARER})
    assert (status, problem["code"]) == (403, "foreign_page")


@pytest.mark.parametrize("origin", ["http://localhost:5173", "{url}"])
async def test_known_pages_and_our_own_get_one(guarded: Relays, origin: str) -> None:
    url = guarded.urls[0]
    headers = {"Origin": origin.format(url=url)}
    words, code = await refused(url, "/ws/some-session", additional_headers=headers)
    assert (words["reason"], code) == ("unknown_session", 4404)


@pytest.mark.parametrize(
    ("options", "subprotocol"),
    [
        ({"additional_headers": BEARER}, None),
        ({"subprotocols": ["realtime", f"openai-insecure-api-key.{KEY}", "openai-beta.realtime-v1"]}, "realtime"),
    ],
)
async def test_a_key_opens_a_realtime_socket_and_may_change_the_voice(
    guarded: Relays, options: dict[str, Any], subprotocol: str | None
) -> None:
    async with talking(guarded.urls[0], "/v1/realtime?model=gpt-realtime", **options) as talk:
        assert talk.connection.subprotocol == subprotocol
        assert talk.hello["resume_token"] is None
        created = await talk.until("session.updated")
        assert created[-1]["session"]["model"] == "grok-voice-latest"
        echo = await talk.update(voice="rex", instructions="Speak as a pirate.", model="another")
        assert (echo["session"]["voice"], echo["session"]["instructions"]) == ("xai_rex", "Speak as a pirate.")
        assert echo["session"]["model"] == "grok-voice-latest"
        async with caller(guarded, 1) as client:
            assert await state_of(client, talk.hello["session_id"]) == "open"


async def test_a_realtime_client_has_no_more_sockets_than_it_may(guarded: Relays) -> None:
    path, options = "/v1/realtime?client_id=greedy", {"additional_headers": BEARER}
    async with AsyncExitStack() as stack:
        for number in range(3):
            await stack.enter_async_context(talking(guarded.urls[number % 2], path, **options))
        words, code = await refused(guarded.urls[1], path, **options)
    assert (words["type"], words["reason"], code) == ("relay.closing", "too_many_sessions", 4429)


async def test_bad_input_is_told_and_the_session_goes_on(guarded: Relays) -> None:
    async with caller(guarded) as client:
        session = await made(client)
        async with talking(guarded.urls[0], session["websocket_url"]) as talk:
            await talk.until("session.updated")
            for frame in ("no JSON", "[]", '{"type": 7}', '{"type": "teleport"}'):
                await talk.connection.send(frame)
                assert (await talk.until("relay.error"))[-1]["error"]["code"]
            await talk.send("session.update", session={"voice": "rex"})
            assert (await talk.until("relay.ignored"))[-1]["fields"]
            assert audio_of(await talk.ask("Still there?"))
            await talk.send("input_audio_buffer.append", audio="A" * 70_000)
            events, code = await talk.until_closed()
    assert (types_of(events)[-1], events[-1]["reason"], code) == ("relay.closing", "message_too_big", 1009)


async def test_a_message_that_never_ends_is_cut_off_and_the_others_talk_on(guarded: Relays) -> None:
    async with caller(guarded) as client:
        bad, good = await made(client), await made(client)
        async with talking(guarded.urls[0], good["websocket_url"]) as talk:
            async with talking(guarded.urls[0], bad["websocket_url"]) as endless:
                await endless.connection.send("x" * (5 * 65_536))
                _, code = await endless.until_closed()
                assert code == 1009
            assert audio_of(await talk.ask("Did you notice anything?"))


async def test_the_figures_of_a_talk_are_shown(guarded: Relays) -> None:
    async with caller(guarded) as client:
        session = await made(client)
        async with talking(guarded.urls[0], session["websocket_url"]) as talk:
            await talk.ask("How many messages was that?")
            listed = (await client.get("/sessions")).json()["sessions"]
            health = (await client.get("/health")).json()
    (shown,) = [one for one in listed if one["session_id"] == session["session_id"]]
    assert shown["figures"]["messages_in"] >= 2
    assert shown["figures"]["messages_out"] > 5
    assert health["sessions_open"] >= 1
    assert 0 < health["added_latency_ms"]["median"] <= health["added_latency_ms"]["p99"]
