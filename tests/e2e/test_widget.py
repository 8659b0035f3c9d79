"""The widget in Chromium: every kind of sound, what becomes of it when there is none, and who may speak."""

from __future__ import annotations

import base64
import gzip
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.fakes.live_page import browser
from tests.fakes.stack import Stack, stack
from tests.fakes.widget_page import WidgetPage, answer, streamed, widget_page

# One browser for all, and so one loop: it takes longer to start than most of the tests do.
pytestmark = [pytest.mark.e2e, pytest.mark.alone, pytest.mark.asyncio(loop_scope="module")]

KEY = "a-key-for-callers"
LIMIT = 15_000
SITE, CLIENTS_SITE = "http://shop.localhost", "http://client.localhost"
CHAT = '<recite-chat client-id="shop" mode="inline" title="Shop"></recite-chat>'
BUBBLE = '<button>Buy</button><recite-chat client-id="shop" title="Shop" greeting="Hello!"></recite-chat>'
# As the widget before this one did it: it knows `audio_url` alone, and falls back to the browser's own voice.
SEED = """
async (message) => {
  const body = JSON.stringify({ client_id: "old", message });
  const headers = { "Content-Type": "application/json" };
  const { reply, audio_url } = await (await fetch("/api/chat", { method: "POST", headers, body })).json();
  if (!audio_url) return speechSynthesis.speak(new SpeechSynthesisUtterance(reply));
  const audio = new Audio(audio_url);
  const ended = new Promise((resolve, reject) => { audio.onended = resolve; audio.onerror = reject; });
  await audio.play();
  await ended;
}
"""


WRITTEN = """
() => {
  noted.rate = 4;
  const chat = document.querySelector("recite-chat");
  chat.addEventListener("recite-answer", () => (noted.written = performance.now()));
}
"""


@pytest.fixture(scope="module")
def system() -> Iterator[Stack]:
    with stack(ALLOWED_ORIGINS=SITE) as running:
        yield running


@pytest.fixture(scope="module")
def guarded(system: Stack) -> str:
    return system.start_api("guarded", RECITE_API_KEYS=KEY)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncIterator[Browser]:
    # The site has no address of its own, so the browser would not let it reach this machine.
    async with browser("--disable-features=LocalNetworkAccessChecks") as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def chat(chromium: Browser, system: Stack) -> AsyncIterator[WidgetPage]:
    async with widget_page(chromium, system.api, CHAT) as opened:
        yield opened


async def job_of(system: Stack, text: str, **fields: Any) -> dict[str, Any]:
    async with system.client() as client:
        posted = await client.post("/v1/jobs", json={"text": text, **fields}, headers={"Prefer": "wait=20"})
    document: dict[str, Any] = posted.json()
    assert document["status"] == "ready"
    return document


async def url_of(system: Stack, text: str) -> str:
    url: str = (await job_of(system, text, format="mp3", speed=1.5))["audio_url"]
    return url


async def data_url_of(system: Stack, text: str) -> str:
    job = await job_of(system, text, speed=1.5)
    async with system.client() as client:
        body = (await client.get(job["audio_url"])).content
    return f"data:audio/wav;base64,{base64.b64encode(body).decode()}"


async def test_one_small_script_for_any_page_open_without_a_key(guarded: str) -> None:
    async with httpx.AsyncClient(base_url=guarded, headers={"Origin": "https://shop.example"}) as client:
        script = await client.get("/widget/recite.js", headers={"Accept-Encoding": "gzip"})
        again = await client.get("/widget/recite.js", headers={"If-None-Match": script.headers["ETag"]})
        plain = await client.get("/widget/recite.js", headers={"Accept-Encoding": "identity"})
        pages = [await client.get(path) for path in ("/", "/widget/demo.css", "/widget/icon.svg", "/v1/jobs")]
        live = await client.get("/widget/live")
    assert int(script.headers["Content-Length"]) < LIMIT
    assert len(gzip.compress(plain.content)) < LIMIT
    assert script.content == plain.content
    assert script.headers["Access-Control-Allow-Origin"] == "*"
    assert re.fullmatch(r"public, max-age=\d+", script.headers["Cache-Control"])
    assert script.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert (again.status_code, again.content) == (304, b"")
    assert [page.status_code for page in pages] == [200, 200, 200, 401]
    assert live.headers["Location"] == "http://127.0.0.1:8000/live/"


