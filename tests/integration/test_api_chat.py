"""The chat as pages and programs meet it: the reply, its sound, its memory, and what goes wrong."""

from __future__ import annotations

import asyncio
import base64
import io
import wave
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from api.chat_schemas import ChatView
from simulator.chat_wit import RICH
from simulator.stats import text_hash
from tests.fakes.events import Event, read_events
from tests.fakes.stack import Stack

pytestmark = pytest.mark.integration

STREAMED = {"Accept": "text/event-stream"}


async def chat(client: httpx.AsyncClient, message: str, **fields: Any) -> dict[str, Any]:
    answer = await client.post("/api/chat", json={"message": message, **fields})
    document: dict[str, Any] = answer.raise_for_status().json()
    ChatView.model_validate(document)
    return document


async def streamed(client: httpx.AsyncClient, message: str, **fields: Any) -> list[Event]:
    body = {"message": message, **fields}
    async with client.stream("POST", "/api/chat", json=body, headers=STREAMED) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        return [event async for event in read_events(answer)]


def asked(system: Stack, message: str) -> list[dict[str, Any]]:
    """The completions that ended in this message, as the upstream got them."""
    chats: list[dict[str, Any]] = system.control("GET", "chats")["chats"]
    return [one for one in chats if one["messages"][-1]["text"] == text_hash(message)]


async def test_a_reply_has_a_url_at_once_that_plays(system: Stack, client: httpx.AsyncClient) -> None:
    answer = await chat(client, "say exactly: The shop opens **soon**.", audio="url")
    assert answer["reply"] == "The shop opens **soon**."
    assert (answer["audio"]["kind"], answer["audio"]["cache"], answer["audio"]["reason"]) == ("url", "miss", None)
    assert answer["audio_url"] == f"{system.api}/v1/audio/{answer['audio']['job_id']}"
    heard = await client.get(answer["audio_url"])
    assert heard.headers["content-type"] == "audio/mpeg"
    said = await client.post("/v1/jobs", json={"text": "The shop opens soon."})
    assert said.json()["id"] == answer["audio"]["job_id"]
    assert system.control("GET", "stats")["texts"][text_hash("The shop opens soon.")] == 1


async def test_data_waits_and_auto_takes_what_is_there(client: httpx.AsyncClient) -> None:
    message = "say exactly: We close at nine."
    first = await chat(client, message)
    assert (first["audio"]["kind"], first["audio"]["cache"]) == ("url", "miss")
    waited = await chat(client, message, audio="data")
    assert waited["audio"]["kind"] == "data"
    again = await chat(client, message)
    assert again["audio_url"] == waited["audio_url"]
    assert (again["audio"]["kind"], again["audio"]["cache"]) == ("data", "hit")
    prefix, _, encoded = again["audio_url"].partition(",")
    assert prefix == "data:audio/wav;base64"
    with wave.open(io.BytesIO(base64.b64decode(encoded))) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (24000, 1, 2)
        assert 0.5 < sound.getnframes() / 24000 < 3


async def test_a_long_reply_is_no_data_url_in_auto(client: httpx.AsyncClient) -> None:
    message = "answer in 4 sentences"
    assert (await chat(client, message, audio="data"))["audio"]["kind"] == "data"
    answer = await chat(client, message)
    assert (answer["audio"]["kind"], answer["audio"]["cache"]) == ("url", "hit")


@pytest.mark.parametrize(
    ("message", "audio", "reason"),
    [
        ("Hello", "none", "off"),
        ("say exactly: 🎉", "url", "nothing"),
        ("say exactly: | a |\n|---|\n| b |", "auto", "nothing"),
    ],
)
async def test_silence_has_a_reason(client: httpx.AsyncClient, message: str, audio: str, reason: str) -> None:
    answer = await chat(client, message, audio=audio)
    assert answer["audio_url"] is None
    assert (answer["audio"]["kind"], answer["audio"]["reason"]) == ("none", reason)
    assert answer["audio"]["message"]


async def test_speech_that_fails_never_fails_the_chat(system: Stack, client: httpx.AsyncClient) -> None:
    system.control("POST", "faults", fault="text_refused", text="This is never spoken.")
    answer = await chat(client, "say exactly: This is never spoken.", audio="data")
    assert (answer["reply"], answer["audio_url"]) == ("This is never spoken.", None)
    assert (answer["audio"]["kind"], answer["audio"]["reason"]) == ("none", "failed")
    lines = [line for line in system.programs["api"].said().splitlines() if "stays silent" in line]
    assert lines
    assert all("[X.AI TTS]" in line and "never spoken" not in line for line in lines)


