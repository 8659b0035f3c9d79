"""How a session ends: the close codes and reasons that clients see."""

from __future__ import annotations

from dataclasses import dataclass, replace

from speech.errors import (
    KeyRejected,
    SettingsRefused,
    UpstreamBusy,
    UpstreamError,
    UpstreamTimeout,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Closing:
    """`reason` is one word for programs, `message` one sentence for people."""

    code: int
    reason: str
    message: str


class Ended(Exception):
    """The session ends here, for this reason."""

    def __init__(self, closing: Closing) -> None:
        super().__init__(closing.reason)
        self.closing = closing


ENDED = Closing(code=1000, reason="ended", message="The session was ended.")
MAX_DURATION = Closing(code=1000, reason="max_duration", message="The session has reached its longest duration.")
IDLE = Closing(code=1000, reason="idle", message="Nothing was said for too long.")
GOING_AWAY = Closing(code=1001, reason="going_away", message="The service restarts; connect again.")
TOO_MANY_MESSAGES = Closing(code=1008, reason="too_many_messages", message="Too many messages came too fast.")
MESSAGE_TOO_BIG = Closing(code=1009, reason="message_too_big", message="A message was over the limit.")
INTERNAL = Closing(code=1011, reason="internal", message="Something went wrong on our side.")
UNAVAILABLE = Closing(
    code=1013, reason="unavailable", message="The service can't reach something that it needs; try again shortly."
)
BAD_TOKEN = Closing(code=4401, reason="bad_token", message="The token is not valid, or was used before.")
UPSTREAM_REFUSED = Closing(code=4403, reason="upstream_refused", message="The service is not set up right.")
UNKNOWN_SESSION = Closing(code=4404, reason="unknown_session", message="There is no such session; create one.")
CLIENT_TOO_SLOW = Closing(code=4408, reason="client_too_slow", message="The client took nothing for too long.")
IN_USE = Closing(code=4409, reason="in_use", message="The session is connected already.")
SPEND_LIMIT = Closing(code=4402, reason="spend_limit", message="Nothing new is begun today: the limit is reached.")
TOO_MANY_SESSIONS = Closing(code=4429, reason="too_many_sessions", message="Too many sessions are open already.")
UPSTREAM_LOST = Closing(code=4502, reason="upstream_lost", message="The connection to the voice service broke.")
UPSTREAM_ENDED = Closing(code=4502, reason="upstream_ended", message="The voice service ended the session.")
UPSTREAM_UNAVAILABLE = Closing(
    code=4503, reason="upstream_unavailable", message="The voice service can't be reached now; try again shortly."
)
UPSTREAM_TIMEOUT = Closing(code=4504, reason="upstream_timeout", message="The voice service did not get ready in time.")
UPSTREAM_BUSY = Closing(
    code=4529, reason="upstream_busy", message="All sessions of the voice service are in use; try again shortly."
)
# Never sent: there is nobody to close with.
CLIENT_GONE = Closing(code=1005, reason="client_gone", message="The client closed its connection.")
CLIENT_LOST = Closing(code=1006, reason="client_lost", message="The client's connection broke.")

RESUMABLE = frozenset({CLIENT_LOST, UPSTREAM_LOST, GOING_AWAY})
_NORMAL = 1000


def of_client(code: int | None) -> Closing:
    """What it means that the client's socket is closed."""
    return CLIENT_GONE if code == _NORMAL else CLIENT_LOST


def of_upstream(code: int | None, *, announced: bool) -> Closing:
    """What it means that the upstream closed a session that was ready; `announced`: it said so before."""
    return UPSTREAM_ENDED if announced or code == _NORMAL else UPSTREAM_LOST


def of_failure(error: UpstreamError) -> Closing:
    """What it means that a session did not get ready."""
    match error:
        case UpstreamBusy():
            closing = UPSTREAM_BUSY
        case KeyRejected() | SettingsRefused():
            return UPSTREAM_REFUSED
        case UpstreamTimeout():
            closing = UPSTREAM_TIMEOUT
        case _:
            closing = UPSTREAM_UNAVAILABLE
    if error.retry_after:
        return replace(closing, message=f"{closing.message} It is worth trying in {error.retry_after:.0f} seconds.")
    return closing
