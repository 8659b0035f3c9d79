"""Pages with the widget in a real browser: the chat answers, or a script does; what they play is noted."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Locator, Page, Route

_EARS = Path(__file__).with_name("widget_ears.js")

Events = list[tuple[str, dict[str, Any]]]


def answer(reply: str, url: str | None, *, reason: str | None = None) -> dict[str, Any]:
    """What `/api/chat` says at once."""
    kind = "none" if url is None else "data" if url.startswith("data:") else "url"
    audio = {"kind": kind, "cache": None if url is None else "hit", "job_id": None, "reason": reason, "message": None}
    return {"reply": reply, "conversation_id": "talk-1", "audio_url": url, "audio": audio}


def streamed(sentences: list[tuple[str, str | None]]) -> Events:
    """What it says as a stream of events; each sentence has its sound."""
    reply = " ".join(sentence for sentence, _ in sentences)
    events: Events = [("delta", {"text": f"{word} "}) for word in reply.split()]
    for index, (sentence, url) in enumerate(sentences):
        spoken = {name: value for name, value in answer("", url).items() if name.startswith("audio")}
        events.append(("audio", {"index": index, "sentence": sentence, **spoken}))
    return [*events, ("done", answer(reply, None, reason="in_sentences"))]


class WidgetPage:
    """An open page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        self.asked: list[dict[str, Any]] = []
        self.tokens: list[str] = []
        self._answers: list[dict[str, Any]] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda said: self.errors.append(said.text) if "Content Security" in said.text else None)

    async def open(self, url: str, body: str, *, site: str | None = None) -> None:
        """A page with this body, as a site would write it; of the service's own origin unless another is named."""
        await self.page.add_init_script(path=_EARS)
        head = f'<meta charset="utf-8"><script src="{url}/widget/recite.js"></script>'
        html = f'<!doctype html><html lang="en"><head>{head}</head><body>{body}</body></html>'
        await self.page.route("**/shop", lambda route: route.fulfill(body=html, content_type="text/html"))
        await self.page.route("**/api/chat", self._answer)
        await self.page.goto(f"{site or url}/shop")

    def will_answer(self, *answers: dict[str, Any] | Events, **response: Any) -> None:
        """Answers instead of the chat's own: documents or streams; `response` is a raw one, such as a status."""
        for one in answers:
            if isinstance(one, dict):
                self._answers.append({"json": one})
            else:
                body = "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in one)
                self._answers.append({"body": body, "content_type": "text/event-stream; charset=utf-8"})
        if response:
            self._answers.append(response)

    async def _answer(self, route: Route) -> None:
        asked = route.request.post_data_json
        assert asked is not None
        self.asked.append(asked)
        self.tokens.append(route.request.headers.get("authorization", ""))
        if self._answers:
            await route.fulfill(**self._answers.pop(0))
        else:
            await route.continue_()

    async def ask(self, message: str, *, chat: Locator | None = None) -> None:
        """Writes and sends a message."""
        box = (chat or self.page).get_by_role("textbox")
        await box.fill(message)
        await box.press("Enter")

    async def heard(self, what: str, *, count: int = 1, seconds: float = 15) -> list[dict[str, Any]]:
        """The sounds that began (`playing`), were held or came to their end, once there are so many."""
        await self.page.wait_for_function(
            "([what, count]) => noted.sounds.filter((sound) => sound.what === what).length >= count",
            arg=[what, count],
            timeout=seconds * 1000,
        )
        sounds: list[dict[str, Any]] = await self.page.evaluate("noted.sounds")
        return [sound for sound in sounds if sound["what"] == what]

    async def said(self, *, count: int = 1) -> list[str]:
        """What the browser's own voice said, once it said so much."""
        await self.page.wait_for_function("(count) => noted.said.length >= count", arg=count)
        said: list[str] = await self.page.evaluate("noted.said")
        return said


@asynccontextmanager
async def widget_page(opened: Browser, url: str, body: str, *, site: str | None = None) -> AsyncIterator[WidgetPage]:
    """A page in a context of its own; nothing on it fails unnoticed, and no two sounds are heard at once."""
    async with await opened.new_context(reduced_motion="reduce") as own:
        widget = WidgetPage(await own.new_page())
        await widget.open(url, body, site=site)
        yield widget
        assert widget.errors == []
        assert await widget.page.evaluate("noted.most") <= 1
