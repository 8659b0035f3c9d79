"""Whose chat it is: each client's settings, key, memory and sound."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from simulator.stats import text_hash
from tests.fakes.chatting import asked, chat, put_client, streamed
from tests.fakes.stack import Stack

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def others(system: Stack) -> Iterator[str]:
    """An api process that knows another provider."""
    provider = f"other=http://127.0.0.1:{system.simulator_port}/v1"
    url = system.start_api("api-others", CHAT_PROVIDERS=provider)
    yield url
    system.programs["api-others"].end()


async def test_the_clients_settings_decide(system: Stack, client: httpx.AsyncClient) -> None:
    await put_client(
        client,
        "decides",
        ai_api_key="the-clients-own-key",
        ai_model="grok-4",
        system_prompt="Be a shop.",
        voice="leo",
        format="flac",
        audio="data",
        pronunciations={"Acme": "Ackmee"},
    )
    message = "say exactly: Welcome to Acme."
    answer = await chat(client, message, client_id="decides")
    assert answer["audio_url"].startswith("data:audio/flac;base64,")
    assert answer["audio"]["job_id"].startswith("leo-")
    job = {"text": "Welcome to Acme.", "voice": "leo", "format": "flac", "pronunciations": {"Acme": "Ackmee"}}
    assert (await client.post("/v1/jobs", json=job)).json()["id"] == answer["audio"]["job_id"]
    [heard] = asked(system, message)
    assert (heard["model"], heard["key"]) == ("grok-4", text_hash("the-clients-own-key"))
    assert heard["messages"][0] == {"role": "system", "text": text_hash("Be a shop.")}
    other = await chat(client, message, client_id="decides", voice="eve", audio="url")
    assert (other["audio"]["kind"], other["audio"]["job_id"][:4]) == ("url", "eve-")


async def test_without_a_key_of_its_own_the_global_one_serves(system: Stack, client: httpx.AsyncClient) -> None:
    await put_client(client, "keyless")
    await chat(client, "Whose key is this?", client_id="keyless", audio="none")
    [heard] = asked(system, "Whose key is this?")
    assert heard["key"] == text_hash("testing-key-that-must-not-show")


async def test_another_clients_conversation_is_unknown(system: Stack, client: httpx.AsyncClient) -> None:
    await put_client(client, "one")
    await put_client(client, "two")
    id = (await chat(client, "A secret", client_id="one", audio="none"))["conversation_id"]
    answer = await chat(client, "Tell me the secret", client_id="two", audio="none", conversation_id=id)
    assert answer["conversation_id"] != id
    [heard] = asked(system, "Tell me the secret")
    assert text_hash("A secret") not in [message["text"] for message in heard["messages"]]


async def test_a_provider_that_does_not_speak_chats_silently(
    system: Stack, client: httpx.AsyncClient, others: str
) -> None:
    async with system.client(base_url=others) as elsewhere:
        await put_client(client, "silent", ai_provider="other", ai_api_key="another-key")
        answer = await chat(elsewhere, "say exactly: I am silent.", client_id="silent")
        assert (answer["reply"], answer["audio_url"]) == ("I am silent.", None)
        assert answer["audio"]["reason"] == "provider_silent"
        events = await streamed(elsewhere, "say exactly: I am silent.", client_id="silent")
        assert {event.event for event in events} == {"delta", "done"}
        await put_client(client, "silent-keyless", ai_provider="other")
        refused = await elsewhere.post("/api/chat", json={"client_id": "silent-keyless", "message": "Leak my key"})
        assert (refused.status_code, refused.json()["code"]) == (503, "no_key")
        assert asked(system, "Leak my key") == []


async def test_a_private_clients_sound_is_its_own(client: httpx.AsyncClient) -> None:
    await put_client(client, "private", cache="private", audio="url")
    message = "say exactly: Nobody else hears this."
    answer = await chat(client, message, client_id="private")
    shared = await chat(client, message, audio="url")
    assert answer["audio"]["cache"] == shared["audio"]["cache"] == "miss"
    assert answer["audio"]["job_id"] != shared["audio"]["job_id"]
    assert (await client.get(answer["audio_url"])).status_code == 200
    assert (await client.get(answer["audio_url"].partition("?")[0])).status_code == 403
    [sentence] = [one.data for one in await streamed(client, message, client_id="private") if one.event == "audio"]
    assert sentence["audio"]["job_id"] == answer["audio"]["job_id"]


async def test_a_widget_chats_for_its_own_client_alone(client: httpx.AsyncClient) -> None:
    await put_client(client, "own", audio="none", allowed_origins=["https://shop.example"])
    await put_client(client, "foreign", audio="none")
    token = (await client.post("/v1/clients/own/widget-token")).json()["token"]
    headers = {"Authorization": f"Bearer {token}", "Origin": "https://shop.example"}

    async def status(body: dict[str, str], **more: str) -> int:
        return (await client.post("/api/chat", json={"message": "Hi", **body}, headers={**headers, **more})).status_code

    assert await status({"client_id": "own"}) == 200
    assert await status({}) == 200
    assert await status({"client_id": "foreign"}) == 403
    assert await status({"client_id": "own"}, Origin="https://evil.example") == 403
