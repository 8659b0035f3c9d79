"""recite-live.js in Chromium: on a page of another origin, and its parts where they can be measured exactly."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.async_api import expect

from tests.fakes.live_page import browser, live_page, microphone, write_speech
from tests.fakes.relays import Relays, relays
from tests.fakes.services import LOOPBACK, free_port

pytestmark = [pytest.mark.e2e, pytest.mark.alone]

PAGES = Path(__file__).parents[2] / "web" / "live"


@pytest.fixture(scope="module")
def system() -> Iterator[Relays]:
    with relays(1, ALLOWED_ORIGINS=f"http://localhost:{free_port()}") as running:
        yield running


@pytest.fixture
def elsewhere(system: Relays) -> str:
    """A site of its own, with the example as its page."""
    site, origin = system.folder / "site", system.settings["ALLOWED_ORIGINS"]
    port = origin.rpartition(":")[2]
    site.mkdir()
    (site / "example.html").write_text((PAGES / "example.html").read_text())
    script = (PAGES / "example.js").read_text()
    (site / "example.js").write_text(script.replace('"./recite', f'"{system.urls[0]}/live/recite'))
    system.start("site", "http.server", port, "--bind", LOOPBACK, "--directory", str(site))
    system.wait(lambda: httpx.get(f"http://{LOOPBACK}:{port}/example.html").is_success)
    return origin


NO_SUCH_MICROPHONE = """
async (module) => {
  const { ReciteLive } = await import(module);
  const live = new ReciteLive({ microphone: { deviceId: { exact: "none" } } });
  const closed = new Promise((resolve) => live.on("closed", resolve));
  await live.start();
  return (await closed).code;
}
"""


async def test_on_a_page_of_another_origin(system: Relays, elsewhere: str, tmp_path: Path) -> None:
    write_speech(tmp_path / "silence.wav", 10.0)
    async with browser(*microphone(tmp_path / "silence.wav")) as opened:
        page = await opened.new_page()
        await page.goto(f"{elsewhere}/example.html")
        await page.get_by_role("button", name="Talk").click()
        await expect(page.get_by_role("status")).to_have_text("listening")
        await page.get_by_role("button", name="Talk").click()
        await expect(page.get_by_role("status")).to_have_text("ended")
        assert await page.evaluate(NO_SUCH_MICROPHONE, f"{system.urls[0]}/live/recite-live.js") == "no_microphone"


# What a socket that doesn't keep up, and pieces that end within a sample, become.
CROWDED = """
async () => {
  const { Backlog } = await import("/live/backlog.js");
  const { SampleReader } = await import("/live/pcm.js");
  const socket = { bufferedAmount: 1e6, sent: [], send(chunk) { this.sent.push(chunk); } };
  const backlog = new Backlog(50);
  for (let chunk = 0; chunk < 100; chunk++) { backlog.push(chunk); backlog.flush(socket); }
  const held = socket.sent.length;
  socket.bufferedAmount = 0;
  backlog.flush(socket);
  const samples = Int16Array.from({ length: 50 }, (_, index) => index * 1000 - 25000);
  const bytes = new Uint8Array(samples.buffer);
  const reader = new SampleReader();
  const read = [[0, 1], [1, 1], [1, 4], [4, 51], [51, 100]].flatMap(([a, b]) => [...reader.read(bytes.slice(a, b))]);
  return { held, sent: socket.sent, dropped: backlog.dropped, isSame: String(read) === String([...samples]) };
}
"""


# Rendered faster than it sounds, so that pieces come at exact moments: one item in three pieces of which the last is
# late for nobody, one that runs dry and is stopped in the middle.
PLAYED = """
async () => {
  const { Speaker } = await import("/live/speaker.js");
  const rate = 24000;
  const context = new OfflineAudioContext(1, 2 * rate, rate);
  await context.audioWorklet.addModule("/live/playback-worklet.js");
  const told = [];
  const speaker = new Speaker(context, {
    onStarted: (item) => told.push(`${item} starts`),
    onFinished: (item) => told.push(`${item} ends`),
    onLevel: () => {},
  });
  const samples = Int16Array.from({ length: rate }, (_, index) => 1 + (index % 30000));
  const heard = () => new Promise((resolve) => setTimeout(resolve, 50));
  const at = (seconds, act) => context.suspend(seconds).then(act).then(heard).then(() => context.resume());
  let stopped;
  at(0, () => [[0, 1], [1, 7001]].forEach(([from, to]) => speaker.play("a", samples.slice(from, to))));
  at(0.256, () => { speaker.play("a", samples.slice(7001)); speaker.finish("a"); });
  at(1.024, () => speaker.play("b", samples.slice(0, 6400)));
  at(1.344, () => speaker.play("b", samples.slice(6400)));
  at(1.6, async () => { stopped = await speaker.stop(); });
  const output = (await context.startRendering()).getChannelData(0).map((sample) => Math.round(sample * 0x8000));
  const is = (from, expected) => expected.every((sample, index) => sample === output[Math.round(from * rate) + index]);
  return {
    told,
    stopped,
    gaps: speaker.gaps,
    whole: is(0, samples),
    first: is(1.024, samples.slice(0, 6400)),
    second: is(1.344, samples.slice(6400, 6400 + 6144)),
    after: output.slice(1.6 * rate + 128).some(Boolean),
  };
}
"""


async def test_every_sample_is_played_once_and_counted(system: Relays) -> None:
    async with browser() as opened, live_page(opened, system.urls[0]) as live:
        done = await live.page.evaluate(PLAYED)
    (cut,) = done.pop("stopped")
    # The last 128 samples fade.
    assert cut == {"item": "b", "ms": (6400 + 6144 + 128) * 1000 // 24_000, "isWhole": False}
    assert done.pop("told") == ["a starts", "a ends", "b starts"]
    assert done == {"gaps": 1, "whole": True, "first": True, "second": True, "after": False}


async def test_a_slow_socket_gets_the_newest_sound(system: Relays) -> None:
    async with browser() as opened, live_page(opened, system.urls[0]) as live:
        done = await live.page.evaluate(CROWDED)
    assert done == {"held": 0, "sent": list(range(60, 100)), "dropped": 60, "isSame": True}
