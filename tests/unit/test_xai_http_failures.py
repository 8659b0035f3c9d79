"""What a refused handshake or HTTP call means, whatever form it has."""

from __future__ import annotations

import socket
import ssl

import pytest
from websockets.datastructures import Headers
from websockets.exceptions import InvalidStatus
from websockets.http11 import Response

from speech.errors import KeyRejected, UpstreamBusy, UpstreamError, UpstreamUnreachable
from xai.http_failures import handshake_failure, retry_after_seconds, status_failure

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (401, b"", KeyRejected),
        (403, b"", KeyRejected),
        (400, b'{"error":"Incorrect API key provided: xai-secret"}', KeyRejected),
        (400, b'{"error":"no such model"}', UpstreamUnreachable),
        (404, b"", UpstreamUnreachable),
        (429, b"", UpstreamBusy),
        (500, b"", UpstreamUnreachable),
        (503, b"xai-secret", UpstreamUnreachable),
    ],
)
def test_statuses(status: int, body: bytes, expected: type[UpstreamError]) -> None:
    error = handshake_failure(InvalidStatus(Response(status, "x", Headers(), body)))
    assert type(error) is expected
    assert "secret" not in repr(error)


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (ConnectionRefusedError("xai-secret"), "refused"),
        (socket.gaierror("xai-secret"), "host name"),
        (ssl.SSLCertVerificationError("xai-secret"), "TLS"),
        (OSError("xai-secret"), "broke off"),
    ],
)
def test_what_kept_the_socket_from_opening_is_named(error: Exception, word: str) -> None:
    failure = handshake_failure(error)
    assert type(failure) is UpstreamUnreachable
    assert word in failure.detail
    assert "secret" not in repr(failure)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        (" 0 ", 0.0),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 40.0),
        ("Thu, 01 Jan 1970 00:00:10 GMT", 0.0),
        ("Thu, 01 Jan 1970 00:01:40 -0000", 40.0),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(header, now=60.0) == seconds


def test_a_429_carries_its_delay() -> None:
    assert status_failure(429, retry_after="3", body=b"").retry_after == 3.0
