"""Every shape that was seen on the wire becomes an event, and no frame raises."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xai import events
from xai.events import parse_event

pytestmark = pytest.mark.unit

SOUND = b"\x01\x02\x03"
ENCODED = base64.b64encode(SOUND).decode()


def parsed(message: Any) -> events.Event:
    return parse_event(orjson.dumps(message).decode())


@pytest.mark.parametrize(
    "message",
    [
        {"type": "response.output_audio.delta", "response_id": "r", "item_id": "i", "delta": ENCODED},
        {"type": "response.audio.delta", "response_id": "r", "delta": ENCODED, "output_index": 0},
        {"type": "assistant.audio", "response_id": "r", "audio": ENCODED},
        {"type": "assistant.audio", "response_id": "r", "delta": ENCODED},
    ],
)
def test_audio_has_several_names(message: Any) -> None:
    assert parsed(message) == events.AudioDelta("r", SOUND)


@pytest.mark.parametrize("delta", ["", None])
def test_an_empty_or_missing_delta_is_no_sound(delta: str | None) -> None:
    assert parsed({"type": "response.output_audio.delta", "delta": delta}) == events.AudioDelta(None, b"")


@pytest.mark.parametrize("delta", ["AAA", "????", 7, ["AAAA"]])
def test_broken_base64_is_told_from_silence(delta: object) -> None:
    assert parsed({"type": "response.output_audio.delta", "delta": delta}) == events.AudioDelta(None, None)


@pytest.mark.parametrize("name", ["response.output_audio_transcript", "response.audio_transcript"])
def test_words_have_two_names(name: str) -> None:
    ids = {"response_id": "r", "item_id": "i", "content_index": 1}
    assert parsed({"type": f"{name}.delta", **ids, "delta": "Hi"}) == events.TranscriptDelta("r", "i", 1, "Hi")
    assert parsed({"type": f"{name}.done", **ids, "transcript": "Hi"}) == events.TranscriptDone("r", "i", 1, "Hi")


def test_both_shapes_of_an_error() -> None:
    nested = {"type": "error", "error": {"type": "invalid_request_error", "code": "c", "message": "m", "param": None}}
    top = {"type": "error", "code": "c", "message": "m", "params": "p"}
    assert parsed(nested) == events.ErrorEvent("invalid_request_error", "c", "m", "")
    assert parsed(top) == events.ErrorEvent("", "c", "m", "p")
    assert parsed({"type": "error", "error": "no"}) == events.ErrorEvent("", "", "no", "")
    assert parsed({"type": "error", "error": {"code": 429}}) == events.ErrorEvent("", "429", "", "")


def test_the_end_of_a_response() -> None:
    done = {"type": "response.done", "response": {"id": "r", "status": "completed", "usage": {}}}
    assert parsed(done) == events.ResponseDone("r", "completed", "")
    assert parsed({"type": "response.done"}) == events.ResponseDone(None, None, "")
    details = {"type": "incomplete", "reason": "content_filter"}
    cut = {"type": "response.done", "response": {"id": "r", "status": "incomplete", "status_details": details}}
    assert parsed(cut) == events.ResponseDone("r", "incomplete", "content_filter incomplete")


def test_what_is_not_used_is_unknown() -> None:
    assert parsed({"type": "ping", "timestamp": 1}) == events.Unknown("ping")
    assert parsed({"type": "something.new"}) == events.Unknown("something.new")


@pytest.mark.parametrize("frame", ["", "{", "null", "[]", '"text"', "{}", '{"type": 7}', '{"type": {}}', "\x00", "NaN"])
def test_garbage_is_malformed(frame: str) -> None:
    assert parse_event(frame) == events.Malformed()


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(st.characters(codec="utf-8"), max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "type", "error", "code", "reason", "response"]), inner, max_size=3)
    ),
    max_leaves=8,
)
fields = st.sampled_from(["delta", "audio", "response", "response_id", "error", "session", "item_id", "status_details"])


@given(st.sampled_from(sorted(events._READERS)), st.dictionaries(fields, anything))
def test_no_event_raises_whatever_its_fields_hold(kind: str, message: dict[str, Any]) -> None:
    assert parsed({**message, "type": kind}) is not None
