"""The chat in one answer: the reply, its sound, its memory, and what is refused."""

from __future__ import annotations

import asyncio
import base64
import io
import wave
from typing import Any

import httpx
import pytest

from simulator.chat_wit import RICH
from simulator.stats import text_hash
from tests.fakes.chatting import asked, chat, put_client, streamed
from tests.fakes.stack import Stack

pytestmark = pytest.mark.integration


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


async def test_data_that_takes_longer_than_the_budget_is_a_url(system: Stack, client: httpx.AsyncClient) -> None:
    await put_client(client, "hurried", audio="data", data_wait_seconds=0.2)
    system.control("POST", "faults", fault="stall", times=1, text="This one takes long.")
    answer = await chat(client, "say exactly: This one takes long.", client_id="hurried")
    assert (answer["audio"]["kind"], answer["audio"]["cache"]) == ("url", "miss")


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


async def test_scripts_in_a_reply_are_text_and_unsaid(client: httpx.AsyncClient) -> None:
    events = await streamed(client, "answer in markdown")
    assert events[-1].data["reply"] == RICH
    said = " ".join(event.data["sentence"] for event in events if event.event == "audio")
    assert not any(raw in said for raw in ("<", "alert", "def ", "|", "**", "http", "😊"))
    assert "Bold tags and are text as well." in said


async def test_a_job_reads_markdown(system: Stack, client: httpx.AsyncClient) -> None:
    plain = await client.post("/v1/jobs", json={"text": "Mind the gap.\n\nReally."})
    marked = await client.post("/v1/jobs", json={"text": "# Mind the *gap*.\n\n`Really`.", "input": "markdown"})
    assert marked.json()["id"] == plain.json()["id"]
    empty = await client.post("/v1/jobs", json={"text": "```\nx\n```", "input": "markdown"})
    assert (empty.status_code, empty.json()["errors"][0]["field"]) == (422, "text")


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
