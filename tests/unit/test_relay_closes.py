"""Ends: each failure has its code and reason, and what can go on is said to be resumable."""

from __future__ import annotations

import pytest

from relay import closes
from relay.closes import Closing, of_client, of_failure, of_upstream
from speech.errors import (
    KeyRejected,
    NoAudio,
    SettingsRefused,
    UpstreamBusy,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnreachable,
)

pytestmark = pytest.mark.unit

ALL = [value for value in vars(closes).values() if isinstance(value, Closing)]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (UpstreamBusy(), "upstream_busy"),
        (KeyRejected(), "upstream_refused"),
        (SettingsRefused(), "upstream_refused"),
        (UpstreamTimeout(), "upstream_timeout"),
        (UpstreamUnreachable(), "upstream_unavailable"),
        (NoAudio(), "upstream_unavailable"),
        (UpstreamError(), "upstream_unavailable"),
    ],
)
def test_a_session_that_does_not_get_ready(error: UpstreamError, reason: str) -> None:
    assert of_failure(error).reason == reason


def test_it_is_told_when_to_try_again_but_only_where_that_helps() -> None:
    assert "7 seconds" in of_failure(UpstreamBusy(retry_after=7.2)).message
    assert of_failure(UpstreamBusy(retry_after=7)).code == closes.UPSTREAM_BUSY.code
    assert of_failure(KeyRejected(retry_after=7)) is closes.UPSTREAM_REFUSED


def test_what_broke_may_go_on_and_what_was_ended_not() -> None:
    assert of_client(1000) is closes.CLIENT_GONE
    assert {of_client(code) for code in (None, 1001, 1006)} == {closes.CLIENT_LOST}
    assert of_upstream(1000, announced=False) is closes.UPSTREAM_ENDED
    assert of_upstream(1006, announced=True) is closes.UPSTREAM_ENDED
    assert {of_upstream(code, announced=False) for code in (None, 1001, 1011)} == {closes.UPSTREAM_LOST}
    assert {closing.reason for closing in closes.RESUMABLE} == {"client_lost", "upstream_lost", "going_away"}


def test_reasons_are_words_for_programs_that_fit_into_a_close_frame() -> None:
    assert len(ALL) > 15
    assert len({closing.reason for closing in ALL}) == len(ALL)
    for closing in ALL:
        assert closing.reason.replace("_", "").isalpha()
        assert closing.reason == closing.reason.lower()
        assert len(closing.reason) <= 123
        assert closing.message.endswith(".")
        assert closing.code in (1000, 1001, 1005, 1006, 1008, 1009, 1011, 1013) or 4400 <= closing.code < 4600
