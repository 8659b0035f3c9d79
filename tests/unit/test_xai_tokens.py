"""Ephemeral tokens: fetched once for all who ask, reused while they are good, and never shown."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator, Callable

import httpx
import orjson
import pytest

from speech.errors import KeyRejected, UpstreamBusy, UpstreamError, UpstreamTimeout, UpstreamUnreachable
from tests.fakes.sessions import FakeClock
from xai.tokens import EphemeralTokens, KeyBearer

pytestmark = pytest.mark.unit

KEY = "xai-very-secret-key"
WALL = 1_750_000_000.0


class Rest:
    """xAI's token endpoint: gives out numbered tokens, or what `answer` says."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.arrived = asyncio.Event()
        self.lifetime = 300.0
        self.answer: Callable[[], httpx.Response] = self.token

    def token(self) -> httpx.Response:
        value = f"xai-realtime-client-secret-{len(self.requests)}"
        return httpx.Response(200, json={"value": value, "expires_at": WALL + self.lifetime})

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.arrived.set()
        await self.gate.wait()
        return self.answer()


@pytest.fixture
def rest() -> Rest:
    return Rest()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def tokens(rest: Rest, clock: FakeClock) -> AsyncIterator[EphemeralTokens]:
    made = EphemeralTokens(
        KEY, rest_url="http://xai.test/v1/", clock=clock, now=lambda: WALL, transport=httpx.MockTransport(rest)
    )
    yield made
    await made.aclose()


async def test_the_request_is_the_documented_one(tokens: EphemeralTokens, rest: Rest) -> None:
    assert await tokens.bearer() == "xai-realtime-client-secret-1"
    request = rest.requests[0]
    assert (request.method, str(request.url)) == ("POST", "http://xai.test/v1/realtime/client_secrets")
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert orjson.loads(request.content) == {"expires_after": {"seconds": 300}}


async def test_a_token_is_reused_until_shortly_before_it_expires(
    tokens: EphemeralTokens, rest: Rest, clock: FakeClock
) -> None:
    first = await tokens.bearer()
    clock.pass_seconds(269)
    assert await tokens.bearer() == first
    clock.pass_seconds(2)
    assert await tokens.bearer() != first
    assert len(rest.requests) == 2


async def test_the_server_may_grant_less_than_was_asked_for(
    tokens: EphemeralTokens, rest: Rest, clock: FakeClock
) -> None:
    rest.lifetime = 60.0
    first = await tokens.bearer()
    clock.pass_seconds(31)
    assert await tokens.bearer() != first


async def test_many_who_ask_at_once_share_one_fetch(tokens: EphemeralTokens, rest: Rest) -> None:
    bearers = await asyncio.gather(*(tokens.bearer() for _ in range(20)))
    assert len(set(bearers)) == len(rest.requests) == 1


async def test_whoever_stops_waiting_leaves_the_fetch_to_the_others(tokens: EphemeralTokens, rest: Rest) -> None:
    rest.gate.clear()
    first, second = (asyncio.create_task(tokens.bearer()) for _ in range(2))
    await rest.arrived.wait()
    first.cancel()
    rest.gate.set()
    assert await second == "xai-realtime-client-secret-1"
    assert first.cancelled()
    assert len(rest.requests) == 1


async def test_a_token_that_nobody_used_before_is_not_replaced(tokens: EphemeralTokens) -> None:
    assert not tokens.rejected(await tokens.bearer())


async def test_tokens_that_open_one_socket_each_are_fetched_for_each(tokens: EphemeralTokens, rest: Rest) -> None:
    shared = {await tokens.bearer() for _ in range(3)}
    assert len(shared) == 1
    assert all(tokens.rejected(bearer) for bearer in [*shared] * 2)
    alone = [await tokens.bearer() for _ in range(3)]
    assert len({*shared, *alone}) == 4
    assert len(rest.requests) == 4
    assert not any(tokens.rejected(bearer) for bearer in alone)
    assert not any(bearer in str(vars(tokens)) for bearer in alone), "who has one is all who needs it"


async def test_a_shared_token_may_be_turned_down_after_the_next_was_fetched(
    tokens: EphemeralTokens, clock: FakeClock
) -> None:
    before = await tokens.bearer()
    clock.pass_seconds(271)
    shared = [await tokens.bearer() for _ in range(2)]
    assert tokens.rejected(shared[0])
    assert tokens.rejected(before)
    assert tokens.rejected(shared[1])


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (httpx.Response(401, text=KEY), KeyRejected),
        (httpx.Response(403), KeyRejected),
        (httpx.Response(400, text="Incorrect API key"), KeyRejected),
        (httpx.Response(429, headers={"Retry-After": "4"}), UpstreamBusy),
        (httpx.Response(500, text=KEY), UpstreamUnreachable),
        (httpx.Response(200, text="{"), UpstreamUnreachable),
        (httpx.Response(200, json=[KEY]), UpstreamUnreachable),
        (httpx.Response(200, json={"expires_at": 1}), UpstreamUnreachable),
    ],
)
async def test_answers_that_hold_no_token(
    tokens: EphemeralTokens, rest: Rest, answer: httpx.Response, expected: type[UpstreamError]
) -> None:
    rest.answer = lambda: answer
    with pytest.raises(expected) as caught:
        await tokens.bearer()
    assert caught.value.retry_after == (4.0 if expected is UpstreamBusy else None)
    assert KEY not in "".join(traceback.format_exception(caught.value))
    rest.answer = rest.token
    assert await tokens.bearer()


@pytest.mark.parametrize(
    ("error", "expected"),
    [(httpx.ConnectError("no"), UpstreamUnreachable), (httpx.ReadTimeout("slow"), UpstreamTimeout)],
)
async def test_no_answer_at_all(
    tokens: EphemeralTokens, rest: Rest, error: Exception, expected: type[UpstreamError]
) -> None:
    def fail() -> httpx.Response:
        raise error

    rest.answer = fail
    with pytest.raises(expected):
        await tokens.bearer()


@pytest.mark.parametrize("key", ["", "  ", "xai key", "xai\r\nX-Evil: 1", "schlüssel"])
async def test_a_key_that_no_header_can_carry_is_rejected(key: str) -> None:
    with pytest.raises(KeyRejected):
        await KeyBearer(key).bearer()


async def test_the_key_is_its_own_bearer() -> None:
    bearer = KeyBearer(f" {KEY}\n")
    assert await bearer.bearer() == KEY
    assert not bearer.rejected(KEY)


async def test_neither_key_nor_token_is_shown(tokens: EphemeralTokens, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    token = await tokens.bearer()
    shown = f"{tokens!r} {tokens._token!r} {KeyBearer(KEY)!r} {caplog.text}"
    assert KEY not in shown
    assert token not in shown
    assert "[X.AI TTS]" in caplog.text
