"""The page at /live in a real browser: what its fake microphone hears, and what it is heard to play."""

from __future__ import annotations

import shutil
import wave
from collections.abc import AsyncIterator, ItemsView
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, async_playwright

from simulator.espeak import ESPEAK_RATE
from simulator.voice import speak

_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
_FLAGS += ["--no-first-run", "--disable-sync", "--mute-audio"]
_EARS = Path(__file__).with_name("browser_ears.js")

Told = dict[str, Any]


def write_speech(path: Path, *parts: str | float) -> None:
    """A WAV in which texts are spoken, with so many seconds of silence between them."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(ESPEAK_RATE)
        for part in parts:
            file.writeframes(
                speak(part, voice="leo") if isinstance(part, str) else bytes(round(part * ESPEAK_RATE) * 2)
            )


@asynccontextmanager
async def browser(*flags: str) -> AsyncIterator[Browser]:
    """Chromium, with more flags."""
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=executable, args=[*_FLAGS, *flags])
        yield opened
        await opened.close()


def microphone(file: Path) -> tuple[str, ...]:
    """Flags for a browser whose microphone plays a file once, from the moment on when it is opened."""
    return (
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={file}%noloop",
    )


class LivePage:
    """An open page, and an ear at its loudspeaker that is not its own."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda said: self.errors.append(said.text) if "Content Security" in said.text else None)

    async def start(self) -> None:
        """Begins a conversation."""
        await self.page.get_by_role("button", name="Start").click()

    async def problem(self, words: str, *, seconds: float = 10) -> None:
        """Returns once the page says that something is wrong."""
        await self.page.get_by_role("alert").get_by_text(words, exact=True).wait_for(timeout=seconds * 1000)

    async def state(self, words: str, *, seconds: float = 10) -> None:
        """Returns once the page says so."""
        await self.page.locator("#state").get_by_text(words, exact=True).wait_for(timeout=seconds * 1000)

    async def told(self, kind: str, *, count: int = 1, seconds: float = 15) -> list[Told]:
        """What its ReciteLive told of a kind, with `at` in milliseconds; returns once there are so many."""
        await self.page.wait_for_function(
            "([kind, count]) => noted.told.filter(({ type }) => type === kind).length >= count",
            arg=[kind, count],
            timeout=seconds * 1000,
        )
        told: list[Told] = await self.page.evaluate("noted.told")
        return [one for one in told if one["type"] == kind]

    async def loud(self, *, since: float, until: float = 1e12) -> list[float]:
        """The moments, in milliseconds, when sound came out between the two."""
        moments: list[float] = await self.page.evaluate("noted.loud")
        return [moment for moment in moments if since <= moment <= until]

    async def now(self) -> float:
        """The page's time in milliseconds."""
        now: float = await self.page.evaluate("performance.now()")
        return now

    async def figures(self) -> ItemsView[str, int]:
        """What ReciteLive counts itself."""
        figures: dict[str, int] = await self.page.evaluate("noted.live.figures")
        return figures.items()


@asynccontextmanager
async def live_page(opened: Browser, url: str) -> AsyncIterator[LivePage]:
    """The page of the relay at this address, in a context of its own."""
    async with await opened.new_context() as own:
        live = LivePage(await own.new_page())
        await live.page.add_init_script(path=_EARS)
        await live.page.goto(f"{url}/live/")
        yield live
        assert live.errors == []