async def test_every_kind_of_sound_one_sentence_after_the_other(system: Stack, chat: WidgetPage) -> None:
    cached = await url_of(system, "It is here.")
    data = await data_url_of(system, "Data.")
    system.control("POST", "settings", first_audio_ms=300, pace=1.5)
    try:
        async with system.client() as client:
            posted = await client.post("/v1/jobs", json={"text": "Made while it plays.", "speed": 1.5})
        progressive = posted.json()["audio_url"]
        assert posted.status_code == 202
        chat.will_answer(
            streamed([("Made while it plays.", progressive), ("It is here.", cached), ("Data.", data)]),
            answer("Data.", data),
        )
        await chat.ask("Say something.")
        ended = await chat.heard("ended", count=3)
    finally:
        system.control("POST", "settings", first_audio_ms=0, pace=0)
    assert [sound["src"][:100] for sound in ended] == [progressive[:100], cached[:100], data[:100]]
    # The next one begins at once; what is still made may halt in between.
    began = {sound["src"]: sound["at"] for sound in reversed(await chat.heard("playing", count=3))}
    for end, begin in zip(ended, list(reversed(began.values()))[1:], strict=False):
        assert 0 <= begin - end["at"] < 300
    await expect(chat.page.get_by_role("log")).to_contain_text("Made while it plays. It is here. Data.")

    await chat.ask("And as one document?")
    await chat.heard("ended", count=4)
    assert chat.asked[1] == {"client_id": "shop", "message": "And as one document?", "conversation_id": "talk-1"}
    assert await chat.page.evaluate("noted.said") == []


async def test_pause_stop_and_again(system: Stack, chat: WidgetPage) -> None:
    first = await url_of(
        system, "The first sentence is long enough for somebody to press a button in the middle of it."
    )
    second = await url_of(system, "Short.")
    chat.will_answer(streamed([("First.", first), ("Second.", second)]), answer("Second.", second))
    await chat.ask("Tell me.")
    await chat.heard("playing")
    await chat.page.get_by_role("button", name="Pause").click()
    (held,) = await chat.heard("pause")
    await chat.page.evaluate("noted.rate = 4")
    await chat.page.get_by_role("button", name="Play", exact=True).click()
    assert [one["src"] for one in await chat.heard("ended", count=2)] == [first, second]
    _, resumed = [one for one in await chat.heard("play") if one["src"] == first]
    assert resumed["from"] == pytest.approx(held["from"], abs=0.05)
    began = await chat.heard("playing")

    await chat.page.evaluate("noted.rate = 1")
    await chat.page.get_by_role("button", name="Play again").click()
    began = await chat.heard("playing", count=len(began) + 1)
    await chat.page.get_by_role("button", name="Stop").click()
    await expect(chat.page.get_by_role("button", name="Play again")).to_be_focused()
    await chat.page.get_by_role("button", name="Play again").click()
    began = await chat.heard("playing", count=len(began) + 1)
    assert (began[-1]["src"], began[-1]["from"]) == (first, 0)

    # A new answer silences the old one at once.
    await chat.ask("And now?")
    assert (await chat.heard("playing", count=len(began) + 1))[-1]["src"] == second
    await chat.page.get_by_role("button", name="Turn sound off").click()
    await expect(chat.page.get_by_role("button", name="Stop")).to_have_count(0)
    chat.will_answer(answer("In writing.", None, reason="off"))
    await chat.ask("Quietly, please.")
    await expect(chat.page.get_by_role("log")).to_contain_text("In writing.")
    assert chat.asked[-1]["audio"] == "none"


async def test_without_sound_the_browser_speaks(system: Stack, chat: WidgetPage) -> None:
    gone = f"{system.api}/v1/audio/ara-{'0' * 64}.mp3"
    there = await url_of(system, "It is here.")
    chat.will_answer(
        answer("**One** [link](https://x.example). `Two` 🎉!", None, reason="failed"),
        streamed([("Gone.", gone), ("It is here.", there), ("Never made.", None)]),
        answer("Silence was asked for.", None, reason="off"),
    )
    await chat.ask("Null?")
    assert await chat.said(count=2) == ["One link.", "Two !"]
    await expect(chat.page.get_by_text("Spoken by your browser")).to_have_count(1)
    await chat.ask("Gone?")
    assert await chat.said(count=4) == ["One link.", "Two !", "Gone.", "Never made."]
    assert [sound["src"] for sound in await chat.heard("ended")] == [there]
    await chat.ask("Off?")
    await expect(chat.page.get_by_role("log")).to_contain_text("Silence was asked for.")
    await expect(chat.page.get_by_role("button", name=re.compile("Play|Pause"))).to_have_count(2)
    assert len(await chat.said()) == 4


