"""The protocol by itself: what it sends, what it makes of every quirk, and what belongs to which utterance."""

from __future__ import annotations

import base64
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.errors import (
    KeyRejected,
    NoAudio,
    SettingsRefused,
    SpeakModeUnsupported,
    TextRefused,
    UpstreamBusy,
    UpstreamError,
    UpstreamUnreachable,
)
from tests.fakes.scripted_upstream import PCM, utterance
from xai.events import _READERS
from xai.instructions import VERBATIM
from xai.realtime import Audio, Failed, Finished, Outcome, Realtime
from xai.session import SessionSettings

pytestmark = pytest.mark.unit

SETTINGS = SessionSettings(voice="ara", speed=1.25, language="pt-br", pronunciations=(("Acme", "Ack-me"),))
CREATED = {"type": "response.created", "response": {"id": "r1"}}
DONE = {"type": "response.done", "response": {"id": "r1", "status": "completed"}}


def feed(protocol: Realtime, *messages: dict[str, Any]) -> list[Outcome]:
    for message in messages:
        protocol.receive(orjson.dumps(message).decode())
    return protocol.outcomes()


def sent(protocol: Realtime) -> list[dict[str, Any]]:
    return [orjson.loads(frame) for frame in protocol.frames()]


def ready() -> Realtime:
    protocol = Realtime(SETTINGS)
    session = sent(protocol)[0]["session"]
    feed(protocol, {"type": "session.updated", "session": session})
    assert protocol.usable
    return protocol


def speaking(mode: str = "force_message") -> Realtime:
    protocol = ready()
    protocol.speak("Good morning", mode=mode)
    protocol.frames()
    return protocol


def test_a_session_that_died_after_an_utterance_has_not_answered_the_next() -> None:
    """So that whoever was granted it a moment before may open another at once: nothing of his text was paid."""
    protocol = speaking()
    assert isinstance(feed(protocol, CREATED, delta(PCM), DONE)[-1], Finished)
    assert protocol.answered
    protocol.receive_eof()
    protocol.speak("Good night", mode="force_message")
    assert [type(outcome) for outcome in protocol.outcomes()] == [Failed]
    assert not protocol.answered


def delta(pcm: bytes, response_id: str | None = "r1") -> dict[str, Any]:
    return {
        "type": "response.output_audio.delta",
        **({"response_id": response_id} if response_id else {}),
        "delta": base64.b64encode(pcm).decode(),
    }


def sound(outcomes: list[Outcome]) -> bytes:
    return b"".join(outcome.pcm for outcome in outcomes if isinstance(outcome, Audio))


def failure(outcomes: list[Outcome]) -> type[UpstreamError] | None:
    last = outcomes[-1] if outcomes else None
    return type(last.error) if isinstance(last, Failed) else None


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


@pytest.mark.parametrize("status", ["cancelled", "incomplete", "failed"])
def test_a_broken_off_utterance_is_no_success(status: str) -> None:
    protocol = speaking()
    end = {"type": "response.done", "response": {"id": "r1", "status": status}}
    assert failure(feed(protocol, CREATED, delta(b"ab"), end)) is NoAudio
    assert not protocol.usable


def test_an_utterance_without_sound_is_no_success() -> None:
    assert failure(feed(speaking(), CREATED, delta(b""), DONE)) is NoAudio


def test_audio_that_cannot_be_decoded_is_no_success() -> None:
    broken = {"type": "response.output_audio.delta", "response_id": "r1", "delta": "????"}
    assert failure(feed(speaking(), CREATED, delta(b"ab"), broken, DONE)) is NoAudio


def test_a_filtered_utterance_is_refused() -> None:
    end = {"id": "r1", "status": "incomplete", "status_details": {"reason": "content_filter"}}
    assert failure(feed(speaking(), CREATED, {"type": "response.done", "response": end})) is TextRefused


@pytest.mark.parametrize("nested", [True, False])
@pytest.mark.parametrize(
    ("code", "begun", "expected"),
    [
        ("invalid_value", False, SpeakModeUnsupported),
        ("unknown_item_type", False, SpeakModeUnsupported),
        ("unsupported_content_type", False, SpeakModeUnsupported),
        ("invalid_event", False, SpeakModeUnsupported),
        ("content_policy_violation", False, TextRefused),
        ("moderation_blocked", True, TextRefused),
        ("text_too_long", False, TextRefused),
        ("string_above_max_length", False, TextRefused),
        ("rate_limit_exceeded", False, UpstreamBusy),
        ("invalid_api_key", False, KeyRejected),
        ("internal_error", False, UpstreamError),
        ("internal_error", True, UpstreamError),
        ("invalid_value", True, UpstreamError),
        ("max_duration", True, UpstreamUnreachable),
        ("timeout", False, UpstreamUnreachable),
    ],
)
def test_what_an_error_means(code: str, begun: bool, nested: bool, expected: type[UpstreamError]) -> None:
    details = {"code": code, "message": "secret"}
    kind = "invalid_request_error" if "invalid" in code else ""
    event = {"type": "error", "error": {**details, "type": kind}} if nested else {"type": "error", **details}
    outcomes = feed(speaking(), *([CREATED] if begun else []), event)
    assert failure(outcomes) is expected
    assert "secret" not in str(outcomes)


