"""What the bridge understands of the upstream: when it is ready, which conversation it is, and nothing that harms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.clock import Clock
from relay.hearing import Hearing
from relay.inbox import Inbox, Kind
from relay.limits import BridgeLimits
from relay.message_log import MessageLog
from speech.errors import KeyRejected, SettingsRefused, UpstreamBusy, UpstreamError

pytestmark = pytest.mark.unit

LIMITS = BridgeLimits(idle_seconds=100, session_seconds=0, notice_seconds=0)
UPDATED = {"type": "session.updated", "session": {}}


class Ear:
    """Hears events at given times."""

    def __init__(self, conversation_id: str | None = None) -> None:
        self.inbox, self.clock = Inbox(LIMITS, now=lambda: 0.0), Clock(LIMITS, now=0.0)
        self.hearing = Hearing(
            inbox=self.inbox,
            clock=self.clock,
            log=MessageLog("words").of("s"),
            tap=None,
            conversation_id=conversation_id,
        )

    def hear(self, *events: Mapping[str, Any], at: float = 0.0) -> Hearing:
        for event in events:
            self.hearing.hear(orjson.dumps(event).decode(), at=at)
        return self.hearing


def error(**fields: str) -> Mapping[str, Any]:
    return {"type": "error", "error": fields}


def test_it_is_ready_once_the_settings_are_confirmed() -> None:
    ear = Ear()
    assert not ear.hear({"type": "session.created"}, {"type": "conversation.created"}).ready.is_set()
    assert ear.hear(UPDATED).ready.is_set()


def test_the_conversation_is_the_last_one_that_was_created() -> None:
    ear = Ear("old")
    assert ear.hear({"type": "conversation.created", "conversation": {"id": None}}).conversation_id == "old"
    assert ear.hear({"type": "conversation.created", "conversation": {"id": "new"}}).conversation_id == "new"


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (error(type="invalid_request_error", code="invalid_voice"), SettingsRefused),
        (error(type="rate_limit_error", code="too_many_sessions"), UpstreamBusy),
        (error(type="authentication_error", code="bad_key"), KeyRejected),
        ({"type": "error", "code": "internal_error", "message": "at the top"}, UpstreamError),
    ],
)
def test_an_error_before_it_is_ready_is_why_it_does_not_get_so(
    event: Mapping[str, Any], expected: type[UpstreamError]
) -> None:
    with pytest.raises(expected):
        Ear().hear(event)
    assert Ear().hear(UPDATED, event).ready.is_set()


def test_an_error_about_an_old_conversation_is_none() -> None:
    ear = Ear("old")
    assert ear.hear(error(type="invalid_request_error", code="conversation_not_found"), UPDATED).ready.is_set()


async def test_confirmations_and_errors_answer_the_client_s_updates() -> None:
    for answer in (UPDATED, error(type="invalid_request_error")):
        ear = Ear()
        ear.hear(UPDATED)
        ear.inbox.open()
        ear.inbox.put("U", Kind.UPDATE, at=0.0)
        ear.inbox.put("a", Kind.AUDIO, at=0.0)
        assert (await ear.inbox.take()).frame == "U"
        ear.hear(answer)
        assert (await ear.inbox.take()).frame == "a"


def test_everything_but_pings_is_a_sign_of_life() -> None:
    ear = Ear()
    ear.hear({"type": "ping"}, at=60)
    assert ear.clock.due(100)
    ear.hear({"type": "whatever"}, at=90)
    assert ear.clock.due(100) is None


@pytest.mark.parametrize("kind", ["timeout", "max_duration"])
def test_the_upstream_may_announce_its_end(kind: str) -> None:
    ear = Ear()
    ear.hear(UPDATED)
    assert not ear.hear(error(type="invalid_request_error")).is_ending
    assert ear.hear(error(type=kind)).is_ending
    assert ear.hear(error(type="invalid_request_error")).is_ending


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "id", "text"]), inner),
    max_leaves=6,
)
types = st.sampled_from(["session.updated", "error", "conversation.created", "response.text.delta"]) | anything
fields = st.sampled_from(["error", "conversation", "item", "delta", "transcript", "code"])


@given(types, st.dictionaries(fields, anything))
def test_no_event_harms(kind: Any, event: dict[str, Any]) -> None:
    ear = Ear()
    ear.hear(UPDATED, {**event, "type": kind})
    for frame in ("", "[]", "{", "7", b"\xff", '"' + "x" * 9):
        ear.hearing.hear(frame, at=0.0)
