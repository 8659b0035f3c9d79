"""The page at /live in Chromium: a fake microphone before it, a relay process and the simulator behind it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, expect

from tests.fakes.frail_proxy import FrailProxy, Way, frail_proxy
from tests.fakes.live_page import browser, live_page, microphone, write_speech
from tests.fakes.relays import Relays, relays

pytestmark = [pytest.mark.e2e, pytest.mark.alone]

KEY = "a-key-for-callers"
# Longer than an interrupted voice may still be heard: one report of the simulator, and the browser's own buffers.
AT_ONCE_MS = 200


@pytest.fixture(scope="module")
def system() -> Iterator[Relays]:
    with relays(1) as running:
        # Twice as fast as speech: an interruption finds the voice in the middle of its answer.
        running.control("POST", "settings", pace=2)
        yield running


@pytest.fixture(scope="module")
def guarded(system: Relays) -> str:
    return system.start_relay("guarded", RECITE_API_KEYS=KEY, RELAY_GRACE_SECONDS="1")[1]


@pytest.fixture
def way(system: Relays) -> Iterator[FrailProxy]:
    with frail_proxy() as proxy:
        proxy.target = port_of(system.urls[0])
        yield proxy


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("speech") / "speech.wav"
    write_speech(file, 1.0, "Hello, can you hear me?", 3.0, "Stop, let me say more.", 3.5, "And the last one.", 20.0)
    return file


@pytest.fixture
async def speaking(speech: Path) -> AsyncIterator[Browser]:
    async with browser(*microphone(speech)) as opened:
        yield opened


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


async def test_it_hears_answers_gives_way_and_comes_back(system: Relays, way: FrailProxy, speaking: Browser) -> None:
    system.control("POST", "reset")
    async with live_page(speaking, way.url) as live:
        await live.start()
        await live.state("Speaking")
        (answer,) = await live.told("latency")
        assert 0 < answer["ms"] < 2_000
        await expect(live.page.locator("#latency")).to_have_text(f"{answer['ms'] / 1000:.2f} s")

        # The microphone's second sentence comes in the middle of the first answer.
        interruption = (await live.told("input_audio_buffer.speech_started", count=2))[1]
        second = (await live.told("latency", count=2))[1]
        heard = await live.loud(since=answer["at"] - AT_ONCE_MS, until=interruption["at"] + AT_ONCE_MS)
        assert await live.loud(since=interruption["at"] + AT_ONCE_MS, until=second["at"] - AT_ONCE_MS) == []
        stats = system.control("GET", "stats")
        (played,) = stats["truncations"]
        assert played == pytest.approx(heard[-1] - heard[0], abs=2 * AT_ONCE_MS)
        assert (stats["interruptions"], stats["opened"]) == (1, 1)
        await expect(live.page.locator("#transcript li.assistant").first).to_contain_text("(interrupted)")

        way.cut()
        await live.state("Reconnecting…")
        third = (await live.told("latency", count=3))[2]
        await expect(live.page.locator("#announcer")).to_have_text(
            re.compile(r"^You: I hear 1\.\d seconds of speech\.$")
        )
        await expect(live.page.locator("#transcript li").last).to_contain_text("turn number 3", timeout=10_000)
        assert len(await live.loud(since=third["at"])) > 20

        # Nothing was lost on the way to the simulator but what the break itself took.
        begun = next(one for one in await live.told("state") if one["state"] == "listening")
        stats = system.control("GET", "stats")
        assert stats["input_seconds"] == pytest.approx((await live.now() - begun["at"]) / 1000, abs=1)
        assert (stats["opened"], stats["resumptions"], stats["speech_starts"]) == (2, 1, 3)
        assert await live.figures() >= {"chunksDropped": 0, "returns": 1}.items()
        await live.page.get_by_role("button", name="Stop").click()
        await live.state("Conversation over")


async def test_by_keyboard_with_a_key_and_muted(system: Relays, guarded: str, speaking: Browser) -> None:
    system.control("POST", "reset")
    async with live_page(speaking, guarded) as live:
        for key in ("Tab", "Tab", "Space", "Shift+Tab", "Enter"):
            await live.page.keyboard.press(key)
        await live.problem("This service asks for a key.")
        await expect(live.page.get_by_label("Key for this service")).to_be_focused()
        await live.page.keyboard.type("wrong")
        await live.page.keyboard.press("Enter")
        await live.problem("This key is not accepted here.")
        await live.page.keyboard.type(KEY)
        await live.page.keyboard.press("Enter")
        await live.state("Muted")
        await live.page.wait_for_function("() => noted.live.figures.chunksSent > 60")
        assert system.control("GET", "stats")["speech_starts"] == 0

        async with httpx.AsyncClient(base_url=guarded, headers={"Authorization": f"Bearer {KEY}"}) as client:
            (session,) = (await client.get("/sessions")).json()["sessions"]
            await client.delete(f"/sessions/{session['session_id']}")
        await live.problem("The conversation was ended by the service.")
        await live.state("Conversation over")


async def test_a_connection_that_does_not_come_back(guarded: str, way: FrailProxy, speaking: Browser) -> None:
    way.target = port_of(guarded)
    async with live_page(speaking, way.url) as live:
        await live.start()
        await live.page.get_by_label("Key for this service").fill(KEY)
        await live.page.get_by_role("button", name="Use key").click()
        await live.state("Listening")
        way.way = Way.AWAY
        way.cut()
        await live.problem("The connection was lost and did not come back.")
        await live.start()
        await live.problem("The voice service can't be reached.")
        await live.state("Not connected")


async def test_without_a_microphone_the_page_says_what_to_do(system: Relays, guarded: str) -> None:
    refusing = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream=deny")
    elsewhere = "--host-resolver-rules=MAP voice.test 127.0.0.1"
    async with browser(*refusing, elsewhere) as opened:
        async with live_page(opened, system.urls[0]) as live:
            await live.start()
            await live.problem("This page may not use the microphone.")
            await expect(live.page.get_by_role("alert")).to_contain_text("Allow the microphone")
        async with live_page(opened, f"http://voice.test:{port_of(guarded)}") as live:
            await live.start()
            await live.problem("The browser gives the microphone only to secure pages.")