async def test_a_conversation_is_remembered_for_its_owner(system: Stack, client: httpx.AsyncClient) -> None:
    first = await chat(client, "My first words", audio="none")
    id = first["conversation_id"]
    assert len(id) >= 20
    second = await chat(client, "My second words", audio="none", conversation_id=id)
    assert second["conversation_id"] == id
    [heard] = asked(system, "My second words")
    assert [message["role"] for message in heard["messages"]] == ["system", "user", "assistant", "user"]
    assert heard["messages"][1]["text"] == text_hash("My first words")
    assert heard["messages"][2]["text"] == text_hash(first["reply"])
    assert heard["model"] == "grok-3-fast"
    unknown = await chat(client, "Somebody else's", audio="none", conversation_id="no-such-conversation")
    assert unknown["conversation_id"] != "no-such-conversation"
    assert len(asked(system, "Somebody else's")[0]["messages"]) == 2


async def test_messages_at_once_keep_their_replies(system: Stack, client: httpx.AsyncClient) -> None:
    id = (await chat(client, "Before all", audio="none"))["conversation_id"]
    said = [f"say exactly: Reply {number}" for number in range(6)]
    await asyncio.gather(*(chat(client, message, audio="none", conversation_id=id) for message in said))
    await chat(client, "After all", audio="none", conversation_id=id)
    [heard] = asked(system, "After all")
    turns = [message["text"] for message in heard["messages"][3:-1]]
    pairs = set(zip(turns[::2], turns[1::2], strict=True))
    assert pairs == {(text_hash(one), text_hash(one.removeprefix("say exactly: "))) for one in said}


async def test_a_streamed_reply_speaks_its_sentences(system: Stack, client: httpx.AsyncClient) -> None:
    message = (
        "say exactly: # Tea time\n\nThe **kettle** sings. It [costs](http://x.y) $3.50, Dr. Smith!\n\n- one\n- two"
    )
    sentences = ["Tea time.", "The kettle sings.", "It costs $3.50, Dr. Smith!", "one.", "two."]
    events = await streamed(client, message)
    reply = "".join(event.data["text"] for event in events if event.event == "delta")
    assert reply == message.removeprefix("say exactly: ")
    audio = [event.data for event in events if event.event == "audio"]
    assert [one["sentence"] for one in audio] == sentences
    assert [one["index"] for one in audio] == [0, 1, 2, 3, 4]
    assert all(one["audio"]["kind"] == "url" and one["audio_url"] for one in audio)
    done = events[-1]
    assert (done.event, done.data["reply"]) == ("done", reply)
    ChatView.model_validate(done.data)
    assert (done.data["audio_url"], done.data["audio"]["reason"]) == (None, "in_sentences")
    await client.get(audio[1]["audio_url"], params={"finished": "true"})
    [same] = [one.data for one in await streamed(client, "say exactly: The *kettle* sings.") if one.event == "audio"]
    assert (same["audio"]["cache"], same["audio"]["job_id"]) == ("hit", audio[1]["audio"]["job_id"])


async def test_sound_begins_before_the_reply_ends(system: Stack, client: httpx.AsyncClient) -> None:
    system.control("POST", "settings", token_ms=5)
    try:
        events = await streamed(client, "answer in 3 sentences")
    finally:
        system.control("POST", "settings", token_ms=0)
    kinds = [event.event for event in events]
    first, second = (n for n, event in enumerate(events) if event.event == "audio" and event.data["index"] < 2)
    before = "".join(event.data["text"] for event in events[:first] if event.event == "delta")
    assert before.count("sentence") < 3
    assert "delta" in kinds[first:second]


async def test_a_reply_of_one_sentence_has_its_sound_in_the_end_as_well(client: httpx.AsyncClient) -> None:
    events = await streamed(client, "say exactly: Just this one.", audio="url")
    [audio] = [event.data for event in events if event.event == "audio"]
    assert events[-1].data["audio_url"] == audio["audio_url"]
    assert events[-1].data["audio"]["reason"] is None
    silent = await streamed(client, "say exactly: Just this one.", audio="none")
    assert {event.event for event in silent} == {"delta", "done"}
    assert silent[-1].data["audio"]["reason"] == "off"


async def test_scripts_in_a_reply_are_text_and_unsaid(client: httpx.AsyncClient) -> None:
    events = await streamed(client, "answer in markdown")
    assert events[-1].data["reply"] == RICH
    said = " ".join(event.data["sentence"] for event in events if event.event == "audio")
    assert not any(raw in said for raw in ("<", "alert", "def ", "|", "**", "http", "😊"))
    assert "Bold tags and are text as well." in said


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("chat_401", 502, "chat_key_rejected"),
        ("chat_400_key", 502, "chat_key_rejected"),
        ("chat_404", 502, "chat_refused"),
        ("chat_429", 503, "chat_busy"),
        ("chat_500", 502, "chat_failed"),
        ("chat_cut", 502, "chat_failed"),
        ("chat_empty", 502, "chat_failed"),
    ],
)
async def test_a_chat_that_fails_says_so(
    system: Stack, client: httpx.AsyncClient, fault: str, status: int, code: str
) -> None:
    message = f"This one meets {fault}"
    system.control("POST", "faults", fault=fault, times=1, text=message)
    answer = await client.post("/api/chat", json={"message": message})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "testing-key" not in answer.text
    assert "console" not in answer.text
    assert (fault == "chat_429") == ("retry-after" in answer.headers)
    assert len(asked(system, message)) == 1


