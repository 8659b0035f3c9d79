"""The protocol by itself: what it sends, and what belongs to which utterance."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.errors import KeyRejected, SettingsRefused, UpstreamBusy, UpstreamError
from tests.fakes.protocol import CREATED, DONE, SETTINGS, delta, failure, feed, ready, sent, sound, speaking
from tests.fakes.scripted_upstream import PCM, utterance
from xai.instructions import VERBATIM
from xai.realtime import Audio, Finished, Realtime

pytestmark = pytest.mark.unit


def test_the_settings_are_asked_for_before_anything_else() -> None:
    update = sent(Realtime(SETTINGS))[0]
    session = update["session"]
    pcm = {"type": "audio/pcm", "rate": 24000}
    assert update["type"] == "session.update"
    assert session["voice"] == "ara"
    assert session["turn_detection"] is None
    assert session["replace"] == {"Acme": "Ack-me"}
    assert session["audio"]["output"] == {"format": pcm, "transport": "json", "speed": 1.25}
    assert "pt-br" in session["instructions"]


def test_nothing_is_spoken_before_the_settings_are_confirmed() -> None:
    protocol = Realtime(SETTINGS)
    protocol.frames()
    protocol.speak("Good morning", mode="force_message")
    assert protocol.frames() == []
    assert failure(protocol.outcomes()) is UpstreamError


@pytest.mark.parametrize("greeting", [["session.created", "conversation.created"], ["conversation.created"], []])
def test_the_greeting_comes_in_any_order(greeting: list[str]) -> None:
    protocol = Realtime(SETTINGS)
    feed(protocol, *({"type": kind} for kind in greeting))
    assert not protocol.configured
    feed(protocol, {"type": "session.updated"})
    assert protocol.usable


@pytest.mark.parametrize("voice", ["ara", "xai_ara", "ARA", None, 7])
def test_the_voice_is_confirmed_under_any_of_its_names(voice: object) -> None:
    protocol = Realtime(SETTINGS)
    feed(protocol, {"type": "session.updated", "session": {"voice": voice}})
    assert protocol.configured


@pytest.mark.parametrize(
    "session",
    [
        {"voice": "xai_rex"},
        {"audio": {"output": {"format": {"type": "audio/pcmu"}}}},
        {"audio": {"output": {"format": {"type": "audio/pcm", "rate": 48000}}}},
        {"audio": {"output": {"speed": 1.0}}},
    ],
)
def test_other_settings_than_asked_for_are_an_error(session: dict[str, Any]) -> None:
    protocol = Realtime(SETTINGS)
    feed(protocol, {"type": "session.updated", "session": session})
    assert not protocol.usable
    assert isinstance(protocol.error, SettingsRefused)


@pytest.mark.parametrize(
    ("kind", "code", "expected"),
    [
        ("invalid_request_error", "invalid_voice", SettingsRefused),
        ("invalid_request_error", None, SettingsRefused),
        ("error", "unknown_voice", SettingsRefused),
        ("internal_error", None, UpstreamError),
        ("invalid_request_error", "invalid_api_key", KeyRejected),
        ("invalid_request_error", "rate_limit_exceeded", UpstreamBusy),
    ],
)
def test_an_error_instead_of_the_confirmation_is_the_session_s(
    kind: str, code: str | None, expected: type[UpstreamError]
) -> None:
    protocol = Realtime(SETTINGS)
    feed(protocol, {"type": "error", "error": {"type": kind, "code": code}})
    assert type(protocol.error) is expected


@pytest.mark.parametrize(
    ("mode", "frames"),
    [
        (
            "force_message",
            [
                {
                    "type": "conversation.item.create",
                    "item": {
                        "type": "force_message",
                        "role": "assistant",
                        "interruptible": False,
                        "content": [{"type": "output_text", "text": "Good morning"}],
                    },
                }
            ],
        ),
        (
            "instructed",
            [
                {
                    "type": "conversation.item.create",
                    "item": {
                        "type": "message",
                        "role": "user",
                        "content": [{"type": "input_text", "text": "Good morning"}],
                    },
                },
                {"type": "response.create", "response": {"instructions": VERBATIM}},
            ],
        ),
        ("user_text", [{"type": "user.text", "text": "Good morning"}]),
    ],
)
def test_the_three_ways_to_speak(mode: str, frames: list[dict[str, Any]]) -> None:
    protocol = ready()
    protocol.speak("Good morning", mode=mode)
    assert sent(protocol) == frames


def test_an_utterance_is_whole_samples_and_words() -> None:
    outcomes = feed(speaking(), *utterance("r1", words="Good morning"))
    assert sound(outcomes) == PCM
    assert all(len(outcome.pcm) % 2 == 0 for outcome in outcomes if isinstance(outcome, Audio))
    assert outcomes[-1] == Finished("Good morning")


@given(st.binary(min_size=2, max_size=60), st.lists(st.integers(0, 60), max_size=8))
def test_any_cut_of_the_audio_gives_the_same_samples(pcm: bytes, cuts: list[int]) -> None:
    places = sorted({0, len(pcm), *(min(cut, len(pcm)) for cut in cuts)})
    chunks = [pcm[start:end] for start, end in pairwise(places)]
    outcomes = feed(speaking(), CREATED, *(delta(chunk) for chunk in chunks), DONE)
    assert sound(outcomes) == pcm[: len(pcm) & ~1]


def test_an_odd_byte_does_not_shift_the_next_utterance() -> None:
    protocol = speaking()
    feed(protocol, CREATED, delta(b"abc"), DONE)
    protocol.speak("Next", mode="force_message")
    assert sound(feed(protocol, *utterance("r2"))) == PCM


def test_binary_frames_are_sound_too() -> None:
    protocol = speaking()
    protocol.receive(b"early")
    feed(protocol, CREATED)
    protocol.receive(b"abc")
    protocol.receive(b"d")
    assert sound(protocol.outcomes()) == b"abcd"


def test_what_a_strict_client_breaks_on() -> None:
    quirks: list[dict[str, Any]] = [
        {"type": "ping", "timestamp": 1750000000000},
        {"type": "conversation.item.added", "item": {"id": "m"}},
        {"type": "conversation.item.added", "item": {"id": "m"}},
        {"type": "rate_limits.updated"},
        {"type": "response.content_part.done"},
        {"type": "response.output_item.done"},
        delta(b""),
        {"type": "session.updated", "session": {"voice": "xai_rex"}},
    ]
    protocol = speaking()
    assert feed(protocol, *quirks) == []
    feed(protocol, CREATED, CREATED)
    protocol.receive('{"type":"response.output_audio.delta","delta":"AAA')
    protocol.receive("\x00garbage")
    outcomes = feed(protocol, *quirks, delta(b"ab"), *quirks, DONE, *quirks, DONE)
    assert outcomes == [Audio(b"ab"), Finished(None)]
    assert protocol.usable


def test_the_last_words_of_an_item_count() -> None:
    ids = {"response_id": "r1", "item_id": "i"}
    words = [
        {"type": "response.audio_transcript.delta", **ids, "delta": "Good mor"},
        {"type": "response.output_audio_transcript.done", **ids, "transcript": "Good morning"},
        {"type": "response.output_audio_transcript.done", **ids},
    ]
    assert feed(speaking(), CREATED, delta(b"ab"), *words, DONE)[-1] == Finished("Good morning")


def test_events_without_an_id_belong_to_the_response_that_has_begun() -> None:
    protocol = speaking()
    assert feed(protocol, delta(b"xx", None), {"type": "response.done"}) == []
    outcomes = feed(protocol, {"type": "response.created"}, delta(b"ab"), delta(b"cd", None), {"type": "response.done"})
    assert outcomes == [Audio(b"ab"), Audio(b"cd"), Finished(None)]


def test_an_earlier_response_is_neither_heard_nor_ended_twice() -> None:
    protocol = speaking()
    feed(protocol, *utterance("r1"))
    protocol.speak("Next", mode="force_message")
    assert feed(protocol, DONE, delta(b"late"), delta(b"noise", "r0")) == []
    outcomes = feed(protocol, *utterance("r2", pcm=b"abcd"), delta(b"late"), DONE)
    assert sound(outcomes) == b"abcd"


@pytest.mark.parametrize("begun", [True, False])
def test_a_cancelled_response_is_not_taken_for_the_next_one(begun: bool) -> None:
    protocol = speaking()
    before, after = ([CREATED], []) if begun else ([], [CREATED])
    feed(protocol, *before)
    protocol.cancel()
    assert sent(protocol) == [{"type": "response.cancel", **({"response_id": "r1"} if begun else {})}]
    protocol.speak("Next", mode="force_message")
    assert feed(protocol, *after, delta(b"late"), {**DONE, "response": {"id": "r1", "status": "cancelled"}}) == []
    assert sound(feed(protocol, *utterance("r2", pcm=b"abcd"))) == b"abcd"
