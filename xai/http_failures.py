"""What a refused handshake or a failed HTTP call means for the caller; no key, URL or body gets into an error."""

from __future__ import annotations

import re
import socket
import ssl
import time
from datetime import UTC
from email.utils import parsedate_to_datetime

from websockets.exceptions import InvalidStatus

from speech.errors import KeyRejected, UpstreamBusy, UpstreamError, UpstreamUnreachable

# A bad key's status is not documented; 400 is one of those seen, and its body names the key then.
_ABOUT_KEY = re.compile(rb"api[ _-]?key|unauthori[sz]ed|authenticat|credential|client[ _-]secret|invalid token", re.I)


def status_failure(status: int, *, retry_after: str | None, body: bytes) -> UpstreamError:
    """The error for an HTTP status; `retry_after` is the header as it came."""
    if status in (401, 402, 403) or (status == 400 and is_about_key(body)):
        return KeyRejected()
    if status == 429:
        return UpstreamBusy(retry_after=retry_after_seconds(retry_after, now=time.time()))
    return UpstreamUnreachable(f"The voice service answered with HTTP {status}", answered=status)


def is_about_key(body: bytes) -> bool:
    """Whether a refusal's body speaks of the key."""
    return _ABOUT_KEY.search(body) is not None


def handshake_failure(error: Exception) -> UpstreamError:
    """The error for whatever kept a socket from opening."""
    if isinstance(error, InvalidStatus):
        response = error.response
        return status_failure(
            response.status_code, retry_after=response.headers.get("Retry-After"), body=bytes(response.body or b"")
        )
    return UpstreamUnreachable(f"The connection to the voice service failed: {_cause(error)}")


def retry_after_seconds(header: str | None, *, now: float) -> float | None:
    """The seconds of a Retry-After header, given as seconds or as an HTTP date (`now` is Unix time)."""
    if not header:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        date = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now)


def _cause(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return "its certificate or TLS was not accepted"
    if isinstance(error, socket.gaierror):
        return "its host name is not known"
    if isinstance(error, ConnectionRefusedError):
        return "it was refused"
    return f"it broke off ({type(error).__name__})"