async def test_a_stream_that_breaks_ends_in_an_error(system: Stack, client: httpx.AsyncClient) -> None:
    system.control("POST", "faults", fault="chat_cut", times=1, text="Break off, please")
    events = await streamed(client, "Break off, please")
    assert [event.event for event in events if event.event != "audio"][-1] == "error"
    assert events[0].event == "delta"
    assert events[-1].data == {"code": "chat_failed", "message": events[-1].data["message"], "retryable": True}
    system.control("POST", "faults", fault="chat_401", times=1, text="Wrong key, please")
    answer = await client.post("/api/chat", json={"message": "Wrong key, please"}, headers=STREAMED)
    assert (answer.status_code, answer.json()["code"]) == (502, "chat_key_rejected")


async def test_whoever_leaves_stops_the_upstream(system: Stack, client: httpx.AsyncClient) -> None:
    before = system.control("GET", "stats")["chats_completed"]
    body = {"message": "talk for 10 minutes", "audio": "none"}
    system.control("POST", "settings", token_ms=5)
    try:
        async with client.stream("POST", "/api/chat", json=body, headers=STREAMED) as told:
            await anext(told.aiter_raw())
    finally:
        system.control("POST", "settings", token_ms=0)
    # By the time that another one has all of it, the first would have had it as well.
    assert (await streamed(client, **body))[-1].event == "done"
    assert len(asked(system, body["message"])) == 2
    assert system.control("GET", "stats")["chats_completed"] == before + 1


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"message": "x" * 100_000}, 413, "text_too_long"),
        ({"message": " \n"}, 422, "invalid_request"),
        ({}, 422, "invalid_request"),
        ({"message": 1}, 422, "invalid_request"),
        ({"message": "x", "client_id": "../etc/passwd"}, 422, "invalid_request"),
        ({"message": "x", "client_id": ".."}, 422, "invalid_request"),
        ({"message": "x", "client_id": "nobody-knows-it"}, 404, "unknown_client"),
        ({"message": "x", "conversation_id": "a b"}, 422, "invalid_request"),
        ({"message": "x", "voice": "nobody"}, 422, "invalid_request"),
        ({"message": "x", "audio": "loud"}, 422, "invalid_request"),
        ({"message": "x", "model": "grok-9"}, 422, "invalid_request"),
    ],
)
async def test_bad_input_is_refused_before_anything_is_bought(
    system: Stack, client: httpx.AsyncClient, body: dict[str, Any], status: int, code: str
) -> None:
    before = system.control("GET", "stats")["chats"]
    answer = await client.post("/api/chat", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert system.control("GET", "stats")["chats"] == before


async def test_a_job_reads_markdown(system: Stack, client: httpx.AsyncClient) -> None:
    plain = await client.post("/v1/jobs", json={"text": "Mind the gap.\n\nReally."})
    marked = await client.post("/v1/jobs", json={"text": "# Mind the *gap*.\n\n`Really`.", "input": "markdown"})
    assert marked.json()["id"] == plain.json()["id"]
    empty = await client.post("/v1/jobs", json={"text": "```\nx\n```", "input": "markdown"})
    assert (empty.status_code, empty.json()["errors"][0]["field"]) == (422, "text")


async def put_client(client: httpx.AsyncClient, id: str, **fields: Any) -> None:
    (await client.put(f"/v1/clients/{id}", json={"name": "A shop", **fields})).raise_for_status()


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


async def test_data_that_takes_longer_than_the_budget_is_a_url(system: Stack, client: httpx.AsyncClient) -> None:
    await put_client(client, "hurried", audio="data", data_wait_seconds=0.2)
    system.control("POST", "faults", fault="stall", times=1, text="This one takes long.")
    answer = await chat(client, "say exactly: This one takes long.", client_id="hurried")
    assert (answer["audio"]["kind"], answer["audio"]["cache"]) == ("url", "miss")


@pytest.fixture(scope="module")
def others(system: Stack) -> Iterator[str]:
    """An api process that knows another provider."""
    provider = f"other=http://127.0.0.1:{system.simulator_port}/v1"
    url = system.start_api("api-others", CHAT_PROVIDERS=provider)
    yield url
    system.programs["api-others"].end()