@pytest.mark.parametrize("message", ["The text is too long", "This violates our content policy"])
def test_a_message_tells_what_the_code_does_not(message: str) -> None:
    details = {"type": "invalid_request_error", "code": None, "message": message}
    assert failure(feed(speaking(), {"type": "error", "error": details})) is TextRefused


@pytest.mark.parametrize(("mode", "usable"), [("force_message", True), ("instructed", False), ("user_text", True)])
def test_a_session_goes_on_after_an_unknown_way_when_nothing_of_it_can_follow(mode: str, usable: bool) -> None:
    protocol = speaking(mode)
    feed(protocol, {"type": "error", "error": {"type": "invalid_request_error", "code": "unknown_type"}})
    assert protocol.usable is usable


def test_an_error_while_nobody_speaks_is_nobody_s() -> None:
    protocol = ready()
    assert feed(protocol, {"type": "error", "error": {"type": "internal_error"}}) == []
    assert protocol.usable


def test_the_server_may_end_the_session_at_any_time() -> None:
    protocol = ready()
    feed(protocol, {"type": "error", "error": {"type": "timeout"}})
    assert not protocol.usable
    assert isinstance(protocol.error, UpstreamUnreachable)
    talking = speaking()
    talking.receive_eof()
    assert failure(talking.outcomes()) is UpstreamUnreachable


ASSISTANT = {"type": "assistant.audio", "audio": base64.b64encode(b"ab").decode()}


def test_the_older_dialect_ends_with_its_own_event_or_with_response_done() -> None:
    protocol = speaking("user_text")
    assert feed(protocol, ASSISTANT, {"type": "assistant.audio.done"}) == [Audio(b"ab"), Finished(None)]
    protocol.speak("Next", mode="user_text")
    assert feed(protocol, DONE, ASSISTANT) == [Audio(b"ab")]
    assert feed(protocol, {"type": "response.done", "response": {"id": "r2"}}) == [Finished(None)]


def test_the_older_dialect_hears_nobody_else() -> None:
    outcomes = feed(speaking("user_text"), delta(b"noise", "r0"), ASSISTANT, delta(b"noise", "r0"))
    assert sound(outcomes) == b"ab"


@pytest.mark.parametrize("status", ["incomplete", "cancelled"])
def test_the_older_dialect_can_break_off(status: str) -> None:
    end = {"type": "response.done", "response": {"id": "r1", "status": status}}
    assert failure(feed(speaking("user_text"), ASSISTANT, end)) is NoAudio
    assert failure(feed(speaking("user_text"), end)) is NoAudio
    assert failure(feed(speaking("user_text"), {"type": "assistant.audio.done"})) is NoAudio


def test_the_older_dialect_may_have_a_lifecycle_as_well() -> None:
    assert feed(speaking("user_text"), CREATED, ASSISTANT, delta(b"cd"), DONE)[-1] == Finished(None)


messages = st.fixed_dictionaries(
    {"type": st.sampled_from([*sorted(_READERS), "ping"])},
    optional={
        "response_id": st.sampled_from(["r1", "r2", "", None]),
        "delta": st.sampled_from(["AAAA", "AAA=", "", "?"]),
        "response": st.sampled_from([{"id": "r1"}, {"id": "r2", "status": "cancelled"}, {}, None]),
        "code": st.sampled_from(["timeout", "invalid_value", None]),
    },
)


@given(st.lists(messages | st.sampled_from(["speak", "cancel", "eof", "\x00", b"abc"]), max_size=25))
def test_no_order_of_frames_raises_or_reports_two_ends(steps: list[Any]) -> None:
    protocol = Realtime(SETTINGS)
    asked = ends = 0
    for step in steps:
        if step == "speak":
            asked += 1
            protocol.speak("Good morning", mode="force_message")
        elif step == "cancel":
            protocol.cancel()
        elif step == "eof":
            protocol.receive_eof()
        else:
            protocol.receive(orjson.dumps(step).decode() if isinstance(step, dict) else step)
        ends += sum(not isinstance(outcome, Audio) for outcome in protocol.outcomes())
        assert ends <= asked
