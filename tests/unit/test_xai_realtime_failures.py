"""The protocol by itself: what it makes of errors, and of utterances that end without all of their sound."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.errors import (
    KeyRejected,
    NoAudio,
    SpeakModeUnsupported,
    TextRefused,
    UpstreamBusy,
    UpstreamError,
    UpstreamUnreachable,
)
from tests.fakes.protocol import CREATED, DONE, SETTINGS, delta, failure, feed, ready, speaking
from tests.fakes.scripted_upstream import PCM
from xai.events import _READERS
from xai.realtime import Audio, Failed, Finished, Realtime

pytestmark = pytest.mark.unit


def test_a_session_that_died_after_an_utterance_has_not_answered_the_next() -> None:
    """So that whoever was granted it a moment before may open another at once: nothing of his text was paid."""
    protocol = speaking()
    assert isinstance(feed(protocol, CREATED, delta(PCM), DONE)[-1], Finished)
    assert protocol.answered
    protocol.receive_eof()
    protocol.speak("Good night", mode="force_message")
    assert [type(outcome) for outcome in protocol.outcomes()] == [Failed]
    assert not protocol.answered


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
