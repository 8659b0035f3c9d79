"""A page in Chromium: every format plays from its URL, and its duration is the job's."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright

from tests.fakes.stack import Stack, stack

pytestmark = [pytest.mark.e2e, pytest.mark.alone]

TEXT = "A browser plays this sentence, and shows how long it takes."
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
FLAGS += ["--no-first-run", "--disable-sync", "--autoplay-policy=no-user-gesture-required", "--mute-audio"]
# One frame of each format at 24 kHz, and a rounding; a bare AAC stream has no place for its length.
FRAME_MS = {"wav": 1, "mp3": 24, "flac": 1, "opus": 21, "m4a": 43}

LISTEN = """
async (url) => {
  const audio = new Audio(url);
  const failed = new Promise((_, reject) => {
    audio.onerror = () => reject(new Error(`error ${audio.error.code}: ${audio.error.message}`));
  });
  const told = (event) => Promise.race([failed, new Promise((resolve) => { audio[event] = resolve; })]);
  await told("onloadedmetadata");
  const shown = audio.duration;
  const ended = told("onended");
  audio.currentTime = Math.max(0, shown - 0.4);
  await Promise.race([failed, audio.play()]);
  await ended;
  return { shown, played: audio.currentTime };
}
"""

# Returns as soon as sound is really played.
BEGIN = """
async (url) => {
  const audio = new Audio(url);
  const playing = new Promise((resolve, reject) => {
    audio.ontimeupdate = () => { if (audio.currentTime > 0.2) resolve(audio.currentTime); };
    audio.onerror = () => reject(new Error(`error ${audio.error.code}: ${audio.error.message}`));
  });
  await audio.play();
  const played = await playing;
  audio.pause();
  audio.removeAttribute("src");
  audio.load();
  return played;
}
"""


@pytest.fixture(scope="module")
def system() -> Iterator[Stack]:
    with stack() as running:
        yield running


@pytest.fixture
async def page(system: Stack) -> AsyncIterator[Page]:
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=FLAGS)
        opened = await browser.new_page()
        await opened.goto(f"{system.api}/health")
        yield opened
        await browser.close()


async def job_of(system: Stack, **fields: Any) -> dict[str, Any]:
    async with system.client() as client:
        answer = await client.post("/v1/jobs", json={"text": TEXT, **fields}, headers={"Prefer": "wait=30"})
        document: dict[str, Any] = answer.json()
    assert document["status"] == "ready"
    return document


@pytest.mark.parametrize("format", list(FRAME_MS))
async def test_plays_to_its_end_and_shows_its_length(system: Stack, page: Page, format: str) -> None:
    job = await job_of(system, format=format)
    heard = await page.evaluate(LISTEN, job["audio_url"])
    assert abs(heard["shown"] * 1000 - job["duration_ms"]) <= FRAME_MS[format]
    assert heard["played"] == pytest.approx(heard["shown"], abs=0.05)


@pytest.mark.parametrize("sample_rate", [8000, 11025, 16000, 44100, 48000])
async def test_mp3_shows_its_length_at_every_rate(system: Stack, page: Page, sample_rate: int) -> None:
    job = await job_of(system, format="mp3", sample_rate=sample_rate)
    heard = await page.evaluate(LISTEN, job["audio_url"])
    frame_ms = 1000 * (1152 if sample_rate >= 32000 else 576) / sample_rate
    assert abs(heard["shown"] * 1000 - job["duration_ms"]) <= frame_ms + 1


async def test_aac_plays(system: Stack, page: Page) -> None:
    job = await job_of(system, format="aac")
    assert (await page.evaluate(LISTEN, job["audio_url"]))["played"] > 0


@pytest.mark.parametrize("format", list(FRAME_MS))
async def test_a_url_plays_while_its_audio_is_still_made(system: Stack, page: Page, format: str) -> None:
    # As slow as speech, so that the render takes as long as the text.
    system.control("POST", "settings", first_audio_ms=300, pace=1.2)
    text = f"Nobody has made this as {format} yet. {TEXT} It is long enough for the page to play some of it meanwhile."
    try:
        async with system.client() as client:
            posted = (await client.post("/v1/jobs", json={"text": text, "format": format})).json()
            played = await page.evaluate(BEGIN, posted["audio_url"])
            job = (await client.get(f"/v1/jobs/{posted['id']}")).json()
    finally:
        system.control("POST", "settings", first_audio_ms=0, pace=0)
    assert job["status"] == "rendering"
    assert played > 0


async def test_the_documentation_comes_from_here_alone(system: Stack, page: Page) -> None:
    hosts = set[str]()
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    await page.goto(f"{system.api}/docs")
    await page.get_by_text("Ask for speech").click()
    await page.get_by_text("Only `text` is required").or_(page.get_by_text("Request body")).first.wait_for()
    assert hosts == {system.api.removeprefix("http://")}
