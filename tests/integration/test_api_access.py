"""Keys, and the other ways to reach the upstream: what strangers see, and ephemeral tokens end to end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from tests.fakes.services import free_port
from tests.fakes.stack import Stack, stack
from tests.integration.test_api_bad_input import check_problem

pytestmark = pytest.mark.integration

KEY = "testing-caller-key"


@pytest.fixture
async def guarded(system: Stack) -> AsyncIterator[str]:
    """The address of an api process that wants a key."""
    port = free_port()
    program = system.start("api-guarded", "api", API_PORT=str(port), RECITE_API_KEYS=f"another, {KEY}")
    url = f"http://127.0.0.1:{port}"
    system.wait(lambda: httpx.get(f"{url}/health").status_code == 200)
    yield url
    program.end()
    assert KEY not in program.said()


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {KEY}"}])
async def test_strangers_are_turned_away(guarded: str, headers: dict[str, str]) -> None:
    async with httpx.AsyncClient(base_url=guarded, headers=headers) as client:
        for answer in (
            await client.post("/v1/jobs", json={"text": "Let me in."}),
            await client.get("/v1/voices"),
            await client.get("/ready"),
        ):
            check_problem(answer, 401, "unauthorized")
            assert answer.headers["www-authenticate"] == "Bearer"
        assert (await client.get("/health")).status_code == 200
        assert (await client.get("/docs")).status_code == 200


async def test_a_key_opens_and_audio_is_public(guarded: str) -> None:
    async with httpx.AsyncClient(base_url=guarded, timeout=40) as client:
        headers = {"Authorization": f"Bearer {KEY}", "Prefer": "wait=30"}
        job = (await client.post("/v1/jobs", json={"text": "I may come in."}, headers=headers)).json()
        assert job["status"] == "ready"
        assert (await client.get(job["audio_url"])).status_code == 200


async def test_a_browser_may_ask_before_it_posts(guarded: str) -> None:
    headers = {
        "Origin": "http://localhost:5173",
        "Access-Control-Request-Method": "POST",
        # Those of OpenAI's SDK for browsers.
        "Access-Control-Request-Headers": "authorization,content-type,idempotency-key,openai-organization,"
        "openai-project,x-stainless-arch,x-stainless-retry-count,x-stainless-timeout",
    }
    async with httpx.AsyncClient(base_url=guarded) as client:
        for call in ("/v1/jobs", "/v1/audio/speech"):
            answer = await client.options(call, headers=headers)
            assert answer.status_code == 200
            assert answer.headers["access-control-allow-origin"] == "http://localhost:5173"
            assert answer.headers["access-control-allow-headers"] == headers["Access-Control-Request-Headers"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example", "Content-Type": "text/plain"},
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Host": "evil.example"},
        {"Host": "evil.example", "Origin": "http://evil.example"},
        {"Host": "["},
    ],
)
async def test_a_foreign_page_spends_nothing(system: Stack, headers: dict[str, str]) -> None:
    before = system.utterances()
    async with system.client() as client:
        answer = await client.post("/v1/jobs", content=b'{"text": "Pay for this."}', headers=headers)
        check_problem(answer, 403, "foreign_page")
    assert system.utterances() == before


@pytest.mark.parametrize("origin", ["http://localhost:3000", "{api}"])
async def test_known_pages_and_our_own_may_post(system: Stack, origin: str) -> None:
    async with system.client() as client:
        headers = {"Origin": origin.format(api=system.api), "Prefer": "wait=30"}
        answer = await client.post("/v1/jobs", json={"text": "From a page that may."}, headers=headers)
    assert answer.json()["status"] == "ready"


@pytest.fixture(scope="module")
def ephemeral() -> Iterator[Stack]:
    with stack(XAI_AUTH="ephemeral") as running:
        yield running


async def test_one_ephemeral_token_serves_many_sessions(ephemeral: Stack) -> None:
    async with ephemeral.client() as client:
        for voice in ("ara", "rex", "leo"):
            body = {"text": "By a token that does not last.", "voice": voice}
            answer = await client.post("/v1/jobs", json=body, headers={"Prefer": "wait=30"})
            assert answer.json()["status"] == "ready"
    stats = ephemeral.control("GET", "stats")
    assert (stats["tokens"], stats["opened"]) == (1, 3)


async def test_a_bad_key_fails_the_job_at_once_and_says_so() -> None:
    with stack(XAI_API_KEY="bad-key") as system:
        async with system.client() as client:
            body = {"text": "Nobody will say this."}
            job = (await client.post("/v1/jobs", json=body, headers={"Prefer": "wait=30"})).json()
        assert job["status"] == "failed"
        assert job["attempts"] == 1
        assert job["error"]["code"] == "key_rejected"
        assert not job["error"]["retryable"]
        assert "XAI_API_KEY" in job["error"]["message"]
        assert "bad-key" not in "".join(program.said() for program in system.programs.values())