async def test_autoplay_refused_asks_once_for_a_tap(system: Stack, chromium: Browser) -> None:
    url = await url_of(system, "It is here.")
    # No script of a test may touch the page before: the browser takes that for a gesture.
    asks = "<script>onload = () => document.querySelector('recite-chat').ask('Hello?')</script>"
    async with await chromium.new_context() as own:
        widget = WidgetPage(await own.new_page())
        widget.will_answer(streamed([("It is here.", url)]), answer("Once more.", url))
        await widget.page.add_init_script('window.reciteWords = {tap: "Zum Hören tippen"}')
        async with widget.page.expect_console_message(lambda said: said.text == "refused"):
            await widget.open(system.api, CHAT + asks)
        tap = widget.page.get_by_role("button", name="Zum Hören tippen")
        await tap.click()
        await widget.heard("ended")
        await widget.ask("Again?")
        await widget.heard("ended", count=2)
        await expect(tap).to_have_count(0)
        assert await widget.page.evaluate("noted.said") == []


async def test_many_on_one_page_do_not_talk_over_each_other(system: Stack, chromium: Browser) -> None:
    text = "This is a long sentence, which is still being heard when somebody else begins to speak."
    job = await job_of(system, text, format="mp3")
    body = CHAT + CHAT.replace("Shop", "Help") + f'<recite-audio job-id="{job["id"]}" label="News"></recite-audio>'
    async with widget_page(chromium, system.api, body) as both:
        both.will_answer(answer(text, job["audio_url"]), streamed([("Spoken.", None), (text, job["audio_url"])]))
        shop, help_ = both.page.get_by_role("region", name="Shop"), both.page.get_by_role("region", name="Help")
        await both.ask("Speak.", chat=shop)
        await both.heard("playing")
        await both.ask("You, too.", chat=help_)
        await both.heard("playing", count=2)
        await expect(shop.get_by_role("button", name="Play again")).to_be_visible()

        news = both.page.get_by_role("group", name="News")
        await news.get_by_role("button", name="Play").click()
        await both.heard("playing", count=3)
        await expect(help_.get_by_role("button", name="Play again")).to_be_visible()
        await expect(both.page.locator("recite-audio")).to_have_attribute("state", "playing")
        await expect(news.get_by_role("slider", name="Position")).to_be_enabled()
        await shop.get_by_role("button", name="Play again").click()
        await expect(both.page.locator("recite-audio")).to_have_attribute("state", "paused")

        await both.page.locator("recite-audio").evaluate("(audio) => audio.setAttribute('job-id', 'nothing.mp3')")
        await news.get_by_role("button", name="Play").click()
        await expect(both.page.locator("recite-audio")).to_have_attribute("state", "failed")
        await expect(news.get_by_text("The sound can't be played.")).to_be_visible()


async def test_whatever_is_answered_is_text_and_failures_are_words(system: Stack, chat: WidgetPage) -> None:
    evil = '<img src=x onerror="window.hit = 1"><script>window.hit = 1</script>'
    chat.will_answer(streamed([(evil, None)]))
    await chat.ask(evil)
    log = chat.page.get_by_role("log")
    await expect(log.get_by_text(evil)).to_have_count(2)
    assert await log.locator("img, script").count() == 0
    assert await chat.page.evaluate("window.hit") is None

    chat.will_answer(status=429, headers={"Retry-After": "7"}, json={"code": "too_many_requests"})
    await chat.ask("Too much?")
    await expect(log.get_by_role("alert")).to_contain_text("Too many messages at once. Please try again in 7 seconds.")
    chat.will_answer([("delta", {"text": "Half an "})])
    await chat.page.get_by_role("button", name="Try again").click()
    await expect(log.get_by_role("alert")).to_contain_text("The answer broke off.")
    await expect(log).to_contain_text("Half an")
    chat.will_answer([("error", {"code": "upstream_unavailable", "message": "x"})])
    await chat.page.get_by_role("button", name="Try again").click()
    await expect(log.get_by_role("alert")).to_contain_text("There is no answer at the moment.")
    chat.will_answer(answer("Whole.", None, reason="off"))
    await chat.page.get_by_role("button", name="Try again").click()
    await expect(log).to_contain_text("Whole.")
    await expect(log.get_by_role("alert")).to_have_count(0)
    assert [asked["message"] for asked in chat.asked] == [evil, *["Too much?"] * 4]


async def test_tokens_come_from_the_sites_own_backend(guarded: str, chromium: Browser) -> None:
    async with httpx.AsyncClient(base_url=guarded, headers={"Authorization": f"Bearer {KEY}"}) as backend:
        await backend.put("/v1/clients/shop", json={"allowed_origins": [CLIENTS_SITE], "audio": "none"})
        token = (await backend.post("/v1/clients/shop/widget-token")).json()["token"]
    given = iter(["one that has run out", token])
    body = CHAT.replace("mode", 'token-url="/token" mode')
    async with widget_page(chromium, guarded, body, site=CLIENTS_SITE) as chat:
        await chat.page.route("**/token", lambda route: route.fulfill(json={"token": next(given)}))
        await chat.ask("Hello.")
        await expect(chat.page.get_by_role("log")).to_contain_text("Hello to you, too! I heard you say 1 word.")
        assert chat.tokens == ["Bearer one that has run out", f"Bearer {token}"]


