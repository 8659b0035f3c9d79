"""The chat as a stream: words as they come, the sound of each sentence, and what breaks it off."""

from __future__ import annotations

import httpx
import pytest

from api.chat_schemas import ChatView
from tests.fakes.chatting import STREAMED, asked, streamed
from tests.fakes.stack import Stack

pytestmark = pytest.mark.integration


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
