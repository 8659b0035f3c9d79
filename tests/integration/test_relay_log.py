"""What the relay logs of a session, over real sockets: types and sizes, words when asked for, never sound."""

from __future__ import annotations

import logging

import pytest

from relay import closes
from tests.fakes.relaying import RunningRelay, page_of
from tests.fakes.simulator import RunningSimulator

pytestmark = pytest.mark.integration


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