async def test_by_keyboard(system: Stack, chromium: Browser) -> None:
    async with widget_page(chromium, system.api, BUBBLE) as chat:
        chat.will_answer(answer("Here I am.", None, reason="off"))
        keyboard, dialog = chat.page.keyboard, chat.page.get_by_role("dialog", name="Shop")
        for key in ("Tab", "Tab", "Enter"):
            await keyboard.press(key)
        await expect(dialog.get_by_role("textbox", name="Write a message")).to_be_focused()
        await keyboard.type("Are you there?")
        await keyboard.press("Shift+Enter")
        await keyboard.press("Enter")
        await expect(dialog.get_by_role("log", name="Conversation")).to_contain_text("Here I am.")
        stops = []
        for _ in range(6):
            await keyboard.press("Tab")
            stops.append(await chat.page.evaluate("document.activeElement.shadowRoot?.activeElement.ariaLabel"))
        around = ["Send", "Turn sound off", "Close chat", "Conversation", "Write a message"]
        assert stops == [*around, "Send"]
        await keyboard.press("Tab")
        await keyboard.press("Shift+Tab")
        await expect(dialog.get_by_role("button", name="Send")).to_be_focused()
        await keyboard.press("Escape")
        await expect(dialog).to_be_hidden()
        await expect(chat.page.get_by_role("button", name="Open chat")).to_be_focused()


async def test_a_widget_that_only_knows_audio_url_needs_no_change(system: Stack, chat: WidgetPage) -> None:
    await chat.page.evaluate("noted.rate = 4")
    async with system.client() as client:
        for mode in ("url", "data", "none"):
            await client.put("/v1/clients/old", json={"audio": mode})
            await chat.page.evaluate(SEED, "Nobody has said this before.")
    progressive, data = [sound["src"] for sound in await chat.heard("ended", count=2)]
    assert progressive.startswith(f"{system.api}/v1/audio/ara-")
    assert data.startswith("data:audio/wav;base64,")
    assert await chat.said() == [
        "I heard you say 5 words. This was turn number 1. Please go on, I have all the time in the world."
    ]


async def test_on_a_site_of_its_own_sound_starts_before_the_answer_ends(system: Stack, chromium: Browser) -> None:
    system.control("POST", "settings", token_ms=60)
    try:
        async with widget_page(chromium, system.api, '<recite-chat mode="inline"></recite-chat>', site=SITE) as chat:
            await chat.page.evaluate(WRITTEN)
            await chat.ask("Hello there.")
            ended = await chat.heard("ended", count=4)
            began = await chat.heard("playing", count=4)
            assert began[0]["at"] < await chat.page.evaluate("noted.written")
            assert len({sound["src"] for sound in ended}) == len(ended) == 4
            await chat.ask("And another one?")
            await expect(chat.page.get_by_role("log")).to_contain_text("This was turn number 2.")
            assert await chat.page.evaluate("noted.said") == []
    finally:
        system.control("POST", "settings", token_ms=0)


async def test_the_demo_page_speaks(system: Stack, chromium: Browser) -> None:
    async with widget_page(chromium, system.api, "") as demo:
        hosts = set[str]()
        demo.page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
        await demo.page.goto(system.api)
        await demo.page.get_by_role("textbox", name="Text").fill("Hello.")
        await demo.page.get_by_role("button", name="Speak").click()
        await demo.heard("ended")
        await expect(demo.page.get_by_role("status")).to_contain_text("answered in")
        await demo.page.get_by_label("As a bubble").check()
        await demo.ask("Hi!", chat=demo.page.get_by_role("dialog", name="Assistant"))
        await demo.heard("playing", count=2)
        await expect(demo.page.get_by_role("log")).to_contain_text("Hello to you, too! I heard you say 1 word.")
        assert hosts == {system.api.removeprefix("http://")}


async def test_the_demo_page_asks_for_the_key_that_the_service_asks_for(guarded: str, chromium: Browser) -> None:
    async with widget_page(chromium, guarded, "") as demo:
        await demo.page.goto(guarded)
        await demo.ask("Hi!", chat=demo.page.get_by_role("region", name="Assistant"))
        await expect(demo.page.get_by_role("alert")).to_contain_text("This chat may not be used without permission.")
        await demo.page.get_by_label("This service asks for a key").fill(KEY)
        await demo.page.keyboard.press("Enter")
        await demo.page.get_by_role("button", name="Try again").click()
        await expect(demo.page.get_by_role("log")).to_contain_text("Hello to you, too!")
        await demo.page.get_by_role("button", name="Speak").click()
        await expect(demo.page.get_by_role("status")).to_contain_text("answered in")
